//! Who are we to this server? Credentials belong to an origin (scheme, host, port), never to a name in a project.
//!
//! Were they named in the project's manifest, a pull request could mail any CI secret to a registry of its own. So they
//! come from the user's configuration, from `MFP_CREDENTIALS` and from netrc, and they're looked up by the URL that is
//! about to be asked, on every hop. They're held in a type that prints nothing.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use url::Url;

use crate::error::{Error, Result};
use crate::settings::Settings;
use crate::user_config::CredentialConfig;

/// A secret as it's sent. Never printed.
#[derive(Clone)]
enum Secret {
    /// As `Authorization`, with its scheme.
    Authorization(HeaderValue),
    /// As `X-API-Key`, which only services understand.
    ApiKey(HeaderValue),
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(secret)")
    }
}

/// Credentials by origin.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    by_origin: BTreeMap<String, Secret>,
    by_host: BTreeMap<String, Secret>,
}

impl Credentials {
    /// Collect them: `MFP_CREDENTIALS` over the user's configuration over netrc.
    pub(crate) fn collect(settings: &Settings) -> Result<Self> {
        let mut all = Self::default();
        if let Some(file) = &settings.netrc {
            all.by_host = from_netrc(file)?;
        }
        for (origin, config) in &settings.user.credentials {
            if let Some(secret) = from_config(settings, config)? {
                all.by_origin.insert(canonical_origin(origin)?, secret);
            }
        }
        if let Some(json) = &settings.credentials {
            for (origin, token) in parse_variable(json)? {
                all.by_origin.insert(canonical_origin(&origin)?, bearer(&token)?);
            }
        }
        Ok(all)
    }

    /// What to send to this URL's origin, if anything, on the way from the URL that was `asked` for.
    ///
    /// netrc knows hosts only. What it has goes to the origin that was asked for and to no other that a server redirects to,
    /// and never in the clear, but to this machine itself.
    pub(crate) fn for_hop(&self, url: &Url, asked: &Url) -> Option<HeaderValue> {
        let by_origin = self.by_origin.get(&url.origin().ascii_serialization());
        let by_host = || self.by_host.get(url.host_str()?).filter(|_| url.origin() == asked.origin() && is_private_talk(url));
        match by_origin.or_else(by_host)? {
            Secret::Authorization(value) => Some(value.clone()),
            Secret::ApiKey(_) => None,
        }
    }

    /// What a service at this URL is told with every request. Not what netrc has: it's for a host, and any line of a project
    /// could name a port of it.
    pub(crate) fn for_service(&self, url: &Url) -> Option<mfp_loader::Credential> {
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
        match self.by_origin.get(&url.origin().ascii_serialization())? {
            Secret::Authorization(value) => mfp_loader::Credential::authorization(&text(value)?).ok(),
            Secret::ApiKey(value) => mfp_loader::Credential::api_key(&text(value)?).ok(),
        }
    }
}

/// Can nobody between here and there listen?
pub(super) fn is_private_talk(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
}

/// An origin in its one spelling, without a trailing slash and without a default port.
fn canonical_origin(text: &str) -> Result<String> {
    let refuse = || {
        Error::new("mfp::usage::credentials", "credentials are for an origin: a scheme, a host and perhaps a port")
            .help("write it as `https://plugins.acme.example` or `https://host:8443`")
    };
    let url = Url::parse(text).map_err(|_| refuse())?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then(|| url.origin().ascii_serialization()).ok_or_else(refuse)
}

fn from_config(settings: &Settings, config: &CredentialConfig) -> Result<Option<Secret>> {
    let variable = |name: &str| settings.environment.text(name).map(str::to_owned);
    match config {
        CredentialConfig::Token { token_env } => variable(token_env).map(|token| bearer(&token)).transpose(),
        CredentialConfig::Basic { username, password_env } => variable(password_env).map(|password| basic(username, &password)).transpose(),
        CredentialConfig::ApiKey { api_key_env } => variable(api_key_env).map(|key| header_value(&key).map(Secret::ApiKey)).transpose(),
    }
}

