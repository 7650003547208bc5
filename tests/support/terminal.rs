//! A person at a terminal: mfp with a pseudo-terminal for all three streams, and what's typed when it asks.

use std::process::Stdio;

use super::git::{find, has_programs};
use super::{Machine, Run};

/// Starts a command on a terminal, types each answer when its question is asked, gives everything that came on stdout, and
/// ends as it ended. Who asks for a password turns the echo off a moment after asking: answers wait for that.
const DRIVER: &str = r#"
import json, os, pty, select, sys, time
answers, command = json.loads(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execve(command[0], command, os.environ)
seen, asked, at = b"", 0, 0
while True:
    if not select.select([terminal], [], [], 60)[0]:
        os.kill(pid, 9)
        break
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    if not read:
        break
    seen += read
    while asked < len(answers) and answers[asked][0].encode() in seen[at:]:
        at = seen.index(answers[asked][0].encode(), at) + len(answers[asked][0])
        time.sleep(0.2)
        os.write(terminal, answers[asked][1].encode())
        asked += 1
sys.stdout.buffer.write(seen)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// Is there what makes a terminal? In CI there must be.
pub(crate) fn is_there() -> bool {
    has_programs(&["python3"])
}

/// Run mfp on a terminal. `answers` are the keys that are pressed, one a question. Everything that was shown is in `stdout`.
#[must_use]
pub(crate) fn on_terminal<'a>(machine: &Machine, answers: &str, arguments: impl IntoIterator<Item = &'a str>) -> Run {
    let keys: Vec<(&str, String)> = answers.chars().map(|key| ("[y/N]", key.to_string())).collect();
    let answers: Vec<(&str, &str)> = keys.iter().map(|(question, key)| (*question, key.as_str())).collect();
    answering(machine, &answers, arguments)
}

/// The same with any questions: a part of each, and what's typed then.
#[must_use]
pub(crate) fn answering<'a>(machine: &Machine, answers: &[(&str, &str)], arguments: impl IntoIterator<Item = &'a str>) -> Run {
    let python = find("python3").expect("`is_there` was asked");
    let plain = machine.command();
    let mut command = std::process::Command::new(python);
    let variables = plain.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(variables).current_dir(machine.path("project")).stdin(Stdio::null());
    // Where python is a shim, it looks for itself.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("NO_COLOR", "1").env("TERM", "xterm");
    let answers = serde_json::to_string(answers).expect("pairs of texts");
    command.args(["-c", DRIVER, &answers, env!("CARGO_BIN_EXE_mfp")]).args(arguments);
    let run = machine.run(&mut command);
    Run { stdout: run.stdout.replace("\r\n", "\n"), ..run }
}
