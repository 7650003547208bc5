//! A credential belongs to an origin, goes there only, on every hop, and is seen nowhere.

use super::{chain, configure, machine};
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
        let run = way.run(&machine, &other.origin(), &["sync"]);
        assert_eq!(run.code, 0, "{}", run.all());
        assert!(server.requests().iter().all(|request| request.header("authorization").is_none()), "{}", way.name);
    }
}
