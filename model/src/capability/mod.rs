//! What may a plugin reach? Capabilities: asked by the plugin, recorded in the lock, approved by a person, enforced by
//! the sandbox; always the same sets, compared here.
//!
//! One canonical form for all four places: the keys `env`, `fs-read`, `fs-write`, `http`, `memory` and `time-ms`, sorted
//! sets, empty ones left out. What a plugin has without asking (the defaults below) is never in it, so that most plugins
//! ask nothing and need no approval. Comparing is by meaning (`a.x.com` is within `*.x.com`, `data/in` within `data`), and
//! whenever it can't be shown that something is within what was allowed, it isn't.

mod env;
mod host;
mod path;
mod policy;
mod single;

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::env::{EnvName, EnvNameError};
pub use self::host::{HostError, HostPattern, Scheme};
pub use self::path::{CapabilityPath, CapabilityPathError};
pub use self::policy::CapabilityPolicy;
pub use self::single::Single;
use crate::keyed::Keyed;
use crate::units::ByteSize;

/// The memory, in bytes, that every plugin has without asking: a core module's default, whatever its bytes are.
pub const DEFAULT_MEMORY: u64 = 64 << 20;
/// The most memory, in bytes, that any plugin gets, whatever is approved.
pub const MAX_MEMORY: u64 = 256 << 20;
/// The most guest time, in milliseconds, that a call of any plugin gets, whatever is approved.
pub const MAX_TIME_MS: u64 = 30_000;

/// What a plugin asks for, or may have, beyond the defaults. The fields are in the order of the canonical form.
///
/// Sets are closed under meaning, not under text: `{"*.x.com"}` and `{"*.x.com", "a.x.com"}` allow the same; both are
/// kept as they were written, and [`Self::reduced`] gives the shortest equal form.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Capabilities {
    /// Environment variables that it may read, one by one.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub env: BTreeSet<EnvName>,
    /// Folders and files below the project that it may read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub fs_read: BTreeSet<CapabilityPath>,
    /// Folders and files below the project that it may write; reading them isn't implied.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub fs_write: BTreeSet<CapabilityPath>,
    /// Hosts that it may send HTTP requests to.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub http: BTreeSet<HostPattern>,
    /// Memory, in bytes, if it's more than [`DEFAULT_MEMORY`]. Read from a size such as `"128MiB"` too.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "memory")]
    pub memory: Option<u64>,
    /// Guest time of a call, in milliseconds, if it's more than its types have by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u64>,
}

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    ByteSize::deserialize(deserializer).map(|size| Some(size.0))
}

/// As derived; an own `impl` because reading has one.
impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// As derived, but only from keys and values: `[]` isn't `{}`.
impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Derived(#[serde(with = "Capabilities")] Capabilities);

        Keyed::<Derived>::deserialize(deserializer).map(|Keyed(Derived(capabilities))| capabilities)
    }
}

impl Capabilities {
    /// The keys of the canonical form, in its order.
    pub const KEYS: [&'static str; 6] = ["env", "fs-read", "fs-write", "http", "memory", "time-ms"];

    /// Is nothing asked or allowed beyond the defaults?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Is everything in here allowed by `allowed`? Reflexive and transitive; two that are within each other have the same
    /// [`Self::reduced`] form.
    pub fn is_subset_of(&self, allowed: &Self) -> bool {
        self.excess(allowed).is_empty()
    }

    /// What is in here and not allowed by `allowed`: what a person has to decide about.
    ///
    /// A wildcard that is only partly allowed is in excess as a whole; a number that is larger is in excess with its value.
    #[must_use]
    pub fn excess(&self, allowed: &Self) -> Self {
        Self {
            env: self.env.difference(&allowed.env).cloned().collect(),
            fs_read: beyond(&self.fs_read, &allowed.fs_read, CapabilityPath::covers),
            fs_write: beyond(&self.fs_write, &allowed.fs_write, CapabilityPath::covers),
            http: beyond(&self.http, &allowed.http, HostPattern::covers),
            memory: self.memory.filter(|_| self.memory > allowed.memory),
            time_ms: self.time_ms.filter(|_| self.time_ms > allowed.time_ms),
        }
    }

    /// What both allow: asked ∩ approved ∩ policy.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            env: self.env.intersection(&other.env).cloned().collect(),
            fs_read: within_both(&self.fs_read, &other.fs_read, CapabilityPath::covers),
            fs_write: within_both(&self.fs_write, &other.fs_write, CapabilityPath::covers),
            http: within_both(&self.http, &other.http, HostPattern::covers),
            memory: self.memory.min(other.memory),
            time_ms: self.time_ms.min(other.time_ms),
        }
    }

    /// What one of the two allows, or the other: an approval and what's added to it.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            env: self.env.union(&other.env).cloned().collect(),
            fs_read: self.fs_read.union(&other.fs_read).cloned().collect(),
            fs_write: self.fs_write.union(&other.fs_write).cloned().collect(),
            http: self.http.union(&other.http).cloned().collect(),
            memory: self.memory.max(other.memory),
            time_ms: self.time_ms.max(other.time_ms),
        }
    }

    /// The shortest form that allows the same: without what another entry of the same set covers.
    #[must_use]
    pub fn reduced(&self) -> Self {
        Self {
            fs_read: outermost(&self.fs_read, CapabilityPath::covers),
            fs_write: outermost(&self.fs_write, CapabilityPath::covers),
            http: outermost(&self.http, HostPattern::covers),
            ..self.clone()
        }
    }

    /// May a request go to this URL? Scheme, host (a trailing dot doesn't count) and port decide; what the host resolves
    /// to is the sandbox's question.
    pub fn allows_url(&self, url: &url::Url) -> bool {
        self.http.iter().any(|pattern| pattern.allows(url))
    }

    /// What deserves a second look before it's approved, one sentence each: wildcards, plain http, writing, and the
    /// environment (a name that looks like a secret says so).
    pub fn broad(&self) -> Vec<String> {
        self.singles().iter().filter_map(|one| one.broad.as_ref().map(|why| format!("{one}: {why}"))).collect()
    }
}

/// The elements of `asked` that none of `allowed` covers.
fn beyond<T: Ord + Clone>(asked: &BTreeSet<T>, allowed: &BTreeSet<T>, covers: impl Fn(&T, &T) -> bool) -> BTreeSet<T> {
    asked.iter().filter(|one| !allowed.iter().any(|other| covers(other, one))).cloned().collect()
}

/// For every pair of which one covers the other, the narrower.
fn within_both<T: Ord + Clone>(left: &BTreeSet<T>, right: &BTreeSet<T>, covers: impl Fn(&T, &T) -> bool) -> BTreeSet<T> {
    let narrower = |of: &BTreeSet<T>, than: &BTreeSet<T>| -> BTreeSet<T> {
        of.iter().filter(|one| than.iter().any(|other| covers(other, one))).cloned().collect()
    };
    narrower(left, right).union(&narrower(right, left)).cloned().collect()
}

/// The elements that no other element covers.
fn outermost<T: Ord + Clone>(set: &BTreeSet<T>, covers: impl Fn(&T, &T) -> bool) -> BTreeSet<T> {
    set.iter().filter(|one| !set.iter().any(|other| other != *one && covers(other, one))).cloned().collect()
}

#[cfg(test)]
mod tests;
