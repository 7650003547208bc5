//! `--json`: exactly one document on stdout, of the published shape, whatever happens; exit codes as without it.

use std::collections::BTreeSet;
use std::io::{Seek as _, Write as _};

use serde_json::Value;

use crate::support::{Machine, Plugin, Registry, Run};

/// What a command printed is one document, nothing else is said, and its schema in `docs/reference/json` holds.
#[track_caller]
fn check(run: &Run, command: &str) -> Value {
    assert_eq!(run.stdout.lines().count(), 1, "{}", run.all());
    assert_eq!(run.stderr, "", "{}", run.all());
    let document = run.json();
    assert_eq!(document["command"], command, "{document:#}");
    assert_eq!(document["v"], 1);
    if command != "mfp" {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/reference/json/{command}.json"));
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("the schema is there")).expect("it's JSON");
        let validator = jsonschema::validator_for(&schema).expect("it's a schema");
        let mistakes: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(mistakes.is_empty(), "{mistakes:?}\n{document:#}");
    }
    document
}

/// What's on stdin for those that read it.
fn token() -> std::fs::File {
    let mut file = tempfile::tempfile().expect("a temporary file can be made");
    file.write_all(b"a-token\n").expect("it can be written");
    file.rewind().expect("it's a file");
    file
}

fn shop() -> (Registry, Machine) {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"=1.0.0\"\n");
    (registry, machine)
}

