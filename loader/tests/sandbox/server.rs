//! HTTP servers on loopback that keep what they were asked and answer what a test says, however wrong; and a network whose
//! names lead where a test says.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use mfp_loader::Network;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The first line.
    pub(crate) line: String,
    /// Header lines, lower-cased, sorted.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }

    pub(crate) fn has(&self, header: &str) -> bool {
        self.headers.iter().any(|line| line == header)
    }
}

/// A server; its threads end with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers each request with the bytes that `answer` makes of it, and closes the connection.
    pub(crate) fn new(answer: impl Fn(&Seen, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    /// The same, at an address that a test chose.
    pub(crate) fn on(listener: TcpListener, answer: impl Fn(&Seen, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let (seen, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (keeping, counting, answer) = (Arc::clone(&seen), Arc::clone(&connections), Arc::new(answer));
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                counting.fetch_add(1, Ordering::SeqCst);
                let (keeping, answer) = (Arc::clone(&keeping), Arc::clone(&answer));
                thread::spawn(move || {
                    let request = read(&mut stream)?;
                    keeping.lock().unwrap().push(request.clone());
                    answer(&request, &mut stream)
                });
            }
        });
        Self { address, seen, connections }
    }

    /// Answers everything with this status line's rest, these header lines, and this body.
    pub(crate) fn saying(status: &'static str, headers: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::new(move |_, stream| respond(stream, status, headers, &body))
    }

    /// Answers everything with 200 and `hello`.
    pub(crate) fn hello() -> Self {
        Self::saying("200 OK", "", "hello")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Nobody has even connected.
    #[track_caller]
    pub(crate) fn saw_nothing(&self) {
        assert_eq!(self.connections.load(Ordering::SeqCst), 0, "{:?}", self.seen());
    }
}

/// A whole response.
pub(crate) fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

fn read(stream: &mut TcpStream) -> io::Result<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.trim_end().lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let mut headers: Vec<String> = lines.map(str::to_ascii_lowercase).collect();
    headers.sort();
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Seen { line, headers, body })
}

/// No network at all.
pub(crate) struct Offline;

impl Network for Offline {
    fn is_online(&self) -> bool {
        false
    }

    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        panic!("`{name}` was asked for")
    }
}

/// An address that's public, and in truth leads to this machine.
pub(crate) const PUBLIC: &str = "93.184.216.34";

/// Names that lead where a test says, one answer a question, the last one again and again.
#[derive(Default)]
pub(crate) struct Names {
    answers: BTreeMap<String, Vec<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn new(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let list = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let answers = names.iter().map(|(name, answers)| ((*name).to_owned(), answers.iter().map(list).collect()));
        Arc::new(Self { answers: answers.collect(), asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Network for Names {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|earlier| *earlier == name).count();
        asked.push(name.to_owned());
        let answers = self.answers.get(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        Ok(answers[before.min(answers.len() - 1)].clone())
    }

    fn route(&self, address: IpAddr) -> IpAddr {
        if address == PUBLIC.parse::<IpAddr>().unwrap() { "127.0.0.1".parse().unwrap() } else { address }
    }
}
