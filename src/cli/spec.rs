//! What does a person mean by `auth-jwt@^1.2`, by a URL, by `./folder`? One argument of `mfp add`, understood.
//!
//! The rules, first that fits: a prefix (`git+`, `remote+`) or a flag says it; `./…`, `../…` and absolute paths are folders; an
//! address whose path ends in a known archive suffix is a URL plugin; one that ends in `.git`, or has exactly two segments
//! on a known forge, is git; `git@host:path` and `owner/repository#ref` are git; anything else with a scheme asks which
//! it is; the rest is a name.

use std::ops::Range;
use std::str::FromStr;

use mfp_model::content::PackagePath;
use mfp_model::digest::Sha256;
use mfp_model::name::{NameError, PluginName};
use mfp_model::requirement::Requirement;
use mfp_model::source::{ArtifactUrl, GitReference, RefError};
use mfp_model::version::Version;

use crate::cli::edit::AddArgs;
use crate::error::{Error, Excerpt, Result};
use crate::report::clean;

/// The suffixes of archives and modules.
const ARCHIVE_SUFFIXES: [&str; 5] = [".tar.zst", ".tar.gz", ".tgz", ".zip", ".wasm"];
/// Where an address of two segments is a repository.
const FORGES: [&str; 4] = ["github.com", "gitlab.com", "codeberg.org", "bitbucket.org"];

/// One argument of `mfp add`, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spec {
    /// A plugin of a registry; without a requirement, `^` of the newest.
    Named { name: PluginName, requirement: Option<Requirement> },
    /// An archive or a bare module at an address.
    Url { url: ArtifactUrl, sha256: Option<Sha256> },
    /// A repository.
    Git(GitSpec),
    /// A folder or a bare module on this machine.
    Path(String),
    /// A service.
    Remote(String),
}

/// A repository, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitSpec {
    /// Its address, as it was typed.
    pub(crate) address: String,
    /// The ref, if one was named.
    pub(crate) reference: AskedRef,
    /// The plugin's folder in it.
    pub(crate) subdir: Option<PackagePath>,
}

/// A ref as it's asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AskedRef {
    /// A tag, a branch, a commit, or the default branch: it was said.
    Said(GitReference),
    /// A name after `#`: only the repository knows what it is.
    Named(String),
}

