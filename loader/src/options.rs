//! What does the sandbox get from outside? The clock, random numbers, names of hosts, somewhere for logs to go, a folder, and
//! limits.
//!
//! The crate asks nobody else: no environment, no wall clock, no global logger. (Deadlines are measured with the
//! monotonic clock, which tells no plugin anything.)

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use mfp_model::name::PluginName;

use crate::limits::Limits;
use crate::outbound::{Network, Roots, SystemNetwork};

/// The wall clock that plugins see.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC. Plugins get no finer one.
    fn now_ms(&self) -> i64;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the wall clock, for hosts that want this one")]
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The random numbers that plugins see.
pub trait Random: Send + Sync {
    /// Fill all of `out`. At most 64 KiB at once.
    fn fill(&self, out: &mut [u8]) -> io::Result<()>;
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        getrandom::fill(out).map_err(|error| io::Error::other(error.to_string()))
    }
}

/// How much a plugin thinks its log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Finest.
    Trace,
    /// For the plugin's author.
    Debug,
    /// Worth knowing; what an unknown level counts as.
    Info,
    /// Somebody should look.
    Warn,
    /// Something failed.
    Error,
}

/// A line that a plugin logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Who.
    pub plugin: PluginName,
    /// In which call (`start` while it's being instantiated).
    pub function: &'static str,
    /// How much it matters.
    pub level: LogLevel,
    /// The words. Foreign text: a terminal needs it stripped.
    pub text: String,
}

/// Where log lines go.
pub trait LogSink: Send + Sync {
    /// Take a line. Called on the thread of the call, while it waits.
    fn log(&self, line: LogLine);
}

/// Drops every line.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLog;

impl LogSink for NoLog {
    fn log(&self, _: LogLine) {}
}

/// Where instances get their memory from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// Mapped for each instance: nothing is paid beforehand. For one call or a few.
    OnDemand,
    /// A pool of slots, made with the engine, that are reset by dropping the pages that were written. For many calls.
    Pool {
        /// How many instances there can be at once, of all plugins together, nested calls included. One more is
        /// [`crate::StopKind::Host`]. Each reserves 4 GiB of *address space* (no memory).
        instances: u32,
    },
}

/// What ends a guest that goes on for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Metering {
    /// The time that it has, as [`Limits`] says.
    #[default]
    Time,
    /// What it has done: so many steps for each millisecond that it would have had ([`FUEL_A_MILLI`]), the same in each run and on
    /// each machine. Time still ends it, after a minute. Floating-point numbers that are none have one form, and a component's
    /// monotonic clock goes on by a millisecond with each look. A quarter slower.
    Fuel,
}

/// The steps for a millisecond: a little more than a machine of today does, so that what's stopped here is stopped there.
pub const FUEL_A_MILLI: u64 = 2_000_000;

/// What compiles plugins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Compiler {
    /// A thread of this process. It's given up after [`Limits::compile`], but not killed, and its memory isn't limited: what looks
    /// like much work for its size is refused instead.
    #[default]
    InProcess,
    /// A process of its own, limited by the system and killed in time: this program, with these arguments and more after
    /// them, which hands them to [`crate::compile_child`] when the first is [`crate::COMPILE_ARG`].
    Command {
        /// The program.
        program: PathBuf,
        /// What comes before [`crate::COMPILE_ARG`]; usually nothing.
        args: Vec<OsString>,
        /// All of its environment. For an allocator that has to be told not to take more than it needs beforehand: what's
        /// reserved and writable counts.
        env: Vec<(OsString, OsString)>,
    },
}

/// All that a [`crate::Loader`] is made of.
pub struct LoaderOptions {
    /// The folder for compiled code, private to this user; it's made if it isn't there. `None`: every load compiles.
    pub aot_cache: Option<PathBuf>,
    /// The limits of core modules; beyond [`Limits::HARD_CAPS`] they count as those.
    pub limits: Limits,
    /// The limits of components; the same.
    pub component_limits: Limits,
    /// What compiles plugins.
    pub compiler: Compiler,
    /// Where instances get their memory from.
    pub allocation: Allocation,
    /// What ends a guest that goes on for too long.
    pub metering: Metering,
    /// The wall clock that plugins see.
    pub clock: Box<dyn Clock>,
    /// The random numbers that plugins see.
    pub random: Box<dyn Random>,
    /// Where their log goes.
    pub log: Box<dyn LogSink>,
    /// How names of hosts become addresses, for plugins that may send requests and for services.
    pub network: Arc<dyn Network>,
    /// Authorities that are trusted beside the system's, when plugins send requests and services are asked over https.
    pub roots: Roots,
}

impl LoaderOptions {
    /// The default limits, no cache, memory on demand, nothing logged, the system's network, and this clock and these random numbers.
    pub fn new(clock: impl Clock + 'static, random: impl Random + 'static) -> Self {
        Self {
            aot_cache: None,
            limits: Limits::CORE_MODULE,
            component_limits: Limits::COMPONENT,
            compiler: Compiler::InProcess,
            allocation: Allocation::OnDemand,
            metering: Metering::Time,
            clock: Box::new(clock),
            random: Box::new(random),
            log: Box::new(NoLog),
            network: Arc::new(SystemNetwork),
            roots: Roots::default(),
        }
    }
}

impl fmt::Debug for LoaderOptions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { aot_cache, limits, component_limits, compiler, allocation, metering, .. } = self;
        out.debug_struct("LoaderOptions")
            .field("aot_cache", aot_cache)
            .field("limits", limits)
            .field("component_limits", component_limits)
            .field("compiler", compiler)
            .field("allocation", allocation)
            .field("metering", metering)
            .finish_non_exhaustive()
    }
}
