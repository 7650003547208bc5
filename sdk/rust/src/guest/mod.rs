//! The side of the plugin that a host sees: what [`export_plugin!`](crate::export_plugin) puts into the wasm.

#[cfg(not(feature = "component"))]
pub mod json1;

#[cfg(feature = "component")]
pub mod component;

#[cfg(all(feature = "component", feature = "files"))]
mod wasi_files;

#[cfg(all(feature = "component", feature = "http"))]
mod wasi_http;
