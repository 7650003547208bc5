//! The last thing that text passes on its way to a person: it moves no cursor, hides nothing, turns nothing around, and gives no
//! order to a CI system that reads the log.
//!
//! Whoever makes a sentence of something from outside cleans it ([`clean`](super::clean)), so that a name can't make two lines of
//! one. This gate is for everything that's printed, whoever made it, and holds where somebody forgot. Line feeds and tabs stay.
//! Of escape sequences only those pass that set a colour or a weight, and those only where the stream is coloured at all.
//!
//! CI systems obey lines that begin with `::` (GitHub, white space before it or not), and `##[…]`, `##vso[…]` and `##teamcity[…]`
//! wherever they stand. Their first character is shown as its number.

use std::borrow::Cow;
use std::io::{self, Write};

use mfp_model::text::is_control_or_bidi;

/// Could this character change how the text around it is shown, or be there without being seen?
pub(crate) fn is_unseen(character: char) -> bool {
    is_control_or_bidi(character)
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text as it may be written to a stream for people.
pub(super) fn gate(text: &str, is_coloured: bool) -> Cow<'_, str> {
    if !text.contains(|character| !matches!(character, '\n' | '\t') && is_unseen(character)) && !text.contains("##") && !text.contains("::")
    {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut begins_line = true;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match character {
            '\u{1b}' if is_coloured => colour(rest),
            _ => None,
        };
        if let Some(length) = length {
            shown.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        let is_order = is_order(rest) || (begins_line && rest.starts_with("::"));
        match character {
            '\n' | '\t' => shown.push(character),
            '\r' if rest.starts_with("\r\n") => {}
            _ if is_order || is_unseen(character) => shown.extend(character.escape_unicode()),
            _ => shown.push(character),
        }
        begins_line = character == '\n' || (begins_line && character.is_whitespace());
        rest = &rest[character.len_utf8()..];
    }
    Cow::Owned(shown)
}

/// Write to stderr. A closed one is no reason to stop the work.
pub(super) fn to_stderr(text: &str, is_coloured: bool) {
    let _ = io::stderr().lock().write_all(gate(text, is_coloured).as_bytes());
}

/// Write to stdout. A reader that has enough (`mfp tree | head`) is no error; a full disk is.
pub(super) fn to_stdout(text: &str, is_coloured: bool) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(gate(text, is_coloured).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Where a trace goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traced {
    pub(crate) is_coloured: bool,
}

impl Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        to_stderr(&String::from_utf8_lossy(bytes), self.is_coloured);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a panic says: its words may have been a stranger's.
pub(crate) fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let words = panic.payload_as_str().unwrap_or("no reason was given");
    let trace = std::backtrace::Backtrace::capture();
    let trace = if trace.status() == std::backtrace::BacktraceStatus::Captured { format!("{trace}\n") } else { String::new() };
    to_stderr(&panic_text(&place, words, &trace), false);
}

fn panic_text(place: &str, words: &str, trace: &str) -> String {
    format!("mfp panicked at {place}: {}\n{trace}", crate::error::without_passwords(&super::clean(words)))
}

/// Does this text begin with what a CI system obeys wherever it stands?
pub(super) fn is_order(text: &str) -> bool {
    text.strip_prefix("##").is_some_and(|rest| rest.trim_start_matches(|character: char| character.is_ascii_alphabetic()).starts_with('['))
}

/// The length of a sequence that sets a colour or a weight, if the text begins with one. None that hides, blinks or swaps colours.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|character: char| !character.is_ascii_digit() && character != ';').filter(|end| *end <= 20)?;
    let (parameters, rest) = parameters.split_at(end);
    let is_known = |parameter: &str| matches!(parameter.parse(), Ok(0..=4_u8 | 22..=24 | 30..=37 | 39 | 90..=97));
    let is_harmless = parameters.is_empty() || parameters.starts_with("38;") || parameters.split(';').all(is_known);
    (rest.starts_with('m') && is_harmless).then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_where_there_are_colours_and_nothing_else_does() {
        let coloured = "\u{1b}[1;31merror\u{1b}[0m: x \u{1b}[38;2;1;2;3my\u{1b}[0m";
        assert_eq!(gate(coloured, true), coloured);
        assert!(!gate(coloured, false).contains('\u{1b}'));
        for hidden in
            ["\u{1b}[8mx", "\u{1b}[7mx", "\u{1b}[2J", "\u{1b}[31;8mx", "\u{1b}]0;x\u{7}", "\u{1b}[1A", "\u{1b}", "\u{9b}31m", "\u{1b}[31"]
        {
            assert!(!gate(hidden, true).contains(['\u{1b}', '\u{9b}', '\u{7}']), "{hidden:?}");
        }
    }

    #[test]
    fn nothing_unseen_passes_and_lines_stay_lines() {
        assert_eq!(gate("a\tb\r\nc\n", false), "a\tb\nc\n");
        assert_eq!(gate("a\rb\u{202e}c\u{200b}d\u{2028}e\u{e0041}f", false), "a\\u{d}b\\u{202e}c\\u{200b}d\\u{2028}e\\u{e0041}f");
        assert!(matches!(gate("plain é 日本 👍 ## heading\n", false), Cow::Borrowed(_) | Cow::Owned(_)));
        assert_eq!(gate("plain é 日本 ## heading [x]\n", false), "plain é 日本 ## heading [x]\n");
    }

    #[test]
    fn nothing_is_an_order_to_a_ci_system() {
        assert_eq!(gate("::set-output name=x::y\n  ::error::z", false), "\\u{3a}:set-output name=x::y\n  \\u{3a}:error::z");
        assert_eq!(gate("\u{1b}[1m::error::z\u{1b}[0m", true), "\u{1b}[1m\\u{3a}:error::z\u{1b}[0m");
        assert_eq!(gate("a ##[group]b ##vso[task x]y ##teamcity[z] ##VSO[q]", false).matches("##").count(), 0);
        assert_eq!(gate("error[mfp::lock::stale]: a::b", false), "error[mfp::lock::stale]: a::b");
    }

    #[test]
    fn a_panic_draws_nothing_and_tells_no_password() {
        let text = panic_text("src/x.rs:1:1", "can't be: \u{1b}[2J\n::error::https://u:canary@h/ \u{202e}", "");
        assert_eq!(gate(&text, false), text);
        assert!(text.lines().count() == 1 && !text.contains("canary"), "{text}");
    }

    #[test]
    fn what_a_library_draws_passed_here_before() {
        use crate::report::neutral_line;
        let hostile = "a\u{1b}[2J\u{202e}\u{9b}m\r\n::error::x ##[group]y\t\u{200b}";
        let line = neutral_line(hostile);
        assert!(!line.contains(is_unseen) && !line.contains("##["), "{line:?}");
        assert_eq!(neutral_line("::error::x"), "\\u{3a}:error::x");
        // Every text that's handed to such a library is handed over so.
        let sources = [include_str!("terminal.rs"), include_str!("ask.rs")].concat();
        for call in ["set_message(", "with_prompt(", "with_prefix(", "set_prefix("] {
            assert!(sources.split(call).skip(1).all(|rest| rest.starts_with("neutral_line(")), "{call}");
        }
        assert!(sources.contains("set_message(neutral_line(") && sources.contains("with_prompt(neutral_line("));
    }

    #[test]
    fn a_trace_passes_the_gate_too() {
        // What's written is seen in tests/hostile/texts.rs; here, that nothing of it is taken for an error.
        assert_eq!(Traced { is_coloured: false }.write(b"\xff").unwrap(), 1);
    }

    /// The gate is the only place that writes to a stream for people.
    #[test]
    fn nobody_prints_beside_the_gate() {
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let others = text.lines().filter(|line| {
                    // A question whether it's a terminal prints nothing; the compiler's child answers its parent in bytes; what an author's
                    // own tools say, they say themselves.
                    let is_stream =
                        ["std::io::stdout", "std::io::stderr", "io::stdout()", "io::stderr()"].iter().any(|name| line.contains(name));
                    is_stream && !["is_terminal", "compile_child", "Stdio::from("].iter().any(|harmless| line.contains(harmless))
                });
                let count = others.count();
                assert!(count == 0 || path.ends_with("report/gate.rs"), "{} writes to a stream by itself", path.display());
                seen += count;
            }
        }
        assert!(seen >= 2, "the search finds what it looks for");
    }

    /// What mfp itself writes for programs is as it was: the gate changes no script and no page.
    #[test]
    fn completions_and_manuals_pass_unchanged() {
        use clap::CommandFactory;
        for shell in [
            clap_complete::Shell::Bash,
            clap_complete::Shell::Zsh,
            clap_complete::Shell::Fish,
            clap_complete::Shell::PowerShell,
            clap_complete::Shell::Elvish,
        ] {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut crate::cli::Cli::command(), "mfp", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert_eq!(gate(&script, false), script, "{shell}");
        }
    }
}
