//! Python: componentize-py, from a virtual environment of the project, makes a component of a module and the interpreter that runs it.
//!
//! `[tool.mfp]` of `pyproject.toml` says which module, where modules are looked for, and where the WIT is. The programs are those of
//! `.venv` ([`super::venv`]).

use std::path::{Path, PathBuf};

use mfp_model::plugin::PluginType;
use mfp_store::fs::write_atomic;
use toml_edit::{DocumentMut, Item};

use super::Made;
use super::fresh::Basis;
use super::tools::{Tested, Tools};
use super::venv::{self, COMPONENTIZE, inside};
use crate::authoring::OwnPlugin;
use crate::error::{Error, Excerpt, Result};
use crate::explain;
use crate::report::clean;

/// The world of a plugin of several types, as it's called in the copy of the interfaces that it's put into.
const WORLD: &str = "mfp-types";

/// The environment with componentize-py. What the project says about the build is looked at before that takes its time.
pub(super) fn prepare(tools: &Tools<'_>) -> Result<()> {
    Told::read(tools.root)?;
    venv::ready(tools)
}

/// The component that componentize-py makes.
pub(super) fn build(tools: &Tools<'_>, plugin: &OwnPlugin, scratch: &Path) -> Result<Made> {
    let (told, componentize) = (Told::read(tools.root)?, componentize(tools)?);
    let out = scratch.join("plugin.wasm");
    let mut command = tools.command(componentize);
    let types: Vec<&PluginType> = plugin.manifest.types.iter().collect();
    match (&told.world, types.as_slice()) {
        (Some(world), _) => command.arg("-d").arg(&told.wit).args(["-w", world]),
        (None, [only]) => command.arg("-d").arg(&told.wit).arg("-w").arg(format!("{only}-plugin")),
        (None, several) => command.arg("-d").arg(world_of(&tools.root.join(&told.wit), several, scratch)?).args(["-w", WORLD]),
    };
    command.arg("componentize").arg(&told.module);
    // It would look for packages in whatever environment is active, or in those of the system and the user.
    command.env("VIRTUAL_ENV", tools.root.join(venv::FOLDER));
    for path in &told.paths {
        command.arg("-p").arg(path);
    }
    // No caches beside the sources.
    tools.run(command.arg("-o").arg(&out).env("PYTHONDONTWRITEBYTECODE", "1"))?;
    let reads = ["pyproject.toml".to_owned(), told.wit].into_iter().chain(told.paths).collect();
    Made::read(&out).map(|made| made.of(reads))
}

/// What decides what componentize-py gives, beside sources: it takes packages from `.venv`, and is one of them.
pub(super) fn basis() -> Basis {
    Basis { installed: venv::FOLDER, words: Vec::new() }
}

/// The tests: by pytest if the environment has it, else by what Python brings.
pub(super) fn test(tools: &Tools<'_>) -> Result<Tested> {
    let has_tests = tools.root.join("tests").is_dir() || tools.root.join("test").is_dir();
    if !has_tests {
        return Ok(Tested::None("there's no folder `tests`"));
    }
    venv::ready(tools)?;
    let python = venv::python(tools)?;
    let has_pytest = tools.ask(tools.command(&python).args(["-c", "import pytest"])).is_some();
    let mut command = tools.command(python);
    if has_pytest {
        command.args(["-m", "pytest", "-q"]);
    } else {
        command.args(["-m", "unittest", "discover"]);
    }
    tools.tested(command.env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// What `pyproject.toml` says about the build.
struct Told {
    module: String,
    paths: Vec<String>,
    wit: String,
    world: Option<String>,
}

impl Told {
    fn read(root: &Path) -> Result<Self> {
        let path = root.join("pyproject.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| explain::io("read", &path, &error))?;
        let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
            let span = error.span().unwrap_or_default();
            let excerpt = Excerpt { file: "pyproject.toml".to_owned(), text: text.clone(), span, label: error.message().to_owned() };
            Error::new("mfp::build::settings", "pyproject.toml isn't TOML").excerpt(excerpt).help("correct it, then `mfp build`")
        })?;
        let told = document.get("tool").and_then(|tool| tool.get("mfp"));
        let text = |key: &str| told.and_then(|told| told.get(key)).and_then(Item::as_str).map(str::to_owned);
        let paths = told.and_then(|told| told.get("paths")).and_then(Item::as_array);
        let paths: Vec<String> = paths.into_iter().flatten().filter_map(|path| path.as_str().map(str::to_owned)).collect();
        let wit = text("wit").or_else(|| ["wit", "sdk/wit"].into_iter().find(|wit| root.join(wit).is_dir()).map(str::to_owned));
        let wit = wit.filter(|wit| root.join(wit).is_dir()).ok_or_else(|| {
            Error::new("mfp::build::settings", "the interfaces of mockforge:plugin aren't where pyproject.toml says, or it doesn't say")
                .help("name their folder: `[tool.mfp]` with `wit = \"sdk/wit\"`; `mfp new NAME --type template --lang python` brings them")
        })?;
        let paths = if paths.is_empty() { vec![".".to_owned()] } else { paths };
        Ok(Self { module: text("module").unwrap_or_else(|| "app".to_owned()), paths, wit, world: text("world") })
    }
}

/// A copy of the interfaces with a world that exports these types and nothing else. The package has worlds for one type and for all;
/// componentize-py could join two of them, and stops over the types that they share.
fn world_of(wit: &Path, types: &[&PluginType], scratch: &Path) -> Result<PathBuf> {
    let copy = scratch.join("wit");
    let package = copied(wit, &copy)?.ok_or_else(|| {
        Error::new("mfp::build::settings", format!("no file in {} says which package it is", clean(&wit.display().to_string())))
            .help("a line `package mockforge:plugin@0.1.0;` does; `mfp new` brings the interfaces")
    })?;
    let exports: String = types.iter().map(|one| format!("    export {one};\n")).collect();
    let world = format!("{package}\n\nworld {WORLD} {{\n    import host;\n{exports}}}\n");
    write_atomic(&copy.join(format!("{WORLD}.wit")), world.as_bytes()).map_err(explain::store)?;
    Ok(copy)
}

/// Copy a folder of WIT, with its dependencies; the line that says which package its own files are.
fn copied(from: &Path, to: &Path) -> Result<Option<String>> {
    let failed = |error: std::io::Error| explain::io("copy the interfaces in", from, &error);
    std::fs::create_dir(to).map_err(failed)?;
    let mut package = None;
    for entry in std::fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copied(&entry.path(), &target)?;
        } else {
            let bytes = std::fs::read(entry.path()).map_err(failed)?;
            let text = String::from_utf8_lossy(&bytes);
            package = package.or_else(|| text.lines().find(|line| line.starts_with("package ")).map(str::to_owned));
            write_atomic(&target, &bytes).map_err(explain::store)?;
        }
    }
    Ok(package)
}

fn componentize(tools: &Tools<'_>) -> Result<PathBuf> {
    inside(tools, "componentize-py").ok_or_else(|| {
        Error::new("mfp::build::toolchain", "there's no componentize-py in .venv")
            .help(format!("`.venv/bin/python3 -m pip install {COMPONENTIZE}`, or delete .venv and run `mfp build`"))
    })
}
