//! Verified bytes on this disk: ingest, unpack, verify, lay out, collect garbage
