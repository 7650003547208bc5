//! The system's keyring: a real one (GNOME's, on a D-Bus of its own), and ones that are missing, hang, or speak nonsense.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{FILE, TOKEN, configure, guarded, is_nowhere, machine, shop, told};
use crate::support::git::has_programs;
use crate::support::server::respond;
use crate::support::{Machine, Run, Server};

/// A D-Bus session with an unlocked keyring, gone when dropped.
struct Session {
    bus: Child,
    keyring: Child,
    address: String,
}

impl Session {
    /// Start one on this machine, or none where the programs are missing.
    fn start(machine: &Machine) -> Option<Self> {
        if !has_programs(&["dbus-daemon", "gnome-keyring-daemon"]) {
            return None;
        }
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a D-Bus can be started");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().expect("it's piped")).read_line(&mut address).expect("it says where it is");
        let address = address.trim().to_owned();
        let runtime = machine.path("home/runtime");
        std::fs::create_dir_all(&runtime).expect("a folder can be made");
        let mut keyring = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", machine.path("home"))
            .env("XDG_RUNTIME_DIR", &runtime)
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a keyring can be started");
        keyring.stdin.take().expect("it's piped").write_all(b"its-password\n").expect("it listens");
        let session = Self { bus, keyring, address };
        session.wait();
        Some(session)
    }

    /// Until it answers.
    fn wait(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until {
            let asked = Command::new("dbus-send")
                .args(["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetNameOwner"])
                .arg("string:org.freedesktop.secrets")
                .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if asked.is_ok_and(|status| status.success()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the keyring doesn't answer");
    }

    /// Run mfp in it.
    fn run(&self, machine: &Machine, arguments: &[&str]) -> Run {
        on_bus(machine, &self.address, TOKEN, arguments)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in [&mut self.keyring, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn on_bus(machine: &Machine, address: &str, stdin: &str, arguments: &[&str]) -> Run {
    let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), stdin).expect("it can be written");
    let mut command = machine.command();
    command.env("DBUS_SESSION_BUS_ADDRESS", address).args(arguments).stdin(file.reopen().expect("it's there"));
    machine.run(&mut command)
}

/// A socket where a D-Bus should be, with somebody who takes connections and does this with them.
fn fake_bus(machine: &Machine, does: fn(std::os::unix::net::UnixStream)) -> String {
    let path = machine.path("home/bus");
    let listener = UnixListener::bind(&path).expect("a socket can be made");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || does(stream));
        }
    });
    format!("unix:path={}", path.display())
}

#[test]
fn a_real_keyring_keeps_a_token_and_forgets_it() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let Some(session) = Session::start(&machine) else { return };
    let login = session.run(&machine, &["login", "--token-stdin", "--json"]);
    assert_eq!((login.code, login.json()["store"].as_str()), (0, Some("keyring")), "{}", login.all());
    let runs = [session.run(&machine, &["-vv", "sync"]), session.run(&machine, &["whoami"]), session.run(&machine, &["-vvv", "update"])];
    for run in &runs {
        assert_eq!(run.code, 0, "{}", run.all());
    }
    assert!(runs[1].stdout.contains("(the system's keyring)"), "{}", runs[1].all());
    // It's in no file of ours; the keyring's own is encrypted.
    is_nowhere(&machine, &runs, &[]);
    // Without a bus the token can't be had, and no other identity is taken.
    let run = machine.run(machine.command().env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus").args(["update"]));
    run.fails(8, "mfp::credentials::keyring");
    machine.mfp(["logout"]).fails(8, "mfp::credentials::keyring");
    // In CI it isn't asked.
    let run = machine.run(machine.command().env("DBUS_SESSION_BUS_ADDRESS", &session.address).env("CI", "true").args(["-vv", "update"]));
    run.fails(6, "mfp::network::credentials");
    assert_eq!(session.run(&machine, &["logout"]).code, 0);
    session.run(&machine, &["update"]).fails(6, "mfp::network::credentials");
    is_nowhere(&machine, &[], &[]);
}

