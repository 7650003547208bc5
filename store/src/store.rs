//! Which plugins does this machine have, and are they still what they were? Objects by content digest.
//!
//! An object is `<root>/v1/content/<first 2 hex>/<hex>/` with `listing`, `files/…` and, beside them, the signatures. It appears by
//! one rename of complete content that was flushed before, so what's there is whole, after a crash too. It's still not
//! believed: whoever reads a file gets a buffer that was compared with the listing, and the listing is compared with the
//! digest when the object is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use mfp_model::content::{FileEntry, Listing, PackagePath, SIGNATURE_FILE, content_of};
use mfp_model::digest::{ContentDigest, FileDigest};

use crate::error::{Result, StoreError};
use crate::file_lock::{FileLock, LockMode};
use crate::fs::{self, At, IoError};
use crate::os;
use crate::tree::{FILES, LISTING, Tree, damaged, read_entry, read_listed, read_sized};
use crate::unpack::MAX_SIGNATURE_BYTES;
use crate::verify::Verified;

/// Signatures kept for one object: it may have been signed again, or by somebody else in another place.
const MAX_SIGNATURES: usize = 16;
/// A listing has at most 10 000 lines of at most 350 bytes.
const MAX_LISTING_BYTES: u64 = 4 << 20;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// Its folder. Made if it's missing, for this user alone.
    pub root: PathBuf,
    /// Only read: the folder must exist, nothing is written to it, and no lock is taken.
    pub read_only: bool,
    /// How long writing waits for a garbage collection to end, where the caller holds no lock of its own.
    pub lock_timeout: Duration,
    /// Who looks at each package before it gets its name.
    pub inspector: Option<Inspector>,
}

/// Somebody who looks at a verified package before it gets its name (a scanner), and may refuse it, saying why.
#[derive(Clone)]
pub struct Inspector(Arc<Inspect>);

type Inspect = dyn Fn(&Tree) -> Result<(), String> + Send + Sync;

impl Inspector {
    /// An inspector who looks in this way. Files that it changes are noticed, and refused.
    pub fn new(inspect: impl Fn(&Tree) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(inspect))
    }
}

impl std::fmt::Debug for Inspector {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Inspector")
    }
}

impl StoreOptions {
    /// A store to read and write, with a wait of one minute.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), read_only: false, lock_timeout: Duration::from_mins(1), inspector: None }
    }
}

/// Verified bytes on this disk. Cheap to clone; used from many threads and processes at once.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: StoreOptions,
    content: PathBuf,
    /// The shared lock, while somebody in this process needs it.
    shared: Mutex<Weak<FileLock>>,
    /// Folders that were seen to exist.
    shards: Mutex<BTreeSet<String>>,
    /// Objects that this process verified and committed itself: their bytes needn't be hashed again to be laid out.
    fresh: Mutex<BTreeSet<ContentDigest>>,
    /// Listings that this process has read and compared with their digests, and how long they are in bytes.
    listings: Mutex<BTreeMap<ContentDigest, (u64, Arc<Listing>)>>,
}

