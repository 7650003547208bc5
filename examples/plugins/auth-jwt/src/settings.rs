//! What can be configured?

use mockforge_plugin_sdk::{Error, Result, fail, serde_json};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::keys::Key;
use crate::token::Algorithm;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where the key set is: an address of JSON Web Keys
    #[cfg(feature = "jwks")]
    #[schemars(regex(pattern = "^https?://"))]
    pub(crate) jwks_url: String,
    /// The keys that tokens may be signed with. One without `kid` is tried for every token of its algorithm
    #[cfg_attr(feature = "jwks", serde(default))]
    #[cfg_attr(not(feature = "jwks"), schemars(length(min = 1)))]
    keys: Vec<KeySettings>,
    /// The algorithms that are accepted; all that are known if it's absent
    #[serde(default = "all")]
    #[schemars(length(min = 1))]
    pub(crate) algorithms: Vec<Algorithm>,
    /// The claim `iss` must equal this
    #[schemars(length(min = 1))]
    pub(crate) issuer: Option<String>,
    /// The claim `aud` must have one of these. A token that has the claim is refused where this is empty
    #[serde(default)]
    pub(crate) audience: Vec<String>,
    /// How far clocks may differ
    #[serde(default = "minute")]
    #[schemars(range(max = 600))]
    pub(crate) leeway_seconds: u32,
    /// Refuse tokens without `exp`
    #[serde(default = "yes")]
    pub(crate) require_expiry: bool,
    /// Claims that a token must have
    #[serde(default)]
    pub(crate) required_claims: Vec<String>,
    /// Claims that must be this, or be a list (or, as `scope`, a text of words) that has it; of a list all
    #[serde(default)]
    pub(crate) claims: Map<String, Value>,
    /// The claim that names the user
    #[serde(default = "subject")]
    #[schemars(length(min = 1))]
    pub(crate) user_claim: String,
}

/// A key: `kid`, and one of the others.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct KeySettings {
    /// The name that tokens call it by
    kid: Option<String>,
    /// A secret for HS256, 32 bytes or more
    #[cfg(not(feature = "jwks"))]
    secret: Option<String>,
    /// The same in base64url
    #[cfg(not(feature = "jwks"))]
    secret_base64url: Option<String>,
    /// A public key in PEM: RSA for RS256, P-256 for ES256
    public_key: Option<String>,
    /// A JSON Web Key
    jwk: Option<Map<String, Value>>,
}

impl Settings {
    /// The configured keys.
    pub(crate) fn keys(&self) -> Result<Vec<Key>> {
        let key = |(place, key): (usize, &KeySettings)| key.read().map_err(|error: Error| error.context(format!("keys[{place}]")));
        self.keys.iter().enumerate().map(key).collect()
    }
}

impl KeySettings {
    fn read(&self) -> Result<Key> {
        let mut found = Vec::new();
        #[cfg(not(feature = "jwks"))]
        {
            use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

            found.extend(self.secret.as_ref().map(|secret| Key::secret(secret.as_bytes())));
            found.extend(self.secret_base64url.as_ref().map(|secret| match URL_SAFE_NO_PAD.decode(secret) {
                Ok(secret) => Key::secret(&secret),
                Err(_) => fail!("`secret_base64url` isn't base64url without padding"),
            }));
        }
        found.extend(self.public_key.as_ref().map(|pem| Key::pem(pem)));
        found.extend(self.jwk.as_ref().map(|jwk| match Key::jwk(jwk)? {
            Some(key) => Ok(key),
            None => fail!("it isn't for signatures that are known here"),
        }));
        let (Some(key), true) = (found.pop(), found.is_empty()) else {
            fail!("a key is one of `secret`, `secret_base64url`, `public_key` and `jwk`");
        };
        Ok(key?.named(self.kid.as_deref()))
    }
}

fn all() -> Vec<Algorithm> {
    Algorithm::ALL.to_vec()
}

fn minute() -> u32 {
    60
}

fn yes() -> bool {
    true
}

fn subject() -> String {
    "sub".to_owned()
}
