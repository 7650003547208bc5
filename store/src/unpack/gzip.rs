//! A tar in exactly one gzip member, with nothing after it.

use std::io::{BufRead, BufReader};

use flate2::bufread::GzDecoder;

use super::error::{ArchiveClass, ArchiveError};
use super::input::Metered;
use super::sink::Sink;
use super::tar;
use crate::error::Result;

pub(crate) fn unpack(input: &mut Metered<'_>, sink: &mut Sink) -> Result<()> {
    let mut member = GzDecoder::new(BufReader::with_capacity(64 << 10, input));
    tar::unpack(&mut member, sink)?; // to the end, so that the member's checksum was compared
    match member.into_inner().fill_buf() {
        Ok([]) => Ok(()),
        Ok(_) => Err(ArchiveError::whole(ArchiveClass::Differential, "there's data after the gzip member").into()),
        Err(_) => Err(ArchiveError::whole(ArchiveClass::Corrupt, "it can't be read to its end").into()),
    }
}
