//! How does mfp talk HTTP? One client for everything: deadlines, retries, redirects, size caps, credentials by origin.
//!
//! What it promises: no socket when offline; at most five redirects and never to another scheme; a credential goes to
//! its own origin only, on every hop; what can succeed later is tried again (connect, time-outs, 5xx, 429), nothing else
//! is; nothing larger than its cap is kept; a download that breaks goes on where it stopped, if the server can prove
//! that it's still the same file. No body is ever printed.
//!
//! Redirects are followed here and not by reqwest, since each hop needs its own credentials and checks.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use mfp_loader::Roots;
use mfp_model::address::{OutOfReach, Reach};
use mfp_model::source::Redacted;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use tokio::sync::Semaphore;
use url::Url;

use crate::error::{Error, Exit, Result};
use crate::settings::{Proxies, Settings};
use crate::sources::credentials::{Credentials, is_private_talk};
use crate::user_config::NetworkConfig;
use address::{Lookup, Resolver};
use resume::Progress;

mod address;
pub(crate) mod exchange;
mod resume;

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// The wait before the first retry; each further one doubles it.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
/// No server makes us wait longer than this with `Retry-After`.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The one HTTP client.
pub(crate) struct Http {
    offline: bool,
    network: NetworkConfig,
    proxies: Proxies,
    credentials: Arc<Credentials>,
    slots: Semaphore,
    clients: Clients,
    lookup: Lookup,
}

/// Clients by what they need, each made when it's first needed. `http:` needs no TLS roots. A redirect from a public server has
/// connections of its own: it mustn't get one that was made to a private address.
#[derive(Debug, Default)]
struct Clients {
    plain: OnceLock<Client>,
    plain_public: OnceLock<Client>,
    secure: OnceLock<Client>,
    secure_public: OnceLock<Client>,
}

/// One request on the way from the URL that was asked for to the one that answers.
struct Hop<'u> {
    url: Url,
    /// The URL that was asked for.
    asked: &'u Url,
    /// Which addresses it may lead to.
    reach: Reach,
}

/// What's sent beside the URL.
#[derive(Debug, Default)]
struct Message<'m> {
    headers: HeaderMap,
    /// With a body it's a POST, which no redirect carries elsewhere.
    body: Option<&'m Bytes>,
    /// What to say to the origin that was asked for, in the place of what mfp itself knows to say to it.
    authorization: Option<&'m HeaderValue>,
    /// Say that and nothing else: mfp itself keeps out of it.
    is_alone: bool,
}

impl From<HeaderMap> for Message<'_> {
    fn from(headers: HeaderMap) -> Self {
        Self { headers, ..Self::default() }
    }
}

impl Hop<'_> {
    fn is_redirect(&self) -> bool {
        self.url != *self.asked
    }

    /// It leads to an address that it mustn't lead to.
    fn refused(&self) -> Error {
        if self.is_redirect() {
            let message = format!("{} redirects to {}, an address that it mustn't send anybody to", Redacted(self.asked), host(&self.url));
            return Error::new("mfp::network::redirect", message).help("ask whoever runs the server; link-local and metadata addresses are never connected to, private ones not by way of a public server");
        }
        let message = format!("{} is a link-local or metadata address, which mfp never connects to", host(&self.url));
        Error::new("mfp::network::connect", message).help("check the URL, and what the name resolves to")
    }
}

/// What a conditional GET gave.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// 304: what's cached is still right.
    NotModified { max_age: Duration },
    /// A body within the cap.
    Body { bytes: Vec<u8>, etag: Option<String>, max_age: Duration },
    /// The server says that there's no such thing, by one of the statuses that mean that.
    Missing,
}

/// Which statuses mean "not there" beside 404, 410 and 451.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MissingStatus<'a>(pub(crate) &'a [u16]);

impl MissingStatus<'_> {
    fn holds(self, status: StatusCode) -> bool {
        matches!(status.as_u16(), 404 | 410 | 451) || self.0.contains(&status.as_u16())
    }
}

/// What a download is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cap {
    /// No more bytes than this are taken.
    pub(crate) at_most: u64,
    /// The size that was promised, where one was; another `Content-Length` is an error before a byte is read.
    pub(crate) exactly: Option<u64>,
}

/// One try that failed, and whether another can succeed.
struct Failed {
    error: Error,
    again: Again,
}

enum Again {
    Never,
    AfterBackoff,
    After(Duration),
}

