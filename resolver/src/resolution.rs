//! What was decided?

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::name::{GroupName, PluginName};
use mfp_model::version::Version;

use crate::catalog::{Dependency, Origin, PackageKey};

/// One plugin of a resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The name it has in this project.
    pub entry: PluginName,
    /// The plugin's own name; another one than `entry` only for an alias.
    pub package: PluginName,
    /// Where it comes from.
    pub origin: Origin,
    /// The version that was chosen.
    pub version: Version,
    /// The candidate's own dependencies, sorted by name; overrides don't change what's written here. An optional one needs
    /// no entry. A dependency on a name that's an alias here binds nothing.
    pub dependencies: Vec<Dependency>,
    /// Does the manifest ask for it?
    pub direct: bool,
    /// The groups whose tables ask for it; empty if `[plugins]` does, or nobody does directly.
    pub groups: BTreeSet<GroupName>,
}

impl Resolved {
    /// The key in the catalog of the plugin that was chosen.
    pub fn key(&self) -> PackageKey {
        let name = match self.origin {
            Origin::Registry(_) => &self.package,
            Origin::Declared => &self.entry,
        };
        PackageKey { name: name.clone(), origin: self.origin.clone() }
    }
}

/// A whole project's plugins: every requirement holds, no name has two sources, no dependency goes in a circle.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolution {
    /// By entry name.
    pub plugins: BTreeMap<PluginName, Resolved>,
}

impl Resolution {
    /// The versions, by entry name: what a later request takes as its preferences.
    pub fn versions(&self) -> BTreeMap<PluginName, Version> {
        self.plugins.iter().map(|(entry, resolved)| (entry.clone(), resolved.version.clone())).collect()
    }
}
