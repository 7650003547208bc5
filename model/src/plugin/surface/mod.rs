//! What does a module offer, and what does it want of its host? Exports and imports with their types, as words.
//!
//! For a reviewer, not for a linker: nothing is decided by it. A component's exported interfaces are told with their functions and
//! types. What's too long or too much to be told is told with a digest, so that nothing hides behind it.

mod component;

use std::collections::BTreeMap;

use wasmparser::{ComponentExternalKind, ComponentTypeRef, ExternalKind, FuncType, Parser, Payload, TypeRef, ValType};

use super::wasm::{WasmError, check_wasm_header};

/// More than this many imports or exports aren't told one by one: no plugin has them, and nobody would read them.
const MAX_ITEMS: usize = 2_000;
/// Names and types longer than this are cut, in characters.
const MAX_TEXT: usize = 200;

/// What a module offers and wants, by name. Types are words: `(i32, i32) -> i64`, `memory`, `instance`; in an interface of a
/// component, whose items are `interface#item`: `func(name: string) -> list<u8>`, `record { a: u32 }`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surface {
    /// What it offers.
    pub exports: BTreeMap<String, String>,
    /// What it wants: `module.name`.
    pub imports: BTreeMap<String, String>,
}

/// The functions of a module so far: the types, and which each function has.
#[derive(Default)]
struct Functions {
    types: Vec<FuncType>,
    of: Vec<u32>,
}

impl Functions {
    fn type_of(&self, function: u32) -> Option<&FuncType> {
        self.types.get(*self.of.get(index(function))? as usize)
    }

