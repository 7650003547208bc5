//! Every way in which a server misbehaves, at every place where it's asked: each ends within its deadline, with its code, leaves
//! nothing behind, and isn't held against a server that's well again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{configure, machine, nothing_kept};
use crate::support::server::{Request, break_off, respond, without_end};
use crate::support::{Plugin, Registry, Server};

/// What's asked for: the registry's configuration, an index document, a small artifact, and a large one, which is streamed.
pub(crate) const PLACES: [(&str, &str); 4] =
    [("config.json", "/config.json"), ("the index", "/index/"), ("an artifact", "/dl/small/"), ("a large artifact", "/dl/large/")];

/// A way to misbehave: what's done with the good answer, and the exits and codes that it may lead to.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    how: fn(&[u8], &Request, &mut TcpStream) -> bool,
    ends: &'static [(i32, &'static str)],
}

const TIMEOUT: &[(i32, &str)] = &[(6, "mfp::network::timeout")];
const BROKEN: &[(i32, &str)] = &[(6, "mfp::network::broken"), (6, "mfp::network::connect")];
const STATUS: &[(i32, &str)] = &[(6, "mfp::network::status")];
const CREDENTIALS: &[(i32, &str)] = &[(6, "mfp::network::credentials")];
const REDIRECT: &[(i32, &str)] = &[(6, "mfp::network::redirect")];
const WRONG: &[(i32, &str)] = &[
    (4, "mfp::registry::malformed"),
    (4, "mfp::integrity::size"),
    (4, "mfp::integrity::sha256"),
    (4, "mfp::network::too-large"),
    (4, "mfp::registry::invalid"),
];

/// No byte for longer than the client waits.
fn silence() {
    std::thread::sleep(Duration::from_millis(2500));
}

fn begin(stream: &mut TcpStream, head: &str) {
    let _ = write!(stream, "HTTP/1.1 {head}\r\n\r\n");
}

macro_rules! statuses {
    ($($name:literal $head:literal $ends:ident),* $(,)?) => {
        [$(Fault { name: $name, how: |_, _, stream| respond(stream, $head, "", "<html>\x1b[31mno</html>"), ends: $ends }),*]
    };
}

/// By a status alone.
pub(crate) const STATUSES: [Fault; 18] = statuses! {
    "204" "204 No Content" STATUS,
    "206 that nobody asked for" "206 Partial Content" STATUS,
    "300" "300 Multiple Choices" STATUS,
    "302 without a place" "302 Found" STATUS,
    "304 that nobody asked for" "304 Not Modified" STATUS,
    "400" "400 Bad Request" STATUS,
    "401" "401 Unauthorized" CREDENTIALS,
    "403" "403 Forbidden" CREDENTIALS,
    "405" "405 Method Not Allowed" STATUS,
    "407" "407 Proxy Authentication Required" STATUS,
    "408" "408 Request Timeout" STATUS,
    "416" "416 Range Not Satisfiable" STATUS,
    "418" "418 I'm a teapot" STATUS,
    "429" "429 Too Many Requests" STATUS,
    "500" "500 Internal Server Error" STATUS,
    "503" "503 Service Unavailable" STATUS,
    "599" "599 Odd" STATUS,
    "600" "600 Odder" STATUS,
};

