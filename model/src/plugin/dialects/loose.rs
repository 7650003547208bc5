//! The dialects that are read only to be written anew: what has to be assumed to understand them is too much to assume
//! silently, wherever a plugin is.
//!
//! Each assumption is a sentence for the author. A wish that isn't understood isn't asked for; a type, an id or a version
//! that isn't understood is a mistake, since nothing that could be put in its place would be the author's word.

use serde_json::{Map, Value as Json};

use super::Read;
use super::capabilities::{self, Asked};
use super::fields::{Field, Fields, Reader};
use super::found::Found;
use super::json::to_json;
use super::mockforge::only_type;
use super::parts;
use crate::capability::MAX_MEMORY;
use crate::plugin::error::quoted;
use crate::plugin::{Dependency, PluginManifest, PluginManifestError};
use crate::requirement::Requirement;
use crate::units::ByteSize;

type Anew = Read<PluginManifest, Vec<PluginManifestError>>;

/// `info:`, which names no type.
pub(super) fn info(mut root: Fields<'_>, mut reader: Reader) -> Anew {
    let mut found = Found::default();
    if let Some(mut about) = reader.keep(root.need("info").and_then(|field| field.fields())) {
        parts::identity(&mut about, &mut found, &mut reader);
        found.about = parts::about(&mut about, &mut reader);
        reader.finish(&about);
    }
    found.types = given_types(&root, &mut reader);
    found.asked = words(root.take("capabilities"), &[], &mut reader);
    found.dependencies = dependency_map(root.take("dependencies"), &found, &mut reader);
    reader.finish(&root);
    found.finish(reader)
}

/// The types that were given beside a text that names none.
fn given_types(root: &Fields<'_>, reader: &mut Reader) -> Option<std::collections::BTreeSet<crate::plugin::PluginType>> {
    let types = reader.given().types;
    if types.is_empty() {
        let missing = "the manifest doesn't say what types of calls the plugin answers, and there's no module that would show it";
        let error = PluginManifestError::invalid(missing, root.key_span("info"));
        reader.errors.push(error.with_help("say it: `mfp validate --fix --type auth` (or template, response, datasource)"));
        return None;
    }
    let names: Vec<&str> = types.iter().map(|one| one.as_str()).collect();
    reader.warn(format!("the manifest names no type; it's written as: {}", names.join(", ")));
    Some(types)
}

/// `manifest_version:` and `plugin:`.
pub(super) fn library(mut root: Fields<'_>, mut reader: Reader) -> Anew {
    let mut found = Found::default();
    let _edition = root.take("manifest_version");
    if let Some(mut plugin) = reader.keep(root.need("plugin").and_then(|field| field.fields())) {
        parts::identity(&mut plugin, &mut found, &mut reader);
        found.types = parts::types(&mut plugin, &mut reader);
        found.about = parts::about(&mut plugin, &mut reader);
        reader.finish(&plugin);
    }
    found.asked = capabilities::read(root.take("capabilities"), &mut reader);
    found.dependencies = parts::dependencies(root.take("dependencies"), found.id.as_ref(), &mut reader);
    found.config_schema = root.take("config_schema").and_then(|field| library_schema(&field, &mut reader));
    reader.finish(&root);
    found.finish(reader)
}

/// The registry's: `name` is the identity, `category` the type, dependencies a mapping.
pub(super) fn registry(mut root: Fields<'_>, mut reader: Reader) -> Anew {
    let mut found = Found { id: parts::id(&mut root, "name", &mut reader), ..Found::default() };
    found.version = parts::version(&mut root, &mut reader);
    found.types = only_type(&mut root, "category", &mut reader);
    found.about = about_beside_name(&mut root, &mut reader);
    found.dependencies = dependency_map(root.take("dependencies"), &found, &mut reader);
    let least = root.take("min_mockforge_version");
    if let Some(mut runtime) = root.take("runtime").and_then(|field| reader.keep(field.fields())) {
        let least = least.or(runtime.take("min_mockforge_version"));
        found.mockforge = least.and_then(|field| host_range(Some(&field), None, &mut reader));
        reader.finish(&runtime);
    } else {
        found.mockforge = least.and_then(|field| host_range(Some(&field), None, &mut reader));
    }
    if let Some(mut security) = root.take("security").and_then(|field| reader.keep(field.fields())) {
        let hosts = security.take("network_access").and_then(|field| reader.asked(field.list())).unwrap_or_default();
        found.asked = words(security.take("permissions"), &hosts, &mut reader);
        reader.finish(&security);
    }
    if let Some(mut performance) = root.take("performance").and_then(|field| reader.keep(field.fields())) {
        limits_with_units(&mut found.asked, &mut performance, &mut reader);
        reader.finish(&performance);
    }
    found.config_schema = loose_schema(root.take("config_schema"), &mut reader);
    reader.finish(&root);
    found.finish(reader)
}

