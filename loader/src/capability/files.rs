//! Which folders does a component see? Those below the project that it was granted, and its own package at `/plugin`.
//!
//! A folder is opened once, when the plugin is loaded, one name at a time and following no link; what's handed to guests is
//! what was opened then. WASI keeps guests inside it, links in it included. What holds the project's own files, its history or
//! its secrets is refused whatever was approved: `.git*` and `.env*` are looked for in the whole folder, since nothing
//! can hide a single file of it from a guest.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use mfp_model::capability::{Capabilities, CapabilityPath};
use mfp_model::content::PackagePath;
use tempfile::TempDir;

use crate::content::{Content, read_verified};

/// The most files and folders that are looked at before a folder is granted.
const MAX_ENTRIES: usize = 100_000;
/// Where a guest finds its own package.
const OWN: &str = "/plugin";

/// The project whose folders may be granted.
#[derive(Debug, Clone)]
pub struct ProjectFiles {
    /// The project's folder.
    pub root: PathBuf,
    /// What's never granted, relative to the project with `/`: the plugin folder, and other files of the host's.
    pub never: Vec<String>,
}

/// Why a folder isn't granted.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// There's no project to grant folders of.
    #[error("there's no project whose `{0}` could be given")]
    NoProject(String),
    /// It can't be opened as a folder.
    #[error("`{path}` can't be given: {source}")]
    Open {
        /// Relative to the project.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// A link, or something below one.
    #[error("`{0}` can't be given: it is, or is behind, a symbolic link")]
    Link(String),
    /// It is or holds what's never granted.
    #[error("`{path}` can't be given: it holds `{found}`, which is never given")]
    Never {
        /// Relative to the project.
        path: String,
        /// What's in it.
        found: String,
    },
    /// Too much in it to be sure.
    #[error("`{0}` can't be given: it has more than {MAX_ENTRIES} entries, too many to look for what's never given")]
    TooMany(String),
    /// Writing without reading.
    #[error("`{0}` can't be given to be written only: WASI can't say that; `fs-read` must have it too")]
    WriteOnly(String),
    /// The plugin's own files can't be laid out.
    #[error("the plugin's own files can't be laid out: {0}")]
    Own(io::Error),
}

/// A folder that guests of a plugin see.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Its name in the sandbox.
    pub(crate) name: String,
    pub(crate) writable: bool,
    path: PathBuf,
    /// Keeps it open; on Linux it's reached through this.
    handle: File,
}

impl Folder {
    /// A path that leads to what was opened.
    pub(crate) fn path(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        {
            use std::os::fd::AsRawFd;
            let _ = &self.path;
            PathBuf::from(format!("/proc/self/fd/{}", self.handle.as_raw_fd()))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = &self.handle;
            self.path.clone()
        }
    }
}

/// All folders of a plugin. The copy of its own package lives as long as this.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    pub(crate) folders: Vec<Folder>,
    _own: Option<TempDir>,
}

impl Folders {
    /// Open what `capabilities` grants, and lay out the plugin's own files, but `entry`, in a folder of this user's.
    pub(crate) fn open(
        project: Option<&ProjectFiles>,
        capabilities: &Capabilities,
        content: &dyn Content,
        entry: &PackagePath,
        scratch: Option<&Path>,
    ) -> Result<Self, FilesError> {
        let mut folders = Vec::new();
        if let Some(path) = capabilities.fs_write.iter().find(|path| !covered(path, &capabilities.fs_read)) {
            return Err(FilesError::WriteOnly(path.to_string()));
        }
        let paths: BTreeSet<&CapabilityPath> = capabilities.fs_read.iter().chain(&capabilities.fs_write).collect();
        for path in paths {
            let project = project.ok_or_else(|| FilesError::NoProject(path.to_string()))?;
            folders.push(granted(project, path, covered(path, &capabilities.fs_write))?);
        }
        let own = lay_out(content, entry, scratch).map_err(FilesError::Own)?;
        let handle = open_folder(own.path()).map_err(FilesError::Own)?;
        folders.push(Folder { name: OWN.to_owned(), writable: false, path: own.path().to_owned(), handle });
        Ok(Self { folders, _own: Some(own) })
    }
}

fn covered(path: &CapabilityPath, set: &BTreeSet<CapabilityPath>) -> bool {
    set.iter().any(|other| other.covers(path))
}

