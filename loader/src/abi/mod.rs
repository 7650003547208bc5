//! How does a plugin speak? The transports, and which one some bytes are.
//!
//! Whatever carries it, the protocol is one (`crate::protocol`): a transport takes a request and gives the answer's result
//! as JSON text, or says why there's none.

pub(crate) mod bomb;
pub(crate) mod component;
pub(crate) mod guest;
pub(crate) mod host;
mod http;
pub(crate) mod inspect;
pub(crate) mod json;
mod nested;
mod stop;

use mfp_model::content::PackagePath;
use mfp_model::name::PluginName;

use self::guest::Allowance;
use crate::call::Call;
use crate::error::{CallError, LoadError};
use crate::protocol::answer::Opened;
use crate::protocol::request::Request;
use crate::remote::Service;

/// A loaded plugin's way to be called.
pub(crate) trait Transport: Send + Sync {
    /// Whether the plugin can say which template functions it has.
    fn lists_functions(&self) -> bool;

    /// Send a request and give back what was in the answer's envelope, which isn't checked any further. `allowance` is
    /// counted down. Blocks.
    fn ask(&self, call: &Call, request: &Request, allowance: &mut Allowance) -> Result<Opened, CallError>;

    /// The error for a result that isn't what the call promises: `what` says how. `None`: the sandbox stopped the plugin.
    fn unusable(&self, _call: &Call, _what: &str) -> Option<CallError> {
        None
    }

    /// The service behind it, if the plugin is one.
    fn service(&self) -> Option<&Service> {
        None
    }
}

/// The two things that WebAssembly's first eight bytes can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Module,
    Component,
}

impl Layer {
    /// A word for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Component => "component",
        }
    }

    /// The layer of this word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Module, Self::Component].into_iter().find(|layer| layer.name() == name)
    }
}

/// Which layer of WebAssembly, or what else it looks like.
fn layer(bytes: &[u8]) -> Result<Layer, &'static str> {
    match bytes {
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Ok(Layer::Module),
        [0, b'a', b's', b'm', _, 0, 1, 0, ..] => Ok(Layer::Component),
        [0, b'a', b's', b'm', ..] => Err("WebAssembly of an unknown version"),
        [0x7f, b'E', b'L', b'F', ..] => Err("an ELF file: native or precompiled code, which is never taken from a plugin"),
        [b'M', b'Z', ..] => Err("a Windows program"),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => Err("a macOS program"),
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [b'P', b'K', 3, 4, ..] => Err("an archive"),
        [] => Err("empty"),
        text if text.is_ascii() => Err("text"),
        _ => Err("something else"),
    }
}

/// Which layer of WebAssembly these bytes of a plugin's are; anything else is refused.
pub(crate) fn wasm_layer(plugin: &PluginName, path: &PackagePath, bytes: &[u8]) -> Result<Layer, LoadError> {
    layer(bytes).map_err(|found| LoadError::NotWasm { plugin: plugin.clone(), path: path.clone(), found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_say_what_it_is() {
        assert_eq!(layer(b"\0asm\x01\0\0\0"), Ok(Layer::Module));
        assert_eq!(layer(b"\0asm\x0d\0\x01\0"), Ok(Layer::Component));
        for other in [&b"\0asm\x02\0\0\0"[..], b"\x7fELF\x02\x01\x01\0", b"", b"(module)", b"\0as"] {
            assert!(layer(other).is_err(), "{other:?}");
        }
    }
}
