//! The compiler in a process of its own ([`mfp_loader::Compiler::Command`]), for those whose program can't start itself again: a
//! library in somebody else's process, and the tests of this crate. `mfp` doesn't need it.

use std::ffi::OsString;
use std::process::ExitCode;

use mfp_loader::{COMPILE_ARG, compile_child};

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let Some((_, rest)) = arguments.split_first().filter(|(first, _)| *first == COMPILE_ARG) else {
        return ExitCode::FAILURE;
    };
    match compile_child(rest, std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever started this sees that there's no answer.
        Err(_) => ExitCode::FAILURE,
    }
}
