//! Has somebody moved a tag? A tag is a promise that a name means one commit; one that leads elsewhere than it did when the lock
//! was made is taken only when a person says so.

use std::collections::BTreeSet;
use std::path::Path;

use mfp_model::lock::{Lock, LockedPlugin, denied_sources};
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_model::source::{CommitId, GitReference, Pin};

use crate::app::App;
use crate::error::{Error, Result};
use crate::locking::Freedom;
use crate::report::clean;
use crate::sources::git::Git;

/// A tag that leads to another commit than the locked one.
#[derive(Debug)]
pub(crate) struct MovedTag {
    name: PluginName,
    tag: String,
    was: CommitId,
    is: CommitId,
}

/// What may move, after moved tags were held back.
pub(crate) struct HeldBack<'a> {
    pub(crate) freedom: Freedom,
    /// Those that were held back.
    pub(crate) moved: Vec<MovedTag>,
    /// The repositories that were asked, for locking: it's to see each tag where it was seen here.
    pub(crate) git: Option<Git<'a>>,
}

/// Keep the locked commits of tags that have moved, unless a person accepted that: what may move is less then.
pub(crate) fn hold_back<'a>(
    app: &'a App<'a>,
    root: &Path,
    manifest: &Manifest,
    old: Option<&Lock>,
    freedom: Freedom,
    accepted: &[PluginName],
) -> Result<HeldBack<'a>> {
    let free = old.into_iter().flat_map(|lock| lock.plugins.values());
    let free: Vec<&LockedPlugin> =
        free.filter(|plugin| freedom.lets_go(&plugin.name) && !accepted.contains(&plugin.name) && locked_tag(plugin).is_some()).collect();
    if free.is_empty() {
        return Ok(HeldBack { freedom, moved: Vec::new(), git: None });
    }
    // What comes from where nothing may come from is refused when it's locked, and isn't asked before.
    let denied = denied_sources(manifest);
    let git = Git::new(app, root)?;
    let mut moved = Vec::new();
    for plugin in free {
        let Some(entry) = manifest.plugins.get(&plugin.name) else { continue };
        if denied.iter().any(|one| one.name == plugin.name) {
            continue;
        }
        let is_same = old.and_then(|old| old.requirements.get(&plugin.name)).is_some_and(|asked| asked.source == entry.request.source);
        // Another tag, or another repository, is another promise.
        let Some(tip) = is_same.then(|| git.tip(&entry.request.source)).transpose()?.flatten() else { continue };
        moved.extend(compare(plugin, tip));
    }
    let names = moved.iter().map(|tag| tag.name.clone()).collect();
    Ok(HeldBack { freedom: freedom.but(names), moved, git: Some(git) })
}

/// Does a plugin that was just looked at break the promise of the locked one?
pub(crate) fn compare(locked: &LockedPlugin, is: CommitId) -> Option<MovedTag> {
    let (tag, was) = locked_tag(locked)?;
    (*was != is).then(|| MovedTag { name: locked.name.clone(), tag: tag.to_owned(), was: was.clone(), is })
}

fn locked_tag(plugin: &LockedPlugin) -> Option<(&str, &CommitId)> {
    match &plugin.package()?.pin {
        Pin::Git { reference: GitReference::Tag(tag), commit, .. } => Some((tag.as_str(), commit)),
        _ => None,
    }
}

/// What to say about them.
pub(crate) fn refusal(moved: &[MovedTag]) -> Error {
    let short = |commit: &CommitId| commit.as_str()[..12].to_owned();
    let point =
        |one: &MovedTag| format!("{}: the tag `{}` was at {}, and is at {}", one.name, clean(&one.tag), short(&one.was), short(&one.is));
    let names: BTreeSet<&str> = moved.iter().map(|one| one.name.as_str()).collect();
    let accept: Vec<String> = names.iter().map(|name| format!("--accept-moved-tag {name}")).collect();
    let message =
        if moved.len() == 1 { "a git tag leads to another commit than it did" } else { "git tags lead to other commits than they did" };
    Error::new("mfp::git::moved-tag", message)
        .points(moved.iter().map(point))
        .help(format!(
            "the locked commits are kept; if the tags were moved for a good reason: `mfp update {} {}`",
            names.iter().copied().collect::<Vec<_>>().join(" "),
            accept.join(" ")
        ))
        .detail("plugins", names.into_iter().collect::<Vec<_>>())
}
