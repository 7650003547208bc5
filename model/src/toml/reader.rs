//! Asking a document for what is expected, and collecting everything that isn't.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::Range;
use std::str::FromStr;

use toml_edit::{ArrayOfTables, Document, Item, TableLike, Value};

use crate::text::nearest;

/// What kind of mistake it is: the last part of an error's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// Not TOML.
    Syntax,
    /// A key that nobody asked for. Holds the keys that were.
    UnknownKey(Vec<&'static str>),
    /// A key that isn't there.
    Missing,
    /// A value of another type, or one that its own rules refuse.
    Invalid,
    /// The same thing twice with different values.
    Duplicate,
    /// A name that should be declared elsewhere in the file and isn't.
    Undeclared,
    /// Something that must not stand in this file, such as a credential.
    Misplaced,
    /// The file asks for a newer mfp.
    NewerNeeded,
}

/// A mistake in a file, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where, in bytes of the file's text. May be empty at the end of the file.
    pub span: Range<usize>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A key that people may expect in this file but that must stand elsewhere: the key, and what to do instead.
pub type Misplaced = (&'static str, &'static str);

/// What is shared by all readers of one document.
#[derive(Debug)]
struct Context {
    problems: RefCell<Vec<Problem>>,
    misplaced: &'static [Misplaced],
}

/// Read a TOML text. `build` gets the root table and makes the value, with whatever stands in for parts that couldn't be
/// read; if there was any problem the value is dropped and the problems, in the file's order, are the answer.
pub fn read<T>(text: &str, misplaced: &'static [Misplaced], build: impl FnOnce(TableReader<'_>) -> T) -> Result<T, Vec<Problem>> {
    let document = Document::parse(text).map_err(|error| vec![syntax(text, &error)])?;
    let context = Context { problems: RefCell::default(), misplaced };
    let root = TableReader { table: document.as_table(), context: &context, path: String::new(), span: 0..0, asked: Vec::new() };
    let value = build(root);
    let mut problems = context.problems.into_inner();
    if problems.is_empty() {
        return Ok(value);
    }
    if problems.iter().any(|problem| problem.kind == ProblemKind::NewerNeeded) {
        problems.retain(|problem| problem.kind == ProblemKind::NewerNeeded);
    }
    problems.sort_by_key(|problem| problem.span.start);
    Err(problems)
}

/// The parser's own complaint, with a span inside the text.
pub(crate) fn syntax(text: &str, error: &toml_edit::TomlError) -> Problem {
    let span = error.span().unwrap_or(text.len()..text.len());
    let span = span.start.min(text.len())..span.end.min(text.len());
    Problem { kind: ProblemKind::Syntax, message: format!("not valid TOML: {}", error.message()), span, help: None }
}

/// One table, being asked for its keys. [`TableReader::finish`] complains about those that nobody asked for.
#[must_use = "call `finish`, so that unknown keys are found"]
pub struct TableReader<'d> {
    table: &'d dyn TableLike,
    context: &'d Context,
    path: String,
    span: Range<usize>,
    asked: Vec<&'static str>,
}

impl<'d> TableReader<'d> {
    /// Ask for a key. `None` if it isn't there.
    pub fn take(&mut self, key: &'static str) -> Option<ValueReader<'d>> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.value(key)
    }

