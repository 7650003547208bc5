//! Texts of strangers while something goes on: what a server logs, bars, questions, versions with build metadata, refs of repositories.

use super::texts::{DRAWING, hostile_registry, is_neutral, is_neutral_both_ways};
use crate::support::git::{Repo, has_programs};
use crate::support::terminal::{answering, is_there};
use crate::support::{Machine, Plugin, Registry, Run, Server, Serving, signing};

/// Build metadata says nothing, and may say it in letters, digits, dots and hyphens only.
#[test]
fn build_metadata_of_versions() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\nmine = { path = \"mine\" }\n");
    Plugin::new("mine", "1.0.0+build.7").write_to(&machine.project("mine"));
    for arguments in [&["sync"][..], &["list"], &["tree"], &["export", "--format", "json"], &["diff"]] {
        is_neutral_both_ways(&machine, arguments);
    }
    assert_eq!(machine.ok(["list"]).stdout.lines().next().map(|line| line.starts_with("mine 1.0.0+build.7")), Some(true));
    let quoted = serde_json::to_string(&format!("1.0.0+{DRAWING}")).expect("a string is JSON");
    machine.write("mine/plugin.yaml", Plugin::new("mine", "1.0.0").yaml().replace("version: 1.0.0", &format!("version: {quoted}")));
    let run = machine.mfp(["sync"]);
    assert_eq!(run.code, 4, "{}", run.all());
    is_neutral(&run);
    is_neutral_both_ways(&machine, &["sync"]);
    // In an index line, and in what's typed.
    let registry = Registry::new();
    let plugin = Plugin::new("greet", "1.0.0");
    let archive = plugin.archive();
    for version in [format!("1.0.0+{DRAWING}"), "1.0.0+a\u{200b}b".to_owned(), "1.0.0+::error::x".to_owned()] {
        let mut line = plugin.line(&archive);
        line["version"] = version.clone().into();
        registry.publish_as(&plugin, line, &archive);
        let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
        let typed = version.split('\0').next().expect("a part");
        for arguments in [&["lock"][..], &["add", &format!("greet@{typed}")], &["info", &format!("greet@{typed}")]] {
            is_neutral_both_ways(&machine, arguments);
        }
    }
}

/// Git lets a ref be called nearly anything that isn't ASCII.
#[test]
fn refs_of_repositories() {
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&Plugin::new("mailer", "1.0.0"));
    for tag in ["v1.0.0\u{202e}", "v1.0.0-a\u{200b}b", "v1.0\u{9b}2J", "v1.1.0\u{2066}x", "v1.0.1-##vso", "v1.2.0-a\u{ad}b"] {
        repo.git(["tag", tag]);
    }
    for branch in ["mai\u{202e}n", "main\u{200b}", "main\u{feff}", "##main"] {
        repo.git(["branch", branch]);
    }
    let url = repo.file_url();
    for reference in [
        "tag = \"v1.0.0\"",
        "tag = \"v1.0.9\"",
        "tag = \"v1.0.0\\u202e\"",
        "tag = \"v1.0.0-a\u{200b}b\"",
        "tag = \"v1.0.0\\u2066\"",
        "branch = \"mainn\"",
        "branch = \"main\u{200b}\"",
        "branch = \"main\\ufeff\"",
        "branch = \"##main\"",
        "rev = \"\\u202eabcdef1\"",
    ] {
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", format!("[plugins]\nmailer = {{ git = \"{url}\", {reference} }}\n"));
        for arguments in [&["lock"][..], &["outdated"], &["list"], &["tree"], &["upgrade"], &["update"], &["-vv", "sync"], &["diff"]] {
            is_neutral_both_ways(&machine, arguments);
        }
    }
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\n");
    for reference in ["v1.0.0\u{202e}", "main\u{200b}", "\u{1b}[2J", "x\u{9b}y", "::error::x", "##[group]x"] {
        is_neutral_both_ways(&machine, &["add", &format!("git+{url}#{reference}")]);
        is_neutral_both_ways(&machine, &["add", &format!("git+{url}"), "--tag", reference]);
        is_neutral_both_ways(&machine, &["diff", reference]);
    }
}

/// A template plugin that logs this text, and then fails with it.
fn shouting(text: &str) -> Plugin {
    let error = serde_json::json!({ "success": false, "error": text }).to_string();
    let bytes = |text: &str| text.bytes().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let module = format!(
        r#"(module
          (import "mockforge" "log" (func $log (param i32 i32)))
          (memory (export "memory") 2)
          (data (i32.const 16) "{}") (data (i32.const 4096) "{}")
          (func (export "mockforge_abi") (result i32) (i32.const 1))
          (func (export "alloc") (param i32) (result i32) (i32.const 65536))
          (func (export "template_function") (param i32 i32) (result i64)
            (call $log (i32.const 4096) (i32.const {}))
            (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const {}))))"#,
        bytes(&error),
        bytes(text),
        text.len(),
        error.len()
    );
    Plugin::new("shout", "1.0.0").with(|plugin| plugin.wasm = wat::parse_str(module).expect("the module is well-formed"))
}

