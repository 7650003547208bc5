//! What requests and answers are made of, as the protocol has them.
//!
//! The same types for every transport. What the protocol leaves open is a [`Value`]; a key that's `null` is one that's absent.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::Error;

/// Headers, in their order. Names are looked for without regard to case; one that came in several spellings stands there in
/// each, as the host had it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of a header.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Set a header. What's there of that name, in whatever spelling, goes.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.0.push((name, value));
    }

    /// Add a value to a header: as HTTP has it, behind a comma if one of this spelling is there.
    pub fn append(&mut self, name: impl Into<String>, value: impl AsRef<str>) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => {
                values.push_str(", ");
                values.push_str(value.as_ref());
            }
            None => self.0.push((name, value.as_ref().to_owned())),
        }
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut all = Self::new();
        for (name, value) in headers {
            all.append(name, value);
        }
        all
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Headers;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of header names and values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
                let mut headers = Headers::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    headers.append(name, value);
                }
                Ok(headers)
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// What has headers is built with them.
macro_rules! built_with_headers {
    ($($message:ident),*) => {
        $(
            impl $message {
                /// With another header.
                #[must_use]
                pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                    self.headers.set(name, value);
                    self
                }
            }
        )*
    };
}

built_with_headers!(RequestContext, Request, ResponseData, HttpRequest);

/// What a host got has a body of a host's.
macro_rules! built_with_body {
    ($($message:ident),*) => {
        $(
            impl $message {
                /// With this body.
                #[must_use]
                pub fn body(self, body: impl Into<Body>) -> Self {
                    Self { body: Some(body.into()), ..self }
                }
            }
        )*
    };
}

built_with_body!(RequestContext, Request);

/// A request's body as the host got it: text, or another JSON value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// Text.
    Text(String),
    /// Any JSON value but text and `null`.
    Json(Value),
}

impl Body {
    /// The text, if it's text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(_) => None,
        }
    }

    /// What the body says as JSON: the value itself, or what its text means.
    pub fn json<T: DeserializeOwned>(&self) -> crate::Result<T> {
        match self {
            Self::Text(text) => Ok(serde_json::from_str(text)?),
            Self::Json(value) => Ok(serde_json::from_value(value.clone())?),
        }
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            value => Self::Json(value),
        }
    }
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

/// `null` is what's absent.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The request that the mock server is answering.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RequestContext {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// By name.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// Absent if there's none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

impl RequestContext {
    /// A request without headers and body.
    pub fn new(method: impl Into<String>, uri: impl Into<String>) -> Self {
        Self { method: method.into(), uri: uri.into(), ..Self::default() }
    }
}

/// Who a request says that it's from. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Credentials {
    /// `bearer`, `basic`, `api-key`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The token, where there's one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whatever else belongs to them.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Credentials {
    /// A bearer token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::of("bearer", token)
    }

    /// A token of some kind.
    pub fn of(kind: impl Into<String>, token: impl Into<String>) -> Self {
        Self { kind: kind.into(), token: Some(token.into()), data: Map::new() }
    }

    /// A text of [`Self::data`].
    pub fn text(&self, key: &str) -> Option<&str> {
        self.data.get(key).and_then(Value::as_str)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Are these credentials good? What an auth plugin is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AuthRequest {
    /// The request that they came with.
    pub context: RequestContext,
    /// The credentials.
    pub credentials: Credentials,
}

/// What an auth plugin answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether they're good.
    pub authenticated: bool,
    /// Who it is; empty if nobody was authenticated.
    pub user_id: String,
    /// What's claimed about the user.
    pub claims: Map<String, Value>,
}

impl Verdict {
    /// They're good, and this is who it is.
    pub fn accept(user_id: impl Into<String>) -> Self {
        Self { authenticated: true, user_id: user_id.into(), claims: Map::new() }
    }

    /// They aren't good. (That nobody can tell is an [`Error`].)
    pub fn reject() -> Self {
        Self::default()
    }

    /// With another claim.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }
}

/// What a template function may know beside its arguments.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TemplateContext {
    /// The variables that the plugin was granted, and the caller's.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Map::is_empty")]
    pub environment: Map<String, Value>,
    /// The request that the template is rendered for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_context: Option<RequestContext>,
}

