//! A whole project, opened for a host: what MockForge itself uses.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use mfp_model::capability::CapabilityPolicy;
use mfp_model::lock::{Lock, LockError, Stale, staleness};
use mfp_model::name::RegistryName;
use mfp_model::project::{self, Manifest};
use mfp_model::registry_files::Advisories;
use mfp_model::version::Version;
use mfp_store::{Store, StoreError, StoreOptions};

use crate::error::LoadError;
use crate::load::Loader;
use crate::locked::{LockedError, Surroundings, with_dependencies};
use crate::options::LoaderOptions;
use crate::plugins::Plugins;

/// The manifest's name.
const MANIFEST: &str = "mockforge-plugins.toml";
/// The lock's name.
const LOCK: &str = "plugins.lock";
/// The longest manifest or lock that's read, in bytes.
const MAX_TEXT: u64 = 64 << 20;

/// Gives the value of a variable.
type Variables = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A project on disk, and where its plugins are.
pub struct Project {
    root: PathBuf,
    store: PathBuf,
    variable: Variables,
    policy: CapabilityPolicy,
    /// Nothing was said is not the same as nothing is known.
    advisories: Option<BTreeMap<RegistryName, Advisories>>,
}

impl fmt::Debug for Project {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Project").field("root", &self.root).field("store", &self.store).finish_non_exhaustive()
    }
}

impl Project {
    /// The project in this folder, with the plugins of this store; `mfp cache dir` says where mfp's is. No variable is set and
    /// nothing is narrowed, unless that's said.
    pub fn new(root: impl Into<PathBuf>, store: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), store: store.into(), variable: Box::new(|_| None), policy: CapabilityPolicy::default(), advisories: None }
    }

    /// Where variables come from that the project names in configurations, approvals and addresses.
    #[must_use]
    pub fn with_variables(self, variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self { variable: Box::new(variable), ..self }
    }

    /// What plugins get at most, whatever the project approved.
    #[must_use]
    pub fn with_policy(self, policy: CapabilityPolicy) -> Self {
        Self { policy, ..self }
    }

    /// What's known of the registries' warnings, by the project's names for them: of each that was asked, what its
    /// `advisories.json` says ([`Advisories::parse`]). A project that says `advisories = "deny"` isn't opened by a host that
    /// says nothing of this; one that knows of no warning says so with an empty map.
    #[must_use]
    pub fn with_advisories(self, known: impl IntoIterator<Item = (RegistryName, Advisories)>) -> Self {
        Self { advisories: Some(known.into_iter().collect()), ..self }
    }
}

/// Why a project can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The manifest or the lock can't be read.
    #[error("`{}` can't be read: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The manifest isn't one.
    #[error("`mockforge-plugins.toml`: {0}")]
    Manifest(String),
    /// The lock isn't one.
    #[error("`plugins.lock`: {0}")]
    Lock(Box<LockError>),
    /// The lock isn't the manifest's any more: run `mfp lock`.
    #[error("`plugins.lock` isn't fresh: {}", reasons(.0))]
    Stale(Vec<Stale>),
    /// The project stops at what its registries block, and the host didn't say what's known of that:
    /// [`Project::with_advisories`].
    #[error("the project says `advisories = \"deny\"`, and whoever loads it didn't say what its registries warn of")]
    AdvisoriesUnknown,
    /// The store can't be opened.
    #[error("the store: {0}")]
    Store(#[from] StoreError),
    /// A locked plugin that can't be loaded. If its content isn't in the store: run `mfp sync`.
    #[error(transparent)]
    Locked(#[from] LockedError),
    /// A plugin wasn't loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
}

fn reasons(stale: &[Stale]) -> String {
    stale.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl OpenError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "mfp::io::failed",
            Self::Manifest(_) => "mfp::manifest::invalid",
            Self::Lock(error) => error.code(),
            Self::Stale(_) => "mfp::lock::stale",
            Self::AdvisoriesUnknown => "mfp::policy::advisories-unknown",
            Self::Store(error) => error.code(),
            Self::Locked(error) => error.code(),
            Self::Load(error) => error.code(),
        }
    }
}

impl Loader {
    /// Load all plugins of a project's lock. It must be fresh, and everything that it names in the store: this never writes and
    /// asks no network. The lock's content counts for folders of the project, whatever is in them by now.
    ///
    /// Blocks, for as long as compiling takes where the cache has no code yet.
    pub fn open(project: &Project, options: LoaderOptions) -> Result<Plugins, OpenError> {
        let manifest = read(&project.root.join(MANIFEST))?;
        let manifest = Manifest::parse(&manifest, &own_version()).map_err(|error| OpenError::Manifest(error.to_string()))?;
        let lock = read(&project.root.join(LOCK))?;
        let lock = Lock::parse(&lock).map_err(|error| OpenError::Lock(Box::new(error)))?;
        let folders = lock.plugins.values().map(|plugin| (plugin.name.clone(), plugin.content)).collect();
        let stale = staleness(&manifest, &lock, &folders);
        if !stale.is_empty() {
            return Err(OpenError::Stale(stale));
        }
        if project.advisories.is_none() && manifest.policy.advisories == project::Advisories::Deny {
            return Err(OpenError::AdvisoriesUnknown);
        }
        let known = project.advisories.as_ref();
        let store = Store::open(StoreOptions::new(&project.store))?;
        let surroundings = Surroundings {
            manifest: &manifest,
            lock: &lock,
            root: &project.root,
            store: &store,
            variable: &*project.variable,
            policy: &project.policy,
            advisories: &|registry| known.and_then(|known| known.get(registry)),
            credential: &|_| None,
        };
        let specs = surroundings.specs(&with_dependencies(&lock, lock.plugins.values()))?;
        Ok(Self::new(options).load(specs)?)
    }
}

/// The version that a manifest's `[project] mfp` is held against: this crate's.
fn own_version() -> Version {
    env!("CARGO_PKG_VERSION").parse().expect("a crate's version is one")
}

fn read(path: &Path) -> Result<String, OpenError> {
    use io::Read as _;

    let fail = |source| OpenError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    std::fs::File::open(path).map_err(fail)?.take(MAX_TEXT).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}