fn granted(project: &ProjectFiles, path: &CapabilityPath, writable: bool) -> Result<Folder, FilesError> {
    if let Some(found) = project.never.iter().find(|never| path.holds(never)) {
        return Err(FilesError::Never { path: path.to_string(), found: found.clone() });
    }
    let mut host = project.root.clone();
    host.extend(path.components());
    let handle = open_below(&project.root, path, writable)?;
    look_for_secrets(&host, path)?;
    Ok(Folder { name: format!("/{path}"), writable, path: host, handle })
}

/// Open a folder of the project, name by name, through no link. One that may be written is made if it isn't there: a clean
/// clone has no folder for what's only cached.
#[cfg(unix)]
fn open_below(root: &Path, path: &CapabilityPath, writable: bool) -> Result<File, FilesError> {
    use rustix::fs::{Mode, OFlags, mkdirat, openat};
    use rustix::io::Errno;

    let fail = |source: io::Error| FilesError::Open { path: path.to_string(), source };
    let mut folder = open_folder(root).map_err(fail)?;
    for name in path.components() {
        if writable
            && let Err(error) = mkdirat(&folder, name, Mode::from_raw_mode(0o777))
            && error != Errno::EXIST
        {
            return Err(fail(error.into()));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        folder = match openat(&folder, name, flags, Mode::empty()) {
            Ok(next) => File::from(next),
            Err(Errno::LOOP) => return Err(FilesError::Link(path.to_string())),
            // A link to a folder is no folder, and says so.
            Err(Errno::NOTDIR) if is_link(&folder, name) => return Err(FilesError::Link(path.to_string())),
            Err(error) => return Err(fail(error.into())),
        };
    }
    Ok(folder)
}

#[cfg(unix)]
fn is_link(folder: &File, name: &str) -> bool {
    use rustix::fs::{AtFlags, FileType, statat};

    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

#[cfg(not(unix))]
fn open_below(root: &Path, path: &CapabilityPath, writable: bool) -> Result<File, FilesError> {
    let fail = |source| FilesError::Open { path: path.to_string(), source };
    let mut host = root.to_owned();
    for name in path.components() {
        host.push(name);
        if writable
            && let Err(error) = std::fs::create_dir(&host)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(fail(error));
        }
        if std::fs::symlink_metadata(&host).map_err(fail)?.is_symlink() {
            return Err(FilesError::Link(path.to_string()));
        }
    }
    open_folder(&host).map_err(fail)
}

#[cfg(unix)]
fn open_folder(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    Ok(File::from(rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_folder(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Refuse a folder with anything in it, however deep, that begins with `.git` or `.env`.
fn look_for_secrets(host: &Path, path: &CapabilityPath) -> Result<(), FilesError> {
    let fail = |source| FilesError::Open { path: path.to_string(), source };
    let mut waiting = vec![host.to_owned()];
    let mut seen = 0;
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            seen += 1;
            if seen > MAX_ENTRIES {
                return Err(FilesError::TooMany(path.to_string()));
            }
            let name = entry.file_name().to_string_lossy().to_lowercase();
            if name.starts_with(".git") || name.starts_with(".env") {
                let found = entry.path().strip_prefix(host).map_or_else(|_| name.clone(), |below| below.display().to_string());
                return Err(FilesError::Never { path: path.to_string(), found });
            }
            if entry.file_type().map_err(fail)?.is_dir() {
                waiting.push(entry.path());
            }
        }
    }
    Ok(())
}

/// The plugin's files, verified, in a folder that goes when it's dropped.
fn lay_out(content: &dyn Content, entry: &PackagePath, scratch: Option<&Path>) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("mfp-plugin-");
    let folder = match scratch {
        Some(scratch) => builder.tempdir_in(scratch)?,
        None => builder.tempdir()?,
    };
    for (path, listed) in content.listing().iter().filter(|(path, _)| *path != entry) {
        let bytes = read_verified(content, path, *listed).map_err(|error| match error {
            crate::content::ReadError::Io(error) => error,
            crate::content::ReadError::Changed => io::Error::other(format!("`{path}` isn't the file that was locked")),
        })?;
        let target = folder.path().join(path.as_str());
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        File::create_new(target)?.write_all(&bytes)?;
    }
    Ok(folder)
}
