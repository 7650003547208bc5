//! What must a person decide about what plugins may reach, and how is it said?
//!
//! The one place that puts capabilities into words, that objects to newer versions which ask for more than was approved, and
//! that names the command to type. What's approved is decided by `mfp approve`; whether something asks for more is decided
//! in `mfp_model::lock`, and enforced by the loader.

use mfp_model::capability::{Capabilities, CapabilityPolicy, Single};
use mfp_model::index::IndexLine;
use mfp_model::index::packed::PackedLine;
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::project::{Manifest, Void};
use mfp_model::signer::Signer;
use mfp_model::source::{Source, SourceId};
use mfp_resolver::{Origin, PackageKey};

use crate::app::App;
use crate::held::{Guard, Objection};
use crate::report::clean;
use crate::report::document::HeldReason;

/// Capabilities on one line, the broad ones with the reason: `http *.x.com (broad: reaches every host below x.com), memory 128MiB`.
pub(crate) fn words(capabilities: &Capabilities) -> String {
    let word = |one: &Single| match &one.broad {
        Some(why) => format!("{one} (broad: {why})"),
        None => one.to_string(),
    };
    capabilities.singles().iter().map(word).collect::<Vec<_>>().join(", ")
}

/// The flags of `mfp approve` that stand for these.
pub(crate) fn flags(capabilities: &Capabilities) -> String {
    let quoted = |value: &str| if value.contains(['*', '[']) { format!("'{value}'") } else { value.to_owned() };
    capabilities.singles().iter().map(|one| format!(" --{} {}", one.key, quoted(&one.value))).collect()
}

/// Objects to versions that ask for more than a person approved.
#[derive(Debug)]
pub(crate) struct ApprovalGuard<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) old: Option<&'a Lock>,
}

impl ApprovalGuard<'_> {
    /// The names under which the project has or would have this plugin of a registry: approvals are given by them.
    fn entries(&self, key: &PackageKey) -> Vec<PluginName> {
        let is_alias = |name: &&PluginName| {
            let request = &self.manifest.plugins[*name].request;
            request.package.as_ref() == Some(&key.name)
                && matches!(&request.source, Source::Registry { registry, .. } if key.origin == Origin::Registry(registry.clone()))
        };
        let mut names: Vec<PluginName> = self.manifest.plugins.keys().filter(is_alias).cloned().collect();
        let mut needed = self.old.into_iter().flat_map(|old| old.plugins.values()).flat_map(LockedPlugin::dependencies);
        let is_itself = self.manifest.plugins.contains_key(&key.name) || needed.any(|dependency| dependency.name == key.name);
        if names.is_empty() || is_itself {
            names.push(key.name.clone());
        }
        names
    }

    fn objection(&self, name: &PluginName, asked: &Capabilities, source: &SourceId, signer: Option<&Signer>) -> Option<Objection> {
        let approved = self.manifest.approved(name, source, signer).cloned().unwrap_or_default();
        let excess = asked.excess(&approved);
        if excess.is_empty() {
            return None;
        }
        let void = self.manifest.approvals.get(name).and_then(|approval| approval.void(source, signer, &self.manifest.registries));
        let void = void.map(|why| format!("; its approval is void: {why}")).unwrap_or_default();
        Some(Objection {
            kind: HeldReason::Approval,
            reason: format!("asks for {}, which nobody approved{void}", words(&excess)),
            code: "mfp::approval::missing",
            command: Some(format!("mfp approve {name}{}", flags(&excess))),
            asks: Some(excess),
        })
    }
}

impl ApprovalGuard<'_> {
    /// The same about a line as the registry sends it, for one name of the project.
    pub(crate) fn offered(&self, name: &PluginName, line: &IndexLine, source: &SourceId) -> Option<Objection> {
        let objection = self.objection(name, &line.capabilities, source, line.signer.as_ref())?;
        Some(Objection { command: Some(format!("mfp approve {name}@{}", line.version)), ..objection })
    }
}

