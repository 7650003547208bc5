//! Where does a plugin come from? [`Source`] is what a manifest asks for, [`Pin`] is what a lock found.
//!
//! They're different types, so that "is this reproducible?" is the compiler's question: a `Source` may name a moving
//! branch, a `Pin` names a commit; a `Source` may name any version in a range, a `Pin` stands beside exactly one with
//! its digests. Both are values of the text alone: relative addresses stay relative, nothing is looked up here.

mod artifact;
mod git;
mod path;
mod registry;
mod spec;
mod url;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

pub use self::artifact::{ArchiveFormat, Artifact, UnknownFormat};
pub use self::git::{CommitId, GitReference, GitUrl, RefError, RefName, Revision};
pub use self::path::{MAX_RELATIVE_PATH_BYTES, RelativePath, RelativePathError};
pub use self::registry::{Registry, RegistryKind, UnknownRegistryKind};
pub use self::spec::{AskedRef, GitSpec, Said, Spec, SpecError, is_path};
pub use self::url::{ArtifactUrl, MAX_URL_BYTES, Origin, Redacted, RegistryUrl, RemoteUrl, UrlError, is_loopback, is_plain_http_elsewhere};
use crate::capability::{EnvName, EnvNameError};
use crate::content::PackagePath;
use crate::digest::Sha256;
use crate::name::{GroupName, NameError, PluginName, RegistryName};
use crate::plugin::PluginType;
use crate::requirement::Requirement;
use crate::toml::InlineText;
use crate::version::Version;

/// How long a call to a remote plugin may take, in milliseconds, if the manifest doesn't say.
pub const REMOTE_TIMEOUT_MS: u64 = 5000;
/// How often a call to a remote plugin is tried again, if the manifest doesn't say.
pub const REMOTE_RETRIES: u64 = 3;
/// Seconds between health checks of a remote plugin, if the manifest doesn't say.
pub const REMOTE_HEALTH_CHECK_INTERVAL: u64 = 30;

/// What a manifest asks for, in canonical form: defaults filled in, names resolved. Two sources are equal exactly if
/// their canonical texts are. Permissions (`allow-http`) aren't part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A version from a registry.
    Registry {
        /// The versions that will do.
        requirement: Requirement,
        /// The registry's name in the manifest; a plain requirement means the project's default.
        registry: RegistryName,
    },
    /// An archive or a bare module at an address.
    Url {
        /// The address.
        url: ArtifactUrl,
        /// The archive's digest, if the manifest pins it.
        sha256: Option<Sha256>,
        /// What a bare module says by itself.
        bare: BareWasm,
    },
    /// A folder of a git repository.
    Git {
        /// The repository.
        url: GitUrl,
        /// What of it.
        reference: GitReference,
        /// The plugin's folder in it; the root if `None`.
        subdir: Option<PackagePath>,
        /// Whether submodules count as part of the tree.
        submodules: bool,
    },
    /// A folder or a bare module beside the project.
    Path {
        /// Where it is.
        path: RelativePath,
        /// What a bare module says by itself.
        bare: BareWasm,
    },
    /// A service that speaks the remote-plugin protocol.
    Remote {
        /// Its address, or the environment variable that holds it.
        endpoint: RemoteEndpoint,
        /// What it answers; at least one.
        types: BTreeSet<PluginType>,
        /// Milliseconds that one call may take.
        timeout_ms: u64,
        /// How often a call is tried again.
        retries: u64,
        /// Seconds between health checks.
        health_check_interval: u64,
    },
}

/// What a manifest says in place of a bare module's own `plugin.yaml`. Empty for everything else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BareWasm {
    /// Its types.
    pub types: BTreeSet<PluginType>,
    /// Its version; 0.0.0 if it isn't said.
    pub version: Option<Version>,
}

/// Where a remote plugin is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemoteEndpoint {
    /// At this address.
    Url(RemoteUrl),
    /// At the address that this environment variable holds when the plugin is called.
    Env(EnvName),
}

impl fmt::Display for RemoteEndpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => fmt::Display::fmt(url, out),
            Self::Env(name) => write!(out, "env:{name}"),
        }
    }
}

