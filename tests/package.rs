//! `mfp package`: one archive on every machine, and what an author would regret is refused.

use std::path::Path;
use std::process::Command;

use crate::support::git::{has_programs, in_project};
use crate::support::{Machine, Plugin};

/// A plugin with files of every kind that's packed, in a folder of the project.
fn plugin() -> Plugin {
    Plugin::new("greet", "1.2.0").with(|plugin| {
        plugin.more_files = vec![
            ("assets/a/words.txt".to_owned(), b"hello\nworld\n".to_vec()),
            ("assets/caf\u{e9}.txt".to_owned(), b"ol\xc3\xa9".to_vec()),
            ("LICENSE".to_owned(), b"MIT\n".to_vec()),
        ];
    })
}

fn machine() -> Machine {
    let machine = Machine::new();
    plugin().write_to(&machine.project("greet"));
    machine
}

fn sha256(path: &Path) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(std::fs::read(path).expect("the archive is there")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same command for somebody with other habits: another umask, language, time zone and clock.
fn otherwise(machine: &Machine, arguments: &str) -> Command {
    let mfp = env!("CARGO_BIN_EXE_mfp");
    let mut command = machine.command();
    let variables: Vec<_> = command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    let folder = command.get_current_dir().expect("it has one").to_owned();
    command = Command::new("/bin/sh");
    command.env_clear().envs(variables).current_dir(folder).stdin(std::process::Stdio::null());
    command.args(["-c", &format!("umask 077; exec {mfp} {arguments}")]);
    command.envs([("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8"), ("TZ", "Pacific/Kiritimati"), ("SOURCE_DATE_EPOCH", "86400")]);
    command
}

#[cfg(unix)]
#[test]
fn two_accounts_pack_the_same_bytes() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let here = machine();
    let told = here.ok(["package", "greet"]);
    let archive = here.project("greet/target/package/greet-1.2.0.tar.zst");
    assert_eq!(told.stdout, "[ROOT]/project/greet/target/package/greet-1.2.0.tar.zst\n");

    // The other account: files made in the other order, at other times, for itself alone, deep in other folders, behind a link.
    let there = Machine::new();
    let folder = there.path("home/deep/er/my plugin");
    for (path, bytes) in plugin().files().into_iter().rev() {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(if path.ends_with("plugin.wasm") { 0o755 } else { 0o600 }))
            .unwrap();
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        std::fs::File::open(&path).unwrap().set_modified(old).unwrap();
    }
    symlink(&folder, there.project("link")).unwrap();
    let run = there.run(&mut otherwise(&there, "package link --output out/"));
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(sha256(&there.project("out/greet-1.2.0.tar.zst")), sha256(&archive));
    assert!(run.stderr.contains(&plugin().content()), "{}", run.stderr);
    // And once more, with the first archive in the folder.
    here.ok(["package", "greet"]);
    assert_eq!(sha256(&there.project("out/greet-1.2.0.tar.zst")), sha256(&archive));
}

#[test]
fn what_goes_in_is_listed_and_what_was_packed_is_installed() {
    let machine = machine();
    let listed = machine.ok(["package", "greet", "--list"]);
    insta::assert_snapshot!(listed.stdout);
    assert!(!machine.has("greet/target"), "--list writes nothing");
    let told = machine.ok(["--project", "greet", "package", "--format", "tar.gz", "--output", "g.tar.gz", "--json"]).json();
    assert_eq!(told["content"], plugin().content());
    assert_eq!(told["sha256"], sha256(&machine.project("g.tar.gz")));
    assert_eq!(told["files"].as_array().unwrap().len(), 6);
    machine.ok(["package", "greet", "--output", "."]);
    for archive in ["g.tar.gz", "greet-1.2.0.tar.zst"] {
        machine.write("mockforge-plugins.toml", format!("[plugins]\ngreet = {{ url = \"./{archive}\" }}\n"));
        machine.ok(["sync"]);
        assert_eq!(machine.read(".mockforge/plugins/greet/assets/a/words.txt"), "hello\nworld\n");
        assert!(machine.read("plugins.lock").contains(&plugin().content()));
    }
}

