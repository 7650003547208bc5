//! Where do the requirements clash? The nearest clash among the facts of a proof.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::name::PluginName;

use crate::search::{Fact, Node, Proof, plugin_of};
use crate::versions::Versions;

/// How many ways into one plugin are compared with each other.
const MAX_WAYS: usize = 96;
/// How many causes are told.
const MAX_CAUSES: usize = 3;

/// One step of a way: this version of `from` needs one of these of `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) from: u32,
    /// The version of `from` that the way goes through.
    pub(super) version: u32,
    /// Which versions of `from` the way's last step left.
    pub(super) left: Versions,
    /// Those of which this step holds.
    pub(super) when: Versions,
    pub(super) to: u32,
    pub(super) needs: Versions,
    pub(super) optional: bool,
}

impl Hop {
    /// The versions of `from` that this step speaks of.
    pub(super) fn spoken_of(&self) -> Versions {
        self.left.and(&self.when)
    }

    /// Does it hold for every version that's left?
    fn is_general(&self) -> bool {
        self.left.is_within(&self.when)
    }
}

/// From the project to a clash.
pub(super) type Way = Vec<Hop>;

/// Where it clashes.
#[derive(Debug)]
pub(super) enum Cause {
    /// The way ends in a requirement that no candidate meets.
    End(Way),
    /// Two ways end in requirements on one plugin that no candidate meets both of.
    Clash(Way, Way),
    /// More than two ways are needed.
    Scattered,
}

