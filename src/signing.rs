//! Who signed a plugin, and is that proven? What the commands have in common about it.
//!
//! A lock entry's `signer` is a claim until a signature that travels with the package proves it: whatever comes into the store,
//! or is found there, is held to it here. Which claims may get into a lock at all is [`Trust`]'s: the key that's locked, those
//! that the project pins or a person accepted, and those that follow by a chain of the registry's. Who that key belongs to,
//! nothing here can know.

use std::collections::{BTreeMap, BTreeSet};

use mfp_loader::LockedError;
use mfp_model::index::packed::{Packed, PackedLine};
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_model::signature::{SignatureFile, Statement, Unproven, prove as prove_text, prove_locked};
use mfp_model::signer::Signer;
use mfp_model::version::Version;
use mfp_resolver::PackageKey;
use mfp_store::{Store, Stored, Tree};

use crate::cli::values::AcceptedKey;
use crate::error::{Error, Result};
use crate::explain;
use crate::held::{Guard, Objection};
use crate::report::document::HeldReason;
use crate::report::{Event, Reporter};

/// How the code of every error about a signature begins.
const AREA: &str = "mfp::signature::";

/// Does one of these signature files prove what the lock says about a plugin's signer?
pub(crate) fn prove(plugin: &LockedPlugin, files: &[String]) -> Result<()> {
    prove_locked(plugin, files.iter().map(String::as_str)).map(drop).map_err(|why| unproven(plugin, &why))
}

/// A package that has no name yet: does it prove what the lock says about its signer?
pub(crate) fn prove_tree(plugin: &LockedPlugin, tree: &Tree) -> Result<()> {
    prove_locked(plugin, tree.signature()).map(drop).map_err(|why| unproven(plugin, &why))
}

/// The store's copy: do its signatures?
pub(crate) fn prove_stored(plugin: &LockedPlugin, stored: &Stored) -> Result<()> {
    mfp_loader::proven(plugin, stored).map_err(|error| locked(plugin, error))
}

/// Is a plugin in the store with all that it needs: its content, and the signature that proves what the lock says?
pub(crate) fn is_here(store: &Store, plugin: &LockedPlugin) -> bool {
    store.contains(&plugin.content) && (plugin.signer().is_none() || stored_problem(store, plugin).is_none())
}

/// What's wrong with the signatures of the store's copy, if it's there.
pub(crate) fn stored_problem(store: &Store, plugin: &LockedPlugin) -> Option<Error> {
    plugin.signer()?;
    let stored = store.get(&plugin.content).ok().flatten()?;
    prove_stored(plugin, &stored).err()
}

/// The signature in the store that goes with a plugin: the one that proves what the lock says, else the first.
pub(crate) fn kept(plugin: &LockedPlugin, stored: &Stored) -> Result<Option<String>> {
    let files = stored.signatures().map_err(explain::store)?;
    let proving = prove_locked(plugin, files.iter().map(String::as_str)).map_err(|why| unproven(plugin, &why))?;
    Ok(proving.map(str::to_owned).or_else(|| files.into_iter().next()))
}

/// Is it about a signature?
pub(crate) fn is_about(error: &Error) -> bool {
    error.code().starts_with(AREA)
}

fn locked(plugin: &LockedPlugin, error: LockedError) -> Error {
    match error {
        LockedError::Signature { why, .. } => unproven(plugin, &why),
        other => explain::locked(other),
    }
}

/// What's said about a plugin's signer isn't proven.
fn unproven(plugin: &LockedPlugin, why: &Unproven) -> Error {
    let signer = plugin.signer().map(Signer::fingerprint).unwrap_or_default();
    let version = plugin.version().map(ToString::to_string).unwrap_or_default();
    let message = format!("{} {version} is said to be signed by {signer}, and that isn't proven: {why}", plugin.name);
    Error::new(why.code(), message).about(&plugin.name).detail("version", version).with_remedy()
}

/// What a command knows about signers before it asks anybody.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wishes {
    /// What a person accepted with `--accept-key`.
    pub(crate) accepted: Accepted,
    /// Prove the signatures of what's chosen before anything is written, and choose something else where that fails.
    pub(crate) prove: bool,
}

