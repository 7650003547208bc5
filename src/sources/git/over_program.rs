//! How does git's protocol go through a program? `ssh` to another machine, `git upload-pack` on this one, with pipes to it that
//! are counted and timed.
//!
//! The programs are the user's own, with their configuration: the agent, keys and hosts of ssh are what git's users
//! have. What they say on stderr is read to tell what went wrong, and never printed: it's a server's word, or a secret's name.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::address::SshPlace;
use super::limits::Budget;
use super::user::UserGit;
use crate::error::{Error, Result};

/// As much of what a program says on stderr is looked at.
const STDERR_LOOKED_AT: u64 = 16 << 10;
/// How often the time is looked at while a program is waited for.
const TICK: Duration = Duration::from_millis(50);
/// Variables that would make git look at another repository, or somewhere else, than it's told.
const NOT_FOR_GIT: [&str; 12] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// A program that speaks git's protocol on its pipes. It ends when this is dropped.
pub(super) struct Program {
    running: Arc<Running>,
    watch: Option<JoinHandle<()>>,
}

struct Running {
    is_leader: bool,
    child: Mutex<Child>,
    stderr: Mutex<Option<JoinHandle<Vec<u8>>>>,
    is_over: AtomicBool,
    was_slow: AtomicBool,
    /// Until when the next byte, or anything at all, is waited for; `None` while nobody waits.
    until: Mutex<Option<Instant>>,
}

/// The repository's words.
pub(super) struct Output {
    running: Arc<Running>,
    pipe: ChildStdout,
    budget: Budget,
    idle: Duration,
    shown: String,
}

/// Ours.
pub(super) struct Input {
    pipe: ChildStdin,
    budget: Budget,
}

/// `ssh` to the repository's machine.
pub(super) fn ssh(place: &SshPlace, user: &UserGit) -> Command {
    let mut arguments: Vec<OsString> = vec!["-o".into(), "SendEnv=GIT_PROTOCOL".into(), "-o".into(), "ServerAliveInterval=15".into()];
    if !user.may_ask() {
        arguments.extend(["-o".into(), "BatchMode=yes".into()]);
    }
    arguments.extend(place.port.map(|port| format!("-p{port}").into()));
    // Neither begins with a `-`: the address was parsed by us.
    arguments.extend([place.login.as_str().into(), format!("git-upload-pack {}", quoted(&place.path)).into()]);
    let Some(words) = user.ssh_command() else {
        let mut command = Command::new("ssh");
        command.args(arguments);
        return command;
    };
    // The command is for a shell, as git takes it; what we add to it isn't.
    let mut script = words.clone();
    script.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg("ssh").args(arguments);
    command
}

/// `git upload-pack` for a repository on this machine.
pub(super) fn local(path: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("upload-pack").arg("--").arg(path);
    command
}

/// In single quotes, as git quotes for the shell at the other end.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''").replace('!', "'\\!'"))
}

/// Start it.
///
/// Where nobody can be asked anything it leads a group of its own, so that what it starts ends with it; a program that may ask must
/// stay in ours, or the terminal isn't its own.
pub(super) fn start(mut command: Command, shown: &str, budget: &Budget, idle: Duration, may_ask: bool) -> Result<(Program, Output, Input)> {
    for name in NOT_FOR_GIT {
        command.env_remove(name);
    }
    command.env("GIT_PROTOCOL", "version=2").env("LC_ALL", "C").env("LANG", "C").env("GIT_TERMINAL_PROMPT", "0");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let is_leader = leads_a_group(&mut command, may_ask);
    let name = command.get_program().to_os_string();
    let mut child = command.spawn().map_err(|error| no_program(&name, shown, &error))?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { return Err(Error::bug("a program was started without its pipes")) };
    let stderr = std::thread::spawn(move || {
        let (mut said, mut stderr) = (Vec::new(), stderr);
        let _ = Read::by_ref(&mut stderr).take(STDERR_LOOKED_AT).read_to_end(&mut said);
        let _ = io::copy(&mut stderr, &mut io::sink());
        said
    });
    let running = Arc::new(Running {
        is_leader,
        child: Mutex::new(child),
        stderr: Mutex::new(Some(stderr)),
        is_over: AtomicBool::new(false),
        was_slow: AtomicBool::new(false),
        until: Mutex::new(None),
    });
    let watched = Arc::clone(&running);
    let watch = Some(std::thread::spawn(move || watched.watch()));
    let output = Output { running: Arc::clone(&running), pipe: stdout, budget: budget.clone(), idle, shown: shown.to_owned() };
    Ok((Program { running, watch }, output, Input { pipe: stdin, budget: budget.clone() }))
}

#[cfg(unix)]
fn leads_a_group(command: &mut Command, may_ask: bool) -> bool {
    use std::os::unix::process::CommandExt as _;
    if !may_ask {
        command.process_group(0);
    }
    !may_ask
}

