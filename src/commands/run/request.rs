//! What's asked of the plugin? The words of the command line as a call and its request.

use std::io::Read;
use std::path::Path;

use mfp_loader::Call;
use mfp_model::lock::LockedPlugin;
use mfp_model::plugin::PluginType;
use serde_json::{Value, json};

use crate::app::App;
use crate::cli::run::RunArgs;
use crate::error::{Error, Excerpt, Result};
use crate::explain;
use crate::report::clean;

/// The largest request that's read from stdin or a file, in bytes.
const MAX_REQUEST_BYTES: u64 = 32 << 20;

/// The JSON that was given.
#[derive(Debug)]
pub(super) struct Input {
    request: Option<Value>,
    context: Option<Value>,
}

impl Input {
    /// Read it, before anything else is done.
    pub(super) fn read(app: &App<'_>, args: &RunArgs) -> Result<Self> {
        let base = &app.settings.current_dir;
        let request = match args.json_input.as_deref() {
            Some("-") => Some(parse(&all_of(std::io::stdin().lock(), unreadable_stdin)?, "the request")?),
            given => given.map(|text| text_or_file(base, text, "the request")).transpose()?,
        };
        let context = args.context.as_deref().map(|text| text_or_file(base, text, "--context")).transpose()?;
        Ok(Self { request, context })
    }
}

fn unreadable_stdin(error: &std::io::Error) -> Error {
    Error::new("mfp::io::failed", format!("stdin can't be read: {error}")).help("pipe JSON in, as UTF-8")
}

fn all_of(from: impl Read, unreadable: impl FnOnce(&std::io::Error) -> Error) -> Result<String> {
    let mut text = String::new();
    from.take(MAX_REQUEST_BYTES).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    Ok(text)
}

/// JSON as it stands on the command line, or in a file that's named there.
fn text_or_file(base: &Path, text: &str, what: &str) -> Result<Value> {
    let Some(name) = text.strip_prefix('@') else { return parse(text, what) };
    let path = base.join(name);
    let unreadable = |error: &std::io::Error| explain::io("read", &path, error);
    let file = std::fs::File::open(&path).map_err(|error| unreadable(&error))?;
    parse(&all_of(file, unreadable)?, &clean(name))
}

fn parse(text: &str, what: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let start =
            text.lines().take(error.line().saturating_sub(1)).map(|line| line.len() + 1).sum::<usize>() + error.column().saturating_sub(1);
        let start = (0..=start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let end = text[start..].chars().next().map_or(start, |character| start + character.len_utf8());
        let excerpt = Excerpt { file: what.to_owned(), text: text.to_owned(), span: start..end, label: error.to_string() };
        Error::new("mfp::run::request", format!("{what} isn't JSON"))
            .excerpt(excerpt)
            .help("quote it for your shell: '{\"query\":\"…\"}'; or pipe it in and give `-`")
    })
}

/// What a word on the command line calls, and with what.
pub(super) fn call(plugin: &LockedPlugin, args: &RunArgs, input: Input) -> Result<(Call, Value)> {
    check_type(plugin, args)?;
    let Input { request: input, context } = input;
    let request_context = || context.clone().unwrap_or_else(|| json!({ "method": "GET", "uri": "/" }));
    let object = |value: Option<Value>| value.unwrap_or_else(|| json!({}));
    Ok(match (args.call.as_str(), args.kind) {
        ("authenticate", None | Some(PluginType::Auth)) => {
            (Call::Authenticate, json!({ "context": request_context(), "credentials": object(input) }))
        }
        ("generate", None | Some(PluginType::Response)) => (
            Call::Generate,
            json!({ "context": request_context(), "request": input.unwrap_or_else(|| json!({ "method": "GET", "path": "/" })) }),
        ),
        ("query", None | Some(PluginType::Datasource)) => {
            let query = match input {
                Some(Value::String(text)) => json!({ "query": text }),
                other => object(other),
            };
            (Call::Query, json!({ "context": request_context(), "query": query }))
        }
        ("functions", None | Some(PluginType::Template)) => (Call::Functions, json!({})),
        ("execute", None | Some(PluginType::Template)) => {
            let given = object(input);
            let function = given["function_name"].as_str().unwrap_or_default().to_owned();
            (Call::Execute(function), json!({ "args": given["args"], "context": context.unwrap_or_else(|| given["context"].clone()) }))
        }
        (function, None | Some(PluginType::Template)) if plugin.types.contains(&PluginType::Template) => {
            let args = match input {
                None => json!([]),
                Some(Value::Array(list)) => Value::Array(list),
                Some(one) => json!([one]),
            };
            (Call::Execute(function.to_owned()), json!({ "args": args, "context": context }))
        }
        (other, kind) => return Err(unknown_call(plugin, other, kind)),
    })
}

fn check_type(plugin: &LockedPlugin, args: &RunArgs) -> Result<()> {
    match args.kind.filter(|kind| !plugin.types.contains(kind)) {
        None => Ok(()),
        Some(kind) => Err(Error::new("mfp::run::type", format!("{} isn't a plugin of type {kind}", plugin.name))
            .help(format!("its type is {}", types(plugin)))),
    }
}

fn unknown_call(plugin: &LockedPlugin, word: &str, kind: Option<PluginType>) -> Error {
    let calls = plugin.types.iter().filter(|one| kind.is_none_or(|kind| kind == **one)).map(|kind| match kind {
        PluginType::Auth => "authenticate",
        PluginType::Template => "functions",
        PluginType::Response => "generate",
        PluginType::Datasource => "query",
    });
    let calls: Vec<&str> = calls.collect();
    let named = kind.map_or_else(|| types(plugin), |kind| kind.to_string());
    Error::new("mfp::run::call", format!("{} is a plugin of type {named}, and has no call `{}`", plugin.name, clean(word)))
        .help(format!("its calls: {}", calls.join(", ")))
}

fn types(plugin: &LockedPlugin) -> String {
    plugin.types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
