//! Two branches change what a project runs, and git is to make one of it. The conflicts are real ones, made with git.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::env::tree;
use crate::support::git::{commit_project as commit, git, has_programs, in_project};
use crate::support::{Machine, Plugin, Registry};

/// Far enough apart for git to merge a change at each end of `[plugins]` without asking anybody.
fn manifest(registry: &Registry, first: &str, last: &str) -> String {
    let between = "#\n# What stands between keeps changes apart.\n#\n#\n";
    format!(
        "[registries]\ndefault = \"{}\"\n\n[plugins]\n# first\n{first}{between}gg = \"^1\"\n{between}hh = \"^1\"\n{between}{last}# last\n",
        registry.url()
    )
}

/// `aa` and `mm` need `dd`; the others need nobody, and stand between them in a lock.
fn registry() -> Registry {
    let plain =
        ["dd", "ff", "gg", "hh", "zz"].into_iter().flat_map(|name| ["1.0.0", "1.1.0", "2.0.0"].map(|version| Plugin::new(name, version)));
    let registry = Registry::with(plain);
    registry.publish(&Plugin::new("aa", "1.0.0").needs("dd", "^1"));
    registry.publish(&Plugin::new("mm", "1.0.0").needs("dd", "^1"));
    registry
}

/// A project on `main`, locked at what's oldest, in a folder of a repository.
fn project(registry: &Registry, first: &str, last: &str, is_binary: bool) -> Machine {
    let machine = Machine::new();
    in_project(&machine, ["init", "--quiet", "--initial-branch=main"]);
    let oldest = "\n[resolver]\nstrategy = \"lowest\"\n";
    machine.write("mockforge-plugins.toml", manifest(registry, first, last) + oldest);
    machine.ok(["lock"]);
    machine.write("mockforge-plugins.toml", manifest(registry, first, last));
    machine.ok(["lock"]);
    if is_binary {
        machine.write(".gitattributes", "plugins.lock merge=binary\n");
    }
    commit(&machine, "base");
    machine
}

/// Do this on a branch of its own, and come back.
fn on_branch(machine: &Machine, name: &str, change: impl FnOnce()) {
    in_project(machine, ["checkout", "--quiet", "-b", name]);
    change();
    commit(machine, name);
    in_project(machine, ["checkout", "--quiet", "main"]);
}

/// A merge that must, or mustn't, be in conflict.
#[track_caller]
fn merge(machine: &Machine, arguments: &[&str], is_clean: bool) {
    let output = git(&machine.project("")).args(arguments).output().expect("git can be started");
    assert_eq!(output.status.success(), is_clean, "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

/// Name and version of what's locked.
fn locked(machine: &Machine) -> Vec<String> {
    let list = machine.ok(["list", "--json"]).json();
    list["plugins"]
        .as_array()
        .expect("it's there")
        .iter()
        .map(|one| format!("{} {}", one["name"].as_str().expect("it's of that kind"), one["version"].as_str().expect("it's of that kind")))
        .collect()
}

#[test]
fn both_sides_are_taken_from_gits_index() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", true);
    assert_eq!(locked(&machine), ["gg 1.0.0", "hh 1.0.0"]);
    on_branch(&machine, "topic", || {
        machine.write("mockforge-plugins.toml", manifest(&registry, "", "zz = \"^1\"\n"));
        machine.ok(["update", "hh", "--no-locked", "--precise", "1.1.0"]);
    });
    machine.write("mockforge-plugins.toml", manifest(&registry, "aa = \"^1\"\n", ""));
    machine.ok(["update", "gg", "--precise", "1.1.0"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "topic"], false);
    // Only ours is in the file, without a marker: nobody mustn't notice.
    assert!(!machine.read("plugins.lock").contains("<<<<<<<"));
    machine.mfp(["lock", "--check"]).fails(3, "mfp::lock::unmerged");
    machine.mfp(["verify"]).fails(3, "mfp::verify::failed");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    plugins.lock is in conflict (a merge): both sides are taken as preferences
    Resolved 5 plugins in [TIME]
     gg: 1.1.0 on our side, 1.0.0 on theirs: 1.1.0
     hh: 1.0.0 on our side, 1.1.0 on theirs: 1.1.0
    Next: `git add plugins.lock`
     ~ hh 1.0.0 → 1.1.0
     + zz 1.1.0
    ");
    assert_eq!(locked(&machine), ["aa 1.0.0", "dd 1.1.0", "gg 1.1.0", "hh 1.1.0", "zz 1.1.0"]);
    in_project(&machine, ["add", "plugins.lock"]);
    machine.ok(["lock", "--check"]);
    in_project(&machine, ["commit", "--quiet", "--message", "merged"]);
    assert_eq!(machine.ok(["lock"]).stderr, "No plugin changed\n");
}

#[test]
fn what_one_side_moved_stays_moved_and_nothing_else_moves() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", true);
    // The manifest is the same on both sides: a lock that's ours alone would be fresh, and theirs would be lost.
    on_branch(&machine, "topic", || drop(machine.ok(["update", "hh", "--precise", "1.1.0"])));
    machine.ok(["update", "gg", "--precise", "1.1.0"]);
    commit(&machine, "ours");
    registry.publish(&Plugin::new("gg", "1.2.0"));
    registry.publish(&Plugin::new("hh", "1.2.0"));
    merge(&machine, &["merge", "--quiet", "topic"], false);
    machine.ok(["lock"]);
    assert_eq!(locked(&machine), ["gg 1.1.0", "hh 1.1.0"]);
}

