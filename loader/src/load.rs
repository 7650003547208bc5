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
use wasmtime::Engine;

use crate::abi::component::ComponentPlugin;
use crate::abi::inspect::{self, Refusal};
use crate::abi::json::JsonModule;
use crate::abi::{Layer, Transport, wasm_layer};
use crate::aot::Cache;
use crate::capability::files::{Folders, ProjectFiles};
use crate::compile::{self, Code, CodeOrigin, CompileError, Source};
use crate::config::check_config;
use crate::content::{Content, ReadError, read_verified};
use crate::engine::{ComponentRuntime, ModuleRuntime};
use crate::error::{LoadError, shown};
use crate::limits::{Limits, PluginLimits};
use crate::options::LoaderOptions;
use crate::outbound::{Access, Outbound};
use crate::package::Package;
use crate::plugins::{Loaded, Plugins, Slots};
use crate::remote::{RemoteSpec, Service};

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
    /// The project whose folders it may have been granted; without one, it gets none.
    pub project: Option<ProjectFiles>,
    /// The variables that it was granted, with their values: template calls have them in their context.
    pub environment: BTreeMap<String, String>,
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

/// Something to load: a plugin whose code runs here, or a service.
#[derive(Debug, Clone)]
pub enum Spec {
    /// Code that runs in the sandbox.
    Package(Box<PluginSpec>),
    /// A service that's called.
    Remote(Box<RemoteSpec>),
}

impl From<PluginSpec> for Spec {
    fn from(spec: PluginSpec) -> Self {
        Self::Package(Box::new(spec))
    }
}

impl From<RemoteSpec> for Spec {
    fn from(spec: RemoteSpec) -> Self {
        Self::Remote(Box::new(spec))
    }
}

impl Spec {
    /// Its name in the project.
    pub fn name(&self) -> &PluginName {
        match self {
            Self::Package(spec) => &spec.name,
            Self::Remote(spec) => &spec.name,
        }
    }

    /// What it may call. A service calls whom it likes, but not through us.
    fn dependencies(&self) -> &BTreeSet<PluginName> {
        const NONE: &BTreeSet<PluginName> = &BTreeSet::new();
        match self {
            Self::Package(spec) => &spec.dependencies,
            Self::Remote(_) => NONE,
        }
    }
}

