//! Files that were changed behind mfp's back never run, and files that aren't mfp's are never touched.

use std::path::Path;

use super::{registry, speaker};
use crate::network::{nothing_kept, sha256};
use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry, Server};

/// A synced project with one plugin that says `good`.
fn synced(link_mode: &str) -> (Registry, Machine) {
    let registry = Registry::with([Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = speaker("good"))]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
    machine.ok(["sync", "--link-mode", link_mode]);
    assert_eq!(machine.ok(["run", "auth-jwt", "say", "[]"]).json(), "good");
    (registry, machine)
}

/// The store's copy of the module.
fn stored_module(machine: &Machine) -> std::path::PathBuf {
    let store = machine.path("store/v1/content");
    let file = tree(&store).into_keys().find(|path| path.ends_with("files/plugin.wasm")).expect("it's stored");
    store.join(file)
}

#[cfg(unix)]
fn overwrite(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("it's ours");
    std::fs::write(path, bytes).expect("it can be written");
}

/// It runs the good bytes, or nothing.
#[track_caller]
fn never_evil(machine: &Machine, what: &str) {
    for arguments in [&["run", "auth-jwt", "say", "[]"][..], &["run", "auth-jwt", "say", "[]", "--frozen", "--offline"]] {
        let run = machine.mfp(arguments.iter().copied());
        assert!(!run.stdout.contains("evil"), "{what}: new bytes ran: {}", run.all());
        if run.code == 0 {
            assert_eq!(run.json(), "good", "{what}");
        } else {
            assert!(run.code == 4 && run.error_code() != "none", "{what}: {}", run.all());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_changed_store_never_runs_new_bytes() {
    type Tamper = fn(&Path);
    let tampers: [(&str, Tamper); 6] = [
        ("one bit", |file| {
            let mut bytes = std::fs::read(file).expect("it's there");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            overwrite(file, &bytes);
        }),
        ("another module", |file| overwrite(file, &speaker("evil"))),
        ("another module of the same size", |file| {
            let (evil, good) = (speaker("evil"), std::fs::read(file).expect("it's there"));
            assert_eq!(evil.len(), good.len());
            let modified = std::fs::metadata(file).and_then(|metadata| metadata.modified()).expect("it has a time");
            overwrite(file, &evil);
            // The time tells nothing either.
            std::fs::File::options().append(true).open(file).and_then(|file| file.set_modified(modified)).expect("it's ours");
        }),
        ("a link to another module", |file| {
            let evil = file.with_file_name("../evil.wasm");
            std::fs::write(&evil, speaker("evil")).expect("it can be written");
            std::fs::remove_file(file).expect("it's ours");
            std::os::unix::fs::symlink(evil, file).expect("a link can be made");
        }),
        ("nothing", |file| std::fs::remove_file(file).expect("it's ours")),
        ("a folder", |file| {
            std::fs::remove_file(file).expect("it's ours");
            std::fs::create_dir(file).expect("a folder can be made");
        }),
    ];
    for (what, tamper) in tampers {
        for link_mode in ["copy", "hardlink", "symlink"] {
            let (_registry, machine) = synced(link_mode);
            tamper(&stored_module(&machine));
            never_evil(&machine, what);
            let run = machine.mfp(["verify"]);
            assert_eq!(run.code, 4, "{what}: {}", run.all());
            let run = machine.mfp(["verify", "--fix"]);
            assert_eq!(run.code, 0, "{what}, {link_mode}: {}", run.all());
            assert_eq!(machine.ok(["run", "auth-jwt", "say", "[]"]).json(), "good", "{what}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_changed_listing_never_runs_new_bytes() {
    let (_registry, machine) = synced("copy");
    let module = stored_module(&machine);
    let evil = speaker("evil");
    let listing = module.parent().and_then(Path::parent).expect("it's in files").join("listing");
    let text = std::fs::read_to_string(&listing).expect("it's there");
    let good = blake3::hash(&speaker("good")).to_hex().to_string();
    overwrite(&module, &evil);
    overwrite(&listing, text.replace(&good, &blake3::hash(&evil).to_hex()).as_bytes());
    never_evil(&machine, "listing and module");
}

#[cfg(unix)]
#[test]
fn a_laid_out_file_that_was_edited_reaches_no_sandbox_and_no_other_project() {
    for link_mode in ["copy", "hardlink", "symlink", "auto"] {
        let (registry, machine) = synced(link_mode);
        // In place: through a hard link or a symbolic one this changes the store's bytes too.
        let file = machine.project(".mockforge/plugins/auth-jwt/plugin.wasm");
        overwrite(&std::fs::canonicalize(&file).expect("it's there"), &speaker("evil"));
        assert_eq!(machine.mfp(["verify"]).code, 4, "{link_mode}");
        never_evil(&machine, link_mode);

        // Another project on this machine, with the same store.
        let other = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
        let run = other.run(other.command().args(["sync"]).env("MFP_STORE_DIR", machine.path("store")));
        let there = other.project(".mockforge/plugins/auth-jwt/plugin.wasm");
        assert!(run.code == 4 || std::fs::read(there).expect("it's laid out") == speaker("good"), "{link_mode}: {}", run.all());
        assert_eq!(machine.mfp(["verify", "--fix"]).code, 0, "{link_mode}");
        assert_eq!(std::fs::read(&file).expect("it's laid out"), speaker("good"), "{link_mode}");
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_others_can_write_to_isnt_used() {
    use std::os::unix::fs::PermissionsExt;
    let (_registry, machine) = synced("copy");
    std::fs::set_permissions(machine.path("store"), std::fs::Permissions::from_mode(0o777)).expect("it's ours");
    machine.mfp(["run", "auth-jwt", "say", "[]"]).fails(8, "mfp::store::untrusted");
}

#[test]
fn precompiled_code_that_was_changed_is_compiled_again() {
    let (_registry, machine) = synced("copy");
    let aot = machine.path("cache/aot");
    if !aot.exists() {
        return;
    }
    for (path, bytes) in tree(&aot) {
        let mut bytes = bytes;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 0xff;
        }
        overwrite(&aot.join(path), &bytes);
    }
    assert_eq!(machine.ok(["run", "auth-jwt", "say", "[]"]).json(), "good");
}

#[cfg(unix)]
#[test]
fn a_link_in_the_way_to_the_plugin_folder_is_refused() {
    for link in [".mockforge", ".mockforge/plugins", ".mockforge/plugins/auth-jwt"] {
        let registry = registry();
        let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
        std::fs::create_dir_all(machine.path("precious/plugins/auth-jwt")).expect("a folder can be made");
        std::fs::write(machine.path("precious/plugins/auth-jwt/file"), "precious").expect("a file can be written");
        let before = tree(&machine.path("precious"));
        let place = machine.project(link);
        std::fs::create_dir_all(place.parent().expect("it's below the project")).expect("a folder can be made");
        std::os::unix::fs::symlink(machine.path("precious"), &place).expect("a link can be made");
        for arguments in
            [&["sync"][..], &["add", "jwks-core"], &["run", "auth-jwt", "say"], &["update"], &["vendor", "v"], &["remove", "auth-jwt"]]
        {
            let run = machine.mfp(arguments.iter().copied());
            // What isn't laid out can be removed, and vendoring needs no plugin folder.
            let goes_elsewhere = matches!(arguments[0], "remove" | "vendor") && link.ends_with("auth-jwt")
                || arguments[0] == "vendor" && link != ".mockforge";
            assert!(run.code == 8 || goes_elsewhere, "{link}, {arguments:?}: {}", run.all());
            assert_eq!(tree(&machine.path("precious")), before, "{link}, {arguments:?}: something was written through the link");
        }
        assert!(place.is_symlink());
    }
}

#[cfg(unix)]
#[test]
fn a_lock_or_manifest_that_is_a_link_isnt_written_through() {
    for file in ["plugins.lock", "mockforge-plugins.toml"] {
        let registry = registry();
        let machine = Machine::with_manifest(&registry, "[plugins]\n");
        machine.ok(["lock"]);
        let precious = machine.path("precious");
        std::fs::rename(machine.project(file), &precious).expect("it can be moved");
        std::os::unix::fs::symlink(&precious, machine.project(file)).expect("a link can be made");
        let before = std::fs::read(&precious).expect("it's there");
        let run = machine.mfp(["add", "jwks-core"]);
        assert_eq!(run.code, 8, "{file}: {}", run.all());
        assert_eq!(std::fs::read(&precious).expect("it's there"), before, "{file}");
    }
}

#[test]
fn files_that_mfp_didnt_make_are_never_touched() {
    let registry = Registry::with([Plugin::new("auth-jwt", "1.0.0"), Plugin::new("auth-jwt", "2.0.0"), Plugin::new("jwks-core", "0.3.1")]);
    let foreign = |machine: &Machine, path: &str| machine.write(&format!(".mockforge/plugins/{path}"), "mine");
    let kept = |machine: &Machine, path: &str| assert_eq!(machine.read(&format!(".mockforge/plugins/{path}")), "mine", "{path}");

    // A folder, and a file, where a plugin would go.
    for path in ["auth-jwt/mine.txt", "auth-jwt"] {
        let machine = Machine::with_manifest(&registry, "[plugins]\n");
        foreign(&machine, path);
        let before = machine.files();
        machine.mfp(["add", "auth-jwt"]).fails(8, "mfp::layout::foreign");
        kept(&machine, path);
        assert_eq!(machine.files(), before);
    }

    // Beside plugins, and among their files.
    let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"=1.0.0\"\njwks-core = \"*\"\n");
    machine.ok(["sync"]);
    let mine = ["mine.txt", "folder/mine.txt", "jwks-core/mine.txt", "jwks-core/data/mine.txt"];
    for path in mine {
        foreign(&machine, path);
    }
    machine.ok(["add", "auth-jwt@=2.0.0"]);
    machine.ok(["remove", "jwks-core"]);
    for path in mine {
        kept(&machine, path);
    }
    assert!(!machine.has(".mockforge/plugins/jwks-core/plugin.wasm"), "what mfp made is gone");
    // In the folder of a plugin that would be replaced.
    foreign(&machine, "auth-jwt/mine.txt");
    let before = machine.files();
    machine.mfp(["add", "auth-jwt@=1.0.0"]).fails(8, "mfp::layout::foreign");
    kept(&machine, "auth-jwt/mine.txt");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_record_that_came_with_the_project_vouches_for_nothing() {
    let registry = Registry::with([Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = speaker("good"))]);
    let author = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
    author.ok(["sync", "--link-mode", "copy"]);
    // Cloned with its plugin folder, in which somebody changed the module.
    let clone = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
    clone.write("plugins.lock", author.read("plugins.lock"));
    for (path, bytes) in tree(&author.project(".mockforge/plugins")) {
        let bytes = if path.ends_with("plugin.wasm") { speaker("evil") } else { bytes };
        clone.write(&format!(".mockforge/plugins/{path}"), bytes);
    }
    let run = clone.mfp(["sync"]);
    let laid_out = std::fs::read(clone.project(".mockforge/plugins/auth-jwt/plugin.wasm")).expect("it's there");
    assert!(run.code != 0 || laid_out == speaker("good"), "sync says that evil bytes are fine: {}", run.all());
    never_evil(&clone, "a cloned plugin folder");
}

#[test]
fn a_record_that_was_forged_vouches_for_nothing_either() {
    let registry = Registry::with([Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = speaker("good"))]);
    let author = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
    author.ok(["sync"]);
    let record: serde_json::Value = serde_json::from_str(&author.read(".mockforge/plugins/.mfp.json")).expect("it's JSON");
    // It says that all is well with this manifest and this lock, and knows of no file that could be looked at.
    let forgeries: [fn(&mut serde_json::Value); 2] =
        [|record| record["plugins"] = serde_json::json!({}), |record| record["plugins"]["auth-jwt"]["files"] = serde_json::json!({})];
    for forge in forgeries {
        let mut record = record.clone();
        forge(&mut record);
        let clone = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
        clone.write("plugins.lock", author.read("plugins.lock"));
        clone.write(".mockforge/plugins/auth-jwt/plugin.wasm", speaker("evil"));
        clone.write(".mockforge/plugins/.mfp.json", record.to_string());
        for arguments in [&["sync"][..], &["sync", "--check"], &["verify"]] {
            let run = clone.mfp(arguments.iter().copied());
            assert_ne!(run.code, 0, "{arguments:?} says that evil bytes are fine: {}", run.all());
        }
    }
}

#[test]
fn an_archive_digest_in_the_manifest_is_kept_to() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let archive = Plugin::new("auth-jwt", "1.4.2").archive();
    std::fs::write(folder.path().join("x.tar.gz"), &archive).expect("a file can be written");
    let server = Server::over(folder.path());
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\n");
    let run = machine.mfp(["add", &format!("{}x.tar.gz#sha256={}", server.url(), sha256(b"another"))]);
    run.fails(4, "mfp::integrity::sha256");
    nothing_kept(&machine);
    machine.ok(["add", &format!("{}x.tar.gz#sha256={}", server.url(), sha256(&archive))]);
}
