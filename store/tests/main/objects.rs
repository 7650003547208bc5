//! Objects in the store: durable names, tampering, races, locks, garbage.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mfp_model::content::PackagePath;
use mfp_store::file_lock::{FileLock, LockMode};
use mfp_store::{ArchiveFormat, Expected, ExpectedArtifact, Inspector, Store, StoreOptions};

use crate::support::*;

const SECOND: Duration = Duration::from_secs(1);
const FILES: [(&str, &str); 3] = [("plugin.yaml", "mfp: 1\n"), ("plugin.wasm", "\0asm"), ("docs/a.txt", "hello")];

fn object(fixture: &Fixture, content: &mfp_model::digest::ContentDigest) -> PathBuf {
    fixture.root.join("v1/content").join(&content.hex()[..2]).join(content.hex())
}

/// Change a file although it's read-only, as root or the owner could.
fn overwrite(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_was_committed_is_found_by_its_content_and_read_back() {
    let fixture = Fixture::new();
    let tree = fixture.tree(&FILES);
    let content = tree.content();
    assert!(!fixture.store.contains(&content) && fixture.store.get(&content).unwrap().is_none(), "not before it's committed");
    fixture.store.insert(tree).unwrap();
    let stored = fixture.store.get(&content).unwrap().unwrap();
    assert_eq!(stored.read("docs/a.txt").unwrap(), b"hello");
    assert_eq!(stored.listing().content(), content);
    assert_eq!(code(stored.read("docs/b.txt")), "mfp::store::not-listed");
    assert_eq!(code(stored.read("../listing")), "mfp::store::not-listed");
    let object = snapshot(&object(&fixture, &content));
    assert_eq!(
        object.into_keys().collect::<Vec<_>>(),
        ["files/", "files/docs/", "files/docs/a.txt", "files/plugin.wasm", "files/plugin.yaml", "listing"]
    );
    assert!(names(&fixture.root.join("v1/staging")).is_empty());
}

#[cfg(unix)]
#[test]
fn the_store_is_this_users_and_its_files_are_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::new();
    let content = fixture.add(&FILES);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&fixture.root), 0o700);
    assert_eq!(mode(&object(&fixture, &content).join("files/docs/a.txt")) & 0o222, 0);
    for loose in [0o770, 0o702, 0o777] {
        std::fs::set_permissions(&fixture.root, std::fs::Permissions::from_mode(loose)).unwrap();
        assert_eq!(code(Store::open(StoreOptions::new(&fixture.root))), "mfp::store::untrusted", "{loose:o}");
    }
    std::fs::set_permissions(&fixture.root, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(Store::open(StoreOptions::new(&fixture.root)).is_ok());
    if rustix::process::geteuid().is_root() {
        rustix::fs::chown(&fixture.root, Some(rustix::fs::Uid::from_raw(12_345)), None).unwrap();
        assert_eq!(code(Store::open(StoreOptions::new(&fixture.root))), "mfp::store::untrusted", "somebody else's");
    }
}

