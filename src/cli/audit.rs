//! `mfp audit`.

use clap::{Args, ValueEnum};
use mfp_model::units::Period;

/// `mfp audit`
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// Exit 1 from this severity on; a blocking advisory always counts
    #[arg(long, value_name = "LEVEL", default_value = "medium")]
    pub(crate) level: LevelArg,
    /// Leave out what a person has judged: an advisory's id, a finding's id (`unsigned/NAME`), or a kind of findings (`stale`)
    #[arg(long, value_name = "ID")]
    pub(crate) ignore: Vec<String>,
    /// A plugin whose newest release is older than this may not be looked after any more
    #[arg(long, value_name = "PERIOD", default_value = "104w")]
    pub(crate) stale_after: Period,
    /// How to print what's found
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: AuditFormat,
}

/// A severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LevelArg {
    Low,
    Medium,
    High,
    Critical,
}

/// How to print what's found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For people.
    Text,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}
