//! The disk is full, or too small for one more file: the error says which file, nothing half is left, and with room again all is well.
//!
//! A full disk is played by a limit on the size of files (`ulimit -f`): every write beyond it fails, for every user, with an error
//! that's as final as that of a full disk. On Linux, where there's memory to mount, a real one that's full is tried too.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use crate::support::env::tree;
use crate::support::{Machine, Plugin, Registry, Run};

/// Three plugins: one of 300 KiB that's no use to a compressor, and two small ones.
fn registry() -> Registry {
    let mut noise = vec![0; 300 << 10];
    blake3::Hasher::new_derive_key("mfp tests disk").finalize_xof().fill(&mut noise);
    Registry::with([
        Plugin::new("large", "1.0.0").needs("small", "^1").with(|plugin| plugin.more_files.push(("data/noise.bin".to_owned(), noise))),
        Plugin::new("small", "1.0.0"),
        Plugin::new("old", "1.0.0"),
    ])
}

/// Run mfp where no file may become larger than this many KiB.
fn limited(machine: &Machine, kib: u32, arguments: &[&str]) -> Run {
    let mfp = machine.command();
    let mut shell = Command::new("sh");
    // The signal would end the process; ignored, the write fails as it does where there's no room.
    shell.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2)).arg(mfp.get_program()).args(arguments);
    shell.env_clear().envs(mfp.get_envs().filter_map(|(key, value)| Some((key, value?))));
    shell.current_dir(mfp.get_current_dir().expect("it has one")).stdin(std::process::Stdio::null());
    machine.run(&mut shell)
}

/// Neither a half object nor a temporary file.
#[track_caller]
fn nothing_half(machine: &Machine, what: &str) {
    let left: Vec<String> = tree(&machine.path(""))
        .into_keys()
        .filter(|path| path.contains("/staging/") || path.contains(".mfp-tmp-") || path.contains(".mfp-staging-"))
        .collect();
    assert!(left.is_empty(), "{what}: {left:?}");
    let check = machine.mfp(["cache", "verify"]);
    assert_eq!(check.code, 0, "{what}: {}", check.all());
}

#[test]
fn a_disk_without_room_for_one_more_file_is_named_and_nothing_half_is_left() {
    let registry = registry();
    for kib in [64, 128] {
        let machine = Machine::with_manifest(&registry, "[plugins]\nold = \"^1\"\n");
        machine.ok(["sync"]);
        let (files, laid_out) = (machine.files(), tree(&machine.project(".mockforge/plugins")));
        let run = limited(&machine, kib, &["add", "large"]);
        assert_eq!(run.code, 8, "{kib} KiB: {}", run.all());
        assert!(run.error_code().starts_with("mfp::io::"), "{kib} KiB: {}", run.all());
        assert!(run.stderr.contains("[ROOT]/store"), "the error names the file: {}", run.all());
        assert_eq!(machine.files(), files, "{kib} KiB: no file of the project has changed");
        assert_eq!(tree(&machine.project(".mockforge/plugins")), laid_out, "{kib} KiB");
        nothing_half(&machine, "too large a file");
        machine.ok(["add", "large"]);
        machine.ok(["verify"]);
    }
    // The store has it, and there's no room for a second copy of it in the project.
    let machine = Machine::with_manifest(&registry, "[plugins]\nlarge = \"^1\"\n");
    machine.ok(["sync"]);
    std::fs::remove_dir_all(machine.project(".mockforge")).expect("it's there");
    let run = limited(&machine, 128, &["sync", "--link-mode", "copy"]);
    run.fails(8, run.error_code());
    assert!(run.stderr.contains("noise.bin") || run.stderr.contains(".mockforge"), "{}", run.all());
    assert!(!machine.has(".mockforge/plugins/large/plugin.yaml"), "nothing half is laid out");
    machine.ok(["sync"]);
    machine.ok(["verify"]);
}

#[test]
fn a_lock_that_doesnt_fit_isnt_written_in_part() {
    // Enough plugins for a lock of more than 64 KiB.
    let names: Vec<String> = (0..160).map(|number| format!("plugin-{number}")).collect();
    let registry = Registry::with(names.iter().map(|name| Plugin::new(name, "1.0.0")));
    let plugins: String = names.iter().map(|name| format!("{name} = \"^1\"\n")).collect();
    let machine = Machine::with_manifest(&registry, &format!("[plugins]\n{plugins}"));
    let run = limited(&machine, 16, &["lock"]);
    assert_eq!(run.code, 8, "{}", run.all());
    assert!(run.stderr.contains("plugins.lock"), "{}", run.all());
    assert!(!machine.has("plugins.lock"));
    nothing_half(&machine, "no first lock");
    machine.ok(["lock"]);
    let lock = machine.read("plugins.lock");
    machine.write("mockforge-plugins.toml", machine.read("mockforge-plugins.toml").replace("plugin-7 = \"^1\"\n", ""));
    let run = limited(&machine, 16, &["lock"]);
    assert_eq!(run.code, 8, "{}", run.all());
    assert_eq!(machine.read("plugins.lock"), lock, "the old lock is whole");
    nothing_half(&machine, "no second lock");
}

/// A file system of one MiB in memory, gone when dropped; none where this user may not mount.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder can be made");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=400k,mode=0700", "mfp-test"]).arg(at).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).output();
    }
}

#[test]
fn a_full_disk_is_named_and_nothing_half_is_left() {
    let registry = registry();
    let machine = Machine::with_manifest(&registry, "[plugins]\nold = \"^1\"\n");
    let store = machine.path("store");
    // The limit on files above shows the same to users who may not mount; as root, as in CI, both are seen.
    let Some(disk) = Tiny::mount(&store) else { return };
    machine.ok(["sync"]);
    std::fs::write(store.join("filling"), vec![7; 200 << 10]).expect("there's room for this");
    let files = machine.files();
    let run = machine.mfp(["add", "large"]);
    run.fails(8, "mfp::io::full");
    assert!(run.stderr.contains("[ROOT]/store"), "{}", run.all());
    assert_eq!(machine.files(), files);
    nothing_half(&machine, "a full disk");
    machine.ok(["verify"]);
    std::fs::remove_file(store.join("filling")).expect("it's there");
    let run = machine.mfp(["add", "small"]);
    assert_eq!(run.code, 0, "with room again all is well: {}", run.all());
    drop(disk);
}
