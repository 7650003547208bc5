//! What's known of a repository on this disk? One bare repository an address, with the objects that were ever fetched and
//! where its refs were then: enough to work offline. Disposable, like everything in the cache.
//!
//! Every object that's taken out of it is hashed again, so a damaged cache gives an error and never other bytes. One process
//! works with a repository at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::objs::{Find, Kind};
use mfp_store::file_lock::{FileLock, LockMode};
use mfp_store::fs::write_cache;
use serde::{Deserialize, Serialize};

use super::limits::MAX_OBJECT_BYTES;
use crate::app::App;
use crate::error::{Error, Result};
use crate::explain::{self, Explained};
use crate::report::Event;

/// The folder below the cache's own, with the version of its form.
const FOLDER: &str = "git/v1";

/// The bare repository of one address.
pub(super) struct Cache {
    folder: PathBuf,
    objects: gix::odb::Handle,
    known: Known,
    _lock: FileLock,
}

/// What was learned beside objects.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Known {
    /// Where refs were when the server was last asked, by their full names.
    refs: BTreeMap<String, String>,
    /// Commits that were seen to be on a ref of this repository; any other one may belong to a fork.
    on_ref: BTreeSet<String>,
    /// Commits whose trees are all here.
    trees: BTreeSet<String>,
}

/// An object, hashed.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) data: Vec<u8>,
}

impl Cache {
    /// Open it, or make it. Another process that works with it is waited for, with a word, after `before_waiting`.
    pub(super) fn open(app: &App<'_>, address: &str, before_waiting: &mut dyn FnMut()) -> Result<Self> {
        let parent = app.settings.cache_dir.join(FOLDER);
        std::fs::create_dir_all(&parent).map_err(|error| explain::io("make the folder", &parent, &error))?;
        let folder = parent.join(&blake3::hash(address.as_bytes()).to_hex()[..32]);
        let mut waiting = |path: &Path| {
            before_waiting();
            app.reporter.event(Event::Waiting { path: path.display().to_string() });
        };
        let timeout = app.settings.user.lock_timeout;
        let lock = FileLock::acquire(&folder.with_extension("lock"), LockMode::Exclusive, timeout, &mut waiting).explained()?;
        let objects = folder.join("objects");
        if objects.join("pack").is_dir() {
            sweep(&objects.join("pack"))?;
        } else {
            make(&folder)?;
        }
        let options =
            gix::odb::store::init::Options { alloc_limit_bytes: Some(MAX_OBJECT_BYTES), ..gix::odb::store::init::Options::default() };
        let objects = gix::odb::at_opts(&objects, gix::hash::Kind::Sha1, None, options)
            .map_err(|error| explain::io("read the repository", &objects, &error))?;
        let known = std::fs::read(folder.join("known.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(Self { folder, objects, known: known.unwrap_or_default(), _lock: lock })
    }

    /// Where packs go.
    pub(super) fn packs(&self) -> PathBuf {
        self.folder.join("objects").join("pack")
    }

    /// An object, if it's here; hashed again.
    pub(super) fn object(&self, id: &ObjectId) -> Result<Option<Object>> {
        let mut data = Vec::new();
        let found = self.objects.try_find(id, &mut data).map_err(|_| self.damaged())?;
        let Some(kind) = found.map(|found| found.kind) else { return Ok(None) };
        let computed = gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, &data).map_err(|_| self.damaged())?;
        if computed == *id { Ok(Some(Object { kind, data })) } else { Err(self.damaged()) }
    }

    /// Is it here?
    pub(super) fn has(&self, id: &ObjectId) -> bool {
        gix::objs::Exists::exists(&self.objects, id)
    }

    fn damaged(&self) -> Error {
        Error::new("mfp::git::cache", format!("the cached repository {} is damaged", self.folder.display()))
            .help("delete it, or everything that can be fetched again: `mfp cache clean`")
    }

    /// Where refs were when the server was last asked.
    pub(super) fn known_refs(&self) -> Vec<(String, ObjectId)> {
        let parsed = |(name, id): (&String, &String)| Some((name.clone(), ObjectId::from_hex(id.as_bytes()).ok()?));
        self.known.refs.iter().filter_map(parsed).collect()
    }

    /// The server was asked about the refs whose names `asked` holds for, and this is what it said.
    pub(super) fn learn_refs(&mut self, asked: impl Fn(&str) -> bool, refs: &[(String, ObjectId)]) -> Result<()> {
        self.known.refs.retain(|name, _| !asked(name));
        self.known.refs.extend(refs.iter().map(|(name, id)| (name.clone(), id.to_string())));
        self.save()
    }

    /// Was this commit seen on a ref of this repository?
    pub(super) fn is_on_ref(&self, commit: &ObjectId) -> bool {
        self.known.on_ref.contains(&commit.to_string())
    }

    /// It was.
    pub(super) fn learn_on_ref(&mut self, commit: &ObjectId) -> Result<()> {
        if self.known.on_ref.insert(commit.to_string()) { self.save() } else { Ok(()) }
    }

    /// Are all trees of this commit here?
    pub(super) fn has_trees(&self, commit: &ObjectId) -> bool {
        self.known.trees.contains(&commit.to_string()) && self.has(commit)
    }

    /// They are.
    pub(super) fn learn_trees(&mut self, commit: &ObjectId) -> Result<()> {
        if self.known.trees.insert(commit.to_string()) { self.save() } else { Ok(()) }
    }

    fn save(&self) -> Result<()> {
        let text = serde_json::to_vec(&self.known).expect("names and digests are JSON");
        write_cache(&self.folder.join("known.json"), &text).map_err(explain::store)
    }
}

/// Delete what a killed fetch left: nobody else works here now.
fn sweep(packs: &Path) -> Result<()> {
    let failed = |error: std::io::Error| explain::io("read the folder", packs, &error);
    for entry in std::fs::read_dir(packs).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_pack = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("pack-"));
        if !is_pack {
            std::fs::remove_file(&path).map_err(|error| explain::io("delete", &path, &error))?;
        }
    }
    Ok(())
}

/// The few files that make a folder a bare repository, so that `git --git-dir` can look at it.
fn make(folder: &Path) -> Result<()> {
    for part in ["objects/pack", "objects/info", "refs/heads", "refs/tags"] {
        let part = folder.join(part);
        std::fs::create_dir_all(&part).map_err(|error| explain::io("make the folder", &part, &error))?;
    }
    write_cache(&folder.join("config"), b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n").map_err(explain::store)?;
    write_cache(&folder.join("HEAD"), b"ref: refs/heads/main\n").map_err(explain::store)
}