impl Source {
    /// The kind of source, as patterns of a policy and tables of limits name it.
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Registry { .. } => SourceKind::Registry,
            Self::Url { .. } => SourceKind::Url,
            Self::Git { .. } => SourceKind::Git,
            Self::Path { .. } => SourceKind::Path,
            Self::Remote { .. } => SourceKind::Remote,
        }
    }

    /// Where from, without which version: the `source` that a lock's entry for it must have.
    pub fn id(&self) -> SourceId {
        match self {
            Self::Registry { registry, .. } => SourceId::Registry(registry.clone()),
            Self::Url { url, .. } => SourceId::Url(url.clone()),
            Self::Git { url, .. } => SourceId::Git(url.clone()),
            Self::Path { path, .. } => SourceId::Path(path.clone()),
            Self::Remote { endpoint, .. } => SourceId::Remote(endpoint.clone()),
        }
    }

    /// The versions that will do, if the source leaves a choice.
    pub fn requirement(&self) -> Option<&Requirement> {
        match self {
            Self::Registry { requirement, .. } => Some(requirement),
            _ => None,
        }
    }
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// From a registry.
    Registry,
    /// From an address.
    Url,
    /// From a git repository.
    Git,
    /// From a folder beside the project.
    Path,
    /// A service.
    Remote,
}

/// A text that isn't a kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a source is one of `registry`, `url`, `git`, `path` and `remote`")]
pub struct UnknownSourceKind;

impl SourceKind {
    /// All kinds, in order.
    pub const ALL: [Self; 5] = [Self::Registry, Self::Url, Self::Git, Self::Path, Self::Remote];

    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Url => "url",
            Self::Git => "git",
            Self::Path => "path",
            Self::Remote => "remote",
        }
    }
}

impl FromStr for SourceKind {
    type Err = UnknownSourceKind;

    fn from_str(text: &str) -> Result<Self, UnknownSourceKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownSourceKind)
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// Where from, as `source` in locks and approvals says it: `registry+default`, `url+https://…`, `git+https://…`,
/// `path+../x`, `remote+http://…`, `remote+env:NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceId {
    /// A registry, by its name in the project.
    Registry(RegistryName),
    /// An address.
    Url(ArtifactUrl),
    /// A repository.
    Git(GitUrl),
    /// A folder or bare module beside the project.
    Path(RelativePath),
    /// A service.
    Remote(RemoteEndpoint),
}

