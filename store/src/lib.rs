//! Verified bytes on this disk: ingest, unpack, verify, lay out, collect garbage.
//!
//! Bytes come in from any reader and are unpacked and hashed in one pass ([`ingest`]) by strict scanners of our own
//! ([`unpack`]); only [`verify`] makes a [`Verified`] package, and only such a package gets a name in the [`Store`]. From
//! there plugins are laid out into a project's folder ([`layout`]) or written into a vendored folder ([`vendor`]).
//! Nothing here knows a network, the wall clock or the environment.
//!
//! ```text
//! <store>/v1/content/<2 hex>/<hex>/listing            what the digest is of            store.rs
//!                                 /files/…            the package set, mode 0444
//!                                 /plugin.minisig     signatures, also plugin.<16 hex>.minisig
//! <store>/v1/staging/<random>/                        being ingested or deleted        tree.rs, gc.rs
//! <store>/v1/quarantine/<hex>-<random>/               damaged objects                  store.rs
//! <store>/v1/lock                                     shared: use; exclusive: deletion file_lock.rs
//! <store>/v1/claims/<2 hex>                           locks: who fetches what          claim.rs
//! <plugin-dir>/<name>/…                               laid-out plugins                 layout/
//! <plugin-dir>/.mfp.json                              what mfp laid out                layout/record.rs
//! <plugin-dir>/.mfp-staging-<random>/                 being laid out                   layout/apply.rs
//! <plugin-dir>/../.mfp-plugins-<random>/              the first layout, being built    layout/apply.rs
//! <vendor>/vendor.json, content/<hex>/…               vendored content                 vendor.rs
//! ```
#![warn(missing_docs)]

pub mod claim;
pub mod error;
pub mod file_lock;
pub mod fs;
pub mod gc;
pub mod ingest;
pub mod layout;
mod os;
pub mod pack;
pub mod private;
pub mod store;
pub mod tree;
pub mod unpack;
pub mod vendor;
pub mod verify;
mod walk;

/// How many threads can compute at once. Asking the system takes longer than what's often decided by it.
pub fn cores() -> usize {
    static CORES: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
}

pub use self::claim::{Claim, Claims};
pub use self::error::{Result, StoreError};
pub use self::store::{Inspector, Store, StoreGuard, StoreOptions, Stored};
pub use self::tree::{Artifact, Tree};
pub use self::unpack::ArchiveFormat;
pub use self::verify::{Expected, ExpectedArtifact, Verified};
