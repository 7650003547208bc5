//! What does the project want? The whole of `mockforge-plugins.toml`, as values.
//!
//! [`Manifest::parse`] takes everything that the format has, also what this version can't do yet; whether something is
//! used that isn't implemented is another question ([`Manifest::unsupported`]), asked by the commands that would need it.
//! Changing a manifest is [`edit`]'s work, on the text, so that comments and order survive.

mod approval;
mod config;
pub mod edit;
mod entry;
mod error;
mod parse;
mod parse_policy;
mod policy;
mod rules;
mod unsupported;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

pub use self::approval::{Approval, ApprovalsFrom, Void};
pub use self::config::{ConfigValue, PluginConfig, config_place};
pub use self::error::{ManifestError, ManifestErrors, Warning};
pub use self::policy::{Advisories, Limits, MinReleaseAge, PatternError, Policy, SourcePattern, Verdict};
pub use self::rules::{Breach, Judged};
pub use self::unsupported::Unsupported;
use crate::capability::Capabilities;
use crate::name::{GroupName, PluginName, RegistryName};
use crate::requirement::Requirement;
use crate::signer::Signer;
use crate::source::{Registry, RelativePath, Request, SourceId};
use crate::version::Version;

/// The name of the manifest's file.
pub const MANIFEST_FILE: &str = "mockforge-plugins.toml";
/// The registry that a plain requirement means, unless the project says otherwise.
pub const DEFAULT_REGISTRY: &str = "default";
/// Where plugins are laid out, unless the project says otherwise.
pub const DEFAULT_PLUGIN_DIR: &str = ".mockforge/plugins";

/// What a project wants: the meaning of its `mockforge-plugins.toml`.
///
/// Holds together: every registry that a plugin names is declared, a plugin that stands in several tables means the same
/// in all of them, and nothing is plain `http:` that isn't allowed to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// `[project]`.
    pub project: Project,
    /// Every plugin of `[plugins]` and all `[groups.*]`.
    pub plugins: BTreeMap<PluginName, PluginEntry>,
    /// The groups, empty ones too, with the names that stand in them.
    pub groups: BTreeMap<GroupName, BTreeSet<PluginName>>,
    /// `[registries]`.
    pub registries: BTreeMap<RegistryName, Registry>,
    /// `[overrides]`: requirements that replace every other on that plugin.
    pub overrides: BTreeMap<PluginName, Override>,
    /// `[config.*]`: what is handed to plugins, transitive ones too.
    pub config: BTreeMap<PluginName, PluginConfig>,
    /// What a person allowed: `[approvals]`, unless the user's own approvals were put in their place.
    pub approvals: BTreeMap<PluginName, Approval>,
    /// Whose approvals those are.
    pub approvals_from: ApprovalsFrom,
    /// `[policy]`.
    pub policy: Policy,
    /// `[resolver]`.
    pub strategy: Strategy,
    /// What is allowed but deserves a word.
    pub warnings: Vec<Warning>,
    /// Where the keys of `[policy]` and `[registries]` stand, by their path (`policy.allow`).
    places: BTreeMap<String, Range<usize>>,
}

/// `[project]`, with its defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The versions of mfp that can read this file.
    pub mfp: Option<Requirement>,
    /// The hosts that the plugins must support, all of them.
    pub mockforge: Option<Requirement>,
    /// Where plugins are laid out.
    pub plugin_dir: RelativePath,
    /// The registry that a plain requirement means. It needn't be declared if nobody means it.
    pub registry: RegistryName,
    /// A vendored folder to look in first.
    pub vendor: Option<RelativePath>,
}

impl Default for Project {
    fn default() -> Self {
        Self {
            mfp: None,
            mockforge: None,
            plugin_dir: DEFAULT_PLUGIN_DIR.parse().expect("the default is a relative path"),
            registry: DEFAULT_REGISTRY.parse().expect("the default is a name"),
            vendor: None,
        }
    }
}

/// One plugin that the project declares itself.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginEntry {
    /// What is asked for; the lock keeps it in this form.
    pub request: Request,
    /// Whether plain `http:` to another machine is allowed for it.
    pub allow_http: bool,
    /// Where it stands: its key, and from there to the end of its value, in bytes of the manifest's text.
    pub span: Range<usize>,
    /// The line, from 1, on which its key stands.
    pub line: usize,
}

/// A requirement that replaces every other on a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The requirement.
    pub requirement: Requirement,
    /// Where it stands, in bytes of the manifest's text.
    pub span: Range<usize>,
    /// The line, from 1.
    pub line: usize,
}

/// Which of the versions that will do is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Strategy {
    /// The newest.
    #[default]
    Highest,
    /// The oldest: to test that requirements say what's really needed.
    Lowest,
}

impl Strategy {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Highest => "highest",
            Self::Lowest => "lowest",
        }
    }
}

/// A text that isn't a strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a strategy is `highest` or `lowest`")]
pub struct UnknownStrategy;

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        [Self::Highest, Self::Lowest].into_iter().find(|strategy| strategy.as_str() == text).ok_or(UnknownStrategy)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl Default for Manifest {
    /// What an empty file means.
    fn default() -> Self {
        Self {
            project: Project::default(),
            plugins: BTreeMap::new(),
            groups: BTreeMap::new(),
            registries: BTreeMap::new(),
            overrides: BTreeMap::new(),
            config: BTreeMap::new(),
            approvals: BTreeMap::new(),
            approvals_from: ApprovalsFrom::default(),
            policy: Policy::default(),
            strategy: Strategy::default(),
            warnings: Vec::new(),
            places: BTreeMap::new(),
        }
    }
}

impl Manifest {
    /// Read a manifest. `own` is the version of the mfp that reads: a file whose `[project] mfp` excludes it says that
    /// and nothing else. All problems are told at once.
    pub fn parse(text: &str, own: &Version) -> Result<Self, ManifestErrors> {
        parse::parse(text, own)
    }

    /// Where a key of `[policy]` or `[registries]` stands (`policy.allow`, `registries.corp`), in bytes of the manifest's text.
    pub fn place(&self, path: &str) -> Option<Range<usize>> {
        self.places.get(path).cloned()
    }

    /// What a person approved for the plugin of this name from this source, by this signer: nothing, if the approval names
    /// another source or signer.
    pub fn approved(&self, name: &PluginName, source: &SourceId, signer: Option<&Signer>) -> Option<&Capabilities> {
        let approval = self.approvals.get(name)?;
        approval.void(source, signer, &self.registries).is_none().then_some(&approval.capabilities)
    }

    /// The requirement that holds for a plugin where `asked` is what somebody asks: an override's, if there is one.
    pub fn effective<'a>(&'a self, name: &PluginName, asked: &'a Requirement) -> &'a Requirement {
        self.overrides.get(name).map_or(asked, |replacement| &replacement.requirement)
    }
}
