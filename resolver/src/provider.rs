//! How is one search made? The only file that names pubgrub.
//!
//! pubgrub asks for candidates and dependencies as it goes, so nothing is prepared that it doesn't touch: a package gets
//! its number, its list of admitted candidates and its row of bits when something first depends on it. A search's course is
//! therefore a function of what it touches, in the order in which it touches it, and of nothing else a catalog holds. That
//! is what makes a lazily filled catalog give the very answer of a full one: a search that touched a name it knows nothing
//! about has no answer ([`Outcome::Missing`]), and one that didn't would go the same way in any larger catalog. Names not
//! known are decided last, so that one search meets many of them.
//!
//! Beside plugins there are helper packages, which nobody sees. Their versions are what may not be combined:
//! - a *slot* holds the version that a plugin has or none ("absent"); who has an optional dependency requires that the slot
//!   is in its range or absent, and the plugin itself requires its slot to hold its own version: exact, and nobody's pulled in;
//! - a *source* holds the origin of a name; each plugin of that name requires its own;
//! - a *circle* has one version for each member of a circle of names; each member (where it depends on the next) requires any
//!   version but its own, so all but never all of them can be chosen;
//! - an *alias* has no version at all.
//!
//! They're made only for what [`Enforced`] says, which `settle` fills when an answer turns out to need them.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use mfp_model::name::PluginName;
use mfp_model::requirement::Requirement;
use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, DerivationTree, External, PackageResolutionStatistics, PubGrubError, Term,
    VersionSet,
};

use crate::catalog::{Candidate, Dependency, Entry, Origin, PackageKey};
use crate::request::Strategy;
use crate::rules::Meaning;
use crate::search::{Enforced, Fact, Knowledge, Node, Outcome, Pick, Plugin, Proof, Search, Step, Who, plugin_of};
use crate::versions::Versions;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Label {
    Plugin(Who),
    Slot(u32),
    Source(PluginName),
    Alias(PluginName),
    Circle(usize),
}

/// The number of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Id(u32);

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{}", self.0)
    }
}

const PROJECT: Id = Id(0);

/// Why a search was broken off.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("only unknown names are left to decide")]
    Unknown,
    #[error("too many decisions")]
    Budget,
    #[error("cancelled")]
    Cancelled,
}

impl VersionSet for Versions {
    type V = u32;

    fn empty() -> Self {
        Self::none()
    }

    fn full() -> Self {
        Self::all()
    }

    fn singleton(index: u32) -> Self {
        Self::one(index)
    }

    fn complement(&self) -> Self {
        self.inverted()
    }

    fn intersection(&self, other: &Self) -> Self {
        self.and(other)
    }

    fn union(&self, other: &Self) -> Self {
        self.or(other)
    }

    fn contains(&self, index: &u32) -> bool {
        self.has(*index)
    }

    fn is_disjoint(&self, other: &Self) -> bool {
        self.is_apart(other)
    }

    fn subset_of(&self, other: &Self) -> bool {
        self.is_within(other)
    }
}

/// What a search has touched so far.
struct Touched<'a> {
    nodes: Vec<Node<'a>>,
    ids: HashMap<Label, u32>,
    missing: BTreeSet<PackageKey>,
}

struct Provider<'s, 'a> {
    search: &'s Search<'s, 'a>,
    enforced: &'s Enforced,
    touched: RefCell<Touched<'a>>,
    /// The most conflicts that each plugin was seen in.
    conflicts: RefCell<Vec<u32>>,
    decisions: &'s Cell<u64>,
}

