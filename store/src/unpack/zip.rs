//! Which files are in this zip, if all three places that say so agree?
//!
//! A zip says everything twice or three times: in the local header, after the data, in the directory at the end. Readers
//! differ in what they believe. Here the records must lie one after another without a gap, from the first byte to the last,
//! and agree in every fact; so it can't matter which one is believed. Data is inflated to exactly its end, its size and
//! its checksum compared. Zip64, several disks, encryption and other methods aren't accepted.

use std::io::Read;

use flate2::{Decompress, FlushDecompress, Status};

use super::error::{ArchiveClass, ArchiveError};
use super::input::Metered;
use super::sink::Sink;
use super::zip_records::{
    Central, DESCRIPTOR_BYTES, End, Facts, Fields, Local, Method, check_directory, corrupt, differential, parse_descriptor,
};
use super::{MAX_ENTRIES, MAX_FILE_BYTES};
use crate::error::Result;

pub(crate) fn unpack(input: &mut Metered<'_>, sink: &mut Sink) -> Result<()> {
    let mut bytes = Vec::new(); // at most MAX_ARCHIVE_BYTES: the input is capped
    input.read_to_end(&mut bytes).map_err(|_| corrupt("it can't be read to its end"))?;
    let (end, entries) = directory(&bytes)?;
    let mut offset = 0;
    for entry in &entries {
        sink.count_member()?;
        offset = member(&bytes[..end.directory_offset as usize], offset, entry, sink)?;
    }
    if offset != end.directory_offset as usize {
        return Err(differential("there's data between the members and the directory").into());
    }
    Ok(())
}

/// The end record and the directory's entries, which fill the space between the directory's offset and the end record.
fn directory(bytes: &[u8]) -> Result<(End, Vec<Central<'_>>), ArchiveError> {
    let end = End::find(bytes)?;
    if u64::from(end.entries) > MAX_ENTRIES {
        return Err(ArchiveError::whole(ArchiveClass::Limit, "it has more than 10 000 members"));
    }
    if u64::from(end.directory_offset) + u64::from(end.directory_size) != end.at as u64 {
        return Err(differential("the directory isn't where the end record says"));
    }
    let mut fields = Fields::at(&bytes[..end.at], end.directory_offset as usize);
    let entries = (0..end.entries).map(|_| Central::parse(&mut fields)).collect::<Result<Vec<_>, _>>()?;
    if fields.left() != 0 {
        return Err(differential("the directory has more entries than the end record says"));
    }
    check_directory(&bytes[end.directory_offset as usize..end.at], end.entries)?;
    Ok((end, entries))
}

/// Check and unpack the member at `offset` of the bytes before the directory. Gives the offset after it.
fn member(bytes: &[u8], offset: usize, entry: &Central<'_>, sink: &mut Sink) -> Result<usize> {
    let common = &entry.common;
    let refuse = |why| Err(ArchiveError::member(ArchiveClass::Differential, common.name, why).into());
    if entry.offset as usize != offset {
        return refuse("not where the member before it ends");
    }
    let mut fields = Fields::at(bytes, offset);
    let local = Local::parse(&mut fields)?;
    if !common.agrees_with(&local.common) {
        return refuse("the directory and the member itself disagree");
    }
    let method = common.method()?;
    common.check_encoding()?;
    let is_folder = entry.is_folder()?;
    let data_at = bytes.len() - fields.left();
    let data = fields.bytes(common.facts.compressed as usize)?;
    let descriptor_bytes = if common.is_deferred() { DESCRIPTOR_BYTES } else { 0 };
    if common.is_deferred() && parse_descriptor(&mut fields)? != common.facts {
        return refuse("the directory and the data descriptor disagree");
    }
    if is_folder {
        folder(common.name, data, method, common.facts, sink)?;
    } else {
        file(common.name, data, method, common.facts, sink)?;
    }
    Ok(data_at + data.len() + descriptor_bytes)
}

