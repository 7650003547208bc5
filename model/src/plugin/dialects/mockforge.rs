//! The three of MockForge's dialects that are read wherever a plugin is.
//!
//! What's assumed: a requirement without an operator is exact; `mockforge` isn't among their keys, so all hosts are
//! supported; `entry` and `include` aren't either, so the module is the only `*.wasm` and nothing else is packaged but what
//! always is; the plugin's own `remote` and `environment` sections are for a server that the project names itself, so they
//! are left out; `max_cpu_percent` and the like have no counterpart and are left out.

use std::collections::BTreeSet;

use super::capabilities::Asked;
use super::fields::{Field, Fields, Reader};
use super::mfp::configuration;
use super::parts::About;
use super::{capabilities, parts};
use crate::name::PluginName;
use crate::plugin::{Dependency, PluginManifest, PluginManifestError, PluginType, Runtime};
use crate::version::Version;

type Read<T> = Result<T, PluginManifestError>;

/// What the three dialects have in common, wherever it stands.
struct Found {
    id: PluginName,
    version: Version,
    types: BTreeSet<PluginType>,
    about: About,
    runtime: Runtime,
    asked: Asked,
    dependencies: Vec<Dependency>,
    config_schema: Option<serde_json::Value>,
}

impl Found {
    fn into_manifest(self, reader: Reader) -> PluginManifest {
        let (capabilities, limits) = self.asked.canonical(&self.types);
        PluginManifest {
            id: self.id,
            version: self.version,
            types: self.types,
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
            entry: None,
            include: Vec::new(),
            mockforge: None,
            dependencies: self.dependencies,
            capabilities,
            limits,
            config_schema: self.config_schema,
            tests: Vec::new(),
            dialect: reader.dialect,
            warnings: reader.warnings,
        }
    }
}

/// Identity under `plugin:`, the rest beside it.
pub(super) fn nested(mut root: Fields<'_>, mut reader: Reader) -> Read<PluginManifest> {
    let mut plugin = root.need("plugin")?.fields()?;
    let id: PluginName = plugin.need("id")?.parse()?;
    let version = parts::version(&mut plugin)?;
    let types = parts::types(&plugin.need("types")?)?;
    let about = parts::about(&mut plugin, &mut reader)?;
    let runtime = parts::runtime(plugin.take("runtime"))?;
    reader.finish(&plugin)?;

    let asked = capabilities::read(root.take("capabilities"), &mut reader)?;
    let dependencies = parts::dependencies(root.take("dependencies"), &id, &mut reader)?;
    let config_schema = configuration(root.take("configuration"), &mut reader)?;
    if root.take("remote").is_some() {
        reader.warn("`remote` is left out: a project says itself where a remote plugin runs");
    }
    if root.take("environment").is_some() {
        reader.warn("`environment` is left out: variables are asked for under `capabilities.environment`");
    }
    reader.finish(&root)?;
    Ok(Found { id, version, types, about, runtime, asked, dependencies, config_schema }.into_manifest(reader))
}

/// Everything at the top, `types` a list.
pub(super) fn flat(mut root: Fields<'_>, mut reader: Reader) -> Read<PluginManifest> {
    let id: PluginName = root.need("id")?.parse()?;
    let version = parts::version(&mut root)?;
    let types = parts::types(&root.need("types")?)?;
    let about = parts::about(&mut root, &mut reader)?;
    let asked = capabilities::read(root.take("capabilities"), &mut reader)?;
    let dependencies = parts::dependencies(root.take("dependencies"), &id, &mut reader)?;
    let config_schema = parts::schema(root.take("config_schema"))?;
    reader.finish(&root)?;
    Ok(Found { id, version, types, about, runtime: Runtime::Wasm, asked, dependencies, config_schema }.into_manifest(reader))
}

/// Everything at the top, one `plugin_type`, capabilities as flags, limits beside them.
pub(super) fn scaffold(mut root: Fields<'_>, mut reader: Reader) -> Read<PluginManifest> {
    let id: PluginName = root.need("id")?.parse()?;
    let version = parts::version(&mut root)?;
    let types = BTreeSet::from([scaffold_type(&root.need("plugin_type")?)?]);
    let about = parts::about(&mut root, &mut reader)?;
    let asked = capabilities::read_scaffold(root.take("capabilities"), root.take("resource_limits"), &mut reader)?;
    let dependencies = parts::dependencies(root.take("dependencies"), &id, &mut reader)?;
    reader.finish(&root)?;
    Ok(Found { id, version, types, about, runtime: Runtime::Wasm, asked, dependencies, config_schema: None }.into_manifest(reader))
}

/// MockForge's command takes `data-source` for `datasource`.
fn scaffold_type(field: &Field<'_>) -> Read<PluginType> {
    if field.text()? == "data-source" { Ok(PluginType::Datasource) } else { field.parse() }
}