/// Each line of a log is one, says nothing to a CI system, and is JSON where that was asked for.
#[test]
#[cfg(unix)]
fn what_a_server_logs() {
    for format in ["text", "json"] {
        let registry = Registry::with([shouting(DRAWING)]);
        let machine = Machine::with_manifest(&registry, "[plugins]\nshout = \"^1\"\n");
        machine.ok(["sync"]);
        is_neutral_both_ways(&machine, &["-v", "run", "shout", "x"]);
        let serving = Serving::start(&machine, &["-v", "--log-format", format]);
        let words = serving.execute("shout").fails(500);
        assert!(words.contains("red"), "{words}");
        // Whoever asks chooses the path, the method, and the request's id.
        let host = serving.address;
        for head in [
            "GET /plugins/\u{202e}x HTTP/1.1",
            "GET /plugins/%1b[2J%0a::error::x HTTP/1.1",
            "GET /::error::x HTTP/1.1",
            "##vso GET / HTTP/1.1",
            "X## /health HTTP/1.1",
        ] {
            serving.connect().write(&format!("{head}\r\nHost: {host}\r\nX-Request-Id: ::error::y\r\nConnection: close\r\n\r\n"));
        }
        let reply = serving.connect().send(&format!("GET /health HTTP/1.1\r\nHost: {host}\r\nX-Request-Id: ::error::y\r\n\r\n"));
        assert_eq!(reply.status, 200);
        // A lock that draws is one that can't be loaded, and its error goes to the log.
        let lock = machine.read("plugins.lock");
        machine.write("plugins.lock", lock.replace("template", DRAWING.split('\0').next().expect("a part")));
        serving.until("it's tried", |serving| serving.health()["status"] == "degraded");
        let run = serving.stop();
        let lines: Vec<&str> = run.stderr.lines().collect();
        let of = |event: &str| lines.iter().filter(|line| line.contains(event)).count();
        assert!(of("plugin") > 0 && of("not-reloaded") == 1, "{}", run.all());
        if format == "json" {
            let logged: Vec<serde_json::Value> = lines.iter().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
            assert!(logged.iter().any(|line| line["event"] == "plugin" && line["text"] == DRAWING), "its own words: {}", run.all());
        }
        is_neutral(&Run { stdout: String::new(), ..run });
    }
}

/// What a terminal shows without what the libraries draw themselves: a bar's own lines, a cursor that's hidden while it's asked.
fn undrawn(run: &Run) -> Run {
    let mut text = run.stdout.clone();
    for own in ["\u{1b}[?25l", "\u{1b}[?25h", "\u{1b}[2K", "\u{1b}[1A", "\u{1b}[1B", "\u{1b}[0K", "\u{1b}[0J", "\u{1b}[J", "\r"] {
        text = text.replace(own, "");
    }
    Run { code: run.code, stdout: text, stderr: String::new() }
}

#[test]
fn what_is_asked_on_a_terminal() {
    if !is_there() {
        return;
    }
    let machine = Machine::new();
    let name = "a\u{1b}[2J\u{202e}\u{9b}2K##[group]b\u{200b}.key";
    signing::put("encrypted.key", &machine.project(name));
    machine.write("file.txt", "x");
    let asked = answering(&machine, &[("Password of", "nonsense\r")], ["key", "sign", "--key", name, "file.txt"]);
    assert!(asked.stdout.contains("Password of"), "{}", asked.all());
    is_neutral(&undrawn(&asked));
    // What a plugin asks for stands in the question.
    let paths = "capabilities:\n  filesystem: { allow_read: true, allowed_paths: [\"data/a\u{200b}b\", \"data/##[group]c\"] }\n";
    let registry = Registry::with([Plugin::new("reader", "1.0.0").with(|plugin| plugin.more_yaml = paths.to_owned())]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nreader = \"^1\"\n");
    let asked = answering(&machine, &[("[y/N]", "n")], ["add", "reader"]);
    is_neutral(&undrawn(&asked));
    let machine = Machine::new();
    let asked = answering(&machine, &[("Token for", "\u{3}")], ["login", "https://canary.invalid/"]);
    assert!(asked.stdout.contains("Token for"), "{}", asked.all());
    is_neutral(&undrawn(&asked));
}

#[test]
fn what_is_drawn_on_a_terminal_while_plugins_come() {
    if !is_there() {
        return;
    }
    let registry = hostile_registry();
    let slow = Server::faulty(registry.folder(), |request, _| {
        if request.path.contains("dl/") {
            std::thread::sleep(std::time::Duration::from_millis(700));
        }
        false
    });
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\nauth-jwt = \"=1.4.2\"\n", slow.url()));
    let drawn = answering(&machine, &[], ["-v", "sync"]);
    assert_eq!(drawn.code, 0, "{}", drawn.all());
    assert!(drawn.stdout.contains("\u{1b}["), "there was a bar: {}", drawn.all());
    is_neutral(&undrawn(&drawn));
}
