//! What there's to say about the plugin's files: which belong to the package, and whether they can.

use std::collections::BTreeSet;

use jiff::Timestamp;
use mfp_model::content::{MANIFEST_FILE, PackagePath};
use mfp_model::package::select;
use mfp_model::plugin::{EntryError, Runtime, find_entry};

use super::{Finding, OTHER_MANIFEST_FILE, Seen};
use crate::authoring::secrets::{self, Secret};
use crate::report::size;
use crate::sources::declared::{MAX_FILE_BYTES, list_files, read_file};

/// The most that a package may hold when it's unpacked, in bytes.
const MAX_UNPACKED: u64 = 256 << 20;

/// What's said about the manifest's name.
pub(super) fn manifest_name(file: &'static str) -> Vec<Finding> {
    if file == OTHER_MANIFEST_FILE {
        let finding = Finding::error("mfp::manifest::invalid", file, format!("the manifest must be called `{MANIFEST_FILE}`"));
        return vec![finding.help("`mfp validate --fix` renames it")];
    }
    Vec::new()
}

/// What a plugin's folder holds.
#[derive(Default)]
pub(super) struct Files {
    pub(super) findings: Vec<Finding>,
    /// Where the code is, if there's code.
    pub(super) code: Option<PackagePath>,
    /// What belongs to the package.
    pub(super) package: BTreeSet<PackagePath>,
}

impl Seen<'_> {
    /// Everything about the folder's files but what's in them.
    pub(super) fn files(&self) -> Files {
        let files = match list_files(self.root) {
            Ok(files) => files,
            Err(error) => return Files { findings: vec![Finding::error(error.code(), ".", error.message())], ..Files::default() },
        };
        let mut package = BTreeSet::new();
        let mut findings = readme_and_license(&files);
        let named: Vec<PackagePath> = files.iter().filter_map(|file| file.parse().ok()).collect();
        let has_code = self.manifest.runtime == Runtime::Wasm || self.manifest.entry.is_some();
        let code = has_code.then(|| find_entry(self.manifest.entry.as_ref(), &named).cloned());
        // With another name the manifest is found by nobody: it's said already.
        if self.file == MANIFEST_FILE {
            match select(self.manifest, files.iter().map(String::as_str), None) {
                Ok(set) => {
                    findings.extend(self.sizes(&set));
                    package = set;
                }
                Err(error) => {
                    let finding = Finding::error(error.code(), ".", error.to_string());
                    let is_built = !matches!(&code, Some(Err(EntryError::NoModule | EntryError::Missing(_))));
                    findings.push(if is_built { finding } else { finding.help("build it: `mfp build`") });
                }
            }
        }
        Files { findings, code: code.and_then(Result::ok), package }
    }

    /// Files that are no regular ones, or too large, and what's too large together.
    fn sizes(&self, set: &BTreeSet<PackagePath>) -> Vec<Finding> {
        let (mut findings, mut sum) = (Vec::new(), 0_u64);
        for path in set {
            let finding = match self.root.join(path.as_str()).symlink_metadata() {
                Ok(metadata) if !metadata.is_file() => {
                    Finding::error("mfp::package::path", path.as_str(), "it isn't a regular file; a package holds no links and no devices")
                }
                Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
                    let limit = size(MAX_FILE_BYTES);
                    Finding::error(
                        "mfp::package::size",
                        path.as_str(),
                        format!("it has {}; the limit of a file is {limit}", size(metadata.len())),
                    )
                }
                Ok(metadata) => {
                    sum = sum.saturating_add(metadata.len());
                    continue;
                }
                Err(error) => Finding::error("mfp::io::failed", path.as_str(), format!("it can't be read: {error}")),
            };
            findings.push(finding);
        }
        if sum > MAX_UNPACKED {
            let message = format!("the package's files have {} in all; the limit is {}", size(sum), size(MAX_UNPACKED));
            findings.push(Finding::error("mfp::package::size", ".", message));
        }
        findings
    }

    /// What looks like a secret in a file of the package. The place is told and never shown.
    pub(super) fn secrets(&self, package: &BTreeSet<PackagePath>, now: Timestamp) -> Vec<Finding> {
        let finding = |secret: Secret| {
            let line = secret.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            Finding::warning("mfp::package::secret", secret.path.as_str(), format!("{line}it looks like {}", secret.what))
                .help("take it out, and change it if it was ever committed; `mfp package` refuses it")
        };
        let files: Vec<(&PackagePath, Vec<u8>)> = package.iter().filter_map(|path| Some((path, self.read(path)?))).collect();
        secrets::find(files.iter().map(|(path, bytes)| (*path, bytes.as_slice())), now).into_iter().map(finding).collect()
    }

    /// The bytes of a file. One that can't be read, or is too large to be, is told in [`Files`].
    pub(super) fn read(&self, path: &PackagePath) -> Option<Vec<u8>> {
        read_file(&self.root.join(path.as_str())).ok()
    }
}

/// What whoever looks at a plugin reads first.
fn readme_and_license(files: &[String]) -> Vec<Finding> {
    let has = |start: &str| files.iter().any(|file| !file.contains('/') && file.starts_with(start));
    let missing = [("README", "what it does and how it's configured"), ("LICENSE", "the text of its licence")];
    let missing = missing.into_iter().filter(|(start, _)| !has(start));
    missing
        .map(|(start, what)| {
            Finding::warning("mfp::validate::missing", ".", format!("there's no {start}, with {what}"))
                .help(format!("write one: {start}* at the top belongs to the package without being listed"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mfp_model::plugin::PluginManifest;

    use super::*;

    /// Files that each fit, and don't together.
    #[test]
    fn what_is_too_large_together_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let text: Arc<str> =
            "mfp: 1\nplugin: { id: words, version: 1.0.0, types: [template], runtime: remote, include: ['data/*'] }\n".into();
        mfp_store::fs::write_atomic(&folder.path().join(MANIFEST_FILE), text.as_bytes()).unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let manifest = PluginManifest::parse(&text).unwrap();
        let told = |count: u64| {
            for at in 0..count {
                std::fs::File::create(folder.path().join(format!("data/{at}"))).unwrap().set_len(MAX_FILE_BYTES).unwrap();
            }
            let findings = Seen::new(folder.path(), MANIFEST_FILE, &text, &manifest).files().findings;
            findings.iter().filter(|finding| finding.is_error()).map(|finding| finding.code).collect::<Vec<_>>()
        };
        assert_eq!(told(MAX_UNPACKED / MAX_FILE_BYTES - 1), [""; 0]);
        assert_eq!(told(MAX_UNPACKED / MAX_FILE_BYTES), ["mfp::package::size"], "the manifest is one more");
    }
}
