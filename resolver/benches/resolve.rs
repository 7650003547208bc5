//! How long does a decision take? `cargo bench -p mfp-resolver`.
//!
//! The graphs are made here, from a seed: plugins in layers, version counts with a long tail, hubs that many depend on,
//! caret requirements made as if each release had required what was current at its time, and "traps": newest releases
//! that require a major version with which the rest doesn't go. A hidden answer exists always.

use divan::{Bencher, black_box};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::requirement::Requirement;
use mfp_model::version::Version;
use mfp_resolver::{Candidate, Catalog, Dependency, Entry, Origin, PackageKey, Request, Root, resolve, speculate};

fn main() {
    divan::main();
}

#[divan::bench(args = [300, 1500])]
fn realistic(bencher: Bencher<'_, '_>, plugins: usize) {
    let (request, catalog) = graph(plugins, 0.05, 2);
    assert!(resolve(&request, &catalog).is_ok());
    bencher.bench_local(|| resolve(black_box(&request), black_box(&catalog)));
}

#[divan::bench(args = [300, 1500])]
fn locked(bencher: Bencher<'_, '_>, plugins: usize) {
    let (mut request, catalog) = graph(plugins, 0.05, 2);
    request.preferences = resolve(&request, &catalog).expect("there's an answer").versions();
    bencher.bench_local(|| resolve(black_box(&request), black_box(&catalog)));
}

#[divan::bench]
fn conflicts_300(bencher: Bencher<'_, '_>) {
    let (request, catalog) = graph(300, 0.5, 6);
    assert!(resolve(&request, &catalog).is_ok());
    bencher.bench_local(|| resolve(black_box(&request), black_box(&catalog)));
}

/// Two lines of the project exclude each other, deep down: the search, the reduction and the hints.
#[divan::bench]
fn explained_300(bencher: Bencher<'_, '_>) {
    let (mut request, mut catalog) = graph(300, 0.05, 2);
    catalog.insert(key("core"), vec![Candidate::new(Version::new(1, 0, 0)), Candidate::new(Version::new(2, 0, 0))]);
    for (side, requirement) in [("left", "^1"), ("right", "^2")] {
        let mut candidate = Candidate::new(Version::new(1, 0, 0));
        candidate.dependencies = vec![edge("core", requirement), edge("p0100", "*")];
        catalog.insert(key(side), vec![candidate]);
        request.roots.push(root(name(side), Requirement::any()));
    }
    assert!(resolve(&request, &catalog).is_err());
    bencher.bench_local(|| resolve(black_box(&request), black_box(&catalog)));
}

#[divan::bench]
fn speculated_1500(bencher: Bencher<'_, '_>) {
    let (request, catalog) = graph(1500, 0.05, 2);
    bencher.bench_local(|| speculate(black_box(&request), black_box(&catalog)));
}

#[divan::bench]
fn catalog_filled_1500(bencher: Bencher<'_, '_>) {
    let (_, catalog) = graph(1500, 0.05, 2);
    bencher
        .with_inputs(|| {
            catalog
                .iter()
                .map(|(key, entry)| match entry {
                    Entry::Candidates(candidates) => (key.clone(), candidates.clone()),
                    Entry::NotFound => (key.clone(), Vec::new()),
                })
                .collect::<Vec<_>>()
        })
        .bench_local_values(|all| {
            let mut catalog = Catalog::new();
            for (key, candidates) in all {
                catalog.insert(key, candidates);
            }
            catalog
        });
}

fn name(text: &str) -> PluginName {
    text.parse().expect("a name")
}

fn key(text: &str) -> PackageKey {
    PackageKey::in_registry(name(text), registry())
}

fn registry() -> RegistryName {
    "default".parse().expect("a name")
}

fn edge(to: &str, requirement: &str) -> Dependency {
    Dependency { name: name(to), requirement: requirement.parse().expect("a requirement"), optional: false }
}

fn root(entry: PluginName, requirement: Requirement) -> Root {
    Root { package: entry.clone(), entry, alias: false, origin: Origin::Registry(registry()), requirement, line: None, group: None }
}

/// Numbers that look random and are the same everywhere (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below 1.
    #[expect(clippy::cast_precision_loss, reason = "dice")]
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "dice")]
    fn below(&mut self, end: usize) -> usize {
        ((self.unit() * end as f64) as usize).min(end.saturating_sub(1))
    }
}

type Numbers = (u64, u64, u64);