impl Failed {
    fn finally(error: Error) -> Self {
        Self { error, again: Again::Never }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::finally(error)
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Http").field("offline", &self.offline).finish_non_exhaustive()
    }
}

impl Http {
    /// A client by these settings. Opens nothing.
    pub(crate) fn new(settings: &Settings, credentials: Arc<Credentials>) -> Self {
        Self {
            offline: settings.offline,
            network: settings.user.network.clone(),
            proxies: settings.proxies.clone(),
            credentials,
            slots: Semaphore::new(settings.user.network.concurrency),
            clients: Clients::default(),
            lookup: address::system(),
        }
    }

    /// May sockets be opened at all?
    pub(crate) fn is_offline(&self) -> bool {
        self.offline
    }

    /// GET a small document, unless it's still the one that `etag` names.
    pub(crate) async fn get(&self, url: &Url, etag: Option<&str>, at_most: u64, missing: MissingStatus<'_>) -> Result<Fetched> {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        let whole = self.retrying(url, async || {
            let mut headers = HeaderMap::new();
            if let Some(value) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
                headers.insert(IF_NONE_MATCH, value);
            }
            let (response, at) = self.send(url, &headers.into()).await?;
            let max_age = max_age(response.headers());
            match response.status() {
                StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Fetched::NotModified { max_age }),
                status if missing.holds(status) => Ok(Fetched::Missing),
                StatusCode::OK => {
                    let etag = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
                    let bytes = self.read_whole(response, &at, at_most).await?;
                    Ok(Fetched::Body { bytes, etag, max_age })
                }
                status => Err(refused(&at, status, response.headers())),
            }
        });
        self.within_limit(url, whole).await
    }

    /// A server that drips byte by byte is never silent for long, so the whole has a deadline too.
    async fn within_limit<T>(&self, url: &Url, work: impl Future<Output = Result<T>>) -> Result<T> {
        match tokio::time::timeout(self.network.artifact_timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(timeout(url, &format!("it took longer than {:?}", self.network.artifact_timeout))),
        }
    }

    async fn read_whole(&self, mut response: Response, url: &Url, at_most: u64) -> Result<Vec<u8>, Failed> {
        check_length(&response, url, Cap { at_most, exactly: None })?;
        let mut bytes = Vec::with_capacity(usize::try_from(response.content_length().unwrap_or(0).min(at_most)).unwrap_or(0));
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(url, &error))? {
            if (bytes.len() + chunk.len()) as u64 > at_most {
                return Err(too_large(url, at_most).into());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// GET a file and hand its bytes on as they come, each once and in order, over as many tries as it takes.
    pub(crate) async fn download(&self, url: &Url, cap: Cap, mut take: impl AsyncFnMut(Bytes) -> Result<()>) -> Result<()> {
        let _slot = self.slots.acquire().await.expect("the semaphore is never closed");
        let mut progress = Progress::default();
        let whole = self.retrying(url, async || self.download_once(url, cap, &mut progress, &mut take).await);
        self.within_limit(url, whole).await
    }

    async fn download_once(
        &self,
        url: &Url,
        cap: Cap,
        progress: &mut Progress,
        take: &mut impl AsyncFnMut(Bytes) -> Result<()>,
    ) -> Result<(), Failed> {
        let (mut response, at) = self.send(url, &progress.resume_headers().into()).await?;
        progress.begin(&response, &at)?;
        if progress.done == 0 {
            check_length(&response, &at, cap)?;
        }
        while let Some(mut chunk) = response.chunk().await.map_err(|error| self.broken(&at, &error))? {
            progress.skip_known(&mut chunk, &at)?;
            if progress.done + chunk.len() as u64 > cap.at_most {
                return Err(over(&at, cap).into());
            }
            if !chunk.is_empty() {
                progress.keep(&chunk);
                take(chunk).await?;
            }
        }
        progress.end(&at)
    }

    /// One try: the request and its redirects.
    async fn send(&self, url: &Url, message: &Message<'_>) -> Result<(Response, Url), Failed> {
        let mut hop = Hop { url: url.clone(), asked: url, reach: Reach::Private };
        for _ in 0..=MAX_REDIRECTS {
            let response = self.send_as_known(&hop, message).await?;
            let redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
            let Some(location) = redirect.then(|| response.headers().get(LOCATION)).flatten() else { return Ok((response, hop.url)) };
            if message.body.is_some() {
                return Err(Error::new("mfp::network::redirect", format!("{} redirects what was posted to it", Redacted(url)))
                    .help("ask whoever runs the server")
                    .into());
            }
            let target = follow(&hop.url, location)?;
            hop.reach = hop.reach.after(response.remote_addr());
            hop.url = target;
        }
        Err(Error::new("mfp::network::redirect", format!("{} redirects more than {MAX_REDIRECTS} times", Redacted(url))).into())
    }

    /// One hop: with the credential that's at hand, and where the server isn't content with that, once more with what a helper, the
    /// keyring or a login has for this origin.
    async fn send_as_known(&self, hop: &Hop<'_>, message: &Message<'_>) -> Result<Response, Failed> {
        let given = message.authorization.filter(|_| hop.url.origin() == hop.asked.origin() && is_private_talk(&hop.url));
        let at_hand = || self.credentials.for_hop(&hop.url, hop.asked).filter(|_| !message.is_alone);
        let said = given.cloned().or_else(at_hand);
        let response = self.send_once(hop, message, said.as_ref()).await?;
        let is_refused = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if !is_refused || given.is_some() || message.is_alone {
            return Ok(response);
        }
        match self.credentials.after_refusal(&hop.url, hop.asked, said.as_ref()).await? {
            Some(better) => self.send_once(hop, message, Some(&better)).await,
            None => Ok(response),
        }
    }

    async fn send_once(&self, hop: &Hop<'_>, message: &Message<'_>, authorization: Option<&HeaderValue>) -> Result<Response, Failed> {
        let url = &hop.url;
        if self.offline {
            return Err(offline(url).into());
        }
        if !self.has_proxy() && !hop.reach.allows_literal(url) {
            return Err(hop.refused().into());
        }
        let client = self.client(url, hop.reach)?;
        let mut request = match message.body {
            Some(body) => client.post(url.clone()).body(body.clone()),
            None => client.get(url.clone()),
        };
        request = request.headers(message.headers.clone()).header(ACCEPT_ENCODING, "identity");
        if let Some(credential) = authorization {
            request = request.header(AUTHORIZATION, credential.clone());
        }
        tracing::debug!(url = %Redacted(url), "{}", if message.body.is_some() { "POST" } else { "GET" });
        request.send().await.map_err(|error| if OutOfReach::is_behind(&error) { hop.refused().into() } else { self.broken(url, &error) })
    }

    /// The status of a GET, as nobody or as whoever this header says; nothing that mfp knows is sent.
    pub(crate) async fn probe(&self, url: &Url, authorization: Option<&HeaderValue>) -> Result<StatusCode> {
        let whole = self.retrying(url, async || {
            let message = Message { authorization, is_alone: true, ..Message::default() };
            let (response, at) = self.send(url, &message).await?;
            match response.status() {
                status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                    Err(refused(&at, status, response.headers()))
                }
                status => Ok(status),
            }
        });
        self.within_limit(url, whole).await
    }

    fn has_proxy(&self) -> bool {
        self.proxies.any() || self.network.proxy.is_some()
    }

    fn client(&self, url: &Url, reach: Reach) -> Result<&Client> {
        let secure = url.scheme() == "https" || self.has_proxy();
        let cell = match (secure, reach) {
            (false, Reach::Private) => &self.clients.plain,
            (false, Reach::Public) => &self.clients.plain_public,
            (true, Reach::Private) => &self.clients.secure,
            (true, Reach::Public) => &self.clients.secure_public,
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = self.build_client(secure, reach)?;
        Ok(cell.get_or_init(|| client))
    }

    fn build_client(&self, secure: bool, reach: Reach) -> Result<Client> {
        let mut builder = Client::builder()
            .user_agent(concat!("mfp/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.network.connect_timeout)
            .read_timeout(self.network.idle_timeout)
            .tcp_nodelay(true)
            .no_proxy();
        if self.has_proxy() {
            tracing::debug!("a proxy resolves names and connects, so the addresses aren't checked");
        } else {
            builder = builder.dns_resolver(Resolver { reach, lookup: Lookup::clone(&self.lookup) });
        }
        builder = match &self.network.ca_file {
            _ if !secure => builder.tls_certs_only([]),
            None => builder,
            Some(file) => builder.tls_certs_merge(roots(file)?.certificates()),
        };
        for proxy in self.proxy_rules()? {
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|error| {
            Error::new("mfp::network::tls", format!("the TLS library can't be set up: {}", root_cause(&error)))
                .help("install the system's CA certificates (Debian: `apt-get install ca-certificates`), or name a file: `mfp config set network.ca-file FILE`")
        })
    }

    fn proxy_rules(&self) -> Result<Vec<reqwest::Proxy>> {
        let except = self.proxies.none.as_deref().and_then(reqwest::NoProxy::from_string);
        let configured = self.network.proxy.as_deref().map(reqwest::Proxy::all);
        let rules = [
            self.proxies.http.as_deref().map(reqwest::Proxy::http),
            self.proxies.https.as_deref().map(reqwest::Proxy::https),
            self.proxies.all.as_deref().map(reqwest::Proxy::all),
            configured,
        ];
        rules
            .into_iter()
            .flatten()
            .map(|rule| match rule {
                Ok(proxy) => Ok(proxy.no_proxy(except.clone())),
                Err(_) => Err(Error::new("mfp::usage::proxy", "a proxy's URL can't be understood")
                    .help("look at HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and `mfp config get network.proxy`")),
            })
            .collect()
    }

    /// What a failure of the connection means.
    fn broken(&self, url: &Url, error: &reqwest::Error) -> Failed {
        let cause = root_cause(error);
        let error = match () {
            () if error.is_timeout() && error.is_connect() => {
                timeout(url, &format!("no connection within {:?}", self.network.connect_timeout))
            }
            () if error.is_timeout() => timeout(url, &format!("no byte came for {:?}", self.network.idle_timeout)),
            () if cause.contains("certificate") || cause.contains("UnknownIssuer") => {
                let help = "if the server's certificate comes from a CA of your own, name it: `mfp config set network.ca-file FILE`";
                return Failed::finally(
                    Error::new("mfp::network::tls", format!("{} shows a certificate that isn't trusted: {cause}", host(url))).help(help),
                );
            }
            () if error.is_connect() => Error::new("mfp::network::connect", format!("can't connect to {}: {cause}", host(url)))
                .help("check the network, the proxy and the URL; `--offline` works from lock and store"),
            () => Error::new("mfp::network::broken", format!("the connection to {} broke: {cause}", host(url))).help("try again"),
        };
        Failed { error, again: Again::AfterBackoff }
    }

    /// Try, and again where that can help: as often as the configuration says, with growing waits.
    async fn retrying<T>(&self, url: &Url, mut attempt: impl AsyncFnMut() -> Result<T, Failed>) -> Result<T> {
        let mut backoff = FIRST_BACKOFF;
        for left in (0..=self.network.retries).rev() {
            let failed = match attempt().await {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            let wait = match failed.again {
                _ if left == 0 => return Err(failed.error),
                Again::Never => return Err(failed.error),
                Again::AfterBackoff => jittered(backoff),
                Again::After(wait) => wait.min(LONGEST_RETRY_AFTER),
            };
            tracing::debug!(url = %Redacted(url), error = %failed.error, ?wait, "trying again");
            tokio::time::sleep(wait).await;
            backoff *= 2;
        }
        Err(Error::bug("a loop that ends with its last try went on"))
    }
}

fn follow(from: &Url, location: &HeaderValue) -> Result<Url> {
    let refuse = |why: &str| Error::new("mfp::network::redirect", format!("{} redirects {why}", Redacted(from)));
    let target = location.to_str().ok().and_then(|text| from.join(text).ok()).ok_or_else(|| refuse("to something that isn't a URL"))?;
    if target.scheme() != from.scheme() {
        return Err(refuse(&format!("to another scheme ({}:)", target.scheme()))
            .help("ask whoever runs the server; mfp never follows a redirect to another scheme"));
    }
    if !target.username().is_empty() || target.password().is_some() {
        return Err(refuse("to a URL with a user name in it"));
    }
    Ok(target)
}

fn check_length(response: &Response, url: &Url, cap: Cap) -> Result<()> {
    match (response.content_length(), cap.exactly) {
        (Some(length), Some(exactly)) if length != exactly => Err(other_size(url, &length.to_string(), exactly)),
        (Some(length), _) if length > cap.at_most => Err(too_large(url, cap.at_most)),
        _ => Ok(()),
    }
}

/// More bytes came than may.
fn over(url: &Url, cap: Cap) -> Error {
    match cap.exactly {
        Some(exactly) if exactly <= cap.at_most => other_size(url, "more", exactly),
        _ => too_large(url, cap.at_most),
    }
}

fn other_size(url: &Url, found: &str, promised: u64) -> Error {
    Error::new("mfp::integrity::size", format!("{} has {found} bytes, and {promised} were promised", Redacted(url)))
        .help("nothing was kept; if the file was meant to change, ask its publisher for a new version")
}

fn too_large(url: &Url, at_most: u64) -> Error {
    Error::new("mfp::network::too-large", format!("{} is larger than the limit of {at_most} bytes", Redacted(url)))
        .exit_with(Exit::Integrity)
}

fn timeout(url: &Url, what: &str) -> Error {
    Error::new("mfp::network::timeout", format!("{} didn't answer in time: {what}", host(url)))
        .help("try again; the limits are `network.*-timeout` in `mfp config list`")
}

fn offline(url: &Url) -> Error {
    Error::new("mfp::network::offline", format!("{} is needed, and --offline was given", Redacted(url)))
        .help("run the command once without `--offline`, or give a vendored folder: `--vendor DIR`")
}

fn refused(url: &Url, status: StatusCode, headers: &HeaderMap) -> Failed {
    let error = |code, what: &str| Error::new(code, format!("{} answered {status}{what}", Redacted(url))).detail("status", status.as_u16());
    match status.as_u16() {
        401 | 403 => {
            let origin = url.origin().ascii_serialization();
            Failed::finally(error("mfp::network::credentials", ": it wants credentials, or others").help(format!(
                "log in: `mfp login {origin}`, or give a token in MFP_CREDENTIALS; `mfp whoami {origin}` says what's known for it"
            )))
        }
        429 => Failed {
            error: error("mfp::network::status", ": too many requests").help("try again later"),
            again: retry_after(headers).map_or(Again::AfterBackoff, Again::After),
        },
        500..=599 => Failed {
            error: error("mfp::network::status", "").help("the server has a problem; try again later"),
            again: Again::AfterBackoff,
        },
        _ => Failed::finally(error("mfp::network::status", "").help("check the URL")),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// For how long a response may be used without asking again; zero if it doesn't say.
fn max_age(headers: &HeaderMap) -> Duration {
    let directives = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut parts = directives.split(',').map(str::trim);
    if parts.clone().any(|part| part.eq_ignore_ascii_case("no-store") || part.eq_ignore_ascii_case("no-cache")) {
        return Duration::ZERO;
    }
    parts.find_map(|part| part.strip_prefix("max-age=")?.parse().ok()).map_or(Duration::ZERO, Duration::from_secs)
}

/// The authorities of the user's CA file.
pub(crate) fn roots(file: &std::path::Path) -> Result<Roots> {
    let error = |why: String| {
        Error::new("mfp::usage::ca-file", format!("the CA file {} can't be used: {why}", file.display()))
            .help("`mfp config set network.ca-file FILE` with a PEM file")
    };
    let pem = std::fs::read(file).map_err(|failure| error(failure.to_string()))?;
    Roots::from_pem(&pem).map_err(|why| error(why.to_string()))
}

/// Exponential backoff is only kind to a server if not everybody comes back at the same moment.
fn jittered(wait: Duration) -> Duration {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    wait.mul_f64(0.5 + f64::from(u16::try_from(random % 1000).unwrap_or(0)) / 1000.0)
}

fn host(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The innermost cause: what the operating system or the TLS library said. Never has the URL in it.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    if std::ptr::eq(cause, std::ptr::from_ref(error) as *const dyn std::error::Error) {
        "no reason was given".to_owned()
    } else {
        cause.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use reqwest::dns::Resolve as _;

    use super::address::tests::answering;
    use super::*;

    /// A client that asks this resolver, and is soon out of patience.
    fn http(lookup: Lookup) -> Http {
        let network = NetworkConfig { retries: 0, connect_timeout: Duration::from_millis(300), ..NetworkConfig::default() };
        Http {
            offline: false,
            network,
            proxies: Proxies::default(),
            credentials: Arc::default(),
            slots: Semaphore::new(1),
            clients: Clients::default(),
            lookup,
        }
    }

    /// A server on this machine that answers with these headers, and how often it was connected to.
    fn server(headers: String) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
        let counting = Arc::clone(&connections);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                counting.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 1024]);
                let _ = write!(stream, "HTTP/1.1 {headers}content-length: 2\r\nconnection: close\r\n\r\nok");
            }
        });
        (address, connections)
    }

    async fn ask(http: &Http, url: &str) -> Result<(), &'static str> {
        let whole = http.get(&Url::parse(url).unwrap(), None, 100, MissingStatus::default()).await;
        whole.map(drop).map_err(|error| error.code())
    }

    /// Ask as a public server's redirect would have us ask.
    async fn ask_redirected(http: &Http, url: &str) -> Result<(), &'static str> {
        let asked = Url::parse("http://public.example/").unwrap();
        let hop = Hop { url: Url::parse(url).unwrap(), asked: &asked, reach: Reach::Public };
        http.send_once(&hop, &Message::default(), None).await.map(drop).map_err(|failed| failed.error.code())
    }

    #[tokio::test]
    async fn a_name_that_changes_its_mind_gains_nothing() {
        let (address, connections) = server("200 OK\r\n".to_owned());
        let url = format!("http://plugins.example:{}/", address.port());
        let here = ["127.0.0.1:0"];
        // First here, which the project may say; then at the metadata service, which nobody may.
        for turned in ["169.254.169.254:0", "[fe80::1]:0", "[2002:a9fe:a9fe::1]:0", "[64:ff9b::a9fe:a9fe]:0", "[::ffff:169.254.169.254]:0"]
        {
            let before = connections.load(Ordering::SeqCst);
            let (lookup, asked) = answering(&[&here, &[turned]]);
            let http = http(lookup);
            assert_eq!(ask(&http, &url).await, Ok(()));
            assert_eq!(ask(&http, &url).await, Err("mfp::network::connect"), "{turned}");
            let connected = connections.load(Ordering::SeqCst) - before;
            assert_eq!(
                (asked.load(Ordering::SeqCst), connected),
                (2, 1),
                "one question a connection: what was looked at is what's connected to"
            );
        }
        // First public, as somebody who checks before connecting would see it; then this machine, or a neighbour.
        for turned in [
            "127.0.0.1:0",
            "[::1]:0",
            "0.0.0.0:0",
            "[::]:0",
            "[::ffff:127.0.0.1]:0",
            "[2002:7f00:1::1]:0",
            "[64:ff9b::7f00:1]:0",
            "10.0.0.1:0",
        ] {
            let before = connections.load(Ordering::SeqCst);
            let (lookup, asked) = answering(&[&["93.184.216.34:0"], &[turned]]);
            let checked = Resolver { reach: Reach::Public, lookup: Lookup::clone(&lookup) }.resolve("plugins.example".parse().unwrap());
            assert_eq!(checked.await.unwrap().count(), 1, "a check before the connection sees nothing wrong");
            assert_eq!(ask_redirected(&http(lookup), &url).await, Err("mfp::network::redirect"), "{turned}");
            assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (2, before), "{turned} was connected to");
        }
        // Both in one answer: only what's within reach is tried.
        let (lookup, _) = answering(&[&["169.254.169.254:0", "127.0.0.1:0"]]);
        assert_eq!(ask(&http(lookup), &url).await, Ok(()));
    }

    #[tokio::test]
    async fn a_redirect_to_a_name_is_looked_at_where_it_leads() {
        let (target, connections) = server("200 OK\r\n".to_owned());
        let (origin, _) = server(format!("302 Found\r\nlocation: http://other.example:{}/\r\n", target.port()));
        let url = format!("http://plugins.example:{}/", origin.port());
        // From this machine to this machine is allowed, to the metadata service it isn't.
        let (lookup, _) = answering(&[&["127.0.0.1:0"], &["127.0.0.1:0"]]);
        assert_eq!(ask(&http(lookup), &url).await, Ok(()));
        let before = connections.load(Ordering::SeqCst);
        let (lookup, _) = answering(&[&["127.0.0.1:0"], &["169.254.169.254:0"]]);
        assert_eq!(ask(&http(lookup), &url).await, Err("mfp::network::redirect"));
        assert_eq!(connections.load(Ordering::SeqCst), before);
    }

    #[tokio::test]
    async fn an_address_in_a_url_is_looked_at_too() {
        let (address, connections) = server("200 OK\r\n".to_owned());
        let port = address.port();
        let (lookup, asked) = answering(&[&["93.184.216.34:0"]]);
        let http = http(lookup);
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::127.0.0.1]",
        ] {
            assert_eq!(ask_redirected(&http, &format!("http://{host}:{port}/")).await, Err("mfp::network::redirect"), "{host}");
        }
        for host in ["169.254.169.254", "2852039166", "[fe80::1]", "[2002:a9fe:a9fe::1]", "[64:ff9b::a9fe:a9fe]"] {
            assert_eq!(ask(&http, &format!("http://{host}:{port}/")).await, Err("mfp::network::connect"), "{host}");
        }
        assert_eq!((asked.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (0, 0), "nothing was asked or connected to");
    }
}
