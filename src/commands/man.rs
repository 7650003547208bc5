//! `mfp man`: the manual, as roff.

use clap::CommandFactory;
use mfp_store::fs::write_atomic;

use crate::app::App;
use crate::cli::Cli;
use crate::cli::tools::ManArgs;
use crate::error::{Error, Result};
use crate::explain;
use crate::report::document::{Document, TextDocument};
use crate::report::{Outcome, clean};

/// One page on stdout, or all of them into a folder.
pub(crate) fn run(app: &App<'_>, args: &ManArgs) -> Result<Outcome> {
    let mut root = Cli::command();
    root.build();
    if let Some(folder) = &args.output {
        return write_all(app, &root, &app.settings.path(folder));
    }
    let command = match &args.command {
        None => root,
        Some(name) => root.find_subcommand(name).cloned().map(|command| titled(&command)).ok_or_else(|| {
            Error::new("mfp::usage::arguments", format!("there's no command `{}`", clean(name))).help("`mfp --help` lists them")
        })?,
    };
    let text = page(command)?;
    Ok(Outcome::done(Document::Text(TextDocument { text: text.clone() })).text(text))
}

fn write_all(app: &App<'_>, root: &clap::Command, folder: &std::path::Path) -> Result<Outcome> {
    std::fs::create_dir_all(folder).map_err(|error| explain::io("make the folder", folder, &error))?;
    let pages = root.get_subcommands().filter(|command| !command.is_hide_set()).map(titled);
    let mut names = Vec::new();
    for command in std::iter::once(root.clone()).chain(pages) {
        let name = format!("{}.1", command.get_name());
        write_atomic(&folder.join(&name), page(command)?.as_bytes()).map_err(explain::store)?;
        names.push(name);
    }
    app.reporter.event(crate::report::Event::Note(format!("Wrote {} pages to {}", names.len(), folder.display())));
    Ok(Outcome::done(Document::Text(TextDocument { text: names.join("\n") })))
}

/// A command's page is called `mfp-add`, as `man` looks it up.
fn titled(command: &clap::Command) -> clap::Command {
    let name = format!("mfp-{}", command.get_name());
    command.clone().name(name)
}

fn page(command: clap::Command) -> Result<String> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(|error| Error::bug(format!("a manual page can't be made: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
