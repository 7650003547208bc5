//! How does a folder come to be? All of it at once: written beside its place, then renamed, so that whoever is stopped in the middle
//! leaves nothing that looks like a plugin.

use std::io::Write as _;
use std::path::Path;

use super::templates::Files;
use crate::error::{Error, Result};
use crate::explain;
use crate::report::clean;

/// Make a folder of these files, and do the rest in it before it's seen. What's there already stays as it is: only an empty folder
/// is replaced.
pub(crate) fn create(target: &Path, files: &Files, finish: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    refuse_what_is_there(target)?;
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(|error| explain::io("make the folder", parent, &error))?;
    let beside = tempfile::Builder::new().prefix(".mfp-new-").tempdir_in(parent);
    let beside = beside.map_err(|error| explain::io("write in", parent, &error))?;
    // One below: a temporary folder is for its owner alone, the new one is as open as others.
    let staged = beside.path().join("plugin");
    write(&staged, files)?;
    finish(&staged)?;
    let is_there = target.is_dir();
    let renamed = if is_there { std::fs::remove_dir(target) } else { Ok(()) }.and_then(|()| std::fs::rename(&staged, target));
    renamed.map_err(|error| explain::io("make the folder", target, &error))
}

/// An error if something is there that would be lost.
pub(crate) fn refuse_what_is_there(target: &Path) -> Result<()> {
    let kind = match target.symlink_metadata() {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(explain::io("look at", target, &error)),
    };
    if !kind.is_dir() {
        return Err(occupied(format!("{} isn't a folder", target.display())));
    }
    let mut entries = std::fs::read_dir(target).map_err(|error| explain::io("read the folder", target, &error))?;
    match entries.next() {
        Some(_) => Err(occupied(format!("the folder {} isn't empty", target.display()))),
        None => Ok(()),
    }
}

/// An error for the folder that somebody is in: it would be another one under their feet.
pub(crate) fn refuse_here(target: &Path, current: &Path) -> Result<()> {
    let real = |path: &Path| path.canonicalize().ok();
    if real(target).is_some_and(|target| Some(target) == real(current)) {
        return Err(occupied("that's the folder that you're in".to_owned()));
    }
    Ok(())
}

/// A path as it can be typed.
pub(crate) fn shown(path: &Path) -> String {
    let text = clean(&path.display().to_string()).into_owned();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    if is_plain { text } else { format!("'{text}'") }
}

fn occupied(message: String) -> Error {
    Error::new("mfp::new::exists", message).note("no file was changed").help("name another folder")
}

fn write(folder: &Path, files: &Files) -> Result<()> {
    std::fs::create_dir(folder).map_err(|error| explain::io("make the folder", folder, &error))?;
    for (path, bytes) in files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(|error| explain::io("make the folder", parent, &error))?;
        let written = std::fs::File::create_new(&path).and_then(|mut file| file.write_all(bytes));
        written.map_err(|error| explain::io("write", &path, &error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What's in a folder, and whether the folder is there.
    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_is_there_whole_or_not_at_all() {
        let here = tempfile::tempdir().unwrap();
        let target = here.path().join("a/new");
        let files: Files = [("one".to_owned(), b"1".to_vec()), ("two/three".to_owned(), b"3".to_vec())].into();
        let stopped = create(&target, &files, |staged| {
            assert!(staged.join("two/three").is_file() && !target.exists(), "nothing is seen before it's done");
            Err(Error::new("mfp::io::failed", "stopped"))
        });
        assert!(stopped.is_err());
        assert_eq!(names(&here.path().join("a")), Vec::<String>::new());
        create(&target, &files, |_| Ok(())).unwrap();
        assert_eq!((names(&here.path().join("a")), names(&target)), (vec!["new".to_owned()], vec!["one".to_owned(), "two".to_owned()]));
        assert!(create(&target, &files, |_| Ok(())).is_err());
    }

    #[test]
    fn what_comes_in_between_is_left_as_it_is() {
        let here = tempfile::tempdir().unwrap();
        let target = here.path().join("new");
        let files: Files = [("one".to_owned(), b"1".to_vec())].into();
        let late = create(&target, &files, |_| {
            std::fs::create_dir(&target).unwrap();
            std::fs::File::create_new(target.join("mine")).unwrap();
            Ok(())
        });
        assert!(late.is_err());
        assert_eq!((names(here.path()), names(&target)), (vec!["new".to_owned()], vec!["mine".to_owned()]));
    }
}
