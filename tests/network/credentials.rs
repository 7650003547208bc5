//! A credential belongs to an origin, goes there only, on every hop, and is seen nowhere.

use super::{chain, configure, machine};
use crate::support::canary::QUERY;
use crate::support::env::tree;
use crate::support::server::respond;
use crate::support::{Machine, Registry, Run, Server};

/// No file of the machine but those in `except`, and nothing printed, has this text in it.
#[track_caller]
fn is_nowhere(machine: &Machine, runs: &[Run], canary: &str, except: &[&str]) {
    for run in runs {
        assert!(!run.all().contains(canary), "printed: {}", run.all());
    }
    let root = machine.path("");
    for (path, bytes) in tree(&root) {
        let found = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
        assert!(!found || except.contains(&path.as_str()), "{path} holds the canary");
    }
}

const CANARY: &str = "canary-7f3a91";

/// Answers 401 unless the request shows the canary (as a token, or base64 in basic credentials).
fn guarded(registry: &Registry) -> Server {
    Server::faulty(registry.folder(), |request, stream| {
        let shown = request.header("authorization").is_some_and(|value| value == format!("Bearer {CANARY}") || value.starts_with("Basic "));
        !shown && respond(stream, "401 Unauthorized", "", "")
    })
}

/// A way to give the canary to mfp for an origin, and the files that may hold it.
struct Way {
    name: &'static str,
    prepare: fn(&Machine, &str),
    environment: fn(&str) -> Vec<(&'static str, String)>,
    holds: &'static [&'static str],
}

const WAYS: [Way; 3] = [
    Way {
        name: "token-env",
        prepare: |machine, origin| configure(machine, &format!("[credentials.\"{origin}\"]\ntoken-env = \"A_TOKEN\"\n")),
        environment: |_| vec![("A_TOKEN", CANARY.to_owned())],
        holds: &[],
    },
    Way {
        name: "MFP_CREDENTIALS",
        prepare: |_, _| (),
        environment: |origin| vec![("MFP_CREDENTIALS", format!("{{\"{origin}\":\"{CANARY}\"}}"))],
        holds: &[],
    },
    Way {
        name: "netrc",
        prepare: |machine, _| {
            std::fs::write(machine.path("home/.netrc"), format!("machine 127.0.0.1 login u password {CANARY}\n"))
                .expect("a file can be written");
        },
        environment: |_| vec![],
        holds: &["home/.netrc"],
    },
];

impl Way {
    fn run(&self, machine: &Machine, origin: &str, arguments: &[&str]) -> Run {
        (self.prepare)(machine, origin);
        machine.run(machine.command().args(arguments).envs((self.environment)(origin)))
    }
}

#[test]
fn a_credential_opens_its_own_origin_and_is_seen_nowhere() {
    for way in WAYS {
        let registry = chain();
        let server = guarded(&registry);
        let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
        let runs = [
            &["-vv", "sync"][..],
            &["--json", "update"],
            &["-vvv", "verify"],
            &["list", "--json"],
            &["-vv", "search", "app"],
            &["-vv", "doctor"],
            &["config", "list"],
        ]
        .map(|arguments| way.run(&machine, &server.origin(), arguments));
        assert_eq!(runs[0].code, 0, "{}: {}", way.name, runs[0].all());
        is_nowhere(&machine, &runs, CANARY, way.holds);
        let encoded = "dTpjYW5hcnktN2YzYTkx"; // u:canary-7f3a91
        is_nowhere(&machine, &runs, encoded, &[]);
    }
}

#[test]
fn a_wrong_credential_isnt_printed_either() {
    for way in WAYS {
        let registry = chain();
        let server = Server::faulty(registry.folder(), |request, stream| {
            let shown = request.header("authorization").unwrap_or_default().to_owned();
            respond(stream, "403 Forbidden", &format!("www-authenticate: {shown}\r\nlocation: /{shown}\r\n"), shown)
        });
        let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
        let runs = [&["-vv", "sync"][..], &["--json", "lock"]].map(|arguments| way.run(&machine, &server.origin(), arguments));
        runs[0].fails(6, "mfp::network::credentials");
        is_nowhere(&machine, &runs, CANARY, way.holds);
    }
}

