//! How do the plugins of a lock become what a loader takes?
//!
//! Everything about a plugin that isn't in its own package comes together here: what the lock says, what the project
//! configures and approved, what the user's policy leaves of that, and the variables that the project names. Nothing runs that
//! asks for more than was approved, or that isn't proven to be signed by whom the lock names. What runs is the store's content,
//! verified as it's read, never laid-out files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mfp_model::capability::{Capabilities, CapabilityPolicy, EnvName};
use mfp_model::content::{BARE_WASM_FILE, MANIFEST_FILE};
use mfp_model::lock::{
    Lock, LockedBody, LockedPackage, LockedPlugin, Unapproved, Violation, Warned, denied_by_advisories, unapproved, violations,
};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::plugin::{BareWasm, BareWasmError, EntryError, MetadataMismatch, PluginManifest, PluginManifestError};
use mfp_model::project::{Breach, Manifest};
use mfp_model::registry_files::Advisories;
use mfp_model::signature::{Unproven, prove_locked};
use mfp_model::signer::Signer;
use mfp_model::source::{RemoteEndpoint, RemoteUrl, Source};
use mfp_store::{Store, StoreError, Stored};
use serde_json::{Value, json};

use crate::capability::files::ProjectFiles;
use crate::limits::{Numbers, PluginLimits};
use crate::load::{PluginSpec, Spec};
use crate::remote::{Credential, RemoteSpec};

/// Where a locked plugin is described, and what the host adds to that.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// What the project wants, and what it approved and configured.
    pub manifest: &'a Manifest,
    /// What it runs.
    pub lock: &'a Lock,
    /// Its folder.
    pub root: &'a Path,
    /// Where contents are. Those of the plugins must be there.
    pub store: &'a Store,
    /// The value of a variable. Asked for those only that the project names.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// What this user allows at most.
    pub policy: &'a CapabilityPolicy,
    /// What's known of a registry's warnings. They stop what's loaded only where the project denies them.
    pub advisories: &'a dyn Fn(&RegistryName) -> Option<&'a Advisories>,
    /// What a service is told so that it lets us in.
    pub credential: &'a dyn Fn(&RemoteUrl) -> Option<Credential>,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Surroundings").field("root", &self.root).finish_non_exhaustive()
    }
}

/// Why a locked plugin can't be handed to a loader.
#[derive(Debug, thiserror::Error)]
pub enum LockedError {
    /// Its content isn't in the store, or can't be read.
    #[error("plugin `{plugin}`: {source}")]
    Store {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        source: StoreError,
    },
    /// Its `plugin.yaml` can't be read.
    #[error("`plugin.yaml` of plugin `{plugin}`: {error}")]
    Manifest {
        /// The plugin.
        plugin: PluginName,
        /// The file's bytes.
        text: Vec<u8>,
        /// Why, and where.
        error: Box<PluginManifestError>,
    },
    /// It's a bare module that doesn't say what it is.
    #[error("plugin `{plugin}`: {error}")]
    Bare {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        error: BareWasmError,
    },
    /// The lock says who signed it, and that isn't proven.
    #[error("plugin `{plugin}`: plugins.lock says that {signer} signed it, and that isn't proven: {why}")]
    Signature {
        /// The plugin.
        plugin: PluginName,
        /// Who is said to have signed it.
        signer: Signer,
        /// What's wrong with the signatures that are there.
        why: Unproven,
    },
    /// The lock says other things about it than it says itself: somebody has edited the lock.
    #[error("plugin `{plugin}`: {mismatch}")]
    Metadata {
        /// The plugin.
        plugin: PluginName,
        /// What differs.
        mismatch: MetadataMismatch,
    },
    /// It has no module.
    #[error("plugin `{plugin}`: {error}")]
    Entry {
        /// The plugin.
        plugin: PluginName,
        /// Why.
        error: EntryError,
    },
    /// Its configuration takes a value from a variable that isn't set.
    #[error("the configuration of {plugin} takes a value from {variable}, which isn't set")]
    Variable {
        /// The plugin.
        plugin: PluginName,
        /// The variable.
        variable: EnvName,
    },
    /// A service whose address a variable holds, or should.
    #[error("{what}")]
    Endpoint {
        /// The variable.
        variable: EnvName,
        /// What's wrong with it, without its value: somebody may have put a password into it.
        what: String,
    },
    /// A service whose address, as a variable holds it, would be asked in the clear over a network.
    #[error("{plugin}: {variable} holds a plain `http:` URL of another machine")]
    PlainHttp {
        /// The plugin.
        plugin: PluginName,
        /// The variable.
        variable: EnvName,
    },
    /// Plugins that ask for more than was approved.
    #[error("plugins ask for more than was approved: {}", names(.0))]
    Unapproved(Vec<Unapproved>),
    /// Plugins that the project's policy doesn't allow.
    #[error("plugins aren't what the project's policy allows: {}", .0.iter().map(Violation::sentence).collect::<Vec<_>>().join("; "))]
    Policy(Vec<Violation>),
    /// Plugins that their registry blocks, in a project that denies them.
    #[error("the project stops at what registries block: {}", ids(.0))]
    Advisories(Vec<Warned>),
    /// A lock that says two things about one plugin.
    #[error("{0} is locked as a service, and required as something else")]
    Service(PluginName),
}

