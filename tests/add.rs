//! `mfp add` (and `install`): what a person can name, what's written, and that nothing is when anything fails.

use sha2::Digest as _;

use crate::support::{Machine, Plugin, Registry};

/// A machine with an empty project over the shop.
fn project(registry: &Registry) -> Machine {
    Machine::with_manifest(registry, "[plugins]\n")
}

fn declared(machine: &Machine, name: &str) -> String {
    let manifest = machine.read("mockforge-plugins.toml");
    let line = manifest.lines().find(|line| line.starts_with(&format!("{name} = ")));
    line.unwrap_or_else(|| panic!("{name} isn't in {manifest}")).to_owned()
}

#[test]
fn a_plain_name_is_the_newest_and_its_caret() {
    let registry = Registry::shop();
    let machine = project(&registry);
    insta::assert_snapshot!(machine.mfp(["add", "greet"]).all(), @"");
    assert_eq!(declared(&machine, "greet"), "greet = \"^2.0.0\"");
    assert!(machine.has(".mockforge/plugins/greet/plugin.wasm"));
    assert!(machine.has(".mockforge/plugins/words/plugin.yaml"));
}

#[test]
fn a_version_an_incomplete_version_and_a_requirement() {
    let registry = Registry::shop();
    for (spec, written, version) in
        [("greet@1.0.0", "greet = \"=1.0.0\"", "1.0.0"), ("greet@1.0", "greet = \"^1.0\"", "1.1.0"), ("greet@^1", "greet = \"^1\"", "1.1.0"), ("greet@>=1, <3", "greet = \">=1, <3\"", "2.0.0")]
    {
        let machine = project(&registry);
        let run = machine.ok(["add", spec]);
        assert_eq!(declared(&machine, "greet"), written, "{spec}");
        assert!(run.stderr.contains(&format!(" + greet {version}\n")), "{spec}: {}", run.stderr);
    }
}

#[test]
fn several_at_once_into_a_group_under_another_name() {
    let registry = Registry::shop();
    let machine = project(&registry);
    machine.ok(["add", "greet@1.1.0", "hash"]);
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--group", "load-test", "--rename", "hello"]).all(), @"");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("[plugins]").unwrap().1, @"");
    assert!(machine.read("plugins.lock").contains("name = \"hello\"\npackage = \"greet\"\nversion = \"2.0.0\""));
}

#[test]
fn adding_one_moves_nothing_else() {
    let registry = Registry::with([Plugin::new("words", "1.0.0"), Plugin::new("greet", "1.0.0").needs("words", "^1")]);
    let machine = project(&registry);
    machine.ok(["add", "greet"]);
    registry.publish(&Plugin::new("words", "1.1.0"));
    registry.publish(&Plugin::new("greet", "1.1.0").needs("words", "^1"));
    registry.publish(&Plugin::new("hash", "1.0.0"));
    insta::assert_snapshot!(machine.mfp(["add", "hash"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["list"]).stdout, @"");
}

#[test]
fn an_unknown_name_gets_the_nearest_ones() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "gret"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["add", "zzzzzzzzz"]).all(), @"");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_version_that_is_not_there() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "greet@9"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["add", "greet@banana"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["add", "Greet_Me"]).all(), @"");
    assert_eq!(machine.files(), before);
    assert!(!machine.has("plugins.lock"));
}

#[test]
fn a_conflict_is_told_in_the_projects_words_and_changes_nothing() {
    let registry = Registry::with([
        Plugin::new("words", "1.0.0"),
        Plugin::new("words", "2.0.0"),
        Plugin::new("greet", "1.0.0").needs("words", "^1"),
        Plugin::new("shout", "1.0.0").needs("words", "^2"),
    ]);
    let machine = project(&registry);
    machine.ok(["add", "greet"]);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "shout"]).all(), @"");
    assert_eq!(machine.files(), before);
}

#[test]
fn an_archive_by_its_url() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let archive = Plugin::new("hash", "0.3.1").archive();
    let url = format!("{}dl/hash/0.3.1/hash-0.3.1.tar.gz", registry.url());
    insta::assert_snapshot!(machine.mfp(["add", url.as_str()]).all(), @"");
    assert_eq!(declared(&machine, "hash"), format!("hash = {{ url = \"{url}\" }}"));

    let machine = project(&registry);
    let digest = format!("{:x}", sha2::Sha256::digest(&archive));
    machine.ok(["add", &format!("{url}#sha256={digest}")]);
    assert_eq!(declared(&machine, "hash"), format!("hash = {{ url = \"{url}\", sha256 = \"{digest}\" }}"));
}

