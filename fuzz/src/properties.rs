//! What must hold for any input at all: nothing panics, and what's accepted twice is the same.
//!
//! One function an input, over the crates' public faces. The fuzzer calls them with inputs that it invents; `tests/fuzzed.rs`
//! calls them with every input of `fuzz/corpus`, so that what was found once stays found. Bounds on memory and time are
//! the callers' to watch.

use std::fmt::{Debug, Display};
use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;

use mfp_model::content::{Listing, PackagePath};
use mfp_model::import::{documented_lock, mockforge_yaml};
use mfp_model::index::IndexDocument;
use mfp_model::lock::{Lock, merge};
use mfp_model::name::PluginName;
use mfp_model::package::IncludePattern;
use mfp_model::plugin::{BareWasm, Dialect, Form, Given, PluginManifest, PluginType, check_wasm_header, rewrite};
use mfp_model::project::{Manifest, edit};
use mfp_model::registry_files::{Advisories, RegistryConfig, SearchList};
use mfp_model::requirement::Requirement;
use mfp_model::signature::rotation::{KeyChange, KeyHistory};
use mfp_model::signature::{SignatureFile, prove};
use mfp_model::signer::Signer;
use mfp_model::source::{
    ArtifactUrl, CommitId, GitUrl, Origin, RefName, RegistryUrl, RelativePath, RemoteUrl, Revision, Said, SourceId, Spec,
};
use mfp_model::version::Version;
use mfp_store::{ArchiveFormat, Expected, Store, StoreOptions};

/// Holds for any input, or panics.
pub type Property = fn(&[u8]);

/// Every property by the name of its folder in `fuzz/corpus`.
pub const PROPERTIES: [(&str, Property); 13] = [
    ("address", address),
    ("container", container),
    ("index", index),
    ("listing", listing),
    ("lock", lock),
    ("manifest", manifest),
    ("plugin_yaml", plugin_yaml),
    ("requirement", requirement),
    ("signature", signature),
    ("spec", spec),
    ("tar", tar),
    ("wasm", wasm),
    ("zip", zip),
];

/// A store in memory where there's such a place, one a process.
fn store() -> &'static Store {
    static STORE: OnceLock<(Store, tempfile::TempDir)> = OnceLock::new();
    let (store, _) = STORE.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a temporary folder can be made");
        (Store::open(StoreOptions::new(folder.path().join("store"))).expect("a store can be made in it"), folder)
    });
    store
}

/// What an archive comes out as.
#[derive(Debug, PartialEq)]
struct Unpacked {
    listing: String,
    manifest: Option<Vec<u8>>,
    signature: Option<String>,
}

/// Unpack it; else the code of the error.
fn unpacked(bytes: &[u8], format: ArchiveFormat) -> Result<Unpacked, &'static str> {
    match store().ingest_archive(bytes, format, &Expected::FirstSight) {
        Ok(tree) => {
            let text = tree.listing().to_text();
            assert_eq!(Listing::parse(&text).as_ref(), Ok(tree.listing()), "a listing that was made can be read");
            assert_eq!(tree.content(), tree.listing().content());
            let files = tree.files_path();
            for (path, entry) in tree.listing().iter() {
                let found = files.join(path.as_str()).symlink_metadata().expect("a listed file is there");
                assert!(found.is_file() && found.len() == entry.size, "{path} isn't what the listing says");
            }
            let (manifest, signature) = (tree.manifest().map(<[u8]>::to_vec), tree.signature().map(str::to_owned));
            Ok(Unpacked { listing: text, manifest, signature })
        }
        Err(error) => {
            assert_eq!(error.exit_code(), 4, "bytes are to blame, not this machine: {error}");
            assert!(!error.to_string().chars().any(mfp_model::text::is_control_or_bidi), "{error:?}");
            Err(error.code())
        }
    }
}

/// A signature file, or a history of keys: what's read is written again byte for byte, and nobody can make a signature by chance.
pub fn signature(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let name: PluginName = "auth-jwt".parse().expect("it's a name");
    if let Ok(file) = SignatureFile::parse(text) {
        assert_eq!(file.text(), text, "a signature has one text");
        let key = "minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa";
        let signer: Signer = key.parse().expect("it's a key");
        assert!(prove(&signer, "no statement\n", &file).is_err(), "a signature on what nobody signed");
    }
    if let Ok(history) = KeyHistory::parse(text) {
        let lines: String = history.changes().iter().map(KeyChange::to_line).collect();
        assert_eq!(KeyHistory::parse(&lines).as_ref(), Ok(&history), "what's written is what was read");
        for change in history.changes() {
            assert!(history.followers(&name, &change.old).len() <= history.changes().len());
        }
    }
}

