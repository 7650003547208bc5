//! mfp's own dialect, `mfp: 1`: every key is known, or it's an error.

use super::fields::{Field, Fields, Reader};
use super::json::to_json;
use super::{capabilities, parts};
use crate::plugin::{PluginManifest, PluginManifestError};

/// Read a document that has the key `mfp`.
pub(super) fn read(mut root: Fields<'_>, mut reader: Reader) -> Result<PluginManifest, PluginManifestError> {
    check_edition(&root.need("mfp")?)?;
    let mut plugin = root.need("plugin")?.fields()?;
    let id = plugin.need("id")?.parse()?;
    let version = parts::version(&mut plugin)?;
    let types = parts::types(&plugin.need("types")?)?;
    let about = parts::about(&mut plugin, &mut reader)?;
    let runtime = parts::runtime(plugin.take("runtime"))?;
    let entry = plugin.take("entry").map(|field| field.parse()).transpose()?;
    let include = parts::limited(plugin.take("include"))?.iter().map(Field::parse).collect::<Result<_, _>>()?;
    reader.finish(&plugin)?;

    let mockforge = root.take("mockforge").map(|field| field.parse()).transpose()?;
    let asked = capabilities::read(root.take("capabilities"), &mut reader)?;
    let (capabilities, limits) = asked.canonical(&types);
    let dependencies = parts::dependencies(root.take("dependencies"), &id, &mut reader)?;
    let config_schema = configuration(root.take("configuration"), &mut reader)?;
    let tests = tests(root.take("tests"))?;
    reader.finish(&root)?;

    Ok(PluginManifest {
        id,
        version,
        types,
        display_name: about.display_name,
        description: about.description,
        license: about.license,
        author: about.author,
        homepage: about.homepage,
        repository: about.repository,
        documentation: about.documentation,
        keywords: about.keywords,
        categories: about.categories,
        runtime,
        entry,
        include,
        mockforge,
        dependencies,
        capabilities,
        limits,
        config_schema,
        tests,
        dialect: reader.dialect,
        warnings: reader.warnings,
    })
}

fn check_edition(field: &Field<'_>) -> Result<(), PluginManifestError> {
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
pub(super) fn configuration(field: Option<Field<'_>>, reader: &mut Reader) -> Result<Option<serde_json::Value>, PluginManifestError> {
    let Some(field) = field else { return Ok(None) };
    let mut fields = field.fields()?;
    let schema = parts::schema(fields.take("schema"))?;
    reader.finish(&fields)?;
    Ok(schema)
}

fn tests(field: Option<Field<'_>>) -> Result<Vec<serde_json::Value>, PluginManifestError> {
    let Some(field) = field else { return Ok(Vec::new()) };
    field.list()?.iter().map(|item| to_json(item.node)).collect()
}
