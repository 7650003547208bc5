//! The hostile archives of `fixtures/archives`, each with the outcome that its index says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mfp_store::ArchiveFormat;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{Fixture, code, snapshot};

/// What's decided where the corpus leaves it open (`either`), for what's about the archive itself.
const DECIDED: [(&str, &str); 9] = [
    ("59592c209320", "accepted"),              // a GNU long name is read
    ("a0aded0f3f1f", "mfp::archive::special"), // a contiguous file is no regular file
    ("50412ad0fce5", "accepted"),              // modes don't count: every file is 0444
    ("7ff8147de95a", "mfp::archive::corrupt"), // without its end a tar may be cut
    ("bd2e5a0954e3", "mfp::archive::corrupt"), // a name is a promise: a zip isn't a .tar.gz
    ("c9c174538b0a", "accepted"),              // a file like any other: nothing here believes in markers
    ("c76ca6df6d58", "accepted"),              // likewise .git and plugins.lock
    ("d6d431e1f008", "accepted"),              // modes don't count
    ("ba6e4ea6c95a", "accepted"),              // a zip in a zip is a file
];

struct Case {
    id: String,
    path: PathBuf,
    format: ArchiveFormat,
    expect: String,
    class: Option<String>,
    tree: BTreeMap<String, String>,
    absent: Vec<String>,
    wall: Duration,
    disk: u64,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/archives");
    let index: Value = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let case = |case: &Value| {
        let file = text(&case["file"]);
        let tree = case["accept_tree"].as_object().into_iter().flatten().map(|(path, digest)| (path.clone(), text(digest)));
        Case {
            id: text(&case["id"]),
            format: ArchiveFormat::from_file_name(&file).unwrap(),
            path: folder.join(file),
            expect: text(&case["expect"]),
            class: case["error_class"].as_str().map(str::to_owned),
            tree: tree.collect(),
            absent: case["absent"].as_array().into_iter().flatten().map(text).collect(),
            wall: Duration::from_secs(case["limits"]["wall_s"].as_u64().unwrap()),
            disk: case["limits"]["disk_mib"].as_u64().unwrap() << 20,
        }
    };
    index["cases"].as_array().unwrap().iter().map(case).collect()
}

impl Case {
    /// The outcome that unpacking must have; `None` where the archive is fine or not, and only its plugin is bad.
    fn wanted(&self) -> Option<String> {
        if let Some((_, decided)) = DECIDED.iter().find(|(id, _)| *id == self.id) {
            assert_eq!(self.expect, "either", "{}", self.id);
            return Some((*decided).to_owned());
        }
        match self.expect.as_str() {
            "accept" => Some("accepted".to_owned()),
            _ => {
                self.class.as_ref().filter(|class| class.starts_with("archive/")).map(|class| format!("mfp::{}", class.replace('/', "::")))
            }
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    mfp_model::digest::Sha256::from_hash(Sha256::digest(bytes).into()).hex()
}

/// Unpack it in a store of its own, and look at everything that could have gone wrong.
fn run(case: &Case) -> &'static str {
    let fixture = Fixture::new();
    let canary = fixture.path("canary");
    std::fs::create_dir(&canary).unwrap();
    std::fs::write(canary.join("precious.txt"), "precious").unwrap();
    let outside = |root: &Path| snapshot(root).into_iter().filter(|(path, _)| !path.starts_with("store/")).collect::<Vec<_>>();
    let before = outside(fixture.folder.path());

    let begun = Instant::now();
    let (result, most) = watched(&fixture.root.join("v1/staging"), || {
        fixture.store.ingest_archive(std::fs::File::open(&case.path).unwrap(), case.format, &mfp_store::Expected::FirstSight)
    });
    assert!(begun.elapsed() < case.wall, "{}: took {:?}", case.id, begun.elapsed());
    assert!(most <= case.disk, "{}: wrote {most} bytes", case.id);

    if let Err(error) = &result {
        let message = error.to_string();
        assert!(!message.chars().any(mfp_model::text::is_control_or_bidi), "{}: {message:?}", case.id);
        assert_eq!(error.exit_code(), 4, "{}", case.id);
        assert_eq!(fixture.traces(), Vec::<PathBuf>::new(), "{}", case.id);
    }
    if let Ok(tree) = &result {
        let files = snapshot(&tree.files_path());
        assert!(!files.keys().any(|path| path.ends_with('@')), "{}: a link", case.id);
        let found: BTreeMap<_, _> =
            files.iter().filter(|(path, _)| !path.ends_with('/')).map(|(path, bytes)| (path.clone(), sha256(bytes))).collect();
        assert!(tree.listing().iter().map(|(path, _)| path.as_str()).eq(found.keys().map(String::as_str)), "{}", case.id);
        assert!(case.tree.is_empty() || case.tree == found, "{}: {found:?}", case.id);
        assert!(!case.absent.iter().any(|path| found.contains_key(path)), "{}: {found:?}", case.id);
        check_modes(&tree.files_path());
    }
    let outcome = code(result);
    assert_eq!(outside(fixture.folder.path()), before, "{}", case.id);
    outcome
}

#[cfg(unix)]
fn check_modes(files: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for path in snapshot(files).keys().filter(|path| !path.ends_with('/')) {
        let mode = files.join(path).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o7777 & !0o444, 0, "{path}: {mode:o}");
    }
}

#[cfg(not(unix))]
fn check_modes(_: &Path) {}

/// Do something, and watch how many bytes a folder has meanwhile.
fn watched<T>(folder: &Path, action: impl FnOnce() -> T) -> (T, u64) {
    fn bytes(folder: &Path) -> u64 {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| if entry.path().is_dir() { bytes(&entry.path()) } else { entry.metadata().map_or(0, |data| data.len()) }).sum()
    }
    let (done, most) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                most.fetch_max(bytes(folder), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let result = action();
        done.store(true, Ordering::Relaxed);
        result
    });
    (result, most.into_inner())
}

#[test]
fn every_archive_of_the_corpus_has_its_outcome() {
    let root = Path::new("/mfp-canary");
    let before = root.exists().then(|| snapshot(root));
    let mut wrong = Vec::new();
    for case in cases() {
        let outcome = run(&case);
        if let Some(wanted) = case.wanted().filter(|wanted| wanted != outcome) {
            wrong.push(format!("{}: {outcome}, and it should be {wanted}", case.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(root.exists().then(|| snapshot(root)), before);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kilobytes < 256 << 10, "the corpus took {kilobytes} kB of memory");
    }
}

#[test]
fn every_open_case_about_archives_is_decided() {
    for case in cases().iter().filter(|case| case.expect == "either") {
        let about_archives = case.class.as_ref().is_none_or(|class| class.starts_with("archive/"));
        assert_eq!(about_archives, DECIDED.iter().any(|(id, _)| *id == case.id), "{}", case.id);
    }
}
