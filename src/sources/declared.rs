//! What is at a URL, or in a folder, that the project's manifest declares?
//!
//! An archive is fetched into the store at first sight, since only its content says which plugin it is; a folder is read
//! and hashed, by the rule for package sets, each time that it matters. Both give one candidate.

use std::path::{Path, PathBuf};

use mfp_model::content::{FileEntry, Listing, MANIFEST_FILE, PackagePath, SIGNATURE_FILE};
use mfp_model::digest::FileDigest;
use mfp_model::name::PluginName;
use mfp_model::plugin::{BareWasm, PluginManifest};
use mfp_model::signature::MAX_SIGNATURE_BYTES;
use mfp_model::source::RelativePath;

use crate::error::{Error, Result};
use crate::explain;
use crate::report::clean;

/// The most files that a folder may hold, selected or not.
const MAX_FOLDER_ENTRIES: usize = 100_000;
/// The largest file of a plugin, in bytes.
pub(crate) const MAX_FILE_BYTES: u64 = 64 << 20;

/// A plugin in a folder (or a bare module), read and hashed.
#[derive(Debug)]
pub(crate) struct Folder {
    /// What its `plugin.yaml` says.
    pub(crate) manifest: PluginManifest,
    /// Its listing.
    pub(crate) listing: Listing,
    /// Its files: the path in the package, and where it is.
    pub(crate) files: Vec<(PackagePath, PathBuf)>,
    /// The text of its `plugin.minisig`, which is no part of the content.
    pub(crate) signature: Option<String>,
}

impl Folder {
    /// Everything that the store is to take: the files, and the signature that travels with them.
    pub(crate) fn into_files(self) -> Vec<(PackagePath, PathBuf)> {
        let mut files = self.files;
        if self.signature.is_some()
            && let Some(root) = files.iter().find(|(path, _)| path.as_str() == MANIFEST_FILE).and_then(|(_, place)| place.parent())
        {
            let signature = (SIGNATURE_FILE.parse().expect("`plugin.minisig` is a legal path"), root.join(SIGNATURE_FILE));
            files.push(signature);
        }
        files
    }
}

/// Read the plugin at a path of the project.
pub(crate) fn read_folder(
    name: &PluginName,
    project: &Path,
    path: &RelativePath,
    bare: &mfp_model::source::BareWasm,
    package: Option<&PluginName>,
) -> Result<Folder> {
    let place = path.under(project);
    if path.is_wasm() {
        return read_module(name, &place, bare, package);
    }
    read_plugin_folder(name, path.as_str(), &place)
}

/// Read the plugin in a folder, wherever that is.
pub(crate) fn read_plugin_folder(name: &PluginName, path: &str, place: &Path) -> Result<Folder> {
    let manifest_path = place.join(MANIFEST_FILE);
    let text = match std::fs::read(&manifest_path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(no_plugin(path).about(name).note(format!("there's no {MANIFEST_FILE} in it")).help("check the path"));
        }
        Err(error) => return Err(explain::io("read", &manifest_path, &error)),
    };
    let manifest =
        PluginManifest::from_bytes(&text).map_err(|error| explain::plugin_manifest(&format!("{path}/{MANIFEST_FILE}"), &text, &error))?;
    let files = package_files(&manifest, path, place).map_err(|error| error.about(name))?;
    let listing = hash(&files)?;
    Ok(Folder { manifest, listing, files, signature: read_signature(place)? })
}

/// Which files of a folder its manifest makes part of the package: their paths in it, and where they are.
pub(crate) fn package_files(manifest: &PluginManifest, path: &str, place: &Path) -> Result<Vec<(PackagePath, PathBuf)>> {
    let found = list_files(place)?;
    let selected = mfp_model::package::select(manifest, found.iter().map(String::as_str), None)
        .map_err(|error| no_plugin(path).note(error.to_string()).help("correct the plugin's files or its `include`"))?;
    Ok(selected.into_iter().map(|path| (path.clone(), place.join(path.as_str()))).collect())
}

