//! `auth-basic`: are this name and this password those of a known user? (RFC 7617.)
//!
//! How long an answer takes says nothing of whether the user is known: for an unknown one the password is held
//! against a known one's hash, in vain.

mod credentials;
mod hash;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use credentials::Presented;
use hash::Hash;
use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::serde_json::Map;
use sha2::{Digest as _, Sha256};

/// A longer password is refused before anything is hashed: hashing takes longer the longer it is.
const LONGEST: usize = 256;

struct Basic {
    users: BTreeMap<String, Hash>,
    claims: BTreeMap<String, Map<String, Value>>,
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// User → hash of the password: argon2, bcrypt, or SHA-2 crypt
    #[serde(default)]
    users: BTreeMap<String, String>,
    /// The same as lines of htpasswd: `name:hash`
    #[serde(default)]
    htpasswd: String,
    /// User → what's claimed about them
    #[serde(default)]
    claims: BTreeMap<String, Map<String, Value>>,
}

impl Plugin for Basic {
    type Config = Settings;

    fn about() -> About {
        plugin_config! {
            name: "Basic authentication",
            entry: "auth_basic.wasm",
            keywords: ["auth", "basic", "password", "htpasswd"],
            mockforge: ">=0.3, <2",
        }
    }

    fn new(Settings { users, htpasswd, claims }: Settings) -> Result<Self> {
        let mut all = BTreeMap::new();
        for (number, line) in htpasswd.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, hash)) = line.split_once(':') else { fail!("htpasswd, line {}: there's no `:`", number + 1) };
            add(&mut all, name, hash)?;
        }
        for (name, hash) in &users {
            add(&mut all, name, hash)?;
        }
        if let Some(name) = claims.keys().find(|name| !all.contains_key(*name)) {
            fail!("claims.{name}: there's no such user");
        }
        Ok(Self { users: all, claims })
    }
}

fn add(users: &mut BTreeMap<String, Hash>, name: &str, hash: &str) -> Result<()> {
    if name.is_empty() || name.contains(':') {
        fail!("`{name}` can't be a user's name");
    }
    let hash = Hash::read(hash).map_err(|error| error.context(format!("the password of `{name}`")))?;
    if users.insert(name.to_owned(), hash).is_some() {
        fail!("the user `{name}` is there twice");
    }
    Ok(())
}

impl Auth for Basic {
    fn authenticate(&self, request: AuthRequest, host: &dyn Host) -> Result<Verdict> {
        let verdict = credentials::presented(&request).and_then(|presented| self.verdict(presented));
        Ok(verdict.unwrap_or_else(|why| {
            host.info(&format!("refused: {why}"));
            Verdict::reject()
        }))
    }
}

impl Basic {
    fn verdict(&self, Presented { name, password }: Presented) -> Result<Verdict, &'static str> {
        if password.len() > LONGEST {
            return Err("the password is too long");
        }
        let known = self.users.get(&name);
        let Some(hash) = known.or_else(|| self.decoy(&name)) else { return Err("there are no users") };
        let fits = hash.fits(password.as_bytes());
        if !fits || known.is_none() {
            return Err("no user has that name and that password");
        }
        let claims = self.claims.get(&name).cloned().unwrap_or_default();
        Ok(Verdict { claims, ..Verdict::accept(name) })
    }

    /// The hash that stands in for that of a user who isn't there: always the same for a name, and nobody knows which
    /// who doesn't know the hashes. So where hashes of several costs are mixed, unknown names are mixed likewise.
    fn decoy(&self, name: &str) -> Option<&Hash> {
        let mut digest = Sha256::new();
        for hash in self.users.values() {
            digest.update(hash.text());
        }
        let digest = digest.chain_update(name).finalize();
        let number = digest.iter().take(4).fold(0, |number, byte| number << 8 | usize::from(*byte));
        self.users.values().nth(number % self.users.len().max(1))
    }
}

export_plugin!(Basic: Auth);
