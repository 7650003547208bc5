//! Every way in which a signature isn't the one that's needed, with files that the stock program made.

use std::path::Path;

use proptest::prelude::*;

use super::rotation::{KeyChange, KeyHistory, KeyHistoryError, KeyStatement, MAX_CHANGES};
use super::{SignatureError, SignatureFile, Statement, Unproven, prove, prove_any};
use crate::signer::Signer;

const CONTENT: &str = "blake3:415dc2212d1085dd34bb9d8498913dfb2b3e5f52d64458a219f9e447eac2b78c";

fn fixture(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/keys").join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn key(name: &str) -> Signer {
    format!("minisign:{}", fixture(&format!("{name}.pub")).lines().nth(1).unwrap()).parse().unwrap()
}

fn statement() -> Statement {
    Statement { name: "auth-jwt".parse().unwrap(), version: "1.4.2".parse().unwrap(), content: CONTENT.parse().unwrap() }
}

fn signature(name: &str) -> SignatureFile {
    SignatureFile::parse(&fixture(&format!("signatures/{name}.minisig"))).unwrap()
}

fn proven(signer: &str, file: &str) -> Result<(), Unproven> {
    prove(&key(signer), &statement().to_string(), &signature(file))
}

#[test]
fn the_statement_is_four_lines() {
    assert_eq!(statement().to_string(), format!("mockforge-plugin-statement/v1\nname: auth-jwt\nversion: 1.4.2\ncontent: {CONTENT}\n"));
}

#[test]
fn the_documented_vector_is_proven() {
    let signer: Signer = "minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa".parse().unwrap();
    let text = "untrusted comment: signature from minisign secret key\n\
        RUTMGUsL135xoRT41sifrffCFWKyF7Lg+BPSmym5zOZbfwqZ15aeFX1uMuyNu1T43JC8vsFJkkorqYCpPKehBG+PHNEE6oUiGQE=\n\
        trusted comment: timestamp:1795301626\tfile:statement\thashed\n\
        HrjqUL7FiKeVtuPFdlBlQhcvZyKxgvNwFP+N75M9WH13X1Dc4226xrPUMz+XmLwihGfu+Giutg26MIDfXmgzDQ==\n";
    let file = SignatureFile::parse(text).unwrap();
    assert_eq!(prove(&signer, &statement().to_string(), &file), Ok(()));
    assert_eq!(file.text(), text);
}

#[test]
fn a_good_signature_is_proven_whatever_id_the_key_is_spelt_with() {
    assert_eq!(proven("publisher", "good"), Ok(()));
    let respelt: Signer = format!("minisign:{}", key("publisher").public_key_with_id(key("other").key_id())).parse().unwrap();
    assert_eq!(respelt, key("publisher"));
    assert_eq!(prove(&respelt, &statement().to_string(), &signature("good")), Ok(()));
}

#[test]
fn another_keys_signature_proves_nothing() {
    assert_eq!(proven("publisher", "other-key"), Err(Unproven::OtherKey { id: key("other").key_id() }));
    assert_eq!(proven("other", "other-key"), Ok(()));
}

#[test]
fn another_key_with_the_same_id_proves_nothing() {
    assert_eq!(key("same-id").key_id(), key("publisher").key_id());
    assert_eq!(proven("publisher", "same-id"), Err(Unproven::Bad));
    assert_eq!(proven("same-id", "same-id"), Ok(()));
}

#[test]
fn a_signature_for_another_version_name_or_content_is_a_replay() {
    for file in ["other-version", "other-name", "other-content"] {
        let Err(Unproven::Replayed { comment }) = proven("publisher", file) else { panic!("{file}") };
        assert!(comment.contains("file:statement"), "{comment}");
    }
}

#[test]
fn a_legacy_signature_is_refused() {
    assert_eq!(SignatureFile::parse(&fixture("signatures/legacy.minisig")), Err(SignatureError::Legacy));
}

#[test]
fn a_signature_that_was_changed_is_bad() {
    let good = fixture("signatures/good.minisig");
    let global = good.lines().nth(3).unwrap();
    let statement = statement().to_string();
    let changed = |text: &str| prove(&key("publisher"), &statement, &SignatureFile::parse(text).unwrap());
    // Its comment, which the global signature covers.
    assert_eq!(changed(&good.replace("file:statement", "file:sentence_")), Err(Unproven::Bad));
    // The comment's signature alone.
    let other = fixture("signatures/other-key.minisig");
    assert_eq!(changed(&good.replace(global, other.lines().nth(3).unwrap())), Err(Unproven::Bad));
    // The comment that nobody signs.
    assert_eq!(changed(&good.replace("signature from minisign secret key", "anything")), Ok(()));
}

