//! What does the project want? The manifest's and the lock's words, as far as a decision needs them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use mfp_model::name::{GroupName, PluginName, RegistryName};
use mfp_model::requirement::Requirement;
use mfp_model::version::Version;

use crate::catalog::{Origin, PackageKey};

/// One line of the manifest that asks for a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The key in the manifest, and the name that the plugin has in this project.
    pub entry: PluginName,
    /// The plugin's own name (its id); the same as `entry` unless it's an alias.
    pub package: PluginName,
    /// Was it declared with `package = "…"`? Then it's a separate entry, and never satisfies a dependency.
    pub alias: bool,
    /// Where it comes from.
    pub origin: Origin,
    /// Which versions will do; `*` for a URL, a git reference and a folder.
    pub requirement: Requirement,
    /// The line in the manifest, from 1.
    pub line: Option<u32>,
    /// The group whose table it stands in, if any. Groups are always resolved with the rest.
    pub group: Option<GroupName>,
}

impl Root {
    /// The key in a catalog of the plugin that this line means.
    pub fn key(&self) -> PackageKey {
        let name = match self.origin {
            Origin::Registry(_) => &self.package,
            Origin::Declared => &self.entry,
        };
        PackageKey { name: name.clone(), origin: self.origin.clone() }
    }
}

/// A line of `[overrides]`: it replaces every requirement on the entry of that name, the manifest's own and transitive ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// What is required instead.
    pub requirement: Requirement,
    /// The line in the manifest, from 1.
    pub line: Option<u32>,
}

/// Which of several fitting versions is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The newest.
    #[default]
    Highest,
    /// The oldest, so that a plugin's author can test the lower ends of requirements.
    Lowest,
}

/// `min-release-age`: what was published after the cutoff isn't chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MinReleaseAge {
    /// Candidates published after this are too new; `None` turns the rule off.
    pub cutoff: Option<Timestamp>,
    /// The present, for texts only ("published 3 hours ago"); without it the texts give the timestamp.
    pub now: Option<Timestamp>,
    /// The setting as it's written (`24h`), for texts only.
    pub age: Option<String>,
    /// Plugins (by entry name) that the rule doesn't hold for.
    pub except: BTreeSet<PluginName>,
}

/// Everything that the decision depends on, besides the catalog.
#[derive(Debug, Clone)]
pub struct Request {
    /// What the manifest asks for, in any order. A name may stand in several tables with equal values.
    pub roots: Vec<Root>,
    /// `[overrides]`, by entry name.
    pub overrides: BTreeMap<PluginName, Override>,
    /// The hosts that the project must support: a version is a candidate only if this whole range lies in its own.
    pub host: Option<Requirement>,
    /// Newest or oldest.
    pub strategy: Strategy,
    /// What's too new to be chosen.
    pub min_release_age: MinReleaseAge,
    /// Versions to keep if they still satisfy (the lock's), by entry name. They may be yanked or too new.
    pub preferences: BTreeMap<PluginName, Version>,
    /// The registry that the dependencies of URL, git and folder plugins come from.
    pub default_registry: Option<RegistryName>,
    /// How many decisions to make before giving up.
    pub max_decisions: u64,
}

impl Request {
    /// [`Request::max_decisions`] unless somebody says otherwise: some seconds' work.
    pub const MAX_DECISIONS: u64 = 200_000;
}

impl Default for Request {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            overrides: BTreeMap::new(),
            host: None,
            strategy: Strategy::default(),
            min_release_age: MinReleaseAge::default(),
            preferences: BTreeMap::new(),
            default_registry: None,
            max_decisions: Self::MAX_DECISIONS,
        }
    }
}
