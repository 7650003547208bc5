//! From a manifest and the world to a lock: what `lock`, `sync`, `add`, `remove`, `update` and `upgrade` have in common.
//!
//! Read what the manifest declares by URL and folder, gather what registries have, decide, and write the decision down.
//! Locked versions are preferences, so that a change moves nothing that it needn't. Where every name is in the lock
//! already, the decision is tried over the lock alone first: a removal needs no network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mfp_model::digest::ContentDigest;
use mfp_model::index::packed::{Packed, PackedLine};
use mfp_model::lock::{Lock, LockedBody, LockedPackage, LockedPlugin, Stale, contradictions, staleness, violations};
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginManifest;
use mfp_model::project::{Manifest, Strategy};
use mfp_model::requirement::Requirement;
use mfp_model::signature::rotation::KeyHistory;
use mfp_model::signer::Signer;
use mfp_model::source::{Pin, Source, SourceId};
use mfp_model::version::Version;
use mfp_resolver::{Candidate, Catalog, MinReleaseAge, Origin, Override, PackageKey, Request, Resolution, Root, resolve};
use mfp_store::Store;

use crate::advisories::{self, Blocked, Book};
use crate::app::App;
use crate::approvals::ApprovalGuard;
use crate::error::{Error, Excerpt, Exit, Result};
use crate::explain;
use crate::gate::{Gate, Precise, Rule};
use crate::held::{Guard, HeldBack, HeldVersion, Objection};
use crate::policy::{Policed, refuse_denied_sources, refuse_violations};
use crate::project::{MANIFEST, Project};
use crate::report::{Event, Reporter};
use crate::settings::{LockMode, LockedBy};
use crate::signing::{self, Accepted, Disproved, SignerGuard, Trust, Wishes};
use crate::sources::declared::read_folder;
use crate::sources::fetch::{fetch_first_sight, fetch_missing};
use crate::sources::gather::{Known, Undecided, nearest_names};
use crate::sources::git::Git;
use crate::sources::registry::Shared;
use crate::sources::{Registries, Sources};

/// Which locked versions may move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Freedom {
    /// None that needn't.
    Keep,
    /// These.
    Names(BTreeSet<PluginName>),
    /// All but these.
    AllBut(BTreeSet<PluginName>),
    /// All.
    All,
}

impl Freedom {
    /// May this one move?
    pub(crate) fn lets_go(&self, name: &PluginName) -> bool {
        match self {
            Self::Keep => false,
            Self::Names(names) => names.contains(name),
            Self::AllBut(names) => !names.contains(name),
            Self::All => true,
        }
    }

    /// The same, but for these.
    pub(crate) fn but(self, kept: BTreeSet<PluginName>) -> Self {
        match self {
            other if kept.is_empty() => other,
            Self::Keep => Self::Keep,
            Self::Names(names) => Self::Names(names.difference(&kept).cloned().collect()),
            Self::AllBut(names) => Self::AllBut(names.union(&kept).cloned().collect()),
            Self::All => Self::AllBut(kept),
        }
    }
}

/// What to lock.
#[derive(Debug)]
pub(crate) struct Goal<'a> {
    /// The project's folder.
    pub(crate) root: &'a Path,
    /// What the project wants.
    pub(crate) manifest: &'a Manifest,
    /// The same as text, to point into.
    pub(crate) manifest_text: &'a str,
    /// What it has.
    pub(crate) old: Option<&'a Lock>,
    /// What may move.
    pub(crate) freedom: Freedom,
    /// What must become exactly this.
    pub(crate) precise: BTreeMap<PluginName, Version>,
    /// Plugins at URLs and in repositories that were fetched a moment ago.
    pub(crate) seen: BTreeMap<PluginName, Declared>,
    /// What happens to newer versions that a person has to decide about first.
    pub(crate) undecided: UndecidedVersions,
    /// What's known about signers.
    pub(crate) signing: Wishes,
}

/// What happens to newer versions that a person has to decide about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum UndecidedVersions {
    /// They're chosen like all others: the person named what's wanted, or the command refuses them afterwards.
    #[default]
    Chosen,
    /// They're held back, and named.
    HeldBack,
}

/// A lock that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) lock: Lock,
    /// The newer versions that aren't in it, since a person has to decide about them first.
    pub(crate) held: HeldBack,
}

/// A plugin that the manifest declares by URL, repository or folder, as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// Its lock entry.
    pub(crate) locked: LockedPlugin,
    /// Which hosts it supports, as far as that's known: a lock entry doesn't hold it.
    pub(crate) mockforge: Option<Requirement>,
    /// What was just read, with the text of the signature that came with it. Who made that isn't settled yet.
    pub(crate) fresh: Option<FreshlyRead>,
}

/// Something that was just read, and isn't what the lock has only because the lock says so.
#[derive(Debug, Clone)]
pub(crate) struct FreshlyRead {
    pub(crate) signature: Option<String>,
}

