//! Fuzzing: `cargo fuzz run TARGET` with the properties that any input must keep.

pub mod properties;
