//! What is served now? The plugins of one lock, and how they become those of the next.
//!
//! A [`Served`] never changes. A request takes the current one and keeps it to its end, so that a new lock drops no call:
//! what's in flight ends in the plugins that it began in, and what comes later is answered by the new ones.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use mfp_loader::{Health, Plugins};
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
        json!({ "plugins": self.entries.values().map(|entry| self.listed(entry)).collect::<Vec<_>>() })
    }
}

impl Served {
    fn listed(&self, entry: &Entry) -> Value {
        let Entry { name, version, types, capabilities, .. } = entry;
        let state = match self.plugins.health(name) {
            None | Some(Health::Healthy) => "ready",
            Some(Health::Unknown) => "unknown",
            Some(Health::Unhealthy { .. }) => "unhealthy",
        };
        json!({ "name": name.as_str(), "version": version, "types": types, "capabilities": capabilities, "state": state })
    }

    /// What `GET /plugins/<name>/health` says, as MockForge's SDK does. A service is as it was when it was last looked at.
    pub(crate) fn health(&self, entry: &Entry) -> Value {
        let mut health = json!({ "status": "healthy", "plugin": entry.name.as_str(), "version": entry.version });
        match self.plugins.health(&entry.name) {
            None | Some(Health::Healthy) => {}
            Some(Health::Unknown) => health["status"] = "unknown".into(),
            Some(Health::Unhealthy { why, .. }) => {
                health["status"] = "unhealthy".into();
                health["error"] = why.into();
            }
        }
        health
    }

    /// Is it known that the plugin can't answer?
    pub(crate) fn is_unhealthy(&self, entry: &Entry) -> bool {
        matches!(self.plugins.health(&entry.name), Some(Health::Unhealthy { .. }))
    }
}

impl Entry {
    pub(crate) fn name(&self) -> &PluginName {
        &self.name
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
    pub(crate) fn replace(&self, served: Arc<Served>) {
        let old = std::mem::replace(&mut *self.served.write().unwrap_or_else(PoisonError::into_inner), served);
        *self.failed.write().unwrap_or_else(PoisonError::into_inner) = None;
        // Its plugins go with the last call that's in flight, not while others wait for the lock.
        drop(old);
    }

    /// Those of a new lock couldn't be loaded: the old ones stay, and `GET /health` says why.
    pub(crate) fn keep(&self, why: Error) {
        *self.failed.write().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    /// What `GET /health` says: the server answers, so it's 200, and `degraded` if the plugins aren't those of
    /// the lock or a service isn't well.
    pub(crate) fn health(&self) -> Value {
        let served = self.get();
        let failed = self.failed.read().unwrap_or_else(PoisonError::into_inner);
        let reload = failed.as_ref().map(|error| json!({ "code": error.code(), "message": error.message() }));
        let is_well = reload.is_none() && !served.entries.values().any(|entry| served.is_unhealthy(entry));
        json!({
            "status": if is_well { "healthy" } else { "degraded" },
            "version": env!("CARGO_PKG_VERSION"),
            "loaded": served.since.to_string(),
            "plugins": served.entries.values().map(|entry| served.health(entry)).collect::<Vec<_>>(),
            "reload_error": reload,
        })
    }
}
