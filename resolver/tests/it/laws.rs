//! What holds for every universe.

use std::collections::BTreeSet;

use mfp_model::requirement::Requirement;
use mfp_resolver::{Candidate, Catalog, Dependency, Origin, PackageKey, Request, Resolution, Root, Speculation, Unresolved, resolve};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::oracle::{Assignment, Oracle};
use crate::universe::{candidate, name_of, shuffled, universe};
use crate::{gather, look_up};

fn assignment<'w>(resolution: &Resolution, world: &'w Catalog) -> Assignment<'w> {
    let chosen = resolution.plugins.iter().map(|(entry, plugin)| {
        let candidate = world.candidate(&plugin.key(), &plugin.version).expect("what's chosen exists");
        (entry.clone(), (plugin.key(), candidate))
    });
    chosen.collect()
}

/// How many universes of each kind a law is tried on.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20_000, ..ProptestConfig::default() }
}

/// An answer is right if the oracle says so, whichever it is.
fn is_right(request: &Request, world: &Catalog, answer: &Result<Resolution, Unresolved>) -> Result<(), TestCaseError> {
    let oracle = Oracle::new(request, world);
    match answer {
        Ok(resolution) => prop_assert!(oracle.is_resolution(&assignment(resolution, world)), "not a resolution: {:#?}", resolution),
        Err(Unresolved::Missing(names)) => prop_assert!(false, "everything is known, and yet missing: {:?}", names),
        Err(Unresolved::Budget { .. } | Unresolved::Cancelled | Unresolved::UnequalRoots { .. }) => prop_assert!(false, "{:?}", answer),
        Err(error) => {
            let found = oracle.find(&|_| true);
            prop_assert!(found.is_none(), "{:#?}\nbut there is {:#?}", error, found);
        }
    }
    if let Err(Unresolved::Conflict(conflict)) = answer {
        let roots = conflict.roots.iter().map(|root| root.entry.clone()).collect();
        prop_assert!(
            !Oracle { roots: Some(roots), ..Oracle::new(request, world) }.any(),
            "the lines named don't exclude each other: {:#?}",
            conflict
        );
        for hint in &conflict.hints {
            let admitted = Some((hint.entry.clone(), hint.version.clone()));
            let takes = |chosen: &Assignment<'_>| chosen.get(&hint.entry).is_some_and(|(_, candidate)| candidate.version == hint.version);
            prop_assert!(
                Oracle { admitted, ..Oracle::new(request, world) }.find(&takes).is_some(),
                "a hint that doesn't help: {:#?}",
                hint
            );
        }
        let without_policy = Oracle { without_policy: true, ..Oracle::new(request, world) };
        prop_assert_eq!(conflict.only_policy, without_policy.any());
        prop_assert!(!conflict.sentences.is_empty() && conflict.sentences.len() <= 12, "{:#?}", conflict);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn the_oracle_agrees(universe in universe()) {
        let world = universe.catalog();
        is_right(&universe.request, &world, &resolve(&universe.request, &world))?;
    }
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn a_walk_that_goes_on_with_every_answer_reaches_what_one_in_rounds_does(universe in universe(), turns in prop::collection::vec(any::<Index>(), 1..40)) {
        let world = universe.catalog();
        let (mut catalog, mut walk) = (Catalog::new(), Speculation::new(&universe.request));
        let mut in_rounds = BTreeSet::new();
        loop {
            let lacking = walk.lacking(&catalog);
            if lacking.is_empty() {
                break;
            }
            in_rounds.extend(lacking.iter().cloned());
            look_up(&mut catalog, &world, lacking);
        }
        let (mut catalog, mut walk) = (Catalog::new(), Speculation::new(&universe.request));
        let mut waiting: Vec<PackageKey> = walk.lacking(&catalog).into_iter().collect();
        let mut one_by_one = BTreeSet::new();
        let mut turns = turns.iter().cycle();
        while !waiting.is_empty() {
            let key = waiting.swap_remove(turns.next().expect("a cycle doesn't end").index(waiting.len()));
            prop_assert!(one_by_one.insert(key.clone()), "{key} was named twice");
            look_up(&mut catalog, &world, [key.clone()].into());
            waiting.extend(walk.learned(&catalog, vec![key]));
        }
        prop_assert!(walk.lacking(&catalog).is_empty());
        prop_assert_eq!(one_by_one, in_rounds);
    }

    #[test]
    fn asking_for_names_gives_the_answer_of_a_full_catalog(universe in universe()) {
        let world = universe.catalog();
        let full = resolve(&universe.request, &world);
        prop_assert_eq!(&gather(&universe.request, &world, false).0, &full);
        prop_assert_eq!(&gather(&universe.request, &world, true).0, &full);
    }

    #[test]
    fn the_order_of_what_is_told_never_matters(universe in universe(), by in prop::collection::vec(any::<Index>(), 1..8)) {
        let other = shuffled(&universe, &by);
        prop_assert_eq!(resolve(&other.request, &other.catalog()), resolve(&universe.request, &universe.catalog()));
    }

    #[test]
    fn an_answer_as_preferences_gives_itself(universe in universe()) {
        let world = universe.catalog();
        if let Ok(first) = resolve(&universe.request, &world) {
            let again = Request { preferences: first.versions(), ..universe.request.clone() };
            prop_assert_eq!(resolve(&again, &world), Ok(first));
        }
    }

    /// No rule looks at what else there is (there's no "a pre-release, if there's nothing else"), and an answer without the new
    /// version is still one: so this holds for all rules together, and a publication never breaks anybody's project.
    #[test]
    fn one_more_version_never_takes_an_answer_away(universe in universe(), more in candidate(), to in any::<Index>()) {
        if resolve(&universe.request, &universe.catalog()).is_ok() {
            let mut larger = universe.clone();
            let registered: Vec<usize> = (0..larger.world.len()).filter(|at| larger.world[*at].0.origin != Origin::Declared).collect();
            if !registered.is_empty() {
                let (_, candidates) = &mut larger.world[*to.get(&registered)];
                if candidates.iter().all(|known| known.version != more.version) {
                    candidates.push(more);
                }
            }
            let answer = resolve(&larger.request, &larger.catalog());
            prop_assert!(answer.is_ok(), "{answer:#?}");
        }
    }

    /// If there's any answer that moves nothing, nothing moves.
    #[test]
    fn adding_a_plugin_moves_nothing_that_may_stay(universe in universe(), added in 0usize..5, version in 0usize..3) {
        let world = universe.catalog();
        let added = name_of(["a", "b", "c", "d", "e"][added]);
        if universe.request.roots.iter().any(|root| root.entry == added) {
            return Ok(());
        }
        if let Ok(before) = resolve(&universe.request, &world) {
            let mut request = Request { preferences: before.versions(), ..universe.request.clone() };
            let requirement: Requirement = ["*", "^1", "^2"][version].parse().expect("a requirement");
            request.roots.push(Root { requirement, ..root(added.as_str()) });
            let kept = |chosen: &Assignment<'_>| before.plugins.values().all(|plugin| {
                chosen.get(&plugin.entry).is_some_and(|(key, candidate)| *key == plugin.key() && candidate.version == plugin.version)
            });
            let after = resolve(&request, &world);
            is_right(&request, &world, &after)?;
            if Oracle::new(&request, &world).find(&kept).is_some() {
                let after = after.expect("the oracle has an answer");
                prop_assert!(kept(&assignment(&after, &world)), "{before:#?}\nbecame {after:#?}");
            }
        }
    }
}

