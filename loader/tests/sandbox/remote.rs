//! Services: what they're sent, what they may answer, and everything that they do wrong.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mfp_loader::{
    Call, CallError, Credential, Health, Limits, Loader, LoaderOptions, PluginType, Plugins, RemoteFailure, RemoteSpec, Spec,
};
use serde_json::{Value, json};

use crate::server::{Names, Offline, Server, respond};
use crate::support::*;

pub(crate) fn service(plugin: &str, endpoint: &str) -> RemoteSpec {
    RemoteSpec {
        name: name(plugin),
        types: BTreeSet::from(PluginType::ALL),
        endpoint: endpoint.parse().unwrap(),
        timeout: Duration::from_secs(5),
        retries: 0,
        health_interval: Duration::from_secs(30),
        credential: None,
    }
}

fn loaded(spec: RemoteSpec) -> Plugins {
    Loader::new(options()).load([spec]).unwrap()
}

/// What a service at `server` answers to this call.
fn asked(server: &Server, call: &Call) -> Result<Value, CallError> {
    ask(&loaded(service("t", &server.url(""))), "t", call)
}

fn failure(error: CallError) -> RemoteFailure {
    match error {
        CallError::Remote { failure, .. } => failure,
        other => panic!("not a service's failure but {other}"),
    }
}

/// The result that each call promises, enveloped.
fn good(path: &str) -> Value {
    let result = match path {
        "/plugin/authenticate" => json!({ "authenticated": true, "user_id": "ada", "claims": {} }),
        "/plugin/template/execute" => json!(["any"]),
        "/plugin/response/generate" => json!({ "status_code": 200, "headers": {}, "body": "aGk=", "content_type": "text/plain" }),
        "/plugin/datasource/query" => json!({ "columns": [{ "name": "a", "data_type": "integer" }], "rows": [{ "a": 1 }] }),
        other => panic!("no such path: {other}"),
    };
    json!({ "success": true, "result": result })
}

fn well_behaved() -> Server {
    Server::new(|seen, stream| {
        let path = seen.path().strip_prefix("/base").unwrap_or(seen.path());
        let answer = if path == "/health" { json!({ "status": "healthy" }) } else { good(path) };
        respond(stream, "200 OK", "content-type: application/json\r\n", answer.to_string().as_bytes())
    })
}

const CALLS: [(Call, &str); 3] = [
    (Call::Authenticate, "/plugin/authenticate"),
    (Call::Generate, "/plugin/response/generate"),
    (Call::Query, "/plugin/datasource/query"),
];

#[test]
fn every_call_goes_to_its_path_and_only_the_listed_keys_are_sent() {
    let server = well_behaved();
    for base in ["", "/", "/base", "/base/"] {
        let plugins = loaded(service("t", &server.url(base)));
        for (call, path) in CALLS.into_iter().chain([(execute(), "/plugin/template/execute")]) {
            let mut request = request(&call);
            request["environment"] = json!({ "SECRET": "canary" });
            let answer = plugins.call(&name("t"), &call, &request).unwrap().to_value();
            assert_eq!(answer, good(path)["result"]);
            let seen = server.seen().pop().unwrap();
            assert_eq!(seen.line, format!("POST {}{path} HTTP/1.1", base.trim_end_matches('/')));
            assert!(seen.has("content-type: application/json") && seen.has("accept: application/json"), "{:?}", seen.headers);
            let body: Value = serde_json::from_slice(&seen.body).unwrap();
            assert!(!body.to_string().contains("canary"), "{body}");
            if call == Call::Authenticate {
                let context = json!({ "method": "GET", "uri": "/" });
                assert_eq!(body, json!({ "context": context, "credentials": { "type": "bearer", "token": "t" } }));
            }
        }
    }
}

#[test]
fn a_service_lists_no_functions_and_has_no_version() {
    let server = well_behaved();
    let plugins = loaded(service("t", &server.url("")));
    assert_eq!(ask(&plugins, "t", &Call::Functions).unwrap_err().code(), "mfp::run::no-functions");
    let info = plugins.info(&name("t")).unwrap();
    assert_eq!((info.version, info.origin), (None, None));
    let only_auth = RemoteSpec { types: BTreeSet::from([PluginType::Auth]), ..service("t", &server.url("")) };
    assert_eq!(ask(&loaded(only_auth), "t", &Call::Query).unwrap_err().code(), "mfp::run::type");
    server.saw_nothing();
}

