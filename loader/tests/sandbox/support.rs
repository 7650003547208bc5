//! Plugins written in WAT, content in memory, and a loader whose clock stands still.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mfp_loader::{
    Allocation, Call, CallError, Clock, Compiler, Content, Limits, LoadError, Loader, LoaderOptions, LogLine, LogSink, PluginLimits,
    PluginSpec, PluginType, Plugins, Random, Stop,
};
use mfp_model::capability::Capabilities;
use mfp_model::content::{FileEntry, Listing, PackagePath};
use mfp_model::digest::{ContentDigest, FileDigest};
use mfp_model::name::PluginName;
use serde_json::{Value, json};

/// What the clock shows.
pub(crate) const NOW: i64 = 1_795_000_000_123;

struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> i64 {
        NOW
    }
}

/// Only sevens.
struct Sevens;

impl Random for Sevens {
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        out.fill(7);
        Ok(())
    }
}

#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<LogLine>>>);

impl LogSink for Log {
    fn log(&self, line: LogLine) {
        self.0.lock().unwrap().push(line);
    }
}

pub(crate) fn options() -> LoaderOptions {
    LoaderOptions::new(Stopped, Sevens)
}

/// A loader with pooled memory, as a server has it.
pub(crate) fn pooled() -> Loader {
    Loader::new(LoaderOptions { allocation: Allocation::Pool { instances: 32 }, ..options() })
}

/// Files in memory, listed honestly unless a test changes them afterwards.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) digest: ContentDigest,
    pub(crate) listing: Listing,
    pub(crate) bytes: BTreeMap<String, Vec<u8>>,
}

impl Files {
    pub(crate) fn new(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let files: BTreeMap<String, Vec<u8>> = files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect();
        let entries = files
            .iter()
            .map(|(path, bytes)| (path.parse().unwrap(), FileEntry { digest: FileDigest::of(bytes), size: bytes.len() as u64 }));
        let listing = Listing::new(entries).unwrap();
        Self { digest: listing.content(), listing, bytes: files }
    }
}

impl Content for Files {
    fn digest(&self) -> ContentDigest {
        self.digest
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read(&self, path: &PackagePath) -> io::Result<Vec<u8>> {
        self.bytes.get(path.as_str()).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

pub(crate) fn name(text: &str) -> PluginName {
    text.parse().unwrap()
}

/// A plugin of one type from bytes that are to be its wasm.
pub(crate) fn raw(plugin: &str, ty: PluginType, wasm: Vec<u8>) -> PluginSpec {
    PluginSpec {
        name: name(plugin),
        version: "1.0.0".parse().unwrap(),
        types: BTreeSet::from([ty]),
        entry: "plugin.wasm".parse().unwrap(),
        dependencies: BTreeSet::new(),
        limits: PluginLimits::default(),
        capabilities: Capabilities::default(),
        project: None,
        environment: BTreeMap::new(),
        config: Value::Null,
        config_schema: None,
        content: Arc::new(Files::new([("plugin.wasm", wasm), ("data/hi.txt", b"hi".to_vec())])),
    }
}

/// A plugin of one type from a whole module in WAT.
pub(crate) fn wat(plugin: &str, ty: PluginType, text: &str) -> PluginSpec {
    raw(plugin, ty, wat::parse_str(text).unwrap())
}

/// A template plugin with the usual ABI and this code, which has [`BASE`]'s functions at hand.
pub(crate) fn template(plugin: &str, code: &str) -> PluginSpec {
    wat(plugin, PluginType::Template, &module(code))
}

/// What a WAT string needs to have escaped.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        write!(out, "\\{byte:02x}").unwrap();
        out
    })
}