fn names(unapproved: &[Unapproved]) -> String {
    unapproved.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn ids(warned: &[Warned]) -> String {
    warned.iter().map(|one| format!("{} {} ({})", one.name, one.version, one.advisory.id)).collect::<Vec<_>>().join(", ")
}

impl LockedError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store { source, .. } => source.code(),
            Self::Manifest { error, .. } => error.code(),
            Self::Bare { error, .. } => error.code(),
            Self::Signature { why, .. } => why.code(),
            Self::Entry { error, .. } => error.code(),
            Self::Metadata { mismatch, .. } => mismatch.code(),
            Self::Variable { .. } | Self::Endpoint { .. } | Self::PlainHttp { .. } => "mfp::config::variable",
            Self::Unapproved(_) => "mfp::approval::missing",
            Self::Advisories(_) => "mfp::policy::advisory",
            Self::Policy(violations) => violations.first().map_or("mfp::internal::bug", |first| first.breach.code()),
            Self::Service(_) => "mfp::lock::invalid",
        }
    }
}

/// These plugins and all that they may call, by name.
pub fn with_dependencies<'l>(lock: &'l Lock, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> Vec<&'l LockedPlugin> {
    let mut found: BTreeMap<&PluginName, &LockedPlugin> = BTreeMap::new();
    let mut queue: Vec<&LockedPlugin> = plugins.into_iter().collect();
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

/// What a stored plugin says about itself.
pub fn described(plugin: &LockedPlugin, stored: &Stored) -> Result<PluginManifest, LockedError> {
    let name = || plugin.name.clone();
    let store = |source| LockedError::Store { plugin: name(), source };
    if stored.listing().get(MANIFEST_FILE).is_none() {
        let bytes = stored.read(BARE_WASM_FILE).map_err(store)?;
        let bare = BareWasm { name: plugin.id().clone(), types: plugin.types.clone(), version: plugin.version().cloned() };
        return PluginManifest::from_wasm(&bytes, &bare).map_err(|error| LockedError::Bare { plugin: name(), error });
    }
    let text = stored.read(MANIFEST_FILE).map_err(store)?;
    PluginManifest::from_bytes(&text).map_err(|error| LockedError::Manifest { plugin: name(), text, error: Box::new(error) })
}

/// Did the one who's said to have signed it sign it? Proven by the signatures that the store keeps beside the content.
pub fn proven(plugin: &LockedPlugin, stored: &Stored) -> Result<(), LockedError> {
    let Some(signer) = plugin.signer() else { return Ok(()) };
    let files = stored.signatures().map_err(|source| LockedError::Store { plugin: plugin.name.clone(), source })?;
    prove_locked(plugin, files.iter().map(String::as_str)).map(drop).map_err(|why| LockedError::Signature {
        plugin: plugin.name.clone(),
        signer: signer.clone(),
        why,
    })
}

/// Does a stored plugin say what the lock says about it? Neither wider nor narrower will do: what's asked was reviewed in the
/// lock, and what runs asks for it in its own words.
pub fn check_described(plugin: &LockedPlugin, described: &PluginManifest) -> Result<(), LockedError> {
    let Some(locked) = plugin.metadata() else { return Ok(()) };
    let checked = described.metadata().check_against(&locked, "plugins.lock");
    checked.map_err(|mismatch| LockedError::Metadata { plugin: plugin.name.clone(), mismatch })
}

