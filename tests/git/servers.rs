//! The same over every kind of server, and exactly as much as is needed.

use super::*;

fn add_and_sync(url: &str, prepare: impl Fn(&mut Command)) -> Machine {
    let machine = project(&format!("graphql = {{ git = \"{url}\", tag = \"graphql-v1.1.0\", subdir = \"graphql\" }}"));
    let mut sync = command(&machine);
    prepare(&mut sync);
    ok(machine.run(sync.arg("sync")));
    machine
}

#[test]
fn one_lock_over_http_ssh_and_file() {
    needs!("git", "sshd", "ssh", "ssh-keygen");
    let repo = several();
    let (http, sshd) = (GitServer::over(repo.parent()), Sshd::start());
    let bin = sshd.ssh_as("user");
    let machines = [
        add_and_sync(&http.url("plugins"), |_| ()),
        add_and_sync(&repo.file_url(), |_| ()),
        add_and_sync(&sshd.url(&repo.path()), |sync| with_ssh(sync, &bin)),
    ];
    let contents: Vec<String> = machines.iter().map(|machine| entry(machine, "graphql").lines().last().unwrap().to_owned()).collect();
    assert!(contents.iter().all(|content| *content == contents[0]), "{contents:?}");
    // From the lock alone, on another machine.
    for (machine, url) in machines.iter().zip(["http", "file", "ssh"]) {
        let other = Machine::new();
        for file in ["mockforge-plugins.toml", "plugins.lock"] {
            other.write(file, machine.read(file));
        }
        let mut sync = command(&other);
        with_ssh(&mut sync, &bin);
        let synced = ok(other.run(sync.args(["sync", "--locked"])));
        assert!(synced.stderr.contains("+ graphql 1.1.0"), "{url}: {}", synced.stderr);
    }
}

pub(super) fn with_ssh(command: &mut Command, folder: &std::path::Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = vec![folder.to_owned()];
    folders.extend(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).unwrap());
}

#[test]
fn only_what_the_plugin_is_comes_where_the_server_can_leave_out_the_rest() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let machine = add_and_sync(&server.url("plugins"), |_| ());
    let pack_bytes: u64 = crate::support::env::tree(&machine.path("cache/git"))
        .iter()
        .filter(|(name, _)| name.ends_with(".pack"))
        .map(|(_, bytes)| bytes.len() as u64)
        .sum();
    let objects = objects_of(&machine);
    let has = |name: &str| objects.contains(&repo.git(["rev-parse", name]));
    assert!(has("graphql-v1.1.0:graphql/plugin.yaml") && has("graphql-v1.1.0:graphql/plugin.wasm"), "{objects}");
    assert!(!has("graphql-v1.1.0:video.bin") && !has("graphql-v1.1.0:rest/mock/plugin.yaml"), "{objects}");
    assert!(!has("graphql-v1.0.0^{commit}"), "no history: {objects}");
    assert!(pack_bytes < 20_000, "{pack_bytes}");
    assert!(server.count("filter blob:none") >= 1 && server.count("deepen 1") >= 1);
}

/// The ids of all objects in the machine's cached repository, read by git itself.
fn objects_of(machine: &Machine) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(machine.path("cache/git/v1")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &run(git(&path).args(["--git-dir", ".", "cat-file", "--batch-check", "--batch-all-objects"]));
        }
    }
    all
}

#[test]
fn a_server_without_filters_gives_the_commit_and_no_history() {
    needs!("git");
    let repo = several();
    repo.git(["config", "uploadpack.allowFilter", "false"]);
    let machine = add_and_sync(&GitServer::over(repo.parent()).url("plugins"), |_| ());
    let objects = objects_of(&machine);
    assert!(
        objects.contains(&repo.git(["rev-parse", "graphql-v1.1.0:video.bin"]))
            && !objects.contains(&repo.git(["rev-parse", "graphql-v1.0.0^{commit}"]))
    );
}

