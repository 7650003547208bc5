//! Texts of strangers, which may try to draw, to hide, or to give orders to a CI system: neutral wherever they're shown.

use super::answering;
use crate::support::{Machine, Plugin, Registry, Run};

const DRAWING: &str = "\u{1b}[31mred\u{1b}]8;;http://evil.example\u{7}link\u{1b}]8;;\u{7}\u{202e}txt.exe\u{2066}\u{9b}2J\u{8}\u{0}\r::set-output name=x::y\n::error file=a::b\n##vso[task.setvariable variable=x]y";

/// Nothing on a stream moves a cursor, hides a text, or is a command to a CI system.
#[track_caller]
fn is_neutral(run: &Run) {
    for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        for character in text.chars() {
            let harmless = matches!(character, '\n' | '\t')
                || !(character.is_control()
                    || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'));
            assert!(harmless, "{stream} has {character:?}: {}", run.all());
        }
        for line in text.lines() {
            assert!(
                !line.starts_with("::") && !line.starts_with("##vso["),
                "{stream} has a command to a CI system: {line:?}\n{}",
                run.all()
            );
        }
    }
}

#[test]
fn a_registrys_texts_are_neutral_and_its_json_stays_json() {
    let registry = Registry::new();
    let plugin = Plugin::new("auth-jwt", "1.4.2").with(|plugin| {
        plugin.more_files.push(("docs/x.md".to_owned(), DRAWING.into()));
    });
    let archive = plugin.archive();
    let mut line = plugin.line(&archive);
    for key in ["description", "author", "homepage", "repository", "documentation"] {
        line[key] = DRAWING.into();
    }
    line["keywords"] = serde_json::json!([DRAWING]);
    line["deprecated"] = serde_json::json!({ "reason": DRAWING, "use": DRAWING });
    registry.publish_as(&plugin, line, &archive);
    let yanked = Plugin::new("auth-jwt", "1.4.3");
    let mut line = yanked.line(&yanked.archive());
    line["yanked"] = DRAWING.into();
    registry.publish_as(&yanked, line, &yanked.archive());
    registry.put("search.json", serde_json::json!([{ "name": "auth-jwt", "version": "1.4.2", "description": DRAWING, "types": ["template", DRAWING], "license": DRAWING, "keywords": [DRAWING], "published": DRAWING, "downloads": 1 }, { "name": DRAWING, "version": DRAWING, "description": "auth" }]).to_string().as_bytes());
    registry.put("advisories.json", serde_json::json!([{ "id": DRAWING, "name": "auth-jwt", "versions": "<2", "severity": DRAWING, "title": DRAWING, "url": DRAWING, "block": false }]).to_string().as_bytes());
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    machine.ok(["add", "auth-jwt@^1.4"]);
    for arguments in [
        &["search", "auth"][..],
        &["info", "auth-jwt"],
        &["info", "auth-jwt@1.4.2"],
        &["info", "auth-jwt@1.4.3"],
        &["list"],
        &["tree"],
        &["why", "auth-jwt"],
        &["outdated"],
        &["docs", "auth-jwt"],
        &["-vv", "sync"],
        &["-vv", "update"],
        &["verify"],
        &["add", "auth-jwt@=1.4.3"],
        &["add", DRAWING.split('\0').next().expect("a part")],
    ] {
        is_neutral(&machine.mfp(arguments.iter().copied()));
        let run = machine.mfp(arguments.iter().copied().chain(["--json"]));
        let document = run.json();
        assert_eq!(document["v"], 1, "{arguments:?}: {}", run.all());
        is_neutral(&run);
    }
}

#[test]
fn a_packages_own_texts_are_neutral_too() {
    let plugin = Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.more_yaml = "tests: []\n".to_owned());
    let readme = format!("# {DRAWING}\n\n{DRAWING}\n");
    // The README of a plugin in a folder: it's the project's own, and still somebody else's text.
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\nauth-jwt = { path = \"mine\" }\n");
    plugin.write_to(&machine.project("mine"));
    machine.write("mine/README.md", readme);
    let quoted = serde_json::to_string(DRAWING).expect("a string is JSON");
    machine.write("mine/plugin.yaml", plugin.yaml().replace("A plugin for tests", &quoted));
    for arguments in [&["sync"][..], &["docs", "auth-jwt"], &["info", "auth-jwt"], &["list"], &["run", "auth-jwt", "say"]] {
        is_neutral(&machine.mfp(arguments.iter().copied()));
    }
    // A manifest of a plugin, and a manifest of ours, with mistakes that draw.
    for broken in ["types: [\"\u{1b}[31mx\"]", "nonsense\u{1b}[2J: \u{202e}1", "id: \"\u{7}\u{1b}]0;x\u{7}\""] {
        machine.write("mine/plugin.yaml", format!("mfp: 1\nplugin:\n  {broken}\n"));
        let run = machine.mfp(["sync"]);
        assert_ne!(run.code, 0);
        is_neutral(&run);
    }
    machine.write("mockforge-plugins.toml", "[plugins]\n\"a\u{202e}b\" = \"\u{2066}^1\"\n[\"x\\u001b[2J\"]\n");
    is_neutral(&machine.mfp(["sync"]));
    is_neutral(&machine.mfp(["sync", "--json"]));
}

#[test]
fn a_plugins_answers_are_data_and_its_errors_are_neutral() {
    for (json, ok) in [
        (serde_json::json!({ "success": true, "result": { "x": DRAWING } }).to_string(), true),
        (serde_json::json!({ "success": true, "result": DRAWING }).to_string(), true),
        (serde_json::json!({ "success": false, "error": DRAWING }).to_string(), false),
        (serde_json::json!({ "success": false, "error": { "message": DRAWING, "code": DRAWING } }).to_string(), false),
        ("{\"success\": tru\u{1b}[31m".to_owned(), false),
        (DRAWING.to_owned(), false),
    ] {
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", "[plugins]\nauth-jwt = { path = \"mine\" }\n");
        Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = answering(&json)).write_to(&machine.project("mine"));
        let run = machine.mfp(["run", "auth-jwt", "say", "[]"]);
        assert_eq!(run.code == 0, ok, "{}", run.all());
        if ok {
            let _: serde_json::Value = run.json();
        }
        is_neutral(&run);
        let run = machine.mfp(["run", "auth-jwt", "say", "[]", "--json"]);
        assert_eq!(run.json()["ok"], ok, "{}", run.all());
        is_neutral(&run);
    }
}

#[test]
fn json_on_a_terminal_is_neutral_too() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\nauth-jwt = { path = \"mine\" }\n");
    let answer = serde_json::json!({ "success": true, "result": DRAWING }).to_string();
    Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = answering(&answer)).write_to(&machine.project("mine"));
    for arguments in [&["run", "auth-jwt", "say", "[]"][..], &["run", "auth-jwt", "say", "[]", "--json"]] {
        let run = machine.mfp(arguments.iter().copied());
        assert!(run.json().to_string().contains('\u{202e}'), "it's the same text: {}", run.all());
        assert!(!run.stdout.contains('\u{202e}'), "{}", run.stdout);
    }
}
