//! Who fetches what? Of many processes that miss the same content, the one that has claimed it; the others wait, and find it here.
//!
//! A claim is the operating system's lock on one of 64 empty files, which the content's digest chooses. It ends with
//! its holder, however that ends. A file for each content would have to be deleted again, and a lock on a file that's being
//! deleted locks nothing; it'd also be more open files than some systems allow a process (macOS: 256). So contents share
//! files: sometimes somebody waits for another's content, until that's committed. Nobody deletes the files, not the
//! garbage collector either: it holds the store's own lock alone, so it never meets anybody with a claim at work on an object.
//!
//! Nobody waits for a claim while holding another, so no two can wait for each other: what's free is taken without waiting,
//! and only who got nothing waits, for one.
//!
//! A claim saves a download and nothing else. Who has none verifies and commits in the same way, and whoever comes second
//! finds that it's there. So a file system without locks is no obstacle, and a holder that's stopped is one for a while only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use mfp_model::digest::ContentDigest;

use crate::error::{Result, StoreError};
use crate::file_lock::{FileLock, LockMode};
use crate::fs;
use crate::store::Store;

/// How many files the claims are spread over.
const FILES: u8 = 64;

/// What this process, and no other, is to fetch now.
#[derive(Debug, Default)]
pub struct Claims {
    held: BTreeMap<u8, Claim>,
}

/// The claim of a content, and of those that share its file. It's given back when the last of its clones is dropped, which is
/// when the content is committed.
#[derive(Debug, Clone)]
pub struct Claim {
    _lock: Arc<FileLock>,
}

impl Claims {
    /// The claim of this content, if it was free.
    pub fn of(&self, content: &ContentDigest) -> Option<Claim> {
        self.held.get(&file_of(content)).cloned()
    }

    fn take_free(&mut self, folder: &Path, wanted: &BTreeSet<u8>) -> Result<()> {
        for file in wanted {
            if self.held.contains_key(file) {
                continue;
            }
            if let Some(lock) = FileLock::try_acquire(&path_of(folder, *file), LockMode::Exclusive)? {
                self.hold(*file, lock);
            }
        }
        Ok(())
    }

    fn hold(&mut self, file: u8, lock: FileLock) {
        self.held.insert(file, Claim { _lock: Arc::new(lock) });
    }
}

impl Store {
    /// Claim as many of these contents as are free this very moment. If none is, the first is waited for, as by
    /// [`FileLock::acquire`]. The caller holds no other claims. Whether a content was committed meanwhile is to be looked at
    /// afterwards.
    pub fn claim(
        &self,
        contents: impl IntoIterator<Item = ContentDigest>,
        timeout: Duration,
        on_wait: &mut dyn FnMut(&Path),
    ) -> Result<Claims> {
        let wanted: BTreeSet<u8> = contents.into_iter().map(|content| file_of(&content)).collect();
        let Some(first) = wanted.first().copied() else { return Ok(Claims::default()) };
        let folder = self.claims_path()?;
        let mut claims = Claims::default();
        claims.take_free(&folder, &wanted)?;
        if claims.held.is_empty() {
            claims.hold(first, FileLock::acquire(&path_of(&folder, first), LockMode::Exclusive, timeout, on_wait)?);
            // Who held that one probably held the others too.
            claims.take_free(&folder, &wanted)?;
        }
        Ok(claims)
    }

    /// Where the files are; the folder is made if it's missing.
    fn claims_path(&self) -> Result<PathBuf> {
        if self.is_read_only() {
            return Err(StoreError::ReadOnly { root: self.root().to_owned() });
        }
        let folder = self.root().join("v1").join("claims");
        fs::ensure_dir(&folder, 0o700)?;
        Ok(folder)
    }
}

fn path_of(folder: &Path, file: u8) -> PathBuf {
    folder.join(format!("{file:02x}"))
}

/// Digests are spread evenly, so any of their bits will do.
fn file_of(content: &ContentDigest) -> u8 {
    content.as_bytes()[0] % FILES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreOptions;

    fn content(first: u8) -> ContentDigest {
        ContentDigest::from_hash([first; 32])
    }

    fn store(root: &Path) -> Store {
        Store::open(StoreOptions::new(root)).unwrap()
    }

    fn at_once(store: &Store, contents: &[ContentDigest]) -> Result<Claims> {
        store.claim(contents.iter().copied(), Duration::ZERO, &mut |_| ())
    }

    #[test]
    fn what_is_free_is_claimed_without_waiting_for_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (one, another) = (store(folder.path()), store(folder.path()));
        let (first, second) = (content(1), content(2));
        let held = at_once(&one, &[first]).unwrap();
        let claims = at_once(&another, &[first, second]).unwrap();
        assert!(claims.of(&second).is_some() && claims.of(&first).is_none());
        assert!(at_once(&one, &[second]).is_err(), "it's another's");
        drop((held, claims));
        let claims = at_once(&one, &[first, second]).unwrap();
        assert!(claims.of(&first).is_some() && claims.of(&second).is_some());
        assert!(at_once(&one, &[]).unwrap().of(&first).is_none());
    }

    #[test]
    fn a_claim_is_held_until_its_last_content_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let (one, another) = (store(folder.path()), store(folder.path()));
        let (first, alike) = (content(3), content(3 + FILES));
        let claims = at_once(&one, &[first, alike]).unwrap();
        let (of_first, of_alike) = (claims.of(&first), claims.of(&alike));
        drop((claims, of_first));
        let mut waited = 0;
        let error = another.claim([alike], Duration::from_millis(20), &mut |_| waited += 1).unwrap_err();
        assert_eq!((error.code(), waited), ("mfp::io::lock-timeout", 1));
        drop(of_alike);
        assert!(at_once(&another, &[first]).unwrap().of(&first).is_some());
    }
}
