//! `mfp login`, `logout`, `whoami`, credential helpers and keyrings: a token is kept where nobody else reads it, goes to its own
//! origin on every hop, and is seen nowhere.

use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::support::env::tree;
use crate::support::server::{Request, respond};
use crate::support::{Machine, Plugin, Registry, Run, Server};

mod keyring;

/// A registry's token.
const TOKEN: &str = "canary-login-5c1e";
/// `ada:` and the token, as basic credentials have them.
const BASIC: &str = "YWRhOmNhbmFyeS1sb2dpbi01YzFl";
/// Where a machine keeps logins.
const FILE: &str = "home/.config/mfp/credentials.json";

fn shop() -> Registry {
    Registry::with([Plugin::new("app", "1.0.0")])
}

/// A server that wants the token for everything.
fn guarded(registry: &Registry) -> Server {
    let fault = |request: &Request, stream: &mut TcpStream| {
        let shown = request.header("authorization").unwrap_or_default();
        let is_known = [format!("Bearer {TOKEN}"), format!("Basic {BASIC}")].contains(&shown.to_owned());
        !is_known && respond(stream, "401 Unauthorized", "www-authenticate: Bearer\r\n", "who are you?")
    };
    Server::start(registry.folder(), 0, Some(Box::new(fault)))
}

/// A machine without netrc, whose default registry is this one.
fn machine(url: &str) -> Machine {
    let machine = Machine::new();
    std::fs::remove_file(machine.path("home/.netrc")).expect("every machine has one");
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{url}\"\n[plugins]\napp = \"^1\"\n"));
    machine
}

fn configure(machine: &Machine, text: &str) {
    let file = machine.path("home/.config/mfp/config.toml");
    std::fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder can be made");
    std::fs::write(file, format!("[network]\nretries = 0\n{text}")).expect("a file can be written");
}

/// Run mfp with this on its stdin.
fn told(machine: &Machine, stdin: &str, arguments: &[&str]) -> Run {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), stdin).expect("it can be written");
    machine.run(machine.command().args(arguments).stdin(file.reopen().expect("it's there")))
}

/// Log in to the project's registry, with the token in a file.
fn log_in(machine: &Machine, more: &[&str]) -> Run {
    let run = told(machine, &format!("{TOKEN}\n"), &[&["login", "--token-stdin", "--store", "file"], more].concat());
    assert_eq!(run.code, 0, "{}", run.all());
    run
}

/// Neither printed nor in any file but these.
#[track_caller]
fn is_nowhere(machine: &Machine, runs: &[Run], except: &[&str]) {
    for secret in [TOKEN, BASIC] {
        for run in runs {
            assert!(!run.all().contains(secret), "printed: {}", run.all());
        }
        for (path, bytes) in tree(&machine.path("")) {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found || except.contains(&path.as_str()), "{path} holds `{secret}`");
        }
    }
}

#[cfg(unix)]
fn script(machine: &Machine, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let file = machine.path("home/helper");
    std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a file can be written");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("it's ours");
    file
}

/// With a credential helper for an origin, which does this.
fn with_helper(machine: &Machine, origin: &str, does: &str, more: &str) {
    let helper = script(machine, does);
    configure(machine, &format!("[credentials.\"{origin}\"]\nhelper = [\"{}\", \"two words\"]\n", helper.display()));
    let file = machine.path("home/.config/mfp/config.toml");
    let text = std::fs::read_to_string(&file).expect("it was written");
    std::fs::write(file, format!("{more}\n{text}")).expect("it can be written");
}

/// What these stories are told of: a way to know the token for an origin, whose secret stands in these files.
struct Way {
    name: &'static str,
    prepare: fn(&Machine, &str),
    holds: &'static [&'static str],
}

const WAYS: [Way; 2] = [
    Way {
        name: "file",
        prepare: |machine, origin| {
            let run = told(machine, TOKEN, &["login", origin, "--token-stdin", "--store", "file", "--no-check"]);
            assert_eq!(run.code, 0, "{}", run.all());
        },
        holds: &[FILE],
    },
    Way {
        name: "helper",
        prepare: |machine, origin| with_helper(machine, origin, &format!("echo token={TOKEN}"), ""),
        holds: &["home/helper"],
    },
];

