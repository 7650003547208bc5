//! Many calls: at once, and one after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mfp_loader::{Limits, Loader, LoaderOptions};

use crate::support::*;

const ENDLESS: &str = r#"(func (export "template_function") (param i32 i32) (result i64) (loop $forever (br $forever)) (i64.const 0))"#;

#[test]
fn a_plugin_that_loops_delays_nobody() {
    let plugins = load([template("looper", ENDLESS), template("quick", ECHO)]).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            assert!(ask(&plugins, "looper", &execute()).is_err());
            over.store(true, Ordering::SeqCst);
        });
        std::thread::sleep(Duration::from_millis(30));
        let mut took: Vec<Duration> = Vec::new();
        while !over.load(Ordering::SeqCst) {
            let began = Instant::now();
            ask(&plugins, "quick", &execute()).unwrap();
            took.push(began.elapsed());
        }
        took.sort();
        let median = took[took.len() / 2];
        assert!(took.len() > 10 && median < Duration::from_millis(10), "{} calls, median {median:?}", took.len());
    });
}

#[test]
fn more_calls_at_once_than_allowed_wait_and_then_give_up() {
    let limits = Limits { calls_at_once: 1, ..template_ms(300) };
    let loader = Loader::new(LoaderOptions { limits, ..options() });
    let plugins = loader.load(vec![template("looper", ENDLESS), template("quick", ECHO)]).unwrap();
    let codes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| ask(&plugins, "looper", &execute()).unwrap_err().code())).collect();
        assert!(ask(&plugins, "quick", &execute()).is_ok(), "others have their own");
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(codes.contains(&"mfp::sandbox::busy") && codes.contains(&"mfp::sandbox::time"), "{codes:?}");
    assert!(ask(&plugins, "looper", &execute()).is_err());
}

#[test]
fn waiting_calls_get_their_turn() {
    let limits = Limits { calls_at_once: 2, ..template_ms(20_000) };
    let plugins = Loader::new(LoaderOptions { limits, ..options() }).load(vec![template("t", ECHO)]).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..50).for_each(|_| drop(ask(&plugins, "t", &execute()).unwrap())));
        }
    });
}

#[test]
fn a_full_pool_is_said_and_not_fatal() {
    let allocation = mfp_loader::Allocation::Pool { instances: 1 };
    let loader = Loader::new(LoaderOptions { allocation, ..options() });
    let plugins = loader.load(vec![template("looper", ENDLESS), template("quick", ECHO)]).unwrap();
    std::thread::scope(|scope| {
        let looping = scope.spawn(|| ask(&plugins, "looper", &execute()).unwrap_err().code());
        std::thread::sleep(Duration::from_millis(80));
        assert_eq!(ask(&plugins, "quick", &execute()).unwrap_err().code(), "mfp::sandbox::host");
        assert_eq!(looping.join().unwrap(), "mfp::sandbox::time");
    });
    assert!(ask(&plugins, "quick", &execute()).is_ok());
}

#[test]
fn memory_stays_flat_over_ten_thousand_calls() {
    let _alone = alone();
    let touch = r#"(func (export "template_function") (param i32 i32) (result i64)
        (drop (memory.grow (i32.const 32)))
        (memory.fill (i32.const 8192) (i32.const 1) (i32.const 2000000))
        (global.set $heap (i32.const 2100000))
        (call $wrap (call $config)))"#;
    for loader in [Loader::new(options()), pooled()] {
        let plugins = loader.load(vec![template("t", touch)]).unwrap();
        let calls = |count: usize| (0..count).for_each(|_| drop(ask(&plugins, "t", &execute()).unwrap()));
        calls(200);
        let before = resident();
        calls(9_800);
        let grown = resident().saturating_sub(before);
        // 9 800 × 2 MB would be 20 GB. Other tests run in this process at the same time.
        assert!(grown < 150 << 20, "grew by {} MiB", grown >> 20);
    }
}

/// The memory this process has now, in bytes.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn calls_end_in_the_plugins_they_began_in() {
    let plugins = load([template("t", ECHO)]).unwrap();
    let kept = plugins.clone();
    drop(plugins);
    assert!(ask(&kept, "t", &execute()).is_ok(), "the loader is gone, the plugins work");
}
