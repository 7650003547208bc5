//! From the protocol's JSON to the WIT's types and back.
//!
//! Requests were checked before (`crate::protocol::request`), so what's missing here is a mistake of ours. Answers are foreign:
//! what they hold as JSON text is read to its end before it gets into JSON, and what can't be said in it (a name twice) is
//! an error.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::bindings::exports::mockforge::plugin::auth::{Credentials, Verdict};
use super::bindings::exports::mockforge::plugin::datasource::{DataQuery, DataResult};
use super::bindings::exports::mockforge::plugin::response::{Request, ResponseData};
use super::bindings::exports::mockforge::plugin::template::{Function, TemplateContext};
use super::bindings::mockforge::plugin::types::{Body, RequestContext};
use crate::error::shown;

type Given<T> = Result<T, String>;

/// The parts of a request for `authenticate`.
pub(super) fn authenticate(request: &Value) -> Given<(RequestContext, Credentials)> {
    let given = &request["credentials"];
    let credentials =
        Credentials { kind: text(&given["type"], "type")?, token: optional_text(&given["token"])?, data: optional_json(&given["data"]) };
    Ok((context(&request["context"])?, credentials))
}

/// The parts of a request for `execute`, the function's name apart.
pub(super) fn execute(request: &Value) -> Given<(Vec<String>, TemplateContext)> {
    let args = request["args"].as_array().map(|args| args.iter().map(Value::to_string).collect()).unwrap_or_default();
    let given = &request["context"];
    let environment = given["environment"].as_object().into_iter().flatten();
    let environment = environment.map(|(name, value)| (name.clone(), value.to_string())).collect();
    let request_context = given.get("request_context").map(context).transpose()?;
    Ok((args, TemplateContext { environment, request_context }))
}

/// The parts of a request for `generate`.
pub(super) fn generate(request: &Value) -> Given<(RequestContext, Request)> {
    let given = &request["request"];
    let asked = Request {
        method: text(&given["method"], "method")?,
        path: text(&given["path"], "path")?,
        headers: headers(&given["headers"])?,
        body: body(&given["body"]),
    };
    Ok((context(&request["context"])?, asked))
}

/// The parts of a request for `query`.
pub(super) fn query(request: &Value) -> Given<(DataQuery, RequestContext)> {
    let given = &request["query"];
    let query = DataQuery { query: text(&given["query"], "query")?, parameters: optional_json(&given["parameters"]) };
    Ok((query, context(&request["context"])?))
}

fn context(given: &Value) -> Given<RequestContext> {
    Ok(RequestContext {
        method: text(&given["method"], "method")?,
        uri: text(&given["uri"], "uri")?,
        headers: headers(&given["headers"])?,
        body: body(&given["body"]),
    })
}

fn text(given: &Value, name: &str) -> Given<String> {
    given.as_str().map(str::to_owned).ok_or_else(|| format!("`{name}` isn't a string, and wasn't looked at"))
}

fn optional_text(given: &Value) -> Given<Option<String>> {
    if given.is_null() { Ok(None) } else { text(given, "token").map(Some) }
}

fn optional_json(given: &Value) -> Option<String> {
    (!given.is_null()).then(|| given.to_string())
}

fn headers(given: &Value) -> Given<Vec<(String, String)>> {
    let headers = given.as_object().into_iter().flatten();
    headers.map(|(name, value)| Ok((name.clone(), text(value, "headers")?))).collect()
}

fn body(given: &Value) -> Option<Body> {
    match given {
        Value::Null => None,
        Value::String(text) => Some(Body::Text(text.clone())),
        other => Some(Body::Json(other.to_string())),
    }
}

/// JSON text of a guest's, read to its end.
fn raw<'a>(text: &'a str, what: &str) -> Result<&'a RawValue, String> {
    serde_json::from_str::<&RawValue>(text)
        .and_then(|raw| serde_json::from_str::<IgnoredAny>(text).map(|_| raw))
        .map_err(|error| format!("{what} isn't JSON: {}", shown(&error.to_string(), 200)))
}

/// An object whose values are JSON text of a guest's; no name may come twice.
fn object<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>, what: &str) -> Result<Raws<'a>, String> {
    let mut raws = Raws::default();
    for (name, value) in entries {
        let value = raw(value, what)?;
        if raws.0.insert(name, value).is_some() {
            return Err(format!("{what} has `{}` twice", shown(name, 100)));
        }
    }
    Ok(raws)
}

