//! What if somebody means harm? Edited locks, lying registries, names that are registered twice, texts that draw, files that
//! were changed behind mfp's back: each row of the threat model that this version answers has its story here.

use std::path::Path;

use crate::network::{machine, nothing_kept, sha256};
use crate::support::env::tree;
use crate::support::env::Run;
use crate::support::server::Server;
use crate::support::{Machine, Plugin, Registry};

// --- an edited lock ---

/// Two plugins and a third that isn't used, in a registry.
fn registry() -> Registry {
    Registry::with([
        Plugin::new("auth-jwt", "1.4.2").needs("jwks-core", "^0.3"),
        Plugin::new("auth-jwt", "1.4.1").needs("jwks-core", "^0.3"),
        Plugin::new("jwks-core", "0.3.1"),
        Plugin::new("evil", "1.0.0").with(|plugin| plugin.wasm = speaker("evil")),
    ])
}

const MANIFEST: &str = "[plugins]\nauth-jwt = \"=1.4.2\"\n";

/// A good lock over this registry.
fn good_lock(registry: &Registry) -> String {
    let machine = Machine::with_manifest(registry, MANIFEST);
    machine.ok(["lock"]);
    machine.read("plugins.lock")
}

/// A machine that clones the project with this lock, and has never seen anything of it.
fn clone_with(registry: &Registry, lock: &str) -> Machine {
    let machine = Machine::with_manifest(registry, MANIFEST);
    machine.write("plugins.lock", lock);
    machine
}

/// The value of a key in the entry of this plugin.
fn value<'l>(lock: &'l str, name: &str, key: &str) -> &'l str {
    let entry = lock.split("[[plugin]]").find(|entry| entry.contains(&format!("name = \"{name}\"\nversion"))).expect("it's locked");
    let line = entry.lines().find(|line| line.starts_with(&format!("{key} = "))).expect("an entry has all its keys");
    line.split_once(" = ").expect("it has a value").1
}

/// Nothing but these plugins' own good bytes may be laid out.
#[track_caller]
fn only_good_bytes(machine: &Machine, what: &str) {
    let folder = machine.project(".mockforge/plugins");
    if !folder.exists() {
        return;
    }
    let good = [Plugin::new("auth-jwt", "1.4.2").needs("jwks-core", "^0.3"), Plugin::new("jwks-core", "0.3.1")];
    for (path, bytes) in tree(&folder).into_iter().filter(|(path, _)| path != ".mfp.json") {
        let (name, file) = path.split_once('/').unwrap_or_else(|| panic!("{what}: {path}"));
        let plugin = good.iter().find(|plugin| plugin.name == name).unwrap_or_else(|| panic!("{what}: {path} was installed"));
        let expected = plugin.files().into_iter().find(|(path, _)| path == file).unwrap_or_else(|| panic!("{what}: {path}"));
        assert!(expected.1 == bytes, "{what}: {path} holds other bytes");
    }
}

