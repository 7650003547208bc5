//! What's answered to which request? MockForge's remote-plugin protocol, for each plugin below a base path of its own.
//!
//! | request | answer |
//! |---|---|
//! | `POST /plugins/<name>/plugin/authenticate`, `…/template/execute`, `…/response/generate`, `…/datasource/query` | `{"success":true,"result":…}` |
//! | `GET /plugins/<name>/health` | `{"status","plugin","version"}` |
//! | `GET /health`, `/metrics`, `/plugins` | all of them, their numbers, their list |
//!
//! An error is `{"success":false,"error"}`: 500 if the plugin says it or the sandbox stopped it, as the SDK has it; 4xx if
//! the request can't be answered; 502 or 504 if a service doesn't; 503 with `Retry-After` if there's too much to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::StreamExt;
use mfp_loader::{Call, CallError, RemoteFailure, StopKind};
use mfp_model::plugin::PluginType;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::report::log::Level;
use crate::serve::Server;
use crate::serve::served::Served;

/// How long a call waits for a place before it's told to come again.
const PATIENCE: Duration = Duration::from_secs(1);
/// What a client names its request by.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The longest name of a request that's taken from a client, in bytes.
const MAX_REQUEST_ID: usize = 64;
/// How much of a path stands in the log, in bytes.
const MAX_LOGGED_PATH: usize = 200;

/// All routes, behind what's asked of every request.
pub(crate) fn router(server: Arc<Server>) -> Router {
    let plugin = Router::new()
        .route("/health", get(plugin_health))
        .route("/plugin/authenticate", post(|server, name, request| call(PluginType::Auth, server, name, request)))
        .route("/plugin/template/execute", post(|server, name, request| call(PluginType::Template, server, name, request)))
        .route("/plugin/response/generate", post(|server, name, request| call(PluginType::Response, server, name, request)))
        .route("/plugin/datasource/query", post(|server, name, request| call(PluginType::Datasource, server, name, request)));
    Router::new()
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/plugins", get(plugins))
        .nest("/plugins/{name}", plugin)
        .fallback(async || Failure::new(StatusCode::NOT_FOUND, "route", "there's nothing at this path").response())
        .method_not_allowed_fallback(async || {
            Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this path doesn't take that method").response()
        })
        .layer(from_fn_with_state(Arc::clone(&server), every_request))
        .with_state(server)
}

/// What the log says of a request beside its status: handlers put it into their response.
#[derive(Debug, Clone)]
struct Reason(&'static str);

/// Why a request has no answer.
#[derive(Debug)]
struct Failure {
    status: StatusCode,
    /// One of our codes, or a word.
    reason: &'static str,
    error: String,
}

impl Failure {
    fn new(status: StatusCode, reason: &'static str, error: impl Into<String>) -> Self {
        Self { status, reason, error: error.into() }
    }

    fn response(self) -> Response {
        let body = json!({ "success": false, "error": self.error }).to_string();
        let mut response = json_response(self.status, body.into());
        response.extensions_mut().insert(Reason(self.reason));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

fn json_response(status: StatusCode, body: Bytes) -> Response {
    respond(status, "application/json", body)
}

fn respond(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Around every request: its id, the guard, the log.
async fn every_request(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request.headers().get(&REQUEST_ID).and_then(sane_id).unwrap_or_else(|| server.ids.next());
    let method = request.method().clone();
    let path = logged_path(request.uri().path());
    let mut response = match server.guard.check(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            let mut response = Failure::new(refusal.status(), refusal.reason(), refusal.message()).response();
            if refusal.status() == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    };
    let status = response.status();
    let reason = response.extensions().get::<Reason>().map(|reason| reason.0);
    if let Some(reason) = reason.filter(|reason| !reason.starts_with("mfp::")) {
        server.metrics.refused(reason);
    }
    let level = if status.is_server_error() { Level::Warn } else { Level::Info };
    let millis = (began.elapsed().as_secs_f64() * 1e6).round() / 1e3;
    server.log.line(
        level,
        "request",
        [
            ("id", id.to_str().unwrap_or_default().into()),
            ("method", method.as_str().into()),
            ("path", path.into()),
            ("status", status.as_u16().into()),
            ("ms", millis.into()),
            ("code", reason.into()),
        ],
    );
    response.headers_mut().insert(REQUEST_ID.clone(), id);
    response
}

fn sane_id(value: &HeaderValue) -> Option<HeaderValue> {
    let is_sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    let bytes = value.as_bytes();
    ((1..=MAX_REQUEST_ID).contains(&bytes.len()) && bytes.iter().all(is_sane)).then(|| value.clone())
}

/// Without the query, where secrets may stand.
fn logged_path(path: &str) -> String {
    let end = (0..=path.len().min(MAX_LOGGED_PATH)).rev().find(|end| path.is_char_boundary(*end)).unwrap_or(0);
    path[..end].to_owned()
}

async fn health(State(server): State<Arc<Server>>) -> Response {
    json_response(StatusCode::OK, server.current.health().to_string().into())
}

async fn metrics(State(server): State<Arc<Server>>) -> Response {
    respond(StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", server.metrics.text().into())
}

async fn plugins(State(server): State<Arc<Server>>) -> Response {
    json_response(StatusCode::OK, server.current.get().list().to_string().into())
}

async fn plugin_health(State(server): State<Arc<Server>>, Path(name): Path<String>) -> Response {
    let served = server.current.get();
    let Some(entry) = served.get(&name) else { return unknown_plugin().response() };
    let status = if served.is_unhealthy(entry) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    json_response(status, served.health(entry).to_string().into())
}

fn unknown_plugin() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "plugin", "there's no plugin of this name here; GET /plugins lists them")
}

/// A call of a plugin.
async fn call(ty: PluginType, State(server): State<Arc<Server>>, Path(name): Path<String>, request: Request) -> Response {
    match answered(ty, &server, &name, request).await {
        Ok(body) => json_response(StatusCode::OK, body.into()),
        Err(failure) => failure.response(),
    }
}

async fn answered(ty: PluginType, server: &Arc<Server>, name: &str, request: Request) -> Result<String, Failure> {
    let served = server.current.get();
    let entry = served.get(name).ok_or_else(unknown_plugin)?;
    let body = body(server, request).await?;
    let places = places(&entry.places, &server.calls).await?;
    let (server, name) = (Arc::clone(server), name.to_owned());
    // The call goes on if its client goes away, and keeps its places: they're the blocking task's.
    let answering = tokio::task::spawn_blocking(move || {
        let _places = places;
        ask(&server, &served, &name, ty, &body)
    });
    answering.await.unwrap_or_else(|_| Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "bug", "this server failed; its log says how")))
}

/// The body, as much as may be and in the time that it may take.
async fn body(server: &Server, request: Request) -> Result<Vec<u8>, Failure> {
    let most = server.limits.body;
    let too_large = || Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "size", format!("the body has more than {most} bytes"));
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let reading = async {
        let mut body = Vec::with_capacity(announced.unwrap_or(0).min(64 << 10));
        let mut chunks = request.into_body().into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Failure::new(StatusCode::BAD_REQUEST, "body", "the body broke off"))?;
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    let slow = |_| Failure::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body took too long to come");
    tokio::time::timeout(server.limits.read, reading).await.map_err(slow)?
}

