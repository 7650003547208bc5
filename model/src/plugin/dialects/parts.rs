//! The parts that all dialects have in some place: identity, texts for people, dependencies.

use std::collections::BTreeSet;

use super::fields::{Field, Fields, Reader};
use super::found::Found;
use super::json::to_json;
use crate::name::PluginName;
use crate::plugin::error::quoted;
use crate::plugin::{Author, Dependency, MAX_DEPENDENCIES, PluginManifestError, PluginType, Runtime};
use crate::requirement::Requirement;
use crate::version::Version;

/// The longest one-line text, in bytes.
const LONGEST_LINE: usize = 1024;
/// The longest description, in bytes.
const LONGEST_DESCRIPTION: usize = 8192;
/// The most keywords, categories or include patterns.
const MOST_WORDS: usize = 256;

/// What people read about the plugin.
#[derive(Default)]
pub(super) struct About {
    pub(super) display_name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) license: Option<String>,
    pub(super) author: Option<Author>,
    pub(super) homepage: Option<String>,
    pub(super) repository: Option<String>,
    pub(super) documentation: Option<String>,
    pub(super) keywords: Vec<String>,
    pub(super) categories: Vec<String>,
}

/// Read `id` and `version`. Where the manifest is written anew, another id may be given beside the text.
pub(super) fn identity(fields: &mut Fields<'_>, found: &mut Found, reader: &mut Reader) {
    found.id = id(fields, "id", reader);
    found.version = version(fields, reader);
}

/// The plugin's id, under whatever key it stands.
pub(super) fn id(fields: &mut Fields<'_>, key: &'static str, reader: &mut Reader) -> Option<PluginName> {
    let field = fields.need(key);
    if let Some(given) = reader.given().id {
        return Some(given);
    }
    let rewriting = reader.is_rewriting();
    let with_help =
        |error: PluginManifestError| if rewriting { error.with_help("give it a name: `mfp validate --fix --id NAME`") } else { error };
    reader.keep(field.and_then(|field| field.parse().map_err(with_help)))
}

/// Read `name`, `description`, `license`, `author`, links and words.
pub(super) fn about(fields: &mut Fields<'_>, reader: &mut Reader) -> About {
    About {
        display_name: line(fields.take("name"), reader),
        description: fields.take("description").and_then(|field| reader.keep(field.lines(LONGEST_DESCRIPTION))).flatten(),
        license: line(fields.take("license"), reader),
        author: fields.take("author").and_then(|field| author(&field, reader)),
        homepage: link(fields.take("homepage"), reader),
        repository: link(fields.take("repository"), reader),
        documentation: link(fields.take("documentation"), reader),
        keywords: words(fields.take("keywords"), reader),
        categories: words(fields.take("categories"), reader),
    }
}

pub(super) fn line(field: Option<Field<'_>>, reader: &mut Reader) -> Option<String> {
    field.and_then(|field| reader.keep(field.line(LONGEST_LINE))).flatten()
}

/// A link; one that isn't is an error in mfp's dialect and left out in others.
fn link(field: Option<Field<'_>>, reader: &mut Reader) -> Option<String> {
    match field?.link() {
        Err(error) if !reader.is_strict() => {
            reader.warn(format!("left out: {error}"));
            None
        }
        result => reader.keep(result).flatten(),
    }
}

/// `{ name, email, homepage }`; in MockForge's dialects a text too.
fn author(field: &Field<'_>, reader: &mut Reader) -> Option<Author> {
    if !reader.is_strict() && field.text().is_ok() {
        let line = reader.keep(field.line(LONGEST_LINE))??;
        return Some(if reader.is_rewriting() { split_author(&line, reader) } else { Author { name: Some(line), ..Author::default() } });
    }
    let mut fields = reader.keep(field.fields())?;
    let (name, email) = (line(fields.take("name"), reader), line(fields.take("email"), reader));
    let mut homepage = link(fields.take("homepage"), reader);
    if reader.is_rewriting() {
        homepage = homepage.or(link(fields.take("url"), reader));
    }
    reader.finish(&fields);
    Some(Author { name, email, homepage })
}

/// `Name <address>` as a name and an address.
fn split_author(line: &str, reader: &mut Reader) -> Author {
    let parts = line.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'));
    let Some((name, email)) = parts.filter(|(_, email)| email.contains('@')) else {
        return Author { name: Some(line.to_owned()), ..Author::default() };
    };
    let (name, email) = (name.trim(), email.trim());
    reader.warn(format!("the author {} is written as a name and an address", quoted(line)));
    Author { name: (!name.is_empty()).then(|| name.to_owned()), email: Some(email.to_owned()), homepage: None }
}

