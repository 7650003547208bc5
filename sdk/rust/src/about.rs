//! What's in `plugin.yaml`, said once, in the code.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use schemars::Schema;
use serde::Serialize;
use serde_json::Value;

use crate::plugin::{Config as _, Plugin};

/// What a plugin answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginType {
    /// [`Auth`](crate::Auth).
    Auth,
    /// [`Template`](crate::Template).
    Template,
    /// [`Response`](crate::Response).
    Response,
    /// [`Datasource`](crate::Datasource).
    Datasource,
}

/// The types that a plugin was exported with; [`export_plugin!`](crate::export_plugin) says them.
pub trait Exported: Plugin {
    /// Each once.
    const TYPES: &'static [PluginType];
}

/// What a plugin is called and what it asks for. Made by [`plugin_config!`](crate::plugin_config), which takes from
/// `Cargo.toml` what stands there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct About {
    /// The plugin's name: `[a-z][a-z0-9-]*`. `Cargo.toml`'s.
    pub id: String,
    /// `Cargo.toml`'s.
    pub version: String,
    /// For people; the id if it's empty.
    pub name: String,
    /// `Cargo.toml`'s.
    pub description: String,
    /// An SPDX expression. `Cargo.toml`'s.
    pub license: String,
    /// `Name <mail>`; the first of `Cargo.toml`'s.
    pub author: String,
    /// `Cargo.toml`'s.
    pub homepage: String,
    /// `Cargo.toml`'s.
    pub repository: String,
    /// For searches.
    pub keywords: Vec<String>,
    /// The hosts of MockForge that it works with, as in `>=0.3, <2`; empty for all.
    pub mockforge: String,
    /// Files that belong to the package beside the wasm, `plugin.yaml` and README, as patterns: `assets/**`.
    pub include: Vec<String>,
    /// The wasm's file name; that of the crate if it's empty.
    pub entry: String,
    /// Hosts that it sends requests to: `api.example.com`, `*.example.com:8443`, `http://localhost:9000`.
    pub http: Vec<String>,
    /// Variables that it reads.
    pub env: Vec<String>,
    /// Folders and files of the project that it reads or writes.
    pub files: Vec<String>,
    /// What it does with them.
    pub file_access: FileAccess,
    /// The memory that it needs, in bytes, if the sandbox's default (64 MiB) isn't enough.
    pub memory: Option<u64>,
    /// The time that a call needs, in milliseconds, if the sandbox's default isn't enough.
    pub time_ms: Option<u64>,
    /// Plugins that it calls.
    pub dependencies: Vec<Dependency>,
}

/// A plugin that another one calls. A pair of its name and a requirement is one that's needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub id: String,
    /// Which versions will do: `^0.3`.
    pub requirement: String,
    /// Isn't installed for this plugin's sake, but called where the project has it.
    pub optional: bool,
}

impl Dependency {
    /// It's needed: who has this plugin has that one too.
    pub fn needed(id: impl Into<String>, requirement: impl Into<String>) -> Self {
        Self { id: id.into(), requirement: requirement.into(), optional: false }
    }

    /// It's called where the project has it; where it hasn't, [`Host::call`](crate::Host::call) is an error.
    pub fn optional(id: impl Into<String>, requirement: impl Into<String>) -> Self {
        Self { optional: true, ..Self::needed(id, requirement) }
    }
}

impl From<(&str, &str)> for Dependency {
    fn from((id, requirement): (&str, &str)) -> Self {
        Self::needed(id, requirement)
    }
}

/// What a plugin does with the files that it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileAccess {
    /// It reads them.
    #[default]
    Read,
    /// It reads and writes them. (WASI can't say that something may only be written.)
    ReadWrite,
}

/// Say what a plugin is called and what it asks for, for [`Plugin::about`]. Keys are the fields of [`About`]; what isn't
/// said comes from `Cargo.toml`, or is nothing. A key may have a `#[cfg(…)]`, where one crate makes two plugins.
///
/// ```
/// use mockforge_plugin_sdk::{Dependency, plugin_config};
///
/// let about = plugin_config! {
///     name: "JWT authentication",
///     http: ["auth.example.com"],
///     memory: 128 << 20,
///     dependencies: [("jwks-core", "^0.3")],
///     #[cfg(feature = "no-such-feature")]
///     id: "auth-other",
/// };
/// assert_eq!(about.id, env!("CARGO_PKG_NAME"));
/// assert_eq!(about.dependencies, [Dependency::needed("jwks-core", "^0.3")]);
///
/// let about = plugin_config! { dependencies: [Dependency::needed("a", "^1"), Dependency::optional("b", "^2")] };
/// assert!(about.dependencies[1].optional);
/// ```
#[macro_export]
macro_rules! plugin_config {
    ($($(#[$attribute:meta])* $key:ident : $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut about = $crate::About::of_cargo(
            ::core::env!("CARGO_PKG_NAME"),
            ::core::env!("CARGO_PKG_VERSION"),
            ::core::env!("CARGO_PKG_DESCRIPTION"),
            ::core::env!("CARGO_PKG_LICENSE"),
            ::core::env!("CARGO_PKG_AUTHORS"),
            ::core::env!("CARGO_PKG_HOMEPAGE"),
            ::core::env!("CARGO_PKG_REPOSITORY"),
        );
        $($(#[$attribute])* {
            about.$key = $crate::__private::Field::into_field($value);
        })*
        about
    }};
}

/// What [`plugin_config!`](crate::plugin_config) takes for a field.
#[doc(hidden)]
pub trait Field<T> {
    fn into_field(self) -> T;
}

impl Field<String> for &str {
    fn into_field(self) -> String {
        self.to_owned()
    }
}

