//! Where in the text does a part of the manifest stand? For who has something to say about one that was read.

use std::ops::Range;

use super::dialects::{self, Dialect, Form};
use super::yaml::{self, Node, Value};
use crate::pointer;

/// A manifest's text by its keys. It says nothing about whether they mean anything.
#[derive(Debug)]
pub struct Outline {
    root: Node,
}

impl Outline {
    /// Of a text that's YAML, whatever it says.
    pub fn of(text: &str) -> Option<Self> {
        yaml::parse(text).ok().map(|root| Self { root })
    }

    /// The form that it's written in.
    pub fn form(&self) -> Option<Form> {
        dialects::form_of(&self.root).ok()
    }

    /// The value of a key about the plugin itself (`license`, `version`), wherever the form has those.
    pub fn about(&self, key: &str) -> Option<Range<usize>> {
        match self.form()? {
            Form::Read(Dialect::Mfp | Dialect::Nested) | Form::Library => self.span(&["plugin", key]),
            Form::Info => self.span(&["info", key]),
            _ => self.span(&[key]),
        }
    }

    /// A place in the configuration's schema, by its JSON pointer; the nearest one above that there is.
    pub fn in_schema(&self, pointer: &str) -> Option<Range<usize>> {
        let base: &[&str] = match self.form()? {
            Form::Read(Dialect::Mfp | Dialect::Nested) => &["configuration", "schema"],
            _ => &["config_schema"],
        };
        let parts: Vec<String> = pointer::parts(pointer).collect();
        let mut path: Vec<&str> = base.iter().copied().chain(parts.iter().map(String::as_str)).collect();
        while path.len() > base.len() {
            if let Some(span) = self.span(&path) {
                return Some(span);
            }
            path.pop();
        }
        self.span(base)
    }

    /// The value at a path of keys, and of places in lists (`dependencies`, `0`, `version`).
    pub fn span(&self, path: &[&str]) -> Option<Range<usize>> {
        self.node(path).map(|node| node.span.clone())
    }

    pub(super) fn node(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(&self.root, |node, part| match &node.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.text == *part).map(|(_, node)| node),
            Value::List(items) => items.get(part.parse::<usize>().ok()?),
            Value::Scalar { .. } => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_by_its_keys_and_else_the_nearest_above() {
        let text = "mfp: 1\nplugin: { id: a, license: MIT }\ndependencies:\n  - { id: b, version: '1' }\nconfiguration:\n  schema: { properties: { a/b: { type: texxt } } }\n";
        let outline = Outline::of(text).unwrap();
        let at = |span: Option<Range<usize>>| text[span.unwrap()].to_owned();
        assert_eq!(at(outline.about("license")), "MIT");
        assert_eq!(at(outline.span(&["dependencies", "0", "version"])), "'1'");
        assert_eq!(at(outline.in_schema("/properties/a~1b/type")), "texxt");
        assert_eq!(at(outline.in_schema("/properties/a~1b/default")), "{ type: texxt }");
        assert_eq!(outline.span(&["dependencies", "1"]), None);
    }
}
