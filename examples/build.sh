#!/usr/bin/env bash
# Builds the example plugins and the registry made of them.
#
#   examples/build.sh            builds everything from sources and puts it in place
#   examples/build.sh --check    builds a copy in another folder and compares it with what's here:
#                                0 = the same bytes, 1 = others (a list says which), 2 = can't be compared
#
# The bytes depend on the tools in versions.sh (and on nothing else that we know: not on the folder, the user or the
# day). With another Rust, build.sh builds and says so; --check refuses, since it would compare compilers.
# toolchain.sh installs the tools.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./versions.sh

# Folder of the plugin and name of its library; the entry is the `plugin.entry` of plugin.yaml.
RUST_PLUGINS="
auth-hmac-token auth_hmac_token auth_hmac_token.wasm
datasource-csv datasource_csv datasource_csv.wasm
response-problem response_problem response_problem.wasm
template-hash template_hash template_hash.wasm
template-hash-1.0 template_hash_1_0 template_hash.wasm
"

fail() {
    echo "build.sh: $1" >&2
    exit 2
}

# commit_of RUSTC: the commit that a compiler was made from.
commit_of() {
    "$1" -vV | sed -n 's/^commit-hash: //p'
}

# Sets `rust` to `exact`, `other` or `debian`, and the environment that cargo needs for it.
choose_rust() {
    local sysroot
    if sysroot=$(RUSTUP_TOOLCHAIN=$RUST rustc --print sysroot 2>/dev/null) \
        && [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ] \
        && [ "$(RUSTUP_TOOLCHAIN=$RUST commit_of rustc)" = "$RUST_COMMIT" ]; then
        rust=exact
        export RUSTUP_TOOLCHAIN=$RUST
    elif sysroot=$(rustc --print sysroot 2>/dev/null) && [ -d "$sysroot/lib/rustlib/wasm32-unknown-unknown" ]; then
        rust=other
    elif [ -d /usr/lib/rustlib ] && command -v wasm-ld-19 >/dev/null && /usr/bin/rustc --version >/dev/null 2>&1; then
        rust=debian
        export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19
        sysroot=$(/usr/bin/rustc --print sysroot)
    else
        fail "there's no Rust for wasm32-unknown-unknown; run examples/toolchain.sh"
    fi
    compiler=$("${RUSTC:-rustc}" --version)
    commit=$(commit_of "${RUSTC:-rustc}")
    rust_sources=$sysroot/lib/rustlib/src/rust
}

# The flags, one a line: no path of this machine may reach the bytes.
rust_flags() {
    local crates
    echo "--remap-path-prefix=$1=/plugins"
    for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
        echo "--remap-path-prefix=${crates%/}=/crates"
    done
    echo "--remap-path-prefix=$rust_sources=/rustc/$commit"
    # SHA-2 in loops instead of unrolled: a quarter of template-hash's size.
    echo '--cfg=sha2_backend_soft="compact"'
}

# build_rust PLUGINS TARGET: every Rust plugin of the folder PLUGINS, put in place there.
build_rust() {
    local plugins=$1 target=$2 std=() folder library entry
    [ "$rust" != debian ] || std=(-Zbuild-std=std,panic_abort)
    (
        cd "$plugins"
        export CARGO_TARGET_DIR=$target
        unset RUSTFLAGS
        cargo fetch --quiet --locked --target wasm32-unknown-unknown
        CARGO_ENCODED_RUSTFLAGS=$(rust_flags "$plugins" | paste -sd $'\x1f')
        export CARGO_ENCODED_RUSTFLAGS
        cargo build --locked --release --target wasm32-unknown-unknown "${std[@]}"
    )
    while read -r folder library entry; do
        [ -z "$folder" ] || cp "$target/wasm32-unknown-unknown/release/$library.wasm" "$plugins/$folder/$entry"
    done <<<"$RUST_PLUGINS"
    find "$plugins" -name '*.wasm' -not -path '*/node_modules/*' -exec chmod 644 {} +
}

# build_assemblyscript PLUGINS
build_assemblyscript() {
    local asc=$PWD/plugins/template-ids/node_modules/assemblyscript/bin/asc.js
    [ "$(node "$asc" --version 2>/dev/null)" = "Version $ASSEMBLYSCRIPT" ] \
        || fail "there's no AssemblyScript $ASSEMBLYSCRIPT; run examples/toolchain.sh"
    (cd "$1/template-ids" && node "$asc" assembly/index.ts --config asconfig.json --outFile template_ids.wasm)
}

# build_registry PLUGINS OUT
build_registry() {
    local python=$PYTHON_ENV/bin/python3
    [ -x "$python" ] || fail "there's no Python environment for registry/make.py; run examples/toolchain.sh"
    "$python" registry/make.py --plugins "$1" --out "$2"
}

build() {
    choose_rust
    build_rust "$PWD/plugins" "$(cd .. && pwd)/target/examples"
    build_assemblyscript "$PWD/plugins"
    build_registry "$PWD/plugins" "$PWD/registry"
    echo "build.sh: built with $compiler and AssemblyScript $ASSEMBLYSCRIPT"
    [ "$rust" = exact ] \
        || echo "build.sh: warning: the committed bytes are made by Rust $RUST of rustup; don't commit these" >&2
}

check() {
    choose_rust
    [ "$rust" = exact ] || fail "can't compare: the committed bytes are made by Rust $RUST of rustup, this is $compiler"
    local differences
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    mkdir "$copy/registry"
    tar -C . --exclude=node_modules --exclude='*.wasm' -cf - plugins | tar -C "$copy" -xf -
    build_rust "$copy/plugins" "$copy/target"
    build_assemblyscript "$copy/plugins"
    build_registry "$copy/plugins" "$copy/registry"
    differences=$(
        diff -rq --exclude=node_modules plugins "$copy/plugins" || true
        diff -rq --exclude=make.py --exclude=requirements.txt --exclude=README.md --exclude=__pycache__ \
            registry "$copy/registry" || true
    )
    if [ -n "$differences" ]; then
        echo "build.sh: what's here isn't what the sources give (in $copy):" >&2
        echo "$differences" >&2
        echo "build.sh: run examples/build.sh and commit what it changes" >&2
        exit 1
    fi
    echo "build.sh: every module and every file of the registry is what the sources give"
}

case "${1-}" in
    "") build ;;
    --check) check ;;
    *) fail "unknown argument \`$1\`; there's --check" ;;
esac
