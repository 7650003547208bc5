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

# The plugins of json1: the folder (also the crate, with - for .), the name of the library, and the `plugin.entry` of plugin.yaml. They're built at once.
RUST_PLUGINS="
auth-hmac-token auth_hmac_token auth_hmac_token.wasm
datasource-csv datasource_csv datasource_csv.wasm
response-problem response_problem response_problem.wasm
template-hash template_hash template_hash.wasm
template-hash-1.0 template_hash_1_0 template_hash.wasm
"

# Those of the SDK: the crate, its features (or -), its library, the folder of the package, and the entry. Those without features are
# built at once; each other by itself, since cargo joins the features of what's built at once, and what one plugin may import another mustn't.
# One with the feature `component`, or with `files`, is made a component of.
SDK_PLUGINS="
auth-basic - auth_basic auth-basic auth_basic.wasm
auth-jwt - auth_jwt auth-jwt auth_jwt.wasm
auth-jwt jwks auth_jwt auth-jwks auth_jwks.wasm
datasource-csv-1-2 component datasource_csv_1_2 datasource-csv-1.1 datasource_csv.wasm
datasource-csv-1-2 files datasource_csv_1_2 datasource-csv-1.2 datasource_csv.wasm
response-graphql - response_graphql response-graphql response_graphql.wasm
template-crypto - template_crypto template-crypto template_crypto.wasm
template-custom - template_custom template-custom template_custom.wasm
"

# Where cargo builds: also what fixtures/conformance/build.sh builds, which needs much of the same.
TARGET=$(cd .. && pwd)/target/wasm
JCO=$(cd .. && pwd)/fixtures/conformance/node_modules/@bytecodealliance/jco/dist/jco.js

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
    echo "--remap-path-prefix=$1/mfp=/mfp"
    for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
        echo "--remap-path-prefix=${crates%/}=/crates"
    done
    echo "--remap-path-prefix=$rust_sources=/rustc/$commit"
    # SHA-2 in loops instead of unrolled: a quarter of template-hash's size.
    echo '--cfg=sha2_backend_soft="compact"'
    # For response-graphql, as plugins/.cargo/config.toml has it for who builds it there. It's given to all of them, since flags are in a crate's name:
    # with others, what they have in common would be built twice.
    echo '--cfg=getrandom_backend="custom"'
}

build_crates() {
    cargo build --quiet --locked --release --target wasm32-unknown-unknown "${std[@]}" "$@"
}

# put FEATURES MODULE PLUGIN: the plugin that a crate's module makes.
put() {
    case $1 in
        component | files) node "$JCO" new --output "$3" "$2" >/dev/null ;;
        *) cp "$2" "$3" ;;
    esac
}

# stage PLUGINS TARGET: a copy of the workspace in which the SDK is below it. Cargo names a crate by its path from the workspace;
# where that isn't below, by its whole path, and another name is other bytes.
stage() {
    rm -rf "$2/stage"
    mkdir -p "$2/stage"
    tar -C "$1" --exclude=node_modules --exclude='*.wasm' -cf - . | tar -C "$2/stage" -xf -
    ln -s "$(cd "$1/../.." && pwd)" "$2/stage/mfp"
    sed -i -e 's|path = "../../sdk/rust"|path = "mfp/sdk/rust"|' -e 's|^resolver = .*|&\nexclude = ["mfp"]|' "$2/stage/Cargo.toml"
}

# lines_of GROUP: the plugins of a group, as SDK_PLUGINS has them. A group is what's built at once: those of `json1`, those of the SDK without
# features (`-`), or those with these features.
lines_of() {
    case $1 in
        json1) grep . <<<"$RUST_PLUGINS" | while read -r folder library entry; do echo "${folder//./-} - $library $folder $entry"; done ;;
        *) awk -v features="$1" '$2 == features' <<<"$SDK_PLUGINS" ;;
    esac
}

# build_group PLUGINS TARGET GROUP
build_group() {
    local plugins=$1 target=$2 group=$3 crates=() crate features library folder entry
    while read -r crate _; do crates+=("--package=$crate"); done < <(lines_of "$group")
    case $group in json1 | -) ;; *) crates+=("--features=$group") ;; esac
    build_crates "${crates[@]}"
    while read -r crate features library folder entry; do
        put "$features" "$target/wasm32-unknown-unknown/release/$library.wasm" "$plugins/$folder/$entry"
    done < <(lines_of "$group")
}

# build_rust PLUGINS TARGET: every Rust plugin of the folder PLUGINS, put in place there.
build_rust() {
    local plugins=$1 target=$2 std=() group
    [ "$rust" != debian ] || std=(-Zbuild-std=std,panic_abort)
    [ -f "$JCO" ] || fail "there's no jco; run examples/toolchain.sh"
    stage "$plugins" "$target"
    (
        cd "$target/stage"
        export CARGO_TARGET_DIR=$target
        unset RUSTFLAGS
        cargo fetch --quiet --locked --target wasm32-unknown-unknown
        CARGO_ENCODED_RUSTFLAGS=$(rust_flags "$PWD" | paste -sd $'\x1f')
        export CARGO_ENCODED_RUSTFLAGS
        for group in json1 $(awk 'NF && !seen[$2]++ { print $2 }' <<<"$SDK_PLUGINS"); do
            build_group "$plugins" "$target" "$group"
        done
    )
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
    build_rust "$PWD/plugins" "$TARGET"
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
    # The SDK takes its version from the workspace that it's in.
    mkdir -p "$copy/examples/registry"
    tar -C .. --exclude=node_modules --exclude='*.wasm' -cf - Cargo.toml sdk examples/plugins | tar -C "$copy" -xf -
    build_rust "$copy/examples/plugins" "$TARGET"
    build_assemblyscript "$copy/examples/plugins"
    build_registry "$copy/examples/plugins" "$copy/examples/registry"
    differences=$(
        diff -rq --exclude=node_modules plugins "$copy/examples/plugins" || true
        diff -rq --exclude=make.py --exclude=requirements.txt --exclude=README.md --exclude=__pycache__ \
            registry "$copy/examples/registry" || true
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
