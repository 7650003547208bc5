//! How is a json/1 module asked? Write the request where its `alloc` says, call, read the answer where it says.
//!
//! Every call gets a fresh instance, whose memory nobody has touched before, and which is thrown away after. Every pointer
//! and length that comes back is checked against the memory and the limits before anything is read or allocated.

use std::ops::Range;
use std::sync::Arc;

use mfp_model::plugin::PluginType;
use wasmtime::{Extern, Instance, InstancePre, Memory, Module, ModuleExport, Store, WasmParams, WasmResults};

use super::Transport;
use super::guest::{Allowance, Guest, Halt, note_fuel, put_under_limits, refuel};
use super::stop::stop;
use crate::call::{Call, FUNCTIONS_EXPORT, export_of};
use crate::engine::ModuleRuntime;
use crate::error::{CallError, Stop, StopKind};
use crate::package::Package;
use crate::protocol::answer::{self, Opened};
use crate::protocol::request::Request;
use crate::ticker;

/// The version of the ABI that `mockforge_abi` must name.
const ABI: u32 = 1;

/// A compiled module and where its exports are.
pub(crate) struct JsonModule {
    package: Arc<Package>,
    runtime: Arc<ModuleRuntime>,
    instance: InstancePre<Guest>,
    memory: ModuleExport,
    alloc: ModuleExport,
    dealloc: Option<ModuleExport>,
    abi: ModuleExport,
    initialize: Option<ModuleExport>,
    functions: Option<ModuleExport>,
    calls: Vec<(PluginType, ModuleExport)>,
}

impl JsonModule {
    /// Find the exports of a module that [`super::inspect`] has accepted, and link it with the host functions.
    pub(crate) fn new(package: Arc<Package>, runtime: Arc<ModuleRuntime>, module: &Module) -> wasmtime::Result<Self> {
        let find = |name: &str| module.get_export_index(name);
        let need = |name: &str| find(name).ok_or_else(|| wasmtime::Error::msg(format!("no export `{name}`")));
        let calls = PluginType::ALL.into_iter().filter_map(|ty| find(export_of(ty)).map(|export| (ty, export)));
        Ok(Self {
            instance: runtime.linker.instantiate_pre(module)?,
            memory: need("memory")?,
            alloc: need("alloc")?,
            dealloc: find("dealloc"),
            abi: need("mockforge_abi")?,
            initialize: find("_initialize"),
            functions: find(FUNCTIONS_EXPORT),
            calls: calls.collect(),
            package,
            runtime,
        })
    }

    /// Start it once and ask which ABI it speaks.
    pub(crate) fn probe(&self) -> Result<(), Stop> {
        self.with_instance(&mut Allowance::root(self.package.limits.log_bytes), |running| {
            let version: u32 = running.invoke(&self.abi, ())?;
            if version == ABI { Ok(()) } else { Err(abi(format!("`mockforge_abi` says {version}, which isn't {ABI}"))) }
        })
    }

    fn export(&self, call: &Call) -> Option<&ModuleExport> {
        if *call == Call::Functions {
            return self.functions.as_ref();
        }
        let wanted = call.plugin_type();
        self.calls.iter().find(|(ty, _)| *ty == wanted).map(|(_, export)| export)
    }

    /// A fresh, started instance for `work`; what stops either gets the plugin's name.
    fn with_instance<T>(&self, allowance: &mut Allowance, work: impl FnOnce(&mut Running<'_>) -> wasmtime::Result<T>) -> Result<T, Stop> {
        let mut store = Store::new(&self.runtime.engine, Guest::new(Arc::clone(&self.package), allowance.clone()));
        put_under_limits(&mut store);
        let result = self.start(&mut store).and_then(|mut running| work(&mut running));
        note_fuel(&mut store);
        *allowance = store.data().end();
        result.map_err(|error| stop(&error, store.data()))
    }

    fn start<'a>(&'a self, store: &'a mut Store<Guest>) -> wasmtime::Result<Running<'a>> {
        let time = self.runtime.ticker.run().map_err(|error| Halt(StopKind::Host(error.to_string())))?;
        let instance = self.instance.instantiate(&mut *store)?;
        let memory = instance.get_module_export(&mut *store, &self.memory).and_then(Extern::into_memory);
        let memory = memory.ok_or_else(|| abi("there's no `memory`".to_owned()))?;
        let (alloc, dealloc) = (self.alloc, self.dealloc);
        let mut running = Running { store, instance, memory, alloc, dealloc, _time: time };
        if let Some(initialize) = &self.initialize {
            running.invoke::<(), ()>(initialize, ())?;
        }
        Ok(running)
    }
}

impl Transport for JsonModule {
    fn lists_functions(&self) -> bool {
        self.functions.is_some()
    }

    fn ask(&self, call: &Call, request: &Request, allowance: &mut Allowance) -> Result<Opened, CallError> {
        let opened = self.with_instance(allowance, |running| {
            running.store.data_mut().begin(call);
            refuel(running.store, call);
            let export = self.export(call).ok_or_else(|| abi(format!("there's no `{}`", call.export())))?;
            let input = running.write(request.text())?;
            let output = unpack(running.invoke(export, (input.pointer, input.length))?);
            let most = self.package.limits.answer_bytes;
            let opened = answer::open(output.within(running.memory.data(&*running.store), most, "answer")?);
            running.free(input)?;
            running.free(output)?;
            opened.map_err(|what| Halt(StopKind::Answer(what)).into())
        });
        opened.map_err(|stop| CallError::Stopped(Box::new(stop)))
    }
}

/// An instance that's being worked with. While it lives, its time passes.
struct Running<'a> {
    store: &'a mut Store<Guest>,
    instance: Instance,
    memory: Memory,
    alloc: ModuleExport,
    dealloc: Option<ModuleExport>,
    _time: ticker::Running<'a>,
}

