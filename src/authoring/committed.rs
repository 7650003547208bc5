//! Is what's packed what's committed? The digests of the folder's files against those of the last commit's tree.
//!
//! A git source installs the tree as it is, so a package is the same plugin only if both have one content. git's own idea of a
//! clean work tree isn't asked: line endings, filters and ignored files make it say yes where the bytes differ.

use std::path::Path;

use mfp_model::content::{Listing, MANIFEST_FILE};
use mfp_model::digest::FileDigest;
use mfp_model::package::select;
use mfp_model::plugin::PluginManifest;

use crate::error::Result;
use crate::report::clean;
use crate::vcs::{Commit, Repository};

/// What git knows of a plugin's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Committed {
    /// The folder is in no repository.
    NoRepository,
    /// There's a repository without a commit.
    NoCommit,
    /// The files of the package against this commit: what differs, a sentence each.
    Compared { commit: String, differences: Vec<String> },
}

/// Compare a plugin's files with the last commit.
pub(crate) fn compare(root: &Path, listing: &Listing) -> Result<Committed> {
    let Some(repository) = Repository::around(root)? else { return Ok(Committed::NoRepository) };
    let Some(commit) = repository.head()? else { return Ok(Committed::NoCommit) };
    Ok(Committed::Compared { commit: commit.hex(), differences: differences(&repository, commit, listing)? })
}

fn differences(repository: &Repository, commit: Commit, listing: &Listing) -> Result<Vec<String>> {
    let committed = repository.files_below(commit)?;
    let mut differences = Vec::new();
    for (path, entry) in listing.iter() {
        let why = match committed.get(path.as_str()) {
            None => "isn't committed",
            Some(None) => "is a link in the last commit",
            Some(Some(id)) if FileDigest::of(&repository.blob(*id, path.as_str())?) != entry.digest => "differs from the last commit",
            Some(Some(_)) => continue,
        };
        differences.push(format!("{path} {why}"));
    }
    // What belongs to the committed plugin, by its own manifest, and isn't here any more.
    let manifest = match committed.get(MANIFEST_FILE) {
        Some(Some(id)) => PluginManifest::from_bytes(&repository.blob(*id, MANIFEST_FILE)?).ok(),
        _ => None,
    };
    let set = manifest.and_then(|manifest| select(&manifest, committed.keys().map(String::as_str), None).ok());
    let gone = set.iter().flatten().filter(|path| listing.get(path.as_str()).is_none());
    differences.extend(gone.map(|path| format!("{} is in the last commit, and not in the package", clean(path.as_str()))));
    Ok(differences)
}
