//! From an author's folder to a registry: `mfp package`, `mfp publish`, `mfp yank`, `mfp registry`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mfp_model::source::ArchiveFormat;

/// `mfp package`
#[derive(Debug, Args)]
pub(crate) struct PackageArgs {
    /// The plugin's folder (default: the nearest above with a plugin.yaml)
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    /// How to pack it (default: tar.zst)
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<PackageFormat>,
    /// Where to put it: a file, or a folder (default: target/package in the plugin's folder)
    #[arg(long, short, value_name = "FILE|DIR")]
    pub(crate) output: Option<PathBuf>,
    /// List what would go in, and write nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Pack files that aren't committed as they are
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Pack what looks like a secret
    #[arg(long)]
    pub(crate) allow_secrets: bool,
}

/// How a package is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackageFormat {
    /// zstd: small, and quick to unpack
    #[value(name = "tar.zst")]
    TarZst,
    /// gzip: for tools that know nothing else
    #[value(name = "tar.gz")]
    TarGz,
}

impl PackageFormat {
    /// The same as archives have it.
    pub(crate) fn archive(self) -> ArchiveFormat {
        match self {
            Self::TarZst => ArchiveFormat::TarZst,
            Self::TarGz => ArchiveFormat::TarGz,
        }
    }
}
