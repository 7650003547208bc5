//! Which addresses may stand in a file of ours, and how are they spelled and shown?
//!
//! Parsing is WHATWG's, but two things are decided before it: a relative `file:` URL or path (WHATWG would make
//! `file:registry/` absolute) is kept relative and resolved by [`RegistryUrl::resolve`], and characters that the parser
//! would drop or turn (tabs, newlines, backslashes) are refused, so that what a person reads is what is fetched.
//! Whether plain `http:` is allowed isn't decided here but where the key that allows it is known.

use std::fmt::{self, Write};
use std::path::Path;
use std::str::FromStr;

use url::{Host, Url};

use super::path::{RelativePath, RelativePathError};
use crate::digest::{DigestError, Sha256};
use crate::text::is_control_or_bidi;

/// The longest URL, in bytes.
pub const MAX_URL_BYTES: usize = 2048;

/// Why a text isn't an address for what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Longer than [`MAX_URL_BYTES`].
    #[error("the URL is longer than {MAX_URL_BYTES} bytes")]
    TooLong,
    /// Control characters, white space or backslashes, which a URL parser drops or turns.
    #[error("the URL has a character that URLs can't have: {0:?}")]
    Character(char),
    /// Not a URL at all.
    #[error("not a URL: {0}")]
    Syntax(String),
    /// `ftp:`, `data:` and the like.
    #[error("`{scheme}:` isn't supported here; {allowed}")]
    Scheme {
        /// The scheme that was found.
        scheme: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// `user:password@`.
    #[error(
        "the URL holds a user name or password; credentials are kept in your own configuration (`mfp config path`), never in a project"
    )]
    Userinfo,
    /// `?x=y` where a root is meant.
    #[error("the URL has a query (`?…`), which has no meaning here")]
    Query,
    /// `#x`.
    #[error("the URL has a fragment (`#…`), which has no meaning here")]
    Fragment,
    /// `file://host/`.
    #[error("a `file:` URL can't name a host")]
    FileHost,
    /// A relative path that isn't one.
    #[error(transparent)]
    Relative(#[from] RelativePathError),
    /// `#sha256=` with something else than a digest.
    #[error("`#sha256=`: {0}")]
    Digest(#[from] DigestError),
}

const WEB_OR_FILE: &str = "use `https:`, `http:` or `file:`";
const WEB: &str = "use `https:` or `http:`";

/// Refuse what the parser would drop or turn, before it can.
pub(super) fn check_characters(text: &str) -> Result<(), UrlError> {
    if text.len() > MAX_URL_BYTES {
        return Err(UrlError::TooLong);
    }
    match text.chars().find(|&c| is_control_or_bidi(c) || c.is_whitespace() || c == '\\') {
        Some(character) => Err(UrlError::Character(character)),
        None => Ok(()),
    }
}

/// The scheme, lower-cased, if the text starts with one.
pub(super) fn scheme_of(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme.then(|| scheme.to_ascii_lowercase())
}

/// Parse an absolute URL without userinfo and fragment, of `https:`, `http:` or (if `files`) `file:`.
fn parse_absolute(text: &str, files: bool) -> Result<Url, UrlError> {
    let allowed = if files { WEB_OR_FILE } else { WEB };
    let refuse = |scheme: String| Err(UrlError::Scheme { scheme, allowed });
    match scheme_of(text) {
        Some(scheme) if matches!(scheme.as_str(), "https" | "http") || files && scheme == "file" => {}
        Some(scheme) => return refuse(scheme),
        None => return Err(UrlError::Syntax(format!("it has no scheme; {allowed}"))),
    }
    let url = Url::parse(text).map_err(|error| UrlError::Syntax(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() || text.split(['/', '?', '#']).nth(2).is_some_and(|host| host.contains('@')) {
        return Err(UrlError::Userinfo);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    if url.scheme() == "file" && url.host().is_some() {
        return Err(UrlError::FileHost);
    }
    Ok(url)
}

fn refuse_query(url: Url) -> Result<Url, UrlError> {
    if url.query().is_some() { Err(UrlError::Query) } else { Ok(url) }
}

/// Percent-encode what a URL's path can't hold as it is.
pub(super) fn encode_path(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string can't fail");
        }
    }
    encoded
}

/// Take percent-encoding back. `None` if it's malformed or not UTF-8.
fn decode_path(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).ok()
}

/// Where something is: an absolute URL, or a place beside the project that's written relative to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Location {
    Absolute(Url),
    Relative(RelativePath),
}

