//! A running `mfp serve`, and a client of it that sends exactly what a story wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Machine, Run, canary};

/// How long anything may take that should come at once, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server. It's killed when it's dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    pub(crate) address: SocketAddr,
    /// The document that it began with.
    pub(crate) document: Value,
}

impl Serving {
    /// `mfp serve` on a free port, with more arguments.
    pub(crate) fn start(machine: &Machine, arguments: &[&str]) -> Self {
        Self::start_with(machine.command().args(["serve", "--json", "--listen", "127.0.0.1:0"]).args(arguments))
    }

    /// The same from a prepared command, which has `--json`.
    pub(crate) fn start_with(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("mfp can be started");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("it's piped")).read_line(&mut line).expect("it's text");
        let document: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let address = document["address"].as_str().and_then(|address| address.strip_prefix("http://"));
        let address = address.unwrap_or_else(|| panic!("{document:#}")).parse().expect("it's an address");
        // What it says is read at once: a pipe that's full would make it drop lines.
        let mut stderr = child.stderr.take().expect("it's piped");
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("it's text");
            text
        });
        Self { child, stderr: Some(stderr), address, document }
    }

    /// The same by another of its addresses.
    pub(crate) fn reached_at(mut self, ip: impl Into<std::net::IpAddr>) -> Self {
        self.address.set_ip(ip.into());
        self
    }

    /// A connection of its own.
    pub(crate) fn connect(&self) -> Client {
        Client::new(self.address)
    }

    /// Ask with GET.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.connect().send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address))
    }

    /// Call with POST.
    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        self.connect().post(path, body)
    }

    /// Call a template function.
    pub(crate) fn execute(&self, plugin: &str) -> Reply {
        self.post(&format!("/plugins/{plugin}/plugin/template/execute"), r#"{"function_name":"f","args":[1],"context":{}}"#)
    }

    /// What `GET /health` says.
    pub(crate) fn health(&self) -> Value {
        self.get("/health").json()
    }

    /// A number of `GET /metrics`.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").body;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in\n{text}"))
    }

    /// Wait until something is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !is_so(self) {
            assert!(began.elapsed() < PATIENCE, "{what}: {:#}", self.health());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Send it a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("it runs");
    }

    /// How much memory it has, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it's there");
        line.trim().trim_end_matches(" kB").parse().expect("it's a number")
    }

    /// Wait for its end: its exit code and what it said.
    pub(crate) fn ended(mut self) -> Run {
        let mut stdout = String::new();
        self.child.stdout.take().expect("it's piped").read_to_string(&mut stdout).expect("it's text");
        let stderr = self.stderr.take().and_then(|reading| reading.join().ok()).expect("it was read");
        let code = self.child.wait().expect("it ends").code().unwrap_or(-1);
        canary::not_printed(&stdout);
        canary::not_printed(&stderr);
        Run { code, stdout, stderr }
    }

    /// Tell it to end, and wait.
    #[cfg(unix)]
    pub(crate) fn stop(self) -> Run {
        self.signal(rustix::process::Signal::TERM);
        self.ended()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection to a server.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Client {
    /// To a server here, ours or another.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        Self { stream: BufReader::new(stream), address }
    }

    /// Send these bytes.
    pub(crate) fn write(&mut self, bytes: &str) {
        // A server may have answered and closed already: what it said is read next.
        let _ = self.stream.get_mut().write_all(bytes.as_bytes());
    }

    /// Send these bytes and read the reply.
    pub(crate) fn send(&mut self, bytes: &str) -> Reply {
        self.write(bytes);
        self.reply().expect("it replies")
    }

    /// A call with the headers that a call has.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Reply {
        let (host, length) = (self.address, body.len());
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    }

    /// The next reply; nothing if the server has closed the connection.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let mut line = String::new();
        let mut next = |stream: &mut BufReader<TcpStream>| {
            line.clear();
            stream.read_line(&mut line).ok().filter(|read| *read > 0).map(|_| line.trim_end().to_owned())
        };
        let status = next(&mut self.stream)?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = Vec::new();
        while let Some((name, value)) = next(&mut self.stream)?.split_once(": ") {
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut reply = Reply { status, headers, body: String::new() };
        let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        reply.body = String::from_utf8(body).ok()?;
        Some(reply)
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// An envelope that says no, with this status; its words.
    #[track_caller]
    pub(crate) fn fails(&self, status: u16) -> String {
        let body = self.json();
        assert_eq!((self.status, &body["success"]), (status, &Value::Bool(false)), "{self:?}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{self:?}");
        body["error"].as_str().expect("it says why").to_owned()
    }
}
