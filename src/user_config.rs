//! What does this user want on this machine? `config.toml` in the platform's configuration folder.
//!
//! Mirrors, credentials by origin, proxy, CA file, folders and limits: everything that a project must not decide. It
//! never gives a project a registry that its manifest doesn't name, since a lock mustn't depend on the host; `registry`
//! here is only what `mfp init` writes into new projects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use mfp_model::text::nearest;
use mfp_model::units::Period;
use serde::Deserialize;
use toml_edit::{DocumentMut, Item};

use crate::error::{Error, Excerpt, Result};
use crate::settings::Hidden;

pub(crate) use self::approvals::{UserApprovals, UserPolicy};

pub(crate) mod approvals;

/// The user's configuration, with its defaults filled in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct UserConfig {
    /// The registry that `mfp init` writes into new projects.
    pub(crate) registry: Option<String>,
    /// Where verified plugins are kept.
    pub(crate) store_dir: Option<PathBuf>,
    /// Where what can be fetched again is kept.
    pub(crate) cache_dir: Option<PathBuf>,
    /// How files get from the store into plugin folders.
    pub(crate) link_mode: Option<LinkModeName>,
    /// How long another mfp is waited for that holds the project, the store, a download or a repository. 5 min.
    #[serde(deserialize_with = "duration")]
    pub(crate) lock_timeout: Duration,
    /// A program that looks at each plugin before it's kept, with `{path}` for the folder; it refuses by its exit code.
    pub(crate) scan: Option<Vec<String>>,
    /// How long it may take for one plugin. 5 min.
    #[serde(deserialize_with = "duration")]
    pub(crate) scan_timeout: Duration,
    /// Canonical registry URL → where to fetch its files from instead. Transport only: never in a lock.
    pub(crate) mirrors: BTreeMap<String, String>,
    /// Credentials by origin.
    pub(crate) credentials: BTreeMap<String, CredentialConfig>,
    /// Where `mfp login` keeps tokens.
    pub(crate) credential_store: CredentialStore,
    /// How long a keyring or a credential helper is waited for. 20 s.
    #[serde(deserialize_with = "duration")]
    pub(crate) credential_timeout: Duration,
    /// How to talk to servers.
    pub(crate) network: NetworkConfig,
    /// What any plugin gets at most on this machine, whatever a project approved; and whose approvals count.
    pub(crate) policy: UserPolicy,
    /// The user's own approvals, which count where the policy says so.
    pub(crate) approvals: UserApprovals,
}

impl Default for UserConfig {
    fn default() -> Self {
        Self {
            registry: None,
            store_dir: None,
            cache_dir: None,
            link_mode: None,
            lock_timeout: Duration::from_mins(5),
            scan: None,
            scan_timeout: Duration::from_mins(5),
            mirrors: BTreeMap::new(),
            credentials: BTreeMap::new(),
            credential_store: CredentialStore::Auto,
            credential_timeout: Duration::from_secs(20),
            network: NetworkConfig::default(),
            policy: UserPolicy::default(),
            approvals: UserApprovals::default(),
        }
    }
}

/// How files get from the store into plugin folders, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LinkModeName {
    Auto,
    Clone,
    Hardlink,
    Copy,
    Symlink,
}

/// Where `mfp login` keeps a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CredentialStore {
    /// In the system's keyring where there's one that answers, else in a file.
    Auto,
    /// In the system's keyring, or not at all.
    Keyring,
    /// In a file that only this user can read.
    File,
}

/// Where a credential is. The secret itself never stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields, rename_all_fields = "kebab-case")]
pub(crate) enum CredentialConfig {
    /// A bearer token in an environment variable.
    Token { token_env: String },
    /// A user name, and a password in an environment variable.
    Basic { username: String, password_env: String },
    /// An API key in an environment variable, for services that want it as `X-API-Key`.
    ApiKey { api_key_env: String },
    /// A command that's asked, without a shell.
    Helper { helper: Vec<String> },
}

impl CredentialConfig {
    fn is_empty_helper(&self) -> bool {
        matches!(self, Self::Helper { helper } if helper.first().is_none_or(String::is_empty))
    }
}

