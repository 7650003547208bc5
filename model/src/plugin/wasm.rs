//! Is this WebAssembly at all, and does it carry its own manifest? Sections are walked; nothing is validated or compiled.
//!
//! Full validation belongs to the sandbox, in a process that may be killed. What's told here takes one pass over the
//! section headers: a header that's there, sections that are whole and in order with nothing after them, and counts that
//! no honest plugin has. A bare `.wasm` may hold its `plugin.yaml` in a custom section.

use std::collections::BTreeSet;

use wasmparser::{BinaryReaderError, Encoding, Parser, Payload};

use super::{Dialect, OwnLimits, PluginManifest, PluginManifestError, PluginType, Runtime};
use crate::capability::Capabilities;
use crate::content::BARE_WASM_FILE;
use crate::name::PluginName;
use crate::version::Version;

/// The custom section that holds a bare module's `plugin.yaml`.
pub const MANIFEST_SECTION: &str = "mockforge:plugin";

/// The hard caps of the sandbox, and beyond them counts that no honest plugin comes near: what's limited, and its limit.
mod limits {
    pub(super) const BYTES: usize = 64 << 20;
    pub(super) const FUNCTIONS: u64 = 100_000;
    pub(super) const LOCALS: u64 = 8_000_000;
    pub(super) const MEMORIES: u64 = 100;
    pub(super) const TABLES: u64 = 1_000;
    pub(super) const ITEMS: u64 = 1_000_000;
    pub(super) const MODULES: u64 = 1_000;
    pub(super) const DEPTH: u64 = 32;
}

/// Why bytes aren't WebAssembly that a plugin may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WasmError {
    /// No header, broken or misplaced sections, or something after the last one.
    #[error("not a WebAssembly module or component: {message} (at byte {offset})")]
    Invalid {
        /// What's wrong.
        message: String,
        /// Where in the file.
        offset: usize,
    },
    /// More of something than any plugin may have.
    #[error("the module has more than {limit} {what}, which no plugin may have")]
    Limit {
        /// What there's too much of, in the plural.
        what: &'static str,
        /// The most there may be.
        limit: u64,
    },
}

impl WasmError {
    /// The stable code: `mfp::wasm::invalid` or `mfp::wasm::limit`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "mfp::wasm::invalid",
            Self::Limit { .. } => "mfp::wasm::limit",
        }
    }

    fn invalid(message: impl Into<String>, offset: usize) -> Self {
        Self::Invalid { message: message.into(), offset }
    }
}

impl From<BinaryReaderError> for WasmError {
    fn from(error: BinaryReaderError) -> Self {
        let message: String = error.message().chars().filter(|character| !crate::text::is_control_or_bidi(*character)).collect();
        Self::invalid(message, error.offset())
    }
}

/// What's in a `.wasm` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WasmKind {
    /// A core module.
    Module,
    /// A component.
    Component,
}

/// Walk the sections of a file: magic, version, whole sections in order, nothing after them, counts within limits.
/// Function bodies aren't read but for their locals.
pub fn check_wasm_header(bytes: &[u8]) -> Result<WasmKind, WasmError> {
    walk(bytes).map(|(kind, _)| kind)
}

/// The manifest that a module or component carries in its section [`MANIFEST_SECTION`].
pub fn embedded_manifest(bytes: &[u8]) -> Result<Option<&[u8]>, WasmError> {
    walk(bytes).map(|(_, manifest)| manifest)
}

/// How much of everything a file has, nested modules included.
#[derive(Default)]
struct Counts {
    functions: u64,
    locals: u64,
    memories: u64,
    tables: u64,
    items: u64,
    modules: u64,
    depth: u64,
}

impl Counts {
    /// Add what one piece of the file declares. Declared counts allocate nothing, so they may lie until they're checked.
    fn add(&mut self, payload: &Payload<'_>) -> Result<(), WasmError> {
        let count = |count: u32| u64::from(count);
        match payload {
            Payload::FunctionSection(section) => self.functions += count(section.count()),
            Payload::MemorySection(section) => self.memories += count(section.count()),
            Payload::TableSection(section) => self.tables += count(section.count()),
            Payload::TypeSection(section) => self.items += count(section.count()),
            Payload::ImportSection(section) => self.items += count(section.count()),
            Payload::GlobalSection(section) => self.items += count(section.count()),
            Payload::ExportSection(section) => self.items += count(section.count()),
            Payload::ElementSection(section) => self.items += count(section.count()),
            Payload::DataSection(section) => self.items += count(section.count()),
            Payload::TagSection(section) => self.items += count(section.count()),
            Payload::CodeSectionEntry(body) => self.locals += locals(body, limits::LOCALS)?,
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                self.modules += 1;
                self.depth += 1;
            }
            Payload::End(_) => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.check()
    }

