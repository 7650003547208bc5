//! Plugins laid out into a project: exactly, without touching what isn't mfp's, whatever was interrupted.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mfp_model::digest::ContentDigest;
use mfp_model::name::PluginName;
use mfp_store::layout::{Layout, LayoutPlan, LinkMode, ProblemKind, RECORD_FILE, Record, UsedMode};
use mfp_store::{Store, StoreError, StoreOptions};
use serde_json::Value;

use crate::support::*;

const DIR: &str = ".mockforge/plugins";

struct Project {
    fixture: Fixture,
    root: PathBuf,
    folder: PathBuf,
}

type Wanted = BTreeMap<PluginName, ContentDigest>;

fn wanted(plugins: &[(&str, ContentDigest)]) -> Wanted {
    plugins.iter().map(|(name, content)| (name.parse().unwrap(), *content)).collect()
}

fn name(name: &str) -> PluginName {
    name.parse().unwrap()
}

impl Project {
    fn new() -> Self {
        let fixture = Fixture::new();
        let root = fixture.path("project");
        std::fs::create_dir(&root).unwrap();
        let folder = root.join(DIR);
        Self { fixture, root, folder }
    }

    fn open(&self) -> Layout {
        Layout::open(&self.root, Path::new(DIR)).unwrap()
    }

    fn plan(&self, plugins: &[(&str, ContentDigest)]) -> Result<LayoutPlan, StoreError> {
        self.open().plan(&wanted(plugins))
    }

    /// Lay out exactly these.
    fn lay_out(&self, plugins: &[(&str, ContentDigest)]) -> Result<mfp_store::layout::Applied, StoreError> {
        self.lay_out_by(plugins, LinkMode::Auto)
    }

    fn lay_out_by(&self, plugins: &[(&str, ContentDigest)], mode: LinkMode) -> Result<mfp_store::layout::Applied, StoreError> {
        // A store of its own, as the next process would have: nothing in it is fresh.
        let store = Store::open(StoreOptions::new(&self.fixture.root)).unwrap();
        let mut layout = self.open();
        let plan = layout.plan(&wanted(plugins))?;
        layout.apply(&plan, &store, mode, "stamp")
    }

    /// All files but the record.
    fn files(&self) -> BTreeMap<String, String> {
        let files = snapshot(&self.folder).into_iter().filter(|(path, _)| path != RECORD_FILE);
        files.map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect()
    }

    fn record(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.folder.join(RECORD_FILE)).unwrap()).unwrap()
    }

    fn contents(&self) -> (ContentDigest, ContentDigest) {
        (
            self.fixture.add(&[("plugin.yaml", "one"), ("docs/a.txt", "a"), ("plugin.minisig", "s")]),
            self.fixture.add(&[("plugin.yaml", "two"), ("docs/b/c.txt", "c")]),
        )
    }
}

fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

const ONE: [(&str, &str); 4] = [("a/", ""), ("a/docs/", ""), ("a/docs/a.txt", "a"), ("a/plugin.yaml", "one")];
const TWO: [(&str, &str); 5] = [("a/", ""), ("a/docs/", ""), ("a/docs/b/", ""), ("a/docs/b/c.txt", "c"), ("a/plugin.yaml", "two")];

#[test]
fn plugins_come_change_and_go() {
    let project = Project::new();
    let (one, two) = project.contents();
    let applied = project.lay_out(&[("a", one)]).unwrap();
    assert_eq!(applied.laid_out, [name("a")].into());
    assert_eq!(project.files(), files(&ONE), "the package set and nothing else: no signature");
    let plan = project.plan(&[("a", one)]).unwrap();
    assert!(plan.is_empty() && plan.keep.contains(&name("a")));
    let plan = project.plan(&[("a", two), ("b", one)]).unwrap();
    assert_eq!((plan.add.len(), plan.update.len(), plan.remove.len()), (1, 1, 0));
    project.lay_out(&[("a", two)]).unwrap();
    assert_eq!(project.files(), files(&TWO));
    let applied = project.lay_out(&[]).unwrap();
    assert_eq!(applied.removed, [name("a")].into());
    assert!(project.files().is_empty(), "{:?}", project.files());
}