impl Wishes {
    /// As they were typed. A key that the project doesn't pin, where it pins others, can't be accepted.
    pub(crate) fn typed(keys: &[AcceptedKey], manifest: &Manifest, old: Option<&Lock>) -> Result<Self> {
        let mut accepted = Accepted::new();
        for AcceptedKey { name, signer } in keys {
            if let Some(old) = old.filter(|old| !old.plugins.contains_key(name)) {
                return Err(explain::not_locked(name, old));
            }
            if manifest.policy.keys.get(name).is_some_and(|pinned| !pinned.is_empty() && !pinned.contains(signer)) {
                return Err(Error::new("mfp::usage::arguments", format!("the project pins other keys for {name}, and those win"))
                    .help(format!("if it's meant, change `keys` in [policy]: `{name} = [\"{signer}\"]`")));
            }
            accepted.entry(name.clone()).or_default().insert(signer.clone());
        }
        Ok(Self { accepted, prove: false })
    }
}

/// Versions whose signatures turned out not to prove what's said about them, with the error.
pub(crate) type Disproved = BTreeMap<PluginName, BTreeMap<Version, Error>>;

/// The keys that a person, or the project, has said belong to a plugin's publisher, by the name that the project has for it.
pub(crate) type Accepted = BTreeMap<PluginName, BTreeSet<Signer>>;

/// How a claim differs from what was trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breach {
    /// It was signed, and now nobody is said to have signed it.
    Stripped,
    /// Somebody else is said to have.
    OtherKey,
    /// Somebody else is, whose key bears the same id.
    SameId,
}

impl Breach {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Stripped => "mfp::signature::stripped",
            Self::OtherKey => "mfp::signature::other-key",
            Self::SameId => "mfp::signature::same-id",
        }
    }

    /// In words that continue "csv 2.1.0 ".
    pub(crate) fn sentence(self, locked: &Signer, claimed: Option<&Signer>) -> String {
        let (was, is) = (locked.fingerprint(), claimed.map(Signer::fingerprint).unwrap_or_default());
        match self {
            Self::Stripped => format!("isn't signed, and {was} signed it before"),
            Self::OtherKey => format!("is signed by {is}, and {was} signed it before"),
            Self::SameId => format!("is signed by {is}, another key than {was}, which signed it before, with the same id"),
        }
    }
}

/// Whose signatures are trusted for which plugin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) old: Option<&'a Lock>,
    /// What a person accepted with `--accept-key`, and what follows by a chain.
    pub(crate) accepted: &'a Accepted,
}

