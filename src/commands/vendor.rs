//! `mfp vendor`: everything the lock names, in one folder keyed by content.

use mfp_model::lock::LockedPlugin;
use mfp_model::version::Version;
use mfp_store::Store;
use mfp_store::vendor::{VendorItem, write};

use crate::app::App;
use crate::cli::project::VendorArgs;
use crate::error::Result;
use crate::explain::Explained;
use crate::installing::{bring, hold_store};
use crate::locking::current_lock;
use crate::report::document::{Document, VendorDocument};
use crate::report::{Event, Outcome, plural};
use crate::signing;

/// Bring everything, then write what isn't in the folder yet.
pub(crate) fn run(app: &App<'_>, args: &VendorArgs) -> Result<Outcome> {
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let manifest = project.manifest()?;
    let lock = current_lock(app, &mut project, &manifest, false)?;
    let store = app.store()?;
    let _guard = hold_store(app, &store)?;
    let plugins: Vec<&LockedPlugin> = lock.plugins.values().filter(|plugin| plugin.package().is_some()).collect();
    bring(app, &store, &project, &manifest, &plugins)?;
    let items: Vec<VendorItem> =
        plugins.iter().filter_map(|plugin| Some(item(&store, plugin, plugin.version()?.clone()))).collect::<Result<_>>()?;
    let folder = app.settings.path(&args.directory);
    let vendored = write(&folder, &items, &store).explained()?;
    for path in &vendored.left {
        app.reporter.event(Event::Warning {
            code: "mfp::vendor::foreign",
            text: format!("{} isn't mfp's, so it was left where it is", path.display()),
        });
    }
    app.reporter.event(Event::Note(format!(
        "Vendored {} in {} ({} new, {} removed)",
        plural(items.len(), "plugin"),
        folder.display(),
        vendored.written.len(),
        vendored.removed.len()
    )));
    Ok(Outcome::done(Document::Vendor(VendorDocument { path: folder.display().to_string(), plugins: items.len() })))
}

/// With the signature that proves what the lock says, or whatever signature there is.
fn item(store: &Store, plugin: &LockedPlugin, version: Version) -> Result<VendorItem> {
    let signature = signing::kept(plugin, &store.need(&plugin.content).explained()?)?;
    Ok(VendorItem { name: plugin.id().clone(), version, content: plugin.content, signature })
}
