//! The conformance suite's reference plugin in a harness: natively, as the json/1 modules and as the component that were built of
//! the very same source. What a test learns of one is true of the others.
#![allow(missing_docs, reason = "tests")]

use std::path::PathBuf;

use mockforge_plugin_sdk::prelude::*;
use mockforge_plugin_sdk::testing::{MockHost, Native, PluginTestHarness, Subject, Wasm};
use mockforge_plugin_sdk::{Call, PluginType, plugin_yaml};

extern crate alloc;

#[path = "../../../fixtures/conformance/sdk-rust/src/plugin.rs"]
mod plugin;

export_plugin!(plugin::Reference: Auth, Template, Response, Datasource; plugin_yaml = "tests/reference.yaml");

fn file(port: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/conformance").join(port).join("plugin.wasm")
}

fn wasm(port: &str) -> Wasm {
    Wasm::read(mockforge_plugin(), file(port)).expect("it's committed")
}

/// The same story, told to each.
fn everywhere(story: impl Fn(&dyn Fn() -> Asked)) {
    let subjects: [fn() -> Asked; 4] = [
        || Asked(Box::new(mockforge_plugin())),
        || Asked(Box::new(wasm("sdk-json1"))),
        || Asked(Box::new(wasm("sdk-no-std"))),
        || Asked(Box::new(wasm("sdk-component"))),
    ];
    for subject in subjects {
        story(&subject);
    }
}

/// One of the four.
struct Asked(Box<dyn Subject>);

impl Subject for Asked {
    fn about(&self) -> &About {
        self.0.about()
    }

    fn check(&self, config: &Value) -> Result<()> {
        self.0.check(config)
    }

    fn load(&self, config: &Value, host: &MockHost) -> Result<()> {
        self.0.load(config, host)
    }

    fn make(&self, call: Call, config: &Value, request: &Value, host: &MockHost) -> Result<Value> {
        self.0.make(call, config, request, host)
    }
}

#[test]
fn each_type_is_asked_in_its_own_words() {
    everywhere(|subject| {
        let harness = PluginTestHarness::new(subject());
        harness.load().unwrap();
        let request = AuthRequest { context: RequestContext::new("GET", "/"), credentials: Credentials::bearer("ada") };
        let verdict = harness.authenticate(request).unwrap();
        assert_eq!((verdict.authenticated, verdict.user_id.as_str(), &verdict.claims["type"]), (true, "ada", &json!("bearer")));
        assert!(harness.functions().unwrap().iter().any(|function| function.name == "repeat"));
        assert_eq!(harness.execute("repeat", [json!("ab"), json!(2)]).unwrap(), json!("abab"));
        let response = harness.generate(GenerateRequest::of(Request::new("POST", "/text").body("hi"))).unwrap();
        assert_eq!((response.status_code, response.body.as_slice()), (200, b"hi".as_slice()));
        let table = harness.query(QueryRequest::new("count 3")).unwrap();
        assert_eq!(table.rows().len(), 3);
    });
}

#[test]
fn an_error_is_the_plugins_words() {
    everywhere(|subject| {
        let harness = PluginTestHarness::new(subject());
        let error = harness.execute("no-such", []).unwrap_err().to_string();
        assert!(error.contains("there's no function `no-such`"), "{error}");
        let error = harness.raw(Call::Authenticate, &json!({ "context": {} })).unwrap_err().to_string();
        assert!(error.contains("method"), "{error}");
        assert_eq!(harness.execute("echo", [json!(1)]).unwrap(), json!([1]), "the next call has a plugin of its own");
    });
}

#[test]
fn what_the_host_gives_is_what_the_test_gave() {
    everywhere(|subject| {
        let host = MockHost::default().at(1234).seed(250).with_asset("data/a.txt", "hi");
        let harness = PluginTestHarness::new(subject()).with_host(host).config(json!({ "a": [1] })).unwrap();
        assert_eq!(harness.execute("now", []).unwrap(), json!(1234));
        assert_eq!(harness.execute("random", [json!(3)]).unwrap(), json!({ "length": 3, "sum": 250 + 251 + 252 }));
        assert_eq!(harness.execute("asset", [json!("data/a.txt")]).unwrap(), json!("aGk="));
        assert!(harness.execute("asset", [json!("data/b.txt")]).is_err());
        assert_eq!(harness.execute("config", []).unwrap(), json!({ "a": [1] }));
        harness.execute("log", [json!("warn"), json!("careful")]).unwrap();
        assert_eq!(harness.host().logged(), [(Level::Warn, "careful".to_owned())]);
    });
}

#[test]
fn dependencies_are_the_tests_to_make() {
    let host = MockHost::default().with_dependency("callee", |call, request| Ok(json!([call.as_str(), request])));
    let harness = PluginTestHarness::new(mockforge_plugin()).with_host(host);
    let answer = harness.execute("call", [json!("callee"), json!("query"), json!({ "a": 1 })]).unwrap();
    assert_eq!(answer, json!(["query", { "a": 1 }]));
    let error = harness.execute("call", [json!("other"), json!("query"), json!({})]).unwrap_err();
    assert_eq!(error.to_string(), "`other` isn't a dependency");
}

