//! How do a plugin's sources become its wasm? By the tools of its language, in the author's own folder.
//!
//! The only module that starts programs because of what's in a plugin's folder, and only `mfp build` and `mfp test` ask it to: a
//! build script runs whatever its author likes, so nothing here is ever done to a plugin that somebody else wrote. One file a
//! language says which program is started, with which arguments, and how it's had if it isn't there. What comes out of it is
//! made a component if it says that it's to be one, optimised if `wasm-opt` is there, given its manifest, loaded once in the
//! sandbox, and only then written.

mod assemblyscript;
mod c;
mod finish;
mod fresh;
mod javascript;
mod language;
mod npm;
mod python;
mod remedy;
mod rust;
mod tools;
mod venv;
mod zig;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mfp_model::content::PackagePath;
use mfp_model::plugin::WasmKind;
use mfp_store::fs::write_atomic;

use self::fresh::Start;
pub(crate) use self::language::detect;
pub(crate) use self::tools::{Tested, Tools};
use super::language::Language;
use super::own_content::OwnContent;
use super::sandboxed::Sandboxed;
use super::{OwnPlugin, check};
use crate::app::App;
use crate::error::{Error, Result};
use crate::explain;
use crate::report::{Event, clean};

/// What was said about how to build.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuildOptions {
    /// Optimise with `wasm-opt`, if it's there.
    pub(crate) optimize: bool,
    /// Build what's known to come out as it is, too.
    pub(crate) always: bool,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum BuildOutcome {
    /// It's a service, and there's nothing to build.
    Service,
    /// A build would give what's there.
    Fresh(PackagePath),
    Built(Built),
}

/// What was built.
#[derive(Debug)]
pub(crate) struct Built {
    /// From what.
    pub(crate) language: Language,
    /// Where it is, relative to the plugin's folder.
    pub(crate) entry: PackagePath,
    /// What it is.
    pub(crate) kind: WasmKind,
    /// Its size as the language's tools left it, in bytes.
    pub(crate) made_bytes: u64,
    /// Its size as it was written, in bytes.
    pub(crate) bytes: u64,
    /// Was it optimised?
    pub(crate) optimized: bool,
    /// Is it another file than what was there before?
    pub(crate) changed: bool,
    /// How long all of it took.
    pub(crate) elapsed: Duration,
}

/// Build a plugin.
pub(crate) fn build(app: &App<'_>, plugin: &OwnPlugin, options: BuildOptions) -> Result<BuildOutcome> {
    let began = Instant::now();
    let language = detect(plugin)?;
    if language.is_service() {
        return Ok(BuildOutcome::Service);
    }
    check_manifest(app, plugin)?;
    let entry = entry(plugin);
    let place = plugin.root.join(entry.as_str());
    let tools = Tools::new(app, &plugin.root);
    // First: what's installed is part of the answer whether a build would give what's there, and what installing writes, a lock for
    // one, isn't what changes while it's built.
    language.prepare(&tools)?;
    let basis = language.basis(&tools);
    if !options.always && basis.as_ref().is_some_and(|basis| basis.gives(plugin, &place)) {
        return Ok(BuildOutcome::Fresh(entry));
    }
    let scratch = scratch(&plugin.root)?;
    let start = basis.as_ref().and_then(|_| Start::new(plugin, scratch.path()));
    let made = language.build(&tools, plugin, scratch.path())?;
    let (wasm, kind) = finish::as_told(made.wasm)?;
    let (wasm, optimized) =
        if options.optimize && !made.optimized { finish::optimized(&tools, wasm, kind, scratch.path()) } else { (wasm, false) };
    let wasm = finish::with_manifest(&wasm, &plugin.manifest_text)?;
    would_load(app, plugin, &entry, &wasm)?;
    let changed = std::fs::read(&place).map_or(true, |there| there != wasm);
    if changed {
        put(&place, &wasm)?;
    }
    if let (Some(reads), Some(start), Some(basis)) = (made.reads, start, basis) {
        basis.remember(plugin, reads, &place, &start);
    }
    let (made_bytes, bytes) = (made.bytes, wasm.len() as u64);
    Ok(BuildOutcome::Built(Built { language, entry, kind, made_bytes, bytes, optimized, changed, elapsed: began.elapsed() }))
}

/// What's wrong with the manifest is said before a compiler takes its time; of what could be better there's a word.
fn check_manifest(app: &App<'_>, plugin: &OwnPlugin) -> Result<()> {
    let findings = check::check_manifest(plugin);
    check::refuse(&findings)?;
    if let Some(counted) = check::counted(&findings) {
        say(app, format!("{counted} in plugin.yaml: `mfp validate` shows them"));
    }
    Ok(())
}

