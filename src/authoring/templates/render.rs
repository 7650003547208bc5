//! How do templates become files? `minijinja`, with delimiters of its own: `{$ value $}`, `{% block %}`, `{# comment #}`, since Rust,
//! C, Zig, JavaScript and GitHub's workflows are full of double braces.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use super::{Files, embedded};

/// Why rendering can't fail: everything that can be rendered is part of this program.
const RENDERS: &str = "every template is rendered by a test, with every value that it can have";

/// The files of a plugin in this language, of this kind. What's written for the kind replaces what's there for the language, and that
/// what's there for all.
pub(super) fn files(language: &str, kind: &str, values: &impl Serialize) -> Files {
    let mut sources: BTreeMap<String, (Layer, String)> = BTreeMap::new();
    for path in embedded::paths() {
        let Some((layer, below)) = place(&path, language, kind) else { continue };
        let target = target(below);
        if sources.get(&target).is_none_or(|(known, _)| *known < layer) {
            sources.insert(target, (layer, path.into_owned()));
        }
    }
    let environment = environment();
    let context = minijinja::Value::from(Serde(values));
    let rendered = sources.into_iter().filter_map(|(target, (layer, source))| {
        let target = environment.render_str(&target, &context).expect(RENDERS);
        if layer == Layer::Verbatim {
            return embedded::bytes(&source).map(|bytes| (target, bytes.into_owned()));
        }
        let text = environment.get_template(&source).and_then(|template| template.render(&context)).expect(RENDERS);
        let is_left_out = text.trim().is_empty() && embedded::bytes(&source).is_some_and(|source| !source.is_empty());
        (!is_left_out).then(|| (target, text.into_bytes()))
    });
    rendered.collect()
}

/// The text of a licence.
pub(super) fn license(id: &str, values: &impl Serialize) -> String {
    environment().get_template(&embedded::license(id)).and_then(|template| template.render(Serde(values))).expect(RENDERS)
}

/// Whom a template is for. A later one replaces an earlier one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Layer {
    Everybody,
    Language,
    Kind,
    /// Copied as it is, byte for byte.
    Verbatim,
}

/// Where a template belongs, and its path below that; `None` if it's for others, or to be included.
fn place<'a>(path: &'a str, language: &str, kind: &str) -> Option<(Layer, &'a str)> {
    if let Some(below) = path.strip_prefix("common/") {
        return Some((Layer::Everybody, below));
    }
    let (folder, below) = path.strip_prefix(language)?.strip_prefix('/')?.split_once('/')?;
    match folder {
        "common" => Some((Layer::Language, below)),
        "verbatim" => Some((Layer::Verbatim, below)),
        folder if folder == kind => Some((Layer::Kind, below)),
        _ => None,
    }
}

/// The path of what a template becomes: `dot-` begins a name that begins with a dot, which would mean something where the templates
/// are; `__ident__` and `__name__` are the plugin's.
fn target(below: &str) -> String {
    let parts: Vec<String> =
        below.split('/').map(|part| part.strip_prefix("dot-").map_or_else(|| part.to_owned(), |rest| format!(".{rest}"))).collect();
    parts.join("/").replace("__ident__", "{$ ident $}").replace("__name__", "{$ name $}")
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .variable_delimiters("{$", "$}")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .expect("the delimiters differ");
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_loader(|path| Ok(embedded::text(path)));
    environment.add_filter("quoted", |text: String| quoted(&text));
    environment.add_filter("markdown", |text: String| markdown(&text));
    environment
}

/// A text as a string of JSON. Of a [`Line`](super::Line) that's a string in TOML, YAML, Rust, C, Zig, JavaScript and Python too: in it
/// only `"` and `\` are escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text that's no markup.
fn markdown(text: &str) -> String {
    let special = |character: char| matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '&');
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if special(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}
