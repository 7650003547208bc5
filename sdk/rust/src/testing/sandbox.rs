//! The built wasm in mfp's own sandbox: what the plugin is where it counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mfp_loader::{
    Clock, Content, Loader, LoaderOptions, LogLevel, LogLine, LogSink, Numbers, PluginLimits, PluginSpec, Plugins, ProjectFiles, Random,
};
use mfp_model::capability::Capabilities;
use mfp_model::content::{FileEntry, Listing, PackagePath};
use mfp_model::digest::{ContentDigest, FileDigest};
use mfp_model::name::PluginName;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{MockHost, Native, Subject};
use crate::about::{About, FileAccess, PluginType};
use crate::{Call, Context as _, Error, Host as _, Level, Result};

/// The wasm of a plugin, asked in mfp's sandbox, with its limits: what's loaded, granted and refused is as it will be in a host.
///
/// From a [`MockHost`] it has the clock, the random bytes, the assets, the files, and what's granted of hosts and folders; its log and what it
/// writes go there. Requests are real ones, to servers that a test starts; dependencies are other modules ([`Wasm::with_dependency`]).
pub struct Wasm {
    native: Native,
    bytes: Vec<u8>,
    dependencies: Vec<(Wasm, Value)>,
    outside: Outside,
    loaded: Mutex<Option<Loaded>>,
}

/// What was loaded, and with what.
struct Loaded {
    with: Surroundings,
    plugins: Arc<Plugins>,
    project: Arc<Project>,
}

impl fmt::Debug for Wasm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Wasm").field("id", &self.native.about.id).finish_non_exhaustive()
    }
}

/// What a plugin was loaded with. Another configuration is another load.
#[derive(Clone, PartialEq)]
struct Surroundings {
    config: Value,
    hosts: Vec<String>,
    folders: Vec<String>,
    access: FileAccess,
    assets: BTreeMap<String, Vec<u8>>,
}

impl Surroundings {
    fn of(config: &Value, host: &MockHost) -> Self {
        Self {
            config: config.clone(),
            hosts: host.reach().hosts().to_vec(),
            folders: host.folders().to_vec(),
            access: host.file_access(),
            assets: host.assets().clone(),
        }
    }

    /// What a dependency has: its configuration, and nothing else.
    fn with_nothing_but(config: &Value) -> Self {
        Self::of(config, &MockHost::default())
    }

    fn capabilities(&self) -> Result<Capabilities> {
        let written: &[String] = if self.access == FileAccess::ReadWrite { &self.folders } else { &[] };
        Ok(serde_json::from_value(json!({ "http": self.hosts, "fs-read": self.folders, "fs-write": written }))?)
    }
}

impl Wasm {
    /// The module or component in this file. What it says about itself it says natively.
    pub fn read(native: Native, file: impl AsRef<Path>) -> Result<Self> {
        let bytes = std::fs::read(&file).with_context(|| file.as_ref().display().to_string())?;
        Ok(Self { native, bytes, dependencies: Vec::new(), outside: Outside::default(), loaded: Mutex::default() })
    }

    /// With a plugin that it may call, with this configuration.
    #[must_use]
    pub fn with_dependency(mut self, dependency: Wasm, config: Value) -> Self {
        self.dependencies.push((dependency, config));
        self
    }

    fn plugins(&self, config: &Value, host: &MockHost) -> Result<(Arc<Plugins>, Arc<Project>)> {
        let wanted = Surroundings::of(config, host);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = loaded.as_ref().filter(|loaded| loaded.with == wanted) {
            return Ok((Arc::clone(&loaded.plugins), Arc::clone(&loaded.project)));
        }
        let project = Arc::new(Project::with(&wanted.folders)?);
        let options =
            LoaderOptions { log: Box::new(self.outside.clone()), ..LoaderOptions::new(self.outside.clone(), self.outside.clone()) };
        let mut specs = vec![self.spec(&wanted, Some(&project))?];
        for (dependency, config) in &self.dependencies {
            specs.push(dependency.spec(&Surroundings::with_nothing_but(config), None)?);
        }
        let plugins = Arc::new(Loader::new(options).load(specs)?);
        *loaded = Some(Loaded { with: wanted, plugins: Arc::clone(&plugins), project: Arc::clone(&project) });
        Ok((plugins, project))
    }

    fn spec(&self, with: &Surroundings, project: Option<&Project>) -> Result<PluginSpec> {
        let About { version, memory, time_ms, .. } = &self.native.about;
        let numbers = Numbers { memory: *memory, time_ms: *time_ms };
        Ok(PluginSpec {
            name: self.name()?,
            version: version.parse()?,
            types: self.native.types.iter().map(|ty| of_protocol(*ty)).collect(),
            entry: "plugin.wasm".parse()?,
            dependencies: self.dependencies.iter().map(|(dependency, _)| dependency.name()).collect::<Result<BTreeSet<_>>>()?,
            limits: PluginLimits { own: numbers, approved: numbers, ..PluginLimits::default() },
            capabilities: with.capabilities()?,
            project: project.map(|project| ProjectFiles { root: project.root(), never: Vec::new() }),
            environment: BTreeMap::new(),
            config: with.config.clone(),
            config_schema: self.native.schema().map(|schema| schema.as_value().clone()),
            content: Arc::new(Files::new(&self.bytes, &with.assets)?),
        })
    }

    fn name(&self) -> Result<PluginName> {
        Ok(self.native.about.id.parse()?)
    }
}

