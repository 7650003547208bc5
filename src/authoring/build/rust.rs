//! Rust: `cargo build --release --target wasm32-unknown-unknown`, by rustup's toolchain with that target, or by Debian's `rustc-web`,
//! which builds the standard library along.
//!
//! The same sources and tools give the same bytes in every folder and on every account: the paths that a compiler writes into
//! messages of panics are given other names. Whoever sets RUSTFLAGS says it all themselves.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::remedy::{CARGO, RUST_TARGET};
use super::tools::{Tested, Tools};
use super::{Made, say};
use crate::error::{Error, Result};
use crate::report::clean;

const TARGET: &str = "wasm32-unknown-unknown";
/// Where Debian's package `rustc-web` has its compiler; rustup's stands before it on `PATH`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// What compiles.
#[derive(Debug)]
enum Compiler {
    /// One that has the target's standard library.
    Installed(Rustc),
    /// Debian's, which has its sources only, with the linker of this name.
    Debian(Rustc, &'static str),
}

/// A compiler, and what has to be known of it.
#[derive(Debug)]
struct Rustc {
    program: PathBuf,
    sysroot: PathBuf,
    /// The commit that it was made from.
    commit: String,
}

/// The package that's built, as cargo sees it.
struct Package {
    manifest: String,
    workspace: String,
    target: PathBuf,
}

/// The module that cargo makes of the crate's library.
pub(super) fn build(tools: &Tools<'_>) -> Result<Made> {
    let cargo = tools.need("cargo", &CARGO)?;
    let compiler = compiler(tools)?;
    let package = package(tools, &cargo)?;
    let has_own_flags = tools.variable("RUSTFLAGS").is_some() || tools.variable("CARGO_ENCODED_RUSTFLAGS").is_some();
    if !has_own_flags {
        fetch(tools, &cargo, &package)?;
    }
    let mut command = tools.command(&cargo);
    command.args(["build", "--release", "--lib", "--target", TARGET, "--message-format", "json-render-diagnostics"]);
    command.arg("--manifest-path").arg(&package.manifest);
    add_modes(tools, &mut command);
    if !has_own_flags {
        command.arg("--config").arg(format!("target.{TARGET}.rustflags={}", remapped(tools, &package, compiler.rustc())));
    }
    if let Compiler::Debian(rustc, linker) = &compiler {
        say(tools.app, "There's no Rust with the target wasm32-unknown-unknown; Debian's is taken, which builds the standard library too");
        command.env("RUSTC", &rustc.program).env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        // Another compiler would have to build everything anew in a folder that the usual one builds in.
        command.arg("-Zbuild-std=std,panic_abort").arg("--target-dir").arg(package.target.join("debian"));
    }
    let messages = tools.output(&mut command)?;
    Made::read(&module_in(&messages, &package)?)
}

/// The crates that are needed, before it's said under which names their folders are to be known: on an account that has none yet, cargo
/// unpacks them into folders that aren't there before.
fn fetch(tools: &Tools<'_>, cargo: &Path, package: &Package) -> Result<()> {
    let mut command = tools.command(cargo);
    command.args(["fetch", "--target", TARGET, "--manifest-path"]).arg(&package.manifest);
    add_modes(tools, &mut command);
    tools.run(&mut command)
}

/// The crate's own tests, natively.
pub(super) fn test(tools: &Tools<'_>) -> Result<Tested> {
    let cargo = tools.need("cargo", &CARGO)?;
    let mut command = tools.command(cargo);
    command.arg("test");
    add_modes(tools, &mut command);
    tools.tested(&mut command)
}

fn add_modes(tools: &Tools<'_>, command: &mut Command) {
    if tools.is_locked() {
        command.arg("--locked");
    }
    if tools.is_offline() {
        command.arg("--offline");
    }
}

/// Is there a compiler for the target? Which one, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    tools.need("cargo", &CARGO)?;
    Ok(match compiler(tools)? {
        Compiler::Installed(rustc) => version(tools, &rustc.program, "with the target wasm32-unknown-unknown"),
        Compiler::Debian(rustc, _) => version(tools, &rustc.program, "of Debian's rustc-web"),
    })
}

fn version(tools: &Tools<'_>, rustc: &Path, more: &str) -> String {
    let version = tools.ask(tools.command(rustc).arg("--version")).unwrap_or_else(|| "rustc".to_owned());
    format!("{} {more}", clean(&version))
}

