//! Which commit is a ref, what's locked of it, and when it moves.

use super::*;

#[test]
fn a_plugin_has_one_content_from_wherever_it_comes() {
    needs!("git");
    let plugin = Plugin::new("graphql", "1.0.0").with(|plugin| plugin.more_files = vec![("assets/a/ü.json".into(), b"{}\r\n".to_vec())]);
    let (repo, registry) = (Repo::new("plugins"), Registry::with([plugin.clone()]));
    repo.put("graphql", &plugin);
    // What a checkout would do to the files plays no part.
    repo.write(".gitattributes", "* text=auto eol=crlf\n");
    repo.git(["config", "core.autocrlf", "false"]);
    repo.write("graphql/.hidden", "not part of it");
    repo.commit("first");
    let stored = repo.git(["show", "HEAD:graphql/assets/a/ü.json"]);
    assert_eq!(stored, "{}", "git has stored a line feed where the file had two characters");
    let plain = plugin.with(|plugin| plugin.more_files = vec![("assets/a/ü.json".into(), b"{}\n".to_vec())]);
    let machine = project(&format!("graphql = {{ git = \"{}\", subdir = \"graphql\" }}", repo.file_url()));
    ok(mfp(&machine, ["sync"]));
    assert!(entry(&machine, "graphql").contains(&plain.content()), "{}\n{}", entry(&machine, "graphql"), plain.content());
    drop(registry);
    let registry = Registry::with([plain]);
    let from_registry = Machine::with_manifest(&registry, "[plugins]\ngraphql = \"1\"\n");
    from_registry.ok(["sync"]);
    let content = |machine: &Machine| entry(machine, "graphql").lines().last().map(str::to_owned);
    assert_eq!(content(&machine), content(&from_registry));
    let laid_out = |machine: &Machine| crate::support::env::tree(&machine.project(".mockforge/plugins/graphql"));
    assert_eq!(laid_out(&machine), laid_out(&from_registry));
    ok(mfp(&machine, ["verify"]));
}

#[test]
fn a_tag_a_branch_a_commit_and_the_default_branch_are_locked_in_full() {
    needs!("git");
    let repo = several();
    let url = repo.file_url();
    let at = |name: &str| repo.git(["rev-parse", &format!("{name}^{{commit}}")]);
    for (asked, locked, version) in [
        ("tag = \"graphql-v1.0.0\"".to_owned(), at("graphql-v1.0.0"), "1.0.0"),
        ("tag = \"graphql-v1.1.0\"".to_owned(), at("graphql-v1.1.0"), "1.1.0"),
        ("branch = \"main\"".to_owned(), at("main"), "1.2.0"),
        (format!("rev = \"{}\"", at("graphql-v1.1.0")), at("graphql-v1.1.0"), "1.1.0"),
        (format!("rev = \"{}\"", &at("graphql-v1.0.0")[..8]), at("graphql-v1.0.0"), "1.0.0"),
        (String::new(), at("main"), "1.2.0"),
    ] {
        let comma = if asked.is_empty() { "" } else { ", " };
        let machine = project(&format!("graphql = {{ git = \"{url}\"{comma}{asked}, subdir = \"graphql\" }}"));
        ok(mfp(&machine, ["lock"]));
        let entry = entry(&machine, "graphql");
        assert!(entry.contains(&format!("commit = \"{locked}\", subdir = \"graphql\"")), "{asked}\n{entry}");
        assert!(entry.contains(&format!("version = \"{version}\"")) && entry.contains(&format!("source = \"git+{url}\"")), "{entry}");
        let before = machine.read("plugins.lock");
        ok(mfp(&machine, ["lock"]));
        assert_eq!(before, machine.read("plugins.lock"));
        ok(mfp(&machine, ["lock", "--check"]));
    }
}

