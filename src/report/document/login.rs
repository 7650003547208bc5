//! What `login`, `logout` and `whoami` print with `--json`.

use schemars::JsonSchema;
use serde::Serialize;

/// `login`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LoginDocument {
    /// What the token is for: a scheme, a host and a port.
    pub(crate) origin: String,
    /// Where it's kept: `keyring` or `file`.
    pub(crate) store: String,
    /// The name that goes with it, or null.
    pub(crate) username: Option<String>,
    /// Did the server refuse everybody else and take the token?
    pub(crate) checked: bool,
}

/// `logout`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LogoutDocument {
    /// The origins whose tokens are gone.
    pub(crate) removed: Vec<String>,
}

/// `whoami`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WhoamiDocument {
    pub(crate) origin: String,
    /// Who knows the credential: `variable`, `configuration`, `helper`, `keyring`, `file` or `netrc`.
    pub(crate) source: String,
    /// Whose it is, or null where only a token is known.
    pub(crate) username: Option<String>,
}
