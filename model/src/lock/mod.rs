//! What does the project run? `plugins.lock`, as values, and its one text.
//!
//! A lock holds nothing of the host, the clock or the tool's version: the same manifest and the same resolution give the
//! same bytes everywhere. It arrives in pull requests, so reading it is strict: every key of an entry is mandatory and in
//! its place, entries are sorted, every edge leads to an entry and every entry is reached. A lock that was cut anywhere
//! either can't be read or isn't fresh; it is never a shorter project.

mod approval;
mod build;
mod check;
mod error;
mod fresh;
pub(crate) mod keys;
pub mod merge;
mod read;
mod violation;
mod warned;
mod wire;
mod write;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use self::approval::{Unapproved, unapproved};
pub use self::build::remote_content;
pub use self::error::{LockError, LockErrorKind};
pub use self::fresh::{Stale, contradictions, staleness};
pub use self::violation::{Violation, denied_sources, violations};
pub use self::warned::{Warned, denied_by_advisories, warned};
pub(crate) use self::write::write_capability_sets;
use crate::capability::Capabilities;
use crate::digest::ContentDigest;
use crate::name::{PluginName, RegistryName};
use crate::plugin::{Dependency, HostRange, Metadata, PluginType};
use crate::project::Strategy;
use crate::requirement::Requirement;
use crate::signer::Signer;
use crate::source::{Pin, RegistryUrl, RemoteEndpoint, Request, SourceId};
use crate::version::Version;

/// The name of the lock's file.
pub const LOCK_FILE: &str = "plugins.lock";
/// The version of the format. A lock with a higher one says what this mfp can't know, and isn't read.
pub const VERSION: u64 = 1;
/// The revision of the format. A lock with a higher one has keys that this mfp may ignore, and isn't written.
pub const REVISION: u64 = 0;
/// The first line of every lock.
pub const HEADER: &str = "# This file is written by mfp. Commit it; don't edit it.";

/// What a project runs.
///
/// [`Lock::parse`] and [`Lock::check`] promise that it's closed: every requirement and every dependency has its entry,
/// from a source that may satisfy it, and every entry is wanted by one.
#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    /// The revision that the text had; at most [`REVISION`] for what this mfp made.
    revision: u64,
    /// What else decided the choice.
    pub options: LockOptions,
    /// Requirements that replaced every other on a plugin.
    pub overrides: BTreeMap<PluginName, Requirement>,
    /// The registries' URLs, as the manifest has them; mirrors never appear.
    pub registries: BTreeMap<RegistryName, RegistryUrl>,
    /// What was asked for directly.
    pub requirements: BTreeMap<PluginName, Request>,
    /// What was found, by the name that the project has for it.
    pub plugins: BTreeMap<PluginName, LockedPlugin>,
}

/// The resolver's inputs beside requirements, in full: defaults may change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockOptions {
    /// The hosts that all plugins must support.
    pub mockforge: Option<Requirement>,
    /// Which of the versions that will do is chosen.
    pub strategy: Strategy,
}

/// One entry of a lock.
#[derive(Debug, Clone, PartialEq)]
pub struct LockedPlugin {
    /// The name that the project has for it.
    pub name: PluginName,
    /// The calls that it answers.
    pub types: BTreeSet<PluginType>,
    /// Code that runs here, or a service.
    pub body: LockedBody,
    /// The digest of what it is; for a service, of its canonical requirement line, which promises nothing about its code.
    pub content: ContentDigest,
}

/// Code that runs here, or a service.
#[derive(Debug, Clone, PartialEq)]
pub enum LockedBody {
    /// Files with a digest, that run in the sandbox.
    Package(Box<LockedPackage>),
    /// A service somewhere. Nothing about its code is known.
    Remote(RemoteEndpoint),
}

