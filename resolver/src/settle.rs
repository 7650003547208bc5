//! Is a search's answer an answer? The rules that a solver of versions can't see, enforced as far as they're needed.
//!
//! A search knows versions. Four rules go beyond them: an optional dependency binds whoever is there; a name has one source;
//! an alias satisfies nobody; and no dependency goes in a circle. To build them into every search would double its work for
//! rules that hardly ever matter. So a search is made without them, and its answer is looked over; what it breaks is
//! enforced, exactly, and the search is made again. Each round enforces something that no later answer can break, so this
//! ends; and since each enforcement is implied by the rules, nothing is lost: if the last search finds nothing, there is
//! nothing. Which rules a search gets depends only on the answers before it, so on nothing that they didn't touch.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mfp_model::name::PluginName;

use crate::catalog::{Candidate, Dependency, Origin, PackageKey};
use crate::error::{Chain, Cycle, Link, TwoSources, Unresolved};
use crate::provider::search;
use crate::resolution::{Resolution, Resolved};
use crate::rules::{Meaning, Rules};
use crate::search::{Enforced, Outcome, Pick, Proof, Search, Who};

/// More rounds than any honest graph takes; each circle of names takes one.
const MAX_ROUNDS: usize = 256;

/// What an answer broke, in the words of an error: told if nothing avoids it.
#[derive(Debug, Default)]
pub(crate) struct Blame {
    pub(crate) sources: BTreeMap<PluginName, TwoSources>,
    pub(crate) aliases: BTreeMap<PluginName, Chain>,
    /// In the order of [`Enforced::circles`].
    pub(crate) circles: Vec<Cycle>,
}

/// How it ended.
pub(crate) enum Settled<'a> {
    Found(Vec<Pick<'a>>),
    Nothing {
        proof: Box<Proof<'a>>,
        enforced: Enforced,
        blame: Blame,
    },
    /// Missing names, the budget or a cancellation.
    Open(Unresolved),
}

/// Search until an answer breaks no rule, or there's none.
pub(crate) fn settle<'a>(question: &Search<'_, 'a>) -> Settled<'a> {
    let decisions = Cell::new(0);
    let (mut enforced, mut blame) = (Enforced::default(), Blame::default());
    for _ in 0..MAX_ROUNDS {
        match search(question, &enforced, &decisions) {
            Outcome::Solved(picks) => {
                if !look_over(question.rules, &picks, &mut enforced, &mut blame) {
                    return Settled::Found(picks);
                }
            }
            Outcome::NoSolution(proof) => return Settled::Nothing { proof, enforced, blame },
            Outcome::Missing(names) => return Settled::Open(Unresolved::Missing(names)),
            Outcome::Budget { fought } => return Settled::Open(Unresolved::Budget { decisions: decisions.get(), fought }),
            Outcome::Cancelled => return Settled::Open(Unresolved::Cancelled),
        }
    }
    let fought = blame.circles.iter().flat_map(|cycle| &cycle.links).map(|link| link.plugin.clone()).collect::<BTreeSet<_>>();
    Settled::Open(Unresolved::Budget { decisions: decisions.get(), fought: fought.into_iter().take(5).collect() })
}

/// Enforce what an answer breaks; `false` if it breaks nothing. One kind of rule a round, so that blame falls on the right one.
fn look_over(rules: &Rules<'_>, picks: &[Pick<'_>], enforced: &mut Enforced, blame: &mut Blame) -> bool {
    let answer = Answer::new(rules, picks);
    let optional = answer.broken_optional();
    if !optional.is_empty() {
        enforced.optional.extend(optional);
        return true;
    }
    let aliases = answer.needed_aliases();
    if !aliases.is_empty() {
        enforced.aliases.extend(aliases.keys().cloned());
        blame.aliases.extend(aliases);
        return true;
    }
    let sources = answer.double_sources();
    if !sources.is_empty() {
        enforced.sources.extend(sources.keys().cloned());
        blame.sources.extend(sources);
        return true;
    }
    let circles = answer.circles();
    for circle in &circles {
        enforced.circles.push(circle.iter().map(|at| answer.who(*at)).collect());
        blame.circles.push(answer.cycle(circle));
    }
    !circles.is_empty()
}

/// A search's answer as a graph.
struct Answer<'r, 'p, 'a> {
    rules: &'r Rules<'r>,
    picks: &'p [Pick<'a>],
    /// For each pick, its dependencies that aren't optional, and the pick that each leads to.
    edges: Vec<Vec<(&'p Dependency, usize)>>,
}

