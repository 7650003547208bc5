//! Who are we to this server? Credentials belong to an origin (scheme, host, port), never to a name in a project.
//!
//! Were they named in the project's manifest, a pull request could mail any CI secret to a registry of its own. So they come from
//! the user's side only, and they're looked up by the URL that's about to be asked, on every hop. In this order, the first that
//! has one answers: `MFP_CREDENTIALS`, a variable that the user's configuration names, a credential [`helper`], what `mfp login`
//! put into the [`keyring`] or into a file ([`logins`]), netrc.
//!
//! Variables and netrc are sent at once, they're at hand. A helper is a process and a keyring is a conversation over D-Bus, perhaps
//! with a person: they're asked once the server has said 401 or 403, then the request is sent once more, and the answer is
//! remembered until the process ends. So an anonymous registry costs nobody anything and is told nothing.
//!
//! Secrets are held in types that print nothing and, but for the header that the HTTP library keeps, are overwritten when dropped.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use tokio::sync::OnceCell;
use url::Url;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::settings::{Hidden, Settings};
use crate::user_config::{CredentialConfig, CredentialStore};
use helper::Helper;
use logins::{Kept, Login, Logins, Token};

mod helper;
mod keyring;
mod logins;

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

/// Who knows a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Variable,
    Configuration,
    Helper,
    Keyring,
    File,
    Netrc,
}

impl Source {
    /// As `--json` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Configuration => "configuration",
            Self::Helper => "helper",
            Self::Keyring => "keyring",
            Self::File => "file",
            Self::Netrc => "netrc",
        }
    }

    /// As a person is told.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Variable => "the variable MFP_CREDENTIALS",
            Self::Configuration => "a variable that your configuration names",
            Self::Helper => "the credential helper of your configuration",
            Self::Keyring => "the system's keyring",
            Self::File => "mfp's credentials file",
            Self::Netrc => "netrc",
        }
    }
}

/// A credential, and whose it is as far as that's known.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) source: Source,
    pub(crate) username: Option<String>,
    secret: Secret,
}

impl Known {
    fn of(source: Source, username: Option<String>, secret: &str) -> Result<Self> {
        let secret = match &username {
            Some(username) => basic(username, secret)?,
            None => bearer(secret)?,
        };
        Ok(Self { source, username, secret })
    }

    fn header(&self) -> Option<HeaderValue> {
        match &self.secret {
            Secret::Authorization(value) => Some(value.clone()),
            Secret::ApiKey(_) => None,
        }
    }
}

/// Credentials by origin.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    by_origin: BTreeMap<String, Known>,
    by_host: BTreeMap<String, Known>,
    later: Later,
}

/// Those that have to be asked for, and what they answered.
#[derive(Debug, Default)]
struct Later {
    helpers: BTreeMap<String, Helper>,
    logins: Option<Logins>,
    recorded: OnceLock<Result<BTreeMap<String, Login>>>,
    timeout: Duration,
    /// In CI nobody can unlock a keyring, and nobody is asked to.
    may_ask_keyring: bool,
    answers: Mutex<BTreeMap<String, Arc<OnceCell<Option<Known>>>>>,
}

/// What's to be asked about one origin. It can go to another thread.
#[derive(Debug)]
struct Question {
    origin: String,
    helper: Option<Helper>,
    login: Option<Login>,
    timeout: Duration,
    may_ask_keyring: bool,
}