#[test]
fn whoever_is_logged_in_is_let_in_and_logs_out_again() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    configure(&machine, "");
    machine.mfp(["sync"]).fails(6, "mfp::network::credentials");
    machine.mfp(["whoami"]).fails(1, "mfp::credentials::none");
    let runs = [
        log_in(&machine, &[]),
        machine.ok(["-vv", "sync"]),
        machine.ok(["whoami"]),
        machine.ok(["whoami", "--json"]),
        machine.ok(["doctor"]),
        machine.ok(["config", "list"]),
    ];
    assert!(runs[0].stderr.contains("Logged in to http://127.0.0.1:"), "{}", runs[0].all());
    assert_eq!(runs[2].stdout, format!("{}: whoever the token is for (mfp's credentials file)\n", server.origin()));
    assert_eq!(runs[3].json()["source"], "file");
    is_nowhere(&machine, &runs, &[FILE]);
    let run = machine.ok(["logout", "--json"]);
    assert_eq!(run.json()["removed"][0], server.origin());
    is_nowhere(&machine, &[run], &[]);
    machine.mfp(["logout"]).fails(1, "mfp::credentials::none");
    machine.mfp(["update"]).fails(6, "mfp::network::credentials");
    assert_eq!(machine.ok(["logout", "--all", "--json"]).json()["removed"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_token_is_tried_before_it_is_kept() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let run = told(&machine, "wrong-canary\n", &["login", "--token-stdin", "--store", "file"]);
    run.fails(6, "mfp::credentials::refused");
    assert!(!machine.path(FILE).exists() && !run.all().contains("wrong-canary"), "{}", run.all());
    assert_eq!(told(&machine, TOKEN, &["login", "--token-stdin", "--store", "file", "--json"]).json()["checked"], true);
    let named = told(&machine, TOKEN, &["login", "--token-stdin", "--store", "file", "--username", "ada", "--json"]);
    assert_eq!((named.json()["checked"].as_bool(), named.json()["username"].as_str()), (Some(true), Some("ada")));
    assert_eq!(machine.ok(["whoami"]).stdout, format!("{}: ada (mfp's credentials file)\n", server.origin()));
}

#[test]
fn a_server_that_tells_everybody_everything_is_shown_no_token() {
    let registry = shop();
    let server = Server::over(registry.folder());
    let machine = machine(&server.url());
    let run = log_in(&machine, &["--json"]);
    assert_eq!(run.json()["checked"], false);
    assert!(log_in(&machine, &[]).stderr.contains("couldn't be tried"));
    machine.ok(["sync"]);
    assert!(server.count("/dl/") > 0);
    for request in server.requests() {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
}

#[test]
fn a_token_comes_from_a_person_or_from_stdin_and_is_one_word() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    for (stdin, arguments) in [
        ("", &["login", "--token-stdin"][..]),
        ("two words", &["login", "--token-stdin"]),
        ("two\nlines", &["login", "--token-stdin"]),
        (TOKEN, &["login"]),
    ] {
        let run = told(&machine, stdin, arguments);
        run.fails(2, "mfp::usage::token");
        assert!(!run.all().contains("words"), "{}", run.all());
    }
    let run = machine.run(machine.command().env("CI", "true").args(["login"]));
    run.fails(2, "mfp::usage::token");
    assert!(run.stderr.contains("in CI nobody is asked"), "{}", run.all());
    machine.mfp(["login", "--token", TOKEN]).fails(2, "mfp::usage::arguments");
    for (url, code) in [
        ("http://plugins.acme.example/", "mfp::usage::credentials"),
        ("file:///r/", "mfp::usage::credentials"),
        ("acme", "mfp::usage::credentials"),
    ] {
        told(&machine, TOKEN, &["login", url, "--token-stdin"]).fails(2, code);
    }
    let run = told(&machine, TOKEN, &["login", "https://u:canary-in-url@a.example/", "--token-stdin"]);
    run.fails(2, "mfp::usage::credentials");
    assert!(!run.all().contains("canary-in-url"), "{}", run.all());
    assert_eq!(told(&machine, "", &["login", "--token-stdin", "--offline"]).code, 2);
    assert!(!machine.path(FILE).exists());
}

/// Nobody but this user reads the file, and where somebody could have, it isn't used.
#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    log_in(&machine, &[]);
    let file = machine.path(FILE);
    let mode_of = |path: &Path| path.metadata().expect("it's there").permissions().mode() & 0o777;
    assert_eq!((mode_of(&file), mode_of(file.parent().expect("a folder"))), (0o600, 0o700));
    let mode = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it's ours");
    let refused = |what: &str| {
        for arguments in [&["sync"][..], &["whoami"], &["logout"]] {
            let run = machine.mfp(arguments.iter().copied());
            assert_eq!((run.code, run.error_code()), (8, "mfp::credentials::permissions"), "{what}: {}", run.all());
            is_nowhere(&machine, &[run], &[FILE, "home/elsewhere"]);
        }
        assert_eq!(told(&machine, TOKEN, &["login", "--token-stdin", "--store", "file"]).code, 8, "{what}");
    };
    mode(&file, 0o640);
    refused("a group reads it");
    mode(&file, 0o600);
    mode(file.parent().expect("a folder"), 0o777);
    refused("everybody writes to its folder");
    mode(file.parent().expect("a folder"), 0o700);
    machine.ok(["whoami"]);
    std::fs::rename(&file, machine.path("home/elsewhere")).expect("it's ours");
    symlink(machine.path("home/elsewhere"), &file).expect("a link can be made");
    refused("it's a link");
    std::fs::remove_file(&file).expect("it's ours");
    std::fs::write(&file, format!("{{\"v\":1,\"logins\":{{\"x\":{{\"kept\":{{\"file\":\"{TOKEN}\"}},\"more\":1}}}}}}")).expect("it's ours");
    mode(&file, 0o600);
    let run = machine.mfp(["whoami"]);
    run.fails(2, "mfp::credentials::file");
    is_nowhere(&machine, &[run], &[FILE, "home/elsewhere"]);
}

