//! A package whose bytes are on this disk but have no name yet: unpacked, hashed, in a folder that's gone when it's dropped.

use std::fs::Metadata;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mfp_model::content::{FileEntry, Listing, PackagePath, content_of};
use mfp_model::digest::{ContentDigest, FileDigest, Sha256};

use crate::error::{Result, StoreError};
use crate::file_lock::FileLock;
use crate::fs::At;
use crate::os;
use crate::unpack::{ArchiveFormat, Unpacked, sanitised};

/// The folder of a staged or stored object that holds the package set.
pub(crate) const FILES: &str = "files";
/// The file of a staged or stored object that holds the listing.
pub(crate) const LISTING: &str = "listing";

/// An archive as it was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// Its format.
    pub format: ArchiveFormat,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
}

/// A folder below the store's staging that's deleted when this is dropped, and the shared lock that keeps the garbage
/// collector away from it meanwhile.
#[derive(Debug)]
pub(crate) struct Staging {
    folder: tempfile::TempDir,
    _lock: Arc<FileLock>,
}

impl Staging {
    /// Make a folder with a random name. It has the permissions that it will have once it's committed; until then it's below a
    /// folder that's this user's alone.
    pub(crate) fn new(parent: &Path, lock: Arc<FileLock>) -> Result<Self> {
        let folder = os::temporary_dir("", parent, 0o755).at("make a folder in", parent)?;
        os::create_dir(&folder.path().join(FILES), 0o755).at("make a folder in", folder.path())?;
        Ok(Self { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// It was renamed: there's nothing to delete any more.
    pub(crate) fn forget(mut self) {
        self.folder.disable_cleanup(true);
    }
}

/// A staged package. Dropped without being committed, it leaves nothing behind.
#[derive(Debug)]
pub struct Tree {
    pub(crate) staging: Staging,
    listing: Listing,
    listing_text: String,
    content: ContentDigest,
    manifest: Option<Vec<u8>>,
    signature: Option<String>,
    artifact: Option<Artifact>,
}

impl Tree {
    pub(crate) fn new(staging: Staging, unpacked: Unpacked, artifact: Option<Artifact>) -> Self {
        let listing_text = unpacked.listing.to_text();
        Self {
            staging,
            content: content_of(&listing_text),
            listing: unpacked.listing,
            listing_text,
            manifest: unpacked.manifest,
            signature: unpacked.signature,
            artifact,
        }
    }

    /// The files with their digests; computed from the bytes that were written.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    pub(crate) fn listing_text(&self) -> &str {
        &self.listing_text
    }

    /// The digest of the listing: what the package is.
    pub fn content(&self) -> ContentDigest {
        self.content
    }

    /// The bytes of the root's `plugin.yaml`. `None` if there's none, or if it's larger than
    /// [`MAX_MANIFEST_BYTES`](crate::unpack::MAX_MANIFEST_BYTES) (then the listing still has it).
    pub fn manifest(&self) -> Option<&[u8]> {
        self.manifest.as_deref()
    }

    /// The text of the root's `plugin.minisig`, which isn't part of the content.
    pub fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// The archive it came in; `None` for folders, git trees and vendored content.
    pub fn artifact(&self) -> Option<&Artifact> {
        self.artifact.as_ref()
    }

    /// The staged package set, for whatever must look at it before it's committed (a scanner). Nothing may be changed in it.
    pub fn files_path(&self) -> PathBuf {
        self.staging.path().join(FILES)
    }

    /// The bytes of one file, read once and compared with the listing.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        read_listed(&self.files_path(), &self.listing, self.content, path)
    }
}

/// Read a file of a listing into memory and compare that very buffer with the listing.
pub(crate) fn read_listed(files: &Path, listing: &Listing, content: ContentDigest, path: &str) -> Result<Vec<u8>> {
    let Some((path, entry)) = listing.find(path) else {
        return Err(StoreError::NotListed { content, path: sanitised(path.as_bytes()) });
    };
    let mut bytes = Vec::new();
    read_entry(&files.join(path.as_str()), entry, &mut bytes).map_err(|how| damaged(content, path, &how))?;
    Ok(bytes)
}

/// What's in a stored or staged package in the place of a file.
pub(crate) fn damaged(content: ContentDigest, path: &PackagePath, how: &str) -> StoreError {
    StoreError::Damaged { content, what: format!("`{path}` {how}") }
}

/// Fill the buffer with a file and compare it with the listing's entry. Gives what the file was when it was opened.
pub(crate) fn read_entry(path: &Path, entry: &FileEntry, bytes: &mut Vec<u8>) -> Result<Metadata, String> {
    let metadata = fill_sized(path, entry.size, bytes)?;
    check(bytes, entry)?;
    Ok(metadata)
}

fn check(bytes: &[u8], entry: &FileEntry) -> Result<(), String> {
    let found = FileDigest::of(bytes);
    if found == entry.digest { Ok(()) } else { Err(format!("has the BLAKE3 {found}, and it should be {}", entry.digest)) }
}

/// Read a regular file of exactly this size, without following a link. The error ends a sentence that begins with the path.
pub(crate) fn read_sized(path: &Path, size: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    fill_sized(path, size, &mut bytes)?;
    Ok(bytes)
}

/// The same into a buffer that's used again.
fn fill_sized(path: &Path, size: u64, bytes: &mut Vec<u8>) -> Result<Metadata, String> {
    let mut file = os::open_no_follow(path).map_err(|error| {
        if os::is_link_error(&error) { "was replaced by a link".to_owned() } else { format!("can't be opened: {error}") }
    })?;
    let metadata = file.metadata().map_err(|error| format!("can't be looked at: {error}"))?;
    if !metadata.is_file() {
        return Err("isn't a regular file".to_owned());
    }
    if metadata.len() != size {
        return Err(format!("has {} bytes, and it should have {size}", metadata.len()));
    }
    let wanted = usize::try_from(size).map_err(|_| "is too large".to_owned())?;
    // One more than what's expected, so that a file that grew is noticed.
    bytes.resize(wanted + 1, 0);
    let mut read = 0;
    while read < bytes.len() {
        match file.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("can't be read: {error}")),
        }
        // A regular file that gives less than what's asked for is at its end.
        if read == wanted {
            break;
        }
    }
    bytes.truncate(read);
    if read == wanted { Ok(metadata) } else { Err(format!("has no longer the {size} bytes it should have")) }
}
