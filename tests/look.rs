//! `mfp list`, `tree`, `why`, `outdated`, `info`, `docs`, `search`: looking, without changing anything.

use crate::support::{Machine, Plugin, Registry};

fn project() -> (Registry, Machine) {
    let registry = Registry::shop();
    registry.publish(&Plugin::new("shout", "1.0.0").needs("words", "^1.0").needs("greet", "^1"));
    let machine = Machine::with_manifest(
        &registry,
        "[plugins]\ngreet = \"^1\"\nshout = \"1\"\nmine = { path = \"../mine\" }\n\n[config.greet]\nloud = true\nkey = { env = \"GREET_KEY\" }\n",
    );
    Plugin::new("mine", "0.1.0").write_to(&machine.path("mine"));
    machine.ok(["sync"]);
    (registry, machine)
}

#[test]
fn list_what_is_locked() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["list"]).all(), @"
    exit 0
    --- stdout
    greet 1.1.0
    mine 0.1.0 (../mine)
    shout 1.0.0
    words 1.1.0
    --- stderr
    ");
    assert_eq!(machine.mfp(["ls", "--direct"]).stdout, "greet 1.1.0\nmine 0.1.0 (../mine)\nshout 1.0.0\n");
}

#[test]
fn where_nothing_is_locked_yet() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n");
    insta::assert_snapshot!(machine.mfp(["list"]).all(), @"
    exit 3
    --- stdout
    --- stderr
    error[mfp::lock::missing]: there's no plugins.lock in [ROOT]/project
    help: run `mfp lock`
    ");
    for command in ["tree", "outdated", "verify"] {
        machine.mfp([command]).fails(3, "mfp::lock::missing");
    }
}

