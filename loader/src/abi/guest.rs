//! What does the host know of a guest while it runs? Whose it is, what it has left of time and log, and what it was refused.
//!
//! Time is counted twice. *Guest time*: ticks that were seen while guest code ran; a tick that passes in a host function
//! counts once at most. *Wall time*: a deadline on the monotonic clock, which is as long, and by the time of one HTTP
//! request longer where those are granted. Either ends the call; a nested call gets no more of both than its caller has
//! left.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, Store, UpdateDeadline};

use super::inspect::MAX_TABLES;
use crate::call::Call;
use crate::error::StopKind;
use crate::limits::Limits;
use crate::options::{FUEL_A_MILLI, Metering};
use crate::outbound;
use crate::package::Package;
use crate::ticker::TICK;
use crate::trace::{Recorder, Timed};

/// The deepest chain of plugins that call one another, the first one included.
pub(crate) const MAX_DEPTH: u8 = 8;

/// What's left for a call and all that's called inside it. Counted down; a nested call goes on with it.
#[derive(Debug, Clone)]
pub(crate) struct Allowance {
    /// Guest time that's left, in ticks.
    pub(crate) ticks: u64,
    /// When the wall time is over.
    pub(crate) ends: Instant,
    /// Bytes of log that are left.
    pub(crate) log: usize,
    /// How many plugins are calling one another, this one included.
    pub(crate) depth: u8,
    /// Takes down what happens, if somebody wants to know.
    pub(crate) recorder: Option<Arc<Recorder>>,
}

impl Allowance {
    /// For a call from outside: no more than the plugin's own limits, phase by phase.
    pub(crate) fn root(log: usize) -> Self {
        Self { ticks: u64::MAX, ends: Instant::now() + LONGEST, log, depth: 1, recorder: None }
    }
}

/// Beyond any limit.
const LONGEST: Duration = Duration::from_hours(1);
/// No call takes longer than this by the wall clock.
const LONGEST_CALL: Duration = Duration::from_mins(1);

/// The steps of this time.
fn fuel(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).saturating_mul(FUEL_A_MILLI)
}

/// Whole ticks, and one more since the first may come at once.
fn ticks(limit: Duration) -> u64 {
    u64::try_from(limit.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// A rule that host code stopped the guest for. Travels through wasmtime as an error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Halt(pub(crate) StopKind);

/// What a store holds for the host functions.
pub(crate) struct Guest {
    pub(crate) plugin: Arc<Package>,
    /// What's left for all of this, the caller's share included.
    pub(crate) outer: Allowance,
    /// When it was made.
    made: Instant,
    /// The call that's being answered; `None` while it's being started.
    call: Option<Call>,
    /// The limit of the phase that runs now: the start, then the call.
    limit: Duration,
    /// How long the phase may take by the wall clock.
    wall: Duration,
    /// Guest time that's left of the phase.
    ticks: u64,
    /// When the phase's wall time is over.
    ends: Instant,
    pub(crate) meter: Meter,
    /// The steps that it has for its start and its call together, where they're counted.
    pub(crate) fuel: Option<u64>,
}

impl Guest {
    /// A guest that's about to be started.
    pub(crate) fn new(plugin: Arc<Package>, outer: Allowance) -> Self {
        let metering = plugin.options.metering;
        let limit = if metering == Metering::Fuel { LONGEST_CALL } else { plugin.limits.start };
        let fuel = (metering == Metering::Fuel).then(|| fuel(plugin.limits.start));
        let meter = Meter::new(&plugin.limits);
        let now = Instant::now();
        let ends = outer.ends.min(now + limit);
        Self { plugin, outer, made: now, call: None, limit, wall: limit, ticks: ticks(limit), ends, meter, fuel }
    }

    /// It has been started; from now on it answers `call`.
    pub(crate) fn begin(&mut self, call: &Call) {
        self.limit = if self.fuel.is_some() { LONGEST_CALL } else { self.plugin.limits.time_of(call) };
        let waiting = if self.plugin.http.is_some() { outbound::TIME } else { Duration::ZERO };
        self.wall = (self.limit + waiting).min(LONGEST_CALL);
        self.ticks = ticks(self.limit);
        let now = Instant::now();
        self.ends = self.outer.ends.min(now + self.wall);
        if let Some(recorder) = &self.outer.recorder {
            recorder.started(now.duration_since(self.made));
        }
        self.call = Some(call.clone());
    }

    /// More steps, for the call that begins now.
    pub(crate) fn refuel(&mut self, call: &Call, left: u64) -> u64 {
        let more = fuel(self.plugin.limits.time_of(call));
        self.fuel = self.fuel.map(|fuel| fuel.saturating_add(more));
        left.saturating_add(more)
    }

    /// It has this many steps left of all that it had.
    pub(crate) fn took_all_but(&self, left: u64) {
        if let (Some(recorder), Some(fuel)) = (&self.outer.recorder, self.fuel) {
            recorder.fuel(fuel.saturating_sub(left));
        }
    }

    /// When the wall time of the phase that runs now is over, and the limit that this comes from.
    pub(crate) fn deadline(&self) -> (Instant, Duration) {
        (self.ends, self.wall)
    }

    /// It's done, however that was: what's left of its allowance.
    pub(crate) fn end(&self) -> Allowance {
        if let Some(recorder) = &self.outer.recorder {
            recorder.memory(self.meter.peak);
        }
        self.outer.clone()
    }

    /// It asks something of the host, with this many bytes.
    pub(crate) fn asks(&self, name: &'static str, sent: u32) -> Timed {
        Timed::new(self.outer.recorder.as_ref(), name, sent)
    }

    /// When the wall time of what runs now is over.
    pub(crate) fn ends(&self) -> Instant {
        self.ends
    }

    /// The call's name for logs and errors.
    pub(crate) fn function(&self) -> &'static str {
        self.call.as_ref().map_or("start", Call::name)
    }

    /// Whether it's being started, and has no call to answer yet.
    pub(crate) fn is_starting(&self) -> bool {
        self.call.is_none()
    }

    /// What a plugin that this one calls may use.
    pub(crate) fn for_nested(&self) -> Allowance {
        Allowance {
            ticks: self.outer.ticks.min(self.ticks),
            ends: self.ends,
            log: self.outer.log,
            depth: self.outer.depth + 1,
            recorder: None,
        }
    }

    /// Take over what a nested call left of `given`.
    pub(crate) fn after_nested(&mut self, given: &Allowance, left: &Allowance) {
        self.spend(given.ticks.saturating_sub(left.ticks));
        self.outer.log = left.log;
    }

    fn spend(&mut self, ticks: u64) {
        self.ticks = self.ticks.saturating_sub(ticks);
        self.outer.ticks = self.outer.ticks.saturating_sub(ticks);
    }

    /// An error if its time is over. To be asked where the host worked for the guest for long, too.
    pub(crate) fn check_time(&self) -> Result<(), Halt> {
        if self.ticks == 0 || self.outer.ticks == 0 {
            return Err(Halt(StopKind::Time(self.limit)));
        }
        if Instant::now() >= self.ends { Err(Halt(StopKind::Time(self.wall))) } else { Ok(()) }
    }
}

/// What a store holds for the host functions has a guest in it.
pub(crate) trait Guests: Send + 'static {
    fn guest(&mut self) -> &mut Guest;
}

