//! `mfp build`: a plugin's sources become its wasm, by the author's own tools and nobody else's.
//!
//! Most stories have small programs of their own in place of compilers; one takes the real thing.

use std::path::{Path, PathBuf};

use crate::support::env::tree;
use crate::support::{Machine, Plugin, Run};

/// A json/1 template plugin that answers nothing but `null`, in WebAssembly's own text.
pub(crate) const NOTHING: &str = r#"(module
  (memory (export "memory") 1)
  (data (i32.const 0) "{\"success\":true,\"result\":null}")
  (func (export "mockforge_abi") (result i32) (i32.const 1))
  (func (export "alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "template_function") (param i32 i32) (result i64) (i64.const 30)))"#;

/// Programs that lie on a machine's `PATH` and nowhere else.
pub(crate) struct Bench {
    pub(crate) machine: Machine,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let machine = Machine::new();
        std::fs::create_dir(machine.path("bin")).expect("the test's own file");
        machine.write("plugin.yaml", "mfp: 1\nplugin: { id: try-it, version: 1.0.0, types: [template] }\n");
        Self { machine }
    }

    /// A program on `PATH`.
    pub(crate) fn program(&self, name: &str, script: &str) -> &Self {
        program(&self.machine.path("bin").join(name), script);
        self
    }

    /// A compiler of AssemblyScript that gives this module, whatever the sources say.
    fn assemblyscript(self, module: &str) -> Self {
        std::fs::write(self.machine.path("made.wasm"), wat::parse_str(module).expect("a module")).expect("the test's own file");
        for file in ["asconfig.json", "assembly/index.ts", "node_modules/assemblyscript/bin/asc.js"] {
            self.machine.write(file, "{}");
        }
        let made = self.machine.path("made.wasm");
        self.program("node", &format!("echo compiling; for out in \"$@\"; do :; done; /bin/cp {} \"$out\"", made.display()));
        self
    }

    /// Programs of Rust that give a module, whatever the sources say: what cargo is told to build is in `said`, to fetch in `fetched`.
    fn rust(self, fetch: impl Fn(&Self) -> String) -> Self {
        let project = self.machine.project("").canonicalize().expect("the test's own folder");
        self.machine.write("Cargo.toml", "[package]\nname = \"try-it\"\n");
        let sysroot = self.machine.path("rust");
        std::fs::create_dir_all(sysroot.join("lib/rustlib/wasm32-unknown-unknown/lib")).expect("the test's own folder");
        std::fs::write(self.machine.path("made.wasm"), wat::parse_str(NOTHING).expect("a module")).expect("the test's own file");
        self.program("rustc", &format!("[ \"$1\" = -vV ] && echo 'commit-hash: abc' || echo {}", sysroot.display()));
        let manifest = project.join("Cargo.toml");
        let metadata = format!(
            "{{\"packages\":[{{\"manifest_path\":\"{0}\",\"targets\":[{{\"crate_types\":[\"cdylib\"]}}]}}],\"workspace_root\":\"{1}\",\"target_directory\":\"{1}/target\"}}",
            manifest.display(),
            project.display()
        );
        let artifact = format!(
            "{{\"reason\":\"compiler-artifact\",\"manifest_path\":\"{}\",\"filenames\":[\"{}\"]}}",
            manifest.display(),
            self.machine.path("made.wasm").display()
        );
        let (said, fetched) = (self.machine.path("said"), self.machine.path("fetched"));
        let fetch = format!("fetch) echo \"$*\" > {}; {};;", fetched.display(), fetch(&self));
        let build = format!("*) echo \"$*\" > {}; echo '{artifact}';;", said.display());
        self.program("cargo", &format!("case \"$1\" in metadata) echo '{metadata}';; {fetch} {build} esac"));
        self
    }

    pub(crate) fn mfp(&self, arguments: &[&str]) -> Run {
        self.machine.run(self.machine.command().args(arguments).env("PATH", self.machine.path("bin")))
    }

    fn wasm(&self) -> Vec<u8> {
        std::fs::read(self.machine.project("try_it.wasm")).expect("the test's own file")
    }
}

fn program(place: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(place, format!("#!/bin/sh\n{script}\n")).expect("the test's own file");
    std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).expect("the test's own file");
}

/// How often a text is in a file.
fn count(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count()
}

