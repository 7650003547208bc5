//! `auth-jwt`: is this bearer token good? (RFC 7515, 7517, 7518, 7519.)
//!
//! A key knows its algorithm, and a token is only ever checked by a key of the algorithm that its header
//! names: so an RSA key can't be taken for a secret, and `none` has no key. Claims are read after that.
//!
//! With the feature `jwks` this is `auth-jwks`, which fetches its keys.

mod claims;
#[cfg(feature = "jwks")]
mod fetch;
mod keys;
mod settings;
#[cfg(test)]
mod tests;
mod token;

use keys::Key;
use mockforge_plugin_sdk::prelude::*;
use settings::Settings;
use token::Signed;

/// A token of a longer text is refused before anything is decoded.
const LONGEST_TOKEN: usize = 16 << 10;
/// So many keys are tried for one token: each costs time.
const MOST_TRIED: usize = 8;

struct Jwt {
    settings: Settings,
    keys: Vec<Key>,
}

impl Plugin for Jwt {
    type Config = Settings;

    #[cfg(not(feature = "jwks"))]
    fn about() -> About {
        plugin_config! {
            name: "JWT authentication",
            entry: "auth_jwt.wasm",
            keywords: ["auth", "jwt", "bearer", "rs256", "es256"],
            mockforge: ">=0.3, <2",
        }
    }

    #[cfg(feature = "jwks")]
    fn about() -> About {
        plugin_config! {
            id: "auth-jwks",
            name: "JWT authentication by a key set",
            description: "Validates bearer tokens (JWT): RS256 and ES256, by keys of a JWKS that it fetches",
            entry: "auth_jwks.wasm",
            keywords: ["auth", "jwt", "jwks", "bearer", "oidc"],
            mockforge: ">=0.3, <2",
            http: ["*"],
        }
    }

    fn new(settings: Settings) -> Result<Self> {
        let keys = settings.keys()?;
        Ok(Self { settings, keys })
    }
}

impl Auth for Jwt {
    fn authenticate(&self, request: AuthRequest, host: &dyn Host) -> Result<Verdict> {
        let answer = match presented(&request).and_then(token::parse) {
            Ok(token) => self.verdict(&token, host)?,
            Err(why) => Err(why),
        };
        Ok(answer.unwrap_or_else(|why| {
            host.info(&format!("refused: {why}"));
            Verdict::reject()
        }))
    }
}

impl Jwt {
    /// The verdict, or why the token is no good. An error says that nobody can tell.
    fn verdict(&self, token: &Signed, host: &dyn Host) -> Result<Result<Verdict, String>> {
        if !self.settings.algorithms.contains(&token.algorithm) {
            return Ok(Err(format!("{} isn't among the configured algorithms", token.algorithm)));
        }
        let Some(is_signed) = self.is_signed(token, host)? else {
            return Ok(Err("there's no key for it".to_owned()));
        };
        if !is_signed {
            return Ok(Err("its signature isn't by our key".to_owned()));
        }
        let now = host.now_ms().div_euclid(1000);
        Ok(token.claims().and_then(|claims| claims::accepted(&self.settings, claims, now)))
    }

    #[cfg(not(feature = "jwks"))]
    #[expect(clippy::unnecessary_wraps, reason = "with the feature `jwks` it can fail")]
    fn is_signed(&self, token: &Signed, _: &dyn Host) -> Result<Option<bool>> {
        Ok(checked(&self.keys, token))
    }

    /// A token whose key isn't in the set may be signed by a new one: the set is fetched once more, past the host's cache.
    #[cfg(feature = "jwks")]
    fn is_signed(&self, token: &Signed, host: &dyn Host) -> Result<Option<bool>> {
        let url = &self.settings.jwks_url;
        let mut known = checked(&self.keys, token);
        for freshness in [fetch::Freshness::AsCached, fetch::Freshness::Now] {
            if known.is_none() {
                known = checked(&fetch::keys(url, freshness, host)?, token);
            }
        }
        Ok(known)
    }
}

/// Did one of these keys sign it? `None` if none of them could have.
fn checked(keys: &[Key], token: &Signed) -> Option<bool> {
    let mut fitting = keys.iter().filter(|key| key.fits(token)).take(MOST_TRIED).peekable();
    fitting.peek()?;
    Some(fitting.any(|key| key.signed(token)))
}

/// The token, with or without `Bearer`; that of the request's header where the credentials have none.
fn presented(request: &AuthRequest) -> Result<&str, String> {
    let credentials = &request.credentials;
    if !["bearer", "jwt"].iter().any(|kind| credentials.kind.eq_ignore_ascii_case(kind)) {
        return Err("the credentials aren't a bearer token".to_owned());
    }
    let token = match &credentials.token {
        Some(token) => token.trim(),
        None => request.context.headers.get("authorization").ok_or("there's no token")?.trim(),
    };
    let token = match token.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => token,
    };
    if token.len() > LONGEST_TOKEN {
        return Err(format!("it's longer than {LONGEST_TOKEN} bytes"));
    }
    Ok(token)
}

export_plugin!(Jwt: Auth; plugin_yaml = if cfg!(feature = "jwks") { "../auth-jwks/plugin.yaml" } else { "plugin.yaml" });
