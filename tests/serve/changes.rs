//! A new lock while calls are in flight, and the end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{ask_slow, project, serving, slow};
use crate::support::{Machine, Registry, Serving};

fn version(serving: &Serving) -> Value {
    ask_slow(serving).json()["result"]["rows"][0]["version"].clone()
}

/// Another version of the slow plugin is there, and locked.
fn update(registry: &Registry, machine: &Machine) {
    registry.publish(&slow("1.1.0"));
    machine.ok(["update", "slow"]);
}

/// Tells others to stop, also where a story fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_new_lock_is_taken_and_no_call_is_lost() {
    let (registry, machine, serving) = serving(&[]);
    let stopping = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = Stop(&stopping);
        let old = scope.spawn(|| version(&serving));
        let others: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = serving.connect();
                    let mut count = 0_u32;
                    while !stopping.load(Ordering::Relaxed) {
                        let reply = client.post("/plugins/echo/plugin/template/execute", r#"{"function_name":"f"}"#);
                        assert_eq!(reply.status, 200, "{}", reply.body);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        serving.until("it runs", |serving| serving.metric("mfp_calls_in_flight{plugin=\"slow\"}") > 0.5);
        update(&registry, &machine);
        serving.until("it's loaded", |serving| serving.get("/plugins/slow/health").json()["version"] == "1.1.0");
        assert_eq!(old.join().expect("it's answered"), "1.0.0", "it ends in the plugins that it began in");
        drop(stop);
        assert!(others.into_iter().map(|one| one.join().expect("none fails")).min() > Some(5));
    });
    assert_eq!(version(&serving), "1.1.0");
    assert!(serving.metric("mfp_reloads_total{outcome=\"loaded\"}") > 0.5);
    let run = serving.stop();
    assert!(run.code == 0 && run.stderr.contains(" info reloaded plugins=7\n"), "{}", run.stderr);
}

#[test]
fn a_lock_that_is_broken_keeps_the_old_plugins() {
    let (_registry, machine, serving) = serving(&[]);
    let good = machine.read("plugins.lock");
    let degraded = |code: &'static str| move |serving: &Serving| serving.health()["reload_error"]["code"] == code;
    machine.write("plugins.lock", &good[..good.len() / 2]);
    serving.until("it's seen", |serving| serving.health()["status"] == "degraded");
    assert_eq!(serving.execute("echo").status, 200);
    assert_eq!(serving.get("/health").status, 200, "it answers, and says how it is");

    let manifest = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", manifest.replace("slow = \"^1\"", "slow = \"^2\""));
    machine.write("plugins.lock", &good);
    serving.until("it's stale", degraded("mfp::lock::stale"));
    assert_eq!(machine.read("plugins.lock"), good, "a server writes no lock");
    machine.write("mockforge-plugins.toml", &manifest);
    serving.until("a manifest that fits again is taken", |serving| serving.health()["status"] == "healthy");
    assert!(serving.metric("mfp_reloads_total{outcome=\"failed\"}") > 1.5);
    let run = serving.stop();
    assert!(run.stderr.contains(" error not-reloaded code=mfp::lock::stale"), "{}", run.stderr);
}

#[test]
fn a_hangup_loads_a_changed_configuration() {
    let (_registry, machine, serving) = serving(&[]);
    let loaded = serving.health()["loaded"].clone();
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml") + "\n[config.echo]\na = 1\n");
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(serving.health()["loaded"], loaded, "only the lock is watched");
    serving.signal(Signal::HUP);
    serving.until("it's loaded", |serving| serving.health()["loaded"] != loaded);
    assert_eq!(serving.health()["reload_error"], json!(null));
}

#[test]
fn told_to_end_it_answers_what_it_began() {
    let (_registry, _machine, serving) = serving(&[]);
    let address = serving.address;
    let mut idle = serving.connect();
    let mut busy = serving.connect();
    busy.write(&format!(
        "POST /plugins/slow/plugin/datasource/query HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: 63\r\n\r\n{}",
        r#"{"query":{"query":"q"},"context":{"method":"GET","uri":"/"}}   "#
    ));
    serving.until("it runs", |serving| serving.metric("mfp_calls_in_flight{plugin=\"slow\"}") > 0.5);
    serving.signal(Signal::TERM);
    assert!(idle.reply().is_none(), "who waits for nothing is let go");
    let closed = (0..200).any(|_| {
        std::net::TcpStream::connect(address).is_err() || {
            std::thread::sleep(Duration::from_millis(10));
            false
        }
    });
    assert!(closed, "nobody comes in any more");
    assert_eq!(busy.reply().expect("it's answered").json()["result"]["rows"][0]["version"], "1.0.0");
    let run = serving.ended();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.ends_with(" info ended exit=0\n"), "{}", run.stderr);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (_registry, _machine, serving) = serving(&["--read-timeout", "60s"]);
    let mut hanging = serving.connect();
    hanging.write("POST /plugins/echo/plugin/template/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    serving.until("it's open", |serving| serving.metric("mfp_connections") > 1.5);
    let began = Instant::now();
    serving.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(200));
    serving.signal(Signal::TERM);
    assert_eq!(serving.ended().code, 143);
    assert!(began.elapsed() < Duration::from_secs(20), "it doesn't wait for 30 s");
}

#[test]
fn a_client_that_hangs_is_waited_for_no_longer_than_the_grace_period() {
    let (_registry, machine) = project();
    let serving = Serving::start(&machine, &["--grace", "300ms", "--read-timeout", "60s"]);
    let mut hanging = serving.connect();
    hanging.write("POST /plugins/echo/plugin/template/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{");
    serving.until("it's open", |serving| serving.metric("mfp_connections") > 1.5);
    let began = Instant::now();
    let run = serving.stop();
    assert_eq!(run.code, 0);
    assert!(began.elapsed() < Duration::from_secs(20) && run.stderr.contains(" warn cut-off "), "{}", run.stderr);
}