impl<'r, 'p, 'a> Answer<'r, 'p, 'a> {
    fn new(rules: &'r Rules<'r>, picks: &'p [Pick<'a>]) -> Self {
        let place = |entry: &PluginName, key: &PackageKey| picks.binary_search_by(|pick| (&pick.entry, &pick.key).cmp(&(entry, key))).ok();
        let leads = |edge: &'p Dependency, origin: &Origin| match rules.meaning(&edge.name, origin) {
            Meaning::Plugin(key) => place(&edge.name, &key).map(|to| (edge, to)),
            Meaning::Alias | Meaning::Nowhere => None,
        };
        let needed = |pick: &'p Pick<'a>| pick.candidate.dependencies.iter().filter(|edge| !edge.optional);
        let edges = picks.iter().map(|pick| needed(pick).filter_map(|edge| leads(edge, &pick.key.origin)).collect()).collect();
        Self { rules, picks, edges }
    }

    /// How each is first reached from the project: from whom (`None`: the project) by which dependency. Breadth first, in
    /// the order of names.
    fn reached(&self) -> BTreeMap<usize, Option<(usize, &'p Dependency)>> {
        let is_direct = |at: &usize| self.rules.declared.get(&self.picks[*at].entry).is_some_and(|it| it.key == self.picks[*at].key);
        let mut queue: VecDeque<usize> = self.all().filter(is_direct).collect();
        let mut reached: BTreeMap<usize, Option<(usize, &'p Dependency)>> = queue.iter().map(|at| (*at, None)).collect();
        while let Some(at) = queue.pop_front() {
            for (edge, next) in &self.edges[at] {
                if !reached.contains_key(next) {
                    reached.insert(*next, Some((at, edge)));
                    queue.push_back(*next);
                }
            }
        }
        reached
    }

    fn who(&self, at: usize) -> Who {
        (self.picks[at].entry.clone(), self.picks[at].key.clone())
    }

    fn meaning(&self, at: usize, edge: &Dependency) -> Meaning {
        self.rules.meaning(&edge.name, &self.picks[at].key.origin)
    }

    fn dependencies(&self, at: usize) -> impl Iterator<Item = &'p Dependency> + use<'p> {
        let picks = self.picks;
        picks[at].candidate.dependencies.iter()
    }

    fn all(&self) -> std::ops::Range<usize> {
        0..self.picks.len()
    }

    /// The picks with an entry's name; more than one only before sources are enforced.
    fn named(&self, name: &PluginName) -> impl Iterator<Item = usize> + use<'p> {
        let picks = self.picks;
        let first = picks.partition_point(|pick| pick.entry < *name);
        let name = name.clone();
        (first..picks.len()).take_while(move |at| picks[*at].entry == name)
    }

    fn broken_optional(&self) -> BTreeSet<Who> {
        let mut broken = BTreeSet::new();
        for at in self.all() {
            for edge in self.dependencies(at).filter(|edge| edge.optional) {
                let meaning = self.meaning(at, edge);
                let bound = self.named(&edge.name).filter(|there| match &meaning {
                    Meaning::Plugin(key) => self.picks[*there].key == *key,
                    Meaning::Nowhere => true,
                    Meaning::Alias => false,
                });
                let requirement = self.rules.effective(&edge.name, &edge.requirement).range();
                let wrong = bound.filter(|there| !requirement.contains(&self.picks[*there].candidate.version));
                broken.extend(wrong.map(|there| self.who(there)));
            }
        }
        broken
    }

    fn needed_aliases(&self) -> BTreeMap<PluginName, Chain> {
        let mut needed = BTreeMap::new();
        for at in self.all() {
            for edge in self.dependencies(at).filter(|edge| !edge.optional) {
                if self.meaning(at, edge) == Meaning::Alias {
                    needed.entry(edge.name.clone()).or_insert_with(|| self.chain_over(at, edge));
                }
            }
        }
        needed
    }

    fn double_sources(&self) -> BTreeMap<PluginName, TwoSources> {
        let mut double = BTreeMap::new();
        for (first, second) in self.all().zip(1..self.picks.len()) {
            let (a, b) = (&self.picks[first], &self.picks[second]);
            if a.entry == b.entry {
                let first = (a.key.origin.clone(), self.chain(first));
                let second = (b.key.origin.clone(), self.chain(second));
                double.entry(a.entry.clone()).or_insert(TwoSources { name: a.entry.clone(), first, second });
            }
        }
        for at in self.all() {
            for edge in self.dependencies(at).filter(|edge| edge.optional) {
                let Meaning::Plugin(key) = self.meaning(at, edge) else { continue };
                for there in self.named(&edge.name).filter(|there| self.picks[*there].key != key) {
                    let first = (self.picks[there].key.origin.clone(), self.chain(there));
                    let second = (key.origin.clone(), self.chain_over(at, edge));
                    double.entry(edge.name.clone()).or_insert(TwoSources { name: edge.name.clone(), first, second });
                }
            }
        }
        double
    }

    /// Circles of dependencies, as short as possible; none that shares a member with another one of them.
    fn circles(&self) -> Vec<Vec<usize>> {
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let mut circles = Vec::new();
        for start in self.in_circles() {
            if let Some(circle) = self.circle_from(start).filter(|circle| circle.iter().all(|at| !taken.contains(at))) {
                taken.extend(&circle);
                circles.push(circle);
            }
        }
        circles
    }

    /// What's left when whatever depends on nothing that's left is taken away, again and again: the circles, and what leads to them.
    fn in_circles(&self) -> BTreeSet<usize> {
        let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); self.picks.len()];
        let mut open: Vec<usize> = vec![0; self.picks.len()];
        for at in self.all() {
            for (_, next) in &self.edges[at] {
                dependents[*next].push(at);
                open[at] += 1;
            }
        }
        let mut free: Vec<usize> = self.all().filter(|at| open[*at] == 0).collect();
        let mut left: BTreeSet<usize> = self.all().collect();
        while let Some(at) = free.pop() {
            left.remove(&at);
            for dependent in &dependents[at] {
                open[*dependent] -= 1;
                if open[*dependent] == 0 {
                    free.push(*dependent);
                }
            }
        }
        left
    }

    /// The shortest way from a plugin back to itself.
    fn circle_from(&self, start: usize) -> Option<Vec<usize>> {
        let mut before: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            for (_, next) in &self.edges[at] {
                if *next == start {
                    let mut way = vec![at];
                    while let Some(previous) = way.last().and_then(|last| before.get(last)) {
                        way.push(*previous);
                    }
                    way.reverse();
                    return Some(way);
                }
                if !before.contains_key(next) {
                    before.insert(*next, at);
                    queue.push_back(*next);
                }
            }
        }
        None
    }

    fn cycle(&self, circle: &[usize]) -> Cycle {
        let nexts = circle.iter().cycle().skip(1);
        let links = circle.iter().zip(nexts).filter_map(|(at, next)| {
            let (edge, _) = self.edges[*at].iter().find(|(_, to)| to == next)?;
            Some(self.link(*at, edge))
        });
        let links = links.collect();
        let nearest = circle.iter().map(|at| self.chain(*at)).min_by_key(|chain| chain.links.len());
        Cycle { links, chain: nearest.expect("a circle has members") }
    }

    fn link(&self, at: usize, edge: &Dependency) -> Link {
        Link {
            plugin: self.picks[at].entry.clone(),
            version: self.picks[at].candidate.version.clone(),
            name: edge.name.clone(),
            requirement: edge.requirement.clone(),
            optional: edge.optional,
        }
    }

    /// Who requires a pick, from the project on.
    fn chain(&self, at: usize) -> Chain {
        let reached = self.reached();
        let mut links = Vec::new();
        let mut now = at;
        while let Some(Some((from, edge))) = reached.get(&now) {
            links.push(self.link(*from, edge));
            now = *from;
        }
        links.reverse();
        let entry = &self.picks[now].entry;
        let declared = self.rules.declared.get(entry).expect("a chain of dependencies begins with a line of the manifest");
        Chain { root: self.rules.wanted(entry, declared), links }
    }

    fn chain_over(&self, at: usize, edge: &Dependency) -> Chain {
        let mut chain = self.chain(at);
        chain.links.push(self.link(at, edge));
        chain
    }
}

