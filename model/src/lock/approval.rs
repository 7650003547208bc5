//! Who asks for more than a person approved? The lock's capabilities against the approvals that count.

use super::LockedPlugin;
use crate::capability::Capabilities;
use crate::name::PluginName;
use crate::project::{Approval, ApprovalsFrom, Manifest, Void};
use crate::version::Version;

/// A plugin that asks for more than a person approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unapproved {
    /// Which.
    pub name: PluginName,
    /// Which version of it; a service has none, and asks for nothing.
    pub version: Option<Version>,
    /// All that it asks.
    pub asked: Capabilities,
    /// What a person approved for it so far.
    pub approved: Capabilities,
    /// What it asks beyond that.
    pub excess: Capabilities,
    /// Why the approval that there is doesn't count for it.
    pub void: Option<Void>,
    /// Whose approvals count.
    pub from: ApprovalsFrom,
}

impl LockedPlugin {
    /// What a person approved for this very plugin: nothing, if the approval names another source or signer.
    pub fn approved<'m>(&self, manifest: &'m Manifest) -> Option<&'m Capabilities> {
        manifest.approved(&self.name, &self.source(), self.signer())
    }

    /// Why the approval that there is under its name doesn't count for it, if that's so.
    pub fn void(&self, manifest: &Manifest) -> Option<Void> {
        manifest.approvals.get(&self.name)?.void(&self.source(), self.signer(), &manifest.registries)
    }

    /// An approval of this much, given to this very plugin.
    pub fn approve(&self, capabilities: Capabilities) -> Approval {
        Approval { source: self.source(), registry: None, signer: self.signer().cloned(), capabilities }
    }
}

/// Which of these plugins ask for more than the approvals give them.
pub fn unapproved<'l>(manifest: &Manifest, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> Vec<Unapproved> {
    plugins.into_iter().filter_map(|plugin| judge(manifest, plugin)).collect()
}

fn judge(manifest: &Manifest, plugin: &LockedPlugin) -> Option<Unapproved> {
    let asked = plugin.capabilities();
    let approved = plugin.approved(manifest).cloned().unwrap_or_default();
    let excess = asked.excess(&approved);
    (!excess.is_empty()).then(|| Unapproved {
        name: plugin.name.clone(),
        version: plugin.version().cloned(),
        asked,
        approved,
        excess,
        void: plugin.void(manifest),
        from: manifest.approvals_from,
    })
}
