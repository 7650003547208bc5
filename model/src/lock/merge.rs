//! A lock that git couldn't merge: what did each side have, and which of it is preferred?
//!
//! Nothing of it is trusted as a lock. What is found are preferences: a resolver that has a choice takes what either
//! side had.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Lock, LockError, LockErrorKind, LockedPlugin, read};
use crate::digest::ContentDigest;
use crate::name::{PluginName, RegistryName};
use crate::project::Manifest;
use crate::source::{Pin, RegistryUrl};
use crate::version::Version;

/// The marks that git leaves, in the order in which they come; the second is there in some styles only.
const OURS: &str = "<<<<<<<";
const BASE: &str = "|||||||";
const MIDDLE: &str = "=======";
const THEIRS: &str = ">>>>>>>";

fn is_mark(line: &str, mark: &str) -> bool {
    line.trim_end().strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The first conflict marker, if there's one.
pub fn first_marker(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if [OURS, BASE, MIDDLE, THEIRS].iter().any(|mark| is_mark(line, mark)) {
            return Some(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    None
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Both,
    Ours,
    Base,
    Theirs,
}

/// The texts of a file with conflict markers: what was before, where the style of the markers tells it, ours and theirs. `None`
/// if it has none, or if they don't pair up.
pub fn sides(text: &str) -> Option<(Option<String>, String, String)> {
    first_marker(text)?;
    let (mut base, mut ours, mut theirs) = (String::new(), String::with_capacity(text.len()), String::with_capacity(text.len()));
    let (mut part, mut tells_base) = (Part::Both, false);
    for line in text.split_inclusive('\n') {
        part = match part {
            Part::Both if is_mark(line, OURS) => Part::Ours,
            Part::Ours if is_mark(line, BASE) => {
                tells_base = true;
                Part::Base
            }
            Part::Ours | Part::Base if is_mark(line, MIDDLE) => Part::Theirs,
            Part::Theirs if is_mark(line, THEIRS) => Part::Both,
            _ if [OURS, BASE, MIDDLE, THEIRS].iter().any(|mark| is_mark(line, mark)) => return None,
            _ => {
                if matches!(part, Part::Both | Part::Base) {
                    base.push_str(line);
                }
                if matches!(part, Part::Both | Part::Ours) {
                    ours.push_str(line);
                }
                if matches!(part, Part::Both | Part::Theirs) {
                    theirs.push_str(line);
                }
                continue;
            }
        };
    }
    (part == Part::Both).then_some((tells_base.then_some(base), ours, theirs))
}

/// One side of a merge, as a lock. What git put together from both sides around a conflict needn't be closed: then its entries
/// are still what was locked, one by one.
pub fn side(text: &str) -> Result<Lock, LockError> {
    match Lock::parse(text) {
        Err(LockError { kind: LockErrorKind::Edge | LockErrorKind::Unreachable, .. }) => read::parse_unclosed(text),
        parsed => parsed,
    }
}

/// What two branches had locked, and what they had in common before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sides {
    /// Before they parted.
    pub base: Option<Lock>,
    /// Ours.
    pub ours: Option<Lock>,
    /// Theirs.
    pub theirs: Option<Lock>,
}

/// Two sides that say of one version that it's two things. That's no matter of preference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} {version} is {ours} on the one side, and {theirs} on the other")]
pub struct TwoContents {
    /// The plugin.
    pub name: PluginName,
    /// The version that both have.
    pub version: Version,
    /// What's behind it on our side.
    pub ours: ContentDigest,
    /// And on theirs.
    pub theirs: ContentDigest,
}

/// A plugin that the two sides have at different versions, or that only one has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disagreement<'l> {
    /// The plugin.
    pub name: &'l PluginName,
    /// What we have.
    pub ours: Option<&'l LockedPlugin>,
    /// What they have.
    pub theirs: Option<&'l LockedPlugin>,
}

impl Sides {
    /// One lock to prefer versions of, for the merged manifest: where only one side has moved since they parted, what it moved
    /// to; where both have, the newer version. It needn't be closed, and isn't to be written: it's for a resolver.
    ///
    /// Entries of a registry that the manifest has at another address are left out: they're of another registry.
    pub fn preferred(&self, manifest: &Manifest) -> Result<Option<Lock>, TwoContents> {
        let Some(mut preferred) = self.ours.clone().or_else(|| self.theirs.clone()) else { return Ok(None) };
        let (mut plugins, mut requirements) = (BTreeMap::new(), BTreeMap::new());
        for name in self.names() {
            let of = |side: &Option<Lock>| side.as_ref().and_then(|lock| entry(lock, name, manifest).cloned());
            let (base, ours, theirs) = (of(&self.base), of(&self.ours), of(&self.theirs));
            refuse_two_contents(name, ours.as_ref(), theirs.as_ref())?;
            let takes_theirs = takes_theirs(base.as_ref(), ours.as_ref(), theirs.as_ref());
            let side = if takes_theirs { &self.theirs } else { &self.ours };
            let asked = side.as_ref().and_then(|lock| lock.requirements.get(name));
            requirements.extend(asked.map(|request| (name.clone(), request.clone())));
            plugins.extend(if takes_theirs { theirs } else { ours }.map(|plugin| (name.clone(), plugin)));
        }
        (preferred.plugins, preferred.requirements) = (plugins, requirements);
        preferred.registries = manifest.registries.iter().map(|(name, registry)| (name.clone(), registry.url.clone())).collect();
        Ok(Some(preferred))
    }

    /// Where the two aren't of one mind, by name.
    pub fn disagreements(&self) -> Vec<Disagreement<'_>> {
        let (ours, theirs) = (self.ours.as_ref(), self.theirs.as_ref());
        let both = self.names().into_iter().map(|name| Disagreement {
            name,
            ours: ours.and_then(|lock| lock.plugins.get(name)),
            theirs: theirs.and_then(|lock| lock.plugins.get(name)),
        });
        both.filter(|one| one.ours != one.theirs).collect()
    }

    fn names(&self) -> BTreeSet<&PluginName> {
        [&self.ours, &self.theirs].into_iter().flatten().flat_map(|lock| lock.plugins.keys()).collect()
    }
}

