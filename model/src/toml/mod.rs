//! How are our own TOML files read and written?
//!
//! Reading: a [`TableReader`] over a parsed document asks for its keys one by one, remembers which it asked for, and
//! complains about all others at the end with the nearest of them, so that the list of known keys can't disagree with the
//! parser. Problems are collected, not thrown: a file with five mistakes is told five.
//!
//! Writing: [`InlineText`] and [`basic_string`], the one spelling of strings and inline tables in the lock.
//!
//! Nothing here knows what a manifest, a lock or a settings file is.

mod reader;
mod text;

pub(crate) use self::reader::syntax;
pub use self::reader::{KeyReader, Misplaced, Problem, ProblemKind, TableReader, ValueReader, read};
pub use self::text::{InlineText, basic_string, line_of, position};
pub(crate) use self::text::{push_basic_string, push_strings};
