//! Modules that mean harm. Each is stopped within its limit and 50 ms (the tests allow for a busy machine), with a code
//! that says which limit.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use mfp_loader::{Call, CallError, Limits, LoadError, Loader, LoaderOptions, PluginSpec, PluginType, StopKind};

use crate::support::*;

/// What a busy machine may add to the 50 ms.
const SLACK: Duration = Duration::from_millis(450);

#[track_caller]
fn in_time<T>(limit: Duration, work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = work();
    let took = began.elapsed();
    assert!(took < limit + SLACK, "took {took:?}, the limit is {limit:?}");
    result
}

const FOREVER: &str = "(loop $forever (br $forever))";

fn call_with(body: &str) -> String {
    format!(r#"(func (export "template_function") (param i32 i32) (result i64) {body} (call $wrap (call $config)))"#)
}

#[test]
fn endless_loops_in_a_call() {
    for body in [
        FOREVER,
        "(loop $forever (drop (call $now_ms)) (br $forever))",
        "(loop $forever (call $random (i32.const 0) (i32.const 8192)) (br $forever))",
        "(loop $forever (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $forever))",
        "(loop $forever (global.set $heap (i32.const 8192)) (drop (call $asset (i32.const 0) (i32.const 1))) (br $forever))",
        "(loop $forever (call $log (i32.const 0) (i32.const 10)) (br $forever))",
    ] {
        let plugins = load([template("looper", &call_with(body))]).unwrap();
        let error = in_time(Duration::from_millis(250), || ask(&plugins, "looper", &execute())).unwrap_err();
        let stop = stop(error);
        assert_eq!(stop.kind, StopKind::Time(Duration::from_millis(250)), "{body}");
        assert_eq!(stop.function, "execute");
        assert_eq!(stop.plugin, name("looper"));
    }
}

#[test]
fn a_tree_of_calls_that_has_no_loop_and_no_end() {
    let code = r"(func $a (call $b) (call $b)) (func $b (call $c) (call $c)) (func $c (call $d) (call $d)) (func $d (call $e) (call $e))
        (func $e (call $f) (call $f)) (func $f (call $g) (call $g)) (func $g (call $h) (call $h)) (func $h (call $i) (call $i))
        (func $i (call $j) (call $j)) (func $j (call $k) (call $k)) (func $k (call $l) (call $l)) (func $l (call $m) (call $m))
        (func $m (call $n) (call $n)) (func $n (call $o) (call $o)) (func $o (call $p) (call $p)) (func $p (call $q) (call $q))
        (func $q (call $r) (call $r)) (func $r (call $s) (call $s)) (func $s (call $t) (call $t)) (func $t (call $u) (call $u))
        (func $u (call $v) (call $v)) (func $v (call $w) (call $w)) (func $w (call $x) (call $x)) (func $x (call $y) (call $y))
        (func $y (call $z) (call $z)) (func $z (call $aa) (call $aa)) (func $aa (call $bb) (call $bb)) (func $bb (call $cc) (call $cc))
        (func $cc (call $dd) (call $dd)) (func $dd (call $ee) (call $ee)) (func $ee (call $ff) (call $ff)) (func $ff (call $gg) (call $gg))
        (func $gg (call $hh) (call $hh)) (func $hh (call $ii) (call $ii)) (func $ii)";
    let plugins = load([template("t", &format!("{code} {}", call_with("(call $a)")))]).unwrap();
    let error = in_time(Duration::from_millis(250), || ask(&plugins, "t", &execute())).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::time");
}

#[test]
fn endless_loops_before_a_call() {
    let start = Duration::from_millis(300);
    let loader = Loader::new(LoaderOptions { limits: Limits { start, ..Limits::CORE_MODULE }, ..options() });
    let abi = BASE.replace("(result i32) (i32.const 1))", &format!("(result i32) {FOREVER} (i32.const 1))"));
    for text in [
        module(&format!("{ECHO} (func $start {FOREVER}) (start $start)")),
        module(&format!("{ECHO} (func (export \"_initialize\") {FOREVER})")),
        format!("(module {abi} {ECHO})"),
    ] {
        let spec = wat("t", PluginType::Template, &text);
        let error = in_time(start, || loader.load(vec![spec])).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::time", "{error}");
        assert!(error.to_string().contains("plugin `t` was stopped in `start`"), "{error}");
    }
}

#[test]
fn endless_loops_in_alloc_and_dealloc() {
    let alloc = |body: &str| BASE.replace("(local.set $p (global.get $heap))", &format!("{body} (local.set $p (global.get $heap))"));
    let for_request = format!("(module {} {ECHO})", alloc(FOREVER));
    let for_answer = format!(
        "(module {} (global $calls (mut i32) (i32.const 0)) {})",
        alloc(&format!(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1))) (if (i32.gt_u (global.get $calls) (i32.const 1)) (then {FOREVER}))"
        )),
        call_with("")
    );
    let dealloc = module(&format!("{ECHO} (func (export \"dealloc\") (param i32 i32) {FOREVER})"));
    for text in [for_request, for_answer, dealloc] {
        let plugins = load([wat("t", PluginType::Template, &text)]).unwrap();
        let error = in_time(Duration::from_millis(250), || ask(&plugins, "t", &execute())).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::time", "{error}");
    }
}