impl Credentials {
    /// Collect what's at hand, and who could be asked. Nobody is asked yet.
    pub(crate) fn collect(settings: &Settings) -> Result<Self> {
        let later = Later {
            logins: settings.logins.as_deref().map(Logins::at),
            timeout: settings.user.credential_timeout,
            may_ask_keyring: !settings.ci,
            ..Later::default()
        };
        let mut all = Self { later, ..Self::default() };
        if let Some(file) = &settings.netrc {
            all.by_host = from_netrc(file)?;
        }
        let folder = settings.user_config_file.as_deref().and_then(Path::parent);
        for (origin, config) in &settings.user.credentials {
            let origin = canonical_origin(origin)?;
            if let CredentialConfig::Helper { helper } = config {
                all.later.helpers.insert(origin, Helper::new(helper, folder, settings.user.credential_timeout));
            } else if let Some(known) = from_config(settings, config)? {
                all.by_origin.insert(origin, known);
            }
        }
        if let Some(json) = &settings.credentials {
            for (origin, token) in parse_variable(json)? {
                all.by_origin.insert(canonical_origin(&origin)?, Known::of(Source::Variable, None, &token)?);
            }
        }
        Ok(all)
    }

    /// What to send to this URL's origin at once, if anything, on the way from the URL that was `asked` for.
    ///
    /// netrc knows hosts only. What it has goes to the origin that was asked for and to no other that a server redirects to,
    /// and never in the clear, but to this machine itself.
    pub(crate) fn for_hop(&self, url: &Url, asked: &Url) -> Option<HeaderValue> {
        let origin = origin_of(url);
        if let Some(known) = self.by_origin.get(&origin) {
            return known.header();
        }
        match self.later.answered(&origin) {
            Answered::Known(known) => known.header().filter(|_| is_private_talk(url)),
            Answered::Nobody => self.netrc_for(url, asked),
            // netrc comes last: where somebody else may know better, it waits until he has been asked.
            Answered::NotAsked => self.netrc_for(url, asked).filter(|_| !self.later.may_know(&origin)),
        }
    }

    /// What to send after the server has refused what was `sent`; nothing if nobody has anything else.
    pub(crate) async fn after_refusal(&self, url: &Url, asked: &Url, sent: Option<&HeaderValue>) -> Result<Option<HeaderValue>> {
        let origin = origin_of(url);
        if self.by_origin.contains_key(&origin) || !is_private_talk(url) {
            return Ok(None);
        }
        let known = self.later.answer(&origin).await?;
        let header = known.as_ref().and_then(Known::header).or_else(|| self.netrc_for(url, asked));
        Ok(header.filter(|header| Some(header) != sent))
    }

    /// Who knows a credential for this URL's origin, and whose it is. Everybody who could know is asked, in order.
    pub(crate) fn who(&self, url: &Url) -> Result<Option<Known>> {
        let origin = origin_of(url);
        if let Some(known) = self.by_origin.get(&origin) {
            return Ok(Some(known.clone()));
        }
        let known = if is_private_talk(url) { self.later.question(&origin)?.ask()? } else { None };
        Ok(known.or_else(|| self.by_host.get(url.host_str()?).filter(|_| is_private_talk(url)).cloned()))
    }

    /// Who has a credential for this URL's origin that's sent before a login is looked at.
    pub(crate) fn at_hand(&self, url: &Url) -> Option<Source> {
        let origin = origin_of(url);
        let known = self.by_origin.get(&origin).map(|known| known.source);
        known.or_else(|| self.later.helpers.contains_key(&origin).then_some(Source::Helper))
    }

    /// What a service at this URL is told with every request. Not what netrc has: it's for a host, and any line of a project
    /// could name a port of it.
    pub(crate) fn for_service(&self, url: &Url) -> Result<Option<mfp_loader::Credential>> {
        let text = |value: &HeaderValue| value.to_str().map(str::to_owned).ok();
        let known = self.who(url)?.filter(|known| known.source != Source::Netrc);
        Ok(known.and_then(|known| match &known.secret {
            Secret::Authorization(value) => mfp_loader::Credential::authorization(&text(value)?).ok(),
            Secret::ApiKey(value) => mfp_loader::Credential::api_key(&text(value)?).ok(),
        }))
    }

    fn netrc_for(&self, url: &Url, asked: &Url) -> Option<HeaderValue> {
        self.by_host.get(url.host_str()?).filter(|_| url.origin() == asked.origin() && is_private_talk(url))?.header()
    }
}