/// The book's: `name` is the identity, `type` the type, capabilities a list of words.
pub(super) fn book(mut root: Fields<'_>, mut reader: Reader) -> Anew {
    let mut found = Found { id: parts::id(&mut root, "name", &mut reader), ..Found::default() };
    found.version = parts::version(&mut root, &mut reader);
    found.types = only_type(&mut root, "type", &mut reader);
    found.about = about_beside_name(&mut root, &mut reader);
    if let Some(category) = root.take("category").and_then(|field| parts::line(Some(field), &mut reader)) {
        found.about.categories.push(category);
    }
    found.asked = words(root.take("capabilities"), &[], &mut reader);
    if let Some(mut permissions) = root.take("permissions").and_then(|field| reader.asked(field.fields())) {
        flags(&mut permissions, &mut reader);
        reader.finish(&permissions);
    }
    if let Some(mut runtime) = root.take("runtime").and_then(|field| reader.keep(field.fields())) {
        limits_with_units(&mut found.asked, &mut runtime, &mut reader);
        reader.finish(&runtime);
    }
    if let Some(mut host) = root.take("mockforge").and_then(|field| reader.keep(field.fields())) {
        let (least, most) = (host.take("min_version"), host.take("max_version"));
        found.mockforge = host_range(least.as_ref(), most.as_ref(), &mut reader);
        reader.finish(&host);
    }
    found.include = include(root.take("include"), &mut reader);
    found.dependencies = dependency_list(root.take("dependencies"), &found, &mut reader);
    found.config_schema = loose_schema(root.take("config_schema"), &mut reader);
    reader.finish(&root);
    found.finish(reader)
}

/// The tutorial's: `id` is the identity, `type` the type, capabilities a mapping.
pub(super) fn tutorial(mut root: Fields<'_>, mut reader: Reader) -> Anew {
    let mut found = Found::default();
    parts::identity(&mut root, &mut found, &mut reader);
    found.types = only_type(&mut root, "type", &mut reader);
    found.about = parts::about(&mut root, &mut reader);
    found.asked = match root.take("capabilities") {
        Some(field) if field.is_list() => words(Some(field), &[], &mut reader),
        field => capabilities::read(field, &mut reader),
    };
    found.dependencies = parts::dependencies(root.take("dependencies"), found.id.as_ref(), &mut reader);
    found.config_schema = loose_schema(root.take("config_schema"), &mut reader);
    reader.finish(&root);
    found.finish(reader)
}

/// What people read, where `name` is the identity and no text; `tags` are its keywords.
fn about_beside_name(root: &mut Fields<'_>, reader: &mut Reader) -> parts::About {
    let tags = parts::words(root.take("tags"), reader);
    let mut about = parts::about(root, reader);
    about.display_name = None;
    if about.keywords.is_empty() {
        about.keywords = tags;
    }
    about
}

/// Capabilities as words. A word names no host and no folder, so it asks for those that are listed elsewhere, or for none.
fn words(field: Option<Field<'_>>, hosts: &[Field<'_>], reader: &mut Reader) -> Asked {
    let mut asked = Asked::default();
    let items = field.and_then(|field| reader.asked(field.list())).unwrap_or_default();
    let mut is_network = false;
    for item in &items {
        let Some(word) = reader.asked(item.text()) else { continue };
        match word {
            "network" | "network:http" | "network.http" | "network.http.client" => {
                is_network = true;
                if hosts.is_empty() {
                    reader.warn(capabilities::names_no_host(&quoted(word)));
                }
            }
            "filesystem" | "filesystem:read" | "filesystem:write" | "filesystem.read" | "filesystem.write" | "storage.file.read"
            | "storage.file.write" => reader.warn(capabilities::names_no_folder(&quoted(word))),
            "env:read" => reader.warn("`env:read` names no variable, so none is asked for: list them under `capabilities.environment`"),
            "template.functions" | "crypto.random" | "crypto.hash" | "authentication" => {
                reader.warn(format!("`{word}` is left out: every plugin has that without asking"));
            }
            other => reader.warn(format!("{} isn't asked for: mfp has nothing like it", quoted(other))),
        }
    }
    if is_network {
        asked.granted.http = hosts.iter().filter_map(|host| reader.asked(host.parse())).collect();
    } else if !hosts.is_empty() {
        reader.warn("hosts are listed, but no permission for the network is: none is asked for");
    }
    asked
}

