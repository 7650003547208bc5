//! `mfp verify`: re-hash what's locked, in the store and in the plugin folder, without a network.

use std::collections::BTreeMap;

use mfp_model::lock::unapproved;
use mfp_model::lock::{LockedPlugin, staleness};
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_store::layout::{Layout, ProblemKind};
use mfp_store::{Store, StoreError};

use crate::app::App;
use crate::cli::look::VerifyArgs;
use crate::commands::update::not_locked;
use crate::error::{Error, Exit, Result};
use crate::explain::Explained;
use crate::installing::{Groups, Manner, Options, bring, hold_store, prepare, selected};
use crate::locking::path_contents;
use crate::project::Project;
use crate::report::document::{Document, Problem, ProblemsDocument};
use crate::report::{Event, Outcome, plural};

/// Look at everything; with `--fix`, fetch what's damaged again first.
pub(crate) fn run(app: &App<'_>, args: &VerifyArgs) -> Result<Outcome> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    if let Some(name) = args.names.iter().find(|name| !lock.plugins.contains_key(*name)) {
        return Err(not_locked(name, &lock));
    }
    let store = app.store()?;
    let chosen = |plugin: &&LockedPlugin| args.names.is_empty() || args.names.contains(&plugin.name);
    let plugins: Vec<&LockedPlugin> = lock.plugins.values().filter(chosen).collect();
    if args.fix {
        fix(app, &store, &project, &manifest, &lock, &plugins)?;
    }
    let mut problems = Vec::new();
    if args.names.is_empty() {
        problems.extend(stale_problems(&project, &manifest, &lock)?);
    }
    problems.extend(plugins.iter().filter_map(|plugin| stored_problem(&store, &lock, plugin)));
    problems.extend(layout_problems(&store, &project, &manifest, args)?);
    problems.extend(unapproved(&manifest, plugins.iter().copied()).iter().map(|one| Problem {
        code: "mfp::approval::missing".to_owned(),
        name: one.name.to_string(),
        message: "asks for more than was approved".to_owned(),
    }));
    let (here, services): (Vec<&LockedPlugin>, Vec<_>) = plugins.into_iter().partition(|plugin| plugin.package().is_some());
    for service in services {
        app.reporter.event(Event::Note(format!("{} is a service: there's nothing to verify, and no promise about its code", service.name)));
    }
    app.reporter.event(Event::Note(format!("Verified {}", plural(here.len(), "plugin"))));
    Ok(outcome(problems, here.len()))
}

fn outcome(problems: Vec<Problem>, checked: usize) -> Outcome {
    let points: Vec<String> =
        problems
            .iter()
            .map(|problem| {
                if problem.code == "mfp::lock::stale" { problem.message.clone() } else { format!("{}: {}", problem.name, problem.message) }
            })
            .collect();
    let codes: Vec<&'static str> = ["mfp::store::damaged", "mfp::layout::changed", "mfp::approval::missing", "mfp::lock::stale"]
        .into_iter()
        .filter(|code| problems.iter().any(|problem| problem.code == *code))
        .collect();
    let outcome = Outcome::done(Document::Problems(ProblemsDocument { problems, checked }));
    match codes.as_slice() {
        [] => outcome,
        ["mfp::approval::missing"] => outcome.refused(
            Error::new("mfp::approval::missing", "not everything that's locked was approved")
                .points(points)
                .help("`mfp sync` says what is asked for"),
        ),
        ["mfp::lock::stale"] => {
            outcome.refused(Error::new("mfp::lock::stale", "plugins.lock is out of date").points(points).help("run `mfp lock`"))
        }
        _ => outcome.refused(
            Error::new("mfp::verify::failed", "not everything is what plugins.lock says")
                .points(points)
                .help("`mfp verify --fix` fetches what's damaged again")
                .exit_with(Exit::Integrity),
        ),
    }
}

fn stale_problems(project: &Project, manifest: &Manifest, lock: &mfp_model::lock::Lock) -> Result<Vec<Problem>> {
    let reasons = staleness(manifest, lock, &path_contents(&project.root, manifest)?);
    Ok(reasons
        .iter()
        .map(|reason| Problem { code: "mfp::lock::stale".to_owned(), name: "plugins.lock".to_owned(), message: reason.to_string() })
        .collect())
}

/// What's not right with the store's copy. Optional groups that nobody synced needn't be there.
fn stored_problem(store: &Store, lock: &mfp_model::lock::Lock, plugin: &LockedPlugin) -> Option<Problem> {
    plugin.package()?;
    let problem = |message: String| Some(Problem { code: "mfp::store::damaged".to_owned(), name: plugin.name.to_string(), message });
    match store.need(&plugin.content).and_then(|stored| stored.check()) {
        Ok(()) => None,
        Err(StoreError::Missing { .. }) if !selected(lock, &Groups::None).contains_key(&plugin.name) => None,
        Err(StoreError::Missing { .. }) => problem("isn't in the store".to_owned()),
        Err(error) => problem(error.to_string()),
    }
}

fn layout_problems(store: &Store, project: &Project, manifest: &Manifest, args: &VerifyArgs) -> Result<Vec<Problem>> {
    let layout = Layout::open(&project.root, std::path::Path::new(manifest.project.plugin_dir.as_str())).explained()?;
    let found = layout.check(store).explained()?;
    let of_interest = found.into_iter().filter(|problem| args.names.is_empty() || args.names.contains(&problem.plugin));
    let shown = of_interest.map(|problem| {
        let what = match problem.kind {
            ProblemKind::Missing => "is missing",
            ProblemKind::Changed => "was changed",
            ProblemKind::Extra => "isn't the plugin's",
        };
        let path = problem.path.map_or_else(|| "its folder".to_owned(), |path| format!("`{path}`"));
        Problem {
            code: "mfp::layout::changed".to_owned(),
            name: problem.plugin.to_string(),
            message: format!("{path} in the plugin folder {what}"),
        }
    });
    Ok(shown.collect())
}

/// Fetch what's damaged, verify it, and only then replace it; then lay out again what was changed.
fn fix(
    app: &App<'_>,
    store: &Store,
    project: &Project,
    manifest: &Manifest,
    lock: &mfp_model::lock::Lock,
    plugins: &[&LockedPlugin],
) -> Result<()> {
    let _held = project.hold_only(app.reporter)?;
    let damaged: BTreeMap<&PluginName, &LockedPlugin> = plugins
        .iter()
        .filter(|plugin| {
            plugin.package().is_some()
                && store.contains(&plugin.content)
                && store.need(&plugin.content).and_then(|stored| stored.check()).is_err()
        })
        .map(|plugin| (&plugin.name, *plugin))
        .collect();
    if !damaged.is_empty() {
        let damaged: Vec<&LockedPlugin> = damaged.into_values().collect();
        crate::sources::fetch::replace_damaged(app, store, manifest, &project.root, &damaged)?;
    }
    {
        let _guard = hold_store(app, store)?;
        bring(app, store, project, manifest, plugins)?;
    }
    let options = Options { manner: Manner::Keeping, ..Options::default() };
    let mut prepared = prepare(app, project, manifest, lock, &options)?;
    prepared.repair_changed()?;
    prepared.apply(app, project, &options).map(|_| ())
}