#[test]
fn a_server_of_the_old_protocol_gives_what_it_can() {
    needs!("git");
    let repo = several();
    let server = GitServer::with(repo.parent(), Manner { old: true, ..Manner::default() });
    // The tip of a ref is shallow there too; a commit that's no tip takes the history.
    let machine = add_and_sync(&server.url("plugins"), |_| ());
    assert!(!objects_of(&machine).contains(&repo.git(["rev-parse", "graphql-v1.0.0^{commit}"])), "the tip of a tag comes without history");
    let first = repo.git(["rev-parse", "graphql-v1.0.0"]);
    repo.git(["tag", "--delete", "graphql-v1.0.0"]);
    let machine = project(&format!("graphql = {{ git = \"{}\", rev = \"{first}\", subdir = \"graphql\" }}", server.url("plugins")));
    ok(mfp(&machine, ["sync"]));
    assert!(entry(&machine, "graphql").contains("version = \"1.0.0\""));
}

#[test]
fn a_moved_repository_is_followed_as_the_rules_say() {
    needs!("git");
    let repo = several();
    let target = GitServer::over(repo.parent());
    let redirecting = |to: String| GitServer::with(repo.parent(), Manner { redirect: Some(to), ..Manner::default() });
    // Elsewhere on the same machine: what follows is asked there.
    let first = redirecting(format!("{}{{}}", target.url("")));
    let machine = add_and_sync(&first.url("plugins"), |_| ());
    assert!(first.count("POST ") == 0 && target.count("POST ") > 0);
    assert!(entry(&machine, "graphql").contains(&format!("git+{}", first.url("plugins"))), "the lock has the project's address");
    // A redirect to another scheme, or without end, isn't followed.
    for to in ["file:///{}", "https://127.0.0.1:9/{}", "ftp://127.0.0.1/{}"] {
        let server = redirecting(to.to_owned());
        let machine = project(&format!("graphql = {{ git = \"{}\", subdir = \"graphql\" }}", server.url("plugins")));
        mfp(&machine, ["sync"]).fails(6, "mfp::network::redirect");
        assert!(!machine.has("plugins.lock"));
    }
    let looping = redirecting("/{}".to_owned());
    let machine = project(&format!("graphql = {{ git = \"{}\", subdir = \"graphql\" }}", looping.url("plugins")));
    mfp(&machine, ["sync"]).fails(6, "mfp::network::redirect");
}

#[test]
fn what_the_users_git_puts_in_the_place_of_an_address_is_transport_only() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let machine = project("graphql = { git = \"https://git.acme.example/plugins\", tag = \"graphql-v1.0.0\", subdir = \"graphql\" }");
    std::fs::write(machine.path("home/.gitconfig"), format!("[url \"{}\"]\n\tinsteadOf = https://git.acme.example/\n", server.url("")))
        .unwrap();
    ok(mfp(&machine, ["sync"]));
    let lock = machine.read("plugins.lock");
    assert!(lock.contains("git+https://git.acme.example/plugins") && !lock.contains("127.0.0.1"), "{lock}");
}

/// What runs programs, becomes an option or carries a password is no address, also when the user's git says so.
#[test]
fn what_the_users_git_puts_in_the_place_of_an_address_is_an_address_itself() {
    needs!("git", "sh");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let with_password = server.url("").replace("http://", "http://ada:canary@");
    for base in [
        "ext::sh -c touch% /tmp/mfp-canary ",
        "-oProxyCommand=touch:",
        "git@-oProxyCommand=touch:",
        "ssh://git:canary@host.example/",
        "git://host.example/",
        "ftp://host.example/",
        &with_password,
        "http://elsewhere.example/",
    ] {
        let machine = project("graphql = { git = \"https://git.acme.example/plugins\", subdir = \"graphql\" }");
        std::fs::write(machine.path("home/.gitconfig"), format!("[url \"{base}\"]\n\tinsteadOf = https://git.acme.example/\n")).unwrap();
        let mut sync = command(&machine);
        let canary = machine.path("canary");
        let run = machine.run(sync.env("GIT_SSH_COMMAND", format!("touch {} #", canary.display())).arg("sync"));
        assert_eq!((run.code, run.error_code()), (2, "mfp::git::config"), "{base}: {}", run.all());
        assert!(!canary.exists() && !run.all().contains("ada:canary"), "{base}: {}", run.all());
        assert_eq!(server.seen().len(), 0, "{base}");
    }
}