/// What's known of an origin's credential so far.
enum Answered {
    NotAsked,
    Nobody,
    Known(Known),
}

impl Later {
    fn recorded(&self) -> Result<&BTreeMap<String, Login>> {
        let read = || self.logins.as_ref().map_or(Ok(BTreeMap::new()), Logins::read);
        self.recorded.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// Could somebody know something for this origin? A file that can't be read is an error for whoever needs it, not here.
    fn may_know(&self, origin: &str) -> bool {
        self.helpers.contains_key(origin) || self.recorded().is_ok_and(|logins| logins.contains_key(origin))
    }

    /// What was answered for this origin, if somebody was asked already.
    fn answered(&self, origin: &str) -> Answered {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(origin).and_then(|cell| cell.get()) {
            Some(Some(known)) => Answered::Known(known.clone()),
            Some(None) => Answered::Nobody,
            None => Answered::NotAsked,
        }
    }

    /// Ask, once a process, on a thread that may wait.
    async fn answer(&self, origin: &str) -> Result<Option<Known>> {
        let cell = Arc::clone(self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(origin.to_owned()).or_default());
        let ask = async || {
            let question = self.question(origin)?;
            if question.is_idle() {
                return Ok(None);
            }
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let work = move || drop(sender.send(question.ask()));
            let started = std::thread::Builder::new().name("mfp-credentials".into()).spawn(work);
            started.map_err(|error| Error::new("mfp::io::runtime", format!("a thread can't be started: {error}")))?;
            receiver.await.map_err(|_| Error::bug("who was asked for a credential went away"))?
        };
        cell.get_or_try_init(ask).await.cloned()
    }

    fn question(&self, origin: &str) -> Result<Question> {
        let helper = self.helpers.get(origin).cloned();
        let login = self.recorded()?.get(origin).cloned();
        Ok(Question { origin: origin.to_owned(), helper, login, timeout: self.timeout, may_ask_keyring: self.may_ask_keyring })
    }
}

impl Question {
    fn is_idle(&self) -> bool {
        self.helper.is_none() && self.login.is_none()
    }

    /// Ask those who may know, in order. Waits no longer than its time-out for each.
    fn ask(self) -> Result<Option<Known>> {
        if let Some(given) = self.helper.as_ref().map(|helper| helper.get(&self.origin)).transpose()?.flatten() {
            return Known::of(Source::Helper, given.username, &given.secret).map(Some);
        }
        match self.login {
            None => Ok(None),
            Some(Login { username, kept: Kept::File(Token(token)) }) => Known::of(Source::File, username, &token).map(Some),
            Some(Login { kept: Kept::Keyring, .. }) if !self.may_ask_keyring => {
                tracing::debug!(origin = %self.origin, "the keyring has a token, and in CI it isn't asked");
                Ok(None)
            }
            Some(Login { username, kept: Kept::Keyring }) => {
                let secret = keyring::get(&self.origin, self.timeout).map_err(|why| no_keyring(&self.origin, &why))?;
                secret.map(|secret| Known::of(Source::Keyring, username, &secret)).transpose()
            }
        }
    }
}

/// A keyring that should have a token can't be asked. Another identity isn't taken in its place.
fn no_keyring(origin: &str, why: &keyring::Unavailable) -> Error {
    let why = crate::report::clean(&why.0);
    Error::new("mfp::credentials::keyring", format!("the token for {origin} is in the system's keyring, which can't be asked: {why}"))
        .help(format!("unlock it, or keep the token in a file: `mfp login {origin} --store file`, or give it in MFP_CREDENTIALS"))
}

/// Where a login went, and why not where it should have gone first.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) source: Source,
    pub(crate) place: Option<PathBuf>,
    pub(crate) passed_over: Option<String>,
}

/// What `mfp login` and `mfp logout` change.
#[derive(Debug)]
pub(crate) struct Vault<'a> {
    settings: &'a Settings,
    logins: Logins,
}