impl Cause {
    pub(super) fn ways(&self) -> impl Iterator<Item = &Way> {
        let (first, second) = match self {
            Self::End(way) => (Some(way), None),
            Self::Clash(first, second) => (Some(first), Some(second)),
            Self::Scattered => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// The plugins on its ways.
    pub(super) fn plugins(&self) -> BTreeSet<u32> {
        self.ways().flatten().map(|hop| hop.to).collect()
    }

    /// The project's lines that its ways begin with.
    pub(super) fn roots(&self, proof: &Proof<'_>) -> BTreeSet<PluginName> {
        let firsts = self.ways().filter_map(|way| way.first());
        firsts.filter_map(|hop| plugin_of(&proof.nodes, hop.to)).map(|plugin| plugin.entry.clone()).collect()
    }
}

#[derive(Debug)]
struct Edge {
    from: u32,
    when: Versions,
    to: u32,
    needs: Versions,
    optional: bool,
}

/// A version of a plugin that the project can be led to.
#[derive(Debug, Clone)]
struct State {
    node: u32,
    version: u32,
    left: Versions,
    /// The state and the edge that led here; none at the project.
    before: Option<(usize, usize)>,
    depth: usize,
    /// How many newer candidates were passed over on the way.
    age: u32,
    /// Does every step so far hold for all versions that were left?
    general: bool,
}

/// The facts of a proof as a graph of plugins.
struct Graph<'p, 'a> {
    proof: &'p Proof<'a>,
    edges: Vec<Edge>,
    states: Vec<State>,
    found: BTreeMap<(u32, u32), usize>,
    /// Versions that an earlier cause has dealt with.
    told_of: BTreeMap<u32, Versions>,
}

/// The causes that together show the failure, the one about the newest versions first, and whether they're a whole proof.
///
/// Where a cause speaks of some versions of a plugin only, the next one is about the others.
pub(super) fn causes(proof: &Proof<'_>) -> (Vec<Cause>, bool) {
    let mut causes: Vec<Cause> = Vec::new();
    let mut told_of: BTreeMap<u32, Versions> = BTreeMap::new();
    while causes.len() < MAX_CAUSES {
        let cause = Graph::without(proof, told_of.clone()).cause();
        let partial: Vec<(u32, Versions)> =
            cause.ways().flatten().filter(|hop| !hop.is_general()).map(|hop| (hop.from, hop.spoken_of())).collect();
        let is_last = matches!(cause, Cause::Scattered) || partial.is_empty();
        if is_last && (causes.is_empty() || !matches!(cause, Cause::Scattered)) {
            let whole = !matches!(cause, Cause::Scattered);
            causes.push(cause);
            return (causes, whole);
        }
        let [(node, versions)] = partial.as_slice() else {
            // Nothing more, or several choices at once: the other versions are left to the whole proof.
            causes.extend((!is_last).then_some(cause));
            return (causes, false);
        };
        let told = told_of.entry(*node).or_insert_with(Versions::none);
        *told = told.or(versions);
        causes.push(cause);
    }
    (causes, false)
}

/// How good a way is for telling; smaller is better.
type Score = (bool, usize, u32, usize, usize);

impl<'p, 'a> Graph<'p, 'a> {
    fn without(proof: &'p Proof<'a>, told_of: BTreeMap<u32, Versions>) -> Self {
        let mut graph = Self { proof, edges: edges(proof), states: Vec::new(), found: BTreeMap::new(), told_of };
        graph.walk();
        graph
    }

    /// Breadth first from the project, newest versions first.
    fn walk(&mut self) {
        let mut of: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, edge) in self.edges.iter().enumerate() {
            of.entry(edge.from).or_default().push(at);
        }
        self.states.push(State { node: 0, version: 0, left: Versions::one(0), before: None, depth: 0, age: 0, general: true });
        self.found.insert((0, 0), 0);
        let mut next = 0;
        while let Some(state) = self.states.get(next).cloned() {
            for at in of.get(&state.node).into_iter().flatten() {
                self.step(next, &state, *at);
            }
            next += 1;
        }
    }

    fn step(&mut self, from: usize, state: &State, at: usize) {
        let edge = &self.edges[at];
        if edge.optional || !edge.when.has(state.version) {
            return;
        }
        let count = self.count(edge.to);
        let general = state.general && state.left.is_within(&edge.when);
        let left = match self.told_of.get(&edge.to) {
            Some(told) => edge.needs.and(&told.inverted()),
            None => edge.needs.clone(),
        };
        for (age, version) in (0u32..).zip(left.indexes(count).rev()) {
            if self.found.contains_key(&(edge.to, version)) {
                continue;
            }
            self.found.insert((edge.to, version), self.states.len());
            self.states.push(State {
                node: edge.to,
                version,
                left: left.clone(),
                before: Some((from, at)),
                depth: state.depth + 1,
                age: state.age + age,
                general,
            });
        }
    }

    fn count(&self, node: u32) -> u32 {
        plugin_of(&self.proof.nodes, node).map_or(0, |plugin| u32::try_from(plugin.candidates.len()).unwrap_or(u32::MAX))
    }

    /// The nearest clash: rather one that's a whole proof, then the shortest, then the newest versions.
    fn cause(&self) -> Cause {
        let ways = self.ways_in();
        let is_end = |edge: &Edge| edge.needs.is_empty() && (!edge.optional || edge.from == edge.to);
        let end = ways.values().flatten().filter(|(_, at)| is_end(&self.edges[*at]));
        let end = end.map(|(state, at)| (self.score(*state, *at), (*state, *at))).min();
        let clash = ways.values().filter_map(|into| self.clash(into)).min();
        match (end, clash) {
            (Some((score, _)), Some((better, (a, b)))) if better < score => self.told(a, b),
            (Some((_, end)), _) => Cause::End(self.way(end)),
            (None, Some((_, (a, b)))) => self.told(a, b),
            (None, None) => Cause::Scattered,
        }
    }

    fn told(&self, a: (usize, usize), b: (usize, usize)) -> Cause {
        let (a, b) = (self.way(a), self.way(b));
        // The project's own line last, or else by the names that the ways begin with.
        let first = |way: &Way| (way.len() == 1, way.first().map(|hop| self.name(hop.to)));
        if first(&b) < first(&a) { Cause::Clash(b, a) } else { Cause::Clash(a, b) }
    }

    fn name(&self, node: u32) -> Option<PluginName> {
        plugin_of(&self.proof.nodes, node).map(|plugin| plugin.entry.clone())
    }

    /// For each plugin, the ways that lead into it, as (state, edge), best first.
    fn ways_in(&self) -> BTreeMap<u32, Vec<(usize, usize)>> {
        let mut by_node: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (at, state) in self.states.iter().enumerate() {
            by_node.entry(state.node).or_default().push(at);
        }
        let mut ways: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
        for (at, edge) in self.edges.iter().enumerate() {
            let states = by_node.get(&edge.from).into_iter().flatten();
            let states = states.filter(|state| edge.when.has(self.states[**state].version));
            ways.entry(edge.to).or_default().extend(states.map(|state| (*state, at)));
        }
        for into in ways.values_mut() {
            into.sort_by_key(|(state, at)| self.score(*state, *at));
            into.truncate(MAX_WAYS);
        }
        ways
    }

    fn score(&self, state: usize, at: usize) -> Score {
        let (before, edge) = (&self.states[state], &self.edges[at]);
        (!(before.general && before.left.is_within(&edge.when)), before.depth, before.age, state, at)
    }

    #[expect(clippy::type_complexity, reason = "a score and what it's of")]
    fn clash(&self, into: &[(usize, usize)]) -> Option<(Score, ((usize, usize), (usize, usize)))> {
        let mut best = None;
        for (number, a) in into.iter().enumerate() {
            for b in into.iter().skip(number + 1) {
                let (first, second) = (&self.edges[a.1], &self.edges[b.1]);
                if (first.optional && second.optional) || !first.needs.is_apart(&second.needs) {
                    continue;
                }
                let (x, y) = (self.score(a.0, a.1), self.score(b.0, b.1));
                let score = (x.0 || y.0, x.1 + y.1, x.2 + y.2, x.3.min(y.3), x.4.min(y.4));
                if best.as_ref().is_none_or(|(known, _)| score < *known) && self.go_together(*a, *b) {
                    best = Some((score, (*a, *b)));
                }
            }
        }
        best
    }

    /// Do two ways take the same version of every plugin that's on both?
    fn go_together(&self, a: (usize, usize), b: (usize, usize)) -> bool {
        let versions: BTreeMap<u32, u32> = self.way(a).iter().map(|hop| (hop.from, hop.version)).collect();
        self.way(b).iter().all(|hop| versions.get(&hop.from).is_none_or(|version| *version == hop.version))
    }

    fn way(&self, (state, at): (usize, usize)) -> Way {
        let mut way = vec![self.hop(state, at)];
        let mut now = state;
        while let Some((before, at)) = self.states[now].before {
            way.push(self.hop(before, at));
            now = before;
        }
        way.reverse();
        way
    }

    fn hop(&self, state: usize, at: usize) -> Hop {
        let (state, edge) = (&self.states[state], &self.edges[at]);
        Hop {
            from: state.node,
            version: state.version,
            left: state.left.clone(),
            when: edge.when.clone(),
            to: edge.to,
            needs: edge.needs.clone(),
            optional: edge.optional,
        }
    }
}

/// A slot is told as what it stands for: a requirement on its plugin that pulls nobody in.
fn edges(proof: &Proof<'_>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for fact in proof.facts() {
        let Fact { from, when, to, needs } = fact.clone();
        match proof.nodes.get(to as usize) {
            Some(Node::Plugin(_)) => edges.push(Edge { from, when, to, needs, optional: false }),
            // Who has an optional requirement on itself that it doesn't meet.
            Some(Node::Slot(plugin)) if *plugin == from && needs.is_empty() => {
                edges.push(Edge { from, when, to: from, needs, optional: true });
            }
            Some(Node::Slot(plugin)) if *plugin != from => {
                let count = plugin_of(&proof.nodes, *plugin).map_or(0, |it| u32::try_from(it.candidates.len()).unwrap_or(0));
                let needs = needs.indexes(count + 1).filter_map(|index| index.checked_sub(1)).collect();
                edges.push(Edge { from, when, to: *plugin, needs, optional: true });
            }
            _ => {}
        }
    }
    edges
}
