//! `mfp info`: what's known about a plugin, from the registry and from the lock.

use std::collections::BTreeMap;
use std::path::Path;

use mfp_model::index::{IndexDocument, IndexLine};
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::plugin::Dependency;
use mfp_model::project::Manifest;
use mfp_model::signer::Signer;
use mfp_model::source::{Pin, Source};
use mfp_model::version::Version;
use mfp_store::Store;
use serde_json::Value;

use crate::app::App;
use crate::cli::CONFIG_SHOWN;
use crate::cli::look::InfoArgs;
use crate::cli::spec::parse_name_at_version;
use crate::error::{Error, Result};
use crate::explain::{Explained, unresolved_name};
use crate::installing::described;
use crate::report::document::{Document, InfoDependency, InfoDocument, InfoPlugin};
use crate::report::{Event, Outcome, clean, size};
use crate::sources::gather::nearest_names;
use crate::sources::registry;

/// The version that was named, else the locked one, else the newest.
pub(crate) fn run(app: &App<'_>, args: &InfoArgs) -> Result<Outcome> {
    let (name, version) = parse_name_at_version(&args.plugin)?;
    let project = app.project()?;
    let manifest = project.manifest()?;
    let lock = project.lock()?;
    let locked = lock.as_ref().and_then(|lock| lock.plugins.get(&name));
    let mut plugin = match (registry_of(&manifest, locked, &name, args), locked) {
        (Some(registry_name), _) => from_registry(app, &project.root, &manifest, &registry_name, &name, version.as_ref(), locked)?,
        (None, Some(locked)) => from_lock(locked),
        (None, None) => return Err(unresolved_name(&name, lock.as_ref())),
    };
    if args.config.as_deref().is_some_and(|config| config == Path::new(CONFIG_SHOWN)) {
        plugin.config = Some(configured(&manifest, &name));
        let store = app.store()?;
        plugin.config_schema = schema_in_store(&store, lock.as_ref(), &name)?;
        plugin.config_example = plugin.config_schema.as_ref().map(|schema| config::example(name.as_str(), schema));
        if plugin.config_schema.is_none() {
            app.reporter.event(Event::Note(no_schema(&store, locked, &name)?));
        }
    }
    let text = text(&plugin);
    Ok(Outcome::done(Document::Info(Box::new(InfoDocument { plugin }))).text(text))
}

/// Which registry to ask: the one that was named, the lock's, the manifest's for that name, the default; none for other sources.
fn registry_of(manifest: &Manifest, locked: Option<&LockedPlugin>, name: &PluginName, args: &InfoArgs) -> Option<RegistryName> {
    if args.registry.is_some() {
        return args.registry.clone();
    }
    if let Some(package) = locked.and_then(LockedPlugin::package) {
        return match &package.pin {
            Pin::Registry { registry, .. } => Some(registry.clone()),
            _ => None,
        };
    }
    match manifest.plugins.get(name).map(|entry| &entry.request.source) {
        Some(Source::Registry { registry, .. }) => Some(registry.clone()),
        Some(_) => None,
        None => Some(manifest.project.registry.clone()),
    }
}

fn from_registry(
    app: &App<'_>,
    root: &Path,
    manifest: &Manifest,
    registry_name: &RegistryName,
    name: &PluginName,
    version: Option<&Version>,
    locked: Option<&LockedPlugin>,
) -> Result<InfoPlugin> {
    let id = locked.map_or(name, LockedPlugin::id);
    let document = index(app, root, manifest, registry_name, id)?;
    let locked_version = locked.and_then(LockedPlugin::version);
    let line = choose(&document, version.or(locked_version)).ok_or_else(|| no_version(id, version, &document))?;
    Ok(of_line(line, &document, registry_name, locked_version))
}

/// What a registry says about one version.
pub(crate) fn line(
    app: &App<'_>,
    root: &Path,
    manifest: &Manifest,
    registry_name: &RegistryName,
    id: &PluginName,
    version: &Version,
) -> Result<IndexLine> {
    let document = index(app, root, manifest, registry_name, id)?;
    choose(&document, Some(version)).cloned().ok_or_else(|| no_version(id, Some(version), &document))
}

