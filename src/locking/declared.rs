//! What does the manifest declare by URL, repository and folder, as it is now, and who signed it?
//!
//! One version each. What a person has to decide about first stays as it's locked, where the command holds such things back.

use std::collections::BTreeMap;

use mfp_model::digest::ContentDigest;
use mfp_model::lock::{Lock, LockedBody, LockedPackage, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::plugin::PluginManifest;
use mfp_model::requirement::Requirement;
use mfp_model::source::{Pin, Source};
use mfp_model::version::Version;
use mfp_resolver::Candidate;
use mfp_store::Store;

use crate::app::App;
use crate::approvals::ApprovalGuard;
use crate::error::{Error, Excerpt, Result};
use crate::held::{Guard, HeldBack, HeldVersion, Objection};
use crate::project::MANIFEST;
use crate::signing::{self, Trust};
use crate::sources::Sources;
use crate::sources::declared::read_folder;
use crate::sources::fetch::fetch_first_sight;
use crate::sources::git::Git;

use super::{Goal, UndecidedVersions};

/// A plugin that the manifest declares by URL, repository or folder, as it is now.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// Its lock entry.
    pub(crate) locked: LockedPlugin,
    /// Which hosts it supports, as far as that's known: a lock entry doesn't hold it.
    pub(crate) mockforge: Option<Requirement>,
    /// What was just read, with the text of the signature that came with it. Who made that isn't settled yet.
    pub(crate) fresh: Option<FreshlyRead>,
}

/// Something that was just read, and isn't what the lock has only because the lock says so.
#[derive(Debug, Clone)]
pub(crate) struct FreshlyRead {
    pub(crate) signature: Option<String>,
}

impl Declared {
    /// What a package that was just read says about itself.
    pub(crate) fn new(
        name: &PluginName,
        alias: Option<&PluginName>,
        pin: Pin,
        content: ContentDigest,
        manifest: &PluginManifest,
        signature: Option<String>,
    ) -> Self {
        let package = LockedPackage {
            package: alias.cloned(),
            version: manifest.version.clone(),
            pin,
            license: manifest.license.clone(),
            signer: None,
            capabilities: manifest.capabilities.clone(),
            dependencies: manifest.dependencies.clone(),
        };
        let locked =
            LockedPlugin { name: name.clone(), types: manifest.types.clone(), body: LockedBody::Package(Box::new(package)), content };
        Self { locked, mockforge: manifest.mockforge.clone(), fresh: Some(FreshlyRead { signature }) }
    }

    /// What's locked, as it's locked.
    pub(super) fn kept(locked: LockedPlugin) -> Self {
        Self { locked, mockforge: None, fresh: None }
    }

    /// Take what's locked in the place of what was found, and tell what was passed over.
    fn hold_back(&mut self, locked: &LockedPlugin, objections: Vec<Objection>) -> Option<HeldVersion> {
        let passed_over = std::mem::replace(self, Self::kept(locked.clone())).locked;
        Some(HeldVersion {
            version: passed_over.version()?.clone(),
            name: passed_over.name,
            current: locked.version().cloned(),
            objections,
            needs: Vec::new(),
        })
    }

    /// Who signed what was just read? An error if that isn't who it was before.
    fn settle_signer(&mut self, app: &App<'_>, goal: &Goal<'_>) -> Result<()> {
        let Some(fresh) = self.fresh.take() else { return Ok(()) };
        let trust = Trust { manifest: goal.manifest, old: goal.old, accepted: &goal.signing.accepted };
        let signer = trust.at_first_sight(app.reporter, &self.locked, fresh.signature.as_deref())?;
        self.locked.set_signer(signer);
        Ok(())
    }

    /// An error about its signature, as what there is to say against it.
    fn disproved_by(&self, error: &Error) -> Vec<Objection> {
        self.locked.version().map(|version| signing::disproved(&self.locked.name, version, error)).into_iter().collect()
    }

