//! How does a Rust plugin speak json/1, the ABI of core modules?
//!
//! A plugin writes plain functions `fn(&Value) -> Result<Value, String>` and
//! names them in [`plugin!`]; this crate exports the ABI around them:
//!
//! ```ignore
//! json1::plugin! {
//!     template_function => execute,
//!     template_functions => functions,
//! }
//! ```
//!
//! - An answer `Ok(value)` becomes `{"success":true,"result":value}`, an
//!   `Err(text)` becomes `{"success":false,"error":text}`. A request that isn't
//!   JSON is answered here and never reaches the plugin.
//! - What the host offers is in [`host`].
//! - How a request is taken apart with errors that name the place is in [`Args`]
//!   and [`at`].
//!
//! It never traps on purpose: a plugin that can't answer says why. All `unsafe` code
//! of the Rust example plugins is in [`memory`] and [`host`], where pointers cross
//! the border.

pub mod host;
pub mod memory;
mod request;
pub mod template;

pub use request::{Args, at, text_at};
pub use serde_json::{Value, json};

/// Answers one call of the host: reads the request that it wrote at `ptr`,
/// runs `handler` and returns the wrapped answer as pointer and length in one
/// number (pointer in the high half).
///
/// This is what the exports made by [`plugin!`] do; a plugin doesn't call it.
pub fn answer(ptr: i32, len: i32, handler: fn(&Value) -> Result<Value, String>) -> i64 {
    let outcome = serde_json::from_slice(memory::input(ptr, len))
        .map_err(|error| format!("the request isn't JSON: {error}"))
        .and_then(|request| handler(&request));
    let envelope = match outcome {
        Ok(result) => json!({ "success": true, "result": result }),
        Err(error) => json!({ "success": false, "error": error }),
    };
    memory::output(envelope.to_string().into_bytes())
}

/// Exports the ABI of json/1: `mockforge_abi`, `alloc`, `dealloc`, and each
/// named call with the function that answers it.
///
/// The calls are `authenticate`, `template_function`, `template_functions`,
/// `generate_response` and `query_datasource`. `memory` is exported by the linker.
#[macro_export]
macro_rules! plugin {
    ($($call:ident => $handler:path),+ $(,)?) => {
        /// The ABI that this module speaks. A function, since an exported static is
        /// an address.
        #[expect(unsafe_code, reason = "an export of the ABI needs its exact name")]
        #[unsafe(no_mangle)]
        pub extern "C" fn mockforge_abi() -> i32 {
            1
        }

        /// Memory for the host to write a request or an answer into.
        #[expect(unsafe_code, reason = "an export of the ABI needs its exact name")]
        #[unsafe(no_mangle)]
        pub extern "C" fn alloc(len: i32) -> i32 {
            $crate::memory::alloc(len)
        }

        /// Gives back what `alloc` or a call returned.
        #[expect(unsafe_code, reason = "an export of the ABI needs its exact name")]
        #[unsafe(no_mangle)]
        pub extern "C" fn dealloc(ptr: i32, len: i32) {
            $crate::memory::dealloc(ptr, len);
        }

        $(
            /// Answers this call: JSON at `ptr`, `len` in, the wrapped answer out.
            #[expect(unsafe_code, reason = "an export of the ABI needs its exact name")]
            #[unsafe(no_mangle)]
            pub extern "C" fn $call(ptr: i32, len: i32) -> i64 {
                $crate::answer(ptr, len, $handler)
            }
        )+
    };
}
