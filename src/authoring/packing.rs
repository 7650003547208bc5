//! What goes into an author's package, and may it? The files of the folder, read once, held to everything that a reader will hold
//! them to, and to what an author would regret.
//!
//! Nothing is run and nothing is written. Who has [`Gathered`] has files that were looked at; what's packed is those bytes, and not
//! what the folder holds a moment later.

use std::sync::Arc;

use mfp_model::content::{Listing, PackagePath};
use mfp_model::plugin::{PluginManifest, Runtime};
use mfp_model::source::ArchiveFormat;
use mfp_model::version::Version;
use mfp_store::Store;
use mfp_store::pack::{self, PackError, Package};
use mfp_store::verify::{Expected, ExpectedArtifact};

use super::committed::{self, Committed};
use super::own_content::OwnContent;
use super::{OwnPlugin, check, secrets};
use crate::app::App;
use crate::error::{Error, Result};
use crate::explain;
use crate::report::{Event, plural};
use crate::sources::declared::read_signature;
use crate::sources::fetch::manifest_in;

/// What an author says is meant as it is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowed {
    /// Files that aren't committed, or differ from what's committed.
    pub(crate) dirty: bool,
    /// What looks like a secret.
    pub(crate) secrets: bool,
}

/// A plugin's files, read and looked at.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) manifest: PluginManifest,
    pub(crate) content: Arc<OwnContent>,
    /// The `plugin.minisig` of the folder.
    pub(crate) signature: Option<String>,
    /// The commit that the files are those of.
    pub(crate) commit: Option<String>,
}

/// Read a plugin's files and hold them to the rules.
pub(crate) fn gather(app: &App<'_>, plugin: &OwnPlugin, allowed: Allowed) -> Result<Gathered> {
    check_publishable(&plugin.manifest)?;
    check_plugin(app, plugin)?;
    let content = plugin.content()?;
    check_paths(&content)?;
    if !allowed.secrets {
        refuse_secrets(app, &content)?;
    }
    let commit = check_committed(app, plugin, content.listing(), allowed.dirty)?;
    let signature = read_signature(&plugin.root)?;
    Ok(Gathered { manifest: plugin.manifest.clone(), content: Arc::new(content), signature, commit })
}

impl Gathered {
    /// Its archive, with this signature in it: made, and read again by those who'll read it.
    pub(crate) fn pack(&self, app: &App<'_>, signature: Option<&str>, format: ArchiveFormat) -> Result<Package> {
        let files: Vec<(PackagePath, &[u8])> = self.content.files().map(|(path, bytes)| (path.clone(), bytes)).collect();
        let package = pack::pack(&files, signature, format).map_err(|error| unpackable(&error))?;
        self.read_again(&app.store()?, package, signature, format)
    }

    /// The archive, if the strict reader makes of it what went in.
    fn read_again(&self, store: &Store, package: Package, signature: Option<&str>, format: ArchiveFormat) -> Result<Package> {
        let artifact = ExpectedArtifact { sha256: package.sha256, size: Some(package.bytes.len() as u64) };
        let expected = Expected::Locked { content: self.content.listing().content(), artifact: Some(artifact) };
        let tree = store.ingest_archive(&*package.bytes, format, &expected).map_err(explain::store)?;
        let manifest = manifest_in(&self.manifest.id, &tree)?;
        if manifest != self.manifest || tree.signature() != signature {
            return Err(Error::bug("what was packed isn't what's read"));
        }
        Ok(package)
    }

    /// `<name>-<version>` and the format's ending.
    pub(crate) fn file_name(&self, format: ArchiveFormat) -> String {
        format!("{}-{}.{}", self.manifest.id, self.manifest.version, format.as_str())
    }
}

/// Can a version like this be in a registry at all?
fn check_publishable(manifest: &PluginManifest) -> Result<()> {
    if let Err(error) = Version::parse_published(&manifest.version.to_string()) {
        return Err(Error::new("mfp::package::version", format!("version {}: {error}", manifest.version))
            .help("take what's after the `+` out of `version` in plugin.yaml: two versions that differ in it are one to everybody else"));
    }
    if manifest.runtime == Runtime::Remote {
        return Err(Error::new(
            "mfp::package::remote",
            format!("{} is a service (`runtime: remote`): there's nothing to install", manifest.id),
        )
        .help("deploy it, and name its address in a project: `mfp add remote+https://HOST --rename NAME --type TYPE`"));
    }
    Ok(())
}

fn check_paths(content: &OwnContent) -> Result<()> {
    let long: Vec<String> = content.files().map(|(path, _)| path).filter(|path| !pack::fits(path)).map(ToString::to_string).collect();
    if long.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        "mfp::package::long-path",
        format!("{} too long for an archive", if long.len() == 1 { "a path is" } else { "paths are" }),
    )
    .points(long)
    .help("shorten them: at most 100 bytes, or a `/` with at most 155 bytes before it and 100 after it"))
}

