//! Stories about the store, from outside: hostile archives, torn inputs, races, laid-out plugins, vendored folders.

mod archives;
mod corpus;
mod laws;
mod layout;
mod objects;
mod support;
mod vendor;
