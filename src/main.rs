//! The mfp command.
fn main() {}
