//! Which names will the decision probably need? A guess without a search.
//!
//! The walk takes, for each requirement, the version that a search would try first, and follows its dependencies. For a
//! graph without conflicts that's what the search does too, so a gatherer that fetches what the walk lacks, level by level,
//! ends with a catalog that one search is enough for. A wrong guess costs a look-up, never the answer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mfp_model::name::PluginName;
use mfp_model::requirement::Requirement;

use crate::catalog::{Candidate, Catalog, Entry, PackageKey};
use crate::request::{Request, Strategy};
use crate::rules::{Admitted, Rules};
use crate::settle::followed;

/// The names that a walk over the newest matches reaches and that the catalog lacks.
///
/// Empty if nothing is lacking as far as the walk can tell, and also if the request is refused without a search; the next
/// [`crate::resolve`] says which.
pub fn speculate(request: &Request, catalog: &Catalog) -> BTreeSet<PackageKey> {
    let Ok(rules) = Rules::new(request, catalog) else { return BTreeSet::new() };
    let mut walk = Walk { rules: &rules, catalog, seen: BTreeMap::new(), queue: VecDeque::new(), lacking: BTreeSet::new() };
    for (entry, declared) in &rules.declared {
        walk.require(entry, &declared.key, &declared.requirement);
    }
    while let Some((key, candidate)) = walk.queue.pop_front() {
        for (edge, next) in followed(&rules, &key.origin, candidate) {
            walk.require(&edge.name, &next, &edge.requirement);
        }
    }
    walk.lacking
}

struct Walk<'a> {
    rules: &'a Rules<'a>,
    catalog: &'a Catalog,
    seen: BTreeMap<(PluginName, PackageKey), BTreeSet<usize>>,
    queue: VecDeque<(PackageKey, &'a Candidate)>,
    lacking: BTreeSet<PackageKey>,
}

impl Walk<'_> {
    fn require(&mut self, entry: &PluginName, key: &PackageKey, requirement: &Requirement) {
        match self.catalog.get(key) {
            None => {
                self.lacking.insert(key.clone());
            }
            Some(Entry::NotFound) => {}
            Some(Entry::Candidates(all)) => {
                let Some(at) = self.first_tried(entry, key, all, requirement) else { return };
                if self.seen.entry((entry.clone(), key.clone())).or_default().insert(at) {
                    self.queue.push_back((key.clone(), &all[at]));
                }
            }
        }
    }

    fn first_tried(&self, entry: &PluginName, key: &PackageKey, all: &[Candidate], requirement: &Requirement) -> Option<usize> {
        let range = self.rules.effective(entry, requirement).range();
        let fits = |at: &usize| range.contains(&all[*at].version) && self.rules.admits(entry, key, &all[*at], &Admitted::None);
        let locked = self.rules.request.preferences.get(entry);
        let kept = locked.and_then(|version| all.binary_search_by(|it| it.version.cmp(version)).ok()).filter(fits);
        kept.or_else(|| match self.rules.request.strategy {
            Strategy::Highest => (0..all.len()).rev().find(fits),
            Strategy::Lowest => (0..all.len()).find(fits),
        })
    }
}
