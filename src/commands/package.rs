//! `mfp package`: a plugin's archive, the same bytes on every machine.

use std::path::{Path, PathBuf};

use mfp_model::content::{FileEntry, PackagePath};
use mfp_model::source::ArchiveFormat;
use mfp_store::fs::write_atomic;
use mfp_store::pack::Package;

use crate::app::App;
use crate::authoring::OwnPlugin;
use crate::authoring::packing::{Allowed, Gathered, gather};
use crate::cli::publish::{PackageArgs, PackageFormat};
use crate::error::{Error, Result};
use crate::explain;
use crate::report::document::{Document, PackageDocument, PackedFile};
use crate::report::{Event, Outcome, clean, plural, size};

/// Where archives go, below the plugin's folder: no package reaches into a `target`, so that one archive is never part of the next.
const FOLDER: &str = "target/package";

/// Pack it.
pub(crate) fn run(app: &App<'_>, args: &PackageArgs) -> Result<Outcome> {
    let plugin = OwnPlugin::open(&app.settings, args.path.as_deref())?;
    let format = format(args)?;
    let gathered = gather(app, &plugin, Allowed { dirty: args.allow_dirty, secrets: args.allow_secrets })?;
    let place = place(app, args, &plugin, &gathered, format)?;
    let package = gathered.pack(app, gathered.signature.as_deref(), format)?;
    if args.list {
        return Ok(Outcome::done(document(&gathered, &package, format, None)).text(listed(&gathered)));
    }
    write(&place, &package.bytes, args.output.is_none())?;
    app.reporter.event(Event::Note(format!("{}{}", listed(&gathered), summary(&gathered, &package))));
    let shown = place.display().to_string();
    Ok(Outcome::done(document(&gathered, &package, format, Some(shown.clone()))).text(format!("{shown}\n")))
}

/// The format that was asked for, or that the output's name asks for.
fn format(args: &PackageArgs) -> Result<ArchiveFormat> {
    let asked = args.format.map(PackageFormat::archive);
    let name = args.output.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    match (asked, ArchiveFormat::from_file_name(name)) {
        (Some(asked), Some(named)) if asked != named => {
            Err(Error::new("mfp::usage::arguments", format!("`--format {}` and `{}` don't go together", asked.as_str(), clean(name)))
                .help("leave one of them out"))
        }
        (_, Some(ArchiveFormat::Zip | ArchiveFormat::Wasm)) => {
            Err(Error::new("mfp::usage::arguments", "a package is a .tar.zst or a .tar.gz").help("name such a file, or a folder"))
        }
        (asked, named) => Ok(asked.or(named).unwrap_or(ArchiveFormat::TarZst)),
    }
}

/// Where the archive goes: the file or into the folder that was named.
fn place(app: &App<'_>, args: &PackageArgs, plugin: &OwnPlugin, gathered: &Gathered, format: ArchiveFormat) -> Result<PathBuf> {
    let name = gathered.file_name(format);
    let Some(output) = &args.output else { return Ok(plugin.root.join(FOLDER).join(name)) };
    let output = app.settings.path(output);
    let is_folder = output.is_dir() || output.as_os_str().to_string_lossy().ends_with(['/', '\\']);
    let place = if is_folder { output.join(name) } else { output };
    let folder = place.parent().and_then(|folder| folder.canonicalize().ok());
    let inside = folder.zip(place.file_name()).and_then(|(folder, name)| Some(folder.strip_prefix(&plugin.root).ok()?.join(name)));
    let relative = inside.map(|inside| inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/"));
    if let Some(relative) = relative.filter(|relative| plugin.manifest.include.iter().any(|pattern| pattern.matches(relative))) {
        return Err(Error::new(
            "mfp::package::output",
            format!("`include` matches {}: the next package would hold this one", clean(&relative)),
        )
        .help("put it elsewhere, or leave `--output` out"));
    }
    Ok(place)
}

fn write(place: &Path, bytes: &[u8], is_ours: bool) -> Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| explain::io("make the folder", folder, &error))?;
    if is_ours && !folder.join(".gitignore").exists() {
        write_atomic(&folder.join(".gitignore"), b"*\n").map_err(explain::store)?;
    }
    write_atomic(place, bytes).map_err(explain::store)
}

/// A line a file: its size and its path.
fn listed(gathered: &Gathered) -> String {
    gathered.content.listing().iter().map(|(path, entry)| format!("{:>10}  {}\n", size(entry.size), clean(path.as_str()))).collect()
}

fn summary(gathered: &Gathered, package: &Package) -> String {
    let signed = if gathered.signature.is_some() { ", with its plugin.minisig" } else { "" };
    format!(
        "Packed {} {}: {}, {} ({} unpacked){signed}\n  content {}\n  sha256  {}",
        gathered.manifest.id,
        gathered.manifest.version,
        plural(gathered.content.listing().len(), "file"),
        size(package.bytes.len() as u64),
        size(gathered.content.listing().total_size()),
        package.content(),
        package.sha256
    )
}

fn document(gathered: &Gathered, package: &Package, format: ArchiveFormat, path: Option<String>) -> Document {
    let file = |(path, entry): (&PackagePath, &FileEntry)| PackedFile {
        path: path.to_string(),
        size: entry.size,
        blake3: entry.digest.to_string(),
    };
    Document::Package(PackageDocument {
        name: gathered.manifest.id.to_string(),
        version: gathered.manifest.version.to_string(),
        path,
        format: format.as_str().to_owned(),
        size: package.bytes.len() as u64,
        unpacked: gathered.content.listing().total_size(),
        sha256: package.sha256.to_string(),
        content: package.content().to_string(),
        signed: gathered.signature.is_some(),
        commit: gathered.commit.clone(),
        files: gathered.content.listing().iter().map(file).collect(),
    })
}
