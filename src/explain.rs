//! The libraries' errors in a person's words: one function a kind, each giving the one [`Error`] shape.
//!
//! Codes come from the libraries (they're part of their contract), exit codes from the catalogue; what's added here is
//! which file it was, the place in it, and what to type next.

use std::io::ErrorKind;
use std::path::Path;

use mfp_loader::LockedError;
use mfp_model::content::MANIFEST_FILE;
use mfp_model::index::IndexError;
use mfp_model::lock::{Lock, LockError, Unapproved};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::plugin::{BareWasmError, EntryError, MetadataMismatch, PluginManifestError, WasmError};
use mfp_model::project::{ApprovalsFrom, Manifest, ManifestErrors};
use mfp_model::registry_files::RegistryFileError;
use mfp_model::text::nearest;
use mfp_resolver::{Exclusion, Unresolved, Wanted};
use mfp_store::StoreError;

use crate::advisories;
use crate::approvals::words;
use crate::error::{Error, Excerpt, Exit, Result};
use crate::policy;
use crate::project::{LOCK, MANIFEST};
use crate::report::clean;

/// A file or folder that can't be read or written.
pub(crate) fn io(action: &str, path: &Path, error: &std::io::Error) -> Error {
    let help = match error.kind() {
        ErrorKind::PermissionDenied => "check its owner and permissions",
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on the disk: `mfp cache prune`",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; use other folders: `--store-dir`, `--cache-dir`",
        _ => "look at the path; the rest is the operating system's word",
    };
    Error::new("mfp::io::failed", format!("can't {action} {}: {error}", path.display())).help(help)
}

/// What to do where a service wants credentials, or others.
pub(crate) fn credentials_for(endpoint: &str) -> String {
    let origin = url::Url::parse(endpoint).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    format!(
        "log in: `mfp login {origin}`, or give a token in MFP_CREDENTIALS; for X-API-Key, put into your configuration: `[credentials.\"{origin}\"] api-key-env = \"…\"`"
    )
}

/// An error of the store, the layout, a file lock or an atomic write.
pub(crate) fn store(error: impl Into<StoreError>) -> Error {
    let error = error.into();
    let shown = Error::new(error.code(), error.to_string());
    match error.help() {
        Some(help) => shown.help(help),
        None if error.exit_code() == 4 => shown.help("nothing was kept; if it stays like this, tell the plugin's publisher"),
        None => shown.help("`mfp doctor` looks for what could be wrong with this machine"),
    }
}

/// The manifest has mistakes: the first with its place, the others as a list.
pub(crate) fn manifest(text: &str, errors: &ManifestErrors) -> Error {
    let first = errors.first();
    let excerpt = Excerpt { file: MANIFEST.to_owned(), text: text.to_owned(), span: first.span(), label: first.message().to_owned() };
    let head = match errors.iter().len() {
        1 => format!("{MANIFEST} has a mistake"),
        count => format!("{MANIFEST} has {count} mistakes"),
    };
    let others = errors.iter().skip(1).map(|error| error.with_position(text));
    let help = first.help().map_or_else(|| "`mfp schema manifest --example` shows what the file can hold".to_owned(), str::to_owned);
    Error::new(errors.code(), head).points(others).excerpt(excerpt).help(help)
}

/// The lock can't be read.
pub(crate) fn lock(text: &str, error: &LockError) -> Error {
    let excerpt = Excerpt { file: LOCK.to_owned(), text: text.to_owned(), span: error.span.clone(), label: error.message.clone() };
    Error::new(error.code(), format!("{LOCK} can't be read")).excerpt(excerpt).help_or(error.help.clone())
}

