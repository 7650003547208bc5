//! A registry that's a folder: what stands in it, and where. For whoever keeps one, or publishes to it; those who take plugins from it
//! read it as they read every registry ([`mod@crate::sources::registry`]).
//!
//! ```text
//! config.json                      says where the rest is
//! index/au/th/auth-jwt             a line a version: what isn't here isn't published        write.rs
//! dl/auth-jwt/1.4.2/…              archives; never changed once a line names them           write.rs
//! search.json                      made from the index                                      search.rs
//! keys/auth-jwt.ndjson             who signs next: written by hand, read here               signers.rs
//! advisories.json                  written by hand, looked at by `check`                    check.rs
//! bulk/<sha256>.ndjson.zst         all lines in one file, if config.json names one          bulk.rs
//! .mfp-registry.lock               who writes now
//! ```
//!
//! What mfp didn't make is left as it is: lines of the index are added and, when a version is yanked, one is changed in the one key.

pub(crate) mod bulk;
pub(crate) mod check;
pub(crate) mod search;
pub(crate) mod signers;
pub(crate) mod write;

use std::io::Read;
use std::path::{Path, PathBuf};

use mfp_model::content::PackagePath;
use mfp_model::index::{IndexDocument, IndexLine, index_path};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::plugin::PluginManifest;
use mfp_model::registry_files::RegistryConfig;
use mfp_model::signature::rotation::KeyHistory;
use mfp_store::fs::write_atomic;
use mfp_store::{Expected, ExpectedArtifact, Store, Tree, Verified};

use crate::error::{Error, Result};
use crate::explain;
use crate::report::clean;
use crate::sources::fetch::manifest_in;

/// The largest document that's read, in bytes.
pub(crate) const MAX_DOCUMENT_BYTES: u64 = 16 << 20;
/// What a new registry says about itself, but for its name.
const CONFIG: [(&str, &str); 3] = [("dl", "dl/{name}/{version}/{file}"), ("search", "search.json"), ("advisories", "advisories.json")];

/// A registry in a folder.
#[derive(Debug)]
pub(crate) struct RegistryFolder {
    /// The folder. Absolute.
    pub(crate) root: PathBuf,
    /// What its `config.json` says.
    pub(crate) config: RegistryConfig,
}

impl RegistryFolder {
    /// Make one, in a folder that has none. What else is in the folder stays.
    pub(crate) fn init(root: &Path, name: &RegistryName) -> Result<Self> {
        let config = root.join(RegistryConfig::FILE);
        if config.symlink_metadata().is_ok() {
            return Err(Error::new("mfp::registry::exists", format!("there's a registry in {} already", root.display()))
                .help(format!("`mfp registry check {}` looks at it", root.display())));
        }
        std::fs::create_dir_all(root).map_err(|error| explain::io("make the folder", root, &error))?;
        for list in ["search.json", "advisories.json"].map(|file| root.join(file)) {
            if list.symlink_metadata().is_err() {
                write_atomic(&list, b"[]\n").map_err(explain::store)?;
            }
        }
        let mut object = serde_json::Map::new();
        object.insert("v".to_owned(), 1.into());
        object.insert("name".to_owned(), name.as_str().into());
        object.extend(CONFIG.map(|(key, value)| (key.to_owned(), value.into())));
        object.insert("auth-required".to_owned(), false.into());
        let text = format!("{:#}\n", serde_json::Value::Object(object));
        // Last, as it's what makes the folder a registry.
        write_atomic(&config, text.as_bytes()).map_err(explain::store)?;
        Self::open(root)
    }

