//! What did another tool leave behind, and what of it can be declared? The lock that MockForge's book documents, and the
//! `plugins:` of a `mockforge.yaml`.
//!
//! An import is a help and not a promise: what can't be understood is left out, with a sentence each. Nothing that's
//! imported is trusted: versions become requirements, and `mfp lock` pins them anew.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::name::{PluginName, RegistryName};
use crate::plugin::PluginType;
use crate::plugin::yaml::{self, Node, Value};
use crate::requirement::Requirement;
use crate::source::{BareWasm, REMOTE_HEALTH_CHECK_INTERVAL, REMOTE_RETRIES, REMOTE_TIMEOUT_MS, RelativePath, RemoteEndpoint, Source};
use crate::version::Version;

/// What was found in a file of another tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Imported {
    /// What a manifest can declare.
    pub plugins: Vec<(PluginName, Source)>,
    /// What it can't, a sentence each. Foreign text.
    pub left_out: Vec<String>,
}

/// A file that isn't what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ImportError(String);

#[derive(Deserialize)]
struct DocumentedLock {
    #[serde(default)]
    plugin: Vec<DocumentedPlugin>,
}

#[derive(Deserialize)]
struct DocumentedPlugin {
    name: String,
    version: String,
    source: Option<String>,
}

/// The documented `mockforge-plugins.lock`: `[[plugin]]` with `name`, `version`, `source = "registry"` and a checksum. Its
/// versions become exact requirements on `registry`; its checksums are of another kind than ours and are left aside.
pub fn documented_lock(text: &str, registry: &RegistryName) -> Result<Imported, ImportError> {
    let lock: DocumentedLock = toml_edit::de::from_str(text).map_err(|error| ImportError(error.message().to_owned()))?;
    let mut imported = Imported::default();
    for entry in lock.plugin {
        let declared = declare_locked(&entry, registry);
        imported.take(&entry.name, declared);
    }
    Ok(imported)
}

fn declare_locked(entry: &DocumentedPlugin, registry: &RegistryName) -> Result<(PluginName, Source), String> {
    let name = entry.name.parse::<PluginName>().map_err(|error| error.to_string())?;
    let version = entry.version.parse::<Version>().map_err(|error| error.to_string())?;
    match entry.source.as_deref() {
        None | Some("registry") => Ok((name, Source::Registry { requirement: Requirement::exactly(&version), registry: registry.clone() })),
        Some(other) => Err(format!("its source is `{other}`, and the file doesn't say more about it")),
    }
}

/// The `plugins:` of a `mockforge.yaml`: `wasm: [{id, path, type}]` becomes paths, `remote: [{id, url, type, …}]` services.
pub fn mockforge_yaml(text: &str) -> Result<Imported, ImportError> {
    let document = yaml::parse(text).map_err(|error| ImportError(error.to_string()))?;
    let mut imported = Imported::default();
    let plugins = child(&document, "plugins");
    for (key, declare) in [("wasm", declare_wasm as Declare), ("remote", declare_remote)] {
        for entry in plugins.and_then(|plugins| child(plugins, key)).map(items).unwrap_or_default() {
            imported.take(scalar(entry, "id"), declare(entry));
        }
    }
    if imported == Imported::default() {
        imported.left_out.push("the file names no plugins under `plugins.wasm` or `plugins.remote`".to_owned());
    }
    Ok(imported)
}

type Declare = fn(&Node) -> Result<(PluginName, Source), String>;

fn declare_wasm(entry: &Node) -> Result<(PluginName, Source), String> {
    let name = id(entry)?;
    let path: RelativePath = scalar(entry, "path").parse().map_err(|error: crate::source::RelativePathError| error.to_string())?;
    let bare = if path.is_wasm() { BareWasm { types: types(entry)?, version: None } } else { BareWasm::default() };
    Ok((name, Source::Path { path, bare }))
}

fn declare_remote(entry: &Node) -> Result<(PluginName, Source), String> {
    let url = scalar(entry, "url").parse().map_err(|error: crate::source::UrlError| error.to_string())?;
    let number = |key: &str, default: u64| scalar(entry, key).parse().unwrap_or(default);
    let source = Source::Remote {
        endpoint: RemoteEndpoint::Url(url),
        types: types(entry)?,
        timeout_ms: number("timeout_ms", REMOTE_TIMEOUT_MS),
        retries: number("retries", REMOTE_RETRIES),
        health_check_interval: number("health_check_interval", REMOTE_HEALTH_CHECK_INTERVAL),
    };
    Ok((id(entry)?, source))
}

fn id(entry: &Node) -> Result<PluginName, String> {
    scalar(entry, "id").parse().map_err(|error: crate::name::NameError| error.to_string())
}

fn types(entry: &Node) -> Result<BTreeSet<PluginType>, String> {
    let kind = scalar(entry, "type");
    kind.parse().map(|kind| BTreeSet::from([kind])).map_err(|_| format!("`{kind}` is no type of plugin"))
}

fn child<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    match &node.value {
        Value::Map(pairs) => pairs.iter().find(|(name, _)| name.text == key).map(|(_, value)| value),
        _ => None,
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

fn scalar<'n>(node: &'n Node, key: &str) -> &'n str {
    match child(node, key).map(|node| &node.value) {
        Some(Value::Scalar { text, .. }) => text,
        _ => "",
    }
}

impl Imported {
    fn take(&mut self, id: &str, declared: Result<(PluginName, Source), String>) {
        match declared {
            Ok(plugin) => self.plugins.push(plugin),
            Err(why) => self.left_out.push(format!("{id}: {why}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_lock_becomes_exact_requirements() {
        let text = "[[plugin]]\nname = \"auth-jwt\"\nversion = \"1.2.3\"\nsource = \"registry\"\nchecksum = \"sha256:00\"\n\n[[plugin]]\nname = \"Bad_Name\"\nversion = \"1.0.0\"\n";
        let imported = documented_lock(text, &"default".parse().unwrap()).unwrap();
        assert_eq!(imported.plugins.len(), 1);
        assert_eq!(imported.plugins[0].1.requirement().unwrap().to_string(), "=1.2.3");
        assert!(imported.left_out[0].starts_with("Bad_Name: "), "{:?}", imported.left_out);
        assert!(documented_lock("plugin = 3", &"default".parse().unwrap()).is_err());
    }

    #[test]
    fn a_mockforge_yaml_becomes_paths_and_services() {
        let text = "http: { port: 3000 }\nplugins:\n  wasm:\n    - { id: mine, path: plugins/mine.wasm, type: auth }\n  remote:\n    - { id: oauth, url: \"http://127.0.0.1:8080\", type: auth, timeout_ms: 100 }\n    - { id: odd, url: \"http://127.0.0.1:1\", type: chaos }\n";
        let imported = mockforge_yaml(text).unwrap();
        let kinds: Vec<_> = imported.plugins.iter().map(|(name, source)| (name.as_str(), source.kind().as_str())).collect();
        assert_eq!(kinds, [("mine", "path"), ("oauth", "remote")]);
        assert_eq!(imported.left_out, ["odd: `chaos` is no type of plugin"]);
        assert_eq!(mockforge_yaml("a: 1").unwrap().left_out.len(), 1);
    }
}