/// A call of a template function.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Which function.
    pub function_name: String,
    /// Its arguments, in order.
    #[serde(default, deserialize_with = "or_default")]
    pub args: Vec<Value>,
    /// What else it may know.
    #[serde(default, deserialize_with = "or_default")]
    pub context: TemplateContext,
}

impl FunctionCall {
    /// A call without a context.
    pub fn new(function_name: impl Into<String>, args: impl IntoIterator<Item = Value>) -> Self {
        Self { function_name: function_name.into(), args: args.into_iter().collect(), context: TemplateContext::default() }
    }

    /// The argument at this place, from 0. `None` if there's none or it's `null`; an error if it's of another type.
    ///
    /// ```
    /// use mockforge_plugin_sdk::FunctionCall;
    /// use serde_json::json;
    ///
    /// let call = FunctionCall::new("repeat", [json!("ab"), json!(2)]);
    /// assert_eq!(call.arg::<String>(0).unwrap().as_deref(), Some("ab"));
    /// assert_eq!(call.arg::<u32>(2).unwrap(), None);
    /// assert_eq!(call.arg::<u32>(0).unwrap_err().to_string(), "argument 1 of repeat: invalid type: string \"ab\", expected u32");
    /// ```
    pub fn arg<T: DeserializeOwned>(&self, at: usize) -> crate::Result<Option<T>> {
        let Some(arg) = self.args.get(at).filter(|arg| !arg.is_null()) else { return Ok(None) };
        let wrong = |error| crate::fail!("argument {} of {}: {error}", at + 1, self.function_name);
        T::deserialize(arg).map(Some).or_else(wrong)
    }

    /// The argument at this place, from 0, which there must be.
    pub fn need<T: DeserializeOwned>(&self, at: usize) -> crate::Result<T> {
        match self.arg(at)? {
            Some(arg) => Ok(arg),
            None => crate::fail!("{} needs argument {}", self.function_name, at + 1),
        }
    }

    /// All arguments at once, as a tuple of their types: for functions that take so many and no more.
    ///
    /// ```
    /// use mockforge_plugin_sdk::FunctionCall;
    /// use serde_json::json;
    ///
    /// let (text, count): (String, usize) = FunctionCall::new("repeat", [json!("ab"), json!(2)]).args().unwrap();
    /// assert_eq!(text.repeat(count), "abab");
    /// ```
    pub fn args<T: DeserializeOwned>(&self) -> crate::Result<T> {
        let args = Value::Array(self.args.clone());
        T::deserialize(args).map_err(|error| Error::from(error).context(&self.function_name))
    }

    /// The error of a plugin that has no such function.
    pub fn unknown(&self) -> Error {
        Error::new(alloc::format!("there's no function `{}`", self.function_name))
    }
}

/// A function that a template plugin has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// What it gives, for people: `string`, `number`, …
    pub return_type: String,
}

impl Function {
    /// A function without parameters.
    pub fn new(name: impl Into<String>, return_type: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), description: description.into(), parameters: Vec::new(), return_type: return_type.into() }
    }

    /// With another parameter, which must be given.
    #[must_use]
    pub fn needs(self, name: impl Into<String>, kind: impl Into<String>, description: impl Into<String>) -> Self {
        self.with(Parameter { name: name.into(), kind: kind.into(), required: true, description: description.into() })
    }

    /// With another parameter, which may be left out.
    #[must_use]
    pub fn takes(self, name: impl Into<String>, kind: impl Into<String>, description: impl Into<String>) -> Self {
        self.with(Parameter { name: name.into(), kind: kind.into(), required: false, description: description.into() })
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }
}

/// A parameter of a template function.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `string`, `number`, `boolean`, …: for people.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it can't be left out.
    pub required: bool,
    /// What it's for.
    pub description: String,
}

/// The request that a response plugin answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// By name.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Headers::is_empty")]
    pub headers: Headers,
    /// Absent if there's none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
}

impl Request {
    /// A request without headers and body.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { method: method.into(), path: path.into(), ..Self::default() }
    }
}

/// What is the answer to this request? What a response plugin is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// The request as the mock server has it.
    #[serde(default, deserialize_with = "or_default")]
    pub context: RequestContext,
    /// The same, taken apart.
    pub request: Request,
}

