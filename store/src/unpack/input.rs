//! What are the raw bytes, as they come in? Counted, capped, hashed, and whose fault it is when they end early.

use std::io::{self, Read};

use mfp_model::digest::Sha256;
use sha2::Digest as _;

use super::error::{ArchiveClass, ArchiveError};
use crate::error::{Result, StoreError};

/// A reader that counts and hashes what passes, and gives up at a cap.
///
/// Decoders turn an error of their input into one of their own; what really happened is kept here
/// ([`Metered::take_trouble`]).
pub(crate) struct Metered<'r> {
    inner: &'r mut dyn Read,
    hash: sha2::Sha256,
    size: u64,
    cap: u64,
    trouble: Option<StoreError>,
    over: bool,
}

impl<'r> Metered<'r> {
    /// Read from `inner`, at most `cap` bytes; one more is [`ArchiveClass::Limit`].
    pub(crate) fn new(inner: &'r mut dyn Read, cap: u64) -> Self {
        Self { inner, hash: sha2::Sha256::default(), size: 0, cap, trouble: None, over: false }
    }

    /// The error of the input itself, if there was one.
    pub(crate) fn take_trouble(&mut self) -> Option<StoreError> {
        self.trouble.take()
    }

    /// Were there more bytes than the cap?
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// Read what's left, so that the digest is that of the whole.
    pub(crate) fn drain(&mut self) -> Result<()> {
        let mut buffer = vec![0; 64 << 10];
        while self.trouble.is_none() && self.read(&mut buffer).is_ok_and(|count| count > 0) {}
        self.trouble.take().map_or(Ok(()), Err)
    }

    /// Size and SHA-256 of what was read.
    pub(crate) fn measure(self) -> (u64, Sha256) {
        (self.size, Sha256::from_hash(self.hash.finalize().into()))
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.trouble.is_some() {
            return Err(io::Error::other("the input failed before"));
        }
        let count = loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => {
                    self.trouble = Some(StoreError::Source(error));
                    return Err(io::Error::other("the input failed"));
                }
                Ok(count) => break count,
            }
        };
        self.size += count as u64;
        if self.size > self.cap {
            self.over = true;
            let why = format!("it's larger than {} bytes", self.cap);
            self.trouble = Some(ArchiveError::whole(ArchiveClass::Limit, why).into());
            return Err(io::Error::other("the input is too large"));
        }
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

/// Fill the buffer as far as the reader goes: less than the whole only at the end.
pub(crate) fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