impl Declared {
    /// What a package that was just read says about itself.
    pub(crate) fn new(
        name: &PluginName,
        alias: Option<&PluginName>,
        pin: Pin,
        content: ContentDigest,
        manifest: &PluginManifest,
        signature: Option<String>,
    ) -> Self {
        let package = LockedPackage {
            package: alias.cloned(),
            version: manifest.version.clone(),
            pin,
            license: manifest.license.clone(),
            signer: None,
            capabilities: manifest.capabilities.clone(),
            dependencies: manifest.dependencies.clone(),
        };
        let locked =
            LockedPlugin { name: name.clone(), types: manifest.types.clone(), body: LockedBody::Package(Box::new(package)), content };
        Self { locked, mockforge: manifest.mockforge.clone(), fresh: Some(FreshlyRead { signature }) }
    }

    /// What's locked, as it's locked.
    fn kept(locked: LockedPlugin) -> Self {
        Self { locked, mockforge: None, fresh: None }
    }

    /// As the resolver sees it: a service has no version, and counts as 0.0.0, as everything does that has none.
    fn candidate(&self) -> Candidate {
        match self.locked.package() {
            Some(package) => Candidate {
                dependencies: package.dependencies.clone(),
                mockforge: self.mockforge.clone(),
                ..Candidate::new(package.version.clone())
            },
            None => Candidate::new(Version::new(0, 0, 0)),
        }
    }
}

/// Refuse what this version of mfp can't do yet, where it's used.
pub(crate) fn refuse_unsupported(manifest: &Manifest, text: &str) -> Result<()> {
    let Some(first) = manifest.unsupported().into_iter().next() else { return Ok(()) };
    let excerpt =
        Excerpt { file: MANIFEST.to_owned(), text: text.to_owned(), span: first.span, label: "not in this version of mfp".to_owned() };
    Err(Error::new("mfp::unsupported", format!("{} isn't supported yet", first.what))
        .excerpt(excerpt)
        .help("take it out of the manifest, or wait for a later version"))
}

/// Make a lock. Says how many plugins were resolved, and how long it took.
pub(crate) fn lock(app: &App<'_>, store: &Store, goal: &Goal<'_>) -> Result<Lock> {
    lock_with(app, store, goal, None).map(|made| made.lock)
}

/// The same, with repositories that were asked something already. They're given back afterwards: fetching opens its own.
pub(crate) fn lock_with<'a>(app: &'a App<'a>, store: &Store, goal: &Goal<'_>, git: Option<Git<'a>>) -> Result<Made> {
    let started = std::time::Instant::now();
    refuse_unsupported(goal.manifest, goal.manifest_text)?;
    for warning in &goal.manifest.warnings {
        app.reporter.event(Event::Warning { code: "mfp::manifest::query", text: warning.message.clone() });
    }
    refuse_denied_sources(goal.manifest, goal.manifest_text)?;
    let sources = app.sources()?;
    let registries = sources.registries(goal.manifest, goal.root)?;
    let mut declared = declared(app, store, &sources, goal, git)?;
    let mut kept = settle_signers(app, goal, &mut declared)?;
    let mut signers = Signers::new(goal);
    kept.extend(keep_undecided(goal, &signers, &mut declared));
    let request = request(app, goal)?;
    let known = Book::known(app, goal.manifest, goal.root);
    let (lock, mut held) = loop {
        let alone = if keeps_to_the_rules(goal, &known) { from_lock_alone(goal, &declared, &request) } else { None };
        let made = match alone {
            Some(resolution) => (build(goal, &declared, &resolution, &Known::default())?, HeldBack::default()),
            None => app.wait(from_the_world_as_it_is(app, goal, &declared, &request, &registries, &known, &mut signers))?,
        };
        let is_new = goal.signing.prove.then(|| first_disproved(app, store, goal, &made.0)).flatten();
        if !is_new.is_some_and(|disproved| signers.disprove(disproved)) {
            break made;
        }
    };
    held.versions.extend(kept);
    app.documents.save();
    lock.check().map_err(|error| Error::bug(format!("the lock that was made isn't closed: {}", error.message)))?;
    signers.trust(goal).check(&lock)?;
    refuse_violations(goal.manifest, goal.manifest_text, &lock)?;
    app.reporter.event(Event::Resolved { count: lock.plugins.len(), elapsed: started.elapsed() });
    signers.introduce(app.reporter, goal, &lock);
    Ok(Made { lock, held })
}

/// Who objects to versions that a person has to decide about first.
fn guards<'g>(goal: &'g Goal<'_>, signers: &'g Signers) -> Vec<Box<dyn Guard + 'g>> {
    match goal.undecided {
        UndecidedVersions::Chosen => Vec::new(),
        UndecidedVersions::HeldBack => vec![
            Box::new(SignerGuard { trust: signers.trust(goal), disproved: &signers.disproved }),
            Box::new(ApprovalGuard { manifest: goal.manifest, old: goal.old }),
        ],
    }
}

