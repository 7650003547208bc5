//! What is in a table, and of which type is each column?
//!
//! Types are found, not declared: a column is `integer`, `float` or `boolean` if all its cells that
//! aren't empty are, else `string`. An empty cell is null.

use crate::Value;
use crate::csv::Record;
use std::cmp::Ordering;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Float,
    Boolean,
    String,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Integer => "integer",
            Kind::Float => "float",
            Kind::Boolean => "boolean",
            Kind::String => "string",
        }
    }
}

/// What a cell or a literal holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Float(f64),
    Boolean(bool),
    String(String),
}

impl Cell {
    /// The order of two cells: null first; `None` if they're of kinds that can't be compared.
    #[expect(clippy::cast_precision_loss, reason = "an integer against a float compares as floats do")]
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Cell::Null, Cell::Null) => Some(Ordering::Equal),
            (Cell::Null, _) => Some(Ordering::Less),
            (_, Cell::Null) => Some(Ordering::Greater),
            (Cell::Integer(left), Cell::Integer(right)) => Some(left.cmp(right)),
            (Cell::Integer(left), Cell::Float(right)) => (*left as f64).partial_cmp(right),
            (Cell::Float(left), Cell::Integer(right)) => left.partial_cmp(&(*right as f64)),
            (Cell::Float(left), Cell::Float(right)) => left.partial_cmp(right),
            (Cell::Boolean(left), Cell::Boolean(right)) => Some(left.cmp(right)),
            (Cell::String(left), Cell::String(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Integer(number) => (*number).into(),
            Cell::Float(number) => (*number).into(),
            Cell::Boolean(truth) => (*truth).into(),
            Cell::String(text) => text.as_str().into(),
        }
    }

    fn read(text: &str, kind: Kind) -> Self {
        if text.is_empty() {
            return Cell::Null;
        }
        let typed = match kind {
            Kind::Integer => integer(text).map(Cell::Integer),
            Kind::Float => float(text).map(Cell::Float),
            Kind::Boolean => boolean(text).map(Cell::Boolean),
            Kind::String => None,
        };
        typed.unwrap_or_else(|| Cell::String(text.to_owned()))
    }
}

/// A column's name and type.
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Columns, and rows with one cell each.
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Table {
    /// The first record is the header; every other one must be as long.
    pub(crate) fn read(mut records: Vec<Record>) -> Result<Self, String> {
        if records.is_empty() {
            return Err("the CSV has no header".to_owned());
        }
        let names = records.remove(0).fields;
        if let Some(twice) = twice(&names) {
            return Err(format!("the column `{twice}` is there twice"));
        }
        if let Some(record) = records.iter().find(|record| record.fields.len() != names.len()) {
            let (line, found, wanted) = (record.line, record.fields.len(), names.len());
            return Err(format!("line {line} has {found} fields, the header has {wanted}"));
        }
        let columns: Vec<Column> = names
            .into_iter()
            .enumerate()
            .map(|(index, name)| Column { name, kind: kind(records.iter().map(|record| record.fields[index].as_str())) })
            .collect();
        let rows = records.iter().map(|record| cells(record, &columns)).collect();
        Ok(Self { columns, rows })
    }

    /// Where the column `name` is.
    pub(crate) fn column(&self, name: &str) -> Result<usize, String> {
        let found = self.columns.iter().position(|column| column.name == name);
        found.ok_or_else(|| {
            let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).collect();
            format!("there's no column `{name}`; there are {}", names.join(", "))
        })
    }
}

/// A name that's there more than once.
pub(crate) fn twice(names: &[String]) -> Option<&String> {
    names.iter().enumerate().find_map(|(index, name)| names[..index].contains(name).then_some(name))
}

fn cells(record: &Record, columns: &[Column]) -> Vec<Cell> {
    let pairs = record.fields.iter().zip(columns);
    pairs.map(|(field, column)| Cell::read(field, column.kind)).collect()
}

fn kind<'a>(fields: impl Iterator<Item = &'a str> + Clone) -> Kind {
    let filled = fields.filter(|field| !field.is_empty());
    let all = |fits: fn(&str) -> bool| filled.clone().all(fits);
    if filled.clone().next().is_none() {
        Kind::String
    } else if all(|field| integer(field).is_some()) {
        Kind::Integer
    } else if all(|field| float(field).is_some()) {
        Kind::Float
    } else if all(|field| boolean(field).is_some()) {
        Kind::Boolean
    } else {
        Kind::String
    }
}

/// An integer as JSON writes it: `007` and `+1` are texts (postcodes, phone numbers).
fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

/// A number as JSON writes it.
pub(crate) fn float(text: &str) -> Option<f64> {
    text.parse::<Value>().ok()?.as_f64().filter(|number| number.is_finite())
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The number that a literal's text means.
pub(crate) fn number(text: &str) -> Option<Cell> {
    integer(text).map(Cell::Integer).or_else(|| float(text).map(Cell::Float))
}

#[cfg(test)]
mod tests {
    use super::{Kind, Table};
    use crate::csv;

    fn kinds(text: &str) -> Vec<Kind> {
        let table = Table::read(csv::parse(text).expect("good CSV")).expect("a table");
        table.columns.iter().map(|column| column.kind).collect()
    }

    #[test]
    fn types_are_what_every_cell_is() {
        assert_eq!(
            kinds("a,b,c,d,e,f\n1,1,true,x,007,\n-2,2.5,false,1,1,\n,,,,,\n"),
            [Kind::Integer, Kind::Float, Kind::Boolean, Kind::String, Kind::String, Kind::String]
        );
    }

    #[test]
    fn a_ragged_line_is_named() {
        let error = Table::read(csv::parse("a,b\n1,2\n3\n").expect("good CSV")).err();
        assert_eq!(error.as_deref(), Some("line 3 has 1 fields, the header has 2"));
    }
}
