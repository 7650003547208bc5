//! What bytes is a package? One archive for one set of files, the same on every machine.
//!
//! The archive is a function of the files' paths and bytes and of mfp's version (which pins the compressors), and of nothing
//! else: no time, no owner, no mode of the file on the disk, no order of a folder. Headers are POSIX ustar, written here field by
//! field, so that no library decides to add an extension: a path that ustar can't hold is an error that names it. What's
//! packed is what the strict reader of [`crate::unpack`] gives back.

use std::borrow::Cow;
use std::io::Write;

use flate2::{Compression, GzBuilder};
use mfp_model::content::{FileEntry, Listing, PackagePath, SIGNATURE_FILE};
use mfp_model::digest::{ContentDigest, FileDigest, Sha256};
use sha2::{Digest, Sha256 as Hasher};

use crate::unpack::{ArchiveFormat, MAX_ARCHIVE_BYTES, MAX_ENTRIES, MAX_FILE_BYTES, MAX_UNPACKED_BYTES};

/// zstd's level; deflate's is its best.
const LEVEL: i32 = 19;
const BLOCK: usize = 512;
/// What a ustar header has room for.
const NAME: usize = 100;
const PREFIX: usize = 155;

/// An archive that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// SHA-256 of them.
    pub sha256: Sha256,
    /// The files in it, the signature left out.
    pub listing: Listing,
}

impl Package {
    /// The digest of what's in it.
    pub fn content(&self) -> ContentDigest {
        self.listing.content()
    }
}

/// Why files can't be a package.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A path that an archive can't name without an extension that readers understand in different ways.
    #[error(
        "`{0}` is too long for an archive: its last {NAME} bytes have no `/` to part it at, or what's before that has more than {PREFIX} bytes"
    )]
    Path(PackagePath),
    /// More than a package may hold.
    #[error("{0}")]
    Limit(Cow<'static, str>),
    /// The files can't stand side by side.
    #[error(transparent)]
    Listing(#[from] mfp_model::content::ListingError),
    /// The compressor failed, which memory alone can't make it do.
    #[error("the archive can't be compressed: {0}")]
    Compress(#[from] std::io::Error),
    /// Packages aren't written in this format.
    #[error("a package is a .tar.zst or a .tar.gz")]
    Format,
}

impl PackError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(_) => "mfp::package::long-path",
            Self::Limit(_) => "mfp::package::limit",
            Self::Listing(_) => "mfp::package::collision",
            Self::Compress(_) => "mfp::io::failed",
            Self::Format => "mfp::unsupported",
        }
    }
}

/// Can an archive name this path?
pub fn fits(path: &PackagePath) -> bool {
    parted(path.as_str()).is_some()
}

/// Make the archive of these files, in whatever order they come. The signature travels with them and is no part of the content.
pub fn pack<B: AsRef<[u8]>>(files: &[(PackagePath, B)], signature: Option<&str>, format: ArchiveFormat) -> Result<Package, PackError> {
    let entry = |bytes: &[u8]| FileEntry { digest: FileDigest::of(bytes), size: bytes.len() as u64 };
    check_limits(files)?;
    let listing = Listing::new(files.iter().map(|(path, bytes)| (path.clone(), entry(bytes.as_ref()))))?;
    let stream = tar(files, signature)?;
    let bytes = match format {
        ArchiveFormat::TarZst => zstd_frame(&stream)?,
        ArchiveFormat::TarGz => gzip_member(&stream)?,
        ArchiveFormat::Zip | ArchiveFormat::Wasm => return Err(PackError::Format),
    };
    if bytes.len() as u64 > MAX_ARCHIVE_BYTES {
        return Err(PackError::Limit("the archive has more than 64 MiB, which no reader takes".into()));
    }
    Ok(Package { sha256: Sha256::from_hash(Hasher::digest(&bytes).into()), bytes, listing })
}

fn check_limits<B: AsRef<[u8]>>(files: &[(PackagePath, B)]) -> Result<(), PackError> {
    let size = |bytes: &B| bytes.as_ref().len() as u64;
    if let Some((path, _)) = files.iter().find(|(_, bytes)| size(bytes) > MAX_FILE_BYTES) {
        return Err(PackError::Limit(format!("`{path}` has more than 64 MiB").into()));
    }
    if files.iter().map(|(_, bytes)| size(bytes)).sum::<u64>() > MAX_UNPACKED_BYTES {
        return Err(PackError::Limit("the files have more than 256 MiB together".into()));
    }
    // One more may be the signature.
    if files.len() as u64 >= MAX_ENTRIES { Err(PackError::Limit("there are 10 000 files or more".into())) } else { Ok(()) }
}

