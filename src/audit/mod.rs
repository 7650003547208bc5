//! What should somebody know about what's locked? Findings, each of one kind, with a severity and a place.
//!
//! Nothing here stops anything: what may not be is policy, and is refused elsewhere. Here it's told what registries warn of,
//! and what the lock and the manifest themselves show: withdrawn and unsigned versions, capabilities that reach far, plain
//! http, plugins that nobody seems to look after.

use std::collections::BTreeMap;

use jiff::Timestamp;
use mfp_model::index::IndexDocument;
use mfp_model::lock::{Lock, LockedPlugin, Warned};
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_model::registry_files::{Advisory, Severity};
use mfp_model::source::{Pin, Source, SourceId};
use mfp_model::units::Period;

use crate::advisories::{Book, shortened, words};
use crate::report::{clean, plural};

pub(crate) mod sarif;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    /// The name that people type.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Of an advisory: as its registry says, but what blocks is never less than high, and what isn't said may be anything.
    fn of(advisory: &Advisory) -> Self {
        let said = match advisory.severity {
            Severity::Low => Self::Low,
            Severity::Unknown | Severity::Medium => Self::Medium,
            Severity::High => Self::High,
            Severity::Critical => Self::Critical,
        };
        if advisory.block { said.max(Self::High) } else { said }
    }
}

/// What a finding is about, beside an advisory: the last part of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Yanked,
    Deprecated,
    Stale,
    Unsigned,
    Broad,
    Http,
    Unreadable,
}

impl Kind {
    /// Its word in ids: `unsigned/greet`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Yanked => "yanked",
            Self::Deprecated => "deprecated",
            Self::Stale => "stale",
            Self::Unsigned => "unsigned",
            Self::Broad => "broad",
            Self::Http => "http",
            Self::Unreadable => "unreadable",
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Yanked => "mfp::audit::yanked",
            Self::Deprecated => "mfp::audit::deprecated",
            Self::Stale => "mfp::audit::stale",
            Self::Unsigned => "mfp::audit::unsigned",
            Self::Broad => "mfp::audit::broad",
            Self::Http => "mfp::audit::http",
            Self::Unreadable => "mfp::audit::unreadable",
        }
    }
}

/// The subject of a finding: an advisory, or what the lock and the manifest show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Matter {
    /// Somebody warned of it.
    Advisory(Box<Advisory>),
    /// It shows by itself.
    Shown(Kind),
}

/// Where a finding is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The entry of this name in the lock.
    Lock(PluginName),
    /// A range of bytes of the manifest.
    Manifest(std::ops::Range<usize>),
}

/// One thing that somebody should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) matter: Matter,
    pub(crate) level: Level,
    /// The plugin, or the registry.
    pub(crate) name: String,
    /// Its version, of a plugin.
    pub(crate) version: Option<String>,
    /// As the rest of a sentence that begins with name and version. Neutral.
    pub(crate) message: String,
    pub(crate) place: Place,
    /// Did a person say that they know?
    pub(crate) is_ignored: bool,
}

impl Finding {
    fn shown(kind: Kind, level: Level, plugin: &LockedPlugin, message: impl Into<String>) -> Self {
        Self {
            matter: Matter::Shown(kind),
            level,
            name: plugin.name.to_string(),
            version: plugin.version().map(ToString::to_string),
            message: message.into(),
            place: Place::Lock(plugin.name.clone()),
            is_ignored: false,
        }
    }

    /// The stable code.
    pub(crate) fn code(&self) -> &'static str {
        match &self.matter {
            Matter::Advisory(_) => "mfp::policy::advisory",
            Matter::Shown(kind) => kind.code(),
        }
    }

    /// What `--ignore` takes for this very finding.
    pub(crate) fn id(&self) -> String {
        match &self.matter {
            Matter::Advisory(advisory) => clean(&advisory.id).into_owned(),
            Matter::Shown(kind) => format!("{}/{}", kind.word(), self.name),
        }
    }

    /// Does this word mean it?
    fn is_meant_by(&self, word: &str) -> bool {
        word == self.id() || matches!(&self.matter, Matter::Shown(kind) if kind.word() == word)
    }

    /// Does it stop the command, from this level on?
    pub(crate) fn counts_from(&self, level: Level) -> bool {
        let blocks = matches!(&self.matter, Matter::Advisory(advisory) if advisory.block);
        !self.is_ignored && (blocks || self.level >= level)
    }

    /// `greet 1.0.0 isn't signed`
    pub(crate) fn sentence(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        format!("{}{version} {}", self.name, self.message)
    }
}

/// What's looked at.
pub(crate) struct Subject<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) lock: &'a Lock,
    pub(crate) book: &'a Book,
    /// What registries have of the locked plugins, by the name in the project, as far as it's known.
    pub(crate) documents: &'a BTreeMap<PluginName, Option<IndexDocument>>,
    pub(crate) now: Timestamp,
    pub(crate) stale_after: Period,
}