/// Make one search. `decisions` goes on counting from where the caller's earlier searches left it.
pub(crate) fn search<'a>(search: &Search<'_, 'a>, enforced: &Enforced, decisions: &Cell<u64>) -> Outcome<'a> {
    let touched = Touched { nodes: vec![Node::Project], ids: HashMap::new(), missing: BTreeSet::new() };
    let provider = Provider { search, enforced, touched: RefCell::new(touched), conflicts: RefCell::new(Vec::new()), decisions };
    let result = pubgrub::resolve(&provider, PROJECT, 0u32);
    let Provider { touched, conflicts, .. } = provider;
    let (touched, conflicts) = (touched.into_inner(), conflicts.into_inner());
    if let Err(PubGrubError::ErrorInShouldCancel(Stop::Cancelled)) = result {
        return Outcome::Cancelled;
    }
    if !touched.missing.is_empty() {
        return Outcome::Missing(touched.missing);
    }
    match result {
        Ok(selected) => Outcome::Solved(picks(&touched, selected.iter().map(|(id, index)| (id.0, *index)))),
        Err(PubGrubError::NoSolution(tree)) => Outcome::NoSolution(Box::new(proof(touched.nodes, tree))),
        Err(_) => Outcome::Budget { fought: most_fought(&touched.nodes, &conflicts) },
    }
}

fn picks<'a>(touched: &Touched<'a>, selected: impl Iterator<Item = (u32, u32)>) -> Vec<Pick<'a>> {
    let mut picks: Vec<Pick<'a>> = selected
        .filter_map(|(id, index)| {
            let plugin = plugin_of(&touched.nodes, id)?;
            let candidate = plugin.candidates.get(index as usize)?;
            Some(Pick { entry: plugin.entry.clone(), key: plugin.key.clone(), candidate })
        })
        .collect();
    picks.sort_by(|a, b| (&a.entry, &a.key).cmp(&(&b.entry, &b.key)));
    picks
}

