//! `mfp config`, `doctor`, `schema`, `man`, `completions`, `self`: about this program and this machine.

use mfp_model::lock::{Lock, staleness};
use mfp_model::plugin::PluginManifest;
use mfp_model::project::Manifest;

use crate::support::{Machine, Registry};

#[test]
fn the_users_configuration() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["config", "path"]).all(), @"
    exit 0
    --- stdout
    [ROOT]/home/.config/mfp/config.toml
    --- stderr
    ");
    insta::assert_snapshot!(machine.mfp(["config", "get", "network.retries"]).all(), @"
    exit 1
    --- stdout
    --- stderr
    error[mfp::config::not-set]: `network.retries` isn't set
    help: `mfp config set network.retries VALUE`
    ");
    insta::assert_snapshot!(machine.mfp(["config", "set", "network.retries", "5"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    ");
    assert_eq!(machine.ok(["config", "get", "network.retries"]).stdout, "5\n");
    machine.ok(["config", "set", "mirrors.https://plugins.acme.example/", "https://mirror.internal/"]);
    machine.ok(["config", "set", "credentials.https://plugins.acme.example.token-env", "ACME_TOKEN"]);
    insta::assert_snapshot!(machine.mfp(["config", "list"]).all(), @"
    exit 0
    --- stdout
    # registry: the registry that `mfp init` writes into new projects
    # store-dir: where verified plugins are kept
    # cache-dir: where what can be fetched again is kept
    # link-mode: how files get from the store into plugin folders: auto, clone, hardlink, copy or symlink
    # lock-timeout: how long another mfp is waited for that holds the project, the store, a download or a repository
    # scan: a program and its arguments that look at each plugin before it's kept, `{path}` for its folder; refuses by its exit code
    # scan-timeout: how long the scanner may take for one plugin
    mirrors.https://plugins.acme.example/ = https://mirror.internal/
    credentials.https://plugins.acme.example.token-env = ACME_TOKEN
    # credential-store: where `mfp login` keeps tokens: auto, keyring or file
    # credential-timeout: how long a keyring or a credential helper is waited for
    # network.proxy: a proxy for everything, where the environment names none
    # network.ca-file: a PEM file of CA certificates to trust beside the system's
    # network.connect-timeout: how long a connection may take to be made
    # network.idle-timeout: how long a server may send nothing
    # network.artifact-timeout: how long an artifact may take
    network.retries = 5
    # network.concurrency: how many requests are in flight at once
    # policy.approvals-from: whose approvals count: the `project`'s (its `[approvals]`), or only those of the `user`, in this file
    # approvals: a table by project: the user's own approvals, which `mfp approve` writes where `policy.approvals-from` is `user`
    # policy.env: the environment variables that plugins get at most, whatever projects approve
    # policy.fs-read: the folders of projects that plugins may read at most
    # policy.fs-write: the folders of projects that plugins may write at most
    # policy.http: the hosts that plugins may ask at most
    # policy.memory: the most memory that a plugin gets
    # policy.time-ms: the most guest time that a plugin's call gets, in milliseconds
    --- stderr
    ");
    insta::assert_snapshot!(std::fs::read_to_string(machine.path("home/.config/mfp/config.toml")).unwrap(), @r#"
    [network]
    retries = 5

    [mirrors]
    "https://plugins.acme.example/" = "https://mirror.internal/"

    [credentials."https://plugins.acme.example"]
    token-env = "ACME_TOKEN"
    "#);
}

#[test]
fn a_key_or_a_value_that_cant_be() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["config", "set", "network.retry", "5"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::unknown-key]: there's no key `network.retry` in the user configuration
    help: did you mean `network.retries`?
    ");
    insta::assert_snapshot!(machine.mfp(["config", "set", "network.retries", "many"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::invalid]: `network.retries` can't be `many`: invalid type: string "many", expected u32
    help: `mfp config list` shows what each key means
    "#);
    insta::assert_snapshot!(machine.mfp(["config", "set", "network.concurrency", "0"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::invalid]: `network.concurrency` can't be `0`: [ROOT]/home/.config/mfp/config.toml: network.concurrency is between 1 and 1000
    help: `mfp config list` shows what each key means
    ");
    machine.mfp(["config", "get", "nonsense"]).fails(2, "mfp::config::unknown-key");
    assert!(!machine.path("home/.config/mfp/config.toml").exists());
}

#[test]
fn a_project_cant_give_what_is_the_users() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "[mirrors]\n\"https://a.example/\" = \"https://b.example/\"\n");
    machine.mfp(["lock"]).fails(2, "mfp::manifest::misplaced");
}

#[test]
fn doctor() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(&registry, "[plugins]\nhash = \"^0.3\"\n");
    let shown = |run: &crate::support::Run| {
        run.all().replace(&format!("{} ({}, {})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH), "[VERSION]")
    };
    insta::assert_snapshot!(shown(&machine.mfp(["doctor"])), @"
    exit 0
    --- stdout
    ✓ mfp                  [VERSION]
    ✓ user configuration   [ROOT]/home/.config/mfp/config.toml (not there)
    ✓ store                [ROOT]/store
    ✓ cache                [ROOT]/cache
    ✓ network              direct
    ✓ CI                   no
    ✓ project              [ROOT]/project (1 plugin)
    ✓ plugins.lock         not there yet: `mfp lock` makes it
    - ssh                  not there; for plugins from git over ssh: install an ssh client; https needs none
    - git                  not there; for plugins from git repositories in folders (`file:`): install git; https and ssh need none
    - Rust for wasm        not there; for plugins of your own: see https://rustup.rs, then `rustup target add wasm32-unknown-unknown`
    - Node and npm         not there; for plugins of your own: take version 20 or newer from https://nodejs.org
    - Python               not there; for plugins of your own: take version 3.10 or newer from https://www.python.org
    - Zig                  not there; for plugins of your own: `python3 -m pip install ziglang`, or take it from https://ziglang.org/download
    - C for wasm           not there; for plugins of your own: `python3 -m pip install ziglang`, or name a WASI SDK in WASI_SDK_PATH (https://github.com/WebAssembly/wasi-sdk)
    - wasm-opt             not there; for plugins of your own: `npm install --global binaryen`
    --- stderr
    ");
    machine.write("plugins.lock", "nonsense");
    insta::assert_snapshot!(shown(&machine.mfp(["doctor"])), @"
    exit 1
    --- stdout
    ✓ mfp                  [VERSION]
    ✓ user configuration   [ROOT]/home/.config/mfp/config.toml (not there)
    ✓ store                [ROOT]/store
    ✓ cache                [ROOT]/cache
    ✓ network              direct
    ✓ CI                   no
    ✓ project              [ROOT]/project (1 plugin)
    ✗ plugins.lock         can't be read
    - ssh                  not there; for plugins from git over ssh: install an ssh client; https needs none
    - git                  not there; for plugins from git repositories in folders (`file:`): install git; https and ssh need none
    - Rust for wasm        not there; for plugins of your own: see https://rustup.rs, then `rustup target add wasm32-unknown-unknown`
    - Node and npm         not there; for plugins of your own: take version 20 or newer from https://nodejs.org
    - Python               not there; for plugins of your own: take version 3.10 or newer from https://www.python.org
    - Zig                  not there; for plugins of your own: `python3 -m pip install ziglang`, or take it from https://ziglang.org/download
    - C for wasm           not there; for plugins of your own: `python3 -m pip install ziglang`, or name a WASI SDK in WASI_SDK_PATH (https://github.com/WebAssembly/wasi-sdk)
    - wasm-opt             not there; for plugins of your own: `npm install --global binaryen`
    --- stderr
    error[mfp::doctor::problems]: 1 problem found
      • plugins.lock: the lock ends in the middle of a line: it was cut
    help: correct them one by one, then run `mfp doctor` again
    ");
    let alone = Machine::new();
    alone.ok(["doctor"]);
}

/// https is spoken by mfp itself; the other ways to a repository go through programs.
#[test]
fn doctor_misses_what_the_projects_repositories_are_reached_through() {
    let doctor = |source: &str, variables: &[(&str, &str)]| {
        let machine = Machine::new();
        machine.write("mockforge-plugins.toml", format!("[plugins]\nhash = {{ git = \"{source}\" }}\n"));
        let mut command = machine.command();
        command.arg("doctor").env("PATH", machine.path("nothing")).envs(variables.iter().copied());
        machine.run(&mut command)
    };
    let run = doctor("https://git.example/acme/plugins", &[]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.stdout.contains("- ssh                  not there; for plugins from git over ssh:"), "{}", run.all());
    assert!(run.stdout.contains("- git                  not there; for plugins from git repositories in folders"), "{}", run.all());
    for (source, missing, other) in [("git@git.example:acme/plugins", "ssh", "git"), ("file:../plugins", "git", "ssh")] {
        let run = doctor(source, &[]);
        run.fails(1, "mfp::doctor::problems");
        assert!(run.stdout.contains(&format!("✗ {missing}                  missing")), "{}", run.all());
        assert!(run.stdout.contains(&format!("- {other}                  not there")), "{}", run.all());
    }
    let run = doctor("git@git.example:acme/plugins", &[("GIT_SSH_COMMAND", "my-ssh -v")]);
    assert_eq!(run.code, 0, "{}", run.all());
    assert!(run.stdout.contains("✓ ssh                  as GIT_SSH_COMMAND or core.sshCommand says"), "{}", run.all());
}

#[test]
fn schemas_and_examples() {
    let machine = Machine::new();
    for file in ["manifest", "lock", "plugin"] {
        let schema: serde_json::Value = serde_json::from_str(&machine.ok(["schema", file]).stdout).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{file}");
        assert!(machine.ok(["schema", file, "--example"]).stdout.ends_with('\n'));
    }
    machine.mfp(["schema", "nonsense"]).fails(2, "mfp::usage::arguments");
}

#[test]
fn the_examples_are_what_they_are_examples_of() {
    let machine = Machine::new();
    let example = |file: &str| machine.ok(["schema", file, "--example"]).stdout;
    let follows_schema = |file: &str, document: &serde_json::Value| {
        let schema: serde_json::Value = serde_json::from_str(&machine.ok(["schema", file]).stdout).unwrap();
        let mistakes: Vec<String> = jsonschema::validator_for(&schema)
            .unwrap()
            .iter_errors(document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(mistakes.is_empty(), "{file}: {mistakes:?}");
    };
    let manifest_text = example("manifest");
    let manifest = Manifest::parse(&manifest_text, &env!("CARGO_PKG_VERSION").parse().unwrap()).unwrap();
    follows_schema("manifest", &toml_edit::de::from_str(&manifest_text).unwrap());

    let lock_text = example("lock");
    let lock = Lock::parse(&lock_text).unwrap();
    assert_eq!(lock.to_text(), lock_text, "it's as mfp writes it");
    let mine = "mine".parse::<mfp_model::name::PluginName>().unwrap();
    let folder = std::collections::BTreeMap::from([(mine.clone(), lock.plugins[&mine].content)]);
    let stale = staleness(&manifest, &lock, &folder);
    assert!(stale.is_empty(), "the two examples belong together: {stale:?}");
    follows_schema("lock", &toml_edit::de::from_str(&lock_text).unwrap());

    let plugin = PluginManifest::parse(&example("plugin")).unwrap();
    assert_eq!((plugin.id.as_str(), plugin.warnings.as_slice()), ("auth-jwt", [].as_slice()));
}

#[test]
fn a_manual() {
    let machine = Machine::new();
    assert!(machine.ok(["man"]).stdout.contains(".TH mfp 1"));
    assert!(machine.ok(["man", "add"]).stdout.contains("mfp-add"));
    insta::assert_snapshot!(machine.mfp(["man", "ad"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: there's no command `ad`
    help: `mfp --help` lists them
    ");
    machine.ok(["man", "--output", "pages"]);
    assert!(machine.has("pages/mfp.1") && machine.has("pages/mfp-sync.1"));
}

#[test]
fn completions() {
    let machine = Machine::new();
    for (shell, mark) in [
        ("bash", "_mfp()"),
        ("zsh", "#compdef mfp"),
        ("fish", "complete -c mfp"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion"),
    ] {
        assert!(machine.ok(["completions", shell]).stdout.contains(mark), "{shell}");
    }
}

#[test]
fn its_own_version() {
    let machine = Machine::new();
    assert_eq!(machine.ok(["self", "version"]).stdout, format!("mfp {}\n", env!("CARGO_PKG_VERSION")));
}
