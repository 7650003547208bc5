//! Why did a guest's run end? From what wasmtime says to a [`Stop`].

use wasmtime::{FrameInfo, Trap, WasmBacktrace};

use super::guest::{Guest, Halt};
use crate::error::{Stop, StopKind, shown};

/// The most names of a stack that an error shows, and the longest that each may be.
const MAX_FRAMES: usize = 8;
const MAX_FRAME_NAME: usize = 100;

/// The stop that this error of wasmtime's is, with the plugin's name and the call's.
pub(crate) fn stop(error: &wasmtime::Error, guest: &Guest) -> Stop {
    Stop {
        plugin: guest.plugin.name.clone(),
        function: guest.function(),
        kind: kind(error, guest),
        stack: error.downcast_ref::<WasmBacktrace>().map(names).unwrap_or_default(),
    }
}

fn kind(error: &wasmtime::Error, guest: &Guest) -> StopKind {
    let limits = &guest.plugin.limits;
    let halt = error.downcast_ref::<Halt>().map(|halt| halt.0.clone());
    match (halt, error.downcast_ref::<Trap>()) {
        (Some(StopKind::Abi(what)), _) => match &guest.meter.refused {
            // It had asked for memory for what the host wanted to give it, and was refused.
            Some(refused) if what.starts_with("`alloc` gave nothing") => refused.clone(),
            _ => StopKind::Abi(what),
        },
        (Some(kind), _) => kind,
        (None, Some(Trap::StackOverflow)) => StopKind::Stack(limits.stack_bytes),
        (None, Some(Trap::OutOfFuel)) => StopKind::Fuel(guest.fuel.unwrap_or(0)),
        (None, Some(trap)) => match (&guest.meter.refused, trap) {
            // Allocators give up with `unreachable` when they're refused memory.
            (Some(refused), Trap::UnreachableCodeReached) => refused.clone(),
            _ => StopKind::Trap(trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
        },
        (None, None) => match &guest.meter.refused {
            Some(refused) => refused.clone(),
            // Before a call it's the host that has no room for an instance. In a call it's the guest: a handle, a pointer or a
            // length of the canonical ABI that can't be, or more of something than WASI gives.
            None if guest.is_starting() => StopKind::Host(text(error)),
            None => StopKind::Abi(text(error)),
        },
    }
}

/// An error and its causes, without the backtrace: that's in the stop's stack.
fn text(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(ToString::to_string).filter(|cause| !cause.contains("wasm backtrace:"));
    shown(&causes.collect::<Vec<_>>().join(": "), 300)
}

fn names(backtrace: &WasmBacktrace) -> Vec<String> {
    let names = backtrace.frames().iter().filter_map(FrameInfo::func_name);
    names.take(MAX_FRAMES).map(|name| shown(name, MAX_FRAME_NAME)).collect()
}
