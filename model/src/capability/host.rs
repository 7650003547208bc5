//! Which hosts? `[scheme://]host[:port]`, in one spelling.
//!
//! A pattern names a host exactly (`api.example.com`, `192.0.2.7`, `[2001:db8::1]`), every host below a domain
//! (`*.example.com`: one or more labels before it, and not the domain itself), or every domain (`*`). Without a scheme it's
//! https, without a port it's 443 (80 for `http://`); a pattern is for one scheme and one port. Addresses are only ever
//! exact: no wildcard covers one. Names are lower-cased and in their ASCII form (IDNA), without the trailing dot.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

/// The longest pattern, in bytes, before it's normalised.
const MAX_PATTERN_BYTES: usize = 512;
/// The longest domain name, in bytes, in its ASCII form.
const MAX_DOMAIN_BYTES: usize = 253;
/// The longest label of a domain name, in bytes.
const MAX_LABEL_BYTES: usize = 63;

/// Why a text isn't a host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing, or far too much.
    #[error("a host pattern has 1 to {MAX_PATTERN_BYTES} bytes")]
    Length,
    /// A scheme other than http and https.
    #[error("`{0}://` isn't a scheme that can be granted; there are `https://` (the default) and `http://`")]
    Scheme(String),
    /// A path, query or fragment.
    #[error("a whole host is granted, never a part of it: leave out what follows the host and port")]
    Path,
    /// A user name or password.
    #[error("a host pattern has no user name or password")]
    UserInfo,
    /// A port that isn't a number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// A `*` anywhere but as the whole first label.
    #[error("`*` stands alone or for the first labels, as in `*.example.com`")]
    Wildcard,
    /// A wildcard over an address.
    #[error("an address is granted exactly; a wildcard can't stand before one")]
    WildcardAddress,
    /// An address in an unusual spelling, such as `2130706433` or `::1` without brackets.
    #[error("write the address as `{0}`")]
    Address(String),
    /// Not a name that a host can have.
    #[error("not the name of a host")]
    Name,
}

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// Encrypted: the default.
    Https,
    /// Plain; must be asked for with `http://`.
    Http,
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Hosts {
    /// Every domain name.
    Any,
    /// Every name that ends with a dot and this one.
    Below(Box<str>),
    /// This name.
    Domain(Box<str>),
    /// This address.
    Address(IpAddr),
}

/// A set of hosts, with one scheme and one port. Ordered by its canonical text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern {
    /// Its canonical text; first, since order is by text.
    text: Box<str>,
    scheme: Scheme,
    hosts: Hosts,
    port: u16,
}

impl HostPattern {
    /// The canonical text: no `https://`, no port that is the scheme's own.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The scheme that it is for.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The port that it is for.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, if it names one: the only way to reach a private address.
    pub fn address(&self) -> Option<IpAddr> {
        match self.hosts {
            Hosts::Address(address) => Some(address),
            _ => None,
        }
    }

    /// Is every host of `other` one of this pattern's?
    pub fn covers(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.port == other.port && covers(&self.hosts, &other.hosts)
    }

    /// Is the URL's origin one of this pattern's? The URL's trailing dot doesn't count.
    pub fn allows(&self, url: &Url) -> bool {
        let same_way = url.scheme() == self.scheme.as_str() && url.port_or_known_default() == Some(self.port);
        let host = match url.host() {
            Some(Host::Domain(name)) => Hosts::Domain(name.strip_suffix('.').unwrap_or(name).into()),
            Some(Host::Ipv4(address)) => Hosts::Address(address.into()),
            Some(Host::Ipv6(address)) => Hosts::Address(address.into()),
            None => return false,
        };
        same_way && covers(&self.hosts, &host)
    }

    /// Why it deserves a second look, if it does.
    pub(super) fn broad(&self) -> Option<String> {
        let reach = match &self.hosts {
            Hosts::Any => Some("reaches every host".to_owned()),
            Hosts::Below(domain) => Some(format!("reaches every host below {domain}")),
            Hosts::Domain(_) | Hosts::Address(_) => None,
        };
        let plain = (self.scheme == Scheme::Http).then(|| "is not encrypted".to_owned());
        [reach, plain].into_iter().flatten().reduce(|reach, plain| format!("{reach} and {plain}"))
    }
}

