//! Which dialect is this, and how is it read? mfp's own, and three that MockForge's ecosystem writes.
//!
//! MockForge's documentation, examples, tools and registry write nine forms of `plugin.yaml` that contradict one another.
//! They are told apart by their keys at the top. Three of them are read wherever a plugin is (nested, flat, scaffold); the
//! others are recognised and refused by name. What had to be assumed to read one is in the manifest's warnings.
//!
//! | dialect | told by | requirement without an operator | unknown keys |
//! |---|---|---|---|
//! | [`Dialect::Mfp`] | `mfp: 1` | caret, as in Cargo | an error |
//! | [`Dialect::Nested`] | `plugin:` | exact, as MockForge's own library has it | a warning |
//! | [`Dialect::Flat`] | `id` and `types` | exact | a warning |
//! | [`Dialect::Scaffold`] | `plugin_type` | exact | a warning |
//!
//! Below `capabilities` an unknown key is an error in all of them: what isn't understood can't be approved.

mod capabilities;
mod fields;
mod json;
mod mfp;
mod mockforge;
mod parts;

use std::fmt;

use self::fields::{Fields, Reader};
use super::yaml::Node;
use super::{PluginManifest, PluginManifestError};

/// A dialect of `plugin.yaml` that is read wherever a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// mfp's own, marked by `mfp: 1`.
    Mfp,
    /// MockForge's nested one: everything about the plugin under `plugin:`.
    Nested,
    /// MockForge's flat one: `id` and `types` at the top.
    Flat,
    /// What MockForge's command writes for a new plugin: `plugin_type` at the top.
    Scaffold,
}

impl fmt::Display for Dialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Mfp => "mfp",
            Self::Nested => "MockForge, nested",
            Self::Flat => "MockForge, flat",
            Self::Scaffold => "MockForge, scaffold",
        })
    }
}

/// Read a document in whatever dialect it is.
pub(super) fn parse(root: &Node) -> Result<PluginManifest, PluginManifestError> {
    let root = Fields::of(root, "the manifest")?;
    let dialect = detect(&root)?;
    let reader = Reader::new(dialect);
    match dialect {
        Dialect::Mfp => mfp::read(root, reader),
        Dialect::Nested => mockforge::nested(root, reader),
        Dialect::Flat => mockforge::flat(root, reader),
        Dialect::Scaffold => mockforge::scaffold(root, reader),
    }
}

/// Forms that aren't read: the keys at the top that tell them, in the order of asking, and what they're known by.
const UNREAD: [(&[&str], &str); 4] = [
    (&["name", "category"], "the one of MockForge's registry (`name` and `category` at the top)"),
    (&["name", "tags"], "the one of MockForge's registry (`name` and `tags` at the top)"),
    (&["id", "type"], "the one of MockForge's tutorials (`id` and `type` at the top)"),
    (&["name", "type"], "the one of MockForge's book (`name` and `type` at the top)"),
];

fn detect(root: &Fields<'_>) -> Result<Dialect, PluginManifestError> {
    if root.has("mfp") {
        return Ok(Dialect::Mfp);
    }
    if root.has("info") {
        return Err(unread(root, "info", "the one of MockForge's loader (`info:` at the top)"));
    }
    if root.has("manifest_version") {
        return Err(unread(root, "manifest_version", "the one of MockForge's library (`manifest_version` at the top)"));
    }
    if root.has("plugin") {
        return Ok(Dialect::Nested);
    }
    if root.has("plugin_type") {
        return Ok(Dialect::Scaffold);
    }
    if root.has("id") && root.has("types") {
        return Ok(Dialect::Flat);
    }
    match UNREAD.iter().find(|(keys, _)| keys.iter().all(|key| root.has(key))) {
        Some((keys, form)) => Err(unread(root, keys[0], form)),
        None => Err(PluginManifestError::invalid("this isn't a plugin's manifest in any form that mfp knows", None)
            .with_help("a manifest starts with `mfp: 1` and has `plugin:` with `id`, `version` and `types`")),
    }
}

fn unread(root: &Fields<'_>, key: &str, form: &str) -> PluginManifestError {
    PluginManifestError::unsupported(format!("this manifest is written in a form that mfp doesn't read yet: {form}"), root.key_span(key))
        .with_help("`mfp validate --fix` of a later version will rewrite it; until then write it with `mfp: 1` at the top")
}
