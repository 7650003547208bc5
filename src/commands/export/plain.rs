//! The lock as a document of mfp's own: every entry with what's said of it, in names that don't change.

use mfp_model::lock::LockedPlugin;
use mfp_model::source::Pin;

use super::Subject;
use crate::report::document::{ExportedArtifact, ExportedCommit, ExportedDependency, ExportedLock, ExportedPlugin};

pub(super) fn export(subject: &Subject<'_>) -> ExportedLock {
    ExportedLock {
        project: subject.name.to_owned(),
        registries: subject.lock.registries.iter().map(|(name, url)| (name.to_string(), url.to_string())).collect(),
        plugins: subject.plugins.values().map(|plugin| exported(subject, plugin)).collect(),
    }
}

fn exported(subject: &Subject<'_>, plugin: &LockedPlugin) -> ExportedPlugin {
    let package = plugin.package();
    let pin = package.map(|package| &package.pin);
    let request = subject.lock.requirements.get(&plugin.name);
    ExportedPlugin {
        name: plugin.name.to_string(),
        package: plugin.id().to_string(),
        version: plugin.version().map(ToString::to_string),
        source: plugin.source().redacted(),
        types: plugin.types.iter().map(ToString::to_string).collect(),
        license: package.and_then(|package| package.license.clone()),
        published: match pin {
            Some(Pin::Registry { published, .. }) => Some(published.to_string()),
            _ => None,
        },
        artifact: pin.and_then(Pin::artifact).map(|artifact| ExportedArtifact {
            format: artifact.format.to_string(),
            size: artifact.size,
            sha256: artifact.sha256.hex(),
        }),
        git: pin.and_then(commit),
        signer: plugin.signer().map(ToString::to_string),
        capabilities: serde_json::to_value(plugin.capabilities()).unwrap_or_default(),
        dependencies: plugin
            .dependencies()
            .iter()
            .map(|dependency| ExportedDependency {
                name: dependency.name.to_string(),
                requirement: dependency.requirement.to_string(),
                optional: dependency.optional,
            })
            .collect(),
        direct: request.is_some(),
        groups: request.iter().flat_map(|request| &request.groups).map(ToString::to_string).collect(),
        content: plugin.content.to_string(),
    }
}

fn commit(pin: &Pin) -> Option<ExportedCommit> {
    let Pin::Git { url, reference, commit, subdir, .. } = pin else { return None };
    Some(ExportedCommit {
        url: url.to_string(),
        reference: reference.key_and_value().map(|(kind, name)| format!("{kind} {name}")),
        commit: commit.to_string(),
        subdir: subdir.as_ref().map(ToString::to_string),
    })
}
