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
#[folder = "sdk/wit/"]
struct Wit;

const WORKSPACE: &str = include_str!("../../Cargo.toml");
const RUST_MANIFEST: &str = include_str!("../../sdk/rust/Cargo.toml");
const LICENSES: [(&str, &str); 2] =
    [("LICENSE-APACHE", include_str!("../../LICENSE-APACHE")), ("LICENSE-MIT", include_str!("../../LICENSE-MIT"))];

/// An SDK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Package {
    /// The crate `mockforge-plugin-sdk`, and the WIT that it makes components of.
    Rust,
}

impl Package {
    /// Its files, below the folder `sdk` of a plugin.
    pub(crate) fn files(self) -> Files {
        match self {
            Self::Rust => rust(),
        }
    }

    /// The folder of its checkout that somebody means: the SDK's own, `sdk` above it, or the repository.
    pub(crate) fn find(self, folder: &Path) -> Option<std::path::PathBuf> {
        let (below, manifest, line) = match self {
            Self::Rust => ("rust", "Cargo.toml", "name = \"mockforge-plugin-sdk\""),
        };
        let candidates = [folder.to_owned(), folder.join(below), folder.join("sdk").join(below)];
        candidates
            .into_iter()
            .find(|folder| std::fs::read_to_string(folder.join(manifest)).is_ok_and(|text| text.lines().any(|known| known.trim() == line)))
    }
}

fn rust() -> Files {
    let sources = Rust::iter().filter(|path| path != "Cargo.toml").map(|path| (format!("rust/{path}"), Rust::get(&path)));
    let wit = Wit::iter().map(|path| (format!("wit/{path}"), Wit::get(&path)));
    let mut files: Files = sources.chain(wit).filter_map(|(path, file)| Some((path, file?.data.into_owned()))).collect();
    files.insert("rust/Cargo.toml".to_owned(), rust_manifest().into_bytes());
    files.extend(LICENSES.map(|(name, text)| (format!("rust/{name}"), text.as_bytes().to_vec())));
    files
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