/// There's no resolution.
pub(crate) fn unresolved(manifest: &Manifest, text: &str, unresolved: &Unresolved, near: &[String]) -> Error {
    let error = Error::new(unresolved.code(), message(unresolved, near)).help_or(unresolved.help());
    let error = match unresolved.details() {
        Some(details) if !matches!(unresolved, Unresolved::NotFound(missing) if missing.chain.links.is_empty()) => error.note(details),
        _ => error,
    };
    let excerpt =
        rule_excerpt(manifest, text, unresolved).or_else(|| wanted(unresolved).and_then(|wanted| excerpt(manifest, text, wanted)));
    let error = match excerpt {
        Some(excerpt) => error.excerpt(excerpt),
        None => error,
    };
    match unresolved {
        Unresolved::Conflict(conflict) if conflict.only_policy => error.detail("proof", conflict.proof.as_str()).exit_with(Exit::Denied),
        Unresolved::Conflict(conflict) => error.detail("proof", conflict.proof.as_str()),
        Unresolved::NotFound(missing) => {
            error.detail("plugin", missing.key.name.as_str()).detail("nearest", near.to_vec()).help_or(Some(not_found_help(near)))
        }
        Unresolved::Cancelled => {
            error.help("the search took longer than 20 s; narrow the requirements, or add [overrides] for the plugins that are in the way")
        }
        _ => error,
    }
}

fn message(unresolved: &Unresolved, near: &[String]) -> String {
    match (unresolved, near) {
        (Unresolved::NotFound(_), [first, ..]) => format!("{}. Did you mean {first}?", capital(&unresolved.to_string())),
        (Unresolved::NotFound(_), []) => capital(&unresolved.to_string()),
        (Unresolved::Conflict(conflict), _) => match conflict.roots.as_slice() {
            [only] => format!("{only} can't be had"),
            _ => unresolved.to_string(),
        },
        _ => unresolved.to_string(),
    }
}