#[test]
fn a_redirect_to_another_port_takes_no_credential_along() {
    for way in WAYS {
        let registry = chain();
        let other = Server::over(registry.folder());
        let target = other.url();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            (request.path.starts_with("/dl/") || request.path.starts_with("/index/"))
                && respond(stream, "307 Temporary Redirect", &format!("location: {target}{}\r\n", &request.path[1..]), "")
        });
        let machine = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
        let run = way.run(&machine, &server.origin(), &["-vv", "sync"]);
        assert_eq!(run.code, 0, "{}: {}", way.name, run.all());
        assert!(server.requests().iter().all(|request| request.header("authorization").is_some()), "{}", way.name);
        assert!(!other.requests().is_empty());
        for request in other.requests() {
            assert_eq!(request.header("authorization"), None, "{}: {request:?}", way.name);
        }
        is_nowhere(&machine, &[run], CANARY, way.holds);
    }
}

#[test]
fn artifacts_on_another_origin_get_no_credential_and_need_to_be_allowed() {
    for way in WAYS {
        let registry = chain();
        let other = Server::over(registry.folder());
        registry.put(
            "config.json",
            format!("{{\"v\":1,\"name\":\"test\",\"dl\":\"{}dl/{{name}}/{{version}}/{{file}}\"}}", other.localhost()).as_bytes(),
        );
        let server = guarded(&registry);
        let machine = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
        let run = way.run(&machine, &server.origin(), &["sync"]);
        run.fails(5, "mfp::registry::dl-origin");
        assert!(run.stderr.contains("dl-origins"), "{}", run.stderr);
        assert_eq!(other.connections(), 0, "it wasn't even connected to");

        let origin = other.localhost().trim_end_matches('/').to_owned();
        machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = {{ url = \"{}\", dl-origins = [\"{origin}\"], allow-http = true }}\n[plugins]\nauth-jwt = \"^1\"\n", server.url()));
        let run = way.run(&machine, &server.origin(), &["-vv", "sync"]);
        assert_eq!(run.code, 0, "{}: {}", way.name, run.all());
        assert!(other.count("/dl/") > 0);
        for request in other.requests() {
            assert_eq!(request.header("authorization"), None, "{}: {request:?}", way.name);
        }
        is_nowhere(&machine, &[run], CANARY, way.holds);
    }
}

#[test]
fn a_credential_for_one_port_isnt_for_the_next() {
    for way in &WAYS[..2] {
        let registry = chain();
        let (server, other) = (Server::over(registry.folder()), Server::over(registry.folder()));
        let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
        // netrc knows hosts and no ports.
        std::fs::remove_file(machine.path("home/.netrc")).expect("every machine has one");
        let run = way.run(&machine, &other.origin(), &["sync"]);
        assert_eq!(run.code, 0, "{}", run.all());
        assert!(server.requests().iter().all(|request| request.header("authorization").is_none()), "{}", way.name);
    }
}