impl Location {
    /// An absolute URL, a relative `file:` URL, or a path. The query of an absolute URL is kept.
    pub(super) fn parse(text: &str) -> Result<Self, UrlError> {
        if let Some(scheme) = scheme_of(text).filter(|scheme| scheme.len() > 1) {
            let rest = &text[scheme.len() + 1..];
            check_characters(text)?;
            if scheme == "file" && !rest.starts_with('/') {
                return Self::relative_url(rest);
            }
            return parse_absolute(text, true).map(Self::Absolute);
        }
        if text.starts_with('/') {
            let inner: RelativePath = text.trim_start_matches('/').parse()?;
            let tail = if text.ends_with('/') { "/" } else { "" };
            let encoded = format!("file:///{}{tail}", encode_path(inner.as_str()));
            return parse_absolute(&encoded, true).map(Self::Absolute);
        }
        Ok(Self::Relative(text.parse()?))
    }

    fn relative_url(rest: &str) -> Result<Self, UrlError> {
        if rest.contains('?') {
            return Err(UrlError::Query);
        }
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let path = decode_path(rest).ok_or_else(|| UrlError::Syntax("malformed percent-encoding".to_owned()))?;
        Ok(Self::Relative(path.parse()?))
    }

    fn absolute(&self) -> Option<&Url> {
        match self {
            Self::Absolute(url) => Some(url),
            Self::Relative(_) => None,
        }
    }

    /// The absolute URL; `tail` is what ends a relative one (`/` for a root).
    pub(super) fn resolve(&self, project_dir: &Path, tail: &str) -> Url {
        match self {
            Self::Absolute(url) => url.clone(),
            Self::Relative(path) => {
                let base = Url::from_directory_path(project_dir).expect("the project's folder is given as an absolute path");
                let relative = format!("./{}{tail}", encode_path(path.as_str()));
                base.join(&relative).expect("an encoded path that starts with `./` joins any `file:` URL")
            }
        }
    }

    fn needs_allow_http(&self) -> bool {
        self.absolute().is_some_and(is_plain_http_elsewhere)
    }
}

/// Is this plain `http:` to another machine? Loopback is by name (`localhost`) or by literal address.
pub fn is_plain_http_elsewhere(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

/// Does the URL's host name this machine? `localhost`, names below it, `127.0.0.0/8` and `::1`; nothing is looked up.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The root of a registry: `https:`, `http:` or `file:`, without userinfo, query or fragment, ending in `/`.
///
/// A relative `file:` URL or path is kept relative to the project (and prints as `file:registry/`), so that manifest and
/// lock mean the same in every checkout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryUrl(Location);

impl RegistryUrl {
    /// The absolute URL, from the folder that holds the manifest. Nothing is looked up.
    ///
    /// # Panics
    /// If `project_dir` isn't absolute.
    pub fn resolve(&self, project_dir: &Path) -> Url {
        self.0.resolve(project_dir, "/")
    }

    /// The URL if it's absolute as written.
    pub fn as_url(&self) -> Option<&Url> {
        self.0.absolute()
    }

    /// The path if it's relative to the project.
    pub fn as_relative(&self) -> Option<&RelativePath> {
        match &self.0 {
            Location::Relative(path) => Some(path),
            Location::Absolute(_) => None,
        }
    }

    /// Is this plain `http:` to another machine, which needs `allow-http = true`?
    pub fn needs_allow_http(&self) -> bool {
        self.0.needs_allow_http()
    }
}

impl FromStr for RegistryUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let mut location = Location::parse(text)?;
        if let Location::Absolute(url) = location {
            let mut url = refuse_query(url)?;
            if !url.path().ends_with('/') {
                let root = format!("{}/", url.path());
                url.set_path(&root);
            }
            location = Location::Absolute(url);
        }
        Ok(Self(location))
    }
}

impl fmt::Display for RegistryUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Absolute(url) => out.write_str(url.as_str()),
            Location::Relative(path) => write!(out, "file:{}/", encode_path(path.as_str())),
        }
    }
}

/// The address of an archive or a bare module: like a registry's, but it may have a query, which is kept and locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactUrl(Location);

impl ArtifactUrl {
    /// Read what a person types: an address, with or without `#sha256=<hex>`.
    pub fn parse_with_digest(text: &str) -> Result<(Self, Option<Sha256>), UrlError> {
        match text.split_once("#sha256=") {
            Some((url, digest)) => Ok((url.parse()?, Some(digest.parse()?))),
            None => Ok((text.parse()?, None)),
        }
    }

