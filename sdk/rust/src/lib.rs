//! Write MockForge plugins in Rust.
//!
//! A plugin is a type that's made of its configuration and answers calls. Everything that it needs from outside comes by one
//! handle, [`Host`], so that a test can give it all of it. One macro makes the wasm's exports, and what `plugin.yaml` says comes
//! from the code.
//!
//! ```
//! use mockforge_plugin_sdk::prelude::*;
//!
//! /// Turns text round.
//! struct Reverse {
//!     config: Settings,
//! }
//!
//! #[derive(serde::Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     /// Put this in front.
//!     #[serde(default)]
//!     prefix: String,
//! }
//!
//! impl Plugin for Reverse {
//!     type Config = Settings;
//!
//!     fn about() -> About {
//!         plugin_config! { id: "reverse", name: "Texts, turned round" }
//!     }
//!
//!     fn new(config: Settings) -> Result<Self> {
//!         Ok(Self { config })
//!     }
//! }
//!
//! impl Template for Reverse {
//!     fn functions(&self) -> Vec<Function> {
//!         vec![Function::new("reverse", "string", "A text from its end").needs("text", "string", "What to turn round")]
//!     }
//!
//!     fn execute(&self, call: FunctionCall, _host: &dyn Host) -> Result<Value> {
//!         match call.function_name.as_str() {
//!             "reverse" => {
//!                 let text: String = call.need(0)?;
//!                 Ok(format!("{}{}", self.config.prefix, text.chars().rev().collect::<String>()).into())
//!             }
//!             _ => Err(call.unknown()),
//!         }
//!     }
//! }
//!
//! export_plugin!(Reverse: Template);
//!
//! # fn main() -> Result<()> {
//! use mockforge_plugin_sdk::testing::PluginTestHarness;
//!
//! let harness = PluginTestHarness::new(mockforge_plugin()).config(json!({ "prefix": "> " }))?;
//! assert_eq!(harness.execute("reverse", [json!("abc")])?, json!("> cba"));
//! assert!(harness.execute("revers", []).is_err());
//! # Ok(())
//! # }
//! ```
//!
//! Built for `wasm32-unknown-unknown` that's a json/1 module, of some tens of kilobytes; with the feature `component` it's a
//! component of `mockforge:plugin`. Both answer the same calls in the same words; see [`export_plugin!`].
//!
//! Without the feature `std` the crate needs `alloc` only, for modules that bring no standard library: such a plugin gives
//! itself an allocator, and [`no_std_panic!`] what to do in a panic.
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

mod about;
mod dispatch;
mod error;
mod export;
#[cfg(feature = "files")]
mod files;
#[cfg(target_family = "wasm")]
mod guest;
mod host;
mod plugin;
#[cfg(all(feature = "std", not(target_family = "wasm")))]
pub mod testing;
mod types;

pub use about::{About, Dependency, Exported, FileAccess, PluginType, plugin_yaml};
pub use error::{Context, Error, Result};
#[cfg(feature = "files")]
pub use files::Entry;
pub use host::{Call, Host, Level};
pub use plugin::{Auth, Config, Datasource, Plugin, Response, Template};
pub use types::{
    AuthRequest, Body, Column, Credentials, DataQuery, Function, FunctionCall, GenerateRequest, Headers, HttpRequest, HttpResponse,
    Parameter, QueryRequest, Request, RequestContext, ResponseData, Table, TemplateContext, Verdict,
};
pub use {schemars, serde, serde_json};

/// Everything that a plugin's code names.
pub mod prelude {
    pub use schemars::JsonSchema;
    pub use serde_json::{Value, json};

    pub use crate::{
        About, Auth, AuthRequest, Body, Call, Context, Credentials, Datasource, Dependency, Error, FileAccess, Function, FunctionCall,
        GenerateRequest, Host, HttpRequest, HttpResponse, Level, Plugin, QueryRequest, Request, RequestContext, Response, ResponseData,
        Result, Table, Template, Verdict, export_plugin, fail, plugin_config,
    };
}

/// What a plugin without a standard library does in a panic: it stops, and its host says that it did.
#[macro_export]
macro_rules! no_std_panic {
    () => {
        #[cfg(target_family = "wasm")]
        #[panic_handler]
        fn panic(_: &::core::panic::PanicInfo<'_>) -> ! {
            ::core::arch::wasm32::unreachable()
        }
    };
}

/// What macros of this crate name in other crates.
#[doc(hidden)]
pub mod __private {
    pub use alloc::{format, vec};

    pub use crate::about::Field;
    pub use crate::dispatch::{Calls, authenticate, execute, functions, generate, query};
    #[cfg(all(target_family = "wasm", feature = "component"))]
    pub use crate::guest::component;
    #[cfg(all(target_family = "wasm", not(feature = "component")))]
    pub use crate::guest::json1;
}

/// The examples of the README and of the guide.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    mod readme {}

    #[doc = include_str!("../../../docs/guide/rust.md")]
    mod guide {}

    #[doc = include_str!("../../../docs/guide/patterns.md")]
    mod patterns {}

    #[doc = include_str!("../../../docs/guide/types/auth.md")]
    mod auth {}

    #[doc = include_str!("../../../docs/guide/types/template.md")]
    mod template {}

    #[doc = include_str!("../../../docs/guide/types/response.md")]
    mod response {}

    #[doc = include_str!("../../../docs/guide/types/datasource.md")]
    mod datasource {}
}
