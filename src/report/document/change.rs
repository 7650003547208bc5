//! What `init`, `add`, `remove`, `lock`, `sync`, `update`, `upgrade` and `approve` print with `--json`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// `init`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InitDocument {
    /// The project's folder.
    pub(crate) project: String,
    /// The files that were written, relative to it.
    pub(crate) written: Vec<String>,
    /// What an import couldn't take, a sentence each.
    pub(crate) left_out: Vec<String>,
}

/// `add`, `remove`, `lock`, `sync`, `update`, `upgrade`
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ChangesDocument {
    /// What changed in the lock (`sync`: in the plugin folder), by name.
    pub(crate) changes: Vec<ChangeDocument>,
    /// Was nothing written because of --dry-run or --check?
    pub(crate) dry_run: bool,
    /// `lock`, `update`, `upgrade`: newer versions that weren't taken, since a person has to decide about them first. Left out
    /// where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) held: Vec<HeldDocument>,
}

/// A version that was held back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct HeldDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The version that's in the lock instead; null if the plugin isn't in it.
    pub(crate) current: Option<String>,
    pub(crate) reasons: Vec<HeldReason>,
    /// The same for people.
    pub(crate) message: String,
    /// What it asks for beyond what's approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) asks: Option<Value>,
    /// What to type if it may be taken.
    pub(crate) commands: Vec<String>,
}

/// What a person has to decide about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HeldReason {
    /// It asks for more than was approved.
    Approval,
    /// It isn't signed by whom it was signed before, or that isn't proven.
    Signature,
    /// It needs another plugin that's held back.
    Dependency,
}

/// One plugin's change.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangeDocument {
    pub(crate) name: String,
    pub(crate) kind: ChangeKind,
    pub(crate) from: Option<ChangeSide>,
    pub(crate) to: Option<ChangeSide>,
    /// Where the plugin comes from, as the lock has it (`registry+default`).
    pub(crate) source: String,
}

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ChangeKind {
    Added,
    Removed,
    Updated,
}

/// A plugin before or after.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct ChangeSide {
    pub(crate) version: String,
    /// `blake3:<hex>`
    pub(crate) content: String,
    /// For git sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// What it asks for beyond the defaults.
    pub(crate) capabilities: Value,
}

/// `approve`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApproveDocument {
    pub(crate) approvals: Vec<DecisionDocument>,
    /// The file that was written; null if nothing was to be changed.
    pub(crate) file: Option<String>,
}

/// What was decided about one plugin. Capabilities are in their canonical form.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DecisionDocument {
    pub(crate) name: String,
    /// The version that asks.
    pub(crate) version: String,
    /// Is that the locked one?
    pub(crate) locked: bool,
    pub(crate) source: String,
    pub(crate) signer: Option<String>,
    pub(crate) asked: Value,
    /// What counted before.
    pub(crate) before: Value,
    /// What counts now.
    pub(crate) approved: Value,
    /// What the plugin gets: asked, approved, and left by the policies.
    pub(crate) effective: Value,
    /// What it asks that deserves a second look, a sentence each.
    pub(crate) broad: Vec<String>,
    /// Why the approval that there was didn't count for it, or null.
    pub(crate) void: Option<String>,
    /// Was anything written?
    pub(crate) changed: bool,
}
