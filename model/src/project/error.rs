//! What can be wrong with a manifest, in words, with its place.

use std::fmt;
use std::ops::Range;

use crate::toml::{Problem, ProblemKind, position};

/// One mistake in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.message)]
pub struct ManifestError(Problem);

impl ManifestError {
    pub(super) fn new(problem: Problem) -> Self {
        Self(problem)
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self.0.kind {
            ProblemKind::Syntax => "mfp::manifest::syntax",
            ProblemKind::UnknownKey(_) => "mfp::manifest::unknown-key",
            ProblemKind::Missing => "mfp::manifest::missing-key",
            ProblemKind::Invalid => "mfp::manifest::invalid",
            ProblemKind::Duplicate => "mfp::manifest::duplicate",
            ProblemKind::Undeclared => "mfp::manifest::no-registry",
            ProblemKind::Misplaced => "mfp::manifest::misplaced",
            ProblemKind::NewerNeeded => "mfp::manifest::mfp-version",
        }
    }

    /// All codes that a manifest's mistakes have.
    pub const CODES: [&'static str; 8] = [
        "mfp::manifest::duplicate",
        "mfp::manifest::invalid",
        "mfp::manifest::mfp-version",
        "mfp::manifest::misplaced",
        "mfp::manifest::missing-key",
        "mfp::manifest::no-registry",
        "mfp::manifest::syntax",
        "mfp::manifest::unknown-key",
    ];

    /// What is wrong, in one sentence without a full stop.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where, in bytes of the manifest's text.
    pub fn span(&self) -> Range<usize> {
        self.0.span.clone()
    }

    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The problem itself, with its kind.
    pub fn problem(&self) -> &Problem {
        &self.0
    }

    /// `7:3 message`, from the manifest's text.
    pub fn with_position(&self, text: &str) -> String {
        let (line, column) = position(text, self.0.span.start);
        format!("{line}:{column} {}", self.0.message)
    }
}

/// Everything that is wrong with a manifest: at least one mistake, in the file's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestErrors(Vec<ManifestError>);

impl ManifestErrors {
    /// # Panics
    /// If there's no problem at all.
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        assert!(!problems.is_empty(), "a refused manifest has at least one problem");
        Self(problems.into_iter().map(ManifestError::new).collect())
    }

    /// The first mistake, whose code stands for all.
    pub fn first(&self) -> &ManifestError {
        &self.0[0]
    }

    /// All mistakes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ManifestError> {
        self.0.iter()
    }

    /// The first mistake's code.
    pub fn code(&self) -> &'static str {
        self.first().code()
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => fmt::Display::fmt(one, out),
            [first, rest @ ..] => write!(out, "{first} (and {} more)", rest.len()),
            [] => Ok(()),
        }
    }
}

impl std::error::Error for ManifestErrors {}

/// Something that is allowed but deserves a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What, in one sentence without a full stop.
    pub message: String,
    /// Where, in bytes of the manifest's text.
    pub span: Range<usize>,
}
