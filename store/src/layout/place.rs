//! How does one file get from the store into a plugin's folder? Cloned, hard-linked, copied or linked to.
//!
//! `auto` tries the cheapest first and falls back file by file without a word; the other modes do what they say or fail. What
//! failed for good (no clones between these two places) isn't tried again for the next file. Whatever the way, the bytes
//! in the store were compared with the listing just before, or were written by this process.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::str::FromStr;

use mfp_model::content::{FileEntry, PackagePath};
use serde::{Deserialize, Serialize};

use super::record::Stamp;
use crate::error::{Result, StoreError};
use crate::fs::{At, IoError};
use crate::os;
use crate::store::Stored;

/// How files should get from the store into the plugin folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LinkMode {
    /// Clone if that's possible, else hard-link, else copy.
    #[default]
    Auto,
    /// A copy that shares its blocks until one is written to.
    Clone,
    /// Another name for the store's file, which is read-only.
    Hardlink,
    /// Bytes of its own.
    Copy,
    /// A symbolic link into the store.
    Symlink,
}

/// A text that names no [`LinkMode`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a link mode is `auto`, `clone`, `hardlink`, `copy` or `symlink`")]
pub struct LinkModeError;

impl FromStr for LinkMode {
    type Err = LinkModeError;

    fn from_str(text: &str) -> Result<Self, LinkModeError> {
        let all = [Self::Auto, Self::Clone, Self::Hardlink, Self::Copy, Self::Symlink];
        all.into_iter().find(|mode| mode.as_str() == text).ok_or(LinkModeError)
    }
}

impl LinkMode {
    /// Its name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Clone => "clone",
            Self::Hardlink => "hardlink",
            Self::Copy => "copy",
            Self::Symlink => "symlink",
        }
    }
}

impl fmt::Display for LinkMode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// How files did get there; of a plugin whose files came in several ways, the one that shares most with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UsedMode {
    /// Copied.
    Copy,
    /// Cloned.
    Clone,
    /// Hard-linked: they share their inodes with the store.
    Hardlink,
    /// Linked into the store.
    Symlink,
}

/// Puts files in place, and remembers what isn't possible here.
#[derive(Debug)]
pub(crate) struct Placer {
    mode: LinkMode,
    clones: bool,
    hardlinks: bool,
    /// The file that was read last.
    buffer: Vec<u8>,
}

/// A file that was put in place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) how: UsedMode,
    /// The stamp of the very file that was read and verified, where that's the one that's in place now. Should another one
    /// have got there, it's noticed by its own.
    pub(crate) stamp: Option<Stamp>,
}

impl Placer {
    pub(crate) fn new(mode: LinkMode) -> Self {
        Self { mode, clones: true, hardlinks: true, buffer: Vec::new() }
    }

    /// Make `target`, which mustn't exist, from a stored file.
    pub(crate) fn place(&mut self, stored: &Stored, path: &PackagePath, entry: &FileEntry, target: &Path) -> Result<Placed> {
        let source = stored.file_path(path);
        let mut verified = None;
        if !stored.is_fresh() || self.mode == LinkMode::Copy {
            verified = Some(Stamp::from(&stored.read_into(path, entry, &mut self.buffer)?));
        }
        let strictly = |mode, done: io::Result<()>| done.map_err(|source| StoreError::LinkMode { mode, path: target.to_owned(), source });
        let how = match self.mode {
            LinkMode::Auto => self.place_somehow(&source, target, verified.is_some(), stored, path, entry)?,
            LinkMode::Clone => strictly("clone", clone(&source, target)).map(|()| UsedMode::Clone)?,
            LinkMode::Hardlink => strictly("hardlink", std::fs::hard_link(&source, target)).map(|()| UsedMode::Hardlink)?,
            LinkMode::Symlink => strictly("symlink", os::symlink(&absolute(&source)?, target)).map(|()| UsedMode::Symlink)?,
            LinkMode::Copy => copy(&self.buffer, target)?,
        };
        Ok(Placed { how, stamp: verified.filter(|_| how == UsedMode::Hardlink) })
    }

    fn place_somehow(
        &mut self,
        source: &Path,
        target: &Path,
        is_read: bool,
        stored: &Stored,
        path: &PackagePath,
        entry: &FileEntry,
    ) -> Result<UsedMode> {
        if self.clones {
            match clone(source, target) {
                Ok(()) => return Ok(UsedMode::Clone),
                Err(error) if is_fatal(&error) => return Err(IoError::new("write", target, error).into()),
                Err(_) => self.clones = false,
            }
        }
        if self.hardlinks {
            match std::fs::hard_link(source, target) {
                Ok(()) => return Ok(UsedMode::Hardlink),
                Err(error) if is_fatal(&error) => return Err(IoError::new("write", target, error).into()),
                // One file may have too many links, or be another user's; another file system is the same for all.
                Err(error) => self.hardlinks = error.kind() != io::ErrorKind::CrossesDevices,
            }
        }
        if !is_read {
            stored.read_into(path, entry, &mut self.buffer)?;
        }
        copy(&self.buffer, target)
    }
}

/// Would every other way fail too?
fn is_fatal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotFound
    )
}

fn clone(source: &Path, target: &Path) -> io::Result<()> {
    reflink_copy::reflink_file_to_path(&File::open(source)?, target)
}

fn absolute(path: &Path) -> Result<std::path::PathBuf> {
    Ok(std::path::absolute(path).at("find", path)?)
}

/// Write bytes that were just verified.
fn copy(bytes: &[u8], target: &Path) -> Result<UsedMode> {
    let mut file = os::create_new(target, 0o444).at("write", target)?;
    file.write_all(bytes).at("write", target)?;
    Ok(UsedMode::Copy)
}
