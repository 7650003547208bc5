//! `[config.NAME]`: what a project configures is what the plugin takes, or it's said where it isn't.

use crate::support::{Machine, Plugin, Registry};

const SCHEMA: &str = "configuration:\n  schema:\n    type: object\n    required: [key]\n    properties:\n      key: { type: string, pattern: '^[a-z]+$' }\n      \
                      rounds: { type: integer, minimum: 1 }\n      hosts: { type: array, items: { type: object, properties: { name: { type: string } }, required: [name] } }\n    \
                      additionalProperties: false\n";

fn registry() -> Registry {
    let configurable = |name: &str| Plugin::new(name, "1.0.0").with(|plugin| SCHEMA.clone_into(&mut plugin.more_yaml));
    Registry::with([configurable("greet"), configurable("shout"), Plugin::new("plain", "1.0.0")])
}

fn machine(registry: &Registry, config: &str) -> Machine {
    Machine::with_manifest(registry, &format!("[plugins]\ngreet = \"^1\"\nshout = \"^1\"\nplain = \"^1\"\n\n{config}"))
}

#[test]
fn every_mistake_is_shown_where_it_stands() {
    let registry = registry();
    let config = "[config.greet]\nkey = \"fine\"\nrounds = 0\nhosts = [{ name = \"a\" }, { name = 7 }]\ncolour = \"red\"\n\n[config.shout]\nrounds = \"many\"\n";
    let machine = machine(&registry, config);
    let (manifest, _) = machine.files();
    let run = machine.mfp(["sync"]);
    insta::assert_snapshot!(run.all());
    assert!(!machine.has(".mockforge/plugins/greet"), "nothing is laid out");
    assert_eq!(machine.files().0, manifest);
    machine.mfp(["sync", "--locked"]).fails(2, "mfp::config::invalid");
    machine.mfp(["lock"]).fails(2, "mfp::config::invalid");
    machine.mfp(["lock", "--check"]).fails(2, "mfp::config::invalid");
    machine.mfp(["run", "greet", "hello"]).fails(2, "mfp::config::invalid");
    machine.write("mockforge-plugins.toml", manifest.split("[config").next().unwrap());
    machine.ok(["sync"]);
    machine.write("mockforge-plugins.toml", &manifest);
    machine.mfp(["verify"]).fails(2, "mfp::config::invalid");
    let run = machine.mfp(["verify", "shout", "--json"]);
    let problems = run.json()["problems"].clone();
    assert_eq!(problems.as_array().map(Vec::len), Some(2), "{problems:#}");
    assert!(problems[0]["name"] == "shout" && problems[0]["code"] == "mfp::config::invalid", "{problems:#}");
}

#[test]
fn one_mistake_needs_no_list() {
    let registry = registry();
    insta::assert_snapshot!(machine(&registry, "[config.greet]\nkey = 'x'\nhosts = [\n    { name = true },\n]\n").mfp(["sync"]).all());
    insta::assert_snapshot!(machine(&registry, "[config]\ngreet = {}\n").mfp(["sync"]).all());
}

#[test]
fn a_variable_is_judged_when_its_known() {
    let registry = registry();
    let machine = machine(&registry, "[config.greet]\nkey = { env = \"GREET_KEY\" }\n");
    machine.ok(["lock"]);
    machine.ok(["sync"]);
    machine.ok(["verify"]);
    let run = |key: Option<&str>| machine.run(machine.command().envs(key.map(|key| ("GREET_KEY", key))).args(["run", "greet", "hello"]));
    run(None).fails(2, "mfp::config::variable");
    assert_eq!(run(Some("letters")).code, 0);
    let wrong = run(Some("hunter-2"));
    insta::assert_snapshot!(wrong.all());
    let json = machine.run(machine.command().env("GREET_KEY", "hunter-2").args(["run", "greet", "hello", "--json", "-vv"]));
    assert!(!json.all().contains("hunter"), "{}", json.all());
}

