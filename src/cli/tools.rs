//! Commands about this program and this machine: `cache`, `doctor`, `config`, `schema`, `man`, `completions`, `self`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::authoring::templates::Kind;

/// `mfp cache`
#[derive(Debug, Args)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    pub(crate) action: CacheAction,
}

/// What to do with the store and the cache.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum CacheAction {
    /// Print the folders
    Dir,
    /// Print how much they hold
    Size,
    /// Remove everything that can be fetched again, the store too
    Clean,
    /// Remove what no known project's lock names
    Prune,
    /// Re-hash the whole store; what's damaged is moved to quarantine
    Verify,
}

/// `mfp doctor`
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {}

/// `mfp config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

/// What to do with the user configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Print one value
    Get {
        /// The key, as `network.retries`
        key: String,
    },
    /// Write one value
    Set {
        /// The key, as `network.retries`
        key: String,
        /// The value, as TOML; a bare word is a string
        value: String,
    },
    /// Print every value in force, and where it comes from
    List,
    /// Print the file's path
    Path,
}

/// `mfp schema`
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Which file
    #[arg(value_enum)]
    pub(crate) file: SchemaFile,
    /// Print an example of the file instead
    #[arg(long)]
    pub(crate) example: bool,
    /// An example of a plugin that answers this; `full` for one with everything that the file can hold
    #[arg(long = "type", value_name = "TYPE", requires = "example")]
    pub(crate) kind: Option<Kind>,
}

/// A file that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaFile {
    /// mockforge-plugins.toml
    Manifest,
    /// plugins.lock
    Lock,
    /// plugin.yaml
    Plugin,
}

/// `mfp man`
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page a command into this folder, instead of printing one
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// The command (default: mfp itself)
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}

/// `mfp completions`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// `mfp self`
#[derive(Debug, Args)]
pub(crate) struct SelfArgs {
    #[command(subcommand)]
    pub(crate) action: SelfAction,
}

/// What to say about this program.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum SelfAction {
    /// Print the version
    Version,
}
