//! The small nouns of a manifest: types, runtime, author, dependency, limits.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::name::PluginName;
use crate::requirement::Requirement;

/// A kind of call that a plugin answers. Ordered as their names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginType {
    /// Decides who a request is from.
    Auth,
    /// Answers queries with rows.
    Datasource,
    /// Makes whole responses.
    Response,
    /// Gives functions to templates.
    Template,
}

/// A text that isn't the name of a plugin type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` isn't a type of plugin; there are auth, template, response and datasource")]
pub struct UnknownPluginType(pub String);

impl PluginType {
    /// All types, in order.
    pub const ALL: [Self; 4] = [Self::Auth, Self::Datasource, Self::Response, Self::Template];

    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Datasource => "datasource",
            Self::Response => "response",
            Self::Template => "template",
        }
    }

    /// The guest time, in milliseconds, that a call has without asking.
    pub fn default_time_ms(self) -> u64 {
        match self {
            Self::Auth | Self::Template => 250,
            Self::Response => 2_000,
            Self::Datasource => 5_000,
        }
    }

    /// The guest time, in milliseconds, that a plugin of several types has without asking: the longest of theirs.
    pub fn longest_default_time_ms(types: &BTreeSet<Self>) -> u64 {
        types.iter().map(|one| one.default_time_ms()).max().unwrap_or_else(|| Self::Auth.default_time_ms())
    }
}

impl FromStr for PluginType {
    type Err = UnknownPluginType;

    fn from_str(text: &str) -> Result<Self, UnknownPluginType> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or_else(|| UnknownPluginType(text.to_owned()))
    }
}

impl fmt::Display for PluginType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl Serialize for PluginType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PluginType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize_parsed(deserializer)
    }
}

/// What carries a plugin's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Runtime {
    /// A module or component in the sandbox.
    #[default]
    Wasm,
    /// A service that speaks the remote protocol.
    Remote,
}

/// Who wrote a plugin. The texts have no control or bidirectional characters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Author {
    /// A person's or an organisation's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where to write to; not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their web page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
}

/// A plugin that another one may call through the host, and that is loaded with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dependency {
    /// Its id.
    pub name: PluginName,
    /// The versions that will do.
    pub requirement: Requirement,
    /// Not installed for this plugin's sake; but if the project has it, the requirement holds.
    pub optional: bool,
}

/// Limits that a plugin sets for itself, at or below the defaults. They aren't asked for and need no approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnLimits {
    /// Memory in bytes, at most [`crate::capability::DEFAULT_MEMORY`].
    pub memory: Option<u64>,
    /// Guest time of a call in milliseconds, at most the longest default of its types.
    pub time_ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_ordered_as_their_names_are() {
        let names: Vec<&str> = PluginType::ALL.iter().map(|one| one.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
        assert!(PluginType::ALL.is_sorted());
        assert_eq!("Auth".parse::<PluginType>(), Err(UnknownPluginType("Auth".into())));
    }

    #[test]
    fn several_types_have_the_longest_time() {
        assert_eq!(PluginType::longest_default_time_ms(&[PluginType::Auth, PluginType::Response].into()), 2_000);
        assert_eq!(PluginType::longest_default_time_ms(&BTreeSet::new()), 250);
    }
}
