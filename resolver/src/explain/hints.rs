//! What would have helped? Excluded candidates, let in one at a time to see whether they solve it.

use std::collections::BTreeSet;

use mfp_model::requirement::VersionRange;
use mfp_model::version::Version;

use super::MAX_DECISIONS;
use super::cause::Cause;
use super::words::Words;
use crate::catalog::{Candidate, Entry, Origin};
use crate::error::{Exclusion, Hint, Unresolved};
use crate::rules::Admitted;
use crate::search::{Node, Plugin, Proof, Search, plugin_of};
use crate::settle::{Settled, settle};

/// How many candidates are tried.
const MAX_TRIES: usize = 24;
/// How many hints are given.
const MAX_HINTS: usize = 5;
/// How many of them about one plugin.
const MAX_OF_ONE: usize = 2;

/// The excluded candidates that would have solved it, those nearest to the cause first, newest first.
pub(super) fn hints(
    question: &Search<'_, '_>,
    words: &Words<'_, '_>,
    proof: &Proof<'_>,
    causes: &[Cause],
) -> Result<Vec<Hint>, Unresolved> {
    let near: BTreeSet<u32> = causes.iter().flat_map(Cause::plugins).collect();
    let others = (0u32..).take(proof.nodes.len()).filter(|id| !near.contains(id));
    let plugins = near.iter().copied().chain(others).filter_map(|id| plugin_of(&proof.nodes, id).map(|plugin| (id, plugin)));
    let mut hints: Vec<Hint> = Vec::new();
    let mut tries = 0;
    for (id, plugin) in plugins {
        let wanted = required(words, proof, id, plugin);
        let mut of_this = 0;
        for candidate in words.known(plugin).iter().rev().filter(|it| wanted.iter().any(|range| range.contains(&it.version))) {
            let excluded = question.rules.exclusions(&plugin.entry, &plugin.key, candidate);
            if excluded.is_empty() {
                continue;
            }
            if tries == MAX_TRIES || hints.len() == MAX_HINTS || of_this == MAX_OF_ONE {
                break;
            }
            tries += 1;
            if solves(question, &Admitted::One(plugin.entry.clone(), candidate.version.clone()), Some((plugin, &candidate.version)))? {
                of_this += 1;
                hints.push(hint(question, words, plugin, candidate, excluded));
            }
        }
    }
    Ok(hints)
}

/// Is policy all that stands in the way?
pub(super) fn only_policy(question: &Search<'_, '_>) -> Result<bool, Unresolved> {
    let held = |candidate: &Candidate| candidate.held.as_ref().is_some_and(|held| held.by_policy);
    let any = question.catalog.iter().any(|(_, entry)| matches!(entry, Entry::Candidates(all) if all.iter().any(held)));
    if !any {
        return Ok(false);
    }
    solves(question, &Admitted::HeldByPolicy, None)
}

/// Is there a resolution with them let in, and does it take the one that's in question?
fn solves(question: &Search<'_, '_>, admitted: &Admitted, taken: Option<(&Plugin<'_>, &Version)>) -> Result<bool, Unresolved> {
    let with = Search { admitted, max_decisions: MAX_DECISIONS, ..*question };
    match settle(&with) {
        Settled::Found(picks) => Ok(taken.is_none_or(|(plugin, version)| {
            picks.iter().any(|pick| pick.entry == plugin.entry && pick.key == plugin.key && pick.candidate.version == *version)
        })),
        Settled::Nothing { .. } | Settled::Open(Unresolved::Budget { .. }) => Ok(false),
        Settled::Open(open) => Err(open),
    }
}

/// All that anybody in the proof requires of a plugin.
fn required(words: &Words<'_, '_>, proof: &Proof<'_>, id: u32, plugin: &Plugin<'_>) -> Vec<VersionRange> {
    let mut requirements = BTreeSet::new();
    for fact in proof.facts() {
        let about = match proof.nodes.get(fact.to as usize) {
            Some(Node::Slot(of)) => *of,
            _ => fact.to,
        };
        if about != id {
            continue;
        }
        match plugin_of(&proof.nodes, fact.from) {
            None => requirements.extend(words.rules.declared.get(&plugin.entry).map(|it| it.requirement.clone())),
            Some(source) => {
                let count = u32::try_from(source.candidates.len()).unwrap_or(u32::MAX);
                let candidates = fact.when.indexes(count).filter_map(|index| source.candidates.get(index as usize));
                let edges = candidates.flat_map(|it| &it.dependencies).filter(|edge| edge.name == plugin.entry);
                requirements.extend(edges.map(|edge| edge.requirement.clone()));
            }
        }
    }
    requirements.iter().map(|requirement| words.rules.effective(&plugin.entry, requirement).range().clone()).collect()
}

fn hint(question: &Search<'_, '_>, words: &Words<'_, '_>, plugin: &Plugin<'_>, candidate: &Candidate, excluded: Vec<Exclusion>) -> Hint {
    let command = command(question, plugin, &candidate.version, &excluded);
    let reasons: Vec<String> = excluded.iter().map(|it| words.reason(it)).collect();
    let subject = format!("{} {} would solve it, but {}", plugin.entry, candidate.version, reasons.join(", and "));
    let text = match &command {
        Some(command) => format!("{subject};\n`{command}` takes it anyway"),
        None => subject,
    };
    Hint { entry: plugin.entry.clone(), version: candidate.version.clone(), excluded, command, text }
}

/// What takes a version in spite of why it was excluded, if anything that's typed does.
fn command(question: &Search<'_, '_>, plugin: &Plugin<'_>, version: &Version, excluded: &[Exclusion]) -> Option<String> {
    let rules = question.rules;
    let Origin::Registry(registry) = &plugin.key.origin else { return None };
    let named = excluded.iter().all(|it| matches!(it, Exclusion::TooNew { .. } | Exclusion::Prerelease));
    if named && rules.request.overrides.contains_key(&plugin.entry) {
        return None;
    }
    if named {
        let elsewhere = (rules.request.default_registry.as_ref() != Some(registry)).then(|| format!(" --registry {registry}"));
        let renamed = (plugin.key.name != plugin.entry).then(|| format!(" --rename {}", plugin.entry));
        let (elsewhere, renamed) = (elsewhere.unwrap_or_default(), renamed.unwrap_or_default());
        return Some(format!("mfp add {}@{version}{elsewhere}{renamed}", plugin.key.name));
    }
    let locked = excluded.iter().all(|it| matches!(it, Exclusion::TooNew { .. } | Exclusion::Yanked { .. }));
    locked.then(|| format!("mfp update {} --precise {version}", plugin.entry))
}
