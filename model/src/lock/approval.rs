//! Who asks for more than a person approved? The lock's capabilities against the manifest's `[approvals]`.

use super::LockedPlugin;
use crate::capability::Capabilities;
use crate::name::PluginName;
use crate::project::Manifest;

/// A plugin that asks for more than a person approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unapproved {
    /// Which.
    pub name: PluginName,
    /// All that it asks.
    pub asked: Capabilities,
    /// What of that isn't approved.
    pub excess: Capabilities,
    /// Where it comes from, as an approval names it.
    pub source: String,
    /// Who signed it, if anybody did.
    pub signer: Option<String>,
    /// There's an approval, for another source or signer.
    pub is_void: bool,
}

impl LockedPlugin {
    /// What a person approved for this very plugin: nothing, if the approval names another source or signer.
    pub fn approved<'m>(&self, manifest: &'m Manifest) -> Option<&'m Capabilities> {
        let approval = manifest.approvals.get(&self.name)?;
        approval.is_for(&self.source(), self.signer()).then_some(&approval.capabilities)
    }
}

/// Which of these plugins ask for more than the project's `[approvals]` give them.
pub fn unapproved<'l>(manifest: &Manifest, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> Vec<Unapproved> {
    plugins.into_iter().filter_map(|plugin| judge(manifest, plugin)).collect()
}

fn judge(manifest: &Manifest, plugin: &LockedPlugin) -> Option<Unapproved> {
    let asked = plugin.capabilities();
    let approved = plugin.approved(manifest);
    let excess = asked.excess(&approved.cloned().unwrap_or_default());
    (!excess.is_empty()).then(|| Unapproved {
        name: plugin.name.clone(),
        asked,
        excess,
        source: plugin.source().to_string(),
        signer: plugin.signer().map(ToString::to_string),
        is_void: manifest.approvals.contains_key(&plugin.name) && approved.is_none(),
    })
}

impl Unapproved {
    /// The line of `[approvals]` that would allow it.
    pub fn approval_line(&self) -> String {
        let mut parts = vec![format!("source = \"{}\"", self.source)];
        parts.extend(self.signer.as_ref().map(|signer| format!("signer = \"{signer}\"")));
        if let Ok(serde_json::Value::Object(asked)) = serde_json::to_value(&self.asked) {
            parts.extend(asked.iter().map(|(key, value)| format!("{key} = {value}")));
        }
        format!("{} = {{ {} }}", self.name, parts.join(", "))
    }
}