    fn check(&self) -> Result<(), WasmError> {
        let counted = [
            ("functions", self.functions, limits::FUNCTIONS),
            ("locals", self.locals, limits::LOCALS),
            ("memories", self.memories, limits::MEMORIES),
            ("tables", self.tables, limits::TABLES),
            ("types, imports, exports and segments", self.items, limits::ITEMS),
            ("nested modules", self.modules, limits::MODULES),
            ("levels of nesting", self.depth, limits::DEPTH),
        ];
        match counted.into_iter().find(|(_, count, limit)| count > limit) {
            Some((what, _, limit)) => Err(WasmError::Limit { what, limit }),
            None => Ok(()),
        }
    }
}

/// The locals that one function declares; stops as soon as there are more than `most`.
fn locals(body: &wasmparser::FunctionBody<'_>, most: u64) -> Result<u64, WasmError> {
    let mut sum = 0;
    for group in body.get_locals_reader()? {
        sum += u64::from(group?.0);
        if sum > most {
            break;
        }
    }
    Ok(sum)
}

/// One pass over the sections: the kind of file, and the manifest's section if there's exactly one.
fn walk(bytes: &[u8]) -> Result<(WasmKind, Option<&[u8]>), WasmError> {
    if bytes.len() > limits::BYTES {
        return Err(WasmError::Limit { what: "bytes", limit: limits::BYTES as u64 });
    }
    if !bytes.starts_with(b"\0asm") {
        let seen = if bytes.starts_with(b"\x7fELF") { "it is machine code for one system (ELF)" } else { "it doesn't begin like one" };
        return Err(WasmError::invalid(seen, 0));
    }
    let (mut kind, mut manifest, mut counts) = (None, None, Counts::default());
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        counts.add(&payload)?;
        match payload {
            Payload::Version { encoding, .. } if kind.is_none() => kind = Some(kind_of(encoding)),
            Payload::UnknownSection { id, range, .. } => {
                return Err(WasmError::invalid(format!("no section has the number {id}"), range.start));
            }
            Payload::CustomSection(section) if counts.depth == 0 && section.name() == MANIFEST_SECTION => {
                let second = manifest.replace(section.data()).is_some();
                refuse_second(second, section.data_offset())?;
            }
            _ => {}
        }
    }
    let kind = kind.ok_or_else(|| WasmError::invalid("there is nothing in it", 0))?;
    Ok((kind, manifest))
}

/// Two manifests could say two things.
fn refuse_second(is_second: bool, offset: usize) -> Result<(), WasmError> {
    if is_second { Err(WasmError::invalid(format!("two sections `{MANIFEST_SECTION}`"), offset)) } else { Ok(()) }
}

fn kind_of(encoding: Encoding) -> WasmKind {
    match encoding {
        Encoding::Module => WasmKind::Module,
        Encoding::Component => WasmKind::Component,
    }
}

/// What the project's entry says about a bare `.wasm`, for one that has no manifest of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BareWasm {
    /// The entry's name (its `package`, if it's an alias).
    pub name: PluginName,
    /// The entry's `types`.
    pub types: BTreeSet<PluginType>,
    /// The entry's `version`, if it gives one.
    pub version: Option<Version>,
}

/// Why a bare `.wasm` isn't a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BareWasmError {
    /// The bytes aren't WebAssembly.
    #[error(transparent)]
    Wasm(#[from] WasmError),
    /// The manifest in its custom section, or what the entry says in its place, is wrong.
    #[error(transparent)]
    Manifest(#[from] PluginManifestError),
}

impl BareWasmError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Wasm(error) => error.code(),
            Self::Manifest(error) => error.code(),
        }
    }
}

impl PluginManifest {
    /// The manifest of a bare `.wasm`: the text of its custom section [`MANIFEST_SECTION`] if it has one, else what the
    /// project's entry says, with version 0.0.0 unless given and no capabilities. Its entry is always `plugin.wasm`.
    pub fn from_wasm(bytes: &[u8], fallback: &BareWasm) -> Result<Self, BareWasmError> {
        let manifest = match walk(bytes)?.1 {
            Some(section) => Self::from_bytes(section)?,
            None => fallback.manifest()?,
        };
        let entry = BARE_WASM_FILE.parse().expect("`plugin.wasm` is a legal path");
        Ok(Self { entry: Some(entry), ..manifest })
    }
}

