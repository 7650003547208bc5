//! What can a plugin be configured with? Its schema as a table, and as something to paste into the manifest.
//!
//! The schema is the plugin's word: its texts are cleaned and cut, its depth and length bounded, and a reference is followed only within
//! it. What the table leaves out, `--json` has.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, Key, Table};

use crate::report::clean;

/// How deep tables in tables are shown.
const MAX_DEPTH: usize = 8;
/// How many rows are shown.
const MAX_ROWS: usize = 200;
/// How long a cell may be, in characters.
const MAX_CELL: usize = 100;

/// One thing that can be configured.
struct Row {
    key: String,
    kind: String,
    required: bool,
    default: String,
    about: String,
}

/// The table, and the example.
pub(super) fn text(name: &str, schema: &Value) -> String {
    let mut rows = Vec::new();
    Reader { root: schema }.collect(schema, "", 0, &mut rows);
    if rows.is_empty() {
        return "takes anything: its schema names no key".to_owned();
    }
    let is_cut = rows.len() > MAX_ROWS;
    rows.truncate(MAX_ROWS);
    let cells: Vec<[String; 5]> = [["key", "type", "required", "default", "what it is"].map(str::to_owned)]
        .into_iter()
        .chain(
            rows.into_iter()
                .map(|row| [row.key, row.kind, if row.required { "yes".to_owned() } else { String::new() }, row.default, row.about]),
        )
        .collect();
    let widths: [usize; 5] = std::array::from_fn(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let line = |row: &[String; 5]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    let mut lines: Vec<String> = cells.iter().map(line).collect();
    if is_cut {
        lines.push("… and more: `--json` has the whole schema".to_owned());
    }
    format!("\n{}\n\nin mockforge-plugins.toml:\n\n{}", lines.join("\n"), example(name, schema).trim_end())
}

/// A text of the plugin's, for a cell.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut short: String = line.chars().take(MAX_CELL).collect();
    if line.chars().nth(MAX_CELL).is_some() {
        short.push('…');
    }
    clean(&short).into_owned()
}

struct Reader<'s> {
    root: &'s Value,
}

