//! Which versions may not be chosen, whatever the requirements say?
//!
//! Each [`Rule`] looks at one line of an index and says why it's held back, or nothing. The resolver is told, leaves such
//! versions out, and names the reason wherever one of them would have been the answer. A [`Guard`] does the same where a
//! person could still say yes: what it objected to is remembered, and can be let in again. What must be true of a whole
//! lock, however it came about, isn't asked here.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use mfp_model::index::packed::PackedLine;
use mfp_model::name::PluginName;
use mfp_model::version::Version;
use mfp_resolver::{Candidate, Catalog, Entry, Held, PackageKey};

use crate::held::{Guard, Objection, Objections};

/// One reason to hold versions of registries back.
pub(crate) trait Rule {
    /// Why this version isn't to be chosen, if it isn't.
    fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held>;
}

/// All rules together: the first that has something to say decides. Then the guards, all of them.
#[derive(Default)]
pub(crate) struct Gate<'a> {
    rules: Vec<Box<dyn Rule + 'a>>,
    guards: Vec<Box<dyn Guard + 'a>>,
    objections: RefCell<Objections>,
}

impl fmt::Debug for Gate<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Gate").field("rules", &self.rules.len()).field("guards", &self.guards.len()).finish_non_exhaustive()
    }
}

impl<'a> Gate<'a> {
    pub(crate) fn new(rules: Vec<Box<dyn Rule + 'a>>, guards: Vec<Box<dyn Guard + 'a>>) -> Self {
        Self { rules, guards, objections: RefCell::default() }
    }

    /// Does it let everything through?
    pub(crate) fn is_open(&self) -> bool {
        self.rules.is_empty() && self.guards.is_empty()
    }

    /// Why this version isn't to be chosen, if it isn't.
    pub(crate) fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held> {
        if let Some(held) = self.rules.iter().find_map(|rule| rule.held(key, line)) {
            return Some(held);
        }
        let objections: Vec<Objection> = self.guards.iter().filter_map(|guard| guard.line(key, line)).collect();
        let first = objections.first()?;
        let held = Held { reason: first.reason.clone(), setting: None, by_policy: true };
        self.objections.borrow_mut().add(key, &line.version, objections);
        Some(held)
    }

    /// Send the guards home: from now on only the rules hold back. What the guards objected to, and the catalog without it.
    pub(crate) fn dismiss_guards(&mut self, catalog: &mut Catalog) -> Objections {
        self.guards.clear();
        let objections = self.objections.take();
        for key in objections.keys() {
            let Some(Entry::Candidates(candidates)) = catalog.get(key) else { continue };
            let free = |candidate: &Candidate| Candidate {
                held: candidate.held.clone().filter(|_| objections.to(key, &candidate.version).is_empty()),
                ..candidate.clone()
            };
            let candidates = candidates.iter().map(free).collect();
            catalog.insert(key.clone(), candidates);
        }
        objections
    }
}

/// What must become exactly one version can't become another.
#[derive(Debug)]
pub(crate) struct Precise<'a>(pub(crate) &'a BTreeMap<PluginName, Version>);

impl Rule for Precise<'_> {
    fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held> {
        self.0.get(&key.name).filter(|version| **version != line.version).map(|_| Held {
            reason: "isn't the version that was asked for".to_owned(),
            setting: Some("--precise".to_owned()),
            by_policy: false,
        })
    }
}
