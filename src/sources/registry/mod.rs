//! What does a registry have? Its read side is static files: a configuration, an index document a name, a search list.
//!
//! Over http(s) documents are cached with their `ETag` and used without asking for as long as `max-age` says; `file:` roots
//! are read as they are. Where a registry offers its whole index as one file and nothing is cached yet, that's fetched
//! instead of a document a name: the answer is the same. Offline, what's cached is used whatever its age.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mfp_model::digest::Sha256;
use mfp_model::index::packed::{Packed, pack};
use mfp_model::index::{IndexDocument, index_path};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::plugin::HostRange;
use mfp_model::registry_files::{Bulk, RegistryConfig, SearchEntry, SearchList};
use mfp_model::signature::rotation::KeyHistory;
use mfp_model::source::{Registry, RegistryKind};
use mfp_model::version::Version;
use tokio::sync::OnceCell;
use url::Url;

use crate::error::{Error, Exit, Result};
use crate::explain;
use crate::report::clean;
use crate::sources::http::{Fetched, Http, MissingStatus};
pub(crate) use advisories::{KnownAdvisories, known_advisories};
pub(crate) use cache::DocumentCaches;
pub(crate) use cache::Shared;
use cache::{Cached, DocumentCache, until};

mod advisories;
mod cache;

/// The largest document of a registry that's read, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 16 << 20;
/// A bulk index is taken below this size…
const MAX_BULK_BYTES: u64 = 2 << 20;
/// …and this size unpacked.
const MAX_BULK_UNPACKED: u64 = 64 << 20;

/// One registry of the project, ready to be asked.
#[derive(Debug)]
pub(crate) struct RegistryClient<'a> {
    /// The project's name for it.
    pub(crate) name: RegistryName,
    /// Its root, canonical: what the lock has, resolved.
    root: Url,
    place: Place,
    cache_dir: PathBuf,
    registry: Registry,
    http: &'a Http,
    now: Timestamp,
    config: OnceCell<RegistryConfig>,
    bulk_tried: OnceCell<()>,
}

/// Where the files are.
#[derive(Debug)]
enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// On a server; the root of the mirror, where the user has one.
    Server { root: Url, cache: Arc<DocumentCache> },
}

/// An index document that was found.
#[derive(Debug)]
pub(crate) enum Document {
    /// It was parsed before.
    Packed(Shared),
    /// As the registry has it.
    Text(Arc<[u8]>),
}

/// Where an artifact is.
#[derive(Debug, Clone)]
pub(crate) enum ArtifactPlace {
    /// A file on this machine.
    File(PathBuf),
    /// On a server.
    Url(Url),
}

/// How old what's known of a registry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    /// It's a folder: whoever looks sees what's in it now.
    Now,
    /// It last answered then.
    AsOf(Timestamp),
    /// Nothing of it is on this machine.
    Never,
}

impl<'a> RegistryClient<'a> {
    /// A client of this registry of the project. Asks nothing yet.
    pub(crate) fn new(
        name: RegistryName,
        registry: &Registry,
        project: &Path,
        mirrors: &BTreeMap<String, String>,
        (caches, cache_dir): (&DocumentCaches, &Path),
        http: &'a Http,
        now: Timestamp,
    ) -> Result<Self> {
        if registry.kind != RegistryKind::Mfp {
            let error = Error::new(
                "mfp::unsupported",
                format!("registry `{name}` is of kind `{}`, which this version of mfp can't read yet", registry.kind.as_str()),
            );
            return Err(error.help("name a registry of mfp's own kind, or declare the plugins by URL"));
        }
        let root = registry.url.resolve(project);
        let transport = transport(registry, project, mirrors)?;
        let place = match transport.to_file_path() {
            Ok(folder) if transport.scheme() == "file" => Place::Folder(folder),
            _ => Place::Server { cache: caches.of(cache_dir, &transport), root: transport },
        };
        let cache_dir = cache_dir.to_owned();
        Ok(Self {
            name,
            root,
            place,
            cache_dir,
            registry: registry.clone(),
            http,
            now,
            config: OnceCell::new(),
            bulk_tried: OnceCell::new(),
        })
    }

    /// The index document of a plugin; `None` if the registry says that there's no such plugin.
    pub(crate) async fn index(&self, name: &PluginName) -> Result<Option<IndexDocument>> {
        let path = index_path(name);
        let Some(bytes) = self.document(&path, true).await? else { return Ok(None) };
        IndexDocument::parse(&bytes, name).map(Some).map_err(|error| explain::index(&self.name, name, &error))
    }

