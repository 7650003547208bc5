//! Which bytes are these? The two digests that mfp knows, and their one spelling each.
//!
//! `content` is BLAKE3 of a plugin's listing, written `blake3:<hex>`: what the plugin *is*, wherever it came from.
//! `sha256` is of an archive as it was fetched, written as bare hex: what the rest of the world publishes.
//! Bytes are in a private field; a digest is computed or parsed, never assembled.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text isn't a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The prefix `blake3:` is missing or another.
    #[error("a content digest starts with `blake3:`")]
    Prefix,
    /// Not 64 lower-case hexadecimal digits.
    #[error("a digest has 64 lower-case hexadecimal digits")]
    Hex,
}

fn parse_hex(text: &str) -> Result<[u8; 32], DigestError> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(DigestError::Hex);
    }
    let mut bytes = [0; 32];
    let mut wrong = 0;
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (NIBBLES[usize::from(pair[0])], NIBBLES[usize::from(pair[1])]);
        wrong |= high | low;
        *byte = (high << 4) | low;
    }
    if wrong & NO_NIBBLE == 0 { Ok(bytes) } else { Err(DigestError::Hex) }
}

/// A bit that no value of a digit has.
const NO_NIBBLE: u8 = 0x80;
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The value of each digit: a lock has thousands of digests.
const NIBBLES: [u8; 256] = {
    let mut values = [NO_NIBBLE; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

fn hex(bytes: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    digits
}

fn as_text(digits: &[u8; 64]) -> &str {
    std::str::from_utf8(digits).expect("digits are ASCII")
}

macro_rules! digest_type {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// A digest that a hash function has just given.
            pub fn from_hash(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// 64 lower-case hexadecimal digits, without a prefix.
            pub fn hex(&self) -> String {
                as_text(&hex(&self.0)).to_owned()
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                let digits = text.strip_prefix($prefix).ok_or(DigestError::Prefix)?;
                parse_hex(digits).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str($prefix)?;
                out.write_str(as_text(&hex(&self.0)))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::deserialize_parsed(deserializer)
            }
        }
    };
}

digest_type! {
    /// BLAKE3 of a plugin's listing: what the plugin is. Written `blake3:<64 lower-case hex>`.
    ContentDigest, "blake3:"
}
digest_type! {
    /// SHA-256 of an artifact as fetched. Written as 64 lower-case hexadecimal digits.
    Sha256, ""
}
digest_type! {
    /// BLAKE3 of one file's bytes, as a listing has it. Written as 64 lower-case hexadecimal digits.
    FileDigest, ""
}

impl FileDigest {
    /// Hash a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_each() {
        let text = format!("blake3:{}", "0f".repeat(32));
        assert_eq!(text.parse::<ContentDigest>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<ContentDigest>(), Err(DigestError::Prefix));
        assert_eq!(format!("blake3:{}", "0F".repeat(32)).parse::<ContentDigest>(), Err(DigestError::Hex));
        assert_eq!("0f".repeat(32).parse::<ContentDigest>(), Err(DigestError::Prefix));
        assert_eq!("0f".repeat(31).parse::<Sha256>(), Err(DigestError::Hex));
        assert!("0f".repeat(32).parse::<Sha256>().is_ok());
    }
}
