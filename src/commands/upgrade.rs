//! `mfp upgrade`: raise the requirements in the manifest, and the tags of git sources, to the newest versions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::name::PluginName;
use mfp_model::project::{Manifest, edit};
use mfp_model::requirement::Requirement;
use mfp_model::source::{GitReference, RefName, Source};
use mfp_store::Store;

use crate::app::App;
use crate::changing::{Decision, cant_edit, carry_out, refuse_locked};
use crate::cli::edit::UpgradeArgs;
use crate::error::{Error, Result};
use crate::held::{HeldBack, HeldVersion, Objection};
use crate::locking::{Declared, Freedom, Goal, Made, UndecidedVersions, lock_with, look_ahead};
use crate::project::Project;
use crate::report::{Event, Outcome};
use crate::signing::Wishes;
use crate::sources::git::Git;

/// See which versions would be had without the requirements, raise those that are in the way, save, lay out.
pub(crate) fn run(app: &App<'_>, args: &UpgradeArgs) -> Result<Outcome> {
    refuse_locked(app, "upgrade")?;
    let mut project = app.project()?;
    let _held = project.hold(app.reporter)?;
    let manifest = project.manifest()?;
    let old = project.lock()?;
    let (names, at_tags) = chosen(&manifest, args)?;
    let signing = Wishes { prove: !args.dry_run, ..Wishes::typed(&args.accept_key, &manifest, old.as_ref())? };
    let before = Before { project: &project, manifest: &manifest, old: old.as_ref(), signing, store: app.store()? };

    let mut tags = Tags::newer(app, &before, &at_tags)?;
    let (newest, mut held) = newest(app, &before, &names, &mut tags)?;
    // What's held back could leave only versions from before what the project requires. A requirement is never lowered.
    held.is_forced |= !held.is_empty() && names.iter().any(|name| is_below(&manifest, &newest, name));
    if held.is_forced {
        return Err(held.refusal(AGAIN).note("no file was changed"));
    }
    let raised = raised(&manifest, &newest, &names);
    let tagged = with_tags(&project.manifest_text, &tags.raised)?;
    let text = with_requirements(&tagged, raised.iter().map(|(name, requirement)| (name, requirement.clone())))?;
    let wanted = project.parse(&text)?;
    say(app, &manifest, &raised, &tags);
    let new = Lock::build(&wanted, newest.plugins.into_values().collect());
    let decision = Decision {
        manifest: &wanted,
        manifest_text: text.clone(),
        old: old.as_ref(),
        lock: new,
        dry_run: args.dry_run,
        no_sync: args.no_sync,
        held: (held, AGAIN),
    };
    carry_out(app, &mut project, decision)
}

/// What to type once a person has decided about what was held back.
const AGAIN: &str = "mfp upgrade";

/// What the project has and wants before anything is raised.
struct Before<'a> {
    project: &'a Project,
    manifest: &'a Manifest,
    old: Option<&'a Lock>,
    signing: Wishes,
    store: Store,
}

