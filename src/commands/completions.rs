//! `mfp completions SHELL`.

use clap::CommandFactory;

use crate::app::App;
use crate::cli::Cli;
use crate::cli::tools::CompletionsArgs;
use crate::error::Result;
use crate::report::Outcome;
use crate::report::document::{Document, TextDocument};

/// The completion script for a shell.
#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(crate) fn run(_app: &App<'_>, args: &CompletionsArgs) -> Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "mfp", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    Ok(Outcome::done(Document::Text(TextDocument { text: text.clone() })).text(text))
}