#[test]
fn a_file_is_four_lines_and_nothing_else() {
    let good = fixture("signatures/good.minisig");
    let malformed = [
        format!("{good}{}", fixture("signatures/other-key.minisig")),
        format!("{good}\n"),
        format!("{good}x"),
        good.trim_end().to_owned(),
        good.replace('\n', "\r\n"),
        good.replacen('\n', "\n\n", 1),
        good.replacen("untrusted", "unTrusted", 1),
        good.replacen("\ntrusted comment: ", "\nTrusted comment: ", 1),
        good.replacen("\nRUR", "\n RUR", 1),
        good.replacen("\nRUR", "\nRVR", 1),
        good.lines().take(3).map(|line| format!("{line}\n")).collect(),
        String::new(),
        "x".repeat(17 << 10),
    ];
    for text in malformed {
        assert!(matches!(SignatureFile::parse(&text), Err(SignatureError::Malformed(_))), "{text}");
    }
    // Base64 has several texts for the same bytes where a reader doesn't look.
    let line = good.lines().nth(1).unwrap();
    let stretched = line.replace("o=", "p=");
    assert_ne!(stretched, line);
    assert!(SignatureFile::parse(&good.replace(line, &stretched)).is_err());
}

#[test]
fn of_several_files_one_is_enough_and_the_most_telling_is_told() {
    let (good, other, replay) =
        (fixture("signatures/good.minisig"), fixture("signatures/other-key.minisig"), fixture("signatures/other-version.minisig"));
    let statement = statement().to_string();
    let any = |files: &[&str]| prove_any(&key("publisher"), &statement, files.iter().copied()).map(str::len);
    assert_eq!(any(&[&other, "x", &good]), Ok(good.len()));
    assert!(matches!(any(&[&replay, &other, "x"]), Err(Unproven::Replayed { .. })));
    assert_eq!(any(&[]), Err(Unproven::Missing));
}

#[test]
fn what_a_signature_says_of_itself_moves_no_cursor() {
    let shown = Unproven::Replayed { comment: "a\u{1b}[31m\u{202e}".to_owned() }.to_string();
    assert!(shown.ends_with("a\\u{1b}[31m\\u{202e}"), "{shown}");
}

fn handed_over() -> KeyChange {
    KeyChange { old: key("publisher"), new: key("next"), signature: signature("next-key") }
}

#[test]
fn one_key_follows_another_if_the_old_one_signed_that() {
    let name = "auth-jwt".parse().unwrap();
    assert_eq!(
        KeyStatement { name: &name, new: &key("next") }.to_string(),
        format!("mockforge-plugin-key/v1\nname: auth-jwt\nnew: {}\n", key("next"))
    );
    let line = handed_over().to_line();
    assert!(line.starts_with(r#"{"new":"minisign:"#) && line.ends_with("\"}\n"), "{line}");
    let history = KeyHistory::parse(&line).unwrap();
    assert_eq!(history.changes(), [handed_over()]);
    assert_eq!(history.followers(&name, &key("publisher")), [(key("next"), vec![key("next")])].into());
    // Not back, not of another plugin, and not to a key that the old one didn't name.
    assert!(history.followers(&name, &key("next")).is_empty());
    assert!(history.followers(&"auth-jws".parse().unwrap(), &key("publisher")).is_empty());
    let forged = KeyChange { new: key("other"), ..handed_over() }.to_line();
    assert!(KeyHistory::parse(&forged).unwrap().followers(&name, &key("publisher")).is_empty());
    let forged = KeyChange { old: key("other"), ..handed_over() }.to_line();
    assert!(KeyHistory::parse(&forged).unwrap().followers(&name, &key("other")).is_empty());
}

#[test]
fn a_history_is_bounded_and_all_of_it_must_be_readable() {
    let line = handed_over().to_line();
    assert_eq!(KeyHistory::parse(""), Ok(KeyHistory::default()));
    assert_eq!(KeyHistory::parse(&line.repeat(MAX_CHANGES + 1)), Err(KeyHistoryError::TooLarge));
    assert_eq!(KeyHistory::parse(&" ".repeat(300 << 10)), Err(KeyHistoryError::TooLarge));
    // What repeats itself, or goes round in circles, is looked at once.
    let many = KeyHistory::parse(&line.repeat(MAX_CHANGES)).unwrap();
    assert_eq!(many.followers(&"auth-jwt".parse().unwrap(), &key("publisher")).len(), 1);
    for wrong in ["{}\n", "x\n", "[]\n", &line.replace("RURT", "RWRT"), &format!("{line}\n")] {
        assert!(matches!(KeyHistory::parse(wrong), Err(KeyHistoryError::Line { .. })), "{wrong}");
    }
    assert_eq!(KeyHistory::parse(&line.replacen('{', r#"{"later":1,"#, 1)).unwrap().changes(), [handed_over()]);
}

proptest! {
    /// No change of a byte leaves a signature file that proves the same, but in the comment that nobody signs.
    #[test]
    fn every_byte_counts(at in 0_usize..400, byte in 0_u8..128) {
        let good = fixture("signatures/good.minisig");
        let mut bytes = good.clone().into_bytes();
        let at = at % bytes.len();
        let unsigned = "untrusted comment: ".len()..good.find('\n').unwrap();
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        let text = String::from_utf8(bytes).unwrap();
        let proven = prove_any(&key("publisher"), &statement().to_string(), [text.as_str()]).is_ok();
        // The signature's own id decides nothing.
        let of_id = SignatureFile::parse(&text).is_ok_and(|file| file.key_id() != key("publisher").key_id());
        prop_assert!(!proven || of_id || (unsigned.contains(&at) && byte != b'\n'), "{text}");
    }
}
