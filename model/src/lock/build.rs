//! From a manifest and what the resolver chose to a lock. Pure.

use super::{Lock, LockOptions, LockedBody, LockedPlugin, REVISION};
use crate::digest::ContentDigest;
use crate::name::PluginName;
use crate::project::Manifest;
use crate::source::{Request, Source};

impl Lock {
    /// A lock of this manifest with these entries. Services, which nobody resolves, are added here. The order of
    /// dependencies is made canonical.
    ///
    /// Nothing is checked: [`Lock::check`] says whether the entries are what the manifest needs.
    pub fn build(manifest: &Manifest, resolved: Vec<LockedPlugin>) -> Self {
        let requirements = manifest.plugins.iter().map(|(name, entry)| (name.clone(), entry.request.clone()));
        let services = manifest.plugins.iter().filter_map(|(name, entry)| remote(name, &entry.request));
        let plugins = services.chain(resolved).map(sort_dependencies);
        Self {
            revision: REVISION,
            options: LockOptions { mockforge: manifest.project.mockforge.clone(), strategy: manifest.strategy },
            overrides: manifest.overrides.iter().map(|(name, one)| (name.clone(), one.requirement.clone())).collect(),
            registries: manifest.registries.iter().map(|(name, registry)| (name.clone(), registry.url.clone())).collect(),
            requirements: requirements.collect(),
            plugins: plugins.map(|plugin| (plugin.name.clone(), plugin)).collect(),
        }
    }
}

fn sort_dependencies(mut plugin: LockedPlugin) -> LockedPlugin {
    if let LockedBody::Package(package) = &mut plugin.body {
        package.dependencies.sort();
    }
    plugin
}

/// The `content` of a service: the digest of its line in `[requirements]`, newline included.
pub fn remote_content(name: &PluginName, request: &Request) -> ContentDigest {
    ContentDigest::from_hash(*blake3::hash(format!("{name} = {request}\n").as_bytes()).as_bytes())
}

pub(super) fn remote(name: &PluginName, request: &Request) -> Option<LockedPlugin> {
    let Source::Remote { endpoint, types, .. } = &request.source else { return None };
    let content = remote_content(name, request);
    Some(LockedPlugin { name: name.clone(), types: types.clone(), body: LockedBody::Remote(endpoint.clone()), content })
}
