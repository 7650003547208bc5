//! Why is there no resolution? In data that a program can branch on, and in sentences about the user's own words.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use mfp_model::name::PluginName;
use mfp_model::requirement::Requirement;
use mfp_model::version::Version;

use crate::catalog::{Held, Origin, PackageKey};

/// One step of a chain: `plugin version` depends on `name requirement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The plugin that requires something (its entry's name).
    pub plugin: PluginName,
    /// The version that requires it.
    pub version: Version,
    /// What it requires.
    pub name: PluginName,
    /// In its own words; an override may have replaced them.
    pub requirement: Requirement,
    /// Is it required only if the project has it?
    pub optional: bool,
}

impl fmt::Display for Link {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.optional { "works only with" } else { "depends on" };
        write!(out, "{} {} {how} {} {}", self.plugin, self.version, self.name, self.requirement)
    }
}

/// A line of the manifest that a failure has to do with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The key in the manifest.
    pub entry: PluginName,
    /// What it asks for.
    pub requirement: Requirement,
    /// The line in the manifest, from 1.
    pub line: Option<u32>,
    /// Does the manifest say where to find it (a URL, git, a folder), so that its requirement is no news?
    pub declared: bool,
}

impl fmt::Display for Wanted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says_nothing = self.declared || self.requirement == Requirement::any();
        if says_nothing { write!(out, "{}", self.entry) } else { write!(out, "{} {}", self.entry, self.requirement) }
    }
}

/// Who requires something, from the project on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The project's own wish that it begins with.
    pub root: Wanted,
    /// From there on; empty if the project itself is who requires it.
    pub links: Vec<Link>,
}

impl fmt::Display for Chain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "your project wants {}", self.root)?;
        self.links.iter().try_for_each(|link| write!(out, ", {link}"))
    }
}

/// Why a candidate wasn't taken into account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exclusion {
    /// Yanked, with the publisher's reason (which may be empty).
    Yanked {
        /// Why, in the publisher's words.
        reason: String,
    },
    /// Published after the cutoff of `min-release-age`.
    TooNew {
        /// When it was published.
        published: Timestamp,
    },
    /// A pre-release that no requirement of the project names.
    Prerelease,
    /// It doesn't support all hosts that the project must support.
    Host {
        /// What the project must support.
        project: Requirement,
        /// What it supports.
        plugin: Requirement,
    },
    /// The caller keeps it back.
    Held(Held),
}

impl Exclusion {
    /// The setting that excluded it, as it's written, if it's a setting.
    pub fn setting(&self) -> Option<&str> {
        match self {
            Self::TooNew { .. } => Some("min-release-age"),
            Self::Host { .. } => Some("mockforge"),
            Self::Held(held) => held.setting.as_deref(),
            Self::Yanked { .. } | Self::Prerelease => None,
        }
    }
}

/// A candidate that would have solved the problem, had it not been excluded. It was tried: with it there's a resolution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The entry's name.
    pub entry: PluginName,
    /// The version that would have helped.
    pub version: Version,
    /// Why it wasn't taken into account; never empty.
    pub excluded: Vec<Exclusion>,
    /// What to type to take it anyway, if there's a command that does.
    pub command: Option<String>,
    /// The hint as a sentence, the command included.
    pub text: String,
}

/// Requirements that can't hold together, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The project's lines that exclude each other: taking one away is enough to remove this conflict. In the manifest's order.
    pub roots: Vec<Wanted>,
    /// One shortest chain of facts that shows why, each a sentence without its full stop.
    pub sentences: Vec<String>,
    /// What follows from them, without its full stop.
    pub conclusion: String,
    /// What would have helped.
    pub hints: Vec<Hint>,
    /// The whole proof in plain words, for `-v`; may be long.
    pub proof: String,
    /// Does only policy stand in the way (exit code 5)?
    pub only_policy: bool,
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sentences.split_last() {
            None => write!(out, "{}.", capital(&self.conclusion)),
            Some((last, [])) => write!(out, "Because {last},\n{}.", self.conclusion),
            Some((last, rest)) => write!(out, "Because {}\nand {last},\n{}.", rest.join(",\n"), self.conclusion),
        }
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// A plugin that's needed and that its registry doesn't have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    /// What isn't there.
    pub key: PackageKey,
    /// Who requires it.
    pub chain: Chain,
}

/// One name that would have to come from two places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwoSources {
    /// The name.
    pub name: PluginName,
    /// One place and who decided for it.
    pub first: (Origin, Chain),
    /// The other.
    pub second: (Origin, Chain),
}

/// An alias whose key a dependency needs as a plugin's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasTaken {
    /// The alias.
    pub alias: Wanted,
    /// What the alias stands for.
    pub package: PluginName,
    /// Who needs a plugin of that name.
    pub chain: Chain,
}

/// Plugins that depend on each other in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// The circle: each link's name is the next link's plugin, and the last one's the first one's.
    pub links: Vec<Link>,
    /// How the project gets into it; its last link (or its root) names a plugin of the circle.
    pub chain: Chain,
}

