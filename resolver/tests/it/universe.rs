//! Small universes with everything in them: two registries, aliases, folders, optional edges, circles, all exclusions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::requirement::Requirement;
use mfp_model::version::Version;
use mfp_resolver::{Candidate, Catalog, Dependency, Held, MinReleaseAge, Origin, Override, PackageKey, Request, Root, Strategy as Order};
use proptest::prelude::*;
use proptest::sample::{Index, select};

#[derive(Debug, Clone)]
pub(crate) struct Universe {
    pub(crate) world: Vec<(PackageKey, Vec<Candidate>)>,
    pub(crate) request: Request,
}

impl Universe {
    /// All of it; names that nobody made are known not to exist.
    pub(crate) fn catalog(&self) -> Catalog {
        let mut catalog = Catalog::new();
        for name in NAMES {
            for registry in REGISTRIES {
                catalog.insert_not_found(PackageKey::in_registry(name_of(name), registry_of(registry)));
            }
        }
        for (key, candidates) in &self.world {
            catalog.insert(key.clone(), candidates.clone());
        }
        catalog
    }
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const REGISTRIES: [&str; 2] = ["default", "corp"];
const VERSIONS: [&str; 6] = ["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0-rc.1", "2.0.0", "3.0.0"];
const REQUIREMENTS: [&str; 10] = ["*", "^1", "^2", ">=1.1", "<2", ">=1.1, <3", "=1.0.0", "=2.0.0-rc.1", "^1.2.0-rc.1", ">=2.0.0-rc.1"];
const HOSTS: [&str; 3] = [">=0.3", ">=0.3, <2", "<1"];

pub(crate) fn name_of(text: &str) -> PluginName {
    text.parse().expect("a name")
}

fn registry_of(text: &str) -> RegistryName {
    text.parse().expect("a registry's name")
}

fn requirement_of(text: &str) -> Requirement {
    text.parse().expect("a requirement")
}

fn name() -> impl Strategy<Value = PluginName> {
    select(&NAMES[..]).prop_map(name_of)
}

fn requirement() -> impl Strategy<Value = Requirement> {
    prop_oneof![3 => Just("*"), 5 => select(&REQUIREMENTS[..])].prop_map(requirement_of)
}

fn rarely<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.12, value)
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400).expect("a day")
}

fn edge() -> impl Strategy<Value = Dependency> {
    (name(), requirement(), prop::bool::weighted(0.3)).prop_map(|(name, requirement, optional)| Dependency { name, requirement, optional })
}

fn held() -> impl Strategy<Value = Held> {
    any::<bool>().prop_map(|by_policy| Held { reason: "is held".to_owned(), setting: None, by_policy })
}

pub(crate) fn candidate() -> impl Strategy<Value = Candidate> {
    let version = select(&VERSIONS[..]).prop_map(|text| text.parse::<Version>().expect("a version"));
    let edges = prop::collection::vec(edge(), 0..3);
    let host = rarely(select(&HOSTS[..]).prop_map(requirement_of));
    (version, edges, host, rarely((0i64..20).prop_map(day)), rarely(Just("why".to_owned())), rarely(held())).prop_map(
        |(version, mut dependencies, mockforge, published, yanked, held)| {
            dependencies.sort();
            dependencies.dedup_by(|a, b| a.name == b.name);
            Candidate { version, dependencies, mockforge, published, yanked, held }
        },
    )
}

fn plugin() -> impl Strategy<Value = Option<Vec<Candidate>>> {
    prop_oneof![1 => Just(None), 6 => prop::collection::vec(candidate(), 1..4).prop_map(Some)]
}

#[derive(Debug, Clone)]
enum Kind {
    Plain(&'static str),
    Alias(PluginName, &'static str),
    Declared(Box<Candidate>),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        8 => Just(Kind::Plain("default")),
        2 => Just(Kind::Plain("corp")),
        1 => (name(), select(&REGISTRIES[..])).prop_map(|(name, registry)| Kind::Alias(name, registry)),
        1 => candidate().prop_map(|candidate| Kind::Declared(Box::new(candidate))),
    ]
}

fn roots() -> impl Strategy<Value = BTreeMap<PluginName, (Kind, Requirement)>> {
    prop::collection::btree_map(name(), (kind(), requirement()), 1..4)
}

fn rules() -> impl Strategy<Value = Request> {
    let overrides = prop::collection::btree_map(name(), requirement(), 0..2);
    let preferences = prop::collection::btree_map(name(), select(&VERSIONS[..]).prop_map(|text| text.parse().expect("a version")), 0..3);
    let host = rarely(select(&HOSTS[..]).prop_map(requirement_of));
    let age = rarely(prop::collection::btree_set(name(), 0..2));
    (overrides, preferences, host, age, prop::bool::weighted(0.2), prop::bool::weighted(0.8)).prop_map(
        |(overrides, preferences, host, age, lowest, registry)| Request {
            overrides: overrides.into_iter().map(|(name, requirement)| (name, Override { requirement, line: None })).collect(),
            preferences,
            host,
            min_release_age: age
                .map(|except| MinReleaseAge { cutoff: Some(day(10)), except, ..MinReleaseAge::default() })
                .unwrap_or_default(),
            strategy: if lowest { Order::Lowest } else { Order::Highest },
            default_registry: registry.then(|| registry_of("default")),
            ..Request::default()
        },
    )
}

pub(crate) fn universe() -> impl Strategy<Value = Universe> {
    let plugins = prop::collection::vec(plugin(), NAMES.len() * REGISTRIES.len());
    (plugins, roots(), rules()).prop_map(|(plugins, roots, mut request)| {
        let keys =
            REGISTRIES.iter().flat_map(|registry| NAMES.iter().map(|name| PackageKey::in_registry(name_of(name), registry_of(registry))));
        let mut world: Vec<(PackageKey, Vec<Candidate>)> =
            keys.zip(plugins).filter_map(|(key, candidates)| candidates.map(|candidates| (key, candidates))).collect();
        for (entry, (kind, requirement)) in roots {
            let (package, alias, origin, requirement) = match kind {
                Kind::Plain(registry) => (entry.clone(), false, Origin::Registry(registry_of(registry)), requirement),
                Kind::Alias(package, registry) => (package, true, Origin::Registry(registry_of(registry)), requirement),
                Kind::Declared(candidate) => {
                    world.push((PackageKey { name: entry.clone(), origin: Origin::Declared }, vec![*candidate]));
                    (entry.clone(), false, Origin::Declared, Requirement::any())
                }
            };
            request.roots.push(Root { entry, package, alias, origin, requirement, line: None, group: None });
        }
        // Of candidates with an equal version the first stays: make them different, so that order can't matter.
        for (_, candidates) in &mut world {
            candidates.sort_by(|a, b| a.version.cmp(&b.version));
            candidates.dedup_by(|a, b| a.version == b.version);
        }
        Universe { world, request }
    })
}

/// The same universe told in another order.
pub(crate) fn shuffled(universe: &Universe, by: &[Index]) -> Universe {
    let mut other = universe.clone();
    for (number, index) in by.iter().copied().enumerate() {
        rotate(&mut other.world, index);
        rotate(&mut other.request.roots, index);
        let count = other.world.len().max(1);
        if let Some((_, candidates)) = other.world.get_mut(number % count) {
            rotate(candidates, index);
            for candidate in candidates {
                candidate.dependencies.reverse();
            }
        }
    }
    other
}

fn rotate<T>(items: &mut [T], by: Index) {
    if !items.is_empty() {
        items.rotate_left(by.index(items.len()));
        items.swap(0, by.index(items.len()));
    }
}
