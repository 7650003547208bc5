//! `mfp upgrade`: raise the requirements in the manifest to the newest versions.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::lock::Lock;
use mfp_model::name::PluginName;
use mfp_model::project::{Manifest, edit};
use mfp_model::requirement::Requirement;
use mfp_model::source::Source;

use crate::app::App;
use crate::changing::{Decision, cant_edit, carry_out, refuse_locked};
use crate::cli::edit::UpgradeArgs;
use crate::error::{Error, Result};
use crate::locking::{Freedom, Goal, lock};
use crate::project::parse_manifest;
use crate::report::{Event, Outcome};

/// See which versions would be had without the requirements, raise those that are in the way, save, lay out.
pub(crate) fn run(app: &App<'_>, args: &UpgradeArgs) -> Result<Outcome> {
    refuse_locked(app, "upgrade")?;
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let before = project.manifest()?;
    let old = project.lock()?;
    let names = chosen(&before, args)?;

    let open_text = with_requirements(&project.manifest_text, names.iter().map(|name| (name, Requirement::any())))?;
    let open = parse_manifest(&open_text)?;
    let goal = Goal {
        root: &project.root,
        manifest: &open,
        manifest_text: &open_text,
        old: old.as_ref(),
        freedom: Freedom::Names(names.clone()),
        precise: BTreeMap::new(),
        seen: BTreeMap::new(),
    };
    let newest = lock(app, &app.store()?, &goal)?;

    let raised = raised(&before, &newest, &names);
    let text = with_requirements(&project.manifest_text, raised.iter().map(|(name, requirement)| (name, requirement.clone())))?;
    let manifest = parse_manifest(&text)?;
    for (name, requirement) in &raised {
        let was = before.plugins.get(name).and_then(|entry| entry.request.source.requirement());
        app.reporter.event(Event::Note(format!("Raised {name}: {} → {requirement}", was.map(ToString::to_string).unwrap_or_default())));
    }
    let new = Lock::build(&manifest, newest.plugins.into_values().collect());
    let decision = Decision {
        manifest: &manifest,
        manifest_text: text.clone(),
        old: old.as_ref(),
        lock: new,
        dry_run: args.dry_run,
        no_sync: args.no_sync,
    };
    carry_out(app, &mut project, decision)
}

/// The plugins to upgrade: those that were named, or all that come from a registry.
fn chosen(manifest: &Manifest, args: &UpgradeArgs) -> Result<BTreeSet<PluginName>> {
    let from_registry =
        |name: &PluginName| manifest.plugins.get(name).is_some_and(|entry| matches!(entry.request.source, Source::Registry { .. }));
    if args.names.is_empty() {
        return Ok(manifest.plugins.keys().filter(|name| from_registry(name)).cloned().collect());
    }
    match args.names.iter().find(|name| !from_registry(name)) {
        None => Ok(args.names.iter().cloned().collect()),
        Some(name) => {
            Err(Error::new("mfp::manifest::not-declared", format!("the manifest has no requirement on `{name}` that could be raised"))
                .help(format!("`mfp update {name}` takes what its requirements allow")))
        }
    }
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