fn most_fought(nodes: &[Node<'_>], conflicts: &[u32]) -> Vec<PluginName> {
    let counted = (0u32..).zip(conflicts).filter(|(_, count)| **count > 0);
    let mut fought: Vec<(Reverse<u32>, &PluginName)> =
        counted.filter_map(|(id, count)| plugin_of(nodes, id).map(|plugin| (Reverse(*count), &plugin.entry))).collect();
    fought.sort();
    fought.into_iter().take(5).map(|(_, entry)| entry.clone()).collect()
}

impl<'a> Touched<'a> {
    fn id(&mut self, label: Label, node: impl FnOnce() -> Node<'a>) -> u32 {
        if let Some(id) = self.ids.get(&label) {
            return *id;
        }
        let id = u32::try_from(self.nodes.len()).expect("a catalog has fewer than 2^32 names");
        self.nodes.push(node());
        self.ids.insert(label, id);
        id
    }

    fn plugin(&mut self, search: &Search<'_, 'a>, entry: &PluginName, key: &PackageKey) -> u32 {
        let mut unknown = false;
        let id = self.id(Label::Plugin((entry.clone(), key.clone())), || {
            let plugin = meet(search, entry, key);
            unknown = plugin.knowledge == Knowledge::Unknown;
            Node::Plugin(plugin)
        });
        if unknown {
            self.missing.insert(key.clone());
        }
        id
    }

    /// The candidates of a plugin that are in a requirement's range.
    fn fitting(&self, id: u32, requirement: &Requirement) -> Versions {
        let Some(plugin) = plugin_of(&self.nodes, id) else { return Versions::none() };
        if plugin.knowledge == Knowledge::Unknown {
            return Versions::all();
        }
        let range = requirement.range();
        let contained = range.contains_many(plugin.candidates.iter().map(|candidate| &candidate.version));
        contained.zip(0u32..).filter_map(|(fits, index)| fits.then_some(index)).collect()
    }

    /// The index that stands for an origin in a source package.
    fn origin(&mut self, source: u32, origin: &Origin) -> u32 {
        let Some(Node::Source(_, origins)) = self.nodes.get_mut(source as usize) else { return 0 };
        let at = origins.iter().position(|known| known == origin).unwrap_or_else(|| {
            origins.push(origin.clone());
            origins.len() - 1
        });
        u32::try_from(at + 1).expect("a project has fewer than 2^32 registries")
    }
}

/// Look a plugin up for the first time.
fn meet<'a>(search: &Search<'_, 'a>, entry: &PluginName, key: &PackageKey) -> Plugin<'a> {
    let (knowledge, all) = match search.catalog.get(key) {
        None => (Knowledge::Unknown, [].as_slice()),
        Some(Entry::NotFound) => (Knowledge::NotFound, [].as_slice()),
        Some(Entry::Candidates(all)) => (Knowledge::Known, all.as_slice()),
    };
    let rules = search.rules;
    let candidates: Vec<&Candidate> = all.iter().filter(|it| rules.admits(entry, key, it, search.admitted)).collect();
    let locked = rules.request.preferences.get(entry);
    let preferred = locked.and_then(|version| candidates.binary_search_by(|it| it.version.cmp(version)).ok());
    Plugin {
        entry: entry.clone(),
        key: key.clone(),
        knowledge,
        candidates,
        preferred: preferred.and_then(|at| u32::try_from(at).ok()),
        direct: rules.declared.contains_key(entry),
    }
}

/// What something depends on, collected: each package once.
#[derive(Default)]
struct Needs(Vec<(Id, Versions)>);

impl Needs {
    fn add(&mut self, id: u32, versions: Versions) {
        match self.0.iter_mut().find(|(known, _)| known.0 == id) {
            Some((_, known)) => *known = known.and(&versions),
            None => self.0.push((Id(id), versions)),
        }
    }
}

impl<'a> Provider<'_, 'a> {
    fn of_the_project(&self, touched: &mut Touched<'a>) -> Needs {
        let rules = self.search.rules;
        let mut needs = Needs::default();
        for (entry, declared) in &rules.declared {
            if self.search.roots.is_none_or(|roots| roots.contains(entry)) {
                let id = touched.plugin(self.search, entry, &declared.key);
                needs.add(id, touched.fitting(id, rules.effective(entry, &declared.requirement)));
            }
        }
        needs
    }

    fn of_a_plugin(&self, touched: &mut Touched<'a>, id: u32, index: u32) -> Needs {
        let mut needs = Needs::default();
        let Some(plugin) = plugin_of(&touched.nodes, id) else { return needs };
        let Some(&candidate) = plugin.candidates.get(index as usize) else { return needs };
        let who = (plugin.entry.clone(), plugin.key.clone());
        for edge in &candidate.dependencies {
            let meaning = self.search.rules.meaning(&edge.name, &who.1.origin);
            let requirement = self.search.rules.effective(&edge.name, &edge.requirement);
            match meaning {
                _ if edge.optional => self.optional(touched, &mut needs, &edge.name, &meaning, requirement),
                Meaning::Plugin(key) => {
                    let dependency = touched.plugin(self.search, &edge.name, &key);
                    if dependency != id {
                        needs.add(dependency, touched.fitting(dependency, requirement));
                    }
                }
                Meaning::Alias if self.enforced.aliases.contains(&edge.name) => {
                    let alias = touched.id(Label::Alias(edge.name.clone()), || Node::Alias(edge.name.clone()));
                    needs.add(alias, Versions::none());
                }
                // An alias that isn't enforced yet; or no registry, which was refused before the search.
                Meaning::Alias | Meaning::Nowhere => {}
            }
        }
        self.own(touched, &mut needs, id, index, &who);
        self.circles(touched, &mut needs, candidate, &who);
        needs
    }

    fn optional(&self, touched: &mut Touched<'a>, needs: &mut Needs, name: &PluginName, meaning: &Meaning, requirement: &Requirement) {
        for who in self.enforced.optional.iter().filter(|(entry, _)| entry == name) {
            let meant = match meaning {
                Meaning::Plugin(key) => *key == who.1,
                Meaning::Nowhere => true,
                Meaning::Alias => false,
            };
            if meant {
                let plugin = touched.plugin(self.search, &who.0, &who.1);
                let slot = touched.id(Label::Slot(plugin), || Node::Slot(plugin));
                let fitting = touched.fitting(plugin, requirement);
                let count = plugin_of(&touched.nodes, plugin).map_or(0, |it| u32::try_from(it.candidates.len()).unwrap_or(u32::MAX));
                let present = fitting.indexes(count).map(|index| index + 1);
                needs.add(slot, std::iter::once(0).chain(present).collect());
            }
        }
        if let (Meaning::Plugin(key), true) = (meaning, self.enforced.sources.contains(name)) {
            let source = touched.id(Label::Source(name.clone()), || Node::Source(name.clone(), Vec::new()));
            let origin = touched.origin(source, &key.origin);
            needs.add(source, [0, origin].into_iter().collect());
        }
    }

    /// What a plugin requires because it is what it is.
    fn own(&self, touched: &mut Touched<'a>, needs: &mut Needs, id: u32, index: u32, who: &Who) {
        if self.enforced.optional.contains(who) {
            let slot = touched.id(Label::Slot(id), || Node::Slot(id));
            needs.add(slot, Versions::one(index + 1));
        }
        if self.enforced.sources.contains(&who.0) {
            let source = touched.id(Label::Source(who.0.clone()), || Node::Source(who.0.clone(), Vec::new()));
            let origin = touched.origin(source, &who.1.origin);
            needs.add(source, Versions::one(origin));
        }
    }

    fn circles(&self, touched: &mut Touched<'a>, needs: &mut Needs, candidate: &Candidate, who: &Who) {
        for (number, circle) in self.enforced.circles.iter().enumerate() {
            let Some(at) = circle.iter().position(|member| member == who) else { continue };
            let next = &circle[(at + 1) % circle.len()];
            let leads_on = |edge: &Dependency| {
                !edge.optional
                    && edge.name == next.0
                    && self.search.rules.meaning(&edge.name, &who.1.origin) == Meaning::Plugin(next.1.clone())
            };
            let goes_on = candidate.dependencies.iter().any(leads_on);
            if goes_on {
                let id = touched.id(Label::Circle(number), || Node::Circle(number));
                let others = (0u32..).zip(circle).filter(|(_, member)| *member != who).map(|(member, _)| member);
                needs.add(id, others.collect());
            }
        }
    }
}

