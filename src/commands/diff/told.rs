//! A review as a document: words, in an order that doesn't change.

use mfp_model::capability::Capabilities;
use mfp_model::lock::{LockedPlugin, Unapproved};
use mfp_model::plan::ChangeKind;
use mfp_model::review::{ApprovalChange, Difference, PluginChange, Review};
use mfp_model::units::ByteSize;

use super::exports::Exports;
use crate::installing::side;
use crate::report::document::{self, ApprovalDocument, CapabilityDocument, ChangeDocument, DiffChange, DifferenceDocument};

/// What changed, a plugin each. Whether the new one is approved is known where there's a manifest to ask.
pub(super) fn changes(review: &Review<'_>, unapproved: Option<&[Unapproved]>, exports: &Exports) -> Vec<DiffChange> {
    review.plugins.iter().map(|change| told(change, unapproved, exports)).collect()
}

fn told(change: &PluginChange<'_>, unapproved: Option<&[Unapproved]>, exports: &Exports) -> DiffChange {
    let is_approved = |plugin: &LockedPlugin| unapproved.map(|all| all.iter().all(|one| one.name != plugin.name));
    let both = change.from.zip(change.to).filter(|(from, to)| from.content != to.content && to.package().is_some());
    DiffChange {
        change: ChangeDocument {
            name: change.name.to_string(),
            kind: kind(change.kind),
            from: change.from.map(side),
            to: change.to.map(side),
            source: change.to.or(change.from).map(|plugin| plugin.source().redacted()).unwrap_or_default(),
        },
        gained: capabilities(&change.gained),
        lost: capabilities(&change.lost),
        approved: change.to.and_then(is_approved),
        swapped: change.is_swapped,
        differences: change.differences.iter().map(difference).collect(),
        exports: both.map(|(from, to)| exports.compare(from, to)),
    }
}

fn kind(kind: ChangeKind) -> document::ChangeKind {
    match kind {
        ChangeKind::Added => document::ChangeKind::Added,
        ChangeKind::Removed => document::ChangeKind::Removed,
        ChangeKind::Updated => document::ChangeKind::Updated,
    }
}

pub(super) fn difference(difference: &Difference) -> DifferenceDocument {
    DifferenceDocument { what: difference.what.clone(), from: difference.from.clone(), to: difference.to.clone() }
}

pub(super) fn approval(change: &ApprovalChange) -> ApprovalDocument {
    ApprovalDocument {
        name: change.name.to_string(),
        gained: capabilities(&change.gained),
        lost: capabilities(&change.lost),
        differences: change.differences.iter().map(difference).collect(),
    }
}

/// One line each, the broad ones first.
fn capabilities(all: &Capabilities) -> Vec<CapabilityDocument> {
    let broad = all.broad();
    let one = |capability: &'static str, value: String| {
        let lead = format!("{capability} {value}: ");
        let why = broad.iter().find_map(|sentence| sentence.strip_prefix(&lead)).map(str::to_owned);
        CapabilityDocument { capability: capability.to_owned(), value, broad: why }
    };
    let env = all.env.iter().map(|name| one("env", name.to_string()));
    let fs_read = all.fs_read.iter().map(|path| one("fs-read", path.to_string()));
    let fs_write = all.fs_write.iter().map(|path| one("fs-write", path.to_string()));
    let http = all.http.iter().map(|host| one("http", host.to_string()));
    let memory = all.memory.map(|bytes| one("memory", ByteSize(bytes).to_string()));
    let time = all.time_ms.map(|millis| one("time-ms", millis.to_string()));
    let mut told: Vec<CapabilityDocument> = env.chain(fs_read).chain(fs_write).chain(http).chain(memory).chain(time).collect();
    told.sort_by_key(|one| one.broad.is_none());
    told
}
