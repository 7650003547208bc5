//! What is a plugin, as bytes? A set of files, its listing, and the one digest of that.
//!
//! The digest is of the tree and not of an archive, so that the same plugin has the same identity from a registry, a URL,
//! git or a folder. Everything that could make two trees look alike on one machine and differ on another (links, modes,
//! times, case, Unicode forms, device names) is refused here or doesn't count.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;

use crate::digest::{ContentDigest, FileDigest};
use crate::name::is_windows_device;
use crate::text::is_control_or_bidi;

/// The first line of a listing.
pub const LISTING_HEADER: &str = "mockforge-content/v1";
/// The longest path, in bytes.
pub const MAX_PATH_BYTES: usize = 256;
/// The most components that a path has.
pub const MAX_PATH_COMPONENTS: usize = 32;
/// The longest component of a path, in bytes.
pub const MAX_COMPONENT_BYTES: usize = 255;
/// The publisher's signature: it travels with the package and is never part of the content.
pub const SIGNATURE_FILE: &str = "plugin.minisig";
/// The plugin's own manifest.
pub const MANIFEST_FILE: &str = "plugin.yaml";
/// What a package that is a bare module calls its only file.
pub const BARE_WASM_FILE: &str = "plugin.wasm";

/// Why a text isn't the path of a file in a plugin. The classes are those of the error codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It would leave the folder: absolute, with `..`, a drive, or a backslash.
    #[error("the path leaves the plugin's folder ({0})")]
    Escapes(&'static str),
    /// A component that some file system can't hold or shows as something else.
    #[error("the path has a component that isn't allowed ({0})")]
    Name(&'static str),
    /// Too long or too deep.
    #[error("the path is too long ({0})")]
    Limit(&'static str),
}

/// The path of a file in a plugin: relative, `/`-separated, NFC, and a legal name on every file system.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackagePath(String);

impl PackagePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, outermost first; at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The folders that hold it, outermost first: `a`, `a/b` for `a/b/c`.
    pub fn ancestors(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end])
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().expect("`rsplit` gives at least one part")
    }

    /// What a case-insensitive, normalising file system would take it for.
    fn folded(&self) -> String {
        fold(&self.0)
    }
}

/// What a case-insensitive, normalising file system would take a name for, in whatever Unicode form it came.
pub fn fold(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    let normalizer = ComposingNormalizerBorrowed::new_nfc();
    let folded = CaseMapper::new().fold_string(&normalizer.normalize(path)).into_owned();
    normalizer.normalize(&folded).into_owned()
}

impl FromStr for PackagePath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        check_escapes(text)?;
        if text.split('/').count() > MAX_PATH_COMPONENTS {
            return Err(PathError::Limit("more than 32 components"));
        }
        text.split('/').try_for_each(check_component)?;
        if text.len() > MAX_PATH_BYTES {
            return Err(PathError::Limit("more than 256 bytes"));
        }
        if !text.is_ascii() && !ComposingNormalizerBorrowed::new_nfc().is_normalized(text) {
            return Err(PathError::Name("not in Unicode's normal form C"));
        }
        Ok(Self(text.to_owned()))
    }
}

fn check_escapes(text: &str) -> Result<(), PathError> {
    let bytes = text.as_bytes();
    match bytes {
        [b'/', ..] => Err(PathError::Escapes("it's absolute")),
        [letter, b':', ..] if letter.is_ascii_alphabetic() => Err(PathError::Escapes("it names a drive")),
        _ if bytes.contains(&b'\\') => Err(PathError::Escapes("it has a backslash")),
        _ if text.split('/').any(|component| component == "..") => Err(PathError::Escapes("it has a `..`")),
        _ => Ok(()),
    }
}

fn check_component(component: &str) -> Result<(), PathError> {
    let refuse = |why| Err(PathError::Name(why));
    if component.is_empty() || component == "." {
        return refuse("empty or `.`");
    }
    if component.len() > MAX_COMPONENT_BYTES {
        return refuse("longer than 255 bytes");
    }
    if component.chars().any(is_control_or_bidi) {
        return refuse("a control or bidirectional character");
    }
    if component.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return refuse("one of < > : \" | ? *");
    }
    if component.ends_with(['.', ' ']) {
        return refuse("a trailing dot or space");
    }
    let stem = component.split('.').next().unwrap_or(component);
    if is_windows_device(stem.trim_end_matches(' ')) {
        return refuse("a device name on Windows");
    }
    Ok(())
}