#[test]
fn nothing_to_do_is_known_from_stamps_alone() {
    let project = Project::new();
    let (one, two) = project.contents();
    project.lay_out(&[("a", one), ("b", two)]).unwrap();
    let record = || Record::load(&project.folder).unwrap().unwrap();
    assert!(record().stamps_match(&project.folder));
    assert_eq!(record().stamp(), "stamp");
    let before = std::fs::metadata(project.folder.join(RECORD_FILE)).unwrap().modified().unwrap();
    project.lay_out(&[("a", one), ("b", two)]).unwrap();
    assert_eq!(std::fs::metadata(project.folder.join(RECORD_FILE)).unwrap().modified().unwrap(), before, "not even the record");
    std::fs::remove_file(project.folder.join("b/docs/b/c.txt")).unwrap();
    assert!(!record().stamps_match(&project.folder));
    assert_eq!(Record::load(&project.root).unwrap(), None);
}

#[test]
fn a_changed_or_missing_file_is_laid_out_again() {
    let project = Project::new();
    let (one, _) = project.contents();
    let spoil: [fn(&Path); 4] = [
        |path| std::fs::remove_file(path).unwrap(),
        |path| {
            std::fs::remove_file(path).unwrap();
            std::fs::write(path, "X").unwrap(); // the same size
        },
        |path| std::fs::remove_dir_all(path.parent().unwrap().parent().unwrap()).unwrap(),
        |path| {
            std::fs::remove_file(path).unwrap();
            #[cfg(unix)]
            std::os::unix::fs::symlink("../plugin.yaml", path).unwrap();
        },
    ];
    for spoil in spoil {
        project.lay_out(&[("a", one)]).unwrap();
        spoil(&project.folder.join("a/docs/a.txt"));
        assert!(project.plan(&[("a", one)]).unwrap().repair.contains_key(&name("a")));
        project.lay_out(&[("a", one)]).unwrap();
        assert_eq!(project.files(), files(&ONE));
    }
}

#[test]
fn what_mfp_did_not_make_is_in_the_way_and_stays() {
    let project = Project::new();
    let (one, two) = project.contents();
    let foreign = |result: Result<mfp_store::layout::Applied, StoreError>, path: &str| {
        let error = result.unwrap_err();
        assert_eq!(error.code(), "mfp::layout::foreign");
        assert!(error.to_string().contains(path), "{error}");
    };
    std::fs::create_dir_all(project.folder.join("a")).unwrap();
    std::fs::write(project.folder.join("a/mine.txt"), "mine").unwrap();
    std::fs::write(project.folder.join("README"), "mine").unwrap();
    let before = project.files();
    foreign(project.lay_out(&[("a", one), ("b", one)]), "plugins/a");
    assert_eq!(project.files(), before, "nothing at all was done");
    std::fs::remove_dir_all(project.folder.join("a")).unwrap();

    project.lay_out(&[("a", one)]).unwrap();
    std::fs::write(project.folder.join("a/docs/mine.txt"), "mine").unwrap();
    let before = project.files();
    foreign(project.lay_out(&[("a", two)]), "a/docs/mine.txt");
    assert_eq!(project.files(), before);

    let applied = project.lay_out(&[]).unwrap();
    assert_eq!(applied.left, [project.folder.join("a")]);
    assert_eq!(project.files(), files(&[("README", "mine"), ("a/", ""), ("a/docs/", ""), ("a/docs/mine.txt", "mine")]));
    foreign(project.lay_out(&[("a", one)]), "plugins/a");
}

