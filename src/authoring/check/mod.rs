//! Is this plugin what it should be? Everything that's wrong with it, at once, each with its place and what to do.
//!
//! For the author, before anybody else sees the plugin. The rules are those by which it'll be read, packaged and loaded, asked
//! of the same functions, so that what's fine here is fine there. Only looked at: nothing is built, run, fetched or written.

mod code;
mod files;
mod finding;
mod manifest;
mod project_file;
mod schema;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mfp_model::content::{MANIFEST_FILE, PackagePath};
use mfp_model::plugin::{Form, Given, Outline, PluginManifest, PluginManifestError, PluginType, find_entry, rewrite};

pub(crate) use self::finding::{Finding, Place, Severity};
use crate::authoring::OwnPlugin;
use crate::error::{Error, Exit, Result};
use crate::explain;
use crate::report::plural;
use crate::sources::declared::list_files;

/// The other name that MockForge's command takes for the manifest.
pub(crate) const OTHER_MANIFEST_FILE: &str = "plugin.yml";

/// A plugin's manifest as text, whatever it says.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The folder.
    pub(crate) root: PathBuf,
    /// The file's name in it.
    pub(crate) file: &'static str,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Subject {
    /// What lies in the folder that was named, or else in the nearest one above that has a manifest, by either name.
    pub(crate) fn open(settings: &crate::settings::Settings, named: Option<&Path>) -> Result<Self> {
        let (root, file) = match super::find(settings, named) {
            Ok(root) => (root, MANIFEST_FILE),
            Err(missing) => (super::find_with(OTHER_MANIFEST_FILE, settings, named)?.ok_or(missing)?, OTHER_MANIFEST_FILE),
        };
        let path = root.join(file);
        let bytes = std::fs::read(&path).map_err(|error| explain::io("read", &path, &error))?;
        Ok(Self { root, file, bytes })
    }

    /// What `--fix` would have to assume, or couldn't do.
    fn anew(&self, text: &Arc<str>, form: Form) -> Vec<Finding> {
        match rewrite(text, &self.given(Some(form), Given::default())) {
            Ok(rewritten) => rewritten.into_iter().flat_map(|rewritten| rewritten.assumptions).map(|one| self.assumed(&one)).collect(),
            Err(errors) => manifest_mistakes(self, text, &errors),
        }
    }

    /// What's said beside the text: what was typed, and by the module where neither that nor the form names a type.
    pub(crate) fn given(&self, form: Option<Form>, typed: Given) -> Given {
        let types = if typed.types.is_empty() && form == Some(Form::Info) { types_of_module(&self.root) } else { typed.types };
        Given { types, ..typed }
    }

    fn assumed(&self, sentence: &str) -> Finding {
        Finding::warning("mfp::validate::assumed", self.file, format!("written anew: {sentence}"))
            .help("`mfp validate --fix` writes it so; what's left out can be written by hand")
    }

    /// Everything that's found in it, at this time: tokens that are over are no secrets.
    pub(crate) fn findings(&self, now: jiff::Timestamp) -> Vec<Finding> {
        let text: Arc<str> = String::from_utf8_lossy(&self.bytes).into();
        let mut findings = files::manifest_name(self.file);
        match PluginManifest::all_from_bytes(&self.bytes) {
            Err(errors) => {
                let mistakes = manifest_mistakes(self, &text, &errors);
                match Outline::of(&text).and_then(|outline| outline.form()) {
                    None | Some(Form::Read(_)) => findings.extend(mistakes),
                    // It isn't read, and that's the one mistake: what else there's to say is said about writing it anew.
                    Some(form) => {
                        findings.extend(mistakes.into_iter().map(|mistake| mistake.help(manifest::ANEW)));
                        findings.extend(self.anew(&text, form));
                    }
                }
            }
            Ok(manifest) => {
                let seen = Seen::new(&self.root, self.file, &text, &manifest);
                let (of_plugin, package) = seen.everything();
                findings.extend(of_plugin);
                findings.extend(seen.secrets(&package, now));
            }
        }
        findings
    }
}

/// Everything that's found in a plugin whose manifest can be read. For those who are about to build, package or publish it.
pub(crate) fn check(own: &OwnPlugin) -> Vec<Finding> {
    let text: Arc<str> = own.manifest_text.as_str().into();
    Seen::new(&own.root, MANIFEST_FILE, &text, &own.manifest).everything().0
}

