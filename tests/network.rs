//! A registry over HTTP, and everything that a network can do to it: it's asked as little as possible, it's believed only
//! as far as it can be checked, it's waited for within bounds, and it never gets what isn't its own.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::Digest as _;

use crate::support::env::tree;
use crate::support::server::respond;
use crate::support::{Machine, Plugin, Registry, Server};

mod broken;
mod credentials;
pub(crate) mod faults;

/// A machine whose project takes its plugins from the registry at this URL.
pub(crate) fn machine(url: &str, plugins: &str) -> Machine {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{url}\"\n\n{plugins}"));
    machine
}

/// Give the machine's user a configuration.
pub(crate) fn configure(machine: &Machine, text: &str) {
    let file = machine.path("home/.config/mfp/config.toml");
    std::fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder can be made");
    std::fs::write(file, text).expect("a file can be written");
}

/// The user doesn't want to wait: one try, and a second without a byte is too long.
const IMPATIENT: &str = "[network]\nretries = 0\nidle-timeout = \"1s\"\n";

/// `app` needs `lib`, which needs `base`.
fn chain() -> Registry {
    Registry::with([
        Plugin::new("app", "1.0.0").needs("lib", "^1"),
        Plugin::new("lib", "1.2.0").needs("base", "^1"),
        Plugin::new("base", "1.0.0"),
        Plugin::new("auth-jwt", "1.4.2"),
    ])
}

/// Nothing of a failed command is left: no lock, no plugin, no object, no staging.
#[track_caller]
pub(crate) fn nothing_kept(machine: &Machine) {
    assert!(!machine.has("plugins.lock"), "there's a lock");
    assert!(!machine.has(".mockforge/plugins"), "there's a plugin folder");
    for part in ["store/v1/content", "store/v1/staging"] {
        let folder = machine.path(part);
        if folder.exists() {
            assert_eq!(tree(&folder).into_keys().collect::<Vec<_>>(), Vec::<String>::new(), "{part}");
        }
    }
}

/// A port on which nobody listens.
fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    format!("http://{}/", listener.local_addr().expect("it's bound"))
}

// --- asked as little as possible ---

#[test]
fn a_cold_lock_asks_for_each_name_once_and_a_warm_one_for_nothing() {
    let registry = chain();
    let server = Server::over(registry.folder());
    let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
    machine.ok(["lock"]);
    let paths: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    for name in ["app", "lib"] {
        assert_eq!(paths.iter().filter(|path| path.ends_with(&format!("/{name}"))).count(), 1, "{paths:?}");
    }
    assert!(paths.len() <= 4, "{paths:?}");
    assert_eq!(server.count("auth-jwt"), 0, "{paths:?}");

    let lock = machine.read("plugins.lock");
    std::fs::remove_file(machine.project("plugins.lock")).expect("it's there");
    machine.ok(["lock"]);
    assert_eq!(server.requests().len(), paths.len(), "the cache was fresh");
    assert_eq!(machine.read("plugins.lock"), lock);
    machine.ok(["lock"]);
    machine.ok(["lock", "--check"]);
    assert_eq!(server.requests().len(), paths.len(), "the lock was fresh");
}

#[test]
fn after_max_age_the_cache_is_asked_about_and_not_fetched_again() {
    let registry = chain();
    let server = Server::start(registry.folder(), 0, None);
    let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
    machine.ok(["lock"]);
    let (lock, asked) = (machine.read("plugins.lock"), server.requests().len());
    std::fs::remove_file(machine.project("plugins.lock")).expect("it's there");
    machine.ok(["lock"]);
    let again = server.requests().split_off(asked);
    assert!(!again.is_empty());
    for request in &again {
        assert!(request.header("if-none-match").is_some(), "{request:?}");
    }
    assert_eq!(machine.read("plugins.lock"), lock);

    registry.publish(&Plugin::new("base", "1.1.0"));
    machine.ok(["update"]);
    assert!(machine.read("plugins.lock").contains("version = \"1.1.0\""));
}

