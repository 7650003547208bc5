//! The command as a person meets it: what's typed goes in; exit code, stdout, stderr and files come out.
//!
//! One binary, a module a command or a subject. Every story has a machine of its own ([`support::Machine`]); none touches
//! a real network, the real HOME or the real store.
#![expect(clippy::format_collect, reason = "short texts, read more easily this way")]
#![expect(clippy::disallowed_methods, reason = "tests set the stage: they write and remove files as they like")]

mod support;

mod add;
mod approve;
mod audit;
mod author_test;
mod authorities;
mod build;
mod configured;
mod corpus;
mod crash;
mod diff;
mod disk;
mod edit;
mod examples;
mod export;
mod flags;
mod fresh;
mod fuzzed;
mod git;
mod guide;
mod held;
mod hostile;
mod init;
mod json;
mod keys;
mod library;
mod lock;
mod login;
mod look;
mod machines;
mod merge;
mod metadata;
mod network;
mod new;
mod offline;
mod package;
mod policy;
mod quickstart;

mod publish;
mod race;
mod registry_folder;
mod remote;
mod run;
mod security;
mod serve;
mod signatures;
mod sync;
mod tools;
mod validate;
mod verify;