/// What's learnt about signers while a lock is made.
#[derive(Debug)]
struct Signers {
    /// What a person accepted, and what follows the locked key.
    accepted: Accepted,
    /// By which chains it follows, by name.
    chains: BTreeMap<PluginName, BTreeMap<Signer, Vec<Signer>>>,
    disproved: Disproved,
}

impl Signers {
    fn new(goal: &Goal<'_>) -> Self {
        Self { accepted: goal.signing.accepted.clone(), chains: BTreeMap::new(), disproved: Disproved::new() }
    }

    fn trust<'t>(&'t self, goal: &'t Goal<'_>) -> Trust<'t> {
        Trust { manifest: goal.manifest, old: goal.old, accepted: &self.accepted }
    }

    /// Remember that a version isn't what's said about it. False if that was known.
    fn disprove(&mut self, (name, version, error): (PluginName, Version, Error)) -> bool {
        self.disproved.entry(name).or_default().insert(version, error).is_none()
    }

    /// Where an index says that another key signs now, ask its registry whether that key follows the one that's locked. True if
    /// something was learnt.
    async fn learn(&mut self, goal: &Goal<'_>, decision: &Decided, registries: &Registries<'_>) -> Result<bool> {
        let chosen = |name: &PluginName| Some(&decision.resolution.as_ref().ok()?.plugins.get(name)?.version);
        let moves = |name: &PluginName| chosen(name) != goal.old.and_then(|old| old.plugins.get(name)).and_then(LockedPlugin::version);
        let mut has_learnt = false;
        for (key, document) in &decision.known.documents {
            let strangers = self.trust(goal).strangers(key, document.as_ref());
            for name in strangers.into_iter().filter(|name| goal.freedom.lets_go(name) || moves(name)) {
                let (Origin::Registry(registry), Some(locked)) = (&key.origin, self.trust(goal).locked(&name)) else { continue };
                if self.chains.contains_key(&name) {
                    continue;
                }
                let history = match crate::sources::registry(registries, registry)?.key_history(&key.name).await {
                    // Nothing can be learnt now: what would have been allowed is held back.
                    Err(error) if error.exit() == Exit::Network => KeyHistory::default(),
                    history => history?,
                };
                let followers = history.followers(&key.name, locked);
                has_learnt |= !followers.is_empty();
                self.accepted.entry(name.clone()).or_default().extend(followers.keys().cloned());
                self.chains.insert(name, followers);
            }
        }
        Ok(has_learnt)
    }

    /// Say who signs for the first time, and which keys followed others.
    fn introduce(&self, reporter: &Reporter, goal: &Goal<'_>, new: &Lock) {
        let trust = self.trust(goal);
        trust.introduce(reporter, new);
        for plugin in new.plugins.values() {
            let (Some(locked), Some(signer)) = (trust.locked(&plugin.name), plugin.signer()) else { continue };
            if let Some(chain) = self.chains.get(&plugin.name).and_then(|chains| chains.get(signer)) {
                let chain: Vec<String> = std::iter::once(locked).chain(chain).map(Signer::fingerprint).collect();
                let text = format!("{} changed its key, each signed by the one before: {}", plugin.name, chain.join(" → "));
                reporter.event(Event::Note(text));
            }
        }
    }
}

/// Who signed what was just read at URLs, in repositories and in folders. What isn't signed by whom it was before stays as it's
/// locked, where the command holds such versions back; else it's an error.
fn settle_signers(app: &App<'_>, goal: &Goal<'_>, declared: &mut BTreeMap<PluginName, Declared>) -> Result<Vec<HeldVersion>> {
    let trust = Trust { manifest: goal.manifest, old: goal.old, accepted: &goal.signing.accepted };
    let mut held = Vec::new();
    for (name, found) in declared.iter_mut() {
        let Some(fresh) = found.fresh.take() else { continue };
        match (trust.at_first_sight(app.reporter, &found.locked, fresh.signature.as_deref()), may_stay(goal, name)) {
            (Ok(signer), _) => found.locked.set_signer(signer),
            (Err(error), Some(locked)) => {
                held.extend(found.locked.version().map(|version| HeldVersion {
                    name: name.clone(),
                    version: version.clone(),
                    current: locked.version().cloned(),
                    objections: vec![signing::disproved(name, version, &error)],
                    needs: Vec::new(),
                }));
                *found = Declared::kept(locked.clone());
            }
            (Err(error), None) => return Err(error),
        }
    }
    Ok(held)
}

/// The locked entry that can stay in the place of what was found at a URL or in a repository, if newer versions are held back.
fn may_stay<'g>(goal: &Goal<'g>, name: &PluginName) -> Option<&'g LockedPlugin> {
    let entry = goal.manifest.plugins.get(name).filter(|_| goal.undecided == UndecidedVersions::HeldBack)?;
    let asked = goal.old?.requirements.get(name)?;
    let is_same = asked.source == entry.request.source && matches!(asked.source, Source::Url { .. } | Source::Git { .. });
    goal.old?.plugins.get(name).filter(|_| is_same)
}

