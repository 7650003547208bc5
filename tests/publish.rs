//! `mfp publish`: from an author's folder to a project on another machine; and what a new version may not take away.

use crate::support::signing::{self, Publisher, signer};
use crate::support::{Machine, Plugin, Run};

/// A machine with a registry in `reg`.
fn author() -> Machine {
    let machine = Machine::new();
    machine.ok(["registry", "init", "reg"]);
    machine
}

/// Write a plugin's folder anew.
fn write(machine: &Machine, plugin: &Plugin) {
    let _ = std::fs::remove_dir_all(machine.project("mine"));
    plugin.write_to(&machine.project("mine"));
}

fn publish(machine: &Machine, plugin: &Plugin, arguments: &[&str]) -> Run {
    write(machine, plugin);
    machine.mfp(["publish", "mine", "--registry", "reg"].into_iter().chain(arguments.iter().copied()))
}

#[track_caller]
fn published(machine: &Machine, plugin: &Plugin, arguments: &[&str]) {
    let run = publish(machine, plugin, arguments);
    assert_eq!(run.code, 0, "{}", run.all());
}

/// Refused with this code, and the registry is as it was.
#[track_caller]
fn refused(machine: &Machine, plugin: &Plugin, arguments: &[&str], code: i32, error: &str) -> Run {
    let registry = || {
        let mut files = crate::support::env::tree(&machine.project("reg"));
        files.remove(".mfp-registry.lock");
        files
    };
    let before = registry();
    let run = publish(machine, plugin, arguments);
    run.fails(code, error);
    assert_eq!(registry(), before, "{error}");
    run
}

/// A key of the fixtures.
fn key(machine: &Machine, name: &str) -> String {
    let place = machine.path(&format!("home/{name}.key"));
    signing::put(&format!("{name}.key"), &place);
    place.display().to_string()
}

#[test]
fn what_an_author_publishes_is_added_synced_offline_and_run_by_somebody_else() {
    let machine = author();
    let signing = key(&machine, "publisher");
    let plugin = Plugin::new("greet", "1.0.0");
    write(&machine, &plugin);
    let dry = machine.ok(["publish", "mine", "--registry", "reg", "--key", &signing, "--dry-run", "--json"]).json();
    assert_eq!((dry["dry_run"].as_bool(), dry["content"].as_str()), (Some(true), Some(&*plugin.content())));
    assert!(!machine.has("reg/index/gr/ee/greet") && !machine.has("reg/dl/greet"), "--dry-run writes nothing");
    let told = machine.ok(["publish", "mine", "--registry", "reg", "--key", &signing, "--json"]).json();
    assert_eq!((told["signer"].as_str(), told["predecessor"].as_str()), (Some(&*signer("publisher")), None));
    let checked = machine.ok(["registry", "check", "reg", "--json"]).json();
    assert_eq!(checked["checked"]["problems"], serde_json::json!([]));

    let user = Machine::new();
    let registry = machine.project("reg");
    user.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"file://{}/\"\n\n[plugins]\n", registry.display()));
    user.ok(["add", "greet"]);
    let lock = user.read("plugins.lock");
    assert!(lock.contains(&signer("publisher")) && lock.contains(&plugin.content()), "{lock}");
    std::fs::remove_dir_all(user.project(".mockforge")).unwrap();
    user.ok(["sync", "--offline", "--locked"]);
    let answer = user.ok(["run", "greet", "hello", "[\"you\"]", "--offline"]).stdout;
    assert!(answer.contains("you"), "{answer}");
    // The stock rule proves the signature that's in the archive.
    machine.ok(["key", "verify", "--key", &signer("publisher"), "reg/dl/greet/1.0.0/greet-1.0.0.tar.zst"]);
}

