//! Flags that every command takes, their variables, and how mfp talks.

use crate::support::{Machine, Registry};

fn project() -> (Registry, Machine) {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\nhash = \"^0.3\"\n");
    (registry, machine)
}

fn with(machine: &Machine, variables: &[(&str, &str)], arguments: &[&str]) -> crate::support::Run {
    machine.run(machine.command().envs(variables.iter().copied()).args(arguments))
}

#[test]
fn no_command_is_help() {
    let machine = Machine::new();
    let run = machine.mfp([]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("Usage: mfp"), "{}", run.stderr);
    let run = machine.ok(["--help"]);
    assert!(run.stdout.contains("Make plugins.lock fresh") && run.stderr.is_empty());
    assert!(machine.ok(["--version"]).stdout.starts_with("mfp 0."));
}

#[test]
fn a_misspelt_command_or_flag() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["snyc"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: unrecognized subcommand 'snyc'
      usage: mfp [OPTIONS] <COMMAND>
    help: a similar subcommand exists: 'sync'
    ");
    insta::assert_snapshot!(machine.mfp(["sync", "--lokced"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: unexpected argument '--lokced' found
      usage: mfp sync --locked
    help: a similar argument exists: '--locked'
    ");
    insta::assert_snapshot!(machine.mfp(["remove"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: the following required arguments were not provided: <NAME>...
      usage: mfp remove <NAME>...
    help: `mfp remove --help`
    ");
    insta::assert_snapshot!(machine.mfp(["remove", "Bad_Name"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: invalid value 'Bad_Name' for '<NAME>...': names are lower-case letters, digits and single hyphens; this one would have to be `bad-name`
    help: `mfp remove --help`
    ");
}

#[test]
fn a_variable_stands_for_every_flag() {
    let (_registry, machine) = project();
    with(&machine, &[("MFP_LOCKED", "true")], &["sync"]).fails(3, "mfp::lock::missing");
    with(&machine, &[("MFP_FROZEN", "1")], &["sync"]).fails(3, "mfp::lock::missing");
    assert_eq!(with(&machine, &[("MFP_LOCKED", ""), ("MFP_FROZEN", "0")], &["lock"]).code, 0);
    assert_eq!(with(&machine, &[("MFP_QUIET", "1")], &["sync"]).stderr, "");
    assert!(with(&machine, &[("MFP_JSON", "1")], &["list"]).stdout.starts_with("{\"v\":1,"));
    assert!(with(&machine, &[("MFP_COLOR", "always")], &["list", "--direct", "x"]).code == 2);
    assert_eq!(with(&machine, &[("MFP_PROJECT", machine.path("project").to_str().unwrap())], &["list"]).stdout, "hash 0.3.1\n");
    let elsewhere = machine.path("other-store");
    assert!(
        with(&machine, &[("MFP_STORE_DIR", elsewhere.to_str().unwrap())], &["cache", "dir"]).stdout.contains("store [ROOT]/other-store\n")
    );
}

#[test]
fn a_variable_with_a_value_it_cant_have() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(with(&machine, &[("MFP_OFFLINE", "yes")], &["sync"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::environment]: MFP_OFFLINE is neither 1, true, 0 nor false
    help: set it to 1 or 0, or unset it: `unset MFP_OFFLINE`
    ");
    for name in ["LOCKED", "NO_LOCKED", "FROZEN", "JSON", "QUIET", "NO_PROGRESS", "NO_CONFIG", "VERBOSE", "COLOR"] {
        let variable = format!("MFP_{name}");
        with(&machine, &[(&variable, "maybe")], &["sync"]).fails(2, "mfp::usage::environment");
    }
    assert!(!machine.has("plugins.lock"));
}

#[test]
fn flags_come_before_variables() {
    let (_registry, machine) = project();
    let run = with(&machine, &[("MFP_STORE_DIR", "/nowhere/at/all")], &["cache", "dir", "--store-dir", "here"]);
    assert!(run.stdout.contains("store [ROOT]/project/here\n"), "{}", run.all());
    let run = with(&machine, &[("MFP_COLOR", "always")], &["remove", "x", "--color", "never"]);
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.all());
}

#[test]
fn quiet_says_errors_only() {
    let (_registry, machine) = project();
    assert_eq!(machine.ok(["sync", "--quiet"]).stderr, "");
    machine.mfp(["remove", "nothing", "-q"]).fails(1, "mfp::manifest::not-declared");
    machine.mfp(["sync", "-q", "-v"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn colours_only_when_they_are_wanted() {
    let (_registry, machine) = project();
    let coloured = |variables: &[(&str, &str)], flag: &str| {
        with(&machine, variables, &["remove", "nothing", "--color", flag]).stderr.contains('\u{1b}')
    };
    assert!(coloured(&[], "always"));
    assert!(coloured(&[("NO_COLOR", "1")], "always"), "a flag is nearer than a variable");
    assert!(!coloured(&[], "auto"), "not a terminal");
    assert!(!coloured(&[], "never"));
    assert!(!with(&machine, &[("NO_COLOR", "1")], &["nonsense"]).stderr.contains('\u{1b}'));
}

#[test]
fn another_project_by_name() {
    let (_registry, machine) = project();
    machine.ok(["lock"]);
    let run = machine.run(machine.command().current_dir(machine.path("home")).args(["list", "--project", "../project"]));
    assert_eq!((run.code, run.stdout.as_str()), (0, "hash 0.3.1\n"), "{}", run.stderr);
    let run = machine.run(machine.command().current_dir(machine.path("home")).args(["list"]));
    insta::assert_snapshot!(run.all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::project::not-found]: there's no mockforge-plugins.toml in [ROOT]/home or above
    help: make one with `mfp init`, or name the project: `--project DIR`
    ");
    machine.write("deep/er/file", "");
    let run = machine.run(machine.command().current_dir(machine.project("deep/er")).args(["list"]));
    assert_eq!(run.stdout, "hash 0.3.1\n");
    insta::assert_snapshot!(machine.mfp(["list", "--project", "deep"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::project::not-found]: there's no mockforge-plugins.toml in [ROOT]/project/deep or above
    help: make one with `mfp init`, or name the project: `--project DIR`
    ");
}

#[test]
fn a_configuration_by_name_or_none() {
    let (_registry, machine) = project();
    machine.write("mfp.toml", "store-dir = \"their-store\"\n");
    let run = machine.run(machine.command().env_remove("MFP_STORE_DIR").args(["cache", "dir", "--config", "mfp.toml"]));
    assert!(run.stdout.contains("store [ROOT]/project/their-store\n"), "{}", run.all());
    insta::assert_snapshot!(machine.mfp(["list", "--config", "nowhere.toml"]).all(), @"
    exit 8
    --- stdout
    --- stderr
    error[mfp::config::unreadable]: the configuration [ROOT]/project/nowhere.toml can't be read: No such file or directory (os error 2)
    help: name another with `--config FILE`, or none with `--no-config`
    ");
    machine.write("mfp.toml", "[network]\nretrys = 3\n");
    insta::assert_snapshot!(machine.mfp(["list", "--config", "mfp.toml"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::invalid]: the user configuration can't be read
       ╭─[[ROOT]/project/mfp.toml:2:1]
     2 │ retrys = 3
       · ───┬──
       ·    ╰── unknown field `retrys`, expected one of `proxy`, `ca-file`, `connect-timeout`, `idle-timeout`, `artifact-timeout`, `retries`, `concurrency`
       ╰────
    help: did you mean `retries`?
    ");
    machine.write("../home/.config/mfp/config.toml", "nonsense = 1\n");
    machine.mfp(["list"]).fails(2, "mfp::config::invalid");
    machine.mfp(["list", "--no-config"]).fails(3, "mfp::lock::missing");
    machine.mfp(["list", "--no-config", "--config", "mfp.toml"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn infos_own_config_flag_takes_no_file() {
    let (_registry, machine) = project();
    machine.ok(["lock"]);
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("{manifest}\n[config.hash]\nkey = \"configured here\"\n"));
    machine.write("mfp.toml", "nonsense = 1\n");
    assert!(machine.ok(["info", "hash", "--config"]).stdout.contains("configured here"));
    assert!(machine.ok(["info", "--config", "hash"]).stdout.contains("configured here"));
    assert!(!machine.ok(["info", "hash"]).stdout.contains("configured here"));
    machine.mfp(["--config", "mfp.toml", "info", "hash"]).fails(2, "mfp::config::invalid");
    with(&machine, &[("MFP_CONFIG", "mfp.toml")], &["info", "hash", "--config"]).fails(2, "mfp::config::invalid");
    assert_eq!(with(&machine, &[("MFP_CONFIG", "mfp.toml"), ("MFP_NO_CONFIG", "1")], &["info", "hash"]).code, 0);
}

#[test]
fn folders_by_name() {
    let (_registry, machine) = project();
    let run = machine.run(machine.command().env_remove("MFP_STORE_DIR").env_remove("MFP_CACHE_DIR").args(["cache", "dir"]));
    insta::assert_snapshot!(run.stdout, @"
    store [ROOT]/home/.local/share/mfp/store
    cache [ROOT]/home/.cache/mfp
    ");
    machine.ok(["sync", "--store-dir", "s", "--cache-dir", "c"]);
    assert!(machine.has("s/v1"), "{:?}", std::fs::read_dir(machine.path("project")).unwrap().collect::<Vec<_>>());
}

#[test]
fn verbose_says_why() {
    let (_registry, machine) = project();
    machine.ok(["lock"]);
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("^0.3", "~0.3"));
    insta::assert_snapshot!(machine.mfp(["sync", "-v"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    plugins.lock is out of date: hash: the manifest wants `~0.3` (line 5), the lock was made for `^0.3`
    Resolved 1 plugin in [TIME]
    Fetched 1 plugin in [TIME] (571 B)
    Installed 1 plugin in [TIME]
     + hash 0.3.1
    ");
}

#[test]
fn an_output_that_nobody_reads_to_its_end_is_no_error() {
    let (_registry, machine) = project();
    machine.ok(["lock"]);
    let mut command = machine.command();
    let mut child =
        command.args(["schema", "manifest"]).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()), (Some(0), String::new()));
}
