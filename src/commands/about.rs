//! `mfp self version`.

use mfp_model::lock::VERSION;

use crate::app::App;
use crate::cli::tools::{SelfAction, SelfArgs};
use crate::error::Result;
use crate::report::Outcome;
use crate::report::document::{AboutDocument, Document};

/// This program's version, and the newest lock it reads.
#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(crate) fn run(_app: &App<'_>, args: &SelfArgs) -> Result<Outcome> {
    let SelfAction::Version = args.action;
    let version = env!("CARGO_PKG_VERSION");
    let document = AboutDocument { version: version.to_owned(), lock_version: VERSION };
    Ok(Outcome::done(Document::About(document)).text(format!("mfp {version}\n")))
}