#[test]
fn the_signature_in_the_folder_travels_along() {
    let machine = machine();
    machine.ok(["key", "new", "--output", "key", "--no-password"]);
    machine.ok(["key", "sign", "--key", "key", "greet"]);
    let told = machine.ok(["package", "greet", "--output", "g.tar.zst", "--json"]).json();
    assert_eq!((told["signed"].as_bool(), told["content"].as_str()), (Some(true), Some(&*plugin().content())));
    machine.ok(["key", "verify", "--key", "key.pub", "g.tar.zst"]);
}

#[test]
fn what_isnt_committed_isnt_packed() {
    if !has_programs(&["git"]) {
        return;
    }
    let machine = machine();
    let note = machine.ok(["package", "greet", "--list"]).stderr;
    assert!(note.contains("Not in a git repository"), "{note}");
    in_project(&machine, ["init", "--quiet", "--initial-branch=main"]);
    assert!(machine.ok(["package", "greet", "--list"]).stderr.contains("Nothing is committed yet"));
    commit(&machine, "one");
    let clean = machine.ok(["package", "greet", "--json"]).json();
    assert_eq!(clean["commit"].as_str().map(str::len), Some(40));
    // Its own git tree, installed from the repository, is the same plugin.
    machine.write("mockforge-plugins.toml", format!("[plugins]\ngreet = {{ git = \"{}\", subdir = \"greet\" }}\n", url(&machine)));
    machine.ok(["lock"]);
    assert!(machine.read("plugins.lock").contains(clean["content"].as_str().unwrap()), "{}", machine.read("plugins.lock"));

    machine.write("greet/assets/a/words.txt", "hello\r\nworld\r\n");
    machine.write("greet/assets/new.txt", "");
    std::fs::remove_file(machine.project("greet/LICENSE")).unwrap();
    machine.write("greet/.idea", "not in the package: it may be anything");
    let refused = machine.mfp(["package", "greet"]);
    refused.fails(5, "mfp::package::dirty");
    insta::assert_snapshot!(refused.stderr);
    // git takes a file that it's told to ignore for clean; it isn't committed all the same.
    in_project(&machine, ["checkout", "--quiet", "."]);
    machine.write(".gitignore", "new.txt\n");
    commit(&machine, "two");
    machine.mfp(["package", "greet"]).fails(5, "mfp::package::dirty");
    std::fs::remove_file(machine.project("greet/assets/new.txt")).unwrap();
    #[cfg(unix)]
    {
        // The last commit has a link where there's a file now.
        let words = machine.project("greet/assets/a/words.txt");
        std::fs::rename(&words, machine.path("words")).unwrap();
        std::os::unix::fs::symlink("../caf\u{e9}.txt", &words).unwrap();
        commit(&machine, "three");
        std::fs::remove_file(&words).unwrap();
        std::fs::rename(machine.path("words"), &words).unwrap();
        let refused = machine.mfp(["package", "greet"]);
        assert!(refused.stderr.contains("assets/a/words.txt is a link in the last commit"), "{}", refused.stderr);
    }
    machine.write("greet/assets/new.txt", "");
    let allowed = machine.ok(["package", "greet", "--allow-dirty", "--json"]).json();
    assert_eq!((allowed["warnings"][0]["code"].as_str(), allowed["commit"].as_str()), (Some("mfp::package::dirty"), None));
}

fn commit(machine: &Machine, message: &str) {
    in_project(machine, ["add", "--all"]);
    in_project(machine, ["commit", "--quiet", "--message", message]);
}

fn url(machine: &Machine) -> String {
    format!("file://{}", machine.path("project").display())
}

