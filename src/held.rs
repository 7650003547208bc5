//! Which newer versions were passed over, because a person has to decide about them first?
//!
//! While a command looks for newer versions, each [`Guard`] looks at what it may choose from, and objects to what nobody has
//! decided about: a version that asks for more than was approved, one that somebody else signed. Such versions are left out,
//! so that everything else is updated; what would have been taken otherwise is named, with the command to type, and the
//! command ends with exit code 5. If nothing works without them, they're taken into the decision after all, and it's the
//! command that refuses it ([`HeldBack::is_forced`]), before a file has changed.
//!
//! A version that's locked already is never held back: nothing is ever downgraded. Versions of registries are held back in the
//! resolver, through [`crate::gate`]; what's declared by URL or repository has one version, and stays as it's locked.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::capability::Capabilities;
use mfp_model::index::packed::PackedLine;
use mfp_model::lock::LockedPlugin;
use mfp_model::name::PluginName;
use mfp_model::version::Version;
use mfp_resolver::{PackageKey, Resolution, Resolved};

use crate::error::catalogue::exit_of;
use crate::error::{Error, Exit};
use crate::report::document::{HeldDocument, HeldReason};

/// The code of a command that did everything else.
const HELD_BACK: &str = "mfp::update::held-back";

/// Somebody who objects to versions that a person hasn't decided about.
pub(crate) trait Guard {
    /// What's to be decided about this version of a registry, if anything is. The line is a claim: whatever it says is
    /// checked against the package later.
    fn line(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Objection>;

    /// The same about a plugin that the manifest declares by URL or repository, as it is there now.
    fn declared(&self, plugin: &LockedPlugin) -> Option<Objection>;
}

/// What a person has to decide about a version.
#[derive(Debug, Clone)]
pub(crate) struct Objection {
    /// The kind of decision, for programs.
    pub(crate) kind: HeldReason,
    /// In words that continue "csv 2.1.0 ": `asks for http evil.example, which nobody approved`.
    pub(crate) reason: String,
    /// What it asks beyond what's approved, if that's what it's about.
    pub(crate) asks: Option<Capabilities>,
    /// The code that it would end a command with that was told to take it.
    pub(crate) code: &'static str,
    /// What to type if the answer is yes; nothing where nobody should say yes.
    pub(crate) command: Option<String>,
}

/// Everything that the guards objected to, by version.
#[derive(Debug, Default)]
pub(crate) struct Objections(BTreeMap<PackageKey, BTreeMap<Version, Vec<Objection>>>);

impl Objections {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, key: &PackageKey, version: &Version, objections: Vec<Objection>) {
        self.0.entry(key.clone()).or_default().insert(version.clone(), objections);
    }

    pub(crate) fn to(&self, key: &PackageKey, version: &Version) -> &[Objection] {
        self.0.get(key).and_then(|versions| versions.get(version)).map_or(&[], Vec::as_slice)
    }

    /// The newest objected version above this one.
    fn above(&self, key: &PackageKey, version: &Version) -> Option<(&Version, &Vec<Objection>)> {
        self.0.get(key)?.iter().next_back().filter(|(newest, _)| *newest > version)
    }

    /// The plugins that there were objections to.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &PackageKey> {
        self.0.keys()
    }
}

/// A version that was passed over.
#[derive(Debug, Clone)]
pub(crate) struct HeldVersion {
    /// The name in the project.
    pub(crate) name: PluginName,
    /// What would have been taken.
    pub(crate) version: Version,
    /// What was taken instead; nothing if the plugin isn't in the lock at all without it.
    pub(crate) current: Option<Version>,
    /// What's to be decided about it. Empty if it's only about plugins that it needs.
    pub(crate) objections: Vec<Objection>,
    /// The plugins that it needs and that there are objections to.
    pub(crate) needs: Vec<PluginName>,
}

/// All that a command passed over.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeldBack {
    pub(crate) versions: Vec<HeldVersion>,
    /// Nothing works without these versions: they're in the new lock, which therefore mustn't be written.
    pub(crate) is_forced: bool,
}

impl HeldBack {
    /// What the resolver took, beside what it would have taken without any objection.
    pub(crate) fn between(taken: &Resolution, free: &Resolution, objections: &Objections) -> Self {
        let of = |resolved: &Resolved| objections.to(&resolved.key(), &resolved.version);
        let objected: BTreeSet<&PluginName> = free.plugins.values().filter(|one| !of(one).is_empty()).map(|one| &one.entry).collect();
        let versions = free.plugins.values().filter_map(|resolved| {
            let current = taken.plugins.get(&resolved.entry).map(|taken| &taken.version);
            let needs = reached(free, resolved, &objected);
            let is_held = current != Some(&resolved.version) && !(of(resolved).is_empty() && needs.is_empty());
            is_held.then(|| HeldVersion {
                name: resolved.entry.clone(),
                version: resolved.version.clone(),
                current: current.cloned(),
                objections: of(resolved).to_vec(),
                needs,
            })
        });
        Self { versions: versions.collect(), is_forced: false }
    }

