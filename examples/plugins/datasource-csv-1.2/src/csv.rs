//! How does CSV text become records? (RFC 4180, with LF or CRLF.)

/// A line's fields, and the line where it begins (from 1).
pub(crate) struct Record {
    pub(crate) line: usize,
    pub(crate) fields: Vec<String>,
}

/// All records; empty lines are skipped. A byte order mark at the start is dropped.
pub(crate) fn parse(text: &str) -> Result<Vec<Record>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text.chars().peekable(), line: 1 };
    let mut records = Vec::new();
    while reader.rest.peek().is_some() {
        let line = reader.line;
        let fields = reader.record()?;
        if fields.len() > 1 || !fields[0].is_empty() {
            records.push(Record { line, fields });
        }
    }
    Ok(records)
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

/// What stands after a field.
enum After {
    Comma,
    LineEnd,
}

impl Reader<'_> {
    /// The fields up to the end of the line; at least one.
    fn record(&mut self) -> Result<Vec<String>, String> {
        let mut fields = Vec::new();
        loop {
            let (field, after) = if self.rest.next_if_eq(&'"').is_some() { self.quoted()? } else { self.plain()? };
            fields.push(field);
            if matches!(after, After::LineEnd) {
                return Ok(fields);
            }
        }
    }

    fn plain(&mut self) -> Result<(String, After), String> {
        let mut field = String::new();
        loop {
            if let Some(after) = self.after() {
                return Ok((field, after));
            }
            match self.rest.next() {
                Some('"') => return Err(format!("line {}: a quote inside a field without quotes", self.line)),
                Some(character) => field.push(character),
                None => return Ok((field, After::LineEnd)),
            }
        }
    }

    fn quoted(&mut self) -> Result<(String, After), String> {
        let start = self.line;
        let mut field = String::new();
        loop {
            match self.rest.next() {
                Some('"') if self.rest.next_if_eq(&'"').is_some() => field.push('"'),
                Some('"') => {
                    let after = self.after();
                    return after.map(|after| (field, after)).ok_or_else(|| format!("line {}: text after a closing quote", self.line));
                }
                Some(character) => {
                    self.line += usize::from(character == '\n');
                    field.push(character);
                }
                None => return Err(format!("line {start}: a quote is never closed")),
            }
        }
    }

    /// What follows, if it ends a field; it's consumed then.
    fn after(&mut self) -> Option<After> {
        match self.rest.peek() {
            None => Some(After::LineEnd),
            Some(',') => {
                self.rest.next();
                Some(After::Comma)
            }
            Some('\n') => self.line_end(),
            Some('\r') => {
                let mut ahead = self.rest.clone();
                ahead.next();
                if ahead.peek() != Some(&'\n') {
                    return None;
                }
                self.rest.next();
                self.line_end()
            }
            Some(_) => None,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of `after`")]
    fn line_end(&mut self) -> Option<After> {
        self.rest.next();
        self.line += 1;
        Some(After::LineEnd)
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn fields(text: &str) -> Vec<Vec<String>> {
        parse(text).expect("good CSV").into_iter().map(|record| record.fields).collect()
    }

    #[test]
    fn quotes_hold_commas_quotes_and_lines() {
        assert_eq!(fields("a,\"b,\"\"c\"\"\nd\"\r\n\n,e"), [vec!["a", "b,\"c\"\nd"], vec!["", "e"]]);
    }

    #[test]
    fn a_bad_quote_is_named_with_its_line() {
        assert_eq!(parse("a\n\"b").err().as_deref(), Some("line 2: a quote is never closed"));
        assert_eq!(parse("a\n\"b\"c").err().as_deref(), Some("line 2: text after a closing quote"));
        assert_eq!(parse("a\"b").err().as_deref(), Some("line 1: a quote inside a field without quotes"));
    }

    #[test]
    fn a_last_comma_is_an_empty_field() {
        assert_eq!(fields("a,"), [vec!["a", ""]]);
    }
}
