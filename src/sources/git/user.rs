//! What does this user's git know that mfp may use? Credential helpers, the ssh command, and `url.<base>.insteadOf`.
//!
//! Nothing else of git's configuration counts: no hooks, no filters, no transports, no proxies (mfp has its own). The
//! files are git's usual ones, found as git finds them; a project's own `.git/config` isn't among them.

use std::ffi::OsString;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gix::bstr::ByteSlice;
use gix::credentials::helper::{Action, Cascade, NextAction};
use reqwest::header::HeaderValue;
use url::Url;

use crate::error::{Error, Result};
use crate::settings::Settings;

/// The part of git's configuration that counts.
#[derive(Debug)]
pub(super) struct UserGit {
    config: gix::config::File,
    ssh_command: Option<OsString>,
    may_ask: bool,
}

/// A credential that a helper gave, and what to tell the helpers once it's known whether it's any good.
pub(super) struct Granted {
    /// As it's sent. Never printed.
    pub(super) header: HeaderValue,
    cascade: Cascade,
    next: NextAction,
}

impl UserGit {
    /// Read it, if it can be read.
    pub(super) fn read(settings: &Settings) -> Result<Self> {
        let unreadable = |_| {
            Error::new("mfp::git::config", "git's configuration of this user can't be read")
                .help("`git config --global --list` says what's wrong with it")
        };
        let mut config = gix::config::File::from_globals().map_err(unreadable)?;
        config.append(gix::config::File::from_environment_overrides().map_err(unreadable)?).map_err(unreadable)?;
        let configured = || config.string("core.sshCommand").map(|command| command.to_str_lossy().into_owned().into());
        let ssh_command = settings.environment.text("GIT_SSH_COMMAND").map(OsString::from).or_else(configured);
        Ok(Self { ssh_command, config, may_ask: settings.may_ask })
    }

    /// The command that stands for `ssh`, for a shell; plain `ssh` if there's none.
    pub(super) fn ssh_command(&self) -> Option<&OsString> {
        self.ssh_command.as_ref()
    }

    /// May a program that's started here ask its user something?
    pub(super) fn may_ask(&self) -> bool {
        self.may_ask
    }

    /// The address that `url.<base>.insteadOf` puts in the place of this one: the longest that fits, as in git.
    pub(super) fn instead_of(&self, address: &str) -> Option<String> {
        let sections = self.config.sections_by_name("url").into_iter().flatten();
        let rules = sections.flat_map(|section| {
            let base = section.header().subsection_name().map(|base| base.to_str_lossy().into_owned());
            let prefixes = section.values("insteadOf");
            base.into_iter().flat_map(move |base| prefixes.clone().into_iter().map(move |prefix| (base.clone(), prefix)))
        });
        let fitting = rules.filter_map(|(base, prefix)| {
            let prefix = prefix.to_str().ok().filter(|prefix| !prefix.is_empty())?.to_owned();
            let rest = address.strip_prefix(&prefix)?;
            Some((prefix.len(), format!("{base}{rest}")))
        });
        fitting.max_by_key(|(length, _)| *length).map(|(_, address)| address)
    }

    /// What the credential helpers have for this address. They may be asked, nobody else is.
    pub(super) fn credential(&self, url: &Url) -> Result<Option<Granted>> {
        let failed = |_| {
            Error::new("mfp::git::config", "git's credential helpers can't be used")
                .help("`git config --get-all credential.helper` shows them; `git credential fill` tries them")
        };
        let address = gix::url::parse(url.as_str()).map_err(|_| Error::bug("a URL that git can't parse"))?;
        let environment = gix::open::Permissions::isolated().env;
        let (mut cascade, action, prompt) =
            gix::config::credential_helpers(address, &self.config, true, |_| true, environment, false).map_err(failed)?;
        if cascade.programs.is_empty() {
            return Ok(None);
        }
        cascade.stderr = false;
        let prompt = gix::prompt::Options { mode: gix::prompt::Mode::Disable, ..prompt };
        // A helper that has nothing leaves the question to a prompt, and nobody is prompted.
        let Ok(Some(outcome)) = cascade.invoke(action, prompt) else { return Ok(None) };
        let plain = format!("{}:{}", outcome.identity.username, outcome.identity.password);
        let Ok(mut header) = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(plain))) else { return Ok(None) };
        header.set_sensitive(true);
        Ok(Some(Granted { header, cascade, next: outcome.next }))
    }
}

impl Granted {
    /// Tell the helpers that the server took it, or that it didn't. What they do with it is theirs.
    pub(super) fn judged(mut self, good: bool) {
        let action: Action = if good { self.next.store() } else { self.next.erase() };
        let prompt = gix::prompt::Options { mode: gix::prompt::Mode::Disable, ..gix::prompt::Options::default() };
        let _ = self.cascade.invoke(action, prompt);
    }
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("(a credential)")
    }
}
