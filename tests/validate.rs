//! `mfp validate`: everything that's wrong with a plugin of one's own, with its place; and `--fix`.

use crate::support::{Machine, Plugin, Run};

/// A plugin that nothing can be said about.
const FINE: &str =
    "mfp: 1\nplugin:\n  id: words\n  version: 1.0.0\n  description: Words for templates\n  types: [template]\n  license: MIT\n";

fn machine(yaml: &str) -> Machine {
    let machine = Machine::new();
    machine.write("plugin.yaml", yaml);
    machine.write("words.wasm", Plugin::new("words", "1.0.0").wasm);
    machine.write("README.md", "# Words\n");
    machine.write("LICENSE", "MIT\n");
    machine
}

fn with_code(yaml: &str, wat: &str) -> Machine {
    let machine = machine(yaml);
    machine.write("words.wasm", wat::parse_str(wat).expect("the module is well-formed"));
    machine
}

/// `severity code line:column message`, a line each.
fn found(machine: &Machine, arguments: &[&str]) -> String {
    let run = machine.mfp(["validate", "--json"].into_iter().chain(arguments.iter().copied()));
    let document = run.json();
    let problems = document["problems"].as_array().expect("a list").iter();
    let line = |one: &serde_json::Value| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        let place = one["line"].as_u64().map(|line| format!(":{line}:{}", one["column"])).unwrap_or_default();
        assert!(one["help"].as_str().is_some_and(|help| !help.is_empty()), "{one:#}");
        format!("{} {} {}{place} {}\n", text("severity"), text("code"), text("name"), text("message"))
    };
    problems.map(line).collect()
}

