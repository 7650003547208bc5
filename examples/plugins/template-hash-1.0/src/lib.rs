//! `template-hash` 1.0.0: which fingerprint has this text?
//!
//! The release before 1.1.0 (in the folder `template-hash`), kept with its sources so that the
//! example registry has two versions of one plugin. Every function works on the UTF-8 bytes of its text.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use json1::template::{Function, Parameter};
use json1::{Args, Value};
use md5::Md5;
use sha2::{Digest, Sha256};

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
        name: "hex",
        description: "A text's bytes as lower-case hex digits",
        parameters: &[TEXT],
        return_type: "string",
        run: |args| Ok(hex(args.text(0, "text")?.as_bytes()).into()),
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
        run: base64_decode,
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

fn base64_decode(args: Args<'_>) -> Result<Value, String> {
    let bytes = STANDARD.decode(args.text(0, "text")?).map_err(|error| format!("{} isn't base64: {error}", args.place(0, "text")))?;
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
