//! Does a schema still take every configuration that the last one took?
//!
//! Deciding that for all of JSON Schema is as hard as anything, so the answer is one-sided: no narrowing told means that there is
//! none in what's compared (types, values, bounds, properties, items, references within the schema, and the combining keywords
//! branch by branch); what can't be compared and changed is told as such. One thing is let go on purpose: a property that the last
//! schema didn't know may get a type of its own, though somebody could have set it to something else before.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::plugin::neutral;

/// How deep schemas are compared; what's deeper, or refers to itself, counts as compared.
const MAX_DEPTH: usize = 32;
/// How many narrowings are told.
const MAX_TOLD: usize = 50;

/// One way in which a schema takes less than it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing {
    /// The place in the configuration: `/keys/*/url`; empty for all of it.
    pub at: String,
    /// What it is, as a clause.
    pub what: String,
}

impl fmt::Display for Narrowing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = neutral(&self.what, 200);
        if self.at.is_empty() { out.write_str(&what) } else { write!(out, "`{}`: {what}", neutral(&self.at, 200)) }
    }
}

/// What the second schema refuses and the first didn't. Without a schema, nothing was configured: then only what's demanded counts.
pub fn narrowings(before: Option<&Value>, after: Option<&Value>) -> Vec<Narrowing> {
    let Some(after) = after else { return Vec::new() };
    let nothing = Value::Object(Map::new());
    let mut comparison = Comparison { before: before.unwrap_or(&nothing), after, found: Vec::new() };
    if let Some(before) = before {
        comparison.compare(before, after, "", 0);
    } else {
        for name in texts(comparison.new_schema(after).get("required")) {
            comparison.tell("", format!("`{name}` is demanded"));
        }
    }
    comparison.found.truncate(MAX_TOLD);
    comparison.found
}

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

struct Comparison<'s> {
    before: &'s Value,
    after: &'s Value,
    found: Vec<Narrowing>,
}

/// Keywords that narrow the more the larger (`true`) or the smaller (`false`) they are.
const BOUNDS: [(&str, bool); 10] = [
    ("minimum", true),
    ("exclusiveMinimum", true),
    ("minLength", true),
    ("minItems", true),
    ("minProperties", true),
    ("maximum", false),
    ("exclusiveMaximum", false),
    ("maxLength", false),
    ("maxItems", false),
    ("maxProperties", false),
];
/// Keywords that are only compared as a whole: new or other ones may take less.
const OPAQUE: [&str; 14] = [
    "pattern",
    "multipleOf",
    "not",
    "if",
    "then",
    "else",
    "patternProperties",
    "propertyNames",
    "dependentRequired",
    "dependentSchemas",
    "prefixItems",
    "contains",
    "unevaluatedProperties",
    "unevaluatedItems",
];

impl<'s> Comparison<'s> {
    fn tell(&mut self, at: &str, what: impl Into<String>) {
        if self.found.len() <= MAX_TOLD {
            self.found.push(Narrowing { at: at.to_owned(), what: what.into() });
        }
    }

