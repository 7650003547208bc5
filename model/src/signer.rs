//! Who signed this? A publisher's minisign public key, as manifests, locks and index lines name it.
//!
//! A key is written `minisign:RW…`: base64 of 42 bytes, which are two of the algorithm, eight of an id that anyone can
//! choose, and the 32 bytes of the key. Two keys are the same if those 32 bytes are, whatever the rest says: the id
//! and the algorithm's spelling give one key many texts. Verifying signatures is not done here.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::signature::KeyId;

/// What a signer's text starts with.
pub const SIGNER_PREFIX: &str = "minisign:";

/// How many bytes a minisign public key has: algorithm, id, key.
const PUBLIC_KEY_BYTES: usize = 2 + 8 + 32;

/// Why a text isn't a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// It doesn't start with [`SIGNER_PREFIX`].
    #[error("a signer is `minisign:` and the public key, as in `minisign:RW…`")]
    Prefix,
    /// Not base64 of 42 bytes.
    #[error("a minisign public key has 56 characters of base64")]
    Length,
    /// The bytes don't start with minisign's algorithm.
    #[error("not a minisign public key: it names another algorithm")]
    Algorithm,
}

/// A publisher's public key: `minisign:` and 56 characters of base64. Compared and ordered by the key's 32 bytes alone.
#[derive(Clone)]
pub struct Signer {
    text: Box<str>,
    key: [u8; 32],
}

impl Signer {
    /// The 32 bytes of the Ed25519 key.
    pub fn key_bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// The public key in minisign's own text, without the prefix: what `minisign -P` takes.
    pub fn public_key(&self) -> &str {
        &self.text
    }

    /// The id that this spelling of the key bears. Anyone can choose it.
    pub fn key_id(&self) -> KeyId {
        let bytes = STANDARD.decode(self.text.as_bytes()).expect("it was decoded when it was read");
        KeyId(bytes[2..10].try_into().expect("8 bytes"))
    }

    /// The same key as minisign's own text, with another id.
    pub(crate) fn public_key_with_id(&self, id: KeyId) -> String {
        STANDARD.encode([b"Ed".as_slice(), &id.0, &self.key].concat())
    }

    /// What people compare and talk about: a digest of the 32 bytes, short enough to be read aloud. 80 bits, in groups of four.
    pub fn fingerprint(&self) -> String {
        let hex = blake3::hash(&self.key).to_hex();
        let group = |at: usize| &hex[4 * at..4 * at + 4];
        [group(0), group(1), group(2), group(3), group(4)].join("-")
    }
}

impl FromStr for Signer {
    type Err = SignerError;

    fn from_str(text: &str) -> Result<Self, SignerError> {
        let encoded = text.strip_prefix(SIGNER_PREFIX).ok_or(SignerError::Prefix)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| SignerError::Length)?;
        let bytes: [u8; PUBLIC_KEY_BYTES] = bytes.try_into().map_err(|_| SignerError::Length)?;
        let (algorithm, rest) = bytes.split_at(2);
        if algorithm != b"Ed" && algorithm != b"ED" {
            return Err(SignerError::Algorithm);
        }
        let key = rest[8..].try_into().expect("42 bytes less 2 and 8 are 32");
        Ok(Self { text: encoded.into(), key })
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{SIGNER_PREFIX}{}", self.text)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl PartialEq for Signer {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Signer {}

impl PartialOrd for Signer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Signer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl Hash for Signer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl Serialize for Signer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the vector in the project's documentation of signatures, made by the stock program.
    const VECTOR: &str = "minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa";

    fn respelt(algorithm: [u8; 2], id: u8) -> String {
        let mut bytes = STANDARD.decode(&VECTOR[SIGNER_PREFIX.len()..]).unwrap();
        bytes[..2].copy_from_slice(&algorithm);
        bytes[2] = id;
        format!("{SIGNER_PREFIX}{}", STANDARD.encode(bytes))
    }

    #[test]
    fn the_stock_programs_key_is_read_and_printed() {
        let signer: Signer = VECTOR.parse().unwrap();
        assert_eq!(signer.to_string(), VECTOR);
        assert_eq!(signer.key_bytes().len(), 32);
        assert_eq!(signer.key_id().to_string(), "A1717ED70B4B19CC");
    }

    #[test]
    fn one_key_has_many_spellings_and_is_one_signer() {
        let signer: Signer = VECTOR.parse().unwrap();
        assert_eq!(respelt(*b"ED", 0xcc).parse::<Signer>().unwrap(), signer);
        assert_eq!(respelt(*b"Ed", 1).parse::<Signer>().unwrap().fingerprint(), signer.fingerprint());
        assert_eq!(respelt(*b"Ed", 1).parse::<Signer>().unwrap(), signer);
    }

    #[test]
    fn the_same_id_with_another_key_is_another_signer() {
        let mut bytes = STANDARD.decode(&VECTOR[SIGNER_PREFIX.len()..]).unwrap();
        bytes[41] ^= 1;
        let other: Signer = format!("{SIGNER_PREFIX}{}", STANDARD.encode(bytes)).parse().unwrap();
        assert_ne!(other, VECTOR.parse().unwrap());
    }

    #[test]
    fn what_is_no_key_is_no_signer() {
        assert_eq!(VECTOR[9..].parse::<Signer>(), Err(SignerError::Prefix));
        assert_eq!(VECTOR[..60].parse::<Signer>(), Err(SignerError::Length));
        assert_eq!(format!("{VECTOR}\n").parse::<Signer>(), Err(SignerError::Length));
        assert_eq!(respelt(*b"Xx", 0).parse::<Signer>(), Err(SignerError::Algorithm));
        assert_eq!("minisign:".parse::<Signer>(), Err(SignerError::Length));
    }
}
