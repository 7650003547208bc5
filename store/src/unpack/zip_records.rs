//! What do a zip's records say? The three that are accepted, field by field, and the rules that each must keep alone.
//!
//! Whether they agree with one another is [`super::zip`]'s question.

use super::error::{ArchiveClass, ArchiveError};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
/// What other records begin with: the ends of zip64, archive data, digital signatures.
const OTHERS: [u32; 4] = [0x0606_4b50, 0x0706_4b50, 0x0806_4b50, 0x0505_4b50];
/// The fixed part of the end record.
pub(crate) const END_BYTES: usize = 22;
/// A data descriptor with its signature.
pub(crate) const DESCRIPTOR_BYTES: usize = 16;

/// Bits of the general-purpose flags.
const DEFERRED: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
/// How hard the compressor tried: bits 1 and 2.
const EFFORT: u16 = 0b110;

pub(crate) fn corrupt(why: &'static str) -> ArchiveError {
    ArchiveError::whole(ArchiveClass::Corrupt, why)
}

pub(crate) fn differential(why: &'static str) -> ArchiveError {
    ArchiveError::whole(ArchiveClass::Differential, why)
}

/// A cursor over bytes; everything is little-endian.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes.get(offset..).unwrap_or_default() }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], ArchiveError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(corrupt("it ends inside a record"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, ArchiveError> {
        self.bytes(2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, ArchiveError> {
        self.bytes(4).map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn skip(&mut self, count: usize) -> Result<(), ArchiveError> {
        self.bytes(count).map(drop)
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }
}

/// How a member is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Stored,
    Deflated,
}

/// Checksum and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) crc: u32,
    pub(crate) compressed: u32,
    pub(crate) size: u32,
}

/// What a local header and a central entry both say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Common<'a> {
    flags: u16,
    method: u16,
    pub(crate) facts: Facts,
    pub(crate) name: &'a [u8],
}

impl<'a> Common<'a> {
    /// Are the facts in a descriptor after the data?
    pub(crate) fn is_deferred(&self) -> bool {
        self.flags & DEFERRED != 0
    }

    /// The same text and method, and the same facts unless those are deferred.
    pub(crate) fn agrees_with(&self, local: &Common<'a>) -> bool {
        let nothing = Facts { crc: 0, compressed: 0, size: 0 };
        self.flags == local.flags
            && self.method == local.method
            && self.name == local.name
            && (self.facts == local.facts || (self.is_deferred() && local.facts == nothing))
    }

    /// The method, if it and the flags are among those that are accepted.
    pub(crate) fn method(&self) -> Result<Method, ArchiveError> {
        let special = |why| Err(ArchiveError::member(ArchiveClass::Special, self.name, why));
        if self.flags & (1 | 1 << 6 | 1 << 13) != 0 {
            return special("it's encrypted");
        }
        if self.flags & !(DEFERRED | UTF8 | EFFORT) != 0 {
            return special("flags that aren't known");
        }
        match self.method {
            0 if self.is_deferred() => {
                Err(ArchiveError::member(ArchiveClass::Differential, self.name, "stored data whose end isn't known beforehand"))
            }
            0 => Ok(Method::Stored),
            8 => Ok(Method::Deflated),
            _ => special("compressed by a method other than deflate"),
        }
    }

    /// The name, if it's surely UTF-8.
    pub(crate) fn check_encoding(&self) -> Result<(), ArchiveError> {
        if self.flags & UTF8 == 0 && !self.name.is_ascii() {
            return Err(ArchiveError::member(ArchiveClass::Name, self.name, "a name that doesn't say it's UTF-8"));
        }
        Ok(())
    }
}

/// A local header.
#[derive(Debug)]
pub(crate) struct Local<'a> {
    pub(crate) common: Common<'a>,
}

impl<'a> Local<'a> {
    pub(crate) fn parse(fields: &mut Fields<'a>) -> Result<Self, ArchiveError> {
        if fields.u32()? != LOCAL {
            return Err(differential("a member where the directory says is none"));
        }
        fields.skip(2)?; // version needed
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(4)?; // time
        let facts = Facts { crc: fields.u32()?, compressed: fields.u32()?, size: fields.u32()? };
        let (name, extra) = (fields.u16()?, fields.u16()?);
        let name = fields.bytes(name.into())?;
        check_extra(fields.bytes(extra.into())?, name)?;
        Ok(Self { common: Common { flags, method, facts, name } })
    }
}

