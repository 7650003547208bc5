//! Would a build give what's there already? Asked for languages whose tools build everything anew each time, half a minute for what
//! nobody changed.
//!
//! A build leaves a record beside what its tools were installed to, where git sees nothing of it: the digest of all that decides what
//! comes out, and of what came out. Sources count by their bytes; installed packages, tens of thousands of files, by their names, sizes
//! and times, as for every build tool. What can't be known is built: a file that was touched while the build ran, one that can't be read, a
//! build that doesn't say what it reads. What's remembered is about this folder on this machine, so a copy of it proves nothing elsewhere.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::authoring::OwnPlugin;

/// The record's name, in the folder that packages are installed to.
pub(super) const RECORD: &str = ".mfp-built";
/// Folders that hold nothing that's built from: what tools leave behind, and what's looked at as installed.
const NO_SOURCES: [&str; 7] = [".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__", "node_modules"];
/// The same among what's installed.
const NO_PACKAGES: [&str; 2] = [".cache", "__pycache__"];
/// Folders deeper than this aren't looked into, so that a link to a folder above itself has an end.
const DEEPEST: usize = 32;

/// What a build was of, and what it gave.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    v: u32,
    /// The files and folders that it read, as they're named from the plugin's folder.
    reads: Vec<String>,
    /// The digest of everything that it depends on.
    from: String,
    /// The digest of the file that it left.
    made: String,
}

/// What decides what a build gives, but for the files that it reads.
#[derive(Debug)]
pub(super) struct Basis {
    /// The folder of the tools, in the plugin's.
    pub(super) installed: &'static str,
    /// What else does, a word each.
    pub(super) words: Vec<String>,
}

/// How things stood when a build began, by the clock of the file system.
#[derive(Debug)]
pub(super) struct Start {
    at: SystemTime,
    /// The files in the plugin's folder: one that's gone leaves no time behind but its folder's, which changes with every `__pycache__`.
    files: BTreeSet<PathBuf>,
}

impl Start {
    /// Now: by a folder that was made for the build just now.
    pub(super) fn new(plugin: &OwnPlugin, scratch: &Path) -> Option<Self> {
        let mut files = BTreeSet::new();
        files_below(&plugin.root, 0, &mut files).ok()?;
        Some(Self { at: scratch.metadata().and_then(|metadata| metadata.modified()).ok()?, files })
    }
}

impl Basis {
    /// Is this file what a build would give now?
    pub(super) fn gives(&self, plugin: &OwnPlugin, entry: &Path) -> bool {
        let known = std::fs::read(self.record(plugin)).ok().and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        known.is_some_and(|known| {
            known.v == 1
                && std::fs::read(entry).is_ok_and(|wasm| digest_of(&wasm) == known.made)
                && self.look(plugin, &known.reads, entry).is_ok_and(|seen| seen.digest() == known.from)
        })
    }

    /// Remember what a build gave, if nothing that it read changed meanwhile.
    pub(super) fn remember(&self, plugin: &OwnPlugin, reads: Vec<String>, entry: &Path, start: &Start) {
        let record = self.record(plugin);
        let kept = self.look(plugin, &reads, entry).ok().filter(|seen| seen.newest < start.at);
        let kept = kept.filter(|_| start.files.iter().all(|file| file.exists()));
        let written = kept.zip(std::fs::read(entry).ok()).is_some_and(|(seen, wasm)| {
            let known = Record { v: 1, reads, from: seen.digest(), made: digest_of(&wasm) };
            let text = serde_json::to_vec(&known).expect("texts become JSON");
            mfp_store::fs::write_atomic(&record, &text).is_ok()
        });
        if !written {
            // Then the next one builds.
            let _ = std::fs::remove_file(record);
        }
    }

    fn record(&self, plugin: &OwnPlugin) -> PathBuf {
        plugin.root.join(self.installed).join(RECORD)
    }

    fn look(&self, plugin: &OwnPlugin, reads: &[String], entry: &Path) -> io::Result<Seen> {
        let mut seen =
            Seen { hasher: blake3::Hasher::new(), newest: SystemTime::UNIX_EPOCH, root: plugin.root.clone(), entry: entry.to_owned() };
        seen.add("mfp", env!("CARGO_PKG_VERSION").as_bytes());
        seen.add("folder", plugin.root.as_os_str().as_encoded_bytes());
        seen.add("entry", entry.as_os_str().as_encoded_bytes());
        seen.add("manifest", plugin.manifest_text.as_bytes());
        for word in &self.words {
            seen.add("word", word.as_bytes());
        }
        for read in reads {
            seen.add("reads", read.as_bytes());
            seen.sources(&plugin.root.join(read), 0)?;
        }
        seen.installed(&plugin.root.join(self.installed).canonicalize()?, 0)?;
        Ok(seen)
    }
}