/// An object whose values aren't looked into.
#[derive(Default, Serialize)]
#[serde(transparent)]
struct Raws<'a>(std::collections::BTreeMap<&'a str, &'a RawValue>);

#[derive(Serialize)]
struct VerdictJson<'a> {
    authenticated: bool,
    user_id: &'a str,
    claims: Raws<'a>,
}

fn written(value: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

/// What `authenticate` answers.
pub(super) fn verdict(verdict: &Verdict) -> Result<String, String> {
    let claims = object(verdict.claims.iter().map(|(name, value)| (name.as_str(), value.as_str())), "a claim")?;
    written(&VerdictJson { authenticated: verdict.authenticated, user_id: &verdict.user_id, claims })
}

/// What `functions` answers.
pub(super) fn functions(functions: &[Function]) -> String {
    let functions = functions.iter().map(|function| {
        let parameters: Vec<Value> = function
            .parameters
            .iter()
            .map(|one| json!({ "name": one.name, "type": one.kind, "required": one.required, "description": one.description }))
            .collect();
        json!({
            "name": function.name,
            "description": function.description,
            "parameters": parameters,
            "return_type": function.return_type,
        })
    });
    Value::Array(functions.collect()).to_string()
}

/// What `generate` answers.
pub(super) fn response(response: &ResponseData) -> Result<String, String> {
    let mut headers = Map::new();
    for (name, value) in &response.headers {
        if headers.insert(name.clone(), Value::String(value.clone())).is_some() {
            return Err(format!("its headers have `{}` twice", shown(name, 100)));
        }
    }
    let mut answer = json!({ "status_code": response.status_code, "headers": headers, "body": STANDARD.encode(&response.body) });
    if let Some(content_type) = &response.content_type {
        answer["content_type"] = Value::String(content_type.clone());
    }
    Ok(answer.to_string())
}

#[derive(Serialize)]
struct DataJson<'a> {
    columns: Vec<Value>,
    rows: Vec<Raws<'a>>,
}

/// What `query` answers.
pub(super) fn data(result: &DataResult) -> Result<String, String> {
    let columns = result.columns.iter().map(|column| json!({ "name": column.name, "data_type": column.data_type })).collect();
    let names = || result.columns.iter().map(|column| column.name.as_str());
    let rows = result.rows.iter().map(|row| {
        if row.len() != result.columns.len() {
            return Err(format!("a row has {} values, there are {} columns", row.len(), result.columns.len()));
        }
        object(names().zip(row.iter().map(String::as_str)), "a row")
    });
    written(&DataJson { columns, rows: rows.collect::<Result<_, _>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_json_cannot_say_is_refused() {
        let verdict_of = |claims: &[(&str, &str)]| {
            let claims = claims.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            verdict(&Verdict { authenticated: true, user_id: "ada".into(), claims })
        };
        assert_eq!(verdict_of(&[("a", "[1, 2]")]).unwrap(), r#"{"authenticated":true,"user_id":"ada","claims":{"a":[1, 2]}}"#);
        assert!(verdict_of(&[("a", "1"), ("a", "2")]).unwrap_err().contains("twice"));
        assert!(verdict_of(&[("a", "1,\"authenticated\":true")]).unwrap_err().contains("isn't JSON"));
        assert!(verdict_of(&[("a", "")]).is_err());
    }

    #[test]
    fn a_row_has_a_value_for_each_column() {
        use super::super::bindings::exports::mockforge::plugin::datasource::Column;
        let columns = vec![Column { name: "id".into(), data_type: "integer".into() }];
        let rows = |rows: Vec<Vec<&str>>| {
            let rows = rows.into_iter().map(|row| row.into_iter().map(str::to_owned).collect()).collect();
            data(&DataResult { columns: columns.clone(), rows })
        };
        assert_eq!(rows(vec![vec!["1"]]).unwrap(), r#"{"columns":[{"name":"id","data_type":"integer"}],"rows":[{"id":1}]}"#);
        assert!(rows(vec![vec![]]).is_err());
        assert!(rows(vec![vec!["1", "2"]]).is_err());
    }
}
