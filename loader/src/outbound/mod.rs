//! How do requests leave the sandbox? One way out, for plugins that were approved to use it and for calls of services.
//!
//! Every rule is held here, whoever asks: which hosts ([`rules`]), which addresses ([`network`]), how much and for how long,
//! and that nothing is followed, decompressed, remembered or sent by way of a proxy. Nothing exists until the first
//! request: no thread, no client, no TLS roots.

mod cache;
mod error;
mod network;
mod roots;
pub(crate) mod rules;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::Method;
use mfp_model::address::OutOfReach;
use mfp_model::capability::Capabilities;
use reqwest::{Client, Response};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;
use url::Url;

pub(crate) use self::error::HttpError;
pub(crate) use self::network::Who;
pub use self::network::{Network, SystemNetwork};
use self::network::{Resolver, root_cause};
pub use self::roots::{Roots, RootsError};
use self::rules::{Asked, Checked, MAX_BODY, Received};
use crate::options::LoaderOptions;

/// How long a plugin's request may take, from its first byte to the last one of its answer, and waiting for its turn.
pub(crate) const TIME: Duration = Duration::from_secs(5);
/// How many requests of one plugin are on their way at once; more wait.
const AT_ONCE: usize = 4;
/// A connection that hasn't been used for this long is closed: before the other side does, which would be noticed too late.
const IDLE: Duration = Duration::from_secs(3);

/// The way out. Made empty; what it needs is made when it's first needed.
pub(crate) struct Outbound {
    options: Arc<LoaderOptions>,
    runtime: OnceLock<Result<Runtime, String>>,
    clients: Mutex<Vec<(ClientKind, Client)>>,
}

/// Clients share no connections: one that may go further than another has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ClientKind {
    who: Who,
    /// With TLS, whose roots take a while to be read.
    secure: bool,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Outbound").finish_non_exhaustive()
    }
}

impl Outbound {
    pub(crate) fn new(options: Arc<LoaderOptions>) -> Self {
        Self { options, runtime: OnceLock::new(), clients: Mutex::default() }
    }

    fn runtime(&self) -> Result<&Runtime, String> {
        let runtime = self.runtime.get_or_init(|| {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            let built = builder.worker_threads(1).thread_name("mfp-http").enable_io().enable_time().build();
            built.map_err(|error| error.to_string())
        });
        runtime.as_ref().map_err(Clone::clone)
    }

    /// Work on the way out's own threads, while this one waits: may be asked from any thread.
    fn wait<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, String> {
        let (done, answer) = std::sync::mpsc::sync_channel(1);
        self.runtime()?.spawn(async move {
            let _ = done.send(work.await);
        });
        answer.recv().map_err(|_| "a request was given up".to_owned())
    }

    /// The clock of the loader's options, in milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.options.clock.now_ms()
    }

    /// Send a request and take its answer, of which the body has at most `most` bytes. Blocks until `until` at most.
    pub(crate) fn exchange(&self, who: Who, request: Checked, until: Instant, most: usize) -> Result<Received, Failure> {
        let client = self.client(who, &request.url).map_err(Failure::Host)?;
        self.wait(exchange(client, request, until, most)).map_err(Failure::Host)?
    }

    fn client(&self, who: Who, url: &Url) -> Result<Client, String> {
        if !self.options.network.is_online() {
            return Err("this machine is to stay offline".to_owned());
        }
        let kind = ClientKind { who, secure: url.scheme() == "https" };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(made, _)| *made == kind) {
            return Ok(client.clone());
        }
        let client = self.build(kind).map_err(|error| root_cause(&error))?;
        clients.push((kind, client.clone()));
        Ok(client)
    }

    /// Nothing is decompressed and no cookie is kept since this crate's `reqwest` is built without either.
    fn build(&self, kind: ClientKind) -> reqwest::Result<Client> {
        let resolver = Resolver { who: kind.who, network: Arc::clone(&self.options.network) };
        let mut builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .dns_resolver(resolver);
        if !kind.secure {
            builder = builder.tls_certs_only([]);
        } else if !self.options.roots.is_empty() {
            builder = builder.tls_certs_merge(self.options.roots.certificates());
        }
        builder.build()
    }
}

