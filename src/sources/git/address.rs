//! How is a repository reached? From its address to a way there, by rules of our own.

use std::path::{Path, PathBuf};

use mfp_model::source::GitUrl;
use url::Url;

use super::user::UserGit;
use crate::error::{Error, Result};
use crate::report::clean;
use crate::sources::http::exchange::is_forbidden_host;

/// A way to a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// Over git's smart HTTP.
    Http(Url),
    /// Through the `ssh` program.
    Ssh(SshPlace),
    /// Through `git upload-pack` on this machine.
    File(PathBuf),
}

/// What to tell the `ssh` program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshPlace {
    /// `user@host` or `host`.
    pub(super) login: String,
    pub(super) port: Option<u16>,
    /// The repository there, as git's servers take it.
    pub(super) path: String,
}

/// A repository and the way to it.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// The way, the user's `insteadOf` applied.
    pub(super) way: Way,
    /// The address as it may be shown, which is the project's own.
    pub(super) shown: String,
}

impl Address {
    /// The way to a repository of the project in `root`, as far as `insteadOf` of this user has its say.
    pub(super) fn find(url: &GitUrl, root: &Path, user: &UserGit) -> Result<Self> {
        let shown = clean(&url.to_string()).into_owned();
        let resolved = url.resolve(root);
        let instead = user.instead_of(&url.to_string()).or_else(|| user.instead_of(&resolved));
        let Some(instead) = instead else { return Ok(Self { way: way(&resolved, &shown)?, shown }) };
        // What the user's git puts in its place is an address like any other: nothing that runs programs or is read on the way.
        let parsed: Option<GitUrl> = instead.parse().ok().filter(|instead| is_as_safe(instead, url));
        let parsed = parsed.ok_or_else(|| {
            Error::new(
                "mfp::git::config",
                format!("git's `insteadOf` of this user turns {shown} into something that mfp doesn't connect to"),
            )
            .help("`git config --global --get-regexp 'url.*insteadof'` shows it")
        })?;
        Ok(Self { way: way(&parsed.resolve(root), &shown)?, shown })
    }

    /// Is it on this machine, so that nothing is asked over a network?
    pub(super) fn is_local(&self) -> bool {
        matches!(self.way, Way::File(_))
    }

    /// The host, for telling whether two repositories are at one.
    pub(super) fn host(&self) -> Option<String> {
        match &self.way {
            Way::Http(url) => url.host_str().map(str::to_owned),
            Way::Ssh(place) => Some(place.host().to_owned()),
            Way::File(_) => None,
        }
    }
}

/// Plain `http:` to another machine is only where the project's manifest allows it, which it does for its own address.
fn is_as_safe(other: &GitUrl, own: &GitUrl) -> bool {
    !other.needs_allow_http() || own.needs_allow_http()
}

fn way(address: &str, shown: &str) -> Result<Way> {
    let refused = || Error::new("mfp::git::address", format!("{shown} isn't an address that mfp connects to")).help("check its spelling");
    if address.starts_with("http:") || address.starts_with("https:") {
        return Url::parse(address).map(Way::Http).map_err(|_| refused());
    }
    if address.starts_with("file:") {
        let path = Url::parse(address).ok().and_then(|url| url.to_file_path().ok());
        return path.map(Way::File).ok_or_else(refused);
    }
    let place = ssh(address).ok_or_else(refused)?;
    if is_forbidden_host(place.host()) {
        let message = format!("{shown} is at a link-local or metadata address, which mfp never connects to");
        return Err(Error::new("mfp::network::connect", message).help("check the address"));
    }
    Ok(Way::Ssh(place))
}

impl SshPlace {
    fn host(&self) -> &str {
        self.login.rsplit('@').next().unwrap_or_default()
    }
}

/// `ssh://user@host:port/path` and `user@host:path`, which our own parser has accepted already.
fn ssh(address: &str) -> Option<SshPlace> {
    if let Some((login, path)) = address.split_once(':').filter(|(scheme, _)| *scheme != "ssh") {
        return Some(SshPlace { login: login.to_owned(), port: None, path: path.to_owned() });
    }
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
    let login = if url.username().is_empty() { host.to_owned() } else { format!("{}@{host}", url.username()) };
    let path = percent_decoded(url.path())?;
    // `ssh://host/~user/x` is `~user/x` there.
    let path = if path.starts_with("/~") { path[1..].to_owned() } else { path };
    (!login.starts_with('-') && !path.starts_with('-')).then_some(SshPlace { login, port: url.port(), path })
}

