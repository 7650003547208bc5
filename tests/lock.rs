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
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
     + greet 1.1.0
     + words 1.1.0
    ");
    let first = machine.read("plugins.lock");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    No plugin changed
    ");
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
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    No plugin changed
    ");
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\"") && !machine.read("plugins.lock").contains("1.1.0"));
}

#[test]
fn upgrade_takes_the_newest_of_everything() {
    let (_registry, machine) = behind();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade", "--dry-run"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
     ~ greet 1.0.0 → 1.1.0
     ~ words 1.0.0 → 1.1.0
    ");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
     ~ greet 1.0.0 → 1.1.0
     ~ words 1.0.0 → 1.1.0
    ");
}

#[test]
fn upgrade_one_plugin_or_take_exactly_a_version() {
    let (registry, machine) = behind();
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "words"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
     ~ words 1.0.0 → 1.1.0
    ");
    registry.publish(&Plugin::new("greet", "1.2.0").needs("words", "^1"));
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "greet@1.1.0"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
     ~ greet 1.0.0 → 1.1.0
    ");
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "greet@7.0.0"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::no-version]: greet has no version 7.0.0
    help: `mfp info greet` shows which it has
    ");
    insta::assert_snapshot!(machine.mfp(["lock", "--upgrade-plugin", "gret"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::lock::not-locked]: there's no plugin `gret` in plugins.lock
    help: did you mean greet?
    ");
    machine.mfp(["lock", "--upgrade-plugin", "greet@1.x"]).fails(2, "mfp::usage::spec");
}

#[test]
fn check_says_why_the_lock_isnt_fresh() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\nhash = \"^0.3\"\n");
    insta::assert_snapshot!(machine.mfp(["lock", "--check"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::missing]: there's no plugins.lock, and `--check` writes nothing
    help: run `mfp lock` and commit plugins.lock
    ");
    machine.ok(["lock"]);
    insta::assert_snapshot!(machine.mfp(["lock", "--check"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    plugins.lock is fresh (3 plugins)
    ");
    rewrite(&machine, "greet = \"^1\"\nhash = \"^0.3\"", "greet = \"^2\"\ncaller = \"^1\"");
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["lock", "--check"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::stale]: `plugins.lock` is out of date with `mockforge-plugins.toml`, and `--check` writes nothing
      • caller: in the manifest (line 6), not in the lock
      • greet: the manifest wants `^2` (line 5), the lock was made for `^1`
      • hash: in the lock, no longer in the manifest
    help: run `mfp lock` and commit plugins.lock
    ");
    insta::assert_snapshot!(machine.mfp(["sync", "--locked"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::stale]: `plugins.lock` is out of date with `mockforge-plugins.toml`, and `--locked` was given
      • caller: in the manifest (line 6), not in the lock
      • greet: the manifest wants `^2` (line 5), the lock was made for `^1`
      • hash: in the lock, no longer in the manifest
    help: run `mfp lock` and commit plugins.lock
    ");
    assert_eq!(machine.files(), before);
}

#[test]
fn frozen_takes_the_lock_as_it_is() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["sync", "--frozen"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::missing]: there's no plugins.lock in [ROOT]/project
    help: run `mfp lock`
    ");
    machine.ok(["lock"]);
    rewrite(&machine, "^1", "^2");
    insta::assert_snapshot!(machine.mfp(["sync", "--frozen"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Fetched 2 plugins in [TIME] (1.1 KiB)
    Installed 2 plugins in [TIME]
     + greet 1.1.0
     + words 1.1.0
    ");
}

#[test]
fn a_broken_lock_is_not_overwritten_unless_told() {
    let (_registry, machine) = behind();
    let whole = machine.read("plugins.lock");
    machine.write("plugins.lock", whole.replace("version = \"1.0.0\"", "version = \"1.0\""));
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::lock::invalid]: plugins.lock can't be read
        ╭─[plugins.lock:19:11]
     19 │ version = "1.0"
        ·           ──┬──
        ·             ╰── `greet`: a version has three numbers; this one would have to be `1.0.0`
        ╰────
    help: take plugins.lock from version control again, or run `mfp lock --rebuild` to make a new one
    "#);
    insta::assert_snapshot!(machine.mfp(["lock", "--rebuild"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    plugins.lock can't be read, and is made anew
    Resolved 2 plugins in [TIME]
     + greet 1.1.0
     + words 1.1.0
    ");
    assert!(machine.read("plugins.lock").contains("version = \"1.1.0\""));
}

#[test]
fn a_lock_from_the_future() {
    let (_registry, machine) = behind();
    let whole = machine.read("plugins.lock");
    machine.write("plugins.lock", whole.replace("version = 1\n", "version = 2\n"));
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::lock::version]: plugins.lock can't be read
       ╭─[plugins.lock:2:11]
     2 │ version = 2
       ·           ┬
       ·           ╰── the lock has version 2, and this mfp knows versions up to 1
       ╰────
    help: install a newer mfp
    ");
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
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::lock::conflict-markers]: plugins.lock can't be read
        ╭─[plugins.lock:33:1]
     33 │ <<<<<<< ours
        · ──────┬─────
        ·       ╰── the lock has conflict markers: a merge was left unfinished
        ╰────
    help: run `mfp lock`: it takes both sides as preferences and resolves the merged manifest
    ");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    plugins.lock is in conflict: both sides are taken as preferences
    Resolved 3 plugins in [TIME]
    Next: `git add plugins.lock`
     + hash 0.3.1
    ");
    assert_eq!(machine.read("plugins.lock"), both);
}

#[test]
fn a_manifest_with_mistakes_shows_them_all() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^one\"\nHash = \"1\"\n\n[plugin]\nx = 1\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::manifest::invalid]: mockforge-plugins.toml has 3 mistakes
      • 6:1 plugins: `Hash`: names are lower-case letters, digits and single hyphens; this one would have to be `hash`
      • 8:2 unknown key `plugin`
       ╭─[mockforge-plugins.toml:5:9]
     5 │ greet = "^one"
       ·         ───┬──
       ·            ╰── plugins.greet: not a version requirement: unexpected character 'o' while parsing major version number
       ╰────
    help: `mfp schema manifest --example` shows what the file can hold
    "#);
    machine.write("mockforge-plugins.toml", "[plugins\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::manifest::syntax]: mockforge-plugins.toml has a mistake
       ╭─[mockforge-plugins.toml:1:8]
     1 │ [plugins
       ·        ┬
       ·        ╰── not valid TOML: unclosed table, expected `]`
       ╰────
    help: `mfp schema manifest --example` shows what the file can hold
    ");
    machine.write("mockforge-plugins.toml", "[plugins]\ngreet = \"1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::manifest::no-registry]: mockforge-plugins.toml has a mistake
       ╭─[mockforge-plugins.toml:2:9]
     2 │ greet = "1"
       ·         ─┬─
       ·          ╰── `greet` is to come from the registry `default`, but there is no such registry
       ╰────
    help: declare it: `[registries]` with `default = "https://…"`
    "#);
    machine.write("mockforge-plugins.toml", "[project]\nmfp = \">=9\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::manifest::mfp-version]: mockforge-plugins.toml has a mistake
       ╭─[mockforge-plugins.toml:2:7]
     2 │ mfp = ">=9"
       ·       ──┬──
       ·         ╰── project.mfp: this project needs mfp >=9, and this is mfp 0.1.0
       ╰────
    help: install an mfp that is >=9
    "#);
    machine.write("mockforge-plugins.toml", b"\xff\xfe");
    machine.mfp(["lock"]).fails(2, "mfp::project::encoding");
}

#[test]
fn what_the_manifest_may_say_and_mfp_cant_do_yet() {
    let registry = Registry::shop();
    let other = "[registries.other]\nurl = \"https://plugins.acme.example/\"\nkind = \"mockforge\"\n";
    let machine = Machine::with_manifest(&registry, other);
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::unsupported]: registry `other`: `kind = "mockforge"` isn't supported yet
       ╭─[mockforge-plugins.toml:4:13]
     4 │ [registries.other]
       ·             ──┬──
       ·               ╰── not in this version of mfp
       ╰────
    help: take it out of the manifest, or wait for a later version
    "#);
}

#[test]
fn a_registry_that_isnt_there() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[registries]\ndefault = \"file:../nowhere/\"\n\n[plugins]\ngreet = \"1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::registry::not-a-registry]: registry `default`: there's no config.json at file://[ROOT]/nowhere/
    help: check the URL under [registries] in mockforge-plugins.toml
    ");
}

#[test]
fn a_version_that_is_too_new_for_the_projects_own_policy() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0").with(|plugin| plugin.published = "2999-01-01T00:00:00Z".to_owned())]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[policy]\nmin-release-age = \"24h\"\n");
    let run = machine.mfp(["lock"]);
    run.fails(1, "mfp::resolve::conflict");
    assert!(run.stderr.contains("min-release-age"), "{}", run.stderr);
    machine.ok(["add", "greet@1.0.0"]);
}

#[test]
fn a_yanked_version_is_only_kept_never_taken() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0"), Plugin::new("greet", "1.1.0").with(|plugin| plugin.yanked = true)]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    machine.ok(["lock"]);
    assert!(machine.read("plugins.lock").contains("version = \"1.0.0\""));
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1.1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: greet ^1.1 can't be had
       ╭─[mockforge-plugins.toml:5:1]
     5 │ greet = "^1.1"
       · ───────┬──────
       ·        ╰── your project wants greet ^1.1
       ╰────
      Because greet 1.1.0 was yanked,
      greet ^1.1 can't be had.
    help: greet 1.1.0 would solve it, but was yanked;
          `mfp update greet --precise 1.1.0` takes it anyway
    "#);
}

#[test]
fn a_yanked_version_is_taken_by_whoever_names_it_in_full() {
    let registry = Registry::with([Plugin::new("greet", "1.1.0").with(|plugin| plugin.yanked = true)]);
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    insta::assert_snapshot!(machine.mfp(["add", "greet"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: greet can't be had
      Because greet 1.1.0 was yanked,
      greet can't be had.
    help: greet 1.1.0 would solve it, but was yanked;
          `mfp add greet@1.1.0` takes it anyway
    ");
    machine.ok(["add", "greet@1.1.0"]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: greet ^1 can't be had
       ╭─[mockforge-plugins.toml:5:1]
     5 │ greet = "^1"
       · ──────┬─────
       ·       ╰── your project wants greet ^1
       ╰────
      Because greet 1.1.0 was yanked,
      greet ^1 can't be had.
    help: greet 1.1.0 would solve it, but was yanked;
          `mfp update greet --precise 1.1.0` takes it anyway
    "#);
    machine.ok(["update", "greet", "--precise", "1.1.0"]);
    machine.ok(["lock"]);
    machine.ok(["lock", "--check"]);
}

#[test]
fn a_host_that_the_plugin_doesnt_support() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0").with(|plugin| plugin.mockforge = Some(">=2".to_owned()))]);
    let machine = Machine::with_manifest(&registry, "[project]\nmockforge = \">=0.3, <2\"\n\n[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: greet ^1 can't be had
       ╭─[mockforge-plugins.toml:8:1]
     8 │ greet = "^1"
       · ──────┬─────
       ·       ╰── your project wants greet ^1
       ╰────
      Because greet 1.0.0 supports MockForge >=2, and your project's `mockforge` is >=0.3, <2,
      greet ^1 can't be had.
    help: greet 1.0.0 would solve it, but supports MockForge >=2, and your project's `mockforge` is >=0.3, <2
    "#);
}
