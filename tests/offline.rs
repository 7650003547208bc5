//! Offline means offline: manifest, lock, and a store or a vendored folder are all that's needed, and give the same bytes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry, Server};

fn registry() -> Registry {
    Registry::with([
        Plugin::new("app", "1.0.0").needs("lib", "^1").with(|plugin| plugin.more_files.push(("data/äö.txt".to_owned(), "ü\r\n".into()))),
        Plugin::new("lib", "1.2.0"),
        Plugin::new("asking", "1.0.0").asks_http("api.example"),
    ])
}

/// Everything that's laid out, but mfp's own record.
fn laid_out(machine: &Machine) -> BTreeMap<String, Vec<u8>> {
    tree(&machine.project(".mockforge/plugins")).into_iter().filter(|(path, _)| path != ".mfp.json").collect()
}

/// A project with plugins from a registry, from a URL and from a folder, synced and vendored.
fn vendored() -> (Server, Machine) {
    let registry = registry();
    registry.put("x/extra.tar.gz", &Plugin::new("extra", "2.0.0").archive());
    let server = Server::over(registry.folder());
    let here = crate::network::machine(&server.url(), "[plugins]\napp = \"^1\"\nmine = { path = \"mine\" }\n");
    Plugin::new("mine", "0.1.0").write_to(&here.project("mine"));
    here.ok(["add", &format!("{}x/extra.tar.gz", server.url())]);
    here.ok(["add", "asking", "--approve"]);
    here.ok(["vendor", "vendored"]);
    // Its files stay as long as the server does.
    std::mem::forget(registry);
    (server, here)
}

/// The second machine: what's in version control, and nothing else.
fn second(here: &Machine, with_vendor: bool) -> Machine {
    let there = Machine::new();
    for (path, bytes) in tree(&here.project("")) {
        if !path.starts_with(".mockforge/") && (with_vendor || !path.starts_with("vendored/")) {
            there.write(&path, bytes);
        }
    }
    there
}

#[test]
fn what_comes_from_a_vendored_folder_must_say_what_the_lock_says() {
    let (_server, here) = vendored();
    let lock = here.read("plugins.lock");
    for (what, edited) in [
        ("another type", lock.replacen("types = [\"template\"]", "types = [\"auth\"]", 1)),
        ("another licence", lock.replacen("license = \"MIT\"", "license = \"GPL-3.0-only\"", 1)),
    ] {
        assert_ne!(edited, lock, "{what}");
        let there = second(&here, true);
        there.write("plugins.lock", &edited);
        there.mfp(["sync", "--offline", "--vendor", "vendored", "--frozen"]).fails(4, "mfp::integrity::metadata");
        assert!(!there.has(".mockforge/plugins"), "{what}");
    }
}

#[test]
fn a_second_machine_has_the_same_bytes_from_the_vendored_folder_alone() {
    let (server, here) = vendored();
    let expected = laid_out(&here);
    assert!(
        expected.contains_key("extra/plugin.wasm") && expected.contains_key("mine/plugin.wasm") && expected.contains_key("lib/plugin.wasm")
    );
    let asked = server.connections();
    for arguments in [
        &["sync", "--offline", "--vendor", "vendored", "--locked"][..],
        &["sync", "--offline", "--vendor", "vendored", "--frozen"],
        &["sync", "--vendor", "vendored"],
    ] {
        let there = second(&here, true);
        let lock = there.read("plugins.lock");
        there.ok(arguments.iter().copied());
        assert_eq!(laid_out(&there), expected, "{arguments:?}");
        assert_eq!(there.read("plugins.lock"), lock);
        there.ok(["--offline", "verify"]);
        there.ok(["--offline", "run", "app", "say", "[1]"]);
    }
    assert_eq!(server.connections(), asked, "nobody was asked");
    drop(server);
    // The manifest can name the folder, and the network is gone for good.
    let there = second(&here, true);
    let manifest = there.read("mockforge-plugins.toml");
    there.write("mockforge-plugins.toml", format!("[project]\nvendor = \"vendored\"\n{manifest}"));
    there.ok(["sync"]);
    assert_eq!(laid_out(&there), expected);
}

