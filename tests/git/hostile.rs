//! A server that lies, sends rubbish or never ends, and addresses that aren't: an error with a code, in time, and nothing changed.

use super::*;

fn patient(machine: &Machine, lines: &str) {
    std::fs::create_dir_all(machine.path("home/.config/mfp")).unwrap();
    std::fs::write(machine.path("home/.config/mfp/config.toml"), format!("[network]\nretries = 0\n{lines}")).unwrap();
}

fn untouched(machine: &Machine) {
    assert!(!machine.has("plugins.lock") && !machine.has(".mockforge/plugins/x"));
    for (name, _) in crate::support::env::tree(&machine.path("project")) {
        assert!(name == "mockforge-plugins.toml" || name.starts_with(".mockforge/mfp.lock"), "{name}");
    }
}

#[test]
fn what_isnt_gits_protocol_is_told_from_it() {
    needs!("git");
    let registry = Registry::shop();
    let server = crate::support::Server::over(registry.folder());
    registry.put("x/info/refs", b"<html>hello\x1b[31m</html>");
    let machine = project(&format!("x = {{ git = \"{}x\" }}", server.url()));
    let run = mfp(&machine, ["lock"]);
    run.fails(6, "mfp::git::protocol");
    assert!(!run.all().contains("hello"), "no server's body is printed: {}", run.all());
    untouched(&machine);
    let machine = project(&format!("x = {{ git = \"{}nothing\" }}", server.url()));
    mfp(&machine, ["lock"]).fails(1, "mfp::git::no-repository");
    untouched(&machine);
}

/// A pack section with these bytes in it.
fn section(pack: &[u8]) -> Vec<u8> {
    let mut out = b"000dpackfile\n".to_vec();
    for chunk in pack.chunks(60_000) {
        out.extend(format!("{:04x}\x01", chunk.len() + 5).into_bytes());
        out.extend(chunk);
    }
    out.extend(b"0000");
    out
}

#[test]
fn a_pack_that_is_rubbish_short_or_a_bomb_is_refused_with_memory_bounded() {
    needs!("git");
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    let bomb = bomb();
    let cases: [(&str, Vec<u8>); 8] = [
        ("rubbish", section(b"not a pack at all, but long enough to be looked at for a while")),
        ("no section", b"0000".to_vec()),
        ("nothing", Vec::new()),
        ("cut", section(b"PACK\0\0\0\x02\0\0\0\x01\x30")),
        ("empty", section(&empty_pack())),
        ("an error of the server", b"0016ERR \x1b[31mgo away\n".to_vec()),
        ("a bomb", section(&bomb)),
        ("a delta that makes much of little", section(&delta_bomb())),
    ];
    for (what, answer) in cases {
        let server = GitServer::with(repo.parent(), Manner { pack: Some(answer), ..Manner::default() });
        let machine = project(&format!("x = {{ git = \"{}\" }}", server.url("x")));
        patient(&machine, "");
        let mut limited = Command::new("sh");
        // An allocation of the size that the bomb's header names would be refused by this, and the process would abort.
        let script = "echo $$ > \"$1\"; shift; ulimit -v 4000000; exec \"$@\"";
        let pid_file = machine.path("pid");
        limited.args(["-c", script, "sh"]).arg(&pid_file).args([env!("CARGO_BIN_EXE_mfp"), "lock"]);
        limited
            .env_clear()
            .envs(command(&machine).get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(machine.path("project"));
        let (run, most) = with_most_memory(&pid_file, || machine.run(&mut limited));
        assert!(matches!(run.code, 1 | 4 | 6) && run.error_code().starts_with("mfp::git::"), "{what}: {}", run.all());
        assert!(!run.all().contains("go away"), "{what}: {}", run.all());
        // What the machine gives before it refuses is too much already.
        assert!(most < 500 << 10, "{what}: it took {most} KiB");
        untouched(&machine);
    }
}

/// Do this, and say how much memory the process whose id is in the file had at most meanwhile, in KiB. Looks again and again: what
/// is written to for long enough to matter is seen. Zero where the system doesn't tell.
fn with_most_memory<T>(pid_file: &std::path::Path, work: impl FnOnce() -> T) -> (T, u64) {
    use std::sync::atomic::{AtomicBool, Ordering};
    let ended = AtomicBool::new(false);
    let peak = || {
        let pid = std::fs::read_to_string(pid_file).ok()?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim())).ok()?;
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok())
    };
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut most = 0;
            while !ended.load(Ordering::SeqCst) {
                most = most.max(peak().unwrap_or(0));
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            most
        });
        let result = work();
        ended.store(true, Ordering::SeqCst);
        (result, watcher.join().unwrap())
    })
}

