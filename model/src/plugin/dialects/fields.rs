//! How are the keys of a mapping read, so that none is missed and every mistake has its place?
//!
//! Every key that a reader knows is taken by name, whether it's there or not; what remains at the end is unknown. So the
//! keys that are known, and the nearest names for a misspelt one, are a by-product of reading and can't go stale.

use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use super::{Dialect, Given};
use crate::plugin::PluginManifestError;
use crate::plugin::error::quoted;
use crate::plugin::yaml::{Key, Node, Value};
use crate::text::{is_control_or_bidi, nearest};

type Read<T> = Result<T, PluginManifestError>;

/// What holds for the whole document: what its author should hear, and every mistake that was met. As long as there's one
/// of those, no manifest comes of it, so that reading on after one can't make anything wider.
pub(super) struct Reader {
    pub(super) dialect: Dialect,
    pub(super) warnings: Vec<String>,
    pub(super) errors: Vec<PluginManifestError>,
    /// What's said beside the text, where it's read to be written anew.
    given: Option<Given>,
}

impl Reader {
    /// To read a plugin.
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, warnings: Vec::new(), errors: Vec::new(), given: None }
    }

    /// To write a manifest anew in mfp's dialect.
    pub(super) fn rewriting(given: Given) -> Self {
        Self { given: Some(given), ..Self::new(Dialect::Mfp) }
    }

    /// Is an unknown key an error here?
    pub(super) fn is_strict(&self) -> bool {
        self.dialect == Dialect::Mfp && !self.is_rewriting()
    }

    /// Is it read to be written anew, with everything that had to be assumed said?
    pub(super) fn is_rewriting(&self) -> bool {
        self.given.is_some()
    }

    /// What's said beside the text.
    pub(super) fn given(&self) -> Given {
        self.given.clone().unwrap_or_default()
    }

    pub(super) fn warn(&mut self, sentence: impl Into<String>) {
        self.warnings.push(sentence.into());
    }

    /// The value; or nothing, with the mistake kept and what stands beside it still looked at.
    pub(super) fn keep<T>(&mut self, read: Read<T>) -> Option<T> {
        read.map_err(|error| self.errors.push(error)).ok()
    }

    /// Something that's asked for. Not understanding it is a mistake; where the manifest is written anew, nothing is asked for in its place.
    pub(super) fn asked<T>(&mut self, read: Read<T>) -> Option<T> {
        match read {
            Err(error) if self.is_rewriting() => {
                self.warn(format!("not asked for, since it can't be understood: {error}"));
                None
            }
            read => self.keep(read),
        }
    }

    /// The end of a mapping: what nobody asked for is an error in mfp's dialect and a warning in others.
    pub(super) fn finish(&mut self, fields: &Fields<'_>) {
        if self.is_strict() {
            self.errors.extend(fields.unknown_errors());
        } else {
            self.leave_out(fields);
        }
    }

    /// The end of a mapping below `capabilities`: what nobody asked for is an error in every dialect that's read, and said where the
    /// manifest is written anew.
    pub(super) fn finish_asking(&mut self, fields: &Fields<'_>) {
        if self.is_rewriting() {
            self.leave_out(fields);
        } else {
            self.errors.extend(fields.unknown_errors());
        }
    }

    fn leave_out(&mut self, fields: &Fields<'_>) {
        for key in fields.unknown() {
            let known = if key.text == "hooks" { "hooks are never run" } else { "mfp doesn't know it" };
            self.warn(format!("{} is left out: {known}", quoted(&fields.path_of(&key.text))));
        }
    }
}

/// The entries of a mapping, and which of them have been asked for.
pub(super) struct Fields<'a> {
    /// Where the mapping is in the document (`capabilities.network`); empty at the top.
    path: String,
    span: Range<usize>,
    entries: &'a [(Key, Node)],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The top of the document.
    pub(super) fn of(node: &'a Node, what: &str) -> Read<Self> {
        match &node.value {
            Value::Map(entries) => Ok(Self { path: String::new(), span: node.span.clone(), entries, known: Vec::new() }),
            _ => Err(invalid(format!("{what} must be a mapping: keys and values"), node)),
        }
    }

    /// Is the key there, with a value or without?
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(entry, _)| entry.text == key)
    }

    /// Where the key stands.
    pub(super) fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.entries.iter().find(|(entry, _)| entry.text == key).map(|(entry, _)| entry.span.clone())
    }

    /// The full name of a key in here.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key, if it's there and not written as nothing. The key is known from now on.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let (_, node) = self.entries.iter().find(|(entry, _)| entry.text == key)?;
        (!node.is_null()).then(|| Field { path: self.path_of(key), node })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&mut self, key: &'static str) -> Read<Field<'a>> {
        let missing = format!("{} is missing", quoted(&self.path_of(key)));
        let near = self.unknown_near(key);
        self.take(key).ok_or_else(|| {
            let error = PluginManifestError::invalid(missing, self.head_span());
            near.map_or(error.clone(), |near| {
                error.with_help(format!("there is {}, which mfp doesn't know; was `{key}` meant?", quoted(&near)))
            })
        })
    }

    fn unknown_near(&self, key: &str) -> Option<String> {
        nearest(key, self.entries.iter().map(|(entry, _)| entry.text.as_str())).map(str::to_owned)
    }

    /// The start of the mapping, for an error about what isn't in it.
    fn head_span(&self) -> Range<usize> {
        let end = self.entries.first().map_or(self.span.end, |(key, _)| key.span.end);
        self.span.start.min(end)..end
    }

    /// Every entry, for a mapping whose keys are names.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a Key, Field<'a>)> {
        self.entries.iter().map(|(key, node)| (key, Field { path: self.path_of(&key.text), node }))
    }

    fn unknown(&self) -> impl Iterator<Item = &'a Key> {
        self.entries.iter().map(|(key, _)| key).filter(|key| !self.known.contains(&key.text.as_str()))
    }

    /// An error for each key that nobody has asked for.
    fn unknown_errors(&self) -> impl Iterator<Item = PluginManifestError> {
        self.unknown().map(|key| self.unknown_error(key))
    }

    fn unknown_error(&self, key: &Key) -> PluginManifestError {
        let error = PluginManifestError::invalid(format!("unknown key {}", quoted(&self.path_of(&key.text))), key.span.clone());
        if key.text == "features" {
            return error.with_help("the key is reserved: features don't exist yet");
        }
        match nearest(&key.text, self.known.iter().copied()) {
            Some(near) => error.with_help(format!("did you mean `{near}`?")),
            None => error.with_help(format!("known here: {}", self.known.join(", "))),
        }
    }
}