#[test]
fn an_edited_lock_is_never_installed() {
    let registry = registry();
    let lock = good_lock(&registry);
    let jwt = value(&lock, "auth-jwt", "content").to_owned();
    let jwks = value(&lock, "jwks-core", "content").to_owned();
    let (jwt_artifact, jwks_artifact) = (value(&lock, "auth-jwt", "artifact").to_owned(), value(&lock, "jwks-core", "artifact").to_owned());
    let entries: Vec<&str> = lock.split("[[plugin]]").collect();
    let jwks_entry = format!("[[plugin]]{}", entries[2]);
    let other_digest = |digest: &str| digest.replace("blake3:", "").trim_matches('"').chars().rev().collect::<String>();
    let artifact_sha = jwks_artifact.split('"').nth(3).expect("it has a digest").to_owned();

    let edits: Vec<(&str, String)> = vec![
        ("another content digest", lock.replace(&jwks, &format!("\"blake3:{}\"", other_digest(&jwks)))),
        ("another artifact digest", lock.replace(&artifact_sha, &artifact_sha.chars().rev().collect::<String>())),
        ("another artifact size", lock.replace(&jwks_artifact, &jwks_artifact.replace("size = ", "size = 1"))),
        ("a name with ../", lock.replace("name = \"jwks-core\"\nversion", "name = \"../jwks-core\"\nversion")),
        ("a name with /", lock.replace("\"jwks-core\"", "\"jwks/core\"")),
        ("a name with an escape", lock.replace("name = \"jwks-core\"\nversion", "name = \"jwks-\\u001b[2Jcore\"\nversion")),
        ("a duplicate entry", format!("{lock}\n{jwks_entry}")),
        ("an unreachable entry", format!("{lock}\n{}", jwks_entry.replace("\"jwks-core\"", "\"zzz\""))),
        ("no digest", lock.replace(&format!("content = {jwks}\n"), "")),
        ("an empty digest", lock.replace(&jwks, "\"\"")),
        ("a digest of another kind", lock.replace(&jwks, &jwks.replace("blake3:", "sha256:"))),
        ("an unknown key", lock.replace("signer = \"\"\n", "signer = \"\"\ntrusted = true\n")),
        ("an unknown table", format!("{lock}\n[extra]\nx = 1\n")),
        ("a version from the future", lock.replace("version = 1\n", "version = 2\n")),
        ("an undeclared registry", lock.replace("source = \"registry+default\"", "source = \"registry+evil\"")),
        ("a URL as source", lock.replacen("source = \"registry+default\"", "source = \"url+http://127.0.0.1:1/x.tar.gz\"", 1)),
        ("a path as source", lock.replacen("source = \"registry+default\"", "source = \"path+../../etc\"", 1)),
        ("A with B's digest", lock.replace(&jwt, &jwks)),
        ("A with B's digest and artifact", lock.replace(&jwt, &jwks).replace(&jwt_artifact, &jwks_artifact)),
        ("B with A's digest and artifact", lock.replace(&jwks, &jwt).replace(&jwks_artifact, &jwt_artifact)),
        ("another version's number", lock.replace("version = \"0.3.1\"", "version = \"0.3.2\"")),
        ("fewer dependencies", lock.replace("    { name = \"jwks-core\", requirement = \"^0.3\" },\n", "")),
        ("fewer capabilities than none", lock.replacen("capabilities = {}", "capabilities = { http = [\"evil.example\"] }", 1)),
        ("another licence", lock.replacen("license = \"MIT\"", "license = \"GPL-3.0-only\"", 1)),
        ("another type", lock.replacen("types = [\"template\"]", "types = [\"auth\"]", 1)),
        ("a merge conflict", lock.replacen("[[plugin]]", "<<<<<<< ours\n[[plugin]]", 1)),
        ("not TOML", format!("{lock}\n]]")),
        ("a NUL", format!("{lock}\0")),
    ];
    for (what, edited) in edits {
        assert_ne!(edited, lock, "{what}: the edit does nothing");
        // What's locked and nowhere to be had is "not there", as it would be for an honest lock.
        let is_gone = what == "another version's number";
        for (arguments, codes) in [(["sync", "--frozen"], &[2, 4, 5][..]), (["sync", "--locked"], &[2, 3, 4, 5])] {
            let machine = clone_with(&registry, &edited);
            let run = machine.mfp(arguments);
            assert!(codes.contains(&run.code) || (is_gone && matches!(run.code, 1 | 6)), "{what}, {arguments:?}: {}", run.all());
            assert_ne!(run.error_code(), "none", "{what}: {}", run.all());
            assert!(!run.all().contains('\x1b'), "{what}: {}", run.all());
            only_good_bytes(&machine, what);
            assert_eq!(machine.read("plugins.lock"), edited, "{what}: it was written");
            assert_ne!(machine.mfp(["run", "auth-jwt", "say", "--frozen"]).code, 0, "{what}: it runs");
            assert!(!machine.path("jwks-core").exists() && !machine.project("jwks-core").exists());
        }
    }
}

#[test]
fn a_cut_lock_is_never_taken_for_a_shorter_one() {
    let registry = registry();
    let lock = good_lock(&registry);
    let machine = clone_with(&registry, &lock);
    machine.ok(["sync", "--locked"]);
    let lines: Vec<usize> = lock.match_indices('\n').map(|(at, _)| at + 1).filter(|at| *at < lock.len()).collect();
    let inside = (1..lock.len()).step_by(lock.len() / 25);
    for length in lines.into_iter().chain(inside) {
        machine.write("plugins.lock", &lock[..length]);
        for arguments in [&["lock", "--check"][..], &["sync", "--frozen"]] {
            let run = machine.mfp(arguments.iter().copied());
            assert!(matches!(run.code, 2..=4), "cut at {length} of {}, {arguments:?}: {}", lock.len(), run.all());
        }
    }
    assert!(machine.has(".mockforge/plugins/jwks-core/plugin.wasm"), "nothing was uninstalled meanwhile");
}

// --- a registry that lies ---

/// Publish `auth-jwt` under a line that says something else, and try to add it.
fn add_under(change: impl FnOnce(&mut serde_json::Value), plugin: &Plugin) -> (Machine, Run) {
    let registry = Registry::with([Plugin::new("jwks-core", "0.3.1")]);
    let archive = plugin.archive();
    let mut line = plugin.line(&archive);
    change(&mut line);
    registry.publish_as(plugin, line, &archive);
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    let before = machine.files();
    let run = machine.mfp(["add", "auth-jwt", "--approve"]);
    assert_eq!(machine.files(), before, "{}\n{}", plugin.yaml(), run.all());
    (machine, run)
}

