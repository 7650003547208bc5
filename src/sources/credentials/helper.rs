//! What does the user's own command say for an origin? A credential helper: a program and its arguments from the user's
//! configuration, started without a shell, in the words that git's credential helpers speak.
//!
//! It's told `protocol=https` and `host=plugins.acme.example:8443` and an empty line on its stdin, with `get` as its last
//! argument, and answers lines of `key=value`: `token`, or `password` with or without `username`. Nothing at all means that it
//! has none. It runs in the user's configuration folder and not in the project, whose files would tell a helper of git where to
//! look. How long it may take and how much it may say is bounded.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use url::Url;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::report::clean;
use crate::settings::Hidden;

/// As much of what it answers, or complains of, is read.
const MAX_BYTES: u64 = 64 << 10;
/// As much of what it complains of is shown.
const SHOWN_CHARS: usize = 300;
/// How often it's looked at whether it has ended.
const TICK: Duration = Duration::from_millis(10);

/// A command for one origin.
#[derive(Debug, Clone)]
pub(super) struct Helper {
    command: Vec<String>,
    folder: Option<PathBuf>,
    timeout: Duration,
}

/// What it has.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) username: Option<String>,
    pub(super) secret: Hidden,
}

impl Helper {
    pub(super) fn new(command: &[String], folder: Option<&Path>, timeout: Duration) -> Self {
        Self { command: command.to_vec(), folder: folder.filter(|folder| folder.is_dir()).map(Path::to_owned), timeout }
    }

    /// Ask it about an origin.
    pub(super) fn get(&self, origin: &str) -> Result<Option<Given>> {
        let (program, arguments) = self.command.split_first().expect("the configuration has no empty commands");
        let mut command = Command::new(program);
        command.args(arguments).arg("get").env_remove("MFP_CREDENTIALS");
        // Never the project's folder, and no folder where another user could have put something.
        command.current_dir(self.folder.as_deref().unwrap_or(Path::new(std::path::MAIN_SEPARATOR_STR)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.failed(origin, &format!("it can't be started: {error}"), ""))?;
        let question = question(origin);
        let asked = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(question.as_bytes()));
        // A helper that needs no question may have ended by now.
        drop(asked);
        let (answer, complaint) = (reading(child.stdout.take()), reading(child.stderr.take()));
        let until = Instant::now() + self.timeout;
        let ended = wait(&mut child, until);
        let received = |pipe: &Receiver<Zeroizing<Vec<u8>>>| pipe.recv_timeout(until.saturating_duration_since(Instant::now()));
        let (Some(status), Ok(answer)) = (ended, received(&answer)) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(self.failed(origin, &format!("it didn't answer within {:?}", self.timeout), ""));
        };
        let values = parse(&answer);
        if !status.success() {
            let complaint = received(&complaint).unwrap_or_default();
            return Err(self.failed(origin, &status.to_string(), &without(&String::from_utf8_lossy(&complaint), &values)));
        }
        given(&values).map_err(|why| self.failed(origin, why, ""))
    }

    fn failed(&self, origin: &str, why: &str, complaint: &str) -> Error {
        let program = self.command.first().map(|program| clean(program).into_owned()).unwrap_or_default();
        let error = Error::new("mfp::credentials::helper", format!("the credential helper `{program}` for {origin} failed: {why}"))
            .help(format!("try it by hand, or look at `mfp config get credentials.{origin}.helper`"));
        let shown: String = clean(complaint.trim()).chars().take(SHOWN_CHARS).collect();
        if shown.is_empty() { error } else { error.note(format!("it said: {shown}")) }
    }
}

fn question(origin: &str) -> String {
    let url = Url::parse(origin).expect("origins are URLs");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("protocol={}\nhost={}{port}\n\n", url.scheme(), url.host_str().unwrap_or_default())
}

/// Read a pipe on a thread of its own: whoever holds its other end may never close it.
fn reading(pipe: Option<impl Read + Send + 'static>) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = sync_channel(1);
    let _ = std::thread::Builder::new().name("mfp-helper".into()).spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 << 10));
        let mut pipe = pipe.into_iter().map(|pipe| pipe.take(MAX_BYTES));
        let read = pipe.next().map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes));
        if read.is_ok() {
            // Nobody may wait for it any more.
            let _ = sender.send(bytes);
        }
    });
    receiver
}

fn wait(child: &mut Child, until: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < until => std::thread::sleep(TICK),
            _ => return None,
        }
    }
}

type Values = Vec<(String, Hidden)>;

fn parse(answer: &[u8]) -> Values {
    let text = Zeroizing::new(String::from_utf8_lossy(answer).into_owned());
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.to_owned(), Hidden::from(value.to_owned()))).collect()
}

fn given(values: &Values) -> Result<Option<Given>, &'static str> {
    let value = |key: &str| values.iter().find(|(name, value)| name == key && !value.is_empty()).map(|(_, value)| value.clone());
    let username = value("username").map(|name| name.to_string());
    match (value("token"), value("password"), username) {
        (Some(token), _, _) => Ok(Some(Given { username: None, secret: token })),
        (None, Some(secret), username) => Ok(Some(Given { username, secret })),
        (None, None, Some(_)) => Err("it gave a user name and no password"),
        (None, None, None) => Ok(None),
    }
}

/// A complaint without the secrets that were answered beside it.
fn without(complaint: &str, values: &Values) -> String {
    let secrets = values.iter().filter(|(key, value)| matches!(key.as_str(), "token" | "password") && !value.is_empty());
    secrets.fold(complaint.to_owned(), |text, (_, secret)| text.replace(&**secret, "***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(answer: &str) -> Result<Option<(Option<String>, String)>, &'static str> {
        Ok(given(&parse(answer.as_bytes()))?.map(|given| (given.username, given.secret.to_string())))
    }

    #[test]
    fn it_speaks_as_gits_helpers_do() {
        assert_eq!(question("https://a.example:8443"), "protocol=https\nhost=a.example:8443\n\n");
        assert_eq!(question("https://a.example"), "protocol=https\nhost=a.example\n\n");
        assert_eq!(asked("username=ada\npassword=p=q\n"), Ok(Some((Some("ada".into()), "p=q".into()))));
        assert_eq!(asked("token=t\nusername=ada\n"), Ok(Some((None, "t".into()))));
        assert_eq!(asked("password=t\nquit=1\n\ntoken=late\n"), Ok(Some((None, "t".into()))));
        assert_eq!(asked(""), Ok(None));
        assert_eq!(asked("token=\n"), Ok(None));
        assert!(asked("username=ada\n").is_err());
    }

    #[test]
    fn a_complaint_doesnt_tell_the_secret() {
        let values = parse(b"token=canary-7f3a\n");
        assert_eq!(without("can't refresh canary-7f3a: expired", &values), "can't refresh ***: expired");
        assert!(!format!("{values:?}").contains("canary"));
    }
}
