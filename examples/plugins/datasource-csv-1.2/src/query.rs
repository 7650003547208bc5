//! What does a question ask? The language, from text to [`Query`].
//!
//! ```text
//! select * | count(*) | column {, column}
//! from table | 'file'
//! [where condition {and condition}]
//! [order by column [asc | desc]] [limit number] [offset number]
//!
//! condition: column (= | != | <> | < | <= | > | >=) value
//!          | column [not] like value          % is any text, _ one character
//!          | column is [not] null
//! value:     'text' | number | true | false | :parameter
//! ```
//!
//! Keywords in any case; names as they're written, in double quotes if they aren't plain.

use crate::Value;
use crate::table::{Cell, number};
use std::cmp::Ordering;

pub(crate) struct Query {
    pub(crate) select: Select,
    pub(crate) source: Source,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) order: Option<(String, Direction)>,
    pub(crate) limit: Option<usize>,
    pub(crate) offset: usize,
}

/// Where the table is.
pub(crate) enum Source {
    /// By name: in the configuration or in the package.
    Named(String),
    /// A file of the project.
    #[cfg(feature = "files")]
    File(String),
}

pub(crate) enum Select {
    All,
    Count,
    Columns(Vec<String>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

pub(crate) struct Condition {
    pub(crate) column: String,
    pub(crate) test: Test,
}

pub(crate) enum Test {
    Compare(Operator, Cell),
    Like { pattern: String, wanted: bool },
    Null { wanted: bool },
}

#[derive(Clone, Copy)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Operator {
    pub(crate) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Operator::Equal => ordering.is_eq(),
            Operator::NotEqual => ordering.is_ne(),
            Operator::Less => ordering.is_lt(),
            Operator::LessOrEqual => ordering.is_le(),
            Operator::Greater => ordering.is_gt(),
            Operator::GreaterOrEqual => ordering.is_ge(),
        }
    }

    fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" => Operator::Equal,
            "!=" | "<>" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            _ => return None,
        })
    }
}

/// Reads a question; `parameters` has the values of its `:names`.
pub(crate) fn parse(text: &str, parameters: &Value) -> Result<Query, String> {
    let mut parser = Parser { tokens: tokens(text)?.into_iter().peekable(), parameters };
    let query = parser.query()?;
    match parser.tokens.next() {
        None => Ok(query),
        Some(token) => Err(format!("the query should end before {token}")),
    }
}

#[derive(Clone, PartialEq)]
enum Token {
    /// A keyword or a plain name.
    Word(String),
    /// A name in double quotes.
    Quoted(String),
    Text(String),
    Number(String),
    Parameter(String),
    Sign(String),
}

impl std::fmt::Display for Token {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Token::Word(text) | Token::Number(text) | Token::Sign(text) => write!(out, "`{text}`"),
            Token::Quoted(text) => write!(out, "`\"{text}\"`"),
            Token::Text(text) => write!(out, "`'{text}'`"),
            Token::Parameter(text) => write!(out, "`:{text}`"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.trim().trim_end_matches(';').trim_end();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '\'' => quoted(rest, '\'').map(|(text, after)| (Token::Text(text), after))?,
            '"' => quoted(rest, '"').map(|(text, after)| (Token::Quoted(text), after))?,
            ':' => {
                let (name, after) = while_true(&rest[1..], is_name);
                (Token::Parameter(name.to_owned()), after)
            }
            '0'..='9' | '-' => {
                let (number, after) = while_true(rest, |c| c.is_ascii_alphanumeric() || "+-.".contains(c));
                (Token::Number(number.to_owned()), after)
            }
            '<' | '>' | '!' | '=' => {
                let (sign, after) = while_true(rest, |c| "<>!=".contains(c));
                (Token::Sign(sign.to_owned()), after)
            }
            ',' | '*' | '(' | ')' => (Token::Sign(first.to_string()), &rest[1..]),
            _ if is_name(first) => {
                let (word, after) = while_true(rest, is_name);
                (Token::Word(word.to_owned()), after)
            }
            other => return Err(format!("the query has a `{other}` that means nothing here")),
        };
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '-'
}

fn while_true(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|character| !fits(character)).unwrap_or(text.len()))
}

/// The text between two `quote`s; a doubled one stands for itself.
fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut inside = String::new();
    let mut characters = text[1..].char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if character != quote {
            inside.push(character);
        } else if characters.next_if(|(_, next)| *next == quote).is_some() {
            inside.push(quote);
        } else {
            return Ok((inside, &text[index + 2..]));
        }
    }
    Err(format!("the query has a {quote} that's never closed"))
}

struct Parser<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    parameters: &'a Value,
}