fn folder(name: &[u8], data: &[u8], method: Method, facts: Facts, sink: &mut Sink) -> Result<()> {
    let mut content = Content::new(name, data, method, facts);
    if facts.size != 0 || content.pull(&mut [0])? != 0 {
        return Err(ArchiveError::member(ArchiveClass::Differential, name, "a folder with data").into());
    }
    Ok(sink.folder(name)?)
}

fn file(name: &[u8], data: &[u8], method: Method, facts: Facts, sink: &mut Sink) -> Result<()> {
    let path = sink.file(name)?;
    let mut content = Content::new(name, data, method, facts);
    if u64::from(facts.size) > MAX_FILE_BYTES {
        return Err(content.too_large_or_lying().into());
    }
    sink.put(&path, &mut |buffer| Ok(content.pull(buffer)?))?;
    Ok(())
}

/// The content of a member, checked against its facts while it's pulled.
struct Content<'a> {
    name: &'a [u8],
    data: &'a [u8],
    inflate: Option<Decompress>,
    facts: Facts,
    crc: crc32fast::Hasher,
    size: u64,
    ended: bool,
}

impl<'a> Content<'a> {
    fn new(name: &'a [u8], data: &'a [u8], method: Method, facts: Facts) -> Self {
        let inflate = (method == Method::Deflated).then(|| Decompress::new(false));
        Self { name, data, inflate, facts, crc: crc32fast::Hasher::new(), size: 0, ended: false }
    }

    fn error(&self, class: ArchiveClass, why: &'static str) -> ArchiveError {
        ArchiveError::member(class, self.name, why)
    }

    /// The next bytes; 0 when all were given and size, checksum and the end of the data are what they should be.
    fn pull(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        if self.ended {
            return Ok(0);
        }
        let count = self.read(buffer)?;
        self.crc.update(&buffer[..count]);
        self.size += count as u64;
        if self.size > u64::from(self.facts.size) {
            return Err(self.error(ArchiveClass::Differential, "more data than its size says"));
        }
        if count == 0 {
            self.ended = true;
            self.check_end()?;
        }
        Ok(count)
    }

    fn check_end(&self) -> Result<(), ArchiveError> {
        if !self.data.is_empty() {
            return Err(self.error(ArchiveClass::Differential, "data after the end of the compressed data"));
        }
        if self.size != u64::from(self.facts.size) {
            return Err(self.error(ArchiveClass::Differential, "less data than its size says"));
        }
        if self.crc.clone().finalize() != self.facts.crc {
            return Err(self.error(ArchiveClass::Corrupt, "the checksum is wrong"));
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let Some(inflate) = &mut self.inflate else {
            let count = buffer.len().min(self.data.len());
            let (now, later) = self.data.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.data = later;
            return Ok(count);
        };
        loop {
            let before = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(self.data, buffer, FlushDecompress::None);
            let consumed = usize::try_from(inflate.total_in() - before.0).expect("no more than there was");
            let count = usize::try_from(inflate.total_out() - before.1).expect("no more than fits");
            self.data = &self.data[consumed..];
            match status {
                Ok(Status::StreamEnd) => {
                    self.inflate = None;
                    // Bytes left over aren't stored data: they're refused at the end.
                    let leftover = std::mem::take(&mut self.data);
                    if !leftover.is_empty() {
                        return Err(self.error(ArchiveClass::Differential, "data after the end of the compressed data"));
                    }
                    return Ok(count);
                }
                Ok(_) if count > 0 => return Ok(count),
                Ok(_) if consumed > 0 => (),
                _ => return Err(self.error(ArchiveClass::Corrupt, "the compressed data is damaged")),
            }
        }
    }

    /// The member says it's larger than a file may be. Is it, or does it lie? Nothing is written to find out.
    fn too_large_or_lying(mut self) -> ArchiveError {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.pull(&mut buffer) {
                Ok(_) if self.size > MAX_FILE_BYTES => return self.error(ArchiveClass::Limit, "a file of more than 64 MiB"),
                Ok(_) => (),
                Err(error) => return error,
            }
        }
    }
}
