//! `mfp sync`: the plugin folder becomes exactly what the lock says.

use std::time::Instant;

use crate::advisories;
use crate::app::App;
use crate::cli::project::SyncArgs;
use crate::error::{Error, Result};
use crate::explain::approval_error;
use crate::installing::{FolderChange, Groups, Manner, Options, is_synced, prepare};
use crate::locking::current_lock;
use crate::report::document::{ChangesDocument, Document};
use crate::report::{Event, Outcome};

/// Lock if needed, fetch, verify, lay out exactly.
pub(crate) fn run(app: &App<'_>, args: &SyncArgs) -> Result<Outcome> {
    sync(app, args, Manner::Exact)
}

/// The same before a call: optional groups that somebody laid out stay, and nothing is said if nothing was to be done.
pub(crate) fn before_run(app: &App<'_>) -> Result<Outcome> {
    sync(app, &SyncArgs::default(), Manner::BeforeRun)
}

/// The same before a server starts or takes a new lock, with the groups that it serves.
pub(crate) fn before_serve(app: &App<'_>, args: &SyncArgs) -> Result<Outcome> {
    sync(app, args, Manner::BeforeRun)
}

fn sync(app: &App<'_>, args: &SyncArgs, manner: Manner) -> Result<Outcome> {
    let started = Instant::now();
    let mut project = app.project()?;
    let only_look = args.check || args.dry_run;
    let options = Options { groups: groups(args), link_mode: args.link_mode, only_plan: only_look, manner };
    if args.link_mode.is_none()
        && let Some(count) = is_synced(&project, &options.groups)
    {
        if manner == Manner::Exact {
            app.reporter.event(Event::Checked { count, elapsed: started.elapsed() });
        }
        return Ok(Outcome::done(Document::Changes(ChangesDocument { dry_run: only_look, ..ChangesDocument::default() })));
    }
    let _held = if only_look { None } else { Some(project.hold(app.reporter)?) };
    let manifest = project.manifest()?;
    check_groups(&manifest, args)?;
    let lock = current_lock(app, &mut project, &manifest, only_look)?;
    // Before a call or a server, whoever loads the plugins says it.
    if manner == Manner::Exact {
        advisories::say_or_refuse(app, &manifest, &project.manifest_text, &project.root, &lock)?;
    }
    let prepared = prepare(app, &project, &manifest, &lock, &options)?;
    let changes = prepared.changes.iter().map(FolderChange::document).collect();
    let document = Document::Changes(ChangesDocument { changes, dry_run: only_look, ..ChangesDocument::default() });
    if only_look {
        prepared.describe(app);
        return Ok(looked(app, args, &prepared, document));
    }
    let unapproved = prepared.apply(app, &project, &options)?;
    app.remember(&project);
    let outcome = Outcome::done(document);
    Ok(if unapproved.is_empty() { outcome } else { outcome.refused(approval_error(&unapproved)) })
}

fn looked(app: &App<'_>, args: &SyncArgs, prepared: &crate::installing::Prepared, document: Document) -> Outcome {
    let outcome = Outcome::done(document);
    if !prepared.unapproved.is_empty() {
        return outcome.refused(approval_error(&prepared.unapproved));
    }
    if args.check && !prepared.is_noop() {
        return outcome
            .refused(Error::new("mfp::layout::out-of-date", "the plugin folder isn't what plugins.lock says").help("run `mfp sync`"));
    }
    if prepared.is_noop() {
        app.reporter.event(Event::Note("Nothing would change".to_owned()));
    }
    outcome
}

/// Which groups these flags mean.
pub(crate) fn groups(args: &SyncArgs) -> Groups {
    match args.group.as_slice() {
        _ if args.all_groups => Groups::All,
        [] => Groups::None,
        names => Groups::Some(names.iter().cloned().collect()),
    }
}

fn check_groups(manifest: &mfp_model::project::Manifest, args: &SyncArgs) -> Result<()> {
    match args.group.iter().find(|group| !manifest.groups.contains_key(*group)) {
        None => Ok(()),
        Some(group) => {
            let near = mfp_model::text::nearest(group.as_str(), manifest.groups.keys().map(AsRef::as_ref));
            let help = near.map_or_else(
                || format!("groups are tables of the manifest: `[groups.{group}]`"),
                |near| format!("did you mean `--group {near}`?"),
            );
            Err(Error::new("mfp::usage::group", format!("the project has no group `{group}`")).help(help))
        }
    }
}
