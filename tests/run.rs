//! `mfp run`: one call in the sandbox, its answer on stdout.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Machine, Plugin, Registry, Run};

/// A module of `fixtures/plugins`.
fn module(file: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins").join(file);
    wat::parse_file(path).expect("the module is well-formed")
}

pub(crate) fn plugin(name: &str, kind: &str, file: &str) -> Plugin {
    let (kind, wasm) = (kind.to_owned(), module(file));
    Plugin::new(name, "1.0.0").with(|plugin| {
        plugin.types = vec![kind];
        plugin.wasm = wasm;
    })
}

fn project() -> (Registry, Machine) {
    let registry = Registry::with([
        plugin("echo", "template", "echo-template.wat"),
        plugin("talk", "template", "talk-template.wat").needs("echo", "^1"),
        plugin("token", "auth", "token-auth.wat"),
        plugin("endless", "template", "loop-template.wat"),
        plugin("crash", "template", "trap-template.wat"),
        plugin("sneaky", "template", "sneaky-template.wat"),
        plugin("rubbish", "template", "rubbish-template.wat"),
        plugin("greedy", "template", "grow-template.wat"),
        plugin("shapeless", "auth", "shapeless-auth.wat"),
        plugin("sorry", "template", "echo-template.wat")
            .with(|plugin| plugin.wasm = wat::parse_str(SORRY).expect("the module is well-formed")),
    ]);
    let names = ["echo", "talk", "token", "endless", "crash", "sneaky", "rubbish", "greedy", "shapeless", "sorry"];
    let declared: String = names.iter().map(|name| format!("{name} = \"^1\"\n")).collect();
    let machine = Machine::with_manifest(&registry, &format!("[plugins]\n{declared}"));
    machine.ok(["sync"]);
    (registry, machine)
}

/// A template plugin that can't.
pub(crate) const SORRY: &str = r#"(module
  (memory (export "memory") 2)
  (data (i32.const 64) "{\"success\":false,\"error\":\"no such function: \5cu001b[31mred\"}")
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 4096))
  (func (export "template_function") (param i32 i32) (result i64) (i64.const 0x40_0000003b)))"#;

fn with_stdin(machine: &Machine, arguments: &[&str], input: &[u8]) -> Run {
    let mut command = machine.command();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("mfp can be started");
    child.stdin.take().expect("it's piped").write_all(input).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("mfp writes UTF-8");
    Run { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[test]
fn a_template_function() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "echo", "upper", "[\"a\", 1]"]).all(), @r#"
    exit 0
    --- stdout
    {"function_name":"upper","args":["a",1],"context":{}}
    --- stderr
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "echo", "upper", "\"one\""]).stdout, @r#"
    {"function_name":"upper","args":["one"],"context":{}}
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "echo", "now"]).stdout, @r#"
    {"function_name":"now","args":[],"context":{}}
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "echo", "now", "--context", "{\"environment\":{\"LANG\":\"de\"}}"]).stdout, @r#"
    {"function_name":"now","args":[],"context":{"environment":{"LANG":"de"}}}
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "echo", "execute", "{\"function_name\":\"f\",\"args\":[2]}"]).stdout, @r#"
    {"function_name":"f","args":[2],"context":{}}
    "#);
}

#[test]
fn a_plugin_calls_what_it_depends_on() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "talk", "anything"]).all(), @r#"
    exit 0
    --- stdout
    {"function_name":"echo","args":[1],"context":{}}
    --- stderr
    "#);
}

#[test]
fn authenticate() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "token", "authenticate", "{\"type\":\"bearer\",\"token\":\"open-sesame\"}"]).all(), @r#"
    exit 0
    --- stdout
    {"authenticated":true,"user_id":"ali","claims":{"role":"finder"}}
    --- stderr
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "token", "authenticate", "{\"type\":\"bearer\",\"token\":\"please\"}"]).stdout, @r#"
    {"authenticated":false,"user_id":"","claims":{}}
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "token", "authenticate", "7"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::run::request]: this isn't a request for `authenticate`: `request.credentials` must be an object
    help: `mfp run --help` shows what each call takes
    ");
    machine.mfp(["run", "shapeless", "authenticate", "{\"type\":\"bearer\",\"token\":\"x\"}"]).fails(7, "mfp::sandbox::answer");
}