/// The members, sorted by the bytes of their paths, and the two empty blocks that end a tar.
fn tar<B: AsRef<[u8]>>(files: &[(PackagePath, B)], signature: Option<&str>) -> Result<Vec<u8>, PackError> {
    let mut members: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_ref())).collect();
    members.extend(signature.map(|text| (SIGNATURE_FILE, text.as_bytes())));
    members.sort_unstable();
    let mut archive = ::tar::Builder::new(Vec::new());
    for (path, bytes) in members {
        let header = header(path, bytes.len()).ok_or_else(|| PackError::Path(path.parse().expect("it came as a path")))?;
        archive.append(&header, bytes)?;
    }
    Ok(archive.into_inner()?)
}

/// The header of a regular file: nothing in it but the path, the size and constants.
fn header(path: &str, size: usize) -> Option<::tar::Header> {
    let (prefix, name) = parted(path)?;
    let mut header = ::tar::Header::new_old();
    let block = header.as_mut_bytes();
    let mut field = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    field(0, name.as_bytes());
    field(100, b"0000644\0"); // mode
    field(108, b"0000000\0"); // uid
    field(116, b"0000000\0"); // gid
    field(124, format!("{size:011o}\0").as_bytes());
    field(136, b"00000000000\0"); // mtime
    field(148, b"        "); // the checksum counts as spaces in itself
    field(156, b"0"); // a regular file
    field(257, b"ustar\x0000");
    field(345, prefix.as_bytes());
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    debug_assert_eq!(block.len(), BLOCK);
    Some(header)
}

/// The path as a ustar header has it: what's before the `/` that's left out, and what's after.
fn parted(path: &str) -> Option<(&str, &str)> {
    if path.len() <= NAME {
        return Some(("", path));
    }
    let fits = |(at, _): &(usize, &str)| *at <= PREFIX && path.len() - at - 1 <= NAME;
    path.match_indices('/').rfind(fits).map(|(at, _)| (&path[..at], &path[at + 1..]))
}

/// One frame that says its size, without a checksum (the whole archive has one), by one thread.
fn zstd_frame(bytes: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut compressor = ::zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_contentsize(true)?;
    compressor.include_checksum(false)?;
    Ok(compressor.compress(bytes)?)
}

