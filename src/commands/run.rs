//! `mfp run`: sync, then one call into the sandbox; the answer's JSON on stdout.
//!
//! What runs is the store's content that the lock names, verified as it's read, never the laid-out files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::Arc;

use mfp_loader::{
    Call, CallError, Compiler, LoadError, Loader, LoaderOptions, LogLine, LogSink, Numbers, PluginLimits, PluginSpec, SystemRandom,
};
use mfp_model::capability::{Capabilities, EnvName};
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::plugin::{PluginManifest, PluginType};
use mfp_model::project::Manifest;
use mfp_store::Store;
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::run::RunArgs;
use crate::commands::{sync, update::not_locked};
use crate::error::{Error, Result};
use crate::explain::{self, Explained};
use crate::installing::{approval_error, bring, described, unapproved};
use crate::report::document::{Document, RunDocument};
use crate::report::{Outcome, clean, neutral_json};

/// The largest request that's read from stdin, in bytes.
const MAX_REQUEST_BYTES: u64 = 32 << 20;

/// Sync, load, call, answer.
pub(crate) fn run(app: &App<'_>, args: &RunArgs) -> Result<Outcome> {
    let input = input(args)?;
    let synced = sync::before_run(app)?;
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let plugin = lock.plugins.get(&args.plugin).ok_or_else(|| not_locked(&args.plugin, &lock))?;
    let needed = closure(&lock, plugin);
    refuse_unapproved(&manifest, &needed)?;
    if let Some(refusal) = synced.refusal.filter(|refusal| refusal.code() != "mfp::approval::missing") {
        return Err(refusal);
    }
    let store = app.store()?;
    bring(app, &store, &project, &manifest, &needed)?;

    let (call, request) = call(plugin, args, input)?;
    let specs = needed.iter().map(|plugin| spec(app, &store, &manifest, &lock, plugin)).collect::<Result<Vec<_>>>()?;
    let plugins = Loader::new(options(app)).load(specs).map_err(|error| explain_load(&error))?;
    let answer = plugins.call(&args.plugin, &call, &request).map_err(|error| explain_call(&error, &args.plugin))?;
    let text = format!("{}\n", neutral_json(answer.as_json()));
    Ok(Outcome::done(Document::Run(RunDocument { result: answer.to_value() })).text(text))
}

/// The request's JSON, from the argument or from stdin.
fn input(args: &RunArgs) -> Result<Option<Value>> {
    let text = match args.json_input.as_deref() {
        None => return Ok(None),
        Some("-") => {
            let mut text = String::new();
            let unreadable = |error: std::io::Error| {
                Error::new("mfp::io::failed", format!("stdin can't be read: {error}")).help("pipe JSON in, as UTF-8")
            };
            std::io::stdin().lock().take(MAX_REQUEST_BYTES).read_to_string(&mut text).map_err(unreadable)?;
            text
        }
        Some(text) => text.to_owned(),
    };
    parse_json(&text, "the request").map(Some)
}

fn parse_json(text: &str, what: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let start =
            text.lines().take(error.line().saturating_sub(1)).map(|line| line.len() + 1).sum::<usize>() + error.column().saturating_sub(1);
        let start = (0..=start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = text[start..].chars().next().map_or(start, |character| start + character.len_utf8());
        let excerpt = crate::error::Excerpt { file: what.to_owned(), text: text.to_owned(), span: start..end, label: error.to_string() };
        Error::new("mfp::run::request", format!("{what} isn't JSON"))
            .excerpt(excerpt)
            .help("quote it for your shell: '{\"query\":\"…\"}'; or pipe it in and give `-`")
    })
}

/// The plugin and everything that it may call.
fn closure<'l>(lock: &'l Lock, plugin: &'l LockedPlugin) -> Vec<&'l LockedPlugin> {
    let mut found: BTreeMap<&PluginName, &LockedPlugin> = BTreeMap::new();
    let mut queue = vec![plugin];
    while let Some(plugin) = queue.pop() {
        if found.insert(&plugin.name, plugin).is_none() {
            queue.extend(bound_dependencies(lock, plugin));
        }
    }
    found.into_values().collect()
}

/// The entries that a plugin's dependencies mean. An alias satisfies none.
fn bound_dependencies<'l>(lock: &'l Lock, plugin: &'l LockedPlugin) -> impl Iterator<Item = &'l LockedPlugin> {
    plugin.dependencies().iter().filter_map(|dependency| lock.plugins.get(&dependency.name)).filter(|target| !target.is_alias())
}

fn refuse_unapproved(manifest: &Manifest, plugins: &[&LockedPlugin]) -> Result<()> {
    let unapproved = unapproved(manifest, plugins.iter().copied());
    if unapproved.is_empty() { Ok(()) } else { Err(approval_error(&unapproved)) }
}