/// A machine with the project of another, that shares a store and a cache with others.
fn sharing(project: &Machine, shared: &std::path::Path) -> (Machine, Command) {
    let machine = Machine::new();
    for file in ["mockforge-plugins.toml", "plugins.lock"] {
        machine.write(file, project.read(file));
    }
    let mut sync = command(&machine);
    sync.arg("sync").env("MFP_STORE_DIR", shared.join("store")).env("MFP_CACHE_DIR", shared.join("cache"));
    (machine, sync)
}

#[test]
fn many_at_once_fetch_a_repository_once() {
    needs!("git");
    let repo = several();
    let server = GitServer::over(repo.parent());
    let first = add_and_sync(&server.url("plugins"), |_| ());
    let folder = tempfile::tempdir().unwrap();
    let asked = || server.seen().len();
    let before = asked();
    let (alone, mut sync) = sharing(&first, &folder.path().join("alone"));
    ok(alone.run(&mut sync));
    let needed = asked() - before;
    let before = asked();
    let shared = folder.path().join("shared");
    let sharers: Vec<(Machine, Command)> = (0..8).map(|_| sharing(&first, &shared)).collect();
    let pipe = std::process::Stdio::piped;
    let children: Vec<_> =
        sharers.into_iter().map(|(machine, mut sync)| (machine, sync.stdout(pipe()).stderr(pipe()).spawn().unwrap())).collect();
    let outputs: Vec<_> = children.into_iter().map(|(_machine, child)| child.wait_with_output().unwrap()).collect();
    let said: Vec<String> = outputs.iter().map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).collect();
    assert!(outputs.iter().all(|output| output.status.success()), "{said:?}");
    assert_eq!(asked() - before, needed, "one asks, the others find it in the store");
    assert_eq!(said.iter().filter(|said| said.contains("Fetched")).count(), 1, "{said:?}");
}

#[test]
fn who_waits_for_a_repository_keeps_nobody_from_another() {
    needs!("git");
    let (one, other) = (Repo::of(&Plugin::new("a", "1.0.0")), Repo::of(&Plugin::new("b", "1.0.0")));
    let declared = |name: &str, repo: &Repo| format!("{name} = {{ git = \"{}\" }}", repo.file_url());
    let machine = project(&declared("b", &other));
    ok(mfp(&machine, ["lock"]));
    let locks = || -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(machine.path("cache/git/v1")).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "lock")).collect()
    };
    let of_other = locks();
    machine.write("mockforge-plugins.toml", format!("[plugins]\n{}\n{}\n", declared("a", &one), declared("b", &other)));
    std::fs::remove_file(machine.project("plugins.lock")).unwrap();
    let held = std::fs::File::open(&of_other[0]).unwrap();
    held.lock().unwrap();
    let said = machine.path("said");
    let mut child = command(&machine).arg("lock").stderr(std::fs::File::create(&said).unwrap()).spawn().unwrap();
    let begun = std::time::Instant::now();
    while !std::fs::read_to_string(&said).unwrap().contains("Waiting for another mfp") {
        assert!(begun.elapsed().as_secs() < 60, "it doesn't say that it waits");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let of_one = locks().into_iter().find(|lock| !of_other.contains(lock)).expect("it was at the first one before");
    std::fs::File::open(of_one).unwrap().try_lock().expect("who waits holds nothing");
    held.unlock().unwrap();
    assert!(child.wait().unwrap().success(), "{}", std::fs::read_to_string(&said).unwrap());
}
