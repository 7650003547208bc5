//! Is a lock closed? Every edge leads to an entry that may be its end, and every entry is wanted.
//!
//! Judged by the lock alone, so that it holds under `--frozen` too, where nobody compares the lock with the manifest: an
//! entry whose source was edited is refused here, not found stale.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Lock, LockError, LockErrorKind, LockedBody, LockedPackage, LockedPlugin, remote_content};
use crate::name::PluginName;
use crate::plugin::Dependency;
use crate::source::{Pin, Request, Source};

use LockErrorKind::{Cycle, Edge, Invalid, Source as WrongSource, Unreachable};

type Result<T> = std::result::Result<T, LockError>;

/// What a mistake is in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Requirement(&'a PluginName),
    Entry(&'a PluginName),
}

/// Where a requirement or an entry stands.
type SpanOf<'a> = &'a dyn Fn(Place<'_>) -> Range<usize>;

pub(super) fn check(lock: &Lock, span_of: SpanOf<'_>) -> Result<()> {
    for (name, request) in &lock.requirements {
        check_request(lock, name, request, span_of)?;
    }
    for plugin in lock.plugins.values() {
        check_entry(lock, plugin, span_of)?;
    }
    check_reached(lock, span_of)?;
    check_cycles(lock, span_of)
}

fn check_request(lock: &Lock, name: &PluginName, request: &Request, span_of: SpanOf<'_>) -> Result<()> {
    if let Source::Registry { registry, .. } = &request.source
        && !lock.registries.contains_key(registry)
    {
        let message = format!("`{name}` is required from `{registry}`, which isn't among the registries");
        return Err(LockError::new(Edge, span_of(Place::Requirement(name)), message));
    }
    let Some(plugin) = lock.plugins.get(name) else {
        return Err(LockError::new(Edge, span_of(Place::Requirement(name)), format!("`{name}` is required, but has no entry")));
    };
    match difference(name, request, plugin) {
        None => Ok(()),
        Some(what) => {
            let message = format!("`{name}`: the entry's {what} isn't what [requirements] asks for");
            Err(LockError::new(WrongSource, span_of(Place::Entry(name)), message))
        }
    }
}

/// In what an entry differs from the request that it's for.
fn difference(name: &PluginName, request: &Request, plugin: &LockedPlugin) -> Option<&'static str> {
    if plugin.source() != request.source.id() {
        return Some("source");
    }
    match &plugin.body {
        LockedBody::Remote(_) => (plugin.content != remote_content(name, request)).then_some("content"),
        LockedBody::Package(package) if package.package != request.package => Some("package"),
        LockedBody::Package(package) => pin_difference(&request.source, &package.pin),
    }
}

fn pin_difference(source: &Source, pin: &Pin) -> Option<&'static str> {
    match (source, pin) {
        (Source::Url { sha256: Some(asked), .. }, Pin::Url { artifact, .. }) => (artifact.sha256 != *asked).then_some("sha256"),
        (Source::Git { reference, subdir, submodules, .. }, Pin::Git { reference: found, subdir: folder, submodules: with, .. }) => {
            let same = reference == found && subdir == folder && submodules == with;
            (!same).then_some("git")
        }
        _ => None,
    }
}

fn check_entry(lock: &Lock, plugin: &LockedPlugin, span_of: SpanOf<'_>) -> Result<()> {
    let Some(package) = plugin.package() else { return only_direct(lock, plugin, span_of) };
    let fail = |kind, message: String| Err(LockError::new(kind, span_of(Place::Entry(&plugin.name)), format!("`{}`: {message}", plugin.name)));
    match &package.pin {
        Pin::Registry { registry, .. } if !lock.registries.contains_key(registry) => {
            return fail(WrongSource, format!("`{registry}` isn't among the registries"));
        }
        Pin::Registry { .. } if package.version.to_string().contains('+') => {
            return fail(Invalid, "versions of a registry have no build metadata".to_owned());
        }
        Pin::Registry { .. } if package.package.is_none() => {}
        _ => only_direct(lock, plugin, span_of)?,
    }
    package.dependencies.iter().filter(|dependency| !dependency.optional).try_for_each(|dependency| {
        let target = lock.plugins.get(&dependency.name);
        let Some(target) = target else { return fail(Edge, format!("depends on `{}`, which has no entry", dependency.name)) };
        match edge_problem(lock, package, target) {
            Some((kind, problem)) => fail(kind, format!("depends on `{}`, {problem}", dependency.name)),
            None => Ok(()),
        }
    })
}

/// Addresses, repositories, folders, services and aliases come from the project's manifest only.
fn only_direct(lock: &Lock, plugin: &LockedPlugin, span_of: SpanOf<'_>) -> Result<()> {
    if lock.requirements.contains_key(&plugin.name) {
        return Ok(());
    }
    let message = format!("`{}`: only what the project itself requires may come from `{}`", plugin.name, plugin.source().redacted());
    Err(LockError::new(WrongSource, span_of(Place::Entry(&plugin.name)), message))
}

/// Why an entry can't be what a dependency leads to.
fn edge_problem(lock: &Lock, from: &LockedPackage, target: &LockedPlugin) -> Option<(LockErrorKind, String)> {
    if target.is_alias() {
        return Some((Edge, "whose entry is another plugin under that name".to_owned()));
    }
    if lock.requirements.contains_key(&target.name) {
        return None;
    }
    match (&from.pin, target.package().map(|package| &package.pin)) {
        (Pin::Registry { registry, .. }, Some(Pin::Registry { registry: other, .. })) if registry != other => {
            Some((WrongSource, format!("which must come from `{registry}` and comes from `{other}`")))
        }
        _ => None,
    }
}

/// The names that an entry needs to have entries.
fn needs(plugin: &LockedPlugin) -> impl Iterator<Item = &PluginName> {
    plugin.dependencies().iter().filter(|dependency: &&Dependency| !dependency.optional).map(|dependency| &dependency.name)
}

/// The entries that the requirements lead to.
pub(super) fn reached(lock: &Lock) -> BTreeSet<&PluginName> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&PluginName> = lock.requirements.keys().collect();
    while let Some(name) = waiting.pop() {
        if reached.insert(name)
            && let Some(plugin) = lock.plugins.get(name)
        {
            waiting.extend(needs(plugin));
        }
    }
    reached
}

fn check_reached(lock: &Lock, span_of: SpanOf<'_>) -> Result<()> {
    let reached = reached(lock);
    match lock.plugins.keys().find(|name| !reached.contains(name)) {
        None => Ok(()),
        Some(name) => Err(LockError::new(Unreachable, span_of(Place::Entry(name)), format!("nothing requires `{name}`"))),
    }
}

/// Depth first, without recursion: a hostile lock may have chains as long as it likes.
fn check_cycles(lock: &Lock, span_of: SpanOf<'_>) -> Result<()> {
    let mut done: BTreeMap<&PluginName, bool> = BTreeMap::new();
    for start in lock.plugins.keys() {
        let mut stack = vec![(start, false)];
        while let Some((name, leaving)) = stack.pop() {
            if leaving {
                done.insert(name, true);
                continue;
            }
            match done.get(name) {
                Some(true) => continue,
                Some(false) => return Err(LockError::new(Cycle, span_of(Place::Entry(name)), format!("`{name}` depends on itself, by way of what it depends on"))),
                None => {}
            }
            done.insert(name, false);
            stack.push((name, true));
            let plugin = lock.plugins.get(name);
            stack.extend(plugin.into_iter().flat_map(needs).filter(|next| done.get(next) != Some(&true)).map(|next| (next, false)));
        }
    }
    Ok(())
}
