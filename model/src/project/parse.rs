//! Reading a manifest's tables, in the order in which they depend on each other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::entry::{self, RawEntry};
use super::parse_policy::{read_approval, read_policy};
use super::{ConfigValue, Manifest, ManifestErrors, Override, PluginConfig, PluginEntry, Project, Strategy, Warning};
use crate::name::{GroupName, PluginName, RegistryName};
use crate::requirement::Requirement;
use crate::source::{Origin, Registry, RelativePath, Request, Source};
use crate::text::nearest;
use crate::toml::{self, Misplaced, ProblemKind, TableReader, ValueReader, line_of};
use crate::version::Version;

const IN_SETTINGS: &str =
    "a project can't set this: were it allowed to, a pull request could; it belongs in your own settings (`mfp config path`)";

/// What people may expect in a manifest but what a project must never decide: credentials, proxies, trust roots, hooks.
const MISPLACED: &[Misplaced] = &[
    ("approvals-from", IN_SETTINGS),
    ("ca", IN_SETTINGS),
    ("ca-file", IN_SETTINGS),
    ("cache-dir", IN_SETTINGS),
    ("credentials", IN_SETTINGS),
    ("mirrors", IN_SETTINGS),
    ("password", IN_SETTINGS),
    ("proxy", IN_SETTINGS),
    ("scan", IN_SETTINGS),
    ("store-dir", IN_SETTINGS),
    ("token", IN_SETTINGS),
    ("token-env", IN_SETTINGS),
    ("username", IN_SETTINGS),
];

/// Where a plugin was first seen, and what it said there.
struct Seen {
    table: String,
    raw: RawEntry,
    span: Range<usize>,
    value_span: Range<usize>,
    in_plugins: bool,
    groups: BTreeSet<GroupName>,
}

pub(super) fn parse(text: &str, own: &Version) -> Result<Manifest, ManifestErrors> {
    toml::read(text, MISPLACED, |root| read_manifest(text, own, root)).map_err(ManifestErrors::new)
}

fn read_manifest(text: &str, own: &Version, mut root: TableReader<'_>) -> Manifest {
    let mut manifest = Manifest::default();
    if let Some(table) = root.table("registries") {
        manifest.registries = read_registries(table, &mut manifest.places);
    }
    if let Some(table) = root.table("project") {
        manifest.project = read_project(table, own, &manifest);
    }
    read_plugins(text, &mut root, &mut manifest);
    if let Some(table) = root.table("overrides") {
        manifest.overrides = read_overrides(text, table);
    }
    if let Some(table) = root.table("config") {
        manifest.config = read_configs(text, table);
    }
    if let Some(table) = root.table("approvals") {
        manifest.approvals = named(table, read_approval);
    }
    if let Some(table) = root.table("policy") {
        manifest.policy = read_policy(table, &mut manifest.places);
    }
    if let Some(mut table) = root.table("resolver") {
        manifest.strategy = table.parse::<Strategy>("strategy").unwrap_or_default();
        table.finish();
    }
    root.finish();
    manifest
}

