//! `mfp verify`, `mfp vendor`, `mfp cache`: the bytes on this disk.

use std::path::PathBuf;

use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry};

fn project() -> (Registry, Machine) {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["sync", "--link-mode", "copy"]);
    (registry, machine)
}

/// The stored files that hold a plugin's module.
fn stored(machine: &Machine, bytes: &[u8]) -> Vec<PathBuf> {
    let store = machine.path("store");
    let all = tree(&store);
    all.iter().filter(|(_, found)| found.as_slice() == bytes).map(|(path, _)| store.join(path)).collect()
}

fn overwrite(path: &std::path::Path, bytes: &[u8]) {
    std::fs::remove_file(path).expect("it's there");
    std::fs::write(path, bytes).expect("a file can be written");
}

fn readme(name: &str) -> Vec<u8> {
    Plugin::new(name, "1.0.0").files().into_iter().find(|(path, _)| path == "README.md").expect("every plugin has one").1
}

#[test]
fn everything_is_as_it_should_be() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["verify", "--offline"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Verified 2 plugins
    ");
    insta::assert_snapshot!(machine.mfp(["verify", "words"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Verified 1 plugin
    ");
    machine.mfp(["verify", "wrods"]).fails(1, "mfp::lock::not-locked");
}

#[test]
fn a_laid_out_file_that_was_changed() {
    let (_registry, machine) = project();
    machine.write(".mockforge/plugins/greet/README.md", "# changed\n");
    machine.write(".mockforge/plugins/greet/extra.txt", "x");
    std::fs::remove_file(machine.project(".mockforge/plugins/words/plugin.wasm")).unwrap();
    insta::assert_snapshot!(machine.mfp(["verify"]).all(), @"
    exit 4
    --- stdout
    --- stderr
    Verified 2 plugins
    error[mfp::verify::failed]: not everything is what plugins.lock says
      • greet: `README.md` in the plugin folder was changed
      • greet: `extra.txt` in the plugin folder isn't the plugin's
      • words: `plugin.wasm` in the plugin folder is missing
    help: `mfp verify --fix` fetches what's damaged again
    ");
    insta::assert_snapshot!(machine.mfp(["verify", "--fix"]).all(), @"
    exit 8
    --- stdout
    --- stderr
    error[mfp::layout::foreign]: `[ROOT]/project/.mockforge/plugins/greet/extra.txt` wasn't made by mfp (it's in the folder of a plugin that would be replaced), so it's left alone
    help: move it away or delete it, then run the command again
    ");
    assert_eq!(machine.read(".mockforge/plugins/greet/extra.txt"), "x");
    std::fs::remove_file(machine.project(".mockforge/plugins/greet/extra.txt")).unwrap();
    insta::assert_snapshot!(machine.mfp(["verify", "--fix"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Installed 2 plugins in [TIME]
     ~ greet 1.1.0 again
     ~ words 1.1.0 again
    Verified 2 plugins
    ");
    assert!(machine.read(".mockforge/plugins/greet/README.md").starts_with("# greet"));
    machine.ok(["verify"]);
}

#[test]
fn a_store_that_was_damaged() {
    let (registry, machine) = project();
    let files = stored(&machine, &readme("words"));
    assert_eq!(files.len(), 1, "{files:?}");
    overwrite(&files[0], b"# hello\n");
    let run = machine.mfp(["verify", "--offline"]);
    run.fails(4, "mfp::verify::failed");
    assert!(run.stderr.contains("• words: "), "{}", run.stderr);
    let fixed = machine.ok(["verify", "--fix"]);
    let place = fixed.stderr.lines().find_map(|line| line.strip_prefix("What was damaged is in [ROOT]/")?.strip_suffix(" now"));
    let quarantined = machine.path(place.unwrap_or_else(|| panic!("{}", fixed.stderr)));
    assert_eq!(std::fs::read(quarantined.join("files/README.md")).unwrap(), b"# hello\n");
    machine.ok(["verify"]);
    overwrite(&files[0], b"# hello\n");
    machine.mfp(["cache", "verify"]).fails(4, "mfp::store::damaged");
    insta::assert_snapshot!(machine.mfp(["verify", "--fix"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Fetched 1 plugin in [TIME] (579 B)
    Checked 2 plugins in [TIME]
    Verified 2 plugins
    ");
    drop(registry);
}

#[test]
fn damage_that_cant_be_mended_leaves_everything_as_it_was() {
    let (registry, machine) = project();
    overwrite(&stored(&machine, &readme("words"))[0], b"# hello\n");
    overwrite(&stored(&machine, &readme("greet"))[0], b"# hello\n");
    machine.write(".mockforge/plugins/greet/README.md", "# changed\n");
    let before = (tree(&machine.path("store/v1/content")), tree(&machine.project(".mockforge/plugins")), machine.files());
    // Of two that are damaged one can be had: neither is replaced.
    std::fs::remove_dir_all(registry.folder().join("dl/words")).unwrap();
    let run = machine.mfp(["verify", "--fix"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert!(
        run.stderr.contains("damaged and not mended: greet, words; the store and the plugin folder are as they were"),
        "{}",
        run.stderr
    );
    assert_eq!((tree(&machine.path("store/v1/content")), tree(&machine.project(".mockforge/plugins")), machine.files()), before);
    // What comes in its place is verified first.
    registry
        .put("dl/words/1.1.0/words-1.1.0.tar.gz", &Plugin::new("words", "1.1.0").with(|it| it.more_yaml = "# evil\n".to_owned()).archive());
    let run = machine.mfp(["verify", "--fix"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert_eq!((tree(&machine.path("store/v1/content")), tree(&machine.project(".mockforge/plugins")), machine.files()), before);
    assert!(!machine.path("store/v1/quarantine").exists());
    registry.put("dl/words/1.1.0/words-1.1.0.tar.gz", &Plugin::new("words", "1.1.0").archive());
    machine.ok(["verify", "--fix"]);
    machine.ok(["verify"]);
}

#[test]
fn a_file_edited_through_a_hard_link_is_seen_on_both_sides() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["sync", "--link-mode", "hardlink"]);
    let laid_out = machine.project(".mockforge/plugins/greet/README.md");
    // In place, as an editor of root does: the store has the same file.
    let mut permissions = std::fs::metadata(&laid_out).unwrap().permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a file of the test's own")]
    permissions.set_readonly(false);
    std::fs::set_permissions(&laid_out, permissions).unwrap();
    std::fs::write(&laid_out, "# greet\n\nIt ECHOES.\n").unwrap();
    insta::assert_snapshot!(machine.mfp(["verify"]).all(), @"
    exit 4
    --- stdout
    --- stderr
    Verified 2 plugins
    error[mfp::verify::failed]: not everything is what plugins.lock says
      • greet: the store's copy of blake3:74aac3ef33faa5bdb5bb9220c4a3007806c99e0eeab5e0de2feb9972eaf3c8e9 is damaged: `README.md` has the BLAKE3 f19352a191ba8aaccc80bda56166b4b464a6c7659e2dacba3b5fc067878a989e, and it should be 82bd7b480d491e6912a3c8a767925a9ac609720b4fba8a84c351676c1bf43992
      • greet: `README.md` in the plugin folder was changed
    help: `mfp verify --fix` fetches what's damaged again
    ");
    machine.ok(["verify", "--fix"]);
    assert!(machine.read(".mockforge/plugins/greet/README.md").contains("It echoes."));
    machine.ok(["verify", "--offline"]);
}

#[test]
fn a_vendored_copy_mends_the_store_without_a_network_and_is_verified_itself() {
    let (registry, machine) = project();
    machine.ok(["vendor", "vendored"]);
    drop(registry);
    overwrite(&stored(&machine, &readme("words"))[0], b"# hello\n");
    machine.ok(["verify", "--fix", "--offline", "--vendor", "vendored"]);
    machine.ok(["verify", "--vendor", "vendored"]);
    let copy = tree(&machine.project("vendored")).into_iter().find(|(_, bytes)| *bytes == readme("words")).unwrap().0;
    machine.write(&format!("vendored/{copy}"), "# hello\n");
    let run = machine.mfp(["verify", "--offline", "--vendor", "vendored"]);
    run.fails(4, "mfp::verify::failed");
    assert!(run.stderr.contains("• words: its vendored copy: the package's content should be blake3:"), "{}", run.stderr);
    machine.ok(["verify", "greet", "--offline", "--vendor", "vendored"]);
    std::fs::remove_file(machine.project(&format!("vendored/{copy}"))).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", machine.project(&format!("vendored/{copy}"))).unwrap();
    machine.mfp(["verify", "--offline", "--vendor", "vendored"]).fails(4, "mfp::verify::failed");
}

#[test]
fn a_plugin_folder_that_isnt_what_is_locked() {
    let (_registry, machine) = project();
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("greet = \"^1\"", "greet = \"=1.0.0\"\nhash = \"^0.3\""));
    machine.ok(["lock"]);
    let run = machine.mfp(["verify"]);
    // `hash` isn't in the store, which is worse than a folder that's behind.
    run.fails(4, "mfp::verify::failed");
    machine.ok(["sync"]);
    machine.write("mockforge-plugins.toml", manifest.replace("greet = \"^1\"", "hash = \"^0.3\""));
    machine.ok(["lock"]);
    let run = machine.mfp(["verify", "--json"]);
    assert_eq!(run.code, 1, "{}", run.all());
    let names: Vec<_> = run.json()["problems"].as_array().unwrap().iter().map(|one| (one["code"].clone(), one["name"].clone())).collect();
    assert_eq!(names, [("mfp::layout::out-of-date".into(), "greet".into()), ("mfp::layout::out-of-date".into(), "words".into())]);
}

#[test]
fn what_cant_be_known_offline_is_said_with_its_age() {
    let registry = Registry::shop();
    let server = crate::support::Server::over(registry.folder());
    let machine = Machine::new();
    let manifest = format!("[registries]\ndefault = {{ url = \"{}\", allow-http = true }}\n\n[plugins]\nhash = \"^0.3\"\n", server.url());
    machine.write("mockforge-plugins.toml", manifest);
    machine.ok(["sync"]);
    let asked = server.requests().len();
    let said = machine.ok(["verify"]).stderr;
    assert!(said.contains("newer yanks, revocations and advisories aren't known (default last answered less than a minute ago)"), "{said}");
    let document = machine.ok(["verify", "--json"]).json();
    assert!(document["as_of"][0]["last_answer"].as_str().is_some_and(|time| time.starts_with("20")), "{document}");
    assert!(document["as_of"][0]["last_advisories"].as_str().is_some_and(|time| time.starts_with("20")), "{document}");
    // Advisories are a document of their own, and may be older than the rest, or never asked for.
    std::fs::remove_dir_all(machine.path("cache/advisories")).unwrap();
    let said = machine.ok(["verify"]).stderr;
    assert!(said.contains("(default last answered less than a minute ago, and wasn't asked for advisories)"), "{said}");
    std::fs::remove_dir_all(machine.path("cache")).unwrap();
    let said = machine.ok(["verify"]).stderr;
    assert!(said.contains("(default was never asked from this machine)"), "{said}");
    assert_eq!(server.requests().len(), asked, "verify asks nobody");
}

#[test]
fn a_store_that_cant_be_written_can_be_verified() {
    let (_registry, machine) = project();
    // Nothing is written to it: no lock file, no folder comes or goes.
    std::fs::remove_dir_all(machine.path("store/v1/claims")).unwrap();
    std::fs::remove_dir_all(machine.path("store/v1/staging")).unwrap();
    std::fs::remove_file(machine.path("store/v1/lock")).unwrap();
    let before = tree(&machine.path("store"));
    machine.ok(["verify"]);
    assert_eq!(tree(&machine.path("store")), before);
    assert!(!machine.path("store/v1/staging").exists());
}

#[test]
fn a_damaged_plugin_does_not_run() {
    let (_registry, machine) = project();
    for file in stored(&machine, &Plugin::new("greet", "1.1.0").wasm) {
        overwrite(&file, &wat::parse_str("(module)").unwrap());
    }
    let run = machine.mfp(["run", "greet", "hello"]);
    assert_eq!(run.code, 4, "{}", run.all());
    assert_eq!(run.stdout, "");
}

#[test]
fn a_lock_that_is_out_of_date() {
    let (_registry, machine) = project();
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("^1", "^2"));
    insta::assert_snapshot!(machine.mfp(["verify"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    Verified 2 plugins
    error[mfp::lock::stale]: plugins.lock is out of date
      • greet: the manifest wants `^2` (line 5), the lock was made for `^1`
    help: run `mfp lock`
    ");
}

#[test]
fn a_vendored_folder_is_all_that_a_bare_machine_needs() {
    let (registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["vendor", "vendored"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Vendored 2 plugins in [ROOT]/project/vendored (2 new, 0 removed)
    ");
    insta::assert_snapshot!(machine.mfp(["vendor", "vendored"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Vendored 2 plugins in [ROOT]/project/vendored (0 new, 0 removed)
    ");
    assert_eq!(machine.read("vendored/.gitattributes"), "* -text\n");
    drop(registry);

    let bare = Machine::new();
    for file in ["mockforge-plugins.toml", "plugins.lock"] {
        bare.write(file, machine.read(file));
    }
    for (path, bytes) in tree(&machine.project("vendored")) {
        bare.write(&format!("vendored/{path}"), bytes);
    }
    let run = bare.mfp(["sync", "--offline", "--locked", "--vendor", "vendored"]);
    insta::assert_snapshot!(run.all(), @"
    exit 0
    --- stdout
    --- stderr
    Installed 2 plugins in [TIME]
     + greet 1.1.0
     + words 1.1.0
    ");
    assert_eq!(bare.mfp(["run", "greet", "hi", "--offline", "--vendor", "vendored"]).code, 0);
}

#[test]
fn a_vendored_folder_that_was_tampered_with() {
    let (_registry, machine) = project();
    machine.ok(["vendor", "vendored"]);
    for (path, bytes) in tree(&machine.project("vendored")) {
        if bytes == readme("greet") {
            machine.write(&format!("vendored/{path}"), "# evil\n");
        }
    }
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("[project]\nvendor = \"vendored\"\n\n{manifest}"));
    machine.ok(["cache", "clean"]);
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    let run = machine.mfp(["sync", "--offline"]);
    run.fails(4, "mfp::integrity::content");
    insta::assert_snapshot!(run.stderr.replace(&machine.read("plugins.lock"), ""), @"
    error[mfp::integrity::content]: greet: the package's content should be blake3:74aac3ef33faa5bdb5bb9220c4a3007806c99e0eeab5e0de2feb9972eaf3c8e9, and it is blake3:0a133481dbb3a8b302c6b4d0a8c5c7df6e56739bc66ced51f976567888485961
    help: nothing was kept; if it stays like this, tell the plugin's publisher
    ");
}

#[test]
fn a_vendored_folder_that_isnt_there() {
    let (_registry, machine) = project();
    machine.ok(["cache", "clean"]);
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    insta::assert_snapshot!(machine.mfp(["sync", "--offline", "--vendor", "nowhere"]).all(), @"
    exit 8
    --- stdout
    --- stderr
    error[mfp::io::not-found]: can't read `[ROOT]/project/nowhere/vendor.json`: there's no such file or folder
    help: `mfp vendor DIR` makes a vendored folder
    ");
}

#[test]
fn without_a_network_and_without_the_bytes() {
    let registry = Registry::shop();
    let server = crate::support::Server::over(registry.folder());
    let machine = Machine::new();
    machine.write(
        "mockforge-plugins.toml",
        format!("[registries]\ndefault = {{ url = \"{}\", allow-http = true }}\n\n[plugins]\nhash = \"^0.3\"\n", server.url()),
    );
    let asked = server.requests().len();
    let run = machine.mfp(["sync", "--offline"]);
    run.fails(6, "mfp::network::offline");
    assert_eq!(server.requests().len(), asked);
    machine.ok(["lock"]);
    let asked = server.requests().len();
    machine.mfp(["sync", "--offline"]).fails(6, "mfp::network::offline");
    assert_eq!(server.requests().len(), asked);
    machine.ok(["sync"]);
    let asked = server.requests().len();
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    machine.ok(["sync", "--offline"]);
    machine.ok(["verify"]);
    machine.ok(["run", "hash", "sum"]);
    assert_eq!(server.requests().len(), asked);
}

#[test]
fn the_caches_housekeeping() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["cache", "dir"]).all(), @"
    exit 0
    --- stdout
    store [ROOT]/store
    cache [ROOT]/cache
    --- stderr
    ");
    let size = machine.ok(["cache", "size"]).stdout;
    assert!(size.contains("2 plugins"), "{size}");
    insta::assert_snapshot!(machine.mfp(["cache", "verify"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Verified 2 plugins
    ");
    insta::assert_snapshot!(machine.mfp(["cache", "prune"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Removed 0 plugins (0 B)
    ");
    machine.ok(["remove", "greet"]);
    let pruned = machine.ok(["cache", "prune"]).stderr;
    assert!(pruned.starts_with("Removed 2 plugins ("), "{pruned}");
    machine.ok(["add", "hash"]);
    let cleaned = machine.ok(["cache", "clean"]).stderr;
    assert!(cleaned.starts_with("Removed 1 plugin ("), "{cleaned}");
    machine.ok(["sync"]);
    machine.ok(["run", "hash", "sum"]);
}
