//! What if somebody means harm? Edited locks, lying registries, names that are registered twice, texts that draw, files that
//! were changed behind mfp's back: each row of the threat model that this version answers has its story here.

use crate::network::{machine, nothing_kept};
use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry, Run, Server};

mod files;
mod live;
mod texts;

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

/// What somebody may do to a good lock in a pull request.
pub(crate) fn edits(lock: &str) -> Vec<(&'static str, String)> {
    let jwt = value(lock, "auth-jwt", "content").to_owned();
    let jwks = value(lock, "jwks-core", "content").to_owned();
    let (jwt_artifact, jwks_artifact) = (value(lock, "auth-jwt", "artifact").to_owned(), value(lock, "jwks-core", "artifact").to_owned());
    let entries: Vec<&str> = lock.split("[[plugin]]").collect();
    let jwks_entry = format!("[[plugin]]{}", entries[2]);
    let other_digest = |digest: &str| digest.replace("blake3:", "").trim_matches('"').chars().rev().collect::<String>();
    let artifact_sha = jwks_artifact.split('"').nth(3).expect("it has a digest").to_owned();

    vec![
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
        (
            "a key of git's on a registry's plugin",
            lock.replacen("artifact = ", "git = { commit = \"0000000000000000000000000000000000000000\" }\nartifact = ", 1),
        ),
        ("the same key twice", lock.replacen("signer = \"\"\n", "signer = \"\"\nsigner = \"\"\n", 1)),
        ("entries in another order", format!("{}[[plugin]]{}\n[[plugin]]{}", entries[0], entries[2], entries[1])),
        ("a cycle", lock.replacen("dependencies = []", "dependencies = [\n    { name = \"auth-jwt\", requirement = \"*\" },\n]", 1)),
        ("an artifact of another format", lock.replacen("format = \"tar.gz\"", "format = \"zip\"", 1)),
        (
            "a signer that nobody proved",
            lock.replacen("signer = \"\"", "signer = \"minisign:RWTMGUsL135xoegViISbIZAfvuCte/QllX6qZYIVNpHw7b3u6MHj8cFa\"", 1),
        ),
        ("a merge conflict", lock.replacen("[[plugin]]", "<<<<<<< ours\n[[plugin]]", 1)),
        ("not TOML", format!("{lock}\n]]")),
        ("a NUL", format!("{lock}\0")),
    ]
}

/// How many edits there are: a lock that they fit is enough to count them.
pub(crate) fn count_of_edits() -> usize {
    edits(&good_lock(&registry())).len()
}

#[test]
fn an_edited_lock_is_never_installed() {
    let registry = registry();
    let lock = good_lock(&registry);
    for (what, edited) in edits(&lock) {
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

/// Where a registry is stands in the manifest; a lock that says it's elsewhere sends nobody there.
#[test]
fn a_lock_sends_nobody_to_another_registry() {
    let registry = registry();
    let evil = Server::over(registry.folder());
    let lock = good_lock(&registry).replace(&format!("default = \"{}\"", registry.url()), &format!("default = \"{}\"", evil.url()));
    assert!(lock.contains(&evil.url()), "{lock}");
    for (arguments, code) in [(&["sync", "--locked"][..], 3), (&["lock", "--check"], 3), (&["sync", "--frozen"], 0), (&["sync"], 0)] {
        let machine = clone_with(&registry, &lock);
        let run = machine.mfp(arguments.iter().copied());
        assert_eq!(run.code, code, "{arguments:?}: {}", run.all());
        only_good_bytes(&machine, "another registry");
        assert_eq!(evil.connections(), 0, "{arguments:?}: it was asked: {:?}", evil.requests());
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
            line["deps"] = serde_json::json!([{ "name": "jwks-core", "req": "^0.3", "optional": false }]);
        }),
        ("one dependency less", &needing, |line| line["deps"] = serde_json::json!([])),
        ("a wider requirement", &needing, |line| line["deps"][0]["req"] = "*".into()),
        ("a narrower requirement", &needing, |line| line["deps"][0]["req"] = "=0.3.1".into()),
        ("an optional dependency", &needing, |line| line["deps"][0]["optional"] = true.into()),
        ("another type", &plain, |line| line["types"] = serde_json::json!(["auth"])),
        ("one more type", &plain, |line| line["types"] = serde_json::json!(["auth", "template"])),
        ("capabilities out of nothing", &plain, |line| line["capabilities"] = serde_json::json!({ "http": ["a.example"] })),
        ("more capabilities", &asking, |line| {
            line["capabilities"] = serde_json::json!({ "http": ["a.example", "b.example", "c.example"] });
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
            line["file"] = "auth-jwt-1.4.2.zip".into();
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
fn a_plugin_folder_stays_below_the_project() {
    for folder in ["../elsewhere", "/tmp/elsewhere", ".", "", "a/../../b", ".git", "C:\\\\x"] {
        let registry = registry();
        let machine = Machine::with_manifest(&registry, &format!("[project]\nplugin-dir = \"{folder}\"\n[plugins]\njwks-core = \"*\"\n"));
        let run = machine.mfp(["sync"]);
        assert!(matches!(run.code, 2 | 8), "{folder:?}: {}", run.all());
        assert!(!machine.path("elsewhere").exists() && !machine.project("jwks-core").exists() && !machine.path("b").exists());
    }
}