impl Subject<'_> {
    /// Everything, the worst first, then by name. What one of these words means is marked as ignored; the second list has
    /// those that mean nothing.
    pub(crate) fn findings<'w>(&self, ignored: &'w [String]) -> (Vec<Finding>, Vec<&'w str>) {
        let mut found: Vec<Finding> = self.book.hits(self.lock).iter().map(advised).collect();
        found.extend(self.unreadable());
        found.extend(self.registries_in_the_clear());
        for plugin in self.lock.plugins.values() {
            found.extend(self.of_registry(plugin));
            found.extend(unsigned(plugin));
            found.extend(self.broad(plugin));
            found.extend(self.in_the_clear(plugin));
        }
        for finding in &mut found {
            finding.is_ignored = ignored.iter().any(|word| finding.is_meant_by(word));
        }
        found.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| (&a.name, a.id()).cmp(&(&b.name, b.id()))));
        let is_idle = |word: &&String| !found.iter().any(|finding| finding.is_meant_by(word));
        let idle = ignored.iter().filter(is_idle).map(String::as_str).collect();
        (found, idle)
    }

    /// Advisories that can't be read may be about anything.
    fn unreadable(&self) -> Vec<Finding> {
        let of = |(name, known): (&mfp_model::name::RegistryName, &crate::sources::registry::KnownAdvisories)| {
            let count = known.advisories.unreadable;
            (count > 0).then(|| Finding {
                matter: Matter::Shown(Kind::Unreadable),
                level: Level::Medium,
                name: name.to_string(),
                version: None,
                message: format!("lists {} that can't be read", plural(count, "advisory").replace("advisorys", "advisories")),
                place: Place::Manifest(self.manifest.place(&format!("registries.{name}")).unwrap_or_default()),
                is_ignored: false,
            })
        };
        self.book.0.iter().filter_map(of).collect()
    }

    fn registries_in_the_clear(&self) -> Vec<Finding> {
        let of = self.manifest.registries.iter().filter(|(_, registry)| registry.url.needs_allow_http());
        let finding = |(name, _): (&mfp_model::name::RegistryName, _)| Finding {
            matter: Matter::Shown(Kind::Http),
            level: Level::Medium,
            name: name.to_string(),
            version: None,
            message: "is a registry that's asked over plain http: what it says can be changed on its way".to_owned(),
            place: Place::Manifest(self.manifest.place(&format!("registries.{name}")).unwrap_or_default()),
            is_ignored: false,
        };
        of.map(finding).collect()
    }

    /// What its registry says of it and of what came after it.
    fn of_registry(&self, plugin: &LockedPlugin) -> Vec<Finding> {
        let Some(document) = self.documents.get(&plugin.name) else { return Vec::new() };
        let line = document.as_ref().and_then(|document| document.lines.iter().find(|line| Some(&line.version) == plugin.version()));
        let Some((document, line)) = document.as_ref().zip(line) else {
            return vec![Finding::shown(Kind::Yanked, Level::Medium, plugin, "isn't in its registry any more")];
        };
        let mut found = Vec::new();
        if line.yanked.is_yanked() {
            let why = line.yanked.reason().map(shortened).filter(|why| !why.is_empty()).map(|why| format!(": {why}")).unwrap_or_default();
            found.push(Finding::shown(Kind::Yanked, Level::Medium, plugin, format!("was withdrawn by its publisher{why}")));
        }
        let newest = document.lines.iter().max_by(|a, b| a.version.cmp(&b.version));
        if let Some(deprecated) = newest.and_then(|newest| newest.deprecated.as_ref()).or(line.deprecated.as_ref()) {
            let instead = deprecated.use_instead.as_deref().map(|other| format!("; use {}", shortened(other))).unwrap_or_default();
            let message = format!("is deprecated: {}{instead}", shortened(&deprecated.reason));
            found.push(Finding::shown(Kind::Deprecated, Level::Low, plugin, message));
        }
        let released = document.lines.iter().map(|line| line.published).max();
        if let Some(released) = released.filter(|released| {
            self.now.duration_since(*released).as_secs() > i64::try_from(self.stale_after.as_seconds()).unwrap_or(i64::MAX)
        }) {
            let message = format!("had its last release on {}, more than {} ago", released.strftime("%Y-%m-%d"), self.stale_after);
            found.push(Finding::shown(Kind::Stale, Level::Low, plugin, message));
        }
        found
    }

    /// What was approved and reaches far.
    fn broad(&self, plugin: &LockedPlugin) -> Option<Finding> {
        let granted = plugin.capabilities().intersection(plugin.approved(self.manifest)?);
        let broad = granted.broad();
        let level = Level::Low;
        (!broad.is_empty()).then(|| Finding::shown(Kind::Broad, level, plugin, format!("reaches far: {}", broad.join("; "))))
    }

    fn in_the_clear(&self, plugin: &LockedPlugin) -> Option<Finding> {
        let message = match plugin.source() {
            SourceId::Remote(mfp_model::source::RemoteEndpoint::Url(url)) if url.needs_allow_http() => {
                "is a service that's asked over plain http: what's said can be read and changed on its way"
            }
            SourceId::Url(url) if url.needs_allow_http() => "is fetched over plain http: who is asked for what can be seen",
            SourceId::Git(url) if url.needs_allow_http() => "is fetched over plain http: who is asked for what can be seen",
            _ => return None,
        };
        let entry = self.manifest.plugins.get(&plugin.name);
        let is_declared_here = |source: &Source| !matches!(source, Source::Registry { .. });
        let place = entry.filter(|entry| is_declared_here(&entry.request.source)).map(|entry| Place::Manifest(entry.span.clone()));
        let finding = Finding::shown(Kind::Http, Level::Medium, plugin, message);
        Some(Finding { place: place.unwrap_or_else(|| finding.place.clone()), ..finding })
    }
}

