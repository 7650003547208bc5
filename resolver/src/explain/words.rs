//! How is it said? Facts, ways and proofs in plain words about the user's own names.

use std::collections::BTreeSet;

use jiff::Timestamp;
use mfp_model::requirement::Requirement;
use mfp_model::version::Version;

use super::cause::{Cause, Hop, Way};
use crate::catalog::{Candidate, Catalog, Dependency, Entry, PackageKey};
use crate::error::{Chain, Exclusion, Link, Wanted, list};
use crate::rules::Rules;
use crate::search::{Fact, Knowledge, Node, Plugin, Proof, Step, plugin_of};
use crate::versions::Versions;

/// How many facts are told where no single clash explains the failure.
const MAX_FACTS: usize = 10;
/// How many existing versions are listed.
const MAX_LISTED: usize = 3;

pub(super) struct Words<'w, 'a> {
    pub(super) rules: &'a Rules<'a>,
    pub(super) catalog: &'a Catalog,
    pub(super) nodes: &'w [Node<'a>],
}

impl<'w, 'a> Words<'w, 'a> {
    fn plugin(&self, id: u32) -> Option<&'w Plugin<'a>> {
        plugin_of(self.nodes, id)
    }

    /// All that the catalog has of a plugin, excluded ones too.
    pub(super) fn known(&self, plugin: &Plugin<'_>) -> &'a [Candidate] {
        match self.catalog.get(&plugin.key) {
            Some(Entry::Candidates(all)) => all,
            Some(Entry::NotFound) | None => &[],
        }
    }

    /// The sentences of some causes, and what follows from them.
    pub(super) fn told(&self, causes: &[Cause], whole: bool, proof: &Proof<'_>, roots: &[Wanted]) -> (Vec<String>, String) {
        let mut sentences: Vec<String> = causes.iter().flat_map(|cause| self.cause(cause, proof)).collect();
        let mut seen = BTreeSet::new();
        sentences.retain(|sentence| seen.insert(sentence.clone()));
        let mut conclusion = match roots {
            [one] => format!("{one} can't be had"),
            [one, other] => format!("{one} and {other} exclude each other"),
            several => format!("{} can't be had together", list(several)),
        };
        if !whole {
            conclusion.push_str("; no other version helps");
        }
        (sentences, conclusion)
    }

    fn cause(&self, cause: &Cause, proof: &Proof<'_>) -> Vec<String> {
        let way = match cause {
            Cause::Scattered => return self.scattered(proof),
            Cause::Clash(first, second) => return [first, second].into_iter().flat_map(|way| self.way(way)).collect(),
            Cause::End(way) => way,
        };
        match way.last().and_then(|hop| self.why_nothing(hop)) {
            // The project's own wish needs no repeating: it stands in what follows.
            Some(why) if way.len() == 1 => vec![why],
            why => self.way(way).into_iter().chain(why).collect(),
        }
    }

    /// The steps of a way; the project's own first one is said only where nothing follows from it.
    fn way(&self, way: &Way) -> Vec<String> {
        let told = if way.len() == 1 { way.as_slice() } else { way.get(1..).unwrap_or_default() };
        told.iter().map(|hop| self.hop(hop)).collect()
    }

    fn hop(&self, hop: &Hop) -> String {
        self.needs(hop.from, &hop.spoken_of(), hop.version, hop.to, &hop.needs, hop.optional)
    }

    fn needs(&self, from: u32, which: &Versions, version: u32, to: u32, needs: &Versions, optional: bool) -> String {
        let Some(target) = self.plugin(to) else { return String::new() };
        let Some(source) = self.plugin(from) else { return self.wish(target) };
        let subject = self.versions(from, which);
        let several = which.count() > 1;
        let verb = match (optional, several) {
            (true, false) => "works only with",
            (true, true) => "work only with",
            (false, false) => "depends on",
            (false, true) => "depend on",
        };
        format!("{subject} {verb} {}", self.required(source, which, version, target, to, needs, optional))
    }

    fn wish(&self, target: &Plugin<'_>) -> String {
        let Some(declared) = self.rules.declared.get(&target.entry) else { return String::new() };
        let wanted = self.rules.wanted(&target.entry, declared);
        match self.rules.request.overrides.get(&target.entry) {
            Some(it) => format!("your project overrides {} to {}", target.entry, it.requirement),
            None => format!("your project wants {wanted}"),
        }
    }

    /// What's required of the target, in the words of its dependents if they agree.
    #[expect(clippy::too_many_arguments, reason = "one private sentence")]
    fn required(
        &self,
        source: &Plugin<'_>,
        which: &Versions,
        version: u32,
        target: &Plugin<'_>,
        to: u32,
        needs: &Versions,
        optional: bool,
    ) -> String {
        if let Some(replaced) = self.rules.request.overrides.get(&target.entry) {
            return format!("{}, which your project overrides to {}", target.entry, replaced.requirement);
        }
        let texts = which.indexes(len(source.candidates.len())).filter_map(|index| requirement_on(source, index, target, optional));
        let mut texts: Vec<&Requirement> = texts.collect();
        texts.sort();
        texts.dedup();
        match texts.as_slice() {
            [one] => format!("{} {one}", target.entry),
            _ if needs.is_empty() => match requirement_on(source, version, target, optional) {
                Some(requirement) => format!("{} {requirement}", target.entry),
                None => target.entry.to_string(),
            },
            _ => self.versions(to, needs),
        }
    }

    /// Why the last step of a way has no candidate.
    fn why_nothing(&self, hop: &Hop) -> Option<String> {
        let target = self.plugin(hop.to).filter(|_| hop.from != hop.to)?;
        let requirement = self.requirement_of(hop)?;
        let (range, known) = (requirement.range(), self.known(target));
        let excluded = known.iter().rev().filter(|it| range.contains(&it.version));
        let excluded: Vec<String> = excluded.take(MAX_LISTED).map(|it| self.excluded(target, it)).collect();
        if !excluded.is_empty() {
            return Some(excluded.join(" and "));
        }
        let nothing = format!("no version of {} matches {requirement}", target.entry);
        Some(match listed(known, &requirement) {
            Some(there) => format!("{nothing} (there {there})"),
            None => format!("{} has no versions", target.entry),
        })
    }

    fn excluded(&self, plugin: &Plugin<'_>, candidate: &Candidate) -> String {
        let reasons = self.rules.exclusions(&plugin.entry, &plugin.key, candidate);
        let reasons: Vec<String> = reasons.iter().map(|reason| self.reason(reason)).collect();
        let why = if reasons.is_empty() { "doesn't fit".to_owned() } else { list(&reasons) };
        format!("{} {} {why}", plugin.entry, candidate.version)
    }

    /// A reason that continues "csv 2.1.0 ".
    pub(super) fn reason(&self, exclusion: &Exclusion) -> String {
        let age = &self.rules.request.min_release_age;
        match exclusion {
            Exclusion::Yanked { reason } if reason.is_empty() => "was yanked".to_owned(),
            Exclusion::Yanked { reason } => format!("was yanked (\"{}\")", shown(reason)),
            Exclusion::TooNew { published } => {
                let since = age.now.map_or_else(|| format!("on {published}"), |now| ago(*published, now));
                let setting = age.age.as_ref().map_or_else(|| "is later".to_owned(), |age| format!("is {age}"));
                format!("was published {since} and `min-release-age` {setting}")
            }
            Exclusion::Prerelease => "is a pre-release, and no requirement of your project names it".to_owned(),
            Exclusion::Host { project, plugin } => {
                format!("supports MockForge {plugin}, and your project's `mockforge` is {project}")
            }
            Exclusion::Held(held) => match &held.setting {
                Some(setting) => format!("{} (`{setting}`)", shown(&held.reason)),
                None => shown(&held.reason),
            },
        }
    }

    /// What the last step of a way requires, overrides applied.
    pub(super) fn requirement_of(&self, hop: &Hop) -> Option<Requirement> {
        let target = self.plugin(hop.to)?;
        let own = match self.plugin(hop.from) {
            None => self.rules.declared.get(&target.entry).map(|declared| &declared.requirement)?,
            Some(source) => requirement_on(source, hop.version, target, hop.optional)?,
        };
        Some(self.rules.effective(&target.entry, own).clone())
    }

    /// If a way ends at a plugin that doesn't exist: which, and who requires it.
    pub(super) fn not_found(&self, way: &Way) -> Option<(PackageKey, Chain)> {
        let target = self.plugin(way.last()?.to).filter(|target| target.knowledge == Knowledge::NotFound)?;
        let root = self.plugin(way.first()?.to)?;
        let declared = self.rules.declared.get(&root.entry)?;
        let links = way.get(1..)?.iter().filter_map(|hop| {
            let (source, target) = (self.plugin(hop.from)?, self.plugin(hop.to)?);
            Some(Link {
                plugin: source.entry.clone(),
                version: source.candidates.get(hop.version as usize)?.version.clone(),
                name: target.entry.clone(),
                requirement: requirement_on(source, hop.version, target, hop.optional)?.clone(),
                optional: hop.optional,
            })
        });
        Some((target.key.clone(), Chain { root: self.rules.wanted(&root.entry, declared), links: links.collect() }))
    }

    /// The facts of a proof, from the project on, where no single clash explains it.
    fn scattered(&self, proof: &Proof<'_>) -> Vec<String> {
        let facts: Vec<&Fact> = proof.facts().filter(|fact| self.plugin(fact.from).is_some()).collect();
        let mut told: Vec<String> = facts.iter().map(|fact| self.fact(fact)).filter(|text| !text.is_empty()).collect();
        let more = told.len().saturating_sub(MAX_FACTS);
        told.truncate(MAX_FACTS);
        if more > 0 {
            told.push(format!("{more} more such facts hold (`-v` shows them)"));
        }
        told
    }

    fn fact(&self, fact: &Fact) -> String {
        let newest = |which: &Versions| which.last().unwrap_or(0);
        match self.nodes.get(fact.to as usize) {
            Some(Node::Plugin(_)) => self.needs(fact.from, &fact.when, newest(&fact.when), fact.to, &fact.needs, false),
            Some(Node::Slot(plugin)) if *plugin == fact.from && !fact.needs.is_empty() => String::new(),
            Some(Node::Slot(plugin)) => self.needs(fact.from, &fact.when, newest(&fact.when), *plugin, &shifted(&fact.needs), true),
            _ => String::new(),
        }
    }

    /// `csv 2.0.0`, `csv 2.0.0 to 2.3.0`, `csv 1.0.0 and 2.0.0`.
    fn versions(&self, id: u32, which: &Versions) -> String {
        let Some(plugin) = self.plugin(id) else { return "your project".to_owned() };
        let count = len(plugin.candidates.len());
        let at = |index: u32| plugin.candidates.get(index as usize).map(|it| it.version.to_string()).unwrap_or_default();
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for index in which.indexes(count) {
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == index => *end = index,
                _ => runs.push((index, index)),
            }
        }
        let texts = runs.iter().map(|(start, end)| if start == end { at(*start) } else { format!("{} to {}", at(*start), at(*end)) });
        match texts.collect::<Vec<_>>().as_slice() {
            [] => format!("no version of {}", plugin.entry),
            texts => format!("{} {}", plugin.entry, list(texts)),
        }
    }

