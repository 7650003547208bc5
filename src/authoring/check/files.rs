//! What there's to say about the plugin's files: which belong to the package, and whether they can.

use std::path::Path;

use jiff::Timestamp;
use mfp_model::content::{MANIFEST_FILE, PackagePath};
use mfp_model::package::select;
use mfp_model::plugin::{EntryError, PluginManifest, Runtime, find_entry};

use super::{Finding, OTHER_MANIFEST_FILE, Seen};
use crate::authoring::secrets::{self, Secret};
use crate::report::size;
use crate::sources::declared::{MAX_FILE_BYTES, list_files};

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

impl Seen<'_> {
    /// Findings, and the code's path if there's code.
    pub(super) fn files(&self) -> (Vec<Finding>, Option<PackagePath>) {
        let files = match list_files(self.root) {
            Ok(files) => files,
            Err(error) => return (vec![Finding::error(error.code(), ".", error.message())], None),
        };
        let mut findings = readme_and_license(&files);
        let named: Vec<PackagePath> = files.iter().filter_map(|file| file.parse().ok()).collect();
        let has_code = self.manifest.runtime == Runtime::Wasm || self.manifest.entry.is_some();
        let code = has_code.then(|| find_entry(self.manifest.entry.as_ref(), &named).cloned());
        // With another name the manifest is found by nobody: it's said already.
        if self.file == MANIFEST_FILE {
            match select(self.manifest, files.iter().map(String::as_str), None) {
                Ok(set) => findings.extend(self.sizes(&set)),
                Err(error) => {
                    let finding = Finding::error(error.code(), ".", error.to_string());
                    let is_built = !matches!(&code, Some(Err(EntryError::NoModule | EntryError::Missing(_))));
                    findings.push(if is_built { finding } else { finding.help("build it: `mfp build`") });
                }
            }
        }
        (findings, code.and_then(Result::ok))
    }

    /// Files that are no regular ones, or too large, and what's too large together.
    fn sizes<'p>(&self, set: impl IntoIterator<Item = &'p PackagePath>) -> Vec<Finding> {
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
}

/// What looks like a secret in a file of the package. The place is told and never shown.
pub(super) fn secrets(root: &Path, manifest: &PluginManifest, now: Timestamp) -> Vec<Finding> {
    let files = list_files(root).unwrap_or_default();
    let set = select(manifest, files.iter().map(String::as_str), None).unwrap_or_default();
    let read = |path: PackagePath| {
        let place = root.join(path.as_str());
        let is_readable = place.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE_BYTES);
        is_readable.then(|| std::fs::read(place).ok()).flatten().map(|bytes| (path, bytes))
    };
    let files: Vec<(PackagePath, Vec<u8>)> = set.into_iter().filter_map(read).collect();
    let finding = |secret: Secret| {
        let line = secret.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Finding::warning("mfp::package::secret", secret.path.as_str(), format!("{line}it looks like {}", secret.what))
            .help("take it out, and change it if it was ever committed; `mfp package` refuses it")
    };
    secrets::find(&files, now).into_iter().map(finding).collect()
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
