//! mfp, the package manager for MockForge plugins: people and the network.
//!
//! Data's way: argv ([`cli`]) → settings ([`settings`]) → project ([`project`]) → a command ([`commands`]), which asks
//! [`sources`] for what the world has, `mfp_resolver` for a decision, `mfp_store` for bytes and `mfp_loader` for a call,
//! and leaves an outcome, which [`report`] prints.
//!
//! Where things are on disk:
//!
//! | path | what | owner |
//! |---|---|---|
//! | `mockforge-plugins.toml` | what the project wants | [`project`], edited by `mfp_model::project::edit` |
//! | `plugins.lock` | what the project runs | [`project`], written by `mfp_model::lock` |
//! | `<plugin-dir>/<name>/` | a laid-out plugin | `mfp_store::layout` |
//! | `<plugin-dir>/.mfp.json` | what was laid out, and from what | `mfp_store::layout` |
//! | `.mockforge/mfp.lock` | the lock that commands on one project wait for | [`project`] |
//! | `<store>/v1/…` | verified content, staging, quarantine | `mfp_store` |
//! | `<cache>/index/v3/…` | index documents with their ETags, a file a registry | [`mod@sources::registry`] |
//! | `<cache>/git/v1/…` | bare repositories | [`mod@sources::git`] |
//! | `<cache>/aot/…` | compiled modules of this user | `mfp_loader::aot` |
//! | `<store>/projects/…` | which projects' locks `cache prune` keeps | [`app`] |
//! | `config.toml` | the user's configuration | [`user_config`] |

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::app::App;
use crate::cli::{Cli, GlobalArgs};
use crate::error::{Error, Exit};
use crate::report::Reporter;
use crate::report::gate::{Traced, panicked};
use crate::settings::{Environment, Settings, Talk};

mod advisories;
mod app;
mod approvals;
mod audit;
mod authoring;
mod changing;
mod cli;
mod commands;
mod configs;
mod error;
mod explain;
mod gate;
mod held;
mod installing;
mod keys;
mod locking;
mod merging;
mod moved_tags;
mod policy;
mod project;
#[cfg(test)]
mod reference;
mod registry_folder;
mod report;
mod running;
mod scan;
mod serve;
mod settings;
mod signing;
mod sources;
mod user_config;
mod vcs;

/// A resolution is made of a great many small values; this allocator halves what they cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == mfp_loader::COMPILE_ARG) {
        return compile(&arguments.collect::<Vec<_>>());
    }
    std::panic::set_hook(Box::new(panicked));
    let environment = Environment::capture();
    let exit = match Cli::try_parse() {
        Ok(cli) => run(&cli, environment),
        Err(error) => usage(&error, &environment),
    };
    ExitCode::from(exit.code())
}

/// Compile a plugin for another process of this program, which limits this one and reads how it ended.
fn compile(arguments: &[std::ffi::OsString]) -> ExitCode {
    match mfp_loader::compile_child(arguments, std::io::stdin().lock(), std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Run one command, from its flags to its exit code.
fn run(cli: &Cli, environment: Environment) -> Exit {
    let talk = match Talk::resolve(&cli.global, &environment) {
        Ok(talk) => talk,
        Err(error) => return Reporter::new(Talk::plain(cli.global.json)).finish(Err(error)),
    };
    trace(talk);
    let reporter = Reporter::new(talk);
    reporter.set_command(cli.command.name());
    let result = Settings::resolve(cli, environment).and_then(|settings| {
        let app = App::new(settings, &reporter);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commands::run(&app, &cli.command)))
            .unwrap_or_else(|_| Err(Error::bug("a step panicked; what it said stands above")))
    });
    reporter.finish(result)
}

/// `-vv`: a trace of what's done, on stderr.
fn trace(talk: Talk) {
    if talk.verbose >= 2 {
        let filter = tracing_subscriber::EnvFilter::new(if talk.verbose >= 3 {
            "mfp=trace,mfp_store=trace,mfp_loader=trace"
        } else {
            "mfp=debug,mfp_store=debug,mfp_loader=debug"
        });
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(move || Traced { is_coloured: talk.color_stderr })
            .with_ansi(talk.color_stderr)
            .without_time()
            .init();
    }
}

/// Arguments that can't be understood, or `--help` and `--version`, which are no errors.
fn usage(error: &clap::Error, environment: &Environment) -> Exit {
    if !error.use_stderr() || error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return if error.use_stderr() { Exit::Usage } else { Exit::Done };
    }
    let json = std::env::args_os().any(|argument| argument == "--json") || matches!(environment.text("MFP_JSON"), Some("1" | "true"));
    let talk = Talk::resolve(&GlobalArgs { json, ..GlobalArgs::default() }, environment).unwrap_or_else(|_| Talk::plain(json));
    Reporter::new(talk).finish(Err(in_our_words(&error.render().to_string())))
}

/// What clap says, as every other error is told: what's wrong, how it's used, what to type next.
fn in_our_words(text: &str) -> Error {
    let paragraphs: Vec<String> =
        text.trim_start_matches("error: ").split("\n\n").map(|part| part.lines().map(str::trim).collect::<Vec<_>>().join(" ")).collect();
    let starting = |word: &str| paragraphs.iter().find_map(|part| part.strip_prefix(word).map(|rest| rest.trim().to_owned()));
    let usage = starting("Usage:");
    let help = format!("`{} --help`", command_words(usage.as_deref()));
    let shown = Error::new("mfp::usage::arguments", paragraphs.first().cloned().unwrap_or_default());
    let shown = match usage {
        Some(usage) => shown.note(format!("usage: {usage}")),
        None => shown,
    };
    shown.help(starting("tip:").unwrap_or(help))
}

/// `mfp config set`, from the usage that clap shows, else from what was typed.
fn command_words(usage: Option<&str>) -> String {
    let is_word = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
    if let Some(usage) = usage {
        return usage.split(' ').take_while(is_word).collect::<Vec<_>>().join(" ");
    }
    let commands = Cli::command();
    let typed = std::env::args_os()
        .skip(1)
        .find_map(|argument| commands.find_subcommand(argument.to_str()?).map(|command| command.get_name().to_owned()));
    typed.map_or_else(|| "mfp".to_owned(), |command| format!("mfp {command}"))
}