/// Bring what's newly chosen for names that were signed before into the store. The first whose signature doesn't prove what's
/// said about it; whatever else goes wrong will go wrong again where it's told.
fn first_disproved(app: &App<'_>, store: &Store, goal: &Goal<'_>, lock: &Lock) -> Option<(PluginName, Version, Error)> {
    let is_new = |plugin: &&LockedPlugin| {
        let old = goal.old.and_then(|old| old.plugins.get(&plugin.name));
        plugin.signer().is_some()
            && old.is_some_and(|old| old.signer().is_some() && old.content != plugin.content)
            && matches!(plugin.source(), SourceId::Registry(_))
    };
    let new: Vec<&LockedPlugin> = lock.plugins.values().filter(is_new).filter(|plugin| !signing::is_here(store, plugin)).collect();
    let error = fetch_missing(app, store, goal.manifest, goal.root, &new).err().filter(signing::is_about)?;
    let plugin = new.into_iter().find(|plugin| error.detail_map().get("plugin").is_some_and(|name| name == plugin.name.as_str()))?;
    Some((plugin.name.clone(), plugin.version()?.clone(), error))
}

/// What's declared by URL or repository, and there's an objection to what is there now: it stays as it's locked.
fn keep_undecided(goal: &Goal<'_>, signers: &Signers, declared: &mut BTreeMap<PluginName, Declared>) -> Vec<HeldVersion> {
    let guards = guards(goal, signers);
    let mut held = Vec::new();
    for (name, found) in declared.iter_mut() {
        let Some(entry) = goal.manifest.plugins.get(name) else { continue };
        // A folder is what it is.
        let (Source::Url { .. } | Source::Git { .. }) = &entry.request.source else { continue };
        let asked = goal.old.and_then(|old| old.requirements.get(name));
        let Some(locked) = goal.old.and_then(|old| old.plugins.get(name)).filter(|locked| locked.content != found.locked.content) else {
            continue;
        };
        let objections: Vec<Objection> = guards.iter().filter_map(|guard| guard.declared(&found.locked)).collect();
        if !objections.is_empty() && asked.is_some_and(|asked| asked.source == entry.request.source) {
            held.extend(found.locked.version().map(|version| HeldVersion {
                name: name.clone(),
                version: version.clone(),
                current: locked.version().cloned(),
                objections,
                needs: Vec::new(),
            }));
            *found = Declared::kept(locked.clone());
        }
    }
    held
}

/// What the manifest declares by URL, repository and folder, as it is now.
fn declared<'a>(
    app: &'a App<'a>,
    store: &Store,
    sources: &Sources<'_>,
    goal: &Goal<'_>,
    mut git: Option<Git<'a>>,
) -> Result<BTreeMap<PluginName, Declared>> {
    let mut all = BTreeMap::new();
    for (name, entry) in &goal.manifest.plugins {
        let alias = entry.request.package.as_ref();
        let found = match &entry.request.source {
            Source::Path { path, bare } => {
                let folder = read_folder(name, goal.root, path, bare, alias)?;
                let content = folder.listing.content();
                check_id(name, alias, &folder.manifest.id, goal, entry.span.clone())?;
                Declared::new(name, alias, Pin::Path { path: path.clone() }, content, &folder.manifest, folder.signature)
            }
            Source::Url { .. } => match (goal.seen.get(name), unchanged(goal, name)) {
                (Some(seen), _) => seen.clone(),
                (None, Some(locked)) => Declared::kept(locked.clone()),
                (None, None) => {
                    let sight = app.wait(fetch_first_sight(sources, store, goal.root, name, alias, &entry.request.source))?;
                    check_id(name, alias, &sight.manifest.id, goal, entry.span.clone())?;
                    sight.declare(name, alias)
                }
            },
            Source::Git { .. } => match (goal.seen.get(name), unchanged(goal, name)) {
                (Some(seen), _) => seen.clone(),
                (None, Some(locked)) => Declared::kept(locked.clone()),
                (None, None) => {
                    let git = match &git {
                        Some(git) => git,
                        None => git.insert(Git::new(app, goal.root)?),
                    };
                    let sight = git.first_sight(store, name, &entry.request.source)?;
                    check_id(name, alias, &sight.manifest.id, goal, entry.span.clone())?;
                    sight.declare(name, alias)
                }
            },
            Source::Remote { .. } => match LockedPlugin::remote(name, &entry.request) {
                Some(locked) => Declared::kept(locked),
                None => continue,
            },
            Source::Registry { .. } => continue,
        };
        all.insert(name.clone(), found);
    }
    Ok(all)
}

