//! What does a person mean by `auth-jwt@^1.2`, by a URL, by `./folder`? One argument of `mfp add`, understood.
//!
//! The rules, first that fits: a prefix (`git+`, `remote+`) or what's said beside it; `./…`, `../…` and absolute paths are folders;
//! an address whose path ends in a known archive suffix is a URL plugin; one that ends in `.git`, or has exactly two segments
//! on a known forge, is git; `git@host:path` and `owner/repository#ref` are git; anything else with a scheme asks which
//! it is; the rest is a name.

use std::ops::Range;
use std::str::FromStr;

use super::{ArtifactUrl, GitReference};
use crate::content::PackagePath;
use crate::digest::Sha256;
use crate::name::{NameError, PluginName};
use crate::requirement::Requirement;
use crate::version::Version;

/// The suffixes of archives and modules.
const ARCHIVE_SUFFIXES: [&str; 5] = [".tar.zst", ".tar.gz", ".tgz", ".zip", ".wasm"];
/// Where an address of two segments is a repository.
const FORGES: [&str; 4] = ["github.com", "gitlab.com", "codeberg.org", "bitbucket.org"];

/// One argument of `mfp add`, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// A plugin of a registry; without a requirement, `^` of the newest.
    Named {
        /// Its name.
        name: PluginName,
        /// The versions that will do.
        requirement: Option<Requirement>,
    },
    /// An archive or a bare module at an address.
    Url {
        /// The address.
        url: ArtifactUrl,
        /// The archive's digest, if it was given.
        sha256: Option<Sha256>,
    },
    /// A repository.
    Git(GitSpec),
    /// A folder or a bare module on this machine, as it was typed.
    Path(String),
    /// A service, as it was typed.
    Remote(String),
}

/// A repository, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSpec {
    /// Its address, as it was typed; a folder's path (see [`is_path`]) is the typist's to resolve.
    pub address: String,
    /// The ref, if one was named.
    pub reference: AskedRef,
    /// The plugin's folder in it.
    pub subdir: Option<PackagePath>,
}

/// A ref as it's asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedRef {
    /// A tag, a branch, a commit, or the default branch: it was said.
    Said(GitReference),
    /// A name after `#`: only the repository knows what it is.
    Named(String),
}

/// What's said beside an argument, by flags.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Said {
    /// Nothing: the argument says it.
    #[default]
    Nothing,
    /// It's the URL of an archive or a module.
    Url,
    /// It's a path.
    Path,
    /// It's a repository.
    Git {
        /// What of it.
        reference: Option<GitReference>,
        /// The plugin's folder in it.
        subdir: Option<String>,
    },
}

/// Why an argument isn't understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SpecError {
    /// Where in the argument the mistake is, in bytes; `None` if it's the whole that can be two things.
    pub span: Option<Range<usize>>,
    /// What's wrong there.
    pub message: String,
    /// What to type instead.
    pub help: String,
}

impl SpecError {
    fn at(span: Range<usize>, message: &(impl ToString + ?Sized), help: impl Into<String>) -> Self {
        Self { span: Some(span), message: message.to_string(), help: help.into() }
    }
}

type Result<T, E = SpecError> = std::result::Result<T, E>;

impl Spec {
    /// Understand an argument, with what's said beside it.
    pub fn parse(text: &str, said: &Said) -> Result<Self> {
        match said {
            Said::Url => parse_url(text),
            Said::Path => Ok(Self::Path(text.to_owned())),
            Said::Git { reference, subdir } => {
                repository(text, text.strip_prefix("git+").unwrap_or(text), reference.as_ref(), subdir.as_deref())
            }
            Said::Nothing => match guess(text)? {
                Guess::Is(spec) => Ok(spec),
                Guess::Git(address) => repository(text, &address, None, None),
            },
        }
    }
}

/// What an argument looks like.
#[derive(Debug)]
enum Guess {
    Is(Spec),
    Git(String),
}