    /// It isn't taken, and this is why.
    pub(crate) fn passed_over(&self, old: Option<&Lock>, objections: Vec<Objection>, needs: Vec<PluginName>) -> Option<HeldVersion> {
        let current = old.and_then(|old| old.plugins.get(&self.locked.name)).and_then(LockedPlugin::version).cloned();
        Some(HeldVersion { name: self.locked.name.clone(), version: self.locked.version()?.clone(), current, objections, needs })
    }

    /// As the resolver sees it: a service has no version, and counts as 0.0.0, as everything does that has none.
    pub(super) fn candidate(&self) -> Candidate {
        match self.locked.package() {
            Some(package) => Candidate {
                dependencies: package.dependencies.clone(),
                mockforge: self.mockforge.clone(),
                ..Candidate::new(package.version.clone())
            },
            None => Candidate::new(Version::new(0, 0, 0)),
        }
    }
}

/// What the manifest declares by URL, repository and folder, as it is now.
pub(super) fn declared<'a>(
    app: &'a App<'a>,
    store: &Store,
    sources: &Sources<'_>,
    goal: &Goal<'_>,
    mut git: Option<Git<'a>>,
) -> Result<BTreeMap<PluginName, Declared>> {
    let mut all = BTreeMap::new();
    for (name, entry) in &goal.manifest.plugins {
        let alias = entry.request.package.as_ref();
        let found = match &entry.request.source {
            Source::Path { path, bare } => {
                let folder = read_folder(name, goal.root, path, bare, alias)?;
                let content = folder.listing.content();
                check_id(name, alias, &folder.manifest.id, goal, entry.span.clone())?;
                Declared::new(name, alias, Pin::Path { path: path.clone() }, content, &folder.manifest, folder.signature)
            }
            Source::Url { .. } => match (goal.seen.get(name), unchanged(goal, name)) {
                (Some(seen), _) => seen.clone(),
                (None, Some(locked)) => Declared::kept(locked.clone()),
                (None, None) => {
                    let sight = app.wait(fetch_first_sight(sources, store, goal.root, name, alias, &entry.request.source))?;
                    check_id(name, alias, &sight.manifest.id, goal, entry.span.clone())?;
                    sight.declare(name, alias)
                }
            },
            Source::Git { .. } => match (goal.seen.get(name), unchanged(goal, name)) {
                (Some(seen), _) => seen.clone(),
                (None, Some(locked)) => Declared::kept(locked.clone()),
                (None, None) => {
                    let git = match &git {
                        Some(git) => git,
                        None => git.insert(Git::new(app, goal.root)?),
                    };
                    let sight = git.first_sight(store, name, &entry.request.source)?;
                    check_id(name, alias, &sight.manifest.id, goal, entry.span.clone())?;
                    sight.declare(name, alias)
                }
            },
            Source::Remote { .. } => match LockedPlugin::remote(name, &entry.request) {
                Some(locked) => Declared::kept(locked),
                None => continue,
            },
            Source::Registry { .. } => continue,
        };
        all.insert(name.clone(), found);
    }
    Ok(all)
}

/// The entry's name must be the plugin's id, or the manifest says which plugin it means.
fn check_id(name: &PluginName, alias: Option<&PluginName>, id: &PluginName, goal: &Goal<'_>, span: std::ops::Range<usize>) -> Result<()> {
    if alias.unwrap_or(name) == id {
        return Ok(());
    }
    let excerpt = Excerpt {
        file: MANIFEST.to_owned(),
        text: goal.manifest_text.to_owned(),
        span,
        label: format!("the plugin there is called `{id}`"),
    };
    Err(Error::new("mfp::manifest::other-id", format!("`{name}` holds another plugin"))
        .excerpt(excerpt)
        .help(format!("call the entry `{id}`, or say that it's an alias: `package = \"{id}\"`")))
}

/// The locked entry of a plugin at a URL or in a repository that's asked for as it was: its bytes are pinned, nobody asks again.
fn unchanged<'g>(goal: &Goal<'g>, name: &PluginName) -> Option<&'g LockedPlugin> {
    let old = goal.old?;
    let same = old.requirements.get(name)?.source == goal.manifest.plugins.get(name)?.request.source;
    let locked = old.plugins.get(name)?;
    (same && !goal.freedom.lets_go(name) && old.options.mockforge == goal.manifest.project.mockforge).then_some(locked)
}

