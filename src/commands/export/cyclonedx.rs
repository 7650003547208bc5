//! A bill of materials in CycloneDX 1.6 JSON.
//!
//! Plugins that run here are components, services are services. There's no package type of MockForge's in the purl
//! specification, so `pkg:generic` names them, with where they're from in its qualifiers. SHA-256 is that of the artifact, BLAKE3
//! mfp's content digest (of the listing of the files, not of the archive). Who signed a plugin, and what it may ask for, are
//! properties: CycloneDX's own `signature` is a signature of the bill, not of a component.

use mfp_model::lock::{LockedBody, LockedPackage, LockedPlugin};
use mfp_model::source::{Pin, RemoteEndpoint};
use mfp_model::text::is_spdx_expression;
use serde_json::{Map, Value, json};
use url::form_urlencoded::byte_serialize;

use super::{Subject, put};

/// The project itself, among references that are names of plugins.
const ROOT: &str = "project";

pub(super) fn bom(subject: &Subject<'_>) -> Value {
    let of = |is_service: bool| subject.plugins.values().copied().filter(move |plugin| plugin.package().is_none() == is_service);
    let components = of(false).filter_map(|plugin| Some(component(subject, plugin, plugin.package()?)));
    let mut bom = Map::new();
    put(&mut bom, "$schema", json!("http://cyclonedx.org/schema/bom-1.6.schema.json"));
    put(&mut bom, "bomFormat", json!("CycloneDX"));
    put(&mut bom, "specVersion", json!("1.6"));
    put(&mut bom, "version", json!(1));
    put(&mut bom, "metadata", metadata(subject));
    put(&mut bom, "components", Value::Array(components.collect()));
    let services: Vec<Value> = of(true).map(service).collect();
    put(&mut bom, "services", (!services.is_empty()).then_some(Value::Array(services)));
    put(&mut bom, "dependencies", dependencies(subject));
    let number = serial_number(&bom);
    put(&mut bom, "serialNumber", json!(number));
    Value::Object(bom)
}

fn metadata(subject: &Subject<'_>) -> Value {
    let mut metadata = Map::new();
    put(&mut metadata, "timestamp", subject.time.map(|time| json!(time.to_string())));
    let tool = json!({ "type": "application", "name": "mfp", "version": env!("CARGO_PKG_VERSION") });
    put(&mut metadata, "tools", json!({ "components": [tool] }));
    put(&mut metadata, "component", json!({ "type": "application", "bom-ref": ROOT, "name": subject.name }));
    Value::Object(metadata)
}

fn reference(plugin: &LockedPlugin) -> String {
    format!("plugin:{}", plugin.name)
}

fn component(subject: &Subject<'_>, plugin: &LockedPlugin, package: &LockedPackage) -> Value {
    let mut component = Map::new();
    put(&mut component, "type", json!("library"));
    put(&mut component, "bom-ref", json!(reference(plugin)));
    put(&mut component, "name", json!(plugin.id().as_str()));
    put(&mut component, "version", json!(package.version.to_string()));
    put(&mut component, "purl", json!(purl(subject, plugin, package)));
    let sha256 = package.pin.artifact().map(|artifact| json!({ "alg": "SHA-256", "content": artifact.sha256.hex() }));
    let hashes: Vec<Value> = sha256.into_iter().chain([json!({ "alg": "BLAKE3", "content": plugin.content.hex() })]).collect();
    put(&mut component, "hashes", Value::Array(hashes));
    put(&mut component, "licenses", package.license.as_deref().map(licenses));
    let references = references(subject, package);
    put(&mut component, "externalReferences", (!references.is_empty()).then_some(Value::Array(references)));
    put(&mut component, "properties", properties(plugin, package));
    Value::Object(component)
}

/// What's no expression of SPDX is a name that somebody gave.
fn licenses(license: &str) -> Value {
    if is_spdx_expression(license) { json!([{ "expression": license }]) } else { json!([{ "license": { "name": license } }]) }
}

