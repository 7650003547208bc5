//! mfp's own dialect, `mfp: 1`: every key is known, or it's an error.

use super::Read;
use super::fields::{Field, Fields, Reader};
use super::found::Found;
use super::json::to_json;
use super::{capabilities, parts};
use crate::plugin::{PluginManifest, PluginManifestError};

/// Read a document that has the key `mfp`.
pub(super) fn read(mut root: Fields<'_>, mut reader: Reader) -> Read<PluginManifest, Vec<PluginManifestError>> {
    // In another edition, what follows would mean something else.
    root.need("mfp").and_then(|field| check_edition(&field)).map_err(|error| vec![error])?;
    let mut found = Found::default();
    if let Some(mut plugin) = reader.keep(root.need("plugin").and_then(|field| field.fields())) {
        parts::identity(&mut plugin, &mut found, &mut reader);
        found.types = parts::types(&mut plugin, &mut reader);
        found.about = parts::about(&mut plugin, &mut reader);
        found.runtime = parts::runtime(plugin.take("runtime"), &mut reader);
        found.entry = plugin.take("entry").and_then(|field| reader.keep(field.parse()));
        found.include = parts::limited(plugin.take("include"), &mut reader).iter().filter_map(|field| reader.keep(field.parse())).collect();
        reader.finish(&plugin);
    }
    found.mockforge = root.take("mockforge").and_then(|field| reader.keep(field.parse()));
    found.asked = capabilities::read(root.take("capabilities"), &mut reader);
    found.dependencies = parts::dependencies(root.take("dependencies"), found.id.as_ref(), &mut reader);
    found.config_schema = configuration(root.take("configuration"), &mut reader);
    found.tests = tests(root.take("tests"), &mut reader);
    reader.finish(&root);
    found.finish(reader)
}

fn check_edition(field: &Field<'_>) -> Read<()> {
    match field.integer()? {
        1 => Ok(()),
        0 => Err(field.wrong("must be 1")),
        newer => Err(PluginManifestError::unsupported(
            format!("the manifest is written for a newer mfp (`mfp: {newer}`)"),
            field.node.span.clone(),
        )
        .with_help("this mfp reads `mfp: 1`; update mfp")),
    }
}

/// `configuration: { schema: … }`, in mfp's dialect and in MockForge's nested one.
pub(super) fn configuration(field: Option<Field<'_>>, reader: &mut Reader) -> Option<serde_json::Value> {
    let mut fields = reader.keep(field?.fields())?;
    let schema = parts::schema(fields.take("schema"), reader);
    reader.finish(&fields);
    schema
}

fn tests(field: Option<Field<'_>>, reader: &mut Reader) -> Vec<serde_json::Value> {
    let items = field.and_then(|field| reader.keep(field.list())).unwrap_or_default();
    items.iter().filter_map(|item| reader.keep(to_json(item.node))).collect()
}
