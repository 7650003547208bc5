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

    /// What's looked for: each of a pattern's alternatives, and what's nearly that: one letter less, or another prefix.
    type Row = (&'static str, Vec<String>, Vec<String>);

    fn upper() -> String {
        random(64).to_uppercase().replace(['0', '1', '8', '9'], "Q")
    }

    fn with(prefix: &str, length: usize) -> String {
        format!("{prefix}{}", random(length))
    }

    fn keys() -> Vec<Row> {
        let upper = upper();
        let pem = |kind: &str| format!("-----BEGIN {kind}PRIVATE KEY-----\n{}", random(32));
        vec![
            (
                "a private key",
                vec![
                    pem(""),
                    pem("RSA "),
                    pem("OPENSSH "),
                    format!("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{}", random(32)),
                    format!("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,Y\n\n{}", random(32)),
                    format!(r#"{{"key":"-----BEGIN PRIVATE KEY-----\n{}"}}"#, random(32)),
                ],
                vec![
                    "-----BEGIN PRIVATE KEY-----".to_owned(),
                    format!("-----BEGIN PRIVATE KEY-----\n{}", random(31)),
                    format!("-----BEGIN PUBLIC KEY-----\n{}", random(64)),
                    format!("-----BEGIN CERTIFICATE-----\n{}", random(64)),
                ],
            ),
            (
                "a minisign secret key",
                vec![format!("\nRWRTY0Iy{}=", random(203)), format!("\nRWQAAEIy{}=\r", random(203))],
                vec![format!("\nRWRTY0Iy{}=", random(199)), format!("\nRWQf6LRC{}=", random(203)), with("minisign:RWQf6LRC", 48)],
            ),
            (
                "a PuTTY private key",
                ["2", "3"].map(|one| format!("PuTTY-User-Key-File-{one}: ssh-ed25519\n")).to_vec(),
                vec!["PuTTY-User-Key-File-1: ssh-ed25519\n".to_owned(), "PuTTY-User-Key-File-3".to_owned()],
            ),
            (
                "an age secret key",
                vec![format!("AGE-SECRET-KEY-1{}", &upper[..58])],
                vec![format!("AGE-SECRET-KEY-1{}", &upper[..57]), format!("age1{}", upper[..58].to_lowercase())],
            ),
        ]
    }

    fn tokens() -> Vec<Row> {
        let upper = upper();
        let webhook = |kind: &str, length: usize| format!("https://hooks.slack.com/{kind}/T{0}/B{0}/{1}", &upper[..8], random(length));
        vec![
            (
                "an AWS access key",
                ["AKIA", "ASIA"].map(|one| format!("{one}{}", &upper[..16])).to_vec(),
                vec![format!("AKIA{}", &upper[..15]), format!("ABIA{}", &upper[..16])],
            ),
            (
                "an AWS secret key",
                vec![format!("aws_secret_access_key = \"{}\"", random(40)), format!("\"AwsSecretAccessKey\": \"{}\"", random(40))],
                vec![format!("aws_secret_access_key = \"{}\"", random(39)), format!("secret_key = \"{}\"", random(40))],
            ),
            (
                "a GitHub token",
                ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]
                    .map(|one| with(one, 36))
                    .into_iter()
                    .chain([with("github_pat_", 22) + &with("_", 59)])
                    .collect(),
                vec![with("ghp_", 35), with("ghx_", 36), with("github_pat_", 22) + &with("_", 58)],
            ),
            (
                "a GitLab token",
                ["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "gloas-"].map(|one| with(one, 20)).to_vec(),
                vec![with("glpat-", 19), with("glxx-", 20)],
            ),
            (
                "a Slack token",
                ["xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"].map(|one| with(one, 20)).to_vec(),
                vec![with("xoxb-", 19), with("xoxz-", 20)],
            ),
            (
                "a Slack webhook",
                vec![webhook("services", 20), webhook("workflows", 20)],
                vec![webhook("services", 19), webhook("archives", 20)],
            ),
            ("an npm token", vec![with("npm_", 36)], vec![with("npm_", 35), with("npm_", 37)]),
            ("a PyPI token", vec![with("pypi-AgE", 60)], vec![with("pypi-AgE", 59), with("pypi-", 63)]),
            ("a crates.io token", vec![with("cio", 32)], vec![with("cio", 31), with("cio", 33)]),
            ("a Google API key", vec![with("AIza", 35)], vec![with("AIza", 34), with("AIzb", 35)]),
            (
                "a Stripe key",
                vec![with("sk_live_", 24), with("rk_live_", 24)],
                vec![with("sk_live_", 23), with("sk_test_", 24), with("pk_live_", 24)],
            ),
            (
                "an OpenAI or Anthropic key",
                ["sk-ant-", "sk-proj-", "sk-svcacct-"].map(|one| with(one, 32)).to_vec(),
                vec![with("sk-ant-", 31), with("sk-", 40)],
            ),
            (
                "a signed token (JWT)",
                vec![token(r#"{"sub":"ci"}"#, "HS256"), token(&format!(r#"{{"exp":{}}}"#, NOW + 1), "RS256")],
                vec![
                    token(r#"{"sub":"ci"}"#, "none"),
                    token(&format!(r#"{{"exp":{NOW}}}"#), "HS256"),
                    token(r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#, "HS256"),
                    token(r#"{"sub":"ci"}"#, "HS256").split_at(57).0.to_owned(),
                    format!("eyJhbGciOi.eyJub3Rqc29u.{}", random(30)),
                ],
            ),
        ]
    }

    #[test]
    fn keys_and_tokens_are_told_by_file_and_line_and_never_shown() {
        let table: Vec<Row> = keys().into_iter().chain(tokens()).collect();
        let known: BTreeSet<&str> = PATTERNS.iter().map(|(what, _)| *what).chain(["a signed token (JWT)"]).collect();
        assert_eq!(known, table.iter().map(|(what, ..)| *what).collect(), "each has its row");
        for (what, secrets, nearly) in table {
            for secret in secrets {
                let line = if secret.starts_with('\n') { 3 } else { 2 };
                let found = told("docs/a.md", &placed(&secret));
                assert_eq!(found, [format!("docs/a.md:{line}: {what}")], "{secret}");
            }
            for other in nearly {
                assert_eq!(told("docs/a.md", &placed(&other)), [""; 0], "{what}: {other}");
            }
        }
    }

    /// A text with this in its second line; what begins a line, or ends one, does so here.
    fn placed(secret: &str) -> String {
        let (before, after) =
            (if secret.starts_with('\n') { "x:" } else { "x: " }, if secret.ends_with(['=', '\r']) { "\n" } else { " y" });
        format!("one\n{before}{secret}{after}")
    }

    #[test]
    fn files_that_hold_secrets_are_told_by_name() {
        for name in [
            ".env",
            ".env.production",
            "a/.netrc",
            "_netrc",
            "config/.npmrc",
            ".pypirc",
            ".git-credentials",
            "id_rsa",
            "id_dsa",
            "id_ecdsa",
            "id_ed25519",
            "store.P12",
            "a.pfx",
            "a.jks",
            "x/release.keystore",
            "a.kdbx",
            "a.ppk",
        ] {
            assert_eq!(told(name, "").len(), 1, "{name}");
        }
        for name in [
            ".env.example",
            ".env.local.sample",
            ".env.template",
            ".env.dist",
            "environment.md",
            "id_ed25519.pub",
            "a.pem",
            "env",
            "netrc",
            "npmrc",
            "rsa",
            "p12",
            "a.p12.md",
        ] {
            assert_eq!(told(name, ""), [""; 0], "{name}");
        }
    }

    #[test]
    fn what_cant_be_a_real_one_isnt_told() {
        for text in [
            format!("-----BEGIN PRIVATE KEY-----\n{}", "A".repeat(64)),
            "AKIAIOSFODNN7EXAMPLE".to_owned(),
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            format!("ghp_{}", "x".repeat(36)),
            format!("glpat-{}placeholder", random(20)),
            "9f2c".repeat(16),
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
