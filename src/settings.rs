//! What was this process told? Flags over environment over files over defaults, once.
//!
//! The only file that reads the environment. Nothing below it looks at a variable, at the clock's source or at the
//! terminal: they get a [`Settings`].

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::IsTerminal;
use std::path::{Component, Path, PathBuf};

use etcetera::BaseStrategy;
use jiff::Timestamp;
use zeroize::Zeroize;

use crate::cli::{Cli, ColorChoice, Command, GlobalArgs};
use crate::error::{Error, Result};
use crate::user_config::UserConfig;

/// The environment as it was when the process began. On a CI machine it's full of secrets, so it's never shown.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, OsString>);

impl fmt::Debug for Environment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Environment(hidden)")
    }
}

/// A text that may hold a secret: a password in a proxy's URL, a token. It's used and never shown, and overwritten when it's
/// dropped.
#[derive(Clone)]
pub(crate) struct Hidden(String);

impl Drop for Hidden {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(hidden)")
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::ops::Deref for Hidden {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> serde::Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl Environment {
    /// Take it, once.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub(crate) fn capture() -> Self {
        Self(std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value))).collect())
    }

    /// A variable that is set and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// A flag's variable: `1`, `true`, `0`, `false` or empty; anything else is an error, so that a typo is no silent "no".
    fn flag(&self, name: &str) -> Result<Option<bool>> {
        match self.0.get(name).map(|value| value.to_str()) {
            None | Some(Some("")) => Ok(None),
            Some(Some("1" | "true")) => Ok(Some(true)),
            Some(Some("0" | "false")) => Ok(Some(false)),
            Some(_) => Err(Error::new("mfp::usage::environment", format!("{name} is neither 1, true, 0 nor false"))
                .help(format!("set it to 1 or 0, or unset it: `unset {name}`"))),
        }
    }

    fn count(&self, name: &str) -> Result<u8> {
        match self.text(name) {
            None | Some("false") => Ok(0),
            Some("true") => Ok(1),
            Some(text) => text.parse().map_err(|_| {
                Error::new("mfp::usage::environment", format!("{name} isn't a small number"))
                    .help(format!("set it to 0, 1 or 2, or unset it: `unset {name}`"))
            }),
        }
    }
}

/// May the lock be written?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockMode {
    /// Yes.
    Update,
    /// No: it must be fresh.
    Locked(LockedBy),
    /// No, and it's taken as it is.
    Frozen,
}

/// Who said that the lock must be fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockedBy {
    /// `--locked` or `MFP_LOCKED`.
    Flag,
    /// `CI=true`, for `sync`, `run` and `serve`.
    Ci,
    /// `--check`.
    Check,
    /// A server that runs, and loads a changed lock.
    Serve,
}

/// How to talk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    /// One JSON document on stdout.
    pub(crate) json: bool,
    /// Errors only.
    pub(crate) quiet: bool,
    /// How much more to say.
    pub(crate) verbose: u8,
    /// Colour what goes to stderr.
    pub(crate) color_stderr: bool,
    /// Colour what goes to stdout.
    pub(crate) color_stdout: bool,
    /// Draw a progress bar.
    pub(crate) progress: bool,
}

/// Everything that this process was told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The folder that relative arguments stand in.
    pub(crate) current_dir: PathBuf,
    /// `--project`.
    pub(crate) project: Option<PathBuf>,
    /// May the lock be written?
    pub(crate) lock_mode: LockMode,
    /// Open no socket.
    pub(crate) offline: bool,
    /// How to talk.
    pub(crate) talk: Talk,
    /// Where verified plugins are kept.
    pub(crate) store_dir: PathBuf,
    /// Where what can be fetched again is kept.
    pub(crate) cache_dir: PathBuf,
    /// `--vendor`.
    pub(crate) vendor: Option<PathBuf>,
    /// The user's configuration.
    pub(crate) user: UserConfig,
    /// The file it stands in, whether it's there or not.
    pub(crate) user_config_file: Option<PathBuf>,
    /// Is this a CI run?
    pub(crate) ci: bool,
    /// Is somebody there who can be asked something? Never in CI.
    pub(crate) may_ask: bool,
    /// The time at which the process began.
    pub(crate) now: Timestamp,
    /// `SOURCE_DATE_EPOCH`: the time that a document says it's of, where it's to be the same each time.
    pub(crate) source_date: Option<Timestamp>,
    /// `MFP_CREDENTIALS`, as given.
    pub(crate) credentials: Option<Hidden>,
    /// `MFP_SERVE_TOKEN`.
    pub(crate) serve_token: Option<Hidden>,
    /// `MFP_KEY_PASSWORD`: what a publisher's secret key is opened with.
    pub(crate) key_password: Option<Hidden>,
    /// The netrc file to look in.
    pub(crate) netrc: Option<PathBuf>,
    /// What `mfp login` keeps: which origins, and where each one's token is.
    pub(crate) logins: Option<PathBuf>,
    /// Proxies by the usual variables.
    pub(crate) proxies: Proxies,
    /// The environment, for the variables that a person names in a file.
    pub(crate) environment: Environment,
}

