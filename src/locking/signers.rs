//! What's learnt about signers while a lock is made: which keys follow the locked ones, and which versions aren't what's said.

use std::collections::BTreeMap;

use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::signature::rotation::KeyHistory;
use mfp_model::signer::Signer;
use mfp_model::source::SourceId;
use mfp_model::version::Version;
use mfp_resolver::Origin;
use mfp_store::Store;

use crate::app::App;
use crate::approvals::ApprovalGuard;
use crate::error::{Error, Exit, Result};
use crate::held::Guard;
use crate::report::{Event, Reporter};
use crate::signing::{self, Accepted, Disproved, SignerGuard, Trust};
use crate::sources::Registries;
use crate::sources::fetch::fetch_missing;

use super::deciding::Decided;
use super::{Goal, UndecidedVersions};

/// Who objects to versions that a person has to decide about first.
pub(super) fn guards<'g>(goal: &'g Goal<'_>, signers: &'g Signers) -> Vec<Box<dyn Guard + 'g>> {
    match goal.undecided {
        UndecidedVersions::Chosen => Vec::new(),
        UndecidedVersions::HeldBack => vec![
            Box::new(SignerGuard { trust: signers.trust(goal), disproved: &signers.disproved }),
            Box::new(ApprovalGuard { manifest: goal.manifest, old: goal.old }),
        ],
    }
}

/// What's learnt about signers while a lock is made.
#[derive(Debug)]
pub(super) struct Signers {
    /// What a person accepted, and what follows the locked key.
    pub(super) accepted: Accepted,
    /// By which chains it follows, by name.
    pub(super) chains: BTreeMap<PluginName, BTreeMap<Signer, Vec<Signer>>>,
    pub(super) disproved: Disproved,
}

impl Signers {
    pub(super) fn new(goal: &Goal<'_>) -> Self {
        Self { accepted: goal.signing.accepted.clone(), chains: BTreeMap::new(), disproved: Disproved::new() }
    }

    pub(super) fn trust<'t>(&'t self, goal: &'t Goal<'_>) -> Trust<'t> {
        Trust { manifest: goal.manifest, old: goal.old, accepted: &self.accepted }
    }

    /// Remember that a version isn't what's said about it. False if that was known.
    pub(super) fn disprove(&mut self, (name, version, error): (PluginName, Version, Error)) -> bool {
        self.disproved.entry(name).or_default().insert(version, error).is_none()
    }

    /// Where an index says that another key signs now, ask its registry whether that key follows the one that's locked. True if
    /// something was learnt.
    pub(super) async fn learn(&mut self, goal: &Goal<'_>, decision: &Decided, registries: &Registries<'_>) -> Result<bool> {
        let chosen = |name: &PluginName| Some(&decision.resolution.as_ref().ok()?.plugins.get(name)?.version);
        let moves = |name: &PluginName| chosen(name) != goal.old.and_then(|old| old.plugins.get(name)).and_then(LockedPlugin::version);
        let mut has_learnt = false;
        for (key, document) in &decision.known.documents {
            let strangers = self.trust(goal).strangers(key, document.as_ref());
            for name in strangers.into_iter().filter(|name| goal.freedom.lets_go(name) || moves(name)) {
                let (Origin::Registry(registry), Some(locked)) = (&key.origin, self.trust(goal).locked(&name)) else { continue };
                if self.chains.contains_key(&name) {
                    continue;
                }
                let history = match crate::sources::registry(registries, registry)?.key_history(&key.name).await {
                    // Nothing can be learnt now: what would have been allowed is held back.
                    Err(error) if error.exit() == Exit::Network => KeyHistory::default(),
                    history => history?,
                };
                let followers = history.followers(&key.name, locked);
                has_learnt |= !followers.is_empty();
                self.accepted.entry(name.clone()).or_default().extend(followers.keys().cloned());
                self.chains.insert(name, followers);
            }
        }
        Ok(has_learnt)
    }

    /// Say who signs for the first time, and which keys followed others.
    pub(super) fn introduce(&self, reporter: &Reporter, goal: &Goal<'_>, new: &Lock) {
        let trust = self.trust(goal);
        trust.introduce(reporter, new);
        for plugin in new.plugins.values() {
            let (Some(locked), Some(signer)) = (trust.locked(&plugin.name), plugin.signer()) else { continue };
            if let Some(chain) = self.chains.get(&plugin.name).and_then(|chains| chains.get(signer)) {
                let chain: Vec<String> = std::iter::once(locked).chain(chain).map(Signer::fingerprint).collect();
                let text = format!("{} changed its key, each signed by the one before: {}", plugin.name, chain.join(" → "));
                reporter.event(Event::Note(text));
            }
        }
    }
}

/// Bring what's newly chosen for names that were signed before into the store. The first whose signature doesn't prove what's
/// said about it; whatever else goes wrong will go wrong again where it's told.
pub(super) fn first_disproved(app: &App<'_>, store: &Store, goal: &Goal<'_>, lock: &Lock) -> Option<(PluginName, Version, Error)> {
    let is_new = |plugin: &&LockedPlugin| {
        let old = goal.old.and_then(|old| old.plugins.get(&plugin.name));
        plugin.signer().is_some()
            && old.is_some_and(|old| old.signer().is_some() && old.content != plugin.content)
            && matches!(plugin.source(), SourceId::Registry(_))
    };
    let new: Vec<&LockedPlugin> = lock.plugins.values().filter(is_new).filter(|plugin| !signing::is_here(store, plugin)).collect();
    let error = fetch_missing(app, store, goal.manifest, goal.root, &new).err().filter(signing::is_about)?;
    let plugin = new.into_iter().find(|plugin| error.detail_map().get("plugin").is_some_and(|name| name == plugin.name.as_str()))?;
    Some((plugin.name.clone(), plugin.version()?.clone(), error))
}
