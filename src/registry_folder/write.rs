//! How does a version get into a registry's folder, and how is one taken back?
//!
//! Under the folder's lock, in this order: the archive, the line that names it, the search list. Killed anywhere, the folder is a
//! registry: an archive without a line is nobody's, and a list that lacks a version is made anew by the next who writes. A version
//! that has a line has it for ever: its archive and what's said of it don't change, only whether it's yanked does.

use std::path::{Path, PathBuf};

use mfp_model::compat::Step;
use mfp_model::index::{IndexDocument, IndexLine, MAX_VERSIONS, Yanked};
use mfp_model::name::PluginName;
use mfp_model::version::Version;
use mfp_store::file_lock::{FileLock, LockMode};
use mfp_store::fs::{sweep_temporary, write_atomic};
use serde_json::Value;

use super::RegistryFolder;
use super::signers::Keys;
use crate::app::App;
use crate::error::{Error, Result};
use crate::explain;
use crate::report::Event;

/// Where the lock is.
pub(crate) const LOCK: &str = ".mfp-registry.lock";

/// A registry's folder that nobody else writes to meanwhile.
#[derive(Debug)]
pub(crate) struct Writing<'r> {
    pub(super) registry: &'r RegistryFolder,
    _lock: FileLock,
}

/// What the registry has of a plugin. It stays true for as long as nobody else writes, and for one more version.
#[derive(Debug)]
pub(crate) struct Published<'w> {
    writing: &'w Writing<'w>,
    /// Its index document as it is, with the lines that only a newer mfp reads.
    bytes: Vec<u8>,
    /// What this mfp reads of it.
    pub(crate) document: IndexDocument,
    /// Who may sign the next version.
    pub(crate) keys: Keys,
}

impl RegistryFolder {
    /// Be the only one who writes.
    pub(crate) fn writing(&self, app: &App<'_>) -> Result<Writing<'_>> {
        let timeout = app.settings.user.lock_timeout;
        let mut waiting = |path: &Path| app.reporter.event(Event::Waiting { path: path.display().to_string() });
        let lock = FileLock::acquire(&self.root.join(LOCK), LockMode::Exclusive, timeout, &mut waiting).map_err(explain::store)?;
        sweep_temporary(&self.root);
        Ok(Writing { registry: self, _lock: lock })
    }
}

/// The SHA-256 that a document has for a version, if it has that; also where only a newer mfp reads the line.
fn has_version(bytes: &[u8], version: &Version) -> Option<String> {
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let mut same = lines.filter(|line| line["version"].as_str().and_then(|text| text.parse::<Version>().ok()).as_ref() == Some(version));
    same.next().map(|line| line["sha256"].as_str().unwrap_or_default().to_owned())
}

impl Published<'_> {
    /// Refuse a version that's there already, whatever its bytes are.
    pub(crate) fn refuse_again(&self, line: &IndexLine) -> Result<()> {
        let Some(sha256) = has_version(&self.bytes, &line.version) else { return Ok(()) };
        let (name, version) = (&line.name, &line.version);
        let is_same = sha256 == line.sha256.hex();
        let same = if is_same { ", with the same bytes" } else { "" };
        Err(Error::new("mfp::publish::exists", format!("{name} {version} is published already{same}: a version never changes"))
            .help(format!("publish another version, perhaps {}; `mfp yank {name}@{version}` takes one back", Step::Patch.after(version)))
            .detail("same", is_same))
    }

    /// Add a version with its archive.
    pub(crate) fn add(mut self, line: &IndexLine, archive: &[u8]) -> Result<PathBuf> {
        self.refuse_again(line)?;
        if self.document.lines.len() >= MAX_VERSIONS {
            return Err(Error::new(
                "mfp::registry::full",
                format!("{} has {MAX_VERSIONS} versions, the most that anybody reads", line.name),
            )
            .help("go on under another name"));
        }
        let registry = self.writing.registry;
        let place = registry.archive(line)?;
        self.writing.write(&place, archive)?;
        end_line(&mut self.bytes);
        self.bytes.extend_from_slice(line.to_line().as_bytes());
        self.writing.write(&registry.index_file(&line.name), &self.bytes)?;
        self.writing.write_search()?;
        Ok(place)
    }
}

