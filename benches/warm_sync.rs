//! How long does a sync take that has everything at hand? 100 plugins, whole processes, the store warm.
//!
//! `cargo bench --bench warm_sync`. Compare the two with each other and with an earlier run on the same machine; the numbers
//! against other package managers are in `docs/benchmarks.md`.

#![expect(clippy::disallowed_methods, reason = "a benchmark makes and deletes folders of its own")]

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod support;

use support::{Machine, Plugin, Registry};

const PLUGINS: usize = 100;

fn main() {
    divan::main();
}

/// A project with many plugins, synced once.
fn project() -> (Registry, Machine) {
    let registry = Registry::with((0..PLUGINS).map(|number| Plugin::new(&format!("plugin-{number}"), "1.0.0")));
    let wishes: String = (0..PLUGINS).map(|number| format!("plugin-{number} = \"^1\"\n")).collect();
    let machine = Machine::with_manifest(&registry, &format!("[plugins]\n{wishes}"));
    let _ = machine.ok(["sync"]);
    (registry, machine)
}

/// Nothing is to be done.
#[divan::bench]
fn no_op(bencher: divan::Bencher<'_, '_>) {
    let (_registry, machine) = project();
    bencher.bench_local(|| machine.ok(["sync"]));
}

/// The plugin folder is gone, the store has everything.
#[divan::bench]
fn lay_out(bencher: divan::Bencher<'_, '_>) {
    let (_registry, machine) = project();
    bencher.with_inputs(|| std::fs::remove_dir_all(machine.project(".mockforge"))).bench_local_values(|_| machine.ok(["sync", "--locked"]));
}
