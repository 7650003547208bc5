//! `mfp outdated`: which plugins have newer versions.

use std::path::Path;

use mfp_model::index::IndexDocument;
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::project::Manifest;
use mfp_model::requirement::{Requirement, VersionRange};
use mfp_model::source::Pin;
use mfp_model::version::Version;

use crate::app::App;
use crate::approvals::ApprovalGuard;
use crate::cli::look::OutdatedArgs;
use crate::error::{Exit, Result};
use crate::held::HeldVersion;
use crate::report::document::{Document, HeldDocument, OutdatedDocument, OutdatedPlugin};
use crate::report::{Event, Outcome};
use crate::sources::git::{Git, Newer};
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
    let guard = ApprovalGuard { manifest: &manifest, old: Some(&lock) };
    let of_registries = found.iter().filter_map(|(plugin, document)| compare(&manifest, &lock, plugin, document.as_ref()?, &guard));
    let mut outdated: Vec<OutdatedPlugin> = of_registries.chain(in_repositories(app, &project.root, &lock)?).collect();
    outdated.sort_by(|a, b| a.name.cmp(&b.name));
    if outdated.is_empty() {
        app.reporter.event(Event::Note("Everything is up to date".to_owned()));
    }
    for held in outdated.iter().filter_map(|one| one.held.as_ref()) {
        app.reporter.event(Event::Note(format!("Held back: {}; `{}` lets it in", held.message, held.commands.join("`, `"))));
    }
    let exit = if args.exit_code && !outdated.is_empty() { Exit::No } else { Exit::Done };
    let text = table(&outdated);
    Ok(Outcome::done(Document::Outdated(OutdatedDocument { outdated })).text(text).exit(exit))
}

/// What git sources have that's newer: a tag of a higher version, or another commit where the branch leads.
fn in_repositories(app: &App<'_>, root: &Path, lock: &Lock) -> Result<Vec<OutdatedPlugin>> {
    let pins = lock.plugins.values().filter_map(|plugin| Some((plugin, &plugin.package()?.pin)));
    let pins: Vec<(&LockedPlugin, &Pin)> = pins.filter(|(_, pin)| matches!(pin, Pin::Git { .. })).collect();
    if pins.is_empty() {
        return Ok(Vec::new());
    }
    let git = Git::new(app, root)?;
    let mut outdated = Vec::new();
    for (plugin, pin) in pins {
        let (Some(version), Some(commit)) = (plugin.version().map(ToString::to_string), pin.commit()) else { continue };
        let row = |current: String, compatible: String, latest: String| OutdatedPlugin {
            name: plugin.name.to_string(),
            current,
            compatible,
            latest,
            held: None,
        };
        outdated.extend(match git.newer(pin)? {
            None => None,
            // A tag is exact: only another requirement takes the newer one.
            Some(Newer::Tag(newest)) => Some(row(version.clone(), version, newest.to_string())),
            Some(Newer::Moved(tip)) => Some(row(format!("{version} ({})", &commit.as_str()[..7]), tip.clone(), tip)),
        });
    }
    Ok(outdated)
}

fn compare(
    manifest: &Manifest,
    lock: &Lock,
    plugin: &LockedPlugin,
    document: &IndexDocument,
    guard: &ApprovalGuard<'_>,
) -> Option<OutdatedPlugin> {
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
        held: held(plugin, document, compatible.max(current), guard),
    })
}

/// What a person has to decide about before `mfp update` takes the newest compatible version.
fn held(plugin: &LockedPlugin, document: &IndexDocument, version: &Version, guard: &ApprovalGuard<'_>) -> Option<HeldDocument> {
    let line = document.lines.iter().find(|line| line.version == *version)?;
    let current = plugin.version()?;
    let objection = guard.offered(&plugin.name, line, &plugin.source()).filter(|_| version > current)?;
    let objections = vec![objection];
    let held =
        HeldVersion { name: plugin.name.clone(), version: version.clone(), current: Some(current.clone()), objections, needs: Vec::new() };
    Some(held.document())
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
    let marked = |row: &OutdatedPlugin| format!("{}{}", row.latest, if row.held.is_some() { "  held back" } else { "" });
    let latest: Vec<String> = rows.iter().map(marked).collect();
    let cells = rows.iter().zip(&latest).map(|(row, latest)| [row.name.as_str(), &row.current, &row.compatible, latest]);
    let head = ["plugin", "current", "compatible", "latest"];
    let width = |column: usize| cells.clone().chain([head]).map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let line = |row: [&str; 4]| format!("{:3$}  {:4$}  {:5$}  {6}\n", row[0], row[1], row[2], widths[0], widths[1], widths[2], row[3]);
    std::iter::once(head).chain(cells).map(line).collect()
}