#[test]
fn a_sync_in_the_middle_of_a_merge_takes_both_sides_too() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", true);
    on_branch(&machine, "topic", || {
        machine.write("mockforge-plugins.toml", manifest(&registry, "", "zz = \"^1\"\n"));
        machine.ok(["update", "hh", "--precise", "1.1.0"]);
    });
    machine.ok(["update", "gg", "--precise", "1.1.0"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "topic"], false);
    machine.mfp(["sync", "--locked"]).fails(3, "mfp::lock::stale");
    machine.ok(["sync"]);
    assert_eq!(locked(&machine), ["gg 1.1.0", "hh 1.1.0", "zz 1.1.0"]);
}

#[test]
fn a_rebase_and_a_cherry_pick() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    for (command, during, our) in [
        (["rebase", "main"].as_slice(), "(a rebase)", "hh: 1.0.0 where it's rebased onto, 1.1.0 in the commit: 1.1.0"),
        (["cherry-pick", "topic"].as_slice(), "(a cherry-pick)", "hh: 1.0.0 on our side, 1.1.0 on theirs: 1.1.0"),
    ] {
        let machine = project(&registry, "", "", true);
        on_branch(&machine, "topic", || drop(machine.ok(["update", "hh", "--precise", "1.1.0"])));
        machine.ok(["update", "gg", "--precise", "1.1.0"]);
        commit(&machine, "ours");
        if command[0] == "rebase" {
            in_project(&machine, ["checkout", "--quiet", "topic"]);
        }
        merge(&machine, command, false);
        let run = machine.ok(["lock"]);
        assert!(run.stderr.contains(during) && run.stderr.contains(our), "{}", run.stderr);
        assert_eq!(locked(&machine), ["gg 1.1.0", "hh 1.1.0"]);
    }
}

#[test]
fn a_work_tree_of_its_own_and_a_project_in_a_subfolder() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = Machine::new();
    in_project(&machine, ["init", "--quiet", "--initial-branch=main"]);
    let place = "mocks/orders/mockforge-plugins.toml";
    machine.write(place, manifest(&registry, "", ""));
    machine.write("mocks/.gitattributes", "plugins.lock merge=binary\n");
    machine.ok(["--project", "mocks/orders", "lock"]);
    let save = |folder: &Path, message: &str| {
        for arguments in [["add", "mocks"].as_slice(), &["commit", "--quiet", "--message", message]] {
            assert!(git(folder).args(arguments).status().unwrap().success());
        }
    };
    save(&machine.project(""), "base");
    let tree = machine.path("tree");
    in_project(&machine, ["worktree", "add", "--quiet", "-b", "topic", tree.to_str().unwrap()]);
    machine.write(place, manifest(&registry, "aa = \"^1\"\n", ""));
    machine.ok(["--project", "mocks/orders", "lock"]);
    save(&machine.project(""), "ours");
    std::fs::write(tree.join(place), manifest(&registry, "", "zz = \"^1\"\n")).unwrap();
    machine.ok(["--project", "../tree/mocks/orders", "lock"]);
    save(&tree, "theirs");
    assert!(!git(&tree).args(["merge", "--quiet", "main"]).output().unwrap().status.success());
    let run = machine.ok(["--project", "../tree/mocks/orders", "lock"]);
    assert!(run.stderr.starts_with("plugins.lock is in conflict (a merge)"), "{}", run.stderr);
    let lock = std::fs::read_to_string(tree.join("mocks/orders/plugins.lock")).unwrap();
    assert!(["aa", "dd", "zz"].iter().all(|name| lock.contains(&format!("name = \"{name}\""))), "{lock}");
}