#[cfg(unix)]
#[test]
fn a_link_in_a_plugins_place_is_not_followed() {
    let project = Project::new();
    let (one, two) = project.contents();
    let elsewhere = project.fixture.path("elsewhere");
    project.lay_out(&[("a", one)]).unwrap();
    std::fs::rename(project.folder.join("a"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, project.folder.join("a")).unwrap();
    for plugins in [&[("a", two)][..], &[]] {
        assert_eq!(code(project.lay_out(plugins)), "mfp::layout::foreign");
    }
    assert!(elsewhere.join("docs/a.txt").exists());

    std::fs::remove_file(project.folder.join("a")).unwrap();
    project.lay_out(&[("a", one)]).unwrap();
    std::fs::remove_dir_all(project.folder.join("a/docs")).unwrap();
    std::os::unix::fs::symlink(elsewhere.join("docs"), project.folder.join("a/docs")).unwrap();
    project.lay_out(&[]).unwrap();
    assert!(elsewhere.join("docs/a.txt").exists(), "nothing is deleted through a link");
}

#[cfg(unix)]
#[test]
fn the_plugin_folder_lies_in_the_project_and_is_no_link() {
    let project = Project::new();
    let outside = project.fixture.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, project.root.join("link")).unwrap();
    std::fs::write(project.root.join("file"), "").unwrap();
    for place in ["link", "link/plugins", "file", "../outside", "a/../../outside", ".", ""] {
        assert_eq!(code(Layout::open(&project.root, Path::new(place))), "mfp::layout::place", "{place}");
    }
    assert_eq!(code(Layout::open(&project.root, &outside)), "mfp::layout::place", "absolute");
    assert!(Layout::open(&project.root, Path::new("./a/b")).is_ok());
}

#[test]
fn a_damaged_store_lays_nothing_out() {
    let project = Project::new();
    let (one, two) = project.contents();
    project.lay_out(&[("a", one)]).unwrap();
    let stored = project.fixture.store.need(&two).unwrap();
    let path = stored.files_path().join("docs/b/c.txt");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "X").unwrap();
    for mode in [LinkMode::Auto, LinkMode::Hardlink, LinkMode::Copy, LinkMode::Symlink] {
        assert_eq!(code(project.lay_out_by(&[("a", two), ("b", one)], mode)), "mfp::store::damaged", "{mode}");
        assert_eq!(project.files(), files(&ONE), "not even the plugin that's fine");
    }
    let missing = project.fixture.tree(&[("x", "y")]).content();
    assert_eq!(code(project.lay_out(&[("a", missing)])), "mfp::store::missing");
}

#[cfg(unix)]
#[test]
fn each_link_mode_does_what_it_says() {
    use std::os::unix::fs::MetadataExt;
    for (mode, used) in [(LinkMode::Hardlink, UsedMode::Hardlink), (LinkMode::Copy, UsedMode::Copy), (LinkMode::Symlink, UsedMode::Symlink)]
    {
        let project = Project::new();
        let (one, _) = project.contents();
        project.lay_out_by(&[("a", one)], mode).unwrap();
        let layout = project.open();
        assert_eq!(layout.plugins()[&name("a")].mode, used);
        let (laid_out, stored) =
            (project.folder.join("a/docs/a.txt"), project.fixture.store.need(&one).unwrap().files_path().join("docs/a.txt"));
        let (laid_out, stored) = (laid_out.symlink_metadata().unwrap(), stored.metadata().unwrap());
        assert_eq!(laid_out.ino() == stored.ino(), mode == LinkMode::Hardlink);
        assert_eq!(laid_out.is_symlink(), mode == LinkMode::Symlink);
        assert!(laid_out.is_symlink() || laid_out.mode() & 0o222 == 0, "read-only");
        assert!(project.plan(&[("a", one)]).unwrap().is_empty());
        assert_eq!(layout.check(&project.fixture.store).unwrap(), []);
        project.lay_out_by(&[], mode).unwrap();
        assert!(project.files().is_empty());
        project.fixture.store.need(&one).unwrap().check().unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_strict_mode_that_is_not_possible_says_so_and_auto_falls_back() {
    use std::os::unix::fs::MetadataExt;
    // Two file systems, where there are two.
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let here = tempfile::tempdir().unwrap();
    if other.path().metadata().unwrap().dev() == here.path().metadata().unwrap().dev() {
        return;
    }
    let store = Store::open(StoreOptions::new(other.path().join("store"))).unwrap();
    let tree = store.ingest_files([("plugin.yaml".parse().unwrap(), "x")], &mfp_store::Expected::FirstSight).unwrap();
    let content = tree.content();
    store.insert(tree).unwrap();
    let mut layout = Layout::open(here.path(), Path::new("plugins")).unwrap();
    let plan = layout.plan(&wanted(&[("a", content)])).unwrap();
    for mode in [LinkMode::Clone, LinkMode::Hardlink] {
        assert_eq!(code(layout.apply(&plan, &store, mode, "")), "mfp::layout::link-mode");
    }
    assert!(names(&here.path().join("plugins")).is_empty(), "nothing is left of it");
    layout.apply(&plan, &store, LinkMode::Auto, "").unwrap();
    assert_eq!(layout.plugins()[&name("a")].mode, UsedMode::Copy);
}

#[cfg(unix)]
#[test]
fn a_write_through_a_hard_link_is_noticed_in_the_project_and_in_the_store() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    let (one, _) = project.contents();
    project.lay_out_by(&[("a", one)], LinkMode::Hardlink).unwrap();
    let path = project.folder.join("a/docs/a.txt");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20)); // the clock of the file system ticks coarsely
    std::fs::write(&path, "X").unwrap();
    assert_eq!(code(project.fixture.store.need(&one).unwrap().read("docs/a.txt")), "mfp::store::damaged");
    assert!(project.plan(&[("a", one)]).unwrap().repair.contains_key(&name("a")));
    assert_eq!(code(project.lay_out(&[("a", one)])), "mfp::store::damaged");
    assert_eq!(code(project.lay_out(&[("b", one)])), "mfp::store::damaged");
}

