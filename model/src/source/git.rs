//! Which repository, which ref, which commit? Text rules only; nothing is fetched here.
//!
//! The parser of addresses is our own because git's accepts helpers that run programs (`ext::sh -c …`), options in the
//! place of an address (`--upload-pack=…`) and more; refs follow git's `check-ref-format`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use url::Url;

use super::path::RelativePath;
use super::url::{Location, UrlError, check_characters, scheme_of};

/// The address of a git repository: `https:`, `ssh:`, `user@host:path`, and as for registries `http:` and `file:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitUrl(Repository);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repository {
    Location(Location),
    Ssh(Url),
    Scp(String),
}

impl GitUrl {
    /// What to connect to, relative addresses resolved from the folder that holds the manifest.
    ///
    /// # Panics
    /// If `project_dir` isn't absolute.
    pub fn resolve(&self, project_dir: &Path) -> String {
        match &self.0 {
            Repository::Location(location) => location.resolve(project_dir, "").to_string(),
            Repository::Ssh(_) | Repository::Scp(_) => self.to_string(),
        }
    }

    /// Is this plain `http:` to another machine, which needs `allow-http = true`?
    pub fn needs_allow_http(&self) -> bool {
        matches!(&self.0, Repository::Location(Location::Absolute(url)) if super::url::is_plain_http_elsewhere(url))
    }
}

impl FromStr for GitUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.starts_with('-') {
            return Err(UrlError::Character('-'));
        }
        if names_a_helper(text) {
            return Err(helper());
        }
        let url = match scheme_of(text).as_deref() {
            Some("ssh") => ssh(text),
            _ if is_scp(text) => scp(text),
            _ => location(text),
        }?;
        // A folder called `:` is written `file::`, and then it's one.
        if names_a_helper(&url.to_string()) { Err(helper()) } else { Ok(url) }
    }
}

fn helper() -> UrlError {
    UrlError::Syntax("git's `helper::address` form isn't supported".to_owned())
}

/// `ext::…`: what git takes for the name of a program, by git's own rule.
fn names_a_helper(text: &str) -> bool {
    text.split_once("::")
        .is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')))
}

fn location(text: &str) -> Result<GitUrl, UrlError> {
    let location = match Location::parse(text)? {
        Location::Absolute(url) if url.query().is_some() => return Err(UrlError::Query),
        Location::Absolute(mut url) => {
            let path = url.path().trim_end_matches('/').to_owned();
            url.set_path(&path);
            Location::Absolute(url)
        }
        relative @ Location::Relative(_) => relative,
    };
    Ok(GitUrl(Repository::Location(location)))
}

fn ssh(text: &str) -> Result<GitUrl, UrlError> {
    check_characters(text)?;
    let url = Url::parse(text).map_err(|error| UrlError::Syntax(error.to_string()))?;
    let host = url.host_str().unwrap_or_default();
    if host.is_empty() || host.starts_with('-') || url.username().starts_with('-') {
        return Err(UrlError::Syntax("an `ssh:` address needs a host".to_owned()));
    }
    match (url.password(), url.query(), url.fragment()) {
        (Some(_), _, _) => Err(UrlError::Userinfo),
        (_, Some(_), _) => Err(UrlError::Query),
        (_, _, Some(_)) => Err(UrlError::Fragment),
        _ => Ok(GitUrl(Repository::Ssh(url))),
    }
}

/// `user@host:path`, where nothing before the colon holds a slash.
fn is_scp(text: &str) -> bool {
    text.split_once(':').is_some_and(|(host, path)| host.contains('@') && !host.contains('/') && !path.starts_with("//"))
}

fn scp(text: &str) -> Result<GitUrl, UrlError> {
    check_characters(text)?;
    let (login, path) = text.split_once(':').expect("`is_scp` saw the colon");
    let (user, host) = login.split_once('@').expect("`is_scp` saw the `@`");
    let path = path.trim_end_matches('/');
    let plain = |part: &str| {
        !part.is_empty() && !part.starts_with('-') && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    if !plain(user) || !plain(host) || path.is_empty() || path.starts_with('-') || path.contains(['?', '#', '@']) {
        return Err(UrlError::Syntax("not an address of the form `user@host:path`".to_owned()));
    }
    Ok(GitUrl(Repository::Scp(format!("{user}@{}:{path}", host.to_ascii_lowercase()))))
}

impl fmt::Display for GitUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repository::Location(Location::Absolute(url)) | Repository::Ssh(url) => out.write_str(url.as_str()),
            Repository::Location(Location::Relative(path)) => relative_text(path, out),
            Repository::Scp(text) => out.write_str(text),
        }
    }
}

fn relative_text(path: &RelativePath, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(out, "file:{}", super::url::encode_path(path.as_str()))
}

