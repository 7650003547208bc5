//! The store's objects as content.
//!
//! The store verifies what it reads, and the loader verifies it again: it trusts no [`Content`].

use std::io;

use mfp_model::content::{Listing, PackagePath};
use mfp_model::digest::ContentDigest;
use mfp_store::{StoreError, Stored};

use crate::content::Content;

impl Content for Stored {
    fn digest(&self) -> ContentDigest {
        self.content()
    }

    fn listing(&self) -> &Listing {
        self.listing()
    }

    fn read(&self, path: &PackagePath) -> io::Result<Vec<u8>> {
        self.read(path.as_str()).map_err(|error| match error {
            StoreError::Damaged { .. } | StoreError::Integrity(_) => io::Error::new(io::ErrorKind::InvalidData, error),
            other => io::Error::other(other),
        })
    }
}
