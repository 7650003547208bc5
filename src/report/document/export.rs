//! What `export` and `vendor` print with `--json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// `export`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportDocument {
    /// `cyclonedx` or `json`.
    pub(crate) format: &'static str,
    /// `--output`: the file that was written; the document is in it, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    /// The document of mfp's own; without `--json`, `--format json` prints it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) export: Option<ExportedLock>,
    /// The bill of materials, by the schema of CycloneDX 1.6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bom: Option<Value>,
}

/// What a project runs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedLock {
    pub(crate) project: String,
    /// The registries' addresses, by the project's name for them.
    pub(crate) registries: BTreeMap<String, String>,
    /// Every plugin that the chosen groups want, by name.
    pub(crate) plugins: Vec<ExportedPlugin>,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedPlugin {
    /// The name that the project has for it.
    pub(crate) name: String,
    /// The plugin's own name.
    pub(crate) package: String,
    /// Null for a service.
    pub(crate) version: Option<String>,
    pub(crate) source: String,
    pub(crate) types: Vec<String>,
    /// As the plugin states it.
    pub(crate) license: Option<String>,
    /// When its registry says that it was published.
    pub(crate) published: Option<String>,
    /// The archive; null for plugins from git, from folders, and for services.
    pub(crate) artifact: Option<ExportedArtifact>,
    /// For plugins from git.
    pub(crate) git: Option<ExportedCommit>,
    /// The publisher's minisign key, or null.
    pub(crate) signer: Option<String>,
    /// What it asks for beyond the defaults.
    pub(crate) capabilities: Value,
    pub(crate) dependencies: Vec<ExportedDependency>,
    /// Does the project itself ask for it?
    pub(crate) direct: bool,
    /// The optional groups that it belongs to.
    pub(crate) groups: Vec<String>,
    /// `blake3:<hex>`: the digest of what the plugin is.
    pub(crate) content: String,
}

/// An archive.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedArtifact {
    pub(crate) format: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// A commit of a repository.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedCommit {
    pub(crate) url: String,
    /// `tag v1.0.0`, `branch main`; null for the default branch.
    pub(crate) reference: Option<String>,
    pub(crate) commit: String,
    pub(crate) subdir: Option<String>,
}

/// A plugin that another one calls.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ExportedDependency {
    pub(crate) name: String,
    pub(crate) requirement: String,
    pub(crate) optional: bool,
}

/// `vendor`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct VendorDocument {
    pub(crate) path: String,
    pub(crate) plugins: usize,
}