#[test]
fn a_version_never_changes() {
    let machine = author();
    published(&machine, &Plugin::new("greet", "1.0.0"), &[]);
    let same = refused(&machine, &Plugin::new("greet", "1.0.0"), &[], 1, "mfp::publish::exists");
    assert!(same.stderr.contains("with the same bytes"), "{}", same.stderr);
    let other = Plugin::new("greet", "1.0.0").with(|plugin| plugin.license = "BSD-3-Clause".to_owned());
    let differs = refused(&machine, &other, &[], 1, "mfp::publish::exists");
    assert!(!differs.stderr.contains("the same bytes"), "{}", differs.stderr);
    refused(&machine, &other, &["--dry-run"], 1, "mfp::publish::exists");
    machine.ok(["yank", "greet@1.0.0", "--registry", "reg"]);
    refused(&machine, &other, &[], 1, "mfp::publish::exists");
    refused(&machine, &other, &["--allow", "exports,types,config,capabilities,host,signer"], 1, "mfp::publish::exists");
}

#[test]
fn unsigned_is_said_and_a_signed_plugin_stays_signed() {
    let machine = author();
    let run = publish(&machine, &Plugin::new("greet", "1.0.0"), &["--json"]);
    assert_eq!(run.json()["warnings"][0]["code"], "mfp::publish::unsigned");
    let (ours, other, next) = (key(&machine, "publisher"), key(&machine, "other"), key(&machine, "next"));
    published(&machine, &Plugin::new("greet", "1.0.1"), &["--key", &ours]);
    refused(&machine, &Plugin::new("greet", "1.0.2"), &[], 5, "mfp::publish::signer");
    refused(&machine, &Plugin::new("greet", "1.0.2"), &["--key", &other], 5, "mfp::publish::signer");
    // Somebody else's line hands nothing over; the owner's does, and then the old key has had its day.
    let (us, them, heir) = (Publisher::named("publisher"), Publisher::named("other"), Publisher::named("next"));
    let forged =
        them.hands_over("greet", &them).replacen(&format!("\"old\":\"{}\"", them.signer()), &format!("\"old\":\"{}\"", us.signer()), 1);
    machine.write("reg/keys/greet.ndjson", forged);
    refused(&machine, &Plugin::new("greet", "1.0.2"), &["--key", &other], 5, "mfp::publish::signer");
    machine.write("reg/keys/greet.ndjson", us.hands_over("greet", &heir));
    refused(&machine, &Plugin::new("greet", "1.0.2"), &["--key", &ours], 5, "mfp::publish::signer");
    published(&machine, &Plugin::new("greet", "1.0.2"), &["--key", &next]);
    let allowed = publish(&machine, &Plugin::new("greet", "1.0.3"), &["--key", &other, "--allow", "signer", "--json"]).json();
    assert_eq!((allowed["changes"][0]["check"].as_str(), allowed["changes"][0]["allowed"].as_bool()), (Some("signer"), Some(true)));
    machine.ok(["registry", "check", "reg"]);
}

#[test]
fn a_signature_of_the_folder_goes_along_only_if_it_proves_something() {
    let machine = author();
    let publisher = Publisher::named("publisher");
    let signed = |version: &str| Plugin::new("greet", version).signed_by(&publisher);
    refused(&machine, &signed("1.0.0"), &[], 5, "mfp::registry::signer");
    published(&machine, &signed("1.0.0"), &["--key", &key(&machine, "publisher")]);
    published(&machine, &signed("1.0.1"), &[]);
    let stale = signed("1.0.1").signature.expect("it's signed");
    refused(&machine, &Plugin::new("greet", "1.0.2").carries(stale), &[], 5, "mfp::registry::signer");
    machine.ok(["registry", "check", "reg"]);
}

const MODULE: &str = r#"(module (memory (export "memory") 2) (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 0))
  (func (export "authenticate") (param i32 i32) (result i64) (i64.const 0))
  (func (export "template_function") (param i32 i32) (result i64) (i64.const 0)) (func (export "extra")))"#;

