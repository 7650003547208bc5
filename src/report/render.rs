//! How does an error look to a person?
//!
//! The head, the list and the help are ours (their shape is a contract); the excerpt with its frame and underlines is
//! drawn by miette.

use std::fmt;
use std::ops::Range;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use crate::error::{Error, Excerpt, without_passwords};
use crate::report::clean_lines;

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) color: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("1;36", text)
    }
}

/// The whole text of an error, without a final line feed.
pub(crate) fn error_text(style: Style, error: &Error) -> String {
    text_below(style, &style.red(&format!("error[{}]", error.code())), error)
}

/// The same for something that's no error.
pub(crate) fn warning_text(style: Style, error: &Error) -> String {
    text_below(style, &style.yellow(&format!("warning[{}]", error.code())), error)
}

fn text_below(style: Style, head: &str, error: &Error) -> String {
    let mut lines = vec![format!("{head}: {}", clean_lines(error.message()))];
    lines.extend(error.point_list().iter().map(|point| format!("  • {}", clean_lines(point))));
    lines.extend(error.source_excerpt().map(|excerpt| excerpt_text(style, excerpt)));
    lines.extend(error.note_list().iter().map(|note| format!("  {}", clean_lines(note).replace('\n', "\n  "))));
    lines.extend(error.help_text().map(|help| format!("{}: {}", style.cyan("help"), clean_lines(help).replace('\n', "\n      "))));
    lines.join("\n")
}

/// A file's text with one underlined span, as miette wants it.
struct Snippet {
    source: Lines,
    label: LabeledSpan,
}

/// A file that's shown in whole lines, and only in those that a label touches.
struct Lines {
    file: String,
    text: String,
}

impl SourceCode for Lines {
    fn read_span<'a>(&'a self, span: &SourceSpan, before: usize, _after: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = &self.text;
        if !text.is_char_boundary(span.offset()) || !text.is_char_boundary(span.offset() + span.len()) {
            return Err(MietteError::OutOfBounds);
        }
        let line_start = text[..span.offset()].rfind('\n').map_or(0, |at| at + 1);
        let end = span.offset() + span.len();
        let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at);
        let line = text[..line_start].matches('\n').count();
        // miette asks without context where the place is, and with context what to show.
        let (start, column) = if before == 0 { (span.offset(), text[line_start..span.offset()].chars().count()) } else { (line_start, 0) };
        let data = &text.as_bytes()[start..line_end];
        let shown = SourceSpan::from((start, line_end - start));
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            data,
            shown,
            line,
            column,
            text[start..line_end].matches('\n').count() + 1,
        )))
    }
}

impl fmt::Debug for Snippet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("snippet")
    }
}

impl fmt::Display for Snippet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("snippet")
    }
}

impl std::error::Error for Snippet {}

impl Diagnostic for Snippet {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}

fn excerpt_text(style: Style, excerpt: &Excerpt) -> String {
    let text = without_passwords(&without_controls(&excerpt.text));
    let label = clean_lines(&excerpt.label);
    let Some(span) = visible(&text, &excerpt.span) else {
        let line = text[..excerpt.span.start.min(text.len())].matches('\n').count() + 1;
        return format!("  {}, line {line}: {label}", clean_lines(&excerpt.file));
    };
    let snippet = Snippet { source: Lines { file: clean_lines(&excerpt.file), text }, label: LabeledSpan::at(span, label) };
    let theme = if style.color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut drawn = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(1).with_width(110);
    match handler.render_report(&mut drawn, &snippet) {
        // miette draws a head of its own; ours stands above, so only the frame is taken.
        Ok(()) => {
            drawn.lines().skip_while(|line| !line.contains("╭─")).filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join("\n")
        }
        Err(_) => format!("  {}: {}", clean_lines(&excerpt.file), clean_lines(&excerpt.label)),
    }
}

/// The part of a span that can be underlined: at least one character, no line's end. None where the line is empty.
fn visible(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let end = span.end.min(text.len());
    let start = span.start.min(end);
    let within = text.get(start..end)?.trim_end_matches(['\n', '\r']);
    if !within.is_empty() {
        return Some(start..start + within.len());
    }
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next()?;
    let (at, character) = line.char_indices().rfind(|(at, _)| line_start + at <= start)?;
    Some(line_start + at..line_start + at + character.len_utf8())
}

/// The same number of bytes with nothing that moves the cursor, so that spans stay right.
fn without_controls(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character.to_string(),
            other if crate::report::gate::is_unseen(other) => "?".repeat(other.len_utf8()),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_from_what_to_where_to_what_next() {
        let text = "[plugins]\nauth-jwt = \"^2.0\"\n".to_owned();
        let excerpt =
            Excerpt { file: "mockforge-plugins.toml".into(), text, span: 10..27, label: "your project wants auth-jwt ^2.0".into() };
        let error = Error::new("mfp::resolve::conflict", "these plugins can't be had together")
            .excerpt(excerpt)
            .note("Because …")
            .help("`mfp add x`");
        insta::assert_snapshot!(error_text(Style { color: false }, &error), @r#"
        error[mfp::resolve::conflict]: these plugins can't be had together
           ╭─[mockforge-plugins.toml:2:1]
         2 │ auth-jwt = "^2.0"
           · ────────┬────────
           ·         ╰── your project wants auth-jwt ^2.0
           ╰────
          Because …
        help: `mfp add x`
        "#);
    }

    #[test]
    fn a_mistake_at_the_end_of_a_line_is_shown_too() {
        let at = |text: &str, span: Range<usize>| {
            let excerpt = Excerpt { file: "f".into(), text: text.into(), span, label: "here".into() };
            error_text(Style { color: false }, &Error::new("mfp::manifest::syntax", "m").excerpt(excerpt))
        };
        for (text, span) in
            [("[plugins\n", 8..9), ("[plugins\nx", 8..8), ("", 0..0), ("\n\n", 1..2), ("é", 2..2), ("aé\n", 1..2), ("a", 7..9)]
        {
            assert!(at(text, span.clone()).contains("here"), "{text:?} {span:?}: {}", at(text, span.clone()));
        }
    }

    #[test]
    fn a_hostile_file_cant_draw() {
        let excerpt = Excerpt { file: "a\u{1b}[2J".into(), text: "x = \"\u{1b}[31m\"".into(), span: 4..10, label: "\u{202e}".into() };
        let text = error_text(Style { color: false }, &Error::new("mfp::manifest::syntax", "m\u{7}").excerpt(excerpt));
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && !text.contains('\u{202e}'), "{text:?}");
    }
}
