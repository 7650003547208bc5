//! From a manifest and the world to a lock: what `lock`, `sync`, `add`, `remove`, `update` and `upgrade` have in common.
//!
//! Read what the manifest declares by URL and folder, gather what registries have, decide, and write the decision down.
//! Locked versions are preferences, so that a change moves nothing that it needn't. Where every name is in the lock
//! already, the decision is tried over the lock alone first: a removal needs no network.

mod current;
mod deciding;
mod declared;
mod signers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mfp_model::lock::Lock;
use mfp_model::name::PluginName;
use mfp_model::project::Manifest;
use mfp_model::version::Version;
use mfp_store::Store;

use crate::advisories::Book;
use crate::app::App;
use crate::error::{Error, Excerpt, Result};
use crate::held::HeldBack;
use crate::policy::{refuse_denied_sources, refuse_violations};
use crate::project::MANIFEST;
use crate::report::Event;
use crate::signing::Wishes;
use crate::sources::gather::Known;
use crate::sources::git::Git;

pub(crate) use self::current::{current_lock, path_contents};
use self::deciding::{build, from_lock_alone, from_the_world_as_it_is, keeps_to_the_rules, request};
pub(crate) use self::declared::{Declared, look_ahead};
use self::declared::{declared, give_up_newer, keep_undecided, settle_signers};
use self::signers::{Signers, first_disproved, guards};

/// Which locked versions may move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Freedom {
    /// None that needn't.
    Keep,
    /// These.
    Names(BTreeSet<PluginName>),
    /// All but these.
    AllBut(BTreeSet<PluginName>),
    /// All.
    All,
}

impl Freedom {
    /// May this one move?
    pub(crate) fn lets_go(&self, name: &PluginName) -> bool {
        match self {
            Self::Keep => false,
            Self::Names(names) => names.contains(name),
            Self::AllBut(names) => !names.contains(name),
            Self::All => true,
        }
    }

    /// The same, but for these.
    pub(crate) fn but(self, kept: BTreeSet<PluginName>) -> Self {
        match self {
            other if kept.is_empty() => other,
            Self::Keep => Self::Keep,
            Self::Names(names) => Self::Names(names.difference(&kept).cloned().collect()),
            Self::AllBut(names) => Self::AllBut(names.union(&kept).cloned().collect()),
            Self::All => Self::AllBut(kept),
        }
    }
}

/// What to lock.
#[derive(Debug)]
pub(crate) struct Goal<'a> {
    /// The project's folder.
    pub(crate) root: &'a Path,
    /// What the project wants.
    pub(crate) manifest: &'a Manifest,
    /// The same as text, to point into.
    pub(crate) manifest_text: &'a str,
    /// What it has.
    pub(crate) old: Option<&'a Lock>,
    /// What may move.
    pub(crate) freedom: Freedom,
    /// What must become exactly this.
    pub(crate) precise: BTreeMap<PluginName, Version>,
    /// Plugins at URLs and in repositories that were fetched a moment ago.
    pub(crate) seen: BTreeMap<PluginName, Declared>,
    /// What happens to newer versions that a person has to decide about first.
    pub(crate) undecided: UndecidedVersions,
    /// What's known about signers.
    pub(crate) signing: Wishes,
}

impl<'a> Goal<'a> {
    /// What this manifest wants, with everything that's locked where it is, as far as that goes.
    pub(crate) fn keeping(root: &'a Path, manifest: &'a Manifest, manifest_text: &'a str, old: Option<&'a Lock>) -> Self {
        Self {
            root,
            manifest,
            manifest_text,
            old,
            freedom: Freedom::Keep,
            precise: BTreeMap::new(),
            seen: BTreeMap::new(),
            undecided: UndecidedVersions::Chosen,
            signing: Wishes::default(),
        }
    }
}

/// What happens to newer versions that a person has to decide about first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum UndecidedVersions {
    /// They're chosen like all others: the person named what's wanted, or the command refuses them afterwards.
    #[default]
    Chosen,
    /// They're held back, and named.
    HeldBack,
}

/// A lock that was made.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) lock: Lock,
    /// The newer versions that aren't in it, since a person has to decide about them first.
    pub(crate) held: HeldBack,
}

/// Refuse what this version of mfp can't do yet, where it's used.
pub(crate) fn refuse_unsupported(manifest: &Manifest, text: &str) -> Result<()> {
    let Some(first) = manifest.unsupported().into_iter().next() else { return Ok(()) };
    let excerpt =
        Excerpt { file: MANIFEST.to_owned(), text: text.to_owned(), span: first.span, label: "not in this version of mfp".to_owned() };
    Err(Error::new("mfp::unsupported", format!("{} isn't supported yet", first.what))
        .excerpt(excerpt)
        .help("take it out of the manifest, or wait for a later version"))
}

/// Make a lock. Says how many plugins were resolved, and how long it took.
pub(crate) fn lock(app: &App<'_>, store: &Store, goal: &Goal<'_>) -> Result<Lock> {
    lock_with(app, store, goal, None).map(|made| made.lock)
}

/// The same, with repositories that were asked something already. They're given back afterwards: fetching opens its own.
pub(crate) fn lock_with<'a>(app: &'a App<'a>, store: &Store, goal: &Goal<'_>, git: Option<Git<'a>>) -> Result<Made> {
    let started = std::time::Instant::now();
    refuse_unsupported(goal.manifest, goal.manifest_text)?;
    for warning in &goal.manifest.warnings {
        app.reporter.event(Event::Warning { code: "mfp::manifest::query", text: warning.message.clone() });
    }
    refuse_denied_sources(goal.manifest, goal.manifest_text)?;
    let sources = app.sources()?;
    let registries = sources.registries(goal.manifest, goal.root)?;
    let mut declared = declared(app, store, &sources, goal, git)?;
    let mut kept = settle_signers(app, goal, &mut declared)?;
    let mut signers = Signers::new(goal);
    kept.extend(keep_undecided(goal, &guards(goal, &signers), &mut declared));
    let request = request(app, goal)?;
    let known = Book::known(app, goal.manifest, goal.root);
    let (lock, mut held) = loop {
        let alone = if keeps_to_the_rules(goal, &known) { from_lock_alone(goal, &declared, &request) } else { None };
        let made = match alone {
            Some(resolution) => (build(goal, &declared, &resolution, &Known::default())?, HeldBack::default()),
            None => app.wait(from_the_world_as_it_is(app, goal, &declared, &request, &registries, &known, &mut signers))?,
        };
        if made.1.is_forced
            && let Some(given_up) = give_up_newer(goal, &mut declared, &made.1)
        {
            kept.extend(given_up);
            continue;
        }
        let is_new = goal.signing.prove.then(|| first_disproved(app, store, goal, &made.0)).flatten();
        if !is_new.is_some_and(|disproved| signers.disprove(disproved)) {
            break made;
        }
    };
    held.versions.extend(kept);
    app.documents.save();
    lock.check().map_err(|error| Error::bug(format!("the lock that was made isn't closed: {}", error.message)))?;
    signers.trust(goal).check(&lock)?;
    refuse_violations(goal.manifest, goal.manifest_text, &lock)?;
    app.reporter.event(Event::Resolved { count: lock.plugins.len(), elapsed: started.elapsed() });
    signers.introduce(app.reporter, goal, &lock);
    Ok(Made { lock, held })
}