/// The entry's name must be the plugin's id, or the manifest says which plugin it means.
fn check_id(name: &PluginName, alias: Option<&PluginName>, id: &PluginName, goal: &Goal<'_>, span: std::ops::Range<usize>) -> Result<()> {
    if alias.unwrap_or(name) == id {
        return Ok(());
    }
    let excerpt = Excerpt {
        file: MANIFEST.to_owned(),
        text: goal.manifest_text.to_owned(),
        span,
        label: format!("the plugin there is called `{id}`"),
    };
    Err(Error::new("mfp::manifest::other-id", format!("`{name}` holds another plugin"))
        .excerpt(excerpt)
        .help(format!("call the entry `{id}`, or say that it's an alias: `package = \"{id}\"`")))
}

/// The locked entry of a plugin at a URL or in a repository that's asked for as it was: its bytes are pinned, nobody asks again.
fn unchanged<'g>(goal: &Goal<'g>, name: &PluginName) -> Option<&'g LockedPlugin> {
    let old = goal.old?;
    let same = old.requirements.get(name)?.source == goal.manifest.plugins.get(name)?.request.source;
    let locked = old.plugins.get(name)?;
    (same && !goal.freedom.lets_go(name) && old.options.mockforge == goal.manifest.project.mockforge).then_some(locked)
}

/// The project's wishes in the resolver's words.
fn request(app: &App<'_>, goal: &Goal<'_>) -> Result<Request> {
    let manifest = goal.manifest;
    let age = manifest.policy.min_release_age.age;
    let cutoff = (age.as_seconds() > 0).then(|| app.settings.now.checked_sub(age.as_duration())).transpose();
    let cutoff = cutoff.map_err(|_| {
        Error::new("mfp::manifest::invalid", "`min-release-age` reaches back before the calendar begins").help("give a shorter age")
    })?;
    Ok(Request {
        roots: roots(manifest),
        overrides: manifest
            .overrides
            .iter()
            .map(|(name, one)| (name.clone(), Override { requirement: one.requirement.clone(), line: u32::try_from(one.line).ok() }))
            .collect(),
        host: manifest.project.mockforge.clone(),
        strategy: match manifest.strategy {
            Strategy::Highest => mfp_resolver::Strategy::Highest,
            Strategy::Lowest => mfp_resolver::Strategy::Lowest,
        },
        min_release_age: MinReleaseAge {
            cutoff,
            now: Some(app.settings.now),
            age: Some(age.to_string()),
            except: manifest.policy.min_release_age.except.clone(),
        },
        preferences: preferences(goal),
        default_registry: manifest.registries.contains_key(&manifest.project.registry).then(|| manifest.project.registry.clone()),
        max_decisions: Request::MAX_DECISIONS,
    })
}

fn roots(manifest: &Manifest) -> Vec<Root> {
    let mut roots = Vec::new();
    for (name, entry) in &manifest.plugins {
        let (origin, requirement) = match &entry.request.source {
            Source::Registry { requirement, registry } => (Origin::Registry(registry.clone()), requirement.clone()),
            _ => (Origin::Declared, Requirement::any()),
        };
        let root = Root {
            entry: name.clone(),
            package: entry.request.package.clone().unwrap_or_else(|| name.clone()),
            alias: entry.request.package.is_some(),
            origin,
            requirement,
            line: u32::try_from(entry.line).ok(),
            group: None,
        };
        let groups = entry.request.groups.iter().map(|group| Root { group: Some(group.clone()), ..root.clone() });
        if entry.request.groups.is_empty() { roots.push(root) } else { roots.extend(groups) }
    }
    roots
}

/// Locked versions that needn't move, and those that were asked for exactly.
fn preferences(goal: &Goal<'_>) -> BTreeMap<PluginName, Version> {
    let locked = goal.old.into_iter().flat_map(|lock| &lock.plugins);
    let kept =
        locked.filter(|(name, _)| !goal.freedom.lets_go(name)).filter_map(|(name, plugin)| Some((name.clone(), plugin.version()?.clone())));
    kept.chain(goal.precise.clone()).collect()
}

/// Decide over what the lock knows, if it knows every name: the same answer as the whole world's, without asking it.
fn from_lock_alone(goal: &Goal<'_>, declared: &BTreeMap<PluginName, Declared>, request: &Request) -> Option<Resolution> {
    let old = goal.old?;
    let same_options = old.options.mockforge == goal.manifest.project.mockforge && old.options.strategy == goal.manifest.strategy;
    if goal.freedom != Freedom::Keep || !goal.precise.is_empty() || !same_options {
        return None;
    }
    let mut catalog = catalog_of(declared);
    for plugin in old.plugins.values().filter(|plugin| !declared.contains_key(&plugin.name)) {
        let package = plugin.package()?;
        let Pin::Registry { registry, .. } = &package.pin else { continue };
        let key = PackageKey { name: plugin.id().clone(), origin: Origin::Registry(registry.clone()) };
        // An alias and the plugin itself may be locked at two versions: then only the world can tell.
        if catalog.knows(&key) || old.registries.get(registry) != goal.manifest.registries.get(registry).map(|registry| &registry.url) {
            return None;
        }
        let candidate = Candidate { dependencies: package.dependencies.clone(), ..Candidate::new(package.version.clone()) };
        catalog.insert(key, vec![candidate]);
    }
    resolve(request, &catalog).ok()
}