#[test]
fn many_logins_at_once_lose_none() {
    let registry = shop();
    let machine = machine(&registry.url());
    std::thread::scope(|scope| {
        for number in 0..8 {
            let machine = &machine;
            scope.spawn(move || {
                let url = format!("https://host{number}.example/");
                assert_eq!(told(machine, TOKEN, &["login", &url, "--token-stdin", "--store", "file", "--no-check"]).code, 0);
            });
        }
    });
    assert_eq!(machine.ok(["logout", "--all", "--json"]).json()["removed"].as_array().map(Vec::len), Some(8));
    is_nowhere(&machine, &[], &[]);
}

#[test]
fn a_login_is_for_its_own_origin_on_every_hop() {
    for way in WAYS {
        let registry = shop();
        // It asks for a credential, and there's none for it.
        let other = guarded(&registry);
        let target = other.url();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
                return respond(stream, "403 Forbidden", "", "");
            }
            request.path.starts_with("/dl/")
                && respond(stream, "307 Temporary Redirect", &format!("location: {target}{}\r\n", &request.path[1..]), "")
        });
        let machine = machine(&server.url());
        (way.prepare)(&machine, &server.origin());
        let run = machine.mfp(["-vv", "sync"]);
        run.fails(6, "mfp::network::credentials");
        assert!(other.count("/dl/") > 0);
        for request in other.requests() {
            assert_eq!(request.header("authorization"), None, "{}: {request:?}", way.name);
        }
        is_nowhere(&machine, &[run], way.holds);
    }
}

#[test]
fn a_login_is_not_for_another_port_host_or_scheme() {
    for way in WAYS {
        let registry = shop();
        let (server, other) = (guarded(&registry), guarded(&registry));
        let localhost = server.localhost();
        for url in [other.url(), localhost] {
            let machine = machine(&url);
            (way.prepare)(&machine, &server.origin());
            let run = machine.mfp(["-vv", "sync"]);
            run.fails(6, "mfp::network::credentials");
            is_nowhere(&machine, &[run], way.holds);
        }
        for request in server.requests().iter().chain(&other.requests()) {
            assert_eq!(request.header("authorization"), None, "{}: {request:?}", way.name);
        }
    }
}