/// A place of the plugin, then one of the server: whoever waits for a plugin that's slow takes nothing from the others.
async fn places(plugin: &Arc<Semaphore>, all: &Arc<Semaphore>) -> Result<[OwnedSemaphorePermit; 2], Failure> {
    let waiting = async {
        let closed = "no semaphore is ever closed";
        let plugin = Arc::clone(plugin).acquire_owned().await.expect(closed);
        [plugin, Arc::clone(all).acquire_owned().await.expect(closed)]
    };
    let busy = |_| Failure::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many calls are running; try again");
    tokio::time::timeout(PATIENCE, waiting).await.map_err(busy)
}

/// Read the request, make the call, write the answer. Blocks.
fn ask(server: &Server, served: &Served, name: &str, ty: PluginType, body: &[u8]) -> Result<String, Failure> {
    let entry = served.get(name).ok_or_else(unknown_plugin)?;
    let not_json = |error: serde_json::Error| Failure::new(StatusCode::BAD_REQUEST, "json", format!("the body isn't JSON: {error}"));
    let request: Value = serde_json::from_slice(body).map_err(not_json)?;
    let call = call_of(ty, &request)?;
    let (answer, trace) = {
        let _in_flight = entry.metrics.begin();
        served.plugins.call_traced(entry.name(), &call, &request)
    };
    entry.metrics.observe(&trace);
    match answer {
        Ok(answer) => Ok(format!("{{\"success\":true,\"result\":{}}}", answer.as_json())),
        Err(error) => {
            server.metrics.error(entry.name(), error.code());
            Err(failed(error))
        }
    }
}

fn call_of(ty: PluginType, request: &Value) -> Result<Call, Failure> {
    Ok(match ty {
        PluginType::Auth => Call::Authenticate,
        PluginType::Response => Call::Generate,
        PluginType::Datasource => Call::Query,
        PluginType::Template => {
            let name = request["function_name"].as_str();
            let missing = || Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "shape", "`function_name` must be a string");
            Call::Execute(name.ok_or_else(missing)?.to_owned())
        }
    })
}

/// What a call's error is in HTTP.
fn failed(error: CallError) -> Failure {
    let code = error.code();
    let status = match &error {
        CallError::Unknown { .. } => StatusCode::NOT_FOUND,
        CallError::WrongType { .. } | CallError::NoFunctions { .. } | CallError::Request { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        CallError::Stopped(stop) if matches!(stop.kind, StopKind::Busy(_)) => StatusCode::SERVICE_UNAVAILABLE,
        CallError::Plugin { .. } | CallError::Stopped(_) => StatusCode::INTERNAL_SERVER_ERROR,
        CallError::Remote { failure: RemoteFailure::Timeout(_), .. } => StatusCode::GATEWAY_TIMEOUT,
        CallError::Remote { .. } => StatusCode::BAD_GATEWAY,
    };
    let error = match error {
        CallError::Plugin { message, .. } => message,
        other => other.to_string(),
    };
    Failure { status, reason: code, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_client_is_taken_if_its_harmless() {
        let id = |text: &str| sane_id(&HeaderValue::from_str(text).unwrap());
        assert!(id("abc-123_X.y:z").is_some() && id(&"x".repeat(64)).is_some());
        for odd in ["", "a b", "a=b", "a\"b", &"x".repeat(65)] {
            assert!(id(odd).is_none(), "{odd}");
        }
        assert!(sane_id(&HeaderValue::from_bytes(b"a\xffb").unwrap()).is_none());
    }
}
