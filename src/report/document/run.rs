//! What `run` and `serve` print with `--json`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// `run`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RunDocument {
    /// The plugin's answer; with --bench the last one.
    pub(crate) result: Value,
    /// `--bench`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bench: Option<BenchDocument>,
    /// `--trace`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trace: Option<TraceDocument>,
}

impl RunDocument {
    /// An answer and nothing else.
    pub(crate) fn of(result: Value) -> Self {
        Self { result, bench: None, trace: None }
    }
}

/// How long many calls took, one after the other. Times are in microseconds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BenchDocument {
    pub(crate) calls: usize,
    /// Calls before, that don't count.
    pub(crate) warm_up: u32,
    pub(crate) calls_per_second: f64,
    pub(crate) p50_us: f64,
    pub(crate) p90_us: f64,
    pub(crate) p99_us: f64,
    pub(crate) max_us: f64,
}

/// What one call did and cost. Times are in microseconds.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TraceDocument {
    /// From the request to the answer.
    pub(crate) wall_us: f64,
    /// Making and starting the instance.
    pub(crate) start_us: f64,
    /// What's left of the wall time without the start and the host's work.
    pub(crate) guest_us: f64,
    /// What the host did for the plugin, other plugins that it called included.
    pub(crate) host_us: f64,
    /// Ticks of 10 ms that were seen while the plugin's code ran: what its time limit counts.
    pub(crate) ticks: u64,
    /// The most linear memory that it had.
    pub(crate) memory_peak_bytes: u64,
    /// Where its code came from: `compiled` now, the `cache`, or `remote`.
    pub(crate) code: &'static str,
    /// What it asked of the host, in order; of very many the first.
    pub(crate) host_calls: Vec<HostCallDocument>,
    /// How many more there were.
    pub(crate) more_host_calls: u64,
}

/// One thing that a plugin asked of the host.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HostCallDocument {
    /// The host's function.
    pub(crate) name: String,
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
    pub(crate) time_us: f64,
}

/// `serve`: printed when the server answers, as the first and only line.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ServeDocument {
    /// Where it answers: `http://127.0.0.1:7070`. With port 0, the one that was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    /// What `GET /plugins` lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugins: Option<Value>,
    /// `--export`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export: Option<String>,
}
