//! JavaScript: `node build.mjs OUT`, the author's own few lines around componentize-js, which makes a component of a file and an
//! engine that runs it.

use std::path::Path;

use super::fresh::Basis;
use super::remedy::NODE;
use super::tools::Tools;
use super::{Made, npm};
use crate::error::{Error, Result};
use crate::report::clean;

const COMPONENTIZE: &str = "@bytecodealliance/componentize-js";

/// Does this folder's `package.json` want componentize-js?
pub(super) fn is_one(root: &Path) -> bool {
    npm::package(root).is_some_and(|package| ["dependencies", "devDependencies"].iter().any(|kind| package[kind][COMPONENTIZE].is_string()))
}

/// The packages that `build.mjs` takes.
pub(super) fn prepare(tools: &Tools<'_>) -> Result<()> {
    if !tools.root.join("build.mjs").is_file() {
        return Err(Error::new("mfp::build::nothing", "there's no build.mjs, which makes the component")
            .help("`mfp new NAME --type template --lang js` writes one; it's started as `node build.mjs OUT`"));
    }
    npm::ready(tools).map(drop)
}

/// The component that `build.mjs` makes.
pub(super) fn build(tools: &Tools<'_>, scratch: &Path) -> Result<Made> {
    let node = tools.need("node", &NODE)?;
    let out = scratch.join("plugin.wasm");
    tools.run(tools.command(node).arg("build.mjs").arg(&out))?;
    let made = Made::read(&out)?;
    Ok(match reads(&out) {
        Some(reads) => made.of(reads),
        None => made,
    })
}

/// The files and folders that build.mjs says that it read, a line each in `OUT.reads`. It runs whatever its author likes, so only it
/// can say it. Those that Node reads to run it are added.
fn reads(out: &Path) -> Option<Vec<String>> {
    let said = std::fs::read_to_string(out.with_added_extension("reads")).ok()?;
    let said = said.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned);
    Some(["build.mjs", "package.json", "package-lock.json"].map(str::to_owned).into_iter().chain(said).collect())
}

/// What decides what build.mjs gives: Node, and what's in `node_modules`.
pub(super) fn basis(tools: &Tools<'_>) -> Option<Basis> {
    let node = tools.find("node")?;
    let version = tools.ask(tools.command(&node).arg("--version"))?;
    Some(Basis { installed: "node_modules", words: vec![node.display().to_string(), clean(&version).into_owned()] })
}
