//! Which version is this? Semantic Versioning 2.0, within limits, ordered without regard to build metadata.
//!
//! `semver::Version` orders `1.0.0+a` and `1.0.0+b` as different; for a package manager they're one identity, so the
//! order and equality here leave build metadata out. It's kept for display (URL, git and folder sources may have it;
//! index lines may not).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest version, in bytes.
pub const MAX_VERSION_BYTES: usize = 128;
/// Numbers in a version are below this (2^32).
pub const NUMBER_LIMIT: u64 = 1 << 32;

/// Why a text isn't a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// Longer than [`MAX_VERSION_BYTES`].
    #[error("the version is {0} bytes long; the limit is {MAX_VERSION_BYTES}")]
    TooLong(usize),
    /// A number is 2^32 or more.
    #[error("a number in the version is 2^32 or more")]
    NumberTooLarge,
    /// Two or one numbers, where three are needed.
    #[error("a version has three numbers; this one would have to be `{would_be}`")]
    Incomplete {
        /// The version with its missing zeros.
        would_be: String,
    },
    /// Not Semantic Versioning 2.0.
    #[error("not a semantic version: {0}")]
    Syntax(String),
    /// Build metadata where it's refused (index lines, packages).
    #[error("`+{0}`: build metadata isn't allowed here, since it would make two names for one version")]
    Build(String),
}

/// A version: Semantic Versioning 2.0, at most 128 bytes, numbers below 2^32.
///
/// Equality, order and hash leave build metadata out.
#[derive(Clone)]
pub struct Version(semver::Version);

impl Version {
    /// A release version, without pre-release or build.
    ///
    /// # Panics
    /// If a number is 2^32 or more.
    pub fn new(major: u64, minor: u64, patch: u64) -> Self {
        assert!(major.max(minor).max(patch) < NUMBER_LIMIT, "version numbers are below 2^32");
        Self(semver::Version::new(major, minor, patch))
    }

    /// Parse, and refuse build metadata (the rule of index lines and packages).
    pub fn parse_published(text: &str) -> Result<Self, VersionError> {
        let version: Self = text.parse()?;
        if version.0.build.is_empty() { Ok(version) } else { Err(VersionError::Build(version.0.build.to_string())) }
    }

    /// Major, minor and patch.
    pub fn numbers(&self) -> (u64, u64, u64) {
        (self.0.major, self.0.minor, self.0.patch)
    }

    /// Is this a pre-release (`1.0.0-rc.1`)?
    pub fn is_prerelease(&self) -> bool {
        !self.0.pre.is_empty()
    }

    /// The lowest version of all that share these numbers: `X.Y.Z-0`.
    pub(crate) fn floor(major: u64, minor: u64, patch: u64) -> Self {
        let mut version = semver::Version::new(major, minor, patch);
        version.pre = semver::Prerelease::new("0").expect("`0` is a pre-release");
        Self(version)
    }

    pub(crate) fn from_parts(major: u64, minor: u64, patch: u64, pre: semver::Prerelease) -> Self {
        Self(semver::Version { major, minor, patch, pre, build: semver::BuildMetadata::EMPTY })
    }

    /// The same version as the `semver` crate has it.
    pub fn as_semver(&self) -> &semver::Version {
        &self.0
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.len() > MAX_VERSION_BYTES {
            return Err(VersionError::TooLong(text.len()));
        }
        let version =
            semver::Version::parse(text).map_err(|error| incomplete(text).unwrap_or_else(|| VersionError::Syntax(error.to_string())))?;
        if version.major.max(version.minor).max(version.patch) >= NUMBER_LIMIT {
            return Err(VersionError::NumberTooLarge);
        }
        Ok(Self(version))
    }
}

fn incomplete(text: &str) -> Option<VersionError> {
    [".0", ".0.0"]
        .iter()
        .map(|zeros| format!("{text}{zeros}"))
        .find(|full| semver::Version::parse(full).is_ok())
        .map(|would_be| VersionError::Incomplete { would_be })
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp_precedence(&other.0)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.numbers().hash(state);
        self.0.pre.hash(state);
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_metadata_is_shown_but_never_compared() {
        let (a, b): (Version, Version) = ("1.0.0+a".parse().unwrap(), "1.0.0+b".parse().unwrap());
        assert_eq!(a, b);
        assert_eq!(a.to_string(), "1.0.0+a");
        assert_eq!(Version::parse_published("1.0.0+a"), Err(VersionError::Build("a".into())));
    }

    #[test]
    fn limits_hold() {
        assert_eq!("4294967296.0.0".parse::<Version>(), Err(VersionError::NumberTooLarge));
        assert!("4294967295.0.0".parse::<Version>().is_ok());
        let long = format!("1.0.0-{}", "a".repeat(123));
        assert_eq!(long.parse::<Version>(), Err(VersionError::TooLong(129)));
        assert_eq!("1.2".parse::<Version>(), Err(VersionError::Incomplete { would_be: "1.2.0".into() }));
        assert!(matches!("1.2.3.4".parse::<Version>(), Err(VersionError::Syntax(_))));
    }

    #[test]
    fn the_floor_is_below_every_prerelease() {
        let alpha: Version = "2.0.0-alpha".parse().unwrap();
        assert!(Version::floor(2, 0, 0) < alpha && alpha < Version::new(2, 0, 0));
        assert!(Version::floor(2, 0, 0) > Version::new(1, 9999, 9999));
    }
}
