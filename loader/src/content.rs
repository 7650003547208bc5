//! Where do a plugin's bytes come from, and are they the locked ones?
//!
//! The chain is lock → content digest → listing → file. A file is read once into memory, and that buffer is what's
//! hashed and what's used: nobody can change it between the check and the use.

use std::io;

use mfp_model::content::{FileEntry, Listing, PackagePath};
use mfp_model::digest::{ContentDigest, FileDigest};

/// A plugin's content as something keeps it. What it gives is believed by nobody: all of it is checked here.
pub trait Content: Send + Sync {
    /// The content digest *of the lock*.
    fn digest(&self) -> ContentDigest;

    /// The listing that's kept with the files.
    fn listing(&self) -> &Listing;

    /// All bytes of a file. An implementation should stop reading after the listed size and one byte. One that checks them
    /// itself says [`io::ErrorKind::InvalidData`] if they aren't the listed ones.
    fn read(&self, path: &PackagePath) -> io::Result<Vec<u8>>;
}

/// Why a file's bytes can't be had.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It couldn't be read.
    Io(io::Error),
    /// Its bytes aren't the listed ones.
    Changed,
}

/// A file's bytes, checked against the listing's entry.
pub(crate) fn read_verified(content: &dyn Content, path: &PackagePath, entry: FileEntry) -> Result<Vec<u8>, ReadError> {
    let bytes = content.read(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => ReadError::Changed,
        _ => ReadError::Io(error),
    })?;
    if bytes.len() as u64 == entry.size && FileDigest::of(&bytes) == entry.digest { Ok(bytes) } else { Err(ReadError::Changed) }
}