/// Why a text isn't a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceIdError {
    /// No kind, or an unknown one.
    #[error("a source starts with `registry+`, `url+`, `git+`, `path+` or `remote+`")]
    Kind,
    /// `registry+` and no name.
    #[error(transparent)]
    Registry(#[from] NameError),
    /// An address that isn't one.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A path that isn't one.
    #[error(transparent)]
    Path(#[from] RelativePathError),
    /// `remote+env:` and no name.
    #[error(transparent)]
    Env(#[from] EnvNameError),
}

impl SourceId {
    /// The kind.
    pub fn kind(&self) -> SourceKind {
        match self {
            Self::Registry(_) => SourceKind::Registry,
            Self::Url(_) => SourceKind::Url,
            Self::Git(_) => SourceKind::Git,
            Self::Path(_) => SourceKind::Path,
            Self::Remote(_) => SourceKind::Remote,
        }
    }

    /// The source as it may be shown: without the values of a URL's query.
    pub fn redacted(&self) -> String {
        match self {
            Self::Url(url) => format!("url+{}", url.redacted()),
            _ => self.to_string(),
        }
    }
}

impl FromStr for SourceId {
    type Err = SourceIdError;

    fn from_str(text: &str) -> Result<Self, SourceIdError> {
        let (kind, rest) = text.split_once('+').ok_or(SourceIdError::Kind)?;
        Ok(match kind.parse().map_err(|_| SourceIdError::Kind)? {
            SourceKind::Registry => Self::Registry(rest.parse()?),
            SourceKind::Url => Self::Url(rest.parse()?),
            SourceKind::Git => Self::Git(rest.parse()?),
            SourceKind::Path => Self::Path(rest.parse()?),
            SourceKind::Remote => Self::Remote(match rest.strip_prefix("env:") {
                Some(name) => RemoteEndpoint::Env(name.parse()?),
                None => RemoteEndpoint::Url(rest.parse()?),
            }),
        })
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}+", self.kind())?;
        match self {
            Self::Registry(name) => fmt::Display::fmt(name, out),
            Self::Url(url) => fmt::Display::fmt(url, out),
            Self::Git(url) => fmt::Display::fmt(url, out),
            Self::Path(path) => fmt::Display::fmt(path, out),
            Self::Remote(endpoint) => fmt::Display::fmt(endpoint, out),
        }
    }
}

impl Serialize for SourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a lock found: as much as it takes to fetch the same bytes again. The version and the content digest, which every
/// kind has, stand beside it in the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pin {
    /// A version of a registry.
    Registry {
        /// The registry's name in the project.
        registry: RegistryName,
        /// When the version was published, by the registry's word.
        published: jiff::Timestamp,
        /// The archive.
        artifact: Artifact,
    },
    /// An archive or bare module at an address.
    Url {
        /// The address.
        url: ArtifactUrl,
        /// The archive.
        artifact: Artifact,
    },
    /// A commit of a repository.
    Git {
        /// The repository.
        url: GitUrl,
        /// The ref that the commit was found through, and is fetched through.
        reference: GitReference,
        /// The commit.
        commit: CommitId,
        /// The plugin's folder in it; the root if `None`.
        subdir: Option<PackagePath>,
        /// Whether submodules count as part of the tree.
        submodules: bool,
    },
    /// A folder or bare module beside the project.
    Path {
        /// Where it is.
        path: RelativePath,
    },
}

impl Pin {
    /// Where from.
    pub fn source(&self) -> SourceId {
        match self {
            Self::Registry { registry, .. } => SourceId::Registry(registry.clone()),
            Self::Url { url, .. } => SourceId::Url(url.clone()),
            Self::Git { url, .. } => SourceId::Git(url.clone()),
            Self::Path { path } => SourceId::Path(path.clone()),
        }
    }

    /// The archive, for the sources that have one.
    pub fn artifact(&self) -> Option<&Artifact> {
        match self {
            Self::Registry { artifact, .. } | Self::Url { artifact, .. } => Some(artifact),
            Self::Git { .. } | Self::Path { .. } => None,
        }
    }

    /// The commit, for git.
    pub fn commit(&self) -> Option<&CommitId> {
        match self {
            Self::Git { commit, .. } => Some(commit),
            _ => None,
        }
    }
}

/// One direct plugin as it's asked for: the value of a line in the lock's `[requirements]`.
///
/// Its [`Display`](fmt::Display) is the canonical text that decides whether a lock is fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where from, and which.
    pub source: Source,
    /// The plugin's own name, if the project calls it by another (an alias).
    pub package: Option<PluginName>,
    /// The optional groups that it belongs to. Empty: it's always wanted.
    pub groups: BTreeSet<GroupName>,
}

impl Request {
    /// A request for a source under the plugin's own name, always wanted.
    pub fn new(source: Source) -> Self {
        Self { source, package: None, groups: BTreeSet::new() }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = InlineText::new();
        write_source(&self.source, &mut line, self.package.as_ref());
        if !self.groups.is_empty() {
            line.strings("groups", self.groups.iter().map(GroupName::as_str));
        }
        out.write_str(&line.finish())
    }
}

