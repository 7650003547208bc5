//! Which variables does a plugin see? Those that it was granted, one by one, in `context.environment` of template calls.
//!
//! Values come from the host that loads the plugin, and only those; the sandbox itself has no environment.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Put the variables into the request of a template call. What the caller says itself goes before.
pub(crate) fn add_to(request: &mut Value, environment: &BTreeMap<String, String>) {
    if environment.is_empty() {
        return;
    }
    let Some(context) = request.get_mut("context").and_then(Value::as_object_mut) else { return };
    let entry = context.entry("environment").or_insert_with(|| Value::Object(Map::new()));
    let Some(given) = entry.as_object_mut() else { return };
    for (name, value) in environment {
        if !given.contains_key(name) {
            given.insert(name.clone(), Value::String(value.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn granted_variables_are_added_and_nothing_is_replaced() {
        let environment = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())]);
        let mut request = json!({ "function_name": "f", "args": [], "context": { "environment": { "B": "own" } } });
        add_to(&mut request, &environment);
        assert_eq!(request["context"], json!({ "environment": { "B": "own", "A": "1" } }));
        let mut request = json!({ "context": {} });
        add_to(&mut request, &BTreeMap::new());
        assert_eq!(request, json!({ "context": {} }));
    }
}
