//! Are the laid-out plugins, byte for byte, what the record says they are? Everything is read and hashed.

use std::path::Path;

use mfp_model::content::{FileEntry, Listing, PackagePath};
use mfp_model::digest::FileDigest;
use mfp_model::name::PluginName;

use super::record::LaidOut;
use super::{Layout, UsedMode};
use crate::error::Result;
use crate::store::Store;
use crate::walk;

/// What's wrong with a laid-out file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// It isn't there.
    Missing,
    /// Its bytes are others, or it's no longer a regular file.
    Changed,
    /// It's in a plugin's folder and isn't the plugin's.
    Extra,
}

/// A finding of [`Layout::check`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayoutProblem {
    /// The plugin, as the project calls it.
    pub plugin: PluginName,
    /// The file within the plugin's folder; `None` if it can only be said that the plugin as a whole is another.
    pub path: Option<String>,
    /// What's wrong.
    pub kind: ProblemKind,
}

impl Layout {
    /// Hash every laid-out file. Which file is wrong is known from the store's listing; if the store doesn't have the plugin, a
    /// wrong plugin is reported as a whole.
    pub fn check(&self, store: &Store) -> Result<Vec<LayoutProblem>> {
        let mut problems = Vec::new();
        for (name, laid_out) in &self.plugins {
            let folder = self.folder.join(name.as_str());
            let mut report = |path: Option<String>, kind| problems.push(LayoutProblem { plugin: name.clone(), path, kind });
            if !walk::is_real_folder(&folder)? {
                report(None, ProblemKind::Missing);
                continue;
            }
            match store.get(&laid_out.content).ok().flatten() {
                Some(stored) => check_files(&folder, laid_out, stored.listing(), &mut report),
                None => check_whole(&folder, laid_out, &mut report),
            }
            for extra in walk::extras(&folder, laid_out.paths())? {
                let relative = extra.strip_prefix(&folder).unwrap_or(&extra);
                report(Some(relative.to_string_lossy().into_owned()), ProblemKind::Extra);
            }
        }
        problems.sort();
        Ok(problems)
    }
}

type Report<'r> = &'r mut dyn FnMut(Option<String>, ProblemKind);

fn check_files(folder: &Path, laid_out: &LaidOut, listing: &Listing, report: Report<'_>) {
    for (path, entry) in listing.iter() {
        match hash(folder, path, laid_out.mode) {
            Some(found) if found == *entry => (),
            Some(_) => report(Some(path.to_string()), ProblemKind::Changed),
            None => report(Some(path.to_string()), missing_or_changed(folder, path)),
        }
    }
}

fn check_whole(folder: &Path, laid_out: &LaidOut, report: Report<'_>) {
    let mut files = Vec::new();
    for path in laid_out.paths() {
        match hash(folder, path, laid_out.mode) {
            Some(found) => files.push((path.clone(), found)),
            None => return report(Some(path.to_string()), missing_or_changed(folder, path)),
        }
    }
    if Listing::new(files).map(|listing| listing.content()) != Ok(laid_out.content) {
        report(None, ProblemKind::Changed);
    }
}

fn missing_or_changed(folder: &Path, path: &PackagePath) -> ProblemKind {
    if folder.join(path.as_str()).symlink_metadata().is_ok() { ProblemKind::Changed } else { ProblemKind::Missing }
}

/// Size and digest of a laid-out file; `None` if it can't be read as a regular file.
fn hash(folder: &Path, path: &PackagePath, mode: UsedMode) -> Option<FileEntry> {
    let target = folder.join(path.as_str());
    let is_allowed = |metadata: std::fs::Metadata| metadata.is_file() || (mode == UsedMode::Symlink && metadata.is_symlink());
    if !target.symlink_metadata().is_ok_and(is_allowed) || !target.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return None;
    }
    let bytes = std::fs::read(target).ok()?;
    Some(FileEntry { digest: FileDigest::of(&bytes), size: bytes.len() as u64 })
}