/// `address[#ref[:folder]]`, or the same said by flags.
fn repository(text: &str, address: &str, said: Option<&GitReference>, subdir: Option<&str>) -> Result<Spec> {
    let (address, fragment) = address.split_once('#').map_or((address, None), |(address, fragment)| (address, Some(fragment)));
    let (name, folder) = match fragment.map(|fragment| fragment.split_once(':').unwrap_or((fragment, ""))) {
        None => (None, None),
        Some((name, folder)) => (Some(name).filter(|name| !name.is_empty()), Some(folder).filter(|folder| !folder.is_empty())),
    };
    let at = |part: &str| text.rfind(part).map_or(0..text.len(), |start| start..start + part.len());
    let reference = match (said, name) {
        (Some(_), Some(name)) => return Err(SpecError::at(at(name), "the ref is said by a flag too", "say it once")),
        (Some(said), None) => AskedRef::Said(said.clone()),
        (None, Some(name)) => AskedRef::Named(name.to_owned()),
        (None, None) => AskedRef::Said(GitReference::Default),
    };
    let folder = match (subdir, folder) {
        (Some(_), Some(folder)) => return Err(SpecError::at(at(folder), "the folder is said by a flag too", "say it once")),
        (said, folder) => said.or(folder),
    };
    let help = "name the plugin's folder in the repository: `#ref:path/to/plugin`";
    let subdir = folder
        .map(|folder| folder.trim_matches('/').parse().map_err(|error: crate::content::PathError| SpecError::at(at(folder), &error, help)));
    Ok(Spec::Git(GitSpec { address: address.to_owned(), reference, subdir: subdir.transpose()? }))
}

fn guess(text: &str) -> Result<Guess> {
    if let Some(address) = text.strip_prefix("git+") {
        return Ok(Guess::Git(address.to_owned()));
    }
    if let Some(address) = text.strip_prefix("remote+") {
        return Ok(Guess::Is(Spec::Remote(address.to_owned())));
    }
    if is_path(text) {
        return Ok(Guess::Is(Spec::Path(text.to_owned())));
    }
    if is_scp_like(text) {
        return Ok(Guess::Git(text.to_owned()));
    }
    if has_scheme(text) {
        return guess_address(text);
    }
    if is_forge_shorthand(text) {
        return Ok(Guess::Git(format!("https://github.com/{text}")));
    }
    parse_named(text).map(Guess::Is)
}

/// Is it the path of a folder or file on this machine?
pub fn is_path(text: &str) -> bool {
    matches!(text, "." | "..")
        || text.starts_with("./")
        || text.starts_with("../")
        || std::path::Path::new(text).is_absolute()
        || text.starts_with(".\\")
        || text.starts_with("..\\")
}

fn has_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    })
}

fn is_scp_like(text: &str) -> bool {
    let Some((host, path)) = text.split_once(':') else { return false };
    host.contains('@') && !host.contains('/') && !path.starts_with("//")
}

/// `owner/repository` or `owner/repository#ref`.
fn is_forge_shorthand(text: &str) -> bool {
    let address = text.split('#').next().unwrap_or(text);
    let segment =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    matches!(address.split('/').collect::<Vec<_>>().as_slice(), [owner, repository] if segment(owner) && segment(repository))
}

#[expect(clippy::case_sensitive_file_extension_comparisons, reason = "the path is in lower case by then")]
fn guess_address(text: &str) -> Result<Guess> {
    let without_fragment = text.split('#').next().unwrap_or(text);
    let path = without_fragment.split('?').next().unwrap_or(without_fragment);
    let lower = path.to_ascii_lowercase();
    if ARCHIVE_SUFFIXES.iter().any(|suffix| lower.ends_with(suffix)) {
        return parse_url(text).map(Guess::Is);
    }
    if lower.ends_with(".git") || is_repository_of_a_forge(path) || lower.starts_with("ssh:") {
        return Ok(Guess::Git(text.to_owned()));
    }
    Err(SpecError {
        span: None,
        message: "could be an archive or a git repository".to_owned(),
        help: format!("say which: `mfp add --url {text}` or `mfp add git+{text}`"),
    })
}

fn is_repository_of_a_forge(path: &str) -> bool {
    let Some((_, rest)) = path.split_once("://") else { return false };
    let mut parts = rest.trim_end_matches('/').split('/');
    parts.next().is_some_and(|host| FORGES.contains(&host)) && parts.count() == 2
}

fn parse_url(text: &str) -> Result<Spec> {
    match ArtifactUrl::parse_with_digest(text) {
        Ok((url, sha256)) => Ok(Spec::Url { url, sha256 }),
        Err(error) => {
            Err(SpecError::at(0..text.len(), &error, "write it as `https://host/plugin-1.0.0.tar.zst`, with `#sha256=…` if you know it"))
        }
    }
}

fn parse_named(text: &str) -> Result<Spec> {
    let (name_text, version_text) = match text.split_once('@') {
        None => (text, None),
        Some((name, version)) => (name, Some(version)),
    };
    let name = PluginName::from_str(name_text).map_err(|error| {
        let help = match &error {
            NameError::Spelling { would_be } => {
                format!("`mfp add {would_be}{}`", version_text.map(|version| format!("@{version}")).unwrap_or_default())
            }
            _ => "a folder is written `./folder`, an archive by its URL".to_owned(),
        };
        SpecError::at(0..name_text.len(), &error, help)
    })?;
    let requirement = version_text.map(|version| {
        let help = || format!("`{name}@1.2.3` is exactly that version, `{name}@1.2` and `{name}@^1.2` are compatible ones");
        parse_wanted(version).map_err(|error| SpecError::at(name_text.len() + 1..text.len(), &error, help()))
    });
    Ok(Spec::Named { name, requirement: requirement.transpose()? })
}

