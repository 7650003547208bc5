//! Which versions will do? Cargo's requirement syntax, as a *range* for the solver.
//!
//! `semver::VersionReq` answers "does this version match" with a special rule for pre-releases that no interval can
//! express. A solver needs intervals. So a requirement is two things: a [`Requirement::range`], which compares by order
//! only and equals `matches` for every version that isn't a pre-release, and [`Requirement::matches`], which decides
//! whether a pre-release may be a *candidate* at all (asked only of requirements that the project itself makes).
//!
//! The conversion is our own because the one in `version-ranges` 0.1 is wrong for pre-releases and build metadata; the
//! property test below holds ours to `semver`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use semver::{Comparator, Op, Prerelease, VersionReq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use version_ranges::Ranges;

use crate::version::{NUMBER_LIMIT, Version};

/// A set of versions, as a union of intervals.
pub type VersionRange = Ranges<Version>;

/// The longest requirement, in bytes.
pub const MAX_REQUIREMENT_BYTES: usize = 256;

/// Why a text isn't a requirement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequirementError {
    /// Longer than [`MAX_REQUIREMENT_BYTES`].
    #[error("the requirement is {0} bytes long; the limit is {MAX_REQUIREMENT_BYTES}")]
    TooLong(usize),
    /// A number is 2^32 or more.
    #[error("a number in the requirement is 2^32 or more")]
    NumberTooLarge,
    /// Not Cargo's syntax.
    #[error("not a version requirement: {0}")]
    Syntax(String),
}

/// A version requirement in Cargo's syntax (`^1.2`, `>=1, <2`, `=1.2.3`, `*`). Its text is canonical: `1.2` prints as `^1.2`.
///
/// Cheap to clone: an index repeats few requirements very often, and so does a search, which asks for their ranges.
#[derive(Clone)]
pub struct Requirement(Arc<Shared>);

struct Shared {
    parsed: VersionReq,
    /// Computed when it's first asked for.
    range: OnceLock<VersionRange>,
}

impl Requirement {
    fn new(parsed: VersionReq) -> Self {
        Self(Arc::new(Shared { parsed, range: OnceLock::new() }))
    }

    /// Any version.
    pub fn any() -> Self {
        Self::new(VersionReq::STAR)
    }

    /// Exactly this version: `=1.2.3`.
    pub fn exactly(version: &Version) -> Self {
        Self::from_comparator(Op::Exact, version)
    }

    /// Compatible with this version: `^1.2.3`.
    pub fn caret(version: &Version) -> Self {
        Self::from_comparator(Op::Caret, version)
    }

    fn from_comparator(op: Op, version: &Version) -> Self {
        let (major, minor, patch) = version.numbers();
        let comparator = Comparator { op, major, minor: Some(minor), patch: Some(patch), pre: version.as_semver().pre.clone() };
        Self::new(VersionReq { comparators: vec![comparator] })
    }

    /// Does the version match by `semver`'s own rule, the one for pre-releases included?
    pub fn matches(&self, version: &Version) -> bool {
        self.0.parsed.matches(version.as_semver())
    }

    /// The versions in order's terms only: equal to [`Self::matches`] for every version that isn't a pre-release.
    pub fn range(&self) -> &VersionRange {
        self.0.range.get_or_init(|| {
            let mut ranges = self.0.parsed.comparators.iter().map(comparator_range);
            let first = ranges.next().unwrap_or_else(Ranges::full);
            ranges.fold(first, |all, one| all.intersection(&one))
        })
    }

    /// Does it name one exact version (`=1.2.3`)?
    pub fn is_exact(&self) -> bool {
        matches!(self.0.parsed.comparators.as_slice(), [Comparator { op: Op::Exact, minor: Some(_), patch: Some(_), .. }])
    }

    /// Does it name a pre-release anywhere?
    pub fn names_prerelease(&self) -> bool {
        self.0.parsed.comparators.iter().any(|comparator| !comparator.pre.is_empty())
    }
}

