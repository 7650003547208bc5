//! A plugin as Rust sees it: typed requests and answers, asked from async code.
//!
//! The words are the protocol's; what may be any JSON is a [`Value`]. A call runs on a thread of tokio's for blocking work, since a
//! guest computes: the futures here must be polled inside a tokio runtime, and are `Send`. One that's dropped leaves its call to
//! end by itself, within its limits.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mfp_model::name::PluginName;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::error::{CallError, Stop, StopKind};
use crate::plugins::Plugins;
use crate::protocol::answer::Answer;

/// The request that a mock server is answering.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestContext {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub uri: String,
    /// By name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Text, or any other JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl RequestContext {
    /// A request without headers and body.
    pub fn new(method: impl Into<String>, uri: impl Into<String>) -> Self {
        Self { method: method.into(), uri: uri.into(), headers: BTreeMap::new(), body: None }
    }
}

/// Who a request says that it's from.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Credentials {
    /// `bearer`, `basic`, `api-key`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The token, where there's one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whatever else belongs to them.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Credentials {
    /// A bearer token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self { kind: "bearer".to_owned(), token: Some(token.into()), data: Map::new() }
    }
}

/// Without the secrets.
impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What an auth plugin says about credentials.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Verdict {
    /// Whether they're good.
    pub authenticated: bool,
    /// Who it is; nobody if they aren't.
    pub user_id: Option<String>,
    /// What's claimed about the user.
    #[serde(default, deserialize_with = "or_empty")]
    pub claims: Map<String, Value>,
}

/// What a template function may know beside its arguments.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct TemplateContext {
    /// Variables. Those that the plugin was granted are added.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub environment: Map<String, Value>,
    /// The request that the template is rendered for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_context: Option<RequestContext>,
}

/// A function that a template plugin has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TemplateFunction {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// What it takes, in order.
    #[serde(default, deserialize_with = "or_empty")]
    pub parameters: Vec<TemplateParameter>,
    /// What it gives: for people.
    pub return_type: Option<String>,
}

/// A parameter of a template function.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TemplateParameter {
    /// Its name.
    pub name: String,
    /// `string`, `number`, …: for people.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whether it can't be left out.
    pub required: Option<bool>,
    /// What it's for.
    pub description: Option<String>,
}

/// A request that a response plugin answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResponseRequest {
    /// `GET`, `POST`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// By name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Text, or any other JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// A response that a plugin made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseData {
    /// 100 to 999.
    pub status_code: u16,
    /// By name.
    pub headers: BTreeMap<String, String>,
    /// The bytes.
    pub body: Vec<u8>,
    /// `text/plain`, …
    pub content_type: Option<String>,
}

/// A question to a datasource plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataQuery {
    /// In the plugin's own query language.
    pub query: String,
    /// Values for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DataResult {
    /// Its columns, in order.
    pub columns: Vec<DataColumn>,
    /// Its rows, by column.
    pub rows: Vec<Map<String, Value>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DataColumn {
    /// Its name.
    pub name: String,
    /// `string`, `integer`, `float`, `boolean`, `json`, …
    pub data_type: String,
}

/// A key that may be missing or `null`.
fn or_empty<'de, D: serde::Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// One loaded plugin. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    plugins: Plugins,
    name: PluginName,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Plugin").field(&self.name).finish()
    }
}

impl Plugins {
    /// The plugin of this name. A name that none has is an error that names the nearest.
    pub fn plugin(&self, name: &str) -> Result<Plugin, CallError> {
        let known = self.names().find(|known| known.as_str() == name).cloned();
        let name = known.ok_or_else(|| self.unknown(name))?;
        Ok(Plugin { plugins: self.clone(), name })
    }
}

impl Plugin {
    /// Its name.
    pub fn name(&self) -> &PluginName {
        &self.name
    }

    /// Auth: are these credentials good?
    pub async fn authenticate(&self, context: &RequestContext, credentials: &Credentials) -> Result<Verdict, CallError> {
        self.ask(Call::Authenticate, json!({ "context": context, "credentials": credentials })).await
    }

    /// Template: run a function.
    pub async fn execute(&self, function: &str, args: &[Value], context: &TemplateContext) -> Result<Value, CallError> {
        self.ask(Call::Execute(function.to_owned()), json!({ "args": args, "context": context })).await
    }

    /// Template: which functions are there?
    pub async fn functions(&self) -> Result<Vec<TemplateFunction>, CallError> {
        self.ask(Call::Functions, json!({})).await
    }

    /// Response: make a response.
    pub async fn generate(&self, context: &RequestContext, request: &ResponseRequest) -> Result<ResponseData, CallError> {
        #[derive(Deserialize)]
        struct Wire {
            status_code: u16,
            #[serde(default, deserialize_with = "or_empty")]
            headers: BTreeMap<String, String>,
            body: String,
            content_type: Option<String>,
        }
        let call = Call::Generate;
        let wire: Wire = self.ask(call.clone(), json!({ "context": context, "request": request })).await?;
        let body = STANDARD.decode(&wire.body).map_err(|error| self.misread(&call, &error))?;
        Ok(ResponseData { status_code: wire.status_code, headers: wire.headers, body, content_type: wire.content_type })
    }

    /// Datasource: answer a query.
    pub async fn query(&self, query: &DataQuery, context: &RequestContext) -> Result<DataResult, CallError> {
        self.ask(Call::Query, json!({ "query": query, "context": context })).await
    }

    async fn ask<T: DeserializeOwned>(&self, call: Call, request: Value) -> Result<T, CallError> {
        let (plugins, name, asked) = (self.plugins.clone(), self.name.clone(), call.clone());
        let answering = tokio::task::spawn_blocking(move || plugins.call(&name, &asked, &request));
        let answer: Answer = answering.await.map_err(|error| self.misread(&call, &error))??;
        serde_json::from_str(answer.as_json()).map_err(|error| self.misread(&call, &error))
    }

    /// Answers are checked before they get here, so this is the host's own failure.
    fn misread(&self, call: &Call, error: &dyn std::error::Error) -> CallError {
        let kind = StopKind::Host(crate::error::shown(&error.to_string(), 300));
        CallError::Stopped(Box::new(Stop { plugin: self.name.clone(), function: call.name(), kind, stack: Vec::new() }))
    }
}