impl Guard for ApprovalGuard<'_> {
    fn line(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Objection> {
        let Origin::Registry(registry) = &key.origin else { return None };
        // Most ask for nothing, and cost nothing here.
        let asked = line.asks().then(|| line.capabilities()).flatten()?;
        let source = SourceId::Registry(registry.clone());
        let signer = line.signer().flatten();
        let default = self.manifest.project.registry == *registry;
        self.entries(key).iter().find_map(|name| {
            let locked = self.old.and_then(|old| old.plugins.get(name));
            if locked.is_some_and(|locked| locked.version() == Some(&line.version) && locked.source() == source) {
                return None;
            }
            let objection = self.objection(name, &asked, &source, signer.as_ref())?;
            let elsewhere = if default || self.manifest.plugins.contains_key(name) || locked.is_some() {
                String::new()
            } else {
                format!(" --registry {registry}")
            };
            Some(Objection { command: Some(format!("mfp approve {name}@{}{elsewhere}", line.version)), ..objection })
        })
    }

    fn declared(&self, plugin: &LockedPlugin) -> Option<Objection> {
        self.objection(&plugin.name, &plugin.capabilities(), &plugin.source(), plugin.signer())
    }
}

/// One plugin and what a person is to decide about it: what it asks for, what's approved, and what would be.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: PluginName,
    /// The version that asks, as it's shown.
    pub(crate) version: String,
    /// Is that the locked one?
    pub(crate) is_locked: bool,
    pub(crate) source: SourceId,
    pub(crate) signer: Option<Signer>,
    pub(crate) asked: Capabilities,
    /// What counts for it today.
    pub(crate) approved: Capabilities,
    /// Why the approval that there is doesn't count for it.
    pub(crate) void: Option<Void>,
    /// What the user's and the project's policies leave of anything.
    pub(crate) policy: CapabilityPolicy,
}

/// What the policies leave to plugins of this kind of source: the user's, and the project's limits by kind.
pub(crate) fn policy_for(app: &App<'_>, manifest: &Manifest, source: &SourceId) -> CapabilityPolicy {
    let limits = manifest.policy.limits.get(&source.kind()).copied().unwrap_or_default();
    let lower = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
    let policy = app.settings.user.policy.capabilities.clone();
    CapabilityPolicy { memory: lower(policy.memory, limits.memory), time_ms: lower(policy.time_ms, limits.time_ms), ..policy }
}

/// What the policies take away from these plugins, a sentence each.
pub(crate) fn taken_away<'l>(app: &App<'_>, manifest: &Manifest, plugins: impl IntoIterator<Item = &'l LockedPlugin>) -> Vec<String> {
    let of = |plugin: &LockedPlugin| {
        let case = Case::locked(app, manifest, plugin);
        case.taken_away(&case.approved).into_iter().map(move |line| format!("{}: {line}", case.name)).collect::<Vec<_>>()
    };
    plugins.into_iter().filter(|plugin| !plugin.capabilities().is_empty()).flat_map(of).collect()
}

impl Case {
    /// A locked plugin.
    pub(crate) fn locked(app: &App<'_>, manifest: &Manifest, plugin: &LockedPlugin) -> Self {
        Self {
            name: plugin.name.clone(),
            version: plugin.version().map_or_else(|| "(a service)".to_owned(), ToString::to_string),
            is_locked: true,
            source: plugin.source(),
            signer: plugin.signer().cloned(),
            asked: plugin.capabilities(),
            approved: plugin.approved(manifest).cloned().unwrap_or_default(),
            void: plugin.void(manifest),
            policy: policy_for(app, manifest, &plugin.source()),
        }
    }

    /// What it really gets, if this much is approved.
    pub(crate) fn effective(&self, approved: &Capabilities) -> Capabilities {
        self.policy.narrow(&self.asked.intersection(approved))
    }