#[test]
fn memory_that_grows_without_end() {
    let grow = "(loop $more (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then (unreachable))) (br $more))";
    let stop = stopped(template("t", &call_with(grow)), "mfp::sandbox::memory");
    assert_eq!(stop.kind, StopKind::Memory(64 << 20));
    let polite = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))";
    assert!(run(template("t", &call_with(polite))).is_ok(), "a refusal that the guest can live with is no stop");
    let alloc = "(drop (call $alloc (i32.const 100000000)))";
    stopped(template("t", &call_with(alloc)), "mfp::sandbox::memory");
}

#[test]
fn a_lower_limit_of_its_own_holds() {
    let mut spec = template("t", &call_with("(if (i32.eq (memory.grow (i32.const 62)) (i32.const -1)) (then (unreachable)))"));
    assert!(run(spec.clone()).is_ok());
    spec.limits.own.memory = Some(2 << 20);
    let stop = stopped(spec, "mfp::sandbox::memory");
    assert_eq!(stop.kind, StopKind::Memory(2 << 20));
}

#[test]
fn tables_that_grow_without_end() {
    let grow = "(loop $more (if (i32.eq (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1)) (then (unreachable))) (br $more))";
    let code = format!("(table $t 1 funcref) {}", call_with(grow));
    let stop = stopped(template("t", &code), "mfp::sandbox::table");
    assert_eq!(stop.kind, StopKind::Table(20_000));
    let two = "(drop (table.grow $a (ref.null func) (i32.const 15000))) (if (i32.eq (table.grow $b (ref.null func) (i32.const 15000)) (i32.const -1)) (then (unreachable)))";
    let code = format!("(table $a 1 funcref) (table $b 1 funcref) {}", call_with(two));
    stopped(template("t", &code), "mfp::sandbox::table");
}

#[test]
fn recursion_without_end() {
    let stop = stopped(template("t", &format!("(func $deep (call $deep)) {}", call_with("(call $deep)"))), "mfp::sandbox::stack");
    assert_eq!(stop.kind, StopKind::Stack(512 << 10));
    assert_eq!(stop.stack.first().map(String::as_str), Some("deep"), "the names that the module has");
}

#[test]
fn recursion_through_the_host() {
    let text = module(ECHO).replace("(local.set $p (global.get $heap))", "(drop (call $config)) (local.set $p (global.get $heap))");
    stopped(wat("t", PluginType::Template, &text), "mfp::sandbox::stack");
}

#[test]
fn traps_say_what_happened() {
    for (body, says) in [
        ("(unreachable)", "unreachable"),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero"),
        ("(drop (i32.load (i32.const -4)))", "out of bounds"),
    ] {
        let stop = stopped(template("t", &call_with(body)), "mfp::sandbox::trap");
        assert!(stop.to_string().contains(says), "{stop}");
    }
}

