//! `template-custom`: template functions that a project writes itself, in its configuration, and a handful of useful ones.

mod pattern;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::BTreeMap;

use mockforge_plugin_sdk::prelude::*;
use pattern::Pattern;

/// The most that an answer has, in bytes.
const LONGEST: usize = 64 << 10;

struct Custom {
    functions: BTreeMap<String, (Own, Pattern)>,
}

#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Name → a function
    #[serde(default)]
    functions: BTreeMap<String, Own>,
}

/// A function of the project's own.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Own {
    /// What it gives: text with `{parameter}`, `{parameter|filter}` and `{parameter|filter:argument}`; `{{` is a brace
    text: String,
    /// Its parameters, in order
    #[serde(default)]
    parameters: Vec<String>,
    /// What it does, for people
    #[serde(default)]
    description: String,
}

impl Plugin for Custom {
    type Config = Settings;

    fn about() -> About {
        plugin_config! {
            name: "Functions of your own",
            entry: "template_custom.wasm",
            keywords: ["template", "text", "format", "mask", "pick"],
            mockforge: ">=0.3, <2",
        }
    }

    fn new(settings: Settings) -> Result<Self> {
        let read = |(name, own): (String, Own)| {
            if built_in().iter().any(|function| function.name == name) {
                fail!("functions.{name}: there's one of that name here already");
            }
            match Pattern::read(&own.text, &own.parameters) {
                Ok(pattern) => Ok((name, (own, pattern))),
                Err(error) => Err(error.context(format!("functions.{name}"))),
            }
        };
        Ok(Self { functions: settings.functions.into_iter().map(read).collect::<Result<_>>()? })
    }
}

fn built_in() -> Vec<Function> {
    let text = |function: Function| function.needs("text", "string", "The text");
    vec![
        text(Function::new("title", "string", "A text whose words begin with capitals")),
        text(Function::new("mask", "string", "A text of which only the end is seen")).takes(
            "shown",
            "number",
            "How many characters are; 4 if absent",
        ),
        text(Function::new("truncate", "string", "A text that's no longer than it may be")).needs(
            "length",
            "number",
            "Characters at most, … included",
        ),
        text(Function::new("pad", "string", "A text that's no shorter than it must be, filled up on its left"))
            .needs("length", "number", "Characters at least")
            .takes("fill", "string", "What with; a blank if absent"),
        Function::new("pick", "any", "One of a list, by chance").needs("list", "array", "What to choose from"),
        Function::new("timestamp", "string", "The time in UTC, as RFC 3339 has it").takes(
            "offset",
            "string",
            "How far from now: 90s, -15m, 2h, -7d",
        ),
        Function::new("luhn", "string", "A number with its check digit (cards, IMEI)").needs("digits", "string", "The digits before it"),
    ]
}

impl Template for Custom {
    fn functions(&self) -> Vec<Function> {
        let own = |(name, (own, _)): (&String, &(Own, Pattern))| {
            let function = Function::new(name, "string", &own.description);
            own.parameters.iter().fold(function, |function, parameter| function.takes(parameter, "any", ""))
        };
        built_in().into_iter().chain(self.functions.iter().map(own)).collect()
    }

    fn execute(&self, call: FunctionCall, host: &dyn Host) -> Result<Value> {
        let answer: Value = match call.function_name.as_str() {
            "title" => texts::title(&call.need::<String>(0)?).into(),
            "mask" => texts::mask(&call.need::<String>(0)?, call.arg(1)?.unwrap_or(4)).into(),
            "truncate" => texts::truncate(&call.need::<String>(0)?, call.need(1)?).into(),
            "pad" => texts::pad(&call.need::<String>(0)?, call.need(1)?, call.arg(2)?.unwrap_or(' ')).into(),
            "pick" => pick(&call.need::<Vec<Value>>(0)?, host)?,
            "timestamp" => texts::timestamp(host.now_ms(), call.arg::<String>(0)?.as_deref().unwrap_or("0s"))?.into(),
            "luhn" => texts::luhn(&call.need::<String>(0)?)?.into(),
            name => match self.functions.get(name) {
                Some((own, _)) if call.args.len() > own.parameters.len() => {
                    fail!("{name} takes {} arguments at most, not {}", own.parameters.len(), call.args.len())
                }
                Some((_, pattern)) => pattern.fill(&call.args).map_err(|error| error.context(name))?.into(),
                None => return Err(call.unknown()),
            },
        };
        if answer.as_str().is_some_and(|text| text.len() > LONGEST) {
            fail!("{}: the answer is longer than {LONGEST} bytes", call.function_name);
        }
        Ok(answer)
    }
}

/// Each is as likely, but for a chance of the list's length in 2^64.
fn pick(list: &[Value], host: &dyn Host) -> Result<Value> {
    let drawn = u64::from_le_bytes(host.random_bytes());
    match list.get(usize::try_from(drawn % (list.len() as u64).max(1))?) {
        Some(value) => Ok(value.clone()),
        None => fail!("pick: there's nothing to choose from"),
    }
}

export_plugin!(Custom: Template);
