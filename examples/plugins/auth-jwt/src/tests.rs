//! Tokens of the RFCs and of an attacker. Those in `testdata/` were signed by Python's `cryptography`.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::{MockHost, PluginTestHarness};
use sha2::Sha256;

use crate::mockforge_plugin;

/// RFC 7515, appendix A: the claims of its examples, and when they were good.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const IN_2011: i64 = 1_300_819_379_000;
const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_\
    YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxv\
    b3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const A2: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ\
    cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt\
    FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

fn rsa_jwk() -> Value {
    json!({ "kty": "RSA", "n": N, "e": "AQAB" })
}

fn ec_jwk() -> Value {
    json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    })
}

fn at(now_ms: i64, config: Value) -> PluginTestHarness {
    PluginTestHarness::new(mockforge_plugin()).with_host(MockHost::default().at(now_ms)).config(config).expect("a good configuration")
}

fn ask(harness: &PluginTestHarness, token: &str) -> Verdict {
    let request = AuthRequest { credentials: Credentials::bearer(token.trim()), ..Default::default() };
    harness.authenticate(request).expect("there's a verdict")
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token of HS256.
fn mac(secret: &[u8], header: &Value, claims: &Value) -> String {
    let input = format!("{}.{}", encoded(header), encoded(claims));
    let tag = Hmac::<Sha256>::new_from_slice(secret).expect("any length").chain_update(&input).finalize().into_bytes();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[cfg(not(feature = "jwks"))]
mod configured {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;
    const RS256: &str = include_str!("../testdata/rs256.jwt");
    const PEM: &str = include_str!("../testdata/pub.pem");
    const SECRET: &str = "a secret of thirty-two bytes, or so";

    fn hs256() -> Value {
        json!({ "keys": [{ "secret": SECRET }] })
    }

    fn with(mut config: Value, more: Value) -> Value {
        let more = more.as_object().expect("an object").clone();
        config.as_object_mut().expect("an object").extend(more);
        config
    }

    /// Accepted, by a token of these claims?
    fn accepts(config: Value, claims: Value) -> bool {
        ask(&at(NOW, config), &mac(SECRET.as_bytes(), &json!({ "alg": "HS256" }), &claims)).authenticated
    }

    #[test]
    fn the_examples_of_rfc_7515_are_good() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let of = |key: Value, header: &str, signature: &str| {
            let config = json!({ "keys": [key], "user_claim": "iss", "leeway_seconds": 0 });
            let token = format!("{header}.{PAYLOAD}.{signature}");
            let verdict = ask(&at(IN_2011, config.clone()), &token);
            assert_eq!((verdict.user_id.as_str(), &verdict.claims["http://example.com/is_root"]), ("joe", &json!(true)));
            assert!(!ask(&at(IN_2011 + 1000, config), &token).authenticated, "it has expired");
        };
        let a1 = ("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        of(json!({ "secret_base64url": secret }), a1.0, a1.1);
        of(json!({ "jwk": { "kty": "oct", "k": secret } }), a1.0, a1.1);
        of(json!({ "jwk": rsa_jwk() }), "eyJhbGciOiJSUzI1NiJ9", A2);
        of(json!({ "jwk": ec_jwk() }), "eyJhbGciOiJFUzI1NiJ9", A3);
    }

    #[test]
    fn keys_in_pem_check_what_another_library_signed() {
        let config = json!({ "keys": [{ "public_key": include_str!("../testdata/ec.pem") }, { "kid": "2026", "public_key": PEM }], "audience": ["shop"] });
        let verdict = ask(&at(NOW, config), RS256);
        assert_eq!((verdict.authenticated, verdict.user_id.as_str()), (true, "ada"));
        let config = json!({ "keys": [{ "public_key": include_str!("../testdata/ec.pem") }] });
        assert_eq!(ask(&at(NOW, config), include_str!("../testdata/es256.jwt")).user_id, "grace");
    }

    #[test]
    fn no_algorithm_is_taken_for_another() {
        let config = json!({ "keys": [{ "public_key": PEM }, { "public_key": include_str!("../testdata/ec.pem") }] });
        let harness = at(NOW, config);
        let claims = json!({ "sub": "eve", "exp": 4_102_444_800_u64 });
        for secret in [PEM.as_bytes(), PEM.trim().as_bytes(), b""] {
            assert!(!ask(&harness, &mac(secret, &json!({ "alg": "HS256" }), &claims)).authenticated);
        }
        for alg in [json!("none"), json!("None"), json!("NONE"), json!(""), json!(null), json!(["RS256"]), json!("HS512"), json!("rs256")] {
            let input = format!("{}.{}", encoded(&json!({ "alg": alg })), encoded(&claims));
            assert!(!ask(&harness, &format!("{input}.")).authenticated, "{alg}");
            assert!(!ask(&harness, &input).authenticated, "{alg}");
        }
        // An RSA key that signed otherwise than RS256 says, and an ECDSA signature in which every equation holds trivially.
        assert!(!ask(&harness, include_str!("../testdata/pss.jwt")).authenticated);
        let zeros = URL_SAFE_NO_PAD.encode([0; 64]);
        assert!(!ask(&harness, &format!("{}.{}.{zeros}", encoded(&json!({ "alg": "ES256" })), encoded(&claims))).authenticated);
    }

    #[test]
    fn only_the_named_key_and_the_named_algorithms_count() {
        let claims = json!({ "sub": "ada", "exp": 4_102_444_800_u64 });
        let keys =
            json!({ "keys": [{ "kid": "old", "secret": "another secret of thirty-two bytes" }, { "kid": "new", "secret": SECRET }] });
        let asked = |header: Value| ask(&at(NOW, keys.clone()), &mac(SECRET.as_bytes(), &header, &claims)).authenticated;
        assert!(asked(json!({ "alg": "HS256", "kid": "new" })) && asked(json!({ "alg": "HS256" })));
        assert!(!asked(json!({ "alg": "HS256", "kid": "old" })) && !asked(json!({ "alg": "HS256", "kid": "" })));
        assert!(!asked(json!({ "alg": "HS256", "kid": 7 })) && !asked(json!({ "alg": "HS256", "crit": ["b64"], "b64": false })));
        assert!(!accepts(with(hs256(), json!({ "algorithms": ["RS256"] })), claims));
    }

    #[test]
    fn times_are_kept_with_leeway() {
        let seconds = NOW / 1000;
        let strict = || with(hs256(), json!({ "leeway_seconds": 10 }));
        assert!(accepts(strict(), json!({ "sub": "ada", "exp": seconds - 9 })));
        assert!(!accepts(strict(), json!({ "sub": "ada", "exp": seconds - 10 })));
        assert!(accepts(strict(), json!({ "sub": "ada", "exp": seconds + 1, "nbf": seconds + 10, "iat": f64::from(2) })));
        assert!(!accepts(strict(), json!({ "sub": "ada", "exp": seconds + 1, "nbf": seconds + 11 })));
        assert!(!accepts(strict(), json!({ "sub": "ada", "exp": "never" })) && !accepts(strict(), json!({ "sub": "ada", "exp": null })));
        assert!(!accepts(strict(), json!({ "sub": "ada" })));
        assert!(accepts(with(strict(), json!({ "require_expiry": false })), json!({ "sub": "ada" })));
    }

    #[test]
    fn issuer_audience_and_claims_are_those_that_are_wanted() {
        let good = json!({
            "sub": "ada", "exp": 4_102_444_800_u64, "iss": "https://login.example", "aud": ["shop", "blog"],
            "scope": "read write", "roles": ["admin", "dev"], "email": null, "level": 3,
        });
        let shop = || with(hs256(), json!({ "audience": ["shop"] }));
        let mine = |more: Value| accepts(with(shop(), more), good.clone());
        assert!(mine(json!({})) && mine(json!({ "issuer": "https://login.example", "required_claims": ["roles"] })));
        assert!(mine(json!({ "claims": { "scope": ["write", "read"], "roles": "dev", "level": 3 }, "user_claim": "level" })));
        for other in [
            json!({ "issuer": "https://login.example/" }),
            json!({ "audience": ["shops"] }),
            json!({ "audience": [] }),
            json!({ "required_claims": ["email"] }),
            json!({ "required_claims": ["phone"] }),
            json!({ "claims": { "scope": "writ" } }),
            json!({ "claims": { "roles": ["dev", "root"] } }),
            json!({ "claims": { "level": "3" } }),
            json!({ "claims": { "roles": [] } }),
            json!({ "user_claim": "roles" }),
        ] {
            assert!(!mine(other.clone()), "{other}");
        }
        assert!(!accepts(shop(), json!({ "sub": "ada", "exp": 4_102_444_800_u64 })), "a token for everybody");
    }

    #[test]
    fn what_is_no_token_is_refused_in_words() {
        let harness = at(NOW, hs256());
        let long = "a".repeat(16_385);
        for token in ["", ".", "..", "...", "a.b.c", "e30.e30.", "é.è.ê", "Bearer", &long, "eyJhbGciOiJIUzI1NiJ9..", "W10.e30.e30"] {
            assert_eq!(ask(&harness, token), Verdict::reject(), "{token}");
        }
        // Padded base64, a bit beyond the last byte, an empty signature, claims that are no object.
        let good = mac(SECRET.as_bytes(), &json!({ "alg": "HS256" }), &json!({ "sub": "ada", "exp": 4_102_444_800_u64 }));
        assert!(ask(&harness, &good).authenticated && !ask(&harness, &format!("{good}=")).authenticated);
        assert!(!ask(&harness, good.rsplit_once('.').expect("dots").0).authenticated);
        assert!(!ask(&harness, &mac(SECRET.as_bytes(), &json!({ "alg": "HS256" }), &json!(["sub"]))).authenticated);
        assert!(
            harness
                .host()
                .logged()
                .iter()
                .all(|(level, text)| *level == Level::Info && text.starts_with("refused: ") && !text.contains(SECRET))
        );
        assert_eq!(harness.host().logged().len(), 14);
    }

    #[test]
    fn a_token_is_found_in_the_header_too() {
        let harness = at(NOW, hs256());
        let token = mac(SECRET.as_bytes(), &json!({ "alg": "HS256" }), &json!({ "sub": "ada", "exp": 4_102_444_800_u64 }));
        let context = RequestContext::new("GET", "/").header("Authorization", format!("bearer  {token}"));
        let credentials = Credentials { kind: "Bearer".to_owned(), ..Default::default() };
        assert!(harness.authenticate(AuthRequest { context: context.clone(), credentials }).unwrap().authenticated);
        let credentials = Credentials { kind: "basic".to_owned(), ..Default::default() };
        assert!(!harness.authenticate(AuthRequest { context, credentials }).unwrap().authenticated);
    }

    #[test]
    fn a_configuration_that_is_no_use_is_an_error() {
        let private = json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA" });
        let no_point = json!({ "kty": "EC", "crv": "P-256", "x": N, "y": "AA" });
        for (key, why) in [
            (json!({ "secret": "short" }), "32 bytes"),
            (json!({}), "one of"),
            (json!({ "secret": SECRET, "public_key": PEM }), "one of"),
            (json!({ "public_key": include_str!("../testdata/small.pem") }), "1024"),
            (json!({ "public_key": "-----BEGIN RSA PUBLIC KEY-----" }), "BEGIN PUBLIC KEY"),
            (json!({ "public_key": "-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----" }), "no public key"),
            (json!({ "jwk": private }), "private"),
            (json!({ "jwk": no_point }), "no point"),
            (json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": "AA" } }), "isn't for signatures"),
            (json!({ "jwk": { "kty": "RSA", "n": "AQAB", "e": "AQAB" } }), "RSA key"),
            (json!({ "jwk": { "kty": "RSA", "n": N.repeat(3), "e": "AQAB" } }), "too long"),
        ] {
            let harness = at(NOW, json!({ "keys": [key] }));
            let error = harness.authenticate(AuthRequest::default()).unwrap_err().to_string();
            assert!(error.starts_with("keys[0]: ") && error.contains(why), "{error}");
        }
        assert!(PluginTestHarness::new(mockforge_plugin()).config(json!({ "keys": [], "key": "x" })).is_err());
    }
}

#[cfg(feature = "jwks")]
mod fetched {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mockforge_plugin_sdk::HttpResponse;

    use super::*;

    fn serving(keys: impl Fn(&HttpRequest) -> (u16, Vec<u8>) + Send + Sync + 'static) -> PluginTestHarness {
        let config = json!({ "jwks_url": "https://login.example/jwks", "user_claim": "iss" });
        at(IN_2011, config).granting(&["login.example"]).answering(move |request| {
            let (status, body) = keys(request);
            Ok(HttpResponse { status, headers: Default::default(), body })
        })
    }

    fn set(keys: Value) -> Vec<u8> {
        json!({ "keys": keys }).to_string().into_bytes()
    }

    fn token() -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{A2}")
    }

    #[test]
    fn the_key_is_found_among_others() {
        let harness = serving(|_| {
            let mut for_encryption = rsa_jwk();
            for_encryption["use"] = json!("enc");
            (200, set(json!([{}, { "kty": "OKP" }, { "kty": "RSA", "n": "AQAB", "e": "AQAB" }, for_encryption, ec_jwk(), rsa_jwk()])))
        });
        assert_eq!(ask(&harness, &token()).user_id, "joe");
        assert_eq!(ask(&harness, &format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{A3}")).user_id, "joe");
        assert_eq!(harness.host().sent().len(), 2);
        assert!(harness.host().sent().iter().all(|request| request.headers.get("cache-control").is_none()));
    }

    #[test]
    fn a_key_that_is_new_is_asked_for_past_the_cache() {
        let asked = AtomicUsize::new(0);
        let harness = serving(move |request| {
            let is_first = asked.fetch_add(1, Ordering::Relaxed) == 0;
            assert_eq!(request.headers.get("cache-control"), (!is_first).then_some("no-cache"));
            (200, if is_first { set(json!([ec_jwk()])) } else { set(json!([ec_jwk(), rsa_jwk()])) })
        });
        assert!(ask(&harness, &token()).authenticated);
        assert_eq!(harness.host().sent().len(), 2);
    }

    #[test]
    fn a_set_of_keys_has_no_secrets() {
        let secret = b"a secret that the attacker knows too";
        let key = json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret) });
        let harness = serving(move |_| (200, set(json!([key]))));
        let token = mac(secret, &json!({ "alg": "HS256" }), &json!({ "iss": "eve", "exp": 4_102_444_800_u64 }));
        assert!(!ask(&harness, &token).authenticated);
        assert!(harness.host().sent().is_empty(), "nobody is asked about an algorithm that can't be");
    }

    #[test]
    fn that_nobody_can_tell_is_an_error() {
        let large = set(json!([{ "kid": "x".repeat(300_000) }]));
        for (answer, why) in
            [((503, Vec::new()), "503"), ((200, b"<html>".to_vec()), "key set"), ((302, Vec::new()), "302"), ((200, large), "larger")]
        {
            let harness = serving(move |_| answer.clone());
            let request = AuthRequest { credentials: Credentials::bearer(token()), ..Default::default() };
            let error = harness.authenticate(request).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let denied = serving(|_| (200, set(json!([rsa_jwk()])))).denying_everything();
        let request = AuthRequest { credentials: Credentials::bearer(token()), ..Default::default() };
        assert!(denied.authenticate(request).unwrap_err().to_string().contains("login.example"));
    }
}