type Change = fn(&mut serde_json::Value);

#[test]
fn an_index_that_says_other_things_than_the_package_is_refused() {
    let plain = Plugin::new("auth-jwt", "1.4.2");
    let needing = Plugin::new("auth-jwt", "1.4.2").needs("jwks-core", "^0.3");
    let asking = Plugin::new("auth-jwt", "1.4.2").asks_http("a.example").asks_http("b.example");
    let hosted = Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.mockforge = Some(">=0.3, <2".to_owned()));
    let lies: [(&str, &Plugin, Change); 14] = [
        ("one more dependency", &plain, |line| {
            line["deps"] = serde_json::json!([{ "name": "jwks-core", "req": "^0.3", "optional": false }])
        }),
        ("one dependency less", &needing, |line| line["deps"] = serde_json::json!([])),
        ("a wider requirement", &needing, |line| line["deps"][0]["req"] = "*".into()),
        ("a narrower requirement", &needing, |line| line["deps"][0]["req"] = "=0.3.1".into()),
        ("an optional dependency", &needing, |line| line["deps"][0]["optional"] = true.into()),
        ("another type", &plain, |line| line["types"] = serde_json::json!(["auth"])),
        ("one more type", &plain, |line| line["types"] = serde_json::json!(["auth", "template"])),
        ("capabilities out of nothing", &plain, |line| line["capabilities"] = serde_json::json!({ "http": ["a.example"] })),
        ("more capabilities", &asking, |line| {
            line["capabilities"] = serde_json::json!({ "http": ["a.example", "b.example", "c.example"] })
        }),
        ("fewer capabilities", &asking, |line| line["capabilities"] = serde_json::json!({ "http": ["a.example"] })),
        ("no capabilities", &asking, |line| line["capabilities"] = serde_json::json!({})),
        ("another licence", &plain, |line| line["license"] = "Apache-2.0".into()),
        ("other hosts", &hosted, |line| line["mockforge"] = ">=0.1".into()),
        ("any host", &hosted, |line| {
            line.as_object_mut().expect("a line is an object").remove("mockforge");
        }),
    ];
    for (what, plugin, lie) in lies {
        let (machine, run) = add_under(lie, plugin);
        assert_eq!((run.code, run.error_code()), (4, "mfp::integrity::metadata"), "{what}: {}", run.all());
        nothing_kept(&machine);
    }
}

#[test]
fn bytes_that_arent_the_promised_ones_are_refused() {
    let plugin = Plugin::new("auth-jwt", "1.4.2");
    let lies: [(&str, &[&str], Change); 5] = [
        ("another archive digest", &["mfp::integrity::sha256"], |line| line["sha256"] = "11".repeat(32).into()),
        ("another content", &["mfp::integrity::content"], |line| line["content"] = format!("blake3:{}", "22".repeat(32)).into()),
        ("a larger size", &["mfp::integrity::size"], |line| line["size"] = (line["size"].as_u64().expect("a size") + 1).into()),
        ("a smaller size", &["mfp::integrity::size"], |line| line["size"] = (line["size"].as_u64().expect("a size") - 1).into()),
        ("another format", &["mfp::archive::corrupt", "mfp::registry::no-artifact", "mfp::archive::differential"], |line| {
            line["file"] = "auth-jwt-1.4.2.zip".into()
        }),
    ];
    for (what, codes, lie) in lies {
        let (machine, run) = add_under(lie, &plugin);
        assert!(run.code == 4 && codes.contains(&run.error_code()), "{what}: {}", run.all());
        nothing_kept(&machine);
    }
    // Another plugin, and another version, under this one's name.
    for other in [Plugin::new("other", "1.4.2"), Plugin::new("auth-jwt", "1.4.3")] {
        let registry = Registry::new();
        let archive = other.archive();
        let mut line = other.line(&archive);
        line["name"] = "auth-jwt".into();
        line["version"] = "1.4.2".into();
        registry.publish_as(&plugin, line, &archive);
        let machine = Machine::with_manifest(&registry, "[plugins]\n");
        let run = machine.mfp(["add", "auth-jwt"]);
        assert_eq!(run.code, 4, "{}", run.all());
        nothing_kept(&machine);
    }
}