impl GenerateRequest {
    /// A request, and the context that goes with it.
    pub fn of(request: Request) -> Self {
        let Request { method, path, headers, body } = request.clone();
        Self { context: RequestContext { method, uri: path, headers, body }, request }
    }
}

/// A response that a plugin made up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseData {
    /// 100 to 999.
    pub status_code: u16,
    /// By name.
    #[serde(default, deserialize_with = "or_default")]
    pub headers: Headers,
    /// The bytes; base64 in JSON.
    #[serde(default, with = "in_base64")]
    pub body: Vec<u8>,
    /// `application/json`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

impl ResponseData {
    /// A response without a body.
    pub fn new(status_code: u16) -> Self {
        Self { status_code, headers: Headers::new(), body: Vec::new(), content_type: None }
    }

    /// 200 with this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(200).with_body("text/plain; charset=utf-8", text.into())
    }

    /// 200 with this value as JSON.
    pub fn json(value: &impl Serialize) -> crate::Result<Self> {
        Ok(Self::new(200).with_body("application/json", serde_json::to_vec(value)?))
    }

    /// With this body.
    #[must_use]
    pub fn with_body(self, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), content_type: Some(content_type.into()), ..self }
    }

    /// With another status.
    #[must_use]
    pub fn status(self, status_code: u16) -> Self {
        Self { status_code, ..self }
    }
}

/// A query in a plugin's own language.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DataQuery {
    /// The query.
    pub query: String,
    /// Values for it; `null` if there are none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
}

/// What do the tables say? What a datasource plugin is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The query.
    pub query: DataQuery,
    /// The request that's being answered.
    #[serde(default, deserialize_with = "or_default")]
    pub context: RequestContext,
}

impl QueryRequest {
    /// A query without parameters.
    pub fn new(query: impl Into<String>) -> Self {
        Self { query: DataQuery { query: query.into(), parameters: Value::Null }, context: RequestContext::default() }
    }

    /// With these parameters.
    #[must_use]
    pub fn with(mut self, parameters: impl Into<Value>) -> Self {
        self.query.parameters = parameters.into();
        self
    }
}

/// A column of a [`Table`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// `string`, `integer`, `float`, `boolean`, `json`, …
    pub data_type: String,
}

/// What a datasource plugin answers. A row has a value for each column, always: there's no way to make another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

impl Table {
    /// A table with these columns, by name and data type, and no rows.
    pub fn new<N: Into<String>, T: Into<String>>(columns: impl IntoIterator<Item = (N, T)>) -> Self {
        let column = |(name, data_type): (N, T)| Column { name: name.into(), data_type: data_type.into() };
        Self { columns: columns.into_iter().map(column).collect(), rows: Vec::new() }
    }

    /// Add a row: its values in the order of the columns. Values that are missing are `null`; more than there are columns is an error.
    pub fn row(&mut self, values: impl IntoIterator<Item = Value>) -> crate::Result<()> {
        let mut values: Vec<Value> = values.into_iter().collect();
        if values.len() > self.columns.len() {
            crate::fail!("a row of {} values in a table of {} columns", values.len(), self.columns.len());
        }
        values.resize(self.columns.len(), Value::Null);
        self.rows.push(values);
        Ok(())
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, each in the order of the columns.
    pub fn rows(&self) -> &[Vec<Value>] {
        &self.rows
    }
}

/// As the protocol has it: each row an object.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a> {
            columns: &'a [Column],
            rows: Vec<Map<String, Value>>,
        }

        let object = |row: &Vec<Value>| self.columns.iter().map(|column| column.name.clone()).zip(row.iter().cloned()).collect();
        Wire { columns: &self.columns, rows: self.rows.iter().map(object).collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Table {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            columns: Vec<Column>,
            rows: Vec<Map<String, Value>>,
        }

        let Wire { columns, rows } = Wire::deserialize(deserializer)?;
        let in_order = |row: &Map<String, Value>| columns.iter().map(|column| row.get(&column.name).cloned().unwrap_or_default()).collect();
        let rows = rows.iter().map(in_order).collect();
        Ok(Self { columns, rows })
    }
}

