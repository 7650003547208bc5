//! Plugins' requests: what was approved goes out, and servers that weren't meant see nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mfp_loader::{Clock, Limits, Loader, LoaderOptions, Network, PluginSpec, PluginType, Plugins};
use mfp_model::capability::Capabilities;
use serde_json::{Value, json};

use crate::server::{Names, Offline, PUBLIC, Server, respond};
use crate::support::*;

/// A template function that sends what its configuration is, and answers what came.
const SEND: &str = r#"(func (export "template_function") (param i32 i32) (result i64)
    (local $said i64)
    (local.set $said (call $config))
    (call $wrap (call $http (i32.wrap_i64 (i64.shr_u (local.get $said) (i64.const 32))) (i32.wrap_i64 (local.get $said)))))"#;

fn sender(plugin: &str, hosts: &[&str], request: Value) -> PluginSpec {
    let module = format!(r#"(module (import "mockforge" "http_request" (func $http (param i32 i32) (result i64))) {BASE} {SEND})"#);
    PluginSpec { config: request, capabilities: approved(hosts), ..wat(plugin, PluginType::Template, &module) }
}

fn approved(hosts: &[&str]) -> Capabilities {
    Capabilities { http: hosts.iter().map(|host| host.parse().unwrap()).collect(), ..Capabilities::default() }
}

fn within(network: Arc<Names>) -> LoaderOptions {
    LoaderOptions { network, ..options() }
}

/// What came of a request by a plugin with these hosts, where names lead to wherever `names` says.
fn sent_by_name(names: &Arc<Names>, hosts: &[&str], request: Value) -> Value {
    let plugins = Loader::new(within(Arc::clone(names))).load(vec![sender("t", hosts, request)]).unwrap();
    ask(&plugins, "t", &execute()).unwrap()
}

fn sent(hosts: &[&str], request: Value) -> Value {
    sent_by_name(&Names::new(&[]), hosts, request)
}

/// The code of the error that a request gave.
#[track_caller]
fn refused(answer: &Value) -> String {
    assert_eq!(answer["success"], false, "{answer}");
    answer["error"].as_str().unwrap().split(':').next().unwrap().to_owned()
}

#[track_caller]
fn body(answer: &Value) -> Vec<u8> {
    assert_eq!(answer["success"], true, "{answer}");
    STANDARD.decode(answer["result"]["body"].as_str().unwrap()).unwrap()
}

fn get(url: &str) -> Value {
    json!({ "url": url })
}

#[test]
fn an_approved_host_is_asked_and_answers() {
    let server = Server::saying("201 Created", "X-A: 1\r\nx-a: 2\r\nkeep-alive: timeout=5\r\n", "hello");
    let request = json!({
        "method": "POST",
        "url": server.url("/path?q#fragment"),
        "headers": { "X-Own": "mine", "Content-Length": "1000" },
        "body": STANDARD.encode("body"),
    });
    let answer = sent(&[&server.url("")], request);
    assert_eq!(body(&answer), b"hello");
    assert_eq!(answer["result"]["status"], 201);
    let headers = &answer["result"]["headers"];
    assert_eq!((&headers["x-a"], headers.get("keep-alive"), headers.get("connection")), (&json!("1, 2"), None, None));
    let [seen] = &server.seen()[..] else { panic!("asked once") };
    assert_eq!((seen.line.as_str(), &seen.body[..]), ("POST /path?q HTTP/1.1", &b"body"[..]));
    let host = format!("host: {}", server.address);
    assert_eq!(seen.headers, ["accept-encoding: identity", "accept: */*", "content-length: 4", &host, "x-own: mine"]);
}

#[test]
fn a_name_is_asked_in_its_one_spelling_at_the_address_that_was_looked_at() {
    let server = Server::hello();
    let names = Names::new(&[("api.example.com", &[&[PUBLIC]])]);
    let port = server.port();
    for listed in [format!("http://api.example.com:{port}"), format!("http://*.example.com:{port}"), format!("http://*:{port}")] {
        let answer = sent_by_name(&names, &[&listed], get(&format!("http://API.Example.com.:{port}/x")));
        assert_eq!(body(&answer), b"hello", "{listed}");
    }
    assert!(server.seen().iter().all(|seen| seen.has(&format!("host: api.example.com:{port}"))));
    assert_eq!(names.asked(), ["api.example.com"; 3], "one question a connection");
}

#[test]
fn what_was_not_approved_is_not_connected_to() {
    let canary = Server::hello();
    let port = canary.port();
    let names = Names::new(&[("api.example.com", &[&[PUBLIC]]), ("x.com", &[&[PUBLIC]]), ("evil.example", &[&[PUBLIC]])]);
    let here = format!("http://127.0.0.1:{port}");
    for (listed, url, code) in [
        // Another host, port, scheme; and what's below a wildcard isn't what's above it.
        (format!("http://api.example.com:{port}"), format!("http://evil.example:{port}/"), "not-approved"),
        (format!("http://api.example.com:{port}"), format!("http://api.example.com.evil.example:{port}/"), "not-approved"),
        (format!("http://api.example.com:{port}"), format!("http://evil.example:{port}/#@api.example.com"), "not-approved"),
        (format!("http://api.example.com:{port}"), format!("http://api.example.com@evil.example:{port}/"), "url"),
        ("http://api.example.com".to_owned(), format!("http://api.example.com:{port}/"), "not-approved"),
        (format!("api.example.com:{port}"), format!("http://api.example.com:{port}/"), "not-approved"),
        (format!("http://*.x.com:{port}"), format!("http://x.com:{port}/"), "not-approved"),
        // Addresses, in any spelling, are covered by no wildcard.
        (format!("http://*:{port}"), here.clone(), "not-approved"),
        (format!("http://*:{port}"), format!("http://2130706433:{port}/"), "not-approved"),
        (format!("http://*:{port}"), format!("http://[::ffff:127.0.0.1]:{port}/"), "not-approved"),
        (here.clone(), format!("http://[::ffff:127.0.0.1]:{port}/"), "not-approved"),
        (here.clone(), format!("http://127.0.0.1:{port}/").replace("http", "ftp"), "url"),
    ] {
        let answer = sent_by_name(&names, &[&listed], get(&url));
        assert_eq!(refused(&answer), code, "{listed}: {url}");
    }
    let says = sent(&["api.example.com"], get("https://evil.example/"));
    assert_eq!(says["error"], "not-approved: https://evil.example isn't among the hosts that this plugin may reach");
    assert!(names.asked().is_empty(), "no name was even looked up");
    canary.saw_nothing();
}

#[test]
fn a_name_leads_to_no_private_address() {
    let canary = Server::hello();
    let port = canary.port();
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:93.184.216.34",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "fe80::1",
        "fd00:ec2::254",
    ] {
        let names = Names::new(&[("api.example.com", &[&[address]])]);
        for listed in [format!("http://api.example.com:{port}"), format!("http://*:{port}")] {
            let answer = sent_by_name(&names, &[&listed], get(&format!("http://api.example.com:{port}/")));
            assert_eq!(refused(&answer), "address", "{address}");
            assert!(!answer.to_string().contains(address), "what a name resolves to is nobody's business");
        }
    }
    let names = Names::new(&[("localhost", &[&["127.0.0.1"]])]);
    let localhost = format!("http://localhost:{port}");
    assert_eq!(refused(&sent_by_name(&names, &[&localhost], get(&localhost))), "address", "listed by name isn't literally");
    canary.saw_nothing();
}

