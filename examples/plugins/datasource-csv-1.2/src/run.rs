//! Which rows answer a question?

use crate::Value;
use crate::query::{Condition, Direction, Query, Select, Test};
use crate::table::{Cell, Kind, Table};
use std::cmp::Ordering;

/// An answer.
pub(crate) struct Answer<'a> {
    /// The names of its columns, and what's in them.
    pub(crate) columns: Vec<(&'a str, Kind)>,
    /// Its rows, each with a value for every column.
    pub(crate) rows: Vec<Vec<Value>>,
}

/// The answer, or what doesn't fit the table.
pub(crate) fn run<'a>(query: &Query, table: &'a Table) -> Result<Answer<'a>, String> {
    let rows = matching(query, table)?;
    if matches!(query.select, Select::Count) {
        return Ok(Answer { columns: vec![("count", Kind::Integer)], rows: vec![vec![rows.len().into()]] });
    }
    let selected = selected(&query.select, table)?;
    let columns = selected.iter().map(|&index| &table.columns[index]);
    let page = rows.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX));
    Ok(Answer {
        columns: columns.map(|column| (column.name.as_str(), column.kind)).collect(),
        rows: page.map(|row| selected.iter().map(|&index| row[index].to_json()).collect()).collect(),
    })
}

/// The rows that pass every test, in the order that's asked for.
fn matching<'a>(query: &Query, table: &'a Table) -> Result<Vec<&'a Vec<Cell>>, String> {
    let tests = query.conditions.iter().map(|condition| Bound::new(condition, table)).collect::<Result<Vec<_>, _>>()?;
    let mut rows: Vec<&Vec<Cell>> = table.rows.iter().filter(|row| tests.iter().all(|test| test.holds(row))).collect();
    if let Some((column, direction)) = &query.order {
        sort(&mut rows, table.column(column)?, *direction);
    }
    Ok(rows)
}

fn selected(select: &Select, table: &Table) -> Result<Vec<usize>, String> {
    match select {
        Select::Columns(names) => names.iter().map(|name| table.column(name)).collect(),
        Select::All | Select::Count => Ok((0..table.columns.len()).collect()),
    }
}

/// Sorts by one column, stably; null comes first when ascending.
fn sort(rows: &mut [&Vec<Cell>], index: usize, direction: Direction) {
    rows.sort_by(|left, right| {
        let ordering = left[index].compare(&right[index]).unwrap_or(Ordering::Equal);
        if direction == Direction::Descending { ordering.reverse() } else { ordering }
    });
}

/// A condition whose column has been found and whose value fits it.
struct Bound<'a> {
    index: usize,
    test: &'a Test,
}

impl<'a> Bound<'a> {
    fn new(condition: &'a Condition, table: &Table) -> Result<Self, String> {
        let index = table.column(&condition.column)?;
        let column = &table.columns[index];
        let fits = match &condition.test {
            Test::Compare(_, value) => match value {
                Cell::String(_) => column.kind == Kind::String,
                Cell::Boolean(_) => column.kind == Kind::Boolean,
                Cell::Integer(_) | Cell::Float(_) => matches!(column.kind, Kind::Integer | Kind::Float),
                Cell::Null => false,
            },
            Test::Like { .. } => column.kind == Kind::String,
            Test::Null { .. } => true,
        };
        if fits {
            return Ok(Self { index, test: &condition.test });
        }
        let (name, kind) = (&column.name, column.kind.name());
        Err(format!("the column `{name}` is {kind} and can't be compared with that value"))
    }

    /// Whether a row passes. A null cell passes no test but `is null`.
    fn holds(&self, row: &[Cell]) -> bool {
        let cell = &row[self.index];
        match (self.test, cell) {
            (Test::Null { wanted }, cell) => (*cell == Cell::Null) == *wanted,
            (_, Cell::Null) => false,
            (Test::Compare(operator, value), cell) => cell.compare(value).is_some_and(|ordering| operator.holds(ordering)),
            (Test::Like { pattern, wanted }, Cell::String(text)) => like(pattern, text) == *wanted,
            (Test::Like { .. }, _) => false,
        }
    }
}

/// Whether `text` fits `pattern`: `%` is any text, `_` is one character. Takes at most the
/// product of both lengths: only the last `%` is ever tried again.
fn like(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut seen) = (0, 0);
    let mut retry = None;
    while seen < text.len() {
        if pattern.get(at) == Some(&'%') {
            retry = Some((at, seen));
            at += 1;
        } else if pattern.get(at).is_some_and(|&wanted| wanted == '_' || wanted == text[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((percent, from)) = retry {
            retry = Some((percent, from + 1));
            at = percent + 1;
            seen = from + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&rest| rest == '%')
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_knows_any_text_and_one_character() {
        assert!(like("%an%", "Japan") && like("J_pan", "Japan") && like("%", ""));
        assert!(like("a%b%c", "axxbyybzc") && !like("a%b%c", "axxc"));
        assert!(!like("pan", "Japan") && !like("_", ""));
    }
}
