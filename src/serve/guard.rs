//! May this request come in? What's asked of every request before anything of it is looked at.
//!
//! A browser on the same machine can send requests here for any web page. Three things of it can't be faked by a page: it
//! names its `Origin` (then it's a page that asks, and no page has business here), it names the `Host` that the page
//! believes to talk to (so a name that was rebound to loopback shows), and it can't send `application/json` without
//! asking first. Beyond loopback there's a token as well.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

/// Where a client that can't send `Authorization` puts the token.
static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Why a request isn't looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It's for a host that this isn't.
    Host,
    /// A web page sent it.
    Origin,
    /// It has no token, or a wrong one.
    Token,
    /// Its body isn't said to be JSON.
    ContentType,
}

impl Refusal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Origin => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// For the log and the metrics.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Origin => "origin",
            Self::Token => "token",
            Self::ContentType => "content-type",
        }
    }

    /// For whoever asked.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Host => "the Host of this request isn't one that this server answers for; `mfp serve --host-name NAME` adds one",
            Self::Origin => "this server doesn't answer web pages: a request with an Origin is refused",
            Self::Token => "this server wants its token, as `Authorization: Bearer TOKEN`",
            Self::ContentType => "the Content-Type of a call must be application/json",
        }
    }
}

/// Whom the server answers.
pub(crate) struct Guard {
    /// Names without a port, in lower case.
    hosts: Vec<String>,
    /// Only a digest is kept. Two digests are compared in constant time.
    token: Option<blake3::Hash>,
}

impl Guard {
    /// For a server that listens here and is known by these names too.
    pub(crate) fn new(listen: SocketAddr, names: &[String], token: Option<&str>) -> Self {
        let own = Some(listen.ip()).filter(|ip| !ip.is_unspecified()).map(literal);
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let names = names.iter().map(|name| name.trim_end_matches('.').to_ascii_lowercase());
        Self { hosts: loopback.into_iter().chain(own).chain(names).collect(), token: token.map(|token| blake3::hash(token.as_bytes())) }
    }

    /// An error if it may not come in.
    pub(crate) fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if !self.is_for_us(uri, headers) {
            return Err(Refusal::Host);
        }
        if headers.contains_key(ORIGIN) {
            return Err(Refusal::Origin);
        }
        if !self.has_token(headers) {
            return Err(Refusal::Token);
        }
        if *method == Method::POST && !is_json(headers) {
            return Err(Refusal::ContentType);
        }
        Ok(())
    }

    /// Exactly one `Host`, and it's ours; a target with a host of its own must be ours too.
    fn is_for_us(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let named = uri.authority().map(axum::http::uri::Authority::as_str);
        host.to_str().is_ok_and(|host| self.is_ours(host)) && named.is_none_or(|host| self.is_ours(host))
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host).unwrap_or_default().trim_end_matches('.');
        self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let Some(token) = self.token else { return true };
        let bearer = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        let given = bearer.or_else(|| headers.get(&API_KEY).map(axum::http::HeaderValue::as_bytes));
        given.is_some_and(|given| blake3::hash(given) == token)
    }
}

/// An address as a `Host` has it.
pub(crate) fn literal(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// `name`, `name:1234` or `[::1]:1234` without the port; nothing if it's something else.
fn without_port(host: &str) -> Option<&str> {
    let end = host.rfind(']').map_or(0, |at| at + 1);
    match host[end..].split_once(':') {
        None => Some(host),
        Some((rest, port)) => (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())).then(|| &host[..end + rest.len()]),
    }
}

fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
    }

    fn checked(guard: &Guard, method: &Method, uri: &str, pairs: &[(&str, &str)]) -> Result<(), Refusal> {
        guard.check(method, &uri.parse().unwrap(), &headers(pairs))
    }

    #[test]
    fn the_host_is_one_of_ours() {
        let guard = Guard::new("127.0.0.1:7070".parse().unwrap(), &["Plugins.Acme.example.".to_owned()], None);
        let host = |host: &str| checked(&guard, &Method::GET, "/health", &[("host", host)]);
        for ours in ["localhost", "LOCALHOST:1", "localhost.:7070", "127.0.0.1:7070", "[::1]:7070", "[::1]", "plugins.acme.example"] {
            assert_eq!(host(ours), Ok(()), "{ours}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io:7070",
            "localhost:7070@evil.example",
            "localhost:",
            "localhost:x",
            "evil@localhost",
            "::1",
            "[::1",
            "0.0.0.0",
            "169.254.169.254",
            "localhost evil",
        ] {
            assert_eq!(host(other), Err(Refusal::Host), "{other}");
        }
        assert_eq!(checked(&guard, &Method::GET, "/", &[]), Err(Refusal::Host));
        let mut twice = headers(&[("host", "localhost")]);
        twice.append(HOST, "localhost".parse().unwrap());
        assert_eq!(guard.check(&Method::GET, &Uri::from_static("/"), &twice), Err(Refusal::Host));
        let absolute = |uri| checked(&guard, &Method::GET, uri, &[("host", "localhost")]);
        assert_eq!((absolute("http://evil.example/"), absolute("http://localhost:7070/")), (Err(Refusal::Host), Ok(())));
        let public = Guard::new("0.0.0.0:7070".parse().unwrap(), &[], Some("t"));
        assert_eq!(checked(&public, &Method::GET, "/", &[("host", "0.0.0.0:7070")]), Err(Refusal::Host));
        let named = Guard::new("192.0.2.7:7070".parse().unwrap(), &[], None);
        assert_eq!(checked(&named, &Method::GET, "/", &[("host", "192.0.2.7:7070")]), Ok(()));
    }

    #[test]
    fn pages_are_refused_whatever_they_say_they_are() {
        let guard = Guard::new("127.0.0.1:7070".parse().unwrap(), &[], None);
        for origin in ["https://evil.example", "null", "http://localhost:7070", ""] {
            let pairs = [("host", "localhost"), ("origin", origin), ("content-type", "application/json")];
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                assert_eq!(checked(&guard, &method, "/", &pairs), Err(Refusal::Origin), "{origin}");
            }
        }
    }

    #[test]
    fn a_call_is_said_to_be_json() {
        let guard = Guard::new("127.0.0.1:7070".parse().unwrap(), &[], None);
        let kind = |kind: &str| checked(&guard, &Method::POST, "/", &[("host", "localhost"), ("content-type", kind)]);
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/json;x"] {
            assert_eq!(kind(json), Ok(()), "{json}");
        }
        for other in
            ["text/plain", "application/x-www-form-urlencoded", "application/json+x", "application/jsonp", "multipart/form-data", ""]
        {
            assert_eq!(kind(other), Err(Refusal::ContentType), "{other}");
        }
        assert_eq!(checked(&guard, &Method::POST, "/", &[("host", "localhost")]), Err(Refusal::ContentType));
    }

    #[test]
    fn the_token_is_wanted_wherever_there_is_one() {
        let guard = Guard::new("127.0.0.1:7070".parse().unwrap(), &[], Some("open-sesame"));
        let with = |name: &str, value: &str| checked(&guard, &Method::GET, "/health", &[("host", "localhost"), (name, value)]);
        assert_eq!(with("authorization", "Bearer open-sesame"), Ok(()));
        assert_eq!(with("authorization", "bearer open-sesame"), Ok(()));
        assert_eq!(with("x-api-key", "open-sesame"), Ok(()));
        for wrong in
            ["Bearer open-sesam", "Bearer open-sesame2", "Bearer ", "Bearer", "open-sesame", "Basic open-sesame", "Bearer  open-sesame"]
        {
            assert_eq!(with("authorization", wrong), Err(Refusal::Token), "{wrong}");
        }
        assert_eq!(with("x-api-key", ""), Err(Refusal::Token));
        assert_eq!(with("accept", "*/*"), Err(Refusal::Token));
    }
}
