//! What's wrong with a plugin, or could be better: one thing, with its place.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Excerpt, catalogue};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The plugin can't be packaged, published or loaded as it is.
    Error,
    /// Somebody should look at it.
    Warning,
}

impl Severity {
    /// A word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// Its code in the catalogue.
    pub(crate) code: &'static str,
    pub(crate) severity: Severity,
    /// What it is, in a sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// The file, relative to the plugin's folder.
    pub(crate) file: String,
    /// The place in the file, where it's a text.
    pub(crate) place: Option<Place>,
}

/// A place in a text.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The file's whole text.
    pub(crate) text: Arc<str>,
    /// The piece, in bytes.
    pub(crate) span: Range<usize>,
}

impl Place {
    /// The line and the column, each from 1, columns in characters.
    pub(crate) fn line_and_column(&self) -> (usize, usize) {
        let before = self.text.get(..self.span.start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl Finding {
    /// What's wrong.
    pub(crate) fn error(code: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), help: None, file: file.to_owned(), place: None }
    }

    /// What could be better.
    pub(crate) fn warning(code: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, file, message) }
    }

    /// With something to do about it.
    #[must_use]
    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With its place, where that's known.
    #[must_use]
    pub(crate) fn at(self, text: &Arc<str>, span: Option<Range<usize>>) -> Self {
        Self { place: span.map(|span| Place { text: Arc::clone(text), span }), ..self }
    }

    /// Is it one that stops a plugin?
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// As it's shown.
    pub(crate) fn shown(&self) -> Error {
        let error = Error::new(self.code, format!("{}: {}", self.file, self.message));
        let error = match &self.place {
            Some(Place { text, span }) => Error::new(self.code, self.message.clone()).excerpt(Excerpt {
                file: self.file.clone(),
                text: text.to_string(),
                span: span.clone(),
                label: "here".to_owned(),
            }),
            None => error,
        };
        match self.help.clone().or_else(|| catalogue::remedy_of(self.code).map(str::to_owned)) {
            Some(help) => error.help(help),
            None => error,
        }
    }

    /// In one line, for a list: `plugin.yaml:3:7: …`.
    pub(crate) fn line(&self) -> String {
        match &self.place {
            Some(place) => {
                let (line, column) = place.line_and_column();
                format!("{}:{line}:{column}: {}", self.file, self.message)
            }
            None => format!("{}: {}", self.file, self.message),
        }
    }
}