fn no_plugin(path: &str) -> Error {
    Error::new("mfp::path::invalid", format!("the folder `{}` isn't a plugin", clean(path)))
}

/// The text of a folder's `plugin.minisig`, if it has one.
pub(crate) fn read_signature(folder: &Path) -> Result<Option<String>> {
    let place = &folder.join(SIGNATURE_FILE);
    if place.symlink_metadata().is_err() {
        return Ok(None);
    }
    let bytes = read_file(place)?;
    let text = String::from_utf8(bytes).ok().filter(|text| text.len() <= MAX_SIGNATURE_BYTES);
    text.map(Some).ok_or_else(|| {
        Error::new("mfp::signature::malformed", format!("{} isn't a signature file", place.display()))
            .help("sign the plugin again: `mfp key sign --key FILE FOLDER`, or delete that file")
    })
}

fn read_module(name: &PluginName, place: &Path, bare: &mfp_model::source::BareWasm, package: Option<&PluginName>) -> Result<Folder> {
    let bytes = read_file(place)?;
    let fallback = BareWasm { name: package.unwrap_or(name).clone(), types: bare.types.clone(), version: bare.version.clone() };
    let manifest = PluginManifest::from_wasm(&bytes, &fallback).map_err(|error| explain::bare_wasm(name, &error))?;
    let path: PackagePath = mfp_model::content::BARE_WASM_FILE.parse().expect("`plugin.wasm` is a legal path");
    let entry = FileEntry { digest: FileDigest::of(&bytes), size: bytes.len() as u64 };
    let listing = Listing::new([(path.clone(), entry)]).expect("one file can't collide");
    Ok(Folder { manifest, listing, files: vec![(path, place.to_owned())], signature: None })
}

/// Every file below a folder, by its path. A link is listed too: if it's selected, it's refused when it's read.
pub(crate) fn list_files(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| explain::io("read the folder", &folder, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| explain::io("read the folder", &folder, &error))?;
            let kind = entry.file_type().map_err(|error| explain::io("look at", &entry.path(), &error))?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let path = format!("{prefix}{name}");
            if kind.is_dir() && !is_never_part(&name) {
                folders.push((entry.path(), format!("{path}/")));
            } else if !kind.is_dir() {
                files.push(path);
            }
        }
        if files.len() > MAX_FOLDER_ENTRIES {
            return Err(Error::new("mfp::path::invalid", format!("{} holds more than {MAX_FOLDER_ENTRIES} files", root.display()))
                .help("point at the plugin's own folder"));
        }
    }
    files.sort();
    Ok(files)
}

/// Folders that no plugin's package reaches into, and that can be large.
fn is_never_part(name: &str) -> bool {
    matches!(name, ".git" | ".hg" | ".svn" | "node_modules" | "target" | ".mockforge")
}

fn hash(files: &[(PackagePath, PathBuf)]) -> Result<Listing> {
    let mut entries = Vec::with_capacity(files.len());
    for (path, place) in files {
        let bytes = read_file(place)?;
        entries.push((path.clone(), FileEntry { digest: FileDigest::of(&bytes), size: bytes.len() as u64 }));
    }
    listed(entries)
}

/// The listing of a folder's files.
pub(crate) fn listed(entries: impl IntoIterator<Item = (PackagePath, FileEntry)>) -> Result<Listing> {
    Listing::new(entries).map_err(|error| Error::new("mfp::path::invalid", error.to_string()).help("rename one of them"))
}

/// The bytes of a file that may be part of a plugin: a regular one, and not too large.
pub(crate) fn read_file(place: &Path) -> Result<Vec<u8>> {
    let metadata = std::fs::symlink_metadata(place).map_err(|error| explain::io("read", place, &error))?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_BYTES {
        return Err(Error::new("mfp::path::invalid", format!("{} isn't a file of at most {MAX_FILE_BYTES} bytes", place.display()))
            .help("a plugin's files are regular ones, no links"));
    }
    std::fs::read(place).map_err(|error| explain::io("read", place, &error))
}
