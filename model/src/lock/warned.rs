//! Of which locked plugins has their registry warned, and may they be installed and loaded in spite of it?
//!
//! A registry speaks for its own plugins only. What's known of its warnings comes from whoever asked it; nobody is asked
//! here. A registry mustn't hold a kill switch over projects that are locked, so a blocking warning stops installing and
//! loading only where the project says `advisories = "deny"`.

use super::{Lock, LockedPlugin};
use crate::name::{PluginName, RegistryName};
use crate::project::{self, Manifest};
use crate::registry_files::{Advisories, Advisory};
use crate::source::Pin;
use crate::version::Version;

/// A locked plugin, and an advisory about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warned {
    /// Which, by its name in the project.
    pub name: PluginName,
    /// Which version of it.
    pub version: Version,
    /// What its registry says.
    pub advisory: Advisory,
}

/// Every advisory about what's locked. `known` gives what's known of a registry's.
pub fn warned<'k>(lock: &Lock, known: impl Fn(&RegistryName) -> Option<&'k Advisories>) -> Vec<Warned> {
    lock.plugins.values().flat_map(|plugin| of_entry(plugin, &known)).collect()
}

fn of_entry<'k>(plugin: &LockedPlugin, known: impl Fn(&RegistryName) -> Option<&'k Advisories>) -> Vec<Warned> {
    let Some(package) = plugin.package() else { return Vec::new() };
    let Pin::Registry { registry, .. } = &package.pin else { return Vec::new() };
    let about = known(registry).into_iter().flat_map(|known| known.about(plugin.id(), &package.version));
    about.map(|advisory| Warned { name: plugin.name.clone(), version: package.version.clone(), advisory: advisory.clone() }).collect()
}

/// Those that stop whoever installs or loads: blocking ones, where the project denies them.
pub fn denied_by_advisories<'k>(manifest: &Manifest, lock: &Lock, known: impl Fn(&RegistryName) -> Option<&'k Advisories>) -> Vec<Warned> {
    if manifest.policy.advisories != project::Advisories::Deny {
        return Vec::new();
    }
    warned(lock, known).into_iter().filter(|one| one.advisory.block).collect()
}