/// Read a table whose keys are names; what's wrong has been said and is left out.
pub(super) fn named<K: Ord + std::str::FromStr<Err: std::fmt::Display>, V>(
    table: TableReader<'_>,
    read: impl Fn(&ValueReader<'_>) -> Option<V>,
) -> BTreeMap<K, V> {
    table.entries().iter().filter_map(|(key, value)| Some((key.parse()?, read(value)?))).collect()
}

fn read_project(mut table: TableReader<'_>, own: &Version, manifest: &Manifest) -> Project {
    let defaults = Project::default();
    let mfp = table.take("mfp").and_then(|value| {
        let requirement: Requirement = value.parse()?;
        check_own_version(&requirement, own, &value);
        Some(requirement)
    });
    let plugin_dir = table.take("plugin-dir").and_then(|value| inner_folder(&value));
    let project = Project {
        mfp,
        mockforge: table.parse("mockforge"),
        plugin_dir: plugin_dir.unwrap_or(defaults.plugin_dir),
        registry: table.take("registry").and_then(|value| declared(&value, manifest)).unwrap_or(defaults.registry),
        vendor: table.parse("vendor"),
    };
    table.finish();
    project
}

/// The name of a registry that `[registries]` declares.
fn declared(value: &ValueReader<'_>, manifest: &Manifest) -> Option<RegistryName> {
    let name = value.parse()?;
    if !is_declared(manifest, &name) {
        let message = format!("the registry `{name}` isn't declared in [registries]");
        return value.report(ProblemKind::Undeclared, &message, Some(registry_help(manifest, &name)));
    }
    Some(name)
}

/// A folder below the project, not the project itself.
fn inner_folder(value: &ValueReader<'_>) -> Option<RelativePath> {
    let path: RelativePath = value.parse()?;
    if path.leaves() || path.as_str() == "." {
        return value.invalid("the folder has to lie below the project");
    }
    Some(path)
}

/// Development builds count as the version that they lead to.
fn check_own_version(requirement: &Requirement, own: &Version, value: &ValueReader<'_>) {
    let (major, minor, patch) = own.numbers();
    let range = requirement.range();
    if range.contains(own) || range.contains(&Version::new(major, minor, patch)) {
        return;
    }
    let message = format!("this project needs mfp {requirement}, and this is mfp {own}");
    let _: Option<()> = value.report(ProblemKind::NewerNeeded, &message, Some(format!("install an mfp that is {requirement}")));
}

pub(super) fn refuse_http<T>(value: &ValueReader<'_>) -> Option<T> {
    value.invalid_with_help(
        "plain http to another machine can be read and changed on its way",
        "use https, or say `allow-http = true` beside it if you know that network",
    )
}

fn read_registries(table: TableReader<'_>, places: &mut BTreeMap<String, Range<usize>>) -> BTreeMap<RegistryName, Registry> {
    let entries = table.entries();
    places.extend(entries.iter().map(|(_, value)| (value.path().to_owned(), value.key_span())));
    entries.iter().filter_map(|(key, value)| Some((key.parse()?, read_registry(value)?))).collect()
}

fn read_registry(value: &ValueReader<'_>) -> Option<Registry> {
    let registry = if value.as_str().is_some() {
        Registry::new(value.parse()?)
    } else if value.is_table() {
        read_registry_table(value.table()?)?
    } else {
        return value.wrong_type("a URL or a table");
    };
    let plain = registry.url.needs_allow_http() || registry.dl_origins.iter().any(|origin| origin.as_str().starts_with("http:"));
    if plain && !registry.allow_http {
        return refuse_http(value);
    }
    Some(registry)
}

fn read_registry_table(mut table: TableReader<'_>) -> Option<Registry> {
    let url = table.require("url").and_then(|value| value.parse());
    let allow_http = table.flag("allow-http");
    let missing_status = table.take("missing-status").and_then(|value| read_statuses(&value));
    let dl_origins = table.take("dl-origins").and_then(|value| value.list::<Origin, _>());
    let kind = table.parse("kind");
    table.finish();
    Some(Registry {
        url: url?,
        allow_http,
        missing_status: missing_status.unwrap_or_default(),
        dl_origins: dl_origins.unwrap_or_default(),
        kind: kind.unwrap_or_default(),
    })
}

/// Statuses that may mean "no such plugin": what a client did wrong, but not what will pass by waiting.
fn read_statuses(value: &ValueReader<'_>) -> Option<BTreeSet<u16>> {
    let statuses = value.array()?.into_iter().filter_map(|status| {
        let number = status.integer(400..=499)?;
        match number {
            408 | 425 | 429 => status.invalid(&format!("{number} means \"try again later\", never \"no such plugin\"")),
            _ => u16::try_from(number).ok(),
        }
    });
    Some(statuses.collect())
}

fn read_plugins(text: &str, root: &mut TableReader<'_>, manifest: &mut Manifest) {
    let default = manifest.project.registry.clone();
    let mut seen: BTreeMap<PluginName, Seen> = BTreeMap::new();
    let mut warnings = Vec::new();
    if let Some(table) = root.table("plugins") {
        read_table(table, "[plugins]", None, &default, &mut seen, &mut warnings);
    }
    if let Some(table) = root.table("groups") {
        for (key, value) in table.entries() {
            let (Some(group), Some(table)) = (key.parse::<GroupName>(), value.table()) else { continue };
            let title = format!("[groups.{group}]");
            let names = read_table(table, &title, Some(&group), &default, &mut seen, &mut warnings);
            manifest.groups.insert(group, names);
        }
    }
    for (name, seen) in &seen {
        check_registry(root, manifest, name, seen);
    }
    manifest.warnings = warnings;
    manifest.plugins = seen.into_iter().map(|(name, seen)| (name, seen.into_entry(text))).collect();
}

/// Read one table of plugins, comparing those that were seen before. Gives the names that stand in it.
fn read_table(
    table: TableReader<'_>,
    title: &str,
    group: Option<&GroupName>,
    default: &RegistryName,
    seen: &mut BTreeMap<PluginName, Seen>,
    warnings: &mut Vec<Warning>,
) -> BTreeSet<PluginName> {
    let mut names = BTreeSet::new();
    for (key, value) in table.entries() {
        let Some(name) = key.parse::<PluginName>() else { continue };
        let Some(raw) = entry::read(&name, &value, default, warnings) else { continue };
        names.insert(name.clone());
        let first = seen.entry(name.clone()).or_insert_with(|| Seen {
            table: title.to_owned(),
            raw: raw.clone(),
            span: value.key_span(),
            value_span: value.span(),
            in_plugins: group.is_none(),
            groups: BTreeSet::new(),
        });
        first.groups.extend(group.cloned());
        if !first.raw.means_the_same(&raw) {
            let message = format!("`{name}` stands in {} too, with another value", first.table);
            let help = Some("give it the same value in every table".to_owned());
            let _: Option<()> = value.report(ProblemKind::Duplicate, &message, help);
        }
    }
    names
}

impl RawEntry {
    fn means_the_same(&self, other: &Self) -> bool {
        self.source == other.source && self.package == other.package && self.allow_http == other.allow_http
    }
}

impl Seen {
    fn into_entry(self, text: &str) -> PluginEntry {
        let groups = if self.in_plugins { BTreeSet::new() } else { self.groups };
        PluginEntry {
            request: Request { source: self.raw.source, package: self.raw.package, groups },
            allow_http: self.raw.allow_http,
            line: line_of(text, self.span.start),
            span: self.span.start..self.value_span.end.max(self.span.end),
        }
    }
}

fn check_registry(root: &TableReader<'_>, manifest: &Manifest, name: &PluginName, seen: &Seen) {
    let Source::Registry { registry, .. } = &seen.raw.source else { return };
    if is_declared(manifest, registry) {
        return;
    }
    let message = if seen.raw.names_registry {
        format!("`{name}`: the registry `{registry}` isn't declared in [registries]")
    } else {
        format!("`{name}` is to come from the registry `{registry}`, but there is no such registry")
    };
    root.report(ProblemKind::Undeclared, seen.value_span.clone(), message, Some(registry_help(manifest, registry)));
}

/// A registry that is declared wrongly is declared: one mistake is told once.
fn is_declared(manifest: &Manifest, registry: &RegistryName) -> bool {
    manifest.places.contains_key(&format!("registries.{registry}"))
}

fn registry_help(manifest: &Manifest, registry: &RegistryName) -> String {
    let known = manifest.places.keys().filter_map(|place| place.strip_prefix("registries."));
    match nearest(registry.as_str(), known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("declare it: `[registries]` with `{registry} = \"https://…\"`"),
    }
}

fn read_overrides(text: &str, table: TableReader<'_>) -> BTreeMap<PluginName, Override> {
    let read = |value: &ValueReader<'_>| {
        let span = value.key_span();
        Some(Override { requirement: value.parse()?, line: line_of(text, span.start), span: span.start..value.span().end })
    };
    named(table, read)
}