impl Store {
    /// Open a store, and make it if it's missing. Its folder must belong to this user or root, and nobody else may write to it.
    pub fn open(options: StoreOptions) -> Result<Self> {
        let version = options.root.join("v1");
        let content = version.join("content");
        if !options.read_only {
            fs::ensure_dir(&options.root, 0o700)?;
        }
        check_owner(&options.root)?;
        if !options.read_only {
            fs::ensure_dir(&content, 0o755)?;
            fs::ensure_dir(&version.join("staging"), 0o700)?; // what's in it isn't verified yet
        }
        for folder in [&version, &content] {
            if fs::exists(folder)? {
                check_owner(folder)?;
            }
        }
        let inner = Inner {
            options,
            content,
            shared: Mutex::default(),
            shards: Mutex::default(),
            fresh: Mutex::default(),
            listings: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.inner.options.root
    }

    /// Was it opened for reading only?
    pub fn is_read_only(&self) -> bool {
        self.inner.options.read_only
    }

    /// Is there an object with this content? One look at the disk; whether it's intact is seen by [`Store::get`] and by reading.
    pub fn contains(&self, content: &ContentDigest) -> bool {
        self.object_path(content).join(LISTING).symlink_metadata().is_ok_and(|metadata| metadata.is_file())
    }

    /// The object with this content: its listing is read and compared with the digest. Read once: a listing that's this content's
    /// is so for ever, and what it says is held against the files each time they're read. That the object is still there is
    /// looked at each time.
    pub fn get(&self, content: &ContentDigest) -> Result<Option<Stored>> {
        let folder = self.object_path(content);
        let path = folder.join(LISTING);
        let damaged = |what: &str| StoreError::Damaged { content: *content, what: format!("its listing {what}") };
        let size = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) => return Err(damaged("isn't a file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(IoError::new("look at", path, error).into()),
        };
        if size > MAX_LISTING_BYTES {
            return Err(damaged("is too large"));
        }
        let fresh = lock(&self.inner.fresh).contains(content);
        let known = lock(&self.inner.listings).get(content).cloned();
        if let Some((_, listing)) = known.filter(|(known, _)| *known == size) {
            return Ok(Some(Stored { folder, content: *content, listing, fresh }));
        }
        let bytes = read_sized(&path, size).map_err(|how| damaged(&how))?;
        let text = String::from_utf8(bytes).map_err(|_| damaged("isn't text"))?;
        if content_of(&text) != *content {
            return Err(damaged("isn't the one with this digest"));
        }
        let listing = Arc::new(Listing::parse(&text).map_err(|error| damaged(&error.to_string()))?);
        lock(&self.inner.listings).insert(*content, (size, Arc::clone(&listing)));
        Ok(Some(Stored { folder, content: *content, listing, fresh }))
    }

    /// The object with this content, or [`StoreError::Missing`].
    pub fn need(&self, content: &ContentDigest) -> Result<Stored> {
        self.get(content)?.ok_or(StoreError::Missing { content: *content })
    }

    /// Give verified packages their names. Everything of the batch is flushed first, once; then each appears whole. What's there
    /// already, from this process or another, stays, and gains the signature that came with the new one.
    pub fn commit(&self, trees: Vec<Verified<Tree>>) -> Result<()> {
        self.publish(trees, false).map(drop)
    }

    /// [`Store::commit`] of one.
    pub fn insert(&self, tree: Verified<Tree>) -> Result<()> {
        self.commit(vec![tree])
    }

    /// Put verified packages in the place of damaged objects, which go to quarantine. Gives where they are now.
    pub fn replace(&self, trees: Vec<Verified<Tree>>) -> Result<Vec<PathBuf>> {
        self.publish(trees, true)
    }

    /// Gives what had to go to quarantine.
    fn publish(&self, trees: Vec<Verified<Tree>>, replacing: bool) -> Result<Vec<PathBuf>> {
        let lock_held = self.hold()?;
        let mut fresh = Vec::new();
        for tree in trees {
            let tree = tree.into_inner();
            if !replacing && self.contains(&tree.content()) {
                self.add_signature(&tree)?;
            } else {
                fresh.push(tree);
            }
        }
        let mut moved = Vec::new();
        if fresh.is_empty() {
            return Ok(moved);
        }
        fresh.iter().try_for_each(|tree| self.inspect(tree))?;
        self.flush(&fresh)?;
        let mut parents = BTreeSet::new();
        for tree in fresh {
            parents.insert(self.name(tree, replacing, &mut moved)?);
        }
        self.flush_folders(&parents)?;
        drop(lock_held);
        Ok(moved)
    }

    /// Let the inspector look at it, and look oneself whether it's still what was verified: a scanner is another program.
    fn inspect(&self, tree: &Tree) -> Result<()> {
        let Some(Inspector(inspect)) = &self.inner.options.inspector else { return Ok(()) };
        inspect(tree).map_err(|why| StoreError::Refused { content: tree.content(), why })?;
        tree.listing().iter().try_for_each(|(path, _)| tree.read(path.as_str()).map(drop))
    }

    /// Rename a flushed tree to its name. Gives the folder that it's in now.
    fn name(&self, tree: Tree, replacing: bool, moved: &mut Vec<PathBuf>) -> Result<PathBuf> {
        let content = tree.content();
        let target = self.object_path(&content);
        let parent = self.shard(&content)?;
        if replacing && fs::exists(&target)? {
            moved.push(self.quarantine(&content)?);
        }
        let mut renamed = std::fs::rename(tree.staging.path(), &target);
        if renamed.as_ref().is_err_and(is_occupied) && !self.contains(&content) {
            moved.push(self.quarantine(&content)?); // something without a listing: no object of ours
            renamed = std::fs::rename(tree.staging.path(), &target);
        }
        match renamed {
            Ok(()) => {
                tree.staging.forget();
                lock(&self.inner.fresh).insert(content);
            }
            // Somebody else was faster with the same content.
            Err(error) if is_occupied(&error) => self.add_signature(&tree)?,
            Err(error) => return Err(IoError::new("rename a folder to", target, error).into()),
        }
        Ok(parent)
    }

    /// Make every byte of these trees outlive a crash: one `syncfs`, or else each file and folder alone.
    fn flush(&self, trees: &[Tree]) -> Result<()> {
        if os::sync_file_system(&self.inner.content).is_ok() {
            return Ok(());
        }
        Ok(trees.iter().try_for_each(|tree| fs::flush_each(tree.staging.path()))?)
    }

    fn flush_folders(&self, folders: &BTreeSet<PathBuf>) -> Result<()> {
        const FEW: usize = 4;
        if folders.len() > FEW && os::sync_file_system(&self.inner.content).is_ok() {
            return Ok(());
        }
        for folder in folders.iter().chain([&self.inner.content]) {
            os::sync_dir(folder).at("flush", folder)?;
        }
        Ok(())
    }

    /// The folder for objects whose digest begins alike; made if it's missing.
    fn shard(&self, content: &ContentDigest) -> Result<PathBuf> {
        let hex = content.hex();
        let folder = self.inner.content.join(&hex[..2]);
        let mut shards = lock(&self.inner.shards);
        if !shards.contains(&hex[..2]) {
            fs::ensure_dir(&folder, 0o755)?;
            shards.insert(hex[..2].to_owned());
        }
        Ok(folder)
    }

    /// Keep the signature of a package whose content is there already. Anyone can make worthless ones for it, so that there's no
    /// room: then another one goes.
    fn add_signature(&self, tree: &Tree) -> Result<()> {
        let Some(signature) = tree.signature() else { return Ok(()) };
        let folder = self.object_path(&tree.content());
        if signatures_in(&folder)?.iter().any(|known| known == signature) {
            return Ok(());
        }
        let names = signature_names(&folder)?;
        for name in names.iter().skip(MAX_SIGNATURES - 1) {
            let path = folder.join(name);
            std::fs::remove_file(&path).at("delete", &path)?;
        }
        let name = if fs::exists(&folder.join(SIGNATURE_FILE))? {
            format!("plugin.{}.minisig", &FileDigest::of(signature.as_bytes()).hex()[..16])
        } else {
            SIGNATURE_FILE.to_owned()
        };
        Ok(fs::write_atomic(&folder.join(name), signature.as_bytes())?)
    }

    /// Hold the lock that keeps the garbage collector away, shared with everybody else who reads and writes. Whoever needs
    /// objects to stay (from looking them up until they're laid out or loaded) holds this meanwhile.
    pub fn share(&self, timeout: Duration, on_wait: &mut dyn FnMut(&Path)) -> Result<StoreGuard> {
        if self.is_read_only() {
            return Ok(StoreGuard { _lock: None });
        }
        Ok(StoreGuard { _lock: Some(self.hold_for(timeout, on_wait)?) })
    }

    /// The shared lock, for writing.
    pub(crate) fn hold(&self) -> Result<Arc<FileLock>> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly { root: self.root().to_owned() });
        }
        self.hold_for(self.inner.options.lock_timeout, &mut |_| ())
    }

    fn hold_for(&self, timeout: Duration, on_wait: &mut dyn FnMut(&Path)) -> Result<Arc<FileLock>> {
        let mut shared = lock(&self.inner.shared);
        if let Some(held) = shared.upgrade() {
            return Ok(held);
        }
        self.sweep_if_alone()?;
        let held = Arc::new(FileLock::acquire(&self.lock_path(), LockMode::Shared, timeout, on_wait)?);
        *shared = Arc::downgrade(&held);
        Ok(held)
    }

    /// Delete what killed processes left in staging, if there is something and nobody is at work.
    fn sweep_if_alone(&self) -> Result<()> {
        let staging = self.inner.options.root.join("v1").join("staging");
        let is_empty = std::fs::read_dir(&staging).at("list", &staging)?.next().is_none();
        if is_empty {
            return Ok(());
        }
        match FileLock::try_acquire(&self.lock_path(), LockMode::Exclusive)? {
            Some(alone) if alone.skipped().is_none() => self.sweep(),
            _ => Ok(()),
        }
    }

    /// Delete everything in staging. The caller holds the exclusive lock.
    pub(crate) fn sweep(&self) -> Result<()> {
        let staging = self.staging_path()?;
        for entry in std::fs::read_dir(&staging).at("list", &staging)? {
            fs::remove_dir_all(&entry.at("list", &staging)?.path())?;
        }
        Ok(())
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.inner.options.root.join("v1").join("lock")
    }

    pub(crate) fn staging_path(&self) -> Result<PathBuf> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly { root: self.root().to_owned() });
        }
        Ok(self.inner.options.root.join("v1").join("staging"))
    }

    pub(crate) fn content_path(&self) -> &Path {
        &self.inner.content
    }

    pub(crate) fn object_path(&self, content: &ContentDigest) -> PathBuf {
        let hex = content.hex();
        self.inner.content.join(&hex[..2]).join(hex)
    }

    /// It's no longer there, or no longer believed.
    pub(crate) fn forget(&self, content: &ContentDigest) {
        lock(&self.inner.fresh).remove(content);
    }

    /// Move an object out of the way, to be looked at by a person. Gives where it is now.
    pub(crate) fn quarantine(&self, content: &ContentDigest) -> Result<PathBuf> {
        self.forget(content);
        let quarantine = self.inner.options.root.join("v1").join("quarantine");
        fs::ensure_dir(&quarantine, 0o755)?;
        let place =
            tempfile::Builder::new().prefix(&format!("{}-", content.hex())).tempdir_in(&quarantine).at("make a folder in", &quarantine)?;
        let from = self.object_path(content);
        let to = place.keep().join("object");
        std::fs::rename(&from, &to).at("move", &from)?;
        Ok(to)
    }
}