/// What looks like a secret, and that a scanner of this repository doesn't take for one.
pub(crate) fn token() -> String {
    format!("ghp_{}", "aB3dE5gH7jK9mN1pQ2rS".repeat(2).split_at(36).0)
}

#[test]
fn secrets_are_refused_by_file_and_line_and_arent_shown() {
    let machine = machine();
    let token = token();
    machine.write("greet/assets/config.json", format!("{{\n  \"token\": \"{token}\"\n}}\n"));
    let manifest = machine.read("greet/plugin.yaml").replace("[\"**\"]", "[\"**\", \".env\"]");
    machine.write("greet/plugin.yaml", manifest);
    machine.write("greet/.env", "PASSWORD=hunter2\n");
    let refused = machine.mfp(["package", "greet"]);
    refused.fails(5, "mfp::package::secret");
    insta::assert_snapshot!(refused.stderr);
    assert!(!refused.all().contains(&token));
    assert!(!machine.has("greet/target"), "nothing was written");
    let told = machine.ok(["package", "greet", "--allow-secrets", "--json"]).json();
    assert_eq!(told["files"].as_array().unwrap().len(), 8);
}

#[test]
fn what_no_registry_takes_isnt_packed() {
    let machine = machine();
    let manifest = machine.read("greet/plugin.yaml");
    let refuse = |text: &str, code: i32, error: &str| {
        machine.write("greet/plugin.yaml", text);
        machine.mfp(["package", "greet"]).fails(code, error);
    };
    refuse(&manifest.replace("version: 1.2.0", "version: 1.2.0+build"), 2, "mfp::package::version");
    refuse(&manifest.replace("  types:", "  runtime: remote\n  types:"), 2, "mfp::package::remote");
    refuse(&manifest.replace("types: [template]", "types: []"), 2, "mfp::manifest::invalid");
    machine.write("greet/plugin.yaml", &manifest);
    machine.mfp(["package", "greet", "--output", "greet/greet.tar.zst"]).fails(2, "mfp::package::output");
    machine.mfp(["package", "greet", "--output", "greet.zip"]).fails(2, "mfp::usage::arguments");
    machine.mfp(["package", "greet", "--output", "g.tar.gz", "--format", "tar.zst"]).fails(2, "mfp::usage::arguments");
    let long = ["a", "b"].map(|letter| format!("{}.txt", letter.repeat(101)));
    for path in &long {
        machine.write(&format!("greet/{path}"), "");
    }
    let refused = machine.mfp(["package", "greet"]);
    refused.fails(2, "mfp::package::long-path");
    for path in &long {
        assert!(refused.stderr.contains(path), "all of them are named: {}", refused.stderr);
        std::fs::remove_file(machine.project(&format!("greet/{path}"))).unwrap();
    }
    machine.write("greet/plugin.wasm", "not a module");
    machine.mfp(["package", "greet"]).fails(2, "mfp::wasm::invalid");
    machine.mfp(["package", "nowhere"]).fails(2, "mfp::plugin::not-found");
}

/// The example registry's archives were packed by a Python program that knows only the published rules.
#[test]
fn another_program_that_follows_the_rules_packs_the_same_bytes() {
    let registry = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/registry/dl");
    let machine = Machine::new();
    let mut compared = 0;
    for (path, archive) in crate::support::env::tree(&registry) {
        let folder = format!("unpacked/{path}");
        let stream = zstd::decode_all(&*archive).expect("it's zstd");
        for entry in tar::Archive::new(&*stream).entries().expect("it's a tar") {
            let mut entry = entry.expect("it's whole");
            let name = entry.path().expect("it has a path").display().to_string();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).expect("it can be read");
            machine.write(&format!("{folder}/{name}"), bytes);
        }
        machine.ok(["package", &folder, "--output", "again.tar.zst"]);
        assert!(std::fs::read(machine.project("again.tar.zst")).unwrap() == archive, "{path}");
        compared += 1;
    }
    assert!(compared >= 10, "{compared}");
}