fn with_trailer(mut pack: Vec<u8>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pack"), &pack).unwrap();
    let sum = run(Command::new("sha1sum").arg(folder.path().join("pack")));
    pack.extend((0..40).step_by(2).map(|at| u8::from_str_radix(&sum[at..at + 2], 16).unwrap()));
    pack
}

fn empty_pack() -> Vec<u8> {
    with_trailer(b"PACK\0\0\0\x02\0\0\0\0".to_vec())
}

/// One blob whose header says that it has 64 GiB, and that's a few kilobytes.
fn bomb() -> Vec<u8> {
    use std::io::Write as _;
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x01".to_vec();
    let size: u64 = 64 << 30;
    let mut rest = size >> 4;
    pack.push(0x80 | 0x30 | u8::try_from(size & 15).unwrap());
    while rest > 0 {
        let more = if rest > 127 { 0x80 } else { 0 };
        pack.push(more | u8::try_from(rest & 127).unwrap());
        rest >>= 7;
    }
    let mut zeros = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zeros.write_all(&vec![0; 4 << 20]).unwrap();
    pack.extend(zeros.finish().unwrap());
    with_trailer(pack)
}

/// A blob of one byte, and a delta on it that says that it makes 1 GiB: so much that it may not be, so little that it could.
fn delta_bomb() -> Vec<u8> {
    use std::io::Write as _;
    let deflated = |bytes: &[u8]| {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let mut pack = b"PACK\0\0\0\x02\0\0\0\x02".to_vec();
    let blob_at = pack.len();
    pack.push(0x31);
    pack.extend(deflated(b"a"));
    let distance = u8::try_from(pack.len() - blob_at).unwrap();
    // From one byte to 2^30 of them, by copying the one.
    let delta = [1, 0x80, 0x80, 0x80, 0x80, 0x04, 0x90, 1];
    pack.extend([0x60 | u8::try_from(delta.len()).unwrap(), distance]);
    pack.extend(deflated(&delta));
    with_trailer(pack)
}

#[test]
fn a_server_that_goes_silent_is_given_up_in_time() {
    needs!("git");
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    for (after, limits) in [(0, "idle-timeout = \"1s\"\n"), (5, "idle-timeout = \"1s\"\n"), (5, "artifact-timeout = \"2s\"\n")] {
        let server = GitServer::with(repo.parent(), Manner { stall_after: Some(after), ..Manner::default() });
        let machine = project(&format!("x = {{ git = \"{}\" }}", server.url("x")));
        patient(&machine, limits);
        let begun = std::time::Instant::now();
        mfp(&machine, ["lock"]).fails(6, "mfp::network::timeout");
        assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
        untouched(&machine);
    }
}

#[test]
fn a_program_that_goes_silent_is_ended_in_time() {
    needs!("git", "sh");
    let machine = project("x = { git = \"ssh://git@host.example/x\" }");
    patient(&machine, "idle-timeout = \"1s\"\n");
    let begun = std::time::Instant::now();
    let mut lock = command(&machine);
    let canary = machine.path("ended");
    // `ssh` is replaced by something that says nothing and would go on for long.
    let silent = format!("sh -c 'sleep 30; touch {}'", canary.display());
    machine.run(lock.env("GIT_SSH_COMMAND", silent).arg("lock")).fails(6, "mfp::network::timeout");
    assert!(begun.elapsed() < std::time::Duration::from_secs(15), "{:?}", begun.elapsed());
    untouched(&machine);
    let mut lock = command(&machine);
    let said = machine.run(lock.env("GIT_SSH_COMMAND", "sh -c 'echo canary-stderr-22ab >&2; exit 1'").arg("lock"));
    said.fails(6, "mfp::network::broken");
    assert!(!said.all().contains("canary-stderr"), "{}", said.all());
}

#[test]
fn what_runs_programs_or_leaves_is_no_address() {
    for address in [
        "ext::sh -c touch% x",
        "--upload-pack=touch x",
        "git@-oProxyCommand=touch:x",
        "ssh://-oProxyCommand=touch/x",
        "ssh://git:secret@host/x",
        "https://user:secret@host/x",
        "http://elsewhere.example/x",
        "git://host/x",
        "https://host/x?y=z",
    ] {
        let machine = project(&format!("x = {{ git = \"{address}\" }}"));
        let run = mfp(&machine, ["lock"]);
        assert_eq!(run.code, 2, "{address}: {}", run.all());
        untouched(&machine);
        let machine = project("");
        let run = mfp(&machine, ["add", "--git", address]);
        assert_eq!(run.code, 2, "{address}: {}", run.all());
        assert!(!run.all().contains("secret"), "{}", run.all());
    }
    for reference in ["tag = \"--upload-pack=x\"", "branch = \"a..b\"", "rev = \"HEAD\"", "tag = \"v1\", branch = \"main\""] {
        let machine = project(&format!("x = {{ git = \"https://host.example/x\", {reference} }}"));
        assert_eq!(mfp(&machine, ["lock"]).code, 2, "{reference}");
    }
}

#[test]
fn a_damaged_cache_gives_an_error_and_never_other_bytes() {
    needs!("git");
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    let machine = project(&format!("x = {{ git = \"{}\" }}", repo.file_url()));
    ok(mfp(&machine, ["sync"]));
    std::fs::remove_dir_all(machine.path("store")).unwrap();
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    for (name, bytes) in crate::support::env::tree(&machine.path("cache/git")) {
        if name.ends_with(".pack") {
            let mut bytes = bytes;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            let path = machine.path("cache/git").join(name);
            std::fs::remove_file(&path).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }
    let run = mfp(&machine, ["sync"]);
    assert!(run.code != 0 || machine.read(".mockforge/plugins/x/plugin.yaml") == Plugin::new("x", "1.0.0").yaml(), "{}", run.all());
    ok(mfp(&machine, ["cache", "clean"]));
    ok(mfp(&machine, ["sync"]));
}

#[test]
fn an_object_under_anothers_name_is_never_taken() {
    needs!("git");
    let repo = Repo::of(&Plugin::new("x", "1.0.0"));
    let machine = project(&format!("x = {{ git = \"{}\" }}", repo.file_url()));
    ok(mfp(&machine, ["lock"]));
    // Git keeps objects one by one too; there each says what it is by its file's name alone.
    let mut folders = std::fs::read_dir(machine.path("cache/git/v1")).unwrap().map(|entry| entry.unwrap().path());
    let cached = folders.find(|path| path.is_dir()).unwrap();
    for entry in std::fs::read_dir(cached.join("objects/pack")).unwrap() {
        let (path, away) = (entry.unwrap().path(), machine.path("away"));
        std::fs::rename(&path, &away).unwrap();
        if path.extension().is_some_and(|extension| extension == "pack") {
            let pack = std::fs::File::open(&away).unwrap();
            assert!(git(&cached).args(["--git-dir", ".", "unpack-objects", "-q"]).stdin(pack).status().unwrap().success());
        }
    }
    let lock = machine.read("plugins.lock");
    let again = |machine: &Machine| {
        std::fs::remove_file(machine.project("plugins.lock")).unwrap();
        let _ = std::fs::remove_dir_all(machine.path("store"));
        mfp(machine, ["lock", "--offline"])
    };
    ok(again(&machine));
    assert_eq!(machine.read("plugins.lock"), lock);
    let place = |id: &str| cached.join("objects").join(&id[..2]).join(&id[2..]);
    let (readme, manifest) = (repo.git(["rev-parse", "HEAD:README.md"]), repo.git(["rev-parse", "HEAD:plugin.yaml"]));
    let other = std::fs::read(place(&manifest)).unwrap();
    std::fs::remove_file(place(&readme)).unwrap();
    std::fs::write(place(&readme), other).unwrap();
    again(&machine).fails(8, "mfp::git::cache");
    assert!(!machine.has("plugins.lock"));
}
