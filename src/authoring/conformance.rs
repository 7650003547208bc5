//! Does a plugin answer as its author says? The requests of `tests:` in its manifest, each asked once, and what came back held
//! against what was expected.
//!
//! It's asked in the sandbox, as a host would that approves all that the manifest asks for; each request has its own
//! configuration, held against the schema. Where it's to be the same in every run, steps are counted in place of time, the
//! clock stands still, random numbers aren't, and nobody is asked over the network.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mfp_loader::{Answer, Call, CallError, Clock, Loader, LoaderOptions, Metering, Network, Plugins, Random, RemoteSpec};
use mfp_model::plugin::{Conformance, ConformanceCall, Expectation, Outline};
use mfp_model::source::RemoteUrl;
use serde_json::{Value, json};

use super::OwnPlugin;
use super::build::entry;
use super::sandboxed::Sandboxed;
use crate::app::App;
use crate::error::{Error, Excerpt, Result};
use crate::report::{clean, clean_lines};
use crate::running::{VerboseLog, authorities_if, explain_load, options};

/// The time at which the clock stands still: 2026-01-01T00:00:00Z, in milliseconds.
const STANDING: i64 = 1_767_225_600_000;
/// How long a service may take for one request.
const SERVICE_TIME: Duration = Duration::from_secs(30);

/// What became of one request.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) name: String,
    pub(crate) call: ConformanceCall,
    /// What wasn't as expected, a sentence each; none if it passed.
    pub(crate) differences: Vec<String>,
    /// What it answered, if it did.
    pub(crate) answer: Option<Value>,
    /// The steps that it took, where they're counted.
    pub(crate) fuel: Option<u64>,
    pub(crate) elapsed: Duration,
}

impl Ran {
    pub(crate) fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

/// Who answers the requests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// The plugin's code in the sandbox.
    Sandbox { deterministic: bool },
    /// A service that's running.
    Service(&'a RemoteUrl),
}

/// The requests of a plugin's manifest, or what's wrong with them, with its place.
pub(crate) fn requests(plugin: &OwnPlugin) -> Result<Vec<Conformance>> {
    let read = |(at, test): (usize, &Value)| {
        Conformance::read(test).map_err(|wrong| {
            let error = Error::new("mfp::test::invalid", format!("`tests[{at}]` in plugin.yaml isn't a request with an expected answer"));
            let outline = Outline::of(&plugin.manifest_text);
            let at = at.to_string();
            let place = outline.and_then(|outline| {
                let exact = wrong.key.as_deref().and_then(|key| outline.span(&["tests", &at, key]));
                exact.or_else(|| outline.span(&["tests", &at]))
            });
            match place {
                Some(span) => error.excerpt(Excerpt {
                    file: "plugin.yaml".to_owned(),
                    text: plugin.manifest_text.clone(),
                    span,
                    label: wrong.message,
                }),
                None => error.note(wrong.message),
            }
            .help("a test has `name`, `call`, `request`, and one of `expect`, `expect-partial` and `expect-error`")
        })
    };
    plugin.manifest.tests.iter().enumerate().map(read).collect()
}

/// Ask them all, in their order.
pub(crate) fn run(app: &App<'_>, plugin: &OwnPlugin, requests: &[Conformance], asked: Asked<'_>) -> Result<Vec<Ran>> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let subject = Subject::new(app, plugin, asked)?;
    let mut loaded = BTreeMap::new();
    requests.iter().map(|request| subject.ask(request, &mut loaded)).collect()
}

/// What's asked.
struct Subject<'a> {
    app: &'a App<'a>,
    plugin: &'a OwnPlugin,
    source: Source,
    random: Repeated,
}

enum Source {
    Sandbox(Box<Sandboxed>),
    Service(Plugins),
}

impl<'a> Subject<'a> {
    fn new(app: &'a App<'a>, plugin: &'a OwnPlugin, asked: Asked<'_>) -> Result<Self> {
        let random = Repeated::default();
        let source = match asked {
            Asked::Service(endpoint) => Source::Service(service(app, plugin, endpoint)?),
            Asked::Sandbox { deterministic } => {
                let content = plugin.content()?;
                let entry = plugin.manifest.entry_in(content.listing()).cloned().map_err(|error| {
                    Error::new("mfp::build::nothing", format!("there's no code to test: {error}"))
                        .help(format!("`mfp build` makes {}", entry(plugin)))
                })?;
                let same = |options| if deterministic { same_in_every_run(options, &random) } else { options };
                Source::Sandbox(Box::new(Sandboxed::new(app, plugin, entry, content, same)?))
            }
        };
        Ok(Self { app, plugin, source, random })
    }

