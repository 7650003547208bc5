//! Reading `[policy]` and `[approvals]`: what is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::parse::named;
use super::{Approval, Limits, MinReleaseAge, Policy};
use crate::capability::Capabilities;
use crate::signer::Signer;
use crate::source::SourceKind;
use crate::toml::{TableReader, ValueReader};
use crate::units::ByteSize;

pub(super) fn read_policy(mut table: TableReader<'_>, places: &mut BTreeMap<String, Range<usize>>) -> Policy {
    let mut policy = Policy::default();
    let mut take = |key: &'static str| {
        let value = table.take(key)?;
        places.insert(value.path().to_owned(), value.key_span());
        Some(value)
    };
    let age = take("min-release-age").and_then(|value| read_age(&value));
    policy.min_release_age = age.unwrap_or_default();
    policy.require_signatures = take("require-signatures").and_then(|value| value.boolean()).unwrap_or(false);
    policy.advisories = take("advisories").and_then(|value| value.parse()).unwrap_or_default();
    policy.licenses = take("licenses").and_then(|value| value.list());
    policy.allow = take("allow").and_then(|value| value.list());
    policy.deny = take("deny").and_then(|value| value.list()).unwrap_or_default();
    let keys = take("keys").and_then(|value| value.table());
    policy.keys = keys.map(|keys| named(keys, read_keys)).unwrap_or_default();
    let limits = take("limits").and_then(|value| value.table());
    policy.limits = limits.map(read_limits).unwrap_or_default();
    table.finish();
    policy
}

fn read_keys(value: &ValueReader<'_>) -> Option<BTreeSet<Signer>> {
    // Nobody, or anybody? A rule that can be read in two ways is none.
    if value.array()?.is_empty() {
        return value.invalid_with_help("no key is pinned", "name a key, or take the entry out");
    }
    value.list()
}

fn read_age(value: &ValueReader<'_>) -> Option<MinReleaseAge> {
    if value.as_str().is_some() {
        return Some(MinReleaseAge { age: value.parse()?, ..MinReleaseAge::default() });
    }
    if !value.is_table() {
        return value.wrong_type("a period or a table");
    }
    let mut table = value.table()?;
    let age = table.require("age").and_then(|age| age.parse());
    let except = table.take("except").and_then(|names| names.list());
    table.finish();
    Some(MinReleaseAge { age: age?, except: except.unwrap_or_default() })
}

fn read_limits(mut table: TableReader<'_>) -> BTreeMap<SourceKind, Limits> {
    let mut limits = BTreeMap::new();
    for kind in [SourceKind::Registry, SourceKind::Url, SourceKind::Git, SourceKind::Path] {
        let Some(mut inner) = table.table(kind.as_str()) else { continue };
        let caps = Limits { memory: inner.take("memory").and_then(|value| read_size(&value)), time_ms: read_milliseconds(&mut inner) };
        inner.finish();
        limits.insert(kind, caps);
    }
    table.finish();
    limits
}

/// `"64MiB"`, or a number of bytes.
fn read_size(value: &ValueReader<'_>) -> Option<u64> {
    match value.as_integer() {
        Some(_) => value.integer(0..=i64::MAX.unsigned_abs()),
        None => value.parse::<ByteSize>().map(|size| size.0),
    }
}

fn read_milliseconds(table: &mut TableReader<'_>) -> Option<u64> {
    table.take("time-ms")?.integer(0..=i64::MAX.unsigned_abs())
}

pub(super) fn read_approval(value: &ValueReader<'_>) -> Option<Approval> {
    let mut table = value.table()?;
    let source = table.require("source").and_then(|value| value.parse());
    let signer = table.take("signer").map(|value| value.parse());
    let capabilities = Capabilities {
        env: table.take("env").and_then(|value| value.list()).unwrap_or_default(),
        fs_read: table.take("fs-read").and_then(|value| value.list()).unwrap_or_default(),
        fs_write: table.take("fs-write").and_then(|value| value.list()).unwrap_or_default(),
        http: table.take("http").and_then(|value| value.list()).unwrap_or_default(),
        memory: table.take("memory").and_then(|value| read_size(&value)),
        time_ms: read_milliseconds(&mut table),
    };
    table.finish();
    Some(Approval {
        source: source?,
        registry: None,
        signer: match signer {
            Some(signer) => Some(signer?),
            None => None,
        },
        capabilities,
    })
}
