//! `mfp why`: which wish of the project brings a plugin in.

use std::collections::BTreeMap;

use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;

use crate::app::App;
use crate::cli::look::WhyArgs;
use crate::error::Result;
use crate::explain;
use crate::report::Outcome;
use crate::report::document::{Document, WhyDocument};

/// A shortest chain from each direct plugin that needs it.
pub(crate) fn run(app: &App<'_>, args: &WhyArgs) -> Result<Outcome> {
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.existing_lock()?;
    if !lock.plugins.contains_key(&args.name) {
        return Err(explain::not_locked(&args.name, &lock));
    }
    let paths: Vec<Vec<PluginName>> = lock.requirements.keys().filter_map(|root| shortest(&lock, root, &args.name)).collect();
    let text = paths.iter().map(|path| sentence(&manifest, &lock, path)).collect();
    let paths = paths.into_iter().map(|path| path.iter().map(ToString::to_string).collect()).collect();
    Ok(Outcome::done(Document::Why(WhyDocument { paths })).text(text))
}

/// Breadth first, so that the first way found is a shortest one.
fn shortest(lock: &Lock, from: &PluginName, to: &PluginName) -> Option<Vec<PluginName>> {
    let mut came_from: BTreeMap<PluginName, Option<PluginName>> = BTreeMap::from([(from.clone(), None)]);
    let mut queue = std::collections::VecDeque::from([from.clone()]);
    while let Some(name) = queue.pop_front() {
        if name == *to {
            let mut path = vec![name];
            while let Some(Some(before)) = path.last().and_then(|last| came_from.get(last)) {
                path.push(before.clone());
            }
            path.reverse();
            return Some(path);
        }
        for dependency in lock.plugins.get(&name).into_iter().flat_map(LockedPlugin::dependencies) {
            let is_entry = lock.plugins.get(&dependency.name).is_some_and(|target| !target.is_alias());
            if is_entry && !came_from.contains_key(&dependency.name) {
                came_from.insert(dependency.name.clone(), Some(name.clone()));
                queue.push_back(dependency.name.clone());
            }
        }
    }
    None
}

/// `your project wants auth-jwt ^1.2 (line 5); auth-jwt 1.4.2 depends on jwks-core ^0.3 (0.3.1 is locked)`
fn sentence(manifest: &Manifest, lock: &Lock, path: &[PluginName]) -> String {
    let mut lines = Vec::new();
    if let Some(root) = path.first() {
        let entry = manifest.plugins.get(root);
        let asked =
            entry.and_then(|entry| entry.request.source.requirement()).map(|requirement| format!(" {requirement}")).unwrap_or_default();
        let line = entry.map(|entry| format!(" (mockforge-plugins.toml, line {})", entry.line)).unwrap_or_default();
        lines.push(format!("your project wants {root}{asked}{line}\n"));
    }
    for pair in path.windows(2) {
        let Some(plugin) = lock.plugins.get(&pair[0]) else { continue };
        let Some(dependency) = plugin.dependencies().iter().find(|dependency| dependency.name == pair[1]) else { continue };
        let version = plugin.version().map(ToString::to_string).unwrap_or_default();
        let how = if dependency.optional { "works with" } else { "depends on" };
        lines.push(format!("  {} {version} {how} {} {}\n", plugin.name, dependency.name, dependency.requirement));
    }
    lines.concat()
}
