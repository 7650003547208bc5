//! A lock that says less than a plugin asks, or more, is refused: wherever the plugin's bytes come from, and whatever is approved.

use crate::support::git::{Repo, has_programs};
use crate::support::{Machine, Plugin, Registry, Server};

const ASKED: &str = r#"capabilities = { http = ["api.example.com"] }"#;
const NARROWER: &str = "capabilities = {}";
const WIDER: &str = r#"capabilities = { http = ["*.example.com", "api.example.com"] }"#;
const OTHER: &str = r#"capabilities = { env = ["TOKEN"] }"#;

fn asking() -> Plugin {
    Plugin::new("caller", "1.0.0").asks_http("api.example.com")
}

/// A project that declares `caller` like this, with everything approved that any of the locks here asks for.
fn project(registry: &Registry, declared: &str, source: &str) -> Machine {
    let approved = "env = [\"TOKEN\"], http = [\"*\"]";
    let machine = Machine::with_manifest(
        registry,
        &format!("[plugins]\ncaller = {declared}\n\n[approvals]\ncaller = {{ source = \"{source}\", {approved} }}\n"),
    );
    machine.ok(["sync"]);
    assert!(machine.read("plugins.lock").contains(ASKED), "{}", machine.read("plugins.lock"));
    machine
}

/// Another machine gets this lock, and the bytes from their origin.
fn elsewhere(machine: &Machine, lock: &str) -> Machine {
    let other = Machine::new();
    other.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml"));
    other.write("plugins.lock", lock);
    other
}

#[track_caller]
fn refused_wherever_it_comes_from(machine: &Machine) {
    machine.ok(["vendor", "vendored"]);
    let lock = machine.read("plugins.lock");
    for lie in [NARROWER, WIDER, OTHER] {
        let edited = lock.replace(ASKED, lie);
        assert_ne!(edited, lock);
        // From its origin.
        let there = elsewhere(machine, &edited);
        there.mfp(["sync", "--frozen"]).fails(4, "mfp::integrity::metadata");
        assert!(!there.has(".mockforge/plugins/caller"), "{lie}");
        // From a vendored folder.
        let vendored = machine.project("vendored");
        let there = elsewhere(machine, &edited);
        there
            .mfp(["sync", "--frozen", "--offline", "--vendor", vendored.to_str().expect("a file can be read")])
            .fails(4, "mfp::integrity::metadata");
        assert!(!there.has(".mockforge/plugins/caller"), "{lie}");
        // From the store, into which it came under an honest lock.
        let there = elsewhere(machine, &lock);
        there.ok(["sync", "--frozen"]);
        there.write("plugins.lock", &edited);
        for arguments in
            [&["sync", "--frozen"][..], &["run", "caller", "upper", "--frozen"], &["serve", "--frozen", "--listen", "127.0.0.1:0"]]
        {
            there.mfp(arguments.iter().copied()).fails(4, "mfp::integrity::metadata");
        }
        let run = there.mfp(["verify"]);
        assert_eq!(run.code, 4, "{}", run.all());
        assert!(run.stderr.contains("caller") && run.stderr.contains("capabilities"), "{}", run.all());
        // A host that loads it without the command.
        assert_eq!(crate::library::open(&there).expect_err("a file can be read").code(), "mfp::integrity::metadata", "{lie}");
    }
}

#[test]
fn a_plugin_of_a_registry_asks_for_other_than_the_lock_says() {
    let registry = Registry::with([asking()]);
    refused_wherever_it_comes_from(&project(&registry, "\"^1\"", "registry+default"));
}

#[test]
fn a_plugin_at_a_url_asks_for_other_than_the_lock_says() {
    let registry = Registry::new();
    registry.put("x/caller.tar.gz", &asking().archive());
    let server = Server::over(registry.folder());
    let url = format!("{}x/caller.tar.gz", server.url());
    refused_wherever_it_comes_from(&project(&registry, &format!("{{ url = \"{url}\" }}"), &format!("url+{url}")));
}

#[test]
fn a_plugin_in_a_repository_asks_for_other_than_the_lock_says() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&asking());
    let url = repo.file_url();
    refused_wherever_it_comes_from(&project(&Registry::new(), &format!("{{ git = \"{url}\" }}"), &format!("git+{url}")));
}

#[test]
fn an_archive_asks_for_other_than_the_index_says() {
    for said in [serde_json::json!({}), serde_json::json!({ "http": ["*"] }), serde_json::json!({ "env": ["TOKEN"] })] {
        let registry = Registry::new();
        let archive = asking().archive();
        let mut line = asking().line(&archive);
        line["capabilities"] = said.clone();
        registry.publish_as(&asking(), line, &archive);
        let machine = Machine::with_manifest(
            &registry,
            "[plugins]\ncaller = \"^1\"\n\n[approvals]\ncaller = { source = \"registry+default\", env = [\"TOKEN\"], http = [\"*\"] }\n",
        );
        machine.mfp(["sync"]).fails(4, "mfp::integrity::metadata");
        assert!(!machine.has(".mockforge/plugins/caller"), "{said}");
    }
}
