//! The lock's one text.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use super::{HEADER, Lock, LockedBody, LockedPackage, LockedPlugin, REVISION, VERSION};
use crate::capability::{Capabilities, CapabilityPath, EnvName, HostPattern};
use crate::plugin::{Dependency, PluginType};
use crate::source::{Artifact, Pin, write_git};
use crate::toml::{InlineText, push_basic_string, push_strings};

/// About how long an entry is, in bytes.
const ENTRY_BYTES: usize = 640;

pub(super) fn to_text(lock: &Lock) -> String {
    let mut text = String::with_capacity(ENTRY_BYTES * (lock.plugins.len() + 1));
    let host = lock.options.mockforge.as_ref().map(ToString::to_string).unwrap_or_default();
    text.push_str(HEADER);
    line(&mut text, format_args!("\nversion = {VERSION}\nrevision = {REVISION}\n\n[options]"));
    string(&mut text, "mockforge", &host);
    string(&mut text, "strategy", lock.options.strategy.as_str());
    strings_table(&mut text, "overrides", &lock.overrides);
    strings_table(&mut text, "registries", &lock.registries);
    text.push_str("\n[requirements]\n");
    for (name, request) in &lock.requirements {
        line(&mut text, format_args!("{name} = {request}"));
    }
    for plugin in lock.plugins.values() {
        text.push_str("\n[[plugin]]\n");
        write_entry(&mut text, plugin);
    }
    text
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("writing to a string can't fail");
    text.push('\n');
}

fn string(text: &mut String, key: &str, value: &str) {
    text.push_str(key);
    text.push_str(" = ");
    push_basic_string(text, value);
    text.push('\n');
}

fn strings_table<K: Display, V: Display>(text: &mut String, title: &str, values: &BTreeMap<K, V>) {
    line(text, format_args!("\n[{title}]"));
    for (key, value) in values {
        string(text, &key.to_string(), &value.to_string());
    }
}

fn types(text: &mut String, plugin: &LockedPlugin) {
    text.push_str("types = ");
    push_strings(text, plugin.types.iter().map(|one: &PluginType| one.as_str()));
    text.push('\n');
}

fn write_entry(text: &mut String, plugin: &LockedPlugin) {
    string(text, "name", plugin.name.as_str());
    match &plugin.body {
        LockedBody::Package(package) => write_package(text, plugin, package),
        LockedBody::Remote(_) => {
            string(text, "source", &plugin.source().to_string());
            types(text, plugin);
        }
    }
    string(text, "content", &plugin.content.to_string());
}

fn write_package(text: &mut String, plugin: &LockedPlugin, package: &LockedPackage) {
    if let Some(own) = &package.package {
        string(text, "package", own.as_str());
    }
    string(text, "version", &package.version.to_string());
    string(text, "source", &package.pin.source().to_string());
    types(text, plugin);
    string(text, "license", package.license.as_deref().unwrap_or_default());
    match &package.pin {
        Pin::Registry { published, artifact, .. } => {
            string(text, "published", &published.to_string());
            write_artifact(text, artifact);
        }
        Pin::Url { artifact, .. } => write_artifact(text, artifact),
        Pin::Git { reference, commit, subdir, submodules, .. } => {
            let mut table = InlineText::new();
            write_git(reference, Some(commit), subdir.as_ref(), *submodules, &mut table);
            line(text, format_args!("git = {}", table.finish()));
        }
        Pin::Path { .. } => {}
    }
    string(text, "signer", &package.signer.as_ref().map(ToString::to_string).unwrap_or_default());
    line(text, format_args!("capabilities = {}", capabilities(&package.capabilities)));
    write_dependencies(text, &package.dependencies);
}

fn write_artifact(text: &mut String, artifact: &Artifact) {
    let mut table = InlineText::new();
    table.string("format", artifact.format.as_str());
    table.integer("size", artifact.size);
    table.string("sha256", &artifact.sha256.hex());
    line(text, format_args!("artifact = {}", table.finish()));
}

/// Capabilities in their one spelling: in key order, empty ones left out.
fn capabilities(capabilities: &Capabilities) -> String {
    let mut table = InlineText::new();
    write_capability_sets(capabilities, &mut table);
    if let Some(memory) = capabilities.memory {
        table.integer("memory", memory);
    }
    if let Some(time_ms) = capabilities.time_ms {
        table.integer("time-ms", time_ms);
    }
    table.finish()
}

/// The sets of capabilities, as the lock and approvals both have them.
pub(crate) fn write_capability_sets(capabilities: &Capabilities, table: &mut InlineText) {
    let Capabilities { env, fs_read, fs_write, http, memory: _, time_ms: _ } = capabilities;
    let mut set = |key: &str, values: Vec<&str>| {
        if !values.is_empty() {
            table.strings(key, values);
        }
    };
    set("env", env.iter().map(EnvName::as_str).collect());
    set("fs-read", fs_read.iter().map(CapabilityPath::as_str).collect());
    set("fs-write", fs_write.iter().map(CapabilityPath::as_str).collect());
    set("http", http.iter().map(HostPattern::as_str).collect());
}

fn write_dependencies(text: &mut String, dependencies: &[Dependency]) {
    if dependencies.is_empty() {
        text.push_str("dependencies = []\n");
        return;
    }
    text.push_str("dependencies = [\n");
    for dependency in dependencies {
        let mut table = InlineText::new();
        table.string("name", dependency.name.as_str());
        table.string("requirement", &dependency.requirement.to_string());
        if dependency.optional {
            table.raw("optional", "true");
        }
        line(text, format_args!("    {},", table.finish()));
    }
    text.push_str("]\n");
}