impl Drop for Outbound {
    /// Without waiting, which isn't allowed everywhere: nobody is left who waits for an answer.
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One plugin's access to the network: where it may go, and what it has on its way.
#[derive(Debug)]
pub(crate) struct Access {
    outbound: Arc<Outbound>,
    capabilities: Capabilities,
    turns: Arc<Semaphore>,
    cache: Mutex<cache::Cache>,
}

impl Access {
    /// For a plugin with these effective capabilities; `None` if they have no host.
    pub(crate) fn new(outbound: &Arc<Outbound>, capabilities: &Capabilities) -> Option<Self> {
        (!capabilities.http.is_empty()).then(|| Self {
            outbound: Arc::clone(outbound),
            capabilities: capabilities.clone(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            cache: Mutex::default(),
        })
    }

    /// Send a plugin's request, if it may be sent, and give its answer, whatever its status. Blocks until `until` at most,
    /// and never longer than [`TIME`].
    pub(crate) fn ask(&self, asked: Asked<'_>, until: Instant) -> Result<Received, HttpError> {
        let request = rules::check(asked, &self.capabilities)?;
        let key = cache::key(&request);
        if let Some(answer) = key.as_ref().and_then(|key| self.cache().get(key, self.outbound.now_ms())) {
            return Ok(answer);
        }
        let answer = self.send(&request, until.min(Instant::now() + TIME))?;
        match key {
            Some(key) => self.cache().put(key, &request, &answer, self.outbound.now_ms()),
            None if is_unsafe(&request.method) => self.cache().forget(request.url.as_str()),
            None => {}
        }
        Ok(answer)
    }

    fn send(&self, request: &Checked, until: Instant) -> Result<Received, HttpError> {
        let client = self.outbound.client(Who::Plugin, &request.url).map_err(HttpError::Host)?;
        let (turns, request, url) = (Arc::clone(&self.turns), request.clone(), request.url.clone());
        let work = async move {
            let turn = timeout_at(until.into(), turns.acquire()).await.map_err(|_| HttpError::Busy(AT_ONCE))?;
            let _turn = turn.expect("the semaphore is never closed");
            exchange(client, request, until, MAX_BODY).await.map_err(|failure| for_plugin(failure, &url))
        };
        let answer = self.outbound.wait(work).map_err(HttpError::Host)??;
        Ok(Received { headers: rules::received(answer.headers)?, ..answer })
    }

    fn cache(&self) -> std::sync::MutexGuard<'_, cache::Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does it change something at its server? Then what's remembered of it isn't true any more.
fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Why there's no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The name leads to addresses only that mustn't be connected to.
    OutOfReach,
    /// There's no connection: nothing was sent.
    Connect(String),
    /// The connection broke, or what came isn't HTTP. Something may have been sent.
    Broken(String),
    /// It took too long.
    Timeout,
    /// The body has at least this many bytes.
    TooLarge(usize),
    /// This machine can't make requests.
    Host(String),
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        match () {
            () if OutOfReach::is_behind(&error) => Self::OutOfReach,
            () if error.is_connect() => Self::Connect(root_cause(&error)),
            () => Self::Broken(root_cause(&error)),
        }
    }
}

async fn exchange(client: Client, request: Checked, until: Instant, most: usize) -> Result<Received, Failure> {
    let sending = client.request(request.method, request.url).headers(request.headers).body(request.body);
    let whole = async {
        let response = sending.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok(Received { status, headers, body: read(response, most).await? })
    };
    timeout_at(until.into(), whole).await.unwrap_or(Err(Failure::Timeout))
}

/// A body of at most `most` bytes, counted as it comes.
async fn read(mut response: Response, most: usize) -> Result<Bytes, Failure> {
    let promised = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
    if promised > most {
        return Err(Failure::TooLarge(promised));
    }
    let mut body = BytesMut::with_capacity(promised);
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(Failure::TooLarge(body.len() + chunk.len()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A plugin is told no more than it must know: not what the operating system says about hosts.
fn for_plugin(failure: Failure, url: &Url) -> HttpError {
    let origin = || url.origin().ascii_serialization();
    match failure {
        Failure::OutOfReach => HttpError::Address { host: url.host_str().unwrap_or_default().to_owned() },
        Failure::Connect(_) => HttpError::Connect(origin()),
        Failure::Broken(_) => HttpError::Broken(origin()),
        Failure::Timeout => HttpError::Timeout(origin()),
        Failure::TooLarge(found) => HttpError::TooLarge { what: "the response's body", found, limit: MAX_BODY },
        Failure::Host(reason) => HttpError::Host(reason),
    }
}
