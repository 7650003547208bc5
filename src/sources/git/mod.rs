//! Git sources: which commit is a ref, and which files of it are the plugin?
//!
//! [`repository`] answers it from the [`mod@cache`] and the server, to which [`session`] talks over HTTP ([`over_http`]) or through
//! a program ([`over_program`]); [`tree`] reads the package set from the object database. What a commit gives is staged and
//! compared like what an archive gives: the same plugin has the same content from either.
//!
//! gix brings git's protocol, its packs and its objects. Ours is what it must not decide: which addresses are connected to
//! ([`address`]), what of the user's git counts ([`user`]), how much may come ([`limits`]), which commits are believed.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gix::ObjectId;
use mfp_model::content::PackagePath;
use mfp_model::lock::{LockedPackage, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginManifest;
use mfp_model::source::{CommitId, GitReference, GitUrl, Pin, RefName, Source};
use mfp_model::version::Version;
use mfp_store::{Expected, Store, Tree, Verified};
use tokio::runtime::Runtime;

use crate::app::App;
use crate::error::{Error, Result};
use crate::explain;
use crate::report::Event;
use crate::sources::fetch::{FirstSight, check_package, manifest_of_tree};
use crate::sources::http::Http;
use repository::Repository;
use tree::Place;
use user::UserGit;

mod address;
mod cache;
mod limits;
mod over_http;
mod over_program;
pub(crate) mod program;
mod repository;
mod session;
mod tree;
mod user;

/// Repositories, as a project's sources.
pub(crate) struct Git<'a> {
    shared: Rc<Shared<'a>>,
}

/// What all repositories share.
struct Shared<'a> {
    app: &'a App<'a>,
    http: Http,
    /// What drives the client's connections: one for all, since a connection that one repository left is used by the next.
    runtime: OnceCell<Rc<Runtime>>,
    user: UserGit,
    root: PathBuf,
    /// Those that are open: each only once, since its cache is locked.
    open: RefCell<BTreeMap<GitUrl, Rc<Repository<'a>>>>,
    /// Where refs lead: who asks twice must get one answer, or a tag could move in between.
    resolved: RefCell<Vec<(GitUrl, GitReference, ObjectId)>>,
}

impl<'a> Shared<'a> {
    fn open(self: &Rc<Self>, url: &GitUrl) -> Result<Rc<Repository<'a>>> {
        if let Some(repository) = self.open.borrow().get(url) {
            return Ok(Rc::clone(repository));
        }
        // Who waits for a repository gives the others back, or two could wait for each other's.
        let repository = Rc::new(Repository::open(self, url, &mut || self.open.borrow_mut().clear())?);
        self.open.borrow_mut().insert(url.clone(), Rc::clone(&repository));
        Ok(repository)
    }

    fn resolved(&self, url: &GitUrl, reference: &GitReference) -> Option<ObjectId> {
        let resolved = self.resolved.borrow();
        resolved.iter().find(|(of, known, _)| of == url && known == reference).map(|(.., commit)| *commit)
    }

    fn runtime(&self) -> Result<Rc<Runtime>> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(Rc::clone(runtime));
        }
        let runtime = Rc::new(self.app.runtime()?);
        Ok(Rc::clone(self.runtime.get_or_init(|| runtime)))
    }

    fn say_asking(&self, shown: &str) {
        self.app.reporter.event(Event::Detail(format!("Asking {shown}")));
    }
}

impl Drop for Git<'_> {
    fn drop(&mut self) {
        // They know us as we know them: somebody has to let go.
        self.shared.open.borrow_mut().clear();
    }
}

/// What is asked of a repository: a plugin's declaration.
#[derive(Debug, Clone, Copy)]
struct Wish<'w> {
    url: &'w GitUrl,
    reference: &'w GitReference,
    subdir: Option<&'w PackagePath>,
    submodules: bool,
}

impl<'w> Wish<'w> {
    fn of(source: &'w Source) -> Option<Self> {
        match source {
            Source::Git { url, reference, subdir, submodules } => {
                Some(Self { url, reference, subdir: subdir.as_ref(), submodules: *submodules })
            }
            _ => None,
        }
    }
}

/// What a repository has that's newer than what's locked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Newer {
    /// A tag of a higher version.
    Tag(Version),
    /// The ref leads to another commit, the first digits of which these are.
    Moved(String),
}

