//! Why can't a manifest be read? One error type, with the place in the text and what to do.

use std::ops::Range;

use crate::text::is_control_or_bidi;

/// The longest message, in characters: a stranger's text may be quoted in it.
const LONGEST_MESSAGE: usize = 400;

/// Why a text isn't a plugin's manifest. Message and help have no control or bidirectional characters, whatever the text had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PluginManifestError {
    code: &'static str,
    /// What's wrong, in one sentence.
    pub message: String,
    /// Where, in bytes of the text.
    pub span: Option<Range<usize>>,
    /// What to do about it.
    pub help: Option<String>,
}

impl PluginManifestError {
    /// The manifest is broken.
    pub(super) fn invalid(message: impl Into<String>, span: impl Into<Option<Range<usize>>>) -> Self {
        Self { code: "mfp::manifest::invalid", message: neutral(&message.into(), LONGEST_MESSAGE), span: span.into(), help: None }
    }

    /// The manifest may be right, but this mfp doesn't read it.
    pub(super) fn unsupported(message: impl Into<String>, span: impl Into<Option<Range<usize>>>) -> Self {
        Self { code: "mfp::unsupported", ..Self::invalid(message, span) }
    }

    #[must_use]
    pub(super) fn with_help(self, help: impl Into<String>) -> Self {
        Self { help: Some(neutral(&help.into(), LONGEST_MESSAGE)), ..self }
    }

    /// The same in a text that has so many bytes more before the place.
    #[must_use]
    pub(super) fn moved_by(self, bytes: usize) -> Self {
        Self { span: self.span.map(|span| span.start + bytes..span.end + bytes), ..self }
    }

    /// The stable code: `mfp::manifest::invalid` or `mfp::unsupported`.
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// A piece of a stranger's text, for a message: in backticks, neutral, and not longer than a name may be.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", neutral(text, 64))
}

/// The text in one line, without characters that change how it's shown, cut after `longest` characters.
pub(crate) fn neutral(text: &str, longest: usize) -> String {
    let mut shown: String = text.chars().take(longest).map(|one| if is_control_or_bidi(one) { '\u{fffd}' } else { one }).collect();
    if text.chars().nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_neutral_line() {
        let error = PluginManifestError::invalid("a\u{1b}[2J\nb\u{202e}", 3..4).with_help("x\ry");
        assert_eq!(error.to_string(), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        assert_eq!(error.help.as_deref(), Some("x\u{fffd}y"));
        assert_eq!(quoted(&"é".repeat(65)), format!("`{}…`", "é".repeat(64)));
        assert_eq!(PluginManifestError::unsupported("x", None).code(), "mfp::unsupported");
    }
}
