//! Is this a json/1 module or a plugin component, of a size that may be compiled, that asks for nothing it isn't given?
//!
//! Decided from the bytes before any of them is compiled, and decided again on every load, cached or not. Function bodies
//! aren't looked into but for their count of locals: that they're valid is the compiler's question.
//! All that's missing is said at once, and so is all that's refused.

use std::collections::{BTreeMap, BTreeSet};

use mfp_model::plugin::PluginType;
use wasmparser::{
    BinaryReaderError, ExternalKind, FuncType, FunctionBody, Import, MemoryType, Parser, Payload, TableType, TypeRef, ValType,
};

mod component;

use super::Layer;
use crate::call::{FUNCTIONS_EXPORT, export_of};
use crate::error::shown;
use crate::limits::Limits;

/// The most tables of a module.
pub(crate) const MAX_TABLES: u32 = 8;
/// The most globals of a module: each costs the host memory in every instance.
pub(crate) const MAX_GLOBALS: u32 = 10_000;
/// The most types of a module.
const MAX_TYPES: u32 = 20_000;
/// The most exports of a module.
const MAX_EXPORTS: u32 = 10_000;
const PAGE: u64 = 64 << 10;

/// A function type with its name, as the ABI has it.
struct Signature {
    name: &'static str,
    params: &'static [ValType],
    results: &'static [ValType],
}

const fn signature(name: &'static str, params: &'static [ValType], results: &'static [ValType]) -> Signature {
    Signature { name, params, results }
}

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;

/// The functions that a module may import, from the module `mockforge`.
const GRANTED: [Signature; 6] = [
    signature("log", &[I32, I32], &[]),
    signature("config", &[], &[I64]),
    signature("now_ms", &[], &[I64]),
    signature("random", &[I32, I32], &[]),
    signature("asset", &[I32, I32], &[I64]),
    signature("call", &[I32, I32], &[I64]),
];

/// Given only to plugins with a host that was approved.
const GIVEN_WITH_HTTP: Signature = signature("http_request", &[I32, I32], &[I64]);

/// The name of the module that the host functions are imported from.
pub(crate) const HOST_MODULE: &str = "mockforge";

/// What a call's export looks like: pointer and length in, pointer (high half) and length (low half) out.
const CALL_PARAMS: &[ValType] = &[I32, I32];
const CALL_RESULTS: &[ValType] = &[I64];

impl Signature {
    fn matches(&self, ty: &FuncType) -> bool {
        ty.params() == self.params && ty.results() == self.results
    }

    fn text(&self) -> String {
        format!("`{}`: {}", self.name, type_text(self.params, self.results))
    }
}

/// `(i32, i32) -> (i64)`.
fn type_text(params: &[ValType], results: &[ValType]) -> String {
    let list = |types: &[ValType]| types.iter().take(16).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("({}) -> ({})", list(params), list(results))
}

/// Why a module isn't taken, without the plugin's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not valid.
    Invalid(String),
    /// Too much of something: what, how much, the limit.
    TooLarge(&'static str, u64, u64),
    /// Minimum of memory over the limit, in bytes.
    Memory(u64, u64),
    /// Minimum of table elements over the limit.
    Table(u64, u64),
    /// Imports that aren't given.
    Imports(Vec<String>),
    /// Exports that are missing.
    Exports(Vec<String>),
}

impl From<BinaryReaderError> for Refusal {
    fn from(error: BinaryReaderError) -> Self {
        Self::Invalid(shown(&error.to_string(), 300))
    }
}

/// What's read of a module.
#[derive(Default)]
struct Shape<'a> {
    types: Vec<FuncType>,
    /// The type of each function, imported ones first.
    functions: Vec<u32>,
    imports: Vec<Import<'a>>,
    exports: BTreeMap<&'a str, (ExternalKind, u32)>,
    defined_functions: u64,
    locals: u64,
    memories: Vec<MemoryType>,
    tables: Vec<TableType>,
    globals: u32,
}

