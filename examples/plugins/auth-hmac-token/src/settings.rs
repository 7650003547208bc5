//! What does the project want of a token?

use json1::Value;

/// The configuration, read once a call. Its schema is in `plugin.yaml`.
pub(crate) struct Settings {
    pub(crate) verification_key: String,
    issuer: Option<String>,
    audience: Option<String>,
    user_claim: String,
    require_expiry: bool,
    leeway_seconds: f64,
}

impl Settings {
    pub(crate) fn read(config: &Value) -> Result<Self, String> {
        Ok(Self {
            verification_key: text(config, "verification_key")?.ok_or(
                "the configuration has no `verification_key`; set it under \
                 [config.auth-hmac-token] in mockforge-plugins.toml",
            )?,
            issuer: text(config, "issuer")?,
            audience: text(config, "audience")?,
            user_claim: text(config, "user_claim")?.unwrap_or_else(|| "sub".to_owned()),
            require_expiry: config["require_expiry"].as_bool().unwrap_or(false),
            leeway_seconds: config["leeway_seconds"].as_f64().unwrap_or(60.0),
        })
    }

    /// The user behind verified claims, or why they aren't good enough at `now_ms`.
    pub(crate) fn accept(&self, claims: Value, now_ms: i64) -> Result<(String, Value), String> {
        self.in_time(&claims, now_ms)?;
        self.parties(&claims)?;
        let user = match &claims[&self.user_claim] {
            Value::String(user) if !user.is_empty() => user.clone(),
            Value::Number(user) => user.to_string(),
            _ => return Err(format!("the claim `{}` names no user", self.user_claim)),
        };
        Ok((user, claims))
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds fit in 53 bits until the year 287396")]
    fn in_time(&self, claims: &Value, now_ms: i64) -> Result<(), String> {
        let now = now_ms as f64 / 1000.0;
        match time(claims, "exp")? {
            Some(expiry) if now >= expiry + self.leeway_seconds => return Err("expired".to_owned()),
            None if self.require_expiry => return Err("it has no expiry".to_owned()),
            _ => {}
        }
        match time(claims, "nbf")? {
            Some(start) if now + self.leeway_seconds < start => Err("not valid yet".to_owned()),
            _ => Ok(()),
        }
    }

    fn parties(&self, claims: &Value) -> Result<(), String> {
        if let Some(issuer) = &self.issuer
            && claims["iss"] != **issuer
        {
            return Err("another issuer".to_owned());
        }
        let Some(audience) = &self.audience else { return Ok(()) };
        let meant = match &claims["aud"] {
            Value::Array(many) => many.iter().any(|one| *one == **audience),
            one => *one == **audience,
        };
        if meant { Ok(()) } else { Err("another audience".to_owned()) }
    }
}

fn text(config: &Value, key: &str) -> Result<Option<String>, String> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(_) => Err(format!("the configuration's `{key}` must be a string that isn't empty")),
    }
}

/// A time claim in seconds. One that isn't a number is refused, never ignored.
fn time(claims: &Value, name: &str) -> Result<Option<f64>, String> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| format!("the claim `{name}` isn't a number")),
    }
}
