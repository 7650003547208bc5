//! What is handed to a plugin as its configuration?

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value as Json;
use toml_edit::{Item, Table, TableLike, Value};

use crate::capability::EnvName;
use crate::name::PluginName;
use crate::pointer;

/// A value of a plugin's configuration: JSON, but that parts of it may stand in the environment.
#[derive(Debug, Clone, PartialEq)]
pub enum ConfigValue {
    /// `true` or `false`, a number, a string.
    Plain(Json),
    /// `{ env = "NAME" }`: read when the plugin is loaded, never written anywhere.
    Env(EnvName),
    /// A list.
    List(Vec<ConfigValue>),
    /// A table, in the manifest's order.
    Table(Vec<(String, ConfigValue)>),
}

impl ConfigValue {
    /// The configuration as JSON, with `read` giving the values of environment variables. Fails with what `read` fails with.
    pub fn to_json<E>(&self, read: &mut impl FnMut(&EnvName) -> Result<Json, E>) -> Result<Json, E> {
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Env(name) => read(name)?,
            Self::List(values) => Json::Array(values.iter().map(|value| value.to_json(read)).collect::<Result<_, E>>()?),
            Self::Table(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| Ok((key.clone(), value.to_json(read)?)));
                Json::Object(pairs.collect::<Result<_, E>>()?)
            }
        })
    }

    fn collect_places(&self, here: &str, places: &mut BTreeSet<String>) {
        match self {
            Self::Plain(_) => {}
            Self::Env(_) => {
                places.insert(here.to_owned());
            }
            Self::List(values) => {
                values.iter().enumerate().for_each(|(at, value)| value.collect_places(&pointer::below(here, &at.to_string()), places));
            }
            Self::Table(pairs) => {
                for (key, value) in pairs {
                    value.collect_places(&pointer::below(here, key), places);
                }
            }
        }
    }

    fn collect_env(&self, names: &mut BTreeSet<EnvName>) {
        match self {
            Self::Plain(_) => {}
            Self::Env(name) => {
                names.insert(name.clone());
            }
            Self::List(values) => values.iter().for_each(|value| value.collect_env(names)),
            Self::Table(pairs) => pairs.iter().for_each(|(_, value)| value.collect_env(names)),
        }
    }
}

/// `[config.NAME]`: one plugin's configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginConfig {
    /// The whole table, as a [`ConfigValue::Table`].
    pub value: ConfigValue,
    /// Where it stands, in bytes of the manifest's text.
    pub span: Range<usize>,
    /// The line, from 1, on which its key stands.
    pub line: usize,
}

/// A place in a TOML document.
enum Here<'t> {
    Item(&'t Item),
    Value(&'t Value),
    /// One of a list of tables, `[[…]]`.
    Table(&'t Table),
}

impl<'t> Here<'t> {
    fn table(&self) -> Option<&'t dyn TableLike> {
        match self {
            Self::Item(item) => item.as_table_like(),
            Self::Value(value) => value.as_inline_table().map(|table| table as &dyn TableLike),
            Self::Table(table) => Some(*table),
        }
    }

    /// The value of a key, or of a place in a list.
    fn step(&self, part: &str) -> Option<Self> {
        if let Some(table) = self.table() {
            return table.get(part).map(Here::Item);
        }
        let at = part.parse::<usize>().ok()?;
        match self {
            Self::Item(Item::ArrayOfTables(tables)) => tables.get(at).map(Here::Table),
            Self::Item(item) => item.as_array()?.get(at).map(Here::Value),
            Self::Value(value) => value.as_array()?.get(at).map(Here::Value),
            Self::Table(_) => None,
        }
    }

    fn span(&self) -> Option<Range<usize>> {
        match self {
            Self::Item(item) => item.span(),
            Self::Value(value) => value.span(),
            Self::Table(table) => table.span(),
        }
    }
}

/// Where a part of a plugin's configuration stands in the manifest's text, by its JSON pointer: the part itself, or the nearest around
/// it that's there, and the plugin's name where that's the whole.
pub fn config_place(text: &str, name: &PluginName, pointer: &str) -> Option<Range<usize>> {
    let document = toml_edit::Document::parse(text).ok()?;
    let (key, table) = document.get("config")?.as_table_like()?.get_key_value(name.as_str())?;
    let (mut here, mut span) = (Here::Item(table), key.span());
    for part in pointer::parts(pointer) {
        let Some(next) = here.step(&part) else { break };
        here = next;
        span = here.span().or(span);
    }
    span
}

impl PluginConfig {
    /// Where it takes values from variables, as JSON pointers.
    pub fn env_places(&self) -> BTreeSet<String> {
        let mut places = BTreeSet::new();
        self.value.collect_places("", &mut places);
        places
    }

    /// The environment variables that it takes values from.
    pub fn env_names(&self) -> BTreeSet<EnvName> {
        let mut names = BTreeSet::new();
        self.value.collect_env(&mut names);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_in_every_way_to_write_a_table() {
        let text = "[config.a]\nkey = 1\nlist = [1, { x = 2 }]\nb.c = 'd'\n[config.a.\"e/f\"]\ng = 5\n[[config.a.h]]\ni = 7\n";
        let at = |pointer: &str| config_place(text, &"a".parse().unwrap(), pointer).map(|span| &text[span]);
        assert_eq!(at("/key"), Some("1"));
        assert_eq!(at("/list/1/x"), Some("2"));
        assert_eq!(at("/b/c"), Some("'d'"));
        assert_eq!(at("/e~1f/g"), Some("5"));
        assert_eq!(at("/h/0/i"), Some("7"));
        assert_eq!(at("/h/0/missing"), Some("[[config.a.h]]"));
        assert_eq!(at("/h/1/i"), Some("[[config.a.h]]"));
        assert_eq!(at("/list/1/missing"), Some("{ x = 2 }"), "the nearest around it");
        assert_eq!(at(""), Some("a"));
        assert_eq!(at("/missing"), Some("a"));
        assert_eq!(config_place(text, &"b".parse().unwrap(), "/key"), None);
        assert_eq!(config_place("not toml [", &"a".parse().unwrap(), "/key"), None);
    }
}