/// What a lock says about a plugin that runs here.
#[derive(Debug, Clone, PartialEq)]
pub struct LockedPackage {
    /// The plugin's own name, if the project calls it by another (an alias).
    pub package: Option<PluginName>,
    /// Its version.
    pub version: Version,
    /// Where its bytes are.
    pub pin: Pin,
    /// Its licence, as it states it.
    pub license: Option<String>,
    /// Who signed it.
    pub signer: Option<Signer>,
    /// What it asks for beyond the defaults.
    pub capabilities: Capabilities,
    /// The plugins that it calls, sorted by name.
    pub dependencies: Vec<Dependency>,
}

impl LockedPlugin {
    /// A service, whose content is the digest of how it's asked for. `None` if the request isn't for a service.
    pub fn remote(name: &PluginName, request: &Request) -> Option<Self> {
        build::remote(name, request)
    }

    /// What is said about it if it runs here.
    pub fn package(&self) -> Option<&LockedPackage> {
        match &self.body {
            LockedBody::Package(package) => Some(package),
            LockedBody::Remote(_) => None,
        }
    }

    /// The plugin's own id: what its `plugin.yaml` and its signature must name.
    pub fn id(&self) -> &PluginName {
        self.package().and_then(|package| package.package.as_ref()).unwrap_or(&self.name)
    }

    /// Is it called by another name than its own?
    pub fn is_alias(&self) -> bool {
        self.package().is_some_and(|package| package.package.is_some())
    }

    /// Its version; a service has none.
    pub fn version(&self) -> Option<&Version> {
        self.package().map(|package| &package.version)
    }

    /// Where it's from.
    pub fn source(&self) -> SourceId {
        match &self.body {
            LockedBody::Package(package) => package.pin.source(),
            LockedBody::Remote(endpoint) => SourceId::Remote(endpoint.clone()),
        }
    }

    /// Who signed it.
    pub fn signer(&self) -> Option<&Signer> {
        self.package().and_then(|package| package.signer.as_ref())
    }

    /// Say who signed it. Of a service nobody did.
    pub fn set_signer(&mut self, signer: Option<Signer>) {
        if let LockedBody::Package(package) = &mut self.body {
            package.signer = signer;
        }
    }

    /// What it asks for beyond the defaults; a service asks for nothing.
    pub fn capabilities(&self) -> Capabilities {
        self.package().map(|package| package.capabilities.clone()).unwrap_or_default()
    }

    /// What the lock says that its package says about itself; nothing for a service.
    pub fn metadata(&self) -> Option<Metadata> {
        let package = self.package()?;
        Some(Metadata {
            name: self.id().clone(),
            version: package.version.clone(),
            types: self.types.clone(),
            mockforge: HostRange::NotHeld,
            dependencies: package.dependencies.iter().cloned().collect(),
            license: package.license.clone(),
            capabilities: package.capabilities.clone(),
        })
    }

    /// The plugins that it calls; none for a service.
    pub fn dependencies(&self) -> &[Dependency] {
        self.package().map_or(&[], |package| &package.dependencies)
    }
}

impl Lock {
    /// Read a lock. Strict: see the module. The text in its one spelling is read fast, any other spelling of the same in
    /// a slower way with the same result.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        read::parse(text)
    }

    /// The lock in its one spelling, byte for byte the same everywhere, ending in a newline.
    pub fn to_text(&self) -> String {
        write::to_text(self)
    }

    /// Is everything closed: is every requirement and dependency met by an entry from a source that may, is every entry
    /// wanted, and does no chain of dependencies come back to where it began? Versions aren't compared here: that's
    /// freshness.
    pub fn check(&self) -> Result<(), LockError> {
        check::check(self, &|_| 0..0)
    }

    /// Was it written by a newer mfp, so that writing it here would lose something?
    pub fn is_from_newer_mfp(&self) -> bool {
        self.revision > REVISION
    }

    /// The entries that the project itself asks for.
    pub fn is_direct(&self, name: &PluginName) -> bool {
        self.requirements.contains_key(name)
    }
}
