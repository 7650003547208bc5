//! `mfp whoami`: who am I to this server, and who says so? Never with what.

use crate::app::App;
use crate::cli::login::WhoamiArgs;
use crate::commands::login::server;
use crate::error::{Error, Result};
use crate::report::document::{Document, WhoamiDocument};
use crate::report::{Outcome, clean};
use crate::sources::credentials::origin_of;

/// Ask everybody who could know, in the order in which they're asked for a request.
pub(crate) fn run(app: &App<'_>, args: &WhoamiArgs) -> Result<Outcome> {
    let server = server(app, args.url.as_deref())?;
    let origin = origin_of(&server);
    let known = app.credentials()?.who(&server)?.ok_or_else(|| nobody(&origin))?;
    let who = known.username.as_deref().map_or_else(|| "whoever the token is for".to_owned(), |name| clean(name).into_owned());
    let text = format!("{origin}: {who} ({})\n", known.source.in_words());
    let document = WhoamiDocument { origin, source: known.source.as_str().to_owned(), username: known.username };
    Ok(Outcome::done(Document::Whoami(document)).text(text))
}

fn nobody(origin: &str) -> Error {
    Error::new("mfp::credentials::none", format!("no credential is known for {origin}")).help(format!("`mfp login {origin}`"))
}
