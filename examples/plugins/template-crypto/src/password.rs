//! argon2, as far as a template has time for it.

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use mockforge_plugin_sdk::{Result, fail};

const KIB: std::ops::RangeInclusive<u32> = 8..=32 << 10;
/// Memory times iterations: OWASP's first choice (19 MiB, twice) fits.
const KIB_IN_ALL: u32 = 40 << 10;

pub(crate) fn hash(password: &str, salt: [u8; 16], memory: Option<u32>, iterations: Option<u32>) -> Result<String> {
    let (memory, iterations) = (memory.unwrap_or(19_456), iterations.unwrap_or(2));
    affordable(memory, iterations)?;
    let Ok(params) = Params::new(memory, iterations, 1, None) else { fail!("that's no cost of argon2") };
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    match argon2.hash_password_with_salt(password.as_bytes(), &salt) {
        Ok(hash) => Ok(hash.to_string()),
        Err(error) => fail!("{error}"),
    }
}

pub(crate) fn verify(password: &str, text: &str) -> Result<bool> {
    let Ok(hash) = PasswordHash::new(text) else { fail!("it isn't a hash of argon2") };
    let Ok(params) = Params::try_from(&hash) else { fail!("it isn't a hash of argon2") };
    affordable(params.m_cost(), params.t_cost())?;
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

fn affordable(memory: u32, iterations: u32) -> Result<()> {
    if !KIB.contains(&memory) || !(1..=KIB_IN_ALL).contains(&memory.saturating_mul(iterations)) {
        fail!("{memory} KiB, {iterations} times: take {} to {} KiB, and {KIB_IN_ALL} KiB in all", KIB.start(), KIB.end());
    }
    Ok(())
}
