//! Is this lock still the answer to this manifest? Decided without a network, in words.
//!
//! Compared are the canonical forms of what was asked, then the lock's own edges. An entry may be outdated and fresh:
//! whether there's something newer is another question.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use super::{Lock, LockedPlugin, check};
use crate::digest::ContentDigest;
use crate::name::{GroupName, PluginName, RegistryName};
use crate::plugin::Dependency;
use crate::project::{Manifest, PluginEntry, Strategy};
use crate::requirement::Requirement;
use crate::source::{Pin, RegistryUrl, RelativePath, Request, Source, SourceId};
use crate::version::Version;

/// One way in which a lock isn't the answer to a manifest any more.
///
/// In every variant `name` is the entry that it's about, `line` the manifest's line, from 1, and `manifest` and `lock` are
/// what each of them says.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the same in all variants and explained once, above")]
pub enum Stale {
    /// The manifest has a plugin that the lock doesn't know.
    Added { name: PluginName, line: usize },
    /// The lock has a plugin that the manifest doesn't ask for any more.
    Removed { name: PluginName },
    /// Other versions are asked for.
    RequirementChanged { name: PluginName, line: usize, manifest: Requirement, lock: Requirement },
    /// It's to come from elsewhere.
    SourceChanged { name: PluginName, line: usize, manifest: SourceId, lock: SourceId },
    /// The name stands for another plugin.
    PackageChanged { name: PluginName, line: usize, manifest: PluginName, lock: PluginName },
    /// It belongs to other groups.
    GroupsChanged { name: PluginName, line: usize, manifest: BTreeSet<GroupName>, lock: BTreeSet<GroupName> },
    /// Something else about where it comes from changed: a tag, a folder, a digest, a timeout. `None` where it isn't said.
    SettingChanged { name: PluginName, line: usize, key: &'static str, manifest: Option<String>, lock: Option<String> },
    /// Other hosts have to be supported.
    HostChanged { manifest: Option<Requirement>, lock: Option<Requirement> },
    /// Another of the versions that will do is to be chosen.
    StrategyChanged { manifest: Strategy, lock: Strategy },
    /// A requirement that replaces all others was added.
    OverrideAdded { name: PluginName, line: usize, manifest: Requirement },
    /// One was taken away.
    OverrideRemoved { name: PluginName, lock: Requirement },
    /// One was changed.
    OverrideChanged { name: PluginName, line: usize, manifest: Requirement, lock: Requirement },
    /// The manifest has a registry that the lock doesn't know.
    RegistryAdded { name: RegistryName },
    /// The lock has a registry that the manifest doesn't.
    RegistryRemoved { name: RegistryName },
    /// A registry is elsewhere.
    RegistryMoved { name: RegistryName, manifest: RegistryUrl, lock: RegistryUrl },
    /// The project asks for it, the lock knows that, and has no entry. Never so in a lock that was read.
    EntryMissing { name: PluginName },
    /// The entry's version isn't one that the project's requirement takes.
    Unsatisfied { name: PluginName, version: Version, requirement: Requirement },
    /// A dependency has no entry.
    DependencyMissing { name: PluginName, dependency: PluginName },
    /// A dependency's entry has a version that doesn't do.
    DependencyUnsatisfied { name: PluginName, dependency: PluginName, requirement: Requirement, version: Option<Version> },
    /// A dependency's entry is from elsewhere than it has to be.
    DependencySource { name: PluginName, dependency: PluginName, expected: SourceId, found: SourceId },
    /// Nothing leads to an entry.
    Unreachable { name: PluginName },
    /// The files of a plugin beside the project aren't those that were locked.
    FolderChanged { name: PluginName, path: RelativePath },
}

/// Everything in which a lock isn't the answer to a manifest. Empty: it's fresh.
///
/// `path_contents` are the content digests of the plugins that come from folders, as they are on disk now; one that isn't
/// in it isn't compared (its folder isn't there, and a vendored copy may stand in).
pub fn staleness(manifest: &Manifest, lock: &Lock, path_contents: &BTreeMap<PluginName, ContentDigest>) -> Vec<Stale> {
    let mut stale = Vec::new();
    compare_requirements(manifest, lock, &mut stale);
    compare_options(manifest, lock, &mut stale);
    compare_overrides(manifest, lock, &mut stale);
    compare_registries(manifest, lock, &mut stale);
    check_direct_versions(manifest, lock, &mut stale);
    for plugin in lock.plugins.values() {
        check_dependencies(manifest, lock, plugin, &mut stale);
    }
    stale.extend(check::unreached(lock).into_iter().map(|name| Stale::Unreachable { name: name.clone() }));
    stale.extend(lock.plugins.values().filter_map(|plugin| folder_change(plugin, path_contents)));
    stale
}

fn compare_requirements(manifest: &Manifest, lock: &Lock, stale: &mut Vec<Stale>) {
    for (name, entry) in &manifest.plugins {
        match lock.requirements.get(name) {
            None => stale.push(Stale::Added { name: name.clone(), line: entry.line }),
            Some(locked) if *locked == entry.request => {}
            Some(locked) => compare_request(name, entry, locked, stale),
        }
    }
    let removed = lock.requirements.keys().filter(|name| !manifest.plugins.contains_key(*name));
    stale.extend(removed.map(|name| Stale::Removed { name: name.clone() }));
}

fn compare_request(name: &PluginName, entry: &PluginEntry, locked: &Request, stale: &mut Vec<Stale>) {
    let (wanted, line) = (&entry.request, entry.line);
    let (manifest, lock) = (wanted.source.id(), locked.source.id());
    if manifest == lock {
        compare_settings(name, line, &wanted.source, &locked.source, stale);
    } else {
        stale.push(Stale::SourceChanged { name: name.clone(), line, manifest, lock });
    }
    if wanted.package != locked.package {
        let or_name = |package: &Option<PluginName>| package.as_ref().unwrap_or(name).clone();
        stale.push(Stale::PackageChanged { name: name.clone(), line, manifest: or_name(&wanted.package), lock: or_name(&locked.package) });
    }
    if wanted.groups != locked.groups {
        let (manifest, lock) = (wanted.groups.clone(), locked.groups.clone());
        stale.push(Stale::GroupsChanged { name: name.clone(), line, manifest, lock });
    }
}

fn compare_settings(name: &PluginName, line: usize, wanted: &Source, locked: &Source, stale: &mut Vec<Stale>) {
    if let (Source::Registry { requirement: manifest, .. }, Source::Registry { requirement: lock, .. }) = (wanted, locked) {
        if manifest != lock {
            stale.push(Stale::RequirementChanged { name: name.clone(), line, manifest: manifest.clone(), lock: lock.clone() });
        }
        return;
    }
    for ((key, manifest), (_, lock)) in settings(wanted).into_iter().zip(settings(locked)) {
        if manifest != lock {
            stale.push(Stale::SettingChanged { name: name.clone(), line, key, manifest, lock });
        }
    }
}

/// What is said about a source beside where it is. Two sources of one kind have the same keys.
fn settings(source: &Source) -> Vec<(&'static str, Option<String>)> {
    let joined = |values: Vec<&str>| (!values.is_empty()).then(|| values.join(", "));
    let types = |types: &BTreeSet<crate::plugin::PluginType>| ("types", joined(types.iter().map(|one| one.as_str()).collect()));
    let version = |version: &Option<Version>| ("version", version.as_ref().map(ToString::to_string));
    let number = |key: &'static str, value: u64| (key, Some(value.to_string()));
    match source {
        Source::Registry { requirement, .. } => vec![("requirement", Some(requirement.to_string()))],
        Source::Url { sha256, bare, .. } => {
            vec![("sha256", sha256.map(|sha256| sha256.hex())), types(&bare.types), version(&bare.version)]
        }
        Source::Git { reference, subdir, submodules, .. } => vec![
            ("ref", Some(reference.to_string())),
            ("subdir", subdir.as_ref().map(ToString::to_string)),
            ("submodules", submodules.then(|| "true".to_owned())),
        ],
        Source::Path { bare, .. } => vec![types(&bare.types), version(&bare.version)],
        Source::Remote { types: answered, timeout_ms, retries, health_check_interval, .. } => vec![
            types(answered),
            number("timeout-ms", *timeout_ms),
            number("retries", *retries),
            number("health-check-interval", *health_check_interval),
        ],
    }
}

fn compare_options(manifest: &Manifest, lock: &Lock, stale: &mut Vec<Stale>) {
    if manifest.project.mockforge != lock.options.mockforge {
        let (manifest, lock) = (manifest.project.mockforge.clone(), lock.options.mockforge.clone());
        stale.push(Stale::HostChanged { manifest, lock });
    }
    if manifest.strategy != lock.options.strategy {
        stale.push(Stale::StrategyChanged { manifest: manifest.strategy, lock: lock.options.strategy });
    }
}

fn compare_overrides(manifest: &Manifest, lock: &Lock, stale: &mut Vec<Stale>) {
    for (name, wanted) in &manifest.overrides {
        let (name, line, manifest) = (name.clone(), wanted.line, wanted.requirement.clone());
        match lock.overrides.get(&name) {
            None => stale.push(Stale::OverrideAdded { name, line, manifest }),
            Some(lock) if *lock != manifest => stale.push(Stale::OverrideChanged { name, line, manifest, lock: lock.clone() }),
            Some(_) => {}
        }
    }
    let removed = lock.overrides.iter().filter(|(name, _)| !manifest.overrides.contains_key(*name));
    stale.extend(removed.map(|(name, lock)| Stale::OverrideRemoved { name: name.clone(), lock: lock.clone() }));
}

fn compare_registries(manifest: &Manifest, lock: &Lock, stale: &mut Vec<Stale>) {
    for (name, registry) in &manifest.registries {
        let name = name.clone();
        match lock.registries.get(&name) {
            None => stale.push(Stale::RegistryAdded { name }),
            Some(lock) if *lock != registry.url => {
                stale.push(Stale::RegistryMoved { name, manifest: registry.url.clone(), lock: lock.clone() });
            }
            Some(_) => {}
        }
    }
    let removed = lock.registries.keys().filter(|name| !manifest.registries.contains_key(*name));
    stale.extend(removed.map(|name| Stale::RegistryRemoved { name: name.clone() }));
}

/// The requirement that the lock was made for where `asked` is what somebody asks. A changed override is a reason of its
/// own; edges are judged by the lock's, so that one change is told once.
fn effective<'a>(lock: &'a Lock, name: &PluginName, asked: &'a Requirement) -> &'a Requirement {
    lock.overrides.get(name).unwrap_or(asked)
}

/// Versions of what the project asks for itself. A pre-release has to be meant, not only be in order.
fn check_direct_versions(manifest: &Manifest, lock: &Lock, stale: &mut Vec<Stale>) {
    for (name, request) in &lock.requirements {
        let unchanged = manifest.plugins.get(name).is_some_and(|entry| entry.request == *request);
        if !lock.plugins.contains_key(name) {
            stale.push(Stale::EntryMissing { name: name.clone() });
        } else if unchanged {
            stale.extend(unsatisfied(lock, name, request));
        }
    }
}

/// An entry whose version isn't what the lock's own requirement takes.
fn unsatisfied(lock: &Lock, name: &PluginName, request: &Request) -> Option<Stale> {
    let Source::Registry { requirement, .. } = &request.source else { return None };
    let version = lock.plugins.get(name)?.version()?;
    let requirement = effective(lock, name, requirement);
    let meant = !version.is_prerelease() || requirement.matches(version);
    let is_met = meant && requirement.range().contains(version);
    (!is_met).then(|| Stale::Unsatisfied { name: name.clone(), version: version.clone(), requirement: requirement.clone() })
}

/// A dependency whose entry has another version than it takes.
fn dependency_unsatisfied(lock: &Lock, plugin: &LockedPlugin, dependency: &Dependency, target: &LockedPlugin) -> Option<Stale> {
    let requirement = effective(lock, &dependency.name, &dependency.requirement);
    // A service has no version, and counts as 0.0.0 where one is compared.
    let satisfied = requirement.range().contains(target.version().unwrap_or(&Version::new(0, 0, 0)));
    (!satisfied).then(|| Stale::DependencyUnsatisfied {
        name: plugin.name.clone(),
        dependency: dependency.name.clone(),
        requirement: requirement.clone(),
        version: target.version().cloned(),
    })
}

/// In what a lock contradicts itself, whatever the manifest says: versions that its own requirements and dependencies don't take.
/// No mfp writes such a lock; a merge line by line, or a hand, does.
pub fn contradictions(lock: &Lock) -> Vec<Stale> {
    let direct = lock.requirements.iter().filter_map(|(name, request)| unsatisfied(lock, name, request));
    let edges = lock.plugins.values().flat_map(|plugin| plugin.dependencies().iter().map(move |dependency| (plugin, dependency)));
    let transitive = edges.filter_map(|(plugin, dependency)| {
        let target = lock.plugins.get(&dependency.name).filter(|target| !(target.is_alias() && dependency.optional))?;
        dependency_unsatisfied(lock, plugin, dependency, target)
    });
    direct.chain(transitive).collect()
}

fn check_dependencies(manifest: &Manifest, lock: &Lock, plugin: &LockedPlugin, stale: &mut Vec<Stale>) {
    for dependency in plugin.dependencies() {
        match lock.plugins.get(&dependency.name) {
            None if dependency.optional => {}
            None => stale.push(Stale::DependencyMissing { name: plugin.name.clone(), dependency: dependency.name.clone() }),
            Some(target) if target.is_alias() && dependency.optional => {}
            Some(target) => check_edge(manifest, lock, plugin, dependency, target, stale),
        }
    }
}

fn check_edge(
    manifest: &Manifest,
    lock: &Lock,
    plugin: &LockedPlugin,
    dependency: &Dependency,
    target: &LockedPlugin,
    stale: &mut Vec<Stale>,
) {
    let (name, on) = (plugin.name.clone(), dependency.name.clone());
    stale.extend(dependency_unsatisfied(lock, plugin, dependency, target));
    if dependency.optional || lock.requirements.get(&on).is_some_and(|request| request.package.is_none()) {
        return;
    }
    let (expected, found) = (SourceId::Registry(registry_for(manifest, plugin)), target.source());
    if expected != found || target.is_alias() {
        stale.push(Stale::DependencySource { name, dependency: on, expected, found });
    }
}

/// The registry that a plugin's dependencies come from: its own, or the project's default.
fn registry_for(manifest: &Manifest, plugin: &LockedPlugin) -> RegistryName {
    match plugin.package().map(|package| &package.pin) {
        Some(Pin::Registry { registry, .. }) => registry.clone(),
        _ => manifest.project.registry.clone(),
    }
}

fn folder_change(plugin: &LockedPlugin, contents: &BTreeMap<PluginName, ContentDigest>) -> Option<Stale> {
    let Pin::Path { path } = &plugin.package()?.pin else { return None };
    let now = contents.get(&plugin.name)?;
    (*now != plugin.content).then(|| Stale::FolderChanged { name: plugin.name.clone(), path: path.clone() })
}

/// "`x`", or what is said where there's nothing.
fn or<T: Display>(value: Option<&T>, nothing: &str) -> String {
    value.map_or_else(|| nothing.to_owned(), |value| format!("`{value}`"))
}

fn names(groups: &BTreeSet<GroupName>) -> String {
    match groups.iter().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => "no group".to_owned(),
        some => some,
    }
}