#[test]
fn what_a_keyring_has_is_for_its_own_origin_on_every_hop() {
    let registry = shop();
    let other = guarded(&registry);
    let target = other.url();
    let server = Server::faulty(registry.folder(), move |request, stream| {
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return respond(stream, "401 Unauthorized", "", "");
        }
        request.path.starts_with("/dl/")
            && respond(stream, "307 Temporary Redirect", &format!("location: {target}{}\r\n", &request.path[1..]), "")
    });
    let machine = machine(&server.url());
    let Some(session) = Session::start(&machine) else { return };
    let login = session.run(&machine, &["login", "--token-stdin", "--store", "keyring"]);
    assert_eq!(login.code, 0, "{}", login.all());
    let run = session.run(&machine, &["-vv", "sync"]);
    run.fails(6, "mfp::network::credentials");
    assert!(other.count("/dl/") > 0);
    for request in other.requests() {
        assert_eq!(request.header("authorization"), None, "{request:?}");
    }
    is_nowhere(&machine, &[login, run], &[]);
}

#[test]
fn a_keyring_that_is_missing_or_hangs_or_lies_is_given_up_in_time() {
    let registry = shop();
    let server = guarded(&registry);
    let faults: [fn(std::os::unix::net::UnixStream); 3] = [
        // It says nothing.
        |stream| {
            std::thread::sleep(Duration::from_mins(1));
            drop(stream);
        },
        // It hangs up.
        drop,
        // It speaks something else.
        |mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n\x1b[2J::set-output name=x::y\r\n");
            std::thread::sleep(Duration::from_mins(1));
        },
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let machine = machine(&server.url());
        configure(&machine, "");
        let file = machine.path("home/.config/mfp/config.toml");
        let text = std::fs::read_to_string(&file).expect("it was written");
        std::fs::write(file, format!("credential-timeout = \"1s\"\n{text}")).expect("it can be written");
        let address = fake_bus(&machine, fault);
        let started = Instant::now();
        let login = on_bus(&machine, &address, TOKEN, &["login", "--token-stdin"]);
        assert!(started.elapsed() < Duration::from_secs(15), "{number}");
        assert_eq!(login.code, 0, "{number}: {}", login.all());
        assert!(login.stderr.contains("warning[mfp::credentials::keyring]") && !login.stderr.contains('\u{1b}'), "{}", login.all());
        let forced = on_bus(&machine, &address, TOKEN, &["login", "--token-stdin", "--store", "keyring"]);
        forced.fails(8, "mfp::credentials::keyring");
        // It's in the file now, and nobody asks the keyring.
        let started = Instant::now();
        let run = on_bus(&machine, &address, "", &["sync"]);
        assert_eq!(run.code, 0, "{}", run.all());
        assert!(started.elapsed() < Duration::from_secs(10));
        is_nowhere(&machine, &[login, forced, run], &[FILE]);
    }
}

#[test]
fn without_a_keyring_a_token_is_in_a_file_and_that_is_said() {
    let registry = shop();
    let server = guarded(&registry);
    let machine = machine(&server.url());
    let login = on_bus(&machine, "unix:path=/nowhere/bus", TOKEN, &["login", "--token-stdin"]);
    assert_eq!(login.code, 0, "{}", login.all());
    assert!(login.stderr.contains("the system's keyring wasn't used"), "{}", login.all());
    assert!(login.stderr.contains("credentials.json"), "{}", login.all());
    configure(&machine, "");
    std::fs::write(machine.path("home/.config/mfp/config.toml"), "credential-store = \"keyring\"\n").expect("a file can be written");
    on_bus(&machine, "unix:path=/nowhere/bus", TOKEN, &["login", "--token-stdin"]).fails(8, "mfp::credentials::keyring");
    std::fs::write(machine.path("home/.config/mfp/config.toml"), "credential-store = \"file\"\n").expect("a file can be written");
    assert_eq!(told(&machine, TOKEN, &["login", "--token-stdin"]).code, 0);
}
