//! What does a call cost, beside a bare wasmtime and Extism?
//!
//! All make the same call, `sha256` of five bytes, JSON in and JSON out, of a Rust plugin:
//!
//! - **bare**: wasmtime, the module of `examples/plugins/template-hash`; a fresh instance a call from an `InstancePre` on the pooling
//!   allocator, `alloc`, write, call, read. No limits, no time, nothing is checked.
//! - **mfp**: the same module by way of `mfp-loader`, with everything on.
//! - **extism**: a plugin with the same work (`extism-plugin/`), once with one instance for all calls, and once with a fresh
//!   one each from a `CompiledPlugin`.
//!
//! They take turns, in rounds of a thousand calls; what's printed is the median of the rounds, per call.
//!
//!   benches/sandbox/run.sh

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mfp_loader::{
    Allocation, Call, Content, Loader, LoaderOptions, PluginLimits, PluginSpec, PluginType, Plugins, SystemClock, SystemRandom,
};
use mfp_model::content::{FileEntry, Listing, PackagePath};
use mfp_model::digest::{ContentDigest, FileDigest};
use serde_json::{Value, json};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, InstancePre, Linker, Module, PoolingAllocationConfig, Store};

const ROUNDS: usize = 31;
const CALLS: u32 = 1000;
const REQUEST: &str = r#"{"function_name":"sha256","args":["hello"],"context":{}}"#;
const DIGEST: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, extism] = arguments.as_slice() else { return Err("bench MODULE EXTISM_PLUGIN".into()) };
    let (module, extism) = (std::fs::read(module)?, std::fs::read(extism)?);

    let bare = Bare::new(&module)?;
    let plugins = mfp(&module)?;
    let compiled = extism::CompiledPlugin::new(extism::PluginBuilder::new(extism::Manifest::new([extism::Wasm::data(extism)])))?;
    let mut kept = extism::Plugin::new_from_compiled(&compiled)?;

    let name = "template-hash".parse()?;
    let request: Value = serde_json::from_str(REQUEST)?;
    let call = Call::Execute("sha256".to_owned());
    let mut ways: Vec<(&str, Box<dyn FnMut() -> Result<String, Error>>)> = vec![
        ("bare wasmtime, a fresh instance a call", Box::new(|| bare.call())),
        ("mfp", Box::new(|| Ok(plugins.call(&name, &call, &request)?.as_json().to_owned()))),
        ("extism, one instance for all calls", Box::new(|| Ok(kept.call::<&str, String>("template_function", REQUEST)?))),
        (
            "extism, a fresh instance a call",
            Box::new(|| Ok(extism::Plugin::new_from_compiled(&compiled)?.call::<&str, String>("template_function", REQUEST)?)),
        ),
    ];
    let mut rounds: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
    for round in 0..=ROUNDS {
        for (at, (name, way)) in ways.iter_mut().enumerate() {
            assert!(way()?.contains(DIGEST), "{name}");
            let began = Instant::now();
            for _ in 0..CALLS {
                way()?;
            }
            // The first one warms up.
            if round > 0 {
                rounds[at].push(began.elapsed() / CALLS);
            }
        }
    }
    let medians: Vec<f64> = rounds
        .iter_mut()
        .map(|round| {
            round.sort();
            round[round.len() / 2].as_secs_f64() * 1e6
        })
        .collect();
    for ((name, _), (median, round)) in ways.iter().zip(medians.iter().zip(&rounds)) {
        let least = round[0].as_secs_f64() * 1e6;
        println!("{name:42} {median:8.1} µs (least {least:.1}), {:.2} of bare", median / medians[0]);
    }
    drop(ways);
    hundred(&module)?;
    neighbour(&module)
}

/// A template plugin that never ends.
const ENDLESS: &str = include_str!("../../../fixtures/plugins/loop-template.wat");