/// What a word on the command line calls, and with what.
fn call(plugin: &LockedPlugin, args: &RunArgs, input: Option<Value>) -> Result<(Call, Value)> {
    let context = args.context.as_deref().map(|text| parse_json(text, "--context")).transpose()?;
    let request_context = || context.clone().unwrap_or_else(|| json!({ "method": "GET", "uri": "/" }));
    let object = |value: Option<Value>| value.unwrap_or_else(|| json!({}));
    Ok(match args.call.as_str() {
        "authenticate" => (Call::Authenticate, json!({ "context": request_context(), "credentials": object(input) })),
        "generate" => (
            Call::Generate,
            json!({ "context": request_context(), "request": input.unwrap_or_else(|| json!({ "method": "GET", "path": "/" })) }),
        ),
        "query" => {
            let query = match input {
                Some(Value::String(text)) => json!({ "query": text }),
                other => object(other),
            };
            (Call::Query, json!({ "context": request_context(), "query": query }))
        }
        "functions" => (Call::Functions, json!({})),
        "execute" => {
            let given = object(input);
            let function = given["function_name"].as_str().unwrap_or_default().to_owned();
            (Call::Execute(function), json!({ "args": given["args"], "context": context.unwrap_or_else(|| given["context"].clone()) }))
        }
        function if plugin.types.contains(&PluginType::Template) => {
            let args = match input {
                None => json!([]),
                Some(Value::Array(list)) => Value::Array(list),
                Some(one) => json!([one]),
            };
            (Call::Execute(function.to_owned()), json!({ "args": args, "context": context }))
        }
        other => return Err(unknown_call(plugin, other)),
    })
}

fn unknown_call(plugin: &LockedPlugin, word: &str) -> Error {
    let calls = plugin.types.iter().map(|kind| match kind {
        PluginType::Auth => "authenticate",
        PluginType::Template => "functions",
        PluginType::Response => "generate",
        PluginType::Datasource => "query",
    });
    let calls: Vec<&str> = calls.collect();
    let types: Vec<String> = plugin.types.iter().map(ToString::to_string).collect();
    Error::new("mfp::run::call", format!("{} is a plugin of type {}, and has no call `{}`", plugin.name, types.join(", "), clean(word)))
        .help(format!("its calls: {}", calls.join(", ")))
}

/// A locked plugin as the loader takes it.
fn spec(app: &App<'_>, store: &Store, manifest: &Manifest, lock: &Lock, plugin: &LockedPlugin) -> Result<PluginSpec> {
    let package = plugin.package().ok_or_else(|| {
        Error::new("mfp::unsupported", format!("{} is a service, which this version of mfp can't call yet", plugin.name))
            .help("call a plugin that runs here")
    })?;
    let stored = store.need(&plugin.content).explained()?;
    let described = described(plugin, &stored)?;
    let entry = described.entry_in(stored.listing()).map_err(|error| explain::entry(&plugin.name, &error))?.clone();
    let approved = manifest.approvals.get(&plugin.name).map(|approval| &approval.capabilities);
    Ok(PluginSpec {
        name: plugin.name.clone(),
        version: package.version.clone(),
        types: plugin.types.clone(),
        entry,
        dependencies: bound_dependencies(lock, plugin).map(|target| target.name.clone()).collect::<BTreeSet<_>>(),
        limits: limits(&described, &package.capabilities, approved),
        capabilities: approved.map(|approved| package.capabilities.intersection(approved)).unwrap_or_default(),
        config: config(app, manifest, &plugin.name)?,
        config_schema: described.config_schema,
        content: Arc::new(stored),
    })
}

fn limits(described: &PluginManifest, asked: &Capabilities, approved: Option<&Capabilities>) -> PluginLimits {
    let own = Numbers { memory: asked.memory.or(described.limits.memory), time_ms: asked.time_ms.or(described.limits.time_ms) };
    let approved = approved.map_or_else(Numbers::default, |approved| Numbers { memory: approved.memory, time_ms: approved.time_ms });
    PluginLimits { own, approved, policy: Numbers::default() }
}

/// The project's configuration of a plugin, with the variables that it names read now.
fn config(app: &App<'_>, manifest: &Manifest, name: &PluginName) -> Result<Value> {
    let Some(config) = manifest.config.get(name) else { return Ok(json!({})) };
    config.value.to_json(&mut |variable: &EnvName| match app.settings.environment.text(variable.as_str()) {
        Some(value) => Ok(Value::String(value.to_owned())),
        None => {
            Err(Error::new("mfp::config::variable", format!("the configuration of {name} takes a value from {variable}, which isn't set"))
                .help(format!("set it: `export {variable}=…`")))
        }
    })
}

fn options(app: &App<'_>) -> LoaderOptions {
    let verbose = app.settings.talk.verbose > 0 && !app.settings.talk.json;
    LoaderOptions {
        aot_cache: Some(app.settings.cache_dir.join("aot")),
        compiler: compiler(),
        log: Box::new(Log { verbose }),
        ..LoaderOptions::new(WallClock, SystemRandom)
    }
}

/// Plugins are compiled by this program in a process of its own, which can be limited and killed.
fn compiler() -> Compiler {
    let env = vec![("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())];
    crate::settings::this_program().map_or(Compiler::InProcess, |program| Compiler::Command { program, args: Vec::new(), env })
}

/// The clock that plugins see.
struct WallClock;

impl mfp_loader::Clock for WallClock {
    fn now_ms(&self) -> i64 {
        crate::settings::now().as_millisecond()
    }
}

/// What plugins log, for `-v`.
struct Log {
    verbose: bool,
}

impl LogSink for Log {
    fn log(&self, line: LogLine) {
        if self.verbose {
            crate::report::log_line(line.plugin.as_str(), &line.text);
        }
    }
}

fn explain_load(error: &LoadError) -> Error {
    let help = match error {
        LoadError::Config { plugin, .. } => {
            return Error::new(error.code(), error.to_string())
                .help(format!("correct `[config.{plugin}]` in mockforge-plugins.toml; `mfp info {plugin} --config` shows what it takes"));
        }
        LoadError::Listing(_) | LoadError::Digest { .. } => "`mfp verify --fix` fetches it again",
        _ => "tell the plugin's publisher",
    };
    Error::new(error.code(), error.to_string()).help(help)
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
    }
}
