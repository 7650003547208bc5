//! What did mfp lay out here? `<plugin-dir>/.mfp.json`: per plugin its content and a stamp of every file.
//!
//! Whether nothing was touched since is answered by the stamps, without reading a file; the answer for 300 plugins has to
//! take a millisecond or two. The record is in the project's folder, so it's no more trusted than the project: names and paths in it go through
//! their types' rules, and what it says is only ever used to recognise files, never to vouch for their bytes. A record that was
//! written in another folder (it came with a clone or a copy) recognises nothing: whoever wrote it could have left files out.

use std::collections::BTreeMap;
use std::path::Path;

use mfp_model::content::PackagePath;
use mfp_model::digest::ContentDigest;
use mfp_model::name::PluginName;
use serde::{Deserialize, Serialize, Serializer};

use super::place::UsedMode;
use crate::error::{Result, StoreError};
use crate::fs::{self, At, IoError};
use crate::os::{self, OpenFolder};
use crate::walk;

/// The record's name in the plugin folder.
pub const RECORD_FILE: &str = ".mfp.json";
/// The version of its format that this mfp writes, and the only one that it reads.
const VERSION: u32 = 1;
/// The largest record that's read, in bytes.
const MAX_RECORD_BYTES: u64 = 256 << 20;

/// How a laid-out file is recognised: size in bytes, modification time in nanoseconds since 1970, inode (0 where there's none).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp(pub u64, pub i64, pub u64);

impl Stamp {
    /// The stamp of a regular file below an open folder.
    fn of(folder: &OpenFolder, relative: &str, mode: UsedMode) -> Option<Self> {
        folder.stamp(relative, mode == UsedMode::Symlink).map(|(size, time, inode)| Self(size, time, inode))
    }
}

impl From<&std::fs::Metadata> for Stamp {
    fn from(metadata: &std::fs::Metadata) -> Self {
        let (time, inode) = os::time_and_inode(metadata);
        Self(metadata.len(), time, inode)
    }
}

/// Which plugin folder a record was written in: its inode, and when it was made, in nanoseconds since 1970; 0 where there's none.
/// Nobody can know either before the folder is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Home(u64, i64);

impl Home {
    fn of(folder: &Path) -> Self {
        let made = folder.symlink_metadata().and_then(|metadata| metadata.created()).ok();
        let made = made.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Self(folder_inode(folder), made.and_then(|time| i64::try_from(time.as_nanos()).ok()).unwrap_or(0))
    }
}

/// A plugin that mfp laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaidOut {
    /// Its content.
    pub content: ContentDigest,
    /// How its files came here.
    pub mode: UsedMode,
    /// The inode of its folder, which stays the same when it's renamed.
    pub(crate) folder: u64,
    pub(crate) files: BTreeMap<PackagePath, Stamp>,
}

impl LaidOut {
    /// What was just put into a folder: each file with its stamp, where that's known; the others are looked at.
    pub(crate) fn stamp(folder: &Path, content: ContentDigest, mode: UsedMode, placed: Vec<(PackagePath, Option<Stamp>)>) -> Result<Self> {
        let mut open = None;
        let mut files = BTreeMap::new();
        for (path, stamp) in placed {
            let stamp = match (stamp, &open) {
                (Some(stamp), _) => Some(stamp),
                (None, Some(open)) => Stamp::of(open, path.as_str(), mode),
                (None, None) => Stamp::of(open.insert(OpenFolder::open(folder).at("open", folder)?), path.as_str(), mode),
            };
            let replaced = || StoreError::Foreign { path: folder.join(path.as_str()), why: "it was replaced while it was laid out" };
            let stamp = stamp.ok_or_else(replaced)?;
            files.insert(path, stamp);
        }
        Ok(Self { content, mode, folder: folder_inode(folder), files })
    }

    /// The paths of its files.
    pub fn paths(&self) -> impl Iterator<Item = &PackagePath> {
        self.files.keys()
    }

    /// Are all its files in the folder with this name in the plugin folder, and as they were stamped?
    fn is_as_stamped(&self, plugin_dir: &OpenFolder, name: &PluginName) -> bool {
        let mut relative = format!("{name}/");
        let start = relative.len();
        self.files.iter().all(|(path, stamp)| {
            relative.truncate(start);
            relative.push_str(path.as_str());
            Stamp::of(plugin_dir, &relative, self.mode) == Some(*stamp)
        })
    }
}

/// Which of these plugins are as they were stamped? Without the plugin folder, none.
pub(crate) fn all_as_stamped<'p>(
    folder: &Path,
    plugins: impl IntoIterator<Item = (&'p PluginName, &'p LaidOut)>,
) -> impl Iterator<Item = bool> {
    let open = OpenFolder::open(folder);
    plugins.into_iter().map(move |(name, laid_out)| open.as_ref().is_ok_and(|open| laid_out.is_as_stamped(open, name)))
}

fn folder_inode(folder: &Path) -> u64 {
    folder.symlink_metadata().map_or(0, |metadata| os::time_and_inode(&metadata).1)
}

/// The record of a plugin folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Is there a file with it?
    saved: bool,
    /// Was it written in another folder than it was read from?
    strayed: bool,
    stamp: String,
    pub(crate) plugins: BTreeMap<PluginName, LaidOut>,
    /// What an apply is about to switch in. Empty unless it's at work, or was killed.
    pub(crate) pending: BTreeMap<PluginName, LaidOut>,
}

impl Record {
    pub(crate) fn new(stamp: &str, plugins: BTreeMap<PluginName, LaidOut>, pending: BTreeMap<PluginName, LaidOut>) -> Self {
        Self { saved: true, strayed: false, stamp: stamp.to_owned(), plugins, pending }
    }

