//! `mfp docs`: a plugin's README, from the bytes that are locked.

use crate::app::App;
use crate::cli::look::DocsArgs;
use crate::error::{Error, Result};
use crate::explain;
use crate::explain::Explained;
use crate::installing::bring;
use crate::report::document::{DocsDocument, Document};
use crate::report::{Outcome, clean_lines};

/// The README in the package, fetched and verified if it isn't here yet.
pub(crate) fn run(app: &App<'_>, args: &DocsArgs) -> Result<Outcome> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let plugin = lock.plugins.get(&args.name).ok_or_else(|| explain::not_locked(&args.name, &lock))?;
    let store = app.store()?;
    bring(app, &store, &project, &manifest, &[plugin])?;
    let stored = store.need(&plugin.content).explained()?;
    let is_readme = |path: &str| !path.contains('/') && path.to_ascii_lowercase().starts_with("readme");
    let file = stored.listing().iter().map(|(path, _)| path.as_str()).find(|path| is_readme(path));
    let file = file.ok_or_else(|| {
        Error::new("mfp::docs::none", format!("{} has no README", plugin.name))
            .help(format!("`mfp info {}` shows what's known about it", plugin.name))
    })?;
    let bytes = stored.read(file).explained()?;
    let text = clean_lines(&String::from_utf8_lossy(&bytes));
    let version = plugin.version().map(ToString::to_string).unwrap_or_default();
    let document = DocsDocument { name: plugin.name.to_string(), version, file: file.to_owned(), text: text.clone() };
    let ended = if text.ends_with('\n') { text } else { format!("{text}\n") };
    Ok(Outcome::done(Document::Docs(document)).text(ended))
}
