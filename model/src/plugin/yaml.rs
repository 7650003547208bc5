//! What does this YAML say, if it can only say one thing? A small tree with a place in the text for every node.
//!
//! The parser's events arrive one at a time and are checked as they arrive, so that nesting, counts and everything that two
//! readers could take for two things (aliases, anchors, tags, merge keys, duplicate keys, directives, several documents,
//! byte order marks, unseen characters) ends the reading at once. Nothing here calls itself; the tree is at most
//! [`MAX_DEPTH`] deep. Scalars keep their text: whether `1.0` is a number or a version is for who asks.

use std::collections::BTreeSet;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{MAX_MANIFEST_BYTES, PluginManifestError};
use crate::text::is_control_or_bidi;

/// How deep lists and mappings may nest (formats.md).
pub(crate) const MAX_DEPTH: usize = 64;
/// How many values a manifest may have, far beyond any real one.
pub(crate) const MAX_NODES: usize = 100_000;

/// A value and its place in the text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text, as written; `plain` if it has no quotes and may stand for a number, a boolean or nothing.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping; no two keys have the same text.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping and its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

impl Node {
    /// Is it written as nothing (`~`, `null`, or left empty)?
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

/// Refuse a text that's too large before anything looks at it.
pub(crate) fn check_size(bytes: usize) -> Result<(), PluginManifestError> {
    if bytes <= MAX_MANIFEST_BYTES {
        return Ok(());
    }
    Err(invalid(format!("the manifest has {bytes} bytes; the limit is {MAX_MANIFEST_BYTES} (1 MiB)"), None))
}

/// The error for bytes that aren't UTF-8.
pub(crate) fn not_utf8(bytes: &[u8]) -> PluginManifestError {
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    let seen = if utf16 { "; it looks like UTF-16" } else { "" };
    invalid(format!("the manifest isn't UTF-8{seen}"), None).with_help("save it as UTF-8, without a byte order mark")
}

/// Read one document.
pub(crate) fn parse(text: &str) -> Result<Node, PluginManifestError> {
    check_size(text.len())?;
    check_characters(text)?;
    check_directives(text)?;
    let places = Places::new(text);
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| scan_error(&error, &places))?;
        builder.take(event, places.range(span))?;
    }
    builder.root.ok_or_else(|| invalid("the manifest is empty", None))
}

fn invalid(message: impl Into<String>, span: impl Into<Option<Range<usize>>>) -> PluginManifestError {
    PluginManifestError::invalid(message, span)
}

fn scan_error(error: &ScanError, places: &Places<'_>) -> PluginManifestError {
    let at = places.byte(error.marker().index());
    invalid(format!("not YAML: {}", error.info()), at..at)
}

/// What can't be seen, or changes how the rest is seen, has no place in a text that people review.
fn check_characters(text: &str) -> Result<(), PluginManifestError> {
    let unseen = |&(_, character): &(usize, char)| is_control_or_bidi(character) && !matches!(character, '\n' | '\r' | '\t');
    let Some((at, character)) = text.char_indices().find(unseen) else { return Ok(()) };
    let span = at..at + character.len_utf8();
    if at == 0 && character == '\u{feff}' {
        return Err(invalid("the manifest starts with a byte order mark", span).with_help("save it as UTF-8, without a byte order mark"));
    }
    Err(invalid(format!("the manifest has an unseen character, U+{:04X}", u32::from(character)), span))
}

/// `%YAML` and `%TAG` change how the rest is read. They stand before everything but comments.
fn check_directives(text: &str) -> Result<(), PluginManifestError> {
    let mut at = 0;
    for line in text.split_inclusive(['\n', '\r']) {
        if line.starts_with('%') {
            return Err(invalid("YAML directives aren't allowed", at..at + line.trim_end().len()));
        }
        if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
            break;
        }
        at += line.len();
    }
    Ok(())
}

/// From the parser's places, which count characters, to bytes.
struct Places<'a> {
    text: &'a str,
    /// The byte where each character starts, if they aren't the same number.
    starts: Option<Vec<usize>>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let starts = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { text, starts }
    }

    fn byte(&self, character: usize) -> usize {
        match &self.starts {
            None => character.min(self.text.len()),
            Some(starts) => starts.get(character).copied().unwrap_or(self.text.len()),
        }
    }

    /// Without the space that the parser counts to what stands before it.
    fn range(&self, span: Span) -> Range<usize> {
        let start = self.byte(span.start.index());
        let end = self.byte(span.end.index()).max(start);
        start..start + self.text[start..end].trim_end().len()
    }
}

