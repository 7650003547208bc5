//! How do locked plugins become what the loader takes? What `run` and `serve` have in common.
//!
//! [`Chosen`] is plugins of a lock with all that they may call. It refuses what nobody approved, and gives the loader each
//! plugin's content, limits and configuration. What runs is the store's content that the lock names, verified as it's
//! read, never the laid-out files.

use std::sync::Arc;

use mfp_loader::{
    Compiler, LoadError, LoaderOptions, LockedError, LogLine, LogSink, Network, Roots, Spec, Surroundings, SystemNetwork, SystemRandom,
    with_dependencies,
};
use mfp_model::lock::{Lock, LockedPlugin, Unapproved, unapproved};
use mfp_model::project::{Advisories, Manifest};
use mfp_store::Store;

use crate::advisories::{self, Book};
use crate::app::App;
use crate::configs::{self, Misfit};
use crate::error::{Error, Result};
use crate::explain;
use crate::policy;
use crate::report::Event;
use crate::sources::credentials::Credentials;
use crate::sources::http::roots;

/// Plugins of a lock that are to run, and everything that they may call.
pub(crate) struct Chosen<'l> {
    manifest: &'l Manifest,
    lock: &'l Lock,
    plugins: Vec<&'l LockedPlugin>,
}

impl<'l> Chosen<'l> {
    /// These plugins and what they depend on.
    pub(crate) fn with_dependencies(manifest: &'l Manifest, lock: &'l Lock, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> Self {
        Self { manifest, lock, plugins: with_dependencies(lock, plugins) }
    }

    /// All of them, by name.
    pub(crate) fn plugins(&self) -> &[&'l LockedPlugin] {
        &self.plugins
    }

    /// Those that ask for more than a person approved.
    pub(crate) fn unapproved(&self) -> Vec<Unapproved> {
        unapproved(self.manifest, self.plugins.iter().copied())
    }

    /// An error if one asks for more than a person approved.
    pub(crate) fn refuse_unapproved(&self) -> Result<()> {
        let unapproved = self.unapproved();
        if unapproved.is_empty() { Ok(()) } else { Err(explain::approval_error(&unapproved)) }
    }

    /// As the loader takes them, in the same order. Their contents must be in the store.
    pub(crate) fn specs(&self, app: &App<'_>, store: &Store) -> Result<Vec<Spec>> {
        let project = app.project()?;
        let book = Book::known(app, self.manifest, &project.root);
        let credentials = app.credentials()?;
        let surroundings = Surroundings {
            manifest: self.manifest,
            lock: self.lock,
            root: &project.root,
            store,
            variable: &|name| app.settings.environment.text(name).map(str::to_owned),
            policy: &app.settings.user.policy.capabilities,
            advisories: &|registry| book.of(registry),
            credential: &|endpoint| credential(app, &credentials, endpoint.as_url()),
        };
        let specs = surroundings.specs(&self.plugins).map_err(|error| match error {
            LockedError::Policy(violations) => policy::error(&violations, &project.manifest_text),
            error @ LockedError::Advisories(_) => {
                advisories::pointing_at_the_rule(explain::locked(error), self.manifest, &project.manifest_text)
            }
            other => explain::locked(other),
        })?;
        if self.manifest.policy.advisories == Advisories::Warn {
            book.warn(app, self.lock, |_| true);
        }
        Ok(specs)
    }
}

/// What a service is told. A keyring that doesn't answer is said, and the service decides what it makes of nobody.
fn credential(app: &App<'_>, credentials: &Credentials, endpoint: &url::Url) -> Option<mfp_loader::Credential> {
    credentials.for_service(endpoint).unwrap_or_else(|error| {
        app.reporter.event(Event::Warning { code: error.code(), text: error.message().to_owned() });
        None
    })
}

/// The options that every loader of this program has: the cache of compiled code, the clock, random numbers.
pub(crate) fn options(app: &App<'_>, log: impl LogSink + 'static) -> LoaderOptions {
    LoaderOptions {
        aot_cache: Some(app.settings.cache_dir.join("aot")),
        compiler: compiler(),
        log: Box::new(log),
        network: Arc::new(Online(!app.settings.offline)),
        ..LoaderOptions::new(WallClock, SystemRandom)
    }
}

/// The user's own authorities, where one of these may ever open a connection.
pub(crate) fn authorities(app: &App<'_>, specs: &[Spec]) -> Result<Roots> {
    let may_send = |spec: &Spec| match spec {
        Spec::Package(spec) => !spec.capabilities.http.is_empty(),
        Spec::Remote(_) => true,
    };
    authorities_if(app, specs.iter().any(may_send))
}

/// The user's own authorities, if they're needed: a file that can't be read stops nobody who opens no connection.
pub(crate) fn authorities_if(app: &App<'_>, may_send: bool) -> Result<Roots> {
    match &app.settings.user.network.ca_file {
        Some(file) if may_send => roots(file),
        _ => Ok(Roots::default()),
    }
}

/// Plugins are compiled by this program in a process of its own, which can be limited and killed.
fn compiler() -> Compiler {
    let env = vec![("MIMALLOC_ARENA_EAGER_COMMIT".into(), "0".into())];
    crate::settings::this_program().map_or(Compiler::InProcess, |program| Compiler::Command { program, args: Vec::new(), env })
}

/// The system's network, unless `--offline` was given: then no plugin opens a socket either.
struct Online(bool);

impl Network for Online {
    fn is_online(&self) -> bool {
        self.0
    }

    fn resolve(&self, name: &str) -> std::io::Result<Vec<std::net::IpAddr>> {
        SystemNetwork.resolve(name)
    }
}

/// The clock that plugins see.
struct WallClock;

impl mfp_loader::Clock for WallClock {
    fn now_ms(&self) -> i64 {
        crate::settings::now().as_millisecond()
    }
}

/// What plugins log, for `-v`.
pub(crate) struct VerboseLog {
    is_shown: bool,
}

impl VerboseLog {
    pub(crate) fn new(app: &App<'_>) -> Self {
        Self { is_shown: app.settings.talk.verbose > 0 && !app.settings.talk.json }
    }
}

impl LogSink for VerboseLog {
    fn log(&self, line: LogLine) {
        if self.is_shown {
            crate::report::log_line(line.plugin.as_str(), &line.text);
        }
    }
}

/// Why the project's plugins weren't loaded: a configuration that doesn't fit is shown where it stands in its manifest.
pub(crate) fn explain_project_load(app: &App<'_>, error: &LoadError) -> Error {
    match misfits(error) {
        Some(misfits) => configs::error(&app.project().map(|project| project.manifest_text).unwrap_or_default(), &misfits),
        None => explain_load(error),
    }
}

/// What doesn't fit, if that's why.
fn misfits(error: &LoadError) -> Option<Vec<Misfit>> {
    let LoadError::Config { plugin, violations } = error else { return None };
    Some(violations.iter().map(|violation| Misfit { plugin: plugin.clone(), violation: violation.clone() }).collect())
}

/// Why plugins weren't loaded, for a person.
pub(crate) fn explain_load(error: &LoadError) -> Error {
    if let Some(misfits) = misfits(error) {
        return configs::error("", &misfits);
    }
    let help = match error {
        LoadError::Listing(_) | LoadError::Digest { .. } => "`mfp verify --fix` fetches it again",
        LoadError::Files { .. } => "move what's refused out of that folder, or take the folder out of `[approvals]`",
        _ => "tell the plugin's publisher",
    };
    Error::new(error.code(), error.to_string()).help(help)
}
