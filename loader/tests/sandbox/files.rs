//! What a component sees of the machine: the folders it was granted, its own package, and nothing else. Asked with a Python
//! plugin (`fixtures/probe-python`), which tries what a program tries.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mfp_loader::{Call, CallError, LoadError, Loader, LoaderOptions, PluginSpec, PluginType, Plugins, ProjectFiles};
use mfp_model::capability::Capabilities;
use serde_json::{Value, json};

use crate::support::*;

/// The probe, as its recipe builds it.
fn probe() -> PluginSpec {
    static WASM: OnceLock<Vec<u8>> = OnceLock::new();
    let wasm = WASM.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/conformance/probe-python.wasm");
        std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run `fixtures/conformance/build.sh probe`", file.display()))
    });
    raw("probe", PluginType::Template, wasm.clone())
}

/// Compiled code of all tests of this file: it takes long to be made.
fn options_with_cache() -> LoaderOptions {
    // Compiled by whoever comes first, while the others wait.
    static FIRST: OnceLock<()> = OnceLock::new();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("aot");
    FIRST.get_or_init(|| {
        let _alone = alone();
        drop(Loader::new(LoaderOptions { aot_cache: Some(cache.clone()), compiler: compiler(), ..options() }).load(vec![probe()]).unwrap());
    });
    LoaderOptions { aot_cache: Some(cache), ..options() }
}

struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in
            [("data/in/a.txt", "first"), ("data/b.txt", "second"), ("other/secret.txt", "canary"), ("plugins.lock", "canary")]
        {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self { folder }
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        self.folder.path().join(below)
    }

    fn load(&self, capabilities: Value) -> Result<Plugins, LoadError> {
        let capabilities: Capabilities = serde_json::from_value(capabilities).unwrap();
        let project = ProjectFiles { root: self.folder.path().to_owned(), never: vec!["mocks/plugins".to_owned()] };
        Loader::new(options_with_cache()).load(vec![PluginSpec { capabilities, project: Some(project), ..probe() }])
    }
}

/// What a function says; its own error as text.
#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "it's always made for this")]
fn try_it(plugins: &Plugins, function: &str, args: Value) -> Value {
    match plugins.call(&name("probe"), &Call::Execute(function.to_owned()), &json!({ "args": args })) {
        Ok(answer) => answer.to_value(),
        Err(CallError::Plugin { message, .. }) => Value::String(message),
        Err(error) => panic!("{function}: {error}"),
    }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "it's always made for this")]
fn refused(plugins: &Plugins, function: &str, args: Value) {
    let said = try_it(plugins, function, args.clone());
    assert!(said.as_str().is_some_and(|text| text.starts_with("error: ")), "{function} {args}: {said}");
}

#[test]
fn without_a_capability_there_is_only_its_own_package() {
    let plugins = Project::new().load(json!({})).unwrap();
    assert_eq!(try_it(&plugins, "read", json!(["/plugin/data/hi.txt"])), json!("hi"));
    assert_eq!(try_it(&plugins, "list_folder", json!(["/plugin"])), json!(["data"]), "its module is code, not data");
    refused(&plugins, "write", json!(["/plugin/data/hi.txt", "changed"]));
    refused(&plugins, "write", json!(["/plugin/new.txt", "new"]));
    refused(&plugins, "remove", json!(["/plugin/data/hi.txt"]));
    for path in ["/", "/data", "data", "/etc", "/proc/self", "..", "/plugin/../.."] {
        refused(&plugins, "list_folder", json!([path]));
    }
    refused(&plugins, "read", json!(["/etc/passwd"]));
    refused(&plugins, "read", json!(["/plugin/../etc/passwd"]));
    refused(&plugins, "write", json!(["/tmp/mfp-canary", "x"]));
}

#[test]
fn a_granted_folder_and_nothing_beside_it() {
    let project = Project::new();
    let plugins = project.load(json!({ "fs-read": ["data"] })).unwrap();
    assert_eq!(try_it(&plugins, "read", json!(["/data/in/a.txt"])), json!("first"));
    assert_eq!(try_it(&plugins, "read", json!(["data/b.txt"])), json!("second"));
    assert_eq!(try_it(&plugins, "list_folder", json!(["/data"])), json!(["b.txt", "in"]));
    for path in ["/data/../other/secret.txt", "/other/secret.txt", "other/secret.txt", "/data/../plugins.lock"] {
        refused(&plugins, "read", json!([path]));
    }
    refused(&plugins, "write", json!(["/data/b.txt", "changed"]));
    refused(&plugins, "write", json!(["/data/new.txt", "new"]));
    refused(&plugins, "remove", json!(["/data/b.txt"]));
    refused(&plugins, "link", json!(["/etc/passwd", "/data/link"]));
    assert_eq!(std::fs::read_to_string(project.path("data/b.txt")).unwrap(), "second");
    assert!(!project.path("data/new.txt").exists());
}

