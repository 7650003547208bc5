//! What is a plugin? A type that's made of its configuration, and answers calls of one or more types.

use alloc::vec::Vec;

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Result;
use crate::about::About;
use crate::host::Host;
use crate::types::{AuthRequest, Function, FunctionCall, GenerateRequest, QueryRequest, ResponseData, Table, Verdict};

/// A plugin. Each call of a host makes a new one: nothing that a call leaves behind is there in the next.
pub trait Plugin: Sized {
    /// Its configuration. The JSON Schema that's derived from it is what hosts check configurations against, so that what
    /// arrives here is of the right shape. `()` takes none.
    type Config: Config;

    /// What it's called and what it asks for: all of `plugin.yaml` that isn't in the code elsewhere.
    /// [`plugin_config!`](crate::plugin_config) makes it.
    fn about() -> About;

    /// Make it. An error here is the answer to the call.
    fn new(config: Self::Config) -> Result<Self>;
}

/// Something that a plugin can be configured by: what serde can read and schemars describe, or `()`.
pub trait Config: Sized {
    /// Read a configuration that a host gave.
    fn read(config: Value) -> Result<Self>;

    /// Its JSON Schema; `None` if nothing can be configured.
    fn schema() -> Option<Schema>;
}

impl<T: DeserializeOwned + JsonSchema> Config for T {
    fn read(config: Value) -> Result<Self> {
        // `()` is `null`, and no configuration is `{}`. (Asking the schema would bring all of schemars into the wasm.)
        let is_none = config.as_object().is_some_and(serde_json::Map::is_empty);
        let error = match serde_json::from_value(config) {
            Ok(read) => return Ok(read),
            Err(error) => error,
        };
        let unit = if is_none { serde_json::from_value(Value::Null).ok() } else { None };
        unit.ok_or_else(|| crate::Error::from(error).context("the configuration"))
    }

    fn schema() -> Option<Schema> {
        let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
        let is_unit = schema.get("type").is_some_and(|kind| kind == "null");
        for key in ["$schema", "title"] {
            schema.remove(key);
        }
        (!is_unit).then_some(schema)
    }
}

/// Says whether credentials are good.
pub trait Auth: Plugin {
    /// Credentials that aren't good are a [`Verdict`]; an error says that nobody can tell.
    fn authenticate(&self, request: AuthRequest, host: &dyn Host) -> Result<Verdict>;
}

/// Has functions for templates.
pub trait Template: Plugin {
    /// The functions that there are.
    fn functions(&self) -> Vec<Function>;

    /// Run one. For a name that there isn't: [`FunctionCall::unknown`].
    fn execute(&self, call: FunctionCall, host: &dyn Host) -> Result<Value>;
}

/// Makes up responses.
pub trait Response: Plugin {
    /// The response to a request.
    fn generate(&self, request: GenerateRequest, host: &dyn Host) -> Result<ResponseData>;
}

/// Has tables that can be asked.
pub trait Datasource: Plugin {
    /// The answer to a query.
    fn query(&self, request: QueryRequest, host: &dyn Host) -> Result<Table>;
}
