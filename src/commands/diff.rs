//! `mfp diff`: what changed between two locks, told for a person who reviews it: who's new, what may be reached that couldn't
//! be, who signed it. As text, as JSON, and as Markdown for a pull request's comment.
//!
//! Both locks may have been written by anybody: they're parsed like every lock, and their words go through the gates of
//! [`text`] and [`markdown`] before they're shown. Nothing is fetched, and nothing is changed.

use mfp_model::lock::unapproved;
use mfp_model::review::{approval_changes, policy_changes, review};

use crate::app::App;
use crate::cli::look::DiffArgs;
use crate::error::{Exit, Result};
use crate::report::document::{DiffDocument, Document};
use crate::report::render::Style;
use crate::report::{Event, Outcome};

use sides::{Side, sides};

mod exports;
mod markdown;
mod sides;
mod text;
mod told;

/// Compare, and tell.
pub(crate) fn run(app: &App<'_>, args: &DiffArgs) -> Result<Outcome> {
    let (old, new) = sides(app, args)?;
    let review = review(old.lock.as_ref(), new.lock.as_ref());
    let (before, after) = (manifest(app, &old), manifest(app, &new));
    let unapproved = after.as_ref().map(|manifest| unapproved(manifest, new.lock.iter().flat_map(|lock| lock.plugins.values())));
    let approvals = before.as_ref().zip(after.as_ref()).map(|(before, after)| approval_changes(before, after));
    let policy = policy_changes(old.manifest.as_deref().unwrap_or_default(), new.manifest.as_deref().unwrap_or_default());
    let document = DiffDocument {
        from: old.label.clone(),
        to: new.label.clone(),
        changes: told::changes(&review, unapproved.as_deref(), &exports::Exports::open(app)),
        project: review.project.iter().map(told::difference).collect(),
        approvals: approvals.iter().flatten().map(told::approval).collect(),
        policy: if approvals.is_some() { policy.iter().map(told::difference).collect() } else { Vec::new() },
        manifests_compared: approvals.is_some(),
    };
    let is_same = document.is_same();
    let text =
        if args.markdown { markdown::page(&document) } else { text::page(Style { color: app.settings.talk.color_stdout }, &document) };
    let outcome = Outcome::done(Document::Diff(Box::new(document))).text(text);
    Ok(if args.exit_code && !is_same { outcome.exit(Exit::No) } else { outcome })
}

/// The manifest of a side, if it has one that can be read: an old one may be of another time.
fn manifest(app: &App<'_>, side: &Side) -> Option<mfp_model::project::Manifest> {
    let text = side.manifest.as_ref()?;
    match crate::project::parse_manifest(text) {
        Ok(manifest) => Some(manifest),
        Err(error) => {
            let text =
                format!("the manifest of {} can't be read ({}), so approvals and policy aren't compared", side.label, error.message());
            app.reporter.event(Event::Warning { code: "mfp::diff::manifest", text });
            None
        }
    }
}
