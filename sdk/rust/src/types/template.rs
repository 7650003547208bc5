//! What a template plugin is asked, and the functions that it says it has.

use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{RequestContext, or_default};
use crate::Error;

/// What a template function may know beside its arguments.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TemplateContext {
    /// The variables that the plugin was granted, and the caller's.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Map::is_empty")]
    pub environment: Map<String, Value>,
    /// The request that the template is rendered for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_context: Option<RequestContext>,
}

/// A call of a template function.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Which function.
    pub function_name: String,
    /// Its arguments, in order.
    #[serde(default, deserialize_with = "or_default")]
    pub args: Vec<Value>,
    /// What else it may know.
    #[serde(default, deserialize_with = "or_default")]
    pub context: TemplateContext,
}

impl FunctionCall {
    /// A call without a context.
    pub fn new(function_name: impl Into<String>, args: impl IntoIterator<Item = Value>) -> Self {
        Self { function_name: function_name.into(), args: args.into_iter().collect(), context: TemplateContext::default() }
    }

    /// The argument at this place, from 0. `None` if there's none or it's `null`; an error if it's of another type.
    ///
    /// ```
    /// use mockforge_plugin_sdk::FunctionCall;
    /// use serde_json::json;
    ///
    /// let call = FunctionCall::new("repeat", [json!("ab"), json!(2)]);
    /// assert_eq!(call.arg::<String>(0).unwrap().as_deref(), Some("ab"));
    /// assert_eq!(call.arg::<u32>(2).unwrap(), None);
    /// assert_eq!(call.arg::<u32>(0).unwrap_err().to_string(), "argument 1 of repeat: invalid type: string \"ab\", expected u32");
    /// ```
    pub fn arg<T: DeserializeOwned>(&self, at: usize) -> crate::Result<Option<T>> {
        let Some(arg) = self.args.get(at).filter(|arg| !arg.is_null()) else { return Ok(None) };
        let wrong = |error| crate::fail!("argument {} of {}: {error}", at + 1, self.function_name);
        T::deserialize(arg).map(Some).or_else(wrong)
    }

    /// The argument at this place, from 0, which there must be.
    pub fn need<T: DeserializeOwned>(&self, at: usize) -> crate::Result<T> {
        match self.arg(at)? {
            Some(arg) => Ok(arg),
            None => crate::fail!("{} needs argument {}", self.function_name, at + 1),
        }
    }

    /// All arguments at once, as a tuple of their types: for functions that take so many and no more.
    ///
    /// ```
    /// use mockforge_plugin_sdk::FunctionCall;
    /// use serde_json::json;
    ///
    /// let (text, count): (String, usize) = FunctionCall::new("repeat", [json!("ab"), json!(2)]).args().unwrap();
    /// assert_eq!(text.repeat(count), "abab");
    /// ```
    pub fn args<T: DeserializeOwned>(&self) -> crate::Result<T> {
        let args = Value::Array(self.args.clone());
        T::deserialize(args).map_err(|error| Error::from(error).context(&self.function_name))
    }

    /// The error of a plugin that has no such function.
    pub fn unknown(&self) -> Error {
        Error::new(alloc::format!("there's no function `{}`", self.function_name))
    }
}

/// A function that a template plugin has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// What it gives, for people: `string`, `number`, …
    pub return_type: String,
}

impl Function {
    /// A function without parameters.
    pub fn new(name: impl Into<String>, return_type: impl Into<String>, description: impl Into<String>) -> Self {
        Self { name: name.into(), description: description.into(), parameters: Vec::new(), return_type: return_type.into() }
    }

    /// With another parameter, which must be given.
    #[must_use]
    pub fn needs(self, name: impl Into<String>, kind: impl Into<String>, description: impl Into<String>) -> Self {
        self.with(Parameter { name: name.into(), kind: kind.into(), required: true, description: description.into() })
    }

    /// With another parameter, which may be left out.
    #[must_use]
    pub fn takes(self, name: impl Into<String>, kind: impl Into<String>, description: impl Into<String>) -> Self {
        self.with(Parameter { name: name.into(), kind: kind.into(), required: false, description: description.into() })
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }
}

/// A parameter of a template function.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// `string`, `number`, `boolean`, …: for people.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it can't be left out.
    pub required: bool,
    /// What it's for.
    pub description: String,
}
