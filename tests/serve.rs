//! `mfp serve`: the locked plugins over HTTP. Who may ask, what's answered, and how it begins, changes and ends.
#![cfg(unix)]

use serde_json::json;

use crate::run::{SORRY, plugin};
use crate::support::serving::Reply;
use crate::support::{Machine, Plugin, Registry, Serving};

mod changes;
mod defences;
mod limits;
mod services;

/// A datasource plugin that takes its time, and says which version it is.
fn slow(version: &str) -> Plugin {
    let answer = format!(r#"{{"success":true,"result":{{"columns":[],"rows":[{{"version":"{version}"}}]}}}}"#);
    let module = format!(
        r#"(module
          (import "mockforge" "now_ms" (func $now (result i64)))
          (memory (export "memory") 2)
          (data (i32.const 64) "{}")
          (func (export "mockforge_abi") (result i32) (i32.const 1))
          (func (export "alloc") (param i32) (result i32) (i32.const 4096))
          (func (export "query_datasource") (param i32 i32) (result i64) (local $until i64)
            (local.set $until (i64.add (call $now) (i64.const 1500)))
            (loop $wait (br_if $wait (i64.lt_s (call $now) (local.get $until))))
            (i64.const {})))"#,
        answer.replace('"', "\\\""),
        (64_u64 << 32) | answer.len() as u64
    );
    Plugin::new("slow", version).with(|plugin| {
        plugin.types = vec!["datasource".to_owned()];
        plugin.wasm = wat::parse_str(module).expect("the module is well-formed");
    })
}

fn ask_slow(serving: &Serving) -> Reply {
    serving.post("/plugins/slow/plugin/datasource/query", r#"{"query":{"query":"q"},"context":{"method":"GET","uri":"/"}}"#)
}

const NAMES: [&str; 7] = ["echo", "talk", "token", "endless", "crash", "slow", "sorry"];

fn project() -> (Registry, Machine) {
    let registry = Registry::with([
        plugin("echo", "template", "echo-template.wat"),
        plugin("talk", "template", "talk-template.wat").needs("echo", "^1"),
        plugin("token", "auth", "token-auth.wat"),
        plugin("endless", "template", "loop-template.wat"),
        plugin("crash", "template", "trap-template.wat"),
        plugin("sorry", "template", "echo-template.wat")
            .with(|plugin| plugin.wasm = wat::parse_str(SORRY).expect("the module is well-formed")),
        slow("1.0.0"),
    ]);
    let declared: String = NAMES.iter().map(|name| format!("{name} = \"^1\"\n")).collect();
    let machine = Machine::with_manifest(&registry, &format!("[plugins]\n{declared}\n[groups.extra]\nhash = \"^1\"\n"));
    registry.publish(&Plugin::new("hash", "1.0.0"));
    (registry, machine)
}

fn serving(arguments: &[&str]) -> (Registry, Machine, Serving) {
    let (registry, machine) = project();
    let serving = Serving::start(&machine, arguments);
    (registry, machine, serving)
}

#[test]
fn every_call_is_answered_in_the_protocol_of_mockforge() {
    let (_registry, _machine, serving) = serving(&[]);
    let sent = r#"{"function_name":"f","args":[1],"context":{"environment":{"A":"b"},"more":1},"other":2}"#;
    let reply = serving.post("/plugins/echo/plugin/template/execute", sent);
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({ "success": true, "result": { "function_name": "f", "args": [1], "context": { "environment": { "A": "b" } } } }))
    );
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(serving.execute("talk").json()["result"]["function_name"], "echo", "it calls another");
    let token = |token: &str| {
        let body = json!({ "context": { "method": "GET", "uri": "/" }, "credentials": { "type": "bearer", "token": token } });
        serving.post("/plugins/token/plugin/authenticate", &body.to_string())
    };
    assert_eq!(token("open-sesame").json()["result"]["user_id"], "ali");
    let denied = token("please");
    assert_eq!((denied.status, &denied.json()["result"]["authenticated"]), (200, &json!(false)), "no is an answer");
    assert_eq!(ask_slow(&serving).json()["result"]["rows"][0]["version"], "1.0.0");
}