/// Proxies by the variables that every program reads.
#[derive(Debug, Default, Clone)]
pub(crate) struct Proxies {
    /// `HTTP_PROXY`, `http_proxy` (only the lower-case one where a CGI script could be meant).
    pub(crate) http: Option<Hidden>,
    /// `HTTPS_PROXY`, `https_proxy`.
    pub(crate) https: Option<Hidden>,
    /// `ALL_PROXY`, `all_proxy`.
    pub(crate) all: Option<Hidden>,
    /// `NO_PROXY`, `no_proxy`.
    pub(crate) none: Option<String>,
}

impl Proxies {
    fn from(environment: &Environment) -> Self {
        let either = |lower: &str, upper: &str| environment.text(lower).or_else(|| environment.text(upper)).map(str::to_owned);
        let hidden = |lower: &str, upper: &str| either(lower, upper).map(Hidden);
        Self {
            // In a CGI script HTTP_PROXY is a header that the client sent.
            http: environment
                .text("http_proxy")
                .or_else(|| environment.text("HTTP_PROXY").filter(|_| environment.text("REQUEST_METHOD").is_none()))
                .map(|text| Hidden(text.to_owned())),
            https: hidden("https_proxy", "HTTPS_PROXY"),
            all: hidden("all_proxy", "ALL_PROXY"),
            none: either("no_proxy", "NO_PROXY"),
        }
    }

    /// Is any proxy set?
    pub(crate) fn any(&self) -> bool {
        self.http.is_some() || self.https.is_some() || self.all.is_some()
    }
}

impl Settings {
    /// Where a path that was typed leads to. What names a file in a message is then read as it's typed: without `..` at its beginning.
    pub(crate) fn path(&self, typed: impl AsRef<Path>) -> PathBuf {
        from(&self.current_dir, typed.as_ref())
    }

