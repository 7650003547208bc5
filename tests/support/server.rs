//! A small HTTP server over a registry's folder: it counts, it remembers what it was sent, and it can misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// What to do with a request instead of answering it well.
pub(crate) type Fault = Box<dyn Fn(&Request, &mut TcpStream) -> bool + Send + Sync>;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// How often this path was asked for before.
    pub(crate) times: usize,
}

impl Request {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A server on a loopback port, gone when dropped.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    max_age: u64,
    fault: Option<Fault>,
    seen: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    stopped: AtomicBool,
}

impl Server {
    /// Serve a registry's folder well.
    pub(crate) fn over(folder: &Path) -> Self {
        Self::start(folder, 600, None)
    }

    /// Serve it, but ask `fault` first; if it answers (`true`), nothing more is sent.
    pub(crate) fn faulty(folder: &Path, fault: impl Fn(&Request, &mut TcpStream) -> bool + Send + Sync + 'static) -> Self {
        Self::start(folder, 600, Some(Box::new(fault)))
    }

    /// Serve with another `max-age`.
    pub(crate) fn start(folder: &Path, max_age: u64, fault: Option<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let port = listener.local_addr().expect("it's bound").port();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            max_age,
            fault,
            seen: Mutex::new(Vec::new()),
            connections: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
        });
        let served = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if served.stopped.load(Ordering::SeqCst) {
                    return;
                }
                served.connections.fetch_add(1, Ordering::SeqCst);
                let served = Arc::clone(&served);
                std::thread::spawn(move || served.talk(stream));
            }
        });
        Self { port, shared }
    }

    /// Its root.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Its port on this machine.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its origin: the root without the slash.
    pub(crate) fn origin(&self) -> String {
        self.url().trim_end_matches('/').to_owned()
    }

    /// The same origin's port under another host name: another origin on the same machine.
    pub(crate) fn localhost(&self) -> String {
        format!("http://localhost:{}/", self.port)
    }

    /// What it was asked for, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.seen.lock().expect("no thread panics with it").clone()
    }

    /// How often paths with this in them were asked for.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.requests().iter().filter(|request| request.path.contains(part)).count()
    }

    /// How many connections were made to it, with a request or without one.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener up, which closes its port.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Answer with a status, headers (each ended by `\r\n`) and a body of its true length. Always `true`, for use in a fault.
pub(crate) fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: impl AsRef<[u8]>) -> bool {
    let body = body.as_ref();
    // The connection ends with a fault's answer; a client that isn't told so would ask the next thing on it.
    let _ = write!(stream, "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(body);
    true
}

/// Answer `200` and promise `promised` bytes, but send only these, and break off.
pub(crate) fn break_off(stream: &mut TcpStream, headers: &str, promised: usize, sent: &[u8]) -> bool {
    let _ = write!(stream, "HTTP/1.1 200 OK\r\n{headers}content-length: {promised}\r\n\r\n");
    let _ = stream.write_all(sent);
    let _ = stream.flush();
    // Let it arrive before the connection is torn down.
    std::thread::sleep(std::time::Duration::from_millis(50));
    true
}

/// Answer `200` and send this piece again and again, without an end, as long as somebody listens.
pub(crate) fn without_end(stream: &mut TcpStream, piece: &[u8]) -> bool {
    let _ = write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
    chunk.extend_from_slice(piece);
    chunk.extend_from_slice(b"\r\n");
    while stream.write_all(&chunk).is_ok() {}
    true
}

impl Shared {
    fn talk(&self, mut stream: TcpStream) {
        let Ok(clone) = stream.try_clone() else { return };
        let mut reader = BufReader::new(clone);
        while let Some(request) = self.read(&mut reader) {
            if self.fault.as_ref().is_some_and(|fault| fault(&request, &mut stream)) {
                return;
            }
            if self.answer(&request, &mut stream).is_err() {
                return;
            }
        }
    }

    fn read(&self, reader: &mut BufReader<TcpStream>) -> Option<Request> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = Vec::new();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok()?;
            match header.trim_end().split_once(": ") {
                Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
                None => break,
            }
        }
        let mut seen = self.seen.lock().expect("no thread panics with it");
        let times = seen.iter().filter(|request| request.path == path).count();
        let request = Request { path, headers, times };
        seen.push(request.clone());
        Some(request)
    }

    fn answer(&self, request: &Request, stream: &mut TcpStream) -> std::io::Result<()> {
        let path = request.path.split('?').next().unwrap_or_default();
        let file = self.folder.join(path.trim_start_matches('/'));
        let Ok(mut file) = std::fs::File::open(file) else {
            return write!(stream, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let etag = etag(&bytes);
        if request.header("if-none-match") == Some(&etag) {
            return write!(stream, "HTTP/1.1 304 Not Modified\r\netag: {etag}\r\ncache-control: max-age={}\r\n\r\n", self.max_age);
        }
        let start = request
            .header("range")
            .filter(|_| request.header("if-range") == Some(&etag))
            .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
        let (status, range, body) = match start {
            Some(start) if start < bytes.len() => {
                ("206 Partial Content", format!("content-range: bytes {start}-{}/{}\r\n", bytes.len() - 1, bytes.len()), &bytes[start..])
            }
            _ => ("200 OK", String::new(), &bytes[..]),
        };
        write!(
            stream,
            "HTTP/1.1 {status}\r\netag: {etag}\r\ncache-control: max-age={}\r\n{range}content-length: {}\r\n\r\n",
            self.max_age,
            body.len()
        )?;
        stream.write_all(body)
    }
}

/// The `ETag` that this server gives these bytes.
pub(crate) fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", &blake3::hash(bytes).to_hex()[..16])
}
