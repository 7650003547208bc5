//! The nouns of mfp: text and values in, values and text out.
//!
//! Names, versions, requirements, digests, sources and pins, the project manifest, the lock, `plugin.yaml`, capabilities
//! and index entries. This crate touches nothing: no file, no network, no clock, no environment, and its `Cargo.toml`
//! proves it.
#![warn(missing_docs)]

pub mod content;
pub mod digest;
pub mod name;
pub mod requirement;
pub mod text;
pub mod version;
