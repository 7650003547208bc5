//! What must a person decide about what plugins may reach, and how is it said?
//!
//! The one place that puts capabilities into words, that objects to newer versions which ask for more than was approved, and
//! that names the command to type. What's approved is decided by `mfp approve`; whether something asks for more is decided
//! in `mfp_model::lock`, and enforced by the loader.

use mfp_model::capability::{Capabilities, Single};
use mfp_model::index::packed::PackedLine;
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_model::signer::Signer;
use mfp_model::source::{Source, SourceId};
use mfp_resolver::{Origin, PackageKey};

use crate::held::{Guard, Objection};
use crate::report::document::HeldReason;

/// Capabilities on one line, the broad ones with the reason: `http *.x.com (broad: reaches every host below x.com), memory 128MiB`.
pub(crate) fn words(capabilities: &Capabilities) -> String {
    let word = |one: &Single| match &one.broad {
        Some(why) => format!("{one} (broad: {why})"),
        None => one.to_string(),
    };
    capabilities.singles().iter().map(word).collect::<Vec<_>>().join(", ")
}

/// The flags of `mfp approve` that stand for these.
pub(crate) fn flags(capabilities: &Capabilities) -> String {
    let quoted = |value: &str| if value.contains(['*', '[']) { format!("'{value}'") } else { value.to_owned() };
    capabilities.singles().iter().map(|one| format!(" --{} {}", one.key, quoted(&one.value))).collect()
}

/// Objects to versions that ask for more than a person approved.
#[derive(Debug)]
pub(crate) struct ApprovalGuard<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) old: Option<&'a Lock>,
}

impl ApprovalGuard<'_> {
    /// The names under which the project has or would have this plugin of a registry: approvals are given by them.
    fn entries(&self, key: &PackageKey) -> Vec<PluginName> {
        let is_alias = |name: &&PluginName| {
            let request = &self.manifest.plugins[*name].request;
            request.package.as_ref() == Some(&key.name)
                && matches!(&request.source, Source::Registry { registry, .. } if key.origin == Origin::Registry(registry.clone()))
        };
        let mut names: Vec<PluginName> = self.manifest.plugins.keys().filter(is_alias).cloned().collect();
        let mut needed = self.old.into_iter().flat_map(|old| old.plugins.values()).flat_map(LockedPlugin::dependencies);
        let is_itself = self.manifest.plugins.contains_key(&key.name) || needed.any(|dependency| dependency.name == key.name);
        if names.is_empty() || is_itself {
            names.push(key.name.clone());
        }
        names
    }

    fn objection(&self, name: &PluginName, asked: &Capabilities, source: &SourceId, signer: Option<&Signer>) -> Option<Objection> {
        let approved = self.manifest.approved(name, source, signer).cloned().unwrap_or_default();
        let excess = asked.excess(&approved);
        if excess.is_empty() {
            return None;
        }
        let void = self.manifest.approvals.get(name).and_then(|approval| approval.void(source, signer, &self.manifest.registries));
        let void = void.map(|why| format!("; its approval is void: {why}")).unwrap_or_default();
        Some(Objection {
            kind: HeldReason::Approval,
            reason: format!("asks for {}, which nobody approved{void}", words(&excess)),
            command: format!("mfp approve {name}{}", flags(&excess)),
            asks: Some(excess),
        })
    }
}

impl Guard for ApprovalGuard<'_> {
    fn line(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Objection> {
        let Origin::Registry(registry) = &key.origin else { return None };
        // Most ask for nothing, and cost nothing here.
        let asked = line.asks().then(|| line.capabilities()).flatten()?;
        let source = SourceId::Registry(registry.clone());
        let signer = line.signer().flatten();
        let default = self.manifest.project.registry == *registry;
        self.entries(key).iter().find_map(|name| {
            let locked = self.old.and_then(|old| old.plugins.get(name));
            if locked.is_some_and(|locked| locked.version() == Some(&line.version) && locked.source() == source) {
                return None;
            }
            let objection = self.objection(name, &asked, &source, signer.as_ref())?;
            let elsewhere = if default || self.manifest.plugins.contains_key(name) || locked.is_some() {
                String::new()
            } else {
                format!(" --registry {registry}")
            };
            Some(Objection { command: format!("mfp approve {name}@{}{elsewhere}", line.version), ..objection })
        })
    }

    fn declared(&self, plugin: &LockedPlugin) -> Option<Objection> {
        self.objection(&plugin.name, &plugin.capabilities(), &plugin.source(), plugin.signer())
    }
}
