//! Which variable of the environment? Its name, as every system can hold it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name of an environment variable, in bytes.
const MAX_ENV_BYTES: usize = 128;

/// Why a text isn't the name of an environment variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the name of an environment variable has letters, digits and `_`, starts with no digit and is at most {MAX_ENV_BYTES} bytes long")]
pub struct EnvNameError;

/// The name of an environment variable: `[A-Za-z_][A-Za-z0-9_]*`, at most 128 bytes. No patterns: each is named.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvName(Box<str>);

impl EnvName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does the name say that its value is probably a secret (`…TOKEN`, `…_KEY`, `…PASSWORD`)?
    pub fn looks_secret(&self) -> bool {
        let upper = self.0.to_ascii_uppercase();
        let words =
            ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "PRIVATE", "APIKEY", "AUTH", "DATABASE_URL", "DSN"];
        words.iter().any(|word| upper.contains(word)) || upper.split('_').any(|part| matches!(part, "KEY" | "KEYS" | "PWD" | "PAT" | "PW"))
    }
}

impl FromStr for EnvName {
    type Err = EnvNameError;

    fn from_str(text: &str) -> Result<Self, EnvNameError> {
        let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let legal = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if starts && legal && text.len() <= MAX_ENV_BYTES { Ok(Self(text.into())) } else { Err(EnvNameError) }
    }
}

impl fmt::Display for EnvName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl fmt::Debug for EnvName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl Serialize for EnvName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EnvName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_portable() {
        for text in ["A", "_x", "FLAG_2", "http_proxy"] {
            assert!(text.parse::<EnvName>().is_ok(), "{text}");
        }
        for text in ["", "1A", "A B", "A=B", "A*", "*", "É", "A\n", &"A".repeat(129)] {
            assert_eq!(text.parse::<EnvName>(), Err(EnvNameError), "{text:?}");
        }
    }

    #[test]
    fn secrets_are_recognised_by_their_name() {
        for (text, secret) in [
            ("GITHUB_TOKEN", true),
            ("AWS_SECRET_ACCESS_KEY", true),
            ("api_key", true),
            ("KEYBOARD", false),
            ("FLAG", false),
            ("DB_PASSWORD", true),
        ] {
            assert_eq!(text.parse::<EnvName>().unwrap().looks_secret(), secret, "{text}");
        }
    }
}
