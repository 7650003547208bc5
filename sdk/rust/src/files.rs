//! Which of the folders that were approved holds a path? The same for a component and for a test's host.
//!
//! Paths are the project's, with `/`, as capabilities name them: a plugin that was given `data` reads `data/products.csv`. There's no way
//! to name anything else, so that what's refused is refused in the same words everywhere, before anybody is asked.

use alloc::string::String;

use crate::{Error, Result};

/// What's in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without the folder's.
    pub name: String,
    /// Whether it's a folder itself.
    pub is_folder: bool,
}

/// The place among `folders` of the one that holds `path` (the longest, where several do), and what's below it: empty for the folder itself.
pub(crate) fn holder<'p>(path: &'p str, folders: &[&str]) -> Result<(usize, &'p str)> {
    if path.is_empty() || path.contains(['\\', '\0']) || path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        crate::fail!("`{path}` isn't a path as the project has it, like `data/products.csv`");
    }
    let below = |folder: &&str| match path.strip_prefix(*folder) {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    };
    let holding = folders.iter().enumerate().filter_map(|(at, folder)| Some((folder.len(), at, below(folder)?)));
    match holding.max() {
        Some((_, at, below)) => Ok((at, below)),
        None => Err(not_approved(path)),
    }
}

/// Why nothing is read and nothing is written.
pub(crate) fn not_approved(path: &str) -> Error {
    Error::new(alloc::format!("`{path}` isn't in a folder that was approved"))
}

/// Why nothing is written.
pub(crate) fn read_only(path: &str) -> Error {
    Error::new(alloc::format!("`{path}` is in a folder that was approved to be read only"))
}

/// Why nothing is read.
pub(crate) fn missing(path: &str) -> Error {
    Error::new(alloc::format!("there's no `{path}`"))
}

#[cfg(test)]
mod tests {
    use super::holder;

    #[test]
    fn the_longest_folder_holds_a_path() {
        let folders = ["data", "data/out", "cache"];
        for (path, held) in [("data/a.csv", (0, "a.csv")), ("data/out/b/c", (1, "b/c")), ("data/outer", (0, "outer")), ("cache", (2, ""))] {
            assert_eq!(holder(path, &folders).unwrap(), held, "{path}");
        }
    }

    #[test]
    fn what_is_in_no_folder_is_not_approved() {
        for path in ["database/a", "a", "dat", "plugin/x"] {
            assert!(holder(path, &["data"]).unwrap_err().to_string().contains("approved"), "{path}");
        }
    }

    #[test]
    fn a_path_is_the_projects() {
        for path in ["", "/data/a", "data/../a", "data/./a", "data//a", "data/", "..", "data\\a", "data/\0"] {
            assert!(holder(path, &["data"]).unwrap_err().to_string().contains("isn't a path"), "{path}");
        }
    }
}
