//! What's there to know about a service before it's called? Its address, its patience, and what to say to be let in.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;
use mfp_model::source::RemoteUrl;

/// A service to call, as the lock and the project describe it.
#[derive(Debug, Clone)]
pub struct RemoteSpec {
    /// Its name in the project.
    pub name: PluginName,
    /// What it answers.
    pub types: BTreeSet<PluginType>,
    /// Where it is.
    pub endpoint: RemoteUrl,
    /// How long a call may take, all tries together.
    pub timeout: Duration,
    /// How often a call is tried again where that's safe.
    pub retries: u32,
    /// How much time there's to be between two checks of its health.
    pub health_interval: Duration,
    /// What it's told with every request, so that it lets us in.
    pub credential: Option<Credential>,
}

/// A header with a secret. It's never printed.
#[derive(Clone)]
pub struct Credential {
    name: HeaderName,
    value: HeaderValue,
}

/// A secret that can't be sent: it has characters that no header may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a credential has characters that can't be sent in a header")]
pub struct CredentialError;

impl Credential {
    /// `Authorization: Bearer …`.
    pub fn bearer(token: &str) -> Result<Self, CredentialError> {
        Self::authorization(&format!("Bearer {token}"))
    }

    /// `Authorization: …`, with its scheme.
    pub fn authorization(value: &str) -> Result<Self, CredentialError> {
        Self::new(AUTHORIZATION, value)
    }

    /// `X-API-Key: …`.
    pub fn api_key(key: &str) -> Result<Self, CredentialError> {
        Self::new(HeaderName::from_static("x-api-key"), key)
    }

    fn new(name: HeaderName, value: &str) -> Result<Self, CredentialError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| CredentialError)?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }

    pub(super) fn name(&self) -> &HeaderName {
        &self.name
    }

    pub(super) fn value(&self) -> &HeaderValue {
        &self.value
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "({}: secret)", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_header_that_nothing_prints() {
        for credential in [Credential::bearer("canary"), Credential::api_key("canary"), Credential::authorization("Basic canary")] {
            let credential = credential.unwrap();
            assert!(!format!("{credential:?} {:?}", credential.value()).contains("canary"));
        }
        assert_eq!(Credential::api_key("a\r\nevil: b").unwrap_err(), CredentialError);
    }
}
