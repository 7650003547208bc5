//! `mfp cache dir|size|clean|prune|verify`: the store's and the cache's housekeeping.

use std::collections::BTreeSet;
use std::path::Path;

use mfp_model::digest::ContentDigest;
use mfp_model::lock::Lock;

use crate::app::App;
use crate::cli::tools::{CacheAction, CacheArgs};
use crate::error::{Error, Exit, Result};
use crate::explain::{self, Explained};
use crate::report::document::{CacheDocument, Document, Problem};
use crate::report::{Event, Outcome, plural, size};

/// One of the five.
pub(crate) fn run(app: &App<'_>, args: &CacheArgs) -> Result<Outcome> {
    let document = CacheDocument {
        store: app.settings.store_dir.display().to_string(),
        cache: app.settings.cache_dir.display().to_string(),
        ..CacheDocument::default()
    };
    match args.action {
        CacheAction::Dir => {
            let text = format!("store {}\ncache {}\n", document.store, document.cache);
            Ok(Outcome::done(Document::Cache(document)).text(text))
        }
        CacheAction::Size => measure(app, document),
        CacheAction::Clean => clean(app, document),
        CacheAction::Prune => prune(app, document),
        CacheAction::Verify => verify(app, document),
    }
}

fn measure(app: &App<'_>, document: CacheDocument) -> Result<Outcome> {
    let store = app.store()?.size().explained()?;
    let cache = folder_size(&app.settings.cache_dir)?;
    let text = format!(
        "store {} ({}, {})\ncache {}\n",
        size(store.bytes),
        plural(count(store.contents), "plugin"),
        plural(count(store.files), "file"),
        size(cache)
    );
    Ok(Outcome::done(Document::Cache(CacheDocument { store_bytes: Some(store.bytes), cache_bytes: Some(cache), ..document })).text(text))
}

fn clean(app: &App<'_>, document: CacheDocument) -> Result<Outcome> {
    let gone = app.store()?.clean(app.settings.user.lock_timeout, &mut |path| waiting(app, path)).explained()?;
    let cached = folder_size(&app.settings.cache_dir)?;
    for part in ["index", "advisories", "git", "aot"] {
        mfp_store::fs::remove_dir_all(&app.settings.cache_dir.join(part)).map_err(explain::store)?;
    }
    Ok(removed(app, document, gone.contents, gone.bytes + cached))
}

fn prune(app: &App<'_>, document: CacheDocument) -> Result<Outcome> {
    let keep = known_contents(app)?;
    let gone = app.store()?.prune(&keep, app.settings.user.lock_timeout, &mut |path| waiting(app, path)).explained()?;
    Ok(removed(app, document, gone.contents, gone.bytes))
}

fn removed(app: &App<'_>, document: CacheDocument, plugins: u64, bytes: u64) -> Outcome {
    app.reporter.event(Event::Note(format!("Removed {} ({})", plural(count(plugins), "plugin"), size(bytes))));
    Outcome::done(Document::Cache(CacheDocument { removed: Some(count(plugins)), freed_bytes: Some(bytes), ..document }))
}

fn verify(app: &App<'_>, document: CacheDocument) -> Result<Outcome> {
    let check = app.store()?.verify_all(app.settings.user.lock_timeout, &mut |path| waiting(app, path)).explained()?;
    let problem = |damaged: &mfp_store::gc::DamagedObject| Problem {
        code: "mfp::store::damaged".to_owned(),
        name: damaged.content.to_string(),
        message: format!("{}; moved to {}", damaged.error, damaged.moved_to.display()),
    };
    let problems: Vec<Problem> = check.damaged.iter().map(problem).collect();
    app.reporter.event(Event::Note(format!("Verified {}", plural(count(check.intact + check.damaged.len() as u64), "plugin"))));
    let points: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
    let is_intact = problems.is_empty();
    let outcome = Outcome::done(Document::Cache(CacheDocument { problems: Some(problems), ..document }));
    if is_intact {
        return Ok(outcome);
    }
    Ok(outcome.refused(
        Error::new("mfp::store::damaged", "the store holds damaged plugins")
            .points(points)
            .help("`mfp sync` in the projects that need them fetches them again")
            .exit_with(Exit::Integrity),
    ))
}

/// What the locks of all projects that were synced on this machine name. A project that's gone keeps nothing.
fn known_contents(app: &App<'_>) -> Result<BTreeSet<ContentDigest>> {
    let mut keep = BTreeSet::new();
    for lock_file in app.known_locks()? {
        let Ok(text) = std::fs::read_to_string(&lock_file) else { continue };
        // A lock that can't be read may name anything: then nothing can be said to be superfluous.
        let lock = Lock::parse(&text).map_err(|error| explain::lock(&text, &error).note(format!("in {}", lock_file.display())))?;
        keep.extend(lock.plugins.values().map(|plugin| plugin.content));
    }
    Ok(keep)
}

fn waiting(app: &App<'_>, path: &Path) {
    app.reporter.event(Event::Waiting { path: path.display().to_string() });
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn folder_size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(explain::io("read the folder", &folder, &error)),
        };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                Err(_) => {}
            }
        }
    }
    Ok(bytes)
}
