//! How are bytes written as text, and numbers made of bytes?

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use mockforge_plugin_sdk::{Result, fail};

#[derive(Debug, Clone, Copy, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    #[default]
    Hex,
    Base64,
    Base64Url,
}

impl Encoding {
    pub(crate) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    pub(crate) fn read(self, text: &str) -> Result<Vec<u8>> {
        let read = match self {
            Self::Hex => hex(text),
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text).ok(),
        };
        match read {
            Some(bytes) => Ok(bytes),
            None => fail!(
                "it isn't {}",
                match self {
                    Self::Hex => "hex",
                    Self::Base64 => "base64",
                    Self::Base64Url => "base64url (without padding)",
                }
            ),
        }
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// A key of the configuration.
pub(crate) fn key(text: &str) -> Result<Vec<u8>> {
    let key = match text.split_once(':') {
        Some(("hex", digits)) => Encoding::Hex.read(digits)?,
        Some(("base64", text)) => Encoding::Base64.read(text)?,
        _ => text.as_bytes().to_vec(),
    };
    if key.is_empty() {
        fail!("a key isn't empty");
    }
    Ok(key)
}

/// A number from `from` to `to`, both included. What doesn't divide evenly is thrown away and drawn again.
pub(crate) fn uniform(from: i64, to: i64, mut draw: impl FnMut() -> u64) -> Result<i64> {
    if from > to {
        fail!("{from} is greater than {to}");
    }
    let Some(count) = to.abs_diff(from).checked_add(1) else { return Ok(draw().cast_signed()) };
    let fair = u64::MAX - (u64::MAX % count + 1) % count;
    // Each draw is good with a chance of more than a half; who draws the same bytes each time gets an answer all the same.
    let drawn = (0..64).map(|_| draw()).find(|drawn| *drawn <= fair).unwrap_or_default();
    Ok(from.wrapping_add((drawn % count).cast_signed()))
}
