//! AES-GCM: what's sealed is the nonce, the ciphertext and the tag, in base64.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm, KeyInit as _};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use mockforge_plugin_sdk::{Result, fail};

const NONCE: usize = 12;

/// The cipher that the key's length says.
fn with<T>(key: &[u8], run: impl FnOnce(&dyn Cipher) -> T) -> Result<T> {
    match (Aes128Gcm::new_from_slice(key), Aes256Gcm::new_from_slice(key)) {
        (Ok(cipher), _) => Ok(run(&cipher)),
        (_, Ok(cipher)) => Ok(run(&cipher)),
        _ => fail!("the key has {} bytes; AES takes 16 or 32", key.len()),
    }
}

trait Cipher {
    fn seal(&self, nonce: [u8; NONCE], payload: Payload<'_, '_>) -> Option<Vec<u8>>;
    fn open(&self, nonce: [u8; NONCE], payload: Payload<'_, '_>) -> Option<Vec<u8>>;
}

macro_rules! cipher {
    ($($name:ty),+) => {$(
        impl Cipher for $name {
            fn seal(&self, nonce: [u8; NONCE], payload: Payload<'_, '_>) -> Option<Vec<u8>> {
                self.encrypt(&nonce.into(), payload).ok()
            }

            fn open(&self, nonce: [u8; NONCE], payload: Payload<'_, '_>) -> Option<Vec<u8>> {
                self.decrypt(&nonce.into(), payload).ok()
            }
        }
    )+};
}

cipher!(Aes128Gcm, Aes256Gcm);

pub(crate) fn seal(key: &[u8], nonce: [u8; NONCE], text: &[u8], context: &[u8]) -> Result<String> {
    match with(key, |cipher| cipher.seal(nonce, Payload { msg: text, aad: context }))? {
        Some(sealed) => Ok(STANDARD.encode([&nonce[..], &sealed].concat())),
        None => fail!("it's too long to be sealed"),
    }
}

pub(crate) fn open(key: &[u8], sealed: &str, context: &[u8]) -> Result<String> {
    let Ok(sealed) = STANDARD.decode(sealed) else { fail!("it isn't base64") };
    let Some((nonce, rest)) = sealed.split_first_chunk::<NONCE>() else { fail!("it's too short to be sealed") };
    let text = with(key, |cipher| cipher.open(*nonce, Payload { msg: rest, aad: context }))?;
    match text.map(String::from_utf8) {
        Some(Ok(text)) => Ok(text),
        Some(Err(_)) => fail!("what's sealed there isn't UTF-8 text"),
        None => fail!("it wasn't sealed with this key and this context, or it was changed"),
    }
}
