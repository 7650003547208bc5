//! What does a JWT say, and is it signed?
//!
//! The claims can only be had through [`Signed::verify`]: nobody reads what nobody signed.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use json1::Value;

/// A token in compact form whose header promises HS256.
pub(crate) struct Signed<'a> {
    /// What is signed: header, dot, claims.
    pub(crate) input: &'a str,
    claims: &'a str,
    signature: Vec<u8>,
}

/// Takes a token apart. `none` and every algorithm but HS256 are refused, and so are
/// critical extensions, since we know none.
pub(crate) fn parse(token: &str) -> Result<Signed<'_>, String> {
    let (input, signature) = token.rsplit_once('.').ok_or("it isn't a JWT")?;
    let (header, claims) = input.split_once('.').ok_or("it isn't a JWT")?;
    if claims.contains('.') {
        return Err("it isn't a JWT in compact form".to_owned());
    }
    let header = object(header, "header")?;
    if header["alg"] != "HS256" {
        return Err(format!("its algorithm is {}, not HS256", header["alg"]));
    }
    if header.get("crit").is_some() {
        return Err("it has critical extensions".to_owned());
    }
    Ok(Signed { input, claims, signature: bytes(signature, "signature")? })
}

impl Signed<'_> {
    /// The claims, if the signature is `expected` (base64url).
    pub(crate) fn verify(&self, expected: &str) -> Result<Value, String> {
        if !equal(&self.signature, &bytes(expected, "expected signature")?) {
            return Err("its signature isn't by our key".to_owned());
        }
        object(self.claims, "claims")
    }
}

/// Compares without telling by the time taken where the first difference is.
fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn bytes(part: &str, name: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| format!("its {name} isn't base64url"))
}

fn object(part: &str, name: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(&bytes(part, name)?).map_err(|_| format!("its {name} isn't JSON"))?;
    if value.is_object() { Ok(value) } else { Err(format!("its {name} isn't an object")) }
}
