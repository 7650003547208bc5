//! Which lock does a command go by, as far as `--locked`, `--frozen` and `--check` allow?

use std::collections::BTreeMap;
use std::path::Path;

use mfp_model::digest::ContentDigest;
use mfp_model::lock::{Lock, Stale, contradictions, staleness};
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_model::source::Source;

use crate::app::App;
use crate::error::{Error, Result};
use crate::policy::refuse_violations;
use crate::project::Project;
use crate::report::Event;
use crate::settings::{LockMode, LockedBy};
use crate::sources::declared::read_folder;

use super::{Goal, lock, refuse_unsupported};

/// The content of the project's folder plugins as it is now, for freshness.
pub(crate) fn path_contents(root: &Path, manifest: &Manifest) -> Result<BTreeMap<PluginName, ContentDigest>> {
    let mut contents = BTreeMap::new();
    for (name, entry) in &manifest.plugins {
        if let Source::Path { path, bare } = &entry.request.source {
            let folder = read_folder(name, root, path, bare, entry.request.package.as_ref())?;
            contents.insert(name.clone(), folder.listing.content());
        }
    }
    Ok(contents)
}

/// The lock to go by, as far as `--locked`, `--frozen` and `--check` allow: fresh, and written if it changed.
pub(crate) fn current_lock(app: &App<'_>, project: &mut Project, manifest: &Manifest, only_look: bool) -> Result<Lock> {
    let lock_mode = app.settings.lock_mode;
    if lock_mode == LockMode::Frozen {
        refuse_unsupported(manifest, &project.manifest_text)?;
        let lock = project.existing_lock()?;
        // Cut in the right place, a lock is an empty one. Freshness would tell; `--frozen` doesn't ask.
        if lock.requirements.is_empty() && !manifest.plugins.is_empty() {
            return Err(Error::new("mfp::lock::empty", "`plugins.lock` holds nothing, and the manifest declares plugins")
                .help("run `mfp lock`, or take plugins.lock from version control again"));
        }
        refuse_contradictions(&lock)?;
        refuse_violations(manifest, &project.manifest_text, &lock)?;
        refuse_changed_folders(&lock, &path_contents(&project.root, manifest)?)?;
        return Ok(lock);
    }
    let old = project.lock()?;
    if let Some(lock) = &old {
        let reasons = staleness(manifest, lock, &path_contents(&project.root, manifest)?);
        match lock_mode {
            _ if reasons.is_empty() => {
                refuse_unsupported(manifest, &project.manifest_text)?;
                refuse_violations(manifest, &project.manifest_text, lock)?;
                return Ok(lock.clone());
            }
            LockMode::Locked(by) => return Err(stale(&reasons, by)),
            LockMode::Update | LockMode::Frozen => {
                for reason in &reasons {
                    app.reporter.event(Event::Detail(format!("plugins.lock is out of date: {reason}")));
                }
            }
        }
    } else if let LockMode::Locked(by) = lock_mode {
        return Err(Error::new("mfp::lock::missing", format!("there's no plugins.lock, and {}", why_locked(by)))
            .help("run `mfp lock` and commit plugins.lock"));
    }
    let merge = crate::merging::unfinished(app, project)?;
    let old = match &merge {
        Some(merge) => merge.preferred(app, manifest)?,
        None => old,
    };
    let store = app.store()?;
    let goal = Goal::keeping(&project.root, manifest, &project.manifest_text, old.as_ref());
    let lock = lock(app, &store, &goal)?;
    if let Some(merge) = &merge {
        merge.tell(app, &lock);
    }
    if !only_look {
        project.save_lock(&lock)?;
    }
    Ok(lock)
}

/// Under `--frozen` nobody asks whether the lock fits the manifest. Whether it fits itself is asked: a merge line by line may
/// have put two halves together that don't.
fn refuse_contradictions(lock: &Lock) -> Result<()> {
    let reasons = contradictions(lock);
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Error::new("mfp::lock::contradiction", "plugins.lock contradicts itself: a merge or a hand has put together what doesn't fit")
        .points(reasons.iter().map(ToString::to_string))
        .help("run `mfp lock` and commit plugins.lock"))
}

/// Under `--frozen` a folder that isn't what was locked can't make the lock stale: it's bytes that don't verify.
fn refuse_changed_folders(lock: &Lock, found: &BTreeMap<PluginName, ContentDigest>) -> Result<()> {
    let is_changed =
        |(name, content): &(&PluginName, &ContentDigest)| lock.plugins.get(*name).is_some_and(|plugin| plugin.content != **content);
    match found.iter().find(is_changed) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Error::new("mfp::integrity::content", format!("{name}: the files in its folder aren't those that were locked"))
                .help("run `mfp lock`, if they're meant"))
        }
    }
}

/// The lock isn't fresh, and may not be written.
fn stale(reasons: &[Stale], by: LockedBy) -> Error {
    Error::new("mfp::lock::stale", format!("`plugins.lock` is out of date with `mockforge-plugins.toml`, and {}", why_locked(by)))
        .points(reasons.iter().map(ToString::to_string))
        .help("run `mfp lock` and commit plugins.lock")
}

fn why_locked(by: LockedBy) -> &'static str {
    match by {
        LockedBy::Flag => "`--locked` was given",
        LockedBy::Ci => "CI=true implies `--locked` (`--no-locked` undoes it)",
        LockedBy::Check => "`--check` writes nothing",
        LockedBy::Serve => "a running server doesn't write it",
    }
}