#[test]
fn answers_that_lie_outside_memory() {
    for (pointer, length) in [
        (-1_i64, 1_i64),
        (0xffff_ffff, 0xffff_ffff),
        (131_072, 1),
        (131_071, 2),
        (0, 131_073),
        (0, 1 << 31),
        (1 << 31, 1 << 31),
        (1, 0xffff_ffff),
        (0x7fff_ffff, 1),
    ] {
        let packed = (pointer << 32) | (length & 0xffff_ffff);
        let code = format!(r#"(func (export "template_function") (param i32 i32) (result i64) (i64.const {packed}))"#);
        stopped(template("t", &code), "mfp::sandbox::abi");
    }
}

#[test]
fn places_from_alloc_that_lie_outside_memory() {
    let alloc = r#"(func $alloc (export "alloc") (param $n i32) (result i32)"#;
    for place in ["-1", "0", "131072", "131071", "0x7fffffff", "-2147483648"] {
        let text = module(ECHO).replace(alloc, &format!("{alloc} (return (i32.const {place}))"));
        // The local of the original body stands behind a return now, where WAT doesn't want it.
        let text = text
            .replace(&format!("(return (i32.const {place}))\n    (local $p i32)"), &format!("(local $p i32) (return (i32.const {place}))"));
        let stop = stopped(wat("t", PluginType::Template, &text), "mfp::sandbox::abi");
        assert!(stop.to_string().contains("alloc"), "{stop}");
    }
}

#[test]
fn host_functions_with_places_outside_memory() {
    for (pointer, length) in [("-1", "1"), ("0", "-1"), ("131071", "2"), ("0x80000000", "0x80000000"), ("4", "0xffffffff")] {
        for function in ["(call $log", "(call $random", "(drop (call $asset", "(drop (call $call"] {
            let close = ")".repeat(function.matches('(').count());
            let body = format!("{function} (i32.const {pointer}) (i32.const {length}){close}");
            stopped(template("t", &call_with(&body)), "mfp::sandbox::abi");
        }
    }
    let text = module(&call_with("")).replace(
        "(local.set $p (global.get $heap))",
        "(if (global.get $heap) (then (return (i32.const -8)))) (local.set $p (global.get $heap))",
    );
    stopped(wat("t", PluginType::Template, &text), "mfp::sandbox::abi");
    stopped(template("t", &call_with("(call $random (i32.const 0) (i32.const 65537))")), "mfp::sandbox::abi");
    assert!(run(template("t", &call_with("(call $random (i32.const 0) (i32.const 4096))"))).is_ok());
}

#[test]
fn answers_that_are_no_answers() {
    let shown = |spec: PluginSpec| stopped(spec, "mfp::sandbox::answer").to_string();
    for text in
        ["", "null", "hello", "[1]", r#"{"success":true}"#, r#"{"success":1,"result":2}"#, "{\"success\":true,\"result\":\"\u{0}\"}"]
    {
        shown(template("t", &answering("template_function", text)));
    }
    let long = call_with("(drop (memory.grow (i32.const 200))) (return (call $pack (i32.const 0) (i32.const 8388609)))");
    assert!(shown(template("t", &long)).contains("8MiB"));
    let not_utf8 = call_with("(i32.store8 (i32.const 4100) (i32.const 255))");
    shown(template("t", &not_utf8));
}

#[test]
fn an_answer_of_eight_megabytes_costs_the_host_little() {
    // `[[],[],…]`: as a tree of values it would take hundreds of megabytes.
    let body = "(local $i i32) (local $p i32)
        (local.set $p (call $alloc (i32.const 8000002)))
        (local.set $i (i32.add (local.get $p) (i32.const 1)))
        (i32.store8 (local.get $p) (i32.const 91))
        (loop $more
          (i32.store (local.get $i) (i32.const 0x2c5d5b20))
          (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (i32.add (local.get $p) (i32.const 7999997)))))
        (i32.store (local.get $i) (i32.const 0x5d5d5b20))
        (return (call $wrap (call $pack (local.get $p) (i32.const 8000001))))";
    let code = format!(r#"(func (export "template_function") (param i32 i32) (result i64) {body})"#);
    let limits = template_ms(20_000);
    let plugins = Loader::new(LoaderOptions { limits, ..options() }).load(vec![template("t", &code)]).unwrap();
    let before = peak_memory();
    let answer = plugins.call(&name("t"), &execute(), &request(&execute())).unwrap();
    assert!(answer.as_json().len() > 7_900_000);
    let grown = peak_memory().saturating_sub(before);
    assert!(grown < 80 << 20, "grew by {} MiB", grown >> 20);
}

#[test]
fn answers_of_the_wrong_shape() {
    for (ty, call, result) in [
        (PluginType::Auth, Call::Authenticate, r#"{"authenticated":"yes"}"#),
        (PluginType::Response, Call::Generate, r#"{"status_code":20,"body":""}"#),
        (PluginType::Response, Call::Generate, r#"{"status_code":200,"body":"%"}"#),
        (PluginType::Datasource, Call::Query, r#"{"columns":[],"rows":[1]}"#),
    ] {
        let export = match ty {
            PluginType::Auth => "authenticate",
            PluginType::Response => "generate_response",
            _ => "query_datasource",
        };
        let code = answering(export, &format!(r#"{{"success":true,"result":{result}}}"#));
        let plugins = load([wat("t", ty, &module(&code))]).unwrap();
        let error = ask(&plugins, "t", &call).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::answer", "{error}");
    }
}

#[test]
fn nothing_is_left_of_a_call_for_the_next() {
    let count = r#"(func (export "template_function") (param i32 i32) (result i64)
        (i32.store8 (i32.const 200) (i32.add (i32.load8_u (i32.const 200)) (i32.const 1)))
        (i32.store8 (i32.const 201) (i32.add (i32.load8_u (i32.const 200)) (i32.const 48)))
        (call $wrap (call $pack (i32.const 201) (i32.const 1))))"#;
    for loader in [Loader::new(options()), pooled()] {
        let plugins = loader.load(vec![template("t", count)]).unwrap();
        for _ in 0..5 {
            assert_eq!(ask(&plugins, "t", &execute()).unwrap(), 1);
        }
    }
}

#[test]
fn after_a_trap_the_next_call_is_as_good_as_the_first() {
    let once = call_with("(if (i32.eq (local.get 1) (i32.const 52)) (then (unreachable)))");
    for loader in [Loader::new(options()), pooled()] {
        let plugins = loader.load(vec![template("t", &once)]).unwrap();
        let call = |args| plugins.call(&name("t"), &execute(), &serde_json::json!({ "args": args }));
        let length = serde_json::json!({ "function_name": "f", "args": [], "context": {} }).to_string().len();
        let padded = serde_json::json!(["x".repeat(52 - length - 2)]);
        for _ in 0..3 {
            assert!(matches!(call(padded.clone()), Err(CallError::Stopped(_))));
            assert!(call(serde_json::json!([])).is_ok());
        }
    }
}

/// The most memory this process has had, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Loops in one another around locals that each of them changes: much work for the compiler, few bytes.
fn nested_loops(locals: usize, depth: usize) -> String {
    let mut code = format!("(func (param i32) (local {}) ", "i32 ".repeat(locals));
    for at in 0..depth {
        let (to, from) = (at % locals + 1, at * 7 % locals + 1);
        write!(code, "(loop (local.set {to} (i32.add (local.get {from}) (i32.const 1)))").unwrap();
    }
    for at in 0..depth {
        write!(code, "(br_if 0 (local.get {})))", at * 3 % locals + 1).unwrap();
    }
    code + ")"
}

#[test]
fn compile_bombs_are_refused_before_compiling() {
    let wide = format!("(type $wide (func (param {0}) (result {0})))", "i32 ".repeat(17));
    let push = "(i32.const 0)".repeat(17);
    let drop = "(drop)".repeat(17);
    for code in [
        nested_loops(1000, 1000),
        nested_loops(2000, 2000),
        nested_loops(100, 100).repeat(40),
        format!("(func (result {}) unreachable)", "i32 ".repeat(17)),
        format!("{wide} (func {push} (loop (type $wide)) {drop})"),
        format!("(type $wide (func (param {}))) (func (block (type $wide) unreachable))", "i32 ".repeat(17)),
    ] {
        let began = Instant::now();
        let error = load([template("bomb", &format!("{ECHO} {code}"))]).unwrap_err();
        assert!(matches!(error, LoadError::TooLarge { .. }) || error.code() == "mfp::sandbox::invalid", "{error}");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }
    for usual in [nested_loops(300, 8), "(block (br_if 0 (i32.const 0)) ".repeat(500) + &")".repeat(500)] {
        let usual = if usual.starts_with("(func") { usual } else { format!("(func {usual})") };
        assert!(load([template("usual", &format!("{ECHO} {usual}"))]).is_ok());
    }
}

#[test]
fn compiling_is_given_up_after_its_limit() {
    let limits = Limits { compile: Duration::from_millis(1), ..Limits::CORE_MODULE };
    let loader = Loader::new(LoaderOptions { limits, ..options() });
    let work = nested_loops(300, 15).repeat(10);
    let error = in_time(Duration::from_millis(1), || loader.load(vec![template("t", &format!("{ECHO} {work}"))])).unwrap_err();
    assert!(matches!(error, LoadError::Compile { .. }), "{error}");
}
