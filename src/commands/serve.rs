//! `mfp serve`: sync, then the locked plugins behind MockForge's remote-plugin protocol, until told to end.
//!
//! This thread waits for signals and for a changed lock; requests are answered on others. A new lock is loaded on a thread
//! of its own, so that the word to end is always heard.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use mfp_loader::{Allocation, Loader, LoaderOptions, LogLevel, LogLine, LogSink};
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use serde_json::Value;

use crate::app::App;
use crate::cli::project::SyncArgs;
use crate::cli::serve::{ExportFormat, LogFormat, ServeArgs};
use crate::commands::sync;
use crate::error::{Error, Exit, Result};
use crate::installing::{bring, selected};
use crate::report::document::{Document, ServeDocument};
use crate::report::log::{Level, LogStyle, ServerLog};
use crate::report::{Event, Outcome, Reporter, plural};
use crate::running::{Chosen, authorities, explain_project_load, options};
use crate::serve::guard::Guard;
use crate::serve::metrics::Metrics;
use crate::serve::served::Served;
use crate::serve::signals::{self, Signal};
use crate::serve::watch::Watch;
use crate::serve::{Running, ServeLimits, Server, export, listener};
use crate::settings::{Hidden, LockMode, LockedBy, Settings};

/// How often the lock is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How often it's seen whether the last call has ended.
const DRAINING: Duration = Duration::from_millis(10);

/// Bind, sync, load, serve.
pub(crate) fn run(app: &App<'_>, args: &ServeArgs) -> Result<Outcome> {
    if let Some(ExportFormat::Mockforge) = args.export {
        return export(app, args);
    }
    let guard = guard(app, args)?;
    let listener = listener::bind(args.listen).map_err(|error| not_bound(args, &error))?;
    let synced = sync::before_serve(app, &groups(args))?;
    let watch = Watch::new(&app.project()?.root);
    let log = ServerLog::start(LogStyle { json: args.log_format == LogFormat::Json, least: least(app) });
    let metrics = Arc::new(Metrics::new());
    let served = load(app, args, synced, &metrics, &log)?;
    let limits = ServeLimits { body: body_limit(args), read: args.read_timeout, calls: args.max_concurrency };

    let runtime = Running::runtime(&limits)?;
    let (words, heard) = channel();
    signals::listen(&runtime, &words).map_err(|error| not_running(&error))?;
    let server = Arc::new(Server::new(served, guard, limits, metrics, log));
    let running = Running::start(runtime, listener, &server).map_err(|error| not_running(&error))?;
    say_where(app, &server, &running);
    let supervisor = Supervisor { args: args.clone(), settings: app.settings.clone(), server, words, loading: false, again: false };
    supervisor.watch_over(running, watch, &heard)
}

/// Who may come in. Beyond this machine nobody without a token.
fn guard(app: &App<'_>, args: &ServeArgs) -> Result<Guard> {
    let token = args.token.as_ref().or(app.settings.serve_token.as_ref());
    let unusable = |token: &&Hidden| token.is_empty() || token.bytes().any(|byte| !byte.is_ascii_graphic());
    if token.as_ref().is_some_and(unusable) {
        return Err(Error::new("mfp::serve::token", "the token is empty or has characters that a header can't have")
            .help("make one: `export MFP_SERVE_TOKEN=$(openssl rand -hex 32)`"));
    }
    if token.is_none() && !args.listen.ip().is_loopback() {
        let message = format!("{} can be reached from other machines, and no token was given", args.listen);
        return Err(Error::new("mfp::serve::token", message)
            .help("set MFP_SERVE_TOKEN, which clients then send as `Authorization: Bearer …`; or listen on 127.0.0.1"));
    }
    Ok(Guard::new(args.listen, &args.host_name, token.map(|token| &**token)))
}

fn not_bound(args: &ServeArgs, error: &std::io::Error) -> Error {
    let help = match error.kind() {
        std::io::ErrorKind::AddrInUse => "something listens there already; choose another with `--listen`, or port 0 for a free one",
        std::io::ErrorKind::PermissionDenied => "ports below 1024 are the system's; choose another with `--listen`",
        _ => "choose an address of this machine with `--listen`",
    };
    Error::new("mfp::serve::address", format!("can't listen on {}: {error}", args.listen)).help(help)
}

fn not_running(error: &std::io::Error) -> Error {
    Error::new("mfp::io::runtime", format!("the server can't start: {error}")).help("look at this machine's limits: `ulimit -a`")
}