    /// The absolute URL, from the folder that holds the manifest. Nothing is looked up.
    ///
    /// # Panics
    /// If `project_dir` isn't absolute.
    pub fn resolve(&self, project_dir: &Path) -> Url {
        self.0.resolve(project_dir, "")
    }

    /// The last segment of the path: the file's name, decoded.
    pub fn file_name(&self) -> String {
        let path = match &self.0 {
            Location::Absolute(url) => url.path(),
            Location::Relative(path) => path.as_str(),
        };
        let last = path.rsplit('/').next().unwrap_or_default();
        decode_path(last).unwrap_or_else(|| last.to_owned())
    }

    /// Does it have a query? Kept, locked and warned about: what a query selects may change, and it may hold a secret.
    pub fn has_query(&self) -> bool {
        self.0.absolute().is_some_and(|url| url.query().is_some())
    }

    /// Is this plain `http:` to another machine, which needs `allow-http = true`?
    pub fn needs_allow_http(&self) -> bool {
        self.0.needs_allow_http()
    }

    /// The address as it may be shown: without the values of its query.
    pub fn redacted(&self) -> String {
        match &self.0 {
            Location::Absolute(url) => Redacted(url).to_string(),
            Location::Relative(_) => self.to_string(),
        }
    }
}

impl FromStr for ArtifactUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Location::parse(text).map(Self)
    }
}

/// Whole, as the lock has it. To show it to people or logs, use [`ArtifactUrl::redacted`].
impl fmt::Display for ArtifactUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Absolute(url) => out.write_str(url.as_str()),
            Location::Relative(path) => write!(out, "file:{}", encode_path(path.as_str())),
        }
    }
}

/// The address of a plugin that runs as a service: `https:` or `http:`, without userinfo, query or fragment. Prints
/// without a trailing `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RemoteUrl(Url);

impl RemoteUrl {
    /// The URL, whose path ends in `/` only if it's the root.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// Is this plain `http:` to another machine, which needs `allow-http = true`?
    pub fn needs_allow_http(&self) -> bool {
        is_plain_http_elsewhere(&self.0)
    }
}

impl FromStr for RemoteUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        check_characters(text)?;
        let mut url = refuse_query(parse_absolute(text, false)?)?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// A scheme, host and port, as in `https://cdn.example`: what credentials and permissions belong to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// The origin of a URL. `None` for those that have none, such as `file:`.
    pub fn of(url: &Url) -> Option<Self> {
        let origin = url.origin();
        origin.is_tuple().then(|| Self(origin.ascii_serialization()))
    }

    /// `https://host` or `https://host:port`, without a trailing slash and without the scheme's own port.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        check_characters(text)?;
        let url = refuse_query(parse_absolute(text, false)?)?;
        if url.path() != "/" {
            return Err(UrlError::Syntax("an origin is a scheme, a host and a port, without a path".to_owned()));
        }
        Ok(Self::of(&url).expect("web addresses have an origin"))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

/// A URL as it may be shown: userinfo, the values of the query and the fragment are `…`.
#[derive(Clone, Copy)]
pub struct Redacted<'a>(pub &'a Url);

impl fmt::Display for Redacted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        write!(out, "{}:", url.scheme())?;
        if url.has_authority() {
            out.write_str("//")?;
            if !url.username().is_empty() || url.password().is_some() {
                out.write_str("…@")?;
            }
            out.write_str(url.host_str().unwrap_or_default())?;
            if let Some(port) = url.port() {
                write!(out, ":{port}")?;
            }
        }
        out.write_str(url.path())?;
        if let Some(query) = url.query() {
            let shown: Vec<String> = query.split('&').map(redact_pair).collect();
            write!(out, "?{}", shown.join("&"))?;
        }
        if url.fragment().is_some() { out.write_str("#…") } else { Ok(()) }
    }
}

