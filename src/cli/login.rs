//! Commands about who this user is to servers: `login`, `logout`, `whoami`.

use clap::Args;

use crate::user_config::CredentialStore;

/// `mfp login`
#[derive(Debug, Args)]
#[command(
    after_help = "A token is for an origin: a scheme, a host and a port. It's never an argument, where other users could see it.\n\n\
Examples:\n  mfp login\n  mfp login https://plugins.acme.example/ --token-stdin < token.txt\n  mfp login https://git.acme.example --username ada"
)]
pub(crate) struct LoginArgs {
    /// The registry or another server (default: the project's default registry)
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Read the token from stdin
    #[arg(long)]
    pub(crate) token_stdin: bool,
    /// The name that goes with the token, where the server wants a name and a password (git servers do)
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Where to keep the token (default: `credential-store` of the user configuration)
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<CredentialStore>,
    /// Don't ask the server whether the token is any good
    #[arg(long)]
    pub(crate) no_check: bool,
}

/// `mfp logout`
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// The registry or another server (default: the project's default registry)
    #[arg(value_name = "URL", conflicts_with = "all")]
    pub(crate) url: Option<String>,
    /// Forget every token that `mfp login` kept
    #[arg(long)]
    pub(crate) all: bool,
}

/// `mfp whoami`
#[derive(Debug, Args)]
pub(crate) struct WhoamiArgs {
    /// The registry or another server (default: the project's default registry)
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
}
