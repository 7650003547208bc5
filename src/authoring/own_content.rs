//! What does the sandbox get of a plugin that's worked on? Bytes in memory, with the listing that's true of them now.
//!
//! There's no lock that says what they should be: they're the author's own, and hashed as they're read.

use std::collections::BTreeMap;
use std::io;

use mfp_loader::Content;
use mfp_model::content::{FileEntry, Listing, PackagePath};
use mfp_model::digest::{ContentDigest, FileDigest};

use crate::error::Result;
use crate::explain;
use crate::sources::declared::Folder;

/// A plugin's files, or some of them.
#[derive(Debug, Clone)]
pub(crate) struct OwnContent {
    listing: Listing,
    files: BTreeMap<PackagePath, Vec<u8>>,
}

impl OwnContent {
    /// A module by itself.
    pub(crate) fn only(path: PackagePath, bytes: Vec<u8>) -> Self {
        Self::new(BTreeMap::from([(path, bytes)]), "one file can't collide")
    }

    /// The package as it would be made now.
    pub(crate) fn of(folder: &Folder) -> Result<Self> {
        let mut files = BTreeMap::new();
        for (path, place) in &folder.files {
            let bytes = std::fs::read(place).map_err(|error| explain::io("read", place, &error))?;
            files.insert(path.clone(), bytes);
        }
        Ok(Self::new(files, "the folder's listing was made of the same paths"))
    }

    /// Files that were read already.
    pub(crate) fn read(files: impl IntoIterator<Item = (PackagePath, Vec<u8>)>) -> Self {
        Self::new(files.into_iter().collect(), "a package's paths stand side by side")
    }

    fn new(files: BTreeMap<PackagePath, Vec<u8>>, why: &str) -> Self {
        let entry = |bytes: &Vec<u8>| FileEntry { digest: FileDigest::of(bytes), size: bytes.len() as u64 };
        let listing = Listing::new(files.iter().map(|(path, bytes)| (path.clone(), entry(bytes)))).expect(why);
        Self { listing, files }
    }

    /// The files' names.
    pub(crate) fn listing(&self) -> &Listing {
        &self.listing
    }
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
