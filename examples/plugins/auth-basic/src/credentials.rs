//! Which name and which password came with a request?

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mockforge_plugin_sdk::AuthRequest;

pub(crate) struct Presented {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// As `username` and `password` of the credentials' data, as their token, or as the request's header; the first that's there.
pub(crate) fn presented(request: &AuthRequest) -> Result<Presented, &'static str> {
    let credentials = &request.credentials;
    if !credentials.kind.eq_ignore_ascii_case("basic") {
        return Err("the credentials aren't of the type `basic`");
    }
    if let (Some(name), Some(password)) = (credentials.text("username"), credentials.text("password")) {
        return Ok(Presented { name: name.to_owned(), password: password.to_owned() });
    }
    let token =
        credentials.token.as_deref().or_else(|| request.context.headers.get("authorization")).ok_or("there are no credentials")?.trim();
    let token = match token.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("basic") => token.trim_start(),
        _ => token,
    };
    if token.len() > 4096 {
        return Err("the credentials are too long");
    }
    let text = STANDARD.decode(token).map_err(|_| "the credentials aren't base64")?;
    let text = String::from_utf8(text).map_err(|_| "the credentials aren't UTF-8")?;
    let (name, password) = text.split_once(':').ok_or("the credentials have no `:`")?;
    if text.chars().any(char::is_control) {
        return Err("the credentials have control characters");
    }
    Ok(Presented { name: name.to_owned(), password: password.to_owned() })
}
