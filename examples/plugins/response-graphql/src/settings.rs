//! What can be configured?

use std::collections::{BTreeMap, BTreeSet};

use apollo_compiler::Schema;
use apollo_compiler::schema::ExtendedType;
use mockforge_plugin_sdk::prelude::*;

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The schema, in GraphQL's schema language; without it, that of a small shop
    #[serde(default)]
    pub(crate) schema: Option<String>,
    /// Values by `Type.field`, or by type: of a scalar, an enum, an object (some of its fields) or a list
    #[serde(default)]
    pub(crate) values: BTreeMap<String, Value>,
    /// Values to choose from, by `Type.field`, or by type
    #[serde(default)]
    pub(crate) choices: BTreeMap<String, Vec<Value>>,
    /// Fields that are null, as `Type.field`
    #[serde(default)]
    pub(crate) nulls: BTreeSet<String>,
    /// Fields that fail, as `Type.field`, and the message of each
    #[serde(default)]
    pub(crate) errors: BTreeMap<String, String>,
    /// How long lists are by `Type.field`
    #[serde(default)]
    pub(crate) lists: BTreeMap<String, u8>,
    /// How long the other lists are
    #[serde(default = "two")]
    #[schemars(range(max = 100))]
    pub(crate) list_length: u8,
    /// Another number makes other values
    #[serde(default)]
    pub(crate) seed: u32,
    /// Whether `__schema` and `__type` are answered
    #[serde(default = "yes")]
    pub(crate) introspection: bool,
    /// How deep a query may be
    #[serde(default = "fifteen")]
    #[schemars(range(min = 1, max = 50))]
    pub(crate) max_depth: u8,
    /// How many fields a query may ask for, those of a fragment counted wherever it's used
    #[serde(default = "thousand")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) max_fields: u16,
}

fn two() -> u8 {
    2
}

fn yes() -> bool {
    true
}

fn fifteen() -> u8 {
    15
}

fn thousand() -> u16 {
    1000
}

impl Settings {
    /// Is everything that's named in the schema?
    pub(crate) fn fit(&self, schema: &Schema) -> Result<()> {
        let types = self.values.keys().chain(self.choices.keys()).map(|name| ("values", name));
        let fields = self.nulls.iter().chain(self.errors.keys()).chain(self.lists.keys()).map(|name| ("fields", name));
        for (what, name) in types.chain(fields) {
            let is_there = match name.split_once('.') {
                Some((of, field)) => is_field(schema, of, field),
                None => what == "values" && schema.types.contains_key(name.as_str()),
            };
            if !is_there {
                fail!("the configuration names `{name}`, which isn't in the schema");
            }
        }
        if let Some((name, _)) = self.choices.iter().find(|(_, choices)| choices.is_empty()) {
            fail!("the configuration has nothing to choose from for `{name}`");
        }
        Ok(())
    }
}

fn is_field(schema: &Schema, of: &str, field: &str) -> bool {
    match schema.types.get(of) {
        Some(ExtendedType::Object(object)) => object.fields.contains_key(field),
        _ => false,
    }
}
