//! Is a locked commit on its ref? The tip, an ancestor, gone, or somebody else's.

use super::*;

/// A repository with a long history, whose plugin was locked at its first commit.
fn long() -> (Repo, GitServer, Machine, String) {
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    let first = repo.git(["rev-parse", "HEAD"]);
    let server = GitServer::over(repo.parent());
    let machine = project(&format!("x = {{ git = \"{}\", branch = \"main\" }}", server.url("x")));
    ok(mfp(&machine, ["lock"]));
    (repo, server, machine, first)
}

/// Another machine with the same project.
fn elsewhere(machine: &Machine) -> Machine {
    let other = Machine::new();
    for file in ["mockforge-plugins.toml", "plugins.lock"] {
        other.write(file, machine.read(file));
    }
    other
}

fn in_ci(machine: &Machine) -> Run {
    let mut sync = command(machine);
    machine.run(sync.env("CI", "true").arg("sync"))
}

#[test]
fn an_ancestor_of_the_tip_is_on_the_ref_however_deep_it_is() {
    needs!("git");
    let (repo, server, machine, first) = long();
    for count in 0..100 {
        repo.write("count.txt", count.to_string());
        repo.commit("more");
    }
    let other = elsewhere(&machine);
    ok(in_ci(&other));
    assert!(entry(&other, "x").contains(&first));
    assert!(server.count("deepen 64") == 1 && server.count("deepen 1024") == 1, "deeper only as far as it takes");
    assert!(server.count("filter tree:0") >= 2, "and only commits");
    // A whole id is found in the history, and so is the beginning of one.
    for rev in [first.as_str(), &first[..9]] {
        let machine = project(&format!("x = {{ git = \"{}\", rev = \"{rev}\" }}", server.url("x")));
        ok(in_ci_lock(&machine));
        assert!(entry(&machine, "x").contains(&first));
    }
}

fn in_ci_lock(machine: &Machine) -> Run {
    let mut lock = command(machine);
    machine.run(lock.env("CI", "true").arg("lock"))
}

#[test]
fn a_forced_push_breaks_no_lock_whose_content_is_in_the_store() {
    needs!("git");
    let (repo, _server, machine, first) = long();
    repo.write("other.txt", "another history");
    repo.git(["checkout", "--quiet", "--orphan", "fresh"]);
    repo.put("", &Plugin::new("x", "1.1.0"));
    repo.commit("rewritten");
    repo.git(["branch", "--force", "main", "fresh"]);
    repo.git(["tag", "--delete", "v1.0.0"]);
    // It's in the store, and in the cached repository.
    ok(in_ci(&machine));
    // Elsewhere it's still given by its id, as servers do, which proves nothing.
    let other = elsewhere(&machine);
    let refused = in_ci(&other);
    refused.fails(5, "mfp::git::not-on-ref");
    assert!(refused.stderr.contains(&first[..12]) && !other.has(".mockforge/plugins/x/plugin.yaml"), "{}", refused.stderr);
    let warned = ok(mfp(&other, ["sync"]));
    assert!(warned.stderr.contains("warning[mfp::git::not-on-ref]"), "{}", warned.stderr);
    assert!(other.has(".mockforge/plugins/x/plugin.yaml"));
    ok(in_ci(&other));

    // Really gone: the commit is named, and nothing is changed.
    repo.git(["reflog", "expire", "--expire=now", "--all"]);
    repo.git(["gc", "--quiet", "--prune=now"]);
    let third = elsewhere(&machine);
    let gone = mfp(&third, ["sync"]);
    gone.fails(1, "mfp::git::commit-gone");
    assert!(gone.stderr.contains(&first) && !third.has(".mockforge/plugins/x"), "{}", gone.stderr);
    ok(in_ci(&machine));
    ok(mfp(&third, ["update"]));
    assert!(entry(&third, "x").contains("version = \"1.1.0\""));
}

#[test]
fn a_commit_that_is_only_in_a_fork_is_nobodys_word() {
    needs!("git");
    let (repo, server, machine, first) = long();
    // Forges keep the commits of forks where any of them can be had by its id.
    repo.git(["checkout", "--quiet", "--detach"]);
    repo.put("", &Plugin::new("x", "6.6.6"));
    let evil = repo.commit("not reviewed");
    repo.git(["update-ref", "refs/pull/1/head", &evil]);
    repo.git(["checkout", "--quiet", "main"]);
    let plugin = Plugin::new("x", "6.6.6");
    let lock = machine.read("plugins.lock").replace(&first, &evil).replace("version = \"1.0.0\"", "version = \"6.6.6\"");
    let old_content = Plugin::new("x", "1.0.0").content();
    assert!(lock.contains(&old_content));
    let other = elsewhere(&machine);
    other.write("plugins.lock", lock.replace(&old_content, &plugin.content()));
    in_ci(&other).fails(5, "mfp::git::not-on-ref");
    assert!(!other.path("store/v1").exists() || !other.has(".mockforge/plugins/x"));
    // Asked for by name in the manifest, it's the same.
    let asked = project(&format!("x = {{ git = \"{}\", rev = \"{evil}\" }}", server.url("x")));
    in_ci_lock(&asked).fails(5, "mfp::git::not-on-ref");
    let warned = ok(mfp(&asked, ["lock"]));
    assert!(warned.stderr.contains("mfp::git::not-on-ref"), "{}", warned.stderr);
}

#[test]
fn a_lock_that_lies_about_a_commit_is_found_out() {
    needs!("git");
    let (repo, _server, machine, first) = long();
    repo.put("", &Plugin::new("x", "1.1.0"));
    let second = repo.commit("second");
    let other = elsewhere(&machine);
    other.write("plugins.lock", machine.read("plugins.lock").replace(&first, &second));
    in_ci(&other).fails(4, "mfp::integrity::content");
    assert!(!other.has(".mockforge/plugins/x"));
    let other = elsewhere(&machine);
    other.write("plugins.lock", machine.read("plugins.lock").replace(&first, &"0".repeat(40)));
    assert_eq!(in_ci(&other).code, 5);
    mfp(&other, ["sync"]).fails(1, "mfp::git::commit-gone");
    let other = elsewhere(&machine);
    other.write("plugins.lock", machine.read("plugins.lock").replace(&first, &"0".repeat(64)));
    mfp(&other, ["sync"]).fails(1, "mfp::git::sha256");
}
