//! Does a package hold a secret? Looked for before anybody else can read it: private keys and tokens by what they look like,
//! files that hold nothing else by their names.
//!
//! What's published stays published, so the answer errs on the side of refusing; `--allow-secrets` is for keys that belong to a
//! test. What can't be a real one isn't told: examples that say so, placeholders of one character, tokens that are over. The secret
//! itself is never shown, only where it is and what it looks like.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use mfp_model::content::PackagePath;
use regex::bytes::Regex;
use serde_json::Value;

/// Something that looks like a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// The file.
    pub(crate) path: PackagePath,
    /// The line, from 1; `None` if it's the file itself.
    pub(crate) line: Option<usize>,
    /// What it looks like, with its article.
    pub(crate) what: &'static str,
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.path, self.what),
            None => write!(out, "{}: {}", self.path, self.what),
        }
    }
}

/// What's looked for in the bytes. The whole match is the secret; it's held to [`is_placeholder`].
const PATTERNS: [(&str, &str); 16] = [
    // A header alone is what a program compares with; with a line of base64 after it, it's a key. JSON writes the line feed as `\n`.
    (
        "a private key",
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\\r|\\n|\s)*(?:[A-Za-z-]+: [^\r\n]*(?:\\r|\\n|\s)+)*[A-Za-z0-9+/]{32}",
    ),
    ("a minisign secret key", r"(?m)^RW(?:RTY0Iy|QAAEIy)[A-Za-z0-9+/]{200,}={0,2}\r?$"),
    ("a PuTTY private key", r"PuTTY-User-Key-File-[23]: [a-z0-9-]+\r?\n"),
    ("an age secret key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    ("an AWS secret key", r#"(?i)\baws_?secret_?access_?key\b["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}\b"#),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})\b"),
    ("a GitLab token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|oas)-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abeoprs]-[0-9A-Za-z-]{20,}"),
    ("a Slack webhook", r"https://hooks\.slack\.com/(?:services|workflows)/T[A-Z0-9]{6,}/[A-Z0-9]{6,}/[A-Za-z0-9]{20,}"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{60,}"),
    ("a crates.io token", r"\bcio[A-Za-z0-9]{32}\b"),
    ("a Google API key", r"\bAIza[0-9A-Za-z_-]{35}"),
    ("a Stripe key", r"\b[rs]k_live_[0-9A-Za-z]{24,}\b"),
    ("an OpenAI or Anthropic key", r"\bsk-(?:ant-|proj-|svcacct-)[A-Za-z0-9_-]{32,}"),
];

static COMPILED: LazyLock<Vec<(&str, Regex)>> =
    LazyLock::new(|| PATTERNS.iter().map(|(what, pattern)| (*what, Regex::new(pattern).expect("the patterns are tested"))).collect());
static TOKEN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}").expect("the pattern is tested"));

/// Files that hold nothing but secrets, by their names.
const NAMES: [&str; 10] =
    [".env", ".netrc", "_netrc", ".npmrc", ".pypirc", ".git-credentials", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
const ENDINGS: [&str; 6] = [".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"];
/// What an `.env.…` may be called that shows which variables there are.
const SAMPLES: [&str; 4] = ["example", "sample", "template", "dist"];

/// Everything in these files that looks like a secret, in their order.
pub(crate) fn find<'f>(files: impl IntoIterator<Item = (&'f PackagePath, &'f [u8])>, now: Timestamp) -> Vec<Secret> {
    files.into_iter().flat_map(|(path, bytes)| in_file(path, bytes, now)).collect()
}

fn in_file(path: &PackagePath, bytes: &[u8], now: Timestamp) -> Vec<Secret> {
    if let Some(what) = by_name(path.file_name()) {
        return vec![Secret { path: path.clone(), line: None, what }];
    }
    let mut found = BTreeSet::new();
    for (what, pattern) in COMPILED.iter() {
        found.extend(pattern.find_iter(bytes).filter(|it| !is_placeholder(it.as_bytes())).map(|it| (it.start(), *what)));
    }
    found.extend(TOKEN.find_iter(bytes).filter(|it| is_valid_token(it.as_bytes(), now)).map(|it| (it.start(), "a signed token (JWT)")));
    let line = |at: usize| bytes[..at].split(|byte| *byte == b'\n').count();
    found.into_iter().map(|(at, what)| Secret { path: path.clone(), line: Some(line(at)), what }).collect()
}

fn by_name(name: &str) -> Option<&'static str> {
    let is_sample = SAMPLES.iter().any(|sample| name.strip_prefix(".env.").is_some_and(|rest| rest.split('.').any(|part| part == *sample)));
    if NAMES.contains(&name) || (name.starts_with(".env.") && !is_sample) {
        return Some("a file for secrets");
    }
    ENDINGS.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending)).then_some("a store of keys")
}

/// Does it say of itself that it's none, or is it made of a handful of characters?
fn is_placeholder(secret: &[u8]) -> bool {
    let tail = &secret[secret.len() - secret.len().min(24)..];
    let distinct: BTreeSet<u8> = tail.iter().copied().collect();
    let says = |word: &[u8]| secret.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    distinct.len() < 6 || says(b"EXAMPLE") || says(b"placeholder")
}

