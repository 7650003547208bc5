//! Killed anywhere: the next run finishes the work or takes it back. Nothing is ever half there.
//!
//! The process is killed (`SIGKILL`, so that nothing of it can tidy up) at each request that it makes to a server, and
//! after delays that grow from nothing to longer than the whole work takes.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::network::machine;
use crate::support::env::tree;
use crate::support::server::etag;
use crate::support::{Machine, Plugin, Registry, Server};

/// Plugins that take a few steps each: `app` needs two others, one of them large enough to be streamed.
fn registry() -> Registry {
    let filling: Vec<u8> = (0..400_000_u32).flat_map(|number| blake3::hash(&number.to_le_bytes()).as_bytes()[..1].to_vec()).collect();
    Registry::with([
        Plugin::new("app", "1.0.0").needs("lib", "^1").needs("data", "^1"),
        Plugin::new("lib", "1.0.0"),
        Plugin::new("data", "1.0.0").with(|plugin| {
            plugin.more_files =
                (0..20).map(|number| (format!("data/{number}.bin"), filling[number * 20_000..(number + 1) * 20_000].to_vec())).collect();
        }),
        Plugin::new("old", "1.0.0"),
        Plugin::new("old", "2.0.0"),
    ])
}

/// A server that takes its time: a pause before each answer, and large bodies in pieces.
fn slow(registry: &Registry, pause: Duration) -> Server {
    let folder = registry.folder().to_owned();
    Server::faulty(registry.folder(), move |request, stream| {
        use std::io::Write;
        std::thread::sleep(pause);
        let Ok(bytes) = std::fs::read(folder.join(&request.path[1..])) else { return false };
        if request.header("range").is_some() || request.header("if-none-match").is_some() || bytes.len() < 100_000 {
            return false;
        }
        let _ = write!(stream, "HTTP/1.1 200 OK\r\netag: {}\r\ncontent-length: {}\r\n\r\n", etag(&bytes), bytes.len());
        for piece in bytes.chunks(bytes.len() / 8) {
            if stream.write_all(piece).is_err() {
                break;
            }
            std::thread::sleep(pause / 2);
        }
        true
    })
}

fn start(machine: &Machine, arguments: &[&str]) -> Child {
    machine.command().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("mfp can be started")
}

