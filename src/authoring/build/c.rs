//! C: every `*.c` beside the manifest, in `src` and below `vendor`, by a clang that has wasi-libc, or by `zig cc`.
//!
//! The target is `wasm32-wasi`, for a library without `main` (`-mexec-model=reactor`): wasi-libc is there for `malloc` and `memcpy`. What
//! asks the system for something imports what no plugin is given, and is told so at the end.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::language::sources;
use super::remedy::CLANG;
use super::tools::{Tested, Tools};
use super::{Made, zig};
use crate::error::Result;
use crate::report::clean;

/// What a clang of the system may be called, the newest that was tried first.
const CLANGS: [&str; 8] = ["clang-19", "clang-22", "clang-21", "clang-20", "clang-18", "clang-17", "clang-16", "clang"];
/// Where Debian's wasi-libc is.
const DEBIAN_SYSROOT: &str = "/usr";

/// Are there sources in C?
pub(super) fn is_one(root: &Path) -> bool {
    !sources(root, "c").is_empty()
}

/// The module that clang makes.
pub(super) fn build(tools: &Tools<'_>, scratch: &Path) -> Result<Made> {
    let out = scratch.join("plugin.wasm");
    let mut command = compiler(tools)?;
    command.args(["-mexec-model=reactor", "-Os", "-Wall", "-s"]);
    for folder in includes(tools.root) {
        command.arg(format!("-I{folder}"));
    }
    tools.run(command.args(all_sources(tools.root)).arg("-o").arg(&out))?;
    Made::read(&out)
}

/// `make test`, where a Makefile has it.
pub(super) fn test(tools: &Tools<'_>) -> Result<Tested> {
    let makefile = ["GNUmakefile", "makefile", "Makefile"].into_iter().find_map(|file| std::fs::read_to_string(tools.root.join(file)).ok());
    if !makefile.is_some_and(|text| text.lines().any(|line| line.starts_with("test:") || line.starts_with("test "))) {
        return Ok(Tested::None("there's no Makefile with a target `test`"));
    }
    let Some(make) = tools.find("make") else { return Ok(Tested::None("there's a Makefile, and no `make`")) };
    tools.tested(tools.command(make).arg("test"))
}

/// The plugin's own sources, then other people's.
fn all_sources(root: &Path) -> Vec<String> {
    let mut files = sources(root, "c");
    for folder in vendored(root) {
        let inside = sources(&root.join(&folder), "c");
        files.extend(inside.into_iter().map(|file| format!("{folder}/{file}")));
    }
    files
}

/// The folders below `vendor`, sorted.
fn vendored(root: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(root.join("vendor")).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.filter_map(|entry| Some(format!("vendor/{}", entry.file_name().to_str()?))).collect();
    names.sort();
    names
}

fn includes(root: &Path) -> Vec<String> {
    let usual = [".", "src", "include"].into_iter().filter(|folder| root.join(folder).is_dir()).map(str::to_owned);
    usual.chain(vendored(root)).collect()
}

/// Something that compiles C for wasm32-wasi, with its sysroot.
fn compiler(tools: &Tools<'_>) -> Result<Command> {
    find(tools).map(|(command, _)| command).ok_or_else(|| CLANG.error(tools))
}

fn find(tools: &Tools<'_>) -> Option<(Command, String)> {
    let sdk = tools.variable("WASI_SDK_PATH").map(PathBuf::from).and_then(|sdk| of_sdk(tools, &sdk));
    let clang = || CLANGS.into_iter().find_map(|name| of_debian(tools, name));
    let zig = || {
        let mut command = zig::find(tools)?;
        command.args(["cc", "--target=wasm32-wasi"]);
        Some((command, "zig cc".to_owned()))
    };
    sdk.or_else(clang).or_else(zig)
}

fn of_sdk(tools: &Tools<'_>, sdk: &Path) -> Option<(Command, String)> {
    let (clang, sysroot) = (sdk.join("bin/clang"), sdk.join("share/wasi-sysroot"));
    if !clang.is_file() || !sysroot.is_dir() {
        return None;
    }
    let mut command = tools.command(&clang);
    command.args(["--target=wasm32-wasi".to_owned(), format!("--sysroot={}", sysroot.display())]);
    Some((command, format!("the WASI SDK in {}", clean(&sdk.display().to_string()))))
}

fn of_debian(tools: &Tools<'_>, name: &str) -> Option<(Command, String)> {
    let sysroot = Path::new(DEBIAN_SYSROOT);
    let has_libc = sysroot.join("include/wasm32-wasi").is_dir() && sysroot.join("lib/wasm32-wasi").is_dir();
    let clang = tools.find(name).filter(|_| has_libc)?;
    let linker = name.replace("clang", "wasm-ld");
    tools.find(&linker).or_else(|| tools.find("wasm-ld"))?;
    let mut command = tools.command(clang);
    let (includes, libraries) = (sysroot.join("include/wasm32-wasi"), sysroot.join("lib/wasm32-wasi"));
    command.args(["--target=wasm32-wasi".to_owned(), format!("--sysroot={DEBIAN_SYSROOT}")]);
    command.args([format!("-I{}", includes.display()), format!("-L{}", libraries.display())]);
    Some((command, format!("{name} with wasi-libc")))
}

/// Is there something that compiles it? What, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    find(tools).map(|(_, what)| what).ok_or_else(|| CLANG.error(tools))
}