/// Keeps stored objects where they are until it's dropped.
#[derive(Debug)]
pub struct StoreGuard {
    _lock: Option<Arc<FileLock>>,
}

/// An object of the store whose listing is the one with its digest.
#[derive(Debug, Clone)]
pub struct Stored {
    folder: PathBuf,
    content: ContentDigest,
    listing: Arc<Listing>,
    fresh: bool,
}

impl Stored {
    /// Its content digest.
    pub fn content(&self) -> ContentDigest {
        self.content
    }

    /// Its files with their digests.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// The bytes of one file: read once into memory, and that very buffer compared with the listing by size and BLAKE3.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        read_listed(&self.files_path(), &self.listing, self.content, path)
    }

    /// Fill the buffer with one file of the listing and compare it. Gives what the file was when it was opened.
    pub(crate) fn read_into(&self, path: &PackagePath, entry: &FileEntry, buffer: &mut Vec<u8>) -> Result<Metadata> {
        read_entry(&self.file_path(path), entry, buffer).map_err(|how| damaged(self.content, path, &how))
    }

    /// Where one file is, to be linked or cloned; its bytes aren't checked by this.
    pub fn file_path(&self, path: &PackagePath) -> PathBuf {
        self.files_path().join(path.as_str())
    }

    /// Where its files are.
    pub fn files_path(&self) -> PathBuf {
        self.folder.join(FILES)
    }

    /// The texts of all signatures that came with this content, the first one first. Whether they're good isn't asked here.
    pub fn signatures(&self) -> Result<Vec<String>> {
        signatures_in(&self.folder)
    }

    /// Re-hash every file; the first that isn't what the listing says is the error.
    pub fn check(&self) -> Result<()> {
        self.listing.iter().try_for_each(|(path, _)| self.read(path.as_str()).map(drop))
    }

    /// Did this process verify and write it, a moment ago?
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// A lock on memory; a thread that panicked while holding it left a set that's only a cache.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn check_owner(folder: &Path) -> Result<()> {
    let metadata = folder.metadata().at("open the store", folder)?;
    let why = if metadata.is_dir() { os::who_else_writes(&metadata) } else { Some("it isn't a folder".to_owned()) };
    match why {
        Some(why) => Err(StoreError::Untrusted { path: folder.to_owned(), why }),
        None => Ok(()),
    }
}

fn is_occupied(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists)
}

/// The names of the files that hold signatures, the first one first.
fn signature_names(folder: &Path) -> Result<Vec<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder).at("list", folder)? {
        let name = entry.at("list", folder)?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("plugin.") && name.ends_with(".minisig") {
            names.insert((name != SIGNATURE_FILE, name.into_owned()));
        }
    }
    Ok(names.into_iter().map(|(_, name)| name).collect())
}

fn signatures_in(folder: &Path) -> Result<Vec<String>> {
    let mut signatures = Vec::new();
    for name in signature_names(folder)?.into_iter().take(MAX_SIGNATURES) {
        let path = folder.join(name);
        let size = path.symlink_metadata().at("look at", &path)?.len();
        // A signature proves itself or doesn't; what can't be read as one is as good as none.
        if let Some(text) = (size <= MAX_SIGNATURE_BYTES).then(|| read_sized(&path, size).ok()).flatten() {
            signatures.extend(String::from_utf8(text));
        }
    }
    Ok(signatures)
}
