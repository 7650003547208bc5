//! The interface `host` of the WIT: what every component may ask.

use serde_json::Value;
use wasmtime::component::{HasSelf, Linker};

use super::State;
use super::bindings::mockforge::plugin::{host, types};
use crate::abi::guest::Halt;
use crate::abi::nested;
use crate::error::StopKind;
use crate::options::LogLevel;

/// The most random bytes at once.
const MAX_RANDOM: u32 = 64 << 10;

/// Define the interface.
pub(super) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    host::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl types::Host for State {}

impl host::Host for State {
    fn log(&mut self, level: host::Level, text: String) -> wasmtime::Result<()> {
        let level = match level {
            host::Level::Trace => LogLevel::Trace,
            host::Level::Debug => LogLevel::Debug,
            host::Level::Info => LogLevel::Info,
            host::Level::Warn => LogLevel::Warn,
            host::Level::Error => LogLevel::Error,
        };
        let _timed = self.guest.asks("log", size(&text));
        State::log(self, level, &text);
        Ok(())
    }

    fn config(&mut self) -> wasmtime::Result<String> {
        let mut timed = self.guest.asks("config", 0);
        timed.received(self.guest.plugin.config.len());
        Ok(self.guest.plugin.config.clone())
    }

    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        let _timed = self.guest.asks("now_ms", 0);
        Ok(self.guest.plugin.options.clock.now_ms().try_into().unwrap_or(0))
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        if length > MAX_RANDOM {
            let text = format!("it wants {length} random bytes at once, the limit is {MAX_RANDOM}");
            return Err(Halt(StopKind::Abi(text)).into());
        }
        let mut timed = self.guest.asks("random", 0);
        timed.received(length as usize);
        let mut bytes = vec![0; length as usize];
        let filled = self.guest.plugin.options.random.fill(&mut bytes);
        filled.map_err(|error| Halt(StopKind::Host(format!("no random numbers: {error}"))))?;
        Ok(bytes)
    }

    fn asset(&mut self, path: String) -> wasmtime::Result<Result<Vec<u8>, String>> {
        self.guest.check_time()?;
        let mut timed = self.guest.asks("asset", size(&path));
        let bytes = self.guest.plugin.asset(&path, self.guest.plugin.limits.answer_bytes as u64);
        timed.received(bytes.as_ref().map_or(0, Vec::len));
        Ok(bytes)
    }

    fn call(&mut self, dependency: String, call: String, request: String) -> wasmtime::Result<Result<String, String>> {
        self.guest.check_time()?;
        let mut timed = self.guest.asks("call", size(&request));
        let request = match serde_json::from_str::<Value>(&request) {
            Ok(request) => request,
            Err(error) => return Ok(Err(format!("the request isn't JSON: {error}"))),
        };
        let answer = self.with_log(|guest| nested::call(guest, &nested::Asked { dependency, call, request }));
        let answer = answer.map(|answer| answer.as_json().to_owned());
        timed.received(answer.as_ref().map_or_else(String::len, String::len));
        Ok(answer)
    }
}

/// A length that's in a trace; a guest's memory has fewer bytes than this can count.
fn size(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}