impl<'a> Vault<'a> {
    pub(crate) fn open(settings: &'a Settings) -> Result<Self> {
        let file = settings.logins.as_deref().ok_or_else(|| {
            Error::new("mfp::io::no-home", "there's no home folder to keep credentials in").help("set HOME, or use MFP_CREDENTIALS")
        })?;
        Ok(Self { settings, logins: Logins::at(file) })
    }

    /// Keep a token for an origin.
    pub(crate) fn keep(&self, origin: &str, username: Option<String>, token: &Hidden, store: CredentialStore) -> Result<Stored> {
        // What can't be sent isn't kept.
        Known::of(Source::File, username.clone(), token)?;
        let timeout = self.settings.user.credential_timeout;
        let in_keyring = match store {
            CredentialStore::File => Err(None),
            CredentialStore::Auto if self.settings.ci => Err(None),
            CredentialStore::Auto | CredentialStore::Keyring => keyring::set(origin, token, timeout).map_err(Some),
        };
        let (kept, passed_over) = match in_keyring {
            Ok(()) => (Kept::Keyring, None),
            Err(Some(why)) if store == CredentialStore::Keyring => {
                let why = crate::report::clean(&why.0).into_owned();
                return Err(Error::new("mfp::credentials::keyring", format!("the system's keyring can't keep the token: {why}"))
                    .help(format!("unlock it, or keep the token in a file: `mfp login {origin} --store file`")));
            }
            Err(why) => (Kept::File(Token(token.clone())), why.map(|why| why.0)),
        };
        let is_file = matches!(kept, Kept::File(_));
        self.logins.change(self.settings.user.lock_timeout, |logins| {
            logins.insert(origin.to_owned(), Login { username, kept });
        })?;
        Ok(Stored {
            source: if is_file { Source::File } else { Source::Keyring },
            place: is_file.then(|| self.logins.file().to_owned()),
            passed_over,
        })
    }

    /// The origins that somebody logged in to.
    pub(crate) fn origins(&self) -> Result<Vec<String>> {
        Ok(self.logins.read()?.into_keys().collect())
    }

    /// Forget an origin's token. If the keyring can't be asked, nothing is forgotten: it would keep a token that nobody knows of.
    pub(crate) fn forget(&self, origin: &str) -> Result<bool> {
        let Some(login) = self.logins.read()?.remove(origin) else { return Ok(false) };
        if matches!(login.kept, Kept::Keyring) {
            keyring::delete(origin, self.settings.user.credential_timeout).map_err(|why| no_keyring(origin, &why))?;
        }
        self.logins.change(self.settings.user.lock_timeout, |logins| drop(logins.remove(origin)))?;
        Ok(true)
    }
}

/// A URL's origin in its one spelling.
pub(crate) fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The header that a token makes, to try it before it's kept.
pub(crate) fn header_of(username: Option<&str>, token: &Hidden) -> Result<HeaderValue> {
    let known = Known::of(Source::File, username.map(str::to_owned), token)?;
    known.header().ok_or_else(|| Error::bug("a token is sent as Authorization"))
}

/// Can nobody between here and there listen?
pub(crate) fn is_private_talk(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
}