impl<'a> Before<'a> {
    /// With another text of the manifest, in which these are raised.
    fn goal(&'a self, manifest: &'a Manifest, manifest_text: &'a str, raised: BTreeSet<PluginName>) -> Goal<'a> {
        Goal {
            freedom: Freedom::Names(raised),
            undecided: UndecidedVersions::HeldBack,
            signing: self.signing.clone(),
            ..Goal::keeping(&self.project.root, manifest, manifest_text, self.old)
        }
    }

    /// What a plugin is at another tag, and what there is to say against it.
    fn at_tag(&self, app: &App<'_>, git: &Git<'_>, name: &PluginName, tag: &RefName) -> Result<(Declared, Vec<Objection>)> {
        let text = edit::set_tag(&self.project.manifest_text, name, tag).map_err(|error| cant_edit(&error))?;
        let manifest = self.project.parse(&text)?;
        look_ahead(app, &self.store, &self.goal(&manifest, &text, BTreeSet::from([name.clone()])), git, name)
    }
}

/// What would be had with the raised tags and without the requirements of these, and what a person has to decide about first.
fn newest(app: &App<'_>, before: &Before<'_>, names: &BTreeSet<PluginName>, tags: &mut Tags) -> Result<(Lock, HeldBack)> {
    loop {
        let tagged = with_tags(&before.project.manifest_text, &tags.raised)?;
        let text = with_requirements(&tagged, names.iter().map(|name| (name, Requirement::any())))?;
        let manifest = before.project.parse(&text)?;
        let raised = names.iter().chain(tags.raised.keys()).cloned().collect();
        let goal = Goal { seen: tags.seen.clone(), ..before.goal(&manifest, &text, raised) };
        let Made { lock, mut held } = lock_with(app, &before.store, &goal, None)?;
        // Perhaps it's only what newer tags need that nobody has decided about.
        if held.is_forced && tags.give_up(before.old, &held) {
            continue;
        }
        held.versions.append(&mut tags.held);
        return Ok((lock, held));
    }
}

fn say(app: &App<'_>, manifest: &Manifest, raised: &BTreeMap<PluginName, Requirement>, tags: &Tags) {
    for (name, requirement) in raised {
        let was = manifest.plugins.get(name).and_then(|entry| entry.request.source.requirement());
        app.reporter.event(Event::Note(format!("Raised {name}: {} → {requirement}", was.map(ToString::to_string).unwrap_or_default())));
    }
    for (name, (was, tag)) in &tags.raised {
        app.reporter.event(Event::Note(format!("Raised {name}: {was} → {tag}")));
    }
}

/// Is the version that was chosen older than all that the project's requirement takes in?
fn is_below(manifest: &Manifest, newest: &Lock, name: &PluginName) -> bool {
    let was = manifest.plugins.get(name).and_then(|entry| entry.request.source.requirement());
    let lowest = was.and_then(|was| was.range().bounding_range()).map(|(lowest, _)| lowest);
    match (lowest, newest.plugins.get(name).and_then(LockedPlugin::version)) {
        (Some(Bound::Included(lowest) | Bound::Excluded(lowest)), Some(version)) => version < lowest,
        _ => false,
    }
}

/// The plugins to upgrade, those from registries and those at tags of repositories: the ones that were named, or all.
fn chosen(manifest: &Manifest, args: &UpgradeArgs) -> Result<(BTreeSet<PluginName>, BTreeSet<PluginName>)> {
    let source = |name: &PluginName| manifest.plugins.get(name).map(|entry| &entry.request.source);
    let from_registry = |name: &PluginName| matches!(source(name), Some(Source::Registry { .. }));
    let at_a_tag = |name: &PluginName| matches!(source(name), Some(Source::Git { reference: GitReference::Tag(_), .. }));
    let split = |names: &mut dyn Iterator<Item = &PluginName>| {
        names.filter(|name| from_registry(name) || at_a_tag(name)).cloned().partition(|name| from_registry(name))
    };
    if args.names.is_empty() {
        return Ok(split(&mut manifest.plugins.keys()));
    }
    match args.names.iter().find(|name| !from_registry(name) && !at_a_tag(name)) {
        None => Ok(split(&mut args.names.iter())),
        Some(name) => {
            Err(Error::new("mfp::manifest::not-declared", format!("the manifest has no requirement on `{name}` that could be raised"))
                .help(format!("`mfp update {name}` takes what its requirements allow")))
        }
    }
}

/// Tags that the manifest names, and what they're raised to.
#[derive(Debug, Default)]
struct Tags {
    /// The tag that's named, and the newest like it.
    raised: BTreeMap<PluginName, (RefName, RefName)>,
    /// What's there.
    seen: BTreeMap<PluginName, Declared>,
    /// Those that stay, because a person has to decide about the newest first.
    held: Vec<HeldVersion>,
}

impl Tags {
    /// For each of these the newest tag like the one that's named, where that's another and nobody has to decide about it first.
    fn newer(app: &App<'_>, before: &Before<'_>, names: &BTreeSet<PluginName>) -> Result<Self> {
        let mut tags = Self::default();
        if names.is_empty() {
            return Ok(tags);
        }
        let git = Git::new(app, &before.project.root)?;
        for name in names {
            let source = before.manifest.plugins.get(name).map(|entry| &entry.request.source);
            let Some(Source::Git { url, reference: GitReference::Tag(was), .. }) = source else { continue };
            let mut held = None;
            for (tag, _) in git.newer_tags(url, was)? {
                let (found, objections) = before.at_tag(app, &git, name, &tag)?;
                if objections.is_empty() {
                    tags.raised.insert(name.clone(), (was.clone(), tag));
                    tags.seen.insert(name.clone(), found);
                    break;
                }
                // The newest is what would have been taken.
                held = held.or_else(|| found.passed_over(before.old, objections, Vec::new()));
            }
            let taken = tags.seen.get(name).and_then(|found| found.locked.version()).cloned();
            tags.held.extend(held.map(|held| HeldVersion { current: taken.or(held.current.clone()), ..held }));
        }
        Ok(tags)
    }

    /// Leave all of them as they are, since they need what nobody has decided about. False if there's nothing to leave.
    fn give_up(&mut self, old: Option<&Lock>, forced: &HeldBack) -> bool {
        if self.raised.is_empty() {
            return false;
        }
        self.raised.clear();
        let needs: Vec<PluginName> = forced.versions.iter().map(|one| one.name.clone()).collect();
        let given_up = std::mem::take(&mut self.seen);
        self.held.extend(given_up.values().filter_map(|found| found.passed_over(old, Vec::new(), needs.clone())));
        self.held.extend(forced.versions.iter().cloned());
        true
    }
}

fn with_tags(text: &str, tags: &BTreeMap<PluginName, (RefName, RefName)>) -> Result<String> {
    tags.iter().try_fold(text.to_owned(), |text, (name, (_, tag))| edit::set_tag(&text, name, tag).map_err(|error| cant_edit(&error)))
}

fn with_requirements<'a>(text: &str, requirements: impl IntoIterator<Item = (&'a PluginName, Requirement)>) -> Result<String> {
    requirements.into_iter().try_fold(text.to_owned(), |text, (name, requirement)| {
        edit::set_requirement(&text, name, &requirement).map_err(|error| cant_edit(&error))
    })
}

/// Requirements that the newest versions don't meet, as they have to be.
fn raised(manifest: &Manifest, newest: &Lock, names: &BTreeSet<PluginName>) -> BTreeMap<PluginName, Requirement> {
    let raise = |name: &PluginName| {
        let was = manifest.plugins.get(name)?.request.source.requirement()?;
        let version = newest.plugins.get(name)?.version()?;
        let exact = was.is_exact();
        let requirement = if exact { Requirement::exactly(version) } else { Requirement::caret(version) };
        (!was.matches(version)).then(|| (name.clone(), requirement))
    };
    names.iter().filter_map(raise).collect()
}