#[test]
fn a_name_that_changes_its_mind_gains_nothing() {
    let canary = Server::hello();
    let port = canary.port();
    // Who'd look at the first answer and connect to the second would reach this machine.
    let names = Names::new(&[("api.example.com", &[&[PUBLIC], &["127.0.0.1"]])]);
    let url = format!("http://api.example.com:{port}");
    let plugins = Loader::new(within(Arc::clone(&names))).load(vec![sender("t", &[&url], get(&url))]).unwrap();
    assert_eq!(body(&ask(&plugins, "t", &execute()).unwrap()), b"hello");
    assert_eq!(names.asked().len(), 1, "looked at and connected to is one answer");
    assert_eq!(refused(&ask(&plugins, "t", &execute()).unwrap()), "address");
    assert_eq!(canary.seen().len(), 1);
    // Both in one answer: only the public one is tried.
    let names = Names::new(&[("api.example.com", &[&["127.0.0.2", PUBLIC]])]);
    assert_eq!(body(&sent_by_name(&names, &[&url], get(&url))), b"hello");
}

#[test]
fn metadata_services_are_not_asked_even_if_listed() {
    for host in ["169.254.169.254", "[fd00:ec2::254]", "100.100.100.200", "[fe80::1]"] {
        let listed = format!("http://{host}");
        assert_eq!(refused(&sent(&[&listed], get(&listed))), "address", "{host}");
    }
}