    fn word(&self, function: u32) -> String {
        self.type_of(function).map_or_else(|| "function".to_owned(), signature)
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Surface {
    /// Read it from a module or a component.
    pub fn of(bytes: &[u8]) -> Result<Self, WasmError> {
        check_wasm_header(bytes)?;
        let (mut surface, mut functions, mut depth) = (Self::default(), Functions::default(), 0_usize);
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload?;
            match &payload {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                surface.read(payload, &mut functions)?;
            }
        }
        let interfaces: Vec<String> = surface.exports.keys().cloned().collect();
        surface.exports.extend(component::interfaces(bytes, interfaces.iter().map(String::as_str)));
        Ok(Self { exports: shortened(surface.exports), imports: shortened(surface.imports) })
    }

    fn read(&mut self, payload: Payload<'_>, functions: &mut Functions) -> Result<(), WasmError> {
        match payload {
            Payload::TypeSection(section) => {
                functions.types = section.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    let word = match import.ty {
                        TypeRef::Func(ty) => {
                            functions.of.push(ty);
                            functions.types.get(index(ty)).map_or_else(|| "function".to_owned(), signature)
                        }
                        other => type_word(&other),
                    };
                    insert(&mut self.imports, &format!("{}.{}", import.module, import.name), &word);
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    functions.of.push(ty?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    let word = match export.kind {
                        ExternalKind::Func => functions.word(export.index),
                        other => kind_word(other).to_owned(),
                    };
                    insert(&mut self.exports, export.name, &word);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    insert(&mut self.imports, import.name.name, component_word(&import.ty));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export?;
                    insert(&mut self.exports, export.name.name, component_kind_word(export.kind));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn insert(items: &mut BTreeMap<String, String>, name: &str, word: &str) {
    items.insert(name.to_owned(), word.to_owned());
}

/// As it's told: texts of a length that can be read, and not endlessly many. Two things that differ stay different.
fn shortened(mut items: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let too_many = items.keys().nth(MAX_ITEMS).cloned().map(|first| items.split_off(&first));
    let mut short: BTreeMap<String, String> = items.iter().map(|(name, word)| (cut(name), cut(word))).collect();
    if let Some(rest) = too_many {
        let all: String = rest.iter().map(|(name, word)| format!("{name}\n{word}\n")).collect();
        short.insert(format!("… and {} more", rest.len()), short_digest(all.as_bytes()));
    }
    short
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(MAX_TEXT).collect();
    if short.len() < text.len() { format!("{short}… ({})", short_digest(text.as_bytes())) } else { short }
}

/// Enough of a digest to see that two things differ.
fn short_digest(bytes: &[u8]) -> String {
    format!("blake3:{}", &blake3::hash(bytes).to_hex()[..16])
}

fn signature(ty: &FuncType) -> String {
    let words = |types: &[ValType]| types.iter().take(32).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match ty.results() {
        [] => format!("({})", words(ty.params())),
        [one] => format!("({}) -> {one}", words(ty.params())),
        many => format!("({}) -> ({})", words(ty.params()), words(many)),
    }
}

fn type_word(ty: &TypeRef) -> String {
    match ty {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => "function".to_owned(),
        TypeRef::Table(_) => "table".to_owned(),
        TypeRef::Memory(_) => "memory".to_owned(),
        TypeRef::Global(global) => format!("global {}{}", if global.mutable { "mut " } else { "" }, global.content_type),
        TypeRef::Tag(_) => "tag".to_owned(),
    }
}

fn kind_word(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "function",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}

fn component_word(ty: &ComponentTypeRef) -> &'static str {
    component_kind_word(ty.kind())
}

fn component_kind_word(kind: ComponentExternalKind) -> &'static str {
    match kind {
        ComponentExternalKind::Module => "module",
        ComponentExternalKind::Func => "function",
        ComponentExternalKind::Value => "value",
        ComponentExternalKind::Type => "type",
        ComponentExternalKind::Instance => "instance",
        ComponentExternalKind::Component => "component",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module of these sections: `(number, bytes)`.
    fn module(sections: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        for (number, section) in sections {
            bytes.extend([*number, u8::try_from(section.len()).unwrap()]);
            bytes.extend(*section);
        }
        bytes
    }

    #[test]
    fn functions_are_told_with_their_types_imported_ones_counted_first() {
        let bytes = module(&[
            // (i32, i32) -> i64, and (f32)
            (1, b"\x02\x60\x02\x7f\x7f\x01\x7e\x60\x01\x7d\x00"),
            // env.log: the second type
            (2, b"\x01\x03env\x03log\x00\x01"),
            (3, b"\x01\x00"),
            (5, b"\x01\x00\x01"),
            (7, b"\x03\x03run\x00\x01\x03mem\x02\x00\x05again\x00\x00"),
            (10, b"\x01\x04\x00\x42\x00\x0b"),
        ]);
        let surface = Surface::of(&bytes).unwrap();
        let told = |items: &BTreeMap<String, String>| items.iter().map(|(name, word)| format!("{name} {word}")).collect::<Vec<_>>();
        assert_eq!(told(&surface.exports), ["again (f32)", "mem memory", "run (i32, i32) -> i64"]);
        assert_eq!(told(&surface.imports), ["env.log (f32)"]);
    }

    #[test]
    fn nothing_hides_behind_what_is_too_long_or_too_much() {
        let many = |last: &str| -> BTreeMap<String, String> {
            (0..3_000).map(|at| (format!("f{at:04}"), "x".to_owned())).chain([("z".to_owned(), last.to_owned())]).collect()
        };
        let told = shortened(many("a"));
        assert_eq!(told.len(), MAX_ITEMS + 1);
        assert_ne!(told, shortened(many("b")));
        let long = |last: &str| format!("{}{last}", "é".repeat(MAX_TEXT));
        assert!(cut(&long("a")).chars().count() < MAX_TEXT + 40);
        assert_ne!(cut(&long("a")), cut(&long("b")));
    }

    #[test]
    fn the_functions_and_types_of_a_components_interfaces_are_told() {
        let bytes = include_bytes!("../../../../fixtures/conformance/component-rust/plugin.wasm");
        let surface = Surface::of(bytes).unwrap();
        let told = |name: &str| surface.exports.get(&format!("mockforge:plugin/{name}")).map(String::as_str);
        assert_eq!(told("auth@0.1.0"), Some("instance"));
        insta::assert_snapshot!(
            surface
                .exports
                .iter()
                .filter(|(name, _)| name.contains('#'))
                .map(|(name, word)| format!("{name}: {word}\n"))
                .collect::<String>()
        );
        // Half of it isn't one, and a core module has no interfaces.
        assert!(component::interfaces(&bytes[..bytes.len() / 2], ["mockforge:plugin/auth@0.1.0"]).is_empty());
        assert!(component::interfaces(b"\0asm\x01\0\0\0", ["a"]).is_empty());
    }

    #[test]
    fn what_a_module_says_of_itself_may_be_nonsense() {
        // An export of a function that isn't there, of a type that isn't there.
        let bytes = module(&[(3, b"\x01\x09"), (7, b"\x02\x01a\x00\x00\x01b\x00\x63"), (10, b"\x01\x02\x00\x0b")]);
        let surface = Surface::of(&bytes).unwrap();
        assert_eq!(surface.exports["a"], "function");
        assert_eq!(surface.exports["b"], "function");
        assert!(Surface::of(b"\x7fELF").is_err() && Surface::of(&bytes[..bytes.len() - 1]).is_err());
    }
}