fn catalog_of(declared: &BTreeMap<PluginName, Declared>) -> Catalog {
    let mut catalog = Catalog::new();
    for (name, plugin) in declared {
        let key = PackageKey { name: name.clone(), origin: Origin::Declared };
        catalog.insert(key, vec![plugin.candidate()]);
    }
    catalog
}

/// Is what's locked allowed, as far as that's known without asking? Else it isn't what a decision may start from.
fn keeps_to_the_rules(goal: &Goal<'_>, known: &Book) -> bool {
    goal.old.is_none_or(|old| violations(goal.manifest, old).is_empty() && known.blocking(old).is_empty())
}

/// Decide by what's known of the registries' warnings, which is nearly always what they are; then ask those that something
/// comes from, and decide again if it was otherwise.
async fn from_the_world_as_it_is(
    app: &App<'_>,
    goal: &Goal<'_>,
    declared: &BTreeMap<PluginName, Declared>,
    request: &Request,
    registries: &Registries<'_>,
    known: &Book,
    signers: &mut Signers,
) -> Result<(Lock, HeldBack)> {
    let mut made = from_the_world(goal, declared, request, registries, signers, known).await;
    let names = match &made {
        Ok((lock, _)) => advisories::used_by(lock),
        // Perhaps something isn't blocked any more.
        Err(error) if error.exit() == Exit::Denied => known.blockers(),
        Err(_) => return made,
    };
    let asked = advisories::ask(names, registries, known).await;
    if !asked.book.blocks_like(known) {
        made = from_the_world(goal, declared, request, registries, signers, &asked.book).await;
    }
    let made = made?;
    asked.warn(app);
    // What has no other version is named by the resolver; this is about the rest, such as what's kept from the lock.
    advisories::refuse_to_lock(&asked.book, &made.0)?;
    Ok(made)
}

/// What keeps versions from being chosen, whatever is required.
fn rules<'g>(goal: &'g Goal<'_>, book: &'g Book) -> Vec<Box<dyn Rule + 'g>> {
    let mut rules: Vec<Box<dyn Rule + 'g>> = Vec::new();
    if !goal.precise.is_empty() {
        rules.push(Box::new(Precise(&goal.precise)));
    }
    if let Some(policed) = Policed::new(goal.manifest, guarded(goal)) {
        rules.push(Box::new(policed));
    }
    if !book.blocks_like(&Book::default()) {
        rules.push(Box::new(Blocked(book)));
    }
    rules
}

/// The plugins whose signers the guards watch: those that were signed before, where newer versions are held back.
fn guarded<'g>(goal: &Goal<'g>) -> BTreeSet<&'g PluginName> {
    let locked = goal.old.into_iter().flat_map(|old| old.plugins.values()).filter(|_| goal.undecided == UndecidedVersions::HeldBack);
    locked.filter(|plugin| plugin.signer().is_some()).map(LockedPlugin::id).collect()
}

/// Gather, decide, write down.
async fn from_the_world(
    goal: &Goal<'_>,
    declared: &BTreeMap<PluginName, Declared>,
    request: &Request,
    registries: &Registries<'_>,
    signers: &mut Signers,
    book: &Book,
) -> Result<(Lock, HeldBack)> {
    let mut decision = decide(goal, declared, request, registries, signers, book).await;
    if signers.learn(goal, &decision, registries).await? {
        decision = decide(goal, declared, request, registries, signers, book).await;
    }
    let Decided { known, resolution, held } = decision;
    match resolution {
        Ok(resolution) => {
            let lock = build(goal, declared, &resolution, &known)?;
            // Hundreds of thousands of small values, of a process that's about to end.
            std::mem::forget(known);
            Ok((lock, held))
        }
        Err(Undecided::Failed(error)) => Err(error),
        Err(Undecided::Unresolved(unresolved)) => {
            if let Some(error) = no_such_version(goal, &known) {
                return Err(error);
            }
            let near = match &unresolved {
                mfp_resolver::Unresolved::NotFound(missing) => nearest_names(&missing.key.name, &missing.key.origin, registries).await,
                _ => Vec::new(),
            };
            Err(explain::unresolved(goal.manifest, goal.manifest_text, &unresolved, &near))
        }
    }
}

/// What was decided, over what, and what was passed over.
struct Decided {
    known: Known,
    resolution: std::result::Result<Resolution, Undecided>,
    held: HeldBack,
}

