//! Which files are in this tar? POSIX ustar and GNU headers, one meaning each.
//!
//! Accepted: regular files and folders; a PAX header with a long path for the one member after it; a GNU long name for the one
//! member after it; never both. A leading global PAX header that holds nothing but a comment (git writes the commit there).
//! Refused: every other kind of member, links above all; sizes that aren't plain octal; whatever one program would read
//! and another skip: text after the first NUL of a field, a prefix in a GNU header, bytes in padding, a linked name on a file.
//! The end is two blocks of zeros, and after it there are only zeros.

use std::io::Read;

use super::error::{ArchiveClass, ArchiveError};
use super::input::read_full;
use super::pax;
use super::sink::Sink;
use super::{MAX_FILE_BYTES, MAX_UNPACKED_BYTES};
use crate::error::Result;

const BLOCK: usize = 512;
/// The largest PAX header or GNU long name, in bytes. A path has at most 256.
const MAX_EXTENSION: u64 = 64 << 10;
/// The longest stream: the files, 10 000 headers with their extensions, and a generous end.
const MAX_STREAM: u64 = MAX_UNPACKED_BYTES + (64 << 20);

/// Put the files of a tar into the sink. The stream is read to its end.
pub(crate) fn unpack(stream: &mut dyn Read, sink: &mut Sink) -> Result<()> {
    let mut blocks = Blocks { stream, read: 0 };
    let mut extension = Extension::None;
    let mut first = true;
    loop {
        let block = blocks.next()?.ok_or_else(|| corrupt("it ends without the two zero blocks that end a tar"))?;
        if is_zero(&block) {
            return finish(&mut blocks, &extension);
        }
        let header = Header::parse(&block)?;
        match header.kind {
            b'x' | b'g' | b'L' => extension = extension.then(&header, &mut blocks, first)?,
            _ => member(&header, std::mem::take(&mut extension), &mut blocks, sink)?,
        }
        first = false;
    }
}

fn corrupt(why: &'static str) -> ArchiveError {
    ArchiveError::whole(ArchiveClass::Corrupt, why)
}

fn differential(why: &'static str) -> ArchiveError {
    ArchiveError::whole(ArchiveClass::Differential, why)
}

fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|byte| *byte == 0)
}

/// The decompressed stream, read in blocks and counted.
struct Blocks<'s> {
    stream: &'s mut dyn Read,
    read: u64,
}

impl Blocks<'_> {
    /// The next whole block; `None` at the end of the stream.
    fn next(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ => Err(corrupt("it ends inside a block").into()),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let count = read_full(self.stream, buffer).map_err(|_| corrupt("the compressed data is damaged or incomplete"))?;
        self.read += count as u64;
        if self.read > MAX_STREAM {
            return Err(ArchiveError::whole(ArchiveClass::Limit, "it unpacks to more than 256 MiB").into());
        }
        Ok(count)
    }

    fn fill_whole(&mut self, buffer: &mut [u8]) -> Result<()> {
        if self.fill(buffer)? < buffer.len() { Err(corrupt("it ends inside a member").into()) } else { Ok(()) }
    }

    /// The rest of a member's last block, which says nothing.
    fn skip_padding(&mut self, size: u64) -> Result<()> {
        let used = usize::try_from(size % BLOCK as u64).expect("less than a block");
        if used == 0 {
            return Ok(());
        }
        let mut padding = [0; BLOCK];
        let padding = &mut padding[used..];
        self.fill_whole(padding)?;
        if is_zero(padding) { Ok(()) } else { Err(differential("there's data in the padding after a member").into()) }
    }

    /// The data of a small member.
    fn data(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut data = vec![0; usize::try_from(size).expect("small")];
        self.fill_whole(&mut data)?;
        self.skip_padding(size)?;
        Ok(data)
    }
}

