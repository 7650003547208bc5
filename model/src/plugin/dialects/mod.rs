//! Which dialect is this, and how is it read? mfp's own, and three that MockForge's ecosystem writes.
//!
//! MockForge's documentation, examples, tools and registry write nine forms of `plugin.yaml` that contradict one another.
//! They are told apart by their keys at the top. Three of them are read wherever a plugin is (nested, flat, scaffold); the
//! others are recognised, refused by name, and read only where an author has his manifest written anew. What had to be
//! assumed to read one is in the manifest's warnings.
//!
//! | dialect | told by | requirement without an operator | unknown keys |
//! |---|---|---|---|
//! | [`Dialect::Mfp`] | `mfp: 1` | caret, as in Cargo | an error |
//! | [`Dialect::Nested`] | `plugin:` | exact, as MockForge's own library has it | a warning |
//! | [`Dialect::Flat`] | `id` and `types` | exact | a warning |
//! | [`Dialect::Scaffold`] | `plugin_type` | exact | a warning |
//!
//! Below `capabilities` an unknown key is an error in all of them: what isn't understood can't be approved. Where a manifest is
//! written anew, what isn't understood isn't asked for.
//!
//! Reading goes on after a mistake, so that an author hears of all of them at once. No manifest comes of a text with one.

mod capabilities;
mod fields;
mod found;
mod json;
mod loose;
mod mfp;
mod mockforge;
mod parts;

use std::collections::BTreeSet;
use std::fmt;

use self::fields::{Fields, Reader};
pub(super) use self::parts::completed;
use super::yaml::Node;
use super::{PluginManifest, PluginManifestError, PluginType};
use crate::name::PluginName;

/// A dialect of `plugin.yaml` that is read wherever a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// mfp's own, marked by `mfp: 1`.
    Mfp,
    /// MockForge's nested one: everything about the plugin under `plugin:`.
    Nested,
    /// MockForge's flat one: `id` and `types` at the top.
    Flat,
    /// What MockForge's command writes for a new plugin: `plugin_type` at the top.
    Scaffold,
}

impl fmt::Display for Dialect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Mfp => "mfp",
            Self::Nested => "MockForge, nested",
            Self::Flat => "MockForge, flat",
            Self::Scaffold => "MockForge, scaffold",
        })
    }
}

/// A form of `plugin.yaml` that's recognised, read wherever a plugin is or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// One that's read.
    Read(Dialect),
    /// What MockForge's loader parses: `info:` at the top.
    Info,
    /// What its library parses: `manifest_version` at the top.
    Library,
    /// What its registry parses: `name` and `category` at the top.
    Registry,
    /// What its book shows: `name` and `type` at the top.
    Book,
    /// What its tutorial shows: `id` and `type` at the top.
    Tutorial,
}

impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Read(Dialect::Mfp) => "mfp's own (`mfp: 1`)",
            Self::Read(Dialect::Nested) => "MockForge's nested one (`plugin:` at the top)",
            Self::Read(Dialect::Flat) => "MockForge's flat one (`id` and `types` at the top)",
            Self::Read(Dialect::Scaffold) => "the one of MockForge's command (`plugin_type` at the top)",
            Self::Info => "the one of MockForge's loader (`info:` at the top)",
            Self::Library => "the one of MockForge's library (`manifest_version` at the top)",
            Self::Registry => "the one of MockForge's registry (`name` and `category` at the top)",
            Self::Book => "the one of MockForge's book (`name` and `type` at the top)",
            Self::Tutorial => "the one of MockForge's tutorials (`id` and `type` at the top)",
        })
    }
}

/// What an author says beside the text when it's written anew, for what the text doesn't say or can't.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The plugin's id, in place of what the text has.
    pub id: Option<PluginName>,
    /// Its types, in place of what the text has; empty if the text is to say.
    pub types: BTreeSet<PluginType>,
}

pub(super) type Read<T, E = PluginManifestError> = Result<T, E>;

/// Read a document in whatever dialect it is: the manifest, or every mistake in it.
pub(super) fn parse(root: &Node) -> Read<PluginManifest, Vec<PluginManifestError>> {
    let root = Fields::of(root, "the manifest").map_err(|error| vec![error])?;
    match detect(&root).map_err(|error| vec![error])? {
        Form::Read(Dialect::Mfp) => mfp::read(root, Reader::new(Dialect::Mfp)),
        Form::Read(Dialect::Nested) => mockforge::nested(root, Reader::new(Dialect::Nested)),
        Form::Read(Dialect::Flat) => mockforge::flat(root, Reader::new(Dialect::Flat)),
        Form::Read(Dialect::Scaffold) => mockforge::scaffold(root, Reader::new(Dialect::Scaffold)),
        form => Err(vec![unread(&root, form)]),
    }
}

/// Read a document of another dialect than mfp's as it would be in mfp's. What had to be assumed is in the manifest's warnings.
pub(super) fn anew(root: &Node, form: Form, given: &Given) -> Read<PluginManifest, Vec<PluginManifestError>> {
    let root = Fields::of(root, "the manifest").map_err(|error| vec![error])?;
    let reader = Reader::rewriting(given.clone());
    match form {
        Form::Read(Dialect::Mfp) => mfp::read(root, Reader::new(Dialect::Mfp)),
        Form::Read(Dialect::Nested) => mockforge::nested(root, reader),
        Form::Read(Dialect::Flat) => mockforge::flat(root, reader),
        Form::Read(Dialect::Scaffold) => mockforge::scaffold(root, reader),
        Form::Info => loose::info(root, reader),
        Form::Library => loose::library(root, reader),
        Form::Registry => loose::registry(root, reader),
        Form::Book => loose::book(root, reader),
        Form::Tutorial => loose::tutorial(root, reader),
    }
}

/// Which form a document is in.
pub(super) fn form_of(root: &Node) -> Read<Form> {
    detect(&Fields::of(root, "the manifest")?)
}

/// The keys at the top that tell a form, in the order of asking.
const TOLD_BY: [(&[&str], Form); 10] = [
    (&["mfp"], Form::Read(Dialect::Mfp)),
    (&["info"], Form::Info),
    (&["manifest_version"], Form::Library),
    (&["plugin"], Form::Read(Dialect::Nested)),
    (&["plugin_type"], Form::Read(Dialect::Scaffold)),
    (&["id", "types"], Form::Read(Dialect::Flat)),
    (&["id", "type"], Form::Tutorial),
    (&["name", "type"], Form::Book),
    (&["name", "category"], Form::Registry),
    (&["name", "tags"], Form::Registry),
];

fn detect(root: &Fields<'_>) -> Read<Form> {
    let form = TOLD_BY.iter().find(|(keys, _)| keys.iter().all(|key| root.has(key))).map(|(_, form)| *form);
    form.ok_or_else(|| {
        PluginManifestError::invalid("this isn't a plugin's manifest in any form that mfp knows", None)
            .with_help("a manifest starts with `mfp: 1` and has `plugin:` with `id`, `version` and `types`")
    })
}

fn unread(root: &Fields<'_>, form: Form) -> PluginManifestError {
    let key = TOLD_BY.iter().find(|(keys, other)| *other == form && keys.iter().all(|key| root.has(key))).map_or("", |(keys, _)| keys[0]);
    PluginManifestError::unsupported(
        format!("this manifest is written in a form that's only read to be written anew: {form}"),
        root.key_span(key),
    )
    .with_help("its author writes it anew with `mfp validate --fix`")
}
