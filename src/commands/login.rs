//! `mfp login`: keep a token for an origin, once its server has had a look at it.

use std::io::Read;

use mfp_model::source::Redacted;
use reqwest::StatusCode;
use url::Url;
use zeroize::Zeroizing;

use crate::app::App;
use crate::cli::login::LoginArgs;
use crate::error::{Error, Result};
use crate::report::document::{Document, LoginDocument};
use crate::report::{Event, Outcome, ask, clean};
use crate::settings::Hidden;
use crate::sources::credentials::{Source, Vault, header_of, is_private_talk, origin_of};
use crate::sources::http::Http;

/// The longest token that's read.
const MAX_TOKEN_BYTES: u64 = 64 << 10;

/// Ask for the token, try it, keep it.
pub(crate) fn run(app: &App<'_>, args: &LoginArgs) -> Result<Outcome> {
    let server = server(app, args.url.as_deref())?;
    refuse_open_talk(&server)?;
    let origin = origin_of(&server);
    let vault = Vault::open(&app.settings)?;
    let token = token(app, args, &origin)?;
    let checked = check(app, args, &server, &token)?;
    let store = args.store.unwrap_or(app.settings.user.credential_store);
    let stored = vault.keep(&origin, args.username.clone(), &token, store)?;
    if let Some(why) = stored.passed_over {
        let text = format!("the system's keyring wasn't used: {}", clean(&why));
        app.reporter.event(Event::Warning { code: "mfp::credentials::keyring", text });
    }
    let place = match &stored.place {
        Some(file) => format!("in {}", clean(&file.display().to_string())),
        None => "in the system's keyring".to_owned(),
    };
    app.reporter.event(Event::Note(format!("Logged in to {origin}; the token is {place}")));
    note_what_wins(app, &server, stored.source)?;
    let document = LoginDocument { origin, store: stored.source.as_str().to_owned(), username: args.username.clone(), checked };
    Ok(Outcome::done(Document::Login(document)))
}

/// The server that's meant: the URL that was typed, else the project's default registry, or the mirror that's asked in its place.
pub(super) fn server(app: &App<'_>, typed: Option<&str>) -> Result<Url> {
    if let Some(text) = typed {
        return typed_url(text);
    }
    let project = app.project().map_err(|error| error.help("name the server: `mfp login https://plugins.acme.example/`"))?;
    let manifest = project.manifest()?;
    let registry = manifest.registries.get(&manifest.project.registry).ok_or_else(|| {
        Error::new("mfp::usage::registry", "the project has no default registry")
            .help("name the server: `mfp login https://plugins.acme.example/`")
    })?;
    let root = registry.url.resolve(&project.root);
    let same = |canonical: &str| canonical.trim_end_matches('/') == root.as_str().trim_end_matches('/');
    let mirror = app.settings.user.mirrors.iter().find(|(canonical, _)| same(canonical)).map(|(_, mirror)| mirror.as_str());
    match mirror {
        Some(mirror) => typed_url(mirror),
        None => typed_url(root.as_str()),
    }
}

fn typed_url(text: &str) -> Result<Url> {
    let refuse = |why: &str| {
        Error::new("mfp::usage::credentials", format!("credentials are for a server, and {why}"))
            .help("write its URL: `https://plugins.acme.example/`; a token never stands in it")
    };
    let url = Url::parse(text).map_err(|_| refuse("that isn't a URL"))?;
    match url.scheme() {
        "https" | "http" => {}
        "file" => return Err(refuse("a registry in a folder has none")),
        _ => return Err(refuse("only https and http have any")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("this URL has a name or a password in it"));
    }
    let path = if url.path().ends_with('/') { url.path().to_owned() } else { format!("{}/", url.path()) };
    let mut root = url;
    root.set_path(&path);
    root.set_query(None);
    root.set_fragment(None);
    Ok(root)
}

/// A token isn't sent in the clear over a network, so there's no use in keeping one.
fn refuse_open_talk(server: &Url) -> Result<()> {
    if is_private_talk(server) {
        return Ok(());
    }
    Err(Error::new(
        "mfp::usage::credentials",
        format!("{} is plain http on another machine: everybody in between could read a token", origin_of(server)),
    )
    .help("use https"))
}

