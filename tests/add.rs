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
    insta::assert_snapshot!(machine.mfp(["add", "greet"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 2 plugins in [TIME] (1.1 KiB)
    Installed 2 plugins in [TIME]
     + greet 2.0.0
     + words 1.1.0
    ");
    assert_eq!(declared(&machine, "greet"), "greet = \"^2.0.0\"");
    assert!(machine.has(".mockforge/plugins/greet/plugin.wasm"));
    assert!(machine.has(".mockforge/plugins/words/plugin.yaml"));
}

#[test]
fn a_version_an_incomplete_version_and_a_requirement() {
    let registry = Registry::shop();
    for (spec, written, version) in [
        ("greet@1.0.0", "greet = \"=1.0.0\"", "1.0.0"),
        ("greet@1.0", "greet = \"^1.0\"", "1.1.0"),
        ("greet@^1", "greet = \"^1\"", "1.1.0"),
        ("greet@>=1, <3", "greet = \">=1, <3\"", "2.0.0"),
    ] {
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
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--group", "load-test", "--rename", "hello"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 4 plugins in [TIME]
    Checked 3 plugins in [TIME]
    In plugins.lock only:
     + hello 2.0.0
    ");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("[plugins]").unwrap().1, @r#"
    greet = "=1.1.0"
    hash = "^0.3.1"

    [groups.load-test]
    hello = { version = "^2.0.0", package = "greet" }
    "#);
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
    insta::assert_snapshot!(machine.mfp(["add", "hash"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 3 plugins in [TIME]
    Fetched 1 plugin in [TIME] (571 B)
    Installed 1 plugin in [TIME]
     + hash 1.0.0
    ");
    insta::assert_snapshot!(machine.mfp(["list"]).stdout, @"
    greet 1.0.0
    hash 1.0.0
    words 1.0.0
    ");
}

#[test]
fn an_unknown_name_gets_the_nearest_ones() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "gret"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::not-found]: Plugin 'gret' not found in registry 'default'. Did you mean greet?
    help: `mfp add greet`
    ");
    insta::assert_snapshot!(machine.mfp(["add", "zzzzzzzzz"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::not-found]: Plugin 'zzzzzzzzz' not found in registry 'default'
    help: `mfp search TEXT` looks through the registry
    ");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_version_that_is_not_there() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "greet@9"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: greet ^9 can't be had
      Because no version of greet matches ^9 (there are 2.0.0, 1.1.0 and 1.0.0),
      greet ^9 can't be had.
    help: loosen one of the requirements that are named, or take one of the plugins out
    ");
    insta::assert_snapshot!(machine.mfp(["add", "greet@banana"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::spec]: `greet@banana` can't be understood
       ╭─[argument:1:7]
     1 │ greet@banana
       ·       ───┬──
       ·          ╰── not a version requirement: unexpected character 'b' while parsing major version number
       ╰────
    help: `greet@1.2.3` is exactly that version, `greet@1.2` and `greet@^1.2` are compatible ones
    ");
    insta::assert_snapshot!(machine.mfp(["add", "Greet_Me"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::spec]: `Greet_Me` can't be understood
       ╭─[argument:1:1]
     1 │ Greet_Me
       · ────┬───
       ·     ╰── names are lower-case letters, digits and single hyphens; this one would have to be `greet-me`
       ╰────
    help: `mfp add greet-me`
    ");
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
    insta::assert_snapshot!(machine.mfp(["add", "shout"]).all(), @r#"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: these plugins can't be had together
       ╭─[mockforge-plugins.toml:5:1]
     5 │ greet = "^1.0.0"
       · ────────┬───────
       ·         ╰── your project wants greet ^1.0.0
       ╰────
      Because greet 1.0.0 depends on words ^1
      and shout 1.0.0 depends on words ^2,
      greet ^1.0.0 and shout exclude each other.
    help: loosen one of the requirements that are named, or take one of the plugins out
    "#);
    assert_eq!(machine.files(), before);
}

#[test]
fn an_archive_by_its_url() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let archive = Plugin::new("hash", "0.3.1").archive();
    let url = format!("{}dl/hash/0.3.1/hash-0.3.1.tar.gz", registry.url());
    insta::assert_snapshot!(machine.mfp(["add", url.as_str()]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Installed 1 plugin in [TIME]
     + hash 0.3.1 (file://[REGISTRY]/dl/hash/0.3.1/hash-0.3.1.tar.gz)
    ");
    assert_eq!(declared(&machine, "hash"), format!("hash = {{ url = \"{url}\" }}"));

    let machine = project(&registry);
    let digest: String = sha2::Sha256::digest(&archive).iter().map(|byte| format!("{byte:02x}")).collect();
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
    insta::assert_snapshot!(machine.mfp(["add", "../my-plugin"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 2 plugins in [TIME] (579 B)
    Installed 2 plugins in [TIME]
     + mine 0.1.0 (../my-plugin)
     + words 1.1.0
    ");
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

/// A module with its `plugin.yaml` in the custom section that a bare `.wasm` has for it.
fn self_describing(plugin: &Plugin) -> Vec<u8> {
    let name = b"mockforge:plugin";
    let yaml: String = plugin.yaml().lines().filter(|line| !line.contains("include")).map(|line| line.to_owned() + "\n").collect();
    let byte = |number: usize| u8::try_from(number).expect("it's less than 256");
    let content = [&[byte(name.len())][..], name, yaml.as_bytes()].concat();
    let size = [byte(content.len() & 0x7f) | 0x80, byte(content.len() >> 7)];
    [plugin.wasm.as_slice(), &[0], &size, &content].concat()
}

#[test]
fn a_bare_module_that_says_what_it_is() {
    let registry = Registry::shop();
    let machine = project(&registry);
    machine.write("modules/shout.wasm", self_describing(&Plugin::new("shout", "0.2.0")));
    insta::assert_snapshot!(machine.mfp(["add", "./modules/shout.wasm"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Fetched 1 plugin in [TIME]
    Installed 1 plugin in [TIME]
     + shout 0.2.0 (modules/shout.wasm)
    ");
    assert_eq!(declared(&machine, "shout"), "shout = { path = \"modules/shout.wasm\" }");
    insta::assert_snapshot!(machine.mfp(["run", "shout", "upper", "[1]"]).stdout, @r#"
    {"function_name":"upper","args":[1],"context":{}}
    "#);
    let url = format!("file://{}", machine.project("modules/shout.wasm").display());
    let other = project(&registry);
    other.ok(["add", &url]);
    assert_eq!(other.mfp(["list"]).stdout.split(" (").next(), Some("shout 0.2.0"));
}

#[test]
fn a_bare_module_that_doesnt() {
    let registry = Registry::shop();
    let machine = project(&registry);
    machine.write("quiet.wasm", Plugin::new("quiet", "1.0.0").wasm);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "./quiet.wasm"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::manifest::invalid]: quiet: the module says nothing about itself, not even what type of plugin it is
    help: a bare .wasm has its plugin.yaml in the custom section `mockforge:plugin`, or its type in the manifest: `{ path = "…", types = ["template"] }`
    "#);
    machine.write("text.wasm", "I'm a text");
    insta::assert_snapshot!(machine.mfp(["add", "./text.wasm"]).all(), @"
    exit 4
    --- stdout
    --- stderr
    error[mfp::wasm::invalid]: text: not a WebAssembly module or component: it doesn't begin like one (at byte 0)
    help: nothing was kept; a plugin is a WebAssembly module, or a package with one in it
    ");
    assert_eq!(machine.files(), before);
    let manifest = machine.read("mockforge-plugins.toml");
    machine.write(
        "mockforge-plugins.toml",
        format!("{manifest}quiet = {{ path = \"quiet.wasm\", types = [\"template\"], version = \"1.0.0\" }}\n"),
    );
    machine.ok(["sync"]);
    assert_eq!(machine.mfp(["run", "quiet", "upper"]).code, 0);
}

#[test]
fn a_folder_that_is_no_plugin() {
    let registry = Registry::shop();
    let machine = project(&registry);
    std::fs::create_dir(machine.path("empty")).unwrap();
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "../empty"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::path::invalid]: the folder `../empty` isn't a plugin
      there's no plugin.yaml in it
    help: check the path
    ");
    insta::assert_snapshot!(machine.mfp(["add", "./nowhere"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::spec]: `./nowhere` can't be a plugin: No such file or directory (os error 2)
    help: name a folder with a plugin.yaml in it, or a .wasm file
    ");
    machine.write("../odd/plugin.yaml", "mfp: 1\nplugin:\n  id: odd\n  version: 1.0.0\n  types: [template]\n  colour: red\n");
    insta::assert_snapshot!(machine.mfp(["add", "../odd"]).all(), @"
    exit 4
    --- stdout
    --- stderr
    error[mfp::manifest::invalid]: ../odd/plugin.yaml can't be read as a plugin's manifest
       ╭─[../odd/plugin.yaml:6:3]
     6 │   colour: red
       ·   ───┬──
       ·      ╰── unknown key `plugin.colour`
       ╰────
    help: known here: id, version, types, name, description, license, author, homepage, repository, documentation, keywords, categories, runtime, entry, include
    ");
    assert_eq!(machine.files(), before);
}

#[test]
fn what_is_not_there_yet_says_so() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "remote+http://auth:8080"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::spec]: `http://auth:8080` is a service, whose name and types nobody can look up
    help: say them: `mfp add remote+http://auth:8080 --rename NAME --type auth` (or template, response, datasource)
    "#);
    // What's named offline is asked nobody.
    for spec in ["git+https://example.org/x#v1", "acme/plugins#v1"] {
        machine.mfp(["add", "--offline", spec]).fails(6, "mfp::network::offline");
    }
    machine.mfp(["add", "--offline", "greet", "--tag", "v1"]).fails(1, "mfp::git::no-repository");
    assert_eq!(machine.files(), before);
}

#[test]
fn a_service_is_added_by_its_address_and_what_is_said_of_it() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let add = |more: &[&str]| machine.mfp(["add"].into_iter().chain(more.iter().copied()));
    insta::assert_snapshot!(add(&["remote+https://auth.example/base/", "--rename", "oauth", "--type", "template", "--type", "auth"]).all(), @r#"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Checked 0 plugins in [TIME]
    In plugins.lock only:
     + oauth (a service) (remote+https://auth.example/base)
    "#);
    assert_eq!(add(&["remote+env:RATES_URL", "--rename", "rates", "--type", "datasource"]).code, 0);
    assert_eq!(add(&["remote+http://127.0.0.1:8080", "--rename", "near", "--type", "response", "--no-sync"]).code, 0);
    let manifest = machine.read("mockforge-plugins.toml");
    for line in [
        r#"oauth = { remote = "https://auth.example/base", types = ["auth", "template"] }"#,
        r#"rates = { remote = { env = "RATES_URL" }, types = ["datasource"] }"#,
        r#"near = { remote = "http://127.0.0.1:8080", types = ["response"] }"#,
    ] {
        assert!(manifest.lines().any(|known| known == line), "{manifest}");
    }
    machine.ok(["lock", "--check"]);

    machine.write("mockforge-plugins.toml", format!("{manifest}\n[policy]\ndeny = [\"remote:https://evil.example/*\"]\n"));
    let before = machine.files();
    insta::assert_snapshot!(add(&["remote+http://auth.example", "--rename", "far", "--type", "auth"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::spec]: `http://auth.example` is plain http to another machine, which can be read and changed on its way
    help: use https, or write it into mockforge-plugins.toml with `allow-http = true` beside it if you know that network
    "#);
    for (more, code) in [
        (&["remote+ftp://auth.example", "--rename", "x", "--type", "auth"][..], "mfp::usage::spec"),
        (&["remote+env:a b", "--rename", "x", "--type", "auth"], "mfp::usage::spec"),
        (&["remote+https://auth.example", "--rename", "x"], "mfp::usage::spec"),
        (&["remote+https://auth.example", "--type", "auth"], "mfp::usage::spec"),
        (&["greet", "--type", "auth"], "mfp::usage::arguments"),
    ] {
        add(more).fails(2, code);
    }
    add(&["remote+https://evil.example/x", "--rename", "x", "--type", "auth"]).fails(5, "mfp::policy::source");
    assert_eq!(machine.files(), before);
}

#[test]
fn what_can_be_two_things_asks() {
    let registry = Registry::shop();
    let machine = project(&registry);
    insta::assert_snapshot!(machine.mfp(["add", "https://example.org/thing"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::spec]: `https://example.org/thing` could be an archive or a git repository
    help: say which: `mfp add --url https://example.org/thing` or `mfp add git+https://example.org/thing`
    ");
    insta::assert_snapshot!(machine.mfp(["add"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: what is to be added?
    help: `mfp add NAME`, `mfp add URL` or `mfp add ./folder`
    ");
    machine.mfp(["add", "greet", "hash", "--rename", "x"]).fails(2, "mfp::usage::arguments");
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--registry", "defualt"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::registry::undeclared]: the project names no registry `defualt`
    help: did you mean `--registry default`?
    ");
}

#[test]
fn nothing_is_installed_with_no_sync_and_nothing_changes_with_dry_run() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--dry-run"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
     + greet 2.0.0
     + words 1.1.0
    ");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--no-sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 2 plugins in [TIME] (1.1 KiB)
     + greet 2.0.0
     + words 1.1.0
    ");
    assert!(machine.has("plugins.lock") && !machine.has(".mockforge/plugins/greet"));
}

#[test]
fn a_plugin_that_asks_for_more_is_stopped_until_a_person_says_yes() {
    let registry = Registry::shop();
    let machine = project(&registry);
    let before = machine.files();
    insta::assert_snapshot!(machine.mfp(["add", "caller"]).all(), @"
    exit 5
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    error[mfp::approval::missing]: a plugin asks for more than was approved
      • caller 1.0.0 asks for http api.example.com
      no file was changed
    help: if a person has decided that it may: `mfp add caller --approve`
    ");
    assert_eq!(machine.files(), before);
    insta::assert_snapshot!(machine.mfp(["add", "caller", "--approve"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 1 plugin in [TIME]
    Fetched 1 plugin in [TIME] (665 B)
    Installed 1 plugin in [TIME]
     + caller 1.0.0
    ");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("[plugins]").unwrap().1, @r#"
    caller = "^1.0.0"

    [approvals]
    caller = { source = "registry+default", http = ["api.example.com"] }
    "#);
}

#[test]
fn comments_and_order_of_the_manifest_stay() {
    let registry = Registry::shop();
    let machine =
        Machine::with_manifest(&registry, "# ours\n[plugins]\nhash = \"^0.3\"   # for etags\n\n[resolver]\nstrategy = \"highest\"\n");
    machine.ok(["add", "greet"]);
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml").split_once("# ours").unwrap().1, @r#"
    [plugins]
    greet = "^2.0.0"
    hash = "^0.3"   # for etags

    [resolver]
    strategy = "highest"
    "#);
}

#[test]
fn a_name_that_is_there_gets_the_new_requirement() {
    let registry = Registry::shop();
    let machine = project(&registry);
    machine.ok(["add", "greet@1.0.0"]);
    insta::assert_snapshot!(machine.mfp(["add", "greet"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 2 plugins in [TIME]
    Fetched 1 plugin in [TIME] (622 B)
    Installed 1 plugin in [TIME]
     ~ greet 1.0.0 → 2.0.0
    ");
    assert_eq!(declared(&machine, "greet"), "greet = \"^2.0.0\"");
}

#[test]
fn install_is_add_with_names_and_sync_without() {
    let registry = Registry::shop();
    let machine = project(&registry);
    machine.ok(["install", "hash"]);
    assert_eq!(declared(&machine, "hash"), "hash = \"^0.3.1\"");
    std::fs::remove_dir_all(machine.project(".mockforge")).unwrap();
    insta::assert_snapshot!(machine.mfp(["install"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Installed 1 plugin in [TIME]
     + hash 0.3.1
    ");
    assert!(machine.has(".mockforge/plugins/hash/plugin.wasm"));
}

#[test]
fn where_there_is_no_project() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["add", "greet"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::project::not-found]: there's no mockforge-plugins.toml in [ROOT]/project or above
    help: make one with `mfp init`, or name the project: `--project DIR`
    ");
}

#[test]
fn a_lock_that_may_not_change_cant_be_added_to() {
    let registry = Registry::shop();
    let machine = project(&registry);
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--locked"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::locked]: `mfp add` changes plugins.lock, which --locked and --frozen forbid
    help: run `mfp add` without them
    ");
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

#[test]
fn a_part_of_a_name_is_near() {
    let registry = Registry::with([Plugin::new("auth-hmac-token", "1.0.0")]);
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    let run = machine.mfp(["add", "auth-hmac"]);
    run.fails(1, "mfp::resolve::not-found");
    assert!(run.stderr.contains("Did you mean auth-hmac-token?"), "{}", run.stderr);
}
