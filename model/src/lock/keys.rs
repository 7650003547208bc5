//! Every key of a lock, in its order: the writer's, the reader's and the schema's one list.

/// The root's keys.
pub(crate) const ROOT: &[&str] = &["version", "revision", "options", "overrides", "registries", "requirements", "plugin"];
/// `[options]`.
pub(crate) const OPTIONS: &[&str] = &["mockforge", "strategy"];

/// A requirement on a registry.
pub(crate) const WANT_REGISTRY: &[&str] = &["requirement", "package", "registry", "groups"];
/// A requirement on an address.
pub(crate) const WANT_URL: &[&str] = &["url", "sha256", "types", "version", "package", "groups"];
/// A requirement on a repository.
pub(crate) const WANT_GIT: &[&str] = &["git", "tag", "branch", "rev", "subdir", "submodules", "package", "groups"];
/// A requirement on a folder.
pub(crate) const WANT_PATH: &[&str] = &["path", "types", "version", "package", "groups"];
/// A requirement on a service.
pub(crate) const WANT_REMOTE: &[&str] = &["remote", "types", "timeout-ms", "retries", "health-check-interval", "groups"];

/// An entry from a registry.
pub(crate) const FROM_REGISTRY: &[&str] = &[
    "name",
    "package",
    "version",
    "source",
    "types",
    "license",
    "published",
    "artifact",
    "signer",
    "capabilities",
    "dependencies",
    "content",
];
/// An entry from an address.
pub(crate) const FROM_URL: &[&str] =
    &["name", "package", "version", "source", "types", "license", "artifact", "signer", "capabilities", "dependencies", "content"];
/// An entry from a repository.
pub(crate) const FROM_GIT: &[&str] =
    &["name", "package", "version", "source", "types", "license", "git", "signer", "capabilities", "dependencies", "content"];
/// An entry from a folder.
pub(crate) const FROM_PATH: &[&str] =
    &["name", "package", "version", "source", "types", "license", "signer", "capabilities", "dependencies", "content"];
/// An entry that is a service.
pub(crate) const FROM_REMOTE: &[&str] = &["name", "source", "types", "content"];

/// `artifact`.
pub(crate) const ARTIFACT: &[&str] = &["format", "size", "sha256"];
/// `git` of an entry.
pub(crate) const GIT: &[&str] = &["tag", "branch", "rev", "commit", "subdir", "submodules"];
/// An element of `dependencies`.
pub(crate) const DEPENDENCY: &[&str] = &["name", "requirement", "optional"];