/// Gather and decide, with everybody's objections.
async fn decide(
    goal: &Goal<'_>,
    declared: &BTreeMap<PluginName, Declared>,
    request: &Request,
    registries: &Registries<'_>,
    signers: &Signers,
    book: &Book,
) -> Decided {
    let mut known = Known { catalog: catalog_of(declared), documents: BTreeMap::new() };
    let mut gate = Gate::new(rules(goal, book), guards(goal, signers));
    let first = known.decide(request, registries, &gate).await;
    // What would it be without what a person has to decide about? Over what's known already, that's a matter of milliseconds.
    let objections = gate.dismiss_guards(&mut known.catalog);
    let (resolution, held) = match first {
        first if objections.is_empty() => (first, HeldBack::default()),
        Ok(taken) => {
            let held = match known.decide(request, registries, &gate).await {
                Ok(free) => HeldBack::between(&taken, &free, &objections),
                // Only to say what was passed over; it's no reason to fail.
                Err(_) => HeldBack::newest(&taken, &objections),
            };
            (Ok(taken), held)
        }
        Err(Undecided::Unresolved(_)) => {
            let decided = known.decide(request, registries, &gate).await;
            let held = decided.as_ref().map(|taken| HeldBack::forced(taken, &objections)).unwrap_or_default();
            (decided, held)
        }
        failed @ Err(Undecided::Failed(_)) => (failed, HeldBack::default()),
    };
    Decided { known, resolution, held }
}

/// A version that was asked for exactly and that no registry has.
fn no_such_version(goal: &Goal<'_>, known: &Known) -> Option<Error> {
    let (name, version) = goal.precise.iter().find(|(name, version)| {
        let mut documents = known.documents.iter().filter(|(key, _)| key.name == **name).peekable();
        documents.peek().is_some() && documents.all(|(_, document)| find(document, version).is_none())
    })?;
    Some(
        Error::new("mfp::resolve::no-version", format!("{name} has no version {version}"))
            .help(format!("`mfp info {name}` shows which it has")),
    )
}

/// The decision as a lock.
fn build(goal: &Goal<'_>, declared: &BTreeMap<PluginName, Declared>, resolution: &Resolution, known: &Known) -> Result<Lock> {
    // Services are what the manifest says, and are written down from there.
    let is_service = |name: &PluginName| declared.get(name).is_some_and(|declared| declared.locked.package().is_none());
    let resolved = resolution.plugins.values().filter(|resolved| !(resolved.origin == Origin::Declared && is_service(&resolved.entry)));
    let plugins = resolved.map(|resolved| {
        if resolved.origin == Origin::Declared {
            return declared.get(&resolved.entry).map(|declared| declared.locked.clone());
        }
        match known.documents.get(&resolved.key()).and_then(|document| find(document, &resolved.version)) {
            Some(line) => from_index(resolved, &line).map(|plugin| as_proven(goal, plugin)),
            None => goal.old.and_then(|old| old.plugins.get(&resolved.entry)).cloned(),
        }
    });
    let plugins: Option<Vec<_>> = plugins.collect();
    let plugins = plugins.ok_or_else(|| Error::bug("a resolved plugin is neither declared, nor in an index, nor in the lock"))?;
    Ok(Lock::build(goal.manifest, plugins))
}

fn find<'d>(document: &'d Shared, version: &Version) -> Option<PackedLine<'d>> {
    Packed::read(document.as_ref())?.find(version)
}

/// A registry's line as a lock entry.
fn from_index(resolved: &mfp_resolver::Resolved, line: &PackedLine<'_>) -> Option<LockedPlugin> {
    let Origin::Registry(registry) = &resolved.origin else { return None };
    let package = LockedPackage {
        package: (resolved.package != resolved.entry).then(|| resolved.package.clone()),
        version: line.version.clone(),
        pin: Pin::Registry { registry: registry.clone(), published: line.published, artifact: line.artifact },
        license: line.license().map(str::to_owned),
        // A claim, which whoever brings the package has to find proven.
        signer: line.signer()?,
        capabilities: line.capabilities()?,
        dependencies: resolved.dependencies.clone(),
    };
    Some(LockedPlugin {
        name: resolved.entry.clone(),
        types: line.types(),
        body: LockedBody::Package(Box::new(package)),
        content: line.content,
    })
}

/// The very package that's locked was signed by whom the lock says, whatever an index says now.
fn as_proven(goal: &Goal<'_>, mut plugin: LockedPlugin) -> LockedPlugin {
    let locked = goal.old.and_then(|old| old.plugins.get(&plugin.name));
    if let Some(locked) = locked.filter(|locked| locked.content == plugin.content && locked.version() == plugin.version())
        && let Some(signer) = locked.signer()
    {
        plugin.set_signer(Some(signer.clone()));
    }
    plugin
}