/// Put all index lines into one file, as `config.json` may offer it.
fn offer_bulk(registry: &Registry, change: impl FnOnce(&mut serde_json::Value, &mut Vec<u8>)) {
    let mut lines = Vec::new();
    for (path, bytes) in tree(registry.folder()) {
        if path.starts_with("index/") {
            lines.extend(bytes);
        }
    }
    let mut packed = zstd::encode_all(lines.as_slice(), 3).expect("memory takes bytes");
    let sha256 = sha256(&packed);
    let mut bulk = serde_json::json!({ "url": format!("bulk/{sha256}.ndjson.zst"), "size": packed.len(), "unpacked": lines.len(), "sha256": sha256, "generated": jiff_now() });
    change(&mut bulk, &mut packed);
    let config = serde_json::json!({ "v": 1, "name": "test", "dl": "dl/{name}/{version}/{file}", "search": "search.json", "bulk": bulk });
    registry.put("config.json", config.to_string().as_bytes());
    registry.put(&format!("bulk/{sha256}.ndjson.zst"), &packed);
}

/// SHA-256 in hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Any time that isn't in the future of the machine that tests.
fn jiff_now() -> String {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it's after 1970").as_secs();
    let days = seconds / 86_400;
    // Civil date from days, for years after 1970 (Howard Hinnant's algorithm).
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + u64::from(month <= 2);
    let rest = seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[test]
fn a_bulk_index_gives_the_same_lock_in_fewer_requests() {
    let registry = chain();
    let server = Server::over(registry.folder());
    let lock_with_a_cold_cache = || {
        let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
        let before = server.requests().len();
        machine.ok(["lock"]);
        (machine.read("plugins.lock"), server.requests().split_off(before).into_iter().map(|request| request.path).collect::<Vec<_>>())
    };
    let (plain, one_by_one) = lock_with_a_cold_cache();
    offer_bulk(&registry, |_, _| ());
    let (bulk, at_once) = lock_with_a_cold_cache();
    assert_eq!(plain, bulk);
    assert!(at_once.len() < one_by_one.len() && !at_once.iter().any(|path| path.starts_with("/index")), "{at_once:?}");
}

type Lie = fn(&mut serde_json::Value, &mut Vec<u8>);

#[test]
fn a_bulk_index_that_isnt_what_was_promised_is_left_aside() {
    let lies: [(&str, Lie); 6] = [
        ("another digest", |bulk, _| bulk["sha256"] = "00".repeat(32).into()),
        ("more bytes than promised", |bulk, _| bulk["size"] = 10.into()),
        ("cut", |_, packed| packed.truncate(packed.len() / 2)),
        ("unpacks to more than promised", |bulk, _| bulk["unpacked"] = 10.into()),
        ("not there", |bulk, _| bulk["url"] = "bulk/nowhere".into()),
        ("other lines under a true digest of none", |bulk, packed| {
            *packed = zstd::encode_all(&b"rubbish\n{\"name\":\"../x\"}\n"[..], 3).expect("memory takes bytes");
            bulk["size"] = packed.len().into();
            bulk["sha256"] = sha256(packed).into();
        }),
    ];
    for (what, lie) in lies {
        let registry = chain();
        let server = Server::over(registry.folder());
        let honest = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
        honest.ok(["lock"]);
        offer_bulk(&registry, lie);
        let lied_to = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
        let run = lied_to.mfp(["lock"]);
        assert_eq!(run.code, 0, "{what}: {}", run.all());
        assert_eq!(honest.read("plugins.lock"), lied_to.read("plugins.lock"), "{what}");
    }
}

#[test]
fn a_mirror_is_transport_and_never_in_the_lock() {
    let registry = chain();
    let (one, two) = (Server::over(registry.folder()), Server::over(registry.folder()));
    let lock_through = |server: &Server| {
        let machine = machine("https://plugins.acme.example/", "[plugins]\napp = \"^1\"\n");
        configure(&machine, &format!("[mirrors]\n\"https://plugins.acme.example/\" = \"{}\"\n", server.url()));
        machine.ok(["sync"]);
        assert!(machine.has(".mockforge/plugins/app/plugin.wasm"));
        machine.read("plugins.lock")
    };
    let lock = lock_through(&one);
    assert_eq!(lock, lock_through(&two));
    assert!(lock.contains("https://plugins.acme.example/") && !lock.contains("127.0.0.1"), "{lock}");
}

// --- what an answer means ---

#[test]
fn a_name_that_isnt_there_is_told_with_the_nearest() {
    for status in ["404 Not Found", "410 Gone", "451 Unavailable For Legal Reasons"] {
        let registry = chain();
        let server =
            Server::faulty(registry.folder(), move |request, stream| request.path.contains("auth-jtw") && respond(stream, status, "", ""));
        let machine = machine(&server.url(), "[plugins]\nauth-jtw = \"^1\"\n");
        let run = machine.mfp(["lock"]);
        run.fails(1, "mfp::resolve::not-found");
        assert!(run.stderr.contains("lugin 'auth-jtw' not found in registry 'default'. Did you mean auth-jwt?"), "{}", run.stderr);
        assert_eq!(server.count("auth-jtw"), 1, "{status} isn't tried again");
        nothing_kept(&machine);
    }
}

#[test]
fn a_status_that_the_project_calls_missing_means_missing() {
    let registry = chain();
    let server = Server::faulty(registry.folder(), |request, stream| {
        request.path.contains("nothing-here") && respond(stream, "403 Forbidden", "", "")
    });
    let manifest = |table: &str| format!("[registries]\ndefault = {table}\n[plugins]\nnothing-here = \"^1\"\n");
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", manifest(&format!("{{ url = \"{}\", missing-status = [403] }}", server.url())));
    machine.mfp(["lock"]).fails(1, "mfp::resolve::not-found");
    machine.write("mockforge-plugins.toml", manifest(&format!("\"{}\"", server.url())));
    machine.mfp(["lock"]).fails(6, "mfp::network::credentials");
}

