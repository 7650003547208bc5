//! Stores in temporary folders, and writers of tars and zips that also write what no honest writer would.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use mfp_model::content::PackagePath;
use mfp_store::{ArchiveFormat, Expected, Store, StoreError, StoreOptions, Tree, Verified};

/// A temporary folder, in memory where there's such a place: flushing a shared disk would make the tests slow.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A store in a folder of its own.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) root: PathBuf,
    pub(crate) folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = folder();
        let root = folder.path().join("store");
        Self { store: Store::open(StoreOptions::new(&root)).unwrap(), root, folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What's in staging, and all contents: both empty if nothing happened.
    pub(crate) fn traces(&self) -> Vec<PathBuf> {
        let mut traces = names(&self.root.join("v1/staging"));
        traces.extend(self.store.contents().unwrap().into_iter().map(|content| content.to_string()));
        traces.into_iter().map(PathBuf::from).collect()
    }

    pub(crate) fn ingest(&self, bytes: &[u8], format: ArchiveFormat) -> Result<Verified<Tree>, StoreError> {
        self.store.ingest_archive(bytes, format, &Expected::FirstSight)
    }

    /// Ingest and commit files that are in memory.
    pub(crate) fn add(&self, files: &[(&str, &str)]) -> mfp_model::digest::ContentDigest {
        let tree = self.tree(files);
        let content = tree.content();
        self.store.insert(tree).unwrap();
        content
    }

    pub(crate) fn tree(&self, files: &[(&str, &str)]) -> Verified<Tree> {
        let files = files.iter().map(|(path, text)| (path.parse::<PackagePath>().unwrap(), text.as_bytes()));
        self.store.ingest_files(files, &Expected::FirstSight).unwrap()
    }
}

