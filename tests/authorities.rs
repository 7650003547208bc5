//! `network.ca-file`: an authority of one's own is trusted by everything that opens a connection, beside the system's.

use crate::network::configure;
use crate::support::server::respond;
use crate::support::tls::{Tls, authority};
use crate::support::{Machine, Plugin, Registry, Server};

/// The user trusts the authority of the tests.
fn trust(machine: &Machine) {
    configure(machine, &format!("[network]\nca-file = \"{}\"\n", authority().display()));
}

/// Nobody is waited for.
fn trust_nobody(machine: &Machine) {
    configure(machine, "[network]\nretries = 0\n");
}

#[test]
fn a_registry_with_a_certificate_of_ones_own() {
    let registry = Registry::with([Plugin::new("greet", "1.0.0")]);
    let server = Server::over(registry.folder());
    let tls = Tls::before(server.port());
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[registries]\ndefault = \"{}/\"\n[plugins]\ngreet = \"^1\"\n", tls.origin()));
    trust_nobody(&machine);
    let run = machine.mfp(["sync"]);
    run.fails(6, "mfp::network::tls");
    assert!(run.stderr.contains("network.ca-file"), "{}", run.all());
    assert_eq!(server.requests().len(), 0);
    trust(&machine);
    machine.ok(["sync"]);
}

#[test]
fn a_plugins_own_requests() {
    let asked = Registry::new();
    let server = Server::over(asked.folder());
    let tls = Tls::before(server.port());
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/sender-template.wat");
    let sender = Plugin::new("sender", "1.0.0").with(|plugin| plugin.wasm = wat::parse_file(file).expect("it's well-formed"));
    let registry = Registry::with([sender.asks_http(&tls.origin())]);
    let machine = Machine::with_manifest(&registry, "[plugins]\n");
    machine.ok(["add", "sender", "--approve"]);
    let text = machine.read("mockforge-plugins.toml");
    machine.write("mockforge-plugins.toml", format!("{text}\n[config.sender]\nmethod = \"GET\"\nurl = \"{}/config.json\"\n", tls.origin()));
    trust_nobody(&machine);
    let refused = machine.mfp(["run", "sender", "x"]);
    assert!(refused.all().contains("connect: can't connect to https://127.0.0.1"), "{}", refused.all());
    assert_eq!(server.requests().len(), 0);
    trust(&machine);
    assert_eq!(machine.ok(["run", "sender", "x", "--json"]).json()["result"]["status"], 200);
    assert_eq!(server.count("config.json"), 1);
    // Whoever sends nothing isn't stopped by a file that's gone.
    configure(&machine, "[network]\nca-file = \"/nowhere/ca.pem\"\n");
    machine.mfp(["run", "sender", "x"]).fails(2, "mfp::usage::ca-file");
    let registry = Registry::with([Plugin::new("greet", "1.0.0")]);
    let quiet = Machine::with_manifest(&registry, "[plugins]\n");
    configure(&quiet, "[network]\nca-file = \"/nowhere/ca.pem\"\n");
    quiet.ok(["add", "greet"]);
    quiet.ok(["run", "greet", "hello"]);
}

#[test]
fn a_plugin_thats_tested() {
    let asked = Registry::new();
    let server = Server::over(asked.folder());
    let tls = Tls::before(server.port());
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/plugins/sender-template.wat");
    let sender = Plugin::new("sender", "1.0.0").asks_http(&tls.origin()).with(|plugin| {
        plugin.wasm = wat::parse_file(file).expect("it's well-formed");
        let config = format!("{{ method: GET, url: \"{}/config.json\" }}", tls.origin());
        plugin.more_yaml += &format!(
            "tests: [{{ name: sends, call: execute, request: {{ function_name: x }}, config: {config}, expect-partial: {{ status: 200 }} }}]\n"
        );
    });
    let machine = Machine::new();
    sender.write_to(&machine.project("sender"));
    machine.write("sender/plugin.c", "");
    trust_nobody(&machine);
    machine.mfp(["test", "sender", "--no-build"]).fails(1, "mfp::test::failed");
    assert_eq!(server.requests().len(), 0);
    trust(&machine);
    machine.ok(["test", "sender", "--no-build"]);
    assert_eq!(server.count("config.json"), 1);
    configure(&machine, "[network]\nca-file = \"/nowhere/ca.pem\"\n");
    machine.mfp(["test", "sender", "--no-build"]).fails(2, "mfp::usage::ca-file");
}

/// A service that knows everybody as Ada, and what's before it.
fn service() -> (Server, Tls) {
    let answer = r#"{"success":true,"result":{"authenticated":true,"user_id":"ada","claims":{}}}"#;
    let server =
        Server::faulty(Registry::new().folder(), move |_, stream| respond(stream, "200 OK", "content-type: application/json\r\n", answer));
    let tls = Tls::before(server.port());
    (server, tls)
}

#[test]
fn a_service_thats_tested() {
    let (server, tls) = service();
    let machine = Machine::new();
    let test = "{ name: a, call: authenticate, request: { context: { method: GET, uri: / }, credentials: { type: bearer } }, expect-partial: { user_id: ada } }";
    machine
        .write("plugin.yaml", format!("mfp: 1\nplugin: {{ id: sso, version: 1.0.0, types: [auth], runtime: remote }}\ntests: [{test}]\n"));
    trust_nobody(&machine);
    let run = machine.mfp(["test", "--endpoint", &tls.origin()]);
    run.fails(1, "mfp::test::failed");
    assert_eq!(server.requests().len(), 0);
    trust(&machine);
    machine.ok(["test", "--endpoint", &tls.origin()]);
}

#[test]
fn a_service() {
    let (server, tls) = service();
    let machine = Machine::new();
    machine.write(
        "mockforge-plugins.toml",
        format!("[plugins]\nsso = {{ remote = \"{}\", types = [\"auth\"], retries = 0 }}\n", tls.origin()),
    );
    machine.ok(["lock"]);
    let call = ["run", "sso", "authenticate", r#"{"type":"bearer","token":"t"}"#];
    trust_nobody(&machine);
    machine.mfp(call).fails(6, "mfp::remote::unreachable");
    assert_eq!(server.requests().len(), 0);
    trust(&machine);
    assert_eq!(machine.ok(call.into_iter().chain(["--json"])).json()["result"]["authenticated"], true);
}
