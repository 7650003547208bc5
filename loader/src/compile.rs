//! How does wasm become code? From the cache, or by compiling it under a deadline.
//!
//! Compiling happens in this process, on a thread of its own that's given up after the limit: the caller gets its error in
//! time, but the thread goes on until it's done, and what it takes of the processor and of memory isn't bounded. The caps
//! of [`crate::abi::inspect`] keep modules small enough that this is seconds and not hours. Only a child process can be
//! killed.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use mfp_model::digest::FileDigest;
use wasmtime::{Engine, Module};

use crate::abi::bomb;
use crate::abi::inspect::Refusal;
use crate::aot::Cache;

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

/// Why there's no code.
#[derive(Debug)]
pub(crate) enum CompileError {
    /// It took longer than the limit.
    TooLong,
    /// It would be much work for its size.
    Refused(Refusal),
    /// The validator or the compiler says no.
    Invalid(String),
    /// No thread to compile on.
    Host(String),
}

/// The code of this wasm, whose digest was taken of these very bytes.
pub(crate) fn code(
    engine: &Engine,
    cache: Option<&Cache>,
    wasm: Vec<u8>,
    digest: FileDigest,
    limit: Duration,
) -> Result<(Module, CodeOrigin), CompileError> {
    if let Some(module) = cache.and_then(|cache| cache.load(engine, digest)) {
        return Ok((module, CodeOrigin::Cache));
    }
    bomb::check(&wasm).map_err(CompileError::Refused)?;
    let module = compile(engine, wasm, limit)?;
    if let Some(cache) = cache {
        // A cache that can't be written only costs the next run its time.
        let _ = cache.save(digest, &module);
    }
    Ok((module, CodeOrigin::Compiled))
}

fn compile(engine: &Engine, wasm: Vec<u8>, limit: Duration) -> Result<Module, CompileError> {
    let engine = engine.clone();
    let (sender, receiver) = sync_channel(1);
    std::thread::Builder::new()
        .name("mfp-compile".into())
        .stack_size(STACK)
        .spawn(move || {
            // If nobody waits any more, there's nobody to tell.
            let _ = sender.send(Module::from_binary(&engine, &wasm));
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
