//! May this file be believed to be a secret of ours? Files that hold tokens: written so that nobody else can read them, and
//! refused when somebody could have.
//!
//! On Windows the folders of a user are his own by the system's rules, and nothing is checked there.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::fs::{At, IoError, ensure_dir, replace_private};
use crate::os;

/// Why a secret file isn't used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// Others could have read or changed it.
    #[error("`{}` isn't used: {why}", path.display())]
    Open {
        /// The file or its folder.
        path: PathBuf,
        /// What's wrong with it, as a clause.
        why: String,
    },
    /// The system refused.
    #[error(transparent)]
    Io(#[from] IoError),
}

/// Write a file that only this user can read, whatever its mode was before. Its folder is made, for this user alone, if it's
/// missing; a folder that others can write to, or a link in the file's place, is an error.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), PrivateError> {
    make_folder_of(path)?;
    Ok(replace_private(path, bytes)?)
}

/// Make the folder of such a file, for this user alone, if it's missing. One that others can write to is an error.
pub fn make_folder_of(path: &Path) -> Result<(), PrivateError> {
    let folder = crate::fs::parent_of(path);
    ensure_dir(folder, 0o700)?;
    check_folder(folder)
}

/// Read such a file, if it's there and no longer than `at_most` bytes. It must be a regular file of this user that nobody else
/// can read or write, in a folder that nobody else can write to; a link isn't followed.
pub fn read_private(path: &Path, at_most: u64) -> Result<Option<Vec<u8>>, PrivateError> {
    let open = |why: &str| PrivateError::Open { path: path.to_owned(), why: why.to_owned() };
    let file = match os::open_no_follow(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if os::is_link_error(&error) => return Err(open("it's a symbolic link")),
        Err(error) => return Err(IoError::new("open", path, error).into()),
    };
    let metadata = file.metadata().at("look at", path)?;
    if !metadata.is_file() {
        return Err(open("it isn't a regular file"));
    }
    if let Some(why) = os::who_else_reads(&metadata) {
        return Err(PrivateError::Open { path: path.to_owned(), why });
    }
    check_folder(crate::fs::parent_of(path))?;
    let mut bytes = Vec::new();
    file.take(at_most + 1).read_to_end(&mut bytes).at("read", path)?;
    if bytes.len() as u64 > at_most { Err(open("it's larger than mfp ever writes it")) } else { Ok(Some(bytes)) }
}

fn check_folder(folder: &Path) -> Result<(), PrivateError> {
    let metadata = std::fs::metadata(folder).at("look at", folder)?;
    os::who_else_writes(&metadata).map_or(Ok(()), |why| Err(PrivateError::Open { path: folder.to_owned(), why }))
}

#[cfg(all(test, unix))]
#[expect(clippy::disallowed_methods, reason = "a test's files needn't outlive a crash")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a file can be written");
    }

    fn mode_of(path: &Path) -> u32 {
        path.metadata().expect("a file can be read").permissions().mode() & 0o777
    }

    #[test]
    fn what_is_written_is_for_this_user_alone() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config/mfp/credentials.json");
        write_private(&file, b"one").unwrap();
        assert_eq!((mode_of(&file), mode_of(file.parent().unwrap())), (0o600, 0o700));
        mode(&file, 0o644);
        write_private(&file, b"two").unwrap();
        assert_eq!((mode_of(&file), read_private(&file, 3).unwrap().as_deref()), (0o600, Some(&b"two"[..])));
        assert!(matches!(read_private(&file, 2), Err(PrivateError::Open { .. })), "too large");
        assert_eq!(read_private(&home.path().join("nothing"), 9).unwrap(), None);
    }

    #[test]
    fn what_others_could_have_read_or_put_there_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("credentials.json");
        for open in [0o640, 0o604, 0o620, 0o660] {
            std::fs::write(&file, "x").unwrap();
            mode(&file, open);
            assert!(matches!(read_private(&file, 9), Err(PrivateError::Open { .. })), "{open:o}");
        }
        mode(&file, 0o600);
        assert!(read_private(&file, 9).unwrap().is_some());
        mode(home.path(), 0o770);
        assert!(read_private(&file, 9).is_err() && write_private(&file, b"y").is_err(), "its folder is open");
        mode(home.path(), 0o755);
        let link = home.path().join("link.json");
        symlink(&file, &link).unwrap();
        assert!(matches!(read_private(&link, 9), Err(PrivateError::Open { .. })), "a link");
        assert!(write_private(&link, b"y").is_err(), "a link isn't written through");
        assert_eq!(std::fs::read(&file).unwrap(), b"x");
    }
}
