//! What was found in a document, whatever its dialect, before it's a manifest: pieces that may be missing.

use std::collections::BTreeSet;

use super::Read;
use super::capabilities::Asked;
use super::fields::Reader;
use super::parts::About;
use crate::content::PackagePath;
use crate::name::PluginName;
use crate::package::IncludePattern;
use crate::plugin::{Dependency, PluginManifest, PluginManifestError, PluginType, Runtime};
use crate::requirement::Requirement;
use crate::version::Version;

/// The pieces. One that's needed and isn't there is a mistake that the reader has kept.
#[derive(Default)]
pub(super) struct Found {
    pub(super) id: Option<PluginName>,
    pub(super) version: Option<Version>,
    pub(super) types: Option<BTreeSet<PluginType>>,
    pub(super) about: About,
    pub(super) runtime: Runtime,
    pub(super) entry: Option<PackagePath>,
    pub(super) include: Vec<IncludePattern>,
    pub(super) mockforge: Option<Requirement>,
    pub(super) asked: Asked,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) config_schema: Option<serde_json::Value>,
    pub(super) tests: Vec<serde_json::Value>,
}

impl Found {
    /// The manifest, or every mistake.
    pub(super) fn finish(self, reader: Reader) -> Read<PluginManifest, Vec<PluginManifestError>> {
        let (Some(id), Some(version), Some(types)) = (self.id, self.version, self.types) else {
            return Err(reader.errors);
        };
        if !reader.errors.is_empty() {
            return Err(reader.errors);
        }
        let (capabilities, limits) = self.asked.canonical(&types);
        Ok(PluginManifest {
            id,
            version,
            types,
            display_name: self.about.display_name,
            description: self.about.description,
            license: self.about.license,
            author: self.about.author,
            homepage: self.about.homepage,
            repository: self.about.repository,
            documentation: self.about.documentation,
            keywords: self.about.keywords,
            categories: self.about.categories,
            runtime: self.runtime,
            entry: self.entry,
            include: self.include,
            mockforge: self.mockforge,
            dependencies: self.dependencies,
            capabilities,
            limits,
            config_schema: self.config_schema,
            tests: self.tests,
            dialect: reader.dialect,
            warnings: reader.warnings,
        })
    }
}
