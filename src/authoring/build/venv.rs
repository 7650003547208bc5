//! `.venv`, the virtual environment of a plugin in Python: what its requirements name, installed by the machine's own Python.
//!
//! Made if it isn't there, and made anew, aloud, if the requirements or the Python that it was made of are others now: its mark says
//! which those were. What was there is kept until the new one is whole. One that somebody made by hand is theirs to keep up to date.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use mfp_store::fs::write_atomic;

use super::fresh::READY;
use super::remedy::PYTHON;
use super::tools::Tools;
use super::{say, scratch};
use crate::error::{Error, Result};
use crate::explain;
use crate::report::clean;

/// The folder's name.
pub(super) const FOLDER: &str = ".venv";
/// What's installed where no `requirements.txt` says it: the version that this mfp was tried with.
pub(super) const COMPONENTIZE: &str = "componentize-py==0.25.1";
/// What's installed, by the first of these that's there.
const REQUIREMENTS: [&str; 2] = ["requirements-dev.txt", "requirements.txt"];
/// What decides how a folder is installed as a package.
const PROJECT_FILES: [&str; 3] = ["pyproject.toml", "setup.cfg", "setup.py"];
/// What stands in the mark until everything is there.
const UNFINISHED: &str = "unfinished\n";
/// The program behind a Python, and what it is, a line each.
const WHO: &str =
    "import sys; print(getattr(sys, '_base_executable', sys.executable)); print(sys.base_prefix, sys.version.replace(chr(10), ' '))";

/// A program of the project's environment.
pub(super) fn inside(tools: &Tools<'_>, name: &str) -> Option<PathBuf> {
    let place = if cfg!(windows) { format!("{FOLDER}/Scripts/{name}.exe") } else { format!("{FOLDER}/bin/{name}") };
    let place = tools.root.join(place);
    place.is_file().then_some(place)
}

/// The environment, as the requirements say it.
pub(super) fn ready(tools: &Tools<'_>) -> Result<()> {
    let folder = tools.root.join(FOLDER);
    let python = Python::find(tools);
    let wanted = Mark { requirements: requirements(tools.root), python: python.as_ref().map(|python| python.what.clone()) };
    let why = match std::fs::read_to_string(folder.join(READY)) {
        Ok(text) => match wanted.differs(&text) {
            None => return Ok(()),
            Some(why) => format!(" anew ({why})"),
        },
        // Made by hand: nobody else knows of what.
        Err(_) if folder.is_dir() && inside(tools, "componentize-py").or_else(|| inside(tools, "pytest")).is_some() => return Ok(()),
        Err(_) => String::new(),
    };
    let python = python.ok_or_else(|| PYTHON.error(tools))?;
    can_make(tools, &python.program)?;
    say(tools.app, format!("Making {FOLDER}{why}, with what the plugin is built and tested with"));
    replaced(tools.root, &folder, || make(tools, &python, &wanted))
}

/// Do this with the folder out of the way; if it fails, everything is as it was.
fn replaced(root: &Path, folder: &Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    let aside = scratch(root)?;
    let (old, broken) = (aside.path().join("old"), aside.path().join("broken"));
    let was_there = folder.symlink_metadata().is_ok();
    if was_there {
        std::fs::rename(folder, &old).map_err(|error| explain::io("put aside", folder, &error))?;
    }
    let made = make();
    if made.is_err() {
        let _ = std::fs::rename(folder, broken);
        if was_there {
            std::fs::rename(&old, folder).map_err(|error| explain::io("put back", folder, &error))?;
        }
    }
    made
}

fn make(tools: &Tools<'_>, python: &Python, wanted: &Mark) -> Result<()> {
    let mark = tools.root.join(FOLDER).join(READY);
    let marked = |text: &str| write_atomic(&mark, text.as_bytes()).map_err(explain::store);
    tools.run(tools.command(&python.program).args(["-m", "venv", "--clear", FOLDER]))?;
    marked(UNFINISHED)?;
    let mut command = pip(tools)?;
    match REQUIREMENTS.into_iter().find(|file| tools.root.join(file).is_file()) {
        Some(file) => command.args(["-r", file]),
        None => command.arg(COMPONENTIZE),
    };
    if tools.is_offline() {
        command.arg("--no-index");
    }
    tools.run(&mut command)?;
    marked(&wanted.to_string())
}

/// Of what an environment is made.
#[derive(Debug)]
struct Mark {
    /// The digest of everything that the requirements say.
    requirements: String,
    /// The Python, if one is there.
    python: Option<String>,
}

impl std::fmt::Display for Mark {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "requirements {}\npython {}", self.requirements, self.python.as_deref().unwrap_or_default())
    }
}

