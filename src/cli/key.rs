//! Publishers' keys and signatures: `mfp key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use mfp_model::name::PluginName;

/// `mfp key`
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(subcommand)]
    pub(crate) action: KeyAction,
}

/// What to do with a key.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// Make a key pair: FILE for you alone, FILE.pub for everybody
    New {
        /// Where to put the secret key; nothing is ever overwritten
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// Don't protect the secret key with a password
        #[arg(long, conflicts_with = "password_file")]
        no_password: bool,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Print a key as manifests, locks and index lines have it, and its fingerprint
    Show {
        /// A public key, or a secret one (which needs its password)
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Sign a plugin's folder or archive (its statement), or any other file (its bytes)
    Sign {
        /// The secret key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// A folder with a plugin.yaml (writes plugin.minisig in it), or a file (writes PATH.minisig)
        #[arg(value_name = "PATH")]
        path: PathBuf,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Verify a signature that `sign` or minisign made
    Verify {
        /// Whose it has to be: `minisign:RW…`, or a file with a public key
        #[arg(long, value_name = "KEY")]
        key: String,
        /// What was signed: a plugin's folder or archive, or any other file
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// The signature (default: plugin.minisig in the folder or archive, else PATH.minisig)
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    /// Print the statement that a plugin's publisher signs
    Statement {
        /// A folder with a plugin.yaml, or an archive
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
    /// Print the line for the registry's keys/NAME.ndjson that hands a plugin over to another key
    Rotate {
        /// The plugin
        #[arg(value_name = "NAME")]
        name: PluginName,
        /// The secret key that signed it until now
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The key that follows: `minisign:RW…`, or a file with a public key
        #[arg(long, value_name = "KEY")]
        to: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
}

/// Where a secret key's password comes from: this file, else `MFP_KEY_PASSWORD`, else whoever sits there.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PasswordArgs {
    /// Take the secret key's password from this file's first line (default: `MFP_KEY_PASSWORD`, else it's asked for)
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}
