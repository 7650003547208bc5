//! `template-hash`: which fingerprint has this text?
//!
//! Every function works on the UTF-8 bytes of its text. 1.1.0 added SHA-1, SHA-512, `etag`,
//! base64url and the way back from hex; nothing that 1.0.0 answered has changed.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use json1::template::{Function, Parameter};
use json1::{Args, Value};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

json1::plugin! {
    template_function => execute,
    template_functions => functions,
}

fn execute(request: &Value) -> Result<Value, String> {
    json1::template::execute(FUNCTIONS, request)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every call")]
fn functions(_: &Value) -> Result<Value, String> {
    Ok(json1::template::functions(FUNCTIONS))
}

const TEXT: Parameter = Parameter { name: "text", required: true, description: "The text; its UTF-8 bytes are taken" };

const KEY: Parameter = Parameter { name: "key", required: true, description: "The secret key; its UTF-8 bytes are taken" };

const ENCODING: Parameter =
    Parameter { name: "encoding", required: false, description: "How the digest is written: hex (default), base64 or base64url" };

const FUNCTIONS: &[Function] = &[
    Function {
        name: "sha256",
        description: "The SHA-256 digest of a text",
        parameters: &[TEXT, ENCODING],
        return_type: "string",
        run: |args| digest::<Sha256>(args),
    },
    Function {
        name: "sha512",
        description: "The SHA-512 digest of a text",
        parameters: &[TEXT, ENCODING],
        return_type: "string",
        run: |args| digest::<Sha512>(args),
    },
    Function {
        name: "sha1",
        description: "The SHA-1 digest of a text; for old protocols only, it isn't secure",
        parameters: &[TEXT, ENCODING],
        return_type: "string",
        run: |args| digest::<Sha1>(args),
    },
    Function {
        name: "md5",
        description: "The MD5 digest of a text; for old protocols only, it isn't secure",
        parameters: &[TEXT, ENCODING],
        return_type: "string",
        run: |args| digest::<Md5>(args),
    },
    Function {
        name: "hmac_sha256",
        description: "The HMAC-SHA-256 of a text under a key",
        parameters: &[TEXT, KEY, ENCODING],
        return_type: "string",
        run: hmac_sha256,
    },
    Function {
        name: "crc32",
        description: "The CRC-32 of a text, as 8 hex digits",
        parameters: &[TEXT],
        return_type: "string",
        run: |args| Ok(format!("{:08x}", crc32fast::hash(args.text(0, "text")?.as_bytes())).into()),
    },
    Function {
        name: "etag",
        description: "A strong entity tag for a body, in its quotes: 128 bits of its SHA-256",
        parameters: &[TEXT],
        return_type: "string",
        run: etag,
    },
    Function {
        name: "hex",
        description: "A text's bytes as lower-case hex digits",
        parameters: &[TEXT],
        return_type: "string",
        run: |args| Ok(hex(args.text(0, "text")?.as_bytes()).into()),
    },
    Function {
        name: "hex_decode",
        description: "The text behind hex digits; an error if it isn't UTF-8",
        parameters: &[TEXT],
        return_type: "string",
        run: hex_decode,
    },
    Function {
        name: "base64",
        description: "A text's bytes in base64 with padding",
        parameters: &[TEXT],
        return_type: "string",
        run: |args| Ok(STANDARD.encode(args.text(0, "text")?).into()),
    },
    Function {
        name: "base64_decode",
        description: "The text behind base64 with padding; an error if it isn't UTF-8",
        parameters: &[TEXT],
        return_type: "string",
        run: |args| base64_decode(args, &STANDARD, "base64"),
    },
    Function {
        name: "base64url",
        description: "A text's bytes in base64url without padding",
        parameters: &[TEXT],
        return_type: "string",
        run: |args| Ok(URL_SAFE_NO_PAD.encode(args.text(0, "text")?).into()),
    },
    Function {
        name: "base64url_decode",
        description: "The text behind base64url without padding; an error if it isn't UTF-8",
        parameters: &[TEXT],
        return_type: "string",
        run: |args| base64_decode(args, &URL_SAFE_NO_PAD, "base64url"),
    },
];

fn digest<D: Digest>(args: Args<'_>) -> Result<Value, String> {
    let text = args.text(0, "text")?;
    encode(args, 1, &D::digest(text.as_bytes()))
}

fn hmac_sha256(args: Args<'_>) -> Result<Value, String> {
    let text = args.text(0, "text")?;
    let key = args.text(1, "key")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| format!("{} can't be a key", args.place(1, "key")))?;
    mac.update(text.as_bytes());
    encode(args, 2, &mac.finalize().into_bytes())
}

fn etag(args: Args<'_>) -> Result<Value, String> {
    let digest = Sha256::digest(args.text(0, "text")?.as_bytes());
    let half = &digest.as_slice()[..16];
    Ok(format!("\"{}\"", URL_SAFE_NO_PAD.encode(half)).into())
}

fn base64_decode(args: Args<'_>, engine: &GeneralPurpose, name: &str) -> Result<Value, String> {
    let bytes = engine.decode(args.text(0, "text")?).map_err(|error| format!("{} isn't {name}: {error}", args.place(0, "text")))?;
    utf8(args, bytes)
}

fn hex_decode(args: Args<'_>) -> Result<Value, String> {
    let digits = args.text(0, "text")?.as_bytes();
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(format!("{} has an odd number of hex digits", args.place(0, "text")));
    }
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect();
    let bytes = bytes.ok_or_else(|| format!("{} isn't hex", args.place(0, "text")))?;
    utf8(args, bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The text in `bytes`, decoded from the first argument.
fn utf8(args: Args<'_>, bytes: Vec<u8>) -> Result<Value, String> {
    let text = String::from_utf8(bytes).map_err(|_| format!("{} doesn't hold UTF-8 text", args.place(0, "text")))?;
    Ok(text.into())
}

/// Writes `bytes` as the argument at `index` says.
fn encode(args: Args<'_>, index: usize, bytes: &[u8]) -> Result<Value, String> {
    match args.text_or(index, "encoding", "hex")? {
        "hex" => Ok(hex(bytes).into()),
        "base64" => Ok(STANDARD.encode(bytes).into()),
        "base64url" => Ok(URL_SAFE_NO_PAD.encode(bytes).into()),
        other => {
            let place = args.place(index, "encoding");
            Err(format!("{place} is `{other}`; it can be hex, base64 or base64url"))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
