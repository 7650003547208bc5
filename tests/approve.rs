//! `mfp approve`, and what's asked where somebody is there: who decides what plugins may reach, and what they reach then.

use serde_json::json;

use crate::support::terminal::{is_there, on_terminal};
use crate::support::{Machine, Plugin, Registry, Server};

/// `caller` 1.0.0 asks for a host, and is locked without an approval.
fn asking() -> (Registry, Machine) {
    let registry = Registry::with([Plugin::new("caller", "1.0.0").asks_http("api.example.com"), Plugin::new("hash", "0.3.1")]);
    let machine = Machine::with_manifest(&registry, "# ours\n[plugins]\ncaller = \"^1\"   # calls\nhash = \"^0.3\"\n");
    machine.ok(["lock"]);
    (registry, machine)
}

fn approvals(machine: &Machine) -> String {
    machine.read("mockforge-plugins.toml").split_once("[approvals]\n").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
}

/// A plugin that sends the request that its configuration is.
fn sender(version: &str, hosts: &[&Server]) -> Plugin {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/sender-template.wat");
    let plugin = Plugin::new("sender", version).with(|plugin| plugin.wasm = wat::parse_file(file).expect("it's well-formed"));
    hosts.iter().fold(plugin, |plugin, host| plugin.asks_http(&host.origin()))
}

/// The project's configuration makes `sender` ask this server.
fn send_to(machine: &Machine, server: &Server) {
    let text = machine.read("mockforge-plugins.toml");
    let before = text.split("\n[config.sender]").next().expect("it's there").trim_end().to_owned();
    machine
        .write("mockforge-plugins.toml", format!("{before}\n\n[config.sender]\nmethod = \"GET\"\nurl = \"{}config.json\"\n", server.url()));
}

#[test]
fn a_dependencys_update_asks_for_a_new_host() {
    let (old, new, other) = (Registry::new(), Registry::new(), Registry::new());
    let (old, new, other) = (Server::over(old.folder()), Server::over(new.folder()), Server::over(other.folder()));
    let registry = Registry::with([Plugin::new("greet", "1.0.0").needs("sender", "^1"), sender("1.0.0", &[&old])]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["add", "greet@^1", "--approve"]);
    registry.publish(&sender("1.1.0", &[&old, &new]));
    registry.publish(&Plugin::new("greet", "1.1.0").needs("sender", "^1"));

    // The update is held back, everything else is done, and the command to type is said.
    let run = machine.mfp(["update"]);
    run.fails(5, "mfp::update::held-back");
    assert!(run.stderr.contains("~ greet 1.0.0 → 1.1.0"), "{}", run.stderr);
    assert!(run.stderr.contains("`mfp approve sender@1.1.0`, then `mfp update`"), "{}", run.stderr);
    assert_eq!(machine.ok(["list"]).stdout, "greet 1.1.0\nsender 1.0.0\n");

    // What's locked runs on, and reaches what was approved and nothing else.
    send_to(&machine, &old);
    assert_eq!(machine.ok(["run", "sender", "x", "--json"]).json()["result"]["status"], 200);
    send_to(&machine, &new);
    assert!(machine.mfp(["run", "sender", "x"]).all().contains("not-approved"));
    assert_eq!((old.connections(), new.connections()), (1, 0));

    // A person looks, and says yes.
    let looked = machine.mfp(["approve", "sender@1.1.0"]);
    looked.fails(5, "mfp::approval::undecided");
    machine.ok(["approve", "sender@1.1.0", "--yes"]);
    let approved = approvals(&machine);
    assert!(approved.contains(&old.origin()) && approved.contains(&new.origin()), "{approved}");
    // An approval is no update: the locked version asks for one host, and gets that one.
    assert!(machine.mfp(["run", "sender", "x"]).all().contains("not-approved"));
    assert_eq!(new.connections(), 0);

    machine.ok(["update"]);
    assert_eq!(machine.ok(["list"]).stdout, "greet 1.1.0\nsender 1.1.0\n");
    assert_eq!(machine.ok(["run", "sender", "x", "--json"]).json()["result"]["status"], 200);
    send_to(&machine, &other);
    assert!(machine.mfp(["run", "sender", "x"]).all().contains("not-approved"));
    assert_eq!((old.connections(), new.connections(), other.connections()), (1, 1, 0));
}

