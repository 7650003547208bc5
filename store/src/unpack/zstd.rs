//! A tar in exactly one zstd frame, with nothing before or after it, no dictionary and a bounded window.
//!
//! The frame's header is read here first, so that a frame that would need too much memory is refused by what it says and
//! not by an allocation; the library is given the same bound.

use std::io::{BufRead, BufReader, Cursor, Read};

use ::zstd::stream::read::Decoder;

use super::error::{ArchiveClass, ArchiveError};
use super::input::{Metered, read_full};
use super::sink::Sink;
use super::tar;
use crate::error::Result;

/// Frames whose window is larger than 2 to this aren't read: 64 MiB. zstd's level 19 needs 8 MiB.
const WINDOW_LOG_MAX: u32 = 26;
/// The longest frame header: magic, descriptor, window, dictionary id, content size.
const HEADER_MAX: usize = 4 + 1 + 1 + 4 + 8;

pub(crate) fn unpack(input: &mut Metered<'_>, sink: &mut Sink) -> Result<()> {
    let mut head = [0; HEADER_MAX];
    let known = read_full(input, &mut head).map_err(|_| corrupt("it can't be read"))?;
    check_header(&head[..known])?;
    let rest = BufReader::with_capacity(64 << 10, Cursor::new(&head[..known]).chain(input));
    let mut frame = Decoder::with_buffer(rest).map_err(|_| corrupt("it can't be decoded"))?.single_frame();
    frame.window_log_max(WINDOW_LOG_MAX).map_err(|_| corrupt("it can't be decoded"))?;
    tar::unpack(&mut frame, sink)?;
    frame.finish_frame().map_err(|_| corrupt("the zstd frame is damaged at its end"))?;
    match frame.finish().fill_buf() {
        Ok([]) => Ok(()),
        Ok(_) => Err(ArchiveError::whole(ArchiveClass::Differential, "there's data after the zstd frame").into()),
        Err(_) => Err(corrupt("it can't be read to its end").into()),
    }
}

fn corrupt(why: &'static str) -> ArchiveError {
    ArchiveError::whole(ArchiveClass::Corrupt, why)
}

/// RFC 8878, section 3.1.1.1.
fn check_header(head: &[u8]) -> Result<(), ArchiveError> {
    let (magic, after) = head.split_first_chunk::<4>().ok_or(corrupt("it's too short to be a zstd frame"))?;
    match u32::from_le_bytes(*magic) {
        0xfd2f_b528 => (),
        0x184d_2a50..=0x184d_2a5f => {
            return Err(ArchiveError::whole(ArchiveClass::Differential, "it begins with a skippable zstd frame"));
        }
        _ => return Err(corrupt("it isn't a zstd frame")),
    }
    let (&descriptor, after) = after.split_first().ok_or(corrupt("the zstd frame's header is cut short"))?;
    if descriptor & 0b0000_1000 != 0 {
        return Err(corrupt("the zstd frame's header has a reserved bit set"));
    }
    if descriptor & 0b0000_0011 != 0 {
        return Err(ArchiveError::whole(ArchiveClass::Special, "the zstd frame needs a dictionary"));
    }
    let single_segment = descriptor & 0b0010_0000 != 0;
    let window = if single_segment { content_size(descriptor, after) } else { after.first().map(|&byte| window_size(byte)) };
    match window {
        None => Err(corrupt("the zstd frame's header is cut short")),
        Some(size) if size > 1 << WINDOW_LOG_MAX => {
            Err(ArchiveError::whole(ArchiveClass::Limit, "the zstd frame needs a window of more than 64 MiB"))
        }
        Some(_) => Ok(()),
    }
}

fn window_size(byte: u8) -> u64 {
    let base = 1_u64 << (10 + (byte >> 3));
    base + base / 8 * u64::from(byte & 7)
}

/// The content's size in a single-segment frame, where it's also the window.
fn content_size(descriptor: u8, after: &[u8]) -> Option<u64> {
    Some(match descriptor >> 6 {
        0 => u64::from(*after.first()?),
        1 => u64::from(u16::from_le_bytes(*after.first_chunk()?)) + 256,
        2 => u64::from(u32::from_le_bytes(*after.first_chunk()?)),
        _ => u64::from_le_bytes(*after.first_chunk()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_judged_by_its_header() {
        let class = |bytes: &[u8]| check_header(bytes).err().map(|error| error.class());
        let frame = |rest: &[u8]| [&[0x28, 0xb5, 0x2f, 0xfd], rest].concat();
        assert_eq!(class(&frame(&[0x00, 16 << 3])), None, "64 MiB of window");
        assert_eq!(class(&frame(&[0x00, (16 << 3) + 1])), Some(ArchiveClass::Limit));
        assert_eq!(class(&frame(&[0xa0, 0, 0, 0, 0x04])), None, "a single segment of 64 MiB");
        assert_eq!(class(&frame(&[0xa0, 1, 0, 0, 0x04])), Some(ArchiveClass::Limit));
        assert_eq!(class(&frame(&[0x01, 0, 7])), Some(ArchiveClass::Special), "a dictionary");
        assert_eq!(class(&frame(&[0x08, 0])), Some(ArchiveClass::Corrupt), "reserved");
        assert_eq!(class(&frame(&[0x00])), Some(ArchiveClass::Corrupt), "cut");
        assert_eq!(class(&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]), Some(ArchiveClass::Differential), "skippable");
        assert_eq!(class(b"PK\x03\x04"), Some(ArchiveClass::Corrupt));
        assert_eq!(class(b""), Some(ArchiveClass::Corrupt));
    }
}
