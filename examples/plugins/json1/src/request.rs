//! How is a request taken apart so that a mistake explains itself?
//!
//! Every error names the function or the place, what was wanted and what was
//! there. Nothing here panics on any JSON.

use serde_json::Value;

/// The value at `path`, a list of keys from the root of a request.
pub fn at<'a>(request: &'a Value, path: &[&str]) -> Result<&'a Value, String> {
    let mut value = request;
    for (depth, key) in path.iter().enumerate() {
        value = value.get(key).ok_or_else(|| format!("the request has no `{}`", path[..=depth].join(".")))?;
    }
    Ok(value)
}

/// The text at `path`.
pub fn text_at<'a>(request: &'a Value, path: &[&str]) -> Result<&'a str, String> {
    let value = at(request, path)?;
    value.as_str().ok_or_else(|| {
        let place = path.join(".");
        format!("`{place}` must be a string, not {}", kind(value))
    })
}

/// The arguments of a template function.
#[derive(Debug, Clone, Copy)]
pub struct Args<'a> {
    function: &'a str,
    values: &'a [Value],
}

impl<'a> Args<'a> {
    /// The function's name and its arguments, from a request `execute`.
    pub fn of(request: &'a Value) -> Result<(&'a str, Self), String> {
        let function = text_at(request, &["function_name"])?;
        let values = match request.get("args") {
            None | Some(Value::Null) => &[],
            Some(Value::Array(values)) => values.as_slice(),
            Some(other) => return Err(format!("`args` must be a list, not {}", kind(other))),
        };
        Ok((function, Self { function, values }))
    }

    /// Fails if there are more than `most` arguments: a misplaced one is never ignored.
    pub fn at_most(self, most: usize) -> Result<Self, String> {
        let count = self.values.len();
        if count <= most {
            return Ok(self);
        }
        let function = self.function;
        Err(format!("{function} takes at most {most} arguments, not {count}"))
    }

    /// The text at `index` (from 0), called `name` in errors.
    pub fn text(self, index: usize, name: &str) -> Result<&'a str, String> {
        let place = self.place(index, name);
        match self.values.get(index) {
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(format!("{place} must be a string, not {}", kind(other))),
            None => Err(format!("{place} is missing")),
        }
    }

    /// The text at `index`, or `default` if it's absent or null.
    pub fn text_or(self, index: usize, name: &str, default: &'a str) -> Result<&'a str, String> {
        match self.values.get(index) {
            None | Some(Value::Null) => Ok(default),
            Some(_) => self.text(index, name),
        }
    }

    /// How errors call the argument at `index`.
    pub fn place(self, index: usize, name: &str) -> String {
        format!("{}: argument {} (`{name}`)", self.function, index + 1)
    }
}

/// What a value is, for a sentence.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