#[test]
fn a_redirect_is_the_plugins_to_see() {
    let canary = Server::hello();
    let target = canary.url("/secret");
    let server = Server::new(move |_, stream| respond(stream, "302 Found", &format!("location: {target}\r\n"), b""));
    let answer = sent(&[&server.url(""), &canary.url("")], get(&server.url("/")));
    assert_eq!((&answer["result"]["status"], &answer["result"]["headers"]["location"]), (&json!(302), &json!(canary.url("/secret"))));
    canary.saw_nothing();
}

#[test]
fn a_plain_server_is_not_an_https_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let canary = std::thread::spawn(move || {
        let mut seen = [0; 4096];
        let (mut stream, _) = listener.accept().unwrap();
        let length = stream.read(&mut seen).unwrap();
        let _ = respond(&mut stream, "200 OK", "", b"hello");
        seen[..length].to_vec()
    });
    let names = Names::new(&[("api.example.com", &[&[PUBLIC]])]);
    let answer = sent_by_name(&names, &[&format!("api.example.com:{port}")], get(&format!("https://api.example.com:{port}/?secret")));
    assert_eq!(refused(&answer), "connect");
    let seen = canary.join().unwrap();
    assert!(seen[0] == 0x16 && !seen.windows(6).any(|part| part == b"secret"), "a TLS greeting, and no request in the clear");
}

#[test]
fn bodies_have_a_limit_both_ways() {
    const LIMIT: usize = 10 << 20;
    let echo = Server::new(|seen, stream| respond(stream, "200 OK", "", &seen.body));
    let posting = |size: usize| json!({ "method": "POST", "url": echo.url("/"), "body": STANDARD.encode(vec![7; size]) });
    let loader = Loader::new(LoaderOptions { limits: Limits { answer_bytes: 32 << 20, ..Limits::CORE_MODULE }, ..options() });
    let plugins = loader.load(vec![sender("t", &[&echo.url("")], posting(LIMIT))]).unwrap();
    assert_eq!(body(&ask(&plugins, "t", &execute()).unwrap()).len(), LIMIT);
    assert_eq!(refused(&sent(&[&echo.url("")], posting(LIMIT + 1))), "too-large");
    assert_eq!(echo.seen().len(), 1, "what's too large isn't sent");

    let promising = Server::saying("200 OK", "", vec![7; LIMIT + 1]);
    assert_eq!(refused(&sent(&[&promising.url("")], get(&promising.url("/")))), "too-large");
    let endless = Server::new(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")?;
        let chunk = [&b"10000\r\n"[..], &vec![7; 1 << 16], b"\r\n"].concat();
        loop {
            stream.write_all(&chunk)?;
        }
    });
    assert_eq!(refused(&sent(&[&endless.url("")], get(&endless.url("/")))), "too-large");
}

#[test]
fn nothing_is_decompressed() {
    let server = Server::saying("200 OK", "content-encoding: gzip\r\n", b"\x1f\x8bnot gzip");
    assert_eq!(body(&sent(&[&server.url("")], get(&server.url("/")))), b"\x1f\x8bnot gzip");
}

#[test]
fn headers_have_a_limit_both_ways() {
    let server = Server::new(|seen, stream| {
        let count: usize = seen.path()[1..].parse().unwrap();
        // `content-length` and `connection` make two more.
        let headers: String = (2..count).map(|n| format!("x-{n}: y\r\n")).collect();
        respond(stream, "200 OK", &headers, b"")
    });
    let asking = |sent: usize, answered: usize| {
        let headers: serde_json::Map<String, Value> = (0..sent).map(|n| (format!("x-{n}"), json!("y"))).collect();
        json!({ "url": server.url(&format!("/{answered}")), "headers": headers })
    };
    let url = server.url("");
    assert_eq!(sent(&[&url], asking(64, 64))["success"], true);
    assert_eq!(refused(&sent(&[&url], asking(65, 2))), "request");
    assert_eq!(server.seen().len(), 1);
    assert_eq!(refused(&sent(&[&url], asking(0, 65))), "too-large");
}

