//! How are the author's programs found and run? On `PATH`, in the plugin's folder, with nothing to read, everything that they say on
//! stderr, and without the secrets that this program was given.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use super::remedy::Missing;
use crate::app::App;
use crate::error::{Error, Result};
use crate::report::{Event, clean, clean_lines};
use crate::settings::{LockMode, LockedBy};

/// So much of what a program said is shown where it wasn't shown already, in bytes.
const LAST_WORDS: usize = 4096;
/// What this program is told in confidence. Build scripts of other people's libraries run with the author's environment; they
/// don't get these.
const SECRETS: [&str; 3] = ["MFP_CREDENTIALS", "MFP_SERVE_TOKEN", "MFP_KEY_PASSWORD"];
/// What programs end with on Windows.
const ENDINGS: [&str; 3] = ["exe", "cmd", "bat"];

/// What came of a language's own tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tested {
    /// They ran, and passed. Which program ran them.
    Passed(String),
    /// They ran, and one failed. How the program ended.
    Failed(String),
    /// There are none, and why that's thought.
    None(&'static str),
}

/// The programs of the author's machine, for one plugin's folder.
pub(crate) struct Tools<'a> {
    pub(super) app: &'a App<'a>,
    pub(super) root: &'a Path,
}

impl<'a> Tools<'a> {
    pub(crate) fn new(app: &'a App<'a>, root: &'a Path) -> Self {
        Self { app, root }
    }

    /// A program on `PATH`.
    pub(crate) fn find(&self, name: &str) -> Option<PathBuf> {
        let path = self.app.settings.environment.text("PATH")?;
        let mut places = std::env::split_paths(path).map(|folder| self.app.settings.current_dir.join(folder).join(name));
        places.find_map(|place| {
            if cfg!(windows) {
                return ENDINGS.iter().map(|ending| place.with_extension(ending)).find(|place| place.is_file());
            }
            is_program(&place).then_some(place)
        })
    }

    /// A program on `PATH`, or how it's had.
    pub(super) fn need(&self, name: &str, missing: &Missing) -> Result<PathBuf> {
        self.find(name).ok_or_else(|| missing.error(self))
    }

    /// A variable of the author's environment.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.app.settings.environment.text(name)
    }

    /// A program that's to be started in the plugin's folder.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.root).stdin(Stdio::null());
        for secret in SECRETS {
            command.env_remove(secret);
        }
        command
    }

    /// Must versions be those that are written down?
    pub(super) fn is_locked(&self) -> bool {
        matches!(self.app.settings.lock_mode, LockMode::Locked(LockedBy::Flag) | LockMode::Frozen)
    }

    pub(super) fn is_offline(&self) -> bool {
        self.app.settings.offline
    }

    /// Run a step of the build; everything that it says goes to stderr.
    pub(super) fn run(&self, command: &mut Command) -> Result<()> {
        let (status, said) = self.started(command, false)?;
        if status.success() { Ok(()) } else { Err(failed(command, status, &said.words)) }
    }

    /// The same, for one whose stdout is what it gives.
    pub(super) fn output(&self, command: &mut Command) -> Result<String> {
        let (status, said) = self.started(command, true)?;
        if status.success() { Ok(said.data) } else { Err(failed(command, status, &said.words)) }
    }

    /// Run tests.
    pub(super) fn tested(&self, command: &mut Command) -> Result<Tested> {
        let shown = shown(command);
        let (status, said) = self.started(command, false)?;
        if status.success() {
            return Ok(Tested::Passed(shown));
        }
        let words = if said.words.is_empty() { String::new() } else { format!(":\n{}", said.words) };
        Ok(Tested::Failed(format!("`{shown}` ended with {status}{words}")))
    }

    /// Ask a program something; `None` if it doesn't know. What it says otherwise is nobody's concern.
    #[expect(clippy::unused_self, reason = "the tools are asked, whatever it takes to ask them")]
    pub(super) fn ask(&self, command: &mut Command) -> Option<String> {
        let output = command.stdout(Stdio::piped()).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    fn started(&self, command: &mut Command, gives_data: bool) -> Result<(ExitStatus, Said)> {
        let talk = self.app.settings.talk;
        self.app.reporter.event(Event::Detail(format!("$ {}", shown(command))));
        let is_shown = !talk.json && !talk.quiet;
        command.stderr(if is_shown { Stdio::inherit() } else { Stdio::piped() });
        // Our stdout is for data, and what a compiler says isn't.
        command.stdout(if is_shown && !gives_data { Stdio::from(std::io::stderr()) } else { Stdio::piped() });
        let child = command.spawn().map_err(|error| not_started(command, &error))?;
        let output = child.wait_with_output().map_err(|error| not_started(command, &error))?;
        let data = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = String::from_utf8_lossy(&output.stderr).into_owned();
        if !is_shown && !gives_data {
            words.push_str(&data);
        }
        Ok((output.status, Said { data, words: last(&words) }))
    }
}

/// What a program said.
struct Said {
    /// On its stdout.
    data: String,
    /// The last of what nobody saw yet.
    words: String,
}

fn last(words: &str) -> String {
    let start = words.len().saturating_sub(LAST_WORDS);
    let start = (start..=words.len()).find(|at| words.is_char_boundary(*at)).unwrap_or(words.len());
    clean_lines(words[start..].trim())
}

/// The program and its arguments as they'd be typed.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        let _ = write!(text, " {}", argument.to_string_lossy());
    }
    clean(&text).into_owned()
}

fn failed(command: &Command, status: ExitStatus, words: &str) -> Error {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program()).to_string_lossy();
    let error = Error::new("mfp::build::failed", format!("the build failed: `{}` ended with {status}", clean(&program)))
        .detail("command", shown(command));
    if words.is_empty() {
        error.help("what it said stands above; correct it, then run `mfp build` again")
    } else {
        error.note(words.to_owned()).help("correct what it says, then run `mfp build` again")
    }
}

fn not_started(command: &Command, error: &std::io::Error) -> Error {
    Error::new("mfp::build::failed", format!("`{}` can't be started: {error}", shown(command)))
        .help("look whether it runs by itself; `mfp doctor` lists the tools that are there")
}

#[cfg(unix)]
fn is_program(place: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    place.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(place: &Path) -> bool {
    place.is_file()
}