    fn ask(&self, request: &Conformance, loaded: &mut BTreeMap<String, Plugins>) -> Result<Ran> {
        let began = Instant::now();
        let ran = |differences, answer, fuel| Ran {
            name: request.name.clone(),
            call: request.call,
            differences,
            answer,
            fuel,
            elapsed: began.elapsed(),
        };
        let plugins = match self.plugins(request, loaded) {
            Ok(plugins) => plugins,
            // Its schema refuses the test's configuration: that's an answer, too.
            Err(error) if error.code() == "mfp::config::invalid" => {
                return Ok(ran(refused(&request.expect, &whole(&error), true), None, None));
            }
            Err(error) => return Err(error),
        };
        let (call, body) = call(request);
        self.random.again();
        let (answer, trace) = plugins.call_traced(&self.plugin.manifest.id, &call, &body);
        Ok(match answer {
            Ok(answer) => {
                let value = Answer::to_value(&answer);
                ran(request.expect.differences(&value), Some(value), trace.fuel)
            }
            Err(CallError::Plugin { message, .. }) => ran(refused(&request.expect, &message, true), None, trace.fuel),
            Err(other) => ran(refused(&request.expect, &other.to_string(), false), None, trace.fuel),
        })
    }

    /// The plugin with the configuration of this request.
    fn plugins(&self, request: &Conformance, loaded: &mut BTreeMap<String, Plugins>) -> Result<Plugins> {
        let sandboxed = match &self.source {
            Source::Service(plugins) => return Ok(plugins.clone()),
            Source::Sandbox(sandboxed) => sandboxed,
        };
        let key = request.config.to_string();
        if let Some(plugins) = loaded.get(&key) {
            return Ok(plugins.clone());
        }
        let plugins = sandboxed.load(self.app, self.plugin, request.config.clone())?;
        loaded.insert(key, plugins.clone());
        Ok(plugins)
    }
}

/// An error with everything that it lists.
fn whole(error: &Error) -> String {
    let words: Vec<&str> = std::iter::once(error.message()).chain(error.point_list().iter().map(String::as_str)).collect();
    words.join("; ")
}

/// What's wrong with an error. Only the plugin's own word can be the one that was expected: one that's stopped by the sandbox has
/// said nothing.
fn refused(expect: &Expectation, message: &str, is_its_own: bool) -> Vec<String> {
    match expect {
        Expectation::Error(part) if is_its_own && message.contains(part.as_str()) => Vec::new(),
        Expectation::Error(part) if is_its_own => {
            vec![format!("the error was to contain `{}`, it's `{}`", clean(part), clean_lines(message))]
        }
        _ => vec![format!("an answer was expected, it's an error: {}", clean_lines(message))],
    }
}

/// A request as the loader takes it.
fn call(request: &Conformance) -> (Call, Value) {
    let body = &request.request;
    match request.call {
        ConformanceCall::Authenticate => (Call::Authenticate, body.clone()),
        ConformanceCall::Generate => (Call::Generate, body.clone()),
        ConformanceCall::Query => (Call::Query, body.clone()),
        ConformanceCall::Functions => (Call::Functions, json!({})),
        ConformanceCall::Execute => {
            let function = body["function_name"].as_str().unwrap_or_default().to_owned();
            let args = body.get("args").cloned().unwrap_or_else(|| json!([]));
            let context = body.get("context").cloned().unwrap_or_else(|| json!({}));
            (Call::Execute(function), json!({ "args": args, "context": context }))
        }
    }
}

fn service(app: &App<'_>, plugin: &OwnPlugin, endpoint: &RemoteUrl) -> Result<Plugins> {
    let spec = RemoteSpec {
        name: plugin.manifest.id.clone(),
        types: plugin.manifest.types.clone(),
        endpoint: endpoint.clone(),
        timeout: SERVICE_TIME,
        retries: 0,
        health_interval: SERVICE_TIME,
        credential: app.credentials()?.for_service(endpoint.as_url())?,
    };
    let options = LoaderOptions { roots: authorities_if(app, true)?, ..options(app, VerboseLog::new(app)) };
    Loader::new(options).load([spec]).map_err(|error| explain_load(&error))
}

fn same_in_every_run(options: LoaderOptions, random: &Repeated) -> LoaderOptions {
    LoaderOptions {
        metering: Metering::Fuel,
        clock: Box::new(Standing),
        random: Box::new(random.clone()),
        network: Arc::new(Nobody),
        ..options
    }
}

/// A clock that stands still.
struct Standing;

impl Clock for Standing {
    fn now_ms(&self) -> i64 {
        STANDING
    }
}

/// Bytes that look like random ones, and are the same for each request.
#[derive(Debug, Clone)]
struct Repeated(Arc<Mutex<blake3::OutputReader>>);

impl Default for Repeated {
    fn default() -> Self {
        let bytes = blake3::Hasher::new_derive_key("mfp test 2026 bytes of --deterministic").finalize_xof();
        Self(Arc::new(Mutex::new(bytes)))
    }
}

impl Repeated {
    fn again(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).set_position(0);
    }
}

impl Random for Repeated {
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(out);
        Ok(())
    }
}

/// A network that nobody is on.
struct Nobody;

impl Network for Nobody {
    fn is_online(&self) -> bool {
        false
    }

    fn resolve(&self, _name: &str) -> io::Result<Vec<std::net::IpAddr>> {
        Err(io::Error::other("nobody is asked over the network in a test that's to be the same in every run"))
    }
}