#[test]
fn its_own_error_is_a_plugins_error() {
    for (status, error) in [("500 Internal Server Error", "KeyError: 'credentials'"), ("200 OK", "no")] {
        let body = json!({ "success": false, "error": error, "code": 500 }).to_string();
        let server = Server::saying(status, "", body);
        for (call, _) in CALLS {
            let CallError::Plugin { message, .. } = asked(&server, &call).unwrap_err() else { panic!("another error") };
            assert_eq!(message, error);
        }
        assert_eq!(server.seen().len(), 3, "it has answered: nothing is tried again");
    }
}

#[test]
fn what_is_not_an_answer_is_said_to_be_none() {
    for body in [
        "",
        "hello",
        "<html>",
        "{}",
        r#"{"authenticated":true}"#,
        r#"{"success":true}"#,
        r#"{"success":true,"result":{"authenticated":"yes"}}"#,
    ] {
        let server = Server::saying("200 OK", "", body);
        let error = asked(&server, &Call::Authenticate).unwrap_err();
        assert_eq!(error.code(), "mfp::remote::answer", "{body}: {error}");
        assert!(error.to_string().contains("service `t` at http://127.0.0.1:"), "{error}");
    }
}

#[test]
fn other_statuses_are_failures_and_no_body_is_shown() {
    for status in [
        "400 Bad Request",
        "401 Unauthorized",
        "404 Not Found",
        "422 Unprocessable Content",
        "301 Moved Permanently",
        "503 Service Unavailable",
    ] {
        let server = Server::saying(status, "location: http://127.0.0.1:1/\r\n", r#"{"success":false,"error":"canary"}"#);
        let error = asked(&server, &Call::Authenticate).unwrap_err();
        assert_eq!(error.code(), "mfp::remote::status", "{status}");
        assert!(error.to_string().contains(&status[..3]) && !error.to_string().contains("canary"), "{error}");
    }
    // 500 without the envelope isn't the plugin's own error.
    for body in ["Internal Server Error", r#"{"success":true,"result":1}"#, r#"{"success":false,"error":{"message":"x","code":1}}"#] {
        let server = Server::saying("500 Internal Server Error", "", body);
        assert_eq!(failure(asked(&server, &execute()).unwrap_err()), RemoteFailure::Status(500));
    }
}

#[test]
fn redirects_are_not_followed() {
    let canary = well_behaved();
    let target = canary.url("/plugin/authenticate");
    for status in ["301 Moved Permanently", "307 Temporary Redirect"] {
        let target = target.clone();
        let server = Server::new(move |_, stream| respond(stream, status, &format!("location: {target}\r\n"), b""));
        assert!(asked(&server, &Call::Authenticate).is_err());
    }
    canary.saw_nothing();
}

/// A server that says 503 to its first requests, and how often it was asked.
fn recovering(failures: usize) -> Server {
    let count = AtomicUsize::new(0);
    Server::new(move |seen, stream| {
        if count.fetch_add(1, Ordering::SeqCst) < failures {
            return respond(stream, "503 Service Unavailable", "", b"busy");
        }
        respond(stream, "200 OK", "", good(seen.path()).to_string().as_bytes())
    })
}

#[test]
fn a_5xx_is_tried_again_for_calls_that_read_and_no_other() {
    let tried = |call: &Call| {
        let server = recovering(2);
        let answer = ask(&loaded(RemoteSpec { retries: 3, ..service("t", &server.url("")) }), "t", call);
        (answer.is_ok(), server.seen().len())
    };
    assert_eq!((tried(&execute()), tried(&Call::Query)), ((true, 3), (true, 3)));
    assert_eq!((tried(&Call::Authenticate), tried(&Call::Generate)), ((false, 1), (false, 1)));
    let server = recovering(10);
    assert!(ask(&loaded(RemoteSpec { retries: 2, ..service("t", &server.url("")) }), "t", &Call::Query).is_err());
    assert_eq!(server.seen().len(), 3);
}

#[test]
fn a_connection_that_cant_be_made_is_tried_again_for_every_call() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let spec = service("t", &format!("http://{address}"));
    let error = ask(&loaded(spec.clone()), "t", &Call::Authenticate).unwrap_err();
    assert_eq!(error.code(), "mfp::remote::unreachable", "{error}");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(400));
            Server::on(TcpListener::bind(address).unwrap(), |seen, stream| {
                respond(stream, "200 OK", "", good(seen.path()).to_string().as_bytes())
            });
        });
        let plugins = loaded(RemoteSpec { retries: 5, ..spec });
        assert!(ask(&plugins, "t", &Call::Authenticate).is_ok(), "it came up while it was tried");
    });
}