/// A central entry.
#[derive(Debug)]
pub(crate) struct Central<'a> {
    pub(crate) common: Common<'a>,
    /// Where its local header begins.
    pub(crate) offset: u32,
    attributes: u32,
}

impl<'a> Central<'a> {
    pub(crate) fn parse(fields: &mut Fields<'a>) -> Result<Self, ArchiveError> {
        if fields.u32()? != CENTRAL {
            return Err(differential("the directory doesn't have the entries that the end record says"));
        }
        fields.skip(4)?; // versions
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(4)?; // time
        let facts = Facts { crc: fields.u32()?, compressed: fields.u32()?, size: fields.u32()? };
        let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let disk = fields.u16()?;
        fields.skip(2)?; // "is text"
        let (attributes, offset) = (fields.u32()?, fields.u32()?);
        let name = fields.bytes(name.into())?;
        if disk != 0 || facts.compressed == u32::MAX || facts.size == u32::MAX || offset == u32::MAX {
            return Err(ArchiveError::member(ArchiveClass::Differential, name, "on another disk, or in zip64"));
        }
        check_extra(fields.bytes(extra.into())?, name)?;
        check_comment(fields.bytes(comment.into())?)?;
        Ok(Self { common: Common { flags, method, facts, name }, offset, attributes })
    }

    /// Is it a folder? An error if it's neither that nor a regular file, or if name and attributes disagree.
    pub(crate) fn is_folder(&self) -> Result<bool, ArchiveError> {
        const FOLDER_ATTRIBUTE: u32 = 0x10;
        const LABEL_ATTRIBUTE: u32 = 0x08;
        let name = self.common.name;
        let named_so = name.ends_with(b"/");
        let refuse = |class, why| Err(ArchiveError::member(class, name, why));
        // The upper half is a Unix mode, whatever system the entry says it's from: readers differ in whether they look.
        match self.attributes >> 28 {
            0o12 => return refuse(ArchiveClass::Link, "a symbolic link"),
            0o00 => (),
            0o10 if !named_so => (),
            0o04 if named_so => (),
            0o10 | 0o04 => return refuse(ArchiveClass::Differential, "a file that's named like a folder, or the reverse"),
            _ => return refuse(ArchiveClass::Special, "neither a regular file nor a folder"),
        }
        if self.attributes & LABEL_ATTRIBUTE != 0 {
            return refuse(ArchiveClass::Special, "a volume label");
        }
        if self.attributes & FOLDER_ATTRIBUTE != 0 && !named_so {
            return refuse(ArchiveClass::Differential, "a file with the attribute of a folder");
        }
        Ok(named_so)
    }
}

/// The record at the end of a zip.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) entries: u16,
    pub(crate) directory_size: u32,
    pub(crate) directory_offset: u32,
    /// Where the record itself begins.
    pub(crate) at: usize,
}

impl End {
    /// Find it: the last one in the file, which must end with it and its comment.
    pub(crate) fn find(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let from = bytes.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
        let signature = END.to_le_bytes();
        let at = bytes[from..].windows(4).rposition(|window| window == signature);
        let at = from + at.ok_or(corrupt("it isn't a zip, or its end is missing"))?;
        let mut fields = Fields::at(bytes, at + 4);
        let disks = (fields.u16()?, fields.u16()?);
        let (here, entries) = (fields.u16()?, fields.u16()?);
        let (directory_size, directory_offset) = (fields.u32()?, fields.u32()?);
        let comment = usize::from(fields.u16()?);
        if comment < fields.left() {
            return Err(differential("there's data after the end of the zip"));
        }
        check_comment(fields.bytes(comment)?)?;
        // Some readers take the first end whose comment ends with the file, not the last.
        let reaches_the_end = |start: &usize| {
            let length = Fields::at(bytes, *start + END_BYTES - 2).u16().unwrap_or_default();
            *start < at && *start + END_BYTES + usize::from(length) == bytes.len()
        };
        let signatures = bytes[from..].windows(4).enumerate().filter(|(_, window)| *window == signature);
        if signatures.map(|(start, _)| from + start).any(|start| reaches_the_end(&start)) {
            return Err(differential("two records that could be the end of the zip"));
        }
        if disks != (0, 0) || here != entries || entries == u16::MAX || directory_size == u32::MAX || directory_offset == u32::MAX {
            return Err(differential("a zip of several disks, or zip64"));
        }
        Ok(Self { entries, directory_size, directory_offset, at })
    }
}

