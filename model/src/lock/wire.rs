//! A lock's shape, apart from its meaning: a tree of tables, strings and numbers with their places.
//!
//! There are two ways to the same tree. [`scan`] reads the spelling that our writer makes, line by line, and gives up at
//! whatever isn't that; [`from_toml`] takes any TOML, by way of `toml_edit`, which costs ten times as much. What the tree
//! means is decided in one place, for both.

use std::borrow::Cow;
use std::ops::Range;

use toml_edit::{Document, Item, TableLike};

/// A value with its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node<'t> {
    pub(super) span: Range<usize>,
    pub(super) value: Value<'t>,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'t> {
    String(Cow<'t, str>),
    Integer(i64),
    Boolean(bool),
    Array(Vec<Node<'t>>),
    Table(Table<'t>),
    /// What a lock never has: dates and fractions, by what they're called.
    Other(&'static str),
}

impl Value<'_> {
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Boolean(_) => "true or false",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(what) => what,
        }
    }
}

/// The keys and values of a table, in the text's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Table<'t>(pub(super) Vec<Pair<'t>>);

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pair<'t> {
    pub(super) key: Cow<'t, str>,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node<'t>,
}

impl<'t> Table<'t> {
    pub(super) fn get(&self, key: &str) -> Option<&Node<'t>> {
        self.0.iter().find(|pair| pair.key == key).map(|pair| &pair.node)
    }

    fn push(&mut self, key: &'t str, key_span: Range<usize>, node: Node<'t>) {
        self.0.push(Pair { key: Cow::Borrowed(key), key_span, node });
    }
}

/// The tree of any TOML document.
pub(super) fn from_toml(document: &Document<&str>) -> Table<'static> {
    table(document.as_table())
}

fn table(table: &dyn TableLike) -> Table<'static> {
    let pairs = table.iter().filter_map(|(key, item)| {
        let written = table.key(key)?;
        let key_span = written.span().unwrap_or_default();
        Some(Pair { key: Cow::Owned(key.to_owned()), node: item_node(item, &key_span)?, key_span })
    });
    Table(pairs.collect())
}

fn item_node(item: &Item, key_span: &Range<usize>) -> Option<Node<'static>> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(value_node(value)),
        Item::Table(inner) => Some(Node { span: key_span.clone(), value: Value::Table(table(inner)) }),
        Item::ArrayOfTables(tables) => {
            let node = |inner: &toml_edit::Table| Node {
                span: inner.span().unwrap_or_else(|| key_span.clone()),
                value: Value::Table(table(inner)),
            };
            Some(Node { span: key_span.clone(), value: Value::Array(tables.iter().map(node).collect()) })
        }
    }
}

fn value_node(value: &toml_edit::Value) -> Node<'static> {
    let span = value.span().unwrap_or_default();
    let value = match value {
        toml_edit::Value::String(text) => Value::String(Cow::Owned(text.value().clone())),
        toml_edit::Value::Integer(number) => Value::Integer(*number.value()),
        toml_edit::Value::Boolean(flag) => Value::Boolean(*flag.value()),
        toml_edit::Value::Array(array) => Value::Array(array.iter().map(value_node).collect()),
        toml_edit::Value::InlineTable(inner) => Value::Table(table(inner)),
        toml_edit::Value::Float(_) => Value::Other("a number with a fraction"),
        toml_edit::Value::Datetime(_) => Value::Other("a date"),
    };
    Node { span, value }
}

/// The tree of a text in our writer's spelling; `None` if it's in any other, also if it isn't TOML at all.
///
/// A subset of TOML, read with TOML's meaning: comments only in the first line, tables `[name]` and `[[name]]`, bare
/// keys, basic strings, decimal integers, `true`, `false`, lists and inline tables on one line, and lists
/// with one element a line. Keys that stand twice are left for the reader, which takes none.
pub(super) fn scan(text: &str) -> Option<Table<'_>> {
    let mut scanner = Scanner { text, at: 0 };
    let body = text.strip_prefix(super::HEADER)?;
    scanner.at = text.len() - body.len();
    scanner.expect("\n")?;
    scanner.document()
}

