//! `mfp audit`: what somebody should know about what's locked.

use serde_json::{Value, json};

use crate::support::server::{Server, respond};
use crate::support::{Machine, Plugin, Registry, Run};

fn warnings(block: bool) -> Value {
    json!([{ "id": "ACME-1", "name": "greet", "versions": "<1.1", "severity": "high", "title": "greets strangers", "url": "https://acme.example/1", "block": block },
           { "id": "ACME-2", "name": "greet", "versions": "<1.1", "severity": "low", "title": "is slow", "url": "javascript:alert(1)" },
           { "id": "ACME-3", "name": "hash", "versions": ">=9", "severity": "critical", "title": "not this one", "block": true }])
}

/// Everything that can be found, in one project.
fn project(registry: &Registry) -> Machine {
    let machine = Machine::with_manifest(
        registry,
        "[plugins]\ngreet = \"=1.0.0\"\nhash = \"^0.3\"\ncaller = \"^1\"\noauth = { remote = \"http://auth.acme.example:8080\", allow-http = true, types = [\"auth\"] }\n\n[approvals]\ncaller = { source = \"registry+default\", http = [\"*\"] }\n",
    );
    machine.ok(["lock"]);
    machine
}

fn shop() -> Registry {
    Registry::with([
        Plugin::new("greet", "1.0.0").with(|plugin| "2016-01-01T00:00:00Z".clone_into(&mut plugin.published)),
        Plugin::new("hash", "0.3.1"),
        Plugin::new("caller", "1.0.0").asks_http("*"),
    ])
}

#[test]
fn everything_is_told_the_worst_first() {
    let registry = shop();
    let machine = project(&registry);
    registry.warn(&warnings(false));
    insta::assert_snapshot!(machine.mfp(["audit"]).all());
    assert_eq!(machine.mfp(["audit", "--level", "critical"]).code, 0);
    machine.mfp(["audit", "--level", "high"]).fails(1, "mfp::audit::findings");
}

#[test]
fn nothing_to_tell() {
    let machine = Machine::new();
    Plugin::new("mine", "1.0.0").write_to(&machine.path("mine"));
    machine.write("mockforge-plugins.toml", "[plugins]\nmine = { path = \"../mine\" }\n");
    machine.ok(["lock"]);
    insta::assert_snapshot!(machine.mfp(["audit", "--level", "low"]).all());
}

#[test]
fn what_blocks_counts_at_every_level_until_a_person_says_that_they_know() {
    let registry = shop();
    let machine = project(&registry);
    registry.warn(&warnings(true));
    machine.mfp(["audit", "--level", "critical"]).fails(1, "mfp::audit::findings");
    machine.ok(["audit", "--level", "critical", "--ignore", "ACME-1"]);
    let run = machine.ok(["audit", "--ignore", "ACME-1", "--ignore", "http", "--ignore", "ACME-9", "--ignore", "unsigned/greet"]);
    assert!(run.stderr.contains("warning[mfp::audit::ignore]: `--ignore ACME-9` means nothing that was found"), "{}", run.all());
    assert!(!run.stdout.contains("unsigned/greet") && run.stdout.contains("unsigned/hash"), "{}", run.all());
}

#[test]
fn withdrawn_deprecated_and_vanished_versions() {
    let registry = Registry::new();
    let plugin = Plugin::new("greet", "1.0.0");
    let archive = plugin.archive();
    registry.publish(&plugin);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["lock"]);
    let index = registry.folder().join("index/gr/ee/greet");
    let tell = |change: &dyn Fn(&mut Value)| {
        let mut line = plugin.line(&archive);
        change(&mut line);
        std::fs::write(&index, format!("{line}\n")).unwrap();
        machine.mfp(["audit"])
    };
    let run = tell(&|line| line["yanked"] = "leaks\u{1b}[2J memory".into());
    run.fails(1, "mfp::audit::findings");
    assert!(
        run.stdout.contains("yanked/greet") && run.stdout.contains("was withdrawn by its publisher: leaks\\u{1b}[2J memory"),
        "{}",
        run.all()
    );
    let run = tell(&|line| line["deprecated"] = json!({ "reason": "nobody greets", "use": "hello" }));
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("greet 1.0.0 is deprecated: nobody greets; use hello"), "{}", run.all());
    std::fs::write(&index, "").unwrap();
    let run = machine.mfp(["audit"]);
    run.fails(1, "mfp::audit::findings");
    assert!(run.stdout.contains("isn't in its registry any more"), "{}", run.all());
}

#[test]
fn a_plugin_from_a_url_or_a_repository_that_nobody_signed_counts_for_more() {
    let machine = Machine::new();
    std::fs::write(machine.path("web.tar.gz"), Plugin::new("web", "1.0.0").archive()).unwrap();
    machine.write("mockforge-plugins.toml", format!("[plugins]\nweb = {{ url = \"file://{}\" }}\n", machine.path("web.tar.gz").display()));
    machine.ok(["lock"]);
    let run = machine.mfp(["audit"]);
    run.fails(1, "mfp::audit::findings");
    assert!(run.stdout.contains("medium    unsigned/web  web 1.0.0 comes from a URL, and isn't signed"), "{}", run.all());
}

