//! Which files of the project? A path below the project's folder, with what may never be granted refused.
//!
//! Only what can be told from the text is decided here. That no component is a link, and that the path doesn't hold the
//! project's own plugin folder (which the manifest may have moved), is checked where there's a disk; for the latter there's
//! [`CapabilityPath::holds`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::content::{PackagePath, PathError};

/// Why a text isn't a path that can be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityPathError {
    /// It would leave the project's folder.
    #[error("the path leaves the project's folder ({0})")]
    Escapes(&'static str),
    /// Not a path that every file system can hold.
    #[error(transparent)]
    Path(PathError),
    /// The project's own folder.
    #[error("the project's own folder is never granted: it holds the manifest, the lock and the plugins")]
    Root,
    /// The manifest, the lock, the plugin folder, `.git*`, `.env*`, or a spelling that some system takes for one of them.
    #[error("`{0}` is never granted: it is or may hold the project's own files, its history or its secrets")]
    Never(String),
}

impl From<PathError> for CapabilityPathError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Escapes(why) => Self::Escapes(why),
            other => Self::Path(other),
        }
    }
}

/// A path below the project's folder: relative, normalised (`./data/` is `data`), legal on every file system. It stands for
/// the file or folder itself and everything below.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapabilityPath(PackagePath);

impl CapabilityPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The components, outermost first; at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.components()
    }

    /// Is `other` this path or below it?
    pub fn covers(&self, other: &Self) -> bool {
        is_at_or_below(other.as_str(), self.as_str())
    }

    /// Would granting this path grant `path` (relative to the project, `/`-separated), by holding it or by being within
    /// it? Compared without regard to case, since some file systems have none.
    pub fn holds(&self, path: &str) -> bool {
        let (this, other) = (self.as_str().to_lowercase(), path.to_lowercase());
        is_at_or_below(&other, &this) || is_at_or_below(&this, &other)
    }
}

fn is_at_or_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Names at the project's root that are never granted, besides what begins with `.git` or `.env` anywhere.
const NEVER_AT_ROOT: [&str; 3] = ["mockforge-plugins.toml", "plugins.lock", ".mockforge"];

fn is_never(index: usize, component: &str) -> bool {
    let lower = component.to_lowercase();
    let short_name = lower.split_once('~').is_some_and(|(_, rest)| rest.starts_with(|first: char| first.is_ascii_digit()));
    lower.starts_with(".git")
        || lower.starts_with(".env")
        || (index == 0 && NEVER_AT_ROOT.contains(&lower.as_str()))
        || short_name
        || component.contains(is_ignored_by_some_system)
}

/// Characters that some file systems leave out when they compare names (`.g\u{200c}it` is `.git` there).
fn is_ignored_by_some_system(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl FromStr for CapabilityPath {
    type Err = CapabilityPathError;

    fn from_str(text: &str) -> Result<Self, CapabilityPathError> {
        if text.starts_with('/') {
            return Err(CapabilityPathError::Escapes("it's absolute"));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if parts.is_empty() {
            return Err(CapabilityPathError::Root);
        }
        let path: PackagePath = parts.join("/").parse()?;
        let never = path.components().enumerate().find(|(index, component)| is_never(*index, component));
        if let Some((_, component)) = never {
            return Err(CapabilityPathError::Never(component.to_owned()));
        }
        Ok(Self(path))
    }
}

impl fmt::Display for CapabilityPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for CapabilityPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

impl Serialize for CapabilityPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for CapabilityPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> CapabilityPath {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_normalised() {
        for (text, canonical) in [("data", "data"), ("./data/", "data"), ("a//b", "a/b"), ("a/./b/", "a/b"), ("environment", "environment")]
        {
            assert_eq!(path(text).as_str(), canonical, "{text}");
        }
    }

    #[test]
    fn what_holds_the_project_or_its_secrets_is_never_granted() {
        for text in ["", ".", "./", "./."] {
            assert_eq!(text.parse::<CapabilityPath>(), Err(CapabilityPathError::Root), "{text:?}");
        }
        for text in [
            ".git",
            ".GIT/hooks",
            "sub/.git",
            ".gitignore",
            ".env",
            ".env.local",
            "a/.ENVRC",
            "plugins.lock",
            "PLUGINS.LOCK",
            "mockforge-plugins.toml",
            ".mockforge",
            ".mockforge/plugins/x",
            "GIT~1",
            "a/mockfo~1",
            ".g\u{200c}it",
        ] {
            assert!(matches!(text.parse::<CapabilityPath>(), Err(CapabilityPathError::Never(_))), "{text:?}");
        }
        for text in ["/etc", "../x", "a/../b", "a\\b", "C:/x", "/"] {
            assert!(matches!(text.parse::<CapabilityPath>(), Err(CapabilityPathError::Escapes(_))), "{text:?}");
        }
        for text in ["*", "a/*.txt", "a\nb", "nul"] {
            assert!(matches!(text.parse::<CapabilityPath>(), Err(CapabilityPathError::Path(_))), "{text:?}");
        }
    }

    #[test]
    fn a_path_covers_what_is_below_it_and_no_neighbour() {
        assert!(path("data").covers(&path("data")));
        assert!(path("data").covers(&path("data/in/a.csv")));
        assert!(!path("data").covers(&path("data2")));
        assert!(!path("data/in").covers(&path("data")));
        assert!(path("Build").holds("build/plugins"));
        assert!(path("build/plugins/x").holds("Build/Plugins"));
        assert!(!path("build").holds("builds"));
    }
}