fn redact_pair(pair: &str) -> String {
    match pair.split_once('=') {
        Some((key, _)) => format!("{key}=…"),
        None => "…".to_owned(),
    }
}

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry(text: &str) -> String {
        text.parse::<RegistryUrl>().unwrap().to_string()
    }

    #[test]
    fn a_root_ends_in_a_slash() {
        assert_eq!(registry("https://Plugins.ACME.example"), "https://plugins.acme.example/");
        assert_eq!(registry("https://acme.example:443/a/../b"), "https://acme.example/b/");
        assert_eq!(registry("file:///srv/plugins"), "file:///srv/plugins/");
        assert_eq!(registry("/srv/my plugins"), "file:///srv/my%20plugins/");
    }

    #[test]
    fn relative_roots_stay_relative_and_are_resolved_by_us() {
        for (text, canonical, resolved) in [
            ("file:registry/", "file:registry/", "file:///p/q/registry/"),
            ("file:../registry", "file:../registry/", "file:///p/registry/"),
            ("./registry", "file:registry/", "file:///p/q/registry/"),
            ("my registry", "file:my%20registry/", "file:///p/q/my%20registry/"),
            ("file:my%20registry", "file:my%20registry/", "file:///p/q/my%20registry/"),
            (".", "file:./", "file:///p/q/"),
            ("..", "file:../", "file:///p/"),
        ] {
            let url: RegistryUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), canonical);
            assert_eq!(url.resolve(Path::new("/p/q")).as_str(), resolved);
            assert_eq!(canonical.parse::<RegistryUrl>(), Ok(url), "{canonical}");
        }
    }

    #[test]
    fn a_root_has_nothing_that_a_root_has_not() {
        let error = |text: &str| text.parse::<RegistryUrl>().unwrap_err();
        assert_eq!(error("https://u:p@acme.example/"), UrlError::Userinfo);
        assert_eq!(error("https://@acme.example/"), UrlError::Userinfo);
        assert_eq!(error("https://acme.example/?a"), UrlError::Query);
        assert_eq!(error("https://acme.example/#a"), UrlError::Fragment);
        assert_eq!(error("file:registry/?a"), UrlError::Query);
        assert_eq!(error("file://host/registry/"), UrlError::FileHost);
        assert_eq!(error("https://acme.example/a\tb"), UrlError::Character('\t'));
        assert_eq!(error("https:\\\\acme.example"), UrlError::Character('\\'));
        assert!(matches!(error("ftp://acme.example/"), UrlError::Scheme { .. }));
        assert!(matches!(error("https://"), UrlError::Syntax(_)));
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let needs = |text: &str| text.parse::<RegistryUrl>().unwrap().needs_allow_http();
        assert!(needs("http://acme.example/") && needs("http://10.0.0.1/") && needs("http://localhost.example/"));
        for text in
            ["http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/", "https://acme.example/", "file:x/", "http://2130706433/"]
        {
            assert!(!needs(text), "{text}");
        }
    }

    #[test]
    fn an_artifact_may_have_a_query_and_shows_none_of_it() {
        let url: ArtifactUrl = "https://acme.example/a/csv-2.0.0.tar.gz?token=s3cret&x".parse().unwrap();
        assert!(url.has_query());
        assert_eq!(url.file_name(), "csv-2.0.0.tar.gz");
        assert_eq!(url.to_string(), "https://acme.example/a/csv-2.0.0.tar.gz?token=s3cret&x");
        assert_eq!(url.redacted(), "https://acme.example/a/csv-2.0.0.tar.gz?token=…&…");
    }

    #[test]
    fn a_digest_may_follow_an_artifact_on_the_command_line() {
        let hex = "0f".repeat(32);
        let (url, digest) = ArtifactUrl::parse_with_digest(&format!("https://a.example/x.zip#sha256={hex}")).unwrap();
        assert_eq!((url.to_string().as_str(), digest.unwrap().hex()), ("https://a.example/x.zip", hex));
        assert!(matches!(ArtifactUrl::parse_with_digest("https://a.example/x.zip#sha256=1"), Err(UrlError::Digest(_))));
        assert_eq!(ArtifactUrl::parse_with_digest("https://a.example/x.zip#x").unwrap_err(), UrlError::Fragment);
    }

    #[test]
    fn a_service_prints_without_its_last_slash() {
        assert_eq!("http://auth-plugin:8080".parse::<RemoteUrl>().unwrap().to_string(), "http://auth-plugin:8080");
        assert_eq!("http://auth-plugin:8080/a/".parse::<RemoteUrl>().unwrap().to_string(), "http://auth-plugin:8080/a");
        assert!("file:///x".parse::<RemoteUrl>().is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!("https://CDN.example:443/".parse::<Origin>().unwrap().as_str(), "https://cdn.example");
        assert!("https://cdn.example/x".parse::<Origin>().is_err());
        assert_eq!(Origin::of(&Url::parse("file:///x").unwrap()), None);
    }

    #[test]
    fn redaction_hides_what_could_be_secret() {
        let url = Url::parse("https://user:secret@acme.example:8443/p?key=secret#secret").unwrap();
        assert_eq!(Redacted(&url).to_string(), "https://…@acme.example:8443/p?key=…#…");
    }
}