#[test]
fn a_plugin_that_is_what_it_should_be() {
    let machine = machine(FINE);
    insta::assert_snapshot!(machine.mfp(["validate"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Looked at [ROOT]/project: nothing found
    ");
    machine.write("sub/file", "");
    let run = machine.run(machine.command().arg("validate").current_dir(machine.project("sub")));
    assert_eq!((run.code, run.stderr.contains("nothing found")), (0, true), "from a folder below: {}", run.all());
    let run = machine.run(machine.command().args(["validate", "."]).current_dir(machine.project("sub")));
    run.fails(2, "mfp::plugin::not-found");
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let yaml = "mfp: 1\nplugin:\n  id: Words\n  version: 1.0\n  types: [template, magic]\n  lisence: MIT\ndependencies:\n  - { id: rates, version: '!' }\n";
    insta::assert_snapshot!(machine(yaml).mfp(["validate"]).all());
}

#[test]
fn warnings_are_no_reason_unless_they_are() {
    let machine = machine(&FINE.replace("  license: MIT\n", "  homepage: http://example.org\n"));
    std::fs::remove_file(machine.project("README.md")).unwrap();
    insta::assert_snapshot!(machine.mfp(["validate"]).all());
    machine.mfp(["validate", "--strict"]).fails(2, "mfp::validate::findings");
}

#[test]
fn what_a_manifest_says_and_should_not() {
    let yaml = "mfp: 1\nplugin:\n  id: words\n  version: 1.0.0+local\n  description: x\n  types: [template]\n  license: Apache 2\n  \
                repository: https://me:s3cret@example.org/x\nconfiguration:\n  schema:\n    type: object\n    properties:\n      \
                level: { type: integer, default: high, examples: [1, 2.5] }\n      list: { items: { $ref: '#/$defs/word', default: 1 } }\n    \
                $defs: { word: { type: string } }\ntests:\n  - { name: a, call: execute, request: {}, expect: 1 }\n  - { name: b, call: shout, expect: 1 }\n";
    insta::assert_snapshot!(found(&machine(yaml), &[]));
    let broken = FINE.to_owned() + "configuration: { schema: { type: objekt, properties: { a: { minimum: x, pattern: '(' } } } }\n";
    insta::assert_snapshot!(found(&machine(&broken), &[]));
    let list = FINE.to_owned() + "configuration: { schema: { type: array } }\n";
    insta::assert_snapshot!(found(&machine(&list), &[]));
}

#[test]
fn a_version_that_was_raised_in_one_file_only() {
    let machine = machine(FINE);
    let told = |file: &str, text: &str| {
        machine.write(file, text);
        let found = found(&machine, &[]);
        std::fs::remove_file(machine.project(file)).unwrap();
        found
    };
    insta::assert_snapshot!(
        told("Cargo.toml", "[package]\nname = \"words\"\nversion = \"1.1.0\"\n"),
        @"warning mfp::validate::disagrees plugin.yaml:4:12 this says version 1.0.0, and Cargo.toml says 1.1.0
    "
    );
    insta::assert_snapshot!(
        told("package.json", r#"{ "name": "words", "version": "0.9.0" }"#),
        @"warning mfp::validate::disagrees plugin.yaml:4:12 this says version 1.0.0, and package.json says 0.9.0
    "
    );
    insta::assert_snapshot!(
        told("pyproject.toml", "[project]\nversion = \"1.0.1\"\n"),
        @"warning mfp::validate::disagrees plugin.yaml:4:12 this says version 1.0.0, and pyproject.toml says 1.0.1
    "
    );
    for (file, text) in [
        ("Cargo.toml", "[package]\nname = \"words\"\nversion = \"1.0.0\"\n"),
        ("Cargo.toml", "[package]\nversion.workspace = true\n"),
        ("package.json", r#"{ "private": true }"#),
        ("pyproject.toml", "[project]\ndynamic = [\"version\"]\n"),
        ("pyproject.toml", "no TOML"),
    ] {
        assert_eq!(told(file, text), "", "{file}: {text}");
    }
}

#[test]
fn code_that_no_host_would_load() {
    let wat = r#"(module (import "env" "abort" (func)) (import "mockforge" "http_request" (func (param i32 i32) (result i64)))
        (memory (export "memory") 2000) (func (export "mockforge_abi") (result i32) (i32.const 1)))"#;
    let machine = with_code(FINE, wat);
    insta::assert_snapshot!(found(&machine, &[]));
    machine.write("words.wasm", b"\x7fELF");
    insta::assert_snapshot!(found(&machine, &[]));
    // A body that pops what isn't there: whole sections, and no host compiles it.
    let mut bytes = Plugin::new("words", "1.0.0").wasm;
    let add = bytes.iter().rposition(|byte| *byte == 0x6a).expect("it adds something");
    bytes[add] = 0x7c;
    machine.write("words.wasm", &bytes);
    assert!(found(&machine, &[]).starts_with("error mfp::sandbox::invalid words.wasm"), "{}", found(&machine, &[]));
    std::fs::remove_file(machine.project("words.wasm")).unwrap();
    insta::assert_snapshot!(found(&machine, &[]));
}

#[test]
fn what_is_asked_for_and_cant_be_used() {
    let asks = "capabilities:\n  network: { allow_http_outbound: true, allowed_hosts: ['*'] }\n  filesystem: { allow_read: true, allowed_paths: [data] }\n";
    insta::assert_snapshot!(found(&machine(&(FINE.to_owned() + asks)), &[]));
}

#[test]
fn code_that_carries_another_manifest() {
    let machine = machine(FINE);
    let carry = |text: &str| {
        let mut bytes = Plugin::new("words", "1.0.0").wasm;
        let section = [&[16_u8][..], b"mockforge:plugin", text.as_bytes()].concat();
        bytes.extend([0, u8::try_from(section.len()).expect("a short manifest") | 0x80, 1]);
        bytes.extend(section);
        machine.write("words.wasm", &bytes);
        found(&machine, &[])
    };
    assert_eq!(carry(FINE), "");
    insta::assert_snapshot!(carry(&FINE.replace("1.0.0", "0.9.0")));
    let described = FINE.to_owned() + "configuration: { schema: { type: object } }\n";
    insta::assert_snapshot!(carry(&described));
    insta::assert_snapshot!(carry(&FINE.replace("mfp: 1", "mfp: 2")));
    // Nothing of it is packed.
    let run = machine.mfp(["package"]);
    run.fails(2, "mfp::validate::embedded");
    assert!(run.stderr.contains("`mfp build` puts this one in"), "{}", run.all());
}

#[test]
fn files_that_cant_be_packed() {
    let machine = machine(&(FINE.to_owned() + "  include: ['data/**']\n"));
    machine.write("data/a", "");
    machine.write("data/A", "");
    machine.write("plugin.yml", FINE);
    assert!(found(&machine, &[]).starts_with("error mfp::manifest::invalid . `plugin.yml` stands beside"), "{}", found(&machine, &[]));
    std::fs::remove_file(machine.project("plugin.yml")).unwrap();
    assert!(found(&machine, &[]).starts_with("error mfp::package::collision . "), "{}", found(&machine, &[]));
    std::fs::remove_file(machine.project("data/A")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", machine.project("data/link")).unwrap();
        insta::assert_snapshot!(found(&machine, &[]));
        std::fs::remove_file(machine.project("data/link")).unwrap();
    }
    std::fs::File::create(machine.project("data/large")).unwrap().set_len(70 << 20).unwrap();
    insta::assert_snapshot!(found(&machine, &[]));
}

#[test]
fn what_looks_like_a_secret_is_told_and_not_shown() {
    let machine = machine(&(FINE.to_owned() + "  include: ['data/*']\n"));
    machine.write("data/deploy.txt", format!("# how\nkey = {}{}\n", "AKIA", "Z7QJ4KDW2XPL5RTB"));
    let run = machine.mfp(["validate"]);
    assert!(run.code == 0 && run.stderr.contains("warning[mfp::package::secret]: data/deploy.txt: line 2"), "{}", run.all());
    assert!(!run.stderr.contains("Z7QJ"), "{}", run.all());
}

/// The same in another folder, written anew.
fn fixed(yaml: &str, arguments: &[&str]) -> (Machine, Run) {
    let machine = machine(yaml);
    let run = machine.mfp(["validate", "--fix"].into_iter().chain(arguments.iter().copied()));
    (machine, run)
}

#[test]
fn a_form_of_mockforges_is_told_and_written_anew() {
    let yaml = "name: words\nversion: \"1.0\"\ntype: template\ndescription: Words\nauthor: Ada <ada@example.org>\nlicense: MIT\ncapabilities: [network.http.client]\n";
    insta::assert_snapshot!(machine(yaml).mfp(["validate"]).all());
    let (machine, run) = fixed(yaml, &[]);
    insta::assert_snapshot!(run.all());
    assert_eq!(found(&machine, &[]), "", "nothing is left to say");
    insta::assert_snapshot!(machine.mfp(["validate", "--fix"]).all());
}

#[test]
fn types_are_taken_from_the_code_where_the_manifest_has_none() {
    let yaml = "info: { id: words, version: { major: 1, minor: 0, patch: 0 }, name: Words, description: Words, author: { name: Ada } }\ncapabilities: []\ndependencies: {}\n";
    let (machine, run) = fixed(yaml, &[]);
    assert!(
        run.code == 0 && machine.read("plugin.yaml").contains("types:\n  - template\n"),
        "{}\n{}",
        run.all(),
        machine.read("plugin.yaml")
    );
    let (machine, run) = fixed(yaml, &["--type", "auth,response"]);
    assert!(machine.read("plugin.yaml").contains("types:\n  - auth\n  - response\n"), "{}", run.all());
    assert!(run.code == 2 && run.stderr.contains("mfp::sandbox::export"), "{}", run.all());
}

#[test]
fn what_cant_be_written_honestly_isnt_written() {
    for (yaml, sentence) in [
        ("name: My_Words\nversion: 1.0.0\ntype: template\n", "this one would have to be `my-words`"),
        ("name: words\nversion: 1.0.0\ncategory: middleware\ntags: []\n", "`middleware` isn't a type of plugin"),
        ("plugin: { id: words, version: {{version}} }\n", "a place to fill in"),
        ("colour: red\n", "isn't a plugin's manifest in any form that mfp knows"),
        ("mfp: 1\nplugin: { id: Words, version: 1.0.0, types: [template] }\n", "this one would have to be `words`"),
    ] {
        let (machine, run) = fixed(yaml, &[]);
        assert!(run.code == 2 && run.stderr.contains(sentence), "{}", run.all());
        assert_eq!(machine.read("plugin.yaml"), yaml, "nothing was written");
    }
    let (machine, run) = fixed("name: My_Words\nversion: 1.0.0\ntype: template\n", &["--id", "my-words"]);
    assert!(run.code == 0 && machine.read("plugin.yaml").contains("id: my-words"), "{}", run.all());
    machine.mfp(["validate", "--id", "x"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn the_other_name_of_the_file() {
    let machine = machine(FINE);
    std::fs::rename(machine.project("plugin.yaml"), machine.project("plugin.yml")).unwrap();
    machine.mfp(["validate"]).fails(2, "mfp::manifest::invalid");
    let run = machine.ok(["validate", "--fix"]);
    assert!(run.stderr.contains("the file is called plugin.yaml"), "{}", run.all());
    assert!(machine.has("plugin.yaml") && !machine.has("plugin.yml"));
    assert_eq!(machine.read("plugin.yaml"), FINE);
}

#[test]
fn nothing_in_a_plugin_draws_on_the_screen() {
    let hostile = "mfp: 1\nplugin:\n  id: words\n  version: 1.0.0\n  types: [\"\\e[2J\"]\n  \"::error::x\": \"##[group]\"\n";
    let run = machine(hostile).mfp(["validate"]);
    assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains("##[") && !run.stderr.contains("\n::"), "{}", run.all());
}

/// A json/1 module that has every call, and sends requests.
const EVERYTHING: &str = r#"(module
    (import "mockforge" "http_request" (func (param i32 i32) (result i64)))
    (memory (export "memory") 1)
    (func (export "mockforge_abi") (result i32) (i32.const 1))
    (func (export "alloc") (param i32) (result i32) (i32.const 0))
    (func $call (param i32 i32) (result i64) (i64.const 0))
    (export "authenticate" (func $call)) (export "template_function" (func $call)) (export "template_functions" (func $call))
    (export "generate_response" (func $call)) (export "query_datasource" (func $call)))"#;

#[test]
fn every_example_of_a_manifest_is_what_it_should_be() {
    for kind in ["auth", "template", "response", "datasource", "full"] {
        let machine = Machine::new();
        let text = machine.ok(["schema", "plugin", "--example", "--type", kind]).stdout;
        assert!(text.starts_with("mfp: 1") && text.lines().filter(|line| line.contains('#')).count() > 5, "{kind}: {text}");
        machine.write("plugin.yaml", &text);
        machine.write(
            "everything.wasm",
            wat::parse_str(match kind {
                "auth" | "full" => EVERYTHING.to_owned(),
                _ => EVERYTHING.replace("(import \"mockforge\" \"http_request\" (func (param i32 i32) (result i64)))", ""),
            })
            .unwrap(),
        );
        machine.write("README.md", "");
        machine.write("LICENSE", "");
        let run = machine.mfp(["validate"]);
        assert_eq!(run.code, 0, "{kind}: {}", run.all());
        // What broad hosts and files are for is said in the example; nothing else is left to say.
        let said = found(&machine, &[]);
        assert!(said.lines().all(|line| line.contains("::broad") || line.contains("::unused")), "{kind}: {said}");
    }
    let machine = Machine::new();
    machine.mfp(["schema", "lock", "--example", "--type", "auth"]).fails(2, "mfp::usage::arguments");
    machine.mfp(["schema", "plugin", "--type", "auth"]).fails(2, "mfp::usage::arguments");
}
