//! What isn't loaded at all, and what's said about it.

use std::sync::Arc;

use mfp_loader::{LoadError, Loader, LoaderOptions, PluginType};

use crate::support::*;

#[track_caller]
fn refusal(spec: mfp_loader::PluginSpec, code: &str) -> LoadError {
    let error = load([spec]).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    error
}

#[test]
fn bytes_that_are_no_plugin() {
    let refused = |bytes: &[u8], code| refusal(raw("t", PluginType::Template, bytes.to_vec()), code).to_string();
    assert!(refused(b"\x7fELF\x02\x01\x01\0\0\0\0\0", "mfp::sandbox::not-wasm").contains("ELF"));
    refused(b"(module)", "mfp::sandbox::not-wasm");
    refused(b"", "mfp::sandbox::not-wasm");
    assert!(refused(b"\0asm\x0d\0\x01\0", "mfp::sandbox::export").contains("mockforge:plugin/template@0.1.0"));
    refused(b"\0asm\x01\0\0\0\xff\xff\xff", "mfp::sandbox::invalid");
}

#[test]
fn precompiled_code_of_this_very_engine_is_not_taken_either() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("aot");
    let loader = Loader::new(LoaderOptions { aot_cache: Some(cache.clone()), ..options() });
    loader.load(vec![template("t", ECHO)]).unwrap();
    let file = std::fs::read_dir(&cache).unwrap().next().unwrap().unwrap();
    let bytes = std::fs::read(file.path()).unwrap();
    refusal(raw("t", PluginType::Template, bytes.clone()), "mfp::sandbox::not-wasm");
    let elf = bytes.windows(4).position(|four| four == b"\x7fELF").unwrap();
    refusal(raw("t", PluginType::Template, bytes[elf..].to_vec()), "mfp::sandbox::not-wasm");
}

#[test]
fn every_import_that_is_not_given_is_named() {
    let code = format!(
        r#"(module
          (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
          (import "env" "abort" (func))
          (import "mockforge" "http_request" (func (param i32 i32) (result i64)))
          (import "mockforge" "exec" (func))
          (import "env" "g" (global i32))
          (import "mockforge" "now_ms" (func (result i32)))
          {BASE} {ECHO})"#
    );
    let LoadError::Imports { refused, .. } = refusal(wat("t", PluginType::Template, &code), "mfp::sandbox::import") else {
        panic!("another error");
    };
    assert_eq!(
        refused,
        [
            "`wasi_snapshot_preview1.fd_write`",
            "`env.abort`",
            "`mockforge.http_request` (given once a host is approved for it: `http = […]`)",
            "`mockforge.exec`",
            "`env.g`",
            "`mockforge.now_ms` as () -> (i32), not () -> (i64)",
        ]
    );
    let memory = r#"(module (import "mockforge" "log" (memory 1)))"#;
    refusal(wat("t", PluginType::Template, memory), "mfp::sandbox::import");
}

