//! What a person types: the commands and flags, and nothing about what they do.
//!
//! One file a group of commands that belong together. Flags that can be given in the environment have no `env` here:
//! [`crate::settings`] is the one place that reads it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod author;
pub(crate) mod build;
pub(crate) mod edit;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod look;
pub(crate) mod new;
pub(crate) mod project;
pub(crate) mod publish;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod spec;
pub(crate) mod tools;
pub(crate) mod values;

/// The package manager for MockForge plugins: digest-locked, verified, sandboxed from the lock to the call.
///
/// Declare plugins in mockforge-plugins.toml, commit plugins.lock, and every machine runs exactly those bytes.
#[derive(Debug, Parser)]
#[command(
    name = "mfp",
    version,
    propagate_version = false,
    max_term_width = 110,
    arg_required_else_help = true,
    disable_help_subcommand = false
)]
#[command(after_help = "Start with `mfp init`, then `mfp add NAME`. Every error code is explained in docs/reference/errors.md.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes. Each `--x-y` is also `MFP_X_Y` in the environment.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
#[expect(clippy::struct_excessive_bools, reason = "flags as they are typed; commands make choices of them")]
pub(crate) struct GlobalArgs {
    /// Work on the project in this folder (default: the nearest above with a mockforge-plugins.toml)
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) project: Option<PathBuf>,
    /// The lock must be fresh and is never written (implied by `sync`, `run` and `serve` where CI=true)
    #[arg(long, global = true, conflicts_with = "no_locked")]
    pub(crate) locked: bool,
    /// Undo the --locked that CI=true implies
    #[arg(long, global = true)]
    pub(crate) no_locked: bool,
    /// Take the lock as it is, without asking whether the manifest has moved on; everything is still verified
    #[arg(long, global = true)]
    pub(crate) frozen: bool,
    /// Open no socket
    #[arg(long, global = true)]
    pub(crate) offline: bool,
    /// Print one JSON document on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print errors only
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice for a trace of what's done
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN")]
    pub(crate) color: Option<ColorChoice>,
    /// Draw no progress bar
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// Read this user configuration instead of the usual one
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,
    /// Read no user configuration
    #[arg(long, global = true)]
    pub(crate) no_config: bool,
    /// Keep verified plugins in this folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) store_dir: Option<PathBuf>,
    /// Keep what can be fetched again in this folder
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Look for content in this vendored folder first
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) vendor: Option<PathBuf>,
}

