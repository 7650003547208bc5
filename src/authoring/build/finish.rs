//! What's done to what a compiler leaves: a component where it's to be one, smaller where that's possible, and its manifest in it.

use std::path::Path;

use mfp_model::plugin::{MANIFEST_SECTION, WasmError, WasmKind, check_wasm_header, has_component_types, without_manifest};
use wasm_encoder::{CustomSection, Section as _};
use wit_component::ComponentEncoder;

use super::remedy::WASM_OPT;
use super::tools::Tools;
use crate::error::{Error, Result};
use crate::report::{Event, clean};

/// What `wasm-opt` may assume and write: what the sandbox takes, and nothing beyond.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-extended-const",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// A module that says that it's to be a component becomes one; everything else stays what it is.
pub(super) fn as_told(wasm: Vec<u8>) -> Result<(Vec<u8>, WasmKind)> {
    match check_wasm_header(&wasm).map_err(|error| not_wasm(&error))? {
        WasmKind::Module if has_component_types(&wasm) => {
            let component = ComponentEncoder::default().module(&wasm).and_then(|encoder| encoder.validate(true).encode());
            let component = component.map_err(|error| {
                Error::new("mfp::build::component", format!("no component can be made of what was built: {}", clean(&format!("{error:#}"))))
                    .help("what's exported has to be what the interfaces say; the guide to components shows one that works")
            })?;
            Ok((component, WasmKind::Component))
        }
        kind => Ok((wasm, kind)),
    }
}

fn not_wasm(error: &WasmError) -> Error {
    Error::new(error.code(), format!("what was built isn't a plugin's code: {error}"))
        .help("look at what the build says; it has to make WebAssembly")
}

/// The same, smaller, if `wasm-opt` is there and knows how. Components stay as they are: it doesn't read them.
pub(super) fn optimized(tools: &Tools<'_>, wasm: Vec<u8>, kind: WasmKind, scratch: &Path) -> (Vec<u8>, bool) {
    let Some(program) = tools.find("wasm-opt").filter(|_| kind == WasmKind::Module) else { return (wasm, false) };
    match run(tools, &program, &wasm, scratch) {
        Ok(smaller) if smaller.len() < wasm.len() => (smaller, true),
        Ok(_) => (wasm, false),
        Err(error) => {
            let text = format!("`wasm-opt` didn't do it, so the module stays as it was built: {}", error.message());
            tools.app.reporter.event(Event::Warning { code: "mfp::build::optimize", text });
            (wasm, false)
        }
    }
}

/// Is `wasm-opt` there? Which one, in words.
pub(super) fn found(tools: &Tools<'_>) -> Result<String> {
    let program = tools.need("wasm-opt", &WASM_OPT)?;
    Ok(clean(&tools.ask(tools.command(program).arg("--version")).unwrap_or_default()).into_owned())
}

fn run(tools: &Tools<'_>, program: &Path, wasm: &[u8], scratch: &Path) -> Result<Vec<u8>> {
    let (from, to) = (scratch.join("plain.wasm"), scratch.join("small.wasm"));
    let io = |what: &str, error: &std::io::Error| crate::explain::io(what, &from, error);
    mfp_store::fs::write_atomic(&from, wasm).map_err(crate::explain::store)?;
    tools.run(tools.command(program).arg("-Os").args(FEATURES).arg(&from).arg("-o").arg(&to))?;
    let smaller = std::fs::read(&to).map_err(|error| io("read what was optimised from", &error))?;
    check_wasm_header(&smaller).map_err(|error| not_wasm(&error))?;
    Ok(smaller)
}

/// With this manifest in it, and no other: so that the bare file says what it is.
pub(super) fn with_manifest(wasm: &[u8], manifest: &str) -> Result<Vec<u8>> {
    let mut bytes = without_manifest(wasm).map_err(|error| not_wasm(&error))?;
    CustomSection { name: MANIFEST_SECTION.into(), data: manifest.as_bytes().into() }.append_to(&mut bytes);
    check_wasm_header(&bytes).map_err(|error| not_wasm(&error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exactly one, whatever was there before, and nothing else is changed by it.
    #[test]
    fn a_module_and_a_component_carry_one_manifest_the_newest() {
        for (text, kind) in [("(module (func))", WasmKind::Module), ("(component (core module (func)))", WasmKind::Component)] {
            let bare = wat::parse_str(text).unwrap();
            let first = with_manifest(&bare, "first").unwrap();
            let second = with_manifest(&first, "second").unwrap();
            assert_eq!(check_wasm_header(&second), Ok(kind));
            assert_eq!(second, with_manifest(&bare, "second").unwrap());
            let twice = [first.as_slice(), &first[bare.len()..]].concat();
            assert_eq!(with_manifest(&twice, "second").unwrap(), second, "two of them, made by another program, become one");
            assert_eq!(without_manifest(&second).unwrap(), bare);
        }
    }
}
