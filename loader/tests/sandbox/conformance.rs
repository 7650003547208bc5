//! The same plugin in every language over every transport gives the same answers: `fixtures/conformance`.
//!
//! A port is a folder there with a `port.json`. Cases are data; what's written `{"$repeat":…}` and the like in them is
//! spelled out here, so that a mebibyte needn't stand in a file.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mfp_loader::{Call, CallError, Limits, Loader, LoaderOptions, LogLevel, PluginSpec, PluginType, Plugins, RemoteSpec};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::server::{Server, respond};
use crate::support::*;

/// How long a call of the plugin that may not take long takes.
const HASTY_MS: u64 = 300;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Port {
    #[expect(dead_code, reason = "for readers")]
    language: String,
    #[expect(dead_code, reason = "for readers")]
    transport: String,
    /// In the port's folder, or `target/conformance/…` in the project's. A port without is a service.
    wasm: Option<String>,
    /// What this transport calls a code of the others.
    #[serde(default)]
    codes: BTreeMap<String, String>,
    /// Cases by `file: name`, each with the reason why this port can't pass it.
    skip: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    call: String,
    request: Value,
    #[serde(default, deserialize_with = "present")]
    answer: Option<Value>,
    error: Option<Expected>,
    log: Option<Vec<(String, String)>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    code: String,
    message: Option<Value>,
    contains: Option<String>,
}

