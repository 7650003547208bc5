//! `mfp outdated`: which plugins have newer versions.

use mfp_model::index::IndexDocument;
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::project::Manifest;
use mfp_model::requirement::{Requirement, VersionRange};
use mfp_model::source::Pin;
use mfp_model::version::Version;

use crate::app::App;
use crate::cli::look::OutdatedArgs;
use crate::error::{Exit, Result};
use crate::report::document::{Document, OutdatedDocument, OutdatedPlugin};
use crate::report::{Event, Outcome};
use crate::sources::registry;

/// Ask the registries about everything that comes from them, all at once.
pub(crate) fn run(app: &App<'_>, args: &OutdatedArgs) -> Result<Outcome> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    let sources = app.sources()?;
    let registries = sources.registries(&manifest, &project.root)?;
    let registries = &registries;
    let found = app.wait(async {
        let asked = lock.plugins.values().filter_map(|plugin| match &plugin.package()?.pin {
            Pin::Registry { registry: name, .. } => {
                Some(async move { Ok((plugin, registry(registries, name)?.index(plugin.id()).await?)) })
            }
            _ => None,
        });
        futures_util::future::try_join_all(asked).await
    })?;
    let outdated: Vec<OutdatedPlugin> =
        found.iter().filter_map(|(plugin, document)| compare(&manifest, &lock, plugin, document.as_ref()?)).collect();
    if outdated.is_empty() {
        app.reporter.event(Event::Note("Everything is up to date".to_owned()));
    }
    let exit = if args.exit_code && !outdated.is_empty() { Exit::No } else { Exit::Done };
    let text = table(&outdated);
    Ok(Outcome::done(Document::Outdated(OutdatedDocument { outdated })).text(text).exit(exit))
}

fn compare(manifest: &Manifest, lock: &Lock, plugin: &LockedPlugin, document: &IndexDocument) -> Option<OutdatedPlugin> {
    let current = plugin.version()?;
    let range = allowed(manifest, lock, plugin);
    let offered = || {
        document
            .lines
            .iter()
            .filter(|line| !line.yanked.is_yanked() && (!line.version.is_prerelease() || current.is_prerelease()))
            .map(|line| &line.version)
    };
    let latest = offered().max()?;
    let compatible = offered().filter(|version| range.contains(version)).max().unwrap_or(current);
    let newest = |version: &Version| version.max(current).to_string();
    (latest > current || compatible > current).then(|| OutdatedPlugin {
        name: plugin.name.to_string(),
        current: current.to_string(),
        compatible: newest(compatible),
        latest: newest(latest),
    })
}

/// What the project and the locked plugins require of it.
fn allowed(manifest: &Manifest, lock: &Lock, plugin: &LockedPlugin) -> VersionRange {
    if let Some(over) = manifest.overrides.get(&plugin.name) {
        return over.requirement.range().clone();
    }
    let of_project = manifest.plugins.get(&plugin.name).and_then(|entry| entry.request.source.requirement());
    let of_others = lock
        .plugins
        .values()
        .flat_map(LockedPlugin::dependencies)
        .filter(|dependency| !plugin.is_alias() && dependency.name == plugin.name)
        .map(|dependency| &dependency.requirement);
    of_project.into_iter().chain(of_others).map(Requirement::range).fold(VersionRange::full(), |all, one| all.intersection(one))
}

fn table(rows: &[OutdatedPlugin]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let cells = rows.iter().map(|row| [row.name.as_str(), &row.current, &row.compatible, &row.latest]);
    let head = ["plugin", "current", "compatible", "latest"];
    let width = |column: usize| cells.clone().chain([head]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |row: [&str; 4]| format!("{:3$}  {:4$}  {:5$}  {6}\n", row[0], row[1], row[2], widths[0], widths[1], widths[2], row[3]);
    std::iter::once(head).chain(cells).map(line).collect()
}
