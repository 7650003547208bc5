//! The user's scanner: who runs it, what it sees, and what it can't do.
#![cfg(unix)]

use super::*;
use std::time::{Duration, Instant};

/// A machine whose user has this scanner, written in sh.
fn scanned(registry: &Registry, script: &str, more: &str) -> Machine {
    let machine = Machine::with_manifest(registry, "[plugins]\nhash = \"^0.3\"\n");
    let program = machine.path("home/scanner");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
    std::os::unix::fs::PermissionsExt::set_mode(&mut std::fs::metadata(&program).expect("a file can be read").permissions(), 0o755);
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a file can be written");
    let config = machine.path("home/.config/mfp/config.toml");
    std::fs::create_dir_all(config.parent().expect("a file can be written")).expect("a file can be written");
    std::fs::write(&config, format!("scan = [\"{}\", \"--dir={{path}}\"]\n{more}\n", program.display())).expect("a file can be written");
    machine
}

/// Nothing of the plugin is in the store, not even for a while.
#[track_caller]
fn nothing_kept(machine: &Machine) {
    let store = crate::support::env::tree(&machine.path("store"));
    let kept: Vec<_> = store.keys().filter(|path| path.contains("content") || path.contains("staging")).collect();
    assert!(kept.is_empty() && !machine.has(".mockforge/plugins/hash"), "{kept:?}");
}

#[test]
fn a_scanner_sees_the_files_before_they_are_kept_and_lets_them_in() {
    let registry = Registry::shop();
    let log = "\"$HOME/log\"";
    let machine = scanned(&registry, &format!("dir=${{1#--dir=}}\nls $dir >> {log}; env | cut -d= -f1 | sort >> {log}; pwd >> {log}"), "");
    let run = machine.run(machine.command().env("API_TOKEN", "x").args(["sync"]));
    assert_eq!(run.code, 0, "{}", run.all());
    let log = std::fs::read_to_string(machine.path("home/log")).unwrap();
    let words: Vec<&str> = log.split_whitespace().collect();
    assert!(words.starts_with(&["README.md", "plugin.wasm", "plugin.yaml"]) && words.ends_with(&["/"]), "{log}");
    let variables: Vec<&str> = words[3..words.len() - 1].to_vec();
    assert!(variables.iter().all(|name| ["HOME", "PATH", "PWD", "SHLVL", "_", "OLDPWD"].contains(name)), "{variables:?}");
    machine.ok(["sync"]);
    assert_eq!(std::fs::read_to_string(machine.path("home/log")).unwrap(), log, "what's there was looked at");
}

#[test]
fn a_scanner_that_refuses_keeps_everything_out_whatever_it_comes_from() {
    let registry = Registry::shop();
    let machine = scanned(&registry, "printf 'found \\033[31mevil\\n'; echo '::set-output name=x::y' >&2; exit 3", "");
    let run = machine.mfp(["sync"]);
    run.fails(5, "mfp::policy::scan");
    assert!(run.stderr.contains("hash 0.3.1: the scanner") && run.stderr.contains("| found \\u{1b}[31mevil"), "{}", run.all());
    assert!(!run.stderr.contains("\n::set-output"), "{}", run.all());
    nothing_kept(&machine);
    let plugin = Plugin::new("mine", "1.0.0");
    plugin.write_to(&machine.path("mine"));
    std::fs::write(machine.path("mine.tar.gz"), plugin.archive()).unwrap();
    let url = format!("file://{}", machine.path("mine.tar.gz").display());
    for (name, entry) in [("mine", "{ path = \"../mine\" }".to_owned()), ("mine", format!("{{ url = \"{url}\" }}"))] {
        machine.write("mockforge-plugins.toml", format!("[plugins]\n{name} = {entry}\n"));
        machine.mfp(["sync"]).fails(5, "mfp::policy::scan");
        nothing_kept(&machine);
    }
    machine.mfp(["add", &url]).fails(5, "mfp::policy::scan");
}

