//! Ask registries for as much as a decision needs, in rounds, each all at once; then decide.
//!
//! The resolver is pure over what is known. It names what it lacks; that is fetched, and it's asked again. In between, a
//! walk over the newest matches guesses what will be needed, so that a typical graph takes as many rounds of the network as
//! it has levels, and one solve.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mfp_model::index::IndexDocument;
use mfp_model::name::PluginName;
use mfp_resolver::{Candidate, Catalog, Dependency, Origin, PackageKey, Request, Resolution, Speculation, Unresolved, resolve_unless};

use crate::error::{Error, Result};
use crate::sources::{Registries, registry};

/// How long one search may take. What takes longer is a graph that somebody should look at.
const LONGEST_SEARCH: Duration = Duration::from_secs(20);

/// What's known so far: the catalog for the resolver, and the index documents behind it.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) catalog: Catalog,
    pub(crate) documents: BTreeMap<PackageKey, IndexDocument>,
}

/// How a candidate of a registry is shown to the resolver; the caller may hold some back.
pub(crate) type Adjust<'a> = &'a dyn Fn(&PackageKey, &mut Candidate);

impl Known {
    /// Gather and decide.
    pub(crate) async fn decide(
        &mut self,
        request: &Request,
        registries: &Registries<'_>,
        adjust: Adjust<'_>,
    ) -> Result<Resolution, Undecided> {
        let mut walk = Speculation::new(request);
        loop {
            let mut wanted = walk.lacking(&self.catalog);
            while !wanted.is_empty() {
                self.learn(wanted, registries, adjust).await?;
                wanted = walk.lacking(&self.catalog);
            }
            let started = Instant::now();
            match resolve_unless(request, &self.catalog, &|| started.elapsed() > LONGEST_SEARCH) {
                Ok(resolution) => return Ok(resolution),
                Err(Unresolved::Missing(names)) => self.learn(names, registries, adjust).await?,
                Err(unresolved) => return Err(Undecided::Unresolved(unresolved)),
            }
        }
    }

    /// Learn these names: those that are at hand on all cores, the others over the network, all at once.
    async fn learn(&mut self, names: BTreeSet<PackageKey>, registries: &Registries<'_>, adjust: Adjust<'_>) -> Result<()> {
        let mut elsewhere = Vec::new();
        for (key, document) in at_hand(names.into_iter().collect(), registries) {
            match document {
                Some(document) => self.keep(key, document?, adjust),
                None => elsewhere.push(key),
            }
        }
        let mut asked: FuturesUnordered<_> = elsewhere
            .into_iter()
            .map(async |key| {
                let Origin::Registry(name) = &key.origin else {
                    return Err(Error::bug(format!("{} is declared by the project, and isn't known", key.name)));
                };
                let document = registry(registries, name)?.index(&key.name).await?;
                Ok((key, document))
            })
            .collect();
        while let Some(answer) = asked.next().await {
            let (key, document) = answer?;
            match document {
                None => self.catalog.insert_not_found(key),
                Some(document) => self.keep(key, document, adjust),
            }
        }
        Ok(())
    }

    fn keep(&mut self, key: PackageKey, document: IndexDocument, adjust: Adjust<'_>) {
        let candidates = document.lines.iter().map(|line| {
            let mut candidate = candidate(line);
            adjust(&key, &mut candidate);
            candidate
        });
        self.catalog.insert(key.clone(), candidates.collect());
        self.documents.insert(key, document);
    }
}

/// Index documents that need no server, read and parsed on as many threads as there are cores.
fn at_hand(names: Vec<PackageKey>, registries: &Registries<'_>) -> Vec<(PackageKey, Option<Result<IndexDocument>>)> {
    let look = |key: PackageKey| {
        let document = match &key.origin {
            Origin::Registry(name) => registries.get(name).and_then(|client| client.index_at_hand(&key.name)),
            Origin::Declared => None,
        };
        (key, document)
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if names.len() < WORTH_A_THREAD * 2 || threads == 1 {
        return names.into_iter().map(look).collect();
    }
    let share = names.len().div_ceil(threads).max(WORTH_A_THREAD);
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            names.chunks(share).map(|share| scope.spawn(move || share.iter().cloned().map(look).collect::<Vec<_>>())).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("reading and parsing don't panic")).collect()
    })
}

/// So many documents are parsed in the time that it takes to start a thread.
const WORTH_A_THREAD: usize = 4;

/// Why there's no decision.
#[derive(Debug)]
pub(crate) enum Undecided {
    /// The resolver says so.
    Unresolved(Unresolved),
    /// Something couldn't be asked.
    Failed(Error),
}

impl From<Error> for Undecided {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn candidate(line: &mfp_model::index::IndexLine) -> Candidate {
    Candidate {
        version: line.version.clone(),
        dependencies: dependencies(&line.deps),
        mockforge: line.mockforge.clone(),
        published: Some(line.published),
        yanked: line.yanked.is_yanked().then(|| line.yanked.reason().unwrap_or_default().to_owned()),
        held: None,
    }
}

/// The model's dependencies as the resolver has them.
pub(crate) fn dependencies(of: &[mfp_model::plugin::Dependency]) -> Vec<Dependency> {
    of.iter()
        .map(|dependency| Dependency {
            name: dependency.name.clone(),
            requirement: dependency.requirement.clone(),
            optional: dependency.optional,
        })
        .collect()
}

/// The names of a registry's list that are near to one that isn't there.
pub(crate) async fn nearest_names(name: &PluginName, origin: &Origin, registries: &Registries<'_>) -> Vec<String> {
    let Origin::Registry(origin) = origin else { return Vec::new() };
    let Ok(client) = registry(registries, origin) else { return Vec::new() };
    // Only a hint: without a list there's none.
    let Ok(Some(list)) = client.search_list(name.as_str()).await else { return Vec::new() };
    let names = || list.iter().map(|entry| entry.name.as_str());
    let near = mfp_model::text::nearest_all(name.as_str(), names(), 3);
    // `auth-hmac` is far from `auth-hmac-token` by its letters, and yet it's plainly a part of it.
    let parts = names().filter(|known| name.as_str().len() >= 3 && known.contains(name.as_str())).take(3);
    let found: Vec<&str> = if near.is_empty() { parts.collect() } else { near };
    found.into_iter().map(str::to_owned).collect()
}
