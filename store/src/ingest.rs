//! How do bytes come in? In one pass: counted, hashed as they were fetched, unpacked, hashed as files, compared.
//!
//! Nothing here is remembered until [`Store::commit`]; a failure at any point leaves no object and no staging folder.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use mfp_model::content::{PackagePath, SIGNATURE_FILE};

use crate::error::{Result, StoreError};
use crate::fs::{At, IoError};
use crate::os;
use crate::store::Store;
use crate::tree::{Artifact, FILES, LISTING, Staging, Tree};
use crate::unpack::{self, ArchiveClass, ArchiveError, ArchiveFormat, MAX_ARCHIVE_BYTES, Metered, Sink};
use crate::verify::{self, Expected, IntegrityError, Verified};

impl Store {
    /// Unpack and verify an archive while it's read, which may be while it's downloaded.
    ///
    /// The reader's own error comes back as [`StoreError::Source`]. If an archive was expected and this isn't it, that's the
    /// error, whatever else is wrong with it: the rest is read (up to the limit) to know the digest.
    pub fn ingest_archive(&self, mut reader: impl Read, format: ArchiveFormat, expected: &Expected) -> Result<Verified<Tree>> {
        let staging = self.stage()?;
        let wanted = expected.artifact();
        let cap = wanted.and_then(|artifact| artifact.size).unwrap_or(MAX_ARCHIVE_BYTES).min(MAX_ARCHIVE_BYTES);
        let mut input = Metered::new(&mut reader, cap);
        let mut sink = Sink::new(staging.path().join(FILES));
        let unpacked = unpack::unpack(&mut input, format, &mut sink).and_then(|()| sink.finish());
        if input.is_over() {
            return Err(too_large(wanted.and_then(|artifact| artifact.size), cap, unpacked.err()));
        }
        if wanted.is_some() && matches!(unpacked, Err(StoreError::Archive(_))) {
            input.drain().map_err(|error| if matches!(error, StoreError::Source(_)) { error } else { oversize(wanted, cap, error) })?;
        }
        let (size, sha256) = input.measure();
        let artifact = Artifact { format, size, sha256 };
        if let (Some(wanted), Err(StoreError::Archive(_)) | Ok(_)) = (wanted, &unpacked) {
            verify::check_artifact(&artifact, &wanted)?;
        }
        finished(Tree::new(staging, unpacked?, Some(artifact)), expected)
    }

    /// Read and verify files of a folder, which the caller chose: pairs of a path in the package and the file to read. Each is
    /// read once; a link, or anything else that isn't a regular file, is an error. A `plugin.minisig` is the signature.
    pub fn ingest_folder(&self, files: impl IntoIterator<Item = (PackagePath, PathBuf)>, expected: &Expected) -> Result<Verified<Tree>> {
        self.ingest_each(files, expected, |sink, path, source| put_file(sink, path, &source))
    }

    /// Take and verify files that are in memory (blobs of a git tree).
    pub fn ingest_files<B: AsRef<[u8]>>(
        &self,
        files: impl IntoIterator<Item = (PackagePath, B)>,
        expected: &Expected,
    ) -> Result<Verified<Tree>> {
        self.ingest_each(files, expected, |sink, path, bytes| put_reader(sink, path, &mut bytes.as_ref(), Path::new(path.as_str())))
    }

    fn ingest_each<S>(
        &self,
        files: impl IntoIterator<Item = (PackagePath, S)>,
        expected: &Expected,
        put: impl Fn(&mut Sink, &PackagePath, S) -> Result<()>,
    ) -> Result<Verified<Tree>> {
        let staging = self.stage()?;
        let mut sink = Sink::unstripped(staging.path().join(FILES));
        for (path, source) in files {
            sink.count_member()?;
            let path = sink.file(path.as_str().as_bytes())?;
            put(&mut sink, &path, source)?;
        }
        finished(Tree::new(staging, sink.finish()?, None), expected)
    }

    fn stage(&self) -> Result<Staging> {
        let lock = self.hold()?;
        Staging::new(&self.staging_path()?, lock)
    }
}

/// Verify what was staged, and complete it to what an object is: the listing and the signature, beside the files.
fn finished(tree: Tree, expected: &Expected) -> Result<Verified<Tree>> {
    let tree = verify::verify(tree, expected)?;
    let write = |name: &str, text: &str| {
        let path = tree.staging.path().join(name);
        let mut file = os::create_new(&path, 0o444).at("write", &path)?;
        file.write_all(text.as_bytes()).at("write", &path)
    };
    write(LISTING, tree.listing_text())?;
    if let Some(signature) = tree.signature() {
        write(SIGNATURE_FILE, signature)?;
    }
    Ok(tree)
}

/// More bytes came than may.
fn too_large(expected: Option<u64>, cap: u64, error: Option<StoreError>) -> StoreError {
    match expected {
        Some(expected) if expected == cap => IntegrityError::Size { expected, computed: cap, more: true }.into(),
        _ => error.unwrap_or_else(|| ArchiveError::whole(ArchiveClass::Limit, "it's too large").into()),
    }
}

fn oversize(wanted: Option<verify::ExpectedArtifact>, cap: u64, error: StoreError) -> StoreError {
    too_large(wanted.and_then(|artifact| artifact.size), cap, Some(error))
}

fn put_file(sink: &mut Sink, path: &PackagePath, source: &Path) -> Result<()> {
    let mut file = os::open_no_follow(source).map_err(|error| refused(path, source, error))?;
    let metadata = file.metadata().map_err(|error| IoError::new("look at", source, error))?;
    if !metadata.is_file() {
        return Err(ArchiveError::member(ArchiveClass::Special, path.as_str().as_bytes(), "it isn't a regular file").into());
    }
    put_reader(sink, path, &mut file, source)
}

fn refused(path: &PackagePath, source: &Path, error: std::io::Error) -> StoreError {
    if os::is_link_error(&error) {
        return ArchiveError::member(ArchiveClass::Link, path.as_str().as_bytes(), "a symbolic link").into();
    }
    IoError::new("read", source, error).into()
}

fn put_reader(sink: &mut Sink, path: &PackagePath, reader: &mut dyn Read, source: &Path) -> Result<()> {
    sink.put(path, &mut |buffer| reader.read(buffer).map_err(|error| IoError::new("read", source, error).into()))?;
    Ok(())
}
