//! What do plugins bring of the SDKs? A copy, since they're in no package registry yet: made from the sources that this program was
//! built with, so that the copy is never another than the original.

use std::path::Path;

use rust_embed::RustEmbed;
use toml_edit::value;

use super::cargo;
use super::templates::Files;

#[derive(RustEmbed)]
#[folder = "sdk/rust/"]
#[include = "Cargo.toml"]
#[include = "README.md"]
#[include = "src/*"]
#[include = "src/**/*"]
struct Rust;

#[derive(RustEmbed)]
#[folder = "sdk/python/"]
#[include = "pyproject.toml"]
#[include = "README.md"]
#[include = "src/mockforge_plugin/*.py"]
#[include = "src/mockforge_plugin/py.typed"]
struct Python;

#[derive(RustEmbed)]
#[folder = "sdk/wit/"]
struct Wit;

const WORKSPACE: &str = include_str!("../../Cargo.toml");
const RUST_MANIFEST: &str = include_str!("../../sdk/rust/Cargo.toml");
const LICENSES: [(&str, &str); 2] =
    [("LICENSE-APACHE", include_str!("../../LICENSE-APACHE")), ("LICENSE-MIT", include_str!("../../LICENSE-MIT"))];

/// The line of `plugin.wit` that says which package it is.
const WIT_PACKAGE: &str = "package mockforge:plugin@0.1.0;";

/// An SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Package {
    /// The crate `mockforge-plugin-sdk`, and the WIT that it makes components of.
    Rust,
    /// The distribution `mockforge-plugin`, and the WIT that it makes components of.
    Python,
    /// The WIT alone: what a language has that makes components of it by itself.
    Wit,
}

impl Package {
    /// Its files, below the folder `sdk` of a plugin.
    pub(crate) fn files(self) -> Files {
        match self {
            Self::Rust => rust(),
            Self::Python => python(),
            Self::Wit => wit(),
        }
    }

    /// The folder of its checkout that somebody means: the SDK's own, `sdk` above it, or the repository.
    pub(crate) fn find(self, folder: &Path) -> Option<std::path::PathBuf> {
        let (below, manifest, line) = match self {
            Self::Rust => ("rust", "Cargo.toml", "name = \"mockforge-plugin-sdk\""),
            Self::Python => ("python", "pyproject.toml", "name = \"mockforge-plugin\""),
            Self::Wit => ("wit", "plugin.wit", WIT_PACKAGE),
        };
        let candidates = [folder.to_owned(), folder.join(below), folder.join("sdk").join(below)];
        candidates
            .into_iter()
            .find(|folder| std::fs::read_to_string(folder.join(manifest)).is_ok_and(|text| text.lines().any(|known| known.trim() == line)))
    }
}

fn rust() -> Files {
    let mut files = copy::<Rust>("rust");
    files.insert("rust/Cargo.toml".to_owned(), rust_manifest().into_bytes());
    files.extend(licenses("rust"));
    files.extend(wit());
    files
}

fn python() -> Files {
    let mut files = copy::<Python>("python");
    files.extend(licenses("python"));
    files.extend(wit());
    files
}

fn wit() -> Files {
    copy::<Wit>("wit")
}

/// The files that are embedded, below a folder.
fn copy<Embedded: RustEmbed>(folder: &str) -> Files {
    Embedded::iter().filter_map(|path| Some((format!("{folder}/{path}"), Embedded::get(&path)?.data.into_owned()))).collect()
}

fn licenses(folder: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    LICENSES.into_iter().map(move |(name, text)| (format!("{folder}/{name}"), text.as_bytes().to_vec()))
}

/// The manifest of the SDK's crate without its workspace, and without the feature `sandbox`, for which all of mfp would be needed.
fn rust_manifest() -> String {
    let mut manifest = cargo::standalone(RUST_MANIFEST, WORKSPACE);
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    cargo::table(&mut manifest, "features").remove("sandbox");
    cargo::table(&mut manifest, "target").remove("cfg(not(target_family = \"wasm\"))");
    let mut known = toml_edit::Table::new();
    known.insert("level", value("warn"));
    known.insert("check-cfg", value(toml_edit::Array::from_iter(["cfg(feature, values(\"sandbox\"))"])));
    let mut rust = toml_edit::Table::new();
    rust.insert("unexpected_cfgs", value(known.into_inline_table()));
    let mut lints = toml_edit::Table::new();
    lints.set_implicit(true);
    lints.insert("rust", toml_edit::Item::Table(rust));
    manifest.insert("lints", toml_edit::Item::Table(lints));
    let head =
        "# A copy of the SDK, as mfp brings it: it isn't on crates.io yet. Without the feature `sandbox`, which needs mfp's own crates.\n";
    format!("{head}{manifest}")
}