#[test]
fn a_file_name_in_an_index_line_leads_nowhere_else() {
    for file in
        ["../../../secret.tar.gz", "/etc/passwd.tar.gz", "a/b.tar.gz", "..", "x.tar.gz?y=.tar.gz", "%2e%2e/x.tar.gz", "\u{1b}[2Jx.tar.gz"]
    {
        let registry = Registry::with([Plugin::new("good", "1.0.0")]);
        let plugin = Plugin::new("auth-jwt", "1.4.2");
        let archive = plugin.archive();
        registry.put("dl/auth-jwt/1.4.2/auth-jwt-1.4.2.tar.gz", &archive);
        std::fs::write(registry.folder().join("secret.tar.gz"), &archive).expect("a file can be written");
        let mut line = plugin.line(&archive);
        line["file"] = file.into();
        registry.put("index/au/th/auth-jwt", format!("{line}\n").as_bytes());
        let server = Server::over(registry.folder());
        let machine = machine(&server.url(), "[plugins]\n");
        let run = machine.mfp(["add", "auth-jwt"]);
        assert_eq!(run.code, 4, "{file}: {}", run.all());
        assert!(!run.all().contains('\x1b'), "{}", run.all());
        assert!(server.requests().iter().all(|request| !request.path.contains("secret") && !request.path.contains("passwd")), "{file}");
        nothing_kept(&machine);
    }
}

#[test]
fn what_changes_at_a_url_after_it_was_locked_isnt_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("auth-jwt-1.4.2.tar.gz");
    std::fs::write(&file, Plugin::new("auth-jwt", "1.4.2").archive()).expect("a file can be written");
    let server = Server::over(folder.path());
    let here = Machine::new();
    here.write("mockforge-plugins.toml", "[plugins]\n");
    here.ok(["add", &format!("{}auth-jwt-1.4.2.tar.gz", server.url())]);

    let evil = Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = speaker("evil")).archive();
    std::fs::write(&file, evil).expect("a file can be written");
    let there = Machine::new();
    there.write("mockforge-plugins.toml", here.read("mockforge-plugins.toml"));
    there.write("plugins.lock", here.read("plugins.lock"));
    for arguments in [&["sync"][..], &["sync", "--frozen"], &["run", "auth-jwt", "say"]] {
        let run = there.mfp(arguments.iter().copied());
        assert!(run.code == 4 && run.error_code().starts_with("mfp::integrity::"), "{}", run.all());
        assert!(!there.has(".mockforge/plugins/auth-jwt"));
        assert_eq!(there.read("plugins.lock"), here.read("plugins.lock"));
    }
    here.ok(["sync"]);
    here.ok(["run", "auth-jwt", "say", "[]"]);
}

// --- dependency confusion ---

/// A public registry where somebody registered the corporation's name with a higher version, and the corporation's own.
fn two_registries() -> ((Registry, Server), (Registry, Server)) {
    let public = Registry::with([
        Plugin::new("internal", "9.9.9").with(|plugin| plugin.wasm = speaker("evil")),
        Plugin::new("tool", "1.0.0").needs("internal", "*"),
        Plugin::new("plain", "1.0.0"),
    ]);
    let corp = Registry::with([Plugin::new("internal", "1.0.0"), Plugin::new("app", "1.0.0").needs("internal", "*")]);
    let (public_server, corp_server) = (Server::over(public.folder()), Server::over(corp.folder()));
    ((public, public_server), (corp, corp_server))
}

fn project_of_two(public: &Server, corp: &Server, plugins: &str) -> Machine {
    let machine = Machine::new();
    machine.write(
        "mockforge-plugins.toml",
        format!("[registries]\ndefault = \"{}\"\ncorp = \"{}\"\n[plugins]\n{plugins}", public.url(), corp.url()),
    );
    machine
}

#[test]
fn a_second_registry_is_never_asked_for_a_name_of_the_first() {
    let ((_public, public), (_corp, corp)) = two_registries();
    for plugins in [
        "internal = { version = \"*\", registry = \"corp\" }\n",
        "app = { version = \"*\", registry = \"corp\" }\n",
        "app = { version = \"*\", registry = \"corp\" }\nplain = \"*\"\n",
    ] {
        let machine = project_of_two(&public, &corp, plugins);
        machine.ok(["sync"]);
        machine.ok(["update"]);
        let _ = machine.mfp(["outdated"]);
        let lock = machine.read("plugins.lock");
        assert!(lock.contains("name = \"internal\"\nversion = \"1.0.0\"\nsource = \"registry+corp\"") && !lock.contains("9.9.9"), "{lock}");
        assert_eq!(public.count("internal"), 0, "the public registry was asked: {:?}", public.requests());
    }
    // Not there any more, not there at all: the other registry still isn't asked.
    let machine = project_of_two(&public, &corp, "missing = { version = \"*\", registry = \"corp\" }\n");
    machine.mfp(["lock"]).fails(1, "mfp::resolve::not-found");
    let machine = project_of_two(&public, &corp, "internal = { version = \"^2\", registry = \"corp\" }\n");
    assert_eq!(machine.mfp(["lock"]).code, 1);
    assert_eq!((public.count("internal"), public.count("missing")), (0, 0), "{:?}", public.requests());
}

