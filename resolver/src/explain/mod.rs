//! Why is there no resolution, in a person's words?
//!
//! A proof by resolution is complete and unreadable: hundreds of lines about versions nobody thinks of. What a person needs
//! is one cause: which of the project's own lines exclude each other, one shortest chain of facts from them to where they
//! clash, and what would help. So the project's lines are reduced until each is needed (by searching again without one),
//! the facts of the remaining proof are searched for the nearest clash (`cause`), and each excluded candidate that
//! could have helped is let in for once, to see whether it does (`hints`). The whole proof is kept for those who ask
//! (`words`).
//!
//! Nothing here guesses: who is named as excluding whom was found to do so by a search, and a hint was tried. All of it
//! works over the same catalog; if a name is missing for it, that's asked for as for any search.

mod cause;
mod hints;
mod words;

use std::cell::Cell;
use std::collections::BTreeSet;

use mfp_model::name::PluginName;

use crate::error::{AliasTaken, Conflict, NotFound, Unresolved, Wanted};
use crate::provider::search;
use crate::search::{Enforced, Node, Outcome, Proof, Search};
use crate::settle::Blame;
use cause::Cause;
use words::Words;

/// How many decisions a search may take that's made for the sake of an explanation.
const MAX_DECISIONS: u64 = 20_000;
/// How many searches may be made to reduce the project's lines.
const MAX_REDUCTIONS: usize = 48;

/// Explain a search that found nothing.
pub(crate) fn explain<'a>(question: &Search<'_, 'a>, proof: Proof<'a>, enforced: &Enforced, mut blame: Blame) -> Unresolved {
    if let Some(beyond_versions) = beyond_versions(question, &proof, &mut blame) {
        return beyond_versions;
    }
    of_versions(question, proof, enforced).unwrap_or_else(|unresolved| unresolved)
}

/// Rules beyond versions that the proof needs; the first kind that occurs is what's told.
fn beyond_versions(question: &Search<'_, '_>, proof: &Proof<'_>, blame: &mut Blame) -> Option<Unresolved> {
    let needed: BTreeSet<u32> = proof.facts().map(|fact| fact.to).collect();
    let helpers = || needed.iter().filter_map(|id| proof.nodes.get(*id as usize));
    let aliases = helpers().filter_map(|node| if let Node::Alias(name) = node { Some(name) } else { None });
    if let Some((name, chain)) = aliases.min().and_then(|name| blame.aliases.remove_entry(name)) {
        let declared = question.rules.declared.get(&name)?;
        let (alias, package) = (question.rules.wanted(&name, declared), declared.package.clone());
        return Some(Unresolved::AliasTaken(Box::new(AliasTaken { alias, package, chain })));
    }
    let sources = helpers().filter_map(|node| if let Node::Source(name, _) = node { Some(name) } else { None });
    if let Some(two) = sources.min().and_then(|name| blame.sources.remove(name)) {
        return Some(Unresolved::TwoSources(Box::new(two)));
    }
    let circles = helpers().filter_map(|node| if let Node::Circle(number) = node { Some(*number) } else { None });
    let first = circles.min().filter(|number| *number < blame.circles.len())?;
    Some(Unresolved::Cycle(Box::new(blame.circles.swap_remove(first))))
}

fn of_versions<'a>(question: &Search<'_, 'a>, proof: Proof<'a>, enforced: &Enforced) -> Result<Unresolved, Unresolved> {
    let (roots, proof) = reduce(question, proof, enforced)?;
    let (causes, whole) = cause::causes(&proof);
    let words = Words { rules: question.rules, catalog: question.catalog, nodes: &proof.nodes };
    if let Some(Cause::End(way)) = causes.first()
        && let Some((key, chain)) = words.not_found(way)
    {
        return Ok(Unresolved::NotFound(Box::new(NotFound { key, chain })));
    }
    let wanted = wanted(question, &roots);
    let hints = hints::hints(question, &words, &proof, &causes)?;
    let only_policy = hints::only_policy(question)?;
    let (sentences, conclusion) = words.told(&causes, whole, &proof, &wanted);
    let proof = words.proof(&proof);
    Ok(Unresolved::Conflict(Box::new(Conflict { roots: wanted, sentences, conclusion, hints, proof, only_policy })))
}

/// The project's lines in the manifest's order.
fn wanted(question: &Search<'_, '_>, roots: &BTreeSet<PluginName>) -> Vec<Wanted> {
    let declared = roots.iter().filter_map(|entry| question.rules.declared.get_key_value(entry));
    let mut wanted: Vec<Wanted> = declared.map(|(entry, declared)| question.rules.wanted(entry, declared)).collect();
    wanted.sort_by(|a, b| (a.line.is_none(), a.line, &a.entry).cmp(&(b.line.is_none(), b.line, &b.entry)));
    wanted
}

/// Take away the project's lines that the failure doesn't need: those that remain exclude each other.
fn reduce<'a>(question: &Search<'_, 'a>, proof: Proof<'a>, enforced: &Enforced) -> Result<(BTreeSet<PluginName>, Proof<'a>), Unresolved> {
    let mut roots = proof.roots();
    let mut proof = proof;
    let near: BTreeSet<PluginName> = cause::causes(&proof).0.iter().flat_map(|cause| cause.roots(&proof)).collect();
    if near.len() < roots.len()
        && let Some(shorter) = still_nothing(question, &near, enforced)?
    {
        (roots, proof) = (near, shorter);
    }
    for root in roots.clone().into_iter().take(MAX_REDUCTIONS) {
        if roots.len() <= 1 || !roots.contains(&root) {
            continue;
        }
        let mut fewer = roots.clone();
        fewer.remove(&root);
        if let Some(shorter) = still_nothing(question, &fewer, enforced)? {
            // The proof may need even fewer lines than it was given.
            (roots, proof) = (shorter.roots(), shorter);
        }
    }
    Ok((roots, proof))
}

/// A proof that these lines of the project alone can't be had, if that can be found out quickly.
fn still_nothing<'a>(
    question: &Search<'_, 'a>,
    roots: &BTreeSet<PluginName>,
    enforced: &Enforced,
) -> Result<Option<Proof<'a>>, Unresolved> {
    let fewer = Search { roots: Some(roots), max_decisions: MAX_DECISIONS, ..*question };
    match search(&fewer, enforced, &Cell::new(0)) {
        Outcome::NoSolution(proof) => Ok(Some(*proof)),
        Outcome::Solved(_) | Outcome::Budget { .. } => Ok(None),
        Outcome::Missing(names) => Err(Unresolved::Missing(names)),
        Outcome::Cancelled => Err(Unresolved::Cancelled),
    }
}
