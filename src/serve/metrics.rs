//! How are the plugins doing, in numbers? What `GET /metrics` tells a Prometheus.
//!
//! Labels are names of loaded plugins, our own codes and reasons: nothing that a request says becomes one, so that nobody
//! can make the numbers grow without end.

use std::sync::atomic::Ordering;

use mfp_model::name::PluginName;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

type Labels<const N: usize> = [(&'static str, String); N];

/// Upper bounds in seconds: from a small template call to the longest that any may take.
const BUCKETS: [f64; 14] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// All numbers of a server.
pub(crate) struct Metrics {
    registry: Registry,
    calls: Family<Labels<1>, Counter>,
    errors: Family<Labels<2>, Counter>,
    seconds: Family<Labels<1>, Histogram, fn() -> Histogram>,
    memory_peak: Family<Labels<1>, Gauge>,
    in_flight: Family<Labels<1>, Gauge>,
    refused: Family<Labels<1>, Counter>,
    reloads: Family<Labels<1>, Counter>,
    connections: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("mfp");
        let metrics = Self {
            calls: Family::default(),
            errors: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            memory_peak: Family::default(),
            in_flight: Family::default(),
            refused: Family::default(),
            reloads: Family::default(),
            connections: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("calls", "Calls that a plugin was asked to answer", metrics.calls.clone());
        registry.register("call_errors", "Calls without an answer, by code", metrics.errors.clone());
        registry.register_with_unit("call_duration", "How long calls took", Unit::Seconds, metrics.seconds.clone());
        registry.register_with_unit("memory_peak", "The most memory that a call of a plugin had", Unit::Bytes, metrics.memory_peak.clone());
        registry.register("calls_in_flight", "Calls that run now", metrics.in_flight.clone());
        registry.register("requests_refused", "Requests that reached no plugin, by reason", metrics.refused.clone());
        registry.register("reloads", "Times that plugins were loaded again, by outcome", metrics.reloads.clone());
        registry.register("connections", "Connections that are open", metrics.connections.clone());
        Self { registry, ..metrics }
    }

    /// The numbers of a plugin. Asking for them makes them: a plugin that was never called has zeros.
    pub(crate) fn of(&self, plugin: &PluginName) -> PluginMetrics {
        let labels = [("plugin", plugin.to_string())];
        PluginMetrics {
            calls: self.calls.get_or_create_owned(&labels),
            seconds: self.seconds.get_or_create_owned(&labels),
            memory_peak: self.memory_peak.get_or_create_owned(&labels),
            in_flight: self.in_flight.get_or_create_owned(&labels),
        }
    }

    /// A call of this plugin ended with this code.
    pub(crate) fn error(&self, plugin: &PluginName, code: &'static str) {
        self.errors.get_or_create(&[("plugin", plugin.to_string()), ("code", code.to_owned())]).inc();
    }

    /// A request reached no plugin.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&[("reason", reason.to_owned())]).inc();
    }

    /// Plugins were loaded again, or couldn't be.
    pub(crate) fn reloaded(&self, worked: bool) {
        self.reloads.get_or_create(&[("outcome", if worked { "loaded" } else { "failed" }.to_owned())]).inc();
    }

    /// Connections that are open; whoever has one counts it.
    pub(crate) fn connections(&self) -> &Gauge {
        &self.connections
    }

    /// In the text format of `OpenMetrics`.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("a string takes text");
        text
    }
}

/// The numbers of one plugin.
#[derive(Debug)]
pub(crate) struct PluginMetrics {
    calls: Counter,
    seconds: Histogram,
    memory_peak: Gauge,
    in_flight: Gauge,
}

impl PluginMetrics {
    /// A call begins; it's in flight until this is dropped.
    pub(crate) fn begin(&self) -> InFlight {
        self.calls.inc();
        InFlight::new(&self.in_flight)
    }

    /// A call took this long and had this much memory.
    pub(crate) fn observe(&self, trace: &mfp_loader::Trace) {
        self.seconds.observe(trace.wall.as_secs_f64());
        self.memory_peak.inner().fetch_max(i64::try_from(trace.memory_peak).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

/// One that's counted while it lives.
#[derive(Debug)]
pub(crate) struct InFlight(Gauge);

impl InFlight {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
