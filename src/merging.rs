//! What did two branches lock, that git is now to make one of? Both sides of an unfinished merge, as preferences for the merged
//! manifest; and in words, what became of them.
//!
//! `plugins.lock merge=binary` in `.gitattributes` keeps git from merging a lock line by line: it leaves ours in the work tree and
//! both in its index. Where that's missing, markers are in the file. Both are understood, in a merge, a rebase and a
//! cherry-pick; git's index is asked first, since it has the sides whole. Nothing of either side is taken for a lock: the merged
//! manifest is resolved, and the result is as closed and as verified as any.

use mfp_model::lock::merge::{Disagreement, Sides, first_marker, side, sides as in_text};
use mfp_model::lock::{Lock, LockedPlugin};
use mfp_model::project::Manifest;

use crate::app::App;
use crate::error::{Error, Excerpt, Exit, Result};
use crate::project::{LOCK, MANIFEST, Project};
use crate::report::Event;
use crate::vcs::Repository;

/// An unfinished merge of the lock.
#[derive(Debug)]
pub(crate) struct Merge {
    sides: Sides,
    /// What git is in the middle of, if it's known.
    during: Option<&'static str>,
}

/// Git has the lock as unmerged, or it has markers in it: then both sides. `None` otherwise.
pub(crate) fn unfinished(app: &App<'_>, project: &Project) -> Result<Option<Merge>> {
    let repository = known(app, Repository::around(&project.root));
    let during = repository.as_ref().and_then(Repository::in_the_middle_of);
    if let Some(unmerged) = repository.as_ref().and_then(|repository| known(app, repository.unmerged(LOCK))) {
        let of = |text: Option<String>, whose| text.and_then(|text| read(app, &text, whose)).map(not_newer).transpose();
        let sides =
            Sides { base: of(unmerged.base, "")?, ours: of(unmerged.ours, "our side")?, theirs: of(unmerged.theirs, "their side")? };
        return Ok(Some(Merge { sides, during }));
    }
    let Some(text) = project.lock_text.as_deref().filter(|text| first_marker(text).is_some()) else { return Ok(None) };
    let sides = match in_text(text) {
        Some((base, ours, theirs)) => Sides {
            base: base.and_then(|text| read(app, &text, "")).map(not_newer).transpose()?,
            ours: read(app, &ours, "our side").map(not_newer).transpose()?,
            theirs: read(app, &theirs, "their side").map(not_newer).transpose()?,
        },
        None => Sides::default(),
    };
    Ok(Some(Merge { sides, during }))
}

/// A repository that can't be read is no reason not to lock: then there are the markers, or nothing.
fn known<T>(app: &App<'_>, found: Result<Option<T>>) -> Option<T> {
    found.unwrap_or_else(|error| {
        app.reporter.event(Event::Detail(error.message().to_owned()));
        None
    })
}

/// Only one side of the lock is in the file, and git says so: whoever asks whether it's fresh has to know.
pub(crate) fn refuse_unmerged(project: &Project) -> Result<()> {
    let repository = Repository::around(&project.root).ok().flatten();
    let unmerged = repository.and_then(|repository| repository.unmerged(LOCK).ok().flatten());
    match unmerged {
        None => Ok(()),
        Some(_) => Err(Error::new("mfp::lock::unmerged", format!("git hasn't merged {LOCK}: only one side of it is in the file"))
            .help(format!("run `mfp lock`, then `git add {LOCK}`"))),
    }
}

/// A manifest with markers in it says so, at the first: it's for people to decide what's wanted.
pub(crate) fn manifest_in_conflict(text: &str) -> Option<Error> {
    let span = first_marker(text)?;
    let excerpt = Excerpt {
        file: MANIFEST.to_owned(),
        text: text.to_owned(),
        span,
        label: "an unfinished merge: decide here what the project wants".to_owned(),
    };
    Some(
        Error::new("mfp::manifest::conflict-markers", format!("{MANIFEST} has conflict markers in it"))
            .excerpt(excerpt)
            .help(format!("finish the merge of {MANIFEST} by hand; then `mfp lock` merges {LOCK} to go with it")),
    )
}

/// A side that can't be read has no say.
fn read(app: &App<'_>, text: &str, whose: &str) -> Option<Lock> {
    let lock = side(text);
    if let (Err(error), false) = (&lock, whose.is_empty()) {
        let text = format!("{LOCK}: {whose} of the merge can't be read ({}), and is left aside", error.message);
        app.reporter.event(Event::Warning { code: "mfp::lock::side", text });
    }
    lock.ok()
}

fn not_newer(lock: Lock) -> Result<Lock> {
    if lock.is_from_newer_mfp() { Err(crate::project::from_newer()) } else { Ok(lock) }
}

impl Merge {
    /// What a resolver is to prefer; `None` if neither side could be read.
    pub(crate) fn preferred(&self, app: &App<'_>, manifest: &Manifest) -> Result<Option<Lock>> {
        let during = self.during.map(|during| format!(" ({during})")).unwrap_or_default();
        app.reporter.event(Event::Note(format!("{LOCK} is in conflict{during}: both sides are taken as preferences")));
        self.sides.preferred(manifest).map_err(|two| {
            Error::new("mfp::lock::two-contents", format!("{LOCK}: {two}"))
                .exit_with(Exit::Integrity)
                .help(format!("find out which of the two is right, and take its side: `git checkout --ours {LOCK}` or `--theirs`, then `git add {LOCK}` and `mfp lock`"))
        })
    }

    /// What our side had: what the result is compared with.
    pub(crate) fn ours(&self) -> Option<&Lock> {
        self.sides.ours.as_ref()
    }

    /// Where the sides weren't of one mind: what each had, and what it came to.
    pub(crate) fn tell(&self, app: &App<'_>, result: &Lock) {
        for one in self.sides.disagreements() {
            let chosen = result.plugins.get(one.name);
            // What only one side has and what's still there is told as a change, if it's one.
            if chosen.is_some() && (one.ours.is_none() || one.theirs.is_none()) {
                continue;
            }
            app.reporter.event(Event::Note(self.told(&one, chosen)));
        }
        app.reporter.event(Event::Note(format!("Next: `git add {LOCK}`")));
    }

    fn told(&self, one: &Disagreement<'_>, chosen: Option<&LockedPlugin>) -> String {
        // In a rebase git calls ours what's rebased onto, which is nobody's word for it.
        let (ours, theirs) = match self.during {
            Some("a rebase") => ("where it's rebased onto", "in the commit"),
            _ => ("on our side", "on theirs"),
        };
        let (our, their) = (version(one.ours), version(one.theirs));
        let end = match chosen {
            None => "not needed any more".to_owned(),
            Some(_) => version(chosen),
        };
        format!(" {}: {our} {ours}, {their} {theirs}: {end}", one.name)
    }
}

/// A version for people; of a branch, the commit says more.
fn version(plugin: Option<&LockedPlugin>) -> String {
    let Some(plugin) = plugin else { return "none".to_owned() };
    let version = plugin.version().map_or_else(|| "a service".to_owned(), ToString::to_string);
    match plugin.package().and_then(|package| package.pin.commit()) {
        Some(commit) => format!("{version} ({})", &commit.as_str()[..7]),
        None => version,
    }
}