/// Why a text isn't the name of a ref, or a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    /// Against the rules of `git check-ref-format`.
    #[error("not a name that git allows for a branch or tag")]
    Name,
    /// Not 7 to 64 hexadecimal digits.
    #[error("a `rev` is 7 to 64 lower-case hexadecimal digits of a commit's id")]
    Revision,
    /// Not the whole id of a commit.
    #[error("a commit's id has 40 (or 64) lower-case hexadecimal digits")]
    Commit,
}

macro_rules! text_type {
    ($(#[$meta:meta])* $name:ident, $check:expr, $error:expr) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = RefError;

            fn from_str(text: &str) -> Result<Self, RefError> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.into())) } else { Err($error) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, out)
            }
        }
    };
}

text_type! {
    /// The short name of a branch or tag (`main`, `v1.0.0`), by the rules of `git check-ref-format`.
    RefName, is_ref_name, RefError::Name
}
text_type! {
    /// The beginning of a commit's id, or all of it: 7 to 64 lower-case hexadecimal digits.
    Revision, |text| (7..=64).contains(&text.len()) && is_hex(text), RefError::Revision
}
text_type! {
    /// The whole id of a commit: 40 (SHA-1) or 64 (SHA-256) lower-case hexadecimal digits.
    CommitId, |text| matches!(text.len(), 40 | 64) && is_hex(text), RefError::Commit
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What git keeps for itself at the end of a ref's component.
const LOCK_SUFFIX: &str = ".lock";

fn is_ref_name(text: &str) -> bool {
    let bad_character = |c: char| c.is_control() || crate::text::is_control_or_bidi(c) || " ~^:?*[\\".contains(c);
    let bad_component = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(LOCK_SUFFIX);
    text.len() <= 255
        && !text.starts_with('-')
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && text != "@"
        && !text.chars().any(bad_character)
        && !text.split('/').any(bad_component)
}

/// What of a repository is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum GitReference {
    /// The tip of the repository's default branch.
    #[default]
    Default,
    /// A tag.
    Tag(RefName),
    /// The tip of a branch.
    Branch(RefName),
    /// A commit.
    Rev(Revision),
}

impl GitReference {
    /// The key and the value that say it in a file; `None` for the default branch.
    pub fn key_and_value(&self) -> Option<(&'static str, &str)> {
        match self {
            Self::Default => None,
            Self::Tag(name) => Some(("tag", name.as_str())),
            Self::Branch(name) => Some(("branch", name.as_str())),
            Self::Rev(revision) => Some(("rev", revision.as_str())),
        }
    }
}

impl fmt::Display for GitReference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key_and_value() {
            Some((key, value)) => write!(out, "{key} {value}"),
            None => out.write_str("the default branch"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        for (text, canonical) in [
            ("https://GitHub.com/acme/plugins", "https://github.com/acme/plugins"),
            ("https://github.com/acme/plugins.git/", "https://github.com/acme/plugins.git"),
            ("ssh://git@host/u/r", "ssh://git@host/u/r"),
            ("git@Host.example:u/r.git", "git@host.example:u/r.git"),
            ("file:../repo", "file:../repo"),
            ("../repo", "file:../repo"),
            ("../[a]::b", "file:../%5Ba%5D::b"),
            ("https://host/a::b", "https://host/a::b"),
        ] {
            let url: GitUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), canonical);
            assert_eq!(canonical.parse::<GitUrl>(), Ok(url));
        }
        assert_eq!("../repo".parse::<GitUrl>().unwrap().resolve(Path::new("/p/q")), "file:///p/repo");
    }

    #[test]
    fn what_runs_programs_is_no_address() {
        for text in [
            "ext::sh -c touch",
            "ext::sh -c touch [",
            "a.b-c+d::x",
            "::x",
            ":///x",
            "--upload-pack=x",
            "git@-oProxyCommand=x:u/r",
            "git@host:-x",
            "git@host:/",
            "ssh://-oProxyCommand=x/u/r",
            "ssh://git:pw@host/r",
            "https://u@host/r",
            "https://host/r?x",
            "https://host/r#x",
            "git://host/r",
            "ssh:///r",
        ] {
            assert!(text.parse::<GitUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn refs_follow_gits_rules() {
        for text in ["main", "v1.0.0", "feature/x-1", "a.b", "@x"] {
            assert!(text.parse::<RefName>().is_ok(), "{text}");
        }
        for text in [
            "", "-x", "a..b", "a b", "a~1", "a^", "a:b", ".a", "a/.b", "a/", "/a", "a//b", "a.lock", "a.lock/b", "a@{1}", "@", "a.",
            "a\\b", "a\u{7f}",
        ] {
            assert!(text.parse::<RefName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_commit_is_named_in_full_and_a_revision_may_be_short() {
        assert!("8a1d9b9".parse::<Revision>().is_ok() && "8a1d9b".parse::<Revision>().is_err());
        assert!("8A1D9B9".parse::<Revision>().is_err());
        assert!("0".repeat(40).parse::<CommitId>().is_ok() && "0".repeat(39).parse::<CommitId>().is_err());
    }
}
