//! `mfp run`: one call into the sandbox.

use clap::Args;
use mfp_model::name::PluginName;

/// `mfp run`
#[derive(Debug, Args)]
#[command(after_help = "CALL is authenticate (JSON: credentials), generate (JSON: request), query (JSON: query), functions or execute; \
on a template plugin any other word is the function of that name, with JSON as its arguments.\n\n\
Examples:\n  mfp run template-hash sha256 '[\"hello\"]'\n  mfp run datasource-csv query '{\"query\":\"select * from users limit 2\"}'")]
pub(crate) struct RunArgs {
    /// The plugin
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: PluginName,
    /// What to call
    #[arg(value_name = "CALL")]
    pub(crate) call: String,
    /// The call's JSON; `-` reads it from stdin
    #[arg(value_name = "JSON")]
    pub(crate) json_input: Option<String>,
    /// The call's context, as JSON
    #[arg(long, value_name = "JSON")]
    pub(crate) context: Option<String>,
}