/// A value that is there, and its full name.
#[derive(Clone)]
pub(super) struct Field<'a> {
    path: String,
    pub(super) node: &'a Node,
}

impl<'a> Field<'a> {
    /// An error about this value.
    pub(super) fn wrong(&self, why: impl Display) -> PluginManifestError {
        invalid(format!("{}: {why}", quoted(&self.path)), self.node)
    }

    /// Its full name in the document.
    pub(super) fn path(&self) -> String {
        quoted(&self.path)
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(&self.node.value, Value::Map(_))
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(&self.node.value, Value::List(_))
    }

    pub(super) fn fields(&self) -> Read<Fields<'a>> {
        match &self.node.value {
            Value::Map(entries) => Ok(Fields { path: self.path.clone(), span: self.node.span.clone(), entries, known: Vec::new() }),
            _ => Err(self.wrong("must be a mapping: keys and values")),
        }
    }

    pub(super) fn list(&self) -> Read<Vec<Field<'a>>> {
        match &self.node.value {
            Value::List(items) => {
                Ok(items.iter().enumerate().map(|(at, node)| Field { path: format!("{}[{at}]", self.path), node }).collect())
            }
            _ => Err(self.wrong("must be a list")),
        }
    }

    /// The text as written, quoted or not.
    pub(super) fn text(&self) -> Read<&'a str> {
        match &self.node.value {
            Value::Scalar { text, .. } if !self.node.is_null() => Ok(text),
            _ => Err(self.wrong("must be a text")),
        }
    }

    /// Is it written without quotes, so that other readers may take it for a number or a boolean?
    pub(super) fn is_plain(&self) -> bool {
        matches!(&self.node.value, Value::Scalar { plain: true, .. })
    }

    /// A text that has rules of its own.
    pub(super) fn parse<T>(&self) -> Read<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text()?.parse().map_err(|why: T::Err| self.wrong(why))
    }

    /// A line for people: no control or bidirectional characters, at most `longest` bytes. Empty is as if it weren't there.
    pub(super) fn line(&self, longest: usize) -> Read<Option<String>> {
        self.checked_text(longest, is_control_or_bidi)
    }

    /// A few lines for people: as [`Self::line`], but with line ends and tabs.
    pub(super) fn lines(&self, longest: usize) -> Read<Option<String>> {
        self.checked_text(longest, |one| is_control_or_bidi(one) && !matches!(one, '\n' | '\t'))
    }

    fn checked_text(&self, longest: usize, refused: impl Fn(char) -> bool) -> Read<Option<String>> {
        let text = self.text()?.trim();
        if text.len() > longest {
            return Err(self.wrong(format!("{} bytes long; the limit is {longest}", text.len())));
        }
        if let Some(character) = text.chars().find(|one| refused(*one)) {
            return Err(self.wrong(format!("has an unseen character, U+{:04X}", u32::from(character))));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// A web page: http or https.
    pub(super) fn link(&self) -> Read<Option<String>> {
        let Some(text) = self.line(2048)? else { return Ok(None) };
        match url::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Some(text)),
            _ => Err(self.wrong("must be a link that starts with `https://` or `http://`")),
        }
    }

    /// `true` or `false`, without quotes. YAML's old `yes` and `on` are texts to newer readers, so they're refused.
    pub(super) fn boolean(&self) -> Read<bool> {
        match &self.node.value {
            Value::Scalar { text, plain: true } if matches!(text.as_str(), "true" | "True" | "TRUE") => Ok(true),
            Value::Scalar { text, plain: true } if matches!(text.as_str(), "false" | "False" | "FALSE") => Ok(false),
            _ => Err(self.wrong("must be `true` or `false`, without quotes")),
        }
    }

    /// A whole number, without quotes, in decimal digits.
    pub(super) fn integer(&self) -> Read<u64> {
        let digits = match &self.node.value {
            Value::Scalar { text, plain: true } => text.as_str(),
            _ => return Err(self.wrong("must be a whole number")),
        };
        let is_decimal = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        if !is_decimal {
            return Err(self.wrong("must be a whole number in decimal digits"));
        }
        digits.parse().map_err(|_| self.wrong("the number is too large"))
    }
}

fn invalid(message: String, node: &Node) -> PluginManifestError {
    PluginManifestError::invalid(message, node.span.clone())
}
