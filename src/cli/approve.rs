//! `mfp approve`: what a person decides about capabilities. Nothing here has a variable: no line of CI approves anything.

use clap::Args;
use mfp_model::capability::{Capabilities, CapabilityPath, EnvName, HostPattern};
use mfp_model::name::RegistryName;

use crate::cli::values;

/// `mfp approve`
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The plugins to decide about; with a version, one of the registry's that isn't locked (one that was held back)
    #[arg(required = true, value_name = "NAME[@VERSION]")]
    pub(crate) plugins: Vec<String>,
    /// Approve exactly what each asks for, without asking; of a version that isn't locked, beside what's approved already
    #[arg(long, short)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) allow: AllowArgs,
    /// Approve nothing but this: what was approved before doesn't stay
    #[arg(long)]
    pub(crate) only: bool,
    /// Take back what was approved
    #[arg(long, conflicts_with_all = ["yes", "only", "http", "env", "fs_read", "fs_write", "memory", "time_ms"])]
    pub(crate) revoke: bool,
    /// The registry of a plugin that isn't locked yet (default: the project's)
    #[arg(long, value_name = "NAME")]
    pub(crate) registry: Option<RegistryName>,
}

/// What to approve, one by one.
#[derive(Debug, Clone, Args)]
pub(crate) struct AllowArgs {
    /// Let the one plugin send requests to this host, beside what's approved (repeatable)
    #[arg(long, value_name = "HOST")]
    pub(crate) http: Vec<HostPattern>,
    /// Let it read this environment variable (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Vec<EnvName>,
    /// Let it read this file or folder of the project (repeatable)
    #[arg(long, value_name = "PATH")]
    pub(crate) fs_read: Vec<CapabilityPath>,
    /// Let it write this file or folder of the project (repeatable)
    #[arg(long, value_name = "PATH")]
    pub(crate) fs_write: Vec<CapabilityPath>,
    /// Let it have this much memory: `128MiB`
    #[arg(long, value_name = "SIZE", value_parser = values::bytes)]
    pub(crate) memory: Option<u64>,
    /// Let a call of it take so many milliseconds
    #[arg(long, value_name = "N")]
    pub(crate) time_ms: Option<u64>,
}

impl AllowArgs {
    /// As a set.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let Self { http, env, fs_read, fs_write, memory, time_ms } = self.clone();
        Capabilities {
            env: env.into_iter().collect(),
            fs_read: fs_read.into_iter().collect(),
            fs_write: fs_write.into_iter().collect(),
            http: http.into_iter().collect(),
            memory,
            time_ms,
        }
    }
}
