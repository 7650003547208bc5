//! Commands about the project as a whole: `init`, `lock`, `sync`, `vendor`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mfp_model::name::GroupName;

use super::values::{AcceptedKey, accepted_key};

/// `mfp init`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder to make a project of (default: this one)
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// The registry that plain requirements mean: a URL, or a folder as `file:../registry/`
    #[arg(long, value_name = "URL")]
    pub(crate) registry: Option<String>,
    /// Take the plugins of a mockforge-plugins.lock or a mockforge.yaml
    #[arg(long, value_name = "FILE")]
    pub(crate) import: Option<PathBuf>,
}

/// `mfp lock`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags as they are typed; commands make choices of them")]
pub(crate) struct LockArgs {
    /// Change nothing; exit 3 if the lock isn't fresh
    #[arg(long)]
    pub(crate) check: bool,
    /// Forget the locked versions: take the newest of everything
    #[arg(long)]
    pub(crate) upgrade: bool,
    /// Forget the locked version of this plugin, or take exactly NAME@VERSION
    #[arg(long, value_name = "NAME[@VERSION]")]
    pub(crate) upgrade_plugin: Vec<String>,
    /// Ignore a lock that can't be read, and make a new one
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Say what would change; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take this key's signatures for a plugin that another key signed, as `NAME=minisign:RW…`: only if its publisher says so
    #[arg(long, value_name = "NAME=KEY", value_parser = accepted_key)]
    pub(crate) accept_key: Vec<AcceptedKey>,
}

/// `mfp sync`
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SyncArgs {
    /// Change nothing; exit 3 if the lock would change, 1 if only the layout would
    #[arg(long)]
    pub(crate) check: bool,
    /// Say what would change; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Install this optional group too
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<GroupName>,
    /// Install every optional group
    #[arg(long, conflicts_with = "group")]
    pub(crate) all_groups: bool,
    /// How files get from the store into the plugin folder
    #[arg(long, value_name = "MODE")]
    pub(crate) link_mode: Option<LinkModeArg>,
}

/// How files get from the store into the plugin folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LinkModeArg {
    /// Clone where the file system can, else hard-link, else copy.
    Auto,
    /// Copy-on-write clones only.
    Clone,
    /// Hard links only.
    Hardlink,
    /// Copies only.
    Copy,
    /// Symbolic links into the store.
    Symlink,
}

/// `mfp vendor`
#[derive(Debug, Args)]
pub(crate) struct VendorArgs {
    /// The folder to write
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}