impl<'a> Git<'a> {
    /// Repositories of the project in `root`. Opens nothing.
    pub(crate) fn new(app: &'a App<'a>, root: &Path) -> Result<Self> {
        let shared = Shared {
            app,
            http: Http::new(&app.settings, app.credentials()?),
            runtime: OnceCell::new(),
            user: UserGit::read(&app.settings)?,
            root: root.to_owned(),
            open: RefCell::default(),
            resolved: RefCell::default(),
        };
        Ok(Self { shared: Rc::new(shared) })
    }

    /// Take a plugin that nobody has locked yet into the store, and see what it is.
    pub(crate) fn first_sight(&self, store: &Store, name: &PluginName, source: &Source) -> Result<FirstSight> {
        let wish = Wish::of(source).ok_or_else(|| Error::bug(format!("{name} isn't declared by a repository")))?;
        let repository = self.shared.open(wish.url)?;
        let commit = repository.resolve(wish.reference).map_err(|error| error.about(name))?;
        self.check_on_ref(&repository, name, wish.reference, commit)?;
        let (manifest, tree) = self.read(store, &repository, name, wish, commit, &Expected::FirstSight)?;
        let pin = Pin::Git {
            url: wish.url.clone(),
            reference: wish.reference.clone(),
            commit: commit_id(commit),
            subdir: wish.subdir.cloned(),
            submodules: wish.submodules,
        };
        let sight = FirstSight::new(manifest, pin, &tree);
        store.insert(tree).map_err(explain::store)?;
        Ok(sight)
    }

    /// Where a declared ref leads now.
    pub(crate) fn tip(&self, source: &Source) -> Result<Option<CommitId>> {
        let Some(wish) = Wish::of(source) else { return Ok(None) };
        self.shared.open(wish.url)?.resolve(wish.reference).map(|commit| Some(commit_id(commit)))
    }

    /// Make sure that no other process works with a plugin's repository, until this is dropped or another repository is waited
    /// for. What it was at may be in the store afterwards.
    pub(crate) fn hold(&self, package: &LockedPackage) -> Result<()> {
        let Pin::Git { url, .. } = &package.pin else { return Ok(()) };
        self.shared.open(url).map(drop)
    }

    /// Bring what a lock names, verified, to be put into the store.
    pub(crate) fn locked(&self, store: &Store, plugin: &LockedPlugin, package: &LockedPackage) -> Result<Verified<Tree>> {
        let Pin::Git { url, reference, commit, subdir, submodules } = &package.pin else {
            return Err(Error::bug(format!("{} isn't locked by a repository", plugin.name)));
        };
        let wish = Wish { url, reference, subdir: subdir.as_ref(), submodules: *submodules };
        let repository = self.shared.open(url)?;
        let id = ObjectId::from_hex(commit.as_str().as_bytes())
            .ok()
            .filter(|_| commit.as_str().len() == 40)
            .ok_or_else(|| by_sha256(&format!("{}: the lock names a commit", plugin.name)))?;
        self.check_on_ref(&repository, &plugin.name, reference, id)?;
        let expected = Expected::Locked { content: plugin.content, artifact: None };
        let (_, tree) = self.read(store, &repository, &plugin.name, wish, id, &expected)?;
        check_package(plugin, package, &tree)?;
        Ok(tree)
    }

    /// A commit that's on no ref that it's asked for by may belong to a fork: forges give those too. It's reported, and in CI
    /// nothing goes on.
    fn check_on_ref(&self, repository: &Repository<'_>, name: &PluginName, reference: &GitReference, commit: ObjectId) -> Result<()> {
        if repository.bring_locked(reference, commit).map_err(|error| error.about(name))? {
            return Ok(());
        }
        let text = format!(
            "{name}: the commit {} isn't on {reference} of {}: it may be somebody else's",
            commit.to_hex_with_len(12),
            repository.shown()
        );
        if self.shared.app.settings.ci {
            return Err(Error::new("mfp::git::not-on-ref", text)
                .help(format!(
                    "if a person looked at it and wants it, run `mfp sync` once outside of CI; `mfp update {name}` takes what's on the ref"
                ))
                .detail("commit", commit.to_string()));
        }
        repository.bring_trees(commit).map_err(|error| error.about(name))?;
        self.shared.app.reporter.event(Event::Warning { code: "mfp::git::not-on-ref", text });
        Ok(())
    }

