//! Every archive of `fixtures/archives`, most of them hostile, as a URL plugin and through a registry whose index line is true
//! about the archive's digest and size, so that only the unpacking can save us. `index.json` there says what must happen.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::network::sha256;
use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry, Run, Server};

#[derive(Debug, Deserialize)]
struct Index {
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Case {
    id: String,
    file: String,
    format: String,
    title: String,
    pub(crate) expect: Expect,
    pub(crate) error_class: Option<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    accept_tree: BTreeMap<String, String>,
    limits: Limits,
}

#[derive(Debug, Deserialize)]
struct Limits {
    wall_s: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expect {
    Accept,
    Reject,
    Either,
}

/// What mfp does where the corpus leaves it to policy. `true`: taken.
const POLICY: [(&str, bool); 20] = [
    ("59592c209320", true),  // a GNU long name is read
    ("a0aded0f3f1f", false), // file type 7 is no regular file
    ("50412ad0fce5", true),  // modes don't count
    ("7ff8147de95a", false), // a tar without its end may have been cut
    ("bd2e5a0954e3", false), // zip bytes behind a .tar.gz name
    ("c9c174538b0a", true),  // a file that's called like somebody's marker is a file
    ("c76ca6df6d58", true),  // and so are .gitattributes and a lock file
    ("d6d431e1f008", true),  // modes don't count in a zip either
    ("ba6e4ea6c95a", true),  // an archive in an archive is a file
    ("94086f16fa2a", false), // yaml deeper than 64
    ("fc395724f6e1", false), // yaml aliases
    ("82d806326988", false), // yaml tags
    ("572ca9517892", false), // a text with escapes in it
    ("beb32b360af7", true),  // `*` is valid, and asks for an approval
    ("999f73af8633", true),  // what a module needs is seen when it's loaded
    ("de58ec32f82b", true),
    ("bfa4d921bf5b", true),
    ("59f74cd5157d", true),
    ("cc271f2d9776", false), // more functions than a plugin may have
    ("127d07d97841", true),
];

pub(crate) fn taken(case: &Case) -> Option<bool> {
    match case.expect {
        Expect::Accept => Some(true),
        Expect::Reject => Some(false),
        Expect::Either => POLICY.iter().find(|(id, _)| *id == case.id).map(|(_, taken)| *taken),
    }
}

fn archives() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/archives")
}

pub(crate) fn cases() -> Vec<Case> {
    let text = std::fs::read(archives().join("index.json")).expect("the corpus is there");
    serde_json::from_slice::<Index>(&text).expect("its index is JSON").cases
}

/// A machine with a synced project, a folder with precious files beside it, and a good plugin to be had.
struct Scene {
    machine: Machine,
    before: BTreeMap<String, Vec<u8>>,
}

impl Scene {
    /// A project that has one plugin already.
    fn new(keeper: &Registry, bad: Option<&Registry>) -> Self {
        let machine = Machine::new();
        let bad = bad.map(|bad| format!("bad = \"{}\"\n", bad.url())).unwrap_or_default();
        machine
            .write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n{bad}\n[plugins]\nkeeper = \"^1\"\n", keeper.url()));
        let run = machine.mfp(["sync"]);
        assert_eq!(run.code, 0, "{}", run.all());
        for (path, text) in [
            ("canary/precious.txt", "precious"),
            ("canary/secret.txt", "secret-0451"),
            ("precious.txt", "precious"),
            ("home/.profile", "precious"),
        ] {
            std::fs::create_dir_all(machine.path(path).parent().expect("a file is in a folder")).expect("a folder can be made");
            std::fs::write(machine.path(path), text).expect("a file can be written");
        }
        let before = Self::files(&machine);
        Self { machine, before }
    }

    /// Every file of the machine, but the cache's.
    fn files(machine: &Machine) -> BTreeMap<String, Vec<u8>> {
        tree(&machine.path("")).into_iter().filter(|(path, _)| !path.starts_with("cache/") && !is_a_lock(path)).collect()
    }

    /// Nothing has changed: not the project, not the store, not what's beside them.
    fn is_untouched(&self) -> Result<(), String> {
        let after = Self::files(&self.machine);
        let changed: Vec<&String> =
            self.before.keys().chain(after.keys()).filter(|path| self.before.get(*path) != after.get(*path)).collect();
        if changed.is_empty() { Ok(()) } else { Err(format!("changed: {changed:?}")) }
    }

    /// Beside the project's plugin folder, its two files and the store, nothing has changed.
    fn is_contained(&self) -> Result<(), String> {
        let outside = |path: &&String| {
            !path.starts_with("project/.mockforge/plugins/")
                && !path.starts_with("store/")
                && !matches!(path.as_str(), "project/plugins.lock" | "project/mockforge-plugins.toml")
        };
        let after = Self::files(&self.machine);
        let changed: Vec<&String> =
            self.before.keys().chain(after.keys()).filter(outside).filter(|path| self.before.get(*path) != after.get(*path)).collect();
        let odd: Vec<String> = odd_files(&self.machine.path(""));
        if changed.is_empty() && odd.is_empty() {
            Ok(())
        } else {
            Err(format!("outside of the plugin folder: {changed:?}; links or special bits: {odd:?}"))
        }
    }
}

