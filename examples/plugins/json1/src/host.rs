//! What does the host offer to a plugin?
//!
//! One safe function for each import `mockforge.*`. A plugin's module imports only
//! those that it uses: the linker drops the others.
//!
//! Off WebAssembly (in unit tests of a plugin's own logic) there's no host: the
//! functions exist and answer that.

use serde_json::{Value, json};

/// How much a log line matters.
#[derive(Debug, Clone, Copy)]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// Worth knowing.
    Info,
    /// Somebody should look.
    Warn,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
        }
    }
}

/// Writes a line to the host's log.
pub fn log(level: Level, text: &str) {
    imports::log(&json!({ "level": level.name(), "text": text }).to_string());
}

/// The plugin's configuration, already checked against the schema in its `plugin.yaml`.
/// `{}` if there's none.
pub fn config() -> Result<Value, String> {
    let bytes = imports::config();
    if bytes.is_empty() {
        return Ok(json!({}));
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Null) => Ok(json!({})),
        Ok(Value::Object(map)) => Ok(Value::Object(map)),
        Ok(_) => Err("the configuration isn't an object".to_owned()),
        Err(error) => Err(format!("the configuration isn't JSON: {error}")),
    }
}

/// Milliseconds since 1970-01-01 UTC.
pub fn now_ms() -> i64 {
    imports::now_ms()
}

/// A file of the plugin's own package, as base64 text. `path` is relative to the package.
pub fn asset(path: &str) -> Result<String, String> {
    match unwrap(&imports::asset(path))? {
        Value::String(base64) => Ok(base64),
        _ => Err(format!("the host gave no text for the file `{path}`")),
    }
}

/// Calls another plugin, which `plugin.yaml` must declare under `dependencies`.
///
/// `call` is the protocol's name of the call (`execute`, `authenticate`, …) and `request`
/// what that call takes. An error is the callee's own, with its name before it.
pub fn call(dependency: &str, call: &str, request: &Value) -> Result<Value, String> {
    let asked = json!({ "dependency": dependency, "call": call, "request": request });
    unwrap(&imports::call(&asked.to_string())).map_err(|error| format!("{dependency}: {error}"))
}

/// Calls a template function of another plugin with `args`.
pub fn call_template(dependency: &str, function: &str, args: &Value) -> Result<Value, String> {
    let request = json!({ "function_name": function, "args": args, "context": {} });
    call(dependency, "execute", &request)
}

/// Opens the envelope of an answer.
fn unwrap(bytes: &[u8]) -> Result<Value, String> {
    let mut envelope: Value = serde_json::from_slice(bytes).map_err(|error| format!("the host's answer isn't JSON: {error}"))?;
    if envelope["success"] == true {
        return Ok(envelope["result"].take());
    }
    match &envelope["error"] {
        Value::String(error) => Err(error.clone()),
        _ => Err("the host's answer has neither a result nor an error".to_owned()),
    }
}

#[cfg(target_arch = "wasm32")]
#[expect(
    unsafe_code,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the imports of the ABI; wasm32 addresses and lengths are i32 there"
)]
mod imports {
    use crate::memory;

    mod raw {
        #[link(wasm_import_module = "mockforge")]
        unsafe extern "C" {
            pub(super) fn log(ptr: i32, len: i32);
            pub(super) fn config() -> i64;
            pub(super) safe fn now_ms() -> i64;
            pub(super) fn asset(ptr: i32, len: i32) -> i64;
            pub(super) fn call(ptr: i32, len: i32) -> i64;
        }
    }

    fn parts(text: &str) -> (i32, i32) {
        (text.as_ptr() as usize as i32, text.len() as i32)
    }

    pub(super) fn log(text: &str) {
        let (ptr, len) = parts(text);
        // SAFETY: the host only reads these bytes, and only during the call.
        unsafe { raw::log(ptr, len) }
    }

    pub(super) fn config() -> Vec<u8> {
        // SAFETY: the host answers with a block from our `alloc`, now ours.
        memory::take(unsafe { raw::config() })
    }

    pub(super) fn now_ms() -> i64 {
        raw::now_ms()
    }

    pub(super) fn asset(path: &str) -> Vec<u8> {
        let (ptr, len) = parts(path);
        // SAFETY: as in `log` for the path and as in `config` for the answer.
        memory::take(unsafe { raw::asset(ptr, len) })
    }

    pub(super) fn call(asked: &str) -> Vec<u8> {
        let (ptr, len) = parts(asked);
        // SAFETY: as in `log` for the question and as in `config` for the answer.
        memory::take(unsafe { raw::call(ptr, len) })
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod imports {
    const NO_HOST: &[u8] = br#"{"success":false,"error":"there's no host here"}"#;

    pub(super) fn log(_: &str) {}

    pub(super) fn config() -> Vec<u8> {
        Vec::new()
    }

    pub(super) fn now_ms() -> i64 {
        0
    }

    pub(super) fn asset(_: &str) -> Vec<u8> {
        NO_HOST.to_vec()
    }

    pub(super) fn call(_: &str) -> Vec<u8> {
        NO_HOST.to_vec()
    }
}