/// A token that somebody would take: signed, and not over. The one that every introduction shows doesn't count.
fn is_valid_token(token: &[u8], now: Timestamp) -> bool {
    let mut parts = token.split(|byte| *byte == b'.');
    let mut json = || serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok();
    let (Some(header), Some(claims)) = (json(), json()) else { return false };
    let is_signed = header["alg"].as_str().is_some_and(|algorithm| !algorithm.eq_ignore_ascii_case("none"));
    let is_over = claims["exp"].as_i64().is_some_and(|end| end <= now.as_second());
    is_signed && !is_over && claims["sub"] != "1234567890"
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn told(name: &str, text: &str) -> Vec<String> {
        find([(&name.parse().unwrap(), text.as_bytes())], Timestamp::from_second(NOW).unwrap()).iter().map(ToString::to_string).collect()
    }

    /// Letters that a scanner of this repository doesn't take for a secret.
    fn random(length: usize) -> String {
        "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zC".chars().cycle().take(length).collect()
    }

    fn token(claims: &str, algorithm: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(&format!(r#"{{"alg":"{algorithm}"}}"#)), part(claims), random(43))
    }

    #[test]
    fn keys_and_tokens_are_told_by_file_and_line_and_never_shown() {
        let upper: String = random(64).to_uppercase().replace(['0', '1', '8', '9'], "Q");
        let pem = |kind: &str| format!("-----BEGIN {kind}PRIVATE KEY-----\n{}\n", random(64));
        for (what, secret) in [
            ("a private key", pem("")),
            ("a private key", pem("RSA ")),
            ("a private key", pem("OPENSSH ")),
            ("a private key", format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,Y\n\n{}", random(64))),
            ("a private key", format!(r#"{{"key":"-----BEGIN PRIVATE KEY-----\n{}"}}"#, random(64))),
            ("a minisign secret key", format!("\nRWRTY0Iy{}=", random(203))),
            ("a minisign secret key", format!("\nRWQAAEIy{}=\r", random(203))),
            ("a PuTTY private key", "PuTTY-User-Key-File-3: ssh-ed25519\n".to_owned()),
            ("an age secret key", format!("AGE-SECRET-KEY-1{}", &upper[..58])),
            ("an AWS access key", format!("AKIA{}", &upper[..16])),
            ("an AWS secret key", format!("aws_secret_access_key = \"{}\"", random(40))),
            ("a GitHub token", format!("ghp_{}", random(36))),
            ("a GitHub token", format!("github_pat_{}_{}", random(22), random(59))),
            ("a GitLab token", format!("glpat-{}", random(20))),
            ("a Slack token", format!("xoxb-{}", random(24))),
            ("a Slack webhook", format!("https://hooks.slack.com/services/T{}/B{}/{}", &upper[..8], &upper[..8], random(24))),
            ("an npm token", format!("npm_{}", random(36))),
            ("a PyPI token", format!("pypi-AgE{}", random(64))),
            ("a crates.io token", format!("cio{}", random(32))),
            ("a Google API key", format!("AIza{}", random(35))),
            ("a Stripe key", format!("sk_live_{}", random(24))),
            ("an OpenAI or Anthropic key", format!("sk-ant-{}", random(40))),
            ("a signed token (JWT)", token(r#"{"sub":"ci"}"#, "HS256")),
            ("a signed token (JWT)", token(&format!(r#"{{"exp":{}}}"#, NOW + 1), "RS256")),
        ] {
            let line = if secret.starts_with('\n') { 3 } else { 2 };
            let found =
                told("docs/a.md", &format!("one\nx: {secret} y").replace("x: \n", "\n").replace("= y", "=").replace("=\r y", "=\r\n"));
            assert_eq!(found, [format!("docs/a.md:{line}: {what}")], "{secret}");
        }
    }

    #[test]
    fn files_that_hold_secrets_are_told_by_name() {
        for name in [".env", ".env.production", "config/.npmrc", "id_ed25519", "store.P12", "x/release.keystore"] {
            assert_eq!(told(name, "").len(), 1, "{name}");
        }
        for name in [".env.example", ".env.local.sample", "environment.md", "id_ed25519.pub", "a.pem", "env"] {
            assert_eq!(told(name, ""), [""; 0], "{name}");
        }
    }

    #[test]
    fn what_cant_be_a_real_one_isnt_told() {
        for text in [
            "-----BEGIN PRIVATE KEY-----".to_owned(),
            format!("-----BEGIN PUBLIC KEY-----\n{}", random(64)),
            format!("-----BEGIN CERTIFICATE-----\n{}", random(64)),
            format!("-----BEGIN PRIVATE KEY-----\n{}", "A".repeat(64)),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            format!("ghp_{}", "x".repeat(36)),
            format!("minisign:RWQf6LRC{}", random(48)),
            format!("sk_test_{}", random(24)),
            "9f2c".repeat(16),
            token(r#"{"sub":"ci"}"#, "none"),
            token(&format!(r#"{{"exp":{NOW}}}"#), "HS256"),
            token(r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#, "HS256"),
            format!("eyJhbGciOi.eyJub3Rqc29u.{}", random(30)),
        ] {
            assert_eq!(told("README.md", &text), [""; 0], "{text}");
        }
    }

    #[test]
    fn bytes_that_arent_text_are_looked_through_too() {
        let mut bytes = b"\0asm\x01\0\0\0\xff\xfe".to_vec();
        bytes.extend(format!("\0ghp_{}\0", random(36)).as_bytes());
        let found = find([(&"plugin.wasm".parse().unwrap(), bytes.as_slice())], Timestamp::UNIX_EPOCH);
        assert_eq!(found[0].what, "a GitHub token");
    }
}