fn index(app: &App<'_>, root: &Path, manifest: &Manifest, registry_name: &RegistryName, id: &PluginName) -> Result<IndexDocument> {
    let sources = app.sources()?;
    let registries = sources.registries(manifest, root)?;
    app.wait(async {
        let client = registry(&registries, registry_name)?;
        match client.index(id).await? {
            Some(document) => Ok(document),
            None => Err(not_found(
                id,
                registry_name,
                &nearest_names(id, &mfp_resolver::Origin::Registry(registry_name.clone()), &registries).await,
            )),
        }
    })
}

fn not_found(name: &PluginName, registry: &RegistryName, near: &[String]) -> Error {
    let error = Error::new("mfp::resolve::not-found", format!("Plugin '{name}' not found in registry '{registry}'"));
    match near {
        [] => error.help("`mfp search TEXT` looks through the registry"),
        near => error.help(format!("did you mean {}?", near.join(" or "))),
    }
}

fn no_version(name: &PluginName, version: Option<&Version>, document: &IndexDocument) -> Error {
    let known: Vec<String> = newest_first(document).iter().take(5).map(ToString::to_string).collect();
    let wanted = version.map(ToString::to_string).unwrap_or_default();
    Error::new("mfp::resolve::no-version", format!("{name} has no version {wanted}")).help(format!("it has {}", known.join(", ")))
}

fn newest_first(document: &IndexDocument) -> Vec<&Version> {
    let mut versions: Vec<&Version> = document.lines.iter().map(|line| &line.version).collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions
}

fn choose<'d>(document: &'d IndexDocument, version: Option<&Version>) -> Option<&'d IndexLine> {
    match version {
        Some(version) => document.lines.iter().find(|line| line.version == *version),
        None => document.lines.iter().max_by_key(|line| (!line.yanked.is_yanked(), !line.version.is_prerelease(), line.version.clone())),
    }
}

fn of_line(line: &IndexLine, document: &IndexDocument, registry: &RegistryName, locked: Option<&Version>) -> InfoPlugin {
    let mut more = BTreeMap::new();
    let mut put = |key: &str, value: Option<String>| more.extend(value.map(|value| (key.to_owned(), value)));
    put("homepage", line.homepage.clone());
    put("repository", line.repository.clone());
    put("documentation", line.documentation.clone());
    put("keywords", (!line.keywords.is_empty()).then(|| line.keywords.join(", ")));
    put("deprecated", line.deprecated.as_ref().map(|deprecated| deprecated.reason.clone()));
    more.extend(signed(line.signer.as_ref()));
    InfoPlugin {
        name: line.name.to_string(),
        version: line.version.to_string(),
        source: format!("registry+{registry}"),
        locked: locked.map(ToString::to_string),
        versions: newest_first(document).iter().map(ToString::to_string).collect(),
        description: line.description.as_deref().map(str::to_owned),
        types: line.types.iter().map(ToString::to_string).collect(),
        license: line.license.clone(),
        published: Some(line.published.to_string()),
        yanked: line.yanked.is_yanked().then(|| line.yanked.reason().unwrap_or("yes").to_owned()),
        mockforge: line.mockforge.as_ref().map(ToString::to_string),
        content: Some(line.content.to_string()),
        size: Some(line.size),
        capabilities: serde_json::to_value(&line.capabilities).unwrap_or_default(),
        dependencies: shown_dependencies(&line.deps),
        more,
        ..InfoPlugin::default()
    }
}

fn from_lock(plugin: &LockedPlugin) -> InfoPlugin {
    InfoPlugin {
        name: plugin.name.to_string(),
        version: plugin.version().map(ToString::to_string).unwrap_or_default(),
        source: plugin.source().redacted(),
        locked: plugin.version().map(ToString::to_string),
        types: plugin.types.iter().map(ToString::to_string).collect(),
        license: plugin.package().and_then(|package| package.license.clone()),
        content: Some(plugin.content.to_string()),
        size: plugin.package().and_then(|package| package.pin.artifact()).map(|artifact| artifact.size),
        capabilities: serde_json::to_value(plugin.capabilities()).unwrap_or_default(),
        dependencies: shown_dependencies(plugin.dependencies()),
        more: signed(plugin.signer()).collect(),
        ..InfoPlugin::default()
    }
}

