//! What does the plugin ask for? The `capabilities` of every dialect, in canonical form.
//!
//! Not understanding is an error here, whatever the dialect: a key that's left out might be the one that mattered. Nothing
//! is ever widened: a list without its `allow_…` asks for nothing, and an `allow_…` without its list asks for nothing.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use super::Read;
use super::fields::{Field, Fields, Reader};
use crate::capability::{Capabilities, CapabilityPath, DEFAULT_MEMORY, HostPattern, MAX_MEMORY, MAX_TIME_MS};
use crate::plugin::{OwnLimits, PluginType};
use crate::units::ByteSize;

/// What the manifest says, before the defaults are taken off.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) granted: Capabilities,
    pub(super) memory: Option<u64>,
    pub(super) time_ms: Option<u64>,
}

impl Asked {
    /// In canonical form: numbers at or below what the types have anyway are the plugin's own limits.
    pub(super) fn canonical(self, types: &BTreeSet<PluginType>) -> (Capabilities, OwnLimits) {
        let default_time = PluginType::longest_default_time_ms(types);
        let asked = Capabilities {
            memory: self.memory.filter(|bytes| *bytes > DEFAULT_MEMORY),
            time_ms: self.time_ms.filter(|time| *time > default_time),
            ..self.granted
        };
        let limits = OwnLimits {
            memory: self.memory.filter(|bytes| *bytes <= DEFAULT_MEMORY),
            time_ms: self.time_ms.filter(|time| *time <= default_time),
        };
        (asked, limits)
    }
}

/// `capabilities` as mappings: mfp's dialect, and MockForge's nested and flat ones.
pub(super) fn read(field: Option<Field<'_>>, reader: &mut Reader) -> Asked {
    let mut asked = Asked::default();
    let Some(fields) = field.and_then(|field| reader.asked(field.fields())) else { return asked };
    read_into(&mut asked, fields, reader);
    asked
}

/// The same, added to what was asked for elsewhere in the document.
pub(super) fn read_into(asked: &mut Asked, mut fields: Fields<'_>, reader: &mut Reader) {
    if let Some(network) = fields.take("network") {
        asked.granted.http = network_hosts(&network, reader);
    }
    if let Some(filesystem) = fields.take("filesystem") {
        (asked.granted.fs_read, asked.granted.fs_write) = paths(&filesystem, reader);
    }
    if let Some(environment) = fields.take("environment") {
        asked.granted.env = set(&environment, reader);
    }
    if let Some(resources) = fields.take("resources") {
        let (memory, time_ms) = numbers(&resources, reader);
        asked.memory = memory.or(asked.memory);
        asked.time_ms = time_ms.or(asked.time_ms);
    }
    reader.finish_asking(&fields);
}

/// The scaffold's `capabilities: { network: bool, filesystem: bool }` and its sibling `resource_limits`.
///
/// `network: true` names no host, so it means all of them, and is shown as broad; `filesystem: true` names no folder, so
/// it could only mean the project's own, which is never granted. Where the manifest is written anew, neither is asked for.
pub(super) fn read_scaffold(field: Option<Field<'_>>, limits: Option<Field<'_>>, reader: &mut Reader) -> Asked {
    let mut asked = Asked::default();
    if let Some(mut fields) = field.and_then(|field| reader.asked(field.fields())) {
        if let Some(network) = fields.take("network")
            && reader.asked(network.boolean()) == Some(true)
        {
            if reader.is_rewriting() {
                reader.warn(names_no_host(&network.path()));
            } else {
                asked.granted.http.insert("*".parse().expect("`*` is a host pattern"));
                reader.warn(
                    "`capabilities.network: true` names no host, so every https host is asked for; list them under `mfp: 1` to ask for less",
                );
            }
        }
        if let Some(filesystem) = fields.take("filesystem")
            && reader.asked(filesystem.boolean()) == Some(true)
        {
            if reader.is_rewriting() {
                reader.warn(names_no_folder(&filesystem.path()));
            } else {
                reader.errors.push(filesystem.wrong("`true` names no folder, and the project's own is never granted").with_help(
                    "write the manifest with `mfp: 1` at the top and list the folders under `capabilities.filesystem.allowed_paths`",
                ));
            }
        }
        reader.finish_asking(&fields);
    }
    if let Some(limits) = limits {
        (asked.memory, asked.time_ms) = numbers(&limits, reader);
    }
    asked
}

/// The sentence about a wish for the network that doesn't say which hosts.
pub(super) fn names_no_host(wish: &str) -> String {
    format!("{wish} names no host, so none is asked for: list them under `capabilities.network.allowed_hosts`")
}

/// The sentence about a wish for files that doesn't say which folders.
pub(super) fn names_no_folder(wish: &str) -> String {
    format!("{wish} names no folder, so none is asked for: list them under `capabilities.filesystem.allowed_paths`")
}

fn network_hosts(network: &Field<'_>, reader: &mut Reader) -> BTreeSet<HostPattern> {
    if reader.is_rewriting() && !network.is_map() {
        if reader.asked(network.boolean()) == Some(true) {
            reader.warn(names_no_host(&network.path()));
        }
        return BTreeSet::new();
    }
    let Some(mut fields) = reader.asked(network.fields()) else { return BTreeSet::new() };
    let mut allowed = flag(&mut fields, "allow_http_outbound", reader);
    if !reader.is_strict() {
        // Another name for the same, in MockForge's remote plugins.
        allowed |= flag(&mut fields, "allow_outbound", reader);
    }
    if reader.is_rewriting() {
        allowed |= flag(&mut fields, "allow_http", reader);
        without_meaning(&mut fields, reader);
    }
    let hosts = fields.take("allowed_hosts");
    reader.finish_asking(&fields);
    granted(allowed, hosts.as_ref(), "allow_http_outbound", reader)
}

