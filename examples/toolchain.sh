#!/usr/bin/env bash
# Installs what build.sh needs; may be run again at any time.
#
#   examples/toolchain.sh
#
# - Rust 1.95.0 with the target wasm32-unknown-unknown, by rustup. It alone gives the committed bytes. Where rustup
#   or its server isn't there, Debian's rustc-web (1.96) builds working plugins with other bytes.
# - AssemblyScript, as template-ids/package-lock.json has it, and jco, which makes components, as that of fixtures/conformance has
#   it, by npm. Node 20 or newer must be there.
# - Python packages for registry/make.py, in target/examples/python. Python 3.9 or newer must be there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./versions.sh

has_rust() {
    local sysroot
    sysroot=$(RUSTUP_TOOLCHAIN=$RUST rustc --print sysroot 2>/dev/null) \
        && [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ]
}

install_rust() {
    command -v rustup >/dev/null || return 1
    # `target add` leaves a toolchain that's there as it is.
    rustup target add --toolchain "$RUST" wasm32-unknown-unknown \
        || rustup toolchain install "$RUST" --profile minimal --target wasm32-unknown-unknown
}

install_debian() {
    command -v apt-get >/dev/null || { echo "toolchain.sh: install rustup, then run this again" >&2; exit 2; }
    echo "toolchain.sh: no Rust $RUST by rustup; taking Debian's, whose bytes differ from the committed ones" >&2
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get install -y --no-install-recommends rustc-web rust-web-src lld-19
}

has_rust || install_rust || install_debian

(cd plugins/template-ids && npm ci)
[ -d ../fixtures/conformance/node_modules/@bytecodealliance/jco ] || (cd ../fixtures/conformance && npm ci)

python3 -m venv "$PYTHON_ENV"
"$PYTHON_ENV/bin/pip" install --quiet --disable-pip-version-check -r registry/requirements.txt
echo "toolchain.sh: ready; now run examples/build.sh"
