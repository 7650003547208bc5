//! A diff for a pull request's comment: small tables, what a plugin gains first and in bold, the same text for the same diff.
//!
//! Whoever opens the pull request wrote these words, and a forge renders them next to its buttons. So each of them stands in a
//! code span, in which nothing is a link, a mention, HTML or an image; and in it there's no back-tick and no pipe, which could
//! end the span or the cell. The comment fits into GitHub's limit whatever is in the locks; what's left out is counted.

use super::text::{headline, told};
use crate::report::clean;
use crate::report::document::{CapabilityDocument, ChangeKind, ChangeSide, DiffChange, DiffDocument, DifferenceDocument};

/// GitHub takes 65 536 characters, and GitLab more. The rest is for what a workflow puts around it.
const MAX_BYTES: usize = 60_000;
/// Words longer than this are cut, in characters.
const MAX_WORD: usize = 120;

/// By this first line a workflow finds the comment that it wrote before.
const MARK: &str = "<!-- mfp diff -->";

/// The whole comment.
pub(super) fn page(diff: &DiffDocument) -> String {
    let mut page = Page { text: format!("{MARK}\n### plugins.lock: {}\n", headline(diff)), left_out: 0 };
    page.line(&format!("\n{} → {}\n", code(&diff.from), code(&diff.to)));
    page.table("| plugin | **asks for more than before** | |\n|---|---|---|", gains(diff));
    let swapped = diff.changes.iter().filter(|change| change.swapped);
    page.lines(swapped.map(|change| format!("\n**{} has other bytes under the same version.**\n", code(&change.change.name))));
    page.table("| for all plugins | was | is |\n|---|---|---|", diff.project.iter().map(row));
    page.table("| | plugin | was | is | what else changed |\n|---|---|---|---|---|", diff.changes.iter().map(change_row));
    page.table("| plugin | no longer asks |\n|---|---|", losses(diff));
    page.table("| approval | **now allowed** | no longer allowed | given to |\n|---|---|---|---|", approvals(diff));
    page.table("| policy | was | is |\n|---|---|---|", diff.policy.iter().map(row));
    page.table("| module | | was | is |\n|---|---|---|---|", modules(diff));
    let unknown = diff.changes.iter().filter(|change| change.exports.as_ref().is_some_and(|exports| !exports.known)).count();
    if unknown > 0 {
        page.line("\nExports weren't compared for every plugin: run `mfp diff` where both versions were synced.\n");
    }
    page.finish()
}

/// A text that stays below the limit.
struct Page {
    text: String,
    left_out: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        // Once something is left out everything is, or the rows of a table would stand without its head.
        if self.left_out > 0 || self.text.len() + line.len() > MAX_BYTES {
            self.left_out += 1;
        } else {
            self.text.push_str(line);
        }
    }

    fn lines(&mut self, lines: impl Iterator<Item = String>) {
        lines.for_each(|line| self.line(&line));
    }

    /// A table, if it has rows.
    fn table(&mut self, head: &str, rows: impl Iterator<Item = String>) {
        let mut rows = rows.peekable();
        if rows.peek().is_some() {
            self.line(&format!("\n{head}\n"));
            self.lines(rows.map(|row| format!("{row}\n")));
        }
    }

    fn finish(mut self) -> String {
        if self.left_out > 0 {
            let more = format!("\n**{} more lines don't fit here: run `mfp diff` to see them.**\n", self.left_out);
            self.text.push_str(&more);
        }
        self.text
    }
}

/// A word from outside, as a code span that nothing in it can end.
fn code(word: &str) -> String {
    let mut short: String = word.chars().take(MAX_WORD).collect();
    if short.len() < word.len() {
        short.push('…');
    }
    let safe = clean(&short).replace('`', "\\u{60}").replace('|', "\\u{7c}");
    if safe.trim().is_empty() { "–".to_owned() } else { format!("`{safe}`") }
}

fn or_nothing(word: Option<&String>) -> String {
    word.map_or_else(|| "–".to_owned(), |word| code(word))
}