    /// Read the record of a plugin folder; `None` if there's none.
    pub fn load(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RECORD_FILE);
        let refuse = |why: String| StoreError::Record { path: path.clone(), why };
        let bytes = match path.symlink_metadata() {
            Ok(metadata) if !metadata.is_file() => return Err(refuse("it isn't a regular file".to_owned())),
            Ok(metadata) if metadata.len() > MAX_RECORD_BYTES => return Err(refuse("it's too large".to_owned())),
            Ok(_) => std::fs::read(&path).map_err(|error| IoError::new("read", &path, error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(IoError::new("look at", path, error).into()),
        };
        let wire: Wire = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        let strayed = wire.home != Home::of(folder);
        let record = Self::try_from(wire).map_err(refuse)?;
        let stamp = if strayed { String::new() } else { record.stamp };
        Ok(Some(Self { strayed, stamp, ..record }))
    }

    pub(crate) fn save(&self, folder: &Path) -> Result<()> {
        let written =
            Written { version: VERSION, home: Home::of(folder), stamp: &self.stamp, plugins: &self.plugins, pending: &self.pending };
        let mut text = serde_json::to_vec(&written).expect("strings, numbers and maps with string keys");
        text.push(b'\n');
        Ok(fs::write_atomic(&folder.join(RECORD_FILE), &text)?)
    }

    /// Does it come from a file, and not from there being none?
    pub(crate) fn is_saved(&self) -> bool {
        self.saved
    }

    /// Was it written in another folder? Then it recognises nothing.
    pub(crate) fn is_strayed(&self) -> bool {
        self.strayed
    }

    /// What the caller stored with it: whatever must be unchanged for "nothing to do" to be true without reading manifest and
    /// lock (a digest over both). Empty while an apply is at work.
    pub fn stamp(&self) -> &str {
        &self.stamp
    }

    /// What was laid out when the record was written.
    pub fn plugins(&self) -> &BTreeMap<PluginName, LaidOut> {
        &self.plugins
    }

    /// Is every laid-out file still as it was stamped? One look at each file, none is read. `false` after a killed apply.
    pub fn stamps_match(&self, folder: &Path) -> bool {
        self.pending.is_empty() && !self.strayed && all_as_stamped(folder, &self.plugins).all(|is_as_stamped| is_as_stamped)
    }

    /// What's really laid out: the plugins, with those of the pending that were switched in before an apply was killed.
    pub(crate) fn settled(&self, folder: &Path) -> BTreeMap<PluginName, LaidOut> {
        let mut plugins = self.plugins.clone();
        for (name, pending) in &self.pending {
            let target = folder.join(name.as_str());
            let is_real = walk::is_real_folder(&target).unwrap_or(false);
            if is_real
                && ((pending.folder != 0 && pending.folder == folder_inode(&target))
                    || all_as_stamped(folder, [(name, pending)]).all(|is_as_stamped| is_as_stamped))
            {
                plugins.insert(name.clone(), pending.clone());
            }
        }
        plugins
    }
}

/// The file's shape, as it's written.
#[derive(Serialize)]
struct Written<'r> {
    version: u32,
    home: Home,
    stamp: &'r str,
    #[serde(serialize_with = "write_plugins")]
    plugins: &'r BTreeMap<PluginName, LaidOut>,
    #[serde(serialize_with = "write_plugins", skip_serializing_if = "BTreeMap::is_empty")]
    pending: &'r BTreeMap<PluginName, LaidOut>,
}

fn write_plugins<S: Serializer>(plugins: &BTreeMap<PluginName, LaidOut>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(plugins.iter().map(|(name, laid_out)| {
        let LaidOut { content, mode, folder, files } = laid_out;
        (name, WrittenLaidOut { content, mode: *mode, folder: *folder, files })
    }))
}

#[derive(Serialize)]
struct WrittenLaidOut<'r> {
    content: &'r ContentDigest,
    mode: UsedMode,
    folder: u64,
    #[serde(serialize_with = "write_files")]
    files: &'r BTreeMap<PackagePath, Stamp>,
}

fn write_files<S: Serializer>(files: &BTreeMap<PackagePath, Stamp>, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_map(files.iter().map(|(path, stamp)| (path.as_str(), stamp)))
}

/// The same, as it's read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    version: u32,
    #[serde(default)]
    home: Home,
    stamp: String,
    plugins: BTreeMap<PluginName, WireLaidOut>,
    #[serde(default)]
    pending: BTreeMap<PluginName, WireLaidOut>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLaidOut {
    content: ContentDigest,
    mode: UsedMode,
    folder: u64,
    files: BTreeMap<String, Stamp>,
}

impl TryFrom<Wire> for Record {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        if wire.version != VERSION {
            return Err(format!("it has version {}, and this mfp knows version {VERSION}", wire.version));
        }
        let all = |plugins: BTreeMap<PluginName, WireLaidOut>| {
            plugins.into_iter().map(|(name, laid_out)| Ok((name, laid_out.try_into()?))).collect::<Result<_, String>>()
        };
        Ok(Self { saved: true, strayed: false, stamp: wire.stamp, plugins: all(wire.plugins)?, pending: all(wire.pending)? })
    }
}

impl TryFrom<WireLaidOut> for LaidOut {
    type Error = String;

    fn try_from(wire: WireLaidOut) -> Result<Self, String> {
        let parse = |path: String| path.parse::<PackagePath>().map_err(|error| error.to_string());
        let files = wire.files.into_iter().map(|(path, stamp)| Ok((parse(path)?, stamp))).collect::<Result<_, String>>()?;
        Ok(Self { content: wire.content, mode: wire.mode, folder: wire.folder, files })
    }
}
