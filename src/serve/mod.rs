//! How do locked plugins answer over HTTP? The server behind `mfp serve`.
//!
//! [`guard`] says who may come in, [`routes`] what's answered, [`served`] by which plugins, [`listener`] how connections
//! live and end, [`metrics`] how it goes, [`health`] how the services are, [`watch`] when the lock has changed, [`export`] how MockForge finds it all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::HeaderValue;
use mfp_loader::{Random, SystemRandom};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch as channel};

use crate::error::{Error, Result};
use crate::report::log::ServerLog;
use crate::serve::guard::Guard;
use crate::serve::metrics::Metrics;
use crate::serve::served::{Current, Served};

pub(crate) mod export;
pub(crate) mod guard;
mod health;
pub(crate) mod listener;
pub(crate) mod metrics;
mod routes;
pub(crate) mod served;
pub(crate) mod signals;
pub(crate) mod watch;

/// Stack of the threads that calls run on, in bytes: the guest's and the host's. It's only reserved.
const CALL_STACK: usize = 4 << 20;

/// Threads beside those for calls: services are looked at on them.
const HEALTH_CHECKS: usize = 4;

/// What a request or a call may take.
#[derive(Debug, Clone)]
pub(crate) struct ServeLimits {
    /// Bytes of a body.
    pub(crate) body: usize,
    /// The time for a head, and for a body.
    pub(crate) read: Duration,
    /// Calls at once, of all plugins together.
    pub(crate) calls: u32,
}

/// What every request gets to see.
pub(crate) struct Server {
    pub(crate) current: Current,
    pub(crate) guard: Guard,
    pub(crate) limits: ServeLimits,
    /// A place for each call that may run at once.
    pub(crate) calls: Arc<Semaphore>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: ServerLog,
    pub(crate) ids: Ids,
}

impl Server {
    pub(crate) fn new(served: Served, guard: Guard, limits: ServeLimits, metrics: Arc<Metrics>, log: ServerLog) -> Self {
        let calls = Arc::new(Semaphore::new(limits.calls as usize));
        Self { current: Current::new(served), guard, limits, calls, metrics, log, ids: Ids::new() }
    }
}

/// Names for requests that bring none: the same beginning for one run of the server, and a number.
pub(crate) struct Ids {
    run: String,
    next: AtomicU64,
}

impl Ids {
    fn new() -> Self {
        let mut bytes = [0; 4];
        // Without random numbers the names of two runs are alike, which is no harm.
        let _ = SystemRandom.fill(&mut bytes);
        Self { run: format!("{:08x}", u32::from_le_bytes(bytes)), next: AtomicU64::new(1) }
    }

    pub(crate) fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        HeaderValue::from_str(&format!("{}-{number}", self.run)).expect("hexadecimal digits are a header's value")
    }
}

/// A server that runs, on threads of its own.
pub(crate) struct Running {
    runtime: Runtime,
    stop: channel::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
    pub(crate) address: SocketAddr,
}

impl Running {
    /// Threads for a server: a few that wait for the network, and one for each call that may run.
    pub(crate) fn runtime(limits: &ServeLimits) -> Result<Runtime> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_name("mfp-serve")
            .thread_stack_size(CALL_STACK)
            .max_blocking_threads(limits.calls as usize + HEALTH_CHECKS)
            .build();
        runtime.map_err(|error| Error::new("mfp::io::runtime", format!("the asynchronous runtime can't start: {error}")))
    }

    /// Begin to accept.
    pub(crate) fn start(runtime: Runtime, listener: std::net::TcpListener, server: &Arc<Server>) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = channel::channel(false);
        let entered = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let router = routes::router(Arc::clone(server));
        health::look_after(runtime.handle(), &server.current.get());
        let serving = runtime.spawn(listener::serve(listener, router, Arc::clone(server), stopped));
        drop(entered);
        Ok(Self { runtime, stop, serving, address })
    }

    /// Plugins are served in place of others.
    pub(crate) fn look_after(&self, served: &Arc<Served>) {
        health::look_after(self.runtime.handle(), served);
    }

    /// Accept nothing more, and close what waits for a request.
    pub(crate) fn drain(&self) {
        self.stop.send_replace(true);
    }

    /// Have all connections ended?
    pub(crate) fn is_drained(&self) -> bool {
        self.serving.is_finished()
    }

    /// End, whatever still runs.
    pub(crate) fn end(self) {
        self.runtime.shutdown_background();
    }
}
