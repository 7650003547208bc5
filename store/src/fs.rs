//! How is a file written so that a reader, or a crash, sees either the old one or the new one? And what does the system's
//! refusal mean for a person?
//!
//! [`write_atomic`] is mfp's one way to write a file that matters: a temporary file beside the target, its bytes flushed,
//! a rename, the folder flushed. It never follows a link at the target: in a cloned project the link could lead
//! anywhere. [`write_cache`] is the same without flushing, for what can be made again, and [`append_cache`] adds to it.

use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use crate::os;

/// The file system refused.
#[derive(Debug, thiserror::Error)]
#[error("can't {action} `{}`: {}", path.display(), plain(source))]
pub struct IoError {
    /// What was tried, as a verb: `write`, `read`, `rename` …
    pub action: &'static str,
    /// The path it was tried on.
    pub path: PathBuf,
    /// The system's answer.
    pub source: io::Error,
}

impl IoError {
    /// An error that names what was tried on which path.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { action, path: path.into(), source }
    }

    /// The stable code: `mfp::io::full`, `::read-only`, `::denied`, `::not-found`, `::link`, or `::failed`.
    pub fn code(&self) -> &'static str {
        match self.source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "mfp::io::full",
            io::ErrorKind::ReadOnlyFilesystem => "mfp::io::read-only",
            io::ErrorKind::PermissionDenied => "mfp::io::denied",
            io::ErrorKind::NotFound => "mfp::io::not-found",
            _ if os::is_link_error(&self.source) => "mfp::io::link",
            _ => "mfp::io::failed",
        }
    }

    /// mfp's exit code for local I/O.
    pub fn exit_code(&self) -> u8 {
        8
    }
}

/// The answer in words, where the system's own are about something else.
fn plain(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::NotFound => "there's no such file or folder".to_owned(),
        _ if os::is_link_error(source) => "it's a symbolic link".to_owned(),
        _ => source.to_string(),
    }
}

/// Name the path and the verb in an [`io::Error`].
pub(crate) trait At<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, IoError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, IoError> {
        self.map_err(|source| IoError::new(action, path, source))
    }
}

/// The beginning of the names of files that are being written.
const TEMPORARY_PREFIX: &str = ".mfp-tmp-";

/// Replace a file's content, or make the file: afterwards, and after a crash at any moment, it holds the old bytes or all of
/// the new ones. An existing file's permissions are kept. The folder must exist. A symbolic link at `path` is an error.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    replace(path, bytes, true)
}

/// [`write_atomic`] without flushing: after a crash the file may be empty or old. For caches that are checked when read.
/// Folders that are missing are made, for this user alone: a cache may be deleted at any moment.
pub fn write_cache(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    match replace(path, bytes, false) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
            ensure_dir(parent_of(path), 0o700)?;
            replace(path, bytes, false)
        }
        done => done,
    }
}

/// Append to a file of a cache, in one write where the system lets us, and make the file if it's missing. After a crash, or
/// with somebody else appending at the same moment, what was appended may be cut or lost: for files whose parts are checked
/// when they're read. Missing folders are made as by [`write_cache`]. Gives where in the file it ends.
pub fn append_cache(path: &Path, bytes: &[u8]) -> Result<u64, IoError> {
    let open = || os::open_to_append(path);
    let opened = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ensure_dir(parent_of(path), 0o700)?;
            open()
        }
        opened => opened,
    };
    let written = opened.and_then(|mut file| {
        file.write_all(bytes)?;
        file.stream_position()
    });
    written.at("write", path)
}

/// [`write_atomic`] of a file that only this user may read, at no moment anybody else, whatever the old one's permissions were.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> Result<(), IoError> {
    permissions_to_keep(path)?;
    let folder = parent_of(path);
    // Temporary files are made with mode 0600.
    let mut temporary = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder).at("write a file in", folder)?;
    temporary.write_all(bytes).at("write", path)?;
    temporary.as_file().sync_all().at("flush", path)?;
    temporary.persist(path).map_err(|error| error.error).at("replace", path)?;
    os::sync_dir(folder).at("flush", folder)
}

fn replace(path: &Path, bytes: &[u8], durable: bool) -> Result<(), IoError> {
    let folder = parent_of(path);
    let permissions = permissions_to_keep(path)?;
    let mut temporary = temporary_in(folder).at("write a file in", folder)?;
    temporary.write_all(bytes).at("write", path)?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions).at("set the permissions of", path)?;
    }
    if durable {
        temporary.as_file().sync_all().at("flush", path)?;
    }
    temporary.persist(path).map_err(|error| error.error).at("replace", path)?;
    if durable {
        os::sync_dir(folder).at("flush", folder)?;
    }
    Ok(())
}