    /// Ask for a key that must be there; complain if it isn't.
    pub fn require(&mut self, key: &'static str) -> Option<ValueReader<'d>> {
        let value = self.take(key);
        if value.is_none() {
            self.report(ProblemKind::Missing, self.span.clone(), format!("{}`{key}` is missing", self.prefix()), None);
        }
        value
    }

    /// Ask for a key and read it by its type's own rules.
    pub fn parse<T: FromStr<Err: Display>>(&mut self, key: &'static str) -> Option<T> {
        self.take(key)?.parse()
    }

    /// Ask for `true` or `false`; `false` if it isn't there.
    pub fn flag(&mut self, key: &'static str) -> bool {
        self.take(key).and_then(|value| value.boolean()).unwrap_or(false)
    }

    /// Ask for a table.
    pub fn table(&mut self, key: &'static str) -> Option<TableReader<'d>> {
        self.take(key)?.table()
    }

    /// Every key and value, in the file's order, for tables whose keys are names.
    pub fn entries(self) -> Vec<(KeyReader<'d>, ValueReader<'d>)> {
        self.table
            .iter()
            .filter_map(|(key, _)| {
                let value = self.value(key)?;
                let key = KeyReader { text: key, span: value.key_span.clone(), context: self.context, path: self.path.clone() };
                Some((key, value))
            })
            .collect()
    }

    /// The keys that are there, in the file's order.
    pub fn keys(&self) -> Vec<&'d str> {
        self.table.iter().map(|(key, _)| key).collect()
    }

    /// Is the key there? Doesn't count as asking.
    pub fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Complain about every key that nobody asked for.
    pub fn finish(self) {
        for (key, _) in self.table.iter() {
            if self.asked.contains(&key) {
                continue;
            }
            let Some(value) = self.value(key) else { continue };
            self.complain_about(key, value.key_span);
        }
    }

    fn complain_about(&self, key: &str, span: Range<usize>) {
        if let Some((_, instead)) = self.context.misplaced.iter().find(|(misplaced, _)| *misplaced == key) {
            let message = format!("{}`{key}` can't be set in this file", self.prefix());
            return self.report(ProblemKind::Misplaced, span, message, Some((*instead).to_owned()));
        }
        let help = match nearest(key, self.asked.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if self.asked.is_empty() => "no key is known here".to_owned(),
            None => format!("known here: {}", list(&self.asked)),
        };
        let message = format!("{}unknown key `{key}`", self.prefix());
        self.report(ProblemKind::UnknownKey(self.asked.clone()), span, message, Some(help));
    }

    /// Where the table is: its key or braces.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Complain about the table as a whole.
    pub fn report(&self, kind: ProblemKind, span: Range<usize>, message: String, help: Option<String>) {
        self.context.problems.borrow_mut().push(Problem { kind, message, span, help });
    }

    fn prefix(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) }
    }

    fn value(&self, key: &str) -> Option<ValueReader<'d>> {
        let (written, item) = self.table.get_key_value(key)?;
        let node = Node::of(item)?;
        let key_span = written.span().or_else(|| item.span()).unwrap_or_default();
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Some(ValueReader { node, key_span, context: self.context, path })
    }
}

fn list(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

/// A key that is a name.
pub struct KeyReader<'d> {
    /// The name as written.
    pub text: &'d str,
    /// Where it is.
    pub span: Range<usize>,
    context: &'d Context,
    path: String,
}

