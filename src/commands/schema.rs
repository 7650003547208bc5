//! `mfp schema manifest|lock|plugin`: the shape of the files that people and programs write.

use mfp_model::schema;
use serde_json::Value;

use crate::app::App;
use crate::authoring::templates::Kind;
use crate::cli::tools::{SchemaArgs, SchemaFile};
use crate::error::{Error, Result};
use crate::report::Outcome;
use crate::report::document::{Document, SchemaDocument};

/// An example of a manifest, with everything that this version understands.
pub(crate) const MANIFEST_EXAMPLE: &str = include_str!("../../fixtures/examples/mockforge-plugins.toml");
/// An example of a lock.
pub(crate) const LOCK_EXAMPLE: &str = include_str!("../../fixtures/examples/plugins.lock");
/// An example of a plugin's manifest.
pub(crate) const PLUGIN_EXAMPLE: &str = include_str!("../../fixtures/examples/plugin.yaml");

/// Examples of a plugin's manifest, by what the plugin answers, with comments.
fn example_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Auth => include_str!("../../fixtures/examples/plugin/auth.yaml"),
        Kind::Template => include_str!("../../fixtures/examples/plugin/template.yaml"),
        Kind::Response => include_str!("../../fixtures/examples/plugin/response.yaml"),
        Kind::Datasource => include_str!("../../fixtures/examples/plugin/datasource.yaml"),
        Kind::Full => include_str!("../../fixtures/examples/plugin/full.yaml"),
    }
}

/// The JSON schema, or an example.
pub(crate) fn run(_app: &App<'_>, args: &SchemaArgs) -> Result<Outcome> {
    if args.kind.is_some() && args.file != SchemaFile::Plugin {
        return Err(Error::new("mfp::usage::arguments", "only plugins have a type").help("`mfp schema plugin --example --type auth`"));
    }
    if args.example {
        let text = match args.file {
            SchemaFile::Manifest => MANIFEST_EXAMPLE,
            SchemaFile::Lock => LOCK_EXAMPLE,
            SchemaFile::Plugin => args.kind.map_or(PLUGIN_EXAMPLE, example_of),
        };
        return Ok(Outcome::done(Document::Schema(SchemaDocument { schema: Value::String(text.to_owned()) })).text(text.to_owned()));
    }
    let schema = match args.file {
        SchemaFile::Manifest => schema::manifest_schema(),
        SchemaFile::Lock => schema::lock_schema(),
        SchemaFile::Plugin => schema::plugin_schema(),
    };
    let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default());
    Ok(Outcome::done(Document::Schema(SchemaDocument { schema })).text(text))
}
