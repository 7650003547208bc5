//! What's asked of one search, and what may it answer? The words that the solver's file shares with the rest of the crate,
//! so that nobody else needs the solver's own.

use std::collections::BTreeSet;

use mfp_model::name::PluginName;

use crate::catalog::{Candidate, Catalog, Origin, PackageKey};
use crate::rules::{Admitted, Rules};
use crate::versions::Versions;

/// A plugin of the project: its name here, and what it is.
pub(crate) type Who = (PluginName, PackageKey);

/// The rules that a search has to obey beyond versions; the more, the slower.
#[derive(Debug, Clone, Default)]
pub(crate) struct Enforced {
    /// Plugins whose optional dependents count.
    pub(crate) optional: BTreeSet<Who>,
    /// Names that may have one source only.
    pub(crate) sources: BTreeSet<PluginName>,
    /// Aliases that no dependency may need.
    pub(crate) aliases: BTreeSet<PluginName>,
    /// Circles of names, none of which may close.
    pub(crate) circles: Vec<Vec<Who>>,
}

/// One search.
pub(crate) struct Search<'s, 'a> {
    pub(crate) rules: &'a Rules<'a>,
    pub(crate) catalog: &'a Catalog,
    pub(crate) admitted: &'s Admitted,
    /// Only these of the project's lines; `None` means all.
    pub(crate) roots: Option<&'s BTreeSet<PluginName>>,
    pub(crate) max_decisions: u64,
    pub(crate) should_cancel: &'s dyn Fn() -> bool,
}

/// One chosen plugin.
#[derive(Debug, Clone)]
pub(crate) struct Pick<'a> {
    pub(crate) entry: PluginName,
    pub(crate) key: PackageKey,
    pub(crate) candidate: &'a Candidate,
}

/// How a search ended.
pub(crate) enum Outcome<'a> {
    /// By entry, then by key.
    Solved(Vec<Pick<'a>>),
    NoSolution(Box<Proof<'a>>),
    Missing(BTreeSet<PackageKey>),
    Budget {
        fought: Vec<PluginName>,
    },
    Cancelled,
}

/// Why there's no solution, free of the solver's own types.
pub(crate) struct Proof<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    /// Causes before what follows from them; the last one is the end of the proof.
    pub(crate) steps: Vec<Step>,
}

pub(crate) enum Step {
    Fact(Fact),
    /// Of the terms (node, `true` for "is one of", versions) not all can hold, which follows from two earlier steps.
    Derived {
        terms: Vec<(u32, bool, Versions)>,
        causes: [usize; 2],
    },
    /// Where every proof starts: the project is wanted.
    Start,
}

/// Each version of `from` in `when` depends on a version of `to` in `needs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) from: u32,
    pub(crate) when: Versions,
    pub(crate) to: u32,
    pub(crate) needs: Versions,
}

/// What a number stands for in a search.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    Project,
    Plugin(Plugin<'a>),
    /// Of the plugin with this number: index 0 is "absent", `n + 1` its candidate `n`.
    Slot(u32),
    /// Of this name: index 0 is "absent", `n + 1` the origin `n`.
    Source(PluginName, Vec<Origin>),
    Alias(PluginName),
    /// The circle with this number in [`Enforced::circles`].
    Circle(usize),
}

#[derive(Debug)]
pub(crate) struct Plugin<'a> {
    pub(crate) entry: PluginName,
    pub(crate) key: PackageKey,
    pub(crate) knowledge: Knowledge,
    /// The admitted ones, ascending.
    pub(crate) candidates: Vec<&'a Candidate>,
    /// The locked one, if it's admitted.
    pub(crate) preferred: Option<u32>,
    /// Does the manifest ask for it?
    pub(crate) direct: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Knowledge {
    Known,
    NotFound,
    Unknown,
}

pub(crate) fn plugin_of<'n, 'a>(nodes: &'n [Node<'a>], id: u32) -> Option<&'n Plugin<'a>> {
    match nodes.get(id as usize) {
        Some(Node::Plugin(plugin)) => Some(plugin),
        _ => None,
    }
}

impl Proof<'_> {
    pub(crate) fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.steps.iter().filter_map(|step| if let Step::Fact(fact) = step { Some(fact) } else { None })
    }

    /// The project's lines that it needs.
    pub(crate) fn roots(&self) -> BTreeSet<PluginName> {
        let of_the_project = self.facts().filter(|fact| matches!(self.nodes.get(fact.from as usize), Some(Node::Project)));
        of_the_project.filter_map(|fact| plugin_of(&self.nodes, fact.to)).map(|plugin| plugin.entry.clone()).collect()
    }
}
