//! `auth-hmac-token`: may the bearer of this token come in?
//!
//! Checks JSON Web Tokens signed with HS256 (RFC 7515, 7519) against one key from the configuration.
//! The signature itself is computed by the plugin `template-hash`, called through the host.
//!
//! A token that isn't good is an answer (`authenticated: false`), and why is in the log: whoever knocks
//! isn't told. Only a request or a configuration that makes no sense is an error.

mod settings;
#[cfg(test)]
mod tests;
mod token;

use json1::host::{self, Level};
use json1::{Value, json};
use settings::Settings;

json1::plugin! {
    authenticate => check,
}

fn check(request: &Value) -> Result<Value, String> {
    let settings = Settings::read(&host::config()?)?;
    json1::at(request, &["credentials"])?;
    Ok(match verdict(request, &settings)? {
        Ok((user, claims)) => {
            json!({ "authenticated": true, "user_id": user, "claims": claims })
        }
        Err(refusal) => {
            host::log(Level::Info, &format!("refused: {refusal}"));
            json!({ "authenticated": false, "user_id": "", "claims": {} })
        }
    })
}

/// The user and the claims, or why the token is refused. The outer error is ours or the
/// host's, never the token's.
fn verdict(request: &Value, settings: &Settings) -> Result<Result<(String, Value), String>, String> {
    let signed = match bearer(request).and_then(token::parse) {
        Ok(signed) => signed,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let expected = sign(signed.input, &settings.verification_key)?;
    Ok(signed.verify(&expected).and_then(|claims| settings.accept(claims, host::now_ms())))
}

/// The token: from the credentials, else from the request's `Authorization` header.
fn bearer(request: &Value) -> Result<&str, String> {
    let credentials = &request["credentials"];
    let kind = credentials["type"].as_str().unwrap_or("bearer");
    if !["bearer", "jwt"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(format!("credentials of type `{kind}`; this plugin takes bearer"));
    }
    if let Some(token) = credentials["token"].as_str() {
        return Ok(strip_scheme(token).unwrap_or(token));
    }
    request["context"]["headers"]
        .as_object()
        .and_then(|headers| headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")))
        .and_then(|(_, value)| strip_scheme(value.as_str()?))
        .ok_or_else(|| "no token in the credentials, no bearer token in the headers".to_owned())
}

/// What follows `Bearer `, whose case doesn't matter.
fn strip_scheme(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The signature that `input` must have, in base64url: asked of `template-hash`.
fn sign(input: &str, key: &str) -> Result<String, String> {
    let answer = host::call_template("template-hash", "hmac_sha256", &json!([input, key, "base64url"]))?;
    match answer {
        Value::String(signature) => Ok(signature),
        _ => Err("template-hash: the signature isn't a string".to_owned()),
    }
}