/// The files that only hold a lock.
fn is_a_lock(path: &str) -> bool {
    matches!(path, "store/v1/lock" | "project/.mockforge/mfp.lock") || path.starts_with("store/v1/claims/")
}

/// Links, devices, and files with special bits, below a folder.
#[cfg(unix)]
fn odd_files(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::MetadataExt;
    let mut odd = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("it can be listed").flatten() {
            let metadata = entry.path().symlink_metadata().expect("it's there");
            if metadata.is_dir() {
                folders.push(entry.path());
            }
            if !(metadata.is_dir() || metadata.is_file())
                || metadata.mode() & 0o7000 != 0
                || (metadata.is_file() && metadata.mode() & 0o022 != 0)
            {
                odd.push(entry.path().display().to_string());
            }
        }
    }
    odd
}

#[cfg(not(unix))]
fn odd_files(_folder: &Path) -> Vec<String> {
    Vec::new()
}

/// What is printed has no control character and no secret in it, and no panic.
fn is_decent(run: &Run) -> Result<(), String> {
    let text = run.all();
    let raw = text.chars().find(|character| character.is_control() && !matches!(character, '\n' | '\t'));
    match raw {
        Some(raw) => Err(format!("a raw {raw:?} is printed")),
        None if text.contains("secret-0451") => Err("the secret is printed".to_owned()),
        None if run.code == 101 || text.contains("panicked") => Err("it panicked".to_owned()),
        None => Ok(()),
    }
}

/// The codes that a rejection may have: its class's; where the class is a matter of policy too, any about packages.
fn codes(case: &Case) -> Vec<String> {
    match (case.expect, &case.error_class) {
        (Expect::Reject, Some(class)) => vec![format!("mfp::{}", class.replace('/', "::"))],
        _ => ["archive::corrupt", "archive::differential", "archive::special", "manifest::invalid", "wasm::limit"]
            .map(|code| format!("mfp::{code}"))
            .into(),
    }
}

/// Was it rejected with one of these codes, and nothing changed?
fn is_rejected(scene: &Scene, run: &Run, codes: &[String]) -> Result<(), String> {
    is_decent(run)?;
    if run.code == 0 {
        return Err("it was taken".to_owned());
    }
    if !codes.iter().any(|code| code == run.error_code()) {
        return Err(format!("the code is none of {codes:?}"));
    }
    if run.code != 4 {
        return Err("the exit code isn't 4".to_owned());
    }
    scene.is_untouched()
}

