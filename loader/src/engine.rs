//! What runs the code? The wasmtime engine with all that's off, the host functions, and the thread that makes time pass.
//!
//! Made when the first plugin is loaded, and shared by all: a project without plugins pays nothing.

use wasmparser::WasmFeatures;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, Linker, PoolingAllocationConfig};

use crate::abi::guest::Guest;
use crate::abi::host;
use crate::abi::inspect::MAX_TABLES;
use crate::limits::Limits;
use crate::options::Allocation;
use crate::ticker::Ticker;

/// What a module may use: WebAssembly 2.0 and constant expressions that add. No threads, no 64-bit or several memories, no
/// GC, no exceptions, no tail calls, no relaxed SIMD (its results depend on the processor).
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::WASM2.union(WasmFeatures::EXTENDED_CONST);

/// What core modules run on: an engine with its host functions and its ticker.
pub(crate) struct ModuleRuntime {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) ticker: Ticker,
}

impl ModuleRuntime {
    pub(crate) fn new(limits: &Limits, allocation: Allocation) -> wasmtime::Result<Self> {
        let engine = Engine::new(&config(limits, allocation))?;
        let mut linker = Linker::new(&engine);
        host::add_to(&mut linker)?;
        Ok(Self { ticker: Ticker::new(&engine), linker, engine })
    }
}

fn config(limits: &Limits, allocation: Allocation) -> Config {
    let mut config = Config::new();
    config.wasm_features(FEATURES.complement(), false);
    config.epoch_interruption(true);
    config.max_wasm_stack(limits.stack_bytes);
    config.memory_init_cow(true);
    if let Allocation::Pool { instances } = allocation {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(instances)));
    }
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let caps = Limits::HARD_CAPS;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(instances)
        .total_memories(instances)
        .total_tables(instances.saturating_mul(MAX_TABLES))
        .max_memories_per_module(1)
        .max_tables_per_module(MAX_TABLES)
        .max_memory_size(usize::try_from(caps.memory_bytes).unwrap_or(usize::MAX))
        .table_elements(usize::try_from(caps.table_elements).unwrap_or(usize::MAX))
        .max_core_instance_size(MAX_INSTANCE_BYTES);
    pool
}

/// What an instance may take of the host's memory beside its linear memory and tables, in bytes: function references and
/// globals, whose number [`crate::abi::inspect`] limits.
const MAX_INSTANCE_BYTES: usize = 8 << 20;
