//! `mfp update`: the newest versions within the requirements.

use std::collections::BTreeMap;

use mfp_model::lock::Lock;
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_model::version::Version;

use crate::app::App;
use crate::changing::{Decision, carry_out, refuse_locked};
use crate::cli::edit::UpdateArgs;
use crate::error::{Error, Result};
use crate::explain;
use crate::locking::{Freedom, Goal, Made, UndecidedVersions, lock_with};
use crate::moved_tags::{self, HeldBack};
use crate::report::Outcome;
use crate::signing::Wishes;

/// Let go of what was named (or of everything), lock, save, lay out.
pub(crate) fn run(app: &App<'_>, args: &UpdateArgs) -> Result<Outcome> {
    refuse_locked(app, "update")?;
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let manifest = project.manifest()?;
    let old = project.lock()?;
    check_names(args, old.as_ref())?;
    let precise = precise(args)?;
    check_wanted(&manifest, &precise)?;
    let freedom = if args.names.is_empty() { Freedom::All } else { Freedom::Names(args.names.iter().cloned().collect()) };
    let HeldBack { freedom, moved, git } =
        moved_tags::hold_back(app, &project.root, &manifest, old.as_ref(), freedom, &args.accept_moved_tag)?;
    let text = project.manifest_text.clone();
    let goal = Goal {
        freedom,
        precise,
        undecided: UndecidedVersions::HeldBack,
        signing: Wishes { prove: !args.dry_run, ..Wishes::typed(&args.accept_key, &manifest, old.as_ref())? },
        ..Goal::keeping(&project.root, &manifest, &text, old.as_ref())
    };
    let Made { lock: new, held } = lock_with(app, &app.store()?, &goal, git)?;
    let decision = Decision {
        manifest: &manifest,
        manifest_text: text.clone(),
        old: old.as_ref(),
        lock: new,
        dry_run: args.dry_run,
        no_sync: args.no_sync,
        held: (held, "mfp update"),
    };
    let outcome = carry_out(app, &mut project, decision)?;
    Ok(if moved.is_empty() { outcome } else { outcome.refused(moved_tags::refusal(&moved)) })
}

fn check_names(args: &UpdateArgs, lock: Option<&Lock>) -> Result<()> {
    let Some(lock) = lock else { return Ok(()) };
    match args.names.iter().chain(&args.accept_moved_tag).find(|name| !lock.plugins.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(explain::not_locked(name, lock)),
    }
}

/// A version that the manifest itself rules out: that's for `add` or `upgrade`.
fn check_wanted(manifest: &Manifest, precise: &BTreeMap<PluginName, Version>) -> Result<()> {
    for (name, version) in precise {
        let Some(entry) = manifest.plugins.get(name) else { continue };
        if let Some(requirement) = entry.request.source.requirement().filter(|requirement| !requirement.matches(version)) {
            return Err(Error::new(
                "mfp::resolve::conflict",
                format!("the manifest wants {name} `{requirement}` (line {}), which {version} isn't", entry.line),
            )
            .help(format!("`mfp add {name}@{version}` changes the manifest too")));
        }
    }
    Ok(())
}

fn precise(args: &UpdateArgs) -> Result<BTreeMap<PluginName, Version>> {
    match (&args.precise, args.names.as_slice()) {
        (None, _) => Ok(BTreeMap::new()),
        (Some(version), [name]) => Ok(BTreeMap::from([(name.clone(), version.clone())])),
        (Some(version), _) => Err(Error::new("mfp::usage::arguments", "--precise is for exactly one plugin")
            .help(format!("`mfp update NAME --precise {version}`"))),
    }
}