/// A tar, whose compression makes no difference: as it is, and with its checksums put right, which no fuzzer guesses.
pub fn tar(data: &[u8]) {
    for tar in [data.to_vec(), with_checksums(data)] {
        let gzip = unpacked(&gzip(&tar), ArchiveFormat::TarGz);
        let zstd = unpacked(&zstd(&tar), ArchiveFormat::TarZst);
        assert_eq!(gzip, zstd, "the compression makes a difference");
    }
}

/// Compressed by copying.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    encoder.write_all(bytes).expect("memory takes bytes");
    encoder.finish().expect("memory takes bytes")
}

/// One frame of raw blocks, by RFC 8878: magic, a header with a window of 1 MiB, blocks of at most 64 KiB.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 10 << 3];
    let mut blocks = bytes.chunks(64 << 10).peekable();
    if blocks.peek().is_none() {
        frame.extend([1, 0, 0]);
    }
    while let Some(block) = blocks.next() {
        let length = u32::try_from(block.len()).expect("at most 64 KiB");
        let header = length << 3 | u32::from(blocks.peek().is_none());
        frame.extend(&header.to_le_bytes()[..3]);
        frame.extend(block);
    }
    frame
}

/// The same with the right checksum wherever a header would be, as far as sizes can be read.
fn with_checksums(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let mut at = 0;
    while let Some(block) = bytes.get_mut(at..at + 512).filter(|block| block.iter().any(|byte| *byte != 0)) {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = block[124..136].iter().skip_while(|byte| **byte == b' ').take_while(|byte| matches!(byte, b'0'..=b'7'));
        let size = digits.fold(0_usize, |size, digit| size << 3 | usize::from(digit - b'0'));
        at = at.saturating_add(512).saturating_add(size.min(1 << 40).next_multiple_of(512));
    }
    bytes
}

/// A zip: as it is, and with the checksums that its members' stored bytes have.
pub fn zip(data: &[u8]) {
    for zip in [data.to_vec(), with_crcs(data)] {
        let once = unpacked(&zip, ArchiveFormat::Zip);
        assert_eq!(once, unpacked(&zip, ArchiveFormat::Zip), "accepted twice, and not the same");
    }
}

/// The same with the right checksum in each stored member's two headers, as far as they can be followed.
fn with_crcs(data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let number = |bytes: &[u8], at: usize, length: usize| {
        bytes.get(at..at + length).map(|field| field.iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte)))
    };
    let mut crcs = Vec::new();
    let mut at = 0;
    while bytes.get(at..at + 4) == Some(b"PK\x03\x04") {
        let fields = [(18, 4), (26, 2), (28, 2)].map(|(field, length)| number(&bytes, at + field, length));
        let [Some(size), Some(name), Some(extra)] = fields else { break };
        let start = at + 30 + name + extra;
        let Some(stored) = bytes.get(start..start.saturating_add(size)) else { break };
        let mut crc = flate2::Crc::new();
        crc.update(stored);
        if number(&bytes, at + 8, 2) == Some(0) {
            bytes[at + 14..at + 18].copy_from_slice(&crc.sum().to_le_bytes());
        }
        crcs.push((at, bytes[at + 14..at + 18].to_vec()));
        at = start + size;
    }
    while bytes.get(at..at + 4) == Some(b"PK\x01\x02") {
        let fields = [(28, 2), (30, 2), (32, 2), (42, 4)].map(|(field, length)| number(&bytes, at + field, length));
        let [Some(name), Some(extra), Some(comment), Some(offset)] = fields else { break };
        if let Some((_, crc)) = crcs.iter().find(|(start, _)| *start == offset) {
            bytes[at + 16..at + 20].copy_from_slice(crc);
        }
        at += 46 + name + extra + comment;
    }
    bytes
}

/// Compressed bytes, under either name.
pub fn container(data: &[u8]) {
    for format in [ArchiveFormat::TarGz, ArchiveFormat::TarZst, ArchiveFormat::Wasm] {
        assert_eq!(unpacked(data, format), unpacked(data, format), "accepted twice, and not the same");
    }
}

