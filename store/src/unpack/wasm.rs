//! A bare WebAssembly file: a package with the one file `plugin.wasm`. Whether it's valid code is the sandbox's question.

use std::io::Read;

use mfp_model::content::BARE_WASM_FILE;

use super::error::{ArchiveClass, ArchiveError};
use super::input::{Metered, read_full};
use super::sink::Sink;
use crate::error::Result;

pub(crate) fn unpack(input: &mut Metered<'_>, sink: &mut Sink) -> Result<()> {
    let corrupt = |why| ArchiveError::whole(ArchiveClass::Corrupt, why);
    let mut magic = [0; 4];
    let known = read_full(input, &mut magic).map_err(|_| corrupt("it can't be read"))?;
    if magic[..known] != *b"\0asm" {
        return Err(corrupt("it isn't WebAssembly").into());
    }
    let path = sink.file(BARE_WASM_FILE.as_bytes())?;
    let mut whole = magic.as_slice().chain(input);
    sink.put(&path, &mut |buffer| whole.read(buffer).map_err(|_| corrupt("it can't be read to its end").into()))?;
    Ok(())
}