impl<const N: usize> Field<Vec<String>> for [&str; N] {
    fn into_field(self) -> Vec<String> {
        self.map(ToOwned::to_owned).into()
    }
}

impl<const N: usize, D: Into<Dependency>> Field<Vec<Dependency>> for [D; N] {
    fn into_field(self) -> Vec<Dependency> {
        self.map(Into::into).into()
    }
}

impl Field<Option<u64>> for u64 {
    fn into_field(self) -> Option<u64> {
        Some(self)
    }
}

impl Field<FileAccess> for FileAccess {
    fn into_field(self) -> FileAccess {
        self
    }
}

impl About {
    /// What `Cargo.toml` says. The id is the crate's name, in which `_` is `-`.
    #[doc(hidden)]
    pub fn of_cargo(id: &str, version: &str, description: &str, license: &str, authors: &str, homepage: &str, repository: &str) -> Self {
        Self {
            id: id.replace('_', "-"),
            version: version.to_owned(),
            description: description.to_owned(),
            license: license.to_owned(),
            author: authors.split(':').next().unwrap_or_default().to_owned(),
            homepage: homepage.to_owned(),
            repository: repository.to_owned(),
            ..Self::default()
        }
    }
}

/// The text of `plugin.yaml` for a plugin that was exported. Written by the test that
/// [`export_plugin!`](crate::export_plugin) adds.
///
/// Strings are written as JSON has them, which is YAML too: nothing that stands in them can change what the file means.
pub fn plugin_yaml<P: Exported>() -> String {
    yaml(&P::about(), P::TYPES, P::Config::schema().as_ref())
}

fn yaml(about: &About, types: &[PluginType], schema: Option<&Schema>) -> String {
    let mut file = File::default();
    file.text.push_str("# Made from the code by `cargo test`; don't edit it.\nmfp: 1\nplugin:\n");
    file.line("  id", &about.id);
    file.line("  version", &about.version);
    file.line("  name", if about.name.is_empty() { &about.id } else { &about.name });
    file.some("  description", &about.description);
    file.line("  types", &types);
    file.some("  entry", &about.entry);
    file.list("  include", &about.include);
    file.some("  license", &about.license);
    file.author(&about.author);
    file.some("  homepage", &about.homepage);
    file.some("  repository", &about.repository);
    file.list("  keywords", &about.keywords);
    file.some("mockforge", &about.mockforge);
    file.capabilities(about);
    file.dependencies(&about.dependencies);
    if let Some(schema) = schema {
        file.text.push_str("configuration:\n");
        file.value("  schema", schema.as_value(), 1);
    }
    file.text
}

/// A YAML file in the making.
#[derive(Default)]
struct File {
    text: String,
}

impl File {
    fn line(&mut self, key: &str, value: &(impl Serialize + ?Sized)) {
        let value = match serde_json::to_value(value) {
            Ok(Value::Array(items)) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                alloc::format!("[{}]", items.join(", "))
            }
            Ok(value) => value.to_string(),
            Err(_) => return,
        };
        self.push(format_args!("{key}: {value}\n"));
    }

    fn some(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.line(key, text);
        }
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.line(key, values);
        }
    }

    fn push(&mut self, words: fmt::Arguments<'_>) {
        fmt::Write::write_fmt(&mut self.text, words).unwrap_or_default();
    }

    fn author(&mut self, author: &str) {
        let (name, mail) = match author.split_once('<') {
            Some((name, mail)) => (name.trim(), mail.trim_end().trim_end_matches('>')),
            None => (author.trim(), ""),
        };
        if !name.is_empty() {
            self.text.push_str("  author:\n");
            self.line("    name", name);
            self.some("    email", mail);
        }
    }

    fn capabilities(&mut self, about: &About) {
        let About { http, env, files, file_access, memory, time_ms, .. } = about;
        if http.is_empty() && env.is_empty() && files.is_empty() && memory.is_none() && time_ms.is_none() {
            return;
        }
        self.text.push_str("capabilities:\n");
        if !http.is_empty() {
            self.text.push_str("  network:\n");
            self.line("    allow_http_outbound", &true);
            self.list("    allowed_hosts", http);
        }
        if !files.is_empty() {
            self.text.push_str("  filesystem:\n");
            self.line("    allow_read", &true);
            self.line("    allow_write", &(*file_access == FileAccess::ReadWrite));
            self.list("    allowed_paths", files);
        }
        self.list("  environment", env);
        if memory.is_some() || time_ms.is_some() {
            self.text.push_str("  resources:\n");
            for (key, number) in [("    max_memory_bytes", memory), ("    max_cpu_time_ms", time_ms)] {
                if let Some(number) = number {
                    self.line(key, number);
                }
            }
        }
    }

    fn dependencies(&mut self, dependencies: &[Dependency]) {
        if !dependencies.is_empty() {
            self.text.push_str("dependencies:\n");
        }
        for Dependency { id, requirement, optional } in dependencies {
            let [id, requirement] = [id, requirement].map(|text| serde_json::to_string(text).unwrap_or_default());
            let optional = if *optional { ", optional: true" } else { "" };
            self.push(format_args!("  - {{ id: {id}, version: {requirement}{optional} }}\n"));
        }
    }

    /// A value in block style, as deep as this, so that a schema is readable and its changes are lines.
    fn value(&mut self, key: &str, value: &Value, depth: usize) {
        let Value::Object(object) = value else { return self.line(key, value) };
        if object.is_empty() {
            return self.line(key, value);
        }
        self.push(format_args!("{key}:\n"));
        for (name, value) in object {
            let name = serde_json::to_string(name).unwrap_or_default();
            let key = alloc::format!("{:1$}{name}", "", (depth + 1) * 2);
            self.value(&key, value, depth + 1);
        }
    }
}
