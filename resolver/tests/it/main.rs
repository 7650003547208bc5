//! The resolver from outside: scenarios that read aloud, and laws over small universes.

mod laws;
mod oracle;
mod scenarios;
mod universe;

use std::collections::BTreeSet;

use mfp_resolver::{Catalog, Entry, PackageKey, Request, Resolution, Unresolved};

/// Look up what's asked for in `world`, where whatever isn't there doesn't exist.
fn look_up(catalog: &mut Catalog, world: &Catalog, names: BTreeSet<PackageKey>) {
    assert!(!names.is_empty(), "an answer that asks for nothing gets nobody anywhere");
    for key in names {
        assert!(!catalog.knows(&key), "{key} was asked for twice");
        match world.get(&key) {
            Some(Entry::Candidates(candidates)) => catalog.insert(key, candidates.clone()),
            Some(Entry::NotFound) | None => catalog.insert_not_found(key),
        }
    }
}

/// What a gatherer does: rounds of looking up until there's an answer. Returns the number of searches too.
fn gather(request: &Request, world: &Catalog, speculating: bool) -> (Result<Resolution, Unresolved>, usize) {
    let mut catalog = Catalog::new();
    let mut searches = 0;
    let mut speculation = speculating.then(|| mfp_resolver::Speculation::new(request));
    loop {
        let guessed = speculation.as_mut().map(|walk| walk.lacking(&catalog)).unwrap_or_default();
        assert!(!speculating || guessed == mfp_resolver::speculate(request, &catalog), "a walk that's kept goes where a new one does");
        if !guessed.is_empty() {
            look_up(&mut catalog, world, guessed);
            continue;
        }
        searches += 1;
        match mfp_resolver::resolve(request, &catalog) {
            Err(Unresolved::Missing(names)) => look_up(&mut catalog, world, names),
            answer => return (answer, searches),
        }
    }
}