fn body_limit(args: &ServeArgs) -> usize {
    usize::try_from(args.max_body.0).unwrap_or(usize::MAX)
}

fn least(app: &App<'_>) -> Level {
    if app.settings.talk.quiet { Level::Error } else { Level::Info }
}

fn groups(args: &ServeArgs) -> SyncArgs {
    SyncArgs { group: args.group.clone(), all_groups: args.all_groups, ..SyncArgs::default() }
}

/// Load every plugin that the groups want, with what it depends on.
fn load(app: &App<'_>, args: &ServeArgs, synced: Outcome, metrics: &Metrics, log: &ServerLog) -> Result<Served> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let chosen = Chosen::with_dependencies(&manifest, &lock, selected(&lock, &sync::groups(&groups(args))).into_values());
    chosen.refuse_unapproved()?;
    if let Some(refusal) = synced.refusal {
        return Err(refusal);
    }
    let store = app.store()?;
    bring(app, &store, &project, &manifest, chosen.plugins())?;

    let sink = PluginLog { log: log.clone(), is_shown: app.settings.talk.verbose > 0 };
    let instances = args.max_concurrency.saturating_mul(longest_chain(&lock, chosen.plugins()));
    let specs = chosen.specs(app, &store)?;
    let roots = authorities(app, &specs)?;
    let options = LoaderOptions { allocation: Allocation::Pool { instances }, roots, ..options(app, sink) };
    let plugins = Loader::new(options).load(specs).map_err(|error| explain_project_load(app, &error))?;
    Ok(Served::new(plugins, chosen.plugins(), metrics))
}

/// How many plugins can be calling one another: each needs an instance while the first waits for its answer.
fn longest_chain(lock: &Lock, plugins: &[&LockedPlugin]) -> u32 {
    fn of(lock: &Lock, plugin: &LockedPlugin, left: u32) -> u32 {
        let deeper = |name: &PluginName| lock.plugins.get(name).map_or(0, |next| of(lock, next, left - 1));
        if left == 0 { 0 } else { 1 + plugin.dependencies().iter().map(|dependency| deeper(&dependency.name)).max().unwrap_or(0) }
    }
    plugins.iter().map(|plugin| of(lock, plugin, MAX_CHAIN)).max().unwrap_or(0).max(1)
}

/// The sandbox lets no more plugins call one another.
const MAX_CHAIN: u32 = 8;

fn say_where(app: &App<'_>, server: &Server, running: &Running) {
    // First in the log: who's told where it is may ask at once.
    server.log.line(Level::Info, "serving", [("address", running.address.to_string().into())]);
    let address = format!("http://{}", running.address);
    let count = server.current.get().count();
    app.reporter.event(Event::Note(format!("Serving {} on {address}", plural(count, "plugin"))));
    let plugins = server.current.get().list()["plugins"].take();
    app.reporter.started(Document::Serve(ServeDocument { address: Some(address), plugins: Some(plugins), export: None }));
}

/// `--export`: from the lock as it is; nothing is fetched or served.
fn export(app: &App<'_>, args: &ServeArgs) -> Result<Outcome> {
    if args.listen.port() == 0 {
        return Err(Error::new("mfp::serve::export", "with port 0 nobody knows beforehand where the plugins will be")
            .help("name the port that `mfp serve` will have: `--listen 127.0.0.1:7070`"));
    }
    let lock = app.project()?.existing_lock()?;
    let plugins = selected(&lock, &sync::groups(&groups(args)));
    let text = export::mockforge(&export::base_url(args.listen, &args.host_name), plugins.into_values());
    let document = ServeDocument { address: None, plugins: None, export: Some(text.clone()) };
    Ok(Outcome::done(Document::Serve(document)).text(text))
}

/// What the waiting thread hears.
enum Word {
    System(Signal),
    Loaded(Result<Served>),
}

impl From<Signal> for Word {
    fn from(signal: Signal) -> Self {
        Self::System(signal)
    }
}

/// Waits for what's to be done beside answering.
struct Supervisor {
    args: ServeArgs,
    settings: Settings,
    server: Arc<Server>,
    words: Sender<Word>,
    /// Plugins are being loaded.
    loading: bool,
    /// And when that's done, are to be loaded once more.
    again: bool,
}

