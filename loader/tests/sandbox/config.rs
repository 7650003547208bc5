//! Configuration and its schema, which is as foreign as the plugin's code.

use mfp_loader::check_config;
use serde_json::{Value, json};

use crate::support::*;

fn paths(schema: &Value, value: &Value) -> Vec<String> {
    let violations = check_config(schema, value).err().unwrap_or_default();
    violations.into_iter().map(|violation| violation.path.unwrap_or_else(|| "schema".to_owned())).collect()
}

#[test]
fn every_violation_has_its_place() {
    let schema = json!({
        "type": "object",
        "required": ["key"],
        "additionalProperties": false,
        "properties": { "key": { "type": "string", "minLength": 3 }, "list": { "items": { "type": "integer" } } },
    });
    assert!(check_config(&schema, &json!({ "key": "abc", "list": [1] })).is_ok());
    assert_eq!(paths(&schema, &json!({ "key": 1, "list": [1, "x", 2, null] })), ["/key", "/list/1", "/list/3"]);
    assert_eq!(paths(&schema, &json!({})), [""]);
}

#[test]
fn a_key_that_nothing_takes_has_its_place_and_the_one_that_was_meant() {
    let strict = |properties: Value| json!({ "additionalProperties": false, "properties": properties });
    let schema = strict(json!({ "greeting": {}, "nested": strict(json!({ "a/b": {} })) }));
    let said = |value: Value| check_config(&schema, &value).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(said(json!({ "greting": 1 })), ["/greting: there's no such key; did you mean `greeting`?"]);
    assert_eq!(said(json!({ "nested": { "a/c": 1 } })), ["/nested/a~1c: there's no such key; did you mean `a/b`?"]);
    assert_eq!(said(json!({ "x": 1, "zzz": 2 })), ["/x: there's no such key", "/zzz: there's no such key"]);
    let schema = json!({ "unevaluatedProperties": false, "properties": { "a": {} } });
    assert_eq!(paths(&schema, &json!({ "b/": 1 })), ["/b~1"]);
    let many: Value = (0..500).map(|at| (format!("k{at}"), json!(1))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(paths(&schema, &many).len(), 50);
}

#[test]
fn a_value_is_never_shown() {
    let schema = json!({ "properties": { "key": { "type": "integer" }, "code": { "pattern": "^[a-z]+$" }, "pick": { "enum": [1] } } });
    let value = json!({ "key": "hunter2", "code": "hunter2", "pick": "hunter2" });
    let violations = check_config(&schema, &value).unwrap_err();
    assert_eq!(violations.len(), 3);
    for violation in violations {
        assert!(!violation.to_string().contains("hunter2"), "{violation}");
    }
}

#[test]
fn a_configuration_that_is_wrong_is_not_loaded() {
    let mut spec = template("t", ECHO);
    spec.config_schema = Some(json!({ "required": ["key"] }));
    let error = load([spec.clone()]).unwrap_err();
    assert_eq!(error.code(), "mfp::config::invalid");
    assert!(error.to_string().contains("key"), "{error}");
    spec.config = json!({ "key": 1 });
    assert!(load([spec]).is_ok());
}

#[test]
fn hostile_schemas_end() {
    for reference in ["https://example.com/schema.json", "file:///etc/passwd", "http://127.0.0.1:1/x"] {
        assert_eq!(paths(&json!({ "$ref": reference }), &json!({})), ["schema"], "{reference} is not fetched");
    }
    let slow = json!({ "properties": { "a": { "pattern": "^(a+)+$" } } });
    let began = std::time::Instant::now();
    let _ = check_config(&slow, &json!({ "a": format!("{}!", "a".repeat(200)) }));
    let _ = check_config(&json!({ "pattern": "(?=a)(a|a)+\\1$" }), &json!("a".repeat(100)));
    assert!(began.elapsed().as_secs() < 5);
    assert_eq!(paths(&json!({ "pattern": "a{1000}{1000}{1000}" }), &json!("a")).len(), 1);
    assert_eq!(paths(&json!({ "pattern": "^\\p{L}{80}$" }), &json!("a")), ["schema"], "a mebibyte is enough for a pattern");
    assert_eq!(paths(&json!({ "type": "strnig" }), &json!("a")), ["schema"]);
    for endless in [
        json!({ "$ref": "#" }),
        json!({ "allOf": [{ "$ref": "#" }] }),
        json!({ "$defs": { "a": { "$ref": "#/$defs/b" }, "b": { "$ref": "#/$defs/a" } }, "$ref": "#/$defs/a" }),
    ] {
        let _ = check_config(&endless, &json!({}));
    }
}
