//! What does a plugin get to see of a request? The keys that the protocol lists, and no others.
//!
//! Plugins written against MockForge's SDK fail on a key that they don't know, and what a host knows beyond the protocol is
//! none of their business: other keys are left out. A key that must be there and isn't, or has the wrong type, is an error
//! that names its place; the plugin isn't asked then.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::capability::environment;

/// What may stand at a key.
enum Keep {
    /// Any JSON.
    Any,
    /// A string.
    Text,
    /// A list of any JSON.
    List,
    /// An object with any keys.
    Map,
    /// An object whose values are strings.
    Headers,
    /// An object, of which these keys are sent.
    Keys(&'static [Key]),
}

struct Key {
    name: &'static str,
    required: bool,
    keep: Keep,
}

const fn required(name: &'static str, keep: Keep) -> Key {
    Key { name, required: true, keep }
}

const fn optional(name: &'static str, keep: Keep) -> Key {
    Key { name, required: false, keep }
}

/// A request as MockForge describes it to a plugin.
const CONTEXT: &[Key] =
    &[required("method", Keep::Text), required("uri", Keep::Text), optional("headers", Keep::Headers), optional("body", Keep::Any)];

const AUTHENTICATE: Keep = Keep::Keys(&[
    required("context", Keep::Keys(CONTEXT)),
    required("credentials", Keep::Keys(&[required("type", Keep::Text), optional("token", Keep::Text), optional("data", Keep::Map)])),
]);

const EXECUTE: Keep = Keep::Keys(&[
    optional("args", Keep::List),
    optional("context", Keep::Keys(&[optional("environment", Keep::Map), optional("request_context", Keep::Keys(CONTEXT))])),
]);

const GENERATE: Keep = Keep::Keys(&[
    required("context", Keep::Keys(CONTEXT)),
    required(
        "request",
        Keep::Keys(&[
            required("method", Keep::Text),
            required("path", Keep::Text),
            optional("headers", Keep::Headers),
            optional("body", Keep::Any),
        ]),
    ),
]);

const QUERY: Keep = Keep::Keys(&[
    required("query", Keep::Keys(&[required("query", Keep::Text), optional("parameters", Keep::Any)])),
    required("context", Keep::Keys(CONTEXT)),
]);

/// A request as a plugin gets it.
#[derive(Debug)]
pub(crate) struct Request {
    value: Value,
    text: String,
}

impl Request {
    /// What's sent for `call`, of what the caller gave, with the plugin's variables. `Err` says what's wrong and where.
    pub(crate) fn new(call: &Call, given: &Value, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut value = sent(call, given)?;
        if matches!(call, Call::Execute(_)) {
            environment::add_to(&mut value, environment);
        }
        Ok(Self { text: value.to_string(), value })
    }

    /// As a tree of values.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// As JSON text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// The request that's sent for `call`, from what the caller gave. `Err` says what's wrong and where.
fn sent(call: &Call, given: &Value) -> Result<Value, String> {
    match call {
        Call::Authenticate => keep(&AUTHENTICATE, given, "request"),
        Call::Generate => keep(&GENERATE, given, "request"),
        Call::Query => keep(&QUERY, given, "request"),
        Call::Functions => Ok(json!({})),
        Call::Execute(function) => {
            let mut kept = keep(&EXECUTE, given, "request")?;
            let (args, context) = (kept["args"].take(), kept["context"].take());
            let args = if args.is_null() { json!([]) } else { args };
            let context = if context.is_null() { json!({}) } else { context };
            Ok(json!({ "function_name": function, "args": args, "context": context }))
        }
    }
}

fn keep(shape: &Keep, given: &Value, place: &str) -> Result<Value, String> {
    let is = |fits: bool, wanted: &str| if fits { Ok(given.clone()) } else { Err(format!("`{place}` must be {wanted}")) };
    match shape {
        Keep::Any => Ok(given.clone()),
        Keep::Text => is(given.is_string(), "a string"),
        Keep::List => is(given.is_array(), "a list"),
        Keep::Map => is(given.is_object(), "an object"),
        Keep::Headers => {
            let texts = given.as_object().is_some_and(|headers| headers.values().all(Value::is_string));
            is(texts, "an object of strings")
        }
        Keep::Keys(keys) => {
            let object = given.as_object().ok_or_else(|| format!("`{place}` must be an object"))?;
            keep_keys(keys, object, place).map(Value::Object)
        }
    }
}

fn keep_keys(keys: &[Key], given: &Map<String, Value>, place: &str) -> Result<Map<String, Value>, String> {
    let mut kept = Map::new();
    for key in keys {
        match given.get(key.name) {
            Some(Value::Null) | None if key.required => return Err(format!("`{place}.{}` is missing", key.name)),
            Some(Value::Null) | None => {}
            Some(value) => {
                let value = keep(&key.keep, value, &format!("{place}.{}", key.name))?;
                kept.insert(key.name.to_owned(), value);
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_keys_are_sent() {
        let given = json!({
            "context": { "method": "GET", "uri": "/", "headers": { "a": "b" }, "body": null, "peer": "10.0.0.1" },
            "credentials": { "type": "bearer", "token": "t", "secret": "s" },
            "environment": { "HOME": "/root" },
        });
        let sent = sent(&Call::Authenticate, &given).unwrap();
        assert_eq!(
            sent,
            json!({
                "context": { "method": "GET", "uri": "/", "headers": { "a": "b" } },
                "credentials": { "type": "bearer", "token": "t" },
            })
        );
    }

    #[test]
    fn a_template_call_always_has_its_three_keys() {
        let call = Call::Execute("upper".into());
        let full = json!({ "function_name": "upper", "args": [], "context": {} });
        assert_eq!(sent(&call, &json!({ "function_name": "other", "x": 1 })).unwrap(), full);
        let given = json!({ "args": [1], "context": { "environment": {}, "request_context": null, "more": 1 } });
        let expected = json!({ "function_name": "upper", "args": [1], "context": { "environment": {} } });
        assert_eq!(sent(&call, &given).unwrap(), expected);
        assert_eq!(sent(&Call::Functions, &json!({ "x": 1 })).unwrap(), json!({}));
    }

    #[test]
    fn what_is_missing_is_named_with_its_place() {
        let context = json!({ "method": "GET", "uri": "/" });
        for (call, given, says) in [
            (Call::Authenticate, json!({ "context": context }), "`request.credentials` is missing"),
            (
                Call::Authenticate,
                json!({ "context": context, "credentials": { "type": 1 } }),
                "`request.credentials.type` must be a string",
            ),
            (Call::Generate, json!([]), "`request` must be an object"),
            (Call::Execute("f".into()), json!({ "args": "x" }), "`request.args` must be a list"),
            (Call::Query, json!({ "query": {}, "context": context }), "`request.query.query` is missing"),
            (Call::Query, json!({ "query": { "query": "q" }, "context": {} }), "`request.context.method` is missing"),
        ] {
            assert_eq!(sent(&call, &given), Err(says.to_owned()));
        }
    }
}
