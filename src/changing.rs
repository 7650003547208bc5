//! What commands that change the manifest have in common: everything is decided, fetched and verified before a file of the
//! project changes; then the lock is written, then the manifest, then the plugin folder is switched over.

use std::collections::BTreeSet;

use mfp_model::lock::{Lock, LockedPlugin, unapproved};
use mfp_model::plan::{Change, ChangeKind, diff};
use mfp_model::project::Manifest;
use mfp_model::project::edit::EditError;

use crate::app::App;
use crate::approvals::flags;
use crate::error::{Error, Result};
use crate::explain::approval_error;
use crate::held::HeldBack;
use crate::installing::{Manner, Options, bring, hold_store, prepare, source_note};
use crate::project::Project;
use crate::report::document::{self, ChangeDocument, ChangeSide, ChangesDocument, Document};
use crate::report::{ChangeLine, Event, Outcome};
use crate::settings::LockMode;

/// A change that's decided and not yet made.
#[derive(Debug)]
pub(crate) struct Decision<'a> {
    /// The manifest as it'll be.
    pub(crate) manifest: &'a Manifest,
    /// Its text.
    pub(crate) manifest_text: String,
    /// The lock as it was.
    pub(crate) old: Option<&'a Lock>,
    /// The lock as it'll be.
    pub(crate) lock: Lock,
    /// Change nothing, only say.
    pub(crate) dry_run: bool,
    /// Leave the plugin folder as it is.
    pub(crate) no_sync: bool,
    /// What was passed over, and what to type once a person has decided about it.
    pub(crate) held: (HeldBack, &'static str),
}

/// Commands whose work is to change the lock can't keep it.
pub(crate) fn refuse_locked(app: &App<'_>, command: &str) -> Result<()> {
    match app.settings.lock_mode {
        LockMode::Update => Ok(()),
        LockMode::Locked(_) | LockMode::Frozen => {
            Err(Error::new("mfp::usage::locked", format!("`mfp {command}` changes plugins.lock, which --locked and --frozen forbid"))
                .help(format!("run `mfp {command}` without them")))
        }
    }
}

/// Make the change: fetch and verify, save lock and manifest, lay out.
#[expect(clippy::needless_pass_by_value, reason = "a decision is carried out once")]
pub(crate) fn carry_out(app: &App<'_>, project: &mut Project, decision: Decision<'_>) -> Result<Outcome> {
    let changes = diff(decision.old, &decision.lock);
    let (held, again) = &decision.held;
    if held.is_forced {
        return Err(held.refusal(again).note("no file was changed"));
    }
    let outcome = |changes: &[Change]| {
        let held_documents = held.documents();
        let changes = change_documents(changes);
        let done = Outcome::done(Document::Changes(ChangesDocument { changes, dry_run: decision.dry_run, held: held_documents }));
        if held.is_empty() { done } else { done.refused(held.refusal(again)) }
    };
    refuse_unapproved(&decision, &changes)?;
    if decision.dry_run {
        report_changes(app, &changes, true);
        return Ok(outcome(&changes));
    }
    let options = Options { manner: Manner::Keeping, ..Options::default() };
    if decision.no_sync {
        let store = app.store()?;
        let _guard = hold_store(app, &store)?;
        let new: Vec<&LockedPlugin> = changes.iter().filter_map(|change| decision.lock.plugins.get(&change.name)).collect();
        bring(app, &store, project, decision.manifest, &new)?;
        save(app, project, &decision)?;
        report_changes(app, &changes, false);
        return Ok(outcome(&changes));
    }
    let prepared = prepare(app, project, decision.manifest, &decision.lock, &options)?;
    save(app, project, &decision)?;
    let laid_out: BTreeSet<String> = prepared.changes.iter().map(|change| change.document().name).collect();
    let unapproved = prepared.apply(app, project, &options)?;
    report_elsewhere(app, changes.iter().filter(|change| !laid_out.contains(change.name.as_str())));
    let outcome = outcome(&changes);
    Ok(if unapproved.is_empty() { outcome } else { outcome.refused(approval_error(&unapproved)) })
}

