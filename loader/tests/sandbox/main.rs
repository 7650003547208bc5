//! The sandbox from outside: good plugins answer, hostile ones are stopped, and nobody else notices.
#![expect(clippy::unwrap_used, reason = "a test that can't get what it needs should say so by panicking")]
#![expect(clippy::disallowed_methods, reason = "the damage that tests do to files isn't atomic")]

mod cache;
mod calls;
mod components;
mod config;
mod conformance;
mod files;
mod good;
mod hostile;
mod http;
mod nested;
mod refused;
mod remote;
mod server;
mod support;
mod traced;
mod typed;