    /// The newest of what there were objections to, where nobody can tell what would have been taken.
    pub(crate) fn newest(taken: &Resolution, objections: &Objections) -> Self {
        let versions = taken.plugins.values().filter_map(|resolved| {
            let (version, objections) = objections.above(&resolved.key(), &resolved.version)?;
            Some(HeldVersion {
                name: resolved.entry.clone(),
                version: version.clone(),
                current: Some(resolved.version.clone()),
                objections: objections.clone(),
                needs: Vec::new(),
            })
        });
        Self { versions: versions.collect(), is_forced: false }
    }

    /// What's in a decision that only works with what there are objections to.
    pub(crate) fn forced(taken: &Resolution, objections: &Objections) -> Self {
        let versions = taken.plugins.values().filter_map(|resolved| {
            let objections = objections.to(&resolved.key(), &resolved.version);
            (!objections.is_empty()).then(|| HeldVersion {
                name: resolved.entry.clone(),
                version: resolved.version.clone(),
                current: None,
                objections: objections.to_vec(),
                needs: Vec::new(),
            })
        });
        let versions: Vec<_> = versions.collect();
        Self { is_forced: !versions.is_empty(), versions }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    /// For `--json`.
    pub(crate) fn documents(&self) -> Vec<HeldDocument> {
        self.versions.iter().map(HeldVersion::document).collect()
    }

    /// How the command ends that did everything else. `again` is what to type when the decisions are made.
    pub(crate) fn refusal(&self, again: &str) -> Error {
        let mut commands: Vec<String> = Vec::new();
        for command in self.objections().filter_map(|objection| objection.command.as_ref()) {
            if !commands.contains(command) {
                commands.push(command.clone());
            }
        }
        let message = match (self.is_forced, self.versions.len()) {
            (false, 1) => "a newer version was held back".to_owned(),
            (false, _) => "newer versions were held back".to_owned(),
            (true, 1) => "this can't be had without a version that a person has to decide about first".to_owned(),
            (true, _) => "this can't be had without versions that a person has to decide about first".to_owned(),
        };
        let typed: Vec<String> = commands.iter().map(|command| format!("`{command}`")).collect();
        let error = Error::new(self.code(), message).exit_with(self.exit()).points(self.versions.iter().map(HeldVersion::sentence));
        let error = error.detail("held", serde_json::to_value(self.documents()).unwrap_or_default());
        match typed.as_slice() {
            [] => error.with_remedy(),
            typed => error.help(format!("if a person has decided that it may: {}, then `{again}`", typed.join(", "))),
        }
    }

    fn objections(&self) -> impl Iterator<Item = &Objection> {
        self.versions.iter().flat_map(|one| &one.objections)
    }

    /// What's wrong with signatures has codes of its own; several things, and what was asked for, have one in common.
    fn code(&self) -> &'static str {
        let codes: BTreeSet<&'static str> = self.objections().map(|objection| objection.code).collect();
        let of_signatures = self.objections().all(|objection| objection.kind == HeldReason::Signature);
        match codes.first() {
            Some(code) if codes.len() == 1 && of_signatures => code,
            _ => HELD_BACK,
        }
    }

    /// What isn't proven weighs more than what isn't allowed.
    fn exit(&self) -> Exit {
        self.objections().map(|objection| exit_of(objection.code)).fold(Exit::Denied, Exit::or)
    }
}

/// Which of `objected` a plugin needs, directly or not.
fn reached(resolution: &Resolution, from: &Resolved, objected: &BTreeSet<&PluginName>) -> Vec<PluginName> {
    let (mut seen, mut queue) = (BTreeSet::new(), vec![from]);
    while let Some(next) = queue.pop() {
        for dependency in &next.dependencies {
            if let Some(resolved) = resolution.plugins.get(&dependency.name).filter(|_| seen.insert(&dependency.name)) {
                queue.push(resolved);
            }
        }
    }
    seen.into_iter().filter(|name| **name != from.entry && objected.contains(name)).cloned().collect()
}

impl HeldVersion {
    fn sentence(&self) -> String {
        let mut why: Vec<String> = self.objections.iter().map(|objection| objection.reason.clone()).collect();
        if !self.needs.is_empty() {
            why.push(format!("needs {}", self.needs.iter().map(PluginName::as_str).collect::<Vec<_>>().join(", ")));
        }
        let kept = self.current.as_ref().map(|version| format!(" ({version} is kept)")).unwrap_or_default();
        format!("{} {} {}{kept}", self.name, self.version, why.join("; "))
    }

    /// For `--json`.
    pub(crate) fn document(&self) -> HeldDocument {
        let asks = self.objections.iter().find_map(|objection| objection.asks.as_ref());
        HeldDocument {
            name: self.name.to_string(),
            version: self.version.to_string(),
            current: self.current.as_ref().map(ToString::to_string),
            reasons: match self.objections.as_slice() {
                [] => vec![HeldReason::Dependency],
                objections => objections.iter().map(|objection| objection.kind).collect(),
            },
            message: self.sentence(),
            asks: asks.map(|asks| serde_json::to_value(asks).unwrap_or_default()),
            commands: self.objections.iter().filter_map(|objection| objection.command.clone()).collect(),
        }
    }
}