pub(super) fn words(field: Option<Field<'_>>, reader: &mut Reader) -> Vec<String> {
    limited(field, reader).into_iter().filter_map(|field| reader.keep(field.line(LONGEST_LINE)).flatten()).collect()
}

/// The items of a list that's absent or has at most [`MOST_WORDS`].
pub(super) fn limited<'a>(field: Option<Field<'a>>, reader: &mut Reader) -> Vec<Field<'a>> {
    let Some(field) = field else { return Vec::new() };
    let items = reader.keep(field.list()).unwrap_or_default();
    if items.len() > MOST_WORDS {
        reader.errors.push(field.wrong(format!("has {} entries; the limit is {MOST_WORDS}", items.len())));
        return Vec::new();
    }
    items
}

pub(super) fn version(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<Version> {
    let field = reader.keep(fields.need("version"))?;
    if reader.is_rewriting() && field.is_map() {
        return version_map(&field, reader);
    }
    let text = reader.keep(field.text())?;
    let why = match text.parse::<Version>() {
        Ok(version) if reader.is_rewriting() => return Some(without_build(version, reader)),
        Ok(version) => return Some(version),
        Err(why) => why,
    };
    if reader.is_rewriting()
        && let Some(completed) = completed(text)
    {
        reader.warn(format!("the version `{text}` is written in full: `{completed}`"));
        return Some(completed);
    }
    let error = field.wrong(why);
    let is_number = field.is_plain() && text.parse::<f64>().is_ok();
    reader.errors.push(if is_number {
        error.with_help(format!("without quotes YAML takes `{text}` for a number; write three numbers, as in \"1.0.0\""))
    } else {
        error
    });
    None
}

/// `1` and `1.2` with the zeros that they lack.
pub(in crate::plugin) fn completed(text: &str) -> Option<Version> {
    let parts = text.split('.').collect::<Vec<_>>();
    let are_numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if !are_numbers || parts.len() > 2 {
        return None;
    }
    format!("{text}{}", ".0".repeat(3 - parts.len())).parse().ok()
}

/// Build metadata makes two texts of one version; it's refused where plugins are published.
fn without_build(version: Version, reader: &mut Reader) -> Version {
    let text = version.to_string();
    let Some((plain, build)) = text.split_once('+') else { return version };
    reader.warn(format!("the version's build metadata is left out: `+{build}`"));
    plain.parse().expect("a version without its build metadata is a version")
}

/// `{ major, minor, patch, pre_release, build }`.
pub(super) fn version_map(field: &Field<'_>, reader: &mut Reader) -> Option<Version> {
    let mut fields = reader.keep(field.fields())?;
    let mut number = |key: &'static str, reader: &mut Reader| {
        let part = fields.need(key).and_then(|part| part.integer());
        reader.keep(part)
    };
    let numbers = (number("major", reader), number("minor", reader), number("patch", reader));
    let pre = line(fields.take("pre_release"), reader);
    let build = line(fields.take("build"), reader);
    reader.finish(&fields);
    let (Some(major), Some(minor), Some(patch)) = numbers else { return None };
    let pre = pre.map(|pre| format!("-{pre}")).unwrap_or_default();
    let build = build.map(|build| format!("+{build}")).unwrap_or_default();
    let text = format!("{major}.{minor}.{patch}{pre}{build}");
    let version = reader.keep(text.parse::<Version>().map_err(|why| field.wrong(why)))?;
    reader.warn(format!("{} is written as one text: `{version}`", field.path()));
    Some(without_build(version, reader))
}

/// The list of types; or what's given beside the text, where that's more than none.
pub(super) fn types(fields: &mut Fields<'_>, reader: &mut Reader) -> Option<BTreeSet<PluginType>> {
    let field = fields.need("types");
    let given = reader.given().types;
    if !given.is_empty() {
        return Some(given);
    }
    let field = reader.keep(field)?;
    let items = reader.keep(field.list())?;
    if items.is_empty() {
        reader.errors.push(field.wrong("a plugin has at least one type: auth, template, response or datasource"));
        return None;
    }
    let types: Vec<Option<PluginType>> = items.iter().map(|item| one_type(item, reader)).collect();
    types.into_iter().collect()
}