/// An origin in its one spelling, without a trailing slash and without a default port.
pub(crate) fn canonical_origin(text: &str) -> Result<String> {
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

fn from_config(settings: &Settings, config: &CredentialConfig) -> Result<Option<Known>> {
    let variable = |name: &str| settings.environment.text(name).map(|text| Hidden::from(text.to_owned()));
    let source = Source::Configuration;
    match config {
        CredentialConfig::Token { token_env } => variable(token_env).map(|token| Known::of(source, None, &token)).transpose(),
        CredentialConfig::Basic { username, password_env } => {
            variable(password_env).map(|password| Known::of(source, Some(username.clone()), &password)).transpose()
        }
        CredentialConfig::ApiKey { api_key_env } => variable(api_key_env)
            .map(|key| header_value(&key).map(|key| Known { source, username: None, secret: Secret::ApiKey(key) }))
            .transpose(),
        CredentialConfig::Helper { .. } => Ok(None),
    }
}

fn parse_variable(json: &str) -> Result<BTreeMap<String, Hidden>> {
    serde_json::from_str(json).map_err(|_| {
        Error::new("mfp::usage::credentials", "MFP_CREDENTIALS isn't a JSON object of origins and tokens")
            .help(r#"write it as {"https://plugins.acme.example":"…"}"#)
    })
}

fn from_netrc(file: &Path) -> Result<BTreeMap<String, Known>> {
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
        .map(|(host, entry)| Ok((host.clone(), Known::of(Source::Netrc, Some(entry.login.clone()), &entry.password)?)))
        .collect()
}

fn bearer(token: &str) -> Result<Secret> {
    header_value(&Zeroizing::new(format!("Bearer {token}"))).map(Secret::Authorization)
}

fn basic(username: &str, password: &str) -> Result<Secret> {
    let plain = Zeroizing::new(format!("{username}:{password}"));
    let encoded = Zeroizing::new(STANDARD.encode(plain.as_bytes()));
    header_value(&Zeroizing::new(format!("Basic {}", *encoded))).map(Secret::Authorization)
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

    fn token(text: &str) -> Known {
        Known::of(Source::Variable, None, text).unwrap()
    }

    fn netrc() -> Known {
        Known::of(Source::Netrc, Some("u".into()), "p").unwrap()
    }

    #[test]
    fn a_credential_goes_to_its_own_origin_only() {
        let by_origin = BTreeMap::from([(canonical_origin("https://Plugins.acme.example:443").unwrap(), token("t0ken"))]);
        let credentials = Credentials { by_origin, ..Credentials::default() };
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
        let by_host = BTreeMap::from([("a.example".to_owned(), netrc()), ("127.0.0.1".to_owned(), netrc())]);
        let credentials = Credentials { by_host, ..Credentials::default() };
        let sent = |to: &str, asked: &str| credentials.for_hop(&url(to), &url(asked)).is_some();
        assert!(sent("https://a.example/x", "https://a.example/") && sent("http://127.0.0.1:81/x", "http://127.0.0.1:81/y"));
        assert!(!sent("https://a.example:8443/x", "https://a.example/") && !sent("http://127.0.0.1:82/x", "http://127.0.0.1:81/y"));
        assert!(!sent("http://a.example/x", "http://a.example/"), "not in the clear");
    }

    #[test]
    fn an_api_key_is_for_services_only() {
        let key = Secret::ApiKey(HeaderValue::from_static("k3y"));
        let by_origin =
            BTreeMap::from([("https://a.example".to_owned(), Known { source: Source::Configuration, username: None, secret: key })]);
        let by_host = BTreeMap::from([("b.example".to_owned(), netrc())]);
        let credentials = Credentials { by_origin, by_host, ..Credentials::default() };
        let at = url("https://a.example/base");
        assert!(credentials.for_hop(&at, &at).is_none());
        assert!(format!("{:?}", credentials.for_service(&at).unwrap()).contains("x-api-key"));
        assert!(credentials.for_service(&url("https://b.example/")).unwrap().is_none(), "what netrc has for a host isn't for services");
    }

    #[test]
    fn nothing_prints_a_secret() {
        let credentials =
            Credentials { by_origin: BTreeMap::from([("https://a.example".to_owned(), token("canary-7f3a"))]), ..Credentials::default() };
        assert!(!format!("{credentials:?}").contains("canary"));
    }

    #[test]
    fn an_origin_is_no_more_than_that() {
        for text in ["https://a.example/path", "https://u@a.example", "ftp://a.example", "a.example", "https://a.example/?q"] {
            assert!(canonical_origin(text).is_err(), "{text}");
        }
    }
}
