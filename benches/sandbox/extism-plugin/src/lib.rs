//! The same work as `sha256` of `examples/plugins/template-hash`: the request as JSON in, the enveloped answer out.

use extism_pdk::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[plugin_fn]
pub fn template_function(request: String) -> FnResult<String> {
    let request: Value = serde_json::from_str(&request)?;
    let text = request["args"][0].as_str().unwrap_or_default();
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(json!({ "success": true, "result": hex }).to_string())
}