#[test]
fn a_header_can_not_smuggle_another_one() {
    let canary = Server::hello();
    for (headers, code) in [
        (json!({ "x": "a\r\nevil: b" }), "header"),
        (json!({ "x": "a\nb" }), "header"),
        (json!({ "x: a\r\nevil": "b" }), "header"),
        (json!({ "Host": "evil.example" }), "header"),
        (json!({ "host": "evil.example" }), "header"),
        (json!({ "Transfer-Encoding": "chunked" }), "header"),
        (json!({ "Connection": "x-a" }), "header"),
        (json!({ "Proxy-Authorization": "Basic x" }), "header"),
        (json!({ "x": 1 }), "request"),
        (json!([]), "request"),
    ] {
        let answer = sent(&[&canary.url("")], json!({ "url": canary.url("/"), "headers": headers }));
        assert_eq!(refused(&answer), code, "{headers}");
    }
    for (method, code) in [("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\nGET", "method"), ("CONNECT", "method"), ("TRACE", "method")] {
        assert_eq!(refused(&sent(&[&canary.url("")], json!({ "method": method, "url": canary.url("/") }))), code);
    }
    for request in [json!({}), json!({ "url": canary.url("/"), "body": "not base64" }), json!({ "url": 1 })] {
        assert_eq!(refused(&sent(&[&canary.url("")], request)), "request");
    }
    canary.saw_nothing();
    // What the URL parser takes away or escapes isn't an injection either.
    sent(&[&canary.url("")], get(&canary.url("/a\r\nevil: b")));
    assert_eq!(canary.seen()[0].path(), "/aevil:%20b");
}

#[test]
fn a_slow_server_costs_five_seconds_and_no_more() {
    let (silent, dripping) = (
        Server::new(|_, _| {
            std::thread::sleep(Duration::from_secs(20));
            Ok(())
        }),
        Server::new(|_, stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")?;
            loop {
                stream.write_all(b"x")?;
                std::thread::sleep(Duration::from_millis(50));
            }
        }),
    );
    std::thread::scope(|scope| {
        for server in [&silent, &dripping] {
            scope.spawn(|| {
                let plugins = Loader::new(options()).load(vec![sender("t", &[&server.url("")], get(&server.url("/")))]).unwrap();
                let began = Instant::now();
                let answer = ask(&plugins, "t", &execute());
                let took = began.elapsed();
                assert!((Duration::from_millis(4900)..Duration::from_millis(5600)).contains(&took), "{took:?}");
                assert_eq!(refused(&answer.unwrap()), "timeout", "its own 250 ms are left");
            });
        }
    });
}

#[test]
fn the_calls_own_deadline_is_the_requests_too() {
    let silent = Server::new(|_, _| {
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    let twice = SEND.replace("(local.set $said (call $config))", "(local.set $said (call $config)) (drop (call $http (i32.wrap_i64 (i64.shr_u (local.get $said) (i64.const 32))) (i32.wrap_i64 (local.get $said))))");
    let module = format!(r#"(module (import "mockforge" "http_request" (func $http (param i32 i32) (result i64))) {BASE} {twice})"#);
    let url = silent.url("");
    let spec = PluginSpec { config: get(&url), capabilities: approved(&[&url]), ..wat("t", PluginType::Template, &module) };
    let plugins = load([spec]).unwrap();
    let began = Instant::now();
    let error = ask(&plugins, "t", &execute()).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::time", "{error}");
    assert!(error.to_string().contains("5250 ms"), "{error}");
    assert!(began.elapsed() < Duration::from_millis(5800), "{:?}", began.elapsed());
}

#[test]
fn a_call_that_computes_gets_no_time_from_http() {
    let module = format!(
        r#"(module (import "mockforge" "http_request" (func $http (param i32 i32) (result i64))) {BASE}
           (func (export "template_function") (param i32 i32) (result i64) (loop $forever (br $forever)) (i64.const 0)))"#
    );
    let spec = PluginSpec { capabilities: approved(&["a.example"]), ..wat("t", PluginType::Template, &module) };
    let began = Instant::now();
    stopped(spec, "mfp::sandbox::time");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn four_requests_at_once_and_the_fifth_waits() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::new(move |_, stream| {
        highest.fetch_max(counting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        counting.fetch_sub(1, Ordering::SeqCst);
        respond(stream, "200 OK", "", b"hello")
    });
    let plugins = load([sender("t", &[&server.url("")], get(&server.url("/")))]).unwrap();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| assert_eq!(body(&ask(&plugins, "t", &execute()).unwrap()), b"hello"));
        }
    });
    assert_eq!(most.load(Ordering::SeqCst), 4);
    assert!(began.elapsed() >= Duration::from_millis(600), "{:?}", began.elapsed());
}

