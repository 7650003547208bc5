//! Who we are to a server: what git's users have, and nothing for anybody else.

use super::servers::with_ssh;
use super::*;

const SECRET: &str = "canary-git-password-91c4";

fn locked_server(repo: &Repo) -> GitServer {
    GitServer::with(repo.parent(), Manner { basic: Some(("ada".into(), SECRET.into())), ..Manner::default() })
}

/// A machine that has no credentials yet.
fn declared(server: &GitServer) -> Machine {
    let machine = project(&format!("graphql = {{ git = \"{}\", tag = \"graphql-v1.0.0\", subdir = \"graphql\" }}", server.url("plugins")));
    std::fs::remove_file(machine.path("home/.netrc")).unwrap();
    machine
}

/// Nothing that's left behind, on a stream or on disk, holds the secret; only its owner's files do.
fn assert_untold(machine: &Machine, run: &Run) {
    assert!(!run.all().contains(SECRET), "{}", run.all());
    for folder in ["project", "cache", "store"] {
        let path = machine.path(folder);
        if path.exists() {
            for (name, bytes) in crate::support::env::tree(&path) {
                assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()), "{name}");
            }
        }
    }
}

#[test]
fn a_credential_helper_is_asked_when_the_server_asks_and_told_what_came_of_it() {
    needs!("git");
    let repo = several();
    let server = locked_server(&repo);
    let machine = declared(&server);
    mfp(&machine, ["-vv", "sync"]).fails(6, "mfp::network::credentials");
    let helper = |password: &str| {
        let script = format!(
            "#!/bin/sh\necho \"$1\" >> {0}/helper.log\ncat > /dev/null\n[ \"$1\" = get ] && printf 'username=ada\\npassword={password}\\n'\n",
            machine.path("home").display()
        );
        std::fs::write(machine.path("home/helper"), script).unwrap();
        run(Command::new("chmod").arg("755").arg(machine.path("home/helper")));
        std::fs::write(machine.path("home/.gitconfig"), format!("[credential]\n\thelper = {}\n", machine.path("home/helper").display()))
            .unwrap();
    };
    helper("wrong");
    mfp(&machine, ["-vv", "sync"]).fails(6, "mfp::network::credentials");
    assert_eq!(std::fs::read_to_string(machine.path("home/helper.log")).unwrap(), "get\nerase\n");
    helper(SECRET);
    let synced = ok(mfp(&machine, ["-vv", "sync"]));
    assert_untold(&machine, &synced);
    assert!(std::fs::read_to_string(machine.path("home/helper.log")).unwrap().ends_with("get\nstore\n"));
    assert!(!server.seen()[0].headers.contains_key("authorization"), "nobody is told who we are before he asks");
    // What mfp itself knows, and the server doesn't take, isn't the last word.
    let machine = declared(&server);
    std::fs::write(machine.path("home/.netrc"), "machine 127.0.0.1\nlogin ada\npassword stale\n").unwrap();
    let mut sync = command(&machine);
    sync.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "credential.helper");
    sync.env("GIT_CONFIG_VALUE_0", format!("!f() {{ [ $1 = get ] && printf 'username=ada\\npassword={SECRET}\\n'; true; }}; f"));
    ok(machine.run(sync.arg("sync")));
}

#[test]
fn netrc_and_mfps_own_credentials_come_first() {
    needs!("git");
    let repo = several();
    let server = locked_server(&repo);
    let machine = declared(&server);
    std::fs::write(machine.path("home/.netrc"), format!("machine 127.0.0.1\nlogin ada\npassword {SECRET}\n")).unwrap();
    let synced = ok(mfp(&machine, ["-vv", "sync"]));
    assert_untold(&machine, &synced);

    let bearer = GitServer::with(repo.parent(), Manner { authorization: Some(format!("Bearer {SECRET}")), ..Manner::default() });
    let machine = declared(&bearer);
    let origin = bearer.url("").trim_end_matches('/').to_owned();
    let mut sync = command(&machine);
    sync.env("MFP_CREDENTIALS", format!("{{\"{origin}\":\"{SECRET}\"}}"));
    let synced = ok(machine.run(sync.args(["-vv", "sync"])));
    assert_untold(&machine, &synced);
    // To no other origin.
    let other = GitServer::over(repo.parent());
    let machine = declared(&other);
    let mut sync = command(&machine);
    sync.env("MFP_CREDENTIALS", format!("{{\"{origin}\":\"{SECRET}\"}}"));
    ok(machine.run(sync.arg("sync")));
    assert!(other.seen().iter().all(|seen| !seen.headers.contains_key("authorization")));
}

#[test]
fn a_redirect_takes_no_credential_along() {
    needs!("git");
    let repo = several();
    let other = GitServer::over(repo.parent());
    let server = GitServer::with(
        repo.parent(),
        Manner {
            basic: Some(("ada".into(), SECRET.into())),
            redirect: Some(format!("{}{{}}", other.url("").replace("127.0.0.1", "localhost"))),
            ..Manner::default()
        },
    );
    let machine = declared(&server);
    std::fs::write(
        machine.path("home/.netrc"),
        format!("machine 127.0.0.1\nlogin ada\npassword {SECRET}\nmachine localhost\nlogin ada\npassword {SECRET}\n"),
    )
    .unwrap();
    ok(mfp(&machine, ["sync"]));
    assert!(!other.seen().is_empty() && !other.seen()[0].headers.contains_key("authorization"), "{:?}", other.seen()[0]);
}

