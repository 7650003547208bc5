//! Typed calls from async code, over a core module and a component alike.

use std::collections::BTreeMap;
use std::path::Path;

use mfp_loader::{Credentials, DataQuery, Plugin, PluginSpec, PluginType, RequestContext, ResponseRequest, TemplateContext};
use serde_json::{Map, json};

use crate::support::*;

/// The reference plugin, as this port is committed.
fn port(name: &str) -> PluginSpec {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/conformance").join(name).join("plugin.wasm");
    PluginSpec { types: PluginType::ALL.into(), ..raw(name, PluginType::Auth, std::fs::read(file).unwrap()) }
}

const fn assert_send<T: Send>(future: T) -> T {
    future
}

async fn ask_everything(plugin: &Plugin) {
    let context = RequestContext::new("GET", "/users?page=2");
    let verdict = assert_send(plugin.authenticate(&context, &Credentials::bearer("ada"))).await.unwrap();
    assert!(verdict.authenticated && verdict.user_id.as_deref() == Some("ada"), "{verdict:?}");
    assert_eq!(verdict.claims["context"]["uri"], "/users?page=2");

    let echoed = plugin.execute("echo", &[json!(1), json!("é")], &TemplateContext::default()).await.unwrap();
    assert_eq!(echoed, json!([1, "é"]));
    let functions = plugin.functions().await.unwrap();
    assert!(functions.iter().any(|function| function.name == "echo"), "{functions:?}");

    let request = ResponseRequest { method: "POST".into(), path: "/echo".into(), headers: BTreeMap::new(), body: Some(json!("text")) };
    let response = plugin.generate(&context, &request).await.unwrap();
    assert_eq!((response.status_code, response.content_type.as_deref()), (200, Some("application/json")));
    assert!(serde_json::from_slice::<serde_json::Value>(&response.body).unwrap()["request"]["body"]["text"] == "text");

    let query = DataQuery { query: "echo".into(), parameters: Some(json!({ "limit": 1 })) };
    let table = plugin.query(&query, &context).await.unwrap();
    assert_eq!(table.columns[0].name, "query");
    assert_eq!(table.rows[0]["parameters"], json!({ "limit": 1 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_has_its_types() {
    let plugins = load([port("json1-rust"), port("component-rust")]).unwrap();
    for name in ["json1-rust", "component-rust"] {
        ask_everything(&plugins.plugin(name).unwrap()).await;
    }
    let error = plugins.plugin("json-rust").unwrap_err();
    assert_eq!(error.to_string(), "there's no plugin `json-rust`; did you mean `json1-rust`?");
}

#[tokio::test]
async fn errors_are_the_calls() {
    let plugins = load([template("t", ECHO)]).unwrap();
    let plugin = plugins.plugin("t").unwrap();
    let context = RequestContext::new("GET", "/");
    assert_eq!(plugin.authenticate(&context, &Credentials::bearer("x")).await.unwrap_err().code(), "mfp::run::type");
    let secret = Credentials { kind: "basic".into(), token: Some("canary".into()), data: Map::new() };
    assert!(!format!("{secret:?}").contains("canary"));
}

#[tokio::test]
async fn plugins_can_be_dropped_in_async_code() {
    drop(load([port("component-rust")]).unwrap());
}
