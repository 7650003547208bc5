//! What can be wrong with a lock, in words, with its place.

use std::ops::Range;

use crate::toml::position;

/// What kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockErrorKind {
    /// Git left both sides of a merge in it.
    ConflictMarkers,
    /// A chain of dependencies comes back to where it began.
    Cycle,
    /// Two entries, or two dependencies, with one name.
    Duplicate,
    /// A requirement or a dependency without its entry.
    Edge,
    /// A value that its own rules refuse.
    Invalid,
    /// A key that must be there isn't.
    MissingKey,
    /// Keys or entries aren't in their order.
    Order,
    /// An entry from a source that can't satisfy who asks for it.
    Source,
    /// Not TOML.
    Syntax,
    /// The file ends too early.
    Truncated,
    /// A key that this format doesn't have.
    UnknownKey,
    /// An entry that nothing asks for.
    Unreachable,
    /// The file's version is above ours.
    Version,
}

/// A mistake in a lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LockError {
    /// What kind.
    pub kind: LockErrorKind,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, in bytes of the lock's text.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
}

impl LockError {
    pub(super) fn new(kind: LockErrorKind, span: Range<usize>, message: impl Into<String>) -> Self {
        let help = match kind {
            LockErrorKind::Version => "install a newer mfp",
            LockErrorKind::ConflictMarkers => "run `mfp lock`: it takes both sides as preferences and resolves the merged manifest",
            _ => "take plugins.lock from version control again, or run `mfp lock --rebuild` to make a new one",
        };
        Self { kind, message: message.into(), span, help: Some(help.to_owned()) }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self.kind {
            LockErrorKind::ConflictMarkers => "mfp::lock::conflict-markers",
            LockErrorKind::Cycle => "mfp::lock::cycle",
            LockErrorKind::Duplicate => "mfp::lock::duplicate",
            LockErrorKind::Edge => "mfp::lock::edge",
            LockErrorKind::Invalid => "mfp::lock::invalid",
            LockErrorKind::MissingKey => "mfp::lock::missing-key",
            LockErrorKind::Order => "mfp::lock::order",
            LockErrorKind::Source => "mfp::lock::source",
            LockErrorKind::Syntax => "mfp::lock::syntax",
            LockErrorKind::Truncated => "mfp::lock::truncated",
            LockErrorKind::UnknownKey => "mfp::lock::unknown-key",
            LockErrorKind::Unreachable => "mfp::lock::unreachable",
            LockErrorKind::Version => "mfp::lock::version",
        }
    }

    /// All codes that a lock's mistakes have.
    pub const CODES: [&'static str; 13] = [
        "mfp::lock::conflict-markers",
        "mfp::lock::cycle",
        "mfp::lock::duplicate",
        "mfp::lock::edge",
        "mfp::lock::invalid",
        "mfp::lock::missing-key",
        "mfp::lock::order",
        "mfp::lock::source",
        "mfp::lock::syntax",
        "mfp::lock::truncated",
        "mfp::lock::unknown-key",
        "mfp::lock::unreachable",
        "mfp::lock::version",
    ];

    /// `7:3 message`, from the lock's text.
    pub fn with_position(&self, text: &str) -> String {
        let (line, column) = position(text, self.span.start);
        format!("{line}:{column} {}", self.message)
    }
}
