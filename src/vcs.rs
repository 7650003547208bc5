//! What does git know about this project's files: at a revision, and in the middle of a merge?
//!
//! Everything is read from the object database and the index, but where a plugin's author has a repository made. Nothing is checked out, no hook, filter or helper runs, and of
//! git's configuration only what the repository needs to be read counts. What comes out are texts that somebody may have put
//! there; they're parsed like every lock and manifest.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use gix::bstr::{BString, ByteSlice};
use gix::index::entry::{Mode, Stage};

use crate::error::{Error, Result};
use crate::report::clean;

/// The most files that a folder of a commit may hold.
const MAX_TREE_ENTRIES: usize = 100_000;
/// The largest file that's read, in bytes: what [`crate::project`] reads of a work tree.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The repository that a project is in.
pub(crate) struct Repository {
    inner: gix::Repository,
    /// The project's folder in the work tree, with a trailing `/`; empty if it's the root.
    prefix: String,
}

/// A commit that somebody named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Commit(gix::ObjectId);

impl Commit {
    /// Its id.
    pub(crate) fn hex(self) -> String {
        self.0.to_hex().to_string()
    }
}

/// The sides of a file that git couldn't merge, each as far as it has the file.
#[derive(Debug, Default, Clone)]
pub(crate) struct Unmerged {
    /// What both had before they parted.
    pub(crate) base: Option<String>,
    /// What the branch has that's merged into. In a rebase that's the branch that's rebased onto.
    pub(crate) ours: Option<String>,
    /// What comes.
    pub(crate) theirs: Option<String>,
}

/// A file, as the index or a tree has it.
type Found = Option<gix::ObjectId>;

impl Repository {
    /// The repository around this folder; `None` if there's none.
    pub(crate) fn around(folder: &Path) -> Result<Option<Self>> {
        // The repository belongs to whoever reads this: it's not trusted with settings of git's that run something.
        let opened = gix::discover_opts(folder, gix::discover::upwards::Options::default(), gix::open::Options::isolated());
        let Ok(inner) = opened else {
            return if folder.ancestors().any(|above| above.join(".git").exists()) { Err(unreadable(folder)) } else { Ok(None) };
        };
        let real = |path: &Path| path.canonicalize().map_err(|error| crate::explain::io("find the folder", path, &error));
        let Some(work_tree) = inner.workdir().map(Path::to_owned) else { return Ok(None) };
        let (work_tree, folder) = (real(&work_tree)?, real(folder)?);
        let Ok(inside) = folder.strip_prefix(&work_tree) else { return Ok(None) };
        let parts: Option<Vec<&str>> = inside.iter().map(OsStr::to_str).collect();
        let Some(parts) = parts else { return Ok(None) };
        let prefix = parts.iter().map(|part| format!("{part}/")).collect();
        Ok(Some(Self { inner, prefix }))
    }

    /// The commit that HEAD is at; `None` before the first one.
    pub(crate) fn head(&self) -> Result<Option<Commit>> {
        let head = self.inner.head().map_err(|_| unreadable(self.inner.path()))?;
        if head.is_unborn() { Ok(None) } else { self.commit("HEAD").map(Some) }
    }

    /// The commit that a person means: a branch, a tag, an id, `HEAD~2`.
    pub(crate) fn commit(&self, revision: &str) -> Result<Commit> {
        self.find(revision).ok_or_else(|| no_revision(revision))
    }

    /// The same, if git knows it.
    pub(crate) fn find(&self, revision: &str) -> Option<Commit> {
        let id = self.inner.rev_parse_single(revision.as_bytes().as_bstr()).ok()?;
        Some(Commit(id.object().ok()?.peel_to_commit().ok()?.id))
    }

    /// Where two histories parted: what a pull request is compared with.
    pub(crate) fn merge_base(&self, one: Commit, two: Commit) -> Result<Commit> {
        let base = self.inner.merge_base(one.0, two.0).ok().flatten();
        base.map(|id| Commit(id.detach())).ok_or_else(|| {
            Error::new("mfp::diff::no-revision", "the two revisions have no common history here")
                .help("in a shallow clone, fetch more of it: `git fetch --unshallow`")
        })
    }

    /// A file of the project at this commit; `None` if the commit doesn't have it.
    pub(crate) fn file(&self, commit: Commit, name: &str) -> Result<Option<String>> {
        let path = format!("{}{name}", self.prefix);
        let found = self.in_tree(commit, &path).ok_or_else(|| unreadable(self.inner.path()))?;
        found.map(|id| self.text(id, &path)).transpose()
    }

    /// `Some(None)`: it isn't there, or isn't a file. `None`: it can't be read.
    fn in_tree(&self, commit: Commit, path: &str) -> Option<Found> {
        let tree = self.inner.find_object(commit.0).ok()?.peel_to_tree().ok()?;
        let entry = tree.lookup_entry_by_path(path).ok()?;
        Some(entry.filter(|entry| entry.mode().is_blob()).map(|entry| entry.object_id()))
    }

