//! The vectors of FIPS 180, RFC 4231, RFC 4648, of GCM's authors and of argon2's reference implementation; and what doesn't fit.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::{MockHost, PluginTestHarness};

use crate::bytes::uniform;
use crate::mockforge_plugin;

fn with(keys: Value) -> PluginTestHarness {
    PluginTestHarness::new(mockforge_plugin()).config(json!({ "keys": keys })).expect("a good configuration")
}

#[track_caller]
fn gives(harness: &PluginTestHarness, function: &str, args: Value, answer: impl Into<Value>) {
    let Value::Array(args) = args else { panic!("arguments are a list") };
    assert_eq!(harness.execute(function, args).expect("it works"), answer.into());
}

#[track_caller]
fn fails(harness: &PluginTestHarness, function: &str, args: Value, why: &str) {
    let Value::Array(args) = args else { panic!("arguments are a list") };
    let error = harness.execute(function, args).unwrap_err().to_string();
    assert!(error.contains(why) && error.contains(function), "{error}");
}

#[test]
fn hashes_are_those_of_the_standard() {
    let harness = with(json!({}));
    gives(&harness, "hash", json!(["sha256", "abc"]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    gives(&harness, "hash", json!(["sha256", "", "base64"]), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    gives(
        &harness,
        "hash",
        json!(["sha384", "abc"]),
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    );
    gives(
        &harness,
        "hash",
        json!(["sha512", "abc"]),
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    );
    fails(&harness, "hash", json!(["md5", "abc"]), "md5");
    fails(&harness, "hash", json!(["sha256"]), "argument 2");
    fails(&harness, "hash", json!(["sha256", "x".repeat(1 << 20)]), "at most");
}

#[test]
fn hmac_is_that_of_rfc_4231() {
    let harness = with(json!({ "one": format!("hex:{}", "0b".repeat(20)), "two": "Jefe", "two64": "base64:SmVmZQ==" }));
    let nothing = "what do ya want for nothing?";
    gives(&harness, "hmac", json!(["sha256", "one", "Hi There"]), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    for two in ["two", "two64"] {
        gives(&harness, "hmac", json!(["sha256", two, nothing]), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
    gives(
        &harness,
        "hmac",
        json!(["sha384", "two", nothing]),
        "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
    );
    gives(
        &harness,
        "hmac",
        json!(["sha512", "two", nothing]),
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    );
    fails(&harness, "hmac", json!(["sha256", "Jefe", nothing]), "no key `Jefe`");
}

#[test]
fn what_others_sealed_is_opened() {
    let harness = with(json!({ "k128": format!("hex:{}", "00".repeat(16)), "k256": format!("hex:{}", "00".repeat(32)) }));
    let zeros = "\0".repeat(16);
    let sealed = |rest: &str| {
        let hex = format!("{}{rest}", "00".repeat(12));
        STANDARD.encode((0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect::<Vec<_>>())
    };
    gives(&harness, "decrypt", json!(["k128", sealed("58e2fccefa7e3061367f1d57a4e7455a")]), "");
    gives(&harness, "decrypt", json!(["k128", sealed("0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf")]), zeros.as_str());
    gives(&harness, "decrypt", json!(["k256", sealed("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")]), zeros.as_str());
    fails(&harness, "decrypt", json!(["k256", sealed("cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab918")]), "changed");
}

#[test]
fn what_is_sealed_opens_with_the_same_key_and_context_only() {
    let harness = with(json!({ "a": format!("hex:{}", "01".repeat(32)), "b": format!("hex:{}", "02".repeat(32)), "odd": "x" }));
    let Value::String(sealed) = harness.execute("encrypt", [json!("a"), json!("Grüße"), json!("order 7")]).unwrap() else {
        panic!("text")
    };
    gives(&harness, "decrypt", json!(["a", sealed, "order 7"]), "Grüße");
    for (key, context) in [("b", "order 7"), ("a", "order 8"), ("a", "")] {
        fails(&harness, "decrypt", json!([key, sealed, context]), "changed");
    }
    for at in 0..STANDARD.decode(&sealed).unwrap().len() {
        let mut bytes = STANDARD.decode(&sealed).unwrap();
        bytes[at] ^= 1;
        assert!(harness.execute("decrypt", [json!("a"), json!(STANDARD.encode(bytes)), json!("order 7")]).is_err());
    }
    let other = PluginTestHarness::new(mockforge_plugin())
        .with_host(MockHost::default().seed(9))
        .config(json!({ "keys": { "a": format!("hex:{}", "01".repeat(32)) } }))
        .unwrap();
    assert_ne!(other.execute("encrypt", [json!("a"), json!("Grüße"), json!("order 7")]).unwrap(), json!(sealed), "another nonce");
    fails(&harness, "decrypt", json!(["a", "AAAA"]), "too short");
    fails(&harness, "decrypt", json!(["a", "%"]), "base64");
    fails(&harness, "encrypt", json!(["odd", "text"]), "16 or 32");
}

#[test]
fn argon2_is_that_of_its_authors_and_has_bounds() {
    let harness = with(json!({}));
    let known = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
    gives(&harness, "argon2_verify", json!(["password", known]), true);
    gives(&harness, "argon2_verify", json!(["Password", known]), false);
    let hash = harness.execute("argon2", [json!("pässword"), json!(64), json!(3)]).unwrap();
    assert!(hash.as_str().unwrap().starts_with("$argon2id$v=19$m=64,t=3,p=1$"), "{hash}");
    gives(&harness, "argon2_verify", json!(["pässword", hash]), true);
    for (memory, iterations) in [(1 << 20, 1), (32_768, 2), (64, 4_000_000), (64, 0), (0, 1)] {
        fails(&harness, "argon2", json!(["x", memory, iterations]), "take 8 to");
    }
    fails(&harness, "argon2", json!(["x", -1]), "argument 2");
    fails(&harness, "argon2_verify", json!(["x", known.replace("m=256", "m=2000000")]), "take 8 to");
    fails(&harness, "argon2_verify", json!(["x", "$2b$10$abc"]), "argon2");
}

#[test]
fn encodings_are_those_of_rfc_4648() {
    let harness = with(json!({}));
    for (text, base64, hex) in
        [("", "", ""), ("f", "Zg==", "66"), ("fooba", "Zm9vYmE=", "666f6f6261"), ("foobar", "Zm9vYmFy", "666f6f626172")]
    {
        gives(&harness, "encode", json!(["base64", text]), base64);
        gives(&harness, "decode", json!(["base64", base64]), text);
        gives(&harness, "encode", json!(["hex", text]), hex);
        gives(&harness, "decode", json!(["hex", hex.to_uppercase()]), text);
        gives(&harness, "decode", json!(["base64url", base64.trim_end_matches('=')]), text);
    }
    for (encoding, text) in
        [("hex", "6"), ("hex", "zz"), ("hex", "+6"), ("hex", "é"), ("base64", "Zg"), ("base64url", "Zg=="), ("hex", "ff")]
    {
        fails(&harness, "decode", json!([encoding, text]), "n't ");
    }
    fails(&harness, "encode", json!(["rot13", "text"]), "rot13");
}

#[test]
fn random_values_are_the_hosts() {
    let harness = with(json!({}));
    gives(&harness, "random_bytes", json!([4]), "0708090a");
    gives(&harness, "random_bytes", json!([3, "base64"]), "BwgJ");
    fails(&harness, "random_bytes", json!([0]), "1 to 4096");
    fails(&harness, "random_bytes", json!([4097]), "1 to 4096");
    let number = harness.execute("random_int", [json!(-3), json!(3)]).unwrap();
    assert!((-3..=3).contains(&number.as_i64().unwrap()));
    fails(&harness, "random_int", json!([3, -3]), "greater");
}

#[test]
fn each_number_is_as_likely() {
    let drawn = |from, to, draws: &[u64]| {
        let mut draws = draws.iter();
        uniform(from, to, || *draws.next().expect("enough")).unwrap()
    };
    assert_eq!((drawn(1, 6, &[0]), drawn(1, 6, &[5]), drawn(1, 6, &[6])), (1, 6, 1));
    // 2^64 is 4 more than a multiple of 6: the last four are drawn again.
    assert_eq!(drawn(1, 6, &[u64::MAX - 4]), 6);
    assert_eq!(drawn(1, 6, &[u64::MAX, u64::MAX - 3, 2]), 3);
    assert_eq!((drawn(7, 7, &[u64::MAX]), drawn(i64::MIN, i64::MAX, &[0]), drawn(i64::MIN, i64::MAX - 1, &[0])), (7, 0, i64::MIN));
}

#[test]
fn a_key_that_is_none_is_named() {
    for (key, why) in [("hex:0", "isn't hex"), ("base64:%", "isn't base64"), ("hex:", "isn't empty"), ("", "isn't empty")] {
        let error = with(json!({ "mine": key })).execute("hash", [json!("sha256"), json!("")]).unwrap_err().to_string();
        assert!(error.contains("keys.mine: ") && error.contains(why), "{error}");
    }
}

#[test]
fn every_function_is_listed_and_no_other_is_there() {
    let harness = with(json!({}));
    let names: Vec<String> = harness.functions().unwrap().into_iter().map(|function| function.name).collect();
    assert_eq!(names.len(), 10);
    for name in names {
        assert!(!harness.execute(&name, []).unwrap_err().to_string().contains("no function"), "{name}");
    }
    assert!(harness.execute("md5", []).unwrap_err().to_string().contains("no function `md5`"));
}
