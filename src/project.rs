//! Which project is this, and what stands in its two files?
//!
//! A project is the folder that holds `mockforge-plugins.toml`: the nearest one above the current folder, or the one
//! that `--project` names. Its texts are read once; what's written goes through the store's one atomic write, the lock
//! before the manifest, so that the second is the commit point. While a command changes a project it holds the
//! project's file lock; another one waits, and says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mfp_model::lock::Lock;
use mfp_model::name::PluginName;
use mfp_model::project::{Approval, ApprovalsFrom, Manifest};
use mfp_store::StoreError;
use mfp_store::file_lock::{FileLock, LockMode};
use mfp_store::fs::{sweep_temporary, write_atomic};

use crate::error::{Error, Result};
use crate::explain;
use crate::report::{Event, Reporter};
use crate::settings::Settings;
use crate::user_config::UserConfig;

/// The manifest's file name.
pub(crate) const MANIFEST: &str = "mockforge-plugins.toml";
/// The lock's file name.
pub(crate) const LOCK: &str = "plugins.lock";
/// How a lock of this revision says so, in one of its first lines. A lock that says two things can't be read at all.
const THIS_REVISION: &str = "revision = 0";
/// The largest manifest or lock that is read, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// An open project: its folder and the text of its manifest.
#[derive(Debug)]
pub(crate) struct Project {
    /// The folder that holds the manifest. Absolute.
    pub(crate) root: PathBuf,
    /// The manifest as it stands on disk.
    pub(crate) manifest_text: String,
    /// The lock as it stands on disk, if there's one.
    pub(crate) lock_text: Option<String>,
    /// How long another command on the same project is waited for.
    lock_timeout: Duration,
    /// The user's own approvals for this project, where only those count.
    approvals: Option<BTreeMap<PluginName, Approval>>,
}

impl Project {
    /// Find and read the project.
    pub(crate) fn open(settings: &Settings) -> Result<Self> {
        let root = find(settings)?;
        let manifest_text = read(&root.join(MANIFEST))?.ok_or_else(|| missing(&root))?;
        let lock_text = read(&root.join(LOCK))?;
        let approvals = match settings.user.policy.approvals_from {
            ApprovalsFrom::Project => None,
            // Read anew each time: this very process may have written them, and a server goes on for long.
            ApprovalsFrom::User => {
                let file = settings.user_config_file.as_deref();
                let user = file.map(UserConfig::load_usual).transpose()?.unwrap_or_default();
                Some(user.approvals.of(&root))
            }
        };
        Ok(Self { root, manifest_text, lock_text, lock_timeout: settings.user.lock_timeout, approvals })
    }

    /// The manifest, parsed.
    pub(crate) fn manifest(&self) -> Result<Manifest> {
        self.parse(&self.manifest_text)
    }

    /// This text as the project's manifest, with the approvals that count.
    pub(crate) fn parse(&self, text: &str) -> Result<Manifest> {
        let mut manifest = parse_manifest(text)?;
        if let Some(approvals) = &self.approvals {
            manifest.approvals.clone_from(approvals);
            manifest.approvals_from = ApprovalsFrom::User;
        }
        Ok(manifest)
    }

    /// Take these as the user's own approvals, where only those count.
    pub(crate) fn set_approvals(&mut self, approvals: BTreeMap<PluginName, Approval>) {
        if self.approvals.is_some() {
            self.approvals = Some(approvals);
        }
    }

    /// What decides beside the project's files whether it's synced: the user's own approvals, where they count.
    pub(crate) fn approvals_key(&self) -> String {
        self.approvals.as_ref().map(|approvals| format!("{approvals:?}")).unwrap_or_default()
    }

    /// The lock, parsed, if there's one.
    pub(crate) fn lock(&self) -> Result<Option<Lock>> {
        let Some(text) = self.lock_text.as_deref() else { return Ok(None) };
        Lock::parse(text).map(Some).map_err(|error| explain::lock(text, &error))
    }

    /// The lock, parsed; that there's none is an error.
    pub(crate) fn existing_lock(&self) -> Result<Lock> {
        self.lock()?
            .ok_or_else(|| Error::new("mfp::lock::missing", format!("there's no {LOCK} in {}", self.root.display())).help("run `mfp lock`"))
    }

    /// Hold the project, so that no other mfp changes it meanwhile. Waiting is announced and bounded. Then both files are read
    /// again: what another mfp wrote since they were opened mustn't be overwritten. So parse them after this, not before.
    pub(crate) fn hold(&mut self, reporter: &Reporter) -> Result<FileLock> {
        let held = self.hold_only(reporter)?;
        sweep_temporary(&self.root);
        self.manifest_text = read(&self.root.join(MANIFEST))?.ok_or_else(|| missing(&self.root))?;
        self.lock_text = read(&self.root.join(LOCK))?;
        Ok(held)
    }