#[test]
fn a_tree_from_above_and_from_below() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["tree"]).all(), @"
    exit 0
    --- stdout
    greet 1.1.0
    └── words 1.1.0
    mine 0.1.0 (../mine)
    shout 1.0.0
    ├── greet 1.1.0 (*)
    └── words 1.1.0
    (*) shown above with what's below it
    --- stderr
    ");
    insta::assert_snapshot!(machine.mfp(["tree", "--depth", "1"]).stdout, @"
    greet 1.1.0
    └── words 1.1.0
    mine 0.1.0 (../mine)
    shout 1.0.0
    ├── greet 1.1.0 (*)
    └── words 1.1.0
    (*) shown above with what's below it
    ");
    insta::assert_snapshot!(machine.mfp(["tree", "--depth", "0"]).stdout, @"
    greet 1.1.0
    mine 0.1.0 (../mine)
    shout 1.0.0
    ");
    insta::assert_snapshot!(machine.mfp(["tree", "--invert", "words"]).stdout, @"
    words 1.1.0
    ├── greet 1.1.0
    │   └── shout 1.0.0
    └── shout 1.0.0
    ");
    insta::assert_snapshot!(machine.mfp(["tree", "shout"]).stdout, @"
    shout 1.0.0
    ├── greet 1.1.0
    │   └── words 1.1.0
    └── words 1.1.0
    ");
    insta::assert_snapshot!(machine.mfp(["tree", "wrods"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::lock::not-locked]: there's no plugin `wrods` in plugins.lock
    help: did you mean words?
    ");
}

#[test]
fn why_a_plugin_is_there() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["why", "words"]).all(), @"
    exit 0
    --- stdout
    your project wants greet ^1 (mockforge-plugins.toml, line 5)
      greet 1.1.0 depends on words ^1
    your project wants shout ^1 (mockforge-plugins.toml, line 6)
      shout 1.0.0 depends on words ^1.0
    --- stderr
    ");
    insta::assert_snapshot!(machine.mfp(["why", "mine"]).all(), @"
    exit 0
    --- stdout
    your project wants mine (mockforge-plugins.toml, line 7)
    --- stderr
    ");
    machine.mfp(["why", "nothing"]).fails(1, "mfp::lock::not-locked");
}

#[test]
fn what_has_newer_versions() {
    let (registry, machine) = project();
    registry.publish(&Plugin::new("words", "1.2.0"));
    insta::assert_snapshot!(machine.mfp(["outdated"]).all(), @"
    exit 0
    --- stdout
    plugin  current  compatible  latest
    greet   1.1.0    1.1.0       2.0.0
    words   1.1.0    1.2.0       1.2.0
    --- stderr
    ");
    assert_eq!(machine.mfp(["outdated", "--exit-code"]).code, 1);
}

#[test]
fn prereleases_and_yanked_versions_are_nothing_new() {
    let registry = Registry::with([Plugin::new("words", "1.0.0")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nwords = \"^1\"\n");
    machine.ok(["lock"]);
    registry.publish(&Plugin::new("words", "2.0.0-rc.1"));
    registry.publish(&Plugin::new("words", "3.0.0").with(|plugin| plugin.yanked = true));
    insta::assert_snapshot!(machine.mfp(["outdated", "--exit-code"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Everything is up to date
    ");
}

#[test]
fn info_about_a_plugin() {
    let (_registry, machine) = project();
    let run = machine.mfp(["info", "greet"]);
    let text: String = run
        .all()
        .lines()
        .filter(|line| !line.starts_with("content") && !line.starts_with("size"))
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!(text, @"
    exit 0
    --- stdout
    greet 1.1.0
    A plugin for tests
    types         template
    license       MIT
    source        registry+default
    locked        1.1.0
    versions      2.0.0, 1.1.0, 1.0.0
    published     2026-01-01T00:00:00Z
    asks for      nothing beyond the defaults
    depends on    words ^1
    --- stderr
    ");
    assert!(machine.mfp(["info", "greet@2.0.0"]).stdout.starts_with("greet 2.0.0\n"));
    assert!(machine.mfp(["show", "mine"]).stdout.starts_with("mine 0.1.0\n"));
    let asks = machine.mfp(["info", "caller"]).stdout;
    assert!(asks.contains("asks for      {\"http\":[\"api.example.com\"]}"), "{asks}");
}

#[test]
fn info_about_a_configuration_shows_no_secret() {
    let (_registry, machine) = project();
    let run = machine.run(machine.command().env("GREET_KEY", "s3cret").args(["info", "greet", "--config"]));
    assert!(run.stdout.contains("GREET_KEY") && !run.stdout.contains("s3cret"), "{}", run.all());
}

#[test]
fn info_about_what_isnt_there() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["info", "gret"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::not-found]: Plugin 'gret' not found in registry 'default'
    help: did you mean greet?
    ");
    insta::assert_snapshot!(machine.mfp(["info", "greet@9.0.0"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::no-version]: greet has no version 9.0.0
    help: it has 2.0.0, 1.1.0, 1.0.0
    ");
    insta::assert_snapshot!(machine.mfp(["info", "greet@x"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::spec]: `greet@x` can't be understood
       ╭─[argument:1:7]
     1 │ greet@x
       ·       ┬
       ·       ╰── not a semantic version: unexpected character 'x' while parsing major version number
       ╰────
    help: write it as `NAME@1.2.3`
    ");
}

#[test]
fn docs_are_the_readme_of_the_locked_version() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["docs", "words"]).all(), @"
    exit 0
    --- stdout
    # words

    It echoes.
    --- stderr
    ");
    insta::assert_snapshot!(machine.mfp(["docs", "hash"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::lock::not-locked]: there's no plugin `hash` in plugins.lock
    help: `mfp list` shows what's locked
    ");
}

#[test]
fn search_in_names_descriptions_and_keywords() {
    let (_registry, machine) = project();
    insta::assert_snapshot!(machine.mfp(["search", "gree"]).all(), @"
    exit 0
    --- stdout
    greet 2.0.0 [template]  A plugin for tests
    --- stderr
    ");
    insta::assert_snapshot!(machine.mfp(["search", "test", "plugin", "--limit", "2"]).all(), @"
    exit 0
    --- stdout
    caller 1.0.0 [template]  A plugin for tests
    greet 2.0.0 [template]  A plugin for tests
    --- stderr
    ");
    insta::assert_snapshot!(machine.mfp(["search", "nothing-like-it"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Nothing was found
    ");
}

#[test]
fn nothing_from_a_registry_moves_the_cursor() {
    let (registry, machine) = project();
    registry.put(
        "search.json",
        "[{\"name\":\"evil\",\"version\":\"1.0.0\",\"description\":\"\\u001b[2Jgone\\u202e\",\"types\":[\"template\"]}]".as_bytes(),
    );
    let run = machine.mfp(["search", "evil"]);
    assert!(!run.stdout.contains('\u{1b}') && !run.stdout.contains('\u{202e}'), "{:?}", run.stdout);
    assert!(run.stdout.contains("gone"));
}