impl BareWasm {
    fn manifest(&self) -> Result<PluginManifest, PluginManifestError> {
        if self.types.is_empty() {
            return Err(PluginManifestError::invalid("the module says nothing about itself, not even what type of plugin it is", None)
                .with_help("give `types = [\"…\"]` in the project's entry: auth, template, response or datasource"));
        }
        Ok(PluginManifest {
            id: self.name.clone(),
            version: self.version.clone().unwrap_or_else(|| Version::new(0, 0, 0)),
            types: self.types.clone(),
            display_name: None,
            description: None,
            license: None,
            author: None,
            homepage: None,
            repository: None,
            documentation: None,
            keywords: Vec::new(),
            categories: Vec::new(),
            runtime: Runtime::Wasm,
            entry: None,
            include: Vec::new(),
            mockforge: None,
            dependencies: Vec::new(),
            capabilities: Capabilities::default(),
            limits: OwnLimits::default(),
            config_schema: None,
            tests: Vec::new(),
            dialect: Dialect::Mfp,
            warnings: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = EMPTY.to_vec();
        for (id, body) in sections {
            bytes.push(*id);
            bytes.extend(leb(u32::try_from(body.len()).unwrap()));
            bytes.extend_from_slice(body);
        }
        bytes
    }

    fn leb(mut number: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(number & 0x7f).unwrap();
            number >>= 7;
            if number == 0 {
                bytes.push(low);
                return bytes;
            }
            bytes.push(low | 0x80);
        }
    }

    fn custom(name: &str, data: &[u8]) -> Vec<u8> {
        let mut body = leb(u32::try_from(name.len()).unwrap());
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(data);
        body
    }

    fn invalid(bytes: &[u8]) -> String {
        match check_wasm_header(bytes) {
            Err(error @ WasmError::Invalid { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn modules_and_components_are_told_apart() {
        assert_eq!(check_wasm_header(EMPTY), Ok(WasmKind::Module));
        assert_eq!(check_wasm_header(b"\0asm\x0d\0\x01\0"), Ok(WasmKind::Component));
        let mut nested = b"\0asm\x0d\0\x01\0".to_vec();
        nested.extend([1, 8]);
        nested.extend(EMPTY);
        assert_eq!(check_wasm_header(&nested), Ok(WasmKind::Component));
    }

    #[test]
    fn what_isn_t_wasm_is_refused() {
        let shell = [EMPTY, b"\n#!/bin/sh\necho hello\n"].concat();
        let second_types = module(&[(1, b"\0"), (1, b"\0")]);
        let misplaced = module(&[(3, b"\0"), (1, b"\0")]);
        for bytes in [
            b"".as_slice(),
            b"MZ\0\0\0\0\0\0",
            b"\x7fELF\x02\x01\x01\0",
            b"\0asm",
            b"\0asm\x02\0\0\0",
            b"(module)",
            &shell,
            &second_types,
            &misplaced,
        ] {
            let _ = invalid(bytes);
        }
        let _ = invalid(b"\0asm\x01\0\0\0\x01\x04\x01`\0\0\n\xff\xff\x7f");
        let _ = invalid(&module(&[(0x7f, b"x")]));
        assert!(invalid(&[EMPTY, b"#"].concat()).contains("at byte"));
    }

    #[test]
    fn counts_are_bounded_before_anything_is_allocated() {
        let memories: Vec<u8> = leb(10_000).into_iter().chain([0, 1].repeat(10_000)).collect();
        assert_eq!(check_wasm_header(&module(&[(5, &memories)])), Err(WasmError::Limit { what: "memories", limit: 100 }));
        assert_eq!(check_wasm_header(&module(&[(4, &leb(u32::MAX))])).unwrap_err().code(), "mfp::wasm::limit");
        let functions: Vec<u8> = leb(200_000).into_iter().chain([0].repeat(200_000)).collect();
        assert!(check_wasm_header(&module(&[(1, b"\x01`\0\0"), (3, &functions)])).is_err());
        let many_locals = [1, 8, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 0x0b];
        let bytes = module(&[(1, b"\x01`\0\0"), (3, b"\x01\0"), (10, &many_locals)]);
        assert_eq!(check_wasm_header(&bytes), Err(WasmError::Limit { what: "locals", limit: 8_000_000 }));
    }

    fn fallback() -> BareWasm {
        BareWasm { name: "csv".parse().unwrap(), types: [PluginType::Datasource].into(), version: None }
    }

    #[test]
    fn a_bare_module_is_what_its_entry_says() {
        let manifest = PluginManifest::from_wasm(EMPTY, &fallback()).unwrap();
        assert_eq!((manifest.id.as_str(), manifest.version.to_string().as_str()), ("csv", "0.0.0"));
        assert_eq!(manifest.entry.unwrap().as_str(), "plugin.wasm");
        assert!(manifest.capabilities.is_empty());
        let untyped = BareWasm { types: BTreeSet::new(), ..fallback() };
        assert_eq!(PluginManifest::from_wasm(EMPTY, &untyped).unwrap_err().code(), "mfp::manifest::invalid");
    }

    #[test]
    fn a_module_s_own_manifest_wins() {
        let yaml = b"mfp: 1\nplugin: { id: auth-x, version: 2.0.0, types: [auth], entry: other.wasm }\n";
        let bytes = module(&[(0, &custom(MANIFEST_SECTION, yaml))]);
        let manifest = PluginManifest::from_wasm(&bytes, &fallback()).unwrap();
        assert_eq!((manifest.id.as_str(), manifest.version.to_string().as_str()), ("auth-x", "2.0.0"));
        assert_eq!(manifest.entry.unwrap().as_str(), "plugin.wasm");
        let twice = module(&[(0, &custom(MANIFEST_SECTION, yaml)), (0, &custom(MANIFEST_SECTION, yaml))]);
        assert_eq!(PluginManifest::from_wasm(&twice, &fallback()).unwrap_err().code(), "mfp::wasm::invalid");
        let broken = module(&[(0, &custom(MANIFEST_SECTION, b"\xff\xfe"))]);
        assert_eq!(PluginManifest::from_wasm(&broken, &fallback()).unwrap_err().code(), "mfp::manifest::invalid");
    }
}
