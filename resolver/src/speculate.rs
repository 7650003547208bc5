//! Which names will the decision probably need? A guess without a search.
//!
//! The walk takes, for each requirement, the version that a search would try first, and follows its dependencies. For a
//! graph without conflicts that's what the search does too, so a gatherer that fetches what the walk lacks, level by level,
//! ends with a catalog that one search is enough for. A wrong guess costs a look-up, never the answer.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use mfp_model::name::PluginName;
use mfp_model::requirement::Requirement;

use crate::catalog::{Candidate, Catalog, Entry, Origin, PackageKey};
use crate::request::{Request, Strategy};
use crate::rules::{Admitted, Rules};
use crate::settle::followed;

/// The names that a walk over the newest matches reaches and that the catalog lacks: one step of a [`Speculation`].
///
/// Empty if nothing is lacking as far as the walk can tell, and also if the request is refused without a search; the next
/// [`crate::resolve`] says which.
pub fn speculate(request: &Request, catalog: &Catalog) -> BTreeSet<PackageKey> {
    Speculation::new(request).lacking(catalog)
}

/// The walk, kept between the rounds of a gatherer: each round goes on from what the last one lacked.
#[derive(Debug)]
pub struct Speculation<'r> {
    /// `None` if the request is refused without a search.
    rules: Option<Rules<'r>>,
    /// What's required of names that weren't known when it was.
    waiting: BTreeMap<PackageKey, Vec<(PluginName, Requirement)>>,
    /// Entries and the candidates of theirs that were followed.
    followed: HashSet<(PluginName, Origin, usize)>,
}

impl<'r> Speculation<'r> {
    /// Begin at what the manifest asks for.
    pub fn new(request: &'r Request) -> Self {
        let rules = Rules::new(request).ok();
        let mut walk = Self { rules: None, waiting: BTreeMap::new(), followed: HashSet::new() };
        for (entry, declared) in rules.iter().flat_map(|rules| &rules.declared) {
            walk.waiting.entry(declared.key.clone()).or_default().push((entry.clone(), declared.requirement.clone()));
        }
        walk.rules = rules;
        walk
    }

    /// Go on as far as the catalog reaches, and say what it lacks.
    pub fn lacking(&mut self, catalog: &Catalog) -> BTreeSet<PackageKey> {
        let known = self.waiting.keys().filter(|key| catalog.knows(key)).cloned().collect();
        self.go_on(catalog, known);
        self.waiting.keys().cloned().collect()
    }

    /// Go on from names that the catalog has learned since the walk was there, and say what it lacks now that it didn't before:
    /// what's waited for already isn't named again, and costs nothing.
    pub fn learned(&mut self, catalog: &Catalog, known: Vec<PackageKey>) -> Vec<PackageKey> {
        self.go_on(catalog, known)
    }

    /// Follow these known names and all that's known behind them; the unknown ones that are waited for from now on.
    fn go_on(&mut self, catalog: &Catalog, mut known: Vec<PackageKey>) -> Vec<PackageKey> {
        let mut new = Vec::new();
        while let Some(key) = known.pop() {
            let required = self.waiting.remove(&key).unwrap_or_default();
            let (Some(rules), Some(Entry::Candidates(all))) = (&self.rules, catalog.get(&key)) else { continue };
            let mut next = Vec::new();
            for (entry, requirement) in required {
                if let Some(at) = first_tried(rules, &entry, &key, all, &requirement)
                    && self.followed.insert((entry, key.origin.clone(), at))
                {
                    next.extend(followed(rules, &key.origin, &all[at]));
                }
            }
            for (edge, key) in next {
                let is_known = catalog.knows(&key);
                let waiting = self.waiting.entry(key.clone()).or_default();
                if is_known {
                    known.push(key);
                } else if waiting.is_empty() {
                    new.push(key);
                }
                waiting.push((edge.name.clone(), edge.requirement.clone()));
            }
        }
        new
    }
}

/// The candidate that a search would try first for a requirement.
fn first_tried(rules: &Rules<'_>, entry: &PluginName, key: &PackageKey, all: &[Candidate], requirement: &Requirement) -> Option<usize> {
    let range = rules.effective(entry, requirement).range();
    let fits = |at: &usize| range.contains(&all[*at].version) && rules.admits(entry, key, &all[*at], &Admitted::None);
    let locked = rules.request.preferences.get(entry);
    let kept = locked.and_then(|version| all.binary_search_by(|it| it.version.cmp(version)).ok()).filter(fits);
    kept.or_else(|| match rules.request.strategy {
        Strategy::Highest => (0..all.len()).rev().find(fits),
        Strategy::Lowest => (0..all.len()).find(fits),
    })
}