#[test]
fn json_from_stdin() {
    let (_registry, machine) = project();
    let run = with_stdin(&machine, &["run", "echo", "upper", "-"], "[\"ünï\"]".as_bytes());
    assert!(run.code == 0 && run.stdout.contains("\"args\":[\"ünï\"]"), "{}", run.all());
    let run = with_stdin(&machine, &["run", "echo", "upper", "-"], b"");
    insta::assert_snapshot!(run.all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::run::request]: the request isn't JSON
      the request, line 1: EOF while parsing a value at line 1 column 0
    help: quote it for your shell: '{"query":"…"}'; or pipe it in and give `-`
    "#);
}

#[test]
fn what_isnt_json() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "echo", "upper", "{name: 1}"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::run::request]: the request isn't JSON
       ╭─[the request:1:2]
     1 │ {name: 1}
       ·  ┬
       ·  ╰── key must be a string at line 1 column 2
       ╰────
    help: quote it for your shell: '{"query":"…"}'; or pipe it in and give `-`
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "echo", "upper", "[]", "--context", "{"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::run::request]: --context isn't JSON
       ╭─[--context:1:1]
     1 │ {
       · ┬
       · ╰── EOF while parsing an object at line 1 column 1
       ╰────
    help: quote it for your shell: '{"query":"…"}'; or pipe it in and give `-`
    "#);
}

#[test]
fn calls_that_a_plugin_doesnt_have() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "token", "uppercase"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::run::call]: token is a plugin of type auth, and has no call `uppercase`
    help: its calls: authenticate
    ");
    insta::assert_snapshot!(machine.mfp(["run", "token", "generate"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::run::type]: plugin `token` can't answer `generate`: that's for a plugin of type response
    help: `mfp run --help` shows what each call takes
    ");
    insta::assert_snapshot!(machine.mfp(["run", "ecoh", "upper"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::lock::not-locked]: there's no plugin `ecoh` in plugins.lock
    help: did you mean echo?
    ");
    insta::assert_snapshot!(machine.mfp(["run", "echo", "functions"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::run::no-functions]: plugin `echo` doesn't say which functions it has
    help: `mfp docs echo` may say more
    ");
    insta::assert_snapshot!(machine.mfp(["run", "echo", "query", "\"select 1\""]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::run::type]: plugin `echo` can't answer `query`: that's for a plugin of type datasource
    help: `mfp run --help` shows what each call takes
    ");
}

#[test]
fn a_plugins_own_error() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "sorry", "upper"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::run::plugin-error]: plugin `sorry` says in `execute upper`: no such function: [31mred
    help: these are the plugin's own words; `mfp docs sorry` may say more
    ");
}

#[test]
fn a_plugins_own_error_moves_no_cursor() {
    let (_registry, machine) = project();
    let run = machine.mfp(["run", "sorry", "upper"]);
    assert!(!run.stderr.contains('\u{1b}'), "{:?}", run.stderr);
}

#[test]
fn an_endless_loop_is_stopped_by_its_time_limit() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "endless", "upper"]).all(), @"
    exit 7
    --- stdout
    --- stderr
    error[mfp::sandbox::time]: plugin `endless` was stopped in `execute`: it took longer than its time limit of 250 ms
    help: the plugin was stopped, nothing else was harmed; its limits: `mfp info endless`
    ");
}

#[test]
fn a_crash_names_where() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "crash", "upper"]).all(), @"
    exit 7
    --- stdout
    --- stderr
    error[mfp::sandbox::trap]: plugin `crash` was stopped in `execute`: it trapped: wasm `unreachable` instruction executed (in give_up)
    help: the plugin was stopped, nothing else was harmed; its limits: `mfp info crash`
    ");
}

#[test]
fn a_forbidden_import_is_refused_by_name() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "sneaky", "upper"]).all(), @"
    exit 7
    --- stdout
    --- stderr
    error[mfp::sandbox::import]: plugin `sneaky` imports what it isn't given: `wasi_snapshot_preview1.fd_write`
    help: tell the plugin's publisher
    ");
}

#[test]
fn an_answer_that_is_none() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["run", "rubbish", "upper"]).all(), @"
    exit 7
    --- stdout
    --- stderr
    error[mfp::sandbox::answer]: plugin `rubbish` was stopped in `execute`: its answer can't be used: it isn't UTF-8
    help: the plugin was stopped, nothing else was harmed; its limits: `mfp info rubbish`
    ");
}

