//! Where do an archive's files go? Into one staging folder, hashed and counted on the way, each written once.
//!
//! The sink never overwrites, never follows a link (what it writes into was made by itself a moment ago) and never writes
//! more than the limits. Which files are the root's is known only at the end, when it's clear whether all of them are below one
//! common folder.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use mfp_model::content::{FileEntry, Listing, ListingError, MANIFEST_FILE, PackagePath, SIGNATURE_FILE};
use mfp_model::digest::FileDigest;

use super::error::{ArchiveClass, ArchiveError};
use super::names::Names;
use super::{MAX_ENTRIES, MAX_FILE_BYTES, MAX_MANIFEST_BYTES, MAX_SIGNATURE_BYTES, MAX_UNPACKED_BYTES};
use crate::error::Result;
use crate::fs::At;
use crate::os;

/// Fills a buffer with the next bytes of a file; 0 at its end.
pub(crate) type Pull<'p> = dyn FnMut(&mut [u8]) -> Result<usize> + 'p;

/// What came out of an archive or a folder.
#[derive(Debug)]
pub(crate) struct Unpacked {
    pub(crate) listing: Listing,
    /// `plugin.yaml`, unless it's missing or larger than [`MAX_MANIFEST_BYTES`].
    pub(crate) manifest: Option<Vec<u8>>,
    pub(crate) signature: Option<String>,
}

/// A file of the root, or of the folder that may turn out to be the root, that's kept in memory as well. Once the root itself
/// has one, no folder is the root any more.
#[derive(Debug, Default)]
enum Kept {
    #[default]
    None,
    /// Its path and bytes.
    Bytes(String, Vec<u8>),
    /// Its path; it has more bytes than are kept.
    TooLarge(String),
}

impl Kept {
    /// Is it certain by now that this is the root's?
    fn is_the_roots(&self) -> bool {
        matches!(self, Self::Bytes(path, _) | Self::TooLarge(path) if !path.contains('/'))
    }