    fn old_schema(&self, schema: &'s Value) -> &'s Value {
        resolved(self.before, schema)
    }

    fn new_schema(&self, schema: &'s Value) -> &'s Value {
        resolved(self.after, schema)
    }

    fn compare(&mut self, before: &'s Value, after: &'s Value, at: &str, depth: usize) {
        let (old, new) = (self.old_schema(before), self.new_schema(after));
        if depth > MAX_DEPTH || old == &Value::Bool(false) || is_everything(new) {
            return;
        }
        if new == &Value::Bool(false) {
            return self.tell(at, "nothing is taken any more");
        }
        let (old_keys, new_keys) = (old.as_object().unwrap_or(&EMPTY), new.as_object().unwrap_or(&EMPTY));
        self.types(old_keys, new_keys, at);
        self.values(old_keys, new_keys, at);
        self.bounds(old_keys, new_keys, at);
        self.properties(old_keys, new_keys, at, depth);
        self.items(old_keys, new_keys, at, depth);
        self.branches(old, new_keys, at, depth);
        for key in OPAQUE {
            if let Some(rule) = new_keys.get(key).filter(|rule| old_keys.get(key) != Some(rule) && **rule != Value::Bool(true)) {
                let how = if old_keys.contains_key(key) { "another" } else { "a" };
                let shown = if rule.is_string() || rule.is_number() { format!(": {rule}") } else { String::new() };
                self.tell(at, format!("{how} `{key}` is demanded{shown}"));
            }
        }
    }

    fn types(&mut self, old: &'s Map<String, Value>, new: &'s Map<String, Value>, at: &str) {
        let Some(taken) = type_names(new) else { return };
        // What's listed value by value has those values' types.
        let had = type_names(old).or_else(|| listed(old).map(|values| values.into_iter().map(type_of).collect())).unwrap_or_else(all_types);
        let lost: Vec<&str> =
            had.iter().copied().filter(|one| !(taken.contains(one) || (*one == "integer" && taken.contains("number")))).collect();
        if !lost.is_empty() {
            self.tell(at, format!("it can't be {} any more", lost.join(", ")));
        }
    }

    fn values(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &str) {
        let Some(taken) = listed(new) else { return };
        match listed(old) {
            None => self.tell(at, "only certain values are taken"),
            Some(had) => {
                let lost: Vec<String> = had.into_iter().filter(|value| !taken.contains(value)).map(ToString::to_string).collect();
                if !lost.is_empty() {
                    self.tell(at, format!("it can't be {} any more", lost.join(", ")));
                }
            }
        }
    }

    fn bounds(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &str) {
        for (key, is_lower) in BOUNDS {
            let Some(limit) = new.get(key).and_then(Value::as_f64) else { continue };
            let narrower = match old.get(key).and_then(Value::as_f64) {
                Some(had) if is_lower => limit > had,
                Some(had) => limit < had,
                // Nothing is shorter than nothing.
                None => !(is_lower && key.starts_with("min") && key != "minimum" && new[key].as_u64() == Some(0)),
            };
            if narrower {
                let was = old.get(key).map(|had| format!(" (it was {had})")).unwrap_or_default();
                self.tell(at, format!("`{key}` is {}{was}", new[key]));
            }
        }
        let is_unique = |keys: &Map<String, Value>| keys.get("uniqueItems") == Some(&Value::Bool(true));
        if is_unique(new) && !is_unique(old) {
            self.tell(at, "no two items may be equal");
        }
    }

    fn properties(&mut self, old: &'s Map<String, Value>, new: &'s Map<String, Value>, at: &str, depth: usize) {
        let had = texts(old.get("required"));
        for name in texts(new.get("required")).difference(&had) {
            self.tell(at, format!("`{name}` is demanded"));
        }
        let (old_properties, new_properties) = (object(old, "properties"), object(new, "properties"));
        let others = new.get("additionalProperties");
        let old_others = old.get("additionalProperties");
        for (name, schema) in old_properties.into_iter().flatten() {
            let below = format!("{at}/{name}");
            match new_properties.and_then(|properties| properties.get(name)) {
                Some(now) => self.compare(schema, now, &below, depth + 1),
                None if self.old_schema(schema) == &Value::Bool(false) => {}
                None => self.tell(&below, "it isn't known any more"),
            }
        }
        match (old_others.map(|schema| self.old_schema(schema)), others) {
            (None | Some(Value::Bool(true)), Some(schema)) if self.new_schema(schema) == &Value::Bool(false) => {
                self.tell(at, "other properties than the known ones aren't taken any more");
            }
            (None | Some(Value::Bool(true)), Some(schema)) if !is_everything(self.new_schema(schema)) => {
                self.tell(at, "other properties than the known ones are held to a schema");
            }
            (Some(old_schema), Some(schema)) => self.compare(old_schema, schema, &format!("{at}/*"), depth + 1),
            (None, Some(_)) | (_, None) => {}
        }
        // What was held to the schema of the others has one of its own now.
        if let Some(old_schema) = old_others.filter(|schema| self.old_schema(schema).is_object()) {
            for (name, schema) in new_properties.into_iter().flatten() {
                if old_properties.is_none_or(|properties| !properties.contains_key(name)) {
                    self.compare(old_schema, schema, &format!("{at}/{name}"), depth + 1);
                }
            }
        }
    }

    fn items(&mut self, old: &'s Map<String, Value>, new: &'s Map<String, Value>, at: &str, depth: usize) {
        let below = format!("{at}/[]");
        match (old.get("items"), new.get("items")) {
            (Some(old), Some(new)) => self.compare(old, new, &below, depth + 1),
            (None, Some(new)) if !is_everything(self.new_schema(new)) => self.tell(&below, "items are held to a schema"),
            _ => {}
        }
    }

    /// `allOf`: each of its schemas must take what the old one took. `anyOf` and `oneOf`: for each old branch there must be one.
    fn branches(&mut self, old: &'s Value, new: &'s Map<String, Value>, at: &str, depth: usize) {
        if let Some(all) = list(new, "allOf") {
            let had = old.get("allOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            for schema in all {
                let is_covered = self.takes(old, schema, depth) || had.iter().any(|one| self.takes(one, schema, depth));
                if !is_covered {
                    self.tell(at, "`allOf` demands more");
                }
            }
        }
        for key in ["anyOf", "oneOf"] {
            let Some(any) = list(new, key) else { continue };
            let had = ["anyOf", "oneOf"].into_iter().find_map(|key| old.get(key).and_then(Value::as_array));
            let is_covered = match had {
                Some(had) => had.iter().all(|one| any.iter().any(|schema| self.takes(one, schema, depth))),
                None => any.iter().any(|schema| self.takes(old, schema, depth)),
            };
            // Of `oneOf`, two that take the same thing take nothing: only a list that's the same, or grew out of `oneOf`, is trusted.
            if !is_covered || (key == "oneOf" && old.get("oneOf").is_none_or(|had| had.as_array().map(Vec::len) != Some(any.len()))) {
                self.tell(at, format!("`{key}` takes less, or can't be compared"));
            }
        }
    }

    fn takes(&self, old: &'s Value, new: &'s Value, depth: usize) -> bool {
        let mut inner = Self { before: self.before, after: self.after, found: Vec::new() };
        inner.compare(old, new, "", depth + 4);
        inner.found.is_empty()
    }
}

/// Follow references within the schema.
fn resolved<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let mut at = schema;
    for _ in 0..8 {
        let Some(reference) = at.get("$ref").and_then(Value::as_str) else { return at };
        match reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
            Some(target) => at = target,
            None => return at,
        }
    }
    at
}

