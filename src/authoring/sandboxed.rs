//! How does a plugin that's worked on run in the sandbox? As a host would run it that approves all that its manifest asks for, and
//! nothing beyond: the author is the one who'd be asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mfp_loader::{Loader, LoaderOptions, PluginLimits, PluginSpec, Plugins, ProjectFiles};
use mfp_model::capability::{Capabilities, EnvName};
use mfp_model::content::PackagePath;
use mfp_model::plugin::PluginManifest;
use serde_json::{Value, json};

use super::OwnPlugin;
use super::own_content::OwnContent;
use crate::app::App;
use crate::error::{Error, Result, catalogue};
use crate::running::{VerboseLog, authorities_if, explain_load, options};

/// A plugin of the author's own, in the sandbox.
pub(crate) struct Sandboxed {
    loader: Loader,
    entry: PackagePath,
    content: Arc<OwnContent>,
}

impl Sandboxed {
    /// This plugin's files, with the loader's options changed.
    pub(crate) fn new(
        app: &App<'_>,
        plugin: &OwnPlugin,
        entry: PackagePath,
        content: OwnContent,
        change: impl FnOnce(LoaderOptions) -> LoaderOptions,
    ) -> Result<Self> {
        let roots = authorities_if(app, !plugin.manifest.capabilities.http.is_empty())?;
        let options = change(LoaderOptions { roots, ..options(app, VerboseLog::new(app)) });
        Ok(Self { loader: Loader::new(options), entry, content: Arc::new(content) })
    }

    /// Load what was just built, without a configuration: would a host take it at all?
    pub(crate) fn load_for_check(app: &App<'_>, plugin: &OwnPlugin, entry: &PackagePath, content: OwnContent) -> Result<Plugins> {
        let sandboxed = Self::new(app, plugin, entry.clone(), content, |options| options)?;
        let spec = PluginSpec { config_schema: None, ..sandboxed.spec(app, plugin, Value::Null) };
        sandboxed.loader.load([spec]).map_err(|error| own(&explain_load(&error)))
    }

    /// Load it with this configuration, which is held against its schema.
    pub(crate) fn load(&self, app: &App<'_>, plugin: &OwnPlugin, config: Value) -> Result<Plugins> {
        self.loader.load([self.spec(app, plugin, config)]).map_err(|error| own(&explain_load(&error)))
    }

    fn spec(&self, app: &App<'_>, plugin: &OwnPlugin, config: Value) -> PluginSpec {
        let manifest = &plugin.manifest;
        let asked = &manifest.capabilities;
        let variable = |name: &EnvName| {
            let value = app.settings.environment.text(name.as_str())?;
            Some((name.to_string(), value.to_owned()))
        };
        PluginSpec {
            limits: PluginLimits::all_approved(manifest),
            project: Some(ProjectFiles {
                root: plugin.root.clone(),
                never: vec![".venv".to_owned(), "node_modules".to_owned(), "target".to_owned()],
            }),
            environment: asked.env.iter().filter_map(variable).collect::<BTreeMap<_, _>>(),
            capabilities: asked.clone(),
            config,
            config_schema: manifest.config_schema.clone(),
            ..given_nothing(manifest, self.entry.clone(), Arc::clone(&self.content))
        }
    }
}

/// A plugin that's given nothing, and isn't configured.
pub(super) fn given_nothing(manifest: &PluginManifest, entry: PackagePath, content: Arc<OwnContent>) -> PluginSpec {
    PluginSpec {
        name: manifest.id.clone(),
        version: manifest.version.clone(),
        types: manifest.types.clone(),
        entry,
        dependencies: BTreeSet::new(),
        limits: PluginLimits::default(),
        capabilities: Capabilities::default(),
        project: None,
        environment: BTreeMap::new(),
        config: json!({}),
        config_schema: None,
        content,
    }
}

/// An error of loading, said to the plugin's author.
fn own(error: &Error) -> Error {
    // What's wrong with a configuration is its author's in a project, and a test's here: the same words.
    if error.code() == "mfp::config::invalid" {
        return error.clone();
    }
    let help = for_its_author(error.code()).or_else(|| catalogue::remedy_of(error.code()));
    Error::new(error.code(), error.message().to_owned()).help_or(help.map(str::to_owned))
}

/// What the author of code does about it when a host wouldn't load it, by the code of the error; whoever uses a plugin can only ask for
/// another one.
pub(super) fn for_its_author(code: &str) -> Option<&'static str> {
    Some(match code {
        "mfp::sandbox::import" => {
            "a plugin gets what the guide to the sandbox lists, and HTTP only if its manifest asks for hosts under `capabilities.network`"
        }
        "mfp::sandbox::export" => "export what's missing, or take the type that needs it out of `plugin.types`",
        "mfp::sandbox::memory" => "ask for more under `capabilities.resources.max_memory_bytes`, or need less",
        "mfp::sandbox::size" | "mfp::sandbox::table" => "make it smaller: build for release, and leave out what isn't used",
        _ => return None,
    })
}