    /// Resolve flags, environment and the user's file. Every global flag is named here, so that a new one can't be forgotten.
    pub(crate) fn resolve(cli: &Cli, environment: Environment) -> Result<Self> {
        let GlobalArgs {
            project,
            locked,
            no_locked,
            frozen,
            offline,
            json: _,
            quiet: _,
            verbose: _,
            color: _,
            no_progress: _,
            config,
            no_config,
            store_dir,
            cache_dir,
            vendor,
        } = cli.global.clone();
        let either = |flag: bool, variable: &str| Ok::<_, Error>(flag || environment.flag(variable)?.unwrap_or(false));
        let folder = |flag: Option<PathBuf>, variable: &str| flag.or_else(|| environment.path(variable));

        let talk = Talk::resolve(&cli.global, &environment)?;
        let current_dir = std::env::current_dir()
            .map_err(|error| Error::new("mfp::io::current-dir", format!("the current folder can't be read: {error}")))?;
        let base = Folders::resolve();
        let config = config.filter(|file| file != Path::new(crate::cli::CONFIG_SHOWN));
        let named_config = folder(config, "MFP_CONFIG").map(|path| from(&current_dir, &path));
        let usual_config = base.as_ref().map(Folders::config_file);
        let user = match (either(no_config, "MFP_NO_CONFIG")?, &named_config, &usual_config) {
            (true, ..) | (false, None, None) => UserConfig::default(),
            (false, Some(named), _) => UserConfig::load_named(named)?,
            (false, None, Some(usual)) => UserConfig::load_usual(usual)?,
        };
        let ci = environment.flag("CI").unwrap_or(Some(true)).unwrap_or(false);
        let asked = LockFlags {
            locked: either(locked, "MFP_LOCKED")?,
            no_locked: either(no_locked, "MFP_NO_LOCKED")?,
            frozen: either(frozen, "MFP_FROZEN")?,
            ci,
        };
        let store_dir = folder(store_dir, "MFP_STORE_DIR")
            .or_else(|| user.store_dir.clone())
            .or_else(|| base.as_ref().map(|base| base.data.join("store")));
        let cache_dir =
            folder(cache_dir, "MFP_CACHE_DIR").or_else(|| user.cache_dir.clone()).or_else(|| base.as_ref().map(|base| base.cache.clone()));
        let no_home = |what: &str, flag: &str| {
            Error::new("mfp::io::no-home", format!("there's no home folder to keep the {what} in"))
                .help(format!("name one with `{flag} DIR`, or set HOME"))
        };
        Ok(Self {
            project: folder(project, "MFP_PROJECT").map(|path| from(&current_dir, &path)),
            lock_mode: asked.mode(&cli.command),
            offline: either(offline, "MFP_OFFLINE")?,
            store_dir: from(&current_dir, &store_dir.ok_or_else(|| no_home("store", "--store-dir"))?),
            cache_dir: from(&current_dir, &cache_dir.ok_or_else(|| no_home("cache", "--cache-dir"))?),
            vendor: folder(vendor, "MFP_VENDOR").map(|path| from(&current_dir, &path)),
            credentials: environment.text("MFP_CREDENTIALS").map(|text| Hidden(text.to_owned())),
            serve_token: environment.text("MFP_SERVE_TOKEN").map(|text| Hidden(text.to_owned())),
            key_password: environment.text("MFP_KEY_PASSWORD").map(|text| Hidden(text.to_owned())),
            netrc: environment.path("NETRC").or_else(|| base.as_ref().map(|base| base.home.join(".netrc"))),
            logins: base.as_ref().map(Folders::logins_file),
            proxies: Proxies::from(&environment),
            now: now(),
            source_date: source_date(&environment)?,
            user_config_file: named_config.or(usual_config),
            may_ask: !ci && std::io::stdin().is_terminal() && std::io::stderr().is_terminal(),
            current_dir,
            talk,
            user,
            ci,
            environment,
        })
    }

    /// The time, in whole seconds, that's written into what others take: `SOURCE_DATE_EPOCH`, or now.
    pub(crate) fn publishing_time(&self) -> Timestamp {
        let time = self.source_date.unwrap_or(self.now);
        Timestamp::from_second(time.as_second()).unwrap_or(time)
    }
}

/// A path from a folder. Steps to the folder above are taken at its beginning only: a current folder's own path has no links in it, and
/// further inside a `..` after a link leads elsewhere than the text says.
fn from(folder: &Path, path: &Path) -> PathBuf {
    let mut steps = path.components();
    let mut folder = folder;
    while let Some(step @ (Component::CurDir | Component::ParentDir)) = steps.clone().next() {
        if step == Component::ParentDir {
            folder = folder.parent().unwrap_or(folder);
        }
        steps.next();
    }
    let rest = steps.as_path();
    if rest.as_os_str().is_empty() {
        return folder.to_owned();
    }
    // A slash at the end says that it's a folder.
    let is_folder = path.as_os_str().as_encoded_bytes().last().is_some_and(|&last| std::path::is_separator(last.into()));
    if is_folder { folder.join(rest).join("") } else { folder.join(rest) }
}

/// <https://reproducible-builds.org/specs/source-date-epoch/>: seconds, in decimal.
fn source_date(environment: &Environment) -> Result<Option<Timestamp>> {
    let Some(text) = environment.text("SOURCE_DATE_EPOCH") else { return Ok(None) };
    let time = text.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(Some).ok_or_else(|| {
        Error::new("mfp::usage::environment", "SOURCE_DATE_EPOCH isn't a number of seconds")
            .help("set it to seconds since 1970, or unset it: `unset SOURCE_DATE_EPOCH`")
    })
}

