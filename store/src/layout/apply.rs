//! How is a plan carried out so that it can be killed anywhere? Built beside, announced in the record, switched, recorded.
//!
//! 1. New plugin folders are built in `.mfp-staging-<random>/new/`. Killed here: the next apply deletes that.
//! 2. The record is written with the new ones as *pending*. Killed from here on: whoever opens the layout sees by the folders'
//!    inodes and stamps which were switched, and plans the rest again.
//! 3. Each plugin is switched by renames: the old folder into staging, the new one to its name. Unwanted ones are deleted.
//! 4. Staging is deleted, and the record is written with what's laid out now.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mfp_model::content::PackagePath;
use mfp_model::digest::ContentDigest;
use mfp_model::name::PluginName;

use super::place::{LinkMode, Placer, UsedMode};
use super::record::{LaidOut, Record};
use super::{Layout, LayoutPlan, STAGING_PREFIX};
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
        fs::ensure_dir(&self.folder, 0o755)?;
        self.sweep()?;
        let mut applied = Applied::default();
        let staging = Staging::new(&self.folder)?;
        let new = staging.build(&plan.needed(), store, mode)?;
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

/// So few plugins are built by one thread: starting another would take longer.
const WORTH_A_THREAD: usize = 8;

/// The folder in which plugins are built. Deleted when it's dropped.
struct Staging {
    folder: tempfile::TempDir,
}

impl Staging {
    fn new(parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(STAGING_PREFIX).tempdir_in(parent).at("make a folder in", parent)?;
        for part in ["new", "old"] {
            let path = folder.path().join(part);
            os::create_dir(&path, 0o755).at("make the folder", &path)?;
        }
        Ok(Self { folder })
    }

    fn new_path(&self, name: &PluginName) -> PathBuf {
        self.folder.path().join("new").join(name.as_str())
    }

    /// Build all new plugin folders, and make their bytes outlive a crash where they're bytes of their own.
    fn build(&self, needed: &BTreeMap<&PluginName, ContentDigest>, store: &Store, mode: LinkMode) -> Result<BTreeMap<PluginName, LaidOut>> {
        let needed: Vec<(&PluginName, ContentDigest)> = needed.iter().map(|(name, content)| (*name, *content)).collect();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let share = needed.len().div_ceil(threads).max(WORTH_A_THREAD);
        let built = std::thread::scope(|scope| {
            let workers: Vec<_> = needed.chunks(share).map(|share| scope.spawn(move || self.build_share(share, store, mode))).collect();
            let shares = workers.into_iter().map(|worker| worker.join().expect("building a folder doesn't panic"));
            shares.collect::<Result<Vec<_>>>()
        })?;
        let built: BTreeMap<PluginName, LaidOut> = built.into_iter().flatten().collect();
        if built.values().any(|laid_out| laid_out.mode == UsedMode::Copy) {
            fs::flush_all(self.folder.path())?;
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
        let folder = self.new_path(name);
        os::create_dir(&folder, 0o755).at("make the folder", &folder)?;
        let mut folders = BTreeSet::new();
        let mut used = UsedMode::Copy;
        for (path, _) in stored.listing().iter() {
            make_folders(&folder, path, &mut folders)?;
            used = used.max(placer.place(&stored, path, &folder.join(path.as_str()))?);
        }
        LaidOut::stamp(&folder, *content, used, stored.listing().iter().map(|(path, _)| path))
    }

    /// Put the new folder where the old one is, if there's one.
    fn switch(&self, plugin_dir: &Path, name: &PluginName) -> Result<()> {
        let target = plugin_dir.join(name.as_str());
        let old = self.folder.path().join("old").join(name.as_str());
        let had_one = fs::exists(&target)?;
        if had_one {
            std::fs::rename(&target, &old).at("move", &target)?;
        }
        let switched = std::fs::rename(self.new_path(name), &target).at("rename a folder to", &target);
        if switched.is_err() && had_one {
            let _ = std::fs::rename(&old, &target); // the first error is the one to tell
        }
        Ok(switched?)
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
