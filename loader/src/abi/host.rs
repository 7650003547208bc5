//! What may a json/1 guest ask of the host? The functions of the module `mockforge`.
//!
//! `log(ptr, len)`, `config() -> i64`, `now_ms() -> i64`, `random(ptr, len)`, `asset(ptr, len) -> i64`,
//! `call(ptr, len) -> i64` and, with a host approved, `http_request(ptr, len) -> i64`. Text goes in as pointer and length; an answer is written into memory from the guest's own
//! `alloc` and given as pointer (high half) and length (low half). A pointer that can't be stops the guest; a wish that
//! can't be granted is answered with the error envelope.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use wasmtime::{Caller, Extern, Linker, Memory};

use super::guest::{Guest, Halt};
use super::http;
use super::inspect::HOST_MODULE;
use super::json::Block;
use super::nested::{self, Asked};
use crate::error::StopKind;
use crate::options::{LogLevel, LogLine};
use crate::outbound::HttpError;
use crate::protocol::answer::wrapped_error;

/// The most random bytes at once.
const MAX_RANDOM: u32 = 64 << 10;
/// The longest path that's looked at, in bytes.
const MAX_PATH: usize = 1024;

type Result<T> = wasmtime::Result<T>;

/// Define the host functions.
pub(crate) fn add_to(linker: &mut Linker<Guest>) -> Result<()> {
    linker.func_wrap(HOST_MODULE, "log", log)?;
    linker.func_wrap(HOST_MODULE, "config", config)?;
    linker.func_wrap(HOST_MODULE, "now_ms", now_ms)?;
    linker.func_wrap(HOST_MODULE, "random", random)?;
    linker.func_wrap(HOST_MODULE, "asset", asset)?;
    linker.func_wrap(HOST_MODULE, "call", call)?;
    linker.func_wrap(HOST_MODULE, "http_request", http_request)?;
    Ok(())
}

fn memory(caller: &mut Caller<'_, Guest>) -> Result<Memory> {
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    memory.ok_or_else(|| Halt(StopKind::Abi("there's no `memory`".to_owned())).into())
}

/// Write an answer into memory from the guest's `alloc`.
fn give(caller: &mut Caller<'_, Guest>, bytes: &[u8]) -> Result<u64> {
    caller.data().check_time()?;
    let length = u32::try_from(bytes.len()).map_err(|_| Halt(StopKind::Abi("an answer of the host is too long".into())))?;
    let alloc = caller.get_export("alloc").and_then(Extern::into_func);
    let alloc = alloc.ok_or_else(|| Halt(StopKind::Abi("there's no `alloc`".to_owned())))?;
    let pointer = alloc.typed::<u32, u32>(&*caller)?.call(&mut *caller, length)?;
    let block = Block { pointer, length };
    let memory = memory(caller)?;
    block.fill(memory.data_mut(&mut *caller), bytes)?;
    Ok(block.pack())
}

#[derive(Deserialize)]
struct Logged {
    level: Option<String>,
    text: String,
}

/// Writes a line to the log. What isn't `{"level","text"}` is logged as it is; what's over the call's share is dropped.
fn log(mut caller: Caller<'_, Guest>, pointer: u32, length: u32) -> Result<()> {
    let _timed = caller.data().asks("log", length);
    let memory = memory(&mut caller)?;
    let (bytes, guest) = memory.data_and_store_mut(&mut caller);
    let bytes = Block { pointer, length }.within(bytes, usize::MAX, "log line")?;
    let Some(left) = guest.outer.log.checked_sub(bytes.len()) else {
        guest.outer.log = 0;
        return Ok(());
    };
    guest.outer.log = left;
    let (level, text) = match serde_json::from_slice::<Logged>(bytes) {
        Ok(line) => (level(line.level.as_deref()), line.text),
        Err(_) => (LogLevel::Info, String::from_utf8_lossy(bytes).into_owned()),
    };
    let line = LogLine { plugin: guest.plugin.name.clone(), function: guest.function(), level, text };
    guest.plugin.options.log.log(line);
    Ok(())
}

fn level(name: Option<&str>) -> LogLevel {
    match name {
        Some("trace") => LogLevel::Trace,
        Some("debug") => LogLevel::Debug,
        Some("warn" | "warning") => LogLevel::Warn,
        Some("error") => LogLevel::Error,
        _ => LogLevel::Info,
    }
}