#[test]
fn every_spelling_of_an_address_is_understood() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let http = server.url("plugins");
    let file = repo.file_url();
    for (spec, flags, line) in [
        (
            format!("git+{file}#graphql-v1.0.0:graphql"),
            vec![],
            format!("{{ git = \"{file}\", tag = \"graphql-v1.0.0\", subdir = \"graphql\" }}"),
        ),
        (format!("git+{http}#main:graphql"), vec![], format!("{{ git = \"{http}\", branch = \"main\", subdir = \"graphql\" }}")),
        (format!("{http}.git#:graphql"), vec![], format!("{{ git = \"{http}.git\", subdir = \"graphql\" }}")),
        (
            http.clone(),
            vec!["--git", "--tag", "graphql-v1.1.0", "--subdir", "graphql"],
            format!("{{ git = \"{http}\", tag = \"graphql-v1.1.0\", subdir = \"graphql\" }}"),
        ),
        (
            http.clone(),
            vec!["--branch", "main", "--subdir", "graphql/"],
            format!("{{ git = \"{http}\", branch = \"main\", subdir = \"graphql\" }}"),
        ),
    ] {
        // A bare name serves both `plugins` and `plugins.git`.
        let _ = std::os::unix::fs::symlink(repo.path(), repo.parent().join("plugins.git"));
        let machine = project("");
        let arguments: Vec<&str> = ["add", &spec].into_iter().chain(flags).collect();
        let added = ok(mfp(&machine, arguments));
        assert!(
            machine.read("mockforge-plugins.toml").contains(&format!("graphql = {line}")),
            "{}",
            machine.read("mockforge-plugins.toml")
        );
        assert!(added.stderr.contains(" + graphql 1."), "{}", added.stderr);
        assert!(machine.has(".mockforge/plugins/graphql/plugin.wasm"));
    }
    let machine = project("");
    machine.write("x", "");
    std::fs::rename(repo.path(), machine.path("neighbour")).unwrap();
    let added = ok(mfp(&machine, ["add", "--git", "../neighbour", "--subdir", "rest/mock", "--rename", "mock"]));
    assert!(added.stderr.contains("mock 0.2.0"), "{}", added.stderr);
    let manifest = machine.read("mockforge-plugins.toml");
    assert!(
        manifest.contains("mock = { git = \"file:../neighbour\", package = \"rest-mock\", subdir = \"rest/mock\" }")
            || manifest.contains("file:../neighbour"),
        "{manifest}"
    );
    ok(mfp(&machine, ["sync", "--locked"]));
}

#[test]
fn what_isnt_there_is_named_with_its_nearest() {
    needs!("git");
    let repo = several();
    let url = repo.file_url();
    let machine = project("");
    let add = |spec: &str, code, error| {
        let before = machine.files();
        let run = mfp(&machine, ["add", spec]);
        run.fails(code, error);
        assert_eq!(machine.files(), before);
        run.stderr
    };
    let said = add(&format!("git+{url}#graphql-v1.0.1:graphql"), 1, "mfp::git::no-ref");
    assert!(said.contains("did you mean graphql-v1.0.0 or graphql-v1.1.0"), "{said}");
    let said = add(&format!("git+{url}#:grahpql"), 1, "mfp::git::no-folder");
    assert!(said.contains("is it `graphql`?"), "{said}");
    let said = add(&format!("git+{url}#:rest/mok"), 1, "mfp::git::no-folder");
    assert!(said.contains("is it `rest/mock`?"), "{said}");
    let said = add(&format!("git+{url}"), 1, "mfp::git::no-plugin");
    assert!(
        said.contains("there's one in `graphql`") && said.contains("there's one in `rest/mock`") && said.contains("--subdir graphql"),
        "{said}"
    );
    add(&format!("git+{url}x"), 1, "mfp::git::no-repository");
    add(&format!("git+{url}#0123456789:graphql"), 1, "mfp::git::no-ref");
    repo.git(["branch", "graphql-v1.0.0"]);
    let said = add(&format!("git+{url}#graphql-v1.0.0:graphql"), 2, "mfp::git::ambiguous-ref");
    assert!(said.contains("--tag graphql-v1.0.0"), "{said}");
    let branch = mfp(&machine, ["add", &url, "--branch", "nothing", "--subdir", "graphql"]);
    branch.fails(1, "mfp::git::no-ref");
}

