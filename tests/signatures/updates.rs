//! A name that was signed stays with its signer: newer versions by others are held back, until a person or a chain of keys says
//! otherwise.

use super::{accept, carrying, greet, locked_signer, project, publisher, signed, synced, wrong_signatures};
use crate::support::{Machine, Plugin, Publisher, Registry, Run, signing};

fn other() -> Publisher {
    Publisher::named("other")
}

fn version(machine: &Machine, name: &str) -> String {
    let lock = machine.read("plugins.lock");
    let entry =
        lock.split("[[plugin]]\n").find(|entry| entry.starts_with(&format!("name = \"{name}\"\n"))).unwrap_or_else(|| panic!("{lock}"));
    entry.split("version = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("every package has one").to_owned()
}

/// Held back, and the locked version stays.
#[track_caller]
fn holds_back(machine: &Machine, run: &Run, exit: i32, code: &str) {
    assert_eq!((run.code, run.error_code()), (exit, code), "{}", run.all());
    assert!(run.stderr.contains("greet 1.1.0") && run.stderr.contains("(1.0.0 is kept)"), "{}", run.all());
    assert_eq!((version(machine, "greet").as_str(), locked_signer(machine, "greet")), ("1.0.0", publisher().signer()));
}

#[test]
fn a_newer_version_by_another_key_is_held_back_and_everything_else_is_updated() {
    let registry = Registry::with([signed("1.0.0"), Plugin::new("hash", "1.0.0")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\nhash = \"^1\"\n");
    machine.ok(["sync"]);
    registry.publish(&greet("1.1.0").signed_by(&other()));
    registry.publish(&Plugin::new("hash", "1.1.0"));
    let run = machine.mfp(["update"]);
    holds_back(&machine, &run, 5, "mfp::signature::other-key");
    assert_eq!(version(&machine, "hash"), "1.1.0");
    let command = format!("mfp update greet --accept-key greet={}", other().signer());
    assert!(run.stderr.contains(&command), "{}", run.all());
    // What's typed then works, and only for that key.
    machine.mfp(["update", "greet", "--accept-key", &accept("next")]).fails(5, "mfp::signature::other-key");
    machine.ok(command.split(' ').skip(1));
    assert_eq!((version(&machine, "greet").as_str(), locked_signer(&machine, "greet")), ("1.1.0", other().signer()));
    machine.ok(["run", "greet", "hello", "[]"]);
    // From now on it's the first key that is another.
    registry.publish(&signed("1.2.0"));
    machine.mfp(["update"]).fails(5, "mfp::signature::other-key");
    assert_eq!(version(&machine, "greet"), "1.1.0");
}

#[test]
fn upgrade_and_lock_hold_back_as_update_does() {
    let registry = Registry::with([signed("1.0.0")]);
    let machine = project(&registry);
    machine.ok(["sync"]);
    registry.publish(&greet("1.1.0").signed_by(&other()));
    holds_back(&machine, &machine.mfp(["lock", "--upgrade"]), 5, "mfp::signature::other-key");
    registry.publish(&greet("2.0.0"));
    let before = machine.files();
    machine.mfp(["upgrade"]).fails(5, "mfp::signature::stripped");
    assert_eq!(machine.files(), before);
    machine.ok(["lock", "--upgrade-plugin", "greet", "--accept-key", &accept("other")]);
    assert_eq!(locked_signer(&machine, "greet"), other().signer());
}

#[test]
fn stripped_and_the_same_id_have_codes_of_their_own() {
    for (plugin, code) in
        [(greet("1.1.0"), "mfp::signature::stripped"), (greet("1.1.0").signed_by(&Publisher::named("same-id")), "mfp::signature::same-id")]
    {
        let (registry, machine) = synced();
        registry.publish(&plugin);
        let run = machine.mfp(["update"]);
        holds_back(&machine, &run, 5, code);
        assert!(!run.stderr.contains("--accept-key"), "nobody is taught to type it: {}", run.all());
        let document = machine.mfp(["update", "--json"]).json();
        assert_eq!((document["error"]["code"].as_str(), document["held"][0]["reasons"][0].as_str()), (Some(code), Some("signature")));
        // Asking for it by name is refused too, before a file has changed.
        let before = machine.files();
        machine.mfp(["add", "greet@1.1.0"]).fails(5, code);
        machine.mfp(["update", "greet", "--precise", "1.1.0"]).fails(5, code);
        assert_eq!(machine.files(), before);
    }
}

#[test]
fn a_newer_version_whose_signature_proves_nothing_is_held_back() {
    for (what, signature, code) in wrong_signatures("1.1.0") {
        let (registry, machine) = synced();
        registry.publish(&carrying(greet("1.1.0"), signature.as_deref()));
        registry.publish(&Plugin::new("hash", "1.0.0"));
        let run = machine.mfp(["update"]);
        holds_back(&machine, &run, 4, code);
        machine.ok(["run", "greet", "hello", "[]"]);
        // The next best one is taken.
        registry.publish(&signed("1.0.5"));
        let run = machine.mfp(["update"]);
        assert_eq!((run.code, run.error_code()), (4, code), "{what}: {}", run.all());
        assert_eq!(version(&machine, "greet"), "1.0.5", "{what}");
    }
}

#[test]
fn an_index_line_that_changes_its_claim_doesnt_change_who_signed_what_is_locked() {
    let (registry, machine) = synced();
    let path = registry.folder().join("index/gr/ee/greet");
    let line = std::fs::read_to_string(&path).unwrap();
    registry.publish(&Plugin::new("hash", "1.0.0"));
    for claim in [other().signer(), String::new()] {
        let mut changed: serde_json::Value = serde_json::from_str(&line).unwrap();
        if claim.is_empty() {
            changed.as_object_mut().unwrap().remove("signer");
        } else {
            changed["signer"] = claim.as_str().into();
        }
        std::fs::write(&path, format!("{changed}\n")).unwrap();
        machine.ok(["update"]);
        assert_eq!(locked_signer(&machine, "greet"), publisher().signer());
        machine.ok(["add", "hash", "--dry-run"]);
    }
}

#[test]
fn a_plugin_that_was_never_signed_may_begin_to_be() {
    let registry = Registry::with([greet("1.0.0")]);
    let machine = project(&registry);
    machine.ok(["sync"]);
    registry.publish(&signed("1.1.0"));
    let run = machine.ok(["update"]);
    assert!(run.stderr.contains("greet is signed by "), "{}", run.all());
    assert_eq!(locked_signer(&machine, "greet"), publisher().signer());
}

#[test]
fn a_key_is_accepted_by_a_person_and_never_by_the_environment() {
    let (registry, machine) = synced();
    registry.publish(&greet("1.1.0").signed_by(&other()));
    let run = machine.run(machine.command().env("MFP_ACCEPT_KEY", accept("other")).arg("update"));
    holds_back(&machine, &run, 5, "mfp::signature::other-key");
    machine.mfp(["update", "--accept-key", "greet"]).fails(2, "mfp::usage::arguments");
    machine.mfp(["update", "--accept-key", &format!("gret={}", other().signer())]).fails(1, "mfp::lock::not-locked");
    machine.mfp(["update", "--accept-key", "greet=minisign:RW"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn a_chain_of_keys_is_followed_and_shown() {
    let (registry, machine) = synced();
    let (next, last) = (Publisher::named("next"), other());
    registry.publish(&greet("1.1.0").signed_by(&last));
    registry.put("keys/greet.ndjson", (next.hands_over("greet", &last) + &publisher().hands_over("greet", &next)).as_bytes());
    let run = machine.ok(["update"]);
    assert!(run.stderr.contains("greet changed its key") && run.stderr.matches(" → ").count() >= 2, "{}", run.all());
    assert_eq!((version(&machine, "greet").as_str(), locked_signer(&machine, "greet")), ("1.1.0", last.signer()));
    machine.ok(["verify"]);
    // There's no way back.
    registry.publish(&signed("1.2.0"));
    machine.mfp(["update"]).fails(5, "mfp::signature::other-key");
}

#[test]
fn a_chain_is_only_as_good_as_its_signatures() {
    let next = Publisher::named("next");
    let forged = |from: &str, statement_of: &str, to: &Publisher, by: &Publisher| {
        let signature = by.sign(&format!("mockforge-plugin-key/v1\nname: {statement_of}\nnew: {}\n", to.signer()));
        format!("{}\n", serde_json::json!({ "new": to.signer(), "old": signing::signer(from), "sig": signature }))
    };
    let histories = [
        // Signed by the new key, in the old one's name.
        forged("publisher", "greet", &other(), &other()),
        // Of another plugin.
        forged("publisher", "hash", &other(), &publisher()),
        // By a key with the same id.
        forged("publisher", "greet", &other(), &Publisher::named("same-id")),
        // A chain with a gap.
        next.hands_over("greet", &other()),
        // The other way round.
        other().hands_over("greet", &publisher()),
        // For a third key.
        publisher().hands_over("greet", &next),
        String::new(),
    ];
    for history in histories {
        let (registry, machine) = synced();
        registry.publish(&greet("1.1.0").signed_by(&other()));
        registry.put("keys/greet.ndjson", history.as_bytes());
        holds_back(&machine, &machine.mfp(["update"]), 5, "mfp::signature::other-key");
    }
}

#[test]
fn a_history_that_isnt_one_is_an_error_and_is_asked_for_only_where_a_key_changed() {
    let (registry, machine) = synced();
    let line = publisher().hands_over("greet", &other());
    for wrong in ["x\n".to_owned(), "{}\n".to_owned(), line.repeat(300), format!("{line}\u{1b}[31m\n"), "x".repeat(300 << 10)] {
        registry.put("keys/greet.ndjson", wrong.as_bytes());
        machine.ok(["update"]);
    }
    registry.publish(&greet("1.1.0").signed_by(&other()));
    for wrong in ["x\n".to_owned(), "{}\n".to_owned(), line.repeat(300), "x".repeat(300 << 10)] {
        registry.put("keys/greet.ndjson", wrong.as_bytes());
        let before = machine.files();
        machine.mfp(["update"]).fails(4, "mfp::registry::malformed");
        assert_eq!(machine.files(), before);
    }
}

#[test]
fn mfp_key_rotate_writes_the_line_that_update_follows() {
    let (registry, machine) = synced();
    let key = machine.path("home/publisher.key");
    signing::put("publisher.key", &key);
    let run = machine.ok(["key", "rotate", "greet", "--key", &key.display().to_string(), "--to", &other().signer()]);
    registry.put("keys/greet.ndjson", run.stdout.as_bytes());
    registry.publish(&greet("1.1.0").signed_by(&other()));
    machine.ok(["update"]);
    assert_eq!(locked_signer(&machine, "greet"), other().signer());
}
