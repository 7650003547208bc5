//! `[policy]`: what a project allows, kept when it's locked, synced, verified and loaded; advisories; scanners.

use serde_json::json;

use crate::support::server::Server;
use crate::support::{Machine, Plugin, Publisher, Registry};

mod advisories;
mod limits;
mod rules;
mod scan;

fn licensed(name: &str, version: &str, license: &str) -> Plugin {
    Plugin::new(name, version).with(|plugin| license.clone_into(&mut plugin.license))
}

/// `greet` 1.0.0 is MIT, 1.1.0 GPL; `free` states no licence at all.
fn licences() -> Registry {
    Registry::with([
        licensed("greet", "1.0.0", "MIT OR Apache-2.0"),
        licensed("greet", "1.1.0", "GPL-3.0-only"),
        licensed("free", "1.0.0", ""),
    ])
}

fn set_policy(machine: &Machine, policy: &str) {
    let manifest = machine.read("mockforge-plugins.toml");
    let without = manifest.split("\n[policy]").next().unwrap_or_default();
    machine.write("mockforge-plugins.toml", format!("{without}\n[policy]\n{policy}\n"));
}
