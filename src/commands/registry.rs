//! `mfp registry`: keep a registry that's a folder. What's in it is static files; see [`crate::registry_folder`].

use std::path::{Path, PathBuf};

use mfp_model::index::{IndexLine, Publication};
use mfp_model::name::RegistryName;
use mfp_model::signature::Statement;
use mfp_model::signer::Signer;
use mfp_model::source::{ArchiveFormat, Artifact};

use crate::app::App;
use crate::authoring::publication::{next_time, published};
use crate::cli::publish::{RegistryAction, RegistryArgs};
use crate::error::{Error, Result};
use crate::explain;
use crate::keys;
use crate::registry_folder::check::{Checked, Problem, check};
use crate::registry_folder::signers::Keys;
use crate::registry_folder::{RegistryFolder, read};
use crate::report::document::{CheckedRegistry, Document, PublishedVersion, RegistryDocument, RegistryProblem};
use crate::report::{Event, Outcome, clean, plural};
use crate::sources::fetch::manifest_in;

use super::yank::yank;

/// The largest package, in bytes.
const MAX_PACKAGE_BYTES: u64 = 64 << 20;

/// Do what was asked for.
pub(crate) fn run(app: &App<'_>, args: &RegistryArgs) -> Result<Outcome> {
    let at = |folder: &Path| app.settings.path(folder);
    match &args.action {
        RegistryAction::Init { folder, name } => init(app, &at(folder), name.as_ref()),
        RegistryAction::Add { folder, files, signer, allow_signer } => {
            let signers = signer.iter().map(|key| keys::public(key, &app.settings.current_dir)).collect::<Result<Vec<_>>>()?;
            add(app, &RegistryFolder::open(&at(folder))?, files, &Trusted { signers, any: *allow_signer })
        }
        RegistryAction::Yank { folder, version } => {
            let registry = RegistryFolder::open(&at(folder))?;
            let yank = Some(yank(app, &registry, version)?);
            Ok(done(&registry, RegistryDocument { yank, ..RegistryDocument::default() }))
        }
        RegistryAction::Check { folder, fix } => check_all(app, &RegistryFolder::open(&at(folder))?, *fix),
        RegistryAction::Bulk { folder } => bulk(app, &RegistryFolder::open(&at(folder))?),
    }
}

fn done(registry: &RegistryFolder, document: RegistryDocument) -> Outcome {
    Outcome::done(Document::Registry(RegistryDocument { registry: registry.root.display().to_string(), ..document }))
}

fn init(app: &App<'_>, folder: &Path, name: Option<&RegistryName>) -> Result<Outcome> {
    let of_folder = || folder.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    let name = name.cloned().or_else(of_folder).unwrap_or_else(|| "default".parse().expect("`default` is a name"));
    let registry = RegistryFolder::init(folder, &name)?;
    app.reporter.event(Event::Note(format!("Made the registry {name} in {}", registry.root.display())));
    Ok(done(&registry, RegistryDocument::default()))
}

/// Whose signatures are taken.
struct Trusted {
    signers: Vec<Signer>,
    /// Another signer than the last version's is meant.
    any: bool,
}

fn add(app: &App<'_>, registry: &RegistryFolder, files: &[PathBuf], trusted: &Trusted) -> Result<Outcome> {
    let mut added = Vec::new();
    for file in files {
        let file = app.settings.path(file);
        let version = add_one(app, registry, &file, trusted).map_err(|error| error.note(format!("in {}", file.display())))?;
        app.reporter.event(Event::Note(format!("Added {} {}", version.name, version.version)));
        added.push(version);
    }
    Ok(done(registry, RegistryDocument { added, ..RegistryDocument::default() }))
}

