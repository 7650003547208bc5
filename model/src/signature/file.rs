//! A signature file, as minisign writes it: exactly four lines.
//!
//! The usual readers look at the first four lines of whatever there is, and skip what base64 lets them. So one file could be two,
//! and one signature have many texts; here, what can't be written again byte for byte isn't a signature file.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::signer::Signer;

/// The largest signature file, in bytes.
pub const MAX_SIGNATURE_BYTES: usize = 16 << 10;
const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";
/// Algorithm, key id, signature.
const SIGNATURE_LINE_BYTES: usize = 2 + 8 + 64;

/// The eight bytes that are to tell keys apart. Anyone can choose them: they help to say what's wrong, and prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub(crate) [u8; 8]);

impl fmt::Display for KeyId {
    /// As minisign prints it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016X}", u64::from_le_bytes(self.0))
    }
}

/// Why a text isn't a signature file that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It's not four lines of the right kind.
    #[error("{0}")]
    Malformed(&'static str),
    /// It's a signature of the kind that minisign made before 2018.
    #[error("a signature of minisign's legacy kind")]
    Legacy,
}

/// A signature and its two comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureFile {
    text: String,
    key_id: KeyId,
    signature: [u8; 64],
    trusted_comment: String,
    global: [u8; 64],
}

impl SignatureFile {
    /// Read a signature file: exactly four lines, each with its line feed, in their one spelling.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let malformed = SignatureError::Malformed;
        if text.len() > MAX_SIGNATURE_BYTES {
            return Err(malformed("it's larger than 16 KiB"));
        }
        if text.contains('\r') {
            return Err(malformed("its lines don't end in a line feed alone"));
        }
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(malformed("its last line doesn't end"))?.split('\n').collect();
        let [untrusted, signature, trusted, global] = lines.as_slice() else {
            let why = if lines.len() > 4 { "there's something after its fourth line" } else { "it has fewer than four lines" };
            return Err(malformed(why));
        };
        let untrusted = untrusted.strip_prefix(UNTRUSTED).ok_or(malformed("its first line isn't an untrusted comment"))?;
        let trusted = trusted.strip_prefix(TRUSTED).ok_or(malformed("its third line isn't a trusted comment"))?;
        let signed: [u8; SIGNATURE_LINE_BYTES] = decoded(signature).ok_or(malformed("its second line isn't a signature"))?;
        let global: [u8; 64] = decoded(global).ok_or(malformed("its fourth line isn't a signature"))?;
        match &signed[..2] {
            b"ED" => {}
            b"Ed" => return Err(SignatureError::Legacy),
            _ => return Err(malformed("it names an algorithm that minisign doesn't have")),
        }
        let again = format!("{UNTRUSTED}{untrusted}\n{}\n{TRUSTED}{trusted}\n{}\n", STANDARD.encode(signed), STANDARD.encode(global));
        if again != text {
            return Err(malformed("it isn't spelt as minisign spells it"));
        }
        Ok(Self {
            text: again,
            key_id: KeyId(signed[2..10].try_into().expect("8 bytes")),
            signature: signed[10..].try_into().expect("74 bytes less 10 are 64"),
            trusted_comment: trusted.to_owned(),
            global,
        })
    }

    /// The text that was read; the only one that this signature has.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The id of the key that it says made it.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// What it says about itself. Only [`SignatureFile::is_made_by`] says whether the key's owner wrote that. From outside.
    pub fn trusted_comment(&self) -> &str {
        &self.trusted_comment
    }

    /// Did this key make it, whatever for? The signature over the signature and its comment says so.
    pub fn is_made_by(&self, signer: &Signer) -> bool {
        let signed = [&self.signature[..], self.trusted_comment.as_bytes()].concat();
        let key = ed25519_compact::PublicKey::new(*signer.key_bytes());
        key.verify(signed, &ed25519_compact::Signature::new(self.global)).is_ok()
    }
}

fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}