#[test]
fn a_server_that_wants_credentials_is_said_to_want_them() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let registry = chain();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            request.path.contains("index") && respond(stream, status, "", "secret words of the server")
        });
        let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
        let run = machine.mfp(["lock"]);
        run.fails(6, "mfp::network::credentials");
        assert!(
            run.stderr.contains("mfp login ") && run.stderr.contains("MFP_CREDENTIALS") && run.stderr.contains(&server.origin()),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("secret words"), "no body is printed: {}", run.stderr);
        assert_eq!(server.count("/app"), 1, "not tried again");
        nothing_kept(&machine);
    }
}

#[test]
fn a_server_with_a_problem_is_asked_four_times_and_no_more() {
    let registry = chain();
    let server = Server::faulty(registry.folder(), |request, stream| {
        request.path.ends_with("/app") && respond(stream, "503 Service Unavailable", "", "<b>sorry</b>")
    });
    let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
    let run = machine.mfp(["lock"]);
    run.fails(6, "mfp::network::status");
    assert!(run.stderr.contains("503") && !run.stderr.contains("sorry"), "{}", run.stderr);
    assert_eq!(server.count("/app"), 4);
    nothing_kept(&machine);
}

#[test]
fn a_problem_that_passes_is_no_problem() {
    let registry = chain();
    let server = Server::faulty(registry.folder(), |request, stream| request.times == 0 && respond(stream, "502 Bad Gateway", "", ""));
    let machine = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
    machine.ok(["sync"]);
    assert!(machine.has(".mockforge/plugins/auth-jwt/plugin.wasm"));
}