impl Display for Stale {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { name, line } => write!(out, "{name}: in the manifest (line {line}), not in the lock"),
            Self::Removed { name } => write!(out, "{name}: in the lock, no longer in the manifest"),
            Self::RequirementChanged { name, line, manifest, lock } => {
                write!(out, "{name}: the manifest wants `{manifest}` (line {line}), the lock was made for `{lock}`")
            }
            Self::SourceChanged { name, line, manifest, lock } => {
                let (manifest, lock) = (manifest.redacted(), lock.redacted());
                write!(out, "{name}: the manifest takes it from `{manifest}` (line {line}), the lock from `{lock}`")
            }
            Self::PackageChanged { name, line, manifest, lock } => {
                write!(out, "{name}: in the manifest (line {line}) it stands for the plugin `{manifest}`, in the lock for `{lock}`")
            }
            Self::GroupsChanged { name, line, manifest, lock } => {
                write!(out, "{name}: the manifest has it in {} (line {line}), the lock in {}", names(manifest), names(lock))
            }
            Self::SettingChanged { name, line, key, manifest, lock } => {
                let (manifest, lock) = (or(manifest.as_ref(), "nothing"), or(lock.as_ref(), "nothing"));
                write!(out, "{name}: `{key}` is {manifest} in the manifest (line {line}), {lock} in the lock")
            }
            Self::HostChanged { manifest, lock } => {
                let (manifest, lock) = (or(manifest.as_ref(), "any host"), or(lock.as_ref(), "any host"));
                write!(out, "[project] mockforge: the manifest wants {manifest}, the lock was made for {lock}")
            }
            Self::StrategyChanged { manifest, lock } => {
                write!(out, "[resolver] strategy: the manifest wants `{manifest}`, the lock was made for `{lock}`")
            }
            Self::OverrideAdded { name, line, manifest } => {
                write!(out, "{name}: the manifest overrides it with `{manifest}` (line {line}), the lock doesn't")
            }
            Self::OverrideRemoved { name, lock } => {
                write!(out, "{name}: the lock overrides it with `{lock}`, the manifest no longer does")
            }
            Self::OverrideChanged { name, line, manifest, lock } => {
                write!(out, "{name}: the manifest overrides it with `{manifest}` (line {line}), the lock with `{lock}`")
            }
            Self::RegistryAdded { name } => write!(out, "registry {name}: in the manifest, not in the lock"),
            Self::RegistryRemoved { name } => write!(out, "registry {name}: in the lock, no longer in the manifest"),
            Self::RegistryMoved { name, manifest, lock } => {
                write!(out, "registry {name}: the manifest says `{manifest}`, the lock `{lock}`")
            }
            Self::EntryMissing { name } => write!(out, "{name}: required, but it has no entry in the lock"),
            Self::Unsatisfied { name, version, requirement } => {
                write!(out, "{name}: locked at {version}, which `{requirement}` doesn't take")
            }
            Self::DependencyMissing { name, dependency } => write!(out, "{name}: depends on {dependency}, which isn't in the lock"),
            Self::DependencyUnsatisfied { name, dependency, requirement, version } => match version {
                Some(version) => write!(out, "{name}: depends on {dependency} `{requirement}`, and {version} is locked"),
                None => write!(out, "{name}: depends on {dependency} `{requirement}`, and a service is locked, which has no version"),
            },
            Self::DependencySource { name, dependency, expected, found } => {
                write!(
                    out,
                    "{name}: its dependency {dependency} has to come from `{expected}`, the lock has it from `{}`",
                    found.redacted()
                )
            }
            Self::Unreachable { name } => write!(out, "{name}: in the lock, but nothing requires it"),
            Self::FolderChanged { name, path } => write!(out, "{name}: the files in `{path}` aren't those that were locked"),
        }
    }
}
