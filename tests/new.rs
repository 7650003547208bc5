//! `mfp new`: a plugin in a language, from templates that are part of the program. That they build, pass their tests and answer is
//! `templates/check.sh`'s to say, with each language's tools.

use std::collections::BTreeMap;
use std::path::Path;

use mfp_model::plugin::PluginManifest;
use serde_json::Value;

use crate::support::env::tree;
use crate::support::terminal::{answering, is_there};
use crate::support::{Machine, Run};

const TYPES: [&str; 5] = ["auth", "template", "response", "datasource", "full"];

/// The languages that there are, as the command itself names them.
fn languages() -> Vec<String> {
    let run = Machine::new().mfp(["new", "x", "--type", "auth", "--json"]);
    let choices = run.json()["error"]["details"]["choices"].clone();
    serde_json::from_value(choices).unwrap_or_else(|error| panic!("{error}: {}", run.all()))
}

/// The files of a new plugin, but for git's.
fn files(machine: &Machine, folder: &str) -> BTreeMap<String, Vec<u8>> {
    tree(&machine.project(folder)).into_iter().filter(|(path, _)| !path.starts_with(".git/")).collect()
}

fn text(files: &BTreeMap<String, Vec<u8>>, path: &str) -> String {
    String::from_utf8(files.get(path).unwrap_or_else(|| panic!("there's no {path} in {:?}", files.keys())).clone()).expect("it's UTF-8")
}

