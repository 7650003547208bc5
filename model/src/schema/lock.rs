//! The schema of `plugins.lock`.

use serde_json::{Map, Value, json};

use super::{DIALECT, boolean, by_name, choice, closed, described, integer, list, pattern, reference, shared_definitions, string};
use crate::capability::Capabilities;
use crate::lock::{VERSION, keys};

/// The JSON Schema (2020-12) of `plugins.lock`, for those who read it; only mfp writes it.
pub fn lock_schema() -> Value {
    let mut definitions = shared_definitions();
    definitions.extend(definitions_of_lock());
    let required: Vec<&str> = keys::ROOT.iter().copied().filter(|key| *key != "plugin").collect();
    json!({
        "$schema": DIALECT,
        "title": "plugins.lock",
        "description": "What a project runs. Written by mfp.",
        "type": "object",
        "properties": pick(keys::ROOT, &root()),
        "required": required,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// These keys of a table of schemas, in their order.
fn pick(keys: &[&str], from: &Value) -> Value {
    Value::Object(keys.iter().map(|key| ((*key).to_owned(), from[*key].clone())).collect())
}

fn root() -> Value {
    let mut wants: Vec<Value> = Vec::new();
    for (keys, optional) in [
        (keys::WANT_REGISTRY, &["package", "groups"][..]),
        (keys::WANT_URL, &["sha256", "types", "version", "package", "groups"]),
        (keys::WANT_GIT, &["tag", "branch", "rev", "subdir", "submodules", "package", "groups"]),
        (keys::WANT_PATH, &["types", "version", "package", "groups"]),
        (keys::WANT_REMOTE, &["groups"]),
    ] {
        wants.push(table("What was asked for directly.", keys, optional, &want()));
    }
    let mut entries: Vec<Value> = Vec::new();
    for (keys, source) in [
        (keys::FROM_REGISTRY, "^registry\\+"),
        (keys::FROM_URL, "^url\\+"),
        (keys::FROM_GIT, "^git\\+"),
        (keys::FROM_PATH, "^path\\+"),
        (keys::FROM_REMOTE, "^remote\\+"),
    ] {
        let mut entry = table("One plugin that the project runs.", keys, &["package"], &entry());
        entry["properties"]["source"] = pattern("Where it's from.", source);
        entries.push(entry);
    }
    json!({
        "version": integer("The version of this format.", VERSION, Some(VERSION)),
        "revision": integer("The revision of this format.", 0, None),
        "options": table("What else decided the choice.", keys::OPTIONS, &[], &json!({
            "mockforge": string("The hosts that all plugins must support; empty: any."),
            "strategy": choice("Which of the versions that will do is chosen.", &["highest", "lowest"]),
        })),
        "overrides": by_name("Requirements that replaced every other on a plugin.", &reference("requirement")),
        "registries": by_name("The registries' URLs.", &string("A URL.")),
        "requirements": by_name("What was asked for directly.", &json!({ "oneOf": wants })),
        "plugin": list("What was found, sorted by name.", &json!({ "oneOf": entries })),
    })
}

/// A closed table of these keys, all of them required but the optional ones.
fn table(description: &str, keys: &[&str], optional: &[&str], from: &Value) -> Value {
    let required: Vec<&str> = keys.iter().copied().filter(|key| !optional.contains(key)).collect();
    closed(description, pick(keys, from), &required)
}

fn want() -> Value {
    json!({
        "requirement": reference("requirement"),
        "package": described("The plugin's own name, if the project calls it by another.", "name"),
        "registry": described("The registry's name.", "name"),
        "groups": list("The optional groups that it belongs to.", &reference("name")),
        "url": string("The address."),
        "sha256": reference("sha256"),
        "types": reference("types"),
        "version": reference("version"),
        "git": string("The repository."),
        "tag": string("The tag."),
        "branch": string("The branch."),
        "rev": string("The commit, perhaps shortened."),
        "subdir": string("The plugin's folder in the repository."),
        "submodules": boolean("Whether submodules are part of the plugin."),
        "path": string("The folder or bare module, relative to the project."),
        "remote": { "anyOf": [{ "type": "string" }, closed("From the environment.", json!({ "env": string("The variable's name.") }), &["env"])] },
        "timeout-ms": integer("Milliseconds that one call may take.", 0, None),
        "retries": integer("How often a call is tried again.", 0, None),
        "health-check-interval": integer("Seconds between health checks.", 0, None),
    })
}

fn entry() -> Value {
    let git = ["tag", "branch", "rev", "subdir", "submodules"];
    json!({
        "name": described("The name that the project has for it.", "name"),
        "package": described("Its own name, if the project calls it by another.", "name"),
        "version": reference("version"),
        "types": reference("types"),
        "license": string("Its licence, as it states it; empty if it doesn't."),
        "published": string("When it was published, by the registry's word."),
        "artifact": table("The archive, as its origin serves it.", keys::ARTIFACT, &[], &json!({
            "format": choice("How it's packed.", &["tar.zst", "tar.gz", "zip", "wasm"]),
            "size": integer("Its size in bytes.", 0, None),
            "sha256": reference("sha256"),
        })),
        "git": table("What of the repository.", keys::GIT, &git, &json!({
            "tag": string("The tag that was asked for."),
            "branch": string("The branch that was asked for."),
            "rev": string("The commit that was asked for."),
            "commit": pattern("The commit that was found.", "^([0-9a-f]{40}|[0-9a-f]{64})$"),
            "subdir": string("The plugin's folder in the repository."),
            "submodules": boolean("Whether submodules are part of the plugin."),
        })),
        "signer": { "description": "Who signed it; empty if nobody did.", "anyOf": [{ "const": "" }, reference("signer")] },
        "capabilities": reference("capabilities"),
        "dependencies": list("The plugins that it calls.", &reference("dependency")),
        "content": pattern("The digest of what it is.", "^blake3:[0-9a-f]{64}$"),
    })
}

fn definitions_of_lock() -> Map<String, Value> {
    let texts = |description: &str| list(description, &json!({ "type": "string" }));
    let capabilities = json!({
        "env": texts("Environment variables."),
        "fs-read": texts("What it reads below the project."),
        "fs-write": texts("What it writes below the project."),
        "http": texts("Hosts that it sends requests to."),
        "memory": integer("Memory in bytes.", 0, None),
        "time-ms": integer("Milliseconds of a call.", 0, None),
    });
    let dependency = json!({
        "name": reference("name"),
        "requirement": reference("requirement"),
        "optional": { "const": true, "description": "It needs no entry, but binds the one that there is." },
    });
    [
        ("capabilities", closed("What it asks for beyond the defaults.", pick(&Capabilities::KEYS, &capabilities), &[])),
        ("dependency", table("A plugin that it calls.", keys::DEPENDENCY, &["optional"], &dependency)),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect()
}
