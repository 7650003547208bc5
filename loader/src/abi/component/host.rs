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
        State::log(self, level, &text);
        Ok(())
    }

    fn config(&mut self) -> wasmtime::Result<String> {
        Ok(self.guest.plugin.config.clone())
    }

    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(self.guest.plugin.options.clock.now_ms().try_into().unwrap_or(0))
    }

    fn random(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        if length > MAX_RANDOM {
            let text = format!("it wants {length} random bytes at once, the limit is {MAX_RANDOM}");
            return Err(Halt(StopKind::Abi(text)).into());
        }
        let mut bytes = vec![0; length as usize];
        let filled = self.guest.plugin.options.random.fill(&mut bytes);
        filled.map_err(|error| Halt(StopKind::Host(format!("no random numbers: {error}"))))?;
        Ok(bytes)
    }

    fn asset(&mut self, path: String) -> wasmtime::Result<Result<Vec<u8>, String>> {
        self.guest.check_time()?;
        Ok(self.guest.plugin.asset(&path, self.guest.plugin.limits.answer_bytes as u64))
    }

    fn call(&mut self, dependency: String, call: String, request: String) -> wasmtime::Result<Result<String, String>> {
        self.guest.check_time()?;
        let request = match serde_json::from_str::<Value>(&request) {
            Ok(request) => request,
            Err(error) => return Ok(Err(format!("the request isn't JSON: {error}"))),
        };
        self.guest.outer.log = self.left().log;
        let answer = nested::call(&mut self.guest, &nested::Asked { dependency, call, request });
        self.set_log_left(self.guest.outer.log);
        Ok(answer.map(|answer| answer.as_json().to_owned()))
    }
}
