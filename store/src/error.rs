//! What can go wrong between a source of bytes and a plugin on this disk? One error for the whole crate.
//!
//! A variant stands only where a caller branches or where the person's next step differs. Every error has a stable code
//! ([`StoreError::code`]) and one of mfp's exit codes ([`StoreError::exit_code`]); every message names a file, a member
//! of an archive or a content digest.

use std::io;
use std::path::PathBuf;

use mfp_model::digest::ContentDigest;

use crate::file_lock::LockError;
use crate::fs::IoError;
use crate::unpack::ArchiveError;
use crate::verify::IntegrityError;

/// Any failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused: full, read-only, not permitted, broken.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A lock wasn't got in time.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An archive or a folder that isn't one package with one meaning.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Bytes that aren't those that were expected.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// The reader that was handed in failed; what it said is the source, untouched, so that who made it can look inside.
    #[error("the package couldn't be read to its end: {0}")]
    Source(#[source] io::Error),
    /// A stored object whose bytes aren't what its digest says.
    #[error("the store's copy of {content} is damaged: {what}")]
    Damaged {
        /// The object.
        content: ContentDigest,
        /// Which file, and in which way.
        what: String,
    },
    /// A content that was needed and isn't in the store.
    #[error("{content} isn't in the store")]
    Missing {
        /// The content.
        content: ContentDigest,
    },
    /// A file that was asked for and isn't part of the plugin.
    #[error("{content} has no file `{path}`")]
    NotListed {
        /// The content.
        content: ContentDigest,
        /// The path, as asked for (control characters escaped).
        path: String,
    },
    /// Whoever looks at packages before they're kept refused it.
    #[error("{why}")]
    Refused {
        /// The content.
        content: ContentDigest,
        /// Why.
        why: String,
    },
    /// A store folder that others could have written to.
    #[error("`{}` can't be used as a store: {why}", path.display())]
    Untrusted {
        /// The folder.
        path: PathBuf,
        /// Who could write to it.
        why: String,
    },
    /// A write to a store that was opened for reading.
    #[error("the store `{}` was opened for reading only", root.display())]
    ReadOnly {
        /// The store's root.
        root: PathBuf,
    },
    /// Something that mfp didn't make stands where mfp would have to write or delete.
    #[error("`{}` wasn't made by mfp ({why}), so it's left alone", path.display())]
    Foreign {
        /// The file or folder.
        path: PathBuf,
        /// How that can be told.
        why: &'static str,
    },
    /// The plugin folder or a folder above it, within the project, is a link, or leaves the project.
    #[error("`{}` can't hold plugins: {why}", path.display())]
    Place {
        /// The offending component.
        path: PathBuf,
        /// What's wrong with it.
        why: &'static str,
    },
    /// mfp's own record of a folder can't be read as one.
    #[error("`{}` isn't a record of this mfp: {why}", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// The link mode that was demanded doesn't work here.
    #[error("`{mode}` isn't possible from the store to `{}`: {source}", path.display())]
    LinkMode {
        /// `clone`, `hardlink` or `symlink`.
        mode: &'static str,
        /// The file that was to be made.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl StoreError {
    /// The error's stable code, `mfp::area::what`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io(error) => error.code(),
            Self::Lock(error) => error.code(),
            Self::Archive(error) => error.code(),
            Self::Integrity(error) => error.code(),
            Self::Source(_) => "mfp::fetch::broken-off",
            Self::Damaged { .. } => "mfp::store::damaged",
            Self::Missing { .. } => "mfp::store::missing",
            Self::NotListed { .. } => "mfp::store::not-listed",
            Self::Refused { .. } => "mfp::policy::scan",
            Self::Untrusted { .. } => "mfp::store::untrusted",
            Self::ReadOnly { .. } => "mfp::store::read-only",
            Self::Foreign { .. } => "mfp::layout::foreign",
            Self::Place { .. } => "mfp::layout::place",
            Self::Record { .. } => "mfp::layout::record",
            Self::LinkMode { .. } => "mfp::layout::link-mode",
        }
    }

    /// mfp's exit code for it: 2 unreadable record, 4 bytes that don't verify, 5 what an inspector refused, 6 a source that broke off, 8 local I/O, 1 else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Io(_)
            | Self::Lock(_)
            | Self::Untrusted { .. }
            | Self::ReadOnly { .. }
            | Self::Foreign { .. }
            | Self::Place { .. }
            | Self::LinkMode { .. } => 8,
            Self::Archive(_) | Self::Integrity(_) | Self::Damaged { .. } | Self::NotListed { .. } => 4,
            Self::Refused { .. } => 5,
            Self::Source(_) => 6,
            Self::Record { .. } => 2,
            Self::Missing { .. } => 1,
        }
    }

    /// What to do next, where there's more to say than the message.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Damaged { .. } => Some("`mfp verify --fix` fetches it again"),
            Self::Refused { .. } => Some("nothing was kept; `mfp config get scan` shows who refused it"),
            Self::Foreign { .. } => Some("move it away or delete it, then run the command again"),
            Self::Untrusted { .. } => Some("make it yours alone (`chmod 700`), or choose another with `--store-dir`"),
            Self::Record { .. } => Some("delete the plugin folder; `mfp sync` makes it again"),
            Self::LinkMode { .. } => Some("`--link-mode auto` takes the best that works"),
            Self::Lock(_) => Some("another mfp may be at work, or was stopped; end it, or wait and try again"),
            _ => None,
        }
    }
}

/// A result of this crate.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
