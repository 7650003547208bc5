//! How does a template plugin list its functions once?
//!
//! One table says what each function is called, what it takes and what it does; the call
//! `functions` and the call `execute` both read it, so they can't disagree.

use crate::{Args, Value, json};

/// A template function.
#[derive(Debug)]
pub struct Function {
    /// What a template calls it.
    pub name: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// Its arguments, in order; more are refused.
    pub parameters: &'static [Parameter],
    /// What it answers: `"string"`, `"number"`, `"boolean"`, `"object"` or `"array"`.
    pub return_type: &'static str,
    /// The work.
    pub run: fn(Args<'_>) -> Result<Value, String>,
}

/// One argument of a function; all of them are texts.
#[derive(Debug)]
pub struct Parameter {
    /// What errors call it.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// One sentence for people.
    pub description: &'static str,
}

/// Answers the call `execute` from the table.
pub fn execute(table: &[Function], request: &Value) -> Result<Value, String> {
    let (name, args) = Args::of(request)?;
    let function = table.iter().find(|function| function.name == name).ok_or_else(|| {
        let names: Vec<_> = table.iter().map(|function| function.name).collect();
        format!("there's no function `{name}`; there are {}", names.join(", "))
    })?;
    (function.run)(args.at_most(function.parameters.len())?)
}

/// Answers the call `functions` from the table.
pub fn functions(table: &[Function]) -> Value {
    table.iter().map(describe).collect()
}

fn describe(function: &Function) -> Value {
    let parameters: Value = function
        .parameters
        .iter()
        .map(|parameter| {
            json!({
                "name": parameter.name,
                "type": "string",
                "required": parameter.required,
                "description": parameter.description,
            })
        })
        .collect();
    json!({
        "name": function.name,
        "description": function.description,
        "parameters": parameters,
        "return_type": function.return_type,
    })
}