/// What a plugin's code takes of what costs something to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Uses {
    /// Folders.
    pub(crate) files: bool,
}

/// Check a plugin's code for a plugin of these types, that may send HTTP requests or not: what it uses, or the first thing it's refused for.
pub(crate) fn inspect(layer: Layer, bytes: &[u8], types: &BTreeSet<PluginType>, limits: &Limits, http: bool) -> Result<Uses, Refusal> {
    let (uses, refusals) = inspect_all(layer, bytes, types, limits, http)?;
    refusals.into_iter().next().map_or(Ok(uses), Err)
}

/// The same, with everything that it's refused for, as far as its bytes can be read.
pub(crate) fn inspect_all(
    layer: Layer,
    bytes: &[u8],
    types: &BTreeSet<PluginType>,
    limits: &Limits,
    http: bool,
) -> Result<(Uses, Vec<Refusal>), Refusal> {
    within("bytes", bytes.len() as u64, limits.wasm_bytes)?;
    match layer {
        Layer::Module => inspect_module(bytes, types, limits, http).map(|refusals| (Uses::default(), refusals)),
        Layer::Component => component::inspect(bytes, types, limits, http),
    }
}

fn inspect_module(bytes: &[u8], types: &BTreeSet<PluginType>, limits: &Limits, http: bool) -> Result<Vec<Refusal>, Refusal> {
    let shape = read(bytes, limits)?;
    let too_large = check_sizes(&shape, limits).err();
    let names =
        [Refusal::Imports as fn(_) -> _, Refusal::Exports].into_iter().zip([refused_imports(&shape, http), missing_exports(&shape, types)]);
    Ok(too_large.into_iter().chain(names.filter(|(_, names)| !names.is_empty()).map(|(refusal, names)| refusal(names))).collect())
}

fn within(what: &'static str, found: u64, limit: u64) -> Result<(), Refusal> {
    if found > limit { Err(Refusal::TooLarge(what, found, limit)) } else { Ok(()) }
}

/// Counts are checked before anything is collected.
fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Shape<'a>, Refusal> {
    let mut shape = Shape::default();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::TypeSection(section) => {
                within("types", section.count().into(), MAX_TYPES.into())?;
                shape.types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(section) => {
                within("imports", section.count().into(), limits.functions.into())?;
                for import in section.into_imports() {
                    shape.import(import?);
                    within("imports", shape.imports.len() as u64, limits.functions.into())?;
                }
            }
            Payload::FunctionSection(section) => {
                shape.defined_functions = section.count().into();
                within("functions", shape.defined_functions, limits.functions.into())?;
                for function in section {
                    shape.functions.push(function?);
                }
            }
            Payload::TableSection(section) => {
                within("tables", section.count().into(), MAX_TABLES.into())?;
                for table in section {
                    shape.tables.push(table?.ty);
                }
            }
            Payload::MemorySection(section) => {
                within("memories", section.count().into(), 1)?;
                shape.memories = section.into_iter().collect::<Result<_, _>>()?;
            }
            Payload::GlobalSection(section) => shape.globals = section.count(),
            Payload::ExportSection(section) => {
                within("exports", section.count().into(), MAX_EXPORTS.into())?;
                for export in section {
                    let export = export?;
                    shape.exports.insert(export.name, (export.kind, export.index));
                }
            }
            Payload::CodeSectionEntry(body) => {
                shape.locals = shape.locals.saturating_add(locals(&body)?);
                within("locals", shape.locals, limits.locals)?;
            }
            _ => {}
        }
    }
    Ok(shape)
}

fn locals(body: &FunctionBody<'_>) -> Result<u64, Refusal> {
    let mut sum = 0_u64;
    for group in body.get_locals_reader()? {
        let (count, _) = group?;
        sum = sum.saturating_add(count.into());
    }
    Ok(sum)
}

