//! Do two descriptions of one version say the same? The manifest in the package, the line in the index, the entry in the
//! lock: what a person reviewed in one of them must be what's in the others, wider or narrower.

use std::collections::BTreeSet;
use std::fmt;

use super::{Dependency, PluginManifest, PluginType};
use crate::capability::Capabilities;
use crate::index::IndexLine;
use crate::name::PluginName;
use crate::requirement::Requirement;
use crate::version::Version;

/// What all descriptions of one version must agree on, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The plugin's id; of an alias, the package's and not the alias'.
    pub name: PluginName,
    /// Its version; build metadata doesn't count.
    pub version: Version,
    /// Its types.
    pub types: BTreeSet<PluginType>,
    /// The hosts that it supports.
    pub mockforge: HostRange,
    /// Its dependencies; their order doesn't count.
    pub dependencies: BTreeSet<Dependency>,
    /// Its licence.
    pub license: Option<String>,
    /// What it asks for beyond the defaults.
    pub capabilities: Capabilities,
}

/// Which hosts a version supports, as far as a description says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostRange {
    /// The description doesn't hold it (a lock entry); equal to everything.
    NotHeld,
    /// All hosts.
    All,
    /// Those in this range.
    Only(Requirement),
}

impl From<Option<Requirement>> for HostRange {
    fn from(range: Option<Requirement>) -> Self {
        range.map_or(Self::All, Self::Only)
    }
}

impl fmt::Display for HostRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHeld => out.write_str("(not held)"),
            Self::All => out.write_str("(all hosts)"),
            Self::Only(range) => fmt::Display::fmt(range, out),
        }
    }
}

/// One field that two descriptions give differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, as `plugin.yaml` calls it.
    pub field: &'static str,
    /// What `plugin.yaml` says.
    pub manifest: String,
    /// What the other description says.
    pub other: String,
}

/// The plugin's manifest and another description of the same version don't say the same: `mfp::integrity::metadata`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct MetadataMismatch {
    /// The name and version that the other description is of.
    pub plugin: String,
    /// What the other description is, for a sentence: `the registry's index`, `plugins.lock`.
    pub source_name: &'static str,
    /// Every field that differs; at least one.
    pub differences: Vec<Difference>,
}

impl MetadataMismatch {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        "mfp::integrity::metadata"
    }
}

impl fmt::Display for MetadataMismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: `plugin.yaml` and {} don't say the same", self.plugin, self.source_name)?;
        for Difference { field, manifest, other } in &self.differences {
            write!(out, "\n  {field}: {manifest} in `plugin.yaml`, {other} in {}", self.source_name)?;
        }
        Ok(())
    }
}

impl Metadata {
    /// Must be called on the manifest's metadata: is `other` equal in everything that it holds? `source_name` says what
    /// the other is, for the message.
    pub fn check_against(&self, other: &Self, source_name: &'static str) -> Result<(), MetadataMismatch> {
        let differences = self.differences(other);
        if differences.is_empty() {
            return Ok(());
        }
        Err(MetadataMismatch { plugin: format!("{} {}", other.name, other.version), source_name, differences })
    }

    fn differences(&self, other: &Self) -> Vec<Difference> {
        let host_differs =
            self.mockforge != other.mockforge && HostRange::NotHeld != other.mockforge && HostRange::NotHeld != self.mockforge;
        let fields = [
            ("id", self.name != other.name, self.name.to_string(), other.name.to_string()),
            ("version", self.version != other.version, self.version.to_string(), other.version.to_string()),
            ("types", self.types != other.types, list(&self.types), list(&other.types)),
            ("mockforge", host_differs, self.mockforge.to_string(), other.mockforge.to_string()),
            ("dependencies", self.dependencies != other.dependencies, list(&self.shown_dependencies()), list(&other.shown_dependencies())),
            ("license", self.license != other.license, shown_license(self), shown_license(other)),
            ("capabilities", self.capabilities != other.capabilities, shown_capabilities(self), shown_capabilities(other)),
        ];
        let differ = fields.into_iter().filter(|(_, differs, ..)| *differs);
        differ.map(|(field, _, manifest, other)| Difference { field, manifest, other }).collect()
    }