impl<'s> Reader<'s> {
    /// The schema itself, or the one that it refers to within the whole.
    fn followed(&self, schema: &'s Value) -> &'s Value {
        let mut here = schema;
        for _ in 0..MAX_DEPTH {
            let target = here.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
            match target.and_then(|pointer| self.root.pointer(pointer)) {
                Some(target) => here = target,
                None => break,
            }
        }
        here
    }

    fn properties(&self, schema: &'s Value) -> Option<&'s Map<String, Value>> {
        self.followed(schema).get("properties").and_then(Value::as_object)
    }

    fn required(&self, schema: &'s Value) -> BTreeSet<&'s str> {
        let listed = self.followed(schema).get("required").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    fn collect(&self, schema: &'s Value, above: &str, depth: usize, rows: &mut Vec<Row>) {
        if depth > MAX_DEPTH || rows.len() > MAX_ROWS {
            return;
        }
        let required = self.required(schema);
        for (name, property) in self.properties(schema).into_iter().flatten() {
            let key = format!("{above}{}", cell(&Key::new(name).display_repr()));
            let of = self.followed(property);
            rows.push(Row {
                kind: self.kind(of),
                required: required.contains(name.as_str()),
                default: of.get("default").or(property.get("default")).map(|value| cell(&value.to_string())).unwrap_or_default(),
                about: about(property, of),
                key: key.clone(),
            });
            self.collect(property, &format!("{key}."), depth + 1, rows);
            if let Some(items) = of.get("items") {
                self.collect(items, &format!("{key}[]."), depth + 1, rows);
            }
        }
        if let Some(others) = self.followed(schema).get("additionalProperties").filter(|others| others.is_object()) {
            let of = self.followed(others);
            rows.push(Row {
                key: format!("{above}*"),
                kind: self.kind(of),
                required: false,
                default: String::new(),
                about: about(others, of),
            });
            self.collect(others, &format!("{above}*."), depth + 1, rows);
        }
    }

    /// What a value may be, in a word or a few.
    fn kind(&self, schema: &'s Value) -> String {
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            return cell(&choices.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "));
        }
        if let Some(only) = schema.get("const") {
            return cell(&only.to_string());
        }
        let word = |ty: &Value| match ty.as_str().unwrap_or_default() {
            "array" => match schema.get("items").filter(|items| items.is_object()) {
                Some(items) => format!("list of {}", self.item_kind(self.followed(items))),
                None => "list".to_owned(),
            },
            "object" => "table".to_owned(),
            other => other.to_owned(),
        };
        let words = match schema.get("type") {
            Some(Value::Array(types)) => types.iter().map(word).collect::<Vec<_>>().join(" | "),
            Some(ty) => word(ty),
            None if schema.get("properties").is_some() => "table".to_owned(),
            None => "anything".to_owned(),
        };
        cell(&words)
    }

    /// The same for what's in a list, without going into lists of lists.
    fn item_kind(&self, schema: &'s Value) -> String {
        match schema.get("type").and_then(Value::as_str) {
            Some("array") => "lists".to_owned(),
            Some("object") => "tables".to_owned(),
            _ => self.kind(schema),
        }
    }
}

/// The description, and the rules that a person would stumble over.
fn about(property: &Value, schema: &Value) -> String {
    let text = |key: &str| property.get(key).or_else(|| schema.get(key)).and_then(Value::as_str);
    let description = text("description").or_else(|| text("title")).map(cell).unwrap_or_default();
    let number = |key: &str| schema.get(key).filter(|value| value.is_number()).map(ToString::to_string);
    let mut rules = Vec::new();
    for (least, most, what) in [("minimum", "maximum", ""), ("minLength", "maxLength", " characters"), ("minItems", "maxItems", " items")] {
        rules.extend(match (number(least), number(most)) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{what}")),
            (Some(least), None) => Some(format!("at least {least}{what}")),
            (None, Some(most)) => Some(format!("at most {most}{what}")),
            (None, None) => None,
        });
    }
    for key in ["pattern", "format"] {
        rules.extend(schema.get(key).and_then(Value::as_str).map(|rule| format!("{key} `{}`", cell(rule))));
    }
    match (description.is_empty(), rules.is_empty()) {
        (_, true) => description,
        (true, false) => rules.join(", "),
        (false, false) => format!("{description} ({})", rules.join(", ")),
    }
}

/// A table for the manifest: what's required as it could be, and what has a default as a comment.
pub(super) fn example(name: &str, schema: &Value) -> String {
    let reader = Reader { root: schema };
    let required = reader.required(schema);
    let mut document = DocumentMut::new();
    let mut table = Table::new();
    let mut comments = String::new();
    for (key, property) in reader.properties(schema).into_iter().flatten().take(MAX_ROWS) {
        let value = reader.sample(name, key, property, 0);
        let Some(value) = value else { continue };
        if required.contains(key.as_str()) {
            table.insert(key, Item::Value(value));
        } else {
            comments.push_str(&format!("# {} = {}\n", clean(&Key::new(key).display_repr()), clean(&value.to_string())));
        }
    }
    let mut configs = Table::new();
    configs.set_implicit(true);
    configs.insert(name, Item::Table(table));
    document.insert("config", Item::Table(configs));
    let lines: Vec<String> = document.to_string().lines().map(|line| clean(line).into_owned()).collect();
    format!("{}\n{comments}", lines.join("\n"))
}

/// Names of what nobody should write into a file that's committed.
const SECRET: [&str; 6] = ["secret", "password", "token", "private", "credential", "apikey"];

impl<'s> Reader<'s> {
    /// A value that could stand there.
    fn sample(&self, plugin: &str, key: &str, property: &'s Value, depth: usize) -> Option<toml_edit::Value> {
        let schema = self.followed(property);
        if depth == 0 && is_secret(key, schema) {
            let variable: String = format!("{plugin}_{key}")
                .chars()
                .map(|one| if one.is_ascii_alphanumeric() { one.to_ascii_uppercase() } else { '_' })
                .collect();
            let mut reference = toml_edit::InlineTable::new();
            reference.insert("env", variable.into());
            return Some(reference.into());
        }
        let given = ["default", "const"].into_iter().find_map(|key| property.get(key).or_else(|| schema.get(key)));
        let listed = ["examples", "enum"].into_iter().find_map(|key| schema.get(key)?.as_array()?.first());
        if let Some(value) = given.or(listed).and_then(toml_value) {
            return Some(value);
        }
        let ty = match schema.get("type") {
            Some(Value::Array(types)) => types.first().and_then(Value::as_str),
            ty => ty.and_then(Value::as_str),
        };
        Some(match ty {
            Some("integer") => schema.get("minimum").and_then(Value::as_i64).unwrap_or(0).into(),
            Some("number") => schema.get("minimum").and_then(Value::as_f64).unwrap_or(0.0).into(),
            Some("boolean") => false.into(),
            Some("array") => {
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
                let item = schema.get("items").filter(|_| least > 0 && depth < MAX_DEPTH);
                toml_edit::Array::from_iter(item.and_then(|items| self.sample(plugin, key, items, depth + 1))).into()
            }
            Some("object") => self.sample_table(plugin, schema, depth),
            None if schema.get("properties").is_some() => self.sample_table(plugin, schema, depth),
            _ => "…".into(),
        })
    }

    fn sample_table(&self, plugin: &str, schema: &'s Value, depth: usize) -> toml_edit::Value {
        let required = self.required(schema);
        let mut table = toml_edit::InlineTable::new();
        for (key, property) in self.properties(schema).into_iter().flatten().filter(|(key, _)| required.contains(key.as_str())) {
            if depth < MAX_DEPTH
                && let Some(value) = self.sample(plugin, key, property, depth + 1)
            {
                table.insert(key, value);
            }
        }
        table.into()
    }
}

fn is_secret(key: &str, schema: &Value) -> bool {
    let plain: String = key.to_ascii_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let said = schema.get("writeOnly") == Some(&Value::Bool(true)) || schema.get("format").is_some_and(|format| format == "password");
    let is_listed = ["const", "enum", "default"].iter().any(|key| schema.get(key).is_some());
    let is_text = schema.get("type").is_none_or(|ty| ty == "string") && !is_listed;
    said || (is_text && (plain.ends_with("key") || SECRET.iter().any(|word| plain.contains(word))))
}

/// The same in TOML, which has no null.
fn toml_value(value: &Value) -> Option<toml_edit::Value> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64()?.into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(toml_value).collect::<Option<toml_edit::Array>>()?.into(),
        Value::Object(object) => {
            let mut table = toml_edit::InlineTable::new();
            for (key, value) in object {
                table.insert(key, toml_value(value)?);
            }
            table.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_is_a_table_and_something_to_paste() {
        let schema = json!({
            "type": "object",
            "required": ["verification_key", "rules", "mode", "limits"],
            "properties": {
                "verification_key": { "type": "string", "minLength": 16, "description": "What tokens are signed with" },
                "algorithms": { "type": "array", "items": { "enum": ["RS256", "ES256"] }, "default": ["RS256"] },
                "mode": { "enum": ["strict", "lenient", 3, null] },
                "limits": {
                    "type": "object", "required": ["per_minute"],
                    "properties": { "per_minute": { "$ref": "#/$defs/count" }, "burst": { "type": ["integer", "null"], "maximum": 9 } }
                },
                "rules": { "type": "array", "minItems": 1, "items": { "type": "object", "required": ["path"], "properties": { "path": { "type": "string", "pattern": "^/" } } } },
                "labels": { "type": "object", "additionalProperties": { "type": "string", "description": "By name" } },
                "odd key": { "const": true },
                "anything": {}
            },
            "$defs": { "count": { "type": "integer", "minimum": 1, "default": 60, "title": "How often" } }
        });
        insta::assert_snapshot!(text("auth-jwt", &schema));
        assert_eq!(text("x", &json!({})), "takes anything: its schema names no key");
    }

    #[test]
    fn what_s_pasted_fits_where_the_schema_says_what_fits() {
        let schema = json!({
            "type": "object", "required": ["port", "name", "on", "list", "deep"], "additionalProperties": false,
            "properties": {
                "port": { "type": "integer", "minimum": 1 }, "name": { "type": "string", "default": "a\"b\n#" }, "on": { "type": "boolean" },
                "list": { "type": "array", "minItems": 1, "items": { "type": "string", "enum": ["x"] } },
                "deep": { "type": "object", "required": ["a"], "properties": { "a": { "type": "object", "required": ["b"], "properties": { "b": { "const": 1.5 } } } } }
            }
        });
        let pasted: DocumentMut = example("p", &schema).parse().unwrap();
        let value = json!({ "port": 1, "name": "a\"b\n#", "on": false, "list": ["x"], "deep": { "a": { "b": 1.5 } } });
        assert!(mfp_loader::check_config(&schema, &value).is_ok());
        let table = pasted["config"]["p"].as_table().unwrap();
        assert_eq!((table["port"].as_integer(), table["name"].as_str(), table["list"][0].as_str()), (Some(1), Some("a\"b\n#"), Some("x")));
        assert_eq!(table["deep"]["a"]["b"].as_float(), Some(1.5));
    }

    #[test]
    fn a_hostile_schema_draws_nothing_and_ends() {
        let schema = json!({
            "type": "object",
            "required": ["\u{1b}[2J"],
            "properties": {
                "\u{1b}[2J": { "type": "string", "description": "a\n\u{202e}b\r".repeat(100), "default": "\u{9b}x\n# y" },
                "loop": { "$ref": "#/properties/loop" },
                "grow": { "$ref": "#" },
                "more": { "$ref": "#" },
            },
        });
        let shown = text("x", &schema);
        assert!(!shown.contains(['\u{1b}', '\u{202e}', '\u{9b}', '\r']), "{shown:?}");
        assert!(shown.lines().count() < MAX_ROWS + 400 && shown.contains("and more"), "{shown}");
        let deep = (0..60)
            .fold(json!({ "type": "string" }), |inner, _| json!({ "properties": { "a": inner }, "items": { "properties": { "b": {} } } }));
        assert!(text("x", &deep).lines().count() < 300);
    }
}