impl fmt::Display for PackagePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl fmt::Debug for PackagePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

/// One file of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileEntry {
    /// BLAKE3 of its bytes.
    pub digest: FileDigest,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a set of files isn't a listing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// Two paths that are one on a case-insensitive file system, or equal.
    #[error("`{0}` and `{1}` would be the same file on some file systems")]
    Duplicate(String, String),
    /// A path that is a file and also the folder of another.
    #[error("`{0}` is a file and also the folder of `{1}`")]
    FileAndFolder(String, String),
    /// A text that isn't a listing in its one spelling.
    #[error("not a listing: line {0}")]
    Syntax(usize),
}

/// The files of a plugin with their digests: what `content` is the digest of. Never holds [`SIGNATURE_FILE`] at the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    files: BTreeMap<PackagePath, FileEntry>,
}

impl Listing {
    /// A listing of these files. The root's signature is left out; collisions are refused.
    pub fn new(files: impl IntoIterator<Item = (PackagePath, FileEntry)>) -> Result<Self, ListingError> {
        let mut tree = PathSet::default();
        let mut listed = BTreeMap::new();
        for (path, entry) in files {
            if path.as_str() == SIGNATURE_FILE {
                continue;
            }
            tree.insert(&path)?;
            listed.insert(path, entry);
        }
        Ok(Self { files: listed })
    }

    /// Read a listing in its one spelling: sorted, every line ended, nothing else.
    pub fn parse(text: &str) -> Result<Self, ListingError> {
        let mut lines = text.split_inclusive('\n');
        let syntax = |line: usize| ListingError::Syntax(line);
        if lines.next() != Some("mockforge-content/v1\n") {
            return Err(syntax(1));
        }
        let files = lines.enumerate().map(|(index, line)| parse_line(line).ok_or(syntax(index + 2)));
        let listing = Self::new(files.collect::<Result<Vec<_>, _>>()?)?;
        if listing.to_text() == text { Ok(listing) } else { Err(syntax(0)) }
    }

    /// The listing's text, which is what's hashed.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(32 + self.files.len() * 96);
        text.push_str(LISTING_HEADER);
        text.push('\n');
        for (path, entry) in &self.files {
            text.push_str(&format!("{:?} {} {}\n", entry.digest, entry.size, path));
        }
        text
    }

    /// BLAKE3 of the listing's text.
    pub fn content(&self) -> ContentDigest {
        content_of(&self.to_text())
    }

    /// The entry of one file.
    pub fn get(&self, path: &str) -> Option<&FileEntry> {
        self.find(path).map(|(_, entry)| entry)
    }

    /// The path and entry of one file.
    pub fn find(&self, path: &str) -> Option<(&PackagePath, &FileEntry)> {
        self.files.get_key_value(&PackagePath(path.to_owned()))
    }

    /// All files, by their path's bytes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&PackagePath, &FileEntry)> {
        self.files.iter()
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Is there no file at all?
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The size of all files together, in bytes.
    pub fn total_size(&self) -> u64 {
        self.files.values().map(|entry| entry.size).sum()
    }
}

/// BLAKE3 of a listing's text, without reading it: for a text that's about to be checked against a digest.
pub fn content_of(listing_text: &str) -> ContentDigest {
    ContentDigest::from_hash(*blake3::hash(listing_text.as_bytes()).as_bytes())
}

fn parse_line(line: &str) -> Option<(PackagePath, FileEntry)> {
    let mut parts = line.strip_suffix('\n')?.splitn(3, ' ');
    let digest = parts.next()?.parse().ok()?;
    let size = parts.next()?.parse().ok()?;
    let path = parts.next()?.parse().ok()?;
    Some((path, FileEntry { digest, size }))
}

/// Paths that can stand side by side on every file system. Insert them one by one; the first that can't is an error.
#[derive(Debug, Default)]
pub struct PathSet {
    /// Folded path → the path as it was given, and whether it's a file.
    taken: BTreeMap<String, (String, bool)>,
}

