//! What does somebody who writes a plugin work on? The folder that holds `plugin.yaml`, found as a project is found.
//!
//! Nothing here is ever done to a plugin that somebody else wrote: what builds, tests and packages runs the author's own
//! tools, in the author's own folder.

pub(crate) mod build;
pub(crate) mod cargo;
pub(crate) mod check;
pub(crate) mod committed;
pub(crate) mod conformance;
pub(crate) mod examples;
pub(crate) mod folder;
pub(crate) mod functions;
pub(crate) mod language;
pub(crate) mod own_content;
pub(crate) mod packing;
pub(crate) mod publication;
pub(crate) mod sandboxed;
pub(crate) mod sdk;
pub(crate) mod secrets;
pub(crate) mod target;
pub(crate) mod templates;

use std::path::{Path, PathBuf};

use mfp_model::content::MANIFEST_FILE;
use mfp_model::plugin::PluginManifest;

use self::own_content::OwnContent;
use crate::error::{Error, Exit, Result};
use crate::explain;
use crate::settings::Settings;
use crate::sources::declared;

/// The plugin that somebody works on.
#[derive(Debug)]
pub(crate) struct OwnPlugin {
    /// The folder that holds `plugin.yaml`. Absolute.
    pub(crate) root: PathBuf,
    /// The manifest as it stands on disk.
    pub(crate) manifest_text: String,
    /// What it says.
    pub(crate) manifest: PluginManifest,
}

impl OwnPlugin {
    /// The plugin in the folder that was named, or else in the nearest one above with a `plugin.yaml`.
    pub(crate) fn open(settings: &Settings, named: Option<&Path>) -> Result<Self> {
        let root = find(settings, named)?;
        let path = root.join(MANIFEST_FILE);
        let bytes = std::fs::read(&path).map_err(|error| explain::io("read", &path, &error))?;
        let manifest = PluginManifest::from_bytes(&bytes).map_err(|error| own(explain::plugin_manifest(MANIFEST_FILE, &bytes, &error)))?;
        let manifest_text = String::from_utf8(bytes).expect("a manifest that was parsed is UTF-8");
        Ok(Self { root, manifest_text, manifest })
    }

    /// The files that a package of it holds.
    pub(crate) fn content(&self) -> Result<OwnContent> {
        let files = declared::package_files(&self.manifest, &self.root.display().to_string(), &self.root);
        let content = OwnContent::read(files.map_err(|error| error.about(&self.manifest.id))?)?;
        let manifest = content.files().find(|(path, _)| path.as_str() == MANIFEST_FILE);
        if manifest.is_none_or(|(_, bytes)| bytes != self.manifest_text.as_bytes()) {
            return Err(Error::new("mfp::package::changed", "plugin.yaml changed while the plugin's files were read")
                .help("run it again when nothing writes to the folder"));
        }
        Ok(content)
    }
}

/// The folder of the plugin that's worked on: the one that was named, or else the nearest one above with a manifest.
pub(crate) fn find(settings: &Settings, named: Option<&Path>) -> Result<PathBuf> {
    find_with(MANIFEST_FILE, settings, named)?.ok_or_else(|| missing(settings, named))
}

/// The same by another file than the manifest; `None` if there's none.
fn find_with(file: &str, settings: &Settings, named: Option<&Path>) -> Result<Option<PathBuf>> {
    let has_it = |folder: &Path| folder.join(file).is_file();
    let Some(named) = named.or(settings.project.as_deref()) else {
        return Ok(settings.current_dir.ancestors().find(|folder| has_it(folder)).map(Path::to_owned));
    };
    let named = settings.path(named);
    let root = if named.ends_with(file) { named.parent().unwrap_or(&named) } else { &named };
    let root = has_it(root).then(|| root.canonicalize().map_err(|error| explain::io("find the folder", root, &error)));
    root.transpose()
}

fn missing(settings: &Settings, named: Option<&Path>) -> Error {
    let folder = named.or(settings.project.as_deref()).map_or_else(|| settings.current_dir.clone(), |named| settings.path(named));
    Error::new("mfp::plugin::not-found", format!("there's no {MANIFEST_FILE} in {} or above", folder.display()))
        .help("go to the plugin's folder, or make a plugin: `mfp new NAME --type template --lang rust`")
}

/// An error in the author's own file: what's wrong is ours to correct, not something that was fetched.
fn own(error: Error) -> Error {
    if error.code() == "mfp::manifest::invalid" {
        error.exit_with(Exit::Usage).help("correct it; `mfp schema plugin --example` shows what the file can hold")
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_understood_is_what_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        let text = |version: &str| format!("mfp: 1\nplugin: {{ id: a, version: {version}, types: [auth] }}\n");
        let write = |file: &str, bytes: &[u8]| mfp_store::fs::write_atomic(&folder.path().join(file), bytes).unwrap();
        write("a.wasm", b"\0asm\x01\0\0\0");
        write(MANIFEST_FILE, text("1.0.0").as_bytes());
        let manifest = PluginManifest::parse(&text("1.0.0")).unwrap();
        let plugin = OwnPlugin { root: folder.path().to_owned(), manifest_text: text("1.0.0"), manifest };
        assert_eq!(plugin.content().unwrap().files().count(), 2);
        write(MANIFEST_FILE, text("2.0.0").as_bytes());
        assert_eq!(plugin.content().unwrap_err().code(), "mfp::package::changed");
    }
}
