//! The same questions for a component: how large are all modules in it together, what does it import, what does it export?

use std::collections::BTreeSet;

use mfp_model::plugin::PluginType;
use wasmparser::{ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload};

use super::{MAX_GLOBALS, MAX_TABLES, PAGE, Refusal, Uses, locals, within};
use crate::error::shown;
use crate::limits::Limits;

/// The deepest that components are nested in one another.
const MAX_NESTING: u64 = 16;
/// The most components and modules in a component.
const MAX_PARTS: u64 = 1000;
/// The most imports and the most exports of a component: an interface is one.
const MAX_INTERFACES: u64 = 1000;
/// The package whose interfaces a plugin exports, and its versions that this host serves.
const PACKAGE: &str = "mockforge:plugin/";
const SERVED: &str = "~0.1.0";
/// The packages of WASI 0.2 that are linked. What an interface gives is decided in [`crate::abi::component`].
const WASI: [&str; 6] = ["wasi:io/", "wasi:clocks/", "wasi:random/", "wasi:cli/", "wasi:filesystem/", "wasi:sockets/"];

/// The interfaces that are linked where HTTP was approved.
const WASI_HTTP: [&str; 2] = ["wasi:http/types@", "wasi:http/outgoing-handler@"];

/// Sums over all modules of a component.
#[derive(Default)]
struct Sums {
    parts: u64,
    functions: u64,
    locals: u64,
    globals: u64,
    memory: u64,
    elements: u64,
}

/// Check a component: what it uses, and what it's refused for.
pub(super) fn inspect(bytes: &[u8], types: &BTreeSet<PluginType>, limits: &Limits, http: bool) -> Result<(Uses, Vec<Refusal>), Refusal> {
    let (mut sums, mut depth) = (Sums::default(), 0_u64);
    let (mut imports, mut exports) = (Vec::new(), BTreeSet::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                within("components in one another", depth, MAX_NESTING)?;
                sums.parts += 1;
                within("modules and components", sums.parts, MAX_PARTS)?;
                debug_assert!(depth > 1 || encoding == Encoding::Component, "the layer was looked at before");
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                within("imports", u64::from(section.count()), MAX_INTERFACES)?;
                for import in section {
                    let import = import?;
                    imports.push((import.name.name, import.ty));
                }
                within("imports", imports.len() as u64, MAX_INTERFACES)?;
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                within("exports", u64::from(section.count()), MAX_INTERFACES)?;
                for export in section {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        exports.insert(export.name.name);
                    }
                }
            }
            other => sums.add(&other, limits)?,
        }
    }
    let refused: Vec<String> =
        imports.iter().filter(|(name, ty)| !granted(name, *ty, http)).map(|(name, _)| format!("`{}`", shown(name, 100))).collect();
    let missing: Vec<String> =
        types.iter().filter(|ty| !exports.iter().any(|name| is_interface(name, ty.as_str()))).copied().map(wanted).collect();
    let files = imports.iter().any(|(name, _)| name.starts_with("wasi:filesystem/"));
    let mut refusals = Vec::new();
    if !refused.is_empty() {
        refusals.push(Refusal::Imports(refused));
    }
    if !missing.is_empty() {
        refusals.push(Refusal::Exports(missing));
    }
    Ok((Uses { files }, refusals))
}

fn wanted(ty: PluginType) -> String {
    format!("`{PACKAGE}{}@0.1.0`", ty.as_str())
}

/// Is this an interface that a plugin may import? Types, that no host function has, it may from anywhere.
fn granted(name: &str, ty: ComponentTypeRef, http: bool) -> bool {
    if !matches!(ty, ComponentTypeRef::Instance(_)) {
        return matches!(ty, ComponentTypeRef::Type(_));
    }
    let is_wasi = version(name).is_some_and(|version| version.major == 0 && version.minor == 2);
    let linked = WASI.iter().any(|package| name.starts_with(package));
    let sent = http && WASI_HTTP.iter().any(|interface| name.starts_with(interface));
    ["host", "types"].iter().any(|interface| is_interface(name, interface)) || (is_wasi && (linked || sent))
}

/// Is this `mockforge:plugin/<interface>` in a version that's served?
fn is_interface(name: &str, interface: &str) -> bool {
    let served = semver::VersionReq::parse(SERVED).expect("it's a requirement");
    let named = name.split_once('@').is_some_and(|(path, _)| path.strip_prefix(PACKAGE) == Some(interface));
    named && version(name).is_some_and(|version| served.matches(&version))
}

fn version(name: &str) -> Option<semver::Version> {
    semver::Version::parse(name.split_once('@')?.1).ok()
}

impl Sums {
    fn add(&mut self, payload: &Payload<'_>, limits: &Limits) -> Result<(), Refusal> {
        match payload {
            Payload::FunctionSection(section) => {
                self.functions += u64::from(section.count());
                within("functions", self.functions, limits.functions.into())?;
            }
            Payload::CodeSectionEntry(body) => {
                self.locals = self.locals.saturating_add(locals(body)?);
                within("locals", self.locals, limits.locals)?;
            }
            Payload::GlobalSection(section) => {
                self.globals += u64::from(section.count());
                within("globals", self.globals, MAX_GLOBALS.into())?;
            }
            Payload::TableSection(section) => {
                within("tables", section.count().into(), MAX_TABLES.into())?;
                for table in section.clone() {
                    self.elements = self.elements.saturating_add(table?.ty.initial);
                }
                if self.elements > limits.table_elements {
                    return Err(Refusal::Table(self.elements, limits.table_elements));
                }
            }
            Payload::MemorySection(section) => {
                within("memories", section.count().into(), 1)?;
                for memory in section.clone() {
                    self.memory = self.memory.saturating_add(memory?.initial.saturating_mul(PAGE));
                }
                if self.memory > limits.memory_bytes {
                    return Err(Refusal::Memory(self.memory, limits.memory_bytes));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
