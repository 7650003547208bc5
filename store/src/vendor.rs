//! How do a project's plugins travel with the project? A folder keyed by content: written by `mfp vendor`, read like a registry
//! that can't lie.
//!
//! ```text
//! <dir>/vendor.json                  content → name, version; for people, and to know what mfp wrote
//! <dir>/.gitattributes               `* -text`: git leaves the bytes alone
//! <dir>/content/<blake3 hex>/…       the package set, and plugin.minisig
//! ```
//!
//! Nothing in it is believed: what's read from it is hashed and must be the content that was asked for.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use mfp_model::content::{FileEntry, Listing, PackagePath, SIGNATURE_FILE};
use mfp_model::digest::{ContentDigest, FileDigest};
use mfp_model::name::PluginName;
use mfp_model::version::Version;
use serde::{Deserialize, Serialize};

use crate::error::{Result, StoreError};
use crate::fs::{self, At, IoError};
use crate::os;
use crate::store::{Store, Stored};
use crate::tree::Tree;
use crate::unpack::{ArchiveClass, ArchiveError, MAX_FILE_BYTES, MAX_SIGNATURE_BYTES};
use crate::verify::{Expected, IntegrityError, Verified};
use crate::walk::{self, Kind};

/// The folder's record.
pub const VENDOR_FILE: &str = "vendor.json";
const ATTRIBUTES_FILE: &str = ".gitattributes";
const ATTRIBUTES: &str = "* -text\n";
const CONTENT: &str = "content";
const STAGING_PREFIX: &str = ".mfp-staging-";
const VERSION: u32 = 1;

/// A plugin to vendor.
#[derive(Debug, Clone)]
pub struct VendorItem {
    /// The plugin's id.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// Its content, which must be in the store.
    pub content: ContentDigest,
    /// The text of the signature that goes with it, if there's one.
    pub signature: Option<String>,
}

/// What a write did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vendored {
    /// Contents that were written.
    pub written: Vec<ContentDigest>,
    /// Contents that were there already, intact.
    pub kept: Vec<ContentDigest>,
    /// Contents that are no longer wanted and were deleted.
    pub removed: Vec<ContentDigest>,
    /// Contents that are no longer wanted and whose folder is left, since something in it isn't mfp's.
    pub left: Vec<PathBuf>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    contents: BTreeMap<ContentDigest, WireItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireItem {
    name: PluginName,
    version: Version,
}

impl Wire {
    fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(VENDOR_FILE);
        if !fs::exists(&path)? {
            return Ok(None);
        }
        let refuse = |why: String| StoreError::Record { path: path.clone(), why };
        if !path.symlink_metadata().at("look at", &path)?.is_file() {
            return Err(refuse("it isn't a regular file".to_owned()));
        }
        let bytes = std::fs::read(&path).at("read", &path)?;
        let wire: Self = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        if wire.version != VERSION {
            return Err(refuse(format!("it has version {}, and this mfp knows version {VERSION}", wire.version)));
        }
        Ok(Some(wire))
    }
}

/// Make the folder hold exactly these plugins. Existing intact contents stay as they are; contents that mfp wrote before and that
/// aren't wanted any more go; anything else in the folder is left alone, and is an error where it's in the way.
pub fn write(folder: &Path, items: &[VendorItem], store: &Store) -> Result<Vendored> {
    fs::ensure_dir(folder, 0o777)?;
    let before = Wire::load(folder)?.unwrap_or_default();
    write_attributes(folder)?;
    let content = folder.join(CONTENT);
    real_folder(&content)?;
    let staging = tempfile::Builder::new().prefix(STAGING_PREFIX).tempdir_in(folder).at("make a folder in", folder)?;
    let mut done = Vendored::default();
    let mut after = Wire { version: VERSION, contents: BTreeMap::new() };
    for item in items {
        let known = after.contents.insert(item.content, WireItem { name: item.name.clone(), version: item.version.clone() });
        if known.is_none() {
            build_item(&content, staging.path(), item, store, &mut done)?;
        }
    }
    if !done.written.is_empty() {
        fs::flush_all(staging.path())?;
    }
    for built in &done.written {
        let target = content.join(built.hex());
        std::fs::rename(staging.path().join(built.hex()), &target).at("rename a folder to", &target)?;
    }
    for unwanted in before.contents.keys().filter(|content| !after.contents.contains_key(content)) {
        remove_item(&content, unwanted, store, &mut done)?;
    }
    let mut text = serde_json::to_vec_pretty(&after).expect("strings in maps with string keys");
    text.push(b'\n');
    let path = folder.join(VENDOR_FILE);
    if std::fs::read(&path).is_ok_and(|old| old == text) {
        return Ok(done);
    }
    fs::write_atomic(&path, &text)?;
    Ok(done)
}

