//! Who signed a plugin: what's proven at every step, what's refused and with which code, and how a key follows another.

use std::path::PathBuf;

use crate::library::open;
use crate::support::env::tree;
use crate::support::git::{Repo, has_programs};
use crate::support::{Machine, Plugin, Publisher, Registry, Run, signing};

mod updates;

fn publisher() -> Publisher {
    Publisher::named("publisher")
}

fn greet(version: &str) -> Plugin {
    Plugin::new("greet", version)
}

fn signed(version: &str) -> Plugin {
    greet(version).signed_by(&publisher())
}

/// A machine whose project wants `greet`.
fn project(registry: &Registry) -> Machine {
    Machine::with_manifest(registry, "[plugins]\ngreet = \"^1\"\n")
}

/// A machine that has `greet` 1.0.0, signed.
fn synced() -> (Registry, Machine) {
    let registry = Registry::with([signed("1.0.0")]);
    let machine = project(&registry);
    machine.ok(["sync"]);
    (registry, machine)
}

/// What the lock says about a plugin's signer.
fn locked_signer(machine: &Machine, name: &str) -> String {
    let lock = machine.read("plugins.lock");
    let entry =
        lock.split("[[plugin]]\n").find(|entry| entry.starts_with(&format!("name = \"{name}\"\n"))).unwrap_or_else(|| panic!("{lock}"));
    entry.split("signer = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("every entry says it").to_owned()
}

/// The signature files in the store.
fn stored_signatures(machine: &Machine) -> Vec<PathBuf> {
    let store = machine.path("store");
    tree(&store).into_keys().filter(|path| path.ends_with(".minisig")).map(|path| store.join(path)).collect()
}

/// Take them away, or put something else in their place.
fn replace_stored_signatures(machine: &Machine, with: Option<&str>) {
    for path in stored_signatures(machine) {
        std::fs::remove_file(&path).expect("it's there");
        if let Some(text) = with {
            std::fs::write(&path, text).expect("it can be written");
        }
    }
}

/// A signature file that isn't the right one, for `greet` of this version, and the code that it's refused with.
fn wrong_signatures(version: &str) -> Vec<(&'static str, Option<String>, &'static str)> {
    let (publisher, plugin) = (publisher(), greet(version));
    let good = publisher.sign_plugin(&plugin);
    let on = |name: &str, version: &str, content: &str| Some(publisher.sign(&signing::statement(name, version, content)));
    let fixture =
        |name: &str| Some(std::fs::read_to_string(signing::file(&format!("signatures/{name}.minisig"))).expect("a file can be read"));
    let other_content = Plugin::new("greet", "9.9.9").content();
    vec![
        ("none", None, "mfp::signature::unproven"),
        ("by another key", Some(Publisher::named("other").sign_plugin(&plugin)), "mfp::signature::unproven"),
        ("by another key with the same id", Some(Publisher::named("same-id").sign_plugin(&plugin)), "mfp::signature::bad"),
        ("changed", Some(good.replace("trusted comment: of", "trusted comment: on")), "mfp::signature::bad"),
        ("legacy", fixture("legacy"), "mfp::signature::legacy"),
        ("two in a file", Some(good.clone() + &good), "mfp::signature::malformed"),
        ("no signature file", Some("hello\n".to_owned()), "mfp::signature::malformed"),
        ("of another name", on("greed", version, &plugin.content()), "mfp::signature::replayed"),
        ("of another version", on("greet", "1.0.99", &plugin.content()), "mfp::signature::replayed"),
        ("of another content", on("greet", version, &other_content), "mfp::signature::replayed"),
    ]
}

fn carrying(plugin: Plugin, signature: Option<&str>) -> Plugin {
    let plugin = plugin.claims(&publisher());
    match signature {
        Some(signature) => plugin.carries(signature),
        None => plugin,
    }
}

#[test]
fn a_signed_plugin_is_locked_with_its_signer_and_proven_everywhere() {
    let registry = Registry::with([signed("1.0.0"), Plugin::new("hash", "1.0.0")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    let run = machine.ok(["add", "greet", "hash"]);
    assert!(run.stderr.contains("greet is signed by ") && !run.stderr.contains("hash is signed"), "{}", run.all());
    assert_eq!((locked_signer(&machine, "greet"), locked_signer(&machine, "hash")), (publisher().signer(), String::new()));
    assert_eq!(stored_signatures(&machine).len(), 1);
    assert!(!machine.has(".mockforge/plugins/greet/plugin.minisig"), "it's no part of the package set");
    for arguments in [vec!["verify", "--offline"], vec!["sync", "--frozen"], vec!["run", "greet", "hello", "[]"]] {
        machine.ok(arguments);
    }
    let listed = machine.ok(["list"]).stdout;
    assert!(listed.contains("greet 1.0.0, signed by ") && listed.contains("hash 1.0.0\n"), "{listed}");
    let listed = machine.ok(["list", "--json"]).json();
    assert_eq!(listed["plugins"][0]["signer"], publisher().signer());
    let fingerprint = listed["plugins"][0]["fingerprint"].as_str().unwrap().to_owned();
    assert!(machine.ok(["info", "greet"]).stdout.contains(&fingerprint));
    // Offline, elsewhere, from a vendored folder alone.
    machine.ok(["vendor", "vendored"]);
    let vendored = tree(&machine.project("vendored"));
    assert_eq!(vendored.keys().filter(|path| path.ends_with("/plugin.minisig")).count(), 1);
    let bare =
        machine.run(machine.command().env("MFP_STORE_DIR", machine.path("bare")).args(["sync", "--offline", "--vendor", "vendored"]));
    assert_eq!(bare.code, 0, "{}", bare.all());
    let bare = machine.run(machine.command().env("MFP_STORE_DIR", machine.path("bare")).args(["run", "--offline", "greet", "hello", "[]"]));
    assert_eq!(bare.code, 0, "{}", bare.all());
}

#[test]
fn what_an_index_claims_and_the_package_doesnt_prove_is_never_added() {
    for (what, signature, code) in wrong_signatures("1.0.0") {
        let registry = Registry::with([carrying(greet("1.0.0"), signature.as_deref())]);
        let machine = Machine::with_manifest(&registry, "[plugins]\n");
        let before = machine.files();
        let run = machine.mfp(["add", "greet"]);
        assert_eq!((run.code, run.error_code()), (4, code), "{what}: {}", run.all());
        assert!(run.stderr.contains("help: "), "{what}: {}", run.all());
        assert_eq!(machine.files(), before, "{what}");
        assert!(!machine.has(".mockforge/plugins/greet"), "{what}");
        assert_eq!(stored_signatures(&machine).len(), 0, "{what}: nothing of it is kept");
        // `lock` downloads nothing; `sync` does.
        machine.write("mockforge-plugins.toml", before.0.replace("[plugins]", "[plugins]\ngreet = \"^1\""));
        machine.ok(["lock"]);
        machine.mfp(["sync"]).fails(4, code);
        machine.mfp(["vendor", "vendored"]).fails(4, code);
        assert!(!machine.has(".mockforge/plugins/greet") && !machine.has("vendored/vendor.json"), "{what}");
    }
}

#[test]
fn signatures_in_the_store_are_held_to_the_lock_at_verify_load_sync_and_vendor() {
    for (what, signature, code) in wrong_signatures("1.0.0") {
        let (registry, machine) = synced();
        replace_stored_signatures(&machine, signature.as_deref());
        let run = machine.mfp(["verify", "--offline"]);
        run.fails(4, "mfp::verify::failed");
        let problems = machine.mfp(["verify", "--json"]).json();
        assert_eq!(problems["problems"][0]["code"], code, "{what}: {problems:#}");
        assert_eq!(open(&machine).unwrap_err().code(), code, "{what}");
        // Nothing better is to be had.
        std::fs::rename(registry.folder().join("dl"), registry.folder().join("gone")).unwrap();
        std::fs::remove_dir_all(machine.project(".mockforge/plugins")).unwrap();
        for arguments in [&["run", "greet", "hello", "[]"][..], &["sync", "--frozen"], &["vendor", "vendored"]] {
            let run = machine.mfp(arguments.iter().copied());
            assert_eq!((run.code, run.error_code()), (4, code), "{what}: {}", run.all());
        }
        std::fs::rename(registry.folder().join("gone"), registry.folder().join("dl")).unwrap();
        machine.ok(["sync"]);
        machine.ok(["verify"]);
        assert!(open(&machine).is_ok(), "{what}");
    }
}

#[test]
fn a_vendored_signature_that_proves_nothing_is_no_signature() {
    for (what, signature, code) in wrong_signatures("1.0.0") {
        let (registry, machine) = synced();
        machine.ok(["vendor", "vendored"]);
        let path = tree(&machine.project("vendored")).into_keys().find(|path| path.ends_with("plugin.minisig")).unwrap();
        let path = machine.project("vendored").join(path);
        std::fs::remove_file(&path).unwrap();
        if let Some(text) = &signature {
            std::fs::write(&path, text).unwrap();
        }
        let bare = |arguments: &[&str]| machine.run(machine.command().env("MFP_STORE_DIR", machine.path("bare")).args(arguments));
        std::fs::remove_dir_all(machine.project(".mockforge/plugins")).unwrap();
        let run = bare(&["sync", "--offline", "--vendor", "vendored", "--no-config"]);
        // Its registry is a folder, which is there offline too: what isn't proven there is fetched.
        assert_eq!(run.code, 0, "{what}: {}", run.all());
        std::fs::remove_dir_all(machine.path("bare")).unwrap();
        std::fs::remove_dir_all(machine.project(".mockforge/plugins")).unwrap();
        std::fs::remove_dir_all(registry.folder().join("dl")).unwrap();
        let run = bare(&["sync", "--offline", "--vendor", "vendored"]);
        assert_eq!((run.code, run.error_code()), (4, code), "{what}: {}", run.all());
        assert!(!machine.has(".mockforge/plugins/greet"), "{what}");
    }
}

#[test]
fn a_lock_that_names_another_signer_is_refused_everywhere() {
    let (_registry, machine) = synced();
    let lock = machine.read("plugins.lock");
    for (other, code) in [("other", "mfp::signature::unproven"), ("same-id", "mfp::signature::bad")] {
        machine.write("plugins.lock", lock.replace(&publisher().signer(), &signing::signer(other)));
        for arguments in
            [&["sync"][..], &["sync", "--frozen"], &["sync", "--check"], &["vendor", "vendored"], &["run", "greet", "hello", "[]"]]
        {
            let run = machine.mfp(arguments.iter().copied());
            assert_eq!((run.code, run.error_code()), (4, code), "{other} {arguments:?}: {}", run.all());
        }
        machine.mfp(["verify"]).fails(4, "mfp::verify::failed");
    }
    // A plugin that nobody signed, said to be signed.
    let registry = Registry::with([greet("1.0.0")]);
    let machine = project(&registry);
    machine.ok(["sync"]);
    machine.write("plugins.lock", machine.read("plugins.lock").replace("signer = \"\"", &format!("signer = \"{}\"", publisher().signer())));
    machine.mfp(["sync"]).fails(4, "mfp::signature::unproven");
    machine.mfp(["verify"]).fails(4, "mfp::verify::failed");
    machine.mfp(["run", "--offline", "greet", "hello", "[]"]).fails(4, "mfp::signature::unproven");
}

#[test]
fn a_signer_taken_out_of_a_lock_comes_back_with_the_next_look_at_the_registry() {
    let (_registry, machine) = synced();
    let lock = machine.read("plugins.lock");
    machine.write("plugins.lock", lock.replace(&publisher().signer(), ""));
    // Nothing is claimed, so nothing is to be proven: the lock's diff shows it, `[policy] keys` refuses it.
    machine.ok(["sync"]);
    let run = machine.ok(["update"]);
    assert!(run.stderr.contains("greet is signed by "), "{}", run.all());
    assert_eq!(machine.read("plugins.lock"), lock);
}

#[test]
fn an_entry_with_another_plugins_digest_and_signature_is_refused() {
    let hash = Plugin::new("hash", "1.0.0").signed_by(&publisher());
    let greet = signed("1.0.0");
    let registry = Registry::with([greet.clone(), hash.clone()]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\nhash = \"^1\"\n");
    machine.ok(["sync"]);
    let lock = machine.read("plugins.lock");
    let artifact = |plugin: &Plugin| {
        let line = plugin.line(&plugin.archive());
        format!("size = {}, sha256 = {}", line["size"], line["sha256"])
    };
    let lock = lock.replace(&greet.content(), &hash.content()).replace(&artifact(&greet), &artifact(&hash));
    machine.write("plugins.lock", lock);
    // The signature that's there is genuine, and says another name.
    assert_eq!(open(&machine).unwrap_err().code(), "mfp::signature::replayed");
    let run = machine.mfp(["sync"]);
    assert!(run.code == 4 && run.error_code().starts_with("mfp::integrity::"), "{}", run.all());
    registry.put("dl/greet/1.0.0/greet-1.0.0.tar.gz", &hash.archive());
    machine.mfp(["sync"]).fails(4, "mfp::integrity::metadata");
    std::fs::remove_dir_all(registry.folder().join("dl")).unwrap();
    machine.mfp(["sync"]).fails(4, "mfp::signature::replayed");
    machine.mfp(["run", "greet", "hello", "[]"]).fails(4, "mfp::signature::replayed");
    machine.mfp(["verify"]).fails(4, "mfp::verify::failed");
}

#[test]
fn an_index_that_says_other_things_than_the_signed_manifest_is_refused() {
    for capabilities in [serde_json::json!({ "http": ["evil.example"] }), serde_json::json!({})] {
        let registry = Registry::new();
        let plugin = Plugin::new("greet", "1.0.0").asks_http("api.example.com").signed_by(&publisher());
        let archive = plugin.archive();
        let mut line = plugin.line(&archive);
        line["capabilities"] = capabilities;
        registry.publish_as(&plugin, line, &archive);
        let machine = Machine::with_manifest(&registry, "[plugins]\n");
        machine.mfp(["add", "--approve", "greet"]).fails(4, "mfp::integrity::metadata");
    }
}

#[test]
fn content_that_came_without_its_signature_is_fetched_again_for_who_needs_it() {
    let registry = Registry::with([signed("1.0.0")]);
    let machine = project(&registry);
    // Another project on this machine has the same files from an archive that nobody signed.
    let place = machine.path("home/greet.tar.gz");
    std::fs::write(&place, greet("1.0.0").archive()).unwrap();
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("[plugins]\ngreet = {{ url = \"file://{}\" }}\n", place.display()));
    machine.ok(["sync"]);
    assert_eq!((locked_signer(&machine, "greet"), stored_signatures(&machine).len()), (String::new(), 0));
    machine.write("mockforge-plugins.toml", manifest);
    machine.ok(["sync"]);
    assert_eq!((locked_signer(&machine, "greet"), stored_signatures(&machine).len()), (publisher().signer(), 1));
    machine.ok(["verify", "--offline"]);
}

#[test]
fn an_alias_is_signed_as_the_plugin_that_it_is() {
    let registry = Registry::with([signed("1.0.0")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nhello = { version = \"^1\", package = \"greet\" }\n");
    machine.ok(["sync"]);
    assert_eq!(locked_signer(&machine, "hello"), publisher().signer());
    machine.ok(["run", "hello", "f", "[]"]);
    let registry = Registry::with([carrying(
        greet("1.0.0"),
        Some(&publisher().sign(&signing::statement("hello", "1.0.0", &greet("1.0.0").content()))),
    )]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nhello = { version = \"^1\", package = \"greet\" }\n");
    machine.mfp(["sync"]).fails(4, "mfp::signature::replayed");
}

/// A project with `greet` from an archive at a URL.
fn from_url(plugin: &Plugin) -> (Machine, PathBuf) {
    let machine = Machine::new();
    let place = machine.path("home/greet.tar.gz");
    std::fs::write(&place, plugin.archive()).expect("a file can be written");
    machine.write("mockforge-plugins.toml", format!("[plugins]\ngreet = {{ url = \"file://{}\" }}\n", place.display()));
    (machine, place)
}

fn accept(key: &str) -> String {
    format!("greet={}", signing::signer(key))
}

#[test]
fn a_signature_by_nobody_knows_whom_is_said_and_counts_as_none() {
    let (machine, _) = from_url(&signed("1.0.0"));
    let run = machine.ok(["sync"]);
    assert!(run.stderr.contains("mfp::signature::unknown-key") && run.stderr.contains("95F62CA0252F1B53"), "{}", run.all());
    assert_eq!(locked_signer(&machine, "greet"), "");
    machine.ok(["run", "greet", "hello", "[]"]);
}

#[test]
fn a_url_plugins_signer_is_accepted_once_and_held_to_from_then_on() {
    let (machine, place) = from_url(&signed("1.0.0"));
    machine.ok(["update", "--accept-key", &accept("publisher")]);
    assert_eq!(locked_signer(&machine, "greet"), publisher().signer());
    machine.ok(["verify"]);
    let refuses = |plugin: &Plugin, exit: i32, code: &str| {
        std::fs::write(&place, plugin.archive()).unwrap();
        let before = machine.files();
        let run = machine.mfp(["update"]);
        assert_eq!((run.code, run.error_code()), (exit, code), "{}", run.all());
        assert!(run.stderr.contains("greet 1.1.0") && run.stderr.contains("(1.0.0 is kept)"), "{}", run.all());
        assert_eq!(machine.files(), before);
    };
    refuses(&greet("1.1.0"), 5, "mfp::signature::stripped");
    refuses(&greet("1.1.0").signed_by(&Publisher::named("other")), 5, "mfp::signature::other-key");
    refuses(&carrying(greet("1.1.0"), Some(&Publisher::named("same-id").sign_plugin(&greet("1.1.0")))), 4, "mfp::signature::bad");
    refuses(&carrying(greet("1.1.0"), Some("x")), 4, "mfp::signature::malformed");
    refuses(&carrying(greet("1.1.0"), Some(&publisher().sign_plugin(&greet("1.0.0")))), 4, "mfp::signature::replayed");
    std::fs::write(&place, signed("1.1.0").archive()).unwrap();
    machine.ok(["update"]);
    assert!(machine.read("plugins.lock").contains("1.1.0"));
    // A relock, for whatever reason, is held to it as well.
    std::fs::write(place.with_file_name("other.tar.gz"), greet("1.2.0").archive()).unwrap();
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("greet.tar.gz", "other.tar.gz"));
    machine.mfp(["lock"]).fails(5, "mfp::signature::stripped");
}

#[test]
fn a_folders_signature_is_held_to_the_accepted_key() {
    let machine = Machine::new();
    signed("1.0.0").write_to(&machine.project("greet"));
    machine.write("mockforge-plugins.toml", "[plugins]\ngreet = { path = \"greet\" }\n");
    machine.ok(["update", "--accept-key", &accept("publisher")]);
    assert_eq!(locked_signer(&machine, "greet"), publisher().signer());
    machine.ok(["run", "greet", "hello", "[]"]);
    machine.write("greet/README.md", "# changed\n");
    machine.mfp(["sync"]).fails(4, "mfp::signature::replayed");
    std::fs::remove_file(machine.project("greet/plugin.minisig")).unwrap();
    machine.mfp(["sync"]).fails(5, "mfp::signature::stripped");
}

#[test]
fn a_repositorys_signature_travels_with_the_commit() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&signed("1.0.0"));
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[plugins]\ngreet = {{ git = \"{}\" }}\n", repo.file_url()));
    let git = |arguments: &[&str]| crate::support::git::mfp(&machine, arguments.iter().copied());
    let run: Run = git(&["update", "--accept-key", &accept("publisher")]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(locked_signer(&machine, "greet"), publisher().signer());
    std::fs::remove_dir_all(machine.path("store")).unwrap();
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    assert_eq!(git(&["sync"]).code, 0);
    assert_eq!(stored_signatures(&machine).len(), 1);
    repo.put("", &greet("1.1.0"));
    std::fs::remove_file(repo.path().join("plugin.minisig")).unwrap();
    repo.commit("without");
    git(&["update"]).fails(5, "mfp::signature::stripped");
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
}

/// The `[policy]` that pins a key for `greet`.
fn pinned(key: &str) -> String {
    format!("[policy]\nkeys = {{ greet = [\"{}\"] }}\n", signing::signer(key))
}

fn pin(machine: &Machine, key: &str) {
    machine.write("mockforge-plugins.toml", format!("{}\n{}", machine.read("mockforge-plugins.toml"), pinned(key)));
}

#[test]
fn a_pinned_key_proves_what_comes_from_a_url() {
    let (machine, place) = from_url(&signed("1.0.0"));
    pin(&machine, "publisher");
    machine.ok(["sync"]);
    assert_eq!(locked_signer(&machine, "greet"), publisher().signer());
    let before = machine.files();
    for (plugin, exit, code) in [
        (greet("1.1.0"), 5, "mfp::signature::stripped"),
        (greet("1.1.0").signed_by(&Publisher::named("other")), 5, "mfp::signature::other-key"),
        (carrying(greet("1.1.0"), Some(&publisher().sign_plugin(&greet("1.0.0")))), 4, "mfp::signature::replayed"),
    ] {
        std::fs::write(&place, plugin.archive()).unwrap();
        machine.mfp(["update"]).fails(exit, code);
        assert_eq!(machine.files(), before);
    }
    // Nobody was there before: the pin alone decides.
    let (unsigned, _) = from_url(&greet("1.0.0"));
    pin(&unsigned, "publisher");
    unsigned.mfp(["sync"]).fails(5, "mfp::policy::key");
    let (strange, _) = from_url(&signed("1.0.0"));
    pin(&strange, "other");
    assert_eq!(strange.mfp(["sync"]).code, 5);
    assert!(!strange.has(".mockforge/plugins/greet"));
}

#[test]
fn a_pinned_key_wins_over_what_an_index_claims_and_over_what_somebody_accepts() {
    let (registry, machine) = synced();
    pin(&machine, "publisher");
    registry.publish(&greet("1.1.0").signed_by(&Publisher::named("other")));
    let before = machine.files();
    let run = machine.mfp(["update"]);
    run.fails(5, "mfp::signature::other-key");
    assert!(run.stderr.contains("greet 1.1.0"), "{}", run.all());
    assert_eq!(machine.files(), before);
    for command in [["update"].as_slice(), &["lock", "--upgrade"]] {
        machine.mfp(command.iter().copied().chain(["--accept-key", &accept("other")])).fails(2, "mfp::usage::arguments");
        assert_eq!(machine.files(), before);
    }
    // At first sight too: the index claims one, the project knows another.
    let claims_another = Registry::with([signed("1.0.0")]);
    let elsewhere = project(&claims_another);
    pin(&elsewhere, "other");
    let run = elsewhere.mfp(["sync"]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(!elsewhere.has("plugins.lock"), "{}", run.all());
}