fn compiler(tools: &Tools<'_>) -> Result<Compiler> {
    let usual = tools.variable("RUSTC").map(PathBuf::from).or_else(|| tools.find("rustc"));
    if let Some(rustc) = usual.and_then(|program| rustc(tools, program))
        && rustc.sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
    {
        return Ok(Compiler::Installed(rustc));
    }
    let linker = ["wasm-ld-19", "wasm-ld", "rust-lld"].into_iter().find(|linker| tools.find(linker).is_some());
    let debian = rustc(tools, PathBuf::from(DEBIAN_RUSTC));
    match (debian, linker) {
        (Some(rustc), Some(linker)) if sources(&rustc).is_dir() => Ok(Compiler::Debian(rustc, linker)),
        _ if tools.find("rustup").is_some() => {
            Err(Error::new("mfp::build::toolchain", RUST_TARGET.what).help(format!("`rustup target add {TARGET}`")))
        }
        _ => Err(RUST_TARGET.error(tools)),
    }
}

fn rustc(tools: &Tools<'_>, program: PathBuf) -> Option<Rustc> {
    let sysroot = tools.ask(tools.command(&program).args(["--print", "sysroot"]))?;
    let about = tools.ask(tools.command(&program).arg("-vV"))?;
    let commit = about.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or("unknown").to_owned();
    Some(Rustc { program, sysroot: sysroot.into(), commit })
}

/// Where a compiler's standard library has its sources, if they were installed.
fn sources(rustc: &Rustc) -> PathBuf {
    rustc.sysroot.join("lib/rustlib/src/rust/library")
}

impl Compiler {
    fn rustc(&self) -> &Rustc {
        match self {
            Self::Installed(rustc) | Self::Debian(rustc, _) => rustc,
        }
    }
}

/// Names for the folders of this machine, as a TOML array of flags.
fn remapped(tools: &Tools<'_>, package: &Package, rustc: &Rustc) -> String {
    let mut flags = toml_edit::Array::new();
    let mut remap = |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
    remap(Path::new(&package.workspace), "/plugin");
    if let Some(home) = cargo_home(tools) {
        remap(&home.join("git/checkouts"), "/git");
        // One a registry; the name has the registry's URL in it, hashed.
        let registries = std::fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
        let mut registries: Vec<PathBuf> = registries.map(|entry| entry.path()).collect();
        registries.sort();
        for registry in registries {
            remap(&registry, "/crates");
        }
    }
    remap(&rustc.sysroot.join("lib/rustlib/src/rust"), &format!("/rustc/{}", rustc.commit));
    flags.to_string()
}

fn cargo_home(tools: &Tools<'_>) -> Option<PathBuf> {
    let home = || tools.variable("HOME").or_else(|| tools.variable("USERPROFILE")).map(|home| Path::new(home).join(".cargo"));
    tools.variable("CARGO_HOME").map(PathBuf::from).or_else(home)
}

/// What cargo knows of the package in the plugin's folder, without asking anybody.
fn package(tools: &Tools<'_>, cargo: &Path) -> Result<Package> {
    let manifest = tools.root.join("Cargo.toml");
    let mut command = tools.command(cargo);
    command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(&manifest);
    let text = tools.output(&mut command)?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| Error::bug(format!("`cargo metadata` gave no JSON: {error}")))?;
    let manifest = manifest.display().to_string();
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let package = packages.iter().find(|package| package["manifest_path"] == manifest.as_str());
    let package = package.ok_or_else(|| {
        Error::new("mfp::build::nothing", "Cargo.toml beside plugin.yaml has no package: it's a workspace's")
            .help("name the folder of the plugin's own crate: `mfp build PATH`")
    })?;
    let is_library = |target: &Value| target["crate_types"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"));
    if !package["targets"].as_array().is_some_and(|targets| targets.iter().any(is_library)) {
        return Err(no_cdylib());
    }
    let text = |key: &str| metadata[key].as_str().unwrap_or_default().to_owned();
    Ok(Package { manifest, workspace: text("workspace_root"), target: text("target_directory").into() })
}

fn no_cdylib() -> Error {
    Error::new("mfp::build::nothing", "the crate's library isn't one that other programs load, so there's no wasm")
        .help("add to Cargo.toml: `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`")
}

/// The module that cargo says it made of this package.
fn module_in(messages: &str, package: &Package) -> Result<PathBuf> {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let ours =
        artifacts.filter(|message| message["reason"] == "compiler-artifact" && message["manifest_path"] == package.manifest.as_str());
    let mut files = ours.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let module = files.find_map(|file| file.as_str().map(PathBuf::from).filter(|file| file.extension().is_some_and(|it| it == "wasm")));
    module.ok_or_else(no_cdylib)
}
