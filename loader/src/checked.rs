//! Would this code be loaded, before anybody loads it? For who has just built it.
//!
//! The rules are those of loading, and the functions are the same. Nothing is compiled and nothing runs.

use std::collections::BTreeSet;

use mfp_model::content::PackagePath;
use mfp_model::plugin::{PluginManifest, PluginType, Surface};
use wasmparser::Validator;

use crate::abi::{Layer, inspect, wasm_layer};
use crate::call::export_of;
use crate::engine::{COMPONENT_FEATURES, FEATURES};
use crate::error::{LoadError, shown};
use crate::limits::{Limits, PluginLimits};
use crate::load::refused;

/// Everything that a plugin's code would be refused for by a host that approves what its manifest asks for.
pub fn check_code(manifest: &PluginManifest, path: &PackagePath, wasm: &[u8]) -> Vec<LoadError> {
    let plugin = || manifest.id.clone();
    let layer = match wasm_layer(&manifest.id, path, wasm) {
        Ok(layer) => layer,
        Err(error) => return vec![error],
    };
    let (limits, features) = match layer {
        Layer::Module => (Limits::CORE_MODULE, FEATURES),
        Layer::Component => (Limits::COMPONENT, COMPONENT_FEATURES),
    };
    let limits = limits.for_plugin(&PluginLimits::all_approved(manifest));
    let http = !manifest.capabilities.http.is_empty();
    let refusals = match inspect::inspect_all(layer, wasm, &manifest.types, &limits, http) {
        Ok((_, refusals)) => refusals,
        Err(refusal) => return vec![refused(plugin(), refusal)],
    };
    let mut errors: Vec<LoadError> = refusals.into_iter().map(|refusal| refused(plugin(), refusal)).collect();
    if let Err(error) = Validator::new_with_features(features).validate_all(wasm) {
        errors.push(LoadError::Invalid { plugin: plugin(), reason: shown(&error.to_string(), 300) });
    }
    errors
}

/// The types of calls that code answers, by the names of what it exports. For who doesn't know them otherwise: whether it
/// can be loaded as such is for [`check_code`].
pub fn types_of_code(wasm: &[u8]) -> BTreeSet<PluginType> {
    let Ok(surface) = Surface::of(wasm) else { return BTreeSet::new() };
    let interface = |ty: PluginType| format!("mockforge:plugin/{ty}@");
    let answers = |ty: &PluginType| {
        let interface = interface(*ty);
        surface.exports.contains_key(export_of(*ty)) || surface.exports.keys().any(|name| name.starts_with(&interface))
    };
    PluginType::ALL.into_iter().filter(answers).collect()
}