/// What compilers import unless they're told not to; `docs/guide/plugin.md` says how.
#[test]
fn what_languages_import_by_default_is_named() {
    const WASI: &str = "wasi_snapshot_preview1";
    let emitted: [(&str, &[(&str, &str)]); 5] = [
        ("AssemblyScript without `--use abort=`, with `Math.random`", &[("env", "abort"), ("env", "seed")]),
        (
            "C with `printf`, `time`, `getenv` and `abort`",
            &[
                (WASI, "environ_get"),
                (WASI, "environ_sizes_get"),
                (WASI, "clock_time_get"),
                (WASI, "fd_close"),
                (WASI, "fd_fdstat_get"),
                (WASI, "fd_seek"),
                (WASI, "fd_write"),
                (WASI, "proc_exit"),
            ],
        ),
        ("Zig for wasm32-wasi", &[(WASI, "random_get"), (WASI, "poll_oneoff"), (WASI, "path_open"), (WASI, "fd_pread")]),
        ("Rust with wasm-bindgen", &[("__wbindgen_placeholder__", "__wbindgen_describe"), ("__wbindgen_externref_xform__", "grow")]),
        ("Emscripten", &[("env", "emscripten_resize_heap"), ("env", "__cxa_throw")]),
    ];
    for (by, imports) in emitted {
        let functions: String = imports.iter().map(|(module, name)| format!(r#"(import "{module}" "{name}" (func))"#)).collect();
        let error = refusal(wat("t", PluginType::Template, &format!("(module {functions} {BASE} {ECHO})")), "mfp::sandbox::import");
        let LoadError::Imports { refused, .. } = error else { panic!("another error") };
        let all: Vec<String> = imports.iter().map(|(module, name)| format!("`{module}.{name}`")).collect();
        assert_eq!(refused, all, "{by}");
    }
}

#[test]
fn every_export_that_is_missing_is_named() {
    let LoadError::Exports { missing, .. } = refusal(wat("t", PluginType::Template, "(module)"), "mfp::sandbox::export") else {
        panic!("another error");
    };
    assert_eq!(
        missing,
        ["`mockforge_abi`: () -> (i32)", "`alloc`: (i32) -> (i32)", "`template_function`: (i32, i32) -> (i64)", "`memory`: a memory",]
    );
    for (code, says) in [
        (r#"(func (export "template_function") (param i32) (result i64) (i64.const 0))"#, "template_function"),
        (r#"(global (export "template_function") i32 (i32.const 0))"#, "template_function"),
        (&format!(r#"{ECHO} (func (export "dealloc"))"#), "dealloc"),
        (&format!(r#"{ECHO} (func (export "_initialize") (param i32))"#), "_initialize"),
    ] {
        let error = refusal(template("t", code), "mfp::sandbox::export").to_string();
        assert!(error.contains(says), "{error}");
    }
    let mut both = template("t", ECHO);
    both.types.insert(PluginType::Auth);
    let error = refusal(both, "mfp::sandbox::export").to_string();
    assert!(error.contains("`authenticate`: (i32, i32) -> (i64)") && !error.contains("template_function"), "{error}");
}

#[test]
fn another_version_of_the_abi() {
    let text = module(ECHO).replace("(result i32) (i32.const 1))", "(result i32) (i32.const 2))");
    let error = refusal(wat("t", PluginType::Template, &text), "mfp::sandbox::abi").to_string();
    assert!(error.contains("`mockforge_abi` says 2"), "{error}");
}

#[test]
fn more_of_something_than_a_module_may_have() {
    let too_large = |code: &str, what| {
        let LoadError::TooLarge { what: found, .. } = refusal(template("t", code), "mfp::sandbox::size") else {
            panic!("another error");
        };
        assert_eq!(found, what);
    };
    too_large(&"(func)".repeat(20_001), "functions");
    too_large(&"(table 1 funcref)".repeat(9), "tables");
    too_large(&"(global i32 (i32.const 0))".repeat(10_001), "globals");
    too_large("(memory 1)", "memories");
    too_large(&format!("(func (local {}))", "i32 ".repeat(1_000_001)), "locals");
    too_large(&format!("(func (local {}))", "i32 i64 ".repeat(25_000)).repeat(21), "locals");
    let mut large = wat::parse_str(module(ECHO)).unwrap();
    // A custom section of 16 MiB.
    large.extend([0, 0x81, 0x80, 0x80, 0x08, 0]);
    large.extend(vec![0; 16 << 20]);
    let error = refusal(raw("t", PluginType::Template, large), "mfp::sandbox::size").to_string();
    assert!(error.contains("the limit is 16777216"), "{error}");
}

#[test]
fn more_to_start_with_than_the_limit() {
    let memory = module(ECHO).replace("(export \"memory\") 2", "(export \"memory\") 1025");
    let error = refusal(wat("t", PluginType::Template, &memory), "mfp::sandbox::memory").to_string();
    assert!(error.contains("its limit is 64MiB"), "{error}");
    refusal(template("t", "(table 20001 funcref)"), "mfp::sandbox::table");
    refusal(template("t", "(table 15000 funcref) (table 15000 funcref)"), "mfp::sandbox::table");
}

const MEMORY64: &str = r#"(module (memory (export "memory") i64 1)
    (func (export "mockforge_abi") (result i32) (i32.const 1))
    (func (export "alloc") (param i32) (result i32) (i32.const 0))
    (func (export "template_function") (param i32 i32) (result i64) (i64.const 0)))"#;

#[test]
fn what_the_engine_has_off() {
    for (what, text) in [
        ("64-bit memory", MEMORY64.to_owned()),
        ("shared memory", module(ECHO).replace("(export \"memory\") 2", "(export \"memory\") 2 2 shared")),
        ("tail calls", module(&format!("{ECHO} (func $f (return_call $f))"))),
        ("exceptions", module(&format!("{ECHO} (tag $e) (func (throw $e))"))),
        ("GC", module(&format!("{ECHO} (type $s (struct)) (func (drop (struct.new $s)))"))),
        ("relaxed SIMD", module(&format!("{ECHO} (func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))"))),
        ("typed references", module(&format!("{ECHO} (type $t (func)) (func (param (ref $t)))"))),
    ] {
        let error = load([wat("t", PluginType::Template, &text)]).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::invalid", "{what}: {error}");
    }
}

#[test]
fn content_that_is_not_what_was_locked() {
    let wasm = wat::parse_str(module(ECHO)).unwrap();
    let honest = Files::new([("plugin.wasm", wasm.clone())]);
    let spec = |files: Files| mfp_loader::PluginSpec { content: Arc::new(files), ..template("t", ECHO) };
    assert!(load([spec(honest.clone())]).is_ok());

    let mut changed = honest.clone();
    *changed.bytes.get_mut("plugin.wasm").unwrap().last_mut().unwrap() ^= 1;
    assert!(matches!(refusal(spec(changed), "mfp::integrity::content"), LoadError::Digest { .. }));

    let mut longer = honest.clone();
    longer.bytes.get_mut("plugin.wasm").unwrap().push(0);
    refusal(spec(longer), "mfp::integrity::content");

    let mut relisted = Files::new([("plugin.wasm", wat::parse_str(module(&answering("template_function", "x"))).unwrap())]);
    relisted.digest = honest.digest;
    assert!(matches!(refusal(spec(relisted), "mfp::integrity::content"), LoadError::Listing(_)));

    let mut gone = honest.clone();
    gone.bytes.clear();
    refusal(spec(gone), "mfp::load::read");
    let elsewhere = mfp_loader::PluginSpec { entry: "other.wasm".parse().unwrap(), ..spec(honest) };
    refusal(elsewhere, "mfp::load::entry");
}

#[test]
fn an_asset_that_changed_is_not_given() {
    let body = "(call $wrap (call $asset (local.get $ptr) (local.get $len)))";
    let wasm = wat::parse_str(module(&with_text("template_function", "a.txt", body))).unwrap();
    let mut files = Files::new([("plugin.wasm", wasm), ("a.txt", b"old".to_vec())]);
    files.bytes.insert("a.txt".to_owned(), b"new".to_vec());
    let spec = mfp_loader::PluginSpec { content: Arc::new(files), ..template("t", ECHO) };
    let answer = run(spec).unwrap();
    assert_eq!(answer["success"], false);
    assert!(answer["error"].as_str().unwrap().contains("isn't the file that was locked"));
}

#[test]
fn sets_that_do_not_fit_together() {
    let needs = |plugin: &str, others: &[&str]| {
        let mut spec = template(plugin, ECHO);
        spec.dependencies = others.iter().map(|other| name(other)).collect();
        spec
    };
    let code = |specs: Vec<_>| load(specs).unwrap_err();
    assert_eq!(code(vec![needs("a", &[]), needs("a", &[])]).code(), "mfp::load::duplicate");
    assert_eq!(code(vec![needs("a", &["b"])]).code(), "mfp::load::dependency");
    let circle = code(vec![needs("a", &["b"]), needs("b", &["c", "d"]), needs("c", &["b"]), needs("d", &[])]);
    assert_eq!(circle.code(), "mfp::load::cycle");
    assert!(circle.to_string().ends_with("b → c → b"), "{circle}");
    assert!(code(vec![needs("a", &["a"])]).to_string().ends_with("a → a"));
    assert!(load(Vec::new()).unwrap().names().next().is_none());
}