fn add_one(app: &App<'_>, registry: &RegistryFolder, file: &Path, trusted: &Trusted) -> Result<PublishedVersion> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let format = ArchiveFormat::from_file_name(name).ok_or_else(|| {
        Error::new("mfp::usage::arguments", format!("{} isn't a package by its name", file.display()))
            .help("a package is a .tar.zst, .tar.gz, .zip or .wasm: `mfp package` makes one")
    })?;
    let missing = || explain::io("read", file, &std::io::ErrorKind::NotFound.into());
    let bytes = read(file, MAX_PACKAGE_BYTES)?.ok_or_else(missing)?;
    let store = app.store()?;
    let tree = store.ingest_archive(&*bytes, format, &mfp_store::Expected::FirstSight).map_err(explain::store)?;
    let artifact = tree.artifact().ok_or_else(|| Error::bug("an archive has no size"))?;
    let artifact = Artifact { format, size: artifact.size, sha256: artifact.sha256 };
    let manifest = manifest_in(&"plugin".parse().expect("`plugin` is a name"), &tree)?;
    // From here on nobody else writes, so what's decided about the last version is still true when this one is added.
    let writing = registry.writing(app)?;
    let there = writing.published(&manifest.id)?;
    let statement = Statement { name: manifest.id.clone(), version: manifest.version.clone(), content: tree.content() };
    let signer = signer_of(&there.keys, &statement, tree.signature(), trusted)?;
    let publication = Publication {
        file: format!("{}-{}.{}", manifest.id, manifest.version, format.as_str()),
        artifact,
        content: tree.content(),
        unpacked: tree.listing().total_size(),
        published: next_time(app, &there.document),
        signer,
    };
    let line = IndexLine::of(&manifest, publication).map_err(|error| {
        Error::new("mfp::package::version", format!("{} {}: {error}", manifest.id, manifest.version))
            .help("a registry takes no version with build metadata; tell the publisher")
    })?;
    let place = there.add(&line, &bytes)?;
    Ok(published(registry, &line, &place))
}

/// Who signed a package, proven; and whether they may.
fn signer_of(keys: &Keys, statement: &Statement, signature: Option<&str>, trusted: &Trusted) -> Result<Option<Signer>> {
    let signer = match signature {
        None => None,
        Some(signature) => Some(keys.signer_of(statement, signature, &trusted.signers).map_err(|why| {
            let (name, version) = (&statement.name, &statement.version);
            Error::new("mfp::registry::signer", format!("{name} {version} is signed, and not provably by anybody who's known here: {why}"))
                .help("name who signs it: `--signer minisign:RW…`, or `--signer FILE.pub`")
        })?),
    };
    match keys.objection(signer.as_ref()).filter(|_| !trusted.any) {
        Some(objection) => Err(Error::new("mfp::publish::signer", objection)
            .help("hand the plugin over: `mfp key rotate`, and its line in keys/; or take it as it is: `--allow-signer`")),
        None => Ok(signer),
    }
}

fn check_all(app: &App<'_>, registry: &RegistryFolder, fix: bool) -> Result<Outcome> {
    let mended = fix && registry.writing(app)?.write_search()?;
    let checked = check(registry, &app.store()?)?;
    for warning in checked.problems.iter().filter(|problem| problem.is_warning) {
        app.reporter.event(Event::Warning { code: warning.code, text: format!("{}: {}", clean(&place(warning)), clean(&warning.message)) });
    }
    let looked_at = format!("{}, {}", plural(checked.plugins, "plugin"), plural(checked.versions, "version"));
    let count = checked.errors().count();
    let outcome = done(registry, RegistryDocument { checked: Some(document(&checked, mended)), ..RegistryDocument::default() });
    if count == 0 {
        app.reporter.event(Event::Note(format!("Checked {looked_at}: all is as it should be")));
        return Ok(outcome);
    }
    let error = Error::new("mfp::registry::problems", format!("{} in the registry ({looked_at})", plural(count, "problem")))
        .points(checked.errors().map(Problem::shown))
        .help("take what's damaged from a backup or a mirror; an archive must be the one that was published, byte for byte");
    Ok(outcome.refused(error))
}

fn place(problem: &Problem) -> String {
    problem.line.map_or_else(|| problem.file.clone(), |line| format!("{}:{line}", problem.file))
}

fn document(checked: &Checked, mended: bool) -> CheckedRegistry {
    let problem = |one: &Problem| RegistryProblem {
        code: one.code.to_owned(),
        file: one.file.clone(),
        line: one.line,
        message: one.message.clone(),
        severity: if one.is_warning { "warning" } else { "error" },
    };
    CheckedRegistry {
        plugins: checked.plugins,
        versions: checked.versions,
        problems: checked.problems.iter().map(problem).collect(),
        mended,
    }
}

fn bulk(app: &App<'_>, registry: &RegistryFolder) -> Result<Outcome> {
    let path = registry.writing(app)?.write_bulk(app.settings.publishing_time())?;
    app.reporter.event(Event::Note(format!("Wrote {path}, and named it in config.json")));
    Ok(done(registry, RegistryDocument { bulk: Some(path), ..RegistryDocument::default() }))
}
