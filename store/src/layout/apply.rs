//! How is a plan carried out so that it can be killed anywhere? Built beside, announced in the record, switched, recorded.
//!
//! 1. New plugin folders are built in `.mfp-staging-<random>/new/`. Killed here: the next apply deletes that.
//! 2. The record is written with the new ones as *pending*. Killed from here on: whoever opens the layout sees by the folders'
//!    inodes and stamps which were switched, and plans the rest again.
//! 3. Each plugin is switched by renames: the old folder into staging, the new one to its name. Unwanted ones are deleted.
//! 4. Staging is deleted, and the record is written with what's laid out now.
//!
//! Where there's no plugin folder yet, all of it is built beside its place, its record included, and appears by one rename.
//! Killed before that: the next apply deletes what was built.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mfp_model::content::PackagePath;
use mfp_model::digest::ContentDigest;
use mfp_model::name::PluginName;

use super::place::{LinkMode, Placer, UsedMode};
use super::record::{LaidOut, Record};
use super::{FIRST_PREFIX, Layout, LayoutPlan, STAGING_PREFIX};
use crate::error::Result;
use crate::fs::{self, At};
use crate::os;
use crate::store::Store;
use crate::walk;

/// What an apply did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Plugins that are laid out now and weren't before, or not like this.
    pub laid_out: BTreeSet<PluginName>,
    /// Plugins whose files are gone.
    pub removed: BTreeSet<PluginName>,
    /// Folders of removed plugins that still stand, since there's something in them that mfp didn't make.
    pub left: Vec<PathBuf>,
}

impl Layout {
    /// Carry out a plan that was made by this value's [`Layout::plan`]. `stamp` is kept in the record for the caller
    /// ([`Record::stamp`]).
    ///
    /// What can fail (bytes that don't verify, a full disk, a file of somebody else's in the way) fails before the first
    /// plugin is switched, as far as that's possible.
    pub fn apply(&mut self, plan: &LayoutPlan, store: &Store, mode: LinkMode, stamp: &str) -> Result<Applied> {
        if plan.is_empty() && self.record.pending.is_empty() && self.record.stamp() == stamp && self.record.is_saved() {
            return Ok(Applied::default());
        }
        self.check_way(plan)?;
        if self.plugins.is_empty() && !fs::exists(&self.folder)? {
            return self.apply_first(plan, store, mode, stamp);
        }
        fs::ensure_dir(&self.folder, 0o755)?;
        self.folder.parent().map_or(Ok(()), sweep_first)?;
        self.sweep()?;
        let mut applied = Applied::default();
        let staging = Staging::new(&self.folder)?;
        let new = staging.new.build(&plan.needed(), store, mode)?;
        if !new.is_empty() {
            self.record = Record::new("", self.plugins.clone(), new.clone());
            self.record.save(&self.folder)?;
        }
        for (name, laid_out) in new {
            staging.switch(&self.folder, &name)?;
            self.plugins.insert(name.clone(), laid_out);
            applied.laid_out.insert(name);
        }
        for name in plan.remove.keys() {
            self.remove(name, &mut applied)?;
        }
        drop(staging); // before the record says that all is done: nobody would look for it afterwards
        self.record = Record::new(stamp, self.plugins.clone(), BTreeMap::new());
        self.record.save(&self.folder)?;
        Ok(applied)
    }

    /// There's no plugin folder: build it as a whole, and give it its name.
    fn apply_first(&mut self, plan: &LayoutPlan, store: &Store, mode: LinkMode, stamp: &str) -> Result<Applied> {
        let parent = self.folder.parent().unwrap_or(&self.folder);
        fs::ensure_dir(parent, 0o755)?;
        sweep_first(parent)?;
        let mut staging = os::temporary_dir(FIRST_PREFIX, parent, 0o755).at("make a folder in", parent)?;
        let built = Builder { folder: staging.path().to_owned() }.build(&plan.needed(), store, mode)?;
        let record = Record::new(stamp, built, BTreeMap::new());
        record.save(staging.path())?;
        std::fs::rename(staging.path(), &self.folder).at("rename a folder to", &self.folder)?;
        staging.disable_cleanup(true);
        os::sync_dir(parent).at("flush", parent)?;
        let applied = Applied { laid_out: record.plugins.keys().cloned().collect(), ..Applied::default() };
        self.plugins.clone_from(&record.plugins);
        self.record = record;
        Ok(applied)
    }

    fn remove(&mut self, name: &PluginName, applied: &mut Applied) -> Result<()> {
        let target = self.folder.join(name.as_str());
        if let Some(laid_out) = self.plugins.get(name)
            && !walk::remove_ours(&target, laid_out.paths())?
        {
            applied.left.push(target);
        }
        self.plugins.remove(name);
        applied.removed.insert(name.clone());
        Ok(())
    }