/// What caret requirements keep apart.
fn compatible(a: Numbers, b: Numbers) -> bool {
    if a.0 > 0 { a.0 == b.0 } else { b.0 == 0 && a.1 == b.1 }
}

fn releases(dice: &mut Dice) -> Vec<Numbers> {
    let tail = (1.0 - dice.unit()).powf(-0.8).min(25.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count between 3 and 90")]
    let count = (tail * 3.6).round() as usize;
    let mut now = if dice.unit() < 0.12 { (0, 1, 0) } else { (1, 0, 0) };
    let mut all = vec![now];
    for _ in 1..count.max(1) {
        now = match dice.unit() {
            roll if roll < 0.07 => (now.0 + 1, 0, 0),
            roll if roll < 0.45 => (now.0, now.1 + 1, 0),
            _ => (now.0, now.1, now.2 + 1),
        };
        all.push(now);
    }
    all
}

/// Who depends on whom; numbers only grow, so there's no circle.
fn layers(dice: &mut Dice, plugins: usize, roots: usize) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new(); plugins];
    let hubs = plugins * 95 / 100;
    for to in roots..plugins {
        all[dice.below(to.min(hubs))].push(to);
    }
    for (from, to) in all.iter_mut().enumerate().take(plugins - 1) {
        while dice.unit() < 0.66 && to.len() < 14 {
            let next = if dice.unit() < 0.4 { hubs + dice.below(plugins - hubs) } else { from + 1 + dice.below(plugins - from - 1) };
            if next > from && !to.contains(&next) {
                to.push(next);
            }
        }
    }
    all
}

fn graph(plugins: usize, traps: f64, deepest: usize) -> (Request, Catalog) {
    let mut dice = Dice(plugins as u64);
    let roots = (plugins / 25).clamp(3, 40);
    let versions: Vec<Vec<Numbers>> = (0..plugins).map(|_| releases(&mut dice)).collect();
    let answer: Vec<usize> = versions
        .iter()
        .map(|all| {
            if all.len() > 2 && dice.unit() < traps { all.len() - 1 - (1 + dice.below(deepest.min(all.len() - 1))) } else { all.len() - 1 }
        })
        .collect();
    let layers = layers(&mut dice, plugins, roots);
    let mut catalog = Catalog::new();
    for (from, targets) in layers.iter().enumerate() {
        let candidates = (0..versions[from].len()).map(|at| release(&mut dice, &versions, &answer, from, at, targets));
        catalog.insert(key(&format!("p{from:04}")), candidates.collect());
    }
    let request = Request {
        roots: (0..roots).map(|at| root(name(&format!("p{at:04}")), first_compatible(&versions[at], answer[at]))).collect(),
        default_registry: Some(registry()),
        ..Request::default()
    };
    (request, catalog)
}

fn release(dice: &mut Dice, versions: &[Vec<Numbers>], answer: &[usize], from: usize, at: usize, targets: &[usize]) -> Candidate {
    let (major, minor, patch) = versions[from][at];
    let mut candidate = Candidate::new(Version::new(major, minor, patch));
    let trap = (at > answer[from]).then(|| dice.below(targets.len().max(1)));
    for (number, &to) in targets.iter().enumerate() {
        let all = &versions[to];
        // What was current then: as far along as this release is; never what the answer couldn't have.
        let current = if at >= answer[from] { answer[to] } else { (at * all.len() / versions[from].len()).min(answer[to]) };
        let other = all.iter().copied().find(|numbers| !compatible(all[answer[to]], *numbers));
        let requirement = match other.filter(|_| trap == Some(number)) {
            Some(numbers) => caret(numbers),
            None => some_compatible(dice, all, current),
        };
        candidate.dependencies.push(Dependency { name: name(&format!("p{to:04}")), requirement, optional: false });
    }
    candidate
}

fn caret((major, minor, patch): Numbers) -> Requirement {
    Requirement::caret(&Version::new(major, minor, patch))
}

fn first_compatible(all: &[Numbers], at: usize) -> Requirement {
    caret(all.iter().copied().find(|numbers| compatible(*numbers, all[at])).unwrap_or(all[at]))
}

fn some_compatible(dice: &mut Dice, all: &[Numbers], at: usize) -> Requirement {
    let compatible: Vec<Numbers> = all[..=at].iter().copied().filter(|numbers| compatible(*numbers, all[at])).collect();
    caret(compatible[dice.below(compatible.len())])
}