/// Who signed it: the key in full, and what people compare.
fn signed(signer: Option<&Signer>) -> impl Iterator<Item = (String, String)> {
    signer.into_iter().flat_map(|signer| [("fingerprint".to_owned(), signer.fingerprint()), ("signer".to_owned(), signer.to_string())])
}

fn shown_dependencies(dependencies: &[Dependency]) -> Vec<InfoDependency> {
    dependencies
        .iter()
        .map(|one| InfoDependency { name: one.name.to_string(), requirement: one.requirement.to_string(), optional: one.optional })
        .collect()
}

/// What the project hands to the plugin. Variables by name: their values are nobody's business here.
fn configured(manifest: &Manifest, name: &PluginName) -> Value {
    let by_name =
        |variable: &mfp_model::capability::EnvName| Ok::<_, std::convert::Infallible>(serde_json::json!({ "env": variable.to_string() }));
    manifest.config.get(name).map_or(Value::Null, |config| match config.value.to_json(&mut { by_name }) {
        Ok(value) => value,
        Err(never) => match never {},
    })
}

mod config;

fn schema_in_store(store: &Store, lock: Option<&Lock>, name: &PluginName) -> Result<Option<Value>> {
    let Some(plugin) = lock.and_then(|lock| lock.plugins.get(name)) else { return Ok(None) };
    let Some(stored) = store.get(&plugin.content).explained()? else { return Ok(None) };
    Ok(described(plugin, &stored)?.config_schema)
}

/// Why there's nothing to say about what it takes.
fn no_schema(store: &Store, locked: Option<&LockedPlugin>, name: &PluginName) -> Result<String> {
    Ok(match locked {
        None => format!("{name} isn't locked, and a registry doesn't say what a plugin can be configured with: `mfp add {name}`"),
        Some(plugin) if plugin.package().is_none() => format!("{name} is a service, which says nothing about its configuration"),
        Some(plugin) if store.get(&plugin.content).explained()?.is_none() => {
            format!("{name} isn't in the store, so what it takes isn't known: `mfp sync`")
        }
        Some(_) => format!("{name} says nothing about its configuration"),
    })
}

impl InfoPlugin {
    fn is_service(&self) -> bool {
        self.version.is_empty()
    }
}

fn text(plugin: &InfoPlugin) -> String {
    let mut lines = vec![format!(
        "{} {}{}",
        plugin.name,
        if plugin.is_service() { "(a service: no promise about its code)" } else { &plugin.version },
        plugin.yanked.as_ref().map(|why| format!(" (yanked: {})", clean(why))).unwrap_or_default()
    )];
    lines.extend(plugin.description.as_ref().map(|description| clean(description).into_owned()));
    let mut put = |key: &str, value: Option<String>| {
        lines.extend(value.filter(|value| !value.is_empty()).map(|value| format!("{key:13} {}", clean(&value))));
    };
    put("types", Some(plugin.types.join(", ")));
    put("license", plugin.license.clone());
    put("source", Some(plugin.source.clone()));
    put("locked", plugin.locked.clone());
    put("versions", Some(shortened(&plugin.versions)));
    put("published", plugin.published.clone());
    put("mockforge", plugin.mockforge.clone());
    put("size", plugin.size.map(size));
    put("content", plugin.content.clone());
    let capabilities = plugin.capabilities.as_object().filter(|object| !object.is_empty());
    put(
        "asks for",
        (!plugin.is_service()).then(|| {
            capabilities.map_or_else(|| "nothing beyond the defaults".to_owned(), |asked| Value::Object(asked.clone()).to_string())
        }),
    );
    put(
        "depends on",
        Some(
            plugin
                .dependencies
                .iter()
                .map(|one| format!("{} {}{}", one.name, one.requirement, if one.optional { " (optional)" } else { "" }))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    );
    for (key, value) in &plugin.more {
        put(key, Some(value.clone()));
    }
    put("configured", plugin.config.as_ref().filter(|config| !config.is_null()).map(ToString::to_string));
    if let Some(schema) = &plugin.config_schema {
        lines.push(config::text(&plugin.name, schema));
    }
    lines.join("\n") + "\n"
}

fn shortened(versions: &[String]) -> String {
    match versions {
        [first, rest @ ..] if rest.len() > 8 => format!("{first}, {} and {} older", rest[..7].join(", "), rest.len() - 7),
        all => all.join(", "),
    }
}
