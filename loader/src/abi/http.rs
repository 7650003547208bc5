//! How does a json/1 guest say an HTTP request, and hear its response? As JSON with bodies in base64.
//!
//! `{"method","url","headers":{…},"body":"<base64>"}` in, of which only `url` must be there; out, in the envelope,
//! `{"status","headers":{…},"body":"<base64>"}`. A header that came several times is one, its values joined by `, `.

use std::borrow::Cow;
use std::fmt;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::{Map, Value, json};

use crate::error::shown;
use crate::outbound::rules::{Asked, MAX_BODY, MAX_HEADERS, Received, header};
use crate::outbound::{Access, HttpError};
use crate::protocol::answer::wrapped_error;

/// The longest request, in bytes: the largest body in base64, and room for URL and headers.
pub(super) const MAX_REQUEST: usize = MAX_BODY / 3 * 4 + (1 << 20);

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(default)]
    headers: SaidHeaders,
    #[serde(borrow, default)]
    body: Option<Cow<'a, str>>,
}

/// Headers as they're said. No more are read than a request may have, and one more.
#[derive(Default)]
struct SaidHeaders(Vec<(String, String)>);

impl<'de> Deserialize<'de> for SaidHeaders {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Headers;

        impl<'de> Visitor<'de> for Headers {
            type Value = SaidHeaders;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<SaidHeaders, A::Error> {
                let mut headers = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    if headers.len() == MAX_HEADERS {
                        return Err(de::Error::custom(format!("a request has at most {MAX_HEADERS} headers")));
                    }
                    headers.push(entry);
                }
                Ok(SaidHeaders(headers))
            }
        }

        deserializer.deserialize_map(Headers)
    }
}

/// The answer to a guest's request, as JSON in its envelope. Blocks until `until` at most.
pub(super) fn request(access: Result<&Access, HttpError>, text: &[u8], until: Instant) -> String {
    match access.and_then(|access| ask(access, text, until)) {
        Ok(answer) => wrapped(&answer),
        Err(error) => wrapped_error(&error.for_plugin()),
    }
}

fn ask(access: &Access, text: &[u8], until: Instant) -> Result<Received, HttpError> {
    let said: Said<'_> = serde_json::from_slice(text).map_err(|error| {
        HttpError::Request(format!("`http_request` takes `method`, `url`, `headers` and `body`: {}", shown(&error.to_string(), 200)))
    })?;
    let mut headers = HeaderMap::new();
    for (name, value) in &said.headers.0 {
        let (name, value) = header(name, value)?;
        headers.append(name, value);
    }
    let body = STANDARD.decode(said.body.as_deref().unwrap_or_default());
    let body = body.map_err(|_| HttpError::Request("`body` isn't base64".to_owned()))?.into();
    access.ask(Asked { method: said.method.as_deref().unwrap_or("GET"), url: &said.url, headers, body }, until)
}

fn wrapped(answer: &Received) -> String {
    let mut headers = Map::new();
    for name in answer.headers.keys() {
        let values: Vec<_> = answer.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        headers.insert(name.to_string(), Value::String(values.join(", ")));
    }
    let result = json!({ "status": answer.status.as_u16(), "headers": headers, "body": STANDARD.encode(&answer.body) });
    json!({ "success": true, "result": result }).to_string()
}
