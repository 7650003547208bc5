//! What does a `.wasm` carry beside its code? Its manifest, and the word that it's to become a component.
//!
//! Only the file's own sections are looked at, not those of modules in a component. Nothing is validated beyond their frames.

use std::ops::Range;

use wasmparser::{BinaryReader, CustomSectionReader};

use super::wasm::{MANIFEST_SECTION, WasmError};

/// The length of magic and version, of modules and components alike.
const HEADER: usize = 8;
/// The id of a custom section, in both.
const CUSTOM: u8 = 0;
/// What the names of sections begin with that say which component a module is to become.
const COMPONENT_TYPE: &str = "component-type";

/// The file without its manifest, however many it has.
pub fn without_manifest(wasm: &[u8]) -> Result<Vec<u8>, WasmError> {
    let mut bytes = wasm.get(..HEADER).ok_or_else(|| cut(0))?.to_vec();
    for section in sections(wasm)? {
        if section.name.as_deref() != Some(MANIFEST_SECTION) {
            bytes.extend_from_slice(&wasm[section.frame]);
        }
    }
    Ok(bytes)
}

/// Does a module say which component it's to become, as those of `wit-bindgen` do?
pub fn has_component_types(wasm: &[u8]) -> bool {
    let names = sections(wasm).unwrap_or_default().into_iter().filter_map(|section| section.name);
    names.into_iter().any(|name| name.starts_with(COMPONENT_TYPE))
}

/// A section: all of its bytes with id and length, and its name if it's a custom one.
struct Section {
    frame: Range<usize>,
    name: Option<String>,
}

fn sections(wasm: &[u8]) -> Result<Vec<Section>, WasmError> {
    let mut reader = BinaryReader::new(wasm, 0);
    reader.read_bytes(HEADER.min(wasm.len()))?;
    let mut sections = Vec::new();
    while !reader.eof() {
        let start = reader.original_position();
        let id = reader.read_u8()?;
        let length = reader.read_var_u32()?;
        let (at, body) = (reader.original_position(), reader.read_bytes(length as usize)?);
        let name = if id == CUSTOM { Some(CustomSectionReader::new(BinaryReader::new(body, at))?.name().to_owned()) } else { None };
        sections.push(Section { frame: start..reader.original_position(), name });
    }
    Ok(sections)
}

fn cut(offset: usize) -> WasmError {
    WasmError::Invalid { message: "it ends within its header".to_owned(), offset }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &[u8] = b"\0asm\x01\0\0\0";

    fn custom(name: &str, data: &[u8]) -> Vec<u8> {
        let length = u8::try_from(1 + name.len() + data.len()).unwrap();
        [&[0, length, u8::try_from(name.len()).unwrap()], name.as_bytes(), data].concat()
    }

    #[test]
    fn only_the_manifest_goes() {
        let other = custom("name", b"x");
        let wasm = [EMPTY, &custom(MANIFEST_SECTION, b"a"), &other, &custom(MANIFEST_SECTION, b"b")].concat();
        assert_eq!(without_manifest(&wasm).unwrap(), [EMPTY, &other].concat());
        assert_eq!(without_manifest(EMPTY).unwrap(), EMPTY);
    }

    #[test]
    fn what_isnt_whole_is_an_error_and_no_panic() {
        let wasm = [EMPTY, &custom(MANIFEST_SECTION, b"abc")].concat();
        for end in (0..wasm.len()).filter(|end| *end != EMPTY.len()) {
            assert!(without_manifest(&wasm[..end]).is_err(), "{end}");
            assert!(!has_component_types(&wasm[..end]));
        }
    }

    #[test]
    fn a_module_says_that_its_to_be_a_component() {
        assert!(has_component_types(&[EMPTY, &custom("component-type:wit-bindgen", b"")].concat()));
        assert!(!has_component_types(&[EMPTY, &custom("producers", b"")].concat()));
    }
}
