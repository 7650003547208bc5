//! `mfp run`: one call into the sandbox.

use std::time::Duration;

use clap::Args;
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;

/// `mfp run`
#[derive(Debug, Args)]
#[command(after_help = "CALL is authenticate (JSON: credentials), generate (JSON: request), query (JSON: query), functions or execute; \
on a template plugin any other word is the function of that name, with JSON as its arguments. JSON and --context are a text, or a file as `@request.json`.\n\n\
Examples:\n  mfp run template-hash sha256 '[\"hello\"]'\n  mfp run datasource-csv query '{\"query\":\"select * from users limit 2\"}'\n  mfp run template-hash sha256 @request.json --trace\n  mfp run template-hash sha256 '[\"hello\"]' --bench 10000")]
pub(crate) struct RunArgs {
    /// The plugin
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: PluginName,
    /// What to call
    #[arg(value_name = "CALL")]
    pub(crate) call: String,
    /// The call's JSON; `@FILE` reads it from a file, `-` from stdin
    #[arg(value_name = "JSON")]
    pub(crate) json_input: Option<String>,
    /// The call's context, as JSON or `@FILE`
    #[arg(long, value_name = "JSON")]
    pub(crate) context: Option<String>,
    /// Which of the plugin's types CALL is meant for
    #[arg(long = "type", value_name = "TYPE", value_parser = super::values::plugin_type())]
    pub(crate) kind: Option<PluginType>,
    /// Stop the call after this time (`250ms`, `2s`), if its own limit is longer
    #[arg(long, value_name = "TIME", value_parser = super::values::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Make the call this many times and print how long that took
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) bench: Option<u32>,
    /// Say what the plugin asked of the host, how much memory it had and where the time went
    #[arg(long, conflicts_with = "bench")]
    pub(crate) trace: bool,
}
