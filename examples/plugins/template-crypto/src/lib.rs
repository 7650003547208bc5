//! `template-crypto`: cryptography for templates.
//!
//! Keys stand in the configuration and have names: a template names a key, and never has it.

mod bytes;
mod digest;
mod password;
mod sealed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use bytes::Encoding;
use digest::Algorithm;
use mockforge_plugin_sdk::prelude::*;

/// The most that a call gives or takes, in bytes.
const LARGEST: usize = 1 << 20;
const MOST_RANDOM: usize = 4096;

struct Crypto {
    keys: BTreeMap<String, Vec<u8>>,
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Name → key: `hex:…`, `base64:…`, or any other text, which is its own bytes
    #[serde(default)]
    keys: BTreeMap<String, String>,
}

impl Plugin for Crypto {
    type Config = Settings;

    fn about() -> About {
        plugin_config! {
            name: "Cryptography",
            entry: "template_crypto.wasm",
            keywords: ["hash", "hmac", "aes", "argon2", "random", "base64"],
            mockforge: ">=0.3, <2",
        }
    }

    fn new(settings: Settings) -> Result<Self> {
        let read = |(name, text): (String, String)| match bytes::key(&text) {
            Ok(key) => Ok((name, key)),
            Err(error) => Err(error.context(format!("keys.{name}"))),
        };
        Ok(Self { keys: settings.keys.into_iter().map(read).collect::<Result<_>>()? })
    }
}

impl Template for Crypto {
    fn functions(&self) -> Vec<Function> {
        let encoding = "How the answer is written: hex, base64 or base64url";
        let digest = "sha256, sha384 or sha512";
        vec![
            Function::new("hash", "string", "The hash of a text")
                .needs("algorithm", "string", digest)
                .needs("text", "string", "What to hash")
                .takes("encoding", "string", encoding),
            Function::new("hmac", "string", "The HMAC of a text")
                .needs("algorithm", "string", digest)
                .needs("key", "string", "The name of a configured key")
                .needs("text", "string", "What to authenticate")
                .takes("encoding", "string", encoding),
            Function::new("encrypt", "string", "A text sealed by AES-GCM: base64 of nonce, ciphertext and tag")
                .needs("key", "string", "The name of a configured key of 16 or 32 bytes")
                .needs("text", "string", "What to seal")
                .takes("context", "string", "What must be the same to open it; it isn't in the answer"),
            Function::new("decrypt", "string", "What was sealed by encrypt")
                .needs("key", "string", "The name of the key")
                .needs("sealed", "string", "The answer of encrypt")
                .takes("context", "string", "What was said to encrypt"),
            Function::new("argon2", "string", "A password's hash (argon2id), for the user table of a mock")
                .needs("password", "string", "The password")
                .takes("memory_kib", "number", "8 to 32768; 19456 if absent")
                .takes("iterations", "number", "2 if absent; memory times iterations is 40960 at most"),
            Function::new("argon2_verify", "boolean", "Is it this password's hash?").needs("password", "string", "The password").needs(
                "hash",
                "string",
                "A hash by argon2",
            ),
            Function::new("random_bytes", "string", "Random bytes")
                .needs("count", "number", "1 to 4096")
                .takes("encoding", "string", encoding),
            Function::new("random_int", "number", "A random whole number; each is as likely").needs("from", "number", "The least").needs(
                "to",
                "number",
                "The greatest",
            ),
            Function::new("encode", "string", "A text's bytes, written otherwise")
                .needs("encoding", "string", "hex, base64 or base64url")
                .needs("text", "string", "What to encode"),
            Function::new("decode", "string", "The text that was encoded").needs("encoding", "string", "hex, base64 or base64url").needs(
                "text",
                "string",
                "What to decode",
            ),
        ]
    }

    fn execute(&self, call: FunctionCall, host: &dyn Host) -> Result<Value> {
        if call.args.iter().filter_map(Value::as_str).map(str::len).sum::<usize>() > LARGEST {
            fail!("{} takes {LARGEST} bytes at most", call.function_name);
        }
        self.run(&call, host).map_err(|error| {
            // An error of an argument says where it is already.
            let named = error.message().contains(call.function_name.as_str());
            if named { error } else { error.context(&call.function_name) }
        })
    }
}

impl Crypto {
    fn run(&self, call: &FunctionCall, host: &dyn Host) -> Result<Value> {
        let text = |at| call.need::<String>(at);
        let encoding = |at| call.arg::<Encoding>(at).map(Option::unwrap_or_default);
        Ok(match call.function_name.as_str() {
            "hash" => encoding(2)?.write(&call.need::<Algorithm>(0)?.hash(text(1)?.as_bytes())).into(),
            "hmac" => encoding(3)?.write(&call.need::<Algorithm>(0)?.hmac(self.key(&text(1)?)?, text(2)?.as_bytes())).into(),
            "encrypt" => {
                let context = call.arg::<String>(2)?.unwrap_or_default();
                sealed::seal(self.key(&text(0)?)?, host.random_bytes(), text(1)?.as_bytes(), context.as_bytes())?.into()
            }
            "decrypt" => {
                let context = call.arg::<String>(2)?.unwrap_or_default();
                sealed::open(self.key(&text(0)?)?, &text(1)?, context.as_bytes())?.into()
            }
            "argon2" => password::hash(&text(0)?, host.random_bytes(), call.arg(1)?, call.arg(2)?)?.into(),
            "argon2_verify" => password::verify(&text(0)?, &text(1)?)?.into(),
            "random_bytes" => {
                let count: usize = call.need(0)?;
                if !(1..=MOST_RANDOM).contains(&count) {
                    fail!("1 to {MOST_RANDOM} bytes, not {count}");
                }
                let mut bytes = vec![0; count];
                host.random(&mut bytes);
                encoding(1)?.write(&bytes).into()
            }
            "random_int" => bytes::uniform(call.need(0)?, call.need(1)?, || u64::from_le_bytes(host.random_bytes()))?.into(),
            "encode" => call.need::<Encoding>(0)?.write(text(1)?.as_bytes()).into(),
            "decode" => match String::from_utf8(call.need::<Encoding>(0)?.read(&text(1)?)?) {
                Ok(text) => text.into(),
                Err(_) => fail!("what's encoded there isn't UTF-8 text"),
            },
            _ => return Err(call.unknown()),
        })
    }

    fn key(&self, name: &str) -> Result<&[u8]> {
        match self.keys.get(name) {
            Some(key) => Ok(key),
            None => fail!("there's no key `{name}` in the configuration"),
        }
    }
}

export_plugin!(Crypto: Template);