impl Running<'_> {
    fn invoke<P: WasmParams, R: WasmResults>(&mut self, export: &ModuleExport, params: P) -> wasmtime::Result<R> {
        let function = self.instance.get_module_export(&mut *self.store, export).and_then(Extern::into_func);
        let function = function.ok_or_else(|| abi("an export has gone".to_owned()))?;
        function.typed::<P, R>(&*self.store)?.call(&mut *self.store, params)
    }

    /// Bytes into memory from the guest's own `alloc`.
    fn write(&mut self, text: &str) -> wasmtime::Result<Block> {
        let length = u32::try_from(text.len()).map_err(|_| abi("the request is longer than 4 GiB".to_owned()))?;
        let pointer = self.invoke(&self.alloc.clone(), length)?;
        let block = Block { pointer, length };
        block.fill(self.memory.data_mut(&mut *self.store), text.as_bytes())?;
        Ok(block)
    }

    fn free(&mut self, block: Block) -> wasmtime::Result<()> {
        match self.dealloc {
            Some(dealloc) => self.invoke(&dealloc, (block.pointer, block.length)),
            None => Ok(()),
        }
    }
}

/// A range of a guest's memory, as the guest named it: it may lie anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) pointer: u32,
    pub(crate) length: u32,
}

/// Pointer in the high half, length in the low.
fn unpack(packed: u64) -> Block {
    let half = |bits: u64| u32::try_from(bits & 0xffff_ffff).expect("32 bits were kept");
    Block { pointer: half(packed >> 32), length: half(packed) }
}

impl Block {
    /// As a guest gets it from a host function.
    pub(crate) fn pack(self) -> u64 {
        (u64::from(self.pointer) << 32) | u64::from(self.length)
    }

    /// Where it is in a memory of this size, if it's in it.
    fn range(self, memory: usize) -> Option<Range<usize>> {
        let start = usize::try_from(self.pointer).ok()?;
        let end = start.checked_add(usize::try_from(self.length).ok()?)?;
        (end <= memory).then_some(start..end)
    }

    fn outside(self, what: &str, memory: usize) -> Halt {
        let Self { pointer, length } = self;
        Halt(StopKind::Abi(format!("its {what} at {pointer} with length {length} is outside its memory of {memory} bytes")))
    }

    /// Its bytes, if it's inside and at most `most` long. Nothing is allocated.
    pub(crate) fn within<'a>(self, memory: &'a [u8], most: usize, what: &str) -> Result<&'a [u8], Halt> {
        let range = self.range(memory.len()).ok_or_else(|| self.outside(what, memory.len()))?;
        if range.len() > most {
            let limit = crate::error::bytes(most as u64);
            let text = format!("its {what} has {} bytes, the limit is {limit}", range.len());
            return Err(Halt(if what == "answer" { StopKind::Answer(text) } else { StopKind::Abi(text) }));
        }
        Ok(&memory[range])
    }

    /// The same, to be written to.
    pub(crate) fn within_mut<'a>(self, memory: &'a mut [u8], what: &str) -> Result<&'a mut [u8], Halt> {
        let size = memory.len();
        let range = self.range(size).ok_or_else(|| self.outside(what, size))?;
        Ok(&mut memory[range])
    }

    /// Write `bytes`, as many as it's long, into what `alloc` gave.
    pub(crate) fn fill(self, memory: &mut [u8], bytes: &[u8]) -> Result<(), Halt> {
        if self.pointer == 0 && self.length > 0 {
            return Err(Halt(StopKind::Abi(format!("`alloc` gave nothing for {} bytes", self.length))));
        }
        self.within_mut(memory, "`alloc`")?.copy_from_slice(bytes);
        Ok(())
    }
}

fn abi(what: String) -> wasmtime::Error {
    Halt(StopKind::Abi(what)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_inside_or_refused() {
        let memory = [0_u8; 100];
        let take = |pointer, length| Block { pointer, length }.within(&memory, 50, "answer").map(<[u8]>::len).map_err(|halt| halt.0);
        assert_eq!(take(0, 0), Ok(0));
        assert_eq!(take(100, 0), Ok(0));
        assert_eq!(take(50, 50), Ok(50));
        assert!(matches!(take(0, 51), Err(StopKind::Answer(_))), "over the limit");
        for (pointer, length) in [(101, 0), (50, 51), (u32::MAX, 1), (1, u32::MAX), (u32::MAX, u32::MAX), (1 << 31, 1 << 31)] {
            assert!(matches!(take(pointer, length), Err(StopKind::Abi(_))), "{pointer} {length}");
        }
    }

    #[test]
    fn packing_is_its_own_inverse() {
        for block in [Block { pointer: 1, length: 2 }, Block { pointer: u32::MAX, length: 0 }, Block { pointer: 0, length: u32::MAX }] {
            assert_eq!(unpack(block.pack()), block);
        }
        assert_eq!(unpack(u64::MAX), Block { pointer: u32::MAX, length: u32::MAX });
    }
}