/// `1.2.3` is exact, `1.2` is `^1.2`, anything else is Cargo's syntax.
fn parse_wanted(text: &str) -> Result<Requirement, String> {
    match text.parse::<Version>() {
        Ok(version) => Ok(Requirement::exactly(&version)),
        Err(_) => text.parse::<Requirement>().map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> (String, Option<String>) {
        match guess(text).unwrap() {
            Guess::Is(Spec::Named { name, requirement }) => (name.to_string(), requirement.map(|requirement| requirement.to_string())),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_with_versions() {
        let with = |text: &str, requirement: &str| assert_eq!(named(text), ("auth-jwt".into(), Some(requirement.into())), "{text}");
        assert_eq!(named("auth-jwt"), ("auth-jwt".into(), None));
        with("auth-jwt@1.2.3", "=1.2.3");
        with("auth-jwt@1.2", "^1.2");
        with("auth-jwt@^1.2", "^1.2");
        with("auth-jwt@>=1, <3", ">=1, <3");
        with("auth-jwt@2.0.0-rc.1", "=2.0.0-rc.1");
    }

    #[test]
    fn addresses() {
        for text in
            ["https://cdn.acme.example/x.zip", "https://a.example/x-1.0.0.tar.zst?token=1", "file:plugins/x.wasm", "http://127.0.0.1/x.tgz"]
        {
            assert!(matches!(guess(text), Ok(Guess::Is(Spec::Url { .. }))), "{text}");
        }
        for text in [
            "https://github.com/u/r",
            "https://github.com/u/r#v1:sub",
            "https://x.example/a/b.git#main",
            "git+https://x.example/y",
            "git@host:u/r#x",
            "u/r#v1",
            "ssh://git@host/u/r",
        ] {
            assert!(matches!(guess(text), Ok(Guess::Git(_))), "{text}");
        }
        for text in ["./x", "../x", "/abs/x", "."] {
            assert!(matches!(guess(text), Ok(Guess::Is(Spec::Path(_)))), "{text}");
        }
        assert!(matches!(guess("remote+http://auth:8080"), Ok(Guess::Is(Spec::Remote(_)))));
        assert_eq!(guess("https://a.example/thing").unwrap_err().span, None);
    }

    #[test]
    fn repositories_have_a_ref_and_a_folder() {
        let of = |text: &str| match Spec::parse(text, &Said::Nothing).unwrap() {
            Spec::Git(spec) => (spec.address, spec.reference, spec.subdir.map(|folder| folder.to_string())),
            other => panic!("{other:?}"),
        };
        let (none, named) = (AskedRef::Said(GitReference::Default), |name: &str| AskedRef::Named(name.to_owned()));
        assert_eq!(of("u/r#v1.2.0"), ("https://github.com/u/r".into(), named("v1.2.0"), None));
        assert_eq!(of("git+ssh://git@h/r.git"), ("ssh://git@h/r.git".into(), none.clone(), None));
        assert_eq!(of("https://h/r.git#main:a/b"), ("https://h/r.git".into(), named("main"), Some("a/b".into())));
        assert_eq!(of("git@h:u/r#:a"), ("git@h:u/r".into(), none, Some("a".into())));
        let tag = GitReference::Tag("v1".parse().unwrap());
        let flags = Said::Git { reference: Some(tag.clone()), subdir: Some("x".into()) };
        let Spec::Git(said) = Spec::parse("https://h/r", &flags).unwrap() else { panic!("it was said to be git") };
        assert_eq!(said.reference, AskedRef::Said(tag));
        assert!(Spec::parse("https://h/r#v2", &flags).is_err() && Spec::parse("https://h/r#:y", &flags).is_err());
        assert!(Spec::parse("u/r#v1:../x", &Said::Nothing).is_err());
    }

    #[test]
    fn a_bad_name_is_pointed_at() {
        let error = guess("Auth_JWT@1").unwrap_err();
        assert_eq!((error.span, error.help.as_str()), (Some(0..8), "`mfp add auth-jwt@1`"));
        let error = guess("auth-jwt@x.y").unwrap_err();
        assert_eq!(error.span, Some(9..12));
    }
}
