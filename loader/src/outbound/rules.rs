//! What may a plugin send, and where? Decided from the request's text and the effective capabilities, before a name is
//! resolved or a socket opened.
//!
//! A URL is taken apart by one parser, which lower-cases names, makes them ASCII (IDNA) and gives each address its one
//! spelling; what that parser says is both what's compared and what's sent. Headers that decide how a message is framed, or
//! whom it's for, are the host's: a plugin that sets one is told so, but for `Content-Length`, which many libraries set
//! and which is simply made anew.

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use mfp_model::address::Reach;
use mfp_model::capability::Capabilities;
use url::{Host, Url};

use super::error::HttpError;

/// The largest body of a request and of a response, in bytes.
pub(crate) const MAX_BODY: usize = 10 << 20;
/// The most headers of a request and of a response.
pub(crate) const MAX_HEADERS: usize = 64;
/// The longest URL, in bytes.
const MAX_URL: usize = 8 << 10;
/// The longest name or value of a header, in bytes.
const MAX_HEADER: usize = 16 << 10;

/// Headers that aren't a plugin's to set: whom a message is for, how it's framed, and what's between two hops only.
const HOSTS_OWN: [&str; 9] =
    ["host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "expect", "http2-settings"];

/// A request as a plugin says it. Foreign in every part.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request that may be sent, and is sent as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A response as a plugin gets it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// One header, if name and value are a header's: nothing in them can end it.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HttpError> {
    let longest = name.len().max(value.len());
    if longest > MAX_HEADER {
        return Err(HttpError::TooLarge { what: "a header", found: longest, limit: MAX_HEADER });
    }
    let parsed = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_str(value).ok());
    parsed.ok_or_else(|| HttpError::header(name, "isn't a header: a name or a value has characters that can't be sent"))
}

/// The request as it's sent, if it may be.
pub(crate) fn check(asked: Asked<'_>, capabilities: &Capabilities) -> Result<Checked, HttpError> {
    if asked.body.len() > MAX_BODY {
        return Err(HttpError::TooLarge { what: "the request's body", found: asked.body.len(), limit: MAX_BODY });
    }
    Ok(Checked { method: method(asked.method)?, url: url(asked.url, capabilities)?, headers: headers(asked.headers)?, body: asked.body })
}

fn method(name: &str) -> Result<Method, HttpError> {
    match Method::from_bytes(name.as_bytes()) {
        Ok(method) if method != Method::CONNECT && method != Method::TRACE => Ok(method),
        _ => Err(HttpError::method(name)),
    }
}

fn url(text: &str, capabilities: &Capabilities) -> Result<Url, HttpError> {
    if text.len() > MAX_URL {
        return Err(HttpError::TooLarge { what: "the URL", found: text.len(), limit: MAX_URL });
    }
    let mut url = Url::parse(text).map_err(|_| HttpError::url(text, "isn't a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(HttpError::url(text, "isn't a URL of `https` or `http`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::Url("a URL has no user name or password; send an `Authorization` header".to_owned()));
    }
    url.set_fragment(None);
    if !capabilities.allows_url(&url) {
        return Err(HttpError::NotApproved { origin: url.origin().ascii_serialization() });
    }
    // An address is approved by being listed as it is, so it may be a private one; but some nobody may ask.
    if !Reach::Private.allows_literal(&url) {
        return Err(HttpError::Address { host: url.host_str().unwrap_or_default().to_owned() });
    }
    drop_trailing_dot(&mut url)?;
    Ok(url)
}

/// `api.example.com.` is `api.example.com`, as it was when it was compared.
fn drop_trailing_dot(url: &mut Url) -> Result<(), HttpError> {
    let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
    let Some(name) = name.strip_suffix('.').map(str::to_owned) else { return Ok(()) };
    url.set_host(Some(&name)).map_err(|_| HttpError::url(url.as_str(), "names no host"))
}

fn headers(mut headers: HeaderMap) -> Result<HeaderMap, HttpError> {
    if headers.len() > MAX_HEADERS {
        return Err(HttpError::TooLarge { what: "the number of headers", found: headers.len(), limit: MAX_HEADERS });
    }
    if let Some(name) = headers.keys().find(|name| is_hosts_own(name)) {
        return Err(HttpError::header(name.as_str(), "can't be set by a plugin"));
    }
    headers.remove(CONTENT_LENGTH);
    headers.entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("identity"));
    Ok(headers)
}

fn is_hosts_own(name: &HeaderName) -> bool {
    HOSTS_OWN.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
}

