//! Which lines went, and which came? For a person who sees what became of a file.

/// The most lines of both texts together that are compared; of longer ones, all went and all came.
const MOST_LINES: usize = 2_000;

/// Lines that went (`- …`) and came (`+ …`), in order; those that stayed are left out.
pub(super) fn lines(old: &str, new: &str) -> Vec<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let kept = if old.len() + new.len() > MOST_LINES { Vec::new() } else { longest_common(&old, &new) };
    let (mut changes, mut from, mut to) = (Vec::new(), 0, 0);
    for (kept_old, kept_new) in kept.into_iter().chain([(old.len(), new.len())]) {
        changes.extend(old[from..kept_old].iter().map(|line| format!("- {line}")));
        changes.extend(new[to..kept_new].iter().map(|line| format!("+ {line}")));
        (from, to) = (kept_old + 1, kept_new + 1);
    }
    changes
}

/// The places of a longest common sequence of lines.
fn longest_common(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_u16; new.len() + 1]; old.len() + 1];
    for at in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            lengths[at][other] =
                if old[at] == new[other] { lengths[at + 1][other + 1] + 1 } else { lengths[at + 1][other].max(lengths[at][other + 1]) };
        }
    }
    let (mut places, mut at, mut other) = (Vec::new(), 0, 0);
    while at < old.len() && other < new.len() {
        if old[at] == new[other] {
            places.push((at, other));
            (at, other) = (at + 1, other + 1);
        } else if lengths[at + 1][other] >= lengths[at][other + 1] {
            at += 1;
        } else {
            other += 1;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_isnt_told() {
        assert_eq!(lines("a\nb\nc\n", "a\nx\nc\nd\n"), ["- b", "+ x", "+ d"]);
        assert_eq!(lines("a\n", "a\n"), Vec::<String>::new());
        assert_eq!(lines("", "a\n"), ["+ a"]);
        assert_eq!(lines(&"a\n".repeat(2_000), "a\n").len(), 2_001, "too long to compare");
    }
}