#[test]
fn a_login_goes_to_no_dl_on_another_host() {
    for way in WAYS {
        let registry = shop();
        let other = Server::over(registry.folder());
        registry.put(
            "config.json",
            format!("{{\"v\":1,\"name\":\"test\",\"dl\":\"{}dl/{{name}}/{{version}}/{{file}}\"}}", other.localhost()).as_bytes(),
        );
        let server = guarded(&registry);
        let machine = machine(&server.url());
        (way.prepare)(&machine, &server.origin());
        let run = machine.mfp(["-vv", "sync"]);
        run.fails(5, "mfp::registry::dl-origin");
        let origin = other.localhost().trim_end_matches('/').to_owned();
        machine.write(
            "mockforge-plugins.toml",
            format!(
                "[registries]\ndefault = {{ url = \"{}\", dl-origins = [\"{origin}\"], allow-http = true }}\n[plugins]\napp = \"^1\"\n",
                server.url()
            ),
        );
        let runs = [run, machine.ok(["-vv", "sync"])];
        assert!(other.count("/dl/") > 0);
        for request in other.requests() {
            assert_eq!(request.header("authorization"), None, "{}: {request:?}", way.name);
        }
        is_nowhere(&machine, &runs, way.holds);
    }
}

/// Whoever is let in and then sent to another scheme isn't followed: nobody there is even connected to.
#[test]
fn a_login_follows_no_redirect_to_another_scheme() {
    for way in WAYS {
        let registry = shop();
        let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let target = format!("https://{}/index/ap/p", elsewhere.local_addr().unwrap());
        let server = Server::faulty(registry.folder(), move |request, stream| {
            if request.header("authorization") == Some(&format!("Bearer {TOKEN}")) && request.path.starts_with("/index") {
                return respond(stream, "302 Found", &format!("location: {target}\r\n"), "");
            }
            request.header("authorization").is_none() && respond(stream, "401 Unauthorized", "www-authenticate: Bearer\r\n", "who are you?")
        });
        let machine = machine(&server.url());
        (way.prepare)(&machine, &server.origin());
        let run = machine.mfp(["-vv", "lock"]);
        run.fails(6, "mfp::network::redirect");
        assert!(server.requests().iter().any(|request| request.header("authorization").is_some()), "{}: it was let in", way.name);
        let nobody = elsewhere.accept().map(drop).map_err(|error| error.kind());
        assert_eq!(nobody, Err(std::io::ErrorKind::WouldBlock), "{}", way.name);
        is_nowhere(&machine, &[run], way.holds);
    }
}

#[test]
fn a_wrong_token_is_said_to_be_wrong_and_not_shown() {
    for way in WAYS {
        let registry = shop();
        let server = Server::faulty(registry.folder(), |request, stream| {
            let shown = request.header("authorization").unwrap_or_default().to_owned();
            respond(stream, "403 Forbidden", &format!("www-authenticate: {shown}\r\nlocation: /{shown}\r\n"), shown)
        });
        let machine = machine(&server.url());
        (way.prepare)(&machine, &server.origin());
        let runs = [machine.mfp(["-vvv", "sync"]), machine.mfp(["--json", "lock"])];
        runs[0].fails(6, "mfp::network::credentials");
        assert!(server.requests().iter().any(|request| request.header("authorization").is_some()), "{}: it was tried", way.name);
        is_nowhere(&machine, &runs, way.holds);
    }
}