    /// The whole proof, a numbered line a step.
    pub(super) fn proof(&self, proof: &Proof<'_>) -> String {
        let mut numbers = vec![None; proof.steps.len()];
        let mut lines: Vec<String> = Vec::new();
        for (at, step) in proof.steps.iter().enumerate() {
            let text = match step {
                Step::Start => continue,
                Step::Fact(fact) => self.fact_or_helper(fact),
                Step::Derived { terms, causes } => {
                    let causes: Vec<String> =
                        causes.iter().filter_map(|cause| numbers[*cause]).map(|it: usize| format!("({it})")).collect();
                    let follows = self.terms(terms);
                    if causes.is_empty() { follows } else { format!("because of {}, {follows}", list(&causes)) }
                }
            };
            numbers[at] = Some(lines.len() + 1);
            lines.push(format!("({}) {text}.", lines.len() + 1));
        }
        lines.join("\n")
    }

    fn fact_or_helper(&self, fact: &Fact) -> String {
        let source = |name: &dyn std::fmt::Display| format!("{} settles where {name} comes from", self.versions(fact.from, &fact.when));
        match self.nodes.get(fact.to as usize) {
            Some(Node::Slot(plugin)) if *plugin == fact.from && !fact.needs.is_empty() => {
                format!("{} is what it is", self.versions(fact.from, &fact.when))
            }
            Some(Node::Source(name, _)) => source(name),
            Some(Node::Alias(name)) => format!("{} needs {name}, which is an alias", self.versions(fact.from, &fact.when)),
            Some(Node::Circle(_)) => format!("{} is a link of a circle", self.versions(fact.from, &fact.when)),
            _ => self.fact(fact),
        }
    }

