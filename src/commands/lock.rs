//! `mfp lock`: make plugins.lock fresh.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::lock::{Lock, staleness, violations};
use mfp_model::name::PluginName;
use mfp_model::plan::diff;
use mfp_model::project::Manifest;
use mfp_model::version::Version;

use crate::advisories::{Book, refuse_to_lock};
use crate::app::App;
use crate::changing::{change_documents, report_changes};
use crate::cli::project::LockArgs;
use crate::cli::spec::parse_name_at_version;
use crate::configs;
use crate::error::Result;
use crate::explain;
use crate::held::HeldBack;
use crate::locking::{Freedom, Goal, UndecidedVersions, current_lock, lock_with, path_contents};
use crate::merging::Merge;
use crate::moved_tags;
use crate::project::{Project, from_newer};
use crate::report::document::{ChangesDocument, Document};
use crate::report::{Event, Outcome};
use crate::settings::LockMode;
use crate::signing::Wishes;

/// Lock, changing as little as the flags let it.
pub(crate) fn run(app: &App<'_>, args: &LockArgs) -> Result<Outcome> {
    let mut project = app.project()?;
    let _held = if args.check || args.dry_run { None } else { Some(project.hold(app.reporter)?) };
    let manifest = project.manifest()?;
    if app.settings.lock_mode != LockMode::Update {
        crate::merging::refuse_unmerged(&project)?;
        let lock = current_lock(app, &mut project, &manifest, true)?;
        refuse_to_lock(&Book::known(app, &manifest, &project.root), &lock)?;
        check_configs(app, &project, &manifest, &lock)?;
        app.reporter.event(Event::Note(format!("plugins.lock is fresh ({})", crate::report::plural(lock.plugins.len(), "plugin"))));
        return Ok(outcome(Vec::new(), false, &HeldBack::default()));
    }
    let merge = crate::merging::unfinished(app, &project)?;
    let old = match &merge {
        Some(merge) => merge.preferred(app, &manifest)?,
        None => known_lock(app, &project, args)?,
    };
    let (freedom, precise) = freedom(args)?;
    if let (Freedom::Names(names), Some(old)) = (&freedom, &old)
        && let Some(name) = names.iter().find(|name| !old.plugins.contains_key(*name))
    {
        return Err(explain::not_locked(name, old));
    }
    let is_fresh = match &old {
        Some(old) if freedom == Freedom::Keep && project.lock_text.as_ref() == Some(&old.to_text()) => {
            let is_allowed = violations(&manifest, old).is_empty() && Book::known(app, &manifest, &project.root).blocking(old).is_empty();
            is_allowed && staleness(&manifest, old, &path_contents(&project.root, &manifest)?).is_empty()
        }
        _ => false,
    };
    let mut moved = Vec::new();
    let mut held = HeldBack::default();
    let new = match &old {
        Some(old) if is_fresh => {
            crate::locking::refuse_unsupported(&manifest, &project.manifest_text)?;
            old.clone()
        }
        _ => {
            let freedom_is_wide = freedom != Freedom::Keep;
            let held_back = moved_tags::hold_back(app, &project.root, &manifest, old.as_ref(), freedom, &[])?;
            moved = held_back.moved;
            let goal = Goal {
                undecided: if freedom_is_wide { UndecidedVersions::HeldBack } else { UndecidedVersions::Chosen },
                freedom: held_back.freedom,
                precise,
                signing: Wishes::typed(&args.accept_key, &manifest, old.as_ref())?,
                ..Goal::keeping(&project.root, &manifest, &project.manifest_text, old.as_ref())
            };
            let made = lock_with(app, &app.store()?, &goal, held_back.git)?;
            held = made.held;
            made.lock
        }
    };
    if held.is_forced {
        return Err(held.refusal(AGAIN).note("no file was changed"));
    }
    check_configs(app, &project, &manifest, &new)?;
    if let Some(merge) = &merge {
        merge.tell(app, &new);
    }
    let changes = diff(merge.as_ref().map_or(old.as_ref(), Merge::ours), &new);
    if !args.dry_run {
        project.save_lock(&new)?;
        app.remember(&project);
    }
    report_changes(app, &changes, args.dry_run);
    let outcome = outcome(change_documents(&changes), args.dry_run, &held);
    let outcome = if held.is_empty() { outcome } else { outcome.refused(held.refusal(AGAIN)) };
    Ok(if moved.is_empty() { outcome } else { outcome.refused(moved_tags::refusal(&moved)) })
}

/// What the project configures, against the schemas of those plugins whose contents are here. Those of the others are looked at when
/// they're fetched: a registry's index doesn't hold them.
fn check_configs(app: &App<'_>, project: &Project, manifest: &Manifest, lock: &Lock) -> Result<()> {
    if manifest.config.is_empty() {
        return Ok(());
    }
    configs::refuse(&app.store_to_read()?, project, manifest, lock.plugins.values())
}

/// What to type once a person has decided about what was held back.
const AGAIN: &str = "mfp lock --upgrade";

fn outcome(changes: Vec<crate::report::document::ChangeDocument>, dry_run: bool, held: &HeldBack) -> Outcome {
    Outcome::done(Document::Changes(ChangesDocument { changes, dry_run, held: held.documents() }))
}

/// The lock as it is; with `--rebuild`, none if it can't be read.
fn known_lock(app: &App<'_>, project: &Project, args: &LockArgs) -> Result<Option<Lock>> {
    let Some(text) = &project.lock_text else { return Ok(None) };
    match Lock::parse(text) {
        Ok(lock) if lock.is_from_newer_mfp() => Err(from_newer()),
        Ok(lock) => Ok(Some(lock)),
        Err(_) if args.rebuild => {
            app.reporter.event(Event::Note("plugins.lock can't be read, and is made anew".to_owned()));
            Ok(None)
        }
        Err(error) => Err(explain::lock(text, &error)),
    }
}

fn freedom(args: &LockArgs) -> Result<(Freedom, BTreeMap<PluginName, Version>)> {
    let wanted: Vec<(PluginName, Option<Version>)> =
        args.upgrade_plugin.iter().map(|text| parse_name_at_version(text)).collect::<Result<_>>()?;
    let precise = wanted.iter().filter_map(|(name, version)| Some((name.clone(), version.clone()?))).collect();
    let names: BTreeSet<PluginName> = wanted.into_iter().map(|(name, _)| name).collect();
    Ok(match () {
        () if args.upgrade => (Freedom::All, precise),
        () if !names.is_empty() => (Freedom::Names(names), precise),
        () => (Freedom::Keep, precise),
    })
}