#[test]
fn a_connection_that_breaks_is_not_tried_again() {
    let server = Server::new(|_, _| Ok(()));
    let plugins = loaded(RemoteSpec { retries: 3, ..service("t", &server.url("")) });
    for call in [Call::Authenticate, Call::Query] {
        assert_eq!(ask(&plugins, "t", &call).unwrap_err().code(), "mfp::remote::broken");
    }
    assert_eq!(server.seen().len(), 2, "it may have been heard");
}

#[test]
fn one_time_limit_for_all_tries() {
    let silent = Server::new(|_, _| {
        std::thread::sleep(Duration::from_secs(10));
        Ok(())
    });
    let dripping = Server::new(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
        loop {
            stream.write_all(b" ")?;
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let busy = recovering(usize::MAX);
    for (server, code) in [(&silent, "mfp::remote::timeout"), (&dripping, "mfp::remote::timeout"), (&busy, "mfp::remote::status")] {
        let spec = RemoteSpec { timeout: Duration::from_millis(500), retries: 10, ..service("t", &server.url("")) };
        let began = Instant::now();
        let error = ask(&loaded(spec), "t", &execute()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    }
}

#[test]
fn an_answer_has_the_limit_of_everybodys() {
    let limits = Limits { answer_bytes: 1000, ..Limits::CORE_MODULE };
    let asked = |server: &Server| {
        let loader = Loader::new(LoaderOptions { limits: limits.clone(), ..options() });
        ask(&loader.load([service("t", &server.url(""))]).unwrap(), "t", &execute())
    };
    let of_size = |size: usize| json!({ "success": true, "result": "x".repeat(size - 28) }).to_string();
    assert!(asked(&Server::saying("200 OK", "", of_size(1000))).is_ok());
    assert_eq!(asked(&Server::saying("200 OK", "", of_size(1001))).unwrap_err().code(), "mfp::remote::answer");
    let endless = Server::new(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        loop {
            stream.write_all(b"64\r\n")?;
            stream.write_all(&[b' '; 100])?;
            stream.write_all(b"\r\n")?;
        }
    });
    assert_eq!(asked(&endless).unwrap_err().code(), "mfp::remote::answer");
}

#[test]
fn a_credential_goes_with_every_request_and_is_printed_nowhere() {
    let server = well_behaved();
    for (credential, header) in
        [(Credential::bearer("canary-1"), "authorization: bearer canary-1"), (Credential::api_key("canary-2"), "x-api-key: canary-2")]
    {
        let spec = RemoteSpec { credential: Some(credential.unwrap()), ..service("t", &server.url("")) };
        assert!(!format!("{spec:?}").contains("canary"));
        let plugins = loaded(spec.clone());
        assert!(ask(&plugins, "t", &Call::Authenticate).is_ok());
        assert!(server.seen().pop().unwrap().has(header));
        plugins.check_health(&name("t"));
        assert!(server.seen().pop().unwrap().has(header));
        let nowhere = RemoteSpec { endpoint: "http://127.0.0.1:1".parse().unwrap(), ..spec };
        let error = ask(&loaded(nowhere), "t", &Call::Authenticate).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
}

#[test]
fn health_is_looked_at_when_somebody_asks() {
    let well = Arc::new(AtomicUsize::new(200));
    let says = Arc::clone(&well);
    let server = Server::new(move |_, stream| {
        let status = format!("{} Whatever", says.load(Ordering::SeqCst));
        respond(stream, &status, "", b"{}")
    });
    let plugins = Loader::new(options()).load([Spec::from(service("t", &server.url(""))), Spec::from(template("here", ECHO))]).unwrap();
    let it = name("t");
    assert_eq!(plugins.health(&it), Some(Health::Unknown));
    assert_eq!(plugins.health_interval(&it), Some(Duration::from_secs(30)));
    server.saw_nothing();
    assert_eq!(plugins.check_health(&it), Some(Health::Healthy));
    assert_eq!(server.seen()[0].line, "GET /health HTTP/1.1");
    well.store(503, Ordering::SeqCst);
    assert_eq!(plugins.health(&it), Some(Health::Healthy), "nobody has looked again");
    let unhealthy = Some(Health::Unhealthy { since_ms: NOW, why: "it answered with status 503".to_owned() });
    assert_eq!((plugins.check_health(&it), plugins.health(&it)), (unhealthy.clone(), unhealthy));
    well.store(204, Ordering::SeqCst);
    assert_eq!(plugins.check_health(&it), Some(Health::Healthy));
    assert_eq!((plugins.health(&name("here")), plugins.check_health(&name("none"))), (None, None));
}

#[test]
fn a_plugin_that_runs_here_may_call_a_service() {
    let server = well_behaved();
    let asking = json!({ "dependency": "far", "call": "query", "request": request(&Call::Query) });
    let body = "(call $wrap (call $call (local.get $ptr) (local.get $len)))";
    let mut near = template("near", &with_text("template_function", &asking.to_string(), body));
    near.dependencies = BTreeSet::from([name("far")]);
    let plugins = Loader::new(options()).load([Spec::from(near.clone()), Spec::from(service("far", &server.url("")))]).unwrap();
    assert_eq!(ask(&plugins, "near", &execute()).unwrap(), good("/plugin/datasource/query"));

    // A service that says nothing has the caller's time, and no more.
    let silent = Server::new(|_, _| {
        std::thread::sleep(Duration::from_secs(10));
        Ok(())
    });
    let plugins = Loader::new(options()).load([Spec::from(near), Spec::from(service("far", &silent.url("")))]).unwrap();
    let began = Instant::now();
    assert_eq!(ask(&plugins, "near", &execute()).unwrap_err().code(), "mfp::sandbox::time");
    assert!(began.elapsed() < Duration::from_millis(600), "{:?}", began.elapsed());
}

#[test]
fn a_service_may_be_anywhere_but_at_a_metadata_address() {
    let server = well_behaved();
    let port = server.port();
    let at = |address: &str, host: &str| {
        let network = Names::new(&[("auth.internal", &[&[address]])]);
        let plugins = Loader::new(LoaderOptions { network, ..options() }).load([service("t", &format!("http://{host}:{port}"))]).unwrap();
        ask(&plugins, "t", &Call::Authenticate)
    };
    assert!(at("127.0.0.1", "auth.internal").is_ok() && at("127.0.0.1", "127.0.0.1").is_ok());
    for address in ["169.254.169.254", "fe80::1", "64:ff9b::a9fe:a9fe", "100.100.100.200"] {
        refused_unasked(at(address, "auth.internal"), address);
    }
    for literal in ["169.254.169.254", "[fe80::1]", "[64:ff9b::a9fe:a9fe]", "2852039166"] {
        refused_unasked(at("127.0.0.1", literal), literal);
    }
}

/// Refused by us, and not by whatever network this machine has.
#[track_caller]
fn refused_unasked(answer: Result<Value, CallError>, address: &str) {
    let reason = RemoteFailure::Unreachable("its address is one that's never connected to".to_owned());
    assert_eq!(failure(answer.unwrap_err()), reason, "{address}");
}

#[test]
fn offline_nobody_is_asked() {
    let server = well_behaved();
    let plugins = Loader::new(LoaderOptions { network: Arc::new(Offline), ..options() }).load([service("t", &server.url(""))]).unwrap();
    assert_eq!(ask(&plugins, "t", &Call::Authenticate).unwrap_err().code(), "mfp::remote::unreachable");
    assert!(matches!(plugins.check_health(&name("t")), Some(Health::Unhealthy { .. })));
    server.saw_nothing();
}

#[test]
fn services_have_a_limit_of_calls_at_once_too() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::new(move |seen, stream| {
        highest.fetch_max(counting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(50));
        counting.fetch_sub(1, Ordering::SeqCst);
        respond(stream, "200 OK", "", good(seen.path()).to_string().as_bytes())
    });
    let limits = Limits { calls_at_once: 2, ..Limits::CORE_MODULE };
    let plugins = Loader::new(LoaderOptions { limits, ..options() }).load([service("t", &server.url(""))]).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| ask(&plugins, "t", &execute()).unwrap());
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 2);
}
