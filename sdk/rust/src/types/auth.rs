//! What an auth plugin is asked, and what it answers.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{RequestContext, or_default};

/// Who a request says that it's from. Its `Debug` shows no secret.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Credentials {
    /// `bearer`, `basic`, `api-key`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The token, where there's one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whatever else belongs to them.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}

impl Credentials {
    /// A bearer token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::of("bearer", token)
    }

    /// A token of some kind.
    pub fn of(kind: impl Into<String>, token: impl Into<String>) -> Self {
        Self { kind: kind.into(), token: Some(token.into()), data: Map::new() }
    }

    /// A text of [`Self::data`].
    pub fn text(&self, key: &str) -> Option<&str> {
        self.data.get(key).and_then(Value::as_str)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Are these credentials good? What an auth plugin is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AuthRequest {
    /// The request that they came with.
    pub context: RequestContext,
    /// The credentials.
    pub credentials: Credentials,
}

/// What an auth plugin answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether they're good.
    pub authenticated: bool,
    /// Who it is; empty if nobody was authenticated.
    pub user_id: String,
    /// What's claimed about the user.
    pub claims: Map<String, Value>,
}

impl Verdict {
    /// They're good, and this is who it is.
    pub fn accept(user_id: impl Into<String>) -> Self {
        Self { authenticated: true, user_id: user_id.into(), claims: Map::new() }
    }

    /// They aren't good. (That nobody can tell is an [`Error`](crate::Error).)
    pub fn reject() -> Self {
        Self::default()
    }

    /// With another claim.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }
}