fn paths(filesystem: &Field<'_>, reader: &mut Reader) -> (BTreeSet<CapabilityPath>, BTreeSet<CapabilityPath>) {
    let none = || (BTreeSet::new(), BTreeSet::new());
    if reader.is_rewriting() && !filesystem.is_map() {
        if reader.asked(filesystem.boolean()) == Some(true) {
            reader.warn(names_no_folder(&filesystem.path()));
        }
        return none();
    }
    let Some(mut fields) = reader.asked(filesystem.fields()) else { return none() };
    let lists = if reader.is_rewriting() { (fields.take("read_paths"), fields.take("write_paths")) } else { (None, None) };
    let read = flag(&mut fields, "allow_read", reader);
    let write = flag(&mut fields, "allow_write", reader);
    let allowed = fields.take("allowed_paths");
    if reader.is_rewriting() {
        without_meaning(&mut fields, reader);
    }
    reader.finish_asking(&fields);
    if lists.0.is_some() || lists.1.is_some() {
        let mut listed = |list: Option<Field<'_>>| list.map(|list| set(&list, reader)).unwrap_or_default();
        let (read, write) = (listed(lists.0), listed(lists.1));
        return same_folders(read, write, reader);
    }
    let paths: BTreeSet<CapabilityPath> = granted(read || write, allowed.as_ref(), "allow_read` or `allow_write", reader);
    let only_if = |allowed: bool| if allowed { paths.clone() } else { BTreeSet::new() };
    (only_if(read), only_if(write))
}

/// mfp's dialect has one list of folders, to be read, written, or both. What doesn't fit in it isn't asked for.
fn same_folders(
    read: BTreeSet<CapabilityPath>,
    write: BTreeSet<CapabilityPath>,
    reader: &mut Reader,
) -> (BTreeSet<CapabilityPath>, BTreeSet<CapabilityPath>) {
    if read.is_empty() || write.is_empty() || read == write {
        return (read, write);
    }
    reader.warn("other folders are to be written than read, which one list can't say: writing isn't asked for");
    (read, BTreeSet::new())
}

/// A list that counts only if its flag is set. Its entries must be right in mfp's dialect even if it doesn't count.
fn granted<T>(allowed: bool, list: Option<&Field<'_>>, flag: &str, reader: &mut Reader) -> BTreeSet<T>
where
    T: FromStr + Ord,
    T::Err: Display,
{
    let listed = match list {
        Some(list) if allowed || reader.is_strict() => set(list, reader),
        _ => BTreeSet::new(),
    };
    match (allowed, listed.is_empty()) {
        (true, true) => reader.warn(format!("`{flag}` is true, but nothing is listed, so nothing is asked for")),
        (false, false) => reader.warn(format!("`{flag}` is false, so what's listed isn't asked for")),
        _ => {}
    }
    if allowed { listed } else { BTreeSet::new() }
}

/// The entries of a list that are understood; the others are mistakes, or denied.
pub(super) fn set<T>(list: &Field<'_>, reader: &mut Reader) -> BTreeSet<T>
where
    T: FromStr + Ord,
    T::Err: Display,
{
    let items = reader.asked(list.list()).unwrap_or_default();
    items.iter().filter_map(|item| reader.asked(item.parse())).collect()
}

fn flag(fields: &mut Fields<'_>, key: &'static str, reader: &mut Reader) -> bool {
    fields.take(key).and_then(|field| reader.asked(field.boolean())).unwrap_or(false)
}

/// Keys of MockForge's resource limits that have no counterpart in the sandbox and only ever narrow.
const WITHOUT_MEANING: [&str; 6] =
    ["max_cpu_percent", "max_concurrent_requests", "max_concurrent_executions", "max_connections", "timeout_ms", "allow_temp_files"];

fn without_meaning(fields: &mut Fields<'_>, reader: &mut Reader) {
    for key in WITHOUT_MEANING {
        if fields.take(key).is_some() {
            reader.warn(format!("`{}` is left out: the sandbox has no such limit", fields.path_of(key)));
        }
    }
}

fn numbers(resources: &Field<'_>, reader: &mut Reader) -> (Option<u64>, Option<u64>) {
    let Some(mut fields) = reader.asked(resources.fields()) else { return (None, None) };
    let mut memory = |field: Option<Field<'_>>| field.and_then(|field| reader.asked(memory_number(&field)));
    let memory = memory(fields.take("max_memory_bytes"));
    let mut time = fields.take("max_cpu_time_ms");
    if reader.is_rewriting() {
        time = time.or(fields.take("max_execution_time_ms"));
    }
    let time = time.and_then(|field| reader.asked(time_number(&field)));
    if !reader.is_strict() {
        without_meaning(&mut fields, reader);
    }
    reader.finish_asking(&fields);
    (memory, time)
}

fn memory_number(field: &Field<'_>) -> Read<u64> {
    within(field, field.integer()?, MAX_MEMORY, &ByteSize(MAX_MEMORY).to_string())
}

/// Milliseconds of a call.
pub(super) fn time_number(field: &Field<'_>) -> Read<u64> {
    within(field, field.integer()?, MAX_TIME_MS, &format!("{MAX_TIME_MS} ms"))
}

/// A limit that some plugin may have.
pub(super) fn within(field: &Field<'_>, number: u64, most: u64, shown: &str) -> Read<u64> {
    match number {
        0 => Err(field.wrong("must be at least 1")),
        number if number > most => Err(field.wrong(format!("{number} is more than any plugin may have; the limit is {shown}"))),
        number => Ok(number),
    }
}