fn covers(wide: &Hosts, narrow: &Hosts) -> bool {
    match (wide, narrow) {
        (_, Hosts::Address(_)) => wide == narrow,
        (Hosts::Any, _) => true,
        (Hosts::Below(domain), Hosts::Domain(name)) => is_below(name, domain),
        (Hosts::Below(domain), Hosts::Below(name)) => name == domain || is_below(name, domain),
        _ => wide == narrow,
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    name.strip_suffix(domain).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
            return Err(HostError::Length);
        }
        let (scheme, rest) = split_scheme(text)?;
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(HostError::Path);
        }
        if rest.contains('@') {
            return Err(HostError::UserInfo);
        }
        let (host, port) = split_port(rest)?;
        let port = port.unwrap_or_else(|| scheme.default_port());
        let hosts = parse_hosts(host)?;
        Ok(Self { text: canonical(scheme, &hosts, port).into(), scheme, hosts, port })
    }
}

fn split_scheme(text: &str) -> Result<(Scheme, &str), HostError> {
    match text.split_once("://") {
        None => Ok((Scheme::Https, text)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => Ok((Scheme::Https, rest)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => Ok((Scheme::Http, rest)),
        Some((scheme, _)) => Err(HostError::Scheme(scheme.to_owned())),
    }
}

fn split_port(rest: &str) -> Result<(&str, Option<u16>), HostError> {
    let bracket = rest.rfind(']').map_or(0, |end| end + 1);
    if rest.starts_with('[') && bracket == 0 {
        return Err(HostError::Name);
    }
    match rest[bracket..].find(':').map(|at| bracket + at) {
        None => Ok((rest, None)),
        Some(_) if rest.parse::<IpAddr>().is_ok() => Err(HostError::Address(format!("[{rest}]"))),
        Some(colon) => parse_port(&rest[colon + 1..]).map(|port| (&rest[..colon], Some(port))),
    }
}

fn parse_port(digits: &str) -> Result<u16, HostError> {
    let only_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| only_digits && *port != 0);
    port.ok_or(HostError::Port)
}

fn parse_hosts(host: &str) -> Result<Hosts, HostError> {
    if host == "*" {
        return Ok(Hosts::Any);
    }
    if let Some(domain) = host.strip_prefix("*.") {
        return match parse_hosts(domain)? {
            Hosts::Domain(domain) => Ok(Hosts::Below(domain)),
            Hosts::Address(_) => Err(HostError::WildcardAddress),
            Hosts::Any | Hosts::Below(_) => Err(HostError::Wildcard),
        };
    }
    if host.contains('*') {
        return Err(HostError::Wildcard);
    }
    if host.contains('%') {
        return Err(HostError::Name);
    }
    parse_exact(host.strip_suffix('.').unwrap_or(host))
}

fn parse_exact(host: &str) -> Result<Hosts, HostError> {
    match Host::parse(host) {
        Ok(Host::Domain(name)) if is_domain(&name) => Ok(Hosts::Domain(name.into())),
        // The parser takes `2130706433` and `0x7f.1` for addresses; a reviewer wouldn't.
        Ok(Host::Ipv4(address)) if address.to_string() != host => Err(HostError::Address(address.to_string())),
        Ok(Host::Ipv4(address)) => Ok(Hosts::Address(address.into())),
        Ok(Host::Ipv6(address)) => Ok(Hosts::Address(address.into())),
        Ok(Host::Domain(_)) | Err(_) => Err(HostError::Name),
    }
}

fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= MAX_DOMAIN_BYTES && name.split('.').all(is_label)
}

fn canonical(scheme: Scheme, hosts: &Hosts, port: u16) -> String {
    let prefix = if scheme == Scheme::Https { "" } else { "http://" };
    let host = match hosts {
        Hosts::Any => "*".to_owned(),
        Hosts::Below(domain) => format!("*.{domain}"),
        Hosts::Domain(name) => name.to_string(),
        Hosts::Address(IpAddr::V4(address)) => address.to_string(),
        Hosts::Address(IpAddr::V6(address)) => format!("[{address}]"),
    };
    if port == scheme.default_port() { format!("{prefix}{host}") } else { format!("{prefix}{host}:{port}") }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
    }
}