#[test]
fn tampering_with_a_file_is_never_read_as_its_content() {
    type Spoil = (&'static str, fn(&Path));
    let spoil: [Spoil; 5] = [
        ("flipped", |path| overwrite(path, b"hellO")),
        ("longer", |path| overwrite(path, b"hello!")),
        ("empty", |path| overwrite(path, b"")),
        ("gone", |path| std::fs::remove_file(path).unwrap()),
        ("a folder", |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
    ];
    for (story, spoil) in spoil {
        let fixture = Fixture::new();
        let content = fixture.add(&FILES);
        spoil(&object(&fixture, &content).join("files/docs/a.txt"));
        let stored = fixture.store.get(&content).unwrap().unwrap();
        let error = stored.read("docs/a.txt").unwrap_err();
        assert_eq!((error.code(), error.exit_code()), ("mfp::store::damaged", 4), "{story}: {error}");
        assert!(error.to_string().contains("docs/a.txt"), "{story}: {error}");
        assert_eq!(stored.read("plugin.wasm").unwrap(), b"\0asm", "the others are fine");
    }
}

#[cfg(unix)]
#[test]
fn a_link_or_a_fifo_in_a_files_place_is_damage() {
    let fixture = Fixture::new();
    let content = fixture.add(&FILES);
    let path = object(&fixture, &content).join("files/docs/a.txt");
    let same = fixture.path("same");
    std::fs::write(&same, "hello").unwrap();
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(&same, &path).unwrap();
    let stored = fixture.store.need(&content).unwrap();
    assert!(stored.read("docs/a.txt").unwrap_err().to_string().contains("link"), "not even to the same bytes");
    std::fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    assert_eq!(code(stored.read("docs/a.txt")), "mfp::store::damaged", "and it doesn't wait for a writer");
}

#[test]
fn a_listing_that_isnt_the_one_with_this_digest_is_damage() {
    let fixture = Fixture::new();
    let content = fixture.add(&FILES);
    let other = fixture.add(&[("plugin.yaml", "other")]);
    let path = object(&fixture, &content).join("listing");
    let honest = std::fs::read(&path).unwrap();
    let others = std::fs::read(object(&fixture, &other).join("listing")).unwrap();
    for bytes in [&others, &honest[..honest.len() - 1].to_vec(), &Vec::new()] {
        overwrite(&path, bytes);
        assert_eq!(code(fixture.store.get(&content)), "mfp::store::damaged");
    }
    std::fs::remove_file(&path).unwrap();
    assert!(!fixture.store.contains(&content) && fixture.store.get(&content).unwrap().is_none(), "half an object is none");
    fixture.add(&FILES);
    fixture.store.need(&content).unwrap().check().unwrap();
}

#[test]
fn a_damaged_object_is_replaced_only_on_purpose() {
    let fixture = Fixture::new();
    let content = fixture.add(&FILES);
    overwrite(&object(&fixture, &content).join("files/docs/a.txt"), b"hellO");
    fixture.add(&FILES);
    assert!(fixture.store.need(&content).unwrap().check().is_err(), "a commit doesn't touch what's there");
    fixture.store.replace(vec![fixture.tree(&FILES)]).unwrap();
    fixture.store.need(&content).unwrap().check().unwrap();
    assert_eq!(names(&fixture.root.join("v1/quarantine")).len(), 1);
}

#[test]
fn every_signature_of_a_content_is_kept_once() {
    let fixture = Fixture::new();
    let signed = |signature: &str| fixture.tree(&[FILES[0], ("plugin.minisig", signature)]);
    let content = fixture.add(&FILES[..1]);
    let signatures = || fixture.store.need(&content).unwrap().signatures().unwrap();
    assert_eq!(signatures(), Vec::<String>::new());
    for signature in ["one", "two", "one", "two"] {
        fixture.store.insert(signed(signature)).unwrap();
    }
    assert_eq!(signatures(), ["one", "two"]);
    assert_eq!(signed("three").content(), content, "a signature isn't content");
    for number in 0..40 {
        fixture.store.insert(signed(&format!("signature {number}"))).unwrap();
    }
    assert_eq!(signatures().len(), 16);
    fixture.store.insert(signed("the good one")).unwrap();
    assert!(signatures().contains(&"the good one".to_owned()), "worthless ones leave no good one out");
    assert_eq!(signatures().len(), 16);
    assert_eq!(
        names(&object(&fixture, &content)).iter().filter(|name| name.ends_with(".minisig")).count(),
        16,
        "no more on the disk either"
    );
    overwrite(&object(&fixture, &content).join("plugin.minisig"), &vec![b'x'; 100_000]);
    assert_eq!(signatures().len(), 15, "what can't be a signature isn't read");
}

#[test]
fn a_listing_that_is_too_large_is_not_read() {
    let fixture = Fixture::new();
    let content = fixture.add(&FILES);
    let listing = object(&fixture, &content).join("listing");
    overwrite(&listing, b"");
    std::fs::OpenOptions::new().write(true).open(&listing).unwrap().set_len(5 << 20).unwrap();
    let error = fixture.store.get(&content).unwrap_err();
    assert!(error.code() == "mfp::store::damaged" && error.to_string().contains("too large"), "{error}");
}

#[test]
fn one_content_committed_by_many_threads_is_one_object() {
    let fixture = Fixture::new();
    let contents: BTreeSet<_> = std::thread::scope(|scope| {
        let ingest = |thread: usize| {
            let store =
                if thread.is_multiple_of(2) { fixture.store.clone() } else { Store::open(StoreOptions::new(&fixture.root)).unwrap() };
            let tar = zstd(&tar_of(&FILES));
            let same = store.ingest_archive(&tar[..], ArchiveFormat::TarZst, &Expected::FirstSight).unwrap();
            let own = vec![("own".parse::<PackagePath>().unwrap(), format!("{thread}"))];
            let own = store.ingest_files(own, &Expected::FirstSight).unwrap();
            let contents = [same.content(), own.content()];
            store.commit(vec![same, own]).unwrap();
            contents
        };
        let threads: Vec<_> = (0..32).map(|thread| scope.spawn(move || ingest(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(contents.len(), 33);
    assert_eq!(fixture.store.contents().unwrap(), contents);
    for content in &contents {
        fixture.store.need(content).unwrap().check().unwrap();
    }
    assert!(names(&fixture.root.join("v1/staging")).is_empty());
}

#[test]
fn a_read_only_store_is_read_and_never_written() {
    let fixture = Fixture::new();
    let content = fixture.add(&FILES);
    let before = snapshot(&fixture.root);
    let store = Store::open(StoreOptions { read_only: true, ..StoreOptions::new(&fixture.root) }).unwrap();
    assert_eq!(store.need(&content).unwrap().read("plugin.wasm").unwrap(), b"\0asm");
    let _guard = store.share(SECOND, &mut |_| panic!("there's nothing to wait for")).unwrap();
    assert_eq!(code(store.ingest_files([("a".parse().unwrap(), "x")], &Expected::FirstSight)), "mfp::store::read-only");
    assert_eq!(code(store.insert(fixture.tree(&[("a", "x")]))), "mfp::store::read-only");
    assert_eq!(code(store.clean(SECOND, &mut |_| ())), "mfp::store::read-only");
    assert_eq!(snapshot(&fixture.root), before);
    let missing = StoreOptions { read_only: true, ..StoreOptions::new(fixture.path("none")) };
    assert_eq!(code(Store::open(missing)), "mfp::io::not-found");
}

#[test]
fn what_a_killed_process_left_is_swept_when_nobody_is_at_work() {
    let fixture = Fixture::new();
    let left = fixture.root.join("v1/staging/left");
    let leave = || {
        std::fs::create_dir_all(left.join("files/docs")).unwrap();
        std::fs::write(left.join("files/docs/half"), "ha").unwrap();
    };
    leave();
    let tree = fixture.tree(&FILES);
    assert!(!left.exists(), "swept before the first use");
    leave();
    let other = Store::open(StoreOptions::new(&fixture.root)).unwrap();
    let second = other.ingest_files([("a".parse().unwrap(), "x")], &Expected::FirstSight).unwrap();
    assert!(left.exists(), "somebody is at work, and it could be theirs");
    drop((tree, second));
    fixture.tree(&FILES);
    assert!(!left.exists());
}

#[test]
fn collecting_garbage_waits_for_who_is_at_work_and_keeps_what_is_needed() {
    let fixture = Fixture::new();
    let (kept, gone) = (fixture.add(&FILES), fixture.add(&[("a", "x")]));
    let keep = BTreeSet::from([kept]);
    let collector = Store::open(StoreOptions::new(&fixture.root)).unwrap();
    let guard = fixture.store.share(SECOND, &mut |_| ()).unwrap();
    let mut announced = 0;
    let error = collector.prune(&keep, Duration::from_millis(100), &mut |_| announced += 1).unwrap_err();
    assert_eq!((error.code(), announced), ("mfp::io::lock-timeout", 1));
    assert!(collector.contains(&gone));
    drop(guard);
    let size = collector.size().unwrap();
    assert_eq!(size.contents, 2);
    let pruned = collector.prune(&keep, SECOND, &mut |_| ()).unwrap();
    assert_eq!(pruned.contents, 1);
    assert!(collector.contains(&kept) && !collector.contains(&gone));
    let left = collector.size().unwrap();
    assert_eq!((left.files + pruned.files, left.bytes + pruned.bytes), (size.files, size.bytes));
    collector.clean(SECOND, &mut |_| ()).unwrap();
    assert_eq!(collector.size().unwrap().contents, 0);
}

#[test]
fn writing_waits_for_the_collector_and_not_for_ever() {
    let fixture = Fixture::new();
    let _collector = FileLock::acquire(&fixture.root.join("v1/lock"), LockMode::Exclusive, SECOND, &mut |_| ()).unwrap();
    let options = StoreOptions { lock_timeout: Duration::from_millis(50), ..StoreOptions::new(&fixture.root) };
    let store = Store::open(options).unwrap();
    assert_eq!(code(store.ingest_files([("a".parse().unwrap(), "x")], &Expected::FirstSight)), "mfp::io::lock-timeout");
}

#[test]
fn a_check_of_everything_moves_what_is_damaged_out_of_the_way() {
    let fixture = Fixture::new();
    let (good, bad, listing) = (fixture.add(&FILES), fixture.add(&[("a", "x")]), fixture.add(&[("b", "x")]));
    overwrite(&object(&fixture, &bad).join("files/a"), b"y");
    overwrite(&object(&fixture, &listing).join("listing"), b"y");
    let check = fixture.store.verify_all(SECOND, &mut |_| ()).unwrap();
    assert_eq!(check.intact, 1);
    let damaged: BTreeSet<_> = check.damaged.iter().map(|object| object.content).collect();
    assert_eq!(damaged, BTreeSet::from([bad, listing]));
    assert!(check.damaged.iter().all(|object| object.error.code() == "mfp::store::damaged" && object.moved_to.exists()));
    assert_eq!(fixture.store.contents().unwrap(), BTreeSet::from([good]));
}

#[test]
fn files_of_a_folder_are_read_once_and_links_are_refused() {
    let fixture = Fixture::new();
    let folder = fixture.path("plugin");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("plugin.yaml"), "mfp: 1\n").unwrap();
    let pair = |name: &str| (name.parse::<PackagePath>().unwrap(), folder.join(name));
    let tree = fixture.store.ingest_folder([pair("plugin.yaml")], &Expected::FirstSight).unwrap();
    assert_eq!((tree.manifest(), tree.artifact()), (Some(&b"mfp: 1\n"[..]), None));
    assert_eq!(tree.content(), fixture.tree(&FILES[..1]).content());
    let result = fixture.store.ingest_folder([pair("plugin.yaml"), pair("missing")], &Expected::FirstSight);
    assert!(result.unwrap_err().to_string().contains("missing"));
    let twice = [pair("plugin.yaml"), ("Plugin.yaml".parse().unwrap(), folder.join("plugin.yaml"))];
    assert_eq!(code(fixture.store.ingest_folder(twice, &Expected::FirstSight)), "mfp::archive::duplicate");
    let below = [("x/a".parse().unwrap(), folder.join("plugin.yaml"))];
    let below = fixture.store.ingest_folder(below, &Expected::FirstSight).unwrap();
    assert!(below.listing().get("x/a").is_some(), "nothing is stripped");
    let wanted = ExpectedArtifact { sha256: mfp_model::digest::Sha256::from_hash([7; 32]), size: None };
    let result = fixture.store.ingest_folder([pair("plugin.yaml")], &Expected::Artifact(wanted));
    assert_eq!(code(result), "mfp::integrity::sha256", "an expectation is never skipped");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("plugin.yaml", folder.join("link")).unwrap();
        let error = fixture.store.ingest_folder([pair("link")], &Expected::FirstSight).unwrap_err();
        assert_eq!(error.code(), "mfp::archive::link");
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("fifo"), rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
        assert_eq!(code(fixture.store.ingest_folder([pair("fifo")], &Expected::FirstSight)), "mfp::archive::special");
    }
}

#[test]
fn an_inspector_sees_each_package_before_it_has_a_name_and_can_refuse_it() {
    let fixture = Fixture::new();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let looks = std::sync::Arc::clone(&seen);
    let inspector = Inspector::new(move |tree| {
        looks.lock().unwrap().push(std::fs::read(tree.files_path().join("plugin.yaml")).unwrap());
        if tree.manifest() == Some(b"bad") { Err("it's bad".to_owned()) } else { Ok(()) }
    });
    let store = Store::open(StoreOptions { inspector: Some(inspector), ..StoreOptions::new(&fixture.root) }).unwrap();
    let tree = |text: &str| {
        let files = [("plugin.yaml".parse().unwrap(), text.as_bytes().to_vec()), ("a.txt".parse().unwrap(), b"a".to_vec())];
        store.ingest_files(files, &Expected::FirstSight).unwrap()
    };
    let (good, bad) = (tree("good"), tree("bad"));
    let (good_content, bad_content) = (good.content(), bad.content());
    store.insert(good).unwrap();
    let error = store.insert(bad).unwrap_err();
    assert_eq!((error.code(), error.exit_code()), ("mfp::policy::scan", 5));
    assert!(store.contains(&good_content) && !store.contains(&bad_content));
    assert_eq!(*seen.lock().unwrap(), [b"good".to_vec(), b"bad".to_vec()]);
    store.insert(tree("good")).unwrap();
    assert_eq!(seen.lock().unwrap().len(), 2, "what's there was looked at");
}

#[test]
fn what_an_inspector_changes_isnt_kept() {
    let fixture = Fixture::new();
    let inspector = Inspector::new(|tree| {
        let file = tree.files_path().join("a.txt");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, "b").map_err(|error| error.to_string())
    });
    let store = Store::open(StoreOptions { inspector: Some(inspector), ..StoreOptions::new(&fixture.root) }).unwrap();
    let tree = store.ingest_files([("a.txt".parse().unwrap(), b"a".to_vec())], &Expected::FirstSight).unwrap();
    let content = tree.content();
    assert_eq!(store.insert(tree).unwrap_err().code(), "mfp::store::damaged");
    assert!(!store.contains(&content));
}
