//! Stricter caps by kind of source: of memory and time, kept where the plugin runs.

use super::*;
use crate::support::git;

/// A plugin that asks for 64 MiB and tells how much memory it can grow to is more than is needed: one that grows to 32 MiB
/// in its first call stops where it gets less.
fn greedy(name: &str) -> Plugin {
    let grows = r#"(module
      (memory (export "memory") 2)
      (data (i32.const 16) "{\"success\":true,\"result\":1}")
      (func (export "mockforge_abi") (result i32) (i32.const 1))
      (func (export "alloc") (param $size i32) (result i32) (i32.const 4096))
      (func (export "template_function") (param $at i32) (param $size i32) (result i64)
        (if (i32.eq (memory.grow (i32.const 64)) (i32.const -1)) (then unreachable))
        (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const 27))))"#;
    Plugin::new(name, "1.0.0").with(|plugin| plugin.wasm = wat::parse_str(grows).expect("it's a module"))
}

#[test]
fn a_cap_for_a_kind_of_source_holds_for_that_kind_only() {
    if !git::has_programs(&["git"]) {
        return;
    }
    let registry = Registry::with([greedy("reg")]);
    let repo = git::Repo::of(&greedy("tree"));
    let machine = Machine::new();
    greedy("folder").write_to(&machine.path("folder"));
    std::fs::write(machine.path("web.tar.gz"), greedy("web").archive()).unwrap();
    let plugins = format!(
        "reg = \"^1\"\ntree = {{ git = \"{}\" }}\nfolder = {{ path = \"../folder\" }}\nweb = {{ url = \"file://{}\" }}\n",
        repo.file_url(),
        machine.path("web.tar.gz").display()
    );
    let write = |policy: &str| {
        machine.write(
            "mockforge-plugins.toml",
            format!("[plugins]\n{plugins}[registries]\ndefault = \"{}\"\n[policy]\n{policy}\n", registry.url()),
        );
    };
    write("");
    let ok = git::mfp(&machine, ["sync"]);
    assert_eq!(ok.code, 0, "{}", ok.all());
    for (kind, name) in [("registry", "reg"), ("git", "tree"), ("path", "folder"), ("url", "web")] {
        write(&format!("limits.{kind} = {{ memory = \"1MiB\" }}"));
        for other in ["reg", "tree", "folder", "web"] {
            let run = git::mfp(&machine, ["run", other, "f"]);
            if other == name {
                run.fails(7, "mfp::sandbox::memory");
            } else {
                assert_eq!(run.code, 0, "{kind} {other}: {}", run.all());
            }
        }
        assert_eq!(git::mfp(&machine, ["verify"]).code, 0, "a cap is no mistake in what's there");
    }
}

#[test]
fn a_cap_in_time_holds_too() {
    let endless = wat::parse_file(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/loop-template.wat")).unwrap();
    let machine = Machine::new();
    Plugin::new("endless", "1.0.0").with(|plugin| plugin.wasm = endless).write_to(&machine.path("endless"));
    machine.write("mockforge-plugins.toml", "[plugins]\nendless = { path = \"../endless\" }\n[policy]\nlimits.path = { time-ms = 7 }\n");
    let run = machine.mfp(["run", "endless", "upper"]);
    run.fails(7, "mfp::sandbox::time");
    assert!(run.stderr.contains("7 ms"), "{}", run.all());
}
