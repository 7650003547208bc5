//! A component's files: the folders that WASI opened for it.
//!
//! A folder that was approved as `data` is open as `/data`. The last one that's called `/plugin` is the plugin's own package, which is read as
//! assets, and through this by nobody: a test's host has nothing there.

use alloc::vec::Vec;

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags};

use crate::files::{Entry, holder, missing, not_approved, read_only};
use crate::{Error, Result};

/// Where a component finds its own package.
const OWN: &str = "/plugin";
/// So much is read at once.
const PART: u64 = 256 << 10;

/// A file's bytes.
pub(super) fn read(path: &str) -> Result<Vec<u8>> {
    let (folder, below) = held(path)?;
    let file = opened(&folder, below, OpenFlags::empty(), DescriptorFlags::READ).map_err(|code| failed(path, code))?;
    if file.get_type() == Ok(DescriptorType::Directory) {
        return Err(failed(path, ErrorCode::IsDirectory));
    }
    let mut bytes = Vec::new();
    loop {
        let (part, is_end) = file.read(PART, bytes.len() as u64).map_err(|code| failed(path, code))?;
        if is_end && part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
        if is_end {
            return Ok(bytes);
        }
    }
}

/// What's in a folder, by name.
pub(super) fn list(path: &str) -> Result<Vec<Entry>> {
    let (folder, below) = held(path)?;
    let folder = match below {
        "" => folder,
        below => opened(&folder, below, OpenFlags::DIRECTORY, DescriptorFlags::READ).map_err(|code| failed(path, code))?,
    };
    let stream = folder.read_directory().map_err(|code| failed(path, code))?;
    let mut entries = Vec::new();
    while let Some(entry) = stream.read_directory_entry().map_err(|code| failed(path, code))? {
        entries.push(Entry { is_folder: entry.type_ == DescriptorType::Directory, name: entry.name });
    }
    entries.sort();
    Ok(entries)
}

/// Write a file: beside it, and then in its place, so that who reads it at the same time reads all of the old one or all of the new one.
/// `nonce` is in its name meanwhile: calls that are made at once don't share one.
pub(super) fn write(path: &str, bytes: &[u8], nonce: u64) -> Result<()> {
    let (folder, below) = held(path)?;
    if below.is_empty() {
        crate::fail!("`{path}` is a folder");
    }
    if !folder.get_flags().is_ok_and(|flags| flags.contains(DescriptorFlags::MUTATE_DIRECTORY)) {
        return Err(read_only(path));
    }
    make_parents(&folder, below).map_err(|code| failed(path, code))?;
    let beside = alloc::format!("{below}.{nonce:016x}.part");
    let written = fill(&folder, &beside, bytes).and_then(|()| folder.rename_at(&beside, &folder, below));
    written.map_err(|code| {
        // Best effort: what's wrong is said already.
        let _ = folder.unlink_file_at(&beside);
        failed(path, code)
    })
}

fn fill(folder: &Descriptor, name: &str, bytes: &[u8]) -> core::result::Result<(), ErrorCode> {
    let file = opened(folder, name, OpenFlags::CREATE | OpenFlags::EXCLUSIVE, DescriptorFlags::WRITE)?;
    let mut done = 0;
    while done < bytes.len() {
        let part = &bytes[done..];
        done += match file.write(part, done as u64)? {
            0 => return Err(ErrorCode::Io),
            count => usize::try_from(count).unwrap_or(part.len()).min(part.len()),
        };
    }
    Ok(())
}

fn make_parents(folder: &Descriptor, below: &str) -> core::result::Result<(), ErrorCode> {
    for (end, _) in below.match_indices('/') {
        match folder.create_directory_at(&below[..end]) {
            Ok(()) | Err(ErrorCode::Exist) => {}
            Err(code) => return Err(code),
        }
    }
    Ok(())
}

fn opened(folder: &Descriptor, below: &str, how: OpenFlags, to: DescriptorFlags) -> core::result::Result<Descriptor, ErrorCode> {
    folder.open_at(PathFlags::SYMLINK_FOLLOW, below, how, to)
}

/// The folder that holds a path, and what's below it.
fn held(path: &str) -> Result<(Descriptor, &str)> {
    let mut folders = get_directories();
    if let Some(own) = folders.iter().rposition(|(_, name)| name == OWN) {
        folders.remove(own);
    }
    let names: Vec<&str> = folders.iter().map(|(_, name)| name.trim_start_matches('/')).collect();
    let (at, below) = holder(path, &names)?;
    Ok((folders.swap_remove(at).0, below))
}

fn failed(path: &str, code: ErrorCode) -> Error {
    match code {
        ErrorCode::NoEntry => missing(path),
        // A link that leads out of the folder.
        ErrorCode::NotPermitted => not_approved(path),
        ErrorCode::IsDirectory => Error::new(alloc::format!("`{path}` is a folder")),
        ErrorCode::NotDirectory => Error::new(alloc::format!("`{path}` isn't a folder, or is in none")),
        code => Error::new(alloc::format!("`{path}`: {}", code.name())),
    }
}
