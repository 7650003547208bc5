//! What may things be called? The names of plugins, registries and groups.
//!
//! A name is used as a folder, as a URL segment, as a TOML key and as a line in other people's terminals, so one rule
//! holds for all of them and it's checked once, here: `[a-z][a-z0-9-]*`, at most 64 bytes, no `--`, no trailing `-`,
//! and not a name that Windows keeps for devices. A value of these types is always valid; there's no other way in.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 64;

/// Why a text isn't a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name can't be empty")]
    Empty,
    /// The text is longer than [`MAX_NAME_BYTES`].
    #[error("the name is {0} bytes long; the limit is {MAX_NAME_BYTES}")]
    TooLong(usize),
    /// Capitals, underscores and the like, where it's clear what was meant.
    #[error("names are lower-case letters, digits and single hyphens; this one would have to be `{would_be}`")]
    Spelling {
        /// The name it would have to be.
        would_be: String,
    },
    /// Characters that no name has, with nothing near.
    #[error("names start with a letter and hold lower-case letters, digits and single hyphens only")]
    Characters,
    /// A device name of Windows, where no file or folder can be called that.
    #[error("`{0}` is a device name on Windows, where no folder can have it")]
    Device(String),
}

/// Is this (without extension, in any case) a name that Windows keeps for a device?
pub fn is_windows_device(stem: &str) -> bool {
    let lower = stem.to_ascii_lowercase();
    if matches!(lower.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$" | "clock$") {
        return true;
    }
    let Some(digit) = lower.strip_prefix("com").or_else(|| lower.strip_prefix("lpt")) else { return false };
    matches!(digit, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(NameError::TooLong(text.len()));
    }
    if !has_the_shape(text) {
        return Err(match respell(text) {
            Some(would_be) => NameError::Spelling { would_be },
            None => NameError::Characters,
        });
    }
    if is_windows_device(text) {
        return Err(NameError::Device(text.to_owned()));
    }
    Ok(())
}

fn has_the_shape(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.contains("--")
        && !text.ends_with('-')
}

/// The name that a person probably meant: lower case, hyphens for `_`, `.` and spaces.
fn respell(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let parts = lower.split(['_', '-', '.', ' ']).filter(|part| !part.is_empty());
    let would_be = parts.collect::<Vec<_>>().join("-");
    has_the_shape(&would_be).then_some(would_be)
}

macro_rules! name_type {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, out)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::deserialize_parsed(deserializer)
            }
        }
    };
}

name_type! {
    /// The name of a plugin, which is also its id (`auth-jwt`). Cheap to clone.
    PluginName
}
name_type! {
    /// The name that a project gives to a registry (`default`, `corp`).
    RegistryName
}
name_type! {
    /// The name of an optional group of plugins (`load-test`).
    GroupName
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_field_are_taken() {
        for text in ["a", "auth-jwt", "x1", "template-crypto-2", "conx", "com", "com10"] {
            assert_eq!(text.parse::<PluginName>().map(|name| name.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn a_misspelt_name_is_told_what_it_would_have_to_be() {
        for (text, would_be) in [("Auth_JWT", "auth-jwt"), ("a--b", "a-b"), ("auth-", "auth"), ("my plugin", "my-plugin")] {
            assert_eq!(text.parse::<PluginName>(), Err(NameError::Spelling { would_be: would_be.to_owned() }), "{text}");
        }
    }

    #[test]
    fn what_could_leave_a_folder_or_a_line_is_no_name() {
        for text in ["../x", "a/b", "1a", "a\u{1b}[31m", "é", "a\nb", "."] {
            assert!(matches!(text.parse::<PluginName>(), Err(NameError::Characters)), "{text:?}");
        }
        assert_eq!("".parse::<PluginName>(), Err(NameError::Empty));
        assert_eq!("x".repeat(65).parse::<PluginName>(), Err(NameError::TooLong(65)));
        assert!("x".repeat(64).parse::<PluginName>().is_ok());
    }

    #[test]
    fn windows_keeps_some_names() {
        for text in ["con", "nul", "com1", "lpt9", "aux", "prn"] {
            assert_eq!(text.parse::<PluginName>(), Err(NameError::Device(text.to_owned())));
        }
    }
}
