//! `mfp build`: a plugin's sources become the wasm that's packaged.

use mfp_model::plugin::WasmKind;

use crate::app::App;
use crate::authoring::OwnPlugin;
use crate::authoring::build::{BuildOptions, BuildOutcome, Built, build, detect};
use crate::cli::build::BuildArgs;
use crate::cli::values::value_name;
use crate::error::Result;
use crate::report::document::{BuildDocument, BuiltDocument, Document};
use crate::report::{Event, Outcome, elapsed, size};

/// Build, and say what became of it.
pub(crate) fn run(app: &App<'_>, args: &BuildArgs) -> Result<Outcome> {
    let plugin = OwnPlugin::open(&app.settings, args.path.as_deref())?;
    let outcome = build(app, &plugin, BuildOptions { optimize: !args.no_optimize, always: true })?;
    app.reporter.event(Event::Note(told(&plugin, &outcome)));
    Ok(Outcome::done(Document::Build(match &outcome {
        BuildOutcome::Built(built) => document(&plugin, built),
        BuildOutcome::Service | BuildOutcome::Fresh(_) => nothing(&plugin)?,
    })))
}

/// `Built auth-tokens auth_tokens.wasm from Rust in 2.31s (json/1 module, 61.2 KiB)`
pub(crate) fn told(plugin: &OwnPlugin, outcome: &BuildOutcome) -> String {
    let built = match outcome {
        BuildOutcome::Built(built) => built,
        BuildOutcome::Service => return format!("{} is a service: there's nothing to build", plugin.manifest.id),
        BuildOutcome::Fresh(entry) => {
            return format!("{} {entry} is of these sources already; `mfp build` builds it anyway", plugin.manifest.id);
        }
    };
    let optimized = if built.optimized { format!(", {} before wasm-opt", size(built.made_bytes)) } else { String::new() };
    let changed = if built.changed { "" } else { ", the same as before" };
    format!(
        "Built {} {} from {} in {} ({}, {}{optimized}{changed})",
        plugin.manifest.id,
        built.entry,
        built.language,
        elapsed(built.elapsed),
        transport(built),
        size(built.bytes),
    )
}

fn transport(built: &Built) -> &'static str {
    match built.kind {
        WasmKind::Module => "json/1 module",
        WasmKind::Component => "component",
    }
}

fn nothing(plugin: &OwnPlugin) -> Result<BuildDocument> {
    let language = value_name(&detect(plugin)?);
    Ok(BuildDocument { plugin: plugin.manifest.id.to_string(), language, built: None })
}

fn document(plugin: &OwnPlugin, built: &Built) -> BuildDocument {
    BuildDocument {
        plugin: plugin.manifest.id.to_string(),
        language: value_name(&built.language),
        built: Some(BuiltDocument {
            file: plugin.root.join(built.entry.as_str()).display().to_string(),
            transport: if built.kind == WasmKind::Component { "component" } else { "json/1" },
            made_bytes: built.made_bytes,
            bytes: built.bytes,
            optimized: built.optimized,
            changed: built.changed,
            elapsed_ms: u64::try_from(built.elapsed.as_millis()).unwrap_or(u64::MAX),
        }),
    }
}
