//! Repositories to take plugins from, and real servers for them: `git http-backend` behind a small web server, `git upload-pack`
//! for folders, an `sshd` on loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Machine, Plugin, Run};

/// The programs that these stories need. In CI they must be there; elsewhere a story without them is left out, and says so.
#[expect(clippy::print_stderr, reason = "a story that's left out must say so")]
pub(crate) fn has_programs(names: &[&str]) -> bool {
    let missing: Vec<&str> = names.iter().copied().filter(|name| find(name).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none(), "CI must have {missing:?}");
    eprintln!("NOT TESTED: this machine has no {missing:?}");
    false
}

/// Where a program is.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A command of git that knows nothing of this machine's user.
pub(crate) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for (name, value) in [("NAME", "Ada"), ("EMAIL", "ada@example.org"), ("DATE", "2026-01-01T00:00:00Z")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command
}

/// A repository with a work tree.
#[derive(Debug)]
pub(crate) struct Repo {
    parent: TempDir,
    name: String,
}

impl Repo {
    /// An empty one, whose branch is `main`.
    pub(crate) fn new(name: &str) -> Self {
        Self::with_format(name, "sha1")
    }

    /// An empty one with another digest.
    pub(crate) fn with_format(name: &str, format: &str) -> Self {
        let repo = Self { parent: TempDir::with_prefix("mfp-repos-").expect("a temporary folder can be made"), name: name.to_owned() };
        std::fs::create_dir(repo.path()).expect("a folder can be made");
        repo.git(["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}")]);
        repo.git(["config", "uploadpack.allowFilter", "true"]);
        repo
    }

    /// Another one in the same folder: a neighbour for relative addresses.
    pub(crate) fn neighbour(&self, name: &str) -> PathBuf {
        let path = self.parent.path().join(name);
        std::fs::create_dir(&path).expect("a folder can be made");
        run(git(&path).args(["init", "--quiet", "--initial-branch=main"]));
        path
    }

    /// The folder that it's in.
    pub(crate) fn parent(&self) -> &Path {
        self.parent.path()
    }

    /// Its work tree.
    pub(crate) fn path(&self) -> PathBuf {
        self.parent.path().join(&self.name)
    }

    /// Its address as a folder.
    pub(crate) fn file_url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Run git in it; what it prints.
    pub(crate) fn git<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> String {
        run(git(&self.path()).args(arguments))
    }

    /// Write a file.
    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        std::fs::write(path, bytes).expect("a file can be written");
    }

    /// Put a plugin's files into a folder of it (`""`: the root).
    pub(crate) fn put(&self, folder: &str, plugin: &Plugin) {
        for (path, bytes) in plugin.packed_files() {
            self.write(&Path::new(folder).join(path).display().to_string(), bytes);
        }
    }

    /// Commit everything; the commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(["rev-parse", "HEAD"])
    }

    /// A repository of one plugin at its root, committed and tagged `v<version>`.
    pub(crate) fn of(plugin: &Plugin) -> Self {
        let repo = Self::new(&plugin.name);
        repo.put("", plugin);
        repo.commit("first");
        repo.git(["tag", &format!("v{}", plugin.version)]);
        repo
    }
}

/// Run git in a machine's project.
pub(crate) fn in_project<'a>(machine: &Machine, arguments: impl IntoIterator<Item = &'a str>) -> String {
    run(git(&machine.project("")).args(arguments))
}

/// Commit what a project commits: manifest, lock, git's attributes. The commit's id.
pub(crate) fn commit_project(machine: &Machine, message: &str) -> String {
    let here = |name: &&str| machine.has(name);
    let files = ["mockforge-plugins.toml", "plugins.lock", ".gitattributes"].into_iter().filter(here);
    in_project(machine, ["add", "--"].into_iter().chain(files));
    in_project(machine, ["commit", "--quiet", "--allow-empty", "--message", message]);
    in_project(machine, ["rev-parse", "HEAD"])
}

/// Run a command that must succeed; what it prints, without the line's end.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

/// Run mfp on a machine where there's a git.
#[must_use]
pub(crate) fn mfp<'a>(machine: &Machine, arguments: impl IntoIterator<Item = &'a str>) -> Run {
    machine.run(command(machine).args(arguments))
}

