//! What a plugin sends itself, and what comes back.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Headers, in_base64, or_default};

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
