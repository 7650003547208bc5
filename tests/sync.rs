//! `mfp sync`: the plugin folder becomes exactly what the lock says, and nothing of anybody else's is touched.

use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry};

const DIR: &str = ".mockforge/plugins";

fn project(plugins: &str) -> (Registry, Machine) {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, plugins);
    (registry, machine)
}

#[test]
fn lock_fetch_lay_out_and_then_nothing_to_do() {
    let (_registry, machine) = project("[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 2 plugins in [TIME] (1.1 KiB)
    Installed 2 plugins in [TIME]
     + greet 1.1.0
     + words 1.1.0
    ");
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Checked 2 plugins in [TIME]
    ");
    let laid_out = tree(&machine.project(&format!("{DIR}/greet")));
    let expected = Plugin::new("greet", "1.1.0").needs("words", "^1").files();
    assert_eq!(laid_out.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn what_left_the_lock_leaves_the_folder() {
    let (_registry, machine) = project("[plugins]\ngreet = \"^1\"\nhash = \"^0.3\"\n");
    machine.ok(["sync"]);
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("greet = \"^1\"\n", ""));
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Removed 2 plugins
     - greet 1.1.0
     - words 1.1.0
    ");
    assert!(!machine.has(".mockforge/plugins/greet") && machine.has(".mockforge/plugins/hash"));
}

#[test]
fn check_changes_nothing_and_says_which_of_the_two() {
    let (_registry, machine) = project("[plugins]\nhash = \"^0.3\"\n");
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["sync", "--check"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::missing]: there's no plugins.lock, and `--check` writes nothing
    help: run `mfp lock` and commit plugins.lock
    ");
    assert_eq!(machine.files(), before);
    machine.ok(["lock"]);
    insta::assert_snapshot!(machine.mfp(["sync", "--check"]).all(), @"
    exit 1
    --- stdout
    --- stderr
     + hash 0.3.1
    error[mfp::layout::out-of-date]: the plugin folder isn't what plugins.lock says
    help: run `mfp sync`
    ");
    assert!(!machine.has(DIR));
    machine.ok(["sync"]);
    insta::assert_snapshot!(machine.mfp(["sync", "--check"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Checked 1 plugin in [TIME]
    ");
}

#[test]
fn a_dry_run_changes_nothing() {
    let (_registry, machine) = project("[plugins]\ngreet = \"^1\"\n");
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["sync", "--dry-run"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
     + greet 1.1.0
     + words 1.1.0
    ");
    assert_eq!(machine.files(), before);
    assert!(!machine.has(DIR));
    machine.ok(["sync"]);
    insta::assert_snapshot!(machine.mfp(["sync", "--dry-run"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Checked 2 plugins in [TIME]
    ");
}

#[test]
fn optional_groups() {
    let (_registry, machine) = project("[plugins]\nhash = \"^0.3\"\n\n[groups.load-test]\ngreet = \"^1\"\n");
    machine.ok(["sync"]);
    assert!(machine.has(".mockforge/plugins/hash") && !machine.has(".mockforge/plugins/greet"));
    insta::assert_snapshot!(machine.mfp(["sync", "--group", "load-test"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Fetched 2 plugins in [TIME] (1.1 KiB)
    Installed 2 plugins in [TIME]
     + greet 1.1.0
     + words 1.1.0
    ");
    assert!(machine.has(".mockforge/plugins/words"));
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Removed 2 plugins
     - greet 1.1.0
     - words 1.1.0
    ");
    machine.ok(["sync", "--all-groups"]);
    assert!(machine.has(".mockforge/plugins/greet"));
    insta::assert_snapshot!(machine.mfp(["sync", "--group", "load-tets"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::group]: the project has no group `load-tets`
    help: did you mean `--group load-test`?
    ");
    machine.mfp(["sync", "--group", "load-test", "--all-groups"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn files_that_mfp_didnt_make_are_never_touched() {
    let (_registry, machine) = project("[plugins]\nhash = \"^0.3\"\n");
    machine.write(".mockforge/plugins/notes.txt", "mine");
    machine.write(".mockforge/plugins/own/plugin.yaml", "mine");
    machine.ok(["sync"]);
    machine.write(".mockforge/plugins/hash/scratch.txt", "mine");
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("hash = \"^0.3\"", "words = \"^1\""));
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Fetched 1 plugin in [TIME] (579 B)
    warning[mfp::layout::foreign]: .mockforge/plugins/hash holds what isn't mfp's, so it was left where it is
    Installed 1 plugin in [TIME]
     + words 1.1.0
     - hash 0.3.1
    ");
    for file in ["notes.txt", "own/plugin.yaml", "hash/scratch.txt"] {
        assert_eq!(machine.read(&format!("{DIR}/{file}")), "mine", "{file}");
    }
    assert!(!machine.has(".mockforge/plugins/hash/plugin.wasm"));
}

#[test]
fn a_folder_in_the_way_is_not_overwritten() {
    let (_registry, machine) = project("[plugins]\nhash = \"^0.3\"\n");
    machine.write(".mockforge/plugins/hash/precious.txt", "mine");
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 8
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    error[mfp::layout::foreign]: `[ROOT]/project/.mockforge/plugins/hash` wasn't made by mfp (a plugin would be laid out there), so it's left alone
    help: move it away or delete it, then run the command again
    ");
    assert_eq!(machine.read(".mockforge/plugins/hash/precious.txt"), "mine");
}

#[test]
fn every_way_of_linking_gives_the_same_files() {
    let expected = tree_of(&Plugin::new("hash", "0.3.1"));
    for mode in ["auto", "hardlink", "copy", "symlink"] {
        let (_registry, machine) = project("[plugins]\nhash = \"^0.3\"\n");
        machine.ok(["sync", "--link-mode", mode]);
        let laid_out: Vec<_> = tree(&machine.project(&format!("{DIR}/hash"))).into_iter().collect();
        assert_eq!(laid_out, expected, "{mode}");
        let is_link = machine.project(&format!("{DIR}/hash/plugin.wasm")).symlink_metadata().unwrap().file_type().is_symlink();
        assert_eq!(is_link, mode == "symlink", "{mode}");
        machine.ok(["verify"]);
    }
}

fn tree_of(plugin: &Plugin) -> Vec<(String, Vec<u8>)> {
    plugin.files()
}

#[test]
fn in_ci_the_lock_must_be_fresh_and_mfp_says_why() {
    let (_registry, machine) = project("[plugins]\nhash = \"^0.3\"\n");
    let ci = |arguments: &[&str]| machine.run(machine.command().env("CI", "true").args(arguments));
    insta::assert_snapshot!(ci(&["sync"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::missing]: there's no plugins.lock, and CI=true implies `--locked` (`--no-locked` undoes it)
    help: run `mfp lock` and commit plugins.lock
    ");
    assert!(!machine.has("plugins.lock"));
    machine.ok(["lock"]);
    insta::assert_snapshot!(ci(&["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Fetched 1 plugin in [TIME] (571 B)
    Installed 1 plugin in [TIME]
     + hash 0.3.1
    ");
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("^0.3", "~0.3.1"));
    insta::assert_snapshot!(ci(&["run", "hash", "sum"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::stale]: `plugins.lock` is out of date with `mockforge-plugins.toml`, and CI=true implies `--locked` (`--no-locked` undoes it)
      • hash: the manifest wants `~0.3.1` (line 5), the lock was made for `^0.3`
    help: run `mfp lock` and commit plugins.lock
    ");
    let run = ci(&["sync", "--no-locked"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(machine.read("plugins.lock").contains("~0.3.1"));
}

#[test]
fn a_plugin_that_nobody_approved_is_kept_back_and_the_rest_is_done() {
    let (_registry, machine) = project("[plugins]\nhash = \"^0.3\"\ncaller = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 2 plugins in [TIME] (1.2 KiB)
    Installed 1 plugin in [TIME]
     + hash 0.3.1
    error[mfp::approval::missing]: a plugin asks for more than was approved
      • caller 1.0.0 asks for http api.example.com
    help: look at it and decide: `mfp approve caller`
    ");
    assert!(machine.has(".mockforge/plugins/hash") && !machine.has(".mockforge/plugins/caller"));
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write(
        "mockforge-plugins.toml",
        format!("{manifest}\n[approvals]\ncaller = {{ source = \"registry+default\", http = [\"api.example.com\"] }}\n"),
    );
    machine.ok(["sync"]);
    assert!(machine.has(".mockforge/plugins/caller"));
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("registry+default", "registry+corp"));
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    Removed 1 plugin
     - caller 1.0.0
    error[mfp::approval::missing]: a plugin asks for more than was approved
      • caller 1.0.0 asks for http api.example.com; its approval is void: it was given to registry+corp
    help: look at it and decide: `mfp approve caller`
    ");
}

#[test]
fn another_plugin_folder() {
    let (_registry, machine) = project("[project]\nplugin-dir = \"vendor/mf\"\n\n[plugins]\nhash = \"^0.3\"\n");
    machine.ok(["sync"]);
    assert!(machine.has("vendor/mf/hash/plugin.wasm") && machine.has("vendor/mf/.mfp.json") && !machine.has(DIR));
    machine.write("mockforge-plugins.toml", "[project]\nplugin-dir = \"../elsewhere\"\n");
    machine.mfp(["sync"]).fails(2, "mfp::manifest::invalid");
}

#[test]
fn a_folder_plugin_that_changed_makes_the_lock_stale() {
    let (_registry, machine) = project("[plugins]\nmine = { path = \"../mine\" }\n");
    let plugin = Plugin::new("mine", "0.1.0");
    plugin.write_to(&machine.path("mine"));
    machine.ok(["sync"]);
    machine.write("../mine/README.md", "# another\n");
    insta::assert_snapshot!(machine.mfp(["sync", "--locked"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::stale]: `plugins.lock` is out of date with `mockforge-plugins.toml`, and `--locked` was given
      • mine: the files in `../mine` aren't those that were locked
    help: run `mfp lock` and commit plugins.lock
    ");
    let run = machine.mfp(["sync", "--frozen"]);
    run.fails(4, "mfp::integrity::content");
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Fetched 1 plugin in [TIME]
    Installed 1 plugin in [TIME]
     ~ mine 0.1.0 again (../mine)
    ");
    assert_eq!(machine.read(".mockforge/plugins/mine/README.md"), "# another\n");
}

#[test]
fn bytes_that_arent_what_was_locked_never_arrive() {
    let (registry, machine) = project("[plugins]\nhash = \"^0.3\"\n");
    machine.ok(["lock"]);
    let other = Plugin::new("hash", "0.3.1").with(|plugin| plugin.more_files.push(("extra.txt".to_owned(), b"x".to_vec()))).archive();
    registry.put("dl/hash/0.3.1/hash-0.3.1.tar.gz", &other);
    let run = machine.mfp(["sync"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(!machine.has(".mockforge/plugins/hash"));
}
