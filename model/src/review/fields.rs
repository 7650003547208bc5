//! What a lock says of a plugin, and of all, as words that can be compared and shown.

use std::collections::{BTreeMap, BTreeSet};

use super::Difference;
use crate::lock::{Lock, LockedPackage, LockedPlugin};
use crate::source::{Pin, Source};

/// What's said, in the order in which it's told: what, the words that are compared, the words that are shown.
pub(super) type Fields = Vec<(String, Said)>;

/// Two that are compared by one text and shown as another: a signer's key has many spellings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    compared: String,
    shown: String,
}

impl From<String> for Said {
    fn from(text: String) -> Self {
        Self { compared: text.clone(), shown: text }
    }
}

/// What the lock says of this plugin.
pub(super) fn of(plugin: &LockedPlugin, lock: Option<&Lock>) -> Fields {
    let mut fields = Fields::new();
    let mut say = |what: &str, text: Option<String>| fields.extend(text.map(|text| (what.to_owned(), Said::from(text))));
    say("version", plugin.version().map(ToString::to_string));
    say("source", Some(plugin.source().redacted()));
    let requirement = lock.and_then(|lock| lock.requirements.get(&plugin.name)).map(|request| match &request.source {
        Source::Registry { requirement, .. } => requirement.to_string(),
        _ => "declared by the project".to_owned(),
    });
    say("requirement", requirement);
    let types: Vec<&str> = plugin.types.iter().map(|one| one.as_str()).collect();
    say("types", Some(types.join(", ")));
    match plugin.package() {
        Some(package) => fields.extend(of_package(package)),
        // Nothing is known of a service's code; how it's asked for is its content.
        None => fields.push(("settings".to_owned(), plugin.content.to_string().into())),
    }
    fields
}

fn of_package(package: &LockedPackage) -> Fields {
    let mut fields = Fields::new();
    let mut say = |what: &str, text: Option<String>| fields.extend(text.map(|text| (what.to_owned(), Said::from(text))));
    say("package", package.package.as_ref().map(ToString::to_string));
    if let Pin::Git { reference, commit, subdir, submodules, .. } = &package.pin {
        say("ref", Some(reference.to_string()).filter(|text| !text.is_empty()));
        say("commit", Some(commit.to_string()));
        say("subdir", subdir.as_ref().map(ToString::to_string));
        say("submodules", submodules.then(|| "true".to_owned()));
    }
    say("licence", package.license.clone());
    let signer = package.signer.as_ref().map(|signer| Said { compared: format!("{:?}", signer.key_bytes()), shown: signer.to_string() });
    fields.push(("signer".to_owned(), signer.unwrap_or_else(|| "unsigned".to_owned().into())));
    fields.extend(package.dependencies.iter().map(|dependency| {
        let optional = if dependency.optional { " (optional)" } else { "" };
        (format!("dependency {}", dependency.name), format!("{}{optional}", dependency.requirement).into())
    }));
    fields
}

/// In what the two differ, in the order of the newer one; what it no longer says comes where it stood, at the end.
pub(super) fn differences(old: &Fields, new: &Fields) -> Vec<Difference> {
    let find = |fields: &Fields, what: &str| fields.iter().find(|(name, _)| name == what).map(|(_, said)| said.clone());
    let mut seen = BTreeSet::new();
    let names = new.iter().chain(old).map(|(name, _)| name).filter(|name| seen.insert((*name).clone()));
    let differ = |name: &String| {
        let (from, to) = (find(old, name), find(new, name));
        (from.as_ref().map(|said| &said.compared) != to.as_ref().map(|said| &said.compared)).then(|| Difference {
            what: name.clone(),
            from: from.map(|said| said.shown),
            to: to.map(|said| said.shown),
        })
    };
    names.filter_map(differ).collect()
}

/// What concerns all plugins. A registry's new address changes where each of its plugins comes from.
pub(super) fn project_differences(old: Option<&Lock>, new: Option<&Lock>) -> Vec<Difference> {
    let said = |lock: &Lock| {
        let mut fields: BTreeMap<String, Said> = BTreeMap::new();
        fields.extend(lock.registries.iter().map(|(name, url)| (format!("registry {name}"), url.to_string().into())));
        fields.extend(lock.overrides.iter().map(|(name, requirement)| (format!("override {name}"), requirement.to_string().into())));
        fields.extend(lock.options.mockforge.iter().map(|range| ("mockforge".to_owned(), range.to_string().into())));
        fields.insert("strategy".to_owned(), lock.options.strategy.to_string().into());
        Fields::from_iter(fields)
    };
    match (old, new) {
        (Some(old), Some(new)) => differences(&said(old), &said(new)),
        // All of it is new, or gone: the plugins say so already, but for where they come from.
        (old, new) => {
            let registries = |lock: Option<&Lock>| lock.map(said).unwrap_or_default().into_iter().filter(|(name, _)| name != "strategy");
            differences(&registries(old).collect(), &registries(new).collect())
        }
    }
}
