//! Texts of strangers, which may try to draw, to hide, or to give orders to a CI system: neutral wherever they're shown.

use super::answering;
use crate::support::{Machine, Plugin, Registry, Run};

pub(super) const DRAWING: &str = "\u{1b}[31mred\u{1b}]8;;http://evil.example\u{7}link\u{1b}]8;;\u{7}\u{202e}txt.exe\u{2066}\u{9b}2J\u{8}\u{0}\r::set-output name=x::y\n::error file=a::b\n##vso[task.setvariable variable=x]y\n \t::error::z\u{2028}::debug::q\nw ##[group]g ##teamcity[t]\u{200b}\u{2060}\u{feff}\u{e0041}\u{b}\u{85}\u{1b}[8mhidden";

/// Nothing on a stream moves a cursor, hides a text, is there unseen, or is a command to a CI system.
#[track_caller]
pub(super) fn is_neutral(run: &Run) {
    for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        for character in text.chars() {
            let is_unseen = matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
            let is_harmless = matches!(character, '\n' | '\t') || !(character.is_control() || is_unseen);
            assert!(is_harmless, "{stream} has {character:?}: {}", run.all());
        }
        let orders = ["##[", "##vso[", "##teamcity["];
        for line in text.lines() {
            assert!(
                !line.trim_start().starts_with("::") && !orders.iter().any(|order| line.contains(order)),
                "{stream} has a command to a CI system: {line:?}\n{}",
                run.all()
            );
        }
    }
}

/// A command that prints for people is neutral, and the same for programs is one JSON document, and neutral too.
#[track_caller]
pub(super) fn is_neutral_both_ways(machine: &Machine, arguments: &[&str]) {
    is_neutral(&machine.mfp(arguments.iter().copied()));
    let run = machine.mfp(arguments.iter().copied().chain(["--json"]));
    is_neutral(&run);
    if !run.stdout.is_empty() {
        assert_eq!(run.json()["v"], 1, "{arguments:?}: {}", run.all());
    }
}

/// The commands that `mfp --help` names.
fn commands(machine: &Machine) -> Vec<String> {
    let help = machine.ok(["--help"]).stdout;
    let list = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("the help lists commands");
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

/// How a command is called so that it has something to say. What isn't here is called with a hostile argument, and without any.
fn calls(command: &str) -> Vec<Vec<&str>> {
    let shown = first_line();
    match command {
        "add" | "install" | "remove" | "info" | "docs" | "why" | "approve" | "update" | "upgrade" | "outdated" => {
            vec![vec!["auth-jwt"], vec!["mine"], vec![shown], vec!["auth-jwt@^1.4"]]
        }
        "search" => vec![vec!["auth"], vec![shown]],
        "run" => vec![vec!["auth-jwt", "say", "[]"], vec!["mine", shown], vec![shown, shown], vec!["mine", "say", shown]],
        "serve" => vec![vec!["--export", "mockforge"], vec!["--listen", shown]],
        "config" => vec![
            vec!["list"],
            vec!["get", shown],
            vec!["set", shown, shown],
            vec!["set", "registry", shown],
            vec!["get", "registry"],
            vec!["path"],
        ],
        "cache" => vec![vec!["dir"], vec!["size"], vec!["verify"]],
        "login" | "logout" | "whoami" => vec![vec![], vec![shown], vec!["https://canary.invalid/"]],
        "schema" => vec![vec!["manifest"], vec![shown]],
        "completions" => vec![vec![shown]],
        "self" => vec![vec!["version"], vec![shown]],
        "vendor" => vec![vec!["vendored"]],
        "init" => vec![vec![], vec!["x", "--registry", shown]],
        _ => vec![vec![], vec![shown], vec!["--markdown"], vec!["--format", "json"], vec!["show"]],
    }
}

/// As much of it as an argument can hold.
fn first_line() -> &'static str {
    DRAWING.split('\0').next().expect("a part")
}