    /// Every file below the project's folder at this commit, by its path from there: `None` for what's a link or a submodule.
    pub(crate) fn files_below(&self, commit: Commit) -> Result<BTreeMap<String, Option<gix::ObjectId>>> {
        let broken = || unreadable(self.inner.path());
        let root = self.inner.find_object(commit.0).ok().and_then(|object| object.peel_to_tree().ok()).ok_or_else(broken)?;
        let top = match self.prefix.trim_end_matches('/') {
            "" => Some(root.id),
            folder => {
                let entry = root.lookup_entry_by_path(folder).map_err(|_| broken())?;
                entry.filter(|entry| entry.mode().is_tree()).map(|entry| entry.object_id())
            }
        };
        let (mut files, mut folders) = (BTreeMap::new(), vec![(top, String::new())]);
        while let Some((folder, prefix)) = folders.pop() {
            let Some(folder) = folder else { continue };
            let tree = self.inner.find_object(folder).ok().and_then(|object| object.try_into_tree().ok()).ok_or_else(broken)?;
            for entry in tree.iter() {
                let entry = entry.map_err(|_| broken())?;
                let path = format!("{prefix}{}", entry.filename().to_str_lossy());
                if entry.mode().is_tree() {
                    folders.push((Some(entry.object_id()), format!("{path}/")));
                } else {
                    files.insert(path, entry.mode().is_blob().then(|| entry.object_id()));
                }
            }
            if files.len() > MAX_TREE_ENTRIES {
                return Err(Error::new("mfp::project::too-large", format!("the commit holds more than {MAX_TREE_ENTRIES} files there"))
                    .help("point at the plugin's own folder"));
            }
        }
        Ok(files)
    }

    /// The bytes of a file of a commit.
    pub(crate) fn blob(&self, id: gix::ObjectId, path: &str) -> Result<Vec<u8>> {
        let blob = self.inner.find_object(id).map_err(|_| missing_object(path))?;
        Ok(blob.detach().data)
    }

    /// The two sides of a file that's in conflict; `None` if it isn't.
    pub(crate) fn unmerged(&self, name: &str) -> Result<Option<Unmerged>> {
        let path = format!("{}{name}", self.prefix);
        let index = self.inner.index_or_empty().map_err(|_| unreadable(self.inner.path()))?;
        let path_in_index = BString::from(path.as_str());
        let side = |stage| {
            let entry = index.entry_by_path_and_stage(path_in_index.as_bstr(), stage)?;
            entry.mode.contains(Mode::FILE).then_some(entry.id)
        };
        let (ours, theirs) = (side(Stage::Ours), side(Stage::Theirs));
        if ours.is_none() && theirs.is_none() {
            return Ok(None);
        }
        let text = |id: Found| id.map(|id| self.text(id, &path)).transpose();
        Ok(Some(Unmerged { base: text(side(Stage::Base))?, ours: text(ours)?, theirs: text(theirs)? }))
    }

    fn text(&self, id: gix::ObjectId, path: &str) -> Result<String> {
        let size = self.inner.find_header(id).map_err(|_| missing_object(path))?.size();
        if size > MAX_FILE_BYTES {
            return Err(Error::new("mfp::project::too-large", format!("{} in git is larger than {MAX_FILE_BYTES} bytes", clean(path)))
                .help("it can't be what its name says; look at it"));
        }
        let blob = self.inner.find_object(id).map_err(|_| missing_object(path))?;
        String::from_utf8(blob.detach().data).map_err(|_| {
            Error::new("mfp::project::encoding", format!("{} in git isn't UTF-8", clean(path))).help("save it as UTF-8, and commit it")
        })
    }

    /// What git is in the middle of, as a person calls it.
    pub(crate) fn in_the_middle_of(&self) -> Option<&'static str> {
        use gix::state::InProgress;
        Some(match self.inner.state()? {
            InProgress::Merge => "a merge",
            InProgress::CherryPick | InProgress::CherryPickSequence => "a cherry-pick",
            InProgress::Revert | InProgress::RevertSequence => "a revert",
            InProgress::Rebase | InProgress::RebaseInteractive | InProgress::ApplyMailboxRebase => "a rebase",
            _ => return None,
        })
    }
}

/// Is this path in somebody's work tree?
pub(crate) fn is_inside_repository(path: &Path) -> bool {
    path.ancestors().skip(1).any(|above| above.join(".git").exists())
}

/// Make a repository of a folder, without a commit.
pub(crate) fn init(folder: &Path) -> Result<()> {
    gix::init(folder).map(drop).map_err(|error| {
        Error::new("mfp::io::failed", format!("no git repository can be made in {}: {error}", folder.display()))
            .help("without one: `--vcs none`")
    })
}

/// Whom git's configuration names: the user's own, and that of the repository around this path. Name and address.
pub(crate) fn user(path: &Path) -> Option<(String, Option<String>)> {
    let folder = path.ancestors().skip(1).find(|folder| folder.is_dir())?;
    let of = |config: &gix::config::File| {
        let text = |key: &str| config.string(key).and_then(|text| text.to_str().ok().map(str::to_owned));
        Some((text("user.name")?, text("user.email")))
    };
    let around = gix::discover(folder).ok().and_then(|repository| of(repository.config_snapshot().plumbing()));
    around.or_else(|| of(&gix::config::File::from_globals().ok()?))
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Repository").field("at", &PathBuf::from(self.inner.path())).finish_non_exhaustive()
    }
}

fn no_revision(revision: &str) -> Error {
    Error::new("mfp::diff::no-revision", format!("git knows no revision `{}` here", clean(revision)))
        .help("`git branch --all` and `git log` show what there is; CI fetches one commit only unless it's told more (`fetch-depth: 0`)")
}

fn missing_object(path: &str) -> Error {
    Error::new("mfp::diff::no-revision", format!("the repository doesn't hold the content of {} at that revision", clean(path)))
        .help("fetch it: `git fetch`; a partial clone has only what was needed so far")
}

fn unreadable(folder: &Path) -> Error {
    Error::new("mfp::diff::repository", format!("the git repository around {} can't be read", folder.display()))
        .help("`git status` says what's wrong with it; a lock's file can be compared without one: `mfp diff OLD.lock NEW.lock`")
}
