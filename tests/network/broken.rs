//! Broken off, swapped, cut, without an end, or not what it was said to be: what's kept of that is nothing.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{IMPATIENT, chain, configure, machine, nothing_kept};
use crate::support::env::tree;
use crate::support::server::{break_off, etag, respond, without_end};
use crate::support::{Machine, Plugin, Registry, Server};

/// Bytes that no compressor makes smaller, the same on every machine.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new_derive_key("mfp tests noise").finalize_xof().fill(&mut bytes);
    bytes
}

/// A registry with one plugin `big`, whose archive is about this large.
fn big(length: usize) -> Registry {
    Registry::with([Plugin::new("big", "1.0.0").with(|plugin| plugin.more_files.push(("data/noise.bin".to_owned(), noise(length))))])
}

#[test]
fn a_download_that_breaks_goes_on_where_it_stopped() {
    for length in [50_000, 1_500_000] {
        let registry = big(length);
        let server = Server::faulty(registry.folder(), |_, _| false);
        let file = "dl/big/1.0.0/big-1.0.0.tar.gz";
        let bytes = std::fs::read(registry.folder().join(file)).expect("it was published");
        drop(server);
        let half = bytes.len() / 2;
        let whole = bytes.clone();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            request.path.starts_with("/dl/")
                && request.times == 0
                && break_off(stream, &format!("etag: {}\r\n", etag(&whole)), whole.len(), &whole[..half])
        });
        let machine = machine(&server.url(), "[plugins]\nbig = \"^1\"\n");
        machine.ok(["sync"]);
        let asked: Vec<_> = server.requests().into_iter().filter(|request| request.path.starts_with("/dl/")).collect();
        assert_eq!(asked.len(), 2);
        let range = asked[1].header("range").expect("only the rest is asked for");
        assert!(range.starts_with("bytes=") && range != "bytes=0-", "{range}");
        assert_eq!(asked[1].header("if-range"), Some(etag(&bytes).as_str()));
        assert_eq!(tree(&machine.project(".mockforge/plugins/big"))["data/noise.bin"], noise(length));
        machine.ok(["cache", "verify"]);
    }
}

/// A bare module with a custom section full of one letter: cut and joined with another one it's still a module.
fn module_of(letter: u8) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0\0".to_vec();
    let (name, filling) = (b"\x01x", vec![letter; 400_000]);
    let mut size = name.len() + filling.len();
    while size >= 0x80 {
        module.push(u8::try_from(size & 0x7f).expect("seven bits") | 0x80);
        size >>= 7;
    }
    module.push(u8::try_from(size).expect("less than eight bits"));
    module.extend_from_slice(name);
    module.extend(filling);
    module
}

/// How a server answers the second request for a file, of which this is new and the first half is known.
type Second = fn(&[u8], usize, &mut TcpStream) -> bool;

#[test]
fn two_halves_of_two_files_never_make_one() {
    let (old, new) = (module_of(b'a'), module_of(b'b'));
    let half = old.len() / 2;
    let seconds: [(&str, Second); 4] = [
        ("the whole new file", |new, _, stream| respond(stream, "200 OK", &format!("etag: {}\r\n", etag(new)), new)),
        ("the whole new file without an ETag", |new, _, stream| respond(stream, "200 OK", "", new)),
        ("the rest of the new file, said to be that", |new, half, stream| {
            let range = format!("etag: {}\r\ncontent-range: bytes {half}-{}/{}\r\n", etag(new), new.len() - 1, new.len());
            respond(stream, "206 Partial Content", &range, &new[half..])
        }),
        ("the whole new file, said to be a part", |new, half, stream| {
            respond(stream, "206 Partial Content", &format!("etag: {}\r\ncontent-range: bytes 0-{half}/{}\r\n", etag(new), new.len()), new)
        }),
    ];
    for first_etag in [true, false] {
        for (what, second) in seconds {
            let registry = Registry::new();
            let (first, later) = (old.clone(), new.clone());
            let headers = if first_etag { format!("etag: {}\r\n", etag(&old)) } else { String::new() };
            let server = Server::faulty(registry.folder(), move |request, stream| {
                if request.times == 0 { break_off(stream, &headers, first.len(), &first[..half]) } else { second(&later, half, stream) }
            });
            let machine = Machine::new();
            machine.write(
                "mockforge-plugins.toml",
                format!("[plugins]\nx = {{ url = \"{}x.wasm\", types = [\"template\"] }}\n", server.url()),
            );
            let run = machine.mfp(["sync"]);
            if run.code == 0 {
                let installed = tree(&machine.project(".mockforge/plugins/x")).remove("plugin.wasm").expect("it's laid out");
                assert!(installed == old || installed == new, "{what}: two halves were joined: {}", run.all());
            } else {
                assert!(matches!(run.code, 4 | 6) && run.error_code() != "none", "{what}: {}", run.all());
                nothing_kept(&machine);
            }
        }
    }
}