#[test]
fn what_is_effective_is_what_was_asked_and_approved_and_left_by_the_users_policy() {
    let (one, two) = (Registry::new(), Registry::new());
    let (one, two) = (Server::over(one.folder()), Server::over(two.folder()));
    let registry = Registry::with([sender("1.0.0", &[&one])]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nsender = \"^1\"\n");
    machine.ok(["lock"]);
    // More is approved than is asked: nothing comes of it.
    machine.ok(["approve", "sender", "--http", &one.origin(), "--http", &two.origin()]);
    send_to(&machine, &two);
    assert!(machine.mfp(["run", "sender", "x"]).all().contains("not-approved"));
    send_to(&machine, &one);
    machine.ok(["run", "sender", "x"]);
    // The user's policy narrows, and says so.
    let config = machine.path("config.toml");
    std::fs::write(&config, format!("[policy]\nhttp = [\"{}\"]\n", two.origin())).unwrap();
    let config = config.to_str().unwrap();
    let run = machine.mfp(["run", "sender", "x", "--config", config]);
    assert_ne!(run.code, 0, "{}", run.all());
    assert!(run.stderr.contains("a policy leaves nothing (`policy.http` in your configuration)"), "{}", run.all());
    let verified = machine.ok(["verify", "--config", config]);
    assert!(verified.stderr.contains("a policy leaves nothing (`policy.http` in your configuration)"), "{}", verified.all());
    let approved = machine.ok(["approve", "sender", "--yes", "--config", config, "--json"]).json();
    assert_eq!(approved["approvals"][0]["effective"], json!({}), "{approved}");
    assert_eq!((one.connections(), two.connections()), (1, 0));
}

