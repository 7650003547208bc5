//! The nouns of mfp: text and values in, values and text out.
//!
//! Names, versions, requirements, digests, sources and pins, the project manifest, the lock, `plugin.yaml`, capabilities
//! and index entries. This crate touches nothing: no file, no network, no clock, no environment, and its `Cargo.toml`
//! proves it.
#![warn(missing_docs)]

pub mod address;
pub mod capability;
pub mod compat;
pub mod content;
pub mod digest;
pub mod import;
pub mod index;
mod keyed;
pub mod license;
pub mod lock;
pub mod name;
pub mod package;
pub mod plan;
pub mod plugin;
pub mod pointer;
pub mod project;
pub mod registry_files;
pub mod requirement;
pub mod review;
pub mod schema;
pub mod signature;
pub mod signer;
pub mod source;
pub mod text;
pub mod toml;
pub mod units;
pub mod version;