fn read_configs(text: &str, table: TableReader<'_>) -> BTreeMap<PluginName, PluginConfig> {
    let read = |value: &ValueReader<'_>| {
        let _table = value.table()?;
        let span = value.key_span();
        Some(PluginConfig { value: read_config(value)?, line: line_of(text, span.start), span })
    };
    named(table, read)
}

fn read_config(value: &ValueReader<'_>) -> Option<ConfigValue> {
    if value.is_array() {
        return Some(ConfigValue::List(value.array()?.iter().filter_map(read_config).collect()));
    }
    if !value.is_table() {
        return plain(value).map(ConfigValue::Plain);
    }
    let entries = value.table()?.entries();
    if let [(key, name)] = entries.as_slice()
        && key.text == "env"
        && name.as_str().is_some()
    {
        return name.parse().map(ConfigValue::Env);
    }
    Some(ConfigValue::Table(entries.iter().filter_map(|(key, value)| Some((key.text.to_owned(), read_config(value)?))).collect()))
}

/// TOML's values as JSON's: dates as the text that TOML has for them.
fn plain(value: &ValueReader<'_>) -> Option<serde_json::Value> {
    use toml_edit::Value;
    match value.as_value()? {
        Value::String(text) => Some(text.value().as_str().into()),
        Value::Integer(number) => Some((*number.value()).into()),
        Value::Boolean(flag) => Some((*flag.value()).into()),
        Value::Datetime(date) => Some(date.value().to_string().into()),
        Value::Float(number) => match serde_json::Number::from_f64(*number.value()) {
            Some(number) => Some(number.into()),
            None => value.invalid("JSON, which plugins are configured with, has no infinity and no `nan`"),
        },
        Value::Array(_) | Value::InlineTable(_) => None,
    }
}
