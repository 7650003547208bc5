//! Is a service well? As it was when somebody last looked; who looks, and how often, is the caller's affair.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use mfp_model::name::PluginName;

use super::Service;
use crate::error::RemoteFailure;
use crate::plugins::Plugins;

/// What's known of a service's health.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Health {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// It answered `GET /health` with a 2xx when it was last asked.
    Healthy,
    /// It didn't.
    Unhealthy {
        /// Since when, in milliseconds since 1970-01-01 UTC.
        since_ms: i64,
        /// Why, as of the last look.
        why: String,
    },
}

impl Service {
    fn health(&self) -> Health {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn check_health(&self) -> Health {
        let until = Instant::now() + self.timeout;
        let failure = match self.send(Method::GET, "/health", Bytes::new(), until) {
            Ok(answer) if answer.status.is_success() => None,
            Ok(answer) => Some(RemoteFailure::Status(answer.status.as_u16())),
            Err(failure) => Some(self.failed(failure).failure),
        };
        let now = self.outbound.now_ms();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        *health = match (failure, &*health) {
            (None, _) => Health::Healthy,
            (Some(failure), Health::Unhealthy { since_ms, .. }) => Health::Unhealthy { since_ms: *since_ms, why: failure.to_string() },
            (Some(failure), _) => Health::Unhealthy { since_ms: now, why: failure.to_string() },
        };
        health.clone()
    }
}

/// The health of services. For a plugin that runs here, or that isn't loaded, there's none.
impl Plugins {
    /// As it was when [`Self::check_health`] last looked.
    pub fn health(&self, name: &PluginName) -> Option<Health> {
        self.service(name).map(Service::health)
    }

    /// Look now: `GET /health`. Blocks, at most for the service's time limit.
    pub fn check_health(&self, name: &PluginName) -> Option<Health> {
        self.service(name).map(Service::check_health)
    }

    /// How much time there's to be between two looks.
    pub fn health_interval(&self, name: &PluginName) -> Option<Duration> {
        self.service(name).map(|service| service.health_interval)
    }
}
