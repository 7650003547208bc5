//! What's around a command's data: which command it was, whether it did its work, its warnings, and its error.

#[cfg(test)]
use schemars::Schema;
use serde_json::{Map, Value};

use crate::error::Error;
use crate::report::{Outcome, neutral_json};

/// The version of the documents.
const DOCUMENT_VERSION: u32 = 1;

/// The schema of a whole document: the envelope around a command's data, or an error.
#[cfg(test)]
pub(crate) fn document_schema(command: &str, data: &Schema) -> Value {
    let mut data = data.clone().to_value();
    let definitions = data.as_object_mut().and_then(|object| object.remove("$defs"));
    let error = serde_json::json!({
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": { "type": "string", "pattern": "^mfp::[a-z-]+(::[a-z0-9-]+)?$" },
            "message": { "type": "string" },
            "help": { "type": "string" },
            "details": { "type": "object" },
        },
    });
    let warning = serde_json::json!({ "type": "object", "required": ["code", "message"], "properties": { "code": { "type": "string" }, "message": { "type": "string" } } });
    let envelope =
        |ok: bool| serde_json::json!({ "v": { "const": DOCUMENT_VERSION }, "command": { "const": command }, "ok": { "const": ok } });
    let mut schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("mfp {command} --json"),
        "oneOf": [
            { "type": "object", "required": ["v", "command", "ok"], "properties": envelope(true), "allOf": [data], "additionalProperties": true },
            { "type": "object", "required": ["v", "command", "ok", "error"], "properties": envelope(false) },
        ],
    });
    schema["oneOf"][0]["properties"]["warnings"] = serde_json::json!({ "type": "array", "items": warning });
    schema["oneOf"][1]["properties"]["error"] = error;
    if let Some(definitions) = definitions {
        schema["$defs"] = definitions;
    }
    if let Some(data) = schema["oneOf"][0]["allOf"][0].as_object_mut() {
        data.remove("$schema");
        data.remove("title");
    }
    schema
}

/// The one document on stdout.
#[derive(Debug)]
pub(crate) struct Envelope(Map<String, Value>);

impl Envelope {
    fn new(command: &str, ok: bool) -> Self {
        let mut object = Map::new();
        object.insert("v".into(), DOCUMENT_VERSION.into());
        object.insert("command".into(), command.into());
        object.insert("ok".into(), ok.into());
        Self(object)
    }

    /// Of a command that did its work, or all of it but what was refused.
    pub(crate) fn of(command: &str, outcome: &Outcome, warnings: Vec<(&'static str, String)>) -> Self {
        let mut envelope = Self::new(command, outcome.refusal.is_none());
        if let Ok(Value::Object(data)) = serde_json::to_value(&outcome.document) {
            envelope.0.extend(data);
        }
        if let Some(refusal) = &outcome.refusal {
            envelope.0.insert("error".into(), error_value(refusal));
        }
        if !warnings.is_empty() {
            let warning = |(code, message)| serde_json::json!({ "code": code, "message": message });
            envelope.0.insert("warnings".into(), warnings.into_iter().map(warning).collect());
        }
        envelope
    }

    /// Of a command that failed.
    pub(crate) fn of_error(command: &str, error: &Error) -> Self {
        let mut envelope = Self::new(command, false);
        envelope.0.insert("error".into(), error_value(error));
        envelope
    }

    /// One line of JSON.
    pub(crate) fn to_text(&self) -> String {
        format!("{}\n", neutral_json(&serde_json::to_string(&self.0).expect("a map of JSON values is JSON")))
    }
}

fn error_value(error: &Error) -> Value {
    let mut details = error.detail_map().clone();
    if !error.point_list().is_empty() {
        details.insert("points".into(), error.point_list().into());
    }
    if !error.note_list().is_empty() {
        details.insert("notes".into(), error.note_list().into());
    }
    if let Some(excerpt) = error.source_excerpt() {
        let line = excerpt.text.get(..excerpt.span.start).unwrap_or_default().matches('\n').count() + 1;
        details.insert("file".into(), excerpt.file.as_str().into());
        details.insert("line".into(), line.into());
        details.insert("label".into(), excerpt.label.as_str().into());
    }
    let mut object = Map::new();
    object.insert("code".into(), error.code().into());
    object.insert("message".into(), error.message().into());
    if let Some(help) = error.help_text() {
        object.insert("help".into(), help.into());
    }
    object.insert("details".into(), Value::Object(details));
    Value::Object(object)
}
