//! From an author's folder to a registry: `mfp package`, `mfp publish`, `mfp yank`, `mfp registry`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use mfp_model::compat::Check;
use mfp_model::name::RegistryName;
use mfp_model::source::ArchiveFormat;

use super::key::PasswordArgs;
use super::values::NamedVersion;

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

/// `mfp publish`
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The plugin's folder (default: the nearest above with a plugin.yaml)
    #[arg(value_name = "PATH")]
    pub(crate) path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) registry: RegistryArg,
    /// Sign with this secret key (without one, the version is published unsigned)
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    /// Do everything but publish
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Publish although this takes something away from users of the last version
    #[arg(long, value_enum, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) allow: Vec<AllowedCheck>,
    /// How to pack it (default: tar.zst)
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<PackageFormat>,
    /// Publish files that aren't committed as they are
    #[arg(long)]
    pub(crate) allow_dirty: bool,
    /// Publish what looks like a secret
    #[arg(long)]
    pub(crate) allow_secrets: bool,
}

/// Which registry it's about.
#[derive(Debug, Args)]
pub(crate) struct RegistryArg {
    /// The registry: a folder, its file: URL, or a name under `[registries]` (default: the project's)
    #[arg(long, value_name = "NAME|URL|DIR")]
    pub(crate) registry: Option<String>,
}

/// What a new version may take away, if somebody says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum AllowedCheck {
    /// Functions and interfaces that the last version offered
    Exports,
    /// Types that it was
    Types,
    /// Configurations that it took
    Config,
    /// Asking for no more than it did, in a patch
    Capabilities,
    /// Hosts that it ran on
    Host,
    /// Being signed by whoever signed the last version
    Signer,
}

impl From<Check> for AllowedCheck {
    fn from(check: Check) -> Self {
        match check {
            Check::Exports => Self::Exports,
            Check::Types => Self::Types,
            Check::Config => Self::Config,
            Check::Capabilities => Self::Capabilities,
            Check::Host => Self::Host,
        }
    }
}

/// `mfp yank`
#[derive(Debug, Args)]
pub(crate) struct YankArgs {
    #[command(flatten)]
    pub(crate) version: YankedVersion,
    #[command(flatten)]
    pub(crate) registry: RegistryArg,
}

/// What's taken back.
#[derive(Debug, Args)]
pub(crate) struct YankedVersion {
    /// The plugin and its version
    #[arg(value_name = "NAME@VERSION", value_parser = super::values::named_version)]
    pub(crate) what: NamedVersion,
    /// Offer it again
    #[arg(long, conflicts_with = "reason")]
    pub(crate) undo: bool,
    /// Why, for those who use it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// `mfp registry`
#[derive(Debug, Args)]
pub(crate) struct RegistryArgs {
    #[command(subcommand)]
    pub(crate) action: RegistryAction,
}

/// What to do with a registry that's a folder.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistryAction {
    /// Make an empty registry
    Init {
        /// Its folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// What it's called (default: the folder's name)
        #[arg(long, value_name = "NAME")]
        name: Option<RegistryName>,
    },
    /// Add packages: archives as `mfp package` writes them, signed or not
    Add {
        /// The registry's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// The packages
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Who may have signed them: `minisign:RW…`, or a file with a public key
        #[arg(long, value_name = "KEY")]
        signer: Vec<String>,
        /// Take a package that's signed by somebody else than its last version, or by nobody
        #[arg(long)]
        allow_signer: bool,
    },
    /// Take a version back: nobody chooses it any more, and who has it keeps it
    Yank {
        /// The registry's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        version: YankedVersion,
    },
    /// Look at everything again: index, archives, signatures, keys, lists
    Check {
        /// The registry's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Make the search list anew where it lags
        #[arg(long)]
        fix: bool,
    },
    /// Put all lines of the index into one file, for those who come for the first time
    Bulk {
        /// The registry's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}
