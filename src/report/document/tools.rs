//! What `cache`, `config`, `schema`, `man`, `completions` and `self` print with `--json`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::Problem;

/// `cache`
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct CacheDocument {
    pub(crate) store: String,
    pub(crate) cache: String,
    /// `size`: what the store holds, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store_bytes: Option<u64>,
    /// `size`: what the cache holds, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cache_bytes: Option<u64>,
    /// `clean`, `prune`: plugins that were removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) removed: Option<usize>,
    /// `clean`, `prune`: bytes that were freed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) freed_bytes: Option<u64>,
    /// `verify`: what's damaged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problems: Option<Vec<Problem>>,
}

/// `config`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConfigDocument {
    /// The file.
    pub(crate) path: Option<String>,
    /// What it sets, by key.
    pub(crate) values: BTreeMap<String, String>,
}

/// `schema`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SchemaDocument {
    /// The JSON schema, or the text of an example.
    pub(crate) schema: Value,
}

/// `man`, `completions`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TextDocument {
    pub(crate) text: String,
}

/// `self`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AboutDocument {
    pub(crate) version: String,
    /// The newest lock version that this mfp reads and writes.
    pub(crate) lock_version: u64,
}
