//! A machine for one test: its own HOME, store, cache and project; nothing of the real one leaks in.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::canary;

/// A machine with a project in it.
#[derive(Debug)]
pub(crate) struct Machine {
    root: TempDir,
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Machine {
    /// An empty machine.
    pub(crate) fn new() -> Self {
        let machine = Self { root: TempDir::with_prefix("mfp-test-").expect("a temporary folder can be made") };
        for folder in ["home", "project"] {
            std::fs::create_dir(machine.path(folder)).expect("a folder can be made in it");
        }
        canary::plant(&machine.path("home"));
        machine
    }

    /// A machine whose project has this manifest, with `{registry}` replaced by a registry's URL.
    pub(crate) fn with_manifest(registry: &super::Registry, plugins: &str) -> Self {
        let machine = Self::new();
        machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n\n{plugins}", registry.url()));
        machine
    }

    /// A path on the machine.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join(relative)
    }

    /// A path in the project.
    pub(crate) fn project(&self, relative: &str) -> PathBuf {
        self.path("project").join(relative)
    }

    /// Write a file of the project.
    pub(crate) fn write(&self, relative: &str, text: impl AsRef<[u8]>) {
        let path = self.project(relative);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        std::fs::write(path, text).expect("a file can be written");
    }

    /// Read a file of the project.
    pub(crate) fn read(&self, relative: &str) -> String {
        std::fs::read_to_string(self.project(relative)).unwrap_or_else(|error| panic!("{relative}: {error}"))
    }

    /// Is it there?
    pub(crate) fn has(&self, relative: &str) -> bool {
        self.project(relative).exists()
    }

    /// The manifest and the lock as they are: for "no file has changed".
    pub(crate) fn files(&self) -> (String, Option<String>) {
        (self.read("mockforge-plugins.toml"), std::fs::read_to_string(self.project("plugins.lock")).ok())
    }

    /// The command, ready to be given arguments: this machine's environment and nothing else.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mfp"));
        command
            .env_clear()
            .envs(canary::variables())
            .env("HOME", self.path("home"))
            .env("MFP_STORE_DIR", self.path("store"))
            .env("MFP_CACHE_DIR", self.path("cache"))
            .current_dir(self.path("project"))
            .stdin(Stdio::null());
        command
    }

    /// Run mfp with these arguments.
    #[must_use]
    pub(crate) fn mfp<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        self.run(self.command().args(arguments))
    }

    /// Run mfp, which must succeed.
    pub(crate) fn ok<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        let run = self.mfp(arguments);
        assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
        run
    }

    /// Run a prepared command.
    #[must_use]
    pub(crate) fn run(&self, command: &mut Command) -> Run {
        let output = command.output().expect("mfp can be started");
        for stream in [&output.stdout, &output.stderr] {
            canary::not_printed(&String::from_utf8_lossy(stream));
        }
        canary::not_committed(&self.path("project"));
        let text = |bytes: Vec<u8>| self.plain(&String::from_utf8(bytes).expect("mfp writes UTF-8"));
        Run { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The same text on every machine: paths, times and ports by name.
    fn plain(&self, text: &str) -> String {
        let root = self.root.path().canonicalize().expect("the folder is there");
        let text = text.replace(&root.display().to_string(), "[ROOT]").replace(&self.root.path().display().to_string(), "[ROOT]");
        let words = text.split_inclusive([' ', '\n', ')']).map(|word| {
            let bare = word.trim_end_matches([' ', '\n', ')']);
            let is_time = bare
                .strip_suffix("ms")
                .or_else(|| bare.strip_suffix('s'))
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
            if is_time { word.replacen(bare, "[TIME]", 1) } else { word.to_owned() }
        });
        without_registry_names(&words.collect::<String>())
    }
}

impl Drop for Machine {
    /// Nothing secret is left on it. A second panic would hide the first, so a failing test isn't searched.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let folders = ["project", "store", "cache"].map(|folder| self.path(folder));
            if let Err(found) = canary::not_kept(&folders.each_ref().map(PathBuf::as_path)) {
                panic!("{found}");
            }
        }
    }
}

/// A registry's folder has another name each time.
fn without_registry_names(text: &str) -> String {
    let mut parts = text.split("/tmp/mfp-registry-");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str("[REGISTRY]");
        plain.push_str(part.trim_start_matches(|character: char| character.is_ascii_alphanumeric()));
    }
    plain
}

impl Run {
    /// Everything in one text, for snapshots.
    pub(crate) fn all(&self) -> String {
        format!("exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }

    /// The document on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// The error's code, from `error[code]: …`.
    pub(crate) fn error_code(&self) -> &str {
        self.stderr.split("error[").nth(1).and_then(|rest| rest.split(']').next()).unwrap_or("none")
    }

    /// It must have ended with this code, for this reason.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, error: &str) {
        assert_eq!((self.code, self.error_code()), (code, error), "{}", self.all());
    }
}

/// Every file below a folder with its bytes, by relative path.
pub(crate) fn tree(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                let name = path.strip_prefix(folder).expect("it's below").display().to_string();
                files.insert(name, std::fs::read(&path).expect("a file can be read"));
            }
        }
    }
    files
}
