use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

/// The fixtures of one kind, by name.
pub(super) fn fixtures(kind: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/plugin-yaml").join(kind);
    let read = |entry: fs::DirEntry| {
        let name = entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| read(entry.unwrap())).collect();
    all.sort();
    all
}

#[test]
fn good_manifests_are_read_in_every_dialect() {
    let mut shown = String::new();
    for (name, text) in fixtures("good") {
        let manifest = PluginManifest::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        writeln!(shown, "== {name}\n{}", summary(&manifest)).unwrap();
    }
    insta::assert_snapshot!(shown);
}

fn summary(manifest: &PluginManifest) -> String {
    let types: Vec<_> = manifest.types.iter().map(|one| one.as_str()).collect();
    let dependencies: Vec<_> =
        manifest.dependencies.iter().map(|one| format!("{} {} {}", one.name, one.requirement, one.optional)).collect();
    let schema = manifest.config_schema.as_ref().map(ToString::to_string);
    let tests: Vec<_> = manifest.tests.iter().map(ToString::to_string).collect();
    let about = (&manifest.display_name, &manifest.description, &manifest.license, &manifest.author);
    let links = (&manifest.homepage, &manifest.repository, &manifest.documentation, &manifest.keywords, &manifest.categories);
    [
        format!("{} {} ({}) {} {:?}", manifest.id, manifest.version, manifest.dialect, types.join("+"), manifest.runtime),
        format!("about {about:?}"),
        format!("links {links:?}"),
        format!("entry {:?} include {:?} mockforge {:?}", manifest.entry, manifest.include, manifest.mockforge),
        format!("asks {} limits {:?}", serde_json::to_string(&manifest.capabilities).unwrap(), manifest.limits),
        format!("dependencies {dependencies:?}"),
        format!("schema {schema:?} tests {tests:?}"),
        format!("warnings {:#?}", manifest.warnings),
    ]
    .join("\n")
}

#[test]
fn bad_manifests_say_what_and_where_and_what_to_do() {
    let mut shown = String::new();
    for (name, text) in fixtures("bad") {
        let error = PluginManifest::parse(&text).expect_err(&name);
        let place = error.span.clone().map(|span| format!("{span:?} {:?}", text[span.clone()].chars().take(50).collect::<String>()));
        writeln!(shown, "== {name}\n{} {}", error.code(), error.message).unwrap();
        writeln!(shown, "   at {}", place.as_deref().unwrap_or("-")).unwrap();
        writeln!(shown, "   help {}", error.help.as_deref().unwrap_or("-")).unwrap();
    }
    assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "a message is never a vehicle");
    insta::assert_snapshot!(shown);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = "mfp: 1\nplugin:\n  id: A_b\n  version: 1.0\n  types: [auth, magic]\n  runtime: jvm\n  homepage: nope\n  colour: red\n\
                mockforge: what\ncapabilities:\n  network: { allow_http_outbound: yes, allowed_hosts: ['a b', ok.example.com, '/x'], ports: 1 }\n  \
                resources: { max_memory_bytes: 64MB }\ndependencies:\n  - { id: X, version: '1' }\n  - { id: y, version: '!' }\nextra: 1\n";
    let errors = PluginManifest::parse_all(text).unwrap_err();
    let places: Vec<&str> = errors.iter().map(|error| &text[error.span.clone().unwrap()]).collect();
    assert_eq!(
        places,
        ["A_b", "1.0", "magic", "nope", "jvm", "colour", "what", "yes", "ports", "'a b'", "'/x'", "64MB", "X", "'!'", "extra"]
    );
    assert_eq!(PluginManifest::parse(text).unwrap_err(), errors[0], "the first is the one that's told where there's room for one");
}

const HEAD: &str = "mfp: 1\nplugin:\n  id: acc-demo\n  version: 1.0.0\n  types: [template]\n";

