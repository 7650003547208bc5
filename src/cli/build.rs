//! Commands that build what an author wrote: `build`, `test`.

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

/// `mfp test`
#[derive(Debug, Args)]
#[command(
    after_help = "First the plugin is built, unless it's known that what's there would come out again; then the language's own tests run (cargo test, npm test, pytest, zig build test, make test), \
then the requests of `tests:` in plugin.yaml are asked in the sandbox, with all that the manifest asks for, and the answers are held \
against what's expected there.\n\n\
Examples:\n  mfp test\n  mfp test --only 'a known token'\n  mfp test --deterministic --json"
)]
pub(crate) struct TestArgs {
    /// The plugin's folder (default: the nearest above with a plugin.yaml)
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    /// Count steps in place of time, stop the clock, give the same random numbers: the same numbers in every run
    #[arg(long, conflicts_with = "endpoint")]
    pub(crate) deterministic: bool,
    /// Test the wasm as it is, whatever the sources say
    #[arg(long)]
    pub(crate) no_build: bool,
    /// Ask only the requests whose names contain this, and run none of the language's own tests
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Ask the service at this address (for a plugin that's a service)
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<mfp_model::source::RemoteUrl>,
}
