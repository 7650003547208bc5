//! `mfp lock`: fresh with as little change as can be, or a sentence about why not.

use crate::support::{Machine, Plugin, Registry};

/// A shop whose `greet` has moved on since the project was locked.
fn behind() -> (Registry, Machine) {
    let registry = Registry::with([Plugin::new("words", "1.0.0"), Plugin::new("greet", "1.0.0").needs("words", "^1")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["lock"]);
    registry.publish(&Plugin::new("words", "1.1.0"));
    registry.publish(&Plugin::new("greet", "1.1.0").needs("words", "^1"));
    (registry, machine)
}

fn rewrite(machine: &Machine, from: &str, to: &str) {
    let manifest = machine.read("mockforge-plugins.toml");
    assert!(manifest.contains(from), "{manifest}");
    machine.write("mockforge-plugins.toml", manifest.replace(from, to));
}

#[test]
fn a_first_lock() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    let first = machine.read("plugins.lock");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    assert_eq!(machine.read("plugins.lock"), first);
    assert!(!machine.has(".mockforge/plugins"));
}

#[test]
fn a_fresh_lock_stays_though_the_world_moves_on() {
    let (_registry, machine) = behind();
    let before = machine.read("plugins.lock");
    machine.ok(["lock"]);
    assert_eq!(machine.read("plugins.lock"), before);
    rewrite(&machine, "greet = \"^1\"", "greet = \">=1, <2\"");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\"") && !machine.read("plugins.lock").contains("1.1.0"));
}

#[test]
fn upgrade_takes_the_newest_of_everything() {
    let (_registry, machine) = behind();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade", "--dry-run"]).all(), @"");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade"]).all(), @"");
}

#[test]
fn upgrade_one_plugin_or_take_exactly_a_version() {
    let (registry, machine) = behind();
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "words"]).all(), @"");
    registry.publish(&Plugin::new("greet", "1.2.0").needs("words", "^1"));
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "greet@1.1.0"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "greet@7.0.0"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "gret"]).all(), @"");
    machine.mfp(["lock", "--upgrade-plugin", "greet@1.x"]).fails(2, "mfp::usage::spec");
}

#[test]
fn check_says_why_the_lock_isnt_fresh() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\nhash = \"^0.3\"\n");
    insta::assert_snapshot!(machine.mfp(["lock", "--check"]).all(), @"");
    machine.ok(["lock"]);
    insta::assert_snapshot!(machine.mfp(["lock", "--check"]).all(), @"");
    rewrite(&machine, "greet = \"^1\"\nhash = \"^0.3\"", "greet = \"^2\"\ncaller = \"^1\"");
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["lock", "--check"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["sync", "--locked"]).all(), @"");
    assert_eq!(machine.files(), before);
}

#[test]
fn frozen_takes_the_lock_as_it_is() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["sync", "--frozen"]).all(), @"");
    machine.ok(["lock"]);
    rewrite(&machine, "^1", "^2");
    insta::assert_snapshot!(machine.mfp(["sync", "--frozen"]).all(), @"");
}

#[test]
fn a_broken_lock_is_not_overwritten_unless_told() {
    let (_registry, machine) = behind();
    let whole = machine.read("plugins.lock");
    machine.write("plugins.lock", whole.replace("version = \"1.0.0\"", "version = \"1.0\""));
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["lock", "--rebuild"]).all(), @"");
    assert!(machine.read("plugins.lock").contains("version = \"1.1.0\""));
}

#[test]
fn a_lock_from_the_future() {
    let (_registry, machine) = behind();
    let whole = machine.read("plugins.lock");
    machine.write("plugins.lock", whole.replace("version = 1\n", "version = 2\n"));
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"");
    machine.write("plugins.lock", whole.replace("revision = 0\n", "revision = 9\nshiny = true\n"));
    machine.ok(["list"]);
    machine.mfp(["update"]).fails(2, "mfp::lock::newer");
    machine.mfp(["lock", "--upgrade"]).fails(2, "mfp::lock::newer");
}

#[test]
fn a_merge_left_in_conflict_is_resolved() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\nhash = \"^0.3\"\n");
    machine.ok(["lock"]);
    let both = machine.read("plugins.lock");
    let (head, tail) = both.split_at(both.find("[[plugin]]\nname = \"hash\"").unwrap());
    let (entry, rest) = tail.split_at(tail.find("[[plugin]]\nname = \"words\"").unwrap());
    machine.write("plugins.lock", format!("{head}<<<<<<< ours\n=======\n{entry}>>>>>>> theirs\n{rest}"));
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    assert_eq!(machine.read("plugins.lock"), both);
}

#[test]
fn a_manifest_with_mistakes_shows_them_all() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^one\"\nHash = \"1\"\n\n[plugin]\nx = 1\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    machine.write("mockforge-plugins.toml", "[plugins\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    machine.write("mockforge-plugins.toml", "[plugins]\ngreet = \"1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    machine.write("mockforge-plugins.toml", "[project]\nmfp = \">=9\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
    machine.write("mockforge-plugins.toml", b"\xff\xfe");
    machine.mfp(["lock"]).fails(2, "mfp::project::encoding");
}

#[test]
fn what_the_manifest_may_say_and_mfp_cant_do_yet() {
    let registry = Registry::shop();
    for declared in [
        "[plugins]\nx = { git = \"https://github.com/acme/plugins\", tag = \"v1\" }\n",
        "[plugins]\noauth = { remote = \"https://auth.example/\", types = [\"auth\"] }\n",
    ] {
        let machine = Machine::with_manifest(&registry, declared);
        machine.mfp(["lock"]).fails(2, "mfp::unsupported");
    }
    let machine = Machine::with_manifest(&registry, "[plugins]\nx = { git = \"https://github.com/acme/plugins\", tag = \"v1\" }\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
}

#[test]
fn a_registry_that_isnt_there() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[registries]\ndefault = \"file:../nowhere/\"\n\n[plugins]\ngreet = \"1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
}

#[test]
fn a_version_that_is_too_new_for_the_projects_own_policy() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0").with(|plugin| plugin.published = "2999-01-01T00:00:00Z".to_owned())]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[policy]\nmin-release-age = \"24h\"\n");
    let run = machine.mfp(["lock"]);
    run.fails(5, "mfp::resolve::conflict");
    assert!(run.stderr.contains("min-release-age"), "{}", run.stderr);
}

#[test]
fn a_yanked_version_is_only_kept_never_taken() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0"), Plugin::new("greet", "1.1.0").with(|plugin| plugin.yanked = true)]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["lock"]);
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1.1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
}

#[test]
fn a_host_that_the_plugin_doesnt_support() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0").with(|plugin| plugin.mockforge = Some(">=2".to_owned()))]);
    let machine = Machine::with_manifest(&registry, "[project]\nmockforge = \">=0.3, <2\"\n\n[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"");
}