#[test]
fn every_commands_output_is_what_its_schema_says() {
    let (_registry, machine) = shop();
    let mut seen = BTreeSet::new();
    let mut ok = |arguments: &[&str], command: &'static str| {
        let run = machine.run(machine.command().args(arguments).arg("--json").stdin(token()));
        let document = check(&run, command);
        assert!(run.code == 0 && document["ok"] == true, "{arguments:?}: {}", run.all());
        seen.insert(command);
        document
    };
    ok(&["init", "another", "--registry", "https://plugins.acme.example/"], "init");
    let locked = ok(&["lock"], "lock");
    assert_eq!(locked["changes"][0]["kind"], "added");
    assert_eq!(locked["changes"][0]["to"]["version"], "1.0.0");
    assert_eq!(locked["changes"][0]["from"], Value::Null);
    ok(&["sync"], "sync");
    machine.write("old.lock", machine.read("plugins.lock"));
    ok(&["sync", "--check"], "sync");
    assert_eq!(ok(&["add", "hash"], "add")["changes"][0]["name"], "hash");
    assert_eq!(ok(&["remove", "hash", "--dry-run"], "remove")["dry_run"], true);
    ok(&["remove", "hash"], "remove");
    assert_eq!(ok(&["upgrade", "greet"], "upgrade")["changes"][0]["kind"], "updated");
    ok(&["update"], "update");
    assert_eq!(ok(&["diff", "old.lock", "plugins.lock"], "diff")["changes"][0]["differences"][0]["what"], "version");
    assert_eq!(ok(&["approve", "greet"], "approve")["approvals"][0]["changed"], false);
    assert_eq!(ok(&["run", "greet", "hello", "[1]"], "run")["result"]["args"][0], 1);
    assert!(ok(&["serve", "--export", "mockforge"], "serve")["export"].is_string());
    assert_eq!(ok(&["list"], "list")["plugins"][0]["direct"], true);
    assert_eq!(ok(&["tree"], "tree")["edges"][0]["to"], "words");
    assert_eq!(ok(&["why", "words"], "why")["paths"][0][1], "words");
    ok(&["outdated"], "outdated");
    assert_eq!(ok(&["info", "greet", "--config"], "info")["plugin"]["locked"], "2.0.0");
    ok(&["docs", "greet"], "docs");
    assert_eq!(ok(&["search", "hash"], "search")["results"][0]["name"], "hash");
    ok(&["verify"], "verify");
    assert_eq!(ok(&["export", "--format", "json"], "export")["export"]["plugins"][0]["name"], "greet");
    assert_eq!(ok(&["export", "--format", "cyclonedx"], "export")["bom"]["specVersion"], "1.6");
    assert_eq!(ok(&["audit"], "audit")["problems"][0]["code"], "mfp::audit::unsigned");
    ok(&["vendor", "vendored"], "vendor");
    assert_eq!(ok(&["examples"], "examples")["examples"][0]["name"], "auth-basic");
    assert_eq!(ok(&["examples", "auth-jwt"], "examples")["copied"]["name"], "auth-jwt");
    ok(&["new", "auth-new", "--type", "auth", "--lang", "rust"], "new");
    machine.write("service/plugin.yaml", "mfp: 1\nplugin: { id: service, version: 1.0.0, types: [auth], runtime: remote }\n");
    assert_eq!(ok(&["build", "service"], "build")["built"], Value::Null);
    Plugin::new("greet", "3.0.0").write_to(&machine.project("mine"));
    assert_eq!(ok(&["package", "mine", "--output", "mine.tar.zst"], "package")["name"], "greet");
    ok(&["registry", "init", "reg"], "registry");
    ok(&["registry", "add", "reg", "mine.tar.zst"], "registry");
    Plugin::new("greet", "3.0.1").write_to(&machine.project("mine"));
    assert_eq!(ok(&["publish", "mine", "--registry", "reg"], "publish")["predecessor"], "3.0.0");
    assert_eq!(ok(&["yank", "greet@3.0.1", "--registry", "reg"], "yank")["yanked"], true);
    ok(&["registry", "yank", "reg", "greet@3.0.0"], "registry");
    ok(&["registry", "bulk", "reg"], "registry");
    assert_eq!(ok(&["registry", "check", "reg"], "registry")["checked"]["versions"], 2);
    assert_eq!(ok(&["test", "service"], "test")["own"], Value::Null);
    ok(&["key", "new", "--output", "publisher.key", "--no-password"], "key");
    ok(&["key", "statement", ".mockforge/plugins/greet"], "key");
    machine.write("own/plugin.yaml", "mfp: 1\nplugin: { id: own, version: 1.0.0, types: [template] }\n");
    machine.write("own/own.wasm", Plugin::new("own", "1.0.0").wasm);
    assert_eq!(ok(&["validate", "own"], "validate")["problems"][0]["severity"], "warning");
    for action in ["dir", "size", "verify", "prune", "clean"] {
        ok(&["cache", action], "cache");
    }
    ok(&["doctor"], "doctor");
    ok(&["login", "https://canary.invalid/", "--token-stdin", "--no-check", "--store", "file"], "login");
    ok(&["whoami", "https://canary.invalid/"], "whoami");
    ok(&["logout", "https://canary.invalid/"], "logout");
    ok(&["config", "path"], "config");
    ok(&["config", "list"], "config");
    ok(&["schema", "manifest"], "schema");
    ok(&["schema", "lock", "--example"], "schema");
    ok(&["man"], "man");
    ok(&["completions", "bash"], "completions");
    ok(&["self", "version"], "self");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/json");
    let published: BTreeSet<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(seen.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), published, "every schema is held to something");
}