impl Surroundings<'_> {
    /// These plugins as a loader takes them, in the same order. They must have all that they may call among them:
    /// [`with_dependencies`].
    pub fn specs(&self, plugins: &[&LockedPlugin]) -> Result<Vec<Spec>, LockedError> {
        let violations = violations(self.manifest, self.lock);
        if !violations.is_empty() {
            return Err(LockedError::Policy(violations));
        }
        let blocked = denied_by_advisories(self.manifest, self.lock, self.advisories);
        if !blocked.is_empty() {
            return Err(LockedError::Advisories(blocked));
        }
        let unapproved = unapproved(self.manifest, plugins.iter().copied());
        if !unapproved.is_empty() {
            return Err(LockedError::Unapproved(unapproved));
        }
        let spec = |plugin: &&LockedPlugin| match &plugin.body {
            LockedBody::Package(package) => self.package(plugin, package).map(Spec::from),
            LockedBody::Remote(endpoint) => self.service(plugin, endpoint).map(Spec::from),
        };
        plugins.iter().map(spec).collect()
    }

    fn package(&self, plugin: &LockedPlugin, package: &LockedPackage) -> Result<PluginSpec, LockedError> {
        let name = || plugin.name.clone();
        let stored = self.store.need(&plugin.content).map_err(|source| LockedError::Store { plugin: name(), source })?;
        proven(plugin, &stored)?;
        let described = described(plugin, &stored)?;
        check_described(plugin, &described)?;
        let entry = described.entry_in(stored.listing()).map_err(|error| LockedError::Entry { plugin: name(), error })?.clone();
        let approved = plugin.approved(self.manifest);
        let granted = approved.map(|approved| package.capabilities.intersection(approved)).unwrap_or_default();
        let granted = self.policy.narrow(&granted);
        Ok(PluginSpec {
            name: name(),
            version: package.version.clone(),
            types: plugin.types.clone(),
            entry,
            dependencies: bound_dependencies(self.lock, plugin).map(|target| target.name.clone()).collect::<BTreeSet<_>>(),
            limits: self.limits(plugin, &described, &package.capabilities, approved),
            project: Some(self.files()),
            environment: self.environment(&granted),
            capabilities: granted,
            config: self.config(&plugin.name)?,
            config_schema: described.config_schema,
            content: Arc::new(stored),
        })
    }

    fn files(&self) -> ProjectFiles {
        ProjectFiles { root: self.root.to_owned(), never: vec![self.manifest.project.plugin_dir.as_str().to_owned()] }
    }

    /// The variables that a plugin was granted and that are set, with their values.
    fn environment(&self, granted: &Capabilities) -> BTreeMap<String, String> {
        let value = |name: &EnvName| (self.variable)(name.as_str()).map(|value| (name.to_string(), value));
        granted.env.iter().filter_map(value).collect()
    }

    /// What was said about its memory and time: by itself, by who approved it, by the project's policy for its kind of source,
    /// and by the user's.
    fn limits(
        &self,
        plugin: &LockedPlugin,
        described: &PluginManifest,
        asked: &Capabilities,
        approved: Option<&Capabilities>,
    ) -> PluginLimits {
        let kind = self.manifest.policy.limits.get(&plugin.source().kind()).copied().unwrap_or_default();
        let lower = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
        PluginLimits {
            own: Numbers { memory: asked.memory.or(described.limits.memory), time_ms: asked.time_ms.or(described.limits.time_ms) },
            approved: approved.map_or_else(Numbers::default, |approved| Numbers { memory: approved.memory, time_ms: approved.time_ms }),
            policy: Numbers { memory: lower(kind.memory, self.policy.memory), time_ms: lower(kind.time_ms, self.policy.time_ms) },
        }
    }

    /// The project's configuration of a plugin, with the variables that it names read now.
    fn config(&self, name: &PluginName) -> Result<Value, LockedError> {
        let Some(config) = self.manifest.config.get(name) else { return Ok(json!({})) };
        config.value.to_json(&mut |variable: &EnvName| {
            let value = (self.variable)(variable.as_str()).map(Value::String);
            value.ok_or_else(|| LockedError::Variable { plugin: name.clone(), variable: variable.clone() })
        })
    }

    fn service(&self, plugin: &LockedPlugin, endpoint: &RemoteEndpoint) -> Result<RemoteSpec, LockedError> {
        let request = self.lock.requirements.get(&plugin.name);
        let Some(Source::Remote { timeout_ms, retries, health_check_interval, .. }) = request.map(|request| &request.source) else {
            return Err(LockedError::Service(plugin.name.clone()));
        };
        let endpoint = self.endpoint(&plugin.name, endpoint)?;
        Ok(RemoteSpec {
            name: plugin.name.clone(),
            types: plugin.types.clone(),
            timeout: Duration::from_millis(*timeout_ms),
            retries: u32::try_from(*retries).unwrap_or(u32::MAX),
            health_interval: Duration::from_secs(*health_check_interval),
            credential: (self.credential)(&endpoint),
            endpoint,
        })
    }

    /// Where a service is: as the project says, or as the variable that it names says now.
    fn endpoint(&self, name: &PluginName, endpoint: &RemoteEndpoint) -> Result<RemoteUrl, LockedError> {
        let variable = match endpoint {
            RemoteEndpoint::Url(url) => return Ok(url.clone()),
            RemoteEndpoint::Env(variable) => variable,
        };
        let error = |what: String| LockedError::Endpoint { variable: variable.clone(), what };
        let text = (self.variable)(variable.as_str());
        let text = text.ok_or_else(|| error(format!("{name} is at the address that {variable} holds, which isn't set")))?;
        let url = text.parse::<RemoteUrl>().map_err(|why| error(format!("{name}: {variable} holds no URL of a service: {why}")))?;
        if let Some(pattern) = self.manifest.policy.denies_service(&url) {
            let breach = Breach::Source { from: format!("the address that {variable} holds"), denied: Some(pattern) };
            let span = self.manifest.place("policy.deny").unwrap_or_default();
            return Err(LockedError::Policy(vec![Violation { name: name.clone(), version: None, breach, span }]));
        }
        let allow_http = self.manifest.plugins.get(name).is_some_and(|entry| entry.allow_http);
        if url.needs_allow_http() && !allow_http {
            return Err(LockedError::PlainHttp { plugin: name.clone(), variable: variable.clone() });
        }
        Ok(url)
    }
}