impl<'a> Trust<'a> {
    /// Who signed what's locked under this name.
    pub(crate) fn locked(&self, name: &PluginName) -> Option<&'a Signer> {
        self.old?.plugins.get(name)?.signer()
    }

    /// The keys that the project pins for a plugin. They win over what's locked.
    fn pinned(&self, name: &PluginName) -> Option<&'a BTreeSet<Signer>> {
        self.manifest.policy.keys.get(name).filter(|keys| !keys.is_empty())
    }

    /// May a plugin of this name be signed by this key?
    fn accepts(&self, name: &PluginName, signer: &Signer) -> bool {
        match self.pinned(name) {
            Some(pinned) => pinned.contains(signer),
            None => self.locked(name) == Some(signer) || self.accepted.get(name).is_some_and(|keys| keys.contains(signer)),
        }
    }

    /// What's wrong with a claim about a name that was signed before.
    pub(crate) fn breach(&self, name: &PluginName, claimed: Option<&Signer>) -> Option<Breach> {
        let locked = self.locked(name)?;
        match claimed {
            None => Some(Breach::Stripped),
            Some(claimed) if self.accepts(name, claimed) => None,
            // What's pinned now is what the project says; that the locked key isn't among them is for the policy to say.
            Some(claimed) if claimed == locked => None,
            Some(claimed) if claimed.key_id() == locked.key_id() => Some(Breach::SameId),
            Some(_) => Some(Breach::OtherKey),
        }
    }

    /// Is this version of a registry the very one that's locked? Whatever is said about it now, who signed it is proven.
    fn is_locked(&self, name: &PluginName, line: &PackedLine<'_>) -> bool {
        let locked = self.old.and_then(|old| old.plugins.get(name));
        locked.is_some_and(|locked| locked.version() == Some(&line.version) && locked.content == line.content)
    }

    /// The names under which a plugin of a registry is locked, signed by somebody.
    fn entries(&self, key: &'a PackageKey) -> impl Iterator<Item = &'a PluginName> {
        let locked = self.old.into_iter().flat_map(|old| old.plugins.values());
        locked.filter(|plugin| plugin.id() == &key.name && plugin.signer().is_some()).map(|plugin| &plugin.name)
    }

    /// The names that lines of a registry's index say are signed by another key than before.
    pub(crate) fn strangers(&self, key: &'a PackageKey, document: &[u8]) -> Vec<PluginName> {
        let claims = |name: &PluginName, line: &PackedLine<'_>| {
            let breach = line.signer().and_then(|claimed| self.breach(name, claimed.as_ref()));
            matches!(breach, Some(Breach::OtherKey | Breach::SameId)) && !self.is_locked(name, line)
        };
        let is_stranger = |name: &&PluginName| {
            self.pinned(name).is_none()
                && Packed::read(document).is_some_and(|packed| packed.lines().flatten().any(|line| claims(name, &line)))
        };
        self.entries(key).filter(is_stranger).cloned().collect()
    }

    /// The entries of a new lock must be signed by whom it may be.
    pub(crate) fn check(&self, new: &Lock) -> Result<()> {
        for plugin in new.plugins.values().filter(|plugin| plugin.package().is_some()) {
            let (Some(locked), Some(breach)) = (self.locked(&plugin.name), self.breach(&plugin.name, plugin.signer())) else { continue };
            return Err(broken(plugin, breach, locked));
        }
        Ok(())
    }

    /// Who signed a plugin at a URL, in a repository or in a folder: its signature doesn't say whose it is, so it's held to every key
    /// that's known for the name. One by a key that nobody knows is said, and counts as none.
    pub(crate) fn at_first_sight(&self, reporter: &Reporter, plugin: &LockedPlugin, signature: Option<&str>) -> Result<Option<Signer>> {
        let name = &plugin.name;
        let Some(statement) = Statement::of(plugin) else { return Ok(None) };
        let Some(signature) = signature else {
            return match self.locked(name) {
                Some(locked) => Err(broken(plugin, Breach::Stripped, locked)),
                None => Ok(None),
            };
        };
        let file = SignatureFile::parse(signature).map_err(|error| not_a_proof(plugin, &error.into()))?;
        let known: Vec<&Signer> = match self.pinned(name) {
            Some(pinned) => pinned.iter().collect(),
            None => self.locked(name).into_iter().chain(self.accepted.get(name).into_iter().flatten()).collect(),
        };
        let statement = statement.to_string();
        let mut worst = None;
        for signer in &known {
            match prove_text(signer, &statement, &file) {
                Ok(()) => return Ok(Some((*signer).clone())),
                Err(Unproven::OtherKey { .. }) => {}
                Err(why) => worst = worst.or(Some(why)),
            }
        }
        match (worst, known.first()) {
            (Some(why), _) => Err(not_a_proof(plugin, &why)),
            (None, Some(first)) => Err(by_a_stranger(plugin, &file, first)),
            (None, None) => {
                let text = format!(
                    "{name} carries a signature by a key with the id {}, which nothing here knows: it counts as unsigned. If you know whose it is, pin it: `keys = {{ {name} = [\"minisign:RW…\"] }}` in [policy]",
                    file.key_id()
                );
                reporter.event(Event::Warning { code: "mfp::signature::unknown-key", text });
                Ok(None)
            }
        }
    }

    /// Say whose signatures are seen for the first time.
    pub(crate) fn introduce(&self, reporter: &Reporter, new: &Lock) {
        for plugin in new.plugins.values() {
            if let (None, Some(signer)) = (self.locked(&plugin.name), plugin.signer()) {
                reporter.event(Event::Note(format!("{} is signed by {}: from now on, nobody else may", plugin.name, signer.fingerprint())));
            }
        }
    }
}