    /// Delete what killed applies left: new folders wholly, since mfp made them; of old ones what mfp had laid out.
    fn sweep(&self) -> Result<()> {
        fs::sweep_temporary(&self.folder);
        for entry in std::fs::read_dir(&self.folder).at("list", &self.folder)? {
            let entry = entry.at("list", &self.folder)?;
            if !entry.file_name().to_string_lossy().starts_with(STAGING_PREFIX) || !walk::is_real_folder(&entry.path())? {
                continue;
            }
            fs::remove_dir_all(&entry.path().join("new"))?;
            let old = entry.path().join("old");
            let recorded = self.record.plugins.iter().chain(&self.record.pending).chain(&self.plugins);
            for (name, laid_out) in recorded {
                walk::remove_ours(&old.join(name.as_str()), laid_out.paths())?;
            }
            let _ = std::fs::remove_dir(old);
            let _ = std::fs::remove_dir(entry.path()); // not empty: something of somebody else's, which stays
        }
        Ok(())
    }
}

/// Delete what killed first applies left beside the plugin folder. The name is ours, and so is all that's below it.
fn sweep_first(parent: &Path) -> Result<()> {
    for entry in std::fs::read_dir(parent).at("list", parent)? {
        let entry = entry.at("list", parent)?;
        let is_ours = |name: &str| {
            name.strip_prefix(FIRST_PREFIX).is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        };
        if entry.file_name().to_str().is_some_and(is_ours) && walk::is_real_folder(&entry.path())? {
            fs::remove_dir_all(&entry.path())?;
        }
    }
    Ok(())
}

/// So few plugins are built by one thread: starting another would take longer.
const WORTH_A_THREAD: usize = 8;

/// The folder in which the plugins of a plugin folder are built and switched. Deleted when it's dropped.
struct Staging {
    folder: tempfile::TempDir,
    new: Builder,
}

impl Staging {
    fn new(parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(STAGING_PREFIX).tempdir_in(parent).at("make a folder in", parent)?;
        for part in ["new", "old"] {
            let path = folder.path().join(part);
            os::create_dir(&path, 0o755).at("make the folder", &path)?;
        }
        let new = Builder { folder: folder.path().join("new") };
        Ok(Self { folder, new })
    }

    /// Put the new folder where the old one is, if there's one.
    fn switch(&self, plugin_dir: &Path, name: &PluginName) -> Result<()> {
        let target = plugin_dir.join(name.as_str());
        let old = self.folder.path().join("old").join(name.as_str());
        let had_one = fs::exists(&target)?;
        if had_one {
            std::fs::rename(&target, &old).at("move", &target)?;
        }
        let switched = std::fs::rename(self.new.path_of(name), &target).at("rename a folder to", &target);
        if switched.is_err() && had_one {
            let _ = std::fs::rename(&old, &target); // the first error is the one to tell
        }
        Ok(switched?)
    }
}

/// A folder in which plugins are built, each whole.
struct Builder {
    folder: PathBuf,
}

impl Builder {
    fn path_of(&self, name: &PluginName) -> PathBuf {
        self.folder.join(name.as_str())
    }
    /// Build all new plugin folders, and make their bytes outlive a crash where they're bytes of their own.
    fn build(&self, needed: &BTreeMap<&PluginName, ContentDigest>, store: &Store, mode: LinkMode) -> Result<BTreeMap<PluginName, LaidOut>> {
        let needed: Vec<(&PluginName, ContentDigest)> = needed.iter().map(|(name, content)| (*name, *content)).collect();
        let share = needed.len().div_ceil(crate::cores()).max(WORTH_A_THREAD);
        let built = std::thread::scope(|scope| {
            let workers: Vec<_> = needed.chunks(share).map(|share| scope.spawn(move || self.build_share(share, store, mode))).collect();
            let shares = workers.into_iter().map(|worker| worker.join().expect("building a folder doesn't panic"));
            shares.collect::<Result<Vec<_>>>()
        })?;
        let built: BTreeMap<PluginName, LaidOut> = built.into_iter().flatten().collect();
        if built.values().any(|laid_out| laid_out.mode == UsedMode::Copy) {
            fs::flush_all(&self.folder)?;
        }
        Ok(built)
    }

    /// One thread's part of it.
    fn build_share(&self, share: &[(&PluginName, ContentDigest)], store: &Store, mode: LinkMode) -> Result<Vec<(PluginName, LaidOut)>> {
        let mut placer = Placer::new(mode);
        share.iter().map(|(name, content)| Ok(((*name).clone(), self.build_one(name, content, store, &mut placer)?))).collect()
    }

    fn build_one(&self, name: &PluginName, content: &ContentDigest, store: &Store, placer: &mut Placer) -> Result<LaidOut> {
        let stored = store.need(content)?;
        let folder = self.path_of(name);
        os::create_dir(&folder, 0o755).at("make the folder", &folder)?;
        let mut folders = BTreeSet::new();
        let mut used = UsedMode::Copy;
        let mut files = Vec::with_capacity(stored.listing().len());
        for (path, entry) in stored.listing().iter() {
            make_folders(&folder, path, &mut folders)?;
            let placed = placer.place(&stored, path, entry, &folder.join(path.as_str()))?;
            used = used.max(placed.how);
            files.push((path.clone(), placed.stamp));
        }
        LaidOut::stamp(&folder, *content, used, files)
    }
}

fn make_folders(folder: &Path, path: &PackagePath, made: &mut BTreeSet<String>) -> Result<()> {
    for inner in path.ancestors() {
        if !made.contains(inner) {
            let target = folder.join(inner);
            os::create_dir(&target, 0o755).at("make the folder", &target)?;
            made.insert(inner.to_owned());
        }
    }
    Ok(())
}
