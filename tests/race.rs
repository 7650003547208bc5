//! Many at once: on one store, on one project, with the housekeeping in between. All succeed, and none waits in silence.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::network::machine;
use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry, Server};

/// Twelve plugins, each with a dependency on the next.
fn registry() -> Registry {
    let plugin = |number: u32| {
        let plugin = Plugin::new(&format!("plugin-{number}"), "1.0.0")
            .with(|plugin| plugin.more_files.push(("data.bin".to_owned(), vec![7; 30_000])));
        if number < 11 { plugin.needs(&format!("plugin-{}", number + 1), "^1") } else { plugin }
    };
    Registry::with((0..12).map(plugin))
}

/// Start all of these at once and wait for all of them.
fn at_once(commands: Vec<Command>) -> Vec<Output> {
    let children: Vec<_> = commands
        .into_iter()
        .map(|mut command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("mfp can be started"))
        .collect();
    let outputs: Vec<Output> = children.into_iter().map(|child| child.wait_with_output().expect("it can be waited for")).collect();
    for output in &outputs {
        crate::support::canary::not_printed(&String::from_utf8_lossy(&output.stdout));
        crate::support::canary::not_printed(&String::from_utf8_lossy(&output.stderr));
    }
    outputs
}

#[track_caller]
fn all_succeeded(outputs: &[Output]) {
    for output in outputs {
        assert!(output.status.success(), "{:?}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
}

fn with_store(machine: &Machine, store: &Path, arguments: &[&str]) -> Command {
    let mut command = machine.command();
    command.args(arguments).env("MFP_STORE_DIR", store);
    command
}

fn no_staging(store: &Path) {
    let staging = store.join("v1/staging");
    let left: Vec<_> = std::fs::read_dir(staging).expect("it's there").flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn thirty_two_projects_fill_one_empty_store_with_one_download_each() {
    let registry = registry();
    let server = Server::over(registry.folder());
    let shared = tempfile::tempdir().expect("a temporary folder can be made");
    let store = shared.path().join("store");
    let machines: Vec<Machine> = (0..32).map(|_| machine(&server.url(), "[plugins]\nplugin-0 = \"^1\"\n")).collect();
    let outputs = at_once(machines.iter().map(|machine| with_store(machine, &store, &["sync"])).collect());
    all_succeeded(&outputs);
    for number in 0..12 {
        assert_eq!(server.count(&format!("/dl/plugin-{number}/")), 1, "plugin-{number}");
    }
    let first = tree(&machines[0].project(".mockforge/plugins"));
    for machine in &machines {
        assert_eq!(machine.read("plugins.lock"), machines[0].read("plugins.lock"));
        let laid_out = tree(&machine.project(".mockforge/plugins"));
        assert!(laid_out.iter().filter(|(path, _)| *path != ".mfp.json").eq(first.iter().filter(|(path, _)| *path != ".mfp.json")));
        let run = machine.run(&mut with_store(machine, &store, &["verify"]));
        assert_eq!(run.code, 0, "{}", run.all());
    }
    let run = machines[0].run(&mut with_store(&machines[0], &store, &["cache", "verify"]));
    assert_eq!(run.code, 0, "{}", run.all());
    no_staging(&store);
}

/// What a process says while it works.
struct Saying {
    child: Child,
    file: PathBuf,
}

impl Saying {
    fn start(machine: &Machine, mut command: Command) -> Self {
        let file = machine.path("said");
        let stderr = File::create(&file).expect("a file can be made");
        Self { child: command.stdout(Stdio::null()).stderr(stderr).spawn().expect("mfp can be started"), file }
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.file).expect("it's there")
    }

    fn ended_well(mut self) -> String {
        let status = self.child.wait().expect("it can be waited for");
        let said = self.said();
        crate::support::canary::not_printed(&said);
        assert!(status.success(), "{status}: {said}");
        said
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_is_killed_while_fetching_leaves_it_to_those_who_wait() {
    let registry = registry();
    let server = Server::faulty(registry.folder(), |request, stream| {
        let stalls = request.path.contains("/dl/plugin-7/") && request.times == 0;
        if stalls {
            // Until whoever asked is gone.
            let _ = stream.read(&mut [0]);
        }
        stalls
    });
    let shared = tempfile::tempdir().expect("a temporary folder can be made");
    let store = shared.path().join("store");
    let machines: Vec<Machine> = (0..4).map(|_| machine(&server.url(), "[plugins]\nplugin-0 = \"^1\"\n")).collect();
    let sync = |machine: &Machine| Saying::start(machine, with_store(machine, &store, &["sync"]));
    let mut holder = sync(&machines[0]);
    until("the holder asks for everything", || server.count("/dl/") == 12);
    let waiting: Vec<Saying> = machines[1..].iter().map(sync).collect();
    until("the others wait, and say so", || waiting.iter().all(|one| one.said().contains("Waiting for another mfp")));
    assert_eq!(server.count("/dl/"), 12, "who waits asks for nothing");
    holder.child.kill().expect("it can be killed");
    holder.child.wait().expect("it can be waited for");
    for one in waiting {
        let said = one.ended_well();
        assert_eq!(said.matches("Waiting for").count(), 1, "it says so once: {said}");
    }
    for number in 0..12 {
        assert_eq!(server.count(&format!("/dl/plugin-{number}/")), 2, "plugin-{number}: by the killed one and by one of the others");
    }
    for machine in &machines[1..] {
        let run = machine.run(&mut with_store(machine, &store, &["verify"]));
        assert_eq!(run.code, 0, "{}", run.all());
    }
}

#[test]
fn a_stopped_holder_of_a_claim_costs_a_download_and_not_the_sync() {
    let registry = registry();
    let server = Server::over(registry.folder());
    let machine = machine(&server.url(), "[plugins]\nplugin-9 = \"^1\"\n");
    crate::network::configure(&machine, "lock-timeout = \"1s\"\n");
    let claims = machine.path("store/v1/claims");
    std::fs::create_dir_all(&claims).expect("a folder can be made");
    let held: Vec<File> = (0..64)
        .map(|file| {
            let file = File::create(claims.join(format!("{file:02x}"))).expect("a file can be made");
            file.lock().expect("nobody else holds it");
            file
        })
        .collect();
    let begun = Instant::now();
    let run = machine.mfp(["sync"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(run.stderr.matches("Waiting for another mfp").count(), 1, "{}", run.stderr);
    assert!((1..30).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    drop(held);
    machine.ok(["verify"]);
    assert_eq!(tree(&claims).len(), 64, "the files stay");
    machine.ok(["cache", "clean"]);
    assert_eq!(tree(&claims).len(), 64, "who holds one must go on holding it");
}

#[test]
fn who_has_everything_claims_nothing() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nplugin-9 = \"^1\"\n");
    machine.ok(["sync"]);
    let claims = machine.path("store/v1/claims");
    assert!(claims.exists());
    std::fs::remove_dir_all(&claims).expect("nobody is at work");
    machine.ok(["sync"]);
    machine.ok(["sync", "--offline"]);
    std::fs::remove_dir_all(machine.project(".mockforge/plugins")).expect("it's there");
    machine.ok(["sync", "--offline"]);
    machine.ok(["verify"]);
    assert!(!claims.exists(), "all of it was in the store");
}

#[test]
fn eight_syncs_of_one_project_at_once() {
    let registry = registry();
    let server = Server::over(registry.folder());
    let machine = machine(&server.url(), "[plugins]\nplugin-0 = \"^1\"\n");
    let outputs = at_once((0..8).map(|_| with_store(&machine, &machine.path("store"), &["sync"])).collect());
    all_succeeded(&outputs);
    machine.ok(["sync", "--check"]);
    machine.ok(["verify"]);
    machine.ok(["cache", "verify"]);
    for number in 0..12 {
        assert_eq!(server.count(&format!("/dl/plugin-{number}/")), 1, "who waited for the project found its plugins there");
    }
}

#[test]
fn eight_adds_to_one_project_lose_none() {
    let registry = Registry::with((0..8).map(|number| Plugin::new(&format!("plugin-{number}"), "1.0.0")));
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    let names: Vec<String> = (0..8).map(|number| format!("plugin-{number}")).collect();
    let outputs = at_once(names.iter().map(|name| with_store(&machine, &machine.path("store"), &["add", name])).collect());
    all_succeeded(&outputs);
    let (manifest, lock) = (machine.read("mockforge-plugins.toml"), machine.read("plugins.lock"));
    for name in &names {
        assert!(manifest.contains(&format!("{name} = \"^1.0.0\"")), "{name} was lost: {manifest}");
        assert!(lock.contains(&format!("name = \"{name}\"")), "{name} was lost");
        assert!(machine.has(&format!(".mockforge/plugins/{name}/plugin.wasm")), "{name} was lost");
    }
    machine.ok(["sync", "--check"]);
    machine.ok(["verify"]);
}

#[test]
fn housekeeping_takes_nothing_away_from_those_at_work() {
    let registry = registry();
    let server = Server::over(registry.folder());
    let shared = tempfile::tempdir().expect("a temporary folder can be made");
    let store = shared.path().join("store");
    let machines: Vec<Machine> = (0..6).map(|_| machine(&server.url(), "[plugins]\nplugin-0 = \"^1\"\n")).collect();
    let cleaner = Machine::new();
    for round in 0..3 {
        let mut commands: Vec<Command> = machines.iter().map(|machine| with_store(machine, &store, &["sync"])).collect();
        for housekeeping in [["cache", "prune"], ["cache", "clean"], ["cache", "verify"], ["cache", "prune"]] {
            commands.insert(commands.len() / 2, with_store(&cleaner, &store, &housekeeping));
        }
        all_succeeded(&at_once(commands));
        for machine in &machines {
            for number in 0..12 {
                let file = machine.project(&format!(".mockforge/plugins/plugin-{number}/data.bin"));
                assert_eq!(std::fs::read(file).expect("it's laid out").len(), 30_000, "round {round}");
            }
            std::fs::remove_dir_all(machine.project(".mockforge/plugins")).expect("it's there");
        }
    }
    let run = cleaner.run(&mut with_store(&cleaner, &store, &["cache", "verify"]));
    assert_eq!(run.code, 0, "{}", run.all());
}

#[test]
fn prune_keeps_what_synced_projects_name_and_takes_the_rest() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nplugin-10 = \"^1\"\nplugin-5 = \"^1\"\n");
    machine.ok(["sync"]);
    let all: BTreeSet<String> = tree(&machine.path("store/v1/content")).into_keys().collect();
    machine.ok(["cache", "prune"]);
    assert_eq!(tree(&machine.path("store/v1/content")).into_keys().collect::<BTreeSet<_>>(), all, "what the project's lock names is kept");
    machine.ok(["remove", "plugin-5"]);
    machine.ok(["cache", "prune"]);
    let left: BTreeSet<String> = tree(&machine.path("store/v1/content")).into_keys().collect();
    assert!(left.len() < all.len() && !left.is_empty(), "{left:?}");
    machine.ok(["verify"]);
    machine.ok(["sync", "--offline"]);
}

#[test]
fn prune_takes_nothing_where_a_lock_cant_be_read() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nplugin-10 = \"^1\"\n");
    machine.ok(["sync"]);
    let all = tree(&machine.path("store/v1/content"));
    let lock = machine.read("plugins.lock");
    machine.write("plugins.lock", &lock[..lock.len() / 2]);
    assert_eq!(machine.mfp(["cache", "prune"]).code, 2, "it may name anything");
    assert!(tree(&machine.path("store/v1/content")) == all);
    machine.write("plugins.lock", lock);
    machine.ok(["sync", "--offline"]);
}

/// Hold a lock's file as a stopped process would; start a command that needs it; see that it says so; let go.
fn announces_its_wait(machine: &Machine, lock: &Path, arguments: &[&str]) {
    let file = File::options().read(true).write(true).create(true).truncate(false).open(lock).expect("the lock's file can be opened");
    file.lock().expect("nobody else holds it");
    let mut child = machine.command().args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("mfp can be started");
    let mut stderr = child.stderr.take().expect("it's piped");
    let (sender, said) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut all = String::new();
        let mut buffer = [0; 256];
        while let Ok(length @ 1..) = stderr.read(&mut buffer) {
            all.push_str(&String::from_utf8_lossy(&buffer[..length]));
            let _ = sender.send(all.clone());
        }
        all
    });
    let begun = Instant::now();
    let announced = loop {
        match said.recv_timeout(Duration::from_secs(30)) {
            Ok(text) if text.contains("Waiting for another mfp") => break text,
            Ok(_) => {}
            Err(error) => panic!("{arguments:?} doesn't say that it waits: {error}"),
        }
    };
    assert!(begun.elapsed() < Duration::from_secs(30) && announced.contains(&lock.display().to_string()), "{announced}");
    std::thread::sleep(Duration::from_millis(150));
    assert!(child.try_wait().expect("it can be asked").is_none(), "{arguments:?} didn't wait");
    file.unlock().expect("it was held");
    let status = child.wait().expect("it can be waited for");
    let all = reader.join().expect("the reader doesn't panic");
    assert!(status.success(), "{arguments:?}: {all}");
    assert_eq!(all.matches("Waiting for").count(), 1, "it says so once: {all}");
}

