//! What changes between two locks? Pure; the answer is both what is done and what is told.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::capability::Capabilities;
use crate::digest::ContentDigest;
use crate::lock::{Lock, LockedPlugin};
use crate::name::PluginName;
use crate::source::SourceId;
use crate::version::Version;

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It's new.
    Added,
    /// It goes.
    Removed,
    /// It's another than it was: in its version, its content, its source, or anything else that's locked.
    Updated,
}

/// What an entry is on one side of a change.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Its version; `null` for a service.
    pub version: Option<Version>,
    /// Its content digest.
    pub content: ContentDigest,
    /// The commit, if it's from git.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// What it asks for beyond the defaults.
    pub capabilities: Capabilities,
}

/// One entry that two locks differ in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The name that the project has for it.
    pub name: PluginName,
    /// What happens to it.
    pub kind: ChangeKind,
    /// What it was.
    pub from: Option<Side>,
    /// What it will be.
    pub to: Option<Side>,
    /// Where it's from: where it was from, if it goes. Printed without the values of a URL's query.
    #[serde(serialize_with = "redacted")]
    pub source: SourceId,
}

fn redacted<S: Serializer>(source: &SourceId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&source.redacted())
}

impl Side {
    fn of(plugin: &LockedPlugin) -> Self {
        Self {
            version: plugin.version().cloned(),
            content: plugin.content,
            commit: plugin.package().and_then(|package| package.pin.commit()).map(ToString::to_string),
            capabilities: plugin.capabilities(),
        }
    }
}

/// Every entry that two locks differ in, sorted by name. Without an old lock everything is added.
pub fn diff(old: Option<&Lock>, new: &Lock) -> Vec<Change> {
    let before = |name: &PluginName| old.and_then(|old| old.plugins.get(name));
    let names: BTreeSet<&PluginName> = new.plugins.keys().chain(old.iter().flat_map(|old| old.plugins.keys())).collect();
    names.into_iter().filter_map(|name| change(before(name), new.plugins.get(name))).collect()
}

fn change(from: Option<&LockedPlugin>, to: Option<&LockedPlugin>) -> Option<Change> {
    let kind = match (from, to) {
        (None, Some(_)) => ChangeKind::Added,
        (Some(_), None) => ChangeKind::Removed,
        (Some(from), Some(to)) if from != to => ChangeKind::Updated,
        _ => return None,
    };
    let either = to.or(from)?;
    Some(Change { name: either.name.clone(), kind, from: from.map(Side::of), to: to.map(Side::of), source: either.source() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::LockedBody;

    fn locked() -> Lock {
        let path = format!("{}/../fixtures/locks/good/locked.lock", env!("CARGO_MANIFEST_DIR"));
        Lock::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn without_an_old_lock_everything_is_added() {
        let changes = diff(None, &locked());
        assert_eq!(changes.len(), locked().plugins.len());
        assert!(changes.iter().all(|change| change.kind == ChangeKind::Added && change.from.is_none()));
        assert!(changes.is_sorted_by_key(|change| change.name.clone()));
    }

    #[test]
    fn equal_locks_have_no_changes() {
        assert_eq!(diff(Some(&locked()), &locked()), []);
    }

    #[test]
    fn changes_are_told_with_both_sides() {
        let (old, mut new) = (locked(), locked());
        let LockedBody::Package(package) = &mut new.plugins.get_mut("auth-jwt").unwrap().body else { panic!("not a service") };
        package.version = "1.5.0".parse().unwrap();
        package.capabilities = Capabilities::default();
        new.plugins.remove("csv");
        new.plugins.remove("oauth");
        let mut old_with_less = old.clone();
        old_with_less.plugins.remove("graphql");
        insta::assert_json_snapshot!(diff(Some(&old_with_less), &new));
    }

    #[test]
    fn another_signer_alone_is_an_update() {
        let mut new = locked();
        let LockedBody::Package(package) = &mut new.plugins.get_mut("auth-jwt").unwrap().body else { panic!("not a service") };
        package.signer = None;
        let changes = diff(Some(&locked()), &new);
        assert_eq!((changes.len(), changes[0].kind), (1, ChangeKind::Updated));
    }
}