impl Parser<'_> {
    fn query(&mut self) -> Result<Query, String> {
        self.expect("select")?;
        let select = self.select()?;
        self.expect("from")?;
        let source = self.source()?;
        let mut conditions = Vec::new();
        if self.word("where") {
            conditions.push(self.condition()?);
            while self.word("and") {
                conditions.push(self.condition()?);
            }
        }
        let order = if self.word("order") { Some(self.order()?) } else { None };
        let limit = if self.word("limit") { Some(self.count("limit")?) } else { None };
        let offset = if self.word("offset") { self.count("offset")? } else { 0 };
        Ok(Query { select, source, conditions, order, limit, offset })
    }

    fn select(&mut self) -> Result<Select, String> {
        if self.sign("*") {
            return Ok(Select::All);
        }
        let mut columns = vec![self.name("a column, `*` or `count(*)`")?];
        if columns[0].eq_ignore_ascii_case("count") && self.sign("(") {
            return if self.sign("*") && self.sign(")") { Ok(Select::Count) } else { Err("`count` is written `count(*)`".to_owned()) };
        }
        while self.sign(",") {
            columns.push(self.name("a column")?);
        }
        match crate::table::twice(&columns) {
            Some(twice) => Err(format!("the column `{twice}` is selected twice")),
            None => Ok(Select::Columns(columns)),
        }
    }

    #[cfg(feature = "files")]
    fn source(&mut self) -> Result<Source, String> {
        match self.tokens.next_if(|token| matches!(token, Token::Text(_))) {
            Some(Token::Text(file)) => Ok(Source::File(file)),
            _ => Ok(Source::Named(self.name("a table or a file in single quotes")?)),
        }
    }

    #[cfg(not(feature = "files"))]
    fn source(&mut self) -> Result<Source, String> {
        Ok(Source::Named(self.name("a table")?))
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let column = self.name("a column")?;
        let test = if self.word("is") {
            let wanted = !self.word("not");
            self.expect("null")?;
            Test::Null { wanted }
        } else {
            let negated = self.word("not");
            if negated || self.peek_word("like") {
                self.expect("like")?;
                Test::Like { pattern: self.pattern()?, wanted: !negated }
            } else {
                Test::Compare(self.operator()?, self.value()?)
            }
        };
        Ok(Condition { column, test })
    }

    fn operator(&mut self) -> Result<Operator, String> {
        match self.tokens.next() {
            Some(Token::Sign(sign)) => Operator::of(&sign).ok_or_else(|| format!("`{sign}` isn't an operator")),
            other => Err(wanted("an operator (=, !=, <, <=, >, >=, like, is)", other.as_ref())),
        }
    }

    fn pattern(&mut self) -> Result<String, String> {
        match self.value()? {
            Cell::String(pattern) => Ok(pattern),
            _ => Err("`like` takes a text".to_owned()),
        }
    }

    fn value(&mut self) -> Result<Cell, String> {
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Cell::String(text)),
            Some(Token::Number(text)) => number(&text).ok_or_else(|| format!("`{text}` isn't a number")),
            Some(Token::Parameter(name)) => self.parameter(&name),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(Cell::Boolean(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Ok(Cell::Boolean(false)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => {
                Err("nothing equals null; write `is null` or `is not null`".to_owned())
            }
            other => Err(wanted("a value ('text', number, true, false, :parameter)", other.as_ref())),
        }
    }

    fn parameter(&self, name: &str) -> Result<Cell, String> {
        let value = self.parameters.get(name).ok_or_else(|| format!("the query names `:{name}`, which isn't in its parameters"))?;
        match value {
            Value::String(text) => Ok(Cell::String(text.clone())),
            Value::Bool(truth) => Ok(Cell::Boolean(*truth)),
            Value::Number(digits) => number(&digits.to_string()).ok_or_else(|| format!("the parameter `{name}` isn't a number I can hold")),
            _ => Err(format!("the parameter `{name}` must be a string, a number or a boolean")),
        }
    }

    fn order(&mut self) -> Result<(String, Direction), String> {
        self.expect("by")?;
        let column = self.name("a column")?;
        if self.word("desc") {
            return Ok((column, Direction::Descending));
        }
        self.word("asc");
        Ok((column, Direction::Ascending))
    }

    fn count(&mut self, keyword: &str) -> Result<usize, String> {
        let place = format!("a whole number after `{keyword}`");
        let value = match self.tokens.peek() {
            Some(Token::Number(_) | Token::Parameter(_)) => self.value()?,
            other => return Err(wanted(&place, other)),
        };
        match value {
            Cell::Integer(number) => usize::try_from(number).map_err(|_| format!("{place} is needed, not {number}")),
            _ => Err(format!("{place} is needed")),
        }
    }

    fn name(&mut self, what: &str) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Word(name)) if !is_keyword(&name) => Ok(name),
            Some(Token::Quoted(name)) => Ok(name),
            other => Err(wanted(what, other.as_ref())),
        }
    }

    fn expect(&mut self, keyword: &str) -> Result<(), String> {
        if self.word(keyword) {
            return Ok(());
        }
        Err(wanted(&format!("`{keyword}`"), self.tokens.peek()))
    }

    fn word(&mut self, keyword: &str) -> bool {
        let found = self.peek_word(keyword);
        if found {
            self.tokens.next();
        }
        found
    }

    fn peek_word(&mut self, keyword: &str) -> bool {
        matches!(self.tokens.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    fn sign(&mut self, sign: &str) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign.to_owned())).is_some()
    }
}

fn is_keyword(word: &str) -> bool {
    ["select", "from", "where", "and", "order", "limit", "offset"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn wanted(what: &str, found: Option<&Token>) -> String {
    match found {
        Some(found) => format!("the query should have {what} where it has {found}"),
        None => format!("the query should have {what} where it ends"),
    }
}