impl Guests for Guest {
    fn guest(&mut self) -> &mut Guest {
        self
    }
}

/// Put the limits of the store's guest on the store. Nothing runs in it without.
pub(crate) fn put_under_limits<T: Guests>(store: &mut Store<T>) {
    store.limiter(|data| &mut data.guest().meter);
    store.epoch_deadline_callback(|mut context| {
        let guest = context.data_mut().guest();
        guest.spend(1);
        guest.check_time()?;
        Ok(UpdateDeadline::Continue(1))
    });
    store.set_epoch_deadline(1);
    if let Some(fuel) = store.data_mut().guest().fuel {
        // It's only refused where the engine doesn't count, and this one was made with the same options.
        let _ = store.set_fuel(fuel);
    }
}

/// From now on the store's guest answers a call, and has its steps where those are counted.
pub(crate) fn refuel<T: Guests>(store: &mut Store<T>, call: &Call) {
    if let (Some(_), Ok(left)) = (store.data_mut().guest().fuel, store.get_fuel()) {
        let fuel = store.data_mut().guest().refuel(call, left);
        let _ = store.set_fuel(fuel);
    }
}

/// Take down how many steps the store's guest took.
pub(crate) fn note_fuel<T: Guests>(store: &mut Store<T>) {
    if let (Some(_), Ok(left)) = (store.data_mut().guest().fuel, store.get_fuel()) {
        store.data_mut().guest().took_all_but(left);
    }
}

/// Says yes or no when a guest wants more memory or longer tables, and remembers a no.
#[derive(Debug)]
pub(crate) struct Meter {
    /// Bytes, of all memories together.
    memory: usize,
    memory_used: usize,
    /// The most memory that it had, in bytes.
    pub(crate) peak: usize,
    /// Of all tables together.
    elements: usize,
    elements_used: usize,
    /// Core instances, and as many memories.
    instances: usize,
    /// The last thing that it was refused: likely why it then gave up.
    pub(crate) refused: Option<StopKind>,
}

impl Meter {
    fn new(limits: &Limits) -> Self {
        let count = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        Self {
            memory: count(limits.memory_bytes),
            memory_used: 0,
            peak: 0,
            elements: count(limits.table_elements),
            elements_used: 0,
            instances: limits.instances as usize,
            refused: None,
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.memory_used.saturating_add(desired.saturating_sub(current));
        let fits = used <= self.memory;
        if fits {
            self.memory_used = used;
            self.peak = self.peak.max(used);
        } else {
            self.refused = Some(StopKind::Memory(self.memory as u64));
        }
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let used = self.elements_used.saturating_add(desired.saturating_sub(current));
        let fits = used <= self.elements;
        if fits {
            self.elements_used = used;
        } else {
            self.refused = Some(StopKind::Table(self.elements as u64));
        }
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.instances.saturating_mul(MAX_TABLES as usize)
    }

    fn memories(&self) -> usize {
        self.instances
    }
}
