//! What's taken of a tree: the package set, from the object database; submodules when asked for; nothing that isn't a file.

use super::*;

fn sync(repo: &Repo, more: &str) -> (Machine, Run) {
    let machine = project(&format!("x = {{ git = \"{}\"{more} }}", repo.file_url()));
    let run = mfp(&machine, ["sync"]);
    (machine, run)
}

#[test]
fn no_hook_filter_or_attribute_of_a_repository_runs() {
    needs!("git");
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    let canary = repo.parent().join("canary");
    for hook in ["post-checkout", "post-upload-pack", "pre-receive", "reference-transaction"] {
        repo.write(&format!(".git/hooks/{hook}"), format!("#!/bin/sh\ntouch {}\n", canary.display()));
        run(Command::new("chmod").arg("755").arg(repo.path().join(format!(".git/hooks/{hook}"))));
    }
    repo.git(["config", "filter.evil.smudge", &format!("touch {}", canary.display())]);
    repo.git(["config", "filter.evil.clean", "cat"]);
    repo.git(["config", "core.fsmonitor", &format!("touch {}", canary.display())]);
    repo.git(["config", "uploadpack.packObjectsHook", &format!("touch {}", canary.display())]);
    let (machine, run) = sync(&repo, "");
    ok(run);
    assert!(!canary.exists() && machine.has(".mockforge/plugins/x/plugin.wasm"));
}

#[test]
fn links_and_pointers_are_refused_where_they_belong_to_the_plugin() {
    needs!("git");
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join("link")).unwrap();
    repo.commit("a link");
    let (machine, run) = sync(&repo, ", branch = \"main\"");
    run.fails(4, "mfp::git::tree");
    assert!(!machine.has("plugins.lock"));

    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    repo.write("plugin.wasm", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n");
    repo.commit("a pointer");
    let (_, run) = sync(&repo, "");
    run.fails(4, "mfp::git::lfs");
    assert!(run.stderr.contains("git lfs untrack"), "{}", run.stderr);

    // What doesn't belong to the plugin may be anything.
    let repo = Repo::new("x");
    repo.put("", &Plugin::new("x", "1.0.0"));
    let yaml = repo.path().join("plugin.yaml");
    std::fs::write(&yaml, std::fs::read_to_string(&yaml).unwrap().replace("include: [\"**\"]", "include: []")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join("link")).unwrap();
    repo.write("aux.c", "");
    repo.commit("first");
    ok(sync(&repo, "").1);
}

/// A repository whose plugin includes `assets/**`, and where `assets/lib` is a submodule at this address.
fn with_submodule(address: &str, library: &std::path::Path) -> Repo {
    let repo = Repo::new("x");
    let plugin = Plugin::new("x", "1.0.0");
    repo.put("", &plugin);
    let yaml = repo.path().join("plugin.yaml");
    std::fs::write(&yaml, std::fs::read_to_string(&yaml).unwrap().replace("include: [\"**\"]", "include: [\"assets/**\"]")).unwrap();
    repo.write(".gitmodules", format!("[submodule \"lib\"]\n\tpath = assets/lib\n\turl = {address}\n"));
    repo.git(["add", "--all"]);
    let commit = run(git(library).args(["rev-parse", "HEAD"]));
    repo.git(["update-index", "--add", "--cacheinfo", &format!("160000,{commit},assets/lib")]);
    repo.git(["commit", "--quiet", "--message", "first"]);
    repo
}

fn library(repo: &Repo, name: &str) -> std::path::PathBuf {
    let path = repo.neighbour(name);
    std::fs::write(path.join("data.json"), "{\"from\":\"the library\"}\n").unwrap();
    run(git(&path).args(["add", "--all"]));
    run(git(&path).args(["commit", "--quiet", "--message", "library"]));
    path
}

#[test]
fn submodules_count_when_they_are_asked_for_and_near() {
    needs!("git");
    let shelf = Repo::new("shelf");
    let lib = library(&shelf, "lib");
    let repo = with_submodule("../lib", &lib);
    std::fs::rename(repo.path(), shelf.parent().join("x")).unwrap();
    let server = GitServer::over(shelf.parent());
    for url in [server.url("x"), format!("file://{}", shelf.parent().join("x").display())] {
        let machine = project(&format!("x = {{ git = \"{url}\" }}"));
        let refused = mfp(&machine, ["sync"]);
        refused.fails(1, "mfp::git::submodule");
        assert!(refused.stderr.contains("submodules = true") && refused.stderr.contains("assets/lib"), "{}", refused.stderr);
        assert!(!machine.has("plugins.lock"));

        let machine = project(&format!("x = {{ git = \"{url}\", submodules = true }}"));
        ok(mfp(&machine, ["sync"]));
        assert_eq!(machine.read(".mockforge/plugins/x/assets/lib/data.json"), "{\"from\":\"the library\"}\n");
        assert!(entry(&machine, "x").contains("submodules = true"));
        // It's pinned by the commit of the repository that it stands in: what it does afterwards doesn't matter.
        std::fs::write(lib.join("data.json"), &url).unwrap();
        run(git(&lib).args(["commit", "--quiet", "--all", "--message", "changed"]));
        std::fs::remove_dir_all(machine.path("store")).unwrap();
        std::fs::remove_dir_all(machine.path("cache")).unwrap();
        std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
        ok(mfp(&machine, ["sync", "--locked"]));
        assert_eq!(machine.read(".mockforge/plugins/x/assets/lib/data.json"), "{\"from\":\"the library\"}\n");
    }
    let machine = project("");
    ok(mfp(&machine, ["add", &format!("git+{}", server.url("x")), "--submodules"]));
    assert!(machine.read("mockforge-plugins.toml").contains("submodules = true"));
}

