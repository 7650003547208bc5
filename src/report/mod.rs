//! Who says what, and where? The one place that prints.
//!
//! Commands raise [`Event`]s and return an [`Outcome`]; nothing below here writes to a stream. People's text goes to
//! stderr, data to stdout. Text that came from outside goes through [`clean`] first, so that no name, version, path or
//! server's word can move the cursor, colour a line or turn the direction of text.

use std::borrow::Cow;
use std::time::Duration;

use gate::is_order;

pub(crate) use gate::is_unseen;
pub(crate) use terminal::{Reporter, log_line};

pub(crate) mod ask;
pub(crate) mod document;
pub(crate) mod gate;
pub(crate) mod log;
pub(crate) mod render;
mod terminal;

/// Something that happens on the way. Counts are of plugins, sizes in bytes.
#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// Requirements became a resolution.
    Resolved { count: usize, elapsed: Duration },
    /// A download is about to begin; `total` is what's to be fetched in all.
    FetchPlanned { total: u64 },
    /// Some bytes of it came.
    FetchProgress { bytes: u64 },
    /// One plugin's bytes are verified and in the store.
    FetchDone { name: String },
    /// All of them, but those that another mfp fetched meanwhile.
    Fetched { count: usize, bytes: u64, elapsed: Duration },
    /// Plugins are in the plugin folder.
    Installed { count: usize, elapsed: Duration },
    /// Plugins were taken away from it.
    Removed { count: usize },
    /// Nothing was to be done.
    Checked { count: usize, elapsed: Duration },
    /// What changed, a line each.
    Changes(Vec<ChangeLine>),
    /// Somebody else has a lock; we wait.
    Waiting { path: String },
    /// Something to know that's no error, with its code.
    Warning { code: &'static str, text: String },
    /// Something that was found in an author's own files; an error or a warning.
    Finding { error: Box<crate::error::Error>, is_warning: bool },
    /// A sentence.
    Note(String),
    /// A sentence for `-v`.
    Detail(String),
}

/// One line of what changed.
#[derive(Debug, Clone)]
pub(crate) enum ChangeLine {
    /// ` + name version`
    Added { name: String, version: String, note: Option<String> },
    /// ` ~ name from → to`
    Updated { name: String, from: String, to: String, note: Option<String> },
    /// ` - name version`
    Removed { name: String, version: String },
}

/// What a command leaves: data for stdout, the same as a document for `--json`, and the exit code.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Data for stdout, as text.
    pub(crate) text: String,
    /// The same for programs.
    pub(crate) document: document::Document,
    /// How the process ends.
    pub(crate) exit: crate::error::Exit,
    /// What to say on stderr where `exit` isn't `Done` although the command did its work.
    pub(crate) refusal: Option<crate::error::Error>,
}

impl Outcome {
    /// A command that did its work.
    pub(crate) fn done(document: document::Document) -> Self {
        Self { text: String::new(), document, exit: crate::error::Exit::Done, refusal: None }
    }

    /// With data for stdout.
    #[must_use]
    pub(crate) fn text(mut self, text: String) -> Self {
        self.text = text;
        self
    }

    /// With another exit code.
    #[must_use]
    pub(crate) fn exit(mut self, exit: crate::error::Exit) -> Self {
        self.exit = exit;
        self
    }

    /// With something that was refused although the rest was done.
    #[must_use]
    pub(crate) fn refused(mut self, error: crate::error::Error) -> Self {
        self.exit = self.exit.or(error.exit());
        self.refusal = Some(match self.refusal {
            Some(first) => first.also(error),
            None => error,
        });
        self
    }
}

/// Text from outside, made safe to show: control, bidirectional and invisible characters become `\u{…}`.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unseen) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|character| if is_unseen(character) { character.escape_unicode().to_string() } else { character.to_string() })
            .collect(),
    )
}

/// A question, or what stands beside a bar: written by a library that knows nothing of the gate, so it passes here. One line.
pub(crate) fn neutral_line(text: &str) -> String {
    gate::gate(&clean(text), false).into_owned()
}

/// JSON text whose strings hold nothing that moves the cursor, turns the direction of text, hides, or gives an order to a CI system:
/// the same values, escaped.
pub(crate) fn neutral_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_unseen) && !json.contains("##") {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for (at, character) in json.char_indices() {
        // Outside of strings JSON has no such characters but white space.
        if (is_unseen(character) && !character.is_ascii_whitespace()) || is_order(&json[at..]) {
            shown.extend(character.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// The same for a text of several lines: line feeds and tabs stay.
pub(crate) fn clean_lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(|part| clean(part).into_owned()).collect::<Vec<_>>().join("\t");
    text.split('\n').map(|text| line(text.trim_end_matches('\r'))).collect::<Vec<_>>().join("\n")
}

/// A size for people: `1.2 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let exponent = (bytes.max(1).ilog2() / 10).min(3);
    if exponent == 0 {
        return format!("{bytes} B");
    }
    let (whole, rest) = (bytes >> (10 * exponent), bytes & ((1 << (10 * exponent)) - 1));
    format!("{whole}.{} {}", (rest * 10) >> (10 * exponent), UNITS[exponent as usize])
}

/// A time for people: `12ms`, `1.34s`.
pub(crate) fn elapsed(time: Duration) -> String {
    match time.as_millis() {
        0 => "0ms".to_owned(),
        millis @ 1..1000 => format!("{millis}ms"),
        millis => format!("{}.{:02}s", millis / 1000, millis % 1000 / 10),
    }
}

/// `1 plugin`, `3 plugins`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_moves_the_cursor() {
        assert_eq!(clean("a\u{1b}[31m\u{202e}b"), "a\\u{1b}[31m\\u{202e}b");
        assert_eq!(clean_lines("a\tb\r\nc\u{1b}"), "a\tb\nc\\u{1b}");
        assert!(matches!(clean("plain é"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_values_and_moves_no_cursor() {
        let value = serde_json::json!({ "a": "x\u{202e}y\u{9b}z\n", "ü": 1 });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let neutral = neutral_json(&text);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&neutral).unwrap(), value);
        let orders = serde_json::json!(["##[group]x", "##vso[y]", "\u{200b}\u{e0041}", "a ## b"]);
        let neutral_orders = neutral_json(&orders.to_string()).into_owned();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&neutral_orders).unwrap(), orders);
        assert!(!neutral_orders.contains("##[") && !neutral_orders.contains("##vso") && neutral_orders.is_ascii(), "{neutral_orders}");
        assert!(!neutral.contains(['\u{202e}', '\u{9b}']) && neutral.contains("\\u202e") && neutral.contains('ü'), "{neutral}");
    }

    #[test]
    fn sizes_and_times_are_short() {
        assert_eq!([size(0), size(1023), size(1_258_291), size(5 << 30)], ["0 B", "1023 B", "1.1 MiB", "5.0 GiB"]);
        assert_eq!(
            [elapsed(Duration::from_micros(300)), elapsed(Duration::from_millis(41)), elapsed(Duration::from_millis(1340))],
            ["0ms", "41ms", "1.34s"]
        );
    }
}