/// What makes a lazy answer that of a full catalog: not even a version that was given up for another reason may have needed
/// something unknown, since knowing it might have sent the search another way.
#[test]
fn a_search_that_met_an_unknown_name_has_no_answer() {
    let key = |name: &str| PackageKey::in_registry(name_of(name), "default".parse().expect("a name"));
    let version = |text: &str| Candidate::new(text.parse().expect("a version"));
    let edge = |name: &str, requirement: &str| Dependency {
        name: name_of(name),
        requirement: requirement.parse().expect("a requirement"),
        optional: false,
    };
    let mut newest = version("1.1.0");
    newest.dependencies = vec![edge("unknown", "*"), edge("leaf", "^9")];
    let mut catalog = Catalog::new();
    catalog.insert(key("app"), vec![version("1.0.0"), newest]);
    catalog.insert(key("leaf"), vec![version("1.0.0")]);
    let request = Request { roots: vec![root("app")], ..Request::default() };
    assert_eq!(resolve(&request, &catalog), Err(Unresolved::Missing([key("unknown")].into())));
    catalog.insert_not_found(key("unknown"));
    let versions = resolve(&request, &catalog).map(|resolution| resolution.versions());
    assert_eq!(versions, Ok([(name_of("app"), version("1.0.0").version)].into()));
}

