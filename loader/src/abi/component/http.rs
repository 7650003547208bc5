//! `wasi:http/outgoing-handler` for components: the same way out, by the same rules, as json/1's `http_request`.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use wasmtime::component::Linker;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::State;
use crate::outbound::HttpError;
use crate::outbound::rules::{Asked, MAX_BODY, Received};
use crate::package::Package;

/// The most bytes of headers that one thing of WASI's may hold.
const MAX_FIELDS: usize = 64 << 10;
/// The most bytes of a body that are on their way from the guest at once.
const CHUNK: usize = 64 << 10;

/// Link the interfaces. A component that imports them and wasn't granted HTTP was refused before.
pub(super) fn add_to(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)
}

/// What a store holds for the interfaces.
pub(super) struct Http {
    context: WasiHttpCtx,
    hooks: Hooks,
}

impl Http {
    pub(super) fn new(package: Arc<Package>) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(MAX_FIELDS);
        Self { context, hooks: Hooks { package, until: None } }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        let http = &mut self.http;
        // Loading a plugin sends nothing: while it's being started, there's no call whose time a request could take.
        http.hooks.until = (!self.guest.is_starting()).then(|| self.guest.ends());
        WasiHttpCtxView { ctx: &mut http.context, table: &mut self.table, hooks: &mut http.hooks }
    }
}

struct Hooks {
    package: Arc<Package>,
    /// When the call's time is over; `None` while there's no call.
    until: Option<std::time::Instant>,
}

type Worker = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _sent: Worker,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Worker), Error>> + Send> {
        let (package, until) = (Arc::clone(&self.package), self.until);
        Box::new(async move {
            let until = until.ok_or(Error::HttpRequestDenied)?;
            let (parts, body) = request.into_parts();
            let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Error::HttpRequestBodySize(Some(MAX_BODY as u64)))?;
            let (method, url, headers, body) = (parts.method.to_string(), parts.uri.to_string(), parts.headers, body.to_bytes());
            let asking = tokio::task::spawn_blocking(move || match &package.http {
                Some(access) => access.ask(Asked { method: &method, url: &url, headers, body }, until),
                None => Err(HttpError::NotApproved { origin: url }),
            });
            let received = asking.await.map_err(|_| Error::InternalError(None))?.map_err(|error| told(&error))?;
            let worker: Worker = Box::new(async { Ok(()) });
            Ok((response(received), worker))
        })
    }

    /// Whom a request is for stands in its URL; the way out says so itself, and takes it from nobody else.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        CHUNK
    }
}

fn response(received: Received) -> Response<WasiBody> {
    let body = Full::<Bytes>::new(received.body).map_err(Error::from).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = received.status;
    *response.headers_mut() = received.headers;
    response
}

/// The error as WASI says it; where it has no word of its own, with ours.
fn told(error: &HttpError) -> Error {
    match error {
        HttpError::NotApproved { .. } => Error::HttpRequestDenied,
        HttpError::Address { .. } => Error::DestinationIpProhibited,
        HttpError::Connect(_) => Error::ConnectionRefused,
        HttpError::Timeout(_) => Error::ConnectionTimeout,
        HttpError::Busy(_) => Error::ConnectionLimitReached,
        other => Error::InternalError(Some(other.for_plugin())),
    }
}