fn refuse_secrets(app: &App<'_>, content: &OwnContent) -> Result<()> {
    let found = secrets::find(content.files(), app.settings.now);
    if found.is_empty() {
        return Ok(());
    }
    Err(Error::new("mfp::package::secret", format!("the package would hold what looks like {}", plural(found.len(), "secret")))
        .points(found.iter().map(ToString::to_string))
        .help("take it out, and change it if it was ever committed; if it belongs there (a key of a test): `--allow-secrets`"))
}

/// The commit that the files are those of; `None` where there's none, which is said.
fn check_committed(app: &App<'_>, plugin: &OwnPlugin, listing: &Listing, allow_dirty: bool) -> Result<Option<String>> {
    let note = |text: &str| app.reporter.event(Event::Note(text.to_owned()));
    match committed::compare(&plugin.root, listing)? {
        Committed::NoRepository => note("Not in a git repository: nobody can compare the package with its sources"),
        Committed::NoCommit => note("Nothing is committed yet: nobody can compare the package with its sources"),
        Committed::Compared { commit, differences } if differences.is_empty() => return Ok(Some(commit)),
        Committed::Compared { differences, .. } if allow_dirty => {
            app.reporter.event(Event::Warning {
                code: "mfp::package::dirty",
                text: format!("the package isn't what's committed: {}", differences.join(", ")),
            });
        }
        Committed::Compared { differences, .. } => {
            return Err(Error::new("mfp::package::dirty", "the package isn't what's committed")
                .points(differences)
                .help("commit the files, or undo the changes; `--allow-dirty` packs them as they are"));
        }
    }
    Ok(None)
}

/// What `mfp validate` finds: errors stop here, of warnings there's a word.
fn check_plugin(app: &App<'_>, plugin: &OwnPlugin) -> Result<()> {
    let findings = check::check(plugin);
    check::refuse(&findings)?;
    if let Some(counted) = check::counted(&findings) {
        app.reporter.event(Event::Note(format!("{counted}: `mfp validate` shows them")));
    }
    Ok(())
}

fn unpackable(error: &PackError) -> Error {
    let help = match error {
        PackError::Limit(_) => "leave out what isn't needed at run time: `include` in plugin.yaml",
        _ => "correct the plugin's files, or its `include`",
    };
    Error::new(error.code(), error.to_string()).help(help)
}

#[cfg(test)]
mod tests {
    use mfp_store::StoreOptions;

    use super::*;

    fn text(version: &str) -> String {
        format!("mfp: 1\nplugin: {{ id: words, version: {version}, types: [template] }}\n")
    }

    fn gathered(version: &str) -> Gathered {
        let folder = tempfile::tempdir().unwrap();
        let files = [("plugin.wasm", &b"\0asm\x01\0\0\0"[..]), ("plugin.yaml", text(version).as_bytes())].map(|(path, bytes)| {
            mfp_store::fs::write_atomic(&folder.path().join(path), bytes).unwrap();
            (path.parse().unwrap(), folder.path().join(path))
        });
        let content = OwnContent::read(files.into()).unwrap();
        Gathered { manifest: PluginManifest::parse(&text(version)).unwrap(), content: Arc::new(content), signature: None, commit: None }
    }

    /// What no package of ours should ever be is an error before it's anybody's.
    #[test]
    fn an_archive_is_what_its_reader_makes_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions::new(folder.path().join("store"))).unwrap();
        let (format, signature) = (ArchiveFormat::TarZst, Some("untrusted comment: x\n"));
        let packed = |plugin: &Gathered| {
            let files: Vec<(PackagePath, &[u8])> = plugin.content.files().map(|(path, bytes)| (path.clone(), bytes)).collect();
            pack::pack(&files, signature, format).unwrap()
        };
        let read = |plugin: &Gathered, package: Package, signature: Option<&str>| {
            plugin.read_again(&store, package, signature, format).map(|_| ()).map_err(|error| error.code())
        };
        let (ours, other) = (gathered("1.0.0"), gathered("1.0.1"));
        assert_eq!(read(&ours, packed(&ours), signature), Ok(()));
        assert_eq!(read(&ours, packed(&ours), None), Err("mfp::internal::bug"));
        assert_eq!(read(&ours, packed(&other), signature), Err("mfp::integrity::content"));
        let sha256 = packed(&other).sha256;
        assert_eq!(read(&ours, Package { sha256, ..packed(&ours) }, signature), Err("mfp::integrity::sha256"));
        let misread = Gathered { manifest: other.manifest, ..gathered("1.0.0") };
        assert_eq!(read(&misread, packed(&ours), signature), Err("mfp::internal::bug"));
    }
}