#[test]
fn a_resolution_remembers_whose_group_asked() {
    let key = |name: &str| PackageKey::in_registry(name_of(name), "default".parse().expect("a name"));
    let mut catalog = Catalog::new();
    for name in ["a", "b", "c"] {
        catalog.insert(key(name), vec![Candidate::new("1.0.0".parse().expect("a version"))]);
    }
    let grouped = |name: &str, group: &str| Root { group: Some(group.parse().expect("a name")), ..root(name) };
    let roots = vec![root("a"), grouped("b", "load"), grouped("b", "smoke"), grouped("c", "load"), root("c")];
    let resolution = resolve(&Request { roots, ..Request::default() }, &catalog).expect("an answer");
    let groups = |name: &str| resolution.plugins[&name_of(name)].groups.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!((groups("a"), groups("b"), groups("c")), (vec![], vec!["load".to_owned(), "smoke".to_owned()], vec![]));
}

fn root(name: &str) -> Root {
    let origin = Origin::Registry("default".parse().expect("a name"));
    let (entry, package) = (name_of(name), name_of(name));
    Root { entry, package, alias: false, origin, requirement: Requirement::any(), line: None, group: None }
}

#[test]
fn a_search_ends_with_its_budget_and_names_who_it_fought_over() {
    let (request, world) = hard();
    let request = Request { max_decisions: 50, ..request };
    let answer = resolve(&request, &world);
    let Err(Unresolved::Budget { decisions, fought }) = answer else { panic!("{answer:?}") };
    assert!(decisions >= 50 && !fought.is_empty() && fought.len() <= 5, "{decisions} {fought:?}");
}

#[test]
fn a_search_ends_when_it_is_cancelled() {
    let (request, world) = hard();
    let answer = mfp_resolver::resolve_unless(&request, &world, &|| true);
    assert_eq!(answer, Err(Unresolved::Cancelled));
}

/// Pigeons: each of `n` plugins needs one of `n - 1` holes for itself.
fn hard() -> (Request, Catalog) {
    let key = |name: &str| PackageKey::in_registry(name_of(name), "default".parse().expect("a name"));
    let (pigeons, mut world, mut request) = (9u64, Catalog::new(), Request::default());
    for pigeon in 0..pigeons {
        let holes = (1..pigeons).map(|hole| {
            let mut candidate = Candidate::new(mfp_model::version::Version::new(hole, 0, 0));
            candidate.dependencies = vec![Dependency {
                name: name_of(&format!("hole{hole}")),
                requirement: format!("={}.0.0", pigeon + 1).parse().expect("a requirement"),
                optional: false,
            }];
            candidate
        });
        let name = format!("pigeon{pigeon}");
        world.insert(key(&name), holes.collect());
        request.roots.push(root(&name));
    }
    for hole in 1..pigeons {
        let versions = (1..=pigeons).map(|version| Candidate::new(mfp_model::version::Version::new(version, 0, 0)));
        world.insert(key(&format!("hole{hole}")), versions.collect());
    }
    (request, world)
}
