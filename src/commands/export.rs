//! `mfp export`: what the project runs, for other programs: a CycloneDX bill of materials, or a document of mfp's own.
//!
//! Everything in it is from the lock: nothing is fetched, nothing of this machine gets in, and the same input gives the same
//! bytes. So there's no time in it unless `SOURCE_DATE_EPOCH` says which, and the serial number follows from the rest.

use std::collections::BTreeMap;

use mfp_model::lock::{Lock, LockedPlugin, staleness};
use mfp_model::name::PluginName;
use mfp_store::fs::write_atomic;
use serde_json::Value;

use crate::app::App;
use crate::cli::look::{ExportArgs, ExportFormat};
use crate::error::{Error, Result};
use crate::explain::Explained;
use crate::installing::{Groups, selected};
use crate::locking::path_contents;
use crate::project::{LOCK, Project};
use crate::report::document::{Document, ExportDocument};
use crate::report::{Event, Outcome, clean, neutral_json};

mod cyclonedx;
mod plain;

/// What's exported.
struct Subject<'a> {
    /// What the project is called.
    name: &'a str,
    lock: &'a Lock,
    /// The plugins that the chosen groups want, by name.
    plugins: BTreeMap<PluginName, &'a LockedPlugin>,
    /// `SOURCE_DATE_EPOCH`.
    time: Option<jiff::Timestamp>,
}

/// Make the document, and print or write it.
pub(crate) fn run(app: &App<'_>, args: &ExportArgs) -> Result<Outcome> {
    let project = app.project()?;
    let lock = project.existing_lock()?;
    warn_if_stale(app, &project, &lock)?;
    let groups = if args.all_groups {
        Groups::All
    } else if args.group.is_empty() {
        Groups::None
    } else {
        Groups::Some(args.group.iter().cloned().collect())
    };
    let name = match &args.name {
        Some(name) => name.clone(),
        None => project.root.file_name().map_or_else(|| "project".to_owned(), |name| name.to_string_lossy().into_owned()),
    };
    let subject = Subject { name: &name, plugins: selected(&lock, &groups), lock: &lock, time: app.settings.source_date };
    let document = match args.format {
        ExportFormat::Cyclonedx => ExportDocument { format: "cyclonedx", path: None, export: None, bom: Some(cyclonedx::bom(&subject)) },
        ExportFormat::Json => ExportDocument { format: "json", path: None, export: Some(plain::export(&subject)), bom: None },
    };
    let text = text(&document)?;
    let Some(file) = &args.output else { return Ok(Outcome::done(Document::Export(Box::new(document))).text(text)) };
    let path = app.settings.path(file);
    write_atomic(&path, text.as_bytes()).explained()?;
    app.reporter.event(Event::Note(format!("Wrote {} plugins to {}", subject.plugins.len(), clean(&path.display().to_string()))));
    let path = Some(path.display().to_string());
    Ok(Outcome::done(Document::Export(Box::new(ExportDocument { path, export: None, bom: None, ..document }))))
}

/// A bill of what was locked says nothing of what was added since.
fn warn_if_stale(app: &App<'_>, project: &Project, lock: &Lock) -> Result<()> {
    let manifest = project.manifest()?;
    let reasons = staleness(&manifest, lock, &path_contents(&project.root, &manifest)?);
    if let Some(first) = reasons.first() {
        let text = format!("{LOCK} is out of date, and is exported as it is ({first}); run `mfp lock`");
        app.reporter.event(Event::Warning { code: "mfp::lock::stale", text });
    }
    Ok(())
}

/// Indented, with a line feed at the end.
fn text(document: &ExportDocument) -> Result<String> {
    let value = match (&document.bom, &document.export) {
        (Some(bom), _) => serde_json::to_string_pretty(bom),
        (None, export) => serde_json::to_string_pretty(export),
    };
    let text = value.map_err(|error| Error::bug(format!("an export that's no JSON: {error}")))?;
    Ok(neutral_json(&text).into_owned() + "\n")
}

/// A value for an object: nothing where there's nothing to say.
fn put(object: &mut serde_json::Map<String, Value>, key: &str, value: impl Into<Option<Value>>) {
    if let Some(value) = value.into() {
        object.insert(key.to_owned(), value);
    }
}
