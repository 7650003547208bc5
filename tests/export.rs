//! `mfp export`: bills of materials, held to the schema that others publish.

use std::path::Path;

use serde_json::Value;

use crate::support::git::{Repo, has_programs, mfp};
use crate::support::{Machine, Plugin, Registry};

/// The published schemas, by the last part of their address.
struct Published;

impl jsonschema::Retrieve for Published {
    fn retrieve(&self, uri: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.as_str().rsplit('/').next().unwrap_or_default();
        Ok(serde_json::from_slice(&std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas").join(name))?)?)
    }
}

#[track_caller]
fn is_valid(bom: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/bom-1.6.SNAPSHOT.schema.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).expect("a file can be read")).expect("a file can be read");
    let validator = jsonschema::options().with_retriever(Published).should_validate_formats(true).build(&schema).expect("it's a schema");
    let mistakes: Vec<String> = validator.iter_errors(bom).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}\n{bom:#}");
    let broken = bom
        .as_object()
        .expect("it's of that kind")
        .iter()
        .map(|(key, value)| (key.clone(), if key == "version" { "one".into() } else { value.clone() }));
    assert!(!validator.is_valid(&Value::Object(broken.collect())), "the schema holds it to something");
}

fn shop() -> Registry {
    let registry = Registry::shop();
    registry.publish(&Plugin::new("odd", "1.0.0").with(|it| it.more_yaml = String::new()));
    registry
}

const PLUGINS: &str = r#"[plugins]
greet = "^1"
caller = "^1"
alias = { version = "^0.3", package = "hash", registry = "default" }
oauth = { remote = "http://auth-plugin:8080", allow-http = true, types = ["auth"] }
elsewhere = { remote = { env = "AUTH_URL" }, types = ["auth"] }
mine = { path = "../mine" }

[groups.load-test]
odd = "^1"
"#;

fn project(registry: &Registry) -> Machine {
    let machine = Machine::with_manifest(registry, PLUGINS);
    Plugin::new("mine", "0.1.0").with(|it| it.more_files = vec![]).write_to(&machine.path("mine"));
    machine.ok(["lock"]);
    machine
}

/// The document as it's written: what's printed has no machine's paths in these tests.
fn written(machine: &Machine, format: &str, more: &[&str]) -> String {
    machine.ok(["export", "--format", format, "--output", "../document.json"].into_iter().chain(more.iter().copied()));
    std::fs::read_to_string(machine.path("document.json")).expect("a file can be read")
}

fn bom(machine: &Machine) -> Value {
    serde_json::from_str(&written(machine, "cyclonedx", &[])).expect("it's JSON")
}

#[test]
fn a_bill_of_materials_is_what_cyclonedx_says() {
    let registry = shop();
    let machine = project(&registry);
    let bom = bom(&machine);
    is_valid(&bom);
    let names = |key: &str| bom[key].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names("components"), ["hash", "caller", "greet", "mine", "words"]);
    assert_eq!(names("services"), ["elsewhere", "oauth"]);
    let caller = &bom["components"][1];
    let lock = machine.read("plugins.lock");
    let sha256 = lock.split("sha256 = \"").nth(2).unwrap().split('"').next().unwrap();
    let content = Plugin::new("caller", "1.0.0").asks_http("api.example.com").content();
    assert_eq!(
        caller["hashes"],
        serde_json::json!([{ "alg": "SHA-256", "content": sha256 }, { "alg": "BLAKE3", "content": content.trim_start_matches("blake3:") }])
    );
    assert_eq!(caller["licenses"], serde_json::json!([{ "expression": "MIT" }]));
    assert!(
        caller["purl"].as_str().unwrap().starts_with(&format!("pkg:generic/caller@1.0.0?checksum=sha256%3A{sha256}&repository_url=file")),
        "{caller}"
    );
    let properties = caller["properties"].as_array().unwrap();
    let property = |name: &str, value: &str| properties.contains(&serde_json::json!({ "name": name, "value": value }));
    assert!(property("mfp:capability:http", "api.example.com") && property("mfp:signer", "unsigned"), "{caller:#}");
    let edges: Vec<(String, usize)> = bom["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["ref"].as_str().unwrap().to_owned(), one["dependsOn"].as_array().unwrap().len()))
        .collect();
    assert_eq!(edges[0], ("project".to_owned(), 6));
    assert!(edges.contains(&("plugin:greet".to_owned(), 1)) && edges.contains(&("plugin:words".to_owned(), 0)));
    assert_eq!(bom["metadata"]["component"]["name"], "project");
    // A licence that SPDX doesn't know is a name.
    machine.write("plugins.lock", lock.replace("license = \"MIT\"", "license = \"Our own, see LICENSE\""));
    let bom: Value = serde_json::from_str(&written(&machine, "cyclonedx", &[])).unwrap();
    is_valid(&bom);
    assert_eq!(bom["components"][0]["licenses"][0]["license"]["name"], "Our own, see LICENSE");
}

