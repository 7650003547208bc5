//! A plugin's files, natively and as the component that was built of the same source: what's granted is there, and nothing else is.
#![allow(missing_docs, reason = "tests")]

use std::path::PathBuf;

use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::{MockHost, PluginTestHarness, Subject, Wasm};

#[path = "../../../fixtures/conformance/sdk-rust/src/files.rs"]
mod files;

export_plugin!(files::Files: Template; plugin_yaml = "tests/files.yaml");

fn wasm() -> Wasm {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/probe-files/plugin.wasm");
    Wasm::read(mockforge_plugin(), file).expect("it's committed")
}

fn project() -> MockHost {
    MockHost::default()
        .with_file("data/a.csv", "a,b")
        .with_file("data/sub/b.csv", "c")
        .with_file("secret.txt", "s3cret")
        .with_file("database/a.csv", "s3cret")
}

macro_rules! everywhere {
    ($($(#[$attribute:meta])* fn $name:ident<S: Subject>($harness:ident: PluginTestHarness<S>) $story:block)*) => {
        $(
            #[test]
            $(#[$attribute])*
            fn $name() {
                fn story<S: Subject>($harness: PluginTestHarness<S>) $story

                story(PluginTestHarness::new(mockforge_plugin()).with_host(project()));
                story(PluginTestHarness::new(wasm()).with_host(project()));
            }
        )*
    };
}

/// The harness, and what it says when it's asked for what it has no answer for.
fn refusal<S: Subject>(harness: &PluginTestHarness<S>, function: &str, args: &[&str]) -> String {
    let error = harness.execute(function, args.iter().map(|arg| json!(arg))).expect_err("it's refused").to_string();
    // The sandbox says whose words they are.
    error.rsplit_once("it answered: ").map_or(error.clone(), |(_, words)| words.to_owned())
}

everywhere! {
    fn what_is_granted_is_there<S: Subject>(harness: PluginTestHarness<S>) {
        assert_eq!(harness.execute("read", [json!("data/a.csv")]).unwrap(), json!("a,b"));
        assert_eq!(harness.execute("read", [json!("data/sub/b.csv")]).unwrap(), json!("c"));
        let names = harness.execute("list", [json!("data")]).unwrap();
        assert!(names.as_array().unwrap().contains(&json!("a.csv")) && names.as_array().unwrap().contains(&json!("sub/")), "{names}");
        assert_eq!(harness.execute("list", [json!("data/sub")]).unwrap(), json!(["b.csv"]));
    }

    fn nothing_else_is_there<S: Subject>(harness: PluginTestHarness<S>) {
        for path in ["secret.txt", "database/a.csv", "plugin/plugin.yaml", "tmp/a"] {
            for function in ["read", "list"] {
                let refused = refusal(&harness, function, &[path]);
                assert!(refused.contains(&format!("`{path}` isn't in a folder that was approved")), "{refused}");
            }
            let refused = refusal(&harness, "write", &[path, "x"]);
            assert!(refused.contains(&format!("`{path}` isn't in a folder that was approved")), "{refused}");
        }
        for path in ["/data/a.csv", "data/../secret.txt", "../etc/passwd", ""] {
            let refused = refusal(&harness, "read", &[path]);
            assert!(refused.contains("isn't a path as the project has it"), "{refused}");
        }
        assert_eq!(harness.host().file("secret.txt").unwrap(), b"s3cret");
    }

    fn what_is_wrong_is_said_alike<S: Subject>(harness: PluginTestHarness<S>) {
        for (function, args, words) in [
            ("read", &["data/no.csv"][..], "there's no `data/no.csv`"),
            ("read", &["data/sub"], "`data/sub` is a folder"),
            ("list", &["data/no"], "there's no `data/no`"),
            ("list", &["data/a.csv"], "`data/a.csv` isn't a folder, or is in none"),
            ("write", &["data/sub", "x"], "`data/sub` is a folder"),
            ("write", &["data/a.csv/b", "x"], "`data/a.csv/b` isn't a folder, or is in none"),
        ] {
            let refused = refusal(&harness, function, args);
            assert!(refused.contains(words), "{function} {args:?}: {refused}");
        }
    }

    fn what_is_written_is_there_in_the_next_call<S: Subject>(harness: PluginTestHarness<S>) {
        harness.execute("write", [json!("data/new/deep/a.txt"), json!("one, longer")]).unwrap();
        harness.execute("write", [json!("data/new/deep/a.txt"), json!("two")]).unwrap();
        assert_eq!(harness.execute("read", [json!("data/new/deep/a.txt")]).unwrap(), json!("two"));
        assert_eq!(harness.host().file("data/new/deep/a.txt").unwrap(), b"two");
        assert_eq!(harness.execute("list", [json!("data/new/deep")]).unwrap(), json!(["a.txt"]), "nothing is left beside it");
    }

    fn what_may_only_be_read_is_not_written<S: Subject>(harness: PluginTestHarness<S>) {
        let harness = harness.granting_files(&["data"], FileAccess::Read);
        assert_eq!(harness.execute("read", [json!("data/a.csv")]).unwrap(), json!("a,b"));
        for path in ["data/a.csv", "data/new/a.txt"] {
            let refused = refusal(&harness, "write", &[path, "x"]);
            assert!(refused.contains("approved to be read only"), "{refused}");
        }
        assert_eq!(harness.host().file("data/a.csv").unwrap(), b"a,b");
        assert_eq!(harness.host().file("data/new/a.txt"), None);
    }

    fn without_a_grant_there_is_nothing<S: Subject>(harness: PluginTestHarness<S>) {
        let harness = harness.denying_everything();
        harness.load().unwrap();
        let refused = refusal(&harness, "read", &["data/a.csv"]);
        assert!(refused.contains("isn't in a folder that was approved"), "{refused}");
    }
}

#[test]
fn the_wasm_imports_files_only_with_the_feature() {
    let imports = |file: &str| {
        let bytes = std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(file)).unwrap();
        bytes.windows(15).any(|window| window == b"wasi:filesystem")
    };
    assert!(imports("probe-files/plugin.wasm"));
    assert!(!imports("conformance/sdk-component/plugin.wasm"));
}