/// Objects to versions that aren't signed by whom their name was signed before, and to those that proved to be lies.
pub(crate) struct SignerGuard<'a> {
    pub(crate) trust: Trust<'a>,
    pub(crate) disproved: &'a Disproved,
}

impl Guard for SignerGuard<'_> {
    fn line(&self, key: &PackageKey, line: &PackedLine<'_>) -> Option<Objection> {
        let trust = self.trust;
        let locked = trust.old.into_iter().flat_map(|old| old.plugins.values()).filter(|plugin| plugin.id() == &key.name);
        let claimed = line.signer()?;
        locked.into_iter().find_map(|plugin| {
            let name = &plugin.name;
            if let Some(error) = self.disproved.get(name).and_then(|versions| versions.get(&line.version)) {
                return Some(disproved(name, &line.version, error));
            }
            let breach = trust.breach(name, claimed.as_ref()).filter(|_| !trust.is_locked(name, line))?;
            let is_acceptable = breach == Breach::OtherKey && trust.pinned(name).is_none();
            let command = claimed.as_ref().filter(|_| is_acceptable).map(|claimed| accept_command(name, claimed));
            Some(objection(breach.code(), breach.sentence(plugin.signer()?, claimed.as_ref()), command))
        })
    }

    /// Held to its signature when it was read.
    fn declared(&self, _: &LockedPlugin) -> Option<Objection> {
        None
    }
}

fn objection(code: &'static str, reason: String, command: Option<String>) -> Objection {
    Objection { kind: HeldReason::Signature, reason, asks: None, code, command }
}

/// An error about one version, as what there is to say against it.
pub(crate) fn disproved(name: &PluginName, version: &Version, error: &Error) -> Objection {
    let message = error.message();
    let reason = message.strip_prefix(&format!("{name} {version} ")).unwrap_or(message);
    objection(error.code(), reason.to_owned(), None)
}

/// A name that was signed is now signed by somebody else, or by nobody.
fn broken(plugin: &LockedPlugin, breach: Breach, locked: &Signer) -> Error {
    let version = plugin.version().map(ToString::to_string).unwrap_or_default();
    let message = format!("{} {version} {}", plugin.name, breach.sentence(locked, plugin.signer()));
    let error = Error::new(breach.code(), message).about(&plugin.name).detail("version", version).detail("was", locked.to_string());
    match (breach, plugin.signer()) {
        (Breach::OtherKey, Some(now)) => error.detail("is", now.to_string()).help(accept_help(&plugin.name, now)),
        (_, Some(now)) => error.detail("is", now.to_string()).with_remedy(),
        (_, None) => error.with_remedy(),
    }
}

/// What to type to accept a key.
pub(crate) fn accept_command(name: &PluginName, signer: &Signer) -> String {
    format!("mfp update {name} --accept-key {name}={signer}")
}

fn accept_help(name: &PluginName, signer: &Signer) -> String {
    format!("if the publisher says so in a place that you trust: `{}`", accept_command(name, signer))
}

/// A signature that was just found proves nothing, and plainly should.
fn not_a_proof(plugin: &LockedPlugin, why: &Unproven) -> Error {
    Error::new(why.code(), format!("the signature of {} proves nothing: {why}", plugin.name)).about(&plugin.name).with_remedy()
}

/// A name that's signed by a known key carries a signature by an unknown one.
fn by_a_stranger(plugin: &LockedPlugin, file: &SignatureFile, known: &Signer) -> Error {
    let message = format!(
        "{} carries a signature by another key, with the id {}, and {} is the one that's known for it",
        plugin.name,
        file.key_id(),
        known.fingerprint()
    );
    let name = &plugin.name;
    Error::new("mfp::signature::other-key", message)
        .about(name)
        .help(format!("if the publisher says so in a place that you trust: `mfp update {name} --accept-key {name}=minisign:RW…`"))
}
