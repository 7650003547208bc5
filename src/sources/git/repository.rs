//! What does one repository have? Its refs, and the objects behind a commit: from the cache where they're there, else from the
//! server, in as few and as small answers as it takes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;

use gix::ObjectId;
use gix::objs::{CommitRefIter, Kind};
use mfp_model::source::{GitReference, GitUrl, RefName};

use super::Shared;
use super::address::{Address, of_submodule};
use super::cache::Cache;
use super::limits::MAX_COMMITS;
use super::session::{NotGiven, Session, Want, name_and_targets};
use crate::error::{Error, Result};
use crate::report::clean;

/// How far a history is looked into, in commits from the tip, one after the other; then all of it.
const DEPTHS: [Option<u32>; 4] = [Some(64), Some(1024), Some(16384), None];
const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
const HEAD: &str = "HEAD";

/// One repository, open.
pub(super) struct Repository<'a> {
    shared: Rc<Shared<'a>>,
    url: GitUrl,
    address: Address,
    cache: RefCell<Cache>,
    session: RefCell<Option<Session<'a>>>,
    /// Annotated tags by the commits that they lead to: an older server gives a tag, and not its commit.
    tags: RefCell<BTreeMap<ObjectId, ObjectId>>,
}

/// A ref's full name, and the commit it leads to.
pub(super) type NamedCommit = (String, ObjectId);

impl<'a> Repository<'a> {
    /// Open its cache. Nobody is asked yet. If another process works with it, that's waited for, after `before_waiting`.
    pub(super) fn open(shared: &Rc<Shared<'a>>, url: &GitUrl, before_waiting: &mut dyn FnMut()) -> Result<Self> {
        let address = Address::find(url, &shared.root, &shared.user)?;
        let cache = RefCell::new(Cache::open(shared.app, &url.resolve(&shared.root), before_waiting)?);
        Ok(Self { shared: Rc::clone(shared), url: url.clone(), address, cache, session: RefCell::default(), tags: RefCell::default() })
    }

    /// The address as it may be shown.
    pub(super) fn shown(&self) -> &str {
        &self.address.shown
    }

    /// May the server be asked?
    pub(super) fn is_reachable(&self) -> bool {
        self.address.is_local() || !self.shared.http.is_offline()
    }

    /// The commit that a reference means now, by the server's word, or offline by its last one.
    pub(super) fn resolve(&self, reference: &GitReference) -> Result<ObjectId> {
        if let Some(commit) = self.shared.resolved(&self.url, reference) {
            return Ok(commit);
        }
        let commit = self.resolve_now(reference)?;
        self.shared.resolved.borrow_mut().push((self.url.clone(), reference.clone(), commit));
        Ok(commit)
    }

    fn resolve_now(&self, reference: &GitReference) -> Result<ObjectId> {
        let commit = match reference {
            GitReference::Default => self.named(HEAD)?.ok_or_else(|| self.no_ref("no default branch", &[]))?,
            GitReference::Branch(name) => {
                self.named(&format!("{BRANCHES}{name}"))?.map_or_else(|| Err(self.missing_ref("branch", BRANCHES, name)), Ok)?
            }
            GitReference::Tag(name) => {
                self.named(&format!("{TAGS}{name}"))?.map_or_else(|| Err(self.missing_ref("tag", TAGS, name)), Ok)?
            }
            GitReference::Rev(revision) => return self.revision(revision.as_str()),
        };
        self.cache.borrow_mut().learn_on_ref(&commit)?;
        Ok(commit)
    }

    /// Which kind of ref a bare name is.
    pub(super) fn guess(&self, name: &str) -> Result<GitReference> {
        let refs = self.refs(&[&format!("{TAGS}{name}"), &format!("{BRANCHES}{name}")])?;
        let has = |prefix: &str| refs.iter().any(|(full, _)| full.strip_prefix(prefix) == Some(name));
        let parsed = || {
            name.parse::<RefName>()
                .map_err(|error| Error::new("mfp::git::no-ref", format!("`{}` is {error}", clean(name))).help("check the ref"))
        };
        match (has(TAGS), has(BRANCHES)) {
            (true, true) => {
                Err(Error::new("mfp::git::ambiguous-ref", format!("{} has a tag and a branch `{}`", self.shown(), clean(name)))
                    .help(format!("say which: `--tag {0}` or `--branch {0}`", clean(name))))
            }
            (true, false) => parsed().map(GitReference::Tag),
            (false, true) => parsed().map(GitReference::Branch),
            (false, false) => match name.parse() {
                Ok(revision) => Ok(GitReference::Rev(revision)),
                Err(_) => Err(self.missing_ref("tag or branch", "refs/", &parsed()?)),
            },
        }
    }