/// A registry whose every text that it can choose draws.
pub(super) fn hostile_registry() -> Registry {
    let registry = Registry::new();
    let plugin = Plugin::new("auth-jwt", "1.4.2")
        .with(|plugin| plugin.wasm = answering(&serde_json::json!({ "success": false, "error": DRAWING }).to_string()));
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
    registry.put("search.json", serde_json::json!([{ "name": "auth-jwt", "version": "1.4.2", "description": DRAWING, "types": ["template"], "license": DRAWING, "keywords": [DRAWING], "published": DRAWING, "downloads": 1 }]).to_string().as_bytes());
    registry.put("advisories.json", serde_json::json!({ "v": 1, "advisories": [{ "id": DRAWING, "name": "auth-jwt", "versions": "<2", "severity": DRAWING, "title": DRAWING, "url": DRAWING, "block": false }] }).to_string().as_bytes());
    registry
}

#[test]
fn every_command_shows_hostile_texts_neutrally() {
    let registry = hostile_registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"^1.4\"\nmine = { path = \"mine\" }\n");
    Plugin::new("mine", "1.0.0").write_to(&machine.project("mine"));
    machine.write("mine/README.md", format!("{DRAWING}\n{DRAWING}"));
    machine.ok(["sync"]);
    let commands = commands(&machine);
    assert!(commands.len() > 25 && commands.iter().any(|name| name == "whoami"), "{commands:?}");
    for command in &commands {
        for arguments in calls(command) {
            is_neutral_both_ways(&machine, &[&[command.as_str()][..], &arguments].concat());
        }
        is_neutral_both_ways(&machine, &["-vv", command, first_line()]);
        is_neutral_both_ways(&machine, &[command, &format!("--{}", first_line())]);
    }
    // Everything that's said once the lock, the manifest or the configuration draws.
    let manifest = machine.read("mockforge-plugins.toml");
    let lock = machine.read("plugins.lock");
    for (file, text) in [
        ("plugins.lock", lock.replace("1.4.2", first_line())),
        ("plugins.lock", format!("{DRAWING}\n{lock}")),
        ("mockforge-plugins.toml", format!("{manifest}{DRAWING} = \"{DRAWING}\"\n")),
        ("mockforge-plugins.toml", format!("{manifest}[policy]\nallow = [\"{}\"]\n", first_line().escape_default())),
    ] {
        machine.write("plugins.lock", &lock);
        machine.write("mockforge-plugins.toml", &manifest);
        machine.write(file, text);
        // A server that's started goes on; what it says before is what `--export` says.
        for command in commands.iter().filter(|command| *command != "serve") {
            is_neutral_both_ways(&machine, &[command]);
        }
        is_neutral_both_ways(&machine, &["serve", "--export", "mockforge"]);
        is_neutral_both_ways(&machine, &["run", "auth-jwt", "say"]);
        is_neutral_both_ways(&machine, &["info", "auth-jwt"]);
    }
}