    /// The document of a plugin, asked for if it isn't at hand; `None` if the registry says that there's no such plugin.
    pub(crate) async fn fetched(&self, name: &PluginName) -> Result<Option<Document>> {
        let path = index_path(name);
        let Some(text) = self.document(&path, true).await? else { return Ok(None) };
        // It may have been found to be still the same.
        let packed = match &self.place {
            Place::Server { cache, .. } => cache.get(&cache_key(&path)).and_then(|cached| cached.packed()),
            Place::Folder(_) => None,
        };
        Ok(Some(packed.map_or(Document::Text(text), Document::Packed)))
    }

    /// The document of a plugin, if it can be had without asking a server: from a folder, or from the cache while that holds.
    pub(crate) fn at_hand(&self, name: &PluginName) -> Option<Document> {
        let path = index_path(name);
        match &self.place {
            Place::Folder(root) => Some(Document::Text(read_file(&root.join(&path)).ok()??.into())),
            Place::Server { cache, .. } => {
                let cached = cache.get(&cache_key(&path)).filter(|cached| self.is_usable(cached) && !cached.missing)?;
                match cached.packed().filter(|packed| Packed::read(packed.as_ref()).is_some()) {
                    Some(packed) => Some(Document::Packed(packed)),
                    None => cache.bytes(&cached).map(Document::Text),
                }
            }
        }
    }

    /// What choosing and locking need of a document ([`Packed`]): parsed and checked in full, unless it was before.
    pub(crate) fn packed(&self, name: &PluginName, document: Document) -> Result<Shared> {
        let text = match document {
            Document::Packed(packed) => return Ok(packed),
            Document::Text(text) => text,
        };
        let parsed = IndexDocument::parse(&text, name).map_err(|error| explain::index(&self.name, name, &error))?;
        let packed = Shared::from(pack(&parsed));
        if let Place::Server { cache, .. } = &self.place {
            cache.put_packed(&cache_key(&index_path(name)), packed.clone());
        }
        Ok(packed)
    }

    /// May a cached document be used without asking whether it's still the same?
    fn is_usable(&self, cached: &Cached) -> bool {
        self.http.is_offline() || self.now < cached.fresh_until
    }

