//! What runs the code? Two wasmtime engines, one for core modules and one for components, with all that's off, the host
//! functions, and the thread that makes time pass.
//!
//! Each is made when the first plugin of its kind is loaded, and shared by all of that kind: a project without plugins pays
//! nothing, and one without components no runtime for them. They're two because the limits of a stack and of a pool are an
//! engine's and not an instance's.

use wasmparser::WasmFeatures;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, Linker, PoolingAllocationConfig, component};

use crate::abi::Layer;
use crate::abi::component::{self as abi_component, State};
use crate::abi::guest::Guest;
use crate::abi::host;
use crate::abi::inspect::MAX_TABLES;
use crate::limits::Limits;
use crate::options::{Allocation, Metering};
use crate::ticker::Ticker;

/// What a module may use: WebAssembly 2.0 and constant expressions that add. No threads, no 64-bit or several memories, no
/// GC, no exceptions, no tail calls, no relaxed SIMD (its results depend on the processor).
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::WASM2.union(WasmFeatures::EXTENDED_CONST);
/// What a component may use: the component model of WASI 0.2, without its async part, threads, memory64 and GC.
pub(crate) const COMPONENT_FEATURES: WasmFeatures = FEATURES.union(WasmFeatures::COMPONENT_MODEL);

/// What core modules run on: an engine with its host functions and its ticker.
pub(crate) struct ModuleRuntime {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) ticker: Ticker,
}

impl ModuleRuntime {
    pub(crate) fn new(limits: &Limits, allocation: Allocation, metering: Metering) -> wasmtime::Result<Self> {
        let engine = engine(Layer::Module, limits.stack_bytes, allocation, metering)?;
        let mut linker = Linker::new(&engine);
        host::add_to(&mut linker)?;
        Ok(Self { ticker: Ticker::new(&engine), linker, engine })
    }
}

/// What components run on: the same, and a tokio runtime for what WASI waits for.
pub(crate) struct ComponentRuntime {
    pub(crate) engine: Engine,
    pub(crate) linker: component::Linker<State>,
    pub(crate) ticker: Ticker,
    pub(crate) tokio: Tokio,
}

impl ComponentRuntime {
    pub(crate) fn new(limits: &Limits, allocation: Allocation, metering: Metering) -> wasmtime::Result<Self> {
        let engine = engine(Layer::Component, limits.stack_bytes, allocation, metering)?;
        let mut linker = component::Linker::new(&engine);
        abi_component::add_to(&mut linker)?;
        // One thread for timers and sockets. Guests run on their callers' threads.
        let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("mfp-wasi").enable_all().build()?;
        Ok(Self { ticker: Ticker::new(&engine), linker, engine, tokio: Tokio(Some(tokio)) })
    }
}

/// A runtime that may be dropped anywhere, another one's tasks included.
pub(crate) struct Tokio(Option<tokio::runtime::Runtime>);

impl Tokio {
    /// Run a future on this thread, whatever it is. Not by the runtime's own way, which refuses threads that run tasks of
    /// another: blocking them is the caller's decision. Its timers and sockets are served by its own thread.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        let _entered = self.0.as_ref().expect("it's only taken when it's dropped").enter();
        pollster::block_on(work)
    }
}

impl Drop for Tokio {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// An engine for one layer of WebAssembly. Code that was compiled by one with the same layer, stack and metering runs in this.
pub(crate) fn engine(layer: Layer, stack_bytes: usize, allocation: Allocation, metering: Metering) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    let features = match layer {
        Layer::Module => FEATURES,
        Layer::Component => COMPONENT_FEATURES,
    };
    config.wasm_features(features.complement(), false);
    config.epoch_interruption(true);
    if metering == Metering::Fuel {
        config.consume_fuel(true);
        config.cranelift_nan_canonicalization(true);
    }
    config.max_wasm_stack(stack_bytes);
    config.memory_init_cow(true);
    if layer == Layer::Component {
        // A component's calls run on a stack of their own, and the host's functions on the same one.
        config.async_stack_size(stack_bytes + HOST_STACK);
    }
    if let Allocation::Pool { instances } = allocation {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(layer, instances)));
    }
    Engine::new(&config)
}

/// What host functions may take of a component's stack, in bytes.
const HOST_STACK: usize = 1 << 20;

fn pool(layer: Layer, instances: u32) -> PoolingAllocationConfig {
    let caps = Limits::HARD_CAPS;
    let mut pool = PoolingAllocationConfig::new();
    pool.max_memories_per_module(1)
        .max_tables_per_module(MAX_TABLES)
        .max_memory_size(usize::try_from(caps.memory_bytes).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(caps.table_elements).unwrap_or(usize::MAX))
        .max_core_instance_size(MAX_INSTANCE_BYTES)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE)
        .pagemap_scan(Enabled::Auto);
    match layer {
        Layer::Module => pool.total_core_instances(instances).total_memories(instances).total_tables(instances.saturating_mul(MAX_TABLES)),
        Layer::Component => pool
            .total_component_instances(instances)
            .total_core_instances(instances.saturating_mul(CORE_INSTANCES))
            .total_memories(instances.saturating_mul(MEMORIES))
            .total_tables(instances.saturating_mul(CORE_INSTANCES))
            .total_stacks(instances)
            .max_component_instance_size(MAX_INSTANCE_BYTES),
    };
    pool
}

/// What of a memory is kept when its instance is gone, and set back by writing to it instead of being given back to the system, in
/// bytes: most small plugins touch no more, and giving pages back and getting them again is the dearest part of a call.
/// That much stays resident for each place of the pool that was ever used.
const KEPT_MEMORY: usize = 2 << 20;
/// The same for a table.
const KEPT_TABLE: usize = 16 << 10;

/// What an instance may take of the host's memory beside its linear memory and tables, in bytes: function references and
/// globals, whose number [`crate::abi::inspect`] limits.
const MAX_INSTANCE_BYTES: usize = 8 << 20;
/// The core instances that a pool has for each component: Python's have 14 and more.
const CORE_INSTANCES: u32 = 24;
/// The memories that a pool has for each component.
const MEMORIES: u32 = 2;