    fn terms(&self, terms: &[(u32, bool, Versions)]) -> String {
        let of = |positive: bool| {
            let terms = terms.iter().filter(move |(id, sign, _)| *sign == positive && self.plugin(*id).is_some());
            terms.map(|(id, _, which)| self.versions(*id, which)).collect::<Vec<_>>()
        };
        match (of(true).as_slice(), of(false).as_slice()) {
            ([], []) => "your project can't have what it wants".to_owned(),
            ([one], []) => format!("{one} can't be had"),
            (several, []) => format!("{} can't be had together", list(several)),
            ([], needed) => format!("your project needs {}", list(needed)),
            (several, needed) => format!("{} can be had only with {}", list(several), needed.join(" or ")),
        }
    }
}

fn len(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn shifted(slot: &Versions) -> Versions {
    let end = slot.last().map_or(0, |last| last + 1);
    slot.indexes(end).filter_map(|index| index.checked_sub(1)).collect()
}

fn requirement_on<'c>(source: &Plugin<'c>, index: u32, target: &Plugin<'_>, optional: bool) -> Option<&'c Requirement> {
    let candidate: &'c Candidate = source.candidates.get(index as usize)?;
    let edges = candidate.dependencies.iter().filter(|edge: &&Dependency| edge.name == target.entry && edge.optional == optional);
    edges.map(|edge| &edge.requirement).next()
}

/// "is only 1.0.0", "are 2.1.0, 2.0.0 and 4 older; the nearest is 1.9.0"; none if there's nothing at all.
fn listed(known: &[Candidate], requirement: &Requirement) -> Option<String> {
    let versions: Vec<&Version> = known.iter().rev().map(|it| &it.version).collect();
    let mut shown: Vec<String> = versions.iter().take(MAX_LISTED).map(ToString::to_string).collect();
    let older = versions.len() - shown.len();
    if older > 0 {
        shown.push(format!("{older} older"));
    }
    let newest = *versions.first()?;
    let nearest = nearest(&versions, requirement).filter(|nearest| *nearest != newest);
    let nearest = nearest.map(|version| format!("; the nearest is {version}")).unwrap_or_default();
    let verb = if versions.len() == 1 { "is only" } else { "are" };
    Some(format!("{verb} {}{nearest}", list(&shown)))
}

/// The newest version below what's required, or else the oldest one above.
fn nearest<'v>(newest_first: &[&'v Version], requirement: &Requirement) -> Option<&'v Version> {
    let range = requirement.range();
    let (low, _) = range.bounding_range()?;
    let below = |version: &Version| match low {
        std::ops::Bound::Included(low) | std::ops::Bound::Excluded(low) => version < low,
        std::ops::Bound::Unbounded => false,
    };
    newest_first.iter().find(|version| below(version)).or_else(|| newest_first.last()).copied()
}

/// Text that came from outside, made safe for a terminal.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !mfp_model::text::is_control_or_bidi(*character)).collect()
}

/// `3 hours ago`.
fn ago(published: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(published).as_secs().max(0) / 60;
    let (count, unit) = match minutes {
        0..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}
