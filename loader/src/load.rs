//! How does locked content become a plugin that can be called?
//!
//! For each plugin, dependencies first: check its configuration, read and verify its wasm, inspect it, compile it or take
//! it from the cache, start it once. The first error ends it all; nothing is half loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use mfp_model::capability::Capabilities;
use mfp_model::content::{FileEntry, PackagePath};
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;
use mfp_model::version::Version;
use serde_json::Value;

use crate::abi::expect_module;
use crate::abi::inspect::{Refusal, inspect};
use crate::abi::json::JsonModule;
use crate::aot::Cache;
use crate::compile::{self, CompileError};
use crate::config::check_config;
use crate::content::{Content, ReadError, read_verified};
use crate::engine::ModuleRuntime;
use crate::error::LoadError;
use crate::limits::PluginLimits;
use crate::options::LoaderOptions;
use crate::outbound::{Access, Outbound};
use crate::package::Package;
use crate::plugins::{Loaded, Plugins, Slots};

/// A plugin to load, as the lock and the project describe it.
#[derive(Clone)]
pub struct PluginSpec {
    /// Its name in the project.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// What it answers.
    pub types: BTreeSet<PluginType>,
    /// The wasm file among its files.
    pub entry: PackagePath,
    /// The plugins that it may call: those that it declares and that are loaded with it.
    pub dependencies: BTreeSet<PluginName>,
    /// What was said about its memory and time.
    pub limits: PluginLimits,
    /// What it may reach: what it asks for, as far as that was approved and policy allows it. Its numbers aren't looked at.
    pub capabilities: Capabilities,
    /// Its configuration; `null` counts as `{}`. May hold secrets: it's never in a log or an error.
    pub config: Value,
    /// The JSON Schema of its configuration, if it has one.
    pub config_schema: Option<Value>,
    /// Its files.
    pub content: Arc<dyn Content>,
}

impl fmt::Debug for PluginSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, version, types, entry, dependencies, limits, capabilities, .. } = self;
        out.debug_struct("PluginSpec")
            .field("name", name)
            .field("version", version)
            .field("types", types)
            .field("entry", entry)
            .field("dependencies", dependencies)
            .field("limits", limits)
            .field("capabilities", capabilities)
            .finish_non_exhaustive()
    }
}

/// Loads plugins. Making one costs nothing: the engine is made with the first plugin and kept.
pub struct Loader {
    options: Arc<LoaderOptions>,
    runtime: Mutex<Option<Arc<ModuleRuntime>>>,
    outbound: Arc<Outbound>,
}

impl fmt::Debug for Loader {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Loader").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Loader {
    /// A loader with these options.
    pub fn new(options: LoaderOptions) -> Self {
        let options = LoaderOptions { limits: options.limits.within_caps(), ..options };
        let options = Arc::new(options);
        Self { outbound: Arc::new(Outbound::new(Arc::clone(&options))), options, runtime: Mutex::default() }
    }

    /// Load these plugins, each after those it depends on.
    pub fn load(&self, specs: Vec<PluginSpec>) -> Result<Plugins, LoadError> {
        let order = in_order(specs)?;
        let mut loaded = BTreeMap::new();
        for spec in order {
            let plugin = self.load_one(spec, &loaded)?;
            loaded.insert(plugin.name.clone(), plugin);
        }
        Ok(Plugins::new(loaded))
    }

    fn load_one(&self, spec: PluginSpec, loaded: &BTreeMap<PluginName, Arc<Loaded>>) -> Result<Arc<Loaded>, LoadError> {
        let name = spec.name.clone();
        let config = checked_config(&spec)?;
        let limits = self.options.limits.for_plugin(&spec.limits);
        let (wasm, entry) = verified_wasm(&spec, limits.wasm_bytes)?;
        expect_module(&name, &spec.entry, &wasm)?;
        let http = Access::new(&self.outbound, &spec.capabilities);
        inspect(&wasm, &spec.types, &limits, http.is_some()).map_err(|refusal| refused(name.clone(), refusal))?;
        let runtime = self.runtime()?;
        let cache = self.cache(&runtime)?;
        let code = compile::code(&runtime.engine, cache.as_ref(), wasm, entry.digest, limits.compile);
        let (module, origin) = code.map_err(|error| not_compiled(name.clone(), error, &limits))?;
        let package = Arc::new(Package {
            name: name.clone(),
            limits: limits.clone(),
            config,
            content: spec.content,
            dependencies: spec.dependencies.iter().map(|name| (name.clone(), Arc::clone(&loaded[name]))).collect(),
            http,
            options: Arc::clone(&self.options),
        });
        let module = JsonModule::new(package, runtime, &module).map_err(|error| LoadError::Engine(format!("{error:#}")))?;
        module.probe().map_err(|stop| LoadError::Stopped(Box::new(stop)))?;
        let slots = Slots::new(limits.calls_at_once);
        Ok(Arc::new(Loaded { name, version: spec.version, types: spec.types, limits, transport: Box::new(module), origin, slots }))
    }