    /// [`Project::hold`] for those who write neither of the two files.
    pub(crate) fn hold_only(&self, reporter: &Reporter) -> Result<FileLock> {
        let folder = self.root.join(".mockforge");
        refuse_link(&folder)?;
        std::fs::create_dir_all(&folder).map_err(|error| explain::io("make the folder", &folder, &error))?;
        refuse_link(&folder.join("mfp.lock"))?;
        FileLock::acquire(&folder.join("mfp.lock"), LockMode::Exclusive, self.lock_timeout, &mut |path: &Path| {
            reporter.event(Event::Waiting { path: path.display().to_string() });
        })
        .map_err(explain::store)
    }

    /// Write the lock, if it's another than what's on disk.
    pub(crate) fn save_lock(&mut self, lock: &Lock) -> Result<()> {
        let text = lock.to_text();
        if self.lock_text.as_ref() != Some(&text) {
            self.refuse_newer()?;
            write_atomic(&self.root.join(LOCK), text.as_bytes()).map_err(explain::store)?;
            self.lock_text = Some(text);
        }
        Ok(())
    }

    /// A lock that a newer mfp wrote may hold what this one doesn't know, and would lose.
    pub(crate) fn refuse_newer(&self) -> Result<()> {
        // Reading a large lock again takes long; one that says that it's of this revision needn't be.
        let may_be_newer = |text: &&str| !text.lines().take(3).any(|line| line == THIS_REVISION);
        let text = self.lock_text.as_deref().filter(may_be_newer);
        let is_newer = text.is_some_and(|text| Lock::parse(text).is_ok_and(|lock| lock.is_from_newer_mfp()));
        if !is_newer {
            return Ok(());
        }
        Err(from_newer())
    }

    /// Write the manifest, if it's another than what's on disk.
    pub(crate) fn save_manifest(&mut self, text: String) -> Result<()> {
        if self.manifest_text != text {
            write_atomic(&self.root.join(MANIFEST), text.as_bytes()).map_err(explain::store)?;
            self.manifest_text = text;
        }
        Ok(())
    }

    /// A path in the project as a person would name it.
    pub(crate) fn shown<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// A lock of a newer mfp may hold what this one would lose.
pub(crate) fn from_newer() -> Error {
    Error::new("mfp::lock::newer", format!("{LOCK} was written by a newer mfp; writing it with this one would lose something"))
        .help("install a newer mfp")
}

/// A cloned project mustn't decide where on the disk mfp writes.
fn refuse_link(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            Err(explain::store(StoreError::Place { path: path.to_owned(), why: "it's a symbolic link" }))
        }
        _ => Ok(()),
    }
}

/// Parse the text of a manifest, whoever's approvals count: [`Project::parse`] knows that.
pub(crate) fn parse_manifest(text: &str) -> Result<Manifest> {
    let own = env!("CARGO_PKG_VERSION").parse().expect("cargo's version is a version");
    Manifest::parse(text, &own)
        .map_err(|errors| crate::merging::manifest_in_conflict(text).unwrap_or_else(|| explain::manifest(text, &errors)))
}

fn find(settings: &Settings) -> Result<PathBuf> {
    if let Some(named) = &settings.project {
        let root = if named.ends_with(MANIFEST) { named.parent().unwrap_or(named) } else { named };
        return if root.join(MANIFEST).is_file() { absolute(root) } else { Err(missing(root)) };
    }
    match settings.current_dir.ancestors().find(|folder| folder.join(MANIFEST).is_file()) {
        Some(root) => Ok(root.to_owned()),
        None => Err(missing(&settings.current_dir)),
    }
}

fn absolute(root: &Path) -> Result<PathBuf> {
    root.canonicalize().map_err(|error| explain::io("find the folder", root, &error))
}

fn missing(folder: &Path) -> Error {
    Error::new("mfp::project::not-found", format!("there's no {MANIFEST} in {} or above", folder.display()))
        .help("make one with `mfp init`, or name the project: `--project DIR`")
}

/// Read one of our files whole; `None` if it isn't there.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(explain::io("read", path, &error)),
    };
    if !metadata.is_file() {
        return Err(Error::new("mfp::io::failed", format!("{} isn't a file", path.display())).help("look at the path"));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(Error::new("mfp::project::too-large", format!("{} is larger than {MAX_FILE_BYTES} bytes", path.display()))
            .help("it can't be what its name says; look at it"));
    }
    let bytes = std::fs::read(path).map_err(|error| explain::io("read", path, &error))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Error::new("mfp::project::encoding", format!("{} isn't UTF-8", path.display()))
            .help("save it as UTF-8, without a byte order mark")),
    }
}
