//! What does a command have to work with? Settings, a reporter, and the parts that cost something, each made when first
//! asked for: a command that needs no network builds no client and starts no runtime.

use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use mfp_store::fs::write_cache;
use mfp_store::{Store, StoreOptions};

use crate::error::{Error, Result};
use crate::explain;
use crate::project::{LOCK, Project};
use crate::report::Reporter;
use crate::scan;
use crate::settings::Settings;
use crate::sources::Sources;
use crate::sources::credentials::Credentials;
use crate::sources::registry::DocumentCaches;

/// What every command gets.
#[derive(Debug)]
pub(crate) struct App<'a> {
    /// Everything this process was told.
    pub(crate) settings: Settings,
    /// The only thing that prints.
    pub(crate) reporter: &'a Reporter,
    /// Index documents that were fetched before; what's new is written when the command is done.
    pub(crate) documents: DocumentCaches,
    credentials: OnceLock<Arc<Credentials>>,
}

impl<'a> App<'a> {
    pub(crate) fn new(settings: Settings, reporter: &'a Reporter) -> Self {
        Self { settings, reporter, documents: DocumentCaches::default(), credentials: OnceLock::new() }
    }

    /// Is somebody there who can be asked, and who sees what it's about?
    pub(crate) fn may_ask(&self) -> bool {
        self.settings.may_ask && !self.settings.talk.json && !self.settings.talk.quiet
    }

    /// The project that the command is about.
    pub(crate) fn project(&self) -> Result<Project> {
        Project::open(&self.settings)
    }

    /// The store of verified content.
    pub(crate) fn store(&self) -> Result<Store> {
        let inspector = scan::inspector(&self.settings);
        Store::open(StoreOptions { inspector, ..StoreOptions::new(&self.settings.store_dir) }).map_err(explain::store)
    }

    /// The same for a command that only looks: nothing is written to it, so one that can't be written is as good.
    pub(crate) fn store_to_read(&self) -> Result<Store> {
        if !self.settings.store_dir.is_dir() {
            return self.store();
        }
        Store::open(StoreOptions { read_only: true, ..StoreOptions::new(&self.settings.store_dir) }).map_err(explain::store)
    }

    /// Remember that this project is on this machine, so that `cache prune` keeps what its lock names. Only a help: a
    /// store that can't be written forgets.
    pub(crate) fn remember(&self, project: &Project) {
        let lock = project.root.join(LOCK);
        let Some(text) = lock.to_str() else { return };
        let mark = self.projects().join(&blake3::hash(text.as_bytes()).to_hex()[..32]);
        if !mark.exists() {
            // Whether it works or not, the command's own work is done.
            let _ = write_cache(&mark, text.as_bytes());
        }
    }

    /// The locks of all projects that were seen on this machine, those that are gone left out.
    pub(crate) fn known_locks(&self) -> Result<Vec<PathBuf>> {
        let folder = self.projects();
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(explain::io("read the folder", &folder, &error)),
        };
        let marks = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
        let mut locks: Vec<PathBuf> = marks.map(PathBuf::from).filter(|lock| lock.is_file()).collect();
        locks.sort();
        Ok(locks)
    }

    fn projects(&self) -> PathBuf {
        self.settings.store_dir.join("projects")
    }

    /// Who we are to servers: one for the whole command, so that a helper or a keyring is asked once.
    pub(crate) fn credentials(&self) -> Result<Arc<Credentials>> {
        if let Some(credentials) = self.credentials.get() {
            return Ok(Arc::clone(credentials));
        }
        let collected = Arc::new(Credentials::collect(&self.settings)?);
        Ok(Arc::clone(self.credentials.get_or_init(|| collected)))
    }

    /// What the world outside offers to a project.
    pub(crate) fn sources(&self) -> Result<Sources<'_>> {
        Sources::new(self)
    }

    /// Wait for something that goes over the network.
    pub(crate) fn wait<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime()?.block_on(work)
    }

    /// A runtime of one thread; what computes goes to others.
    #[expect(clippy::unused_self, reason = "only a command waits, and it has an app")]
    pub(crate) fn runtime(&self) -> Result<tokio::runtime::Runtime> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            Error::new("mfp::io::runtime", format!("the asynchronous runtime can't start: {error}"))
                .help("look at this machine's limits: `ulimit -a`")
        })
    }
}
