//! Does the language's own project file say the same? A version that's raised in one file and not in the other is published by neither.

use std::path::Path;

use toml_edit::DocumentMut;

use super::{Finding, Seen};

/// The most that's read of a project file, in bytes; a larger one says nothing.
const MAX_BYTES: u64 = 1 << 20;

/// A file that a language's tools have, with a version in it.
struct ProjectFile {
    name: &'static str,
    version: fn(&str) -> Option<String>,
    help: &'static str,
}

/// In the order in which a plugin's language is told by them.
const FILES: [ProjectFile; 3] = [
    ProjectFile {
        name: "Cargo.toml",
        version: |text| in_toml(text, "package"),
        help: "the SDK writes plugin.yaml from the code: `MOCKFORGE_ACCEPT=1 cargo test`, then `mfp build`; or write the same version in both",
    },
    ProjectFile { name: "package.json", version: in_json, help: "write the same version in both, then `mfp build`" },
    ProjectFile {
        name: "pyproject.toml",
        version: |text| in_toml(text, "project"),
        help: "write the same version in both, then `mfp build`",
    },
];

impl Seen<'_> {
    /// Another version in the first project file that's there. One that states none, or takes it from somewhere else, agrees.
    pub(super) fn project_file(&self) -> Option<Finding> {
        let (file, text) = FILES.iter().find_map(|file| Some((file, read(&self.root.join(file.name))?)))?;
        let stated = (file.version)(&text)?;
        let version = self.manifest.version.to_string();
        let message = format!("this says version {version}, and {} says {stated}", file.name);
        let finding = Finding::warning("mfp::validate::disagrees", self.file, message).help(file.help);
        (stated != version).then(|| self.at_key(finding, "version"))
    }
}

fn read(path: &Path) -> Option<String> {
    let is_readable = path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_BYTES);
    is_readable.then(|| std::fs::read_to_string(path).ok()).flatten()
}

fn in_toml(text: &str, table: &str) -> Option<String> {
    let document: DocumentMut = text.parse().ok()?;
    document.get(table)?.get("version")?.as_str().map(str::to_owned)
}

fn in_json(text: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    document.get("version")?.as_str().map(str::to_owned)
}