    /// Which hosts this artifact of this version is for, as far as it's known without asking a server.
    pub(crate) fn known_hosts(&self, name: &PluginName, version: &Version, sha256: &Sha256) -> Option<HostRange> {
        let path = index_path(name);
        let bytes = match &self.place {
            Place::Folder(root) => read_file(&root.join(relative(&path).ok()?)).ok()??.into(),
            Place::Server { cache, .. } => {
                let cached = cache.get(&cache_key(&path))?;
                if let Some(packed) = cached.packed() {
                    let line = Packed::read(packed.as_ref())?.find(version).filter(|line| line.artifact.sha256 == *sha256);
                    return line?.mockforge().map(Into::into);
                }
                cache.bytes(&cached)?
            }
        };
        // Only the lines that can be meant: a document may hold thousands.
        let quoted = format!("\"{version}\"");
        let meant =
            bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.windows(quoted.len()).any(|part| part == quoted.as_bytes()));
        let document = IndexDocument::parse(&meant.collect::<Vec<_>>().concat(), name).ok()?;
        let line = document.lines.into_iter().find(|line| line.version == *version && line.sha256 == *sha256);
        line.map(|line| line.mockforge.into())
    }

    /// How old what's known of it without asking is.
    pub(crate) fn age(&self) -> Age {
        match &self.place {
            Place::Folder(_) => Age::Now,
            Place::Server { cache, .. } => cache.last_answer().map_or(Age::Never, Age::AsOf),
        }
    }

    /// How the keys of a plugin's publisher followed each other, as the registry tells it.
    pub(crate) async fn key_history(&self, name: &PluginName) -> Result<KeyHistory> {
        let path = format!("keys/{name}.ndjson");
        let Some(bytes) = self.document(&path, false).await? else { return Ok(KeyHistory::default()) };
        let text = std::str::from_utf8(&bytes).map_err(|_| self.malformed(&path, "it isn't text"))?;
        KeyHistory::parse(text).map_err(|error| self.malformed(&path, &error.to_string()))
    }

    /// Everything that can be searched, if the registry offers a list; else `None`.
    pub(crate) async fn search_list(&self, query: &str) -> Result<Option<Vec<SearchEntry>>> {
        let Some(search) = self.config().await?.search.clone() else { return Ok(None) };
        let path = search.replace("{query}", &url::form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>());
        let Some(bytes) = self.document(&path, true).await? else { return Ok(None) };
        let list = SearchList::parse(&bytes).map_err(|error| explain::registry_file(&self.name, &path, &error.to_string()))?;
        Ok(Some(list.entries))
    }

    /// Where a version's artifact is.
    pub(crate) async fn artifact(&self, name: &PluginName, version: &Version, file: &str) -> Result<ArtifactPlace> {
        let path = self.config().await?.dl.path(name, version, file);
        match &self.place {
            Place::Folder(root) => Ok(ArtifactPlace::File(root.join(relative(&path)?))),
            Place::Server { root, .. } => self
                .allowed(root, root.join(&path).map_err(|_| self.malformed("config.json", "`dl` gives something that isn't a URL"))?)
                .map(ArtifactPlace::Url),
        }
    }

    /// A URL that the registry named stays on its origin, unless the project's table lists others.
    fn allowed(&self, root: &Url, url: Url) -> Result<Url> {
        let listed = mfp_model::source::Origin::of(&url).is_some_and(|origin| self.registry.dl_origins.contains(&origin));
        if url.origin() == root.origin() || (listed && (url.scheme() == "https" || self.registry.allow_http)) {
            return Ok(url);
        }
        let origin = url.origin().ascii_serialization();
        Err(Error::new(
            "mfp::registry::dl-origin",
            format!("registry `{}` keeps its artifacts on {origin}, which isn't its own origin", self.name),
        )
        .help(format!(
            "if that's right, allow it in mockforge-plugins.toml: `dl-origins = [\"{origin}\"]` in the table of `{}`",
            self.name
        )))
    }

    /// The registry's configuration, read once.
    async fn config(&self) -> Result<&RegistryConfig> {
        self.config
            .get_or_try_init(async || {
                let bytes = self.document_itself("config.json").await?.ok_or_else(|| self.no_registry())?;
                RegistryConfig::parse(&bytes).map_err(|error| explain::registry_config(&self.name, &error))
            })
            .await
    }

    fn no_registry(&self) -> Error {
        let at = mfp_model::source::Redacted(&self.root);
        Error::new("mfp::registry::not-a-registry", format!("registry `{}`: there's no config.json at {at}", self.name))
            .help("check the URL under [registries] in mockforge-plugins.toml")
    }

    fn malformed(&self, file: &str, why: &str) -> Error {
        explain::registry_file(&self.name, file, why)
    }

    /// A document, from the bulk index where that's the faster way, from the cache, or from the registry.
    async fn document(&self, path: &str, may_bulk: bool) -> Result<Option<Arc<[u8]>>> {
        if may_bulk {
            self.bulk_tried.get_or_try_init(async || self.try_bulk().await).await?;
        }
        let document = self.document_itself(path).await?;
        // No index document may also mean no registry: the configuration is there in every one.
        if document.is_none() {
            self.config().await?;
        }
        Ok(document)
    }

    async fn document_itself(&self, path: &str) -> Result<Option<Arc<[u8]>>> {
        match &self.place {
            Place::Folder(root) => Ok(read_file(&root.join(relative(path)?))?.map(Into::into)),
            Place::Server { root, cache } => self.ask_server(root, cache, path).await,
        }
    }

    async fn ask_server(&self, root: &Url, cache: &DocumentCache, path: &str) -> Result<Option<Arc<[u8]>>> {
        let key = cache_key(path);
        // What isn't intact is as good as not there.
        let cached = cache.get(&key).and_then(|cached| Some((cache.bytes(&cached)?, cached)));
        let cached = match cached {
            Some((bytes, cached)) if self.is_usable(&cached) => return Ok((!cached.missing).then_some(bytes)),
            other => other,
        };
        let url = self.allowed(root, root.join(path).map_err(|_| self.malformed("config.json", "a path in it isn't a URL"))?)?;
        let etag = cached.as_ref().and_then(|(_, cached)| cached.etag.as_deref());
        let statuses: Vec<u16> = self.registry.missing_status.iter().copied().collect();
        match self.http.get(&url, etag, MAX_DOCUMENT_BYTES, MissingStatus(&statuses)).await? {
            Fetched::Body { bytes, etag, max_age } => {
                let bytes: Arc<[u8]> = bytes.into();
                cache.put(&key, Some(bytes.clone()), None, etag.as_deref(), until(self.now, max_age));
                Ok(Some(bytes))
            }
            Fetched::Missing => Ok(None),
            Fetched::NotModified { max_age } => {
                let (bytes, _) = cached.ok_or_else(|| self.malformed(path, "304 for a document that wasn't cached"))?;
                cache.renew(&key, until(self.now, max_age));
                Ok(Some(bytes))
            }
        }
    }

    /// Fill a cold cache from the registry's one big file, where it offers one that's small enough to be worth it.
    async fn try_bulk(&self) -> Result<()> {
        let Place::Server { root, cache } = &self.place else { return Ok(()) };
        if self.http.is_offline() || !cache.is_cold() {
            return Ok(());
        }
        let Some(bulk) = self.config().await?.bulk.clone() else { return Ok(()) };
        if bulk.size > MAX_BULK_BYTES || bulk.unpacked > MAX_BULK_UNPACKED {
            return Ok(());
        }
        let url = self.allowed(root, root.join(&bulk.url).map_err(|_| self.malformed("config.json", "the bulk index's URL isn't one"))?)?;
        // It's an optimisation: one that isn't what was promised is left aside, and the documents are asked for one by one.
        let (bytes, max_age) = match self.http.get(&url, None, bulk.size, MissingStatus::default()).await {
            Ok(Fetched::Body { bytes, max_age, .. }) => (bytes, max_age),
            Ok(Fetched::Missing | Fetched::NotModified { .. }) => return Ok(()),
            Err(error) if error.exit() == Exit::Integrity => return Ok(()),
            Err(error) => return Err(error),
        };
        if let Some(text) = unpack_bulk(&bytes, &bulk) {
            self.keep_bulk(cache, &text, &bulk, max_age.min(Duration::from_mins(10)));
        }
        Ok(())
    }

    fn keep_bulk(&self, cache: &DocumentCache, text: &[u8], bulk: &Bulk, max_age: Duration) {
        let mut documents: BTreeMap<PluginName, Vec<u8>> = BTreeMap::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            #[derive(serde::Deserialize)]
            struct Named {
                name: PluginName,
            }
            if let Ok(Named { name }) = serde_json::from_slice(line) {
                documents.entry(name).or_default().extend_from_slice(line);
            }
        }
        let fetched = bulk.generated.min(self.now);
        for (name, bytes) in documents {
            cache.put(&cache_key(&index_path(&name)), Some(bytes.into()), None, None, until(fetched, max_age));
        }
    }
}

