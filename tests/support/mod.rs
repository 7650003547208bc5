//! What the stories need: a machine of their own ([`env`]) with secrets on it ([`canary`]), a registry of their own ([`registry`]), a
//! server that can misbehave ([`server`]), a running `mfp serve` ([`serving`]), a terminal ([`terminal`]), repositories and servers for them ([`git`]),
//! publishers who sign ([`signing`]), TLS ([`tls`]).

pub(crate) mod canary;
pub(crate) mod env;
pub(crate) mod git;
pub(crate) mod registry;
pub(crate) mod server;
pub(crate) mod serving;
pub(crate) mod signing;
pub(crate) mod terminal;
pub(crate) mod tls;

pub(crate) use env::{Machine, Run};
pub(crate) use registry::{Plugin, Registry};
pub(crate) use server::Server;
pub(crate) use serving::{Client, Serving};
pub(crate) use signing::Publisher;
