//! `mfp init`: a project where there was none.

use crate::support::Machine;

#[test]
fn a_new_project() {
    let machine = Machine::new();
    let run = machine.mfp(["init", "--registry", "https://plugins.acme.example/"]);
    insta::assert_snapshot!(run.all(), @"");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml"), @"");
    assert_eq!(machine.read(".gitattributes"), "plugins.lock merge=binary\n");
    assert_eq!(machine.read(".gitignore"), "/.mockforge/\n");
    insta::assert_snapshot!(machine.mfp(["sync"]).all(), @"");
}

#[test]
fn a_new_project_without_a_registry_says_what_comes_next() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["init", "shop/plugins"]).all(), @"");
    assert!(machine.has("shop/plugins/mockforge-plugins.toml"));
    insta::assert_snapshot!(machine.mfp(["add", "greet", "--project", "shop/plugins"]).all(), @"");
}

#[test]
fn a_project_that_is_there_is_left_alone() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", "# mine\n");
    let run = machine.mfp(["init", "--registry", "https://other.example/"]);
    insta::assert_snapshot!(run.all(), @"");
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
    insta::assert_snapshot!(machine.mfp(["init", "--registry", "plugins.acme.example"]).all(), @"");
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
    insta::assert_snapshot!(run.all(), @"");
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml"), @"");
}

#[test]
fn import_a_mockforge_yaml() {
    let machine = Machine::new();
    machine.write(
        "mockforge.yaml",
        "http:\n  port: 3000\nplugins:\n  - name: auth-jwt\n    version: \"1.2\"\n  - id: mine\n    path: ../mine\n",
    );
    machine.ok(["init", "--import", "mockforge.yaml"]);
    insta::assert_snapshot!(machine.read("mockforge-plugins.toml"), @"");
}

#[test]
fn an_import_of_something_else() {
    let machine = Machine::new();
    machine.write("mockforge-plugins.lock", "this is no lock\n");
    insta::assert_snapshot!(machine.mfp(["init", "--import", "mockforge-plugins.lock"]).all(), @"");
    insta::assert_snapshot!(machine.mfp(["init", "--import", "nowhere.lock"]).all(), @"");
    assert!(!machine.has("mockforge-plugins.toml"));
}