/// This program, to be started again. On Linux that's the one that runs, whatever stands at its path by now.
pub(crate) fn this_program() -> Option<PathBuf> {
    if cfg!(target_os = "linux") { Some(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe().ok() }
}

/// A look at the clock; the only one.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// What was said about the lock.
#[expect(clippy::struct_excessive_bools, reason = "four flags as they were typed; `mode` makes one choice of them")]
struct LockFlags {
    locked: bool,
    no_locked: bool,
    frozen: bool,
    ci: bool,
}

impl LockFlags {
    fn mode(&self, command: &Command) -> LockMode {
        let checks = match command {
            Command::Lock(args) => args.check,
            Command::Sync(args) => args.check,
            _ => false,
        };
        let implied = self.ci && !self.no_locked && matches!(command, Command::Sync(_) | Command::Run(_) | Command::Serve(_));
        match () {
            () if self.frozen => LockMode::Frozen,
            () if self.locked && !self.no_locked => LockMode::Locked(LockedBy::Flag),
            () if checks => LockMode::Locked(LockedBy::Check),
            () if implied => LockMode::Locked(LockedBy::Ci),
            () => LockMode::Update,
        }
    }
}

impl Talk {
    /// The plainest way, for errors that come before anything is known.
    pub(crate) fn plain(json: bool) -> Self {
        Self { json, quiet: false, verbose: 0, color_stderr: false, color_stdout: false, progress: false }
    }

    /// How to talk, as far as it can be known before anything else: errors of the other settings are told this way too.
    pub(crate) fn resolve(global: &GlobalArgs, environment: &Environment) -> Result<Self> {
        let either = |flag: bool, variable: &str| Ok::<_, Error>(flag || environment.flag(variable)?.unwrap_or(false));
        let color = match (global.color, environment.text("MFP_COLOR")) {
            (Some(choice), _) => choice,
            (None, None | Some("auto")) => ColorChoice::Auto,
            (None, Some("always")) => ColorChoice::Always,
            (None, Some("never")) => ColorChoice::Never,
            (None, Some(_)) => {
                return Err(Error::new("mfp::usage::environment", "MFP_COLOR is neither auto, always nor never")
                    .help("unset it: `unset MFP_COLOR`"));
            }
        };
        let stderr_is_terminal = std::io::stderr().is_terminal();
        let plain = environment.text("NO_COLOR").is_some() || environment.text("TERM") == Some("dumb");
        let paints = |is_terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !plain,
        };
        let json = either(global.json, "MFP_JSON")?;
        let quiet = either(global.quiet, "MFP_QUIET")?;
        let no_progress = either(global.no_progress, "MFP_NO_PROGRESS")?;
        Ok(Self {
            json,
            quiet,
            verbose: global.verbose.max(environment.count("MFP_VERBOSE")?),
            color_stderr: paints(stderr_is_terminal),
            color_stdout: paints(std::io::stdout().is_terminal()),
            progress: stderr_is_terminal && !json && !quiet && !no_progress && environment.text("CI").is_none(),
        })
    }
}

/// Where the platform keeps a user's files.
struct Folders {
    home: PathBuf,
    config: PathBuf,
    data: PathBuf,
    cache: PathBuf,
}

impl Folders {
    /// The platform's folders, or nothing where there's no home.
    fn resolve() -> Option<Self> {
        let base = etcetera::choose_base_strategy().ok()?;
        let of = |folder: PathBuf| folder.join("mfp");
        Some(Self {
            home: base.home_dir().to_owned(),
            config: of(base.config_dir()),
            data: of(base.data_dir()),
            cache: of(base.cache_dir()),
        })
    }

    fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    fn logins_file(&self) -> PathBuf {
        self.config.join("credentials.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_up_are_taken_where_thats_what_the_system_would_do() {
        let there = |typed: &str| from(Path::new("/work/greet"), Path::new(typed)).to_string_lossy().into_owned();
        assert_eq!(there("../registry"), "/work/registry");
        assert_eq!(there("./../.././dist/a"), "/dist/a");
        assert_eq!(there("."), "/work/greet");
        assert_eq!(there(".."), "/work");
        assert_eq!(there("../../../.."), "/");
        assert_eq!(there("out/"), "/work/greet/out/");
        assert_eq!(there("../out/"), "/work/out/");
        assert_eq!(there("out/../x"), "/work/greet/out/../x", "`out` may be a link");
        assert_eq!(there("/a/../b"), "/a/../b");
    }
}