#[test]
fn a_branch_moves_only_when_it_is_told_to() {
    needs!("git");
    let repo = several();
    let machine = project(&format!("graphql = {{ git = \"{}\", branch = \"main\", subdir = \"graphql\" }}", repo.file_url()));
    ok(mfp(&machine, ["sync"]));
    let (first, lock) = (repo.git(["rev-parse", "HEAD"]), machine.read("plugins.lock"));
    repo.put("graphql", &Plugin::new("graphql", "1.3.0"));
    let second = repo.commit("fourth");
    ok(mfp(&machine, ["sync"]));
    ok(mfp(&machine, ["lock"]));
    assert_eq!(machine.read("plugins.lock"), lock);
    let outdated = ok(mfp(&machine, ["outdated"]));
    assert!(outdated.stdout.contains(&format!("1.2.0 ({})", &first[..7])) && outdated.stdout.contains(&second[..7]), "{}", outdated.stdout);
    assert_eq!(mfp(&machine, ["outdated", "--exit-code"]).code, 1);
    let updated = ok(mfp(&machine, ["update", "--dry-run"]));
    assert!(updated.stderr.contains(&format!("~ graphql 1.2.0 ({}) → 1.3.0 ({})", &first[..7], &second[..7])), "{}", updated.stderr);
    assert_eq!(machine.read("plugins.lock"), lock);
    let updated = ok(mfp(&machine, ["update", "--json"]));
    let change = &updated.json()["changes"][0];
    assert_eq!((change["from"]["commit"].as_str(), change["to"]["commit"].as_str()), (Some(&*first), Some(&*second)));
    assert!(entry(&machine, "graphql").contains(&second));
    assert!(machine.read(".mockforge/plugins/graphql/plugin.yaml").contains("1.3.0"));
}

#[test]
fn a_tag_that_moved_is_reported_and_taken_only_when_a_person_says_so() {
    needs!("git");
    let (repo, other) = (several(), Repo::of(&Plugin::new("other", "1.0.0")));
    let machine = project(&format!(
        "graphql = {{ git = \"{}\", tag = \"graphql-v1.0.0\", subdir = \"graphql\" }}\nother = {{ git = \"{}\", branch = \"main\" }}",
        repo.file_url(),
        other.file_url()
    ));
    ok(mfp(&machine, ["sync"]));
    let was = entry(&machine, "graphql");
    repo.git(["tag", "--force", "graphql-v1.0.0", "main"]);
    other.put("", &Plugin::new("other", "1.1.0"));
    other.commit("second");

    ok(mfp(&machine, ["sync"]));
    assert_eq!(entry(&machine, "graphql"), was, "nothing is asked while nothing is to move");
    let updated = mfp(&machine, ["update"]);
    updated.fails(5, "mfp::git::moved-tag");
    assert!(updated.stderr.contains("mfp update graphql --accept-moved-tag graphql"), "{}", updated.stderr);
    assert_eq!(entry(&machine, "graphql"), was);
    assert!(entry(&machine, "other").contains("version = \"1.1.0\""), "the others move");
    mfp(&machine, ["lock", "--upgrade"]).fails(5, "mfp::git::moved-tag");
    mfp(&machine, ["add", &format!("git+{}#graphql-v1.0.0:graphql", repo.file_url())]).fails(5, "mfp::git::moved-tag");
    assert_eq!(entry(&machine, "graphql"), was);

    ok(mfp(&machine, ["update", "graphql", "--accept-moved-tag", "graphql"]));
    assert!(entry(&machine, "graphql").contains(&repo.git(["rev-parse", "main"])));
    mfp(&machine, ["update", "--accept-moved-tag", "nothing"]).fails(1, "mfp::lock::not-locked");
}