/// The plugin's checked configuration as JSON.
fn config(mut caller: Caller<'_, Guest>) -> Result<u64> {
    let mut timed = caller.data().asks("config", 0);
    let plugin = Arc::clone(&caller.data().plugin);
    timed.received(plugin.config.len());
    give(&mut caller, plugin.config.as_bytes())
}

/// The wall clock, to the millisecond.
#[expect(clippy::needless_pass_by_value, reason = "the shape of a host function")]
fn now_ms(caller: Caller<'_, Guest>) -> i64 {
    let mut timed = caller.data().asks("now_ms", 0);
    timed.received(size_of::<i64>());
    caller.data().plugin.options.clock.now_ms()
}

/// Fills memory with random bytes, at most 64 KiB at once.
fn random(mut caller: Caller<'_, Guest>, pointer: u32, length: u32) -> Result<()> {
    if length > MAX_RANDOM {
        let text = format!("it wants {length} random bytes at once, the limit is {MAX_RANDOM}");
        return Err(Halt(StopKind::Abi(text)).into());
    }
    let mut timed = caller.data().asks("random", 0);
    timed.received(length as usize);
    let plugin = Arc::clone(&caller.data().plugin);
    let memory = memory(&mut caller)?;
    let out = Block { pointer, length }.within_mut(memory.data_mut(&mut caller), "room for random bytes")?;
    let filled = plugin.options.random.fill(out);
    filled.map_err(|error| Halt(StopKind::Host(format!("no random numbers: {error}"))).into())
}

/// A file of the plugin's package in base64, enveloped.
fn asset(mut caller: Caller<'_, Guest>, pointer: u32, length: u32) -> Result<u64> {
    let mut timed = caller.data().asks("asset", length);
    let memory = memory(&mut caller)?;
    let path = Block { pointer, length }.within(memory.data(&caller), MAX_PATH, "path of an asset")?;
    let path = String::from_utf8_lossy(path).into_owned();
    let plugin = Arc::clone(&caller.data().plugin);
    // Base64 makes four of three.
    let answer = match plugin.asset(&path, plugin.limits.answer_bytes as u64 / 4 * 3) {
        Ok(bytes) => format!("{{\"success\":true,\"result\":\"{}\"}}", STANDARD.encode(bytes)),
        Err(reason) => wrapped_error(&reason),
    };
    timed.received(answer.len());
    give(&mut caller, answer.as_bytes())
}

/// Sends an HTTP request; the response, enveloped. Time that passes here isn't the guest's own, but the call's.
fn http_request(mut caller: Caller<'_, Guest>, pointer: u32, length: u32) -> Result<u64> {
    let mut timed = caller.data().asks("http_request", length);
    let memory = memory(&mut caller)?;
    let request = Block { pointer, length }.within(memory.data(&caller), http::MAX_REQUEST, "HTTP request")?.to_vec();
    let (plugin, (until, _)) = (Arc::clone(&caller.data().plugin), caller.data().deadline());
    let access = match (caller.data().is_starting(), &plugin.http) {
        (true, _) => Err(HttpError::Host("a plugin that's being started can't send requests".to_owned())),
        (false, None) => Err(HttpError::Host("no host was approved".to_owned())),
        (false, Some(access)) => Ok(access),
    };
    let answer = http::request(access, &request, until);
    timed.received(answer.len());
    give(&mut caller, answer.as_bytes())
}

/// Calls a plugin that this one depends on; its answer, enveloped.
fn call(mut caller: Caller<'_, Guest>, pointer: u32, length: u32) -> Result<u64> {
    let mut timed = caller.data().asks("call", length);
    let memory = memory(&mut caller)?;
    let most = caller.data().plugin.limits.answer_bytes;
    let asked = Block { pointer, length }.within(memory.data(&caller), most, "request to a dependency")?;
    let asked = serde_json::from_slice::<Asked>(asked);
    let answer = match asked.map_err(|error| format!("`call` takes `dependency`, `call` and `request`: {error}")) {
        Ok(asked) => nested::call(caller.data_mut(), &asked).map(|answer| answer.wrapped()),
        Err(reason) => Err(reason),
    };
    let answer = answer.unwrap_or_else(|reason| wrapped_error(&reason));
    timed.received(answer.len());
    give(&mut caller, answer.as_bytes())
}