fn write_source(source: &Source, line: &mut InlineText, package: Option<&PluginName>) {
    let alias = |line: &mut InlineText| {
        if let Some(package) = package {
            line.string("package", package.as_str());
        }
    };
    match source {
        Source::Registry { requirement, registry } => {
            line.string("requirement", &requirement.to_string());
            alias(line);
            line.string("registry", registry.as_str());
        }
        Source::Url { url, sha256, bare } => {
            line.string("url", &url.to_string());
            if let Some(sha256) = sha256 {
                line.string("sha256", &sha256.hex());
            }
            write_bare(bare, line);
            alias(line);
        }
        Source::Git { url, reference, subdir, submodules } => {
            line.string("git", &url.to_string());
            write_git(reference, None, subdir.as_ref(), *submodules, line);
            alias(line);
        }
        Source::Path { path, bare } => {
            line.string("path", path.as_str());
            write_bare(bare, line);
            alias(line);
        }
        Source::Remote { endpoint, types, timeout_ms, retries, health_check_interval } => {
            match endpoint {
                RemoteEndpoint::Url(url) => line.string("remote", &url.to_string()),
                RemoteEndpoint::Env(name) => {
                    let mut env = InlineText::new();
                    env.string("env", name.as_str());
                    line.raw("remote", &env.finish());
                }
            }
            line.strings("types", types.iter().map(|one| one.as_str()));
            line.integer("timeout-ms", *timeout_ms);
            line.integer("retries", *retries);
            line.integer("health-check-interval", *health_check_interval);
        }
    }
}

fn write_bare(bare: &BareWasm, line: &mut InlineText) {
    if !bare.types.is_empty() {
        line.strings("types", bare.types.iter().map(|one| one.as_str()));
    }
    if let Some(version) = &bare.version {
        line.string("version", &version.to_string());
    }
}

/// `tag = …, commit = …, subdir = …, submodules = true`, as requirements and entries both have them.
pub(crate) fn write_git(
    reference: &GitReference,
    commit: Option<&CommitId>,
    subdir: Option<&PackagePath>,
    submodules: bool,
    line: &mut InlineText,
) {
    if let Some((key, value)) = reference.key_and_value() {
        line.string(key, value);
    }
    if let Some(commit) = commit {
        line.string("commit", commit.as_str());
    }
    if let Some(subdir) = subdir {
        line.string("subdir", subdir.as_str());
    }
    if submodules {
        line.raw("submodules", "true");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_ids_have_one_spelling() {
        for text in [
            "registry+default",
            "url+https://cdn.acme.example/csv-2.0.0.tar.gz?x=1",
            "url+file:../csv.zip",
            "git+https://github.com/acme/plugins",
            "git+git@host.example:u/r",
            "path+../my-plugin",
            "remote+http://auth-plugin:8080",
            "remote+env:AUTH_URL",
        ] {
            assert_eq!(text.parse::<SourceId>().unwrap().to_string(), text);
        }
        for text in ["default", "registry+", "registry+A", "ftp+x", "path+/etc", "remote+env:", "url+ftp://x", ""] {
            assert!(text.parse::<SourceId>().is_err(), "{text}");
        }
        assert_eq!("url+https://a.example/x.zip?token=s".parse::<SourceId>().unwrap().redacted(), "url+https://a.example/x.zip?token=…");
    }

    #[test]
    fn a_request_prints_as_a_line_of_the_lock() {
        let source = Source::Registry { requirement: "1.2".parse().unwrap(), registry: "default".parse().unwrap() };
        assert_eq!(Request::new(source.clone()).to_string(), r#"{ requirement = "^1.2", registry = "default" }"#);
        let request = Request { source, package: Some("x".parse().unwrap()), groups: ["b".parse().unwrap(), "a".parse().unwrap()].into() };
        assert_eq!(request.to_string(), r#"{ requirement = "^1.2", package = "x", registry = "default", groups = ["a", "b"] }"#);
        let remote = Source::Remote {
            endpoint: RemoteEndpoint::Url("http://auth-plugin:8080".parse().unwrap()),
            types: [PluginType::Auth].into(),
            timeout_ms: REMOTE_TIMEOUT_MS,
            retries: REMOTE_RETRIES,
            health_check_interval: REMOTE_HEALTH_CHECK_INTERVAL,
        };
        assert_eq!(
            Request::new(remote).to_string(),
            r#"{ remote = "http://auth-plugin:8080", types = ["auth"], timeout-ms = 5000, retries = 3, health-check-interval = 30 }"#
        );
    }
}
