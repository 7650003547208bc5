//! What a person says about a plugin: a single line of text.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The longest line, in bytes.
const MAX_BYTES: usize = 300;

/// One line of text, without characters that move, hide or turn round: in a string of any language only quotes and backslashes of it
/// have to be escaped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Line(String);

/// Why a text isn't a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LineError {
    Empty,
    TooLong(usize),
    /// One that isn't seen, or that ends a line; as an escape.
    Character(String),
}

impl fmt::Display for LineError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(out, "it's empty"),
            Self::TooLong(bytes) => write!(out, "it's {bytes} bytes long; the limit is {MAX_BYTES}"),
            Self::Character(escaped) => write!(out, "it has a character that isn't seen, or that ends the line: {escaped}"),
        }
    }
}

impl FromStr for Line {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(LineError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(LineError::TooLong(text.len()));
        }
        match text.chars().find(|character| crate::report::is_unseen(*character)) {
            Some(character) => Err(LineError::Character(character.escape_unicode().to_string())),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl Line {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who writes a plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) name: Line,
    pub(crate) email: Option<Line>,
}

impl FromStr for Author {
    type Err = LineError;

    /// `Name <mail>`, or a name.
    fn from_str(text: &str) -> Result<Self, LineError> {
        let split = text.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<'));
        let (name, email) = match split {
            Some((name, email)) if !name.trim().is_empty() => (name, Some(email.parse()?)),
            _ => (text, None),
        };
        // What's left of a `<` would be read as the beginning of an address by whoever reads `Name <mail>`.
        Ok(Self { name: name.replace(['<', '>'], " ").parse()?, email })
    }
}

impl fmt::Display for Author {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.email {
            Some(email) => write!(out, "{} <{}>", self.name.as_str(), email.as_str()),
            None => out.write_str(self.name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_is_a_name_and_perhaps_an_address() {
        let author = |text: &str| text.parse::<Author>().map(|author| (author.name.0, author.email.map(|email| email.0)));
        assert_eq!(author(" Ada <ada@example.org> "), Ok(("Ada".into(), Some("ada@example.org".into()))));
        assert_eq!(author("Ada \"the\" L."), Ok(("Ada \"the\" L.".into(), None)));
        assert_eq!(author("a < b <c@d>"), Ok(("a   b".into(), Some("c@d".into()))));
        assert_eq!(author("<ada@example.org>"), Ok(("ada@example.org".into(), None)));
        assert_eq!(author("Ada <>"), Err(LineError::Empty));
        assert_eq!(author("  "), Err(LineError::Empty));
    }

    #[test]
    fn a_line_is_one_line_and_is_seen() {
        for hostile in ["a\nb", "a\u{2028}b", "a\u{85}b", "a\u{202e}b", "a\u{0}b", "a\u{7f}b", "a\u{200b}b"] {
            assert!(matches!(hostile.parse::<Line>(), Err(LineError::Character(_))), "{hostile:?}");
        }
        assert_eq!("x".repeat(301).parse::<Line>(), Err(LineError::TooLong(301)));
        assert_eq!(" \"'\\ ".parse::<Line>().unwrap().as_str(), "\"'\\");
    }
}
