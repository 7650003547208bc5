//! What does the plugin ask for? The `capabilities` of every dialect, in canonical form.
//!
//! Not understanding is an error here, whatever the dialect: a key that's left out might be the one that mattered. Nothing
//! is ever widened: a list without its `allow_…` asks for nothing, and an `allow_…` without its list asks for nothing.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use super::fields::{Field, Fields, Reader};
use crate::capability::{Capabilities, CapabilityPath, DEFAULT_MEMORY, MAX_MEMORY, MAX_TIME_MS};
use crate::plugin::{OwnLimits, PluginManifestError, PluginType};
use crate::units::ByteSize;

type Read<T> = Result<T, PluginManifestError>;

/// What the manifest says, before the defaults are taken off.
#[derive(Default)]
pub(super) struct Asked {
    granted: Capabilities,
    memory: Option<u64>,
    time_ms: Option<u64>,
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
pub(super) fn read(field: Option<Field<'_>>, reader: &mut Reader) -> Read<Asked> {
    let Some(field) = field else { return Ok(Asked::default()) };
    let mut fields = field.fields()?;
    let mut asked = Asked::default();
    if let Some(network) = fields.take("network") {
        asked.granted.http = network_hosts(&network, reader)?;
    }
    if let Some(filesystem) = fields.take("filesystem") {
        (asked.granted.fs_read, asked.granted.fs_write) = paths(&filesystem, reader)?;
    }
    if let Some(environment) = fields.take("environment") {
        asked.granted.env = set(&environment)?;
    }
    if let Some(resources) = fields.take("resources") {
        (asked.memory, asked.time_ms) = numbers(&resources, reader)?;
    }
    fields.refuse_unknown()?;
    Ok(asked)
}

/// The scaffold's `capabilities: { network: bool, filesystem: bool }` and its sibling `resource_limits`.
///
/// `network: true` names no host, so it means all of them, and is shown as broad; `filesystem: true` names no folder, so
/// it could only mean the project's own, which is never granted.
pub(super) fn read_scaffold(field: Option<Field<'_>>, limits: Option<Field<'_>>, reader: &mut Reader) -> Read<Asked> {
    let mut asked = Asked::default();
    if let Some(field) = field {
        let mut fields = field.fields()?;
        if flag(&mut fields, "network")? {
            asked.granted.http.insert("*".parse().expect("`*` is a host pattern"));
            reader.warn(
                "`capabilities.network: true` names no host, so every https host is asked for; list them under `mfp: 1` to ask for less",
            );
        }
        if let Some(filesystem) = fields.take("filesystem")
            && filesystem.boolean()?
        {
            return Err(filesystem.wrong("`true` names no folder, and the project's own is never granted").with_help(
                "write the manifest with `mfp: 1` at the top and list the folders under `capabilities.filesystem.allowed_paths`",
            ));
        }
        fields.refuse_unknown()?;
    }
    if let Some(limits) = limits {
        (asked.memory, asked.time_ms) = numbers(&limits, reader)?;
    }
    Ok(asked)
}

fn network_hosts<T>(network: &Field<'_>, reader: &mut Reader) -> Read<BTreeSet<T>>
where
    T: FromStr + Ord,
    T::Err: Display,
{
    let mut fields = network.fields()?;
    let mut allowed = flag(&mut fields, "allow_http_outbound")?;
    if !reader.is_strict() {
        // Another name for the same, in MockForge's remote plugins.
        allowed |= flag(&mut fields, "allow_outbound")?;
    }
    let hosts = fields.take("allowed_hosts");
    fields.refuse_unknown()?;
    granted(allowed, hosts.as_ref(), "allow_http_outbound", reader)
}

fn paths(filesystem: &Field<'_>, reader: &mut Reader) -> Read<(BTreeSet<CapabilityPath>, BTreeSet<CapabilityPath>)> {
    let mut fields = filesystem.fields()?;
    let read = flag(&mut fields, "allow_read")?;
    let write = flag(&mut fields, "allow_write")?;
    let paths = fields.take("allowed_paths");
    fields.refuse_unknown()?;
    let paths = granted(read || write, paths.as_ref(), "allow_read` or `allow_write", reader)?;
    let only_if = |allowed: bool| if allowed { paths.clone() } else { BTreeSet::new() };
    Ok((only_if(read), only_if(write)))
}

/// A list that counts only if its flag is set. Its entries must be right in mfp's dialect even if it doesn't count.
fn granted<T>(allowed: bool, list: Option<&Field<'_>>, flag: &str, reader: &mut Reader) -> Read<BTreeSet<T>>
where
    T: FromStr + Ord,
    T::Err: Display,
{
    let listed = match list {
        Some(list) if allowed || reader.is_strict() => set(list)?,
        _ => BTreeSet::new(),
    };
    match (allowed, listed.is_empty()) {
        (true, true) => reader.warn(format!("`{flag}` is true, but nothing is listed, so nothing is asked for")),
        (false, false) => reader.warn(format!("`{flag}` is false, so what's listed isn't asked for")),
        _ => {}
    }
    Ok(if allowed { listed } else { BTreeSet::new() })
}

fn set<T>(list: &Field<'_>) -> Read<BTreeSet<T>>
where
    T: FromStr + Ord,
    T::Err: Display,
{
    list.list()?.iter().map(Field::parse).collect()
}

fn flag(fields: &mut Fields<'_>, key: &'static str) -> Read<bool> {
    fields.take(key).map_or(Ok(false), |field| field.boolean())
}

/// Keys of MockForge's resource limits that have no counterpart in the sandbox and only ever narrow.
const WITHOUT_MEANING: [&str; 5] =
    ["max_cpu_percent", "max_concurrent_requests", "max_concurrent_executions", "max_connections", "timeout_ms"];

fn numbers(resources: &Field<'_>, reader: &mut Reader) -> Read<(Option<u64>, Option<u64>)> {
    let mut fields = resources.fields()?;
    let memory = fields.take("max_memory_bytes").map(|field| number(&field, MAX_MEMORY, &ByteSize(MAX_MEMORY).to_string())).transpose()?;
    let time = fields.take("max_cpu_time_ms").map(|field| number(&field, MAX_TIME_MS, &format!("{MAX_TIME_MS} ms"))).transpose()?;
    if !reader.is_strict() {
        for key in WITHOUT_MEANING {
            if fields.take(key).is_some() {
                reader.warn(format!("`{}` is left out: the sandbox has no such limit", fields.path_of(key)));
            }
        }
    }
    fields.refuse_unknown()?;
    Ok((memory, time))
}

fn number(field: &Field<'_>, most: u64, shown: &str) -> Read<u64> {
    match field.integer()? {
        0 => Err(field.wrong("must be at least 1")),
        number if number > most => Err(field.wrong(format!("{number} is more than any plugin may have; the limit is {shown}"))),
        number => Ok(number),
    }
}