/// A request that a plugin sends, where its capabilities allow the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// Where to.
    pub url: String,
    /// By name.
    #[serde(default, deserialize_with = "or_default")]
    pub headers: Headers,
    /// The bytes; base64 in JSON.
    #[serde(default, with = "in_base64")]
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A GET request.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), url: url.into(), headers: Headers::new(), body: Vec::new() }
    }

    /// A POST request with this body.
    pub fn post(url: impl Into<String>, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let headers = [("content-type", content_type.into())].into_iter().collect();
        Self { method: "POST".to_owned(), url: url.into(), headers, body: body.into() }
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// 100 to 999. A redirect is an answer like any other.
    pub status: u16,
    /// By name.
    #[serde(default, deserialize_with = "or_default")]
    pub headers: Headers,
    /// The bytes; base64 in JSON.
    #[serde(default, with = "in_base64")]
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The body as text.
    pub fn text(&self) -> crate::Result<&str> {
        Ok(core::str::from_utf8(&self.body)?)
    }

    /// What the body says as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> crate::Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Bytes as base64 text.
mod in_base64 {
    use base64::Engine as _;

    use super::{Deserialize, Deserializer, STANDARD, Serializer, String, Vec};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text: Option<String> = Option::deserialize(deserializer)?;
        text.map_or_else(|| Ok(Vec::new()), |text| STANDARD.decode(text).map_err(serde::de::Error::custom))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_null_is_absent() {
        let request: AuthRequest = serde_json::from_value(json!({
            "context": { "method": "GET", "uri": "/", "headers": null, "body": null },
            "credentials": { "type": "bearer", "token": null, "data": null },
        }))
        .unwrap();
        assert_eq!(request.context, RequestContext::new("GET", "/"));
        let sent = serde_json::to_value(&request).unwrap();
        assert_eq!(sent, json!({ "context": { "method": "GET", "uri": "/" }, "credentials": { "type": "bearer" } }));
    }

    #[test]
    fn a_body_is_text_or_another_value() {
        let body = |value: Value| serde_json::from_value::<Body>(value).unwrap();
        assert_eq!(body(json!("hi")), Body::Text("hi".to_owned()));
        assert_eq!(body(json!([1])), Body::Json(json!([1])));
        assert_eq!(body(json!("[1]")).json::<Vec<u8>>().unwrap(), [1]);
        assert_eq!(serde_json::to_value(body(json!("hi"))).unwrap(), json!("hi"));
    }

    #[test]
    fn a_header_is_found_in_any_case() {
        let mut headers: Headers = [("Accept", "a"), ("accept", "b"), ("Accept", "c")].into_iter().collect();
        assert_eq!((headers.get("ACCEPT"), headers.len()), (Some("a, c"), 2));
        headers.set("ACCEPT", "d");
        assert_eq!(serde_json::to_string(&headers).unwrap(), r#"{"ACCEPT":"d"}"#);
        let twice: Headers = serde_json::from_str(r#"{"a":"1","A":"2"}"#).unwrap();
        assert_eq!(twice.iter().collect::<Vec<_>>(), [("a", "1"), ("A", "2")]);
    }

    #[test]
    fn credentials_are_not_printed() {
        let mut credentials = Credentials::bearer("s3cret");
        credentials.data.insert("password".to_owned(), json!("s3cret"));
        assert!(!alloc::format!("{credentials:?}").contains("s3cret"));
    }

    #[test]
    fn a_table_has_a_value_in_each_cell() {
        let mut table = Table::new([("id", "integer"), ("name", "string")]);
        table.row([json!(1)]).unwrap();
        assert_eq!(table.row([json!(1), json!(2), json!(3)]).unwrap_err().to_string(), "a row of 3 values in a table of 2 columns");
        let wire = json!({
            "columns": [{ "name": "id", "data_type": "integer" }, { "name": "name", "data_type": "string" }],
            "rows": [{ "id": 1, "name": null }],
        });
        assert_eq!(serde_json::to_value(&table).unwrap(), wire);
        assert_eq!(serde_json::from_value::<Table>(wire).unwrap(), table);
    }

    #[test]
    fn bytes_are_base64_in_json() {
        let response = ResponseData::new(200).with_body("application/octet-stream", [0, 255]);
        let wire = serde_json::to_value(&response).unwrap();
        assert_eq!(wire["body"], "AP8=");
        assert_eq!(serde_json::from_value::<ResponseData>(wire).unwrap(), response);
        assert!(serde_json::from_value::<ResponseData>(json!({ "status_code": 200, "body": "%" })).is_err());
    }
}
