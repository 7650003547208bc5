//! Was this content compiled on this machine before? The cache of compiled code.
//!
//! Compiled code is only ever our own: files in a folder that belongs to this user and that nobody else can write to, each
//! named by the wasm's digest and the engine's version and settings, with a digest of its own in front. What isn't
//! exactly that is compiled again. It's no defence against this same user, and needs none.
//!
//! The wasm is read, hashed and inspected all the same: this cache saves time, and decides nothing.

use std::fs::File;
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use mfp_model::digest::FileDigest;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

use crate::abi::Layer;
use crate::compile::Code;

/// The first bytes of each file: a format of our own, so that nothing else is ever taken for one.
const MAGIC: &[u8; 16] = b"mfp compiled/1\n\0";
/// Magic and digest.
const HEADER: usize = MAGIC.len() + blake3::OUT_LEN;
/// The most that's read, in bytes: code of the largest module is far below.
const MAX_FILE: u64 = 1 << 30;

/// Why the folder can't be used. None of these is repaired silently: somebody may have prepared the folder.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It can't be made or opened.
    #[error("`{}`: {source}", path.display())]
    Open {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It belongs to another user.
    #[error("`{}` belongs to another user (uid {owner})", path.display())]
    Owner {
        /// The folder.
        path: PathBuf,
        /// The user's id.
        owner: u32,
    },
    /// Others may write to it.
    #[error("others may write to `{}` (mode {mode:04o}); run `chmod 700` on it", path.display())]
    Mode {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
}

/// The folder, checked; held open, so that it can't be exchanged after the check.
#[derive(Debug)]
pub(crate) struct Cache {
    path: PathBuf,
    #[cfg(unix)]
    folder: File,
    /// Hash of the engine's version and settings.
    engine: [u8; 32],
}

impl Cache {
    /// Make the folder, private, if it isn't there.
    pub(crate) fn prepare(path: &Path) -> Result<(), CacheError> {
        make_private(path).map_err(|source| CacheError::Open { path: path.to_owned(), source })
    }

    /// Open the folder, making it if it isn't there.
    pub(crate) fn open(path: &Path, engine: &Engine) -> Result<Self, CacheError> {
        let fail = |source| CacheError::Open { path: path.to_owned(), source };
        make_private(path).map_err(fail)?;
        #[cfg(unix)]
        let folder = owner::open_folder(path)?;
        Ok(Self {
            path: path.to_owned(),
            #[cfg(unix)]
            folder,
            engine: settings(engine),
        })
    }

    /// The compiled code of this wasm, if a good file has it.
    pub(crate) fn load(&self, engine: &Engine, layer: Layer, wasm: FileDigest) -> Option<Code> {
        let key = self.key(wasm);
        let file = self.read(&file_name(&key)).ok()?;
        let code = payload(&file, &key)?;
        deserialize(engine, layer, code).ok()
    }

    /// Keep compiled code. That it can't be kept (a full disk, a read-only one) is no reason not to run it.
    pub(crate) fn save(&self, wasm: FileDigest, code: &[u8]) -> io::Result<()> {
        let key = self.key(wasm);
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.path)?;
        file.write_all(MAGIC)?;
        file.write_all(seal(&key, code).as_bytes())?;
        file.write_all(code)?;
        // Not synced: a file that a crash tore doesn't match its digest.
        file.persist(self.path.join(file_name(&key)))?;
        Ok(())
    }

    fn key(&self, wasm: FileDigest) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("mfp loader 2026 compiled code key");
        hasher.update(wasm.as_bytes()).update(&self.engine);
        *hasher.finalize().as_bytes()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        #[cfg(unix)]
        let file = owner::open_file(&self.folder, name)?;
        #[cfg(not(unix))]
        let file = File::open(self.path.join(name))?;
        let size = file.metadata()?.len();
        if size > MAX_FILE {
            return Err(io::Error::other("too large"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(MAX_FILE).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn file_name(key: &[u8; 32]) -> String {
    format!("{}.cwasm", FileDigest::from_hash(*key).hex())
}

/// The digest of a file: of its key too, so that a file under another's name is a wrong one.
fn seal(key: &[u8; 32], code: &[u8]) -> blake3::Hash {
    blake3::Hasher::new_keyed(key).update(code).finalize()
}

/// The code in a file, if the file is what it says.
fn payload<'a>(file: &'a [u8], key: &[u8; 32]) -> Option<&'a [u8]> {
    let (header, code) = file.split_at_checked(HEADER)?;
    let (magic, digest) = header.split_at(MAGIC.len());
    let digest = blake3::Hash::from_bytes(digest.try_into().ok()?);
    (magic == MAGIC && seal(key, code) == digest).then_some(code)
}

/// Compiled code back into something to run.
#[expect(
    unsafe_code,
    reason = "wasmtime can't check machine code. These bytes were just compiled by this program, or read from a folder that only \
              this user can write to and match a digest that this program wrote when it had compiled them; see the module's text"
)]
pub(crate) fn deserialize(engine: &Engine, layer: Layer, code: &[u8]) -> wasmtime::Result<Code> {
    match layer {
        // SAFETY: `code` is what wasmtime serialized on this machine, for this version and these settings of it.
        Layer::Module => unsafe { Module::deserialize(engine, code) }.map(Code::Module),
        // SAFETY: as above.
        Layer::Component => unsafe { Component::deserialize(engine, code) }.map(Code::Component),
    }
}

/// Hash of wasmtime's version and of all settings that compiled code depends on.
fn settings(engine: &Engine) -> [u8; 32] {
    struct Blake(blake3::Hasher);
    impl Hasher for Blake {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            let hash = self.0.finalize();
            u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has more than 8 bytes"))
        }
    }
    let mut hasher = Blake(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    *hasher.0.finalize().as_bytes()
}

fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whose is it? Owner and permissions, asked of what's open and not of a path.
#[cfg(unix)]
mod owner {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags};

    use super::CacheError;

    const WRITABLE_BY_OTHERS: u32 = 0o022;

    pub(super) fn open_folder(path: &Path) -> Result<File, CacheError> {
        let fail = |source: io::Error| CacheError::Open { path: path.to_owned(), source };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = File::from(rustix::fs::open(path, flags, Mode::empty()).map_err(|error| fail(error.into()))?);
        let metadata = folder.metadata().map_err(fail)?;
        if metadata.uid() != us() {
            return Err(CacheError::Owner { path: path.to_owned(), owner: metadata.uid() });
        }
        if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
            return Err(CacheError::Mode { path: path.to_owned(), mode: metadata.mode() & 0o7777 });
        }
        Ok(folder)
    }

    pub(super) fn open_file(folder: &File, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        let ours = metadata.is_file() && metadata.uid() == us() && metadata.mode() & WRITABLE_BY_OTHERS == 0;
        if ours { Ok(file) } else { Err(io::Error::other("not a file of ours")) }
    }

    fn us() -> u32 {
        rustix::process::geteuid().as_raw()
    }
}