fn kill(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Start a command that asks no server, and kill it at this moment.
fn kill_during(machine: &Machine, arguments: &[&str], moment: &Moment) {
    let child = start(machine, arguments);
    if let Moment::After(delay) = moment {
        std::thread::sleep(*delay);
    }
    kill(child);
}

/// After a kill, before anything else runs: each file is whole.
#[track_caller]
fn files_are_whole(machine: &Machine, what: &str) {
    let manifest = machine.read("mockforge-plugins.toml");
    assert!(manifest.ends_with('\n') && manifest.contains("[plugins]"), "{what}: {manifest}");
    let listed = machine.mfp(["list", "--json", "--frozen"]);
    if machine.has("plugins.lock") {
        assert_eq!(listed.code, 0, "{what}: {}", listed.all());
    }
    let store = machine.path("store/v1/content");
    if store.exists() {
        for listing in tree(&store).into_iter().filter(|(path, _)| path.ends_with("/listing")) {
            let folder = store.join(&listing.0).with_file_name("files");
            for line in String::from_utf8(listing.1).expect("a listing is text").lines().skip(1) {
                let mut parts = line.splitn(3, ' ');
                let (digest, path) = (parts.next().expect("a digest"), parts.nth(1).expect("a path"));
                let bytes = std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{what}: a torn object, {path}: {error}"));
                assert_eq!(blake3::hash(&bytes).to_hex().as_str(), digest, "{what}: a torn object, {path}");
            }
        }
    }
}

/// After the next run: all is as if there had been no kill, and nothing is left of it.
#[track_caller]
fn all_is_well(machine: &Machine, what: &str) {
    for arguments in [&["lock", "--check"][..], &["sync", "--check"], &["verify"], &["cache", "verify"]] {
        let run = machine.mfp(arguments.iter().copied());
        assert_eq!(run.code, 0, "{what}, {arguments:?}: {}", run.all());
    }
    // Whatever a kill left is swept by the next command that writes, even if it finds nothing to change.
    machine.ok(["lock"]);
    let left: Vec<String> = tree(&machine.path(""))
        .into_keys()
        .filter(|path| {
            let kinds = ["/staging/", ".mfp-tmp-", ".mfp-staging-", ".mfp-plugins-", "/quarantine/"];
            kinds.iter().any(|kind| path.contains(kind))
        })
        .collect();
    let left: Vec<&String> = left.iter().filter(|path| !path.starts_with("cache/")).collect();
    assert!(left.is_empty(), "{what}: left over: {} files, {:?}", left.len(), left.first());
}

/// The moments at which to kill: at each request, and after delays.
enum Moment {
    Request(usize),
    After(Duration),
}

impl Moment {
    fn all(requests: usize, longest: Duration, steps: u32) -> Vec<Self> {
        (1..=requests).map(Self::Request).chain((0..steps).map(|step| Self::After(longest * step / steps))).collect()
    }

    fn describe(&self) -> String {
        match self {
            Self::Request(number) => format!("killed at request {number}"),
            Self::After(delay) => format!("killed after {delay:?}"),
        }
    }

    fn wait(&self, server: &Server, child: &mut Child, before: usize) {
        match self {
            Self::After(delay) => std::thread::sleep(*delay),
            Self::Request(number) => {
                let begun = Instant::now();
                while server.requests().len() < before + number
                    && begun.elapsed() < Duration::from_secs(5)
                    && child.try_wait().is_ok_and(|ended| ended.is_none())
                {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
    }
}

/// Run a command undisturbed once, to know how many requests it makes and how long it takes.
fn measure(registry: &Registry, manifest: &str, arguments: &[&str]) -> (usize, Duration) {
    let server = slow(registry, PAUSE);
    let machine = machine(&server.url(), manifest);
    let begun = Instant::now();
    machine.ok(arguments.iter().copied());
    (server.requests().len(), begun.elapsed())
}

const PAUSE: Duration = Duration::from_millis(6);

/// Each moment on a machine of its own, two at once.
fn each_moment(moments: &[Moment], check: impl Fn(&Moment) + Sync) {
    std::thread::scope(|scope| {
        for part in moments.chunks(moments.len().div_ceil(3)) {
            scope.spawn(|| part.iter().for_each(&check));
        }
    });
}

#[test]
fn an_add_that_is_killed_is_finished_or_taken_back() {
    let registry = registry();
    let (requests, took) = measure(&registry, "[plugins]\n", &["add", "app"]);
    assert!(requests >= 6, "{requests}");
    each_moment(&Moment::all(requests, took + Duration::from_millis(10), 16), |moment| {
        let server = slow(&registry, PAUSE);
        let machine = machine(&server.url(), "[plugins]\n");
        machine.ok(["add", "old@=1.0.0"]);
        let (manifest, before) = (machine.read("mockforge-plugins.toml"), server.requests().len());
        let mut child = start(&machine, &["add", "app"]);
        moment.wait(&server, &mut child, before);
        kill(child);
        let what = moment.describe();
        files_are_whole(&machine, &what);
        let after = machine.read("mockforge-plugins.toml");
        let lock = machine.read("plugins.lock");
        assert!(after == manifest || after.contains("app = \"^1.0.0\""), "{what}: {after}");
        assert!(after == manifest || lock.contains("name = \"app\""), "{what}: declared and not locked");

        // One way on is `sync`: whatever the manifest says now is what there will be.
        machine.ok(["sync"]);
        assert_eq!(machine.read("mockforge-plugins.toml"), after, "{what}");
        assert_eq!(machine.has(".mockforge/plugins/app/plugin.wasm"), after != manifest, "{what}");
        // The other is to say it again.
        machine.ok(["add", "app"]);
        assert!(
            machine.has(".mockforge/plugins/app/plugin.wasm")
                && machine.has(".mockforge/plugins/data/data/19.bin")
                && machine.has(".mockforge/plugins/old/plugin.wasm"),
            "{what}"
        );
        all_is_well(&machine, &what);
    });
}

/// The moment between the two writes is too short to be hit by a kill: here the first of them fails.
#[cfg(unix)]
#[test]
fn the_manifest_never_names_what_couldnt_be_locked() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nold = \"=1.0.0\"\n");
    machine.ok(["lock"]);
    let lock = machine.project("plugins.lock");
    std::fs::rename(&lock, machine.path("elsewhere")).expect("it's there");
    std::os::unix::fs::symlink(machine.path("elsewhere"), &lock).expect("a link can be made");
    let before = machine.files();
    for arguments in [&["add", "app"][..], &["remove", "old"], &["upgrade"]] {
        machine.mfp(arguments.iter().copied()).fails(8, "mfp::io::failed");
        assert_eq!(machine.files(), before, "{arguments:?}");
        assert!(lock.is_symlink(), "{arguments:?}");
    }
}

#[test]
fn a_sync_that_is_killed_is_finished_by_the_next() {
    let registry = registry();
    let manifest = "[plugins]\napp = \"^1\"\nold = \"=2.0.0\"\n";
    let (requests, took) = measure(&registry, manifest, &["sync"]);
    each_moment(&Moment::all(requests, took + Duration::from_millis(10), 16), |moment| {
        let server = slow(&registry, PAUSE);
        let machine = machine(&server.url(), "[plugins]\nold = \"=1.0.0\"\n");
        machine.ok(["sync"]);
        machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n\n{manifest}", server.url()));
        let before = server.requests().len();
        let mut child = start(&machine, &["sync"]);
        moment.wait(&server, &mut child, before);
        kill(child);
        let what = moment.describe();
        files_are_whole(&machine, &what);
        machine.ok(["sync"]);
        assert!(machine.has(".mockforge/plugins/data/data/19.bin"), "{what}");
        assert!(machine.read(".mockforge/plugins/old/plugin.yaml").contains("version: 2.0.0"), "{what}");
        all_is_well(&machine, &what);
    });
}

#[test]
fn a_switch_of_the_plugin_folder_that_is_killed_is_finished_by_the_next() {
    // From a folder, so that nearly all of the time goes into staging and switching.
    let plugins: Vec<String> = (0..40).map(|number| format!("p-{number}")).collect();
    let version = |version: &str| plugins.iter().map(|name| Plugin::new(name, version)).collect::<Vec<_>>();
    let registry = Registry::with(version("1.0.0").into_iter().chain(version("2.0.0")));
    let manifest =
        |version: &str| format!("[plugins]\n{}", plugins.iter().map(|name| format!("{name} = \"={version}\"\n")).collect::<String>());
    let first = Machine::with_manifest(&registry, &manifest("1.0.0"));
    first.ok(["sync"]);
    first.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n\n{}", registry.url(), manifest("2.0.0")));
    let begun = Instant::now();
    first.ok(["sync"]);
    let took = begun.elapsed();
    each_moment(&Moment::all(0, took, 24), |moment| {
        let machine = Machine::with_manifest(&registry, &manifest("1.0.0"));
        machine.ok(["sync"]);
        machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n\n{}", registry.url(), manifest("2.0.0")));
        kill_during(&machine, &["sync"], moment);
        let what = moment.describe();
        files_are_whole(&machine, &what);
        for name in &plugins {
            let file = machine.project(&format!(".mockforge/plugins/{name}/plugin.yaml"));
            if let Ok(text) = std::fs::read_to_string(file) {
                assert!(text.contains("version: 1.0.0") || text.contains("version: 2.0.0"), "{what}: {name}");
            }
        }
        machine.ok(["sync"]);
        for name in &plugins {
            assert!(machine.read(&format!(".mockforge/plugins/{name}/plugin.yaml")).contains("version: 2.0.0"), "{what}: {name}");
        }
        all_is_well(&machine, &what);
    });
}

/// Folders that were switched and aren't recorded yet are mfp's all the same, as the record says beforehand.
#[test]
fn new_plugins_whose_switch_is_killed_midway_arent_taken_for_somebody_elses() {
    let plugins: Vec<String> = (0..150).map(|number| format!("p-{number:03}")).collect();
    let registry = Registry::with(plugins.iter().map(|name| Plugin::new(name, "1.0.0")).chain([Plugin::new("old", "1.0.0")]));
    let all: String = plugins.iter().map(|name| format!("{name} = \"^1\"\n")).collect();
    let hits_midway = (0..12).any(|_| {
        let machine = Machine::with_manifest(&registry, "[plugins]\nold = \"^1\"\n");
        machine.ok(["sync"]);
        machine
            .write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}\"\n\n[plugins]\nold = \"^1\"\n{all}", registry.url()));
        let there = |name: &str| machine.project(&format!(".mockforge/plugins/{name}")).exists();
        let mut child = start(&machine, &["sync"]);
        let begun = Instant::now();
        while !there(&plugins[0]) && child.try_wait().is_ok_and(|ended| ended.is_none()) {
            assert!(begun.elapsed() < Duration::from_mins(1), "it switches nothing");
            std::thread::yield_now();
        }
        kill(child);
        let switched = plugins.iter().filter(|name| there(name)).count();
        machine.ok(["sync"]);
        assert!(plugins.iter().all(|name| there(name)));
        all_is_well(&machine, &format!("{switched} were switched"));
        (1..plugins.len()).contains(&switched)
    });
    assert!(hits_midway, "it was never killed midway, so nothing was tried");
}