/// What `--config` holds where it's `mfp info`'s own flag, which takes no value.
pub(crate) const CONFIG_SHOWN: &str = "-";

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// Where the stream is a terminal and `NO_COLOR` isn't set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands, in the order of a project's life.
#[derive(Debug, Subcommand)]
#[expect(clippy::enum_variant_names, reason = "`Self` is a keyword")]
pub(crate) enum Command {
    /// Make a project: mockforge-plugins.toml, .gitattributes and .gitignore lines
    Init(project::InitArgs),
    /// Add plugins to the manifest, lock and install them
    Add(edit::AddArgs),
    /// The same as `add` with names, and as `sync` without
    Install(edit::AddArgs),
    /// Remove plugins from the manifest, the lock and the plugin folder
    #[command(visible_alias = "rm")]
    Remove(edit::RemoveArgs),
    /// Make plugins.lock fresh, changing as little as it can
    Lock(project::LockArgs),
    /// Lock if needed, fetch, verify, and lay plugins out exactly
    Sync(project::SyncArgs),
    /// Take the newest versions within the requirements
    Update(edit::UpdateArgs),
    /// Raise the requirements in the manifest to the newest versions
    Upgrade(edit::UpgradeArgs),
    /// Decide what plugins may reach: what they ask for, beside what's approved
    Approve(Box<approve::ApproveArgs>),
    /// Sync, then call a plugin in the sandbox and print its answer
    Run(run::RunArgs),
    /// Sync, then answer calls of the locked plugins over HTTP, as MockForge asks remote plugins
    Serve(Box<serve::ServeArgs>),
    /// List the locked plugins
    #[command(visible_alias = "ls")]
    List(look::ListArgs),
    /// Show who depends on what
    Tree(look::TreeArgs),
    /// Explain why a plugin is in the lock
    Why(look::WhyArgs),
    /// Show which plugins have newer versions
    Outdated(look::OutdatedArgs),
    /// Show what's known about a plugin
    #[command(visible_alias = "show")]
    Info(look::InfoArgs),
    /// Print a plugin's README
    Docs(look::DocsArgs),
    /// Search the registry
    Search(look::SearchArgs),
    /// Re-hash lock, store and layout, without a network
    Verify(look::VerifyArgs),
    /// Tell what somebody should know about what's locked: advisories, withdrawn and unsigned versions, broad capabilities
    Audit(audit::AuditArgs),
    /// Show what changed between two locks: versions, sources, signers, capabilities
    Diff(look::DiffArgs),
    /// Print what the lock names for other programs: a bill of materials, or JSON
    Export(look::ExportArgs),
    /// Write everything the lock names into one folder
    Vendor(project::VendorArgs),
    /// Make a plugin of your own: its folder, ready to be built, tested and packaged
    New(new::NewArgs),
    /// Build a plugin of your own: its sources become the wasm that's packaged
    Build(build::BuildArgs),
    /// Test a plugin of your own: its language's tests, then its requests with expected answers, in the sandbox
    Test(build::TestArgs),
    /// Look at a plugin of your own: manifest, schema, code, files; everything that's wrong, with its place
    Validate(author::ValidateArgs),
    /// List the example plugins, or copy one to learn from
    Examples(new::ExamplesArgs),
    /// Pack your plugin: the same bytes on every machine
    Package(publish::PackageArgs),
    /// Publish your plugin to a registry: packed, signed, and held to what its last version promised
    Publish(Box<publish::PublishArgs>),
    /// Take a published version back, or offer it again
    Yank(publish::YankArgs),
    /// Keep a registry that's a folder
    Registry(publish::RegistryArgs),
    /// Make and use publishers' keys: sign, verify, change to another
    Key(key::KeyArgs),
    /// Keep a token for a registry or another server
    Login(login::LoginArgs),
    /// Forget what `mfp login` kept
    Logout(login::LogoutArgs),
    /// Say who knows a credential for a server
    Whoami(login::WhoamiArgs),
    /// Look after the store and the cache
    Cache(tools::CacheArgs),
    /// Look for what could be wrong on this machine
    Doctor(tools::DoctorArgs),
    /// Read and write the user configuration
    Config(tools::ConfigArgs),
    /// Print the JSON schema or an example of a file
    Schema(tools::SchemaArgs),
    /// Print the manual page
    Man(tools::ManArgs),
    /// Print a completion script for a shell
    Completions(tools::CompletionsArgs),
    /// About this program
    #[command(name = "self")]
    SelfCommand(tools::SelfArgs),
}

impl Command {
    /// The command's name, as `--json` and `docs/reference` have it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Add(_) | Self::Install(_) => "add",
            Self::Remove(_) => "remove",
            Self::Lock(_) => "lock",
            Self::Sync(_) => "sync",
            Self::Update(_) => "update",
            Self::Upgrade(_) => "upgrade",
            Self::Approve(_) => "approve",
            Self::Run(_) => "run",
            Self::Serve(_) => "serve",
            Self::List(_) => "list",
            Self::Tree(_) => "tree",
            Self::Why(_) => "why",
            Self::Outdated(_) => "outdated",
            Self::Info(_) => "info",
            Self::Docs(_) => "docs",
            Self::Search(_) => "search",
            Self::Verify(_) => "verify",
            Self::Audit(_) => "audit",
            Self::Diff(_) => "diff",
            Self::Export(_) => "export",
            Self::Vendor(_) => "vendor",
            Self::New(_) => "new",
            Self::Build(_) => "build",
            Self::Test(_) => "test",
            Self::Validate(_) => "validate",
            Self::Examples(_) => "examples",
            Self::Package(_) => "package",
            Self::Publish(_) => "publish",
            Self::Yank(_) => "yank",
            Self::Registry(_) => "registry",
            Self::Key(_) => "key",
            Self::Login(_) => "login",
            Self::Logout(_) => "logout",
            Self::Whoami(_) => "whoami",
            Self::Cache(_) => "cache",
            Self::Doctor(_) => "doctor",
            Self::Config(_) => "config",
            Self::Schema(_) => "schema",
            Self::Man(_) => "man",
            Self::Completions(_) => "completions",
            Self::SelfCommand(_) => "self",
        }
    }
}