/// `permissions: { network_access, file_read, file_write }`, which name nothing.
fn flags(permissions: &mut Fields<'_>, reader: &mut Reader) {
    for (key, is_network) in [("network_access", true), ("file_read", false), ("file_write", false)] {
        let Some(field) = permissions.take(key) else { continue };
        if reader.asked(field.boolean()) == Some(true) {
            let wish = field.path();
            reader.warn(if is_network { capabilities::names_no_host(&wish) } else { capabilities::names_no_folder(&wish) });
        }
    }
}

/// Limits as the book and the registry's full form have them: with units, or with the unit in the key.
fn limits_with_units(asked: &mut Asked, fields: &mut Fields<'_>, reader: &mut Reader) {
    if let Some(field) = fields.take("memory_limit_mb") {
        let bytes = field.integer().and_then(|number| memory(&field, number.saturating_mul(1_000_000)));
        take_memory(asked, &field, bytes, reader);
    }
    if let Some(field) = fields.take("memory_limit") {
        let bytes = with_unit(&field, &MEMORY_UNITS).and_then(|bytes| memory(&field, bytes));
        take_memory(asked, &field, bytes, reader);
    }
    if let Some(field) = fields.take("execution_timeout_ms") {
        asked.time_ms = reader.asked(capabilities::time_number(&field));
    }
    if let Some(field) = fields.take("execution_timeout") {
        let time = with_unit(&field, &TIME_UNITS).and_then(|time| {
            capabilities::within(&field, time, crate::capability::MAX_TIME_MS, &format!("{} ms", crate::capability::MAX_TIME_MS))
        });
        asked.time_ms = reader.asked(time);
    }
    for key in ["cpu_limit", "cpu_limit_percent", "startup_time", "wasm_version"] {
        if fields.take(key).is_some() {
            reader.warn(format!("`{}` is left out: the sandbox has no such limit", fields.path_of(key)));
        }
    }
}

/// `MB` may be a million bytes or 1 048 576: the smaller can't be more than what was meant.
const MEMORY_UNITS: [(&str, u64); 6] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
const TIME_UNITS: [(&str, u64); 3] = [("ms", 1), ("s", 1_000), ("m", 60_000)];

fn memory(field: &Field<'_>, bytes: u64) -> Read<u64> {
    capabilities::within(field, bytes, MAX_MEMORY, &ByteSize(MAX_MEMORY).to_string())
}

fn take_memory(asked: &mut Asked, field: &Field<'_>, bytes: Read<u64>, reader: &mut Reader) {
    if let Some(bytes) = reader.asked(bytes) {
        reader.warn(format!("{} is written as {bytes} bytes", field.path()));
        asked.memory = Some(bytes);
    }
}

fn with_unit(field: &Field<'_>, units: &[(&str, u64)]) -> Read<u64> {
    let text = field.text()?.trim();
    let digits = text.len() - text.trim_start_matches(|one: char| one.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim())).map(|(_, factor)| *factor);
    let known = || units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let wrong = || field.wrong(format!("must be a number and one of {}", known()));
    number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor)).ok_or_else(wrong)
}

/// From the oldest host that will do to the newest, as a requirement.
fn host_range(least: Option<&Field<'_>>, most: Option<&Field<'_>>, reader: &mut Reader) -> Option<Requirement> {
    let mut parts = Vec::new();
    for (field, operator) in [(least, ">="), (most, "<=")] {
        let Some(field) = field else { continue };
        let text = reader.keep(field.text())?.trim();
        parts.push(if text.starts_with(|first: char| first.is_ascii_digit()) { format!("{operator}{text}") } else { text.to_owned() });
    }
    let field = least.or(most)?;
    let range: Requirement = reader.keep(parts.join(", ").parse().map_err(|why| field.wrong(why)))?;
    reader.warn(format!("the supported hosts are written as `mockforge: \"{range}\"`"));
    Some(range)
}

