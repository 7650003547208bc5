//! `mfp run`: sync, then one call into the sandbox; the answer's JSON on stdout.
//!
//! What runs is the store's content that the lock names, verified as it's read, never the laid-out files.

use mfp_loader::{Allocation, Call, CallError, Loader, LoaderOptions, RemoteFailure, Spec};
use mfp_model::name::PluginName;
use serde_json::Value;

use crate::app::App;
use crate::approvals::taken_away;
use crate::cli::run::RunArgs;
use crate::commands::{approve, sync};
use crate::error::{Error, Result};
use crate::explain;
use crate::installing::bring;
use crate::report::document::{Document, RunDocument};
use crate::report::{Event, Outcome, clean, neutral_json};
use crate::running::{Chosen, VerboseLog, authorities, explain_project_load, options};

mod bench;
mod request;
mod trace;

/// Sync, load, call, answer.
pub(crate) fn run(app: &App<'_>, args: &RunArgs) -> Result<Outcome> {
    let input = request::Input::read(app, args)?;
    let synced = synced(app, args)?;
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let plugin = lock.plugins.get(&args.plugin).ok_or_else(|| explain::not_locked(&args.plugin, &lock))?;
    if plugin.package().is_none() && app.settings.offline {
        return Err(Error::new("mfp::network::offline", format!("{} is a service, and --offline was given", plugin.name))
            .help("call it without `--offline`"));
    }
    let chosen = Chosen::with_dependencies(&manifest, &lock, [plugin]);
    chosen.refuse_unapproved()?;
    if let Some(refusal) = synced.refusal.filter(|refusal| refusal.code() != "mfp::approval::missing") {
        return Err(refusal);
    }
    for line in taken_away(app, &manifest, chosen.plugins().iter().copied()) {
        app.reporter.event(Event::Note(line));
    }
    let store = app.store()?;
    bring(app, &store, &project, &manifest, chosen.plugins())?;

    let (call, request) = request::call(plugin, args, input)?;
    let mut specs = chosen.specs(app, &store)?;
    lower_time(&mut specs, args);
    answer(app, args, specs, &call, &request)
}

/// Sync. If the call needs what nobody approved, and somebody is there, ask; then once more.
fn synced(app: &App<'_>, args: &RunArgs) -> Result<Outcome> {
    let outcome = sync::before_run(app)?;
    if !app.may_ask() {
        return Ok(outcome);
    }
    let project = app.project()?;
    let (manifest, lock) = (project.manifest()?, project.existing_lock()?);
    let Some(plugin) = lock.plugins.get(&args.plugin) else { return Ok(outcome) };
    let unapproved = Chosen::with_dependencies(&manifest, &lock, [plugin]).unapproved();
    let names: Vec<PluginName> = unapproved.into_iter().map(|one| one.name).collect();
    if names.is_empty() || !approve::ask_about(app, &names)? {
        return Ok(outcome);
    }
    sync::before_run(app)
}

/// `--timeout` is one more limit: it only narrows.
fn lower_time(specs: &mut [Spec], args: &RunArgs) {
    let Some(timeout) = args.timeout else { return };
    for spec in specs.iter_mut().filter(|spec| *spec.name() == args.plugin) {
        match spec {
            Spec::Package(spec) => {
                let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                spec.limits.policy.time_ms = Some(spec.limits.policy.time_ms.map_or(millis, |most| most.min(millis)));
            }
            Spec::Remote(spec) => spec.timeout = spec.timeout.min(timeout),
        }
    }
}

/// Load, and make the call: once, once under watch, or many times.
fn answer(app: &App<'_>, args: &RunArgs, specs: Vec<Spec>, call: &Call, request: &Value) -> Result<Outcome> {
    let name = &args.plugin;
    let explain = |error: CallError| explain_call(&error, name);
    let roots = authorities(app, &specs)?;
    let options = LoaderOptions { allocation: allocation(args, specs.len()), roots, ..options(app, VerboseLog::new(app)) };
    let plugins = Loader::new(options).load(specs).map_err(|error| explain_project_load(app, &error))?;
    if let Some(count) = args.bench {
        let (answer, bench) = bench::bench(&plugins, name, call, request, count).map_err(explain)?;
        let text = bench::table(&bench);
        return Ok(Outcome::done(Document::Run(RunDocument { bench: Some(bench), ..RunDocument::of(answer.to_value()) })).text(text));
    }
    let (answer, trace) = if args.trace {
        let (answer, trace) = plugins.call_traced(name, call, request);
        let trace = trace::document(&trace, plugins.info(name).and_then(|info| info.origin));
        app.reporter.event(Event::Note(trace::text(&trace)));
        (answer, Some(trace))
    } else {
        (plugins.call(name, call, request), None)
    };
    let answer = answer.map_err(explain)?;
    let text = format!("{}\n", neutral_json(answer.as_json()));
    Ok(Outcome::done(Document::Run(RunDocument { trace, ..RunDocument::of(answer.to_value()) })).text(text))
}

/// Many calls pay for a pool of memory, one doesn't. A plugin and what it calls each need a place.
fn allocation(args: &RunArgs, plugins: usize) -> Allocation {
    match args.bench {
        Some(_) => Allocation::Pool { instances: u32::try_from(plugins).unwrap_or(u32::MAX).clamp(1, 64) },
        None => Allocation::OnDemand,
    }
}

fn explain_call(error: &CallError, name: &PluginName) -> Error {
    let shown = Error::new(error.code(), error.to_string());
    match error {
        CallError::Stopped(stop) => {
            let stopped = shown.detail("plugin", stop.plugin.as_str()).detail("function", stop.function);
            stopped.help(format!("the plugin was stopped, nothing else was harmed; its limits: `mfp info {}`", stop.plugin))
        }
        CallError::Plugin { message, .. } => shown
            .detail("error", clean(message).into_owned())
            .help(format!("these are the plugin's own words; `mfp docs {name}` may say more")),
        CallError::Request { .. } | CallError::WrongType { .. } => shown.help("`mfp run --help` shows what each call takes"),
        CallError::NoFunctions { .. } | CallError::Unknown { .. } => shown.help(format!("`mfp docs {name}` may say more")),
        CallError::Remote { plugin, endpoint, failure, .. } => {
            let shown = shown.detail("plugin", plugin.as_str()).detail("endpoint", endpoint.as_str());
            match failure {
                RemoteFailure::Status(status @ (401 | 403)) => shown.detail("status", *status).help(explain::credentials_for(endpoint)),
                RemoteFailure::Status(status) => shown.detail("status", *status).help_or(None),
                _ => shown.help_or(None),
            }
        }
    }
}
