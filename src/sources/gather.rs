//! Ask registries for as much as a decision needs, all at once; then decide.
//!
//! The resolver is pure over what is known. It names what it lacks; that is fetched, and it's asked again. In between, a
//! walk over the newest matches guesses what will be needed, and goes on with every answer, so that a typical graph takes as
//! many round trips as it's deep, and one solve.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use mfp_model::index::packed::{Packed, PackedLine, Repeated};
use mfp_model::name::PluginName;
use mfp_resolver::{Candidate, Catalog, Origin, PackageKey, Request, Resolution, Speculation, Unresolved, resolve_unless};

use crate::error::{Error, Result};
use crate::gate::Gate;
use crate::sources::registry::{Document, Shared};
use crate::sources::{Registries, registry};

/// How long one search may take. What takes longer is a graph that somebody should look at.
const LONGEST_SEARCH: Duration = Duration::from_secs(20);

/// What's known so far: the catalog for the resolver, and the index documents behind it, packed.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) catalog: Catalog,
    pub(crate) documents: BTreeMap<PackageKey, Shared>,
}

/// A document as it's kept, and what of it the resolver sees.
type Learned = (Shared, Vec<Candidate>);

impl Known {
    /// Gather and decide.
    pub(crate) async fn decide(
        &mut self,
        request: &Request,
        registries: &Registries<'_>,
        gate: &Gate<'_>,
    ) -> Result<Resolution, Undecided> {
        let mut walk = Speculation::new(request);
        let mut more = BTreeSet::new();
        loop {
            self.gather(&mut walk, more, registries, gate).await?;
            let started = Instant::now();
            match resolve_unless(request, &self.catalog, &|| started.elapsed() > LONGEST_SEARCH) {
                Ok(resolution) => return Ok(resolution),
                Err(Unresolved::Missing(names)) => more = names,
                Err(unresolved) => return Err(Undecided::Unresolved(unresolved)),
            }
        }
    }

    /// Learn these names, and those that the walk reaches: whatever an answer makes it reach is asked for at once, while others
    /// are still awaited.
    async fn gather(
        &mut self,
        walk: &mut Speculation<'_>,
        more: BTreeSet<PackageKey>,
        registries: &Registries<'_>,
        gate: &Gate<'_>,
    ) -> Result<()> {
        let (mut asked, mut awaited) = (BTreeSet::new(), FuturesUnordered::new());
        let mut wanted: Vec<PackageKey> = walk.lacking(&self.catalog).union(&more).cloned().collect();
        loop {
            let (mut found, mut known) = (Vec::new(), Vec::new());
            for key in wanted {
                if !asked.insert(key.clone()) {
                    continue;
                }
                match at_hand(&key, registries)? {
                    Some(document) => found.push((key, document)),
                    None => awaited.push(fetched(key, registries)),
                }
            }
            if found.is_empty() {
                let Some(first) = awaited.next().await else { return Ok(()) };
                // What came together is read together, on all cores.
                let others = std::iter::from_fn(|| awaited.next().now_or_never().flatten());
                for answer in std::iter::once(first).chain(others) {
                    match answer? {
                        (key, None) => {
                            self.catalog.insert_not_found(key.clone());
                            known.push(key);
                        }
                        (key, Some(document)) => found.push((key, document)),
                    }
                }
            }
            for (key, learned) in read_all(found, registries)? {
                known.push(key.clone());
                self.keep(key, learned, gate);
            }
            wanted = walk.learned(&self.catalog, known);
        }
    }

    fn keep(&mut self, key: PackageKey, (document, mut candidates): Learned, gate: &Gate<'_>) {
        if !gate.is_open()
            && let Some(packed) = Packed::read(document.as_ref())
        {
            for (candidate, line) in candidates.iter_mut().zip(packed.lines().map_while(|line| line)) {
                candidate.held = gate.held(&key, &line);
            }
        }
        self.catalog.insert(key.clone(), candidates);
        self.documents.insert(key, document);
    }
}

/// What's known of a name without asking anybody.
fn at_hand(key: &PackageKey, registries: &Registries<'_>) -> Result<Option<Document>> {
    match &key.origin {
        Origin::Registry(name) => Ok(registry(registries, name)?.at_hand(&key.name)),
        Origin::Declared => Err(Error::bug(format!("{} is declared by the project, and isn't known", key.name))),
    }
}

async fn fetched(key: PackageKey, registries: &Registries<'_>) -> Result<(PackageKey, Option<Document>)> {
    let document = match &key.origin {
        Origin::Registry(name) => registry(registries, name)?.fetched(&key.name).await?,
        Origin::Declared => None,
    };
    Ok((key, document))
}

/// Parse or unpack documents, on as many threads as there are cores.
fn read_all(found: Vec<(PackageKey, Document)>, registries: &Registries<'_>) -> Result<Vec<(PackageKey, Learned)>> {
    let read = |share: Vec<(PackageKey, Document)>| {
        let mut repeated = Repeated::default();
        let learn = |(key, document): (PackageKey, Document)| {
            let Origin::Registry(name) = &key.origin else { return Err(Error::bug("a document without a registry")) };
            let packed = registry(registries, name)?.packed(&key.name, document)?;
            Ok((key, learned(packed, &mut repeated)?))
        };
        share.into_iter().map(learn).collect::<Result<Vec<_>>>()
    };
    let work: usize = found.iter().map(|(_, document)| if matches!(document, Document::Text(_)) { PARSING } else { 1 }).sum();
    if work < WORTH_A_THREAD || mfp_store::cores() == 1 {
        return read(found);
    }
    let share = found.len().div_ceil(mfp_store::cores());
    let mut rest = found;
    let shares: Vec<_> = std::iter::from_fn(|| (!rest.is_empty()).then(|| rest.split_off(rest.len().saturating_sub(share)))).collect();
    std::thread::scope(|scope| {
        let mut shares = shares.into_iter();
        let own = shares.next().unwrap_or_default();
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || read(share))).collect();
        let mut all = read(own)?;
        for worker in workers {
            all.extend(worker.join().expect("reading and parsing don't panic")?);
        }
        Ok(all)
    })
}

/// So many packed documents are read in the time that it takes to start a thread and to wait for it.
const WORTH_A_THREAD: usize = 64;
/// So many packed documents are read in the time that it takes to parse one.
const PARSING: usize = 8;

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

/// Unpack a document for the resolver.
fn learned(document: Shared, repeated: &mut Repeated) -> Result<Learned> {
    let candidates = candidates(document.as_ref(), repeated).ok_or_else(|| {
        let error = Error::new("mfp::registry::index", "an index document in the cache can't be read");
        error.help("run `mfp cache clean`")
    })?;
    Ok((document, candidates))
}

fn candidates(document: &[u8], repeated: &mut Repeated) -> Option<Vec<Candidate>> {
    let packed = Packed::read(document)?;
    let mut reader = packed.reader(repeated);
    let candidate = |line: Option<PackedLine<'_>>| {
        let line = line?;
        Some(Candidate {
            dependencies: line.dependencies(&mut reader)?,
            mockforge: line.mockforge()?,
            published: Some(line.published),
            yanked: line.yanked.is_yanked().then(|| line.yanked.reason().unwrap_or_default().to_owned()),
            version: line.version,
            held: None,
        })
    };
    packed.lines().map(candidate).collect()
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