/// How does a plugin answer while another of the same host loops without end?
fn neighbour(module: &[u8]) -> Result<(), Error> {
    let options = LoaderOptions { allocation: Allocation::Pool { instances: 16 }, ..LoaderOptions::new(SystemClock, SystemRandom) };
    let plugins = Loader::new(options).load([spec("quick", module.to_vec())?, spec("endless", wat::parse_str(ENDLESS)?)?])?;
    let (quick, request): (_, Value) = ("quick".parse()?, serde_json::from_str(REQUEST)?);
    let call = Call::Execute("sha256".to_owned());
    let p99 = || {
        let mut took: Vec<Duration> = (0..20_000)
            .map(|_| {
                let began = Instant::now();
                plugins.call(&quick, &call, &request).expect("it answers");
                began.elapsed()
            })
            .collect();
        took.sort();
        (took[took.len() / 2], took[took.len() * 99 / 100])
    };
    let over = std::sync::atomic::AtomicBool::new(false);
    let (quiet, disturbed) = std::thread::scope(|scope| {
        p99();
        let quiet = p99();
        scope.spawn(|| {
            let (endless, request) = ("endless".parse().expect("it's a name"), json!({}));
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                let began = Instant::now();
                let stopped = plugins.call(&endless, &Call::Execute("f".to_owned()), &request).expect_err("it never ends");
                assert_eq!(stopped.code(), "mfp::sandbox::time");
                let late = began.elapsed().saturating_sub(Duration::from_millis(250));
                assert!(late < Duration::from_millis(50), "stopped {late:?} after its limit");
            }
        });
        let disturbed = p99();
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        (quiet, disturbed)
    });
    println!("beside a plugin that loops: median {:?}, p99 {:?}; alone: median {:?}, p99 {:?}", disturbed.0, disturbed.1, quiet.0, quiet.1);
    Ok(())
}

/// How long do a hundred cached plugins take to be loaded?
fn hundred(module: &[u8]) -> Result<(), Error> {
    let cache = std::env::temp_dir().join(format!("mfp-bench-aot-{}", std::process::id()));
    let mut took = Vec::new();
    for round in 0..8 {
        let options = LoaderOptions { aot_cache: Some(cache.clone()), ..LoaderOptions::new(SystemClock, SystemRandom) };
        // Each has bytes, and so code, of its own: a custom section that says which it is.
        let specs: Vec<PluginSpec> = (0..100).map(|at| spec(&format!("p{at}"), [module, &[0, 2, 1, at]].concat())).collect::<Result<_, _>>()?;
        let began = Instant::now();
        let plugins = Loader::new(options).load(specs)?;
        if round > 0 {
            took.push(began.elapsed());
        }
        drop(plugins);
    }
    took.sort();
    std::fs::remove_dir_all(&cache)?;
    println!("a hundred cached plugins of {} KiB are loaded in {:?}", module.len() >> 10, took[took.len() / 2]);
    Ok(())
}

struct Bare {
    engine: Engine,
    instance: InstancePre<()>,
}

impl Bare {
    fn new(module: &[u8]) -> Result<Self, Error> {
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::new()));
        let engine = Engine::new(&config)?;
        let module = Module::new(&engine, module)?;
        let mut linker = Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&module)?;
        Ok(Self { instance: linker.instantiate_pre(&module)?, engine })
    }

    fn call(&self) -> Result<String, Error> {
        let mut store = Store::new(&self.engine, ());
        let instance = self.instance.instantiate(&mut store)?;
        let memory = instance.get_memory(&mut store, "memory").ok_or("no memory")?;
        let alloc = instance.get_typed_func::<u32, u32>(&mut store, "alloc")?;
        let call = instance.get_typed_func::<(u32, u32), u64>(&mut store, "template_function")?;
        let length = u32::try_from(REQUEST.len())?;
        let pointer = alloc.call(&mut store, length)?;
        memory.write(&mut store, pointer as usize, REQUEST.as_bytes())?;
        let answer = call.call(&mut store, (pointer, length))?;
        let (pointer, length) = ((answer >> 32) as usize, (answer & 0xffff_ffff) as usize);
        let mut bytes = vec![0; length];
        memory.read(&store, pointer, &mut bytes)?;
        Ok(String::from_utf8(bytes)?)
    }
}

fn mfp(module: &[u8]) -> Result<Plugins, Error> {
    let options = LoaderOptions { allocation: Allocation::Pool { instances: 16 }, ..LoaderOptions::new(SystemClock, SystemRandom) };
    Ok(Loader::new(options).load([spec("template-hash", module.to_vec())?])?)
}

fn spec(name: &str, module: Vec<u8>) -> Result<PluginSpec, Error> {
    let entry: PackagePath = "plugin.wasm".parse()?;
    let listed = FileEntry { digest: FileDigest::of(&module), size: module.len() as u64 };
    Ok(PluginSpec {
        name: name.parse()?,
        version: "1.0.0".parse()?,
        types: BTreeSet::from([PluginType::Template]),
        entry: entry.clone(),
        dependencies: BTreeSet::new(),
        limits: PluginLimits::default(),
        capabilities: serde_json::from_value(json!({}))?,
        project: None,
        environment: BTreeMap::new(),
        config: json!({}),
        config_schema: None,
        content: Arc::new(File { listing: Listing::new([(entry, listed)])?, bytes: module }),
    })
}

struct File {
    listing: Listing,
    bytes: Vec<u8>,
}

impl Content for File {
    fn digest(&self) -> ContentDigest {
        self.listing.content()
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read(&self, _: &PackagePath) -> io::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }
}
