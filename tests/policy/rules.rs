//! Sources, licences, signatures and keys.

use super::*;

#[test]
fn another_version_is_chosen_where_one_is_allowed() {
    let registry = licences();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[policy]\nlicenses = [\"MIT\"]\n");
    machine.ok(["sync"]);
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
}

#[test]
fn where_only_the_policy_stands_in_the_way_it_s_a_conflict_that_shows_its_line() {
    let registry = licences();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1.1\"\n\n[policy]\nlicenses = [\"MIT\"]\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all());
    assert!(!machine.has("plugins.lock"));
}

#[test]
fn a_plugin_without_a_licence_isn_t_allowed_where_licences_are_listed() {
    let registry = licences();
    let machine = Machine::with_manifest(&registry, "[plugins]\nfree = \"^1\"\n\n[policy]\nlicenses = [\"MIT\"]\n");
    let run = machine.mfp(["lock"]);
    run.fails(5, "mfp::resolve::conflict");
    assert!(run.stderr.contains("free 1.0.0 states no licence (`licenses`)"), "{}", run.all());
}

/// A policy that came after the lock holds for every command that would use the lock, whatever flags it has.
#[track_caller]
fn stops_everywhere(machine: &Machine, code: &str) {
    for arguments in [
        &["sync"][..],
        &["sync", "--locked"],
        &["sync", "--frozen"],
        &["sync", "--offline", "--frozen"],
        &["sync", "--check"],
        &["lock", "--check"],
        &["vendor", "vendored"],
        &["run", "greet", "hello"],
        &["run", "greet", "hello", "--frozen"],
        &["verify"],
    ] {
        machine.mfp(arguments.iter().copied()).fails(5, code);
    }
    assert!(!machine.has("vendored"));
}

#[test]
fn a_policy_holds_for_a_lock_that_was_made_before_it() {
    let registry = licences();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"=1.1.0\"\n");
    machine.ok(["sync"]);
    machine.ok(["run", "greet", "hello"]);
    for (policy, code) in [
        ("licenses = [\"MIT\"]", "mfp::policy::license"),
        ("allow = [\"git:*\"]", "mfp::policy::source"),
        ("deny = [\"registry:*\"]", "mfp::policy::source"),
        ("require-signatures = true", "mfp::policy::unsigned"),
        ("keys = { greet = [\"minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa\"] }", "mfp::policy::key"),
    ] {
        set_policy(&machine, policy);
        stops_everywhere(&machine, code);
    }
    set_policy(&machine, "licenses = [\"GPL-3.0-only\"]\nallow = [\"registry:*\"]\ndeny = [\"git:*\"]");
    machine.ok(["sync"]);
    machine.ok(["run", "greet", "hello"]);
    machine.ok(["verify"]);
}

#[test]
fn a_broken_rule_is_shown_at_its_line() {
    let registry = licences();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"=1.1.0\"\n");
    machine.ok(["sync"]);
    set_policy(&machine, "require-signatures = false\nlicenses = [\"MIT\"]\ndeny = [\"registry:*\"]");
    insta::assert_snapshot!(machine.mfp(["sync", "--frozen"]).all());
    insta::assert_snapshot!(machine.mfp(["verify"]).all());
}

#[test]
fn a_lock_is_made_anew_where_another_version_is_allowed() {
    let registry = licences();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["sync"]);
    assert!(machine.read("plugins.lock").contains("version = \"1.1.0\""));
    set_policy(&machine, "licenses = [\"MIT\"]");
    machine.mfp(["sync"]).fails(5, "mfp::policy::license");
    machine.ok(["lock"]);
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
    machine.ok(["sync"]);
}