fn is_everything(schema: &Value) -> bool {
    const SAYS_NOTHING: [&str; 11] =
        ["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment", "format", "$defs", "$schema"];
    match schema {
        Value::Bool(all) => *all,
        Value::Object(keys) => keys.keys().all(|key| SAYS_NOTHING.contains(&key.as_str())),
        _ => true,
    }
}

fn all_types<'t>() -> BTreeSet<&'t str> {
    BTreeSet::from(["null", "boolean", "number", "string", "array", "object"])
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn type_names(keys: &Map<String, Value>) -> Option<BTreeSet<&str>> {
    match keys.get("type")? {
        Value::String(one) => Some(BTreeSet::from([one.as_str()])),
        Value::Array(several) => Some(several.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

/// The values that `enum` or `const` lists.
fn listed(keys: &Map<String, Value>) -> Option<Vec<&Value>> {
    keys.get("const").map(|one| vec![one]).or_else(|| Some(keys.get("enum")?.as_array()?.iter().collect()))
}

fn texts(list: Option<&Value>) -> BTreeSet<&str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn object<'v>(keys: &'v Map<String, Value>, key: &str) -> Option<&'v Map<String, Value>> {
    keys.get(key).and_then(Value::as_object)
}

fn list<'v>(keys: &'v Map<String, Value>, key: &str) -> Option<&'v Vec<Value>> {
    keys.get(key).and_then(Value::as_array)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn told(before: &Value, after: &Value) -> Vec<String> {
        narrowings(Some(before), Some(after)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_takes_less_is_told_with_its_place() {
        for (before, after, what) in [
            (json!({}), json!({ "required": ["key"] }), "`key` is demanded"),
            (json!({ "properties": { "a": {} } }), json!({ "properties": {} }), "`/a`: it isn't known any more"),
            (json!({ "properties": { "a": {} } }), json!({ "properties": { "a": false } }), "`/a`: nothing is taken any more"),
            (json!({ "type": ["string", "null"] }), json!({ "type": "string" }), "it can't be null any more"),
            (json!({ "type": "number" }), json!({ "type": "integer" }), "it can't be number any more"),
            (json!({ "enum": ["a", "b"] }), json!({ "enum": ["b"] }), "it can't be \"a\" any more"),
            (json!({ "type": "string" }), json!({ "enum": ["b"] }), "only certain values are taken"),
            (json!({ "maximum": 9 }), json!({ "maximum": 8 }), "`maximum` is 8 (it was 9)"),
            (json!({}), json!({ "minLength": 1 }), "`minLength` is 1"),
            (json!({}), json!({ "pattern": "^a" }), "a `pattern` is demanded: \"^a\""),
            (json!({ "pattern": "a" }), json!({ "pattern": "b" }), "another `pattern` is demanded: \"b\""),
            (json!({}), json!({ "uniqueItems": true }), "no two items may be equal"),
            (
                json!({ "properties": {} }),
                json!({ "properties": {}, "additionalProperties": false }),
                "other properties than the known ones aren't taken any more",
            ),
            (json!({ "items": { "type": "string" } }), json!({ "items": { "type": "number" } }), "`/[]`: it can't be string any more"),
            (
                json!({ "additionalProperties": { "maximum": 9 } }),
                json!({ "additionalProperties": { "maximum": 8 } }),
                "`/*`: `maximum` is 8 (it was 9)",
            ),
            (
                json!({ "$defs": { "k": { "type": ["string", "null"] } }, "properties": { "a": { "$ref": "#/$defs/k" } } }),
                json!({ "properties": { "a": { "type": "string" } } }),
                "`/a`: it can't be null any more",
            ),
            (
                json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
                json!({ "anyOf": [{ "type": "string" }] }),
                "`anyOf` takes less, or can't be compared",
            ),
            (json!({}), json!({ "allOf": [{ "required": ["a"] }] }), "`allOf` demands more"),
            (
                json!({ "oneOf": [{ "type": "string" }, { "type": "null" }] }),
                json!({ "oneOf": [{ "type": "string" }] }),
                "`oneOf` takes less, or can't be compared",
            ),
            // What fits two of them fits none.
            (
                json!({ "oneOf": [{ "type": "string" }] }),
                json!({ "oneOf": [{ "type": "string" }, { "maxLength": 9 }] }),
                "`oneOf` takes less, or can't be compared",
            ),
            (json!({}), json!({ "items": { "type": "string" } }), "`/[]`: items are held to a schema"),
            (
                json!({}),
                json!({ "additionalProperties": { "type": "string" } }),
                "other properties than the known ones are held to a schema",
            ),
            (
                json!({ "additionalProperties": { "maximum": 9 } }),
                json!({ "additionalProperties": { "maximum": 9 }, "properties": { "a": { "maximum": 8 } } }),
                "`/a`: `maximum` is 8 (it was 9)",
            ),
        ] {
            assert_eq!(told(&before, &after), [what], "{before} to {after}");
        }
    }

    #[test]
    fn each_bound_is_compared() {
        let bound = |key: &str, limit: u64| json!({ key: limit });
        for key in ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"] {
            assert_eq!(told(&bound(key, 1), &bound(key, 2)), [format!("`{key}` is 2 (it was 1)")]);
            assert_eq!(told(&json!({}), &bound(key, 1)), [format!("`{key}` is 1")]);
            assert_eq!(told(&bound(key, 2), &bound(key, 1)), [""; 0], "{key}");
        }
        for key in ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"] {
            assert_eq!(told(&bound(key, 2), &bound(key, 1)), [format!("`{key}` is 1 (it was 2)")]);
            assert_eq!(told(&json!({}), &bound(key, 1)), [format!("`{key}` is 1")]);
            assert_eq!(told(&bound(key, 1), &bound(key, 2)), [""; 0], "{key}");
        }
        // Nothing is shorter than nothing, but a number may be less.
        for key in ["minLength", "minItems", "minProperties"] {
            assert_eq!(told(&json!({}), &bound(key, 0)), [""; 0], "{key}");
        }
        assert_eq!(told(&json!({}), &bound("minimum", 0)), ["`minimum` is 0"]);
    }

    #[test]
    fn what_cant_be_compared_is_told_if_its_new_or_another() {
        for (key, rule, other) in [
            ("pattern", json!("a"), json!("b")),
            ("multipleOf", json!(2), json!(3)),
            ("not", json!({ "type": "null" }), json!({ "type": "string" })),
            ("if", json!({ "minLength": 1 }), json!({ "minLength": 2 })),
            ("then", json!({ "minLength": 1 }), json!({ "minLength": 2 })),
            ("else", json!({ "minLength": 1 }), json!({ "minLength": 2 })),
            ("patternProperties", json!({ "^a": { "type": "string" } }), json!({ "^b": { "type": "string" } })),
            ("propertyNames", json!({ "maxLength": 9 }), json!({ "maxLength": 8 })),
            ("dependentRequired", json!({ "a": ["b"] }), json!({ "a": ["b", "c"] })),
            ("dependentSchemas", json!({ "a": { "required": ["b"] } }), json!({ "a": { "required": ["c"] } })),
            ("prefixItems", json!([{ "type": "string" }]), json!([{ "type": "null" }])),
            ("contains", json!({ "const": 1 }), json!({ "const": 2 })),
            ("unevaluatedProperties", json!(false), json!({ "type": "string" })),
            ("unevaluatedItems", json!(false), json!({ "type": "string" })),
        ] {
            let (without, with, another) = (json!({}), json!({ key: rule }), json!({ key: other }));
            assert_eq!(told(&with, &with), [""; 0], "{key}");
            assert_eq!(told(&with, &without), [""; 0], "{key}");
            for (before, what) in [(&without, "a"), (&another, "another")] {
                let told = told(before, &with);
                assert!(told.len() == 1 && told[0].starts_with(&format!("{what} `{key}` is demanded")), "{key}: {told:?}");
            }
        }
    }

    #[test]
    fn what_takes_as_much_or_more_isnt_told() {
        for (before, after) in [
            (json!({ "required": ["a"] }), json!({})),
            (json!({ "type": "integer" }), json!({ "type": "number" })),
            (json!({ "type": "string" }), json!({ "type": ["null", "string"], "description": "x" })),
            (json!({ "enum": ["a"] }), json!({ "enum": ["a", "b"] })),
            (json!({ "enum": ["a"] }), json!({ "type": "string" })),
            (json!({ "maximum": 8 }), json!({ "maximum": 9 })),
            (json!({}), json!({ "minLength": 0 })),
            (json!({ "properties": { "a": {} } }), json!({ "properties": { "a": {}, "b": { "type": "string" } } })),
            (
                json!({ "additionalProperties": false }),
                json!({ "additionalProperties": false, "properties": { "b": { "type": "string" } } }),
            ),
            (json!({ "additionalProperties": false }), json!({ "additionalProperties": { "type": "string" } })),
            (json!({ "type": "string" }), json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] })),
            (json!(false), json!({ "required": ["a"] })),
            (json!({ "required": ["a"] }), json!(true)),
        ] {
            assert_eq!(told(&before, &after), [""; 0], "{before} to {after}");
        }
        assert_eq!(narrowings(Some(&json!({ "required": ["a"] })), None), []);
        assert_eq!(narrowings(None, Some(&json!({ "properties": { "a": { "type": "string" } }, "additionalProperties": false }))), []);
        assert_eq!(narrowings(None, Some(&json!({ "required": ["a"] }))).len(), 1);
    }

    #[test]
    fn a_schema_that_refers_to_itself_or_to_nothing_ends() {
        let endless = json!({ "$defs": { "a": { "properties": { "next": { "$ref": "#/$defs/a" } } } }, "$ref": "#/$defs/a" });
        assert_eq!(told(&endless, &endless), [""; 0]);
        let circle = json!({ "$ref": "#" });
        assert_eq!(told(&circle, &circle), [""; 0]);
        let nowhere = json!({ "$ref": "https://elsewhere.example/" });
        assert_eq!(told(&nowhere, &nowhere), [""; 0]);
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(json!({ "type": "string" })),
            Just(json!({ "type": ["string", "null"] })),
            (0_u64..3).prop_map(|least| json!({ "type": "string", "minLength": least })),
            (0_i64..4, 0_i64..4).prop_map(|(least, most)| json!({ "type": "integer", "minimum": least, "maximum": most })),
            Just(json!({ "type": "number" })),
            prop::sample::subsequence(vec![json!("a"), json!("bb"), json!(1)], 1..3).prop_map(|values| json!({ "enum": values })),
            Just(json!({})),
            Just(json!(false)),
        ]
    }

    fn schema() -> impl Strategy<Value = Value> {
        let inner = prop_oneof![
            3 => scalar(),
            1 => scalar().prop_map(|items| json!({ "type": "array", "items": items, "maxItems": 2 })),
            1 => (scalar(), scalar()).prop_map(|(one, two)| json!({ "anyOf": [one, two] })),
            1 => (scalar(), scalar()).prop_map(|(one, two)| json!({ "allOf": [one, two] })),
        ];
        let properties = prop::collection::btree_map("[ab]", inner, 0..3);
        (properties, prop::sample::subsequence(vec!["a", "b"], 0..2), prop::option::of(scalar())).prop_map(|(properties, required, others)| {
            json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": others.unwrap_or(json!(false)) })
        })
    }

    fn value() -> impl Strategy<Value = Value> {
        let scalar = || {
            prop_oneof![
                Just(json!("")),
                Just(json!("a")),
                Just(json!("bb")),
                (0_i64..4).prop_map(|one| json!(one)),
                Just(json!(1.5)),
                Just(json!(null))
            ]
        };
        let inner = prop_oneof![3 => scalar(), 1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::from)];
        prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|all| json!(all))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn nothing_is_narrower_than_itself(schema in schema()) {
            prop_assert_eq!(told(&schema, &schema), [""; 0]);
        }

        /// The oracle is a validator: what the old schema took and the new one refuses is told.
        #[test]
        fn what_is_refused_and_wasnt_is_told(before in schema(), after in schema(), values in prop::collection::vec(value(), 8)) {
            let (old, new) = (jsonschema::validator_for(&before).unwrap(), jsonschema::validator_for(&after).unwrap());
            if let Some(value) = values.iter().find(|value| old.is_valid(value) && !new.is_valid(value)) {
                prop_assert!(!told(&before, &after).is_empty(), "{} was taken by {} and isn't by {}", value, before, after);
            }
        }
    }
}
