//! What's typed beside and in an argument of `mfp add`, as the model takes it, and its mistakes with their place in what was typed.

use std::ops::Range;

use mfp_model::name::{NameError, PluginName};
use mfp_model::source::{GitReference, RefError, Said, Spec};
use mfp_model::version::Version;

use crate::cli::edit::AddArgs;
use crate::error::{Error, Excerpt, Result};
use crate::report::clean;

/// Understand an argument, with the flags that say what it is.
pub(crate) fn parse(text: &str, args: &AddArgs) -> Result<Spec> {
    Spec::parse(text, &said(args)?).map_err(|error| match error.span {
        Some(span) => pointing(text, span, &error.message).help(clean(&error.help)),
        None => Error::new("mfp::usage::spec", format!("`{}` {}", clean(text), error.message)).help(clean(&error.help)),
    })
}

/// What the flags say.
fn said(args: &AddArgs) -> Result<Said> {
    let reference = reference(args)?;
    let is_git = args.git || reference.is_some() || args.subdir.is_some() || args.submodules;
    Ok(match () {
        () if args.url => Said::Url,
        () if args.path => Said::Path,
        () if is_git => Said::Git { reference, subdir: args.subdir.clone() },
        () => Said::Nothing,
    })
}

fn reference(args: &AddArgs) -> Result<Option<GitReference>> {
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

    #[test]
    fn mistakes_are_pointed_at_in_what_was_typed() {
        let error = parse("Auth_JWT@1", &AddArgs::default()).unwrap_err();
        assert_eq!((error.source_excerpt().unwrap().span.clone(), error.help_text()), (0..8, Some("`mfp add auth-jwt@1`")));
        let flags = AddArgs { tag: Some("v1".into()), subdir: Some("x".into()), ..AddArgs::default() };
        assert!(matches!(parse("https://h/r", &flags), Ok(Spec::Git(_))), "--tag means git");
        assert_eq!(parse("https://h/r#v2", &flags).unwrap_err().source_excerpt().unwrap().span, 12..14);
        let bad = AddArgs { branch: Some("a..b".into()), ..AddArgs::default() };
        assert_eq!(parse("https://h/r", &bad).unwrap_err().code(), "mfp::usage::arguments");
    }
}
