//! What `package`, `publish`, `yank`, `registry` and `key` print with `--json`.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

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

/// `publish`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PublishDocument {
    #[serde(flatten)]
    pub(crate) version: PublishedVersion,
    /// The registry's folder.
    pub(crate) registry: String,
    /// The version that it was compared with: the highest lower one that isn't yanked; null if there's none.
    pub(crate) predecessor: Option<String>,
    /// What it takes away from users of that one.
    pub(crate) changes: Vec<BreakingChange>,
    /// Was nothing published because of --dry-run?
    pub(crate) dry_run: bool,
}

/// A version in a registry.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PublishedVersion {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The archive, below the registry's root.
    pub(crate) file: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// `blake3:<hex>`
    pub(crate) content: String,
    pub(crate) published: String,
    /// `minisign:RW…`, or null.
    pub(crate) signer: Option<String>,
    /// What people compare: a short digest of that key, or null.
    pub(crate) fingerprint: Option<String>,
}

/// Something that users of the last version lose.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BreakingChange {
    /// As `--allow` names it: `exports`, `types`, `config`, `capabilities`, `host`, `signer`.
    pub(crate) check: String,
    pub(crate) what: String,
    /// The least step that may do it: `patch`, `minor`, `major`; null where no number allows it.
    pub(crate) needs: Option<String>,
    /// The version's number allows it, or a person did.
    pub(crate) allowed: bool,
}

/// `yank`
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct YankDocument {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The registry's folder.
    pub(crate) registry: String,
    /// `false`, `true`, or the reason.
    pub(crate) yanked: Value,
    /// Wasn't it so before?
    pub(crate) changed: bool,
}

/// `registry`
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct RegistryDocument {
    /// The registry's folder.
    pub(crate) registry: String,
    /// `add`: the versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) added: Vec<PublishedVersion>,
    /// `yank`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) yank: Option<YankDocument>,
    /// `bulk`: the file, below the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bulk: Option<String>,
    /// `check`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) checked: Option<CheckedRegistry>,
}

/// What `registry check` looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CheckedRegistry {
    pub(crate) plugins: usize,
    pub(crate) versions: usize,
    /// By file and line.
    pub(crate) problems: Vec<RegistryProblem>,
    /// `--fix`: was the search list made anew?
    pub(crate) mended: bool,
}

/// Something in a registry that's not as it should be.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RegistryProblem {
    pub(crate) code: String,
    /// The file, below the registry's root.
    pub(crate) file: String,
    /// The line, from 1; null if it's about the file.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
    /// `error`, or `warning` for what's untidy and harms nobody.
    pub(crate) severity: &'static str,
}

/// `key`
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct KeyDocument {
    /// The public key, as manifests and locks have it: `minisign:RW…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// What people compare: 20 hexadecimal digits of a digest of the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fingerprint: Option<String>,
    /// The files that were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) written: Vec<String>,
    /// The statement that was signed or verified, or that would be; left out where a file's bytes were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) statement: Option<String>,
    /// What the signature says about itself (`verify`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trusted_comment: Option<String>,
    /// The line for the registry (`rotate`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
}