/// Without it, git could change line ends, and then no digest fits.
fn write_attributes(folder: &Path) -> Result<()> {
    let path = folder.join(ATTRIBUTES_FILE);
    if !fs::exists(&path)? {
        return Ok(fs::write_atomic(&path, ATTRIBUTES.as_bytes())?);
    }
    let text = std::fs::read_to_string(&path).at("read", &path)?;
    if text.lines().any(|line| line.trim() == ATTRIBUTES.trim()) {
        return Ok(());
    }
    Err(StoreError::Foreign { path, why: "it needs the line `* -text`, and has others" })
}

fn real_folder(path: &Path) -> Result<()> {
    fs::ensure_dir(path, 0o777)?;
    if walk::is_real_folder(path)? {
        return Ok(());
    }
    Err(StoreError::Foreign { path: path.to_owned(), why: "it isn't a folder" })
}

/// Build a content beside, unless it's there intact; what's there damaged goes.
fn build_item(folder: &Path, staging: &Path, item: &VendorItem, store: &Store, done: &mut Vendored) -> Result<()> {
    let stored = store.need(&item.content)?;
    let target = folder.join(item.content.hex());
    if fs::exists(&target)? {
        if is_intact(&target, &stored, item.signature.as_deref())? {
            done.kept.push(item.content);
            return Ok(());
        }
        clear(&target, &stored)?;
    }
    let built = staging.join(item.content.hex());
    os::create_dir(&built, 0o777).at("make the folder", &built)?;
    for (path, _) in stored.listing().iter() {
        write_file(&built, path.as_str(), &stored.read(path.as_str())?)?;
    }
    if let Some(signature) = &item.signature {
        write_file(&built, SIGNATURE_FILE, signature.as_bytes())?;
    }
    done.written.push(item.content);
    Ok(())
}

fn write_file(folder: &Path, path: &str, bytes: &[u8]) -> Result<()> {
    let target = folder.join(path);
    if let Some(parent) = target.parent() {
        fs::ensure_dir(parent, 0o777)?;
    }
    let mut file = os::create_new(&target, 0o666).at("write", &target)?;
    Ok(file.write_all(bytes).at("write", &target)?)
}

/// The files that a content's folder may have.
fn own_files(stored: &Stored) -> Vec<PackagePath> {
    let signature = SIGNATURE_FILE.parse().expect("it's a path");
    stored.listing().iter().map(|(path, _)| path.clone()).chain([signature]).collect()
}

fn is_intact(target: &Path, stored: &Stored, signature: Option<&str>) -> Result<bool> {
    if !walk::is_real_folder(target)? || !walk::extras(target, &own_files(stored))?.is_empty() {
        return Ok(false);
    }
    let found = std::fs::read(target.join(SIGNATURE_FILE)).ok();
    if found.as_deref() != signature.map(str::as_bytes) {
        return Ok(false);
    }
    let same = |path: &PackagePath, size| {
        let bytes = crate::tree::read_sized(&target.join(path.as_str()), size).ok();
        bytes.map(|bytes| FileDigest::of(&bytes))
    };
    Ok(stored.listing().iter().all(|(path, entry)| same(path, entry.size) == Some(entry.digest)))
}

/// Delete a damaged content, unless there's something in it that isn't mfp's.
fn clear(target: &Path, stored: &Stored) -> Result<()> {
    let foreign = |path, why| Err(StoreError::Foreign { path, why });
    if !walk::is_real_folder(target)? {
        return foreign(target.to_owned(), "it stands where vendored content would be");
    }
    let own = own_files(stored);
    if let Some(path) = walk::extras(target, &own)?.into_iter().next() {
        return foreign(path, "it's among vendored content, and isn't part of it");
    }
    walk::remove_ours(target, &own).map(drop)
}

/// Delete a content that mfp wrote, if its folder is still nothing but that.
fn remove_item(folder: &Path, content: &ContentDigest, store: &Store, done: &mut Vendored) -> Result<()> {
    let target = folder.join(content.hex());
    if !fs::exists(&target)? {
        return Ok(());
    }
    match read_item(&target, *content, store) {
        Ok(tree) => {
            let mut own: Vec<PackagePath> = tree.listing().iter().map(|(path, _)| path.clone()).collect();
            own.push(SIGNATURE_FILE.parse().expect("it's a path"));
            if walk::remove_ours(&target, &own)? {
                done.removed.push(*content);
                return Ok(());
            }
        }
        Err(StoreError::Integrity(_) | StoreError::Archive(_) | StoreError::Foreign { .. }) => (),
        Err(error) => return Err(error),
    }
    done.left.push(target);
    Ok(())
}

