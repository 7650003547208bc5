//! What the fuzzer knows: every input of `fuzz/corpus` keeps the properties that the fuzzer looks for, quickly.

#[expect(unreachable_pub, reason = "the fuzzer's crate shows them, this one has them for itself")]
#[path = "../fuzz/src/properties.rs"]
mod properties;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The committed inputs of a property.
pub(crate) fn corpus(property: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(property);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

/// The properties' names, each with how many inputs it has.
pub(crate) fn counts() -> Vec<(&'static str, usize)> {
    properties::PROPERTIES.iter().map(|(name, _)| (*name, corpus(name).len())).collect()
}

#[test]
fn every_input_of_the_corpus_keeps_its_property() {
    for (name, property) in properties::PROPERTIES {
        let files = corpus(name);
        assert!(files.len() > 5, "{name} has seeds");
        for file in files {
            let bytes = std::fs::read(&file).expect("it can be read");
            let begun = Instant::now();
            let kept = std::panic::catch_unwind(|| property(&bytes));
            assert!(kept.is_ok(), "{} breaks the property `{name}`", file.display());
            assert!(begun.elapsed() < Duration::from_secs(10), "{} takes {:?}", file.display(), begun.elapsed());
        }
    }
}

#[test]
fn every_property_has_its_target_and_its_turn() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("it's there");
    let (manifest, weekly) = (read("fuzz/Cargo.toml"), read(".github/workflows/fuzz.yml"));
    for (name, _) in properties::PROPERTIES {
        assert!(manifest.contains(&format!("name = \"{name}\"")) && weekly.contains(name), "{name}");
        assert!(read(&format!("fuzz/fuzz_targets/{name}.rs")).contains(&format!("properties::{name}")), "{name}");
    }
}