    /// The registry in this folder.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let missing = || {
            Error::new("mfp::registry::not-a-registry", format!("there's no registry in {}: it has no config.json", root.display()))
                .help(format!("make one: `mfp registry init {}`", root.display()))
        };
        let bytes = read(&root.join(RegistryConfig::FILE), MAX_DOCUMENT_BYTES)?.ok_or_else(missing)?;
        let config = RegistryConfig::parse(&bytes).map_err(|error| {
            Error::new(error.code(), format!("{}: {error}", root.display()))
                .help("correct its config.json; a newer registry needs a newer mfp")
        })?;
        let root = root.canonicalize().map_err(|error| explain::io("find the folder", root, &error))?;
        Ok(Self { root, config })
    }

    /// Where a plugin's index document is.
    pub(crate) fn index_file(&self, name: &PluginName) -> PathBuf {
        self.root.join(index_path(name))
    }

    /// A plugin's index document with its bytes; empty if there's none.
    pub(crate) fn index(&self, name: &PluginName) -> Result<(Vec<u8>, IndexDocument)> {
        let bytes = read(&self.index_file(name), MAX_DOCUMENT_BYTES)?.unwrap_or_default();
        let document = IndexDocument::parse(&bytes, name).map_err(|error| {
            Error::new("mfp::registry::index", format!("{}: {error}", self.index_file(name).display()))
                .help(format!("`mfp registry check {}` shows everything that's wrong", self.root.display()))
        })?;
        Ok((bytes, document))
    }

    /// How the keys of a plugin's publisher followed each other.
    pub(crate) fn key_history(&self, name: &PluginName) -> Result<KeyHistory> {
        let file = self.root.join(format!("keys/{name}.ndjson"));
        let bytes = read(&file, MAX_DOCUMENT_BYTES)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        KeyHistory::parse(&text).map_err(|error| {
            Error::new("mfp::registry::malformed", format!("{}: {error}", file.display()))
                .help("correct it: `mfp key rotate` prints such a line")
        })
    }

    /// Where a version's archive is, if that's in this folder.
    pub(crate) fn archive(&self, line: &IndexLine) -> Result<PathBuf> {
        let path = self.config.dl.path(&line.name, &line.version, &line.file);
        match path.parse::<PackagePath>() {
            Ok(path) => Ok(self.root.join(path.as_str())),
            Err(_) => Err(Error::new(
                "mfp::registry::dl-elsewhere",
                format!("the registry's archives aren't in its folder: `dl` is {}", clean(&path)),
            )
            .help("in a registry that's a folder, `dl` is relative: \"dl/{name}/{version}/{file}\"")),
        }
    }

    /// A version's archive, verified as by everybody who takes it: what it says about itself, and its files.
    pub(crate) fn unpacked(&self, store: &Store, line: &IndexLine) -> Result<(PluginManifest, Verified<Tree>)> {
        let place = self.archive(line)?;
        let file = std::fs::File::open(&place).map_err(|error| explain::artifact_file(&place, &error))?;
        let artifact = ExpectedArtifact { sha256: line.sha256, size: Some(line.size) };
        let expected = Expected::Locked { content: line.content, artifact: Some(artifact) };
        let tree = store.ingest_archive(file, line.format, &expected).map_err(explain::store)?;
        Ok((manifest_in(&line.name, &tree)?, tree))
    }

    /// A place in the folder, as documents name it.
    pub(crate) fn below(&self, place: &Path) -> String {
        let relative = place.strip_prefix(&self.root).unwrap_or(place);
        relative.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
    }

    /// Every index document's name and place, by path; what else is below `index/`, too.
    pub(crate) fn index_files(&self) -> Result<Vec<(String, Option<PluginName>)>> {
        let files = files_below(&self.root.join("index"))?;
        let named = |relative: String| {
            let path = format!("index/{relative}");
            let name = relative.rsplit('/').next().and_then(|name| name.parse::<PluginName>().ok()).filter(|name| index_path(name) == path);
            (path, name)
        };
        Ok(files.into_iter().map(named).collect())
    }
}

/// Read a file of a registry, if it's there.
pub(crate) fn read(path: &Path, at_most: u64) -> Result<Option<Vec<u8>>> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(explain::io("read", path, &error)),
    };
    let mut bytes = Vec::new();
    file.take(at_most + 1).read_to_end(&mut bytes).map_err(|error| explain::io("read", path, &error))?;
    if bytes.len() as u64 > at_most {
        return Err(Error::new("mfp::registry::malformed", format!("{} is larger than {at_most} bytes", path.display()))
            .help("it can't be what its name says; look at it"));
    }
    Ok(Some(bytes))
}

/// The paths of all files below a folder, sorted; none if there's no folder. Links count as files and aren't followed.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<String>> {
    let (mut files, mut folders) = (Vec::new(), vec![(folder.to_owned(), String::new())]);
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(explain::io("read the folder", &folder, &error)),
        };
        for entry in entries {
            let entry = entry.map_err(|error| explain::io("read the folder", &folder, &error))?;
            let kind = entry.file_type().map_err(|error| explain::io("look at", &entry.path(), &error))?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if kind.is_dir() {
                folders.push((entry.path(), format!("{path}/")));
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
