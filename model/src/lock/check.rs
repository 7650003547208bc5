//! Is a lock closed? Every edge leads to an entry that may be its end, and every entry is wanted.
//!
//! Judged by the lock alone, so that it holds under `--frozen` too, where nobody compares the lock with the manifest: an
//! entry whose source was edited is refused here, not found stale.

use std::collections::HashMap;
use std::ops::Range;

use super::{Lock, LockError, LockErrorKind, LockedBody, LockedPackage, LockedPlugin, remote_content};
use crate::name::PluginName;
use crate::plugin::Dependency;
use crate::source::{GitReference, Pin, Request, Source};

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
    check_graph(lock, span_of)
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

/// Is an entry what this request asks for?
pub(super) fn is_for(name: &PluginName, request: &Request, plugin: &LockedPlugin) -> bool {
    difference(name, request, plugin).is_none()
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
        (
            Source::Git { reference, subdir, submodules, .. },
            Pin::Git { reference: found, commit, subdir: folder, submodules: with, .. },
        ) => {
            // A commit that the project names is that commit.
            let is_named = !matches!(reference, GitReference::Rev(revision) if !commit.as_str().starts_with(revision.as_str()));
            let same = reference == found && subdir == folder && submodules == with && is_named;
            (!same).then_some("git")
        }
        _ => None,
    }
}

fn check_entry(lock: &Lock, plugin: &LockedPlugin, span_of: SpanOf<'_>) -> Result<()> {
    let Some(package) = plugin.package() else { return only_direct(lock, plugin, span_of) };
    let fail =
        |kind, message: String| Err(LockError::new(kind, span_of(Place::Entry(&plugin.name)), format!("`{}`: {message}", plugin.name)));
    match &package.pin {
        Pin::Registry { registry, .. } if !lock.registries.contains_key(registry) => {
            return fail(WrongSource, format!("`{registry}` isn't among the registries"));
        }
        Pin::Registry { .. } if !package.version.as_semver().build.is_empty() => {
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

/// The entries and which needs which, by their place in the lock.
struct Graph<'a> {
    names: Vec<&'a PluginName>,
    /// The entries that each entry needs; optional dependencies need nothing.
    needs: Vec<Vec<usize>>,
    /// The entries that the project itself asks for.
    roots: Vec<usize>,
}

impl<'a> Graph<'a> {
    fn of(lock: &'a Lock) -> Self {
        let places: HashMap<&PluginName, usize> = lock.plugins.keys().enumerate().map(|(place, name)| (name, place)).collect();
        let needs = |plugin: &LockedPlugin| {
            let needed = plugin.dependencies().iter().filter(|dependency: &&Dependency| !dependency.optional);
            needed.filter_map(|dependency| places.get(&dependency.name).copied()).collect()
        };
        Self {
            names: lock.plugins.keys().collect(),
            needs: lock.plugins.values().map(needs).collect(),
            roots: lock.requirements.keys().filter_map(|name| places.get(name).copied()).collect(),
        }
    }

    /// Go everywhere from these entries, depth first, without recursion: a hostile lock may have chains as long as it
    /// likes. Says of each entry whether it was reached; fails with an entry that leads back to itself.
    fn walk(&self, from: impl IntoIterator<Item = usize>) -> std::result::Result<Vec<bool>, usize> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; self.names.len()];
        let mut stack: Vec<(usize, bool)> = Vec::new();
        for start in from {
            stack.push((start, false));
            while let Some((entry, leaving)) = stack.pop() {
                match states[entry] {
                    _ if leaving => states[entry] = State::Done,
                    State::Done => {}
                    State::Open => return Err(entry),
                    State::New => {
                        states[entry] = State::Open;
                        stack.push((entry, true));
                        stack.extend(self.needs[entry].iter().map(|next| (*next, false)));
                    }
                }
            }
        }
        Ok(states.iter().map(|state| *state != State::New).collect())
    }
}

/// The entries that no requirement leads to. None, if there's a cycle to go round in.
pub(super) fn unreached(lock: &Lock) -> Vec<&PluginName> {
    let graph = Graph::of(lock);
    let reached = graph.walk(graph.roots.iter().copied()).unwrap_or_default();
    graph.names.iter().zip(reached).filter(|(_, reached)| !reached).map(|(name, _)| *name).collect()
}

fn check_graph(lock: &Lock, span_of: SpanOf<'_>) -> Result<()> {
    let graph = Graph::of(lock);
    let cycle = |entry: usize| {
        let name = graph.names[entry];
        let message = format!("`{name}` depends on itself, by way of what it depends on");
        LockError::new(Cycle, span_of(Place::Entry(name)), message)
    };
    let reached = graph.walk(graph.roots.iter().copied()).map_err(cycle)?;
    graph.walk(0..graph.names.len()).map_err(cycle)?;
    match reached.iter().position(|reached| !reached) {
        None => Ok(()),
        Some(entry) => {
            let name = graph.names[entry];
            Err(LockError::new(Unreachable, span_of(Place::Entry(name)), format!("nothing requires `{name}`")))
        }
    }
}
