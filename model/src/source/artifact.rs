//! What is fetched: an archive's format, size and digest.

use std::fmt;
use std::str::FromStr;

use crate::digest::Sha256;

/// How a plugin's files are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArchiveFormat {
    /// `.tar.zst`: what mfp writes.
    TarZst,
    /// `.tar.gz` or `.tgz`.
    TarGz,
    /// `.zip`.
    Zip,
    /// A bare module.
    Wasm,
}

/// A text that isn't the name of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an archive's format is `tar.zst`, `tar.gz`, `zip` or `wasm`")]
pub struct UnknownFormat;

impl ArchiveFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::TarZst, Self::TarGz, Self::Zip, Self::Wasm];

    /// The name in a lock, which is also the ending of a file's name, without its dot.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TarZst => "tar.zst",
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
            Self::Wasm => "wasm",
        }
    }

    /// The format that a file's name promises, by its ending in any case (`tgz` is `tar.gz`); `None` if it promises none.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |ending: &str| name.strip_suffix(ending).is_some_and(|stem| stem.len() > 1 && stem.ends_with('.'));
        Self::ALL.into_iter().find(|format| ends(format.as_str())).or_else(|| ends("tgz").then_some(Self::TarGz))
    }
}

impl FromStr for ArchiveFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or(UnknownFormat)
    }
}

impl fmt::Display for ArchiveFormat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// An archive as its origin serves it. Its digest is checked for bytes from there; bytes found by content are checked by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Artifact {
    /// How it's packed.
    pub format: ArchiveFormat,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_promises_a_format() {
        for (name, format) in [
            ("a-1.0.0.tar.zst", Some(ArchiveFormat::TarZst)),
            ("a.tar.gz", Some(ArchiveFormat::TarGz)),
            ("A.TGZ", Some(ArchiveFormat::TarGz)),
            ("a.zip", Some(ArchiveFormat::Zip)),
            ("a.wasm", Some(ArchiveFormat::Wasm)),
            ("a.tar", None),
            (".zip", None),
            ("azip", None),
            ("", None),
        ] {
            assert_eq!(ArchiveFormat::from_file_name(name), format, "{name}");
        }
        assert_eq!("tgz".parse::<ArchiveFormat>(), Err(UnknownFormat));
    }
}
