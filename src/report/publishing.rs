//! What `package`, `publish`, `yank` and `registry` print with `--json`.

use schemars::JsonSchema;
use serde::Serialize;

/// `package`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PackageDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The archive that was written; null with --list.
    pub(crate) path: Option<String>,
    /// `tar.zst` or `tar.gz`.
    pub(crate) format: String,
    /// The archive's size in bytes.
    pub(crate) size: u64,
    /// The files' size in bytes.
    pub(crate) unpacked: u64,
    /// Of the archive.
    pub(crate) sha256: String,
    /// `blake3:<hex>`: the digest of what the plugin is, the same in every archive, from git and from its folder.
    pub(crate) content: String,
    /// Does a plugin.minisig travel with it?
    pub(crate) signed: bool,
    /// The commit that the files are those of; null where they're of none.
    pub(crate) commit: Option<String>,
    /// The files, by path; the signature left out.
    pub(crate) files: Vec<PackedFile>,
}

/// A file of a package.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PackedFile {
    pub(crate) path: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) blake3: String,
}