#[test]
fn offline_it_goes_by_what_is_cached_and_says_how_old_that_is() {
    let registry = shop();
    registry.warn(&warnings(false));
    let server = Server::over(registry.folder());
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\ngreet = \"=1.0.0\"\n", server.url()));
    machine.ok(["lock"]);
    let asked = server.requests().len();
    let run = machine.mfp(["audit", "--offline"]);
    run.fails(1, "mfp::audit::findings");
    assert!(run.stdout.contains("ACME-1"), "{}", run.all());
    assert!(
        run.stderr.contains("No registry was asked: what's newer isn't known (default last answered less than a minute ago)"),
        "{}",
        run.all()
    );
    assert_eq!(server.requests().len(), asked);
    machine.ok(["cache", "clean"]);
    let run = machine.ok(["audit", "--offline"]);
    assert!(run.stderr.contains("default was never asked from this machine"), "{}", run.all());
}

#[track_caller]
fn unknown(run: &Run, code: i32) {
    run.fails(code, "mfp::audit::unknown");
    assert!(run.stdout.contains("unsigned/greet"), "what's found is told all the same: {}", run.all());
}

#[test]
fn a_registry_that_cant_be_asked_is_worse_than_what_was_found() {
    let registry = shop();
    registry.warn(&warnings(true));
    let machine = Machine::new();
    let against = |server: &Server| {
        machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\ngreet = \"=1.0.0\"\n", server.url()));
        let locked = machine.mfp(["lock", "--rebuild"]);
        (locked, machine.mfp(["audit"]))
    };
    std::fs::create_dir_all(machine.path("home/.config/mfp")).unwrap();
    std::fs::write(machine.path("home/.config/mfp/config.toml"), "[network]\nretries = 0\n").unwrap();
    for (status, body, code) in [("500 Oops", String::new(), 6), ("200 OK", "<html>".to_owned(), 6), ("200 OK", "x".repeat(5 << 20), 6)] {
        let server = Server::faulty(registry.folder(), move |request, stream| {
            request.path.ends_with("advisories.json") && respond(stream, status, "", &body)
        });
        let (locked, audited) = against(&server);
        assert_eq!(locked.code, 0, "{}", locked.all());
        assert!(locked.stderr.contains("warning[mfp::audit::unknown]"), "{}", locked.all());
        let code = if status.starts_with("200") { 4 } else { code };
        unknown(&audited, code);
    }
}

/// A log is what the published schema says, and its places are where people find the subject.
#[test]
fn sarif_is_what_its_schema_says() {
    let registry = shop();
    let machine = project(&registry);
    registry.warn(&json!([{ "id": "ACME-1", "name": "greet", "versions": "<1.1", "severity": "high", "title": "t\u{202e}\u{1b}[2J", "url": "https://acme.example/1", "block": true }, 7]));
    let run = machine.mfp(["audit", "--format", "sarif", "--ignore", "stale", "--level", "low"]);
    run.fails(1, "mfp::audit::findings");
    let log = run.json();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas/sarif-schema-2.1.0.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mistakes: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
    assert!(mistakes.is_empty(), "{mistakes:?}\n{log:#}");
    assert!(!run.stdout.contains(['\u{202e}', '\u{1b}']));

    let run_of = &log["runs"][0];
    let results = run_of["results"].as_array().unwrap();
    let of = |id: &str| results.iter().find(|result| result["ruleId"] == id).unwrap_or_else(|| panic!("{id}: {log:#}"));
    let rules = run_of["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(rules[index]["help"]["text"].as_str().is_some_and(|help| !help.is_empty()), "{}", rules[index]);
    }
    let place = |result: &Value| {
        let physical = &result["locations"][0]["physicalLocation"];
        (
            physical["artifactLocation"]["uri"].as_str().unwrap().to_owned(),
            usize::try_from(physical["region"]["startLine"].as_u64().unwrap()).unwrap(),
        )
    };
    let line = |file: &str, number: usize| machine.read(file).lines().nth(number).unwrap_or_default().to_owned();
    let (file, number) = place(of("ACME-1"));
    assert_eq!((file.as_str(), line(&file, number).as_str()), ("plugins.lock", "name = \"greet\""));
    let (file, number) = place(of("mfp/http"));
    assert!(file == "mockforge-plugins.toml" && line(&file, number - 1).starts_with("oauth"), "{file} {number}");
    assert_eq!(of("mfp/stale")["suppressions"][0]["kind"], "external");
    assert_eq!(of("ACME-1")["level"], "error");
    let again = machine.mfp(["audit", "--format", "sarif", "--level", "low"]).json();
    let prints = |log: &Value| {
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"]["mfpFinding/v1"].as_str().unwrap().to_owned())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(prints(&log), prints(&again));
    assert_eq!(prints(&log).len(), results.len());
    machine.mfp(["audit", "--format", "sarif", "--json"]).fails_usage();
}

trait Usage {
    fn fails_usage(&self);
}

impl Usage for Run {
    #[track_caller]
    fn fails_usage(&self) {
        assert_eq!((self.code, self.json()["error"]["code"].as_str()), (2, Some("mfp::usage::arguments")), "{}", self.all());
    }
}

#[test]
fn for_programs_each_finding_has_its_fixed_fields() {
    let registry = shop();
    let machine = project(&registry);
    registry.warn(&warnings(true));
    let run = machine.mfp(["audit", "--json"]);
    let document = run.json();
    assert_eq!((run.code, document["ok"].as_bool(), document["error"]["code"].as_str()), (1, Some(false), Some("mfp::audit::findings")));
    let first = &document["problems"][0];
    assert_eq!(
        (first["code"].as_str(), first["name"].as_str(), first["id"].as_str()),
        (Some("mfp::policy::advisory"), Some("greet"), Some("ACME-1"))
    );
    assert_eq!((first["severity"].as_str(), first["url"].as_str()), (Some("high"), Some("https://acme.example/1")));
    assert_eq!(document["as_of"][0]["registry"], "default");
}