#[test]
fn a_check_reads_everything_and_names_each_file() {
    let project = Project::new();
    let (one, two) = project.contents();
    project.lay_out_by(&[("a", one), ("b", two), ("c", one)], LinkMode::Copy).unwrap();
    let changed = project.folder.join("a/docs/a.txt");
    let time = changed.metadata().unwrap().modified().unwrap();
    std::fs::remove_file(&changed).unwrap();
    std::fs::write(&changed, "X").unwrap();
    std::fs::File::options().write(true).open(&changed).unwrap().set_modified(time).unwrap();
    std::fs::remove_file(project.folder.join("b/docs/b/c.txt")).unwrap();
    std::fs::write(project.folder.join("b/extra"), "").unwrap();
    std::fs::remove_dir_all(project.folder.join("c")).unwrap();
    let problems = |store: &Store| {
        let problems = project.open().check(store).unwrap();
        problems.into_iter().map(|problem| (problem.plugin.to_string(), problem.path, problem.kind)).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    let b = [("b".to_owned(), text("docs/b/c.txt"), ProblemKind::Missing), ("b".to_owned(), text("extra"), ProblemKind::Extra)];
    let c = ("c".to_owned(), None, ProblemKind::Missing);
    let a = ("a".to_owned(), text("docs/a.txt"), ProblemKind::Changed);
    assert_eq!(problems(&project.fixture.store), [a, b[0].clone(), b[1].clone(), c.clone()]);
    let empty = Store::open(StoreOptions::new(project.fixture.path("empty"))).unwrap();
    assert_eq!(problems(&empty)[0], ("a".to_owned(), None, ProblemKind::Changed), "without the store, at least which plugin");
    assert_eq!(problems(&empty)[3], c);
}

#[test]
fn a_record_that_is_not_ours_is_not_guessed_at() {
    let project = Project::new();
    let (one, _) = project.contents();
    project.lay_out(&[("a", one)]).unwrap();
    let path = project.folder.join(RECORD_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    for wrong in [
        text.replace("\"version\":1", "\"version\":2"),
        text.replace("docs/a.txt", "../../a.txt"),
        text.replace("\"a\":{", "\"../a\":{"),
        text.replace("\"stamp\"", "\"stomp\""),
        text[..text.len() / 2].to_owned(),
        String::new(),
    ] {
        assert_ne!(wrong, text);
        std::fs::write(&path, &wrong).unwrap();
        let error = Layout::open(&project.root, Path::new(DIR)).unwrap_err();
        assert_eq!((error.code(), error.exit_code()), ("mfp::layout::record", 2), "{wrong}");
    }
}

#[test]
fn a_first_apply_appears_at_once_and_sweeps_what_a_killed_one_built() {
    let project = Project::new();
    let (one, two) = project.contents();
    let parent = project.folder.parent().unwrap();
    let killed = parent.join(".mfp-plugins-0123456789abcdef");
    std::fs::create_dir_all(killed.join("a/docs")).unwrap();
    std::fs::write(killed.join("a/plugin.yaml"), "half").unwrap();
    std::fs::write(parent.join(".mfp-plugins-file"), "no folder, so none of ours").unwrap();
    std::fs::create_dir(parent.join(".mfp-plugins-mine")).unwrap();
    project.lay_out(&[("a", one), ("b", two)]).unwrap();
    let mut left: Vec<_> = std::fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.retain(|name| name.starts_with(".mfp-"));
    left.sort();
    assert_eq!(left, [".mfp-plugins-file", ".mfp-plugins-mine"]);
    assert!(project.plan(&[("a", one), ("b", two)]).unwrap().is_empty(), "its record knows it by its place");
    assert_eq!(project.open().stamp(), "stamp");
}

/// What a killed apply can leave, put together from a state before and one after.
#[test]
fn an_apply_killed_anywhere_is_finished_by_the_next() {
    for killed_at in 0..6 {
        let project = Project::new();
        let (one, two) = project.contents();
        let three = project.fixture.add(&[("plugin.yaml", "three")]);
        project.lay_out(&[("a", one), ("gone", one)]).unwrap();
        let before = project.record();
        let folder = &project.folder;
        let staging = folder.join(".mfp-staging-killed");
        std::fs::create_dir_all(staging.join("new")).unwrap();
        std::fs::create_dir_all(staging.join("old")).unwrap();
        let old = staging.join("old/a");

        // What the apply would have made, stamps and all: made beside, and taken apart again.
        std::fs::rename(folder.join("a"), &old).unwrap();
        let mut without_a = before.clone();
        without_a["plugins"].as_object_mut().unwrap().remove("a");
        std::fs::write(folder.join(RECORD_FILE), without_a.to_string()).unwrap();
        let stash = project.fixture.path("stash");
        std::fs::rename(&staging, &stash).unwrap();
        project.lay_out(&[("a", two), ("gone", one), ("new", three)]).unwrap();
        std::fs::rename(&stash, &staging).unwrap();
        let after = project.record();
        let mut pending = before.clone();
        pending["stamp"] = "".into();
        pending["pending"] = serde_json::json!({ "a": after["plugins"]["a"], "new": after["plugins"]["new"] });
        let write = |record: &Value| std::fs::write(folder.join(RECORD_FILE), record.to_string()).unwrap();
        let unswitch = |plugin: &str| std::fs::rename(folder.join(plugin), staging.join("new").join(plugin)).unwrap();
        let restore = || std::fs::rename(&old, folder.join("a")).unwrap();

        match killed_at {
            0 => {
                // Built, not announced.
                unswitch("a");
                unswitch("new");
                restore();
                write(&before);
            }
            1 => {
                // Announced, nothing switched.
                unswitch("a");
                unswitch("new");
                restore();
                write(&pending);
            }
            2 => {
                // The old one is away, the new one isn't there.
                unswitch("a");
                unswitch("new");
                write(&pending);
            }
            3 => {
                // One is switched, one isn't.
                unswitch("new");
                write(&pending);
            }
            4 => write(&pending), // All are switched; removal not begun.
            _ => {
                // Removal begun.
                std::fs::remove_file(folder.join("gone/docs/a.txt")).unwrap();
                write(&pending);
            }
        }
        let loaded = Record::load(folder).unwrap().unwrap();
        assert!(killed_at == 0 || !loaded.stamps_match(folder), "never taken for finished");
        project.lay_out(&[("a", two), ("new", three)]).unwrap();
        let mut expected = files(&TWO);
        expected.extend(files(&[("new/", ""), ("new/plugin.yaml", "three")]));
        assert_eq!(project.files(), expected, "killed at {killed_at}");
        assert!(project.plan(&[("a", two), ("new", three)]).unwrap().is_empty());
        assert_eq!(project.open().stamp(), "stamp");
    }
}

#[test]
fn what_somebody_put_beside_a_killed_applys_old_files_stays() {
    let project = Project::new();
    let (one, _) = project.contents();
    project.lay_out(&[("a", one)]).unwrap();
    let old = project.folder.join(".mfp-staging-killed/old");
    std::fs::create_dir_all(&old).unwrap();
    std::fs::rename(project.folder.join("a"), old.join("a")).unwrap();
    std::fs::write(old.join("a/mine.txt"), "mine").unwrap();
    project.lay_out(&[("a", one)]).unwrap();
    assert_eq!(std::fs::read(old.join("a/mine.txt")).unwrap(), b"mine");
    assert_eq!(names(&old.join("a")), ["mine.txt"]);
}