impl Supervisor {
    fn watch_over(mut self, running: Running, mut watch: Watch, heard: &Receiver<Word>) -> Result<Outcome> {
        loop {
            match heard.recv_timeout(LOOK) {
                Ok(Word::System(Signal::End(_))) => return Ok(self.end(running, heard)),
                Ok(Word::System(Signal::Reload)) => self.reload(&mut watch),
                Ok(Word::Loaded(result)) => {
                    watch.tried(result.is_ok());
                    self.take_over(result, &running);
                    if std::mem::take(&mut self.again) {
                        self.reload(&mut watch);
                    }
                }
                Err(RecvTimeoutError::Timeout) if watch.has_changed() => self.reload(&mut watch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Error::bug("nobody is left to end this server")),
            }
        }
    }

    /// Load the plugins of the lock as it's now, while the old ones go on answering.
    fn reload(&mut self, watch: &mut Watch) {
        if self.loading {
            self.again = true;
            return;
        }
        watch.trying();
        self.loading = true;
        let (args, settings, words) = (self.args.clone(), for_reload(&self.settings), self.words.clone());
        let (metrics, log) = (Arc::clone(&self.server.metrics), self.server.log.clone());
        let work = move || {
            let reporter = Reporter::new(settings.talk);
            let app = App::new(settings, &reporter);
            let result = catch_unwind(AssertUnwindSafe(|| {
                let synced = sync::before_serve(&app, &groups(&args))?;
                load(&app, &args, synced, &metrics, &log)
            }));
            // If the server has ended meanwhile, nobody needs them.
            let _ = words.send(Word::Loaded(result.unwrap_or_else(|_| Err(Error::bug("loading the plugins panicked")))));
        };
        if let Err(error) = std::thread::Builder::new().name("mfp-reload".into()).spawn(work) {
            let _ = self.words.send(Word::Loaded(Err(not_running(&error))));
        }
    }

    fn take_over(&mut self, result: Result<Served>, running: &Running) {
        self.loading = false;
        let Server { current, metrics, log, .. } = &*self.server;
        metrics.reloaded(result.is_ok());
        match result {
            Ok(served) => {
                log.line(Level::Info, "reloaded", [("plugins", served.count().into())]);
                let served = Arc::new(served);
                running.look_after(&served);
                current.replace(served);
            }
            Err(error) => {
                let error = error.with_remedy();
                let points = Some(error.point_list().join("; ")).filter(|points| !points.is_empty());
                let fields = [
                    ("code", error.code().into()),
                    ("error", error.message().into()),
                    ("points", points.into()),
                    ("help", error.help_text().into()),
                ];
                log.line(Level::Error, "not-reloaded", fields);
                current.keep(error);
            }
        }
    }

    /// Accept nothing more, let calls in flight end, for as long as they may take. A second signal ends it at once.
    fn end(&self, running: Running, heard: &Receiver<Word>) -> Outcome {
        let Server { log, .. } = &*self.server;
        log.line(Level::Info, "ending", [("grace_ms", u64::try_from(self.args.grace.as_millis()).unwrap_or(u64::MAX).into())]);
        running.drain();
        let until = Instant::now() + self.args.grace;
        let mut exit = Exit::Done;
        while !running.is_drained() {
            if let Ok(Word::System(Signal::End(now))) = heard.recv_timeout(DRAINING) {
                exit = now;
                break;
            }
            if Instant::now() >= until {
                log.line(Level::Warn, "cut-off", [("error", "calls were still in flight when the grace period was over".into())]);
                break;
            }
        }
        running.end();
        log.line(Level::Info, "ended", [("exit", exit.code().into())]);
        log.end();
        Outcome::done(Document::Serve(ServeDocument::default())).exit(exit)
    }
}

/// A server that runs writes no lock, and what's said of loading is said by its log.
fn for_reload(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    if settings.lock_mode == LockMode::Update {
        settings.lock_mode = LockMode::Locked(LockedBy::Serve);
    }
    settings.talk.quiet = true;
    settings.may_ask = false;
    settings
}

/// What plugins log, for `-v`: their own words, which may say more than we would.
struct PluginLog {
    log: ServerLog,
    is_shown: bool,
}

impl LogSink for PluginLog {
    fn log(&self, line: LogLine) {
        if !self.is_shown {
            return;
        }
        let level = match line.level {
            LogLevel::Trace | LogLevel::Debug | LogLevel::Info => Level::Info,
            LogLevel::Warn => Level::Warn,
            LogLevel::Error => Level::Error,
        };
        let text = Value::String(line.text);
        self.log.line(level, "plugin", [("plugin", line.plugin.as_str().into()), ("call", line.function.into()), ("text", text)]);
    }
}
