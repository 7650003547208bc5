//! `mfp test`: the requests of a plugin's own manifest, asked in the sandbox.

use crate::support::{Machine, Plugin};

/// A plugin that echoes, in the project's folder, with these tests.
fn echo(tests: &str) -> Machine {
    let machine = Machine::new();
    Plugin::new("echo", "1.0.0").with(|plugin| tests.clone_into(&mut plugin.more_yaml)).write_to(&machine.project(""));
    machine.write("Makefile", "nothing: ;");
    machine.write("plugin.c", "");
    machine
}

const GOOD: &str = "tests:
  - name: exactly
    call: execute
    request: { function_name: f, args: [1, x], context: {} }
    expect: { function_name: f, args: [1, x], context: {} }
  - name: partly
    call: execute
    request: { function_name: f, args: [{ a: 1 }] }
    expect-partial: { args: [{}] }
";

#[test]
fn answers_are_held_against_whats_expected() {
    let machine = echo(GOOD);
    let run = machine.ok(["test", "--no-build"]);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("ok    exactly") && run.stderr.contains("ok    partly"), "{}", run.all());
    assert!(run.stderr.contains("no tests of its own: there's no Makefile with a target `test`"), "{}", run.all());
    let only = machine.ok(["test", "--no-build", "--only", "part", "--json"]).json();
    assert_eq!(only["requests"].as_array().unwrap().len(), 1, "{only}");
    assert_eq!(only["requests"][0]["answer"]["args"][0]["a"], 1, "{only}");
    machine.mfp(["test", "--no-build", "--only", "nothing"]).fails(1, "mfp::test::none");
    machine.mfp(["test", "--no-build", "--endpoint", "http://127.0.0.1:1"]).fails(2, "mfp::test::endpoint");
}

#[test]
fn what_differs_is_shown_and_fails() {
    let machine = echo(
        "tests:
  - { name: another, call: execute, request: { function_name: f, args: [1] }, expect-partial: { args: [2] } }
  - { name: more, call: execute, request: { function_name: f, args: [] }, expect: { function_name: f } }
  - { name: an error, call: execute, request: { function_name: f }, expect-error: no }
  - { name: not a call of its, call: query, request: { query: { query: x }, context: { method: GET, uri: / } }, expect-error: isn't }
",
    );
    let run = machine.mfp(["test", "--no-build"]);
    run.fails(1, "mfp::test::failed");
    for shown in [
        "FAIL  another",
        "`/args/0`: 2 was expected, it's 1",
        "`/args`: [] wasn't expected",
        "an error was expected",
        "FAIL  not a call of its",
    ] {
        assert!(run.stderr.contains(shown), "{shown}: {}", run.all());
    }
    let json = machine.mfp(["test", "--no-build", "--json"]).json();
    assert_eq!((&json["ok"], &json["error"]["code"]), (&false.into(), &"mfp::test::failed".into()), "{json}");
    assert_eq!(json["requests"][0]["passed"], false, "{json}");
}

#[test]
fn a_key_thats_misspelt_is_an_error_with_its_place() {
    let machine = echo("tests:\n  - { name: a, call: functions, expected: 1 }\n");
    let run = machine.mfp(["test", "--no-build"]);
    run.fails(2, "mfp::test::invalid");
    assert!(run.stderr.contains("unknown key `expected`"), "{}", run.all());
    assert!(run.stderr.contains("plugin.yaml:"), "{}", run.all());
}

#[test]
fn a_tests_configuration_is_held_against_the_schema() {
    let schema = "configuration: { schema: { type: object, properties: { n: { type: integer } }, additionalProperties: false } }\n";
    let tests = "tests:\n  - { name: good, call: execute, config: { n: 1 }, request: { function_name: f }, expect-partial: {} }\n  - { name: refused, call: execute, config: { m: 1 }, request: { function_name: f }, expect-error: no such key }\n";
    let machine = echo(&format!("{schema}{tests}"));
    let run = machine.mfp(["test", "--no-build"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let wrong = tests.replace("expect-error: no such key", "expect-partial: {}");
    let machine = echo(&format!("{schema}{wrong}"));
    machine.mfp(["test", "--no-build"]).fails(1, "mfp::test::failed");
}

/// Two numbers that go on for as long as asked, the clock and random bytes.
const LOOP: &str = r#"(module
  (import "mockforge" "now_ms" (func $now (result i64)))
  (import "mockforge" "random" (func $random (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "{\"success\":true,\"result\":\"................\"}")
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "template_function") (param i32 i32) (result i64)
    (local $i i32) (local $byte i32)
    ;; Steps depend on the clock's last digits and on a random byte: another value of either is another number.
    (call $random (i32.const 512) (i32.const 16))
    (local.set $i (i32.add (i32.and (i32.wrap_i64 (call $now)) (i32.const 1023)) (i32.load8_u (i32.const 512))))
    (block $done (loop $again
      (br_if $done (i32.eqz (local.get $i)))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br $again)))
    (loop $letters
      (i32.store8 (i32.add (i32.const 26) (local.get $byte))
        (i32.add (i32.const 97) (i32.and (i32.load8_u (i32.add (i32.const 512) (local.get $byte))) (i32.const 15))))
      (local.set $byte (i32.add (local.get $byte) (i32.const 1)))
      (br_if $letters (i32.lt_u (local.get $byte) (i32.const 16))))
    (i64.const 44)))"#;

#[test]
fn deterministic_is_the_same_in_every_run_and_on_every_day() {
    let plugin = Plugin::new("loops", "1.0.0").with(|plugin| {
        plugin.wasm = wat::parse_str(LOOP).unwrap();
        plugin.more_yaml = "tests:\n  - { name: a, call: execute, request: { function_name: f }, expect-partial: \"\" }\n  - { name: b, call: execute, request: { function_name: f }, expect-partial: \"\" }\n".to_owned();
    });
    let steps = |flags: &[&str]| {
        let machine = Machine::new();
        plugin.write_to(&machine.project(""));
        machine.write("plugin.c", "");
        let json = machine.mfp(["test", "--no-build", "--json"].iter().chain(flags).copied()).json();
        let requests = json["requests"].as_array().unwrap_or_else(|| panic!("{json}")).clone();
        requests.iter().map(|request| (request["steps"].as_u64(), request["answer"].clone())).collect::<Vec<_>>()
    };
    let first = steps(&["--deterministic"]);
    assert!(first[0].0.is_some_and(|steps| steps > 1000), "{first:?}");
    assert_eq!(first[0], first[1], "each request begins anew");
    assert_eq!(first, steps(&["--deterministic"]));
    assert_eq!(first[1..], steps(&["--deterministic", "--only", "b"]), "whoever is asked alone");
    let usual = steps(&[]);
    assert!(usual[0].0.is_none() && usual[0].1 != usual[1].1, "{usual:?}");
}

#[test]
fn deterministic_stops_by_steps() {
    let forever = LOOP.replace("(br_if $done (i32.eqz (local.get $i)))", "");
    let plugin = Plugin::new("loops", "1.0.0").with(|plugin| {
        plugin.wasm = wat::parse_str(forever).unwrap();
        plugin.more_yaml = "tests:\n  - { name: a, call: execute, request: { function_name: f }, expect: 1 }\n".to_owned();
    });
    let machine = Machine::new();
    plugin.write_to(&machine.project(""));
    machine.write("plugin.c", "");
    let run = machine.mfp(["test", "--no-build", "--deterministic"]);
    run.fails(1, "mfp::test::failed");
    assert!(run.stderr.contains("it went on for more than its limit of 2500000000 steps"), "{}", run.all());
}