/// Variables, then the configuration's, a helper, a login, netrc: the first that has one answers.
#[test]
fn the_first_that_knows_answers() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let origin = server.origin();
    let source = |machine: &Machine, variables: &[(&str, String)]| {
        let run = machine.run(machine.command().args(["whoami", "--json"]).envs(variables.iter().cloned()));
        run.json()["source"].as_str().unwrap_or("none").to_owned()
    };
    assert_eq!(source(&machine, &[]), "none");
    std::fs::write(machine.path("home/.netrc"), "machine 127.0.0.1 login bob password wrong\n").expect("a file can be written");
    assert_eq!(source(&machine, &[]), "netrc");
    log_in(&machine, &[]);
    assert_eq!(source(&machine, &[]), "file");
    machine.ok(["sync"]);
    assert!(
        server.requests().iter().all(|request| request.header("authorization").is_none_or(|value| value.contains(TOKEN))),
        "not netrc's"
    );
    with_helper(&machine, &origin, "echo username=ada; echo password=x", "");
    assert_eq!(source(&machine, &[]), "helper");
    with_helper(&machine, &origin, "exit 0", "");
    assert_eq!(source(&machine, &[]), "file", "a helper that has nothing leaves it to others");
    configure(&machine, &format!("[credentials.\"{origin}\"]\ntoken-env = \"A_TOKEN\"\n"));
    let by_config = ("A_TOKEN", "x".to_owned());
    assert_eq!(source(&machine, std::slice::from_ref(&by_config)), "configuration");
    assert_eq!(source(&machine, &[by_config, ("MFP_CREDENTIALS", format!("{{\"{origin}\":\"y\"}}"))]), "variable");
}

#[test]
fn a_helper_is_asked_in_gits_words_outside_the_project() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let heard = machine.path("home/heard");
    let does = format!(
        "{{ echo \"$1|$2|$#\"; pwd; cat; echo \"${{MFP_CREDENTIALS:-none}}\"; }} > {}; echo username=ada; echo password={TOKEN}",
        heard.display()
    );
    with_helper(&machine, &server.origin(), &does, "");
    let run = machine.ok(["-vv", "sync"]);
    let text = std::fs::read_to_string(&heard).expect("the helper was asked");
    let host = server.origin().replace("http://", "");
    assert!(text.starts_with("two words|get|2\n"), "{text}");
    assert!(text.ends_with(&format!("/home/.config/mfp\nprotocol=http\nhost={host}\n\nnone\n")), "{text}");
    is_nowhere(&machine, &[run], &["home/helper"]);
    // An origin that's nobody's: the helper isn't even started.
    std::fs::remove_file(&heard).expect("it's there");
    machine.mfp(["whoami", "https://other.example/"]).fails(1, "mfp::credentials::none");
    assert!(!heard.exists());
}

#[test]
fn a_helper_that_fails_or_never_ends_is_an_error_that_tells_nothing() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    for does in [
        format!("echo token={TOKEN}; printf 'no \\033[31m{TOKEN}\\n' >&2; exit 1"),
        "exec sleep 60".to_owned(),
        "sleep 60 & exit 0".to_owned(),
        "while :; do echo token=x; done".to_owned(),
        "echo username=ada".to_owned(),
    ] {
        with_helper(&machine, &server.origin(), &does, "credential-timeout = \"1s\"");
        let started = std::time::Instant::now();
        let run = machine.mfp(["-vv", "sync"]);
        assert!(started.elapsed().as_secs() < 20, "{does}");
        if does.starts_with("while") {
            // As much as is read of it is an answer, which the server doesn't take.
            assert_ne!(run.code, 0, "{}", run.all());
            continue;
        }
        assert_eq!((run.code, run.error_code()), (8, "mfp::credentials::helper"), "{does}: {}", run.all());
        assert!(!run.stderr.contains('\u{1b}'), "{}", run.all());
        is_nowhere(&machine, &[run], &["home/helper"]);
    }
    configure(&machine, &format!("[credentials.\"{}\"]\nhelper = [\"no-such-program-of-ours\"]\n", server.origin()));
    machine.mfp(["sync"]).fails(8, "mfp::credentials::helper");
    configure(&machine, &format!("[credentials.\"{}\"]\nhelper = []\n", server.origin()));
    machine.mfp(["sync"]).fails(2, "mfp::config::invalid");
}

/// A project may hold what it likes: it names no helper, and a helper is never looked for in it.
#[test]
fn a_project_has_no_helpers() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("{manifest}[credentials.\"{}\"]\nhelper = [\"./helper\"]\n", server.origin()));
    assert_eq!(machine.mfp(["sync"]).code, 2);
    machine.write("mockforge-plugins.toml", manifest);
    let bait = script(&machine, &format!("touch {}", machine.path("home/was-run").display()));
    std::fs::copy(&bait, machine.project("helper")).expect("a file can be copied");
    for command in ["./helper", "helper"] {
        configure(&machine, &format!("[credentials.\"{}\"]\nhelper = [\"{command}\"]\n", server.origin()));
        let run = machine.run(machine.command().env("PATH", "/usr/bin:/bin").args(["sync"]));
        run.fails(8, "mfp::credentials::helper");
        assert!(!machine.path("home/was-run").exists(), "{command}");
    }
}