#[test]
fn what_the_compiler_leaves_gets_its_manifest_and_is_loaded_before_its_written() {
    let bench = Bench::new().assemblyscript(NOTHING);
    let run = bench.mfp(&["build"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(run.stdout, "", "what compilers say isn't data");
    assert!(run.stderr.contains("compiling\n") && run.stderr.contains("Built try-it try_it.wasm from AssemblyScript"), "{}", run.all());
    let first = bench.wasm();
    assert_eq!((count(&first, "mockforge:plugin"), count(&first, "id: try-it")), (1, 1));

    // Another manifest takes the place of the first.
    bench.machine.write("plugin.yaml", "mfp: 1\nplugin: { id: try-it, version: 2.0.0, types: [template] }\n");
    std::fs::write(bench.machine.path("made.wasm"), &first).unwrap();
    let json = bench.mfp(&["build", "--json"]);
    assert_eq!((json.code, json.stderr.as_str()), (0, ""), "{}", json.all());
    assert_eq!(json.json()["built"]["transport"], "json/1");
    assert_eq!((count(&bench.wasm(), "mockforge:plugin"), count(&bench.wasm(), "1.0.0"), count(&bench.wasm(), "2.0.0")), (1, 0, 1));
    assert!(bench.mfp(&["build"]).stderr.contains("the same as before"));
    let left: Vec<String> = tree(&bench.machine.project("")).into_keys().filter(|file| file.contains("mfp-build")).collect();
    assert!(left.is_empty(), "{left:?}");

    // A bare file is a plugin by itself now.
    std::fs::create_dir(bench.machine.path("user")).unwrap();
    std::fs::copy(bench.machine.project("try_it.wasm"), bench.machine.path("user/it.wasm")).unwrap();
    let there = |arguments: &[&str]| bench.machine.run(bench.machine.command().args(arguments).current_dir(bench.machine.path("user")));
    assert_eq!(there(&["init"]).code, 0);
    let added = there(&["add", "./it.wasm"]);
    assert_eq!(added.code, 0, "{}", added.all());
    assert!(there(&["list"]).stdout.contains("try-it"), "{}", there(&["list"]).all());
}

#[test]
fn what_no_host_would_load_isnt_written() {
    let without = NOTHING.replace("template_function", "another_function");
    let bench = Bench::new().assemblyscript(&without);
    bench.machine.write("try_it.wasm", "what was there");
    let run = bench.mfp(&["build"]);
    run.fails(7, "mfp::sandbox::export");
    assert!(run.stderr.contains("template_function") && run.stderr.contains("nothing was written"), "{}", run.all());
    assert_eq!(bench.machine.read("try_it.wasm"), "what was there");
    let bench = Bench::new().assemblyscript(NOTHING);
    std::fs::write(bench.machine.path("made.wasm"), "#!/usr/bin/env node").unwrap();
    bench.mfp(&["build"]).fails(4, "mfp::wasm::invalid");
    assert!(!bench.machine.has("try_it.wasm"));
}

#[test]
fn wasm_opt_is_taken_where_its_there_and_never_needed() {
    let bench = Bench::new().assemblyscript(&NOTHING.replace("(memory", "(func (nop) (nop) (nop)) (memory"));
    std::fs::write(bench.machine.path("small.wasm"), wat::parse_str(NOTHING).expect("a module")).unwrap();
    // AssemblyScript optimises by itself, so C has to do.
    std::fs::remove_file(bench.machine.project("asconfig.json")).unwrap();
    bench.machine.write("plugin.c", "int nothing;");
    let made = bench.machine.path("made.wasm");
    bench.program("zig", &format!("[ \"$1\" = cc ] || exit 0; for out in \"$@\"; do :; done; /bin/cp {} \"$out\"", made.display()));
    let plain = bench.mfp(&["build", "--json"]).json();
    assert_eq!(plain["built"]["optimized"], false, "{plain}");
    let small = bench.machine.path("small.wasm");
    bench.program("wasm-opt", &format!("for out in \"$@\"; do :; done; /bin/cp {} \"$out\"", small.display()));
    let optimized = bench.mfp(&["build", "--json"]).json();
    assert_eq!(optimized["built"]["optimized"], true, "{optimized}");
    assert!(optimized["built"]["bytes"].as_u64() < plain["built"]["bytes"].as_u64());
    assert_eq!(bench.mfp(&["build", "--json", "--no-optimize"]).json()["built"]["optimized"], false);
    bench.program("wasm-opt", "echo no such feature >&2; exit 1");
    let warned = bench.mfp(&["build"]);
    assert_eq!(warned.code, 0, "{}", warned.all());
    assert!(warned.stderr.contains("warning[mfp::build::optimize]"), "{}", warned.all());
}

#[test]
fn what_fails_or_isnt_there_is_said_with_what_to_do() {
    let bench = Bench::new();
    bench.mfp(&["build"]).fails(1, "mfp::build::language");
    bench.machine.write("Cargo.toml", "[package]\nname = \"try-it\"\n");
    let run = bench.mfp(&["build"]);
    run.fails(1, "mfp::build::toolchain");
    assert!(run.stderr.contains("rustup.rs"), "{}", run.all());
    // A Rust of rustup without the target.
    bench.program("cargo", "exit 0").program("rustup", "exit 0").program("rustc", "echo /nowhere");
    let run = bench.mfp(&["build"]);
    if !Path::new("/usr/lib/rustlib/src/rust/library").is_dir() {
        run.fails(1, "mfp::build::toolchain");
        assert!(run.stderr.contains("`rustup target add wasm32-unknown-unknown`"), "{}", run.all());
    }

    let bench = Bench::new().assemblyscript(NOTHING);
    bench.program("node", "echo 'ERROR TS1005: no' >&2; exit 3");
    let run = bench.mfp(&["build"]);
    run.fails(1, "mfp::build::failed");
    assert!(run.stderr.contains("ERROR TS1005: no\n"), "{}", run.all());
    let json = bench.mfp(&["build", "--json"]).json();
    assert!(json["error"]["details"]["notes"][0].as_str().expect("a text").contains("TS1005"), "{json}");
    bench.program("node", "exit 0");
    bench.mfp(&["build"]).fails(8, "mfp::io::failed");
    for (file, text, missing) in [("build.zig", "", "zig"), ("plugin.c", "", "clang"), ("pyproject.toml", "", "`wit = ")] {
        let bench = Bench::new();
        bench.machine.write(file, text);
        let run = bench.mfp(&["build"]);
        assert!(run.code != 0 && run.stderr.contains(missing), "{file}: {}", run.all());
    }
}

#[test]
fn what_is_wrong_with_the_manifest_is_said_before_a_compiler_runs() {
    let bench = Bench::new().assemblyscript(NOTHING);
    let run = bench.mfp(&["build"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.stderr.contains("2 warnings in plugin.yaml: `mfp validate` shows them"), "{}", run.all());
    let fine = "mfp: 1\nplugin: { id: try-it, version: 1.0.0, types: [template], license: MIT, description: Tries. }\n";
    bench.machine.write("plugin.yaml", fine);
    assert!(!bench.mfp(&["build"]).stderr.contains("warning"));
    bench.machine.write("package.json", r#"{ "version": "1.0.1" }"#);
    let run = bench.mfp(&["build"]);
    assert!(run.code == 0 && run.stderr.contains("1 warning in plugin.yaml"), "another version: {}", run.all());
    std::fs::remove_file(bench.machine.project("package.json")).unwrap();
    let schema = format!("{fine}configuration: {{ schema: {{ type: object, properties: {{ n: {{ type: integr }} }} }} }}\n");
    for (text, code) in [(fine.replace("MIT", "M-I-T"), "mfp::validate::license"), (schema, "mfp::validate::schema")] {
        bench.machine.write("plugin.yaml", &text);
        for verb in ["build", "test"] {
            let run = bench.mfp(&[verb]);
            run.fails(2, code);
            assert!(!run.stderr.contains("compiling"), "{}", run.all());
            assert!(run.stderr.contains("plugin.yaml:"), "with its place: {}", run.all());
        }
    }
}

#[test]
fn a_missing_node_modules_is_installed_aloud_and_offline_stays_offline() {
    let bench = Bench::new().assemblyscript(NOTHING);
    std::fs::rename(bench.machine.project("node_modules"), bench.machine.path("kept")).unwrap();
    bench.machine.write("package-lock.json", "{}");
    bench.program("npm", &format!("echo \"npm $*\"; /bin/cp -R {} node_modules", bench.machine.path("kept").display()));
    let run = bench.mfp(&["build", "--offline"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.stderr.contains("Installing what package.json names: `npm ci`"), "{}", run.all());
    assert!(run.stderr.contains("npm ci --no-audit --no-fund --offline"), "{}", run.all());
}

#[test]
fn no_path_of_the_machine_is_for_cargo_to_write_and_the_authors_flags_stay_his() {
    let bench = Bench::new().rust(|_| "/bin/true".to_owned());
    let (said, sysroot) = (bench.machine.path("said"), bench.machine.path("rust"));
    let project = bench.machine.project("").canonicalize().unwrap();
    std::fs::create_dir_all(bench.machine.path("cargo/registry/src/index-1")).unwrap();
    let cargo = bench.machine.path("cargo");
    let run = |flags: Option<&str>, more: &[&str]| {
        let mut command = bench.machine.command();
        command.arg("build").args(more).env("PATH", bench.machine.path("bin")).env("CARGO_HOME", &cargo);
        if let Some(flags) = flags {
            command.env("RUSTFLAGS", flags);
        }
        let run = bench.machine.run(&mut command);
        assert_eq!(run.code, 0, "{}", run.all());
        std::fs::read_to_string(&said).unwrap()
    };
    let told = run(None, &[]);
    for (from, to) in [
        (project.display().to_string(), "/plugin"),
        (cargo.join("registry/src/index-1").display().to_string(), "/crates"),
        (cargo.join("git/checkouts").display().to_string(), "/git"),
        (sysroot.join("lib/rustlib/src/rust").display().to_string(), "/rustc/abc"),
    ] {
        assert!(told.contains(&format!("--remap-path-prefix={from}={to}")), "{from}: {told}");
    }
    assert!(told.starts_with("build --release --lib --target wasm32-unknown-unknown") && !told.contains("--locked"), "{told}");
    assert!(!run(Some("-Copt-level=s"), &[]).contains("remap"));
    let told = run(None, &["--locked", "--offline"]);
    assert!(told.contains("--locked") && told.contains("--offline"), "{told}");
}

#[test]
fn crates_that_cargo_unpacks_only_now_have_another_name_too() {
    let bench = Bench::new().rust(|bench| format!("/bin/mkdir -p {}", bench.machine.path("cargo/registry/src/index-2").display()));
    let mut command = bench.machine.command();
    command.args(["build", "--offline", "--locked"]).env("PATH", bench.machine.path("bin")).env("CARGO_HOME", bench.machine.path("cargo"));
    let run = bench.machine.run(&mut command);
    assert_eq!(run.code, 0, "{}", run.all());
    let told = std::fs::read_to_string(bench.machine.path("said")).unwrap();
    let unpacked = bench.machine.path("cargo/registry/src/index-2");
    assert!(told.contains(&format!("--remap-path-prefix={}=/crates", unpacked.display())), "{told}");
    let fetched = std::fs::read_to_string(bench.machine.path("fetched")).unwrap();
    assert!(fetched.contains("--offline") && fetched.contains("--locked"), "{fetched}");
}

#[test]
fn what_mfp_was_told_in_confidence_isnt_told_to_build_scripts() {
    let bench = Bench::new().assemblyscript(NOTHING);
    let seen = bench.machine.path("seen");
    let made = bench.machine.path("made.wasm");
    bench
        .program("node", &format!("/usr/bin/env > {}; for out in \"$@\"; do :; done; /bin/cp {} \"$out\"", seen.display(), made.display()));
    let mut command = bench.machine.command();
    command.arg("build").env("PATH", bench.machine.path("bin")).env("OF_THE_AUTHOR", "kept");
    for secret in ["MFP_CREDENTIALS", "MFP_SERVE_TOKEN", "MFP_KEY_PASSWORD"] {
        command.env(secret, "https://a.example/=a-secret-of-ours");
    }
    let run = bench.machine.run(&mut command);
    assert_eq!(run.code, 0, "{}", run.all());
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("OF_THE_AUTHOR=kept"), "{seen}");
    assert!(!seen.contains("a-secret-of-ours"), "{seen}");
}

/// Whatever lies in a plugin's folder: only `build` and `test` start programs because of it.
#[test]
fn nothing_is_built_or_run_of_a_plugin_that_somebody_else_wrote() {
    let bench = Bench::new();
    let mark = bench.machine.path("mark");
    for name in ["cargo", "rustc", "node", "npm", "python3", "python", "zig", "clang", "clang-19", "make", "wasm-opt", "sh", "git"] {
        bench.program(name, &format!("echo \"{name} $*\" >> {}", mark.display()));
    }
    let plugin = Plugin::new("greet", "1.0.0");
    for (path, bytes) in plugin.files() {
        bench.machine.write(&format!("greet/{path}"), bytes);
    }
    for file in
        ["Cargo.toml", "build.rs", "asconfig.json", "package.json", "build.mjs", "pyproject.toml", "build.zig", "plugin.c", "Makefile"]
    {
        bench.machine.write(&format!("greet/{file}"), "{}");
    }
    std::fs::remove_file(bench.machine.project("plugin.yaml")).unwrap();
    for arguments in [
        &["init"][..],
        &["add", "./greet"],
        &["lock"],
        &["sync"],
        &["run", "greet", "hello", "[1]"],
        &["verify"],
        &["info", "greet"],
        &["vendor", "vendored"],
        &["validate", "greet"],
        &["package", "greet", "--output", "greet.tar.zst"],
        &["registry", "init", "reg"],
        &["publish", "greet", "--registry", "reg"],
        &["registry", "check", "reg"],
    ] {
        let run = bench.mfp(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}", run.all());
        assert!(!mark.exists(), "{arguments:?} started {}", std::fs::read_to_string(&mark).unwrap_or_default());
    }
    let _ = bench.mfp(&["build", "greet"]);
    assert!(mark.exists(), "`build` is what does");
}

#[test]
fn doctor_asks_tools_where_nothing_of_anybodys_lies_and_misses_only_whats_needed() {
    let bench = Bench::new();
    let asked = bench.machine.path("asked");
    bench.program("python3", &format!("/bin/pwd >> {}; case \"$*\" in *ziglang*) exit 1;; esac; echo Python 3.13.0", asked.display()));
    let run = bench.mfp(&["doctor"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.stdout.contains("✓ Python               Python 3.13.0 with venv"), "{}", run.all());
    let asked = std::fs::read_to_string(asked).unwrap();
    assert!(!asked.is_empty() && asked.lines().all(|folder| folder == "/"), "{asked}");
    bench.machine.write("plugin.c", "");
    let run = bench.mfp(&["doctor"]);
    run.fails(1, "mfp::doctor::problems");
    assert!(run.stdout.contains("✗ C for wasm           missing"), "{}", run.all());
    assert!(!run.stderr.contains("Node"), "{}", run.all());
}

/// Rust and its target for WebAssembly, where tests may use the machine's own.
fn real_rust() -> Option<(String, Vec<(&'static str, PathBuf)>)> {
    let variable = |name: &str| std::env::var(name).ok();
    let home = PathBuf::from(variable("HOME")?);
    let folder = |name: &'static str, usual: &str| (name, variable(name).map_or_else(|| home.join(usual), PathBuf::from));
    let folders = vec![folder("CARGO_HOME", ".cargo"), folder("RUSTUP_HOME", ".rustup")];
    let path = variable("PATH")?;
    let sysroot = std::process::Command::new("rustc").args(["--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout).ok()?.trim());
    let has_target = sysroot.join("lib/rustlib/wasm32-unknown-unknown/lib").is_dir();
    assert!(
        has_target || variable("CI").is_none(),
        "CI has Rust's target wasm32-unknown-unknown: `rustup target add wasm32-unknown-unknown`"
    );
    has_target.then_some((path, folders))
}

/// A plugin without the standard library and without other people's crates: seconds to build.
const CRATE: [(&str, &str); 3] = [
    (
        "plugin.yaml",
        "mfp: 1\nplugin: { id: try-it, version: 1.0.0, types: [template] }\ntests:\n  - { name: it answers, call: execute, request: { function_name: x }, expect: [1, 2] }\n",
    ),
    (
        "Cargo.toml",
        "[package]\nname = \"try-it\"\nversion = \"1.0.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\ntest = false\ndoctest = false\n[profile.release]\npanic = \"abort\"\n[workspace]\n",
    ),
    (
        "src/lib.rs",
        r#"#![no_std]
use core::panic::PanicInfo;

const ANSWER: &[u8] = b"{\"success\":true,\"result\":[1,2]}";
static WHERE: &str = concat!(file!(), ":", env!("CARGO_PKG_NAME"));

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[unsafe(no_mangle)]
extern "C" fn mockforge_abi() -> i32 {
    i32::from(!WHERE.is_empty())
}

#[unsafe(no_mangle)]
extern "C" fn alloc(_: usize) -> usize {
    65536
}

#[unsafe(no_mangle)]
extern "C" fn template_function(_: usize, _: usize) -> u64 {
    ((ANSWER.as_ptr() as u64) << 32) | ANSWER.len() as u64
}
"#,
    ),
];

#[test]
fn a_rust_plugin_has_the_same_bytes_in_every_folder_and_answers() {
    let Some((path, folders)) = real_rust() else { return };
    let build = |folder: &str| {
        let machine = Machine::new();
        for (file, text) in CRATE {
            machine.write(&format!("{folder}/{file}"), text);
        }
        let mut command = machine.command();
        command.args(["test", folder, "--offline"]).env("PATH", &path);
        for (name, folder) in &folders {
            command.env(name, folder);
        }
        let run = machine.run(&mut command);
        assert_eq!(run.code, 0, "{}", run.all());
        assert!(run.stderr.contains("Built try-it try_it.wasm from Rust") && run.stderr.contains("ok    it answers"), "{}", run.all());
        std::fs::read(machine.project(folder).join("try_it.wasm")).unwrap()
    };
    let (here, there) = (build("here"), build("another/place"));
    assert!(here == there, "other bytes in another folder");
}
