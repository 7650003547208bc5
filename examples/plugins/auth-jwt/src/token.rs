//! What's in a token's three parts? (RFC 7515, compact form.)

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mockforge_plugin_sdk::{schemars, serde, serde_json};
use serde_json::{Map, Value};

/// What a token is signed with. There's no `none`, and a symmetric one only where keys are configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub(crate) enum Algorithm {
    #[cfg(not(feature = "jwks"))]
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
}

impl Algorithm {
    pub(crate) const ALL: &'static [Self] = &[
        #[cfg(not(feature = "jwks"))]
        Self::Hs256,
        Self::Rs256,
        Self::Es256,
    ];

    fn name(self) -> &'static str {
        match self {
            #[cfg(not(feature = "jwks"))]
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A token whose signature wasn't looked at yet.
pub(crate) struct Signed<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    /// What is signed: header, dot, claims.
    pub(crate) input: &'a str,
    pub(crate) signature: Vec<u8>,
    claims: &'a str,
}

/// Take a token apart. Critical extensions are refused, since none is known here.
pub(crate) fn parse(token: &str) -> Result<Signed<'_>, String> {
    let (input, signature) = token.rsplit_once('.').ok_or("it isn't a JWT")?;
    let (header, claims) = input.split_once('.').ok_or("it isn't a JWT")?;
    if claims.contains('.') {
        return Err("it isn't a JWT in compact form".to_owned());
    }
    let header = object(header, "header")?;
    let algorithm = Algorithm::ALL.iter().copied().find(|algorithm| header.get("alg").is_some_and(|named| *named == algorithm.name()));
    let Some(algorithm) = algorithm else {
        return Err(format!("its algorithm is {}", header.get("alg").unwrap_or(&Value::Null)));
    };
    if header.contains_key("crit") {
        return Err("it has critical extensions".to_owned());
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid.clone()),
        Some(_) => return Err("its `kid` isn't a string".to_owned()),
    };
    Ok(Signed { algorithm, kid, input, signature: decoded(signature, "signature")?, claims })
}

impl Signed<'_> {
    /// What it claims. Asked only when somebody is known to have signed it.
    pub(crate) fn claims(&self) -> Result<Map<String, Value>, String> {
        object(self.claims, "claims")
    }
}

fn decoded(part: &str, name: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| format!("its {name} isn't base64url"))
}

fn object(part: &str, name: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(&decoded(part, name)?).map_err(|_| format!("its {name} isn't a JSON object"))
}