fn include(field: Option<Field<'_>>, reader: &mut Reader) -> Vec<crate::package::IncludePattern> {
    let items = parts::limited(field, reader);
    let mut patterns = Vec::with_capacity(items.len());
    for item in &items {
        match item.parse() {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => reader.warn(format!("left out: {error}")),
        }
    }
    patterns
}

/// MockForge's own libraries, which its manifests list among the plugins.
const LIBRARIES: [&str; 6] = [
    "mockforge",
    "mockforge-core",
    "mockforge-plugin-core",
    "mockforge-plugin-loader",
    "mockforge-plugin-registry",
    "mockforge-plugin-sdk",
];

/// A mapping of names to requirements, to versions, or to tables.
fn dependency_map(field: Option<Field<'_>>, found: &Found, reader: &mut Reader) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    let Some(field) = field else { return dependencies };
    if field.is_list() {
        return dependency_list(Some(field), found, reader);
    }
    let Some(fields) = reader.keep(field.fields()) else { return dependencies };
    for (key, item) in fields.all() {
        if is_library(&key.text, reader) {
            continue;
        }
        let Some(name) = reader.keep(key.text.parse().map_err(|why| item.wrong(why))) else { continue };
        let Some((requirement, optional)) = table_requirement(&key.text, &item, reader) else { continue };
        parts::push_dependency(&mut dependencies, Dependency { name, requirement, optional }, &item, found.id.as_ref(), reader);
    }
    dependencies
}

/// What stands behind a dependency's name: a requirement, a version, or a table with one of them.
fn table_requirement(name: &str, item: &Field<'_>, reader: &mut Reader) -> Option<(Requirement, bool)> {
    if !item.is_map() {
        return cargo_requirement(item, reader).map(|requirement| (requirement, false));
    }
    let mut fields = reader.keep(item.fields())?;
    if fields.has("major") {
        let version = parts::version_map(item, reader)?;
        let exact = reader.keep(format!("={version}").parse().map_err(|why| item.wrong(why)))?;
        return Some((exact, false));
    }
    let places = [("git", "a repository"), ("path", "a folder"), ("url", "a URL")];
    if let Some((_, from)) = places.into_iter().find(|(key, _)| fields.has(key)) {
        reader.warn(format!(
            "the dependency {} comes from {from} and is left out: a plugin's dependencies come from registries",
            quoted(name)
        ));
        return None;
    }
    let requirement = reader.keep(fields.need("version")).and_then(|field| cargo_requirement(&field, reader));
    let optional = fields.take("optional").map_or(Some(false), |field| reader.keep(field.boolean()));
    if fields.take("features").is_some() {
        reader.warn(format!("`{}` is left out: plugins have no features", fields.path_of("features")));
    }
    reader.finish(&fields);
    Some((requirement?, optional?))
}

/// A requirement where one without an operator is caret, as in the registry and in mfp.
fn cargo_requirement(field: &Field<'_>, reader: &mut Reader) -> Option<Requirement> {
    let text = reader.keep(field.text())?;
    let requirement: Requirement = reader.keep(field.parse())?;
    if text.trim().starts_with(|first: char| first.is_ascii_digit()) {
        reader.warn(format!(
            "the requirement `{}` has no operator, which is caret in the registry: it's written as `{requirement}`",
            text.trim()
        ));
    }
    Some(requirement)
}

/// A list of `{ name, version }` or `{ id, version, optional }`.
fn dependency_list(field: Option<Field<'_>>, found: &Found, reader: &mut Reader) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for item in parts::limited(field, reader) {
        let Some(mut fields) = reader.keep(item.fields()) else { continue };
        let name = fields.take("name");
        let Some(name) = name.or_else(|| reader.keep(fields.need("id"))) else { continue };
        if name.text().is_ok_and(|text| is_library(text, reader)) {
            continue;
        }
        let Some(name) = reader.keep(name.parse()) else { continue };
        let requirement = reader.keep(fields.need("version")).and_then(|field| parts::requirement(&field, reader));
        let optional = fields.take("optional").map_or(Some(false), |field| reader.keep(field.boolean()));
        reader.finish(&fields);
        if let (Some(requirement), Some(optional)) = (requirement, optional) {
            parts::push_dependency(&mut dependencies, Dependency { name, requirement, optional }, &item, found.id.as_ref(), reader);
        }
    }
    dependencies
}

fn is_library(name: &str, reader: &mut Reader) -> bool {
    let is_one = LIBRARIES.contains(&name);
    if is_one {
        reader.warn(format!("`{name}` is left out of the dependencies: it's a library of MockForge's, not a plugin"));
    }
    is_one
}