#[test]
fn without_a_terminal_and_flags_nothing_is_approved() {
    let (_registry, machine) = asking();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["approve", "caller"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    caller 1.0.0 (registry+default, unsigned)
      capability            asked  approved  then  effective
      http api.example.com  yes    -         yes   yes
    error[mfp::approval::undecided]: nobody is there to ask, and no flag says what is approved
      • caller 1.0.0 asks for http api.example.com
      no file was changed
    help: if a person has decided that it may: `mfp approve caller --yes`
    ");
    assert_eq!(machine.files(), before);
    // Nor by anything in the environment.
    let mut command = machine.command();
    for name in ["MFP_YES", "MFP_APPROVE", "MFP_APPROVE_YES", "MFP_HTTP"] {
        command.env(name, "1");
    }
    machine.run(command.args(["approve", "caller"])).fails(5, "mfp::approval::undecided");
    assert_eq!(machine.files(), before);
}

#[test]
fn yes_approves_exactly_what_the_lock_asks_and_keeps_comments() {
    let (_registry, machine) = asking();
    insta::assert_snapshot!(machine.mfp(["approve", "caller", "--yes"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Approved http api.example.com for caller
    Wrote mockforge-plugins.toml; next: `mfp sync`
    ");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("# ours").unwrap().1, @r#"

    [plugins]
    caller = "^1"   # calls
    hash = "^0.3"

    [approvals]
    caller = { source = "registry+default", http = ["api.example.com"] }
    "#);
    machine.ok(["sync"]);
    // Again there's nothing to do.
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["approve", "caller"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    caller 1.0.0 (registry+default, unsigned)
      capability            asked  approved  then  effective
      http api.example.com  yes    yes       yes   yes
    caller is approved for what it asks
    ");
    assert_eq!(machine.files(), before);
    // What was approved beyond it goes.
    machine.ok(["approve", "caller", "--http", "more.example.com", "--memory", "128MiB", "--time-ms", "900"]);
    assert!(approvals(&machine).contains("memory = \"128MiB\""), "{}", approvals(&machine));
    machine.ok(["approve", "caller", "--yes"]);
    assert_eq!(machine.files(), before);
}

#[test]
fn flags_approve_what_they_say_and_only_that_with_only() {
    let (_registry, machine) = asking();
    machine.ok(["approve", "caller", "--http", "api.example.com"]);
    machine.ok(["approve", "caller", "--http", "*.x.com", "--env", "REGION", "--fs-read", "data", "--fs-write", "out"]);
    insta::assert_snapshot!(approvals(&machine), @r#"caller = { source = "registry+default", env = ["REGION"], fs-read = ["data"], fs-write = ["out"], http = ["*.x.com", "api.example.com"] }"#);
    let less = machine.ok(["approve", "caller", "--only", "--http", "other.example.com"]);
    assert!(less.stderr.contains("asks for more: http api.example.com"), "{}", less.stderr);
    insta::assert_snapshot!(approvals(&machine), @r#"caller = { source = "registry+default", http = ["other.example.com"] }"#);
    machine.mfp(["sync"]).fails(5, "mfp::approval::missing");
    for arguments in [
        &["approve", "caller", "hash", "--http", "a.example.com"][..],
        &["approve", "caller", "--http", "a.example.com/path"],
        &["approve", "caller", "--fs-write", ".git"],
        &["approve", "caller", "--memory", "lots"],
        &["approve", "caller", "--revoke", "--yes"],
        &["approve"],
    ] {
        assert_eq!(machine.mfp(arguments.iter().copied()).code, 2, "{arguments:?}");
    }
}

#[test]
fn what_was_approved_can_be_taken_back() {
    let (_registry, machine) = asking();
    machine.ok(["approve", "caller", "--yes"]);
    machine.ok(["sync"]);
    assert!(machine.has(".mockforge/plugins/caller"));
    machine.ok(["approve", "caller", "--revoke"]);
    assert_eq!(approvals(&machine), "");
    machine.mfp(["sync"]).fails(5, "mfp::approval::missing");
    assert!(!machine.has(".mockforge/plugins/caller"));
    machine.mfp(["run", "caller", "x"]).fails(5, "mfp::approval::missing");
}

#[test]
fn who_isnt_locked_has_nothing_to_approve() {
    let (_registry, machine) = asking();
    machine.mfp(["approve", "caler", "--yes"]).fails(1, "mfp::lock::not-locked");
    machine.mfp(["approve", "caller@9.9.9", "--yes"]).fails(1, "mfp::resolve::no-version");
    let run = machine.ok(["approve", "hash", "--yes"]);
    assert!(run.stderr.contains("hash asks for nothing, and needs no approval"), "{}", run.stderr);
    assert_eq!(approvals(&machine), "");
}

#[test]
fn a_version_that_isnt_locked_is_looked_up_and_offline_it_cant_be() {
    let (registry, machine) = asking();
    registry.publish(&Plugin::new("caller", "1.1.0").asks_http("new.example.com"));
    let server = Server::over(registry.folder());
    let manifest = machine.read("mockforge-plugins.toml").replace(&registry.url(), &server.url());
    machine.write("mockforge-plugins.toml", manifest);
    let before = machine.files();
    machine.mfp(["approve", "caller@1.1.0", "--yes", "--offline"]).fails(6, "mfp::network::offline");
    assert_eq!((machine.files(), server.connections()), (before, 0));
    machine.ok(["approve", "caller@1.1.0", "--yes"]);
    assert!(approvals(&machine).contains("new.example.com"), "{}", approvals(&machine));
}

#[test]
fn programs_are_told_what_was_decided() {
    let (_registry, machine) = asking();
    let document = machine.mfp(["approve", "caller", "--json"]).json();
    assert_eq!(document["error"]["code"], "mfp::approval::undecided");
    let document = machine.ok(["approve", "caller", "--yes", "--json"]).json();
    let asked = json!({ "http": ["api.example.com"] });
    assert_eq!(
        document["approvals"],
        json!([{
            "name": "caller", "version": "1.0.0", "locked": true, "source": "registry+default", "signer": null, "asked": asked,
            "before": {}, "approved": asked, "effective": asked, "broad": [], "void": null, "changed": true,
        }])
    );
    assert_eq!(document["file"], "mockforge-plugins.toml");
}

#[test]
fn on_a_terminal_a_person_is_asked() {
    if !is_there() {
        return;
    }
    let (_registry, machine) = asking();
    let before = machine.files();
    let run = on_terminal(&machine, "n", ["approve", "caller"]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(run.stdout.contains("mfp::approval::declined"), "{}", run.all());
    assert_eq!(machine.files(), before);
    // Enter alone is a no.
    assert_eq!(on_terminal(&machine, "\n", ["approve", "caller"]).code, 5);
    assert_eq!(machine.files(), before);
    let run = on_terminal(&machine, "y", ["approve", "caller"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.stdout.contains("http api.example.com  yes    -         yes   yes"), "{}", run.all());
    assert_eq!(approvals(&machine), "caller = { source = \"registry+default\", http = [\"api.example.com\"] }\n");
}

#[test]
fn on_a_terminal_run_and_add_ask() {
    if !is_there() {
        return;
    }
    let (_registry, machine) = asking();
    let before = machine.files();
    let run = on_terminal(&machine, "n", ["run", "caller", "upper", "\"a\""]);
    assert_eq!(run.code, 5, "{}", run.all());
    assert!(run.stdout.contains("mfp::approval::missing") && run.stdout.contains("`mfp approve caller`"), "{}", run.all());
    assert_eq!(machine.files(), before);
    let run = on_terminal(&machine, "y", ["run", "caller", "upper", "\"a\""]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.stdout.ends_with("{\"function_name\":\"upper\",\"args\":[\"a\"],\"context\":{}}\n"), "{}", run.all());
    assert!(machine.has(".mockforge/plugins/caller"));
    // In CI nobody is there, whatever the terminal looks like.
    machine.ok(["approve", "caller", "--revoke"]);
    let mut ci = machine.command();
    ci.env("CI", "true").args(["run", "caller", "upper", "\"a\""]);
    machine.run(&mut ci).fails(5, "mfp::approval::missing");

    machine.ok(["remove", "caller"]);
    let before = machine.files();
    let run = on_terminal(&machine, "n", ["add", "caller"]);
    assert_eq!((run.code, machine.files()), (5, before), "{}", run.all());
    let run = on_terminal(&machine, "y", ["add", "caller"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(approvals(&machine).contains("api.example.com"));
}

#[test]
fn approvals_from_the_users_own_file() {
    let (registry, machine) = asking();
    let config = machine.path("config.toml");
    std::fs::write(&config, "# mine\n[policy]\napprovals-from = \"user\"\n").unwrap();
    let mine = |arguments: &[&str]| machine.mfp(arguments.iter().copied().chain(["--config", config.to_str().unwrap()]));
    // The project's approval lets it run for others, and counts for nothing here; the stamp of the others' sync doesn't either.
    machine.ok(["approve", "caller", "--yes"]);
    machine.ok(["sync"]);
    let project = machine.files();
    let run = mine(&["sync"]);
    run.fails(5, "mfp::approval::missing");
    assert!(run.stderr.contains("the project's [approvals] count for nothing"), "{}", run.stderr);
    mine(&["run", "caller", "x"]).fails(5, "mfp::approval::missing");
    assert_eq!(mine(&["approve", "caller", "--yes"]).code, 0);
    let run = mine(&["run", "caller", "x"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(machine.files(), project, "the project's files are as they were");
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("# mine\n[policy]\napprovals-from = \"user\"\n"), "{text}");
    let folder = machine.path("project").canonicalize().unwrap();
    assert!(
        text.contains(&format!(
            "[approvals.\"{}\"]\ncaller = {{ source = \"registry+default\", registry = \"{}\"",
            folder.display(),
            registry.url()
        )),
        "{text}"
    );

    // The registry's name means another place: that's the project's to say, and the approval is void.
    let elsewhere = Registry::with([Plugin::new("caller", "1.0.0").asks_http("api.example.com"), Plugin::new("hash", "0.3.1")]);
    machine.write("mockforge-plugins.toml", project.0.replace(&registry.url(), &elsewhere.url()));
    machine.ok(["lock"]);
    let run = mine(&["sync"]);
    run.fails(5, "mfp::approval::missing");
    assert!(run.stderr.contains("its approval is void: it was given when the registry was"), "{}", run.stderr);

    machine.write("mockforge-plugins.toml", &project.0);
    machine.write("plugins.lock", project.1.unwrap());
    assert_eq!(mine(&["sync"]).code, 0);
    assert_eq!(mine(&["approve", "caller", "--revoke"]).code, 0);
    mine(&["sync"]).fails(5, "mfp::approval::missing");
    machine.ok(["sync"]);
}

#[test]
fn who_approves_for_themselves_adds_with_an_approval_of_their_own() {
    let (_registry, machine) = asking();
    machine.ok(["remove", "caller"]);
    let config = machine.path("config.toml");
    std::fs::write(&config, "[policy]\napprovals-from = \"user\"\n").unwrap();
    let mine = |arguments: &[&str]| machine.mfp(arguments.iter().copied().chain(["--config", config.to_str().unwrap()]));
    let before = machine.files();
    mine(&["add", "caller"]).fails(5, "mfp::approval::missing");
    assert_eq!(machine.files(), before);
    assert_eq!(mine(&["add", "caller", "--approve", "--dry-run"]).code, 0);
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "[policy]\napprovals-from = \"user\"\n");
    let run = mine(&["add", "caller", "--approve"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(approvals(&machine), "", "the project says nothing about it");
    assert!(std::fs::read_to_string(&config).unwrap().contains("http = [\"api.example.com\"]"));
    assert_eq!(mine(&["run", "caller", "x"]).code, 0);
    machine.mfp(["run", "caller", "x"]).fails(5, "mfp::approval::missing");
}

#[test]
fn a_project_cant_say_whose_approvals_count() {
    let (_registry, machine) = asking();
    let text = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("{text}\n[policy]\napprovals-from = \"project\"\n"));
    machine.mfp(["sync"]).fails(2, "mfp::manifest::misplaced");
}

#[test]
fn outdated_says_what_an_update_would_hold_back() {
    let (registry, machine) = asking();
    machine.ok(["approve", "caller", "--yes"]);
    registry.publish(&Plugin::new("caller", "1.1.0").asks_http("api.example.com"));
    registry.publish(&Plugin::new("hash", "0.3.2").asks_http("*"));
    insta::assert_snapshot!(machine.mfp(["outdated"]).all(), @"
    exit 0
    --- stdout
    plugin  current  compatible  latest
    caller  1.0.0    1.1.0       1.1.0
    hash    0.3.1    0.3.2       0.3.2  held back
    --- stderr
    Held back: hash 0.3.2 asks for http * (broad: reaches every host), which nobody approved (0.3.1 is kept); `mfp approve hash@0.3.2` lets it in
    ");
    let document = machine.ok(["outdated", "--json"]).json();
    assert_eq!(document["outdated"][0].get("held"), None);
    assert_eq!(document["outdated"][1]["held"]["commands"], json!(["mfp approve hash@0.3.2"]));
}