#[test]
fn without_store_and_vendored_folder_offline_says_what_it_lacks() {
    let (server, here) = vendored();
    let there = second(&here, false);
    let asked = server.connections();
    let run = there.mfp(["sync", "--offline"]);
    run.fails(6, "mfp::network::offline");
    assert!(run.stderr.contains("--vendor"), "{}", run.stderr);
    assert_eq!(server.connections(), asked);
    assert!(!there.has(".mockforge/plugins/app"));
}

/// Something that's done to a vendored module.
type Lie = fn(&Path);

#[test]
fn a_vendored_folder_cant_lie() {
    let (server, here) = vendored();
    drop(server);
    let modules: Vec<String> = tree(&here.project("vendored")).into_keys().filter(|path| path.ends_with("plugin.wasm")).collect();
    assert!(modules.len() >= 3);
    let lies: [(&str, Lie); 4] = [
        ("other bytes", |file| std::fs::write(file, crate::hostile::speaker("evil")).expect("it can be written")),
        ("no file", |file| std::fs::remove_file(file).expect("it's ours")),
        ("one more file", |file| std::fs::write(file.with_file_name("more.txt"), "more").expect("it can be written")),
        ("a link", |file| {
            std::fs::remove_file(file).expect("it's ours");
            #[cfg(unix)]
            std::os::unix::fs::symlink("/etc/hostname", file).expect("a link can be made");
        }),
    ];
    for (what, lie) in lies {
        let there = second(&here, true);
        for module in &modules {
            lie(&there.project("vendored").join(module));
        }
        let run = there.mfp(["sync", "--offline", "--vendor", "vendored"]);
        assert_eq!(run.code, 4, "{what}: {}", run.all());
        assert!(!there.has(".mockforge/plugins/app") && !there.has(".mockforge/plugins/extra"), "{what}");
    }
}

#[test]
fn vendoring_again_changes_nothing_and_leaves_what_isnt_its_own() {
    let (_server, here) = vendored();
    let before = tree(&here.project("vendored"));
    here.ok(["vendor", "vendored"]);
    assert_eq!(tree(&here.project("vendored")), before);
    here.write("other/mine.txt", "mine");
    let _ = here.mfp(["vendor", "other"]);
    assert_eq!(here.read("other/mine.txt"), "mine");
}

/// Make everything below a folder read-only; or, for the end of the test, writable again.
#[cfg(unix)]
fn set_writable(folder: &Path, writable: bool) {
    use std::os::unix::fs::PermissionsExt;
    let mode = |is_folder: bool| match (is_folder, writable) {
        (true, true) => 0o755,
        (true, false) => 0o555,
        (false, true) => 0o644,
        (false, false) => 0o444,
    };
    let set = |path: &Path, is_folder| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode(is_folder))).expect("it's ours");
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        set(&next, true);
        for entry in std::fs::read_dir(&next).expect("it can be listed").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                set(&entry.path(), false);
            }
        }
        set(&next, true);
    }
}

/// Where permissions don't bind (root), a store that's marked read-only is written to like any other; then only the bytes can be
/// compared. Where they bind, it's really read-only.
#[cfg(unix)]
#[test]
fn a_read_only_store_is_enough_for_what_it_holds() {
    let registry = registry();
    let here = Machine::with_manifest(&registry, "[plugins]\napp = \"^1\"\n");
    here.ok(["sync", "--link-mode", "copy"]);
    let expected = laid_out(&here);
    let store = here.path("store");
    set_writable(&store, false);
    let binds = std::fs::write(store.join("probe"), "").is_err();
    let _ = std::fs::remove_file(store.join("probe"));
    let content = tree(&store.join("v1/content"));

    let there = second(&here, false);
    let with_store = |arguments: &[&str]| there.run(there.command().args(arguments).env("MFP_STORE_DIR", &store));
    for arguments in [
        &["sync", "--offline", "--link-mode", "copy"][..],
        &["sync", "--offline"],
        &["verify"],
        &["run", "app", "say", "[1]"],
        &["run", "app", "say", "[1]", "--frozen"],
    ] {
        let run = with_store(arguments);
        assert_eq!(run.code, 0, "{arguments:?}, permissions bind: {binds}: {}", run.all());
    }
    assert_eq!(laid_out(&there), expected);
    assert_eq!(tree(&store.join("v1/content")), content);
    // What it doesn't hold can't be brought into it.
    let run = with_store(&["add", "asking", "--approve"]);
    assert!(!binds || (run.code == 8 && run.error_code() != "none"), "{}", run.all());
    set_writable(&store, true);
}
