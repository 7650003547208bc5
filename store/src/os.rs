//! What does each operating system do its own way? Opening without following links, modes, inodes, owners, `syncfs`.
//!
//! The only file with `cfg(unix)`. Everything above it is written once.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Open a file for reading, without following a link at its last component and without waiting for a FIFO's writer.
pub(crate) fn open_no_follow(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
        options.custom_flags(flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    if path.symlink_metadata()?.is_symlink() {
        return Err(io::Error::other("it's a link"));
    }
    options.open(path)
}

/// Did [`open_no_follow`] fail because the last component is a symbolic link?
pub(crate) fn is_link_error(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        let raw = error.raw_os_error();
        raw == Some(rustix::io::Errno::LOOP.raw_os_error()) || raw == Some(rustix::io::Errno::MLINK.raw_os_error())
    }
    #[cfg(not(unix))]
    {
        error.to_string() == "it's a link"
    }
}

/// Create a file that mustn't exist (a link there is an error too), with these permission bits where there are some.
pub(crate) fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    options.open(path)
}

/// Open a file to write at its end, and make it if it's missing; a link there is an error.
pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)
}

/// Create one folder that mustn't exist.
pub(crate) fn create_dir(path: &Path, mode: u32) -> io::Result<()> {
    builder(mode).create(path)
}

/// Create a folder and its parents where they're missing.
pub(crate) fn create_dir_all(path: &Path, mode: u32) -> io::Result<()> {
    builder(mode).recursive(true).create(path)
}

/// Create a folder with a random name and these permission bits, less the umask's.
pub(crate) fn temporary_dir(prefix: &str, parent: &Path, mode: u32) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix).rand_bytes(16);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let _ = mode;
    builder.tempdir_in(parent)
}

fn builder(mode: u32) -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(mode);
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// Modification time in nanoseconds since 1970, and the inode (0 where there's none).
pub(crate) fn time_and_inode(metadata: &Metadata) -> (i64, u64) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (metadata.mtime().wrapping_mul(1_000_000_000).wrapping_add(metadata.mtime_nsec()), metadata.ino())
    }
    #[cfg(not(unix))]
    {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        (since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0), 0)
    }
}

/// A folder that's kept open, so that looking at many files below it doesn't begin at the root each time.
#[derive(Debug)]
pub(crate) struct OpenFolder {
    #[cfg(unix)]
    folder: File,
    #[cfg(not(unix))]
    folder: std::path::PathBuf,
}

impl OpenFolder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        return Ok(Self { folder: File::open(path)? });
        #[cfg(not(unix))]
        Ok(Self { folder: path.to_owned() })
    }

    /// Size, modification time in nanoseconds and inode of the regular file at this relative path; `None` if there's none.
    /// `through_link`: of what a symbolic link leads to.
    pub(crate) fn stamp(&self, relative: &str, through_link: bool) -> Option<(u64, i64, u64)> {
        #[cfg(unix)]
        {
            use rustix::fs::{AtFlags, FileType};
            let flags = if through_link { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW };
            let found = rustix::fs::statat(&self.folder, relative, flags).ok()?;
            let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
            let nanoseconds = i64::try_from(found.st_mtime_nsec).ok()?;
            let time = found.st_mtime.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds);
            Some((u64::try_from(found.st_size).ok()?, time, found.st_ino)).filter(|_| is_file)
        }
        #[cfg(not(unix))]
        {
            let path = self.folder.join(relative);
            let metadata = if through_link { path.metadata() } else { path.symlink_metadata() }.ok()?;
            let (time, inode) = time_and_inode(&metadata);
            Some((metadata.len(), time, inode)).filter(|_| metadata.is_file())
        }
    }
}

/// Who else could write to this folder? `None`: nobody but us and root.
pub(crate) fn who_else_writes(metadata: &Metadata) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let us = rustix::process::geteuid().as_raw();
        if metadata.uid() != us && metadata.uid() != 0 {
            return Some(format!("it belongs to user {}, and we are user {us}", metadata.uid()));
        }
        if metadata.mode() & 0o022 != 0 {
            return Some(format!("its mode {:o} lets a group or everybody write", metadata.mode() & 0o7777));
        }
    }
    let _ = metadata;
    None
}

/// Who else could read or write this file? `None`: nobody but us and root.
pub(crate) fn who_else_reads(metadata: &Metadata) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let us = rustix::process::geteuid().as_raw();
        if metadata.uid() != us && metadata.uid() != 0 {
            return Some(format!("it belongs to user {}, and we are user {us}", metadata.uid()));
        }
        if metadata.mode() & 0o077 != 0 {
            return Some(format!("its mode {:o} lets others than you read or write it", metadata.mode() & 0o7777));
        }
    }
    let _ = metadata;
    None
}

/// Flush everything that was written to the file system that holds this folder. An error also where that isn't to be had
/// or can't be relied on (before Linux 5.8 it kept write errors to itself); the caller then flushes file by file.
pub(crate) fn sync_file_system(folder: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        if syncfs_reports_errors() {
            return rustix::fs::syncfs(File::open(folder)?).map_err(io::Error::from);
        }
    }
    let _ = folder;
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn syncfs_reports_errors() -> bool {
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let mut numbers = release.split(['.', '-']).map_while(|part| part.trim().parse::<u32>().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (5, 8)
    })
}

/// Flush a folder, so that renames in it outlive a crash. Nothing to do where folders can't be opened.
pub(crate) fn sync_dir(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    let _ = folder;
    Ok(())
}

/// Make a symbolic link to a file.
pub(crate) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(target, link);
    #[cfg(windows)]
    return std::os::windows::fs::symlink_file(target, link);
    #[cfg(not(any(unix, windows)))]
    {
        let _ = (target, link);
        Err(io::ErrorKind::Unsupported.into())
    }
}
