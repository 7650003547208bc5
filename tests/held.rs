//! What an update doesn't take, because a person has to decide about it first.

use crate::support::{Machine, Plugin, Registry};

/// `caller` 1.0.0 asks for one host, which is approved, and is locked beside `hash`.
fn approved() -> (Registry, Machine) {
    let registry = Registry::with([Plugin::new("caller", "1.0.0").asks_http("api.example.com"), Plugin::new("hash", "0.3.1")]);
    let machine = Machine::with_manifest(
        &registry,
        "[plugins]\ncaller = \"^1\"\nhash = \"^0.3\"\n\n[approvals]\n# by Ada\ncaller = { source = \"registry+default\", http = [\"api.example.com\"] }\n",
    );
    machine.ok(["sync"]);
    (registry, machine)
}

fn versions(machine: &Machine) -> String {
    machine.ok(["list"]).stdout
}

#[test]
fn an_update_takes_the_newest_that_asks_for_no_more_and_names_what_it_held_back() {
    let (registry, machine) = approved();
    registry.publish(&Plugin::new("caller", "1.1.0").asks_http("api.example.com"));
    registry.publish(&Plugin::new("caller", "1.2.0").asks_http("api.example.com").asks_http("*.evil.example"));
    registry.publish(&Plugin::new("hash", "0.3.2"));
    let before = machine.files();
    let dry = machine.mfp(["update", "--dry-run"]);
    dry.fails(5, "mfp::update::held-back");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["update"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 2 plugins in [TIME] (1.2 KiB)
    Installed 2 plugins in [TIME]
     ~ caller 1.0.0 → 1.1.0
     ~ hash 0.3.1 → 0.3.2
    error[mfp::update::held-back]: a newer version was held back
      • caller 1.2.0 asks for http *.evil.example (broad: reaches every host below evil.example), which nobody approved (1.1.0 is kept)
    help: if a person has decided that it may: `mfp approve caller@1.2.0`, then `mfp update`
    ");
    assert_eq!(versions(&machine), "caller 1.1.0\nhash 0.3.2\n");
    assert_eq!(machine.files().0, before.0, "the manifest is as it was");
    // It stays like that until somebody decides.
    machine.mfp(["update", "caller"]).fails(5, "mfp::update::held-back");
    machine.ok(["sync", "--locked"]);
    machine.ok(["update", "hash"]);
}

#[test]
fn programs_are_told_what_was_held_back() {
    let (registry, machine) = approved();
    registry.publish(&Plugin::new("caller", "1.1.0").asks_http("api.example.com").asks_http("new.example.com"));
    for arguments in [&["update", "--json", "--dry-run"][..], &["lock", "--upgrade", "--json"], &["upgrade", "--json"]] {
        let run = machine.mfp(arguments.iter().copied());
        let document = run.json();
        assert_eq!((run.code, &document["ok"]), (5, &false.into()), "{arguments:?}");
        assert_eq!(document["changes"], serde_json::json!([]), "{arguments:?}");
        assert_eq!(
            document["held"],
            serde_json::json!([{
                "name": "caller", "version": "1.1.0", "current": "1.0.0", "reasons": ["approval"],
                "message": "caller 1.1.0 asks for http new.example.com, which nobody approved (1.0.0 is kept)",
                "asks": { "http": ["new.example.com"] }, "commands": ["mfp approve caller@1.1.0"],
            }]),
            "{arguments:?}"
        );
        assert_eq!(document["error"]["details"]["held"], document["held"]);
    }
}

#[test]
fn a_new_dependency_that_asks_for_something_holds_back_who_needs_it() {
    let (registry, machine) = approved();
    registry.publish(&Plugin::new("sender", "1.0.0").asks_http("mail.example.com"));
    registry.publish(&Plugin::new("hash", "0.3.2"));
    registry.publish(&Plugin::new("hash", "0.3.3").needs("sender", "^1"));
    insta::assert_snapshot!(machine.mfp(["update"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 1 plugin in [TIME] (571 B)
    Installed 1 plugin in [TIME]
     ~ hash 0.3.1 → 0.3.2
    error[mfp::update::held-back]: newer versions were held back
      • hash 0.3.3 needs sender (0.3.2 is kept)
      • sender 1.0.0 asks for http mail.example.com, which nobody approved
    help: if a person has decided that it may: `mfp approve sender@1.0.0`, then `mfp update`
    ");
    assert_eq!(versions(&machine), "caller 1.0.0\nhash 0.3.2\n");
}

#[test]
fn what_only_works_with_it_changes_no_file() {
    let (registry, machine) = approved();
    registry.publish(&Plugin::new("caller", "2.0.0").asks_http("new.example.com"));
    let manifest = machine.read("mockforge-plugins.toml").replace("caller = \"^1\"", "caller = \"^2\"");
    machine.write("mockforge-plugins.toml", &manifest);
    let before = machine.files();
    for arguments in [&["update"][..], &["lock", "--upgrade"], &["upgrade"]] {
        let run = machine.mfp(arguments.iter().copied());
        run.fails(5, "mfp::update::held-back");
        assert!(run.stderr.contains("no file was changed") && run.stderr.contains("mfp approve caller@2.0.0"), "{}", run.stderr);
        assert_eq!(machine.files(), before);
    }
    machine.mfp(["update", "caller", "--precise", "2.0.0"]).fails(5, "mfp::update::held-back");
    assert_eq!(machine.files(), before);
}

#[test]
fn what_is_locked_already_is_never_downgraded() {
    let registry = Registry::with([Plugin::new("caller", "1.0.0"), Plugin::new("caller", "1.1.0").asks_http("api.example.com")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ncaller = \"=1.1.0\"\n");
    machine.ok(["lock"]);
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml").replace("=1.1.0", "^1"));
    machine.ok(["lock"]);
    machine.ok(["update", "--no-sync"]);
    assert_eq!(versions(&machine), "caller 1.1.0\n");
    machine.ok(["lock", "--upgrade"]);
    assert_eq!(versions(&machine), "caller 1.1.0\n");
}

#[test]
fn an_approval_for_another_source_lets_nothing_through() {
    let (registry, machine) = approved();
    let manifest = machine.read("mockforge-plugins.toml").replace("registry+default", "registry+corp");
    machine.write("mockforge-plugins.toml", manifest);
    registry.publish(&Plugin::new("caller", "1.1.0").asks_http("api.example.com"));
    let run = machine.mfp(["update"]);
    run.fails(5, "mfp::update::held-back");
    // Nor is what's locked laid out any longer: both are said.
    assert_eq!(run.stderr.matches("its approval is void: it was given to registry+corp").count(), 2, "{}", run.stderr);
    assert!(run.stderr.contains("mfp::approval::missing"), "{}", run.stderr);
    assert_eq!(versions(&machine), "caller 1.0.0\nhash 0.3.1\n");
}

#[test]
fn an_alias_has_its_own_approval() {
    let (registry, machine) = approved();
    registry.publish(&Plugin::new("caller", "1.1.0").asks_http("new.example.com"));
    let manifest = machine
        .read("mockforge-plugins.toml")
        .replace("caller = \"^1\"\n", "other = { version = \"^1\", package = \"caller\" }\n")
        .replace("caller = { source", "other = { source")
        .replace("api.example.com", "new.example.com\", \"api.example.com");
    machine.write("mockforge-plugins.toml", manifest);
    machine.ok(["update"]);
    assert!(versions(&machine).contains("other 1.1.0"), "{}", versions(&machine));
}

#[test]
fn upgrade_doesnt_raise_a_requirement_to_what_it_held_back() {
    let (registry, machine) = approved();
    registry.publish(&Plugin::new("caller", "2.0.0").asks_http("api.example.com"));
    registry.publish(&Plugin::new("caller", "3.0.0").asks_http("*"));
    let run = machine.mfp(["upgrade"]);
    run.fails(5, "mfp::update::held-back");
    assert!(run.stderr.contains("then `mfp upgrade`"), "{}", run.stderr);
    assert!(machine.read("mockforge-plugins.toml").contains("caller = \"^2.0.0\""), "{}", machine.read("mockforge-plugins.toml"));
    assert_eq!(versions(&machine), "caller 2.0.0\nhash 0.3.1\n");
}
