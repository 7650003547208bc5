//! `mfp verify --fix`: what's damaged is got again, from a vendored folder or from where it came from, and verified; only when
//! all of it is at hand is anything replaced. Then what was changed in the plugin folder is laid out again.
//!
//! A fix that can't be done leaves the store and the plugin folder as they were: the damaged plugin still doesn't run, since
//! whoever reads it hashes it.

use mfp_model::lock::LockedPlugin;
use mfp_store::vendor::Vendor;
use mfp_store::{Claim, Tree, Verified};

use super::checks::Subject;
use crate::error::{Error, Exit, Result};
use crate::explain::Explained;
use crate::installing::{Groups, Manner, Options, bring, hold_store, prepare, selected, vendored, vendored_folders};
use crate::report::Event;
use crate::sources::fetch::fetch_damaged;

/// What was fetched and verified, and perhaps the claim that keeps others from doing the same.
type Fetched = (Verified<Tree>, Option<Claim>);

/// Mend what can be mended.
pub(super) fn run(subject: &Subject<'_>) -> Result<()> {
    let Subject { app, store, project, manifest, lock, .. } = *subject;
    let _held = project.hold_only(app.reporter)?;
    let damaged = damaged(subject);
    replace(subject, &damaged).map_err(|error| if damaged.is_empty() { error } else { unchanged(error, &damaged) })?;
    {
        let _guard = hold_store(app, store)?;
        // Optional groups that nobody synced needn't be there.
        let wanted = selected(lock, &Groups::None);
        let meant: Vec<&LockedPlugin> = subject.plugins.iter().copied().filter(|plugin| wanted.contains_key(&plugin.name)).collect();
        bring(app, store, project, manifest, &meant)?;
    }
    let options = Options { manner: Manner::Keeping, ..Options::default() };
    let mut prepared = prepare(app, project, manifest, lock, &options)?;
    prepared.repair_changed()?;
    prepared.apply(app, project, &options).map(drop)
}

/// What the store has, and not as it should be. What it doesn't have is fetched as by `sync`.
fn damaged<'a>(subject: &Subject<'a>) -> Vec<&'a LockedPlugin> {
    let is_damaged = |plugin: &&LockedPlugin| {
        let content = &plugin.content;
        plugin.package().is_some() && subject.store.contains(content) && subject.store.need(content).and_then(|one| one.check()).is_err()
    };
    subject.plugins.iter().copied().filter(is_damaged).collect()
}

/// Fetch, verify, and only then replace. What was there goes to quarantine, for a person to look at.
fn replace(subject: &Subject<'_>, damaged: &[&LockedPlugin]) -> Result<()> {
    let Subject { app, store, project, manifest, .. } = *subject;
    if damaged.is_empty() {
        return Ok(());
    }
    let (mut trees, missing) = from_vendored(subject, damaged)?;
    trees.extend(fetch_damaged(app, store, manifest, &project.root, &missing)?);
    // Claims are given back when everything has its place.
    let (trees, _claims): (Vec<_>, Vec<_>) = trees.into_iter().unzip();
    for place in store.replace(trees).explained()? {
        app.reporter.event(Event::Note(format!("What was damaged is in {} now", place.display())));
    }
    Ok(())
}

/// What vendored folders have of it, and what they haven't. A damaged copy in one of them is none.
fn from_vendored<'p>(subject: &Subject<'_>, damaged: &[&'p LockedPlugin]) -> Result<(Vec<Fetched>, Vec<&'p LockedPlugin>)> {
    let (mut trees, mut missing) = (Vec::new(), damaged.to_vec());
    for folder in vendored_folders(subject.app, subject.project, subject.manifest) {
        let vendor = Vendor::open(&folder).explained()?;
        missing.retain(|plugin| match vendored(subject.store, &vendor, plugin) {
            Ok(tree) => {
                trees.push((tree, None));
                false
            }
            Err(_) => true,
        });
    }
    Ok((trees, missing))
}

/// Why it can't be mended, and that nothing has changed. That it's damaged weighs more than that nobody could be reached.
fn unchanged(error: Error, damaged: &[&LockedPlugin]) -> Error {
    let exit = Exit::Integrity.or(error.exit());
    let error = error.exit_with(exit);
    let names: Vec<&str> = damaged.iter().map(|plugin| plugin.name.as_str()).collect();
    error.note(format!("damaged and not mended: {}; the store and the plugin folder are as they were", names.join(", ")))
}