#[test]
fn what_comes_from_a_repository_or_a_vendored_folder_is_scanned_too() {
    if !crate::support::git::has_programs(&["git"]) {
        return;
    }
    let repo = crate::support::git::Repo::of(&Plugin::new("hash", "0.3.1"));
    let registry = Registry::shop();
    let machine = scanned(&registry, "exit 1", "");
    machine.write("mockforge-plugins.toml", format!("[plugins]\nhash = {{ git = \"{}\" }}\n", repo.file_url()));
    crate::support::git::mfp(&machine, ["sync"]).fails(5, "mfp::policy::scan");
    nothing_kept(&machine);

    let giver = Machine::with_manifest(&registry, "[plugins]\nhash = \"^0.3\"\n");
    giver.ok(["vendor", "vendored"]);
    let taker = scanned(&registry, "exit 1", "");
    taker.ok(["lock"]);
    let folder = giver.project("vendored").display().to_string();
    taker.mfp(["sync", "--offline", "--vendor", &folder]).fails(5, "mfp::policy::scan");
    nothing_kept(&taker);
}

#[test]
fn a_scanner_that_never_ends_is_ended_with_all_that_it_started() {
    let registry = Registry::shop();
    let machine = scanned(&registry, "(sleep 300; touch \"$HOME/late\") & echo $! > \"$HOME/child\"; sleep 300", "scan-timeout = \"1s\"");
    let begun = Instant::now();
    let run = machine.mfp(["sync"]);
    run.fails(5, "mfp::policy::scan");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    nothing_kept(&machine);
    let child = std::fs::read_to_string(machine.path("home/child")).unwrap();
    let is_there = || std::path::Path::new(&format!("/proc/{}/cwd", child.trim())).read_link().is_ok();
    let until = Instant::now() + Duration::from_secs(5);
    while is_there() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_there(), "its child is still at work");
}

#[test]
fn a_scanner_that_talks_without_end_or_changes_files_does_no_harm() {
    let registry = Registry::shop();
    let machine = scanned(&registry, "yes | head -c 3000000; yes | head -c 3000000 >&2; exit 1", "");
    let run = machine.mfp(["sync"]);
    run.fails(5, "mfp::policy::scan");
    assert!(run.stderr.len() < 20_000, "{}", run.stderr.len());
    let machine = scanned(&registry, "dir=${1#--dir=}; rm -f $dir/README.md; echo changed > $dir/README.md", "");
    machine.mfp(["sync"]).fails(4, "mfp::store::damaged");
    nothing_kept(&machine);
}

#[test]
fn a_scanner_that_cant_be_run_keeps_everything_out() {
    let registry = Registry::shop();
    let machine = scanned(&registry, "", "");
    std::fs::remove_file(machine.path("home/scanner")).unwrap();
    machine.mfp(["sync"]).fails(5, "mfp::policy::scan");
    nothing_kept(&machine);
}

#[test]
fn a_command_is_a_list_that_says_where_the_folder_goes() {
    let machine = Machine::new();
    for (command, is_one) in [
        ("[\"scan\", \"{path}\"]", true),
        ("[\"scan\", \"--in={path}/x\"]", true),
        ("[\"scan\"]", false),
        ("[]", false),
        ("[\"{path}\"]", false),
        ("\"scan {path}\"", false),
        ("[\"\", \"{path}\"]", false),
    ] {
        let run = machine.mfp(["config", "set", "scan", command]);
        assert_eq!(run.code == 0, is_one, "{command}: {}", run.all());
    }
    machine.mfp(["config", "set", "scan-timeout", "0s"]).fails(2, "mfp::config::invalid");
}

#[test]
fn no_project_names_a_scanner() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\nhash = \"^0.3\"\n");
    let ran = machine.path("home/ran");
    let manifest = machine.read("mockforge-plugins.toml");
    for place in ["", "[project]\n", "[policy]\n"] {
        let scan = format!("{place}scan = [\"touch\", \"{}\", \"{{path}}\"]\n", ran.display());
        let text = if place.is_empty() { format!("{scan}{manifest}") } else { format!("{manifest}\n{scan}") };
        machine.write("mockforge-plugins.toml", text);
        machine.mfp(["sync"]).fails(2, "mfp::manifest::misplaced");
        assert!(!ran.exists());
    }
}