fn comparator_range(comparator: &Comparator) -> VersionRange {
    let Comparator { op, major, minor, patch, pre } = comparator;
    let (major, minor, patch) = (*major, *minor, *patch);
    let low = Version::from_parts(major, minor.unwrap_or(0), patch.unwrap_or(0), pre.clone());
    match op {
        Op::Exact | Op::Wildcard => match (minor, patch) {
            (Some(_), Some(_)) => Ranges::singleton(low),
            (Some(minor), None) => between(low, Version::floor(major, minor + 1, 0)),
            (None, _) => between(low, Version::floor(major + 1, 0, 0)),
        },
        Op::Greater => match (minor, patch) {
            (Some(_), Some(_)) => Ranges::from_range_bounds((Bound::Excluded(low), Bound::Unbounded)),
            (Some(minor), None) => Ranges::higher_than(Version::new(major, minor + 1, 0)),
            (None, _) => Ranges::higher_than(Version::new(major + 1, 0, 0)),
        },
        Op::GreaterEq => Ranges::higher_than(low),
        Op::Less => Ranges::strictly_lower_than(below(&low, pre)),
        Op::LessEq => match (minor, patch) {
            (Some(_), Some(_)) => Ranges::lower_than(low),
            (Some(minor), None) => Ranges::strictly_lower_than(Version::floor(major, minor + 1, 0)),
            (None, _) => Ranges::strictly_lower_than(Version::floor(major + 1, 0, 0)),
        },
        Op::Tilde => match minor {
            Some(minor) => between(low, Version::floor(major, minor + 1, 0)),
            None => between(low, Version::floor(major + 1, 0, 0)),
        },
        Op::Caret => between(low, caret_end(major, minor, patch)),
        // `semver::Op` is marked non-exhaustive; an operator that we don't know admits nothing.
        _ => Ranges::empty(),
    }
}

/// The exclusive end of `<version`: without a pre-release of its own it also excludes the version's pre-releases.
fn below(version: &Version, pre: &Prerelease) -> Version {
    let (major, minor, patch) = version.numbers();
    if pre.is_empty() { Version::floor(major, minor, patch) } else { version.clone() }
}

fn caret_end(major: u64, minor: Option<u64>, patch: Option<u64>) -> Version {
    match (major, minor, patch) {
        (0, Some(0), Some(patch)) => Version::floor(0, 0, patch + 1),
        (0, Some(minor), _) => Version::floor(0, minor + 1, 0),
        _ => Version::floor(major + 1, 0, 0),
    }
}

fn between(low: Version, end: Version) -> VersionRange {
    Ranges::between(low, end)
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, RequirementError> {
        if text.len() > MAX_REQUIREMENT_BYTES {
            return Err(RequirementError::TooLong(text.len()));
        }
        let requirement = VersionReq::parse(text).map_err(|error| RequirementError::Syntax(error.to_string()))?;
        let largest = requirement.comparators.iter().flat_map(|c| [Some(c.major), c.minor, c.patch]).flatten().max();
        if largest.is_some_and(|number| number >= NUMBER_LIMIT - 1) {
            return Err(RequirementError::NumberTooLarge);
        }
        // The canonical text is what's written down, and it may be longer, never four times: `1,1` is `^1, ^1`.
        let length = if text.len() > MAX_REQUIREMENT_BYTES / 4 { requirement.to_string().len() } else { 0 };
        if length > MAX_REQUIREMENT_BYTES { Err(RequirementError::TooLong(length)) } else { Ok(Self::new(requirement)) }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.parsed, out)
    }
}

impl fmt::Debug for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.parsed, out)
    }
}

impl PartialEq for Requirement {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.parsed == other.0.parsed
    }
}

impl Eq for Requirement {}

impl Hash for Requirement {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.parsed.hash(state);
    }
}

impl Ord for Requirement {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        if self == other { std::cmp::Ordering::Equal } else { self.to_string().cmp(&other.to_string()) }
    }
}

