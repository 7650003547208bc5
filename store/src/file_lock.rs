//! Who may touch this now? A lock on a file, shared or exclusive, that's waited for with a word and within a bound.
//!
//! The locks are the operating system's (they end with the process, however it ends) and advisory. Where there can be no
//! lock (a read-only store, a network file system without locks) nothing is locked, and the answer says so in its type.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::fs::{At, IoError};

/// How a lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockMode {
    /// Together with other shared holders.
    Shared,
    /// Alone.
    Exclusive,
}

/// Why a lock wasn't got.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it, and the time was up.
    #[error("waited {} s for the lock `{}`, which another process holds", waited.as_secs(), path.display())]
    Timeout {
        /// The lock's file.
        path: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The lock's file couldn't be opened or locked.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl LockError {
    /// The stable code: `mfp::io::lock-timeout`, or the I/O error's own.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "mfp::io::lock-timeout",
            Self::Io(error) => error.code(),
        }
    }

    /// mfp's exit code for local I/O.
    pub fn exit_code(&self) -> u8 {
        8
    }
}

/// Why there's no lock and none is needed, or none to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLock {
    /// The place is read-only: nothing that this process does there needs a lock.
    ReadOnly,
    /// The file system has no locks.
    Unsupported,
}

/// A lock; it's given back when this is dropped.
#[derive(Debug)]
pub struct FileLock {
    held: Result<File, NoLock>,
    path: PathBuf,
}

impl FileLock {
    /// Take the lock on the file at `path`, which is made if it's missing (its folder must exist). If somebody else holds it,
    /// `on_wait` is called once with the path, and it's tried again until `timeout` is over.
    pub fn acquire(path: &Path, mode: LockMode, timeout: Duration, on_wait: &mut dyn FnMut(&Path)) -> Result<Self, LockError> {
        let file = match open(path) {
            Ok(file) => file,
            Err(error) if is_read_only(&error) => return Ok(Self { held: Err(NoLock::ReadOnly), path: path.to_owned() }),
            Err(error) => return Err(IoError::new("open the lock", path, error).into()),
        };
        let held = wait(&file, path, mode, timeout, on_wait)?.map(|()| file);
        Ok(Self { held, path: path.to_owned() })
    }

    /// Take the lock if it's free this very moment.
    pub fn try_acquire(path: &Path, mode: LockMode) -> Result<Option<Self>, LockError> {
        match Self::acquire(path, mode, Duration::ZERO, &mut |_| ()) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Timeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Why nothing is locked, if that's so.
    pub fn skipped(&self) -> Option<NoLock> {
        self.held.as_ref().err().copied()
    }

    /// The lock's file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

fn wait(
    file: &File,
    path: &Path,
    mode: LockMode,
    timeout: Duration,
    on_wait: &mut dyn FnMut(&Path),
) -> Result<Result<(), NoLock>, LockError> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(2);
    let mut announced = false;
    loop {
        let tried = match mode {
            LockMode::Shared => file.try_lock_shared(),
            LockMode::Exclusive => file.try_lock(),
        };
        match tried {
            Ok(()) => return Ok(Ok(())),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(Err(NoLock::Unsupported)),
            Err(TryLockError::Error(error)) => return Err(error).at("lock", path)?,
            Err(TryLockError::WouldBlock) => (),
        }
        let waited = begun.elapsed();
        if waited >= timeout {
            return Err(LockError::Timeout { path: path.to_owned(), waited });
        }
        if !announced {
            on_wait(path);
            announced = true;
        }
        std::thread::sleep(pause.min(timeout.saturating_sub(waited)));
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quietly(path: &Path, mode: LockMode, milliseconds: u64) -> Result<FileLock, LockError> {
        FileLock::acquire(path, mode, Duration::from_millis(milliseconds), &mut |_| ())
    }

    #[test]
    fn a_holder_who_never_lets_go_is_announced_once_and_bounds_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let _held = quietly(&path, LockMode::Exclusive, 0).unwrap();
        let mut announced = Vec::new();
        let begun = Instant::now();
        let error = FileLock::acquire(&path, LockMode::Shared, Duration::from_millis(150), &mut |path| announced.push(path.to_owned()))
            .unwrap_err();
        assert!((150..2_000).contains(&begun.elapsed().as_millis()));
        assert_eq!(announced, std::slice::from_ref(&path));
        assert_eq!((error.code(), error.exit_code()), ("mfp::io::lock-timeout", 8));
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }

    #[test]
    fn shared_holders_stand_together_and_a_freed_lock_is_got() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = quietly(&path, LockMode::Shared, 0).unwrap();
        let second = quietly(&path, LockMode::Shared, 0).unwrap();
        assert!(FileLock::try_acquire(&path, LockMode::Exclusive).unwrap().is_none());
        drop(first);
        let waiter = std::thread::spawn({
            let path = path.clone();
            move || quietly(&path, LockMode::Exclusive, 5_000).map(|lock| lock.skipped())
        });
        std::thread::sleep(Duration::from_millis(20));
        drop(second);
        assert_eq!(waiter.join().unwrap().unwrap(), None);
    }
}