#[test]
fn markers_of_both_styles_with_and_without_git() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    for style in ["merge", "diff3", "zdiff3"] {
        let machine = project(&registry, "", "", false);
        on_branch(&machine, "topic", || {
            machine.ok(["update", "hh", "--precise", "1.1.0"]);
            machine.ok(["update", "gg", "--precise", "1.1.0"]);
        });
        machine.write("mockforge-plugins.toml", manifest(&registry, "", "").replace("gg = \"^1\"", "gg = \"^2\""));
        machine.ok(["lock"]);
        commit(&machine, "ours");
        merge(&machine, &["-c", &format!("merge.conflictStyle={style}"), "merge", "--quiet", "topic"], false);
        let conflicted = machine.read("plugins.lock");
        assert!(conflicted.contains("<<<<<<<") && conflicted.contains("|||||||") == (style != "merge"), "{conflicted}");
        for arguments in [["sync"].as_slice(), &["sync", "--frozen"], &["lock", "--check"], &["verify"], &["list"], &["diff"]] {
            let run = machine.mfp(arguments.iter().copied());
            assert!(run.code == 2 || run.error_code() == "mfp::lock::unmerged", "{arguments:?}: {}", run.all());
        }
        let elsewhere = Machine::new();
        for file in ["mockforge-plugins.toml", "plugins.lock"] {
            elsewhere.write(file, machine.read(file));
        }
        for machine in [&machine, &elsewhere] {
            machine.ok(["lock"]);
            assert_eq!(locked(machine), ["gg 2.0.0", "hh 1.1.0"], "{style}");
        }
    }
}

#[test]
fn a_manifest_in_conflict_is_for_people_to_decide() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", false);
    on_branch(&machine, "topic", || {
        machine.write("mockforge-plugins.toml", manifest(&registry, "zz = \"^1\"\n", ""));
        machine.ok(["lock"]);
    });
    machine.write("mockforge-plugins.toml", manifest(&registry, "ff = \"^1\"\n", ""));
    machine.ok(["lock"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "topic"], false);
    let before = machine.files();
    let run = machine.mfp(["lock"]);
    insta::assert_snapshot!(run.all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::manifest::conflict-markers]: mockforge-plugins.toml has conflict markers in it
       ╭─[mockforge-plugins.toml:6:1]
     6 │ <<<<<<< HEAD
       · ──────┬─────
       ·       ╰── an unfinished merge: decide here what the project wants
       ╰────
    help: finish the merge of mockforge-plugins.toml by hand; then `mfp lock` merges plugins.lock to go with it
    ");
    assert_eq!(machine.files(), before);
    machine.write("mockforge-plugins.toml", manifest(&registry, "ff = \"^1\"\nzz = \"^1\"\n", ""));
    machine.ok(["lock"]);
    assert_eq!(locked(&machine), ["ff 1.1.0", "gg 1.0.0", "hh 1.0.0", "zz 1.1.0"]);
}

/// Every way in which a lock is taken as it is.
#[track_caller]
fn never_passes(machine: &Machine, allowed: &[(i32, &str)]) {
    let laid_out = || if machine.has(".mockforge/plugins") { tree(&machine.project(".mockforge/plugins")) } else { BTreeMap::new() };
    let before = (machine.files(), laid_out());
    for arguments in [
        ["sync", "--locked"].as_slice(),
        &["sync", "--frozen"],
        &["lock", "--check"],
        &["verify"],
        &["run", "gg", "hello", "--frozen"],
        &["run", "gg", "hello", "--locked"],
    ] {
        let run = machine.mfp(arguments.iter().copied());
        assert!(allowed.contains(&(run.code, run.error_code())), "{arguments:?}: {}", run.all());
    }
    assert_eq!((machine.files(), laid_out()), before);
}

#[test]
fn a_merge_line_by_line_that_lost_a_dependency_never_passes() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "aa = \"^1\"\nff = \"^1\"\n", "", false);
    on_branch(&machine, "topic", || {
        machine.write("mockforge-plugins.toml", manifest(&registry, "aa = \"^1\"\nff = \"^1\"\n", "mm = \"^1\"\n"));
        machine.ok(["lock"]);
    });
    // `dd` goes with the last that needs it; on the other branch somebody else needs it.
    machine.write("mockforge-plugins.toml", manifest(&registry, "ff = \"^1\"\n", ""));
    machine.ok(["lock"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "--no-edit", "topic"], true);
    let lock = machine.read("plugins.lock");
    assert!(lock.contains("name = \"mm\"") && !lock.contains("name = \"dd\"\nversion"), "git merged it: {lock}");
    never_passes(&machine, &[(2, "mfp::lock::edge")]);
    machine.mfp(["lock"]).fails(2, "mfp::lock::edge");
    machine.ok(["lock", "--rebuild"]);
    machine.ok(["sync", "--locked"]);
}

