//! What requests and answers are made of, as the protocol has them: a file for each type of plugin, and here what they have in common.
//!
//! The same types for every transport. What the protocol leaves open is a [`Value`](serde_json::Value); a key that's `null` is one that's absent.

mod auth;
mod body;
mod datasource;
mod headers;
mod http;
mod response;
mod template;

use alloc::string::String;
use alloc::vec::Vec;

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::auth::{AuthRequest, Credentials, Verdict};
pub use self::body::Body;
pub use self::datasource::{Column, DataQuery, QueryRequest, Table};
pub use self::headers::Headers;
pub use self::http::{HttpRequest, HttpResponse};
pub use self::response::{GenerateRequest, Request, ResponseData};
pub use self::template::{Function, FunctionCall, Parameter, TemplateContext};

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

/// `null` is what's absent.
fn or_default<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
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
    use alloc::borrow::ToOwned as _;
    use alloc::string::ToString as _;

    use serde_json::{Value, json};

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