/// Why there's no resolution (yet).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    /// Nothing is wrong: these names must be known before the decision can be made. Put each into the catalog, and ask again.
    #[error("{} plugins must be looked up first", .0.len())]
    Missing(BTreeSet<PackageKey>),
    /// Requirements that can't hold together.
    #[error("these plugins can't be had together")]
    Conflict(Box<Conflict>),
    /// A plugin that's needed doesn't exist.
    #[error("plugin '{}' not found in {}", .0.key.name, .0.key.origin)]
    NotFound(Box<NotFound>),
    /// One name would have to come from two places.
    #[error("plugin '{}' would have to come from {} and from {}", .0.name, .0.first.0, .0.second.0)]
    TwoSources(Box<TwoSources>),
    /// An alias has a name that a dependency needs.
    #[error("'{}' is your project's alias for '{}', and a plugin of that name is needed too", .0.alias.entry, .0.package)]
    AliasTaken(Box<AliasTaken>),
    /// Plugins depend on each other in a circle.
    #[error("plugins depend on each other in a circle: {}", circle(.0))]
    Cycle(Box<Cycle>),
    /// A plugin that the manifest declares by URL, git or folder has a dependency, and no registry is set for it.
    #[error("{requirer} depends on {name}, and your project has no registry to get it from")]
    NoRegistry {
        /// The declared plugin.
        requirer: Wanted,
        /// What it depends on.
        name: PluginName,
        /// In these words.
        requirement: Requirement,
    },
    /// One name stands in the manifest several times with different values.
    #[error("'{entry}' stands in the manifest more than once, with different values")]
    UnequalRoots {
        /// The name.
        entry: PluginName,
        /// The lines, as far as they're known.
        lines: Vec<u32>,
    },
    /// The search took more than [`crate::Request::max_decisions`].
    #[error("gave up after {decisions} decisions; hardest were {}", list(fought))]
    Budget {
        /// How many decisions were made.
        decisions: u64,
        /// The plugins that it fought over most, worst first, at most five.
        fought: Vec<PluginName>,
    },
    /// The caller's `should_cancel` said so.
    #[error("cancelled")]
    Cancelled,
}

impl Unresolved {
    /// The stable code of the error; [`Unresolved::Missing`] has one too, though nobody should ever see it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "mfp::resolve::missing",
            Self::Conflict(_) => "mfp::resolve::conflict",
            Self::NotFound(_) => "mfp::resolve::not-found",
            Self::TwoSources(_) => "mfp::resolve::two-sources",
            Self::AliasTaken(_) => "mfp::resolve::alias-taken",
            Self::Cycle(_) => "mfp::resolve::cycle",
            Self::NoRegistry { .. } => "mfp::resolve::no-registry",
            Self::UnequalRoots { .. } => "mfp::resolve::unequal-roots",
            Self::Budget { .. } => "mfp::resolve::budget",
            Self::Cancelled => "mfp::resolve::cancelled",
        }
    }

    /// What happened in detail: sentences to print below the message, if there are any.
    pub fn details(&self) -> Option<String> {
        match self {
            Self::Conflict(conflict) => Some(conflict.to_string()),
            Self::NotFound(it) => Some(it.chain.to_string()),
            Self::TwoSources(it) => Some(format!("from {}: {}\nfrom {}: {}", it.first.0, it.first.1, it.second.0, it.second.1)),
            Self::AliasTaken(it) => Some(it.chain.to_string()),
            Self::Cycle(it) => {
                let links: Vec<String> = it.links.iter().map(ToString::to_string).collect();
                Some(format!("{}\n{}", links.join(",\n"), it.chain))
            }
            Self::NoRegistry { requirer, name, requirement } => Some(format!("{requirer} depends on {name} {requirement}")),
            Self::Missing(_) | Self::UnequalRoots { .. } | Self::Budget { .. } | Self::Cancelled => None,
        }
    }

    /// What to do next, if it can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Conflict(conflict) if conflict.hints.is_empty() => None,
            Self::Conflict(conflict) => Some(conflict.hints.iter().map(|hint| hint.text.as_str()).collect::<Vec<_>>().join("\n")),
            Self::TwoSources(it) => Some(format!(
                "say which one you mean: `{} = {{ version = \"…\", registry = \"…\" }}` under [plugins]; it then holds for everyone",
                it.name
            )),
            Self::AliasTaken(it) => {
                Some(format!("give the alias another name: `mfp remove {0}`, then `mfp add {1} --rename NAME`", it.alias.entry, it.package))
            }
            Self::Cycle(_) => Some("ask the authors: plugins can't be loaded in an order that suits a circle".to_owned()),
            Self::NoRegistry { .. } => Some("add one to the manifest: `[registries]` with `default = \"https://…/\"`".to_owned()),
            Self::UnequalRoots { entry, .. } => Some(format!("give every `{entry}` the same value, or keep one")),
            Self::Budget { .. } => Some("narrow the requirements on these plugins, or add `[overrides]` for them".to_owned()),
            Self::Missing(_) | Self::NotFound(_) | Self::Cancelled => None,
        }
    }
}

fn circle(cycle: &Cycle) -> String {
    let mut names: Vec<&str> = cycle.links.iter().map(|link| link.plugin.as_str()).collect();
    names.extend(cycle.links.first().map(|link| link.plugin.as_str()));
    names.join(" → ")
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
    match texts.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
