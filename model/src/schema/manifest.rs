//! The schema of `mockforge-plugins.toml`.

use serde_json::{Map, Value, json};

use super::{DIALECT, boolean, by_name, choice, closed, described, integer, list, reference, shared_definitions, string};

/// The JSON Schema (2020-12) of `mockforge-plugins.toml`.
pub fn manifest_schema() -> Value {
    let mut definitions = shared_definitions();
    definitions.extend(definitions_of_manifest());
    let root = closed("The MockForge plugins of a project: what it wants. plugins.lock says what exactly runs.", root(), &[]);
    let mut schema = json!({ "$schema": DIALECT, "title": "mockforge-plugins.toml" });
    merge(&mut schema, root);
    schema["$defs"] = Value::Object(definitions);
    schema
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn root() -> Value {
    let plugins = "The project's plugins, by name: a version requirement, or a table that says where it's from.";
    let groups = by_name(
        "Optional groups of plugins: `mfp sync --group NAME`. Always locked with the rest.",
        &by_name(plugins, &reference("plugin")),
    );
    json!({
        "project": reference("project"),
        "plugins": by_name(plugins, &reference("plugin")),
        "groups": groups,
        "registries": by_name("Registries by name. A plain requirement means `default`. There's no built-in one.", &reference("registry")),
        "overrides": by_name("Requirements that replace every other on that plugin, transitive ones too.", &reference("requirement")),
        "config": by_name(
            "What is handed to plugins, by name. `{ env = \"NAME\" }` is read when the plugin is loaded.",
            &json!({ "type": "object" }),
        ),
        "approvals": by_name("What a person allowed plugins to reach. `mfp approve NAME` writes it.", &reference("approval")),
        "policy": reference("policy"),
        "resolver": closed(
            "How versions are chosen.",
            json!({ "strategy": choice("Take the newest of the versions that will do (the default), or the oldest.", &["highest", "lowest"]) }),
            &[],
        ),
    })
}

fn definitions_of_manifest() -> Map<String, Value> {
    let definitions = [
        ("project", project()),
        ("plugin", json!({ "anyOf": [reference("requirement"), reference("plugin-table")] })),
        ("plugin-table", plugin_table()),
        (
            "registry",
            json!({ "anyOf": [string("The registry's root: an https or file URL, or a path relative to this file."), reference("registry-table")] }),
        ),
        ("registry-table", registry_table()),
        ("approval", approval()),
        ("policy", policy()),
        ("limits", limits()),
        ("size", size()),
        (
            "period",
            json!({ "type": "string", "description": "An integer and `s`, `m`, `h`, `d` or `w`: `24h`.", "pattern": "^[0-9]+[smhdw]$" }),
        ),
        ("age", age()),
    ];
    definitions.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

fn project() -> Value {
    let properties = json!({
        "mfp": described("The versions of mfp that can read this file. Another one says so, instead of complaining about what it doesn't know.", "requirement"),
        "mockforge": described("The MockForge hosts that these plugins must support, all of them.", "requirement"),
        "plugin-dir": string("Where `mfp sync` lays plugins out. Default: `.mockforge/plugins`."),
        "registry": described("The registry that a plain requirement means. Default: `default`.", "name"),
        "vendor": string("A vendored folder to look in before anything is fetched."),
    });
    closed("About the project as a whole.", &properties, &[])
}

fn plugin_table() -> Value {
    let properties = json!({
        "version": string("A version requirement; for a bare .wasm, the version that it is."),
        "package": described("The plugin's own name, if this entry calls it by another.", "name"),
        "registry": described("The registry that it's from, by its name in [registries].", "name"),
        "url": string("The address of an archive (.tar.zst, .tar.gz, .tgz, .zip) or a bare .wasm."),
        "sha256": reference("sha256"),
        "git": string("The address of a git repository."),
        "tag": string("A tag of the repository. At most one of `tag`, `branch` and `rev`."),
        "branch": string("A branch of the repository; its tip is locked."),
        "rev": string("A commit of the repository: 7 or more hexadecimal digits."),
        "subdir": string("The plugin's folder in the repository."),
        "submodules": boolean("Whether submodules are part of the plugin."),
        "path": string("A folder or a bare .wasm, relative to this file."),
        "types": reference("types"),
        "remote": {
            "description": "The address of a service that speaks the remote-plugin protocol, or the environment variable that holds it.",
            "anyOf": [{ "type": "string" }, closed("From the environment.", json!({ "env": string("The variable's name.") }), &["env"])],
        },
        "timeout-ms": integer("Milliseconds that one call of a service may take. Default: 5000.", 1, Some(600_000)),
        "retries": integer("How often a call of a service is tried again. Default: 3.", 0, Some(10)),
        "health-check-interval": integer("Seconds between health checks of a service. Default: 30.", 1, Some(86_400)),
        "allow-http": boolean("Allow plain http to another machine. Needs a network that you trust."),
    });
    let mut table = closed("Where a plugin is from.", &properties, &[]);
    let others: Vec<Value> = ["url", "git", "path", "remote"].iter().map(|key| json!({ "required": [key] })).collect();
    let mut kinds = others.clone();
    kinds.push(json!({ "required": ["version"], "not": { "anyOf": others } }));
    table["oneOf"] = json!(kinds);
    table
}

fn registry_table() -> Value {
    let properties = json!({
        "url": string("The registry's root: an https or file URL, or a path relative to this file."),
        "allow-http": boolean("Allow plain http to another machine. Needs a network that you trust."),
        "missing-status": list("HTTP statuses, beside 404, 410 and 451, that mean \"no such plugin\".", &integer("A status.", 400, Some(499))),
        "dl-origins": list("Origins beside the root's own that plugins may be fetched from.", &string("As in `https://cdn.example`.")),
        "kind": choice("The protocol: our own static files (the default), or MockForge's registry server.", &["mfp", "mockforge"]),
    });
    closed("A registry, and how it may be talked to.", &properties, &["url"])
}

fn size() -> Value {
    json!({
        "description": "An integer and `KiB`, `MiB` or `GiB`: `64MiB`; or a number of bytes.",
        "anyOf": [{ "type": "string", "pattern": "^[0-9]+(KiB|MiB|GiB)$" }, { "type": "integer", "minimum": 0 }],
    })
}

fn approval() -> Value {
    let item = |description: &str| json!({ "type": "string", "description": description });
    let properties = json!({
        "source": reference("source"),
        "signer": reference("signer"),
        "env": list("Environment variables that it may read.", &item("A variable's name.")),
        "fs-read": list("Folders and files below the project that it may read.", &item("A relative path.")),
        "fs-write": list("Folders and files below the project that it may write.", &item("A relative path.")),
        "http": list("Hosts that it may send requests to: `[scheme://]host[:port]`; `*.x.com` is every host below x.com.", &item("A host.")),
        "memory": described("Memory beyond the default.", "size"),
        "time-ms": integer("Milliseconds of a call beyond the default.", 0, None),
    });
    closed("What a person allowed. Void if the source or the signer changes.", &properties, &["source"])
}

fn age() -> Value {
    let properties = json!({
        "age": reference("period"),
        "except": list("Plugins that this isn't asked of.", &reference("name")),
    });
    let table = closed("How old a version has to be, and for which plugins it needn't.", &properties, &["age"]);
    json!({ "description": "Versions younger than this aren't chosen. A locked version is never too new.", "anyOf": [reference("period"), table] })
}

fn limits() -> Value {
    let caps = closed(
        "Caps that are stricter than the sandbox's own.",
        json!({ "memory": reference("size"), "time-ms": integer("Milliseconds of a call.", 0, None) }),
        &[],
    );
    closed("Stricter caps by kind of source.", json!({ "registry": caps, "url": caps, "git": caps, "path": caps }), &[])
}

fn policy() -> Value {
    let sources = "`kind:` and an exact address, or a beginning that ends in `:*` or `/*`: `git:https://github.com/acme/*`.";
    let source = json!({ "type": "string", "description": sources, "pattern": "^(registry|url|git|path|remote):" });
    let properties = json!({
        "min-release-age": reference("age"),
        "require-signatures": boolean("Whether every plugin must be signed."),
        "advisories": choice("What sync and load do about a blocking advisory.", &["warn", "deny"]),
        "licenses": list("The licences that are allowed. Absent: all.", &json!({ "type": "string", "minLength": 1 })),
        "allow": list("The sources that are allowed. Absent: all. Empty: none.", &source),
        "deny": list("The sources that are denied, whatever `allow` says.", &source),
        "keys": by_name("Publishers' keys that the project pins, by plugin.", &list("Keys.", &reference("signer"))),
        "limits": reference("limits"),
    });
    closed("What the project allows at all.", &properties, &[])
}
