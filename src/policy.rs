//! How are the rules of `[policy]` kept, and how is it said that one is broken?
//!
//! Which rules a plugin breaks is decided in the model. Here it becomes a rule for the resolver, so that a version that's
//! allowed is chosen where there is one, and an error that points at the policy's line. Sources that are denied aren't
//! asked for anything.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::index::packed::PackedLine;
use mfp_model::lock::{Lock, Violation, denied_sources, violations};
use mfp_model::name::{PluginName, RegistryName};
use mfp_model::project::{Breach, Judged, Manifest};
use mfp_model::source::{RegistryUrl, SourceId};
use mfp_resolver::{Held, Origin, PackageKey};

use crate::error::{Error, Excerpt, Result};
use crate::gate::Rule;
use crate::project::MANIFEST;

/// Versions that break a rule aren't chosen.
#[derive(Debug)]
pub(crate) struct Policed<'a> {
    manifest: &'a Manifest,
    registries: BTreeMap<RegistryName, RegistryUrl>,
    guarded: BTreeSet<&'a PluginName>,
}

impl<'a> Policed<'a> {
    /// The rule, if the policy has any. Who signs the `guarded` plugins is left to those who also say it when a newer version
    /// is passed over.
    pub(crate) fn new(manifest: &'a Manifest, guarded: BTreeSet<&'a PluginName>) -> Option<Self> {
        let registries = || manifest.registries.iter().map(|(name, registry)| (name.clone(), registry.url.clone())).collect();
        (!manifest.policy.is_lenient()).then(|| Self { manifest, registries: registries(), guarded })
    }
}

impl Rule for Policed<'_> {
    fn held(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Held> {
        let Origin::Registry(registry) = &key.origin else { return None };
        let source = SourceId::Registry(registry.clone());
        // A signer that can't be read is none.
        let signer = line.signer().flatten();
        let judged = Judged { entry: &key.name, id: &key.name, source: &source, license: line.license(), signer: signer.as_ref() };
        let is_guards = |breach: &Breach| matches!(breach, Breach::Key { .. }) && self.guarded.contains(&key.name);
        let breach = self.manifest.policy.breaches(&judged, &self.registries).into_iter().find(|breach| !is_guards(breach))?;
        Some(Held { reason: breach.to_string(), setting: Some(breach.setting().to_owned()), by_policy: true })
    }
}

/// No entry of this lock breaks a rule. `text` is the manifest's.
pub(crate) fn refuse_violations(manifest: &Manifest, text: &str, lock: &Lock) -> Result<()> {
    refuse(&violations(manifest, lock), text)
}

/// Nothing is asked for from where nothing may come from: to be called before anybody is asked.
pub(crate) fn refuse_denied_sources(manifest: &Manifest, text: &str) -> Result<()> {
    refuse(&denied_sources(manifest), text)
}

/// The same of a source that somebody typed, and that isn't in the manifest yet.
pub(crate) fn refuse_denied_source(manifest: &Manifest, text: &str, name: &PluginName, source: &SourceId) -> Result<()> {
    let registries = manifest.registries.iter().map(|(name, registry)| (name.clone(), registry.url.clone())).collect();
    let Some(breach) = manifest.policy.source_breach(source, &registries) else { return Ok(()) };
    let span = manifest.place(&format!("policy.{}", breach.setting())).unwrap_or_default();
    refuse(&[Violation { name: name.clone(), version: None, breach, span }], text)
}

fn refuse(violations: &[Violation], text: &str) -> Result<()> {
    if violations.is_empty() { Ok(()) } else { Err(error(violations, text)) }
}

/// Broken rules as one error, which points at the first one's line. `text` is the manifest's.
pub(crate) fn error(violations: &[Violation], text: &str) -> Error {
    let Some(first) = violations.first() else { return Error::bug("a refusal without a reason") };
    let point = |one: &Violation| format!("{} (`{}`)", one.sentence(), one.breach.setting());
    let head = match violations.len() {
        1 => "a plugin isn't what the project's policy allows".to_owned(),
        _ => "plugins aren't what the project's policy allows".to_owned(),
    };
    let excerpt = Excerpt {
        file: MANIFEST.to_owned(),
        text: text.to_owned(),
        span: first.span.clone(),
        label: label_of(first.breach.setting()).to_owned(),
    };
    let shown = Error::new(first.breach.code(), head).points(violations.iter().map(point)).help(help(first));
    // Whoever loads plugins without the manifest's text has no place to point at.
    let is_there = text.get(first.span.clone()).is_some_and(|rule| !rule.is_empty());
    let shown = if is_there { shown.excerpt(excerpt) } else { shown };
    let codes: Vec<_> =
        violations.iter().map(|one| serde_json::json!({ "code": one.breach.code(), "plugin": one.name.as_str() })).collect();
    shown.detail("violations", codes)
}

/// What a rule's line is about.
pub(crate) fn label_of(setting: &str) -> &'static str {
    match setting {
        "allow" => "where plugins may come from",
        "deny" => "where nothing may come from",
        "licenses" => "the licences that are allowed",
        "require-signatures" => "every plugin must be signed",
        "keys" => "who signs which plugin",
        _ => "only this stands in the way",
    }
}

fn help(first: &Violation) -> String {
    let name = &first.name;
    let setting = first.breach.setting();
    match first.breach {
        Breach::Source { .. } => {
            format!("take {name} from elsewhere, `mfp remove {name}`, or decide otherwise about `{setting}` in [policy]")
        }
        Breach::License(_) | Breach::Unsigned => {
            format!(
                "`mfp lock` takes another version if one is allowed; else `mfp remove {name}`, or decide otherwise about `{setting}` in [policy]"
            )
        }
        Breach::Key { .. } => {
            format!("ask {name}'s publisher; a new key is pinned under `keys` in [policy] by a person who has checked it")
        }
    }
}
