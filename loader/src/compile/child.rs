//! Compiling in a process of its own: both ends of it.
//!
//! The parent starts the host's own program again with [`COMPILE_ARG`] and these words: the layer, the guest's stack in
//! bytes, seconds of processor time, bytes of memory, and `fuel` if it counts steps. The wasm goes to its stdin; one byte and the code, or why there's none, come
//! from its stdout. The child limits itself before it reads anything, has nothing of the environment, and dies with
//! its parent where the system can do that.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::{CompileError, reason};
use crate::abi::Layer;
use crate::engine::engine;
use crate::limits::Limits;
use crate::options::{Allocation, Metering};

/// The first argument of a compiling process.
pub const COMPILE_ARG: &str = "__compile-plugin";

/// The most bytes of code that are taken from a child.
const MAX_CODE: u64 = 1 << 29;
/// How much longer than its processor time a child may take, since it may have to wait for a processor.
const PATIENCE: u32 = 2;

/// What the first byte of a child's answer says.
const CODE: u8 = b'+';
const REFUSED: u8 = b'-';
/// The last word of a child that compiles for an engine that counts steps.
const FUEL: &str = "fuel";

/// Compile with a child. What it gives is serialized code.
pub(super) fn compile(
    mut command: Command,
    layer: Layer,
    wasm: &[u8],
    metering: Metering,
    limits: &Limits,
) -> Result<Vec<u8>, CompileError> {
    let program = command.get_program().display().to_string();
    let host = |error: io::Error| CompileError::Host(format!("`{program}` can't compile: {error}"));
    let mut child = command
        .arg(COMPILE_ARG)
        .args([
            layer.name().to_owned(),
            limits.stack_bytes.to_string(),
            limits.compile.as_secs().max(1).to_string(),
            limits.compile_bytes.to_string(),
        ])
        .args((metering == Metering::Fuel).then_some(FUEL))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(host)?;
    let answer = converse(&mut child, wasm, limits.compile * PATIENCE);
    // It has answered, or has to be stopped; both if it has ended by itself are no error.
    let _ = child.kill();
    let status = child.wait().map_err(host)?;
    let answer = answer.map_err(host)?.ok_or(CompileError::TooLong)?;
    match answer.split_first() {
        Some((&CODE, code)) => Ok(code.to_vec()),
        Some((&REFUSED, why)) => Err(CompileError::Invalid(crate::error::shown(&String::from_utf8_lossy(why), 500))),
        _ => Err(ended(status)),
    }
}

/// Send the wasm, take the answer; `None` if it's not there in time.
fn converse(child: &mut Child, wasm: &[u8], limit: Duration) -> io::Result<Option<Vec<u8>>> {
    let missing = || io::Error::other("a pipe is missing");
    let mut stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let (sender, receiver) = sync_channel(1);
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("mfp-compiled".into());
        reader.spawn(move || {
            let mut answer = Vec::new();
            let read = stdout.take(MAX_CODE).read_to_end(&mut answer);
            let _ = sender.send(read.map(|_| answer));
        })?;
        let writer = std::thread::Builder::new().name("mfp-to-compile".into());
        // A child that has ended doesn't read: what it said, or how it ended, is what counts.
        writer.spawn_scoped(scope, move || drop(stdin.write_all(wasm)))?;
        match receiver.recv_timeout(limit) {
            Ok(answer) => answer.map(Some),
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("its reader has ended")),
            Err(RecvTimeoutError::Timeout) => {
                // Before the scope waits for the writer, who waits for the child.
                child.kill()?;
                Ok(None)
            }
        }
    })
}

/// Why it ended without an answer.
fn ended(status: ExitStatus) -> CompileError {
    match signal_of(status) {
        Ended::OutOfTime => CompileError::TooLong,
        Ended::OutOfMemory => CompileError::TooMuchMemory,
        Ended::Otherwise => CompileError::Invalid(format!("the compiler failed on it ({status})")),
    }
}

enum Ended {
    OutOfTime,
    OutOfMemory,
    Otherwise,
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt;

    use rustix::process::Signal;

    // Rust's way of saying that there's no memory is to abort; the system's is to kill.
    const OF_MEMORY: [Signal; 4] = [Signal::ABORT, Signal::KILL, Signal::SEGV, Signal::BUS];
    match status.signal() {
        Some(signal) if signal == Signal::XCPU.as_raw() => Ended::OutOfTime,
        Some(signal) if OF_MEMORY.iter().any(|one| one.as_raw() == signal) => Ended::OutOfMemory,
        _ => Ended::Otherwise,
    }
}

#[cfg(not(unix))]
fn signal_of(_: ExitStatus) -> Ended {
    Ended::Otherwise
}

/// The other end: compile what `input` has, for a process that was started with [`COMPILE_ARG`] and `args` after it.
///
/// To be called first thing in `main`, and followed by the process's end.
pub fn compile_child(args: &[OsString], input: impl Read, mut output: impl Write) -> io::Result<()> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "not started by a loader");
    let (layer, stack, seconds, bytes, metering) = match args {
        [layer, stack, seconds, bytes] => (layer, stack, seconds, bytes, Metering::Time),
        [layer, stack, seconds, bytes, fuel] if fuel == FUEL => (layer, stack, seconds, bytes, Metering::Fuel),
        _ => return Err(invalid()),
    };
    let number = |text: &OsString| text.to_str().and_then(|text| text.parse::<u64>().ok()).ok_or_else(invalid);
    let layer = layer.to_str().and_then(Layer::from_name).ok_or_else(invalid)?;
    limit_this_process(number(seconds)?, number(bytes)?)?;
    let mut wasm = Vec::new();
    input.take(Limits::HARD_CAPS.wasm_bytes + 1).read_to_end(&mut wasm)?;
    let stack = usize::try_from(number(stack)?).map_err(|_| invalid())?;
    let code = engine(layer, stack, Allocation::OnDemand, metering).and_then(|engine| match layer {
        Layer::Module => engine.precompile_module(&wasm),
        Layer::Component => engine.precompile_component(&wasm),
    });
    match code {
        Ok(code) => {
            output.write_all(&[CODE])?;
            output.write_all(&code)?;
        }
        Err(error) => {
            output.write_all(&[REFUSED])?;
            output.write_all(reason(&error).as_bytes())?;
        }
    }
    output.flush()
}

/// Put this process under limits, before it has read anything that it could be harmed by.
#[cfg(unix)]
fn limit_this_process(seconds: u64, bytes: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    /// Address space beside what's written to: the program, its libraries, stacks, and what allocators reserve.
    const RESERVED: u64 = 4 << 30;

    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let at_most = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Cpu, Rlimit { current: Some(seconds), maximum: Some(seconds + 1) })?;
    // What's written to, as Linux counts it; other systems have the address space only, or (macOS) nothing.
    setrlimit(Resource::Data, at_most(bytes))?;
    setrlimit(Resource::As, at_most(bytes + RESERVED))?;
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn limit_this_process(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}