/// A list or mapping that isn't closed yet.
enum Open {
    List { start: usize, items: Vec<Node> },
    Map { start: usize, entries: Vec<(Key, Node)>, seen: BTreeSet<String>, key: Option<Key> },
}

/// Builds the tree from events, without ever calling itself.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Range<usize>) -> Result<(), PluginManifestError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => self.document(span),
            Event::Alias(_) => Err(invalid("YAML aliases (`*name`) aren't allowed: write the value out", span)),
            Event::Scalar(_, _, anchor, tag) if anchor != 0 || tag.is_some() => Err(marked(anchor, span)),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) if anchor != 0 || tag.is_some() => {
                Err(marked(anchor, span))
            }
            Event::Scalar(text, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                self.node(Node { span, value: Value::Scalar { text: text.into_owned(), plain } })
            }
            Event::SequenceStart(..) => self.open(Open::List { start: span.start, items: Vec::new() }, span),
            Event::MappingStart(..) => {
                let map = Open::Map { start: span.start, entries: Vec::new(), seen: BTreeSet::new(), key: None };
                self.open(map, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span.end),
        }
    }

    fn document(&mut self, span: Range<usize>) -> Result<(), PluginManifestError> {
        self.documents += 1;
        if self.documents == 1 { Ok(()) } else { Err(invalid("a second YAML document starts here; a manifest is one", span)) }
    }

    fn open(&mut self, open: Open, span: Range<usize>) -> Result<(), PluginManifestError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(invalid(format!("lists and mappings nest more than {MAX_DEPTH} deep"), span));
        }
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return Err(invalid("a key must be a text, not a list or mapping", span));
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self, end: usize) -> Result<(), PluginManifestError> {
        let (start, value) = match self.open.pop() {
            Some(Open::List { start, items }) => (start, Value::List(items)),
            Some(Open::Map { start, entries, .. }) => (start, Value::Map(entries)),
            None => return Err(invalid("not YAML: something ends that hasn't begun", end..end)),
        };
        self.node(Node { span: start..end.max(start), value })
    }

    /// A finished value: a key or a value of the innermost open collection, or the whole document.
    fn node(&mut self, node: Node) -> Result<(), PluginManifestError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(invalid(format!("the manifest has more than {MAX_NODES} values"), node.span));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, seen, key, .. }) => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(as_key(node, seen)?),
            },
        }
        Ok(())
    }
}

fn marked(anchor: usize, span: Range<usize>) -> PluginManifestError {
    match anchor {
        0 => invalid("YAML tags (`!name`) aren't allowed", span),
        _ => invalid("YAML anchors (`&name`) aren't allowed: write the value out where it's needed", span),
    }
}