/// Loads plugins. Making one costs nothing: the engine is made with the first plugin and kept.
pub struct Loader {
    options: Arc<LoaderOptions>,
    modules: Lazy<ModuleRuntime>,
    components: Lazy<ComponentRuntime>,
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
        let (limits, component_limits) = (options.limits.clone().within_caps(), options.component_limits.clone().within_caps());
        let options = Arc::new(LoaderOptions { limits, component_limits, ..options });
        let outbound = Arc::new(Outbound::new(Arc::clone(&options)));
        Self { options, modules: Lazy::default(), components: Lazy::default(), outbound }
    }

    /// Load these plugins, each after those it depends on. Services aren't asked anything yet.
    pub fn load<S: Into<Spec>>(&self, specs: impl IntoIterator<Item = S>) -> Result<Plugins, LoadError> {
        let order = in_order(specs.into_iter().map(Into::into))?;
        let mut loaded = BTreeMap::new();
        for spec in order {
            let plugin = match spec {
                Spec::Package(spec) => self.load_one(*spec, &loaded)?,
                Spec::Remote(spec) => self.load_service(*spec),
            };
            loaded.insert(plugin.name.clone(), plugin);
        }
        Ok(Plugins::new(loaded))
    }

    fn load_service(&self, spec: RemoteSpec) -> Arc<Loaded> {
        let time = spec.timeout;
        let limits = Limits { auth: time, template: time, response: time, datasource: time, ..self.options.limits.clone() };
        let (name, types, slots) = (spec.name.clone(), spec.types.clone(), Slots::new(limits.calls_at_once));
        let service = Service::new(spec, limits.answer_bytes, Arc::clone(&self.outbound));
        Arc::new(Loaded {
            name,
            version: None,
            types,
            limits,
            environment: BTreeMap::new(),
            transport: Box::new(service),
            origin: None,
            slots,
        })
    }

    fn load_one(&self, spec: PluginSpec, loaded: &BTreeMap<PluginName, Arc<Loaded>>) -> Result<Arc<Loaded>, LoadError> {
        let name = spec.name.clone();
        let config = checked_config(&spec)?;
        let (wasm, entry) = verified_wasm(&spec, self.options.component_limits.wasm_bytes.max(self.options.limits.wasm_bytes))?;
        let layer = wasm_layer(&name, &spec.entry, &wasm)?;
        let limits = self.limits(layer).for_plugin(&spec.limits);
        let http = Access::new(&self.outbound, &spec.capabilities);
        let uses = inspect::inspect(layer, &wasm, &spec.types, &limits, http.is_some());
        let uses = uses.map_err(|refusal| refused(name.clone(), refusal))?;
        let folders = if uses.files { self.folders(&spec)? } else { Folders::default() };
        let package = Arc::new(Package {
            name: name.clone(),
            limits: limits.clone(),
            config,
            content: spec.content,
            dependencies: spec.dependencies.iter().map(|name| (name.clone(), Arc::clone(&loaded[name]))).collect(),
            http,
            folders,
            options: Arc::clone(&self.options),
        });
        let source = Source { layer, wasm, digest: entry.digest };
        let (transport, origin) = self.transport(package, source, &spec.types)?;
        let slots = Slots::new(limits.calls_at_once);
        Ok(Arc::new(Loaded {
            name,
            version: Some(spec.version),
            types: spec.types,
            limits,
            environment: spec.environment,
            transport,
            origin: Some(origin),
            slots,
        }))
    }

    fn folders(&self, spec: &PluginSpec) -> Result<Folders, LoadError> {
        let scratch = self.options.aot_cache.as_deref();
        if let Some(scratch) = scratch {
            Cache::prepare(scratch)?;
        }
        Folders::open(spec.project.as_ref(), &spec.capabilities, &*spec.content, &spec.entry, scratch)
            .map_err(|source| LoadError::Files { plugin: spec.name.clone(), source })
    }

    fn limits(&self, layer: Layer) -> &Limits {
        match layer {
            Layer::Module => &self.options.limits,
            Layer::Component => &self.options.component_limits,
        }
    }

    /// Compile, link, and start once.
    fn transport(
        &self,
        package: Arc<Package>,
        source: Source,
        types: &BTreeSet<PluginType>,
    ) -> Result<(Box<dyn Transport>, CodeOrigin), LoadError> {
        let name = package.name.clone();
        let stopped = |stop| LoadError::Stopped(Box::new(stop));
        match source.layer {
            Layer::Module => {
                let runtime =
                    self.modules.get(|| ModuleRuntime::new(&self.options.limits, self.options.allocation, self.options.metering))?;
                let (code, origin) = self.code(&runtime.engine, source, &package)?;
                let Code::Module(module) = code else { return Err(LoadError::Engine("a module isn't one".to_owned())) };
                let module = JsonModule::new(package, runtime, &module).map_err(engine_error)?;
                module.probe().map_err(stopped)?;
                Ok((Box::new(module), origin))
            }
            Layer::Component => {
                let runtime = self
                    .components
                    .get(|| ComponentRuntime::new(&self.options.component_limits, self.options.allocation, self.options.metering))?;
                let (code, origin) = self.code(&runtime.engine, source, &package)?;
                let Code::Component(component) = code else { return Err(LoadError::Engine("a component isn't one".to_owned())) };
                let invalid = |reason: String| LoadError::Invalid { plugin: name.clone(), reason: shown(&reason, 500) };
                let component = ComponentPlugin::new(package, runtime, &component).map_err(|error| invalid(format!("{error:#}")))?;
                component.probe(types.iter().copied()).map_err(stopped)?.map_err(invalid)?;
                Ok((Box::new(component), origin))
            }
        }
    }

    fn code(&self, engine: &Engine, source: Source, package: &Package) -> Result<(Code, CodeOrigin), LoadError> {
        let cache = self.options.aot_cache.as_deref().map(|path| Cache::open(path, engine)).transpose()?;
        compile::code(engine, cache.as_ref(), source, &self.options.compiler, self.options.metering, &package.limits)
            .map_err(|error| not_compiled(package.name.clone(), error, &package.limits))
    }
}