/// The secret of a signed URL stands in its query, and the lock has to keep it; a person is warned of that. It's printed nowhere.
#[test]
fn the_query_of_a_url_is_locked_and_seen_nowhere_else() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("x.tar.gz"), crate::support::Plugin::new("x", "1.0.0").archive()).expect("a file can be written");
    let server = Server::faulty(folder.path(), |request, stream| {
        let target = request.path.replace("/moved/", "/");
        request.path.starts_with("/moved/") && respond(stream, "302 Found", &format!("location: {target}\r\n"), "")
            || request.path.starts_with("/gone/") && respond(stream, "404 Not Found", "", request.path.clone())
            || request.path.starts_with("/closed/") && respond(stream, "403 Forbidden", "", request.path.clone())
    });
    for (part, works) in [("", true), ("moved/", true), ("gone/", false), ("closed/", false)] {
        let machine = Machine::new();
        configure(&machine, super::IMPATIENT);
        machine.write("mockforge-plugins.toml", "[plugins]\n");
        let url = format!("{}{part}x.tar.gz?signature={QUERY}", server.url());
        // What's searched for it is every output, the store and the cache: see `support::canary`.
        let run = machine.run(machine.command().args(["-vvv", "add", &url]));
        assert_eq!(run.code == 0, works, "{part}: {}", run.all());
        assert!(!works || run.stderr.contains("query"), "a person is warned: {}", run.all());
        assert_eq!(machine.has("plugins.lock"), works);
        for arguments in [
            &["-vv", "sync"][..],
            &["--json", "list"],
            &["list"],
            &["tree"],
            &["info", "x"],
            &["why", "x"],
            &["-vv", "verify"],
            &["-vv", "update"],
            &["outdated", "--json"],
            &["sync", "--offline", "--json"],
        ] {
            let _ = machine.mfp(arguments.iter().copied());
        }
    }
}

/// A proxy's password stands in the user's own configuration or in a variable.
#[test]
fn a_proxys_password_is_seen_nowhere() {
    let registry = chain();
    let manifest = "[registries]\ndefault = { url = \"http://plugins.invalid/\", allow-http = true }\n[plugins]\napp = \"^1\"\n";
    for by_config in [true, false] {
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", manifest);
        let proxy = super::proxy(registry.folder());
        let secret = proxy.url().replace("http://", &format!("http://u:{}@", crate::support::canary::PASSWORD));
        let more = if by_config { format!("proxy = \"{secret}\"\n") } else { String::new() };
        configure(&machine, &format!("[network]\nretries = 0\n{more}"));
        for arguments in
            [&["-vvv", "sync"][..], &["-vv", "doctor"], &["doctor", "--json"], &["config", "list"], &["config", "list", "--json"]]
        {
            let mut command = machine.command();
            command.args(arguments);
            if !by_config {
                command.env("http_proxy", &secret);
            }
            let run = machine.run(&mut command);
            assert!(run.code == 0 || arguments.contains(&"doctor"), "{arguments:?}: {}", run.all());
        }
        drop(proxy);
        std::fs::remove_dir_all(machine.path("store")).expect("it was synced");
        std::fs::remove_dir_all(machine.project(".mockforge")).expect("it was synced");
        let run = machine.run(machine.command().args(["-vvv", "sync"]).envs((!by_config).then_some(("http_proxy", &secret))));
        assert_eq!(run.code, 6, "{}", run.all());
    }
}

/// What was planted on this machine is found if it's somewhere: the search itself works.
#[test]
fn the_search_for_secrets_finds_them() {
    use crate::support::canary::{PASSWORD, not_kept};
    let machine = Machine::new();
    let project = machine.path("project");
    assert_eq!(not_kept(&[&project]), Ok(()));
    let encoded = base64_of(&format!("u:{PASSWORD}"));
    for text in [PASSWORD, QUERY, &encoded] {
        machine.write("deep/er/file.bin", [b"\xff\0", text.as_bytes(), b"\xff"].concat());
        assert!(not_kept(&[&project]).is_err(), "{text}");
        let printed = std::panic::catch_unwind(|| crate::support::canary::not_printed(&format!("x{text}y")));
        assert!(printed.is_err(), "{text}");
    }
    std::fs::remove_dir_all(machine.project("deep")).expect("it's ours");
    assert!(not_kept(&[&machine.path("home")]).is_err(), "they were planted");
}

/// Base64, for what no program of ours should print.
fn base64_of(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = text.as_bytes().chunks(3).flat_map(|group| {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        (0..=group.len()).map(move |digit| char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]))
    });
    groups.collect()
}
