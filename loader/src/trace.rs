//! What did a call do, and what did it cost? Recorded for those who ask; without a recorder nothing is measured.
//!
//! It's about the plugin that was called from outside. A plugin that it calls in turn is one host call of it: its name, its
//! sizes and its time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The most host calls that are kept one by one. A guest can make millions.
const MAX_HOST_CALLS: usize = 256;

/// What a call did and cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// From the request to the answer or the error, waiting for a free instance included.
    pub wall: Duration,
    /// Making the instance and starting it.
    pub start: Duration,
    /// Ticks of 10 ms that were seen while guest code ran: what the time limit counts.
    pub ticks: u64,
    /// The steps that it took, its start included, where those are counted: see [`crate::Metering`].
    pub fuel: Option<u64>,
    /// The most linear memory that it had, in bytes.
    pub memory_peak: u64,
    /// What it asked of the host, in order; of very many the first.
    pub host_calls: Vec<HostCall>,
    /// How many host calls more there were.
    pub more_host_calls: u64,
    /// How long all host calls took together.
    pub host_time: Duration,
}

/// One thing that a plugin asked of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCall {
    /// Which function: `log`, `config`, `now_ms`, `random`, `asset`, `call`, `http_request`.
    pub name: &'static str,
    /// How many bytes the plugin gave.
    pub sent: u64,
    /// How many bytes it got.
    pub received: u64,
    /// How long it took, a plugin that was called in turn included.
    pub time: Duration,
}

/// Takes down what happens in a call.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Trace>);

impl Recorder {
    fn change(&self, change: impl FnOnce(&mut Trace)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The instance runs.
    pub(crate) fn started(&self, start: Duration) {
        self.change(|trace| trace.start = start);
    }

    /// The instance is done, and had this much memory at most.
    pub(crate) fn memory(&self, peak: usize) {
        self.change(|trace| trace.memory_peak = peak as u64);
    }

    /// The instance took this many steps.
    pub(crate) fn fuel(&self, steps: u64) {
        self.change(|trace| trace.fuel = Some(steps));
    }

    /// What was taken down.
    pub(crate) fn trace(&self) -> Trace {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A host call that's being answered; it's taken down when this is dropped.
#[derive(Debug)]
pub(crate) struct Timed(Option<(Arc<Recorder>, HostCall, Instant)>);

impl Timed {
    /// The guest asks `name` with `sent` bytes.
    pub(crate) fn new(recorder: Option<&Arc<Recorder>>, name: &'static str, sent: u32) -> Self {
        let call = HostCall { name, sent: u64::from(sent), received: 0, time: Duration::ZERO };
        Self(recorder.map(|recorder| (Arc::clone(recorder), call, Instant::now())))
    }

    /// It's being given `bytes`.
    pub(crate) fn received(&mut self, bytes: usize) {
        if let Some((_, call, _)) = &mut self.0 {
            call.received = bytes as u64;
        }
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        let Some((recorder, call, began)) = self.0.take() else { return };
        let call = HostCall { time: began.elapsed(), ..call };
        recorder.change(|trace| {
            trace.host_time += call.time;
            if trace.host_calls.len() < MAX_HOST_CALLS {
                trace.host_calls.push(call);
            } else {
                trace.more_host_calls += 1;
            }
        });
    }
}