impl KeyReader<'_> {
    /// Read the key by its type's own rules, complaining if they refuse it.
    pub fn parse<T: FromStr<Err: Display>>(&self) -> Option<T> {
        match self.text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let message = format!("{}: `{}`: {error}", self.path, self.text.escape_debug());
                let problem = Problem { kind: ProblemKind::Invalid, message, span: self.span.clone(), help: None };
                self.context.problems.borrow_mut().push(problem);
                None
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Node<'d> {
    Value(&'d Value),
    Table(&'d toml_edit::Table),
    Tables(&'d ArrayOfTables),
}

impl<'d> Node<'d> {
    fn of(item: &'d Item) -> Option<Self> {
        match item {
            Item::None => None,
            Item::Value(value) => Some(Self::Value(value)),
            Item::Table(table) => Some(Self::Table(table)),
            Item::ArrayOfTables(tables) => Some(Self::Tables(tables)),
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Table(_) | Self::Value(Value::InlineTable(_)) => "a table",
            Self::Tables(_) => "several tables",
            Self::Value(Value::String(_)) => "a string",
            Self::Value(Value::Integer(_)) => "an integer",
            Self::Value(Value::Float(_)) => "a number with a fraction",
            Self::Value(Value::Boolean(_)) => "true or false",
            Self::Value(Value::Datetime(_)) => "a date",
            Self::Value(Value::Array(_)) => "a list",
        }
    }
}

/// One value, being asked what it is. Whatever it isn't is reported once, here.
pub struct ValueReader<'d> {
    node: Node<'d>,
    key_span: Range<usize>,
    context: &'d Context,
    path: String,
}

impl<'d> ValueReader<'d> {
    /// The keys that lead to it, joined by dots: `plugins.auth-jwt.version`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where the value is; where its key is, for a table with a header of its own.
    pub fn span(&self) -> Range<usize> {
        match self.node {
            Node::Value(value) => value.span().unwrap_or_else(|| self.key_span.clone()),
            Node::Table(_) | Node::Tables(_) => self.key_span.clone(),
        }
    }

    /// Where its key is.
    pub fn key_span(&self) -> Range<usize> {
        self.key_span.clone()
    }

    /// The string that it is, if it's one. Never complains.
    pub fn as_str(&self) -> Option<&'d str> {
        match self.node {
            Node::Value(value) => value.as_str(),
            _ => None,
        }
    }

    /// The integer that it is, if it's one. Never complains.
    pub fn as_integer(&self) -> Option<i64> {
        match self.node {
            Node::Value(value) => value.as_integer(),
            _ => None,
        }
    }

    /// Is it a table, inline or with a header?
    pub fn is_table(&self) -> bool {
        self.as_table_like().is_some()
    }

    /// Is it a list, of values or of tables with headers?
    pub fn is_array(&self) -> bool {
        matches!(self.node, Node::Value(Value::Array(_)) | Node::Tables(_))
    }

    /// The value in `toml_edit`'s own form, if it's one value and not a table with a header.
    pub fn as_value(&self) -> Option<&'d Value> {
        match self.node {
            Node::Value(value) => Some(value),
            _ => None,
        }
    }

    fn as_table_like(&self) -> Option<&'d dyn TableLike> {
        match self.node {
            Node::Table(table) => Some(table),
            Node::Value(Value::InlineTable(table)) => Some(table),
            _ => None,
        }
    }

    /// A string.
    pub fn string(&self) -> Option<&'d str> {
        self.as_str().or_else(|| self.wrong_type("a string"))
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.node {
            Node::Value(Value::Boolean(value)) => Some(*value.value()),
            _ => self.wrong_type("true or false"),
        }
    }

    /// An integer within these bounds.
    pub fn integer(&self, bounds: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let Some(integer) = self.as_integer() else { return self.wrong_type("an integer") };
        match u64::try_from(integer).ok().filter(|integer| bounds.contains(integer)) {
            Some(integer) => Some(integer),
            None if integer < 0 && *bounds.start() == 0 => self.invalid(&format!("{integer} is negative")),
            None => self.invalid(&format!("{integer} isn't between {} and {}", bounds.start(), bounds.end())),
        }
    }

    /// A string that its type's own rules take.
    pub fn parse<T: FromStr<Err: Display>>(&self) -> Option<T> {
        match self.string()?.parse() {
            Ok(value) => Some(value),
            Err(error) => self.invalid(&error.to_string()),
        }
    }

    /// A list: of values, or of tables with headers. Its elements are called by the list's own path.
    pub fn array(&self) -> Option<Vec<ValueReader<'d>>> {
        let element = |node: Node<'d>, span: Option<Range<usize>>| ValueReader {
            node,
            key_span: span.unwrap_or_else(|| self.key_span.clone()),
            context: self.context,
            path: self.path.clone(),
        };
        match self.node {
            Node::Value(Value::Array(array)) => Some(array.iter().map(|value| element(Node::Value(value), value.span())).collect()),
            Node::Tables(tables) => Some(tables.iter().map(|table| element(Node::Table(table), table.span())).collect()),
            _ => self.wrong_type("a list"),
        }
    }

    /// A list of strings that their type's own rules take. Elements that aren't are reported and left out.
    pub fn list<T: FromStr<Err: Display>, C: FromIterator<T>>(&self) -> Option<C> {
        Some(self.array()?.iter().filter_map(ValueReader::parse).collect())
    }

    /// A table, inline or with a header.
    pub fn table(&self) -> Option<TableReader<'d>> {
        let Some(table) = self.as_table_like() else { return self.wrong_type("a table") };
        Some(TableReader { table, context: self.context, path: self.path.clone(), span: self.span(), asked: Vec::new() })
    }

    /// Complain that the value is of another type.
    pub fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.invalid(&format!("expected {expected}, found {}", self.node.describe()))
    }

    /// Complain about the value.
    pub fn invalid<T>(&self, message: &str) -> Option<T> {
        self.report(ProblemKind::Invalid, message, None)
    }

    /// Complain about the value and say what to do.
    pub fn invalid_with_help<T>(&self, message: &str, help: impl Into<String>) -> Option<T> {
        self.report(ProblemKind::Invalid, message, Some(help.into()))
    }

    /// Complain about the value, in a given kind.
    pub fn report<T>(&self, kind: ProblemKind, message: &str, help: Option<String>) -> Option<T> {
        let problem = Problem { kind, message: format!("{}: {message}", self.path), span: self.span(), help };
        self.context.problems.borrow_mut().push(problem);
        None
    }
}

