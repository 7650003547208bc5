//! Which rules hold for this project? The request, normalised once: what each name means, where it comes from, and which
//! candidates count at all.
//!
//! The four rules of sources: a name that the manifest declares takes that source for every requirement on it; any other
//! one takes the registry of the plugin that requires it (for URL, git and folder plugins the project's default); two
//! answers for one name are refused; an alias never satisfies a dependency. They're decided by names alone, before a
//! version is looked at, so no registry is ever searched for what another one lacks.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::name::{GroupName, PluginName};
use mfp_model::requirement::{Requirement, VersionRange};
use mfp_model::version::Version;

use crate::catalog::{Candidate, Catalog, Entry, Origin, PackageKey};
use crate::error::{Exclusion, Unresolved, Wanted};
use crate::request::{Request, Root};

/// All lines of the manifest about one name, merged.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) package: PluginName,
    pub(crate) alias: bool,
    pub(crate) key: PackageKey,
    pub(crate) requirement: Requirement,
    pub(crate) line: Option<u32>,
    pub(crate) groups: BTreeSet<GroupName>,
}

/// What a name means in a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The plugin with this key.
    Plugin(PackageKey),
    /// The project has given the name to something else.
    Alias,
    /// No registry is set that it could come from.
    Nowhere,
}

/// A candidate that's let in although a rule excludes it: how a hint is put to the test.
#[derive(Debug, Clone, Default)]
pub(crate) enum Admitted {
    /// Nobody.
    #[default]
    None,
    /// This one version of this entry.
    One(PluginName, Version),
    /// Everything that policy alone holds back.
    HeldByPolicy,
}

/// The request's rules.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) request: &'a Request,
    pub(crate) declared: BTreeMap<PluginName, Declared>,
    host: Option<&'a VersionRange>,
}

impl<'a> Rules<'a> {
    /// Merge the roots; those that differ are refused.
    pub(crate) fn new(request: &'a Request) -> Result<Self, Unresolved> {
        let mut declared = BTreeMap::new();
        let mut roots: Vec<&Root> = request.roots.iter().collect();
        roots.sort_by(|a, b| a.entry.cmp(&b.entry));
        for root in roots {
            merge(&mut declared, root, request)?;
        }
        let host = request.host.as_ref().map(Requirement::range);
        Ok(Self { request, declared, host })
    }

    /// A declared plugin is in every resolution, so a dependency that can come from nowhere needs no search.
    pub(crate) fn every_declared_plugin_has_a_registry(&self, catalog: &Catalog) -> Result<(), Unresolved> {
        for (entry, declared) in &self.declared {
            let Some(Entry::Candidates(candidates)) = catalog.get(&declared.key) else { continue };
            let edges = candidates.iter().flat_map(|candidate| &candidate.dependencies);
            let nowhere = |name: &PluginName| self.meaning(name, &declared.key.origin) == Meaning::Nowhere;
            if let Some(edge) = edges.filter(|edge| !edge.optional).find(|edge| nowhere(&edge.name)) {
                let (name, requirement) = (edge.name.clone(), edge.requirement.clone());
                return Err(Unresolved::NoRegistry { requirer: self.wanted(entry, declared), name, requirement });
            }
        }
        Ok(())
    }

    /// What a dependency's name means, for a plugin that comes from `requirer`.
    pub(crate) fn meaning(&self, name: &PluginName, requirer: &Origin) -> Meaning {
        match self.declared.get(name) {
            Some(declared) if declared.alias => return Meaning::Alias,
            Some(declared) => return Meaning::Plugin(declared.key.clone()),
            None => {}
        }
        let registry = match requirer {
            Origin::Registry(registry) => Some(registry),
            Origin::Declared => self.request.default_registry.as_ref(),
        };
        registry.map_or(Meaning::Nowhere, |it| Meaning::Plugin(PackageKey::in_registry(name.clone(), it.clone())))
    }

    /// What holds for an entry in place of `own`: an override, if there's one.
    pub(crate) fn effective<'b>(&'b self, entry: &PluginName, own: &'b Requirement) -> &'b Requirement {
        self.request.overrides.get(entry).map_or(own, |it| &it.requirement)
    }

    /// What the project itself requires of an entry: an override or its own line.
    pub(crate) fn of_the_project(&self, entry: &PluginName) -> Option<&Requirement> {
        let line = || self.declared.get(entry).map(|declared| &declared.requirement);
        self.request.overrides.get(entry).map(|it| &it.requirement).or_else(line)
    }

