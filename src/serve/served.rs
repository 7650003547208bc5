//! What is served now? The plugins of one lock, and how they become those of the next.
//!
//! A [`Served`] never changes. A request takes the current one and keeps it to its end, so that a new lock drops no call:
//! what's in flight ends in the plugins that it began in, and what comes later is answered by the new ones.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use mfp_loader::Plugins;
use mfp_model::lock::LockedPlugin;
use mfp_model::name::PluginName;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::serve::metrics::{Metrics, PluginMetrics};

/// Plugins that are loaded together.
pub(crate) struct Served {
    /// To be called.
    pub(crate) plugins: Plugins,
    entries: BTreeMap<PluginName, Entry>,
    since: Timestamp,
}

/// One plugin and what's counted of it.
pub(crate) struct Entry {
    name: PluginName,
    version: String,
    types: Vec<String>,
    capabilities: Value,
    /// A place for each call that may run at once.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) metrics: PluginMetrics,
}

impl Served {
    /// These plugins, as the lock has them.
    pub(crate) fn new(plugins: Plugins, locked: &[&LockedPlugin], metrics: &Metrics) -> Self {
        let entry = |plugin: &&LockedPlugin| {
            let places = plugins.info(&plugin.name).map_or(1, |info| info.limits.calls_at_once);
            let entry = Entry {
                name: plugin.name.clone(),
                version: plugin.version().map_or_else(String::new, ToString::to_string),
                types: plugin.types.iter().map(ToString::to_string).collect(),
                capabilities: serde_json::to_value(plugin.capabilities()).unwrap_or_default(),
                places: Arc::new(Semaphore::new(places as usize)),
                metrics: metrics.of(&plugin.name),
            };
            (plugin.name.clone(), entry)
        };
        let entries = locked.iter().map(entry).collect();
        Self { plugins, entries, since: crate::settings::now() }
    }

    /// The plugin of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.entries.len()
    }

    /// What `GET /plugins` says.
    pub(crate) fn list(&self) -> Value {
        json!({ "plugins": self.entries.values().map(Entry::listed).collect::<Vec<_>>() })
    }
}

impl Entry {
    pub(crate) fn name(&self) -> &PluginName {
        &self.name
    }

    fn listed(&self) -> Value {
        json!({ "name": self.name.as_str(), "version": self.version, "types": self.types, "capabilities": self.capabilities, "state": "ready" })
    }

    /// What `GET /plugins/<name>/health` says, as MockForge's SDK does.
    pub(crate) fn health(&self) -> Value {
        json!({ "status": "healthy", "plugin": self.name.as_str(), "version": self.version })
    }
}

/// The plugins that are served at this moment.
pub(crate) struct Current {
    served: RwLock<Arc<Served>>,
    failed: RwLock<Option<Error>>,
}

impl Current {
    pub(crate) fn new(served: Served) -> Self {
        Self { served: RwLock::new(Arc::new(served)), failed: RwLock::new(None) }
    }

    /// Those that a request which comes now is answered by.
    pub(crate) fn get(&self) -> Arc<Served> {
        Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these.
    pub(crate) fn replace(&self, served: Served) {
        let new = Arc::new(served);
        let old = std::mem::replace(&mut *self.served.write().unwrap_or_else(PoisonError::into_inner), new);
        *self.failed.write().unwrap_or_else(PoisonError::into_inner) = None;
        // Its plugins go with the last call that's in flight, not while others wait for the lock.
        drop(old);
    }

    /// Those of a new lock couldn't be loaded: the old ones stay, and `GET /health` says why.
    pub(crate) fn keep(&self, why: Error) {
        *self.failed.write().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What `GET /health` says: the server answers, so it's 200, and `degraded` if the plugins aren't those of the lock.
    pub(crate) fn health(&self) -> Value {
        let served = self.get();
        let failed = self.failed.read().unwrap_or_else(PoisonError::into_inner);
        let reload = failed.as_ref().map(|error| json!({ "code": error.code(), "message": error.message() }));
        json!({
            "status": if reload.is_none() { "healthy" } else { "degraded" },
            "version": env!("CARGO_PKG_VERSION"),
            "loaded": served.since.to_string(),
            "plugins": served.entries.values().map(Entry::health).collect::<Vec<_>>(),
            "reload_error": reload,
        })
    }
}
