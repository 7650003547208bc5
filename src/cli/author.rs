//! Commands for who writes plugins.

use std::path::PathBuf;

use clap::Args;
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;

use super::values::plugin_type;

/// `mfp validate`
#[derive(Debug, Args)]
pub(crate) struct ValidateArgs {
    /// The plugin's folder (default: the nearest above with a plugin.yaml)
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    /// Write the manifest anew in mfp's form, or mend what's mechanical, and say what had to be assumed
    #[arg(long)]
    pub(crate) fix: bool,
    /// The plugin's id, where the manifest's isn't one
    #[arg(long, value_name = "NAME", requires = "fix")]
    pub(crate) id: Option<PluginName>,
    /// What the plugin answers, where the manifest doesn't say
    #[arg(long = "type", value_name = "TYPE", requires = "fix", value_delimiter = ',', value_parser = plugin_type())]
    pub(crate) types: Vec<PluginType>,
    /// Take warnings for errors
    #[arg(long)]
    pub(crate) strict: bool,
}
