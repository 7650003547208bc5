//! The schema of `plugin.yaml` in mfp's own dialect.

use serde_json::{Value, json};

use super::{DIALECT, NAME, boolean, choice, closed, integer, list, string};
use crate::plugin::PluginType;

/// The JSON Schema (2020-12) of `plugin.yaml` in mfp's own dialect (`mfp: 1`).
pub fn plugin_schema() -> Value {
    let root = closed("What a plugin is, asks and offers.", root(), &["mfp", "plugin"]);
    let mut schema = json!({ "$schema": DIALECT, "title": "plugin.yaml" });
    if let (Some(schema), Value::Object(root)) = (schema.as_object_mut(), root) {
        schema.extend(root);
    }
    schema
}

fn root() -> Value {
    json!({
        "mfp": { "const": 1, "description": "The edition of mfp's dialect." },
        "plugin": closed("Who it is.", plugin(), &["id", "version", "types"]),
        "mockforge": string("The MockForge versions that it supports, as a requirement: \">=0.3, <2\". All, if it isn't said."),
        "capabilities": closed("What it asks for beyond the defaults. Nothing is granted that isn't asked for.", capabilities(), &[]),
        "dependencies": list("The plugins that it calls.", &closed("A plugin that it calls.", dependency(), &["id", "version"])),
        "configuration": closed("What the project may configure.", json!({ "schema": { "type": "object", "description": "A JSON Schema (2020-12) of the configuration." } }), &["schema"]),
        "tests": list("Requests with expected answers.", &json!({ "type": "object" })),
    })
}

fn plugin() -> Value {
    let types: Vec<&str> = PluginType::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({
        "id": { "type": "string", "description": "Its name everywhere: lower-case letters, digits and single hyphens.", "pattern": NAME, "maxLength": 64 },
        "version": { "type": "string", "description": "Its version, by Semantic Versioning 2.0.", "maxLength": 128 },
        "name": string("Its name for people."),
        "description": string("What it does, in a sentence."),
        "types": { "type": "array", "description": "The calls that it answers.", "items": { "enum": types }, "minItems": 1, "uniqueItems": true },
        "runtime": choice("Code that runs in the sandbox, or a service.", &["wasm", "remote"]),
        "entry": string("The module's file; if it isn't said, the only *.wasm beside this file."),
        "include": list("Patterns of files that belong to the package beside README*, LICENSE* and CHANGELOG*.", &json!({ "type": "string" })),
        "license": string("Its licence, as an SPDX expression."),
        "author": closed("Who wrote it.", json!({ "name": string("Their name."), "email": string("Their address."), "homepage": string("Their page.") }), &[]),
        "homepage": string("Its page."),
        "repository": string("Where its source is."),
        "documentation": string("Where its documentation is."),
        "keywords": list("Words to find it by.", &json!({ "type": "string" })),
        "categories": list("Categories to find it by.", &json!({ "type": "string" })),
    })
}

fn capabilities() -> Value {
    let strings = |description: &str| list(description, &json!({ "type": "string" }));
    json!({
        "network": closed("Outbound HTTP.", json!({ "allow_http_outbound": boolean("May it send requests?"), "allowed_hosts": strings("To which hosts: [scheme://]host[:port], *.host, or *.") }), &[]),
        "filesystem": closed("Files below the project's folder.", json!({ "allow_read": boolean("May it read?"), "allow_write": boolean("May it write?"), "allowed_paths": strings("Below which folders.") }), &[]),
        "environment": strings("Environment variables that it may see, by name."),
        "resources": closed("Its limits.", json!({ "max_memory_bytes": integer("Memory in bytes.", 1, None), "max_cpu_time_ms": integer("Milliseconds that a call may take.", 1, None) }), &[]),
    })
}

fn dependency() -> Value {
    json!({
        "id": string("The plugin."),
        "version": string("Which versions will do; a bare one is caret."),
        "optional": boolean("Not installed for this plugin's sake, but if the project has it, the requirement holds."),
    })
}
