//! How does wasm become code? From the cache, or by compiling it under limits.
//!
//! A compiler's work isn't bounded by the size of what it compiles, and can only be stopped by ending its process. So a host
//! that can gives the loader a command to compile with, a process of its own: its time and memory are limited by the
//! system, and it's killed when its deadline has passed. See [`Compiler`].
//!
//! Without one, compiling happens on a thread that's given up after the limit: the caller gets its error in time, but the thread goes
//! on until it's done. What would be much work for its size is refused by its shape then ([`crate::abi::bomb`]).

pub(crate) mod child;

use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use mfp_model::digest::FileDigest;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::abi::inspect::Refusal;
use crate::abi::{Layer, bomb};
use crate::aot::{self, Cache};
use crate::limits::Limits;
use crate::options::{Compiler, Metering};

/// Stack of the compiling thread, in bytes.
const STACK: usize = 8 << 20;

/// Where a plugin's code came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOrigin {
    /// Compiled now.
    Compiled,
    /// Compiled on this machine before.
    Cache,
}

/// Code that can be run.
pub(crate) enum Code {
    Module(Module),
    Component(Component),
}

impl Code {
    /// Compile in this process.
    fn compiled(engine: &Engine, layer: Layer, wasm: &[u8]) -> wasmtime::Result<Self> {
        match layer {
            Layer::Module => Module::from_binary(engine, wasm).map(Self::Module),
            Layer::Component => Component::from_binary(engine, wasm).map(Self::Component),
        }
    }

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        match self {
            Self::Module(module) => module.serialize(),
            Self::Component(component) => component.serialize(),
        }
    }
}

/// Why there's no code.
#[derive(Debug)]
pub(crate) enum CompileError {
    /// It took longer than the limit.
    TooLong,
    /// It took more memory than the limit.
    TooMuchMemory,
    /// It would be much work for its size.
    Refused(Refusal),
    /// The validator or the compiler says no.
    Invalid(String),
    /// Nothing to compile with: no thread, no process.
    Host(String),
}

/// What's to be compiled: bytes that were inspected, and the digest that was taken of these very bytes.
pub(crate) struct Source {
    pub(crate) layer: Layer,
    pub(crate) wasm: Vec<u8>,
    pub(crate) digest: FileDigest,
}

/// The code of this wasm.
pub(crate) fn code(
    engine: &Engine,
    cache: Option<&Cache>,
    source: Source,
    compiler: &Compiler,
    metering: Metering,
    limits: &Limits,
) -> Result<(Code, CodeOrigin), CompileError> {
    let Source { layer, wasm, digest } = source;
    if let Some(code) = cache.and_then(|cache| cache.load(engine, layer, digest)) {
        return Ok((code, CodeOrigin::Cache));
    }
    let (code, bytes) = match compiler {
        Compiler::InProcess => {
            bomb::check(layer, &wasm).map_err(CompileError::Refused)?;
            let code = in_process(engine, layer, wasm, limits.compile)?;
            let bytes = cache.and_then(|_| code.serialize().ok());
            (code, bytes)
        }
        Compiler::Command { program, args, env } => {
            let mut command = Command::new(program);
            command.args(args).env_clear().envs(env.iter().map(|(name, value)| (name, value)));
            let bytes = child::compile(command, layer, &wasm, metering, limits)?;
            let code = aot::deserialize(engine, layer, &bytes);
            (code.map_err(|error| CompileError::Host(reason(&error)))?, Some(bytes))
        }
    };
    if let (Some(cache), Some(bytes)) = (cache, bytes) {
        // A cache that can't be written only costs the next run its time.
        let _ = cache.save(digest, &bytes);
    }
    Ok((code, CodeOrigin::Compiled))
}

fn in_process(engine: &Engine, layer: Layer, wasm: Vec<u8>, limit: Duration) -> Result<Code, CompileError> {
    let engine = engine.clone();
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .name("mfp-compile".into())
        .stack_size(STACK)
        .spawn(move || {
            // If nobody waits any more, there's nobody to tell.
            let _ = sender.send(Code::compiled(&engine, layer, &wasm));
        })
        .map_err(|error| CompileError::Host(error.to_string()))?;
    match receiver.recv_timeout(limit) {
        Ok(result) => result.map_err(|error| CompileError::Invalid(reason(&error))),
        Err(RecvTimeoutError::Timeout) => Err(CompileError::TooLong),
        Err(RecvTimeoutError::Disconnected) => Err(CompileError::Invalid("the compiler failed on it".into())),
    }
}

fn reason(error: &wasmtime::Error) -> String {
    crate::error::shown(&format!("{error:#}"), 500)
}
