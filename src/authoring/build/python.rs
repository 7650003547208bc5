//! Python: componentize-py, from a virtual environment of the project, makes a component of a module and the interpreter that runs it.
//!
//! `[tool.mfp]` of `pyproject.toml` says which module, where modules are looked for, and where the WIT is. `.venv` is made if it isn't
//! there, with what `requirements.txt` names.

use std::path::{Path, PathBuf};
use std::process::Command;

use mfp_model::plugin::PluginType;
use toml_edit::{DocumentMut, Item};

use super::Made;
use super::remedy::PYTHON;
use super::say;
use super::tools::{Tested, Tools};
use crate::authoring::OwnPlugin;
use crate::error::{Error, Excerpt, Result};
use crate::explain;
use crate::report::clean;

/// What's installed where no `requirements.txt` says it: the version that this mfp was tried with.
const COMPONENTIZE: &str = "componentize-py==0.25.1";

/// The component that componentize-py makes.
pub(super) fn build(tools: &Tools<'_>, plugin: &OwnPlugin, scratch: &Path) -> Result<Made> {
    let told = Told::read(tools.root)?;
    let componentize = componentize(tools)?;
    let out = scratch.join("plugin.wasm");
    let mut command = tools.command(componentize);
    command.arg("-d").arg(&told.wit).arg("-w").arg(told.world.unwrap_or_else(|| world(plugin)));
    command.arg("componentize").arg(&told.module);
    for path in &told.paths {
        command.arg("-p").arg(path);
    }
    // No caches beside the sources.
    tools.run(command.arg("-o").arg(&out).env("PYTHONDONTWRITEBYTECODE", "1"))?;
    Made::read(&out)
}

/// The tests: by pytest if the environment has it, else by what Python brings.
pub(super) fn test(tools: &Tools<'_>) -> Result<Tested> {
    let has_tests = tools.root.join("tests").is_dir() || tools.root.join("test").is_dir();
    if !has_tests {
        return Ok(Tested::None("there's no folder `tests`"));
    }
    environment(tools)?;
    let python = inner_python(tools)?;
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

/// The world of the plugin's types.
fn world(plugin: &OwnPlugin) -> String {
    let types: Vec<&PluginType> = plugin.manifest.types.iter().collect();
    match types.as_slice() {
        [only] => format!("{only}-plugin"),
        _ => "full-plugin".to_owned(),
    }
}

fn componentize(tools: &Tools<'_>) -> Result<PathBuf> {
    environment(tools)?;
    inside(tools, "componentize-py").ok_or_else(|| {
        Error::new("mfp::build::toolchain", "there's no componentize-py in .venv")
            .help(format!("`.venv/bin/python3 -m pip install {COMPONENTIZE}`, or delete .venv and run `mfp build`"))
    })
}

/// A program of the project's environment.
fn inside(tools: &Tools<'_>, name: &str) -> Option<PathBuf> {
    let place = if cfg!(windows) { format!(".venv/Scripts/{name}.exe") } else { format!(".venv/bin/{name}") };
    let place = tools.root.join(place);
    place.is_file().then_some(place)
}

/// `.venv`, made if it isn't there. One that's broken off half-way isn't taken for one: the last step makes its mark.
fn environment(tools: &Tools<'_>) -> Result<()> {
    let mark = tools.root.join(".venv/.mfp-ready");
    let is_made_by_hand =
        tools.root.join(".venv").is_dir() && inside(tools, "componentize-py").or_else(|| inside(tools, "pytest")).is_some();
    if mark.is_file() || is_made_by_hand {
        return Ok(());
    }
    let python = python(tools)?;
    say(tools.app, "Making .venv with what the plugin is built and tested with");
    tools.run(tools.command(python).args(["-m", "venv", "--clear", ".venv"]))?;
    let mut command = pip(tools)?;
    let requirements = ["requirements-dev.txt", "requirements.txt"].into_iter().find(|file| tools.root.join(file).is_file());
    match requirements {
        Some(file) => command.args(["-r", file]),
        None => command.arg(COMPONENTIZE),
    };
    if tools.is_offline() {
        command.arg("--no-index");
    }
    tools.run(&mut command)?;
    mfp_store::fs::write_atomic(&mark, b"").map_err(explain::store)
}

/// A `python3` that can make environments: Debian's brings the module for it in a package of its own.
fn python(tools: &Tools<'_>) -> Result<PathBuf> {
    let python = tools.find("python3").or_else(|| tools.find("python")).ok_or_else(|| PYTHON.error(tools))?;
    if tools.ask(tools.command(&python).args(["-c", "import venv, ensurepip"])).is_none() {
        return Err(Error::new("mfp::build::toolchain", "this Python can't make virtual environments")
            .help("`sudo apt-get install python3-venv`, or take Python from https://www.python.org"));
    }
    Ok(python)
}

/// The Python of the project's environment.
fn inner_python(tools: &Tools<'_>) -> Result<PathBuf> {
    inside(tools, "python3").or_else(|| inside(tools, "python")).ok_or_else(|| PYTHON.error(tools))
}

fn pip(tools: &Tools<'_>) -> Result<Command> {
    let python = inner_python(tools)?;
    let mut command = tools.command(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    Ok(command)
}

/// Is there a Python that can do it? Which one, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    let python = python(tools)?;
    let version = tools.ask(tools.command(python).arg("--version")).unwrap_or_else(|| "Python".to_owned());
    Ok(format!("{} with venv", clean(&version)))
}