#[test]
fn ssh_has_the_users_keys_agent_and_hosts() {
    needs!("git", "sshd", "ssh", "ssh-keygen", "ssh-agent", "ssh-add");
    let repo = several();
    let sshd = Sshd::start();
    let machine = project(&format!("graphql = {{ git = \"{}\", tag = \"graphql-v1.0.0\", subdir = \"graphql\" }}", sshd.url(&repo.path())));
    let sync = |folder: &std::path::Path, more: &dyn Fn(&mut Command)| {
        let mut sync = command(&machine);
        with_ssh(&mut sync, folder);
        more(&mut sync);
        machine.run(sync.args(["-vv", "sync"]))
    };
    let said = sync(&sshd.ssh_as("stranger"), &|_| ());
    said.fails(6, "mfp::network::credentials");
    assert!(!machine.has("plugins.lock") && !said.all().contains("canary-ssh-comment"), "{}", said.all());

    // The agent has the key; the configuration names none.
    let agent = run(Command::new("ssh-agent").arg("-s"));
    let value = |name: &str| agent.split(&format!("{name}=")).nth(1).and_then(|rest| rest.split(';').next()).unwrap().to_owned();
    let (socket, pid) = (value("SSH_AUTH_SOCK"), value("SSH_AGENT_PID"));
    run(Command::new("ssh-add").arg("-q").arg(sshd.key("user")).env("SSH_AUTH_SOCK", &socket));
    let synced = sync(&sshd.ssh_with(""), &|sync| {
        sync.env("SSH_AUTH_SOCK", &socket);
    });
    run(Command::new("kill").arg(&pid));
    let synced = ok(synced);
    assert!(!synced.all().contains("canary-ssh-comment"), "{}", synced.all());

    // A command of the user's own, as git takes it.
    std::fs::remove_file(machine.project("plugins.lock")).unwrap();
    std::fs::remove_dir_all(machine.path("cache")).unwrap();
    let mut command = command(&machine);
    let own = sshd.ssh_as("user").join("ssh");
    ok(machine.run(command.env("GIT_SSH_COMMAND", format!("{} -q", own.display())).arg("lock")));
    std::fs::remove_file(machine.project("plugins.lock")).unwrap();
    std::fs::remove_dir_all(machine.path("cache")).unwrap();
    std::fs::write(machine.path("home/.gitconfig"), format!("[core]\n\tsshCommand = {}\n", own.display())).unwrap();
    ok(mfp(&machine, ["lock"]));

    // A host whose key nobody has seen is no host to trust, and nobody is asked in a pipe.
    std::fs::remove_file(machine.project("plugins.lock")).unwrap();
    std::fs::remove_dir_all(machine.path("cache")).unwrap();
    sshd.forget_host();
    mfp(&machine, ["lock"]).fails(6, "mfp::git::host-key");
    mfp(&machine, ["lock", "--offline"]).fails(6, "mfp::network::offline");
}

#[test]
fn ssh_is_told_where_to_go_and_that_nobody_is_there_to_ask() {
    needs!("git", "sh");
    let machine = project("x = { git = \"ssh://git@host.example:2222/a'b/x\" }");
    let script = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" \"$GIT_PROTOCOL\" > {}\nexit 255\n", machine.path("home/said").display());
    std::fs::write(machine.path("home/ssh"), script).unwrap();
    run(Command::new("chmod").arg("755").arg(machine.path("home/ssh")));
    let mut lock = command(&machine);
    machine.run(lock.env("GIT_SSH_COMMAND", machine.path("home/ssh")).arg("lock")).fails(6, "mfp::network::broken");
    let said = std::fs::read_to_string(machine.path("home/said")).unwrap();
    let said: Vec<&str> = said.lines().collect();
    let expected = [
        "-o",
        "SendEnv=GIT_PROTOCOL",
        "-o",
        "ServerAliveInterval=15",
        "-o",
        "BatchMode=yes",
        "-p2222",
        "git@host.example",
        r"git-upload-pack '/a'\''b/x'",
        "version=2",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_server_where_nobody_is_says_so() {
    needs!("git", "ssh");
    let machine = project("x = { git = \"ssh://git@127.0.0.1:9/x\" }");
    mfp(&machine, ["lock"]).fails(6, "mfp::network::connect");
    let machine = project("x = { git = \"http://127.0.0.1:9/x\" }");
    std::fs::create_dir_all(machine.path("home/.config/mfp")).unwrap();
    std::fs::write(machine.path("home/.config/mfp/config.toml"), "[network]\nretries = 0\n").unwrap();
    mfp(&machine, ["lock"]).fails(6, "mfp::network::connect");
    // Without the program that it takes.
    let machine = project("x = { git = \"ssh://git@127.0.0.1/x\" }");
    let mut lock = machine.command();
    machine.run(lock.env("PATH", "/nowhere").arg("lock")).fails(8, "mfp::git::program");
}