#[test]
fn an_archive_with_another_digest_is_refused() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    let url = format!("{}dl/hash/0.3.1/hash-0.3.1.tar.gz#sha256={}", registry.url(), "0".repeat(64));
    let run = machine.mfp(["add", url.as_str()]);
    run.fails(4, "mfp::integrity::sha256");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_folder_of_ones_own() {
    let registry = Registry::shop();
    let machine = project(&registry);
    Plugin::new("mine", "0.1.0").needs("words", "^1").write_to(&machine.path("my-plugin"));
    insta::assert_snapshot!(machine.mfp(["add", "../my-plugin"]).all(), @"");
    assert_eq!(declared(&machine, "mine"), "mine = { path = \"../my-plugin\" }");
    assert!(machine.has(".mockforge/plugins/mine/plugin.wasm"));
}

#[test]
fn a_path_is_typed_from_the_current_folder_and_written_from_the_project() {
    let registry = Registry::shop();
    let machine = project(&registry);
    Plugin::new("mine", "0.1.0").write_to(&machine.project("plugins/mine"));
    let run = machine.run(machine.command().current_dir(machine.project("plugins")).args(["add", "./mine"]));
    assert_eq!(run.code, 0, "{}", run.all());
    assert_eq!(declared(&machine, "mine"), "mine = { path = \"plugins/mine\" }");
}

#[test]
fn a_folder_that_is_no_plugin() {
    let registry = Registry::shop();
    let machine = project(&registry);
    std::fs::create_dir(machine.path("empty")).unwrap();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "../empty"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["add", "./nowhere"]).all(), @"");
    machine.write("../odd/plugin.yaml", "mfp: 1\nplugin:\n  id: odd\n  version: 1.0.0\n  types: [template]\n  colour: red\n");
    insta::assert_snapshot!(machine.mfp(["add", "../odd"]).all(), @"");
    assert_eq!(machine.files(), before);
}

#[test]
fn what_is_not_there_yet_says_so() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "https://github.com/acme/plugins"]).all(), @"");
    for spec in ["git+https://example.org/x#v1", "git@example.org:u/r", "acme/plugins#v1", "remote+http://auth:8080"] {
        machine.mfp(["add", spec]).fails(2, "mfp::unsupported");
    }
    machine.mfp(["add", "greet", "--tag", "v1"]).fails(2, "mfp::unsupported");
    assert_eq!(machine.files(), before);
}

#[test]
fn what_can_be_two_things_asks() {
    let registry = Registry::shop();
    let machine = project(&registry);
    insta::assert_snapshot!(machine.mfp(["add", "https://example.org/thing"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["add"]).all(), @"");
    machine.mfp(["add", "greet", "hash", "--rename", "x"]).fails(2, "mfp::usage::arguments");
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--registry", "defualt"]).all(), @"");
}

#[test]
fn nothing_is_installed_with_no_sync_and_nothing_changes_with_dry_run() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--dry-run"]).all(), @"");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--no-sync"]).all(), @"");
    assert!(machine.has("plugins.lock") && !machine.has(".mockforge/plugins/greet"));
}

#[test]
fn a_plugin_that_asks_for_more_is_stopped_until_a_person_says_yes() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "caller"]).all(), @"");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["add", "caller", "--approve"]).all(), @"");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("[plugins]").unwrap().1, @"");
}

#[test]
fn comments_and_order_of_the_manifest_stay() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "# ours\n[plugins]\nhash = \"^0.3\"   # for etags\n\n[resolver]\nstrategy = \"highest\"\n");
    machine.ok(["add", "greet"]);
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("# ours").unwrap().1, @"");
}

#[test]
fn a_name_that_is_there_gets_the_new_requirement() {
    let registry = Registry::shop();
    let machine = project(&registry);
    machine.ok(["add", "greet@1.0.0"]);
    insta::assert_snapshot!(machine.mfp(["add", "greet"]).all(), @"");
    assert_eq!(declared(&machine, "greet"), "greet = \"^2.0.0\"");
}

#[test]
fn install_is_add_with_names_and_sync_without() {
    let registry = Registry::shop();
    let machine = project(&registry);
    machine.ok(["install", "hash"]);
    assert_eq!(declared(&machine, "hash"), "hash = \"^0.3.1\"");
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    insta::assert_snapshot!(machine.mfp(["install"]).all(), @"");
    assert!(machine.has(".mockforge/plugins/hash/plugin.wasm"));
}

#[test]
fn where_there_is_no_project() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["add", "greet"]).all(), @"");
}

#[test]
fn a_lock_that_may_not_change_cant_be_added_to() {
    let registry = Registry::shop();
    let machine = project(&registry);
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--locked"]).all(), @"");
    machine.mfp(["remove", "greet", "--frozen"]).fails(2, "mfp::usage::locked");
    machine.mfp(["update", "--locked"]).fails(2, "mfp::usage::locked");
    machine.mfp(["upgrade", "--locked"]).fails(2, "mfp::usage::locked");
    machine.run(machine.command().env("MFP_LOCKED", "1").args(["add", "greet"])).fails(2, "mfp::usage::locked");
}

#[test]
fn in_ci_add_still_works() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let run = machine.run(machine.command().env("CI", "true").args(["add", "hash"]));
    assert_eq!(run.code, 0, "{}", run.all());
}