#[test]
fn too_many_requests_waits_for_as_long_as_the_server_says() {
    let registry = chain();
    let server = Server::faulty(registry.folder(), |request, stream| {
        request.path.contains("index") && request.times == 0 && respond(stream, "429 Too Many Requests", "retry-after: 2\r\n", "")
    });
    let machine = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
    let begun = Instant::now();
    machine.ok(["lock"]);
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
}

#[test]
fn a_failing_artifact_fails_the_command_and_changes_nothing() {
    for (status, code, error, times) in [
        ("404 Not Found", 6, "mfp::network::status", 1),
        ("403 Forbidden", 6, "mfp::network::credentials", 1),
        ("500 Oops", 6, "mfp::network::status", 2),
    ] {
        let registry = chain();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            request.path.starts_with("/dl/") && respond(stream, status, "", "<html>")
        });
        let machine = machine(&server.url(), "");
        configure(&machine, "[network]\nretries = 1\n");
        let before = machine.files();
        let run = machine.mfp(["add", "auth-jwt"]);
        assert_eq!(run.code, code, "{status}: {}", run.all());
        assert_eq!(run.error_code(), error, "{status}: {}", run.all());
        assert_eq!(server.count("/dl/"), times, "{status}");
        assert_eq!(machine.files(), before);
        nothing_kept(&machine);
    }
}

// --- waited for within bounds ---