/// A side's entry, unless it's from a registry that has moved.
fn entry<'l>(lock: &'l Lock, name: &PluginName, manifest: &Manifest) -> Option<&'l LockedPlugin> {
    let plugin = lock.plugins.get(name)?;
    let is_elsewhere = |registry: &RegistryName| {
        let url: Option<&RegistryUrl> = manifest.registries.get(registry).map(|registry| &registry.url);
        lock.registries.get(registry) != url
    };
    match plugin.package().map(|package| &package.pin) {
        Some(Pin::Registry { registry, .. }) if is_elsewhere(registry) => None,
        _ => Some(plugin),
    }
}

/// Is it theirs that's preferred? What nobody has moved is ours, which is the same.
fn takes_theirs(base: Option<&LockedPlugin>, ours: Option<&LockedPlugin>, theirs: Option<&LockedPlugin>) -> bool {
    match (ours, theirs) {
        (None, _) => true,
        (_, None) => false,
        (Some(_), Some(_)) if base == ours => true,
        (Some(_), Some(_)) if base == theirs => false,
        (Some(ours), Some(theirs)) => theirs.version() > ours.version(),
    }
}

fn refuse_two_contents(name: &PluginName, ours: Option<&LockedPlugin>, theirs: Option<&LockedPlugin>) -> Result<(), TwoContents> {
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return Ok(()) };
    let (Some(our), Some(their)) = (ours.package(), theirs.package()) else { return Ok(()) };
    // A folder and a branch may stay at one version while somebody works on them.
    let is_fixed = our.pin.artifact().is_some() && our.pin.source() == their.pin.source();
    if is_fixed && our.version == their.version && ours.content != theirs.content {
        return Err(TwoContents { name: name.clone(), version: our.version.clone(), ours: ours.content, theirs: theirs.content });
    }
    Ok(())
}
