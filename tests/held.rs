//! What an update doesn't take, because a person has to decide about it first.

use crate::support::git::{Repo, has_programs};
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

/// A machine whose project has `mailer` from this place and `hash` from a registry, with one host approved for `mailer`.
fn declaring(registry: &Registry, mailer: &str, source: &str) -> Machine {
    let machine = Machine::with_manifest(
        registry,
        &format!(
            "[plugins]\nhash = \"^0.3\"\nmailer = {mailer}\n\n[approvals]\nmailer = {{ source = \"{source}\", http = [\"mail.example.com\"] }}\n"
        ),
    );
    machine.ok(["sync"]);
    machine
}

fn mailer(version: &str, hosts: &[&str]) -> Plugin {
    hosts.iter().fold(Plugin::new("mailer", version), |plugin, host| plugin.asks_http(host))
}

#[test]
fn a_branch_that_asks_for_more_stays_where_it_was_and_the_rest_is_updated() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&mailer("1.0.0", &["mail.example.com"]));
    let registry = Registry::with([Plugin::new("hash", "0.3.1")]);
    let url = repo.file_url();
    let machine = declaring(&registry, &format!("{{ git = \"{url}\", branch = \"main\" }}"), &format!("git+{url}"));
    let locked = machine.read("plugins.lock");
    repo.put("", &mailer("1.1.0", &["mail.example.com", "*.evil.example"]));
    repo.commit("more");
    registry.publish(&Plugin::new("hash", "0.3.2"));
    let run = machine.mfp(["update"]);
    run.fails(5, "mfp::update::held-back");
    assert!(run.stderr.contains("mailer 1.1.0 asks for http *.evil.example") && run.stderr.contains("(1.0.0 is kept)"), "{}", run.stderr);
    assert!(run.stderr.contains("`mfp approve mailer --http '*.evil.example'`, then `mfp update`"), "{}", run.stderr);
    let listed = versions(&machine);
    assert!(listed.contains("hash 0.3.2") && listed.contains("mailer 1.0.0"), "{listed}");
    let commit = |lock: &str| lock.lines().find(|line| line.starts_with("git = ")).map(str::to_owned);
    assert_eq!(commit(&machine.read("plugins.lock")), commit(&locked), "the commit is the locked one");
    machine.ok(["sync", "--locked"]);
    machine.mfp(["lock", "--upgrade"]).fails(5, "mfp::update::held-back");
    // What was said is what has to be typed.
    machine.ok(["approve", "mailer", "--http", "*.evil.example"]);
    machine.ok(["update"]);
    assert!(versions(&machine).contains("mailer 1.1.0"));
}

#[test]
fn a_branch_whose_new_dependency_asks_for_something_stays_where_it_was() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&mailer("1.0.0", &["mail.example.com"]));
    let registry = Registry::with([Plugin::new("hash", "0.3.1"), Plugin::new("sender", "1.0.0").asks_http("more.example.com")]);
    let url = repo.file_url();
    let machine = declaring(&registry, &format!("{{ git = \"{url}\", branch = \"main\" }}"), &format!("git+{url}"));
    repo.put("", &mailer("1.1.0", &["mail.example.com"]).needs("sender", "^1"));
    repo.commit("needs");
    registry.publish(&Plugin::new("hash", "0.3.2"));
    let run = machine.mfp(["update"]);
    run.fails(5, "mfp::update::held-back");
    assert!(run.stderr.contains("mailer 1.1.0 needs sender (1.0.0 is kept)"), "{}", run.stderr);
    assert!(run.stderr.contains("sender 1.0.0 asks for http more.example.com"), "{}", run.stderr);
    let listed = versions(&machine);
    assert!(listed.contains("hash 0.3.2") && listed.contains("mailer 1.0.0") && !listed.contains("sender"), "{listed}");
}