/// How to talk to servers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct NetworkConfig {
    /// A proxy for everything, where the environment names none.
    pub(crate) proxy: Option<Hidden>,
    /// A PEM file of CA certificates to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// How long a connection may take to be made. 10 s.
    #[serde(deserialize_with = "duration")]
    pub(crate) connect_timeout: Duration,
    /// How long a server may send nothing. 30 s.
    #[serde(deserialize_with = "duration")]
    pub(crate) idle_timeout: Duration,
    /// How long an artifact may take. 5 min.
    #[serde(deserialize_with = "duration")]
    pub(crate) artifact_timeout: Duration,
    /// How often a request is tried again. 3.
    pub(crate) retries: u32,
    /// How many requests are in flight at once. 64.
    pub(crate) concurrency: usize,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            proxy: None,
            ca_file: None,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(30),
            artifact_timeout: Duration::from_mins(5),
            retries: 3,
            concurrency: 64,
        }
    }
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Period::deserialize(deserializer).map(Period::as_duration)
}

/// Every key of the file, with what it means: for `mfp config list`, for nearest names, and for the book.
pub(crate) const KEYS: &[(&str, &str)] = &[
    ("registry", "the registry that `mfp init` writes into new projects"),
    ("store-dir", "where verified plugins are kept"),
    ("cache-dir", "where what can be fetched again is kept"),
    ("link-mode", "how files get from the store into plugin folders: auto, clone, hardlink, copy or symlink"),
    ("lock-timeout", "how long another mfp is waited for that holds the project, the store, a download or a repository"),
    ("scan", "a program and its arguments that look at each plugin before it's kept, `{path}` for its folder; refuses by its exit code"),
    ("scan-timeout", "how long the scanner may take for one plugin"),
    ("mirrors", "a table: canonical registry URL = where to fetch its files from instead"),
    ("credentials", "a table by origin: token-env, or username and password-env, or helper; for services also api-key-env"),
    ("credential-store", "where `mfp login` keeps tokens: auto, keyring or file"),
    ("credential-timeout", "how long a keyring or a credential helper is waited for"),
    ("network.proxy", "a proxy for everything, where the environment names none"),
    ("network.ca-file", "a PEM file of CA certificates to trust beside the system's"),
    ("network.connect-timeout", "how long a connection may take to be made"),
    ("network.idle-timeout", "how long a server may send nothing"),
    ("network.artifact-timeout", "how long an artifact may take"),
    ("network.retries", "how often a request is tried again"),
    ("network.concurrency", "how many requests are in flight at once"),
    ("policy.approvals-from", "whose approvals count: the `project`'s (its `[approvals]`), or only those of the `user`, in this file"),
    ("approvals", "a table by project: the user's own approvals, which `mfp approve` writes where `policy.approvals-from` is `user`"),
    ("policy.env", "the environment variables that plugins get at most, whatever projects approve"),
    ("policy.fs-read", "the folders of projects that plugins may read at most"),
    ("policy.fs-write", "the folders of projects that plugins may write at most"),
    ("policy.http", "the hosts that plugins may ask at most"),
    ("policy.memory", "the most memory that a plugin gets"),
    ("policy.time-ms", "the most guest time that a plugin's call gets, in milliseconds"),
];

