//! What does the project allow at all? Rules over the whole lock, and the grammar of source patterns.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::license::AllowedLicense;
use crate::name::{PluginName, RegistryName};
use crate::signer::Signer;
use crate::source::{ArtifactUrl, GitUrl, RegistryUrl, RelativePath, RemoteUrl, SourceId, SourceKind};
use crate::text::nearest;
use crate::units::Period;

/// `[policy]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Versions younger than this aren't chosen. A locked version is never too new.
    pub min_release_age: MinReleaseAge,
    /// Whether every plugin must be signed.
    pub require_signatures: bool,
    /// What `sync` and load do about a blocking advisory.
    pub advisories: Advisories,
    /// The licences that are allowed; `None`: all.
    pub licenses: Option<BTreeSet<AllowedLicense>>,
    /// The sources that are allowed; `None`: all; empty: none.
    pub allow: Option<Vec<SourcePattern>>,
    /// The sources that are denied, whatever `allow` says.
    pub deny: Vec<SourcePattern>,
    /// Publishers' keys that the project pins.
    pub keys: BTreeMap<PluginName, BTreeSet<Signer>>,
    /// Stricter caps by kind of source.
    pub limits: BTreeMap<SourceKind, Limits>,
}

/// `min-release-age`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MinReleaseAge {
    /// How old a version has to be to be chosen; zero by default.
    pub age: Period,
    /// The plugins that it isn't asked of.
    pub except: BTreeSet<PluginName>,
}

/// What `sync` and load do about a blocking advisory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Advisories {
    /// Say it.
    #[default]
    Warn,
    /// Stop.
    Deny,
}

/// A text that isn't a way to treat advisories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`advisories` is `warn` or `deny`")]
pub struct UnknownAdvisories;

impl FromStr for Advisories {
    type Err = UnknownAdvisories;

    fn from_str(text: &str) -> Result<Self, UnknownAdvisories> {
        match text {
            "warn" => Ok(Self::Warn),
            "deny" => Ok(Self::Deny),
            _ => Err(UnknownAdvisories),
        }
    }
}

/// Caps that are stricter than the sandbox's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Guest time of a call in milliseconds.
    pub time_ms: Option<u64>,
}

/// A pattern of sources: `kind:` and an exact address, or a beginning that ends in `:*` or `/*`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourcePattern {
    kind: SourceKind,
    rest: String,
    prefix: bool,
}

/// Why a text isn't a source pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Another kind, or none.
    #[error("a pattern starts with `registry:`, `url:`, `git:`, `path:` or `remote:`{}", did_you_mean(*.meant))]
    Kind {
        /// The kind that was probably meant.
        meant: Option<&'static str>,
    },
    /// `*` anywhere but at the end, or not after `:` or `/`.
    #[error("`*` is only allowed at the end, after `:` or `/`")]
    Star,
    /// An exact pattern whose address isn't one.
    #[error("not an address of that kind: {0}")]
    Address(String),
}

