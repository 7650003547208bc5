//! What do editors need to know about our files? JSON Schemas (2020-12) of the manifest and the lock.
//!
//! They describe shape: keys, types, the spelling of names and digests. What depends on other parts of a file (a registry
//! that has to be declared, an edge that has to lead somewhere) only the parser knows. The schemas are written by hand,
//! since their descriptions are for people who type; tests hold their keys to the parser's.

mod lock;
mod manifest;
mod plugin;

#[cfg(test)]
mod tests;

use std::borrow::Borrow;

use serde_json::{Map, Value, json};

pub use self::lock::lock_schema;
pub use self::manifest::manifest_schema;
pub use self::plugin::plugin_schema;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const NAME: &str = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$";
const HEX_64: &str = "^[0-9a-f]{64}$";

/// An object that has exactly these properties.
fn closed(description: &str, properties: impl Borrow<Value>, required: &[&str]) -> Value {
    let mut object =
        json!({ "type": "object", "description": description, "properties": properties.borrow(), "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

/// An object whose keys are names and whose values are all alike.
fn by_name(description: &str, value: &Value) -> Value {
    json!({ "type": "object", "description": description, "propertyNames": { "$ref": "#/$defs/name" }, "additionalProperties": value })
}

fn string(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn pattern(description: &str, pattern: &str) -> Value {
    json!({ "type": "string", "description": description, "pattern": pattern })
}

fn boolean(description: &str) -> Value {
    json!({ "type": "boolean", "description": description })
}

fn integer(description: &str, minimum: u64, maximum: Option<u64>) -> Value {
    let mut schema = json!({ "type": "integer", "description": description, "minimum": minimum });
    if let Some(maximum) = maximum {
        schema["maximum"] = json!(maximum);
    }
    schema
}

fn choice(description: &str, values: &[&str]) -> Value {
    json!({ "type": "string", "description": description, "enum": values })
}

fn list(description: &str, items: &Value) -> Value {
    json!({ "type": "array", "description": description, "items": items })
}

fn reference(definition: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{definition}") })
}

/// A reference with words of its own.
fn described(description: &str, definition: &str) -> Value {
    json!({ "description": description, "$ref": format!("#/$defs/{definition}") })
}

fn shared_definitions() -> Map<String, Value> {
    let definitions = json!({
        "name": {
            "type": "string",
            "description": "Lower-case letters, digits and single hyphens, starting with a letter; at most 64 characters.",
            "pattern": NAME,
            "maxLength": 64,
        },
        "requirement": {
            "type": "string",
            "description": "A version requirement in Cargo's syntax: `1.2` and `^1.2` mean \"at least 1.2, below 2\"; `=1.2.3` is exact; `>=1, <2` combines; `*` is any.",
            "minLength": 1,
            "maxLength": 256,
        },
        "version": {
            "type": "string",
            "description": "A semantic version, as in `1.4.2`.",
            "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+([-+].*)?$",
            "maxLength": 128,
        },
        "types": {
            "type": "array",
            "description": "The kinds of calls that the plugin answers.",
            "items": { "enum": ["auth", "datasource", "response", "template"] },
            "uniqueItems": true,
        },
        "sha256": { "type": "string", "description": "SHA-256 in 64 lower-case hexadecimal digits.", "pattern": HEX_64 },
        "signer": {
            "type": "string",
            "description": "A publisher's minisign public key: `minisign:` and 56 characters of base64.",
            "pattern": "^minisign:[A-Za-z0-9+/]{56}$",
        },
        "source": {
            "type": "string",
            "description": "Where from: `registry+NAME`, `url+URL`, `git+URL`, `path+PATH`, `remote+URL` or `remote+env:NAME`.",
            "pattern": "^(registry|url|git|path|remote)\\+.+$",
        },
    });
    match definitions {
        Value::Object(definitions) => definitions,
        _ => Map::new(),
    }
}
