//! Is this password the one that was hashed?
//!
//! A hash that would take longer than an auth plugin has for a call (250 ms) is refused when it's configured, with
//! what would do: not in the middle of a login.

use argon2::password_hash::PasswordVerifier as _;
use argon2::{Argon2, PasswordHash};
use base64::engine::GeneralPurpose;
use base64::{Engine as _, alphabet, engine::general_purpose::NO_PAD};
use mockforge_plugin_sdk::{Result, fail};
use sha_crypt::ShaCrypt;

/// 2^10 rounds.
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=10;
const SHA_ROUNDS: u32 = 20_000;
/// The default of `mkpasswd` and others.
const SHA_ROUNDS_IF_UNSAID: u32 = 5000;
/// OWASP's first choice is 19 MiB, twice: 38 912 KiB in all.
const ARGON2_KIB_IN_ALL: u32 = 40 << 10;
const ARGON2_KIB: u32 = 32 << 10;

const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// A password's hash.
pub(crate) struct Hash {
    text: String,
    kind: Kind,
}

enum Kind {
    Argon2,
    Bcrypt { cost: u32, salt: [u8; 16], hash: [u8; 23] },
    ShaCrypt,
}

impl Hash {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let text = text.trim();
        let kind = match text.split('$').nth(1) {
            Some("argon2id" | "argon2i" | "argon2d") => argon2(text)?,
            Some("2a" | "2b" | "2y") => bcrypt(text)?,
            Some("5" | "6") => sha_crypt(text)?,
            Some("apr1" | "1") => fail!("MD5 is no hash for passwords; make a hash by `htpasswd -B` (bcrypt)"),
            Some("2x") => fail!("hashes of the type $2x$ are broken; make a new one by `htpasswd -B`"),
            _ => fail!("it isn't a hash of argon2, bcrypt or SHA-2 crypt; make one by `htpasswd -B` (bcrypt) or `mkpasswd`"),
        };
        Ok(Self { text: text.to_owned(), kind })
    }

    /// As it's written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Is it this password's? The comparison takes the same time wherever the first difference is.
    pub(crate) fn fits(&self, password: &[u8]) -> bool {
        match &self.kind {
            Kind::Argon2 => Argon2::default().verify_password(password, self.text.as_str()).is_ok(),
            Kind::ShaCrypt => ShaCrypt::default().verify_password(password, self.text.as_str()).is_ok(),
            Kind::Bcrypt { cost, salt, hash } => {
                // bcrypt looks at 72 bytes. A longer password, or one with a zero, would be good whatever comes after.
                let can_be = password.len() <= 72 && !password.contains(&0);
                let mut block = [0; 72];
                let length = password.len().min(72);
                block[..length].copy_from_slice(&password[..length]);
                let made = ::bcrypt::bcrypt(*cost, *salt, &block[..(length + 1).min(72)]);
                can_be & equal(&made[..23], hash)
            }
        }
    }
}

fn equal(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| std::hint::black_box(sum | (a ^ b))) == 0
}

fn argon2(text: &str) -> Result<Kind> {
    let Ok(hash) = PasswordHash::new(text) else { fail!("it isn't a hash of argon2") };
    let Ok(params) = argon2::Params::try_from(&hash) else { fail!("its parameters aren't argon2's") };
    let (memory, times) = (params.m_cost(), params.t_cost());
    if hash.salt.is_none() || hash.hash.is_none() {
        fail!("it has no salt or no hash");
    }
    if memory > ARGON2_KIB || memory.saturating_mul(times) > ARGON2_KIB_IN_ALL {
        fail!("m={memory},t={times} takes too long; take m=19456,t=2 or less (m up to {ARGON2_KIB}, m·t up to {ARGON2_KIB_IN_ALL})");
    }
    Ok(Kind::Argon2)
}

fn bcrypt(text: &str) -> Result<Kind> {
    let parts: Vec<&str> = text.split('$').collect();
    let ["", _, cost, rest] = parts[..] else { fail!("it isn't a hash of bcrypt") };
    let Some(cost) = cost.parse().ok().filter(|_| cost.len() == 2) else { fail!("its cost isn't a number of two digits") };
    let (Some(salt), Some(hash)) = (rest.get(..22), rest.get(22..)) else { fail!("it isn't a hash of bcrypt") };
    let salt = BCRYPT_BASE64.decode(salt).ok().and_then(|salt| salt.try_into().ok());
    let hash = BCRYPT_BASE64.decode(hash).ok().and_then(|hash| hash.try_into().ok());
    let (Some(salt), Some(hash)) = (salt, hash) else { fail!("it isn't a hash of bcrypt") };
    if !BCRYPT_COST.contains(&cost) {
        fail!("a cost of {cost} takes too long, or is none; take {} to {}", BCRYPT_COST.start(), BCRYPT_COST.end());
    }
    Ok(Kind::Bcrypt { cost, salt, hash })
}

fn sha_crypt(text: &str) -> Result<Kind> {
    let mut parts = text.split('$').skip(1).peekable();
    let digits = if parts.next() == Some("5") { 43 } else { 86 };
    let rounds = match parts.next_if(|part| part.starts_with("rounds=")) {
        Some(said) => said["rounds=".len()..].parse().unwrap_or(u32::MAX),
        None => SHA_ROUNDS_IF_UNSAID,
    };
    if !(1000..=SHA_ROUNDS).contains(&rounds) {
        fail!("that isn't a number of rounds, or so many take too long; take 1000 to {SHA_ROUNDS}");
    }
    let of_crypt = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte));
    match (parts.next(), parts.next(), parts.next()) {
        (Some(salt), Some(hash), None) if salt.len() <= 16 && of_crypt(salt) && hash.len() == digits && of_crypt(hash) => {
            Ok(Kind::ShaCrypt)
        }
        _ => fail!("it isn't a hash of SHA-2 crypt"),
    }
}
