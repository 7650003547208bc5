//! Plugins from git repositories, over every kind of server: which commit is locked, what of it is taken, who is asked and as whom, and
//! what a hostile repository gets.
#![expect(clippy::unwrap_used, reason = "what sets the stage may fail the story, in a helper too")]
#![expect(clippy::case_sensitive_file_extension_comparisons, reason = "git writes the names of its packs in lower case")]

use std::process::Command;

use crate::support::git::{GitServer, Manner, Repo, Sshd, command, git, mfp, run};
use crate::support::{Machine, Plugin, Registry, Run};

/// Leave the story out where these programs aren't.
macro_rules! needs {
    ($($program:literal),+) => {
        if !crate::support::git::has_programs(&[$($program),+]) {
            return;
        }
    };
}

mod history;
mod hostile;
mod refs;
mod servers;
mod trees;
mod who;

/// A machine whose project declares these plugins.
fn project(plugins: &str) -> Machine {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[plugins]\n{plugins}\n"));
    machine
}

/// A repository like many: several plugins in folders, a tag for each release, a branch ahead of them.
fn several() -> Repo {
    let repo = Repo::new("plugins");
    repo.put("graphql", &Plugin::new("graphql", "1.0.0"));
    repo.put("rest/mock", &Plugin::new("rest-mock", "0.2.0"));
    repo.write("README.md", "# Plugins\n");
    repo.write("video.bin", vec![7; 300_000]);
    repo.commit("first");
    repo.git(["tag", "graphql-v1.0.0"]);
    repo.put("graphql", &Plugin::new("graphql", "1.1.0"));
    repo.commit("second");
    repo.git(["tag", "--annotate", "graphql-v1.1.0", "--message", "1.1.0"]);
    repo.put("graphql", &Plugin::new("graphql", "1.2.0"));
    repo.commit("third");
    repo
}

/// The entry of a plugin in the lock.
fn entry(machine: &Machine, name: &str) -> String {
    let lock = machine.read("plugins.lock");
    let entries = lock.split("[[plugin]]\n").skip(1);
    entries.filter(|entry| entry.contains(&format!("name = \"{name}\""))).map(str::to_owned).next().unwrap_or_else(|| panic!("{lock}"))
}

#[track_caller]
fn ok(run: Run) -> Run {
    assert_eq!(run.code, 0, "{}", run.all());
    run
}
