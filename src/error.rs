//! What went wrong, in one shape for two readers: a program (code, exit code, details) and a person (what happened, to
//! which file, what to type next).
//!
//! Every error of the libraries below is turned into an [`Error`] at one place, [`crate::explain`]; every code that can
//! come out is in [`catalogue::CATALOGUE`], from which `docs/reference/errors.md` is generated.

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};

use catalogue::{exit_of, remedy_of};

pub(crate) mod catalogue;

/// How the process ends. The numbers are a published contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: the answer is no: a conflict, not found, a plugin's own error.
    No,
    /// 2: usage, or one of our files can't be read as what it should be.
    Usage,
    /// 3: the lock is missing or stale and may not be written.
    Stale,
    /// 4: bytes or a signature don't verify, or what was fetched is malformed.
    Integrity,
    /// 5: valid, but not allowed.
    Denied,
    /// 6: network, or needed and offline.
    Network,
    /// 7: the sandbox stopped the plugin.
    Sandbox,
    /// 8: local input or output.
    Io,
    /// 101: a bug in mfp.
    Bug,
    /// 130: interrupted.
    Interrupted,
    /// 143: terminated.
    Terminated,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Stale => 3,
            Self::Integrity => 4,
            Self::Denied => 5,
            Self::Network => 6,
            Self::Sandbox => 7,
            Self::Io => 8,
            Self::Bug => 101,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Which of two ends a command that met both: 4 before 5, 3, 6, 1.
    fn weight(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Network => 2,
            Self::Stale => 3,
            Self::Denied => 4,
            Self::Integrity => 5,
            Self::Sandbox => 6,
            Self::Io => 7,
            Self::Usage => 8,
            Self::Bug => 9,
            Self::Interrupted | Self::Terminated => 10,
        }
    }

    /// The one of the two that the command ends with.
    pub(crate) fn or(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }
}

/// A piece of a text file that an error points into.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    /// The file, as a person would name it.
    pub(crate) file: String,
    /// Its whole text.
    pub(crate) text: String,
    /// What to underline, in bytes.
    pub(crate) span: Range<usize>,
    /// What to say about it.
    pub(crate) label: String,
}

/// An error as it's shown and as it ends the process.
#[derive(Debug, Clone)]
pub(crate) struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    code: &'static str,
    exit: Option<Exit>,
    message: String,
    points: Vec<String>,
    excerpt: Option<Excerpt>,
    notes: Vec<String>,
    help: Option<String>,
    details: Map<String, Value>,
}

