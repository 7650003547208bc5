#!/usr/bin/env bash
# Builds and packages the same sources twice, as two people would whose machines are set up differently, and compares the bytes.
#
#   templates/same.sh [LANGUAGE…]    these languages, or those of the quick ones whose tools are here
#
# The second has another folder (with a space in its name), another HOME, another umask, locale and time zone, another cargo home that
# has unpacked nothing yet, and another store. With ACCOUNT=NAME, and run as root, it's another account, too; RUST then names a
# toolchain that this account can read, and TOOLS a folder of other programs. MFP names the command (target/debug/mfp if it doesn't), TYPES the types (template).
#
# Of python and js only the package is compared: componentize-py and componentize-js don't give the same bytes twice, so that the wasm
# of one build is what's packaged in both places.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
MFP=$(realpath "${MFP:-target/debug/mfp}")
TYPES=${TYPES:-template}
ACCOUNT=${ACCOUNT:-}
ONE=$PWD/target/templates/same
OTHER=${TMPDIR:-/tmp}/mfp-same-$$
CARGO=${CARGO_HOME:-$HOME/.cargo}
RUSTUP=${RUSTUP_HOME:-$HOME/.rustup}
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR
export MFP_NO_CONFIG=1 MFP_NO_PROGRESS=1 CARGO_INCREMENTAL=0

fail() {
    echo "same.sh: $1" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null
}

trap 'rm -rf "$OTHER"' EXIT
rm -rf "$ONE"
mkdir -p "$ONE" "$OTHER/a home"
chmod 755 "$OTHER"
cp "$MFP" "$OTHER/mfp"
# What was downloaded already is taken along; nothing of it is unpacked yet.
mkdir -p "$OTHER/cargo/registry"
for known in cache index; do
    [ ! -d "$CARGO/registry/$known" ] || cp -R "$CARGO/registry/$known" "$OTHER/cargo/registry/"
done
[ -z "$ACCOUNT" ] || chown -R "$ACCOUNT" "$OTHER"

# one COMMAND…: as whoever runs this.
one() {
    (umask 022 && env LC_ALL=C TZ=UTC MFP_STORE_DIR="$ONE/store" MFP_CACHE_DIR="$ONE/cache" "$MFP" "$@")
}

# other COMMAND…: as somebody else, in the folder that is here.
other() {
    local settings=("HOME=$OTHER/a home" LC_ALL=C.UTF-8 LANG=C.UTF-8 TZ=Asia/Kathmandu MFP_NO_CONFIG=1 MFP_NO_PROGRESS=1
        CARGO_INCREMENTAL=0 "CARGO_HOME=$OTHER/cargo" "MFP_STORE_DIR=$OTHER/store" "MFP_CACHE_DIR=$OTHER/cache")
    if [ -z "$ACCOUNT" ]; then
        (umask 077 && env "${settings[@]}" "RUSTUP_HOME=$RUSTUP" "$OTHER/mfp" "$@")
    else
        # shellcheck disable=SC2016
        su -s /bin/bash "$ACCOUNT" -c 'umask 077 && cd "$1" && shift && exec env -i "$@"' -- account "$PWD" \
            "PATH=${RUST:+$RUST/bin:}${TOOLS:+$TOOLS:}/usr/local/bin:/usr/bin:/bin" "${settings[@]}" "$OTHER/mfp" "$@"
    fi
}

# digests: of the wasm, and of the package as `mfp package --json` tells it on stdin.
digests() {
    sha256sum ./*.wasm | cut -d' ' -f1
    python3 -c 'import json, sys; package = json.load(sys.stdin); print(package["sha256"], package["content"])'
}

# compare LANGUAGE TYPE
compare() {
    local language=$1 name=$2-in-$1 is_built=yes here there
    case $language in python | js) is_built="" ;; esac
    one new -q "$ONE/$name" --type "$2" --lang "$language" --author "Ada <ada@example.org>" --vcs none
    [ -n "$is_built" ] || (cd "$ONE/$name" && one build -q)
    mkdir -p "$OTHER/a place/$language"
    # What was installed for the build stays behind.
    (cd "$ONE" && tar -c --exclude=.venv --exclude=node_modules "$name") | tar -x -C "$OTHER/a place/$language"
    [ -z "$ACCOUNT" ] || chown -R "$ACCOUNT" "$OTHER/a place"
    here=$(cd "$ONE/$name" && { [ -z "$is_built" ] || one build -q; } && one package -q --json --allow-dirty | digests)
    there=$(cd "$OTHER/a place/$language/$name" && { [ -z "$is_built" ] || other build -q; } && other package -q --json --allow-dirty | digests)
    [ "$here" = "$there" ] || fail "$name: not the same bytes:"$'\n'"$here"$'\n'"$there"
    echo "same.sh: $name: the same ${is_built:+wasm and the same }package${ACCOUNT:+, on two accounts} ($(tail -1 <<<"$here"))"
}

languages=${*:-}
if [ -z "$languages" ]; then
    ! has cargo || languages+=" rust"
    ! has npm || languages+=" assemblyscript"
    ! has clang-19 && ! has clang || languages+=" c"
    ! has zig && ! python3 -c "import ziglang" 2>/dev/null || languages+=" zig"
fi
for language in $languages; do
    for kind in $TYPES; do compare "$language" "$kind"; done
done
