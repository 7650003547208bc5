//! How does a guest call a plugin that it depends on? Through the host, inside its own time.
//!
//! The callee has its own configuration and capabilities, and of the caller only what's left of its time and of its log.

use std::str::FromStr;
use std::sync::Arc;

use mfp_model::name::PluginName;
use serde::Deserialize;
use serde_json::Value;

use super::guest::{Guest, MAX_DEPTH};
use crate::call::Call;
use crate::error::{CallError, shown};
use crate::plugins::Loaded;
use crate::protocol::answer::Answer;

/// Stack of the thread that a nested call runs on, in bytes: the guest's and the host's.
const NESTED_STACK: usize = 3 << 20;

/// What a guest asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    pub(crate) dependency: String,
    pub(crate) call: String,
    pub(crate) request: Value,
}

/// Make the call. It has a thread of its own, so that eight guests don't share one stack. `Err` is for the guest to read.
pub(crate) fn call(guest: &mut Guest, asked: &Asked) -> Result<Answer, String> {
    if guest.is_starting() {
        return Err("a plugin that's being started can't call others".to_owned());
    }
    if guest.outer.depth >= MAX_DEPTH {
        return Err(format!("plugins call one another deeper than {MAX_DEPTH}"));
    }
    let callee = dependency(guest, &asked.dependency)?;
    let call = named_call(asked)?;
    let given = guest.for_nested();
    let mut left = given.clone();
    let answer = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("mfp-nested".into()).stack_size(NESTED_STACK);
        let running = thread.spawn_scoped(scope, || callee.answer(&call, &asked.request, &mut left));
        let running = running.map_err(|error| format!("there's no thread for it: {error}"))?;
        running.join().map_err(|_| "the host failed".to_owned())
    });
    guest.after_nested(&given, &left);
    answer?.map_err(|error| match error {
        CallError::Plugin { message, .. } => message,
        error => error.to_string(),
    })
}

fn dependency(guest: &Guest, name: &str) -> Result<Arc<Loaded>, String> {
    let shown = shown(name, 100);
    let name = PluginName::from_str(name).map_err(|_| format!("`{shown}` is no plugin's name"))?;
    let callee = guest.plugin.dependencies.get(&name).map(Arc::clone);
    callee.ok_or_else(|| format!("`{shown}` isn't a dependency of plugin `{}`", guest.plugin.name))
}

fn named_call(asked: &Asked) -> Result<Call, String> {
    match asked.call.as_str() {
        "authenticate" => Ok(Call::Authenticate),
        "functions" => Ok(Call::Functions),
        "generate" => Ok(Call::Generate),
        "query" => Ok(Call::Query),
        "execute" => match asked.request.get("function_name") {
            Some(Value::String(name)) => Ok(Call::Execute(name.clone())),
            _ => Err("`request.function_name` is missing".to_owned()),
        },
        other => Err(format!("there's no call `{}`", shown(other, 100))),
    }
}
