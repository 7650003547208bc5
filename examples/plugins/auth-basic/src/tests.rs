//! Hashes of other programs: OpenSSL, libxcrypt, the reference implementation of argon2.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::PluginTestHarness;

use crate::hash::Hash;
use crate::mockforge_plugin;

const ARGON2: &str = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
const BCRYPT: &str = "$2b$10$abcdefghijklmnopqrstuu4SuEsu2LsUrAYUpWQHLMMc4GV5pZTxK";
const SHA256: &str = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
const SHA512: &str = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
const POUND: &str = "$6$rounds=1000$pound$nX4QJVvSy55Il0zsS9LjgfWb968BDXe6jlfLgB7WB6/o2ckk5Cjxd6c0HY2F3MFAtYduQID6YliD7B/KBHAm2.";
/// Of 72 times `x` and a `y` that bcrypt doesn't see.
const LONG: &str = "$2b$04$abcdefghijklmnopqrstuubzadhGtS2zEF.gu0yd0opP6cVzb.e0i";

fn with(config: Value) -> PluginTestHarness {
    PluginTestHarness::new(mockforge_plugin()).config(config).expect("a good configuration")
}

fn asked(harness: &PluginTestHarness, token: &str) -> Verdict {
    let request = AuthRequest { credentials: Credentials::of("basic", token), ..Default::default() };
    harness.authenticate(request).expect("there's a verdict")
}

fn enters(harness: &PluginTestHarness, name: &str, password: &str) -> bool {
    asked(harness, &STANDARD.encode(format!("{name}:{password}"))).authenticated
}

#[test]
fn hashes_of_other_programs_are_understood() {
    let fits = |hash: &str, password: &str| Hash::read(hash).expect("a hash").fits(password.as_bytes());
    for (hash, password) in
        [(ARGON2, "password"), (BCRYPT, "open sesame"), (SHA256, "Hello world!"), (SHA512, "Hello world!"), (POUND, "123£")]
    {
        assert!(fits(hash, password), "{hash}");
        for other in ["", "x", &password[1..], &format!("{password} "), &format!("{password}A")] {
            assert!(!fits(hash, other), "{hash} {other}");
        }
    }
    // `U*U` of Openwall's crypt_blowfish.
    assert!(fits("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"));
}

#[test]
fn bcrypt_sees_all_of_a_password_or_refuses_it() {
    let hash = Hash::read(LONG).expect("a hash");
    assert!(hash.fits("x".repeat(72).as_bytes()));
    assert!(!hash.fits(format!("{}y", "x".repeat(72)).as_bytes()));
    assert!(!Hash::read(BCRYPT).expect("a hash").fits(b"open sesame\0rest"));
}

#[test]
fn the_examples_of_rfc_7617_are_understood() {
    let harness = with(json!({
        "users": { "Aladdin": BCRYPT, "test": POUND },
        "claims": { "Aladdin": { "roles": ["thief"] } },
    }));
    let verdict = asked(&harness, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!((verdict.user_id.as_str(), &verdict.claims["roles"]), ("Aladdin", &json!(["thief"])));
    let context = RequestContext::new("GET", "/").header("authorization", "bAsIc dGVzdDoxMjPCow==");
    let credentials = Credentials { kind: "Basic".to_owned(), ..Default::default() };
    assert_eq!(harness.authenticate(AuthRequest { context, credentials }).unwrap().user_id, "test");
    let data = json!({ "username": "test", "password": "123£" }).as_object().expect("an object").clone();
    let credentials = Credentials { kind: "basic".to_owned(), token: None, data };
    assert!(harness.authenticate(AuthRequest { credentials, ..Default::default() }).unwrap().authenticated);
}

#[test]
fn htpasswd_is_read_line_by_line() {
    let harness = with(json!({ "htpasswd": format!("# users\n\nada:{ARGON2}\r\n  grace:{SHA256}  \n") }));
    assert!(enters(&harness, "ada", "password") && enters(&harness, "grace", "Hello world!"));
    assert!(!enters(&harness, "ada", "Hello world!") && !enters(&harness, "", "") && !enters(&harness, "# users", ""));
}

#[test]
fn what_is_no_credential_is_refused() {
    let harness = with(json!({ "users": { "ada": ARGON2 } }));
    let long = STANDARD.encode(format!("ada:{}", "x".repeat(257)));
    for token in ["", "Basic", "Basic ", "%", "YWRh", "YWRhOnBhc3N3b3JkCg==", "/////w==", &long, &"A".repeat(8000)] {
        assert_eq!(asked(&harness, token), Verdict::reject(), "{token}");
    }
    assert!(
        !harness
            .authenticate(AuthRequest { credentials: Credentials::bearer("YWRhOnBhc3N3b3Jk"), ..Default::default() })
            .unwrap()
            .authenticated
    );
    assert!(asked(&harness, "YWRhOnBhc3N3b3Jk").authenticated);
    assert!(!enters(&with(json!({})), "ada", "password"));
    assert!(harness.host().logged().iter().all(|(_, text)| !text.contains("password ") || !text.contains("ada:")));
}

#[test]
fn a_hash_that_is_no_use_is_an_error_that_says_what_is() {
    for (hash, why) in [
        ("secret", "htpasswd -B"),
        ("$apr1$saltsalt$0000000000000000000000", "MD5"),
        ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "htpasswd -B"),
        ("$2b$14$abcdefghijklmnopqrstuu4SuEsu2LsUrAYUpWQHLMMc4GV5pZTxK", "takes too long"),
        ("$2b$10$abcdefghijklmnopqrstuu4SuEsu2LsUrAYUpWQHLMMc4GV5pZT", "isn't a hash"),
        ("$2b$10$äbcdefghijklmnopqrstu4SuEsu2LsUrAYUpWQHLMMc4GV5pZTxK", "isn't a hash"),
        ("$2b$1", "isn't a hash"),
        ("$6$rounds=999999999$s$x", "rounds"),
        ("$6$rounds=$s$x", "rounds"),
        ("$6$salt$short", "isn't a hash"),
        ("$5$", "isn't a hash"),
        ("$argon2id$v=19$m=1048576,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "too long"),
        ("$argon2id$v=19$m=256,t=4000000,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "too long"),
        ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", "no hash"),
        ("$argon2id$", "argon2"),
    ] {
        let error = with(json!({ "users": { "ada": hash } })).authenticate(AuthRequest::default()).unwrap_err().to_string();
        assert!(error.starts_with("the password of `ada`: ") && error.contains(why), "{error}");
    }
    let twice = with(json!({ "users": { "ada": ARGON2 }, "htpasswd": format!("ada:{ARGON2}") }));
    assert_eq!(twice.authenticate(AuthRequest::default()).unwrap_err().to_string(), "the user `ada` is there twice");
}

#[test]
fn an_unknown_user_costs_a_hash_too() {
    let harness = with(json!({ "users": { "ada": BCRYPT } }));
    let start = Instant::now();
    assert!(!enters(&harness, "eve", "guess"));
    // 2^10 rounds of bcrypt take longer than that anywhere; an answer without them takes microseconds.
    assert!(start.elapsed() > Duration::from_millis(10), "{:?}", start.elapsed());
}