/// Who signed what was just read at URLs, in repositories and in folders. What isn't signed by whom it was before stays as it's
/// locked, where the command holds such versions back; else it's an error.
pub(super) fn settle_signers(app: &App<'_>, goal: &Goal<'_>, declared: &mut BTreeMap<PluginName, Declared>) -> Result<Vec<HeldVersion>> {
    let mut held = Vec::new();
    for (name, found) in declared.iter_mut() {
        match (found.settle_signer(app, goal), may_stay(goal, name)) {
            (Ok(()), _) => {}
            (Err(error), Some(locked)) => {
                let objections = found.disproved_by(&error);
                held.extend(found.hold_back(locked, objections));
            }
            (Err(error), None) => return Err(error),
        }
    }
    Ok(held)
}

/// The locked entry that can stay in the place of what was found at a URL or in a repository, if newer versions are held back.
fn may_stay<'g>(goal: &Goal<'g>, name: &PluginName) -> Option<&'g LockedPlugin> {
    let entry = goal.manifest.plugins.get(name).filter(|_| goal.undecided == UndecidedVersions::HeldBack)?;
    let asked = goal.old?.requirements.get(name)?;
    let is_same = asked.source == entry.request.source && matches!(asked.source, Source::Url { .. } | Source::Git { .. });
    goal.old?.plugins.get(name).filter(|_| is_same)
}

/// What's declared by URL or repository, and there's an objection to what is there now: it stays as it's locked.
pub(super) fn keep_undecided(
    goal: &Goal<'_>,
    guards: &[Box<dyn Guard + '_>],
    declared: &mut BTreeMap<PluginName, Declared>,
) -> Vec<HeldVersion> {
    let mut held = Vec::new();
    for (name, found) in declared.iter_mut() {
        let Some(locked) = may_stay(goal, name).filter(|locked| locked.content != found.locked.content) else { continue };
        let objections: Vec<Objection> = guards.iter().filter_map(|guard| guard.declared(&found.locked)).collect();
        if !objections.is_empty() {
            held.extend(found.hold_back(locked, objections));
        }
    }
    held
}

/// Nothing works with what some plugins at URLs and in repositories need by now: those that can stay as they're locked do, and
/// the rest is decided again. `None` if there are none.
pub(super) fn give_up_newer(goal: &Goal<'_>, declared: &mut BTreeMap<PluginName, Declared>, forced: &HeldBack) -> Option<Vec<HeldVersion>> {
    let needs: Vec<PluginName> = forced.versions.iter().map(|one| one.name.clone()).collect();
    let mut held = Vec::new();
    for (name, found) in declared.iter_mut() {
        let Some(locked) = may_stay(goal, name).filter(|locked| locked.content != found.locked.content) else { continue };
        let given_up = found.hold_back(locked, Vec::new()).map(|one| HeldVersion { needs: needs.clone(), ..one });
        held.extend(given_up);
    }
    if held.is_empty() {
        return None;
    }
    held.extend(forced.versions.iter().cloned());
    Some(held)
}

/// What a plugin in a repository is where the goal's manifest says that it is, and what a person would have to decide about
/// before it takes the place of what's locked.
pub(crate) fn look_ahead(
    app: &App<'_>,
    store: &Store,
    goal: &Goal<'_>,
    git: &Git<'_>,
    name: &PluginName,
) -> Result<(Declared, Vec<Objection>)> {
    let entry = goal.manifest.plugins.get(name).ok_or_else(|| Error::bug(format!("{name} isn't declared")))?;
    let alias = entry.request.package.as_ref();
    let sight = git.first_sight(store, name, &entry.request.source)?;
    check_id(name, alias, &sight.manifest.id, goal, entry.span.clone())?;
    let mut found = sight.declare(name, alias);
    let objections = match found.settle_signer(app, goal) {
        Ok(()) => ApprovalGuard { manifest: goal.manifest, old: goal.old }.declared(&found.locked).into_iter().collect(),
        Err(error) => found.disproved_by(&error),
    };
    Ok((found, objections))
}