fn token(app: &App<'_>, args: &LoginArgs, origin: &str) -> Result<Hidden> {
    if args.token_stdin {
        return from_stdin(args.username.is_some());
    }
    if app.may_ask() {
        return tidy(&ask::token(&format!("Token for {origin}"))?, args.username.is_some());
    }
    let why = if app.settings.ci { "in CI nobody is asked for one" } else { "there's no terminal to ask for one" };
    Err(Error::new("mfp::usage::token", format!("a token is needed, and {why}"))
        .help("give it on stdin: `mfp login URL --token-stdin`; in CI, better set MFP_CREDENTIALS"))
}

fn from_stdin(is_password: bool) -> Result<Hidden> {
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().take(MAX_TOKEN_BYTES + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 <= MAX_TOKEN_BYTES => tidy(&text, is_password),
        _ => Err(no_token("what's on stdin isn't one: it's too long, or no text")),
    }
}

/// A token without the line's end that an editor or `echo` gave it. A password may have spaces in it.
fn tidy(text: &str, is_password: bool) -> Result<Hidden> {
    let token = text.trim_matches([' ', '\t', '\r', '\n']);
    match token {
        "" => Err(no_token("there's none")),
        token if token.contains(char::is_control) || (!is_password && !token.bytes().all(|byte| byte.is_ascii_graphic())) => {
            Err(no_token("it has a space, a line break or a letter that can't be sent"))
        }
        token => Ok(Hidden::from(token.to_owned())),
    }
}

fn no_token(why: &str) -> Error {
    Error::new("mfp::usage::token", format!("a token is needed: {why}"))
        .help("give one line on stdin: `mfp login URL --token-stdin < FILE`")
}

/// Ask the server as nobody, and where it wants to know who we are, with the token. One that tells everybody everything can't say
/// whether a token is any good, and isn't shown it.
fn check(app: &App<'_>, args: &LoginArgs, server: &Url, token: &Hidden) -> Result<bool> {
    let header = header_of(args.username.as_deref(), token)?;
    if args.no_check || app.settings.offline {
        return Ok(false);
    }
    let http = Http::new(&app.settings, app.credentials()?);
    let document = server.join("config.json").map_err(|_| Error::bug("a server's root has no documents"))?;
    let wants_credentials = |status| matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let (as_nobody, with_token) = app.wait(async {
        let as_nobody = http.probe(&document, None).await?;
        let with_token = if wants_credentials(as_nobody) { Some(http.probe(&document, Some(&header)).await?) } else { None };
        Ok((as_nobody, with_token))
    })?;
    match with_token {
        Some(status) if wants_credentials(status) => Err(Error::new(
            "mfp::credentials::refused",
            format!("{} answers {status} with this token too, so it wasn't kept", Redacted(&document)),
        )
        .help("check the token, whether it's for this server, and whether a name goes with it: `--username NAME`")),
        Some(_) => Ok(true),
        None => {
            let text = format!("{} answers {as_nobody} to everybody, so the token couldn't be tried", Redacted(&document));
            app.reporter.event(Event::Note(text));
            Ok(false)
        }
    }
}

/// Another source may come before the login, and then the token isn't used.
fn note_what_wins(app: &App<'_>, server: &Url, stored: Source) -> Result<()> {
    let known = app.credentials()?.at_hand(server);
    if let Some(source) = known.filter(|source| *source != stored) {
        app.reporter.event(Event::Note(format!("Note that {} has a credential for it too, which comes first", source.in_words())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word() {
        assert_eq!(&*tidy(" t0ken\r\n", false).unwrap(), "t0ken");
        assert_eq!(&*tidy("pass phrase\n", true).unwrap(), "pass phrase");
        assert!(tidy("two\nlines", true).is_err());
        for text in ["", "\n", "two words", "two\nlines", "é", "a\u{1b}[31m"] {
            assert_eq!(tidy(text, false).unwrap_err().code(), "mfp::usage::token", "{text:?}");
        }
    }

    #[test]
    fn a_server_is_a_url_without_secrets() {
        assert_eq!(typed_url("https://a.example/plugins").unwrap().as_str(), "https://a.example/plugins/");
        for text in ["a.example", "file:///r/", "ssh://a.example/", "https://u:canary@a.example/"] {
            let error = typed_url(text).unwrap_err();
            assert!(error.code() == "mfp::usage::credentials" && !format!("{error:?}").contains("canary"), "{error:?}");
        }
        assert!(refuse_open_talk(&typed_url("http://a.example/").unwrap()).is_err());
        assert!(refuse_open_talk(&typed_url("http://127.0.0.1:1/").unwrap()).is_ok());
    }
}