fn did_you_mean(meant: Option<&'static str>) -> String {
    meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}:`?"))
}

impl FromStr for SourcePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (kind, rest) = text.split_once(':').ok_or(PatternError::Kind { meant: None })?;
        let names = SourceKind::ALL.iter().map(|kind| kind.as_str());
        let kind: SourceKind = kind.parse().map_err(|_| PatternError::Kind { meant: nearest(kind, names) })?;
        let Some(beginning) = rest.strip_suffix('*') else {
            return Ok(Self { kind, rest: exact(kind, rest)?, prefix: false });
        };
        if beginning.contains('*') || !matches!(beginning.as_bytes().last(), None | Some(b':' | b'/')) {
            return Err(PatternError::Star);
        }
        Ok(Self { kind, rest: normalised_beginning(beginning), prefix: true })
    }
}

/// The address in its one spelling, so that a pattern means what it says however it's typed.
fn exact(kind: SourceKind, rest: &str) -> Result<String, PatternError> {
    fn canonical<T: FromStr<Err: fmt::Display> + fmt::Display>(text: &str) -> Result<String, PatternError> {
        text.parse::<T>().map(|value| value.to_string()).map_err(|error| PatternError::Address(error.to_string()))
    }
    if rest.contains('*') {
        return Err(PatternError::Star);
    }
    match kind {
        SourceKind::Registry => canonical::<RegistryUrl>(rest),
        SourceKind::Url => canonical::<ArtifactUrl>(rest),
        SourceKind::Git => canonical::<GitUrl>(rest),
        SourceKind::Path => canonical::<RelativePath>(rest),
        SourceKind::Remote if rest.starts_with("env:") => Ok(rest.to_owned()),
        SourceKind::Remote => canonical::<RemoteUrl>(rest),
    }
}

/// A beginning that is a whole URL is spelt as URLs are; anything shorter (`http:`) is kept.
fn normalised_beginning(beginning: &str) -> String {
    match url::Url::parse(beginning) {
        Ok(url) if url.has_host() && beginning.ends_with('/') => url.to_string(),
        _ => beginning.to_owned(),
    }
}

impl SourcePattern {
    /// The kind of sources that it's about.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// Does it take in this address of this kind, in its one spelling?
    fn admits(&self, kind: SourceKind, address: &str) -> bool {
        self.kind == kind && if self.prefix { address.starts_with(&self.rest) } else { address == self.rest }
    }
}

impl fmt::Display for SourcePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}{}", self.kind, self.rest, if self.prefix { "*" } else { "" })
    }
}

impl fmt::Debug for SourcePattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// What a policy says about a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be used.
    Allowed,
    /// A pattern of `deny` takes it in.
    Denied(SourcePattern),
    /// No pattern of `allow` takes it in.
    NotAllowed,
}

impl Policy {
    /// May a plugin come from here? `registries` are the project's; a registry is judged by its URL.
    pub fn judge(&self, source: &SourceId, registries: &BTreeMap<RegistryName, RegistryUrl>) -> Verdict {
        match source {
            SourceId::Registry(name) => match registries.get(name) {
                Some(url) => self.judge_address(SourceKind::Registry, &url.to_string()),
                None => self.judge_address(SourceKind::Registry, ""),
            },
            SourceId::Url(url) => self.judge_address(SourceKind::Url, &url.to_string()),
            SourceId::Git(url) => self.judge_address(SourceKind::Git, &url.to_string()),
            SourceId::Path(path) => self.judge_address(SourceKind::Path, path.as_str()),
            SourceId::Remote(endpoint) => self.judge_address(SourceKind::Remote, &endpoint.to_string()),
        }
    }

    /// The same of a registry whose URL is at hand: the lock may say another than the manifest.
    pub fn judge_registry(&self, url: &RegistryUrl) -> Verdict {
        self.judge_address(SourceKind::Registry, &url.to_string())
    }

    /// The pattern of `deny` that takes in the address that a variable holds. `allow` has judged the variable.
    pub fn denies_service(&self, url: &RemoteUrl) -> Option<SourcePattern> {
        self.denying(SourceKind::Remote, &url.to_string()).cloned()
    }

    fn denying(&self, kind: SourceKind, address: &str) -> Option<&SourcePattern> {
        self.deny.iter().find(|pattern| pattern.admits(kind, address))
    }

    fn judge_address(&self, kind: SourceKind, address: &str) -> Verdict {
        if let Some(pattern) = self.denying(kind, address) {
            return Verdict::Denied(pattern.clone());
        }
        match &self.allow {
            Some(allow) if !allow.iter().any(|pattern| pattern.admits(kind, address)) => Verdict::NotAllowed,
            _ => Verdict::Allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: Option<&[&str]>, deny: &[&str]) -> Policy {
        let parse = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect();
        Policy { allow: allow.map(parse), deny: parse(deny), ..Policy::default() }
    }

    fn judge(policy: &Policy, source: &str) -> Verdict {
        let registries = [("default".parse().unwrap(), "https://plugins.acme.example/".parse().unwrap())].into();
        policy.judge(&source.parse().unwrap(), &registries)
    }

    #[test]
    fn deny_wins_and_an_empty_allow_is_none() {
        let rules = policy(Some(&["registry:*", "git:https://GitHub.com/acme/*", "path:*", "url:*"]), &["url:http:*"]);
        for source in ["registry+default", "git+https://github.com/acme/plugins", "path+../x", "url+https://a.example/x.zip"] {
            assert_eq!(judge(&rules, source), Verdict::Allowed, "{source}");
        }
        assert_eq!(judge(&rules, "git+https://github.com/acme-evil/plugins"), Verdict::NotAllowed);
        assert_eq!(judge(&rules, "git+https://github.com.evil.example/acme/x"), Verdict::NotAllowed);
        assert_eq!(judge(&rules, "url+http://a.example/x.zip"), Verdict::Denied("url:http:*".parse().unwrap()));
        assert_eq!(judge(&policy(Some(&[]), &[]), "registry+default"), Verdict::NotAllowed);
        assert_eq!(judge(&policy(None, &[]), "registry+default"), Verdict::Allowed);
    }

    #[test]
    fn an_exact_pattern_is_exact_on_the_normalised_address() {
        let rules = policy(Some(&["registry:https://Plugins.acme.example"]), &[]);
        assert_eq!(judge(&rules, "registry+default"), Verdict::Allowed);
        assert_eq!(judge(&policy(Some(&["path:./x"]), &[]), "path+x"), Verdict::Allowed);
        assert_eq!(judge(&policy(Some(&["path:x"]), &[]), "path+x/y"), Verdict::NotAllowed);
    }

    #[test]
    fn stars_stand_at_the_end_of_something_whole() {
        for text in ["git:https://github.com/acme*", "*", "git:*x", "git:https://*/x", "git:**", "registry"] {
            assert!(text.parse::<SourcePattern>().is_err(), "{text}");
        }
        assert_eq!("gti:*".parse::<SourcePattern>(), Err(PatternError::Kind { meant: Some("git") }));
    }
}
