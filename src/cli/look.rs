//! Commands that only look: `list`, `tree`, `why`, `outdated`, `info`, `docs`, `search`, `verify`, `diff`, `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mfp_model::name::{GroupName, PluginName, RegistryName};

/// `mfp list`
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only what the manifest declares
    #[arg(long)]
    pub(crate) direct: bool,
}

/// `mfp tree`
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    /// Start at these plugins (default: what the manifest declares)
    #[arg(value_name = "NAME", conflicts_with = "invert")]
    pub(crate) names: Vec<PluginName>,
    /// Show what depends on this plugin
    #[arg(long, short, value_name = "NAME")]
    pub(crate) invert: Option<PluginName>,
    /// Go no deeper than this many levels
    #[arg(long, value_name = "N")]
    pub(crate) depth: Option<usize>,
}

/// `mfp why`
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The plugin in question
    #[arg(value_name = "NAME")]
    pub(crate) name: PluginName,
}

/// `mfp outdated`
#[derive(Debug, Args)]
pub(crate) struct OutdatedArgs {
    /// Exit 1 if anything is outdated
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `mfp info`
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// The plugin, and perhaps its version
    #[arg(value_name = "NAME[@VERSION]")]
    pub(crate) plugin: String,
    /// Show the plugin's configuration: what it takes, and what the project gives (here, another user configuration is named
    /// by `MFP_CONFIG`)
    // It stands where the global `--config FILE` would, and clap wants one type for both: its presence is `-`.
    #[arg(long, num_args = 0, default_missing_value = super::CONFIG_SHOWN, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Ask this registry of the project
    #[arg(long, value_name = "NAME")]
    pub(crate) registry: Option<RegistryName>,
}

/// `mfp docs`
#[derive(Debug, Args)]
pub(crate) struct DocsArgs {
    /// The plugin
    #[arg(value_name = "NAME")]
    pub(crate) name: PluginName,
}

/// `mfp search`
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// Words to look for in names, descriptions and keywords
    #[arg(value_name = "TEXT", required = true)]
    pub(crate) words: Vec<String>,
    /// Ask this registry of the project
    #[arg(long, value_name = "NAME")]
    pub(crate) registry: Option<RegistryName>,
    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// `mfp diff`
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// What to compare: a revision, a range `A..B` or `A...B`, or a lock's file (default: HEAD)
    #[arg(value_name = "REV|FILE")]
    pub(crate) from: Option<String>,
    /// With what (default: the working folder)
    #[arg(value_name = "REV|FILE")]
    pub(crate) to: Option<String>,
    /// Print Markdown for a pull request's comment
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,
    /// Exit 1 if there are differences
    #[arg(long)]
    pub(crate) exit_code: bool,
}

/// `mfp export`
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// What to make of the lock
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// Write it to this file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// What the project is called (default: its folder's name)
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// With the plugins of this optional group
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<GroupName>,
    /// With the plugins of every optional group
    #[arg(long, conflicts_with = "group")]
    pub(crate) all_groups: bool,
}

/// What to make of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// A bill of materials: CycloneDX 1.6, JSON.
    Cyclonedx,
    /// A document of mfp's own.
    Json,
}

/// `mfp verify`
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The plugins to verify (default: all)
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<PluginName>,
    /// Fetch what's damaged again, verify it, and only then replace
    #[arg(long)]
    pub(crate) fix: bool,
}
