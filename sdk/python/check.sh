#!/usr/bin/env bash
# What must hold for the Python SDK: lints, types, tests, the reference of its API, the distribution, and an installation from its wheel.
#
#   sdk/python/check.sh [PYTEST ARGUMENT…]
#
# It makes a virtual environment in target/sdk-python with what requirements.txt names. The tests want PostgreSQL's programs
# (Debian: postgresql); with CI=true they must be there. MFP=PATH lets the tests call mfp; with COMPONENTS=1 too they build
# components with componentize-py and run them, one after the other and after everything else: a component is compiled within a
# minute of processor time and two of anybody's, which a machine that's full of other work doesn't always have.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
OUT=$(cd ../.. && pwd)/target/sdk-python
PYTHON=${PYTHON:-python3}
BIN=$OUT/venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
[ -z "${MFP-}" ] || MFP=$(cd "$OLDPWD" && realpath "$MFP")
mkdir -p "$OUT"

if ! cmp -s requirements.txt "$OUT/installed.txt"; then
    rm -f "$OUT/installed.txt"
    "$PYTHON" -m venv --clear "$OUT/venv"
    "$BIN/pip" install --quiet -r requirements.txt
    # As MockForge's documentation has it in its tests: see tests/test_old_httpx.py.
    rm -rf "$OUT/old-httpx"
    "$BIN/pip" install --quiet --no-deps --target "$OUT/old-httpx" httpx==0.27.2 sniffio==1.3.1
    cp requirements.txt "$OUT/installed.txt"
fi

# The reference plugin of the conformance suite is over the SDK, and as well kept.
REFERENCE=$(cd ../../fixtures/conformance && pwd)
"$BIN/ruff" format --check --quiet --config pyproject.toml . "$REFERENCE"/{sdk,remote,component}-python
"$BIN/ruff" check --quiet --config pyproject.toml . "$REFERENCE"/{sdk,remote,component}-python
"$BIN/vermin" --target=3.9- --no-tips --quiet src examples
MYPYPATH=src:examples:tests:$REFERENCE/sdk-python "$BIN/mypy" --cache-dir "$OUT/mypy" src examples tests docs.py \
    "$REFERENCE/sdk-python" "$REFERENCE/remote-python"
# The oldest Python, by itself: what others publish for newer ones isn't valid there.
"$BIN/mypy" --cache-dir "$OUT/mypy" --python-version 3.9 --no-site-packages --ignore-missing-imports src

OLD_HTTPX=$OUT/old-httpx MFP=${MFP-} COMPONENTS= "$BIN/pytest" -p no:cacheprovider -n 3 --dist loadfile "$@"
[ -z "${COMPONENTS-}" ] || MFP=${MFP:?with COMPONENTS it must say where mfp is} "$BIN/pytest" -p no:cacheprovider tests/test_component.py tests/test_docs.py

# The reference of its classes and functions.
rm -rf "$OUT/api"
PYTHONPATH=src "$BIN/python" -W error docs.py "$OUT/api"

# The distribution: a wheel from the sdist, from the sources as they are, by the build backend that's installed here.
rm -rf "$OUT/dist"
"$BIN/python" -m build --no-isolation --outdir "$OUT/dist" . >/dev/null
for extra in "" "[fastapi]"; do
    rm -rf "$OUT/fresh"
    "$PYTHON" -m venv "$OUT/fresh"
    if [ -n "$extra" ]; then
        # From what's pinned: a new release of somebody else's mustn't fail this.
        "$OUT/fresh/bin/pip" install --quiet -c requirements.txt "$(echo "$OUT"/dist/*.whl)$extra"
    else
        "$OUT/fresh/bin/pip" install --quiet --no-index "$(echo "$OUT"/dist/*.whl)"
    fi
    (cd "$OUT" && "$OUT/fresh/bin/python" - "${extra:-none}" <<'PROGRAM'
import asyncio, importlib.metadata, importlib.resources, sys
import mockforge_plugin
from mockforge_plugin import App, RemotePlugin

assert "site-packages" in mockforge_plugin.__file__
assert importlib.resources.files("mockforge_plugin").joinpath("py.typed").is_file()
assert importlib.metadata.version("mockforge-plugin") == mockforge_plugin.__version__
app = RemotePlugin().app
assert isinstance(app, App) is (sys.argv[1] == "none"), app
sent = []

async def main():
    async def send(message):
        sent.append(message)
    scope = {"type": "http", "method": "GET", "path": "/health", "raw_path": b"/health", "headers": [], "query_string": b"", "root_path": ""}
    await app(scope, None, send)

asyncio.run(main())
assert b'"status":"healthy"' in sent[1]["body"]
print(f"check.sh: the wheel is installed and answers (extra: {sys.argv[1]})")
PROGRAM
    )
done
rm -rf "$OUT/fresh"