/// A key that's there, even if it's `null`.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn folder() -> PathBuf {
    project().join("fixtures/conformance")
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> T {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn cases() -> Vec<(String, Case)> {
    let files = ["authenticate", "execute", "functions", "generate", "query"];
    let of = |file: &str| read::<Vec<Case>>(&folder().join("cases").join(file).with_extension("json"));
    files.into_iter().flat_map(|file| of(file).into_iter().map(move |case| (format!("{file}: {}", case.name), case))).collect()
}

/// A value of a case with its `$` parts spelled out.
fn spelled(value: &Value) -> Value {
    let Some(object) = value.as_object().filter(|object| object.keys().any(|key| key.starts_with('$'))) else {
        return match value {
            Value::Array(items) => items.iter().map(spelled).collect(),
            Value::Object(object) => object.iter().map(|(key, value)| (key.clone(), spelled(value))).collect(),
            other => other.clone(),
        };
    };
    let (key, part) = object.iter().next().unwrap();
    let number = |part: &Value| usize::try_from(part.as_u64().unwrap()).unwrap();
    let repeated = |part: &Value| part[0].as_str().unwrap().repeat(number(&part[1]));
    match key.as_str() {
        "$repeat" => json!(repeated(part) + &object.get("$then").map(repeated).unwrap_or_default()),
        "$nest" => (0..number(&part[0])).fold(spelled(&part[1]), |inner, _| json!([inner])),
        "$list" => json!(vec![spelled(&part[1]); number(&part[0])]),
        "$count" => (0..number(part)).map(|n| json!({ "n": n })).collect(),
        "$bytes" => json!(STANDARD.encode((0..number(part)).map(|at| at.to_le_bytes()[0]).collect::<Vec<u8>>())),
        "$text" => json!(STANDARD.encode(spelled(part).as_str().unwrap())),
        "$file" => read(&folder().join(part.as_str().unwrap())),
        // Only to compare with: see `same`.
        "$json" => value.clone(),
        other => panic!("no `{other}`"),
    }
}

/// Whether an answer is the expected one. Keys have no order; numbers are equal if their 64 bits are, as integers or as
/// floats; a body `{"$json":…}` is base64 of that JSON; a `content_type` of `null` is none.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected, found) {
        (Value::Object(object), Value::String(base64)) if object.contains_key("$json") => {
            let bytes = STANDARD.decode(base64).unwrap();
            serde_json::from_slice(&bytes).is_ok_and(|found: Value| same(&spelled(&object["$json"]), &found))
        }
        (Value::Object(expected), Value::Object(found)) => {
            let key = |(key, value): &(&String, &Value)| !(*key == "content_type" && value.is_null());
            let found: Vec<_> = found.iter().filter(key).collect();
            expected.len() == found.len()
                && found.iter().all(|(key, found)| expected.get(*key).is_some_and(|expected| same(expected, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            expected.len() == found.len() && expected.iter().zip(found).all(|(expected, found)| same(expected, found))
        }
        (Value::Number(expected), Value::Number(found)) if expected.is_f64() || found.is_f64() => {
            expected.as_f64().map(f64::to_bits) == found.as_f64().map(f64::to_bits)
        }
        _ => expected == found,
    }
}

fn call(case: &Case) -> Call {
    match case.call.as_str() {
        "authenticate" => Call::Authenticate,
        "execute" => Call::Execute(case.request["function_name"].as_str().unwrap().to_owned()),
        "functions" => Call::Functions,
        "generate" => Call::Generate,
        "query" => Call::Query,
        other => panic!("no call `{other}`"),
    }
}

/// The reference plugin under this name.
fn reference(plugin: &str, wasm: &[u8], dependencies: &[&str]) -> PluginSpec {
    let asset = |path: &str| std::fs::read(folder().join("package").join(path)).unwrap();
    let files = ["data/hi.txt", "data/empty", "data/bytes.bin"].map(|path| (path, asset(path)));
    let files = files.into_iter().chain([("plugin.wasm", wasm.to_vec())]);
    PluginSpec {
        types: PluginType::ALL.into_iter().collect(),
        dependencies: dependencies.iter().map(|dependency| name(dependency)).collect(),
        config: json!({ "greeting": "grüß dich 🦀", "limits": [1, 2.5, null], "nested": { "on": true }, "empty": "" }),
        content: Arc::new(Files::new(files)),
        ..raw(plugin, PluginType::Template, Vec::new())
    }
}

/// `conformance`; `hasty`, the same with little time; `p1` to `p9`, the same that depend on one another; and `callee`, who
/// has little time in `conformance`'s eyes and as much as anybody as `patient`.
fn all(wasm: &[u8]) -> Vec<PluginSpec> {
    let callee = std::fs::read_to_string(folder().join("callee/callee.wat")).unwrap();
    let callee = |plugin: &str| PluginSpec { types: PluginType::ALL.into_iter().collect(), ..wat(plugin, PluginType::Template, &callee) };
    let mut short = callee("callee");
    short.limits.own.time_ms = Some(50);
    let mut hasty = reference("hasty", wasm, &["patient"]);
    hasty.limits.own.time_ms = Some(HASTY_MS);
    let chain = (1..=9).map(|at| {
        let next = format!("p{}", at + 1);
        reference(&format!("p{at}"), wasm, if at < 9 { vec![next.as_str()] } else { vec![] }.as_slice())
    });
    let first = [reference("conformance", wasm, &["callee"]), hasty, short, callee("patient")];
    first.into_iter().chain(chain).collect()
}

/// The bytes of a port, or nothing where they needn't be there.
fn wasm_of(folder: &Path, wasm: &str) -> Option<Vec<u8>> {
    let path = if wasm.starts_with("target/") { project().join(wasm) } else { folder.join(wasm) };
    let error = match std::fs::read(&path) {
        Ok(bytes) => return Some(bytes),
        Err(error) => error,
    };
    let folder = folder.file_name().unwrap().to_string_lossy();
    let say = format!("{}: {error}; it's made by: fixtures/conformance/build.sh {folder}", path.display());
    assert!(std::env::var_os("CI").is_none(), "{say}");
    #[expect(clippy::print_stderr, reason = "a test that's left out says so")]
    {
        eprintln!("NOT TESTED: {say}");
    }
    None
}

/// A service in a process of its own.
struct Service(Child);

impl Service {
    fn start(script: &Path) -> (Self, String) {
        let mut process = Command::new("python3").arg(script).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        (Self(process), url.trim_end().to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn conforms(port: &str) {
    let folder = folder().join(port);
    let port: Port = read(&folder.join("port.json"));
    let cache = tempfile::tempdir().unwrap();
    let log = Log::default();
    let options = LoaderOptions {
        aot_cache: Some(cache.path().join("aot")),
        limits: patient(&Limits::CORE_MODULE),
        component_limits: patient(&Limits::COMPONENT),
        compiler: compiler(),
        log: Box::new(log.clone()),
        ..options()
    };
    let loader = Loader::new(options);
    let Some(wasm) = &port.wasm else {
        let (_service, url) = Service::start(&folder.join("service.py"));
        return all_cases(&port, &loader.load([service("conformance", &url)]).unwrap(), &log);
    };
    let Some(wasm) = wasm_of(&folder, wasm) else { return };
    let _alone = alone();
    let plugins = loader.load(all(&wasm)).unwrap();
    all_cases(&port, &plugins, &log);
    a_call_ends_in_time(&plugins);
    chains_end(&plugins);
}

#[track_caller]
fn all_cases(port: &Port, plugins: &Plugins, log: &Log) {
    let mut wrong: Vec<String> = Vec::new();
    for (title, mut case) in cases() {
        if let Some(expected) = &mut case.error {
            expected.code = port.codes.get(&expected.code).unwrap_or(&expected.code).clone();
        }
        match (differs(plugins, log, &case), port.skip.get(&title)) {
            (Some(difference), None) => wrong.push(format!("{title}: {difference}")),
            (None, Some(reason)) => wrong.push(format!("{title}: passes, and is skipped: {reason}")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn service(plugin: &str, endpoint: &str) -> RemoteSpec {
    RemoteSpec {
        name: name(plugin),
        types: PluginType::ALL.into_iter().collect(),
        endpoint: endpoint.parse().unwrap(),
        timeout: Duration::from_secs(10),
        retries: 0,
        health_interval: Duration::from_secs(30),
        credential: None,
    }
}

/// Limits with time for a mebibyte in an interpreter in a debug build on a busy machine. What's over in time is tested apart.
fn patient(limits: &Limits) -> Limits {
    let time = Duration::from_secs(5);
    Limits { auth: time, template: time, response: time, datasource: time, ..limits.clone() }
}

/// How the outcome isn't what the case says.
fn differs(plugins: &Plugins, log: &Log, case: &Case) -> Option<String> {
    log.0.lock().unwrap().clear();
    let outcome = plugins.call(&name("conformance"), &call(case), &spelled(&case.request)).map(|answer| answer.to_value());
    let difference = match (&case.answer, &case.error, outcome) {
        (Some(expected), None, Ok(found)) => {
            let expected = spelled(expected);
            (!same(&expected, &found)).then(|| format!("{} instead of {}", short(&found), short(&expected)))
        }
        (None, Some(expected), Err(error)) => wrong_error(expected, &error),
        (Some(_), None, Err(error)) => Some(error.to_string()),
        (None, Some(expected), Ok(found)) => Some(format!("{} instead of {}", short(&found), expected.code)),
        _ => panic!("{}: either an answer or an error", case.name),
    };
    let level = |level| match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    };
    let lines: Vec<_> = log.0.lock().unwrap().iter().map(|line| (level(line.level).to_owned(), line.text.clone())).collect();
    let logged =
        case.log.as_ref().filter(|expected| **expected != lines).map(|expected| format!("logged {lines:?} instead of {expected:?}"));
    difference.or(logged)
}

fn wrong_error(expected: &Expected, error: &CallError) -> Option<String> {
    if error.code() != expected.code {
        return Some(format!("{} instead of {}: {error}", error.code(), expected.code));
    }
    let message = match error {
        CallError::Plugin { message, .. } => message.clone(),
        other => other.to_string(),
    };
    let whole = expected.message.as_ref().is_none_or(|expected| spelled(expected) == json!(message));
    let part = expected.contains.as_ref().is_none_or(|part| message.contains(part));
    (!whole || !part).then(|| format!("another error: {}", short(&json!(message))))
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}

/// Its own loop, and that of a plugin that it waits for.
#[track_caller]
fn a_call_ends_in_time(plugins: &Plugins) {
    let query = json!({ "context": { "method": "GET", "uri": "/" }, "query": { "query": "q" } });
    for (function, args) in [("spin", json!([])), ("call", json!(["patient", "query", query]))] {
        let began = Instant::now();
        let error = plugins.call(&name("hasty"), &Call::Execute(function.into()), &json!({ "args": args })).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::time", "{function}: {error}");
        let stop = stop(error);
        assert_eq!(stop.plugin.as_str(), "hasty");
        // Twice that and a second: other tests are compiling at the same time.
        assert!(began.elapsed().as_millis() < u128::from(HASTY_MS) * 2 + 1000, "{function}: {:?}", began.elapsed());
    }
}

/// Eight plugins call one another, nine don't.
#[track_caller]
fn chains_end(plugins: &Plugins) {
    let chain = |last: usize| {
        let end = json!({ "function_name": "echo", "args": ["end"] });
        let asked =
            (2..=last).rev().fold(end, |request, at| json!({ "function_name": "call", "args": [format!("p{at}"), "execute", request] }));
        plugins.call(&name("p1"), &Call::Execute("call".into()), &asked).map(|answer| answer.to_value())
    };
    assert_eq!(chain(8).unwrap(), json!(["end"]));
    let CallError::Plugin { message, .. } = chain(9).unwrap_err() else { panic!("another error") };
    assert_eq!(message, "plugins call one another deeper than 8");
}

macro_rules! ports {
    ($($test:ident => $folder:literal),* $(,)?) => {
        const PORTS: &[&str] = &[$($folder),*];
        $(
            #[test]
            fn $test() {
                conforms($folder);
            }
        )*
    };
}

ports! {
    component_js => "component-js",
    component_python => "component-python",
    component_rust => "component-rust",
    json1_assemblyscript => "json1-assemblyscript",
    json1_c => "json1-c",
    json1_rust => "json1-rust",
    json1_zig => "json1-zig",
    remote_python => "remote-python",
    sdk_component => "sdk-component",
    sdk_json1 => "sdk-json1",
    sdk_no_std => "sdk-no-std",
}

#[test]
fn every_port_is_tested() {
    let mut found: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("port.json").exists())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, PORTS);
}

#[test]
fn every_skipped_case_is_a_case() {
    let titles: Vec<String> = cases().into_iter().map(|(title, _)| title).collect();
    for port in PORTS {
        let port: Port = read(&folder().join(port).join("port.json"));
        for title in port.skip.keys() {
            assert!(titles.contains(title), "{title}");
        }
    }
}

/// A server that speaks the protocol for a plugin, as a service does: 500 and the envelope for all that went wrong.
fn serving(plugins: Plugins) -> Server {
    let call = |path: &str, body: &Value| match path {
        "/plugin/authenticate" => Call::Authenticate,
        "/plugin/template/execute" => Call::Execute(body["function_name"].as_str().unwrap().to_owned()),
        "/plugin/response/generate" => Call::Generate,
        "/plugin/datasource/query" => Call::Query,
        other => panic!("no path `{other}`"),
    };
    Server::new(move |seen, stream| {
        let body: Value = serde_json::from_slice(&seen.body).unwrap();
        let answer = plugins.call(&name("conformance"), &call(seen.path(), &body), &body);
        let failed = |error: String| ("500 Internal Server Error", json!({ "success": false, "error": error }).to_string());
        let (status, text) = match answer {
            Ok(answer) => ("200 OK", format!(r#"{{"success":true,"result":{}}}"#, answer.as_json())),
            Err(CallError::Plugin { message, .. }) => failed(message),
            Err(other) => failed(other.to_string()),
        };
        respond(stream, status, "content-type: application/json\r\n", text.as_bytes())
    })
}

/// The reference plugin as a service. It has no list of functions, and what its sandbox stops is its own error to us.
#[test]
fn a_service_in_front_of_json1_rust() {
    let folder = folder().join("json1-rust");
    let port: Port = read(&folder.join("port.json"));
    let wasm = std::fs::read(folder.join(port.wasm.unwrap())).unwrap();
    let _alone = alone();
    let log = Log::default();
    let options = LoaderOptions { limits: patient(&Limits::CORE_MODULE), log: Box::new(log.clone()), ..options() };
    let server = serving(Loader::new(options).load(all(&wasm)).unwrap());
    let plugins = Loader::new(crate::support::options()).load([crate::remote::service("conformance", &server.url(""))]).unwrap();
    let mut wrong: Vec<String> = Vec::new();
    for (title, mut case) in cases().into_iter().filter(|(_, case)| case.call != "functions") {
        if let Some(expected) = case.error.as_mut().filter(|expected| expected.code.starts_with("mfp::sandbox::")) {
            "mfp::run::plugin-error".clone_into(&mut expected.code);
        }
        wrong.extend(differs(&plugins, &log, &case).map(|difference| format!("{title}: {difference}")));
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}
