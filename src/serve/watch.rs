//! Has the lock changed? A look at two files now and then: no library, no event that one system has and another lacks.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::project::{LOCK, MANIFEST};

/// What a look at a file tells. A file that's replaced by a rename has another number even in the same instant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    number: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), length: metadata.len(), number: number(&metadata) })
    }
}

#[cfg(unix)]
fn number(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &std::fs::Metadata) -> u64 {
    0
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    lock: Option<Stamp>,
    manifest: Option<Stamp>,
}

/// Sees when plugins are to be loaded again.
#[derive(Debug)]
pub(crate) struct Watch {
    root: PathBuf,
    /// As it was before the last time that plugins were loaded.
    tried: Look,
    /// As it was at the last look.
    seen: Look,
    /// The last time failed: then a changed manifest may help as well.
    failed: bool,
}

impl Watch {
    /// Watch a project. To be made after `sync` wrote its files, and before they're read.
    pub(crate) fn new(root: &Path) -> Self {
        let look = look(root);
        Self { root: root.to_owned(), tried: look.clone(), seen: look, failed: false }
    }

    /// Look. True once the files are others than those that were tried, and the same as at the last look: whoever writes
    /// them may take more than an instant.
    pub(crate) fn has_changed(&mut self) -> bool {
        let now = look(&self.root);
        let is_new = now.lock != self.tried.lock || (self.failed && now.manifest != self.tried.manifest);
        let is_settled = now == self.seen;
        self.seen = now;
        is_new && is_settled
    }

    /// They're about to be read.
    pub(crate) fn trying(&mut self) {
        self.tried = look(&self.root);
    }

    /// And whether that worked.
    pub(crate) fn tried(&mut self, worked: bool) {
        self.failed = !worked;
    }
}

fn look(root: &Path) -> Look {
    Look { lock: Stamp::of(&root.join(LOCK)), manifest: Stamp::of(&root.join(MANIFEST)) }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test writes files as it likes")]
mod tests {
    use super::*;

    #[test]
    fn a_changed_lock_is_seen_once_it_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join(LOCK);
        std::fs::write(&lock, "a").unwrap();
        let mut watch = Watch::new(folder.path());
        assert!(!watch.has_changed());
        std::fs::write(&lock, "ab").unwrap();
        assert!(!watch.has_changed(), "it may still be written");
        assert!(watch.has_changed());
        watch.trying();
        watch.tried(true);
        assert!(!watch.has_changed());
        std::fs::write(folder.path().join("new"), "cd").unwrap();
        std::fs::rename(folder.path().join("new"), &lock).unwrap();
        assert!(!watch.has_changed() && watch.has_changed(), "the same length, another file");
    }

    #[test]
    fn a_changed_manifest_counts_after_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join(MANIFEST);
        let mut watch = Watch::new(folder.path());
        std::fs::write(&manifest, "a").unwrap();
        assert!(!watch.has_changed() && !watch.has_changed());
        watch.trying();
        watch.tried(false);
        std::fs::write(&manifest, "ab").unwrap();
        assert!(!watch.has_changed() && watch.has_changed());
    }
}
