//! Commands that make a folder out of what this program brings: `new`, `examples`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::authoring::language::Language;
use crate::authoring::templates::Kind;

/// `mfp new`
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The plugin's name, or a folder whose last part is the name
    #[arg(value_name = "NAME|PATH")]
    pub(crate) path: PathBuf,
    /// What it answers
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<Kind>,
    /// The language that it's written in
    #[arg(long = "lang", value_name = "LANGUAGE")]
    pub(crate) language: Option<Language>,
    /// Its licence, as an SPDX expression
    #[arg(long, value_name = "EXPRESSION", default_value = "MIT OR Apache-2.0")]
    pub(crate) license: String,
    /// Who writes it (default: git's user.name and user.email)
    #[arg(long, value_name = "NAME <MAIL>")]
    pub(crate) author: Option<String>,
    /// What it does, in a sentence
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Make a repository of it (default: git, but where there's one around it already)
    #[arg(long, value_name = "VCS")]
    pub(crate) vcs: Option<Vcs>,
    /// Use the SDK in this folder instead of a copy
    #[arg(long, value_name = "DIR")]
    pub(crate) sdk: Option<PathBuf>,
}

/// What keeps the versions of a plugin's sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Vcs {
    /// A git repository
    Git,
    /// Nothing
    None,
}

/// `mfp examples`
#[derive(Debug, Args)]
pub(crate) struct ExamplesArgs {
    /// The example to copy (default: list them)
    #[arg(value_name = "NAME", conflicts_with = "list")]
    pub(crate) name: Option<String>,
    /// The folder to make of it (default: its name)
    #[arg(value_name = "DIR", requires = "name")]
    pub(crate) directory: Option<PathBuf>,
    /// List the examples, which is also what happens without a name
    #[arg(long)]
    pub(crate) list: bool,
}