#[test]
fn variables_files_and_folders_of_hostile_names() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\n");
    let shown = first_line();
    for variable in [
        "MFP_OFFLINE",
        "MFP_COLOR",
        "MFP_PROJECT",
        "MFP_CONFIG",
        "MFP_STORE_DIR",
        "MFP_CACHE_DIR",
        "MFP_VENDOR",
        "MFP_CREDENTIALS",
        "NETRC",
        "https_proxy",
    ] {
        for arguments in [&["sync"][..], &["doctor"], &["sync", "--json"], &["cache", "dir"], &["-vv", "list"]] {
            is_neutral(&machine.run(machine.command().env(variable, shown).args(arguments)));
        }
    }
    let file = machine.path("home/.config/mfp/config.toml");
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder can be made");
    for text in [
        format!("{DRAWING} = 1"),
        format!("registry = \"{DRAWING}\""),
        format!("[credentials.\"{}\"]\ntoken-env = \"X\"\n", shown.escape_default()),
    ] {
        std::fs::write(&file, text).expect("a file can be written");
        for arguments in [&["config", "list"][..], &["sync"], &["doctor"], &["search", "x"]] {
            is_neutral_both_ways(&machine, arguments);
        }
    }
    std::fs::remove_file(&file).expect("it's there");
    // Names of files in a plugin, and of a project's folder.
    for name in
        ["docs/a\u{1b}[31mb.md", "docs/::error::x.md", "docs/##[group]x.md", "docs/a\u{202e}b.md", "docs/a\u{200b}b.md", "docs/a\nb.md"]
    {
        let registry =
            Registry::with([Plugin::new("named", "1.0.0").with(|plugin| plugin.more_files.push((name.to_owned(), b"x".to_vec())))]);
        machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\nnamed = \"1\"\n", registry.url()));
        for arguments in [&["sync"][..], &["verify"], &["info", "named"], &["vendor", "v"]] {
            is_neutral_both_ways(&machine, arguments);
        }
        let _ = std::fs::remove_file(machine.project("plugins.lock"));
    }
}

/// What a server says in a body or a header is seen nowhere, and nothing else of it draws.
#[test]
fn a_servers_words_are_neutral() {
    use crate::support::Server;
    use crate::support::server::respond;
    for status in [
        "200 OK",
        "302 Found",
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "418 \u{202e}teapot",
        "500 ::error::x",
        "503 ##[group]x",
    ] {
        let registry = hostile_registry();
        let server = Server::faulty(registry.folder(), move |_, stream| {
            let headers =
                "location: /\u{202e}::error::x##[group]\r\nwww-authenticate: ##vso[x]\r\nserver: \u{200b}\r\ncontent-type: \u{9b}2J\r\n";
            respond(stream, status, headers, DRAWING)
        });
        let machine = Machine::new();
        std::fs::create_dir_all(machine.path("home/.config/mfp")).expect("a folder can be made");
        std::fs::write(machine.path("home/.config/mfp/config.toml"), "[network]\nretries = 0\n").expect("a file can be written");
        machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\nauth-jwt = \"1\"\n", server.url()));
        let url = format!("{}x.zip", server.url());
        let git = format!("git+{}x.git", server.url());
        for arguments in [
            &["sync"][..],
            &["-vvv", "lock"],
            &["search", "auth"],
            &["info", "auth-jwt"],
            &["add", &url],
            &["add", &git],
            &["add", "auth-jwt@2"],
        ] {
            is_neutral_both_ways(&machine, arguments);
        }
        let login = machine.run(
            machine
                .command()
                .args(["login", "--token-stdin"])
                .stdin(std::fs::File::open(machine.project("mockforge-plugins.toml")).expect("it's there")),
        );
        is_neutral(&login);
    }
}

/// A README is a stranger's, and in a log of CI too. Where it's piped on it's still text for people.
#[test]
fn with_colours_only_colours_pass() {
    let registry = hostile_registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"^1.4\"\n");
    for arguments in [&["add", first_line()][..], &["info", "auth-jwt"], &["search", "auth"], &["-vv", "lock"], &["add", "auth-jwt@=1.4.3"]]
    {
        let run = machine.mfp(arguments.iter().copied().chain(["--color", "always"]));
        let text = [run.stdout, run.stderr].concat();
        let mut plain = String::new();
        let mut parts = text.split("\u{1b}[");
        plain.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (code, rest) = part.split_once('m').unwrap_or((part, ""));
            let is_colour = code.split(';').all(|number| matches!(number.parse::<u8>(), Ok(0..=4 | 22..=24 | 30..=39 | 90..=97)));
            assert!(is_colour, "{code:?} in {text:?}");
            plain.push_str(rest);
        }
        is_neutral(&Run { code: run.code, stdout: plain, stderr: String::new() });
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