impl UserConfig {
    /// Read the file that was named: it must be there.
    pub(crate) fn load_named(file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            Error::new("mfp::config::unreadable", format!("the configuration {} can't be read: {error}", file.display()))
                .help("name another with `--config FILE`, or none with `--no-config`")
        })?;
        Self::parse(&text, file)
    }

    /// Read the usual file, if it's there.
    pub(crate) fn load_usual(file: &Path) -> Result<Self> {
        if file.exists() { Self::load_named(file) } else { Ok(Self::default()) }
    }

    /// Parse the text of such a file.
    pub(crate) fn parse(text: &str, file: &Path) -> Result<Self> {
        let mut config: Self = toml_edit::de::from_str(text).map_err(|error| explain(text, file, &error))?;
        config.resolve_paths(file.parent().unwrap_or(Path::new("")));
        config.check_limits(file)?;
        Ok(config)
    }

    /// Relative paths stand in the file's own folder.
    fn resolve_paths(&mut self, folder: &Path) {
        for path in [&mut self.store_dir, &mut self.cache_dir, &mut self.network.ca_file].into_iter().flatten() {
            *path = folder.join(&*path);
        }
        for credential in self.credentials.values_mut() {
            // A bare name is looked for in PATH. Anything else would depend on the project that one stands in.
            if let CredentialConfig::Helper { helper } = credential
                && let Some(program) = helper.first_mut()
                && Path::new(program).components().count() > 1
            {
                *program = folder.join(&*program).display().to_string();
            }
        }
        // A plain name is looked for as a shell would.
        if let Some(program) = self.scan.as_mut().and_then(|command| command.first_mut()).filter(|program| program.contains('/')) {
            *program = folder.join(&*program).display().to_string();
        }
    }

    fn check_limits(&self, file: &Path) -> Result<()> {
        let refuse = |what: &str| {
            Err(Error::new("mfp::config::invalid", format!("{}: {what}", file.display())).help("`mfp config list` shows what's in force"))
        };
        match &self.network {
            network if network.concurrency == 0 || network.concurrency > 1000 => refuse("network.concurrency is between 1 and 1000"),
            network if network.retries > 20 => refuse("network.retries is at most 20"),
            _ if self.credentials.values().any(CredentialConfig::is_empty_helper) => {
                refuse("a credential helper is a command: `helper = [\"command\", \"argument\"]`")
            }
            _ if self.credential_timeout.is_zero() => refuse("a time-out of zero would stop everything"),
            network if [network.connect_timeout, network.idle_timeout, network.artifact_timeout].contains(&Duration::ZERO) => {
                refuse("a time-out of zero would stop everything")
            }
            _ if self.scan_timeout.is_zero() => refuse("scan-timeout: a scanner with no time at all would refuse everything"),
            _ if self.scan.as_ref().is_some_and(|command| !is_scanner(command)) => {
                refuse("scan is a list: a program, and arguments of which one has `{path}` in it")
            }
            _ => Ok(()),
        }
    }
}

/// A program that isn't told where to look would find nothing, always.
fn is_scanner(command: &[String]) -> bool {
    let path = crate::scan::PATH;
    command.split_first().is_some_and(|(program, arguments)| {
        !program.is_empty() && !program.contains(path) && arguments.iter().any(|argument| argument.contains(path))
    })
}

fn explain(text: &str, file: &Path, error: &toml_edit::de::Error) -> Error {
    let message = error.message().to_owned();
    let span = error.span().unwrap_or(0..0);
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let near = unknown.and_then(|key| nearest(key, KEYS.iter().flat_map(|(key, _)| [*key, key.rsplit('.').next().unwrap_or(key)])));
    let help = match near {
        Some(key) => format!("did you mean `{key}`?"),
        None => "`mfp config list` shows every key".to_owned(),
    };
    let excerpt = Excerpt {
        file: file.display().to_string(),
        text: text.to_owned(),
        span,
        label: message.lines().next().unwrap_or_default().to_owned(),
    };
    Error::new("mfp::config::invalid", "the user configuration can't be read").excerpt(excerpt).help(help)
}

/// Set one value in the text of a configuration file, keeping comments and order.
pub(crate) fn set_value(text: &str, key: &str, value: &str, file: &Path) -> Result<String> {
    if !is_key(key) {
        return Err(unknown_key(key));
    }
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        Error::new("mfp::config::invalid", format!("{} isn't TOML: {}", file.display(), error.message())).help("correct it by hand first")
    })?;
    let parsed = value.parse::<toml_edit::Value>().unwrap_or_else(|_| value.into());
    let mut table = document.as_table_mut();
    let path = split_key(key);
    let (last, folders) = path.split_last().expect("`split` gives at least one part");
    for folder in folders {
        let item = table.entry(folder).or_insert_with(toml_edit::table);
        table = item.as_table_mut().ok_or_else(|| {
            Error::new("mfp::config::invalid", format!("`{folder}` in {} isn't a table", file.display())).help("correct it by hand first")
        })?;
        table.set_implicit(true);
    }
    table.insert(last, Item::Value(parsed));
    let text = document.to_string();
    match UserConfig::parse(&text, file) {
        Ok(_) => Ok(text),
        Err(error) => Err(cant_be(key, value, &error)),
    }
}

fn cant_be(key: &str, value: &str, error: &Error) -> Error {
    let why = error.source_excerpt().map_or_else(|| error.message().to_owned(), |excerpt| excerpt.label.clone());
    let clean = crate::report::clean;
    Error::new("mfp::config::invalid", format!("`{}` can't be `{}`: {why}", clean(key), clean(value)))
        .help("`mfp config list` shows what each key means")
}