    fn cache(&self, runtime: &ModuleRuntime) -> Result<Option<Cache>, LoadError> {
        Ok(self.options.aot_cache.as_deref().map(|path| Cache::open(path, &runtime.engine)).transpose()?)
    }

    fn runtime(&self) -> Result<Arc<ModuleRuntime>, LoadError> {
        let mut slot = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*slot {
            return Ok(Arc::clone(runtime));
        }
        let runtime = ModuleRuntime::new(&self.options.limits, self.options.allocation);
        let runtime = Arc::new(runtime.map_err(|error| LoadError::Engine(format!("{error:#}")))?);
        *slot = Some(Arc::clone(&runtime));
        Ok(runtime)
    }
}

/// Dependencies before those who need them, else by name.
fn in_order(specs: Vec<PluginSpec>) -> Result<Vec<PluginSpec>, LoadError> {
    let mut waiting = BTreeMap::new();
    for spec in specs {
        if let Some(twice) = waiting.insert(spec.name.clone(), spec) {
            return Err(LoadError::Duplicate(twice.name));
        }
    }
    for spec in waiting.values() {
        if let Some(missing) = spec.dependencies.iter().find(|name| !waiting.contains_key(*name)) {
            return Err(LoadError::MissingDependency { plugin: spec.name.clone(), dependency: missing.clone() });
        }
    }
    let mut order: Vec<PluginSpec> = Vec::with_capacity(waiting.len());
    let mut done = BTreeSet::new();
    while !waiting.is_empty() {
        let ready = waiting.values().find(|spec| spec.dependencies.is_subset(&done)).map(|spec| spec.name.clone());
        let Some(spec) = ready.and_then(|name| waiting.remove(&name)) else {
            return Err(LoadError::Cycle(cycle(&waiting)));
        };
        done.insert(spec.name.clone());
        order.push(spec);
    }
    Ok(order)
}

/// A circle among plugins that all wait for another of them; the first name is also the last.
fn cycle(waiting: &BTreeMap<PluginName, PluginSpec>) -> Vec<PluginName> {
    let mut path: Vec<PluginName> = waiting.keys().take(1).cloned().collect();
    loop {
        let last = path.last().expect("it starts with one and only grows");
        let next = waiting[last].dependencies.iter().find(|name| waiting.contains_key(*name));
        let next = next.expect("who waits does so for one that waits").clone();
        if let Some(start) = path.iter().position(|name| *name == next) {
            path.drain(..start);
            path.push(next);
            return path;
        }
        path.push(next);
    }
}

fn checked_config(spec: &PluginSpec) -> Result<String, LoadError> {
    let config = if spec.config.is_null() { Value::Object(serde_json::Map::new()) } else { spec.config.clone() };
    if let Some(schema) = &spec.config_schema {
        let plugin = || spec.name.clone();
        check_config(schema, &config).map_err(|violations| LoadError::Config { plugin: plugin(), violations })?;
    }
    Ok(config.to_string())
}

/// The entry's bytes, after lock → listing → file was checked.
fn verified_wasm(spec: &PluginSpec, most: u64) -> Result<(Vec<u8>, FileEntry), LoadError> {
    let plugin = || spec.name.clone();
    let path = || spec.entry.clone();
    let listing = spec.content.listing();
    if listing.content() != spec.content.digest() {
        return Err(LoadError::Listing(plugin()));
    }
    let entry = listing.get(spec.entry.as_str()).copied();
    let entry = entry.ok_or_else(|| LoadError::NoEntry { plugin: plugin(), path: path() })?;
    if entry.size > most {
        return Err(LoadError::TooLarge { plugin: plugin(), what: "bytes", found: entry.size, limit: most });
    }
    match read_verified(&*spec.content, &spec.entry, entry) {
        Ok(bytes) => Ok((bytes, entry)),
        Err(ReadError::Io(source)) => Err(LoadError::Read { plugin: plugin(), path: path(), source }),
        Err(ReadError::Changed) => Err(LoadError::Digest { plugin: plugin(), path: path() }),
    }
}

fn refused(plugin: PluginName, refusal: Refusal) -> LoadError {
    match refusal {
        Refusal::Invalid(reason) => LoadError::Invalid { plugin, reason },
        Refusal::TooLarge(what, found, limit) => LoadError::TooLarge { plugin, what, found, limit },
        Refusal::Memory(found, limit) => LoadError::Memory { plugin, found, limit },
        Refusal::Table(found, limit) => LoadError::Table { plugin, found, limit },
        Refusal::Imports(refused) => LoadError::Imports { plugin, refused },
        Refusal::Exports(missing) => LoadError::Exports { plugin, missing },
    }
}

fn not_compiled(plugin: PluginName, error: CompileError, limits: &crate::limits::Limits) -> LoadError {
    match error {
        CompileError::TooLong => LoadError::Compile { plugin, limit: limits.compile },
        CompileError::Refused(refusal) => refused(plugin, refusal),
        CompileError::Invalid(reason) => LoadError::Invalid { plugin, reason },
        CompileError::Host(reason) => LoadError::Engine(reason),
    }
}