/// Everything that was looked at.
struct Seen {
    hasher: blake3::Hasher,
    /// When the newest of the sources came to be what it is.
    newest: SystemTime,
    root: PathBuf,
    entry: PathBuf,
}

impl Seen {
    /// Two texts are never taken for two others.
    fn add(&mut self, what: &str, bytes: &[u8]) {
        for part in [what.as_bytes(), bytes] {
            self.hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
        }
    }

    fn digest(&self) -> String {
        self.hasher.finalize().to_hex().to_string()
    }

    /// A file or a folder of sources, whatever links lead to it.
    fn sources(&mut self, place: &Path, depth: usize) -> io::Result<()> {
        let Some(metadata) = there(place.metadata())? else {
            self.add("nothing", place.as_os_str().as_encoded_bytes());
            return Ok(());
        };
        if !metadata.is_dir() || !place.starts_with(&self.root) {
            self.newest = self.newest.max(changed(&metadata)?);
        }
        if metadata.is_dir() {
            return self.folder(place, depth, &NO_SOURCES, Self::sources);
        }
        self.add("file", place.as_os_str().as_encoded_bytes());
        let bytes = std::fs::read(place)?;
        self.add("bytes", &bytes);
        Ok(())
    }

    /// A file or a folder of packages; links are what they say.
    fn installed(&mut self, place: &Path, depth: usize) -> io::Result<()> {
        let metadata = place.symlink_metadata()?;
        if metadata.is_dir() {
            return self.folder(place, depth, &NO_PACKAGES, Self::installed);
        }
        self.add("installed", place.as_os_str().as_encoded_bytes());
        if metadata.is_symlink() {
            let to = std::fs::read_link(place)?;
            self.add("link", to.as_os_str().as_encoded_bytes());
        }
        let since = changed(&metadata)?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.add("size", &metadata.len().to_le_bytes());
        self.add("time", &since.as_nanos().to_le_bytes());
        Ok(())
    }

    fn folder(
        &mut self,
        folder: &Path,
        depth: usize,
        without: &[&str],
        look: impl Fn(&mut Self, &Path, usize) -> io::Result<()>,
    ) -> io::Result<()> {
        if depth == DEEPEST {
            return Err(io::Error::other("folders in folders, and no end of them"));
        }
        self.add("folder", folder.as_os_str().as_encoded_bytes());
        for name in names(folder)? {
            let place = folder.join(&name);
            let is_ours = place == self.entry || [RECORD, READY].iter().any(|ours| name == *ours);
            if !is_ours && !without.iter().any(|left_out| name == *left_out) && !is_scratch(&name) && !place.ends_with("target/package") {
                look(self, &place, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// The mark in a folder of tools that says of what it was installed.
pub(super) const READY: &str = ".mfp-ready";
/// How folders begin that are only there while something's built.
pub(super) const SCRATCH: &str = ".mfp-build-";

fn is_scratch(name: &OsString) -> bool {
    name.as_encoded_bytes().starts_with(SCRATCH.as_bytes())
}

/// What lies in a folder, sorted, without what's there for the moment.
fn names(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    let names = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<BTreeSet<OsString>>>()?;
    Ok(names.into_iter().filter(|name| !is_scratch(name)).collect())
}

/// All files that could be sources.
fn files_below(folder: &Path, depth: usize, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for name in names(folder)? {
        let place = folder.join(&name);
        if NO_SOURCES.iter().any(|left_out| name == *left_out) || depth == DEEPEST {
            continue;
        }
        if place.is_dir() {
            files_below(&place, depth + 1, files)?;
        } else {
            files.insert(place);
        }
    }
    Ok(())
}

/// `None` for what isn't there.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// When a file became what it is: a time that its owner sets back isn't believed where the system keeps one of its own.
fn changed(metadata: &std::fs::Metadata) -> io::Result<SystemTime> {
    let modified = metadata.modified()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        use std::time::Duration;
        let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
        let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
        Ok(modified.max(SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)))
    }
    #[cfg(not(unix))]
    Ok(modified)
}

fn digest_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
