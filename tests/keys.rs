//! `mfp key`: a publisher's keys, and that the stock `minisign` and mfp read each other's files.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::canary::MARK;
use crate::support::git::has_programs;
use crate::support::{Machine, Plugin, Run, signing, terminal};

macro_rules! needs_minisign {
    () => {
        if !has_programs(&["minisign"]) {
            return;
        }
    };
}

/// A password that nobody may ever see: every machine's output and files are searched for what it begins with.
fn password() -> String {
    format!("{MARK}-key-password")
}

fn with_password<'a>(machine: &Machine, arguments: impl IntoIterator<Item = &'a str>) -> Run {
    machine.run(machine.command().env("MFP_KEY_PASSWORD", password()).args(arguments))
}

/// The stock program, with a password on its stdin if it wants one.
fn minisign(folder: &Path, arguments: &[&str], password: &str) -> (bool, String) {
    let mut child = Command::new("minisign")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("minisign can be started");
    let mut stdin = child.stdin.take().expect("it's piped");
    // It may want none, and be gone.
    let _ = stdin.write_all(format!("{password}\n{password}\n").as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    (output.status.success(), format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

#[track_caller]
fn minisign_ok(folder: &Path, arguments: &[&str], password: &str) {
    let (ok, said) = minisign(folder, arguments, password);
    assert!(ok, "minisign {arguments:?}: {said}");
}

fn mode(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(path).expect("it's there")) & 0o777
}

/// A key of the fixtures, in the project.
fn fixture_key(machine: &Machine, name: &str) -> String {
    signing::put(name, &machine.project(name));
    name.to_owned()
}

/// A machine with a plugin's folder in its project.
fn with_plugin() -> (Machine, Plugin) {
    let machine = Machine::new();
    let plugin = Plugin::new("greet", "1.2.0");
    plugin.write_to(&machine.project("greet"));
    (machine, plugin)
}

#[test]
fn a_key_pair_is_for_its_owner_and_is_never_overwritten() {
    let machine = Machine::new();
    let run = with_password(&machine, ["key", "new", "--output", "me.key"]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!((mode(&machine.project("me.key")), mode(&machine.project("me.key.pub"))), (0o600, 0o644));
    assert!(run.stdout.starts_with("minisign:RW") && run.stderr.contains("fingerprint "), "{}", run.all());
    assert_eq!(machine.ok(["key", "show", "me.key.pub"]).stdout, run.stdout);
    assert_eq!(with_password(&machine, ["key", "show", "me.key"]).stdout, run.stdout);
    machine.mfp(["key", "new", "--output", "me.key", "--no-password"]).fails(2, "mfp::key::exists");
    machine.write("other.key.pub", "x");
    machine.mfp(["key", "new", "--output", "other.key", "--no-password"]).fails(2, "mfp::key::exists");
    assert!(!machine.has("other.key"), "nothing is left of a pair that couldn't be made");
}

#[test]
fn a_password_comes_from_a_file_or_a_variable_and_must_be_the_right_one() {
    let (machine, _) = with_plugin();
    machine.mfp(["key", "new", "--output", "me.key"]).fails(2, "mfp::key::password");
    machine.write("empty", "\n");
    machine.mfp(["key", "new", "--output", "me.key", "--password-file", "empty"]).fails(2, "mfp::key::password");
    machine.write("word", "open sesame\nand more\n");
    machine.ok(["key", "new", "--output", "me.key", "--password-file", "word"]);
    machine.mfp(["key", "sign", "--key", "me.key", "greet"]).fails(2, "mfp::key::password");
    with_password(&machine, ["key", "sign", "--key", "me.key", "greet"]).fails(1, "mfp::key::wrong-password");
    assert!(!machine.has("greet/plugin.minisig"));
    machine.ok(["key", "sign", "--key", "me.key", "--password-file", "word", "greet"]);
    machine.ok(["key", "verify", "--key", "me.key.pub", "greet"]);
}

#[test]
fn a_secret_key_that_others_can_read_is_refused() {
    let (machine, _) = with_plugin();
    machine.ok(["key", "new", "--output", "me.key", "--no-password"]);
    for others in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(machine.project("me.key"), std::os::unix::fs::PermissionsExt::from_mode(others)).unwrap();
        machine.mfp(["key", "sign", "--key", "me.key", "greet"]).fails(2, "mfp::key::permissions");
        machine.mfp(["key", "show", "me.key"]).fails(2, "mfp::key::permissions");
    }
    assert!(!machine.has("greet/plugin.minisig"));
}

#[test]
fn what_a_key_file_isnt() {
    let (machine, _) = with_plugin();
    machine.ok(["key", "new", "--output", "me.key", "--no-password"]);
    machine.mfp(["key", "sign", "--key", "me.key.pub", "greet"]).fails(2, "mfp::usage::arguments");
    machine.mfp(["key", "verify", "--key", "me.key", "greet"]).fails(2, "mfp::usage::arguments");
    let secret = machine.read("me.key");
    let line = secret.lines().nth(1).unwrap();
    // Its public half isn't its own: a signature with it would give the key away.
    let mut bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, line).unwrap();
    bytes[110] ^= 1;
    let damaged = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &bytes);
    for text in ["", "x", "a\nb\n", &secret.replace(line, &line[..100]), &secret.replace(line, &damaged)] {
        machine.write("broken.key", text);
        std::fs::set_permissions(machine.project("broken.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        machine.mfp(["key", "sign", "--key", "broken.key", "greet"]).fails(2, "mfp::key::malformed");
    }
    machine.mfp(["key", "show", "nothing.key"]).fails(8, "mfp::io::failed");
}

#[test]
fn no_output_and_no_file_holds_a_secret() {
    let (machine, _) = with_plugin();
    let secret = |machine: &Machine| machine.read("me.key").lines().nth(1).unwrap()[60..120].to_owned();
    machine.ok(["key", "new", "--output", "me.key", "--no-password"]);
    let plain = secret(&machine);
    for arguments in [
        vec!["sign", "--key", "me.key", "greet"],
        vec!["show", "me.key"],
        vec!["rotate", "greet", "--key", "me.key", "--to", &signing::signer("next")],
    ] {
        let run = machine.ok(["-vv", "key"].into_iter().chain(arguments));
        assert!(!run.all().contains(&plain), "{}", run.all());
    }
    // The password is the canary: `Machine` searches every output and, at the end, every file for it.
    std::fs::remove_file(machine.project("me.key")).unwrap();
    std::fs::remove_file(machine.project("me.key.pub")).unwrap();
    assert_eq!(with_password(&machine, ["-vv", "key", "new", "--output", "me.key"]).code, 0);
    assert_eq!(with_password(&machine, ["-vv", "key", "sign", "--key", "me.key", "greet"]).code, 0);
    machine
        .run(machine.command().env("MFP_KEY_PASSWORD", format!("{MARK}-another")).args(["-vv", "key", "show", "me.key"]))
        .fails(1, "mfp::key::wrong-password");
}

#[test]
fn a_folder_and_its_archive_have_one_statement_and_one_signature() {
    let (machine, plugin) = with_plugin();
    let statement = signing::statement("greet", "1.2.0", &plugin.content());
    assert_eq!(machine.ok(["key", "statement", "greet"]).stdout, statement);
    machine.write("greet-1.2.0.tar.gz", plugin.archive());
    assert_eq!(machine.ok(["key", "statement", "greet-1.2.0.tar.gz"]).stdout, statement);
    let key = fixture_key(&machine, "publisher.key");
    machine.ok(["key", "sign", "--key", &key, "greet"]);
    machine.ok(["key", "sign", "--key", &key, "greet-1.2.0.tar.gz"]);
    let signer = signing::signer("publisher");
    machine.ok(["key", "verify", "--key", &signer, "greet"]);
    machine.ok(["key", "verify", "--key", &signer, "greet-1.2.0.tar.gz"]);
    machine.ok(["key", "verify", "--key", &signer, "--signature", "greet-1.2.0.tar.gz.minisig", "greet"]);
    // What travels in the archive comes first.
    let carrying = plugin.carries(machine.read("greet/plugin.minisig"));
    machine.write("greet-1.2.0.tar.gz.minisig", "x");
    machine.write("greet-1.2.0.tar.gz", carrying.archive());
    machine.ok(["key", "verify", "--key", &signer, "greet-1.2.0.tar.gz"]);
}

#[test]
fn every_way_in_which_a_signature_isnt_the_right_one() {
    let (machine, plugin) = with_plugin();
    let key = fixture_key(&machine, "publisher.key");
    machine.ok(["key", "sign", "--key", &key, "greet"]);
    let verify = |signer: &str| machine.mfp(["key", "verify", "--key", &signing::signer(signer), "greet"]);
    verify("other").fails(4, "mfp::signature::unproven");
    verify("same-id").fails(4, "mfp::signature::bad");
    let good = machine.read("greet/plugin.minisig");
    machine.write("greet/plugin.minisig", good.clone() + &good);
    verify("publisher").fails(4, "mfp::signature::malformed");
    machine.write("greet/plugin.minisig", std::fs::read(signing::file("signatures/legacy.minisig")).unwrap());
    verify("publisher").fails(4, "mfp::signature::legacy");
    machine.write("greet/plugin.minisig", good);
    machine.write("greet/README.md", "# changed\n");
    let run = verify("publisher");
    run.fails(4, "mfp::signature::replayed");
    assert!(run.stderr.contains(&format!("{} {}", plugin.name, plugin.version)), "{}", run.all());
    std::fs::remove_file(machine.project("greet/plugin.minisig")).unwrap();
    verify("publisher").fails(8, "mfp::io::failed");
}

#[test]
fn the_line_that_hands_a_plugin_over() {
    let machine = Machine::new();
    let key = fixture_key(&machine, "publisher.key");
    let next = signing::signer("next");
    let run = machine.ok(["key", "rotate", "greet", "--key", &key, "--to", &next]);
    let line: serde_json::Value = serde_json::from_str(&run.stdout).expect("one line of JSON");
    assert_eq!((line["new"].as_str(), line["old"].as_str()), (Some(next.as_str()), Some(signing::signer("publisher").as_str())));
    assert_eq!(run.stdout.lines().count(), 1);
    machine.mfp(["key", "rotate", "greet", "--key", &key, "--to", &signing::signer("publisher")]).fails(2, "mfp::usage::arguments");
    machine.mfp(["key", "rotate", "greet", "--key", &key, "--to", "minisign:RW"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn the_stock_program_verifies_what_mfp_signed() {
    needs_minisign!();
    let (machine, _) = with_plugin();
    let folder = machine.project("");
    assert_eq!(with_password(&machine, ["key", "new", "--output", "me.key"]).code, 0);
    assert_eq!(with_password(&machine, ["key", "sign", "--key", "me.key", "greet"]).code, 0);
    machine.write("statement", machine.ok(["key", "statement", "greet"]).stdout);
    minisign_ok(&folder, &["-V", "-H", "-p", "me.key.pub", "-m", "statement", "-x", "greet/plugin.minisig"], "");
    let signer = machine.ok(["key", "show", "me.key.pub"]).stdout;
    let typed = signer.trim().strip_prefix("minisign:").unwrap();
    minisign_ok(&folder, &["-V", "-P", typed, "-m", "statement", "-x", "greet/plugin.minisig"], "");
    assert_eq!(with_password(&machine, ["key", "sign", "--key", "me.key", "statement"]).code, 0);
    minisign_ok(&folder, &["-V", "-P", typed, "-m", "statement"], "");
    machine.write("statement", "changed\n");
    assert!(!minisign(&folder, &["-V", "-P", typed, "-m", "statement"], "").0);
}

#[test]
fn the_stock_program_signs_with_a_key_that_mfp_made() {
    needs_minisign!();
    let (machine, _) = with_plugin();
    let folder = machine.project("");
    machine.write("statement", machine.ok(["key", "statement", "greet"]).stdout);
    assert_eq!(with_password(&machine, ["key", "new", "--output", "me.key"]).code, 0);
    machine.ok(["key", "new", "--output", "plain.key", "--no-password"]);
    minisign_ok(&folder, &["-S", "-s", "me.key", "-m", "statement", "-x", "greet/plugin.minisig"], &password());
    machine.ok(["key", "verify", "--key", "me.key.pub", "greet"]);
    minisign_ok(&folder, &["-S", "-W", "-s", "plain.key", "-m", "statement", "-x", "greet/plugin.minisig"], "");
    machine.ok(["key", "verify", "--key", "plain.key.pub", "greet"]);
    assert!(!minisign(&folder, &["-S", "-s", "me.key", "-m", "statement"], "wrong").0);
}

#[test]
fn mfp_signs_with_keys_that_the_stock_program_made() {
    needs_minisign!();
    let (machine, _) = with_plugin();
    let plain = fixture_key(&machine, "publisher.key");
    machine.ok(["key", "sign", "--key", &plain, "greet"]);
    machine.ok(["key", "verify", "--key", &signing::signer("publisher"), "greet"]);
    let encrypted = fixture_key(&machine, "encrypted.key");
    machine.write("word", "open sesame\n");
    machine.ok(["key", "sign", "--key", &encrypted, "--password-file", "word", "greet"]);
    machine.ok(["key", "verify", "--key", &signing::signer("encrypted"), "greet"]);
    machine.write("statement", machine.ok(["key", "statement", "greet"]).stdout);
    let public = signing::file("encrypted.pub").display().to_string();
    minisign_ok(&machine.project(""), &["-V", "-p", &public, "-m", "statement", "-x", "greet/plugin.minisig"], "");
}

#[test]
fn mfp_verifies_what_the_stock_program_signed() {
    needs_minisign!();
    let (machine, _) = with_plugin();
    let folder = machine.project("");
    let key = fixture_key(&machine, "publisher.key");
    machine.write("statement", machine.ok(["key", "statement", "greet"]).stdout);
    let signer = signing::signer("publisher");
    minisign_ok(&folder, &["-S", "-W", "-s", &key, "-m", "statement", "-x", "greet/plugin.minisig"], "");
    machine.ok(["key", "verify", "--key", &signer, "greet"]);
    minisign_ok(&folder, &["-S", "-W", "-s", &key, "-m", "statement"], "");
    machine.ok(["key", "verify", "--key", &signer, "statement"]);
    minisign_ok(&folder, &["-S", "-l", "-W", "-s", &key, "-m", "statement", "-x", "greet/plugin.minisig"], "");
    machine.mfp(["key", "verify", "--key", &signer, "greet"]).fails(4, "mfp::signature::legacy");
}

#[test]
fn a_person_is_asked_for_the_password_and_nobody_sees_it() {
    if !terminal::is_there() {
        return;
    }
    let (machine, _) = with_plugin();
    let typed = format!("{}\r", password());
    let ask = |answers: &[(&str, &str)], arguments: &[&str]| terminal::answering(&machine, answers, arguments.iter().copied());
    let run = ask(&[("Password for the new key", &typed), ("Once more", &typed)], &["key", "new", "--output", "me.key"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let run = ask(&[("Password of", &typed)], &["key", "sign", "--key", "me.key", "greet"]);
    assert_eq!(run.code, 0, "{}", run.all());
    machine.ok(["key", "verify", "--key", "me.key.pub", "greet"]);
    let run = ask(&[("Password of", "wrong\r")], &["key", "sign", "--key", "me.key", "greet"]);
    assert!(run.code == 1 && run.stdout.contains("mfp::key::wrong-password"), "{}", run.all());
}