/// One member without a name or a time.
fn gzip_member(bytes: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut member = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::best());
    member.write_all(bytes)?;
    Ok(member.finish()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::verify::Expected;
    use crate::{Store, StoreOptions};

    fn files(all: &[(&str, &[u8])]) -> Vec<(PackagePath, Vec<u8>)> {
        all.iter().map(|(path, bytes)| (path.parse().unwrap(), bytes.to_vec())).collect()
    }

    fn vector() -> Vec<(PackagePath, Vec<u8>)> {
        files(&[("README.md", b"# hi\n"), ("docs/café.txt", b""), ("plugin.wasm", b"\0asm\x01\0\0\0"), ("plugin.yaml", b"mfp: 1\n")])
    }

    /// The very bytes. If this fails, the compressor or the header has changed: what's published isn't touched by that, but the
    /// same plugin packed by this mfp and the last one has two archives, which is for the changelog.
    #[test]
    fn the_archive_is_these_bytes() {
        let packed = |format| pack(&vector(), Some("untrusted comment: x\n"), format).unwrap();
        let (zst, gz) = (packed(ArchiveFormat::TarZst), packed(ArchiveFormat::TarGz));
        assert_eq!(zst.content().to_string(), "blake3:415dc2212d1085dd34bb9d8498913dfb2b3e5f52d64458a219f9e447eac2b78c");
        assert_eq!(gz.content(), zst.content());
        let stream = tar(&vector(), Some("untrusted comment: x\n")).unwrap();
        let python = "ca149dfbd0881ed39702ffa1fd2aec95d9b99af50e454633623f272ca24a1853";
        assert_eq!(Sha256::from_hash(Hasher::digest(&stream).into()).hex(), python, "what Python's tarfile writes of it");
        assert_eq!(zst.sha256.hex(), "b91ed215f4a6d60e65e5e68d06ab01c02888226294c6da826fab9f0bdf21e893");
        assert_eq!(gz.sha256.hex(), "18b185b7d556d3eefcb55b82abe2bd51baeed3d2326d48f0de566e762685bea3");
        assert_eq!(&gz.bytes[..10], b"\x1f\x8b\x08\0\0\0\0\0\x02\xff", "no name, no time, no system");
        assert_eq!(zst.bytes[..4], [0x28, 0xb5, 0x2f, 0xfd]);
        assert_eq!(zst.bytes[4] & 0b0000_0100, 0, "no checksum");
        assert_ne!(zst.bytes[4] >> 6 | zst.bytes[4] & 0b0010_0000, 0, "its size");
    }

    #[test]
    fn a_header_is_a_regular_files_and_says_nothing_of_this_machine() {
        let stream = tar(&vector(), None).unwrap();
        let text = |at: usize, length: usize| String::from_utf8_lossy(&stream[at..at + length]).replace('\0', ".");
        assert_eq!(text(0, 12), "README.md...");
        assert_eq!(text(100, 57), "0000644.0000000.0000000.00000000005.00000000000.007217. 0");
        assert_eq!(text(257, 8), "ustar.00");
        assert!(stream[265..512].iter().all(|byte| *byte == 0), "no owner, no device, no prefix");
        assert!(stream.len() % BLOCK == 0 && stream[stream.len() - 1024..].iter().all(|byte| *byte == 0));
        assert_eq!(stream.len(), 4 * BLOCK + 3 * BLOCK + 2 * BLOCK);
    }

    #[test]
    fn the_order_in_which_files_come_says_nothing() {
        let mut turned = vector();
        turned.reverse();
        let packed = |files: &[(PackagePath, Vec<u8>)]| pack(files, None, ArchiveFormat::TarZst).unwrap();
        assert_eq!(packed(&turned), packed(&vector()));
    }

    #[test]
    fn a_path_is_parted_where_both_halves_fit_or_it_cant_be_packed() {
        let (long, short) = ("a".repeat(101), "b".repeat(100));
        assert_eq!(parted(&short), Some(("", &*short)));
        assert_eq!(parted(&long), None);
        assert_eq!(parted(&format!("x/{long}")), None);
        let folder = ["c".repeat(77), "d".repeat(77)].join("/");
        assert_eq!(parted(&format!("{folder}/{short}")), Some((&*folder, &*short)), "155 and 100 bytes");
        assert_eq!(parted(&format!("{folder}e/{short}")), None, "156 before it");
        let refused = pack(&files(&[(&format!("x/{long}"), b"")]), None, ArchiveFormat::TarZst).unwrap_err();
        assert_eq!(refused.code(), "mfp::package::long-path");
        assert!(!fits(&format!("x/{long}").parse().unwrap()) && fits(&short.parse().unwrap()));
    }

    #[test]
    fn what_no_reader_takes_isnt_packed() {
        let large = vec![0_u8; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
        let code = |files: &[(PackagePath, &[u8])]| pack(files, None, ArchiveFormat::TarZst).unwrap_err().code();
        let path = |text: &str| text.parse::<PackagePath>().unwrap();
        assert_eq!(code(&[(path("a"), &large)]), "mfp::package::limit");
        let whole = &large[1..];
        assert_eq!(code(&["a", "b", "c", "d", "e"].map(|name| (path(name), whole))), "mfp::package::limit");
        let many: Vec<(PackagePath, &[u8])> = (0..MAX_ENTRIES).map(|number| (path(&format!("f{number}")), &[][..])).collect();
        assert_eq!(code(&many), "mfp::package::limit");
        assert_eq!(code(&[(path("a"), b""), (path("A"), b"")]), "mfp::package::collision");
        assert_eq!(pack(&vector(), None, ArchiveFormat::Zip).unwrap_err().code(), "mfp::unsupported");
    }

    fn component() -> impl Strategy<Value = String> {
        prop_oneof!["[a-c]{1,3}", "[a-c]{60,90}", Just("é".to_owned()), Just(".x".to_owned())]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What's packed is what our own reader unpacks.
        #[test]
        fn the_strict_reader_gives_back_what_was_packed(
            files in prop::collection::btree_map(prop::collection::vec(component(), 1..4), prop::collection::vec(any::<u8>(), 0..1500), 1..8),
            signed in any::<bool>(),
            gz in any::<bool>(),
        ) {
            let mut files: Vec<(PackagePath, Vec<u8>)> =
                files.into_iter().filter_map(|(parts, bytes)| Some((parts.join("/").parse().ok()?, bytes))).collect();
            files.push(("plugin.yaml".parse().unwrap(), b"mfp: 1\n".to_vec()));
            let format = if gz { ArchiveFormat::TarGz } else { ArchiveFormat::TarZst };
            let packed = match pack(&files, signed.then_some("untrusted comment: x\n"), format) {
                Ok(packed) => packed,
                Err(PackError::Path(path)) => {
                    prop_assert!(!fits(&path));
                    return Ok(());
                }
                Err(PackError::Listing(_)) => return Ok(()),
                Err(error) => panic!("{error}"),
            };
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(StoreOptions::new(folder.path().join("store"))).unwrap();
            let tree = store.ingest_archive(&*packed.bytes, format, &Expected::FirstSight).unwrap();
            prop_assert_eq!(tree.listing(), &packed.listing);
            prop_assert_eq!(tree.artifact().unwrap().sha256, packed.sha256);
            prop_assert_eq!(tree.signature().is_some(), signed);
            for (path, bytes) in &files {
                prop_assert_eq!(&tree.read(path.as_str()).unwrap(), bytes);
            }
        }
    }
}