/// An anonymous registry, and a sync that has nothing to do, ask nobody.
#[test]
fn nobody_is_asked_unless_a_server_wants_to_know() {
    let registry = shop();
    let server = Server::over(registry.folder());
    let machine = machine(&server.url());
    let ran = machine.path("home/was-run");
    with_helper(&machine, &server.origin(), &format!("touch {}; echo token={TOKEN}", ran.display()), "");
    machine.ok(["sync"]);
    machine.ok(["sync"]);
    machine.ok(["update"]);
    assert!(!ran.exists());
    machine.ok(["whoami"]);
    assert!(ran.exists());
}

/// A helper is asked once a process, however many requests are refused.
#[test]
fn a_helper_is_asked_once() {
    let registry = Registry::with((0..9).map(|number| Plugin::new(&format!("plugin-{number}"), "1.0.0")));
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let plugins: String = (0..9).map(|number| format!("plugin-{number} = \"1\"\n")).collect();
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n[plugins]\n{plugins}", server.url()));
    let count = machine.path("home/count");
    with_helper(&machine, &server.origin(), &format!("echo x >> {}; echo token={TOKEN}", count.display()), "");
    machine.ok(["sync"]);
    assert_eq!(std::fs::read_to_string(count).expect("it was asked"), "x\n");
    assert!(server.requests().iter().filter(|request| request.header("authorization").is_none()).count() < server.requests().len());
}

/// Repositories over http take a login as registries do.
#[test]
fn a_login_is_for_git_too() {
    use crate::support::git::{GitServer, Manner, Repo, command, has_programs};
    if !has_programs(&["git"]) {
        return;
    }
    let repo = Repo::of(&Plugin::new("app", "1.0.0"));
    let manner = Manner { basic: Some(("ada".to_owned(), TOKEN.to_owned())), ..Manner::default() };
    let server = GitServer::with(repo.parent(), manner);
    let machine = machine("file:///nowhere/");
    let url = server.url("app");
    machine.write("mockforge-plugins.toml", format!("[plugins]\napp = {{ git = \"{url}\", tag = \"v1.0.0\" }}\n"));
    let sync = |machine: &Machine| machine.run(command(machine).args(["-vv", "sync"]));
    sync(&machine).fails(6, "mfp::network::credentials");
    let run = told(&machine, TOKEN, &["login", &url, "--token-stdin", "--store", "file", "--username", "ada"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let runs = [run, sync(&machine)];
    assert_eq!(runs[1].code, 0, "{}", runs[1].all());
    is_nowhere(&machine, &runs, &[FILE]);
}

/// Where a terminal is, the token is asked for and not shown.
#[cfg(target_os = "linux")]
#[test]
fn a_prompt_doesnt_echo() {
    use crate::support::git::has_programs;
    if !has_programs(&["script"]) {
        return;
    }
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let program = format!("{} login --store file", env!("CARGO_BIN_EXE_mfp"));
    let mut child =
        machine_terminal(&machine, &program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("script can be started");
    let mut stdin = child.stdin.take().expect("it's piped");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    stdin.write_all(format!("{TOKEN}\n").as_bytes()).expect("it listens");
    let output = child.wait_with_output().expect("it ends");
    drop(stdin);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("Token for") && shown.contains("Logged in"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
    machine.ok(["sync"]);
}

/// A command on a terminal of its own.
#[cfg(target_os = "linux")]
fn machine_terminal(machine: &Machine, program: &str) -> std::process::Command {
    let plain = machine.command();
    let mut command = std::process::Command::new("script");
    command.args(["-qec", program, "/dev/null"]).env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm").env("SHELL", "/bin/sh");
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    command.current_dir(machine.path("project"));
    command
}
