//! What changed in what people allow: `[approvals]` and `[policy]` of two manifests.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{DocumentMut, Item, TableLike};

use super::Difference;
use crate::capability::Capabilities;
use crate::name::PluginName;
use crate::project::{Approval, Manifest};

/// An approval that's not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalChange {
    /// The plugin.
    pub name: PluginName,
    /// What it's allowed now and wasn't. An approval for another source or signer allows the plugin nothing of what the old one did, so
    /// all of it counts.
    pub gained: Capabilities,
    /// What it was allowed and isn't.
    pub lost: Capabilities,
    /// To whom it's given, where that changed.
    pub differences: Vec<Difference>,
}

/// In what the approvals of two manifests differ.
pub fn approval_changes(old: &Manifest, new: &Manifest) -> Vec<ApprovalChange> {
    let names: BTreeSet<&PluginName> = old.approvals.keys().chain(new.approvals.keys()).collect();
    names.into_iter().filter_map(|name| approval_change(name, old.approvals.get(name), new.approvals.get(name))).collect()
}

fn approval_change(name: &PluginName, from: Option<&Approval>, to: Option<&Approval>) -> Option<ApprovalChange> {
    if from == to {
        return None;
    }
    let source = |approval: &Approval| Some(approval.source.redacted());
    let signer = |approval: &Approval| Some(approval.signer.as_ref().map_or_else(|| "unsigned".to_owned(), ToString::to_string));
    let differ = |what: &str, read: &dyn Fn(&Approval) -> Option<String>| {
        let (from, to) = (from.and_then(read), to.and_then(read));
        (from != to).then(|| Difference { what: what.to_owned(), from, to })
    };
    let differences: Vec<Difference> = [differ("source", &source), differ("signer", &signer)].into_iter().flatten().collect();
    let is_for_another = from.is_some() && to.is_some() && !differences.is_empty();
    let nothing = Capabilities::default();
    let allowed = |approval: Option<&Approval>| approval.map_or_else(|| nothing.clone(), |approval| approval.capabilities.clone());
    let (before, after) = (allowed(from), allowed(to));
    let gained = if is_for_another { after.clone() } else { after.excess(&before) };
    Some(ApprovalChange { name: name.clone(), gained, lost: before.excess(&after), differences })
}

/// In what `[policy]` of two manifests' texts differs, key by key. White space doesn't count. A text that can't be read has none.
pub fn policy_changes(old: &str, new: &str) -> Vec<Difference> {
    let (before, after) = (policy(old), policy(new));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differ = |key: &String| {
        let (from, to) = (before.get(key).cloned(), after.get(key).cloned());
        (from != to).then(|| Difference { what: key.clone(), from, to })
    };
    keys.into_iter().filter_map(differ).collect()
}

fn policy(text: &str) -> BTreeMap<String, String> {
    let Ok(document) = text.parse::<DocumentMut>() else { return BTreeMap::new() };
    let mut said = BTreeMap::new();
    if let Some(table) = document.get("policy").and_then(Item::as_table_like) {
        flatten("", table, &mut said);
    }
    said
}

fn flatten(prefix: &str, table: &dyn TableLike, said: &mut BTreeMap<String, String>) {
    for (key, item) in table.iter() {
        let key = format!("{prefix}{key}");
        if let Some(inner) = item.as_table_like() {
            flatten(&format!("{key}."), inner, said);
        } else {
            let value = item.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            said.insert(key, value);
        }
    }
}
