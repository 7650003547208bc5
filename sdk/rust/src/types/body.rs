//! A body as a host got it.

use alloc::borrow::ToOwned;
use alloc::string::String;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

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