/// By what's sent, or not.
pub(crate) const FAULTS: [Fault; 24] = [
    Fault {
        name: "says nothing",
        how: |_, _, _| {
            silence();
            true
        },
        ends: TIMEOUT,
    },
    Fault {
        name: "half a status line, then nothing",
        how: |_, _, stream| {
            let _ = write!(stream, "HTTP/1.1 20");
            silence();
            true
        },
        ends: TIMEOUT,
    },
    Fault {
        name: "headers, then nothing",
        how: |good, _, stream| {
            begin(stream, &format!("200 OK\r\ncontent-length: {}", good.len()));
            silence();
            true
        },
        ends: TIMEOUT,
    },
    Fault {
        name: "half a body, then nothing",
        how: |good, _, stream| {
            begin(stream, &format!("200 OK\r\ncontent-length: {}", good.len()));
            let _ = stream.write_all(&good[..good.len() / 2]);
            silence();
            true
        },
        ends: TIMEOUT,
    },
    Fault {
        name: "a byte at a time",
        how: |good, _, stream| {
            begin(stream, &format!("200 OK\r\ncontent-length: {}", good.len()));
            good.iter().take(40).all(|byte| {
                std::thread::sleep(Duration::from_millis(100));
                stream.write_all(&[*byte]).is_ok()
            });
            true
        },
        ends: TIMEOUT,
    },
    Fault {
        name: "headers without an end",
        how: |_, _, stream| {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\n");
            while write!(stream, "x-more: {}\r\n", "x".repeat(1000)).is_ok() {}
            true
        },
        ends: BROKEN,
    },
    Fault {
        name: "interim answers without an end",
        how: |_, _, stream| {
            for _ in 0..60 {
                if write!(stream, "HTTP/1.1 103 Early Hints\r\n\r\n").is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            true
        },
        ends: &[(6, "mfp::network::timeout"), (6, "mfp::network::broken")],
    },
    Fault { name: "a body without an end", how: |_, _, stream| without_end(stream, &[b' '; 16 << 10]), ends: WRONG },
    Fault {
        name: "a length without an end",
        how: |_, _, stream| {
            begin(stream, "200 OK\r\ncontent-length: 18446744073709551615");
            silence();
            true
        },
        ends: &[(4, "mfp::network::too-large"), (4, "mfp::integrity::size"), (6, "mfp::network::broken")],
    },
    Fault {
        name: "a length that's no number",
        how: |_, _, stream| {
            begin(stream, "200 OK\r\ncontent-length: many");
            true
        },
        ends: BROKEN,
    },
    Fault {
        name: "two lengths",
        how: |good, _, stream| {
            begin(stream, &format!("200 OK\r\ncontent-length: 3\r\ncontent-length: {}", good.len()));
            let _ = stream.write_all(good);
            true
        },
        ends: BROKEN,
    },
    Fault { name: "less than its length", how: |good, _, stream| break_off(stream, "", good.len(), &good[..good.len() / 2]), ends: BROKEN },
    Fault { name: "nothing at all", how: |_, _, _| true, ends: BROKEN },
    Fault {
        name: "a reset in the middle",
        how: |good, _, stream| {
            // What's closed with something unread in it is reset. The client sends no more than its request, so it's told to.
            begin(stream, &format!("200 OK\r\ncontent-length: {}", good.len() + 1));
            let _ = stream.write_all(&good[..good.len() / 2]);
            let _ = stream.shutdown(std::net::Shutdown::Both);
            true
        },
        ends: &[(6, "mfp::network::broken"), (6, "mfp::network::connect"), (4, "mfp::integrity::size")],
    },
    Fault {
        name: "no HTTP",
        how: |_, _, stream| {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
            true
        },
        ends: BROKEN,
    },
    Fault {
        name: "HTTP of another age",
        how: |_, _, stream| {
            let _ = stream.write_all(b"HTTP/4.2 200 OK\r\ncontent-length: 0\r\n\r\n");
            true
        },
        ends: BROKEN,
    },
    Fault {
        name: "a NUL in a header",
        how: |_, _, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n");
            true
        },
        ends: BROKEN,
    },
    Fault {
        name: "a chunk of no size",
        how: |_, _, stream| {
            begin(stream, "200 OK\r\ntransfer-encoding: chunked");
            let _ = stream.write_all(b"zz\r\nhello\r\n");
            true
        },
        ends: BROKEN,
    },
    Fault {
        name: "a chunk larger than all memory",
        how: |_, _, stream| {
            begin(stream, "200 OK\r\ntransfer-encoding: chunked");
            let _ = stream.write_all(b"ffffffffffffffffff\r\nhello\r\n");
            true
        },
        ends: BROKEN,
    },
    Fault {
        name: "another encoding than was asked for",
        how: |good, _, stream| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packed.write_all(good).expect("memory takes bytes");
            respond(stream, "200 OK", "content-encoding: gzip\r\n", packed.finish().expect("memory takes bytes"))
        },
        ends: WRONG,
    },
    Fault {
        name: "a page instead",
        how: |_, _, stream| respond(stream, "200 OK", "content-type: text/html\r\n", "<!doctype html>\x1b[2Jplease log in"),
        ends: WRONG,
    },
    Fault {
        name: "a redirect to itself",
        how: |_, request, stream| {
            respond(stream, "301 Moved Permanently", &format!("connection: close\r\nlocation: {}\r\n", request.path), "")
        },
        ends: REDIRECT,
    },
    Fault {
        name: "a redirect to a file",
        how: |_, _, stream| respond(stream, "307 Temporary Redirect", "connection: close\r\nlocation: file:///etc/passwd\r\n", ""),
        ends: REDIRECT,
    },
    Fault {
        name: "a wait of a year",
        how: |_, _, stream| respond(stream, "429 Too Many Requests", "retry-after: 31536000\r\n", ""),
        ends: &[(6, "mfp::network::timeout"), (6, "mfp::network::status")],
    },
];

