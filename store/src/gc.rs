//! What does the store hold, what of it is still needed, and is all of it intact? Sizes, deletion, re-hashing.
//!
//! Whatever deletes or moves objects holds the store's lock alone, so nobody's staging and nobody's lookup is pulled away.
//! An object goes by a rename into staging first: a kill in between leaves no half of one under its name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mfp_model::digest::ContentDigest;

use crate::error::{Result, StoreError};
use crate::file_lock::{FileLock, LockMode};
use crate::fs::{self, At};
use crate::store::Store;

/// What a store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// How many objects.
    pub contents: u64,
    /// How many files in them, listings and signatures too.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// What a check of the whole store found.
#[derive(Debug, Default)]
pub struct StoreCheck {
    /// Objects that are intact.
    pub intact: u64,
    /// Objects that weren't: which, how, and where they were moved to.
    pub damaged: Vec<DamagedObject>,
}

/// An object that failed a check.
#[derive(Debug)]
pub struct DamagedObject {
    /// Its digest.
    pub content: ContentDigest,
    /// What's wrong with it.
    pub error: StoreError,
    /// Where it was moved, in the store's quarantine.
    pub moved_to: PathBuf,
}

impl Store {
    /// All contents that have an object, sorted.
    pub fn contents(&self) -> Result<BTreeSet<ContentDigest>> {
        let mut contents = BTreeSet::new();
        for shard in children(self.content_path())? {
            for object in children(&shard)? {
                let name = object.file_name().map(|name| format!("blake3:{}", name.to_string_lossy()));
                contents.extend(name.and_then(|name| name.parse::<ContentDigest>().ok()));
            }
        }
        Ok(contents)
    }

    /// How much there is. Takes no lock, so what comes and goes meanwhile is counted or not.
    pub fn size(&self) -> Result<StoreSize> {
        let mut size = StoreSize::default();
        for content in self.contents()? {
            size.contents += 1;
            measure(&self.object_path(&content), &mut size)?;
        }
        Ok(size)
    }

    /// Delete everything: objects, staging, quarantine.
    pub fn clean(&self, timeout: Duration, on_wait: &mut dyn FnMut(&Path)) -> Result<StoreSize> {
        let gone = self.prune(&BTreeSet::new(), timeout, on_wait)?;
        fs::remove_dir_all(&self.root().join("v1").join("quarantine"))?;
        Ok(gone)
    }

    /// Delete all objects but these, and whatever killed processes left in staging. Gives what was deleted.
    pub fn prune(&self, keep: &BTreeSet<ContentDigest>, timeout: Duration, on_wait: &mut dyn FnMut(&Path)) -> Result<StoreSize> {
        let _alone = self.alone(timeout, on_wait)?;
        let mut gone = StoreSize::default();
        for content in self.contents()?.difference(keep) {
            let path = self.object_path(content);
            gone.contents += 1;
            measure(&path, &mut gone)?;
            self.forget(content);
            let away = self.staging_path()?.join(content.hex());
            fs::remove_dir_all(&away)?;
            std::fs::rename(&path, &away).at("move", &path)?;
            fs::remove_dir_all(&away)?;
        }
        self.sweep()?;
        Ok(gone)
    }

    /// Re-hash everything; what's damaged is moved to quarantine, so that the next `sync` fetches it again.
    pub fn verify_all(&self, timeout: Duration, on_wait: &mut dyn FnMut(&Path)) -> Result<StoreCheck> {
        let _alone = self.alone(timeout, on_wait)?;
        let mut check = StoreCheck::default();
        for content in self.contents()? {
            match self.need(&content).and_then(|stored| stored.check()) {
                Ok(()) => check.intact += 1,
                Err(error @ (StoreError::Damaged { .. } | StoreError::Missing { .. })) => {
                    let moved_to = self.quarantine(&content)?;
                    check.damaged.push(DamagedObject { content, error, moved_to });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(check)
    }

    fn alone(&self, timeout: Duration, on_wait: &mut dyn FnMut(&Path)) -> Result<FileLock> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly { root: self.root().to_owned() });
        }
        Ok(FileLock::acquire(&self.lock_path(), LockMode::Exclusive, timeout, on_wait)?)
    }
}

fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).at("list", folder)?;
    Ok(entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>().at("list", folder)?)
}

fn measure(path: &Path, size: &mut StoreSize) -> Result<()> {
    let metadata = path.symlink_metadata().at("look at", path)?;
    if metadata.is_dir() {
        return children(path)?.iter().try_for_each(|child| measure(child, size));
    }
    size.files += 1;
    size.bytes += metadata.len();
    Ok(())
}
