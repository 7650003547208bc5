//! What AssemblyScript and JavaScript have in common: packages of npm, and tests by `npm test`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::remedy::{NODE, NPM};
use super::say;
use super::tools::{Tested, Tools};
use crate::error::Result;
use crate::report::clean;

/// Node, and the packages that `package.json` names, installed if no folder is there.
pub(super) fn ready(tools: &Tools<'_>) -> Result<PathBuf> {
    let node = tools.need("node", &NODE)?;
    if !tools.root.join("node_modules").is_dir() {
        install(tools)?;
    }
    Ok(node)
}

fn install(tools: &Tools<'_>) -> Result<()> {
    let npm = tools.need("npm", &NPM)?;
    let locked = tools.root.join("package-lock.json").is_file();
    let verb = if locked { "ci" } else { "install" };
    say(tools.app, format!("Installing what package.json names: `npm {verb}`"));
    let mut command = tools.command(npm);
    command.args([verb, "--no-audit", "--no-fund"]);
    if tools.is_offline() {
        command.arg("--offline");
    }
    tools.run(&mut command)
}

/// Are both there? Which Node, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    let node = tools.need("node", &NODE)?;
    tools.need("npm", &NPM)?;
    let version = tools.ask(tools.command(node).arg("--version")).unwrap_or_default();
    Ok(format!("Node {}", clean(&version)))
}

/// `npm test`, if the package says what that is.
pub(super) fn test(tools: &Tools<'_>) -> Result<Tested> {
    if !has_tests(tools) {
        return Ok(Tested::None("package.json has no script `test`"));
    }
    ready(tools)?;
    let npm = tools.need("npm", &NPM)?;
    tools.tested(tools.command(npm).arg("test"))
}

fn has_tests(tools: &Tools<'_>) -> bool {
    let package = package(tools.root);
    // `npm init` writes one that only fails.
    package.is_some_and(|package| package["scripts"]["test"].as_str().is_some_and(|script| !script.contains("no test specified")))
}

/// What a folder's `package.json` says, if there's one that can be read.
pub(super) fn package(root: &Path) -> Option<Value> {
    std::fs::read(root.join("package.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok())
}