fn parse_variable(json: &str) -> Result<BTreeMap<String, String>> {
    serde_json::from_str(json).map_err(|_| {
        Error::new("mfp::usage::credentials", "MFP_CREDENTIALS isn't a JSON object of origins and tokens")
            .help(r#"write it as {"https://plugins.acme.example":"…"}"#)
    })
}

fn from_netrc(file: &std::path::Path) -> Result<BTreeMap<String, Secret>> {
    if !file.is_file() {
        return Ok(BTreeMap::new());
    }
    let unreadable = || {
        Error::new("mfp::usage::credentials", format!("{} can't be read as a netrc file", file.display()))
            .help("correct it, or point NETRC at another file")
    };
    let netrc = netrc::Netrc::from_file(file).map_err(|_| unreadable())?;
    netrc
        .hosts
        .iter()
        .filter(|(host, _)| *host != "default")
        .map(|(host, entry)| Ok((host.clone(), basic(&entry.login, &entry.password)?)))
        .collect()
}

fn bearer(token: &str) -> Result<Secret> {
    header_value(&format!("Bearer {token}")).map(Secret::Authorization)
}

fn basic(username: &str, password: &str) -> Result<Secret> {
    header_value(&format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))).map(Secret::Authorization)
}

fn header_value(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new("mfp::usage::credentials", "a credential holds characters that can't be sent in a header")
            .help("look for a line break at its end")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_credential_goes_to_its_own_origin_only() {
        let by_origin = BTreeMap::from([(canonical_origin("https://Plugins.acme.example:443").unwrap(), bearer("t0ken").unwrap())]);
        let credentials = Credentials { by_origin, by_host: BTreeMap::new() };
        let for_url = |text: &str| credentials.for_hop(&url(text), &url("https://elsewhere.example/"));
        assert!(for_url("https://plugins.acme.example/index/x").is_some());
        for other in [
            "http://plugins.acme.example/",
            "https://plugins.acme.example:8443/",
            "https://acme.example/",
            "https://plugins.acme.example.evil.example/",
        ] {
            assert!(for_url(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_netrc_has_for_a_host_stays_at_the_origin_that_was_asked() {
        let by_host =
            BTreeMap::from([("a.example".to_owned(), basic("u", "p").unwrap()), ("127.0.0.1".to_owned(), basic("u", "p").unwrap())]);
        let credentials = Credentials { by_origin: BTreeMap::new(), by_host };
        let sent = |to: &str, asked: &str| credentials.for_hop(&url(to), &url(asked)).is_some();
        assert!(sent("https://a.example/x", "https://a.example/") && sent("http://127.0.0.1:81/x", "http://127.0.0.1:81/y"));
        assert!(!sent("https://a.example:8443/x", "https://a.example/") && !sent("http://127.0.0.1:82/x", "http://127.0.0.1:81/y"));
        assert!(!sent("http://a.example/x", "http://a.example/"), "not in the clear");
    }

    #[test]
    fn an_api_key_is_for_services_only() {
        let by_origin = BTreeMap::from([("https://a.example".to_owned(), Secret::ApiKey(HeaderValue::from_static("k3y")))]);
        let by_host = BTreeMap::from([("b.example".to_owned(), basic("u", "p").unwrap())]);
        let credentials = Credentials { by_origin, by_host };
        let at = url("https://a.example/base");
        assert!(credentials.for_hop(&at, &at).is_none());
        assert!(format!("{:?}", credentials.for_service(&at)).contains("x-api-key"));
        assert!(credentials.for_service(&url("https://b.example/")).is_none(), "what netrc has for a host isn't for services");
    }

    #[test]
    fn nothing_prints_a_secret() {
        let credentials = Credentials {
            by_origin: BTreeMap::from([("https://a.example".to_owned(), bearer("canary-7f3a").unwrap())]),
            by_host: BTreeMap::new(),
        };
        assert!(!format!("{credentials:?}").contains("canary"));
    }

    #[test]
    fn an_origin_is_no_more_than_that() {
        for text in ["https://a.example/path", "https://u@a.example", "ftp://a.example", "a.example", "https://a.example/?q"] {
            assert!(canonical_origin(text).is_err(), "{text}");
        }
    }
}