    /// It, if it's the file with this name in this root.
    fn of_root(self, root: &str, name: &str) -> Self {
        match &self {
            Self::Bytes(path, _) | Self::TooLarge(path) if path.strip_prefix(root) == Some(name) => self,
            _ => Self::None,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Sink {
    folder: PathBuf,
    names: Names,
    made: BTreeSet<String>,
    members: u64,
    unpacked: u64,
    files: Vec<(PackagePath, FileEntry)>,
    manifest: Kept,
    signature: Kept,
    buffer: Vec<u8>,
    strips: bool,
}

impl Sink {
    /// A sink into a folder that was just made and is empty. One common leading folder is stripped at the end.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self::make(folder, true)
    }

    /// The same for files whose paths are final.
    pub(crate) fn unstripped(folder: PathBuf) -> Self {
        Self::make(folder, false)
    }

    fn make(folder: PathBuf, strips: bool) -> Self {
        Self {
            folder,
            names: Names::default(),
            made: BTreeSet::new(),
            members: 0,
            unpacked: 0,
            files: Vec::new(),
            manifest: Kept::default(),
            signature: Kept::default(),
            buffer: vec![0; 64 << 10],
            strips,
        }
    }

    /// A member of whatever kind was seen.
    pub(crate) fn count_member(&mut self) -> Result<(), ArchiveError> {
        self.members += 1;
        if self.members > MAX_ENTRIES {
            return Err(ArchiveError::whole(ArchiveClass::Limit, "it has more than 10 000 members"));
        }
        Ok(())
    }

    /// A folder's entry: its name is held to the rules, and no more.
    pub(crate) fn folder(&mut self, raw: &[u8]) -> Result<(), ArchiveError> {
        self.names.folder(raw)
    }

    /// A file's entry: the path that its name means, if it's free.
    pub(crate) fn file(&mut self, raw: &[u8]) -> Result<PackagePath, ArchiveError> {
        self.names.file(raw)
    }

    /// Write a file whose path came from [`Sink::file`], pulling its bytes. Gives its size.
    pub(crate) fn put(&mut self, path: &PackagePath, pull: &mut Pull<'_>) -> Result<u64> {
        let limit = self.keep_limit(path);
        let mut kept = limit.map(|_| Vec::new());
        let target = if path.as_str() == SIGNATURE_FILE { None } else { Some(self.folder.join(path.as_str())) };
        let mut file = match &target {
            Some(target) => {
                self.make_folders(path)?;
                Some((os::create_new(target, 0o444).at("write", target)?, target))
            }
            None => None,
        };
        let mut hasher = blake3::Hasher::new();
        let mut size = 0;
        loop {
            let count = pull(&mut self.buffer)?;
            if count == 0 {
                break;
            }
            let bytes = &self.buffer[..count];
            size += count as u64;
            self.unpacked += count as u64;
            check_size(path, size, self.unpacked)?;
            hasher.update(bytes);
            if let Some((file, target)) = &mut file {
                file.write_all(bytes).at("write", target)?;
            }
            kept = kept.filter(|_| limit.is_some_and(|limit| size <= limit));
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(bytes);
            }
        }
        if limit.is_some() {
            let path_text = path.to_string();
            *self.kept_for(path) = match kept {
                Some(bytes) => Kept::Bytes(path_text, bytes),
                None => Kept::TooLarge(path_text),
            };
        }
        let digest = FileDigest::from_hash(*hasher.finalize().as_bytes());
        self.files.push((path.clone(), FileEntry { digest, size }));
        Ok(size)
    }

    /// How much of this file is kept in memory: something only for the manifest and the signature of the root, or of the
    /// first file's folder.
    fn keep_limit(&self, path: &PackagePath) -> Option<u64> {
        let limit = match path.file_name() {
            MANIFEST_FILE => MAX_MANIFEST_BYTES,
            SIGNATURE_FILE => MAX_SIGNATURE_BYTES,
            _ => return None,
        };
        let mut components = path.components();
        let first = components.next();
        let candidate = match components.count() {
            0 => true,
            1 if self.kept(path).is_the_roots() => false,
            1 => self.files.first().is_none_or(|(other, _)| other.components().next() == first),
            _ => false,
        };
        candidate.then_some(limit)
    }

    fn kept(&self, path: &PackagePath) -> &Kept {
        if path.file_name() == MANIFEST_FILE { &self.manifest } else { &self.signature }
    }

    fn kept_for(&mut self, path: &PackagePath) -> &mut Kept {
        if path.file_name() == MANIFEST_FILE { &mut self.manifest } else { &mut self.signature }
    }

    fn make_folders(&mut self, path: &PackagePath) -> Result<()> {
        for folder in path.ancestors() {
            if !self.made.contains(folder) {
                let target = self.folder.join(folder);
                os::create_dir(&target, 0o755).at("make the folder", &target)?;
                self.made.insert(folder.to_owned());
            }
        }
        Ok(())
    }

    /// All members were seen: strip one common leading folder if there is one, and list the files.
    pub(crate) fn finish(self) -> Result<Unpacked> {
        let root = self.common_folder().filter(|_| self.strips).unwrap_or_default();
        let manifest = match self.manifest.of_root(&root, MANIFEST_FILE) {
            Kept::Bytes(_, bytes) => Some(bytes),
            Kept::None | Kept::TooLarge(_) => None,
        };
        let signature = signature_text(self.signature.of_root(&root, SIGNATURE_FILE))?;
        if !root.is_empty() {
            strip(&self.folder, &root, signature.is_some())?;
        }
        let files = self.files.into_iter().map(|(path, entry)| (below(&path, &root), entry));
        let listing = Listing::new(files).map_err(|error| not_a_listing(&error))?;
        Ok(Unpacked { listing, manifest, signature })
    }

    /// `top/`, if every file is below it.
    fn common_folder(&self) -> Option<String> {
        let (first, _) = self.files.first()?;
        let (top, _) = first.as_str().split_once('/')?;
        let top = format!("{top}/");
        self.files.iter().all(|(path, _)| path.as_str().starts_with(&top)).then_some(top)
    }
}

fn check_size(path: &PackagePath, size: u64, unpacked: u64) -> Result<(), ArchiveError> {
    if size > MAX_FILE_BYTES {
        return Err(ArchiveError::member(ArchiveClass::Limit, path.as_str().as_bytes(), "a file of more than 64 MiB"));
    }
    if unpacked > MAX_UNPACKED_BYTES {
        return Err(ArchiveError::whole(ArchiveClass::Limit, "it unpacks to more than 256 MiB"));
    }
    Ok(())
}

fn signature_text(kept: Kept) -> Result<Option<String>, ArchiveError> {
    let refuse = |class, why| ArchiveError::member(class, SIGNATURE_FILE.as_bytes(), why);
    match kept {
        Kept::None => Ok(None),
        Kept::TooLarge(_) => Err(refuse(ArchiveClass::Limit, "a signature of more than 16 KiB")),
        Kept::Bytes(_, bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|_| refuse(ArchiveClass::Corrupt, "a signature that isn't text"))
        }
    }
}

/// Make `<folder>/<top>` what `<folder>` is, and take the signature out of it.
fn strip(folder: &Path, root: &str, signed: bool) -> Result<()> {
    let wrapped = folder.with_file_name("wrapped");
    std::fs::rename(folder, &wrapped).at("rename", folder)?;
    let top = wrapped.join(root.trim_end_matches('/'));
    std::fs::rename(&top, folder).at("rename", &top)?;
    std::fs::remove_dir(&wrapped).at("delete", &wrapped)?;
    if signed {
        let signature = folder.join(SIGNATURE_FILE);
        std::fs::remove_file(&signature).at("delete", &signature)?;
    }
    Ok(())
}

fn below(path: &PackagePath, root: &str) -> PackagePath {
    match path.as_str().strip_prefix(root) {
        Some(rest) if !root.is_empty() => rest.parse().expect("the rest of a path below its first folder is a path"),
        _ => path.clone(),
    }
}

fn not_a_listing(error: &ListingError) -> ArchiveError {
    let class = match error {
        ListingError::Duplicate(..) => ArchiveClass::Duplicate,
        ListingError::FileAndFolder(..) => ArchiveClass::Name,
        ListingError::Syntax(_) => ArchiveClass::Corrupt,
    };
    ArchiveError::whole(class, error.to_string())
}