fn unpack_bulk(bytes: &[u8], bulk: &Bulk) -> Option<Vec<u8>> {
    use sha2::Digest;
    let digest: [u8; 32] = sha2::Sha256::digest(bytes).into();
    if Sha256::from_hash(digest) != bulk.sha256 {
        return None;
    }
    let mut text = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(bytes).ok()?;
    decoder.take(bulk.unpacked + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= bulk.unpacked).then_some(text)
}

/// Where a registry's files are fetched from: its root, or the user's mirror of it.
fn transport(registry: &Registry, project: &Path, mirrors: &BTreeMap<String, String>) -> Result<Url> {
    let root = registry.url.resolve(project);
    match mirrors.iter().find(|(canonical, _)| canonical.trim_end_matches('/') == root.as_str().trim_end_matches('/')) {
        None => Ok(root),
        Some((_, mirror)) => mirror_url(mirror),
    }
}

/// A mirror in the user's configuration: http and private addresses are the user's own business.
fn mirror_url(text: &str) -> Result<Url> {
    let with_slash = if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
    let url = Url::parse(&with_slash).ok().filter(|url| matches!(url.scheme(), "https" | "http" | "file"));
    url.ok_or_else(|| {
        Error::new("mfp::config::invalid", format!("the mirror `{}` isn't an https, http or file URL", clean(text)))
            .help("`mfp config list` shows the mirrors")
    })
}

/// A path below a registry's folder; what would leave it is refused.
fn relative(path: &str) -> Result<&Path> {
    let safe = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if safe {
        Ok(Path::new(path))
    } else {
        Err(Error::new("mfp::registry::malformed", format!("`{}` would leave the registry's folder", clean(path)))
            .help("ask whoever keeps the registry"))
    }
}

fn read_file(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::File::open(path) {
        Ok(file) => {
            let mut bytes = Vec::new();
            file.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(|error| explain::io("read", path, &error))?;
            if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
                return Err(Error::new(
                    "mfp::registry::malformed",
                    format!("{} is larger than {MAX_DOCUMENT_BYTES} bytes", path.display()),
                )
                .help("ask whoever keeps the registry"));
            }
            Ok(Some(bytes))
        }
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(explain::io("read", path, &error)),
    }
}

/// A file name for a document's path; a query or anything odd is hashed.
fn cache_key(path: &str) -> String {
    let plain =
        path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_')) && relative(path).is_ok();
    if plain { path.to_owned() } else { format!("other/{}", blake3::hash(path.as_bytes()).to_hex()) }
}
