//! Which language is a plugin written in, and what builds and tests it? Its folder's files tell; nobody has to say it.

use std::path::Path;

use mfp_model::plugin::Runtime;

use super::fresh::Basis;
use super::tools::{Tested, Tools};
use super::{Made, assemblyscript, c, javascript, npm, python, rust, venv, zig};
use crate::authoring::OwnPlugin;
use crate::authoring::language::Language;
use crate::error::{Error, Result};

impl Language {
    /// Build it, with what was prepared: the wasm as the language's tools leave it.
    pub(super) fn build(self, tools: &Tools<'_>, plugin: &OwnPlugin, scratch: &Path) -> Result<Made> {
        match self {
            Self::Rust => rust::build(tools),
            Self::AssemblyScript => assemblyscript::build(tools, scratch),
            Self::Js => javascript::build(tools, scratch),
            Self::Python => python::build(tools, plugin, scratch),
            Self::RemotePython => Err(Error::bug("a service was to be built")),
            Self::Zig => zig::build(tools, scratch),
            Self::C => c::build(tools, scratch),
        }
    }

    /// Bring what it's built with in the plugin's folder up to date.
    pub(super) fn prepare(self, tools: &Tools<'_>) -> Result<()> {
        match self {
            Self::AssemblyScript => npm::ready(tools).map(drop),
            Self::Js => javascript::prepare(tools),
            Self::Python => python::prepare(tools),
            Self::RemotePython => venv::ready(tools),
            Self::Rust | Self::Zig | Self::C => Ok(()),
        }
    }

    /// What decides what a build gives, where the tools don't keep an eye on it themselves and a build takes long.
    pub(super) fn basis(self, tools: &Tools<'_>) -> Option<Basis> {
        match self {
            Self::Js => javascript::basis(tools),
            Self::Python => Some(python::basis()),
            Self::Rust | Self::AssemblyScript | Self::RemotePython | Self::Zig | Self::C => None,
        }
    }

    /// Run its own tests.
    pub(super) fn test(self, tools: &Tools<'_>) -> Result<Tested> {
        match self {
            Self::Rust => rust::test(tools),
            Self::AssemblyScript | Self::Js => npm::test(tools),
            Self::Python | Self::RemotePython => python::test(tools),
            Self::Zig => zig::test(tools),
            Self::C => c::test(tools),
        }
    }
}

/// The language of a plugin's folder. The first that fits: a Rust plugin may have a `package.json` for something else.
pub(crate) fn detect(plugin: &OwnPlugin) -> Result<Language> {
    let has = |file: &str| plugin.root.join(file).is_file();
    if plugin.manifest.runtime == Runtime::Remote {
        return Ok(Language::RemotePython);
    }
    let told = [
        (has("Cargo.toml"), Language::Rust),
        (has("asconfig.json"), Language::AssemblyScript),
        (javascript::is_one(&plugin.root), Language::Js),
        (has("pyproject.toml"), Language::Python),
        (zig::is_one(&plugin.root), Language::Zig),
        (c::is_one(&plugin.root), Language::C),
    ];
    let found = told.into_iter().find(|(is_it, _)| *is_it).map(|(_, language)| language);
    found.ok_or_else(|| {
        Error::new("mfp::build::language", format!("{} holds nothing that mfp builds", plugin.root.display())).help(
            "it looks for Cargo.toml, asconfig.json, package.json with componentize-js, pyproject.toml, build.zig, *.zig or *.c; \
             `mfp new --help` lists the languages",
        )
    })
}

/// The files with this ending in a folder and in its `src`, by their paths from it, sorted.
pub(super) fn sources(root: &Path, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, prefix) in [(root.to_owned(), ""), (root.join("src"), "src/")] {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let is_source = entry.path().extension().is_some_and(|extension| extension == ending) && entry.path().is_file();
            if let (true, Some(name)) = (is_source, entry.file_name().to_str()) {
                found.push(format!("{prefix}{name}"));
            }
        }
    }
    found.sort();
    found
}