#[test]
fn a_submodule_on_another_host_or_nowhere_is_not_followed() {
    needs!("git");
    let shelf = Repo::new("shelf");
    let lib = library(&shelf, "lib");
    for address in
        ["https://elsewhere.example/lib", "ext::sh -c touch%20canary", "../../../../../../../../x", "file:///etc", "--upload-pack=x"]
    {
        let repo = with_submodule(address, &lib);
        let server = GitServer::over(repo.parent());
        let machine = project(&format!("x = {{ git = \"{}\", submodules = true }}", server.url("x")));
        let run = mfp(&machine, ["sync"]);
        assert!(run.code == 1 && run.error_code().starts_with("mfp::git::"), "{address}: {}", run.all());
        assert!(!machine.has("plugins.lock"));
    }
}

#[test]
fn a_submodule_is_not_followed_from_https_to_http() {
    needs!("git");
    for (scheme, is_followed) in [("https", true), ("http", false)] {
        let shelf = Repo::new("shelf");
        let lib = library(&shelf, "lib");
        let repo = with_submodule(&format!("{scheme}://git.acme.example/lib"), &lib);
        std::fs::rename(repo.path(), shelf.parent().join("x")).unwrap();
        let server = GitServer::over(shelf.parent());
        let machine = project("x = { git = \"https://git.acme.example/x\", submodules = true }");
        let rules = "\tinsteadOf = https://git.acme.example/\n\tinsteadOf = http://git.acme.example/\n";
        std::fs::write(machine.path("home/.gitconfig"), format!("[url \"{}\"]\n{rules}", server.url(""))).unwrap();
        let run = mfp(&machine, ["sync"]);
        assert_eq!(run.code == 0, is_followed, "{scheme}: {}", run.all());
        assert!(is_followed || run.error_code() == "mfp::git::submodule", "{}", run.all());
        assert_eq!(server.count("/lib/") > 0, is_followed, "{scheme}");
    }
}

#[test]
fn a_plugin_that_reaches_into_no_submodule_needs_none() {
    needs!("git");
    let shelf = Repo::new("shelf");
    let lib = library(&shelf, "lib");
    let repo = with_submodule("https://elsewhere.example/lib", &lib);
    let yaml = repo.path().join("plugin.yaml");
    std::fs::write(&yaml, std::fs::read_to_string(&yaml).unwrap().replace("assets/**", "docs/**")).unwrap();
    repo.git(["add", "plugin.yaml"]);
    repo.git(["commit", "--quiet", "--message", "no assets"]);
    ok(sync(&repo, "").1);
}

#[test]
fn a_repository_of_the_other_digest_is_refused_clearly() {
    needs!("git");
    let repo = Repo::with_format("x", "sha256");
    repo.put("", &Plugin::new("x", "1.0.0"));
    repo.commit("first");
    let (_, run) = sync(&repo, "");
    run.fails(1, "mfp::git::sha256");
    let server = GitServer::over(repo.parent());
    let machine = project(&format!("x = {{ git = \"{}\" }}", server.url("x")));
    mfp(&machine, ["sync"]).fails(1, "mfp::git::sha256");
}

#[test]
fn a_tree_that_git_would_not_write_is_refused() {
    needs!("git");
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    let blob = repo.git(["rev-parse", "HEAD:README.md"]);
    let tree = repo.git(["ls-tree", "HEAD"]);
    for name in ["..", ".", "a/b"] {
        let raw = raw_tree(&tree, name, &blob);
        let made = make_object(&repo, "tree", &raw);
        let commit = repo.git(["commit-tree", &made, "-m", "malformed"]);
        repo.git(["update-ref", "refs/heads/evil", &commit]);
        let (machine, run) = sync(&repo, ", branch = \"evil\"");
        assert!(run.code == 4 || run.code == 6, "{name}: {}", run.all());
        assert!(!machine.has("plugins.lock") && !machine.has(".mockforge/plugins/x"));
    }
}

/// The bytes of a tree like this one with one more entry of any name.
fn raw_tree(listing: &str, name: &str, blob: &str) -> Vec<u8> {
    let bytes_of = |hex: &str| (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect::<Vec<u8>>();
    let mut entries = vec![("100644".to_owned(), name.to_owned(), bytes_of(blob))];
    for line in listing.lines() {
        let (head, name) = line.split_once('\t').unwrap();
        let words: Vec<&str> = head.split(' ').collect();
        entries.push((words[0].to_owned(), name.to_owned(), bytes_of(words[2])));
    }
    entries.sort_by(|a, b| a.1.cmp(&b.1));
    entries.into_iter().flat_map(|(mode, name, id)| [format!("{mode} {name}\0").into_bytes(), id].concat()).collect()
}

fn make_object(repo: &Repo, kind: &str, bytes: &[u8]) -> String {
    use std::io::Write as _;
    let mut child = git(&repo.path())
        .args(["hash-object", "--literally", "-w", "--stdin", "-t", kind])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}