#[test]
fn newer_tags_are_known_and_the_ref_is_shown() {
    needs!("git");
    let repo = several();
    let machine = project(&format!("graphql = {{ git = \"{}\", tag = \"graphql-v1.0.0\", subdir = \"graphql\" }}", repo.file_url()));
    ok(mfp(&machine, ["sync"]));
    repo.git(["tag", "graphql-v2.0.0-rc.1"]);
    repo.git(["tag", "other-v9.0.0"]);
    let outdated = ok(mfp(&machine, ["outdated", "--json"])).json();
    assert_eq!(
        outdated["outdated"],
        serde_json::json!([{ "name": "graphql", "current": "1.0.0", "compatible": "1.0.0", "latest": "1.1.0" }])
    );
    let commit = repo.git(["rev-parse", "graphql-v1.0.0"]);
    let shown = format!("graphql 1.0.0 ({}#graphql-v1.0.0:graphql at {})", repo.file_url(), &commit[..7]);
    for command in ["tree", "list"] {
        let shows = ok(mfp(&machine, [command]));
        assert!(shows.stdout.contains(&shown), "{}\n{shown}", shows.stdout);
    }
    let listed = ok(mfp(&machine, ["list", "--json"])).json();
    assert_eq!(
        (&listed["plugins"][0]["reference"], &listed["plugins"][0]["commit"]),
        (&"tag graphql-v1.0.0".into(), &commit.as_str().into())
    );
    let upgraded = ok(mfp(&machine, ["upgrade"]));
    assert!(
        upgraded.stderr.contains("Raised graphql: graphql-v1.0.0 → graphql-v1.1.0") && upgraded.stderr.contains("~ graphql 1.0.0 → 1.1.0"),
        "{}",
        upgraded.stderr
    );
    assert!(machine.read("mockforge-plugins.toml").contains("tag = \"graphql-v1.1.0\", subdir = \"graphql\""));
    ok(mfp(&machine, ["sync", "--locked"]));
    ok(mfp(&machine, ["upgrade", "graphql"]));
    assert!(entry(&machine, "graphql").contains("version = \"1.1.0\""), "a pre-release isn't gone to");
    ok(mfp(&machine, ["why", "graphql"]));
    ok(mfp(&machine, ["info", "graphql"]));
}

#[test]
fn the_lock_and_the_store_need_no_repository() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let machine = project(&format!("graphql = {{ git = \"{}\", tag = \"graphql-v1.0.0\", subdir = \"graphql\" }}", server.url("plugins")));
    mfp(&machine, ["lock", "--offline"]).fails(6, "mfp::network::offline");
    ok(mfp(&machine, ["sync"]));
    ok(mfp(&machine, ["vendor", "vendored"]));
    let asked = server.seen().len();

    // Another plugin of a repository that's here, of a ref that was seen, takes no server.
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    ok(mfp(&machine, ["sync", "--offline"]));
    // The store gone, the cached repository still has it.
    std::fs::remove_dir_all(machine.path("store")).unwrap();
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    ok(mfp(&machine, ["sync", "--offline"]));
    ok(mfp(&machine, ["verify"]));
    ok(mfp(&machine, ["update", "--offline"]));
    assert_eq!(server.seen().len(), asked, "no socket was opened");

    // Nothing but the lock and a vendored folder.
    let other = Machine::new();
    for file in ["mockforge-plugins.toml", "plugins.lock"] {
        other.write(file, machine.read(file));
    }
    mfp(&other, ["sync", "--offline"]).fails(6, "mfp::network::offline");
    ok(mfp(&other, ["sync", "--offline", "--vendor", &machine.project("vendored").display().to_string()]));
    assert_eq!(server.seen().len(), asked);
    assert_eq!(machine.read(".mockforge/plugins/graphql/plugin.yaml"), other.read(".mockforge/plugins/graphql/plugin.yaml"));
}

#[test]
fn two_plugins_of_one_repository_share_what_is_fetched() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let url = server.url("plugins");
    let machine = project(&format!(
        "graphql = {{ git = \"{url}\", branch = \"main\", subdir = \"graphql\" }}\nrest-mock = {{ git = \"{url}\", branch = \"main\", subdir = \"rest/mock\" }}"
    ));
    ok(mfp(&machine, ["sync"]));
    let commit = repo.git(["rev-parse", "HEAD"]);
    assert_eq!(server.count(&format!("want {commit}")), 1, "the commit and its trees come once");
    assert_eq!(std::fs::read_dir(machine.path("cache/git/v1")).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 1);
    ok(mfp(&machine, ["remove", "rest-mock"]));
    ok(mfp(&machine, ["cache", "clean"]));
    assert!(!machine.path("cache/git").exists());
}