fn purl(subject: &Subject<'_>, plugin: &LockedPlugin, package: &LockedPackage) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let mut qualifiers: Vec<(&str, String)> = Vec::new();
    qualifiers.extend(package.pin.artifact().map(|artifact| ("checksum", format!("sha256:{}", artifact.sha256.hex()))));
    match &package.pin {
        Pin::Registry { registry, .. } => {
            qualifiers.extend(subject.lock.registries.get(registry).map(|url| ("repository_url", url.to_string())));
        }
        Pin::Url { url, .. } => qualifiers.push(("download_url", url.redacted())),
        Pin::Git { url, commit, .. } => qualifiers.push(("vcs_url", format!("git+{url}@{commit}"))),
        Pin::Path { .. } => {}
    }
    let qualifiers: Vec<String> = qualifiers.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
    let question = if qualifiers.is_empty() { "" } else { "?" };
    format!("pkg:generic/{}@{}{question}{}", plugin.id(), encoded(&package.version.to_string()), qualifiers.join("&"))
}

fn references(subject: &Subject<'_>, package: &LockedPackage) -> Vec<Value> {
    let hashes = package.pin.artifact().map(|artifact| json!([{ "alg": "SHA-256", "content": artifact.sha256.hex() }]));
    match &package.pin {
        Pin::Registry { registry, .. } => subject
            .lock
            .registries
            .get(registry)
            .map(|url| json!({ "type": "distribution", "url": url.to_string(), "comment": format!("the registry `{registry}`") }))
            .into_iter()
            .collect(),
        Pin::Url { url, .. } => vec![json!({ "type": "distribution", "url": url.redacted(), "hashes": hashes })],
        Pin::Git { url, commit, .. } => vec![json!({ "type": "vcs", "url": url.to_string(), "comment": format!("commit {commit}") })],
        Pin::Path { path } => {
            vec![json!({ "type": "source-distribution", "url": path.as_str(), "comment": "a folder beside the project" })]
        }
    }
}

fn properties(plugin: &LockedPlugin, package: &LockedPackage) -> Value {
    let mut all: Vec<(String, String)> = vec![("mfp:name".to_owned(), plugin.name.to_string())];
    all.extend(plugin.types.iter().map(|one| ("mfp:type".to_owned(), one.to_string())));
    all.push(("mfp:source".to_owned(), plugin.source().redacted()));
    all.push(("mfp:signer".to_owned(), package.signer.as_ref().map_or_else(|| "unsigned".to_owned(), ToString::to_string)));
    if let Ok(Value::Object(asked)) = serde_json::to_value(&package.capabilities) {
        for (key, value) in asked {
            let values = if let Value::Array(values) = value { values } else { vec![value] };
            let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            all.extend(values.iter().map(|value| (format!("mfp:capability:{key}"), word(value))));
        }
    }
    all.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// A service's code is nobody's promise; where it answers is all that's known.
fn service(plugin: &LockedPlugin) -> Value {
    let mut service = Map::new();
    put(&mut service, "bom-ref", json!(reference(plugin)));
    put(&mut service, "name", json!(plugin.name.as_str()));
    let endpoint = match &plugin.body {
        LockedBody::Remote(RemoteEndpoint::Url(url)) => Some(json!([url.to_string()])),
        _ => None,
    };
    put(&mut service, "endpoints", endpoint);
    let source = json!({ "name": "mfp:source", "value": plugin.source().redacted() });
    let types = plugin.types.iter().map(|one| json!({ "name": "mfp:type", "value": one.to_string() }));
    put(&mut service, "properties", Value::Array([source].into_iter().chain(types).collect()));
    Value::Object(service)
}

/// Who calls whom. An optional dependency is one if the project has it.
fn dependencies(subject: &Subject<'_>) -> Value {
    let wanted = |name: &mfp_model::name::PluginName| subject.plugins.get(name).copied();
    let direct: Vec<String> = subject.lock.requirements.keys().filter_map(wanted).map(reference).collect();
    let of = |plugin: &&LockedPlugin| {
        let on = plugin.dependencies().iter().filter_map(|dependency| wanted(&dependency.name)).filter(|target| !target.is_alias());
        json!({ "ref": reference(plugin), "dependsOn": on.map(reference).collect::<Vec<_>>() })
    };
    [json!({ "ref": ROOT, "dependsOn": direct })].into_iter().chain(subject.plugins.values().map(of)).collect()
}

/// A UUID of version 8, which is free for such uses: it follows from everything else in the bill.
fn serial_number(bom: &Map<String, Value>) -> String {
    let text = Value::Object(bom.clone()).to_string();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
