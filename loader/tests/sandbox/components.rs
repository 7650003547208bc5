//! Components that ask for what they aren't given, or that do what they shouldn't.
//!
//! Most are a core module in WAT that is made a component by the WIT of `sdk/wit`, as a language's tools do it.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use mfp_loader::{CallError, Limits, LoadError, Loader, LoaderOptions, PluginSpec, PluginType, StopKind};
use serde_json::{Value, json};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::calls::resident;
use crate::support::*;

/// As much of WASI as the hostile ones use, as the host has it.
const WASI: &str = r"
package mfp:hostile;

world template { include mockforge:plugin/template-plugin@0.1.0; }
world timer { include template; import wasi:clocks/monotonic-clock@0.2.6; import wasi:io/poll@0.2.6; }
world dice { include template; import wasi:random/random@0.2.6; }
world sockets {
    include template;
    import wasi:sockets/instance-network@0.2.6;
    import wasi:sockets/tcp-create-socket@0.2.6;
    import wasi:sockets/tcp@0.2.6;
}

package wasi:io@0.2.6 {
    interface poll {
        resource pollable { block: func(); }
        poll: func(in: list<borrow<pollable>>) -> list<u32>;
    }
}

package wasi:clocks@0.2.6 {
    interface monotonic-clock {
        use wasi:io/poll@0.2.6.{pollable};
        subscribe-duration: func(when: u64) -> pollable;
    }
}

package wasi:random@0.2.6 {
    interface random { get-random-bytes: func(len: u64) -> list<u8>; }
}

package wasi:sockets@0.2.6 {
    interface network {
        resource network;
        enum error-code {
            unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict,
            not-in-progress, would-block, invalid-state, new-socket-limit, address-not-bindable, address-in-use,
            remote-unreachable, connection-refused, connection-reset, connection-aborted, datagram-too-large,
            name-unresolvable, temporary-resolver-failure, permanent-resolver-failure,
        }
        enum ip-address-family { ipv4, ipv6 }
        type ipv4-address = tuple<u8, u8, u8, u8>;
        type ipv6-address = tuple<u16, u16, u16, u16, u16, u16, u16, u16>;
        record ipv4-socket-address { port: u16, address: ipv4-address }
        record ipv6-socket-address { port: u16, flow-info: u32, address: ipv6-address, scope-id: u32 }
        variant ip-socket-address { ipv4(ipv4-socket-address), ipv6(ipv6-socket-address) }
    }
    interface instance-network {
        use network.{network};
        instance-network: func() -> network;
    }
    interface tcp {
        use network.{network, error-code, ip-socket-address};
        resource tcp-socket {
            start-connect: func(network: borrow<network>, remote-address: ip-socket-address) -> result<_, error-code>;
        }
    }
    interface tcp-create-socket {
        use network.{error-code, ip-address-family};
        use tcp.{tcp-socket};
        create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
    }
}
";

/// The memory and the functions that a plugin needs: `$realloc`, and `$ok(ptr, len)`, an answer that's good.
const CORE: &str = r#"
  (memory (export "memory") 2)
  (global $heap (mut i32) (i32.const 8192))
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $p i32)
    (local.set $p (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $p) (local.get 3)))
    (local.get $p))
  (func $ok (param i32 i32) (result i32)
    (i32.store8 (i32.const 64) (i32.const 0))
    (i32.store (i32.const 68) (local.get 0))
    (i32.store (i32.const 72) (local.get 1))
    (i32.const 64))
"#;

/// An export of the interface `template`.
fn export(name: &str, params: &str, body: &str) -> String {
    format!(r#"(func (export "mockforge:plugin/template@0.1.0#{name}") {params} (result i32) {body})"#)
}

/// `execute` with this body; `functions` traps.
fn executing(body: &str) -> String {
    export("execute", "(param i32)", body) + &export("functions", "", "(unreachable)")
}

/// The component of this core module for a world of [`WASI`].
fn encoded_core(world: &str, core: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../sdk/wit")).unwrap();
    let package = resolve.push_str("hostile.wit", WASI).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut core = wat::parse_str(core).unwrap();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&core).unwrap().encode().unwrap()
}

