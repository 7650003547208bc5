//! Are these the bytes that were expected? The only place where a [`Verified`] is made.
//!
//! What goes into the store is a `Verified<Tree>`, so a review of trust is a review of this file. There's no way to leave an
//! expectation out by accident: whoever sees a package for the first time has to say so.

use std::ops::Deref;

use mfp_model::digest::{ContentDigest, Sha256};

use crate::tree::{Artifact, Tree};

/// What a package has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// What the lock, an index line or a vendored folder says it is.
    Locked {
        /// The digest of its content.
        content: ContentDigest,
        /// The archive it's fetched in; `None` where bytes are found by content (git, folders, vendored content).
        artifact: Option<ExpectedArtifact>,
    },
    /// Its content isn't known yet, but somebody wrote down which archive it is (`sha256 = "…"` of a URL plugin).
    Artifact(ExpectedArtifact),
    /// Nobody has said anything yet: what's found now is what the lock will hold.
    FirstSight,
}

/// What an archive has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpectedArtifact {
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// Its size in bytes, where it's known.
    pub size: Option<u64>,
}

impl Expected {
    /// The archive that's expected.
    pub fn artifact(&self) -> Option<ExpectedArtifact> {
        match self {
            Self::Locked { artifact, .. } => *artifact,
            Self::Artifact(artifact) => Some(*artifact),
            Self::FirstSight => None,
        }
    }

    /// The content that's expected.
    pub fn content(&self) -> Option<ContentDigest> {
        match self {
            Self::Locked { content, .. } => Some(*content),
            Self::Artifact(_) | Self::FirstSight => None,
        }
    }
}

/// Bytes that aren't the expected ones. Nothing of them is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IntegrityError {
    /// The archive has another size.
    #[error("the archive should have {expected} bytes, and it has {}{computed}", if *more { "more than " } else { "" })]
    Size {
        /// The size that was expected, in bytes.
        expected: u64,
        /// The size that was found, in bytes.
        computed: u64,
        /// Reading was stopped there, so there may be more.
        more: bool,
    },
    /// The archive has another SHA-256.
    #[error("the archive should have the SHA-256 {expected}, and it has {computed}")]
    Sha256 {
        /// The digest that was expected.
        expected: Sha256,
        /// The digest that was computed.
        computed: Sha256,
    },
    /// The package has another content.
    #[error("the package's content should be {expected}, and it is {computed}")]
    Content {
        /// The digest that was expected.
        expected: ContentDigest,
        /// The digest that was computed.
        computed: ContentDigest,
    },
    /// An archive was expected, and this came as files.
    #[error("an archive with the SHA-256 {expected} was expected, and this isn't an archive")]
    NotAnArchive {
        /// The digest that was expected.
        expected: Sha256,
    },
}

impl IntegrityError {
    /// The stable code: `mfp::integrity::size`, `::sha256` or `::content`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Size { .. } => "mfp::integrity::size",
            Self::Sha256 { .. } | Self::NotAnArchive { .. } => "mfp::integrity::sha256",
            Self::Content { .. } => "mfp::integrity::content",
        }
    }

    /// mfp's exit code for bytes that don't verify.
    pub fn exit_code(&self) -> u8 {
        4
    }
}

/// A value that was compared with what it has to be. Only this module makes one.
#[derive(Debug)]
pub struct Verified<T> {
    inner: T,
}

impl<T> Verified<T> {
    pub(crate) fn into_inner(self) -> T {
        self.inner
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

/// Compare a staged package with what's expected: the archive first, then the content.
pub(crate) fn verify(tree: Tree, expected: &Expected) -> Result<Verified<Tree>, IntegrityError> {
    if let Some(artifact) = expected.artifact() {
        let found = tree.artifact().ok_or(IntegrityError::NotAnArchive { expected: artifact.sha256 })?;
        check_artifact(found, &artifact)?;
    }
    match expected.content() {
        Some(content) if content != tree.content() => Err(IntegrityError::Content { expected: content, computed: tree.content() }),
        _ => Ok(Verified { inner: tree }),
    }
}

/// Compare an archive's size and digest with what's expected.
pub(crate) fn check_artifact(found: &Artifact, expected: &ExpectedArtifact) -> Result<(), IntegrityError> {
    match expected.size {
        Some(size) if size != found.size => return Err(IntegrityError::Size { expected: size, computed: found.size, more: false }),
        _ => (),
    }
    if expected.sha256 == found.sha256 { Ok(()) } else { Err(IntegrityError::Sha256 { expected: expected.sha256, computed: found.sha256 }) }
}