impl std::fmt::Debug for TableReader<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "TableReader({})", self.path)
    }
}

impl std::fmt::Debug for KeyReader<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "KeyReader({})", self.text)
    }
}

impl std::fmt::Debug for ValueReader<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "ValueReader({})", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: &[Misplaced] = &[("token", "use `mfp login`")];

    #[derive(Debug, Default, PartialEq)]
    struct Settings {
        name: Option<String>,
        size: Option<u64>,
    }

    fn read_settings(text: &str) -> Result<Settings, Vec<Problem>> {
        read(text, TOKENS, |mut root| {
            let settings = Settings {
                name: root.take("name").and_then(|value| value.string().map(str::to_owned)),
                size: root.take("size").and_then(|value| value.integer(1..=10)),
            };
            if let Some(mut inner) = root.table("inner") {
                inner.flag("deep");
                inner.finish();
            }
            root.finish();
            settings
        })
    }

    fn told(text: &str) -> Vec<String> {
        let problems = read_settings(text).unwrap_err();
        problems.iter().map(|p| format!("{:?} {} {:?}", &text[p.span.clone()], p.message, p.help)).collect()
    }

    #[test]
    fn what_is_expected_is_read() {
        let settings = Settings { name: Some("x".into()), size: Some(3) };
        assert_eq!(read_settings("name = 'x'\nsize = 3\ninner.deep = true\n"), Ok(settings));
        assert_eq!(read_settings(""), Ok(Settings::default()));
    }

    #[test]
    fn every_mistake_is_told_at_once_in_the_files_order() {
        let text = "nmae = 'x'\nsize = 11\ntoken = 't'\n[inner]\ndeep = 1\nzzzzzz = 1\n";
        assert_eq!(
            told(text),
            [
                r#""nmae" unknown key `nmae` Some("did you mean `name`?")"#,
                r#""11" size: 11 isn't between 1 and 10 None"#,
                r#""token" `token` can't be set in this file Some("use `mfp login`")"#,
                r#""1" inner.deep: expected true or false, found an integer None"#,
                r#""zzzzzz" inner: unknown key `zzzzzz` Some("known here: `deep`")"#,
            ]
        );
    }

    #[test]
    fn a_text_that_is_no_toml_says_where() {
        let problems = read_settings("name = 'x'\nname = 'y'\n").unwrap_err();
        assert_eq!((problems.len(), problems[0].kind.clone()), (1, ProblemKind::Syntax));
        assert!(problems[0].span.start >= 11, "{problems:?}");
    }
}
