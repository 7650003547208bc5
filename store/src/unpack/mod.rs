//! What files does an archive hold, if it can be read in only one way?
//!
//! The scanners of tar and zip headers are our own and accept a small subset: regular files, folders (which are ignored), one
//! spelling of each fact. What could be read in two ways is refused, because two readers of one archive (the one that
//! reviewed it and the one that runs it) must never see different files; so it doesn't matter whether an attack is known.
//! Inflating, zstd and checksums are libraries'. Everything is counted while it streams; nothing is believed because a
//! header says so, and nothing is written outside the staging folder that the sink was given.

mod error;
mod gzip;
mod input;
mod names;
mod pax;
mod sink;
mod tar;
mod wasm;
mod zip;
mod zip_records;
mod zstd;

use std::fmt;
use std::str::FromStr;

pub(crate) use self::error::sanitised;
pub use self::error::{ArchiveClass, ArchiveError};
pub(crate) use self::input::Metered;
pub(crate) use self::sink::{Sink, Unpacked};
use crate::error::Result;

/// The largest archive, in bytes as fetched.
pub const MAX_ARCHIVE_BYTES: u64 = 64 << 20;
/// The most that an archive unpacks to, in bytes of all its files.
pub const MAX_UNPACKED_BYTES: u64 = 256 << 20;
/// The largest single file, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;
/// The most members of an archive, folders counted; and the most files and folders of what they make.
pub const MAX_ENTRIES: u64 = 10_000;
/// The largest `plugin.yaml`, in bytes.
pub const MAX_MANIFEST_BYTES: u64 = 1 << 20;
/// The largest `plugin.minisig`, in bytes. A real one has about 300.
pub const MAX_SIGNATURE_BYTES: u64 = 16 << 10;

/// The formats that packages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArchiveFormat {
    /// A tar in one zstd frame: what `mfp package` writes.
    TarZst,
    /// A tar in one gzip member.
    TarGz,
    /// A zip with stored or deflated members.
    Zip,
    /// A bare WebAssembly file: a package with the one file `plugin.wasm`.
    Wasm,
}

impl ArchiveFormat {
    /// The format that a file's name promises by its ending (`.tar.zst`, `.tar.gz`, `.tgz`, `.zip`, `.wasm`; ASCII case is
    /// ignored). The content is held to that promise: nothing is guessed from bytes.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let endings =
            [(".tar.zst", Self::TarZst), (".tar.gz", Self::TarGz), (".tgz", Self::TarGz), (".zip", Self::Zip), (".wasm", Self::Wasm)];
        endings.into_iter().find(|(ending, _)| lower.len() > ending.len() && lower.ends_with(ending)).map(|(_, format)| format)
    }

    /// The name it has in the lock: `tar.zst`, `tar.gz`, `zip` or `wasm`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TarZst => "tar.zst",
            Self::TarGz => "tar.gz",
            Self::Zip => "zip",
            Self::Wasm => "wasm",
        }
    }
}

impl fmt::Display for ArchiveFormat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// A text that names no [`ArchiveFormat`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an artifact's format is `tar.zst`, `tar.gz`, `zip` or `wasm`")]
pub struct FormatError;

impl FromStr for ArchiveFormat {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        [Self::TarZst, Self::TarGz, Self::Zip, Self::Wasm].into_iter().find(|format| format.as_str() == text).ok_or(FormatError)
    }
}

/// Put the files of an archive into the sink. The input is read to its end, or to the first thing that's wrong.
pub(crate) fn unpack(input: &mut Metered<'_>, format: ArchiveFormat, sink: &mut Sink) -> Result<()> {
    let done = match format {
        ArchiveFormat::TarGz => gzip::unpack(input, sink),
        ArchiveFormat::TarZst => zstd::unpack(input, sink),
        ArchiveFormat::Zip => zip::unpack(input, sink),
        ArchiveFormat::Wasm => wasm::unpack(input, sink),
    };
    // What the input itself said comes first: to a decoder, a broken connection looks like a damaged archive.
    match input.take_trouble() {
        Some(trouble) => Err(trouble),
        None => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_promised_by_the_name() {
        let format = |name| ArchiveFormat::from_file_name(name).map(ArchiveFormat::as_str);
        assert_eq!(format("auth-jwt-1.4.2.tar.zst"), Some("tar.zst"));
        assert_eq!(format("a.tgz"), Some("tar.gz"));
        assert_eq!(format("A.Tar.GZ"), Some("tar.gz"));
        assert_eq!(format("a.zip"), Some("zip"));
        assert_eq!(format("a.wasm"), Some("wasm"));
        for name in [".zip", "a.tar", "a.gz", "a.zip.exe", "a", ""] {
            assert_eq!(format(name), None, "{name}");
        }
        assert_eq!("tar.gz".parse(), Ok(ArchiveFormat::TarGz));
        assert_eq!("tgz".parse::<ArchiveFormat>(), Err(FormatError));
    }

    #[test]
    fn a_members_name_is_shown_without_its_tricks() {
        let shown = sanitised(b"a\x1b[2J\n\xff`\xe2\x80\xaeb");
        assert_eq!(shown, "a\\u{1b}[2J\\u{a}\u{fffd}\\u{60}\\u{202e}b");
        assert_eq!(sanitised("x".repeat(500).as_bytes()).chars().count(), 121);
    }
}