fn check_sizes(shape: &Shape<'_>, limits: &Limits) -> Result<(), Refusal> {
    within("tables", shape.tables.len() as u64, MAX_TABLES.into())?;
    within("memories", shape.memories.len() as u64, 1)?;
    within("globals", shape.globals.into(), MAX_GLOBALS.into())?;
    let memory = shape.memories.iter().map(|memory| memory.initial.saturating_mul(PAGE)).max().unwrap_or(0);
    if memory > limits.memory_bytes {
        return Err(Refusal::Memory(memory, limits.memory_bytes));
    }
    let elements = shape.tables.iter().fold(0_u64, |sum, table| sum.saturating_add(table.initial));
    if elements > limits.table_elements {
        return Err(Refusal::Table(elements, limits.table_elements));
    }
    Ok(())
}

impl<'a> Shape<'a> {
    fn import(&mut self, import: Import<'a>) {
        match import.ty {
            TypeRef::Func(ty) | TypeRef::FuncExact(ty) => self.functions.push(ty),
            TypeRef::Table(table) => self.tables.push(table),
            TypeRef::Memory(memory) => self.memories.push(memory),
            TypeRef::Global(_) | TypeRef::Tag(_) => {}
        }
        self.imports.push(import);
    }

    fn type_of(&self, index: u32) -> Option<&FuncType> {
        self.types.get(usize::try_from(index).ok()?)
    }

    fn function(&self, index: u32) -> Option<&FuncType> {
        self.type_of(*self.functions.get(usize::try_from(index).ok()?)?)
    }

    fn has(&self, wanted: &Signature) -> bool {
        match self.exports.get(wanted.name) {
            Some((ExternalKind::Func, index)) => self.function(*index).is_some_and(|ty| wanted.matches(ty)),
            _ => false,
        }
    }
}

/// Every import that isn't a granted host function of the right type.
fn refused_imports(shape: &Shape<'_>, http: bool) -> Vec<String> {
    shape.imports.iter().filter_map(|import| refusal(shape, import, http)).collect()
}

fn refusal(shape: &Shape<'_>, import: &Import<'_>, http: bool) -> Option<String> {
    let name = format!("`{}.{}`", shown(import.module, 100), shown(import.name, 100));
    let is = |known: &Signature| import.module == HOST_MODULE && import.name == known.name;
    if is(&GIVEN_WITH_HTTP) && !http {
        return Some(format!("{name} (given once a host is approved for it: `http = […]`)"));
    }
    let granted = GRANTED.iter().chain([&GIVEN_WITH_HTTP]).find(|granted| is(granted));
    let (TypeRef::Func(ty), Some(granted)) = (import.ty, granted) else {
        return Some(name);
    };
    match shape.type_of(ty) {
        Some(ty) if granted.matches(ty) => None,
        Some(ty) => Some(format!("{name} as {}, not {}", type_text(ty.params(), ty.results()), type_text(granted.params, granted.results))),
        None => Some(name),
    }
}

/// Every export that json/1 and these types need, and optional ones of the wrong type.
fn missing_exports(shape: &Shape<'_>, types: &BTreeSet<PluginType>) -> Vec<String> {
    let always = [signature("mockforge_abi", &[], &[I32]), signature("alloc", &[I32], &[I32])];
    let calls = types.iter().map(|ty| signature(export_of(*ty), CALL_PARAMS, CALL_RESULTS));
    let optional = [
        signature("dealloc", &[I32, I32], &[]),
        signature(FUNCTIONS_EXPORT, CALL_PARAMS, CALL_RESULTS),
        signature("_initialize", &[], &[]),
    ];
    let present = optional.into_iter().filter(|wanted| shape.exports.contains_key(wanted.name));
    let functions = always.into_iter().chain(calls).chain(present);
    let mut missing: Vec<String> = functions.filter(|wanted| !shape.has(wanted)).map(|wanted| wanted.text()).collect();
    if !matches!(shape.exports.get("memory"), Some((ExternalKind::Memory, _))) {
        missing.push("`memory`: a memory".to_owned());
    }
    missing
}
