//! The user's own scanner: a program that looks at each plugin before it's kept, and may refuse it.
//!
//! Only the user's configuration names one; a project that could would run what it likes on every machine that syncs it.
//! The program gets the folder of the unpacked files, and nothing else that it might mistake for its own: no shell, no
//! standard input, an environment without anybody's credentials, `/` as its folder, so that no file of a plugin is taken
//! for its configuration. It has a deadline, after which it and everything that it started is ended. What it says is
//! shown where it refuses, bounded and neutral.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mfp_model::plugin::PluginManifest;
use mfp_store::{Inspector, Tree};

use crate::report::{clean, clean_lines};
use crate::settings::Settings;

/// What stands for the folder in the command.
pub(crate) const PATH: &str = "{path}";
/// So much of what a scanner says is shown, in bytes.
const SHOWN: usize = 4096;
/// So often it's looked whether it has ended.
const TICK: Duration = Duration::from_millis(5);
/// So long what it said is waited for after it has ended: somebody who escaped may still hold the pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// What a program needs to find others and its own files. Nothing in them is a secret.
const VARIABLES: [&str; 8] = ["PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP"];

/// The scanner that the user's configuration names, as the store takes it.
pub(crate) fn inspector(settings: &Settings) -> Option<Inspector> {
    let command = settings.user.scan.clone()?;
    let environment = VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), settings.environment.text(name)?.to_owned())));
    let scanner = Scanner { command, environment: environment.collect(), deadline: settings.user.scan_timeout };
    Some(Inspector::new(move |tree| scanner.look_at(tree)))
}

struct Scanner {
    command: Vec<String>,
    environment: Vec<(String, String)>,
    deadline: Duration,
}

/// What came of it.
enum Verdict {
    Ended(ExitStatus),
    TooSlow,
}

impl Scanner {
    fn look_at(&self, tree: &Tree) -> Result<(), String> {
        let program = self.command.first().map(String::as_str).unwrap_or_default();
        let who = || format!("the scanner `{}`", clean(program));
        let manifest = tree.manifest().and_then(|text| PluginManifest::from_bytes(text).ok());
        let what = manifest.map_or_else(|| "a plugin".to_owned(), |manifest| format!("{} {}", manifest.id, manifest.version));
        let (verdict, said) = self.run(&tree.files_path()).map_err(|error| format!("{what}: {} can't be run: {error}", who()))?;
        let said = shown(&said);
        match verdict {
            Verdict::Ended(status) if status.success() => Ok(()),
            Verdict::Ended(status) => Err(format!("{what}: {} refused it ({status}){said}", who())),
            Verdict::TooSlow => {
                Err(format!("{what}: {} took longer than {:?} (`scan-timeout`), and was ended{said}", who(), self.deadline))
            }
        }
    }

    fn run(&self, files: &Path) -> std::io::Result<(Verdict, Vec<u8>)> {
        let path = files.to_str().ok_or_else(|| std::io::Error::other("the store's folder has a name that isn't UTF-8"))?;
        let mut words = self.command.iter().map(|word| word.replace(PATH, path));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().envs(self.environment.iter().cloned()).current_dir(files.ancestors().last().unwrap_or(files));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut group = Group(command.spawn()?);
        let said = Said::default();
        let (stdout, stderr) = (group.0.stdout.take(), group.0.stderr.take());
        let listeners = [stdout.map(|pipe| said.listen(pipe)), stderr.map(|pipe| said.listen(pipe))];
        let verdict = group.wait(Instant::now() + self.deadline)?;
        drop(group);
        let until = Instant::now() + LAST_WORDS;
        while listeners.iter().flatten().any(|listener| !listener.is_finished()) && Instant::now() < until {
            std::thread::sleep(TICK);
        }
        Ok((verdict, said.so_far()))
    }
}

/// A program and all that it starts, ended when this is dropped.
struct Group(Child);

impl Group {
    fn wait(&mut self, until: Instant) -> std::io::Result<Verdict> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Verdict::Ended(status));
            }
            if Instant::now() >= until {
                return Ok(Verdict::TooSlow);
            }
            std::thread::sleep(TICK);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a program says on both its streams, as far as it's kept. The rest is read and forgotten, so that nobody waits.
#[derive(Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    fn listen(&self, mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<()> {
        let kept = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = (SHOWN + 1).saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..count.min(room)]);
            }
        })
    }

    fn so_far(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A scanner's words below a message.
fn shown(said: &[u8]) -> String {
    let cut = said.len() > SHOWN;
    let text = String::from_utf8_lossy(&said[..said.len().min(SHOWN)]);
    let text = clean_lines(text.trim_end());
    if text.is_empty() {
        return String::new();
    }
    let lines: String = text.lines().map(|line| format!("\n  | {line}")).collect();
    format!("{lines}{}", if cut { "\n  | …" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scanners_words_are_bounded_and_neutral() {
        assert_eq!(shown(b" \n"), "");
        assert_eq!(shown(b"a\x1b[31m\r\nb\n"), "\n  | a\\u{1b}[31m\n  | b");
        let long = shown(&vec![b'x'; 2 * SHOWN]);
        assert!(long.len() < SHOWN + 20 && long.ends_with('…'), "{}", long.len());
    }
}