impl Mark {
    /// Why the environment with this mark isn't the one that's wanted; `None` if it is.
    fn differs(&self, mark: &str) -> Option<&'static str> {
        let said = |key: &str| mark.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '));
        match (said("requirements"), said("python")) {
            (None, _) | (_, None) => Some("it was never finished"),
            (Some(requirements), _) if requirements != self.requirements => Some("the requirements changed"),
            (_, Some(python)) if self.python.as_ref().is_some_and(|own| own != python) => Some("Python is another"),
            _ => None,
        }
    }
}

/// A digest of the files of requirements, with those that they name, and of the folders that are installed as they are.
fn requirements(root: &Path) -> String {
    let mut seen = Requirements { hasher: blake3::Hasher::new(), files: BTreeSet::new() };
    seen.add(COMPONENTIZE.as_bytes());
    if let Some(file) = REQUIREMENTS.into_iter().find(|file| root.join(file).is_file()) {
        seen.file(&root.join(file), root);
    }
    seen.hasher.finalize().to_hex().to_string()
}

struct Requirements {
    hasher: blake3::Hasher,
    files: BTreeSet<PathBuf>,
}

impl Requirements {
    fn add(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }

    fn file(&mut self, file: &Path, root: &Path) {
        let Ok(text) = std::fs::read_to_string(file) else { return self.add(b"unreadable") };
        if !self.files.insert(file.to_owned()) {
            return;
        }
        self.add(text.as_bytes());
        for line in text.lines() {
            match named(line) {
                // Paths in such a file are from it; those of packages from where pip is started.
                Some(Line::File(name)) => self.file(&file.parent().unwrap_or(root).join(name), root),
                Some(Line::Editable(name)) => self.project(&root.join(name)),
                Some(Line::Folder(name)) => self.folder(&root.join(name), 0),
                None => {}
            }
        }
    }

    /// A package that stays where it is: its code is never a copy.
    fn project(&mut self, folder: &Path) {
        for file in PROJECT_FILES {
            self.add(&std::fs::read(folder.join(file)).unwrap_or_default());
        }
    }

    /// A package that's copied: all of it.
    fn folder(&mut self, folder: &Path, depth: usize) {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let places: BTreeSet<PathBuf> = entries.map(|entry| entry.path()).collect();
        for place in places {
            let name = place.file_name().unwrap_or_default().as_encoded_bytes();
            // Installing leaves some of these behind.
            let is_left = name.starts_with(b".") || [&b"__pycache__"[..], b"build"].contains(&name) || name.ends_with(b".egg-info");
            if is_left || depth == 16 {
                continue;
            }
            self.add(name);
            match place.symlink_metadata() {
                Ok(metadata) if metadata.is_dir() => self.folder(&place, depth + 1),
                _ => self.add(&std::fs::read(&place).unwrap_or_default()),
            }
        }
    }
}

