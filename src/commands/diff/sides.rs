//! Which two locks are meant? Revisions of git, files, or what's in the working folder.
//!
//! A revision wins over a file of the same name: whoever may add a file to a branch mustn't decide what the branch is compared
//! with. A file is meant by a path (`./old.lock`, `/tmp/x`) or a name that ends in `.lock`, which no ref can have.

use std::path::Path;

use mfp_model::lock::Lock;

use crate::app::App;
use crate::cli::look::DiffArgs;
use crate::error::{Error, Excerpt, Result};
use crate::explain;
use crate::project::{LOCK, MANIFEST, Project, read};
use crate::report::clean;
use crate::vcs::{Commit, Repository};

/// One of the two.
pub(super) struct Side {
    /// What a person calls it.
    pub(super) label: String,
    /// Its lock; `None` if it has none, which is like an empty one.
    pub(super) lock: Option<Lock>,
    /// The text of its manifest. A lock that's a file has none.
    pub(super) manifest: Option<String>,
}

/// What's meant by the arguments: nothing is HEAD and the working folder, one is that and the working folder.
pub(super) fn sides(app: &App<'_>, args: &DiffArgs) -> Result<(Side, Side)> {
    let mut place = Place { app, project: None, repository: Looked::NotYet };
    match (&args.from, &args.to) {
        (None, _) => Ok((place.head()?, place.working()?)),
        (Some(range), None) if range_of(range).is_some() => place.range(range),
        (Some(from), None) => Ok((place.named(from)?, place.working()?)),
        (Some(from), Some(to)) => Ok((place.named(from)?, place.named(to)?)),
    }
}

/// The project and its repository, opened when they're first needed: two files need neither.
struct Place<'a> {
    app: &'a App<'a>,
    project: Option<Project>,
    repository: Looked,
}

/// Has anybody looked for a repository, and is there one?
enum Looked {
    NotYet,
    Found(Box<Repository>),
    None,
}

/// `A..B`, or `A...B`: what `B` has done since the two parted.
fn range_of(text: &str) -> Option<(&str, bool, &str)> {
    let (from, rest) = text.split_once("..")?;
    let (since_parting, to) = rest.strip_prefix('.').map_or((false, rest), |to| (true, to));
    let is_path = from.is_empty() && (to.starts_with('/') || to.starts_with('\\'));
    (!is_path && !is_file(text)).then_some((or_head(from), since_parting, or_head(to)))
}

fn or_head(text: &str) -> &str {
    if text.is_empty() { "HEAD" } else { text }
}

/// Is it the name of a file, and of nothing else?
fn is_file(text: &str) -> bool {
    let extension = Path::new(text).extension();
    extension.is_some_and(|extension| extension == "lock")
        || Path::new(text).is_absolute()
        || text.starts_with("./")
        || text.starts_with("../")
}

impl Place<'_> {
    fn project(&mut self) -> Result<&Project> {
        if self.project.is_none() {
            self.project = Some(self.app.project()?);
        }
        Ok(self.project.as_ref().expect("it was opened just now"))
    }

    fn find_repository(&mut self) -> Result<Option<&Repository>> {
        if let Looked::NotYet = self.repository {
            let root = self.project()?.root.clone();
            self.repository = Repository::around(&root)?.map_or(Looked::None, |found| Looked::Found(Box::new(found)));
        }
        match &self.repository {
            Looked::Found(repository) => Ok(Some(repository)),
            Looked::NotYet | Looked::None => Ok(None),
        }
    }

    fn repository(&mut self) -> Result<&Repository> {
        let root = self.project()?.root.clone();
        self.find_repository()?.ok_or_else(|| {
            Error::new("mfp::diff::repository", format!("{} isn't in the work tree of a git repository", root.display()))
                .help("name two lock files instead: `mfp diff OLD.lock NEW.lock`")
        })
    }

    /// The last commit; before the first one, nothing.
    fn head(&mut self) -> Result<Side> {
        match self.repository()?.head()? {
            Some(commit) => self.at(commit, "HEAD"),
            None => Ok(Side { label: "no commit yet".to_owned(), lock: None, manifest: None }),
        }
    }

    fn working(&mut self) -> Result<Side> {
        let project = self.project()?;
        let lock = project.lock_text.as_deref().map(|text| parse(LOCK, text)).transpose()?;
        Ok(Side { label: "the working folder".to_owned(), lock, manifest: Some(project.manifest_text.clone()) })
    }

    fn range(&mut self, text: &str) -> Result<(Side, Side)> {
        let (from, since_parting, to) = range_of(text).ok_or_else(|| Error::bug("a range that's none"))?;
        let repository = self.repository()?;
        let (one, two) = (repository.commit(from)?, repository.commit(to)?);
        if !since_parting {
            return Ok((self.at(one, from)?, self.at(two, to)?));
        }
        let base = repository.merge_base(one, two)?;
        let label = format!("where {from} and {to} parted");
        Ok((self.at(base, &label)?, self.at(two, to)?))
    }

    fn named(&mut self, text: &str) -> Result<Side> {
        let path = self.app.settings.path(text);
        if is_file(text) {
            return file(text, &path);
        }
        // Without a project there are no revisions, and a file's name is only that.
        let commit = match self.project() {
            Ok(_) => self.find_repository()?.and_then(|repository| repository.find(text)),
            Err(error) if !path.is_file() => return Err(error),
            Err(_) => None,
        };
        match commit {
            Some(commit) => self.at(commit, text),
            None if path.is_file() => file(text, &path),
            None => Err(self.repository()?.commit(text).err().unwrap_or_else(|| Error::bug("a revision that's there and isn't"))),
        }
    }

    fn at(&mut self, commit: Commit, label: &str) -> Result<Side> {
        let repository = self.repository()?;
        let lock = repository.file(commit, LOCK)?.map(|text| parse(&format!("{label}:{LOCK}"), &text)).transpose()?;
        Ok(Side { label: label.to_owned(), lock, manifest: repository.file(commit, MANIFEST)? })
    }
}

fn file(label: &str, path: &Path) -> Result<Side> {
    let text = read(path)?.ok_or_else(|| explain::io("read", path, &std::io::ErrorKind::NotFound.into()))?;
    Ok(Side { label: label.to_owned(), lock: Some(parse(label, &text)?), manifest: None })
}

/// A lock that can't be read says which of the two it is.
fn parse(label: &str, text: &str) -> Result<Lock> {
    Lock::parse(text).map_err(|error| {
        let renamed = |excerpt: &Excerpt| Some(Excerpt { file: clean(label).into_owned(), ..excerpt.clone() });
        explain::lock(text, &error).with_excerpt_of(renamed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_told_from_a_path() {
        assert_eq!(range_of("main..topic"), Some(("main", false, "topic")));
        assert_eq!(range_of("origin/main...HEAD"), Some(("origin/main", true, "HEAD")));
        assert_eq!(range_of("main.."), Some(("main", false, "HEAD")));
        for path in ["../old.lock", "../old", "./a..b", "a..b.lock", "main"] {
            assert_eq!(range_of(path), None, "{path}");
        }
    }
}