    /// All tags, by their short names.
    pub(super) fn tags(&self) -> Result<Vec<NamedCommit>> {
        let all = self.refs(&[TAGS])?;
        Ok(all.into_iter().filter_map(|(name, id)| Some((name.strip_prefix(TAGS)?.to_owned(), id))).collect())
    }

    /// Make sure that a locked commit and its trees are here, through the ref that it was locked by. Says whether it was seen on
    /// that ref: servers give any commit by its id, those of forks too.
    pub(super) fn bring_locked(&self, reference: &GitReference, commit: ObjectId) -> Result<bool> {
        if !self.cache.borrow().is_on_ref(&commit) {
            let may_ask = self.is_reachable();
            if !may_ask && !self.cache.borrow().has_trees(&commit) {
                return Err(self.offline());
            }
            if !may_ask || !self.is_on(reference, commit)? {
                return Ok(false);
            }
            self.cache.borrow_mut().learn_on_ref(&commit)?;
        }
        self.bring_trees(commit)?;
        Ok(true)
    }

    /// Is a commit the tip of a ref, or in its history?
    fn is_on(&self, reference: &GitReference, commit: ObjectId) -> Result<bool> {
        let tips: Vec<ObjectId> = match reference {
            GitReference::Default => self.named(HEAD)?.into_iter().collect(),
            GitReference::Branch(name) => self.named(&format!("{BRANCHES}{name}"))?.into_iter().collect(),
            GitReference::Tag(name) => self.named(&format!("{TAGS}{name}"))?.into_iter().collect(),
            GitReference::Rev(_) => self.all_tips()?,
        };
        Ok(!self.find_in_history(&tips, &|id| *id == commit, false)?.is_empty())
    }

    /// A revision of the manifest: a commit's id, or its beginning.
    fn revision(&self, revision: &str) -> Result<ObjectId> {
        let whole = (revision.len() == 40).then(|| ObjectId::from_hex(revision.as_bytes()).ok()).flatten();
        if revision.len() > 40 {
            return Err(super::by_sha256("a commit's id with more than 40 digits is of a repository that names its objects"));
        }
        if let Some(commit) = whole.filter(|commit| self.cache.borrow().is_on_ref(commit)) {
            return Ok(commit);
        }
        let is_it = |id: &ObjectId| id.to_string().starts_with(revision);
        let found = self.find_in_history(&self.all_tips()?, &is_it, whole.is_none())?;
        match (found.iter().collect::<Vec<_>>().as_slice(), whole) {
            ([commit], _) => {
                self.cache.borrow_mut().learn_on_ref(commit)?;
                Ok(**commit)
            }
            // On no ref of this repository; whoever wants it may still get it, and is told.
            ([], Some(commit)) => Ok(commit),
            ([], None) => {
                Err(self.no_ref(&format!("no commit `{revision}` on any branch or tag"), &[]).help("give the whole id, or a tag or branch"))
            }
            (several, _) => Err(Error::new(
                "mfp::git::ambiguous-ref",
                format!("{} has {} commits that begin with `{revision}`", self.shown(), several.len()),
            )
            .help("give the whole id")),
        }
    }

    fn all_tips(&self) -> Result<Vec<ObjectId>> {
        let all = self.refs(&[HEAD, BRANCHES, TAGS])?;
        Ok(all.into_iter().map(|(_, id)| id).collect::<BTreeSet<_>>().into_iter().collect())
    }

    /// The commits among the tips' histories that are looked for: the first, or `all` of them. Deeper and deeper, as far as it takes.
    fn find_in_history(&self, tips: &[ObjectId], wanted: &dyn Fn(&ObjectId) -> bool, all: bool) -> Result<BTreeSet<ObjectId>> {
        if tips.is_empty() {
            return Ok(BTreeSet::new());
        }
        if let Some(tip) = tips.iter().find(|tip| !all && wanted(tip)) {
            return Ok(BTreeSet::from([*tip]));
        }
        for depth in DEPTHS {
            let (found, is_complete) = self.walk(tips, wanted)?;
            if is_complete || (!found.is_empty() && !all) {
                return Ok(found);
            }
            if !self.is_reachable() {
                return Err(self.offline());
            }
            self.ask(tips, depth, Want::Commits).map_err(|not| self.ended(not))?;
        }
        Ok(self.walk(tips, wanted)?.0)
    }

