//! What did a person allow, and to whom?

use std::collections::BTreeMap;
use std::fmt;

use crate::capability::Capabilities;
use crate::name::RegistryName;
use crate::signer::Signer;
use crate::source::{Registry, RegistryUrl, SourceId};

/// What a person allowed one plugin. Given to a source (and a signer, if there was one), and void for any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The source that it was given to.
    pub source: SourceId,
    /// Where the registry that `source` names was when it was given. Only the user's own file says so: there a project's
    /// manifest, which gives registries their names, isn't reviewed together with the approval.
    pub registry: Option<RegistryUrl>,
    /// The signer that it was given to; `None` if the plugin was unsigned.
    pub signer: Option<Signer>,
    /// What is allowed.
    pub capabilities: Capabilities,
}

/// Why an approval doesn't count for a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Void {
    /// It was given to another source.
    Source(SourceId),
    /// The registry of that name was somewhere else.
    Registry(RegistryUrl),
    /// It was given to somebody else's signature, or to an unsigned plugin.
    Signer(Option<Signer>),
}

impl fmt::Display for Void {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(source) => write!(out, "it was given to {}", source.redacted()),
            Self::Registry(url) => write!(out, "it was given when the registry was {url}"),
            Self::Signer(Some(signer)) => write!(out, "it was given to what {signer} signs"),
            Self::Signer(None) => out.write_str("it was given when nobody had signed the plugin"),
        }
    }
}

impl Approval {
    /// Why it isn't about this source and this signer, in a project with these registries; `None`: it is.
    pub fn void(&self, source: &SourceId, signer: Option<&Signer>, registries: &BTreeMap<RegistryName, Registry>) -> Option<Void> {
        if self.source != *source {
            return Some(Void::Source(self.source.clone()));
        }
        let moved = self.registry.as_ref().filter(|url| match source {
            SourceId::Registry(name) => registries.get(name).map(|registry| &registry.url) != Some(*url),
            _ => true,
        });
        match moved {
            Some(url) => Some(Void::Registry(url.clone())),
            None if self.signer.as_ref() != signer => Some(Void::Signer(self.signer.clone())),
            None => None,
        }
    }
}

/// Whose approvals count: a choice of the user's own configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApprovalsFrom {
    /// Those of the project's manifest.
    #[default]
    Project,
    /// Those of the user's own file; what the manifest says counts for nothing.
    User,
}
