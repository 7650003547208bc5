//! A second opinion: every answer of a small universe, by trying all of them.
//!
//! Written from the rules' text, not from the resolver: it shares no code with it, knows nothing of solvers, and is slow.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::name::PluginName;
use mfp_model::requirement::Requirement;
use mfp_resolver::{Candidate, Catalog, Dependency, Entry, Origin, PackageKey, Request, Root};

/// For each entry, what it is.
pub(crate) type Assignment<'w> = BTreeMap<PluginName, (PackageKey, &'w Candidate)>;

pub(crate) struct Oracle<'w> {
    pub(crate) request: &'w Request,
    pub(crate) world: &'w Catalog,
    /// Only these lines of the project have to be met; what they say about sources holds all the same.
    pub(crate) roots: Option<BTreeSet<PluginName>>,
    /// Let in though excluded.
    pub(crate) admitted: Option<(PluginName, mfp_model::version::Version)>,
    /// Let in whatever policy alone holds back.
    pub(crate) without_policy: bool,
}

impl<'w> Oracle<'w> {
    pub(crate) fn new(request: &'w Request, world: &'w Catalog) -> Self {
        Self { request, world, roots: None, admitted: None, without_policy: false }
    }

    fn root(&self, entry: &PluginName) -> Option<&'w Root> {
        self.request.roots.iter().find(|root| root.entry == *entry)
    }

    fn required(&self, entry: &PluginName, own: &Requirement) -> Requirement {
        self.request.overrides.get(entry).map_or(own, |it| &it.requirement).clone()
    }

    /// `None`: the name is an alias, or comes from nowhere.
    fn key(&self, edge: &Dependency, requirer: &Origin) -> Option<PackageKey> {
        if let Some(root) = self.root(&edge.name) {
            return (!root.alias).then(|| root.key());
        }
        let registry = match requirer {
            Origin::Registry(registry) => Some(registry.clone()),
            Origin::Declared => self.request.default_registry.clone(),
        };
        registry.map(|registry| PackageKey::in_registry(edge.name.clone(), registry))
    }

    fn counts(&self, entry: &PluginName, key: &PackageKey, candidate: &Candidate) -> bool {
        if self.admitted.as_ref().is_some_and(|(name, version)| name == entry && *version == candidate.version) {
            return true;
        }
        let request = self.request;
        let locked = request.preferences.get(entry) == Some(&candidate.version);
        let project = request.overrides.get(entry).map(|it| &it.requirement).or(self.root(entry).map(|root| &root.requirement));
        let too_new = match (request.min_release_age.cutoff, candidate.published) {
            (Some(cutoff), Some(published)) => {
                published > cutoff
                    && !locked
                    && !request.min_release_age.except.contains(entry)
                    && !project.is_some_and(Requirement::is_exact)
            }
            _ => false,
        };
        let unnamed = candidate.version.is_prerelease()
            && key.origin != Origin::Declared
            && !project.is_some_and(|requirement| requirement.matches(&candidate.version));
        let unfit = match (&request.host, &candidate.mockforge) {
            (Some(host), Some(plugin)) => !host.range().subset_of(plugin.range()),
            _ => false,
        };
        let held = candidate.held.as_ref().is_some_and(|held| !(self.without_policy && held.by_policy));
        !(too_new || unnamed || unfit || held || (candidate.yanked.is_some() && !locked))
    }

    /// Is this a resolution: closed, nothing superfluous, every rule kept?
    pub(crate) fn is_resolution(&self, chosen: &Assignment<'w>) -> bool {
        let mut reached: BTreeSet<&PluginName> = BTreeSet::new();
        let mut open: Vec<&PluginName> = Vec::new();
        for root in self.request.roots.iter().filter(|root| self.roots.as_ref().is_none_or(|roots| roots.contains(&root.entry))) {
            let fits = |(key, candidate): &(PackageKey, &Candidate)| {
                *key == root.key() && self.required(&root.entry, &root.requirement).range().contains(&candidate.version)
            };
            if !chosen.get(&root.entry).is_some_and(fits) {
                return false;
            }
            open.push(&root.entry);
        }
        while let Some(entry) = open.pop() {
            if !reached.insert(entry) {
                continue;
            }
            let Some((key, candidate)) = chosen.get(entry) else { return false };
            if !self.counts(entry, key, candidate) {
                return false;
            }
            open.extend(candidate.dependencies.iter().filter(|edge| !edge.optional).map(|edge| &edge.name));
        }
        reached.len() == chosen.len()
            && chosen.values().all(|(key, candidate)| self.edges_hold(chosen, key, candidate))
            && !has_circle(chosen)
    }

    fn edges_hold(&self, chosen: &Assignment<'w>, key: &PackageKey, candidate: &Candidate) -> bool {
        candidate.dependencies.iter().all(|edge| {
            if self.root(&edge.name).is_some_and(|root| root.alias) {
                return edge.optional;
            }
            let Some((there, dependency)) = chosen.get(&edge.name) else { return edge.optional };
            let in_range = self.required(&edge.name, &edge.requirement).range().contains(&dependency.version);
            match self.key(edge, &key.origin) {
                Some(meant) => meant == *there && in_range,
                None => edge.optional && in_range,
            }
        })
    }

    /// Any resolution that `wanted` likes.
    pub(crate) fn find(&self, wanted: &dyn Fn(&Assignment<'w>) -> bool) -> Option<Assignment<'w>> {
        let roots = self.request.roots.iter().filter(|root| self.roots.as_ref().is_none_or(|roots| roots.contains(&root.entry)));
        let open: Vec<(PluginName, PackageKey)> = roots.map(|root| (root.entry.clone(), root.key())).collect();
        self.extend(&mut Assignment::new(), open, wanted)
    }

    pub(crate) fn any(&self) -> bool {
        self.find(&|_| true).is_some()
    }

    fn extend(
        &self,
        chosen: &mut Assignment<'w>,
        mut open: Vec<(PluginName, PackageKey)>,
        wanted: &dyn Fn(&Assignment<'w>) -> bool,
    ) -> Option<Assignment<'w>> {
        let (entry, key) = loop {
            let Some((entry, key)) = open.pop() else {
                return (self.is_resolution(chosen) && wanted(chosen)).then(|| chosen.clone());
            };
            match chosen.get(&entry) {
                Some((there, _)) if *there != key => return None,
                Some(_) => {}
                None => break (entry, key),
            }
        };
        let Some(Entry::Candidates(candidates)) = self.world.get(&key) else { return None };
        for candidate in candidates.iter().filter(|candidate| self.counts(&entry, &key, candidate)) {
            let needed = candidate.dependencies.iter().filter(|edge| !edge.optional);
            let needed: Option<Vec<_>> = needed.map(|edge| self.key(edge, &key.origin).map(|key| (edge.name.clone(), key))).collect();
            let Some(needed) = needed else { continue };
            chosen.insert(entry.clone(), (key.clone(), candidate));
            if self.so_far(chosen) {
                let open = open.iter().cloned().chain(needed).collect();
                if let Some(found) = self.extend(chosen, open, wanted) {
                    return Some(found);
                }
            }
            chosen.remove(&entry);
        }
        None
    }

    /// Nothing is wrong yet between those who are there.
    fn so_far(&self, chosen: &Assignment<'w>) -> bool {
        chosen.values().all(|(key, candidate)| {
            candidate.dependencies.iter().all(|edge| match (chosen.get(&edge.name), self.key(edge, &key.origin)) {
                (Some((there, dependency)), Some(meant)) => {
                    meant == *there && self.required(&edge.name, &edge.requirement).range().contains(&dependency.version)
                }
                _ => true,
            })
        })
    }
}

fn has_circle(chosen: &Assignment<'_>) -> bool {
    let mut left: BTreeSet<&PluginName> = chosen.keys().collect();
    loop {
        let free: Vec<&PluginName> = left
            .iter()
            .filter(|entry| !chosen[**entry].1.dependencies.iter().any(|edge| !edge.optional && left.contains(&edge.name)))
            .copied()
            .collect();
        if free.is_empty() {
            return !left.is_empty();
        }
        left.retain(|entry| !free.contains(entry));
    }
}
