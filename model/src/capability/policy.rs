//! What does this user, or this machine, allow at most? A policy narrows what was approved, and can't widen anything.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer};

use super::{Capabilities, CapabilityPath, EnvName, HostPattern, within_both};
use crate::units::ByteSize;

/// The most that any plugin gets, key by key. A key that isn't there narrows nothing; an empty list leaves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CapabilityPolicy {
    /// Environment variables.
    pub env: Option<BTreeSet<EnvName>>,
    /// Folders below a project that may be read.
    pub fs_read: Option<BTreeSet<CapabilityPath>>,
    /// Folders below a project that may be written.
    pub fs_write: Option<BTreeSet<CapabilityPath>>,
    /// Hosts that requests may go to.
    pub http: Option<BTreeSet<HostPattern>>,
    /// Memory, in bytes. Read from a size such as `"128MiB"` too.
    #[serde(deserialize_with = "memory")]
    pub memory: Option<u64>,
    /// Guest time of a call, in milliseconds.
    pub time_ms: Option<u64>,
}

fn memory<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    ByteSize::deserialize(deserializer).map(|size| Some(size.0))
}

impl CapabilityPolicy {
    /// What's left of `granted`.
    #[must_use]
    pub fn narrow(&self, granted: &Capabilities) -> Capabilities {
        let at_most = |number: Option<u64>, most: Option<u64>| number.map(|number| most.map_or(number, |most| number.min(most)));
        Capabilities {
            env: self.env.as_ref().map_or_else(|| granted.env.clone(), |most| granted.env.intersection(most).cloned().collect()),
            fs_read: left(&granted.fs_read, self.fs_read.as_ref(), CapabilityPath::covers),
            fs_write: left(&granted.fs_write, self.fs_write.as_ref(), CapabilityPath::covers),
            http: left(&granted.http, self.http.as_ref(), HostPattern::covers),
            memory: at_most(granted.memory, self.memory),
            time_ms: at_most(granted.time_ms, self.time_ms),
        }
    }
}

fn left<T: Ord + Clone>(granted: &BTreeSet<T>, most: Option<&BTreeSet<T>>, covers: impl Fn(&T, &T) -> bool) -> BTreeSet<T> {
    most.map_or_else(|| granted.clone(), |most| within_both(granted, most, covers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_narrows_and_never_widens() {
        let granted: Capabilities = serde_json::from_value(serde_json::json!({
            "env": ["A", "B"], "fs-read": ["data"], "http": ["*.x.com", "b.org"], "memory": 134_217_728, "time-ms": 500,
        }))
        .unwrap();
        assert_eq!(CapabilityPolicy::default().narrow(&granted), granted);
        let policy: CapabilityPolicy = serde_json::from_value(serde_json::json!({
            "env": ["B", "C"], "fs-read": ["data/in", "other"], "fs-write": ["data"], "http": ["a.x.com", "c.net"], "memory": "64MiB",
            "time-ms": 9000,
        }))
        .unwrap();
        let narrowed = policy.narrow(&granted);
        let expected =
            serde_json::json!({ "env": ["B"], "fs-read": ["data/in"], "http": ["a.x.com"], "memory": 67_108_864, "time-ms": 500 });
        assert_eq!(serde_json::to_value(&narrowed).unwrap(), expected);
        assert!(narrowed.is_subset_of(&granted));
        let nothing: CapabilityPolicy = serde_json::from_str(r#"{"http": []}"#).unwrap();
        assert!(nothing.narrow(&granted).http.is_empty());
        assert!(serde_json::from_str::<CapabilityPolicy>(r#"{"htttp": []}"#).is_err());
    }
}
