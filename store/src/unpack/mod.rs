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

pub use mfp_model::source::ArchiveFormat;

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
    fn a_members_name_is_shown_without_its_tricks() {
        let shown = sanitised(b"a\x1b[2J\n\xff`\xe2\x80\xaeb");
        assert_eq!(shown, "a\\u{1b}[2J\\u{a}\u{fffd}\\u{60}\\u{202e}b");
        assert_eq!(sanitised("x".repeat(500).as_bytes()).chars().count(), 121);
    }
}
