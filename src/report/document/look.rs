//! What `list`, `tree`, `why`, `outdated`, `info`, `docs` and `search` print with `--json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::HeldDocument;

/// `list`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListDocument {
    pub(crate) plugins: Vec<ListedPlugin>,
}

/// One locked plugin.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedPlugin {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) source: String,
    pub(crate) content: String,
    pub(crate) types: Vec<String>,
    /// Does the manifest declare it?
    pub(crate) direct: bool,
    /// Where it's laid out, or null.
    pub(crate) path: Option<String>,
    /// Who signed it, as the lock has it: `minisign:RW…`; left out if nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<String>,
    /// What people compare: a short digest of that key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<String>,
    /// The ref of a git source: `tag v1.0.0`, `branch main`, `rev 8a1d9b9`; left out for other sources and for the default branch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
    /// The commit of a git source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
}

/// `tree`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TreeDocument {
    pub(crate) nodes: Vec<TreeNode>,
    pub(crate) edges: Vec<TreeEdge>,
}

/// One plugin of the graph.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TreeNode {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) source: String,
    pub(crate) direct: bool,
}

/// One dependency of the graph.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TreeEdge {
    /// Who depends.
    pub(crate) from: String,
    /// On whom.
    pub(crate) to: String,
    pub(crate) requirement: String,
    pub(crate) optional: bool,
}

/// `why`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct WhyDocument {
    /// Each a chain of names from what the manifest declares to the plugin in question.
    pub(crate) paths: Vec<Vec<String>>,
}

/// `outdated`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutdatedDocument {
    pub(crate) outdated: Vec<OutdatedPlugin>,
}

/// One plugin that has newer versions.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutdatedPlugin {
    pub(crate) name: String,
    pub(crate) current: String,
    /// The newest that `mfp update` would take by the requirements alone.
    pub(crate) compatible: String,
    /// The newest of all.
    pub(crate) latest: String,
    /// Why `mfp update` won't take the newest compatible one before a person has decided. Left out if nothing is in its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<HeldDocument>,
}

/// `info`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InfoDocument {
    pub(crate) plugin: InfoPlugin,
}

/// What's known about a plugin.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct InfoPlugin {
    pub(crate) name: String,
    /// The version that's shown; empty for a service, which has none.
    pub(crate) version: String,
    pub(crate) source: String,
    /// The version in the lock, or null.
    pub(crate) locked: Option<String>,
    /// All versions that the registry has, newest first.
    pub(crate) versions: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) types: Vec<String>,
    pub(crate) license: Option<String>,
    pub(crate) published: Option<String>,
    pub(crate) yanked: Option<String>,
    pub(crate) mockforge: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) capabilities: Value,
    pub(crate) dependencies: Vec<InfoDependency>,
    /// More that the registry says, by key (`homepage`, `repository`…).
    pub(crate) more: BTreeMap<String, String>,
    /// The plugin's configuration schema (`--config`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_schema: Option<Value>,
    /// A table for the project's manifest, in TOML, with what the schema asks for (`--config`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config_example: Option<String>,
    /// What the project configures (`--config`), names of variables in place of their values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) config: Option<Value>,
}

/// One dependency of a plugin.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InfoDependency {
    pub(crate) name: String,
    pub(crate) requirement: String,
    pub(crate) optional: bool,
}

/// `docs`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DocsDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The file in the package.
    pub(crate) file: String,
    pub(crate) text: String,
}

/// `search`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SearchDocument {
    pub(crate) results: Vec<SearchHit>,
}

/// One plugin that was found.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SearchHit {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) types: Vec<String>,
}