/// Does the directory hold as many entries as it should, and no other record? A reader that looks for the end of zip64 just before
/// the end record, or for any record's signature, mustn't find one inside an entry.
pub(crate) fn check_directory(directory: &[u8], entries: u16) -> Result<(), ArchiveError> {
    let mut found = 0_usize;
    for window in directory.windows(4) {
        match u32::from_le_bytes([window[0], window[1], window[2], window[3]]) {
            CENTRAL => found += 1,
            LOCAL | END | DESCRIPTOR => return Err(differential("a record inside the directory")),
            other if OTHERS.contains(&other) => return Err(differential("a record inside the directory")),
            _ => (),
        }
    }
    if found == usize::from(entries) { Ok(()) } else { Err(differential("an entry inside an entry")) }
}

/// The record after the data of a member whose header couldn't know its size.
pub(crate) fn parse_descriptor(fields: &mut Fields<'_>) -> Result<Facts, ArchiveError> {
    if fields.u32()? != DESCRIPTOR {
        return Err(differential("a data descriptor without its signature"));
    }
    Ok(Facts { crc: fields.u32()?, compressed: fields.u32()?, size: fields.u32()? })
}

/// A comment is a line of text: it can't be a record, since each of those has a control character in its signature.
fn check_comment(comment: &[u8]) -> Result<(), ArchiveError> {
    let plain = comment.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    if plain { Ok(()) } else { Err(differential("a comment that isn't plain text")) }
}

fn check_extra(extra: &[u8], name: &[u8]) -> Result<(), ArchiveError> {
    let refuse = |class, why| Err(ArchiveError::member(class, name, why));
    let mut fields = Fields { rest: extra };
    while fields.left() > 0 {
        let field = fields.u16().and_then(|id| Ok((id, fields.u16()?))).and_then(|(id, size)| Ok((id, fields.bytes(size.into())?)));
        let Ok((id, data)) = field else { return refuse(ArchiveClass::Differential, "a malformed extra field") };
        match id {
            0x000d | 0x756e => return refuse(ArchiveClass::Special, "an extra field that can hold a link or a device"),
            0x0017 | 0x9901 => return refuse(ArchiveClass::Special, "it's encrypted"),
            id if is_harmless(id, data) => (),
            _ => return refuse(ArchiveClass::Differential, "an extra field that only some programs know"),
        }
    }
    Ok(())
}

/// Extra fields that say nothing about names or bytes (times, owners, alignment, "made by a Java tool"), in the form that they have
/// where they say only that: room for anything else would be room for another zip.
fn is_harmless(id: u16, data: &[u8]) -> bool {
    let padded = |head: usize| data.len() >= head && data[head..].iter().all(|byte| *byte == 0);
    match id {
        0x000a => data.len() == 32 && data[4..8] == [1, 0, 24, 0], // NTFS times
        0x5455 => matches!(data.len(), 1 | 5 | 9 | 13),            // Unix times
        0x5855 => matches!(data.len(), 8 | 12),                    // Unix times and owners, older
        0x7855 => matches!(data.len(), 0 | 4),                     // owners
        0x7875 => data.is_empty() || is_owner(data),
        0xcafe => data.is_empty(),
        0xd935 => padded(2),                                  // alignment
        0xa220 => padded(4) && data.starts_with(b"\x28\xa0"), // room to grow
        _ => false,
    }
}

/// Version 1, then a user's and a group's number, each after its length.
fn is_owner(data: &[u8]) -> bool {
    let number = |data: &[u8]| {
        let (&length, rest) = data.split_first()?;
        rest.get(usize::from(length)..).filter(|_| length <= 8).map(<[u8]>::to_vec)
    };
    data.split_first().filter(|(version, _)| **version == 1).and_then(|(_, rest)| number(rest)).and_then(|rest| number(&rest))
        == Some(Vec::new())
}