impl PathSet {
    /// Add a file's path.
    pub fn insert(&mut self, path: &PackagePath) -> Result<(), ListingError> {
        for folder in path.ancestors() {
            let (other, is_file) = self.taken.entry(fold(folder)).or_insert_with(|| (folder.to_owned(), false));
            if *is_file {
                return Err(ListingError::FileAndFolder(other.clone(), path.to_string()));
            }
            if other != folder {
                return Err(ListingError::Duplicate(other.clone(), folder.to_owned()));
            }
        }
        match self.taken.insert(path.folded(), (path.to_string(), true)) {
            None => Ok(()),
            Some((other, true)) => Err(ListingError::Duplicate(other, path.to_string())),
            Some((other, false)) => Err(ListingError::FileAndFolder(path.to_string(), format!("{other}/…"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(files: &[(&str, &[u8])]) -> Result<Listing, ListingError> {
        Listing::new(
            files
                .iter()
                .map(|(path, bytes)| (path.parse().unwrap(), FileEntry { digest: FileDigest::of(bytes), size: bytes.len() as u64 })),
        )
    }

    const VECTOR: &str = "mockforge-content/v1
a7571bdccf585d945e7f92dc16ad8d3da3e92f3903a65a8d8eca426b7b998f7a 5 README.md
af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 0 docs/café.txt
0d66d411a21e80d93afa1487b002a1867432c04ba1d08dc790d259639f6a69c4 8 plugin.wasm
e31ce360cbe490600d1decfc3fad653dab6cd13821739c8a9d6d538bfc54ca47 7 plugin.yaml
";

    #[test]
    fn another_implementation_gets_the_same_digest() {
        let listing = listing(&[
            ("plugin.yaml", b"mfp: 1\n"),
            ("plugin.wasm", b"\0asm\x01\0\0\0"),
            ("docs/café.txt", b""),
            ("README.md", b"# hi\n"),
            ("plugin.minisig", b"not counted"),
        ])
        .unwrap();
        assert_eq!(listing.to_text(), VECTOR);
        assert_eq!(listing.content().to_string(), "blake3:415dc2212d1085dd34bb9d8498913dfb2b3e5f52d64458a219f9e447eac2b78c");
        assert_eq!(Listing::parse(VECTOR).unwrap(), listing);
    }

    #[test]
    fn a_listing_has_one_spelling() {
        let unsorted = VECTOR.replace("README.md", "zeta.md");
        for text in [&unsorted, VECTOR.trim_end(), &VECTOR.replace(" 5 ", " 05 "), &VECTOR.replace("/v1", "/v2"), ""] {
            assert!(matches!(Listing::parse(text), Err(ListingError::Syntax(_))), "{text}");
        }
    }

    #[test]
    fn paths_that_leave_are_told_from_names_that_no_system_holds() {
        for path in ["/etc/passwd", "//host/x", "../x", "a/../b", "a\\b", "C:x", "C:/x"] {
            assert!(matches!(path.parse::<PackagePath>(), Err(PathError::Escapes(_))), "{path}");
        }
        let long = "x".repeat(256);
        for path in [
            "",
            ".",
            "a//b",
            "a/",
            "ab:c",
            "nul",
            "NUL.txt",
            "a/com1.x/b",
            "conin$",
            "x.",
            "x ",
            "a\u{202e}b",
            "a\nb",
            "\u{1b}[0m",
            "e\u{301}",
            &long,
        ] {
            assert!(matches!(path.parse::<PackagePath>(), Err(PathError::Name(_))), "{path:?}");
        }
        let deep = vec!["a"; 33].join("/");
        let wide = ["a".repeat(130), "b".repeat(130)].join("/");
        for path in [&deep, &wide] {
            assert!(matches!(path.parse::<PackagePath>(), Err(PathError::Limit(_))), "{path}");
        }
        for path in ["plugin.yaml", ".mfp-ok", "docs/é.txt", "a/b/c", "console.log", &"a".repeat(255)] {
            assert!(path.parse::<PackagePath>().is_ok(), "{path}");
        }
    }

    #[test]
    fn no_two_paths_are_one_on_any_file_system() {
        let duplicate = |files: &[(&str, &[u8])]| matches!(listing(files), Err(ListingError::Duplicate(..)));
        assert!(duplicate(&[("A.txt", b""), ("a.txt", b"")]));
        assert!(duplicate(&[("straße", b""), ("STRASSE", b"")]), "full case folding");
        assert!(duplicate(&[("docs/a", b""), ("Docs/b", b"")]), "folders too");
        let both = |files: &[(&str, &[u8])]| matches!(listing(files), Err(ListingError::FileAndFolder(..)));
        assert!(both(&[("a", b""), ("a/b", b"")]));
        assert!(both(&[("a/b", b""), ("A", b"")]));
    }
}
