//! Laws over random trees: whatever the container, the listing is that of the files; whatever the bytes, nothing is left behind.

use std::collections::BTreeMap;

use mfp_model::content::{FileEntry, Listing, PathSet};
use mfp_model::digest::FileDigest;
use mfp_store::{ArchiveFormat, Expected};
use proptest::prelude::*;

use crate::support::*;

type Files = BTreeMap<String, Vec<u8>>;

/// Trees whose paths can stand side by side, with a file at the root so that nothing is stripped.
fn trees() -> impl Strategy<Value = Files> {
    let name = prop_oneof![Just("docs".to_owned()), "[a-z]{1,8}(\\.[a-z]{1,3})?", "[a-zé]{60,90}"];
    let path = prop::collection::vec(name, 1..5).prop_map(|parts| parts.join("/"));
    let data = prop_oneof![prop::collection::vec(any::<u8>(), 0..40), (0..200_000_usize).prop_map(|size| vec![b'z'; size])];
    prop::collection::btree_map(path, data, 0..12).prop_map(|files| {
        let mut set = PathSet::default();
        let fits = |(path, _): &(String, Vec<u8>)| path.parse().is_ok_and(|path| set.insert(&path).is_ok());
        [("plugin.yaml".to_owned(), b"mfp: 1\n".to_vec())].into_iter().chain(files).filter(fits).collect()
    })
}

fn listing(files: &Files) -> Listing {
    let entry = |bytes: &Vec<u8>| FileEntry { digest: FileDigest::of(bytes), size: bytes.len() as u64 };
    Listing::new(files.iter().map(|(path, bytes)| (path.parse().unwrap(), entry(bytes)))).unwrap()
}

/// The files as a tar, with the PAX paths that are needed.
fn packed(files: &Files) -> Vec<u8> {
    let one = |(path, bytes): (&String, &Vec<u8>)| match path.len() {
        0..=100 if path.is_ascii() => member(path, bytes),
        _ => [pax(&[("path", path), ("size", &bytes.len().to_string())]), member("short", bytes)].concat(),
    };
    tar(&files.iter().map(one).collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_container_makes_no_difference(files in trees()) {
        let fixture = Fixture::new();
        let expected = listing(&files);
        let locked = Expected::Locked { content: expected.content(), artifact: None };
        let tar = packed(&files);
        let members: Vec<_> = files.iter().map(|(path, bytes)| ZipMember::deflated(path, bytes)).collect();
        let deferred: Vec<_> = members.iter().cloned().map(ZipMember::deferred).collect();
        for (bytes, format) in [
            (gzip(&tar), ArchiveFormat::TarGz),
            (zstd(&tar), ArchiveFormat::TarZst),
            (zip(&members), ArchiveFormat::Zip),
            (zip(&deferred), ArchiveFormat::Zip),
        ] {
            let tree = fixture.store.ingest_archive(&bytes[..], format, &locked).unwrap();
            prop_assert_eq!(tree.listing(), &expected);
            fixture.store.insert(tree).unwrap();
        }
        let stored = fixture.store.need(&expected.content()).unwrap();
        for (path, bytes) in &files {
            prop_assert_eq!(&stored.read(path).unwrap(), bytes);
        }
        let in_memory = files.iter().map(|(path, bytes)| (path.parse().unwrap(), bytes));
        prop_assert_eq!(fixture.store.ingest_files(in_memory, &Expected::FirstSight).unwrap().content(), expected.content());
    }

    #[test]
    fn a_tar_with_changed_bytes_leaves_nothing_or_is_one_tree(
        files in trees(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let fixture = Fixture::new();
        let mut tar = packed(&files);
        for (at, byte) in changes {
            let at = at.index(tar.len());
            tar[at] = byte;
        }
        let gzip = fixture.ingest(&gzip(&tar), ArchiveFormat::TarGz).map(|tree| tree.content()).map_err(|error| error.code());
        let zstd = fixture.ingest(&zstd(&tar), ArchiveFormat::TarZst).map(|tree| tree.content()).map_err(|error| error.code());
        prop_assert_eq!(gzip, zstd);
        prop_assert!(fixture.traces().is_empty());
    }

    #[test]
    fn a_zip_with_changed_bytes_leaves_nothing(
        files in trees(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let fixture = Fixture::new();
        let members: Vec<_> = files.iter().map(|(path, bytes)| ZipMember::deflated(path, bytes)).collect();
        let mut bytes = zip(&members);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(tree) = fixture.ingest(&bytes, ArchiveFormat::Zip) {
            // Names aren't under a checksum; bytes are.
            let digests = |listing: &Listing| listing.iter().map(|(_, entry)| entry.digest.hex()).collect::<std::collections::BTreeSet<_>>();
            prop_assert_eq!(digests(tree.listing()), digests(&listing(&files)));
        }
        prop_assert!(fixture.traces().is_empty());
    }
}