#[test]
fn errors_are_envelopes_and_their_status_says_whose_they_are() {
    let (_registry, _machine, serving) = serving(&[]);
    assert_eq!(serving.execute("sorry").fails(500), "no such function: \u{1b}[31mred", "the plugin's own words");
    assert_eq!(
        serving.execute("endless").fails(500),
        "plugin `endless` was stopped in `execute`: it took longer than its time limit of 250 ms"
    );
    assert!(serving.execute("crash").fails(500).contains("it trapped"));
    serving.execute("nobody").fails(404);
    serving.get("/plugins/nobody/health").fails(404);
    serving.get("/nowhere").fails(404);
    serving.get("/plugins/echo/plugin/template/execute").fails(405);
    serving.post("/health", "{}").fails(405);
    let execute = |body: &str| serving.post("/plugins/echo/plugin/template/execute", body);
    for broken in ["", "{", "\u{feff}{}", "{}{}", "nonsense"] {
        assert!(execute(broken).fails(400).contains("isn't JSON"), "{broken}");
    }
    for shapeless in
        ["[]", "1", "null", "{}", r#"{"function_name":1}"#, r#"{"function_name":"f","args":1}"#, r#"{"function_name":"f","context":[]}"#]
    {
        execute(shapeless).fails(422);
    }
    assert!(serving.post("/plugins/token/plugin/authenticate", "{}").fails(422).contains("`request.context` is missing"));
    assert!(serving.post("/plugins/echo/plugin/authenticate", "{}").fails(422).contains("for a plugin of type auth"));
    assert_eq!(serving.execute("echo").status, 200, "and it still answers");
}

#[test]
fn health_list_and_metrics() {
    let (_registry, _machine, serving) = serving(&["--all-groups"]);
    let health = serving.health();
    assert_eq!((&health["status"], &health["reload_error"]), (&json!("healthy"), &json!(null)));
    assert_eq!(serving.get("/plugins/echo/health").json(), json!({ "status": "healthy", "plugin": "echo", "version": "1.0.0" }));
    let list = serving.get("/plugins").json();
    let names: Vec<&str> = list["plugins"].as_array().unwrap().iter().map(|plugin| plugin["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["crash", "echo", "endless", "hash", "slow", "sorry", "talk", "token"]);
    assert_eq!(
        list["plugins"][1],
        json!({ "name": "echo", "version": "1.0.0", "types": ["template"], "capabilities": {}, "state": "ready" })
    );
    assert_eq!(serving.document["plugins"], list["plugins"], "as its first line said");

    for _ in 0..3 {
        serving.execute("echo");
    }
    serving.execute("crash");
    serving.get("/nowhere");
    for (metric, value) in [
        ("mfp_calls_total{plugin=\"echo\"}", 3.0),
        ("mfp_calls_total{plugin=\"hash\"}", 0.0),
        ("mfp_call_errors_total{plugin=\"crash\",code=\"mfp::sandbox::trap\"}", 1.0),
        ("mfp_call_duration_seconds_count{plugin=\"echo\"}", 3.0),
        ("mfp_call_duration_seconds_bucket{le=\"30.0\",plugin=\"echo\"}", 3.0),
        ("mfp_calls_in_flight{plugin=\"echo\"}", 0.0),
        ("mfp_memory_peak_bytes{plugin=\"hash\"}", 0.0),
        ("mfp_requests_refused_total{reason=\"route\"}", 1.0),
    ] {
        assert!((serving.metric(metric) - value).abs() < 0.5, "{metric}");
    }
    assert!(serving.metric("mfp_memory_peak_bytes{plugin=\"echo\"}") >= 65536.0);
    let metrics = serving.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(metrics.body.ends_with("# EOF\n"));
}

#[test]
fn requests_have_ids_and_stand_in_the_log() {
    let (_registry, _machine, serving) = serving(&["--log-format", "json"]);
    let mut client = serving.connect();
    let mut id = |header: &str| {
        let reply = client.send(&format!("GET /health?secret=zz-canary-zz HTTP/1.1\r\nHost: localhost\r\n{header}\r\n"));
        reply.header("x-request-id").expect("it has one").to_owned()
    };
    assert_eq!(id("X-Request-Id: mine-1\r\n"), "mine-1");
    let made = id("X-Request-Id: not \"sane\"\r\n");
    assert!(made.len() < 40 && !made.contains('"'), "{made}");
    assert_ne!(id(""), id(""));
    let run = serving.stop();
    let lines: Vec<serde_json::Value> = run.stderr.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["serving", "request", "request", "request", "request", "ending", "ended"], "{}", run.stderr);
    assert_eq!(
        (&lines[1]["id"], &lines[1]["path"], &lines[1]["status"], &lines[1]["method"]),
        (&json!("mine-1"), &json!("/health"), &json!(200), &json!("GET")),
        "without the query"
    );
    assert_eq!(run.stdout, "", "the first line was the only one");
}

#[test]
fn secrets_stay_out_of_the_log() {
    let (_registry, machine) = project();
    let mut command = machine.command();
    command.args(["serve", "--json", "-v", "--listen", "127.0.0.1:0"]).env("MFP_SERVE_TOKEN", "zz-canary-zz-serve");
    let serving = Serving::start_with(&mut command);
    let head = "HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nCookie: zz-canary-zz\r\n";
    for (token, body) in [
        ("zz-canary-zz-serve", r#"{"function_name":"zz-canary-zz","args":["zz-canary-zz"]}"#),
        ("zz-canary-zz-serve", r#"{"zz-canary-zz":"#),
        ("zz-canary-zz-other", "{}"),
    ] {
        let request = format!(
            "POST /plugins/sorry/plugin/template/execute?zz-canary-zz {head}Authorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        assert!(serving.connect().send(&request).status >= 400);
    }
    let run = serving.stop();
    assert_eq!(run.stderr.matches(" request id=").count(), 3, "what's said has no canary, or `stop` would have seen it\n{}", run.stderr);
}

#[test]
fn mockforge_finds_the_plugins() {
    let (_registry, machine) = project();
    machine.mfp(["serve", "--export", "mockforge"]).fails(3, "mfp::lock::missing");
    machine.ok(["lock"]);
    let run = machine.ok(["serve", "--export", "mockforge", "--listen", "127.0.0.1:9000"]);
    insta::assert_snapshot!(run.stdout.lines().take(8).collect::<Vec<_>>().join("\n"), @r"
    plugins:
      remote:
        - id: crash
          type: template
          url: http://127.0.0.1:9000/plugins/crash
          health_check_interval: 30
          timeout_ms: 5000
          retries: 3
    ");
    assert_eq!(run.stdout.matches("- id:").count(), NAMES.len());
    let grouped = machine.ok(["serve", "--export", "mockforge", "--group", "extra", "--host-name", "plugins.acme.example"]);
    assert!(grouped.stdout.contains("url: http://plugins.acme.example:7070/plugins/hash\n"), "{}", grouped.stdout);
    machine.mfp(["serve", "--export", "mockforge", "--listen", "127.0.0.1:0"]).fails(2, "mfp::serve::export");
}

#[test]
fn it_begins_only_with_what_may_run() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ncaller = \"^1\"\nhash = \"*\"\n");
    let run = machine.run(machine.command().env("CI", "true").args(["serve", "--listen", "127.0.0.1:0"]));
    run.fails(3, "mfp::lock::missing");
    machine.mfp(["serve", "--listen", "127.0.0.1:0"]).fails(5, "mfp::approval::missing");
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("caller = \"^1\"\n", ""));
    let serving = Serving::start(&machine, &[]);
    assert_eq!(serving.execute("hash").status, 200);
    assert!(machine.read("plugins.lock").contains("hash"), "it locked what wasn't");
    let address = serving.address.to_string();
    let run = machine.mfp(["serve", "--listen", &address]);
    run.fails(8, "mfp::serve::address");
    assert!(run.stderr.contains("something listens there already"), "{}", run.stderr);
}