/// Without `--json` and with it: the same exit code and the same error code.
#[track_caller]
fn fails_alike(machine: &Machine, arguments: &[&str], command: &str, code: i32) -> Value {
    let plain = machine.mfp(arguments.iter().copied());
    let run = machine.mfp(arguments.iter().copied().chain(["--json"]));
    let document = check(&run, command);
    assert_eq!((plain.code, run.code), (code, code), "{arguments:?}: {}", run.all());
    assert_eq!(document["ok"], false);
    if plain.error_code() != "none" {
        assert_eq!(document["error"]["code"], plain.error_code());
    }
    for key in ["message", "help"] {
        assert!(document["error"][key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {document:#}");
    }
    document
}

#[test]
fn failures_are_documents_too() {
    let (_registry, machine) = shop();
    machine.ok(["config", "set", "link-mode", "copy"]);
    fails_alike(&machine, &["list"], "list", 3);
    fails_alike(&machine, &["lock", "--check"], "lock", 3);
    let unknown = fails_alike(&machine, &["add", "gret"], "add", 1);
    assert_eq!(unknown["error"]["details"]["nearest"][0], "greet");
    fails_alike(&machine, &["add", "caller"], "add", 5);
    fails_alike(&machine, &["add", "remote+http://auth:8080"], "add", 2);
    fails_alike(&machine, &["add", "--offline", "acme/plugins"], "add", 6);
    fails_alike(&machine, &["sync", "--check"], "sync", 3);
    machine.ok(["lock"]);
    let layout = fails_alike(&machine, &["sync", "--check"], "sync", 1);
    assert_eq!(layout["changes"][0]["name"], "greet");
    fails_alike(&machine, &["run", "nobody", "f"], "run", 1);
    fails_alike(&machine, &["run", "greet", "f", "{"], "run", 2);
    fails_alike(&machine, &["config", "get", "registry"], "config", 1);
    machine.ok(["sync"]);
    machine.write(".mockforge/plugins/greet/README.md", "changed");
    let changed = fails_alike(&machine, &["verify"], "verify", 4);
    assert_eq!(changed["problems"][0]["code"], "mfp::layout::changed");
    machine.write("plugins.lock", "nonsense");
    let broken = fails_alike(&machine, &["list"], "list", 2);
    assert_eq!(broken["error"]["details"]["file"], "plugins.lock");
    fails_alike(&machine, &["doctor"], "doctor", 1);
}

#[test]
fn usage_errors_are_documents_too() {
    let (_registry, machine) = shop();
    fails_alike(&machine, &["snyc"], "mfp", 2);
    let missing = fails_alike(&machine, &["remove"], "mfp", 2);
    assert_eq!(missing["error"]["message"], "the following required arguments were not provided: <NAME>...");
    assert_eq!(missing["error"]["help"], "`mfp remove --help`");
    fails_alike(&machine, &["sync", "--lokced"], "mfp", 2);
    let run = machine.run(machine.command().env("MFP_OFFLINE", "perhaps").args(["sync", "--json"]));
    assert_eq!(run.code, 2);
    assert_eq!(check(&run, "sync")["error"]["code"], "mfp::usage::environment");
    let run = machine.run(machine.command().env("MFP_JSON", "1").args(["snyc"]));
    assert_eq!((run.code, check(&run, "mfp")["error"]["code"].as_str()), (2, Some("mfp::usage::arguments")));
}

#[test]
fn warnings_and_refusals_stand_beside_what_was_done() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\nhash = \"^0.3\"\ncaller = \"^1\"\n");
    let run = machine.mfp(["sync", "--json"]);
    let document = check(&run, "sync");
    assert_eq!((run.code, document["ok"].as_bool(), document["error"]["code"].as_str()), (5, Some(false), Some("mfp::approval::missing")));
    assert_eq!(document["changes"][0]["name"], "hash");
    machine.write(".mockforge/plugins/hash/mine.txt", "x");
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("hash = \"^0.3\"\ncaller = \"^1\"\n", ""));
    let document = check(&machine.mfp(["sync", "--json"]), "sync");
    assert_eq!(document["warnings"][0]["code"], "mfp::layout::foreign");
}

#[test]
fn the_sandbox_names_plugin_function_and_limit_for_programs() {
    let endless = wat::parse_file(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/loop-template.wat")).unwrap();
    let registry = Registry::with([Plugin::new("endless", "1.0.0").with(|plugin| plugin.wasm = endless)]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nendless = \"1\"\n");
    let document = fails_alike(&machine, &["run", "endless", "upper"], "run", 7);
    assert_eq!(document["error"]["details"]["plugin"], "endless");
    assert_eq!(document["error"]["details"]["function"], "execute");
}
