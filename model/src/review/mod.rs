//! What would a person who reviews a change want to know about two locks, and two manifests? Pure: values in, values out.
//!
//! [`crate::plan`] says what's done; this says what it means: what a plugin may do now that it couldn't, who signed it, where
//! it's from, and whether other bytes go by the same version. Capabilities are compared by meaning in both directions, so
//! that `*.x.com` in the place of `a.x.com` is a gain and no loss.

mod approvals;
mod fields;

use std::collections::BTreeSet;

pub use self::approvals::{ApprovalChange, approval_changes, policy_changes};
use crate::capability::Capabilities;
use crate::lock::{Lock, LockedPlugin};
use crate::name::PluginName;
use crate::plan::ChangeKind;

/// One thing that's said differently on the two sides. Texts are as files have them, without the values of a URL's query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What, in a word or two: `signer`, `dependency jwks-core`.
    pub what: String,
    /// What it was; `None` if nothing was said.
    pub from: Option<String>,
    /// What it is.
    pub to: Option<String>,
}

/// Everything in which two locks differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Review<'l> {
    /// What concerns all plugins: registries' addresses, overrides, the resolver's options.
    pub project: Vec<Difference>,
    /// The plugins that differ, by name.
    pub plugins: Vec<PluginChange<'l>>,
}

/// A plugin that two locks differ in.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginChange<'l> {
    /// The name that the project has for it.
    pub name: PluginName,
    /// What happens to it.
    pub kind: ChangeKind,
    /// What it was.
    pub from: Option<&'l LockedPlugin>,
    /// What it will be.
    pub to: Option<&'l LockedPlugin>,
    /// What it asks for and didn't.
    pub gained: Capabilities,
    /// What it asked for and doesn't.
    pub lost: Capabilities,
    /// What else is different; the version too.
    pub differences: Vec<Difference>,
    /// Other bytes under the same version, from the same place: no honest registry does that.
    pub is_swapped: bool,
}

/// Everything in which two locks differ. No lock is an empty one.
pub fn review<'l>(old: Option<&'l Lock>, new: Option<&'l Lock>) -> Review<'l> {
    let of = |lock: Option<&'l Lock>, name: &PluginName| lock.and_then(|lock| lock.plugins.get(name));
    let names: BTreeSet<&PluginName> = [old, new].into_iter().flatten().flat_map(|lock| lock.plugins.keys()).collect();
    let change = |name: &PluginName| {
        let before = of(old, name).map(|plugin| (plugin, fields::of(plugin, old)));
        let after = of(new, name).map(|plugin| (plugin, fields::of(plugin, new)));
        plugin_change(name, before.as_ref(), after.as_ref())
    };
    let plugins = names.into_iter().filter_map(change).collect();
    Review { project: fields::project_differences(old, new), plugins }
}

/// An entry, and what it says field by field.
type Said<'l> = (&'l LockedPlugin, fields::Fields);

fn plugin_change<'l>(name: &PluginName, before: Option<&Said<'l>>, after: Option<&Said<'l>>) -> Option<PluginChange<'l>> {
    let (from, to) = (before.map(|(plugin, _)| *plugin), after.map(|(plugin, _)| *plugin));
    let said = |side: Option<&Said<'_>>| side.map(|(_, said)| said.clone()).unwrap_or_default();
    let differences = fields::differences(&said(before), &said(after));
    let kind = match (from, to) {
        (None, Some(_)) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Removed,
        (Some(was), Some(is)) if was != is || !differences.is_empty() => ChangeKind::Updated,
        _ => return None,
    };
    let asked = |plugin: Option<&LockedPlugin>| plugin.map(LockedPlugin::capabilities).unwrap_or_default();
    let (asked_before, asks_now) = (asked(from), asked(to));
    Some(PluginChange {
        name: name.clone(),
        kind,
        from,
        to,
        gained: asks_now.excess(&asked_before),
        lost: asked_before.excess(&asks_now),
        differences,
        is_swapped: from.zip(to).is_some_and(|(from, to)| is_swapped(from, to)),
    })
}

fn is_swapped(from: &LockedPlugin, to: &LockedPlugin) -> bool {
    let (Some(was), Some(is)) = (from.package(), to.package()) else { return false };
    // A folder's version stays what it is while somebody works on it, and a commit's as long as nobody raises it.
    let is_fixed = was.pin.artifact().is_some() && was.pin.source() == is.pin.source();
    is_fixed && was.version == is.version && from.content != to.content
}

#[cfg(test)]
mod tests;