/// A plugin's own manifest, in whichever dialect.
pub fn plugin_yaml(data: &[u8]) {
    let once = PluginManifest::from_bytes(data);
    assert_eq!(once, PluginManifest::from_bytes(data), "read twice, and not the same");
    if let Ok(manifest) = &once {
        assert!(manifest.metadata().check_against(&manifest.metadata(), "itself").is_ok());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = mockforge_yaml(text);
        written_anew(text, once.as_ref().ok());
    }
}

/// Written anew, it's a manifest that asks for no more than what was read; mended in its place, it stays one.
fn written_anew(text: &str, read: Option<&PluginManifest>) {
    // With other types than the text's, the same numbers may be more than the types have anyway: that's said by who gives them.
    let given = Given { types: [PluginType::Template].into(), ..Given::default() };
    if let Ok(Some(rewritten)) = rewrite(text, &given)
        && rewritten.form != Form::Read(Dialect::Mfp)
    {
        assert!(PluginManifest::parse(&rewritten.text).is_ok(), "what's written is a manifest");
    }
    let Ok(Some(rewritten)) = rewrite(text, &Given::default()) else { return };
    let written = PluginManifest::parse(&rewritten.text);
    if rewritten.form != Form::Read(Dialect::Mfp) || read.is_some() {
        let written = written.expect("what's written is a manifest");
        if let Some(read) = read {
            assert_eq!(written.capabilities.intersection(&read.capabilities), written.capabilities, "it asks for more");
        }
    }
}

/// A lock; one that's accepted is written as it was understood.
pub fn lock(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(lock) = Lock::parse(text) {
        let written = lock.to_text();
        if !lock.is_from_newer_mfp() {
            let again = Lock::parse(&written).unwrap_or_else(|error| panic!("a lock that was written can't be read: {error:?}\n{written}"));
            assert_eq!(again, lock, "read again, and not the same:\n{written}");
            assert_eq!(again.to_text(), written, "written again, and not the same");
        }
        let _ = lock.check();
    }
    let _ = merge::sides(text);
    let _ = documented_lock(text, &"default".parse().expect("it's a name"));
}

/// A project's manifest; one that's accepted can be edited, and is accepted then too.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let own = Version::new(0, 1, 0);
    let once = Manifest::parse(text, &own);
    assert_eq!(once, Manifest::parse(text, &own), "read twice, and not the same");
    let Ok(manifest) = once else { return };
    let _ = manifest.unsupported();
    for name in manifest.plugins.keys().take(3) {
        let Ok((shorter, places)) = edit::remove(text, name) else { continue };
        assert!(!places.is_empty());
        if let Ok(edited) = Manifest::parse(&shorter, &own) {
            assert!(!edited.plugins.contains_key(name), "{name} was removed, and is still there:\n{shorter}");
        }
    }
}

/// The files of a registry.
pub fn index(data: &[u8]) {
    let name: PluginName = "auth-jwt".parse().expect("it's a name");
    let once = IndexDocument::parse(data, &name);
    assert_eq!(once, IndexDocument::parse(data, &name), "read twice, and not the same");
    if let Ok(document) = &once {
        assert!(document.lines.iter().all(|line| line.name == name));
    }
    let _ = IndexDocument::parse_bulk(data);
    assert_eq!(SearchList::parse(data), SearchList::parse(data));
    if let Ok(read) = Advisories::parse(data) {
        assert!(read.entries.iter().all(|one| !one.id.is_empty()), "an advisory that nobody could name");
    }
    if let Ok(config) = RegistryConfig::parse(data) {
        let _ = config.dl.path(&name, &Version::new(1, 2, 3), "auth-jwt-1.2.3.tar.zst");
    }
}

/// Parse, write, parse: the same value and the same text.
fn one_spelling<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) -> Option<T> {
    let value: T = text.parse().ok()?;
    let written = value.to_string();
    let again: T = written.parse().unwrap_or_else(|error| panic!("{text:?} was written {written:?}, which can't be read: {error:?}"));
    assert_eq!(again, value, "{text:?} was written {written:?}, which is another");
    assert_eq!(again.to_string(), written);
    Some(value)
}

/// Versions and requirements: a range says what the requirement says.
pub fn requirement(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (left, right) = text.split_once('\n').unwrap_or((text, "1.2.3"));
    let _ = one_spelling::<PluginName>(left);
    let version = one_spelling::<Version>(right);
    if let Some(version) = &version {
        let exactly = Requirement::exactly(version);
        assert!(exactly.matches(version) && exactly.is_exact());
    }
    let Some(requirement) = one_spelling::<Requirement>(left) else { return };
    let range = requirement.range();
    for version in
        version.into_iter().chain([(0, 0, 0), (1, 2, 3), (0, 4, 9), (4_294_967_295, 0, 0)].map(|(a, b, c)| Version::new(a, b, c)))
    {
        if !version.is_prerelease() {
            assert_eq!(range.contains(&version), requirement.matches(&version), "{requirement} and {version}");
        }
    }
}

