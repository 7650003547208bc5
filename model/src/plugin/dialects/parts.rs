//! The parts that all dialects have in some place: identity, texts for people, dependencies.

use std::collections::BTreeSet;

use super::fields::{Field, Fields, Reader};
use super::json::to_json;
use crate::name::PluginName;
use crate::plugin::{Author, Dependency, MAX_DEPENDENCIES, PluginManifestError, PluginType, Runtime};
use crate::requirement::Requirement;
use crate::version::Version;

type Read<T> = Result<T, PluginManifestError>;

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

/// Read `name`, `description`, `license`, `author`, links and words.
pub(super) fn about(fields: &mut Fields<'_>, reader: &mut Reader) -> Read<About> {
    Ok(About {
        display_name: line(fields.take("name"))?,
        description: fields.take("description").map_or(Ok(None), |field| field.lines(LONGEST_DESCRIPTION))?,
        license: line(fields.take("license"))?,
        author: fields.take("author").map(|field| author(&field, reader)).transpose()?,
        homepage: link(fields.take("homepage"), reader)?,
        repository: link(fields.take("repository"), reader)?,
        documentation: link(fields.take("documentation"), reader)?,
        keywords: words(fields.take("keywords"))?,
        categories: words(fields.take("categories"))?,
    })
}

fn line(field: Option<Field<'_>>) -> Read<Option<String>> {
    field.map_or(Ok(None), |field| field.line(LONGEST_LINE))
}

/// A link; one that isn't is an error in mfp's dialect and left out in others.
fn link(field: Option<Field<'_>>, reader: &mut Reader) -> Read<Option<String>> {
    let Some(field) = field else { return Ok(None) };
    match field.link() {
        Err(error) if !reader.is_strict() => {
            reader.warn(format!("left out: {error}"));
            Ok(None)
        }
        result => result,
    }
}

/// `{ name, email, homepage }`; in MockForge's dialects a text too.
fn author(field: &Field<'_>, reader: &mut Reader) -> Read<Author> {
    if !reader.is_strict() && field.text().is_ok() {
        return Ok(Author { name: field.line(LONGEST_LINE)?, ..Author::default() });
    }
    let mut fields = field.fields()?;
    let author =
        Author { name: line(fields.take("name"))?, email: line(fields.take("email"))?, homepage: link(fields.take("homepage"), reader)? };
    reader.finish(&fields)?;
    Ok(author)
}

fn words(field: Option<Field<'_>>) -> Read<Vec<String>> {
    let lines = limited(field)?.into_iter().map(|field| field.line(LONGEST_LINE)).collect::<Read<Vec<_>>>()?;
    Ok(lines.into_iter().flatten().collect())
}

/// The items of a list that's absent or has at most [`MOST_WORDS`].
pub(super) fn limited(field: Option<Field<'_>>) -> Read<Vec<Field<'_>>> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let items = field.list()?;
    if items.len() > MOST_WORDS {
        return Err(field.wrong(format!("has {} entries; the limit is {MOST_WORDS}", items.len())));
    }
    Ok(items)
}

pub(super) fn version(fields: &mut Fields<'_>) -> Read<Version> {
    let field = fields.need("version")?;
    let text = field.text()?;
    text.parse().map_err(|why| {
        let error = field.wrong(why);
        let is_number = field.is_plain() && text.parse::<f64>().is_ok();
        if is_number {
            error.with_help(format!("without quotes YAML takes `{text}` for a number; write three numbers, as in \"1.0.0\""))
        } else {
            error
        }
    })
}

pub(super) fn types(field: &Field<'_>) -> Read<BTreeSet<PluginType>> {
    let types: BTreeSet<PluginType> = field.list()?.iter().map(Field::parse).collect::<Read<_>>()?;
    if types.is_empty() {
        return Err(field.wrong("a plugin has at least one type: auth, template, response or datasource"));
    }
    Ok(types)
}

pub(super) fn runtime(field: Option<Field<'_>>) -> Read<Runtime> {
    let Some(field) = field else { return Ok(Runtime::Wasm) };
    match field.text()? {
        "wasm" => Ok(Runtime::Wasm),
        "remote" => Ok(Runtime::Remote),
        _ => Err(field.wrong("must be `wasm` or `remote`")),
    }
}

/// A list of `{ id, version, optional }`.
pub(super) fn dependencies(field: Option<Field<'_>>, id: &PluginName, reader: &mut Reader) -> Read<Vec<Dependency>> {
    let Some(field) = field else { return Ok(Vec::new()) };
    let items = field.list()?;
    if items.len() > MAX_DEPENDENCIES {
        return Err(field.wrong(format!("has {} entries; the limit is {MAX_DEPENDENCIES}", items.len())));
    }
    let mut seen = BTreeSet::new();
    let mut dependencies = Vec::with_capacity(items.len());
    for item in &items {
        let dependency = dependency(item, reader)?;
        if dependency.name == *id {
            return Err(item.wrong(format!("`{id}` can't depend on itself")));
        }
        if !seen.insert(dependency.name.clone()) {
            return Err(item.wrong(format!("`{}` is listed twice", dependency.name)));
        }
        dependencies.push(dependency);
    }
    Ok(dependencies)
}

fn dependency(item: &Field<'_>, reader: &mut Reader) -> Read<Dependency> {
    let mut fields = item.fields()?;
    for key in ["git", "url", "path"] {
        if let Some(span) = fields.key_span(key) {
            return Err(PluginManifestError::invalid(
                format!("`{}`: a plugin's dependencies come from registries", fields.path_of(key)),
                span,
            )
            .with_help("only a project's manifest may name a git repository, a URL or a folder"));
        }
    }
    let name = fields.need("id")?.parse()?;
    let requirement = requirement(&fields.need("version")?, reader)?;
    let optional = fields.take("optional").map_or(Ok(false), |field| field.boolean())?;
    reader.finish(&fields)?;
    Ok(Dependency { name, requirement, optional })
}

/// A requirement; in MockForge's dialects one that starts with a digit and has no `*` is exact, as its own library has it.
fn requirement(field: &Field<'_>, reader: &mut Reader) -> Read<Requirement> {
    let text = field.text()?.trim();
    let is_bare = text.starts_with(|first: char| first.is_ascii_digit()) && !text.contains(['*', ',', 'x', 'X']);
    if reader.is_strict() || !is_bare {
        return field.parse();
    }
    let exact = format!("={text}").parse().map_err(|why| field.wrong(why))?;
    reader.warn(format!(
        "the requirement `{text}` has no operator, which means exactly that version in MockForge's manifests: it's read as `{exact}`"
    ));
    Ok(exact)
}

/// A JSON Schema: a mapping.
pub(super) fn schema(field: Option<Field<'_>>) -> Read<Option<serde_json::Value>> {
    let Some(field) = field else { return Ok(None) };
    field.fields()?;
    to_json(field.node).map(Some)
}
