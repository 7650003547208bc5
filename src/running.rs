//! How do locked plugins become what the loader takes? What `run` and `serve` have in common.
//!
//! [`Chosen`] is plugins of a lock with all that they may call. It refuses what nobody approved, and gives the loader each
//! plugin's content, limits and configuration. What runs is the store's content that the lock names, verified as it's
//! read, never the laid-out files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use mfp_loader::{
    Compiler, LoadError, LoaderOptions, LogLine, LogSink, Network, Numbers, PluginLimits, PluginSpec, ProjectFiles, RemoteSpec, Spec,
    SystemNetwork, SystemRandom,
};
use mfp_model::capability::{Capabilities, EnvName};
use mfp_model::lock::{Lock, LockedBody, LockedPackage, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginManifest;
use mfp_model::project::Manifest;
use mfp_model::source::{RemoteEndpoint, RemoteUrl, Source};
use mfp_store::Store;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::{Error, Result};
use crate::explain::{self, Explained};
use crate::installing::{approval_error, described, unapproved};
use crate::sources::credentials::Credentials;

/// Plugins of a lock that are to run, and everything that they may call.
pub(crate) struct Chosen<'l> {
    manifest: &'l Manifest,
    lock: &'l Lock,
    plugins: Vec<&'l LockedPlugin>,
}

