//! Bring the bytes that a lock names into the store, verified.
//!
//! Each artifact goes, as it arrives, through its size cap, SHA-256, the unpacker and BLAKE3, in one pass on a thread of its
//! own; then its `plugin.yaml` must say what the lock says. Only then does it get a name, all of a batch at once, so that
//! one flush of the disk is enough for them. Of many processes that miss the same, one fetches it ([`mfp_store::claim`]).

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use mfp_model::content::MANIFEST_FILE;
use mfp_model::digest::ContentDigest;
use mfp_model::lock::{LockedPackage, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::plugin::{BareWasm, Metadata, PluginManifest, check_manifest_files, check_wasm_header};
use mfp_model::project::Manifest;
use mfp_model::source::{ArchiveFormat, Artifact, Pin, Source};
use mfp_store::file_lock::LockError;
use mfp_store::{Claim, Claims, Expected, ExpectedArtifact, Store, StoreError, Tree, Verified, cores};
use tokio::sync::{Semaphore, mpsc};

use crate::app::App;
use crate::error::{Error, Exit, Result};
use crate::explain;
use crate::locking::Declared;
use crate::report::{Event, Reporter};
use crate::signing;
use crate::sources::declared::read_folder;
use crate::sources::git::Git;
use crate::sources::http::{Cap, Http};
use crate::sources::registry::ArtifactPlace;
use crate::sources::{Registries, Sources, registry};

/// The largest archive, in bytes.
const MAX_ARCHIVE_BYTES: u64 = 64 << 20;
/// Artifacts up to this size are taken whole before they're unpacked: fewer switches between threads.
const SMALL: u64 = 256 << 10;
/// How many plugins are committed at once: enough to share a flush of the disk, few enough that it's done while others come.
const BATCH: usize = 96;
/// How many larger ones are unpacked while they come.
const STREAMS: usize = 8;
/// Chunks on their way from the network to the unpacker.
const CHUNKS_IN_FLIGHT: usize = 16;

/// Fetch what isn't in the store, verify it, commit it. Says what was fetched.
pub(crate) fn fetch_missing(app: &App<'_>, store: &Store, manifest: &Manifest, root: &Path, wanted: &[&LockedPlugin]) -> Result<()> {
    if wanted.is_empty() {
        return Ok(());
    }
    let started = Instant::now();
    let total: u64 = wanted.iter().filter_map(|plugin| artifact_of(plugin)).map(|artifact| artifact.size).sum();
    app.reporter.event(Event::FetchPlanned { total });
    let sources = app.sources()?;
    let registries = sources.registries(manifest, root)?;
    let job = Job::new(&sources, &registries, manifest, root, store);
    let of = |kind: Kind| wanted.iter().copied().filter(move |plugin| kind_of(plugin) == kind);
    for plugin in of(Kind::Folder) {
        store.insert(job.folder(plugin)?).map_err(explain::store)?;
    }
    let mut from_others = archives(app, &job, of(Kind::Archive).collect())?;
    from_others.count += repositories(app, store, root, &of(Kind::Repository).collect::<Vec<_>>())?;
    app.reporter.event(Event::Fetched {
        count: wanted.len() - from_others.count,
        bytes: total - from_others.bytes,
        elapsed: started.elapsed(),
    });
    Ok(())
}

/// What other processes fetched meanwhile.
#[derive(Debug, Default)]
struct FromOthers {
    count: usize,
    bytes: u64,
}

/// Fetch archives, but not those that other processes are fetching: they're waited for, and looked at again.
fn archives(app: &App<'_>, job: &Job<'_>, mut wanted: Vec<&LockedPlugin>) -> Result<FromOthers> {
    let mut from_others = FromOthers::default();
    if wanted.is_empty() {
        return Ok(from_others);
    }
    let runtime = app.runtime()?;
    let mut claiming = Claiming { app, store: job.store, has_said: false };
    while !wanted.is_empty() {
        let claims = claiming.next(&wanted)?;
        // It may have come since it was last looked for: before it was claimed, or while it was waited for.
        let (here, missing): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|plugin| signing::is_here(job.store, plugin));
        for plugin in here {
            let bytes = artifact_of(plugin).map_or(0, |artifact| artifact.size);
            from_others.count += 1;
            from_others.bytes += bytes;
            app.reporter.event(Event::FetchProgress { bytes });
        }
        let (ours, others): (Vec<_>, Vec<_>) = missing.into_iter().partition(|plugin| claims.allow(plugin));
        let ours: Vec<_> = ours.into_iter().map(|plugin| (plugin, claims.of(plugin))).collect();
        drop(claims);
        runtime.block_on(job.all(ours))?;
        wanted = others;
    }
    Ok(from_others)
}

