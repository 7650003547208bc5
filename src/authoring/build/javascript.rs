//! JavaScript: `node build.mjs OUT`, the author's own few lines around componentize-js, which makes a component of a file and an
//! engine that runs it.

use std::path::Path;

use super::tools::Tools;
use super::{Made, npm};
use crate::error::{Error, Result};

const COMPONENTIZE: &str = "@bytecodealliance/componentize-js";

/// Does this folder's `package.json` want componentize-js?
pub(super) fn is_one(root: &Path) -> bool {
    npm::package(root).is_some_and(|package| ["dependencies", "devDependencies"].iter().any(|kind| package[kind][COMPONENTIZE].is_string()))
}

/// The component that `build.mjs` makes.
pub(super) fn build(tools: &Tools<'_>, scratch: &Path) -> Result<Made> {
    if !tools.root.join("build.mjs").is_file() {
        return Err(Error::new("mfp::build::nothing", "there's no build.mjs, which makes the component")
            .help("`mfp new NAME --type template --lang js` writes one; it's started as `node build.mjs OUT`"));
    }
    let node = npm::ready(tools)?;
    let out = scratch.join("plugin.wasm");
    tools.run(tools.command(node).arg("build.mjs").arg(&out))?;
    Made::read(&out)
}
