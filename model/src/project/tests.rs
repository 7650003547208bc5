//! The manifest as a whole: what the documentation shows is read, and every mistake has its words.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::Strategy;

use super::edit::Addition;
use super::*;
use crate::plugin::PluginType;
use crate::source::{BareWasm, GitReference, RemoteEndpoint, Source};

/// The version of the mfp that reads, in tests.
pub(crate) fn own() -> Version {
    Version::new(0, 1, 0)
}

fn parse(text: &str) -> Manifest {
    Manifest::parse(text, &own()).unwrap_or_else(|errors| panic!("{}", told(text, &errors)))
}

/// Errors as fixtures keep them: code, place, message, help.
fn told(text: &str, errors: &ManifestErrors) -> String {
    let one = |error: &ManifestError| {
        let help = error.help().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        format!("{}\n  {}{help}\n", error.code(), error.with_position(text))
    };
    errors.iter().map(one).collect()
}

fn fixture(path: &str) -> String {
    let path = format!("{}/../fixtures/manifests/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file of a folder of fixtures, by name.
fn fixtures(folder: &str) -> Vec<(String, String)> {
    let path = format!("{}/../fixtures/manifests/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut all: Vec<(String, String)> = std::fs::read_dir(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}"))
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn the_documented_manifest_is_read_whole() {
    let manifest = parse(&fixture("good/documented.toml"));
    let request = |name: &str| manifest.plugins[name].request.to_string();
    assert_eq!(request("auth-jwt"), r#"{ requirement = "^1.2", registry = "default" }"#);
    assert_eq!(request("crypto"), r#"{ requirement = "^0.3", package = "template-crypto", registry = "corp" }"#);
    assert_eq!(request("graphql"), r#"{ git = "https://github.com/acme/plugins", tag = "v1.0.0", subdir = "graphql" }"#);
    assert_eq!(request("mine"), r#"{ path = "../my-plugin" }"#);
    assert_eq!(
        request("oauth"),
        r#"{ remote = "http://auth-plugin:8080", types = ["auth"], timeout-ms = 5000, retries = 3, health-check-interval = 30 }"#
    );
    assert_eq!(request("slow-network"), r#"{ requirement = "^0.2", registry = "default", groups = ["load-test"] }"#);
    assert_eq!(manifest.project.plugin_dir.as_str(), ".mockforge/plugins");
    assert_eq!(manifest.plugins["auth-jwt"].line, 9);
    assert_eq!(manifest.policy.min_release_age.age.as_seconds(), 86_400);
    assert_eq!(manifest.config["auth-jwt"].env_names(), BTreeSet::from(["JWT_KEY".parse().unwrap()]));
    let json = manifest.config["auth-jwt"].value.to_json(&mut |name| Ok::<_, ()>(name.as_str().into()));
    assert_eq!(json.unwrap().to_string(), r#"{"verification_key":"JWT_KEY","algorithms":["RS256"]}"#);
    assert_eq!(manifest.approvals["auth-jwt"].capabilities.memory, Some(128 << 20));
    insta::assert_debug_snapshot!(manifest.unsupported());
}

#[test]
fn good_manifests_are_read() {
    for (name, text) in fixtures("good") {
        if let Err(errors) = Manifest::parse(&text, &own()) {
            panic!("{name}:\n{}", told(&text, &errors));
        }
    }
}

#[test]
fn bad_manifests_say_what_is_wrong_where_and_what_to_do() {
    for (name, text) in fixtures("bad") {
        let errors = Manifest::parse(&text, &own()).err().unwrap_or_else(|| panic!("{name} is read"));
        for error in errors.iter() {
            let span = error.span();
            assert!(span.start <= span.end && span.end <= text.len(), "{name}: {span:?}");
            assert!(ManifestError::CODES.contains(&error.code()));
        }
        insta::assert_snapshot!(name.trim_end_matches(".toml"), told(&text, &errors));
    }
}

#[test]
fn an_empty_manifest_is_the_default() {
    assert_eq!(parse(""), Manifest::default());
}

#[test]
fn development_builds_count_as_the_version_they_lead_to() {
    let text = "[project]\nmfp = \">=0.2\"\nfuture = 1\n";
    let read = |own: &str| Manifest::parse(text, &own.parse().unwrap()).unwrap_err().first().code();
    assert_eq!(read("0.2.0-dev"), "mfp::manifest::unknown-key");
    assert_eq!(read("0.1.9"), "mfp::manifest::mfp-version");
}

#[test]
fn a_plugin_in_plugins_is_always_wanted_whatever_groups_it_is_in() {
    let text =
        "[plugins]\na = \"1\"\n[groups.g]\na = { version = \"1\" }\nb = \"1\"\n[groups.h]\nb = \"1\"\n[registries]\ndefault = \"file:x\"\n";
    let manifest = parse(text);
    assert!(manifest.plugins["a"].request.groups.is_empty());
    assert_eq!(manifest.plugins["b"].request.groups.len(), 2);
    assert_eq!(manifest.groups["g"].len(), 2);
}

#[test]
fn what_is_allowed_but_deserves_a_word_is_a_warning() {
    let manifest = parse("[plugins]\na = { url = \"https://x.example/a.zip?token=1\" }\n");
    assert_eq!(manifest.warnings.len(), 1);
    assert!(!manifest.warnings[0].message.contains("token"), "a warning shows no part of the query");
}

#[test]
fn what_is_not_implemented_is_known() {
    let whats = |text: &str| parse(text).unsupported().into_iter().map(|one| (one.what, one.span.is_empty())).collect::<Vec<_>>();
    assert_eq!(whats("[policy]\nadvisories = \"deny\"\nallow = []\nrequire-signatures = true\n[project]\nvendor = \"v\"\n"), []);
    let used = whats("[registries]\na = { url = \"https://a.example\", kind = \"mockforge\" }\n");
    assert_eq!(used, [("registry `a`: `kind = \"mockforge\"`".to_owned(), false)]);
}

fn bare() -> impl Strategy<Value = BareWasm> {
    let types = prop::collection::btree_set(prop::sample::select(PluginType::ALL.to_vec()), 0..3);
    (types, prop::option::of(Just("1.0.0+b".parse().unwrap()))).prop_map(|(types, version)| BareWasm { types, version })
}

/// Any source that a manifest can ask for, with the registries `default` and `corp`.
pub(crate) fn source() -> impl Strategy<Value = Source> {
    let text = |all: &[&'static str]| prop::sample::select(all.to_vec());
    let registry =
        (text(&["1", "^1.2", "=1.2.3-rc.1", "*", ">=1, <2", "~0.3"]), text(&["default", "corp"])).prop_map(|(requirement, registry)| {
            Source::Registry { requirement: requirement.parse().unwrap(), registry: registry.parse().unwrap() }
        });
    let urls = text(&["https://x.example/a.wasm", "file:../b%20c.wasm", "https://x.example/download?f=1"]);
    let url = (urls, prop::option::of(Just("0f".repeat(32).parse().unwrap())), bare()).prop_map(|(url, sha256, bare)| Source::Url {
        url: url.parse().unwrap(),
        sha256,
        bare,
    });
    let references = prop::sample::select(vec![
        GitReference::Default,
        GitReference::Tag("v1.0.0".parse().unwrap()),
        GitReference::Branch("feature/x".parse().unwrap()),
        GitReference::Rev("8a1d9b9".parse().unwrap()),
    ]);
    let repositories = text(&["https://github.com/acme/plugins", "git@host.example:u/r", "../repo"]);
    let subdirs = prop::option::of(Just("a/ä b".parse().unwrap()));
    let git = (repositories, references, subdirs, any::<bool>()).prop_map(|(url, reference, subdir, submodules)| Source::Git {
        url: url.parse().unwrap(),
        reference,
        subdir,
        submodules,
    });
    let path = (text(&["../my-plugin", ".", "a \"b\""]), Just(BareWasm::default()));
    let module = (text(&["x/y.wasm"]), bare());
    let path = prop_oneof![path, module].prop_map(|(path, bare)| Source::Path { path: path.parse().unwrap(), bare });
    let endpoints = prop::sample::select(vec![
        RemoteEndpoint::Url("https://auth.example/base".parse().unwrap()),
        RemoteEndpoint::Url("http://localhost:8080".parse().unwrap()),
        RemoteEndpoint::Env("AUTH_URL".parse().unwrap()),
    ]);
    let types = prop::collection::btree_set(prop::sample::select(PluginType::ALL.to_vec()), 1..3);
    let remote =
        (endpoints, types, 1..9000u64, 0..5u64, 1..60u64).prop_map(|(endpoint, types, timeout_ms, retries, health_check_interval)| {
            Source::Remote { endpoint, types, timeout_ms, retries, health_check_interval }
        });
    prop_oneof![4 => registry, 1 => url, 1 => git, 1 => path, 1 => remote]
}

/// Anything that can be said about a plugin.
pub(crate) fn addition() -> impl Strategy<Value = Addition> {
    let package = prop::option::of(Just("other-name".parse().unwrap()));
    (source(), package, any::<bool>()).prop_map(|(source, package, allow_http)| {
        let package = if matches!(source, Source::Remote { .. }) { None } else { package };
        let allow_http = allow_http && !matches!(source, Source::Registry { .. } | Source::Path { .. });
        Addition { source, package, allow_http }
    })
}