/// A clock that a test moves.
#[derive(Clone, Default)]
struct Moved(Arc<AtomicI64>);

impl Clock for Moved {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn by_clock(clock: Moved, specs: Vec<PluginSpec>) -> Plugins {
    Loader::new(LoaderOptions::new(clock, mfp_loader::SystemRandom)).load(specs).unwrap()
}

#[test]
fn an_answer_is_used_again_for_as_long_as_its_server_says() {
    let server = Server::new(|seen, stream| {
        let control =
            if seen.path() == "/keep" { "cache-control: private, max-age=60\r\n" } else { "cache-control: no-store, max-age=60\r\n" };
        respond(stream, "200 OK", control, b"hello")
    });
    let clock = Moved::default();
    let spec = |plugin: &str, path: &str| sender(plugin, &[&server.url("")], get(&server.url(path)));
    let plugins = by_clock(clock.clone(), vec![spec("keeps", "/keep"), spec("other", "/keep"), spec("asks", "/always")]);
    let times = |plugin: &str, path: &str| {
        assert_eq!(body(&ask(&plugins, plugin, &execute()).unwrap()), b"hello");
        server.seen().iter().filter(|seen| seen.path() == path).count()
    };
    assert_eq!((times("keeps", "/keep"), times("keeps", "/keep")), (1, 1));
    assert_eq!(times("other", "/keep"), 2, "what one plugin got is no other's");
    assert_eq!((times("asks", "/always"), times("asks", "/always")), (1, 2));
    clock.0.store(59_999, Ordering::SeqCst);
    assert_eq!(times("keeps", "/keep"), 2);
    clock.0.store(60_000, Ordering::SeqCst);
    assert_eq!((times("keeps", "/keep"), times("keeps", "/keep")), (3, 3));
}

#[test]
fn a_kept_answer_is_no_way_around_the_approval() {
    let server = Server::saying("200 OK", "cache-control: max-age=60\r\n", "hello");
    let names = Names::new(&[("api.example.com", &[&[PUBLIC]])]);
    let url = format!("http://api.example.com:{}/", server.port());
    let loader = Loader::new(within(names));
    let listed = format!("http://api.example.com:{}", server.port());
    let plugins = loader.load(vec![sender("may", &[&listed], get(&url)), sender("mayn-t", &["a.example"], get(&url))]).unwrap();
    assert_eq!(body(&ask(&plugins, "may", &execute()).unwrap()), b"hello");
    assert_eq!(refused(&ask(&plugins, "mayn-t", &execute()).unwrap()), "not-approved");
}

#[test]
fn the_import_is_given_with_an_approved_host_only() {
    let error = load([sender("t", &[], json!({}))]).unwrap_err();
    assert_eq!(error.code(), "mfp::sandbox::import");
    assert!(error.to_string().contains("`mockforge.http_request` (given once a host is approved for it"), "{error}");
    let wrong = r#"(module (import "mockforge" "http_request" (func (param i32) (result i64))))"#;
    let spec = PluginSpec { capabilities: approved(&["a.example"]), ..wat("t", PluginType::Template, wrong) };
    assert!(load([spec]).unwrap_err().to_string().contains("as (i32) -> (i64), not (i32, i32) -> (i64)"));
}

#[test]
fn loading_a_plugin_sends_nothing() {
    let canary = Server::hello();
    let request = escaped(&get(&canary.url("/")).to_string());
    let length = get(&canary.url("/")).to_string().len();
    let module = format!(
        r#"(module (import "mockforge" "http_request" (func $http (param i32 i32) (result i64))) {BASE}
           (data (i32.const 0) "{request}") (global $said (mut i64) (i64.const 0))
           (func (export "_initialize") (global.set $said (call $http (i32.const 0) (i32.const {length}))))
           (func (export "template_function") (param i32 i32) (result i64) (call $wrap (global.get $said))))"#
    );
    let spec = PluginSpec { capabilities: approved(&[&canary.url("")]), ..wat("t", PluginType::Template, &module) };
    assert_eq!(refused(&ask(&load([spec]).unwrap(), "t", &execute()).unwrap()), "host");
    canary.saw_nothing();
}