fn percent_decoded(path: &str) -> Option<String> {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    (!decoded.chars().any(char::is_control)).then(|| decoded.into_owned())
}

/// The address of a submodule, which is relative to its parent's or on the same host; `None` if it's neither.
pub(super) fn of_submodule(parent: &GitUrl, parent_address: &Address, text: &str, root: &Path, user: &UserGit) -> Option<GitUrl> {
    let url: GitUrl = match text.strip_prefix("./").or_else(|| text.starts_with("../").then_some(text)) {
        Some(relative) => beside(&parent.to_string(), relative)?.parse().ok()?,
        None => text.parse().ok()?,
    };
    if !is_as_safe(&url, parent) {
        return None;
    }
    let address = Address::find(&url, root, user).ok()?;
    let is_relative = text.starts_with("./") || text.starts_with("../");
    let same_host = address.host().is_some() && address.host() == parent_address.host();
    (is_relative || same_host).then_some(url)
}

/// A relative address, as git has it: a path from the parent's own, as if that were a folder. It never leaves the parent's host.
fn beside(parent: &str, relative: &str) -> Option<String> {
    let parent = parent.trim_end_matches('/');
    let path_starts = match parent.split_once("://") {
        Some((scheme, rest)) => scheme.len() + 3 + rest.find('/')? + 1,
        None => parent.find(':')? + 1,
    };
    let (host, path) = parent.split_at(path_starts);
    let mut folders: Vec<&str> = path.split('/').collect();
    let mut rest = relative;
    while let Some(deeper) = rest.strip_prefix("../") {
        // What's relative itself may have neighbours further up.
        match folders.pop() {
            Some("..") if host == "file:" => folders.extend(["..", ".."]),
            None if host == "file:" => folders.push(".."),
            Some(_) => {}
            None => return None,
        }
        rest = deeper;
    }
    if rest.is_empty() || rest.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return None;
    }
    folders.push(rest);
    Some(format!("{host}{}", folders.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_addresses_have_parts() {
        let place = |login: &str, port, path: &str| SshPlace { login: login.into(), port, path: path.into() };
        assert_eq!(ssh("git@host:u/r.git"), Some(place("git@host", None, "u/r.git")));
        assert_eq!(ssh("ssh://git@host:2222/u/r%20x"), Some(place("git@host", Some(2222), "/u/r x")));
        assert_eq!(ssh("ssh://host/~ada/r"), Some(place("host", None, "~ada/r")));
        assert_eq!(ssh("ssh://git@[::1]/r"), Some(place("git@::1", None, "/r")));
        assert_eq!(ssh("ssh://host/%0a"), None);
        for address in ["ssh://git@169.254.169.254/x", "git@169.254.169.254:x", "ssh://[fe80::1]/x", "ssh://git@2852039166/x"] {
            assert_eq!(way(address, address).unwrap_err().code(), "mfp::network::connect", "{address}");
        }
        assert!(way("ssh://git@10.0.0.1/x", "").is_ok());
    }

    #[test]
    fn a_submodules_relative_address_is_beside_its_parents() {
        assert_eq!(beside("https://h/u/r.git", "../lib.git").as_deref(), Some("https://h/u/lib.git"));
        assert_eq!(beside("https://h/u/r", "../../v/lib").as_deref(), Some("https://h/v/lib"));
        assert_eq!(beside("git@h:u/r", "../lib").as_deref(), Some("git@h:u/lib"));
        assert_eq!(beside("git@h:r", "../lib").as_deref(), Some("git@h:lib"));
        assert_eq!(beside("file:../repo", "../lib").as_deref(), Some("file:../lib"));
        assert_eq!(beside("https://h/u/r", "lib").as_deref(), Some("https://h/u/r/lib"));
        assert_eq!(beside("file:repo", "../../lib").as_deref(), Some("file:../lib"));
        assert_eq!(beside("file:../repo", "../../lib").as_deref(), Some("file:../../lib"));
        assert_eq!(beside("file:///a/b", "../c").as_deref(), Some("file:///a/c"));
        for too_far in ["../../x", "../../../x", "../../../../x"] {
            assert_eq!(beside("https://h/r", too_far), None, "a host's name isn't a folder");
            assert_eq!(beside("git@h:r", too_far), None);
        }
        assert_eq!(beside("https://h/u/r", "../a//b"), None);
    }
}
