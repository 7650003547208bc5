//! The one spelling of strings and inline tables, and where in a text something is.

use std::fmt::Write;

/// A TOML basic string: in double quotes, with the short escapes where they exist and `\uXXXX` for other control characters.
pub fn basic_string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    push_basic_string(&mut quoted, text);
    quoted
}

pub(crate) fn push_basic_string(out: &mut String, text: &str) {
    out.push('"');
    // Nearly every text is its own spelling.
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\')) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            control if control.is_control() => write!(out, "\\u{:04X}", u32::from(control)).expect("writing to a string can't fail"),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// An inline table in its one spelling, `{ a = "b", c = 1 }`, and `{}` if nothing is in it. Keys are bare keys, in the
/// order in which they're given.
#[derive(Debug, Default)]
pub struct InlineText(String);

impl InlineText {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    fn key(&mut self, key: &str) {
        self.0.push_str(if self.0.is_empty() { "{ " } else { ", " });
        self.0.push_str(key);
        self.0.push_str(" = ");
    }

    /// `key = "value"`.
    pub fn string(&mut self, key: &str, value: &str) {
        self.key(key);
        push_basic_string(&mut self.0, value);
    }

    /// `key = 1`.
    pub fn integer(&mut self, key: &str, value: u64) {
        self.raw(key, &value.to_string());
    }

    /// `key = ["a", "b"]`.
    pub fn strings<'a>(&mut self, key: &str, values: impl IntoIterator<Item = &'a str>) {
        self.key(key);
        push_strings(&mut self.0, values);
    }

    /// `key = value`, where the value is TOML already.
    pub fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.0.push_str(value);
    }

    /// The table's text.
    pub fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { " }" });
        self.0
    }
}

/// `["a", "b"]`.
pub(crate) fn push_strings<'a>(out: &mut String, values: impl IntoIterator<Item = &'a str>) {
    out.push('[');
    for (index, value) in values.into_iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        push_basic_string(out, value);
    }
    out.push(']');
}

/// The line, from 1, on which the byte at this offset stands.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

/// The line and the column (in characters), both from 1, of the byte at this offset.
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line_of(text, offset), before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_inline_table_has_one_spelling() {
        let mut table = InlineText::new();
        table.string("a", "x\"y");
        table.strings("b", ["p", "q"]);
        table.integer("c", 3);
        assert_eq!(table.finish(), r#"{ a = "x\"y", b = ["p", "q"], c = 3 }"#);
        assert_eq!(InlineText::new().finish(), "{}");
    }

    #[test]
    fn positions_count_lines_and_characters() {
        assert_eq!(position("ab\nçd", 5), (2, 2));
        assert_eq!(position("ab\nçd", 4), (2, 1));
        assert_eq!(position("ab", 99), (1, 3));
        assert_eq!(line_of("a\nb\n", 4), 3);
    }

    proptest! {
        #[test]
        fn a_basic_string_says_what_it_was_given(text in any::<String>()) {
            let document: toml_edit::DocumentMut = format!("a = {}\n", basic_string(&text)).parse().unwrap();
            prop_assert_eq!(document["a"].as_str(), Some(text.as_str()));
        }
    }
}