fn gains(diff: &DiffDocument) -> impl Iterator<Item = String> {
    diff.changes.iter().flat_map(|change| {
        change.gained.iter().map(move |gain| {
            let broad = gain.broad.as_ref().map(|why| format!("**broad**: {}", code(why)));
            let approved = change.approved.map(|approved| if approved { "approved" } else { "**not approved**" }.to_owned());
            let remarks: Vec<String> = broad.into_iter().chain(approved).collect();
            format!("| {} | **{} {}** | {} |", code(&change.change.name), gain.capability, code(&gain.value), remarks.join("; "))
        })
    })
}

fn losses(diff: &DiffDocument) -> impl Iterator<Item = String> {
    diff.changes.iter().filter(|change| change.change.kind != ChangeKind::Removed).flat_map(|change| {
        change.lost.iter().map(move |loss| format!("| {} | {} {} |", code(&change.change.name), loss.capability, code(&loss.value)))
    })
}

fn row(one: &DifferenceDocument) -> String {
    format!("| {} | {} | {} |", code(&one.what), or_nothing(one.from.as_ref()), or_nothing(one.to.as_ref()))
}

fn change_row(change: &DiffChange) -> String {
    let kind = match change.change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Updated => "changed",
    };
    let side = |side: Option<&ChangeSide>| match side {
        None => "–".to_owned(),
        Some(side) if side.version.is_empty() => "a service".to_owned(),
        Some(side) => match &side.commit {
            Some(commit) => format!("{} ({})", code(&side.version), code(commit.get(..7).unwrap_or(commit))),
            None => code(&side.version),
        },
    };
    let more: Vec<String> = told(change).map(in_a_cell).collect();
    let (from, to) = (side(change.change.from.as_ref()), side(change.change.to.as_ref()));
    format!("| {kind} | {} | {from} | {to} | {} |", code(&change.change.name), more.join("<br>"))
}

fn in_a_cell(one: &DifferenceDocument) -> String {
    match (&one.from, &one.to) {
        (None, Some(to)) => format!("{}: {}", code(&one.what), code(to)),
        (from, to) => format!("{}: {} → {}", code(&one.what), or_nothing(from.as_ref()), or_nothing(to.as_ref())),
    }
}

fn approvals(diff: &DiffDocument) -> impl Iterator<Item = String> {
    let all = |all: &[CapabilityDocument], bold: &str| {
        let one = |one: &CapabilityDocument| {
            let broad = if one.broad.is_some() { " (broad)" } else { "" };
            format!("{bold}{} {}{broad}{bold}", one.capability, code(&one.value))
        };
        all.iter().map(one).collect::<Vec<_>>().join("<br>")
    };
    diff.approvals.iter().map(move |approval| {
        let given: Vec<String> = approval.differences.iter().map(in_a_cell).collect();
        let (gained, lost) = (all(&approval.gained, "**"), all(&approval.lost, ""));
        format!("| {} | {gained} | {lost} | {} |", code(&approval.name), given.join("<br>"))
    })
}

fn modules(diff: &DiffDocument) -> impl Iterator<Item = String> {
    diff.changes.iter().filter_map(|change| Some((change, change.exports.as_ref()?))).flat_map(|(change, exports)| {
        let of = move |kind: &'static str, one: &DifferenceDocument| {
            let (from, to) = (or_nothing(one.from.as_ref()), or_nothing(one.to.as_ref()));
            format!("| {} | {kind} {} | {from} | {to} |", code(&change.change.name), code(&one.what))
        };
        let exported = exports.exports.iter().map(move |one| of("export", one));
        let imported = exports.imports.iter().map(move |one| of("import", one));
        let more = (exports.more > 0).then(|| format!("| {} | and {} more | | |", code(&change.change.name), exports.more));
        exported.chain(imported).chain(more).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_from_outside_stays_in_its_span_and_its_cell() {
        let hostile = "MIT` | [x](https://evil.example) @octocat <img src=x> \n| \u{202e}";
        assert_eq!(code(hostile), "`MIT\\u{60} \\u{7c} [x](https://evil.example) @octocat <img src=x> \\u{a}\\u{7c} \\u{202e}`");
        assert_eq!(code(" "), "–");
        assert!(code(&"x".repeat(9_999)).chars().count() < 130);
    }
}