#[test]
fn a_file_at_a_url_that_asks_for_more_isnt_taken_and_the_rest_is_updated() {
    let registry = Registry::with([Plugin::new("hash", "0.3.1")]);
    registry.put("mailer.tar.gz", &mailer("1.0.0", &["mail.example.com"]).archive());
    let url = format!("{}mailer.tar.gz", registry.url());
    let machine = declaring(&registry, &format!("{{ url = \"{url}\" }}"), &format!("url+{url}"));
    let locked = machine.read("plugins.lock");
    registry.put("mailer.tar.gz", &mailer("1.1.0", &["mail.example.com", "new.example.com"]).archive());
    registry.publish(&Plugin::new("hash", "0.3.2"));
    let run = machine.mfp(["update"]);
    run.fails(5, "mfp::update::held-back");
    assert!(run.stderr.contains("mailer 1.1.0 asks for http new.example.com, which nobody approved (1.0.0 is kept)"), "{}", run.stderr);
    let listed = versions(&machine);
    assert!(listed.contains("hash 0.3.2") && listed.contains("mailer 1.0.0"), "{listed}");
    let entry = |lock: &str| lock.split("[[plugin]]").find(|entry| entry.contains("\"mailer\"")).map(str::to_owned);
    assert_eq!(entry(&machine.read("plugins.lock")), entry(&locked));
    machine.ok(["sync", "--locked"]);
    machine.ok(["approve", "mailer", "--http", "new.example.com"]);
    machine.ok(["update"]);
    assert!(versions(&machine).contains("mailer 1.1.0"));
}

#[test]
fn a_tag_that_asks_for_more_isnt_gone_to_and_the_rest_is_upgraded() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&mailer("1.0.0", &["mail.example.com"]));
    let registry = Registry::with([Plugin::new("hash", "0.3.1")]);
    let url = repo.file_url();
    let machine = declaring(&registry, &format!("{{ git = \"{url}\", tag = \"v1.0.0\" }}"), &format!("git+{url}"));
    for (version, hosts) in [("1.1.0", &["mail.example.com"][..]), ("1.2.0", &["*"]), ("1.3.0", &["mail.example.com", "*.evil.example"])] {
        repo.put("", &mailer(version, hosts));
        repo.commit(version);
        repo.git(["tag", &format!("v{version}")]);
    }
    registry.publish(&Plugin::new("hash", "0.4.0"));
    let run = machine.mfp(["upgrade"]);
    run.fails(5, "mfp::update::held-back");
    assert!(run.stderr.contains("Raised mailer: v1.0.0 → v1.1.0") && run.stderr.contains("Raised hash: ^0.3 → ^0.4.0"), "{}", run.stderr);
    assert!(run.stderr.contains("mailer 1.3.0 asks for http *.evil.example") && run.stderr.contains("(1.1.0 is kept)"), "{}", run.stderr);
    assert!(run.stderr.contains("`mfp approve mailer --http '*.evil.example'`, then `mfp upgrade`"), "{}", run.stderr);
    assert!(!run.stderr.contains("1.2.0"), "{}", run.stderr);
    let listed = versions(&machine);
    assert!(listed.contains("hash 0.4.0") && listed.contains("mailer 1.1.0"), "{listed}");
    machine.ok(["sync", "--locked"]);
    machine.ok(["approve", "mailer", "--http", "*.evil.example"]);
    machine.ok(["upgrade"]);
    assert!(versions(&machine).contains("mailer 1.3.0") && machine.read("mockforge-plugins.toml").contains("tag = \"v1.3.0\""));
}

#[test]
fn a_tag_whose_new_dependency_asks_for_something_isnt_gone_to() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&mailer("1.0.0", &["mail.example.com"]));
    let registry = Registry::with([Plugin::new("hash", "0.3.1"), Plugin::new("sender", "1.0.0").asks_http("more.example.com")]);
    let url = repo.file_url();
    let machine = declaring(&registry, &format!("{{ git = \"{url}\", tag = \"v1.0.0\" }}"), &format!("git+{url}"));
    repo.put("", &mailer("1.1.0", &["mail.example.com"]).needs("sender", "^1"));
    repo.commit("needs");
    repo.git(["tag", "v1.1.0"]);
    registry.publish(&Plugin::new("hash", "0.4.0"));
    let run = machine.mfp(["upgrade"]);
    run.fails(5, "mfp::update::held-back");
    assert!(run.stderr.contains("mailer 1.1.0 needs sender (1.0.0 is kept)"), "{}", run.stderr);
    let listed = versions(&machine);
    assert!(listed.contains("hash 0.4.0") && listed.contains("mailer 1.0.0") && !listed.contains("sender"), "{listed}");
    assert!(machine.read("mockforge-plugins.toml").contains("tag = \"v1.0.0\""));
    machine.ok(["sync", "--locked"]);
}