/// What a language's tools left.
struct Made {
    wasm: Vec<u8>,
    /// Its size, in bytes.
    bytes: u64,
    /// Have they optimised it themselves as far as it goes?
    optimized: bool,
    /// All files and folders of sources that it was made of, from the plugin's folder; `None` if nobody knows.
    reads: Option<Vec<String>>,
}

impl Made {
    /// The file that a tool was told to write, or said that it wrote.
    fn read(file: &Path) -> Result<Self> {
        let wasm = std::fs::read(file).map_err(|error| explain::io("read what was built,", file, &error))?;
        Ok(Self { bytes: wasm.len() as u64, wasm, optimized: false, reads: None })
    }

    /// With `wasm-opt`, there'd be nothing left to gain.
    fn optimized(self) -> Self {
        Self { optimized: true, ..self }
    }

    /// Made of these, and of nothing else but what's installed.
    fn of(self, reads: Vec<String>) -> Self {
        Self { reads: Some(reads), ..self }
    }
}

/// Where the wasm belongs: where the manifest says, or under the plugin's name.
pub(crate) fn entry(plugin: &OwnPlugin) -> PackagePath {
    let by_name = || {
        let file = format!("{}.wasm", plugin.manifest.id.as_str().replace('-', "_"));
        file.parse().expect("a plugin's name is a legal file name")
    };
    plugin.manifest.entry.clone().unwrap_or_else(by_name)
}

/// A folder inside of the plugin's for what's only needed while it's built: the compilers of some languages write nowhere else.
/// It's gone afterwards.
fn scratch(root: &Path) -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(fresh::SCRATCH).tempdir_in(root).map_err(|error| explain::io("make a folder in", root, &error))
}

/// Would a host load it? It's loaded as one would, with all that its manifest asks for, and started once.
fn would_load(app: &App<'_>, plugin: &OwnPlugin, entry: &PackagePath, wasm: &[u8]) -> Result<()> {
    let content = OwnContent::only(entry.clone(), wasm.to_vec());
    let loaded = Sandboxed::load_for_check(app, plugin, entry, content);
    loaded.map(drop).map_err(|error| error.note("nothing was written: what was built can't be loaded"))
}

fn put(place: &Path, wasm: &[u8]) -> Result<()> {
    if let Some(folder) = place.parent() {
        std::fs::create_dir_all(folder).map_err(|error| explain::io("make the folder", folder, &error))?;
    }
    write_atomic(place, wasm).map_err(explain::store)
}

/// The language's own tests.
pub(crate) fn own_tests(app: &App<'_>, plugin: &OwnPlugin) -> Result<Tested> {
    detect(plugin)?.test(&Tools::new(app, &plugin.root))
}

/// Tools that plugins of some languages are built with, and whether they're on this machine.
pub(crate) struct Toolchain {
    pub(crate) name: &'static str,
    /// Those that can't be built without it.
    pub(crate) languages: &'static [Language],
    /// What's there, or how it's had.
    pub(crate) found: Result<String>,
}

/// All of them.
pub(crate) fn toolchains(app: &App<'_>) -> Vec<Toolchain> {
    use Language::{AssemblyScript, C, Js, Python, RemotePython, Rust, Zig};

    // Compilers and interpreters go by what lies where they're started, and this may be anybody's folder: they're asked in one that
    // has nothing of anybody's.
    let neutral = app.settings.current_dir.ancestors().last().unwrap_or(&app.settings.current_dir);
    let tools = Tools::new(app, neutral);
    let toolchain = |name, languages: &'static [Language], found| Toolchain { name, languages, found };
    vec![
        toolchain("Rust for wasm", &[Rust], rust::found(&tools)),
        toolchain("Node and npm", &[AssemblyScript, Js], npm::found(&tools)),
        toolchain("Python", &[Python, RemotePython], venv::found(&tools)),
        toolchain("Zig", &[Zig], zig::found(&tools)),
        toolchain("C for wasm", &[C], c::found(&tools)),
        toolchain("wasm-opt", &[], finish::found(&tools)),
    ]
}

/// The only file with this ending below a folder that a tool wrote to.
fn only_wasm(folder: &Path) -> Result<PathBuf> {
    let nothing = |what: &str| {
        Error::new("mfp::build::nothing", format!("the build left {what} in {}", clean(&folder.display().to_string())))
            .help("one library or executable for wasm is needed; see the guide, `Build a plugin`")
    };
    let entries = std::fs::read_dir(folder).map_err(|_| nothing("no *.wasm"))?;
    let mut found: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|extension| extension == "wasm")).collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (None, _) => Err(nothing("no *.wasm")),
        (Some(_), false) => Err(nothing("several *.wasm")),
    }
}

/// A step that takes its time and that nobody asked for by name.
fn say(app: &App<'_>, text: impl Into<String>) {
    app.reporter.event(Event::Note(text.into()));
}