#[test]
fn a_folder_to_write_is_made_if_it_isnt_there() {
    let project = Project::new();
    let plugins = project.load(json!({ "fs-read": ["cache/a", "data"], "fs-write": ["cache/a"] })).unwrap();
    assert_eq!(try_it(&plugins, "write", json!(["/cache/a/x.txt", "kept"])), json!("written"));
    assert_eq!(std::fs::read_to_string(project.path("cache/a/x.txt")).unwrap(), "kept");
    assert_eq!(try_it(&plugins, "read", json!(["/cache/a/x.txt"])), json!("kept"), "the next call sees it");
    refused(&plugins, "write", json!(["/data/b.txt", "changed"]));
    refused(&plugins, "write", json!(["/cache/b.txt", "beside"]));
    let error = project.load(json!({ "fs-write": ["cache"] })).unwrap_err();
    assert!(error.code() == "mfp::sandbox::files" && error.to_string().contains("written only"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let project = Project::new();
    symlink(project.path("other/secret.txt"), project.path("data/file")).unwrap();
    symlink("../other", project.path("data/folder")).unwrap();
    symlink("in/a.txt", project.path("data/inside")).unwrap();
    let plugins = project.load(json!({ "fs-read": ["data"] })).unwrap();
    refused(&plugins, "read", json!(["/data/file"]));
    refused(&plugins, "read", json!(["/data/folder/secret.txt"]));
    refused(&plugins, "list_folder", json!(["/data/folder"]));
    assert_eq!(try_it(&plugins, "read", json!(["/data/inside"])), json!("first"));

    symlink("other", project.path("linked")).unwrap();
    symlink("data", project.path("way")).unwrap();
    for path in ["linked", "way/in"] {
        let error = project.load(json!({ "fs-read": [path] })).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{path}: {error}");
        let error = project.load(json!({ "fs-read": [path], "fs-write": [path] })).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{path}: {error}");
    }
    symlink(std::env::temp_dir(), project.path("away")).unwrap();
    assert!(project.load(json!({ "fs-read": ["away/made-by-mfp"], "fs-write": ["away/made-by-mfp"] })).is_err());
    assert!(!std::env::temp_dir().join("made-by-mfp").exists(), "nothing is made behind a link");
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_exchanged_after_loading_is_still_the_one_that_was_granted() {
    let project = Project::new();
    let plugins = project.load(json!({ "fs-read": ["data"] })).unwrap();
    std::fs::rename(project.path("data"), project.path("was-data")).unwrap();
    std::os::unix::fs::symlink("other", project.path("data")).unwrap();
    refused(&plugins, "read", json!(["/data/secret.txt"]));
    assert_eq!(try_it(&plugins, "read", json!(["/data/b.txt"])), json!("second"));
}

#[test]
fn what_holds_secrets_is_never_granted() {
    let project = Project::new();
    for secret in ["data/in/.env", "data/.env.local", "data/.git/config", "data/in/.gitignore"] {
        let file = project.path(secret);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "canary").unwrap();
        let error = project.load(json!({ "fs-read": ["data"] })).unwrap_err();
        assert_eq!(error.code(), "mfp::sandbox::files", "{error}");
        assert!(error.to_string().contains("never given"), "{error}");
        if secret.contains(".git/") {
            std::fs::remove_dir_all(project.path("data/.git")).unwrap();
        } else {
            std::fs::remove_file(file).unwrap();
        }
    }
    std::fs::create_dir_all(project.path("mocks/plugins")).unwrap();
    for path in ["mocks", "mocks/plugins", "mocks/plugins/a"] {
        assert!(project.load(json!({ "fs-read": [path] })).unwrap_err().to_string().contains("never given"), "{path}");
    }
    assert!(project.load(json!({ "fs-read": ["nowhere"] })).unwrap_err().to_string().contains("can't be given"));
    assert!(project.load(json!({ "fs-read": ["data/b.txt"] })).is_err(), "folders, not files");
}

#[test]
fn no_variables_no_arguments_no_sockets_no_names() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    server.set_nonblocking(true).unwrap();
    let plugins = Project::new().load(json!({})).unwrap();
    let environment = try_it(&plugins, "environment", json!([]));
    let own: Vec<&String> = environment.as_object().unwrap().keys().filter(|name| std::env::var(name).is_ok()).collect();
    assert!(own.is_empty(), "variables of this process: {own:?} in {environment}");
    refused(&plugins, "connect", json!(["127.0.0.1", server.local_addr().unwrap().port()]));
    refused(&plugins, "resolve", json!(["localhost"]));
    assert!(server.accept().is_err(), "somebody connected");
}

#[test]
fn granted_variables_are_in_the_context_of_template_calls() {
    let environment = [("REGION".to_owned(), "eu".to_owned())].into();
    let plugins = Loader::new(options_with_cache()).load(vec![PluginSpec { environment, ..probe() }]).unwrap();
    assert_eq!(try_it(&plugins, "context", json!([])), json!({ "REGION": "eu" }));
}

#[test]
fn clocks_show_milliseconds() {
    let plugins = Loader::new(LoaderOptions { component_limits: patient(), ..options_with_cache() }).load(vec![probe()]).unwrap();
    let step = try_it(&plugins, "clock", json!([]));
    assert!(step.is_null() || step.as_u64().is_some_and(|step| step >= 1_000_000), "{step}");
}

fn patient() -> mfp_loader::Limits {
    mfp_loader::Limits { template: Duration::from_secs(10), ..mfp_loader::Limits::COMPONENT }
}

#[test]
fn waiting_ends_with_the_call() {
    let plugins = Project::new().load(json!({})).unwrap();
    let began = Instant::now();
    let call = plugins.call(&name("probe"), &Call::Execute("sleep".into()), &json!({ "args": [60] }));
    assert_eq!(call.unwrap_err().code(), "mfp::sandbox::time");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn what_it_prints_goes_to_the_log() {
    let log = Log::default();
    let loader = Loader::new(LoaderOptions { log: Box::new(log.clone()), ..options_with_cache() });
    let plugins = loader.load(vec![probe()]).unwrap();
    try_it(&plugins, "say", json!(["out", "err"]));
    let lines: Vec<String> = log.0.lock().unwrap().iter().map(|line| format!("{:?} {} {}", line.level, line.function, line.text)).collect();
    assert_eq!(lines, ["Info execute out", "Warn execute err"]);
}
