//! `mfp remove`: take plugins out of the manifest, the lock and the plugin folder.

use mfp_model::project::edit;

use crate::app::App;
use crate::changing::cant_edit;
use crate::changing::{Decision, carry_out, refuse_locked};
use crate::cli::edit::RemoveArgs;
use crate::error::{Error, Result};
use crate::locking::{Goal, lock};
use crate::report::Outcome;

/// Edit, lock, save, lay out.
pub(crate) fn run(app: &App<'_>, args: &RemoveArgs) -> Result<Outcome> {
    refuse_locked(app, "remove")?;
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let before = project.manifest()?;
    let mut text = project.manifest_text.clone();
    for name in &args.names {
        text = match edit::remove(&text, name) {
            Ok((shorter, _)) => shorter,
            Err(edit::EditError::Absent(_)) => return Err(not_declared(&before, name)),
            Err(error) => return Err(cant_edit(&error)),
        };
    }
    let manifest = project.parse(&text)?;
    let old = project.lock()?;
    let goal = Goal::keeping(&project.root, &manifest, &text, old.as_ref());
    let new = lock(app, &app.store()?, &goal)?;
    let decision = Decision {
        manifest: &manifest,
        manifest_text: text.clone(),
        old: old.as_ref(),
        lock: new,
        dry_run: args.dry_run,
        no_sync: args.no_sync,
        held: Default::default(),
    };
    carry_out(app, &mut project, decision)
}

fn not_declared(manifest: &mfp_model::project::Manifest, name: &mfp_model::name::PluginName) -> Error {
    let error = Error::new("mfp::manifest::not-declared", format!("the manifest declares no plugin `{name}`"));
    match mfp_model::text::nearest(name.as_str(), manifest.plugins.keys().map(AsRef::as_ref)) {
        Some(near) => error.help(format!("did you mean `mfp remove {near}`?")),
        None => error.help(format!("if it's there as a dependency, `mfp why {name}` says whose")),
    }
}
