//! A function's text: what's fixed, and what's filled in.

use mockforge_plugin_sdk::{Result, fail, serde_json};
use serde_json::Value;

use crate::texts;

/// A text that was read once.
pub(crate) struct Pattern(Vec<Part>);

enum Part {
    Fixed(String),
    /// The argument at this place, and what's done with it.
    Filled {
        place: usize,
        name: String,
        filters: Vec<Filter>,
    },
}

enum Filter {
    Upper,
    Lower,
    Title,
    Trim,
    Json,
    Default(String),
}

impl Pattern {
    pub(crate) fn read(text: &str, parameters: &[String]) -> Result<Self> {
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            fixed.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                fixed.push_str(brace);
                rest = after;
                continue;
            }
            let Some((inside, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                fail!("a `{brace}` stands alone; one that's meant is written twice");
            };
            parts.push(Part::Fixed(std::mem::take(&mut fixed)));
            parts.push(filled(inside, parameters)?);
            rest = after;
        }
        fixed.push_str(rest);
        parts.push(Part::Fixed(fixed));
        Ok(Self(parts))
    }

    pub(crate) fn fill(&self, arguments: &[Value]) -> Result<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Fixed(fixed) => text.push_str(fixed),
                Part::Filled { place, name, filters } => match value(arguments.get(*place), filters) {
                    Some(value) => text.push_str(&value),
                    None => fail!("there's no argument {} (`{name}`)", place + 1),
                },
            }
        }
        Ok(text)
    }
}

fn filled(inside: &str, parameters: &[String]) -> Result<Part> {
    let mut words = inside.split('|');
    let name = words.next().unwrap_or_default().trim();
    let Some(place) = parameters.iter().position(|parameter| parameter == name) else {
        fail!("`{name}` isn't among its parameters");
    };
    let filters = words.map(filter).collect::<Result<_>>()?;
    Ok(Part::Filled { place, name: name.to_owned(), filters })
}

fn filter(word: &str) -> Result<Filter> {
    Ok(match word.split_once(':').unwrap_or((word, "")) {
        ("default", value) => Filter::Default(value.to_owned()),
        (name, "") => match name.trim() {
            "upper" => Filter::Upper,
            "lower" => Filter::Lower,
            "title" => Filter::Title,
            "trim" => Filter::Trim,
            "json" => Filter::Json,
            other => fail!("there's no filter `{other}`; there are upper, lower, title, trim, json and default:…"),
        },
        (name, _) => fail!("the filter `{name}` takes nothing"),
    })
}

/// An argument as text; one that's missing or `null` is what `default` says.
fn value(argument: Option<&Value>, filters: &[Filter]) -> Option<String> {
    let as_json = filters.iter().any(|filter| matches!(filter, Filter::Json));
    let mut text = match argument {
        None | Some(Value::Null) => filters.iter().find_map(|filter| match filter {
            Filter::Default(value) => Some(value.clone()),
            _ => None,
        })?,
        Some(Value::String(text)) if !as_json => text.clone(),
        Some(value) => value.to_string(),
    };
    for filter in filters {
        text = match filter {
            Filter::Upper => text.to_uppercase(),
            Filter::Lower => text.to_lowercase(),
            Filter::Title => texts::title(&text),
            Filter::Trim => text.trim().to_owned(),
            Filter::Json | Filter::Default(_) => text,
        };
    }
    Some(text)
}
