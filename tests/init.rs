//! `mfp init`: a project where there was none.

use crate::support::Machine;

#[test]
fn a_new_project() {
    let machine = Machine::new();
    let run = machine.mfp(["init", "--registry", "https://plugins.acme.example/"]);
    insta::assert_snapshot!(run.all(), @"
    exit 0
    --- stdout
    --- stderr
    Made a project in [ROOT]/project: mockforge-plugins.toml, .gitignore, .gitattributes
    Next: `mfp add NAME`
    ");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml"), @r#"
    # The MockForge plugins of this project. `mfp add NAME` adds one; plugins.lock says what exactly runs.

    [plugins]

    [registries]
    default = "https://plugins.acme.example/"
    "#);
    assert_eq!(machine.read(".gitattributes"), "plugins.lock merge=binary\n");
    assert_eq!(machine.read(".gitignore"), "/.mockforge/\n");
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Resolved 0 plugins in [TIME]
    Checked 0 plugins in [TIME]
    ");
}

#[test]
fn a_new_project_without_a_registry_says_what_comes_next() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["init", "shop/plugins"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Made a project in [ROOT]/project/shop/plugins: mockforge-plugins.toml, .gitignore, .gitattributes
    Next: name a registry in mockforge-plugins.toml, then `mfp add NAME`
    ");
    assert!(machine.has("shop/plugins/mockforge-plugins.toml"));
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--project", "shop/plugins"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::registry::undeclared]: the project names no registry `default`
    help: add it to mockforge-plugins.toml:
          [registries]
          default = "https://…/"
    "#);
}

#[test]
fn a_project_that_is_there_is_left_alone() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "# mine\n");
    let run = machine.mfp(["init", "--registry", "https://other.example/"]);
    insta::assert_snapshot!(run.all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::project::exists]: there's a project already: [ROOT]/project/mockforge-plugins.toml
    help: `mfp add NAME` adds a plugin to it
    ");
    assert_eq!(machine.read("mockforge-plugins.toml"), "# mine\n");
    assert!(!machine.has(".gitignore"));
}

#[test]
fn lines_of_git_files_are_added_once() {
    let machine = Machine::new();
    machine.write(".gitignore", "/target");
    machine.write(".gitattributes", "plugins.lock merge=binary\n* text=auto\n");
    machine.ok(["init"]);
    assert_eq!(machine.read(".gitignore"), "/target\n/.mockforge/\n");
    assert_eq!(machine.read(".gitattributes"), "plugins.lock merge=binary\n* text=auto\n");
}

#[test]
fn a_registry_that_cant_be_one() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["init", "--registry", "plugins.acme.example"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::registry]: `plugins.acme.example` can't be a registry: it's neither a URL nor a folder
    help: write it as `https://plugins.acme.example/` or `file:../registry/`
    ");
    machine.mfp(["init", "--registry", "https://me:secret@plugins.acme.example/"]).fails(2, "mfp::usage::registry");
    assert!(!machine.has("mockforge-plugins.toml"));
}

#[test]
fn the_users_registry_is_written_into_new_projects() {
    let machine = Machine::new();
    machine.ok(["config", "set", "registry", "https://mf.corp.example/"]);
    machine.ok(["init"]);
    assert!(machine.read("mockforge-plugins.toml").contains("default = \"https://mf.corp.example/\""));
}

#[test]
fn import_a_documented_lock() {
    let machine = Machine::new();
    machine.write(
        "mockforge-plugins.lock",
        "[[plugin]]\nname = \"auth-jwt\"\nversion = \"1.2.0\"\nsource = \"registry\"\nchecksum = \"sha256:00\"\n\n\
         [[plugin]]\nname = \"Bad_Name\"\nversion = \"1.0.0\"\nsource = \"registry\"\n",
    );
    let run = machine.mfp(["init", "--registry", "https://plugins.acme.example/", "--import", "mockforge-plugins.lock"]);
    insta::assert_snapshot!(run.all(), @"
    exit 0
    --- stdout
    --- stderr
    Made a project in [ROOT]/project: mockforge-plugins.toml, .gitignore, .gitattributes
    warning[mfp::import::left-out]: Bad_Name: names are lower-case letters, digits and single hyphens; this one would have to be `bad-name`
    Next: `mfp add NAME`
    ");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml"), @r#"
    # The MockForge plugins of this project. `mfp add NAME` adds one; plugins.lock says what exactly runs.

    [plugins]
    auth-jwt = "=1.2.0"

    [registries]
    default = "https://plugins.acme.example/"
    "#);
}

#[test]
fn import_a_mockforge_yaml() {
    let machine = Machine::new();
    machine.write(
        "mockforge.yaml",
        "http:\n  port: 3000\nplugins:\n  wasm:\n    - id: mine\n      path: ../mine\n  remote:\n    - id: oauth\n      url: http://auth-plugin:8080\n      type: auth\n    - id: odd\n      url: nonsense\n      type: auth\n",
    );
    insta::assert_snapshot!(machine.mfp(["init", "--import", "mockforge.yaml"]).all(), @"
    exit 0
    --- stdout
    --- stderr
    Made a project in [ROOT]/project: mockforge-plugins.toml, .gitignore, .gitattributes
    warning[mfp::import::left-out]: odd: not a URL: it has no scheme; use `https:` or `http:`
    Next: name a registry in mockforge-plugins.toml, then `mfp add NAME`
    ");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml"), @r#"
    # The MockForge plugins of this project. `mfp add NAME` adds one; plugins.lock says what exactly runs.

    [plugins]
    mine = { path = "../mine" }
    oauth = { remote = "http://auth-plugin:8080", types = ["auth"], allow-http = true }

    # Where plugins come from if nothing else is said about them.
    # [registries]
    # default = "https://…"
    "#);
}

#[test]
fn an_import_of_something_else() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.lock", "this is no lock\n");
    insta::assert_snapshot!(machine.mfp(["init", "--import", "mockforge-plugins.lock"]).all(), @"
    exit 2
    --- stdout
    --- stderr
    error[mfp::import::malformed]: [ROOT]/project/mockforge-plugins.lock can't be imported: key with no value, expected `=`
    help: give a mockforge-plugins.lock or a mockforge.yaml; plugins.lock itself needs no import
    ");
    insta::assert_snapshot!(machine.mfp(["init", "--import", "nowhere.lock"]).all(), @"
    exit 8
    --- stdout
    --- stderr
    error[mfp::io::failed]: can't read [ROOT]/project/nowhere.lock: No such file or directory (os error 2)
    help: look at the path; the rest is the operating system's word
    ");
    assert!(!machine.has("mockforge-plugins.toml"));
}