/// The answer in the project's terms.
pub(crate) fn resolution(rules: &Rules<'_>, picks: &[Pick<'_>]) -> Resolution {
    let resolved = picks.iter().map(|pick| {
        let declared = rules.declared.get(&pick.entry);
        let resolved = Resolved {
            entry: pick.entry.clone(),
            package: declared.map_or_else(|| pick.entry.clone(), |it| it.package.clone()),
            origin: pick.key.origin.clone(),
            version: pick.candidate.version.clone(),
            dependencies: pick.candidate.dependencies.clone(),
            direct: declared.is_some(),
            groups: declared.map(|it| it.groups.clone()).unwrap_or_default(),
        };
        (pick.entry.clone(), resolved)
    });
    Resolution { plugins: resolved.collect() }
}

/// Used by the walk that guesses names: is there anything to follow from this candidate, and where to?
pub(crate) fn followed<'c>(rules: &Rules<'_>, origin: &Origin, candidate: &'c Candidate) -> Vec<(&'c Dependency, PackageKey)> {
    let needed = candidate.dependencies.iter().filter(|edge| !edge.optional);
    let meant = needed.filter_map(|edge| match rules.meaning(&edge.name, origin) {
        Meaning::Plugin(key) => Some((edge, key)),
        Meaning::Alias | Meaning::Nowhere => None,
    });
    meant.collect()
}
