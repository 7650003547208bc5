//! How much of WASI 0.2 does a component get? What its language's runtime can't start without, and nothing of the machine's.
//!
//! Interfaces are linked whole, since runtimes import more than they use; what's behind them is empty: no variables, no
//! arguments, no input, no sockets, no names, no folder but the plugin's own. What's written to stdout and stderr goes to the
//! log. Clocks show milliseconds.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rand::rand_core::{Infallible, TryRng};
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::MAX_HANDLES;
use super::http::Http;
use crate::abi::guest::{Allowance, Guest, Guests};
use crate::call::Call;
use crate::options::{LogLevel, LogLine, Metering};
use crate::package::Package;

/// The most random bytes that WASI gives at once.
const MAX_RANDOM: u64 = 64 << 10;
/// The longest line of output that's logged as one, in bytes.
const MAX_LINE: usize = 4096;

/// What a component's store holds for the host functions.
pub(crate) struct State {
    pub(crate) guest: Guest,
    pub(super) table: ResourceTable,
    pub(super) http: Http,
    /// Made when it's first asked for: many components never do.
    wasi: Option<WasiCtx>,
    output: Output,
}

impl State {
    /// For a component that's about to be started.
    pub(crate) fn new(package: Arc<Package>, outer: Allowance) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let output = Output::new(Arc::clone(&package), outer.log);
        let http = Http::new(Arc::clone(&package));
        Self { guest: Guest::new(package, outer), table, http, wasi: None, output }
    }

    /// It has been started; from now on it answers `call`.
    pub(crate) fn begin(&mut self, call: &Call) {
        self.guest.begin(call);
        self.output.lock().function = call.name();
    }

    /// Write a line to the log, as far as the call's share goes.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        self.output.lock().line(level, text);
    }

    /// It's done, however that was: what's left of its allowance.
    pub(crate) fn end(&mut self) -> Allowance {
        self.output.lock().flush();
        self.guest.outer.log = self.output.lock().left;
        self.guest.end()
    }

    /// Do something with the guest that may use its log.
    pub(crate) fn with_log<T>(&mut self, work: impl FnOnce(&mut Guest) -> T) -> T {
        self.guest.outer.log = self.output.lock().left;
        let done = work(&mut self.guest);
        self.output.lock().left = self.guest.outer.log;
        done
    }
}

impl Guests for State {
    fn guest(&mut self) -> &mut Guest {
        &mut self.guest
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Self { guest, table, wasi, output, .. } = self;
        let ctx = wasi.get_or_insert_with(|| context(&guest.plugin, output));
        WasiCtxView { ctx, table }
    }
}

/// Link WASI.
pub(crate) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)
}

fn context(package: &Arc<Package>, output: &Output) -> WasiCtx {
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(Stream { output: output.clone(), level: LogLevel::Info })
        .stderr(Stream { output: output.clone(), level: LogLevel::Warn })
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .max_random_size(MAX_RANDOM)
        .secure_random(Numbers(Arc::clone(package)))
        .insecure_random(Numbers(Arc::clone(package)))
        .wall_clock(Wall(Arc::clone(package)))
        .monotonic_clock(Monotonic::new(package.options.metering));
    for folder in &package.folders.folders {
        let allowed = if folder.writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        if let Err(error) = wasi.preopened_dir(folder.path(), &folder.name, allowed) {
            output.lock().line(LogLevel::Warn, &format!("`{}` can't be opened any more: {error}", folder.name));
        }
    }
    wasi.build()
}

/// The wall clock of the loader's options.
struct Wall(Arc<Package>);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.options.clock.now_ms().try_into().unwrap_or(0))
    }
}

/// Milliseconds since the call began, in nanoseconds.
enum Monotonic {
    Time(Instant),
    /// One more with each look: the same in each run, and who waits for a time in a loop finds it.
    Looks(AtomicU64),
}

impl Monotonic {
    fn new(metering: Metering) -> Self {
        match metering {
            Metering::Time => Self::Time(Instant::now()),
            Metering::Fuel => Self::Looks(AtomicU64::new(0)),
        }
    }

    fn millis(&self) -> u64 {
        match self {
            Self::Time(began) => u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            Self::Looks(looks) => looks.fetch_add(1, Ordering::Relaxed),
        }
    }
}

const NANOS_A_MILLI: u64 = 1_000_000;

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        NANOS_A_MILLI
    }

    fn now(&self) -> u64 {
        self.millis().saturating_mul(NANOS_A_MILLI)
    }
}

/// The random numbers of the loader's options.
struct Numbers(Arc<Package>);

impl TryRng for Numbers {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        self.0.options.random.fill(out).expect("random numbers that fail can't be told to WASI, whose functions never do");
        Ok(())
    }
}

/// Where a call's output goes, and how much more of it may come.
#[derive(Clone)]
struct Output(Arc<Mutex<Lines>>);

struct Lines {
    package: Arc<Package>,
    function: &'static str,
    left: usize,
    /// The unfinished lines of stdout and stderr.
    unfinished: [(LogLevel, Vec<u8>); 2],
}

impl Output {
    fn new(package: Arc<Package>, left: usize) -> Self {
        let unfinished = [(LogLevel::Info, Vec::new()), (LogLevel::Warn, Vec::new())];
        Self(Arc::new(Mutex::new(Lines { package, function: "start", left, unfinished })))
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn line(&mut self, level: LogLevel, text: &str) {
        let Some(left) = self.left.checked_sub(text.len()) else {
            self.left = 0;
            return;
        };
        self.left = left;
        let line = LogLine { plugin: self.package.name.clone(), function: self.function, level, text: text.to_owned() };
        self.package.options.log.log(line);
    }

    fn write(&mut self, level: LogLevel, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let finished = part.ends_with(b"\n");
            let unfinished = self.unfinished(level);
            let room = MAX_LINE.saturating_sub(unfinished.len());
            unfinished.extend_from_slice(&part[..part.len().min(room)]);
            if finished {
                self.end_line(level);
            }
        }
    }

    fn unfinished(&mut self, level: LogLevel) -> &mut Vec<u8> {
        let at = usize::from(self.unfinished[0].0 != level);
        &mut self.unfinished[at].1
    }

    fn end_line(&mut self, level: LogLevel) {
        let bytes = std::mem::take(self.unfinished(level));
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            self.line(level, text);
        }
    }

    fn flush(&mut self) {
        self.end_line(LogLevel::Info);
        self.end_line(LogLevel::Warn);
    }
}

/// Stdout or stderr.
#[derive(Clone)]
struct Stream {
    output: Output,
    level: LogLevel,
}

impl IsTerminal for Stream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.output.lock().write(self.level, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