#[test]
fn memory_ends_at_its_limit() {
    let (_registry, machine) = project();
    let run = machine.ok(["run", "greedy", "upper"]);
    let pages: u32 = run.stdout.trim().trim_matches('"').parse().expect("it says how many pages it got");
    assert!(pages <= 1024, "{pages} pages of 64 KiB");
}

#[test]
fn a_plugin_that_nobody_approved_doesnt_run() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ncaller = \"^1\"\nhash = \"^0.3\"\n");
    insta::assert_snapshot!(machine.mfp(["run", "caller", "upper"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 2 plugins in [TIME] (1.2 KiB)
    Installed 1 plugin in [TIME]
     + hash 0.3.1
    error[mfp::approval::missing]: a plugin asks for more than was approved
      • caller 1.0.0 asks for http api.example.com
    help: look at it and decide: `mfp approve caller`
    ");
    insta::assert_snapshot!(machine.mfp(["run", "hash", "upper"]).all(), @r#"
    exit 0
    --- stdout
    {"function_name":"upper","args":[],"context":{}}
    --- stderr
    "#);
}

#[test]
fn a_configuration_with_a_variable() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0").with(|plugin| {
        plugin.more_yaml = "configuration:\n  schema:\n    type: object\n    required: [key]\n    properties:\n      key: { type: string, minLength: 3 }\n    additionalProperties: false\n".to_owned();
    })]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[config.greet]\nkey = { env = \"GREET_KEY\" }\n");
    let run = |key: Option<&str>| machine.run(machine.command().envs(key.map(|key| ("GREET_KEY", key))).args(["run", "greet", "hello"]));
    insta::assert_snapshot!(run(None).all(), @"
    exit 2
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Fetched 1 plugin in [TIME] (701 B)
    Installed 1 plugin in [TIME]
     + greet 1.0.0
    error[mfp::config::variable]: the configuration of greet takes a value from GREET_KEY, which isn't set
    help: set it: `export GREET_KEY=…`
    ");
    assert_eq!(run(Some("long enough")).code, 0);
    insta::assert_snapshot!(run(Some("x")).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::invalid]: the configuration of greet isn't what the plugin takes
       ╭─[mockforge-plugins.toml:8:7]
     8 │ key = { env = "GREET_KEY" }
       ·       ──────────┬──────────
       ·                 ╰── /key: value is shorter than 3 characters
       ╰────
    help: `mfp info greet --config` shows what it takes
    "#);
    assert!(!machine.read("plugins.lock").contains("GREET_KEY"));
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("key =", "kee ="));
    let run = run(Some("long enough"));
    run.fails(2, "mfp::config::invalid");
}

#[test]
fn a_plugin_of_an_optional_group_runs_too() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[groups.extra]\nhash = \"^0.3\"\n");
    assert_eq!(machine.mfp(["run", "hash", "upper"]).code, 0);
}

#[test]
fn run_names_the_plugin_of_the_project_and_nothing_else() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    insta::assert_snapshot!(machine.mfp(["run", "hash", "upper"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    Resolved 0 plugins in [TIME]
    error[mfp::lock::not-locked]: there's no plugin `hash` in plugins.lock
    help: `mfp list` shows what's locked
    ");
}

/// Answers every call of an auth and of a template plugin alike.
const BOTH: &str = r#"(module
  (memory (export "memory") 2)
  (data (i32.const 64) "{\"success\":true,\"result\":{\"authenticated\":true,\"user_id\":\"x\",\"claims\":{}}}")
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 4096))
  (func $answer (export "template_function") (export "authenticate") (param i32 i32) (result i64) (i64.const 0x40_0000004a)))"#;

