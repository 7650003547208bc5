//! Plugins that are services: declared, locked by how they're asked for, and called; at the other end a `FastAPI` service that
//! speaks MockForge's protocol as strictly as its SDK does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::git::has_programs;
use crate::support::{Client, Machine, Plugin, Registry, Serving};

/// The service, which ends with the test.
struct Service {
    child: Child,
    port: u16,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    /// Start it. `None` on a machine without Python, which CI isn't.
    fn start() -> Option<Self> {
        let python = python()?;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port_file = folder.path().join("port");
        let child = Command::new(python)
            .arg(here().join("tests/remote/service.py"))
            .arg(&port_file)
            .stdin(Stdio::null())
            .spawn()
            .expect("Python can be started");
        let mut service = Self { child, port: 0 };
        let until = Instant::now() + Duration::from_mins(1);
        while service.port == 0 {
            assert!(Instant::now() < until && service.child.try_wait().is_ok_and(|ended| ended.is_none()), "the service doesn't start");
            service.port = std::fs::read_to_string(&port_file).ok().and_then(|port| port.parse().ok()).unwrap_or(0);
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(service)
    }

    /// Start the conformance suite's reference plugin, over the SDK, by this Python: on `FastAPI` if it has that.
    fn reference(python: &Path) -> Self {
        let script = here().join("fixtures/conformance/remote-python/service.py");
        let spawned = Command::new(python).arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut service = Self { child: spawned.expect("Python can be started"), port: 0 };
        let mut url = String::new();
        let said = service.child.stdout.take().expect("it's a pipe");
        BufReader::new(said).read_line(&mut url).expect("its first line can be read");
        let port = url.trim_end().rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        service.port = port.unwrap_or_else(|| panic!("the service says {url:?} instead of its URL"));
        service
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Python that has `FastAPI`, in a virtual environment below `target`, made by whoever comes first.
fn python() -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if !has_programs(&["python3"]) {
        return None;
    }
    let folder = here().join("target/tests-venv");
    let (python, done) = (folder.join("bin/python"), folder.join("done"));
    let requirements = here().join("tests/remote/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).expect("it's in the repository");
    if std::fs::read_to_string(&done).is_ok_and(|made| made == wanted) {
        return Some(python);
    }
    let ok = |command: &mut Command| {
        let output = command.output().expect("it can be started");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    ok(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    ok(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&requirements));
    std::fs::write(done, wanted).expect("its own folder can be written");
    Some(python)
}

/// A machine whose project declares services, each a line.
fn machine(lines: &str) -> Machine {
    let machine = Machine::new();
    machine.write("mockforge-plugins.toml", format!("[plugins]\n{lines}\n"));
    machine
}

/// A request of the conformance suite's that a client can send as it stands, and each service must answer alike: nothing that's
/// spelled out by the suite itself, no host function, and no answer that can't be used.
fn as_it_stands(case: &Value) -> bool {
    let request = case["request"].to_string();
    let usable = case["error"].is_null() || case["error"]["code"] == "mfp::run::plugin-error";
    let host = ["log", "now", "random", "asset", "config", "call", "spin"].iter().any(|name| case["request"]["function_name"] == **name);
    // Keys that are `null`, and keys of nobody's, mfp's own client leaves out.
    let clean = !request.contains(":null") && !request.contains("\"more\":") && !request.contains("\"peer\":");
    usable && !host && clean && !request.contains("\"$") && case["call"] != "functions"
}

/// An answer without what JSON lets differ: a body that's JSON is that JSON, and a content type that's missing is none.
fn meant(mut answer: Value) -> Value {
    let result = &mut answer["result"];
    if result["content_type"] == "application/json" {
        let body = STANDARD.decode(result["body"].as_str().expect("it's base64")).expect("it's base64");
        result["body"] = serde_json::from_slice(&body).expect("it's JSON");
    }
    if let Some(result) = result.as_object_mut().filter(|result| result.contains_key("status_code")) {
        result.entry("content_type").or_insert(Value::Null);
    }
    answer
}

#[test]
fn no_client_can_tell_a_fastapi_plugin_from_one_in_the_sandbox_behind_serve() {
    let Some(fastapi) = python() else { return };
    // Without FastAPI, too: on Python's own library alone.
    for python in [fastapi.as_path(), Path::new("python3")] {
        no_client_can_tell(&Service::reference(python));
    }
}

fn no_client_can_tell(service: &Service) {
    let port = here().join("fixtures/conformance/json1-rust/plugin.wasm");
    let plugin = Plugin::new("reference", "1.0.0").with(|plugin| {
        plugin.types = ["auth", "datasource", "response", "template"].map(str::to_owned).to_vec();
        plugin.wasm = std::fs::read(port).expect("it's in the repository");
    });
    let registry = Registry::with([plugin]);
    let machine = Machine::with_manifest(&registry, "[plugins]\nreference = \"^1\"\n");
    machine.ok(["sync"]);
    let serving = Serving::start(&machine, &[]);
    let python = ([127, 0, 0, 1], service.port).into();
    let (mut asked, mut differ) = (0, Vec::new());
    for (file, path) in [
        ("authenticate", "/plugin/authenticate"),
        ("execute", "/plugin/template/execute"),
        ("generate", "/plugin/response/generate"),
        ("query", "/plugin/datasource/query"),
    ] {
        let cases = std::fs::read(here().join(format!("fixtures/conformance/cases/{file}.json"))).expect("it's in the repository");
        let cases: Vec<Value> = serde_json::from_slice(&cases).expect("it's JSON");
        for case in cases.iter().filter(|case| as_it_stands(case)) {
            let mut request = case["request"].clone();
            if file == "execute" {
                let request = request.as_object_mut().expect("it's an object");
                request.entry("args").or_insert_with(|| json!([]));
                request.entry("context").or_insert_with(|| json!({}));
            }
            let body = request.to_string();
            let there = Client::new(python).post(path, &body);
            let here = serving.post(&format!("/plugins/reference{path}"), &body);
            let (here, there) = ((here.status, meant(here.json())), (there.status, meant(there.json())));
            if here != there {
                differ.push(format!("{}: {body}\n  {here:?}\n  {there:?}", case["name"]));
            }
            asked += 1;
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(asked > 50, "{asked} requests were asked of both");
}

const ALL: &str = r#"types = ["auth", "template", "response", "datasource"]"#;

#[test]
fn every_call_of_a_real_service() {
    let Some(service) = Service::start() else { return };
    let machine = machine(&format!("oauth = {{ remote = \"{}\", {ALL} }}", service.url()));
    machine.ok(["lock"]);
    let run = |arguments: &[&str]| machine.ok([&["run", "oauth"], arguments].concat()).stdout;
    insta::assert_snapshot!(run(&["authenticate", r#"{"type":"bearer","token":"letmein"}"#]), @r#"
    {"authenticated":true,"user_id":"ada","claims":{"type":"bearer","let-in":""}}
    "#);
    insta::assert_snapshot!(run(&["authenticate", r#"{"type":"bearer","token":"no","extra":1}"#]), @r#"
    {"authenticated":false,"user_id":"","claims":{}}
    "#);
    insta::assert_snapshot!(run(&["upper", "\"grüezi\""]), @r#"
    "GRÜEZI"
    "#);
    let context = r#"{"request_context":{"method":"GET","uri":"/","peer":"unknown to the protocol"}}"#;
    insta::assert_snapshot!(run(&["upper", "\"a\"", "--context", context]), @r#"
    "A"
    "#);
    insta::assert_snapshot!(run(&["generate", r#"{"method":"GET","path":"/x","headers":{"a":"b"}}"#]), @r#"
    {"status_code":200,"headers":{"X-From":"python"},"body":"aGVsbG8gZnJvbSAveA==","content_type":"text/plain"}
    "#);
    insta::assert_snapshot!(run(&["query", "\"select 1\""]), @r#"
    {"columns":[{"name":"query","data_type":"string"}],"rows":[{"query":"select 1"}]}
    "#);
    insta::assert_snapshot!(machine.mfp(["run", "oauth", "nothing"]).all(), @r"
    exit 1
    --- stdout
    --- stderr
    error[mfp::run::plugin-error]: plugin `oauth` says in `execute nothing`: Unknown function: nothing
    help: these are the plugin's own words; `mfp docs oauth` may say more
    ");
    machine.mfp(["run", "oauth", "functions"]).fails(1, "mfp::run::no-functions");
}

/// What the author of a service has in its folder.
const OWN: &str = r#"mfp: 1
plugin: { id: oauth, version: 1.0.0, types: [auth, template, response, datasource], runtime: remote, license: MIT, description: Signs in. }
tests:
  - name: somebody who is known
    call: authenticate
    request: { context: { method: GET, uri: / }, credentials: { type: bearer, token: letmein } }
    expect-partial: { authenticated: true, user_id: ada }
  - { name: capitals, call: execute, request: { function_name: upper, args: [grüezi] }, expect: GRÜEZI }
  - { name: no such function, call: execute, request: { function_name: nothing }, expect-error: "Unknown function: nothing" }
  - name: a response
    call: generate
    request: { context: { method: GET, uri: /x }, request: { method: GET, path: /x } }
    expect-partial: { status_code: 200, content_type: text/plain }
  - name: a table
    call: query
    request: { context: { method: GET, uri: / }, query: { query: select 1 } }
    expect-partial: { rows: [{ query: select 1 }] }
"#;

#[test]
fn a_running_service_is_asked_the_requests_of_its_own_manifest() {
    let Some(service) = Service::start() else { return };
    let machine = Machine::new();
    machine.write("plugin.yaml", OWN);
    let test = |more: &[&str]| machine.mfp([&["test"], more].concat());
    let without = test(&[]);
    assert_eq!(without.code, 0, "{}", without.all());
    assert!(without.stderr.contains("`mfp test --endpoint URL`"), "{}", without.all());
    let url = service.url();
    let run = test(&["--endpoint", &url]);
    assert_eq!(run.code, 0, "{}", run.all());
    for name in ["somebody who is known", "capitals", "no such function", "a response", "a table"] {
        assert!(run.stderr.contains(&format!("ok    {name}")), "{name}: {}", run.all());
    }
    let json = test(&["--endpoint", &url, "--json", "--only", "capitals"]).json();
    assert_eq!((json["requests"].as_array().map(Vec::len), &json["requests"][0]["answer"]), (Some(1), &json!("GRÜEZI")), "{json}");
    assert!(!machine.ok(["validate"]).stderr.contains("sandbox"), "they're a service's, too");
    machine.write("plugin.yaml", OWN.replace("function_name: nothing }", "function_name: nothing }, config: { a: 1 }"));
    let warned = machine.ok(["validate"]);
    assert!(warned.stderr.contains("`tests[2]` has a `config`, and this plugin is a service"), "{}", warned.all());
    // Another answer is a difference; a service that's gone, or somebody else's words, aren't the error that was expected.
    machine.write("plugin.yaml", OWN.replace("expect: GRÜEZI", "expect: Grüezi"));
    let run = test(&["--endpoint", &url]);
    run.fails(1, "mfp::test::failed");
    assert!(run.stderr.contains("\"Grüezi\" was expected, it's \"GRÜEZI\""), "{}", run.all());
    machine.write("plugin.yaml", OWN.replace("\"Unknown function: nothing\"", "e"));
    drop(service);
    let run = test(&["--endpoint", &url]);
    run.fails(1, "mfp::test::failed");
    assert!(run.stderr.contains("FAIL  no such function"), "{}", run.all());
}

#[test]
fn a_credential_of_the_users_own_goes_to_its_origin() {
    let Some(service) = Service::start() else { return };
    let machine = machine(&format!("oauth = {{ remote = \"{}\", {ALL} }}", service.url()));
    machine.ok(["lock"]);
    let asked = |origin: &str| {
        let mut command = machine.command();
        command.env("MFP_CREDENTIALS", format!("{{\"{origin}\":\"s3cret\"}}"));
        machine.run(command.args(["run", "oauth", "authenticate", r#"{"type":"bearer","token":"letmein"}"#])).stdout
    };
    assert!(asked(&service.url()).contains("Bearer s3cret"));
    assert!(!asked("http://127.0.0.1:1").contains("s3cret"), "another port is another origin");
}

#[test]
fn the_endpoint_may_come_from_the_environment() {
    let Some(service) = Service::start() else { return };
    let machine = machine(&format!("oauth = {{ remote = {{ env = \"AUTH_URL\" }}, {ALL} }}"));
    machine.ok(["lock"]);
    assert!(!machine.read("plugins.lock").contains("127.0.0.1"));
    let with = |url: &str| {
        let mut command = machine.command();
        machine.run(command.env("AUTH_URL", url).args(["run", "oauth", "upper", "\"a\""]))
    };
    assert_eq!(with(&service.url()).stdout, "\"A\"\n");
    insta::assert_snapshot!(machine.mfp(["run", "oauth", "upper"]).all(), @r"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::variable]: oauth is at the address that AUTH_URL holds, which isn't set
    help: set it to the service's URL: `export AUTH_URL=https://…`
    ");
    insta::assert_snapshot!(with("ftp://user:canary@auth.example/").all(), @r"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::variable]: oauth: AUTH_URL holds no URL of a service: `ftp:` isn't supported here; use `https:` or `http:`
    help: set it to the service's URL: `export AUTH_URL=https://…`
    ");
    insta::assert_snapshot!(with("http://auth.example/").all(), @r"
    exit 2
    --- stdout
    --- stderr
    error[mfp::config::variable]: oauth: AUTH_URL holds a plain `http:` URL of another machine
    help: use https, or write `allow-http = true` into its entry if everything in between can be trusted
    ");
}

#[test]
fn what_is_known_of_a_service_is_said_plainly() {
    let registry = Registry::shop();
    let machine = Machine::with_manifest(
        &registry,
        "[plugins]\ngreet = \"1\"\noauth = { remote = \"http://localhost:8080\", types = [\"auth\"] }\nelsewhere = { remote = { env = \"ELSEWHERE\" }, types = [\"template\"] }\n",
    );
    machine.ok(["sync"]);
    insta::assert_snapshot!(machine.mfp(["list"]).all(), @r"
    exit 0
    --- stdout
    elsewhere (a service: no promise about its code)
    greet 1.1.0
    oauth (a service: no promise about its code)
    words 1.1.0
    --- stderr
    ");
    insta::assert_snapshot!(machine.mfp(["tree"]).stdout, @r"
    elsewhere (a service: no promise about its code)
    greet 1.1.0
    └── words 1.1.0
    oauth (a service: no promise about its code)
    ");
    insta::assert_snapshot!(machine.mfp(["verify"]).all(), @r"
    exit 0
    --- stdout
    --- stderr
    elsewhere is a service: there's nothing to verify, and no promise about its code
    oauth is a service: there's nothing to verify, and no promise about its code
    Verified 2 plugins
    ");
    insta::assert_snapshot!(machine.mfp(["info", "oauth"]).all(), @r"
    exit 0
    --- stdout
    oauth (a service: no promise about its code)
    types         auth
    source        remote+http://localhost:8080
    content       blake3:f5d5033104cdd17c639a2c5f06b7efa324e13b57833b0a48ecd330291fdef1ab
    --- stderr
    ");
    machine.ok(["lock", "--check"]);
    machine.ok(["sync", "--locked"]);
    assert!(!machine.has(".mockforge/plugins/oauth"), "there's nothing to lay out");
}

#[test]
fn a_service_that_is_not_there() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it has an address");
    let machine = machine(&format!("oauth = {{ remote = \"http://{free}\", types = [\"auth\"], retries = 1 }}"));
    machine.ok(["lock"]);
    let run = machine.mfp(["run", "oauth", "authenticate", "{\"type\":\"bearer\"}"]);
    insta::assert_snapshot!(run.all().replace(&free.port().to_string(), "[PORT]"), @r"
    exit 6
    --- stdout
    --- stderr
    error[mfp::remote::unreachable]: service `oauth` at http://127.0.0.1:[PORT] gave no answer to `authenticate`: it can't be reached: Connection refused (os error 111)
    help: start it, or correct its address in mockforge-plugins.toml
    ");
    insta::assert_snapshot!(machine.mfp(["run", "--offline", "oauth", "authenticate", "{\"type\":\"bearer\"}"]).all().replace(&free.port().to_string(), "[PORT]"), @r"
    exit 6
    --- stdout
    --- stderr
    error[mfp::network::offline]: oauth is a service, and --offline was given
    help: call it without `--offline`
    ");
}

#[test]
fn a_service_that_wants_credentials() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let machine = machine(&format!("oauth = {{ remote = \"http://127.0.0.1:{port}\", types = [\"auth\"] }}"));
    machine.ok(["lock"]);
    let run = machine.mfp(["run", "oauth", "authenticate", "{\"type\":\"bearer\"}"]);
    insta::assert_snapshot!(run.all().replace(&port.to_string(), "[PORT]"), @r#"
    exit 6
    --- stdout
    --- stderr
    error[mfp::remote::status]: service `oauth` at http://127.0.0.1:[PORT] gave no answer to `authenticate`: it answered with status 401
    help: log in: `mfp login http://127.0.0.1:[PORT]`, or give a token in MFP_CREDENTIALS; for X-API-Key, put into your configuration: `[credentials."http://127.0.0.1:[PORT]"] api-key-env = "…"`
    "#);
}

#[test]
fn a_plugin_that_runs_here_may_depend_on_a_service() {
    let registry = Registry::with([Plugin::new("any", "1.0.0").needs("oauth", "*"), Plugin::new("picky", "1.0.0").needs("oauth", "^1")]);
    let oauth = "oauth = { remote = \"http://localhost:8080\", types = [\"auth\"] }";
    let machine = Machine::with_manifest(&registry, &format!("[plugins]\nany = \"1\"\n{oauth}\n"));
    machine.ok(["lock"]);
    machine.ok(["lock", "--check"]);
    insta::assert_snapshot!(machine.mfp(["tree"]).stdout, @r"
    any 1.0.0
    └── oauth (a service: no promise about its code)
    oauth (a service: no promise about its code)
    ");
    let machine = Machine::with_manifest(&registry, &format!("[plugins]\npicky = \"1\"\n{oauth}\n"));
    insta::assert_snapshot!(machine.mfp(["lock"]).all(), @r#"
    exit 1
    --- stdout
    --- stderr
    error[mfp::resolve::conflict]: picky ^1 can't be had
       ╭─[mockforge-plugins.toml:5:1]
     5 │ picky = "1"
       · ─────┬─────
       ·      ╰── your project wants picky ^1
       ╰────
      Because picky 1.0.0 depends on oauth ^1
      and no version of oauth matches ^1 (there is only 0.0.0),
      picky ^1 can't be had.
    help: loosen one of the requirements that are named, or take one of the plugins out
    "#);
}