fn capital(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn not_found_help(near: &[String]) -> String {
    match near {
        [] => "`mfp search TEXT` looks through the registry".to_owned(),
        [only] => format!("`mfp add {only}`"),
        [first, rest @ ..] => format!("`mfp add {first}`, or one of: {}", rest.join(", ")),
    }
}

/// The project's line that a failure begins with.
fn wanted(unresolved: &Unresolved) -> Option<&Wanted> {
    match unresolved {
        Unresolved::Conflict(conflict) => conflict.roots.first(),
        Unresolved::NotFound(it) => Some(&it.chain.root),
        Unresolved::TwoSources(it) => Some(&it.first.1.root),
        Unresolved::AliasTaken(it) => Some(&it.alias),
        Unresolved::Cycle(it) => Some(&it.chain.root),
        Unresolved::NoRegistry { requirer, .. } => Some(requirer),
        _ => None,
    }
}

/// The line of the policy, where only that stands in the way: what's wanted stands in the sentences anyway.
fn rule_excerpt(manifest: &Manifest, text: &str, unresolved: &Unresolved) -> Option<Excerpt> {
    let Unresolved::Conflict(conflict) = unresolved else { return None };
    let setting = conflict.hints.iter().flat_map(|hint| &hint.excluded).find_map(Exclusion::setting).filter(|_| conflict.only_policy)?;
    let span = manifest.place(&format!("policy.{setting}"))?;
    Some(Excerpt { file: MANIFEST.to_owned(), text: text.to_owned(), span, label: policy::label_of(setting).to_owned() })
}

fn excerpt(manifest: &Manifest, text: &str, wanted: &Wanted) -> Option<Excerpt> {
    let entry = manifest.plugins.get(&wanted.entry)?;
    Some(Excerpt {
        file: MANIFEST.to_owned(),
        text: text.to_owned(),
        span: entry.span.clone(),
        label: format!("your project wants {wanted}"),
    })
}

/// A plugin's `plugin.yaml` isn't one.
pub(crate) fn plugin_manifest(file: &str, text: &[u8], error: &PluginManifestError) -> Error {
    let shown = of_a_plugin(error.code(), format!("{} can't be read as a plugin's manifest", clean(file)));
    let shown = match (&error.span, std::str::from_utf8(text)) {
        (Some(span), Ok(text)) => {
            shown.excerpt(Excerpt { file: file.to_owned(), text: text.to_owned(), span: span.clone(), label: error.message.clone() })
        }
        _ => shown.note(error.message.clone()),
    };
    shown.help(
        error
            .help
            .clone()
            .unwrap_or_else(|| "`mfp schema plugin --example` shows what the file can hold; tell the plugin's publisher".to_owned()),
    )
}

/// An error in what a plugin's publisher wrote, not in a file of the project.
fn of_a_plugin(code: &'static str, message: String) -> Error {
    let error = Error::new(code, message);
    if code == "mfp::manifest::invalid" { error.exit_with(Exit::Integrity) } else { error }
}

/// A bare module isn't a plugin.
pub(crate) fn bare_wasm(name: &PluginName, error: &BareWasmError) -> Error {
    let help = match error {
        BareWasmError::Wasm(_) => "nothing was kept; a plugin is a WebAssembly module, or a package with one in it",
        BareWasmError::Manifest(_) => {
            "a bare .wasm has its plugin.yaml in the custom section `mockforge:plugin`, or its type in the manifest: `{ path = \"…\", types = [\"template\"] }`"
        }
    };
    Error::new(error.code(), format!("{name}: {error}")).help(help)
}

/// A package without the module it should have, or with two manifests.
pub(crate) fn entry(name: &PluginName, error: &EntryError) -> Error {
    of_a_plugin(error.code(), format!("{name}: {error}")).help("nothing was kept; tell the plugin's publisher")
}

/// A locked plugin that can't be handed to the loader.
pub(crate) fn locked(error: LockedError) -> Error {
    match error {
        LockedError::Store { source, .. } => store(source),
        LockedError::Manifest { plugin, text, error } => plugin_manifest(&format!("{plugin}/{MANIFEST_FILE}"), &text, &error),
        LockedError::Bare { plugin, error } => bare_wasm(&plugin, &error),
        LockedError::Entry { plugin, error } => entry(&plugin, &error),
        LockedError::Signature { .. } => Error::new(error.code(), error.to_string()).with_remedy(),
        LockedError::Metadata { plugin, mismatch } => metadata(&plugin, &mismatch)
            .help("nothing ran; take plugins.lock from version control again, or make its entry anew: `mfp lock --rebuild`"),
        LockedError::Variable { ref variable, .. } => {
            Error::new(error.code(), error.to_string()).help(format!("set it: `export {variable}=…`"))
        }
        LockedError::Endpoint { ref variable, .. } => {
            Error::new(error.code(), error.to_string()).help(format!("set it to the service's URL: `export {variable}=https://…`"))
        }
        LockedError::PlainHttp { .. } => Error::new(error.code(), error.to_string())
            .help("use https, or write `allow-http = true` into its entry if everything in between can be trusted"),
        LockedError::Unapproved(unapproved) => approval_error(&unapproved),
        LockedError::Policy(violations) => policy::error(&violations, ""),
        LockedError::Advisories(denied) => advisories::denied_error(&denied),
        LockedError::Service(_) => Error::new(error.code(), error.to_string()).help("`mfp lock` makes the lock anew"),
    }
}

/// Plugins that ask for more than a person approved.
pub(crate) fn approval_error(unapproved: &[Unapproved]) -> Error {
    let points = unapproved.iter().map(|one| {
        let version = one.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        let approved = if one.approved.is_empty() { String::new() } else { format!("; approved is {}", words(&one.approved)) };
        let void = one.void.as_ref().map(|why| format!("; its approval is void: {why}")).unwrap_or_default();
        format!("{}{version} asks for {}{approved}{void}", one.name, words(&one.excess))
    });
    let names: Vec<&str> = unapproved.iter().map(|one| one.name.as_str()).collect();
    let is_users = unapproved.iter().any(|one| one.from == ApprovalsFrom::User);
    let whose = "approvals are taken from your own configuration (`policy.approvals-from`); the project's [approvals] count for nothing";
    let error = Error::new(
        "mfp::approval::missing",
        format!("{} for more than was approved", if names.len() == 1 { "a plugin asks" } else { "plugins ask" }),
    )
    .points(points)
    .help(format!("look at it and decide: `mfp approve {}`", names.join(" ")))
    .detail("plugins", names);
    if is_users { error.note(whose) } else { error }
}

/// A module that isn't WebAssembly.
pub(crate) fn wasm(name: &PluginName, error: &WasmError) -> Error {
    Error::new(error.code(), format!("{name}: {error}")).help("nothing was kept; tell the plugin's publisher")
}

/// A package says other things about itself than the lock.
pub(crate) fn metadata(name: &PluginName, mismatch: &MetadataMismatch) -> Error {
    let points = mismatch
        .differences
        .iter()
        .map(|one| format!("{}: {} in plugin.yaml, {} in {}", one.field, one.manifest, one.other, mismatch.source_name));
    Error::new(mismatch.code(), format!("{name}: what the package says about itself isn't what was promised")).points(points).help(
        if mismatch.source_name == LOCK {
            "take plugins.lock from version control again, or make it anew: `mfp lock --rebuild`"
        } else {
            "nothing was kept; tell whoever keeps the registry: the index line and plugin.yaml must be equal"
        },
    )
}

/// A line of an index document is malformed.
pub(crate) fn index(registry: &RegistryName, name: &PluginName, error: &IndexError) -> Error {
    Error::new("mfp::registry::malformed", format!("registry `{registry}`: the index of {name} can't be read: {error}"))
        .help("tell whoever keeps the registry")
}

/// Another of a registry's files is malformed.
pub(crate) fn registry_file(registry: &RegistryName, file: &str, why: &str) -> Error {
    Error::new("mfp::registry::malformed", format!("registry `{registry}`: {} can't be read: {why}", clean(file)))
        .help("tell whoever keeps the registry")
}

/// A registry's configuration is malformed, or of a newer kind.
pub(crate) fn registry_config(registry: &RegistryName, error: &RegistryFileError) -> Error {
    Error::new(error.code(), format!("registry `{registry}`: {error}"))
        .help("check the URL under [registries]; a newer registry needs a newer mfp")
}

/// An artifact that a `file:` registry should have.
pub(crate) fn artifact_file(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::new("mfp::registry::no-artifact", format!("the registry has no file {}", path.display()))
            .help("tell whoever keeps the registry"),
        _ => io("read", path, error),
    }
}

