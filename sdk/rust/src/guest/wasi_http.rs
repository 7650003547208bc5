//! A component's requests: `wasi:http`, as a language's own HTTP library would use it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

use crate::types::{HttpRequest, HttpResponse};
use crate::{Error, Result};

/// Send a request and take the response.
pub(super) fn send(request: &HttpRequest) -> Result<HttpResponse> {
    let (asked, sent) = outgoing(request)?;
    let awaited = handle(asked, None).map_err(|error| failed(&request.url, &error))?;
    if let Some(body) = sent {
        write(body, &request.body)?;
    }
    awaited.subscribe().block();
    match awaited.get() {
        Some(Ok(Ok(response))) => incoming(&response),
        Some(Ok(Err(error))) => Err(failed(&request.url, &error)),
        None | Some(Err(())) => crate::fail!("{}: there's no response", request.url),
    }
}

fn failed(url: &str, error: &ErrorCode) -> Error {
    Error::new(alloc::format!("{url}: {error:?}"))
}

/// A request as WASI has it, and its body, which is written after it was sent.
fn outgoing(request: &HttpRequest) -> Result<(OutgoingRequest, Option<OutgoingBody>)> {
    let refused = |what: &str| Error::new(alloc::format!("{}: {what} is refused", request.url));
    let Some((scheme, rest)) = request.url.split_once("://") else { return Err(refused("a URL without a scheme")) };
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_string() } else { alloc::format!("/{path}") };
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
    let asked = OutgoingRequest::new(Fields::from_list(&headers).map_err(|error| refused(&alloc::format!("{error:?}")))?);
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_string()),
    };
    asked.set_method(&Method::Other(request.method.clone())).map_err(|()| refused("the method"))?;
    asked.set_scheme(Some(&scheme)).map_err(|()| refused("the scheme"))?;
    asked.set_authority(Some(authority)).map_err(|()| refused("the host"))?;
    asked.set_path_with_query(Some(&path)).map_err(|()| refused("the path"))?;
    let body = if request.body.is_empty() { None } else { Some(asked.body().map_err(|()| refused("a body"))?) };
    Ok((asked, body))
}

/// As much as a stream takes at once.
const PART: usize = 4096;

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<()> {
    let refused = |what: &dyn core::fmt::Debug| Error::new(alloc::format!("the body can't be sent: {what:?}"));
    {
        let stream = body.write().map_err(|()| refused(&"it's sent already"))?;
        for part in bytes.chunks(PART) {
            stream.blocking_write_and_flush(part).map_err(|error| refused(&error))?;
        }
    }
    OutgoingBody::finish(body, None).map_err(|error| refused(&error))
}

fn incoming(response: &IncomingResponse) -> Result<HttpResponse> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = response.headers().entries().into_iter().map(|(name, value)| (name, text(&value))).collect();
    let body = response.consume().map_err(|()| Error::new("the response's body was taken before"))?;
    let stream = body.stream().map_err(|()| Error::new("the response's body was taken before"))?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 << 10) {
            Ok(part) => bytes.extend(part),
            Err(StreamError::Closed) => return Ok(HttpResponse { status: response.status(), headers, body: bytes }),
            Err(error) => crate::fail!("the response's body can't be read: {error:?}"),
        }
    }
}
