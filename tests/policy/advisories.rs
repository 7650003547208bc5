//! What registries warn of, and who stops for it.

use super::*;

fn warned(block: bool, versions: &str) -> serde_json::Value {
    json!([{ "id": "ACME-1", "name": "greet", "versions": versions, "severity": "high", "title": "greets strangers",
             "url": "https://acme.example/1", "block": block, "unknown": {} },
           { "id": "ACME-2", "name": "other", "versions": "*", "severity": "critical", "title": "x", "url": null, "block": true }])
}

fn greetings() -> Registry {
    Registry::with([Plugin::new("greet", "1.0.0"), Plugin::new("greet", "1.1.0"), Plugin::new("hash", "0.3.1")])
}

#[test]
fn a_blocked_version_isn_t_chosen() {
    let registry = greetings();
    registry.warn(&warned(true, ">=1.1"));
    for server in [None, Some(Server::over(registry.folder()))] {
        let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
        if let Some(server) = &server {
            machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\ngreet = \"^1\"\n", server.url()));
        }
        machine.ok(["lock"]);
        assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
        machine.mfp(["update", "greet", "--precise", "1.1.0"]).fails(5, "mfp::resolve::conflict");
        machine.mfp(["add", "greet@1.1.0"]).fails(5, "mfp::resolve::conflict");
    }
}

#[test]
fn where_nothing_else_will_do_the_advisory_is_named() {
    let registry = greetings();
    registry.warn(&warned(true, "*"));
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all());
    assert!(!machine.has("plugins.lock"));
}

#[test]
fn one_that_doesn_t_block_stops_nobody() {
    let registry = greetings();
    registry.warn(&warned(false, "*"));
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n[policy]\nadvisories = \"deny\"\n");
    machine.ok(["lock"]);
    machine.ok(["sync"]);
    machine.ok(["run", "greet", "hello"]);
}

#[test]
fn a_registry_holds_no_kill_switch_over_what_is_locked() {
    let registry = greetings();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"=1.0.0\"\n");
    machine.ok(["lock"]);
    registry.warn(&warned(true, "*"));
    let run = machine.ok(["sync"]);
    assert!(
        run.stderr.contains("warning[mfp::policy::advisory]: greet 1.0.0 has the advisory ACME-1 (high): greets strangers"),
        "{}",
        run.all()
    );
    let run = machine.ok(["run", "greet", "hello"]);
    assert_eq!(run.stderr.matches("warning[mfp::policy::advisory]").count(), 1, "{}", run.all());
    // What locks stops, whatever it's about: the version would be in the new lock.
    for arguments in [&["add", "hash"][..], &["update"], &["upgrade"], &["lock", "--upgrade"], &["lock"]] {
        let before = machine.files();
        let run = machine.mfp(arguments.iter().copied());
        assert_eq!(run.code, 5, "{arguments:?}: {}", run.all());
        assert!(run.stderr.contains("ACME-1"), "{arguments:?}: {}", run.all());
        assert_eq!(machine.files(), before, "{arguments:?}");
    }
}

#[test]
fn a_project_that_denies_advisories_stops_at_what_is_known() {
    let registry = greetings();
    let server = Server::start(registry.folder(), 0, None);
    let machine = Machine::new();
    machine.write(
        "mockforge-plugins.toml",
        format!("[registries]\ndefault = \"{}\"\n[plugins]\ngreet = \"=1.0.0\"\n[policy]\nadvisories = \"deny\"\n", server.url()),
    );
    machine.ok(["sync"]);
    machine.ok(["run", "greet", "hello"]);
    registry.warn(&warned(true, "*"));
    let asked = server.requests().len();
    machine.ok(["sync"]);
    assert_eq!(server.requests().len(), asked, "nobody is asked when nothing is to be done");
    // Somebody asks, and then it's known offline too, although nothing of the project has changed.
    let run = machine.mfp(["update"]);
    assert_eq!(run.code, 5, "{}", run.all());
    insta::assert_snapshot!(machine.mfp(["sync", "--offline"]).all());
    for arguments in [&["sync", "--frozen"][..], &["run", "greet", "hello", "--offline"], &["sync", "--check"], &["verify", "greet"]] {
        machine.mfp(arguments.iter().copied()).fails(5, "mfp::policy::advisory");
    }
    set_policy(&machine, "advisories = \"warn\"");
    machine.ok(["run", "greet", "hello", "--offline"]);
    let verified = machine.ok(["verify"]);
    assert_eq!(
        verified.stderr.matches("warning[mfp::policy::advisory]: greet 1.0.0 has the advisory ACME-1").count(),
        1,
        "{}",
        verified.all()
    );
}

#[test]
fn what_a_hostile_registry_says_of_its_plugins_hides_nothing_and_moves_no_cursor() {
    let registry = greetings();
    registry.warn(&json!([
        7, { "id": "x", "name": "greet", "versions": "all" }, { "id": "a b", "name": "greet", "versions": "*", "block": true },
        { "id": "ACME-1", "name": "greet", "versions": ">=1.1", "severity": "dire\u{1b}[31m", "title": "\u{1b}[2J\u{202e}gone\n::set-output".repeat(99), "block": true },
    ]));
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    let run = machine.ok(["lock"]);
    assert!(
        run.stderr.contains("warning[mfp::audit::unreadable]: registry `default` has 3 advisories that can't be read"),
        "{}",
        run.all()
    );
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
    let run = machine.mfp(["update", "greet", "--precise", "1.1.0"]);
    assert_eq!(run.code, 5);
    assert!(!run.stderr.contains(['\u{1b}', '\u{202e}']) && !run.stderr.contains("\n::"), "{}", run.all());
    assert!(run.stderr.len() < 4000, "{}", run.all());
}

#[test]
fn a_registry_whose_advisories_fail_stops_no_lock() {
    let registry = greetings();
    registry.warn(&json!({}));
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    let run = machine.ok(["lock"]);
    assert!(run.stderr.contains("warning[mfp::audit::unknown]: the advisories of registry `default` aren't known"), "{}", run.all());
    registry.warn(&json!([]));
    std::fs::remove_file(registry.folder().join("advisories.json")).unwrap();
    assert!(!machine.ok(["update"]).stderr.contains("warning"));
}

#[test]
fn advisories_are_asked_for_conditionally_and_once() {
    let registry = greetings();
    registry.warn(&warned(true, ">=1.1"));
    let server = Server::start(registry.folder(), 60, None);
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\ngreet = \"^1\"\n", server.url()));
    machine.ok(["lock"]);
    assert_eq!(server.count("advisories.json"), 1);
    let asked = server.requests().len();
    machine.ok(["lock", "--upgrade"]);
    assert_eq!(server.requests().len(), asked, "a lock over a fresh cache makes no request");
    let stale = Server::start(registry.folder(), 0, None);
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\ngreet = \"^1\"\n", stale.url()));
    machine.ok(["lock", "--upgrade"]);
    machine.ok(["lock", "--upgrade"]);
    let conditional = stale
        .requests()
        .iter()
        .filter(|request| request.path.ends_with("advisories.json") && request.header("if-none-match").is_some())
        .count();
    assert_eq!((stale.count("advisories.json"), conditional), (2, 1));
}
