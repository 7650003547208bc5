//! What a project says about a registry: where it is and what it may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::url::{Origin, RegistryUrl};

/// Which protocol a registry speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum RegistryKind {
    /// Static files under one root: our own layout.
    #[default]
    Mfp,
    /// `MockForge`'s registry server with its JSON API.
    Mockforge,
}

impl RegistryKind {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mfp => "mfp",
            Self::Mockforge => "mockforge",
        }
    }
}

impl fmt::Display for RegistryKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// A text that isn't a kind of registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a registry's kind is `mfp` (the default) or `mockforge`")]
pub struct UnknownRegistryKind;

impl FromStr for RegistryKind {
    type Err = UnknownRegistryKind;

    fn from_str(text: &str) -> Result<Self, UnknownRegistryKind> {
        [Self::Mfp, Self::Mockforge].into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownRegistryKind)
    }
}

/// A registry as a project declares it. Only its URL is locked: the rest says how it may be talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// The root of its files.
    pub url: RegistryUrl,
    /// Whether plain `http:` to another machine is allowed.
    pub allow_http: bool,
    /// HTTP statuses, beside 404, 410 and 451, that mean "no such plugin". All are 4xx.
    pub missing_status: BTreeSet<u16>,
    /// Origins beside the root's own that artifacts may be fetched from.
    pub dl_origins: BTreeSet<Origin>,
    /// The protocol.
    pub kind: RegistryKind,
}

impl Registry {
    /// A registry of our own protocol about which nothing but its URL is said.
    pub fn new(url: RegistryUrl) -> Self {
        Self { url, allow_http: false, missing_status: BTreeSet::new(), dl_origins: BTreeSet::new(), kind: RegistryKind::Mfp }
    }
}