/// `$pack(ptr, len)`, a growing `$alloc`, `$wrap(packed)` that puts `{"success":true,"result":…}` around bytes, and all
/// host functions. Bytes 0 to 4096 are for the module's own data.
pub(crate) const BASE: &str = r#"
  (import "mockforge" "log" (func $log (param i32 i32)))
  (import "mockforge" "config" (func $config (result i64)))
  (import "mockforge" "now_ms" (func $now_ms (result i64)))
  (import "mockforge" "random" (func $random (param i32 i32)))
  (import "mockforge" "asset" (func $asset (param i32 i32) (result i64)))
  (import "mockforge" "call" (func $call (param i32 i32) (result i64)))
  (memory (export "memory") 2)
  (data (i32.const 4096) "{\22success\22:true,\22result\22:")
  (global $heap (mut i32) (i32.const 8192))
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func $alloc (export "alloc") (param $n i32) (result i32)
    (local $p i32)
    (local.set $p (global.get $heap))
    (global.set $heap (i32.add (global.get $heap) (local.get $n)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (if (i32.eq (memory.grow (i32.add (i32.shr_u (local.get $n) (i32.const 16)) (i32.const 1))) (i32.const -1))
        (then (unreachable)))))
    (local.get $p))
  (func $pack (param $p i32) (param $n i32) (result i64)
    (i64.or (i64.shl (i64.extend_i32_u (local.get $p)) (i64.const 32)) (i64.extend_i32_u (local.get $n))))
  (func $wrap (param $in i64) (result i64)
    (local $p i32) (local $n i32)
    (local.set $n (i32.wrap_i64 (local.get $in)))
    (local.set $p (call $alloc (i32.add (local.get $n) (i32.const 26))))
    (memory.copy (local.get $p) (i32.const 4096) (i32.const 25))
    (memory.copy (i32.add (local.get $p) (i32.const 25)) (i32.wrap_i64 (i64.shr_u (local.get $in) (i64.const 32))) (local.get $n))
    (i32.store8 (i32.add (i32.add (local.get $p) (i32.const 25)) (local.get $n)) (i32.const 125))
    (call $pack (local.get $p) (i32.add (local.get $n) (i32.const 26))))
"#;

/// A whole module: [`BASE`] and this code.
pub(crate) fn module(code: &str) -> String {
    format!("(module {BASE} {code})")
}

/// A template function that answers its request.
pub(crate) const ECHO: &str = r#"(func (export "template_function") (param i32 i32) (result i64)
  (call $wrap (call $pack (local.get 0) (local.get 1))))"#;

/// An export that does this with `$text` (packed) being the place of `text` in memory, and answers what it leaves.
pub(crate) fn with_text(export: &str, text: &str, body: &str) -> String {
    format!(
        r#"(data (i32.const 0) "{}") (func (export "{export}") (param i32 i32) (result i64)
           (local $ptr i32) (local $len i32) (local $i i32) (local.set $len (i32.const {})) {body})"#,
        escaped(text),
        text.len()
    )
}

/// An export that answers exactly this text.
pub(crate) fn answering(export: &str, text: &str) -> String {
    with_text(export, text, "(call $pack (local.get $ptr) (local.get $len))")
}

/// A request that each call accepts.
pub(crate) fn request(call: &Call) -> Value {
    let context = json!({ "method": "GET", "uri": "/" });
    match call {
        Call::Authenticate => json!({ "context": context, "credentials": { "type": "bearer", "token": "t" } }),
        Call::Execute(_) => json!({ "args": ["a", 1] }),
        Call::Functions => json!({}),
        Call::Generate => json!({ "context": context, "request": { "method": "GET", "path": "/x" } }),
        Call::Query => json!({ "query": { "query": "select 1" }, "context": context }),
    }
}

pub(crate) fn execute() -> Call {
    Call::Execute("f".into())
}

/// A compiler in a process of its own: what it takes of memory isn't this process's, and its time is the processor's, so that
/// large components can be compiled while other tests run.
pub(crate) fn compiler() -> Compiler {
    Compiler::Command { program: env!("CARGO_BIN_EXE_mfp-compile").into(), args: Vec::new(), env: Vec::new() }
}

/// Held by whoever runs a component of many megabytes, which takes a hundred or more;
/// and by whoever measures this process's memory.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn load(specs: impl IntoIterator<Item = PluginSpec>) -> Result<Plugins, LoadError> {
    Loader::new(options()).load(specs)
}

pub(crate) fn ask(plugins: &Plugins, plugin: &str, call: &Call) -> Result<Value, CallError> {
    plugins.call(&name(plugin), call, &request(call)).map(|answer| answer.to_value())
}

/// Load this template plugin and call it once.
pub(crate) fn run(spec: PluginSpec) -> Result<Value, CallError> {
    let plugin = spec.name.to_string();
    ask(&load([spec]).unwrap(), &plugin, &execute())
}

/// The stop that this error is.
pub(crate) fn stop(error: CallError) -> Stop {
    match error {
        CallError::Stopped(stop) => *stop,
        other => panic!("not a stop but {other}"),
    }
}

/// Call and expect to be stopped with this code.
#[track_caller]
pub(crate) fn stopped(spec: PluginSpec, code: &str) -> Stop {
    let error = run(spec).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    stop(error)
}

/// Limits with this much time for template calls, in milliseconds.
pub(crate) fn template_ms(ms: u64) -> Limits {
    Limits { template: std::time::Duration::from_millis(ms), ..Limits::CORE_MODULE }
}