/// Delete what killed writes left in a folder: files that were never renamed. The caller makes sure that nobody writes there
/// now. It's only tidying up, so whatever can't be deleted stays.
pub fn sweep_temporary(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY_PREFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The permissions of the file that's replaced; `None` if there's none yet. A link or a folder there is an error.
fn permissions_to_keep(path: &Path) -> Result<Option<std::fs::Permissions>, IoError> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(IoError::new("look at", path, error)),
    };
    if metadata.is_file() {
        return Ok(Some(metadata.permissions()));
    }
    let why = if metadata.is_symlink() { "it's a symbolic link, and mfp doesn't write through links" } else { "it isn't a regular file" };
    Err(IoError::new("write", path, io::Error::new(io::ErrorKind::InvalidInput, why)))
}

fn temporary_in(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666)); // the umask still applies
    }
    builder.tempfile_in(folder)
}

/// Does something stand here, whatever it is (a link that leads nowhere too)?
pub(crate) fn exists(path: &Path) -> Result<bool, IoError> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(IoError::new("look at", path, error)),
    }
}

/// Delete a folder and all that's in it; links in it are deleted, not followed. It's fine if it isn't there.
#[expect(clippy::disallowed_methods, reason = "this is the one place; callers hand in what mfp made")]
pub fn remove_dir_all(path: &Path) -> Result<(), IoError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(IoError::new("delete", path, error)),
        _ => Ok(()),
    }
}

/// Make a folder if it isn't there; its parents too.
pub(crate) fn ensure_dir(path: &Path, mode: u32) -> Result<(), IoError> {
    os::create_dir_all(path, mode).at("make the folder", path)
}

/// Make a folder and all that's in it outlive a crash, file by file.
pub(crate) fn flush_each(folder: &Path) -> Result<(), IoError> {
    for entry in std::fs::read_dir(folder).at("list", folder)? {
        let path = entry.at("list", folder)?.path();
        if path.symlink_metadata().at("look at", &path)?.is_dir() {
            flush_each(&path)?;
        } else {
            std::fs::File::open(&path).and_then(|file| file.sync_all()).at("flush", &path)?;
        }
    }
    os::sync_dir(folder).at("flush", folder)
}

/// Make a folder and all that's in it outlive a crash: the whole file system at once, where that can be relied on.
pub(crate) fn flush_all(folder: &Path) -> Result<(), IoError> {
    if os::sync_file_system(folder).is_ok() { Ok(()) } else { flush_each(folder) }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's files needn't outlive a crash")]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins.lock");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        write_cache(&folder.path().join("cache/of/names"), b"three").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(names(folder.path()), ["cache", "plugins.lock"]);
        assert_eq!(names(&folder.path().join("cache/of")), ["names"]);
    }

    #[test]
    fn who_reads_the_old_file_meanwhile_reads_all_of_it() {
        use std::io::Read;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plugins.lock");
        for write in [write_atomic, write_cache] {
            std::fs::write(&path, b"old and long").unwrap();
            let mut reader = std::fs::File::open(&path).unwrap();
            write(&path, b"new").unwrap();
            let mut seen = String::new();
            reader.read_to_string(&mut seen).unwrap();
            assert_eq!(seen, "old and long", "the file was written where it was");
        }
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_kept_and_a_new_file_follows_the_umask() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, b"one").unwrap();
        assert_ne!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "not a temporary file's mode");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, b"precious").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let error = write_atomic(&link, b"new").unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        assert_eq!(std::fs::read(&target).unwrap(), b"precious");
        assert!(link.is_symlink());
        assert_eq!(names(folder.path()), ["link", "target"]);
    }

    #[test]
    fn what_killed_writes_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".mfp-tmp-aB3", "x.mfp-tmp-", "plugins.lock"] {
            std::fs::write(folder.path().join(name), b"").unwrap();
        }
        std::fs::create_dir(folder.path().join(".mfp-tmp-folder")).unwrap();
        sweep_temporary(folder.path());
        assert_eq!(names(folder.path()), [".mfp-tmp-folder", "plugins.lock", "x.mfp-tmp-"]);
    }

    #[test]
    fn refusals_are_told_apart() {
        let code = |kind: io::ErrorKind| IoError::new("write", "x", kind.into()).code();
        assert_eq!(code(io::ErrorKind::StorageFull), "mfp::io::full");
        assert_eq!(code(io::ErrorKind::ReadOnlyFilesystem), "mfp::io::read-only");
        assert_eq!(code(io::ErrorKind::PermissionDenied), "mfp::io::denied");
        let error = write_atomic(Path::new("/no/such/folder/x"), b"").unwrap_err();
        assert_eq!(error.code(), "mfp::io::not-found");
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }
}