/// What's decided first: the larger, the earlier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// Decides nothing that anyone sees.
    Helper,
    /// Whoever is asked for must come after all that's known, so that one search meets many.
    Unknown,
    Transitive,
    /// Direct plugins get their newest versions before their dependencies do.
    Direct,
    /// A version that may stay where it is: if all of the lock can be kept, all of it is.
    Kept,
    Project,
}

impl DependencyProvider for Provider<'_, '_> {
    type P = Id;
    type V = u32;
    type VS = Versions;
    type M = &'static str;
    type Err = Stop;
    /// Then who is most fought over; then who has the fewest versions left; then who was met first.
    type Priority = (Tier, u32, Reverse<u32>, Reverse<u32>);

    fn prioritize(&self, id: &Id, range: &Versions, statistics: &PackageResolutionStatistics) -> Self::Priority {
        let touched = self.touched.borrow();
        let fought = statistics.conflict_count();
        if fought > 0 {
            let mut conflicts = self.conflicts.borrow_mut();
            let at = id.0 as usize;
            if conflicts.len() <= at {
                conflicts.resize(at + 1, 0);
            }
            conflicts[at] = fought;
        }
        let tier = match touched.nodes.get(id.0 as usize) {
            Some(Node::Project) => Tier::Project,
            Some(Node::Plugin(plugin)) => match plugin {
                Plugin { knowledge: Knowledge::Unknown, .. } => Tier::Unknown,
                Plugin { preferred: Some(index), .. } if range.has(*index) => Tier::Kept,
                Plugin { direct: true, .. } => Tier::Direct,
                Plugin { .. } => Tier::Transitive,
            },
            _ => Tier::Helper,
        };
        (tier, fought, Reverse(range.count()), Reverse(id.0))
    }

    fn choose_version(&self, id: &Id, range: &Versions) -> Result<Option<u32>, Stop> {
        let touched = self.touched.borrow();
        let Some(plugin) = plugin_of(&touched.nodes, id.0) else { return Ok(range.lowest()) };
        if plugin.knowledge == Knowledge::Unknown {
            return Err(Stop::Unknown);
        }
        let preferred = plugin.preferred.filter(|index| range.has(*index));
        Ok(preferred.or_else(|| match self.search.rules.request.strategy {
            Strategy::Highest => range.last(),
            Strategy::Lowest => range.lowest(),
        }))
    }