impl PartialOrd for Requirement {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Requirement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(text: &str) -> VersionRange {
        text.parse::<Requirement>().unwrap().range().clone()
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn the_text_is_canonical() {
        for (text, canonical) in [("1.2", "^1.2"), (" >=1 ,<2", ">=1, <2"), ("1.*", "1.*"), ("*", "*"), ("=1.2.3", "=1.2.3")] {
            assert_eq!(text.parse::<Requirement>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn a_text_whose_canonical_form_is_too_long_is_too_long() {
        let text = ["123.456.789"; 20].join(",");
        assert_eq!(text.parse::<Requirement>(), Err(RequirementError::TooLong(278)));
    }

    #[test]
    fn prereleases_compare_by_order_alone() {
        assert!(range("=1.2.3-rc.1").contains(&version("1.2.3-rc.1")));
        assert!(!range("=1.2.3-rc.1").contains(&version("1.2.3")));
        assert!(!range("<2.0.0").contains(&version("2.0.0-alpha")));
        assert!(range("<2.0.0-beta").contains(&version("2.0.0-alpha")));
        assert!(range(">=1.0.0-alpha").contains(&version("1.0.0-alpha")));
        assert!(range("=1.0.0").contains(&version("1.0.0+b1")));
        assert!(range("^1.0.0").contains(&version("1.5.0-rc.1")), "order only: the candidate rule is another question");
        assert!(!range("^1.0.0").contains(&version("2.0.0-0")));
    }

    #[test]
    fn numbers_stay_below_the_limit_even_when_raised() {
        assert_eq!("^4294967296".parse::<Requirement>(), Err(RequirementError::NumberTooLarge));
        assert_eq!("4294967295".parse::<Requirement>(), Err(RequirementError::NumberTooLarge));
        let _ = range("^4294967294.4294967294");
    }

    fn number() -> impl Strategy<Value = u64> {
        0u64..4
    }

    fn prerelease() -> impl Strategy<Value = &'static str> {
        prop_oneof![4 => Just(""), 1 => Just("-0"), 1 => Just("-alpha"), 1 => Just("-alpha.1"), 1 => Just("-rc.1")]
    }

    fn comparator() -> impl Strategy<Value = String> {
        let op = prop_oneof![Just("="), Just(">"), Just(">="), Just("<"), Just("<="), Just("~"), Just("^"), Just("")];
        (op, number(), prop::option::of((number(), prop::option::of((number(), prerelease()))))).prop_map(|(op, major, rest)| match rest {
            None => format!("{op}{major}"),
            Some((minor, None)) => format!("{op}{major}.{minor}"),
            Some((minor, Some((patch, pre)))) => format!("{op}{major}.{minor}.{patch}{pre}"),
        })
    }

    fn requirement() -> impl Strategy<Value = String> {
        prop_oneof![
            8 => prop::collection::vec(comparator(), 1..3).prop_map(|all| all.join(", ")),
            1 => Just("*".to_owned()),
            1 => number().prop_map(|major| format!("{major}.*")),
            1 => (number(), number()).prop_map(|(major, minor)| format!("{major}.{minor}.*")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_range_equals_semver_for_every_release(text in requirement(), major in number(), minor in number(), patch in number(), build in prop_oneof![Just(""), Just("+b1")]) {
            let requirement: Requirement = text.parse().unwrap();
            let version = version(&format!("{major}.{minor}.{patch}{build}"));
            prop_assert_eq!(requirement.range().contains(&version), requirement.matches(&version), "{} against {}", text, version);
        }

        #[test]
        fn whatever_semver_matches_the_range_contains(text in requirement(), major in number(), minor in number(), patch in number(), pre in prerelease()) {
            let requirement: Requirement = text.parse().unwrap();
            let version = version(&format!("{major}.{minor}.{patch}{pre}"));
            if requirement.matches(&version) {
                prop_assert!(requirement.range().contains(&version), "{} against {}", text, version);
            }
        }

        #[test]
        fn the_canonical_text_means_the_same(text in requirement()) {
            let requirement: Requirement = text.parse().unwrap();
            prop_assert_eq!(requirement.to_string().parse::<Requirement>().unwrap(), requirement);
        }
    }
}