/// A type by its name. Some have another name in MockForge's dialects; some there are, mfp has nothing for.
pub(super) fn one_type(field: &Field<'_>, reader: &mut Reader) -> Option<PluginType> {
    let text = reader.keep(field.text())?;
    // MockForge's command takes it for `datasource`.
    if !reader.is_strict() && text == "data-source" {
        return Some(PluginType::Datasource);
    }
    let help = "nothing that mfp runs is one; if it also answers one of the four kinds of calls, say which: `mfp validate --fix --type T`";
    let rewriting = reader.is_rewriting();
    let parsed = field.parse().map_err(|error| if rewriting { error.with_help(help) } else { error });
    reader.keep(parsed)
}

pub(super) fn runtime(field: Option<Field<'_>>, reader: &mut Reader) -> Runtime {
    let Some(field) = field else { return Runtime::Wasm };
    match reader.keep(field.text()) {
        None | Some("wasm") => Runtime::Wasm,
        Some("remote") => Runtime::Remote,
        Some(_) => {
            reader.errors.push(field.wrong("must be `wasm` or `remote`"));
            Runtime::Wasm
        }
    }
}

/// A list of `{ id, version, optional }`.
pub(super) fn dependencies(field: Option<Field<'_>>, id: Option<&PluginName>, reader: &mut Reader) -> Vec<Dependency> {
    let Some(field) = field else { return Vec::new() };
    let items = reader.keep(field.list()).unwrap_or_default();
    if items.len() > MAX_DEPENDENCIES {
        reader.errors.push(field.wrong(format!("has {} entries; the limit is {MAX_DEPENDENCIES}", items.len())));
        return Vec::new();
    }
    let mut dependencies: Vec<Dependency> = Vec::with_capacity(items.len());
    for item in &items {
        if let Some(dependency) = dependency(item, reader) {
            push_dependency(&mut dependencies, dependency, item, id, reader);
        }
    }
    dependencies
}

/// One more dependency, unless it's the plugin itself or there already.
pub(super) fn push_dependency(
    dependencies: &mut Vec<Dependency>,
    dependency: Dependency,
    item: &Field<'_>,
    id: Option<&PluginName>,
    reader: &mut Reader,
) {
    if Some(&dependency.name) == id {
        reader.errors.push(item.wrong(format!("`{}` can't depend on itself", dependency.name)));
    } else if dependencies.iter().any(|one| one.name == dependency.name) {
        reader.errors.push(item.wrong(format!("`{}` is listed twice", dependency.name)));
    } else {
        dependencies.push(dependency);
    }
}

fn dependency(item: &Field<'_>, reader: &mut Reader) -> Option<Dependency> {
    let mut fields = reader.keep(item.fields())?;
    for key in ["git", "url", "path"] {
        if let Some(span) = fields.key_span(key) {
            reader.errors.push(
                PluginManifestError::invalid(format!("`{}`: a plugin's dependencies come from registries", fields.path_of(key)), span)
                    .with_help("only a project's manifest may name a git repository, a URL or a folder"),
            );
            return None;
        }
    }
    let name = fields.need("id").and_then(|field| field.parse());
    let name = reader.keep(name);
    let requirement = reader.keep(fields.need("version")).and_then(|field| requirement(&field, reader));
    let optional = fields.take("optional").map_or(Some(false), |field| reader.keep(field.boolean()));
    reader.finish(&fields);
    Some(Dependency { name: name?, requirement: requirement?, optional: optional? })
}

/// A requirement; in MockForge's dialects one that starts with a digit and has no `*` is exact, as its own library has it.
pub(super) fn requirement(field: &Field<'_>, reader: &mut Reader) -> Option<Requirement> {
    let text = reader.keep(field.text())?.trim();
    let is_bare = text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(['*', ',', 'x', 'X']);
    if reader.is_strict() || !is_bare {
        return reader.keep(field.parse());
    }
    let exact: Requirement = reader.keep(format!("={text}").parse().map_err(|why| field.wrong(why)))?;
    reader.warn(format!(
        "the requirement `{text}` has no operator, which means exactly that version in MockForge's manifests: it's read as `{exact}`"
    ));
    Some(exact)
}

/// A JSON Schema: a mapping.
pub(super) fn schema(field: Option<Field<'_>>, reader: &mut Reader) -> Option<serde_json::Value> {
    let field = field?;
    reader.keep(field.fields())?;
    reader.keep(to_json(field.node))
}
