//! Tokens and what's wanted of them. The signature is computed by another plugin through the host, which isn't here: `tests/quickstart.rs` of the repository has both.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use json1::{Value, json};

use crate::settings::Settings;
use crate::token::parse;

/// The token of RFC 7515, A.1.
const RFC_7515: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const EXPIRY_MS: i64 = 1_300_819_380_000;

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn settings(config: Value) -> Settings {
    let mut config = config;
    config["verification_key"] = "0123456789abcdef0123456789abcdef".into();
    Settings::read(&config).expect("a good configuration")
}

/// Why these claims aren't good enough at this time.
fn refused(config: Value, claims: Value, now_ms: i64) -> String {
    settings(config).accept(claims, now_ms).expect_err("they aren't good")
}

#[test]
fn claims_are_read_once_the_signature_is_the_expected_one() {
    let (_, signature) = RFC_7515.rsplit_once('.').expect("it has three parts");
    let claims = parse(RFC_7515).and_then(|signed| signed.verify(signature)).expect("it's good");
    assert_eq!((&claims["iss"], &claims["exp"]), (&json!("joe"), &json!(1_300_819_380)));
    for other in ["", "dBjf", &signature.replace('d', "e"), &signature[..signature.len() - 2], "not base64url!"] {
        assert!(parse(RFC_7515).and_then(|signed| signed.verify(other)).is_err(), "{other}");
    }
}

#[test]
fn only_hs256_is_a_signature() {
    let with = |header: &Value| parse(&format!("{}.{}.c2ln", part(header), part(&json!({})))).map(|_| ());
    assert_eq!(with(&json!({ "alg": "HS256" })), Ok(()));
    for (header, why) in [
        (json!({ "alg": "none" }), "its algorithm is \"none\""),
        (json!({ "alg": "RS256" }), "its algorithm is"),
        (json!({}), "its algorithm is null"),
        (json!({ "alg": "HS256", "crit": ["exp"] }), "critical"),
        (json!([]), "isn't an object"),
    ] {
        let error = with(&header).expect_err("it's refused");
        assert!(error.contains(why), "{header}: {error}");
    }
    for token in ["", "a", "a.b", "a.b.c.d", "?.b.c"] {
        assert!(parse(token).is_err(), "{token}");
    }
}

#[test]
fn a_token_has_its_time() {
    let with = |claims: Value, now_ms: i64| settings(json!({ "leeway_seconds": 10 })).accept(claims, now_ms).map(|(user, _)| user);
    let claims = json!({ "sub": "ada", "exp": EXPIRY_MS / 1000, "nbf": EXPIRY_MS / 1000 - 60 });
    assert_eq!(with(claims.clone(), EXPIRY_MS + 9_999), Ok("ada".to_owned()));
    assert_eq!(with(claims.clone(), EXPIRY_MS + 10_000), Err("expired".to_owned()));
    assert_eq!(with(claims.clone(), EXPIRY_MS - 70_000), Ok("ada".to_owned()));
    assert_eq!(with(claims, EXPIRY_MS - 70_001), Err("not valid yet".to_owned()));
    assert_eq!(with(json!({ "sub": "ada", "exp": "tomorrow" }), 0), Err("the claim `exp` isn't a number".to_owned()));
    assert_eq!(with(json!({ "sub": "ada" }), 0), Ok("ada".to_owned()));
    assert_eq!(refused(json!({ "require_expiry": true }), json!({ "sub": "ada" }), 0), "it has no expiry");
}

#[test]
fn a_token_is_for_somebody_and_of_somebody() {
    let config = json!({ "issuer": "https://login.example", "audience": "shop", "user_claim": "email" });
    let good = |aud: Value| json!({ "iss": "https://login.example", "aud": aud, "email": "ada@example.org" });
    for aud in [json!("shop"), json!(["till", "shop"])] {
        assert_eq!(settings(config.clone()).accept(good(aud), 0).expect("they're good").0, "ada@example.org");
    }
    assert_eq!(refused(config.clone(), good(json!(["till"])), 0), "another audience");
    assert_eq!(refused(config.clone(), good(json!(null)), 0), "another audience");
    assert_eq!(refused(config.clone(), json!({ "iss": "https://other.example", "aud": "shop" }), 0), "another issuer");
    assert_eq!(
        refused(config, json!({ "iss": "https://login.example", "aud": "shop", "sub": "ada" }), 0),
        "the claim `email` names no user"
    );
    for sub in [json!(""), json!(null), json!(true)] {
        assert_eq!(refused(json!({}), json!({ "sub": sub }), 0), "the claim `sub` names no user");
    }
}

#[test]
fn a_token_is_taken_from_the_credentials_or_from_the_header() {
    let of = |credentials: Value, headers: Value| {
        crate::bearer(&json!({ "credentials": credentials, "context": { "headers": headers } })).map(str::to_owned)
    };
    assert_eq!(of(json!({ "type": "bearer", "token": "t" }), json!({})), Ok("t".to_owned()));
    assert_eq!(of(json!({ "type": "JWT", "token": "bEARER t" }), json!({})), Ok("t".to_owned()));
    assert_eq!(of(json!({ "type": "bearer" }), json!({ "AUTHORIZATION": "Bearer t" })), Ok("t".to_owned()));
    assert!(of(json!({ "type": "bearer" }), json!({ "authorization": "Basic t" })).is_err());
    assert!(of(json!({ "type": "basic", "token": "t" }), json!({})).is_err());
}

#[test]
fn a_configuration_without_a_key_is_an_error() {
    assert!(Settings::read(&json!({})).is_err_and(|error| error.contains("`verification_key`")));
    assert!(Settings::read(&json!({ "verification_key": 7 })).is_err());
}