impl<'l> Chosen<'l> {
    /// These plugins and what they depend on.
    pub(crate) fn with_dependencies(manifest: &'l Manifest, lock: &'l Lock, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> Self {
        let mut found: BTreeMap<&PluginName, &LockedPlugin> = BTreeMap::new();
        let mut queue: Vec<&LockedPlugin> = plugins.into_iter().collect();
        while let Some(plugin) = queue.pop() {
            if found.insert(&plugin.name, plugin).is_none() {
                queue.extend(bound_dependencies(lock, plugin));
            }
        }
        Self { manifest, lock, plugins: found.into_values().collect() }
    }

    /// All of them, by name.
    pub(crate) fn plugins(&self) -> &[&'l LockedPlugin] {
        &self.plugins
    }

    /// An error if one asks for more than a person approved.
    pub(crate) fn refuse_unapproved(&self) -> Result<()> {
        let unapproved = unapproved(self.manifest, self.plugins.iter().copied());
        if unapproved.is_empty() { Ok(()) } else { Err(approval_error(&unapproved)) }
    }

    /// As the loader takes them, in the same order. Their contents must be in the store.
    pub(crate) fn specs(&self, app: &App<'_>, store: &Store) -> Result<Vec<Spec>> {
        let spec = |plugin: &&LockedPlugin| match &plugin.body {
            LockedBody::Package(package) => self.package(app, store, plugin, package).map(Spec::from),
            LockedBody::Remote(endpoint) => self.service(app, plugin, endpoint).map(Spec::from),
        };
        self.plugins.iter().map(spec).collect()
    }

    /// What the project's policy for the plugin's kind of source, and this user's, allow at most.
    fn policy(&self, app: &App<'_>, plugin: &LockedPlugin) -> Numbers {
        let kind = self.manifest.policy.limits.get(&plugin.source().kind()).copied().unwrap_or_default();
        let user = &app.settings.user.policy;
        let lower = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        Numbers { memory: lower(kind.memory, user.memory), time_ms: lower(kind.time_ms, user.time_ms) }
    }

    fn service(&self, app: &App<'_>, plugin: &LockedPlugin, endpoint: &RemoteEndpoint) -> Result<RemoteSpec> {
        let request = self.lock.requirements.get(&plugin.name);
        let Some(Source::Remote { timeout_ms, retries, health_check_interval, .. }) = request.map(|request| &request.source) else {
            return Err(Error::bug(format!("{} is locked as a service, and required as something else", plugin.name)));
        };
        let allow_http = self.manifest.plugins.get(&plugin.name).is_some_and(|entry| entry.allow_http);
        let endpoint = endpoint_now(app, &plugin.name, endpoint, allow_http)?;
        Ok(RemoteSpec {
            name: plugin.name.clone(),
            types: plugin.types.clone(),
            timeout: Duration::from_millis(*timeout_ms),
            retries: u32::try_from(*retries).unwrap_or(u32::MAX),
            health_interval: Duration::from_secs(*health_check_interval),
            credential: Credentials::collect(&app.settings)?.for_service(endpoint.as_url()),
            endpoint,
        })
    }

    fn package(&self, app: &App<'_>, store: &Store, plugin: &LockedPlugin, package: &LockedPackage) -> Result<PluginSpec> {
        let stored = store.need(&plugin.content).explained()?;
        let described = described(plugin, &stored)?;
        let entry = described.entry_in(stored.listing()).map_err(|error| explain::entry(&plugin.name, &error))?.clone();
        let approved = self.manifest.approvals.get(&plugin.name).map(|approval| &approval.capabilities);
        let granted = approved.map(|approved| package.capabilities.intersection(approved)).unwrap_or_default();
        let granted = app.settings.user.policy.narrow(&granted);
        Ok(PluginSpec {
            name: plugin.name.clone(),
            version: package.version.clone(),
            types: plugin.types.clone(),
            entry,
            dependencies: bound_dependencies(self.lock, plugin).map(|target| target.name.clone()).collect::<BTreeSet<_>>(),
            limits: PluginLimits { policy: self.policy(app, plugin), ..limits(&described, &package.capabilities, approved) },
            project: Some(ProjectFiles {
                root: app.project()?.root.clone(),
                never: vec![self.manifest.project.plugin_dir.as_str().to_owned()],
            }),
            environment: environment(app, &granted),
            capabilities: granted,
            config: config(app, self.manifest, &plugin.name)?,
            config_schema: described.config_schema,
            content: Arc::new(stored),
        })
    }
}

/// The variables that a plugin was granted and that are set, with their values.
fn environment(app: &App<'_>, granted: &Capabilities) -> BTreeMap<String, String> {
    let value = |name: &EnvName| app.settings.environment.text(name.as_str()).map(|value| (name.to_string(), value.to_owned()));
    granted.env.iter().filter_map(value).collect()
}

/// The entries that a plugin's dependencies mean. An alias satisfies none.
fn bound_dependencies<'l>(lock: &'l Lock, plugin: &'l LockedPlugin) -> impl Iterator<Item = &'l LockedPlugin> {
    plugin.dependencies().iter().filter_map(|dependency| lock.plugins.get(&dependency.name)).filter(|target| !target.is_alias())
}

/// Where a service is: as the project says, or as the variable that it names says now.
fn endpoint_now(app: &App<'_>, name: &PluginName, endpoint: &RemoteEndpoint, allow_http: bool) -> Result<RemoteUrl> {
    let variable = match endpoint {
        RemoteEndpoint::Url(url) => return Ok(url.clone()),
        RemoteEndpoint::Env(variable) => variable,
    };
    let error = |what: String| {
        Error::new("mfp::config::variable", what).help(format!("set it to the service's URL: `export {variable}=https://…`"))
    };
    let text = app.settings.environment.text(variable.as_str());
    let text = text.ok_or_else(|| error(format!("{name} is at the address that {variable} holds, which isn't set")))?;
    // The value isn't shown: somebody may have put a password into it.
    let url = text.parse::<RemoteUrl>().map_err(|why| error(format!("{name}: {variable} holds no URL of a service: {why}")))?;
    if url.needs_allow_http() && !allow_http {
        let what = format!("{name}: {variable} holds a plain `http:` URL of another machine");
        return Err(Error::new("mfp::config::variable", what)
            .help("use https, or write `allow-http = true` into its entry if everything in between can be trusted"));
    }
    Ok(url)
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

/// The options that every loader of this program has: the cache of compiled code, the clock, random numbers.
pub(crate) fn options(app: &App<'_>, log: impl LogSink + 'static) -> LoaderOptions {
    LoaderOptions {
        aot_cache: Some(app.settings.cache_dir.join("aot")),
        compiler: compiler(),
        log: Box::new(log),
        network: Arc::new(Online(!app.settings.offline)),
        ..LoaderOptions::new(WallClock, SystemRandom)
    }
}

/// Plugins are compiled by this program in a process of its own, which can be limited and killed.
fn compiler() -> Compiler {
    let env = vec![("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())];
    crate::settings::this_program().map_or(Compiler::InProcess, |program| Compiler::Command { program, args: Vec::new(), env })
}

/// The system's network, unless `--offline` was given: then no plugin opens a socket either.
struct Online(bool);

impl Network for Online {
    fn is_online(&self) -> bool {
        self.0
    }

    fn resolve(&self, name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        SystemNetwork.resolve(name)
    }
}

/// The clock that plugins see.
struct WallClock;

impl mfp_loader::Clock for WallClock {
    fn now_ms(&self) -> i64 {
        crate::settings::now().as_millisecond()
    }
}

/// What plugins log, for `-v`.
pub(crate) struct VerboseLog {
    is_shown: bool,
}

impl VerboseLog {
    pub(crate) fn new(app: &App<'_>) -> Self {
        Self { is_shown: app.settings.talk.verbose > 0 && !app.settings.talk.json }
    }
}

impl LogSink for VerboseLog {
    fn log(&self, line: LogLine) {
        if self.is_shown {
            crate::report::log_line(line.plugin.as_str(), &line.text);
        }
    }
}

/// Why plugins weren't loaded, for a person.
pub(crate) fn explain_load(error: &LoadError) -> Error {
    let help = match error {
        LoadError::Config { plugin, .. } => {
            return Error::new(error.code(), error.to_string())
                .help(format!("correct `[config.{plugin}]` in mockforge-plugins.toml; `mfp info {plugin} --config` shows what it takes"));
        }
        LoadError::Listing(_) | LoadError::Digest { .. } => "`mfp verify --fix` fetches it again",
        LoadError::Files { .. } => "move what's refused out of that folder, or take the folder out of `[approvals]`",
        _ => "tell the plugin's publisher",
    };
    Error::new(error.code(), error.to_string()).help(help)
}
