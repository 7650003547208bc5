//! Which hashes are there?

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

#[derive(Debug, Clone, Copy, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

macro_rules! hmac {
    ($hash:ty, $key:expr, $text:expr) => {
        Hmac::<$hash>::new_from_slice($key).expect("HMAC takes keys of any length").chain_update($text).finalize().into_bytes().to_vec()
    };
}

impl Algorithm {
    pub(crate) fn hash(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha384 => Sha384::digest(text).to_vec(),
            Self::Sha512 => Sha512::digest(text).to_vec(),
        }
    }

    pub(crate) fn hmac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => hmac!(Sha256, key, text),
            Self::Sha384 => hmac!(Sha384, key, text),
            Self::Sha512 => hmac!(Sha512, key, text),
        }
    }
}