/// Addresses of every kind, refs, paths and patterns: what `mfp add`, a manifest and a lock hold.
pub fn address(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(url) = one_spelling::<GitUrl>(text) {
        let resolved = url.resolve(Path::new("/project"));
        let scheme = resolved.split(['/', '[', '@']).next().unwrap_or_default();
        assert!(!resolved.starts_with('-') && !scheme.contains("::"), "{resolved}");
    }
    if let Some(url) = one_spelling::<ArtifactUrl>(text) {
        assert!(matches!(url.resolve(Path::new("/project")).scheme(), "https" | "http" | "file"));
        let _ = (url.file_name(), url.redacted());
    }
    if let Ok((url, _)) = ArtifactUrl::parse_with_digest(text) {
        assert_eq!(one_spelling::<ArtifactUrl>(&url.to_string()), Some(url));
    }
    if let Some(url) = one_spelling::<RegistryUrl>(text) {
        let resolved = url.resolve(Path::new("/project"));
        assert!(resolved.path().ends_with('/') && resolved.username().is_empty() && resolved.query().is_none(), "{resolved}");
    }
    let _ = one_spelling::<RemoteUrl>(text);
    let _ = text.parse::<Origin>();
    let _ = one_spelling::<SourceId>(text).map(|source| source.redacted());
    let _ = one_spelling::<RelativePath>(text);
    let _ = (one_spelling::<RefName>(text), one_spelling::<CommitId>(text), one_spelling::<Revision>(text));
    if let Ok(path) = text.parse::<PackagePath>() {
        assert!(!text.split('/').any(|part| matches!(part, "" | "." | "..")) && path.as_str() == text);
    }
    let (pattern, path) = text.split_once('\n').unwrap_or((text, "a/b/c.txt"));
    if let Ok(pattern) = pattern.parse::<IncludePattern>() {
        assert_eq!(pattern.matches(path), pattern.matches(path));
    }
}

/// An argument of `mfp add`: what's understood stays understood, and what's made of it has one spelling.
pub fn spec(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let by_flags = Said::Git { reference: None, subdir: None };
    for said in [Said::Nothing, Said::Url, Said::Path, by_flags] {
        let understood = Spec::parse(text, &said);
        assert_eq!(Spec::parse(text, &said), understood);
        match understood {
            Ok(Spec::Named { name, requirement }) => {
                assert!(text.starts_with(name.as_str()) && !text.contains("://"), "{text}");
                assert!(requirement.is_none_or(|wanted| one_spelling::<Requirement>(&wanted.to_string()) == Some(wanted)));
            }
            Ok(Spec::Url { url, .. }) => assert_eq!(one_spelling::<ArtifactUrl>(&url.to_string()), Some(url)),
            Ok(Spec::Git(git)) => {
                assert!(!git.address.contains('#'), "{text}");
                let resolved = one_spelling::<GitUrl>(&git.address).map(|url| url.resolve(Path::new("/project")));
                assert!(resolved.is_none_or(|address| !address.starts_with('-')), "{text}");
            }
            Ok(Spec::Path(path)) => assert_eq!(path, text),
            Ok(Spec::Remote(_)) => {}
            Err(error) => {
                let place = error.span.unwrap_or(0..text.len());
                assert!(text.get(place).is_some() && !error.help.is_empty(), "{text}");
            }
        }
    }
}

/// A content's listing: one text for one content.
pub fn listing(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(listing) = Listing::parse(text) {
        assert_eq!(listing.to_text(), text, "two texts for one content");
        assert_eq!(listing.content(), mfp_model::content::content_of(text));
    }
}

/// A bare module: its header, and the manifest that may stand in it.
pub fn wasm(data: &[u8]) {
    let _ = check_wasm_header(data);
    let fallback = BareWasm { name: "bare".parse().expect("it's a name"), types: Vec::new().into_iter().collect(), version: None };
    let once = PluginManifest::from_wasm(data, &fallback);
    assert_eq!(once, PluginManifest::from_wasm(data, &fallback), "read twice, and not the same");
}