#[test]
fn nobody_is_asked_for_what_comes_from_where_nothing_may_come_from() {
    let registry = Registry::shop();
    let server = Server::over(registry.folder());
    let machine = Machine::new();
    let url = format!("{}dl/hash/0.3.1/hash-0.3.1.tar.gz", server.url());
    for (plugins, policy) in [
        (format!("hash = {{ url = \"{url}\" }}"), "deny = [\"url:http:*\"]"),
        (format!("hash = {{ git = \"{}x.git\" }}", server.url()), "allow = [\"registry:*\"]"),
        ("hash = \"^0.3\"".to_owned(), "allow = [\"git:*\"]"),
    ] {
        machine.write(
            "mockforge-plugins.toml",
            format!("[plugins]\n{plugins}\n[registries]\ndefault = \"{}\"\n[policy]\n{policy}\n", server.url()),
        );
        for arguments in [&["lock"][..], &["sync"], &["update"], &["run", "hash", "f"]] {
            let run = machine.mfp(arguments.iter().copied());
            assert_eq!(run.code, 5, "{plugins} {arguments:?}: {}", run.all());
            run.fails(5, "mfp::policy::source");
        }
    }
    machine.write("mockforge-plugins.toml", "[policy]\nallow = [\"registry:*\"]\n");
    machine.mfp(["add", &url]).fails(5, "mfp::policy::source");
    machine.mfp(["add", &format!("git+{}x.git", server.url())]).fails(5, "mfp::policy::source");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn services_come_from_somewhere_too() {
    let machine = Machine::new();
    let service = |endpoint: &str, policy: &str| {
        let text = format!("[plugins]\noauth = {{ remote = {endpoint}, types = [\"auth\"] }}\n[policy]\n{policy}\n");
        machine.write("mockforge-plugins.toml", text);
    };
    service("\"https://auth.acme.example/\"", "deny = [\"remote:https://auth.acme.example/\"]");
    machine.mfp(["lock"]).fails(5, "mfp::policy::source");
    service("{ env = \"AUTH_URL\" }", "allow = [\"remote:env:*\"]\ndeny = [\"remote:http:*\"]\nlicenses = []\nrequire-signatures = true");
    machine.ok(["lock"]);
    let run = machine.run(machine.command().env("AUTH_URL", "http://127.0.0.1:9/").args([
        "run",
        "oauth",
        "authenticate",
        r#"{"type":"bearer","token":"x"}"#,
    ]));
    run.fails(5, "mfp::policy::source");
    assert!(!run.stderr.contains("127.0.0.1"), "what a variable holds isn't shown: {}", run.all());
    let run = machine.run(machine.command().env("AUTH_URL", "https://127.0.0.1:9/").args([
        "run",
        "oauth",
        "authenticate",
        r#"{"type":"bearer","token":"x"}"#,
    ]));
    assert_eq!(run.error_code(), "mfp::remote::unreachable", "{}", run.all());
}

#[test]
fn a_policy_that_was_mistyped_is_no_policy_that_lets_everything_through() {
    let machine = Machine::new();
    for policy in
        ["licences = [\"MIT\"]", "licenses = [\"Apache 2.0\"]", "licenses = \"MIT\"", "scan = [\"true\"]", "advisories = \"ignore\""]
    {
        machine.write("mockforge-plugins.toml", format!("[policy]\n{policy}\n"));
        assert_eq!(machine.mfp(["lock"]).code, 2, "{policy}");
    }
    machine.write("mockforge-plugins.toml", "[policy]\nlicenses = [\"MIT\", \"Apache 2.0\"]\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all());
}

#[test]
fn what_the_user_narrows_holds_without_another_sync() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["sync"]);
    machine.ok(["run", "greet", "hello"]);
    machine.ok(["config", "set", "policy.memory", "64KiB"]);
    assert!(machine.ok(["sync"]).stderr.contains("Checked"), "nothing is to be done");
    machine.mfp(["run", "greet", "hello"]).fails(7, "mfp::sandbox::memory");
}

#[test]
fn who_signs_what_is_asked_for_is_chosen_and_nobody_else() {
    let (publisher, other) = (Publisher::named("publisher"), Publisher::named("other"));
    let registry = Registry::with([
        Plugin::new("greet", "1.0.0").signed_by(&publisher),
        Plugin::new("greet", "1.1.0").signed_by(&other),
        Plugin::new("greet", "1.2.0"),
    ]);
    for policy in [format!("keys = {{ greet = [\"{}\"] }}", publisher.signer()), "require-signatures = true".to_owned()] {
        let machine = Machine::with_manifest(&registry, &format!("[plugins]\ngreet = \"^1\"\n\n[policy]\n{policy}\n"));
        machine.ok(["sync"]);
        let expected = if policy.starts_with("keys") { "1.0.0" } else { "1.1.0" };
        assert!(machine.read("plugins.lock").contains(&format!("version = \"{expected}\"")), "{policy}: {}", machine.read("plugins.lock"));
        machine.ok(["run", "greet", "hello"]);
        machine.ok(["verify"]);
    }
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"=1.2.0\"\n\n[policy]\nrequire-signatures = true\n");
    let run = machine.mfp(["lock"]);
    run.fails(5, "mfp::resolve::conflict");
    assert!(run.stderr.contains("greet 1.2.0 isn't signed (`require-signatures`)"), "{}", run.all());
}
