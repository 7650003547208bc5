//! What a response plugin is asked, and what it answers.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Body, Headers, RequestContext, in_base64, or_default};

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