impl Error {
    /// An error with a code of the catalogue and a message.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            exit: None,
            message: without_passwords(&message.into()),
            points: Vec::new(),
            excerpt: None,
            notes: Vec::new(),
            help: None,
            details: Map::new(),
        }))
    }

    /// What to do next; best a command to type.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(without_passwords(&help.into()));
        self
    }

    /// The same, where there's none yet.
    #[must_use]
    pub(crate) fn help_or(mut self, help: Option<String>) -> Self {
        self.0.help = self.0.help.or(help.map(|help| without_passwords(&help)));
        self
    }

    /// Several things that are wrong, shown as a list below the message.
    #[must_use]
    pub(crate) fn points(mut self, points: impl IntoIterator<Item = String>) -> Self {
        self.0.points.extend(points.into_iter().map(|point| without_passwords(&point)));
        self
    }

    /// A sentence below the excerpt.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(without_passwords(&note.into()));
        self
    }

    /// The place in a file.
    #[must_use]
    pub(crate) fn excerpt(mut self, excerpt: Excerpt) -> Self {
        self.0.excerpt = Some(excerpt);
        self
    }

    /// With another place in a file, or none.
    #[must_use]
    pub(crate) fn with_excerpt_of(mut self, change: impl FnOnce(&Excerpt) -> Option<Excerpt>) -> Self {
        self.0.excerpt = self.0.excerpt.as_ref().and_then(change);
        self
    }

    /// Something for programs, under `details`.
    #[must_use]
    pub(crate) fn detail(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(key.to_owned(), value.into());
        self
    }

    /// Say which plugin it's about, where the message doesn't.
    #[must_use]
    pub(crate) fn about(mut self, name: &mfp_model::name::PluginName) -> Self {
        self.0.details.insert("plugin".to_owned(), name.as_str().into());
        if !self.0.message.contains(name.as_str()) {
            self.0.message = format!("{name}: {}", self.0.message);
        }
        self
    }

    /// End with another exit code than the catalogue's for this code.
    #[must_use]
    pub(crate) fn exit_with(mut self, exit: Exit) -> Self {
        self.0.exit = Some(exit);
        self
    }

    /// A bug: something that can't be, was.
    pub(crate) fn bug(message: impl Into<String>) -> Self {
        Self::new("mfp::internal::bug", message).help("this is a mistake in mfp; please report it with the command and `mfp doctor --json`")
    }

    /// Two things were refused: this one, and below it the other.
    #[must_use]
    pub(crate) fn also(mut self, other: Self) -> Self {
        let exit = self.exit().or(other.exit());
        self.0.exit = Some(exit);
        self.0.points.push(format!("{}: {}", other.0.code, other.0.message));
        self.0.points.extend(other.0.points);
        self.0.notes.extend(other.0.notes);
        self.0.help = [self.0.help, other.0.help].into_iter().flatten().reduce(|first, second| format!("{first}\n{second}"));
        for (key, value) in other.0.details {
            self.0.details.entry(key).or_insert(value);
        }
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn exit(&self) -> Exit {
        self.0.exit.unwrap_or_else(|| exit_of(self.0.code))
    }

    /// Does it say that a server or folder doesn't have the file?
    pub(crate) fn is_missing_artifact(&self) -> bool {
        self.code() == "mfp::registry::no-artifact" || self.0.details.get("status") == Some(&Value::from(404))
    }

    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    pub(crate) fn point_list(&self) -> &[String] {
        &self.0.points
    }

    pub(crate) fn note_list(&self) -> &[String] {
        &self.0.notes
    }

    pub(crate) fn source_excerpt(&self) -> Option<&Excerpt> {
        self.0.excerpt.as_ref()
    }

    /// With something to do next: what the catalogue says of its code, where nothing better was said.
    #[must_use]
    pub(crate) fn with_remedy(self) -> Self {
        let remedy = remedy_of(self.0.code);
        self.help_or(remedy.map(as_help))
    }

    pub(crate) fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    pub(crate) fn detail_map(&self) -> &Map<String, Value> {
        &self.0.details
    }
}

/// A sentence as the end of an error has it: without its capital and its full stop.
fn as_help(sentence: &str) -> String {
    let mut characters = sentence.trim_end_matches('.').chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.0.code, self.0.message)
    }
}

impl std::error::Error for Error {}

/// What a command gives, or why it doesn't.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
/// The same number of bytes without the password that a URL holds: what somebody typed or wrote down ends up in logs. Over http a user
/// name may be a token, and goes too; over ssh it's only a name.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_ssh = shown.ends_with("ssh");
        let authority = part.split(['/', '"', '\'', '`', '#', '?', '\n', ' ']).next().unwrap_or_default();
        let end = authority.rfind('@').unwrap_or(0);
        let start = if is_ssh { authority[..end].find(':').map_or(end, |colon| colon + 1) } else { 0 };
        shown.extend(["://", &part[..start], &"*".repeat(end - start), &part[end..]]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_isnt_shown() {
        let hidden = without_passwords("a = \"https://me:s3cret@a.example/x@y\" # mail://x\nb = 'http://b.example'");
        assert_eq!(hidden, "a = \"https://*********@a.example/x@y\" # mail://x\nb = 'http://b.example'");
        assert_eq!(without_passwords("`ssh://git:s3cret@h/x`, ssh://git@h/x"), "`ssh://git:******@h/x`, ssh://git@h/x");
        let error = Error::new("mfp::usage::spec", "`https://u:p@h`")
            .help("https://u:p@h")
            .note("https://u:p@h")
            .points(["https://u:p@h".to_owned()]);
        assert!(!format!("{error:?}").contains("u:p"), "{error:?}");
    }
}