    /// What the policies take away of that: each thing with what's left of it.
    pub(crate) fn taken_away(&self, approved: &Capabilities) -> Vec<String> {
        let granted = self.asked.intersection(approved);
        let left = self.policy.narrow(&granted);
        let part = |part: &Capabilities| {
            let rest = part.intersection(&left);
            let rest = if rest.is_empty() { "nothing".to_owned() } else { plain(&rest) };
            format!("of {} a policy leaves {rest} ({})", plain(part), self.who_says(part))
        };
        granted.parts().iter().filter(|part| !part.is_subset_of(&left)).map(part).collect()
    }

    /// Where the policy stands that takes something away: the user's narrows everything, the project's only numbers.
    fn who_says(&self, part: &Capabilities) -> String {
        let key = part.singles().first().map_or("", |one| one.key);
        let limit = format!("limits.{}.{key}", self.source.kind());
        match key {
            "memory" | "time-ms" => format!("`policy.{key}` in your configuration, or `policy.{limit}` in the project's manifest"),
            _ => format!("`policy.{key}` in your configuration"),
        }
    }

    /// All of it, to look at before deciding; `next` is what would be approved.
    pub(crate) fn table(&self, next: &Capabilities) -> String {
        let signer = self.signer.as_ref().map_or_else(|| "unsigned".to_owned(), |signer| format!("signed by {signer}"));
        let locked = if self.is_locked { "" } else { ", not locked" };
        let mut text = format!("{} {} ({}, {signer}{locked})\n", self.name, self.version, clean(&self.source.redacted()));
        if let Some(void) = &self.void {
            text.push_str(&format!("  its approval is void: {void}\n"));
        }
        let effective = self.effective(next);
        let everything = self.asked.union(&self.approved).union(next);
        let of = |set: &Capabilities, part: &Capabilities| match (part.memory.is_some() || part.time_ms.is_some(), part.is_subset_of(set)) {
            (true, _) => value_of(&number(set, part)),
            (false, true) => "yes".to_owned(),
            (false, false) => value_of(&part.intersection(set)),
        };
        let row = |part: &Capabilities| {
            let broad = part.singles().into_iter().find_map(|one| one.broad).map(|why| format!("broad: {why}")).unwrap_or_default();
            [name_of(part), of(&self.asked, part), of(&self.approved, part), of(next, part), of(&effective, part), broad]
        };
        let head = ["capability", "asked", "approved", "then", "effective", ""].map(str::to_owned);
        let rows: Vec<[String; 6]> = std::iter::once(head).chain(everything.parts().iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect::<Vec<_>>().join("  ");
            text.push_str(&format!("  {}\n", cells.trim_end()));
        }
        for line in self.taken_away(next) {
            text.push_str(&format!("  {line}\n"));
        }
        text.trim_end().to_owned()
    }
}

/// Of numbers only the number that's in both counts, whatever it is.
fn number(set: &Capabilities, part: &Capabilities) -> Capabilities {
    Capabilities {
        memory: set.memory.filter(|_| part.memory.is_some()),
        time_ms: set.time_ms.filter(|_| part.time_ms.is_some()),
        ..Capabilities::default()
    }
}

/// What stands in the first column: `http api.example.com`, `memory`.
fn name_of(part: &Capabilities) -> String {
    let is_number = part.memory.is_some() || part.time_ms.is_some();
    part.singles().first().map(|one| if is_number { one.key.to_owned() } else { one.to_string() }).unwrap_or_default()
}

fn value_of(set: &Capabilities) -> String {
    let values: Vec<String> = set.singles().into_iter().map(|one| one.value).collect();
    if values.is_empty() { "-".to_owned() } else { values.join(", ") }
}

/// Capabilities on one line, without a word about which are broad.
pub(crate) fn plain(capabilities: &Capabilities) -> String {
    capabilities.singles().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