/// Claims what's to be fetched, and says once that somebody is waited for.
struct Claiming<'a> {
    app: &'a App<'a>,
    store: &'a Store,
    has_said: bool,
}

/// What may be fetched now.
enum Turn {
    /// What's claimed.
    Claimed(Claims),
    /// All of it: somebody has kept a claim for so long that a second download is the lesser evil.
    Anything,
}

impl Claiming<'_> {
    fn next(&mut self, wanted: &[&LockedPlugin]) -> Result<Turn> {
        let (reporter, has_said) = (self.app.reporter, &mut self.has_said);
        let mut waiting = |path: &Path| {
            if !std::mem::replace(has_said, true) {
                reporter.event(Event::Waiting { path: path.display().to_string() });
            }
        };
        let contents = wanted.iter().map(|plugin| plugin.content);
        match self.store.claim(contents, self.app.settings.user.lock_timeout, &mut waiting) {
            Ok(claims) => Ok(Turn::Claimed(claims)),
            Err(error @ StoreError::Lock(LockError::Timeout { .. })) => {
                reporter.event(Event::Detail(format!("{error}; fetching without it")));
                Ok(Turn::Anything)
            }
            Err(error) => Err(explain::store(error)),
        }
    }
}

impl Turn {
    fn allow(&self, plugin: &LockedPlugin) -> bool {
        matches!(self, Self::Anything) || self.of(plugin).is_some()
    }

    fn of(&self, plugin: &LockedPlugin) -> Option<Claim> {
        match self {
            Self::Claimed(claims) => claims.of(&plugin.content),
            Self::Anything => None,
        }
    }
}

/// Fetch what's damaged in the store again. Nothing is replaced yet: whoever has all of it does that. What another process has
/// mended meanwhile is left out.
pub(crate) fn fetch_damaged(
    app: &App<'_>,
    store: &Store,
    manifest: &Manifest,
    root: &Path,
    damaged: &[&LockedPlugin],
) -> Result<Vec<(Verified<Tree>, Option<Claim>)>> {
    let sources = app.sources()?;
    let registries = sources.registries(manifest, root)?;
    let job = Job::new(&sources, &registries, manifest, root, store);
    let is_damaged = |plugin: &&LockedPlugin| store.need(&plugin.content).and_then(|stored| stored.check()).is_err();
    let mut claiming = Claiming { app, store, has_said: false };
    let mut trees = Vec::new();
    let mut wanted = damaged.to_vec();
    while !wanted.is_empty() {
        // Nobody waits for a claim while holding another: what was fetched with the last turn's keeps none, if there's a next.
        for (_, claim) in &mut trees {
            *claim = None;
        }
        let turn = claiming.next(&wanted)?;
        wanted.retain(|plugin| is_damaged(plugin));
        let (ours, others): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|plugin| turn.allow(plugin));
        for plugin in ours {
            let tree = match kind_of(plugin) {
                Kind::Folder => job.folder(plugin)?,
                Kind::Archive => app.wait(job.one(plugin))?,
                Kind::Repository => from_repository(app, &Git::new(app, root)?, store, plugin)?,
            };
            trees.push((tree, turn.of(plugin)));
        }
        wanted = others;
    }
    Ok(trees)
}

/// Fetch plugins from repositories. Those of one repository share what's fetched from it. Says how many another process
/// brought meanwhile.
fn repositories(app: &App<'_>, store: &Store, root: &Path, wanted: &[&LockedPlugin]) -> Result<usize> {
    if wanted.is_empty() {
        return Ok(0);
    }
    let git = Git::new(app, root)?;
    let (mut trees, mut from_others) = (Vec::new(), 0);
    for plugin in wanted {
        git.hold(package_of(plugin)?)?;
        if signing::is_here(store, plugin) {
            from_others += 1;
        } else {
            trees.push(from_repository(app, &git, store, plugin)?);
        }
    }
    store.commit(trees).map_err(explain::store)?;
    Ok(from_others)
}