/// Was it laid out as exactly this tree (path → SHA-256)?
fn is_laid_out(scene: &Scene, case: &Case, run: &Run) -> Result<(), String> {
    is_decent(run)?;
    if run.code != 0 {
        return Err("it wasn't taken".to_owned());
    }
    let folder = scene.machine.project(".mockforge/plugins/acc-demo");
    let found: BTreeMap<String, String> = tree(&folder).into_iter().map(|(path, bytes)| (path, sha256(&bytes))).collect();
    if case.expect == Expect::Accept && found != case.accept_tree {
        return Err(format!("laid out: {found:?}"));
    }
    if let Some(path) = case.absent.iter().find(|path| found.contains_key(*path)) {
        return Err(format!("{path} was laid out"));
    }
    scene.is_contained()
}

/// A good archive right after: nothing of the bad one is in its way.
fn good_follows(scene: &Scene, server: &Server) -> Result<(), String> {
    let run = scene.machine.mfp(["add", &format!("{}good.tar.gz", server.url())]);
    let there = scene.machine.has(".mockforge/plugins/acc-demo/plugin.wasm") && scene.machine.has(".mockforge/plugins/keeper/plugin.wasm");
    if run.code == 0 && there { Ok(()) } else { Err(format!("a good archive doesn't work afterwards: {}", run.all())) }
}

/// The content digest of an archive, as far as a lenient reader can tell; else any well-formed one.
fn content_of(case: &Case, bytes: &[u8]) -> String {
    let files = match case.format.as_str() {
        "wasm" => Some(vec![("plugin.wasm".to_owned(), bytes.to_vec())]),
        "tar.gz" => lenient_tar(bytes),
        _ => None,
    };
    let mut files = files.unwrap_or_default();
    files.sort();
    let lines: String = files.iter().map(|(path, bytes)| format!("{} {} {path}\n", blake3::hash(bytes).to_hex(), bytes.len())).collect();
    format!("blake3:{}", blake3::hash(format!("mockforge-content/v1\n{lines}").as_bytes()).to_hex())
}

fn lenient_tar(bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes).take(32 << 20));
    let mut files = Vec::new();
    for entry in archive.entries().ok()?.take(100) {
        let mut entry = entry.ok()?;
        if entry.header().entry_type().is_file() {
            let path = entry.path().ok()?.to_str()?.to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).ok()?;
            files.push((path, bytes));
        }
    }
    Some(files)
}

/// A registry with an honest line for this archive.
fn registry_of(case: &Case, bytes: &[u8]) -> Registry {
    let registry = Registry::new();
    let capabilities = if case.title.contains("wildcard star") { serde_json::json!({ "http": ["*"] }) } else { serde_json::json!({}) };
    let line = serde_json::json!({
        "v": 1, "name": "acc-demo", "version": "1.0.0", "types": ["template"], "description": "a plugin for tests", "license": "MIT", "deps": [],
        "file": format!("acc-demo-1.0.0.{}", case.format), "size": bytes.len(), "sha256": sha256(bytes), "content": content_of(case, bytes),
        "published": "2026-01-01T00:00:00Z", "capabilities": capabilities, "yanked": false,
    });
    registry.put(&format!("dl/acc-demo/1.0.0/acc-demo-1.0.0.{}", case.format), bytes);
    registry.put("index/ac/c-/acc-demo", format!("{line}\n").as_bytes());
    registry
}

