//! What's asked over HTTP, and what's the answer? (GraphQL over HTTP, <https://graphql.github.io/graphql-over-http/>.)

use apollo_compiler::executable::{Operation, OperationType};
use apollo_compiler::response::{ExecutionResponse, GraphQLError, JsonMap};
use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::serde_json::{self, Map};

use crate::limits::error;

/// The media type of the specification, with which errors have a status of their own.
const GRAPHQL: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// A question.
pub(crate) struct Asked {
    pub(crate) query: String,
    pub(crate) variables: JsonMap,
    pub(crate) operation_name: Option<String>,
    pub(crate) accepts: Accepts,
    by_get: bool,
}

/// Which answers the client knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// [`GRAPHQL`].
    GraphQl,
    /// JSON, of which nobody knows who made it: its status is 200.
    Json,
}

/// A request that isn't a question.
pub(crate) struct Refusal {
    status: u16,
    message: String,
}

impl Refusal {
    fn bad(message: impl Into<String>) -> Self {
        Self { status: 400, message: message.into() }
    }

    pub(crate) fn response(self) -> Result<ResponseData> {
        let Self { status, message } = self;
        let response = ResponseData::json(&json!({ "errors": [{ "message": message }] }))?.status(status);
        Ok(if status == 405 { response.header("allow", "GET, POST") } else { response })
    }

    pub(crate) fn into_errors(self) -> Vec<GraphQLError> {
        vec![error(self.message)]
    }
}

#[derive(serde::Deserialize)]
struct Parameters {
    query: Option<String>,
    #[serde(default)]
    variables: Option<Map<String, Value>>,
    #[serde(default, rename = "operationName")]
    operation_name: Option<String>,
}

impl Asked {
    pub(crate) fn of(request: &GenerateRequest) -> Result<Self, Refusal> {
        let by_get = request.request.method.eq_ignore_ascii_case("GET");
        let parameters = match request.request.method.to_ascii_uppercase().as_str() {
            "GET" => in_uri(&request.context.uri)?,
            "POST" => in_body(&request.request)?,
            method => return Err(Refusal { status: 405, message: format!("{method} asks nothing; GET and POST do") }),
        };
        let Some(query) = parameters.query else { return Err(Refusal::bad("there's no `query`")) };
        let variables = parameters.variables.unwrap_or_default();
        let variables = serde_json::from_value(Value::Object(variables)).map_err(|error| Refusal::bad(format!("`variables`: {error}")))?;
        let operation_name = parameters.operation_name.filter(|name| !name.is_empty());
        Ok(Self { query, variables, operation_name, accepts: Accepts::of(&request.request), by_get })
    }

    /// May this be asked so?
    pub(crate) fn may(&self, operation: &Operation) -> Result<(), Refusal> {
        if crate::is_subscription(operation) {
            return Err(Refusal::bad("a subscription isn't one answer; this server has no other"));
        }
        if self.by_get && operation.operation_type == OperationType::Mutation {
            return Err(Refusal::bad("a mutation isn't asked by GET"));
        }
        Ok(())
    }
}

impl Accepts {
    fn of(request: &Request) -> Self {
        let accept = request.headers.get("accept").unwrap_or_default();
        let types = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        for known in types {
            if known.eq_ignore_ascii_case(GRAPHQL) {
                return Self::GraphQl;
            }
            if known.eq_ignore_ascii_case(JSON) {
                return Self::Json;
            }
        }
        Self::Json
    }
}

fn in_body(request: &Request) -> Result<Parameters, Refusal> {
    let Some(body) = &request.body else { return Err(Refusal::bad("there's no body")) };
    let is_query = request.headers.get("content-type").is_some_and(|kind| kind.trim_start().starts_with("application/graphql"));
    match body {
        Body::Text(text) if is_query => Ok(Parameters { query: Some(text.clone()), variables: None, operation_name: None }),
        body => match body.json::<Value>() {
            Ok(Value::Array(_)) => Err(Refusal::bad("several questions in one request aren't answered")),
            Ok(value) => serde_json::from_value(value).map_err(|error| Refusal::bad(format!("the body: {error}"))),
            Err(error) => Err(Refusal::bad(format!("the body isn't JSON: {error}"))),
        },
    }
}

fn in_uri(uri: &str) -> Result<Parameters, Refusal> {
    let mut parameters = Parameters { query: None, variables: None, operation_name: None };
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    for pair in query.split('#').next().unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = || decoded(value).ok_or_else(|| Refusal::bad(format!("`{name}` isn't text as a URI has it")));
        match name {
            "query" => parameters.query = Some(value()?),
            "operationName" => parameters.operation_name = Some(value()?),
            "variables" => {
                parameters.variables = serde_json::from_str(&value()?).map_err(|error| Refusal::bad(format!("`variables`: {error}")))?;
            }
            _ => {}
        }
    }
    Ok(parameters)
}

/// The text of a URI's query: `%` and two digits are a byte, `+` is a space.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What's answered.
pub(crate) enum Reply {
    Executed(ExecutionResponse),
    Refused(Vec<GraphQLError>),
}

impl Reply {
    pub(crate) fn executed(mut response: ExecutionResponse) -> Self {
        for error in &mut response.errors {
            // The message is the configuration's, not the library's.
            if let Some(words) = error.message.strip_prefix("resolver error: ") {
                error.message = words.to_owned();
            }
        }
        Self::Executed(response)
    }

    pub(crate) fn refused(errors: Vec<GraphQLError>) -> Self {
        Self::Refused(errors)
    }

    pub(crate) fn response(self, accepts: Accepts) -> Result<ResponseData> {
        let (status, body) = match self {
            Self::Executed(executed) => (200, serde_json::to_vec(&executed)?),
            Self::Refused(errors) => {
                (if accepts == Accepts::GraphQl { 400 } else { 200 }, serde_json::to_vec(&json!({ "errors": errors }))?)
            }
        };
        let kind = if accepts == Accepts::GraphQl { GRAPHQL } else { JSON };
        Ok(ResponseData::new(status).with_body(kind, body))
    }
}
