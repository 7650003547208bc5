//! What could be chosen? Everything that's known about plugins, as values.
//!
//! A catalog is an immutable snapshot for one call of the resolver: who fills it (from an index, a cache, a folder, a
//! scenario file) is none of its business, and it may hold far less than a registry does. What it lacks the resolver asks
//! for by name, so a gatherer can go in rounds.
//!
//! "There's no such plugin" is knowledge ([`Entry::NotFound`]) and something else than "not known yet" (no entry): the
//! first one may become part of a proof, the second never.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use mfp_model::name::{PluginName, RegistryName};
pub use mfp_model::plugin::Dependency;
use mfp_model::requirement::Requirement;
use mfp_model::version::Version;

/// Where the bytes of a plugin would come from, as far as a decision needs to know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The registry with this name in the project's manifest.
    Registry(RegistryName),
    /// The project's manifest declares the place itself: a URL, a git reference or a folder. One candidate, always.
    Declared,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(name) => write!(out, "registry '{name}'"),
            Self::Declared => out.write_str("the project's manifest"),
        }
    }
}

/// What a catalog is keyed by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageKey {
    /// In a registry: the plugin's name there. For [`Origin::Declared`]: the *entry's* name (the key in the manifest), since
    /// two entries may be two folders that hold the same plugin. [`crate::Root::key`] gets this right.
    pub name: PluginName,
    /// Where it comes from.
    pub origin: Origin,
}

impl PackageKey {
    /// The plugin of that name in that registry.
    pub fn in_registry(name: PluginName, registry: RegistryName) -> Self {
        Self { name, origin: Origin::Registry(registry) }
    }
}

impl fmt::Display for PackageKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.name, self.origin)
    }
}

/// Why the caller keeps a candidate back, whatever the requirements say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// In words that continue "csv 2.1.0 ": `is signed by nobody`, `isn't in the store`.
    pub reason: String,
    /// The setting that keeps it back, as it's written (`require-signatures`, `--offline`).
    pub setting: Option<String>,
    /// Is it policy, so that exit code 5 applies where nothing else stands in the way?
    pub by_policy: bool,
}

/// One version that might be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its version. Build metadata doesn't distinguish candidates.
    pub version: Version,
    /// What it depends on, in any order.
    pub dependencies: Vec<Dependency>,
    /// The hosts it supports; absent means all.
    pub mockforge: Option<Requirement>,
    /// When it was published; a candidate without it is never too new.
    pub published: Option<Timestamp>,
    /// `Some` if it was yanked, with the reason (which may be empty). Taken only where the lock already has it.
    pub yanked: Option<String>,
    /// An exclusion that the caller decided.
    pub held: Option<Held>,
}

impl Candidate {
    /// A candidate of which nothing but the version is known.
    pub fn new(version: Version) -> Self {
        Self { version, dependencies: Vec::new(), mockforge: None, published: None, yanked: None, held: None }
    }
}

/// What's known about one name at one origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// All its versions, ascending, no two equal. May be empty.
    Candidates(Vec<Candidate>),
    /// The registry says that there's no such plugin.
    NotFound,
}

/// A snapshot of what's known about plugins.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: BTreeMap<PackageKey, Entry>,
}

impl Catalog {
    /// A catalog that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learn all versions of a plugin, in any order; replaces what was known. Of two with an equal version the first stays.
    pub fn insert(&mut self, key: PackageKey, mut candidates: Vec<Candidate>) {
        candidates.sort_by(|a, b| a.version.cmp(&b.version));
        candidates.dedup_by(|later, earlier| later.version == earlier.version);
        for candidate in &mut candidates {
            candidate.dependencies.sort();
        }
        self.entries.insert(key, Entry::Candidates(candidates));
    }

    /// Learn that there's no such plugin.
    pub fn insert_not_found(&mut self, key: PackageKey) {
        self.entries.insert(key, Entry::NotFound);
    }

    /// What's known about a plugin; `None` means that nobody has asked yet.
    pub fn get(&self, key: &PackageKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Is anything known about it?
    pub fn knows(&self, key: &PackageKey) -> bool {
        self.entries.contains_key(key)
    }

    /// All that's known, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&PackageKey, &Entry)> {
        self.entries.iter()
    }

    /// How many names it knows.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Does it know nothing?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The candidate with this version, if it's known.
    pub fn candidate(&self, key: &PackageKey, version: &Version) -> Option<&Candidate> {
        let Some(Entry::Candidates(all)) = self.get(key) else { return None };
        all.binary_search_by(|candidate| candidate.version.cmp(version)).ok().and_then(|at| all.get(at))
    }
}