fn as_key(node: Node, seen: &mut BTreeSet<String>) -> Result<Key, PluginManifestError> {
    let Value::Scalar { text, plain } = node.value else {
        return Err(invalid("a key must be a text, not a list or mapping", node.span));
    };
    if plain && text == "<<" {
        return Err(invalid("YAML merge keys (`<<`) aren't allowed: write the values out", node.span));
    }
    if !seen.insert(text.clone()) {
        return Err(invalid(format!("the key {} is given twice", super::error::quoted(&text)), node.span));
    }
    Ok(Key { text, span: node.span })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn message(text: &str) -> String {
        parse(text).expect_err(text).message
    }

    /// The tree as one line, with the text of every span, to see that places are right.
    fn shown(text: &str) -> String {
        fn show(node: &Node, text: &str) -> String {
            match &node.value {
                Value::Scalar { text: value, plain } => {
                    format!("{}{value:?}@{:?}", if *plain { "" } else { "q" }, &text[node.span.clone()])
                }
                Value::List(items) => format!("[{}]", items.iter().map(|item| show(item, text)).collect::<Vec<_>>().join(", ")),
                Value::Map(entries) => {
                    let show_entry =
                        |(key, node): &(Key, Node)| format!("{}@{:?}: {}", key.text, &text[key.span.clone()], show(node, text));
                    format!("{{{}}}", entries.iter().map(show_entry).collect::<Vec<_>>().join(", "))
                }
            }
        }
        show(&parse(text).unwrap(), text)
    }

    #[test]
    fn values_keep_their_text_and_their_place() {
        assert_eq!(shown("v: 1.0\n"), r#"{v@"v": "1.0"@"1.0"}"#);
        assert_eq!(shown("\"ü\": 'é'\nb: [x, \"y\"]\n"), r#"{ü@"\"ü\"": q"é"@"'é'", b@"b": ["x"@"x", q"y"@"\"y\""]}"#);
        assert_eq!(shown("---\na:\n  b: true\n...\n"), r#"{a@"a": {b@"b": "true"@"true"}}"#);
        assert_eq!(shown("a: >\n  folded\n  text\n"), r#"{a@"a": q"folded text\n"@"folded\n  text"}"#);
        let empty = parse("a:\nb: ~\nc: ''\n").unwrap();
        let Value::Map(entries) = empty.value else { panic!("a mapping") };
        assert_eq!(entries.iter().map(|(_, node)| node.is_null()).collect::<Vec<_>>(), [true, true, false]);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for (text, part) in [
            ("a: &x 1\nb: 2", "anchors"),
            ("a: &x [*x]", "anchors"),
            ("a: &x {}", "anchors"),
            ("a: *x", "not YAML"),
            ("a: !!python/object/apply:os.system ['id']", "tags"),
            ("a: !x 1", "tags"),
            ("a: ! 1", "tags"),
            ("!!map {a: 1}", "tags"),
            ("a: 1\na: 2", "twice"),
            ("a: 1\n'a': 2", "twice"),
            ("{a: 1, \"a\": 2}", "twice"),
            ("<<: {a: 1}", "merge"),
            ("? [a]\n: 1", "key must be"),
            ("{{a: 1}: 2}", "key must be"),
            ("a: 1\n---\na: 2", "second"),
            ("a: 1\n...\nb: 2", "second"),
            ("%YAML 1.1\n---\na: 1", "directives"),
            ("# x\n\n%TAG ! x:\n---\na: 1", "directives"),
            ("", "empty"),
            ("# only a comment\n", "empty"),
            ("\u{feff}a: 1", "byte order mark"),
            ("a: \u{feff}1", "U+FEFF"),
            ("a: \0", "U+0000"),
            ("a: x\u{202e}y", "U+202E"),
            ("a: x\u{85}y", "U+0085"),
            ("a: [", "not YAML"),
            ("a: b: c", "not YAML"),
            ("a: \"\\q\"", "not YAML"),
        ] {
            assert!(message(text).contains(part), "{text:?}: {}", message(text));
        }
    }

    #[test]
    fn bytes_are_checked_before_text() {
        assert!(not_utf8(b"\xff\xfea\0").message.contains("UTF-16"));
        assert!(message(&"#".repeat(MAX_MANIFEST_BYTES + 1)).contains("1048577 bytes"));
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = |depth: usize| format!("x: {}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&deep(MAX_DEPTH - 1)).is_ok());
        assert!(message(&deep(MAX_DEPTH)).contains("64 deep"));
        let block = (0..1000).map(|depth| format!("{}k:\n", " ".repeat(depth))).collect::<Vec<_>>().concat();
        assert!(message(&block).contains("64 deep"));
        assert!(message(&"- ".repeat(1000)).contains("64 deep"));
    }

    /// Each is made to cost as much as it can; were the cost more than linear, a quarter of the largest size would show it.
    #[test]
    fn hostile_texts_are_refused_quickly() {
        let fill = |head: &str, unit: &str| format!("{head}{}", unit.repeat(MAX_MANIFEST_BYTES / 4 / unit.len()));
        let texts = [
            fill("x: ", "["),
            fill("x: ", "{a: "),
            fill("x: ", "[a, "),
            fill("x: [", "a, "),
            fill("x: [", "a: b, "),
            fill("x: {", "? a : b, "),
            fill("", "- "),
            fill("", "? "),
            fill("", "a: "),
            fill("", "k:\n "),
            fill("x: ", "&a "),
            fill("x: ", "!a "),
            fill("x: \"", "\\n"),
            fill("x: |\n", " a\n\n"),
            fill("x: ", "a\n  "),
            fill("", "# comment\n"),
            fill("", "\n"),
            fill("", "-\n"),
            fill("x: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "a,"),
            fill("x: ", "[],"),
            (0..40_000).map(|n| format!("k{n:x}: \n")).collect::<Vec<_>>().concat(),
        ];
        for text in texts {
            let (start, size) = (Instant::now(), text.len().min(40));
            let result = parse(&text);
            assert!(start.elapsed() < Duration::from_secs(5), "{:?} took {:?}: {result:?}", &text[..size], start.elapsed());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn no_text_makes_it_panic(text in "[ab:\\-\\[\\]{},#&*!|>'\"%@`~?<. \n\t\\\\é0-9]{0,60}") {
            let _ = parse(&text);
        }
    }
}