#[test]
fn offline_no_request_leaves() {
    let canary = Server::hello();
    let plugins = Loader::new(LoaderOptions { network: Arc::new(Offline), ..options() })
        .load([sender("t", &[&canary.url("")], get(&canary.url("/")))])
        .unwrap();
    assert_eq!(refused(&ask(&plugins, "t", &execute()).unwrap()), "host");
    canary.saw_nothing();
}

#[test]
fn the_system_resolves_names() {
    let found = mfp_loader::SystemNetwork.resolve("localhost").unwrap();
    assert!(!found.is_empty() && found.iter().all(std::net::IpAddr::is_loopback), "{found:?}");
}

/// A component that sends what it's told to, by `wasi:http`: `fixtures/probe-http`.
fn component(hosts: &[&str]) -> PluginSpec {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/probe-http/plugin.wasm");
    PluginSpec { capabilities: approved(hosts), ..raw("c", PluginType::Template, std::fs::read(file).unwrap()) }
}

/// What came of a request by a component.
#[expect(clippy::needless_pass_by_value, reason = "it's always made for this")]
fn sent_by_component(names: &Arc<Names>, hosts: &[&str], args: Value) -> Result<Value, String> {
    let plugins = Loader::new(within(Arc::clone(names))).load(vec![component(hosts)]).unwrap();
    let answer = plugins.call(&name("c"), &mfp_loader::Call::Execute("send".into()), &json!({ "args": args }));
    answer.map(|answer| answer.to_value()).map_err(|error| error.to_string())
}

#[test]
fn a_component_sends_by_wasi_http_what_was_approved() {
    let server = Server::saying("201 Created", "X-A: b\r\n", "made");
    let origin = format!("http://127.0.0.1:{}", server.port());
    let answer = sent_by_component(&Names::new(&[]), &[&origin], json!(["POST", format!("{origin}/a?b=c"), "x".repeat(10_000)])).unwrap();
    assert_eq!((&answer["status"], &answer["body"], &answer["headers"]["x-a"]), (&json!(201), &json!("made"), &json!("b")));
    let seen = server.seen();
    assert!(seen.len() == 1 && seen[0].path() == "/a?b=c", "{seen:?}");
}

#[test]
fn a_component_reaches_nothing_else() {
    let canary = Server::hello();
    let port = canary.port();
    let here = format!("http://127.0.0.1:{port}/");
    let names = Names::new(&[("api.example.com", &[&["127.0.0.1"]]), ("evil.example", &[&[PUBLIC]])]);
    for (listed, url, says) in [
        ("https://api.example.com".to_owned(), here.clone(), "HttpRequestDenied"),
        (format!("http://*:{port}"), here.clone(), "HttpRequestDenied"),
        (format!("http://api.example.com:{port}"), format!("http://evil.example:{port}/"), "HttpRequestDenied"),
        (format!("http://api.example.com:{port}"), format!("http://api.example.com:{port}/"), "DestinationIpProhibited"),
        (format!("http://api.example.com:{port}"), format!("https://api.example.com:{port}/"), "HttpRequestDenied"),
    ] {
        let error = sent_by_component(&names, &[&listed], json!(["GET", url, ""])).unwrap_err();
        assert!(error.contains(says), "{listed}: {url}: {error}");
    }
    let refused = Loader::new(options()).load(vec![component(&[])]).unwrap_err();
    assert_eq!(refused.code(), "mfp::sandbox::import", "{refused}");
    assert!(refused.to_string().contains("wasi:http/outgoing-handler"), "{refused}");
    canary.saw_nothing();
}

#[test]
fn a_component_waits_for_a_server_no_longer_than_its_call_may_take() {
    let server = Server::new(|_, _| {
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    let origin = format!("http://127.0.0.1:{}", server.port());
    let began = Instant::now();
    let error = sent_by_component(&Names::new(&[]), &[&origin], json!(["GET", format!("{origin}/"), ""])).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}: {error}", began.elapsed());
}

#[test]
fn a_redirect_is_the_components_to_see() {
    let canary = Server::hello();
    let location: &'static str = Box::leak(format!("Location: {}\r\n", canary.url("/")).into_boxed_str());
    let server = Server::saying("302 Found", location, "");
    let origin = format!("http://127.0.0.1:{}", server.port());
    let answer = sent_by_component(&Names::new(&[]), &[&origin], json!(["GET", format!("{origin}/"), ""])).unwrap();
    assert_eq!(answer["status"], 302);
    canary.saw_nothing();
}