#[test]
fn a_built_plugin_calls_built_ones() {
    let host = || MockHost::default().at(5);
    for port in ["sdk-no-std", "sdk-component"] {
        let dependency = Wasm::read(everything::exported::mockforge_plugin(), file("sdk-no-std")).expect("it's committed");
        let caller = wasm(port).with_dependency(dependency, json!({ "greeting": "hi" }));
        let harness = PluginTestHarness::new(caller).with_host(host());
        let ask = |name: &str| {
            harness.execute("call", [json!(name), json!("execute"), json!({ "function_name": "config", "args": [], "context": {} })])
        };
        assert_eq!(ask("greedy").unwrap(), json!({ "greeting": "hi" }), "{port}");
        assert!(ask("other").unwrap_err().to_string().contains("other"), "{port}");
    }
}

#[test]
fn what_cannot_be_loaded_is_said_before_it_is_asked() {
    let about = everything::exported::mockforge_plugin;
    let natively = PluginTestHarness::new(about()).load().unwrap_err().to_string();
    assert!(natively.contains("greeting"), "{natively}");
    let wasm = Wasm::read(about(), file("sdk-json1")).expect("it's committed");
    let refused = PluginTestHarness::new(wasm).load().unwrap_err().to_string();
    assert!(refused.contains("greeting"), "{refused}");
}

#[test]
fn plugin_yaml_is_what_mfp_reads() {
    let text = plugin_yaml::<plugin::Reference>();
    let read = mfp_model::plugin::PluginManifest::from_bytes(text.as_bytes()).unwrap();
    assert_eq!((read.id.as_str(), read.types.len(), read.dependencies.len()), ("conformance", 4, 1));
    assert_eq!(mockforge_plugin().types(), [PluginType::Auth, PluginType::Template, PluginType::Response, PluginType::Datasource]);
}

/// Everything that can be said, and that hostile texts say no more than they do.
mod everything {
    use super::*;

    struct Greedy;

    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Settings {
        /// What to greet with: "hi", for example
        greeting: String,
        #[serde(default)]
        times: Option<u8>,
    }

    impl Plugin for Greedy {
        type Config = Settings;

        fn about() -> About {
            plugin_config! {
                id: "greedy",
                version: "1.2.3",
                name: "Wants: \"all\" #1 {plugin: evil}",
                description: "- &a *a !!x",
                license: "MIT OR Apache-2.0",
                author: "Ada L. <ada@example.org>",
                homepage: "https://example.org/",
                repository: "https://example.org/git",
                keywords: ["a", "b"],
                mockforge: ">=0.3, <2",
                include: ["assets/**"],
                entry: "greedy.wasm",
                http: ["*.example.com", "http://localhost:9000"],
                env: ["LANG"],
                files: ["data"],
                file_access: FileAccess::ReadWrite,
                memory: 128 << 20,
                time_ms: 9000,
                dependencies: [Dependency::needed("jwks-core", "^0.3"), Dependency::optional("cache", "^1")],
            }
        }

        fn new(_: Settings) -> Result<Self> {
            Ok(Self)
        }
    }

    impl Template for Greedy {
        fn functions(&self) -> Vec<Function> {
            Vec::new()
        }

        fn execute(&self, call: FunctionCall, _: &dyn Host) -> Result<Value> {
            Err(call.unknown())
        }
    }

    pub(crate) mod exported {
        use super::*;

        export_plugin!(Greedy: Template; plugin_yaml = "tests/greedy.yaml");
    }

    #[test]
    fn all_that_is_asked_for_is_read_by_mfp() {
        let text = plugin_yaml::<Greedy>();
        let read = mfp_model::plugin::PluginManifest::from_bytes(text.as_bytes()).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let asked = serde_json::to_value(&read.capabilities).unwrap();
        let expected = json!({
            "env": ["LANG"], "fs-read": ["data"], "fs-write": ["data"], "http": ["*.example.com", "http://localhost:9000"],
            "memory": 128 << 20, "time-ms": 9000,
        });
        assert_eq!(asked, expected);
        assert_eq!(read.version.to_string(), "1.2.3");
        let optional: Vec<bool> = read.dependencies.iter().map(|dependency| dependency.optional).collect();
        assert_eq!(optional, [false, true]);
        assert_eq!(read.license.as_deref(), Some("MIT OR Apache-2.0"));
        let schema = read.config_schema.unwrap();
        assert!(mfp_loader::check_config(&schema, &json!({ "greeting": "hi" })).is_ok());
        assert!(mfp_loader::check_config(&schema, &json!({ "greeting": "hi", "more": 1 })).is_err());
    }

    #[test]
    fn a_configuration_that_is_not_its_own_is_refused_before_the_plugin_sees_it() {
        let harness = || PluginTestHarness::<Native>::new(exported::mockforge_plugin());
        assert!(harness().config(json!({ "greeting": "hi" })).is_ok());
        for wrong in [json!({}), json!({ "greeting": 1 }), json!({ "greeting": "hi", "more": 1 })] {
            let error = harness().config(wrong).unwrap_err().to_string();
            assert!(error.starts_with("the configuration: "), "{error}");
        }
    }
}
