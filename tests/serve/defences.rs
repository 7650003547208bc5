//! Against web pages, names that are rebound, and whoever has no token.

use serde_json::json;

use super::{project, serving};
use crate::support::Serving;

/// A request with these headers, and a body where there's a type for it.
fn status(serving: &Serving, method: &str, path: &str, headers: &str) -> u16 {
    let body = r#"{"function_name":"f"}"#;
    let body = if method == "POST" { body } else { "" };
    serving.connect().send(&format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())).status
}

const CALL: &str = "/plugins/echo/plugin/template/execute";
const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn a_name_that_was_rebound_is_no_way_in() {
    let (_registry, _machine, serving) = serving(&["--host-name", "plugins.acme.example"]);
    for path in ["/health", "/metrics", "/plugins", "/plugins/echo/health", "/nowhere"] {
        for host in ["Host: evil.example\r\n", "Host: localhost.evil.example\r\n", "", "Host: localhost\r\nHost: evil.example\r\n"] {
            assert_eq!(status(&serving, "GET", path, host), 403, "{path} {host}");
        }
    }
    assert_eq!(status(&serving, "GET", "http://evil.example/health", "Host: localhost\r\n"), 403);
    assert_eq!(status(&serving, "POST", CALL, &format!("Host: evil.example\r\n{JSON}")), 403);
    for host in ["localhost", "localhost:7070", "127.0.0.1", "[::1]:1", "plugins.acme.example:443"] {
        assert_eq!(status(&serving, "POST", CALL, &format!("Host: {host}\r\n{JSON}")), 200, "{host}");
    }
}

#[test]
fn a_web_page_is_no_client() {
    let (_registry, _machine, serving) = serving(&[]);
    for origin in ["https://evil.example", "null", "http://localhost:7070"] {
        for (method, path) in [("POST", CALL), ("GET", "/health"), ("GET", "/metrics"), ("OPTIONS", CALL)] {
            assert_eq!(status(&serving, method, path, &format!("Host: localhost\r\nOrigin: {origin}\r\n{JSON}")), 403, "{method} {path}");
        }
    }
    for kind in ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"] {
        assert_eq!(status(&serving, "POST", CALL, &format!("Host: localhost\r\n{kind}")), 415, "{kind}");
    }
    assert!(serving.metric("mfp_requests_refused_total{reason=\"origin\"}") > 11.0);
    assert!(serving.metric("mfp_calls_total{plugin=\"echo\"}") < 1.0, "no plugin was asked");
}

#[test]
fn beyond_this_machine_nobody_comes_in_without_the_token() {
    let (_registry, machine) = project();
    let run = machine.mfp(["serve", "--listen", "0.0.0.0:0"]);
    run.fails(2, "mfp::serve::token");
    assert!(run.stderr.contains("MFP_SERVE_TOKEN"), "{}", run.stderr);
    machine.mfp(["serve", "--listen", "0.0.0.0:0", "--token", ""]).fails(2, "mfp::serve::token");
    machine.mfp(["serve", "--listen", "[::]:0", "--token", "two words"]).fails(2, "mfp::serve::token");
    let serving =
        Serving::start_with(machine.command().args(["serve", "--json", "--listen", "0.0.0.0:0"]).env("MFP_SERVE_TOKEN", "open-sesame"));
    let serving = serving.reached_at([127, 0, 0, 1]);
    for (method, path) in [("GET", "/health"), ("GET", "/metrics"), ("GET", "/plugins"), ("POST", CALL)] {
        let with = |header: &str| status(&serving, method, path, &format!("Host: localhost\r\n{JSON}{header}"));
        for wrong in ["", "Authorization: Bearer open-sesam\r\n", "Authorization: Bearer open-sesame1\r\n", "X-API-Key: x\r\n"] {
            assert_eq!(with(wrong), 401, "{path} {wrong}");
        }
        assert_eq!((with("Authorization: Bearer open-sesame\r\n"), with("X-API-Key: open-sesame\r\n")), (200, 200), "{path}");
    }
    let reply = serving.get("/health");
    assert_eq!((reply.header("www-authenticate"), reply.json()["success"].clone()), (Some("Bearer"), json!(false)));
}
