#!/usr/bin/env bash
# Builds the bench and Extism's plugin, and runs it. Needs Rust's target wasm32-unknown-unknown (`examples/toolchain.sh`).
set -euo pipefail
cd "$(dirname "$0")"
target=${CARGO_TARGET_DIR:-$PWD/../../target}
(cd extism-plugin && cargo build --release --locked --target wasm32-unknown-unknown --target-dir "$target/bench-plugin")
cargo build --release --locked --target-dir "$target"
exec "$target/release/mfp-bench-sandbox" ../../examples/plugins/template-hash/template_hash.wasm \
  "$target/bench-plugin/wasm32-unknown-unknown/release/extism_sha256.wasm"