/// The content of the project's folder plugins as it is now, for freshness.
pub(crate) fn path_contents(root: &Path, manifest: &Manifest) -> Result<BTreeMap<PluginName, ContentDigest>> {
    let mut contents = BTreeMap::new();
    for (name, entry) in &manifest.plugins {
        if let Source::Path { path, bare } = &entry.request.source {
            let folder = read_folder(name, root, path, bare, entry.request.package.as_ref())?;
            contents.insert(name.clone(), folder.listing.content());
        }
    }
    Ok(contents)
}

/// The lock to go by, as far as `--locked`, `--frozen` and `--check` allow: fresh, and written if it changed.
pub(crate) fn current_lock(app: &App<'_>, project: &mut Project, manifest: &Manifest, only_look: bool) -> Result<Lock> {
    let lock_mode = app.settings.lock_mode;
    if lock_mode == LockMode::Frozen {
        refuse_unsupported(manifest, &project.manifest_text)?;
        let lock = project.existing_lock()?;
        // Cut in the right place, a lock is an empty one. Freshness would tell; `--frozen` doesn't ask.
        if lock.requirements.is_empty() && !manifest.plugins.is_empty() {
            return Err(Error::new("mfp::lock::empty", "`plugins.lock` holds nothing, and the manifest declares plugins")
                .help("run `mfp lock`, or take plugins.lock from version control again"));
        }
        refuse_contradictions(&lock)?;
        refuse_violations(manifest, &project.manifest_text, &lock)?;
        refuse_changed_folders(&lock, &path_contents(&project.root, manifest)?)?;
        return Ok(lock);
    }
    let old = project.lock()?;
    if let Some(lock) = &old {
        let reasons = staleness(manifest, lock, &path_contents(&project.root, manifest)?);
        match lock_mode {
            _ if reasons.is_empty() => {
                refuse_unsupported(manifest, &project.manifest_text)?;
                refuse_violations(manifest, &project.manifest_text, lock)?;
                return Ok(lock.clone());
            }
            LockMode::Locked(by) => return Err(stale(&reasons, by)),
            LockMode::Update | LockMode::Frozen => {
                for reason in &reasons {
                    app.reporter.event(Event::Detail(format!("plugins.lock is out of date: {reason}")));
                }
            }
        }
    } else if let LockMode::Locked(by) = lock_mode {
        return Err(Error::new("mfp::lock::missing", format!("there's no plugins.lock, and {}", why_locked(by)))
            .help("run `mfp lock` and commit plugins.lock"));
    }
    let merge = crate::merging::unfinished(app, project)?;
    let old = match &merge {
        Some(merge) => merge.preferred(app, manifest)?,
        None => old,
    };
    let store = app.store()?;
    let goal = Goal {
        root: &project.root,
        manifest,
        manifest_text: &project.manifest_text,
        old: old.as_ref(),
        freedom: Freedom::Keep,
        precise: BTreeMap::new(),
        seen: BTreeMap::new(),
        undecided: UndecidedVersions::Chosen,
        signing: Wishes::default(),
    };
    let lock = lock(app, &store, &goal)?;
    if let Some(merge) = &merge {
        merge.tell(app, &lock);
    }
    if !only_look {
        project.save_lock(&lock)?;
    }
    Ok(lock)
}

/// Under `--frozen` nobody asks whether the lock fits the manifest. Whether it fits itself is asked: a merge line by line may
/// have put two halves together that don't.
fn refuse_contradictions(lock: &Lock) -> Result<()> {
    let reasons = contradictions(lock);
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Error::new("mfp::lock::contradiction", "plugins.lock contradicts itself: a merge or a hand has put together what doesn't fit")
        .points(reasons.iter().map(ToString::to_string))
        .help("run `mfp lock` and commit plugins.lock"))
}

/// Under `--frozen` a folder that isn't what was locked can't make the lock stale: it's bytes that don't verify.
fn refuse_changed_folders(lock: &Lock, found: &BTreeMap<PluginName, ContentDigest>) -> Result<()> {
    let is_changed =
        |(name, content): &(&PluginName, &ContentDigest)| lock.plugins.get(*name).is_some_and(|plugin| plugin.content != **content);
    match found.iter().find(is_changed) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Error::new("mfp::integrity::content", format!("{name}: the files in its folder aren't those that were locked"))
                .help("run `mfp lock`, if they're meant"))
        }
    }
}

/// The lock isn't fresh, and may not be written.
pub(crate) fn stale(reasons: &[Stale], by: LockedBy) -> Error {
    Error::new("mfp::lock::stale", format!("`plugins.lock` is out of date with `mockforge-plugins.toml`, and {}", why_locked(by)))
        .points(reasons.iter().map(ToString::to_string))
        .help("run `mfp lock` and commit plugins.lock")
}

fn why_locked(by: LockedBy) -> &'static str {
    match by {
        LockedBy::Flag => "`--locked` was given",
        LockedBy::Ci => "CI=true implies `--locked` (`--no-locked` undoes it)",
        LockedBy::Check => "`--check` writes nothing",
        LockedBy::Serve => "a running server doesn't write it",
    }
}