/// No command takes longer, whatever the server does: the client waits for a second without a byte, two for the whole.
const DEADLINE: Duration = Duration::from_secs(15);

fn shop() -> Registry {
    let mut noise = vec![0; 1_200_000];
    blake3::Hasher::new_derive_key("mfp tests faults").finalize_xof().fill(&mut noise);
    Registry::with([
        Plugin::new("small", "1.0.0"),
        Plugin::new("large", "1.0.0").with(|plugin| plugin.more_files.push(("data/noise.bin".to_owned(), noise))),
    ])
}

fn misbehave(registry: &Registry, fault: &'static Fault, (place, path): (&str, &'static str)) -> Result<(), String> {
    let bad = Arc::new(AtomicBool::new(true));
    let (is_bad, folder) = (Arc::clone(&bad), registry.folder().to_owned());
    let server = Server::faulty(registry.folder(), move |request, stream| {
        if !is_bad.load(Ordering::SeqCst) || !request.path.starts_with(path) {
            return false;
        }
        let good = std::fs::read(folder.join(&request.path[1..])).unwrap_or_else(|_| b"{}\n".to_vec());
        (fault.how)(&good, request, stream)
    });
    let name = if path.contains("large") { "large" } else { "small" };
    let machine = machine(&server.url(), "");
    // A wait that the server asks for is tried for, the other faults get one try.
    let retries = usize::from(fault.name == "a wait of a year");
    configure(
        &machine,
        &format!("[network]\nretries = {retries}\nidle-timeout = \"1s\"\nconnect-timeout = \"1s\"\nartifact-timeout = \"2s\"\n"),
    );
    let (before, begun) = (machine.files(), Instant::now());
    let run = machine.mfp(["-vv", "add", name]);
    let took = begun.elapsed();
    let what = format!("{} at {place}", fault.name);
    if !fault.ends.contains(&(run.code, run.error_code())) {
        return Err(format!("{what} isn't expected to end so: {}", run.all()));
    }
    if took > DEADLINE {
        return Err(format!("{what} took {took:?}"));
    }
    if run.all().contains(['\x1b', '\0']) || run.all().contains("please log in") || run.all().contains("panicked") {
        return Err(format!("{what} prints what the server sent: {}", run.all()));
    }
    if machine.files() != before {
        return Err(format!("{what} changed a file"));
    }
    nothing_kept(&machine);
    bad.store(false, Ordering::SeqCst);
    let run = machine.mfp(["add", name]);
    if run.code == 0 && machine.has(&format!(".mockforge/plugins/{name}/plugin.wasm")) {
        Ok(())
    } else {
        Err(format!("{what}, and then well again: {}", run.all()))
    }
}

#[test]
fn each_misbehaviour_ends_in_time_with_its_code_and_leaves_nothing() {
    static FAULTS_HERE: [Fault; 24] = FAULTS;
    static STATUSES_HERE: [Fault; 18] = STATUSES;
    let registry = shop();
    let all = FAULTS_HERE.iter().chain(&STATUSES_HERE).flat_map(|fault| PLACES.map(|place| (fault, place)));
    let (next, wrong) = (Mutex::new(all), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some((fault, place)) = next.lock().expect("no thread panics with it").next() else { return };
                    if let Err(error) = misbehave(&registry, fault, place) {
                        wrong.lock().expect("no thread panics with it").push(error);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no thread panics with it");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// A server whose connections are reset: what's closed while there's something in it that nobody read.
#[test]
fn a_connection_that_is_reset_is_tried_again_and_no_more_than_it_may() {
    let registry = shop();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let port = listener.local_addr().expect("it's bound").port();
    let resets = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counting = Arc::clone(&resets);
    let folder = registry.folder().to_owned();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            counting.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1]);
            let good = std::fs::read(folder.join("index/sm/al/small")).expect("it was published");
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", good.len());
            let _ = stream.write_all(&good[..good.len() / 2]);
        }
    });
    let machine = machine(&format!("http://127.0.0.1:{port}/"), "");
    configure(&machine, "[network]\nretries = 2\nidle-timeout = \"1s\"\n");
    let begun = Instant::now();
    let run = machine.mfp(["add", "small"]);
    assert!(run.code == 6 && BROKEN.contains(&(6, run.error_code())), "{}", run.all());
    assert!(begun.elapsed() < DEADLINE);
    assert_eq!(resets.load(Ordering::SeqCst), 3, "once, and twice again");
    nothing_kept(&machine);
}
