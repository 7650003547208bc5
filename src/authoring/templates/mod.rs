//! What does a new plugin begin as? The files of a folder, made of templates that are part of this program.
//!
//! `templates/README.md` says how they're laid out. Values that a person gave can't change what a file means: they're single
//! lines without control characters ([`Line`]), and a template writes them by the filter of what the file is. Nothing is read
//! from the disk or fetched, so that a new plugin is the same on every machine and without a network.

mod embedded;
mod line;
mod render;

use std::collections::BTreeMap;

use clap::ValueEnum;
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginType;
use serde::Serialize;

pub(crate) use self::line::{Author, Line, LineError};
use super::language::Language;
use crate::cli::values::value_name;

/// The files of a folder: path with `/`, and content.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// What a new plugin answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Decides who a request is from
    Auth,
    /// Gives functions to templates
    Template,
    /// Makes whole responses
    Response,
    /// Answers queries with rows
    Datasource,
    /// All four in one
    Full,
}

impl Kind {
    /// The types of its manifest.
    pub(crate) fn types(self) -> &'static [PluginType] {
        use PluginType::{Auth, Datasource, Response, Template};
        match self {
            Self::Auth => &[Auth],
            Self::Template => &[Template],
            Self::Response => &[Response],
            Self::Datasource => &[Datasource],
            Self::Full => &[Auth, Template, Response, Datasource],
        }
    }

    /// What a plugin of this kind does as long as nobody says otherwise.
    fn description(self) -> &'static str {
        match self {
            Self::Auth => "Knows the tokens of a list, and who they belong to",
            Self::Template => "Greets people in templates",
            Self::Response => "Answers requests with a message",
            Self::Datasource => "A list of things, to look one up",
            Self::Full => "Knows tokens, greets people, answers requests and looks things up",
        }
    }
}

/// Words that no plugin can be called, since the language has them for something else.
fn reserved(language: Language) -> &'static str {
    match language {
        Language::Rust => RUST_WORDS,
        Language::AssemblyScript => "assemblyscript node-modules",
        Language::Js => "node-modules",
        // The plugin's name is that of none of their modules.
        Language::Python | Language::RemotePython | Language::C | Language::Zig => "",
    }
}

/// What `cargo new` refuses and a plugin could be called, and the crates of the template.
const RUST_WORDS: &str = "abstract alloc as async await become box break const continue core crate do dyn else enum extern false final fn for \
    gen if impl in let loop macro match mod move mut override priv proc-macro pub ref return self static std struct super \
    test trait true try type typeof unsafe unsized use virtual where while yield build deps examples incremental \
    mockforge-plugin-sdk schemars serde";

/// A plugin that's about to be.
#[derive(Debug)]
pub(crate) struct NewPlugin {
    pub(crate) name: PluginName,
    pub(crate) kind: Kind,
    pub(crate) language: Language,
    /// What it does; that of the kind if nobody said.
    pub(crate) description: Option<Line>,
    pub(crate) author: Option<Author>,
    /// An SPDX expression.
    pub(crate) license: String,
    /// The licences that it's made of.
    pub(crate) licenses: Vec<String>,
    /// For the copyright line.
    pub(crate) year: i16,
    /// Where the SDK is; absent if a copy of it belongs to the plugin.
    pub(crate) sdk: Option<Line>,
}

impl NewPlugin {
    /// Can a plugin have this name in its language?
    pub(crate) fn is_reserved(&self) -> bool {
        reserved(self.language).split_whitespace().any(|word| word == self.name.as_str())
    }

    /// Everything that's in its folder, the copy of the SDK too.
    pub(crate) fn files(&self) -> Files {
        let mut files = render::files(&self.language_name(), &value_name(&self.kind), &self.values());
        files.extend(self.license_files());
        if let (Some(package), None) = (self.language.sdk(), &self.sdk) {
            files.extend(package.files().into_iter().map(|(path, bytes)| (format!("sdk/{path}"), bytes)));
        }
        files
    }

    /// The licences whose text isn't part of this program: the author has to add it.
    pub(crate) fn licenses_without_text(&self) -> Vec<&str> {
        self.licenses.iter().map(String::as_str).filter(|id| !embedded::has_license(id)).collect()
    }

    fn language_name(&self) -> String {
        value_name(&self.language)
    }

    /// `LICENSE`, or one a licence: `LICENSE-MIT`.
    fn license_files(&self) -> Files {
        let known: Vec<&String> = self.licenses.iter().filter(|id| embedded::has_license(id)).collect();
        let name = |id: &str| if known.len() == 1 { "LICENSE".to_owned() } else { format!("LICENSE-{}", short(id)) };
        known.iter().map(|id| (name(id), render::license(id, &self.values()).into_bytes())).collect()
    }

    fn values(&self) -> Values<'_> {
        let author = self.author.as_ref();
        Values {
            name: self.name.as_str(),
            ident: self.name.as_str().replace('-', "_"),
            title: title(self.name.as_str()),
            description: self.description.as_ref().map_or_else(|| self.kind.description(), Line::as_str),
            author: author.map(Author::to_string).unwrap_or_default(),
            author_name: author.map(|author| author.name.as_str()).unwrap_or_default(),
            author_email: author.and_then(|author| author.email.as_ref()).map(Line::as_str).unwrap_or_default(),
            license: &self.license,
            licenses: &self.licenses,
            year: self.year,
            kind: value_name(&self.kind),
            types: self.kind.types().iter().map(|ty| ty.as_str()).collect(),
            lang: self.language_name(),
            lang_title: self.language.to_string(),
            sdk: self.sdk.as_ref().map(Line::as_str),
            mfp: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// What templates can name.
#[derive(Debug, Serialize)]
struct Values<'a> {
    /// `template-greet`
    name: &'a str,
    /// `template_greet`: what the wasm and most languages call it
    ident: String,
    /// `Template greet`
    title: String,
    description: &'a str,
    /// `Ada <ada@example.org>`, or nothing
    author: String,
    author_name: &'a str,
    author_email: &'a str,
    license: &'a str,
    licenses: &'a [String],
    year: i16,
    /// `auth`, … `full`
    kind: String,
    /// The types: one, or for `full` all four
    types: Vec<&'a str>,
    lang: String,
    lang_title: String,
    /// Where the SDK is, unless it's copied to `sdk/`
    sdk: Option<&'a str>,
    /// The version of mfp
    mfp: &'a str,
}

fn title(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut characters = words.chars();
    characters.next().map(|first| first.to_ascii_uppercase().to_string() + characters.as_str()).unwrap_or_default()
}

/// How a licence's file is called by custom.
fn short(id: &str) -> String {
    match id {
        "Apache-2.0" => "APACHE".to_owned(),
        id => id.to_ascii_uppercase(),
    }
}