/// Something that's made when it's first needed, and kept.
struct Lazy<T>(Mutex<Option<Arc<T>>>);

impl<T> Lazy<T> {
    fn get(&self, make: impl FnOnce() -> wasmtime::Result<T>) -> Result<Arc<T>, LoadError> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*slot {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(make().map_err(engine_error)?);
        *slot = Some(Arc::clone(&made));
        Ok(made)
    }
}

impl<T> Default for Lazy<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn engine_error(error: wasmtime::Error) -> LoadError {
    LoadError::Engine(format!("{error:#}"))
}

/// Dependencies before those who need them, else by name.
fn in_order(specs: impl Iterator<Item = Spec>) -> Result<Vec<Spec>, LoadError> {
    let mut waiting = BTreeMap::new();
    for spec in specs {
        if let Some(twice) = waiting.insert(spec.name().clone(), spec) {
            return Err(LoadError::Duplicate(twice.name().clone()));
        }
    }
    for spec in waiting.values() {
        if let Some(missing) = spec.dependencies().iter().find(|name| !waiting.contains_key(*name)) {
            return Err(LoadError::MissingDependency { plugin: spec.name().clone(), dependency: missing.clone() });
        }
    }
    let mut order: Vec<Spec> = Vec::with_capacity(waiting.len());
    let mut done = BTreeSet::new();
    while !waiting.is_empty() {
        let ready = waiting.values().find(|spec| spec.dependencies().is_subset(&done)).map(|spec| spec.name().clone());
        let Some(spec) = ready.and_then(|name| waiting.remove(&name)) else {
            return Err(LoadError::Cycle(cycle(&waiting)));
        };
        done.insert(spec.name().clone());
        order.push(spec);
    }
    Ok(order)
}

/// A circle among plugins that all wait for another of them; the first name is also the last.
fn cycle(waiting: &BTreeMap<PluginName, Spec>) -> Vec<PluginName> {
    let mut path: Vec<PluginName> = waiting.keys().take(1).cloned().collect();
    loop {
        let last = path.last().expect("it starts with one and only grows");
        let next = waiting[last].dependencies().iter().find(|name| waiting.contains_key(*name));
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

pub(crate) fn refused(plugin: PluginName, refusal: Refusal) -> LoadError {
    match refusal {
        Refusal::Invalid(reason) => LoadError::Invalid { plugin, reason },
        Refusal::TooLarge(what, found, limit) => LoadError::TooLarge { plugin, what, found, limit },
        Refusal::Memory(found, limit) => LoadError::Memory { plugin, found, limit },
        Refusal::Table(found, limit) => LoadError::Table { plugin, found, limit },
        Refusal::Imports(refused) => LoadError::Imports { plugin, refused },
        Refusal::Exports(missing) => LoadError::Exports { plugin, missing },
    }
}

fn not_compiled(plugin: PluginName, error: CompileError, limits: &Limits) -> LoadError {
    match error {
        CompileError::TooLong => LoadError::Compile { plugin, limit: format!("{} s", limits.compile.as_secs()) },
        CompileError::TooMuchMemory => {
            LoadError::Compile { plugin, limit: format!("{} of memory", crate::error::bytes(limits.compile_bytes)) }
        }
        CompileError::Refused(refusal) => refused(plugin, refusal),
        CompileError::Invalid(reason) => LoadError::Invalid { plugin, reason },
        CompileError::Host(reason) => LoadError::Engine(reason),
    }
}