    /// Walk the commits that are here from the tips on: which are wanted, and did any lead to one that isn't here?
    fn walk(&self, tips: &[ObjectId], wanted: &dyn Fn(&ObjectId) -> bool) -> Result<(BTreeSet<ObjectId>, bool)> {
        let cache = self.cache.borrow();
        let (mut found, mut is_complete) = (BTreeSet::new(), true);
        let mut seen: HashSet<ObjectId> = tips.iter().copied().collect();
        let mut queue: Vec<ObjectId> = tips.to_vec();
        while let Some(id) = queue.pop() {
            if wanted(&id) {
                found.insert(id);
            }
            let Some(object) = cache.object(&id)? else {
                is_complete = false;
                continue;
            };
            // A tag may lead to something that isn't a commit; that has no history.
            if object.kind != Kind::Commit {
                continue;
            }
            for parent in CommitRefIter::from_bytes(&object.data, gix::hash::Kind::Sha1).parent_ids() {
                if seen.insert(parent) {
                    queue.push(parent);
                }
            }
            if seen.len() > MAX_COMMITS {
                return Err(Error::new("mfp::git::too-large", format!("the history of {} is too long to be looked through", self.shown()))
                    .help("lock a tag or a branch instead of a commit"));
            }
        }
        Ok((found, is_complete))
    }

    /// Make sure that a commit is here with all its trees.
    pub(super) fn bring_trees(&self, commit: ObjectId) -> Result<()> {
        if self.cache.borrow().has_trees(&commit) {
            return Ok(());
        }
        if !self.is_reachable() {
            return Err(self.offline());
        }
        let is_modern = self.with_session(|session| Ok(session.is_modern())).map_err(|not| self.ended(not))?;
        let given = if is_modern { self.ask(&[commit], Some(1), Want::Trees) } else { self.ask_an_older_server(commit) };
        match given {
            Ok(()) if self.cache.borrow().has(&commit) => self.cache.borrow_mut().learn_trees(&commit),
            Ok(()) | Err(NotGiven::Refused) => Err(self.gone(commit)),
            Err(NotGiven::Failed(error)) => Err(error),
        }
    }

    /// An older server gives nothing but what a ref names: that alone if it leads to the commit, else all of them with their history.
    fn ask_an_older_server(&self, commit: ObjectId) -> Result<(), NotGiven> {
        let tips = self.all_tips()?;
        if tips.contains(&commit) { self.ask(&[commit], Some(1), Want::Whole) } else { self.ask(&tips, None, Want::Whole) }
    }

    /// Make sure that these blobs of a commit are here.
    pub(super) fn bring_blobs(&self, commit: ObjectId, ids: &[ObjectId]) -> Result<()> {
        let missing = || -> Vec<ObjectId> {
            let cache = self.cache.borrow();
            ids.iter().filter(|id| !cache.has(id)).copied().collect::<BTreeSet<_>>().into_iter().collect()
        };
        let wanted = missing();
        if wanted.is_empty() {
            return Ok(());
        }
        if !self.is_reachable() {
            return Err(self.offline());
        }
        match self.ask(&wanted, None, Want::Whole) {
            Ok(()) => {}
            // It doesn't give single blobs: then the whole commit.
            Err(NotGiven::Refused) => self.ask(&[commit], Some(1), Want::Whole).map_err(|not| self.ended(not))?,
            Err(NotGiven::Failed(error)) => return Err(error),
        }
        if missing().is_empty() { Ok(()) } else { Err(self.gone(commit)) }
    }

    /// An object that must be here by now.
    pub(super) fn expect(&self, id: &ObjectId, kind: Kind) -> Result<Vec<u8>> {
        match self.cache.borrow().object(id)? {
            Some(object) if object.kind == kind => Ok(object.data),
            Some(object) => Err(Error::new("mfp::git::tree", format!("{} holds a {} where a {kind} should be", self.shown(), object.kind))
                .help("nothing was kept; don't trust it")),
            None => {
                Err(Error::new("mfp::git::cache", format!("the cached repository of {} lacks something that it should have", self.shown()))
                    .help("delete it, or everything that can be fetched again: `mfp cache clean`"))
            }
        }
    }

