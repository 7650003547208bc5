//! Promise 1: the same lock, byte for byte, on every machine; and a lock that lost its end is never taken for a whole one.

use crate::support::{Machine, Plugin, Registry};

const WANTED: &str = "[project]\nmockforge = \">=0.3, <2\"\n\n[plugins]\ngreet = \"^1\"\nhello = { version = \"2\", package = \"greet\" }\n\
                      mine = { path = \"../mine\" }\n\n[groups.extra]\nhash = \"0.3\"\ncaller = \"*\"\n";

/// A machine with the registry beside the project, so that it has one URL wherever it is.
fn machine() -> Machine {
    let machine = Machine::new();
    let registry = Registry::shop();
    for (path, bytes) in crate::support::env::tree(registry.folder()) {
        machine.write(&format!("../registry/{path}"), bytes);
    }
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"file:../registry/\"\n\n{WANTED}"));
    Plugin::new("mine", "0.1.0").needs("words", "^1").write_to(&machine.path("mine"));
    machine
}

#[test]
fn two_machines_one_lock() {
    let one = machine();
    one.ok(["lock"]);
    let expected = one.read("plugins.lock");
    assert_eq!(expected.matches("[[plugin]]").count(), 6, "{expected}");

    let other = machine();
    other.write("some/where/file", "");
    let mut command = other.command();
    command
        .env("HOME", other.path("another-home"))
        .env("LANG", "tr_TR.UTF-8")
        .env("LC_ALL", "de_DE.UTF-8")
        .env("TZ", "Pacific/Kiritimati")
        .env("USER", "somebody")
        .current_dir(other.project("some/where"))
        .args(["lock"]);
    let run = other.run(&mut command);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(other.read("plugins.lock"), expected);

    // Grown step by step, it's the same lock as made at once.
    let grown = machine();
    let manifest = grown.read("mockforge-plugins.toml");
    grown.write("mockforge-plugins.toml", manifest.split("[plugins]").next().unwrap());
    grown.ok(["add", "hash@0.3", "--group", "extra", "--no-sync"]);
    grown.write("mockforge-plugins.toml", manifest);
    grown.ok(["lock"]);
    assert_eq!(grown.read("plugins.lock"), expected);
    for host in ["/tmp", "[ROOT]", "home", env!("CARGO_PKG_VERSION")].iter().filter(|host| **host != "0.1.0") {
        assert!(!expected.contains(host), "{host} in {expected}");
    }
}

#[test]
fn a_lock_cut_anywhere_is_never_taken_for_a_shorter_one() {
    let machine = machine();
    machine.ok(["lock"]);
    let whole = machine.read("plugins.lock");
    let lines: Vec<usize> = whole.match_indices('\n').map(|(at, _)| at + 1).collect();
    let tables = whole.match_indices("[[plugin]]").map(|(at, _)| at);
    let cuts = lines.iter().copied().step_by(4).chain(tables).chain([0, 1, whole.len() / 2, whole.len() - 2, whole.len() - 1]);
    for cut in cuts.filter(|cut| *cut < whole.len()) {
        machine.write("plugins.lock", &whole[..cut]);
        let run = machine.mfp(["sync", "--locked", "--dry-run"]);
        assert!(matches!(run.code, 2 | 3), "cut at {cut}: {}\n{}", run.all(), &whole[..cut]);
        assert_eq!(machine.read("plugins.lock"), &whole[..cut], "cut at {cut}");
    }
}

#[test]
fn a_clone_elsewhere_syncs_the_same_bytes() {
    let one = machine();
    let manifest = one.read("mockforge-plugins.toml").replace("caller = \"*\"\n", "");
    one.write("mockforge-plugins.toml", &manifest);
    one.ok(["sync", "--all-groups"]);
    let other = machine();
    other.write("mockforge-plugins.toml", &manifest);
    other.write("plugins.lock", one.read("plugins.lock"));
    other.ok(["sync", "--locked", "--all-groups"]);
    let laid_out = |machine: &Machine| {
        let mut files = crate::support::env::tree(&machine.project(".mockforge/plugins"));
        files.remove(".mfp.json");
        files
    };
    assert_eq!(laid_out(&one), laid_out(&other));
}
