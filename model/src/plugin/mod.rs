//! What does a plugin ask and offer? Its manifest, `plugin.yaml`, read from any dialect that can be understood.
//!
//! The text comes from strangers, so reading is bounded (size, depth, counts) and unambiguous: whatever two YAML readers
//! could take for two things (aliases, tags, duplicate keys, several documents) is refused. In mfp's own dialect (`mfp: 1`)
//! an unknown key is an error; in MockForge's dialects it's kept out and warned about, but never below `capabilities`, where
//! not understanding is an error everywhere. Nothing in the manifest is ever run: hooks are warned about and left alone.

mod compare;
mod conformance;
mod dialects;
mod embed;
mod entry;
mod error;
mod metadata;
mod outline;
mod rewrite;
mod surface;
mod types;
mod wasm;
mod write;
pub(crate) mod yaml;

use std::collections::BTreeSet;

pub use self::conformance::{Conformance, ConformanceCall, ConformanceError, Expectation};
pub use self::dialects::{Dialect, Form, Given};
pub use self::embed::{has_component_types, without_manifest};
pub use self::entry::{EntryError, check_manifest_files, find_entry};
pub use self::error::PluginManifestError;
pub(crate) use self::error::neutral;
pub use self::metadata::{Difference, HostRange, Metadata, MetadataMismatch};
pub use self::outline::Outline;
pub use self::rewrite::{Rewritten, rewrite};
pub use self::surface::Surface;
pub use self::types::{Author, Dependency, OwnLimits, PluginType, Runtime, UnknownPluginType};
pub use self::wasm::{BareWasm, BareWasmError, MANIFEST_SECTION, WasmError, WasmKind, check_wasm_header, embedded_manifest};
use crate::capability::Capabilities;
use crate::content::{Listing, PackagePath};
use crate::index::IndexLine;
use crate::name::PluginName;
use crate::package::IncludePattern;
use crate::requirement::Requirement;
use crate::version::Version;

/// The largest `plugin.yaml`, in bytes (formats.md: 1 MiB).
pub const MAX_MANIFEST_BYTES: usize = 1 << 20;
/// The most dependencies that one version has.
pub const MAX_DEPENDENCIES: usize = 200;

/// A plugin's manifest, whatever dialect it was written in.
///
/// Texts for people (`display_name`, `description`, `author` …) have no control or bidirectional characters, and links are
/// http or https.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginManifest {
    /// Its name in registries and projects, and the host's key for it.
    pub id: PluginName,
    /// Its version; build metadata is kept for display and counts for nothing.
    pub version: Version,
    /// The kinds of calls that it answers; at least one.
    pub types: BTreeSet<PluginType>,
    /// Its name for people (`name` in the file).
    pub display_name: Option<String>,
    /// What it does, in a sentence or a few.
    pub description: Option<String>,
    /// Its licence, as an SPDX expression or whatever the author wrote.
    pub license: Option<String>,
    /// Who wrote it.
    pub author: Option<Author>,
    /// Its web page.
    pub homepage: Option<String>,
    /// Where its source is.
    pub repository: Option<String>,
    /// Where its documentation is.
    pub documentation: Option<String>,
    /// Words to find it by, as written.
    pub keywords: Vec<String>,
    /// Categories to find it by, as written.
    pub categories: Vec<String>,
    /// What carries its calls.
    pub runtime: Runtime,
    /// The module or component; absent means the only `*.wasm` beside the manifest.
    pub entry: Option<PackagePath>,
    /// What else belongs to the package.
    pub include: Vec<IncludePattern>,
    /// The hosts that it supports; absent means all.
    pub mockforge: Option<Requirement>,
    /// The plugins that it may call, in the file's order; no name twice.
    pub dependencies: Vec<Dependency>,
    /// What it asks for beyond the defaults, in canonical form.
    pub capabilities: Capabilities,
    /// Limits of its own at or below the defaults, which aren't asked for.
    pub limits: OwnLimits,
    /// The JSON Schema of its configuration; not checked here.
    pub config_schema: Option<serde_json::Value>,
    /// Conformance requests for `mfp test`; not checked here.
    pub tests: Vec<serde_json::Value>,
    /// The dialect that it was written in.
    pub dialect: Dialect,
    /// What was left out or assumed, for the author to read; one sentence each.
    pub warnings: Vec<String>,
}

impl PluginManifest {
    /// Read a manifest in mfp's dialect or one of the three of MockForge that are read wherever a plugin is.
    pub fn parse(text: &str) -> Result<Self, PluginManifestError> {
        Self::parse_all(text).map_err(|errors| errors.into_iter().next().expect("no manifest without a mistake"))
    }

    /// The same, with every mistake that can be told apart from the others, in the order of reading; at least one.
    pub fn parse_all(text: &str) -> Result<Self, Vec<PluginManifestError>> {
        dialects::parse(&yaml::parse(text).map_err(|error| vec![error])?)
    }

    /// Read a manifest from a file's bytes: at most [`MAX_MANIFEST_BYTES`], in UTF-8.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PluginManifestError> {
        yaml::check_size(bytes.len())?;
        Self::parse(std::str::from_utf8(bytes).map_err(|_| yaml::not_utf8(bytes))?)
    }

    /// The same from a file's bytes.
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Self, Vec<PluginManifestError>> {
        yaml::check_size(bytes.len()).map_err(|error| vec![error])?;
        Self::parse_all(std::str::from_utf8(bytes).map_err(|_| vec![yaml::not_utf8(bytes)])?)
    }

    /// Where the module is among the files of the package, for a plugin that has one.
    pub fn entry_in<'a>(&self, listing: &'a Listing) -> Result<&'a PackagePath, EntryError> {
        find_entry(self.entry.as_ref(), listing.iter().map(|(path, _)| path))
    }

    /// What the index line and the lock entry must repeat.
    pub fn metadata(&self) -> Metadata {
        Metadata::from(self)
    }

    /// Does the index line say exactly what this manifest says?
    pub fn check_against_index(&self, line: &IndexLine) -> Result<(), MetadataMismatch> {
        self.metadata().check_against(&Metadata::from(line), "the registry's index")
    }
}

#[cfg(test)]
mod tests;
