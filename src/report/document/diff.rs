//! What `diff` prints with `--json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::ChangeDocument;

/// `diff`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiffDocument {
    /// What's compared: `HEAD`, a revision, a file, or `the working folder`.
    pub(crate) from: String,
    /// With what.
    pub(crate) to: String,
    /// The plugins that differ, by name.
    pub(crate) changes: Vec<DiffChange>,
    /// What concerns all plugins: registries' addresses, overrides, the resolver's options.
    pub(crate) project: Vec<DifferenceDocument>,
    /// Approvals that aren't what they were.
    pub(crate) approvals: Vec<ApprovalDocument>,
    /// Keys of `[policy]` that aren't what they were.
    pub(crate) policy: Vec<DifferenceDocument>,
    /// Were approvals and policy compared? A lock's file has no manifest beside it.
    pub(crate) manifests_compared: bool,
}

impl DiffDocument {
    /// Is there nothing to tell?
    pub(crate) fn is_same(&self) -> bool {
        self.changes.is_empty() && self.project.is_empty() && self.approvals.is_empty() && self.policy.is_empty()
    }
}

/// One plugin that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DiffChange {
    #[serde(flatten)]
    pub(crate) change: ChangeDocument,
    /// What it asks for and didn't, by meaning; the broad ones first.
    pub(crate) gained: Vec<CapabilityDocument>,
    /// What it asked for and doesn't.
    pub(crate) lost: Vec<CapabilityDocument>,
    /// Does the newer manifest approve all that it asks? Null if there's none to ask, or if the plugin goes.
    pub(crate) approved: Option<bool>,
    /// Other bytes under the same version, from the same place.
    pub(crate) swapped: bool,
    /// Everything else that's said differently: version, source, signer, licence, types, dependencies…
    pub(crate) differences: Vec<DifferenceDocument>,
    /// How its module changed; null if its bytes didn't, or if it's new or goes.
    pub(crate) exports: Option<ExportsDocument>,
}

/// One thing that a plugin asks for.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CapabilityDocument {
    /// `env`, `fs-read`, `fs-write`, `http`, `memory` or `time-ms`.
    pub(crate) capability: String,
    pub(crate) value: String,
    /// Why it deserves a second look, or null.
    pub(crate) broad: Option<String>,
}

/// One thing that's said differently.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DifferenceDocument {
    pub(crate) what: String,
    /// What it was, or null.
    pub(crate) from: Option<String>,
    /// What it is, or null.
    pub(crate) to: Option<String>,
}

/// An approval that's not what it was.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ApprovalDocument {
    pub(crate) name: String,
    /// What's allowed now and wasn't. Given to another source or signer, all of it.
    pub(crate) gained: Vec<CapabilityDocument>,
    pub(crate) lost: Vec<CapabilityDocument>,
    /// To whom it's given, where that changed.
    pub(crate) differences: Vec<DifferenceDocument>,
}

/// How a module changed.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportsDocument {
    /// Does the store have both modules? Nothing is fetched to find out.
    pub(crate) known: bool,
    /// What it offers, with types: `(i32, i32) -> i64`.
    pub(crate) exports: Vec<DifferenceDocument>,
    /// What it wants of its host.
    pub(crate) imports: Vec<DifferenceDocument>,
    /// How many more there are than are listed.
    pub(crate) more: usize,
}