/// A schema with `required: true` in its properties, as the book and the registry write it.
fn loose_schema(field: Option<Field<'_>>, reader: &mut Reader) -> Option<Json> {
    let schema = parts::schema(field, reader)?;
    Some(strict_schema(schema, reader))
}

/// The same as a JSON Schema: `required` is a list beside `properties`, and properties that say nothing are open.
pub(super) fn strict_schema(schema: Json, reader: &mut Reader) -> Json {
    let mut changed = false;
    let strict = strict(schema, &mut changed);
    if changed {
        reader.warn("the configuration's schema is written as a JSON Schema: `required` is a list of names, and empty places are filled");
    }
    strict
}

/// As deep as the document, so bounded.
fn strict(schema: Json, changed: &mut bool) -> Json {
    let Json::Object(mut object) = schema else { return schema };
    if let Some(properties) = object.get_mut("properties") {
        let mut required: Vec<Json> = Vec::new();
        let taken = match properties.take() {
            Json::Null => {
                *changed = true;
                Map::new()
            }
            Json::Object(taken) => taken,
            other => {
                *properties = other;
                return Json::Object(object);
            }
        };
        let mut kept = Map::new();
        for (name, property) in taken {
            let mut property = match strict(property, changed) {
                Json::Null => {
                    *changed = true;
                    Json::Object(Map::new())
                }
                property => property,
            };
            if let Some(flag) = property.get("required").and_then(Json::as_bool) {
                *changed = true;
                property.as_object_mut().map(|property| property.shift_remove("required"));
                if flag {
                    required.push(name.clone().into());
                }
            }
            kept.insert(name, property);
        }
        *properties = Json::Object(kept);
        add_required(&mut object, required);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            *inner = strict(inner.take(), changed);
        }
    }
    Json::Object(object)
}

fn add_required(object: &mut Map<String, Json>, required: Vec<Json>) {
    if required.is_empty() {
        return;
    }
    match object.get_mut("required") {
        Some(Json::Array(listed)) => listed.extend(required.into_iter().filter(|name| !listed.contains(name)).collect::<Vec<_>>()),
        _ => drop(object.insert("required".to_owned(), Json::Array(required))),
    }
}

/// The library's own format of a schema: `{ version, properties: { NAME: { type, description, default, validation } }, required }`.
fn library_schema(field: &Field<'_>, reader: &mut Reader) -> Option<Json> {
    let mut fields = reader.keep(field.fields())?;
    let _version = fields.take("version");
    let mut properties = Map::new();
    if let Some(listed) = fields.take("properties").and_then(|field| reader.keep(field.fields())) {
        for (key, property) in listed.all() {
            let property = library_property(&property, reader)?;
            properties.insert(key.text.clone(), property);
        }
    }
    let required = fields.take("required").map(|field| reader.keep(to_json(field.node)));
    reader.finish(&fields);
    reader.warn("the configuration's schema is written as a JSON Schema; a key that it doesn't name stays an error");
    let mut schema = Map::from_iter([("type".to_owned(), "object".into()), ("properties".to_owned(), Json::Object(properties))]);
    if let Some(required) = required {
        schema.insert("required".to_owned(), required?);
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    Some(Json::Object(schema))
}

/// What the library calls a rule, and what JSON Schema does.
const RULES: [(&str, &str); 6] = [
    ("min", "minimum"),
    ("max", "maximum"),
    ("min_length", "minLength"),
    ("max_length", "maxLength"),
    ("pattern", "pattern"),
    ("enum_values", "enum"),
];

fn library_property(field: &Field<'_>, reader: &mut Reader) -> Option<Json> {
    let mut fields = reader.keep(field.fields())?;
    let mut property = Map::new();
    for key in ["type", "description", "default", "deprecated"] {
        if let Some(value) = fields.take(key) {
            property.insert(key.to_owned(), reader.keep(to_json(value.node))?);
        }
    }
    if let Some(mut validation) = fields.take("validation").and_then(|field| reader.keep(field.fields())) {
        for (rule, keyword) in RULES {
            if let Some(value) = validation.take(rule) {
                property.insert(keyword.to_owned(), reader.keep(to_json(value.node))?);
            }
        }
        reader.finish(&validation);
    }
    reader.finish(&fields);
    Some(Json::Object(property))
}