/// The component of a core module with these imports, [`CORE`] and this code.
fn encoded(world: &str, imports: &str, code: &str) -> Vec<u8> {
    encoded_core(world, &format!("(module {imports} {CORE} {code})"))
}

/// A component that executes nothing, with another [`CORE`].
fn with_core(core: &str) -> PluginSpec {
    raw("t", PluginType::Template, encoded_core("template", &format!("(module {core} {})", executing(NULL))))
}

fn component(plugin: &str, code: &str) -> PluginSpec {
    raw(plugin, PluginType::Template, encoded("template", "", code))
}

/// A component that does this in `execute`.
fn doing(body: &str) -> PluginSpec {
    component("t", &executing(body))
}

/// What's answered by `execute`, where `null` is at 128.
const NULL: &str = "(call $ok (i32.const 128) (i32.const 4))";
const NULL_TEXT: &str = r#"(data (i32.const 128) "null")"#;

fn refusal(wasm: Vec<u8>) -> LoadError {
    load([raw("t", PluginType::Template, wasm)]).unwrap_err()
}

#[test]
fn a_component_in_wat_answers() {
    let spec = component("t", &(executing(NULL) + NULL_TEXT));
    assert_eq!(run(spec).unwrap(), Value::Null);
}

#[test]
fn every_import_that_is_not_given_is_named() {
    let imports = [
        "mockforge:plugin/other@0.1.0",
        "mockforge:plugin/host@0.2.0",
        "mockforge:plugin/host@1.0.0",
        "mockforge:plugin/host",
        "wasi:http/types@0.2.6",
        "wasi:http/outgoing-handler@0.2.6",
        "wasi:http/incoming-handler@0.2.6",
        "wasi:nn/graph@0.2.0",
        "wasi:keyvalue/store@0.2.0",
        "wasi:io/poll@0.3.0",
        "wasi:cli/environment@1.2.0",
        "evil:wasi/io@0.2.6",
    ];
    let text: String = imports.iter().map(|name| format!(r#"(import "{name}" (instance))"#)).collect();
    let more = r#"(import "run" (func)) (import "core" (core module)) (import "inner" (component))"#;
    let LoadError::Imports { refused, .. } = refusal(wat::parse_str(format!("(component {text} {more})")).unwrap()) else {
        panic!("another error");
    };
    let expected: Vec<String> = imports.iter().chain(&["run", "core", "inner"]).map(|name| format!("`{name}`")).collect();
    assert_eq!(refused, expected);
}

#[test]
fn a_granted_interface_has_no_more_in_it_than_there_is() {
    let more = r#"(component (import "mockforge:plugin/host@0.1.0" (instance (export "exec" (func)))))"#;
    let mut wasm = encoded("template", "", &executing(NULL));
    // A component in the component that imports it from outside is no way around it, either.
    let inner = wat::parse_str(more).unwrap();
    let error = refusal(inner.clone());
    assert!(["mfp::sandbox::export", "mfp::sandbox::import"].contains(&error.code()), "{error}");
    append(&mut wasm, 4, &inner);
    assert!(load([raw("t", PluginType::Template, wasm)]).is_ok(), "one that's never instantiated asks for nothing");

    let full = format!(r#"(component (import "mockforge:plugin/host@0.1.0" (instance (export "exec" (func)))) {EMPTY_TEMPLATE})"#);
    let error = refusal(wat::parse_str(full).unwrap());
    assert_eq!(error.code(), "mfp::sandbox::invalid", "{error}");
    assert!(error.to_string().contains("`exec`"), "{error}");
}

/// An interface that only has the right name.
const EMPTY_TEMPLATE: &str = r#"(instance $none) (export "mockforge:plugin/template@0.1.0" (instance $none))"#;

#[test]
fn every_export_that_is_missing_is_named() {
    let LoadError::Exports { missing, .. } = refusal(wat::parse_str("(component)").unwrap()) else { panic!("another error") };
    assert_eq!(missing, ["`mockforge:plugin/template@0.1.0`"]);
    for export in ["mockforge:plugin/template@0.2.0", "mockforge:plugin/auth@0.1.0", "other:plugin/template@0.1.0", "template"] {
        let text = format!(r#"(component (instance $none) (export "{export}" (instance $none)))"#);
        assert_eq!(refusal(wat::parse_str(text).unwrap()).code(), "mfp::sandbox::export", "{export}");
    }
    let text = r#"(component (component $none) (export "mockforge:plugin/template@0.1.0" (component $none)))"#;
    assert_eq!(refusal(wat::parse_str(text).unwrap()).code(), "mfp::sandbox::export", "a component of that name");
}

#[test]
fn an_interface_of_other_types_is_another() {
    let text = format!("(component {EMPTY_TEMPLATE})");
    assert_eq!(refusal(wat::parse_str(text).unwrap()).code(), "mfp::sandbox::invalid", "nothing in it");
    let text = r#"(component
        (core module $m (func (export "f") (result i32) (i32.const 0)))
        (core instance $i (instantiate $m))
        (func $f (result u32) (canon lift (core func $i "f")))
        (instance $template (export "execute" (func $f)) (export "functions" (func $f)))
        (export "mockforge:plugin/template@0.1.0" (instance $template)))"#;
    let error = refusal(wat::parse_str(text).unwrap());
    assert_eq!(error.code(), "mfp::sandbox::invalid", "{error}");
}

/// Append a section to a component.
fn append(component: &mut Vec<u8>, section: u8, bytes: &[u8]) {
    component.push(section);
    leb(component, bytes.len());
    component.extend(bytes);
}

fn leb(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

const CORE_MODULE_SECTION: u8 = 1;
const CORE_INSTANCE_SECTION: u8 = 2;
const COMPONENT_SECTION: u8 = 4;

/// A good component that has this module in it too, `count` times instantiated.
fn with_instances(count: usize, module: &str) -> PluginSpec {
    let mut wasm = encoded("template", "", &executing(NULL));
    let modules = modules_in(&wasm);
    append(&mut wasm, CORE_MODULE_SECTION, &wat::parse_str(module).unwrap());
    let mut instances = Vec::new();
    leb(&mut instances, count);
    for _ in 0..count {
        instances.push(0);
        leb(&mut instances, modules);
        instances.push(0);
    }
    append(&mut wasm, CORE_INSTANCE_SECTION, &instances);
    raw("t", PluginType::Template, wasm)
}

/// How many core modules are at the top of a component: the index of the next.
fn modules_in(component: &[u8]) -> usize {
    let (mut count, mut depth) = (0, 0);
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload.unwrap() {
            wasmparser::Payload::ModuleSection { .. } if depth == 1 => {
                count += 1;
            }
            wasmparser::Payload::Version { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    count
}

#[test]
fn more_instances_than_there_may_be() {
    assert!(load([with_instances(60, "(module)")]).is_ok());
    let error = load([with_instances(100, "(module)")]).unwrap_err();
    assert!(error.code().starts_with("mfp::sandbox::"), "{} {error}", error.code());
    let began = Instant::now();
    let error = load([with_instances(200_000, "(module)")]).unwrap_err();
    assert!(error.code().starts_with("mfp::sandbox::"), "{} {error}", error.code());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn memories_and_tables_of_all_instances_count_together() {
    let error = load([with_instances(1, "(module (memory 2049))")]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::memory", "{error}");
    let error = load([with_instances(3, "(module (memory 1024))")]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::memory", "{error}");
    let grows = "(module (memory 1) (func $f (if (i32.eq (memory.grow (i32.const 1023)) (i32.const -1)) (then (unreachable)))) (start $f))";
    assert!(load([with_instances(1, grows)]).is_ok());
    let error = load([with_instances(3, grows)]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::memory", "{error}");
    let error = load([with_instances(1, "(module (table 100001 funcref))")]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::table", "{error}");
    let error = load([with_instances(11, "(module (table 10000 funcref))")]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::table", "{error}");
}

#[test]
fn components_in_components_end_somewhere() {
    let nested = |depth: usize| {
        (0..depth).fold(wat::parse_str("(component)").unwrap(), |inner, _| {
            let mut outer = wat::parse_str("(component)").unwrap();
            append(&mut outer, COMPONENT_SECTION, &inner);
            outer
        })
    };
    for depth in [17, 1000] {
        let error = refusal(nested(depth));
        assert_eq!(error.code(), "mfp::sandbox::size", "{depth}: {error}");
    }
    let many = |count: usize| {
        let mut wasm = encoded("template", "", &executing(NULL));
        (0..count).for_each(|_| append(&mut wasm, COMPONENT_SECTION, b"\0asm\x0d\0\x01\0"));
        wasm
    };
    assert!(load([raw("t", PluginType::Template, many(900))]).is_ok());
    assert_eq!(refusal(many(1001)).code(), "mfp::sandbox::size");
}

#[test]
fn a_start_that_never_ends() {
    let began = Instant::now();
    let start = "(func $start (loop $ever (br $ever))) (start $start)";
    let error = load([component("t", &(executing(NULL) + start))]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::time", "{error}");
    let error = load([with_instances(1, &format!("(module {start})"))]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::time", "{error}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// What a component is stopped with that does this in `execute`, which mustn't take long.
#[track_caller]
fn stops(spec: PluginSpec, code: &str) {
    let plugins = load([spec]).unwrap();
    let began = Instant::now();
    let error = ask(&plugins, "t", &execute()).unwrap_err();
    let took = began.elapsed();
    assert_eq!(error.code(), code, "{error}");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn endless_ones_are_stopped_wherever_they_are() {
    let ever = "(loop $ever (br $ever))";
    stops(doing(&format!("{ever} (unreachable)")), "mfp::sandbox::time");
    let after = format!(r#"(func (export "cabi_post_mockforge:plugin/template@0.1.0#execute") (param i32) {ever})"#);
    stops(component("t", &(executing(NULL) + NULL_TEXT + &after)), "mfp::sandbox::time");
    let realloc = CORE.replace("(local $p i32)", &format!("(local $p i32) {ever}"));
    stops(with_core(&realloc), "mfp::sandbox::time");
}

#[test]
fn recursion_and_traps() {
    stops(doing("(unreachable)"), "mfp::sandbox::trap");
    let deep = "(func $deep (param i32) (result i32) (i32.add (call $deep (local.get 0)) (i32.const 1)))";
    stops(component("t", &(executing("(call $deep (i32.const 0))") + deep)), "mfp::sandbox::stack");
    let greedy = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)";
    stops(doing(greedy), "mfp::sandbox::memory");
}

#[test]
fn pointers_and_lengths_that_cannot_be() {
    let answers = [
        ("outside", "(call $ok (i32.const 131072) (i32.const 1))"),
        ("half outside", "(call $ok (i32.const 131070) (i32.const 4))"),
        ("at the end of the world", "(call $ok (i32.const -1) (i32.const -1))"),
        ("2^31 bytes", "(call $ok (i32.const 0) (i32.const 0x80000000))"),
        ("an answer outside", "(i32.const 131072)"),
        ("an answer half outside", "(i32.const 131064)"),
        ("an answer at an odd place", "(i32.const 65)"),
        ("neither good nor bad", "(drop (call $ok (i32.const 0) (i32.const 0))) (i32.store8 (i32.const 64) (i32.const 2)) (i32.const 64)"),
        ("not UTF-8", "(i32.store8 (i32.const 128) (i32.const 255)) (call $ok (i32.const 128) (i32.const 1))"),
    ];
    for (what, body) in answers {
        let plugins = load([doing(body)]).unwrap();
        let error = ask(&plugins, "t", &execute()).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::abi", "{what}: {error}");
    }
    for (what, place) in [("outside", "(i32.const 131072)"), ("far outside", "(i32.const -8)"), ("at an odd place", "(i32.const 8193)")] {
        let realloc = format!("(local.set $p {place}) (global.set $heap");
        let core = CORE.replace("(global.set $heap", &realloc);
        let error = run(with_core(&core)).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::abi", "an argument {what}: {error}");
    }
}

#[test]
fn lists_that_are_longer_than_memory() {
    let _alone = alone();
    let before = resident();
    for (pointer, length) in [(0_u32, 1_u32 << 31), (0, u32::MAX), (128, 1 << 27), (0, 6000)] {
        let functions = export("functions", "", &format!("(call $ok (i32.const {pointer}) (i32.const {length}))"));
        let code = export("execute", "(param i32)", "(unreachable)") + &functions;
        let plugins = load([component("t", &code)]).unwrap();
        let error = ask(&plugins, "t", &mfp_loader::Call::Functions).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::abi", "{pointer} {length}: {error}");
    }
    assert!(resident() < before + (200 << 20), "{} MiB", resident() >> 20);
}

#[test]
fn a_list_of_a_million_that_all_share_one_place() {
    let _alone = alone();
    // 50 000 functions, whose three texts are all the same mebibyte: 150 GB, if they were copied.
    let functions = r"
        (drop (memory.grow (i32.const 62)))
        (local.set $at (i32.const 131072))
        (loop $next
          (i32.store (i32.add (local.get $at) (i32.const 0)) (i32.const 2097152)) (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 1048576))
          (i32.store (i32.add (local.get $at) (i32.const 8)) (i32.const 2097152)) (i32.store (i32.add (local.get $at) (i32.const 12)) (i32.const 1048576))
          (i32.store (i32.add (local.get $at) (i32.const 16)) (i32.const 0)) (i32.store (i32.add (local.get $at) (i32.const 20)) (i32.const 0))
          (i32.store (i32.add (local.get $at) (i32.const 24)) (i32.const 2097152)) (i32.store (i32.add (local.get $at) (i32.const 28)) (i32.const 1048576))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br_if $next (i32.lt_u (local.get $at) (i32.const 2000000))))
        (call $ok (i32.const 131072) (i32.const 50000))";
    let code = export("execute", "(param i32)", "(unreachable)")
        + &export("functions", "", functions).replace("(result i32)", "(result i32) (local $at i32)");
    let plugins = load([component("t", &code)]).unwrap();
    let before = resident();
    let began = Instant::now();
    let error = ask(&plugins, "t", &mfp_loader::Call::Functions).unwrap_err();
    assert!(error.code().starts_with("mfp::sandbox::"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(resident() < before + (200 << 20), "{} MiB", (resident() - before) >> 20);
}

/// What a component of this world is that does this in `execute`.
fn in_world(world: &str, imports: &str, body: &str) -> PluginSpec {
    raw("t", PluginType::Template, encoded(world, imports, &(executing(body) + NULL_TEXT)))
}

const SUBSCRIBE: &str = r#"(import "wasi:clocks/monotonic-clock@0.2.6" "subscribe-duration" (func $subscribe (param i64) (result i32)))"#;
const BLOCK: &str = r#"(import "wasi:io/poll@0.2.6" "[method]pollable.block" (func $block (param i32)))"#;

#[test]
fn waiting_ends_with_the_calls_time() {
    let hour = "(i64.const 3_600_000_000_000)";
    stops(
        in_world("timer", &format!("{SUBSCRIBE} {BLOCK}"), &format!("(call $block (call $subscribe {hour})) {NULL}")),
        "mfp::sandbox::time",
    );
    let short = format!("(call $block (call $subscribe (i64.const 1_000_000))) {NULL}");
    assert_eq!(run(in_world("timer", &format!("{SUBSCRIBE} {BLOCK}"), &short)).unwrap(), Value::Null);
    let again = "(loop $ever (call $block (call $subscribe (i64.const 0))) (br $ever)) (unreachable)";
    let error = run(in_world("timer", &format!("{SUBSCRIBE} {BLOCK}"), again)).unwrap_err();
    assert!(error.code().starts_with("mfp::sandbox::"), "{error}");
}

#[test]
fn things_of_the_host_run_out_before_the_host_does() {
    let _alone = alone();
    let spec = in_world("timer", SUBSCRIBE, "(loop $ever (drop (call $subscribe (i64.const 1))) (br $ever)) (unreachable)");
    let plugins = load([spec]).unwrap();
    let take = |calls: usize| {
        (0..calls).for_each(|_| {
            let error = ask(&plugins, "t", &execute()).unwrap_err();
            // Not by its time: it has as many as there are long before.
            assert!(matches!(&error, CallError::Stopped(stop) if !matches!(stop.kind, StopKind::Time(_))), "{error}");
        });
    };
    take(20);
    let before = resident();
    take(300);
    let grown = resident().saturating_sub(before);
    assert!(grown < 100 << 20, "grew by {} MiB", grown >> 20);
}

#[test]
fn random_numbers_come_in_portions() {
    let imports = r#"(import "wasi:random/random@0.2.6" "get-random-bytes" (func $random (param i64 i32)))"#;
    let take = |length: &str| in_world("dice", imports, &format!("(call $random (i64.const {length}) (i32.const 96)) {NULL}"));
    assert_eq!(run(take("100")).unwrap(), Value::Null);
    for length in ["65537", "0x100000000", "-1"] {
        let error = run(take(length)).unwrap_err();
        assert!(error.code().starts_with("mfp::sandbox::"), "{length}: {error}");
    }
}

#[test]
fn sockets_reach_nobody() {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let port = canary.local_addr().unwrap().port();
    let imports = r#"
        (import "wasi:sockets/instance-network@0.2.6" "instance-network" (func $network (result i32)))
        (import "wasi:sockets/tcp-create-socket@0.2.6" "create-tcp-socket" (func $create (param i32 i32)))
        (import "wasi:sockets/tcp@0.2.6" "[method]tcp-socket.start-connect"
          (func $connect (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    // Both results are answered as digits: 10 × (0 = good, else 1 + the error's number), twice.
    let zeros = "(i32.const 0) ".repeat(6);
    let body = format!(
        "(call $create (i32.const 0) (i32.const 96))
         (if (i32.eqz (i32.load8_u (i32.const 96))) (then
           (call $connect (i32.load (i32.const 100)) (call $network) (i32.const 0)
             (i32.const {port}) (i32.const 127) (i32.const 0) (i32.const 0) (i32.const 1) {zeros} (i32.const 112))
           (i32.store8 (i32.const 129) (i32.add (i32.const 48) (i32.load8_u (i32.const 112))))
           (i32.store8 (i32.const 130) (i32.add (i32.const 48) (i32.load8_u (i32.const 113))))))
         (i32.store8 (i32.const 128) (i32.add (i32.const 49) (i32.load8_u (i32.const 96))))
         (call $ok (i32.const 128) (i32.const 3))"
    );
    let spec = raw("t", PluginType::Template, encoded("sockets", imports, &(executing(&body) + r#"(data (i32.const 128) "000")"#)));
    let answer = run(spec);
    assert!(canary.accept().is_err(), "somebody came");
    // 1: there's a socket. 1: it can't connect. 1: access is denied. Or there's no socket at all.
    assert!(answer.as_ref().is_ok_and(|answer| [json!(111), json!(200)].contains(answer)), "{answer:?}");
}

#[test]
fn components_have_limits_of_their_own() {
    let limits = Limits { template: Duration::from_millis(50), ..Limits::COMPONENT };
    let loader = Loader::new(LoaderOptions { component_limits: limits, ..options() });
    let plugins = loader.load(vec![doing("(loop $ever (br $ever)) (unreachable)")]).unwrap();
    let stop = stop(ask(&plugins, "t", &execute()).unwrap_err());
    assert!(stop.to_string().contains("its time limit of 50 ms"), "{stop}");
}

#[test]
fn a_component_needs_all_of_its_types() {
    let mut spec = doing(NULL);
    spec.types = BTreeSet::from([PluginType::Template, PluginType::Auth]);
    let error = load([spec]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::export");
    assert!(error.to_string().contains("`mockforge:plugin/auth@0.1.0`") && !error.to_string().contains("template"), "{error}");
}
