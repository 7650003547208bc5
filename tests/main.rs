//! Tests.
mod network;
mod support;
