//! What's below this folder? Every entry once, in no particular order, links seen and never followed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mfp_model::content::PackagePath;

use crate::error::Result;
use crate::fs::{self, At};

/// What an entry is, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    /// A link, a device, a FIFO, a socket.
    Other,
}

/// An entry below a folder.
#[derive(Debug)]
pub(crate) struct Found {
    /// `/`-separated, relative to the folder; lossy where a name isn't UTF-8, and then equal to no package path.
    pub(crate) relative: String,
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

/// Everything below a folder, a folder before what's in it.
pub(crate) fn walk(folder: &Path) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    below(folder, "", &mut found)?;
    Ok(found)
}

fn below(folder: &Path, prefix: &str, found: &mut Vec<Found>) -> Result<()> {
    for entry in std::fs::read_dir(folder).at("list", folder)? {
        let entry = entry.at("list", folder)?;
        let path = entry.path();
        let kind = entry.file_type().at("look at", &path)?;
        let relative = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() {
            let inner = format!("{relative}/");
            found.push(Found { relative, path: path.clone(), kind: Kind::Folder });
            below(&path, &inner, found)?;
        } else {
            found.push(Found { relative, path, kind: if kind.is_file() { Kind::File } else { Kind::Other } });
        }
    }
    Ok(())
}

/// What's below `folder` and neither one of these files nor a folder that holds one.
pub(crate) fn extras<'p>(folder: &Path, files: impl IntoIterator<Item = &'p PackagePath>) -> Result<Vec<PathBuf>> {
    let mut ours = BTreeSet::new();
    let mut folders = BTreeSet::new();
    for path in files {
        folders.extend(path.ancestors());
        ours.insert(path.as_str());
    }
    let is_ours = |entry: &Found| match entry.kind {
        Kind::Folder => folders.contains(entry.relative.as_str()),
        Kind::File | Kind::Other => ours.contains(entry.relative.as_str()),
    };
    Ok(walk(folder)?.into_iter().filter(|entry| !is_ours(entry)).map(|entry| entry.path).collect())
}

/// Delete these files of a folder, the folders that are empty then, and the folder itself if nothing else is in it. What else
/// is there stays, and so does everything behind a link. Gives whether the folder is gone.
pub(crate) fn remove_ours<'p>(folder: &Path, files: impl IntoIterator<Item = &'p PackagePath>) -> Result<bool> {
    if !is_real_folder(folder)? {
        return Ok(!fs::exists(folder)?);
    }
    let mut folders = BTreeSet::new();
    for path in files {
        let mut reachable = true;
        for ancestor in path.ancestors() {
            reachable = reachable && is_real_folder(&folder.join(ancestor))?;
            if reachable {
                folders.insert(ancestor.to_owned());
            }
        }
        let target = folder.join(path.as_str());
        let is_folder = reachable && is_real_folder(&target)?;
        if reachable && !is_folder && fs::exists(&target)? {
            std::fs::remove_file(&target).at("delete", &target)?;
        }
    }
    for inner in folders.iter().rev() {
        let _ = std::fs::remove_dir(folder.join(inner)); // not empty: somebody else's file is in it
    }
    let _ = std::fs::remove_dir(folder);
    Ok(!fs::exists(folder)?)
}

/// Is there a folder, and not a link to one?
pub(crate) fn is_real_folder(path: &Path) -> Result<bool> {
    match path.symlink_metadata() {
        Ok(metadata) => Ok(metadata.is_dir()),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(fs::IoError::new("look at", path, error).into()),
    }
}