/// The value of one key as it stands in the file.
pub(crate) fn get_value(text: &str, key: &str) -> Result<Option<String>> {
    if !is_key(key) {
        return Err(unknown_key(key));
    }
    let document: DocumentMut = text.parse().unwrap_or_default();
    let mut item = document.as_item();
    for part in split_key(key) {
        match item.get(part) {
            Some(deeper) => item = deeper,
            None => return Ok(None),
        }
    }
    Ok(item.as_str().map(str::to_owned).or_else(|| Some(item.to_string().trim().to_owned())))
}

/// What a key that's a table holds, each value under the key that `get_value` takes.
pub(crate) fn table_values(text: &str, key: &str) -> BTreeMap<String, String> {
    let document: DocumentMut = text.parse().unwrap_or_default();
    let mut values = BTreeMap::new();
    if let Some(table) = document.get(key).and_then(Item::as_table_like) {
        collect(key, table, &mut values);
    }
    values
}

fn collect(prefix: &str, table: &dyn toml_edit::TableLike, values: &mut BTreeMap<String, String>) {
    for (key, item) in table.iter() {
        let key = format!("{prefix}.{key}");
        match item.as_table_like() {
            Some(inner) => collect(&key, inner, values),
            None => drop(values.insert(key, item.as_str().map_or_else(|| item.to_string().trim().to_owned(), str::to_owned))),
        }
    }
}

/// `mirrors.https://…` has dots after its first; the others are split at every dot.
fn split_key(key: &str) -> Vec<&str> {
    match key.split_once('.') {
        Some((table @ ("mirrors" | "credentials"), rest)) => match rest.rsplit_once('.') {
            Some((origin, leaf @ ("token-env" | "username" | "password-env" | "api-key-env"))) if table == "credentials" => {
                vec![table, origin, leaf]
            }
            _ => vec![table, rest],
        },
        _ => key.split('.').collect(),
    }
}

fn is_key(key: &str) -> bool {
    KEYS.iter().any(|(known, _)| *known == key) || key.starts_with("mirrors.") || key.starts_with("credentials.")
}

fn unknown_key(key: &str) -> Error {
    let error = Error::new("mfp::config::unknown-key", format!("there's no key `{}` in the user configuration", crate::report::clean(key)));
    match nearest(key, KEYS.iter().map(|(key, _)| *key)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("`mfp config list` shows every key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_told_the_nearest() {
        let error = UserConfig::parse("[network]\nretrys = 3\n", Path::new("/c/config.toml")).unwrap_err();
        assert_eq!((error.code(), error.help_text()), ("mfp::config::invalid", Some("did you mean `retries`?")));
    }

    #[test]
    fn relative_paths_stand_in_the_files_folder() {
        let config = UserConfig::parse("store-dir = \"s\"\n[network]\nca-file = \"/abs/ca.pem\"\n", Path::new("/c/config.toml")).unwrap();
        assert_eq!(config.store_dir, Some(PathBuf::from("/c/s")));
        assert_eq!(config.network.ca_file, Some(PathBuf::from("/abs/ca.pem")));
    }

    #[test]
    fn values_are_set_without_losing_comments() {
        let text = set_value("# mine\nregistry = \"https://a.example/\" # why\n", "network.retries", "5", Path::new("c")).unwrap();
        assert!(text.starts_with("# mine\nregistry = \"https://a.example/\" # why\n") && text.contains("retries = 5"), "{text}");
        let text = set_value(&text, "mirrors.https://a.example/", "https://b.example/", Path::new("c")).unwrap();
        assert_eq!(get_value(&text, "mirrors.https://a.example/").unwrap().as_deref(), Some("https://b.example/"));
        assert_eq!(UserConfig::parse(&text, Path::new("c")).unwrap().network.retries, 5);
        assert!(set_value(&text, "network.retries", "many", Path::new("c")).is_err());
        assert!(set_value(&text, "network.retry", "1", Path::new("c")).is_err());
    }

    #[test]
    fn a_secret_has_no_place_in_the_file() {
        assert!(UserConfig::parse("[credentials.\"https://a.example\"]\ntoken = \"s3cret\"\n", Path::new("c")).is_err());
    }
}
