//! Zig: `zig build`, or `zig build-exe` where there's no `build.zig`. The same program builds C where there's no clang for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::language::sources;
use super::remedy::ZIG;
use super::tools::{Tested, Tools};
use super::{Made, only_wasm};
use crate::error::{Error, Result};
use crate::report::clean;

/// The files that a plugin without `build.zig` begins with.
const USUAL: [&str; 4] = ["src/plugin.zig", "src/main.zig", "plugin.zig", "main.zig"];

/// Are there sources in Zig?
pub(super) fn is_one(root: &Path) -> bool {
    root.join("build.zig").is_file() || !sources(root, "zig").is_empty()
}

/// The module that Zig makes.
pub(super) fn build(tools: &Tools<'_>, scratch: &Path) -> Result<Made> {
    let mut command = zig(tools)?;
    if tools.root.join("build.zig").is_file() {
        tools.run(command.args(["build", "--release=small", "--prefix"]).arg(scratch))?;
        return Made::read(&only_wasm(&scratch.join("bin"))?);
    }
    let out = scratch.join("plugin.wasm");
    command.args(["build-exe", "-target", "wasm32-freestanding", "-fno-entry", "-rdynamic", "-O", "ReleaseSmall", "-fstrip"]);
    tools.run(command.arg(format!("-femit-bin={}", out.display())).arg(main(tools)?))?;
    Made::read(&out)
}

/// `zig build test`, or the tests of the file that the plugin begins with.
pub(super) fn test(tools: &Tools<'_>) -> Result<Tested> {
    let mut command = zig(tools)?;
    match std::fs::read_to_string(tools.root.join("build.zig")) {
        Ok(text) if text.contains("\"test\"") => tools.tested(command.args(["build", "test"])),
        Ok(_) => Ok(Tested::None("build.zig has no step `test`")),
        Err(_) => tools.tested(command.arg("test").arg(main(tools)?)),
    }
}

fn main(tools: &Tools<'_>) -> Result<String> {
    let usual = USUAL.into_iter().find(|file| tools.root.join(file).is_file()).map(str::to_owned);
    let only = || sources(tools.root, "zig").pop().filter(|_| sources(tools.root, "zig").len() == 1);
    usual.or_else(only).ok_or_else(|| {
        Error::new("mfp::build::nothing", "there are several *.zig, and none of them is the one that the plugin begins with")
            .help(format!("call it {}, or write a build.zig", USUAL[0]))
    })
}

/// `zig`, or the Python package that brings it.
pub(super) fn zig(tools: &Tools<'_>) -> Result<Command> {
    find(tools).ok_or_else(|| ZIG.error(tools))
}

pub(super) fn find(tools: &Tools<'_>) -> Option<Command> {
    if let Some(zig) = tools.find("zig") {
        return Some(tools.command(zig));
    }
    let pythons =
        [Some(tools.root.join(".venv/bin/python3")).filter(|python| python.is_file()), tools.find("python3"), tools.find("python")];
    let brings = |python: &PathBuf| tools.ask(tools.command(python).args(["-c", "import ziglang"])).is_some();
    let python = pythons.into_iter().flatten().find(brings)?;
    let mut command = tools.command(python);
    command.args(["-m", "ziglang"]);
    Some(command)
}

/// Is it there? Which one, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    let version = tools.ask(zig(tools)?.arg("version")).ok_or_else(|| ZIG.error(tools))?;
    Ok(format!("zig {}", clean(&version)))
}