#[test]
fn bytes_are_text_or_an_error() {
    assert!(PluginManifest::from_bytes(HEAD.as_bytes()).is_ok());
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain(HEAD.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let huge = format!("{HEAD}# {}", "c".repeat(17 << 20));
    for bytes in [utf16.as_slice(), huge.as_bytes(), b"\xff", &[HEAD.as_bytes(), b"\0"].concat(), "\u{feff}mfp: 1".as_bytes()] {
        assert_eq!(PluginManifest::from_bytes(bytes).unwrap_err().code(), "mfp::manifest::invalid");
    }
}

#[test]
fn a_manifest_has_an_end() {
    let many = (0..=MAX_DEPENDENCIES).map(|n| format!("  - {{ id: d{n}, version: '1' }}\n")).collect::<Vec<_>>().concat();
    let error = PluginManifest::parse(&format!("{HEAD}dependencies:\n{many}")).unwrap_err();
    assert!(error.message.contains("the limit is 200"), "{error}");
    let words = "a, ".repeat(257);
    assert!(PluginManifest::parse(&format!("{HEAD}  keywords: [{words}]\n")).is_err());
    let long = "x".repeat(1025);
    assert!(PluginManifest::parse(&format!("{HEAD}  name: {long}\n")).is_err());
}

/// Numbers at or below the defaults aren't asked for, and the default is the longest of the types'.
#[test]
fn what_a_plugin_has_anyway_isn_t_asked_for() {
    let asks = |types: &str, memory: u64, time: u64| {
        let text = format!(
            "mfp: 1\nplugin: {{ id: a, version: 1.0.0, types: [{types}] }}\ncapabilities: {{ resources: {{ max_memory_bytes: {memory}, max_cpu_time_ms: {time} }} }}\n"
        );
        let manifest = PluginManifest::parse(&text).unwrap();
        let numbers = (manifest.capabilities.memory, manifest.capabilities.time_ms);
        assert_eq!(manifest.limits.memory.or(numbers.0), Some(memory), "either a limit or asked for");
        assert_eq!(manifest.limits.time_ms.or(numbers.1), Some(time));
        numbers
    };
    assert_eq!(asks("auth", 64 << 20, 250), (None, None));
    assert_eq!(asks("auth", (64 << 20) + 1, 251), (Some((64 << 20) + 1), Some(251)));
    assert_eq!(asks("auth, response", 1, 2000), (None, None));
    assert_eq!(asks("auth, response", 1, 2001), (None, Some(2001)));
    assert_eq!(asks("template, datasource", 1, 5000), (None, None));
}

#[test]
fn the_index_must_say_what_the_manifest_says() {
    let text = include_str!("../../../fixtures/plugin-yaml/good/mfp-full.yaml");
    let manifest = PluginManifest::parse(text).unwrap();
    let line = |capabilities: &str, mockforge: &str| {
        let digest = "0f".repeat(32);
        let json = format!(
            r#"{{"v":1,"name":"auth-jwt","version":"1.4.2","types":["template","auth"],"license":"MIT OR Apache-2.0",
            "deps":[{{"name":"clock-skew","req":">=1,<3","optional":true}},{{"name":"jwks-core","req":"^0.3"}}],"mockforge":"{mockforge}",
            "file":"auth-jwt-1.4.2.tar.zst","size":1,"sha256":"{digest}","content":"blake3:{digest}","published":"2026-08-01T10:00:00Z","capabilities":{capabilities}}}"#
        );
        let document = crate::index::IndexDocument::parse(json.replace('\n', "").as_bytes(), &manifest.id).unwrap();
        document.lines.into_iter().next().unwrap()
    };
    let asked = serde_json::to_string(&manifest.capabilities).unwrap();
    assert_eq!(manifest.check_against_index(&line(&asked, ">=0.3, <2")), Ok(()));
    let error = manifest.check_against_index(&line("{}", "^0.3")).unwrap_err();
    assert_eq!(error.differences.iter().map(|one| one.field).collect::<Vec<_>>(), ["mockforge", "capabilities"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Cutting or changing a byte of a good manifest gives a manifest or an error, never a panic or a wider request.
    #[test]
    fn a_damaged_manifest_never_panics(cut in 0usize..2000, byte in any::<u8>(), keep in any::<bool>()) {
        let mut bytes = include_bytes!("../../../fixtures/plugin-yaml/good/mfp-full.yaml").to_vec();
        let cut = cut % bytes.len();
        if keep { bytes[cut] = byte } else { bytes.truncate(cut) }
        if let Err(error) = PluginManifest::from_bytes(&bytes) {
            prop_assert_eq!(error.code().starts_with("mfp::"), true);
        }
    }
}
