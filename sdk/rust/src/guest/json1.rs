//! json/1: a core module that takes and gives JSON in its memory.
//!
//! All of the crate's `unsafe` is here and in the exports of [`export_plugin!`](crate::export_plugin), where pointers cross the
//! border.
#![allow(unsafe_code, reason = "a core module's border is pointers and lengths")]

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use crate::dispatch::{Answer, Handler};
#[cfg(feature = "files")]
use crate::files::Entry;
#[cfg(feature = "http")]
use crate::types::{HttpRequest, HttpResponse};
use crate::{Call, Context as _, Error, Host, Level, Result};

mod raw {
    #[link(wasm_import_module = "mockforge")]
    unsafe extern "C" {
        pub(super) fn log(pointer: *const u8, length: usize);
        pub(super) fn config() -> u64;
        pub(super) safe fn now_ms() -> i64;
        pub(super) fn random(pointer: *mut u8, length: usize);
        pub(super) fn asset(pointer: *const u8, length: usize) -> u64;
        pub(super) fn call(pointer: *const u8, length: usize) -> u64;
        #[cfg(feature = "http")]
        pub(super) fn http_request(pointer: *const u8, length: usize) -> u64;
    }
}

/// Memory for the host to write into: a boxed slice, so that [`taken`] can own it.
pub fn alloc(length: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; length].into_boxed_slice()).cast()
}

/// The host is done with a request or an answer.
///
/// # Safety
/// The pointer and the length are what [`alloc`] or a call gave.
pub unsafe fn dealloc(pointer: *mut u8, length: usize) {
    // SAFETY: by the caller's promise it's a boxed slice of this length.
    drop(unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(pointer, length)) });
}

/// A block that the host wrote: pointer in the high half, length in the low.
fn taken(packed: u64) -> Vec<u8> {
    let (pointer, length) = ((packed >> 32) as usize as *mut u8, (packed & 0xffff_ffff) as usize);
    // SAFETY: the host got the block from `alloc`, wrote its answer into it, and gave it to us.
    unsafe { Box::from_raw(core::ptr::slice_from_raw_parts_mut(pointer, length)) }.into_vec()
}

/// Answer one call: the request is where the host wrote it, and stays the host's.
///
/// # Safety
/// So many bytes are there.
pub unsafe fn answer(pointer: *const u8, length: usize, handler: Handler) -> u64 {
    // SAFETY: by the caller's promise.
    let request = unsafe { core::slice::from_raw_parts(pointer, length) };
    let answer = config().and_then(|config| handler(config, request, &Outside));
    let bytes = Box::leak(envelope(answer).into_boxed_slice());
    (bytes.as_ptr() as usize as u64) << 32 | bytes.len() as u64
}

fn config() -> Result<Value> {
    // SAFETY: nothing is given.
    Ok(serde_json::from_slice(&taken(unsafe { raw::config() }))?)
}

/// The host that called.
struct Outside;

impl Host for Outside {
    fn log(&self, level: Level, text: &str) {
        #[derive(Serialize)]
        struct Line<'a> {
            level: &'a str,
            text: &'a str,
        }

        let line = serde_json::to_vec(&Line { level: level.as_str(), text }).unwrap_or_default();
        // SAFETY: it's only read, and only now.
        unsafe { raw::log(line.as_ptr(), line.len()) }
    }

    fn now_ms(&self) -> i64 {
        raw::now_ms()
    }

    fn random(&self, out: &mut [u8]) {
        // The host gives 64 KiB at most at once.
        for part in out.chunks_mut(64 << 10) {
            // SAFETY: that many bytes are ours.
            unsafe { raw::random(part.as_mut_ptr(), part.len()) }
        }
    }

    fn asset(&self, path: &str) -> Result<Vec<u8>> {
        // SAFETY: it's only read, and only now.
        let answer = opened(&taken(unsafe { raw::asset(path.as_ptr(), path.len()) }))?;
        STANDARD.decode(answer.as_str().unwrap_or_default()).context(path)
    }

    #[cfg(feature = "files")]
    fn read_file(&self, _: &str) -> Result<Vec<u8>> {
        Err(no_files())
    }

    #[cfg(feature = "files")]
    fn list_folder(&self, _: &str) -> Result<Vec<Entry>> {
        Err(no_files())
    }

    #[cfg(feature = "files")]
    fn write_file(&self, _: &str, _: &[u8]) -> Result<()> {
        Err(no_files())
    }

    fn call(&self, dependency: &str, call: Call, request: &Value) -> Result<Value> {
        #[derive(Serialize)]
        struct Asked<'a> {
            dependency: &'a str,
            call: &'a str,
            request: &'a Value,
        }

        let asked = serde_json::to_vec(&Asked { dependency, call: call.as_str(), request })?;
        // SAFETY: it's only read, and only now.
        opened(&taken(unsafe { raw::call(asked.as_ptr(), asked.len()) }))
    }

    #[cfg(feature = "http")]
    fn http(&self, request: &HttpRequest) -> Result<HttpResponse> {
        let asked = serde_json::to_vec(request)?;
        // SAFETY: it's only read, and only now.
        Ok(serde_json::from_value(opened(&taken(unsafe { raw::http_request(asked.as_ptr(), asked.len()) }))?)?)
    }
}

#[cfg(feature = "files")]
fn no_files() -> Error {
    Error::new("a json/1 module sees no files; build the plugin as a component")
}

/// An answer in the protocol's envelope.
fn envelope(answer: Answer) -> Vec<u8> {
    #[derive(Serialize)]
    struct Failed<'a> {
        success: bool,
        error: &'a str,
    }

    match answer {
        Ok(result) => alloc::format!(r#"{{"success":true,"result":{result}}}"#).into_bytes(),
        Err(error) => serde_json::to_vec(&Failed { success: false, error: error.message() }).unwrap_or_default(),
    }
}

/// What's in an envelope.
fn opened(bytes: &[u8]) -> Result<Value> {
    let mut envelope: Value = serde_json::from_slice(bytes)?;
    if envelope["success"] == true {
        return Ok(envelope["result"].take());
    }
    Err(Error::new(envelope["error"].as_str().unwrap_or("the host gave an error without words")))
}