/// The names in a folder, sorted; none if there's no folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Every file below a folder with its bytes; folders end with `/`, links are shown as such.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn below(folder: &Path, prefix: &str, all: &mut BTreeMap<String, Vec<u8>>) {
        for name in names(folder) {
            let path = folder.join(&name);
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_symlink() {
                all.insert(format!("{prefix}{name}@"), path.read_link().unwrap().to_string_lossy().into_owned().into());
            } else if metadata.is_dir() {
                all.insert(format!("{prefix}{name}/"), Vec::new());
                below(&path, &format!("{prefix}{name}/"), all);
            } else {
                all.insert(format!("{prefix}{name}"), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut all = BTreeMap::new();
    below(folder, "", &mut all);
    all
}

pub(crate) fn code<T>(result: Result<T, StoreError>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(error) => error.code(),
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

/// A header of a tar, every field of which can be set.
pub(crate) struct Header {
    pub(crate) block: [u8; 512],
}

impl Header {
    pub(crate) fn new(name: &str, kind: u8, size: usize) -> Self {
        let mut header = Self { block: [0; 512] };
        let mut rest = name;
        if name.len() > 100 {
            let split = name[..name.len().min(155)].rfind('/').expect("a folder to split at");
            header.set(345, &name.as_bytes()[..split]);
            rest = &name[split + 1..];
        }
        header.set(0, rest.as_bytes());
        header.set(100, b"0000644\0").set(108, b"0000000\0").set(116, b"0000000\0");
        header.set(124, format!("{size:011o}\0").as_bytes()).set(136, b"00000000000\0");
        header.set(156, &[kind]).set(257, b"ustar\x0000");
        header
    }

    pub(crate) fn set(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.block[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// With its checksum, and the data after it.
    pub(crate) fn with(&mut self, data: &[u8]) -> Vec<u8> {
        self.set(148, b"        ");
        let sum: u32 = self.block.iter().map(|byte| u32::from(*byte)).sum();
        self.set(148, format!("{sum:06o}\0 ").as_bytes());
        let mut bytes = self.block.to_vec();
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
        bytes
    }
}

pub(crate) fn member(name: &str, data: &[u8]) -> Vec<u8> {
    Header::new(name, b'0', data.len()).with(data)
}

/// A PAX header with these records, spelled as they should be.
pub(crate) fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = String::new();
    for (key, value) in records {
        let body = format!(" {key}={value}\n");
        let mut length = body.len() + 1;
        while length != body.len() + length.to_string().len() {
            length = body.len() + length.to_string().len();
        }
        data += &length.to_string();
        data += &body;
    }
    Header::new("PaxHeaders/x", b'x', data.len()).with(data.as_bytes())
}

/// These parts, and the end of a tar.
pub(crate) fn tar(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = parts.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

/// A tar of honest files.
pub(crate) fn tar_of<B: AsRef<[u8]>>(files: &[(&str, B)]) -> Vec<u8> {
    tar(&files.iter().map(|(name, data)| member(name, data.as_ref())).collect::<Vec<_>>())
}

/// A member of a zip, every field of which can be set.
#[derive(Clone)]
pub(crate) struct ZipMember {
    pub(crate) name: Vec<u8>,
    pub(crate) local_name: Option<Vec<u8>>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) size: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) attributes: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) local_extra: Vec<u8>,
    /// Bytes between the data and the next record.
    pub(crate) gap: Vec<u8>,
}

impl ZipMember {
    pub(crate) fn stored(name: &str, data: &[u8]) -> Self {
        Self {
            name: name.into(),
            local_name: None,
            flags: if name.is_ascii() { 0 } else { 1 << 11 },
            method: 0,
            crc: crc32fast::hash(data),
            size: u32::try_from(data.len()).unwrap(),
            data: data.into(),
            attributes: 0o100_644 << 16,
            extra: Vec::new(),
            local_extra: Vec::new(),
            gap: Vec::new(),
        }
    }

    pub(crate) fn deflated(name: &str, data: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        Self { method: 8, data: encoder.finish().unwrap(), ..Self::stored(name, data) }
    }

    /// With its checksum and sizes after the data.
    pub(crate) fn deferred(mut self) -> Self {
        self.flags |= 1 << 3;
        self.gap = b"PK\x07\x08".to_vec();
        self.gap.extend(self.crc.to_le_bytes());
        self.gap.extend(u32::try_from(self.data.len()).unwrap().to_le_bytes());
        self.gap.extend(self.size.to_le_bytes());
        self
    }

    fn facts(&self) -> Vec<u8> {
        let compressed = u32::try_from(self.data.len()).unwrap();
        [self.crc, compressed, self.size].iter().flat_map(|field| field.to_le_bytes()).collect()
    }

    fn local(&self) -> Vec<u8> {
        let name = self.local_name.as_ref().unwrap_or(&self.name);
        let mut bytes = b"PK\x03\x04\x14\0".to_vec();
        bytes.extend([self.flags, self.method, 0, 0x21].iter().flat_map(|field| field.to_le_bytes()));
        bytes.extend(if self.flags & 1 << 3 == 0 { self.facts() } else { vec![0; 12] });
        bytes.extend([name.len(), self.local_extra.len()].iter().flat_map(|length| length_of(*length)));
        [bytes, name.clone(), self.local_extra.clone(), self.data.clone(), self.gap.clone()].concat()
    }

    fn central(&self, offset: u32) -> Vec<u8> {
        let mut bytes = b"PK\x01\x02\x1e\x03\x14\0".to_vec();
        bytes.extend([self.flags, self.method, 0, 0x21].iter().flat_map(|field| field.to_le_bytes()));
        bytes.extend(self.facts());
        bytes.extend([self.name.len(), self.extra.len(), 0, 0, 0].iter().flat_map(|length| length_of(*length)));
        bytes.extend([self.attributes, offset].iter().flat_map(|field| field.to_le_bytes()));
        [bytes, self.name.clone(), self.extra.clone()].concat()
    }
}

fn length_of(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_le_bytes()
}

pub(crate) fn zip(members: &[ZipMember]) -> Vec<u8> {
    zip_with_comment(members, b"")
}

pub(crate) fn zip_with_comment(members: &[ZipMember], comment: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        directory.extend(member.central(u32::try_from(bytes.len()).unwrap()));
        bytes.extend(member.local());
    }
    let offset = u32::try_from(bytes.len()).unwrap();
    let size = u32::try_from(directory.len()).unwrap();
    let count = u16::try_from(members.len()).unwrap();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend([size, offset].iter().flat_map(|field| field.to_le_bytes()));
    bytes.extend(u16::try_from(comment.len()).unwrap().to_le_bytes());
    bytes.extend(comment);
    bytes
}