/// How a server answers a request for this archive.
type Answer = fn(&[u8], &mut TcpStream) -> bool;

#[test]
fn a_length_that_lies_is_found_out() {
    let registry = chain();
    let archive = std::fs::read(registry.folder().join("dl/auth-jwt/1.4.2/auth-jwt-1.4.2.tar.gz")).expect("it was published");
    let lies: [(&str, i32, &[&str], Answer); 5] = [
        ("says more than was promised", 4, &["mfp::integrity::size"], |archive, stream| break_off(stream, "", archive.len() + 10, archive)),
        ("says and sends less than was promised", 4, &["mfp::integrity::size"], |archive, stream| {
            respond(stream, "200 OK", "", &archive[..archive.len() - 10])
        }),
        ("says the truth and sends less", 6, &["mfp::network::broken"], |archive, stream| {
            break_off(stream, "", archive.len(), &archive[..archive.len() / 2])
        }),
        ("says nothing and sends less", 4, &["mfp::integrity::size", "mfp::integrity::sha256"], |archive, stream| {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(&archive[..archive.len() / 2]);
            true
        }),
        ("says nothing and never stops", 4, &["mfp::integrity::size", "mfp::network::too-large"], |_, stream| {
            without_end(stream, &[7; 4096])
        }),
    ];
    for (what, code, errors, lie) in lies {
        let bytes = archive.clone();
        let server = Server::faulty(registry.folder(), move |request, stream| request.path.starts_with("/dl/") && lie(&bytes, stream));
        let machine = machine(&server.url(), "");
        configure(&machine, IMPATIENT);
        let before = machine.files();
        let run = machine.mfp(["add", "auth-jwt"]);
        assert_eq!(run.code, code, "{what}: {}", run.all());
        assert!(errors.contains(&run.error_code()), "{what}: {}", run.all());
        assert_eq!(machine.files(), before);
        nothing_kept(&machine);
    }
}

#[test]
fn what_never_ends_is_cut_off() {
    let registry = Registry::new();
    let server = Server::faulty(registry.folder(), |request, stream| {
        let piece = vec![b' '; 64 << 10];
        request.path != "/config.json" && without_end(stream, &piece)
    });
    let index = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
    configure(&index, IMPATIENT);
    index.mfp(["lock"]).fails(4, "mfp::network::too-large");
    nothing_kept(&index);
    for suffix in ["tar.gz", "zip", "wasm", "tar.zst"] {
        let machine = Machine::new();
        configure(&machine, IMPATIENT);
        machine.write("mockforge-plugins.toml", format!("[plugins]\nx = {{ url = \"{}x.{suffix}\" }}\n", server.url()));
        let begun = Instant::now();
        let run = machine.mfp(["sync"]);
        assert_eq!(run.code, 4, "{suffix}: {}", run.all());
        assert!(begun.elapsed() < Duration::from_secs(50), "{suffix}: {:?}", begun.elapsed());
        nothing_kept(&machine);
    }
}

#[test]
fn a_login_page_is_neither_an_index_nor_a_configuration() {
    let page = "<!doctype html><html><body>\x1b[31mplease log in</body></html>";
    for (path, error) in [("/index", "mfp::registry::malformed"), ("/dl/", "mfp::integrity::size")] {
        let registry = chain();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            request.path.starts_with(path) && respond(stream, "200 OK", "content-type: text/html\r\n", page)
        });
        let machine = machine(&server.url(), "");
        let run = machine.mfp(["add", "auth-jwt"]);
        run.fails(4, error);
        assert!(!run.all().contains('\x1b') && !run.all().contains("please log in"), "{}", run.all());
        nothing_kept(&machine);
    }
    let registry = chain();
    let server =
        Server::faulty(registry.folder(), move |request, stream| request.path == "/config.json" && respond(stream, "200 OK", "", page));
    let machine = machine(&server.url(), "");
    let run = machine.mfp(["add", "auth-jwt"]);
    assert_ne!(run.code, 0, "{}", run.all());
    assert!(run.error_code().starts_with("mfp::registry::"), "{}", run.all());
    nothing_kept(&machine);
}