impl fmt::Debug for HostPattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, out)
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn one_spelling_each() {
        for (text, canonical) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.COM.", "api.example.com"),
            ("https://api.example.com:443", "api.example.com"),
            ("HTTPS://api.example.com:8443", "api.example.com:8443"),
            ("http://api.example.com", "http://api.example.com"),
            ("http://api.example.com:80", "http://api.example.com"),
            ("http://api.example.com:443", "http://api.example.com:443"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("*.Bücher.example.", "*.xn--bcher-kva.example"),
            ("*", "*"),
            ("*:8443", "*:8443"),
            ("http://*", "http://*"),
            ("*.x.com:8443", "*.x.com:8443"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("[2001:DB8:0::1]", "[2001:db8::1]"),
            ("localhost", "localhost"),
            ("_dmarc.example.com", "_dmarc.example.com"),
            ("a.com:0443", "a.com"),
        ] {
            assert_eq!(pattern(text).as_str(), canonical, "{text}");
            assert_eq!(pattern(canonical), pattern(text));
        }
    }

    #[test]
    fn what_isn_t_a_whole_host_is_refused() {
        use HostError as E;
        let long_label = format!("{}.com", "a".repeat(64));
        let long = vec!["a"; 130].join(".");
        for (text, error) in [
            ("", E::Length),
            ("ftp://a.com", E::Scheme("ftp".into())),
            ("https://a.com/", E::Path),
            ("a.com/v1", E::Path),
            ("a.com?x", E::Path),
            ("a.com#x", E::Path),
            ("a.com\\b", E::Path),
            ("user@a.com", E::UserInfo),
            ("https://u:p@a.com", E::UserInfo),
            ("a.com:", E::Port),
            ("a.com:0", E::Port),
            ("a.com:65536", E::Port),
            ("a.com:+1", E::Port),
            ("a.com:http", E::Port),
            ("*x.com", E::Wildcard),
            ("a.*.com", E::Wildcard),
            ("*.*", E::Wildcard),
            ("*.*.com", E::Wildcard),
            ("**", E::Wildcard),
            ("*.127.0.0.1", E::WildcardAddress),
            ("*.[::1]", E::WildcardAddress),
            ("2130706433", E::Address("127.0.0.1".into())),
            ("0x7f.1", E::Address("127.0.0.1".into())),
            ("127.1", E::Address("127.0.0.1".into())),
            ("::1", E::Address("[::1]".into())),
            ("*.", E::Name),
            (".", E::Name),
            ("a..com", E::Name),
            ("a.com..", E::Name),
            (".a.com", E::Name),
            ("%61.com", E::Name),
            ("a b.com", E::Name),
            ("a\r\nb.com", E::Name),
            ("a,b.com", E::Name),
            ("a$.com", E::Name),
            ("[::1", E::Name),
            ("[::1]x", E::Name),
            ("https://", E::Name),
            ("xn--a", E::Name),
            (&long_label, E::Name),
            (&long, E::Name),
        ] {
            assert_eq!(text.parse::<HostPattern>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn wildcards_cover_names_and_never_addresses() {
        let covers = |wide: &str, narrow: &str| pattern(wide).covers(&pattern(narrow));
        assert!(covers("*.x.com", "a.x.com"));
        assert!(covers("*.x.com", "a.b.x.com"));
        assert!(covers("*.x.com", "*.b.x.com"));
        assert!(covers("*", "*.com"));
        assert!(!covers("*.x.com", "x.com"));
        assert!(!covers("*.x.com", "ax.com"));
        assert!(!covers("*.b.x.com", "*.x.com"));
        assert!(!covers("a.x.com", "*.x.com"));
        assert!(!covers("*", "127.0.0.1"));
        assert!(!covers("*", "a.com:8443"));
        assert!(!covers("*", "http://a.com"));
        assert!(!covers("*:80", "http://a.com"));
    }

    #[test]
    fn urls_are_compared_by_origin() {
        let allows = |text: &str, url: &str| pattern(text).allows(&Url::parse(url).unwrap());
        assert!(allows("api.example.com", "https://API.Example.com./x?y"));
        assert!(allows("api.example.com", "https://api.example.com:443/"));
        assert!(!allows("api.example.com", "http://api.example.com/"));
        assert!(!allows("api.example.com", "https://api.example.com:22/"));
        assert!(!allows("api.example.com", "https://api.example.com.evil.example/"));
        assert!(!allows("*.x.com", "https://x.com/"));
        assert!(!allows("*", "https://2130706433/"));
        assert!(allows("127.0.0.1", "https://2130706433/"), "the URL parser has said what it means");
        assert!(!allows("*", "data:text/plain,x"));
    }
}
