//! `mfp serve`: the locked plugins behind MockForge's remote-plugin protocol.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use mfp_model::name::GroupName;
use mfp_model::units::ByteSize;

use crate::settings::Hidden;

/// `mfp serve`
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Each plugin has the base path /plugins/NAME; GET /plugins lists them, GET /health and /metrics tell how they are. SIGHUP or a changed \
plugins.lock loads the plugins again, SIGTERM ends after the calls in flight.\n\n\
Examples:\n  mfp serve\n  mfp serve --listen 127.0.0.1:0 --json\n  mfp serve --export mockforge >> mockforge.yaml\n  MFP_SERVE_TOKEN=… mfp serve --listen 0.0.0.0:7070 --host-name plugins.acme.example"
)]
pub(crate) struct ServeArgs {
    /// Listen here; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7070")]
    pub(crate) listen: SocketAddr,
    /// Answer only who sends this, as `Authorization: Bearer TOKEN`; better in the variable `MFP_SERVE_TOKEN`, where other users can't see it
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<Hidden>,
    /// A name by which clients may call this server, beside localhost
    #[arg(long, value_name = "NAME")]
    pub(crate) host_name: Vec<String>,
    /// Serve this optional group too
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<GroupName>,
    /// Serve every optional group
    #[arg(long, conflicts_with = "group")]
    pub(crate) all_groups: bool,
    /// The largest request body
    #[arg(long, value_name = "SIZE", default_value = "8MiB")]
    pub(crate) max_body: ByteSize,
    /// How many calls may run at once, of all plugins together
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=512))]
    pub(crate) max_concurrency: u32,
    /// How long a client may take to send a request's head, and then its body
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = super::values::duration)]
    pub(crate) read_timeout: Duration,
    /// How long calls in flight may take when the server is told to end
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = super::values::duration)]
    pub(crate) grace: Duration,
    /// Print the configuration with which another program finds the plugins, and end
    #[arg(long, value_name = "FORMAT")]
    pub(crate) export: Option<ExportFormat>,
    /// How to write the log on stderr
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// Whose configuration `--export` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The `plugins.remote` list of a mockforge.yaml.
    Mockforge,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// `time level event key=value …`
    Text,
    /// An object a line.
    Json,
}
