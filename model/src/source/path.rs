//! Which folder or file beside the project? A path that is written in a manifest and means the same on every machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::artifact::ArchiveFormat;
use crate::text::is_control_or_bidi;

/// The longest relative path, in bytes.
pub const MAX_RELATIVE_PATH_BYTES: usize = 1024;

/// Why a text isn't a relative path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelativePathError {
    /// Nothing at all.
    #[error("the path is empty")]
    Empty,
    /// Longer than [`MAX_RELATIVE_PATH_BYTES`].
    #[error("the path is longer than {MAX_RELATIVE_PATH_BYTES} bytes")]
    TooLong,
    /// `/x`, `C:\x`: the same file names another thing on every machine.
    #[error("the path is absolute; it has to be relative to the project, so that it means the same on every machine")]
    Absolute,
    /// `a\b`.
    #[error("the path has a backslash; folders are separated by `/` on every system")]
    Backslash,
    /// `a/../b`, which leads elsewhere if `a` is a link.
    #[error("`..` is only allowed at the start of the path")]
    InnerParent,
    /// Control or bidirectional characters.
    #[error("the path has a control or bidirectional character")]
    Characters,
}

/// A path relative to the project's folder, `/`-separated, without `.` (but for the folder itself, `.`), and with `..`
/// only at its start. Kept and locked as it's written, never as where it leads on one machine.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

impl RelativePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it leads, from the folder that it's relative to. Nothing is looked up.
    pub fn under(&self, folder: &Path) -> PathBuf {
        let mut path = folder.to_path_buf();
        path.extend(self.0.split('/').filter(|component| *component != "."));
        path
    }

    /// Does it leave the folder that it's relative to?
    pub fn leaves(&self) -> bool {
        self.0.starts_with("..") && matches!(self.0.as_bytes().get(2), None | Some(b'/'))
    }

    /// Is it (by its name) a bare module and not a folder?
    pub fn is_wasm(&self) -> bool {
        ArchiveFormat::from_file_name(&self.0) == Some(ArchiveFormat::Wasm)
    }
}

fn is_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic())
}

impl FromStr for RelativePath {
    type Err = RelativePathError;

    fn from_str(text: &str) -> Result<Self, RelativePathError> {
        if text.is_empty() {
            return Err(RelativePathError::Empty);
        }
        if text.len() > MAX_RELATIVE_PATH_BYTES {
            return Err(RelativePathError::TooLong);
        }
        if text.starts_with(['/', '\\']) || is_drive(text) {
            return Err(RelativePathError::Absolute);
        }
        if text.contains('\\') {
            return Err(RelativePathError::Backslash);
        }
        if text.chars().any(is_control_or_bidi) {
            return Err(RelativePathError::Characters);
        }
        let components: Vec<&str> = text.split('/').filter(|component| !matches!(*component, "" | ".")).collect();
        let parents = components.iter().take_while(|component| **component == "..").count();
        if components[parents..].contains(&"..") {
            return Err(RelativePathError::InnerParent);
        }
        if components.first().is_some_and(|first| is_drive(first)) {
            return Err(RelativePathError::Absolute);
        }
        Ok(Self(if components.is_empty() { ".".to_owned() } else { components.join("/") }))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl fmt::Debug for RelativePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        for (text, canonical) in [("./a", "a"), ("a//b/", "a/b"), ("../x/./y", "../x/y"), ("./", "."), (".", "."), ("..", "..")] {
            assert_eq!(text.parse::<RelativePath>().unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn what_depends_on_the_machine_is_refused() {
        for (text, error) in [
            ("", RelativePathError::Empty),
            ("/a", RelativePathError::Absolute),
            ("C:/a", RelativePathError::Absolute),
            ("./c:/a", RelativePathError::Absolute),
            ("\\\\host\\a", RelativePathError::Absolute),
            ("a\\b", RelativePathError::Backslash),
            ("a/../b", RelativePathError::InnerParent),
            ("a\nb", RelativePathError::Characters),
        ] {
            assert_eq!(text.parse::<RelativePath>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn it_leads_from_a_folder() {
        let under = |text: &str| text.parse::<RelativePath>().unwrap().under(Path::new("/p/q"));
        assert_eq!(under("../x"), Path::new("/p/q/../x"));
        assert_eq!(under("."), Path::new("/p/q"));
        assert!("../x".parse::<RelativePath>().unwrap().leaves() && !"..x".parse::<RelativePath>().unwrap().leaves());
    }
}
