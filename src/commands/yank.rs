//! `mfp yank`: take a published version back. Nobody chooses it any more; who has it locked keeps it.

use mfp_model::index::Yanked;

use crate::app::App;
use crate::authoring::target;
use crate::cli::publish::{YankArgs, YankedVersion};
use crate::error::Result;
use crate::registry_folder::RegistryFolder;
use crate::report::document::{Document, YankDocument};
use crate::report::{Event, Outcome, clean};

/// In whichever registry is meant.
pub(crate) fn run(app: &App<'_>, args: &YankArgs) -> Result<Outcome> {
    let registry = RegistryFolder::open(&target::folder(app, args.registry.registry.as_deref())?)?;
    Ok(Outcome::done(Document::Yank(yank(app, &registry, &args.version)?)))
}

/// In this one.
pub(crate) fn yank(app: &App<'_>, registry: &RegistryFolder, version: &YankedVersion) -> Result<YankDocument> {
    let yanked = match (&version.reason, version.undo) {
        (_, true) => Yanked::No,
        (Some(reason), false) if !reason.trim().is_empty() => Yanked::Because(reason.trim().to_owned()),
        _ => Yanked::Yes,
    };
    let (name, number) = (&version.what.name, &version.what.version);
    let changed = registry.writing(app)?.yank(name, number, &yanked)?;
    let why = yanked.reason().map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
    app.reporter.event(Event::Note(match (changed, yanked.is_yanked()) {
        (false, _) => format!("{name} {number} is like that already"),
        (true, true) => format!("Yanked {name} {number}{why}"),
        (true, false) => format!("{name} {number} is offered again"),
    }));
    Ok(YankDocument {
        name: name.to_string(),
        version: number.to_string(),
        registry: registry.root.display().to_string(),
        yanked: serde_json::to_value(&yanked).expect("a flag or a text"),
        changed,
    })
}
