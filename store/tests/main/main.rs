//! Stories about the store, from outside: hostile archives, torn inputs, races, laid-out plugins, vendored folders.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, helpers included")]
#![expect(clippy::disallowed_methods, reason = "a test's files needn't outlive a crash, and are its own to delete")]

mod archives;
mod corpus;
mod laws;
mod layout;
mod objects;
mod support;
mod vendor;