#[test]
fn a_stopped_holder_of_a_lock_is_waited_for_aloud() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nplugin-10 = \"^1\"\n");
    machine.ok(["sync"]);
    let project = machine.project(".mockforge/mfp.lock");
    announces_its_wait(&machine, &project, &["add", "plugin-11"]);
    announces_its_wait(&machine, &project, &["remove", "plugin-11"]);
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml").replace("plugin-10", "plugin-9"));
    announces_its_wait(&machine, &project, &["sync"]);
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml").replace("plugin-9", "plugin-8"));
    announces_its_wait(&machine, &machine.path("store/v1/lock"), &["sync"]);
    announces_its_wait(&machine, &machine.path("store/v1/lock"), &["cache", "prune"]);
}

#[test]
fn what_only_looks_waits_for_nobody() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nplugin-10 = \"^1\"\n");
    machine.ok(["sync"]);
    let locks = [machine.project(".mockforge/mfp.lock"), machine.path("store/v1/lock")].map(|path| {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).expect("the lock's file can be opened");
        file.lock().expect("nobody else holds it");
        file
    });
    for arguments in [&["list"][..], &["tree"], &["sync"], &["sync", "--check"], &["lock", "--check"], &["verify"], &["why", "plugin-10"]] {
        let begun = Instant::now();
        machine.ok(arguments.iter().copied());
        assert!(begun.elapsed() < Duration::from_secs(50), "{arguments:?} waited");
    }
    drop(locks);
}