/// Read and verify one content's folder.
fn read_item(target: &Path, content: ContentDigest, store: &Store) -> Result<Verified<Tree>> {
    store.ingest_folder(item_files(target)?, &Expected::Locked { content, artifact: None })
}

/// The files of one content's folder. Anything but files and folders is an error.
fn item_files(target: &Path) -> Result<Vec<(PackagePath, PathBuf)>> {
    if !walk::is_real_folder(target)? {
        return Err(StoreError::Foreign { path: target.to_owned(), why: "vendored content is a folder" });
    }
    let mut files = Vec::new();
    for found in walk::walk(target)? {
        let member = found.relative.as_bytes();
        match found.kind {
            Kind::Folder => (),
            Kind::File => {
                let path: PackagePath = found.relative.parse().map_err(|error| ArchiveError::path(member, &error))?;
                files.push((path, found.path));
            }
            Kind::Other => return Err(ArchiveError::member(ArchiveClass::Link, member, "a link or a device").into()),
        }
    }
    Ok(files)
}

/// What one file is, as a listing has it.
fn entry_of(path: &PackagePath, source: &Path) -> Result<FileEntry> {
    let size = source.symlink_metadata().at("look at", source)?.len();
    if size > MAX_FILE_BYTES {
        return Err(ArchiveError::member(ArchiveClass::Limit, path.as_str().as_bytes(), "larger than a file may be").into());
    }
    let changing = |_| StoreError::Foreign { path: source.to_owned(), why: "it changes while it's read" };
    let bytes = crate::tree::read_sized(source, size).map_err(changing)?;
    Ok(FileEntry { digest: FileDigest::of(&bytes), size })
}

/// A vendored folder to take plugins from.
#[derive(Debug)]
pub struct Vendor {
    folder: PathBuf,
    wire: Wire,
}

impl Vendor {
    /// Open a vendored folder; without its `vendor.json` it's none.
    pub fn open(folder: &Path) -> Result<Self> {
        match Wire::load(folder)? {
            Some(wire) => Ok(Self { folder: folder.to_owned(), wire }),
            None => Err(IoError::new("read", folder.join(VENDOR_FILE), std::io::ErrorKind::NotFound.into()).into()),
        }
    }

    /// What it says it has: contents with the plugin's id and version, which are for people.
    pub fn contents(&self) -> impl Iterator<Item = (&ContentDigest, &PluginName, &Version)> {
        self.wire.contents.iter().map(|(content, item)| (content, &item.name, &item.version))
    }

    /// Is there a folder for this content?
    pub fn contains(&self, content: &ContentDigest) -> bool {
        walk::is_real_folder(&self.content_path(content)).unwrap_or(false)
    }

    /// Read this content: every file is hashed, the listing computed anew and compared with the digest. Links are errors.
    /// [`StoreError::Missing`] if there's no folder for it.
    pub fn ingest(&self, store: &Store, content: &ContentDigest) -> Result<Verified<Tree>> {
        if !self.contains(content) {
            return Err(StoreError::Missing { content: *content });
        }
        read_item(&self.content_path(content), *content, store)
    }

    /// Is this content's folder what its digest says? Every file is hashed; nothing is written anywhere.
    pub fn check(&self, content: &ContentDigest) -> Result<()> {
        let files = item_files(&self.content_path(content))?;
        let entries = files.into_iter().filter(|(path, _)| path.as_str() != SIGNATURE_FILE);
        let entries = entries.map(|(path, source)| Ok((entry_of(&path, &source)?, path))).collect::<Result<Vec<_>>>()?;
        let listing = Listing::new(entries.into_iter().map(|(entry, path)| (path, entry)));
        match listing.map(|listing| listing.content()) {
            Ok(computed) if computed == *content => Ok(()),
            Ok(computed) => Err(IntegrityError::Content { expected: *content, computed }.into()),
            Err(_) => Err(StoreError::Damaged { content: *content, what: "its files aren't one package".to_owned() }),
        }
    }

    /// The text of the signature beside this content, if there's one that can be read. Whether it's good isn't asked here.
    pub fn signature(&self, content: &ContentDigest) -> Option<String> {
        let path = self.content_path(content).join(SIGNATURE_FILE);
        let size = path.symlink_metadata().ok()?.len();
        let bytes = (size <= MAX_SIGNATURE_BYTES).then(|| crate::tree::read_sized(&path, size).ok()).flatten()?;
        String::from_utf8(bytes).ok()
    }

    fn content_path(&self, content: &ContentDigest) -> PathBuf {
        self.folder.join(CONTENT).join(content.hex())
    }
}
