//! Are a token's claims those that are wanted? (RFC 7519, section 4.1.)

use mockforge_plugin_sdk::{Verdict, serde_json};
use serde_json::{Map, Value};

use crate::settings::Settings;

/// The verdict for claims that were signed; `now` in seconds.
pub(crate) fn accepted(settings: &Settings, claims: Map<String, Value>, now: i64) -> Result<Verdict, String> {
    in_time(settings, &claims, now)?;
    for_us(settings, &claims)?;
    for name in &settings.required_claims {
        if claims.get(name).is_none_or(Value::is_null) {
            return Err(format!("it has no claim `{name}`"));
        }
    }
    for (name, wanted) in &settings.claims {
        if !claims.get(name).is_some_and(|found| has(found, wanted)) {
            return Err(format!("its claim `{name}` isn't what's wanted"));
        }
    }
    let user_id = match claims.get(&settings.user_claim) {
        Some(Value::String(user)) if !user.is_empty() => user.clone(),
        Some(Value::Number(user)) => user.to_string(),
        _ => return Err(format!("its claim `{}` names no user", settings.user_claim)),
    };
    Ok(Verdict { authenticated: true, user_id, claims })
}

#[expect(clippy::cast_precision_loss, reason = "seconds of this age are exact in an f64")]
fn in_time(settings: &Settings, claims: &Map<String, Value>, now: i64) -> Result<(), String> {
    let (now, leeway) = (now as f64, f64::from(settings.leeway_seconds));
    match time(claims, "exp")? {
        None if settings.require_expiry => return Err("it has no `exp`".to_owned()),
        Some(expiry) if now >= expiry + leeway => return Err("it has expired".to_owned()),
        _ => {}
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|from| now + leeway < from) {
            return Err(format!("its `{name}` is in the future"));
        }
    }
    Ok(())
}

/// A time in seconds since 1970, which may have a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<f64>, String> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| format!("its `{name}` isn't a number")),
    }
}

/// A token that names an audience is only for those who are in it: without a configured audience that's nobody.
fn for_us(settings: &Settings, claims: &Map<String, Value>) -> Result<(), String> {
    if settings.issuer.as_ref().is_some_and(|issuer| claims.get("iss").is_none_or(|found| found != issuer)) {
        return Err("its issuer is another".to_owned());
    }
    let ours = |audience: &Value| settings.audience.iter().any(|ours| audience == ours);
    let named = match claims.get("aud") {
        None => settings.audience.is_empty(),
        Some(Value::Array(all)) => all.iter().any(ours),
        Some(one) => ours(one),
    };
    if named { Ok(()) } else { Err("its audience is another".to_owned()) }
}

/// Is this what's wanted, or a list that has it, or (as in `scope`) a text that has it between blanks? Of a list all is wanted.
fn has(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (found, wanted) if found == wanted => true,
        (found, Value::Array(all)) => !all.is_empty() && all.iter().all(|one| has(found, one)),
        (Value::Array(all), one) => all.contains(one),
        (Value::String(text), Value::String(one)) => text.split(' ').any(|word| word == one),
        _ => false,
    }
}
