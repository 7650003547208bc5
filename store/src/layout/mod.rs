//! Does the plugin folder hold exactly the plugins that it should, and how does it get there?
//!
//! `<plugin-dir>/<name>/` holds a plugin's package set and nothing else; what mfp made is in a record beside
//! ([`Record`]). What isn't in the record wasn't made by mfp and is never touched: it's an error where it's in the way, and
//! stays where it isn't. [`Layout::plan`] looks and decides, [`Layout::apply`] builds beside and then switches.
//!
//! There's one writer at a time: the caller holds the project's lock.

mod apply;
mod check;
mod place;
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use mfp_model::digest::ContentDigest;
use mfp_model::name::PluginName;

pub use self::apply::Applied;
pub use self::check::{LayoutProblem, ProblemKind};
pub use self::place::{LinkMode, LinkModeError, UsedMode};
pub use self::record::{LaidOut, RECORD_FILE, Record, Stamp};
use crate::error::{Result, StoreError};
use crate::fs;
use crate::walk;

/// The beginning of the names of folders in which plugins are built.
const STAGING_PREFIX: &str = ".mfp-staging-";
/// The beginning of the names of plugin folders that are built, as a whole, beside their place.
const FIRST_PREFIX: &str = ".mfp-plugins-";

/// The plugin folder of a project.
#[derive(Debug)]
pub struct Layout {
    folder: PathBuf,
    /// As it's on disk.
    record: Record,
    /// What's laid out: the record, with the switches that a killed apply had made.
    plugins: BTreeMap<PluginName, LaidOut>,
}

/// A plugin that's replaced by another content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// What's laid out now.
    pub from: ContentDigest,
    /// What will be.
    pub to: ContentDigest,
}

/// What has to be done. Made by [`Layout::plan`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayoutPlan {
    /// Plugins that aren't laid out.
    pub add: BTreeMap<PluginName, ContentDigest>,
    /// Plugins that are laid out with another content.
    pub update: BTreeMap<PluginName, Update>,
    /// Plugins whose laid-out files were changed or deleted: they're laid out again.
    pub repair: BTreeMap<PluginName, ContentDigest>,
    /// Plugins that are laid out and not wanted.
    pub remove: BTreeMap<PluginName, ContentDigest>,
    /// Plugins that are as they should be.
    pub keep: BTreeSet<PluginName>,
}

impl LayoutPlan {
    /// Is there nothing to do?
    pub fn is_empty(&self) -> bool {
        self.add.is_empty() && self.update.is_empty() && self.repair.is_empty() && self.remove.is_empty()
    }

    /// The contents that will be needed from the store, by plugin.
    pub fn needed(&self) -> BTreeMap<&PluginName, ContentDigest> {
        let same = self.add.iter().chain(&self.repair).map(|(name, content)| (name, *content));
        same.chain(self.update.iter().map(|(name, update)| (name, update.to))).collect()
    }
}

impl Layout {
    /// Open the plugin folder at `plugin_dir` below the project's folder. It needn't exist yet. It must lie within the project,
    /// and neither it nor a folder between is a link: a cloned project mustn't decide where on the disk mfp writes.
    pub fn open(project: &Path, plugin_dir: &Path) -> Result<Self> {
        check_place(project, plugin_dir)?;
        let folder = project.join(plugin_dir);
        let record = Record::load(&folder)?.unwrap_or_default();
        let plugins = record.settled(&folder);
        Ok(Self { folder, record, plugins })
    }

    /// The plugin folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What's laid out.
    pub fn plugins(&self) -> &BTreeMap<PluginName, LaidOut> {
        &self.plugins
    }

    /// What the caller stored with the last [`Layout::apply`]; empty if that didn't end.
    pub fn stamp(&self) -> &str {
        self.record.stamp()
    }

    /// Compare what's laid out with what's wanted. Laid-out files are compared by size, time and inode only.
    ///
    /// What mfp didn't make and would have to be overwritten is [`StoreError::Foreign`].
    pub fn plan(&self, wanted: &BTreeMap<PluginName, ContentDigest>) -> Result<LayoutPlan> {
        let mut plan = LayoutPlan::default();
        let laid_out = wanted.keys().filter_map(|name| self.plugins.get_key_value(name));
        let mut intact = record::all_as_stamped(&self.folder, laid_out);
        for (name, content) in wanted {
            let Some(laid_out) = self.plugins.get(name) else {
                plan.add.insert(name.clone(), *content);
                continue;
            };
            let is_intact = intact.next().expect("one answer for each plugin that's laid out");
            if laid_out.content != *content {
                plan.update.insert(name.clone(), Update { from: laid_out.content, to: *content });
            } else if is_intact && !self.record.is_strayed() {
                plan.keep.insert(name.clone());
            } else {
                plan.repair.insert(name.clone(), *content);
            }
        }
        let unwanted = self.plugins.iter().filter(|(name, _)| !wanted.contains_key(*name));
        plan.remove = unwanted.map(|(name, laid_out)| (name.clone(), laid_out.content)).collect();
        self.check_way(&plan)?;
        Ok(plan)
    }

    /// Does anything stand in the plan's way that mfp didn't make?
    fn check_way(&self, plan: &LayoutPlan) -> Result<()> {
        for name in plan.add.keys() {
            let target = self.folder.join(name.as_str());
            if fs::exists(&target)? {
                return Err(StoreError::Foreign { path: target, why: "a plugin would be laid out there" });
            }
        }
        for name in plan.update.keys().chain(plan.repair.keys()) {
            let target = self.real_or_missing(name)?;
            if let (Some(target), Some(laid_out)) = (target, self.plugins.get(name))
                && let Some(path) = walk::extras(&target, laid_out.paths())?.into_iter().next()
            {
                return Err(StoreError::Foreign { path, why: "it's in the folder of a plugin that would be replaced" });
            }
        }
        plan.remove.keys().try_for_each(|name| self.real_or_missing(name).map(drop))
    }

    /// A recorded plugin's folder, if it's there; an error if something else is.
    fn real_or_missing(&self, name: &PluginName) -> Result<Option<PathBuf>> {
        let target = self.folder.join(name.as_str());
        if walk::is_real_folder(&target)? {
            return Ok(Some(target));
        }
        if fs::exists(&target)? {
            return Err(StoreError::Foreign { path: target, why: "it stands where a plugin's folder was" });
        }
        Ok(None)
    }
}

fn check_place(project: &Path, plugin_dir: &Path) -> Result<()> {
    let mut path = project.to_owned();
    let mut depth = 0;
    for component in plugin_dir.components() {
        match component {
            Component::Normal(name) if name.eq_ignore_ascii_case(".git") => {
                return Err(StoreError::Place { path: path.join(name), why: "it's git's own folder" });
            }
            Component::Normal(name) => path.push(name),
            Component::CurDir => continue,
            _ => return Err(StoreError::Place { path: plugin_dir.to_owned(), why: "it isn't below the project's folder" }),
        }
        depth += 1;
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => (),
            Ok(metadata) if metadata.is_symlink() => return Err(StoreError::Place { path, why: "it's a symbolic link" }),
            Ok(_) => return Err(StoreError::Place { path, why: "it isn't a folder" }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (),
            Err(error) => return Err(fs::IoError::new("look at", path, error).into()),
        }
    }
    if depth == 0 {
        return Err(StoreError::Place { path, why: "it's the project's own folder" });
    }
    Ok(())
}
