//! What each command does, one file a verb. A command reads as its own summary: structs in, an
//! [`Outcome`](crate::report::Outcome) out; nothing is printed on the way.

pub(crate) mod about;
pub(crate) mod add;
pub(crate) mod approve;
pub(crate) mod audit;
pub(crate) mod cache;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod docs;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod info;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod new;
pub(crate) mod outdated;
pub(crate) mod remove;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod sync;
pub(crate) mod tree;
pub(crate) mod update;
pub(crate) mod upgrade;
pub(crate) mod validate;
pub(crate) mod vendor;
pub(crate) mod verify;
pub(crate) mod whoami;
pub(crate) mod why;