/// The bytes that can't stand in a string as they are: quotes, backslashes, control characters.
const ENDS_TEXT: [bool; 256] = {
    let mut ends = [false; 256];
    let mut control = 0;
    while control < 0x20 {
        ends[control] = true;
        control += 1;
    }
    ends[0x7f] = true;
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    /// What is left. Bytes, since most of a lock is skipped over, and checking where characters begin costs.
    fn rest(&self) -> &'t [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// The next bytes, which have been seen to be whole characters.
    fn take(&mut self, length: usize) -> &'t str {
        let start = self.at;
        self.at += length;
        &self.text[start..self.at]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token.as_bytes());
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.eat(token).then_some(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn document(&mut self) -> Option<Table<'t>> {
        let mut root = self.pairs()?;
        while self.at < self.text.len() {
            self.expect("\n[")?;
            if self.eat("[") {
                self.plugin(&mut root)?;
            } else {
                let (key, key_span) = self.bare_key()?;
                self.expect("]\n")?;
                let value = Value::Table(self.pairs()?);
                root.push(key, key_span.clone(), Node { span: key_span, value });
            }
        }
        Some(root)
    }

    /// The rest of `[[name]]` and its pairs, added to the list of that name that comes right before, or to a new one.
    fn plugin(&mut self, root: &mut Table<'t>) -> Option<()> {
        let header = self.at - 2;
        let (key, key_span) = self.bare_key()?;
        self.expect("]]\n")?;
        let span = header..self.at - 1;
        let element = Node { span, value: Value::Table(self.pairs()?) };
        match root.0.last_mut() {
            Some(Pair { key: last, node: Node { value: Value::Array(elements), .. }, .. }) if last == key => elements.push(element),
            _ => root.push(key, key_span.clone(), Node { span: key_span, value: Value::Array(vec![element]) }),
        }
        Some(())
    }

    /// Lines of `key = value`, up to an empty line or the end.
    fn pairs(&mut self) -> Option<Table<'t>> {
        let mut pairs = Vec::with_capacity(12);
        while self.peek().is_some_and(|next| next != b'\n') {
            pairs.push(self.pair()?);
            self.expect("\n")?;
        }
        Some(Table(pairs))
    }

    fn pair(&mut self) -> Option<Pair<'t>> {
        let (key, key_span) = self.bare_key()?;
        self.expect(" = ")?;
        Some(Pair { key: Cow::Borrowed(key), key_span, node: self.node()? })
    }

    fn bare_key(&mut self) -> Option<(&'t str, Range<usize>)> {
        let length = self.rest().iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
        let span = self.at..self.at + length;
        (length > 0).then(|| (self.take(length), span))
    }

    fn node(&mut self) -> Option<Node<'t>> {
        let start = self.at;
        let value = match self.peek()? {
            b'"' => Value::String(self.string()?),
            b'0'..=b'9' => Value::Integer(self.integer()?),
            b't' => self.expect("true").map(|()| Value::Boolean(true))?,
            b'f' => self.expect("false").map(|()| Value::Boolean(false))?,
            b'[' => Value::Array(self.array()?),
            b'{' => Value::Table(self.inline_table()?),
            _ => return None,
        };
        Some(Node { span: start..self.at, value })
    }

    fn string(&mut self) -> Option<Cow<'t, str>> {
        self.expect("\"")?;
        let plain = self.plain_text()?;
        if self.eat("\"") {
            return Some(Cow::Borrowed(plain));
        }
        let mut text = plain.to_owned();
        while self.eat("\\") {
            text.push(self.escape()?);
            text.push_str(self.plain_text()?);
        }
        self.expect("\"")?;
        Some(Cow::Owned(text))
    }

    /// What comes before the next quote or backslash; `None` if that's a control character, or the end.
    fn plain_text(&mut self) -> Option<&'t str> {
        let length = self.rest().iter().position(|byte| ENDS_TEXT[usize::from(*byte)])?;
        let text = self.take(length);
        matches!(self.peek(), Some(b'"' | b'\\')).then_some(text)
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += usize::from(kind.is_ascii());
        Some(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'b' => '\u{8}',
            b't' => '\t',
            b'n' => '\n',
            b'f' => '\u{c}',
            b'r' => '\r',
            b'u' => {
                self.rest().get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
                char::from_u32(u32::from_str_radix(self.take(4), 16).ok()?)?
            }
            _ => return None,
        })
    }

    fn integer(&mut self) -> Option<i64> {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.take(digits);
        if number.len() > 1 && number.starts_with('0') {
            return None;
        }
        number.parse().ok()
    }

    fn array(&mut self) -> Option<Vec<Node<'t>>> {
        self.expect("[")?;
        let mut elements = Vec::new();
        if self.eat("\n") {
            while self.eat("    ") {
                elements.push(self.node()?);
                self.expect(",\n")?;
            }
            self.expect("]")?;
            return Some(elements);
        }
        if self.eat("]") {
            return Some(elements);
        }
        loop {
            elements.push(self.node()?);
            if self.eat("]") {
                return Some(elements);
            }
            self.expect(", ")?;
        }
    }

    fn inline_table(&mut self) -> Option<Table<'t>> {
        if self.eat("{}") {
            return Some(Table::default());
        }
        self.expect("{ ")?;
        let mut pairs = Vec::new();
        loop {
            pairs.push(self.pair()?);
            if self.eat(" }") {
                return Some(Table(pairs));
            }
            self.expect(", ")?;
        }
    }
}
