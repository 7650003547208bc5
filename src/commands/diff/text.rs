//! A diff for a terminal. Every word from a lock, a manifest or a module goes through [`clean`].

use crate::report::document::{CapabilityDocument, ChangeKind, DiffChange, DiffDocument, DifferenceDocument, ExportsDocument};
use crate::report::render::Style;
use crate::report::{clean, plural};

/// The whole text.
pub(super) fn page(style: Style, diff: &DiffDocument) -> String {
    let mut lines = vec![format!("{} → {}: {}", clean(&diff.from), clean(&diff.to), headline(diff))];
    lines.extend(diff.project.iter().map(|one| format!(" {} {}", style.yellow("~"), difference(style, one))));
    lines.extend(diff.changes.iter().flat_map(|change| plugin(style, change)));
    for approval in &diff.approvals {
        lines.push(format!(" {} [approvals] {}", style.yellow("~"), style.bold(&clean(&approval.name))));
        lines.extend(capabilities(style, "now allowed", "no longer allowed", &approval.gained, &approval.lost));
        lines.extend(approval.differences.iter().map(|one| format!("     {}", difference(style, one))));
    }
    let policy = |one: &DifferenceDocument| format!(" {} [policy] {}", style.yellow("~"), difference(style, one));
    lines.extend(diff.policy.iter().map(policy));
    lines.push(String::new());
    lines.join("\n")
}

/// What happened, in numbers.
pub(super) fn headline(diff: &DiffDocument) -> String {
    let count = |kind: ChangeKind| diff.changes.iter().filter(|change| change.change.kind == kind).count();
    let counted = [(count(ChangeKind::Added), "added"), (count(ChangeKind::Removed), "removed"), (count(ChangeKind::Updated), "changed")];
    let told: Vec<String> = counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let gaining = diff.changes.iter().filter(|change| !change.gained.is_empty()).count();
    let more = match gaining {
        0 => String::new(),
        1 => "; 1 plugin asks for more".to_owned(),
        _ => format!("; {} ask for more", plural(gaining, "plugin")),
    };
    if told.is_empty() { "no plugin changed".to_owned() } else { format!("{}{more}", told.join(", ")) }
}

fn plugin(style: Style, change: &DiffChange) -> Vec<String> {
    let side = |side: &Option<crate::report::document::ChangeSide>| {
        let side = side.as_ref();
        let version = side.map(|side| side.version.as_str()).filter(|version| !version.is_empty()).unwrap_or("(a service)");
        let commit = side.and_then(|side| side.commit.as_ref()).map(|commit| format!(" ({})", commit.get(..7).unwrap_or(commit)));
        clean(&format!("{version}{}", commit.unwrap_or_default())).into_owned()
    };
    let name = style.bold(&clean(&change.change.name));
    let head = match change.change.kind {
        ChangeKind::Added => format!(" {} {name} {}", style.green("+"), side(&change.change.to)),
        ChangeKind::Removed => format!(" {} {name} {}", style.red("-"), side(&change.change.from)),
        ChangeKind::Updated if side(&change.change.from) == side(&change.change.to) => {
            format!(" {} {name} {}", style.yellow("~"), side(&change.change.to))
        }
        ChangeKind::Updated => format!(" {} {name} {} → {}", style.yellow("~"), side(&change.change.from), side(&change.change.to)),
    };
    let mut lines = vec![head];
    lines.extend(capabilities(style, "asks for more", "no longer asks", &change.gained, &change.lost));
    if change.approved == Some(false) {
        lines.push(format!("     {}", style.red("not approved: it doesn't run until `mfp approve` or [approvals] allows it")));
    }
    if change.swapped {
        lines.push(format!("     {}", style.red("other bytes under the same version")));
    }
    lines.extend(told(change).map(|one| format!("     {}", difference(style, one))));
    lines.extend(change.exports.iter().flat_map(|exports| module(style, exports)));
    lines
}

/// What's told below the head, which has version and commit. What goes needs no more words than that.
pub(super) fn told(change: &DiffChange) -> impl Iterator<Item = &DifferenceDocument> {
    let is_removed = change.change.kind == ChangeKind::Removed;
    change.differences.iter().filter(move |one| !is_removed && one.what != "version" && one.what != "commit")
}

fn capabilities(style: Style, more: &str, less: &str, gained: &[CapabilityDocument], lost: &[CapabilityDocument]) -> Vec<String> {
    let one = |one: &CapabilityDocument| {
        let broad = one.broad.as_ref().map(|why| format!(" (broad: {})", clean(why))).unwrap_or_default();
        format!("{} {}{broad}", one.capability, clean(&one.value))
    };
    let gained = gained.iter().map(|gain| format!("     {}: {}", style.red(more), style.bold(&one(gain))));
    let lost = lost.iter().map(|loss| format!("     {less}: {}", one(loss)));
    gained.chain(lost).collect()
}

fn difference(style: Style, one: &DifferenceDocument) -> String {
    let what = style.dim(&clean(&one.what));
    match (&one.from, &one.to) {
        (None, Some(to)) => format!("{what}: {}", clean(to)),
        (Some(from), None) => format!("{what}: {} no longer", clean(from)),
        (Some(from), Some(to)) => format!("{what}: {} → {}", clean(from), clean(to)),
        (None, None) => what,
    }
}

fn module(style: Style, exports: &ExportsDocument) -> Vec<String> {
    if !exports.known {
        return vec![format!("     {}", style.dim("exports: not known, the store doesn't have both"))];
    }
    let of = |kind: &'static str, all: &[DifferenceDocument]| {
        all.iter().map(|one| format!("     {kind} {}", difference(style, one))).collect::<Vec<_>>()
    };
    let more = (exports.more > 0).then(|| format!("     and {} more exports and imports", exports.more));
    of("export", &exports.exports).into_iter().chain(of("import", &exports.imports)).chain(more).collect()
}