#[test]
fn a_remove_that_is_killed_is_finished_or_taken_back() {
    let registry = registry();
    let moments = Moment::all(0, Duration::from_millis(60), 12);
    each_moment(&moments, |moment| {
        let machine = Machine::with_manifest(&registry, "[plugins]\napp = \"^1\"\nold = \"^2\"\n");
        machine.ok(["sync"]);
        kill_during(&machine, &["remove", "app"], moment);
        let what = moment.describe();
        files_are_whole(&machine, &what);
        machine.ok(["sync"]);
        let declared = machine.read("mockforge-plugins.toml").contains("app =");
        assert_eq!(machine.has(".mockforge/plugins/app"), declared, "{what}");
        assert_eq!(machine.has(".mockforge/plugins/data"), declared, "{what}");
        all_is_well(&machine, &what);
    });
}

#[test]
fn a_killed_housekeeping_leaves_no_half_object() {
    let registry = registry();
    each_moment(&Moment::all(0, Duration::from_millis(40), 8), |moment| {
        let machine = Machine::with_manifest(&registry, "[plugins]\napp = \"^1\"\nold = \"^2\"\n");
        machine.ok(["sync"]);
        kill_during(&machine, &["cache", "clean"], moment);
        let what = moment.describe();
        files_are_whole(&machine, &what);
        std::fs::remove_dir_all(machine.project(".mockforge/plugins")).expect("it's there");
        machine.ok(["sync"]);
        all_is_well(&machine, &what);
    });
}
