//! Against clients that send too much, too slowly, or too many at once.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::{ask_slow, serving};

const HEAD: &str = "POST /plugins/echo/plugin/template/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

#[test]
fn a_body_has_an_end() {
    let (_registry, _machine, serving) = serving(&["--max-body", "1KiB"]);
    let announced = serving.connect().send(&format!("{HEAD}Content-Length: 1025\r\n\r\n"));
    announced.fails(413);
    let waits = serving.connect().send(&format!("{HEAD}Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n"));
    waits.fails(413);
    let mut chunks = String::new();
    for _ in 0..20 {
        write!(chunks, "64\r\n{}\r\n", "x".repeat(100)).expect("a string takes text");
    }
    serving.connect().send(&format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{chunks}")).fails(413);
    let fits = format!("{{\"function_name\":\"{}\"}}", "x".repeat(900));
    assert_eq!(serving.post("/plugins/echo/plugin/template/execute", &fits).status, 200);
}

#[test]
fn a_slow_client_is_cut_off_and_holds_nobody_up() {
    let (_registry, _machine, serving) = serving(&["--read-timeout", "400ms"]);
    let began = Instant::now();
    let (mut head, mut body, mut silent) = (serving.connect(), serving.connect(), serving.connect());
    head.write("POST /plugins/echo/plug");
    body.write(&format!("{HEAD}Content-Length: 100\r\n\r\n{{\"func"));
    assert_eq!(serving.execute("echo").status, 200, "others are answered meanwhile");
    assert_eq!(body.reply().expect("it's told").status, 408);
    assert!(head.reply().is_none_or(|reply| reply.status == 408), "its head never came");
    assert!(silent.reply().is_none());
    assert!(began.elapsed() < Duration::from_secs(20));
    serving.until("the connections are gone", |serving| serving.metric("mfp_connections") < 1.5);
}

#[test]
fn a_head_has_an_end() {
    let (_registry, _machine, serving) = serving(&[]);
    let mut headers = String::new();
    for number in 0..100 {
        write!(headers, "X-{number}: y\r\n").expect("a string takes text");
    }
    let many = serving.connect().send(&format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"));
    assert_eq!(many.status, 431);
    let long = format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "y".repeat(200_000));
    assert_eq!(serving.connect().send(&long).status, 431);
    assert_eq!(serving.get("/health").status, 200);
}

#[test]
fn too_many_calls_are_told_to_come_again() {
    let (_registry, _machine, serving) = serving(&["--max-concurrency", "1"]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| ask_slow(&serving));
        serving.until("it runs", |serving| serving.metric("mfp_calls_in_flight{plugin=\"slow\"}") > 0.5);
        let second = serving.execute("echo");
        second.fails(503);
        assert_eq!(second.header("retry-after"), Some("1"));
        assert_eq!(first.join().expect("it's answered").status, 200);
    });
    assert_eq!(serving.execute("echo").status, 200);
    assert!(serving.metric("mfp_requests_refused_total{reason=\"busy\"}") > 0.5);
}

#[test]
fn a_plugin_that_loops_leaves_the_others_their_places() {
    let (_registry, _machine, serving) = serving(&["--max-concurrency", "10"]);
    std::thread::scope(|scope| {
        let looping: Vec<_> = (0..30).map(|_| scope.spawn(|| serving.execute("endless").status)).collect();
        serving.until("they run", |serving| serving.metric("mfp_calls_in_flight{plugin=\"endless\"}") > 7.5);
        let answers: Vec<u16> = (0..20).map(|_| serving.execute("echo").status).collect();
        assert_eq!(answers, vec![200; 20]);
        let looped: Vec<u16> = looping.into_iter().map(|one| one.join().expect("it ends")).collect();
        assert!(looped.iter().all(|status| [500, 503].contains(status)), "{looped:?}");
    });
}

/// A short one: what it's for is failures and memory, not speed.
#[test]
fn thousands_of_calls_fail_nowhere_and_take_no_memory() {
    // Each thread that calls run on has some memory of its own, so there are few of them.
    let (_registry, _machine, serving) = serving(&["-q", "--max-concurrency", "4"]);
    let load = |calls: usize| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut client = serving.connect();
                    for _ in 0..calls {
                        let reply = client.post("/plugins/echo/plugin/template/execute", r#"{"function_name":"f","args":["x"]}"#);
                        assert_eq!(reply.status, 200, "{}", reply.body);
                    }
                });
            }
        });
    };
    // Until every thread that calls run on has been there.
    load(500);
    let before = serving.resident();
    load(1500);
    let after = serving.resident();
    assert!(after < before + (16 << 10), "{before} KiB before, {after} KiB after 12 000 calls");
    assert!((serving.metric("mfp_calls_total{plugin=\"echo\"}") - 16_000.0).abs() < 0.5);
}