/// Text of lines, so that another can follow.
pub(super) fn end_line(bytes: &mut Vec<u8>) {
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
}

impl Writing<'_> {
    /// What there is of a plugin; nothing, if it's new.
    pub(crate) fn published(&self, name: &PluginName) -> Result<Published<'_>> {
        let (bytes, document) = self.registry.index(name)?;
        let keys = Keys::of(name, &document, &self.registry.key_history(name)?);
        Ok(Published { writing: self, bytes, document, keys })
    }

    /// Take a version back, or undo that. Gives whether anything was changed.
    pub(crate) fn yank(&self, name: &PluginName, version: &Version, yanked: &Yanked) -> Result<bool> {
        let (bytes, document) = self.registry.index(name)?;
        let line = find(&document, name, version)?;
        if line.yanked == *yanked {
            return Ok(false);
        }
        let text = String::from_utf8(bytes).expect("a document that was parsed is UTF-8");
        let changed: String = text.split_inclusive('\n').map(|line| with_yanked(line, version, yanked)).collect();
        self.write(&self.registry.index_file(name), changed.as_bytes())?;
        self.write_search()?;
        Ok(true)
    }

    /// Write a file in a folder that's really below the root: a link in between could lead anywhere.
    pub(super) fn write(&self, place: &Path, bytes: &[u8]) -> Result<()> {
        let folder = place.parent().unwrap_or(&self.registry.root);
        std::fs::create_dir_all(folder).map_err(|error| explain::io("make the folder", folder, &error))?;
        let real = folder.canonicalize().map_err(|error| explain::io("find the folder", folder, &error))?;
        if !real.starts_with(&self.registry.root) {
            return Err(Error::new("mfp::layout::place", format!("{} leads out of the registry's folder", folder.display()))
                .help("take the link away"));
        }
        sweep_temporary(folder);
        write_atomic(place, bytes).map_err(explain::store)
    }
}

fn find<'d>(document: &'d IndexDocument, name: &PluginName, version: &Version) -> Result<&'d IndexLine> {
    document.lines.iter().find(|line| line.version == *version).ok_or_else(|| {
        let versions: Vec<String> = document.lines.iter().map(|line| line.version.to_string()).collect();
        let help = match versions.as_slice() {
            [] => "`mfp search` shows what the registry has".to_owned(),
            _ => format!("it has {}", versions.join(", ")),
        };
        Error::new("mfp::resolve::no-version", format!("the registry has no {name} {version}")).help(help)
    })
}

/// The line with one key changed, all others as they were; another version's line as it is.
fn with_yanked(line: &str, version: &Version, yanked: &Yanked) -> String {
    let Ok(Value::Object(mut object)) = serde_json::from_str::<Value>(line) else { return line.to_owned() };
    let is_meant = object.get("v") == Some(&Value::from(1)) && object.get("version").and_then(Value::as_str) == Some(&version.to_string());
    if !is_meant {
        return line.to_owned();
    }
    object.insert("yanked".to_owned(), serde_json::to_value(yanked).expect("a flag or a text"));
    format!("{}\n", Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_of_one_line_changes() {
        let version: Version = "1.0.0".parse().unwrap();
        let line = "{\"v\":1,\"version\":\"1.0.0\", \"yanked\":false,\"new\":1.50}\n";
        let because = Yanked::Because("it \"leaks\"".to_owned());
        assert_eq!(
            with_yanked(line, &version, &because),
            "{\"v\":1,\"version\":\"1.0.0\",\"yanked\":\"it \\\"leaks\\\"\",\"new\":1.50}\n".replace("1.50", "1.5")
        );
        for other in ["{\"v\":2,\"version\":\"1.0.0\"}\n", "{\"v\":1,\"version\":\"1.0.1\"}\n", "\n", "nonsense"] {
            assert_eq!(with_yanked(other, &version, &because), other);
        }
    }

    #[test]
    fn a_line_for_a_newer_mfp_counts_as_published() {
        let bytes = b"{\"v\":9,\"version\":\"1.0.0\",\"sha256\":\"ab\"}\n";
        assert_eq!(has_version(bytes, &"1.0.0".parse().unwrap()), Some("ab".to_owned()));
        assert_eq!(has_version(bytes, &"1.0.1".parse().unwrap()), None);
    }
}
