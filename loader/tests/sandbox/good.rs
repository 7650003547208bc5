//! Plugins that do what they should.

use base64::Engine as _;
use mfp_loader::{Call, CallError, Limits, Loader, LoaderOptions, LogLevel, PluginType};
use serde_json::json;

use crate::support::*;

#[test]
fn a_plugin_of_each_type_answers() {
    let auth = r#"{"success":true,"result":{"authenticated":true,"user_id":"ada","claims":{"role":"admin"}}}"#;
    let response = r#"{"success":true,"result":{"status_code":201,"headers":{"X-A":"b"},"body":"aGk=","content_type":"text/plain"}}"#;
    let source = r#"{"success":true,"result":{"columns":[{"name":"n","data_type":"integer"}],"rows":[{"n":1}]}}"#;
    let functions = r#"{"success":true,"result":[{"name":"f","parameters":[],"return_type":"string"}]}"#;
    let template = format!("{ECHO} {}", answering("template_functions", functions));
    let plugins = load([
        wat("auth", PluginType::Auth, &module(&answering("authenticate", auth))),
        wat("template", PluginType::Template, &module(&template)),
        wat("response", PluginType::Response, &module(&answering("generate_response", response))),
        wat("source", PluginType::Datasource, &module(&answering("query_datasource", source))),
    ])
    .unwrap();
    assert_eq!(ask(&plugins, "auth", &Call::Authenticate).unwrap()["user_id"], "ada");
    assert_eq!(ask(&plugins, "template", &execute()).unwrap(), json!({ "function_name": "f", "args": ["a", 1], "context": {} }));
    assert_eq!(ask(&plugins, "template", &Call::Functions).unwrap()[0]["name"], "f");
    assert_eq!(ask(&plugins, "response", &Call::Generate).unwrap()["status_code"], 201);
    assert_eq!(ask(&plugins, "source", &Call::Query).unwrap()["rows"], json!([{ "n": 1 }]));
    assert_eq!(plugins.names().count(), 4);
}