#[cfg(unix)]
fn kill_group(leader: &Child) {
    let id = i32::try_from(leader.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn leads_a_group(_command: &mut Command, _may_ask: bool) -> bool {
    false
}

#[cfg(not(unix))]
fn kill_group(_leader: &Child) {}

fn no_program(name: &OsStr, shown: &str, error: &io::Error) -> Error {
    let name = name.display();
    Error::new("mfp::git::program", format!("{shown} is reached through the program `{name}`, which can't be started: {error}"))
        .help(format!("install {}, or use an https address", if name.to_string() == "git" { "git" } else { "an ssh client" }))
}

impl Running {
    /// End the program when somebody has waited for it too long.
    fn watch(&self) {
        while !self.is_over.load(Ordering::Acquire) {
            let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
            if until.is_some_and(|until| Instant::now() > until) {
                self.was_slow.store(true, Ordering::Release);
                self.kill();
                return;
            }
            std::thread::park_timeout(TICK);
        }
    }

    fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Once it was waited for, its number may be somebody else's.
        if self.is_leader && child.try_wait().is_ok_and(|ended| ended.is_none()) {
            kill_group(&child);
        }
        let _ = child.kill();
        let _ = child.wait();
    }

    fn wait_until(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    /// What it said on stderr until it ended.
    fn said(&self) -> String {
        self.kill();
        let thread = self.stderr.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.and_then(|thread| thread.join().ok()).map(|said| String::from_utf8_lossy(&said).into_owned()).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.running.is_over.store(true, Ordering::Release);
        self.running.kill();
        if let Some(watch) = self.watch.take() {
            watch.thread().unpark();
            let _ = watch.join();
        }
    }
}

impl Output {
    /// The program ended, or was ended, before the conversation did.
    fn ended(&self) -> io::Error {
        let running = &self.running;
        if running.was_slow.load(Ordering::Acquire) {
            return self.budget.fail(self.budget.too_slow());
        }
        // A program that was cut off mid-word has nothing more to say; one that ended by itself may still be saying why.
        std::thread::sleep(TICK);
        self.budget.fail(why(&running.said(), &self.shown))
    }
}

impl Read for Output {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.budget.check_time()?;
        let patience = self.budget.time_left().min(self.idle);
        self.running.wait_until(Some(Instant::now() + patience));
        let result = self.pipe.read(buffer);
        self.running.wait_until(None);
        match result {
            Ok(0) if !buffer.is_empty() => Err(self.ended()),
            Ok(count) => self.budget.spend(count).map(|()| count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(_) => Err(self.ended()),
        }
    }
}

impl Write for Input {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.budget.check_time()?;
        self.pipe.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pipe.flush()
    }
}

/// What a program means by what it said. The words are looked at and not repeated.
fn why(said: &str, shown: &str) -> Error {
    let lower = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let connect = |what: &str| Error::new("mfp::network::connect", format!("can't connect to {shown}: {what}"));
    match () {
        () if says(&["host key verification failed", "host identification has changed"]) => {
            Error::new("mfp::git::host-key", format!("the host of {shown} shows a key that ssh doesn't know, or another than it knows"))
                .help("connect once by hand, compare the key with what its operator says, and try again: `ssh -T HOST`")
        }
        () if says(&["permission denied", "publickey", "authentication failed", "too many authentication failures"]) => {
            Error::new("mfp::network::credentials", format!("{shown} wants credentials, or others")).help(
                "ssh says who you are there: look at your keys and agent (`ssh-add -l`) and at ~/.ssh/config; `ssh -T HOST` tries them",
            )
        }
        () if says(&["could not resolve hostname", "name or service not known"]) => {
            connect("the name isn't known").help("check the address")
        }
        () if says(&["connection refused", "connection timed out", "no route to host", "network is unreachable", "connect to host"]) => {
            connect("nobody answers there").help("check the address and the network; `--offline` works from lock and store")
        }
        () if says(&["dubious ownership", "safe.directory"]) => {
            Error::new("mfp::git::no-repository", format!("git doesn't read {shown}, since the folder belongs to somebody else"))
                .help("if you trust it: `git config --global --add safe.directory FOLDER`")
        }
        () if says(&["not appear to be a git repository", "not a git repository", "does not exist", "not found", "no such file"]) => {
            Error::new("mfp::git::no-repository", format!("there's no repository at {shown}"))
                .help("check the address; `git ls-remote URL` shows what git says to it")
        }
        () => Error::new("mfp::network::broken", format!("the conversation with {shown} broke off"))
            .help("try again; `git ls-remote URL` shows what git says to it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood_and_not_repeated() {
        for (said, code) in [
            ("git@h: Permission denied (publickey).", "mfp::network::credentials"),
            ("Host key verification failed.", "mfp::git::host-key"),
            ("ssh: Could not resolve hostname h: Name or service not known", "mfp::network::connect"),
            ("ssh: connect to host h port 22: Connection refused", "mfp::network::connect"),
            ("fatal: '/x' does not appear to be a git repository", "mfp::git::no-repository"),
            ("fatal: detected dubious ownership in repository at '/x'", "mfp::git::no-repository"),
            ("canary-7f3a", "mfp::network::broken"),
        ] {
            let error = why(said, "git@h:x");
            assert_eq!(error.code(), code, "{said}");
            assert!(!format!("{error}").contains("canary"));
        }
    }

    #[test]
    fn the_other_shell_gets_one_word() {
        assert_eq!(quoted("u/r.git"), "'u/r.git'");
        assert_eq!(quoted("a'; touch x; '"), r"'a'\''; touch x; '\'''");
    }
}
