//! The vendored folder: everything the lock names, exactly, believed only after hashing.

use std::path::PathBuf;

use mfp_model::digest::ContentDigest;
use mfp_store::vendor::{self, Vendor, VendorItem};
use mfp_store::{Store, StoreOptions};

use crate::support::*;

struct Setting {
    fixture: Fixture,
    folder: PathBuf,
    one: VendorItem,
    two: VendorItem,
}

impl Setting {
    fn new() -> Self {
        let fixture = Fixture::new();
        let item = |name: &str, content, signature: Option<&str>| VendorItem {
            name: name.parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
            content,
            signature: signature.map(str::to_owned),
        };
        let one = item("one", fixture.add(&[("plugin.yaml", "one"), ("docs/a.txt", "a\r\n")]), Some("signed"));
        let two = item("two", fixture.add(&[("plugin.yaml", "two")]), None);
        Self { folder: fixture.path("vendored"), fixture, one, two }
    }

    fn write(&self, items: &[&VendorItem]) -> Result<vendor::Vendored, mfp_store::StoreError> {
        vendor::write(&self.folder, &items.iter().copied().cloned().collect::<Vec<_>>(), &self.fixture.store)
    }

    fn content(&self, content: ContentDigest) -> PathBuf {
        self.folder.join("content").join(content.hex())
    }

    /// A store that has nothing yet.
    fn bare(&self) -> Store {
        Store::open(StoreOptions::new(self.fixture.path("bare"))).unwrap()
    }
}

#[test]
fn what_was_vendored_is_all_that_a_bare_machine_needs() {
    let setting = Setting::new();
    let done = setting.write(&[&setting.one, &setting.two]).unwrap();
    assert_eq!(done.written.len(), 2);
    assert_eq!(names(&setting.folder), [".gitattributes", "content", "vendor.json"]);
    assert_eq!(std::fs::read_to_string(setting.folder.join(".gitattributes")).unwrap(), "* -text\n");
    assert_eq!(names(&setting.content(setting.one.content)), ["docs", "plugin.minisig", "plugin.yaml"]);
    let (bare, vendor) = (setting.bare(), Vendor::open(&setting.folder).unwrap());
    for item in [&setting.one, &setting.two] {
        let tree = vendor.ingest(&bare, &item.content).unwrap();
        assert_eq!(tree.signature(), item.signature.as_deref());
        bare.insert(tree).unwrap();
        bare.need(&item.content).unwrap().check().unwrap();
    }
    let listed: Vec<_> = vendor.contents().map(|(_, name, version)| format!("{name} {version}")).collect();
    assert_eq!(listed.len(), 2);
    assert!(listed.contains(&"one 1.0.0".to_owned()));
}

#[test]
fn a_second_write_changes_nothing_and_the_unwanted_goes() {
    let setting = Setting::new();
    setting.write(&[&setting.one, &setting.two]).unwrap();
    let before = snapshot(&setting.folder);
    let done = setting.write(&[&setting.two, &setting.one]).unwrap();
    assert_eq!((done.written.len(), done.kept.len()), (0, 2));
    assert_eq!(snapshot(&setting.folder), before);
    let done = setting.write(&[&setting.two]).unwrap();
    assert_eq!(done.removed, [setting.one.content]);
    assert_eq!(names(&setting.folder.join("content")), [setting.two.content.hex()]);
}

#[test]
fn vendored_bytes_are_hashed_before_they_are_believed() {
    let setting = Setting::new();
    setting.write(&[&setting.one]).unwrap();
    let (bare, vendor) = (setting.bare(), Vendor::open(&setting.folder).unwrap());
    let file = setting.content(setting.one.content).join("docs/a.txt");
    std::fs::write(&file, "a\n").unwrap();
    assert_eq!(code(vendor.ingest(&bare, &setting.one.content)), "mfp::integrity::content", "git changed the line ends");
    setting.write(&[&setting.one]).unwrap();
    vendor.ingest(&bare, &setting.one.content).unwrap();
    std::fs::write(file.with_file_name("extra"), "").unwrap();
    assert_eq!(code(vendor.ingest(&bare, &setting.one.content)), "mfp::integrity::content");
    #[cfg(unix)]
    {
        std::fs::remove_file(file.with_file_name("extra")).unwrap();
        std::fs::rename(&file, setting.fixture.path("a.txt")).unwrap();
        std::os::unix::fs::symlink(setting.fixture.path("a.txt"), &file).unwrap();
        assert_eq!(code(vendor.ingest(&bare, &setting.one.content)), "mfp::archive::link", "though the bytes are the same");
    }
    assert_eq!(code(vendor.ingest(&bare, &setting.two.content)), "mfp::store::missing");
    assert!(bare.contents().unwrap().is_empty());
}

#[test]
fn what_mfp_did_not_write_is_left_alone() {
    let setting = Setting::new();
    std::fs::create_dir_all(&setting.folder).unwrap();
    std::fs::write(setting.folder.join("README"), "mine").unwrap();
    std::fs::write(setting.folder.join(".gitattributes"), "*.txt text\n").unwrap();
    assert_eq!(code(setting.write(&[&setting.one])), "mfp::layout::foreign");
    std::fs::write(setting.folder.join(".gitattributes"), "# mine\n* -text\n").unwrap();
    setting.write(&[&setting.one]).unwrap();
    let mine = setting.content(setting.one.content).join("mine");
    std::fs::write(&mine, "mine").unwrap();
    assert_eq!(code(setting.write(&[&setting.one])), "mfp::layout::foreign");
    let done = setting.write(&[&setting.two]).unwrap();
    assert_eq!(done.left, [setting.content(setting.one.content)]);
    assert!(mine.exists() && setting.folder.join("README").exists());
    assert_eq!(code(Vendor::open(&setting.fixture.path("none"))), "mfp::io::not-found");
}

#[test]
fn a_signature_that_changed_is_written_again() {
    let setting = Setting::new();
    setting.write(&[&setting.one]).unwrap();
    let again = VendorItem { signature: Some("again".to_owned()), ..setting.one.clone() };
    assert_eq!(setting.write(&[&again]).unwrap().written, [again.content]);
    assert_eq!(Vendor::open(&setting.folder).unwrap().ingest(&setting.bare(), &again.content).unwrap().signature(), Some("again"));
}