/// The first of the two zero blocks was seen.
fn finish(blocks: &mut Blocks<'_>, extension: &Extension) -> Result<()> {
    if !matches!(extension, Extension::None) {
        return Err(differential("a PAX header or a long name with no member after it").into());
    }
    match blocks.next()? {
        None => return Err(corrupt("it ends with one zero block instead of two").into()),
        Some(block) if !is_zero(&block) => return Err(differential("a single zero block with more after it").into()),
        Some(_) => (),
    }
    let mut rest = vec![0; 64 << 10];
    loop {
        let count = blocks.fill(&mut rest)?;
        if !is_zero(&rest[..count]) {
            return Err(differential("there's data after the end of the tar").into());
        }
        if count < rest.len() {
            return Ok(());
        }
    }
}

/// What the headers before a member say about it.
#[derive(Debug, Default)]
enum Extension {
    #[default]
    None,
    Pax(pax::Records),
    LongName(Vec<u8>),
}

impl Extension {
    /// Read one more extension header. Only one is allowed before a member.
    fn then(&self, header: &Header<'_>, blocks: &mut Blocks<'_>, first: bool) -> Result<Self> {
        if header.size > MAX_EXTENSION {
            return Err(ArchiveError::whole(ArchiveClass::Limit, "a PAX header or a long name of more than 64 KiB").into());
        }
        if !matches!(self, Self::None) {
            return Err(differential("two PAX headers or long names for one member").into());
        }
        let data = blocks.data(header.size)?;
        match header.kind {
            b'L' => Ok(Self::LongName(long_name(data)?)),
            b'g' if !first => Err(differential("a global PAX header that isn't at the beginning").into()),
            b'g' => {
                pax::check_global(&data)?;
                Ok(Self::None)
            }
            _ => Ok(Self::Pax(pax::Records::parse(&data)?)),
        }
    }
}

/// A GNU long name ends with one NUL and has no other.
fn long_name(mut data: Vec<u8>) -> Result<Vec<u8>, ArchiveError> {
    if data.pop() != Some(0) {
        return Err(differential("a long name that doesn't end with a NUL"));
    }
    Ok(data)
}

/// A file, a folder, or something that isn't accepted.
fn member(header: &Header<'_>, extension: Extension, blocks: &mut Blocks<'_>, sink: &mut Sink) -> Result<()> {
    let ustar_name = header.name()?;
    let (name, pax_size) = match extension {
        Extension::None => (ustar_name, None),
        // Some readers put the prefix before the long name, most don't.
        Extension::LongName(_) if header.has_prefix() => {
            return Err(ArchiveError::member(ArchiveClass::Differential, &ustar_name, "a GNU long name and a POSIX prefix").into());
        }
        Extension::LongName(name) => (name, None),
        Extension::Pax(records) => (records.path.unwrap_or(ustar_name), records.size),
    };
    sink.count_member()?;
    if header.size > MAX_FILE_BYTES {
        return Err(ArchiveError::member(ArchiveClass::Limit, &name, "a member of more than 64 MiB").into());
    }
    check_kind(header.kind, &name)?;
    if pax_size.is_some_and(|size| size != header.size) {
        return Err(ArchiveError::member(ArchiveClass::Differential, &name, "two sizes").into());
    }
    if header.has_link_name() {
        return Err(ArchiveError::member(ArchiveClass::Differential, &name, "the name of a link on something else").into());
    }
    if header.kind == b'5' {
        if header.size != 0 {
            return Err(ArchiveError::member(ArchiveClass::Differential, &name, "a folder with data").into());
        }
        return Ok(sink.folder(&name)?);
    }
    if name.ends_with(b"/") {
        return Err(ArchiveError::member(ArchiveClass::Differential, &name, "a file that's named like a folder").into());
    }
    file(&name, header.size, blocks, sink)
}

fn check_kind(kind: u8, name: &[u8]) -> Result<(), ArchiveError> {
    let (class, why) = match kind {
        b'0' | 0 | b'5' => return Ok(()),
        b'1' => (ArchiveClass::Link, "a hard link"),
        b'2' => (ArchiveClass::Link, "a symbolic link"),
        b'K' => (ArchiveClass::Link, "a link with a long name"),
        b'3' | b'4' => (ArchiveClass::Special, "a device"),
        b'6' => (ArchiveClass::Special, "a FIFO"),
        b'S' => (ArchiveClass::Special, "a sparse file"),
        _ => (ArchiveClass::Special, "neither a regular file nor a folder"),
    };
    Err(ArchiveError::member(class, name, why))
}