fn save(app: &App<'_>, project: &mut Project, decision: &Decision<'_>) -> Result<()> {
    project.save_lock(&decision.lock)?;
    project.save_manifest(decision.manifest_text.clone())?;
    app.remember(project);
    Ok(())
}

/// What's new or changed must be approved before any file says that it's there.
fn refuse_unapproved(decision: &Decision<'_>, changes: &[Change]) -> Result<()> {
    let changed = changes.iter().filter_map(|change| decision.lock.plugins.get(&change.name));
    let unapproved = unapproved(decision.manifest, changed);
    if unapproved.is_empty() {
        return Ok(());
    }
    let commands: Vec<String> = unapproved.iter().map(|one| format!("`mfp approve {}{}`", one.name, flags(&one.excess))).collect();
    let help = format!("if a person has decided that it may: {}, then the same again", commands.join(", "));
    Err(approval_error(&unapproved).note("no file was changed").help(help))
}

/// Say what changed in the lock and not in the plugin folder: plugins of optional groups, mostly.
fn report_elsewhere<'c>(app: &App<'_>, changes: impl Iterator<Item = &'c Change>) {
    let lines: Vec<ChangeLine> = changes.map(line).collect();
    if !lines.is_empty() {
        app.reporter.event(Event::Note("In plugins.lock only:".to_owned()));
        app.reporter.event(Event::Changes(lines));
    }
}

/// Say what changed in the lock.
pub(crate) fn report_changes(app: &App<'_>, changes: &[Change], dry_run: bool) {
    if changes.is_empty() {
        app.reporter.event(Event::Note(if dry_run { "No plugin would change" } else { "No plugin changed" }.to_owned()));
    }
    app.reporter.event(Event::Changes(changes.iter().map(line).collect()));
}

fn line(change: &Change) -> ChangeLine {
    let version = |side: &Option<mfp_model::plan::Side>| {
        let version = side.as_ref().and_then(|side| side.version.as_ref()).map_or_else(|| "(a service)".to_owned(), ToString::to_string);
        match side.as_ref().and_then(|side| side.commit.as_ref()) {
            Some(commit) => format!("{version} ({})", &commit[..7]),
            None => version,
        }
    };
    let name = change.name.to_string();
    let note = (!matches!(change.source, mfp_model::source::SourceId::Registry(_))).then(|| change.source.redacted());
    match change.kind {
        ChangeKind::Added => ChangeLine::Added { name, version: version(&change.to), note },
        ChangeKind::Removed => ChangeLine::Removed { name, version: version(&change.from) },
        ChangeKind::Updated => ChangeLine::Updated { name, from: version(&change.from), to: version(&change.to), note },
    }
}

/// The changes of a lock, for `--json`.
pub(crate) fn change_documents(changes: &[Change]) -> Vec<ChangeDocument> {
    let side = |side: &mfp_model::plan::Side| ChangeSide {
        version: side.version.as_ref().map(ToString::to_string).unwrap_or_default(),
        content: side.content.to_string(),
        commit: side.commit.clone(),
        capabilities: serde_json::to_value(&side.capabilities).unwrap_or_default(),
    };
    let kind = |kind| match kind {
        ChangeKind::Added => document::ChangeKind::Added,
        ChangeKind::Removed => document::ChangeKind::Removed,
        ChangeKind::Updated => document::ChangeKind::Updated,
    };
    let document = |change: &Change| ChangeDocument {
        name: change.name.to_string(),
        kind: kind(change.kind),
        from: change.from.as_ref().map(side),
        to: change.to.as_ref().map(side),
        source: change.source.redacted(),
    };
    changes.iter().map(document).collect()
}

/// The manifest's text can't be changed by a program.
pub(crate) fn cant_edit(error: &EditError) -> Error {
    Error::new("mfp::manifest::edit", error.to_string()).help("edit mockforge-plugins.toml by hand")
}

/// A locked plugin on one line: `name 1.2.3`, with its source if it isn't a registry.
pub(crate) fn shown(plugin: &LockedPlugin) -> String {
    let version = plugin.version().map_or_else(|| "(a service: no promise about its code)".to_owned(), ToString::to_string);
    let note = source_note(plugin).map(|note| format!(" ({})", crate::report::clean(&note))).unwrap_or_default();
    format!("{} {version}{note}", plugin.name)
}