/// What the last version promised.
fn promising(version: &str) -> Plugin {
    Plugin::new("greet", version).with(|plugin| {
        plugin.types = vec!["auth".to_owned(), "template".to_owned()];
        plugin.mockforge = Some(">=0.3, <2".to_owned());
        plugin.wasm = wat::parse_str(MODULE).expect("a module");
        plugin.more_yaml = configured("a: { type: string }, b: { type: integer, maximum: 9 }");
    })
}

fn configured(properties: &str) -> String {
    format!("configuration:\n  schema: {{ type: object, properties: {{ {properties} }} }}\n")
}

/// Something that's taken away, under a number that doesn't allow it, and one that does.
type Loss = (&'static str, &'static dyn Fn(&mut Plugin), &'static str, &'static str);

const LOSSES: [Loss; 8] = [
    (
        "exports",
        &|plugin| plugin.wasm = wat::parse_str(MODULE.replace("(func (export \"extra\"))", "")).expect("a module"),
        "1.3.0",
        "2.0.0",
    ),
    ("types", &|plugin| plugin.types = vec!["template".to_owned()], "1.3.0", "2.0.0"),
    ("config", &|plugin| plugin.more_yaml = configured("a: { type: string }, b: { type: integer, maximum: 8 }"), "1.2.1", "2.0.0"),
    ("config", &|plugin| plugin.more_yaml = configured("a: { type: string }"), "1.3.0", "2.0.0"),
    ("config", &|plugin| plugin.more_yaml = configured("a: {}, b: {} }, required: [a], x-more: { "), "1.3.0", "2.0.0"),
    ("capabilities", &|plugin| plugin.http = vec!["api.example.com".to_owned()], "1.2.1", "1.3.0"),
    ("host", &|plugin| plugin.mockforge = Some(">=0.4, <2".to_owned()), "1.2.1", "1.3.0"),
    ("host", &|plugin| plugin.mockforge = Some(">=0.3, <1".to_owned()), "1.2.1", "1.3.0"),
];

#[test]
fn what_users_would_lose_without_being_asked_is_refused() {
    for (check, change, too_small, enough) in LOSSES {
        let machine = author();
        published(&machine, &promising("1.2.0"), &[]);
        let plugin = |version: &str| promising(version).with(change);
        let run = refused(&machine, &plugin(too_small), &[], 5, "mfp::publish::breaking");
        let says = |text: &str| run.stderr.contains(text);
        assert!(says(&format!("publish it as {enough}")) && says(&format!("--allow {check}")), "{check}: {}", run.stderr);
        let wrong = if check == "types" { "exports" } else { "types" };
        refused(&machine, &plugin(too_small), &["--allow", wrong], 5, "mfp::publish::breaking");
        let told = publish(&machine, &plugin(too_small), &["--allow", check, "--dry-run", "--json"]).json();
        assert_eq!((told["changes"][0]["check"].as_str(), told["changes"][0]["allowed"].as_bool()), (Some(check), Some(true)), "{told}");
        published(&machine, &plugin(enough), &[]);
    }
}

#[test]
fn below_one_the_number_after_the_zero_breaks() {
    let machine = author();
    published(&machine, &promising("0.2.0"), &[]);
    let narrower = |version: &str| promising(version).with(|plugin| plugin.more_yaml = configured("a: { type: string }"));
    let run = refused(&machine, &narrower("0.2.1"), &[], 5, "mfp::publish::breaking");
    insta::assert_snapshot!(run.stderr);
    published(&machine, &narrower("0.3.0"), &[]);
    // More than before is what the last number is for, there.
    published(&machine, &narrower("0.3.1").asks_http("api.example.com"), &[]);
}