/// Run every case, a few at once, and collect what went wrong.
fn each(check: impl Fn(&Case, &Server, &Registry) -> Result<(), String> + Sync) {
    let cases = cases();
    assert!(cases.len() > 130, "the corpus is there: {}", cases.len());
    let served = tempfile::tempdir().expect("a temporary folder can be made");
    for case in &cases {
        std::fs::copy(archives().join(&case.file), served.path().join(&case.file)).expect("the archive is there");
    }
    let good = cases.iter().find(|case| case.title == "control plain ustar").expect("it's in the corpus");
    std::fs::copy(archives().join(&good.file), served.path().join("good.tar.gz")).expect("the archive is there");
    let server = Server::over(served.path());
    let keeper = Registry::with([Plugin::new("keeper", "1.0.0")]);
    let root_canary = Path::new("/mfp-canary").exists();

    let (next, wrong) = (Mutex::new(cases.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some(case) = next.lock().expect("no thread panics with it").next() else { return };
                    let begun = Instant::now();
                    let result = check(case, &server, &keeper);
                    let slow = (begun.elapsed() > 3 * Duration::from_secs(case.limits.wall_s))
                        .then(|| Err(format!("it took {:?}", begun.elapsed())));
                    for error in [Some(result), slow].into_iter().flatten().filter_map(Result::err) {
                        wrong
                            .lock()
                            .expect("no thread panics with it")
                            .push(format!("{} ({:?} {:?}, {}): {error}", case.id, case.expect, case.error_class, case.title));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no thread panics with it");
    assert_eq!(root_canary, Path::new("/mfp-canary").exists(), "an archive wrote to the root");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

#[test]
fn the_policy_names_cases_of_the_corpus() {
    let cases = cases();
    for (id, _) in POLICY {
        assert!(cases.iter().any(|case| case.id == id && case.expect == Expect::Either), "{id}");
    }
    let undecided: Vec<&str> = cases.iter().filter(|case| taken(case).is_none()).map(|case| case.title.as_str()).collect();
    assert_eq!(undecided, ["custom section of ansi text as module name"], "taken, like every module that's well-formed");
}

#[test]
fn as_url_plugins() {
    each(|case, server, keeper| {
        let scene = Scene::new(keeper, None);
        let url = format!("{}{}", server.url(), case.file);
        let manifest = scene.machine.read("mockforge-plugins.toml");
        let run = if case.format == "wasm" {
            // A bare module says nothing about itself: the project does.
            scene.machine.write(
                "mockforge-plugins.toml",
                format!("{manifest}acc-demo = {{ url = \"{url}\", types = [\"template\"], version = \"1.0.0\" }}\n"),
            );
            let run = scene.machine.mfp(["sync"]);
            if run.code != 0 {
                scene.machine.write("mockforge-plugins.toml", &manifest);
            }
            run
        } else {
            scene.machine.mfp(["add", &url, "--approve"])
        };
        let shown = |error: String| format!("{error}\n{}", run.all());
        if taken(case).unwrap_or(true) {
            is_laid_out(&scene, case, &run).map_err(shown)
        } else {
            is_rejected(&scene, &run, &codes(case)).map_err(shown)?;
            good_follows(&scene, server)
        }
    });
}

#[test]
fn through_a_registry_that_is_honest_about_the_archive() {
    each(|case, server, keeper| {
        let bytes = std::fs::read(archives().join(&case.file)).expect("the archive is there");
        let registry = registry_of(case, &bytes);
        let scene = Scene::new(keeper, Some(&registry));
        let run = scene.machine.mfp(["add", "acc-demo", "--registry", "bad", "--approve"]);
        let shown = |error: String| format!("{error}\n{}", run.all());
        match (taken(case).unwrap_or(true), case.expect) {
            (true, Expect::Accept) if case.format != "zip" && case.format != "wasm" => is_laid_out(&scene, case, &run).map_err(shown),
            (true, _) => is_decent(&run).and_then(|()| scene.is_contained()).map_err(shown),
            (false, _) => {
                let mut codes = codes(case);
                if !case.error_class.as_deref().unwrap_or_default().starts_with("archive/") {
                    // It's a package, whose content nobody but a reader like ours can know beforehand.
                    codes.extend(["mfp::integrity::content".to_owned(), "mfp::integrity::metadata".to_owned()]);
                }
                // An empty file has no size that a registry could name.
                if bytes.is_empty() {
                    codes.push("mfp::registry::malformed".to_owned());
                }
                is_rejected(&scene, &run, &codes).map_err(shown)?;
                good_follows(&scene, server)
            }
        }
    });
}