    /// The repository of a submodule, if its address is relative to ours or on the same host.
    pub(super) fn submodule(&self, modules_file: Option<&[u8]>, path: &str) -> Result<Option<Rc<Repository<'a>>>> {
        let Some(text) = modules_file else { return Ok(None) };
        let unreadable =
            |_| Error::new("mfp::git::submodule", format!("`.gitmodules` of {} can't be read", self.shown())).help("tell its author");
        let file = gix::config::File::try_from(gix::bstr::BStr::new(text)).map_err(unreadable)?;
        let value = |section: &gix::config::file::SectionRef<'_>, key: &str| section.value(key).map(|value| value.to_string());
        let mut declared = file.sections_by_name("submodule").into_iter().flatten();
        let Some(url) = declared.find(|section| value(section, "path").as_deref() == Some(path)).and_then(|section| value(&section, "url"))
        else {
            return Ok(None);
        };
        match of_submodule(&self.url, &self.address, &url, &self.shared.root, &self.shared.user) {
            Some(url) => self.shared.open(&url).map(Some),
            None => Ok(None),
        }
    }

    /// Where one ref leads.
    fn named(&self, name: &str) -> Result<Option<ObjectId>> {
        Ok(self.refs(&[name])?.into_iter().find(|(found, _)| found == name).map(|(_, id)| id))
    }

    /// The refs whose names begin with one of these.
    fn refs(&self, prefixes: &[&str]) -> Result<Vec<NamedCommit>> {
        let asked = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        if !self.is_reachable() {
            let known: Vec<NamedCommit> = self.cache.borrow().known_refs().into_iter().filter(|(name, _)| asked(name)).collect();
            return if known.is_empty() { Err(self.offline()) } else { Ok(known) };
        }
        let refs = self.with_session(|session| session.refs(prefixes).map_err(NotGiven::Failed)).map_err(|not| self.ended(not))?;
        let refs = || refs.iter().filter_map(name_and_targets).filter(|(name, ..)| asked(name));
        self.tags.borrow_mut().extend(refs().filter(|(_, named, commit)| named != commit).map(|(_, named, commit)| (commit, named)));
        let refs: Vec<NamedCommit> = refs().map(|(name, _, commit)| (name.to_owned(), commit)).collect();
        self.cache.borrow_mut().learn_refs(asked, &refs)?;
        Ok(refs)
    }

    fn ask(&self, ids: &[ObjectId], depth: Option<u32>, want: Want) -> Result<(), NotGiven> {
        let packs = self.cache.borrow().packs();
        let named = |commit: &ObjectId| self.tags.borrow().get(commit).copied().unwrap_or(*commit);
        self.with_session(|session| {
            let ids: Vec<ObjectId> = if session.is_modern() { ids.to_vec() } else { ids.iter().map(named).collect() };
            session.fetch(&ids, depth, want, &packs)
        })
    }

    /// Talk to the server; a conversation that can't go on is begun again by the next one.
    fn with_session<T>(&self, talk: impl FnOnce(&mut Session<'a>) -> Result<T, NotGiven>) -> Result<T, NotGiven> {
        let mut session = self.session.borrow_mut().take().filter(|session| !session.is_spent());
        let result = if let Some(session) = &mut session {
            talk(session)
        } else {
            self.shared.say_asking(self.shown());
            talk(session.insert(Session::open(&self.address, &self.shared)?))
        };
        if result.is_ok() {
            *self.session.borrow_mut() = session;
        }
        result
    }

    fn ended(&self, not: NotGiven) -> Error {
        match not {
            NotGiven::Failed(error) => error,
            NotGiven::Refused => Error::new("mfp::git::protocol", format!("{} doesn't give what it said it has", self.shown()))
                .help("try again; `git ls-remote URL` shows what git says to it"),
        }
    }

    fn gone(&self, commit: ObjectId) -> Error {
        Error::new("mfp::git::commit-gone", format!("{} has no commit {commit}", self.shown()))
            .help("it may have been taken away by a forced push: `mfp update NAME` takes what's there now, `--vendor DIR` and a store that has it need no server")
            .detail("commit", commit.to_string())
    }

    fn offline(&self) -> Error {
        Error::new("mfp::network::offline", format!("{} is needed, and --offline was given", self.shown()))
            .help("run the command once without `--offline`, or give a vendored folder: `--vendor DIR`")
    }

    fn no_ref(&self, what: &str, near: &[String]) -> Error {
        let error = Error::new("mfp::git::no-ref", format!("{} has {what}", self.shown()));
        match near {
            [] => error.help("`git ls-remote URL` shows what it has"),
            near => error.help(format!("did you mean {}?", near.join(" or "))).detail("nearest", near.to_vec()),
        }
    }

    fn missing_ref(&self, kind: &str, prefix: &str, name: &RefName) -> Error {
        // Only for a hint: what can't be asked any more gives none.
        let all = self.refs(&[BRANCHES, TAGS]).unwrap_or_default();
        let short = |full: &str| {
            let of_kind = full.starts_with(prefix);
            let short = full.strip_prefix(BRANCHES).or_else(|| full.strip_prefix(TAGS))?;
            of_kind.then(|| short.to_owned())
        };
        let names: BTreeSet<String> = all.iter().filter_map(|(full, _)| short(full)).collect();
        let near = mfp_model::text::nearest_all(name.as_str(), names.iter().map(String::as_str), 3);
        let near: Vec<String> = near.into_iter().map(|near| clean(near).into_owned()).collect();
        self.no_ref(&format!("no {kind} `{name}`"), &near)
    }
}