#[test]
fn a_plugins_own_error_is_its_own() {
    let error = run(template("t", &answering("template_function", r#"{"success":false,"error":"no such user"}"#)));
    let error = error.unwrap_err();
    assert_eq!(error.code(), "mfp::run::plugin-error");
    assert_eq!(error.to_string(), "plugin `t` says in `execute f`: no such user");
}

#[test]
fn what_cannot_be_asked_is_said_before_asking() {
    let plugins = load([template("hello", ECHO)]).unwrap();
    let error = ask(&plugins, "helo", &execute()).unwrap_err();
    assert_eq!(error.to_string(), "there's no plugin `helo`; did you mean `hello`?");
    assert_eq!(ask(&plugins, "hello", &Call::Generate).unwrap_err().code(), "mfp::run::type");
    assert_eq!(ask(&plugins, "hello", &Call::Functions).unwrap_err().code(), "mfp::run::no-functions");
    let wrong = plugins.call(&name("hello"), &execute(), &json!({ "args": 1 })).unwrap_err();
    assert_eq!(wrong.code(), "mfp::run::request");
    let long = json!({ "args": ["x".repeat(9 << 20)] });
    assert!(matches!(plugins.call(&name("hello"), &execute(), &long), Err(CallError::Request { .. })));
}

#[test]
fn the_host_gives_configuration_time_random_numbers_and_files() {
    let config = r#"(func (export "template_function") (param i32 i32) (result i64) (call $wrap (call $config)))"#;
    let mut spec = template("t", config);
    assert_eq!(run(spec.clone()).unwrap(), json!({}), "none is an empty one");
    spec.config = json!({ "key": "ü" });
    assert_eq!(run(spec).unwrap(), json!({ "key": "ü" }));

    let as_hex = r"(i64.store (i32.const 64) (i64.const 0x65736c6166)) (i64.store (i32.const 80) (i64.const 0x65757274))";
    let truth = |condition: &str| {
        let code = format!(
            r#"(func (export "template_function") (param i32 i32) (result i64) {as_hex}
               (call $random (i32.const 128) (i32.const 8))
               (call $wrap (if (result i64) {condition}
                 (then (call $pack (i32.const 80) (i32.const 4))) (else (call $pack (i32.const 64) (i32.const 5))))))"#
        );
        run(template("t", &code)).unwrap()
    };
    assert_eq!(truth(&format!("(i64.eq (call $now_ms) (i64.const {NOW}))")), json!(true));
    assert_eq!(truth("(i64.eq (i64.load (i32.const 128)) (i64.const 0x0707070707070707))"), json!(true));
    assert_eq!(truth("(i64.eqz (i64.load (i32.const 136)))"), json!(true), "no byte more than asked");

    let asset = |path: &str| {
        let body = "(call $wrap (call $asset (local.get $ptr) (local.get $len)))";
        run(template("t", &with_text("template_function", path, body))).unwrap()
    };
    assert_eq!(asset("data/hi.txt"), json!({ "success": true, "result": "aGk=" }));
    let wasm = asset("plugin.wasm");
    let wasm = base64::engine::general_purpose::STANDARD.decode(wasm["result"].as_str().unwrap()).unwrap();
    assert!(wasm.starts_with(b"\0asm"));
    for path in ["nothing", "../data/hi.txt", "/etc/passwd", "data", "data/../data/hi.txt", "", "\u{1b}[31m"] {
        let answer = asset(path);
        assert_eq!(answer["success"], false, "{path}");
        assert!(!answer["error"].as_str().unwrap().contains('\u{1b}'));
    }
}

#[test]
fn log_lines_are_kept_with_their_level_up_to_the_calls_share() {
    let log = Log::default();
    let body = r"(loop $again
          (call $log (local.get $ptr) (local.get $len))
          (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
        (call $log (local.get 0) (i32.const 5))
        (call $wrap (call $config))";
    let line = format!(r#"{{"level":"warn","text":"{}"}}"#, "x".repeat(975));
    let limits = Limits { log_bytes: 10_000, ..template_ms(5000) };
    let loader = Loader::new(LoaderOptions { log: Box::new(log.clone()), limits, ..options() });
    let plugins = loader.load(vec![template("t", &with_text("template_function", &line, body))]).unwrap();
    for _ in 0..2 {
        ask(&plugins, "t", &execute()).unwrap();
        let lines = std::mem::take(&mut *log.0.lock().unwrap());
        assert_eq!(lines.len(), 10_000 / line.len(), "and nothing after the share is used up");
        assert_eq!((lines[0].level, lines[0].function), (LogLevel::Warn, "execute"));
        assert_eq!(lines[0].plugin, name("t"));
        assert_eq!(lines[0].text.len(), 975);
    }
    let odd = with_text("template_function", "not json", "(call $log (local.get $ptr) (local.get $len)) (call $wrap (call $config))");
    let plugins = loader.load(vec![template("t", &odd)]).unwrap();
    ask(&plugins, "t", &execute()).unwrap();
    let lines = log.0.lock().unwrap();
    assert_eq!((lines[0].level, lines[0].text.as_str()), (LogLevel::Info, "not json"));
}

#[test]
fn initialize_runs_before_the_first_call_and_dealloc_after_it() {
    let code = r#"(global $ready (mut i32) (i32.const 0))
        (func (export "_initialize") (global.set $ready (i32.const 1)))
        (func (export "dealloc") (param i32 i32) (if (i32.eqz (local.get 0)) (then (unreachable))))
        (func (export "template_function") (param i32 i32) (result i64)
          (if (i32.eqz (global.get $ready)) (then (unreachable)))
          (call $wrap (call $config)))"#;
    assert_eq!(run(template("t", code)).unwrap(), json!({}));
}