/// What a line names that lies on this machine.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    /// More requirements, or constraints.
    File(&'a str),
    /// A package that's worked on.
    Editable(&'a str),
    /// A package in a folder, or a file of one.
    Folder(&'a str),
}

fn named(line: &str) -> Option<Line<'_>> {
    let line = line.trim();
    let after = |words: [&str; 2]| {
        let rest = words.into_iter().find_map(|word| line.strip_prefix(word))?;
        Some(rest.trim_start_matches(['=', ' ', '\t']).trim_matches(['"', '\'']))
    };
    let bare = |path: &'_ str| -> usize { path.find(['[', ';', ' ', '#']).unwrap_or(path.len()) };
    if let Some(file) = after(["--requirement", "-r"]).or_else(|| after(["--constraint", "-c"])) {
        return Some(Line::File(file));
    }
    if let Some(folder) = after(["--editable", "-e"]) {
        return Some(Line::Editable(&folder[..bare(folder)]));
    }
    let is_path = line.starts_with(['.', '/']) || line.starts_with("file:") || line.contains(" @ file:");
    let path = line.split_once("file:").map_or(line, |(_, path)| path.trim_start_matches("//"));
    is_path.then(|| Line::Folder(&path[..bare(path)]))
}

/// A Python of the machine.
#[derive(Debug)]
struct Python {
    /// The one that others are made of: that of an environment may be the very one that's to be made anew.
    program: PathBuf,
    /// Which one it is.
    what: String,
}

impl Python {
    fn find(tools: &Tools<'_>) -> Option<Self> {
        let found = tools.find("python3").or_else(|| tools.find("python"))?;
        let said = tools.ask(tools.command(&found).args(["-c", WHO])).unwrap_or_default();
        let (base, what) = said.split_once('\n').unwrap_or_default();
        let base = Path::new(base.trim());
        Some(Self { program: if base.is_file() { base.to_owned() } else { found }, what: clean(what.trim()).into_owned() })
    }
}

/// Debian's brings the module for environments in a package of its own.
fn can_make(tools: &Tools<'_>, python: &Path) -> Result<()> {
    if tools.ask(tools.command(python).args(["-c", "import venv, ensurepip"])).is_none() {
        return Err(Error::new("mfp::build::toolchain", "this Python can't make virtual environments")
            .help("`sudo apt-get install python3-venv`, or take Python from https://www.python.org"));
    }
    Ok(())
}

/// The Python of the project's environment.
pub(super) fn python(tools: &Tools<'_>) -> Result<PathBuf> {
    inside(tools, "python3").or_else(|| inside(tools, "python")).ok_or_else(|| PYTHON.error(tools))
}

fn pip(tools: &Tools<'_>) -> Result<Command> {
    let python = python(tools)?;
    let mut command = tools.command(python);
    command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    Ok(command)
}

/// Is there a Python that can do it? Which one, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    let python = tools.find("python3").or_else(|| tools.find("python")).ok_or_else(|| PYTHON.error(tools))?;
    can_make(tools, &python)?;
    let version = tools.ask(tools.command(python).arg("--version")).unwrap_or_else(|| "Python".to_owned());
    Ok(format!("{} with venv", clean(&version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_name_what_lies_here_are_known() {
        for (line, what) in [
            ("-r requirements.txt", Some(Line::File("requirements.txt"))),
            ("--requirement=more/a.txt", Some(Line::File("more/a.txt"))),
            ("-c constraints.txt", Some(Line::File("constraints.txt"))),
            ("-e .[dev]", Some(Line::Editable("."))),
            ("./sdk/python[fastapi]", Some(Line::Folder("./sdk/python"))),
            ("../x ; python_version > '3.9'", Some(Line::Folder("../x"))),
            ("mine @ file:///srv/mine", Some(Line::Folder("/srv/mine"))),
            ("pytest==9.2.0", None),
            ("# -r nothing.txt", None),
        ] {
            assert_eq!(named(line), what, "{line}");
        }
    }

    #[test]
    fn whatever_requirements_say_or_name_is_in_their_digest() {
        let here = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let place = here.path().join(file);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            write_atomic(&place, text.as_bytes()).unwrap();
        };
        let mut digests = vec![requirements(here.path())];
        for (file, text) in [
            ("requirements.txt", "pytest\n"),
            ("requirements-dev.txt", "-r requirements.txt\n-e .\n./sdk[x]\n-c constraints.txt\n"),
            ("requirements.txt", "pytest==9\n-r requirements.txt\n"),
            ("constraints.txt", "x==1\n"),
            ("pyproject.toml", "[project]\n"),
            ("sdk/src/a.py", "1\n"),
            ("sdk/src/a.py", "2\n"),
        ] {
            write(file, text);
            digests.push(requirements(here.path()));
        }
        assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len(), "{digests:?}");
        // The plugin's own code, and what building leaves in the folder of a package, are no requirements.
        for left in ["src/plugin.py", "sdk/build/lib/a.py", "sdk/src/x.egg-info/PKG-INFO", "sdk/src/__pycache__/a.pyc"] {
            write(left, "3\n");
        }
        assert_eq!(digests.last(), Some(&requirements(here.path())));
    }

    #[test]
    fn a_mark_says_why_it_differs() {
        let mark = |requirements: &str, python: Option<&str>| Mark { requirements: requirements.into(), python: python.map(Into::into) };
        let made = mark("aa", Some("/usr 3.13")).to_string();
        assert_eq!(mark("aa", Some("/usr 3.13")).differs(&made), None);
        assert_eq!(mark("aa", None).differs(&made), None, "no other Python is there");
        assert_eq!(mark("bb", Some("/usr 3.13")).differs(&made), Some("the requirements changed"));
        assert_eq!(mark("aa", Some("/usr 3.14")).differs(&made), Some("Python is another"));
        for unfinished in ["", UNFINISHED] {
            assert_eq!(mark("aa", None).differs(unfinished), Some("it was never finished"), "as older versions left it");
        }
    }

    #[test]
    fn what_was_there_is_kept_until_the_new_one_is_whole() {
        let here = tempfile::tempdir().unwrap();
        let folder = here.path().join(FOLDER);
        let is = |file: &str| folder.join(file).is_file();
        let made = |file: &str| {
            std::fs::create_dir(&folder).unwrap();
            write_atomic(&folder.join(file), b"").unwrap();
        };
        made("old");
        let failed = replaced(here.path(), &folder, || {
            made("half");
            Err(Error::new("mfp::build::failed", "no"))
        });
        assert!(failed.is_err() && is("old") && !is("half"));
        replaced(here.path(), &folder, || {
            made("new");
            Ok(())
        })
        .unwrap();
        assert!(is("new") && !is("old"));
        assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 1);
    }
}