    fn shown_dependencies(&self) -> BTreeSet<String> {
        let show = |one: &Dependency| format!("{} {}{}", one.name, one.requirement, if one.optional { " (optional)" } else { "" });
        self.dependencies.iter().map(show).collect()
    }
}

fn list<T: fmt::Display>(all: &BTreeSet<T>) -> String {
    if all.is_empty() {
        return "(none)".to_owned();
    }
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn shown_license(of: &Metadata) -> String {
    of.license.as_deref().map_or_else(|| "(none)".to_owned(), super::error::quoted)
}

fn shown_capabilities(of: &Metadata) -> String {
    serde_json::to_string(&of.capabilities).expect("capabilities are texts and numbers under text keys")
}

impl From<&PluginManifest> for Metadata {
    fn from(manifest: &PluginManifest) -> Self {
        Self {
            name: manifest.id.clone(),
            version: manifest.version.clone(),
            types: manifest.types.clone(),
            mockforge: manifest.mockforge.clone().into(),
            dependencies: manifest.dependencies.iter().cloned().collect(),
            license: manifest.license.clone(),
            capabilities: manifest.capabilities.clone(),
        }
    }
}

impl From<&IndexLine> for Metadata {
    fn from(line: &IndexLine) -> Self {
        Self {
            name: line.name.clone(),
            version: line.version.clone(),
            types: line.types.clone(),
            mockforge: line.mockforge.clone().into(),
            dependencies: line.deps.iter().cloned().collect(),
            license: line.license.clone(),
            capabilities: line.capabilities.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        Metadata {
            name: "auth-jwt".parse().unwrap(),
            version: "1.4.2".parse().unwrap(),
            types: [PluginType::Auth].into(),
            mockforge: HostRange::Only(">=0.3, <2".parse().unwrap()),
            dependencies: [Dependency { name: "jwks-core".parse().unwrap(), requirement: "^0.3".parse().unwrap(), optional: false }].into(),
            license: Some("MIT".into()),
            capabilities: serde_json::from_str(r#"{"http":["auth.example.com"]}"#).unwrap(),
        }
    }

    #[test]
    fn equal_is_equal() {
        assert_eq!(metadata().check_against(&metadata(), "the registry's index"), Ok(()));
        let entry = Metadata { mockforge: HostRange::NotHeld, ..metadata() };
        assert_eq!(metadata().check_against(&entry, "plugins.lock"), Ok(()), "a lock entry doesn't hold `mockforge`");
    }

    #[test]
    fn every_field_is_compared_and_both_values_are_shown() {
        let other = Metadata {
            name: "auth-jwt2".parse().unwrap(),
            version: "1.4.3".parse().unwrap(),
            types: [PluginType::Auth, PluginType::Template].into(),
            mockforge: HostRange::All,
            dependencies: [].into(),
            license: None,
            capabilities: serde_json::from_str(r#"{"http":["*.example.com"],"memory":134217728}"#).unwrap(),
        };
        let error = metadata().check_against(&other, "the registry's index").unwrap_err();
        assert_eq!(error.code(), "mfp::integrity::metadata");
        insta::assert_snapshot!(error);
    }

    #[test]
    fn narrower_differs_as_wider_does() {
        let narrower = Metadata { capabilities: Capabilities::default(), ..metadata() };
        assert!(metadata().check_against(&narrower, "the registry's index").is_err());
        assert!(narrower.check_against(&metadata(), "the registry's index").is_err());
        let optional = Dependency { name: "jwks-core".parse().unwrap(), requirement: "^0.3".parse().unwrap(), optional: true };
        assert!(metadata().check_against(&Metadata { dependencies: [optional].into(), ..metadata() }, "x").is_err());
    }
}
