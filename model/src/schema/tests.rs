use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::lock::Lock;
use crate::project::Manifest;
use crate::project::tests::own;
use crate::toml::ProblemKind;

fn fixtures(folder: &str) -> Vec<(String, String)> {
    let path = format!("{}/../fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}")).map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())).collect()
}

/// A TOML text as the JSON that a schema is about; `None` if it isn't TOML.
fn json(text: &str) -> Option<Value> {
    toml_edit::de::from_str(text).ok()
}

/// The files that a schema takes though the parser doesn't: what's wrong with them isn't their shape.
fn taken(schema: &Value, folder: &str) -> BTreeSet<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    fixtures(folder)
        .into_iter()
        .filter(|(_, text)| json(text).is_some_and(|value| validator.is_valid(&value)))
        .map(|(name, _)| name)
        .collect()
}

fn all(folder: &str) -> BTreeSet<String> {
    fixtures(folder).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn the_schemas_are_schemas() {
    for schema in [manifest_schema(), lock_schema()] {
        assert!(jsonschema::meta::is_valid(&schema), "{schema:#}");
    }
}

#[test]
fn good_files_have_the_shape() {
    assert_eq!(taken(&manifest_schema(), "manifests/good"), all("manifests/good"));
    assert_eq!(taken(&lock_schema(), "locks/good"), all("locks/good"));
}

#[test]
fn bad_files_have_another_shape_unless_it_takes_the_whole_file_to_see() {
    insta::assert_debug_snapshot!("manifests", taken(&manifest_schema(), "manifests/bad"));
    insta::assert_debug_snapshot!("locks", taken(&lock_schema(), "locks/bad"));
}

/// Every table of a manifest: a text that ends inside it, and the schema's object for it.
const TABLES: [(&str, &str); 14] = [
    ("", ""),
    ("[project]\n", "/$defs/project"),
    ("[plugins.a]\nversion = \"1\"\n", "/$defs/plugin-table"),
    ("[groups.g.a]\ngit = \"https://a.example/x\"\n", "/$defs/plugin-table"),
    ("[plugins.a]\ntypes = [\"auth\"]\n[plugins.a.remote]\nenv = \"A\"\n", "/$defs/plugin-table/properties/remote/anyOf/1"),
    ("[registries.a]\nurl = \"file:x\"\n", "/$defs/registry-table"),
    ("[approvals.a]\nsource = \"path+x\"\n", "/$defs/approval"),
    ("[policy]\n", "/$defs/policy"),
    ("[policy.min-release-age]\nage = \"1d\"\n", "/$defs/age/anyOf/1"),
    ("[policy.limits]\n", "/$defs/limits"),
    ("[policy.limits.registry]\n", "/$defs/limits/properties/registry"),
    ("[policy.limits.path]\n", "/$defs/limits/properties/path"),
    ("[policy.limits.git]\n", "/$defs/limits/properties/git"),
    ("[resolver]\n", "/properties/resolver"),
];

#[test]
fn the_schemas_keys_are_the_parsers() {
    let schema = manifest_schema();
    for (table, pointer) in TABLES {
        let errors = Manifest::parse(&format!("{table}zzz-unknown = 1\n"), &own()).unwrap_err();
        let known = errors.iter().find_map(|error| match &error.problem().kind {
            ProblemKind::UnknownKey(known) => Some(known.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>()),
            _ => None,
        });
        let object = schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
        let keys: BTreeSet<String> = object["properties"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(Some(keys), known, "{table:?}");
        assert_eq!(object["additionalProperties"], false, "{table:?}");
    }
}

#[test]
fn every_key_has_words() {
    fn check(value: &Value, path: &str) {
        match value {
            Value::Object(object) => {
                if let Some(Value::Object(properties)) = object.get("properties") {
                    for (key, schema) in properties {
                        assert!(
                            schema.get("description").is_some() || schema.get("$ref").is_some() || schema.get("anyOf").is_some(),
                            "{path}/{key}"
                        );
                    }
                }
                object.iter().for_each(|(key, inner)| check(inner, &format!("{path}/{key}")));
            }
            Value::Array(elements) => elements.iter().for_each(|inner| check(inner, path)),
            _ => {}
        }
    }
    check(&manifest_schema(), "manifest");
    check(&lock_schema(), "lock");
}

/// A key that the reader takes and the schema doesn't know, or the other way round, shows here: each key of each entry is
/// taken away in turn, and both refuse the rest or both take it.
#[test]
fn the_locks_schema_and_its_reader_ask_for_the_same_keys() {
    let validator = jsonschema::validator_for(&lock_schema()).unwrap();
    let (_, text) = fixtures("locks/good").into_iter().find(|(name, _)| name == "locked.lock").unwrap();
    for (index, line) in text.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        let in_entries = text.lines().take(index).any(|line| line == "[[plugin]]");
        if !in_entries || line.starts_with(' ') || line.ends_with('[') {
            continue;
        }
        let without: String = text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != index).map(|(_, line)| line).collect();
        assert!(Lock::parse(&without).is_err(), "{key}");
        if key != "package" {
            assert!(!validator.is_valid(&json(&without).unwrap()), "{key}");
        }
    }
}
