//! A lock that git couldn't merge, or that is broken: what can still be learnt from it?
//!
//! Nothing of it is trusted as a lock. What is found are preferences: a resolver that has a choice takes what either
//! side had.

use std::ops::Range;

use super::{LockedPlugin, read};

/// The marks that git leaves, in the order in which they come; the second is there in some styles only.
const OURS: &str = "<<<<<<<";
const BASE: &str = "|||||||";
const MIDDLE: &str = "=======";
const THEIRS: &str = ">>>>>>>";

fn is_mark(line: &str, mark: &str) -> bool {
    line.trim_end().strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The first conflict marker, if there's one.
pub(super) fn first_marker(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if [OURS, BASE, MIDDLE, THEIRS].iter().any(|mark| is_mark(line, mark)) {
            return Some(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    None
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Both,
    Ours,
    Base,
    Theirs,
}

/// The two sides of a text with conflict markers: ours and theirs. `None` if it has none, or if they don't pair up.
pub fn sides(text: &str) -> Option<(String, String)> {
    first_marker(text)?;
    let (mut ours, mut theirs) = (String::with_capacity(text.len()), String::with_capacity(text.len()));
    let mut part = Part::Both;
    for line in text.split_inclusive('\n') {
        part = match part {
            Part::Both if is_mark(line, OURS) => Part::Ours,
            Part::Ours if is_mark(line, BASE) => Part::Base,
            Part::Ours | Part::Base if is_mark(line, MIDDLE) => Part::Theirs,
            Part::Theirs if is_mark(line, THEIRS) => Part::Both,
            _ if [OURS, BASE, MIDDLE, THEIRS].iter().any(|mark| is_mark(line, mark)) => return None,
            _ => {
                if matches!(part, Part::Both | Part::Ours) {
                    ours.push_str(line);
                }
                if matches!(part, Part::Both | Part::Theirs) {
                    theirs.push_str(line);
                }
                continue;
            }
        };
    }
    (part == Part::Both).then_some((ours, theirs))
}

/// The entries of a lock that may be broken: each `[[plugin]]` that can be read by itself, in the text's order. Never
/// fails; what can't be read is left out.
pub fn preferences(text: &str) -> Vec<LockedPlugin> {
    let mut entries = Vec::new();
    let mut current: Option<String> = None;
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') {
            entries.extend(current.take().and_then(|entry| read::read_loose_entry(&entry)));
            current = (line.trim_end() == "[[plugin]]").then(String::new);
        }
        if let Some(entry) = &mut current {
            entry.push_str(line);
        }
    }
    entries.extend(current.and_then(|entry| read::read_loose_entry(&entry)));
    entries
}
