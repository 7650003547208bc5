//! Is a plugin's configuration what the plugin's schema wants?
//!
//! The schema is foreign: no reference in it is fetched, its patterns are matched with a bounded effort, and it's refused
//! when it's nested in itself without end. The configuration may hold secrets: a violation says where and why, and never
//! shows a value.

use std::collections::BTreeSet;
use std::fmt;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError, Validator};
use mfp_model::pointer;
use mfp_model::text::nearest;
use serde_json::{Map, Value};

use crate::error::shown;

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
    let validator = validator(schema).map_err(|violation| vec![violation])?;
    let violations: Vec<_> = validator.iter_errors(value).flat_map(|error| violations(&error, schema)).take(MAX_VIOLATIONS).collect();
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// What can be said of a table that holds values nobody knows yet: which keys it has, and how many.
const OF_KEYS: [&str; 9] = [
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "propertyNames",
    "type",
    "minItems",
    "maxItems",
    "dependentRequired",
];

/// The same for a configuration of which some values are texts that aren't known yet, at these JSON pointers. Only what's wrong whatever
/// they'll be is told.
pub fn check_config_but(schema: &Value, value: &Value, unknown: &BTreeSet<String>) -> Result<(), Vec<Violation>> {
    if unknown.is_empty() {
        return check_config(schema, value);
    }
    let validator = validator(schema).map_err(|violation| vec![violation])?;
    // What holds depends on a value, and that may be one of them.
    if depends_on_values(schema) {
        return Ok(());
    }
    let is_above = |path: &str, place: &String| place.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    let holds_anyway = |error: &ValidationError<'_>| {
        let (path, keyword) = (error.instance_path().as_str(), error.kind().keyword());
        if unknown.contains(path) {
            return keyword == "type";
        }
        !unknown.iter().any(|place| is_above(path, place)) || OF_KEYS.contains(&keyword)
    };
    let errors = validator.iter_errors(value).filter(holds_anyway);
    let violations: Vec<_> = errors.flat_map(|error| violations(&error, schema)).take(MAX_VIOLATIONS).collect();
    if violations.is_empty() { Ok(()) } else { Err(violations) }
}

/// Is there a choice in it that's made by values? As deep as the schema.
fn depends_on_values(schema: &Value) -> bool {
    match schema {
        Value::Object(object) => object.contains_key("if") || object.values().any(depends_on_values),
        Value::Array(items) => items.iter().any(depends_on_values),
        _ => false,
    }
}

/// What an error says: a violation at each key that nothing takes, else one.
fn violations(error: &ValidationError<'_>, schema: &Value) -> Vec<Violation> {
    let (ValidationErrorKind::AdditionalProperties { unexpected } | ValidationErrorKind::UnevaluatedProperties { unexpected }) =
        error.kind()
    else {
        return vec![violation(error)];
    };
    // Where the properties stand beside the keyword that allows no others; behind a reference, nothing is suggested.
    let beside = error.schema_path().as_str().rsplit_once('/').map_or("", |(above, _)| above);
    let known = schema.pointer(beside).and_then(|above| above.get("properties")?.as_object());
    let known: Vec<&str> = known.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    let at_key = |key: &String| {
        let meant = nearest(key, known.iter().copied()).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        let path = pointer::below(error.instance_path().as_str(), key);
        Violation { path: Some(shown(&path, 300)), message: shown(&format!("there's no such key{meant}"), 300) }
    };
    unexpected.iter().take(MAX_VIOLATIONS).map(at_key).collect()
}

fn violation(error: &ValidationError<'_>) -> Violation {
    Violation { path: Some(shown(error.instance_path().as_str(), 300)), message: shown(&error.masked().to_string(), 300) }
}

fn validator(schema: &Value) -> Result<Validator, Violation> {
    let patterns = PatternOptions::fancy_regex().backtrack_limit(BACKTRACKS).size_limit(PATTERN_BYTES);
    let built = jsonschema::options().offline().with_pattern_options(patterns).build(schema);
    built.map_err(|error| Violation { path: None, message: shown(&error.masked().to_string(), 300) })
}

