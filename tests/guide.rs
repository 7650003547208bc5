//! The guide's pages: what they name is there. What they show in Rust, the SDK's documentation tests run; what they show of commands, the tests
//! of those commands.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// All pages below `docs`, relative to it, with their texts.
fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut waiting = vec![docs()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).expect("it's there") {
            let path = entry.expect("it's there").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let name = path.strip_prefix(docs()).expect("it's below").to_string_lossy().replace('\\', "/");
                pages.push((name, std::fs::read_to_string(&path).expect("it's text")));
            }
        }
    }
    pages.sort();
    assert!(pages.len() > 40, "{}", pages.len());
    pages
}

#[test]
fn every_error_that_is_named_is_one() {
    let code = regex::Regex::new("`(mfp::[a-z-]+::[a-z-]+)`").expect("it's one");
    let pages = pages();
    let errors = &pages.iter().find(|(name, _)| name == "reference/errors.md").expect("it's generated").1;
    let known: BTreeSet<&str> = code.captures_iter(errors).map(|found| found.extract::<1>().1[0]).collect();
    for (name, text) in pages.iter().filter(|(name, _)| name.starts_with("guide/")) {
        for found in code.captures_iter(text) {
            let [named] = found.extract().1;
            assert!(known.contains(named), "{name} names `{named}`");
        }
    }
}

#[test]
fn every_page_of_the_guide_is_in_the_summary() {
    let pages = pages();
    let summary = &pages.iter().find(|(name, _)| name == "SUMMARY.md").expect("it's there").1;
    for (name, _) in pages.iter().filter(|(name, _)| name.starts_with("guide/")) {
        assert!(summary.contains(&format!("]({name})")), "{name} isn't in SUMMARY.md");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let link = regex::Regex::new(r"\]\(([^)#: ]+\.md)(#[^) ]+)?\)").expect("it's one");
    let pages = pages();
    for (name, text) in &pages {
        for found in link.captures_iter(text) {
            let target = docs().join(name).parent().expect("a page is in a folder").join(&found[1]);
            let there = std::fs::read_to_string(&target);
            assert!(there.is_ok(), "{name} links to {}", &found[1]);
            if let (Some(anchor), Ok(text)) = (found.get(2), there) {
                let anchors: Vec<String> = text.lines().filter(|line| line.starts_with('#')).map(anchor_of).collect();
                assert!(
                    anchors.contains(&anchor.as_str()[1..].to_owned()),
                    "{name} links to {}{}: {anchors:?}",
                    &found[1],
                    anchor.as_str()
                );
            }
        }
    }
}

/// As mdbook makes it of a heading.
fn anchor_of(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}
