//! `mfp remove`, `mfp update`, `mfp upgrade`: changes of what's there.

use crate::support::{Machine, Plugin, Registry};

/// `greet` at 1.0.0 and `words` at 1.0.0 are locked; both have moved on.
fn behind() -> (Registry, Machine) {
    let registry =
        Registry::with([Plugin::new("words", "1.0.0"), Plugin::new("greet", "1.0.0").needs("words", "^1"), Plugin::new("hash", "0.3.1")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"   # hello\nhash = \"=0.3.1\"\n");
    machine.ok(["sync"]);
    registry.publish(&Plugin::new("words", "1.1.0"));
    registry.publish(&Plugin::new("greet", "1.1.0").needs("words", "^1"));
    registry.publish(&Plugin::new("greet", "2.0.0").needs("words", "^1"));
    registry.publish(&Plugin::new("hash", "0.4.0"));
    (registry, machine)
}

#[test]
fn remove_takes_what_only_it_needed_and_keeps_comments() {
    let (_registry, machine) = behind();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["remove", "greet", "--dry-run"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
     - greet 1.0.0
     - words 1.0.0
    ");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["rm", "greet"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Removed 2 plugins
     - greet 1.0.0
     - words 1.0.0
    ");
    assert!(!machine.has(".mockforge/plugins/words"));
    assert!(
        machine.read("mockforge-plugins.toml").ends_with("[plugins]\nhash = \"=0.3.1\"\n"),
        "{}",
        machine.read("mockforge-plugins.toml")
    );
}

#[test]
fn remove_needs_no_network() {
    let (registry, machine) = behind();
    std::fs::remove_dir_all(registry.folder().join("index")).unwrap();
    machine.ok(["remove", "hash", "--offline"]);
    assert!(machine.has(".mockforge/plugins/greet"));
}

#[test]
fn remove_what_isnt_declared() {
    let (_registry, machine) = behind();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["remove", "gret"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::manifest::not-declared]: the manifest declares no plugin `gret`
    help: did you mean `mfp remove greet`?
    ");
    insta::assert_snapshot!(machine.mfp(["remove", "hash", "words"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::manifest::not-declared]: the manifest declares no plugin `words`
    help: if it's there as a dependency, `mfp why words` says whose
    ");
    assert_eq!(machine.files(), before);
}

#[test]
fn remove_without_touching_the_folder() {
    let (_registry, machine) = behind();
    machine.ok(["remove", "hash", "--no-sync"]);
    assert!(!machine.read("plugins.lock").contains("hash") && machine.has(".mockforge/plugins/hash"));
}

#[test]
fn update_stays_within_the_requirements() {
    let (_registry, machine) = behind();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["update", "--dry-run"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
     ~ greet 1.0.0 → 1.1.0
     ~ words 1.0.0 → 1.1.0
    ");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["update"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Fetched 2 plugins in [TIME] (1.1 KiB)
    Installed 2 plugins in [TIME]
     ~ greet 1.0.0 → 1.1.0
     ~ words 1.0.0 → 1.1.0
    ");
    assert_eq!(machine.files().0, before.0);
    insta::assert_snapshot!(machine.mfp(["update", "--all"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Checked 3 plugins in [TIME]
    ");
}

#[test]
fn update_one_leaves_the_others() {
    let (_registry, machine) = behind();
    insta::assert_snapshot!(machine.mfp(["update", "greet"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Fetched 1 plugin in [TIME] (628 B)
    Installed 1 plugin in [TIME]
     ~ greet 1.0.0 → 1.1.0
    ");
    insta::assert_snapshot!(machine.mfp(["update", "gret"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::lock::not-locked]: there's no plugin `gret` in plugins.lock
    help: did you mean greet?
    ");
}

#[test]
fn update_to_exactly_a_version() {
    let (registry, machine) = behind();
    registry.publish(&Plugin::new("greet", "1.2.0").needs("words", "^1"));
    insta::assert_snapshot!(machine.mfp(["update", "greet", "--precise", "1.1.0"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Fetched 1 plugin in [TIME] (628 B)
    Installed 1 plugin in [TIME]
     ~ greet 1.0.0 → 1.1.0
    ");
    insta::assert_snapshot!(machine.mfp(["update", "greet", "--precise", "2.0.0"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: the manifest wants greet `^1` (line 5), which 2.0.0 isn't
    help: `mfp add greet@2.0.0` changes the manifest too
    ");
    insta::assert_snapshot!(machine.mfp(["update", "--precise", "1.1.0"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: --precise is for exactly one plugin
    help: `mfp update NAME --precise 1.1.0`
    ");
}

#[test]
fn upgrade_raises_what_stands_in_the_way() {
    let (_registry, machine) = behind();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["upgrade", "--dry-run"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Raised greet: ^1 → ^2.0.0
    Raised hash: =0.3.1 → =0.4.0
     ~ greet 1.0.0 → 2.0.0
     ~ hash 0.3.1 → 0.4.0
    ");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["upgrade"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Raised greet: ^1 → ^2.0.0
    Raised hash: =0.3.1 → =0.4.0
    Fetched 2 plugins in [TIME] (1.1 KiB)
    Installed 2 plugins in [TIME]
     ~ greet 1.0.0 → 2.0.0
     ~ hash 0.3.1 → 0.4.0
    ");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("[plugins]").unwrap().1, @r#"
    greet = "^2.0.0"   # hello
    hash = "=0.4.0"
    "#);
    insta::assert_snapshot!(machine.mfp(["upgrade"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Checked 3 plugins in [TIME]
    ");
}

#[test]
fn upgrade_one() {
    let (_registry, machine) = behind();
    machine.ok(["upgrade", "hash"]);
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("[plugins]").unwrap().1, @r#"
    greet = "^1"   # hello
    hash = "=0.4.0"
    "#);
    insta::assert_snapshot!(machine.mfp(["upgrade", "words"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::manifest::not-declared]: the manifest has no requirement on `words` that could be raised
    help: `mfp update words` takes what its requirements allow
    ");
}

#[test]
fn an_update_that_asks_for_more_stops_and_says_so() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["sync"]);
    registry.publish(&Plugin::new("greet", "1.1.0").asks_http("*"));
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["update"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Checked 1 plugin in [TIME]
    error[mfp::update::held-back]: a newer version was held back
      • greet 1.1.0 asks for http * (broad: reaches every host), which nobody approved (1.0.0 is kept)
    help: if a person has decided that it may: `mfp approve greet@1.1.0`, then `mfp update`
    ");
    assert_eq!(machine.files(), before);
}

#[test]
fn the_lowest_strategy_takes_the_lowest() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[resolver]\nstrategy = \"lowest\"\n");
    machine.ok(["lock"]);
    assert_eq!(machine.mfp(["list"]).stdout, "greet 1.0.0\nwords 1.0.0\n");
}

#[test]
fn an_override_replaces_every_requirement() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[overrides]\nwords = \"=1.0.0\"\n");
    machine.ok(["lock"]);
    assert_eq!(machine.mfp(["list"]).stdout, "greet 1.1.0\nwords 1.0.0\n");
}
