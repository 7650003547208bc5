//! Is what the project configures what its plugins take?
//!
//! Asked when plugins are locked and laid out, when they're verified, and by the loader when they're loaded. Values from variables are
//! known only to the loader: before that, only what's wrong whatever they'll be is told. No value of a variable is ever shown, and a
//! mistake is shown where it stands in the manifest.

use std::ops::Range;

use mfp_loader::{Violation, check_config_but};
use mfp_model::lock::LockedPlugin;
use mfp_model::name::PluginName;
use mfp_model::project::{Manifest, config_place};
use mfp_store::Store;
use serde_json::Value;

use crate::error::{Error, Excerpt, Result};
use crate::explain::Explained;
use crate::installing::described;
use crate::project::{MANIFEST, Project};
use crate::report::clean;

/// One value, or one thing that's missing, that the plugin's schema doesn't allow.
#[derive(Debug)]
pub(crate) struct Misfit {
    /// The plugin, as the project calls it.
    pub(crate) plugin: PluginName,
    /// What's wrong.
    pub(crate) violation: Violation,
}

/// Everything that doesn't fit, of those plugins whose contents are in the store.
pub(crate) fn misfits<'l>(store: &Store, manifest: &Manifest, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> Result<Vec<Misfit>> {
    let mut found = Vec::new();
    for plugin in plugins {
        let Some(config) = manifest.config.get(&plugin.name).filter(|_| plugin.package().is_some()) else { continue };
        let Some(stored) = store.get(&plugin.content).explained()? else { continue };
        let Some(schema) = described(plugin, &stored)?.config_schema else { continue };
        let unknown = |_: &_| Ok::<_, std::convert::Infallible>(Value::String(String::new()));
        let value = match config.value.to_json(&mut { unknown }) {
            Ok(value) => value,
            Err(never) => match never {},
        };
        let violations = check_config_but(&schema, &value, &config.env_places()).err().unwrap_or_default();
        found.extend(violations.into_iter().map(|violation| Misfit { plugin: plugin.name.clone(), violation }));
    }
    Ok(found)
}

/// An error if something doesn't fit.
pub(crate) fn refuse<'l>(
    store: &Store,
    project: &Project,
    manifest: &Manifest,
    plugins: impl IntoIterator<Item = &'l LockedPlugin>,
) -> Result<()> {
    if manifest.config.is_empty() {
        return Ok(());
    }
    let misfits = misfits(store, manifest, plugins)?;
    if misfits.is_empty() { Ok(()) } else { Err(error(&project.manifest_text, &misfits)) }
}

/// All that doesn't fit, the first with its place.
pub(crate) fn error(manifest_text: &str, misfits: &[Misfit]) -> Error {
    let mut names: Vec<&str> = misfits.iter().map(|misfit| misfit.plugin.as_str()).collect();
    names.dedup();
    let shown = match names.as_slice() {
        [only] => format!("the configuration of {only} isn't what the plugin takes"),
        names => format!("the configurations of {} aren't what the plugins take", names.join(", ")),
    };
    let mut shown = Error::new("mfp::config::invalid", shown);
    if misfits.len() > 1 {
        shown = shown.points(misfits.iter().map(|misfit| misfit.point(manifest_text)));
    }
    if let Some((first, span)) = misfits.iter().find_map(|misfit| Some((misfit, misfit.place(manifest_text)?))) {
        let label = clean(&first.violation.to_string()).into_owned();
        shown = shown.excerpt(Excerpt { file: MANIFEST.to_owned(), text: manifest_text.to_owned(), span, label });
    } else if let [only] = misfits {
        shown = shown.points([only.point(manifest_text)]);
    }
    let commands: Vec<String> = names.iter().map(|name| format!("`mfp info {name} --config`")).collect();
    let show = if names.len() == 1 { "shows what it takes" } else { "show what they take" };
    shown.help(format!("{} {show}", commands.join(", "))).detail("plugins", names)
}

impl Misfit {
    /// The part of the manifest that it's about; the table, where something is missing in it.
    fn place(&self, manifest_text: &str) -> Option<Range<usize>> {
        let pointer = self.violation.path.as_deref()?;
        config_place(manifest_text, &self.plugin, pointer)
    }

    fn point(&self, manifest_text: &str) -> String {
        let line = self.place(manifest_text).map(|span| manifest_text[..span.start].matches('\n').count() + 1);
        let line = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        format!("{}: {}{line}", self.plugin, clean(&self.violation.to_string()))
    }
}