/// What a commit gives, verified.
fn from_repository(app: &App<'_>, git: &Git<'_>, store: &Store, plugin: &LockedPlugin) -> Result<Verified<Tree>> {
    let tree = git.locked(store, plugin, package_of(plugin)?)?;
    app.reporter.event(Event::FetchDone { name: plugin.name.to_string() });
    Ok(tree)
}

fn package_of(plugin: &LockedPlugin) -> Result<&LockedPackage> {
    plugin.package().ok_or_else(|| Error::bug(format!("{} has no bytes to fetch", plugin.name)))
}

/// What a registry calls an artifact unless it says otherwise.
fn usual_file(plugin: &LockedPlugin, package: &LockedPackage, artifact: &Artifact) -> String {
    format!("{}-{}.{}", plugin.id(), package.version, artifact.format.as_str())
}

/// How a plugin's bytes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Archive,
    Folder,
    Repository,
}

fn kind_of(plugin: &LockedPlugin) -> Kind {
    match plugin.package().map(|package| &package.pin) {
        Some(Pin::Path { .. }) => Kind::Folder,
        Some(Pin::Git { .. }) => Kind::Repository,
        Some(Pin::Registry { .. } | Pin::Url { .. }) | None => Kind::Archive,
    }
}

fn artifact_of(plugin: &LockedPlugin) -> Option<&Artifact> {
    plugin.package()?.pin.artifact()
}

/// Everything that fetching needs, once.
struct Job<'a> {
    http: &'a Http,
    registries: &'a Registries<'a>,
    manifest: &'a Manifest,
    root: &'a Path,
    store: &'a Store,
    reporter: &'a Reporter,
    unpackers: Semaphore,
    streams: Semaphore,
}

impl<'a> Job<'a> {
    fn new(sources: &'a Sources<'_>, registries: &'a Registries<'a>, manifest: &'a Manifest, root: &'a Path, store: &'a Store) -> Self {
        let (unpackers, streams) = (Semaphore::new(cores()), Semaphore::new(STREAMS));
        Self { http: &sources.http, registries, manifest, root, store, reporter: sources.reporter(), unpackers, streams }
    }
}

