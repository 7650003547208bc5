//! The decision: over the lock alone where that's enough, else over what registries have; and how it's written down.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::index::packed::{Packed, PackedLine};
use mfp_model::lock::{Lock, LockedBody, LockedPackage, LockedPlugin, violations};
use mfp_model::name::PluginName;
use mfp_model::project::{Manifest, Strategy};
use mfp_model::requirement::Requirement;
use mfp_model::source::{Pin, Source};
use mfp_model::version::Version;
use mfp_resolver::{Candidate, Catalog, MinReleaseAge, Origin, Override, PackageKey, Request, Resolution, Root, resolve};

use crate::advisories::{self, Blocked, Book};
use crate::app::App;
use crate::error::{Error, Exit, Result};
use crate::explain;
use crate::gate::{Gate, Precise, Rule};
use crate::held::HeldBack;
use crate::policy::Policed;
use crate::sources::Registries;
use crate::sources::gather::{Known, Undecided, nearest_names};
use crate::sources::registry::Shared;

use super::signers::{Signers, guards};
use super::{Declared, Freedom, Goal, UndecidedVersions};

/// The project's wishes in the resolver's words.
pub(super) fn request(app: &App<'_>, goal: &Goal<'_>) -> Result<Request> {
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
pub(super) fn from_lock_alone(goal: &Goal<'_>, declared: &BTreeMap<PluginName, Declared>, request: &Request) -> Option<Resolution> {
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
pub(super) fn keeps_to_the_rules(goal: &Goal<'_>, known: &Book) -> bool {
    goal.old.is_none_or(|old| violations(goal.manifest, old).is_empty() && known.blocking(old).is_empty())
}

/// Decide by what's known of the registries' warnings, which is nearly always what they are; then ask those that something
/// comes from, and decide again if it was otherwise.
pub(super) async fn from_the_world_as_it_is(
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
pub(super) struct Decided {
    pub(super) known: Known,
    pub(super) resolution: std::result::Result<Resolution, Undecided>,
    pub(super) held: HeldBack,
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
pub(super) fn build(goal: &Goal<'_>, declared: &BTreeMap<PluginName, Declared>, resolution: &Resolution, known: &Known) -> Result<Lock> {
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