/// The headers of a response as a plugin sees them: without what was between two hops, or said how it was framed.
pub(super) fn received(mut headers: HeaderMap) -> Result<HeaderMap, HttpError> {
    if headers.len() > MAX_HEADERS {
        return Err(HttpError::TooLarge { what: "the number of the response's headers", found: headers.len(), limit: MAX_HEADERS });
    }
    let between_hops: Vec<HeaderName> = headers.keys().filter(|name| is_hosts_own(name)).cloned().collect();
    for name in between_hops {
        headers.remove(name);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_url(listed: &[&str], asked: &str) -> Result<String, &'static str> {
        let capabilities = Capabilities { http: listed.iter().map(|host| host.parse().unwrap()).collect(), ..Capabilities::default() };
        url(asked, &capabilities).map(String::from).map_err(|error| error.code())
    }

    #[test]
    fn a_url_is_compared_and_sent_in_its_one_spelling() {
        let listed = ["api.example.com", "*.x.example:8443", "http://127.0.0.1:8080", "bücher.example"];
        for (asked, sent) in [
            ("https://api.example.com/a?b#c", "https://api.example.com/a?b"),
            ("HTTPS://API.Example.COM./", "https://api.example.com/"),
            ("https://api.example.com:443", "https://api.example.com/"),
            ("https://a.b.x.example:8443/", "https://a.b.x.example:8443/"),
            ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x"),
            ("http://2130706433:8080/x", "http://127.0.0.1:8080/x"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
            ("https:\\\\api.example.com\\x", "https://api.example.com/x"),
        ] {
            assert_eq!(check_url(&listed, asked).as_deref(), Ok(sent), "{asked}");
        }
        for (asked, code) in [
            ("http://api.example.com/", "not-approved"),
            ("https://api.example.com:22/", "not-approved"),
            ("https://api.example.com../", "not-approved"),
            ("https://api.example.com.evil.example/", "not-approved"),
            ("https://evil.example/api.example.com", "not-approved"),
            ("https://x.example:8443/", "not-approved"),
            ("https://a.x.example/", "not-approved"),
            ("http://127.0.0.1/", "not-approved"),
            ("http://[::ffff:127.0.0.1]:8080/", "not-approved"),
            ("https://api.example.com@evil.example/", "url"),
            ("https://u:p@api.example.com/", "url"),
            ("file:///etc/passwd", "url"),
            ("ftp://api.example.com/", "url"),
            ("//api.example.com/", "url"),
            ("", "url"),
        ] {
            assert_eq!(check_url(&listed, asked), Err(code), "{asked}");
        }
    }

    #[test]
    fn no_wildcard_covers_an_address_and_no_approval_a_metadata_service() {
        assert_eq!(check_url(&["*", "http://*"], "https://93.184.216.34/"), Err("not-approved"));
        assert_eq!(check_url(&["*", "http://*"], "http://127.0.0.1/"), Err("not-approved"));
        for host in ["169.254.169.254", "[fe80::1]", "[64:ff9b::a9fe:a9fe]", "100.100.100.200", "224.0.0.1"] {
            let listed = format!("http://{host}");
            assert_eq!(check_url(&[&listed], &format!("{listed}/latest/meta-data")), Err("address"), "{host}");
        }
        assert!(check_url(&["http://10.0.0.1"], "http://10.0.0.1/").is_ok(), "listed literally");
    }

    #[test]
    fn framing_is_the_hosts_own() {
        for name in ["Host", "Connection", "Keep-Alive", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Proxy-Authorization"] {
            let (name, value) = header(name, "x").unwrap();
            assert_eq!(headers(HeaderMap::from_iter([(name.clone(), value)])).unwrap_err().code(), "header", "{name}");
        }
        let given = HeaderMap::from_iter([header("Content-Length", "999").unwrap(), header("X-A", "b").unwrap()]);
        let sent = headers(given).unwrap();
        assert_eq!(
            (sent.get("content-length"), &sent["x-a"], &sent["accept-encoding"]),
            (None, &"b".parse().unwrap(), &"identity".parse().unwrap())
        );
        let given = HeaderMap::from_iter([header("Accept-Encoding", "gzip").unwrap()]);
        assert_eq!(headers(given).unwrap()["accept-encoding"], "gzip");
    }

    #[test]
    fn a_header_can_not_be_ended_from_inside() {
        for (name, value) in
            [("X", "a\r\nEvil: b"), ("X", "a\nb"), ("X", "a\0"), ("X: a\r\nEvil", "b"), ("", "b"), ("X y", "b"), ("X:", "b")]
        {
            assert_eq!(header(name, value).unwrap_err().code(), "header", "{name:?} {value:?}");
        }
    }

    #[test]
    fn methods_that_a_plugin_may_use() {
        assert_eq!(method("PATCH").unwrap(), Method::PATCH);
        for refused in ["CONNECT", "TRACE", "", "GET / HTTP/1.1\r\nX:", "G ET"] {
            assert_eq!(method(refused).unwrap_err().code(), "method", "{refused:?}");
        }
    }
}
