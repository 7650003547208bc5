//! Is this a request with an expected answer, as `tests:` in a manifest holds them?

use serde_json::Value;

/// The calls, as `tests:` names them.
const CALLS: [&str; 5] = ["authenticate", "execute", "functions", "generate", "query"];
/// All keys that a test may have.
const KEYS: [&str; 7] = ["name", "call", "request", "config", "expect", "expect-error", "expect-partial"];
/// Of which it has one.
const EXPECTED: [&str; 3] = ["expect", "expect-error", "expect-partial"];

/// The first thing that's wrong with it, as a sentence.
pub(super) fn shape(test: &Value) -> Result<(), String> {
    let Value::Object(test) = test else { return Err("must be a mapping".to_owned()) };
    if let Some(unknown) = test.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("unknown key `{}`; known: {}", crate::report::clean(unknown), KEYS.join(", ")));
    }
    let text = |key: &str| test.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("name").is_none() {
        return Err("`name` is missing, or isn't a text".to_owned());
    }
    if !text("call").is_some_and(|call| CALLS.contains(&call)) {
        return Err(format!("`call` must be one of {}", CALLS.join(", ")));
    }
    for key in ["request", "config"] {
        if test.get(key).is_some_and(|value| !value.is_object()) {
            return Err(format!("`{key}` must be a mapping"));
        }
    }
    if EXPECTED.iter().filter(|key| test.contains_key(**key)).count() != 1 {
        return Err(format!("needs exactly one of {}", EXPECTED.join(", ")));
    }
    if test.contains_key("expect-error") && text("expect-error").is_none() {
        return Err("`expect-error` must be a text that the error contains".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_test_says_what_it_sends_and_what_it_expects() {
        let good = json!({ "name": "hello", "call": "execute", "request": { "function_name": "hello", "args": [] }, "expect": null });
        assert_eq!(shape(&good), Ok(()));
        assert_eq!(shape(&json!({ "name": "x", "call": "functions", "expect-partial": [] })), Ok(()));
        for (test, part) in [
            (json!("x"), "mapping"),
            (json!({ "call": "query", "expect": 1 }), "`name`"),
            (json!({ "name": "x", "call": "hello", "expect": 1 }), "`call`"),
            (json!({ "name": "x", "call": "query", "request": [], "expect": 1 }), "`request`"),
            (json!({ "name": "x", "call": "query", "request": {} }), "exactly one"),
            (json!({ "name": "x", "call": "query", "expect": 1, "expect-error": "y" }), "exactly one"),
            (json!({ "name": "x", "call": "query", "expect-error": 1 }), "`expect-error`"),
            (json!({ "name": "x", "call": "query", "expected": 1 }), "unknown key `expected`"),
        ] {
            let why = shape(&test).unwrap_err();
            assert!(why.contains(part), "{test}: {why}");
        }
    }
}
