//! Which paths does an archive name, and could two of them be one on some file system?
//!
//! The rules for one path are the model's ([`PackagePath`]), and so is the final say ([`mfp_model::content::Listing`]).
//! Here is what only an archive knows: names as bytes, `./x` and `a//b` as other spellings of a path, folders that have
//! entries of their own, and names that differ in their Unicode form only.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use mfp_model::content::{PackagePath, PathError, fold};

use super::MAX_ENTRIES;
use super::error::{ArchiveClass, ArchiveError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
}

/// All paths so far, files and folders, by what a case-insensitive, normalising file system would take them for.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: BTreeMap<String, (String, Kind)>,
}

impl Names {
    /// Take a file's name as the archive has it.
    pub(crate) fn file(&mut self, raw: &[u8]) -> Result<PackagePath, ArchiveError> {
        // To a system `a/.` is the folder `a`; a reader that drops the dot makes it a file.
        if raw.ends_with(b"/.") {
            return Err(ArchiveError::member(ArchiveClass::Name, raw, "a file that's named like a folder"));
        }
        let path = self.path(raw)?.ok_or_else(|| ArchiveError::member(ArchiveClass::Name, raw, "an empty name"))?;
        self.take(raw, &path, Kind::File)?;
        Ok(path)
    }

    /// Take a folder's name as the archive has it. `./` is the root, which is there anyway.
    pub(crate) fn folder(&mut self, raw: &[u8]) -> Result<(), ArchiveError> {
        match self.path(raw)? {
            Some(path) => self.take(raw, &path, Kind::Folder),
            None => Ok(()),
        }
    }

    /// The path that a name means; `None` if nothing but `.` and `/` is in it.
    fn path(&self, raw: &[u8]) -> Result<Option<PackagePath>, ArchiveError> {
        let name = |why| ArchiveError::member(ArchiveClass::Name, raw, why);
        if raw.is_empty() {
            return Err(name("an empty name"));
        }
        if raw.contains(&0) {
            return Err(name("a NUL in the name"));
        }
        let text = std::str::from_utf8(raw).map_err(|_| name("the name isn't UTF-8"))?;
        if text.starts_with('/') {
            return Err(ArchiveError::member(ArchiveClass::Path, raw, "an absolute path"));
        }
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let normal = parts.join("/");
        match normal.parse() {
            Ok(path) => Ok(Some(path)),
            // The same name in another Unicode form is a duplicate first, and a bad name second.
            Err(error @ PathError::Name(_)) => Err(self.clash(raw, &normal).unwrap_or_else(|| ArchiveError::path(raw, &error))),
            Err(error) => Err(ArchiveError::path(raw, &error)),
        }
    }

    fn clash(&self, raw: &[u8], text: &str) -> Option<ArchiveError> {
        prefixes(text).find_map(|prefix| {
            let (other, _) = self.taken.get(&fold(prefix)).filter(|(other, _)| other != prefix)?;
            Some(duplicate(raw, other))
        })
    }

    fn take(&mut self, raw: &[u8], path: &PackagePath, kind: Kind) -> Result<(), ArchiveError> {
        for folder in path.ancestors() {
            self.take_one(raw, folder, Kind::Folder)?;
        }
        self.take_one(raw, path.as_str(), kind)?;
        if self.taken.len() as u64 > MAX_ENTRIES {
            return Err(ArchiveError::whole(ArchiveClass::Limit, "it has more than 10 000 files and folders"));
        }
        Ok(())
    }

    fn take_one(&mut self, raw: &[u8], path: &str, kind: Kind) -> Result<(), ArchiveError> {
        match self.taken.entry(fold(path)) {
            Entry::Vacant(free) => {
                free.insert((path.to_owned(), kind));
                Ok(())
            }
            Entry::Occupied(taken) => match (taken.get(), kind) {
                ((other, Kind::Folder), Kind::Folder) if other == path => Ok(()),
                ((other, known), _) if *known == kind => Err(duplicate(raw, other)),
                ((other, _), _) => {
                    let why = format!("`{}` is a file and also a folder", super::error::sanitised(other.as_bytes()));
                    Err(ArchiveError::member(ArchiveClass::Name, raw, why))
                }
            },
        }
    }
}

fn duplicate(raw: &[u8], other: &str) -> ArchiveError {
    let why = format!("the same path as `{}`, on some file systems at least", super::error::sanitised(other.as_bytes()));
    ArchiveError::member(ArchiveClass::Duplicate, raw, why)
}

/// `a`, `a/b` and `a/b/c` for `a/b/c`.
fn prefixes(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('/').map(|(end, _)| &text[..end]).chain([text])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(names: &[&str]) -> Option<ArchiveClass> {
        let mut table = Names::default();
        let mut take = |name: &&str| match name.strip_suffix('/') {
            Some(_) => table.folder(name.as_bytes()),
            None => table.file(name.as_bytes()).map(drop),
        };
        names.iter().find_map(|name| take(name).err()).map(|error| error.class())
    }

    #[test]
    fn a_path_has_one_owner_on_every_file_system() {
        use ArchiveClass::{Duplicate, Name, Path};
        for (names, class) in [
            (vec!["a", "b/c", "b/d", "b/", "b/", "./", "e/f/g"], None),
            (vec!["a", "./a"], Some(Duplicate)),
            (vec!["a/b", "a//b"], Some(Duplicate)),
            (vec!["a", "A"], Some(Duplicate)),
            (vec!["a/b", "A/c"], Some(Duplicate)),
            (vec!["a/", "A/c"], Some(Duplicate)),
            (vec!["café", "cafe\u{301}"], Some(Duplicate)),
            (vec!["café/x", "cafe\u{301}/y"], Some(Duplicate)),
            (vec!["cafe\u{301}"], Some(Name)),
            (vec!["a", "a/"], Some(Name)),
            (vec!["a/", "a"], Some(Name)),
            (vec!["a", "a/b"], Some(Name)),
            (vec!["a/b", "a"], Some(Name)),
            (vec![""], Some(Name)),
            (vec!["."], Some(Name)),
            (vec!["a\0/../b"], Some(Name)),
            (vec!["a/."], Some(Name)),
            (vec!["a/./b"], None),
            (vec!["./../a"], Some(Path)),
            (vec!["../"], Some(Path)),
            (vec!["//a"], Some(Path)),
        ] {
            assert_eq!(classes(&names), class, "{names:?}");
        }
    }

    #[test]
    fn folders_that_only_paths_imply_are_counted_too() {
        let mut table = Names::default();
        let error = (0..500).find_map(|file| table.file(format!("{file}/{}x", "d/".repeat(25)).as_bytes()).err()).unwrap();
        assert_eq!(error.class(), ArchiveClass::Limit);
    }
}
