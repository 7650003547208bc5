//! Which rules of `[policy]` does a plugin break? Pure over what's known of it, so that the same rules hold for a line of an
//! index that's about to be chosen, for an entry of a lock, and for what a manifest asks for.
//!
//! `allow` and `deny` are about sources, those of services too. `licenses`, `require-signatures` and `keys` are about files,
//! which a service hasn't. That a signature proves what it says isn't asked here.

use std::collections::BTreeMap;
use std::fmt;

use super::policy::{Policy, SourcePattern, Verdict};
use crate::license::{self, LicenseRefusal};
use crate::name::{PluginName, RegistryName};
use crate::signer::Signer;
use crate::source::{RegistryUrl, SourceId};
use crate::text::neutral;

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The name in the project.
    pub entry: &'a PluginName,
    /// The plugin's own id.
    pub id: &'a PluginName,
    /// Where it's from.
    pub source: &'a SourceId,
    /// Its licence, as it states it.
    pub license: Option<&'a str>,
    /// Who signed it, or is said to have.
    pub signer: Option<&'a Signer>,
}

/// A rule that's broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// It comes from where nothing may come from.
    Source {
        /// From there; without passwords, in a neutral spelling.
        from: String,
        /// The pattern of `deny` that takes it in; `None`: no pattern of `allow` does.
        denied: Option<SourcePattern>,
    },
    /// Its licence isn't allowed.
    License(LicenseRefusal),
    /// Every plugin must be signed, and it isn't.
    Unsigned,
    /// The project pins who signs it, and it's somebody else, or nobody.
    Key {
        /// Who it is.
        signer: Option<Signer>,
    },
}

impl Breach {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Source { .. } => "mfp::policy::source",
            Self::License(_) => "mfp::policy::license",
            Self::Unsigned => "mfp::policy::unsigned",
            Self::Key { .. } => "mfp::policy::key",
        }
    }

    /// The key of `[policy]` that's the rule.
    pub fn setting(&self) -> &'static str {
        match self {
            Self::Source { denied: Some(_), .. } => "deny",
            Self::Source { denied: None, .. } => "allow",
            Self::License(_) => "licenses",
            Self::Unsigned => "require-signatures",
            Self::Key { .. } => "keys",
        }
    }
}

impl fmt::Display for Breach {
    /// As the rest of a sentence that begins with the plugin's name and version.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { from, denied: Some(pattern) } => write!(out, "comes from {from}, which `{pattern}` takes in"),
            Self::Source { from, denied: None } => write!(out, "comes from {from}, which no pattern takes in"),
            Self::License(refusal) => fmt::Display::fmt(refusal, out),
            Self::Unsigned => write!(out, "isn't signed"),
            Self::Key { signer: Some(signer) } => write!(out, "is signed by {signer}, which isn't the key that's pinned"),
            Self::Key { signer: None } => write!(out, "isn't signed, and a key is pinned for it"),
        }
    }
}

impl Policy {
    /// Has it no rule that a plugin could break?
    pub fn is_lenient(&self) -> bool {
        self.allow.is_none() && self.deny.is_empty() && self.licenses.is_none() && !self.require_signatures && self.keys.is_empty()
    }

    /// What's wrong with where a plugin is from, if anything is.
    pub fn source_breach(&self, source: &SourceId, registries: &BTreeMap<RegistryName, RegistryUrl>) -> Option<Breach> {
        let denied = match self.judge(source, registries) {
            Verdict::Allowed => return None,
            Verdict::Denied(pattern) => Some(pattern),
            Verdict::NotAllowed => None,
        };
        Some(Breach::Source { from: neutral(&source.redacted()), denied })
    }

    /// The rules that a plugin breaks, in the order of the file's keys. `registries` are those that its source's name may mean.
    pub fn breaches(&self, plugin: &Judged<'_>, registries: &BTreeMap<RegistryName, RegistryUrl>) -> Vec<Breach> {
        let source = self.source_breach(plugin.source, registries);
        if let SourceId::Remote(_) = plugin.source {
            return source.into_iter().collect();
        }
        let license = self.licenses.as_ref().and_then(|allowed| license::judge(plugin.license, allowed).err()).map(Breach::License);
        let unsigned = (self.require_signatures && plugin.signer.is_none()).then_some(Breach::Unsigned);
        let is_pinned = |name: &PluginName| match self.keys.get(name) {
            None => true,
            Some(pinned) => plugin.signer.is_some_and(|signer| pinned.contains(signer)),
        };
        // An alias doesn't get around what's pinned for the plugin itself.
        let is_known = is_pinned(plugin.id) && is_pinned(plugin.entry);
        let key = (!is_known).then(|| Breach::Key { signer: plugin.signer.cloned() });
        source.into_iter().chain(license).chain(unsigned).chain(key).collect()
    }
}