impl Job<'_> {
    /// All of them, many at once, committed in batches. A claim is given back when its plugin is committed.
    async fn all(&self, wanted: Vec<(&LockedPlugin, Option<Claim>)>) -> Result<()> {
        let mut done = Vec::with_capacity(wanted.len().min(BATCH));
        let download = async |(plugin, claim)| Ok((self.one(plugin).await?, claim));
        let mut downloads = futures_util::stream::iter(wanted.into_iter().map(download)).buffer_unordered(64);
        let mut commits = Vec::new();
        while let Some(tree) = downloads.next().await {
            done.push(tree?);
            if done.len() == BATCH {
                commits.push(self.commit(std::mem::take(&mut done)));
            }
        }
        commits.push(self.commit(done));
        for commit in commits {
            commit.await.map_err(|_| Error::bug("a commit to the store panicked"))?.map_err(explain::store)?;
        }
        Ok(())
    }

    /// Commit on a thread of its own: it waits for the disk.
    fn commit(&self, done: Vec<(Verified<Tree>, Option<Claim>)>) -> tokio::task::JoinHandle<mfp_store::Result<()>> {
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || {
            let (trees, _claims): (Vec<_>, Vec<_>) = done.into_iter().unzip();
            store.commit(trees)
        })
    }

    async fn one(&self, plugin: &LockedPlugin) -> Result<Verified<Tree>> {
        let package = package_of(plugin)?;
        let artifact = package.pin.artifact().ok_or_else(|| Error::bug(format!("{} has no artifact to fetch", plugin.name)))?;
        let expected = Expected::Locked {
            content: plugin.content,
            artifact: Some(ExpectedArtifact { sha256: artifact.sha256, size: Some(artifact.size) }),
        };
        let place = self.place(plugin, package).await?;
        let tree = match self.ingest(&place, artifact.format, Some(artifact.size), expected).await {
            Err(error) if error.is_missing_artifact() => match self.other_place(plugin, package, artifact).await? {
                Some(place) => self.ingest(&place, artifact.format, Some(artifact.size), expected).await,
                None => Err(error),
            },
            result => result,
        };
        let tree = tree.map_err(|error| error.about(&plugin.name))?;
        let manifest = check_package(plugin, package, &tree)?;
        self.check_hosts(plugin, package, &manifest)?;
        self.reporter.event(Event::FetchDone { name: plugin.name.to_string() });
        Ok(tree)
    }

    /// Which hosts a version is for decides whether it's chosen, and stands in the index line, but not in the lock. So it's
    /// compared with the line where that's at hand, which it is whenever something was just chosen.
    fn check_hosts(&self, plugin: &LockedPlugin, package: &LockedPackage, manifest: &PluginManifest) -> Result<()> {
        let Pin::Registry { registry: name, artifact, .. } = &package.pin else { return Ok(()) };
        let hosts = registry(self.registries, name)?.known_hosts(plugin.id(), &package.version, &artifact.sha256);
        let Some(hosts) = hosts else { return Ok(()) };
        let said = Metadata { mockforge: hosts, ..manifest.metadata() };
        manifest.metadata().check_against(&said, "the registry's index").map_err(|mismatch| explain::metadata(&plugin.name, &mismatch))
    }

    async fn place(&self, plugin: &LockedPlugin, package: &LockedPackage) -> Result<ArtifactPlace> {
        match &package.pin {
            Pin::Registry { registry: name, artifact, .. } => {
                registry(self.registries, name)?.artifact(plugin.id(), &package.version, &usual_file(plugin, package, artifact)).await
            }
            Pin::Url { url, .. } => Ok(place_of(&url.resolve(self.root))),
            Pin::Git { .. } | Pin::Path { .. } => Err(Error::bug(format!("{} isn't fetched as an archive", plugin.name))),
        }
    }

    /// The lock doesn't hold a file's name, which is `name-version.format` nearly everywhere. Where it isn't, the index knows it.
    async fn other_place(&self, plugin: &LockedPlugin, package: &LockedPackage, artifact: &Artifact) -> Result<Option<ArtifactPlace>> {
        let Pin::Registry { registry: name, .. } = &package.pin else { return Ok(None) };
        let client = registry(self.registries, name)?;
        let document = client.index(plugin.id()).await?;
        let line = document
            .as_ref()
            .and_then(|document| document.lines.iter().find(|line| line.version == package.version && line.sha256 == artifact.sha256));
        match line {
            Some(line) if line.file != usual_file(plugin, package, artifact) => {
                client.artifact(plugin.id(), &package.version, &line.file).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// A folder of the project: read again, and it must be what was locked.
    fn folder(&self, plugin: &LockedPlugin) -> Result<Verified<Tree>> {
        let missing = || Error::bug(format!("{} is locked as a folder and not declared as one", plugin.name));
        let entry = self.manifest.plugins.get(&plugin.name).ok_or_else(missing)?;
        let Source::Path { path, bare } = &entry.request.source else { return Err(missing()) };
        let folder = read_folder(&plugin.name, self.root, path, bare, entry.request.package.as_ref())?;
        let tree = self
            .store
            .ingest_folder(folder.into_files(), &Expected::Locked { content: plugin.content, artifact: None })
            .map_err(|error| explain::store(error).about(&plugin.name))?;
        let package = plugin.package().ok_or_else(missing)?;
        check_package(plugin, package, &tree)?;
        Ok(tree)
    }

    /// Stream an artifact into the store's staging. The two ends run at once, joined by a short channel.
    async fn ingest(&self, place: &ArtifactPlace, format: ArchiveFormat, size: Option<u64>, expected: Expected) -> Result<Verified<Tree>> {
        let url = match place {
            ArtifactPlace::File(path) => {
                let file = std::fs::File::open(path).map_err(|error| explain::artifact_file(path, &error))?;
                self.reporter.event(Event::FetchProgress { bytes: size.unwrap_or(0) });
                return self.unpack_in_turn(file, format, expected).await;
            }
            ArtifactPlace::Url(url) => url,
        };
        let cap = Cap { at_most: size.unwrap_or(MAX_ARCHIVE_BYTES).min(MAX_ARCHIVE_BYTES), exactly: size };
        if size.is_some_and(|size| size <= SMALL) {
            let mut whole = Vec::with_capacity(usize::try_from(cap.at_most).unwrap_or(0));
            self.http
                .download(url, cap, async |chunk: Bytes| {
                    self.reporter.event(Event::FetchProgress { bytes: chunk.len() as u64 });
                    whole.extend_from_slice(&chunk);
                    Ok(())
                })
                .await?;
            return self.unpack_in_turn(std::io::Cursor::new(whole), format, expected).await;
        }
        let _stream = self.streams.acquire().await.expect("the semaphore is never closed");
        let (sender, receiver) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let unpacking = self.unpack(Chunks { receiver, current: Bytes::new() }, format, expected);
        let downloading = async move {
            self.http
                .download(url, cap, async |chunk: Bytes| {
                    self.reporter.event(Event::FetchProgress { bytes: chunk.len() as u64 });
                    // The unpacker may have seen enough: then there's no need for the rest, and what it says is the error.
                    sender.send(Ok(chunk)).await.map_err(|_| Error::bug("the unpacker took less than the archive, and was content"))
                })
                .await
                .inspect_err(|_| {
                    let _ = sender.try_send(Err(std::io::ErrorKind::ConnectionAborted));
                })
        };
        match futures_util::future::join(downloading, unpacking).await {
            (Err(error), Err(unpack)) if unpack.code() == SOURCE_BROKE => Err(error),
            (_, Err(unpack)) => Err(unpack),
            (Err(error), Ok(_)) => Err(error),
            (Ok(()), Ok(tree)) => Ok(tree),
        }
    }

    /// Unpack something that's here: as many at once as there are cores.
    async fn unpack_in_turn(
        &self,
        reader: impl Read + Send + 'static,
        format: ArchiveFormat,
        expected: Expected,
    ) -> Result<Verified<Tree>> {
        let _turn = self.unpackers.acquire().await.expect("the semaphore is never closed");
        self.unpack(reader, format, expected).await
    }

    async fn unpack(&self, reader: impl Read + Send + 'static, format: ArchiveFormat, expected: Expected) -> Result<Verified<Tree>> {
        let store = self.store.clone();
        let work = tokio::task::spawn_blocking(move || store.ingest_archive(reader, format, &expected));
        work.await.map_err(|_| Error::bug("the unpacker panicked"))?.map_err(explain::store)
    }
}

/// The code of a store's error that only says that its reader failed.
const SOURCE_BROKE: &str = "mfp::fetch::broken-off";

/// The receiving end of a download, as something to read from.
struct Chunks {
    receiver: mpsc::Receiver<std::result::Result<Bytes, std::io::ErrorKind>>,
    current: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(kind)) => return Err(kind.into()),
            }
        }
        let length = buffer.len().min(self.current.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

fn place_of(url: &url::Url) -> ArtifactPlace {
    match url.to_file_path() {
        Ok(path) if url.scheme() == "file" => ArtifactPlace::File(path),
        _ => ArtifactPlace::Url(url.clone()),
    }
}

/// A package must be what the lock says about it: what it says about itself, wider or narrower, and who signed it.
pub(crate) fn check_package(plugin: &LockedPlugin, package: &LockedPackage, tree: &Tree) -> Result<PluginManifest> {
    let bare = BareWasm { name: plugin.id().clone(), types: plugin.types.clone(), version: Some(package.version.clone()) };
    let manifest = manifest_of(&plugin.name, tree, &bare, package.pin.artifact())?;
    match plugin.metadata() {
        Some(locked) => manifest.metadata().check_against(&locked, "plugins.lock").map_err(|it| explain::metadata(&plugin.name, &it))?,
        None => return Err(Error::bug("a service has no package")),
    }
    signing::prove_tree(plugin, tree)?;
    Ok(manifest)
}

/// The manifest of a package, whose files must be as a plugin's are.
fn manifest_of(name: &PluginName, tree: &Tree, bare: &BareWasm, artifact: Option<&Artifact>) -> Result<PluginManifest> {
    let is_bare =
        artifact.is_some_and(|artifact| artifact.format == ArchiveFormat::Wasm) || (tree.manifest().is_none() && tree.listing().len() == 1);
    if is_bare {
        let bytes = tree.read(mfp_model::content::BARE_WASM_FILE).map_err(explain::store)?;
        let is_module = artifact.is_some_and(|artifact| artifact.format == ArchiveFormat::Wasm);
        return PluginManifest::from_wasm(&bytes, bare).map_err(|error| {
            let error = explain::bare_wasm(name, &error);
            // What a module doesn't say, the project can; what an archive doesn't, only its publisher.
            if is_module { error } else { error.exit_with(Exit::Integrity) }
        });
    }
    check_manifest_files(tree.listing().iter().map(|(path, _)| path.as_str())).map_err(|error| explain::entry(name, &error))?;
    let text = tree.manifest().ok_or_else(|| {
        let error = Error::new("mfp::manifest::invalid", format!("{name}: {MANIFEST_FILE} is larger than 1 MiB"));
        error.help("nothing was kept; tell the plugin's publisher").exit_with(Exit::Integrity)
    })?;
    let manifest =
        PluginManifest::from_bytes(text).map_err(|error| explain::plugin_manifest(&format!("{name}/{MANIFEST_FILE}"), text, &error))?;
    let entry = manifest.entry_in(tree.listing()).map_err(|error| explain::entry(name, &error))?;
    let module = tree.read(entry.as_str()).map_err(explain::store)?;
    check_wasm_header(&module).map_err(|error| explain::wasm(name, &error))?;
    Ok(manifest)
}

/// The manifest of a package that came as files, not as an archive.
pub(super) fn manifest_of_tree(name: &PluginName, tree: &Tree) -> Result<PluginManifest> {
    let bare = BareWasm { name: name.clone(), types: std::collections::BTreeSet::new(), version: None };
    manifest_of(name, tree, &bare, None)
}

/// What an archive's package says about itself, held to what every package must be.
pub(crate) fn manifest_in(name: &PluginName, tree: &Tree) -> Result<PluginManifest> {
    let artifact = tree.artifact().map(|found| Artifact { format: found.format, size: found.size, sha256: found.sha256 });
    let bare = BareWasm { name: name.clone(), types: std::collections::BTreeSet::new(), version: None };
    manifest_of(name, tree, &bare, artifact.as_ref())
}

/// What an archive on this disk holds, looked at and not kept.
pub(crate) fn look_into(store: &Store, place: &Path, format: ArchiveFormat) -> Result<(PluginManifest, Verified<Tree>)> {
    let name: PluginName = "plugin".parse().expect("`plugin` is a name");
    let file = std::fs::File::open(place).map_err(|error| explain::io("read", place, &error))?;
    let tree = store.ingest_archive(file, format, &Expected::FirstSight).map_err(explain::store)?;
    Ok((manifest_in(&name, &tree)?, tree))
}

/// What was found at a URL, or in a repository, that nobody has locked yet.
#[derive(Debug)]
pub(crate) struct FirstSight {
    /// What it says about itself.
    pub(crate) manifest: PluginManifest,
    pin: Pin,
    content: ContentDigest,
    signature: Option<String>,
}

impl FirstSight {
    pub(super) fn new(manifest: PluginManifest, pin: Pin, tree: &Tree) -> Self {
        Self { manifest, pin, content: tree.content(), signature: tree.signature().map(str::to_owned) }
    }

    /// The same as a plugin of the project.
    pub(crate) fn declare(&self, name: &PluginName, alias: Option<&PluginName>) -> Declared {
        Declared::new(name, alias, self.pin.clone(), self.content, &self.manifest, self.signature.clone())
    }
}

/// Fetch a URL plugin that nobody has locked yet into the store, and see what it is.
pub(crate) async fn fetch_first_sight(
    sources: &Sources<'_>,
    store: &Store,
    root: &Path,
    name: &PluginName,
    alias: Option<&PluginName>,
    source: &Source,
) -> Result<FirstSight> {
    let Source::Url { url, sha256, bare } = source else {
        return Err(Error::bug(format!("{name} isn't declared by a URL")));
    };
    let format = ArchiveFormat::from_file_name(&url.file_name()).ok_or_else(|| {
        Error::new("mfp::manifest::invalid", format!("{name}: the URL doesn't end in .tar.zst, .tar.gz, .tgz, .zip or .wasm"))
            .help("only archives of these kinds, and bare modules, can be plugins")
    })?;
    let expected = sha256.map_or(Expected::FirstSight, |sha256| Expected::Artifact(ExpectedArtifact { sha256, size: None }));
    let (registries, manifest) = (Registries::new(), Manifest::default());
    let job = Job::new(sources, &registries, &manifest, root, store);
    let tree = job.ingest(&place_of(&url.resolve(root)), format, None, expected).await.map_err(|error| error.about(name))?;
    let found = tree.artifact().ok_or_else(|| Error::bug("an archive has no size"))?;
    let artifact = Artifact { format, size: found.size, sha256: found.sha256 };
    let fallback = BareWasm { name: alias.unwrap_or(name).clone(), types: bare.types.clone(), version: bare.version.clone() };
    let described = manifest_of(name, &tree, &fallback, Some(&artifact))?;
    let sight = FirstSight::new(described, Pin::Url { url: url.clone(), artifact }, &tree);
    store.insert(tree).map_err(explain::store)?;
    Ok(sight)
}
