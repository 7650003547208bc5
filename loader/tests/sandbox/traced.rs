//! What a call did and cost, for those who ask.

use mfp_loader::{HostCall, Plugins, Trace};
use serde_json::json;

use crate::support::*;

fn traced(plugins: &Plugins, plugin: &str) -> Trace {
    let (answer, trace) = plugins.call_traced(&name(plugin), &execute(), &json!({}));
    answer.unwrap();
    trace
}

fn names(calls: &[HostCall]) -> Vec<&str> {
    calls.iter().map(|call| call.name).collect()
}

#[test]
fn memory_and_host_calls_are_those_of_the_plugin_that_was_called() {
    let body = "(drop (memory.grow (i32.const 30))) (drop (call $now_ms)) (call $random (i32.const 128) (i32.const 8)) \
                (call $wrap (call $call (local.get $ptr) (local.get $len)))";
    let asked = json!({ "dependency": "inner", "call": "execute", "request": { "function_name": "g" } }).to_string();
    let mut outer = template("outer", &with_text("template_function", &asked, body));
    outer.dependencies = [name("inner")].into();
    let log = r#"(func (export "template_function") (param i32 i32) (result i64) (call $wrap (call $config)))"#;
    let plugins = load([outer, template("inner", log)]).unwrap();
    let trace = traced(&plugins, "outer");
    assert_eq!(names(&trace.host_calls), ["now_ms", "random", "call"], "not those of the other");
    let call = &trace.host_calls[2];
    assert_eq!(call.sent, asked.len() as u64);
    assert_eq!(call.received, r#"{"success":true,"result":{}}"#.len() as u64);
    assert!(call.time > trace.host_calls[0].time && trace.host_time >= call.time, "{trace:?}");
    assert!(trace.memory_peak >= 31 * 65536, "{trace:?}");
    assert!(trace.wall >= trace.start + trace.host_time, "{trace:?}");
    assert!(traced(&plugins, "inner").memory_peak < 31 * 65536, "each call has its own");
}

#[test]
fn of_very_many_host_calls_only_the_first_are_kept() {
    let body = "(local $left i32) (local.set $left (i32.const 1000)) \
                (loop $more (drop (call $now_ms)) (local.set $left (i32.sub (local.get $left) (i32.const 1))) (br_if $more (local.get $left))) \
                (call $wrap (call $config))";
    let code = format!(r#"(func (export "template_function") (param i32 i32) (result i64) {body})"#);
    let trace = traced(&load([template("t", &code)]).unwrap(), "t");
    assert_eq!((trace.host_calls.len(), trace.more_host_calls), (256, 1001 - 256));
}

#[test]
fn a_stop_is_traced_too_and_an_unknown_name_is_nothing() {
    let plugins = load([template(
        "t",
        r#"(func (export "template_function") (param i32 i32) (result i64) (loop $forever (br $forever)) unreachable)"#,
    )])
    .unwrap();
    let (answer, trace) = plugins.call_traced(&name("t"), &execute(), &json!({}));
    assert_eq!(answer.unwrap_err().code(), "mfp::sandbox::time");
    assert!(trace.ticks >= 10 && trace.memory_peak >= 65536, "{trace:?}");
    let (answer, trace) = plugins.call_traced(&name("nobody"), &execute(), &json!({}));
    assert_eq!((answer.unwrap_err().code(), trace), ("mfp::run::unknown", Trace::default()));
}
