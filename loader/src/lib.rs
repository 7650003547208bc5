//! The sandbox: opens locked content from the store, verifies, compiles, runs under limits
