//! What has a registry warned of? Its `advisories.json`, and what's remembered of it for when nobody may be asked.
//!
//! Over http(s) the document is asked for conditionally, and kept in a file of its own beside its `ETag` and the time of the
//! answer: loading plugins looks at it, and mustn't read an index for that. A `file:` registry is read as it is. A
//! registry that names no document, or hasn't the one that it names, has warned of nothing.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use mfp_model::registry_files::{Advisories, RegistryConfig};
use mfp_model::source::Registry;
use mfp_store::fs::write_cache;
use serde::{Deserialize, Serialize};
use url::Url;

use super::cache::until;
use super::{Age, Place, RegistryClient, read_file, relative, transport};
use crate::error::Result;
use crate::explain;
use crate::settings::Settings;
use crate::sources::http::{Fetched, MissingStatus};

/// The largest document that's read, in bytes: some ten thousand advisories.
const MAX_BYTES: u64 = 4 << 20;

/// What's known of a registry's advisories, and since when.
#[derive(Debug, Clone)]
pub(crate) struct KnownAdvisories {
    pub(crate) advisories: Advisories,
    pub(crate) age: Age,
}

/// The head of a remembered document: one line of JSON, with the document behind it.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    /// When the registry last said that this is it.
    answered: i64,
    /// Until when it needn't be asked again.
    until: i64,
    etag: Option<String>,
    /// Of the document, so that half of one is none.
    blake3: String,
}

/// A remembered document.
#[derive(Debug)]
struct Remembered {
    head: Head,
    bytes: Vec<u8>,
}

/// Where a registry's advisories are remembered.
#[derive(Debug)]
struct Memory(PathBuf);

impl Memory {
    fn of(cache_dir: &Path, root: &Url) -> Self {
        let key = blake3::hash(root.as_str().as_bytes()).to_hex();
        Self(cache_dir.join("advisories").join("v1").join(&key[..32]))
    }

    /// What's there, if it's whole.
    fn recall(&self) -> Option<Remembered> {
        let file = read_file(&self.0).ok()??;
        let end = file.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&file[..end]).ok()?;
        let bytes = file[end + 1..].to_vec();
        (blake3::hash(&bytes).to_hex().as_str() == head.blake3).then_some(Remembered { head, bytes })
    }

    /// Losing it is fine: it's asked for again.
    fn keep(&self, bytes: &[u8], etag: Option<String>, answered: Timestamp, until: Timestamp) {
        let blake3 = blake3::hash(bytes).to_hex().to_string();
        let head = Head { answered: answered.as_second(), until: until.as_second(), etag, blake3 };
        let Ok(mut file) = serde_json::to_vec(&head) else { return };
        file.push(b'\n');
        file.extend_from_slice(bytes);
        let _ = write_cache(&self.0, &file);
    }
}

impl Remembered {
    fn known(&self) -> Option<KnownAdvisories> {
        let answered = Timestamp::from_second(self.head.answered).ok()?;
        Some(KnownAdvisories { advisories: Advisories::parse(&self.bytes).ok()?, age: Age::AsOf(answered) })
    }
}

/// What a registry is known to have warned of, without asking it and without a client. Never an error: what can't be read
/// isn't known.
pub(crate) fn known_advisories(settings: &Settings, registry: &Registry, project: &Path) -> KnownAdvisories {
    let nothing = KnownAdvisories { advisories: Advisories::default(), age: Age::Never };
    let Ok(root) = transport(registry, project, &settings.user.mirrors) else { return nothing };
    let known = match root.to_file_path() {
        Ok(folder) if root.scheme() == "file" => of_folder(&folder).ok(),
        _ => Memory::of(&settings.cache_dir, &root).recall().and_then(|remembered| remembered.known()),
    };
    known.unwrap_or(nothing)
}

/// The advisories of a registry in a folder, as it is now.
fn of_folder(folder: &Path) -> Result<KnownAdvisories> {
    let none = KnownAdvisories { advisories: Advisories::default(), age: Age::Now };
    let Some(config) = read_file(&folder.join(RegistryConfig::FILE))?.and_then(|bytes| RegistryConfig::parse(&bytes).ok()) else {
        return Ok(none);
    };
    let Some(path) = config.advisories else { return Ok(none) };
    let Some(bytes) = read_file(&folder.join(relative(&path)?))? else { return Ok(none) };
    let advisories = Advisories::parse(&bytes).map_err(|error| unreadable(&error))?;
    Ok(KnownAdvisories { advisories, age: Age::Now })
}

fn unreadable(error: &mfp_model::registry_files::RegistryFileError) -> crate::error::Error {
    crate::error::Error::new("mfp::registry::malformed", error.to_string()).help("tell whoever keeps the registry")
}

impl RegistryClient<'_> {
    /// What the registry warns of: asked now, unless it was a moment ago or nobody may be asked.
    pub(crate) async fn advisories(&self) -> Result<KnownAdvisories> {
        let (root, cache_dir) = match &self.place {
            Place::Folder(folder) => return of_folder(folder).map_err(|error| self.in_registry(&error)),
            Place::Server { root, .. } => (root, &self.cache_dir),
        };
        let memory = Memory::of(cache_dir, root);
        let remembered = memory.recall();
        let is_usable = |one: &&Remembered| self.http.is_offline() || self.now.as_second() < one.head.until;
        if let Some(known) = remembered.as_ref().filter(is_usable).and_then(Remembered::known) {
            return Ok(known);
        }
        if self.http.is_offline() {
            return Ok(KnownAdvisories { advisories: Advisories::default(), age: Age::Never });
        }
        self.ask_advisories(root, &memory, remembered).await
    }

    async fn ask_advisories(&self, root: &Url, memory: &Memory, remembered: Option<Remembered>) -> Result<KnownAdvisories> {
        let asked_now = |advisories| KnownAdvisories { advisories, age: Age::AsOf(self.now) };
        let Some(path) = self.config().await?.advisories.clone() else {
            // That it warns of nothing is known as of now, too.
            memory.keep(b"[]", None, self.now, self.now);
            return Ok(asked_now(Advisories::default()));
        };
        let url = self.allowed(root, root.join(&path).map_err(|_| self.malformed("config.json", "`advisories` isn't a URL"))?)?;
        let statuses: Vec<u16> = self.registry.missing_status.iter().copied().collect();
        // What was remembered and can't be read any more isn't asked for conditionally.
        let remembered = remembered.filter(|remembered| remembered.known().is_some());
        let etag = remembered.as_ref().and_then(|remembered| remembered.head.etag.as_deref());
        let (bytes, etag, max_age) = match self.http.get(&url, etag, MAX_BYTES, MissingStatus(&statuses)).await? {
            Fetched::Body { bytes, etag, max_age } => (bytes, etag, max_age),
            Fetched::NotModified { max_age } => {
                let before = remembered.ok_or_else(|| self.malformed(&path, "304 for a document that wasn't cached"))?;
                (before.bytes, before.head.etag, max_age)
            }
            Fetched::Missing => (b"[]".to_vec(), None, std::time::Duration::ZERO),
        };
        let advisories = Advisories::parse(&bytes).map_err(|error| self.in_registry(&unreadable(&error)))?;
        memory.keep(&bytes, etag, self.now, until(self.now, max_age));
        Ok(asked_now(advisories))
    }

    fn in_registry(&self, error: &crate::error::Error) -> crate::error::Error {
        if error.code() == "mfp::registry::malformed" {
            explain::registry_file(&self.name, "advisories.json", error.message())
        } else {
            error.clone()
        }
    }
}