#[test]
fn a_stopped_holder_of_a_lock_is_waited_for_within_a_bound() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nplugin-10 = \"^1\"\n");
    machine.ok(["sync"]);
    crate::network::configure(&machine, "lock-timeout = \"1s\"\n");
    let (project, store) = (machine.project(".mockforge/mfp.lock"), machine.path("store/v1/lock"));
    let add: &[&str] = &["add", "plugin-11"];
    for (lock, arguments) in [
        (&project, add),
        (&project, &["update"]),
        (&project, &["remove", "plugin-10"]),
        (&store, &["add", "plugin-5"]),
        (&store, &["cache", "prune"]),
        (&store, &["cache", "clean"]),
    ] {
        let file = File::options().read(true).write(true).open(lock).expect("it was made");
        file.lock().expect("nobody else holds it");
        let (files, begun) = (machine.files(), Instant::now());
        let run = machine.mfp(arguments.iter().copied());
        run.fails(8, "mfp::io::lock-timeout");
        let said = run.stderr.contains("Waiting for another mfp")
            && run.stderr.contains(lock.file_name().expect("a file").to_str().expect("text"));
        assert!(
            said && begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < Duration::from_secs(20),
            "{arguments:?}: {}",
            run.all()
        );
        assert_eq!(machine.files(), files, "{arguments:?}");
        drop(file);
    }
    machine.ok(["add", "plugin-11"]);
    // A bound is a duration, and no bound of nothing by mistake.
    crate::network::configure(&machine, "lock-timeout = 5\n");
    machine.mfp(["sync"]).fails(2, "mfp::config::invalid");
}
