//! Which of a package's files are its manifest and its module? Exactly one each, or it's an error that says why.

use crate::content::{MANIFEST_FILE, PackagePath};

/// Why a set of files has no manifest or no module that could be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// There's no `plugin.yaml` beside the other files.
    #[error("there is no `plugin.yaml` at the package's root")]
    NoManifest,
    /// The manifest is spelt in another case, which only some file systems take for the same.
    #[error("the manifest is called `{0}`; it must be `plugin.yaml`, in lower case")]
    ManifestCase(String),
    /// A second manifest, which other programs would read.
    #[error("`{0}` stands beside `plugin.yaml`: two manifests could say two things; remove one")]
    SecondManifest(String),
    /// `plugin.entry` names a file that isn't in the package.
    #[error("`plugin.entry` is `{0}`, and there is no such file in the package")]
    Missing(PackagePath),
    /// `plugin.entry` names a folder.
    #[error("`plugin.entry` is `{0}`, which is a folder")]
    Folder(PackagePath),
    /// No `*.wasm` beside the manifest, and no `plugin.entry`.
    #[error("there is no `*.wasm` beside `plugin.yaml`; build the plugin first, or set `plugin.entry`")]
    NoModule,
    /// Several `*.wasm` beside the manifest, and no `plugin.entry`.
    #[error("several modules stand beside `plugin.yaml` ({}); say in `plugin.entry` which one it is", .0.join(", "))]
    SeveralModules(Vec<String>),
}

impl EntryError {
    /// The stable code: `mfp::manifest::invalid`.
    pub fn code(&self) -> &'static str {
        "mfp::manifest::invalid"
    }
}

/// Is there exactly one manifest at the root of these files, and no other that could be taken for it?
pub fn check_manifest_files<'a>(files: impl IntoIterator<Item = &'a str>) -> Result<(), EntryError> {
    let (mut found, mut other_case) = (false, None);
    for file in files {
        if file == MANIFEST_FILE {
            found = true;
        } else if file.eq_ignore_ascii_case(MANIFEST_FILE) {
            other_case = Some(file);
        } else if file.eq_ignore_ascii_case("plugin.yml") || file.eq_ignore_ascii_case("plugin.toml") {
            return Err(EntryError::SecondManifest(file.to_owned()));
        }
    }
    match other_case {
        Some(file) => Err(EntryError::ManifestCase(file.to_owned())),
        None if found => Ok(()),
        None => Err(EntryError::NoManifest),
    }
}

/// The module of a plugin: `entry` if it's given, else the only `*.wasm` at the root of `files`.
pub fn find_entry<'a>(
    entry: Option<&PackagePath>,
    files: impl IntoIterator<Item = &'a PackagePath>,
) -> Result<&'a PackagePath, EntryError> {
    match entry {
        Some(entry) => find_named(entry, files),
        None => find_only(files),
    }
}

fn find_named<'a>(entry: &PackagePath, files: impl IntoIterator<Item = &'a PackagePath>) -> Result<&'a PackagePath, EntryError> {
    let mut is_folder = false;
    for file in files {
        if file == entry {
            return Ok(file);
        }
        is_folder |= file.ancestors().any(|folder| folder == entry.as_str());
    }
    Err(if is_folder { EntryError::Folder(entry.clone()) } else { EntryError::Missing(entry.clone()) })
}

fn find_only<'a>(files: impl IntoIterator<Item = &'a PackagePath>) -> Result<&'a PackagePath, EntryError> {
    let modules: Vec<&PackagePath> = files.into_iter().filter(|file| is_root_module(file)).collect();
    match modules.as_slice() {
        [module] => Ok(module),
        [] => Err(EntryError::NoModule),
        several => Err(EntryError::SeveralModules(several.iter().map(ToString::to_string).collect())),
    }
}

fn is_root_module(file: &PackagePath) -> bool {
    let name = file.as_str();
    !name.contains('/') && name.len() > ".wasm".len() && name.strip_suffix(".wasm").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(files: &[&str]) -> Vec<PackagePath> {
        files.iter().map(|file| file.parse().unwrap()).collect()
    }

    fn entry(named: Option<&str>, files: &[&str]) -> Result<String, EntryError> {
        find_entry(named.map(|path| path.parse().unwrap()).as_ref(), &paths(files)).map(ToString::to_string)
    }

    #[test]
    fn the_only_module_beside_the_manifest_is_meant() {
        assert_eq!(entry(None, &["plugin.yaml", "x.wasm", "sub/y.wasm"]), Ok("x.wasm".into()));
        assert_eq!(entry(None, &["plugin.yaml", "sub/y.wasm", ".wasm"]), Err(EntryError::NoModule));
        assert_eq!(entry(None, &["a.wasm", "b.wasm"]), Err(EntryError::SeveralModules(vec!["a.wasm".into(), "b.wasm".into()])));
    }

    #[test]
    fn a_named_module_is_a_file_of_the_package() {
        assert_eq!(entry(Some("sub/y.wasm"), &["x.wasm", "sub/y.wasm"]), Ok("sub/y.wasm".into()));
        assert!(matches!(entry(Some("z.wasm"), &["x.wasm"]), Err(EntryError::Missing(_))));
        assert!(matches!(entry(Some("sub"), &["x.wasm", "sub/y.wasm"]), Err(EntryError::Folder(_))));
    }

    #[test]
    fn one_manifest_and_no_rival() {
        assert_eq!(check_manifest_files(["plugin.yaml", "plugin.wasm", "docs/plugin.yml"]), Ok(()));
        assert_eq!(check_manifest_files([]), Err(EntryError::NoManifest));
        assert_eq!(check_manifest_files(["PLUGIN.YAML"]), Err(EntryError::ManifestCase("PLUGIN.YAML".into())));
        assert_eq!(check_manifest_files(["plugin.yaml", "Plugin.yaml"]), Err(EntryError::ManifestCase("Plugin.yaml".into())));
        for rival in ["plugin.yml", "plugin.toml", "PLUGIN.YML"] {
            assert_eq!(check_manifest_files(["plugin.yaml", rival]), Err(EntryError::SecondManifest(rival.into())));
        }
    }
}