fn file(name: &[u8], size: u64, blocks: &mut Blocks<'_>, sink: &mut Sink) -> Result<()> {
    let path = sink.file(name)?;
    let mut left = size;
    sink.put(&path, &mut |buffer| {
        let wanted = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        blocks.fill_whole(&mut buffer[..wanted])?;
        left -= wanted as u64;
        Ok(wanted)
    })?;
    blocks.skip_padding(size)
}

/// A header block whose checksum is right.
struct Header<'b> {
    block: &'b [u8; BLOCK],
    /// The type flag.
    kind: u8,
    size: u64,
    gnu: bool,
}

impl<'b> Header<'b> {
    fn parse(block: &'b [u8; BLOCK]) -> Result<Self, ArchiveError> {
        let sum: u64 = block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) }).sum();
        if octal(&block[148..156]) != Some(sum) {
            return Err(corrupt("a header whose checksum is wrong"));
        }
        let gnu = match &block[257..265] {
            b"ustar\x0000" => false,
            b"ustar  \0" => true,
            _ => return Err(corrupt("a header that's neither POSIX nor GNU tar's")),
        };
        if !is_zero(&block[500..]) || (gnu && !is_zero(&block[345..500])) {
            return Err(differential("a header with fields that only some programs know"));
        }
        let size = octal(&block[124..136]).ok_or_else(|| corrupt("a size that isn't a plain octal number"))?;
        Ok(Self { block, kind: block[156], size, gnu })
    }

    /// The name in this block, with its prefix.
    fn name(&self) -> Result<Vec<u8>, ArchiveError> {
        let name = text(&self.block[..100])?;
        let prefix = if self.gnu { &[][..] } else { text(&self.block[345..500])? };
        if prefix.is_empty() { Ok(name.to_owned()) } else { Ok([prefix, b"/", name].concat()) }
    }

    fn has_prefix(&self) -> bool {
        !is_zero(&self.block[345..500])
    }

    fn has_link_name(&self) -> bool {
        !is_zero(&self.block[157..257])
    }
}

/// A field of text: up to the first NUL, with nothing but NULs after it.
fn text(field: &[u8]) -> Result<&[u8], ArchiveError> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (text, rest) = field.split_at(end);
    if is_zero(rest) { Ok(text) } else { Err(differential("a name with more after its end")) }
}

/// A field with a plain octal number: leading spaces, digits, then only spaces and NULs.
fn octal(field: &[u8]) -> Option<u64> {
    let field = &field[field.iter().position(|byte| *byte != b' ')?..];
    let end = field.iter().position(|byte| !matches!(byte, b'0'..=b'7')).unwrap_or(field.len());
    let (digits, rest) = field.split_at(end);
    if digits.is_empty() || !rest.iter().all(|byte| matches!(byte, b' ' | 0)) {
        return None;
    }
    Some(digits.iter().fold(0, |number, digit| number << 3 | u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        assert_eq!(octal(b"0000644\0"), Some(0o644));
        assert_eq!(octal(b"   644 \0"), Some(0o644));
        assert_eq!(octal(b"77777777777\0"), Some(0o77_777_777_777));
        for wrong in [&b""[..], b"        ", b"\0\0\0\0", b"-1\0", b"12 4\0", b"0o7\0", b"\x80\0\0\0\0\0\0\0\0\0\0\x01", b"8\0"] {
            assert_eq!(octal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_field_ends_at_its_first_nul() {
        assert_eq!(text(b"abc\0\0").unwrap(), b"abc");
        assert_eq!(text(b"abc").unwrap(), b"abc");
        assert_eq!(text(b"abc\0x").unwrap_err().class(), ArchiveClass::Differential);
    }
}