    fn read(
        &self,
        store: &Store,
        repository: &Repository<'_>,
        name: &PluginName,
        wish: Wish<'_>,
        commit: ObjectId,
        expected: &Expected,
    ) -> Result<(PluginManifest, Verified<Tree>)> {
        let place = Place { commit, subdir: wish.subdir, submodules: wish.submodules };
        let files = tree::read(repository, place).map_err(|error| error.about(name))?;
        let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
        let tree = store.ingest_files(files, expected).map_err(|error| explain::store(error).about(name))?;
        self.shared.app.reporter.event(Event::FetchProgress { bytes: bytes as u64 });
        Ok((manifest_of_tree(name, &tree)?, tree))
    }

    /// Which kind of ref `name` is in this repository.
    pub(crate) fn guess(&self, url: &GitUrl, name: &str) -> Result<GitReference> {
        self.shared.open(url)?.guess(name)
    }

    /// The tag of the highest version among those that are spelt like this one, if that's higher.
    pub(crate) fn newest_tag(&self, url: &GitUrl, tag: &RefName) -> Result<Option<(RefName, Version)>> {
        Ok(self.newer_tags(url, tag)?.into_iter().next())
    }

    /// All tags like this one, for higher versions; the newest first.
    pub(crate) fn newer_tags(&self, url: &GitUrl, tag: &RefName) -> Result<Vec<(RefName, Version)>> {
        let Some((prefix, version)) = versioned(tag.as_str()) else { return Ok(Vec::new()) };
        let tags = self.shared.open(url)?.tags()?;
        let alike = tags.iter().filter_map(|(name, _)| Some((name, versioned(name).filter(|(other, _)| *other == prefix)?.1)));
        let newer = alike.filter(|(_, other)| is_offered(other, &version));
        let mut newer: Vec<(RefName, Version)> = newer.filter_map(|(name, version)| Some((name.parse().ok()?, version))).collect();
        newer.sort_by(|(_, a), (_, b)| b.cmp(a));
        Ok(newer)
    }

    /// Is there something newer than what's locked: a tag of a higher version, or another commit where the ref leads?
    pub(crate) fn newer(&self, pin: &Pin) -> Result<Option<Newer>> {
        let Pin::Git { url, reference, commit, .. } = pin else { return Ok(None) };
        match reference {
            GitReference::Rev(_) => return Ok(None),
            GitReference::Tag(tag) if versioned(tag.as_str()).is_some() => {
                return Ok(self.newest_tag(url, tag)?.map(|(_, version)| Newer::Tag(version)));
            }
            GitReference::Tag(_) | GitReference::Branch(_) | GitReference::Default => {}
        }
        let tip = self.shared.open(url)?.resolve(reference)?;
        Ok((commit_id(tip) != *commit).then(|| Newer::Moved(tip.to_hex_with_len(7).to_string())))
    }
}

/// Is this version one to go to from that one? A pre-release only from another.
fn is_offered(other: &Version, version: &Version) -> bool {
    other > version && (!other.is_prerelease() || version.is_prerelease())
}

/// `v1.2.0`, `1.2.0` or `name-v1.2.0`: what comes before the version, and the version.
fn versioned(tag: &str) -> Option<(&str, Version)> {
    let mut starts =
        tag.char_indices().filter(|(at, character)| character.is_ascii_digit() && is_start_of_version(&tag[..*at])).map(|(at, _)| at);
    starts.find_map(|at| Some((&tag[..at], tag[at..].parse().ok()?)))
}

fn is_start_of_version(before: &str) -> bool {
    !before.ends_with(|last: char| last.is_ascii_digit() || last == '.')
}

/// Something is named by the other digest that git knows.
fn by_sha256(what_is_named: &str) -> Error {
    Error::new("mfp::git::sha256", format!("{what_is_named} by SHA-256, which this version of mfp can't read"))
        .help("take the plugin from a registry, an archive or a folder")
}

fn commit_id(id: ObjectId) -> CommitId {
    id.to_string().parse().expect("an object's id has 40 hexadecimal digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_hold_versions() {
        let of = |tag: &'static str| versioned(tag).map(|(prefix, version)| (prefix, version.to_string()));
        assert_eq!(of("v1.2.0"), Some(("v", "1.2.0".into())));
        assert_eq!(of("1.2.0-rc.1"), Some(("", "1.2.0-rc.1".into())));
        assert_eq!(of("graphql-v1.0.0"), Some(("graphql-v", "1.0.0".into())));
        assert_eq!(of("graphql/1.0.0"), Some(("graphql/", "1.0.0".into())));
        assert_eq!(of("auth2-v1.0.0"), Some(("auth2-v", "1.0.0".into())));
        assert_eq!(of("release"), None);
        assert_eq!(of("v1"), None);
    }
}