/// A result of the store as a result of a command.
pub(crate) trait Explained<T> {
    fn explained(self) -> Result<T>;
}

impl<T, E: Into<StoreError>> Explained<T> for std::result::Result<T, E> {
    fn explained(self) -> Result<T> {
        self.map_err(store)
    }
}

/// A name that neither the lock nor a registry knows.
pub(crate) fn unresolved_name(name: &PluginName, lock: Option<&Lock>) -> Error {
    let error = Error::new("mfp::resolve::not-found", format!("Plugin '{name}' is neither in the lock nor in a registry of this project."));
    let near = lock.and_then(|lock| nearest(name.as_str(), lock.plugins.keys().map(AsRef::as_ref)));
    match near {
        Some(near) => error.help(format!("did you mean {near}?")),
        None => error.help("`mfp search TEXT` looks through a registry"),
    }
}

/// A name that isn't in the lock, with its nearest.
pub(crate) fn not_locked(name: &PluginName, lock: &Lock) -> Error {
    let error = Error::new("mfp::lock::not-locked", format!("there's no plugin `{name}` in plugins.lock"));
    match nearest(name.as_str(), lock.plugins.keys().map(AsRef::as_ref)) {
        Some(near) => error.help(format!("did you mean {near}?")),
        None => error.help("`mfp list` shows what's locked"),
    }
}
