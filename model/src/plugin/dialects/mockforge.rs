//! The three of MockForge's dialects that are read wherever a plugin is.
//!
//! What's assumed: a requirement without an operator is exact; `mockforge` isn't among their keys, so all hosts are
//! supported; `entry` and `include` aren't either, so the module is the only `*.wasm` and nothing else is packaged but what
//! always is; the plugin's own `remote` and `environment` sections are for a server that the project names itself, so they
//! are left out; `max_cpu_percent` and the like have no counterpart and are left out.

use std::collections::BTreeSet;

use super::Read;
use super::fields::{Fields, Reader};
use super::found::Found;
use super::mfp::configuration;
use super::{capabilities, loose, parts};
use crate::plugin::{PluginManifest, PluginManifestError};

/// Identity under `plugin:`, the rest beside it.
pub(super) fn nested(mut root: Fields<'_>, mut reader: Reader) -> Read<PluginManifest, Vec<PluginManifestError>> {
    let mut found = Found::default();
    if let Some(mut plugin) = reader.keep(root.need("plugin").and_then(|field| field.fields())) {
        parts::identity(&mut plugin, &mut found, &mut reader);
        found.types = parts::types(&mut plugin, &mut reader);
        found.about = parts::about(&mut plugin, &mut reader);
        found.runtime = parts::runtime(plugin.take("runtime"), &mut reader);
        reader.finish(&plugin);
    }
    found.asked = capabilities::read(root.take("capabilities"), &mut reader);
    found.dependencies = parts::dependencies(root.take("dependencies"), found.id.as_ref(), &mut reader);
    found.config_schema = configuration(root.take("configuration"), &mut reader);
    if reader.is_rewriting() {
        found.config_schema = found.config_schema.map(|schema| loose::strict_schema(schema, &mut reader));
    }
    if root.take("remote").is_some() {
        reader.warn("`remote` is left out: a project says itself where a remote plugin runs");
    }
    if root.take("environment").is_some() {
        reader.warn("`environment` is left out: variables are asked for under `capabilities.environment`");
    }
    reader.finish(&root);
    found.finish(reader)
}

/// Everything at the top, `types` a list.
pub(super) fn flat(mut root: Fields<'_>, mut reader: Reader) -> Read<PluginManifest, Vec<PluginManifestError>> {
    let mut found = Found::default();
    parts::identity(&mut root, &mut found, &mut reader);
    found.types = parts::types(&mut root, &mut reader);
    found.about = parts::about(&mut root, &mut reader);
    found.asked = capabilities::read(root.take("capabilities"), &mut reader);
    found.dependencies = parts::dependencies(root.take("dependencies"), found.id.as_ref(), &mut reader);
    found.config_schema = parts::schema(root.take("config_schema"), &mut reader);
    if reader.is_rewriting() {
        found.config_schema = found.config_schema.map(|schema| loose::strict_schema(schema, &mut reader));
    }
    reader.finish(&root);
    found.finish(reader)
}

/// Everything at the top, one `plugin_type`, capabilities as flags, limits beside them.
pub(super) fn scaffold(mut root: Fields<'_>, mut reader: Reader) -> Read<PluginManifest, Vec<PluginManifestError>> {
    let mut found = Found::default();
    parts::identity(&mut root, &mut found, &mut reader);
    found.types = only_type(&mut root, "plugin_type", &mut reader);
    found.about = parts::about(&mut root, &mut reader);
    found.asked = capabilities::read_scaffold(root.take("capabilities"), root.take("resource_limits"), &mut reader);
    found.dependencies = parts::dependencies(root.take("dependencies"), found.id.as_ref(), &mut reader);
    reader.finish(&root);
    found.finish(reader)
}

/// The one type that a key names, or what's given beside the text.
pub(super) fn only_type(fields: &mut Fields<'_>, key: &'static str, reader: &mut Reader) -> Option<BTreeSet<crate::plugin::PluginType>> {
    let field = fields.need(key);
    let given = reader.given().types;
    if !given.is_empty() {
        return Some(given);
    }
    let field = reader.keep(field)?;
    parts::one_type(&field, reader).map(|one| BTreeSet::from([one]))
}