#[test]
fn a_registry_that_is_down_isnt_replaced_by_another() {
    let ((_public, public), (corp, _corp_server)) = two_registries();
    let down = Server::faulty(corp.folder(), |_, stream| crate::support::server::respond(stream, "403 Forbidden", "", ""));
    let machine = project_of_two(&public, &down, "internal = { version = \"*\", registry = \"corp\" }\n");
    machine.mfp(["sync"]).fails(6, "mfp::network::credentials");
    assert_eq!(public.count("internal"), 0, "{:?}", public.requests());
}

#[test]
fn one_name_from_two_registries_is_an_error_that_names_both() {
    let ((_public, public), (_corp, corp)) = two_registries();
    let machine = project_of_two(&public, &corp, "app = { version = \"*\", registry = \"corp\" }\ntool = \"*\"\n");
    let run = machine.mfp(["lock"]);
    assert_eq!(run.error_code(), "mfp::resolve::two-sources", "{}", run.all());
    assert!(
        run.stderr.contains("app") && run.stderr.contains("tool") && run.stderr.contains("corp") && run.stderr.contains("default"),
        "{}",
        run.stderr
    );
    nothing_kept(&machine);
}

// --- what a project file can't say ---

#[test]
fn a_project_cant_give_credentials_proxies_roots_or_scanners() {
    let lines = [
        "[registries]\ndefault = { url = \"https://plugins.acme.example/\", token-env = \"AWS_SECRET_ACCESS_KEY\" }\n",
        "[registries]\ndefault = { url = \"https://plugins.acme.example/\", token = \"x\" }\n",
        "[registries]\ndefault = \"https://user:word@plugins.acme.example/\"\n",
        "[registries]\ndefault = { url = \"https://plugins.acme.example/\", ca-file = \"ca.pem\" }\n",
        "[credentials.\"https://plugins.acme.example\"]\ntoken-env = \"AWS_SECRET_ACCESS_KEY\"\n",
        "[network]\nproxy = \"http://127.0.0.1:1/\"\n",
        "[network]\nca-file = \"ca.pem\"\n",
        "[mirrors]\n\"https://plugins.acme.example/\" = \"https://evil.example/\"\n",
        "[project]\nproxy = \"http://127.0.0.1:1/\"\n",
        "[project]\nscan = [\"sh\", \"-c\", \"touch pwned\"]\n",
        "[policy]\nscan = [\"sh\", \"-c\", \"touch pwned\"]\n",
        "scan = [\"sh\", \"-c\", \"touch pwned\"]\n",
        "[plugins]\nx = { url = \"https://user:word@cdn.acme.example/x.tar.gz\" }\n",
        "[plugins]\nx = { url = \"https://cdn.acme.example/x.tar.gz\", token-env = \"AWS_SECRET_ACCESS_KEY\" }\n",
    ];
    for text in lines {
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", text);
        for arguments in [&["lock"][..], &["sync"], &["list"]] {
            let run = machine.mfp(arguments.iter().copied());
            assert_eq!(run.code, 2, "{text}: {}", run.all());
        }
        assert!(!machine.has("pwned") && !machine.has("plugins.lock"));
    }
}

#[test]
#[ignore = "excerpts of the manifest aren't redacted yet"]
fn a_password_in_a_project_file_isnt_printed() {
    for text in [
        "[registries]\ndefault = \"https://user:word@plugins.acme.example/\"\n",
        "[plugins]\nx = { url = \"https://user:word@cdn.acme.example/x.tar.gz\" }\n",
    ] {
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", text);
        for arguments in [&["sync"][..], &["sync", "--json"]] {
            let run = machine.mfp(arguments.iter().copied());
            assert!(!run.all().contains("word@"), "a password is printed: {}", run.all());
        }
    }
}

#[test]
#[ignore = "JSON on stdout keeps characters that change a text's direction; they should be written as \\uXXXX"]
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

#[test]
fn a_plugin_folder_stays_below_the_project() {
    for folder in ["../elsewhere", "/tmp/elsewhere", ".", "", "a/../../b", ".git", "C:\\\\x"] {
        let registry = registry();
        let machine = Machine::with_manifest(&registry, &format!("[project]\nplugin-dir = \"{folder}\"\n[plugins]\njwks-core = \"*\"\n"));
        let run = machine.mfp(["sync"]);
        assert!(matches!(run.code, 2 | 8), "{folder:?}: {}", run.all());
        assert!(!machine.path("elsewhere").exists() && !machine.project("jwks-core").exists() && !machine.path("b").exists());
    }
}

// --- texts that draw ---

