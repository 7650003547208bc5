//! Is a plugin's configuration what the plugin's schema wants?
//!
//! The schema is foreign: no reference in it is fetched, its patterns are matched with a bounded effort, and it's refused
//! when it's nested in itself without end. The configuration may hold secrets: a violation says where and why, and never
//! shows a value.

use std::fmt;

use jsonschema::PatternOptions;
use serde_json::Value;

/// How many violations are listed.
const MAX_VIOLATIONS: usize = 50;
/// Steps that a pattern may go back before it counts as no match.
const BACKTRACKS: usize = 100_000;
/// Bytes that a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

/// One way in which a configuration isn't what its schema wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON pointer into the configuration; empty for the whole, `None` if it's the schema that's wrong.
    pub path: Option<String>,
    /// What's wrong there, without any value.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_deref() {
            None => write!(out, "the plugin's schema can't be used: {}", self.message),
            Some("") => out.write_str(&self.message),
            Some(path) => write!(out, "{path}: {}", self.message),
        }
    }
}

/// Check `value` against a JSON Schema (2020-12 unless it says otherwise). All violations, at most fifty, in the order of
/// the configuration.
pub fn check_config(schema: &Value, value: &Value) -> Result<(), Vec<Violation>> {
    let unusable = |message: String| vec![Violation { path: None, message: crate::error::shown(&message, 300) }];
    let patterns = PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS).size_limit(PATTERN_BYTES);
    let validator = jsonschema::options()
        .offline()
        .with_pattern_options(patterns)
        .build(schema)
        .map_err(|error| unusable(error.masked().to_string()))?;
    let violations: Vec<_> = validator
        .iter_errors(value)
        .take(MAX_VIOLATIONS)
        .map(|error| Violation {
            path: Some(crate::error::shown(error.instance_path().as_str(), 300)),
            message: crate::error::shown(&error.masked().to_string(), 300),
        })
        .collect();
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}
