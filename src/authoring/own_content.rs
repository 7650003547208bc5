//! What does the sandbox get of a plugin that's worked on, and what's packed of it? Bytes in memory, with the listing that's true of them.
//!
//! There's no lock that says what they should be: they're the author's own, and hashed as they're read, once. Whoever has these bytes
//! has looked at, packed and run the same ones, whatever the folder holds a moment later.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use mfp_loader::Content;
use mfp_model::content::{FileEntry, Listing, PackagePath};
use mfp_model::digest::{ContentDigest, FileDigest};
use mfp_store::Tree;

use crate::error::Result;
use crate::explain;
use crate::sources::declared::{listed, read_file};

/// A plugin's files, or some of them.
#[derive(Debug, Clone)]
pub(crate) struct OwnContent {
    listing: Listing,
    files: BTreeMap<PackagePath, Vec<u8>>,
}

impl OwnContent {
    /// A module by itself.
    pub(crate) fn only(path: PackagePath, bytes: Vec<u8>) -> Self {
        let listing = Listing::new([(path.clone(), entry(&bytes))]).expect("one file can't collide");
        Self { listing, files: BTreeMap::from([(path, bytes)]) }
    }

    /// Files of this disk.
    pub(crate) fn read(files: Vec<(PackagePath, PathBuf)>) -> Result<Self> {
        let files = files.into_iter().map(|(path, place)| Ok((path, read_file(&place)?))).collect::<Result<BTreeMap<_, _>>>()?;
        Ok(Self { listing: listed(files.iter().map(|(path, bytes)| (path.clone(), entry(bytes))))?, files })
    }

    /// What was unpacked, and verified.
    pub(crate) fn of_tree(tree: &Tree) -> Result<Self> {
        let read = |path: &PackagePath| Ok((path.clone(), tree.read(path.as_str()).map_err(explain::store)?));
        let files = tree.listing().iter().map(|(path, _)| read(path)).collect::<Result<_>>()?;
        Ok(Self { listing: tree.listing().clone(), files })
    }

    /// The files' names and digests.
    pub(crate) fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The files, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&PackagePath, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path, bytes.as_slice()))
    }

    /// The bytes of one.
    pub(crate) fn file(&self, path: &PackagePath) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }
}

fn entry(bytes: &[u8]) -> FileEntry {
    FileEntry { digest: FileDigest::of(bytes), size: bytes.len() as u64 }
}

impl Content for OwnContent {
    fn digest(&self) -> ContentDigest {
        self.listing.content()
    }

    fn listing(&self) -> &Listing {
        &self.listing
    }

    fn read(&self, path: &PackagePath) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
