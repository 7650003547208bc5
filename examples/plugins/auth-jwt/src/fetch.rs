//! What keys does the server publish? (RFC 7517, section 5.)
//!
//! A call has no memory. That not every call asks the server is the host's doing: it keeps the answer for as long
//! as the answer's `Cache-Control` says.

use mockforge_plugin_sdk::{Host, HttpRequest, Result, fail, serde, serde_json};
use serde_json::{Map, Value};

use crate::keys::Key;

const LARGEST_SET: usize = 256 << 10;
const MOST_KEYS: usize = 100;

/// How old an answer may be.
pub(crate) enum Freshness {
    AsCached,
    Now,
}

#[derive(serde::Deserialize)]
struct Set {
    keys: Vec<Map<String, Value>>,
}

/// The keys of a set. One that's broken or for something else is passed over; a set without any isn't an error either.
pub(crate) fn keys(url: &str, freshness: Freshness, host: &dyn Host) -> Result<Vec<Key>> {
    let request = HttpRequest::get(url).header("accept", "application/jwk-set+json, application/json");
    let request = match freshness {
        Freshness::AsCached => request,
        Freshness::Now => request.header("cache-control", "no-cache"),
    };
    let answer = host.http(&request).map_err(|error| error.context("the key set can't be fetched"))?;
    if answer.status != 200 {
        fail!("the key set can't be fetched: {url} answers {}", answer.status);
    }
    if answer.body.len() > LARGEST_SET {
        fail!("the key set is larger than {LARGEST_SET} bytes");
    }
    let set: Set = answer.json().map_err(|error| error.context("the key set"))?;
    let mut keys = Vec::new();
    for jwk in set.keys.iter().take(MOST_KEYS) {
        match Key::jwk(jwk) {
            Ok(key) => keys.extend(key),
            Err(error) => host.warn(&format!("a key of the set is passed over: {error}")),
        }
    }
    Ok(keys)
}
