//! `mfp registry`: a registry that's a folder is made, filled, looked at, and survives whoever is stopped while writing to it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::env::tree;
use crate::support::signing::{Publisher, signer};
use crate::support::{Machine, Plugin, Registry, Run};

/// A machine with an empty registry in `reg`.
fn keeper() -> Machine {
    let machine = Machine::new();
    machine.ok(["registry", "init", "reg", "--name", "acme"]);
    machine
}

/// The package of a plugin, as a file of the project.
fn package(machine: &Machine, plugin: &Plugin) -> String {
    let file = format!("{}-{}.tar.gz", plugin.name, plugin.version);
    machine.write(&file, plugin.archive());
    file
}

fn add(machine: &Machine, plugin: &Plugin) -> Run {
    let file = package(machine, plugin);
    machine.mfp(["registry", "add", "reg", &file])
}

#[track_caller]
fn added(machine: &Machine, plugin: &Plugin) {
    let run = add(machine, plugin);
    assert_eq!(run.code, 0, "{}", run.all());
}

#[track_caller]
fn is_well(machine: &Machine) -> serde_json::Value {
    let run = machine.ok(["registry", "check", "reg", "--json"]);
    run.json()["checked"].clone()
}

/// The problems that are told, as `file:line code`.
fn problems(machine: &Machine) -> Vec<String> {
    let run = machine.mfp(["registry", "check", "reg", "--json"]);
    let document = run.json();
    let told: Vec<&serde_json::Value> =
        document["checked"]["problems"].as_array().expect("a list").iter().filter(|one| one["severity"] == "error").collect();
    assert_eq!(run.code, if told.is_empty() { 0 } else { 4 }, "{}", run.all());
    let line = |one: &serde_json::Value| one["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
    told.iter()
        .map(|one| format!("{}{} {}", one["file"].as_str().expect("a text"), line(one), one["code"].as_str().expect("a text")))
        .collect()
}

#[test]
fn a_registry_is_made_filled_and_used() {
    let machine = keeper();
    assert_eq!(machine.read("reg/search.json"), "[]\n");
    let publisher = Publisher::named("publisher");
    added(&machine, &Plugin::new("words", "1.0.0"));
    let signed = Plugin::new("greet", "1.0.0").needs("words", "^1").asks_http("api.example.com").signed_by(&publisher);
    let file = package(&machine, &signed);
    machine.mfp(["registry", "add", "reg", &file]).fails(5, "mfp::registry::signer");
    assert!(!machine.has("reg/dl/greet"), "what's refused leaves nothing");
    machine.ok(["registry", "add", "reg", &file, "--signer", &signer("publisher")]);
    // The line says what everybody who follows the published rules would have written.
    let archive = signed.archive();
    let mut wanted = signed.line(&archive);
    let line: serde_json::Value = serde_json::from_str(machine.read("reg/index/gr/ee/greet").trim_end()).unwrap();
    for (key, value) in line.as_object().unwrap() {
        if !["published", "unpacked"].contains(&key.as_str()) {
            assert_eq!(value, &wanted[key], "{key}");
        }
        wanted.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(wanted.as_object().unwrap().len(), 0, "{wanted}");
    // The signer is known now.
    added(&machine, &Plugin::new("greet", "1.1.0").needs("words", "^1").asks_http("api.example.com").signed_by(&publisher));
    assert_eq!(is_well(&machine)["versions"], 3);
    let list: serde_json::Value = serde_json::from_str(&machine.read("reg/search.json")).unwrap();
    assert_eq!(
        (list[0]["name"].as_str(), list[0]["version"].as_str(), list[1]["name"].as_str()),
        (Some("greet"), Some("1.1.0"), Some("words"))
    );

    machine.write("mockforge-plugins.toml", "[registries]\ndefault = \"file:reg/\"\n\n[plugins]\n");
    machine.ok(["add", "greet", "--approve"]);
    assert!(machine.read("plugins.lock").contains(&format!("signer = \"{}\"", signer("publisher"))));
    assert_eq!(machine.ok(["search", "greet"]).stdout.split(' ').next(), Some("greet"));
    machine.ok(["registry", "bulk", "reg"]);
    assert_eq!(is_well(&machine)["problems"].as_array().expect("a list").len(), 0);
}

#[test]
fn nothing_of_anybody_elses_is_touched() {
    let machine = Machine::new();
    machine.write("reg/README.md", "mine");
    machine.write("reg/keys/words.ndjson", "");
    machine.ok(["registry", "init", "reg"]);
    machine.write("reg/search.json", r#"[{"name":"words","version":"0.1.0","types":["auth"],"downloads":7,"stars":3}]"#);
    let line = Plugin::new("words", "0.1.0").line(b"x").to_string().replace("\"v\":1", "\"v\":9, \"new\":1.50");
    machine.write("reg/index/wo/rd/words", &line);
    added(&machine, &Plugin::new("words", "1.0.0"));
    let index = machine.read("reg/index/wo/rd/words");
    assert!(index.starts_with(&format!("{line}\n{{\"v\":1")), "{index}");
    let list: serde_json::Value = serde_json::from_str(&machine.read("reg/search.json")).unwrap();
    assert_eq!((list[0]["version"].as_str(), list[0]["downloads"].as_u64(), list[0]["stars"].as_u64()), (Some("1.0.0"), Some(7), Some(3)));
    assert_eq!(machine.read("reg/README.md"), "mine");
    machine.mfp(["registry", "init", "reg"]).fails(2, "mfp::registry::exists");
    // A line that only a newer mfp reads counts: its version is taken.
    let run = add(&machine, &Plugin::new("words", "0.1.0"));
    run.fails(1, "mfp::publish::exists");
}

#[test]
fn a_version_that_is_taken_back_isnt_chosen_and_can_be_offered_again() {
    let machine = keeper();
    added(&machine, &Plugin::new("words", "1.0.0"));
    added(&machine, &Plugin::new("words", "1.1.0"));
    let before = machine.read("reg/index/wo/rd/words");
    let told = machine.ok(["yank", "words@1.1.0", "--registry", "reg", "--reason", "it loses\nwords", "--json"]).json();
    assert_eq!((told["yanked"].as_str(), told["changed"].as_bool()), (Some("it loses\nwords"), Some(true)));
    assert!(machine.read("reg/search.json").contains("\"1.0.0\""));
    assert!(machine.read("reg/index/wo/rd/words").starts_with(before.split_inclusive('\n').next().unwrap()), "the other line is as it was");
    machine.write("mockforge-plugins.toml", "[registries]\ndefault = \"file:reg/\"\n\n[plugins]\nwords = \"1\"\n");
    machine.ok(["lock"]);
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
    is_well(&machine);
    // Without naming it: the project's registry.
    assert_eq!(machine.ok(["yank", "words@1.1.0", "--undo", "--json"]).json()["yanked"], false);
    assert_eq!(machine.read("reg/index/wo/rd/words"), before);
    assert_eq!(machine.ok(["registry", "yank", "reg", "words@1.1.0", "--undo", "--json"]).json()["yank"]["changed"], false);
    machine.mfp(["yank", "words@3.0.0"]).fails(1, "mfp::resolve::no-version");
    machine.mfp(["yank", "words"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn the_example_registry_is_as_it_should_be() {
    let machine = Machine::new();
    let registry = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/registry");
    let told = machine.ok(["registry", "check", registry.to_str().unwrap(), "--json"]).json();
    assert_eq!(told["checked"]["problems"], serde_json::json!([]));
    assert!(told["checked"]["versions"].as_u64() >= Some(10));
}

/// The plugin whose files and lines are tampered with.
fn greet() -> Plugin {
    Plugin::new("greet", "1.0.0")
}

const INDEX: &str = "reg/index/gr/ee/greet";
const ARCHIVE: &str = "reg/dl/greet/1.0.0/greet-1.0.0.tar.gz";

/// A registry with signed versions that's as it should be.
fn filled() -> Machine {
    let publisher = Publisher::named("publisher");
    let registry =
        Registry::with([Plugin::new("words", "1.0.0"), greet().signed_by(&publisher), Plugin::new("greet", "1.1.0").signed_by(&publisher)]);
    let machine = Machine::new();
    for (path, bytes) in tree(registry.folder()) {
        machine.write(&format!("reg/{path}"), bytes);
    }
    machine.ok(["registry", "check", "reg", "--fix"]);
    assert_eq!(problems(&machine), [""; 0]);
    machine
}

/// What's told once something was changed.
#[track_caller]
fn tamper(change: &dyn Fn(&Machine), told: &[&str]) {
    let machine = filled();
    change(&machine);
    assert_eq!(problems(&machine), told);
}

/// Each thing that can be wrong, alone, with the place that's told.
#[test]
fn a_line_that_was_tampered_with_is_told_with_its_place() {
    let edit = |from: &str, to: &str, told: &[&str]| {
        let machine = filled();
        let text = machine.read(INDEX);
        assert!(text.contains(from), "{from}: {text}");
        machine.write(INDEX, text.replacen(from, to, 1));
        assert_eq!(problems(&machine), told, "{from} → {to}");
    };
    edit("\"types\":[\"template\"]", "\"types\":[\"auth\"]", &["index/gr/ee/greet:1 mfp::integrity::metadata"]);
    edit("\"capabilities\":{}", "\"capabilities\":{\"http\":[\"a.example\"]}", &["index/gr/ee/greet:1 mfp::integrity::metadata"]);
    edit("\"license\":\"MIT\"", "\"license\":\"BSD\"", &["index/gr/ee/greet:1 mfp::integrity::metadata"]);
    edit("\"size\":", "\"size\":1", &["index/gr/ee/greet:1 mfp::integrity::size"]);
    edit("\"version\":\"1.0.0\"", "\"version\":\"1.0.1\"", &["index/gr/ee/greet:1 mfp::registry::no-artifact"]);
    edit(
        "\"version\":\"1.1.0\"",
        "\"version\":\"1.0.0\"",
        &[
            "index/gr/ee/greet:2 mfp::registry::index",
            "index/gr/ee/greet:2 mfp::registry::no-artifact",
            "search.json mfp::registry::search",
        ],
    );
    edit(&signer("publisher"), &signer("other"), &["index/gr/ee/greet:1 mfp::signature::unproven"]);
    edit("\"v\":1", "\"unpacked\":1,\"v\":1", &["index/gr/ee/greet:1 mfp::registry::index"]);
    edit("\"v\":1", "\"v\":\"x\"", &["index/gr/ee/greet:1 mfp::registry::index"]);
    edit("\"published\":\"2026-01-01", "\"published\":\"2027-01-01", &["index/gr/ee/greet:2 mfp::registry::index"]);
    edit("\"name\":\"greet\"", "\"name\":\"words\"", &["index/gr/ee/greet:1 mfp::registry::index"]);
}

#[test]
fn whatever_was_tampered_with_is_told_with_its_place() {
    let publisher = Publisher::named("publisher");
    let other = greet().with(|plugin| plugin.more_yaml = "# other\n".to_owned());
    tamper(&|machine| machine.write(ARCHIVE, Plugin::new("greet", "1.1.0").archive()), &["index/gr/ee/greet:1 mfp::integrity::size"]);
    tamper(
        &|machine| {
            let mut bytes = std::fs::read(machine.project(ARCHIVE)).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            machine.write(ARCHIVE, bytes);
        },
        &["index/gr/ee/greet:1 mfp::integrity::sha256"],
    );
    // An archive and a line that agree with each other, and not with the content that was promised.
    tamper(
        &|machine| {
            let bytes = other.archive();
            let line = other.line(&bytes).to_string().replace(&other.content(), &greet().content());
            machine.write(ARCHIVE, bytes);
            let rest = machine.read(INDEX).lines().nth(1).unwrap().to_owned();
            machine.write(INDEX, format!("{line}\n{rest}\n"));
        },
        &["index/gr/ee/greet:1 mfp::integrity::content"],
    );
    tamper(&|machine| std::fs::remove_file(machine.project(ARCHIVE)).unwrap(), &["index/gr/ee/greet:1 mfp::registry::no-artifact"]);
    tamper(&|machine| machine.write(INDEX, machine.read(INDEX).trim_end()), &["index/gr/ee/greet mfp::registry::index"]);
    tamper(&|machine| machine.write("reg/search.json", "{}"), &["search.json mfp::registry::search"]);
    tamper(
        &|machine| machine.write("reg/search.json", machine.read("reg/search.json").replace("A plugin for tests", "Another")),
        &["search.json mfp::registry::search"; 2],
    );
    tamper(&|machine| machine.write("reg/keys/greet.ndjson", "nonsense\n"), &["keys/greet.ndjson mfp::registry::malformed"]);
    tamper(
        &|machine| {
            let (other, next) = (Publisher::named("other"), Publisher::named("next"));
            let good = publisher.hands_over("greet", &next);
            let forged = other.hands_over("greet", &next).replace(&other.signer(), &publisher.signer());
            machine.write("reg/keys/greet.ndjson", good + &forged);
        },
        &["keys/greet.ndjson:2 mfp::signature::unproven"],
    );
    tamper(
        &|machine| {
            machine.write(
                "reg/config.json",
                machine.read("reg/config.json").replacen("{\"v\"", "{\"advisories\":\"advisories.json\",\"v\"", 1),
            );
            machine.write("reg/advisories.json", r#"[{"id":"A"}]"#);
        },
        &["advisories.json mfp::registry::malformed"],
    );
    tamper(
        &|machine| {
            machine.ok(["registry", "bulk", "reg"]);
            let bulk = tree(&machine.project("reg/bulk")).into_keys().next().unwrap();
            let bytes = std::fs::read(machine.project(&format!("reg/bulk/{bulk}"))).unwrap();
            machine.write(&format!("reg/bulk/{bulk}"), [bytes, vec![0]].concat());
            // The name holds a digest, which no line of this test can: only the code counts.
            let told = problems(machine);
            assert!(!told.is_empty() && told.iter().all(|one| one.ends_with("mfp::registry::bulk")), "{told:?}");
            std::fs::remove_dir_all(machine.project("reg/bulk")).unwrap();
            machine.write("reg/config.json", br#"{"v":1,"name":"test","dl":"dl/{name}/{version}/{file}","search":"search.json"}"#);
        },
        &[],
    );
    tamper(
        &|machine| {
            machine.write("reg/config.json", br#"{"v":1,"dl":"dl/{name}/{version}/{file}","advisories":"advisories.json"}"#);
            machine.write("reg/advisories.json", "{}");
        },
        &["advisories.json mfp::registry::malformed"],
    );
    tamper(
        &|machine| machine.write("reg/search.json", machine.read("reg/search.json").replacen('[', "[7,", 1)),
        &["search.json mfp::registry::search"],
    );
    tamper(
        &|machine| machine.write("reg/config.json", br#"{"v":1,"dl":"https://cdn.example/{file}"}"#),
        &[
            "index/gr/ee/greet:1 mfp::registry::dl-elsewhere",
            "index/gr/ee/greet:2 mfp::registry::dl-elsewhere",
            "index/wo/rd/words:1 mfp::registry::dl-elsewhere",
        ],
    );
    let machine = filled();
    machine.write(ARCHIVE, "x");
    machine.write("reg/keys/greet.ndjson", "nonsense\n");
    let run = machine.mfp(["registry", "check", "reg"]);
    run.fails(4, "mfp::registry::problems");
    insta::assert_snapshot!(run.stderr);
}

/// Everything that's remarked about one file, warnings too, in words.
fn remarks(machine: &Machine, file: &str) -> Vec<String> {
    let document = machine.mfp(["registry", "check", "reg", "--json"]).json();
    let problems = document["checked"]["problems"].as_array().expect("a list").iter();
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().expect("a text").to_owned();
    problems.filter(|one| one["file"] == file).map(|one| format!("{}: {}", text(one, "severity"), text(one, "message"))).collect()
}

#[test]
fn what_belongs_to_nothing_or_lags_is_a_warning() {
    let warns = |file: &str, change: &dyn Fn(&Machine), what: &str| {
        let machine = filled();
        change(&machine);
        assert_eq!(remarks(&machine, file), [format!("warning: {what}")], "{file}");
        assert_eq!(problems(&machine), [""; 0], "{file}");
    };
    for (stray, what) in [
        ("index/README.md", "no plugin's index document belongs here"),
        ("index/gr/greet", "no plugin's index document belongs here"),
        ("keys/README.md", "no plugin's keys belong here"),
        ("dl/greet/1.0.0/other.tar.gz", "no version has this archive"),
        ("bulk/old.ndjson.zst", "config.json doesn't name it"),
    ] {
        warns(stray, &|machine| machine.write(&format!("reg/{stray}"), ""), what);
    }
    warns(
        "index/gr/ee/greet",
        &|machine| machine.write(INDEX, machine.read(INDEX) + "{\"v\":9,\"name\":\"greet\"}\n"),
        "it's for a newer mfp, and wasn't looked at",
    );
    warns(
        "search.json",
        &|machine| std::fs::remove_file(machine.project("reg/search.json")).unwrap(),
        "config.json names it, and it isn't there",
    );
    warns(
        "search.json",
        &|machine| {
            let mut list: Vec<serde_json::Value> = serde_json::from_str(&machine.read("reg/search.json")).unwrap();
            list.retain(|entry| entry["name"] != "words");
            machine.write("reg/search.json", serde_json::Value::from(list).to_string());
        },
        "it lags: words isn't in it",
    );
    warns(
        "advisories.json",
        &|machine| machine.write("reg/config.json", br#"{"v":1,"dl":"dl/{name}/{version}/{file}","advisories":"advisories.json"}"#),
        "config.json names it, and it isn't there",
    );
}

#[test]
fn a_bulk_file_is_held_to_what_is_said_of_it_and_to_the_index() {
    use sha2::Digest as _;
    let told = |lines: &dyn Fn(String) -> String, change: &dyn Fn(&mut serde_json::Value)| {
        let machine = filled();
        let text = lines(machine.read(INDEX));
        let bytes = zstd::encode_all(text.as_bytes(), 0).expect("it's compressed");
        let sha256: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut bulk = serde_json::json!({
            "url": "bulk/all", "size": bytes.len(), "unpacked": text.len(), "sha256": sha256, "generated": "2026-01-01T00:00:00Z",
        });
        change(&mut bulk);
        machine.write(&format!("reg/{}", bulk["url"].as_str().expect("a path").replace("gone", "all")), &bytes);
        let config = serde_json::json!({ "v": 1, "dl": "dl/{name}/{version}/{file}", "bulk": bulk });
        machine.write("reg/config.json", config.to_string());
        let told = remarks(&machine, bulk["url"].as_str().expect("a path"));
        told.iter().map(|one| one.strip_prefix("error: ").expect("it's no warning").to_owned()).collect::<Vec<_>>()
    };
    let as_it_is = |text: String| text;
    let more = |key: &'static str| move |bulk: &mut serde_json::Value| bulk[key] = (bulk[key].as_u64().expect("a number") + 1).into();
    let one = |told: Vec<String>, part: &str| assert!(told.len() == 1 && told[0].contains(part), "{part}: {told:?}");
    assert_eq!(told(&as_it_is, &|_| {}), [""; 0]);
    one(told(&as_it_is, &more("size")), "and config.json says");
    one(told(&as_it_is, &more("unpacked")), "it doesn't unpack to");
    one(told(&as_it_is, &|bulk| bulk["unpacked"] = ((64 << 20) + 1).into()), "it unpacks to more than 64 MiB");
    one(told(&as_it_is, &|bulk| bulk["sha256"] = "0f".repeat(32).into()), "its SHA-256 isn't what config.json says");
    one(told(&as_it_is, &|bulk| bulk["url"] = "bulk/gone".into()), "it isn't there");
    one(told(&|text| text + "nonsense\n", &|_| {}), "line 3");
    // What it says of a version is what the index says.
    for (key, value) in [("sha256", "0f".repeat(32)), ("content", format!("blake3:{}", "0f".repeat(32)))] {
        let other = |text: String| {
            let mut line: serde_json::Value = serde_json::from_str(text.lines().next().expect("a line")).expect("it's JSON");
            line[key] = value.as_str().into();
            format!("{line}\n")
        };
        one(told(&other, &|_| {}), "it has greet 1.0.0, and the index doesn't say the same");
    }
    one(told(&|text| text.replace("\"version\":\"1.1.0\"", "\"version\":\"1.2.0\""), &|_| {}), "it has greet 1.2.0, and the index");
}

/// What `check` accepts whenever a publisher is stopped, and what it says of what's left.
#[cfg(unix)]
#[test]
fn each_write_that_fails_leaves_a_registry() {
    for (blocked, told, is_published) in [
        ("dl/words/1.1.0/words-1.1.0.tar.gz", &[][..], false),
        ("index/wo/rd/words", &["mfp::registry::stray"], false),
        ("search.json", &["mfp::registry::search"], true),
    ] {
        let machine = keeper();
        added(&machine, &Plugin::new("words", "1.0.0"));
        let file = package(&machine, &Plugin::new("words", "1.1.0"));
        // A link in a file's place is never written through, so that this very write fails.
        let place = machine.project(&format!("reg/{blocked}"));
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        let aside = machine.path("aside");
        let was_there = std::fs::rename(&place, &aside).is_ok();
        std::os::unix::fs::symlink(&aside, &place).unwrap();
        machine.mfp(["registry", "add", "reg", &file]).fails(8, "mfp::io::failed");
        std::fs::remove_file(&place).unwrap();
        if was_there {
            std::fs::rename(&aside, &place).unwrap();
        }
        let checked = is_well(&machine);
        let codes: Vec<&str> =
            checked["problems"].as_array().expect("a list").iter().map(|one| one["code"].as_str().expect("a text")).collect();
        assert_eq!(codes, told, "{blocked}");
        // Again: it's finished, or it was done.
        let again = machine.mfp(["registry", "add", "reg", &file]);
        assert_eq!(again.code, i32::from(is_published), "{blocked}: {}", again.all());
        machine.ok(["registry", "check", "reg", "--fix"]);
        assert_eq!(
            (is_well(&machine)["problems"].as_array().expect("a list").len(), is_well(&machine)["versions"].as_u64()),
            (0, Some(2)),
            "{blocked}"
        );
    }
}

#[test]
fn a_publisher_who_is_killed_leaves_a_registry() {
    let filling: Vec<u8> = (0..300_000_u32).flat_map(|number| blake3::hash(&number.to_le_bytes()).as_bytes()[..1].to_vec()).collect();
    let big = Plugin::new("words", "1.1.0").with(|plugin| plugin.more_files = vec![("data.bin".to_owned(), filling.clone())]);
    let machine = keeper();
    added(&machine, &Plugin::new("words", "1.0.0"));
    let file = package(&machine, &big);
    let begun = std::time::Instant::now();
    machine.ok(["registry", "add", "reg", &file]);
    let took = begun.elapsed();
    let start = tree(&machine.project("reg"));
    for step in 0..24_u32 {
        let machine = keeper();
        added(&machine, &Plugin::new("words", "1.0.0"));
        let file = package(&machine, &big);
        let mut child = machine
            .command()
            .args(["registry", "add", "reg", &file])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mfp can be started");
        std::thread::sleep(took * step / 20 + Duration::from_micros(500));
        let _ = child.kill();
        let _ = child.wait();
        is_well(&machine);
        let again = machine.mfp(["registry", "add", "reg", &file]);
        assert!(again.code == 0 || again.error_code() == "mfp::publish::exists", "{step}: {}", again.all());
        machine.ok(["registry", "check", "reg", "--fix"]);
        assert_eq!(tree(&machine.project("reg")).into_keys().collect::<Vec<_>>(), start.keys().cloned().collect::<Vec<_>>(), "{step}");
    }
}

#[test]
fn of_many_who_add_one_version_at_once_exactly_one_wins() {
    let machine = keeper();
    let bodies: Vec<String> = (0..6).map(|number| format!("# {number}\n")).collect();
    let mut children = Vec::new();
    for (number, body) in bodies.iter().enumerate() {
        let plugin = Plugin::new("words", "1.0.0").with(|plugin| plugin.more_yaml.clone_from(body));
        machine.write(&format!("{number}/words-1.0.0.tar.gz"), plugin.archive());
        let file = format!("{number}/words-1.0.0.tar.gz");
        let child = machine.command().args(["registry", "add", "reg", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        children.push(child.expect("mfp can be started"));
        let other = package(&machine, &Plugin::new(&format!("p-{number}"), "1.0.0"));
        let child = machine.command().args(["registry", "add", "reg", &other]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        children.push(child.expect("mfp can be started"));
    }
    let codes: Vec<i32> = children.iter_mut().map(|child| child.wait().expect("it ends").code().unwrap_or(-1)).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 7, "{codes:?}");
    assert!(codes.iter().all(|code| [0, 1].contains(code)), "{codes:?}");
    let checked = is_well(&machine);
    assert_eq!((checked["versions"].as_u64(), checked["problems"].as_array().map(Vec::len)), (Some(7), Some(0)));
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_registry_isnt_followed() {
    let machine = keeper();
    std::fs::create_dir_all(machine.path("home/elsewhere")).unwrap();
    std::os::unix::fs::symlink(machine.path("home/elsewhere"), machine.project("reg/dl")).unwrap();
    add(&machine, &Plugin::new("words", "1.0.0")).fails(8, "mfp::layout::place");
    assert_eq!(tree(&machine.path("home/elsewhere")).len(), 0);
    std::fs::remove_file(machine.project("reg/dl")).unwrap();
    std::os::unix::fs::symlink(machine.path("home/elsewhere"), machine.project("reg/bulk")).unwrap();
    machine.mfp(["registry", "bulk", "reg"]).fails(8, "mfp::layout::place");
    assert_eq!(tree(&machine.path("home/elsewhere")).len(), 0);
    machine.write("reg/config.json", r#"{"v":1,"dl":"../{file}"}"#);
    add(&machine, &Plugin::new("words", "1.0.0")).fails(2, "mfp::registry::dl-elsewhere");
    machine.write("reg/config.json", r#"{"v":1,"dl":"https://cdn.example/{file}"}"#);
    add(&machine, &Plugin::new("words", "1.0.0")).fails(2, "mfp::registry::dl-elsewhere");
    machine.mfp(["registry", "check", "nowhere"]).fails(1, "mfp::registry::not-a-registry");
}

#[test]
fn no_plugin_has_more_versions_than_anybody_reads() {
    let machine = keeper();
    let line = Plugin::new("words", "1.0.0").line(b"x").to_string();
    let lines = |count: usize| -> String { (0..count).map(|at| line.replace("1.0.0", &format!("0.0.{at}")) + "\n").collect() };
    machine.write("reg/index/wo/rd/words", lines(2000));
    add(&machine, &Plugin::new("words", "1.0.0")).fails(1, "mfp::registry::full");
    assert!(!machine.has("reg/dl/words"));
    machine.write("reg/index/wo/rd/words", lines(1999));
    added(&machine, &Plugin::new("words", "1.0.0"));
}

#[test]
fn what_isnt_a_package_isnt_added() {
    let machine = keeper();
    machine.write("x.tar.gz", "nonsense");
    machine.mfp(["registry", "add", "reg", "x.tar.gz"]).fails(4, "mfp::archive::corrupt");
    machine.mfp(["registry", "add", "reg", "x.txt"]).fails(2, "mfp::usage::arguments");
    machine.mfp(["registry", "add", "reg", "gone.tar.gz"]).fails(8, "mfp::io::failed");
    let build = Plugin::new("words", "1.0.0+b");
    machine.write("b.tar.gz", build.archive());
    machine.mfp(["registry", "add", "reg", "b.tar.gz"]).fails(2, "mfp::package::version");
    assert_eq!(is_well(&machine)["versions"], 0);
}