fn advised(hit: &Warned) -> Finding {
    Finding {
        matter: Matter::Advisory(Box::new(hit.advisory.clone())),
        level: Level::of(&hit.advisory),
        name: hit.name.to_string(),
        version: Some(hit.version.to_string()),
        message: format!("{}{}", words(&hit.advisory), if hit.advisory.block { " (blocks)" } else { "" }),
        place: Place::Lock(hit.name.clone()),
        is_ignored: false,
    }
}

/// A registry's word for an unsigned plugin is one more than nobody's: whoever writes to a URL or a repository.
fn unsigned(plugin: &LockedPlugin) -> Option<Finding> {
    let package = plugin.package().filter(|package| package.signer.is_none())?;
    let (level, message) = match &package.pin {
        // The project's own folder is reviewed with it.
        Pin::Path { .. } => return None,
        Pin::Registry { .. } => (Level::Low, "isn't signed"),
        Pin::Url { .. } => (Level::Medium, "comes from a URL, and isn't signed"),
        Pin::Git { .. } => (Level::Medium, "comes from a repository, and isn't signed"),
    };
    Some(Finding::shown(Kind::Unsigned, level, plugin, message))
}

/// Findings as lines: severity, id, sentence, and where to read more.
pub(crate) fn table(findings: &[Finding]) -> String {
    let shown: Vec<&Finding> = findings.iter().filter(|finding| !finding.is_ignored).collect();
    let width = shown.iter().map(|finding| finding.id().chars().count()).max().unwrap_or(0);
    let line = |finding: &&Finding| {
        let more = finding.url().map(|url| format!("  {url}")).unwrap_or_default();
        format!("{:8}  {:width$}  {}{more}\n", finding.level.as_str(), finding.id(), finding.sentence())
    };
    shown.iter().map(line).collect()
}

impl Finding {
    /// Where to read more: an https or http address, neutral, or nothing.
    pub(crate) fn url(&self) -> Option<String> {
        let Matter::Advisory(advisory) = &self.matter else { return None };
        let url = url::Url::parse(advisory.url.as_deref()?).ok()?;
        let is_page = matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
        (is_page && url.as_str().len() <= 500).then(|| clean(url.as_str()).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advisory(severity: &str, block: bool, url: &str) -> Finding {
        let json = serde_json::json!([{ "id": "A-1", "name": "a", "versions": "*", "severity": severity, "block": block, "url": url }]);
        let read = mfp_model::registry_files::Advisories::parse(json.to_string().as_bytes()).unwrap();
        let advisory = read.entries[0].clone();
        Finding {
            level: Level::of(&advisory),
            matter: Matter::Advisory(Box::new(advisory)),
            name: "a".to_owned(),
            version: None,
            message: String::new(),
            place: Place::Manifest(0..0),
            is_ignored: false,
        }
    }

    #[test]
    fn what_blocks_counts_whatever_is_asked_for() {
        assert!(advisory("low", true, "").counts_from(Level::Critical));
        assert!(!advisory("low", false, "").counts_from(Level::Medium));
        assert!(advisory("low", false, "").counts_from(Level::Low));
        assert!(advisory("dire", false, "").counts_from(Level::Medium), "what isn't known may be anything");
        assert!(!Finding { is_ignored: true, ..advisory("critical", true, "") }.counts_from(Level::Low));
    }

    #[test]
    fn only_pages_are_linked_to() {
        assert_eq!(advisory("low", false, "https://a.example/1").url().as_deref(), Some("https://a.example/1"));
        for url in
            ["javascript:alert(1)", "file:///etc/passwd", "https://u:p@a.example/", "no", &format!("https://a.example/{}", "x".repeat(600))]
        {
            assert_eq!(advisory("low", false, url).url(), None, "{url}");
        }
    }
}
