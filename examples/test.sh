#!/usr/bin/env bash
# Runs the tests of the Rust example plugins, natively: each as it's built for its releases (see build.sh). What the built modules answer in the sandbox,
# `mfp test` says in each folder, and tests/examples.rs of this repository.
#
#   examples/test.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/plugins"
# Nobody debugs here, and what nobody looks at needn't be made.
export CARGO_TARGET_DIR=$PWD/../../target/examples CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0

# Those of no feature are built at once. (json1 has no tests of its own.)
cargo test --locked --lib --workspace --exclude json1
# Those of one each by themselves, since cargo joins the features of what's built at once.
cargo test --locked --lib --package auth-jwt --features jwks
cargo test --locked --lib --package datasource-csv-1-2 --features files