    fn get_dependencies(&self, id: &Id, index: &u32) -> Result<Dependencies<Id, Versions, &'static str>, Stop> {
        let mut touched = self.touched.borrow_mut();
        let needs = match *id {
            PROJECT => self.of_the_project(&mut touched),
            Id(id) => self.of_a_plugin(&mut touched, id, *index),
        };
        Ok(Dependencies::Available(DependencyConstraints::from_iter(needs.0)))
    }

    fn should_cancel(&self) -> Result<(), Stop> {
        let made = self.decisions.get() + 1;
        self.decisions.set(made);
        if made > self.search.max_decisions {
            return Err(Stop::Budget);
        }
        // Asking may be dear (a clock, an atomic); one in sixteen is often enough.
        if made.is_multiple_of(16) && (self.search.should_cancel)() { Err(Stop::Cancelled) } else { Ok(()) }
    }
}

type Tree = DerivationTree<Id, Versions, &'static str>;

/// Turn the solver's tree into steps, each once, without recursion (a proof may be thousands of steps deep).
fn proof(nodes: Vec<Node<'_>>, tree: Tree) -> Proof<'_> {
    let root = Arc::new(tree);
    let mut steps: Vec<Step> = Vec::new();
    let mut written: BTreeMap<*const Tree, usize> = BTreeMap::new();
    let mut stack = vec![root.clone()];
    while let Some(tree) = stack.last().cloned() {
        if written.contains_key(&Arc::as_ptr(&tree)) {
            stack.pop();
            continue;
        }
        let step = match &*tree {
            Tree::External(external) => Some(fact(external)),
            Tree::Derived(derived) => {
                let causes = [&derived.cause1, &derived.cause2];
                let before: Vec<usize> = causes.iter().filter_map(|cause| written.get(&Arc::as_ptr(cause)).copied()).collect();
                if let [first, second] = before.as_slice() {
                    Some(Step::Derived { terms: terms(&derived.terms), causes: [*first, *second] })
                } else {
                    stack.extend(causes.into_iter().rev().cloned());
                    None
                }
            }
        };
        if let Some(step) = step {
            written.insert(Arc::as_ptr(&tree), steps.len());
            steps.push(step);
            stack.pop();
        }
    }
    dismantle(root);
    Proof { nodes, steps }
}

fn terms<'t>(terms: impl IntoIterator<Item = (&'t Id, &'t Term<Versions>)>) -> Vec<(u32, bool, Versions)> {
    let mut terms: Vec<(u32, bool, Versions)> = terms
        .into_iter()
        .map(|(id, term)| match term {
            Term::Positive(versions) => (id.0, true, versions.clone()),
            Term::Negative(versions) => (id.0, false, versions.clone()),
        })
        .collect();
    terms.sort_by_key(|(id, ..)| *id);
    terms
}

fn fact(external: &External<Id, Versions, &'static str>) -> Step {
    match external {
        External::NotRoot(..) => Step::Start,
        External::FromDependencyOf(from, when, to, needs) => {
            Step::Fact(Fact { from: from.0, when: when.clone(), to: to.0, needs: needs.clone() })
        }
        // Neither occurs: sets are rows of existing versions, and no dependencies are unavailable. As a fact that needs nothing of
        // itself it would still read as what it is.
        External::NoVersions(id, when) | External::Custom(id, when, _) => {
            Step::Fact(Fact { from: id.0, when: when.clone(), to: id.0, needs: Versions::none() })
        }
    }
}

/// Take a tree apart without recursion.
fn dismantle(root: Arc<Tree>) {
    let mut stack = vec![root];
    while let Some(tree) = stack.pop() {
        if let Some(Tree::Derived(derived)) = Arc::into_inner(tree) {
            stack.extend([derived.cause1, derived.cause2]);
        }
    }
}
