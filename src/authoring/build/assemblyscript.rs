//! AssemblyScript: its compiler from `node_modules`, as `asconfig.json` says.

use std::path::Path;

use serde_json::Value;

use super::Made;
use super::remedy::NODE;
use super::tools::Tools;
use crate::error::{Error, Result};
use crate::explain;

/// Where the sources begin unless `asconfig.json` says otherwise.
const USUAL: [&str; 2] = ["assembly/index.ts", "src/index.ts"];

/// The module that `asc` makes.
pub(super) fn build(tools: &Tools<'_>, scratch: &Path) -> Result<Made> {
    let node = tools.need("node", &NODE)?;
    let compiler = "node_modules/assemblyscript/bin/asc.js";
    if !tools.root.join(compiler).is_file() {
        return Err(Error::new("mfp::build::toolchain", "there's no AssemblyScript in node_modules")
            .help("`npm install --save-dev assemblyscript`"));
    }
    // It takes paths from where it's started, and no others.
    let out = scratch.file_name().map_or(scratch, Path::new).join("plugin.wasm");
    let mut command = tools.command(node);
    command.arg(compiler).args(entries(tools)?).args(["--config", "asconfig.json", "--outFile"]).arg(&out);
    tools.run(&mut command)?;
    // Its own optimiser is wasm-opt's.
    Made::read(&tools.root.join(out)).map(Made::optimized)
}

/// The file that it begins with; none if `asconfig.json` names it.
fn entries(tools: &Tools<'_>) -> Result<Option<&'static str>> {
    let path = tools.root.join("asconfig.json");
    let text = std::fs::read_to_string(&path).map_err(|error| explain::io("read", &path, &error))?;
    // A file with comments, which AssemblyScript reads and this doesn't, names none for us; `asc` says what's wrong with a broken one.
    let named = serde_json::from_str::<Value>(&text).ok().is_some_and(|config| config["entries"].is_array());
    if named {
        return Ok(None);
    }
    let usual = USUAL.into_iter().find(|file| tools.root.join(file).is_file());
    usual.map(Some).ok_or_else(|| {
        Error::new("mfp::build::nothing", format!("there's no {}, and asconfig.json names no `entries`", USUAL[0]))
            .help("name the file that the plugin begins with in asconfig.json: `\"entries\": [\"assembly/index.ts\"]`")
    })
}
