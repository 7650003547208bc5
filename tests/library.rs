//! A project as a host opens it, without the command: `mfp_loader::Loader::open`.

use mfp_loader::{Advisories, Loader, LoaderOptions, Project, SystemClock, SystemRandom, TemplateContext};
use serde_json::json;

use crate::support::{Machine, Plugin, Registry};

fn options() -> LoaderOptions {
    LoaderOptions::new(SystemClock, SystemRandom)
}

/// The project of a machine, opened by a host.
pub(crate) fn open(machine: &Machine) -> Result<mfp_loader::Plugins, mfp_loader::OpenError> {
    Loader::open(&Project::new(machine.path("project"), machine.path("store")), options())
}

fn echo(name: &str) -> Plugin {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/echo-template.wat");
    Plugin::new(name, "1.0.0").with(|plugin| {
        plugin.types = vec!["template".to_owned()];
        plugin.wasm = wat::parse_file(path).expect("the module is well-formed");
    })
}

#[test]
fn a_host_opens_a_project_and_calls_its_plugins() {
    let registry = Registry::with([echo("echo")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\necho = \"^1\"\n");
    assert_eq!(open(&machine).unwrap_err().code(), "mfp::io::failed", "there's no lock yet");
    machine.ok(["lock"]);
    let error = open(&machine).unwrap_err();
    assert!(error.code().starts_with("mfp::store::"), "nothing was fetched yet: {} {error}", error.code());
    machine.ok(["sync"]);
    let plugins = open(&machine).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answer = runtime.block_on(async {
        let plugin = plugins.plugin("echo").unwrap();
        plugin.execute("upper", &[json!("a")], &TemplateContext::default()).await.unwrap()
    });
    assert_eq!(answer, json!({ "function_name": "upper", "args": ["a"], "context": {} }));
}

#[test]
fn a_host_runs_neither_a_stale_lock_nor_what_nobody_approved() {
    let asking = echo("asking").with(|plugin| plugin.http = vec!["api.example.com".to_owned()]);
    let registry = Registry::with([echo("echo"), asking]);
    let machine = Machine::with_manifest(&registry, "[plugins]\necho = \"^1\"\n");
    machine.ok(["sync"]);
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("{manifest}asking = \"^1\"\n"));
    assert_eq!(open(&machine).unwrap_err().code(), "mfp::lock::stale");
    machine.mfp(["sync"]).fails(5, "mfp::approval::missing");
    assert_eq!(open(&machine).unwrap_err().code(), "mfp::approval::missing");
}

#[test]
fn a_host_stops_at_blocking_advisories_where_the_project_does() {
    let registry = Registry::with([echo("echo")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\necho = \"^1\"\n");
    machine.ok(["sync"]);
    let warned = |block: bool, versions: &str| {
        let list = json!([{ "id": "ACME-1", "name": "echo", "versions": versions, "severity": "high", "title": "echoes", "block": block }]);
        let known = Advisories::parse(list.to_string().as_bytes()).unwrap();
        let project = Project::new(machine.path("project"), machine.path("store"));
        Loader::open(&project.with_advisories([("default".parse().unwrap(), known)]), options())
    };
    warned(true, "*").unwrap();
    open(&machine).unwrap();
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("{manifest}\n[policy]\nadvisories = \"deny\"\n"));
    let error = warned(true, "*").unwrap_err();
    assert_eq!(error.code(), "mfp::policy::advisory");
    assert!(error.to_string().contains("echo 1.0.0 (ACME-1)"), "{error}");
    warned(false, "*").unwrap();
    warned(true, ">1").unwrap();
    // A host that was never told of the rule would run everything.
    assert_eq!(open(&machine).unwrap_err().code(), "mfp::policy::advisories-unknown");
    let nothing = Project::new(machine.path("project"), machine.path("store")).with_advisories([]);
    Loader::open(&nothing, options()).unwrap();
}

#[test]
fn a_host_runs_nothing_that_the_projects_policy_doesnt_allow() {
    let registry = Registry::with([echo("echo")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\necho = \"^1\"\n");
    machine.ok(["sync"]);
    open(&machine).unwrap();
    let manifest = machine.read("mockforge-plugins.toml");
    for (rule, code) in [
        ("licenses = []", "mfp::policy::license"),
        ("deny = [\"registry:*\"]", "mfp::policy::source"),
        ("require-signatures = true", "mfp::policy::unsigned"),
    ] {
        machine.write("mockforge-plugins.toml", format!("{manifest}\n[policy]\n{rule}\n"));
        assert_eq!(open(&machine).unwrap_err().code(), code);
    }
}