#[test]
fn the_same_lock_gives_the_same_bytes_whenever_and_wherever() {
    let registry = shop();
    let machine = project(&registry);
    let export = |machine: &Machine, more: &[&str]| written(machine, "cyclonedx", more);
    let bom = export(&machine, &[]);
    assert_eq!(bom, export(&machine, &[]));
    assert!(!bom.contains("timestamp"), "no clock gets in");
    let elsewhere = Machine::new();
    for file in ["mockforge-plugins.toml", "plugins.lock"] {
        elsewhere.write(file, machine.read(file));
    }
    Plugin::new("mine", "0.1.0").write_to(&elsewhere.path("mine"));
    assert_eq!(bom, export(&elsewhere, &[]));
    let arguments = ["export", "--format", "cyclonedx", "--output", "../dated.json"];
    assert_eq!(machine.run(machine.command().env("SOURCE_DATE_EPOCH", "1767225600").args(arguments)).code, 0);
    let dated: Value = serde_json::from_str(&std::fs::read_to_string(machine.path("dated.json")).unwrap()).unwrap();
    is_valid(&dated);
    assert_eq!(dated["metadata"]["timestamp"], "2026-01-01T00:00:00Z");
    assert_ne!(dated["serialNumber"], serde_json::from_str::<Value>(&bom).unwrap()["serialNumber"], "another bill has another number");
    let wrong = machine.run(machine.command().env("SOURCE_DATE_EPOCH", "yesterday").args(["export", "--format", "json"]));
    wrong.fails(2, "mfp::usage::environment");
    let named: Value = serde_json::from_str(&export(&machine, &["--name", "shop", "--all-groups"])).unwrap();
    assert_eq!((named["metadata"]["component"]["name"].as_str(), named["components"].as_array().unwrap().len()), (Some("shop"), 6));
    assert_eq!(export(&machine, &["--group", "load-test"]).matches("\"bom-ref\": \"plugin:odd\"").count(), 1);
    assert_eq!(bom.matches("plugin:odd").count(), 0);
}

#[test]
fn a_document_of_mfps_own_is_what_its_schema_says() {
    let registry = shop();
    let machine = project(&registry);
    let document = machine.ok(["export", "--format", "json"]).json();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/json/export.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let own = serde_json::json!({ "$ref": "#/$defs/ExportedLock", "$defs": schema["$defs"] });
    let validator = jsonschema::validator_for(&own).unwrap();
    assert!(validator.is_valid(&document), "{document:#}");
    assert!(!validator.is_valid(&serde_json::json!({ "project": "x" })));
    let alias = &document["plugins"][0];
    assert_eq!((&alias["name"], &alias["package"], &alias["version"]), (&"alias".into(), &"hash".into(), &"0.3.1".into()));
    assert_eq!(document["plugins"][1]["capabilities"], serde_json::json!({ "http": ["api.example.com"] }));
    assert_eq!(document["plugins"][3]["dependencies"][0]["name"], "words");
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let registry = shop();
    let machine = project(&registry);
    let run = machine.ok(["export", "--format", "cyclonedx", "--output", "bom.json"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "Wrote 7 plugins to [ROOT]/project/bom.json\n"));
    let printed = machine.run(machine.command().args(["export", "--format", "cyclonedx"])).stdout;
    assert_eq!(
        machine.read("bom.json").replace(registry.folder().to_str().unwrap(), "[REGISTRY]"),
        printed.replace(registry.folder().to_str().unwrap(), "[REGISTRY]")
    );
    assert_eq!(machine.mfp(["export", "--format", "cyclonedx", "--output", "nowhere/bom.json"]).code, 8);
    let document = machine.ok(["export", "--format", "json", "--output", "lock.json", "--json"]).json();
    assert!(document["path"].as_str().unwrap().ends_with("lock.json") && document.get("export").is_none(), "{document}");
    // What was added since isn't in the lock: that's said.
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml").replace("greet = \"^1\"", "greet = \"^2\""));
    let run = machine.ok(["export", "--format", "json"]);
    assert!(run.stderr.contains("warning[mfp::lock::stale]: plugins.lock is out of date"), "{}", run.stderr);
    machine.mfp(["export", "--format", "spdx"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn what_is_from_a_url_or_from_git_says_where_without_its_secrets() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&Plugin::new("graphql", "1.0.0"));
    let machine = Machine::new();
    std::fs::write(machine.path("csv-2.0.0.tar.gz"), Plugin::new("csv", "2.0.0").archive()).unwrap();
    let manifest = format!(
        "[plugins]\ncsv = {{ url = \"file://{}\" }}\ngraphql = {{ git = \"{}\", tag = \"v1.0.0\" }}\n",
        machine.path("csv-2.0.0.tar.gz").display(),
        repo.file_url()
    );
    machine.write("mockforge-plugins.toml", manifest);
    let run = mfp(&machine, ["lock"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let lock = machine.read("plugins.lock");
    let commit = repo.git(["rev-parse", "HEAD"]);
    let bom = bom(&machine);
    is_valid(&bom);
    assert_eq!(bom["components"][1]["externalReferences"][0]["type"], "vcs");
    assert!(bom["components"][1]["purl"].as_str().unwrap().ends_with(&format!("%40{commit}")), "{bom:#}");
    assert_eq!(bom["components"][0]["externalReferences"][0]["hashes"][0]["alg"], "SHA-256");
    // The values of a query may be keys.
    let url = format!("file://{}", machine.path("csv-2.0.0.tar.gz").display());
    machine.write("plugins.lock", lock.replace(&url, "https://cdn.acme.example/csv-2.0.0.tar.gz?token=s3cret"));
    machine.write(
        "mockforge-plugins.toml",
        machine.read("mockforge-plugins.toml").replace(&url, "https://cdn.acme.example/csv-2.0.0.tar.gz?token=s3cret"),
    );
    for format in ["cyclonedx", "json"] {
        let run = machine.ok(["export", "--format", format]);
        assert!(run.stdout.contains("cdn.acme.example") && !run.stdout.contains("s3cret"), "{}", run.stdout);
    }
}