#[test]
fn a_type_says_what_a_word_means() {
    let registry = Registry::with([Plugin::new("both", "1.0.0").with(|plugin| {
        plugin.types = vec!["auth".to_owned(), "template".to_owned()];
        plugin.wasm = wat::parse_str(BOTH).expect("the module is well-formed");
    })]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nboth = \"1\"\n");
    machine.ok(["sync"]);
    machine.mfp(["run", "both", "authenticate"]).fails(2, "mfp::run::request");
    machine.ok(["run", "both", "authenticate", "--type", "template"]);
    machine.mfp(["run", "both", "now", "--type", "auth"]).fails(2, "mfp::run::call");
    machine.mfp(["run", "both", "query", "{\"query\":\"q\"}"]).fails(2, "mfp::run::type");
    machine.ok(["run", "both", "query", "--type", "template"]);
    insta::assert_snapshot!(machine.mfp(["run", "both", "generate", "--type", "response"]).stderr, @r"
    error[mfp::run::type]: both isn't a plugin of type response
    help: its type is auth, template
    ");
    machine.mfp(["run", "both", "now", "--type", "oracle"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn a_timeout_lowers_the_limit_and_never_raises_it() {
    let (_registry, machine) = project();
    let lowered = machine.mfp(["run", "endless", "f", "--timeout", "50ms"]);
    lowered.fails(7, "mfp::sandbox::time");
    assert!(lowered.stderr.contains("time limit of 50 ms"), "{}", lowered.stderr);
    let raised = machine.mfp(["run", "endless", "f", "--timeout", "20s"]);
    assert!(raised.stderr.contains("time limit of 250 ms"), "{}", raised.stderr);
    machine.mfp(["run", "echo", "f", "--timeout", "5"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn json_from_files() {
    let (_registry, machine) = project();
    machine.write("request.json", "[\"from a file\"]");
    machine.write("context.json", "{\"environment\":{\"A\":\"b\"}}");
    let run = machine.ok(["run", "echo", "f", "@request.json", "--context", "@context.json"]);
    assert_eq!(run.stdout.trim(), r#"{"function_name":"f","args":["from a file"],"context":{"environment":{"A":"b"}}}"#);
    machine.mfp(["run", "echo", "f", "@nothing.json"]).fails(8, "mfp::io::failed");
    machine.write("broken.json", "{");
    let broken = machine.mfp(["run", "echo", "f", "@broken.json"]);
    broken.fails(2, "mfp::run::request");
    assert!(broken.stderr.contains("[broken.json:1:1]"), "{}", broken.stderr);
}

#[test]
fn bench_shows_how_long_calls_take() {
    let (_registry, machine) = project();
    let run = machine.ok(["run", "talk", "f", "--bench", "200"]);
    let rows: Vec<&str> = run.stdout.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(rows, ["calls", "a", "p50", "p90", "p99", "max"], "{}", run.stdout);
    let bench = machine.ok(["run", "echo", "f", "[1]", "--bench", "200", "--json"]).json();
    assert_eq!((&bench["bench"]["calls"], &bench["bench"]["warm_up"]), (&200.into(), &100.into()), "{bench:#}");
    assert_eq!(bench["result"]["args"][0], 1);
    let percentiles: Vec<f64> = ["p50_us", "p90_us", "p99_us", "max_us"].iter().map(|key| bench["bench"][key].as_f64().unwrap()).collect();
    assert!(percentiles[0] > 0.0 && percentiles.is_sorted(), "{bench:#}");
    machine.mfp(["run", "crash", "f", "--bench", "10"]).fails(7, "mfp::sandbox::trap");
    machine.mfp(["run", "echo", "f", "--bench", "0"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn trace_shows_what_a_call_did() {
    let (_registry, machine) = project();
    let run = machine.ok(["run", "talk", "f", "--trace"]);
    assert_eq!(run.stdout, machine.ok(["run", "talk", "f"]).stdout, "stdout is the answer's alone");
    for part in ["code      compiled now", "memory    256.0 KiB at most", "asked of the host: 1 call\n  call     "] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    let trace = machine.ok(["run", "talk", "f", "--trace", "--json"]).json()["trace"].clone();
    assert_eq!((&trace["code"], &trace["host_calls"][0]["name"]), (&"cache".into(), &"call".into()), "{trace:#}");
    assert!(trace["host_calls"][0]["received_bytes"].as_u64() > Some(0) && trace["memory_peak_bytes"] == 262_144, "{trace:#}");
    let stopped = machine.mfp(["run", "endless", "f", "--trace"]);
    stopped.fails(7, "mfp::sandbox::time");
    assert!(stopped.stderr.contains("of 10 ms in guest code"), "{}", stopped.stderr);
}

/// Loops in one another around locals that each of them changes: few bytes, much work for a compiler.
fn bomb(locals: usize, depth: usize, times: usize) -> Vec<u8> {
    let mut code = format!("(func (param i32) (local {}) ", "i32 ".repeat(locals));
    for at in 0..depth {
        let (to, from) = (at % locals + 1, at * 7 % locals + 1);
        write!(code, "(loop (local.set {to} (i32.add (local.get {from}) (i32.const 1)))").expect("a string takes all");
    }
    for at in 0..depth {
        write!(code, "(br_if 0 (local.get {})))", at * 3 % locals + 1).expect("a string takes all");
    }
    code.push(')');
    let text = format!(
        r#"(module (memory (export "memory") 2)
        (func (export "mockforge_abi") (result i32) (i32.const 1))
        (func (export "alloc") (param i32) (result i32) (i32.const 4096))
        (func (export "template_function") (param i32 i32) (result i64) (i64.const 0)) {})"#,
        code.repeat(times)
    );
    wat::parse_str(text).expect("the module is well-formed")
}

#[test]
fn what_takes_a_compiler_too_long_is_given_up_and_the_compiler_killed() {
    let bombs = [("deep", bomb(1000, 1000, 1)), ("deeper", bomb(2000, 2000, 1)), ("many", bomb(300, 300, 30))];
    let plugins = bombs.map(|(name, wasm)| {
        assert!(wasm.len() < 200_000, "{name}: {}", wasm.len());
        Plugin::new(name, "1.0.0").with(|plugin| {
            plugin.types = vec!["template".to_owned()];
            plugin.wasm = wasm;
        })
    });
    let registry = Registry::with(plugins);
    let machine = Machine::with_manifest(&registry, "[plugins]\ndeep = \"^1\"\ndeeper = \"^1\"\nmany = \"^1\"\n");
    machine.ok(["sync"]);
    for name in ["deep", "deeper", "many"] {
        let run = machine.mfp(["run", name, "f"]);
        assert_eq!(run.code, 7);
        assert!(run.stderr.contains("mfp::sandbox::compile"), "{}", run.stderr);
    }
}

/// A plugin in a folder of the project that asks for a variable, approved.
fn asking_for_region() -> Machine {
    let machine = Machine::new();
    let asking = Plugin::new("asking", "1.0.0").with(|plugin| {
        plugin.types = vec!["template".to_owned()];
        plugin.wasm = module("echo-template.wat");
        "capabilities:\n  environment: [REGION]\n".clone_into(&mut plugin.more_yaml);
    });
    asking.write_to(&machine.project("asking"));
    machine.write(
        "mockforge-plugins.toml",
        "[plugins]\nasking = { path = \"asking\" }\n[approvals]\nasking = { source = \"path+asking\", env = [\"REGION\"] }\n",
    );
    machine.ok(["sync"]);
    machine
}

#[test]
fn a_variable_that_was_approved_is_in_the_context_unless_the_users_policy_forbids_it() {
    let machine = asking_for_region();
    let run = |machine: &Machine| {
        let mut command = machine.command();
        command.env("REGION", "eu").env("OTHER", "never").args(["run", "asking", "f"]);
        machine.run(&mut command).stdout
    };
    assert_eq!(run(&machine), "{\"function_name\":\"f\",\"args\":[],\"context\":{\"environment\":{\"REGION\":\"eu\"}}}\n");
    machine.ok(["config", "set", "policy.env", "[\"OTHER\"]"]);
    assert_eq!(run(&machine), "{\"function_name\":\"f\",\"args\":[],\"context\":{}}\n");
    machine.ok(["config", "set", "policy.env", "[\"REGION\"]"]);
    assert!(run(&machine).contains("\"REGION\":\"eu\""));
    machine.mfp(["config", "set", "policy.env", "REGION"]).fails(2, "mfp::config::invalid");
}

#[test]
fn a_project_lowers_the_limits_of_a_kind_of_source() {
    let machine = Machine::new();
    let endless = Plugin::new("endless", "1.0.0").with(|plugin| {
        plugin.types = vec!["template".to_owned()];
        plugin.wasm = module("loop-template.wat");
    });
    endless.write_to(&machine.project("endless"));
    let manifest = "[plugins]\nendless = { path = \"endless\" }\n";
    machine.write("mockforge-plugins.toml", format!("{manifest}[policy]\nlimits.path = {{ time-ms = 40 }}\n"));
    let run = machine.mfp(["run", "endless", "f"]);
    assert!(run.stderr.contains("its time limit of 40 ms"), "{}", run.stderr);
    machine.write("mockforge-plugins.toml", manifest);
    machine.ok(["config", "set", "policy.time-ms", "60"]);
    assert!(machine.mfp(["run", "endless", "f"]).stderr.contains("its time limit of 60 ms"));
}