#[test]
fn a_dead_registry_is_given_up_quickly_and_isnt_needed_for_what_is_locked() {
    let machine = machine(&dead_url(), "[plugins]\nauth-jwt = \"^1\"\n");
    let begun = Instant::now();
    let run = machine.mfp(["lock"]);
    run.fails(6, "mfp::network::connect");
    assert!(run.stderr.contains("--offline"), "{}", run.stderr);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    nothing_kept(&machine);

    let registry = chain();
    let server = Server::over(registry.folder());
    let machine = self::machine(&server.url(), "[plugins]\napp = \"^1\"\n");
    machine.ok(["sync"]);
    let laid_out = tree(&machine.project(".mockforge/plugins/app"));
    drop(server);
    std::fs::remove_dir_all(machine.project(".mockforge")).expect("it's there");
    let begun = Instant::now();
    machine.ok(["sync"]);
    machine.ok(["sync", "--locked"]);
    machine.ok(["verify"]);
    machine.ok(["run", "app", "say", "[1]"]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(tree(&machine.project(".mockforge/plugins/app")), laid_out);
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    for part in ["index", "dl"] {
        let registry = chain();
        let server = Server::faulty(registry.folder(), move |request, _| {
            if request.path.contains(part) {
                std::thread::sleep(Duration::from_secs(10));
            }
            request.path.contains(part)
        });
        let machine = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
        configure(&machine, IMPATIENT);
        let begun = Instant::now();
        machine.mfp(["sync"]).fails(6, "mfp::network::timeout");
        assert!(begun.elapsed() < Duration::from_secs(9), "{part}: {:?}", begun.elapsed());
        assert!(!machine.has(".mockforge/plugins/auth-jwt"));
    }
}

#[test]
fn a_server_that_drips_is_given_up_too() {
    for part in ["index", "dl"] {
        let registry = chain();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            if !request.path.contains(part) {
                return false;
            }
            let _ = write!(stream, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            for _ in 0..60 {
                if stream.write_all(b"1\r\n{\r\n").is_err() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            true
        });
        let machine = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
        configure(&machine, "[network]\nretries = 0\nidle-timeout = \"5s\"\nartifact-timeout = \"1s\"\n");
        let begun = Instant::now();
        machine.mfp(["sync"]).fails(6, "mfp::network::timeout");
        assert!(begun.elapsed() < Duration::from_secs(10), "{part}: {:?}", begun.elapsed());
    }
}

// --- redirects ---

/// A server that sends `/hop/N/…` on to `/hop/N-1/…`, and `/hop/0/…` to the thing itself.
fn hopping(registry: &Registry) -> Server {
    Server::faulty(registry.folder(), |request, stream| {
        let Some(rest) = request.path.strip_prefix("/hop/") else { return false };
        let (left, path) = rest.split_once('/').expect("a number and a path");
        let target = match left.parse::<u32>().expect("a number") {
            0 => format!("/{path}"),
            left => format!("/hop/{}/{path}", left - 1),
        };
        respond(stream, "302 Found", &format!("location: {target}\r\n"), "")
    })
}

#[test]
fn five_redirects_are_followed_and_six_arent() {
    let registry = chain();
    let server = hopping(&registry);
    let archive = "dl/auth-jwt/1.4.2/auth-jwt-1.4.2.tar.gz";
    for (hops, follows) in [(4, true), (5, false)] {
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", "[plugins]\n");
        let run = machine.mfp(["add", &format!("{}hop/{hops}/{archive}", server.url())]);
        if follows {
            assert_eq!(run.code, 0, "{}", run.all());
        } else {
            run.fails(6, "mfp::network::redirect");
            nothing_kept(&machine);
        }
    }
}

#[test]
fn redirects_to_elsewhere_are_refused_at_once() {
    let elsewhere = [
        "/loop",
        "https://127.0.0.1:1/x.tar.gz",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x.tar.gz",
        "data:,x",
        "http://user:word@127.0.0.1:1/x.tar.gz",
        "http://[",
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/latest/meta-data/",
        "http://0xa9fea9fe/x",
        "http://[::ffff:169.254.169.254]/x",
        "http://[fe80::1]/x",
        "http://[2002:a9fe:a9fe::1]/x",
        "http://[64:ff9b::a9fe:a9fe]/x",
        "http://[fd00:ec2::254]/x",
    ];
    for target in elsewhere {
        let registry = chain();
        let server = Server::faulty(registry.folder(), move |request, stream| {
            (request.path.starts_with("/index") || request.path == "/loop")
                && respond(stream, "301 Moved Permanently", &format!("location: {target}\r\n"), "")
        });
        let machine = machine(&server.url(), "[plugins]\nauth-jwt = \"^1\"\n");
        configure(&machine, "[network]\nconnect-timeout = \"1s\"\n");
        let begun = Instant::now();
        let run = machine.mfp(["lock"]);
        assert_eq!((run.code, run.error_code()), (6, "mfp::network::redirect"), "{target}: {}", run.all());
        assert!(!run.all().contains("word"), "{}", run.all());
        assert!(begun.elapsed() < Duration::from_secs(5), "{target}: {:?}", begun.elapsed());
        nothing_kept(&machine);
    }
}

// --- proxies, and no network at all ---

/// A proxy that answers from a folder for whatever host it's asked.
fn proxy(folder: &Path) -> Server {
    let from = folder.to_owned();
    Server::faulty(folder, move |request, stream| {
        let Some(path) = request.path.strip_prefix("http://plugins.invalid/") else { return respond(stream, "502 Bad Gateway", "", "") };
        match std::fs::read(from.join(path)) {
            Ok(bytes) => respond(stream, "200 OK", "cache-control: max-age=60\r\n", bytes),
            Err(_) => respond(stream, "404 Not Found", "", ""),
        }
    })
}

#[test]
fn a_proxy_is_used_where_one_is_named() {
    let registry = chain();
    let manifest = "[registries]\ndefault = { url = \"http://plugins.invalid/\", allow-http = true }\n[plugins]\napp = \"^1\"\n";
    let locked = ["http_proxy", "ALL_PROXY", "all_proxy", "config"].map(|variable| {
        let proxy = proxy(registry.folder());
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", manifest);
        if variable == "config" {
            configure(&machine, &format!("[network]\nproxy = \"{}\"\n", proxy.url()));
        }
        let run = machine.run(machine.command().arg("sync").env(variable, proxy.url()));
        assert_eq!(run.code, 0, "{variable}: {}", run.all());
        assert!(proxy.count("http://plugins.invalid/index") > 0);
        machine.read("plugins.lock")
    });
    assert!(locked.iter().all(|lock| *lock == locked[0] && !lock.contains("127.0.0.1")));
}

#[test]
fn no_proxy_is_listened_to() {
    let registry = chain();
    let (proxy, server) = (proxy(registry.folder()), Server::over(registry.folder()));
    let machine = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
    let run = machine.run(machine.command().arg("sync").env("http_proxy", proxy.url()).env("NO_PROXY", "127.0.0.1"));
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn offline_opens_no_socket() {
    let registry = chain();
    let server = Server::over(registry.folder());
    let fresh = machine(&server.url(), "[plugins]\napp = \"^1\"\n");
    fresh.mfp(["--offline", "lock"]).fails(6, "mfp::network::offline");
    fresh.mfp(["--offline", "sync"]).fails(6, "mfp::network::offline");
    for arguments in [
        &["--offline", "search", "app"][..],
        &["--offline", "info", "app"],
        &["--offline", "add", "lib"],
        &["--offline", "add", &format!("{}x.tar.gz", server.url())],
        &["--offline", "update"],
        &["--offline", "outdated"],
        &["--offline", "doctor"],
    ] {
        let run = fresh.mfp(arguments.iter().copied());
        assert_ne!(run.code, 101, "{}", run.all());
    }
    assert_eq!(server.connections(), 0);
    nothing_kept(&fresh);

    fresh.ok(["sync"]);
    let before = server.connections();
    std::fs::remove_dir_all(fresh.project(".mockforge")).expect("it's there");
    fresh.ok(["--offline", "sync"]);
    fresh.ok(["--offline", "verify"]);
    fresh.ok(["--offline", "run", "app", "say", "[1]"]);
    std::fs::remove_file(fresh.project("plugins.lock")).expect("it's there");
    fresh.ok(["--offline", "lock"]);
    let run = fresh.run(fresh.command().arg("lock").env("MFP_OFFLINE", "1"));
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(server.connections(), before, "what's cached and stored is enough");
}

#[test]
fn plain_http_to_another_machine_is_refused_before_it_is_asked() {
    let registry = chain();
    let proxy = proxy(registry.folder());
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[plugins]\n");
    let before = machine.files();
    let url = "http://plugins.invalid/dl/auth-jwt/1.4.2/auth-jwt-1.4.2.tar.gz";
    for arguments in [&["add", url][..], &["add", "x", "--url", url], &["add", url, "--approve"]] {
        let run = machine.run(machine.command().args(arguments).env("http_proxy", proxy.url()));
        assert_eq!(run.code, 2, "{arguments:?}: {}", run.all());
        assert_eq!(proxy.connections(), 0, "{arguments:?}: it was asked: {}", run.all());
        assert_eq!(machine.files(), before);
    }
    nothing_kept(&machine);
}

#[test]
fn a_metadata_address_isnt_asked_even_if_the_project_says_so() {
    for place in ["http://169.254.169.254/", "http://2852039166/", "http://[fe80::1]/", "http://[::ffff:a9fe:a9fe]/"] {
        let machine = Machine::new();
        configure(&machine, "[network]\nconnect-timeout = \"1s\"\nretries = 0\n");
        machine.write(
            "mockforge-plugins.toml",
            format!("[registries]\ndefault = {{ url = \"{place}\", allow-http = true }}\n[plugins]\nauth-jwt = \"^1\"\n"),
        );
        let begun = Instant::now();
        let run = machine.mfp(["lock"]);
        run.fails(6, "mfp::network::connect");
        assert!(run.stderr.contains("metadata"), "{}", run.stderr);
        assert!(begun.elapsed() < Duration::from_secs(5), "{place}: {:?}", begun.elapsed());
    }
}