fn of_protocol(ty: PluginType) -> mfp_loader::PluginType {
    match ty {
        PluginType::Auth => mfp_loader::PluginType::Auth,
        PluginType::Template => mfp_loader::PluginType::Template,
        PluginType::Response => mfp_loader::PluginType::Response,
        PluginType::Datasource => mfp_loader::PluginType::Datasource,
    }
}

impl Subject for Wasm {
    fn about(&self) -> &About {
        self.native.about()
    }

    /// By the plugin's schema, as a host does it.
    fn check(&self, config: &Value) -> Result<()> {
        let Some(schema) = self.native.schema() else { return self.native.check(config) };
        mfp_loader::check_config(schema.as_value(), config)
            .map_err(|violations| Error::new(violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
    }

    fn load(&self, config: &Value, host: &MockHost) -> Result<()> {
        self.plugins(config, host).map(drop)
    }

    fn make(&self, call: Call, config: &Value, request: &Value, host: &MockHost) -> Result<Value> {
        let (plugins, project) = self.plugins(config, host)?;
        project.lay_out(&host.files())?;
        self.outside.set(host);
        let call = match call {
            Call::Authenticate => mfp_loader::Call::Authenticate,
            Call::Execute => mfp_loader::Call::Execute(request["function_name"].as_str().unwrap_or_default().to_owned()),
            Call::Functions => mfp_loader::Call::Functions,
            Call::Generate => mfp_loader::Call::Generate,
            Call::Query => mfp_loader::Call::Query,
        };
        let answer = plugins.call(&self.name()?, &call, request);
        host.set_files(project.found()?);
        for (level, text) in self.outside.take_log() {
            host.log(level, &text);
        }
        Ok(answer?.to_value())
    }
}

/// The clock, the random bytes and the log of the call that's being made.
#[derive(Clone, Default)]
struct Outside(Arc<Mutex<Moment>>);

#[derive(Default)]
struct Moment {
    now_ms: i64,
    first_random: u8,
    log: Vec<(Level, String)>,
}

impl Outside {
    fn moment(&self) -> std::sync::MutexGuard<'_, Moment> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, host: &MockHost) {
        let [first_random] = {
            let mut bytes = [0];
            host.random(&mut bytes);
            bytes
        };
        *self.moment() = Moment { now_ms: host.now_ms(), first_random, log: Vec::new() };
    }

    fn take_log(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.moment().log)
    }
}

impl Clock for Outside {
    fn now_ms(&self) -> i64 {
        self.moment().now_ms
    }
}

impl Random for Outside {
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        MockHost::default().seed(self.moment().first_random).random(out);
        Ok(())
    }
}

impl LogSink for Outside {
    fn log(&self, line: LogLine) {
        let level = match line.level {
            LogLevel::Trace => Level::Trace,
            LogLevel::Debug => Level::Debug,
            LogLevel::Info => Level::Info,
            LogLevel::Warn => Level::Warn,
            LogLevel::Error => Level::Error,
        };
        self.moment().log.push((level, line.text));
    }
}

/// The project whose folders are granted: a real one, since what WASI opens are real folders.
struct Project(TempDir);

impl Project {
    /// One in which these folders are.
    fn with(folders: &[String]) -> Result<Self> {
        let project = Self(tempfile::tempdir()?);
        for folder in folders {
            std::fs::create_dir_all(project.0.path().join(folder))?;
        }
        Ok(project)
    }

    fn root(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Have these files, and no others. Folders stay: those that were granted are open.
    #[expect(clippy::disallowed_methods, reason = "a test's own folder, which nobody reads meanwhile")]
    fn lay_out(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
        for path in self.found()?.into_keys().filter(|path| !files.contains_key(path)) {
            std::fs::remove_file(self.0.path().join(path))?;
        }
        for (path, bytes) in files {
            let file = self.0.path().join(path);
            if let Some(folder) = file.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(file, bytes).with_context(|| format!("the project's `{path}`"))?;
        }
        Ok(())
    }

    /// The files that are there.
    fn found(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![String::new()];
        while let Some(folder) = waiting.pop() {
            for entry in std::fs::read_dir(self.0.path().join(&folder))? {
                let entry = entry?;
                let name = entry.file_name().into_string().ok().context("a file whose name isn't text")?;
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                if entry.file_type()?.is_dir() {
                    waiting.push(path);
                } else {
                    found.insert(path, std::fs::read(entry.path())?);
                }
            }
        }
        Ok(found)
    }
}

/// The plugin's package, in memory.
struct Files {
    listing: Listing,
    bytes: BTreeMap<String, Vec<u8>>,
}

impl Files {
    fn new(wasm: &[u8], assets: &BTreeMap<String, Vec<u8>>) -> Result<Self> {
        let mut bytes = assets.clone();
        bytes.insert("plugin.wasm".to_owned(), wasm.to_vec());
        let entry = |(path, bytes): (&String, &Vec<u8>)| -> Result<(PackagePath, FileEntry)> {
            Ok((path.parse()?, FileEntry { digest: FileDigest::of(bytes), size: bytes.len() as u64 }))
        };
        let entries = bytes.iter().map(entry).collect::<Result<Vec<_>>>()?;
        Ok(Self { listing: Listing::new(entries)?, bytes })
    }
}

impl Content for Files {
    fn digest(&self) -> ContentDigest {
        self.listing.content()
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read(&self, path: &PackagePath) -> io::Result<Vec<u8>> {
        self.bytes.get(path.as_str()).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
