//! Commands that change the manifest or the lock: `add`, `remove`, `update`, `upgrade`.

use clap::Args;
use mfp_model::name::{GroupName, PluginName, RegistryName};
use mfp_model::plugin::PluginType;
use mfp_model::version::Version;

use super::values::{AcceptedKey, accepted_key, plugin_type};

/// `mfp add`
#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags as they are typed; commands make choices of them")]
pub(crate) struct AddArgs {
    /// What to add: `name`, `name@^1.2`, `name@1.2.3` (exactly), a URL, a git repository (`https://host/r.git#ref:folder`,
    /// `git@host:u/r`, `u/r#v1.2.0`), a folder (`./my-plugin`), a service (`remote+https://…`, `remote+env:NAME`)
    #[arg(value_name = "SPEC")]
    pub(crate) specs: Vec<String>,
    /// Take the SPEC as the URL of an archive or a .wasm, whatever it looks like
    #[arg(long, conflicts_with_all = ["git", "path"])]
    pub(crate) url: bool,
    /// Take the SPEC as a git repository, whatever it looks like
    #[arg(long, conflicts_with = "path")]
    pub(crate) git: bool,
    /// Take the SPEC as a folder, whatever it looks like
    #[arg(long)]
    pub(crate) path: bool,
    /// The tag of a git repository
    #[arg(long, value_name = "TAG", conflicts_with_all = ["branch", "rev"])]
    pub(crate) tag: Option<String>,
    /// The branch of a git repository
    #[arg(long, value_name = "BRANCH", conflicts_with = "rev")]
    pub(crate) branch: Option<String>,
    /// The commit of a git repository
    #[arg(long, value_name = "COMMIT")]
    pub(crate) rev: Option<String>,
    /// The folder inside a git repository
    #[arg(long, value_name = "DIR")]
    pub(crate) subdir: Option<String>,
    /// Take the content of a git repository's submodules as part of the plugin
    #[arg(long)]
    pub(crate) submodules: bool,
    /// Take the plugin from this registry of the project
    #[arg(long, value_name = "NAME")]
    pub(crate) registry: Option<RegistryName>,
    /// Add to an optional group
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<GroupName>,
    /// Give the plugin another name in this project
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<PluginName>,
    /// What a service answers, which nobody can look up, and --rename what it's called
    #[arg(long = "type", value_name = "TYPE", value_parser = plugin_type())]
    pub(crate) types: Vec<PluginType>,
    /// Change manifest and lock, install nothing
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Say what would change; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Approve the capabilities that the plugin asks for, and write them to `[approvals]`
    #[arg(long)]
    pub(crate) approve: bool,
}

/// `mfp remove`
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The plugins to remove
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<PluginName>,
    /// Change manifest and lock, leave the plugin folder as it is
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// Say what would change; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `mfp update`
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// The plugins to update (default: all)
    #[arg(value_name = "NAME", conflicts_with = "all")]
    pub(crate) names: Vec<PluginName>,
    /// Update every plugin
    #[arg(long)]
    pub(crate) all: bool,
    /// Take exactly this version (of the one NAME)
    #[arg(long, value_name = "VERSION")]
    pub(crate) precise: Option<Version>,
    /// Take the commit that this plugin's git tag leads to now, although it led to another when it was locked
    #[arg(long, value_name = "NAME")]
    pub(crate) accept_moved_tag: Vec<PluginName>,
    /// Take this key's signatures for a plugin that another key signed, as `NAME=minisign:RW…`: only if its publisher says so
    #[arg(long, value_name = "NAME=KEY", value_parser = accepted_key)]
    pub(crate) accept_key: Vec<AcceptedKey>,
    /// Say what would change; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Change the lock, install nothing
    #[arg(long)]
    pub(crate) no_sync: bool,
}

/// `mfp upgrade`
#[derive(Debug, Args)]
pub(crate) struct UpgradeArgs {
    /// The plugins to upgrade (default: all that the manifest requires from a registry or names by a git tag)
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<PluginName>,
    /// Take this key's signatures for a plugin that another key signed, as `NAME=minisign:RW…`: only if its publisher says so
    #[arg(long, value_name = "NAME=KEY", value_parser = accepted_key)]
    pub(crate) accept_key: Vec<AcceptedKey>,
    /// Say what would change; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Change manifest and lock, install nothing
    #[arg(long)]
    pub(crate) no_sync: bool,
}