const DRAWING: &str = "\u{1b}[31mred\u{1b}]8;;http://evil.example\u{7}link\u{1b}]8;;\u{7}\u{202e}txt.exe\u{2066}\u{9b}2J\u{8}\u{0}\r::set-output name=x::y\n::error file=a::b\n##vso[task.setvariable variable=x]y";

/// Nothing on a stream moves a cursor, hides a text, or is a command to a CI system.
#[track_caller]
fn is_neutral(run: &Run) {
    for (stream, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
        let is_json = stream == "stdout" && text.starts_with(['{', '"']);
        for character in text.chars() {
            let harmless = matches!(character, '\n' | '\t')
                || !(character.is_control()
                    || !is_json
                        && matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}'));
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

/// A template plugin whose every answer is this JSON.
fn answering(json: &str) -> Vec<u8> {
    let data: String = json.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let text = format!(
        "(module (memory (export \"memory\") 2) (global $next (mut i32) (i32.const 8192)) (data (i32.const 16) \"{data}\")
        (func (export \"mockforge_abi\") (result i32) (i32.const 1))
        (func (export \"alloc\") (param $size i32) (result i32) (local $at i32)
          (local.set $at (global.get $next)) (global.set $next (i32.add (global.get $next) (local.get $size))) (local.get $at))
        (func (export \"template_function\") (param i32 i32) (result i64)
          (i64.or (i64.shl (i64.const 16) (i64.const 32)) (i64.const {}))))",
        json.len()
    );
    wat::parse_str(text).expect("the module is well-formed")
}

/// A template plugin that always says this word.
pub(crate) fn speaker(word: &str) -> Vec<u8> {
    answering(&serde_json::json!({ "success": true, "result": word }).to_string())
}

#[test]
fn a_plugins_answers_are_data_and_its_errors_are_neutral() {
    for (json, ok) in [
        (serde_json::json!({ "success": true, "result": { "x": DRAWING } }).to_string(), true),
        (serde_json::json!({ "success": true, "result": DRAWING }).to_string(), true),
        (serde_json::json!({ "success": false, "error": DRAWING }).to_string(), false),
        (serde_json::json!({ "success": false, "error": { "message": DRAWING, "code": DRAWING } }).to_string(), false),
        (format!("{{\"success\": tru\u{1b}[31m"), false),
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

// --- files that were changed behind mfp's back ---

/// A synced project with one plugin that says `good`.
fn synced(link_mode: &str) -> (Registry, Machine) {
    let registry = Registry::with([Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = speaker("good"))]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
    machine.ok(["sync", "--link-mode", link_mode]);
    assert_eq!(machine.ok(["run", "auth-jwt", "say", "[]"]).json(), "good");
    (registry, machine)
}

/// The store's copy of the module.
fn stored_module(machine: &Machine) -> std::path::PathBuf {
    let store = machine.path("store/v1/content");
    let file = tree(&store).into_keys().find(|path| path.ends_with("files/plugin.wasm")).expect("it's stored");
    store.join(file)
}

#[cfg(unix)]
fn overwrite(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).expect("it's ours");
    std::fs::write(path, bytes).expect("it can be written");
}

/// It runs the good bytes, or nothing.
#[track_caller]
fn never_evil(machine: &Machine, what: &str) {
    for arguments in [&["run", "auth-jwt", "say", "[]"][..], &["run", "auth-jwt", "say", "[]", "--frozen", "--offline"]] {
        let run = machine.mfp(arguments.iter().copied());
        assert!(!run.stdout.contains("evil"), "{what}: new bytes ran: {}", run.all());
        if run.code == 0 {
            assert_eq!(run.json(), "good", "{what}");
        } else {
            assert!(run.code == 4 && run.error_code() != "none", "{what}: {}", run.all());
        }
    }
}

#[cfg(unix)]
#[test]
fn a_changed_store_never_runs_new_bytes() {
    type Tamper = fn(&Path);
    let tampers: [(&str, Tamper); 6] = [
        ("one bit", |file| {
            let mut bytes = std::fs::read(file).expect("it's there");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            overwrite(file, &bytes);
        }),
        ("another module", |file| overwrite(file, &speaker("evil"))),
        ("another module of the same size", |file| {
            let mut evil = speaker("evil");
            assert_eq!(evil.len(), std::fs::metadata(file).expect("it's there").len() as usize);
            evil.rotate_left(0);
            overwrite(file, &evil);
        }),
        ("a link to another module", |file| {
            let evil = file.with_file_name("../evil.wasm");
            std::fs::write(&evil, speaker("evil")).expect("it can be written");
            std::fs::remove_file(file).expect("it's ours");
            std::os::unix::fs::symlink(evil, file).expect("a link can be made");
        }),
        ("nothing", |file| std::fs::remove_file(file).expect("it's ours")),
        ("a folder", |file| {
            std::fs::remove_file(file).expect("it's ours");
            std::fs::create_dir(file).expect("a folder can be made");
        }),
    ];
    for (what, tamper) in tampers {
        for link_mode in ["copy", "hardlink", "symlink"] {
            let (_registry, machine) = synced(link_mode);
            tamper(&stored_module(&machine));
            never_evil(&machine, what);
            let run = machine.mfp(["verify"]);
            assert_eq!(run.code, 4, "{what}: {}", run.all());
            let run = machine.mfp(["verify", "--fix"]);
            assert_eq!(run.code, 0, "{what}, {link_mode}: {}", run.all());
            assert_eq!(machine.ok(["run", "auth-jwt", "say", "[]"]).json(), "good", "{what}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_changed_listing_never_runs_new_bytes() {
    let (_registry, machine) = synced("copy");
    let module = stored_module(&machine);
    let evil = speaker("evil");
    let listing = module.parent().and_then(Path::parent).expect("it's in files").join("listing");
    let text = std::fs::read_to_string(&listing).expect("it's there");
    let good = blake3::hash(&speaker("good")).to_hex().to_string();
    overwrite(&module, &evil);
    overwrite(&listing, text.replace(&good, &blake3::hash(&evil).to_hex()).as_bytes());
    never_evil(&machine, "listing and module");
}

#[cfg(unix)]
#[test]
fn a_laid_out_file_that_was_edited_reaches_no_sandbox_and_no_other_project() {
    for link_mode in ["copy", "hardlink", "symlink", "auto"] {
        let (registry, machine) = synced(link_mode);
        // In place: through a hard link or a symbolic one this changes the store's bytes too.
        let file = machine.project(".mockforge/plugins/auth-jwt/plugin.wasm");
        overwrite(&std::fs::canonicalize(&file).expect("it's there"), &speaker("evil"));
        assert_eq!(machine.mfp(["verify"]).code, 4, "{link_mode}");
        never_evil(&machine, link_mode);

        // Another project on this machine, with the same store.
        let other = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
        let run = other.run(other.command().args(["sync"]).env("MFP_STORE_DIR", machine.path("store")));
        let there = other.project(".mockforge/plugins/auth-jwt/plugin.wasm");
        assert!(run.code == 4 || std::fs::read(there).expect("it's laid out") == speaker("good"), "{link_mode}: {}", run.all());
        assert_eq!(machine.mfp(["verify", "--fix"]).code, 0, "{link_mode}");
        assert_eq!(std::fs::read(&file).expect("it's laid out"), speaker("good"), "{link_mode}");
    }
}

#[cfg(unix)]
#[test]
fn a_store_that_others_can_write_to_isnt_used() {
    use std::os::unix::fs::PermissionsExt;
    let (_registry, machine) = synced("copy");
    std::fs::set_permissions(machine.path("store"), std::fs::Permissions::from_mode(0o777)).expect("it's ours");
    machine.mfp(["run", "auth-jwt", "say", "[]"]).fails(8, "mfp::store::untrusted");
}

#[test]
fn precompiled_code_that_was_changed_is_compiled_again() {
    let (_registry, machine) = synced("copy");
    let aot = machine.path("cache/aot");
    if !aot.exists() {
        return;
    }
    for (path, bytes) in tree(&aot) {
        let mut bytes = bytes;
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 0xff;
        }
        overwrite(&aot.join(path), &bytes);
    }
    assert_eq!(machine.ok(["run", "auth-jwt", "say", "[]"]).json(), "good");
}

// --- files that aren't mfp's ---

#[cfg(unix)]
#[test]
fn a_link_in_the_way_to_the_plugin_folder_is_refused() {
    for link in [".mockforge", ".mockforge/plugins", ".mockforge/plugins/auth-jwt"] {
        let registry = registry();
        let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
        std::fs::create_dir_all(machine.path("precious/plugins/auth-jwt")).expect("a folder can be made");
        std::fs::write(machine.path("precious/plugins/auth-jwt/file"), "precious").expect("a file can be written");
        let before = tree(&machine.path("precious"));
        let place = machine.project(link);
        std::fs::create_dir_all(place.parent().expect("it's below the project")).expect("a folder can be made");
        std::os::unix::fs::symlink(machine.path("precious"), &place).expect("a link can be made");
        for arguments in
            [&["sync"][..], &["add", "jwks-core"], &["run", "auth-jwt", "say"], &["update"], &["vendor", "v"], &["remove", "auth-jwt"]]
        {
            let run = machine.mfp(arguments.iter().copied());
            // What isn't laid out can be removed, and vendoring needs no plugin folder.
            let goes_elsewhere = matches!(arguments[0], "remove" | "vendor") && link.ends_with("auth-jwt")
                || arguments[0] == "vendor" && link != ".mockforge";
            assert!(run.code == 8 || goes_elsewhere, "{link}, {arguments:?}: {}", run.all());
            assert_eq!(tree(&machine.path("precious")), before, "{link}, {arguments:?}: something was written through the link");
        }
        assert!(place.is_symlink());
    }
}

#[cfg(unix)]
#[test]
fn a_lock_or_manifest_that_is_a_link_isnt_written_through() {
    for file in ["plugins.lock", "mockforge-plugins.toml"] {
        let registry = registry();
        let machine = Machine::with_manifest(&registry, "[plugins]\n");
        machine.ok(["lock"]);
        let precious = machine.path("precious");
        std::fs::rename(machine.project(file), &precious).expect("it can be moved");
        std::os::unix::fs::symlink(&precious, machine.project(file)).expect("a link can be made");
        let before = std::fs::read(&precious).expect("it's there");
        let run = machine.mfp(["add", "jwks-core"]);
        assert_eq!(run.code, 8, "{file}: {}", run.all());
        assert_eq!(std::fs::read(&precious).expect("it's there"), before, "{file}");
    }
}

#[test]
fn files_that_mfp_didnt_make_are_never_touched() {
    let registry = Registry::with([Plugin::new("auth-jwt", "1.0.0"), Plugin::new("auth-jwt", "2.0.0"), Plugin::new("jwks-core", "0.3.1")]);
    let foreign = |machine: &Machine, path: &str| machine.write(&format!(".mockforge/plugins/{path}"), "mine");
    let kept = |machine: &Machine, path: &str| assert_eq!(machine.read(&format!(".mockforge/plugins/{path}")), "mine", "{path}");

    // A folder, and a file, where a plugin would go.
    for path in ["auth-jwt/mine.txt", "auth-jwt"] {
        let machine = Machine::with_manifest(&registry, "[plugins]\n");
        foreign(&machine, path);
        let before = machine.files();
        machine.mfp(["add", "auth-jwt"]).fails(8, "mfp::layout::foreign");
        kept(&machine, path);
        assert_eq!(machine.files(), before);
    }

    // Beside plugins, and among their files.
    let machine = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"=1.0.0\"\njwks-core = \"*\"\n");
    machine.ok(["sync"]);
    let mine = ["mine.txt", "folder/mine.txt", "jwks-core/mine.txt", "jwks-core/data/mine.txt"];
    for path in mine {
        foreign(&machine, path);
    }
    machine.ok(["add", "auth-jwt@=2.0.0"]);
    machine.ok(["remove", "jwks-core"]);
    for path in mine {
        kept(&machine, path);
    }
    assert!(!machine.has(".mockforge/plugins/jwks-core/plugin.wasm"), "what mfp made is gone");
    // In the folder of a plugin that would be replaced.
    foreign(&machine, "auth-jwt/mine.txt");
    let before = machine.files();
    machine.mfp(["add", "auth-jwt@=1.0.0"]).fails(8, "mfp::layout::foreign");
    kept(&machine, "auth-jwt/mine.txt");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_record_that_came_with_the_project_vouches_for_nothing() {
    let registry = Registry::with([Plugin::new("auth-jwt", "1.4.2").with(|plugin| plugin.wasm = speaker("good"))]);
    let author = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
    author.ok(["sync", "--link-mode", "copy"]);
    // Cloned with its plugin folder, in which somebody changed the module.
    let clone = Machine::with_manifest(&registry, "[plugins]\nauth-jwt = \"*\"\n");
    clone.write("plugins.lock", author.read("plugins.lock"));
    for (path, bytes) in tree(&author.project(".mockforge/plugins")) {
        let bytes = if path.ends_with("plugin.wasm") { speaker("evil") } else { bytes };
        clone.write(&format!(".mockforge/plugins/{path}"), bytes);
    }
    let run = clone.mfp(["sync"]);
    let laid_out = std::fs::read(clone.project(".mockforge/plugins/auth-jwt/plugin.wasm")).expect("it's there");
    assert!(run.code != 0 || laid_out == speaker("good"), "sync says that evil bytes are fine: {}", run.all());
    never_evil(&clone, "a cloned plugin folder");
}

#[test]
fn an_archive_digest_in_the_manifest_is_kept_to() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let archive = Plugin::new("auth-jwt", "1.4.2").archive();
    std::fs::write(folder.path().join("x.tar.gz"), &archive).expect("a file can be written");
    let server = Server::over(folder.path());
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\n");
    let run = machine.mfp(["add", &format!("{}x.tar.gz#sha256={}", server.url(), sha256(b"another"))]);
    run.fails(4, "mfp::integrity::sha256");
    nothing_kept(&machine);
    machine.ok(["add", &format!("{}x.tar.gz#sha256={}", server.url(), sha256(&archive))]);
}