    /// The project's line about an entry, for people.
    pub(crate) fn wanted(&self, entry: &PluginName, declared: &Declared) -> Wanted {
        let replaced = self.request.overrides.get(entry);
        Wanted {
            entry: entry.clone(),
            requirement: self.effective(entry, &declared.requirement).clone(),
            line: replaced.map_or(declared.line, |it| it.line),
            declared: declared.key.origin == Origin::Declared && replaced.is_none(),
        }
    }

    /// Why this candidate doesn't count; empty if it does.
    pub(crate) fn exclusions(&self, entry: &PluginName, key: &PackageKey, candidate: &Candidate) -> Vec<Exclusion> {
        let unlocked = || self.request.preferences.get(entry) != Some(&candidate.version);
        let yanked = candidate.yanked.as_ref().map(|reason| Exclusion::Yanked { reason: reason.clone() });
        let mut reasons: Vec<Exclusion> = yanked.into_iter().chain(self.too_new(entry, candidate)).collect();
        reasons.retain(|_| unlocked());
        if candidate.version.is_prerelease() && !self.names_prerelease(entry, key, &candidate.version) {
            reasons.push(Exclusion::Prerelease);
        }
        reasons.extend(self.unfit_host(candidate));
        reasons.extend(candidate.held.clone().map(Exclusion::Held));
        reasons
    }

    /// Does it count? The same question as [`Self::exclusions`], with somebody let in for the sake of a hint.
    pub(crate) fn admits(&self, entry: &PluginName, key: &PackageKey, candidate: &Candidate, admitted: &Admitted) -> bool {
        let reasons = self.exclusions(entry, key, candidate);
        reasons.is_empty()
            || match admitted {
                Admitted::None => false,
                Admitted::One(name, version) => name == entry && *version == candidate.version,
                Admitted::HeldByPolicy => reasons.iter().all(|it| matches!(it, Exclusion::Held(held) if held.by_policy)),
            }
    }

    fn too_new(&self, entry: &PluginName, candidate: &Candidate) -> Option<Exclusion> {
        let rule = &self.request.min_release_age;
        let (cutoff, published) = (rule.cutoff?, candidate.published?);
        let exempt = || rule.except.contains(entry) || self.of_the_project(entry).is_some_and(Requirement::is_exact);
        (published > cutoff && !exempt()).then_some(Exclusion::TooNew { published })
    }

    /// A plugin that the project declares by place was chosen as it is; elsewhere a requirement of the project has to match.
    fn names_prerelease(&self, entry: &PluginName, key: &PackageKey, version: &Version) -> bool {
        key.origin == Origin::Declared || self.of_the_project(entry).is_some_and(|it| it.matches(version))
    }

    fn unfit_host(&self, candidate: &Candidate) -> Option<Exclusion> {
        let (project, plugin) = (self.host?, candidate.mockforge.as_ref()?);
        let fits = project.subset_of(plugin.range());
        let requirement = self.request.host.clone().filter(|_| !fits)?;
        Some(Exclusion::Host { project: requirement, plugin: plugin.clone() })
    }
}

fn merge(declared: &mut BTreeMap<PluginName, Declared>, root: &Root, request: &Request) -> Result<(), Unresolved> {
    let Some(known) = declared.get_mut(&root.entry) else {
        declared.insert(root.entry.clone(), first_line(root));
        return Ok(());
    };
    let equal = known.package == root.package
        && known.alias == root.alias
        && known.key.origin == root.origin
        && known.requirement == root.requirement;
    if !equal {
        let lines = request.roots.iter().filter(|other| other.entry == root.entry).filter_map(|other| other.line);
        let lines: BTreeSet<u32> = lines.collect();
        return Err(Unresolved::UnequalRoots { entry: root.entry.clone(), lines: lines.into_iter().collect() });
    }
    known.line = match (known.line, root.line) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    match &root.group {
        Some(group) if !known.groups.is_empty() => {
            known.groups.insert(group.clone());
        }
        _ => known.groups.clear(),
    }
    Ok(())
}

fn first_line(root: &Root) -> Declared {
    Declared {
        package: root.package.clone(),
        alias: root.alias,
        key: root.key(),
        requirement: root.requirement.clone(),
        line: root.line,
        groups: root.group.iter().cloned().collect(),
    }
}
