//! Which keys are there, and did one of them sign a token?

use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use mockforge_plugin_sdk::{Result, fail, serde_json};
use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, Pkcs1v15Sign};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::token::{Algorithm, Signed};

/// RFC 7518, section 3.3, asks for 2048 at least; longer ones take longer than a call has.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=4096;
/// RFC 7518, section 3.2: as long as the hash.
#[cfg(not(feature = "jwks"))]
const SHORTEST_SECRET: usize = 32;

/// A key, and the name that tokens call it by. One without a name is tried for every token.
pub(crate) struct Key {
    kid: Option<String>,
    material: Material,
}

enum Material {
    #[cfg(not(feature = "jwks"))]
    Secret(Vec<u8>),
    Rsa(rsa::PublicKey),
    P256(VerifyingKey),
}

impl Key {
    #[cfg(not(feature = "jwks"))]
    pub(crate) fn secret(secret: &[u8]) -> Result<Self> {
        if secret.len() < SHORTEST_SECRET {
            fail!("a secret for HS256 has {SHORTEST_SECRET} bytes or more, this one has {}", secret.len());
        }
        Ok(Self { kid: None, material: Material::Secret(secret.to_vec()) })
    }

    /// A public key as `openssl` writes it: `-----BEGIN PUBLIC KEY-----`.
    pub(crate) fn pem(text: &str) -> Result<Self> {
        let body = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----").and_then(|rest| rest.strip_suffix("-----END PUBLIC KEY-----"));
        let Some(body) = body else { fail!("a public key in PEM begins with `-----BEGIN PUBLIC KEY-----`, and ends likewise") };
        let Ok(der) = STANDARD.decode(body.split_whitespace().collect::<String>()) else {
            fail!("what's in a public key in PEM is base64")
        };
        let material = match (rsa::PublicKey::from_public_key_der(&der), VerifyingKey::from_public_key_der(&der)) {
            (Ok(key), _) => checked(key)?,
            (_, Ok(key)) => Material::P256(key),
            _ => fail!("it's no public key of RSA or of the curve P-256"),
        };
        Ok(Self { kid: None, material })
    }

    /// A JSON Web Key (RFC 7517); `None` if it's for something else than checking signatures of a known kind.
    pub(crate) fn jwk(jwk: &Map<String, Value>) -> Result<Option<Self>> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("use").is_some_and(|to| to != "sig")
            || matches!(jwk.get("key_ops"), Some(Value::Array(to)) if !to.contains(&"verify".into()))
        {
            return Ok(None);
        }
        if jwk.contains_key("d") {
            fail!("it's a private key, which has no place here");
        }
        let bytes = |name: &str| -> Result<Vec<u8>> {
            let Some(text) = text(name) else { fail!("it has no `{name}`") };
            URL_SAFE_NO_PAD.decode(text).or_else(|_| fail!("its `{name}` isn't base64url"))
        };
        let (algorithm, material) = match (text("kty"), text("crv")) {
            (Some("RSA"), _) => (Algorithm::Rs256, checked(rsa_key(&bytes("n")?, &bytes("e")?)?)?),
            (Some("EC"), Some("P-256")) => {
                let point = [&[4][..], &bytes("x")?, &bytes("y")?].concat();
                let Ok(key) = VerifyingKey::from_sec1_bytes(&point) else { fail!("it's no point of the curve P-256") };
                (Algorithm::Es256, Material::P256(key))
            }
            #[cfg(not(feature = "jwks"))]
            (Some("oct"), _) => {
                let Self { material, .. } = Self::secret(&bytes("k")?)?;
                (Algorithm::Hs256, material)
            }
            _ => return Ok(None),
        };
        let is_for_another = text("alg").is_some_and(|named| named != algorithm.to_string());
        Ok((!is_for_another).then(|| Self { kid: text("kid").map(str::to_owned), material }))
    }

    /// The same, called by this name if there's one.
    #[must_use]
    pub(crate) fn named(self, kid: Option<&str>) -> Self {
        Self { kid: kid.map(str::to_owned).or(self.kid), ..self }
    }

    fn algorithm(&self) -> Algorithm {
        match self.material {
            #[cfg(not(feature = "jwks"))]
            Material::Secret(_) => Algorithm::Hs256,
            Material::Rsa(_) => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
        }
    }

    /// Could it be this key's?
    pub(crate) fn fits(&self, token: &Signed) -> bool {
        let named = match (&self.kid, &token.kid) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        named && self.algorithm() == token.algorithm
    }

    /// Is it?
    pub(crate) fn signed(&self, token: &Signed) -> bool {
        let input = token.input.as_bytes();
        match &self.material {
            #[cfg(not(feature = "jwks"))]
            Material::Secret(secret) => {
                use hmac::{Hmac, KeyInit as _, Mac as _};

                Hmac::<Sha256>::new_from_slice(secret).is_ok_and(|mac| mac.chain_update(input).verify_slice(&token.signature).is_ok())
            }
            Material::Rsa(key) => key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(input), &token.signature).is_ok(),
            Material::P256(key) => Signature::from_slice(&token.signature).is_ok_and(|signature| key.verify(input, &signature).is_ok()),
        }
    }
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Result<rsa::PublicKey> {
    if modulus.len() > 512 || exponent.len() > 8 {
        fail!("an RSA key of more than {} bits takes too long", RSA_BITS.end());
    }
    let number = BoxedUint::from_be_slice_vartime;
    rsa::PublicKey::new(number(modulus), number(exponent)).or_else(|_| fail!("it's no RSA key"))
}

fn checked(key: rsa::PublicKey) -> Result<Material> {
    let bits = key.n().bit_width();
    if !RSA_BITS.contains(&bits) {
        fail!("an RSA key has {} to {} bits, this one has {bits}", RSA_BITS.start(), RSA_BITS.end());
    }
    Ok(Material::Rsa(key))
}