#[test]
fn what_no_value_of_a_variable_could_mend_is_said_before() {
    let registry = registry();
    for (config, part) in [
        ("[config.greet]\nkey = 'a'\nrounds = { env = \"ROUNDS\" }\n", "/rounds"),
        ("[config.greet]\nkey = { env = \"K\" }\ncolour = 'red'\n", "colour"),
        ("[config.greet]\nkey = { env = \"K\" }\nrounds = 0\n", "/rounds"),
        ("[config.greet]\nrounds = 1\nhosts = [{ name = { env = \"H\" } }]\n", "key"),
        ("[config.greet]\nkey = 'a'\nhosts = [{ name = { env = \"H\" }, }, { nome = 'x' }]\n", "/hosts/1"),
    ] {
        let run = machine(&registry, config).mfp(["sync"]);
        assert!(run.code == 2 && run.stderr.contains("mfp::config::invalid") && run.stderr.contains(part), "{config}: {}", run.all());
    }
    let fine = "[config.greet]\nkey = { env = \"K\" }\nhosts = [{ name = { env = \"H\" } }]\n";
    machine(&registry, fine).ok(["sync"]);
}

#[test]
fn a_choice_that_a_variable_makes_is_made_when_its_known() {
    let schema = "configuration:\n  schema:\n    type: object\n    properties: { mode: { type: string }, key: { type: string } }\n    \
                  if: { properties: { mode: { const: keyed } }, required: [mode] }\n    then: { required: [key] }\n    else: { not: { required: [key] } }\n";
    let registry = Registry::with([Plugin::new("greet", "1.0.0").with(|plugin| plugin.more_yaml = schema.to_owned())]);
    let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[config.greet]\nmode = { env = \"MODE\" }\nkey = 'x'\n");
    machine.ok(["sync"]);
    let run = |mode: &str| machine.run(machine.command().env("MODE", mode).args(["run", "greet", "hello"])).code;
    assert_eq!((run("keyed"), run("open")), (0, 2));
    // What a choice demands, and which of several forms it is, hangs on the value too.
    for choice in [
        "if: { properties: { mode: { const: open } }, required: [mode] }\n    else: { required: [key] }\n",
        "anyOf: [{ properties: { mode: { const: open } } }, { required: [key], properties: { mode: { const: keyed } } }]\n",
        "enum: [{ mode: open }]\n",
    ] {
        let schema = format!("configuration:\n  schema:\n    type: object\n    {choice}");
        let registry = Registry::with([Plugin::new("greet", "1.0.0").with(|plugin| plugin.more_yaml = schema)]);
        let machine = Machine::with_manifest(&registry, "[plugins]\ngreet = \"^1\"\n\n[config.greet]\nmode = { env = \"MODE\" }\n");
        machine.ok(["sync"]);
        let run = |mode: &str| machine.run(machine.command().env("MODE", mode).args(["run", "greet", "hello"])).code;
        assert_eq!((run("open"), run("keyed")), (0, 2), "{choice}");
    }
}

#[test]
fn what_a_plugin_takes_is_a_table_and_something_to_paste() {
    let registry = registry();
    let machine = machine(&registry, "");
    let run = machine.mfp(["info", "greet", "--config"]);
    assert!(run.stderr.contains("greet isn't locked"), "{}", run.all());
    machine.ok(["lock"]);
    let run = machine.mfp(["info", "greet", "--config"]);
    assert!(run.stderr.contains("isn't in the store"), "{}", run.all());
    machine.ok(["sync"]);
    insta::assert_snapshot!(machine.ok(["info", "greet", "--config"]).stdout);
    let run = machine.ok(["info", "plain", "--config"]);
    assert!(run.stderr.contains("plain says nothing about its configuration"), "{}", run.all());
    let pasted = machine.ok(["info", "greet", "--config", "--json"]).json()["plugin"]["config_example"].as_str().unwrap().to_owned();
    machine.write("mockforge-plugins.toml", format!("{}\n{pasted}", machine.read("mockforge-plugins.toml")));
    machine.ok(["sync"]);
}