/// The command, for more to be said.
pub(crate) fn command(machine: &Machine) -> Command {
    let mut command = machine.command();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// How a web server for git is to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// Only these may come, with a password.
    pub(crate) basic: Option<(String, String)>,
    /// Only who says this in `Authorization`.
    pub(crate) authorization: Option<String>,
    /// Speak the old protocol only.
    pub(crate) old: bool,
    /// Where a request for the refs is redirected to, `{}` being the rest of the path.
    pub(crate) redirect: Option<String>,
    /// Answer this instead of a pack.
    pub(crate) pack: Option<Vec<u8>>,
    /// Send nothing any more after so many bytes of an answer to a POST.
    pub(crate) stall_after: Option<usize>,
    /// The same, but only of a pack.
    pub(crate) stall_pack_after: Option<usize>,
}

/// A web server with `git http-backend` behind it.
pub(crate) struct GitServer {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    manner: Manner,
    seen: Mutex<Vec<Seen>>,
    stopped: AtomicBool,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// Does it ask for objects?
    fn wants(&self) -> bool {
        self.body.windows(5).any(|word| word == b"want ")
    }
}

impl GitServer {
    /// Serve every repository in a folder.
    pub(crate) fn over(root: &Path) -> Self {
        Self::with(root, Manner::default())
    }

    /// Serve them in this manner.
    pub(crate) fn with(root: &Path, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = listener.local_addr().expect("it's bound").port();
        let shared = Arc::new(Shared { root: root.to_owned(), manner, seen: Mutex::default(), stopped: AtomicBool::new(false) });
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if served.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let served = Arc::clone(&served);
                std::thread::spawn(move || served.talk(stream));
            }
        });
        Self { port, shared }
    }

    /// The address of a repository.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// What it was asked.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("no thread panics with it").clone()
    }

    /// How many requests it had whose first line or body holds this.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.seen().iter().filter(|one| one.line.contains(part) || String::from_utf8_lossy(&one.body).contains(part)).count()
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn talk(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut reader = BufReader::new(stream.try_clone().expect("a stream can be shared"));
        let mut stream = stream;
        while let Some(seen) = read_request(&mut reader) {
            self.seen.lock().expect("no thread panics with it").push(seen.clone());
            if self.answer(&seen, &mut stream).is_none() {
                return;
            }
        }
    }

    /// `None` ends the connection.
    fn answer(&self, seen: &Seen, stream: &mut TcpStream) -> Option<()> {
        let mut words = seen.line.split(' ');
        let (method, target) = (words.next()?, words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let said = seen.headers.get("authorization").map(String::as_str).unwrap_or_default();
        let wanted = self.manner.basic.as_ref().map(|(user, password)| {
            use base64::Engine as _;
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
        });
        if let Some(wanted) = wanted.as_ref().or(self.manner.authorization.as_ref()).filter(|wanted| *wanted != said) {
            let _ = wanted;
            return send(stream, "401 Unauthorized", "WWW-Authenticate: Basic realm=\"git\"\r\n", b"who are you");
        }
        if let Some(elsewhere) = self.manner.redirect.as_ref().filter(|_| path.ends_with("/info/refs") && !path.starts_with("/moved/")) {
            let location = elsewhere.replace("{}", target.trim_start_matches('/'));
            return send(stream, "301 Moved Permanently", &format!("Location: {location}\r\n"), b"");
        }
        if let Some(pack) = self.manner.pack.as_ref().filter(|_| seen.wants()) {
            return send(stream, "200 OK", "Content-Type: application/x-git-upload-pack-result\r\n", pack);
        }
        let (headers, body) = self.backend(seen, method, path.strip_prefix("/moved").unwrap_or(path), query)?;
        let status = headers.iter().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
        let rest: String = headers.iter().filter(|line| !line.starts_with("Status: ")).map(|line| format!("{line}\r\n")).collect();
        if let Some(bytes) = self.manner.stall_after.or(self.manner.stall_pack_after.filter(|_| seen.wants())).filter(|_| method == "POST")
        {
            let head = format!("HTTP/1.1 {status}\r\n{rest}Content-Length: {}\r\n\r\n", body.len() + 1);
            stream.write_all(head.as_bytes()).ok()?;
            stream.write_all(&body[..bytes.min(body.len())]).ok()?;
            std::thread::sleep(Duration::from_secs(20));
            return None;
        }
        send(stream, &status, &rest, &body)
    }

    fn backend(&self, seen: &Seen, method: &str, path: &str, query: &str) -> Option<(Vec<String>, Vec<u8>)> {
        let mut command = git(&self.root);
        let protocol = if self.manner.old { "version=0" } else { seen.headers.get("git-protocol").map_or("", String::as_str) };
        command
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &self.root)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("REQUEST_METHOD", method)
            .env("CONTENT_TYPE", seen.headers.get("content-type").map_or("", String::as_str))
            .env("CONTENT_LENGTH", seen.body.len().to_string())
            .env("GIT_PROTOCOL", protocol)
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let (mut input, body) = (child.stdin.take()?, seen.body.clone());
        let writer = std::thread::spawn(move || {
            let _ = input.write_all(&body);
        });
        let output = child.wait_with_output().ok()?.stdout;
        writer.join().ok()?;
        let end = output.windows(4).position(|word| word == b"\r\n\r\n")?;
        let headers = String::from_utf8_lossy(&output[..end]).lines().map(str::to_owned).collect();
        Some((headers, output[end + 4..].to_vec()))
    }
}

fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> Option<()> {
    let head = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Seen> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { line: line.trim_end().to_owned(), headers, body })
}

/// An `sshd` on a loopback port that takes one key, and what a user has who may come in.
pub(crate) struct Sshd {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Sshd {
    /// Start it.
    pub(crate) fn start() -> Self {
        let folder = TempDir::with_prefix("mfp-sshd-").expect("a temporary folder can be made");
        let at = |name: &str| folder.path().join(name);
        for (name, comment) in [("host", "host"), ("user", "canary-ssh-comment-5d1e"), ("stranger", "stranger")] {
            let file = at(name);
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]).arg(&file));
        }
        std::fs::copy(at("user.pub"), at("authorized")).expect("a file can be copied");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a loopback port is free").port();
        let path = std::env::var("PATH").unwrap_or_default();
        let config = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {0}/host\nAuthorizedKeysFile {0}/authorized\nPidFile none\nStrictModes no\n\
             UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n\
             SetEnv PATH={path} GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=*\n",
            folder.path().display()
        );
        std::fs::write(at("sshd_config"), config).expect("a file can be written");
        // Where it's root, it wants a folder to lock itself into.
        let _ = std::fs::create_dir_all("/run/sshd");
        let sshd = find("sshd").expect("the story asked for it");
        let child =
            Command::new(sshd).args(["-D", "-e", "-f"]).arg(at("sshd_config")).stderr(Stdio::null()).spawn().expect("sshd can be started");
        let sshd = Self { folder, port, child };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "sshd doesn't listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        let key = std::fs::read_to_string(sshd.path("host.pub")).expect("the key was made");
        std::fs::write(sshd.path("known_hosts"), format!("[127.0.0.1]:{port} {key}")).expect("a file can be written");
        sshd
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A user's private key: `user` may come in, `stranger` may not.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.path(name)
    }

    /// The address of a repository over it.
    pub(crate) fn url(&self, repository: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", user(), self.port, repository.display())
    }

    /// A folder with an `ssh` in it that has a configuration of its own, like a user's `~/.ssh/config` (which ssh finds by the
    /// user database and not by HOME).
    pub(crate) fn ssh_with(&self, lines: &str) -> PathBuf {
        let folder = self.path("bin");
        let _ = std::fs::create_dir(&folder);
        std::fs::write(self.path("ssh_config"), format!("Host *\n  UserKnownHostsFile {}\n{lines}", self.path("known_hosts").display()))
            .expect("a file can be written");
        let real = find("ssh").expect("the story asked for it");
        let script = format!("#!/bin/sh\nexec {} -F {} \"$@\"\n", real.display(), self.path("ssh_config").display());
        let file = folder.join("ssh");
        std::fs::write(&file, script).expect("a file can be written");
        run(Command::new("chmod").arg("755").arg(&file));
        folder
    }

    /// A configuration that knows the host and has this key.
    pub(crate) fn ssh_as(&self, key: &str) -> PathBuf {
        self.ssh_with(&format!("  IdentitiesOnly yes\n  IdentityFile {}\n", self.path(key).display()))
    }

    /// Forget the host's key.
    pub(crate) fn forget_host(&self) {
        std::fs::write(self.path("known_hosts"), "").expect("a file can be written");
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who we are on this machine.
fn user() -> String {
    run(Command::new("id").arg("-un"))
}