impl Spec {
    /// Understand an argument, with the flags that say what it is.
    pub(crate) fn parse(text: &str, args: &AddArgs) -> Result<Self> {
        let named_git = args.tag.is_some() || args.branch.is_some() || args.rev.is_some() || args.subdir.is_some() || args.submodules;
        match () {
            () if args.url => parse_url(text),
            () if args.path => Ok(Self::Path(text.to_owned())),
            () if args.git || named_git => repository(text, text.strip_prefix("git+").unwrap_or(text), args),
            () => match guess(text)? {
                Guess::Is(spec) => Ok(spec),
                Guess::Git(address) => repository(text, &address, args),
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
fn repository(text: &str, address: &str, args: &AddArgs) -> Result<Spec> {
    let (address, fragment) = address.split_once('#').map_or((address, None), |(address, fragment)| (address, Some(fragment)));
    let (name, folder) = match fragment.map(|fragment| fragment.split_once(':').unwrap_or((fragment, ""))) {
        None => (None, None),
        Some((name, folder)) => (Some(name).filter(|name| !name.is_empty()), Some(folder).filter(|folder| !folder.is_empty())),
    };
    let at = |part: &str| text.rfind(part).map_or(0..text.len(), |start| start..start + part.len());
    let said = said_by_flags(args)?;
    let reference = match (said, name) {
        (Some(_), Some(name)) => {
            return Err(pointing(text, at(name), "the ref is said by a flag too").help("say it once"));
        }
        (Some(said), None) => AskedRef::Said(said),
        (None, Some(name)) => AskedRef::Named(name.to_owned()),
        (None, None) => AskedRef::Said(GitReference::Default),
    };
    let folder = match (args.subdir.as_deref(), folder) {
        (Some(_), Some(folder)) => return Err(pointing(text, at(folder), "the folder is said by a flag too").help("say it once")),
        (said, folder) => said.or(folder),
    };
    let subdir = folder.map(|folder| {
        folder.trim_matches('/').parse::<PackagePath>().map_err(|error| {
            pointing(text, at(folder), &error.to_string()).help("name the plugin's folder in the repository: `#ref:path/to/plugin`")
        })
    });
    Ok(Spec::Git(GitSpec { address: address.to_owned(), reference, subdir: subdir.transpose()? }))
}

fn said_by_flags(args: &AddArgs) -> Result<Option<GitReference>> {
    let wrong = |flag: &str, text: &str, error: RefError| {
        Error::new("mfp::usage::arguments", format!("`--{flag} {}`: {error}", clean(text)))
            .help("`git ls-remote URL` shows what a repository has")
    };
    let tag = args.tag.as_ref().map(|tag| tag.parse().map(GitReference::Tag).map_err(|error| wrong("tag", tag, error)));
    let branch =
        args.branch.as_ref().map(|branch| branch.parse().map(GitReference::Branch).map_err(|error| wrong("branch", branch, error)));
    let rev = args.rev.as_ref().map(|rev| rev.parse().map(GitReference::Rev).map_err(|error| wrong("rev", rev, error)));
    tag.or(branch).or(rev).transpose()
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
pub(crate) fn is_path(text: &str) -> bool {
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
    Err(Error::new("mfp::usage::spec", format!("`{}` could be an archive or a git repository", clean(text)))
        .help(format!("say which: `mfp add --url {0}` or `mfp add git+{0}`", clean(text))))
}

fn is_repository_of_a_forge(path: &str) -> bool {
    let Some((_, rest)) = path.split_once("://") else { return false };
    let mut parts = rest.trim_end_matches('/').split('/');
    parts.next().is_some_and(|host| FORGES.contains(&host)) && parts.count() == 2
}

fn parse_url(text: &str) -> Result<Spec> {
    match ArtifactUrl::parse_with_digest(text) {
        Ok((url, sha256)) => Ok(Spec::Url { url, sha256 }),
        Err(error) => Err(pointing(text, 0..text.len(), &error.to_string())
            .help("write it as `https://host/plugin-1.0.0.tar.zst`, with `#sha256=…` if you know it")),
    }
}

fn parse_named(text: &str) -> Result<Spec> {
    let (name_text, version_text) = match text.split_once('@') {
        None => (text, None),
        Some((name, version)) => (name, Some(version)),
    };
    let name = PluginName::from_str(name_text).map_err(|error| {
        let mistake = pointing(text, 0..name_text.len(), &error.to_string());
        match error {
            NameError::Spelling { would_be } => {
                mistake.help(format!("`mfp add {would_be}{}`", version_text.map(|version| format!("@{version}")).unwrap_or_default()))
            }
            _ => mistake.help("a folder is written `./folder`, an archive by its URL"),
        }
    })?;
    let requirement = version_text.map(|version| {
        parse_wanted(version).map_err(|error| {
            pointing(text, name_text.len() + 1..text.len(), &error)
                .help(format!("`{name}@1.2.3` is exactly that version, `{name}@1.2` and `{name}@^1.2` are compatible ones"))
        })
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

/// `NAME` or `NAME@VERSION`, as `info` and `lock --upgrade-plugin` take it.
pub(crate) fn parse_name_at_version(text: &str) -> Result<(PluginName, Option<Version>)> {
    let (name_text, version_text) = text.split_once('@').map_or((text, None), |(name, version)| (name, Some(version)));
    let name = name_text
        .parse()
        .map_err(|error: NameError| pointing(text, 0..name_text.len(), &error.to_string()).help("write it as `NAME` or `NAME@1.2.3`"))?;
    let version = version_text.map(|version| {
        version
            .parse::<Version>()
            .map_err(|error| pointing(text, name_text.len() + 1..text.len(), &error.to_string()).help("write it as `NAME@1.2.3`"))
    });
    Ok((name, version.transpose()?))
}

/// An error that points into the argument.
fn pointing(text: &str, span: Range<usize>, what: &str) -> Error {
    Error::new("mfp::usage::spec", format!("`{}` can't be understood", clean(text))).excerpt(Excerpt {
        file: "argument".to_owned(),
        text: text.to_owned(),
        span,
        label: what.to_owned(),
    })
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
        assert_eq!(guess("https://a.example/thing").unwrap_err().code(), "mfp::usage::spec");
    }

    #[test]
    fn repositories_have_a_ref_and_a_folder() {
        let of = |text: &str| match Spec::parse(text, &AddArgs::default()).unwrap() {
            Spec::Git(spec) => (spec.address, spec.reference, spec.subdir.map(|folder| folder.to_string())),
            other => panic!("{other:?}"),
        };
        let (none, named) = (AskedRef::Said(GitReference::Default), |name: &str| AskedRef::Named(name.to_owned()));
        assert_eq!(of("u/r#v1.2.0"), ("https://github.com/u/r".into(), named("v1.2.0"), None));
        assert_eq!(of("git+ssh://git@h/r.git"), ("ssh://git@h/r.git".into(), none.clone(), None));
        assert_eq!(of("https://h/r.git#main:a/b"), ("https://h/r.git".into(), named("main"), Some("a/b".into())));
        assert_eq!(of("git@h:u/r#:a"), ("git@h:u/r".into(), none, Some("a".into())));
        let flags = AddArgs { tag: Some("v1".into()), subdir: Some("x".into()), ..AddArgs::default() };
        let Spec::Git(said) = Spec::parse("https://h/r", &flags).unwrap() else { panic!("--tag means git") };
        assert_eq!(said.reference, AskedRef::Said(GitReference::Tag("v1".parse().unwrap())));
        assert!(Spec::parse("https://h/r#v2", &flags).is_err() && Spec::parse("https://h/r#:y", &flags).is_err());
        let bad = AddArgs { branch: Some("a..b".into()), ..AddArgs::default() };
        assert_eq!(Spec::parse("https://h/r", &bad).unwrap_err().code(), "mfp::usage::arguments");
        assert!(Spec::parse("u/r#v1:../x", &AddArgs::default()).is_err());
    }

    #[test]
    fn a_bad_name_is_pointed_at() {
        let error = guess("Auth_JWT@1").unwrap_err();
        assert_eq!(error.source_excerpt().unwrap().span, 0..8);
        assert_eq!(error.help_text(), Some("`mfp add auth-jwt@1`"));
        let error = guess("auth-jwt@x.y").unwrap_err();
        assert_eq!(error.source_excerpt().unwrap().span, 9..12);
    }
}
