//! `mfp upgrade`: raise the requirements in the manifest, and the tags of git sources, to the newest versions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;

use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::project::{Manifest, edit};
use mfp_model::requirement::Requirement;
use mfp_model::source::{GitReference, RefName, Source};

use crate::app::App;
use crate::changing::{Decision, cant_edit, carry_out, refuse_locked};
use crate::cli::edit::UpgradeArgs;
use crate::error::{Error, Result};
use crate::locking::{Freedom, Goal, Made, UndecidedVersions, lock_with};
use crate::report::{Event, Outcome};
use crate::signing::Wishes;
use crate::sources::git::Git;

/// See which versions would be had without the requirements, raise those that are in the way, save, lay out.
pub(crate) fn run(app: &App<'_>, args: &UpgradeArgs) -> Result<Outcome> {
    refuse_locked(app, "upgrade")?;
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let before = project.manifest()?;
    let old = project.lock()?;
    let (names, tags) = chosen(&before, args)?;

    let tags = newer_tags(app, &project.root, &before, &tags)?;
    let tagged_text = with_tags(&project.manifest_text, &tags)?;
    let open_text = with_requirements(&tagged_text, names.iter().map(|name| (name, Requirement::any())))?;
    let open = project.parse(&open_text)?;
    let goal = Goal {
        root: &project.root,
        manifest: &open,
        manifest_text: &open_text,
        old: old.as_ref(),
        freedom: Freedom::Names(names.iter().chain(tags.keys()).cloned().collect()),
        precise: BTreeMap::new(),
        seen: BTreeMap::new(),
        undecided: UndecidedVersions::HeldBack,
        signing: Wishes { prove: !args.dry_run, ..Wishes::typed(&args.accept_key, &before, old.as_ref())? },
    };
    let Made { lock: newest, mut held } = lock_with(app, &app.store()?, &goal, None)?;

    // What's held back could leave only versions from before what the project requires. A requirement is never lowered.
    held.is_forced |= !held.is_empty() && names.iter().any(|name| is_below(&before, &newest, name));
    if held.is_forced {
        return Err(held.refusal(AGAIN).note("no file was changed"));
    }
    let raised = raised(&before, &newest, &names);
    let text = with_requirements(&tagged_text, raised.iter().map(|(name, requirement)| (name, requirement.clone())))?;
    let manifest = project.parse(&text)?;
    for (name, requirement) in &raised {
        let was = before.plugins.get(name).and_then(|entry| entry.request.source.requirement());
        app.reporter.event(Event::Note(format!("Raised {name}: {} → {requirement}", was.map(ToString::to_string).unwrap_or_default())));
    }
    for (name, (was, tag)) in &tags {
        app.reporter.event(Event::Note(format!("Raised {name}: {was} → {tag}")));
    }
    let new = Lock::build(&manifest, newest.plugins.into_values().collect());
    let decision = Decision {
        manifest: &manifest,
        manifest_text: text.clone(),
        old: old.as_ref(),
        lock: new,
        dry_run: args.dry_run,
        no_sync: args.no_sync,
        held: (held, AGAIN),
    };
    carry_out(app, &mut project, decision)
}

/// What to type once a person has decided about what was held back.
const AGAIN: &str = "mfp upgrade";

/// Is the version that was chosen older than all that the project's requirement takes in?
fn is_below(manifest: &Manifest, newest: &Lock, name: &PluginName) -> bool {
    let was = manifest.plugins.get(name).and_then(|entry| entry.request.source.requirement());
    let lowest = was.and_then(|was| was.range().bounding_range()).map(|(lowest, _)| lowest);
    match (lowest, newest.plugins.get(name).and_then(LockedPlugin::version)) {
        (Some(Bound::Included(lowest) | Bound::Excluded(lowest)), Some(version)) => version < lowest,
        _ => false,
    }
}

/// The plugins to upgrade, those from registries and those at tags of repositories: the ones that were named, or all.
fn chosen(manifest: &Manifest, args: &UpgradeArgs) -> Result<(BTreeSet<PluginName>, BTreeSet<PluginName>)> {
    let source = |name: &PluginName| manifest.plugins.get(name).map(|entry| &entry.request.source);
    let from_registry = |name: &PluginName| matches!(source(name), Some(Source::Registry { .. }));
    let at_a_tag = |name: &PluginName| matches!(source(name), Some(Source::Git { reference: GitReference::Tag(_), .. }));
    let split = |names: &mut dyn Iterator<Item = &PluginName>| {
        names.filter(|name| from_registry(name) || at_a_tag(name)).cloned().partition(|name| from_registry(name))
    };
    if args.names.is_empty() {
        return Ok(split(&mut manifest.plugins.keys()));
    }
    match args.names.iter().find(|name| !from_registry(name) && !at_a_tag(name)) {
        None => Ok(split(&mut args.names.iter())),
        Some(name) => {
            Err(Error::new("mfp::manifest::not-declared", format!("the manifest has no requirement on `{name}` that could be raised"))
                .help(format!("`mfp update {name}` takes what its requirements allow")))
        }
    }
}

/// For each of these the tag that the manifest names, and the newest one like it, where that's another.
fn newer_tags(
    app: &App<'_>,
    root: &Path,
    manifest: &Manifest,
    names: &BTreeSet<PluginName>,
) -> Result<BTreeMap<PluginName, (RefName, RefName)>> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let git = Git::new(app, root)?;
    let mut newer = BTreeMap::new();
    for name in names {
        let Some(Source::Git { url, reference: GitReference::Tag(tag), .. }) =
            manifest.plugins.get(name).map(|entry| &entry.request.source)
        else {
            continue;
        };
        if let Some((newest, _)) = git.newest_tag(url, tag)? {
            newer.insert(name.clone(), (tag.clone(), newest));
        }
    }
    Ok(newer)
}

fn with_tags(text: &str, tags: &BTreeMap<PluginName, (RefName, RefName)>) -> Result<String> {
    tags.iter().try_fold(text.to_owned(), |text, (name, (_, tag))| edit::set_tag(&text, name, tag).map_err(|error| cant_edit(&error)))
}

fn with_requirements<'a>(text: &str, requirements: impl IntoIterator<Item = (&'a PluginName, Requirement)>) -> Result<String> {
    requirements.into_iter().try_fold(text.to_owned(), |text, (name, requirement)| {
        edit::set_requirement(&text, name, &requirement).map_err(|error| cant_edit(&error))
    })
}

/// Requirements that the newest versions don't meet, as they have to be.
fn raised(manifest: &Manifest, newest: &Lock, names: &BTreeSet<PluginName>) -> BTreeMap<PluginName, Requirement> {
    let raise = |name: &PluginName| {
        let was = manifest.plugins.get(name)?.request.source.requirement()?;
        let version = newest.plugins.get(name)?.version()?;
        let exact = was.is_exact();
        let requirement = if exact { Requirement::exactly(version) } else { Requirement::caret(version) };
        (!was.matches(version)).then(|| (name.clone(), requirement))
    };
    names.iter().filter_map(raise).collect()
}