#[test]
fn a_merge_line_by_line_of_versions_that_dont_go_together_never_passes() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "dd = \"^1\"\nff = \"^1\"\n", "", false);
    on_branch(&machine, "topic", || {
        machine.write("mockforge-plugins.toml", manifest(&registry, "dd = \"^1\"\nff = \"^1\"\n", "mm = \"^1\"\n"));
        machine.ok(["lock"]);
    });
    machine.write("mockforge-plugins.toml", manifest(&registry, "dd = \"^2\"\nff = \"^1\"\n", ""));
    machine.ok(["lock"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "--no-edit", "topic"], true);
    never_passes(&machine, &[(3, "mfp::lock::stale"), (2, "mfp::lock::contradiction"), (4, "mfp::verify::failed")]);
    let before = machine.files();
    let run = machine.mfp(["lock"]);
    run.fails(1, "mfp::resolve::conflict");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_union_of_two_locks_never_passes() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", false);
    machine.write(".gitattributes", "plugins.lock merge=union\n");
    commit(&machine, "what some projects do");
    on_branch(&machine, "topic", || drop(machine.ok(["update", "gg", "--precise", "1.1.0"])));
    machine.write("mockforge-plugins.toml", manifest(&registry, "", "").replace("gg = \"^1\"", "gg = \"^2\""));
    machine.ok(["lock"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "--no-edit", "topic"], true);
    let kinds = ["syntax", "duplicate", "invalid", "order", "missing-key", "source", "edge"].map(|kind| format!("mfp::lock::{kind}"));
    let allowed: Vec<(i32, &str)> = kinds.iter().map(|kind| (2, kind.as_str())).collect();
    never_passes(&machine, &allowed);
}

#[test]
fn two_sides_with_other_bytes_for_one_version_are_an_alarm() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", true);
    on_branch(&machine, "topic", || {
        let lock = machine.read("plugins.lock");
        let content = Plugin::new("gg", "1.0.0").content();
        assert!(lock.contains(&content));
        machine.write("plugins.lock", lock.replace(&content, &Plugin::new("zz", "1.0.0").content()));
    });
    machine.ok(["update", "hh", "--precise", "1.1.0"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "topic"], false);
    let before = machine.files();
    let run = machine.mfp(["lock"]);
    run.fails(4, "mfp::lock::two-contents");
    assert!(run.stderr.contains("gg 1.0.0 is blake3:"), "{}", run.stderr);
    assert_eq!(machine.files(), before);
}

#[test]
fn a_side_that_cant_be_read_is_left_aside_and_said() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", true);
    on_branch(&machine, "topic", || machine.write("plugins.lock", "version = 1\nnonsense = true\n"));
    machine.ok(["update", "hh", "--precise", "1.1.0"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "topic"], false);
    let run = machine.ok(["lock"]);
    assert!(run.stderr.contains("warning[mfp::lock::side]: plugins.lock: their side of the merge can't be read"), "{}", run.stderr);
    assert_eq!(locked(&machine), ["gg 1.0.0", "hh 1.1.0"]);
    // One that a newer mfp wrote isn't overwritten with less.
    let machine = project(&registry, "", "", true);
    on_branch(&machine, "topic", || {
        let lock = machine.read("plugins.lock");
        machine.write("plugins.lock", lock.replace("revision = 0\n", "revision = 9\n"));
    });
    machine.ok(["update", "hh", "--precise", "1.1.0"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "topic"], false);
    machine.mfp(["lock"]).fails(2, "mfp::lock::newer");
}

#[test]
fn a_lock_that_one_side_deleted() {
    if !has_programs(&["git"]) {
        return;
    }
    let registry = registry();
    let machine = project(&registry, "", "", true);
    on_branch(&machine, "topic", || {
        std::fs::remove_file(machine.project("plugins.lock")).unwrap();
        in_project(&machine, ["rm", "--quiet", "--cached", "plugins.lock"]);
    });
    machine.ok(["update", "hh", "--precise", "1.1.0"]);
    commit(&machine, "ours");
    merge(&machine, &["merge", "--quiet", "topic"], false);
    machine.ok(["lock"]);
    assert_eq!(locked(&machine), ["gg 1.0.0", "hh 1.1.0"]);
}

#[test]
fn init_keeps_what_gitattributes_has() {
    for import in [false, true] {
        let machine = Machine::new();
        machine.write(".gitattributes", "*.png binary");
        machine.write("mockforge.yaml", "plugins: []\n");
        let arguments = ["init", "--registry", "https://plugins.acme.example/"]
            .into_iter()
            .chain(["--import", "mockforge.yaml"].into_iter().filter(|_| import));
        let run = machine.mfp(arguments);
        assert_eq!(run.code, 0, "{}", run.all());
        assert_eq!(machine.read(".gitattributes"), "*.png binary\nplugins.lock merge=binary\n");
    }
}