#[test]
fn a_correction_of_an_old_line_is_held_to_that_line() {
    let machine = author();
    let asking = |version: &str| Plugin::new("greet", version).asks_http("a.example");
    published(&machine, &Plugin::new("greet", "1.0.0"), &[]);
    published(&machine, &asking("2.0.0"), &[]);
    let told = refused(&machine, &asking("1.0.1"), &[], 5, "mfp::publish::breaking");
    assert!(told.stderr.contains("users of 1.0.0"), "{}", told.stderr);
    published(&machine, &Plugin::new("greet", "1.0.1"), &[]);
    // A version that was taken back holds nobody to anything.
    published(&machine, &asking("1.1.0"), &[]);
    machine.ok(["yank", "greet@1.1.0", "--registry", "reg"]);
    refused(&machine, &asking("1.1.1").with(|plugin| plugin.version = "1.0.2".to_owned()), &[], 5, "mfp::publish::breaking");
}

#[test]
fn what_package_refuses_publish_refuses() {
    let machine = author();
    let token = crate::package::token();
    let leaking = Plugin::new("greet", "1.0.0").with(|plugin| plugin.more_files = vec![("config.txt".to_owned(), token.into_bytes())]);
    refused(&machine, &leaking, &[], 5, "mfp::package::secret");
    refused(&machine, &Plugin::new("greet", "1.0.0+b"), &[], 2, "mfp::package::version");
    published(&machine, &leaking, &["--allow-secrets"]);
}

#[test]
fn the_registry_is_a_folder_that_somebody_named() {
    let machine = author();
    write(&machine, &Plugin::new("greet", "1.0.0"));
    let registry = |named: &str| machine.mfp(["publish", "mine", "--dry-run", "--registry", named]);
    registry("https://plugins.acme.example/").fails(2, "mfp::publish::server");
    registry("nowhere").fails(2, "mfp::publish::registry");
    registry("./nowhere").fails(1, "mfp::registry::not-a-registry");
    registry("mine").fails(1, "mfp::registry::not-a-registry");
    machine.mfp(["publish", "mine"]).fails(2, "mfp::publish::registry");
    machine
        .write("mockforge-plugins.toml", "[registries]\ndefault = \"file:reg/\"\ncorp = \"https://plugins.acme.example/\"\n\n[plugins]\n");
    registry("corp").fails(2, "mfp::publish::server");
    registry("other").fails(2, "mfp::publish::registry");
    let url = format!("file://{}/", machine.project("reg").display());
    for named in ["default", "reg", "./reg", &url] {
        let run = registry(named);
        assert_eq!(run.code, 0, "{named}: {}", run.all());
    }
    machine.ok(["publish", "mine"]);
    assert!(machine.has("reg/dl/greet/1.0.0/greet-1.0.0.tar.zst"));
}

/// A template plugin with these functions, as it says itself.
fn with_functions(version: &str, names: &[&str]) -> Plugin {
    let listed: Vec<String> = names.iter().map(|name| format!(r#"{{"name":"{name}"}}"#)).collect();
    let answer = format!(r#"{{"success":true,"result":[{}]}}"#, listed.join(","));
    let data = answer.replace('"', "\\22");
    let module = format!(
        r#"(module (memory (export "memory") 1) (data (i32.const 16) "{data}")
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 8192))
  (func (export "template_function") (param i32 i32) (result i64) (i64.const 0))
  (func (export "template_functions") (param i32 i32) (result i64)
    (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const {}))))"#,
        answer.len()
    );
    Plugin::new("greet", version).with(|plugin| plugin.wasm = wat::parse_str(module).expect("a module"))
}

#[test]
fn a_template_function_that_is_gone_is_missed() {
    let machine = author();
    published(&machine, &with_functions("1.0.0", &["upper", "lower"]), &[]);
    let run = refused(&machine, &with_functions("1.1.0", &["upper", "title"]), &[], 5, "mfp::publish::breaking");
    assert!(run.stderr.contains("there's no template function `lower` any more"), "{}", run.stderr);
    published(&machine, &with_functions("1.1.0", &["lower", "upper", "title"]), &[]);
    published(&machine, &with_functions("2.0.0", &["upper"]), &[]);
    // One that doesn't say what it has isn't compared.
    published(&machine, &Plugin::new("greet", "2.0.1"), &["--allow", "exports"]);
    published(&machine, &with_functions("2.0.2", &["title"]), &[]);
}