/// Is this a schema that a plugin's configuration can be checked against? Everything that's wrong with it, at most fifty, with the
/// place in the schema: what isn't JSON Schema, what isn't for a table, and defaults and examples that don't fit where they stand.
pub fn check_schema(schema: &Value) -> Vec<Violation> {
    let mut wrong = Vec::new();
    // Another draft that a schema names is looked at by the one who builds the validator, who stops at the first mistake.
    if schema.get("$schema").is_none_or(|draft| draft == DRAFT) {
        let meta = jsonschema::draft202012::meta::validator();
        let mistakes = meta.iter_errors(schema).take(MAX_VIOLATIONS);
        wrong.extend(mistakes.map(|error| Violation { message: shown(&error.to_string(), 300), ..violation(&error) }));
    }
    if !wrong.is_empty() {
        return wrong;
    }
    if let Err(violation) = validator(schema) {
        return vec![Violation { path: Some(String::new()), ..violation }];
    }
    let takes_tables =
        schema.get("type").is_none_or(|ty| ty == "object" || ty.as_array().is_some_and(|types| types.contains(&"object".into())));
    if !takes_tables {
        wrong.push(Violation {
            path: Some("/type".to_owned()),
            message: "a configuration is a table: the type must be `object`".to_owned(),
        });
    }
    check_samples(schema, schema, "", &mut wrong);
    wrong.truncate(MAX_VIOLATIONS);
    wrong
}

/// The draft that's meant where a schema names none.
const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// What holds schemas by name, what holds one, and what holds a list of them.
const NAMED: [&str; 4] = ["properties", "patternProperties", "$defs", "dependentSchemas"];
const SINGLE: [&str; 10] = [
    "items",
    "additionalProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contains",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
];
const LISTED: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Defaults and examples must be what they're a default or an example of. As deep as the schema, which is as deep as a manifest may be.
fn check_samples(root: &Value, schema: &Value, path: &str, wrong: &mut Vec<Violation>) {
    let Value::Object(object) = schema else { return };
    let step = |key: &str| pointer::below(path, key);
    let mut samples: Vec<(String, &Value)> = object.get("default").map(|sample| (step("default"), sample)).into_iter().collect();
    if let Some(Value::Array(examples)) = object.get("examples") {
        samples.extend(examples.iter().enumerate().map(|(at, sample)| (format!("{}/{at}", step("examples")), sample)));
    }
    if !samples.is_empty() && wrong.len() < MAX_VIOLATIONS {
        check_samples_here(root, object, &samples, wrong);
    }
    for (key, inner) in object {
        match inner {
            Value::Object(schemas) if NAMED.contains(&key.as_str()) => {
                for (name, inner) in schemas {
                    check_samples(root, inner, &pointer::below(&step(key), name), wrong);
                }
            }
            Value::Array(schemas) if LISTED.contains(&key.as_str()) => {
                for (at, inner) in schemas.iter().enumerate() {
                    check_samples(root, inner, &format!("{}/{at}", step(key)), wrong);
                }
            }
            inner if SINGLE.contains(&key.as_str()) => check_samples(root, inner, &step(key), wrong),
            _ => {}
        }
    }
}

/// A part of a schema stands for itself once it has what the whole defines. One that refers to the whole in another way isn't looked at.
fn check_samples_here(root: &Value, part: &Map<String, Value>, samples: &[(String, &Value)], wrong: &mut Vec<Violation>) {
    let mut alone = part.clone();
    for key in ["$schema", "$defs", "definitions"] {
        if let (Some(of_root), None) = (root.get(key), part.get(key)) {
            alone.insert(key.to_owned(), of_root.clone());
        }
    }
    let Ok(validator) = validator(&Value::Object(alone)) else { return };
    for (path, sample) in samples {
        if let Some(error) = validator.iter_errors(sample).next() {
            wrong.push(Violation { path: Some(path.clone()), message: violation(&error).message });
        }
    }
}
