//! Commands for those who write plugins: `build`, `test`.

use std::path::PathBuf;

use clap::Args;

/// `mfp build`
#[derive(Debug, Args)]
#[command(after_help = "The language is told by the folder's files; the programs that build it are the author's own, on PATH. \
Nothing is built of a plugin that somebody else wrote: this is for the folder with plugin.yaml.\n\n\
Examples:\n  mfp build\n  mfp build plugins/auth-tokens --no-optimize")]
pub(crate) struct BuildArgs {
    /// The plugin's folder (default: the nearest above with a plugin.yaml)
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    /// Leave the module as the compiler made it, even if wasm-opt is there
    #[arg(long)]
    pub(crate) no_optimize: bool,
}
