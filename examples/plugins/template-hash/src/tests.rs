//! Vectors of the algorithms' own authors, and the same ways of saying them.

use json1::{Value, json};

fn asked(function: &str, args: Value) -> Result<Value, String> {
    crate::execute(&json!({ "function_name": function, "args": args }))
}

fn says(function: &str, args: Value) -> String {
    asked(function, args).expect("an answer").as_str().expect("a text").to_owned()
}

#[test]
fn digests_are_those_of_their_standards() {
    for (function, digest) in [
        ("md5", "900150983cd24fb0d6963f7d28e17f72"),
        ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "sha512",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        assert_eq!(says(function, json!(["abc"])), digest);
    }
    assert_eq!(says("crc32", json!(["123456789"])), "cbf43926");
    // RFC 4231, 4.3.
    let mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(says("hmac_sha256", json!(["what do ya want for nothing?", "Jefe"])), mac);
}

#[test]
fn a_digest_is_written_as_one_likes() {
    assert_eq!(says("md5", json!(["", "base64"])), "1B2M2Y8AsgTpgAmY7PhCfg==");
    assert_eq!(says("sha1", json!(["abc", "base64url"])), "qZk-NkcGgWq6PiVxeFDCbJzQ2J0");
    assert_eq!(says("md5", json!(["", null])), "d41d8cd98f00b204e9800998ecf8427e");
    let error = asked("md5", json!(["", "base32"])).expect_err("there's no such encoding");
    assert_eq!(error, "md5: argument 2 (`encoding`) is `base32`; it can be hex, base64 or base64url");
}

#[test]
fn an_entity_tag_is_short_and_in_quotes() {
    let tag = says("etag", json!(["abc"]));
    assert_eq!((tag.len(), &tag[..6]), (24, "\"ungWv"));
    assert_ne!(tag, says("etag", json!(["abd"])));
}

#[test]
fn what_is_encoded_is_decoded() {
    for (to, from) in [("hex", "hex_decode"), ("base64", "base64_decode"), ("base64url", "base64url_decode")] {
        for text in ["", "a", "Grüße, 𝔏 ~~?>"] {
            assert_eq!(says(from, json!([says(to, json!([text]))])), text, "{to}");
        }
    }
    for (function, text, why) in [
        ("hex_decode", "abc", "odd number"),
        ("hex_decode", "zz", "isn't hex"),
        ("hex_decode", "ff", "UTF-8"),
        ("base64_decode", "YQ", "isn't base64"),
        ("base64url_decode", "YQ==", "isn't base64url"),
        ("base64_decode", "/w==", "UTF-8"),
    ] {
        let error = asked(function, json!([text])).expect_err("it isn't one");
        assert!(error.contains(why), "{function} {text}: {error}");
    }
}

#[test]
fn what_is_listed_is_what_is_there() {
    let listed = crate::functions(&json!({})).expect("a list");
    let names: Vec<&str> = listed.as_array().expect("a list").iter().filter_map(|function| function["name"].as_str()).collect();
    assert_eq!(names.len(), 13);
    for name in names {
        let needs = asked(name, json!([])).expect_err("a text is missing");
        assert_eq!(needs, format!("{name}: argument 1 (`text`) is missing"));
        let most = asked(name, json!(["a", "b", "c", "d"])).expect_err("those are too many");
        assert!(most.contains("takes at most"), "{most}");
    }
    assert!(asked("sha3", json!(["a"])).is_err_and(|error| error.starts_with("there's no function `sha3`; there are sha256")));
    assert!(asked("md5", json!([7])).is_err_and(|error| error.ends_with("must be a string, not a number")));
}
