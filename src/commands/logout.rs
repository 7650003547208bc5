//! `mfp logout`: forget what `mfp login` kept.

use crate::app::App;
use crate::cli::login::LogoutArgs;
use crate::commands::login::server;
use crate::error::{Error, Result};
use crate::report::document::{Document, LogoutDocument};
use crate::report::{Event, Outcome, plural};
use crate::sources::credentials::{Vault, origin_of};

/// Forget one origin's token, or all of them.
pub(crate) fn run(app: &App<'_>, args: &LogoutArgs) -> Result<Outcome> {
    let vault = Vault::open(&app.settings)?;
    let removed = if args.all { all(&vault)? } else { vec![one(&vault, &origin_of(&server(app, args.url.as_deref())?))?] };
    let what = match removed.as_slice() {
        [origin] => format!("Logged out of {origin}"),
        removed => format!("Logged out of {}", plural(removed.len(), "server")),
    };
    app.reporter.event(Event::Note(what));
    Ok(Outcome::done(Document::Logout(LogoutDocument { removed })))
}

fn all(vault: &Vault<'_>) -> Result<Vec<String>> {
    let origins = vault.origins()?;
    for origin in &origins {
        vault.forget(origin)?;
    }
    Ok(origins)
}

fn one(vault: &Vault<'_>, origin: &str) -> Result<String> {
    if vault.forget(origin)? {
        return Ok(origin.to_owned());
    }
    Err(Error::new("mfp::credentials::none", format!("nobody is logged in to {origin} with `mfp login`"))
        .help(format!("`mfp whoami {origin}` says whether something else knows a credential")))
}