/// What's found in the manifest, without looking at the files that it's about.
pub(crate) fn check_manifest(own: &OwnPlugin) -> Vec<Finding> {
    let text: Arc<str> = own.manifest_text.as_str().into();
    Seen::new(&own.root, MANIFEST_FILE, &text, &own.manifest).in_manifest()
}

/// A plugin that's looked at.
struct Seen<'a> {
    root: &'a Path,
    file: &'static str,
    text: &'a Arc<str>,
    manifest: &'a PluginManifest,
    outline: Option<Outline>,
}

impl<'a> Seen<'a> {
    fn new(root: &'a Path, file: &'static str, text: &'a Arc<str>, manifest: &'a PluginManifest) -> Self {
        Self { root, file, text, manifest, outline: Outline::of(text) }
    }

    /// Everything but secrets, for which packing has words of its own; and the files that belong to the package.
    fn everything(&self) -> (Vec<Finding>, BTreeSet<PackagePath>) {
        let mut findings = self.in_manifest();
        let files = self.files();
        findings.extend(files.findings);
        findings.extend(files.code.iter().flat_map(|path| self.code(path)));
        findings.sort_by_key(|finding| finding.severity);
        (findings, files.package)
    }

    /// Everything that's said about what the manifest says.
    fn in_manifest(&self) -> Vec<Finding> {
        let mut findings = self.manifest();
        findings.extend(self.project_file());
        findings.extend(self.schema());
        findings
    }

    /// A finding in the manifest, at a key about the plugin itself.
    fn at_key(&self, finding: Finding, key: &str) -> Finding {
        let span = self.outline.as_ref().and_then(|outline| outline.about(key));
        finding.at(self.text, span)
    }

    /// A finding in the manifest, at a path of keys.
    fn at_path(&self, finding: Finding, path: &[&str]) -> Finding {
        let span = self.outline.as_ref().and_then(|outline| outline.span(path));
        finding.at(self.text, span)
    }
}

/// An error for a command that can't go on with what was found: the first error in full, the others in a line each.
/// Warnings are no reason.
pub(crate) fn refuse(findings: &[Finding]) -> Result<()> {
    let mut errors = findings.iter().filter(|finding| finding.is_error());
    let Some(first) = errors.next() else { return Ok(()) };
    let others: Vec<String> = errors.map(Finding::line).collect();
    let more = if others.is_empty() { String::new() } else { "; `mfp validate` shows all of them with their places".to_owned() };
    let shown = first.shown();
    let help = format!("{}{more}", shown.help_text().unwrap_or("`mfp validate` says more"));
    Err(shown.points(others).help(help).exit_with(Exit::Usage))
}

/// `2 errors, 1 warning`; nothing, if there's none of both.
pub(crate) fn counted(findings: &[Finding]) -> Option<String> {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = findings.len() - errors;
    let parts = [(errors, "error"), (warnings, "warning")];
    let parts: Vec<String> = parts.into_iter().filter(|(count, _)| *count > 0).map(|(count, noun)| plural(count, noun)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The mistakes of a manifest that can't be written anew before they're corrected.
pub(crate) fn manifest_mistakes(subject: &Subject, text: &str, errors: &[PluginManifestError]) -> Vec<Finding> {
    let text: Arc<str> = text.into();
    errors.iter().map(|error| manifest::mistake(subject.file, &text, error)).collect()
}

/// The types of calls that the only module in a folder answers.
fn types_of_module(root: &Path) -> BTreeSet<PluginType> {
    let files = list_files(root).unwrap_or_default();
    let files: Vec<PackagePath> = files.iter().filter_map(|file| file.parse().ok()).collect();
    let module = find_entry(None, &files).ok().and_then(|path| std::fs::read(root.join(path.as_str())).ok());
    module.map(|wasm| mfp_loader::types_of_code(&wasm)).unwrap_or_default()
}

/// The error with which a command that only looks ends.
pub(crate) fn refusal(findings: &[Finding], strict: bool) -> Option<Error> {
    let worst = findings.iter().map(|finding| finding.severity).min()?;
    if worst == Severity::Warning && !strict {
        return None;
    }
    let first = findings.iter().find(|finding| finding.severity == worst)?;
    let counts = counted(findings)?;
    let help = first.shown().help_text().map(str::to_owned);
    Some(Error::new("mfp::validate::findings", counts).help_or(help).exit_with(Exit::Usage))
}