#[test]
fn many_at_once_share_a_repository_and_none_is_in_anothers_way() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let shared = Machine::new();
    let machines: Vec<Machine> = (0..6)
        .map(|_| project(&format!("graphql = {{ git = \"{}\", branch = \"main\", subdir = \"graphql\" }}", server.url("plugins"))))
        .collect();
    std::thread::scope(|scope| {
        for machine in &machines {
            scope.spawn(|| {
                let mut sync = command(machine);
                sync.env("MFP_CACHE_DIR", shared.path("cache")).env("MFP_STORE_DIR", shared.path("store"));
                ok(machine.run(sync.arg("sync")));
            });
        }
    });
    assert!(machines.iter().all(|machine| machine.read("plugins.lock") == machines[0].read("plugins.lock")));
    assert_eq!(server.count(&format!("want {}", repo.git(["rev-parse", "HEAD"]))), 1, "one fetched, the others found it");
}

/// The names of the pack files below a folder. It's looked at while another process
/// writes there, so what goes away between two looks is no error.
fn packs_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut packs = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            packs.extend(packs_below(&path));
        } else if folder.ends_with("pack") {
            packs.push(path);
        }
    }
    packs
}

#[test]
fn what_a_killed_fetch_left_is_swept() {
    needs!("git");
    let repo = several();
    let stalling = GitServer::with(repo.parent(), Manner { stall_pack_after: Some(700), ..Manner::default() });
    let machine = project(&format!("graphql = {{ git = \"{}\", subdir = \"graphql\" }}", stalling.url("plugins")));
    let mut child = command(&machine).arg("lock").stderr(std::process::Stdio::null()).spawn().unwrap();
    let packs = || packs_below(&machine.path("cache/git"));
    let begun = std::time::Instant::now();
    while packs().is_empty() && begun.elapsed() < std::time::Duration::from_secs(30) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!packs().is_empty(), "it was killed while it wrote a pack");
    let left = packs();
    // The same address again, and this time it answers.
    let url = stalling.url("plugins");
    let answering = GitServer::over(repo.parent());
    std::fs::write(machine.path("home/.gitconfig"), format!("[url \"{}\"]\n\tinsteadOf = {url}\n", answering.url("plugins"))).unwrap();
    ok(mfp(&machine, ["sync"]));
    assert!(packs().iter().all(|name| !left.contains(name)), "{:?}", packs());
}

#[test]
fn a_plugin_of_a_repository_brings_what_it_depends_on_from_the_registry() {
    needs!("git");
    let registry = Registry::shop();
    let repo = Repo::of(&Plugin::new("site", "1.0.0").needs("words", "^1"));
    let machine = Machine::with_manifest(&registry, &format!("[plugins]\nsite = {{ git = \"{}\", tag = \"v1.0.0\" }}\n", repo.file_url()));
    let synced = ok(mfp(&machine, ["sync"]));
    assert!(synced.stderr.contains("+ site 1.0.0") && synced.stderr.contains("+ words 1.1.0"), "{}", synced.stderr);
    let ran = ok(mfp(&machine, ["run", "site", "echo", "[1]"]));
    assert!(ran.stdout.contains('1'), "{}", ran.all());
}

/// Between two looks the tag could move, and nobody would notice.
#[test]
fn a_tag_is_looked_at_once() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let url = server.url("plugins");
    let machine = project(&format!("graphql = {{ git = \"{url}\", tag = \"graphql-v1.1.0\", subdir = \"graphql\" }}"));
    ok(mfp(&machine, ["lock"]));
    for arguments in [&["update"][..], &["lock", "--upgrade"]] {
        let before = server.count("command=ls-refs");
        ok(mfp(&machine, arguments.iter().copied()));
        assert_eq!(server.count("command=ls-refs") - before, 1, "{arguments:?}");
    }
}
