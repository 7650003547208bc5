//! What each command does, one file a verb. A command reads as its own summary: structs in, an
//! [`Outcome`] out; nothing is printed on the way.

mod about;
mod add;
mod approve;
mod audit;
mod build;
mod cache;
mod completions;
mod config;
mod diff;
mod docs;
mod doctor;
mod examples;
mod export;
mod info;
mod init;
mod key;
mod list;
mod lock;
mod login;
mod logout;
mod man;
mod new;
mod outdated;
mod package;
mod publish;
mod registry;
mod remove;
mod run;
mod schema;
mod search;
mod serve;
mod sync;
mod test;
mod tree;
mod update;
mod upgrade;
mod validate;
mod vendor;
mod verify;
mod whoami;
mod why;
mod yank;

use crate::app::App;
use crate::cli::Command;
use crate::cli::project::SyncArgs;
use crate::error::Result;
use crate::report::Outcome;

/// Run one command.
pub(crate) fn run(app: &App<'_>, command: &Command) -> Result<Outcome> {
    match command {
        Command::Init(args) => init::run(app, args),
        Command::Install(args) if args.specs.is_empty() => sync::run(app, &SyncArgs::default()),
        Command::Add(args) | Command::Install(args) => add::run(app, args),
        Command::Remove(args) => remove::run(app, args),
        Command::Lock(args) => lock::run(app, args),
        Command::Sync(args) => sync::run(app, args),
        Command::Update(args) => update::run(app, args),
        Command::Upgrade(args) => upgrade::run(app, args),
        Command::Approve(args) => approve::run(app, args),
        Command::Run(args) => run::run(app, args),
        Command::Serve(args) => serve::run(app, args),
        Command::List(args) => list::run(app, args),
        Command::Tree(args) => tree::run(app, args),
        Command::Why(args) => why::run(app, args),
        Command::Outdated(args) => outdated::run(app, args),
        Command::Info(args) => info::run(app, args),
        Command::Docs(args) => docs::run(app, args),
        Command::Search(args) => search::run(app, args),
        Command::Verify(args) => verify::run(app, args),
        Command::Audit(args) => audit::run(app, args),
        Command::Diff(args) => diff::run(app, args),
        Command::Export(args) => export::run(app, args),
        Command::Vendor(args) => vendor::run(app, args),
        Command::New(args) => new::run(app, args),
        Command::Build(args) => build::run(app, args),
        Command::Test(args) => test::run(app, args),
        Command::Validate(args) => validate::run(app, args),
        Command::Examples(args) => examples::run(app, args),
        Command::Package(args) => package::run(app, args),
        Command::Publish(args) => publish::run(app, args),
        Command::Yank(args) => yank::run(app, args),
        Command::Registry(args) => registry::run(app, args),
        Command::Key(args) => key::run(app, args),
        Command::Login(args) => login::run(app, args),
        Command::Logout(args) => logout::run(app, args),
        Command::Whoami(args) => whoami::run(app, args),
        Command::Cache(args) => cache::run(app, args),
        Command::Doctor(args) => doctor::run(app, args),
        Command::Config(args) => config::run(app, args),
        Command::Schema(args) => schema::run(app, args),
        Command::Man(args) => man::run(app, args),
        Command::Completions(args) => completions::run(app, args),
        Command::SelfCommand(args) => about::run(app, args),
    }
}