fn manifest(files: &BTreeMap<String, Vec<u8>>) -> PluginManifest {
    let text = text(files, "plugin.yaml");
    PluginManifest::parse(&text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

/// Files that other people wrote, copied as they are.
fn is_vendored(path: &str) -> bool {
    path.starts_with("sdk/") || path.starts_with("vendor/")
}

#[test]
fn every_type_in_every_language() {
    let languages = languages();
    assert!(languages.len() >= 4, "{languages:?}");
    let machine = Machine::new();
    for language in &languages {
        for kind in TYPES {
            let name = format!("{kind}-in-{language}");
            machine.ok(["new", &name, "--type", kind, "--lang", language, "--author", "Ada <ada@example.org>"]);
            let files = files(&machine, &name);
            for (path, bytes) in files.iter().filter(|(path, _)| !is_vendored(path)) {
                let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{name}/{path}: {error}"));
                assert!(text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"), "{name}/{path} ends as no text does");
                // Python has two between definitions.
                let most = if Path::new(path).extension().is_some_and(|it| it == "py") { 2 } else { 1 };
                assert!(!text.contains(&"\n".repeat(most + 2)), "{name}/{path} has lines for nothing");
                // Python's own, not the template's.
                let text = text.replace("if __name__ ==", "");
                for leftover in ["{$", "$}", "{%", "%}", "__name__", "__ident__", "\r", "\t\n", " \n"] {
                    assert!(!text.contains(leftover), "{name}/{path} has {leftover:?}");
                }
            }
            let manifest = manifest(&files);
            assert_eq!((manifest.id.as_str(), manifest.version.to_string().as_str()), (name.as_str(), "0.1.0"));
            let types: Vec<&str> = manifest.types.iter().map(|ty| ty.as_str()).collect();
            assert_eq!(types, if kind == "full" { vec!["auth", "datasource", "response", "template"] } else { vec![kind] });
            assert!(manifest.warnings.is_empty(), "{:?}", manifest.warnings);
            assert!(manifest.capabilities.is_empty(), "a new plugin asks for nothing");
            assert!(manifest.config_schema.is_some(), "{name} can be configured");
            // A service's are asked by its own tests.
            let asks = !manifest.tests.is_empty() || files.contains_key("tests/cases.yaml");
            assert!(asks, "{name} says what `mfp test` asks");
            for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE", ".gitignore", ".gitattributes", ".github/workflows/plugin.yml"] {
                assert!(files.contains_key(file), "{name} has no {file}");
            }
            assert!(text(&files, "LICENSE-MIT").contains(" Ada\n"), "{}", text(&files, "LICENSE-MIT"));
            assert!(machine.project(&name).join(".git/HEAD").is_file(), "{name} is in a repository");
        }
    }
}

#[test]
fn what_comes_next_is_said() {
    let machine = Machine::new();
    let run = machine.mfp(["new", "plugins/template-greet", "--type", "template", "--lang", "rust"]);
    insta::assert_snapshot!(run.all(), @r#"
    exit 0
    --- stdout
    --- stderr
    Made template-greet, a template plugin in Rust: 39 files, in a git repository
    Next:
      cd plugins/template-greet
      mfp build
      mfp test
      mfp package
    "#);
    let document = machine.ok(["new", "other", "--type", "full", "--lang", "zig", "--json", "--vcs", "none"]).json();
    assert_eq!((&document["name"], &document["type"], &document["language"]), (&"other".into(), &"full".into(), &"zig".into()));
    assert_eq!(document["repository"], false);
    let named: Vec<&str> = document["files"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(named, tree(&machine.project("other")).keys().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn the_copy_of_the_sdk_is_the_sdk() {
    let machine = Machine::new();
    machine.ok(["new", "template-greet", "--type", "template", "--lang", "rust"]);
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (copied, original) in [("sdk/rust/src", "sdk/rust/src"), ("sdk/wit", "sdk/wit")] {
        let copy = tree(&machine.project("template-greet").join(copied));
        let original = tree(&repository.join(original));
        assert_eq!(copy.keys().collect::<Vec<_>>(), original.keys().collect::<Vec<_>>());
        assert!(copy == original, "{copied} differs");
    }
    let read = |path: &Path| std::fs::read_to_string(path).unwrap().parse::<toml_edit::DocumentMut>().unwrap();
    let copy = read(&machine.project("template-greet/sdk/rust/Cargo.toml"));
    let original = read(&repository.join("sdk/rust/Cargo.toml"));
    assert_eq!(copy["dependencies"].to_string(), original["dependencies"].to_string());
    let wasm = |manifest: &toml_edit::DocumentMut| manifest["target"]["cfg(target_family = \"wasm\")"]["dependencies"].to_string();
    assert_eq!(wasm(&copy), wasm(&original));
    let features = |manifest: &toml_edit::DocumentMut| -> BTreeMap<String, String> {
        let table = manifest["features"].as_table().unwrap();
        table.iter().map(|(name, value)| (name.to_owned(), value.as_array().unwrap().to_string())).collect()
    };
    let mut expected = features(&original);
    assert!(expected.remove("sandbox").is_some());
    assert_eq!(features(&copy), expected);
    assert!(!copy.to_string().contains("workspace"), "{copy}");
    assert!(!copy.to_string().contains("path ="), "it needs nothing outside of its folder: {copy}");
}

#[test]
fn the_copy_of_the_python_sdk_is_the_sdk() {
    let machine = Machine::new();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = |folder: &Path| -> BTreeMap<String, Vec<u8>> {
        tree(folder).into_iter().filter(|(path, _)| !path.contains("__pycache__") && !path.ends_with(".egg-info")).collect()
    };
    for language in ["python", "remote-python"] {
        machine.ok(["new", language, "--type", "template", "--lang", language]);
        for folder in ["sdk/python/src", "sdk/wit"] {
            let (copy, original) = (sources(&machine.project(language).join(folder)), sources(&repository.join(folder)));
            assert_eq!(copy.keys().collect::<Vec<_>>(), original.keys().collect::<Vec<_>>());
            assert!(copy == original, "{folder} differs in {language}");
        }
        for file in ["pyproject.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE"] {
            let read = |root: &Path| std::fs::read(root.join("sdk/python").join(file)).unwrap();
            assert!(read(&machine.project(language)) == read(repository), "{file} differs in {language}");
        }
    }
    machine.ok(["new", "js", "--type", "template", "--lang", "js"]);
    assert!(sources(&machine.project("js/sdk/wit")) == sources(&repository.join("sdk/wit")));
}

#[test]
fn python_and_javascript_can_use_a_checkout_too() {
    let machine = Machine::new();
    let checkout = env!("CARGO_MANIFEST_DIR");
    let new = |name, language, sdk: &str| machine.mfp(["new", name, "--type", "auth", "--lang", language, "--sdk", sdk]);
    for (language, file, named) in [
        ("python", "pyproject.toml", format!("\"{checkout}/sdk/python/src\"")),
        ("remote-python", "requirements.txt", format!("{checkout}/sdk/python[fastapi]\n")),
        ("js", "build.mjs", format!("\"{checkout}/sdk/wit\"")),
    ] {
        assert_eq!(new(language, language, checkout).code, 0);
        assert!(!machine.has(&format!("{language}/sdk")));
        let text = machine.read(&format!("{language}/{file}"));
        assert!(text.contains(&named), "{text}");
        new("none", language, language).fails(2, "mfp::new::sdk");
    }
}

#[test]
fn a_service_is_neither_built_nor_packaged() {
    let machine = Machine::new();
    insta::assert_snapshot!(machine.mfp(["new", "auth-x", "--type", "auth", "--lang", "remote-python", "--vcs", "none"]).all(), @r#"
    exit 0
    --- stdout
    --- stderr
    Made auth-x, an auth plugin in Python: 36 files
    Next:
      cd auth-x
      mfp test
      .venv/bin/python src/service.py
    "#);
    let files = files(&machine, "auth-x");
    assert_eq!(manifest(&files).runtime, mfp_model::plugin::Runtime::Remote);
    assert!(!text(&files, "README.md").contains("mfp package"));
}

#[test]
fn with_a_checkout_of_the_sdk_there_is_no_copy() {
    let machine = Machine::new();
    let checkout = env!("CARGO_MANIFEST_DIR");
    for (name, sdk) in [("one", checkout.to_owned()), ("two", format!("{checkout}/sdk")), ("three", format!("{checkout}/sdk/rust"))] {
        machine.ok(["new", name, "--type", "auth", "--lang", "rust", "--sdk", &sdk]);
        assert!(!machine.has(&format!("{name}/sdk")));
        let manifest = machine.read(&format!("{name}/Cargo.toml"));
        assert!(manifest.contains(&format!("mockforge-plugin-sdk = {{ path = \"{checkout}/sdk/rust\" }}")), "{manifest}");
    }
    machine.mfp(["new", "four", "--type", "auth", "--lang", "rust", "--sdk", "one"]).fails(2, "mfp::new::sdk");
    machine.mfp(["new", "four", "--type", "auth", "--lang", "c", "--sdk", checkout]).fails(2, "mfp::usage::arguments");
    assert!(!machine.has("four"));
}

/// The description below, in a text that's Markdown.
const AS_MARKDOWN: &str =
    r#"Says \\"hello\\" to "them" \\n\\t\\u{41} \& \*all\* \_of\_ \[them\](x) \<b\> {$ name $} \# : - ''' """. A plugin"#;

/// Nothing that a person says becomes anything but the text that they said.
#[test]
fn what_is_said_stays_text() {
    let author = r#"Ada "the" \ L'A; $(id) `id` {{ x }} {$ y $} {% z %} /* */ -- # ''' """ </script> :co:lon"#;
    let description = r#"Says \"hello\" to "them" \n\t\u{41} & *all* _of_ [them](x) <b> {$ name $} # : - ''' """"#;
    let machine = Machine::new();
    let mut seen = Vec::new();
    for language in languages() {
        let name = format!("template-{language}");
        let author = format!("{author} <ada@example.org>");
        machine.ok(["new", &name, "--type", "template", "--lang", &language, "--author", &author, "--description", description]);
        let files = files(&machine, &name);
        let manifest = manifest(&files);
        assert_eq!(manifest.description.as_deref(), Some(description), "{language}");
        let said = manifest.author.expect("the author is said");
        let expected = author.replace(['<', '>'], " ");
        assert_eq!(said.name.as_deref(), Some(expected.strip_suffix("ada@example.org ").unwrap().trim_end()), "{language}");
        assert_eq!(said.email.as_deref(), Some("ada@example.org"));
        let readme = text(&files, "README.md");
        assert!(readme.contains(AS_MARKDOWN), "{language}: {readme}");
        if let Some(cargo) = files.get("Cargo.toml") {
            let cargo: toml_edit::DocumentMut = std::str::from_utf8(cargo).unwrap().parse().unwrap();
            assert_eq!(cargo["package"]["description"].as_str(), Some(description));
            assert_eq!(
                cargo["package"]["authors"][0].as_str(),
                Some(format!("{} <ada@example.org>", said.name.as_deref().unwrap()).as_str())
            );
            seen.push("Cargo.toml");
        }
        if let Some(project) = files.get("pyproject.toml") {
            let project: toml_edit::DocumentMut = std::str::from_utf8(project).unwrap().parse().unwrap();
            assert_eq!(project["project"]["description"].as_str(), Some(description));
            assert_eq!(project["project"]["authors"][0]["name"].as_str(), said.name.as_deref());
            seen.push("pyproject.toml");
        }
        if let Some(package) = files.get("package.json") {
            let package: Value = serde_json::from_slice(package).unwrap();
            assert_eq!(package["description"], description);
            seen.push("package.json");
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ["Cargo.toml", "package.json", "pyproject.toml"]);
}

#[test]
fn a_folder_with_something_in_it_is_left_as_it_is() {
    let machine = Machine::new();
    machine.write("auth-x/mine.txt", "mine");
    machine.write("auth-y", "a file");
    let before = tree(&machine.path("project"));
    let new = |name| machine.mfp(["new", name, "--type", "auth", "--lang", "rust"]);
    insta::assert_snapshot!(new("auth-x").all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::new::exists]: the folder [ROOT]/project/auth-x isn't empty
      no file was changed
    help: name another folder
    "#);
    new("auth-y").fails(2, "mfp::new::exists");
    assert_eq!(tree(&machine.path("project")), before);
    std::fs::create_dir(machine.project("auth-z")).unwrap();
    assert_eq!(new("auth-z").code, 0, "an empty one will do");
    assert!(machine.has("auth-z/plugin.yaml"));
    std::fs::create_dir(machine.project("empty")).unwrap();
    let here =
        machine.run(machine.command().args(["new", "../empty", "--type", "auth", "--lang", "rust"]).current_dir(machine.project("empty")));
    here.fails(2, "mfp::new::exists");
    assert!(
        std::fs::read_dir(machine.path("project")).unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().starts_with(".mfp"))
    );
}

#[test]
fn a_name_is_a_plugins_name() {
    let machine = Machine::new();
    let new = |name, language| machine.mfp(["new", name, "--type", "auth", "--lang", language]);
    insta::assert_snapshot!(new("plugins/Auth_Tokens", "rust").all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::new::name]: `Auth_Tokens` can't be a plugin's name: names are lower-case letters, digits and single hyphens; this one would have to be `auth-tokens`
    help: `mfp new plugins/auth-tokens`
    "#);
    insta::assert_snapshot!(new("match", "rust").all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::new::name]: `match` can't be the name of a plugin in Rust, which has it for something else
    help: add a word: `mfp new auth-match`
    "#);
    for (name, language) in [("..", "rust"), ("ünder", "rust"), ("serde", "rust"), ("con", "c"), ("a--b", "zig")] {
        new(name, language).fails(2, "mfp::new::name");
    }
    assert_eq!(new("match", "c").code, 0);
    assert_eq!(std::fs::read_dir(machine.path("project")).unwrap().count(), 1, "nothing else was made");
}

#[test]
fn what_cant_be_used_is_refused() {
    let machine = Machine::new();
    let new = |more: &[&str]| -> Run { machine.mfp(["new", "x1"].into_iter().chain(more.iter().copied())) };
    insta::assert_snapshot!(new(&["--lang", "rust"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: `--type` is missing, and nobody is there to ask
      • --type auth: Decides who a request is from
      • --type template: Gives functions to templates
      • --type response: Makes whole responses
      • --type datasource: Answers queries with rows
      • --type full: All four in one
    help: add one: `--type auth|template|response|datasource|full`
    "#);
    insta::assert_snapshot!(new(&["--type", "auth"]).all(), @r#"
    exit 2
    --- stdout
    --- stderr
    error[mfp::usage::arguments]: `--lang` is missing, and nobody is there to ask
      • --lang rust: Rust, with the SDK
      • --lang assemblyscript: AssemblyScript
      • --lang python: Python, with the SDK, as a component
      • --lang js: JavaScript, as a component
      • --lang c: C, with yyjson
      • --lang zig: Zig
      • --lang remote-python: Python, with the SDK, as a service
    help: add one: `--lang rust|assemblyscript|python|js|c|zig|remote-python`
    "#);
    let all = ["--type", "auth", "--lang", "rust"];
    let with = |more: &[&str]| new(&[&all[..], more].concat());
    for more in
        [&["--license", "Apache 2"][..], &["--license", ""], &["--author", "a\nb"], &["--author", " "], &["--description", "a\u{202e}b"]]
    {
        with(more).fails(2, "mfp::usage::arguments");
    }
    assert_eq!(new(&["--type", "nothing", "--lang", "rust"]).code, 2);
    assert!(!machine.has("x1"));
}

#[test]
fn licences_come_with_their_texts() {
    let machine = Machine::new();
    let new = |name, license| machine.ok(["new", name, "--type", "auth", "--lang", "c", "--license", license]);
    new("one", "MIT");
    assert!(machine.read("one/LICENSE").contains("the authors of one"), "{}", machine.read("one/LICENSE"));
    new("two", "(MPL-2.0 AND ISC) OR 0BSD");
    for file in ["LICENSE-MPL-2.0", "LICENSE-ISC", "LICENSE-0BSD"] {
        assert!(machine.has(&format!("two/{file}")));
    }
    let run = new("three", "EUPL-1.2");
    assert!(run.stderr.contains("mfp::new::license") && !machine.has("three/LICENSE"), "{}", run.all());
}

#[test]
fn the_author_is_whom_git_knows() {
    let machine = Machine::new();
    let new = |name| machine.ok(["new", name, "--type", "auth", "--lang", "zig"]);
    new("nobodys");
    assert_eq!(manifest(&files(&machine, "nobodys")).author, None);
    std::fs::write(machine.path("home/.gitconfig"), "[user]\n\tname = Ada \\\"the\\\" L.\n\temail = ada@example.org\n").unwrap();
    new("adas");
    let author = manifest(&files(&machine, "adas")).author.expect("git knows her");
    assert_eq!((author.name.as_deref(), author.email.as_deref()), (Some("Ada \"the\" L."), Some("ada@example.org")));
    // In a repository that's there, no other one is made, and its configuration counts first.
    machine.ok(["new", "around", "--type", "auth", "--lang", "zig"]);
    let config = machine.project("around/.git/config");
    std::fs::write(&config, std::fs::read_to_string(&config).unwrap() + "[user]\n\tname = Bea\n").unwrap();
    new("around/inner");
    assert!(!machine.has("around/inner/.git"));
    assert_eq!(manifest(&files(&machine, "around/inner")).author.and_then(|author| author.name).as_deref(), Some("Bea"));
}

#[test]
fn on_a_terminal_type_and_language_are_asked_for() {
    if !is_there() {
        return;
    }
    let machine = Machine::new();
    let answers = [("What does it answer?", "\u{1b}[B\r"), ("Which language is it in?", "\r")];
    let run = answering(&machine, &answers, ["new", "asked"]);
    assert_eq!(run.code, 0, "{}", run.all());
    let manifest = manifest(&files(&machine, "asked"));
    assert_eq!(manifest.types.iter().map(|ty| ty.as_str()).collect::<Vec<_>>(), ["template"]);
    assert!(machine.has("asked/Cargo.toml"));
}

#[test]
fn examples_are_listed_and_copied() {
    let machine = Machine::new();
    let listed = machine.ok(["examples"]);
    assert!(listed.stdout.lines().any(|line| line.starts_with("datasource-csv ") && line.contains("small SQL")), "{}", listed.stdout);
    assert_eq!(machine.ok(["examples", "--list"]).stdout, listed.stdout);
    for name in listed.stdout.lines().filter_map(|line| line.split(' ').next()) {
        machine.ok(["examples", name]);
        let files = files(&machine, name);
        assert_eq!(manifest(&files).id.as_str(), name);
        assert!(
            !files.keys().any(|path| Path::new(path).extension().is_some_and(|it| it == "wasm") || path.contains("node_modules")),
            "it's sources: {:?}",
            files.keys()
        );
        assert!(files.contains_key("Cargo.lock") || files.contains_key("package-lock.json"), "{name} is built of the same crates");
    }
    machine.ok(["examples", "auth-jwks", "mine/jwks"]);
    assert!(machine.read("mine/jwks/src/lib.rs").contains("cfg!(feature = \"jwks\") { \"plugin.yaml\" }"));
    assert!(machine.read("mine/jwks/Cargo.toml").contains("default = [\"jwks\"]"));
    let run = machine.mfp(["examples", "auth-jtw"]);
    run.fails(2, "mfp::new::example");
    assert!(run.stderr.contains("did you mean `mfp examples auth-jwt`?"), "{}", run.all());
    machine.mfp(["examples", "auth-jwt"]).fails(2, "mfp::new::exists");
    assert_eq!(machine.mfp(["examples", "--list", "auth-jwt"]).code, 2);
}
