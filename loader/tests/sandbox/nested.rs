//! Plugins that call plugins.

use std::time::{Duration, Instant};

use mfp_loader::{Call, PluginSpec, PluginType};
use serde_json::{Value, json};

use crate::support::*;

/// A template plugin that makes this nested call and answers its enveloped answer.
fn calling(plugin: &str, dependencies: &[&str], asked: &Value) -> PluginSpec {
    let body = "(call $wrap (call $call (local.get $ptr) (local.get $len)))";
    let mut spec = template(plugin, &with_text("template_function", &asked.to_string(), body));
    spec.dependencies = dependencies.iter().map(|other| name(other)).collect();
    spec
}

fn asked(dependency: &str) -> Value {
    json!({ "dependency": dependency, "call": "execute", "request": { "function_name": "g", "args": [1], "other": 2 } })
}

fn both(first: PluginSpec, second: PluginSpec) -> Value {
    let plugin = first.name.to_string();
    ask(&load([first, second]).unwrap(), &plugin, &execute()).unwrap()
}

#[test]
fn a_dependency_answers_in_its_envelope() {
    let answer = both(calling("a", &["b"], &asked("b")), template("b", ECHO));
    let sent = json!({ "function_name": "g", "args": [1], "context": {} });
    assert_eq!(answer, json!({ "success": true, "result": sent }), "the callee gets the listed keys only");
}

#[test]
fn only_declared_dependencies_are_reached() {
    for (dependencies, asks) in [(&[][..], asked("b")), (&["b"], asked("a")), (&["b"], asked("nobody")), (&["b"], asked("../b"))] {
        let answer = both(calling("a", dependencies, &asks), template("b", ECHO));
        assert_eq!(answer["success"], false, "{asks}");
    }
    for wrong in [
        json!(1),
        json!({ "dependency": "b" }),
        json!({ "dependency": "b", "call": "exec", "request": {} }),
        json!({ "dependency": "b", "call": "execute", "request": {} }),
        json!({ "dependency": "b", "call": "authenticate", "request": {} }),
        json!({ "dependency": "b", "call": "functions", "request": {} }),
    ] {
        assert_eq!(both(calling("a", &["b"], &wrong), template("b", ECHO))["success"], false, "{wrong}");
    }
}

#[test]
fn the_callee_has_its_own_configuration_and_limits() {
    let config = r#"(func (export "template_function") (param i32 i32) (result i64)
        (if (i32.ne (memory.grow (i32.const 64)) (i32.const -1)) (then (unreachable)))
        (call $wrap (call $config)))"#;
    let mut first = calling("a", &["b"], &asked("b"));
    first.config = json!({ "whose": "caller" });
    let mut callee = template("b", config);
    callee.config = json!({ "whose": "callee" });
    callee.limits.own.memory = Some(2 << 20);
    assert_eq!(both(first, callee), json!({ "success": true, "result": { "whose": "callee" } }));
}

#[test]
fn what_stops_the_callee_is_told_the_caller() {
    let trap = r#"(func (export "template_function") (param i32 i32) (result i64) (unreachable))"#;
    let answer = both(calling("a", &["b"], &asked("b")), template("b", trap));
    assert_eq!(answer["success"], false);
    assert!(answer["error"].as_str().unwrap().contains("plugin `b` was stopped in `execute`: it trapped"), "{answer}");
    let own = answering("template_function", r#"{"success":false,"error":"my own"}"#);
    let answer = both(calling("a", &["b"], &asked("b")), template("b", &own));
    assert_eq!(answer, json!({ "success": false, "error": "my own" }));
}

#[test]
fn the_callee_gets_no_more_time_than_its_caller_has() {
    let endless = "(loop $forever (br $forever)) (i64.const 0)";
    let source = format!(r#"(func (export "query_datasource") (param i32 i32) (result i64) {endless})"#);
    let asks = json!({ "dependency": "b", "call": "query", "request": request(&Call::Query) });
    let plugins = load([calling("a", &["b"], &asks), wat("b", PluginType::Datasource, &module(&source))]).unwrap();
    let began = Instant::now();
    let stop = stop(ask(&plugins, "a", &execute()).unwrap_err());
    assert!(began.elapsed() < Duration::from_millis(800), "{:?}", began.elapsed());
    assert_eq!((stop.plugin.as_str(), stop.kind.code()), ("a", "mfp::sandbox::time"));
}

#[test]
fn a_callee_that_is_over_its_own_time_leaves_its_caller_the_rest() {
    let endless = r#"(func (export "template_function") (param i32 i32) (result i64) (loop $forever (br $forever)) (i64.const 0))"#;
    let mut callee = template("b", endless);
    callee.limits.own.time_ms = Some(50);
    let answer = both(calling("a", &["b"], &asked("b")), callee);
    assert!(answer["error"].as_str().unwrap().contains("its time limit of 50 ms"), "{answer}");
}

#[test]
fn chains_end_at_depth_eight() {
    let chain = |length: usize| {
        let mut specs: Vec<_> = (1..length)
            .map(|at| {
                let next = format!("p{}", at + 1);
                calling(&format!("p{at}"), &[&next], &asked(&next))
            })
            .collect();
        specs.push(template(&format!("p{length}"), &answering("template_function", r#"{"success":true,"result":"end"}"#)));
        let loader = mfp_loader::Loader::new(mfp_loader::LoaderOptions { limits: template_ms(5000), ..options() });
        ask(&loader.load(specs).unwrap(), "p1", &execute()).unwrap().to_string()
    };
    assert!(chain(8).contains("end"));
    let deeper = chain(9);
    assert!(deeper.contains("deeper than 8") && !deeper.contains("end\""), "{deeper}");
}

#[test]
fn a_plugin_that_is_being_started_calls_nobody() {
    let request = asked("b").to_string();
    let start = format!(
        "(global $answer (mut i64) (i64.const 0))
         (func $start (global.set $answer (call $call (i32.const 0) (i32.const {}))))
         (start $start)",
        request.len()
    );
    let code = with_text("template_function", &request, "(call $wrap (global.get $answer))");
    let mut spec = template("a", &format!("{code} {start}"));
    spec.dependencies = [name("b")].into();
    let answer = both(spec, template("b", ECHO));
    assert_eq!(answer["success"], false);
    assert!(answer["error"].as_str().unwrap().contains("being started"), "{answer}");
}
